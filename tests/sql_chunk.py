"""Put plans into a chunk of facts in DuckDB, the way the production reader does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from jobplan.facts.attestations import attestations
from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema, Field
from jobplan.model import Row

TYPES = {"number": pa.float64(), "truth": pa.bool_(), "text": pa.string(), "date": pa.date32()}
EPOCH = date(1970, 1, 1).toordinal()
Columns = dict[str, tuple[pa.DataType, list[Any]]]


def load(
    connection: duckdb.DuckDBPyConnection,
    plans: Sequence[Plan],
    schema: FactSchema,
    *,
    today: int,
    attested: Iterable[str] = (),
) -> None:
    """Make schema `facts` of plans, numbered from 0."""
    connection.execute("DROP SCHEMA IF EXISTS facts CASCADE; CREATE SCHEMA facts")
    numbers = [numbered(plan) for plan in plans]
    for name in schema.relations:
        columns = (
            root_columns(plans, schema, today, tuple(attested))
            if name == schema.root
            else relation_columns(plans, numbers, schema, name)
        )
        table = pa.table({key: pa.array(values, type=kind) for key, (kind, values) in columns.items()})
        connection.register("given", table)
        connection.execute(f'CREATE TABLE facts."{name}" AS SELECT * FROM given')
        connection.unregister("given")


def numbered(plan: Plan) -> Mapping[Row, int]:
    """Return the number of each row within its relation."""
    return {row: number for relation in plan.relations.values() for number, row in enumerate(relation.rows)}


def root_columns(plans: Sequence[Plan], schema: FactSchema, today: int, attested: tuple[str, ...]) -> Columns:
    """Return the columns of the root's table."""
    rows = [plan.root for plan in plans]
    found: Columns = {
        "P": (pa.int64(), list(range(len(plans)))),
        "id": (pa.string(), [row.id for row in rows]),
    }
    found["@"] = (pa.string(), [f"plan {number}" for number in range(len(plans))])
    found |= fact_columns(rows, schema.relations[schema.root].fields.values())
    for child in schema.relations.keys() - {schema.root}:
        relations = [plan.relations[child] for plan in plans]
        codes = [None if relation.complete else CAUSES[relation.cause or "blank"] for relation in relations]
        found[given_of(child)] = (pa.uint8(), codes)
    said = [attestations(plan.attestations, today) for plan in plans]
    for name in attested:
        found[f"attested {name}"] = (pa.bool_(), [answers.get(name) for answers in said])
    return found


def relation_columns(
    plans: Sequence[Plan], numbers: Sequence[Mapping[Row, int]], schema: FactSchema, name: str
) -> Columns:
    """Return the columns of a relation's table."""
    relation = schema.relations[name]
    placed = [(number, row) for number, plan in enumerate(plans) for row in plan.relations[name].rows]
    rows = [row for _, row in placed]
    above = [number_of(numbers[plan], row.parent) if relation.parent else None for plan, row in placed]
    found: Columns = {
        "P": (pa.int64(), [plan for plan, _ in placed]),
        "R": (pa.int64(), [numbers[plan][row] for plan, row in placed]),
        "U": (pa.int64(), above),
        "id": (pa.string(), [row.id for row in rows]),
        "@": (pa.string(), [f"plan {plan}, {row.id}" for plan, row in placed]),
    }
    found |= fact_columns(rows, relation.fields.values())
    for child in relation.children:
        codes = []
        for plan, row in placed:
            inside = plans[plan].relations[child]
            codes.append(CAUSES[inside.cause or "blank"] if row.id in inside.open_parents else None)
        found[given_of(child)] = (pa.uint8(), codes)
    return found


def number_of(numbers: Mapping[Row, int], row: Row | None) -> int | None:
    """Return the number of a row above another."""
    return None if row is None else numbers[row]


def fact_columns(
    rows: Sequence[Row], fields: Iterable[Field]
) -> Iterator[tuple[str, tuple[pa.DataType, list[Any]]]] | Any:
    """Return the columns of facts: values, why there are none, what was written, what was assumed."""
    found: Columns = {}
    for fact in fields:
        name = fact.name
        found[name] = (type_of(fact), [value_of(fact, row[name]) for row in rows])
        codes = [
            None if row[name] is not None else CAUSES[row.causes.get(name, "blank")] or None for row in rows
        ]
        found[cause_of(name)] = (pa.uint8(), codes)
        found[text_of(name)] = (pa.string(), [row.texts.get(name) for row in rows])
        found[assumed_of(name)] = (pa.string(), [row.assumed.get(name) for row in rows])
    return found


def type_of(fact: Field) -> pa.DataType:
    """Return the type of a fact's column."""
    if fact.kind == "list":
        return pa.list_(pa.string() if fact.of == "text" else pa.float64())
    return TYPES[fact.kind]


def value_of(fact: Field, value: Any) -> Any:
    """Return a value as tables have it."""
    if value is None or fact.kind != "date":
        return list(value) if isinstance(value, tuple) else value
    return value - EPOCH
