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
    of a list, the entry and its number from 0 under two names; `remainder` has the sign of the dividend.
    """

    add_days: Callable[[Tree, Tree], Tree]
    add_months: Callable[[Tree, Tree], Tree]
    days_between: Callable[[Tree, Tree], Tree]
    starts_with: Callable[[Tree, Tree], Tree]
    gcd: Callable[[Tree, Tree], Tree]
    short: Callable[[Tree, int], Tree]
    entries: Callable[[Tree, str, str], list[Tree]]
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
    entries=lambda x, entry, place: [
        n.named(n.call("unnest", x), entry),
        n.named(n.minus(n.call("generate_subscripts", x.copy(), n.whole(1)), n.whole(1)), place),
    ],
    remainder=lambda a, b: exp.Mod(this=n.braced(a), expression=n.braced(b)),
    ordinal=lambda d: n.add(n.cast(n.minus(d, n.cast(n.text("0001-01-01"), "DATE")), "DOUBLE"), n.number(1)),
    finite=lambda x: n.call("isfinite", x),
    most="max",
    any_of="bool_or",
    big="HUGEINT",
)


# --- Spark ------------------------------------------------------------------------------------

STEPS = 220
"""Steps in which Euclid's way ends for numbers below 2 to the 128th."""


def spark_inside(day: Tree) -> Tree:
    """Return a day, or NULL beyond the calendar; the day is written once."""
    before, after = n.cast(n.text("0000-12-31"), "DATE"), n.cast(n.text("+10000-01-01"), "DATE")
    held = n.call("least", n.call("greatest", day, before), after)
    return n.call("nullif", n.call("nullif", held, before.copy()), after.copy())


def spark_gcd(a: Tree, b: Tree) -> Tree:
    """Return the greatest common divisor of whole numbers, by Euclid; remainders of doubles are exact."""
    high, low = (exp.Dot(this=n.column("pair"), expression=n.name(side)) for side in "ab")
    ended = n.same(low, n.number(0))
    rest = exp.Mod(this=high.copy(), expression=low.copy())
    step = n.case((ended, n.column("pair")), otherwise=pair_of(low.copy(), rest))
    found = n.case((ended.copy(), n.call("abs", high)))
    rounds = n.call("sequence", n.whole(1), n.whole(STEPS))
    return n.call(
        "aggregate", rounds, pair_of(a, b), named_lambda(step, "pair", "round"), named_lambda(found, "pair")
    )


def pair_of(a: Tree, b: Tree) -> Tree:
    """Return two values as one."""
    return n.call("named_struct", n.text("a"), a, n.text("b"), b)


def named_lambda(body: Tree, *words: str) -> Tree:
    """Return a function of values that the body names."""
    return exp.Lambda(this=body, expressions=[n.name(word) for word in words])


def spark_short(x: Tree, digits: int) -> Tree:
    """Write a number as `%g` does: Java's own keeps noughts, so the point is put among the digits of `%e`."""
    written = n.call("format_string", n.text(f"%.{digits - 1}e"), n.call("abs", x))
    mantissa, power = (n.call("element_at", n.column("parts"), n.whole(place)) for place in (1, 2))
    figures = n.call("replace", mantissa, n.text("."), n.text(""))
    exponent = n.cast(power, "INTEGER")
    ahead = n.add(exponent, n.whole(1))
    whole = n.call("substring", figures, n.whole(1), ahead)
    rest = n.call("substring", figures.copy(), n.add(ahead.copy(), n.whole(1)))
    noughts = n.call("repeat", n.text("0"), n.minus(n.whole(-1), exponent.copy()))
    shown = n.case(
        (n.between(exponent.copy(), n.whole(0), n.whole(digits - 1)), bare(whole, n.text("."), rest)),
        (n.between(exponent.copy(), n.whole(-4), n.whole(-1)), bare(n.text("0."), noughts, figures.copy())),
        otherwise=n.call("concat", bare(mantissa.copy()), n.text("e"), power.copy()),
    )
    parts = n.call("array", n.call("split", written, n.text("e")))
    once = n.call("element_at", n.call("transform", parts, named_lambda(shown, "parts")), n.whole(1))
    sign = n.case((n.binary(exp.LT, x.copy(), n.number(0)), n.text("-")), otherwise=n.text(""))
    return n.call("concat", sign, once)


def bare(*digits: Tree) -> Tree:
    """Return a number without noughts at the end, or a point there."""
    return n.call("regexp_replace", n.call("concat", *digits), n.text("[.]?0*$"), n.text(""))


SPARK = Functions(
    add_days=lambda day, days: spark_inside(n.call("date_add", day, held(days, MOST_DAYS))),
    add_months=lambda day, months: spark_inside(n.call("add_months", day, held(months, MOST_MONTHS))),
    days_between=lambda a, b: n.cast(n.call("datediff", a, b), "DOUBLE"),
    starts_with=lambda a, b: n.call("startswith", a, b),
    gcd=spark_gcd,
    short=spark_short,
    entries=lambda x, entry, place: [
        exp.Aliases(this=n.call("posexplode", x), expressions=[n.name(place), n.name(entry)])
    ],
    remainder=lambda a, b: exp.Mod(this=n.braced(a), expression=n.braced(b)),
    ordinal=lambda d: n.add(
        n.cast(n.call("datediff", d, n.cast(n.text("0001-01-01"), "DATE")), "DOUBLE"), n.number(1)
    ),
    finite=lambda x: n.binary(exp.LT, n.call("abs", x), n.cast(n.text("Infinity"), "DOUBLE")),
    most="max",
    any_of="bool_or",
    big="DECIMAL(38, 0)",
)

DIALECTS: Mapping[str, Functions] = {"duckdb": DUCKDB, "spark": SPARK}
