"""What the program is there to show, on the real policy and the plans in examples/.

The reference evaluator judges, so that all of it holds where durable-rules is not installed.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jobplan import BrokenPolicy, Evaluator, Finding, Policies, Report, check, load_policies
from jobplan.cli import main
from jobplan.evaluate import ordinal
from jobplan.expression.parse import call_name
from jobplan.findings.model import RuleVerdict
from jobplan.reports.json import report_data
from jobplan.source import read_document

ROOT = Path(__file__).parent.parent
OVERLAY = ROOT / "examples" / "overlays" / "made-up-trust"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
ADVERTISED_ON = "2024-06-01"  # adverts print no date to judge them by
TODAY = "2025-10-15"


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@cache
def policies(*overlays: Path) -> Policies:
    return load_policies(overlays=overlays)


@cache
def evaluator(*overlays: Path) -> Evaluator:
    return Evaluator(policies(*overlays), "reference")


def judged(source: Any, *overlays: Path, as_of: str | None = None, today: str = TODAY) -> Report:
    return check(source, evaluator=evaluator(*overlays), as_of=as_of, today=today)


def day_of(path: Path) -> str | None:
    return ADVERTISED_ON if path.stem.startswith("eng-cons-") else None


@cache
def example(name: str) -> Report:
    path = Path("examples") / f"{name}.yaml"  # as the command line is given it
    return judged(str(path), as_of=day_of(path))


def facts_of(name: str) -> dict[str, Any]:
    data = read_document(str(ROOT / "examples" / f"{name}.yaml")).data
    return dict(data)


def only(report: Report, rule: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.rule == rule]
    return found


def verdicts(report: Report) -> dict[str, str]:
    return {verdict.rule: verdict.verdict for verdict in report.verdicts}


def verdict(report: Report, rule: str) -> RuleVerdict:
    return next(verdict for verdict in report.verdicts if verdict.rule == rule)


@cache
def run(*arguments: str) -> tuple[int, str]:
    """Return the exit code of a command and what it prints, lines that were broken to fit made one."""
    done = CliRunner().invoke(main, ["check", *arguments, "--today", TODAY, "--engine", "reference"])
    assert isinstance(done.exception, SystemExit) or done.exception is None, done.exc_info
    return done.exit_code, done.output if "json" in arguments else re.sub(r"\s+", " ", done.output)


# --- 2: what a plan is told ----------------------------------------------------------------------

EVENING = "made-up-evening-clinic"
EVENING_FILE = f"examples/{EVENING}.yaml"


def test_an_evening_clinic_has_two_hours_of_premium_time() -> None:
    code, text = run(EVENING_FILE)
    assert code == 1
    assert "one turn is 2 h plain (0.5 PA) and 2 h in premium time (0.667 PA)" in text
    assert "Evening outpatient clinic, Tuesday: the plan says 1 PA a week, its times give 1.167 PA" in text
    found = only(example(EVENING), "claimed-units-add-up")
    values = {item.name: item.value for item in found.evidence}
    assert found.subject == "tuesday-clinic"
    assert values["worked_units"] == pytest.approx(0.5 + 2 / 3)
    row = next(row for row in facts_of(EVENING)["activity"] if row["id"] == "tuesday-clinic")
    assert (row["starts"], row["ends"]) == ("17:00", "21:00")


def test_a_rota_of_one_in_eight_is_told_what_is_due_and_by_which_clause() -> None:
    _, text = run(EVENING_FILE)
    assert "category A, 1 in 8, weekends 1 in 8: 5 % is due, 8 % is paid" in text
    assert "Schedule 16, table, Terms and Conditions – Consultants (England) 2003 · contract" in text
    found = only(example(EVENING), "supplement-as-table")
    assert found.severity == "breach"
    assert (found.message.values["supplement_percent"], found.citations[0].at) == ("8", "Schedule 16, table")


def test_one_pa_of_supporting_activities_is_advice_and_no_breach() -> None:
    _, text = run(EVENING_FILE)
    assert "advice A plan has at least 1.5 SPA, part-time plans too [spa-minimum]" in text
    assert "1 PA of SPA, 1.5 is the least" in text
    found = only(example(EVENING), "spa-minimum")
    assert (found.severity, found.force) == ("advice", "recommendation")
    code, _ = run(EVENING_FILE, "--rule", "spa-minimum", "--fail-on", "caution")
    assert code == 0


def test_a_mediation_meeting_after_five_weeks_is_a_caution() -> None:
    _, text = run(EVENING_FILE)
    assert "caution The mediator normally meets both within four weeks [mediation-met-in-time]" in text
    assert "on 2025-02-19 more than 28 days had passed since mediation was asked for on 2025-01-15" in text
    found = only(example(EVENING), "mediation-met-in-time")
    assert (found.severity, found.strength, found.assurance["read"]) == ("caution", "normally", True)


def test_json_tells_the_same_as_text_and_library() -> None:
    _, output = run(EVENING_FILE, "--format", "json")
    data = json.loads(output)
    assert data == report_data(example(EVENING))
    text = run(EVENING_FILE)[1]
    for found in data["findings"]:
        if found["verdict"] == "violated":
            assert f"[{found['rule']}]" in text


# --- 3: nothing is guessed, nothing left out -----------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_has_one_verdict_for_every_rule_of_its_edition(path: Path) -> None:
    report = example(path.stem)
    day = ordinal(report.judged_on)
    assert day is not None
    told = [verdict.rule for verdict in report.verdicts]
    assert told == [rule.rule.id for rule in policies().program(report.policy, day).rules]
    assert len(set(told)) == len(told) > 200


def test_the_command_line_counts_every_rule_once() -> None:
    made_up = [str(path.relative_to(ROOT)) for path in EXAMPLES if day_of(path) is None]
    code, text = run(*made_up)
    assert code == 1
    counted = re.findall(r"(\d+) rules: (\d+) satisfied, (\d+) violated, (\d+) unknown, (\d+) not", text)
    assert len(counted) == len(made_up)
    for path, (rules, *parts) in zip(made_up, counted, strict=True):
        assert int(rules) == sum(map(int, parts)) == len(example(Path(path).stem).verdicts)


@cache
def recorded_rules() -> frozenset[str]:
    """The rules that ask whether something is on record."""
    checked = policies().checked("england/consultant-2003")
    return frozenset(
        name
        for name, rule in checked.rules.items()
        if any(call_name(node) == "recorded" for node in rule.requires.walk())
    )


IMPORT = "made-up-spreadsheet-import"


@cache
def by_hand() -> Report:
    return judged({key: value for key, value in facts_of(IMPORT).items() if key != "source"})


def test_the_import_carries_six_columns() -> None:
    carried = facts_of(IMPORT)["source"]["carries"]
    assert {relation: len(columns) for relation, columns in carried.items()} == {"activity": 6}
    for row in facts_of(IMPORT)["activity"]:
        assert set(row) <= {*carried["activity"], "id", "at"}


def test_what_the_sheet_has_no_column_for_is_unknown_with_its_cause() -> None:
    report = example(IMPORT)
    assert len(recorded_rules()) > 30
    assert {verdicts(report)[rule] for rule in recorded_rules()} <= {"unknown", "satisfied", "not_applicable"}
    causes = {
        finding.rule: {reason.cause for reason in finding.reasons}
        for finding in report.findings
        if finding.rule in recorded_rules()
    }
    asked = [rule for rule in recorded_rules() if verdicts(report)[rule] == "unknown"]
    assert len(asked) > 20
    assert all("not_carried" in causes[rule] for rule in asked if rule in causes)
    assert "blank" not in {cause for found in causes.values() for cause in found} - {"not_carried"}


def test_the_same_plan_written_by_hand_breaks_what_is_left_blank() -> None:
    imported, written = verdicts(example(IMPORT)), verdicts(by_hand())
    broken = {rule for rule, said in written.items() if said == "violated"}
    assert {"managerial-accountability-named", "professional-accountability-named"} <= broken
    changed = {rule for rule in imported if imported[rule] != written[rule]}
    assert changed
    assert changed <= recorded_rules()
    assert {(imported[rule], written[rule]) for rule in changed} == {("unknown", "violated")}


def test_every_unknown_of_the_import_says_why() -> None:
    for finding in example(IMPORT).findings:
        if finding.verdict == "unknown":
            assert finding.reasons, finding.rule
            assert finding.message.text.startswith("cannot be judged: ")


# --- 4: silence, agreements, waivers, stated figures ---------------------------------------------

PART_TIME = "made-up-part-time"
BETWEEN = "must be agreed locally"


def with_supplement(percent: float) -> dict[str, Any]:
    data = facts_of(PART_TIME)
    rota = {**data["on_call"][0], "supplement_percent": percent}
    return {**data, "from_on": "2025-06-01", "on_call": [rota]}


def test_one_in_eight_and_a_half_is_silent() -> None:
    found = only(judged(with_supplement(1)), "supplement-as-table")
    assert (found.verdict, found.severity, found.otherwise) == ("unknown", "open", "breach")
    assert {reason.kind for reason in found.reasons} == {"silent"}
    assert BETWEEN in found.message.text
    text = run(f"examples/{PART_TIME}.yaml")[1]
    assert "open The supplement is that of the table for category and frequency" in text
    assert BETWEEN in text


def test_with_the_agreement_of_the_trust_it_is_judged_and_cites_it() -> None:
    data = with_supplement(20)
    found = only(judged(data, OVERLAY), "supplement-as-table")
    assert (found.verdict, found.severity) == ("violated", "breach")
    assert ("made-up-agreement-2025", "section 5") in {(c.authority, c.at) for c in found.citations}
    assert {item.agreed for item in found.evidence if item.agreed} == {"made-up-trust"}
    due = found.message.text.partition("weekends 1 in 8.5: ")[2].partition(" %")[0]
    assert verdicts(judged(with_supplement(float(due)), OVERLAY))["supplement-as-table"] == "satisfied"


def test_the_agreement_counts_from_its_own_day_on() -> None:
    data = {**with_supplement(20), "from_on": "2025-03-31"}
    assert verdicts(judged(data, OVERLAY))["supplement-as-table"] == "unknown"


def test_the_command_line_tells_of_the_agreement(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(with_supplement(20)), encoding="utf-8")
    code, text = run(str(path), "--overlay", str(OVERLAY), "--rule", "supplement-as-table")
    assert code == 1
    assert "Consultants, England, contract of 2003 with made-up-trust" in text
    assert "section 5, Local agreement on consultant job planning, version 3" in text
    assert "made-up-trust" in text


def test_an_overlay_that_sets_what_is_closed_is_told_the_clause(tmp_path: Path) -> None:
    file = tmp_path / "trust" / "overlay.yaml"
    file.parent.mkdir()
    file.write_text(
        "overlay: trust\nparameters:\n  unit_hours: {unit: h/unit, values: [{from: 2025-04-01, value: 5}]}\n",
        encoding="utf-8",
    )
    code, text = run(f"examples/{PART_TIME}.yaml", "--overlay", str(file.parent))
    assert code == 2
    assert f"{file}:3:3: error[closed]: `unit_hours` is not open to local agreement: it is set by" in text
    assert "Definitions; Schedule 3, Terms and Conditions – Consultants (England) 2003" in text
    with pytest.raises(BrokenPolicy, match="Definitions; Schedule 3"):
        judged(facts_of(PART_TIME), file.parent)


def test_a_waiver_of_what_may_not_be_waived_has_no_effect_and_is_told(tmp_path: Path) -> None:
    rules = policies().checked("england/consultant-2003").policy.rules
    closed = next(
        finding.rule
        for finding in by_hand().findings
        if finding.verdict == "violated" and rules[finding.rule].waivable == "never"
    )
    parties = ["doctor", "employer", "local_agreement"]
    waiver = {
        "rule": closed,
        "row": "all",
        "reason": "It suits everybody",
        "agreed_by": parties,
        "until": "none",
    }
    data = {key: value for key, value in facts_of(IMPORT).items() if key != "source"} | {"waivers": [waiver]}
    report = judged(data)
    (effect,) = report.waivers
    assert (effect.without_effect, effect.lifts) == ("no agreement can lift this rule", ())
    assert report.verdicts == by_hand().verdicts
    assert not [finding for finding in report.findings if finding.waived]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    code, text = run(str(path), "--rule", closed)
    assert code == 1
    assert f"waiver of {closed} (the plan) has no effect: no agreement can lift this rule" in text


def test_stated_spa_of_one_without_rows_is_unknown_and_violated_as_stated() -> None:
    data = {
        "version": 1,
        "id": "stated",
        "nation": "england",
        "contract": "consultant-2003",
        "from_on": "2025-06-01",
        "stated_spa_units": 1.0,
    }
    report = judged(data)
    assert (verdict(report, "spa-minimum").verdict, verdict(report, "spa-minimum").as_stated) == (
        "unknown",
        "violated",
    )
    found = only(report, "spa-minimum")
    assert (found.verdict, found.severity, found.as_stated) == ("unknown", "gap", "violated")
    enough = judged({**data, "stated_spa_units": 1.5})
    assert verdict(enough, "spa-minimum").as_stated == "satisfied"
    rows = judged({**data, "activity": []})
    assert (verdict(rows, "spa-minimum").verdict, verdict(rows, "spa-minimum").as_stated) != (
        "unknown",
        "violated",
    )


# --- 5: what was not seen ------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_citation_says_whether_its_original_was_seen(path: Path) -> None:
    data = report_data(example(path.stem))
    cited = [cite for f in data["findings"] for cite in (*f["citations"], *f["rests_on"])]
    assert cited
    for cite in cited:
        seen = "original seen" if cite["reading"]["kind"] == "original" else "original not seen"
        assert f" · {seen}" in cite["text"]


def test_the_text_prints_it_for_every_finding() -> None:
    text = run(EVENING_FILE)[1]
    for finding in report_data(example(EVENING))["findings"]:
        if finding["verdict"] == "violated":
            assert finding["citations"][0]["text"] in text
            unseen = [c for c in finding["citations"] if c["reading"]["kind"] != "original"]
            assert not unseen or "original not seen" in text.partition(f"[{finding['rule']}]")[2]


# --- 8: order is nothing -------------------------------------------------------------------------


def reordered(data: Any, order: random.Random) -> Any:
    """Return a document with the rows of every list and the keys of every mapping in another order."""
    if isinstance(data, dict):
        keys = list(data)
        order.shuffle(keys)
        return {key: reordered(data[key], order) for key in keys}
    if isinstance(data, list):
        rows = [reordered(item, order) for item in data]
        if all(isinstance(item, dict) for item in rows):
            order.shuffle(rows)
        return rows
    return data


def whole(report: Report) -> dict[str, Any]:
    """Return a report by key, without places and without what stands in the order of the rows."""
    data = report_data(report)
    found = {}
    for finding in data.pop("findings"):
        finding.pop("place")
        finding["evidence"] = sorted(
            json.dumps({k: v for k, v in item.items() if k != "place"}, sort_keys=True)
            for item in finding["evidence"]
        )
        finding["reasons"] = sorted(json.dumps(item, sort_keys=True) for item in finding["reasons"])
        if finding["verdict"] == "unknown":
            finding.pop("message")  # names the first three rows of many
        found[finding.pop("key")] = finding
    for key in ("waivers", "assumptions"):
        data[key] = sorted(json.dumps(item, sort_keys=True) for item in data[key])
    data["plan"].pop("digest")
    data["plan"].pop("file")
    return {**data, "found": found}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_rows_in_another_order_change_nothing_but_places(path: Path) -> None:
    data = facts_of(path.stem)
    first = whole(judged(data, as_of=day_of(path)))
    again = whole(judged(reordered(data, random.Random(path.stem)), as_of=day_of(path)))
    assert set(again["found"]) == set(first["found"])
    assert again == first
    assert len(first["found"]) == len(example(path.stem).findings)
