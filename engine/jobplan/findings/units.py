"""Say a number with its unit, as people write it in their nation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COUNTED = frozenset({"day", "week", "month", "year"})
"""Units that are words and take a plural."""


def with_unit(shown: str, unit: str, names: Mapping[str, str]) -> str:
    """Return a shown number with its unit; `names` are the nation's own names for units.

    >>> with_unit("3", "h/week", {}), with_unit("33.3", "percent", {}), with_unit("2", "month", {})
    ('3 h a week', '33.3 %', '2 months')
    >>> with_unit("1", "size/week", {"size/week": "ell a week"}), with_unit("2", "1/year", {})
    ('1 ell a week', '2 a year')
    >>> with_unit("6", "week/year", {}), with_unit("1", "day/week", {})
    ('6 weeks a year', '1 day a week')
    """
    said = unit_words(unit, names)
    over = unit.partition("/")[0]
    if over in COUNTED and shown != "1" and not {unit, over} & names.keys():
        said = said.replace(over, f"{over}s", 1)
    return f"{shown} {said}" if said else shown


def unit_words(unit: str, names: Mapping[str, str]) -> str:
    """Return a unit as people write it; nothing for a bare number.

    >>> unit_words("h/unit", {"unit": "ell"}), unit_words("1", {}), unit_words("any unit", {})
    ('h an ell', '', '')
    """
    if unit in names:
        return names[unit]
    if unit in ("", "1", "share", "any unit"):
        return ""
    over, _, under = unit.partition("/")
    over = "" if over == "1" else names.get(over, "%" if over == "percent" else over)
    under = names.get(under, under)
    per = f"{'an' if under[:1].lower() in 'aeiou' else 'a'} {under}" if under else ""
    return " ".join(part for part in (over, per) if part)


def is_counted(value: Any, shown: str) -> bool:
    """Tell whether a value is shown as a number, so that a unit may follow; a day or clock time is not.

    >>> is_counted(3.0, "3"), is_counted(540.0, "09:00"), is_counted(7.0, "Sunday"), is_counted(True, "yes")
    (True, False, False, False)
    """
    return isinstance(value, float) and ":" not in shown and not shown[:1].isalpha()
