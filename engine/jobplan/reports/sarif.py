"""Reports as SARIF 2.1.0, for viewers of code scanning: a result a finding, with its rule and place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from jobplan.findings.model import Finding, Report
from jobplan.reports import Style
from jobplan.reports.audit_tables import AuditTables, audit_tables, written_whole
from jobplan.reports.citation import in_one_line
from jobplan.version import __version__

NAME = "report.sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 25_000
"""Results of one run that common viewers take; of more there are the gravest."""

LEVELS = {"breach": "error", "query": "warning", "caution": "warning", "advice": "note", "note": "note"}
KINDS = {"gap": "open", "open": "review"}
"""What is violated fails at a level; a gap is open, for a fact is missing; a silence is for review."""

PLACE = re.compile(
    r"(?P<file>[^!]+?)(?:!(?P<sheet>[^:]+))?(?::(?P<line>[1-9]\d*))?(?::(?P<column>[1-9]\d*))?"
)


def render(reports: list[Report], out: IO[str], style: Style) -> None:
    """Write the findings on some plans as one run."""
    found = [
        (report, finding)
        for report in reports
        for finding in report.findings
        if style.gaps or finding.verdict == "violated"
    ]
    rules = {finding.rule: described(report, finding) for report, finding in found}
    version = reports[0].engine_version if reports else __version__
    results = (of_finding(report, finding) for report, finding in found)
    json.dump(log(rules, results, version), out, indent=2, ensure_ascii=False)
    out.write("\n")


def write_sarif(folder: Path, *, most: int = MOST) -> Path:
    """Write the gravest findings of the audit in a folder, and return where they are."""
    with audit_tables(folder) as tables:
        rules = {rule["id"]: of_rule(rule) for policy in tables.policies for rule in policy["rules"]}
        total = tables.one("select count(*) from found")
        told = ""
        if total > most:
            told = (
                f"{most:,} of {total:,} findings are here, the gravest; all are in findings.parquet beside it"
            )
        version = tables.manifest.get("engine", {}).get("version", __version__)
        made = log(rules, results(tables, most), version, told)
    return written_whole(folder / NAME, (json.dumps(made, ensure_ascii=False) + "\n").encode())


def log(
    rules: Mapping[str, Mapping[str, Any]], results: Iterable[dict[str, Any]], version: str, told: str = ""
) -> dict[str, Any]:
    """Return a log of one run; `told` is what has to be said of the run as a whole."""
    index = {rule: place for place, rule in enumerate(rules)}
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if told:
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": told}}]
    driver = {
        "name": "jobplan",
        "semanticVersion": version,
        "rules": list(rules.values()),
    }
    numbered = [{**result, "ruleIndex": index.get(result["ruleId"], -1)} for result in results]
    run = {"tool": {"driver": driver}, "invocations": [invocation], "columnKind": "unicodeCodePoints",
           "results": numbered}  # fmt: skip
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


# --- rules ------------------------------------------------------------------------------------


def described(report: Report, finding: Finding) -> dict[str, Any]:
    """Return the rule behind a finding."""
    cites = [in_one_line(cite, report.sources, finding.force) for cite in finding.citations]
    urls = [url for cite in finding.citations for url in urls_of(report, cite.authority)]
    return descriptor(
        finding.rule, finding.title, finding.otherwise, finding.topic, finding.remedy, cites, urls
    )


def urls_of(report: Report, key: str) -> tuple[str, ...]:
    """Return where a source was found."""
    source = report.sources.get(key)
    return source.urls if source is not None else ()


def of_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule of policies.json."""
    cites = [cite["text"] for cite in rule["cites"]]
    urls = [url for cite in rule["cites"] for url in cite["urls"]]
    return descriptor(rule["id"], rule["title"], rule["severity"], rule["topic"], rule["remedy"], cites, urls)


def descriptor(
    id: str, title: str, severity: str, topic: str, remedy: str, cites: list[str], urls: Iterable[str]
) -> dict[str, Any]:
    """Return a reporting descriptor: what the rule is called, how grave it is, its law."""
    law = "\n".join(cites) or title
    found: dict[str, Any] = {
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": law},
        "help": {"text": "\n\n".join(part for part in (remedy, law) if part)},
        "defaultConfiguration": {"level": LEVELS.get(severity, "none")},
        "properties": {"tags": [topic, severity]},
    }
    link = next((url for url in urls if url.startswith(("https://", "http://"))), "")
    return {**found, "helpUri": link} if link else found


# --- results ----------------------------------------------------------------------------------


def of_finding(report: Report, finding: Finding) -> dict[str, Any]:
    """Return the result for a finding on one plan."""
    return result(
        rule=finding.rule,
        severity=finding.severity,
        text=finding.message.text,
        place=finding.place or report.file,
        key=finding.key,
        waived=finding.waived,
        properties={"plan": report.plan, "row": finding.subject, "otherwise": finding.otherwise},
    )


def results(tables: AuditTables, most: int) -> Iterator[dict[str, Any]]:
    """Yield the results for the gravest findings of an audit."""
    for rule, severity, text, place, key, waived, plan, row, otherwise in tables.rows(
        "select rule, severity, message, place, key, waived, plan, subject, otherwise from found "
        f"order by gravity, place_number limit {int(most)}"
    ):
        more = {"plan": plan, "row": row, "otherwise": otherwise}
        yield result(
            rule=rule, severity=severity, text=text, place=place or "", key=key, waived=waived or "",
            properties=more,
        )  # fmt: skip


def result(
    *, rule: str, severity: str, text: str, place: str, key: str, waived: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one result; what is waived is suppressed, with the waiver's words."""
    made: dict[str, Any] = {
        "ruleId": rule,
        "kind": KINDS.get(severity, "fail"),
        "level": LEVELS.get(severity, "none"),
        "message": {"text": text},
        "partialFingerprints": {"key/v1": key},
        "properties": {"severity": severity, **{name: value for name, value in properties.items() if value}},
    }
    if found := location(place):
        made["locations"] = [found]
    if waived:
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": waived}]
    return made


def location(place: str) -> dict[str, Any] | None:
    """Return where a finding stands: a file with line and column, or the sheet and row of a workbook.

    >>> location("plans/a b.yaml:17:3")["physicalLocation"]["artifactLocation"]
    {'uri': 'plans/a%20b.yaml'}
    >>> location("plans.xlsx!lines:12")["logicalLocations"]
    [{'fullyQualifiedName': 'plans.xlsx!lines:12', 'kind': 'element'}]
    """
    matched = PLACE.fullmatch(place)
    if matched is None or matched["file"] == "-":
        return None
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri_of(matched["file"])}}
    if matched["sheet"]:
        logical = {"fullyQualifiedName": place, "kind": "element"}
        return {"physicalLocation": physical, "logicalLocations": [logical]}
    if matched["line"]:
        column = {"startColumn": int(matched["column"])} if matched["column"] else {}
        physical["region"] = {"startLine": int(matched["line"]), **column}
    return {"physicalLocation": physical}


def uri_of(file: str) -> str:
    """Return a file as a reference, relative to where the command was run unless it is absolute.

    >>> uri_of("plans/a b.yaml"), uri_of("/data/x.csv"), uri_of("../x.csv")
    ('plans/a%20b.yaml', 'file:///data/x.csv', '../x.csv')
    """
    path = PurePosixPath(file.replace("\\", "/"))
    uri = PurePosixPath("/", path).as_uri()
    return uri if path.is_absolute() else uri.removeprefix("file:///")
