"""The gaps of many plans at once are, text for text, those that each plan is told alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from sql_compare import judged
from strategies import PlanMaker
from test_backends_agree import ENGLAND, england, limits
from tiny import plan, policies, report

from jobplan import Evaluator, Policies
from jobplan.facts import Plan
from jobplan.findings.bulk.findings import BulkFindings
from jobplan.findings.bulk.gaps import BulkGaps
from jobplan.findings.bulk.waivers import load_waivers
from jobplan.findings.model import Finding
from jobplan.policy.read import lifted_by

DAY = date(2025, 4, 1).toordinal()
REASON = ("kind", "relation", "row", "field", "cause", "text")
TOLD = (
    "relation", "label", "verdict", "severity", "otherwise", "message", "as_stated", "waived", "assumptions",
    "key", "subjects", "reasons", "unstated",
)  # fmt: skip


ASSUMED = (
    {"fact": "plan.contracted_units", "value": 10, "why": "custom"},
    {"fact": "activity.weekday", "value": "monday", "why": "custom"},
)


def alone(evaluator: Evaluator, plans: Sequence[Plan], policy: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the gaps that each plan is told alone, by plan, rule and subject."""
    return {
        (number, found.rule, found.subject): as_row(found)
        for number, mine in enumerate(plans)
        for found in evaluator.report(evaluator.judge(mine, as_of=DAY, today=DAY, policy=policy)).findings
        if found.verdict == "unknown"
    }


def as_row(found: Finding) -> dict[str, Any]:
    """Return a gap as a row of the table."""
    values = {name: getattr(found, name) for name in TOLD}
    reasons = [dict(zip(REASON, reason, strict=True)) for reason in found.reasons]
    return {
        **values,
        "message": found.message.text,
        "reasons": reasons,
        "assumptions": list(found.assumptions),
    }


def together(
    evaluator: Evaluator, plans: Sequence[Plan], policy: str
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the gaps that the plans are told as one chunk, in the same way."""
    program = evaluator.policies.program(policy, DAY)
    schema = evaluator.policies.schema
    chunk = judged(program, schema, plans, DAY)
    bulk = BulkFindings(evaluator.basis(program), DAY)
    load_waivers(chunk.connection, bulk, stated(plans), lifted_by())
    BulkGaps(bulk).make(chunk.connection, frozenset(assumed(evaluator, plans)))
    answer = chunk.connection.execute('SELECT * FROM "work"."gaps"')
    names = [column[0] for column in answer.description]
    rows = [dict(zip(names, values, strict=True)) for values in answer.fetchall()]
    chunk.connection.close()
    found = {(row["P"], row["rule"], row["subject"]): {name: row[name] for name in TOLD} for row in rows}
    assert len(found) == len(rows)
    return found


def stated(plans: Iterable[Plan]) -> list[tuple[int, str]]:
    """Return the waivers that plans state."""
    return [(number, json.dumps(waiver)) for number, mine in enumerate(plans) for waiver in mine.waivers]


def assumed(evaluator: Evaluator, plans: Iterable[Plan]) -> set[tuple[str, str]]:
    """Return the facts that are assumed in any plan."""
    rows = (row for mine in plans for relation in mine.relations.values() for row in relation.rows)
    return {(row.relation, name) for row in rows for name in row.assumed}


def wrong(evaluator: Evaluator, plans: Sequence[Plan], policy: str) -> list[str]:
    """Return where the gaps differ."""
    one, many = alone(evaluator, plans, policy), together(evaluator, plans, policy)
    found = []
    for key in dict.fromkeys((*one, *many)):
        left, right = one.get(key), many.get(key)
        if left is None or right is None:
            found.append(f"{key}: {'only together' if left is None else 'only alone'}")
            continue
        found += [
            f"{key} {name}: {left[name]!r}, SQL {right[name]!r}" for name in TOLD if left[name] != right[name]
        ]
    return found


def waivers(random: Random, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a few waivers, some of them for one row."""
    rules = england().checked(ENGLAND).policy.rules
    rows = [row["id"] for rows in document.values() if isinstance(rows, list) for row in rows if "id" in row]
    parties = sorted({party for groups in lifted_by().values() for group in groups for party in group})
    return [
        {
            "rule": random.choice(sorted(rules)),
            "row": random.choice(["all", "all", *rows]),
            "reason": "it was agreed",
            "agreed_by": parties,
            "until": random.choice(["none", "2030-01-01", "2020-01-01"]),
        }
        for _ in range(random.choice((0, 0, 40)))
    ]


def test_gaps_of_random_plans_are_those_of_each_alone() -> None:
    random = Random(3)
    evaluator = Evaluator(england(), "reference")
    fixed = {"nation": "england", "contract": "consultant-2003", "from_on": "2025-04-01"}
    maker = PlanMaker(england().schema, random, limits(), fixed=fixed)
    plans = []
    for document in maker.plans(24):
        written = {**document, "waivers": waivers(random, document)}
        plans.append(evaluator.read(written, ASSUMED if random.random() < 0.3 else ()))
    assert wrong(evaluator, plans, ENGLAND)[:3] == []
    told = alone(evaluator, plans, ENGLAND).values()
    seen = Counter(
        name for row in told for name in ("waived", "as_stated", "assumptions", "unstated") if row[name]
    )
    assert min(seen[name] for name in ("waived", "as_stated", "assumptions", "unstated")) > 0


ROWS = {
    "rules": [
        {"id": "each-place", "for_each": "activity", "requires": "hours_a_week > 1"},
        {"id": "each-start", "for_each": "activity", "applies": "starts > 60", "requires": "ends > starts"},
        {"id": "owner", "for_each": "plan", "requires": "silent('who owns it')"},
    ]
}


def rows(*given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan of some activities."""
    return plan(activity=[{"id": f"row-{number}", **row} for number, row in enumerate(given)])


def test_a_gap_names_few_rows_and_counts_the_others(tmp_path: Path) -> None:
    terms = policies(tmp_path, ROWS)
    same = [{"title": "Ward", "weekday": "monday"}] * 2
    named = [{"title": title, "weekday": "friday"} for title in "abcde"]
    check_tiny(terms, rows(*same, *named), rows(*same), rows(*same[:1]), rows(), plan())


def test_a_gap_quotes_what_cannot_be_read_or_has_several_values(tmp_path: Path) -> None:
    terms = policies(tmp_path, ROWS)
    odd: list[dict[str, Any]] = [
        {"starts": {"either": ["09:00", "10:00"]}},
        {"unreadable": {"starts": "nine"}},
        {"starts": "09:00"},
    ]
    check_tiny(terms, rows(*odd), rows(*odd[:2], *odd), rows(*odd[1:]))


def check_tiny(terms: Policies, *documents: Mapping[str, Any]) -> None:
    """Check that plans of a small policy are told the same alone and together."""
    evaluator = Evaluator(terms, "reference")
    plans = [evaluator.read({**document, "id": f"p{number}"}) for number, document in enumerate(documents)]
    assert report(terms, documents[0]).findings
    assert wrong(evaluator, plans, "england/tiny") == []
