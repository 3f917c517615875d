"""Rules are said in plain sentences that mean what their conditions mean."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny

from jobplan import load_policies
from jobplan.authoring.sentence import Sentences
from jobplan.expression.checked import Checked
from jobplan.expression.parse import parse
from jobplan.expression.unparse import VERDICT, unparse
from jobplan.facts import load_schema
from jobplan.policy.edition import edition_on

DAY = date(2024, 6, 1).toordinal()

PARTS: dict[str, Any] = {
    "parameters": {
        "most_units": {
            "title": "Most units a week",
            "unit": "unit/week",
            "values": [{"from": "2000-01-01", "value": 10}],
        },
        "notice_days": {
            "title": "Days of notice",
            "unit": "day",
            "values": [{"from": "2000-01-01", "value": 14}],
        },
        "local_units": {"title": "Units that both settle", "unit": "unit/week", "open": True},
    },
    "attests": {"all-read-it": "All have read the plan."},
    "columns": {
        "activity": {
            "minutes": {"title": "Minutes of one turn", "value": "ends - starts", "unit": "min"},
            "is_long": {"title": "Whether it is long", "value": "minutes > 240"},
        }
    },
    "measures": {
        "hours": {
            "title": "Hours of all rows",
            "sum": "minutes / 60",
            "of": "activity",
            "where": "is_long",
            "unit": "h",
        },
        "rows": {"title": "Rows in the plan", "count": True, "of": "activity"},
        "any_long": {"title": "Whether any row is long", "any": "is_long", "of": "activity"},
        "first": {
            "title": "Earliest start",
            "min": "starts",
            "of": "activity",
            "if_none": "0",
            "unit": "min",
        },
    },
    "relations": {
        "two": {
            "title": "Two rows at once",
            "pairs": {"a": "activity", "b": "activity"},
            "where": "a.starts = b.starts",
        }
    },
}


def said_of_conditions() -> list[tuple[str, str]]:
    """Return conditions, and what is said of them."""
    with (Path(__file__).parent / "truth" / "sentences.csv").open(encoding="utf-8", newline="") as lines:
        return [(line["requires"], line["says"]) for line in csv.DictReader(lines, delimiter=";")]


def checked_of(tmp_path: Path, *rules: dict[str, Any]) -> Checked:
    """A policy with these rules, and another for `verdict` to ask about."""
    other = {"id": "other", "title": "The other", "for_each": "plan", "requires": "full_time"}
    return tiny.policies(tmp_path, {**PARTS, "rules": [other, *rules]}).checked(tiny.POLICY)


def sentence(tmp_path: Path, **rule: Any) -> str:
    checked = checked_of(tmp_path, {"id": "asked", "for_each": "plan", "requires": "full_time", **rule})
    writer = Sentences(checked, load_schema(), edition_on(checked.policy, DAY))
    return writer.rule(checked.rules["asked"])


@pytest.mark.parametrize(("requires", "said"), said_of_conditions())
def test_a_condition_is_said_as_what_must_be(tmp_path: Path, requires: str, said: str) -> None:
    assert sentence(tmp_path, requires=requires) == f"For the plan: {said}."


def test_a_rule_says_for_whom_and_under_what_condition(tmp_path: Path) -> None:
    said = sentence(
        tmp_path, for_each="activity", applies="is_long and weekday <= 5", requires="starts >= 480"
    )
    assert said == (
        "For each activity: if it is long and the day on which it starts is no later than Friday,"
        " then the clock time at which it starts must be no earlier than 08:00."
    )


def test_rows_of_a_pair_are_told_apart(tmp_path: Path) -> None:
    said = sentence(tmp_path, for_each="two", requires="a.category = b.category")
    assert said == (
        "For each two (two rows at once): the category in the sense of the contract of row a must be"
        " the category in the sense of the contract of row b."
    )


def test_a_rule_with_a_date_of_its_own_says_so(tmp_path: Path) -> None:
    by = {"from": "2020-01-01", "until": "2025-04-01", "by": "progression_on"}
    said = sentence(tmp_path, in_force=by)
    assert said == (
        "For the plan: if the day pay progression is due is no earlier than 2020-01-01 and is before"
        " 2025-04-01, then it must be full time."
    )


@pytest.mark.parametrize(
    ("force", "strength", "said"),
    [
        ("statute", "must", "it must be full time"),
        ("contract", "normally", "it must normally be full time"),
        ("recommendation", "must", "it should be full time"),
    ],
)
def test_a_sentence_asks_as_strongly_as_its_rule(
    tmp_path: Path, force: str, strength: str, said: str
) -> None:
    assert sentence(tmp_path, force=force, strength=strength) == f"For the plan: {said}."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hours", "the sum of the minutes of one turn divided by 60 over each activity where it is long"),
        ("rows", "the number of rows of activity"),
        ("any_long", "whether for some activity: it is long"),
        (
            "first",
            "the least of the clock time at which it starts over each activity; where there is none, 0",
        ),
    ],
)
def test_a_measure_is_said_with_the_rows_that_count(tmp_path: Path, name: str, said: str) -> None:
    checked = checked_of(tmp_path)
    assert Sentences(checked, load_schema()).formula(checked.measures[name]) == said


def test_without_a_day_parameters_are_said_by_name(tmp_path: Path) -> None:
    rule = {"id": "asked", "for_each": "plan", "requires": "contracted_units <= most_units"}
    checked = checked_of(tmp_path, rule)
    said = Sentences(checked, load_schema()).rule(checked.rules["asked"])
    assert said.endswith("must be at most the most units a week.")


# --- the policies as they are ------------------------------------------------------------------------


@cache
def shipped() -> list[Checked]:
    policies = load_policies()
    return [policies.checked(name) for name in policies.names()]


def test_every_rule_of_every_policy_has_a_sentence() -> None:
    for checked in shipped():
        writer = Sentences(checked, load_schema(), edition_on(checked.policy, DAY))
        for rule in checked.rules.values():
            said = writer.rule(rule)
            assert said.startswith("For ")
            assert said.endswith(".")
            assert said.count("(") == said.count(")"), said
            assert "None" not in said
            assert "_" not in said, said


def test_every_column_and_measure_of_every_policy_has_a_sentence() -> None:
    for checked in shipped():
        writer = Sentences(checked, load_schema(), edition_on(checked.policy, DAY))
        for formula in (*checked.columns.values(), *checked.measures.values()):
            assert "None" not in writer.formula(formula)


def test_what_is_written_from_a_tree_is_read_as_the_same_tree() -> None:
    for checked in shipped():
        trees = [tree for rule in checked.rules.values() for tree in (rule.applies, rule.requires)]
        trees += [tree for formula in checked.columns.values() for tree in formula.trees.values()]
        trees += [tree for formula in checked.measures.values() for tree in formula.trees.values()]
        for tree in trees:
            if not any(node.name.startswith(VERDICT) for node in tree.find_all(type(parse("x")))):
                assert parse(unparse(tree)).sql() == tree.sql()
