"""What SQL dialects spell differently: one table of functions a dialect, all else is common SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions of one dialect, over values that may be NULL.

    `add_days` and `add_months` take whole doubles of any size and give NULL beyond the calendar;
    `short` writes a number with so many significant digits, as `%g` does; `entries` gives a row an entry
    of a list and `places` their numbers from 1; `remainder` has the sign of the dividend.
    """

    add_days: Callable[[Tree, Tree], Tree]
    add_months: Callable[[Tree, Tree], Tree]
    days_between: Callable[[Tree, Tree], Tree]
    starts_with: Callable[[Tree, Tree], Tree]
    gcd: Callable[[Tree, Tree], Tree]
    short: Callable[[Tree, int], Tree]
    entries: Callable[[Tree], Tree]
    places: Callable[[Tree], Tree]
    remainder: Callable[[Tree, Tree], Tree]
    ordinal: Callable[[Tree], Tree]
    finite: Callable[[Tree], Tree]
    most: str
    any_of: str
    big: str


BEFORE, AFTER = "0001-12-31 (BC)", "10000-01-01"
"""The days on either side of the calendar."""

MOST_DAYS, MOST_MONTHS = 4_000_000, 130_000
"""Beyond these every day leaves the calendar."""


def inside(day: Tree) -> Tree:
    """Return a day, or NULL beyond the calendar; the day is written once."""
    before, after = n.cast(n.text(BEFORE), "DATE"), n.cast(n.text(AFTER), "DATE")
    held = n.call("least", n.call("greatest", day, before), after)
    return n.call("nullif", n.call("nullif", held, before.copy()), after.copy())


def held(x: Tree, most: int) -> Tree:
    """Return a number as a whole one between limits; an unknown one is at the lower limit."""
    low, high = n.number(-most), n.number(most)
    return n.cast(n.call("least", n.call("greatest", n.call("floor", x), low), high), "INTEGER")


def add_days(day: Tree, days: Tree) -> Tree:
    """Return the day so many days later."""
    return inside(n.add(day, held(days, MOST_DAYS)))


def add_months(day: Tree, months: Tree) -> Tree:
    """Return the day so many months later, or the last of a shorter month."""
    span = n.call("to_months", held(months, MOST_MONTHS))
    return inside(n.cast(n.add(day, span), "DATE"))


def gcd(a: Tree, b: Tree) -> Tree:
    """Return the greatest common divisor of whole numbers."""
    wide = [n.cast(part, "HUGEINT", safe=True) for part in (a, b)]
    return n.cast(n.call("abs", n.call("gcd", *wide)), "DOUBLE")


DUCKDB = Functions(
    add_days=add_days,
    add_months=add_months,
    days_between=lambda a, b: n.cast(n.minus(a, b), "DOUBLE"),
    starts_with=lambda a, b: n.call("starts_with", a, b),
    gcd=gcd,
    short=lambda x, digits: n.call("format", n.text(f"{{:.{digits}g}}"), x),
    entries=lambda x: n.call("unnest", x),
    places=lambda x: n.call("generate_subscripts", x, n.whole(1)),
    remainder=lambda a, b: exp.Mod(this=n.braced(a), expression=n.braced(b)),
    ordinal=lambda d: n.add(n.cast(n.minus(d, n.cast(n.text("0001-01-01"), "DATE")), "DOUBLE"), n.number(1)),
    finite=lambda x: n.call("isfinite", x),
    most="max",
    any_of="bool_or",
    big="HUGEINT",
)

DIALECTS: Mapping[str, Functions] = {"duckdb": DUCKDB}
