"""What is stated beside the facts of tables: waivers, attestations, assumptions, and those of users."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow
from duckdb import DuckDBPyConnection

from jobplan.facts.codes import CAUSES
from jobplan.facts.document import Assumption, read_assumption
from jobplan.facts.rows import RowReader
from jobplan.facts.schema import FactSchema, Field
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.explain import as_written
from jobplan.facts.tables.raw import LINE, NUMBER, PART, RawTable
from jobplan.facts.tables.shape import PLAN, arrow_schema, sql_type
from jobplan.facts.tables.source import OF_PLAN
from jobplan.facts.tables.table_slice import TableSlice
from jobplan.quoting import quoted
from jobplan.source import Document

ROLES: Mapping[str, str] = {"waiver": "waivers", "attestation": "attestations", "assumption": "assumptions"}
"""Tables of what is stated beside the facts, and the role in the schema of the lists that documents have."""

_STATED = {PLAN: "BIGINT", "statement": "VARCHAR"}


@dataclass(slots=True)
class Notes:
    """What is stated: waivers and attestations as (P, JSON), assumptions by relation and fact."""

    waivers: pyarrow.Table
    attestations: pyarrow.Table
    assumed: dict[tuple[str, str], pyarrow.Table] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)


def read_notes(connection: DuckDBPyConnection, part: TableSlice, users: Sequence[Assumption]) -> Notes:
    """Read what is stated beside the facts of a slice's plans."""
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = {name: [] for name in ROLES}
    notes = Notes(_stated([]), _stated([]))
    for name in ROLES:
        if name in part.tables.raw:
            for place, plan, number, item in _rows(connection, part, name):
                if name == "assumption":
                    _fit_value(part.schema, item)
                defects = list(_wrong(part.schema, part.tables.raw[name], name, place, plan, item))
                notes.defects += defects
                if not defects:
                    found[name].append((number, item))
    notes.waivers, notes.attestations = _stated(found["waiver"]), _stated(found["attestation"])
    _assume(connection, part, notes, found["assumption"], users)
    return notes


def _stated(items: Sequence[tuple[int, Mapping[str, Any]]]) -> pyarrow.Table:
    texts = [json.dumps(item, ensure_ascii=False, sort_keys=True) for _, item in items]
    return pyarrow.table([[number for number, _ in items], texts], schema=arrow_schema(_STATED))


def _rows(
    connection: DuckDBPyConnection, part: TableSlice, name: str
) -> Iterator[tuple[tuple[int, int], str, int, dict[str, Any]]]:
    """Yield place, plan, number and content of each row; empty cells are left out."""
    table = part.tables.raw[name]
    columns = [column for column in table.types if column != OF_PLAN]
    listed = ", ".join(f"t.{quoted(column)}" for column in columns)
    found = connection.execute(
        f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, k.id, k.{quoted(PLAN)}, {listed} FROM {table.scan()} t "
        f"JOIN {part.support_name('all')} k ON k.id = CAST(t.{quoted(OF_PLAN)} AS VARCHAR) AND k.owns "
        f"ORDER BY t.{quoted(NUMBER)}"
    ).fetchall()
    for index, line, plan, number, *values in found:
        item = {
            column: _as_json(value)
            for column, value in zip(columns, values, strict=True)
            if value is not None and value != ""
        }
        yield (index, line), plan, number, item


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _wrong(
    schema: FactSchema, table: RawTable, name: str, place: tuple[int, int], plan: str, item: dict[str, Any]
) -> Iterator[Defect]:
    """Yield what the schema of documents says against a row; texts are taken for what they have to be."""
    key = schema.keys.get(ROLES[name], ROLES[name])
    if schema.checker is None:
        return
    _fit(schema.checker.schema, key, item)
    keys = schema.keys
    document = Document("", {keys["format"]: 1, keys["id"]: "plan", key: [item]}, "", {}, {})
    part = table.parts[place[0]]
    for route, problem in schema.checker.placed_problems(document):
        column = str(route[2]) if len(route) > 2 else None
        shown = f"{table.letters[column]} {column}" if column and column in table.letters else column
        reason = problem.message.split(": ", 1)[-1]
        yield Defect(part.file, problem.code, reason, problem.help, part.sheet, place[1], shown, plan, name)


def _fit(schema: Mapping[str, Any], key: str, item: dict[str, Any]) -> None:
    """Make lists and truths of texts where documents have those."""
    listed = schema["properties"][key].get("items", {})
    known = schema.get("$defs", {}).get(listed.get("$ref", "").removeprefix("#/$defs/"), listed)
    for name, kind in known.get("properties", {}).items():
        written = item.get(name)
        if not isinstance(written, str):
            continue
        if kind.get("type") == "array":
            item[name] = [part.strip() for part in written.split(";")]
        elif kind.get("type") == "boolean" and written.lower() in ("true", "false", "yes", "no"):
            item[name] = written.lower() in ("true", "yes")


def _fit_value(schema: FactSchema, item: dict[str, Any]) -> None:
    """Make of the text of an assumed value what its fact is written as in documents."""
    relation, _, name = str(item.get("fact", "")).partition(".")
    fact, written = schema.field(relation, name), item.get("value")
    if fact is not None and isinstance(written, str) and not (written == "none" and fact.none):
        item["value"] = as_written(fact, written)


def _assume(
    connection: DuckDBPyConnection,
    part: TableSlice,
    notes: Notes,
    own: Sequence[tuple[int, Mapping[str, Any]]],
    users: Sequence[Assumption],
) -> None:
    found: dict[tuple[str, str], dict[tuple[int, str], tuple[int, Assumption]]] = {}
    for number, item in own:
        reader = RowReader(Document("", {}, "", {}, {}))
        assumption = read_assumption(reader, part.schema, item)
        if assumption is not None:
            rows = found.setdefault((assumption.relation, assumption.field), {})
            rows.setdefault((number, assumption.row), (0 if assumption.row else 1, assumption))
    if users:
        plans = connection.execute(f"SELECT {quoted(PLAN)} FROM {part.support_name('all')}").fetchall()
        for assumption in users:
            rows = found.setdefault((assumption.relation, assumption.field), {})
            for (number,) in plans:
                rows.setdefault((number, assumption.row), (2 if assumption.row else 3, assumption))
    for (relation, fact), chosen in found.items():
        notes.assumed[relation, fact] = _assumed(part.schema.relations[relation].fields[fact], chosen)


def _assumed(fact: Field, chosen: Mapping[tuple[int, str], tuple[int, Assumption]]) -> pyarrow.Table:
    kind = {PLAN: "BIGINT", "@of": "VARCHAR", "@rank": "BIGINT", "@assumption": "VARCHAR",
            "@value": sql_type(fact), "@cause": "UTINYINT"}  # fmt: skip
    rows = [
        (number, row, rank, a.id, _as_day(fact, a.value), CAUSES["none"] if a.value is None else None)
        for (number, row), (rank, a) in chosen.items()
    ]
    columns = list(zip(*rows, strict=True))
    return pyarrow.table([list(column) for column in columns], schema=arrow_schema(kind))


def _as_day(fact: Field, value: Any) -> Any:
    return date.fromordinal(value) if fact.form == "date" and value is not None else value
