"""The plans of a run: documents and tables in one order, handed out in chunks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pyarrow
from duckdb import DuckDBPyConnection

from jobplan.facts.attestations import attestations
from jobplan.facts.document import Assumption
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect, table_of
from jobplan.facts.tables.inspect import Counts, Inspected, Inspection
from jobplan.facts.tables.present import clear, hold, is_held, present, support
from jobplan.facts.tables.raw import NUMBER
from jobplan.facts.tables.readback import Documents, ReadBack, read_back
from jobplan.facts.tables.shape import PLAN, arrow_schema, sql_type, told_facts
from jobplan.facts.tables.slices import Slice
from jobplan.facts.tables.source import OF_PLAN, Tables
from jobplan.facts.tables.table_slice import TableSlice
from jobplan.facts.tables.wrong_rows import orphans
from jobplan.quoting import quoted

_HASHED_AT_ONCE = 1 << 20


@dataclass(slots=True)
class Chunk:
    """Some plans of a run, checked; `plans` are those that are left, `set_aside` has a row for each defect.

    `read` counts the plans before any was set aside, `rows` those of each relation. `first` is the number
    that the chunk's plans are counted from.
    """

    number: int
    first: int
    schema: FactSchema
    slices: tuple[Slice, ...]
    plans: pyarrow.Table
    set_aside: pyarrow.Table
    waivers: pyarrow.Table
    attestations: pyarrow.Table
    read: int
    rows: dict[str, Counts]
    token: str = field(default_factory=lambda: uuid4().hex)

    def load(
        self,
        connection: DuckDBPyConnection,
        plans: pyarrow.Table | None = None,
        *,
        attested: Iterable[str] = (),
        today: int | None = None,
    ) -> None:
        """Make the schema `facts` in a connection, of all plans or of those whose numbers `plans` has in `P`.

        The connection has to be allowed to read `Data.reads`. What was presented in it before goes away. The
        rows are read from files once for a connection, however often some of them are presented.
        """
        if not is_held(connection, self.token):
            clear(connection)
            for part in self.slices:
                support(connection, part.number, part.support)
            hold(connection, self.schema, self.slices, self.token)
        stated = None
        if names := tuple(attested):
            stated = self._attested(names, today)
        present(connection, self.schema, self.slices, plans, stated)

    def _attested(self, names: Sequence[str], today: int | None) -> pyarrow.Table:
        """Return what is attested today: a row for each plan that has attestations, a truth for each name."""
        if today is None:
            raise ValueError("attestations hold on a day: say which is today")
        stated: dict[int, list[Mapping[str, Any]]] = {}
        for number, item in zip(*(column.to_pylist() for column in self.attestations.columns), strict=True):
            stated.setdefault(number, []).append(json.loads(item))
        answers = [attestations(tuple(items), today) for items in stated.values()]
        columns = [list(stated), *([answer.get(name) for answer in answers] for name in names)]
        return pyarrow.table(
            columns, schema=arrow_schema({PLAN: "BIGINT", **dict.fromkeys(names, "BOOLEAN")})
        )


@dataclass(slots=True)
class Relations:
    """Relation tables, their first plan's number and how many plans they have.

    `cells` is what reading the files has found wrong with cells, by plan. `blocked` tells that something is
    wrong with a table as a whole, so that no plan can be judged.
    """

    first: int
    count: int
    tables: Tables
    cells: Mapping[str, list[Defect]] = field(default_factory=dict)
    blocked: bool = False


@dataclass(slots=True)
class Data:
    """The input of a run. Close it, or use it in a `with`: what was written down on the way goes away then.

    `defects` are those that belong to no plan, `notes` what people should know of how files were read.
    """

    schema: FactSchema
    connection: DuckDBPyConnection
    folder: TemporaryDirectory[str]
    sources: tuple[Documents | Relations, ...]
    files: tuple[tuple[str, Path], ...]
    digests: dict[str, str]
    defects: tuple[Defect, ...] = ()
    users: tuple[Mapping[str, Any], ...] = ()
    assumed: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    lost: Mapping[str, int] = field(default_factory=dict)

    def __enter__(self) -> Data:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and memory."""
        self.connection.close()
        self.folder.cleanup()

    @property
    def reads(self) -> tuple[Path, ...]:
        """Return the folders and files that a connection has to be allowed to read."""
        found = {Path(self.folder.name).resolve()}
        for source in self.sources:
            if isinstance(source, Relations):
                found |= {part.path.resolve() for table in source.tables.raw.values() for part in table.parts}
        return tuple(sorted(found))

    def size(self) -> int:
        """Return how many plans there are, those that will be set aside among them."""
        return sum(source.count for source in self.sources)

    def digest(self) -> dict[str, str]:
        """Return the SHA-256 of every file that was read, by the name that people call it by."""
        for shown, path in self.files:
            if shown not in self.digests:
                self.digests[shown] = _sha256(path)
        return {shown: self.digests[shown] for shown, _ in self.files}

    def chunks(self, plans: int, done: Collection[int] = ()) -> Iterator[Chunk]:
        """Yield the plans, so many at a time, in order; there is always a first chunk, which may have none.

        The first one tells of the defects that belong to no plan. Chunks whose numbers are `done` are passed
        over. What a chunk has on the disk goes away when the next one is asked for.
        """
        ranges, defects, lost = self._ranges(plans)
        for number in range(max(1, -(-self.size() // plans))):
            if number not in done:
                folder = Path(self.folder.name) / f"chunk-{number}"
                first, until = number * plans, (number + 1) * plans
                alone = ([*self.defects, *defects], lost) if not number else ([], {})
                yield self._chunk(number, (first, until), ranges, *alone, folder)
                rmtree(folder, ignore_errors=True)

    def _ranges(
        self, plans: int
    ) -> tuple[dict[tuple[int, str, int], tuple[int, int]], list[Defect], dict[str, int]]:
        """Return by source, relation and chunk which rows of a table may belong to its plans.

        Rows that belong to none are told of and counted.
        """
        found: dict[tuple[int, str, int], tuple[int, int]] = {}
        defects: list[Defect] = []
        lost = dict(self.lost)
        for index, source in enumerate(self.sources):
            if isinstance(source, Documents):
                continue
            defects += self._unowned(index, source)
            for relation, table in source.tables.raw.items():
                if relation == self.schema.root:
                    continue
                rows = self.connection.execute(
                    f"SELECT k.P // {plans}, min(t.{quoted(NUMBER)}), max(t.{quoted(NUMBER)}), count(*) "
                    f"FROM {table.scan()} t JOIN ids k ON k.source = {index} AND k.owns "
                    f"AND k.id = CAST(t.{quoted(OF_PLAN)} AS VARCHAR) GROUP BY 1"
                ).fetchall()
                found |= {(index, relation, chunk): (low, high + 1) for chunk, low, high, _ in rows}
                missing = table.rows - sum(row[3] for row in rows)
                if missing:
                    defects += orphans(self.connection, source.tables, relation, index)
                    if relation in self.schema.relations:
                        lost[relation] = lost.get(relation, 0) + missing
        return found, defects, lost

    def _unowned(self, index: int, source: Relations) -> Iterator[Defect]:
        """Yield what is wrong with cells of rows whose plan is not there."""
        plans = [*source.cells]
        if plans:
            found = self.connection.execute(
                f"SELECT id FROM ids WHERE source = {index} AND id IN (SELECT unnest(?))", [plans]
            ).fetchall()
            known = {plan for (plan,) in found}
            for plan, defects in source.cells.items():
                if plan not in known:
                    yield from (defect._replace(plan=None) for defect in defects)

    def _chunk(
        self,
        number: int,
        bounds: tuple[int, int],
        ranges: Mapping[tuple[int, str, int], tuple[int, int]],
        defects: list[Defect],
        lost: Mapping[str, int],
        folder: Path,
    ) -> Chunk:
        found: list[Inspected | ReadBack] = []
        for index, source in enumerate(self.sources):
            start, end = max(bounds[0], source.first), min(bounds[1], source.first + source.count)
            if start >= end:
                continue
            place = (index, len(found))
            if isinstance(source, Relations):
                here = {
                    name: ranges.get((index, name, number), (0, 0))
                    for name in source.tables.raw
                    if name in self.schema.relations
                }
                here[self.schema.root] = (start - source.first, end - source.first)
                cut = TableSlice(source.tables, len(found), *here[self.schema.root], here)
                cells, blocked = source.cells, source.blocked
                found.append(Inspection(self.connection, cut, index, self.assumed, cells, blocked).run())
            else:
                into = folder / str(index)
                found.append(
                    read_back(self.connection, self.schema, source, place, (start, end), into, self.users)
                )
        rows = {name: Counts(count, count) for name, count in lost.items()}
        for part in found:
            _add(rows, part.rows)
        return Chunk(
            number,
            bounds[0],
            self.schema,
            tuple(part.slice for part in found),
            _joined([part.plans for part in found], self.schema),
            pyarrow.concat_tables([table_of(defects), *(part.defects for part in found)]),
            _joined_stated([part.waivers for part in found]),
            _joined_stated([part.attestations for part in found]),
            min(bounds[1], self.size()) - bounds[0],
            rows,
        )


def _joined(plans: list[pyarrow.Table], schema: FactSchema) -> pyarrow.Table:
    facts = {name: sql_type(schema.relations[schema.root].fields[name]) for name in told_facts(schema)}
    columns = {PLAN: "BIGINT", **dict.fromkeys(("plan", "file", "place", "digest"), "VARCHAR"), **facts}
    return pyarrow.concat_tables([arrow_schema(columns).empty_table(), *plans])


def _joined_stated(tables: list[pyarrow.Table]) -> pyarrow.Table:
    return pyarrow.concat_tables(
        [arrow_schema({PLAN: "BIGINT", "statement": "VARCHAR"}).empty_table(), *tables]
    )


def _add(rows: dict[str, Counts], more: Mapping[str, Counts]) -> None:
    for name, counts in more.items():
        known = rows.setdefault(name, Counts())
        known.read += counts.read
        known.set_aside += counts.set_aside


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while content := stream.read(_HASHED_AT_ONCE):
            digest.update(content)
    return digest.hexdigest()
