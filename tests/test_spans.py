"""Spans are merged, and gaps found, as counting every minute would do it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobplan.expression.runtime import DAY, Windows
from jobplan.expression.spans import circle_gaps, line_gaps, merged
from jobplan.model import Period, Window

CIRCLE = 24
Span = tuple[float, float]

spans = st.lists(
    st.tuples(st.integers(-30, 60), st.integers(1, 30)).map(lambda p: (float(p[0]), float(p[0] + p[1]))),
    max_size=6,
)
gaps = st.integers(0, 6)


def minutes(found: list[Span], circle: int = 0) -> set[int]:
    """Return every whole minute inside spans, on a line or a circle."""
    inside = {minute for start, end in found for minute in range(int(start), int(end))}
    return {minute % circle for minute in inside} if circle else inside


def filled(inside: set[int], gap: int, low: int, high: int) -> set[int]:
    """Fill every run of minutes outside that is shorter than `gap` and has an inside on both ends."""
    found = set(inside)
    for start in range(low, high):
        for length in range(1, gap):
            between = range(start, start + length)
            if start - 1 in inside and start + length in inside and not inside & set(between):
                found |= set(between)
    return found


@given(spans, gaps)
def test_merged_spans_hold_the_same_minutes_and_the_gaps_that_are_too_short(
    found: list[Span], gap: int
) -> None:
    joined = merged(found, gap, 0)
    assert minutes(joined) == filled(minutes(found), gap, -30, 90)
    apart = [after[0] - before[1] for before, after in pairwise(joined)]
    assert all(distance > 0 and distance >= gap for distance in apart)


@given(spans, gaps)
def test_spans_on_a_circle_are_merged_across_its_end(found: list[Span], gap: int) -> None:
    joined = merged(found, gap, CIRCLE)
    inside = minutes(found, CIRCLE)
    thrice = {minute + shift for minute in inside for shift in (-CIRCLE, 0, CIRCLE)}
    expected = {minute for minute in filled(thrice, gap, -CIRCLE, 2 * CIRCLE) if 0 <= minute < CIRCLE}
    assert minutes(joined, CIRCLE) == expected
    assert all(0 <= start < CIRCLE and 0 < end - start <= CIRCLE for start, end in joined)
    assert sum(end - start for start, end in joined) == len(expected), "two spans hold one minute"
    assert len(joined) == max(1 if expected else 0, edges(expected))


def edges(inside: set[int]) -> int:
    """Return how many runs of minutes there are on the circle; a full circle has no edge."""
    return sum(minute not in inside and (minute + 1) % CIRCLE in inside for minute in range(CIRCLE))


@given(spans)
def test_the_gaps_of_a_circle_are_the_minutes_outside(found: list[Span]) -> None:
    left = circle_gaps(found, CIRCLE)
    assert minutes(left, CIRCLE) == set(range(CIRCLE)) - minutes(found, CIRCLE)
    assert all(0 <= start < CIRCLE and 0 < end - start <= CIRCLE for start, end in left)
    assert sum(end - start for start, end in left) == CIRCLE - len(minutes(found, CIRCLE))


@given(spans, st.integers(-20, 60), st.integers(-20, 60))
def test_the_gaps_of_a_stretch_are_the_minutes_outside(found: list[Span], low: int, high: int) -> None:
    left = line_gaps(found, float(low), float(high))
    assert minutes(left) == set(range(low, high)) - minutes(found)
    assert all(low <= start < end <= high for start, end in left)
    assert all(before[1] < after[0] for before, after in pairwise(left))


# --- weekly windows -------------------------------------------------------------------------

windows = st.lists(
    st.builds(
        Window,
        period=st.just(Period()),
        days=st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True).map(tuple),
        opens=st.integers(0, 22).map(lambda hour: hour * 60),
        closes=st.just(0),
        unsettled=st.sampled_from(["", "", "not read"]),
    ).flatmap(
        lambda w: st.integers(w.opens // 60 + 1, 24).map(
            lambda hour: Window(w.period, w.days, w.opens, hour * 60, w.unsettled)
        )
    ),
    max_size=4,
).map(tuple)


def counted(table: tuple[Window, ...], opens: int, closes: int, *, unsettled: bool, eve: int | None) -> int:
    """Count the hours of an interval inside windows; `eve` is the day of the week that follows a holiday."""
    found = 0
    for hour in range(opens, closes):
        if eve is None:
            day, clock = hour // 24 % 7 + 1, hour % 24
        else:
            passed = hour - 168
            day, clock = (8, passed) if passed < 24 else ((eve + passed // 24 - 1) % 7 + 1, passed % 24)
        found += any(
            day in window.days and window.opens <= clock * 60 < window.closes
            for window in table
            if bool(window.unsettled) == unsettled
        )
    return found


@given(windows, st.integers(0, 167), st.integers(1, 200))
def test_an_interval_of_the_week_lies_inside_windows_as_its_hours_do(
    table: tuple[Window, ...], opens: int, length: int
) -> None:
    found = Windows(table)(opens * 60.0, (opens + length) * 60.0)
    if counted(table, opens, opens + length, unsettled=True, eve=None):
        assert found is None
    else:
        assert found == 60 * counted(table, opens, opens + length, unsettled=False, eve=None)


@given(windows, st.integers(0, 23), st.integers(1, 40))
def test_what_a_holiday_runs_into_is_known_only_where_every_day_agrees(
    table: tuple[Window, ...], opens: int, length: int
) -> None:
    start, end = 168 + opens, 168 + opens + length
    doubtful = any(counted(table, start, end, unsettled=True, eve=eve) for eve in range(1, 8))
    answers = {counted(table, start, end, unsettled=False, eve=eve) for eve in range(1, 8)}
    found = Windows(table)(start * 60.0, end * 60.0)
    assert found == (None if doubtful or len(answers) > 1 else 60 * answers.pop())


def test_an_interval_in_part_of_a_minute_is_measured_to_its_end() -> None:
    table = (Window(Period(), (1,), 0, 60),)
    assert Windows(table)(59.5, 60.25) == 0.5
    assert Windows(table)(7.0 * DAY - 0.5, 7.0 * DAY + 0.5) == 0.5
    assert Windows(table)(30.0, 30.0) == 0.0
    assert Windows(table)(30.0, 20.0) == 0.0
