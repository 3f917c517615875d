"""Policies and overlays of a few rules for plans of the real schema, written to a folder and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobplan import Evaluator, Finding, Policies, Report, check
from jobplan.findings.model import RuleVerdict

POLICY = "england/tiny"
DAY = "2024-06-01"

SOURCES = {
    "law": {"title": "The law", "publisher": "The makers", "seen": "restatement"},
    "rumour": {"title": "What is told", "publisher": "The makers", "seen": "none"},
    "book": {"title": "A book", "publisher": "The writers", "seen": "original", "restates": ["law"]},
}
NATION = {
    "nation": "england",
    "title": "England",
    "names": {"unit": "PA", "unit/week": "PA a week"},
    "sources": SOURCES,
}
FRAME = {
    "policy": POLICY,
    "version": 1,
    "title": "Tiny terms",
    "nation": "england",
    "contract": "tiny",
    "in_force": {"from": "2000-01-01"},
    "checked_to": "2026-01-01",
    "uses": ["shared"],
}
DECIMALS = {"unit/week": 3, "h": 2, "h/week": 2, "min": 0, "day": 1, "week/year": 1, "percent": 1}

RULE = {"title": "A rule", "message": "it is broken", "force": "contract", "facts": ["T-1"]}


def cite(
    at: str = "1", *, kind: str = "restatement", confidence: str = "high", of: str = "book"
) -> dict[str, Any]:
    """Return a citation; one that is recalled names no place where its words were seen."""
    reading = {"kind": kind, "confidence": confidence}
    return {
        "authority": {"source": "law", "at": at},
        "reading": reading if kind == "recalled" else {"source": of, **reading},
    }


def write(path: Path, data: Mapping[str, Any]) -> Path:
    """Write data as JSON, which is YAML too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def write_policies(
    folder: Path, *topics: Mapping[str, Any], frame: Mapping[str, Any] | None = None, common: Any = ()
) -> Path:
    """Write a folder of policies that holds one, with what rules have to say but tests do not care for."""
    home = folder / POLICY
    units = {unit: {"decimals": decimals} for unit, decimals in DECIMALS.items()}
    shared = {"units": units, **({"common": list(common)} if common else {})}
    write(folder / "common" / "shared.yaml", shared)
    write(home.parent / "nation.yaml", NATION)
    write(home / "policy.yaml", {**FRAME, **(frame or {})})
    for number, topic in enumerate(topics):
        write(home / f"topic-{number}.yaml", completed(topic, cites=[cite()]))
    return folder


def completed(topic: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a topic whose rules have a title, a message, a force and a citation."""
    adopted = {key: value for key, value in {**RULE, **more}.items() if key not in ("title", "message")}
    found = dict(topic)
    for key, defaults in (("rules", {**RULE, **more}), ("adopts", adopted)):
        if key in found:
            found[key] = [{**defaults, **rule} for rule in found[key]]
    return found


def write_overlay(folder: Path, name: str = "trust", **parts: Any) -> Path:
    """Write an overlay, whose rules are local unless they say otherwise."""
    about = {"overlay": name, "agreed_on": "2024-01-01", "parties": ["A trust", "Its doctors"]}
    found = completed({**about, **parts}, force="local", cites=[cite("local 1")])
    write(folder / name / "overlay.yaml", found)
    return folder / name


def policies(
    folder: Path, *topics: Mapping[str, Any], overlays: Iterable[Path] = (), **more: Any
) -> Policies:
    """Return the policies of a folder that holds only these topics, with overlays laid on."""
    return Policies(write_policies(folder / "policies", *topics, **more), tuple(overlays))


def plan(**facts: Any) -> dict[str, Any]:
    """Return a plan that says only what is given."""
    return {"version": 1, "id": "p", "nation": "england", "contract": "tiny", "from_on": DAY, **facts}


def report(of: Policies, data: Any, *, today: str = DAY, **options: Any) -> Report:
    """Check a plan by the reference evaluator; it is today the day of the plan."""
    return check(data, evaluator=Evaluator(of, "reference"), today=today, **options)


def verdicts(found: Report) -> dict[str, str]:
    """Return the plan's one verdict on each rule."""
    return {verdict.rule: verdict.verdict for verdict in found.verdicts}


def verdict(found: Report, rule: str) -> RuleVerdict:
    """Return all that is said of a rule."""
    return next(verdict for verdict in found.verdicts if verdict.rule == rule)


def findings(found: Report, rule: str) -> list[Finding]:
    """Return the findings of one rule."""
    return [finding for finding in found.findings if finding.rule == rule]


def finding(found: Report, rule: str) -> Finding:
    """Return the one finding of a rule."""
    (only,) = findings(found, rule)
    return only
