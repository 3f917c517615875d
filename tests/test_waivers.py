"""Waivers: recorded agreements that lift a rule, for one row or all, until a day."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny import (
    DAY,
    finding,
    findings,
    plan,
    policies,
    report,
    verdict,
    verdicts,
    write,
    write_overlay,
    write_policies,
)

from jobplan import BrokenPlan, Evaluator, Policies, Report, check
from jobplan.cli import main
from jobplan.findings.model import WaiverEffect
from jobplan.reports import RENDERERS, Style
from jobplan.reports.json import report_data

SHORT = {
    "id": "short",
    "for_each": "activity",
    "requires": "hours_each <= 4",
    "message": "{title} lasts {hours_each} h",
    "waivable": "by_doctor",
}
RULES = [
    SHORT,
    {**SHORT, "id": "short-by-both", "waivable": "by_both"},
    {**SHORT, "id": "short-by-agreement", "waivable": "by_local_agreement"},
    {**SHORT, "id": "short-for-ever", "waivable": "never"},
    {**SHORT, "id": "short-by-statute", "waivable": "by_doctor", "force": "statute"},
    {
        "id": "follows",
        "for_each": "activity",
        "applies": "verdict('short') = 'violated'",
        "requires": "is_flexible",
    },
    {
        "id": "enough",
        "for_each": "plan",
        "requires": "spa_total >= 1.5",
        "message": "{spa_total} h",
        "waivable": "by_both",
    },
]
TOPIC = {
    "measures": {
        "spa_total": {
            "sum": "hours_each",
            "of": "activity",
            "where": "category = 'SPA'",
            "unit": "h",
            "as_stated": "working_hours_recorded",
        }
    },
    "rules": RULES,
}
ROWS = [
    {"id": "list", "title": "List", "hours_each": 5, "category": "DCC", "is_flexible": False},
    {"id": "round", "title": "Round", "hours_each": 6, "category": "DCC", "is_flexible": True},
    {"id": "clinic", "title": "Clinic", "hours_each": 4, "category": "SPA"},
]
GOOD = {
    "rule": "short",
    "row": "all",
    "reason": "It suits both",
    "agreed_by": ["doctor"],
    "until": "2024-06-02",
}


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies(tmp_path_factory.mktemp("terms"), TOPIC)


def lifted(terms: Policies, *waivers: dict[str, Any], rows: Any = ROWS, **options: Any) -> Report:
    facts = {} if rows is None else {"activity": rows}
    return report(terms, plan(**facts, waivers=list(waivers)), **options)


def waived(found: Report, rule: str) -> list[str | None]:
    return [finding.subject for finding in findings(found, rule) if finding.waived]


def only(found: Report) -> WaiverEffect:
    (effect,) = found.waivers
    return effect


# --- what is lifted ------------------------------------------------------------------------------


def test_for_all_rows_every_violated_row_is_lifted(terms: Policies) -> None:
    found = lifted(terms, GOOD)
    assert waived(found, "short") == ["list", "round"]
    assert set(only(found).lifts) == {finding.key for finding in findings(found, "short")}
    assert only(found).without_effect == ""


def test_a_waiver_that_names_no_row_lifts_none(terms: Policies) -> None:
    found = lifted(terms, {key: value for key, value in GOOD.items() if key != "row"})
    assert waived(found, "short") == []
    assert only(found).without_effect == "it does not say row"


def test_a_waiver_counts_from_the_day_on_which_it_was_agreed(terms: Policies) -> None:
    found = lifted(terms, {**GOOD, "agreed_on": "2099-01-01"})
    assert waived(found, "short") == []
    assert only(found).without_effect == "it is agreed only on 2099-01-01"


def test_a_waiver_of_one_row_leaves_the_others(terms: Policies) -> None:
    found = lifted(terms, {**GOOD, "row": "round"})
    assert waived(found, "short") == ["round"]
    assert [f.subject for f in findings(found, "short") if not f.waived] == ["list"]
    assert verdict(found, "short").waived is False


def test_two_waivers_lift_two_rows(terms: Policies) -> None:
    found = lifted(terms, {**GOOD, "row": "round"}, {**GOOD, "row": "list", "reason": "Another"})
    assert waived(found, "short") == ["list", "round"]
    assert [len(effect.lifts) for effect in found.waivers] == [1, 1]
    assert verdict(found, "short").waived is True


def test_other_rules_are_not_touched(terms: Policies) -> None:
    found = lifted(terms, GOOD)
    assert {f.rule for f in found.findings if f.waived} == {"short"}
    assert {f.rule for f in found.findings if not f.waived} >= {"short-by-both", "short-for-ever", "follows"}


def test_the_mark_says_reason_parties_end_and_origin(terms: Policies) -> None:
    (first, _) = findings(lifted(terms, GOOD), "short")
    assert first.waived == "It suits both (agreed by doctor, until 2024-06-02; the plan)"
    (first, _) = findings(lifted(terms, {**GOOD, "until": "none"}), "short")
    assert first.waived == "It suits both (agreed by doctor; the plan)"


def test_the_finding_stays_as_it_was_but_for_the_mark(terms: Policies) -> None:
    bare, marked = lifted(terms), lifted(terms, GOOD)
    for before, after in zip(bare.findings, marked.findings, strict=True):
        assert (before.key, before.verdict, before.severity, before.message, before.citations) == (
            after.key,
            after.verdict,
            after.severity,
            after.message,
            after.citations,
        )


def test_an_unknown_verdict_is_lifted_too(terms: Policies) -> None:
    rows = [{"id": "list", "title": "List"}]
    found = lifted(terms, GOOD, rows=rows)
    assert (verdict(found, "short").verdict, verdict(found, "short").waived) == ("unknown", True)
    assert finding(found, "short").waived
    assert only(found).lifts == (finding(found, "short").key,)


def test_a_waiver_of_one_of_several_unknown_rows_leaves_a_gap_for_the_others(terms: Policies) -> None:
    rows = [{"id": "list"}, {"id": "round"}, {"id": "ward"}]
    found = lifted(terms, {**GOOD, "row": "round"}, rows=rows)
    parts = {f.subject: (f.subjects, bool(f.waived)) for f in findings(found, "short")}
    assert parts == {"round": (1, True), None: (2, False)}
    assert {r.row for f in findings(found, "short") if not f.waived for r in f.reasons} == {"list", "ward"}
    assert only(found).without_effect == ""
    assert verdict(found, "short").waived is False


def test_unknown_rows_make_one_gap_where_the_waiver_has_no_effect(terms: Policies) -> None:
    rows = [{"id": "list"}, {"id": "round"}]
    found = lifted(terms, {**GOOD, "row": "round", "until": DAY}, rows=rows)
    assert finding(found, "short").subjects == 2


def test_a_rule_on_the_plan_is_lifted_without_naming_a_row(terms: Policies) -> None:
    both = {**GOOD, "rule": "enough", "agreed_by": ["doctor", "employer"]}
    found = lifted(terms, both, rows=[{"id": "clinic", "category": "SPA", "hours_each": 1}])
    assert finding(found, "enough").waived
    assert only(found).lifts == (finding(found, "enough").key,)


def test_rows_that_an_absent_list_may_hold_are_lifted_with_all(terms: Policies) -> None:
    found = lifted(terms, GOOD, rows=None)
    assert finding(found, "short").waived
    assert verdict(found, "short").waived is True


# --- what has no effect, and is told -------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"until": DAY}, "it ended on 2024-06-01"),
        ({"until": "2023-12-31"}, "it ended on 2023-12-31"),
        ({"until": None}, "it does not say until"),
        ({"reason": None}, "it does not say reason"),
        ({"agreed_by": None}, "it does not say agreed by"),
        ({"agreed_by": []}, "it does not say agreed by"),
        ({"reason": None, "agreed_by": None}, "it does not say reason and agreed by"),
        ({"rule": "shorter"}, "no rule `shorter` is in force"),
        ({"rule": "short-for-ever"}, "no agreement can lift this rule"),
        ({"rule": "short-by-statute"}, "no agreement can lift this rule"),
        ({"agreed_by": ["employer"]}, "it takes the agreement of doctor, not employer"),
        ({"rule": "short-by-both"}, "it takes the agreement of doctor and employer, not doctor"),
        (
            {"rule": "short-by-agreement", "agreed_by": ["employer"]},
            "it takes the agreement of local agreement or doctor and employer, not employer",
        ),
        ({"row": "clinic"}, "there is nothing to lift"),
        ({"row": "no-such-row"}, "there is nothing to lift"),
    ],
)
def test_a_waiver_without_effect_says_why(terms: Policies, change: dict[str, Any], why: str) -> None:
    data = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    found = lifted(terms, data)
    assert (only(found).without_effect, only(found).lifts) == (why, ())
    assert not [f for f in found.findings if f.waived]
    assert not any(v.waived for v in found.verdicts)


@pytest.mark.parametrize(
    ("rule", "parties"),
    [
        ("short", ["doctor"]),
        ("short", ["employer", "doctor"]),
        ("short-by-both", ["employer", "doctor"]),
        ("short-by-agreement", ["local_agreement"]),
        ("short-by-agreement", ["doctor", "employer"]),
    ],
)
def test_a_rule_is_lifted_by_those_whom_it_names(terms: Policies, rule: str, parties: list[str]) -> None:
    assert waived(lifted(terms, {**GOOD, "rule": rule, "agreed_by": parties}), rule) == ["list", "round"]


@pytest.mark.parametrize(
    ("today", "rows"), [("2024-06-01", ["list", "round"]), ("2024-06-02", []), ("2031-01-01", [])]
)
def test_a_waiver_holds_up_to_the_day_before_its_end(terms: Policies, today: str, rows: list[str]) -> None:
    found = lifted(terms, GOOD, today=today)
    assert waived(found, "short") == rows
    assert found.today == today


def test_the_end_is_measured_by_today_and_not_by_the_day_of_the_plan(terms: Policies) -> None:
    assert waived(lifted(terms, GOOD, as_of="2025-01-01"), "short")


def test_a_waiver_of_a_rule_that_has_nothing_to_lift_is_told(terms: Policies) -> None:
    found = lifted(terms, GOOD, rows=[ROWS[2]])
    assert only(found).without_effect == "there is nothing to lift"


def test_a_waiver_that_says_no_rule_is_no_plan(terms: Policies) -> None:
    with pytest.raises(BrokenPlan, match="`rule`"):
        lifted(terms, {"reason": "It suits", "agreed_by": ["doctor"], "until": "none"})


# --- what a waiver does not change ---------------------------------------------------------------


def test_verdicts_and_what_rests_on_them_stay(terms: Policies) -> None:
    assert verdicts(lifted(terms, GOOD)) == verdicts(lifted(terms))
    assert finding(lifted(terms, GOOD), "follows").subject == "list"
    assert verdict(lifted(terms, GOOD), "short").verdict == "violated"


def test_what_the_plan_states_itself_is_judged_as_before(terms: Policies) -> None:
    both = {**GOOD, "rule": "enough", "agreed_by": ["doctor", "employer"]}
    facts = plan(working_hours_recorded=1, waivers=[both])
    found = report(terms, facts)
    assert (verdict(found, "enough").verdict, verdict(found, "enough").as_stated) == ("unknown", "violated")
    assert (finding(found, "enough").as_stated, bool(finding(found, "enough").waived)) == ("violated", True)


# --- groups of plans -----------------------------------------------------------------------------


GROUP = {
    "rule": "short-by-agreement",
    "plans": "specialty = 'emergency medicine' and contracted_units > 5",
    "reason": "Shifts are long",
    "agreed_by": ["local_agreement"],
    "until": "2024-06-02",
}
MEMBER = {"specialty": "emergency medicine", "contracted_units": 10}


def in_group(folder: Path, change: dict[str, Any], facts: dict[str, Any], **options: Any) -> Report:
    data = {key: value for key, value in {**GROUP, **change}.items() if value is not None}
    terms = policies(folder, TOPIC, overlays=[write_overlay(folder, waivers=[data])])
    return report(terms, plan(activity=ROWS, **facts), **options)


def test_a_plan_of_the_group_is_lifted(tmp_path: Path) -> None:
    found = in_group(tmp_path, {}, MEMBER)
    assert waived(found, "short-by-agreement") == ["list", "round"]
    assert only(found).origin == "overlay trust"
    words = "Shifts are long (agreed by local agreement, until 2024-06-02; overlay trust)"
    assert findings(found, "short-by-agreement")[0].waived == words


def test_a_plan_outside_the_group_is_not_and_nothing_is_told(tmp_path: Path) -> None:
    found = in_group(tmp_path, {}, {**MEMBER, "contracted_units": 4})
    assert not waived(found, "short-by-agreement")
    assert found.waivers == ()


def test_a_plan_of_which_it_is_not_known_is_not_and_that_is_told(tmp_path: Path) -> None:
    found = in_group(tmp_path, {}, {"specialty": "emergency medicine"})
    assert not waived(found, "short-by-agreement")
    assert only(found).without_effect == (
        "it is not known whether the plan belongs to the group: `contracted_units` is left blank"
    )


def test_without_a_condition_it_is_for_every_plan(tmp_path: Path) -> None:
    assert waived(in_group(tmp_path, {"plans": None}, {}), "short-by-agreement") == ["list", "round"]


def test_it_ends_with_its_day(tmp_path: Path) -> None:
    found = in_group(tmp_path, {}, MEMBER, today="2024-06-02")
    assert only(found).without_effect == "it ended on 2024-06-02"


def test_it_cannot_lift_what_may_not_be_lifted(tmp_path: Path) -> None:
    found = in_group(tmp_path, {"rule": "short-for-ever"}, MEMBER)
    assert only(found).without_effect == "no agreement can lift this rule"
    assert not waived(found, "short-for-ever")


def test_the_condition_may_ask_for_measures(tmp_path: Path) -> None:
    assert waived(in_group(tmp_path, {"plans": "spa_total < 5"}, {}), "short-by-agreement")
    assert not waived(in_group(tmp_path / "b", {"plans": "spa_total > 5"}, {}), "short-by-agreement")


# --- how they are shown --------------------------------------------------------------------------


def printed(found: Report) -> str:
    out = io.StringIO()
    RENDERERS["text"]([found], out, Style())
    return out.getvalue()


def test_text_shows_what_is_lifted_and_what_is_not(terms: Policies) -> None:
    text = printed(lifted(terms, {**GOOD, "row": "round"}, {**GOOD, "rule": "short-for-ever"}))
    assert text.count("waived: It suits both") == 1
    assert "waiver of short-for-ever (the plan) has no effect: no agreement can lift this rule" in text
    assert "; 1 waived" in text


def test_json_shows_every_waiver_and_what_came_of_it(terms: Policies) -> None:
    data = report_data(lifted(terms, {**GOOD, "row": "round"}, {**GOOD, "rule": "short-for-ever"}))
    json.dumps(data)
    marked = [finding for finding in data["findings"] if finding["waived"]]
    assert [(f["rule"], f["subject"]) for f in marked] == [("short", "round")]
    assert data["waivers"] == [
        {
            "rule": "short",
            "row": "round",
            "reason": "It suits both",
            "agreed_by": ["doctor"],
            "until": "2024-06-02",
            "origin": "the plan",
            "lifts": [marked[0]["key"]],
            "without_effect": "",
        },
        {
            "rule": "short-for-ever",
            "row": "all",
            "reason": "It suits both",
            "agreed_by": ["doctor"],
            "until": "2024-06-02",
            "origin": "the plan",
            "lifts": [],
            "without_effect": "no agreement can lift this rule",
        },
    ]


def run(folder: Path, rule: str, waivers: list[dict[str, Any]], *options: str) -> int:
    write_policies(folder / "policies", {"rules": [SHORT]})
    path = write(folder / "plan.json", plan(activity=ROWS, waivers=waivers))
    arguments = ["check", str(path), "--policies", str(folder / "policies"), "--today", DAY, "--rule", rule]
    return CliRunner().invoke(main, [*arguments, "--engine", "reference", *options]).exit_code


def test_the_exit_code_passes_over_what_is_waived(tmp_path: Path) -> None:
    assert run(tmp_path / "a", "short", []) == 1
    assert run(tmp_path / "b", "short", [GOOD]) == 0
    assert run(tmp_path / "c", "short", [{**GOOD, "row": "list"}]) == 1
    assert run(tmp_path / "d", "short", [GOOD], "--fail-on", "breach") == 0
    assert run(tmp_path / "e", "short", [{**GOOD, "until": DAY}]) == 1


def test_both_back_ends_lift_the_same(terms: Policies) -> None:
    data = plan(activity=ROWS, waivers=[GOOD])
    ours = check(data, evaluator=Evaluator(terms, "reference"), today=DAY)
    usual = check(data, evaluator=Evaluator(terms), today=DAY)
    assert (ours.findings, ours.waivers) == (usual.findings, usual.waivers)
