"""Timetables: half-days of a week parted into rows whose work units add up to what is contracted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.population.draw import BLANK, NONE, Array, Column, Random
from benchmarks.population.likely import KINDS, ROLES, SUPPORTING

WEEKDAYS = 5
PLAIN_MINUTES, PREMIUM_MINUTES = 240.0, 180.0
"""Minutes of a work unit in plain and in premium time."""

SLOT_DAY = np.array([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 1, 2, 3, 4, 5, 6, 6, 7], float)
SLOT_FROM = np.array([0, 270] * 5 + [540] * 5 + [0, 210, 0], float)
SLOT_UNITS = np.array([1.0] * 10 + [0.5] * 5 + [1.0] * 3)
WEEKEND = SLOT_DAY > WEEKDAYS
SATURDAY = 15
"""The slots in the order in which they fill up; minutes from the start of the day."""

DAY_STARTS, DAY_STARTS_SHARE = np.array([480.0, 510.0, 540.0, 450.0]), (0.6, 0.2, 0.15, 0.05)
WAYS = ("weekly", "cycle", "cycle_covered", "yearly", "monthly", "quarterly", "hours", "inside")
WEEKLY, CYCLE, COVERED, YEARLY, MONTHLY, QUARTERLY, HOURS, INSIDE = range(len(WAYS))
WAYS_SHARE = (0.912, 0.0, 0.015, 0.015, 0.008, 0.005, 0.045, 0.0)
CATEGORIES = ("DCC", "SPA", "ANR", "EXT", "PRIVATE", "FEE", "UNIVERSITY", "TRAVEL", "OFF")
DCC, SPA, ANR, EXT, PRIVATE, FEE, UNIVERSITY, TRAVEL, OFF = range(len(CATEGORIES))
WEEKS: tuple[tuple[float, ...], ...] = (
    (), (1.0,), (2.0,), (1.0, 3.0), (2.0, 4.0), (1.0, 2.0, 3.0), (4.0,), (1.0, 2.0, 3.0, 4.0),
)  # fmt: skip
"""Lists of weeks; the pairs 1 and 2, 3 and 4, 5 and 6 share a cycle between two rows, 7 is four of five."""

CYCLES = np.array([0, 2, 2, 4, 4, 4, 4, 5], float)
OTHER_KINDS = (
    "on_call_predictable", "on_call_unpredictable", "responsibility", "clinical_management", "college",
    "examining", "on_site_cover", "private_work", "fee_work", "academic", "travel", "day_off", "waiting_list",
    "extra_clinic",
)  # fmt: skip
KIND_WORDS = tuple(dict.fromkeys((*KINDS, *SUPPORTING, *OTHER_KINDS)))


def premium_minutes() -> Array:
    """Return how many minutes before each minute of ten days lie in premium time."""
    minutes = np.arange(10 * 1440)
    day, clock = minutes // 1440 % 7, minutes % 1440
    premium = (day >= WEEKDAYS) | (clock < 420) | (clock >= 1140)
    return np.concatenate([[0], np.cumsum(premium)]).astype(float)


PREMIUM_BEFORE = premium_minutes()


@dataclass(slots=True)
class Aims:
    """What the rows of each plan have to come to."""

    units: Array
    supporting: Array
    emergency_in_rows: Array
    annualised: Array
    academic: Array
    extra: Array


@dataclass(slots=True)
class Week:
    """The rows of many timetables, in order: the plan of each, its rank there, and its facts."""

    plan: Array
    rank: Array
    facts: dict[str, Column] = field(default_factory=dict)
    units: Array = field(default_factory=lambda: np.zeros(0))
    hours: Array = field(default_factory=lambda: np.zeros(0))
    premium: Array = field(default_factory=lambda: np.zeros(0))
    per_week: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(slots=True)
class Rough:
    """Rows before they are facts, as one array for each thing about them."""

    plan: Array
    slot: Array
    day: Array
    starts: Array
    minutes: Array
    category: Array
    kind: Array
    way: Array
    weeks: Array
    partner: Array

    def taken(self, rows: Array) -> Rough:
        """Return some of the rows, in an order."""
        return Rough(**{name: getattr(self, name)[rows] for name in Rough.__slots__})


def timetables(random: Random, aims: Aims, rows: float) -> Week:
    """Return the timetables of as many plans as there are aims, of about `rows` rows each."""
    rough = parted(random, aims, rows)
    categories(random, rough, aims)
    ways(random, rough, aims)
    rough = shared(random, rough)
    rough = added(random, rough, aims)
    return written(random, rough, aims)


def parted(random: Random, aims: Aims, rows: float) -> Rough:
    """Fill the slots of every plan and part them into rows."""
    count = len(aims.units)
    slots = np.tile(SLOT_UNITS, (count, 1))
    early = (random.random(count) < 0.15) & (aims.units > 2)
    slots[early, SATURDAY] = 0
    before = np.cumsum(slots, axis=1) - slots
    used = np.clip((aims.units - early)[:, None] - before, 0, slots)
    used[early, SATURDAY] = 1
    plan, slot = np.nonzero(used > 0.02)
    minutes = np.round(used[plan, slot] * np.where(WEEKEND[slot], PREMIUM_MINUTES, PLAIN_MINUTES) / 5) * 5
    mean = max(rows * 0.93 * count / max(len(plan), 1), 1.0)
    parts = np.clip(1 + random.poisson(mean - 1, len(plan)), 1, np.maximum(minutes // 15, 1)).astype(int)
    owner = np.repeat(np.arange(len(plan)), parts)
    part = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    edges = [np.floor(minutes[owner] * (part + more) / parts[owner] / 5) * 5 for more in (0, 1)]
    begins = random.choice(DAY_STARTS, count, p=DAY_STARTS_SHARE)[plan[owner]] + SLOT_FROM[slot[owner]]
    size, zero = len(owner), np.zeros(len(owner), int)
    return Rough(
        plan[owner], slot[owner], SLOT_DAY[slot[owner]], begins + edges[0], edges[1] - edges[0],
        zero, pick(random, KINDS, size), zero.copy(), zero.copy(), np.full(size, -1),
    )  # fmt: skip


def pick(random: Random, weights: Any, size: int) -> Array:
    """Return kinds by weight, as places in KIND_WORDS."""
    places = np.array([KIND_WORDS.index(kind) for kind in weights])
    shares = np.array(list(weights.values()), float)
    return np.asarray(random.choice(places, size, p=shares / shares.sum()))


def categories(random: Random, rough: Rough, aims: Aims) -> None:
    """Make rows supporting until there is enough of it, and a few others what else there is."""
    size, count = len(rough.plan), len(aims.units)
    order = np.lexsort(
        (rough.starts, random.random((count, len(SLOT_DAY)))[rough.plan, rough.slot], rough.plan)
    )
    units = rough.minutes[order] / np.where(WEEKEND[rough.slot[order]], PREMIUM_MINUTES, PLAIN_MINUTES)
    total = np.cumsum(units)
    first = np.searchsorted(rough.plan[order], np.arange(count))
    before = total - units - np.concatenate([[0], total])[first][rough.plan[order]]
    rough.category[order] = np.where(before < aims.supporting[rough.plan[order]] - 0.05, SPA, DCC)
    rough.kind = np.where(rough.category == SPA, pick(random, SUPPORTING, size), rough.kind)
    chance = random.random(size)
    clinical = rough.category == DCC
    for category, low, high, kinds in (
        (ANR, 0.0, 0.012, {"responsibility": 3, "clinical_management": 1}),
        (EXT, 0.012, 0.018, {"college": 1, "examining": 1}),
        (TRAVEL, 0.018, 0.02, {"travel": 1}),
        (DCC, 0.02, 0.022, {"waiting_list": 1, "extra_clinic": 1, "cpd": 1}),
    ):
        where = clinical & (chance >= low) & (chance < high)
        rough.category[where] = category
        rough.kind[where] = pick(random, kinds, size)[where]
    university = clinical & aims.academic[rough.plan] & (chance > 0.9)
    rough.category[university], rough.kind[university] = UNIVERSITY, KIND_WORDS.index("academic")


def ways(random: Random, rough: Rough, aims: Aims) -> None:
    """Say how often rows happen, so that a week on average stays what it was."""
    size = len(rough.plan)
    rough.way = np.asarray(random.choice(len(WAYS), size, p=np.array(WAYS_SHARE) / sum(WAYS_SHARE)))
    rough.way[aims.annualised[rough.plan] & (random.random(size) < 0.5)] = YEARLY
    rough.weeks[rough.way == COVERED] = 7


def shared(random: Random, rough: Rough) -> Rough:
    """Let two rows take turns in some slots."""
    twice = np.nonzero((rough.way == WEEKLY) & (random.random(len(rough.plan)) < 0.06))[0]
    other = rough.taken(twice)
    pair = random.integers(0, 3, len(twice)) * 2 + 1
    rough.way[twice], rough.weeks[twice] = CYCLE, pair
    other.way[:], other.weeks = CYCLE, pair + 1
    base = len(rough.plan)
    rough.partner[twice], other.partner = base + np.arange(len(twice)), twice
    return joined(rough, other)


def joined(*parts: Rough) -> Rough:
    """Return rows under one another."""
    return Rough(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Rough.__slots__})


def added(random: Random, rough: Rough, aims: Aims) -> Rough:
    """Add rows beside the ordinary week: emergency work, nights, private work, rows inside others."""
    count = len(aims.units)

    def more(share: float, day: float, starts: float, minutes: float, category: int, kind: str, way: int,
             among: Array | None = None) -> Rough:  # fmt: skip
        chosen = random.random(count) < share
        plans = np.nonzero(chosen if among is None else chosen & among)[0]
        size = len(plans)
        return Rough(
            plans, np.full(size, 17), np.full(size, day), np.full(size, starts), np.full(size, minutes),
            np.full(size, category), np.full(size, KIND_WORDS.index(kind)), np.full(size, way),
            np.zeros(size, int), np.full(size, -1),
        )  # fmt: skip

    emergency = more(1, 0, 0, 120, DCC, "on_call_unpredictable", HOURS, aims.emergency_in_rows)
    night = more(0.02, 5, 1200, 720, DCC, "on_site_cover", CYCLE)
    night.weeks[:] = 1
    inside = rough.taken(np.nonzero(random.random(len(rough.plan)) < 0.01)[0])
    inside.way[:], inside.partner[:] = INSIDE, -1
    return joined(
        rough, emergency, night, inside,
        more(0.1, 2, 510, 60, DCC, "on_call_predictable", WEEKLY, aims.emergency_in_rows),
        more(0.02, 4, 1110, 120, PRIVATE, "private_work", WEEKLY),
        more(0.01, 3, 1110, 60, FEE, "fee_work", WEEKLY),
        more(0.1, 5, 540, 420, OFF, "day_off", WEEKLY, aims.units < 8),
        more(0.01, 8, 540, 240, DCC, "ward_round", YEARLY),
    )  # fmt: skip


def written(random: Random, rough: Rough, aims: Aims) -> Week:
    """Put the rows of each plan in order and write down their facts."""
    order = np.lexsort((rough.weeks, rough.starts, rough.day, rough.plan))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    rows = rough.taken(order)
    partner = np.where(rows.partner >= 0, place[rows.partner], -1)
    first = np.searchsorted(rows.plan, np.arange(len(aims.units)))
    rank = np.arange(len(order)) - first[rows.plan]
    week = Week(rows.plan, rank)
    names = [f"activity-{number + 1}" for number in range(int(rank.max(initial=0)) + 1)]
    timed(random, rows, week)
    often(rows, week)
    worth(random, rows, week)
    belonging(random, rows, week, aims, partner, names)
    return week


def plain(values: Array, words: Any = ()) -> Column:
    """Return a column that says something in every row."""
    return Column(values, np.zeros(len(values), np.uint8), words)


def timed(random: Random, rows: Rough, week: Week) -> None:
    """Write down days, clock times and lengths; some rows have a length and no times."""
    size = len(rows.plan)
    untimed = rows.way == HOURS
    lengths = (~untimed) & (random.random(size) < 0.012)
    week.facts["weekday"] = weekday = plain(rows.day)
    week.facts["starts"] = starts = plain(rows.starts.copy())
    week.facts["ends"] = ends = plain((rows.starts + rows.minutes) % 1440)
    week.facts["hours_each"] = each = plain(rows.minutes / 60)
    week.facts["session"] = session = plain(np.where(rows.starts < 720, 0, 1), ("am", "pm"))
    week.facts["hours_a_week"] = weekly = plain(rows.minutes / 60)
    for column in (weekday, starts, ends):
        column.mark(untimed, BLANK)
    starts.mark(lengths, NONE)
    ends.mark(lengths, BLANK)
    each.mark(~lengths, BLANK)
    session.mark(~lengths, BLANK)
    weekly.mark(~untimed, BLANK)


def often(rows: Rough, week: Week) -> None:
    """Write down how often rows happen."""
    cycles, turns = CYCLES[rows.weeks], np.array([len(weeks) for weeks in WEEKS], float)[rows.weeks]
    cyclic = (rows.way == CYCLE) | (rows.way == COVERED)
    counted = (rows.way == YEARLY) | (rows.way == MONTHLY) | (rows.way == QUARTERLY)
    said = {
        "cycle_weeks": (cycles, cyclic),
        "turns": (turns, cyclic),
        "cover_factor": (np.full(len(cycles), 1.25), rows.way == COVERED),
        "times_a_year": (np.full(len(cycles), 42.0), rows.way == YEARLY),
        "times_a_month": (np.full(len(cycles), 3.5), rows.way == MONTHLY),
        "times_a_quarter": (np.full(len(cycles), 10.5), rows.way == QUARTERLY),
        "year_of_weeks": (np.full(len(cycles), 42.0), counted),
    }
    week.facts["how_often"] = plain(rows.way, WAYS)
    week.facts["weeks"] = plain(rows.weeks, WEEKS)
    week.facts["weeks"].mark(~cyclic, BLANK)
    for name, (values, where) in said.items():
        week.facts[name] = plain(values)
        week.facts[name].mark(~where, BLANK)
    part = turns / np.maximum(cycles, 1)
    week.per_week = np.select(
        [rows.way == CYCLE, rows.way == COVERED, rows.way == INSIDE], [part, part * 1.25, 0.0], 1.0
    )


def worth(random: Random, rows: Rough, week: Week) -> None:
    """Work out what rows are worth, and claim it: mostly rightly, some rounded, some in round figures."""
    opens = ((rows.day - 1) * 1440 + rows.starts).astype(int).clip(0)
    premium = PREMIUM_BEFORE[opens + rows.minutes.astype(int)] - PREMIUM_BEFORE[opens]
    premium = np.select([rows.way == HOURS, rows.day == WEEKDAYS + 3], [0.0, rows.minutes], premium)
    week.premium = premium / PREMIUM_MINUTES * week.per_week
    week.units = week.premium + (rows.minutes - premium) / PLAIN_MINUTES * week.per_week
    week.hours = rows.minutes / 60 * week.per_week
    chance = random.random(len(week.units))
    quarters = np.round(week.units * 4) / 4
    claims = np.select(
        [chance < 0.96, chance < 0.985], [np.round(week.units, 4), np.round(week.units, 2)], quarters
    )
    week.facts["claimed_units"] = units = plain(np.where(rows.way == INSIDE, 0.0, claims))
    units.mark((rows.way == INSIDE) | (chance > 0.997) | (rows.category > EXT), NONE)
    week.facts["claimed_hours"] = hours = plain(np.round(week.hours, 2))
    hours.mark(chance < 0.9, NONE)
    week.facts["claimed_yearly_units"] = yearly = plain(np.round(week.units * 42, 1))
    yearly.mark(rows.way != YEARLY, NONE)


def belonging(random: Random, rows: Rough, week: Week, aims: Aims, partner: Array, names: list[str]) -> None:
    """Write down what rows are and which others they belong to."""
    size = len(rows.plan)
    week.facts["category"] = category = plain(rows.category, CATEGORIES)
    category.mark(random.random(size) < 0.002, NONE)
    week.facts["kind"] = plain(rows.kind, KIND_WORDS)
    week.facts["alternates_with"] = other = plain(week.rank[partner], names)
    other.mark(partner < 0, NONE)
    week.facts["slot"] = slot = plain(rows.slot, [f"slot-{number + 1}" for number in range(len(SLOT_DAY))])
    slot.mark(partner < 0, NONE)
    week.facts["inside"] = inside = plain(np.maximum(week.rank - 1, 0), names)
    inside.mark(rows.way != INSIDE, NONE)
    role = (rows.category == ANR) | (rows.category == EXT)
    week.facts["for_role"] = roles = plain(random.integers(0, len(ROLES), size), list(ROLES))
    roles.mark(~role, NONE)
    week.facts["is_extra"] = plain((rows.slot >= 10) & aims.extra[rows.plan])
    emergency = np.isin(
        rows.kind, [KIND_WORDS.index(f"on_call_{what}") for what in ("predictable", "unpredictable")]
    )
    week.facts["is_emergency"] = plain(emergency | (random.random(size) < 0.03))
    week.facts["arises_from_on_call"] = plain(emergency & (random.random(size) < 0.97))
    week.facts["is_predictable"] = plain(rows.kind != KIND_WORDS.index("on_call_unpredictable"))
