"""Documents and tables of plans give the same facts; what is wrong sets plans aside, and counts add up."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobplan.errors import BrokenInput
from jobplan.facts import fact_schema, load_schema, read_plan
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables import Chunk, open_data, write_tables
from jobplan.facts.tables.shape import shape
from jobplan.facts.tables.write import WRITERS
from tests.strategies import PlanMaker

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
SMALL = fact_schema(
    {
        "plan": {"size": "number", "nation": "text", "on_day": "date"},
        "step": {"starts": "clock", "weekday": "weekday", "done": "truth", "parts": "list", "title": "text"},
        "note_of": {"parent": "step", "words": "text"},
    },
    date="on_day",
    policy=("nation",),
)

Facts = dict[str, list[tuple[Any, ...]]]


def facts_of(
    paths: Iterable[Path], schema: FactSchema, size: int = 1000, **options: Any
) -> tuple[Facts, list[Chunk]]:
    """Return every relation's rows, by plan id instead of its number, without places; and the chunks."""
    found: Facts = {name: [] for name in schema.relations}
    connection = duckdb.connect()
    with open_data(paths, schema, **options) as data:
        chunks = []
        for chunk in data.chunks(size):
            chunks.append(chunk)
            chunk.load(connection)
            ids = dict(connection.execute(f'SELECT "P", id FROM facts."{schema.root}"').fetchall())
            for name in schema.relations:
                if connection.execute(f'SELECT 1 FROM facts."{name}" LIMIT 1').fetchall():
                    columns = ", ".join(
                        f'"{column}"' for column in shape(schema, name) if column not in ("P", "@")
                    )
                    rows = connection.execute(f'SELECT "P", {columns} FROM facts."{name}"').fetchall()
                    found[name] += [(ids[number], *row) for number, *row in rows]
    return {name: sorted(rows, key=repr) for name, rows in found.items()}, chunks


def defects_of(chunks: Iterable[Chunk]) -> list[dict[str, Any]]:
    return [told for chunk in chunks for told in chunk.set_aside.to_pylist()]


def write_csv(path: Path, rows: list[list[Any]], delimiter: str = ",", encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)


def small(folder: Path, steps: list[list[Any]], heading: list[str] | None = None) -> Path:
    """Write two plans and some steps as CSV."""
    write_csv(folder / "plan.csv", [["id", "size", "nation", "on_day"], ["p1", 1, "x", "2025-04-01"],
                                    ["p2", 2.5, "y", "2025-04-02"]])  # fmt: skip
    write_csv(
        folder / "step.csv",
        [heading or ["plan", "id", "starts", "weekday", "done", "parts", "title"], *steps],
    )
    return folder


@pytest.fixture(scope="module")
def documents() -> Facts:
    return facts_of(EXAMPLES, load_schema())[0]


@pytest.mark.parametrize("kind", WRITERS)
def test_plans_as_tables_give_the_facts_of_their_documents(
    kind: str, documents: Facts, tmp_path: Path
) -> None:
    schema = load_schema()
    write_tables([read_plan(path, schema) for path in EXAMPLES], schema, tmp_path, kind)
    tables, chunks = facts_of([tmp_path], schema)
    assert defects_of(chunks) == []
    assert tables == documents


@pytest.mark.parametrize("seed", range(2))
def test_random_plans_as_tables_give_the_facts_of_their_documents(seed: int, tmp_path: Path) -> None:
    schema = load_schema()
    plans = [read_plan(plan, schema) for plan in PlanMaker(schema, Random(seed)).plans(12)]
    lines = tmp_path / "plans.jsonl"
    lines.write_text("\n".join(json.dumps(plan.document.data) for plan in plans), encoding="utf-8")
    write_tables(plans, schema, tmp_path / "tables", "parquet")
    documents, told = facts_of([lines], schema)
    tables, chunks = facts_of([tmp_path / "tables"], schema, 8)
    assert defects_of([*told, *chunks]) == []
    assert tables == documents


def test_rows_need_not_stand_plan_by_plan(tmp_path: Path) -> None:
    schema = load_schema()
    plans = [read_plan(path, schema) for path in EXAMPLES[::2]]
    write_tables(plans, schema, tmp_path, "parquet")
    straight = {f"{plan.id}{row.id}" for plan in plans for row in plan.relations["activity"].rows}
    for path in tmp_path.glob("*.parquet"):
        table = pq.read_table(path)
        order = sorted(range(table.num_rows), key=lambda index: (index % 7, index))
        if path.stem != "plan" and "parent" not in table.column_names:
            pq.write_table(table.take(order), path)
    mixed, chunks = facts_of([tmp_path], schema, 8)
    assert defects_of(chunks) == []
    assert {f"{plan}{row_id}" for plan, _, _, row_id, *_ in mixed["activity"]} == straight
    numbers: dict[str, list[int]] = {}
    for plan, number, *_ in mixed["activity"]:
        numbers.setdefault(plan, []).append(number)
    assert all(sorted(found) == list(range(len(found))) for found in numbers.values())


def test_documents_lines_and_tables_make_one_run(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "version: 1\nid: a\nsize: 1\nstep: [{id: s, done: true}]\n", encoding="utf-8"
    )
    (tmp_path / "b.jsonl").write_text(
        '{"version": 1, "id": "b"}\n\n{"version" 1}\n{"version": 1, "id": "c"}\n', encoding="utf-8"
    )
    small(tmp_path / "tables", [["p1", "s1", "09:00", "monday", "yes", "1; 2", "x"]])
    facts, chunks = facts_of([tmp_path], SMALL, 2)
    assert [row[0] for row in facts["plan"]] == ["a", "b", "c", "p1", "p2"]
    assert sum(chunk.read for chunk in chunks) == 6
    (told,) = defects_of(chunks)
    assert (told["row"], told["code"]) == (3, "json-syntax")


def test_a_plan_with_one_bad_cell_is_set_aside_whole_and_the_others_are_judged(tmp_path: Path) -> None:
    rows = [["p1", "s1", "09:00", "monday", "true", "", "x"], ["p1", "s2", "9 o'clock", "", "", "", "x"],
            ["p2", "s1", "10:00", "friday", "no", "", "x"]]  # fmt: skip
    facts, (chunk,) = facts_of([small(tmp_path, rows)], SMALL)
    assert [row[0] for row in facts["plan"]] == ["p2"]
    assert [row[0] for row in facts["step"]] == ["p2"]
    (told,) = defects_of([chunk])
    assert (told["row"], told["column"], told["plan"], told["code"]) == (3, "starts", "p1", "wrong-form")
    assert "expected a clock time" in told["reason"]
    assert (chunk.rows["step"].read, chunk.rows["step"].set_aside) == (3, 2)


def test_the_line_of_a_row_is_told_where_cells_have_line_breaks(tmp_path: Path) -> None:
    rows = [["p1", "s1", "09:00", "", "", "", "two\nlines"], ["p1", "s2", "25:00", "", "", "", "x"]]
    _, (chunk,) = facts_of([small(tmp_path, rows)], SMALL)
    assert defects_of([chunk])[0]["row"] == 4


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_found_out(delimiter: str, encoding: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "plan.csv", [["id", "size", "nation"], ["p1", 1.5, "côté"]], delimiter, encoding)
    facts, chunks = facts_of([tmp_path], SMALL)
    assert defects_of(chunks) == []
    assert "côté" in facts["plan"][0]


def test_windows_encoding_is_read_and_noted(tmp_path: Path) -> None:
    write_csv(tmp_path / "plan.csv", [["id", "nation"], ["p1", "côté"]], encoding="cp1252")
    with open_data([tmp_path], SMALL) as data:
        assert ["Windows-1252" in note for note in data.notes] == [True]


def test_a_row_with_too_many_cells_sets_its_plan_aside(tmp_path: Path) -> None:
    rows = [["p1", "s1", "09:00", "", "", "", "x", "more"], ["p2", "s1", "09:00", "", "", "", "x"]]
    facts, (chunk,) = facts_of([small(tmp_path, rows)], SMALL)
    assert [row[0] for row in facts["plan"]] == ["p2"]
    assert [(told["row"], told["code"]) for told in defects_of([chunk])] == [(2, "wrong-size")]


def test_equal_ids_set_all_of_their_plans_aside(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"version": 1, "id": "p1"}', encoding="utf-8")
    small(tmp_path / "t", [["p1", "s1", "09:00", "", "", "", ""], ["p2", "s1", "", "", "", "", ""]])
    facts, chunks = facts_of([tmp_path], SMALL)
    assert [row[0] for row in facts["plan"]] == ["p2"]
    assert [told["code"] for told in defects_of(chunks)] == ["same-plan", "same-plan"]


def test_equal_ids_in_documents_are_found_in_whatever_way_they_are_written(tmp_path: Path) -> None:
    texts = {
        "a.yaml": "version: 1\nid: same # here\n",
        "b.yaml": '{version: 1, "id": "same"}',
        "c.yaml": "version: 1\nid: c\n",
        "d.json": '{"id": "same", "version": 1}',
        "e.yaml": "version: 1\n'id': >-\n  same\n",
        "f.jsonl": '\n{"version": 1, "id": "f"}\n{"version": 1, "id": "same"}\n',
    }
    for name, words in texts.items():
        (tmp_path / name).write_text(words, encoding="utf-8")
    facts, chunks = facts_of([tmp_path], SMALL, 2)
    assert [row[0] for row in facts["plan"]] == ["c", "f"]
    assert [(Path(told["file"]).name, told["code"]) for told in defects_of(chunks)] == [
        (name, "same-plan") for name in ("a.yaml", "b.yaml", "d.json", "e.yaml", "f.jsonl")]  # fmt: skip


def test_rows_of_no_plan_and_of_no_parent_are_told_of(tmp_path: Path) -> None:
    small(tmp_path, [["p1", "s1", "", "", "", "", ""], ["p9", "s1", "", "", "", "", ""]])
    write_csv(tmp_path / "note_of.csv", [["plan", "parent", "words"], ["p1", "s1", "a"], ["p2", "s1", "b"]])
    facts, (chunk,) = facts_of([tmp_path], SMALL)
    assert {(told["code"], told["row"], told["relation"]) for told in defects_of([chunk])} == {
        ("unknown-plan", 3, "step"), ("unknown-row", 3, "note_of")}  # fmt: skip
    assert [row[0] for row in facts["note_of"]] == ["p1"]
    assert facts["note_of"][0][2] == 0  # the number of the row above


@pytest.mark.parametrize(
    ("word", "rows", "code", "given"),
    [
        ("listed", 1, None, None),
        ("none", 0, None, None),
        ("", 1, None, None),
        ("", 0, None, 0),
        ("partial", 1, None, 5),
        ("not_carried", 0, None, 2),
        ("none", 1, "not-together", None),
        ("lots", 0, "unknown-choice", None),
    ],
)
def test_a_list_is_given_or_not(
    word: str, rows: int, code: str | None, given: int | None, tmp_path: Path
) -> None:
    write_csv(tmp_path / "plan.csv", [["id", "step"], ["p1", word], ["p2", ""]])
    write_csv(tmp_path / "step.csv", [["plan", "id"], *[["p1", "s1"]] * rows, ["p2", "s1"]])
    connection = duckdb.connect()
    with open_data([tmp_path], SMALL) as data:
        (chunk,) = data.chunks(10)
        chunk.load(connection)
    assert [told["code"] for told in defects_of([chunk])] == ([] if code is None else [code])
    found = (
        connection.execute("SELECT \"step#\" FROM facts.plan WHERE id = 'p1'").fetchall()
        if code is None
        else []
    )
    assert found == ([] if code else [(given,)])


def test_columns_that_are_absent_are_not_carried_and_blank_cells_are_blank(tmp_path: Path) -> None:
    small(tmp_path, [["p1", "s1", ""]], ["plan", "id", "starts"])
    connection = duckdb.connect()
    with open_data([tmp_path], SMALL) as data:
        (chunk,) = data.chunks(10)
        chunk.load(connection)
    assert connection.execute('SELECT "starts?", "done?" FROM facts.step').fetchall() == [(None, 2)]


def test_a_column_that_no_schema_knows_is_told_of_and_not_read(tmp_path: Path) -> None:
    small(tmp_path, [["p1", "s1", "09:00"]], ["plan", "id", "start"])
    facts, (chunk,) = facts_of([tmp_path], SMALL)
    (told,) = defects_of([chunk])
    assert (told["code"], told["column"], told["help"]) == (
        "unknown-field",
        "start",
        "did you mean `starts`?",
    )
    assert len(facts["plan"]) == 2


def test_typed_columns_are_read_as_they_are(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [7], "on_day": [date(2025, 4, 1)]}), tmp_path / "plan.parquet")
    step = pa.table({"plan": [7, 7], "id": ["a", "b"], "starts": pa.array([540, None], pa.int16()),
                     "starts_is": [None, "unreadable: smudged"], "weekday": pa.array([8, 1], pa.int8()),
                     "done": [True, None], "parts": [["x"], []]})  # fmt: skip
    pq.write_table(step, tmp_path / "step.parquet")
    connection = duckdb.connect()
    with open_data([tmp_path], SMALL) as data:
        (chunk,) = data.chunks(10)
        chunk.load(connection)
    assert defects_of([chunk]) == []
    columns = '"R", starts, "starts?", "starts!", weekday, done, parts'
    assert connection.execute(f"SELECT {columns} FROM facts.step ORDER BY 1").fetchall() == [
        (0, 540.0, None, None, 8.0, True, ["x"]), (1, None, 3, "smudged", 1.0, None, [])]  # fmt: skip


def test_what_the_user_assumes_fills_what_tables_lack(tmp_path: Path) -> None:
    rows = [["p1", "s1", "", "", "", "", ""], ["p1", "s2", "10:00", "", "", "", ""]]
    assumed = [{"fact": "step.starts", "value": "09:00", "why": "custom"}]
    facts, _ = facts_of([small(tmp_path, rows)], SMALL, assumptions=assumed)
    columns = ["plan", *(column for column in shape(SMALL, "step") if column not in ("P", "@"))]
    found = [dict(zip(columns, row, strict=True)) for row in facts["step"]]
    assert [(row["starts"], row["starts~"]) for row in found] == [(540.0, "step.starts"), (600.0, None)]


def test_tables_may_be_folders_of_parts(tmp_path: Path) -> None:
    for number in (1, 2):
        for name, columns in (
            ("plan", {"id": [f"p{number}"]}),
            ("step", {"plan": [f"p{number}"], "title": ["x"]}),
        ):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), tmp_path / "data" / name / f"part-0000{number}.snappy.parquet")
    (tmp_path / "data" / "plan" / "_SUCCESS").touch()
    facts, chunks = facts_of([tmp_path / "data"], SMALL)
    assert defects_of(chunks) == []
    assert [row[0] for row in facts["step"]] == ["p1", "p2"]


def test_an_assumption_about_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="unknown-fact"):
        open_data([small(tmp_path, [])], SMALL, assumptions=[{"fact": "step.begins", "value": 1}])


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="no such file"):
        open_data([tmp_path / "nowhere"], SMALL)


def test_only_some_plans_can_be_presented(tmp_path: Path) -> None:
    small(tmp_path, [["p1", "s1", "09:00", "", "", "", ""], ["p2", "s1", "09:00", "", "", "", ""]])
    connection = duckdb.connect()
    with open_data([tmp_path], SMALL) as data:
        (chunk,) = data.chunks(10)
        chunk.load(connection, pa.table({"P": [1]}))
    assert connection.execute('SELECT "P", id FROM facts.step').fetchall() == [(1, "s1")]


CELLS = st.sampled_from(
    ["", "09:00", "24:01", "monday", "moonday", "true", "1; 2", "none", "x", "p9", "s1", "=1", "é"]
)


PLANS = st.sampled_from(["p1", "p2", "p3", ""])


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(["p1", "p2", "p3", "", "p9"]), *[CELLS] * 6), max_size=8),
       plans=st.lists(st.tuples(PLANS, *[CELLS] * 3), max_size=5))  # fmt: skip
def test_what_goes_in_is_judged_or_set_aside(
    rows: list[tuple[str, ...]], plans: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("made")
    write_csv(folder / "plan.csv", [["id", "size", "nation", "on_day"], *map(list, plans)])
    write_csv(
        folder / "step.csv", [["plan", "id", "starts", "weekday", "done", "parts", "title"], *map(list, rows)]
    )
    facts, chunks = facts_of([folder], SMALL, 2)
    given_plans = [plan for plan in plans if any(plan)]
    given_rows = [row for row in rows if any(row)]
    assert sum(chunk.read for chunk in chunks) == len(given_plans)
    assert sum(chunk.plans.num_rows for chunk in chunks) == len(facts["plan"])
    counts = [chunk.rows["step"] for chunk in chunks if "step" in chunk.rows]
    assert sum(count.read for count in counts) == len(given_rows)
    assert sum(count.read - count.set_aside for count in counts) == len(facts["step"])
    told = {defect["plan"] for defect in defects_of(chunks)}
    left = {row[0] for row in facts["plan"]}
    assert not told & left
    assert {plan[0] for plan in given_plans if plan[0]} == left | (told & {plan[0] for plan in given_plans})
