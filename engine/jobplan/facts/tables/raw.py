"""Tables of a source as they stand in their files, rows numbered through all files of a relation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from duckdb import DuckDBPyConnection

from jobplan.facts.tables.shape import PLACE
from jobplan.quoting import literal, quoted

NUMBER, PART, LINE = "@n", "@part", "@row"
"""Columns beside those of a file: number of the row in the table, of the file, and the row in the file."""

OWN = (NUMBER, PART, LINE, PLACE)


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a table, and what people call it: the file that it stands for, maybe with a sheet.

    `lines` tells that a column of it has the numbers of the rows; else they count from 1.
    """

    path: Path
    file: str
    rows: int
    first: int
    sheet: str | None = None
    lines: bool = False

    @property
    def shown(self) -> str:
        """Return the name that goes before the number of a row."""
        return f"{self.file}!{self.sheet}" if self.sheet is not None else self.file


@dataclass(frozen=True, slots=True)
class RawTable:
    """The files of one relation; `types` are the SQL types of their columns, `letters` those of a sheet.

    `columns` are those of each file. Columns without a value are `empty`; in `unspoilt` ones, all texts begin
    as `none` and `not_carried` do.
    """

    name: str
    parts: tuple[Part, ...]
    types: Mapping[str, str]
    letters: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    unspoilt: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """Return how many rows the table has."""
        return sum(part.rows for part in self.parts)

    def shown(self, column: str | None) -> str | None:
        """Return a column's name as people see it: after its letter, where it has one."""
        return f"{self.letters[column]} {column}" if column and column in self.letters else column

    def scan(self, first: int = 0, until: int | None = None) -> str:
        """Return the rows from `first` up to, not including, `until` as something to select from."""
        end = self.rows if until is None else until
        parts = [
            self._part(index, part, first, end)
            for index, part in enumerate(self.parts)
            if part.first < end and first < part.first + part.rows
        ]
        if not parts:
            parts = [f"{self._part(0, self.parts[0], 0, 0)} LIMIT 0"]
        return f"({' UNION ALL BY NAME '.join(parts)})"

    def _part(self, index: int, part: Part, first: int, until: int) -> str:
        number = f"(file_row_number + {part.first})"
        line = quoted(LINE) if part.lines else "(file_row_number + 1)"
        place = f"{literal(part.shown + ':')} || {line}"
        lines = f"({line}) AS {quoted(LINE)}" if not part.lines else quoted(LINE)
        columns = [quoted(name) for name in self.types if name in self._columns_of(part)]
        select = [
            f"{number} AS {quoted(NUMBER)}",
            f"{index} AS {quoted(PART)}",
            lines,
            f"{place} AS {quoted(PLACE)}",
            *columns,
        ]
        where = ""
        if first > part.first or until < part.first + part.rows:
            where = f" WHERE file_row_number BETWEEN {first - part.first} AND {until - part.first - 1}"
        source = f"read_parquet({literal(part.path)}, file_row_number = true)"
        return f"SELECT {', '.join(select)} FROM {source}{where}"

    def _columns_of(self, part: Part) -> Iterable[str]:
        return self.columns.get(part.path, self.types)


def open_parquet(
    connection: DuckDBPyConnection, name: str, files: Iterable[tuple[Path, str]], *, sheet: str | None = None
) -> RawTable:
    """Return the table of one or more Parquet files, each with the name that it is called by.

    Raises duckdb.Error for what is no Parquet, or has columns of one name and different kinds.
    """
    parts: list[Part] = []
    columns: dict[Path, frozenset[str]] = {}
    first = 0
    for path, shown in files:
        source = f"read_parquet({literal(path)})"
        found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        names = frozenset(row[0] for row in found)
        rows = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
        count = rows[0] if rows else 0
        parts.append(Part(path, shown, count, first, sheet, LINE in names))
        columns[path] = names
        first += count
    listed = " UNION ALL BY NAME ".join(f"SELECT * FROM read_parquet({literal(p.path)})" for p in parts)
    described = connection.execute(f"DESCRIBE {listed}").fetchall()
    types = {row[0]: row[1] for row in described if row[0] not in OWN}
    empty, unspoilt = _statistics(connection, parts, types)
    return RawTable(name, tuple(parts), types, {}, columns, empty, unspoilt)


def _statistics(
    connection: DuckDBPyConnection, parts: Iterable[Part], types: Iterable[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the columns without a value in any file, and those whose texts begin as `n` does in all."""
    files = ", ".join(literal(part.path) for part in parts)
    found = connection.execute(
        # where a file has no statistics, nothing is known
        "SELECT path_in_schema, sum(num_values - stats_null_count) > 0, "
        "count(*) = count(stats_min_value) FILTER (WHERE stats_min_value >= 'n' AND stats_max_value < 'o') "
        f"+ count(*) FILTER (WHERE num_values = stats_null_count) FROM parquet_metadata([{files}]) GROUP BY 1"
    ).fetchall()
    known = {name for name, _, _ in found}
    nested = set(types) - known
    filled = {name for name, has_values, _ in found if has_values or has_values is None}
    return frozenset(known - filled - nested), frozenset(name for name, _, is_plain in found if is_plain)
