"""Plans that were read as documents, and stand in tables on the disk, as a part of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow
from duckdb import DuckDBPyConnection

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect, table_of
from jobplan.facts.tables.documents import Place, look_through, read_at
from jobplan.facts.tables.inspect import Counts
from jobplan.facts.tables.present import clear, support
from jobplan.facts.tables.shape import ID, PLACE, PLAN, arrow_schema, sql_type, told_facts
from jobplan.facts.tables.slices import STATEMENTS, DocumentSlice, support_name
from jobplan.facts.tables.spill import DIGEST, FILE, Spill
from jobplan.facts.tables.wrong_rows import same_plan
from jobplan.quoting import quoted

_NOTED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Documents:
    """Files with documents; where each stands, and its id, is in the table `documents` of the connection."""

    first: int
    count: int
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Documents of a chunk."""

    slice: DocumentSlice
    plans: pyarrow.Table
    defects: pyarrow.Table
    waivers: pyarrow.Table
    attestations: pyarrow.Table
    rows: dict[str, Counts]


def note_documents(
    connection: DuckDBPyConnection, paths: Sequence[Path], schema: FactSchema, source: int, first: int
) -> tuple[Documents, dict[str, str]]:
    """Note where the documents of files stand, as source number `source`; return them, and digests."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS documents "
        "(source INTEGER, n BIGINT, id VARCHAR, file INTEGER, begins BIGINT, line BIGINT)"
    )
    digests: dict[str, str] = {}
    rows: list[tuple[Any, ...]] = []
    count = 0

    def flush() -> None:
        if rows:
            kinds = {"source": "BIGINT", "n": "BIGINT", "id": "VARCHAR", "file": "BIGINT", "begins": "BIGINT",
                     "line": "BIGINT"}  # fmt: skip
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.register("jobplan_documents", pyarrow.table(columns, schema=arrow_schema(kinds)))
            connection.execute("INSERT INTO documents SELECT * FROM jobplan_documents")
            connection.unregister("jobplan_documents")
            rows.clear()

    for index, path in enumerate(paths):
        places, digests[str(path)] = look_through(path, schema)
        for place in places:
            rows.append((source, count, place.id, index, place.at, place.line))
            count += 1
        if len(rows) >= _NOTED_AT_ONCE:
            flush()
    flush()
    return Documents(first, count, tuple(paths)), digests


def read_back(
    connection: DuckDBPyConnection,
    schema: FactSchema,
    source: Documents,
    part: tuple[int, int],
    bounds: tuple[int, int],
    folder: Path,
    users: Sequence[Mapping[str, Any]],
) -> ReadBack:
    """Read the plans between two numbers, without the last, into tables in a folder.

    `part` is the number of the source in the table `ids`, and that of the slice in its chunk.
    """
    index, number = part
    first, until = bounds
    told, spill = _read_into(connection, schema, source, index, bounds, folder, users)
    good = {name: tuple(table.files) for name, table in spill.tables.items() if table.files}
    used = {name: frozenset(spill.tables[name].used) for name in good}
    numbers = connection.sql(
        f"SELECT P AS {quoted(PLAN)} FROM ids WHERE source = {index} AND P >= {first} AND P < {until} "
        f"AND NOT again"
    ).to_arrow_table()
    found = DocumentSlice(schema, number, good, used, {"plans": numbers})
    clear(connection)
    support(connection, number, found.support)
    facts = {name: sql_type(schema.relations[schema.root].fields[name]) for name in told_facts(schema)}
    columns = {PLAN: "BIGINT", ID: "VARCHAR", FILE: "VARCHAR", PLACE: "VARCHAR", DIGEST: "VARCHAR", **facts}
    plans = _read(connection, found, schema.root, columns)
    told += _same_plans(connection, found)
    statements = [
        _read(connection, found, STATEMENTS[role], {PLAN: "BIGINT", "statement": "VARCHAR"})
        for role in ("waivers", "attestations")
    ]
    rows = {name: _counted(connection, found, name) for name in schema.relations if name != schema.root}
    names = [PLAN, "plan", "file", "place", "digest", *facts]
    return ReadBack(found, plans.rename_columns(names), table_of(told), statements[0], statements[1], rows)


def _read_into(
    connection: DuckDBPyConnection,
    schema: FactSchema,
    source: Documents,
    index: int,
    bounds: tuple[int, int],
    folder: Path,
    users: Sequence[Mapping[str, Any]],
) -> tuple[list[Defect], Spill]:
    """Read documents, and write down what they say; return what is wrong with the others."""
    begin, end = bounds[0] - source.first, bounds[1] - source.first
    noted = connection.execute(
        f"SELECT file, n, id, begins, line FROM documents WHERE source = {index} AND n >= {begin} AND n "
        f"< {end} ORDER BY n"
    ).fetchall()
    spill = Spill(schema, folder)
    told: list[Defect] = []
    for file, group in groupby(noted, key=lambda row: row[0]):
        rows = list(group)
        places = [Place(*row[2:]) for row in rows]
        for row, read in zip(rows, read_at(source.paths[file], places, schema, users), strict=True):
            if read.plan is None:
                told += read.defects
            else:
                spill.add(source.first + row[1], read.plan, read.line)
    spill.flush()
    return told, spill


def _read(
    connection: DuckDBPyConnection, part: DocumentSlice, relation: str, columns: Mapping[str, str]
) -> pyarrow.Table:
    found = part.read(relation, columns)
    if found is None:
        return arrow_schema(columns).empty_table()
    return connection.sql(f"{found.select(columns)} ORDER BY {quoted(PLAN)}").to_arrow_table()


def _same_plans(connection: DuckDBPyConnection, part: DocumentSlice) -> Iterator[Defect]:
    """Yield what is said of plans whose ids others have too."""
    root = part.schema.root
    if root not in part.files:
        return
    columns = ", ".join(map(quoted, (ID, FILE, PLACE)))
    out = f"{quoted(PLAN)} NOT IN (SELECT {quoted(PLAN)} FROM {support_name(part.number, 'plans')})"
    found = connection.execute(f"SELECT {columns} FROM {part.scan(root)} WHERE {out} ORDER BY {quoted(PLAN)}")
    for plan, file, place in found.fetchall():
        line = place.removeprefix(f"{file}:").partition(":")[0]
        reason, help = same_plan(plan)
        yield Defect(file, "same-plan", reason, help, row=int(line) if line.isdecimal() else None, plan=plan)


def _counted(connection: DuckDBPyConnection, part: DocumentSlice, relation: str) -> Counts:
    if relation not in part.files:
        return Counts()
    kept = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {support_name(part.number, 'plans')})"
    counted = f"SELECT count(*), count(*) FILTER (WHERE NOT ({kept})) FROM {part.scan(relation)}"
    return Counts(*connection.execute(counted).fetchall()[0])
