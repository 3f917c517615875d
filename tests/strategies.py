"""Random plans of any fact schema: seeded, quick to make, and near the limits of a policy.

Values come from pools, one a fact, made anew for each `PlanMaker`: numbers, days and clock times at the
policy's own limits and a little to either side, the choices of closed lists, and now and then what a source
does to a fact: two values, a range, `none`, something unreadable. Each plan drops values, relations and
child lists at its own rate, from none to half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from jobplan.facts import FactSchema, Field, RelationSchema
from jobplan.model import Policy

POOL = 48
"""Values made for each fact."""

DROPPED = (0.0, 0.0, 0.0, 0.01, 0.03, 0.1, 0.3, 0.5)
"""Rates at which a plan lacks values; its relations are dropped at the same rate or never."""

COUNTS = (0, 0, 1, 1, 1, 2, 3)
MANY = (1, 2, 3, 4, 5, 8)
DAYS = (0, 0, 1, 1, 2, 7, 13, 14, 15, 27, 28, 29, 30, 31, 60, 61, 89, 90, 91, 92, 181, 182, 184, 365, 366)
HOURS = (0, 5, 7, 8, 8.5, 9, 12, 12.5, 13, 13.5, 16, 17, 17.5, 18, 19, 21, 22, 23.75, 24)
WORDS = ("a", "b", "c", "open", "Ward round", "é – “x” {y}", "0")


@dataclass
class Near:
    """What a policy compares with: numbers by unit, minutes of the day, days, texts, attestations."""

    numbers: dict[str, set[float]] = field(default_factory=dict)
    minutes: set[int] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    attested: tuple[str, ...] = ()


def near(policy: Policy) -> Near:
    """Return the limits of a policy: parameters, tables, windows and dates."""
    found = Near(attested=tuple(policy.attested))
    for parameter in policy.parameters.values():
        for dated in parameter.values:
            if isinstance(dated.value, float):
                found.numbers.setdefault(parameter.unit, set()).add(dated.value)
            elif isinstance(dated.value, str):
                found.texts.add(dated.value)
            found.days |= {date.fromordinal(day) for day in (dated.period.from_, dated.period.until) if day}
    for table in policy.tables.values():
        found.minutes |= {minute for window in table.windows for minute in (window.opens, window.closes)}
        for key in (key for row in table.rows for key in row.keys):
            ends = key if isinstance(key, tuple) else (key,)
            found.numbers.setdefault("", set()).update(end for end in ends if isinstance(end, float))
    for rule in policy.rules.values():
        period = rule.in_force.period
        found.days |= {date.fromordinal(day) for day in (period.from_, period.until) if day}
    return found


class PlanMaker:
    """Makes plan documents of a schema; the same random numbers make the same plans."""

    def __init__(
        self,
        schema: FactSchema,
        random: Random,
        limits: Near | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        day: date = date(2024, 6, 1),
        rows_of: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """`fixed` are facts of the root that every plan states; days lie around `day`."""
        self.schema, self.random, self.limits, self.day = schema, random, limits or Near(), day
        self.fixed = dict(fixed or {})
        self.rows_of = dict(rows_of or {})
        self.count = 0
        self.pools = {
            name: [
                (fact, self._pool(fact)) for fact in relation.fields.values() if fact.name not in self.fixed
            ]
            for name, relation in schema.relations.items()
        }

    # --- plans ------------------------------------------------------------------------------

    def plans(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield plan documents."""
        return (self.plan() for _ in range(count))

    def plan(self) -> dict[str, Any]:
        """Return one plan document."""
        r, schema = self.random, self.schema
        self.count += 1
        lost = r.choice(DROPPED)
        unlisted = r.choice((0.0, lost))
        carries = self._carries() if r.random() < 0.08 else None
        root = schema.relations[schema.root]
        plan = {schema.keys["format"]: 1, schema.keys["id"]: f"p{self.count}", **self.fixed}
        plan.update(self._facts(root, lost, carries))
        for name in root.children:
            if r.random() >= unlisted and (carries is None or name in carries):
                plan[name] = self._rows(schema.relations[name], lost, unlisted, carries)
        if carries is not None:
            plan[schema.keys["source"]] = {"system": "made up", "carries": carries}
        if self.limits.attested and r.random() < 0.5:
            plan[schema.keys["attestations"]] = [self._attestation() for _ in range(r.choice(COUNTS))]
        if r.random() < 0.1:
            plan[schema.keys["assumptions"]] = [self._assumption() for _ in range(r.choice(COUNTS))]
        return plan

    def _rows(
        self, relation: RelationSchema, lost: float, unlisted: float, carries: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        r = self.random
        found = []
        for index in range(r.choice(self.rows_of.get(relation.name, COUNTS))):
            row = self._facts(relation, lost, carries)
            row[relation.keys["id"]] = f"{relation.name}-{self.count}-{index}-{r.randrange(1 << 30):x}"
            for name in relation.children:
                if r.random() >= unlisted and (carries is None or name in carries):
                    row[name] = self._rows(self.schema.relations[name], lost, unlisted, carries)
            self._shorten(relation, row)
            found.append(row)
        return found

    def _shorten(self, relation: RelationSchema, row: dict[str, Any]) -> None:
        """Now and then write one row for several days."""
        short = relation.shorthand
        if short is None or self.random.random() >= 0.05 or any(f in row for f in short.not_with):
            return
        choices = self.schema.relations[relation.name].fields[short.expands].choices
        row.pop(short.expands, None)
        row.get(relation.keys["unreadable"], {}).pop(short.expands, None)
        for name in short.not_with:
            row.get(relation.keys["unreadable"], {}).pop(name, None)
        row[short.key] = sorted(self.random.sample(choices[:5], self.random.choice((1, 2, 5))))

    def _facts(
        self, relation: RelationSchema, lost: float, carries: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        random = self.random.random
        found = {
            fact.name: pool[int(random() * POOL)]
            for fact, pool in self.pools[relation.name]
            if random() >= lost
        }
        if carries is not None:
            carried = carries.get(relation.name, ())
            found = {name: value for name, value in found.items() if name in carried}
        unreadable = [name for name, value in found.items() if value is UNREADABLE]
        for name in unreadable:
            del found[name]
        if unreadable:
            found[relation.keys["unreadable"]] = dict.fromkeys(unreadable, "n/k")
        for fact in relation.fields.values():
            if fact.name in found and (fact.within or fact.counted_by):
                self._agree(fact, found)
            if fact.name in found and fact.not_before:
                self._follow(fact, found)
        return found

    def _follow(self, fact: Field, found: dict[str, Any]) -> None:
        """Let a day be no earlier than the one that it cannot precede."""
        first = single(found.get(fact.not_before, self.fixed.get(fact.not_before)))
        if first is not None and (single(found[fact.name]) or first) < first:
            found[fact.name] = first

    def _agree(self, fact: Field, found: dict[str, Any]) -> None:
        """Let a list keep within the length that it numbers the parts of, and be counted right."""
        length = found.get(fact.within)
        if isinstance(length, dict):
            length = min(length.get("either") or length["range"])
        if isinstance(length, float):
            found[fact.name] = [number for number in found[fact.name] if number - 1 < length]
        if fact.counted_by in found:
            found[fact.counted_by] = float(len(found[fact.name]))

    def _carries(self) -> dict[str, list[str]]:
        kept = self.random.choice((0.5, 0.9, 0.98))
        return {
            name: [fact for fact in relation.fields if self.random.random() < kept]
            for name, relation in self.schema.relations.items()
            if self.random.random() < kept
        }

    def _attestation(self) -> dict[str, Any]:
        r = self.random
        return {
            "about": r.choice(self.limits.attested),
            "holds": r.random() < 0.7,
            "by": "both",
            "stated_on": self._date(),
            "until": r.choice(("none", "none", self._date())),
        }

    def _assumption(self) -> dict[str, Any]:
        r = self.random
        while True:
            name = r.choice([name for name, pools in self.pools.items() if pools])
            fact, pool = r.choice(self.pools[name])
            if fact.name in self._hanging_together(name):
                continue
            value = r.choice(pool)
            if not isinstance(value, dict) and value is not UNREADABLE and value != "none":
                return {"fact": f"{name}.{fact.name}", "value": value, "why": "custom"}

    def _hanging_together(self, relation: str) -> set[str]:
        """Return the facts that have to agree with others of their row."""
        fields = self.schema.relations[relation].fields.values()
        tied = [fact for fact in fields if fact.within or fact.counted_by or fact.not_before]
        return {name for f in tied for name in (f.name, f.within, f.counted_by, f.not_before)} - {""}

    # --- values -----------------------------------------------------------------------------

    def _pool(self, fact: Field) -> list[Any]:
        return [self._written(fact) for _ in range(POOL)]

    def _written(self, fact: Field) -> Any:
        r = self.random
        chance = r.random()
        if fact.none and chance < 0.12:
            return "none"
        if chance < 0.13:
            return UNREADABLE
        if chance < 0.15 and fact.form != "list":
            values = [self._value(fact), self._value(fact)]
            if fact.form in ("number", "date", "clock") and r.random() < 0.3:
                return {"range": sorted(values)}
            return {"either": values}
        return self._value(fact)

    def _value(self, fact: Field) -> Any:
        r = self.random
        match fact.form:
            case "number":
                return self._bounded(fact)
            case "truth":
                return r.random() < 0.6
            case "date":
                return self._date()
            case "clock":
                return self._clock()
            case "list":
                entries = [r.choice(WORDS) if fact.of == "text" else float(r.randint(1, 8)) for _ in range(3)]
                entries = list(dict.fromkeys(entries)) if fact.unique else entries
                return entries[: r.randint(0, 3)]
            case _:
                return r.choice(fact.choices or (*WORDS, *self.limits.texts))

    def _bounded(self, fact: Field) -> float:
        while True:
            number = self._number(fact)
            if fact.bounds is None or not fact.bounds.broken_by(number):
                return number

    def _number(self, fact: Field) -> float:
        r = self.random
        limits = sorted(self.limits.numbers.get(fact.unit, ()))
        if limits and r.random() < 0.5:
            limit = r.choice(limits)
            return round(limit + r.choice((0, 0, 0, 0.001, -0.001, 1, -1, 0.5, -0.5)), 6)
        if fact.unit == "min":
            return float(15 * r.randint(0, 40))
        return r.choice((float(r.randint(0, 12)), r.randint(0, 50) / 4, float(r.randint(0, 60)), 0.0, 1.0))

    def _date(self) -> str:
        r = self.random
        start = r.choice((self.day, self.day, self.day, *self.limits.days))
        shift = timedelta(days=r.choice(DAYS) * r.choice((1, -1)))
        return (start + shift).isoformat()

    def _clock(self) -> str:
        r = self.random
        minute = int(r.choice(HOURS) * 60)
        if self.limits.minutes and r.random() < 0.3:
            minute = r.choice(sorted(self.limits.minutes)) + r.choice((0, 0, 1, -1))
        minute = min(max(minute, 0), 1440)
        return f"{minute // 60:02d}:{minute % 60:02d}"


def single(written: Any) -> str | None:
    """Return a day that is given as one value, if only as the same one twice."""
    values = next(iter(written.values())) if isinstance(written, dict) else [written]
    return values[0] if values[0] not in (None, "none") and len(set(values)) == 1 else None


UNREADABLE = object()
"""Stands in a pool for what the source holds and nobody can read."""
