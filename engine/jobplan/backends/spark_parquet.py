"""Facts from DuckDB to Spark, and answers from Spark to DuckDB: both as Parquet in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobplan.backends.spark import SparkRunner
from jobplan.backends.spark_trees import FACTS, WORK, view_name
from jobplan.facts.schema import FactSchema
from jobplan.quoting import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TYPES: Mapping[str, str] = {
    "BIGINT": "BIGINT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "DOUBLE": "DOUBLE",
    "DOUBLE[]": "ARRAY<DOUBLE>",
    "UTINYINT": "SMALLINT",
    "VARCHAR": "STRING",
    "VARCHAR[]": "ARRAY<STRING>",
}
"""What Spark calls the types of facts."""

BACK: Mapping[str, str] = {"SMALLINT": "UTINYINT", "INTEGER": "BIGINT"}
"""Types that Spark has for want of others, or chooses by itself, and what they are to be."""

UNREAD = ("!", "~")
"""Marks of columns that no verdict depends on: what was written, what was assumed."""


def give_facts(connection: DuckDBPyConnection, schema: FactSchema, runner: SparkRunner) -> None:
    """Write the schema `facts` to the folder, and let Spark read it under its names."""
    for relation in schema.relations:
        table = f"{quoted(FACTS)}.{quoted(relation)}"
        kinds = {
            name: kind
            for name, kind in columns_of(connection, table).items()
            if name != "@" and not name.endswith(UNREAD)
        }
        path = runner.folder / f"{FACTS}-{relation}.parquet"
        columns = ", ".join(map(quoted, kinds))
        connection.execute(f"COPY (SELECT {columns} FROM {table}) TO {literal(path)} (FORMAT parquet)")
        runner.read(view_name(FACTS, relation), path, {name: TYPES[kind] for name, kind in kinds.items()})


def take_answers(connection: DuckDBPyConnection, found: Mapping[str, Path]) -> None:
    """Make the schema `work` of what Spark has written, as if it had been made in DuckDB."""
    connection.execute(f"DROP SCHEMA IF EXISTS {quoted(WORK)} CASCADE")
    connection.execute(f"CREATE SCHEMA {quoted(WORK)}")
    for name, path in found.items():
        rows = f"read_parquet({literal(path / '*.parquet')})"
        columns = ", ".join(
            f"CAST({quoted(column)} AS {BACK[kind]}) AS {quoted(column)}" if kind in BACK else quoted(column)
            for column, kind in columns_of(connection, rows).items()
        )
        table = f"{quoted(WORK)}.{quoted(name.removeprefix(view_name(WORK, '')))}"
        connection.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM {rows}")


def columns_of(connection: DuckDBPyConnection, source: str) -> dict[str, str]:
    """Return the types of the columns of a table or file."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return {row[0]: row[1] for row in found}
