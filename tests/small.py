"""Policies of a few rules, written to a folder and read from there as real ones are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from jobplan.evaluate import Evaluator, Judged
from jobplan.expression.editions import Policies
from jobplan.facts import FactSchema

POLICY = "test/small"
DAY = date(2024, 6, 1).toordinal()

CITES = [
    {
        "authority": {"source": "made-up", "at": "1"},
        "reading": {"source": "made-up", "kind": "original", "confidence": "high"},
    }
]
NATION = {"nation": "test", "title": "Test", "sources": {"made-up": {"title": "Made up", "seen": "original"}}}
FRAME = {
    "policy": POLICY,
    "version": 1,
    "title": "Small",
    "nation": "test",
    "contract": "small",
    "in_force": {"from": "1990-01-01"},
    "checked_to": "2024-06-01",
    "uses": ["shared"],
}
RULE = {"title": "A rule", "message": "it is broken", "force": "contract", "cites": CITES, "facts": ["T-1"]}


def write_policy(folder: Path, *topics: Mapping[str, Any]) -> Path:
    """Write topics to a folder of policies, with what every rule has to say but tests do not care for."""
    home = folder / POLICY
    home.mkdir(parents=True)
    (folder / "common").mkdir()
    common = [template for topic in topics for template in topic.get("common", ())]
    _write(folder / "common" / "shared.yaml", {"common": common} if common else {"units": {}})
    _write(home.parent / "nation.yaml", NATION)
    _write(home / "policy.yaml", FRAME)
    for number, topic in enumerate(topics):
        _write(home / f"topic-{number}.yaml", completed(topic))
    return folder


def completed(topic: Mapping[str, Any]) -> dict[str, Any]:
    """Return a topic whose rules have a title, a message, a force and a citation."""
    found = {key: value for key, value in topic.items() if key != "common"}
    for key, defaults in (("rules", RULE), ("adopts", {k: v for k, v in RULE.items() if k != "message"})):
        if key in found:
            found[key] = [{**defaults, **rule} for rule in found[key]]
    return found


def small_policies(folder: Path, schema: FactSchema, *topics: Mapping[str, Any]) -> Policies:
    """Return the policies of a folder that holds only these topics."""
    return Policies(write_policy(folder, *topics), (), schema)


def judge(
    evaluator: Evaluator, given: Mapping[str, Any], *, on: int = DAY, today: int | None = None
) -> Judged:
    """Judge a plan that says only what is given."""
    plan = evaluator.read({"id": "p", **given})
    return evaluator.judge(plan, as_of=on, today=on if today is None else today, policy=POLICY)


def verdicts_by_row(judged: Judged) -> dict[tuple[str, str], str]:
    """Return every verdict by rule and row id; the id of rows that may be missing is `?`."""
    return {
        (judgement.rule, judgement.subject.id if judgement.subject is not None else "?"): judgement.verdict
        for judgement in judged.judgements
    }


def ordinal(day: str) -> int:
    """Return a written day as an ordinal."""
    return date.fromisoformat(day).toordinal()


def texts(problems: Iterable[Any]) -> str:
    """Return what problems say, one a line."""
    return "\n".join(problem.message for problem in problems)


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
