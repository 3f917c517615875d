"""Facts of some plans, presented in a connection as tables and views of the schema `facts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
from duckdb import DuckDBPyConnection

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.shape import ID, PLAN, ROW, quoted, shape
from jobplan.facts.tables.slices import GIVEN_SCHEMA, Slice, support_name

FACTS_SCHEMA = "facts"
ATTESTED = f"{quoted(GIVEN_SCHEMA)}.{quoted('attested')}"
"""The table of what is attested: the plan's number, and a truth for each name."""

_KEPT = "jobplan_kept"


def clear(connection: DuckDBPyConnection) -> None:
    """Take away what was presented before, and begin anew."""
    for name in (FACTS_SCHEMA, GIVEN_SCHEMA):
        connection.execute(f"DROP SCHEMA IF EXISTS {quoted(name)} CASCADE")
        connection.execute(f"CREATE SCHEMA {quoted(name)}")


def support(
    connection: DuckDBPyConnection, number: int, tables: Mapping[str, pa.Table], kept: pa.Table | None
) -> None:
    """Put the small tables of a slice into a connection; of the plans in `kept` alone, if it is given."""
    if kept is not None:
        connection.register(_KEPT, kept)
    for name, table in tables.items():
        connection.register("jobplan_support", table)
        where = f" WHERE {quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {_KEPT})" if kept is not None else ""
        connection.execute(
            f"CREATE TABLE {support_name(number, name)} AS SELECT * FROM jobplan_support{where}"
        )
        connection.unregister("jobplan_support")
    if kept is not None:
        connection.unregister(_KEPT)


def present(
    connection: DuckDBPyConnection, schema: FactSchema, slices: Iterable[Slice], attested: Iterable[str] = ()
) -> None:
    """Make the schema `facts`, parents before children; the small tables of all slices are there.

    The names `attested` become columns of the root, out of the table `attested`.
    """
    parts = list(slices)
    for relation in schema.relations:
        selects = [(part, select) for part in parts for select in part.selects(relation)]
        target = f"{quoted(FACTS_SCHEMA)}.{quoted(relation)}"
        body = " UNION ALL ".join(select.sql for _, select in selects) or _nothing(schema, relation)
        if relation == schema.root:
            body = _with_attested(body, tuple(attested))
        kind = "TABLE" if any(select.laborious for _, select in selects) else "VIEW"
        connection.execute(f"CREATE {kind} {target} AS {body}")
        if schema.relations[relation].children and relation != schema.root:
            _number_rows(connection, schema, relation, parts)


def _with_attested(body: str, names: tuple[str, ...]) -> str:
    if not names:
        return body
    listed = ", ".join(f"a.{quoted(name)} AS {quoted(f'attested {name}')}" for name in names)
    beside = f"LEFT JOIN {ATTESTED} a ON a.{quoted(PLAN)} = f.{quoted(PLAN)}"
    return f"SELECT f.*, {listed} FROM ({body}) f {beside}"


def _number_rows(
    connection: DuckDBPyConnection, schema: FactSchema, relation: str, parts: Iterable[Slice]
) -> None:
    """Keep ids and numbers of rows that others belong to; every slice looks them up under its own name."""
    columns = ", ".join(map(quoted, (PLAN, ROW, ID)))
    for part in parts:
        name = support_name(part.number, f"{relation} rows")
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {columns} FROM {quoted(FACTS_SCHEMA)}.{quoted(relation)}"
        )


def _nothing(schema: FactSchema, relation: str) -> str:
    columns = ", ".join(
        f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in shape(schema, relation).items()
    )
    return f"SELECT {columns} LIMIT 0"
