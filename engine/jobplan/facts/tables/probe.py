"""What looks for defects in one part of relation tables: where to ask, and where to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection

from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.shape import ID
from jobplan.facts.tables.source import OF_PLAN
from jobplan.facts.tables.table_slice import TableSlice
from jobplan.quoting import quoted

PLAN_ID = f"CAST({quoted(OF_PLAN)} AS VARCHAR)"
OWN_ID = f"NULLIF(CAST({quoted(ID)} AS VARCHAR), '')"
"""The plan and the id of a row, as texts."""


@dataclass(slots=True)
class Probe:
    """Asks a connection about the tables of one slice, and gathers what is wrong.

    There is a small table `all` of the slice's plans: number of the row and of the plan, id, whether it
    `owns` the rows (the first of equal ids does), and whether its id stands `again` elsewhere.
    """

    connection: DuckDBPyConnection
    part: TableSlice
    defects: list[Defect] = field(default_factory=list)
    told: set[tuple[str, int, int | None, str | None]] = field(default_factory=set)

    @property
    def schema(self) -> FactSchema:
        """Return the schema of the facts."""
        return self.part.schema

    @property
    def mine(self) -> str:
        """Return the condition that a row of a table belongs to a plan of the slice."""
        return f"{PLAN_ID} IN (SELECT id FROM {self.name('all')} WHERE owns)"

    def name(self, name: str) -> str:
        """Return the SQL name of a small table of the slice."""
        return self.part.support_name(name)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self.connection.execute(sql).fetchall()

    def tell(
        self,
        relation: str,
        place: tuple[int, int | None, str | None],
        plan: str | None,
        code: str,
        reason: str,
        help: str | None = None,
    ) -> None:
        """Gather a defect; `place` is the part of the table, the row in its file, and the column's name."""
        table = self.part.tables.raw[relation]
        index, row, column = place
        self.told.add((relation, *place))
        self.defects.append(
            Defect(table.parts[index].file, code, reason, help, table.parts[index].sheet, row,
                   table.shown(column), plan, relation)
        )  # fmt: skip

    def broken(self) -> list[str]:
        """Return the ids of the plans that something is wrong with."""
        return sorted({defect.plan for defect in self.defects if defect.plan})
