"""Attestations: recorded statements for what no computer can decide; the newest one valid today counts."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from tiny import DAY, finding, plan, policies, report, verdicts

from jobplan import Policies, Report

ROOMS = "attested('rooms-are-fit')"
TOPIC = {
    "attests": {"rooms-are-fit": "the rooms are fit for the work", "team-agrees": "the team agrees"},
    "rules": [
        {"id": "rooms", "for_each": "plan", "requires": ROOMS},
        {"id": "team", "for_each": "plan", "applies": "attested('team-agrees')", "requires": "full_time"},
        {"id": "both", "for_each": "plan", "requires": " and ".join((ROOMS, "attested('team-agrees')"))},
        {"id": "shift", "for_each": "activity", "requires": f"is_flexible or {ROOMS}"},
    ],
}
FULL = {"about": "rooms-are-fit", "holds": True, "by": "manager", "stated_on": "2024-01-10", "until": "none"}


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies(tmp_path_factory.mktemp("terms"), TOPIC)


def stated(terms: Policies, *attestations: dict[str, Any], today: str = DAY, **facts: Any) -> Report:
    return report(terms, plan(attestations=list(attestations), **facts), today=today)


def rooms(terms: Policies, *attestations: dict[str, Any], today: str = DAY) -> str:
    return verdicts(stated(terms, *attestations, today=today))["rooms"]


def test_without_one_nothing_is_known(terms: Policies) -> None:
    assert rooms(terms) == "unknown"
    assert verdicts(report(terms, plan()))["rooms"] == "unknown"
    told = finding(stated(terms), "rooms")
    assert (told.severity, told.reasons[0].cause) == ("gap", "not_attested")
    why = "no valid attestation says whether the rooms are fit for the work"
    assert told.message.text == f"cannot be judged: {why}"


@pytest.mark.parametrize(("holds", "verdict"), [(True, "satisfied"), (False, "violated")])
def test_it_says_that_something_holds_or_that_it_does_not(terms: Policies, holds: Any, verdict: str) -> None:
    assert rooms(terms, {**FULL, "holds": holds}) == verdict


def test_it_counts_for_its_own_matter_only(terms: Policies) -> None:
    found = verdicts(stated(terms, FULL))
    assert (found["rooms"], found["team"], found["both"]) == ("satisfied", "unknown", "unknown")


def test_one_that_does_not_hold_decides_who_is_concerned(terms: Policies) -> None:
    other = {**FULL, "about": "team-agrees", "holds": False}
    assert verdicts(stated(terms, other))["team"] == "not_applicable"


def test_rows_are_judged_by_it_too(terms: Policies) -> None:
    rows = [{"id": "a", "is_flexible": True}, {"id": "b", "is_flexible": False}]
    assert verdicts(stated(terms, activity=rows))["shift"] == "unknown"
    assert verdicts(stated(terms, FULL, activity=rows))["shift"] == "satisfied"
    assert verdicts(stated(terms, {**FULL, "holds": False}, activity=rows))["shift"] == "violated"


# --- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "today", "verdict"),
    [
        ("2024-06-02", "2024-06-01", "satisfied"),
        ("2024-06-02", "2024-06-02", "unknown"),
        ("2024-06-02", "2031-01-01", "unknown"),
        ("none", "2031-01-01", "satisfied"),
    ],
)
def test_it_ends_on_its_last_day(terms: Policies, until: str, today: str, verdict: str) -> None:
    assert rooms(terms, {**FULL, "until": until}, today=today) == verdict


@pytest.mark.parametrize(("today", "verdict"), [("2024-01-09", "unknown"), ("2024-01-10", "satisfied")])
def test_one_of_a_later_day_does_not_count_yet(terms: Policies, today: str, verdict: str) -> None:
    assert rooms(terms, FULL, today=today) == verdict


@pytest.mark.parametrize("today", ["2024-01-09", "2024-01-10", "2024-03-01", "2024-04-01"])
def test_the_newest_that_is_valid_today_counts(terms: Policies, today: str) -> None:
    old = {**FULL, "stated_on": "2023-05-01"}
    new = {**FULL, "holds": False, "until": "2024-04-01"}
    expected = "violated" if "2024-01-10" <= today < "2024-04-01" else "satisfied"
    assert rooms(terms, old, new, today=today) == expected
    assert rooms(terms, new, old, today=today) == expected


def test_two_of_one_day_that_agree_count(terms: Policies) -> None:
    assert rooms(terms, FULL, {**FULL, "by": "doctor"}) == "satisfied"


def test_two_of_one_day_that_disagree_leave_it_unknown_in_either_order(terms: Policies) -> None:
    yes, no = FULL, {**FULL, "holds": False}
    assert [rooms(terms, *order) for order in permutations([yes, no])] == ["unknown", "unknown"]


# --- what is not all there -----------------------------------------------------------------------


@pytest.mark.parametrize("part", ["holds", "by", "stated_on", "until"])
def test_one_that_lacks_a_part_says_nothing(terms: Policies, part: str) -> None:
    assert rooms(terms, {key: value for key, value in FULL.items() if key != part}) == "unknown"


@pytest.mark.parametrize("part", ["holds", "by", "stated_on", "until"])
@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("until", ["none", "2024-03-01", "2030-01-01"])
def test_taking_a_part_away_decides_nothing(terms: Policies, part: str, holds: Any, until: str) -> None:
    """An older statement is not brought back, and an ended one does not come alive."""
    old = {**FULL, "stated_on": "2023-05-01", "holds": not holds}
    new = {**FULL, "holds": holds, "until": until}
    for whole in ([old, new], [new]):
        before = rooms(terms, *whole)
        for index, item in enumerate(whole):
            less = [*whole[:index], {k: v for k, v in item.items() if k != part}, *whole[index + 1 :]]
            assert rooms(terms, *less) in (before, "unknown")


def test_an_older_one_that_lacks_a_part_is_passed_over(terms: Policies) -> None:
    old = {"about": "rooms-are-fit", "stated_on": "2023-05-01", "by": "manager", "until": "none"}
    assert rooms(terms, old, FULL) == "satisfied"


def test_one_without_its_day_may_be_the_newest(terms: Policies) -> None:
    no_day = {key: value for key, value in FULL.items() if key != "stated_on"}
    assert [rooms(terms, *order) for order in permutations([no_day, FULL])] == ["unknown", "unknown"]


def test_what_no_policy_asks_for_changes_nothing(terms: Policies) -> None:
    assert verdicts(stated(terms, {**FULL, "about": "weather-is-fair"})) == verdicts(stated(terms))
