"""The shape in which facts stand in tables: columns and their types, for every relation of a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow

from jobplan.facts.codes import assumed_of, cause_of, given_of, text_of
from jobplan.facts.schema import FactSchema, Field

PLAN, ROW, ABOVE, ID, PLACE = "P", "R", "U", "id", "@"
"""Columns of every table: number of the plan; of the row, of the row above; the row's id; where it stands."""

_NUMBERS = frozenset({"number", "clock", "weekday"})
_SQL: Mapping[str, str] = {"truth": "BOOLEAN", "text": "VARCHAR", "date": "DATE"}
_ARROW: Mapping[str, pyarrow.DataType] = {
    "DOUBLE": pyarrow.float64(),
    "BOOLEAN": pyarrow.bool_(),
    "VARCHAR": pyarrow.string(),
    "DATE": pyarrow.date32(),
    "BIGINT": pyarrow.int64(),
    "UTINYINT": pyarrow.uint8(),
    "DOUBLE[]": pyarrow.list_(pyarrow.float64()),
    "VARCHAR[]": pyarrow.list_(pyarrow.string()),
}


def sql_type(field: Field) -> str:
    """Return the SQL type of a fact."""
    if field.form == "list":
        return "DOUBLE[]" if field.of in _NUMBERS else "VARCHAR[]"
    return _SQL.get(field.form, "DOUBLE")


def shape(schema: FactSchema, relation: str) -> dict[str, str]:
    """Return the columns of a relation's table with their SQL types, in order.

    A parent tells of the list of each of its children whether it is given; the root tells it of all.
    """
    keys = [PLAN] if relation == schema.root else [PLAN, ROW, ABOVE]
    found = {**dict.fromkeys(keys, "BIGINT"), ID: "VARCHAR", PLACE: "VARCHAR"}
    for field in schema.relations[relation].fields.values():
        found |= {
            field.name: sql_type(field),
            cause_of(field.name): "UTINYINT",
            text_of(field.name): "VARCHAR",
            assumed_of(field.name): "VARCHAR",
        }
    return found | {given_of(name): "UTINYINT" for name in lists_of(schema, relation)}


def lists_of(schema: FactSchema, relation: str) -> Iterator[str]:
    """Yield the relations of which a relation's rows tell whether they are given."""
    if relation == schema.root:
        return (name for name in schema.relations if name != schema.root)
    return iter(schema.relations[relation].children)


def arrow_schema(columns: Mapping[str, str]) -> pyarrow.Schema:
    """Return columns with SQL types as Arrow knows them."""
    return pyarrow.schema([(name, _ARROW[kind]) for name, kind in columns.items()])


def told_facts(schema: FactSchema) -> tuple[str, ...]:
    """Return the facts of the root that tell which plan it is, and by what to judge it."""
    return tuple(dict.fromkeys((*schema.policy, *([schema.date] if schema.date else []), *schema.summary)))
