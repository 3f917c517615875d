"""What SQL refuses, and what it cannot reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from small import DAY, POLICY, small_policies
from sql_compare import judged

from jobplan.backends.duckdb import connect
from jobplan.backends.sql.compile import compile_verdicts
from jobplan.backends.sql.unsupported import UnsupportedRule
from jobplan.facts import fact_schema, read_plan

SCHEMA = fact_schema({"plan": {"x": "number"}, "act": {"n": "number"}})


@pytest.fixture
def shut_in(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    return connect(reads=[tmp_path / "given"], writes=tmp_path / "out", memory="200MB", threads=1)


def test_duckdb_reads_what_it_was_given(shut_in: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = shut_in.execute(f"SELECT a FROM read_csv('{tmp_path}/given/rows.csv')").fetchall()
    assert found == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{0}/secret.csv')",
        "COPY (SELECT 1) TO '{0}/elsewhere.csv'",
        "SET threads = 4",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "ATTACH '{0}/other.db'",
    ],
)
def test_duckdb_reaches_nothing_else(
    shut_in: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str
) -> None:
    with pytest.raises(duckdb.Error):
        shut_in.execute(statement.format(tmp_path)).fetchall()


def test_plans_with_too_many_rows_or_too_large_numbers_are_named(tmp_path: Path) -> None:
    topic: dict[str, Any] = {
        "measures": {"big": {"value": "x * x * x"}},
        "relations": {"pair": {"pairs": {"a": "act", "b": "act"}, "where": "a.n = b.n"}},
        "rules": [
            {"id": "r0", "for_each": "plan", "requires": "big > 1"},
            {"id": "r1", "for_each": "pair", "requires": "false"},
        ],
    }
    of = small_policies(tmp_path, SCHEMA, topic)
    rows = [{"n": float(number)} for number in range(501)]
    documents = [{"x": 2.0, "act": []}, {"x": 2.0, "act": rows}, {"x": 1e12, "act": []}, {"x": 2.0}]
    plans = [read_plan({"id": f"p{n}", **data}, SCHEMA) for n, data in enumerate(documents)]
    chunk = judged(of.program(POLICY, DAY), SCHEMA, plans, DAY, alone=True)
    refused = {number: rows[0]["code"] for number, rows in chunk.table("refused").items()}
    assert refused == {1: "too-many-pairs", 2: "out-of-range"}


def test_a_name_that_tables_need_is_told_with_its_place(tmp_path: Path) -> None:
    topic = {
        "columns": {"act": {"r": {"value": "n + 1"}}},
        "rules": [{"id": "r0", "for_each": "act", "requires": "r > 1"}],
    }
    of = small_policies(tmp_path, SCHEMA, topic)
    with pytest.raises(UnsupportedRule, match=r"topic-0.yaml:\d+:\d+: error\[unsupported\]: `act.r`"):
        compile_verdicts(of.program(POLICY, DAY), SCHEMA, DAY)
