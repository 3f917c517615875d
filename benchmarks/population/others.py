"""Facts that hang on one another: rotas and their pay, totals, disputes, and what rows are tied to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.population.draw import NONE, Array, Column, Random
from benchmarks.population.week import Aims, Week, plain


@dataclass(slots=True)
class Table:
    """The rows of a relation: places of their plans and parents, and their facts."""

    name: str
    plan: Array
    parent: Array | None
    rank: Array
    facts: dict[str, Column] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.plan)

    def numbers(self, fact: str) -> Array:
        """Return the values of a fact, whatever their codes."""
        return self.facts[fact].values

    def taken(self, kept: Array) -> Table:
        """Return some of the rows; their parents must all be there."""
        facts = {name: Column(c.values[kept], c.codes[kept], c.words) for name, c in self.facts.items()}
        parent = None if self.parent is None else self.parent[kept]
        return Table(self.name, self.plan[kept], parent, self.rank[kept], facts)


Tables = dict[str, Table]

STAGES = ("open", "referred", "mediation", "outcome", "appeal", "heard", "closed")
STEPS = {
    "arose_on": (0, 0, 0), "referred_on": (1, 3, 14), "met_separately_on": (2, 5, 20), "met_on": (2, 1, 4),
    "outcome_on": (3, 1, 14), "outcome_in_writing_on": (3, 0, 5), "appealed_on": (4, 2, 13),
    "heard_on": (5, 9, 27), "recommended_on": (6, 1, 14), "decided_on": (6, 5, 20),
    "put_in_place_on": (6, 1, 10),
}  # fmt: skip
"""The dates of a dispute: from which stage each is there, and how many days it lies after the one before."""

TIED = {
    "activity_row": "activity", "inside": "activity", "replaces": "activity", "after_row": "on_call",
    "belongs_to_rota": "on_call", "serves_objective": "objective", "employed_by": "employer",
}  # fmt: skip
"""Facts that name a row of a relation."""


def size_of_work(random: Random, tables: Tables) -> None:
    """Say how much is contracted."""
    plan = tables["plan"]
    count = plan.size
    full = random.random(count) < 0.82
    part = random.choice(np.arange(4.0, 9.5, 0.5), count)
    plan.facts["full_time"] = plain(full)
    plan.facts["contracted_units"] = units = plain(np.where(full, 10.0, part))
    units.values[full & (random.random(count) < 0.02)] = 11.0
    hours = np.where(random.random(count) < 0.96, units.values * 4, units.values * 3.75)
    plan.facts["basic_hours"] = plain(hours)
    plan.facts["pensionable_units"] = plain(np.minimum(units.values, 10.0))
    plan.facts["is_annualised"] = plain(random.random(count) < 0.05)
    plan.facts["is_foundation_trust"] = plain(plan.facts["employer_type"].values == 1)
    extra = tables["extra_pa"]
    extra.facts["units"] = plain(random.choice([1.0, 0.5, 0.25, 2.0], extra.size, p=[0.7, 0.2, 0.06, 0.04]))


def rotas(random: Random, tables: Tables) -> None:
    """Give rotas frequencies, the pay that the table gives for them, and hours that units follow from."""
    rota, period = tables["on_call"], tables["on_call_period"]
    size = rota.size
    one_in = random.choice([4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 16.0, 8.5, 3.0], size,
                           p=[0.06, 0.13, 0.17, 0.13, 0.17, 0.1, 0.1, 0.07, 0.03, 0.02, 0.02])  # fmt: skip
    facts = rota.facts
    facts["one_in"] = plain(one_in)
    facts["rota_size"] = plain(np.where(random.random(size) < 0.95, np.ceil(one_in), one_in + 2))
    facts["weekend_one_in"] = weekend = plain(np.where(random.random(size) < 0.5, one_in, one_in + 4))
    weekend.mark(random.random(size) < 0.85, NONE)
    facts["duties_a_year"] = plain(np.round(365 / one_in, 1))
    band = np.select([one_in <= 4, one_in <= 8], [0, 1], 2)
    first = facts["class"].values == 0
    due = np.where(first, np.array([8.0, 5.0, 3.0])[band], np.array([3.0, 2.0, 1.0])[band])
    wrong = random.random(size) < 0.07
    facts["supplement_percent"] = plain(np.where(wrong, random.choice([1.0, 2.0, 3.0, 5.0, 8.0], size), due))
    response = facts["typical_response"]
    fitting = random.random(size) < 0.9
    words = list(response.words)
    response.values = np.where(fitting, np.where(first, words.index("immediate_return"),
                               words.index("telephone_advice")), response.values)  # fmt: skip
    facts["is_resident"] = plain(random.random(size) < 0.06)
    hours(random, rota)
    if period.size and period.parent is not None:
        rank = period.rank - first_of(period.parent)
        period.facts["weekday"] = plain(np.where(rank % 2 == 0, rank % 5 + 1.0, 6.0 + rank // 2 % 2))
        late = random.random(period.size) < 0.7
        period.facts["starts"] = plain(np.where(late, 1110.0, 480.0))
        period.facts["ends"] = plain(np.full(period.size, 480.0))
        period.facts["one_in"] = plain(one_in[period.parent])
        period.facts["is_resident"] = plain(facts["is_resident"].values[period.parent])


def first_of(parent: Array) -> Array:
    """Return the first row of the same parent, for rows that stand in the order of their parents."""
    return np.searchsorted(parent, parent)


def hours(random: Random, rota: Table) -> None:
    """Give rotas their hours of work, and the units that these come to."""
    size, facts = rota.size, rota.facts
    plain_hours = random.choice([0.0, 1.0, 2.0], size, p=[0.6, 0.25, 0.15])
    premium_hours = random.choice([0.0, 0.75, 1.5, 3.0], size, p=[0.15, 0.3, 0.45, 0.1])
    units = plain_hours / 4 + premium_hours / 3
    facts["predictable_plain_hours"] = plain(np.zeros(size))
    facts["predictable_premium_hours"] = plain(np.where(random.random(size) < 0.02, 1.5, 0.0))
    facts["unpredictable_plain_hours"] = plain(plain_hours)
    facts["unpredictable_premium_hours"] = plain(premium_hours)
    facts["unpredictable_hours"] = plain(plain_hours + premium_hours)
    right = random.random(size) < 0.93
    claimed = np.where(right, np.round(units, 4), np.round(units * 2 + 0.5) / 2)
    facts["claimed_unpredictable_units"] = plain(claimed)
    facts["claimed_predictable_units"] = plain(np.round(facts["predictable_premium_hours"].values / 3, 4))
    facts["claimed_units"] = plain(claimed + facts["claimed_predictable_units"].values)


def aims(random: Random, tables: Tables) -> Aims:
    """Return what the timetables have to come to."""
    plan, rota, extra = tables["plan"], tables["on_call"], tables["extra_pa"]
    count = plan.size
    called = summed(rota, rota.numbers("claimed_units"), count)
    in_rows = (called > 0) & (random.random(count) < 0.15)
    more = summed(extra, extra.numbers("units"), count)
    contracted = plan.numbers("contracted_units")
    share = random.choice([0.25, 0.2, 0.15, 0.1], count, p=[0.6, 0.14, 0.2, 0.06])
    return Aims(
        units=np.maximum(contracted + more - np.where(in_rows, 0.5, called), 1.0),
        supporting=np.maximum(contracted * share, np.where(random.random(count) < 0.9, 1.5, 0.5)),
        emergency_in_rows=in_rows,
        annualised=plan.numbers("is_annualised"),
        academic=plan.numbers("is_academic"),
        extra=more > 0,
    )


def summed(table: Table, values: Array, count: int) -> Array:
    """Return the sum of a column for each plan of the block."""
    return np.asarray(np.bincount(table.plan, weights=values, minlength=count))


def totals(random: Random, tables: Tables, week: Week, aim: Aims) -> None:
    """State the totals that rows and rotas come to, now and then others."""
    plan, rota, extra = tables["plan"], tables["on_call"], tables["extra_pa"]
    count = plan.size
    category = np.where(week.facts["category"].codes == NONE, 9, week.facts["category"].values)
    rows = [np.bincount(week.plan[category == c], week.units[category == c], count) for c in range(4)]
    called = np.where(aim.emergency_in_rows, 0.0, summed(rota, rota.numbers("claimed_units"), count))
    counted = category < 4
    premium = np.bincount(week.plan[counted], week.premium[counted], count)
    hours = np.bincount(week.plan[counted], week.hours[counted], count)
    total = np.maximum(sum(rows) + called, 0.01)
    in_premium = premium * 3
    worked = hours + summed(rota, rota.numbers("unpredictable_hours"), count)
    state(random, plan, "stated_total_units", total, 0.15)
    apart = np.where(random.random(count) < 0.15, called, 0.0)
    state(random, plan, "stated_table_units", total - apart, 0.5)
    for name, units in zip(("dcc", "spa", "anr", "ext"), (rows[0] + called, *rows[1:]), strict=True):
        state(random, plan, f"stated_{name}_units", units, 0.2)
    state(random, plan, "stated_core_spa_units", np.minimum(rows[1], 1.5), 0.5)
    state(random, plan, "stated_extra_units", summed(extra, extra.numbers("units"), count), 0.4)
    state(random, plan, "stated_on_call_units", called, 0.3)
    state(random, plan, "stated_unpredictable_units", called, 0.3)
    state(random, plan, "stated_predictable_units", np.zeros(count), 0.3)
    state(random, plan, "stated_premium_units", premium, 0.6)
    state(random, plan, "stated_premium_hours", in_premium, 0.7)
    state(random, plan, "stated_hours", worked.clip(0, 168), 0.4)
    state(random, plan, "stated_plain_hours", (hours - in_premium).clip(0, 168), 0.7)
    state(random, plan, "stated_clinical_percent", (100 * (rows[0] + called) / total).clip(0, 100), 0.6)
    state(random, plan, "stated_spa_percent", (100 * rows[1] / total).clip(0, 100), 0.6)
    agreement = plan.facts["premium_agreement_on"]
    agreement.codes[(premium > 2.9) & (random.random(count) < 0.9)] = 0


def state(random: Random, plan: Table, fact: str, right: Array, none: float) -> None:
    """State a figure: mostly the right one, to two places; one in thirty is off, some say none."""
    off = random.choice([-0.5, 0.25, 1.0], plan.size)
    stated = np.where(random.random(plan.size) < 1 / 30, np.maximum(right + off, 0), right)
    plan.facts[fact] = column = plain(np.round(stated, 2))
    column.mark(random.random(plan.size) < none, NONE)


def disputes(random: Random, dispute: Table, starts: Array) -> None:
    """Let the dates of a dispute follow one another as far as its stage has come."""
    size = dispute.size
    stage = random.choice(len(STAGES), size)
    dispute.facts["stage"] = plain(stage, STAGES)
    dispute.facts["kind"] = plain((random.random(size) < 0.25).astype(int), ("plan", "progression"))
    day = starts[dispute.plan] - 100
    for fact, (since, low, high) in STEPS.items():
        day = day + random.integers(low, high + 1, size)
        dispute.facts[fact] = column = plain(day.copy())
        column.mark((stage < since) | (random.random(size) < 0.03), NONE)
    usual = {
        "referred_to": "medical_director",
        "mediator_role": "medical_director",
        "appealed_to": "chief_executive",
        "decided_by": "board",
    }
    for fact, word in usual.items():
        column = dispute.facts[fact]
        column.put(random.random(size) < 0.9, list(column.words).index(word))
    for fact in ("referred_in_writing", "appealed_in_writing", "previous_plan_applies"):
        dispute.facts[fact] = plain(random.random(size) < 0.9)
    dispute.facts["mediator_was_involved"] = plain(random.random(size) < 0.1)
    dispute.facts["pay_effect_from_on"] = pay = plain(dispute.numbers("referred_on").copy())
    pay.mark(stage < len(STAGES) - 1, NONE)


def panels(random: Random, member: Table) -> None:
    """Name a panel of three as it should be: chair, the doctor's member, one from the list."""
    if member.parent is None:
        return
    place = np.minimum(member.rank - first_of(member.parent) - member.rank[first_of(member.parent)], 2)
    place = np.where(place < 0, 0, place)
    words = ("employer", "doctor", "approved_list", "jointly", "other")
    member.facts["named_by"] = plain(place.astype(int), words)
    member.facts["is_chair"] = plain(place == 0)
    member.facts["from_approved_list"] = plain((place == 2) | (random.random(member.size) < 0.05))
    member.facts["was_involved"] = plain(random.random(member.size) < 0.04)


def ties(random: Random, tables: Tables) -> None:
    """Let facts that name rows name some that may be there, and say of the plan what its rows say."""
    for table in tables.values():
        for fact, relation in TIED.items():
            if fact in table.facts and not (table.name == "activity" and fact == "inside"):
                table.facts[fact].words = [f"{relation}-{number}" for number in range(1, 4)]
                table.facts[fact].values = random.integers(0, 3 if relation == "activity" else 1, table.size)
    rest = tables["compensatory_rest"].facts["after_row"]
    rest.mark(random.random(len(rest.codes)) < 0.2, NONE)
    plan, private, rota = tables["plan"], tables["private_practice"], tables["on_call"]
    count = plan.size
    meeting = plan.facts["progression_meeting_on"]
    meeting.values = plan.numbers("progression_on") - random.integers(80, 190, count)
    lists = np.bincount(private.plan, minlength=count) > 0
    plan.facts["intends_private_practice"] = plain(lists ^ (random.random(count) < 0.01))
    plan.facts["on_call_none_stated"] = plain(np.bincount(rota.plan, minlength=count) == 0)
    supervision, employer = tables["supervision"], tables["employer"]
    educational = supervision.numbers("kind") == list(supervision.facts["kind"].words).index("educational")
    trainees = summed(supervision, np.where(educational, supervision.numbers("trainees"), 0), count)
    plan.facts["trainees_supervised"] = plain(trainees + (random.random(count) < 0.03))
    employer.facts["is_lead"] = plain(employer.rank == 0)
