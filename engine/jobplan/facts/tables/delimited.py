"""Tables of text (CSV): encoding and delimiter are found out, rows keep the lines that they begin on."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.convert import (
    Converted,
    TextTable,
    free_texts,
    heading,
    kept,
    known_columns,
)
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.shape import ID
from jobplan.facts.tables.source import OF_PLAN

DELIMITERS = ",;\t|"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_AT_ONCE = 1 << 20
_LOOKED_THROUGH = 20  # rows


def read_delimited(path: Path, name: str, schema: FactSchema, into: Path) -> tuple[Converted, list[str]]:
    """Write the rows of a file of texts down as Parquet; return them with notes on how the file was read."""
    found, notes = Converted(name), []
    try:
        encoding = encoding_of(path)
        if encoding == "cp1252":
            notes.append(f"{path} is not in UTF-8: it was read as Windows-1252")
        with path.open(encoding=encoding, newline="") as stream:
            _convert(found, path, stream, schema, into)
    except (OSError, UnicodeError, csv.Error) as error:
        reason = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        found.path = None
        found.defects.append(Defect(str(path), "unreadable-file", reason, relation=name))
    return found, notes


def encoding_of(path: Path) -> str:
    """Return the encoding of a file: by its first bytes, else UTF-8 if all of it is, else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        content = stream.read(_AT_ONCE)
        for mark, encoding in _ENCODINGS:
            if content.startswith(mark):
                return encoding
        try:
            while content:
                decoder.decode(content)
                content = stream.read(_AT_ONCE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def delimiter_of(line: str) -> str:
    """Return the delimiter that stands most often in the line of the names.

    >>> delimiter_of("id;title, short;starts")
    ';'
    """
    return max(DELIMITERS, key=line.count)


def _convert(found: Converted, path: Path, stream: TextIO, schema: FactSchema, into: Path) -> None:
    first = stream.readline()
    stream.seek(0)
    rows = _rows(csv.reader(stream, delimiter=delimiter_of(first), strict=True))
    begin = list(islice(rows, _LOOKED_THROUGH))
    known = known_columns(schema, found.name)
    names = heading([cells for _, cells in begin], known)
    if names.problem is not None:
        code, reason, help = names.problem
        row = begin[0][0] if begin else None
        found.defects.append(Defect(str(path), code, reason, help, row=row, relation=found.name))
        found.rows = sum(1 for _ in chain(begin[1:], rows))
        return
    table = TextTable([*names.columns], into)
    width, free = len(begin[0][1]), free_texts(schema, found.name)
    owner = names.columns.get(ID if found.name == schema.root else OF_PLAN)
    for line, cells in chain(begin[1:], rows):
        if len(cells) != width:
            _complain_of_width(found, path, line, cells, width, owner)
            cells = [*cells, *[""] * width][:width]
        table.add(line, [kept(name, cells[index], free) for name, index in names.columns.items()])
        found.rows += 1
    table.close()
    found.path = into


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that are not blank, each with the line that it begins on."""
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1  # type: ignore[attr-defined]  # the reader of the library has it


def _complain_of_width(
    found: Converted, path: Path, line: int, cells: Sequence[str], width: int, owner: int | None
) -> None:
    reason = f"expected {width} cells, as in the first row, found {len(cells)}"
    plan = cells[owner].strip() if owner is not None and owner < len(cells) else None
    help = "put texts that have the delimiter or a line break in them in double quotes"
    found.defects.append(
        Defect(str(path), "wrong-size", reason, help, row=line, plan=plan or None, relation=found.name)
    )
