"""How a fact is written, and the value that it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from jobplan.errors import Problem
from jobplan.facts.schema import Field, Form
from jobplan.nearly import nearly
from jobplan.source import Document, Route
from jobplan.source.complaints import NUMBER_LIMIT
from jobplan.validation import no_such_date, problem_at, unknown_choice, words_of

_LAST_MINUTE = 24 * 60
_ORDERED: frozenset[Form] = frozenset({"number", "date", "clock"})


class WrongValueError(Exception):
    """A value that is not written as its fact has to be; `code` and `expected` go into the problem.

    `found` are the words for what is there, where the value itself does not tell. `inside` is the route
    from the value to the part of it that is wrong.
    """

    def __init__(self, expected: str, code: str = "wrong-type", found: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.code = code
        self.found = found
        self.inside: Route = ()

    def problem(self, document: Document, route: Route, written: Any, field: Field) -> Problem:
        """Return what is to be said about the value at `route`."""
        route = (*route, *self.inside)
        for step in self.inside:
            written = written[step]
        if self.code == "unknown-choice":
            return unknown_choice(document, route, written, field.choices)
        if self.code == "no-such-date":
            return no_such_date(document, route, written)
        message = f"expected {self.expected}, found {self.found or words_of(written)}"
        hint = None if self.code == "wrong-size" else nearly(written, self.expected)
        return problem_at(document, route, self.code, message, hint)


def value_of(field: Field, written: Any) -> Any:
    """Return the value of a fact that is written out: float, bool, str, date ordinal or tuple.

    Clock times are minutes from midnight, days of the week count from 1. Raises WrongValueError.
    """
    return READ[field.form](field, written)


def settle(field: Field, written: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the value and words of several values given for one fact; None if they differ.

    Raises WrongValueError.
    """
    kind, listed = next(iter(written.items()), ("", None))
    if len(written) != 1 or kind not in ("either", "range") or not isinstance(listed, list | tuple):
        raise WrongValueError("`either` or `range` with a list")
    if len(listed) < 2 or (kind == "range" and len(listed) > 2):
        raise WrongValueError("two values" if kind == "range" else "two or more values", "wrong-size")
    if field.form == "list" or (kind == "range" and field.form not in _ORDERED):
        raise WrongValueError("a value that can be in a range" if kind == "range" else "a list")
    values = [_entry(field, field.form, value, (kind, index)) for index, value in enumerate(listed)]
    words = (" to " if kind == "range" else " or ").join(words_of(value).strip("`") for value in listed)
    if kind == "range" and values[0] > values[1]:
        raise WrongValueError("the lower value first", "wrong-value", f"`{words}`")
    return (values[0] if all(value == values[0] for value in values) else None), words


def _entry(field: Field, form: Form, written: Any, inside: Route) -> Any:
    """Return the value of a part of what is written, which a problem with it is to point at."""
    try:
        return READ[form](field, written)
    except WrongValueError as error:
        error.inside = inside
        raise


def _number(field: Field, written: Any) -> float:
    if isinstance(written, bool) or not isinstance(written, (int, float)):
        raise WrongValueError("a number")
    if not abs(written) <= NUMBER_LIMIT:
        raise WrongValueError(f"a number below {NUMBER_LIMIT:.0e}", "wrong-size")
    if field.bounds is not None and (expected := field.bounds.broken_by(written)):
        raise WrongValueError(expected, "wrong-size")
    return float(written)


def _truth(_: Field, written: Any) -> bool:
    if not isinstance(written, bool):
        raise WrongValueError("`true` or `false`")
    return written


def _text(field: Field, written: Any) -> str:
    if not isinstance(written, str) or not written:
        raise WrongValueError("text")
    if field.places and written not in field.places:
        raise WrongValueError("", "unknown-choice")
    return written


def _date(_: Field, written: Any) -> int:
    if not isinstance(written, str) or len(written) != 10 or written[4] != "-" or written[7] != "-":
        raise WrongValueError(
            "a date, YYYY-MM-DD", "wrong-form" if isinstance(written, str) else "wrong-type"
        )
    try:
        return date.fromisoformat(written).toordinal()
    except ValueError:
        raise WrongValueError("", "no-such-date") from None


def _clock(_: Field, written: Any) -> float:
    expected = "a clock time from 00:00 to 24:00, HH:MM"
    if not isinstance(written, str):
        raise WrongValueError(expected)
    minutes = _minutes(written)
    if minutes is None:
        raise WrongValueError(expected, "wrong-form")
    return minutes


@lru_cache(maxsize=4096)
def _minutes(written: str) -> float | None:
    hours, colon, minutes = written.partition(":")
    is_written_well = (
        len(hours) == len(minutes) == 2 and f"{hours}{minutes}".isdecimal() and written.isascii()
    )
    if not colon or not is_written_well or int(minutes) > 59:
        return None
    found = int(hours) * 60 + int(minutes)
    return float(found) if found <= _LAST_MINUTE else None


def _weekday(field: Field, written: Any) -> float:
    if not isinstance(written, str):
        raise WrongValueError("a day of the week")
    if written not in field.places:
        raise WrongValueError("", "unknown-choice")
    return float(field.places[written] + 1)


def _list(field: Field, written: Any) -> tuple[float | str, ...]:
    if not isinstance(written, list | tuple):
        raise WrongValueError("a list")
    entries = tuple(
        _entry(field, field.of or ("text" if isinstance(entry, str) else "number"), entry, (index,))
        for index, entry in enumerate(written)
    )
    if field.unique and len(set(entries)) < len(entries):
        again = next(entry for index, entry in enumerate(written) if entry in written[:index])
        raise WrongValueError("every entry once", "same-value", f"{words_of(again)} twice")
    return entries


READ: Mapping[Form, Callable[[Field, Any], Any]] = {
    "number": _number,
    "truth": _truth,
    "text": _text,
    "date": _date,
    "clock": _clock,
    "weekday": _weekday,
    "list": _list,
}
