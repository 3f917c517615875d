"""Facts of some plans, presented in a connection as tables and views of the schema `facts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow
from duckdb import DuckDBPyConnection

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.shape import ID, PLAN, ROW, shape
from jobplan.facts.tables.slices import GIVEN_SCHEMA, HELD, Rows, Slice, is_constant, rows_name, support_name
from jobplan.quoting import quoted

FACTS_SCHEMA = "facts"
CHOSEN_SCHEMA = "chosen"
"""The schema of copies of rows: of some plans, and of the root with what is attested."""

_MANY_ROWS = 100_000
_KEPT, _ATTESTED = "jobplan_kept", "jobplan_attested"


def clear(connection: DuckDBPyConnection) -> None:
    """Take away everything that was made before, and begin anew."""
    for name in (FACTS_SCHEMA, CHOSEN_SCHEMA, GIVEN_SCHEMA):
        _clear(connection, name)


def _clear(connection: DuckDBPyConnection, schema: str) -> None:
    connection.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")
    connection.execute(f"CREATE SCHEMA {quoted(schema)}")


def support(connection: DuckDBPyConnection, number: int, tables: Mapping[str, pyarrow.Table]) -> None:
    """Put the small tables of a slice into a connection."""
    for name, table in tables.items():
        connection.register("jobplan_support", table)
        connection.execute(f"CREATE TABLE {support_name(number, name)} AS SELECT * FROM jobplan_support")
        connection.unregister("jobplan_support")


def is_held(connection: DuckDBPyConnection, token: str) -> bool:
    """Tell whether a connection holds the rows of what has this token."""
    schema, table = GIVEN_SCHEMA, f"of {token}"
    return bool(
        connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [schema, table]
        ).fetchall()
    )


def hold(connection: DuckDBPyConnection, schema: FactSchema, slices: Sequence[Slice], token: str) -> None:
    """Make tables of the rows of all relations, parents before children, of the columns that are there.

    The small tables of all slices are there. Rows stand in the order of plans and of their numbers.
    """
    connection.execute(f"DETACH DATABASE IF EXISTS {HELD}")
    connection.execute(f"ATTACH ':memory:' AS {HELD} (COMPRESS)")
    for relation in schema.relations:
        parts = [found for part in slices if (found := part.rows(relation)) is not None]
        same = _same(parts)
        kinds = {name: kind for name, kind in shape(schema, relation).items() if name not in same}
        key = [PLAN] if relation == schema.root else [PLAN, ROW]
        order = f"ORDER BY {', '.join(map(quoted, key))}"
        begin = f"CREATE TABLE {rows_name(relation)} AS"
        for batch in (batch for part in slices for batch in part.batches(relation)):
            connection.execute(f"{begin} {batch.select(kinds)} {order}")
            begin = f"INSERT INTO {rows_name(relation)}"
            _compress(connection, relation)
        if not parts:
            nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in kinds.items())
            connection.execute(f"{begin} SELECT {nothing} LIMIT 0")
    for read in slices:
        for name in read.support:
            connection.execute(f"DROP TABLE {support_name(read.number, name)}")
    connection.execute(f"CREATE TABLE {quoted(GIVEN_SCHEMA)}.{quoted(f'of {token}')} (nothing BOOLEAN)")


def _compress(connection: DuckDBPyConnection, relation: str) -> None:
    """Compress what is held, if there is much of it."""
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {rows_name(relation)}").fetchall()
    if rows >= _MANY_ROWS:
        connection.execute(f"CHECKPOINT {HELD}")


def _same(parts: Sequence[Rows]) -> dict[str, str]:
    """Return the columns that are the same constant in all rows of a relation."""
    if not parts:
        return {}
    found = [{name: sql for name, sql in part.columns.items() if is_constant(sql)} for part in parts]
    return {
        name: sql
        for name, sql in found[0].items()
        if name not in (PLAN, ROW, ID) and all(other.get(name) == sql for other in found)
    }


def present(
    connection: DuckDBPyConnection,
    schema: FactSchema,
    slices: Sequence[Slice],
    kept: pyarrow.Table | None = None,
    attested: pyarrow.Table | None = None,
) -> None:
    """Make the schema `facts` of the rows that are held; of the plans in `kept` alone, if it is given.

    What is `attested` becomes columns of the root: by the plan's number, a truth for each name.
    """
    _clear(connection, FACTS_SCHEMA)
    _clear(connection, CHOSEN_SCHEMA)
    for relation in schema.relations:
        parts = [found for part in slices if (found := part.rows(relation)) is not None]
        kinds = shape(schema, relation)
        columns = {name: quoted(name) for name in kinds} | _same(parts)
        source = rows_name(relation)
        if kept is not None:
            source = _chosen(connection, relation, kept)
        if relation == schema.root and attested is not None:
            kinds = kinds | {f"attested {name}": "BOOLEAN" for name in attested.column_names[1:]}
            source = _with_attested(connection, source, attested)
            columns |= {name: quoted(name) for name in kinds if name not in columns}
        _view(connection, relation, kinds, columns, source)


def _chosen(connection: DuckDBPyConnection, relation: str, kept: pyarrow.Table) -> str:
    """Copy the rows of the plans that are kept, and return the name of the table."""
    name, plan = f"{quoted(CHOSEN_SCHEMA)}.{quoted(relation)}", quoted(PLAN)
    connection.register(_KEPT, kept)
    connection.execute(
        f"CREATE TABLE {name} AS SELECT * FROM {rows_name(relation)} WHERE {plan} IN (SELECT {plan} "
        f"FROM {_KEPT})"
    )
    connection.unregister(_KEPT)
    return name


def _with_attested(connection: DuckDBPyConnection, source: str, attested: pyarrow.Table) -> str:
    """Copy the root's rows with what is attested, and return the name of the table."""
    name, plan = f"{quoted(CHOSEN_SCHEMA)}.{quoted('attested')}", quoted(PLAN)
    listed = "".join(f", a.{quoted(x)} AS {quoted(f'attested {x}')}" for x in attested.column_names[1:])
    connection.register(_ATTESTED, attested)
    connection.execute(
        f"CREATE TABLE {name} AS SELECT f.*{listed} FROM {source} f LEFT JOIN {_ATTESTED} a ON a.{plan} "
        f"= f.{plan}"
        f" ORDER BY f.{plan}"
    )
    connection.unregister(_ATTESTED)
    return name


def _view(
    connection: DuckDBPyConnection,
    relation: str,
    kinds: Mapping[str, str],
    columns: Mapping[str, str],
    source: str,
) -> None:
    """Make the view of a relation; one without rows is known to be empty, and nothing is planned for it."""
    if not connection.execute(f"SELECT 1 FROM {source} LIMIT 1").fetchall():
        columns, source = {name: f"CAST(NULL AS {kind})" for name, kind in kinds.items()}, ""
    listed = ", ".join(f"{columns[name]} AS {quoted(name)}" for name in kinds)
    rows = f"FROM {source}" if source else "WHERE false"
    connection.execute(f"CREATE VIEW {quoted(FACTS_SCHEMA)}.{quoted(relation)} AS SELECT {listed} {rows}")
