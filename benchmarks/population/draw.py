"""Columns of facts drawn at random, whole columns at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from jobplan.facts import Field

Array = npt.NDArray[Any]
Random = np.random.Generator

SAID, BLANK, NONE, UNREADABLE, CONFLICT = 0, 1, 2, 3, 4
"""Codes of a cell: it has a value, is empty, states that there is none, cannot be read, has two values."""

EPOCH = date(1970, 1, 1).toordinal()
WORDS = ("as agreed with the department", "by arrangement", "see the notes of the meeting", "unchanged")
NAMES = ("Eastmere General", "Westmere Clinic", "Northmere Hospital", "Southmere Infirmary")
WHOLE = {"week", "day", "month", "min"}
MOST = {"unit/week": 12.0, "h/week": 48.0, "h": 12.0, "percent": 100.0, "week/year": 52.0, "min": 60.0,
        "day/year": 40.0, "month": 12.0, "week": 26.0, "year": 30.0}  # fmt: skip
"""The most that a number of a unit is usually; ten for other units."""


@dataclass(slots=True)
class Column:
    """One fact of many rows: values as the form has them, and a code a row.

    Numbers and truths are themselves, dates days since 1970, clock times minutes, weekdays 1 to 8; texts
    and lists are places in `words`, the distinct ones.
    """

    values: Array
    codes: npt.NDArray[np.uint8]
    words: Sequence[Any] = ()

    def put(self, where: Array, values: Any) -> None:
        """Say something on some rows."""
        self.values[where] = values if np.isscalar(values) else np.asarray(values)[where]
        self.codes[where] = SAID

    def mark(self, where: Array, code: int) -> None:
        """Say nothing on some rows, for a reason."""
        self.codes[where] = code


@dataclass(frozen=True, slots=True)
class Likely:
    """What a fact usually is: weights of values, or a range of numbers or of days from the plan's start.

    `given` is the share of rows that say anything, `none` the share of these that say none, `odd` the
    share of the rest that say something out of the ordinary.
    """

    weights: Mapping[Any, float] | None = None
    between: tuple[float, float, float] | None = None
    days: tuple[int, int] | None = None
    given: float = 1.0
    none: float = 0.0
    odd: float = 0.003


def yes(share: float, *, given: float = 1.0, odd: float = 0.0) -> Likely:
    """Return a truth that holds for a share of the rows."""
    return Likely({True: share, False: 1 - share}, given=given, odd=odd)


def days(first: int, last: int, *, given: float = 1.0, none: float = 0.0, odd: float = 0.003) -> Likely:
    """Return a date between two days, counted from the plan's start."""
    return Likely(days=(first, last), given=given, none=none, odd=odd)


def some(
    weights: Mapping[Any, float], *, given: float = 1.0, none: float = 0.0, odd: float = 0.003
) -> Likely:
    """Return one of several values, by weight."""
    return Likely(weights, given=given, none=none, odd=odd)


def number(
    low: float, high: float, step: float = 1.0, *, given: float = 1.0, none: float = 0.0, odd: float = 0.003
) -> Likely:
    """Return a number between two others, by steps."""
    return Likely(between=(low, high, step), given=given, none=none, odd=odd)


def never(share: float = 0.0) -> Likely:
    """Return a fact that is stated to be none, but for a share of the rows."""
    return Likely(none=1 - share)


def seldom(share: float = 0.05) -> Likely:
    """Return a fact that few rows have."""
    return Likely(given=share)


def draw(field: Field, likely: Likely, random: Random, starts: Array) -> Column:
    """Draw one fact for as many rows as there are days in `starts`, the plan's first day of each."""
    size = len(starts)
    column = usual(field, likely, random, starts)
    if likely.odd and size:
        strange = random.random(size) < likely.odd
        if strange.any():
            other = usual(field, Likely(), random, starts)
            if column.words is not other.words and (column.words or other.words):
                column, other = together(column, other)
            column.values[strange] = other.values[strange]
    if likely.none and field.none:
        column.codes[random.random(size) < likely.none] = NONE
    if likely.given < 1:
        column.codes[random.random(size) >= likely.given] = BLANK
    return column


def usual(field: Field, likely: Likely, random: Random, starts: Array) -> Column:
    """Draw values alone; what `likely` does not say comes from the form, choices, unit and bounds."""
    size, codes = len(starts), np.zeros(len(starts), np.uint8)
    if likely.weights is not None:
        return weighted(field, likely.weights, random, size)
    if likely.between is not None:
        low, high, step = likely.between
        steps = random.integers(0, round((high - low) / step) + 1, size)
        return Column(np.round(low + steps * step, 6), codes)
    if field.form == "date" or likely.days is not None:
        low, high = likely.days or (-400, 400)
        return Column(starts + random.integers(low, high + 1, size), codes)
    if field.form == "truth":
        return Column(random.random(size) < 0.5, codes)
    if field.form == "number":
        return Column(any_number(field, random, size), codes)
    if field.form == "clock":
        return Column(random.integers(0, 97, size) * 15.0, codes)
    if field.form == "weekday":
        return Column(random.integers(1, 9, size).astype(float), codes)
    words = any_words(field)
    return Column(random.integers(0, len(words), size), codes, words)


def weighted(field: Field, weights: Mapping[Any, float], random: Random, size: int) -> Column:
    """Draw one of several values by weight."""
    values = list(weights)
    if field.form == "truth":
        return Column(
            random.random(size) < weights[True] / (weights[True] + weights[False]), np.zeros(size, np.uint8)
        )
    shares = np.cumsum(np.array([weights[value] for value in values], float))
    places = np.searchsorted(shares / shares[-1], random.random(size), side="right").clip(0, len(values) - 1)
    codes = np.zeros(size, np.uint8)
    if field.form in ("text", "list"):
        return Column(places, codes, values)
    return Column(np.array(values, float)[places], codes)


def any_number(field: Field, random: Random, size: int) -> Array:
    """Draw numbers within the bounds that the schema sets and the unit makes likely."""
    bounds, most = field.bounds, MOST.get(field.unit, 10.0)
    if bounds is not None and bounds.maximum is not None:
        most = min(most, bounds.maximum)
    step = 1.0 if field.unit in WHOLE or not field.unit else 0.25
    least = step if bounds is not None and bounds.above is not None else 0.0
    if field.name.startswith("units_above"):
        least = -1.0
    steps = random.integers(0, round((most - least) / step) + 1, size)
    return np.asarray(least + steps * step, float)


def any_words(field: Field) -> Sequence[Any]:
    """Return the words that a text, or the entries that a list may have."""
    if field.form == "list":
        return ((), (1.0,), (1.0, 2.0)) if field.of == "number" else ((), NAMES[1:2], NAMES[1:3])
    if field.choices:
        return field.choices
    if field.name.endswith(("place", "site", "employer_name", "name")):
        return NAMES
    return WORDS


def together(one: Column, other: Column) -> tuple[Column, Column]:
    """Return two columns of words over one list of words, each of them once."""
    words = list(dict.fromkeys([*one.words, *other.words]))
    places = np.array([words.index(word) for word in other.words])
    return Column(one.values, one.codes, words), Column(places[other.values], other.codes, words)
