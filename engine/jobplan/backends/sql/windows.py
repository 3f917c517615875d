"""How much of an interval lies inside weekly windows, as branches over the minutes of a week.

The minutes inside windows up to a minute are a line of few straight pieces: a tree of `case` finds the
piece, which is quicker than a look-up in a table of all minutes. The same sums are made in the same order
as the reference makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.functions import Functions
from jobplan.expression.parse import Tree
from jobplan.expression.runtime import DAY, WEEK, Steps, Windows

Piece = tuple[float, float | None, float]
"""From which minute on, how many minutes lie inside before it (None: not known), and 1 if it lies inside."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Writes the minutes of intervals inside the windows of one table."""

    windows: Windows
    functions: Functions
    hold: Callable[[Tree], Tree]

    def __call__(self, opens: Tree, closes: Tree) -> Tree:
        """Return the minutes between two columns that lie inside; NULL where not known or not settled."""
        on_holiday = n.binary(exp.GTE, opens, n.number(WEEK))
        in_week = n.binary(exp.LT, opens, n.number(WEEK))
        settled = self.settled(self.windows.unsettled_week, opens, closes, self.week(opens, closes))
        return n.case(
            (n.missing(closes), n.null("number")),
            (in_week, settled),
            (on_holiday, self.holiday(n.minus(opens, n.number(WEEK)), n.minus(closes, n.number(WEEK)))),
        )

    def settled(self, unsettled: Steps, opens: Tree, closes: Tree, value: Tree) -> Tree:
        """Return a value where the interval touches no unsettled window."""
        if not unsettled.total[-1]:
            return value
        touched = circular(unsettled, opens, closes, self.functions, self.hold)
        return n.case((n.same(touched, n.number(0)), value))

    def week(self, opens: Tree, closes: Tree) -> Tree:
        """Return the minutes of an interval on the circle of the week."""
        return circular(self.windows.week, opens, closes, self.functions, self.hold)

    def holiday(self, opens: Tree, closes: Tree) -> Tree:
        """Return the minutes of an interval that begins on a holiday, counted from its midnight."""
        windows = self.windows
        inside = n.call("least", closes, n.number(DAY))
        known = stretch(windows.holiday, opens, inside)
        after = n.minus(closes, n.number(DAY))
        beyond = n.case(
            (n.binary(exp.LTE, closes, n.number(DAY)), known),
            otherwise=n.add(known, self.after_holiday(after)),
        )
        if windows.unsettled_holiday.total[-1]:
            touched = stretch(windows.unsettled_holiday, opens, inside)
            return n.case((n.same(touched, n.number(0)), beyond))
        return beyond

    def after_holiday(self, after: Tree) -> Tree:
        """Return the minutes past a holiday's midnight; NULL unless they are the same on every day."""
        week = self.windows.week
        rounds, rest = turns(after, WEEK, self.functions)
        same = n.add(n.times(rounds, n.number(week.total[-1])), climbed(common(week), rest))
        until = min(unsettled_after(self.windows.unsettled_week, day) for day in range(7))
        if until is None or until == float("inf"):
            return same
        return n.case((n.binary(exp.LTE, after, n.number(until)), same))


def unsettled_after(steps: Steps, day: int) -> float:
    """Return how long after a day's beginning the first unsettled minute is."""
    found = [
        (start - day * DAY) % WEEK
        for start, before, after in zip(steps.at, steps.total, steps.total[1:], strict=False)
        if after > before
    ]
    if steps.total[-1] and steps.circular(day * DAY, day * DAY + 1e-6):
        return 0.0
    return min(found, default=float("inf"))


def pieces(steps: Steps) -> list[Piece]:
    """Return the pieces of the line of minutes inside windows."""
    found: list[Piece] = []
    for start, before, after in zip(steps.at, steps.total, steps.total[1:], strict=False):
        piece = (float(start), float(before), 1.0 if after > before else 0.0)
        if found and found[-1][0] == piece[0]:
            found.pop()
        found.append(piece)
    return found


def common(week: Steps) -> list[Piece]:
    """Return the pieces of the line of minutes inside, from midnight on, that is the same on every day."""
    edges = sorted({(at - day * DAY) % WEEK for at in week.at for day in range(7)} | {0.0})
    found: list[Piece] = []
    for start, end in zip(edges, [*edges[1:], float(WEEK)], strict=True):
        at_start = {week.circular(day * DAY, day * DAY + start) for day in range(7)}
        at_end = {week.circular(day * DAY, day * DAY + end) for day in range(7)}
        if len(at_start) == len(at_end) == 1:
            before = at_start.pop()
            found.append((float(start), before, 1.0 if at_end.pop() > before else 0.0))
        elif len(at_start) == 1:  # at this minute they agree, and part after it
            before = at_start.pop()
            found.append((float(start), before, 0.0))
            found.append((float(start) + 1e-7, None, 0.0))
        elif not found or found[-1][1] is not None:
            found.append((float(start), None, 0.0))
    return found


def climbed(line: list[Piece], minute: Tree) -> Tree:
    """Return the minutes inside up to a minute."""
    if len(line) == 1:
        start, before, slope = line[0]
        if before is None:
            return n.null("number")
        if not slope:
            return n.number(before)
        return n.add(n.number(before), n.minus(minute, n.number(start))) if start or before else minute
    half = len(line) // 2
    below = n.binary(exp.LT, minute, n.number(line[half][0]))
    return n.case((below, climbed(line[:half], minute)), otherwise=climbed(line[half:], minute))


def stretch(steps: Steps, opens: Tree, closes: Tree) -> Tree:
    """Return the minutes inside between two minutes of one stretch."""
    if not steps.total[-1]:
        return n.number(0)
    line = pieces(steps)
    return n.call("greatest", n.number(0), n.minus(climbed(line, closes), climbed(line, opens)))


def turns(x: Tree, length: float, functions: Functions) -> tuple[Tree, Tree]:
    """Return how often a length that is not below 0 goes round a circle, and what is left."""
    rest = functions.remainder(x, n.number(length))
    whole = n.binary(exp.Div, n.minus(x, rest), n.number(length))
    return n.call("floor", n.add(whole, n.number(0.5))), rest


def on_circle(x: Tree, length: float, functions: Functions) -> Tree:
    """Return where a minute lies on a circle, as Python's `%` does."""
    rest = functions.remainder(x, n.number(length))
    return n.case((n.binary(exp.LT, rest, n.number(0)), n.add(rest, n.number(length))), otherwise=rest)


def circular(
    steps: Steps, opens: Tree, closes: Tree, functions: Functions, hold: Callable[[Tree], Tree]
) -> Tree:
    """Return the minutes inside of an interval that may run past the circle's end."""
    if not steps.total[-1]:
        return n.number(0)
    line, length = pieces(steps), float(steps.length)
    lasts = n.call("greatest", n.number(0), n.minus(closes, opens))
    rounds, rest = turns(lasts, length, functions)
    start = hold(on_circle(opens, length, functions))
    end = hold(n.add(start, rest))
    before = hold(n.call("least", end, n.number(length)))
    first = n.call("greatest", n.number(0), n.minus(climbed(line, before), climbed(line, start)))
    beyond = n.minus(end, n.number(length))
    second = n.case((n.binary(exp.GT, end, n.number(length)), climbed(line, beyond)), otherwise=n.number(0))
    return n.add(n.add(n.times(rounds, n.number(steps.total[-1])), first), second)
