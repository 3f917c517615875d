"""Judging depends on what a plan says and on nothing else: not on order, history or other threads."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from small import DAY
from test_backends_agree import documents, england
from test_removal import Remover

from jobplan.backends.judging import ENGINES
from jobplan.backends.rete import AVAILABLE
from jobplan.evaluate import Evaluator, Judged
from jobplan.facts import Plan
from jobplan.source import read_document

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
AT_WORK = [engine for engine in ENGINES if engine != "rete" or AVAILABLE]


@cache
def evaluator(engine: str) -> Evaluator:
    return Evaluator(england(), engine)


@cache
def some_documents() -> list[Mapping[str, Any]]:
    """Return the examples and some random plans, with an id in every row."""
    remover = Remover(england().schema)
    written = [read_document(str(path)).data for path in EXAMPLES[::2]]
    return [remover.named(document) for document in (*written, *documents(Random(11), 16))]


def judged(document: Mapping[str, Any], engine: str) -> Judged:
    plan = evaluator(engine).read(document)
    return judge(plan, engine)


def judge(plan: Plan, engine: str) -> Judged:
    return evaluator(engine).judge(plan, as_of=plan.date or DAY, today=DAY)


def told(found: Judged) -> dict[str, Any]:
    """Return all that judging tells, by rule and row and not by position."""
    judgements = sorted(
        (
            j.rule,
            j.subject.id if j.subject is not None else "",
            j.verdict,
            j.reasons,
            str(j.as_stated),
            j.can_fail,
        )
        for j in found.judgements
    )
    columns = {
        (name, row.id): sorted((key, value) for key, value in row.items() if not hasattr(value, "causes"))
        for name, relation in found.worked.relations.items()
        for row in relation.rows
    }
    return {"judgements": judgements, "measures": dict(found.worked.measures), "columns": columns}


def shuffled(document: Any, random: Random) -> Any:
    """Return a document with its rows, and its keys, in another order."""
    if isinstance(document, dict):
        keys = list(document)
        random.shuffle(keys)
        return {key: shuffled(document[key], random) for key in keys}
    if isinstance(document, list) and all(isinstance(item, dict) for item in document):
        return [shuffled(item, random) for item in random.sample(document, len(document))]
    return document


@pytest.mark.parametrize("engine", AT_WORK)
def test_the_order_of_rows_makes_no_difference(engine: str) -> None:
    random = Random(13)
    for document in some_documents():
        before, after = judged(document, engine), judged(shuffled(document, random), engine)
        assert told(before) == told(after), document["id"]


def test_both_back_ends_tell_the_same() -> None:
    for document in some_documents():
        first, *others = (told(judged(document, engine)) for engine in AT_WORK)
        assert all(other == first for other in others), document["id"]


def inside(plan: Plan) -> Any:
    """Return everything that a plan holds, copied."""
    return {
        name: (
            relation.complete,
            relation.cause,
            relation.open_parents,
            [
                (row.id, dict(row), dict(row.causes), dict(row.texts), dict(row.assumed))
                for row in relation.rows
            ],
        )
        for name, relation in plan.relations.items()
    }


@pytest.mark.parametrize("engine", AT_WORK)
def test_a_plan_judged_again_is_the_same_plan_with_the_same_verdicts(engine: str) -> None:
    for document in some_documents():
        plan = evaluator(engine).read(deepcopy(document))
        before = inside(plan)
        first, second = told(judge(plan, engine)), told(judge(plan, engine))
        assert first == second
        assert inside(plan) == before


@pytest.mark.parametrize("engine", AT_WORK)
def test_threads_that_share_an_evaluator_get_what_one_alone_gets(engine: str) -> None:
    """One plan from four threads, and many plans side by side, by one network and one set of policies."""
    shared = Evaluator(england(), engine)
    plans = [shared.read(document) for document in some_documents()]
    alone = [told(judge(plan, engine)) for plan in plans]

    def work(plan: Plan) -> dict[str, Any]:
        return told(shared.judge(plan, as_of=plan.date or DAY, today=DAY))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [plans[0]] * 16)) == [alone[0]] * 16
        assert list(pool.map(work, plans)) == alone


def test_today_is_an_input() -> None:
    """Nothing is judged by the clock of the machine where a day is given."""
    for document in some_documents()[:5]:
        plan = evaluator("reference").read(document)
        first = evaluator("reference").judge(plan, as_of=plan.date or DAY, today=DAY - 400)
        again = evaluator("reference").judge(plan, as_of=plan.date or DAY, today=DAY - 400)
        assert first.worked.today == DAY - 400
        assert told(first) == told(again)
