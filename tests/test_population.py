"""The made-up population says everything that the plan schema can say, and the reader takes all of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pytest.importorskip("numpy", reason="numpy is not installed")

from benchmarks.population import Population, documents, write_tables  # noqa: E402
from benchmarks.population.draw import NONE, SAID  # noqa: E402
from benchmarks.population.tables import BESIDE  # noqa: E402
from jobplan.evaluate import Evaluator  # noqa: E402
from jobplan.expression.editions import load_policies  # noqa: E402
from jobplan.facts import load_schema, read_plan  # noqa: E402

SCHEMA = load_schema()
SMALL = Population(plans=300, seed=3, completeness=0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("population")
    write_tables(SMALL, made)
    return made


@pytest.fixture(scope="module")
def plans() -> list[dict[str, Any]]:
    return list(documents(SMALL))


def test_every_relation_fact_and_stated_none_of_the_schema_occurs() -> None:
    block = Population(plans=6000, seed=1, completeness=1.0).block(0, 6000)
    for name, relation in SCHEMA.relations.items():
        table = block.tables[name]
        assert table.size, name
        for fact in relation.fields.values():
            codes = table.facts[fact.name].codes
            assert (codes == SAID).any(), f"{name}.{fact.name} is never said"
            if fact.none and table.size > 1000:
                assert (codes == NONE).any(), f"{name}.{fact.name} is never stated to be none"


def test_every_choice_that_plans_turn_on_occurs() -> None:
    block = Population(plans=6000, seed=1).block(0, 6000)
    for relation, fact in (
        ("activity", "category"),
        ("activity", "how_often"),
        ("plan", "status"),
        ("on_call", "class"),
    ):
        column = block.tables[relation].facts[fact]
        said = {column.words[place] for place in set(column.values[column.codes == SAID].tolist())}
        declared = SCHEMA.field(relation, fact)
        assert declared is not None
        assert said >= set(declared.choices) - {"superseded", "2"}, (relation, fact)


def test_all_plans_are_valid(plans: list[dict[str, Any]]) -> None:
    for plan in plans[:120]:
        assert read_plan(plan, SCHEMA).id == plan["id"]


def test_plans_lack_facts_and_lists_for_all_causes(plans: list[dict[str, Any]]) -> None:
    left_out = list(documents(replace(SMALL, plans=2, carried=0.5)))
    assert all(set(plan["source"]["carries"]) == set(SCHEMA.relations) for plan in left_out)
    assert any("partial" in plan for plan in plans)
    assert any("activity" not in plan for plan in plans)
    assert any("unreadable" in row for plan in plans for row in plan.get("activity", ()))
    assert any({"either": [1, 2]} in row.values() for plan in plans for row in plan.get("activity", ()))


def test_tables_and_documents_hold_the_same_plans(folder: Path, plans: list[dict[str, Any]]) -> None:
    activity = pq.read_table(folder / "activity.parquet").to_pylist()
    assert activity
    by_plan = Counter(row["plan"] for row in activity)
    assert {plan["id"]: len(plan["activity"]) for plan in plans if plan.get("activity")} == by_plan
    first = {(row["plan"], row["id"]): row for row in activity}
    for plan in plans[:50]:
        for row in plan.get("activity", ()):
            told = first[plan["id"], row["id"]]
            assert told["category"] == row.get("category")
            is_none = row.get("claimed_units") == "none"
            assert (told[f"claimed_units{BESIDE}"] == "none") is is_none
            if isinstance(row.get("claimed_units"), float):
                assert told["claimed_units"] == row["claimed_units"]


def test_lists_say_whether_they_are_given(folder: Path, plans: list[dict[str, Any]]) -> None:
    told = pq.read_table(folder / "plan.parquet", columns=["id", "dispute"]).to_pylist()
    for row, plan in zip(told, plans, strict=True):
        partial = "dispute" in plan.get("partial", ())
        listed = "listed" if plan.get("dispute") else "none" if "dispute" in plan else None
        assert row["dispute"] == ("partial" if partial else listed)


def test_columns_that_the_export_lacks_are_not_written(tmp_path: Path) -> None:
    write_tables(replace(SMALL, plans=20, carried=0.6), tmp_path)
    names = set(pq.read_schema(tmp_path / "activity.parquet").names)
    there = {fact for fact in SCHEMA.relations["activity"].fields if fact in names}
    assert 0 < len(there) < len(SCHEMA.relations["activity"].fields)


def test_the_same_seed_makes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_tables(SMALL, tmp_path)
    for path in sorted(folder.iterdir()):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name
    other = replace(SMALL, plans=20, seed=4)
    assert next(documents(other)) != next(documents(replace(SMALL, plans=20)))


def test_plans_have_about_as_many_rows_as_asked() -> None:
    for rows in (10, 25, 40):
        block = Population(plans=2000, rows=rows, completeness=1.0).block(0, 2000)
        assert abs(block.tables["activity"].size / 2000 - rows) < rows * 0.2


def test_complete_plans_mostly_keep_to_the_rules() -> None:
    evaluator = Evaluator(load_policies(), "reference")
    counts: Counter[str] = Counter()
    for plan in documents(Population(plans=40, completeness=1.0)):
        judged = evaluator.judge(evaluator.read(plan), today=739_404)
        counts.update(judgement.verdict for judgement in judged.judgements)
    assert counts["satisfied"] > 10 * counts["violated"] > 0
    assert counts["not_applicable"] > counts["unknown"] > 0
