"""Plans that were read as documents, put into tables of facts on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq

from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.shape import ABOVE, ID, PLACE, PLAN, ROW, arrow_schema, lists_of, shape
from jobplan.model import Row

FILE, DIGEST = "@file", "@digest"
"""Further columns of the root's table: which document it was, and its digest."""

WAIVERS, ATTESTATIONS = "@waivers", "@attestations"
"""Tables of what is no fact: the plan's number, and the statement as JSON."""

_STATEMENT = {PLAN: "BIGINT", "statement": "VARCHAR"}
_ROWS_AT_ONCE = 20_000
_EPOCH = 719_163  # the ordinal of the day that Arrow counts from


class Columns:
    """The rows of one table, column by column; what no row says has no column in a file."""

    def __init__(self, columns: Mapping[str, str], path: Path) -> None:
        self.types = columns
        self.files: list[Path] = []
        self.used: set[str] = set()
        self.count = 0
        self._path = path
        self._values: dict[str, list[Any]] = {}

    def begin(self) -> None:
        """Begin the next row."""
        self.count += 1

    def put(self, name: str, value: Any) -> None:
        """Put a value into the present row."""
        if value is not None:
            values = self._values.setdefault(name, [])
            values.extend([None] * (self.count - 1 - len(values)))
            values.append(value)

    def flush(self) -> None:
        """Write the rows down, as a further file."""
        if not self.count:
            return
        for values in self._values.values():
            values.extend([None] * (self.count - len(values)))
        self.used |= self._values.keys()
        schema = arrow_schema({name: self.types[name] for name in self._values})
        path = self._path.with_suffix(f".{len(self.files)}.parquet")
        pq.write_table(pyarrow.table([*self._values.values()], schema=schema), path, compression="lz4")
        self.files.append(path)
        self._values, self.count = {}, 0


class Spill:
    """Tables of the plans of one source, in a folder of their own; a file for each relation that has rows."""

    def __init__(self, schema: FactSchema, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.schema = schema
        root = {**shape(schema, schema.root), FILE: "VARCHAR", DIGEST: "VARCHAR"}
        shapes = {name: root if name == schema.root else shape(schema, name) for name in schema.relations}
        shapes |= {WAIVERS: _STATEMENT, ATTESTATIONS: _STATEMENT}
        self.tables = {
            name: Columns(columns, folder / f"{index}")
            for index, (name, columns) in enumerate(shapes.items())
        }

    def add(self, number: int, plan: Plan, line: int | None = None) -> None:
        """Add a plan; `line` is its place where its file has a plan a line."""
        numbers: dict[Row, int] = {}
        for name, relation in plan.relations.items():
            columns = self.tables[name]
            for index, row in enumerate(relation.rows):
                numbers[row] = index
                columns.begin()
                columns.put(PLAN, number)
                if name != self.schema.root:
                    columns.put(ROW, index)
                    above = self.schema.relations[name].parent
                    columns.put(ABOVE, numbers[row.parent] if above and row.parent is not None else None)
                columns.put(PLACE, _place(plan, row, line))
                self._row(columns, row)
                self._lists(columns, plan, row)
        root = self.tables[self.schema.root]
        root.put(FILE, plan.document.file)
        root.put(DIGEST, plan.digest)
        for name, stated in ((WAIVERS, plan.waivers), (ATTESTATIONS, plan.attestations)):
            for item in stated:
                self.tables[name].begin()
                self.tables[name].put(PLAN, number)
                self.tables[name].put("statement", json.dumps(item, ensure_ascii=False, sort_keys=True))
        for columns in self.tables.values():
            if columns.count >= _ROWS_AT_ONCE:
                self.flush()
                break

    def flush(self) -> None:
        """Write all rows down."""
        for columns in self.tables.values():
            columns.flush()

    def _row(self, columns: Columns, row: Row) -> None:
        fields = self.schema.relations[row.relation].fields
        columns.put(ID, row.id)
        for name, value in row.items():
            columns.put(name, value - _EPOCH if fields[name].form == "date" else value)
        for name, cause in row.causes.items():
            if cause != "blank":
                columns.put(cause_of(name), CAUSES[cause])
        for name, words in row.texts.items():
            columns.put(text_of(name), words)
        for name, assumption in row.assumed.items():
            columns.put(assumed_of(name), assumption)

    def _lists(self, columns: Columns, plan: Plan, row: Row) -> None:
        """Tell which lists are not given, or in part: of the plan all, of another row its own."""
        is_root = row.relation == self.schema.root
        for name in lists_of(self.schema, row.relation):
            relation = plan.relations[name]
            if not relation.complete and (is_root or row.id in relation.open_parents):
                columns.put(given_of(name), CAUSES[relation.cause or "blank"])


def _place(plan: Plan, row: Row, line: int | None) -> str:
    if line is not None:
        return f"{plan.document.file}:{line}"
    span = plan.span(row)
    return plan.document.file if span is None else str(span)
