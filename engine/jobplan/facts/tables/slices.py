"""A part of a source's plans, and the queries that read the rows of their relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.shape import PLAN, shape
from jobplan.facts.tables.spill import ATTESTATIONS, WAIVERS
from jobplan.quoting import literal, quoted

GIVEN_SCHEMA = "given"
"""The schema of the small tables that rows are read with: which plans there are, where their rows begin."""

HELD = "jobplan_held"
"""The database of the rows of a chunk: in memory too, but compressed, which takes a tenth of the room."""

STATEMENTS: Mapping[str, str] = {"waivers": WAIVERS, "attestations": ATTESTATIONS}
"""Where what is stated beside the facts stands, by its role in the schema."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a relation: what to select from, and an SQL expression for each column.

    An expression without a quoted name reads nothing, and is the same in every row.
    """

    columns: Mapping[str, str]
    source: str

    def select(self, names: Iterator[str] | Mapping[str, str]) -> str:
        """Return a query of some columns, with their SQL types where these are given."""
        kinds = names if isinstance(names, Mapping) else {}
        listed = (
            f"CAST({self.columns[name]} AS {kinds[name]}) AS {quoted(name)}"
            if name in kinds
            else f"{self.columns[name]} AS {quoted(name)}"
            for name in names
        )
        return f"SELECT {', '.join(listed)} FROM {self.source}"


def is_constant(sql: str) -> bool:
    """Tell whether an expression reads no column."""
    return '"' not in sql


class Slice(Protocol):
    """Some plans of one source, checked: what is needed to present their facts."""

    number: int
    support: dict[str, pyarrow.Table]

    def rows(self, relation: str) -> Rows | None:
        """Return the rows of a relation, with the columns of `shape`; None where there is no table of it."""

    def batches(self, relation: str) -> Iterator[Rows]:
        """Yield the same rows, not too many at a time."""


def support_name(number: int, name: str) -> str:
    """Return the SQL name of a small table that the rows of a slice are read with."""
    return f"{quoted(GIVEN_SCHEMA)}.{quoted(f'{number} {name}')}"


def rows_name(relation: str) -> str:
    """Return the SQL name of the table with the rows of a relation, of all slices of a chunk."""
    return f"{HELD}.{quoted(relation)}"


@dataclass(slots=True)
class DocumentSlice:
    """Plans that were read as documents.

    `files` are those of each relation that has rows, `used` the columns that say anything.
    """

    schema: FactSchema
    number: int
    files: Mapping[str, Sequence[Path]]
    used: Mapping[str, frozenset[str]]
    support: dict[str, pyarrow.Table] = field(default_factory=dict)

    def rows(self, relation: str) -> Rows | None:
        """Return the rows of a relation, with the columns of `shape`."""
        return self.read(relation, shape(self.schema, relation))

    def batches(self, relation: str) -> Iterator[Rows]:
        """Yield the rows of a relation."""
        rows = self.rows(relation)
        return iter(() if rows is None else (rows,))

    def read(self, relation: str, columns: Mapping[str, str]) -> Rows | None:
        """Return some columns of the rows of a relation."""
        if relation not in self.files:
            return None
        used = self.used[relation]
        listed = {
            name: quoted(name) if name in used else f"CAST(NULL AS {kind})" for name, kind in columns.items()
        }
        kept = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {support_name(self.number, 'plans')})"
        return Rows(listed, f"{self.scan(relation)} WHERE {kept}")

    def scan(self, relation: str) -> str:
        """Return what to select the rows of a relation from, those of plans that are set aside among them."""
        files = ", ".join(literal(path) for path in self.files[relation])
        return f"read_parquet([{files}], union_by_name = true)"
