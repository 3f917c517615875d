"""Plans written as relation tables: Parquet, CSV or the sheets of one workbook."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq

from jobplan.extras import library
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema, Field
from jobplan.facts.tables.notes import ROLES
from jobplan.facts.tables.shape import ID, arrow_schema, lists_of, sql_type
from jobplan.facts.tables.source import OF_PLAN, OF_ROW
from jobplan.model import Relation, Row

Table = dict[str, list[Any]]
"""Columns by name."""

_ABSENT = "not_carried"


def write_tables(plans: Iterable[Plan], schema: FactSchema, folder: Path, kind: str) -> list[Path]:
    """Write plans as relation tables into a folder, and return the files; `kind` is one of WRITERS.

    What plans themselves assume is written as such, and not as a fact; tables without rows are not written.
    """
    held = list(plans)
    tables = {name: _facts(schema, name, held) for name in schema.relations}
    tables |= {name: _columns(_stated(held, name)) for name in ROLES}
    kept = {name: table for name, table in tables.items() if name == schema.root or any(table.values())}
    folder.mkdir(parents=True, exist_ok=True)
    return WRITERS[kind](kept, folder, schema)


def _columns(rows: Iterable[Mapping[str, Any]]) -> Table:
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return {name: [row.get(name) for row in listed] for name in names}


def _facts(schema: FactSchema, relation: str, plans: Sequence[Plan]) -> Table:
    """Return the table of a relation; facts that no row carries have no column."""
    fields = schema.relations[relation].fields
    table = _columns(_row(schema, plan, row) for plan in plans for row in plan.relations[relation].rows)
    for name in fields:
        beside = table.get(f"{name}_is", [])
        if beside and all(word == _ABSENT for word in beside):
            del table[name], table[f"{name}_is"]
        elif not any(beside):
            table.pop(f"{name}_is", None)
    return table


def _row(schema: FactSchema, plan: Plan, row: Row) -> dict[str, Any]:
    known = schema.relations[row.relation]
    found: dict[str, Any] = {ID: row.id}
    if row.relation != schema.root:
        found = {OF_PLAN: plan.id}
        if known.parent and row.parent is not None:
            found[OF_ROW] = row.parent.id
        found[ID] = row.id
    for name, fact in known.fields.items():
        is_assumed = name in row.assumed
        found[name] = None if is_assumed else _value(fact, row[name])
        found[f"{name}_is"] = None if is_assumed else _why(row, name)
    for name in lists_of(schema, row.relation):
        found[name] = _said(schema, plan.relations[name], row)
    return found


def _value(fact: Field, value: Any) -> Any:
    if value is None:
        return None
    if fact.form == "date":
        return date.fromordinal(value)
    return list(value) if fact.form == "list" else value


def _why(row: Row, name: str) -> str | None:
    cause = row.causes.get(name)
    if cause is None or cause == "blank":
        return None
    return f"{cause}: {row.texts[name]}" if row.texts.get(name) else cause


def _said(schema: FactSchema, relation: Relation, row: Row) -> str | None:
    """Return what a row says of a list of its own; the plan tells also what is not plain in its rows."""
    cause = None if relation.cause == "blank" else relation.cause
    above = schema.relations[relation.name].parent
    if above and row.relation == schema.root:
        return None if relation.complete else cause
    mine = [other for other in relation.rows if other.parent is row] if above else relation.rows
    if row.id not in relation.open_parents if above else relation.complete:
        return "listed" if mine else "none"
    return "partial" if cause is None and mine else cause


def _stated(plans: Sequence[Plan], name: str) -> Iterator[dict[str, Any]]:
    for plan in plans:
        if name == "assumption":
            for item in plan.assumptions:
                if not item.by_user:
                    value = "none" if item.value is None else item.written
                    yield {OF_PLAN: plan.id, ID: item.id, "fact": f"{item.relation}.{item.field}",
                           "row": item.row or None, "value": _cell(value), "why": item.why}  # fmt: skip
        else:
            stated = plan.waivers if name == "waiver" else plan.attestations
            yield from (
                {OF_PLAN: plan.id, **{key: _cell(value) for key, value in item.items()}} for item in stated
            )


def _cell(value: Any) -> str:
    """Return a value as text, the entries of lists parted by `;`."""
    if isinstance(value, list | tuple):
        return "; ".join(_cell(entry) for entry in value) or "[]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _texts(table: Table, fields: Mapping[str, Field]) -> Table:
    """Return a table as people write it in cells: a stated `none` in place of the value."""
    found: Table = {}
    for name, values in table.items():
        fact = fields.get(name)
        if fact is not None:
            beside = table.get(f"{name}_is", [None] * len(values))
            found[name] = [
                "none" if why == "none" else _written(fact, value)
                for value, why in zip(values, beside, strict=True)
            ]
        elif name.removesuffix("_is") in fields and name not in fields:
            left = [None if why == "none" else why for why in values]
            if any(left):
                found[name] = left
        else:
            found[name] = values
    return found


def _written(fact: Field, value: Any) -> str | None:
    if value is None:
        return None
    if fact.form == "clock":
        return f"{int(value) // 60:02}:{int(value) % 60:02}"
    return fact.choices[int(value) - 1] if fact.form == "weekday" else _cell(value)


def _parquet(tables: Mapping[str, Table], folder: Path, schema: FactSchema) -> list[Path]:
    paths = []
    for name, table in tables.items():
        fields = schema.relations[name].fields if name in schema.relations else {}
        types = {column: sql_type(fields[column]) if column in fields else "VARCHAR" for column in table}
        path = folder / f"{name}.parquet"
        pq.write_table(pyarrow.table(list(table.values()), schema=arrow_schema(types)), path)
        paths.append(path)
    return paths


def _csv(tables: Mapping[str, Table], folder: Path, schema: FactSchema) -> list[Path]:
    paths = []
    for name, table in tables.items():
        texts = _texts(table, schema.relations[name].fields if name in schema.relations else {})
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(texts)
            writer.writerows(zip(*texts.values(), strict=True))
        paths.append(path)
    return paths


def _xlsx(tables: Mapping[str, Table], folder: Path, schema: FactSchema) -> list[Path]:
    path = folder / f"{schema.root}s.xlsx"
    with library("xlsxwriter").Workbook(path, {"strings_to_numbers": False}) as book:
        for name, table in tables.items():
            texts = _texts(table, schema.relations[name].fields if name in schema.relations else {})
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, (heading, values) in enumerate(texts.items()):
                for row, value in enumerate([heading, *values]):
                    if value is not None:
                        sheet.write_string(row, column, value)  # never a formula
    return [path]


WRITERS: Mapping[str, Callable[[Mapping[str, Table], Path, FactSchema], list[Path]]] = {
    "parquet": _parquet,
    "csv": _csv,
    "xlsx": _xlsx,
}
"""How tables are written, by kind."""
