"""What sources lack: columns that an export does not have, empty cells, lists not given or not whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from benchmarks.population.draw import BLANK, CONFLICT, UNREADABLE, Array, Random
from benchmarks.population.others import Table, Tables
from jobplan.facts import FactSchema, Field

KEPT = frozenset({"nation", "contract", "from_on"})
"""Facts without which no edition of a policy can be chosen."""

LISTED, NO_ROWS, NOT_GIVEN, PARTIAL = 0, 1, 2, 3
"""What is said of a list: its rows, that it is empty, nothing, that its rows are not all there are."""

SPREAD = 0.12
"""The smaller, the more plans lack nothing at all and the more the others lack."""

SPOILT = 0.03
"""The share of the cells without a value that hold something nobody can read, or of numbers two values."""

EXPLAINED = 8
"""One in so many facts may be spoilt even where it may not be stated to be none."""


@dataclass(slots=True)
class Lack:
    """Facts that the export has no column for, by relation, and what each parent says of each list."""

    left_out: Mapping[str, frozenset[str]]
    lists: Mapping[str, Array]


def lacks(
    random: Random, schema: FactSchema, tables: Tables, loss: float, seed: int, left_out: float
) -> Lack:
    """Take away facts and lists, from most plans few and from a few plans nearly all; return what was said.

    `loss` is the share that is taken away of cells; `left_out` the share of facts without a column.
    """
    count = tables[schema.root].size
    rates = np.minimum(loss * random.gamma(SPREAD, 1 / SPREAD, count), 0.95) if loss > 0 else np.zeros(count)
    lists = {}
    for name, relation in schema.relations.items():
        if name == schema.root:
            continue
        above = tables[relation.parent or schema.root]
        lists[name] = given = np.full(above.size, LISTED, np.uint8)
        rows = tables[name]
        owner = rows.plan if rows.parent is None else rows.parent
        given[np.bincount(owner, minlength=above.size) == 0] = NO_ROWS
        chance = random.random(above.size)
        given[chance < rates[above.plan] * 0.7] = NOT_GIVEN
        if rows.parent is None:
            given[(given == LISTED) & (chance > 1 - rates[above.plan] * 0.1)] = PARTIAL
        keep(schema, tables, name, given[owner] != NOT_GIVEN)
    for table in tables.values():
        emptied(random, schema, table, rates)
    gone = {name: missing(schema, name, seed, left_out) for name in schema.relations}
    return Lack(gone, lists)


def keep(schema: FactSchema, tables: Tables, name: str, kept: Array) -> None:
    """Drop rows; those inside them stand further on in the schema, and are dropped when their turn comes."""
    if kept.all():
        return
    place = np.cumsum(kept) - 1
    tables[name] = tables[name].taken(kept)
    for child in schema.relations[name].children:
        inside = tables[child]
        assert inside.parent is not None
        there = kept[inside.parent]
        tables[child] = inside.taken(there)
        tables[child].parent = place[inside.parent[there]]


def emptied(random: Random, schema: FactSchema, table: Table, rates: Array) -> None:
    """Empty cells of a table, each plan at its own rate; a few are spoilt instead."""
    lossy = np.nonzero(rates[table.plan] > 1e-3)[0]
    rate = rates[table.plan[lossy]]
    if not len(lossy):
        return
    for fact in schema.relations[table.name].fields.values():
        if fact.name in KEPT:
            continue
        chance, column = random.random(len(lossy)), table.facts[fact.name]
        column.mark(lossy[chance < rate], BLANK)
        if is_explained(table.name, fact):
            column.mark(lossy[chance < rate * SPOILT], UNREADABLE)
            if fact.form == "number":
                column.mark(lossy[chance < rate * SPOILT / 2], CONFLICT)


def is_explained(relation: str, fact: Field) -> bool:
    """Tell whether a table has a column beside a fact that says why there is no value."""
    stated = fact.none and fact.form != "text"
    return stated or crc32(f"{relation} {fact.name}".encode()) % EXPLAINED == 0


def missing(schema: FactSchema, name: str, seed: int, share: float) -> frozenset[str]:
    """Return the facts of a relation that the whole export has no column for."""
    facts = schema.relations[name].fields
    chances = ((fact, crc32(f"{seed} {name} {fact}".encode()) / 2**32) for fact in facts if fact not in KEPT)
    return frozenset(fact for fact, chance in chances if chance < share)
