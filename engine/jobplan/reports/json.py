"""Reports as JSON: `version: 1`, the shape of schemas/report.schema.json; it only grows."""

from __future__ import annotations

import json
from typing import IO, Any

from jobplan.findings.model import Evidence, Finding, Report
from jobplan.model import Citation
from jobplan.reports import Style
from jobplan.reports.citation import in_one_line


def render(reports: list[Report], out: IO[str], style: Style) -> None:
    """Write one report as an object; a list where several plans were asked for."""
    data = [report_data(report, gaps=style.gaps) for report in reports]
    json.dump(data[0] if len(data) == 1 and not style.many else data, out, indent=2, ensure_ascii=False)
    out.write("\n")


def report_data(report: Report, *, gaps: bool = True) -> dict[str, Any]:
    """Return a report as JSON data; without `gaps` only what is violated is among the findings."""
    kept = [finding for finding in report.findings if gaps or finding.verdict == "violated"]
    return {
        "version": 1,
        "engine": {"version": report.engine_version, "verdicts_by": report.engine},
        "plan": {"id": report.plan, "digest": report.digest, "file": report.file},
        "policy": {
            "id": report.policy,
            "title": report.policy_title,
            "digest": report.policy_digest,
            "overlays": list(report.overlays),
        },
        "judged_on": report.judged_on,
        "today": report.today,
        "summary": dict(report.summary),
        "verdicts": [
            {
                "rule": v.rule,
                "title": v.title,
                "topic": v.topic,
                "verdict": v.verdict,
                "counts": dict(v.counts),
                "as_stated": v.as_stated,
                "waived": v.waived,
            }
            for v in report.verdicts
        ],
        "measures": [
            {"name": m.name, "title": m.title, "value": plain(m.value, m.shown), "unit": m.unit}
            for m in report.measures
        ],
        "findings": [finding_data(report, finding) for finding in kept],
        "waivers": [
            {
                "rule": w.rule,
                "row": w.row,
                "reason": w.reason,
                "agreed_by": list(w.agreed_by),
                "until": w.until,
                "origin": w.origin,
                "lifts": list(w.lifts),
                "without_effect": w.without_effect,
            }
            for w in report.waivers
        ],
        "assumptions": [dict(item) for item in report.assumptions],
        "notes": list(report.notes),
        "extensions": dict(report.extensions),
    }


def finding_data(report: Report, finding: Finding) -> dict[str, Any]:
    """Return one finding as JSON data."""
    return {
        "key": finding.key,
        "rule": finding.rule,
        "topic": finding.topic,
        "title": finding.title,
        "relation": finding.relation,
        "subject": finding.subject,
        "label": finding.label,
        "subjects": finding.subjects,
        "verdict": finding.verdict,
        "as_stated": finding.as_stated,
        "severity": finding.severity,
        "otherwise": finding.otherwise,
        "message": {
            "key": finding.message.key,
            "values": dict(finding.message.values),
            "text": finding.message.text,
        },
        "remedy": finding.remedy,
        "protects": finding.protects,
        "force": finding.force,
        "strength": finding.strength,
        "citations": [citation_data(report, citation, finding.force) for citation in finding.citations],
        "rests_on": [citation_data(report, citation, "") for citation in finding.rests_on],
        "assurance": dict(finding.assurance),
        "evidence": [evidence_data(item) for item in finding.evidence],
        "reasons": [
            {
                "kind": r.kind,
                "relation": r.relation,
                "row": r.row,
                "field": r.field,
                "cause": r.cause,
                "text": r.text,
            }
            for r in finding.reasons
        ],
        "assumptions": list(finding.assumptions),
        "waived": finding.waived,
        "unstated": finding.unstated,
        "place": finding.place,
    }


def citation_data(report: Report, citation: Citation, force: str) -> dict[str, Any]:
    """Return one citation in its two parts, and in one line."""
    source = report.sources.get(citation.authority)
    return {
        "authority": {
            "source": citation.authority,
            "title": source.title if source is not None else "",
            "at": citation.at,
            "urls": list(source.urls) if source is not None else [],
        },
        "reading": {
            "source": citation.reading.source,
            "kind": citation.reading.kind,
            "confidence": citation.reading.confidence,
        },
        "text": in_one_line(citation, report.sources, force),
    }


def evidence_data(item: Evidence) -> dict[str, Any]:
    """Return one piece of evidence as JSON data."""
    return {
        "name": item.name,
        "relation": item.relation,
        "row": item.row,
        "value": plain(item.value, item.shown),
        "shown": item.shown,
        "unit": item.unit,
        "title": item.title,
        "place": item.place,
        "source": dict(item.source),
        "assumed": item.assumed,
        "agreed": item.agreed,
    }


def plain(value: Any, shown: str) -> Any:
    """Return a value as JSON has it; a date, an ordinal inside, as its text."""
    if isinstance(value, bool) or not isinstance(value, int):
        return list(value) if isinstance(value, tuple) else value
    return shown
