"""SQL tells of every unknown judgement that can fail the reasons that the reference evaluator tells."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from expressions import SCHEMA, policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import DAY, POLICY, small_policies
from sql_compare import Chunk, judged
from strategies import Near, PlanMaker
from test_backends_agree import ENGLAND, LONG, SEED, documents, england

from jobplan.authoring.cases import given_plan, read_cases
from jobplan.backends.judging import Worked, reference, work
from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.reasons import reasons_of
from jobplan.backends.sql.reasons_codes import Codes
from jobplan.errors import BrokenPlan, BrokenPolicy
from jobplan.evaluate import Evaluator, unknown_judgements
from jobplan.expression.program import Program
from jobplan.facts import FactSchema, Plan, fact_schema, read_plan

Key = tuple[int, int | None, int]
"""Plan, row (None for rows that may be missing) and rule."""


def different(program: Program, schema: FactSchema, plans: Sequence[Plan], today: int) -> list[str]:
    """Return where SQL and the reference give different reasons."""
    chunk = judged(program, schema, plans, today)
    planner = reasons_of(program, schema, today)
    for statement in planner.statements(program.rules):
        chunk.connection.execute(n.written(statement)).fetchall()
    found = told(chunk, planner.codes)
    chunk.connection.close()
    wanted: dict[Key, list[tuple[str, ...]]] = {}
    for number, plan in enumerate(plans):
        wanted |= expected(work(program, plan, today), number)
    keys = dict.fromkeys((*wanted, *found))
    return [
        f"{program.rules[key[2]].rule.id}, {key[:2]}: {wanted.get(key)}, SQL {found.get(key)}"
        for key in keys
        if wanted.get(key) != found.get(key)
    ]


def expected(worked: Worked, number: int) -> dict[Key, list[tuple[str, ...]]]:
    """Return the reasons of a plan as the reference gives them, without what only the plan's rows say."""
    found = {}
    unknown = unknown_judgements(worked, reference(worked), None)
    for place, judgements in enumerate(unknown):
        rows = worked.relations[worked.program.rules[place].rule.for_each].rows
        numbers: Mapping[Any, int] = {row: at for at, row in enumerate(rows)}
        for judgement in judgements:
            if judgement.can_fail:
                row = None if judgement.subject is None else numbers[judgement.subject]
                said = [
                    r if r.cause not in ("conflict", "unreadable") else r._replace(text="")
                    for r in judgement.reasons
                ]
                found[(number, row, place)] = [tuple(reason) for reason in said]
    return found


def told(chunk: Chunk, codes: Codes) -> dict[Key, list[tuple[str, ...]]]:
    """Return the reasons of all plans as SQL gives them."""
    ids = dict(ranked(chunk))
    run = chunk.connection.execute
    words: dict[int, str] = {}
    if run("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'work' AND table_name = 'words'").fetchall():
        words = dict(run("SELECT number, text FROM work.words").fetchall())
    places = {
        name: {
            (plan, row.get("R")): at
            for plan, rows in chunk.table(name).items()
            for at, row in enumerate(rows)
        }
        for name in dict.fromkeys(rule.rule.for_each for rule in chunk.program.rules)
    }
    found: dict[Key, list[tuple[str, ...]]] = {}
    for plan, row, rule, why in run("SELECT P, R, rule, why FROM work.lacks").fetchall():
        reasons: list[tuple[str, ...]] = []
        for code in sorted(set(why)):
            lacking = codes.read(code)
            of_root = lacking.relation == chunk.program.checked.world.root
            at = chunk.plans[plan].id if of_root else ids.get((plan, lacking.relation, lacking.rank), "")
            text = lacking.text
            if lacking.kind == "silent" and not text:
                text = words.get(code - codes.said(lacking.field), "")
            reasons.append((lacking.kind, lacking.relation, at, lacking.field, lacking.cause, text))
        of_root = chunk.program.rules[rule].rule.for_each == chunk.program.checked.world.root
        place = places[chunk.program.rules[rule].rule.for_each].get((plan, row))
        found[(plan, 0 if of_root else place, rule)] = reasons
    return found


def ranked(chunk: Chunk) -> Iterator[tuple[tuple[int, str, int], str]]:
    """Yield the ids of rows by plan, relation and rank."""
    run = chunk.connection.execute
    asked = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'ids %'"
    for (name,) in run(asked).fetchall():
        for plan, rank, id in run(f'SELECT P, rank, id FROM work."{name}"').fetchall():
            yield (plan, name.removeprefix("ids "), rank), id


def test_reasons_of_random_plans_are_those_of_the_reference() -> None:
    groups: dict[int, list[Plan]] = {}
    for document in documents(Random(f"reasons {SEED}"), 5000 if LONG else 80):
        plan = read_plan(document, england().schema)
        assert plan.date is not None
        groups.setdefault(plan.date, []).append(plan)
    day = max(groups, key=lambda day: len(groups[day]))
    assert different(england().program(ENGLAND, day), england().schema, groups[day], day + 30)[:3] == []


def test_reasons_of_the_cases_beside_the_rules_are_those_of_the_reference() -> None:
    evaluator = Evaluator(england(), engine="reference")
    day = DAY
    plans = []
    for case in read_cases(england().folder / ENGLAND, england().checked(ENGLAND).policy):
        try:
            plans.append(evaluator.read(given_plan(case, evaluator, ENGLAND)))
        except BrokenPlan:
            continue
    assert (
        different(england().program(ENGLAND, day), england().schema, plans[:: 1 if LONG else 3], day)[
            :3
        ]
        == []
    )


@settings(
    max_examples=300 if LONG else 6,
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(topic=policies(), seed=st.integers(0, 1 << 32))
def test_reasons_of_random_rules_are_those_of_the_reference(topic: dict[str, Any], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            program = small_policies(Path(folder), SCHEMA, topic).program(POLICY, DAY)
        except BrokenPolicy:
            return
    made = PlanMaker(SCHEMA, Random(seed), Near({"": {0.0, 1.0, 2.0, 3.0}}, attested=("done",)))
    plans = [read_plan(document, SCHEMA) for document in made.plans(25)]
    assert different(program, SCHEMA, plans, DAY)[:3] == []


LISTS = fact_schema(
    {"plan": {"x": "number"}, "act": {"n": "number"}, "kid": {"parent": "act", "k": "number"}}
)


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"act": []},
        {"act": [{"n": 1}]},
        {"act": [{"n": 1, "kid": []}, {"id": "b"}]},
        {"act": [], "partial": ["kid"]},
        {"act": [{"id": "a", "kid": [{"k": 1}]}], "partial": ["kid"]},
        {"act": [{"id": "a", "kid": [{"id": "Z"}, {"id": "b"}]}, {"id": "A"}], "partial": ["act"]},
        {"source": {"carries": {"plan": ["x"], "act": ["n"]}}},
        {"source": {"carries": {"plan": ["x"], "act": ["n"]}}, "act": [{"id": "a"}]},
    ],
)
def test_lists_that_are_not_given_are_told_as_the_reference_tells_them(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    topic = {
        "measures": {"all_kids": {"sum": "k", "of": "kid"}},
        "columns": {"act": {"kids": {"count": "k > 0", "of": "kid"}}},
        "rules": [
            {"id": "of-plan", "for_each": "plan", "requires": "all_kids > 1"},
            {"id": "of-act", "for_each": "act", "requires": "kids > n"},
            {"id": "of-kid", "for_each": "kid", "requires": "k > 0"},
        ],
    }
    program = small_policies(tmp_path, LISTS, topic).program(POLICY, DAY)
    plans = [read_plan({"version": 1, "id": "p", **plan}, LISTS)]
    assert different(program, LISTS, plans, DAY) == []
