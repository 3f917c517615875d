"""Explanations as JSON: `version: 1`; it only grows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any

from jobplan.findings.steps import Explanation, Step, SubjectSteps
from jobplan.model import Citation
from jobplan.reports.citation import in_one_line
from jobplan.reports.json import plain


def render(explanation: Explanation, out: IO[str]) -> None:
    """Write an explanation as an object."""
    json.dump(explanation_data(explanation), out, indent=2, ensure_ascii=False)
    out.write("\n")


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON data."""
    return {
        "version": 1,
        "plan": {"id": explanation.plan, "file": explanation.file},
        "policy": {"id": explanation.policy, "title": explanation.policy_title},
        "judged_on": explanation.judged_on,
        "today": explanation.today,
        "rule": {
            "id": explanation.rule,
            "title": explanation.title,
            "topic": explanation.topic,
            "relation": explanation.relation,
            "force": explanation.force,
            "strength": explanation.strength,
            "sentence": explanation.sentence,
            "place": explanation.place,
            "citations": citations(explanation, explanation.citations, explanation.force),
        },
        "verdict": explanation.verdict,
        "subjects": [subject_data(explanation, subject) for subject in explanation.subjects],
    }


def subject_data(explanation: Explanation, subject: SubjectSteps) -> dict[str, Any]:
    """Return one subject as JSON data."""
    return {
        "subject": subject.subject,
        "label": subject.label,
        "open": subject.open,
        "verdict": subject.verdict,
        "as_stated": subject.as_stated,
        "severity": subject.severity,
        "message": subject.message,
        "waived": subject.waived,
        "place": subject.place,
        "reasons": list(subject.reasons),
        "applies": None if subject.applies is None else step_data(explanation, subject.applies),
        "requires": None if subject.requires is None else step_data(explanation, subject.requires),
    }


def step_data(explanation: Explanation, step: Step) -> dict[str, Any]:
    """Return one step as JSON data; what there is nothing to say of is left out."""
    more = {
        "title": step.title,
        "how": step.how,
        "unit": step.unit,
        "relation": step.relation,
        "row": step.row,
        "place": step.place,
        "source": dict(step.source),
        "citations": citations(explanation, step.citations, ""),
        "because": step.because,
        "assumed": step.assumed,
        "agreed": step.agreed,
        "note": step.note,
        "above": step.above,
        "parts": [step_data(explanation, part) for part in step.parts],
    }
    known = {
        "kind": step.kind,
        "text": step.text,
        "value": plain(step.value, step.shown),
        "shown": step.shown,
    }
    return known | {key: value for key, value in more.items() if value}


def citations(explanation: Explanation, cites: Iterable[Citation], force: str) -> list[dict[str, Any]]:
    """Return citations in their two parts, and in one line."""
    return [
        {
            "authority": {"source": cite.authority, "at": cite.at},
            "reading": {
                "source": cite.reading.source,
                "kind": cite.reading.kind,
                "confidence": cite.reading.confidence,
            },
            "text": in_one_line(cite, explanation.sources, force),
        }
        for cite in cites
    ]
