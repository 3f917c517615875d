"""Workbooks (XLSX): each sheet is a table; what a cell holds is written down as text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from jobplan.errors import suggest
from jobplan.extras import library
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.convert import (
    Converted,
    TextTable,
    free_texts,
    heading,
    kept,
    known_columns,
    named,
)
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.shape import ID
from jobplan.facts.tables.source import OF_PLAN

MOST_BYTES = 1 << 30
"""What a workbook may unpack to."""

MOST_TIMES = 200
"""How much larger than its file a workbook may be, if it is not small; real ones pack 10 to 40."""

_SMALL = 64 << 20
_WIDEST = 1000  # columns; a schema has fewer facts
_LOOKED_THROUGH = 20  # rows
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
_AT_ONCE = 1 << 20
_OVERLAP = 200  # bytes, longer than any reference to merged cells


@dataclass(slots=True)
class Workbook:
    """What was read of a workbook: its tables, what is wrong with it, and what people should know of it."""

    tables: list[Converted] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_workbook(path: Path, schema: FactSchema, tables: Sequence[str], into: Path) -> Workbook:
    """Write the sheets of a workbook that are named for `tables` down as Parquet, in the folder `into`."""
    found = Workbook()
    if refused := _refused(path):
        found.defects.append(refused)
        return found
    openpyxl = library("openpyxl")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except Exception as error:  # noqa: BLE001 the library raises whatever a broken file leads it to
        found.defects.append(_unreadable(path, error))
        return found
    try:
        _sheets(found, book, path, schema, tables, into)
    except Exception as error:  # noqa: BLE001 as above: sheets are read when rows are asked for
        found.defects.append(_unreadable(path, error))
        found.tables = [Converted(table.name, sheet=table.sheet, rows=table.rows) for table in found.tables]
    finally:
        book.close()
    return found


def _unreadable(path: Path, error: Exception) -> Defect:
    said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return Defect(
        str(path), "unreadable-file", f"the workbook cannot be read: {said}", "save it again as .xlsx"
    )


def _refused(path: Path) -> Defect | None:
    """Return why a workbook is not even opened: it is none, or unpacks to more than anybody needs."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        return _unreadable(path, error)
    packed_size = max(1, path.stat().st_size)
    if size > MOST_BYTES or (size > _SMALL and size > MOST_TIMES * packed_size):
        reason = f"the workbook unpacks to {size >> 20} MiB, {size // packed_size} times its size"
        return Defect(str(path), "too-large", reason, "divide it, or export CSV or Parquet")
    return None


def _sheets(
    found: Workbook, book: Any, path: Path, schema: FactSchema, tables: Sequence[str], into: Path
) -> None:
    for index, sheet in enumerate(book.worksheets):
        name = named(sheet.title)
        if sheet.sheet_state != "visible" and name in tables:
            found.notes.append(f"{path}: the sheet `{sheet.title}` is hidden, and was read")
        if name in tables:
            converted = Converted(name, sheet=sheet.title)
            found.tables.append(converted)
            _Sheet(converted, sheet, path, schema, _merged(path, sheet)).convert(into / f"{index}.parquet")
            found.defects += [defect for defect in converted.defects if converted.path is None]
        elif sheet.sheet_state == "visible" or suggest(name, tables):
            reason = f"no relation `{sheet.title}`: the sheet was not read"
            found.defects.append(
                Defect(str(path), "unknown-table", reason, suggest(name, tables), sheet.title)
            )


def _merged(path: Path, sheet: Any) -> list[tuple[int, int, int, int]]:
    """Return the merged ranges of a sheet: first and last row, first and last column."""
    inside = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    found: dict[tuple[int, int, int, int], None] = {}
    with zipfile.ZipFile(path) as packed, packed.open(inside) as stream:
        before = b""
        while content := stream.read(_AT_ONCE):
            for match in _MERGED.finditer(before + content):
                left, top, right, bottom = (part.decode() for part in match.groups())
                found[int(top), int(bottom), _column(left), _column(right)] = None
            before = (before + content)[-_OVERLAP:]
    return [*found]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def letter_of(column: int) -> str:
    """Return the letter of a column, counted from 1.

    >>> letter_of(28)
    'AB'
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class _Sheet:
    """One sheet on its way into a table of texts."""

    def __init__(
        self,
        found: Converted,
        sheet: Any,
        path: Path,
        schema: FactSchema,
        merged: Sequence[tuple[int, int, int, int]],
    ) -> None:
        self.found, self.sheet, self.path, self.schema = found, sheet, path, schema
        self.merged = merged
        self.columns: Mapping[str, int] = {}

    def convert(self, into: Path) -> None:
        """Write the rows below the first one down; blank ones are passed over."""
        self.sheet.reset_dimensions()  # what the file says of its size need not be so
        rows = ((cells[0], cells[1]) for cells in self._rows())
        begin = list(islice(rows, _LOOKED_THROUGH))
        texts = [[self._shown(cell) for cell in cells] for _, cells in begin]
        if begin and begin[0][0] != 1:  # the first row is blank, and not yielded
            texts = [[], *texts]
        names = heading(texts, known_columns(self.schema, self.found.name))
        if names.problem is not None:
            self._refuse(names.problem, names.column)
            self.found.rows = sum(1 for _ in chain(begin[1:], rows))
            return
        self.columns = names.columns
        self.found.letters = {name: letter_of(index + 1) for name, index in names.columns.items()}
        table = TextTable([*names.columns], into)
        free = free_texts(self.schema, self.found.name)
        self._unnamed(begin)
        for line, cells in chain(begin[1:], rows):
            table.add(line, self._texts(line, cells, free))
            self.found.rows += 1
        table.close()
        self.found.path = into

    def _rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        for line, cells in enumerate(self.sheet.iter_rows(max_col=_WIDEST), 1):
            if any(cell.value is not None and str(cell.value).strip() for cell in cells):
                yield line, cells

    def _refuse(self, problem: tuple[str, str, str | None], column: int | None) -> None:
        code, reason, help = problem
        shown = letter_of(column + 1) if column is not None else None
        self.found.defects.append(
            Defect(str(self.path), code, reason, help, self.sheet.title, 1, shown, None, self.found.name)
        )

    def _unnamed(self, begin: Sequence[tuple[int, Sequence[Any]]]) -> None:
        """Tell of columns that have cells and no name."""
        used = set(self.columns.values())
        for index in sorted(
            {i for _, cells in begin[1:] for i, cell in enumerate(cells) if cell.value is not None}
        ):
            if index not in used:
                self._refuse(("no-heading", "the column has no name: it was not read", None), index)

    def _texts(self, line: int, cells: Sequence[Any], free: frozenset[str]) -> list[str | None]:
        owner = self.columns.get(ID if self.found.name == self.schema.root else OF_PLAN)
        plan = self._shown(cells[owner]) if owner is not None and owner < len(cells) else ""
        texts: list[str | None] = []
        for name, index in self.columns.items():
            cell = cells[index] if index < len(cells) else None
            told = self._wrong(cell, line, index)
            if told is not None:
                code, reason, help = told
                shown = f"{letter_of(index + 1)} {name}"
                self.found.defects.append(
                    Defect(str(self.path), code, reason, help, self.sheet.title, line, shown, plan or None,
                           self.found.name)
                )  # fmt: skip
            words = "" if cell is None or told is not None else self._shown(cell)
            texts.append(kept(name, words, free))
        return texts

    def _wrong(self, cell: Any, line: int, index: int) -> tuple[str, str, str | None] | None:
        """Return what is wrong with a cell, whatever its column: formulas, errors, merged cells."""
        for top, bottom, left, right in self.merged:
            if top <= line <= bottom and left <= index + 1 <= right:
                shown = f"{letter_of(left)}{top}:{letter_of(right)}{bottom}"
                return (
                    "merged-cells",
                    f"the cells {shown} are merged",
                    "part them, and write the value into each",
                )
        if cell is None or cell.value is None:
            return None
        if cell.data_type == "e":
            return "error-value", f"expected a value, found the error `{cell.value}`", "correct the cell"
        if cell.data_type == "f" or not isinstance(cell.value, _VALUES):
            shown = str(getattr(cell.value, "text", cell.value))[:60]
            help = "copy the cells and paste them as values: what a formula comes to may be out of date"
            return "formula", f"expected a value, found the formula `{shown}`", help
        return None

    def _shown(self, cell: Any) -> str:
        return "" if cell.data_type in ("e", "f") else shown_value(cell.value)


_VALUES = (str, bool, int, float, datetime, date, time, timedelta)


def shown_value(value: Any) -> str:
    """Return what a cell holds as text: days and times of day as documents write them.

    >>> shown_value(7.0), shown_value(time(8, 30)), shown_value(timedelta(days=1))
    ('7', '08:30', '24:00')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, time | timedelta):
        return _clock(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _clock(value: time | timedelta) -> str:
    """Return a time of day; fractions of a second are what is left of Excel's fractions of a day."""
    if isinstance(value, time):
        value = timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    seconds = round(value.total_seconds())
    minutes, rest = divmod(seconds, 60)
    shown = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{shown}:{rest:02}" if rest else shown
