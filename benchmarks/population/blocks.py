"""Blocks of plans: how many rows of each relation, their facts, and what the source lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from benchmarks.population import others
from benchmarks.population.draw import EPOCH, NONE, Array, Likely, Random, draw
from benchmarks.population.lacking import Lack, lacks
from benchmarks.population.likely import ACTIVITY, ON_CALL, ON_CALL_PERIOD, PLAN
from benchmarks.population.likely_rows import LIKELY_ROWS, ROWS
from benchmarks.population.others import Table, Tables
from benchmarks.population.week import plain, timetables
from jobplan.facts import FactSchema, load_schema

BLOCK = 10_000
"""Plans that are made at a time; memory follows it."""

LIKELY = {
    "plan": PLAN, "activity": ACTIVITY, "on_call": ON_CALL, "on_call_period": ON_CALL_PERIOD, **LIKELY_ROWS,
}  # fmt: skip
TIMETABLE = "activity"
RARELY = 0.005
MONTH = np.array([0, 0, 0, 0, 6, 30, 61])


@dataclass(slots=True)
class Block:
    """Some plans: the number of the first, their tables by relation, and what became of each list."""

    first: int
    count: int
    tables: Tables
    lack: Lack


@dataclass(frozen=True, slots=True)
class Population:
    """How many plans to make, and of what sort; the same numbers make the same plans.

    `rows` is how many rows of the timetable a plan has on average; `completeness` the share of facts that
    a plan's source has; `carried` the share of facts that it has a column for; plans begin about `day`.
    """

    plans: int
    seed: int = 0
    rows: float = 25.0
    completeness: float = 0.97
    carried: float = 1.0
    contracts: tuple[str, ...] = ("england/consultant-2003",)
    day: date = date(2025, 4, 1)
    schema: FactSchema = field(default_factory=load_schema)

    def blocks(self) -> Iterator[Block]:
        """Yield the plans in blocks."""
        for number, first in enumerate(range(0, self.plans, BLOCK)):
            yield self.block(number, min(BLOCK, self.plans - first))

    def block(self, number: int, count: int) -> Block:
        """Return one block."""
        random = np.random.default_rng([self.seed, number])
        starts = self.day.toordinal() - EPOCH + random.choice(MONTH, count)
        tables = self.drawn(random, starts)
        others.size_of_work(random, tables)
        others.rotas(random, tables)
        aim = others.aims(random, tables)
        week = timetables(random, aim, self.rows)
        tables[TIMETABLE] = self.facts(random, Table(TIMETABLE, week.plan, None, week.rank), starts)
        tables[TIMETABLE].facts.update(week.facts)
        others.totals(random, tables, week, aim)
        others.disputes(random, tables["dispute"], starts)
        others.panels(random, tables["panel_member"])
        others.ties(random, tables)
        self.none_somewhere(random, tables)
        identify(random, tables["plan"], starts, number * BLOCK, self.contracts)
        for name, relation in self.schema.relations.items():
            for fact in relation.ordered:
                follow(tables[name], fact.name, fact.not_before)
        lack = lacks(random, self.schema, tables, 1 - self.completeness, self.seed, 1 - self.carried)
        return Block(number * BLOCK, count, tables, lack)

    def drawn(self, random: Random, starts: Array) -> Tables:
        """Return the tables of all relations but the timetable, drawn fact by fact."""
        root = self.schema.root
        count = len(starts)
        tables = {root: self.facts(random, Table(root, np.arange(count), None, np.zeros(count, int)), starts)}
        for name, relation in self.schema.relations.items():
            if name in (root, TIMETABLE):
                continue
            above = tables[relation.parent or root]
            rows = random.choice(len(ROWS.get(name, (0.5, 0.5))), above.size, p=ROWS.get(name, (0.5, 0.5)))
            parent = np.repeat(np.arange(above.size), rows)
            plan = above.plan[parent]
            rank = np.arange(len(plan)) - np.searchsorted(plan, plan)
            made = Table(name, plan, parent if relation.parent else None, rank)
            tables[name] = self.facts(random, made, starts)
        return tables

    def facts(self, random: Random, table: Table, starts: Array) -> Table:
        """Draw the facts of a table's rows."""
        usual = LIKELY.get(table.name, {})
        days = starts[table.plan]
        for fact in self.schema.relations[table.name].fields.values():
            likely = usual.get(fact.name, Likely(given=0.9, none=0.15 if fact.form != "text" else 0.03))
            table.facts[fact.name] = draw(fact, likely, random, days)
        for fact in self.schema.relations[table.name].tied:
            agree(table, fact.name, fact.within, fact.counted_by)
        return table

    def none_somewhere(self, random: Random, tables: Tables) -> None:
        """Let facts that may be stated to be none be so now and then, where nothing else made them so."""
        for name, relation in self.schema.relations.items():
            for fact in relation.fields.values():
                column = tables[name].facts[fact.name]
                if fact.none and not (column.codes == NONE).any():
                    column.mark(random.random(len(column.codes)) < RARELY, NONE)


def agree(table: Table, fact: str, within: str, counted_by: str) -> None:
    """Let lists number the parts of their length, and be counted right, where rows say both."""
    column = table.facts[fact]
    lengths = np.array([len(words) for words in column.words], float)[column.values]
    most = np.array([max(words, default=0.0) for words in column.words])[column.values]
    if within:
        table.facts[within].values = np.maximum(table.facts[within].values, most)
    if counted_by:
        table.facts[counted_by].values = lengths


def follow(table: Table, fact: str, before: str) -> None:
    """Let a day that may not lie before another one follow it by a fortnight where it would."""
    first, later = table.facts[before].values, table.facts[fact]
    later.values = np.where(later.values < first, first + 14, later.values)


def identify(random: Random, plan: Table, starts: Array, first: int, contracts: tuple[str, ...]) -> None:
    """Say which plans they are, and by which policy they go."""
    parts = [contract.split("/") for contract in contracts]
    chosen = random.integers(0, len(contracts), plan.size)
    plan.facts["nation"] = plain(chosen, [nation for nation, _ in parts])
    plan.facts["contract"] = plain(chosen, [contract for _, contract in parts])
    plan.facts["from_on"] = plain(starts)
    plan.facts["doctor"] = plain(np.arange(plan.size), [f"doctor-{first + n:07d}" for n in range(plan.size)])
