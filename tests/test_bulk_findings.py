"""Findings of many plans at once are, text for text, those that each plan gets alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import sql_chunk
import tiny
from bulk_chunk import load, write
from strategies import PlanMaker, near

from jobplan import BrokenPlan, Evaluator, load_policies
from jobplan.authoring.cases import given_plan, read_cases
from jobplan.backends.sql.compile import compile_verdicts
from jobplan.evaluate import Judged, ordinal
from jobplan.findings.bulk.findings import COLUMNS, BulkFindings, assumed_facts, violated_rules
from jobplan.findings.bulk.waivers import effects, load_waivers, mark
from jobplan.findings.make import FindingMaker
from jobplan.findings.model import Finding, WaiverEffect
from jobplan.policy.read import lifted_by

ROOT = Path(__file__).resolve().parent.parent
OVERLAY = ROOT / "examples" / "overlays" / "made-up-trust"
"""Its tables answer look-ups, which is evidence too."""

DAY, TODAY = date(2025, 4, 1).toordinal(), date(2025, 9, 1).toordinal()


Rows = list[dict[str, Any]]


def as_row(at: int, finding: Finding) -> dict[str, Any]:
    """Return a finding as a row of the table, without what only rows have."""
    evidence = [
        {
            "name": e.name,
            "relation": e.relation,
            "row": e.row,
            "shown": e.shown,
            "unit": e.unit,
            "assumed": e.assumed,
        }
        for e in finding.evidence
    ]
    return {
        "P": at,
        "rule": finding.rule,
        "relation": finding.relation,
        "subject": finding.subject,
        "label": finding.label,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "otherwise": finding.otherwise,
        "message": finding.message.text,
        "evidence": evidence,
        "as_stated": finding.as_stated,
        "waived": "",
        "assumptions": list(finding.assumptions),
        "place": finding.place,
        "key": finding.key,
        "subjects": finding.subjects,
    }


def alone(evaluator: Evaluator, judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    """Yield what each plan gets alone."""
    for at, plan in enumerate(judged):
        maker = FindingMaker(plan.worked, evaluator.policies.schema, evaluator.basis(plan.worked.program))
        for finding in maker.make(plan.plan, plan.by_row, [()] * len(plan.by_row)):
            yield as_row(at, finding)


def together(evaluator: Evaluator, judged: Sequence[Judged], chunk: duckdb.DuckDBPyConnection) -> Rows:
    """Return what they get as one chunk that has been judged."""
    program, schema = judged[0].worked.program, evaluator.policies.schema
    bulk = BulkFindings(evaluator.basis(program), TODAY)
    ids = [rule.rule.id for rule in program.rules]
    told = chunk.execute(violated_rules(ids)).fetchone()
    assert told is not None
    violated = [rule for rule, is_violated in zip(ids, told, strict=True) if is_violated]
    assumed = set()
    for relation, names, query in assumed_facts(schema):
        counts = chunk.execute(query).fetchone()
        assert counts is not None
        assumed |= {(relation, name) for name, count in zip(names, counts, strict=True) if count}
    for statement in bulk.statements(violated, frozenset(assumed)):
        chunk.execute(statement)
    found = chunk.execute('SELECT * FROM "work"."findings"').fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def by_hand(evaluator: Evaluator, judged: Sequence[Judged]) -> duckdb.DuckDBPyConnection:
    """Return a chunk that the reference evaluator has worked out."""
    chunk = duckdb.connect()
    load(chunk, judged, evaluator.policies.schema)
    return chunk


def by_statements(evaluator: Evaluator, judged: Sequence[Judged]) -> duckdb.DuckDBPyConnection:
    """Return a chunk that the SQL back end has worked out, with the places that reports of one plan have."""
    chunk, program, schema = duckdb.connect(), judged[0].worked.program, evaluator.policies.schema
    attested = program.edition.policy.attested
    sql_chunk.load(chunk, [plan.plan for plan in judged], schema, today=TODAY, attested=attested)
    for relation in schema.relations:
        chunk.execute(f'UPDATE facts."{relation}" SET "@" = NULL')
    for statement in compile_verdicts(program, schema, TODAY).statements:
        chunk.execute(statement)
    return chunk


def compare(evaluator: Evaluator, judged: Sequence[Judged], chunk: duckdb.DuckDBPyConnection) -> int:
    """Compare both for plans of one edition; return how many findings there are."""
    order = {rule.rule.id: place for place, rule in enumerate(judged[0].worked.program.rules)}

    def key(row: dict[str, Any]) -> Any:
        return row["P"], order[row["rule"]], row["subject"] or ""

    expected = sorted(alone(evaluator, judged), key=key)
    found = sorted(together(evaluator, judged, chunk), key=key)
    for row in found:
        row.pop("R")
    for mine, theirs in zip(found, expected, strict=False):
        assert mine == theirs
    assert len(found) == len(expected)
    return len(found)


def by_edition(judged: Sequence[Judged]) -> Iterator[list[Judged]]:
    groups: dict[int, list[Judged]] = {}
    for plan in judged:
        groups.setdefault(id(plan.worked.program), []).append(plan)
    yield from groups.values()


@pytest.mark.parametrize("overlay", [(), (OVERLAY,)])
def test_examples(overlay: tuple[Path, ...]) -> None:
    evaluator = Evaluator(load_policies(overlays=overlay), engine="reference")
    plans = [evaluator.read(str(path)) for path in sorted((ROOT / "examples").glob("*.yaml"))]
    judged = [evaluator.judge(plan, today=TODAY, as_of=DAY) for plan in plans]
    assert sum(compare(evaluator, group, by_hand(evaluator, group)) for group in by_edition(judged)) > 15


def test_random_plans() -> None:
    evaluator = Evaluator(load_policies(overlays=[OVERLAY]), engine="reference")
    policy = evaluator.policies.checked("england/consultant-2003").policy
    maker = PlanMaker(
        evaluator.policies.schema,
        Random(21),
        near(policy),
        fixed={"nation": "england", "contract": "consultant-2003", "from_on": "2025-06-01"},
    )
    judged = []
    for document in maker.plans(150):
        try:
            judged.append(evaluator.judge(evaluator.read(document), today=TODAY))
        except BrokenPlan:
            continue
    (group,) = by_edition(judged)
    assert compare(evaluator, group, by_statements(evaluator, group)) > 1000


@pytest.mark.parametrize("policy", load_policies().names())
def test_policy_cases(policy: str) -> None:
    evaluator = Evaluator(load_policies(), engine="reference")
    checked = evaluator.policies.checked(policy).policy
    judged, day = [], ordinal(checked.about.get("checked_to"))
    for number, case in enumerate(read_cases(evaluator.policies.folder / policy, checked)[::4]):
        document = given_plan(case, evaluator, policy)
        document.data["id"] = f"case {number}"
        try:
            judged.append(evaluator.judge(evaluator.read(document), as_of=day, today=TODAY, policy=policy))
        except BrokenPlan:
            continue
    (group,) = by_edition(judged)
    assert compare(evaluator, group, by_hand(evaluator, group)) > 100


# --- waivers -------------------------------------------------------------------------------------

RULES = [
    {
        "id": "short",
        "for_each": "activity",
        "requires": "hours_each <= 4",
        "message": "{title} lasts {hours_each} h",
        "waivable": "by_doctor",
    },
    {"id": "full", "for_each": "plan", "requires": "full_time", "waivable": "by_local_agreement"},
    {"id": "never", "for_each": "plan", "requires": "full_time", "waivable": "never"},
]
PARTS = {
    "rule": ("short", "short", "full", "never", "no-such-rule"),
    "row": ("all", "all", "list", "round", "no-such-row"),
    "reason": ("It suits", "It suits both", ""),
    "agreed_by": (["doctor"], ["doctor", "employer"], ["local_agreement"], []),
    "agreed_on": ("2024-01-01", "2025-12-01"),
    "until": ("none", "2026-01-01", "2025-01-01"),
}
GROUPS = [
    {"rule": "short", "plans": "specialty = 'a' and full_time", "until": "none"},
    {"rule": "full", "until": "2025-01-01"},
    {"rule": "full", "plans": "specialty <> 'b' or contracted_units > 10", "until": "none"},
]


def random_plan(random: Random, number: int) -> dict[str, Any]:
    """Return a plan with facts that may be missing, and waivers that may be good."""
    optional = {
        "full_time": random.choice((True, False, None)),
        "specialty": random.choice(("a", "b", None, {"either": ["a", "b"]})),
        "contracted_units": random.choice((8, 12, None)),
    }
    rows = [
        {"id": "list", "title": "List", "hours_each": random.choice((3, 5))},
        {"id": "round", **({"hours_each": 6} if random.random() < 0.5 else {})},
        {"id": "ward"},
    ]
    waivers = [
        {
            part: random.choice(choices)
            for part, choices in PARTS.items()
            if part == "rule" or random.random() < 0.9
        }
        for _ in range(random.randrange(4))
    ]
    facts = {name: value for name, value in optional.items() if value is not None}
    return {**tiny.plan(**facts), "id": f"p{number}", "activity": rows, "waivers": waivers}


def test_waivers(tmp_path: Path) -> None:
    agreed = {"agreed_by": ["local_agreement", "doctor"], "reason": "All of them"}
    overlay = tiny.write_overlay(tmp_path, waivers=[{**group, **agreed} for group in GROUPS])
    evaluator = Evaluator(tiny.policies(tmp_path, {"rules": RULES}, overlays=[overlay]), engine="reference")
    random = Random(3)
    documents = [random_plan(random, number) for number in range(150)]
    judged = [evaluator.judge(evaluator.read(document), today=TODAY) for document in documents]
    reports = [evaluator.report(plan) for plan in judged]
    program, schema = judged[0].worked.program, evaluator.policies.schema
    chunk = duckdb.connect()
    load(chunk, judged, schema)
    bulk = BulkFindings(evaluator.basis(program), TODAY)
    stated = [(at, json.dumps(item)) for at, plan in enumerate(judged) for item in plan.plan.waivers]
    assert load_waivers(chunk, bulk, stated, lifted_by()) > 150
    for statement in bulk.statements([rule["id"] for rule in RULES]):
        chunk.execute(statement)
    gaps = [
        {**as_row(at, found), "R": number}
        for at, report in enumerate(reports)
        for number, found in enumerate(report.findings)
        if found.verdict == "unknown"
    ]
    columns = {name: kind for name, kind in COLUMNS.items() if name not in ("evidence", "subjects")}
    write(chunk, "work", "gaps", columns, gaps)
    for table in ("findings", "gaps"):
        chunk.execute(mark(table))
    found = chunk.execute(
        "SELECT P, key, waived FROM work.findings UNION ALL SELECT P, key, waived FROM work.gaps"
    ).fetchall()
    assert sorted(found) == sorted((at, f.key, f.waived) for at, r in enumerate(reports) for f in r.findings)
    assert sum(bool(waived) for _, _, waived in found) > 50
    told = chunk.execute(effects("findings", "gaps")).fetchall()
    expected = [(at, *effect_row(effect)) for at, report in enumerate(reports) for effect in report.waivers]
    assert [(plan, *rest) for plan, _, *rest in told] == expected


def effect_row(effect: WaiverEffect) -> tuple[Any, ...]:
    row = dataclasses.asdict(effect)
    return tuple(list(value) if isinstance(value, tuple) else value for value in row.values())
