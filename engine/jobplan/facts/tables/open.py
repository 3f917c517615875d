"""Opening the input of a run: files and folders, each read as what it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from jobplan.errors import BrokenInput, Problem, suggest
from jobplan.facts.document import Assumption, read_assumption
from jobplan.facts.rows import RowReader
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.data import Data, Relations
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.delimited import read_delimited
from jobplan.facts.tables.documents import DOCUMENTS, LINES
from jobplan.facts.tables.notes import ROLES
from jobplan.facts.tables.raw import NUMBER, RawTable, open_parquet
from jobplan.facts.tables.readback import Documents, note_documents
from jobplan.facts.tables.shape import ID
from jobplan.facts.tables.source import OF_PLAN, OF_ROW, Tables, unknown_columns
from jobplan.facts.tables.workbook import read_workbook
from jobplan.quoting import quoted
from jobplan.source import Document

TABLES = frozenset({".parquet", ".csv", ".tsv"})
WORKBOOKS = frozenset({".xlsx", ".xlsm"})


@dataclass(slots=True)
class Opening:
    """What has been found so far."""

    schema: FactSchema
    connection: duckdb.DuckDBPyConnection
    folder: Path
    sources: list[Documents | Relations] = field(default_factory=list)
    files: list[tuple[str, Path]] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def documents(self, paths: Sequence[Path]) -> None:
        """Note documents, one source for all that follow each other."""
        if not paths:
            return
        self.files += [(str(path), path) for path in paths]
        source = len(self.sources)
        found, digests = note_documents(self.connection, paths, self.schema, source, self.count)
        self.digests |= digests
        self.sources.append(found)
        self.count += found.count

    def lose(self, name: str, rows: int) -> None:
        """Count rows that were read from a table that cannot be used as a whole."""
        self.lost[name] = self.lost.get(name, 0) + rows

    def relations(
        self, raw: Mapping[str, RawTable], cells: Sequence[Defect], broken: Collection[str]
    ) -> None:
        """Take relation tables as a source; without the root's table there are no plans in it.

        `cells` is what is wrong with cells already. Where tables are `broken`, no plan of them can be judged.
        """
        tables = Tables(self.schema, raw, frozenset(broken))
        for name in raw:
            if name in self.schema.relations:
                self.defects += unknown_columns(tables, name)
        root = raw.get(self.schema.root)
        count = root.rows if root is not None else 0
        by_plan: dict[str, list[Defect]] = {}
        for defect in cells:
            if defect.plan is None:
                self.defects.append(defect)
            else:
                by_plan.setdefault(defect.plan, []).append(defect)
        self.sources.append(Relations(self.count, count, tables, by_plan, bool(broken)))
        self.count += count


def open_data(
    paths: Iterable[str | Path],
    schema: FactSchema,
    *,
    assumptions: Iterable[Mapping[str, Any]] = (),
    memory: str = "1GB",
    threads: int = 2,
) -> Data:
    """Open the input of a run: files and folders with plan documents, JSON lines, tables, workbooks.

    Documents and tables are read chunk by chunk, and looked through now for ids that stand twice.
    `assumptions` are the users'. Raises BrokenInput where nothing
    can go on: a path that is not there, an assumption about nothing.
    """
    users = tuple(assumptions)
    assumed = _assumed(schema, users)
    folder = TemporaryDirectory(prefix="jobplan-")
    connection = duckdb.connect(
        config={"memory_limit": memory, "threads": threads, "temp_directory": folder.name,
                "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )  # fmt: skip
    opening = Opening(schema, connection, Path(folder.name))
    try:
        _open(opening, [Path(path) for path in paths])
        _number(opening)
    except BaseException:
        connection.close()
        folder.cleanup()
        raise
    return Data(schema, connection, folder, tuple(opening.sources), tuple(opening.files),
                opening.digests, tuple(opening.defects), users, assumed, tuple(opening.notes),
                opening.lost)  # fmt: skip


def _assumed(schema: FactSchema, users: Sequence[Mapping[str, Any]]) -> tuple[Assumption, ...]:
    reader = RowReader(Document("", {}, "", {}, {}))
    found = [read_assumption(reader, schema, item) for item in users]
    if reader.problems:
        raise BrokenInput(reader.problems)
    return tuple(assumption for assumption in found if assumption is not None)


def _open(opening: Opening, paths: Sequence[Path]) -> None:
    documents: list[Path] = []
    for kind, files, shown in _sources(paths):
        if kind == "documents":
            documents += files
            continue
        opening.documents(documents)
        documents = []
        _READ[kind](opening, files, shown)
    opening.documents(documents)


def _sources(paths: Sequence[Path]) -> Iterator[tuple[str, list[Path], str]]:
    """Yield what is in files and folders, in order: documents, tables that belong together, workbooks."""
    loose: dict[Path, list[Path]] = {}
    for path in paths:
        if not path.exists():
            said = f"no such file or folder: `{path}`"
            raise BrokenInput([Problem("unreadable-file", said)])
        if path.is_dir():
            yield from _folder(path)
        elif path.suffix.lower() in TABLES:
            loose.setdefault(path.parent, []).append(path)
        else:
            yield _kind(path), [path], str(path)
    for folder, files in loose.items():
        yield "tables", files, str(folder)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in DOCUMENTS | LINES:
        return "documents"
    if suffix in WORKBOOKS:
        return "workbook"
    hint = "plans are read from .yaml, .json, .jsonl, .parquet, .csv and .xlsx files"
    raise BrokenInput(
        [Problem("unknown-kind", f"`{path}` is no file of a kind that is read here", None, hint)]
    )


def _folder(folder: Path) -> Iterator[tuple[str, list[Path], str]]:
    """Yield what is in a folder and, in order of their names, in those inside it.

    Folders of `part-` files are tables, as programs write them that work on many machines.
    """
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    parted = {path: sorted(path.glob("part-*.parquet")) for path in inside if path.is_dir()}
    tables = [path for path in inside if path.is_file() and path.suffix.lower() in TABLES]
    tables += [part for parts in parted.values() for part in parts]
    if tables:
        yield "tables", tables, str(folder)
    for path in inside:
        if path.is_dir() and not parted[path]:
            yield from _folder(path)
        elif path.suffix.lower() in DOCUMENTS | LINES:
            yield "documents", [path], str(path)
        elif path.suffix.lower() in WORKBOOKS:
            yield "workbook", [path], str(path)


def _tables(opening: Opening, files: Sequence[Path], shown: str) -> None:
    """Open relation tables that lie in one folder."""
    by_name: dict[str, list[Path]] = {}
    known = [*opening.schema.relations, *ROLES]
    for path in sorted(files):
        stem = path.parent.name if path.stem.startswith("part-") else path.stem
        name = _relation_of(stem, known)
        if name is None:
            reason = f"no relation `{stem}`: the table was not read"
            opening.defects.append(Defect(str(path), "unknown-table", reason, suggest(stem, known)))
        else:
            by_name.setdefault(name, []).append(path)
    raw: dict[str, RawTable] = {}
    cells: list[Defect] = []
    broken: set[str] = set()
    for name in sorted(by_name, key=known.index):
        opening.files += [(str(path), path) for path in by_name[name]]
        parts = [_as_parquet(opening, name, path, cells) for path in by_name[name]]
        table = _table(opening, name, [part for part in parts if part is not None])
        if table is None or None in parts:
            broken.add(name)
        if table is not None:
            raw[name] = table
    opening.relations(raw, cells, broken | _lacks(opening, raw, shown))


def _relation_of(stem: str, known: Iterable[str]) -> str | None:
    """Return the relation that a file is named for; parts of a table have more after a hyphen."""
    return next((name for name in known if stem == name or stem.startswith(f"{name}-")), None)


def _as_parquet(opening: Opening, name: str, path: Path, cells: list[Defect]) -> tuple[Path, str] | None:
    """Return a file as Parquet, with the name that it is called by; None where it cannot be read."""
    if path.suffix.lower() == ".parquet":
        return path, str(path)
    into = opening.folder / f"{len(opening.sources)}-{name}-{len(opening.files)}-{path.stem}.parquet"
    found, notes = read_delimited(path, name, opening.schema, into)
    opening.notes += notes
    if found.path is None:
        opening.defects += found.defects
        opening.lose(name, found.rows)
        return None
    cells += found.defects
    return into, str(path)


def _table(opening: Opening, name: str, parts: Sequence[tuple[Path, str]]) -> RawTable | None:
    if not parts:
        return None
    try:
        return open_parquet(opening.connection, name, parts)
    except duckdb.Error as error:
        reason = f"the table `{name}` cannot be read: {str(error).splitlines()[0]}"
        opening.defects.append(Defect(parts[0][1], "unreadable-file", reason, relation=name))
        return None


def _workbook(opening: Opening, files: Sequence[Path], _: str) -> None:
    """Open the sheets of a workbook."""
    into = opening.folder / f"workbook-{len(opening.sources)}"
    into.mkdir()
    for path in files:
        opening.files.append((str(path), path))
        found = read_workbook(path, opening.schema, [*opening.schema.relations, *ROLES], into)
        opening.defects += found.defects
        opening.notes += found.notes
        if not found.tables and found.defects:
            continue  # nothing of it can be read, and the defects say so
        raw: dict[str, RawTable] = {}
        cells: list[Defect] = []
        for table in found.tables:
            if table.path is None:
                opening.lose(table.name, table.rows)
                continue
            opened = open_parquet(
                opening.connection, table.name, [(table.path, str(path))], sheet=table.sheet
            )
            raw[table.name] = replace(opened, letters=table.letters)
            cells += table.defects
        broken = {table.name for table in found.tables if table.path is None}
        opening.relations(raw, cells, broken | _lacks(opening, raw, str(path), broken))


def _lacks(opening: Opening, raw: dict[str, RawTable], shown: str, broken: Collection[str] = ()) -> set[str]:
    """Complain of what tables cannot do without, and take out those that lack it; return their names."""
    schema = opening.schema
    if schema.root not in {*raw, *broken}:
        reason = f"no table `{schema.root}`: it has a row for each plan"
        opening.defects.append(Defect(shown, "missing-table", reason, relation=schema.root))
    lacking: set[str] = set()
    for name in [*raw]:
        needed = [ID] if name == schema.root else [OF_PLAN]
        if name in schema.relations and schema.relations[name].parent:
            needed.append(OF_ROW)
        missing = next((column for column in needed if column not in raw[name].types), None)
        if missing is not None:
            part, hint = raw[name].parts[0], suggest(missing, raw[name].types)
            reason = f"the table `{name}` has no column `{missing}`"
            opening.defects.append(
                Defect(part.file, "missing-field", reason, hint, part.sheet, None, missing, None, name)
            )
            opening.lose(name, raw[name].rows)
            lacking.add(name)
            del raw[name]
    return lacking


def _number(opening: Opening) -> None:
    """Make the table of all plans: source, number of the row in it, number in the run, id."""
    connection = opening.connection
    connection.execute("CREATE TABLE numbered (source INTEGER, n BIGINT, P BIGINT, id VARCHAR)")
    for index, source in enumerate(opening.sources):
        if isinstance(source, Documents):
            connection.execute(
                f"INSERT INTO numbered SELECT source, n, n + {source.first}, id FROM documents WHERE "
                f"source = {index}"
            )
        elif opening.schema.root in source.tables.raw:
            root = source.tables.raw[opening.schema.root]
            own = f"NULLIF(CAST({quoted(ID)} AS VARCHAR), '')" if ID in root.types else "NULL"
            connection.execute(
                f"INSERT INTO numbered SELECT {index}, {quoted(NUMBER)}, {quoted(NUMBER)} + "
                f"{source.first}, {own} FROM {root.scan()}"
            )
    same = "SELECT id FROM numbered WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    firsts = f"SELECT source, id, min(P) AS first FROM numbered WHERE id IN ({same}) GROUP BY source, id"
    connection.execute(
        "CREATE TABLE ids AS SELECT i.*, coalesce(s.first = i.P, true) AS owns, s.id IS NOT NULL AS again "
        f"FROM numbered i LEFT JOIN ({firsts}) s ON s.source = i.source AND s.id = i.id"
    )
    connection.execute("DROP TABLE numbered")


_READ: Mapping[str, Callable[[Opening, Sequence[Path], str], None]] = {
    "tables": _tables,
    "workbook": _workbook,
}
"""How sources are opened, by their kind."""
