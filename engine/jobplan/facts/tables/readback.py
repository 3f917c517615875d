"""Plans that were read as documents, and stand in tables on the disk, as a part of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from duckdb import DuckDBPyConnection

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect, table_of
from jobplan.facts.tables.documents import read_documents
from jobplan.facts.tables.inspect import Counts
from jobplan.facts.tables.present import clear, support
from jobplan.facts.tables.shape import ID, PLACE, PLAN, arrow_schema, quoted, sql_type, text, told_facts
from jobplan.facts.tables.slices import STATEMENTS, DocumentSlice, support_name
from jobplan.facts.tables.spill import DIGEST, FILE, Spill
from jobplan.facts.tables.wrong_rows import same_plan


@dataclass(frozen=True, slots=True)
class Documents:
    """Plans that were read as documents: where their facts stand, and what was wrong with the others."""

    first: int
    count: int
    files: Mapping[str, Path]
    used: Mapping[str, frozenset[str]]
    broken: Mapping[int, tuple[Defect, ...]]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Documents of a chunk."""

    slice: DocumentSlice
    plans: pa.Table
    defects: pa.Table
    waivers: pa.Table
    attestations: pa.Table
    rows: dict[str, Counts]


def write_down(
    paths: Sequence[Path], schema: FactSchema, folder: Path, first: int, users: Sequence[Mapping[str, object]]
) -> Documents:
    """Read documents once, and keep their facts in tables on the disk; plans are numbered from `first`."""
    spill = Spill(schema, folder)
    broken: dict[int, tuple[Defect, ...]] = {}
    number = first
    for read in read_documents(paths, schema, users):
        if read.plan is None:
            broken[number] = read.defects
        else:
            spill.add(number, read.plan, read.line)
        number += 1
    spill.close()
    written = {name: table for name, table in spill.tables.items() if table.path.exists()}
    return Documents(
        first,
        number - first,
        {name: table.path for name, table in written.items()},
        {name: frozenset(table.used) for name, table in written.items()},
        broken,
    )


def ids_of(source: Documents, schema: FactSchema, connection: DuckDBPyConnection) -> pa.Table:
    """Return number and id of every plan of documents, those that are broken among them."""
    numbers, ids = list(source.broken), [found[0].plan for found in source.broken.values()]
    table = pa.table([numbers, ids], schema=arrow_schema({PLAN: "BIGINT", ID: "VARCHAR"}))
    if schema.root in source.files:
        path = text(str(source.files[schema.root]))
        good = connection.sql(
            f"SELECT {quoted(PLAN)}, {quoted(ID)} FROM read_parquet({path})"
        ).to_arrow_table()
        table = pa.concat_tables([table, good])
    return table


def read_back(
    connection: DuckDBPyConnection,
    schema: FactSchema,
    source: Documents,
    number: int,
    bounds: tuple[int, int],
    index: int,
) -> ReadBack:
    """Return the plans between two numbers, without the last, as slice `number` of a chunk.

    `index` is the number that the source has in the table `ids`.
    """
    first, until = bounds
    numbers = connection.sql(
        f"SELECT P AS {quoted(PLAN)} FROM ids WHERE source = {index} AND P >= {first} AND P < {until} AND NOT again"
    ).to_arrow_table()
    part = DocumentSlice(schema, number, first, until, source.files, source.used, {"plans": numbers})
    clear(connection)
    support(connection, number, part.support, None)
    facts = {name: sql_type(schema.relations[schema.root].fields[name]) for name in told_facts(schema)}
    columns = {PLAN: "BIGINT", ID: "VARCHAR", FILE: "VARCHAR", PLACE: "VARCHAR", DIGEST: "VARCHAR", **facts}
    plans = _read(connection, part, schema.root, columns)
    told = [defect for plan in range(first, until) for defect in source.broken.get(plan, ())]
    told += _same_plans(connection, part)
    statements = [
        _read(connection, part, STATEMENTS[role], {PLAN: "BIGINT", "statement": "VARCHAR"})
        for role in ("waivers", "attestations")
    ]
    rows = {name: _counted(connection, part, name) for name in schema.relations if name != schema.root}
    names = [PLAN, "plan", "file", "place", "digest", *facts]
    return ReadBack(part, plans.rename_columns(names), table_of(told), statements[0], statements[1], rows)


def _read(
    connection: DuckDBPyConnection, part: DocumentSlice, relation: str, columns: Mapping[str, str]
) -> pa.Table:
    found = [select.sql for select in part.rows(relation, columns)]
    if not found:
        return arrow_schema(columns).empty_table()
    return connection.sql(f"{found[0]} ORDER BY {quoted(PLAN)}").to_arrow_table()


def _same_plans(connection: DuckDBPyConnection, part: DocumentSlice) -> Iterator[Defect]:
    """Yield what is said of plans whose ids others have too."""
    columns = ", ".join(map(quoted, (ID, FILE, PLACE)))
    for scan in part.scan(part.schema.root):
        out = f"{quoted(PLAN)} NOT IN (SELECT {quoted(PLAN)} FROM {support_name(part.number, 'plans')})"
        for plan, file, place in connection.execute(f"SELECT {columns} FROM {scan} AND {out}").fetchall():
            line = place.removeprefix(f"{file}:").partition(":")[0]
            reason, help = same_plan(plan)
            yield Defect(
                file, "same-plan", reason, help, row=int(line) if line.isdecimal() else None, plan=plan
            )


def _counted(connection: DuckDBPyConnection, part: DocumentSlice, relation: str) -> Counts:
    kept = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {support_name(part.number, 'plans')})"
    for scan in part.scan(relation):
        counted = f"SELECT count(*), count(*) FILTER (WHERE NOT ({kept})) FROM {scan}"
        return Counts(*connection.execute(counted).fetchall()[0])
    return Counts()
