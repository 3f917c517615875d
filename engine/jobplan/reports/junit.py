"""Reports as JUnit XML, for the boards of build servers: a case a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from jobplan.findings.model import Finding, Report
from jobplan.quoting import quoted
from jobplan.reports import Style
from jobplan.reports.audit_summary import RuleLine, rule_lines
from jobplan.reports.audit_tables import AuditTables, audit_tables, written_whole
from jobplan.reports.citation import in_one_line

NAME = "report.junit.xml"
NAMED = 20
"""Findings that the case of a rule names; the others it counts."""

BARRED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold in any spelling."""


def render(reports: list[Report], out: IO[str], style: Style) -> None:
    """Write a suite for each plan, with a case for each rule; a gap is skipped."""
    root = element("testsuites", name="jobplan")
    for report in reports:
        root.append(suite(f"{report.plan} ({report.file})", [*cases(report, gaps=style.gaps)]))
    out.write(written(summed(root)))


def write_junit(folder: Path) -> Path:
    """Write the audit in a folder with a case for each rule, and return where it is.

    A rule fails that any plan violates; the case names the first of them and counts all. None is left out.
    """
    with audit_tables(folder) as tables:
        root = element("testsuites", name="jobplan audit")
        lines = rule_lines(tables)
        first = first_findings(tables)
        for policy, topic in dict.fromkeys((line.policy, line.rule["topic"]) for line in lines):
            mine = [line for line in lines if (line.policy, line.rule["topic"]) == (policy, topic)]
            made = [of_line(line, first.get((line.policy, line.rule["id"]), [])) for line in mine]
            root.append(suite(f"{policy}/{topic}", made))
    return written_whole(folder / NAME, written(summed(root)).encode())


# --- one plan ---------------------------------------------------------------------------------


def cases(report: Report, *, gaps: bool) -> Iterator[ElementTree.Element]:
    """Yield the case of each rule that applies to a plan, or may."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for verdict in report.verdicts:
        if verdict.verdict == "not_applicable":
            continue
        found = by_rule.get(verdict.rule, [])
        made = element("testcase", classname=f"{report.policy}.{verdict.topic}", name=verdict.rule)
        broken = [finding for finding in found if finding.verdict == "violated" and not finding.waived]
        if broken:
            cited = in_one_line(broken[0].citations[0], report.sources, broken[0].force)
            text = "\n".join([*(f"{told(finding)}" for finding in broken), cited])
            failure(made, broken[0].severity, verdict.title, text)
        elif any(finding.waived for finding in found):
            skipped(made, "waived: " + "; ".join(dict.fromkeys(f.waived for f in found if f.waived)))
        elif verdict.verdict == "unknown":
            words = [finding.message.text for finding in found if gaps]
            skipped(made, "; ".join(words) or "cannot be judged")
        yield made


def told(finding: Finding) -> str:
    """Return one finding in a line."""
    return ": ".join(part for part in (finding.place, finding.label, finding.message.text) if part)


# --- an audit ---------------------------------------------------------------------------------


def first_findings(tables: AuditTables) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """Return of each rule its first findings that are not waived, as plan, place, message."""
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    ranked = f"row_number() over (partition by policy, rule order by place_number) as {quoted('rank')}"
    for policy, rule, plan, place, message in tables.rows(
        f"select policy, rule, plan, coalesce(place, ''), message from (select *, {ranked} from found "
        f"where verdict = 'violated' and not is_waived) where {quoted('rank')} <= {NAMED} "
        "order by policy, rule, place_number"
    ):
        found.setdefault((policy, rule), []).append((plan, place, message))
    return found


def of_line(line: RuleLine, first: Sequence[tuple[str, str, str]]) -> ElementTree.Element:
    """Return the case of one rule of an audit."""
    made = element("testcase", classname=f"{line.policy}.{line.rule['topic']}", name=line.rule["id"])
    count = line.findings - line.waived
    if count:
        cited = [cite["text"] for cite in line.rule["cites"][:1]]
        named = [
            f"{plan}: {place}: {message}" if place else f"{plan}: {message}" for plan, place, message in first
        ]
        more = [f"and {count - len(first):,} more in findings.parquet"] if count > len(first) else []
        said = f"{line.rule['title']}: violated in {line.verdicts['violated']:,} plans"
        failure(made, line.rule["severity"], said, "\n".join([*named, *more, *cited]))
    elif line.findings:
        skipped(made, f"waived in all {line.findings:,} findings")
    elif not line.judged and line.verdicts["unknown"]:
        skipped(made, f"cannot be judged in any of {line.verdicts['unknown']:,} plans")
    return made


# --- XML --------------------------------------------------------------------------------------


def element(tag: str, **attributes: str) -> ElementTree.Element:
    """Return an element; what XML cannot hold stands as a sign."""
    return ElementTree.Element(tag, {name: clean(text) for name, text in attributes.items()})


def clean(text: str) -> str:
    """Return a text that XML can hold.

    >>> clean("a\\x00b")
    'a\N{REPLACEMENT CHARACTER}b'
    """
    return BARRED.sub("\N{REPLACEMENT CHARACTER}", text)


def failure(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    """Say that a case failed."""
    made = element("failure", type=kind, message=message)
    made.text = clean(text)
    case.append(made)


def skipped(case: ElementTree.Element, message: str) -> None:
    """Say why a case has no answer."""
    case.append(element("skipped", message=message))


def suite(name: str, cases: Sequence[ElementTree.Element]) -> ElementTree.Element:
    """Return a suite of cases with its counts."""
    made = element("testsuite", name=name, **counts(cases))
    made.extend(cases)
    return made


def counts(cases: Sequence[ElementTree.Element]) -> Mapping[str, str]:
    """Return how many cases there are, and how many failed or were skipped; none can err or take time."""
    failed, left = (sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped"))
    return {
        "tests": str(len(cases)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(left),
        "time": "0",
    }


def summed(root: ElementTree.Element) -> ElementTree.Element:
    """Return all suites with the sums of their counts."""
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(part.get(name, "0")) for part in root)))
    return root


def written(root: ElementTree.Element) -> str:
    """Return the text of a file."""
    ElementTree.indent(root)
    text: Any = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
