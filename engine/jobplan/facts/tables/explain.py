"""Words for what is wrong with a cell of a table: the same as for a value of a document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jobplan.facts.schema import Field, Form
from jobplan.facts.tables.cells import BESIDE, NUMBER_FORM, SAID, TRUTHS, Held, held_by
from jobplan.facts.values import WrongValueError, value_of
from jobplan.nearly import nearly
from jobplan.source import Document
from jobplan.validation import words_of

Words = tuple[str, str, str | None]
"""Code, reason, and the way out."""

_NOWHERE = Document("", {}, "", {}, {})
_EXPECTED: Mapping[Form, str] = {
    "number": "a number",
    "truth": "`true` or `false`",
    "text": "text",
    "date": "a date, YYYY-MM-DD",
    "clock": "a clock time from 00:00 to 24:00, HH:MM",
    "weekday": "a day of the week",
    "list": "a list, its entries parted by `;`",
}


class Explainer:
    """Says what is wrong with cells of one table; the same words in one column are explained once."""

    def __init__(self, types: Mapping[str, str]) -> None:
        """`types` are the SQL types of the table's columns."""
        self._held = {name: held_by(kind) for name, kind in types.items()}
        self._known: dict[tuple[str, str], Words] = {}

    def __call__(self, field: Field, written: str) -> Words:
        """Return what is wrong with a cell in which `written` stands."""
        known = self._known.get((field.name, written))
        if known is None:
            held = self._held.get(field.name, "text")
            known = (
                _beside(field, written) if written.startswith(BESIDE) else _explained(field, written, held)
            )
            self._known[field.name, written] = known
        return known


def _beside(field: Field, written: str) -> Words:
    said = written.removeprefix(BESIDE)
    word = said.partition(":")[0].strip()
    allowed = [known for known in SAID if known != "none" or field.none]
    if word in allowed:
        return (
            "not-together",
            f"`{field.name}` is given and said to be `{word}`",
            "leave one of the cells empty",
        )
    listed = ", ".join(f"`{known}`" for known in allowed)
    return "unknown-choice", f"expected one of {listed} beside `{field.name}`, found {words_of(said)}", None


def _explained(field: Field, written: str, held: Held) -> Words:
    found = _found(field, written, held)
    try:
        value_of(field, found)
    except WrongValueError as error:
        problem = error.problem(_NOWHERE, (), found, field)
        return problem.code, problem.message, problem.help
    size = len(found) if isinstance(found, str | list) else 0
    if field.longest is not None and size > field.longest:
        unit = "characters" if isinstance(found, str) else "entries"
        return "wrong-size", f"expected at most {field.longest} {unit}, found {size}", None
    expected = _EXPECTED[field.form]
    return "wrong-type", f"expected {expected}, found {words_of(written)}", nearly(written, expected)


def _found(field: Field, written: str, held: Held) -> Any:
    """Return what stands in a cell as documents have it."""
    if held == "number":
        return float(written)
    if held == "truth":
        return written == "true"
    if held == "list":
        return json.loads(written)
    return as_written(field, written) if held == "text" else written


def as_written(field: Field, written: str) -> Any:
    """Return the text of a cell as documents write the value: a number, a truth, a list."""
    if field.form == "list":
        return [] if written == "[]" else [_entry(field, part.strip()) for part in written.split(";")]
    if field.form == "number" and re.fullmatch(NUMBER_FORM, written):
        return float(written)
    return TRUTHS.get(written.lower(), written) if field.form == "truth" else written


def _entry(field: Field, written: str) -> Any:
    is_number = field.of == "number" and re.fullmatch(NUMBER_FORM, written)
    return float(written) if is_number else written
