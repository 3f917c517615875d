"""Cells of tables as SQL: the value of a fact, why there is none, and whether something is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from jobplan.facts.codes import CAUSES
from jobplan.facts.schema import Field, Form
from jobplan.facts.tables.shape import sql_type
from jobplan.quoting import literal, quoted
from jobplan.source.complaints import NUMBER_LIMIT

Held = Literal["number", "truth", "text", "date", "moment", "time", "list", "other"]
"""What a column of a table holds, as far as facts are read from it."""

NUMBER_FORM = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
CLOCK_FORM = "([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
DATE_FORM = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TRUTHS: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}
SPOILT = ("unreadable", "conflict")
SAID = ("none", "not_carried", *SPOILT)
"""The words that a column beside a fact may say of it; the last two may be followed by `:` and a text."""

_HELD: tuple[tuple[re.Pattern[str], Held], ...] = (
    (re.compile(r".*\[[0-9]*\]|LIST.*"), "list"),
    (re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*"), "number"),
    (re.compile(r"BOOLEAN"), "truth"),
    (re.compile(r"VARCHAR|ENUM.*"), "text"),
    (re.compile(r"DATE"), "date"),
    (re.compile(r"TIMESTAMP(_N?S|_MS)?"), "moment"),
    (re.compile(r"TIME(_NS)?"), "time"),
)


def held_by(kind: str) -> Held:
    """Return what a column of an SQL type holds."""
    return next((held for form, held in _HELD if form.fullmatch(kind)), "other")


@dataclass(frozen=True, slots=True)
class Cell:
    """A fact of a column as SQL expressions; `wrong` is true where the cell cannot stand so, else not.

    `written` is what stands there, as text. `doubt` is about all rows together, and quickly worked out: it is
    true if a cell of them may be wrong.
    """

    value: str
    cause: str = "NULL"
    words: str = "NULL"
    wrong: str = "false"
    written: str = "NULL"
    doubt: str = ""

    def __post_init__(self) -> None:
        if not self.doubt:
            object.__setattr__(self, "doubt", f"bool_or({self.wrong})")


def absent(field: Field, *, carried: bool = False) -> Cell:
    """Return the cell of a fact that the table has no column for."""
    cause = "NULL" if carried else f"{CAUSES['not_carried']}"
    return Cell(f"CAST(NULL AS {sql_type(field)})", cause)


def cell(
    field: Field, column: str | None, kind: str, beside: str | None = None, *, is_spoilt: bool = True
) -> Cell:
    """Return how a fact is read from a column of an SQL type; `beside` is the text column that says why not.

    There need not be more than the one beside it. `is_spoilt` tells that it may say what is there.
    """
    held = held_by(kind)
    name = "CAST(NULL AS VARCHAR)" if column is None else quoted(column)
    blank = name
    if held == "text":
        name = name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"
        blank = f"NULLIF({name}, '')"
    reader = _READ.get((field.form, held))
    found = reader(field, blank, kind) if reader else _misfit(field, blank)
    if (field.form, held) == ("text", "text"):
        found = replace(found, wrong=_wrong_text(field, name), doubt=_doubtful_text(field, name))
    elif field.none and held == "text":
        wrong = f"{name} <> 'none' AND ({found.wrong})"
        found = replace(found, wrong=wrong, doubt=f"bool_or({wrong})")
    if field.none and held == "text":
        found = replace(
            found,
            value=f"CASE WHEN {name} <> 'none' THEN {found.value} END",
            cause=f"CASE WHEN {name} = 'none' THEN {CAUSES['none']} END",
        )
    if beside is None:
        return found
    return _beside(found, field, blank, held, quoted(beside), is_spoilt=is_spoilt)


def _beside(found: Cell, field: Field, name: str, held: Held, beside: str, *, is_spoilt: bool) -> Cell:
    """Add what the column beside a fact says of it; `is_spoilt` tells that it may say what is there.

    Where there is a word there is no value: of columns that hold values, nothing is to be taken away.
    """
    silent = f"WHEN {beside} IS NULL OR {beside} = ''"
    tests = {said: f"{beside} = '{said}'" for said in ("none", "not_carried") if said != "none" or field.none}
    if is_spoilt:
        tests |= {said: f"({beside} = '{said}' OR {beside} LIKE '{said}:%')" for said in SPOILT}
    unknown = f"NOT ({' OR '.join(['false', *tests.values()])}) AND {beside} <> ''"
    clash = f"{name} IS NOT NULL AND {beside} <> ''"
    rest = f"NULLIF(trim(substr({beside}, strpos({beside}, ':') + 1)), '')"
    words = f"CASE WHEN contains({beside}, ':') THEN {rest} END"
    if held == "text":  # the text itself may be what is there
        clash += f" AND {beside}[1] NOT IN ('u', 'c')"
        words = f"coalesce({words}, {name})"
    cases = " ".join(f"WHEN {test} THEN {CAUSES[said]}" for said, test in tests.items())  # type: ignore[index]
    wrong = f"({unknown}) OR ({clash})"
    return Cell(
        found.value
        if held != "text" or name.startswith("CAST(NULL")
        else f"CASE {silent} THEN {found.value} END",
        f"CASE {silent} THEN {found.cause} {cases} END",
        f"CASE WHEN {beside}[1] IN ('u', 'c') THEN coalesce({words}, '') END" if is_spoilt else "NULL",
        f"CASE {silent} THEN {found.wrong} ELSE {wrong} END",
        f"CASE {silent} THEN {found.written} ELSE '{BESIDE}' || {beside} END",
        f"({found.doubt}) OR bool_or({wrong}) FILTER (WHERE {beside} IS NOT NULL)",
    )


BESIDE = "\x1f"
"""Begins what is written where the column beside a fact is what is wrong."""


def _bounded(field: Field, number: str) -> str:
    """Return the condition that a number is out of bounds; NaN is greater than every number."""
    limits = [f"{number} BETWEEN -{NUMBER_LIMIT} AND {NUMBER_LIMIT}"]
    if bounds := field.bounds:
        limits += [f"{number} >= {bounds.minimum}"] if bounds.minimum is not None else []
        limits += [f"{number} > {bounds.above}"] if bounds.above is not None else []
        limits += [f"{number} <= {bounds.maximum}"] if bounds.maximum is not None else []
        limits += [f"{number} = floor({number})"] if bounds.whole else []
    return f"NOT ({' AND '.join(limits)})"


def _doubtful(field: Field, number: str) -> str:
    """Return the condition that some number is out of bounds; NaN is greater than every number."""
    low, high = -NUMBER_LIMIT, NUMBER_LIMIT
    limits = [f"max({number}) > {high}", f"min({number}) < {low}"]
    if bounds := field.bounds:
        limits += [f"min({number}) < {bounds.minimum}"] if bounds.minimum is not None else []
        limits += [f"min({number}) <= {bounds.above}"] if bounds.above is not None else []
        limits += [f"max({number}) > {bounds.maximum}"] if bounds.maximum is not None else []
        limits += [f"bool_or({number} <> floor({number}))"] if bounds.whole else []
    return " OR ".join(limits)


def _beyond(value: str, low: str, high: str) -> str:
    return f"min({value}) < {low} OR max({value}) > {high}"


def _double(name: str, kind: str) -> str:
    return name if kind == "DOUBLE" else f"CAST({name} AS DOUBLE)"


def _shown(name: str) -> str:
    return f"CAST({name} AS VARCHAR)"


def _misfit(field: Field, name: str) -> Cell:
    return Cell(f"CAST(NULL AS {sql_type(field)})", wrong=f"{name} IS NOT NULL", written=_shown(name))


def _number(field: Field, name: str, kind: str) -> Cell:
    value = _double(name, kind)
    return Cell(value, wrong=_bounded(field, value), written=_shown(name), doubt=_doubtful(field, value))


def _number_text(field: Field, name: str, _kind: str) -> Cell:
    value = f"CASE WHEN regexp_full_match({name}, '{NUMBER_FORM}') THEN TRY_CAST({name} AS DOUBLE) END"
    return Cell(value, wrong=f"{name} IS NOT NULL AND coalesce({_bounded(field, value)}, true)", written=name)


def _truth(_field: Field, name: str, _kind: str) -> Cell:
    return Cell(name, written=_shown(name))


def _truth_text(_field: Field, name: str, _kind: str) -> Cell:
    cases = " ".join(f"WHEN {literal(word)} THEN {str(truth).lower()}" for word, truth in TRUTHS.items())
    words = ", ".join(map(literal, TRUTHS))
    return Cell(f"CASE lower({name}) {cases} END", wrong=f"lower({name}) NOT IN ({words})", written=name)


def _text(field: Field, name: str, _kind: str) -> Cell:
    return Cell(name, wrong=_wrong_text(field, name), written=name, doubt=_doubtful_text(field, name))


def _doubtful_text(field: Field, name: str) -> str:
    if field.choices or field.longest is None:
        return ""
    return f"max(strlen({name})) > {field.longest}"  # bytes, of which there are at least as many


def _wrong_text(field: Field, name: str) -> str:
    if field.choices:
        allowed = ["", *field.choices, *(["none"] if field.none else [])]
        found = (
            f"TRY_CAST({name} AS ENUM ({', '.join(map(literal, allowed))}))"  # in an eighth of the time of IN
        )
        return f"{name} IS NOT NULL AND {found} IS NULL"
    return "false" if field.longest is None else f"length({name}) > {field.longest}"


def _text_number(field: Field, name: str, kind: str) -> Cell:
    """Read the whole numbers that programs make of texts such as `7`."""
    value = f"CAST({name} AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return _misfit(field, name)
    return _text(field, value, "VARCHAR")


_FIRST, _LAST = "DATE '0001-01-01'", "DATE '9999-12-31'"


def _date(_field: Field, name: str, _kind: str) -> Cell:
    wrong = f"{name} NOT BETWEEN {_FIRST} AND {_LAST}"
    return Cell(name, wrong=wrong, written=_shown(name), doubt=_beyond(name, _FIRST, _LAST))


def _date_moment(_field: Field, name: str, _kind: str) -> Cell:
    value = f"CAST({name} AS DATE)"
    wrong = f"{value} NOT BETWEEN {_FIRST} AND {_LAST} OR date_trunc('day', {name}) <> {name}"
    return Cell(value, wrong=wrong, written=_shown(name))


def _date_text(_field: Field, name: str, _kind: str) -> Cell:
    value = f"CASE WHEN regexp_full_match({name}, '{DATE_FORM}') THEN TRY_CAST({name} AS DATE) END"
    return Cell(value, wrong=f"{name} IS NOT NULL AND coalesce({value} < {_FIRST}, true)", written=name)


def _clock(_field: Field, name: str, kind: str) -> Cell:
    value = _double(name, kind)
    wrong = f"NOT ({value} BETWEEN 0 AND 1440 AND {value} = floor({value}))"
    doubt = f"{_beyond(value, '0', '1440')} OR bool_or({value} <> floor({value}))"
    return Cell(value, wrong=wrong, written=_shown(name), doubt=doubt)


def _clock_time(_field: Field, name: str, _kind: str) -> Cell:
    value = f"CAST(60 * hour({name}) + minute({name}) AS DOUBLE)"
    return Cell(value, wrong=f"date_trunc('minute', {name}) <> {name}", written=_shown(name))


def _clock_text(_field: Field, name: str, _kind: str) -> Cell:
    is_clock = f"regexp_full_match({name}, '{CLOCK_FORM}')"
    minutes = f"60 * TRY_CAST(substr({name}, 1, 2) AS DOUBLE) + TRY_CAST(substr({name}, 4, 2) AS DOUBLE)"
    return Cell(f"CASE WHEN {is_clock} THEN {minutes} END", wrong=f"NOT {is_clock}", written=name)


def _weekday(field: Field, name: str, kind: str) -> Cell:
    days = ", ".join(f"{day}" for day in range(1, len(field.choices) + 1))
    value = _double(name, kind)
    return Cell(value, wrong=f"{value} NOT IN ({days})", written=_shown(name))


def _weekday_text(field: Field, name: str, _kind: str) -> Cell:
    cases = " ".join(f"WHEN {literal(day)} THEN {index}.0" for index, day in enumerate(field.choices, 1))
    value = f"CASE {name} {cases} END"
    return Cell(f"CAST({value} AS DOUBLE)", wrong=f"{name} IS NOT NULL AND {value} IS NULL", written=name)


def _list(field: Field, name: str, kind: str) -> Cell:
    held = held_by(kind.removesuffix("[]"))
    numbers = sql_type(field) == "DOUBLE[]"
    if held not in (("number",) if numbers else ("text",)):
        return _misfit(field, name)
    value = f"CAST({name} AS {sql_type(field)})"
    return Cell(
        value,
        wrong=_wrong_entries(field, value, numbers=numbers),
        written=f"CAST(to_json({name}) AS VARCHAR)",
    )


def _list_text(field: Field, name: str, _kind: str) -> Cell:
    """Read entries with `;` between them; `[]` is a list without any."""
    numbers = sql_type(field) == "DOUBLE[]"
    entry = "trim(e)"
    if numbers:
        entry = f"CASE WHEN regexp_full_match(trim(e), '{NUMBER_FORM}') THEN TRY_CAST(trim(e) AS DOUBLE) END"
    entries = f"list_transform(string_split({name}, ';'), lambda e: {entry})"
    value = f"CASE WHEN {name} = '[]' THEN [] WHEN {name} IS NOT NULL THEN {entries} END"
    value = f"CAST({value} AS {sql_type(field)})"
    return Cell(value, wrong=_wrong_entries(field, value, numbers=numbers), written=name)


def _wrong_entries(field: Field, value: str, *, numbers: bool) -> str:
    entry = f"e IS NULL OR {_bounded(field, 'e')}" if numbers else "e IS NULL OR e = ''"
    wrong = f"len(list_filter({value}, lambda e: {entry})) > 0"
    if field.unique:
        wrong += f" OR len(list_distinct({value})) < len({value})"
    if field.longest is not None:
        wrong += f" OR len({value}) > {field.longest}"
    return wrong


_READ: Mapping[tuple[Form, Held], Callable[[Field, str, str], Cell]] = {
    ("number", "number"): _number,
    ("number", "text"): _number_text,
    ("truth", "truth"): _truth,
    ("truth", "text"): _truth_text,
    ("text", "text"): _text,
    ("text", "number"): _text_number,
    ("date", "date"): _date,
    ("date", "moment"): _date_moment,
    ("date", "text"): _date_text,
    ("clock", "number"): _clock,
    ("clock", "time"): _clock_time,
    ("clock", "text"): _clock_text,
    ("weekday", "number"): _weekday,
    ("weekday", "text"): _weekday_text,
    ("list", "list"): _list,
    ("list", "text"): _list_text,
}
