"""Policies are listed, shown resolved as they stand on a day, and searched."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tiny

from jobplan import JobplanError, Policies
from jobplan.authoring.catalogue import catalogue
from jobplan.authoring.find import Hit, find
from jobplan.authoring.resolved import resolved
from jobplan.expression.parse import parse

TEMPLATE = {
    "id": "within-days",
    "for_each": "dispute",
    "takes": {"reached": "truth", "from_on": "date", "done_on": "date", "days": "number"},
    "applies": "reached",
    "requires": "done_on <= add_days(from_on, days)",
    "message": "late",
}

TOPIC: dict[str, Any] = {
    "parameters": {
        "asking_days": {
            "title": "Days to ask in",
            "unit": "day",
            "values": [{"from": "2000-01-01", "value": 14}, {"from": "2020-01-01", "value": 21}],
            "cites": [tiny.cite("Schedule 4, paragraphs 2 to 4")],
            "facts": ["T-DISP-02"],
        },
        "local_days": {"title": "Days agreed", "unit": "day", "open": True},
    },
    "tables": {
        "bands": {
            "title": "Bands of frequency",
            "by": ["frequency"],
            "gives": "percent",
            "rows": [{"frequency": [1, 4], "percent": 8}, {"frequency": [5, "~"], "percent": 5}],
            "cites": [tiny.cite("Schedule 16, table")],
        }
    },
    "columns": {
        "dispute": {
            "was_asked": {
                "title": "Whether it was asked",
                "value": "not none(referred_on) or stage <> 'open'",
            }
        },
        "on_call": {
            "percent": {
                "title": "Per cent",
                "lookup": "bands",
                "by": {"frequency": "one_in"},
                "unit": "percent",
            }
        },
    },
    "measures": {"asked": {"title": "Disputes asked", "count": "was_asked", "of": "dispute"}},
    "rules": [
        {
            "id": "band-paid",
            "title": "The band is paid",
            "for_each": "on_call",
            "requires": "supplement_percent >= percent",
            "cites": [tiny.cite("Schedule 16, paragraph 5")],
            "facts": ["T-OC-01"],
        },
        {"id": "later", "for_each": "plan", "requires": "full_time", "in_force": {"from": "2025-04-01"}},
    ],
    "adopts": [
        {
            "rule": "within-days",
            "id": "asked-in-time",
            "title": "It is asked in time",
            "with": {
                "reached": "was_asked",
                "from_on": "arose_on",
                "done_on": "referred_on",
                "days": "asking_days",
            },
            "facts": ["T-DISP-01"],
        }
    ],
}


APART = {"rules": [{"id": "apart", "for_each": "plan", "requires": "full_time"}]}


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return tiny.policies(tmp_path, TOPIC, APART, common=[TEMPLATE])


def shown(policies: Policies, choice: str | None = None, on: str = "2024-06-01") -> dict[str, Any]:
    day = date.fromisoformat(on).toordinal()
    checked = policies.checked(tiny.POLICY)
    return resolved(checked, policies.schema, day, choice, str(policies.folder))


# --- the list ----------------------------------------------------------------------------------------


def test_a_policy_is_listed_with_what_it_holds(policies: Policies) -> None:
    cases = {"cases": [{"name": "a case", "rule": "later", "given": {}, "expect": "unknown"}]}
    tiny.write(policies.folder / tiny.POLICY / "topic-0.cases.yaml", cases)
    (listed,) = catalogue(policies)
    assert (listed.id, listed.title, listed.in_force_from) == (tiny.POLICY, "Tiny terms", "2000-01-01")
    assert (listed.rules, listed.cases, listed.facts, listed.overlays) == (4, 1, 4, ())


def test_overlays_laid_on_are_named(tmp_path: Path) -> None:
    overlay = tiny.write_overlay(tmp_path)
    (listed,) = catalogue(tiny.policies(tmp_path, TOPIC, overlays=[overlay], common=[TEMPLATE]))
    assert listed.overlays == ("trust",)


# --- one policy --------------------------------------------------------------------------------------


def test_an_adopted_rule_is_shown_with_what_the_contract_brings_in_place(policies: Policies) -> None:
    (rule,) = shown(policies, "asked-in-time")["rules"]
    assert rule["requires"] == "referred_on <= add_days(arose_on, asking_days)"
    assert rule["applies"] == "was_asked"
    assert rule["adopted"] == "within-days"
    assert rule["with"]["days"] == "asking_days"
    assert rule["sentence"] == (
        "For each dispute: if it was asked, then the day mediation was asked for must be no later than"
        " 21 days after the day agreement failed."
    )


@pytest.mark.parametrize(("on", "days"), [("2019-12-31", 14.0), ("2020-01-01", 21.0)])
def test_parameters_have_their_value_on_the_day(policies: Policies, on: str, days: float) -> None:
    data = shown(policies, "asked-in-time", on)
    assert data["parameters"]["asking_days"]["value"] == days
    assert f"{days:g} days after" in data["rules"][0]["sentence"]


def test_a_rule_is_shown_with_all_that_it_rests_on_and_nothing_else(policies: Policies) -> None:
    data = shown(policies, "band-paid")
    assert [rule["id"] for rule in data["rules"]] == ["band-paid"]
    assert list(data["tables"]) == ["bands"]
    assert data["columns"] == {"on_call": {"percent": data["columns"]["on_call"]["percent"]}}
    assert (data["parameters"], data["measures"]) == ({}, {})
    assert data["rules"][0]["rests_on"] == {
        "facts": ["on_call.one_in", "on_call.supplement_percent"],
        "columns": ["on_call.percent"],
        "tables": ["bands"],
    }


def test_a_table_has_its_rows_in_words(policies: Policies) -> None:
    rows = shown(policies, "band-paid")["tables"]["bands"]["rows"]
    assert rows == [{"frequency": "1 to 4", "percent": 8.0}, {"frequency": "5 or more", "percent": 5.0}]


def test_a_topic_has_its_own_rules_only(policies: Policies) -> None:
    assert [rule["id"] for rule in shown(policies, "topic-1")["rules"]] == ["apart"]


def test_the_whole_policy_says_which_rules_are_not_in_force_that_day(policies: Policies) -> None:
    early, late = shown(policies), shown(policies, on="2025-04-01")
    assert early["not_in_force"] == ["later"]
    assert late["not_in_force"] == []
    assert {rule["id"] for rule in late["rules"]} == {"band-paid", "later", "asked-in-time", "apart"}
    assert list(early["parameters"]) == ["asking_days", "local_days"]
    assert early["parameters"]["local_days"]["why_none"].endswith("none is on record")


def test_a_rule_not_in_force_that_day_is_shown_if_asked_for(policies: Policies) -> None:
    assert shown(policies, "later")["rules"][0]["in_force"] == {"from": "2025-04-01"}


def test_every_condition_shown_can_be_read_again(policies: Policies) -> None:
    for rule in shown(policies)["rules"]:
        assert parse(rule["applies"]) is not None
        assert parse(rule["requires"]) is not None


def test_what_is_neither_rule_nor_topic_is_refused_with_the_likeliest(policies: Policies) -> None:
    with pytest.raises(JobplanError) as refused:
        shown(policies, "bands-paid")
    assert "did you mean `band-paid`?" in str(refused.value)


# --- the search --------------------------------------------------------------------------------------


def hits(policies: Policies, query: str) -> list[Hit]:
    policy = policies.checked(tiny.POLICY).policy
    return find([(policy, policies.folder / tiny.POLICY)], query)


@pytest.mark.parametrize(
    ("query", "first", "others"),
    [
        ("Sch 16", "bands", {"band-paid"}),
        ("Schedule 16, paragraph 5", "band-paid", set()),
        ("Schedule 16 paid", "band-paid", set()),
        ("sch 16 para 5", "band-paid", set()),
        ("Schedule 4 paragraph 3", "asking_days", set()),
        ("Schedule 4 para 5", None, set()),
        ("Schedule 1", None, set()),
        ("Schedule 16 band", "bands", {"band-paid"}),
        ("T-OC-01", "band-paid", set()),
        ("t-oc-01", "band-paid", set()),
        ("T-DISP", "asked-in-time", {"asking_days"}),
        ("band-paid", "band-paid", set()),
        ("bands of frequency", "bands", set()),
        ("asked time", "asked-in-time", set()),
        ("within late", None, set()),
        ("asking_days", "asking_days", set()),
    ],
)
def test_what_fits_is_found_and_the_best_stands_first(
    policies: Policies, query: str, first: str | None, others: set[str]
) -> None:
    found = [hit.id for hit in hits(policies, query)]
    assert (found[0] if found else None) == first, found
    assert set(found[1:]) == others


def test_source_facts_are_found_with_the_reason_of_those_not_encoded(policies: Policies) -> None:
    home = policies.folder / tiny.POLICY
    listed = [{"id": "T-OC-01", "title": "Bands are paid"}, {"id": "T-OC-02", "title": "Why bands are so"}]
    tiny.write(home / "facts.yaml", {"facts": listed})
    reason = {"id": "T-OC-02", "kind": "context", "reason": "It asks nothing."}
    tiny.write(home / "not-encoded.yaml", {"facts": [reason]})
    assert [hit.id for hit in hits(policies, "T-OC-01")] == ["T-OC-01", "band-paid"]
    (fact,) = hits(policies, "T-OC-02")
    assert fact.title == "Why bands are so (not encoded: It asks nothing.)"
