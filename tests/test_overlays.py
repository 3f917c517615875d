"""Overlays: an employer's values for what the law leaves open, local tables and rules, and nothing else."""

from __future__ import annotations

import io
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tiny import cite, finding, findings, plan, policies, report, verdict, verdicts, write_overlay

from jobplan import BrokenPolicy, Finding, Policies, Report
from jobplan.reports import RENDERERS, Style
from jobplan.reports.json import report_data

TOPIC: dict[str, Any] = {
    "parameters": {
        "notice": {
            "title": "Weeks of notice",
            "unit": "week/year",
            "open": True,
            "values": [{"from": "2000-01-01", "value": 6}],
            "cites": [cite("2")],
        },
        "tariff": {"title": "PAs a trainee", "unit": "unit/week", "open": True, "cites": [cite("3")]},
        "most": {"unit": "h", "values": [{"from": "2000-01-01", "value": 4}], "cites": [cite("Part 4, 5")]},
    },
    "tables": {
        "bands": {
            "by": ["kind", "one_in"],
            "gives": "percent",
            "open": True,
            "if_none": "the law has no band for this",
            "rows": [
                {"kind": "A", "one_in": [1, 4], "percent": 8},
                {"kind": "A", "one_in": [5, 8], "percent": 5},
                {"kind": "A", "one_in": [9, "~"], "percent": 3},
            ],
            "cites": [cite("Schedule 16")],
        },
        "steps": {
            "by": ["kind"],
            "gives": "n",
            "rows": [{"kind": "A", "n": 1}],
            "cites": [cite("Schedule 9")],
        },
    },
    "columns": {
        "on_call": {
            "due": {"lookup": "bands", "by": {"kind": "class", "one_in": "one_in"}, "unit": "percent"},
        }
    },
    "measures": {"hours": {"sum": "hours_each", "of": "activity", "unit": "h"}},
    "rules": [
        {
            "id": "notice-long",
            "for_each": "plan",
            "requires": "weeks_a_year >= notice",
            "message": "{weeks_a_year} of {notice} weeks",
        },
        {
            "id": "tariff-kept",
            "for_each": "activity",
            "requires": "claimed_units >= tariff",
            "message": "{claimed_units} of {tariff} PA",
        },
        {
            "id": "band-paid",
            "for_each": "on_call",
            "requires": "supplement_percent = due",
            "message": "{supplement_percent} of {due} %",
        },
    ],
}
PLAN: dict[str, Any] = {
    "weeks_a_year": 6,
    "activity": [{"id": "a", "claimed_units": 0.25, "hours_each": 3}],
    "on_call": [{"id": "rota", "class": "A", "one_in": 8.5, "supplement_percent": 3}],
}
AGREEMENT = {"title": "Local agreement", "publisher": "A trust", "seen": "original"}
AGREED = {
    "authority": {"source": "agreement", "at": "section 5"},
    "reading": {"source": "agreement", "kind": "original", "confidence": "high"},
}
SOURCES = {"agreement": AGREEMENT}


def overlaid(folder: Path, **parts: Any) -> Policies:
    return policies(folder, TOPIC, overlays=[write_overlay(folder, **parts)])


def judged(folder: Path, as_of: str = "2024-06-01", facts: Any = None, **parts: Any) -> Report:
    return report(overlaid(folder, **parts), plan(**(facts or PLAN)), as_of=as_of)


def broken(of: Policies) -> str:
    with pytest.raises(BrokenPolicy) as error:
        report(of, plan())
    return str(error.value)


def agreed(found: Finding) -> dict[str, str]:
    return {item.name: item.agreed for item in found.evidence if item.agreed}


# --- open parameters -----------------------------------------------------------------------------


def notice(value: Any, since: str = "2024-01-01", **more: Any) -> dict[str, Any]:
    return {"notice": {"values": [{"from": since, "value": value, **more}]}}


def test_without_an_overlay_the_laws_own_value_holds(tmp_path: Path) -> None:
    found = report(policies(tmp_path, TOPIC), plan(**PLAN))
    assert verdicts(found)["notice-long"] == "satisfied"
    assert found.overlays == ()


def test_a_value_of_its_own_takes_the_laws_place(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, parameters=notice(8)), "notice-long")
    assert found.message.text == "6 of 8 weeks"
    assert agreed(found) == {"notice": "trust"}


def test_a_value_set_by_nobody_is_silent(tmp_path: Path) -> None:
    found = finding(report(policies(tmp_path, TOPIC), plan(**PLAN)), "tariff-kept")
    assert (found.verdict, found.severity) == ("unknown", "open")
    assert [reason.text for reason in found.reasons] == [
        "PAs a trainee is left to local agreement, and none is on record"
    ]


def test_a_value_set_here_ends_the_silence(tmp_path: Path) -> None:
    tariff = {"tariff": {"unit": "unit/week", "values": [{"from": "2024-01-01", "value": 0.5}]}}
    found = finding(judged(tmp_path, parameters=tariff), "tariff-kept")
    assert (found.verdict, found.message.text) == ("violated", "0.25 of 0.5 PA")
    assert agreed(found) == {"tariff": "trust"}


@pytest.mark.parametrize(
    ("as_of", "text"),
    [
        ("2023-12-31", ""),
        ("2024-01-01", "6 of 8 weeks"),
        ("2024-12-31", "6 of 8 weeks"),
        ("2025-01-01", "6 of 9 weeks"),
        ("2025-12-31", "6 of 9 weeks"),
        ("2026-01-01", ""),
    ],
)
def test_values_hold_from_their_own_days(tmp_path: Path, as_of: str, text: str) -> None:
    values = [
        {"from": "2024-01-01", "value": 8},
        {"from": "2025-01-01", "until": "2026-01-01", "value": 9},
    ]
    found = judged(tmp_path, as_of, parameters={"notice": {"values": values}})
    assert [f.message.text for f in findings(found, "notice-long")] == ([text] if text else [])


def test_an_open_value_stays_silent_before_the_agreement_and_after_it(tmp_path: Path) -> None:
    values = [{"from": "2024-01-01", "until": "2025-01-01", "value": 0.5}]
    of = overlaid(tmp_path, parameters={"tariff": {"values": values}})
    days = {day: report(of, plan(**PLAN), as_of=day) for day in ("2023-12-31", "2024-01-01", "2025-01-01")}
    assert [verdicts(found)["tariff-kept"] for found in days.values()] == ["unknown", "violated", "unknown"]
    assert not agreed(finding(days["2025-01-01"], "tariff-kept"))


@pytest.mark.parametrize("inside", ["parameter", "value"])
def test_the_agreement_is_cited_in_place_of_the_law(tmp_path: Path, inside: str) -> None:
    parameters = notice(8)
    holder = parameters["notice"] if inside == "parameter" else parameters["notice"]["values"][0]
    holder["cites"] = [AGREED]
    found = judged(tmp_path, parameters=parameters, sources=SOURCES)
    rests_on = {(cite.authority, cite.at) for cite in finding(found, "notice-long").rests_on}
    assert ("agreement", "section 5") in rests_on
    assert ("law", "2") not in rests_on


def test_the_agreement_is_shown_in_text_and_json(tmp_path: Path) -> None:
    found = judged(tmp_path, parameters=notice(8))
    out = io.StringIO()
    RENDERERS["text"]([found], out, Style())
    assert "Tiny terms with trust" in out.getvalue()
    assert "agreed locally: Weeks of notice, trust" in out.getvalue()
    data = report_data(found)
    assert data["policy"]["overlays"] == ["trust"]
    (shown,) = [item for f in data["findings"] for item in f["evidence"] if item["name"] == "notice"]
    assert (shown["agreed"], shown["value"], shown["unit"]) == ("trust", 8.0, "week/year")


def test_a_value_in_another_unit_is_refused(tmp_path: Path) -> None:
    text = broken(overlaid(tmp_path, parameters={"notice": {"unit": "day", **notice(42)["notice"]}}))
    assert "wrong-unit" in text
    assert "`week/year`" in text
    assert "`day`" in text


def test_a_value_of_another_kind_is_refused(tmp_path: Path) -> None:
    for value, found in (("six", "`six`"), (True, "`true`")):
        text = broken(overlaid(tmp_path / str(value), parameters=notice(value)))
        assert f"expected a number, for it is in `week/year`, found {found}" in text


def test_a_yes_or_no_of_the_law_takes_no_number(tmp_path: Path) -> None:
    paid = {"open": True, "values": [{"from": "2000-01-01", "value": True}]}
    topic = {**TOPIC, "parameters": {**TOPIC["parameters"], "paid": paid}}
    trust = write_overlay(tmp_path, parameters={"paid": {"values": [{"from": "2024-01-01", "value": 1}]}})
    text = broken(policies(tmp_path, topic, overlays=[trust]))
    assert "expected `true` or `false` like the policy's own value, found a number" in text


def test_the_unit_may_be_left_out(tmp_path: Path) -> None:
    assert finding(judged(tmp_path, parameters=notice(8)), "notice-long").message.values["notice"] == "8"


def test_a_closed_value_is_refused_with_its_clause_and_both_places(tmp_path: Path) -> None:
    text = broken(overlaid(tmp_path, parameters={"most": {"values": [{"from": "2024-01-01", "value": 5}]}}))
    assert "error[closed]" in text
    assert "`most` is not open to local agreement: it is set by Part 4, 5, The law" in text
    assert "overlay.yaml:" in text
    assert "topic-0.yaml:" in text
    assert "open: true" in text


# --- open tables ---------------------------------------------------------------------------------


def bands(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"bands": {"by": ["kind", "one_in"], "gives": "percent", "rows": list(rows), **more}}


BETWEEN = {"kind": "A", "one_in": [8.01, 8.99], "percent": 5}


def test_where_the_law_has_no_row_it_says_so(tmp_path: Path) -> None:
    found = finding(report(policies(tmp_path, TOPIC), plan(**PLAN)), "band-paid")
    assert (found.severity, [r.text for r in found.reasons]) == ("open", ["the law has no band for this"])


def test_a_row_between_those_of_the_law_is_judged_and_cited(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, tables=bands(BETWEEN, cites=[AGREED]), sources=SOURCES), "band-paid")
    assert (found.verdict, found.message.text) == ("violated", "3 of 5 %")
    assert ("agreement", "section 5") in {(cite.authority, cite.at) for cite in found.citations}
    assert agreed(found) == {"bands": "trust"}


def test_a_sum_over_rows_cites_the_agreements_that_answer_them(tmp_path: Path) -> None:
    topic = deepcopy(TOPIC)
    topic["measures"]["all_due"] = {"sum": "due", "of": "on_call", "unit": "percent"}
    topic["rules"].append({"id": "sum", "for_each": "plan", "requires": "all_due <= 4"})
    trust = write_overlay(tmp_path, tables=bands(BETWEEN, cites=[AGREED]), sources=SOURCES)
    found = finding(report(policies(tmp_path, topic, overlays=[trust]), plan(**PLAN)), "sum")
    assert ("agreement", "section 5") in {(cite.authority, cite.at) for cite in found.citations}
    assert agreed(found) == {"bands": "trust"}


def test_rows_of_the_law_are_judged_and_cited_as_before(tmp_path: Path) -> None:
    facts = {**PLAN, "on_call": [{"id": "rota", "class": "A", "one_in": 8, "supplement_percent": 3}]}
    parts = {"tables": bands(BETWEEN, cites=[AGREED]), "sources": SOURCES}
    found = finding(judged(tmp_path, facts=facts, **parts), "band-paid")
    assert found.message.text == "3 of 5 %"
    assert {cite.authority for cite in found.citations} == {"law"}
    assert agreed(found) == {}


def test_a_row_holds_from_its_own_day(tmp_path: Path) -> None:
    row = {**BETWEEN, "from": "2024-06-01", "until": "2025-06-01"}
    of = overlaid(tmp_path, tables=bands(row))
    days = ("2024-05-31", "2024-06-01", "2025-05-31", "2025-06-01")
    found = [verdicts(report(of, plan(**PLAN), as_of=day))["band-paid"] for day in days]
    assert found == ["unknown", "violated", "violated", "unknown"]


@pytest.mark.parametrize("keys", [[8, 8.5], 8, [3, 6], [12, "~"], ["~", 1]])
def test_a_row_for_what_the_law_has_is_refused_with_the_clause(tmp_path: Path, keys: Any) -> None:
    text = broken(overlaid(tmp_path, tables=bands({"kind": "A", "one_in": keys, "percent": 1})))
    assert "error[closed]" in text
    assert "Schedule 16" in text


def test_rows_of_another_key_are_free(tmp_path: Path) -> None:
    row = {"kind": "B", "one_in": [1, 8], "percent": 2}
    facts = {**PLAN, "on_call": [{"id": "rota", "class": "B", "one_in": 8, "supplement_percent": 3}]}
    assert finding(judged(tmp_path, facts=facts, tables=bands(row)), "band-paid").message.text == "3 of 2 %"


def test_a_closed_table_is_refused_with_its_clause(tmp_path: Path) -> None:
    steps = {"steps": {"by": ["kind"], "gives": "n", "rows": [{"kind": "B", "n": 2}]}}
    text = broken(overlaid(tmp_path, tables=steps))
    assert "the table `steps` is not open to local agreement: it is set by Schedule 9, The law" in text


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    tables = bands(BETWEEN)
    tables["bands"]["by"] = ["one_in", "kind"]
    assert "`bands`" in broken(overlaid(tmp_path, tables=tables))


# --- rules, columns, measures and sources of its own ---------------------------------------------


OWN: dict[str, Any] = {
    "parameters": {"rest": {"unit": "h", "values": [{"from": "2024-01-01", "value": 2}]}},
    "tables": {"grades": {"by": ["grade"], "gives": "n", "rows": [{"grade": "consultant", "n": 1}]}},
    "columns": {
        "activity": {
            "over": {"value": "hours_each - rest", "unit": "h"},
            "step": {"lookup": "grades", "by": {"grade": "grade"}},
        }
    },
    "measures": {"all_over": {"sum": "over", "of": "activity", "unit": "h"}},
    "relations": {"long_one": {"rows": "activity", "where": "over > 0"}},
    "rules": [
        {"id": "no-more", "for_each": "activity", "requires": "over <= 0", "message": "{over} over {rest} h"},
        {"id": "none-at-all", "for_each": "plan", "requires": "all_over <= 0", "message": "{all_over} h"},
        {"id": "not-long", "for_each": "long_one", "applies": "step > 1", "requires": "is_flexible"},
        {"id": "with-the-law", "for_each": "plan", "requires": "hours <= most", "message": "{hours} h"},
    ],
}


def test_its_own_rules_are_judged_beside_the_laws(tmp_path: Path) -> None:
    found = judged(tmp_path, **OWN)
    assert {"no-more", "none-at-all", "not-long", "with-the-law", "band-paid"} <= set(verdicts(found))
    assert finding(found, "no-more").message.text == "1 over 2 h"
    assert finding(found, "none-at-all").message.text == "1 h"
    assert verdicts(found)["with-the-law"] == "satisfied"
    assert verdicts(found)["not-long"] == "unknown"


def test_its_own_rules_are_local_and_cautions(tmp_path: Path) -> None:
    found = finding(judged(tmp_path, **OWN), "no-more")
    assert (found.force, found.severity, found.topic) == ("local", "caution", "overlay")
    assert agreed(found) == {"rest": "trust"}


@pytest.mark.parametrize("force", ["contract", "statute", "agreed_guidance"])
def test_a_local_rule_cannot_speak_with_the_laws_force(tmp_path: Path, force: str) -> None:
    rule = {**OWN["rules"][0], "force": force}
    text = broken(overlaid(tmp_path, **{**OWN, "rules": [rule, *OWN["rules"][1:]]}))
    assert f"error[wrong-force]: expected `local`, found `{force}`" in text


@pytest.mark.parametrize(("force", "severity"), [("recommendation", "advice"), ("information", "note")])
def test_a_local_rule_may_bind_by_less(tmp_path: Path, force: str, severity: str) -> None:
    rule = {**OWN["rules"][0], "force": force}
    found = judged(tmp_path, **{**OWN, "rules": [rule, *OWN["rules"][1:]]})
    assert finding(found, "no-more").severity == severity


def test_its_own_measures_are_in_the_report(tmp_path: Path) -> None:
    values = {item.name: (item.value, item.unit) for item in judged(tmp_path, **OWN).measures}
    assert values["all_over"] == (1.0, "h")
    assert values["hours"] == (3.0, "h")


def test_its_own_sources_are_cited_with_what_was_seen(tmp_path: Path) -> None:
    parts = {**OWN, "rules": [{**rule, "cites": [AGREED]} for rule in OWN["rules"]], "sources": SOURCES}
    data = report_data(judged(tmp_path, **parts))
    (told,) = [f for f in data["findings"] if f["rule"] == "no-more"]
    assert told["citations"][0]["text"] == (
        "section 5, Local agreement · local · original seen · confidence high"
    )


def test_it_may_ask_for_statements_of_its_own(tmp_path: Path) -> None:
    rule = {"id": "parking", "for_each": "plan", "requires": "attested('can-park')"}
    of = overlaid(tmp_path, attests={"can-park": "the doctor can park"}, rules=[rule])
    stated = {"about": "can-park", "holds": True, "by": "doctor", "stated_on": "2024-01-01", "until": "none"}
    assert verdicts(report(of, plan(attestations=[stated])))["parking"] == "satisfied"
    told = finding(report(of, plan(attestations=[])), "parking").message.text
    assert told == "cannot be judged: no valid attestation says whether the doctor can park"


@pytest.mark.parametrize(
    "parts",
    [
        {"rules": [{"id": "band-paid", "for_each": "on_call", "requires": "true"}]},
        {"measures": {"hours": {"value": "0", "unit": "h"}}},
        {"columns": {"on_call": {"due": {"value": "supplement_percent", "unit": "percent"}}}},
        {"sources": {"law": {"title": "Another law", "seen": "original"}}},
    ],
)
def test_nothing_of_the_law_is_put_aside(tmp_path: Path, parts: dict[str, Any]) -> None:
    text = broken(overlaid(tmp_path, **parts))
    assert "overlay.yaml:" in text


# --- several overlays ----------------------------------------------------------------------------


def two(folder: Path, first: dict[str, Any], second: dict[str, Any]) -> Policies:
    overlays = [write_overlay(folder, "trust", **first), write_overlay(folder, "department", **second)]
    return policies(folder, TOPIC, overlays=overlays)


def test_two_overlays_are_laid_one_upon_the_other(tmp_path: Path) -> None:
    tariff = {"tariff": {"values": [{"from": "2024-01-01", "value": 0.5}]}}
    found = report(two(tmp_path, {"parameters": notice(8)}, {"parameters": tariff}), plan(**PLAN))
    assert found.overlays == ("trust", "department")
    assert agreed(finding(found, "notice-long")) == {"notice": "trust"}
    assert agreed(finding(found, "tariff-kept")) == {"tariff": "department"}


@pytest.mark.parametrize(
    ("as_of", "text", "who"),
    [
        ("2024-03-01", "6 of 8 weeks", "trust"),
        ("2024-06-01", "6 of 10 weeks", "department"),
        ("2024-09-01", "6 of 8 weeks", "trust"),
    ],
)
def test_the_overlay_laid_last_goes_before_while_its_days_last(
    tmp_path: Path, as_of: str, text: str, who: str
) -> None:
    last = notice(10, "2024-06-01", until="2024-09-01")
    found = report(two(tmp_path, {"parameters": notice(8)}, {"parameters": last}), plan(**PLAN), as_of=as_of)
    assert finding(found, "notice-long").message.text == text
    assert agreed(finding(found, "notice-long")) == {"notice": who}


def test_rows_of_both_hold_and_may_not_meet(tmp_path: Path) -> None:
    other = {"kind": "A", "one_in": [4.01, 4.99], "percent": 8}
    of = two(tmp_path / "a", {"tables": bands(BETWEEN)}, {"tables": bands(other)})
    assert finding(report(of, plan(**PLAN)), "band-paid").message.text == "3 of 5 %"
    text = broken(two(tmp_path / "b", {"tables": bands(BETWEEN)}, {"tables": bands(BETWEEN)}))
    assert "`bands` has a row" in text


def test_the_waivers_of_both_count(tmp_path: Path) -> None:
    group = {"reason": "r", "agreed_by": ["local_agreement"], "until": "none"}
    first = {"waivers": [{"rule": "band-paid", **group}]}
    second = {"waivers": [{"rule": "tariff-kept", **group}]}
    found = report(two(tmp_path, first, second), plan(**PLAN))
    assert [(w.rule, w.origin) for w in found.waivers] == [
        ("band-paid", "overlay trust"),
        ("tariff-kept", "overlay department"),
    ]


def test_two_overlays_of_one_name_are_refused(tmp_path: Path) -> None:
    overlays = [write_overlay(tmp_path / "a", "trust"), write_overlay(tmp_path / "b", "trust")]
    assert "`trust`" in broken(policies(tmp_path, TOPIC, overlays=overlays))


def test_an_overlay_changes_the_digest_and_nothing_for_others(tmp_path: Path) -> None:
    bare = report(policies(tmp_path / "a", TOPIC), plan(**PLAN))
    with_one = judged(tmp_path / "b", parameters=notice(8))
    again = report(policies(tmp_path / "c", TOPIC), plan(**PLAN))
    assert bare.policy_digest == again.policy_digest != with_one.policy_digest
    assert verdicts(bare) == verdicts(again)
    assert verdict(with_one, "notice-long").verdict == "violated"


def test_a_folder_without_rule_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert "no rule files" in broken(policies(tmp_path, TOPIC, overlays=[tmp_path / "nothing"]))
