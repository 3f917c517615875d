"""What `check` says of every plan in examples/, held by a snapshot each.

`JOBPLAN_UPDATE_SNAPSHOTS=1` writes the snapshots anew; every change of one belongs explained in the commit.
The reference evaluator judges, so that they are the same where durable-rules is not installed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from jobplan.evaluate import Evaluator, ordinal
from jobplan.findings.model import Finding, Report
from jobplan.reports import RENDERERS, Style
from jobplan.source import read_document
from jobplan.validation import Checker

ROOT = Path(__file__).parent.parent
SNAPSHOTS = ROOT / "tests" / "snapshots" / "examples"
UPDATE = os.environ.get("JOBPLAN_UPDATE_SNAPSHOTS") == "1"
NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
PUBLISHED = [name for name in NAMES if name.startswith("eng-cons-")]
ADVERTISED_ON = "2024-06-01"  # adverts print no date to judge them by
TODAY = "2025-10-15"


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports name a plan's file as it was given, so all are given from the same folder."""
    monkeypatch.chdir(ROOT)


@cache
def evaluator() -> Evaluator:
    return Evaluator(engine="reference")


def judged(source: Any, as_of: str | None = None) -> Report:
    judge = evaluator()
    return judge.report(judge.judge(judge.read(source), as_of=ordinal(as_of), today=ordinal(TODAY)))


@cache
def report(name: str) -> Report:
    return judged(f"examples/{name}.yaml", ADVERTISED_ON if name in PUBLISHED else None)


def printed(name: str) -> str:
    out = io.StringIO()
    RENDERERS["text"]([report(name)], out, Style())
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def found(name: str, rule: str) -> list[Finding]:
    return [finding for finding in report(name).findings if finding.rule == rule]


def verdicts(name: str) -> dict[str, str]:
    return {verdict.rule: verdict.verdict for verdict in report(name).verdicts}


def rows(data: Any) -> Iterator[dict[str, Any]]:
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        if isinstance(value, dict):
            yield value
        yield from rows(value)


@pytest.mark.parametrize("name", NAMES)
def test_check_says_the_same_as_before(name: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed(name), encoding="utf-8")
    assert path.exists(), f"no snapshot of {name}; JOBPLAN_UPDATE_SNAPSHOTS=1 writes it"
    assert printed(name) == path.read_text(encoding="utf-8")


def test_every_snapshot_is_of_an_example() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_has_nothing_to_say_against_it(name: str) -> None:
    document = read_document(f"examples/{name}.yaml")
    assert Checker(ROOT / "schemas" / "plan.schema.json").problems(document) == []
    assert document.data["id"] == name
    assert document.text.startswith("# yaml-language-server: $schema=../schemas/plan.schema.json\n")


@pytest.mark.parametrize("name", NAMES)
def test_it_has_one_verdict_for_every_rule_of_its_edition(name: str) -> None:
    judge = evaluator()
    plan = judge.read(f"examples/{name}.yaml")
    _, _, program = judge.edition(plan, ordinal(ADVERTISED_ON) if name in PUBLISHED else None)
    assert sorted(verdicts(name)) == sorted(rule.rule.id for rule in program.rules)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_plan_says_where_it_was_published_and_no_invented_day(name: str) -> None:
    data = read_document(f"examples/{name}.yaml").data
    assert data["source"]["file"].startswith("https://")
    written = (value for row in (data, *rows(data)) for value in row.values() if isinstance(value, str))
    assert not [value for value in written if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_plan_breaks_no_rule_by_a_column_that_its_source_lacks(name: str) -> None:
    """What is left out of `carries` may make a verdict unknown, never violated."""
    told = {finding.rule for finding in report(name).findings if finding.verdict == "violated"}
    data = read_document(f"examples/{name}.yaml").data
    by_hand = {**data, "source": {key: data["source"][key] for key in ("system", "file")}}
    blank = {f.rule for f in judged(by_hand, ADVERTISED_ON).findings if f.verdict == "violated"}
    assert told < blank


def test_the_evening_clinic_counts_its_premium_hours_by_threes() -> None:
    (finding,) = found("made-up-evening-clinic", "claimed-units-add-up")
    assert finding.severity == "breach"
    assert "2 h plain (0.5 PA) and 2 h in premium time (0.667 PA)" in finding.message.text
    assert "the plan says 1 PA a week, its times give 1.167 PA" in finding.message.text


def test_the_evening_rota_is_due_five_per_cent_by_schedule_16() -> None:
    (finding,) = found("made-up-evening-clinic", "supplement-as-table")
    assert finding.severity == "breach"
    assert "5 % is due, 8 % is paid" in finding.message.text
    assert finding.citations[0].at == "Schedule 16, table"


def test_one_pa_of_spa_is_told_as_advice() -> None:
    assert [finding.severity for finding in found("made-up-evening-clinic", "spa-minimum")] == ["advice"]


def test_a_mediation_meeting_after_five_weeks_is_a_caution() -> None:
    (finding,) = found("made-up-evening-clinic", "mediation-met-in-time")
    assert finding.severity == "caution"
    assert "2025-02-19" in finding.message.text


def test_nothing_is_found_in_the_tidy_plan_but_what_the_law_leaves_open() -> None:
    assert {finding.severity for finding in report("made-up-tidy").findings} <= {"open"}


def test_one_in_eight_and_a_half_is_left_open() -> None:
    (finding,) = found("made-up-part-time", "supplement-as-table")
    assert (finding.verdict, finding.severity) == ("unknown", "open")
    assert [reason.kind for reason in finding.reasons] == ["silent"]


def test_six_columns_of_a_spreadsheet_break_nothing_and_the_same_left_blank_do() -> None:
    name = "made-up-spreadsheet-import"
    assert "violated" not in verdicts(name).values()
    causes = {r.cause for f in report(name).findings for r in f.reasons if r.kind == "missing"}
    assert "not_carried" in causes
    data = read_document(f"examples/{name}.yaml").data
    by_hand = judged({key: value for key, value in data.items() if key != "source"})
    broken = {finding.rule for finding in by_hand.findings if finding.verdict == "violated"}
    assert {"managerial-accountability-named", "professional-accountability-named"} <= broken


def test_stated_spa_without_rows_is_unknown_and_violated_as_stated() -> None:
    by_rule = {verdict.rule: verdict for verdict in report("eng-cons-40-plymouth-breast-radiology").verdicts}
    assert by_rule["spa-minimum"].verdict == "unknown"
    assert by_rule["spa-minimum"].as_stated == "violated"


@pytest.mark.parametrize(
    ("name", "rule", "figures"),
    [
        ("eng-cons-01-colchester-obstetrics", "printed-totals-agree", ("10.125", "10 PA")),
        ("eng-cons-03-uhnm-endometriosis", "claimed-units-add-up", ("0.145", "0.129")),
        ("eng-cons-04-gstt-part-time", "printed-totals-agree", ("9.147", "9.25")),
        ("eng-cons-04-gstt-part-time", "claimed-units-add-up", ("1.375", "give 1 PA")),
        ("eng-cons-09-mid-south-essex", "printed-totals-agree", ("10.14", "10 PA")),
        ("eng-cons-14-whittington-locum", "printed-categories-add-up", ("10.5", "8.5", "1.5")),
        ("eng-cons-31-lancashire-neuroradiology-9.5", "printed-categories-add-up", ("10 PA", "8 PA", "1.5")),
    ],
)
def test_where_a_published_plan_disagrees_with_itself_both_figures_are_told(
    name: str, rule: str, figures: tuple[str, ...]
) -> None:
    texts = " | ".join(finding.message.text for finding in found(name, rule))
    assert all(figure in texts for figure in figures), texts
