"""An explanation leads from the condition to the facts, and comes to the verdict that was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import tiny

from jobplan import Evaluator, JobplanError
from jobplan.evaluate import Judged
from jobplan.explain import explain
from jobplan.findings.steps import Explanation, Step
from jobplan.reports import Style
from jobplan.reports.explain import render
from jobplan.reports.explain_json import explanation_data

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
TODAY = date(2025, 6, 1).toordinal()

TOPIC: dict[str, Any] = {
    "parameters": {
        "most_hours": {
            "title": "Most hours",
            "unit": "h",
            "values": [{"from": "2000-01-01", "value": 8}],
            "cites": [tiny.cite("Schedule 1")],
        },
        "agreed_hours": {"title": "Hours agreed", "unit": "h", "open": True},
    },
    "tables": {
        "evenings": {
            "title": "Evenings",
            "windows": "week",
            "rows": [{"days": [1, 2, 3, 4, 5], "opens": "19:00", "closes": "24:00"}],
            "cites": [tiny.cite("Schedule 2")],
        },
        "bands": {
            "title": "Bands",
            "by": ["frequency"],
            "gives": "percent",
            "rows": [{"frequency": [1, 4], "percent": 8}, {"frequency": [5, 8], "percent": 5}],
            "if_none": "it must be agreed locally",
            "cites": [tiny.cite("Schedule 3")],
        },
    },
    "columns": {
        "activity": {
            "opens": {"title": "Minute of the week", "value": "(weekday - 1) * 1440 + starts", "unit": "min"},
            "lasts": {"title": "Minutes of one turn", "value": "ends - starts", "unit": "min"},
            "hours": {"title": "Hours of one turn", "value": "lasts / 60", "unit": "h"},
            "late": {"title": "Late minutes", "overlap": ["opens", "opens + lasts"], "with": "evenings"},
        },
        "on_call": {
            "percent": {
                "title": "Per cent due",
                "lookup": "bands",
                "by": {"frequency": "one_in"},
                "unit": "percent",
            }
        },
    },
    "measures": {
        "all_hours": {
            "title": "All hours",
            "sum": "hours",
            "of": "activity",
            "where": "category = 'DCC'",
            "unit": "h",
            "as_stated": "stated_hours",
        },
    },
    "rules": [
        {"id": "hours-at-most", "for_each": "plan", "requires": "all_hours <= most_hours"},
        {
            "id": "late-agreed",
            "for_each": "activity",
            "applies": "category = 'DCC' and late > 0",
            "requires": "recorded(premium_agreed_on)",
            "waivable": "by_doctor",
        },
        {"id": "paid-enough", "for_each": "on_call", "requires": "supplement_percent >= percent"},
        {"id": "rests", "for_each": "plan", "requires": "verdict('hours-at-most') = 'satisfied'"},
        {"id": "as-agreed", "for_each": "plan", "requires": "all_hours <= agreed_hours"},
        {
            "id": "by-cases",
            "for_each": "plan",
            "requires": "case when full_time then all_hours > 1 else silent('it is not told') end",
        },
        {"id": "ended", "for_each": "plan", "requires": "full_time", "in_force": {"until": "2020-01-01"}},
    ],
}

PLAN = """\
version: 1
id: p
nation: england
contract: tiny
from_on: "2024-06-01"
full_time: false
activity:
  - id: clinic
    title: Evening clinic
    category: DCC
    weekday: tuesday
    starts: "17:00"
    ends: "21:00"
    at: {file: week.xlsx, sheet: Week, row: 4, columns: {starts: C}}
  - {id: ward, title: Ward, category: DCC, weekday: monday, starts: "08:00", ends: "12:00"}
  - {id: audit, title: Audit, category: SPA, weekday: friday, starts: "08:00", ends: "12:00"}
on_call:
  - {id: rota, one_in: 6, supplement_percent: 8}
"""


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    return Evaluator(tiny.policies(tmp_path_factory.mktemp("explain"), TOPIC), "reference")


def judged(evaluator: Evaluator, path: Path, text: str = PLAN, **options: Any) -> Judged:
    file = path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return evaluator.judge(evaluator.read(file, **options), today=date(2024, 6, 1).toordinal())


def steps(step: Step | None) -> Iterator[Step]:
    """Yield a step and all below it."""
    if step is not None:
        yield step
        for part in step.parts:
            yield from steps(part)


def all_steps(explanation: Explanation) -> list[Step]:
    return [
        step
        for subject in explanation.subjects
        for root in (subject.applies, subject.requires)
        for step in steps(root)
    ]


def step(explanation: Explanation, text: str) -> Step:
    """Return the first step that is called so."""
    return next(step for step in all_steps(explanation) if step.text == text)


# --- facts, columns, measures, parameters ------------------------------------------------------------


def test_a_fact_has_its_value_its_place_in_the_file_and_its_place_in_the_source(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="clinic")
    starts, ends = step(found, "starts"), step(found, "ends")
    assert (starts.shown, starts.unit, starts.value) == ("17:00", "", 1020.0)
    assert starts.place == f"{tmp_path}/plan.yaml:12:13"
    assert starts.source == {"file": "week.xlsx", "sheet": "Week", "row": 4, "column": "C"}
    assert ends.source == {"file": "week.xlsx", "sheet": "Week", "row": 4}


def test_a_column_leads_to_its_facts_and_a_measure_to_its_rows(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "hours-at-most")
    assert found.verdict == "satisfied"
    total = step(found, "all_hours")
    assert (total.kind, total.shown, total.unit, total.title) == ("measure", "8", "h", "All hours")
    assert total.how == "sum of hours over activity where category = 'DCC'"
    assert [(row.text, row.shown, row.unit) for row in total.parts] == [
        ("Evening clinic, Tuesday", "4", "h"),
        ("Ward, Monday", "4", "h"),
    ]
    assert total.note == "2 of 3 rows count"
    assert total.place == "england/tiny/topic-0.yaml:" + total.place.partition(":")[2]
    assert total.parts[0].place == f"{tmp_path}/plan.yaml:8:5"
    full = explain(evaluator, judged(evaluator, tmp_path), "hours-at-most", full=True)
    hours = step(full, "hours")
    assert [part.text for part in hours.parts] == ["lasts"]
    assert [part.text for part in hours.parts[0].parts] == ["ends", "starts"]


def test_a_parameter_has_its_value_on_the_day_and_its_clause(evaluator: Evaluator, tmp_path: Path) -> None:
    found = step(explain(evaluator, judged(evaluator, tmp_path), "hours-at-most"), "most_hours")
    assert (found.shown, found.unit) == ("8", "h")
    assert [cite.at for cite in found.citations] == ["Schedule 1"]


def test_an_open_parameter_says_that_nothing_is_agreed(evaluator: Evaluator, tmp_path: Path) -> None:
    explanation = explain(evaluator, judged(evaluator, tmp_path), "as-agreed")
    found = step(explanation, "agreed_hours")
    assert explanation.verdict == "unknown"
    assert found.value is None
    assert found.because == "Hours agreed is left to local agreement, and none is on record"


def test_an_overlay_that_sets_it_is_named(tmp_path: Path) -> None:
    values = [{"from": "2020-01-01", "value": 9}]
    overlay = tiny.write_overlay(
        tmp_path,
        parameters={"agreed_hours": {"unit": "h", "values": values, "cites": [tiny.cite("Local 1")]}},
    )
    evaluator = Evaluator(tiny.policies(tmp_path, TOPIC, overlays=[overlay]), "reference")
    found = step(explain(evaluator, judged(evaluator, tmp_path), "as-agreed"), "agreed_hours")
    assert (found.shown, found.agreed) == ("9", "trust")


# --- tables, windows, other rules, cases -------------------------------------------------------------


def test_a_look_up_shows_the_row_that_fits(evaluator: Evaluator, tmp_path: Path) -> None:
    found = step(explain(evaluator, judged(evaluator, tmp_path), "paid-enough"), "percent")
    key, row = found.parts
    assert (found.shown, found.unit) == ("5", "percent")
    assert (key.text, key.shown) == ("one_in", "6")
    assert (row.kind, row.text, row.shown) == ("table", "frequency 5 to 8", "5")
    assert [cite.at for cite in row.citations] == ["Schedule 3"]


def test_a_look_up_without_a_row_says_what_must_be_agreed(evaluator: Evaluator, tmp_path: Path) -> None:
    text = PLAN.replace("one_in: 6", "one_in: 4.5")
    found = step(explain(evaluator, judged(evaluator, tmp_path, text), "paid-enough"), "percent")
    assert (found.value, found.because) == (None, "it must be agreed locally")


def test_an_overlap_shows_the_windows_it_touches(evaluator: Evaluator, tmp_path: Path) -> None:
    found = step(explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="clinic"), "late")
    table = next(part for part in found.parts if part.kind == "table")
    assert found.shown == "120"
    assert [(row.text, row.shown, row.unit) for row in table.parts] == [
        ("monday, tuesday, wednesday, thursday, friday 19:00–24:00", "120", "min")
    ]


def test_a_rule_that_rests_on_another_shows_that_one_too(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "rests")
    other = step(found, "hours-at-most")
    assert (other.kind, other.shown) == ("rule", "satisfied")
    assert step(found, "all_hours").shown == "8"


def test_a_case_shows_the_conditions_asked_and_the_branch_taken(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "by-cases")
    case = step(found, "case when full_time then all_hours > 1 else silent('it is not told') end")
    assert [(part.text, part.shown, part.because) for part in case.parts] == [
        ("when full_time", "no", ""),
        ("else silent('it is not told')", "unknown", "it is not told"),
    ]


# --- what is unknown, assumed, waived ----------------------------------------------------------------


def test_a_missing_fact_says_why_at_its_own_step_and_for_the_subject(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    text = PLAN.replace('starts: "08:00", ends: "12:00"}\n  - {id: audit', 'ends: "12:00"}\n  - {id: audit')
    found = explain(evaluator, judged(evaluator, tmp_path, text), "hours-at-most")
    because = "`starts` is left blank in activity Ward, Monday"
    assert found.subjects[0].reasons == (because,)
    assert [step.text for step in all_steps(found) if step.because] == ["starts"]
    assert step(found, "starts").because == because
    assert step(found, "starts").place == f"{tmp_path}/plan.yaml:15:5"


def test_a_figure_that_the_plan_states_stands_beside(evaluator: Evaluator, tmp_path: Path) -> None:
    text = PLAN.replace('    starts: "17:00"\n', "").replace("full_time: false", "stated_hours: 9")
    found = explain(evaluator, judged(evaluator, tmp_path, text), "hours-at-most")
    assert found.subjects[0].as_stated == "violated"
    assert "the plan itself states 9" in step(found, "all_hours").note


def test_rows_that_may_be_missing_are_a_subject_of_their_own(evaluator: Evaluator, tmp_path: Path) -> None:
    text = PLAN.partition("on_call:")[0]
    found = explain(evaluator, judged(evaluator, tmp_path, text), "paid-enough")
    assert [(subject.open, subject.verdict, subject.applies) for subject in found.subjects] == [
        (True, "unknown", None)
    ]
    assert found.subjects[0].reasons == ("`on_call` is not given",)


def test_an_assumption_and_a_waiver_are_named(evaluator: Evaluator, tmp_path: Path) -> None:
    waiver = "waivers: [{rule: late-agreed, row: clinic, reason: trial, agreed_by: [doctor], until: none}]\n"
    text = (PLAN + waiver).replace('    starts: "17:00"\n', "")
    assumed = [{"fact": "activity.starts", "value": "17:00", "why": "custom"}]
    found = explain(evaluator, judged(evaluator, tmp_path, text, assumptions=assumed), "late-agreed")
    assert step(found, "starts").assumed == "activity.starts"
    assert found.subjects[0].waived.startswith("trial (agreed by doctor")


# --- what is asked for -------------------------------------------------------------------------------


def test_one_row_is_explained_if_asked(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="audit")
    assert [(subject.subject, subject.verdict) for subject in found.subjects] == [("audit", "not_applicable")]
    assert found.subjects[0].requires is None
    assert found.verdict == "violated"


@pytest.mark.parametrize(
    ("rule", "row", "words"),
    [
        ("late-agred", None, "did you mean `late-agreed`?"),
        ("ended", None, "it is in force to 2019-12-31"),
        ("late-agreed", "clinik", "did you mean `clinic`?"),
        ("rests", "x", "it was judged on `p`"),
    ],
)
def test_what_is_not_there_is_refused_with_the_way_out(
    evaluator: Evaluator, tmp_path: Path, rule: str, row: str | None, words: str
) -> None:
    with pytest.raises(JobplanError) as refused:
        explain(evaluator, judged(evaluator, tmp_path), rule, row=row)
    assert words in str(refused.value)


def test_what_does_not_decide_is_told_in_one_line_unless_all_is_asked(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    brief, full = (
        explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="ward", full=full)
        for full in (False, True)
    )
    assert [bool(step.parts) for step in brief.subjects[0].applies.parts] == [False, True]  # type: ignore[union-attr]
    assert [bool(step.parts) for step in full.subjects[0].applies.parts] == [True, True]  # type: ignore[union-attr]


def test_a_column_is_explained_once_and_pointed_at_after_that(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="clinic")
    opens = [step for step in all_steps(found) if step.text == "opens"]
    assert [(step.above, bool(step.parts)) for step in opens] == [(False, True), (True, False)]


# --- the renderers -----------------------------------------------------------------------------------


def test_the_text_shows_rule_sentence_clause_values_and_places(evaluator: Evaluator, tmp_path: Path) -> None:
    page = StringIO()
    found = explain(evaluator, judged(evaluator, tmp_path), "late-agreed", row="clinic")
    render(found, page, Style(width=300))
    text = page.getvalue()
    for words in (
        "violated  A rule  [late-agreed]",
        "For each activity: if the category",
        "1, The law · contract · original not seen, restated by The writers",
        "starts = 17:00  Clock time at which it starts",
        f"{tmp_path}/plan.yaml:12:13  [source: file week.xlsx, sheet Week, row 4, column C]",
        "Schedule 2, The law",
        "it asks for recorded(premium_agreed_on) → no",
    ):
        assert words in text, words


def test_the_json_says_the_same_as_the_steps(evaluator: Evaluator, tmp_path: Path) -> None:
    found = explain(evaluator, judged(evaluator, tmp_path), "hours-at-most", full=True)
    data = json.loads(json.dumps(explanation_data(found)))
    assert data["version"] == 1
    assert data["verdict"] == "satisfied"
    assert data["subjects"][0]["requires"]["parts"][0]["text"] == "all_hours"
    assert len(all_steps(found)) == count(data["subjects"][0]["requires"]) + count(
        data["subjects"][0]["applies"]
    )


def count(step: dict[str, Any]) -> int:
    return 1 + sum(count(part) for part in step.get("parts", ()))


# --- the plans as they are ---------------------------------------------------------------------------


@cache
def shipped() -> Evaluator:
    return Evaluator(engine="reference")


@pytest.mark.parametrize("path", EXAMPLES[::10], ids=lambda path: path.stem)
def test_an_explanation_comes_to_the_verdict_that_was_given(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = shipped()
    judged = evaluator.judge(evaluator.read(path), as_of=TODAY, today=TODAY)
    report = evaluator.report(judged)
    monkeypatch.setattr(evaluator, "report", lambda _: report)  # the same for every rule
    for number, rule in enumerate(judged.worked.program.edition.rules):
        found = explain(evaluator, judged, rule, full=number % 2 == 0)
        mine = [judgement for judgement in judged.judgements if judgement.rule == rule]
        assert [came_to(subject) for subject in found.subjects] == [j.verdict for j in mine], rule


def came_to(subject: Any) -> str:
    """Return the verdict that the roots of a subject's steps come to."""
    if subject.applies is None:
        return "unknown" if subject.open else "no steps"
    if subject.applies.value is False:
        return "not_applicable"
    if subject.applies.value is None or subject.requires.value is None:
        return "unknown"
    return "satisfied" if subject.requires.value else "violated"
