"""Tables of text and sheets, written down as Parquet files of texts that are read like all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq

from jobplan.errors import suggest
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.raw import LINE
from jobplan.facts.tables.shape import ID
from jobplan.facts.tables.source import OF_PLAN, OF_ROW

_ROWS_AT_ONCE = 20_000
_LOOKED_THROUGH = 20  # rows among which the names of the columns are looked for, to tell where they stand


@dataclass(slots=True)
class Converted:
    """What became of one table: a file of texts, unless it cannot be read, and what is wrong with its cells.

    `defects` belong to the plan that they name; those without one to the table. `rows` counts what was read.
    """

    name: str
    path: Path | None = None
    sheet: str | None = None
    letters: dict[str, str] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)
    rows: int = 0


def named(words: str) -> str:
    """Return the name of a column or table as schemas write it.

    >>> named(" Contracted units")
    'contracted_units'
    """
    return words.strip().casefold().replace(" ", "_").replace("-", "_")


def known_columns(schema: FactSchema, relation: str) -> frozenset[str]:
    """Return the names that a table's first row may have."""
    found = schema.relations.get(relation)
    if found is None:
        return frozenset(
            {OF_PLAN, ID, "rule", "row", "reason", "about", "holds", "by", "fact", "value", "why"}
        )
    return frozenset({ID, OF_PLAN, OF_ROW, *found.fields})


class TextTable:
    """Writes rows of texts to a Parquet file, each with the number that it has in its own file."""

    def __init__(self, columns: Sequence[str], path: Path) -> None:
        self._schema = pyarrow.schema(
            [(LINE, pyarrow.int64()), *((name, pyarrow.string()) for name in columns)]
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[tuple[int | str | None, ...]] = []

    def add(self, line: int, cells: Sequence[str | None]) -> None:
        """Add a row."""
        self._rows.append((line, *cells))
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        if columns:
            self._writer.write_table(pyarrow.table(columns, schema=self._schema))
        self._rows = []


@dataclass(frozen=True, slots=True)
class Heading:
    """The names in the first row of a table: of each column its index, or why there is none."""

    columns: Mapping[str, int]
    problem: tuple[str, str, str | None] | None = None
    column: int | None = None


def heading(rows: Sequence[Sequence[str]], known: Collection[str]) -> Heading:
    """Read the names of the columns, which stand in the first of some rows.

    Columns without a name are left out. `problem` says code, reason and help where the names cannot be read.
    """
    first = [named(cell) for cell in rows[0]] if rows else []
    if not set(first) & set(known):
        return Heading({}, _no_names(rows, known))
    columns: dict[str, int] = {}
    for index, name in enumerate(first):
        if name in columns:
            said = ("same-column", f"two columns are named `{name}`", "give each column a name of its own")
            return Heading({}, said, index)
        if name:
            columns[name] = index
    return Heading(columns)


def _no_names(rows: Sequence[Sequence[str]], known: Collection[str]) -> tuple[str, str, str | None]:
    best = max(
        range(min(len(rows), _LOOKED_THROUGH)),
        key=lambda index: len({named(cell) for cell in rows[index]} & set(known)),
        default=0,
    )
    found = [cell for cell in rows[0] if cell] if rows else []
    shown = f"`{found[0][:60]}`" if found else "nothing"
    reason = f"expected the names of the columns in the first row, found {shown}"
    if rows and {named(cell) for cell in rows[best]} & set(known):
        return "no-heading", reason, f"the names stand in row {best + 1}: take out the rows above them"
    guess = suggest(named(found[0]), known) if found else None
    return "no-heading", reason, guess or "write a name of the schema above each column"


def kept(name: str, words: str, free: Collection[str]) -> str | None:
    """Return a cell's text without spaces around it, which free texts keep; None for an empty one."""
    bare = words.strip()
    if not bare:
        return None
    return words if name in free else bare


def free_texts(schema: FactSchema, relation: str) -> frozenset[str]:
    """Return the facts that are texts of any words."""
    found = schema.relations.get(relation)
    fields = found.fields.values() if found is not None else ()
    return frozenset(fact.name for fact in fields if fact.form == "text" and not fact.choices)
