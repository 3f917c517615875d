"""One set of relation tables: which there are, how their columns are read, and which plans they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jobplan.errors import suggest
from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.cells import Cell, absent, cell, held_by
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.raw import RawTable
from jobplan.quoting import literal, quoted

OF_PLAN, OF_ROW = "plan", "parent"
"""Columns of a table that name the plan and the row above."""

GIVEN: Mapping[str, int | None] = {
    "listed": None, "none": None, "partial": CAUSES["partial"], "not_carried": CAUSES["not_carried"]
}  # fmt: skip
"""What may be said of a list, and the code that it has."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one source by relation; those that are there and cannot be used are `broken`."""

    schema: FactSchema
    raw: Mapping[str, RawTable]
    broken: frozenset[str] = frozenset()
    cells: Mapping[str, Mapping[str, Cell]] = field(init=False)

    def __post_init__(self) -> None:
        found = {name: self._cells(name) for name in self.schema.relations}
        object.__setattr__(self, "cells", found)

    def _cells(self, relation: str) -> dict[str, Cell]:
        table = self.raw.get(relation)
        fields = self.schema.relations[relation].fields
        if table is None:
            return {name: absent(fact) for name, fact in fields.items()}
        found = {}
        for name, fact in fields.items():
            beside = f"{name}_is" if f"{name}_is" not in fields else ""
            has_beside = held_by(table.types.get(beside, "")) == "text"
            is_silent = not has_beside or beside in table.empty
            if name not in table.types and not has_beside:
                found[name] = absent(fact)
            elif is_silent and (name not in table.types or name in table.empty):
                found[name] = absent(fact, carried=True)
            else:
                kind = table.types.get(name) if name not in table.empty else None
                column = name if kind else None
                spoilt = beside not in table.unspoilt
                found[name] = cell(
                    fact, column, kind or "VARCHAR", None if is_silent else beside, is_spoilt=spoilt
                )
        return found

    def columns(self, relation: str) -> Iterator[str]:
        """Yield the facts that a relation's table has a column for."""
        types = self.raw[relation].types
        return (
            name for name in self.schema.relations[relation].fields if name in types or f"{name}_is" in types
        )

    def lists(self, relation: str) -> Iterator[str]:
        """Yield the lists of which a relation's table has a column that says whether they are given."""
        types = self.raw[relation].types
        names = (
            self.schema.relations
            if relation == self.schema.root
            else self.schema.relations[relation].children
        )
        return (name for name in names if name in types and name != self.schema.root)

    def known(self, relation: str) -> set[str]:
        """Return every column that a relation's table may have."""
        schema = self.schema.relations[relation]
        is_root = relation == self.schema.root
        links = () if is_root else (OF_PLAN, OF_ROW) if schema.parent else (OF_PLAN,)
        lists = set(self.schema.relations) - {relation} if is_root else schema.children
        note = schema.keys.get("note", "")
        fields = schema.fields
        beside = {f"{name}_is" for name in fields}
        return {"id", *links, *fields, *beside, *lists, note} - {""}

    def columns_of(self, relation: str) -> dict[tuple[str, str], str]:
        """Return how each fact, and what is said of it, is read from a scan: by fact and column."""
        found = {}
        for name, read in self.cells[relation].items():
            found[name, name] = read.value
            found[name, cause_of(name)] = f"CAST({read.cause} AS UTINYINT)"
            found[name, text_of(name)] = f"CAST({read.words} AS VARCHAR)"
            found[name, assumed_of(name)] = "CAST(NULL AS VARCHAR)"
        return found


def given(table: RawTable | None, relation: str, listed: RawTable | None, has_rows: str) -> str:
    """Return the code of a list as SQL: `table` is the one that may say so, `listed` that of the list.

    `has_rows` is the condition that the list has rows.
    """
    lacking = CAUSES["blank"] if listed is not None else CAUSES["not_carried"]
    unsaid = f"CASE WHEN {has_rows} THEN NULL ELSE {lacking} END"
    if table is None or relation not in table.types:
        return f"CAST({unsaid} AS UTINYINT)"
    word = said(relation)
    cases = " ".join(
        f"WHEN {literal(key)} THEN {'NULL' if code is None else code}" for key, code in GIVEN.items()
    )
    blank = f"CASE WHEN {has_rows} THEN NULL ELSE {CAUSES['blank']} END"
    return f"CAST(CASE WHEN {word} IS NULL THEN {blank} ELSE CASE {word} {cases} END END AS UTINYINT)"


def said(relation: str) -> str:
    """Return the word that a table says of a list, NULL where the cell is blank."""
    return f"NULLIF(trim(CAST({quoted(relation)} AS VARCHAR)), '')"


def code_column(relation: str, sql: str) -> str:
    """Return a select's column that tells whether a list is given."""
    return f"{sql} AS {quoted(given_of(relation))}"


def unknown_columns(tables: Tables, relation: str) -> Iterator[Defect]:
    """Yield the columns of a table that the schema does not know: they are not read."""
    table, known = tables.raw[relation], tables.known(relation)
    for name in table.types:
        if name not in known and not name.startswith("__index_level_"):
            hint = suggest(name, known)
            part = table.parts[0]
            column = f"{table.letters[name]} {name}" if name in table.letters else name
            reason = f"no field `{name}` in `{relation}`: the column was not read"
            yield Defect(part.file, "unknown-field", reason, hint, part.sheet, None, column, None, relation)
