"""What the compiled policy calls: rounding, dates, look-ups, windows. Pure functions of values."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from math import floor, gcd
from typing import Any

from jobplan.model import Row, TableRow, Truth, Window

WEEK = 7 * 1440
DAY = 1440
BILLION = 1e9
MILLION = 1e6


def rounded(x: float | None) -> float | None:
    """Return a number rounded to 9 decimals, the way every back end does it.

    >>> rounded(0.1 + 0.2)
    0.3
    """
    return None if x is None else floor(x * BILLION + 0.5) / BILLION


def compared(x: float) -> int:
    """Return a number as it is compared: in whole millionths."""
    return floor(x * MILLION + 0.5)


def add_months(day: int, months: float) -> int | None:
    """Return the same day of the month so many months later, or the last day of a shorter month.

    >>> date.fromordinal(add_months(date(2024, 1, 31).toordinal(), 1)).isoformat()
    '2024-02-29'
    >>> date.fromordinal(add_months(date(2023, 8, 31).toordinal(), 6)).isoformat()
    '2024-02-29'
    """
    old = date.fromordinal(day)
    count = old.year * 12 + old.month - 1 + floor(months)
    year, month = count // 12, count % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(old.day, monthrange(year, month)[1])).toordinal()


def add_days(day: int, days: float) -> int | None:
    """Return the day so many days later, or None beyond the calendar."""
    later = day + floor(days)
    return later if 1 <= later <= date.max.toordinal() else None


def wrap(x: float, n: float) -> float:
    """Return x - n * floor(x / n).

    >>> wrap(-30.0, 1440.0)
    1410.0
    """
    return x - n * floor(x / n)


def whole_gcd(a: float, b: float) -> float | None:
    """Return the greatest common divisor of two whole numbers; None if one is not whole.

    >>> whole_gcd(4.0, 6.0), whole_gcd(6.5, 2.0)
    (2.0, None)
    """
    if a != floor(a) or b != floor(b):
        return None
    return float(gcd(int(a), int(b)))


def none_stated(row: Row, name: str) -> Truth:
    """Tell whether the plan states that a fact is none; None where it says nothing."""
    if row[name] is not None:
        return False
    return True if row.causes.get(name) == "none" else None


def recorded(row: Row, name: str) -> Truth:
    """Tell whether a fact is on record; None where the source cannot say."""
    if row[name] is not None:
        return True
    cause = row.causes.get(name, "blank")
    if cause == "conflict":
        return True
    return None if cause in ("not_carried", "unreadable") else False


def verdict(applies: Truth, requires: Truth) -> str | None:
    """Judge one subject. A missing fact never satisfies a rule; None is `unknown`."""
    if applies is False:
        return "not_applicable"
    if applies is None or requires is None:
        return None
    return "satisfied" if requires else "violated"


def plan_verdict(verdicts: list[str | None], complete: bool) -> str | None:
    """Return the one verdict of a plan on a rule from those of its subjects."""
    if "violated" in verdicts:
        return "violated"
    if None in verdicts or not complete:
        return None
    return "satisfied" if "satisfied" in verdicts else "not_applicable"


class Lookup:
    """A look-up of rows by keys, each a value or an inclusive range; None where no row fits."""

    __slots__ = ("rows",)

    def __init__(self, rows: tuple[TableRow, ...]) -> None:
        self.rows = [([key_test(key) for key in row.keys], row) for row in rows]

    def row(self, *keys: Any) -> TableRow | None:
        """Return the row that fits, or None; None too if a key is None."""
        if None in keys:
            return None
        for tests, row in self.rows:
            if all(test(key) for test, key in zip(tests, keys, strict=True)):
                return row
        return None

    def __call__(self, *keys: Any) -> float | str | None:
        """Return the value of the row that fits, or None."""
        found = self.row(*keys)
        return None if found is None else found.value


def key_test(key: Any) -> Callable[[Any], bool]:
    """Return the test of one key; numbers are compared in whole millionths."""
    if isinstance(key, tuple):
        low = None if key[0] is None else compared(key[0])
        high = None if key[1] is None else compared(key[1])

        def inside(value: Any) -> bool:
            x = compared(value)
            return (low is None or low <= x) and (high is None or x <= high)

        return inside
    if isinstance(key, float):
        wanted = compared(key)
        return lambda value: compared(value) == wanted
    return lambda value: bool(value == key)


class Windows:
    """Weekly windows: how much of an interval lies inside them.

    Minutes 0 to 10080 are the week's circle from Monday; 10080 to 11520 is a holiday, outside
    the circle. What a holiday runs into, past midnight, is known only where all days agree.
    """

    __slots__ = ("holiday", "unsettled_holiday", "unsettled_week", "week", "words")

    def __init__(self, windows: tuple[Window, ...]) -> None:
        settled = [w for w in windows if not w.unsettled]
        unsettled = [w for w in windows if w.unsettled]
        self.week = Steps(settled, range(1, 8))
        self.holiday = Steps(settled, (8,))
        self.unsettled_week = Steps(unsettled, range(1, 8))
        self.unsettled_holiday = Steps(unsettled, (8,))
        self.words = tuple(dict.fromkeys(w.unsettled for w in unsettled))

    def __call__(self, opens: float | None, closes: float | None) -> float | None:
        """Return the minutes inside the windows; None if that is not known or not settled."""
        if opens is None or closes is None:
            return None
        if opens >= WEEK:
            return self._from_holiday(opens - WEEK, closes - WEEK)
        if self.unsettled_week.circular(opens, closes):
            return None
        return self.week.circular(opens, closes)

    def _from_holiday(self, opens: float, closes: float) -> float | None:
        inside = min(closes, DAY)
        if self.unsettled_holiday.between(opens, inside):
            return None
        known = self.holiday.between(opens, inside)
        if closes <= DAY:
            return known
        after = closes - DAY
        options = {self.week.circular(day * DAY, day * DAY + after) for day in range(7)}
        open_question = any(self.unsettled_week.circular(d * DAY, d * DAY + after) for d in range(7))
        return None if open_question or len(options) > 1 else known + options.pop()


class Steps:
    """Minutes of windows up to a minute, for fast differences."""

    __slots__ = ("at", "length", "total")

    def __init__(self, windows: list[Window], days: Any) -> None:
        days = tuple(days)
        spans = sorted(
            (i * DAY + w.opens, i * DAY + w.closes)
            for w in windows
            for i, d in enumerate(days)
            if d in w.days
        )
        self.length = len(days) * DAY
        self.at: list[int] = [0]
        self.total: list[int] = [0]
        for opens, closes in spans:
            opens = max(opens, self.at[-1])
            if closes > opens:
                self.at += [opens, closes]
                self.total += [self.total[-1], self.total[-1] + closes - opens]
        self.at.append(self.length)
        self.total.append(self.total[-1])

    def up_to(self, minute: float) -> float:
        """Return the minutes inside windows before a minute."""
        i = min(bisect_right(self.at, minute) - 1, len(self.at) - 2)
        rises = self.total[i + 1] - self.total[i]
        return self.total[i] + (minute - self.at[i] if rises else 0)

    def between(self, opens: float, closes: float) -> float:
        """Return the minutes inside windows between two minutes of one stretch."""
        return max(0.0, self.up_to(closes) - self.up_to(opens))

    def circular(self, opens: float, closes: float) -> float:
        """Return the minutes inside windows of an interval that may run past the circle's end."""
        if not self.total[-1]:
            return 0.0
        rounds, rest = divmod(max(0.0, closes - opens), self.length)
        start = opens % self.length
        found = rounds * self.total[-1] + self.between(start, min(start + rest, self.length))
        if start + rest > self.length:
            found += self.between(0, start + rest - self.length)
        return found


def total(values: list[float]) -> float:
    """Return a sum in whole billionths, so that order does not matter.

    >>> total([0.1, 0.2])
    0.3
    """
    return sum([floor(value * BILLION + 0.5) for value in values]) / BILLION


def kleene_and(a: Truth, b: Truth) -> Truth:
    """Return Kleene's `and`."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True
