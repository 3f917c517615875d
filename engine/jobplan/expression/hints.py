"""What the author of an expression perhaps meant: the last line of a complaint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from sqlglot import exp

from jobplan.errors import suggest
from jobplan.expression.parse import COMPARISONS, Tree
from jobplan.expression.scope import Scope, Type
from jobplan.expression.units import show_unit, times

SHOWN = 12  # options in one line

CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def listed(words: Iterable[str], last: str = "and", most: int = SHOWN) -> str:
    """Return words in backticks with commas, cut after `most`.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], most=1)
    ('`a`, `b` and `c`', '`a` and 2 more')
    """
    given = list(words)
    shown = [f"`{word}`" for word in given[:most]]
    if len(given) > most:
        shown.append(f"{len(given) - most} more")
        last = "and"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def in_circle(names: list[str]) -> str:
    """Return that what begins and ends a list of names needs itself.

    >>> in_circle(["a", "b", "a"])
    '`a` rests on itself: `a` needs `b`, `b` needs `a`'
    """
    words = [name.removeprefix("rule ") for name in names]
    links = ", ".join(f"`{one}` needs `{other}`" for one, other in pairwise(words))
    return f"`{words[0]}` rests on itself" + (f": {links}" if len(words) > 2 else "")


def name_hint(scope: Scope, alias: str, name: str) -> str | None:
    """Return what to write for a name that means nothing where it stands."""
    world, shape = scope.world, scope.world.shapes[scope.relation]
    full = f"{alias}.{name}" if alias else name
    if alias == "this":
        return "`this` stands only in the `where` of a column that adds up other rows"
    if alias and alias in world.shapes and alias not in shape.aliases:
        return f"work it out over the rows of `{alias}` in a measure, such as {{any: …, of: {alias}}}"
    owners = [alias for alias, target in shape.aliases.items() if world.find(target, name)]
    if not alias and owners:
        return f"say of which row of the pair: {listed((f'{owner}.{name}' for owner in owners), 'or')}"
    if any(name in kind.options for owner in world.ancestors(scope.relation)
           for kind in world.shapes[owner].facts.values()):  # fmt: skip
        return f"a text stands in single quotes: '{name}'"
    homes = [other.name for other in world.shapes.values() if name in other.facts or name in other.columns]
    if homes and not alias:
        return f"it stands on the rows of {listed(homes, most=3)}; work it out over them in a measure"
    return suggest(full, world.names(scope.relation))


def option_hint(side: Tree, found: str, options: tuple[str, ...]) -> str:
    """Return what to write for a text that is none of the options of a fact."""
    if found == "none" and isinstance(side, exp.Column):
        return f"write none({side.sql()})"
    return suggest(found, options) or f"its values are {listed(options)}"


def kind_hint(a: Type, b: Type, left: Tree, right: Tree) -> str | None:
    """Return how two sides of different kinds can be compared, if that can be told."""
    for kind, tree, other, literal in ((a, left, b, right), (b, right, a, left)):
        words = literal.name if isinstance(literal, exp.Literal) else None
        if kind.kind == "date" and other.kind == "number":
            return "a day is written '2024-04-01', in quotes; the days between two dates are later - earlier"
        if isinstance(tree.unnest(), COMPARISONS):
            return "write a < b and b < c"
        if kind.kind == "truth":
            shown = tree.sql() if isinstance(tree, exp.Column) else "x"
            return f"write just {shown}, or not {shown}"
        if kind.kind == "number" and other.kind == "text" and words is not None:
            return number_hint(kind, words)
        if kind.kind == "text" and kind.options:
            return f"its values are {listed(kind.options)}"
    return None


def number_hint(kind: Type, words: str) -> str:
    """Return the number that is meant by a quoted text."""
    clock = CLOCK.fullmatch(words)
    if clock is not None:
        return f"times of day are minutes from midnight: {words} is {int(clock[1]) * 60 + int(clock[2])}"
    if words in kind.names:
        return f"days are numbers, from `{kind.names[0]}`, which is 1: write {kind.names.index(words) + 1}"
    shown = words if NUMBER.fullmatch(words) else "2.5"
    return f"a number stands in digits, without quotes: {shown}"


def unit_hint(a: Type, b: Type) -> str:
    """Return how the first of two sides is brought to the unit of the second."""
    ratio = times(b.unit, a.unit, -1)
    way_out = f"name something in `{show_unit(a.unit)}`"
    if ratio is None or len(ratio) > 2:  # what nobody would make a parameter of
        return way_out
    return f"multiply the first by a parameter in `{show_unit(ratio)}`, or {way_out}"


def want_hint(wanted: str, found: str) -> str | None:
    """Return how a value of one kind becomes one of another."""
    if wanted == "truth":
        return "compare it with something, such as x > 0"
    if wanted == "number" and found == "date":
        return "use add_days(day, n) or add_months(day, n)"
    if wanted == "number" and found == "truth":
        return "write case when x then 1 else 0 end"
    return None
