"""SQL and the reference evaluator agree: on random plans of the real policy, on random rules, on encodings.

`JOBPLAN_PLANS` and `JOBPLAN_SEED` mean what they mean for the other back ends. A split is cut down, saved in
`splits/` and judged again by every later run.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from expressions import SCHEMA, policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import DAY, POLICY, small_policies
from sql_compare import differences, judged
from strategies import Near, PlanMaker
from test_backends_agree import ENGLAND, LONG, PLANS, SEED, SPLITS, cut_by, documents, england, save_as

from jobplan.errors import BrokenPlan, BrokenPolicy
from jobplan.facts import Plan, read_plan

BATCH = 20_000 if LONG else 2_500
SHARDS = -(-PLANS // BATCH)
EXAMPLES = 300 if LONG else 10


def by_day(found: Sequence[Mapping[str, Any]]) -> dict[int, list[tuple[Mapping[str, Any], Plan]]]:
    """Return plans by the day whose edition they are judged by."""
    groups: dict[int, list[tuple[Mapping[str, Any], Plan]]] = {}
    for document in found:
        plan = read_plan(document, england().schema)
        assert plan.date is not None
        groups.setdefault(plan.date, []).append((document, plan))
    return groups


def splits(documents: Sequence[Mapping[str, Any]], *, rows: bool) -> list[tuple[Mapping[str, Any], str]]:
    """Return the plans on which SQL and the reference differ, with the first difference."""
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for place, (day, group) in enumerate(by_day(documents).items()):
        program = england().program(ENGLAND, day)
        plans = [plan for _, plan in group]
        chunk = judged(program, england().schema, plans, day + 30, alone=place == 0)
        for said in differences(chunk, rows=rows):
            number = int(said.split(":")[0].removeprefix("plan "))
            found.setdefault(f"{day} {number}", (group[number][0], said))
        chunk.connection.close()
    return list(found.values())


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sql_and_reference_agree_on_random_plans(shard: int) -> None:
    seed = SEED or (secrets.randbits(32) if LONG else 20031031)
    count = min(BATCH, PLANS)
    made = list(documents(Random(f"sql {seed}/{shard}"), count))
    found = splits(made, rows=shard % 10 == 0)
    if found:
        document, said = found[0]
        saved = save_as(cut_by(dict(document), still_split), said)
        pytest.fail(f"seed {seed}, shard {shard}: {len(found)} plans differ; {said}; saved as {saved}")


def still_split(document: Mapping[str, Any]) -> bool:
    """Tell whether a plan can be read, and SQL differs from the reference on it."""
    try:
        return bool(splits([document], rows=True))
    except BrokenPlan:
        return False


def test_every_split_that_was_found_once_stays_mended_in_sql() -> None:
    saved = [json.loads(path.read_text(encoding="utf-8"))["plan"] for path in sorted(SPLITS.glob("*.json"))]
    assert splits(saved, rows=True) == []


@settings(
    max_examples=EXAMPLES,
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(topic=policies(), seed=st.integers(0, 1 << 32))
def test_sql_and_reference_agree_on_random_rules(topic: dict[str, Any], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        random = small_policies(Path(folder), SCHEMA, topic)
        try:
            program = random.program(POLICY, DAY)
        except BrokenPolicy:
            return
    made = PlanMaker(SCHEMA, Random(seed), Near({"": {0.0, 1.0, 2.0, 3.0}}, attested=("done",)))
    plans = [read_plan(document, SCHEMA) for document in made.plans(25)]
    chunk = judged(program, SCHEMA, plans, DAY, alone=True)
    assert list(differences(chunk))[:3] == []
    chunk.connection.close()
