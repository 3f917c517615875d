"""Which rows can meet at all: what a condition on two rows says of keys that both must share.

A pair whose condition is true, or unknown, stands in one of the joins made here; others need not be looked
at. Two forms of conditions are known: equal fields, one of several; and intervals on a circle that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.scalar import compared
from jobplan.expression.emit import flat, literal_value
from jobplan.expression.parse import Tree, arguments, call_name
from jobplan.expression.scope import Ref

STRETCHES = 7
"""Into how many stretches a circle is cut; intervals that overlap touch one together."""

SLACK = 1e-3
"""More than rounding can move an end of an interval."""


@dataclass(frozen=True, slots=True)
class Equal:
    """A field of the first row equals one of the second."""

    first: Ref
    second: Ref
    number: bool


@dataclass(frozen=True, slots=True)
class Overlapping:
    """Intervals overlap on a circle; each side has its beginning and its length."""

    first: tuple[Ref, Ref]
    second: tuple[Ref, Ref]
    circle: float


Meeting = tuple[Equal, ...] | Overlapping


def meeting(where: Tree, a: str, b: str) -> Meeting | None:
    """Return the form of a part of a condition that says which rows of two sides can meet."""
    found: Meeting | None = None
    for part in flat(where, exp.And):
        options = flat(part, exp.Or)
        equal = [equality(option, a, b) for option in options]
        if all(equal):
            return tuple(option for option in equal if option is not None)
        found = found or overlapping(options, a, b)
    return found


def bare(node: Tree) -> Tree:
    """Return what stands in brackets."""
    return bare(node.this) if isinstance(node, exp.Paren) else node


def side_of(node: Tree) -> tuple[str, Ref] | None:
    """Return the side that a name stands on."""
    found = bare(node)
    if not isinstance(found, exp.Column):
        return None
    ref: Ref = found.meta["ref"]
    return (ref.path[0], ref) if ref.kind in ("fact", "column") and ref.path else None


def equality(node: Tree, a: str, b: str) -> Equal | None:
    """Return which fields of two sides are said to be equal."""
    test = bare(node)
    if not isinstance(test, exp.EQ):
        return None
    sides = dict(found for found in (side_of(test.this), side_of(test.expression)) if found is not None)
    if sides.keys() != {a, b}:
        return None
    return Equal(sides[a], sides[b], number=test.this.meta.get("kind") == "number")


def overlapping(options: list[Tree], a: str, b: str) -> Overlapping | None:
    """Return the intervals that are said to overlap: each begins inside the other, or the other way round."""
    if len(options) != 2:
        return None
    read = [inside(option) for option in options]
    by_side = {found[0]: found for found in read if found is not None}
    if by_side.keys() != {a, b}:
        return None
    (_, start_a, lasts_a, other_b, circle), (_, start_b, lasts_b, other_a, same) = by_side[a], by_side[b]
    if start_a != other_a or start_b != other_b or circle != same:
        return None
    return Overlapping((start_a, lasts_a), (start_b, lasts_b), circle)


def inside(node: Tree) -> tuple[str, Ref, Ref, Ref, float] | None:
    """Read `wrap(theirs.start - mine.start, circle) < mine.length`: side, both starts, length."""
    test = bare(node)
    if not isinstance(test, exp.LT) or call_name(bare(test.this)) != "wrap":
        return None
    distance, by = (bare(part) for part in arguments(bare(test.this)))
    circle = literal_value(by) if isinstance(by, exp.Literal) else None
    lasts = side_of(test.expression)
    if not isinstance(distance, exp.Sub) or not isinstance(circle, float) or circle <= 0 or lasts is None:
        return None
    other, mine = side_of(distance.this), side_of(distance.expression)
    if other is None or mine is None or mine[0] != lasts[0] or other[0] == mine[0]:
        return None
    return mine[0], mine[1], lasts[1], other[1], circle


# --- keys ----------------------------------------------------------------------------------------


def key_of(value: Tree, *, number: bool) -> Tree:
    """Return a field as a key that is equal where the comparison holds."""
    return compared(value) if number else value


def first_stretch(start: Tree, circle: float) -> Tree:
    """Return the stretch in which an interval begins, counted from any lap."""
    return n.call("floor", n.binary(exp.Div, n.minus(start, n.number(SLACK)), n.number(circle / STRETCHES)))


def stretches(start: Tree, lasts: Tree, circle: float) -> Tree:
    """Return how many stretches an interval touches."""
    end = n.add(n.add(start, n.call("greatest", lasts, n.number(0))), n.number(SLACK))
    last = n.call("floor", n.binary(exp.Div, end, n.number(circle / STRETCHES)))
    touched = n.add(n.minus(last, first_stretch(start.copy(), circle)), n.number(1))
    return n.cast(n.call("least", touched, n.number(STRETCHES)), "INTEGER")


def on_lap(stretch: Tree) -> Tree:
    """Return a stretch on the circle, from 0."""
    rounds = n.call("floor", n.binary(exp.Div, stretch, n.number(STRETCHES)))
    return n.minus(stretch.copy(), n.times(n.number(STRETCHES), rounds))
