"""Findings: how grave, in which words, where, how well read, by which edition; gaps, keys and order."""

from __future__ import annotations

import io
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tiny import DAY, cite, finding, findings, plan, policies, report, verdict, verdicts, write

from jobplan import BrokenPlan, Evaluator, Policies, Report, check
from jobplan.model import SEVERITIES
from jobplan.reports import RENDERERS, Style
from jobplan.reports.json import report_data

BROKEN = {"id": "broken", "for_each": "plan", "requires": "full_time"}


def one_rule(folder: Path, rule: dict[str, Any], **parts: Any) -> Policies:
    return policies(folder, {**parts, "rules": [{**BROKEN, **rule}]})


def told(folder: Path, rule: dict[str, Any], data: Any = None, **parts: Any) -> Any:
    of = one_rule(folder, rule, **parts)
    return finding(report(of, data or plan(full_time=False)), "broken")


# --- how grave -----------------------------------------------------------------------------------


@pytest.mark.parametrize("force", ["contract", "statute"])
@pytest.mark.parametrize("kind", ["original", "summary", "restatement"])
@pytest.mark.parametrize("confidence", ["high", "medium"])
def test_what_the_law_says_and_was_read_is_a_breach(
    tmp_path: Path, force: str, kind: str, confidence: str
) -> None:
    cites = [cite(kind=kind, confidence=confidence)]
    assert told(tmp_path, {"force": force, "cites": cites}).severity == "breach"
    assert told(tmp_path / "must", {"force": force, "strength": "must", "cites": cites}).severity == "breach"


@pytest.mark.parametrize("force", ["contract", "statute"])
@pytest.mark.parametrize(
    "cites",
    [
        [cite(kind="recalled", confidence="high")],
        [cite(kind="recalled", confidence="low")],
        [cite(kind="restatement", confidence="low")],
        [cite(kind="original", confidence="low")],
    ],
)
def test_what_was_recalled_or_read_badly_is_a_query(tmp_path: Path, force: str, cites: Any) -> None:
    assert told(tmp_path, {"force": force, "cites": cites}).severity == "query"


@pytest.mark.parametrize("force", ["contract", "statute"])
@pytest.mark.parametrize("cites", [[cite()], [cite(kind="recalled")], [cite(confidence="low")]])
def test_what_the_law_says_normally_is_a_caution(tmp_path: Path, force: str, cites: Any) -> None:
    assert told(tmp_path, {"force": force, "strength": "normally", "cites": cites}).severity == "caution"


@pytest.mark.parametrize("strength", ["must", "normally"])
@pytest.mark.parametrize("cites", [[cite()], [cite(kind="recalled")]])
@pytest.mark.parametrize(
    ("force", "severity"),
    [
        ("agreed_guidance", "caution"),
        ("local", "caution"),
        ("recommendation", "advice"),
        ("information", "note"),
    ],
)
def test_other_forces_are_as_grave_as_they_are(
    tmp_path: Path, force: str, strength: str, cites: Any, severity: str
) -> None:
    rule = {"force": force, "strength": strength, "cites": cites}
    assert told(tmp_path, rule).severity == severity


# --- how well read -------------------------------------------------------------------------------


def assurance(found: Any) -> tuple[bool, str]:
    return found.assurance["read"], found.assurance["confidence"]


def test_of_several_citations_the_best_counts(tmp_path: Path) -> None:
    cites = [cite(kind="recalled", confidence="high"), cite(kind="restatement", confidence="medium")]
    found = told(tmp_path, {"cites": cites})
    assert (assurance(found), found.severity) == ((True, "medium"), "breach")
    assert len(found.citations) == 2


def limit(*cites: dict[str, Any]) -> dict[str, Any]:
    return {"limit": {"unit": "h", "values": [{"from": "2000-01-01", "value": 40}], "cites": list(cites)}}


def test_a_recalled_parameter_makes_a_query_of_a_rule_that_was_read(tmp_path: Path) -> None:
    rule = {"requires": "days <= limit"}
    measures = {"days": {"sum": "hours_each", "of": "activity", "unit": "h"}}
    data = plan(activity=[{"id": "a", "hours_each": 41}])
    firm = told(tmp_path / "a", rule, data, measures=measures, parameters=limit(cite()))
    weak = told(tmp_path / "b", rule, data, measures=measures, parameters=limit(cite(kind="recalled")))
    assert (firm.severity, assurance(firm)) == ("breach", (True, "high"))
    assert (weak.severity, assurance(weak)) == ("query", (False, "high"))


def test_a_parameter_behind_a_measure_behind_a_column_counts_too(tmp_path: Path) -> None:
    columns = {"activity": {"over": {"value": "hours_each - limit", "unit": "h"}}}
    measures = {"all_over": {"sum": "over", "of": "activity", "unit": "h"}}
    data = plan(activity=[{"id": "a", "hours_each": 41}])
    parts = {"columns": columns, "measures": measures, "parameters": limit(cite(confidence="low"))}
    found = told(tmp_path, {"requires": "all_over <= 0"}, data, **parts)
    assert (found.severity, assurance(found)) == ("query", (True, "low"))


def test_a_value_has_the_citation_of_its_own_day(tmp_path: Path) -> None:
    parameters = limit(cite())
    parameters["limit"]["values"].append(
        {"from": "2025-01-01", "value": 39, "cites": [cite("new", kind="recalled")]}
    )
    columns = {"activity": {"over": {"value": "hours_each - limit", "unit": "h"}}}
    of = one_rule(
        tmp_path,
        {"for_each": "activity", "requires": "over <= 0"},
        columns=columns,
        parameters=parameters,
    )
    data = plan(activity=[{"id": "a", "hours_each": 41}])
    old, new = (finding(report(of, data, as_of=day), "broken") for day in ("2024-12-31", "2025-01-01"))
    assert (old.severity, new.severity) == ("breach", "query")
    assert ["new" in [item.at for item in found.rests_on] for found in (old, new)] == [False, True]


def test_a_recalled_table_makes_a_query(tmp_path: Path) -> None:
    table = {
        "by": ["kind"],
        "gives": "n",
        "rows": [{"kind": "A", "n": 1}],
        "cites": [cite("table", kind="recalled")],
    }
    columns = {"on_call": {"due": {"lookup": "bands", "by": {"kind": "class"}}}}
    data = plan(on_call=[{"id": "a", "class": "A", "one_in": 2}])
    rule = {"for_each": "on_call", "requires": "one_in <= due"}
    found = told(tmp_path, rule, data, columns=columns, tables={"bands": table})
    assert (found.severity, assurance(found)) == ("query", (False, "high"))
    assert [item.at for item in found.rests_on] == ["table"]


def test_what_is_derived_is_read_as_far_as_what_it_derives_from(tmp_path: Path) -> None:
    derived = {"requires": "total <= limit", "cites": [cite(kind="derived")]}
    measures = {"total": {"sum": "hours_each", "of": "activity", "unit": "h"}}
    data = plan(activity=[{"id": "a", "hours_each": 41}])
    for kind, severity in (("restatement", "breach"), ("recalled", "query")):
        parts = {"measures": measures, "parameters": limit(cite(kind=kind))}
        assert told(tmp_path / kind, derived, data, **parts).severity == severity
    assert told(tmp_path / "a", {"cites": [cite(kind="derived")]}).severity == "breach"
    assert told(tmp_path / "b", {"cites": [cite(kind="derived", of="rumour")]}).severity == "query"


@pytest.mark.parametrize("for_each", ["activity", "plan"])
def test_a_rule_is_no_better_read_than_the_rules_it_rests_on(tmp_path: Path, for_each: str) -> None:
    first = {
        "id": "first",
        "for_each": "activity",
        "requires": "is_flexible",
        "cites": [cite("first", kind="recalled")],
    }
    second = {**BROKEN, "for_each": for_each, "applies": "verdict('first') = 'violated'"}
    of = policies(tmp_path, {"rules": [first, {**second, "requires": "full_time"}]})
    found = report(of, plan(full_time=False, activity=[{"id": "a", "is_flexible": False}]))
    assert (finding(found, "broken").severity, assurance(finding(found, "broken"))) == (
        "query",
        (False, "high"),
    )
    assert [item.at for item in finding(found, "broken").rests_on] == ["first"]


# --- gaps ----------------------------------------------------------------------------------------


def test_an_unknown_verdict_is_a_gap_and_keeps_what_a_violation_would_be(tmp_path: Path) -> None:
    for force, otherwise in (("contract", "breach"), ("recommendation", "advice"), ("local", "caution")):
        found = told(tmp_path / force, {"force": force}, plan())
        assert (found.verdict, found.severity, found.otherwise) == ("unknown", "gap", otherwise)
        assert found.message.text == "cannot be judged: `full_time` is left blank"
        assert found.remedy == "Give the facts that are missing."


def test_where_only_the_law_is_silent_it_is_open(tmp_path: Path) -> None:
    found = told(tmp_path, {"requires": "silent('who may say so')"}, plan())
    assert (found.severity, found.message.text) == ("open", "cannot be judged: who may say so")
    assert found.remedy == "Agree it locally and record the agreement."


def test_nought_has_no_sign_in_what_a_table_does_not_have(tmp_path: Path) -> None:
    table = {"by": ["size"], "gives": "n", "rows": [{"size": 7, "n": 1}], "cites": [cite()], "facts": ["T-2"]}
    looked_up = {"plan": {"n": {"lookup": "sizes", "by": {"size": "-contracted_units"}}}}
    parts = {"tables": {"sizes": table}, "columns": looked_up}
    found = told(tmp_path, {"requires": "n = 1"}, plan(contracted_units=0), **parts)
    assert found.message.text == "cannot be judged: no row of sizes fits size 0"


def test_where_a_fact_is_missing_too_it_is_a_gap(tmp_path: Path) -> None:
    found = told(tmp_path, {"requires": "full_time and silent('who may say so')"}, plan())
    assert (found.severity, {reason.kind for reason in found.reasons}) == ("gap", {"missing", "silent"})


def test_a_conflict_asks_which_value_holds(tmp_path: Path) -> None:
    found = told(tmp_path, {}, plan(full_time={"either": [True, False]}))
    assert found.message.text == "cannot be judged: `full_time` has several values (true or false)"
    assert found.remedy.startswith("Find out which value holds")


def test_a_rule_has_one_gap_with_all_its_reasons(tmp_path: Path) -> None:
    rows = [{"id": name} for name in ("a", "b", "c", "d")] + [{"id": "e", "is_flexible": True}]
    found = told(tmp_path, {"for_each": "activity", "requires": "is_flexible"}, plan(activity=rows))
    assert (found.subjects, found.subject, found.label) == (4, None, "")
    assert [(reason.row, reason.field, reason.cause) for reason in found.reasons] == [
        ("a", "is_flexible", "blank"),
        ("b", "is_flexible", "blank"),
        ("c", "is_flexible", "blank"),
        ("d", "is_flexible", "blank"),
    ]
    assert found.message.text.endswith("in activity a; b; c and 1 more")


def test_a_violated_row_and_an_unknown_one_are_two_findings(tmp_path: Path) -> None:
    rows = [{"id": "a", "is_flexible": False}, {"id": "b"}]
    of = one_rule(tmp_path, {"for_each": "activity", "requires": "is_flexible"})
    found = report(of, plan(activity=rows))
    both = [(f.verdict, f.subject) for f in findings(found, "broken")]
    assert both == [("violated", "a"), ("unknown", "b")]
    assert verdict(found, "broken").verdict == "violated"
    assert verdict(found, "broken").counts == {"unknown": 1, "violated": 1}


def test_rows_that_may_be_missing_are_one_subject_more(tmp_path: Path) -> None:
    of = one_rule(tmp_path, {"for_each": "activity", "requires": "is_flexible"})
    found = report(of, plan())
    assert finding(found, "broken").message.text == "cannot be judged: `activity` is not given"
    assert verdict(found, "broken").counts == {"unknown": 1}
    assert findings(report(of, plan(activity=[])), "broken") == []


def test_what_can_only_be_satisfied_is_no_finding(tmp_path: Path) -> None:
    of = one_rule(tmp_path, {"applies": "is_locum", "requires": "full_time"})
    assert verdicts(report(of, plan(full_time=True)))["broken"] == "unknown"
    assert findings(report(of, plan(full_time=True)), "broken") == []
    assert finding(report(of, plan(full_time=False)), "broken").severity == "gap"
    assert finding(report(of, plan(is_locum=True)), "broken").severity == "gap"


def test_of_several_rows_only_those_that_can_fail_are_in_the_gap(tmp_path: Path) -> None:
    rows = [{"id": "a", "is_flexible": True}, {"id": "b", "is_flexible": False}, {"id": "c"}]
    rule = {"for_each": "activity", "applies": "is_emergency", "requires": "is_flexible"}
    of = one_rule(tmp_path, rule)
    found = report(of, plan(activity=rows))
    assert finding(found, "broken").subjects == 2
    assert verdict(found, "broken").counts == {"unknown": 3}
    assert {reason.row for reason in finding(found, "broken").reasons} == {"b", "c"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan(), "is left blank"),
        (plan(source={"system": "s", "carries": {"plan": ["doctor"]}}), "is not carried by the source"),
        (plan(unreadable={"full_time": "yes?"}), "cannot be read (yes?)"),
    ],
)
def test_the_cause_is_told(tmp_path: Path, data: Any, words: str) -> None:
    assert told(tmp_path, {}, data).message.text == f"cannot be judged: `full_time` {words}"


def test_children_that_are_not_given_are_told_by_the_row_that_has_none(tmp_path: Path) -> None:
    """Two rows of two relations may have one id."""
    rule = {"for_each": "acting_up", "requires": "off <= 0"}
    columns = {"acting_up": {"off": {"count": "true", "of": "absence"}}}
    data = plan(
        activity=[{"id": "x", "title": "Clinic", "weekday": "monday"}],
        acting_up=[{"id": "x", "title": "For the director"}],
    )
    text = told(tmp_path, rule, data, columns=columns).message.text
    assert text == "cannot be judged: `absence` is not given for For the director"


# --- words ---------------------------------------------------------------------------------------


def said(folder: Path, row: dict[str, Any], message: str, **parts: Any) -> str:
    rule = {"for_each": "activity", "requires": "is_flexible", "message": message}
    data = plan(activity=[{"id": "a", "is_flexible": False, **row}])
    text: str = told(folder, rule, data, **parts).message.text
    return text


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("hours_each / 3", "h", "1.67"),
        ("hours_each * 2", "h", "10"),
        ("hours_each / 1000", "h", "0.01"),
        ("hours_each / 3000", "h", "0"),
        ("0 - hours_each / 3000", "h", "0"),
        ("hours_each * 0.2012", "h", "1.01"),
    ],
)
def test_what_is_worked_out_is_rounded_to_the_decimals_of_its_unit(
    tmp_path: Path, value: str, unit: str, shown: str
) -> None:
    columns = {"activity": {"part": {"value": value, "unit": unit}}}
    assert said(tmp_path, {"hours_each": 5}, "{part} h", columns=columns) == f"{shown} h"


def test_half_goes_up(tmp_path: Path) -> None:
    columns = {"activity": {"part": {"value": "unpaid_break_minutes / 2", "unit": "min"}}}
    for minutes, shown in ((1, "1"), (3, "2"), (5, "3")):
        row = {"unpaid_break_minutes": minutes}
        assert said(tmp_path / shown, row, "{part}", columns=columns) == shown


def test_a_measure_has_the_decimals_of_its_unit_and_a_bare_number_four(tmp_path: Path) -> None:
    measures = {
        "third": {"value": "total / 3", "unit": "unit/week"},
        "bare": {"value": "total / total / 3"},
        "total": {"sum": "claimed_units", "of": "activity", "unit": "unit/week"},
    }
    text = said(tmp_path, {"claimed_units": 1}, "{third} and {bare}", measures=measures)
    assert text == "0.333 and 0.3333"


def test_what_the_plan_states_is_quoted_as_it_stands(tmp_path: Path) -> None:
    assert said(tmp_path, {"claimed_units": 0.1455}, "{claimed_units} PA") == "0.1455 PA"
    assert said(tmp_path / "b", {"claimed_units": 2.0}, "{claimed_units} PA") == "2 PA"


@pytest.mark.parametrize(
    ("row", "name", "shown"),
    [
        ({"weekday": "friday"}, "weekday", "Friday"),
        ({"weekday": "public_holiday"}, "weekday", "Public holiday"),
        ({"starts": "07:05"}, "starts", "07:05"),
        ({"ends": "24:00"}, "ends", "24:00"),
        ({"agreed_on": "2024-02-29"}, "agreed_on", "2024-02-29"),
        ({"agreed_on": "none"}, "agreed_on", "none"),
        ({}, "agreed_on", "unknown"),
        ({"is_resident": True}, "is_resident", "yes"),
        ({"weeks": [1, 3]}, "weeks", "1, 3"),
        ({"title": "Clinic {x} 100 %"}, "title", "Clinic {x} 100 %"),
        ({"hours_each": {"either": [3, 5]}}, "hours_each", "unknown"),
    ],
)
def test_values_are_said_as_people_write_them(
    tmp_path: Path, row: dict[str, Any], name: str, shown: str
) -> None:
    assert said(tmp_path, row, f"<{{{name}}}>") == f"<{shown}>"


def test_the_message_keeps_key_and_values_beside_the_text(tmp_path: Path) -> None:
    rule = {"for_each": "activity", "requires": "is_flexible", "message": "{title} of {hours_each} h"}
    row = {"id": "a", "title": "Clinic", "hours_each": 4.5, "is_flexible": False}
    found = told(tmp_path, {**rule, "remedy": "Move {title}."}, plan(activity=[row]))
    assert found.message.key == "broken"
    assert dict(found.message.values) == {"title": "Clinic", "hours_each": "4.5"}
    assert found.message.text == "Clinic of 4.5 h"
    assert found.remedy == "Move Clinic."


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"title": "Clinic", "weekday": "monday"}, "Clinic, Monday"),
        ({"title": "Clinic"}, "Clinic"),
        ({"weekday": "monday"}, "a, Monday"),
        ({"title": "none", "weekday": "monday"}, "a, Monday"),
        ({}, "a"),
    ],
)
def test_a_row_is_called_by_its_title_and_day(tmp_path: Path, row: dict[str, Any], label: str) -> None:
    rule = {"for_each": "activity", "requires": "is_flexible"}
    data = plan(activity=[{"id": "a", "is_flexible": False, **row}])
    assert told(tmp_path, rule, data).label == label


def test_a_pair_is_called_by_both_rows_and_the_plan_by_nothing(tmp_path: Path) -> None:
    relations = {"clash": {"pairs": {"a": "activity", "b": "activity"}, "where": "a.weekday = b.weekday"}}
    rows = [{"id": id, "title": id.upper(), "weekday": "monday", "place": id} for id in "ba"]
    rule = {"for_each": "clash", "requires": "a.place = b.place", "message": "{a.title} and {b.title}"}
    found = told(tmp_path, rule, plan(activity=rows), relations=relations)
    assert (found.label, found.subject, found.message.text) == ("A, Monday and B, Monday", "a+b", "A and B")
    assert told(tmp_path / "b", {}).label == ""


# --- where ---------------------------------------------------------------------------------------

TEXT = """\
version: 1
id: p
nation: england
contract: tiny
from_on: 2024-06-01
full_time: false
activity:
  - {id: a, title: Clinic, hours_each: 5}
  - id: b
    title: Round
    hours_each: 6
    at: {file: plans.xlsx, sheet: doctor 7, row: 4, columns: {title: B, hours_each: E}}
  - id: c
    hours_each: 7
    at: {file: plans.xlsx, sheet: doctor 7, row: 5, column: F}
"""

PLACED = {
    "columns": {"activity": {"over": {"value": "hours_each - 4 * step", "unit": "h"}}},
    "parameters": {"step": {"unit": "h", "values": [{"from": "2000-01-01", "value": 1}]}},
    "rules": [
        BROKEN,
        {"id": "row", "for_each": "activity", "requires": "over <= 0", "message": "{title} {over}"},
    ],
}


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text(TEXT, encoding="utf-8")
    return report(policies(Path(), PLACED), "plan.yaml")


def test_a_finding_stands_at_its_row_in_the_file(placed: Report) -> None:
    assert finding(placed, "broken").place == "plan.yaml:1:1"
    assert [f.place for f in findings(placed, "row")] == ["plan.yaml:8:5", "plan.yaml:9:5", "plan.yaml:13:5"]
    assert placed.file == "plan.yaml"


def test_each_fact_of_the_evidence_has_its_place(placed: Report) -> None:
    places = {(e.row, e.name): e.place for f in placed.findings for e in f.evidence}
    assert places["p", "full_time"] == "plan.yaml:6:12"
    assert places["a", "hours_each"] == "plan.yaml:8:40"
    assert places["b", "hours_each"] == "plan.yaml:11:17"
    assert places["a", "over"] == ""


def test_each_imported_fact_has_file_sheet_row_and_column(placed: Report) -> None:
    sources = {(e.row, e.name): dict(e.source) for f in placed.findings for e in f.evidence}
    assert sources["a", "hours_each"] == {}
    assert sources["b", "hours_each"] == {"file": "plans.xlsx", "sheet": "doctor 7", "row": 4, "column": "E"}
    assert sources["c", "hours_each"] == {"file": "plans.xlsx", "sheet": "doctor 7", "row": 5, "column": "F"}


def test_the_text_names_the_cell_that_a_fact_came_from(placed: Report) -> None:
    out = io.StringIO()
    RENDERERS["text"]([placed], out, Style(evidence=True))
    line = "activity.hours_each = 6 h  plan.yaml:11:17  plans.xlsx, doctor 7, row 4, column E"
    assert line in out.getvalue()


def test_data_without_a_file_has_no_places(tmp_path: Path) -> None:
    found = report(policies(tmp_path, PLACED), plan(full_time=False, activity=[{"id": "a", "hours_each": 5}]))
    assert {item.place for f in found.findings for item in (f, *f.evidence)} == {""}


def test_the_evidence_holds_facts_columns_measures_and_parameters(tmp_path: Path) -> None:
    parts = {
        "parameters": {
            "most": {"title": "The most", "unit": "h", "values": [{"from": "2000-01-01", "value": 4}]}
        },
        "columns": {"activity": {"half": {"value": "hours_each / 2", "unit": "h"}}},
        "measures": {"total": {"sum": "half", "of": "activity", "unit": "h", "title": "In all"}},
    }
    rule = {"for_each": "activity", "requires": "half <= most and total <= most"}
    found = told(tmp_path, rule, plan(activity=[{"id": "a", "hours_each": 9}]), **parts)
    assert [(e.relation, e.row, e.name, e.shown, e.unit, e.title) for e in found.evidence][:3] == [
        ("activity", "a", "half", "4.5", "h", ""),
        ("", "", "most", "4", "h", "The most"),
        ("", "", "total", "4.5", "h", "In all"),
    ]
    assert [(e.name, e.shown) for e in found.evidence][3:] == [("hours_each", "9")]


# --- keys and order ------------------------------------------------------------------------------

MANY = {
    "rules": [
        {"id": "zeta", "for_each": "activity", "requires": "is_flexible", "force": "information"},
        {"id": "beta", "for_each": "activity", "requires": "is_flexible"},
        {"id": "alpha", "for_each": "activity", "requires": "is_flexible"},
        {"id": "gamma", "for_each": "plan", "requires": "full_time", "force": "recommendation"},
        {"id": "delta", "for_each": "plan", "requires": "is_locum"},
        {"id": "open", "for_each": "plan", "requires": "silent('x')"},
        {"id": "query", "for_each": "plan", "requires": "full_time", "cites": [cite(kind="recalled")]},
        {"id": "caution", "for_each": "plan", "requires": "full_time", "strength": "normally"},
    ]
}
ROWS: list[dict[str, Any]] = [
    {"id": "z", "is_flexible": False},
    {"id": "a", "is_flexible": False},
    {"title": "no id", "is_flexible": False},
    {"title": "another without", "is_flexible": False},
]


def test_findings_stand_by_severity_then_rule_then_row(tmp_path: Path) -> None:
    found = report(policies(tmp_path, MANY), plan(full_time=False, activity=ROWS[:2]))
    assert [(f.severity, f.rule, f.subject) for f in found.findings] == [
        ("breach", "beta", "z"),
        ("breach", "beta", "a"),
        ("breach", "alpha", "z"),
        ("breach", "alpha", "a"),
        ("query", "query", None),
        ("caution", "caution", None),
        ("advice", "gamma", None),
        ("note", "zeta", "z"),
        ("note", "zeta", "a"),
        ("gap", "delta", None),
        ("open", "open", None),
    ]
    assert [s for s in SEVERITIES if s in {f.severity for f in found.findings}] == list(SEVERITIES)


def test_keys_come_from_rule_plan_and_row_and_are_unique(tmp_path: Path) -> None:
    of = policies(tmp_path, MANY)
    data = plan(full_time=False, activity=ROWS)
    found = report(of, data)
    keys = [f.key for f in found.findings]
    assert len(set(keys)) == len(keys)
    other = report(of, {**data, "id": "q"})
    assert not set(keys) & {f.key for f in other.findings}
    more = deepcopy(data)
    more["activity"].insert(0, {"id": "new", "is_flexible": False})
    more["specialty"] = "surgery"
    assert set(keys) < {f.key for f in report(of, more).findings}


def test_keys_do_not_change_with_message_values_or_edition(tmp_path: Path) -> None:
    first = policies(tmp_path / "a", MANY)
    changed = deepcopy(MANY)
    for rule in changed["rules"]:
        rule["message"] = "other words"
    second = policies(tmp_path / "b", changed)
    data = plan(full_time=False, activity=ROWS)
    assert {f.key for f in report(first, data).findings} == {f.key for f in report(second, data).findings}
    later = report(first, data, as_of="2025-12-31")
    assert {f.key for f in later.findings} == {f.key for f in report(first, data).findings}


def test_a_key_is_pinned_so_that_no_release_changes_it(tmp_path: Path) -> None:
    found = report(policies(tmp_path, MANY), plan(full_time=False, activity=ROWS[:1]))
    assert finding(found, "beta").key == "dad996a8a8136400"
    assert finding(found, "gamma").key == "6d8a5a451e580c67"


def test_the_order_of_rows_changes_no_key_and_no_word(tmp_path: Path) -> None:
    of = policies(tmp_path, MANY)
    base = report(of, plan(full_time=False, activity=ROWS))
    for seed in range(5):
        rows = list(ROWS)
        random.Random(seed).shuffle(rows)
        found = report(of, plan(full_time=False, activity=rows))
        assert {f.key: f.message for f in found.findings} == {f.key: f.message for f in base.findings}


def test_the_same_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    data = plan(full_time=False, activity=ROWS)
    one = report_data(report(policies(tmp_path / "a", MANY), data))
    two = report_data(report(policies(tmp_path / "b", MANY), deepcopy(data)))
    assert one == two


# --- by which edition ----------------------------------------------------------------------------

DATED = {
    "parameters": {
        "most": {
            "unit": "h",
            "values": [{"from": "2000-01-01", "value": 4}, {"from": "2024-04-01", "value": 5}],
        }
    },
    "rules": [
        {"id": "short", "for_each": "activity", "requires": "hours_each <= most", "message": "{most}"},
        {**BROKEN, "id": "ended", "in_force": {"until": "2024-04-01"}},
        {**BROKEN, "id": "begun", "in_force": {"from": "2024-04-01"}},
        {
            "id": "old-step",
            "for_each": "plan",
            "requires": "full_time",
            "in_force": {"until": "2025-04-01", "by": "progression_on"},
        },
        {
            "id": "new-step",
            "for_each": "plan",
            "requires": "full_time",
            "in_force": {"from": "2025-04-01", "by": "progression_on"},
        },
    ],
}
LONG = {"full_time": False, "activity": [{"id": "a", "hours_each": 4.5}]}


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies(tmp_path_factory.mktemp("dated"), DATED)


@pytest.mark.parametrize(
    ("from_on", "rules"),
    [
        ("2024-03-31", {"short": "violated", "ended": "violated"}),
        ("2024-04-01", {"short": "satisfied", "begun": "violated"}),
    ],
)
def test_a_plan_is_judged_by_the_edition_of_its_own_day(
    dated: Policies, from_on: str, rules: dict[str, str]
) -> None:
    found = report(dated, plan(**{**LONG, "from_on": from_on}), today="2030-01-01")
    steps = {"old-step", "new-step"}
    assert {rule: said for rule, said in verdicts(found).items() if rule not in steps} == rules
    assert (found.judged_on, found.today) == (from_on, "2030-01-01")


def test_a_day_may_be_chosen_instead(dated: Policies) -> None:
    found = report(dated, plan(**LONG), as_of="2024-03-31")
    assert verdicts(found)["short"] == "violated"
    assert found.judged_on == "2024-03-31"


@pytest.mark.parametrize(
    ("progression_on", "old", "new"),
    [
        ("2025-03-31", "violated", "not_applicable"),
        ("2025-04-01", "not_applicable", "violated"),
        (None, "unknown", "unknown"),
    ],
)
@pytest.mark.parametrize("from_on", ["2010-01-01", "2024-06-01", "2025-12-01"])
def test_a_rule_dated_by_a_fact_stands_in_every_edition(
    dated: Policies, from_on: str, progression_on: str | None, old: str, new: str
) -> None:
    facts = {"progression_on": progression_on} if progression_on else {}
    found = verdicts(report(dated, plan(**{**LONG, "from_on": from_on}, **facts)))
    assert (found["old-step"], found["new-step"]) == (old, new)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("from_on", "no edition can be chosen"),
        ("nation", "no nation"),
        ("contract", "no contract"),
    ],
)
def test_without_day_nation_or_contract_a_plan_is_set_aside(dated: Policies, key: str, said: str) -> None:
    data = {name: value for name, value in plan(**LONG).items() if name != key}
    with pytest.raises(BrokenPlan) as broken:
        report(dated, data)
    assert said in str(broken.value)


def test_a_day_that_is_in_conflict_or_none_of_the_policies_chooses_nothing(dated: Policies) -> None:
    with pytest.raises(BrokenPlan, match="no edition can be chosen"):
        report(dated, plan(from_on={"either": ["2024-01-01", "2024-05-01"]}))
    with pytest.raises(BrokenPlan, match="there is no policy"):
        report(dated, plan(nation="wales"))


def test_a_day_chosen_serves_a_plan_without_one(dated: Policies) -> None:
    data = {name: value for name, value in plan(**LONG).items() if name != "from_on"}
    assert report(dated, data, as_of="2024-03-31").judged_on == "2024-03-31"


@pytest.mark.parametrize(
    ("from_on", "words"),
    [
        ("2026-01-01", None),
        ("2026-01-02", "were checked up to 2026-01-01"),
        ("2000-01-01", None),
    ],
)
def test_a_plan_outside_of_what_was_checked_gets_a_note(
    dated: Policies, from_on: str, words: str | None
) -> None:
    notes = report(dated, plan(**{**LONG, "from_on": from_on})).notes
    assert [words in note for note in notes if words] == ([True] if words else [])
    assert bool(notes) is bool(words)


def test_a_plan_from_before_the_policy_is_set_aside(dated: Policies) -> None:
    with pytest.raises(BrokenPlan, match="in force from 2000-01-01; 1999-12-31 is before that"):
        report(dated, plan(**{**LONG, "from_on": "1999-12-31"}))


def test_the_note_tells_what_the_policy_has_to_say_of_later_days(tmp_path: Path) -> None:
    of = policies(tmp_path, DATED, frame={"edition_note": "Ask whether the new deal changed this."})
    assert report(of, plan(**LONG)).notes == ()
    notes = report(of, plan(**{**LONG, "from_on": "2026-01-02"})).notes
    assert "Ask whether the new deal changed this." in notes[0]


def test_today_is_a_second_input(tmp_path: Path) -> None:
    of = one_rule(tmp_path, {"requires": "next_review_on >= today"})
    data = plan(next_review_on="2025-01-01")
    assert verdicts(report(of, data, today="2025-01-01"))["broken"] == "satisfied"
    assert verdicts(report(of, data, today="2025-01-02"))["broken"] == "violated"
    assert check(data, evaluator=Evaluator(of), today="2025-01-02").today == "2025-01-02"
    assert report(of, data).judged_on == DAY


def test_the_report_of_a_file_names_it_once(tmp_path: Path) -> None:
    path = write(tmp_path / "plan.json", plan(full_time=False))
    found = report(one_rule(tmp_path, {}), str(path))
    assert found.file == str(path)
    assert finding(found, "broken").place == f"{path}:1:1"
