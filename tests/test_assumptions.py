"""Assumptions: missing facts filled in aloud, by plan or user; findings name those that they rest on."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tiny import DAY, finding, findings, plan, policies, report, verdict, verdicts, write, write_policies

from jobplan import BrokenPlan, Policies, Report
from jobplan.cli import main

EACH = "{hours_each} h"
BROKEN = "verdict('row') = 'violated'"
TOPIC = {
    "parameters": {
        "longest": {"unit": "h", "values": [{"from": "2000-01-01", "value": 4}]},
        "weeks_due": {"unit": "week/year", "values": [{"from": "2000-01-01", "value": 42}]},
    },
    "columns": {
        "activity": {
            "same_place": {"count": "hours_each > 0", "of": "activity", "where": "place = this.place"},
        },
        "acting_up": {"days_off": {"count": "kind = 'sick_leave'", "of": "absence"}},
    },
    "measures": {"all_hours": {"sum": "hours_each", "of": "activity", "unit": "h"}},
    "relations": {
        "meeting": {"pairs": {"a": "activity", "b": "activity"}, "where": "a.weekday = b.weekday"}
    },
    "rules": [
        {"id": "row", "for_each": "activity", "requires": "hours_each <= longest", "message": EACH},
        {"id": "total", "for_each": "plan", "requires": "all_hours <= longest", "message": "{all_hours} h"},
        {"id": "weeks", "for_each": "plan", "requires": "weeks_a_year >= weeks_due"},
        {"id": "share", "for_each": "activity", "requires": "same_place <= 1"},
        {"id": "away", "for_each": "acting_up", "requires": "days_off <= 0"},
        {"id": "pair", "for_each": "meeting", "requires": "a.place = b.place"},
        {"id": "after-row", "for_each": "activity", "applies": BROKEN, "requires": "is_flexible"},
        {"id": "after-all", "for_each": "plan", "applies": BROKEN, "requires": "full_time"},
        {"id": "no-end", "for_each": "plan", "requires": "not none(until_on)"},
        {"id": "on-record", "for_each": "activity", "requires": "recorded(premium_agreed_on)"},
    ],
}


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies(tmp_path_factory.mktemp("terms"), TOPIC)


def assume(fact: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "value": value, "why": "everybody does so", **more}


HOURS = assume("activity.hours_each", 6)


def by_plan(terms: Policies, *assumed: dict[str, Any], **facts: Any) -> Report:
    return report(terms, plan(assumptions=list(assumed), **facts))


def by_user(terms: Policies, *assumed: dict[str, Any], **facts: Any) -> Report:
    return report(terms, plan(**facts), assumptions=assumed)


def named(found: Report, rule: str) -> dict[str | None, tuple[str, ...]]:
    return {item.subject: item.assumptions for item in findings(found, rule)}


# --- what they fill ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [by_plan, by_user])
def test_a_missing_fact_is_filled_in_every_row_that_lacks_it(terms: Policies, way: Any) -> None:
    rows = [{"id": "a"}, {"id": "b", "hours_each": 5}, {"id": "c", "hours_each": 3}]
    found = way(terms, HOURS, activity=rows)
    assert {f.subject: f.message.text for f in findings(found, "row")} == {"a": "6 h", "b": "5 h"}
    assert verdict(found, "total").verdict == "violated"
    assert finding(found, "total").message.text == "14 h"


@pytest.mark.parametrize("way", [by_plan, by_user])
def test_without_it_nothing_is_taken_for_granted(terms: Policies, way: Any) -> None:
    found = way(terms, activity=[{"id": "a"}])
    assert verdicts(found)["row"] == verdicts(found)["total"] == verdicts(found)["weeks"] == "unknown"
    assert found.assumptions == ()


@pytest.mark.parametrize("way", [by_plan, by_user])
def test_one_row_alone_is_filled_where_it_is_named(terms: Policies, way: Any) -> None:
    found = way(terms, {**HOURS, "row": "b"}, activity=[{"id": "a"}, {"id": "b"}])
    row = verdict(found, "row")
    assert row.counts == {"unknown": 1, "violated": 1}
    assert [f.subject for f in findings(found, "row")] == ["b", "a"]


def test_a_fact_of_the_plan_is_filled(terms: Policies) -> None:
    assert verdicts(by_plan(terms, assume("plan.weeks_a_year", 42)))["weeks"] == "satisfied"
    assert verdicts(by_plan(terms, assume("plan.weeks_a_year", 41)))["weeks"] == "violated"


@pytest.mark.parametrize(
    "row",
    [
        {"hours_each": 3},
        {"hours_each": {"either": [3, 5]}},
        {"hours_each": {"range": [3, 5]}},
    ],
)
@pytest.mark.parametrize("way", [by_plan, by_user])
def test_a_value_or_a_conflict_stays(terms: Policies, way: Any, row: dict[str, Any]) -> None:
    bare = report(terms, plan(activity=[{"id": "a", **row}]))
    found = way(terms, HOURS, activity=[{"id": "a", **row}])
    assert verdicts(found) == verdicts(bare)
    assert not any(item.assumptions for item in found.findings)


def test_a_stated_none_stays(terms: Policies) -> None:
    bare = report(terms, plan(until_on="none"))
    assert verdicts(bare)["no-end"] == "violated"
    found = by_plan(terms, assume("plan.until_on", "2025-05-31"), until_on="none")
    assert verdicts(found)["no-end"] == "violated"


def test_what_the_source_does_not_carry_or_cannot_be_read_is_filled(terms: Policies) -> None:
    source = {"system": "sheet", "carries": {"activity": ["title"]}}
    assert finding(by_plan(terms, HOURS, source=source, activity=[{"id": "a"}]), "row").message.text == "6 h"
    unread = [{"id": "a", "unreadable": {"hours_each": "six?"}}]
    assert finding(by_plan(terms, HOURS, activity=unread), "row").message.text == "6 h"


def test_what_is_assumed_counts_as_being_on_record_and_is_named(terms: Policies) -> None:
    found = by_plan(terms, assume("activity.premium_agreed_on", "2024-01-01"), activity=[{"id": "a"}])
    assert verdicts(found)["on-record"] == "satisfied"


def test_an_absent_list_is_not_filled(terms: Policies) -> None:
    assert verdicts(by_plan(terms, HOURS))["row"] == "unknown"


# --- none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [by_plan, by_user])
def test_none_may_be_assumed_where_it_may_be_stated(terms: Policies, way: Any) -> None:
    found = way(terms, assume("plan.until_on", "none"))
    assert verdicts(found)["no-end"] == "violated"
    assert finding(found, "no-end").assumptions == ("plan.until_on",)


@pytest.mark.parametrize("way", [by_plan, by_user])
def test_none_may_not_be_assumed_of_what_cannot_be_none(terms: Policies, way: Any) -> None:
    with pytest.raises(BrokenPlan, match="expected a number, found `none`"):
        way(terms, assume("activity.hours_each", "none"), activity=[{"id": "a"}])


# --- who goes first ------------------------------------------------------------------------------


def test_the_plans_own_assumption_goes_before_the_users(terms: Policies) -> None:
    data = plan(activity=[{"id": "a"}], assumptions=[assume("activity.hours_each", 5)])
    found = report(terms, data, assumptions=[HOURS])
    assert finding(found, "row").message.text == "5 h"


@pytest.mark.parametrize("order", [1, -1])
def test_one_for_a_row_goes_before_one_for_all(terms: Policies, order: int) -> None:
    both = [HOURS, assume("activity.hours_each", 5, row="a")][::order]
    found = by_plan(terms, *both, activity=[{"id": "a"}, {"id": "b"}])
    assert {f.subject: f.message.text for f in findings(found, "row")} == {"a": "5 h", "b": "6 h"}


# --- what is wrong with them ---------------------------------------------------------------------


@pytest.mark.parametrize("way", [by_plan, by_user])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fact": "activity.hour_each"}, "no fact `activity.hour_each`"),
        ({"fact": "hours_each"}, "no fact `hours_each`"),
        ({"value": "six"}, "expected a number, found `six`"),
        ({"value": True}, "expected a number, found `true`"),
    ],
)
def test_what_is_no_fact_or_value_is_refused(
    terms: Policies, way: Any, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(BrokenPlan) as broken:
        way(terms, {**HOURS, **change}, activity=[{"id": "a"}])
    assert said in str(broken.value)


def test_the_plan_cannot_assume_for_a_row_that_it_has_not(terms: Policies) -> None:
    with pytest.raises(BrokenPlan, match="no row `z` in `activity`"):
        by_plan(terms, {**HOURS, "row": "z"}, activity=[{"id": "a"}])


@pytest.mark.parametrize("key", ["fact", "value", "why"])
def test_a_plan_says_fact_value_and_why(terms: Policies, key: str) -> None:
    with pytest.raises(BrokenPlan, match=f"`{key}`"):
        by_plan(terms, {name: value for name, value in HOURS.items() if name != key})


# --- where they are named ------------------------------------------------------------------------


def test_a_finding_names_the_assumption_of_its_own_row_only(terms: Policies) -> None:
    found = by_plan(terms, HOURS, activity=[{"id": "a"}, {"id": "b", "hours_each": 5}])
    assert named(found, "row") == {"a": ("activity.hours_each",), "b": ()}


def test_a_sum_names_the_assumptions_of_its_rows(terms: Policies) -> None:
    rows = [{"id": "a"}, {"id": "b", "hours_each": 5}]
    assert named(by_plan(terms, HOURS, activity=rows), "total") == {None: ("activity.hours_each",)}
    assert named(by_plan(terms, HOURS, activity=[rows[1]]), "total") == {None: ()}


def test_a_row_that_looks_at_its_like_names_what_is_assumed_of_them(terms: Policies) -> None:
    rows = [{"id": "a", "place": "x", "hours_each": 1}, {"id": "b", "place": "x"}]
    found = named(by_plan(terms, HOURS, activity=rows), "share")
    assert found == {"a": ("activity.hours_each",), "b": ("activity.hours_each",)}


def test_a_row_names_what_is_assumed_of_its_children(terms: Policies) -> None:
    rows = [{"id": "x", "starts_on": "2024-01-01", "absence": [{"id": "s"}]}]
    found = by_plan(terms, assume("absence.kind", "sick_leave"), acting_up=rows)
    assert named(found, "away") == {"x": ("absence.kind",)}


def test_a_pair_names_what_is_assumed_of_either_row(terms: Policies) -> None:
    rows = [{"id": "a", "weekday": "monday", "place": "x"}, {"id": "b", "weekday": "monday"}]
    found = by_plan(terms, assume("activity.place", "y"), activity=rows)
    assert named(found, "pair") == {"a+b": ("activity.place",)}


def test_a_rule_that_rests_on_a_rule_names_what_that_rests_on(terms: Policies) -> None:
    found = by_plan(terms, HOURS, full_time=False, activity=[{"id": "a", "is_flexible": False}])
    assert named(found, "after-row") == {"a": ("activity.hours_each",)}
    assert named(found, "after-all") == {None: ("activity.hours_each",)}


def test_a_gap_names_the_assumptions_that_it_rests_on(terms: Policies) -> None:
    rows = [{"id": "a"}, {"id": "b", "hours_each": {"either": [3, 5]}}]
    found = by_plan(terms, {**HOURS, "row": "a"}, activity=rows)
    assert named(found, "total") == {None: ("activity.hours_each@a",)}
    assert (finding(found, "total").verdict, verdict(found, "row").counts) == (
        "unknown",
        {"unknown": 1, "violated": 1},
    )


def test_a_gap_of_several_rows_names_the_assumptions_of_all(terms: Policies) -> None:
    found = by_plan(terms, {**HOURS, "row": "a"}, activity=[{"id": "a"}, {"id": "b", "hours_each": 5}])
    assert (finding(found, "after-row").subjects, named(found, "after-row")) == (
        2,
        {None: ("activity.hours_each@a",)},
    )


def test_an_id_of_its_own_is_the_name(terms: Policies) -> None:
    found = by_plan(terms, {**HOURS, "id": "usual-day"}, activity=[{"id": "a"}])
    assert named(found, "row") == {"a": ("usual-day",)}
    (evidence,) = [item for item in finding(found, "row").evidence if item.name == "hours_each"]
    assert (evidence.assumed, evidence.shown, evidence.place) == ("usual-day", "6", "")


def test_the_report_lists_them_with_who_assumed_and_why(terms: Policies) -> None:
    data = plan(activity=[{"id": "a"}], assumptions=[{**HOURS, "row": "a"}])
    found = report(terms, data, assumptions=[assume("plan.until_on", "none", why="as always")])
    assert [dict(item) for item in found.assumptions] == [
        {
            "id": "activity.hours_each@a",
            "fact": "activity.hours_each",
            "row": "a",
            "value": 6,
            "why": "everybody does so",
            "by": "plan",
        },
        {
            "id": "plan.until_on",
            "fact": "plan.until_on",
            "row": "",
            "value": "none",
            "why": "as always",
            "by": "user",
        },
    ]


def test_neither_the_plan_nor_its_digest_is_changed(terms: Policies) -> None:
    data = plan(activity=[{"id": "a"}])
    before = deepcopy(data)
    digest = report(terms, data).digest
    assert report(terms, data, assumptions=[HOURS]).digest == digest
    assert data == before


# --- on the command line -------------------------------------------------------------------------


def run(folder: Path, *options: str, **facts: Any) -> Result:
    write_policies(folder / "policies", TOPIC)
    path = write(folder / "plan.json", plan(**facts))
    arguments = ["check", str(path), "--policies", str(folder / "policies"), "--today", DAY]
    return CliRunner().invoke(main, [*arguments, "--engine", "reference", *options])


def test_assume_fills_a_fact_and_the_text_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "--assume", "activity.hours_each=6", "--rule", "row", activity=[{"id": "a"}])
    assert done.exit_code == 1
    assert "6 h" in done.stdout
    assert "rests on the assumption activity.hours_each" in done.stdout


@pytest.mark.parametrize(
    ("option", "rule", "exit_code"),
    [
        ("plan.weeks_a_year=42", "weeks", 0),
        ("plan.weeks_a_year=41.5", "weeks", 1),
        ("plan.until_on=none", "no-end", 1),
        ("plan.until_on=2025-05-31", "no-end", 0),
    ],
)
def test_assume_reads_numbers_days_and_none(
    tmp_path: Path, option: str, rule: str, exit_code: int
) -> None:
    done = run(tmp_path, "--assume", option, "--rule", rule, activity=[{"id": "a"}])
    assert done.exit_code == exit_code, done.output


@pytest.mark.parametrize(
    "option", ["activity.hours_each", "hours=1", "activity.hours_each=six", "plan.weeks_a_year=1e999"]
)
def test_assume_refuses_what_is_no_assumption(tmp_path: Path, option: str) -> None:
    done = run(tmp_path, "--assume", option, activity=[{"id": "a"}])
    assert done.exit_code in (2, 3)
    assert not done.stdout
    assert isinstance(done.exception, SystemExit)
