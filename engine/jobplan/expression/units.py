"""Units: written as `h`, `unit/week`, `1/year`; multiplied, divided and compared when a policy is read."""

from __future__ import annotations

from functools import cache

Unit = frozenset[tuple[str, int]] | None
"""Base units with their powers; None where nothing is known, which fits everything."""

NONE = frozenset({"", "1", "share"})


@cache
def parse_unit(text: str) -> Unit:
    """Return the unit that a text names; an empty text names none in particular.

    >>> sorted(parse_unit("unit/week"))
    [('unit', 1), ('week', -1)]
    """
    if not text:
        return None
    over, _, under = text.partition("/")
    powers = {} if over in NONE else {over: 1}
    if under:
        powers[under] = powers.get(under, 0) - 1
    return frozenset((base, power) for base, power in powers.items() if power)


@cache
def show_unit(unit: Unit) -> str:
    """Return a unit as people write it.

    >>> show_unit(parse_unit("unit/week")), show_unit(None)
    ('unit/week', 'any unit')
    """
    if unit is None:
        return "any unit"
    over = "*".join(sorted(f"{b}{'' if p == 1 else p}" for b, p in unit if p > 0)) or "1"
    under = "*".join(sorted(f"{b}{'' if p == -1 else -p}" for b, p in unit if p < 0))
    return f"{over}/{under}" if under else over


def times(a: Unit, b: Unit, power: int = 1) -> Unit:
    """Return the unit of a product, or of a quotient with `power=-1`; unknown if either is.

    >>> show_unit(times(parse_unit("h"), parse_unit("h/unit"), -1))
    'unit'
    """
    if a is None or b is None:
        return None
    powers = dict(a)
    for base, p in b:
        powers[base] = powers.get(base, 0) + p * power
    return frozenset((base, p) for base, p in powers.items() if p)


def fits(a: Unit, b: Unit) -> bool:
    """Tell whether two values may be added or compared."""
    return a is None or b is None or a == b
