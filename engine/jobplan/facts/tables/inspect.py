"""The inspection of relation tables, in sets: cheap where nothing is wrong, else told cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow
from duckdb import DuckDBPyConnection

from jobplan.facts.coherence import disagreements
from jobplan.facts.document import Assumption
from jobplan.facts.schema import Field
from jobplan.facts.tables.defects import Defect, table_of
from jobplan.facts.tables.notes import Notes, read_notes
from jobplan.facts.tables.present import clear, support
from jobplan.facts.tables.probe import PLAN_ID, Probe
from jobplan.facts.tables.raw import NUMBER
from jobplan.facts.tables.shape import ID, PLACE, PLAN, told_facts
from jobplan.facts.tables.table_slice import TableSlice
from jobplan.facts.tables.wrong_cells import wrong_cells
from jobplan.facts.tables.wrong_lists import lists, lists_in_rows, lists_of_rows
from jobplan.facts.tables.wrong_rows import many_rows, parents, same_ids, same_plans
from jobplan.quoting import literal, quoted


@dataclass(slots=True)
class Counts:
    """Rows of a relation: how many were read, and how many of them were set aside."""

    read: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an inspection of a slice found, and the plans that are left."""

    slice: TableSlice
    plans: pyarrow.Table
    defects: pyarrow.Table
    waivers: pyarrow.Table
    attestations: pyarrow.Table
    rows: dict[str, Counts]


@dataclass(slots=True)
class Inspection:
    """The inspection of one slice, in a connection that has the table `ids` of all plans.

    `cells` is what is known to be wrong already, by plan; `blocked` sets every plan aside.
    """

    connection: DuckDBPyConnection
    part: TableSlice
    source: int
    users: Sequence[Assumption] = ()
    cells: Mapping[str, Sequence[Defect]] = field(default_factory=dict)
    blocked: bool = False

    def run(self) -> Inspected:
        """Find what is wrong, set aside the plans that it is wrong with, and return what is left."""
        clear(self.connection)
        probe, schema = Probe(self.connection, self.part), self.part.schema
        self._number_plans(probe)
        same_plans(probe)
        wrong_cells(probe, schema.root)
        children = [name for name in schema.relations if name in self.part.tables.raw and name != schema.root]
        for relation in children:
            self._keys(probe, relation)
            wrong_cells(probe, relation)
            same_ids(probe, relation)
            many_rows(probe, relation)
        nested = [name for name in children if schema.relations[name].parent]
        for relation in nested:
            parents(probe, relation)
        for relation in children:
            lists_of_rows(probe, relation)
        lists(probe, children)
        lists_in_rows(probe)
        notes = read_notes(self.connection, self.part, self.users)
        probe.defects += notes.defects
        self._coherence(probe, notes)
        return self._finish(probe, children, nested, notes)

    def _number_plans(self, probe: Probe) -> None:
        """Note number and id of every plan of the slice, and what is known of them already."""
        probe.ask(
            f"CREATE TABLE {probe.name('all')} AS SELECT n AS {quoted(NUMBER)}, P AS {quoted(PLAN)}, "
            f"id, owns, again"
            f" FROM ids WHERE source = {self.source} AND n >= {self.part.first} AND n < {self.part.until}"
        )
        if self.cells:
            here = probe.ask(f"SELECT id FROM {probe.name('all')} WHERE owns ORDER BY {quoted(PLAN)}")
            probe.defects += [defect for (plan,) in here for defect in self.cells.get(plan, ())]

    def _keys(self, probe: Probe, relation: str) -> None:
        """Note where the rows of each plan begin, and whether they stand together."""
        low, high, count = quoted("@lo"), quoted("@hi"), quoted("@count")
        number = quoted(NUMBER)
        probe.ask(
            f"CREATE TABLE {probe.name(relation)} AS SELECT k.id AS {quoted('@plan')}, k.{quoted(PLAN)}, "
            f"g.{count}, g.{low}, g.{high} FROM (SELECT {PLAN_ID} AS id, count(*) AS {count}, "
            f"min({number}) AS {low}, "
            f"max({number}) AS {high} FROM {self.part.scan(relation)} GROUP BY {PLAN_ID}) g "
            f"JOIN {probe.name('all')} k ON k.id = g.id AND k.owns"
        )
        if probe.ask(f"SELECT 1 FROM {probe.name(relation)} WHERE {high} - {low} + 1 <> {count} LIMIT 1"):
            self.part.scattered.add(relation)
        elif probe.ask(
            f"SELECT 1 FROM (SELECT {low}, lag({low}) OVER (ORDER BY {quoted(PLAN)}) AS before "
            f"FROM {probe.name(relation)}) WHERE before > {low} LIMIT 1"
        ):
            self.part.unordered.add(relation)

    def _coherence(self, probe: Probe, notes: Notes) -> None:
        """Complain of facts of a row that do not agree; what is assumed is filled in before."""
        for (relation, fact), table in notes.assumed.items():
            self.part.support[f"assumed {relation}.{fact}"] = table
            self.part.assumed.add((relation, fact))
        support(self.connection, self.part.number, self.part.support)
        for relation, schema in self.part.schema.relations.items():
            checked = (*schema.tied, *schema.ordered)
            if checked and relation in self.part.tables.raw:
                carried = {*self.part.tables.columns(relation)}
                carried |= {fact for name, fact in self.part.assumed if name == relation}
                _disagree(probe, relation, [fact for fact in checked if fact.name in carried])

    def _finish(
        self, probe: Probe, children: Sequence[str], nested: Sequence[str], notes: Notes
    ) -> Inspected:
        """Take out the plans that are set aside, and keep what presents the others."""
        out = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {probe.name('out')})"
        self._set_aside(probe)
        rows = {}
        for relation in children:
            counted = f"sum({quoted('@count')})"
            found = probe.ask(f"SELECT {counted}, {counted} FILTER (WHERE {out}) FROM {probe.name(relation)}")
            rows[relation] = Counts(*(int(count or 0) for count in found[0]))
        for name in ["plans", *children, *(f"{relation} parents" for relation in nested)]:
            probe.ask(f"DELETE FROM {probe.name(name)} WHERE {out}")
            self.part.support[name] = self.connection.sql(
                f"SELECT * FROM {probe.name(name)}"
            ).to_arrow_table()
        return Inspected(
            self.part, self._plans(), table_of(probe.defects), notes.waivers, notes.attestations, rows
        )

    def _set_aside(self, probe: Probe) -> None:
        broken = pyarrow.table({"id": pyarrow.array(probe.broken(), pyarrow.string())})
        self.connection.register("jobplan_broken", broken)
        which = "true" if self.blocked else "again OR id IS NULL OR id IN (SELECT id FROM jobplan_broken)"
        probe.ask(
            f"CREATE TABLE {probe.name('out')} AS SELECT {quoted(PLAN)} FROM {probe.name('all')} WHERE "
            f"{which}"
        )
        self.connection.unregister("jobplan_broken")

    def _plans(self) -> pyarrow.Table:
        """Return the plans that are left: number, id, file, place, and the facts that tell which it is."""
        schema = self.part.schema
        facts = told_facts(schema)
        parts = self.part.tables.raw[schema.root].parts
        cases = " ".join(f"WHEN {index} THEN {literal(part.file)}" for index, part in enumerate(parts))
        file = f"CASE {quoted('@part')} {cases} END" if len(parts) > 1 else literal(parts[0].file)
        columns = "".join(f", {quoted(name)}" for name in facts)
        return self.connection.sql(
            f"SELECT {quoted(PLAN)}, {quoted(ID)} AS plan, {file} AS file, {quoted(PLACE)} AS place, "
            f"CAST(NULL AS VARCHAR) AS digest{columns} FROM ({self.part.narrow(schema.root, facts)}) "
            f"ORDER BY 1"
        ).to_arrow_table()


def _disagree(probe: Probe, relation: str, checked: Sequence[Field]) -> None:
    wrong: list[str] = []
    read: dict[str, None] = {}
    for fact in checked:
        value = quoted(fact.name)
        conditions = {
            fact.within: f"len(list_filter({value}, lambda e: e - 1 >= {quoted(fact.within)})) > 0",
            fact.counted_by: f"len({value}) <> {quoted(fact.counted_by)}",
            fact.not_before: f"{value} < {quoted(fact.not_before)}",
        }
        wrong += [condition for other, condition in conditions.items() if other]
        read |= dict.fromkeys([fact.name, *(other for other in conditions if other)])
    if not wrong:
        return
    columns = ", ".join(map(quoted, read))
    found = probe.ask(
        f"SELECT f.{quoted('@part')}, f.{quoted('@row')}, k.id, {columns} FROM "
        f"({probe.part.narrow(relation, read)}) f "
        f"JOIN {probe.name('all')} k ON k.{quoted(PLAN)} = f.{quoted(PLAN)} WHERE {' OR '.join(wrong)} "
        f"ORDER BY f.{quoted('@n')}"
    )
    for index, line, plan, *values in found:
        if any((relation, index, line, name) in probe.told for name in read):
            continue  # what cannot be right needs not agree
        row = {name: _plain(value) for name, value in zip(read, values, strict=True)}
        for fact in checked:
            for told in disagreements(fact, row) if row[fact.name] is not None else ():
                probe.tell(relation, (index, line, fact.name), plan, "wrong-value", told.said, told.way_out)


def _plain(value: Any) -> Any:
    """Return a value as documents have it: days as ordinals."""
    return value.toordinal() if hasattr(value, "toordinal") else value
