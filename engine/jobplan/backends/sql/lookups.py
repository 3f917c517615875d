"""Look-ups in tables of a policy, as branches: the first row that fits gives the value."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.scalar import known_value
from jobplan.backends.sql.thresholds import range_of
from jobplan.expression.parse import Tree
from jobplan.model import TableRow


def looked_up(rows: tuple[TableRow, ...], keys: list[Tree]) -> Tree:
    """Return the value of the row that fits, or NULL; NULL too if a key is."""
    branches: list[tuple[Tree, Tree]] = []
    unasked = [
        n.missing(key) for index, key in enumerate(keys) if any(is_open(row.keys[index]) for row in rows)
    ]
    if unasked:
        branches.append((n.either(*unasked), exp.Null()))
    for row in rows:
        tests = [fits(key, value) for key, value in zip(row.keys, keys, strict=True) if not is_open(key)]
        branches.append((n.every(*tests), known_value(row.value, "number")))
    return n.case(*branches) if rows else n.null("number")


def is_open(key: Any) -> bool:
    """Tell whether every value fits a key."""
    return bool(key == (None, None))


def fits(key: Any, value: Tree) -> Tree:
    """Return whether a value fits a key; numbers are compared in whole millionths."""
    if isinstance(key, tuple):
        low = None if key[0] is None else n.number(range_of(key[0])[0])
        high = None if key[1] is None else n.number(range_of(key[1])[1])
        if low is None or high is None:
            kind = exp.LTE if low is None else exp.GTE
            return n.binary(kind, value, high if low is None else low)  # type: ignore[arg-type]
        return n.between(value, low, high)
    if isinstance(key, float):
        low, high = (n.number(x) for x in range_of(key))
        return n.between(value, low, high)
    return n.same(value, known_value(key, "text"))
