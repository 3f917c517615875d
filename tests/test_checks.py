"""A policy whose parts do not fit is refused when it is read, each fault at a place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from small import POLICY, small_policies, texts

from jobplan.errors import BrokenPolicy
from jobplan.facts import fact_schema

SCHEMA = fact_schema(
    {
        "plan": {"x": "number", "y": "number", "t": "truth", "u": "truth", "d": "date", "s": "text"},
        "act": {"n": "number", "t": "truth", "l": "list", "d": "date"},
        "kid": {"parent": "act", "m": "number"},
    }
)


def value(expression: str) -> dict[str, Any]:
    return {"value": expression}


def rule(id: str, requires: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "for_each": "plan", "requires": requires, **more}


def rests_on(id: str, other: str) -> dict[str, Any]:
    return rule(id, "t", applies=f"verdict('{other}') = 'satisfied'")


MERGED = {"merge": "act", "opens": "n", "closes": "n + 1"}
SPANS = {"columns": {"act": {"opens": value("n"), "closes": value("n + 1")}}}

PAIRED = {"pairs": {"a": "act", "b": "act"}, "where": "a.n = b.n"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # names
    "a column that hides a fact": ({"columns": {"act": {"n": value("1")}}}, "same-name"),
    "a column that hides a measure": (
        {"columns": {"act": {"q": value("1")}}, "measures": {"q": value("1")}},
        "same-name",
    ),
    "a column that hides a parameter": (
        {
            "columns": {"act": {"q": value("1")}},
            "parameters": {"q": {"values": [{"from": "2000-01-01", "value": 1}]}},
        },
        "same-name",
    ),
    "a column that hides the id": ({"columns": {"act": {"id": value("n")}}}, "same-name"),
    "a measure that a fact hides": (
        {"measures": {"x": value("1")}},
        "same-name",
    ),
    "a measure that hides today": ({"measures": {"today": value("d")}}, "same-name"),
    "a parameter that a fact hides": (
        {"parameters": {"x": {"values": [{"from": "2000-01-01", "value": 1}]}}},
        "same-name",
    ),
    "a measure and a parameter of one name": (
        {"parameters": {"q": {"unset": "no"}}, "measures": {"q": value("1")}},
        "same-name",
    ),
    "a derived relation that takes a relation's place": (
        {"relations": {"act": {"rows": "kid", "where": "m > 1"}}},
        "same-name",
    ),
    "a derived relation that takes the plan's place": (
        {"relations": {"plan": {"rows": "act", "where": "n > 1"}}},
        "same-name",
    ),
    # circles
    "a rule that rests on itself": ({"rules": [rests_on("a", "a")]}, "circle"),
    "rules that rest on each other": (
        {"rules": [rests_on("a", "b"), rests_on("b", "a")]},
        "circle",
    ),
    "three rules in a circle": (
        {"rules": [rests_on("a", "b"), rests_on("b", "c"), rests_on("c", "a")]},
        "circle",
    ),
    "relations in a circle": (
        {"relations": {"ra": {"rows": "rb", "where": "n > 1"}, "rb": {"rows": "ra", "where": "n > 1"}}},
        "circle",
    ),
    "a column in a circle with a relation": (
        {
            "columns": {"act": {"q": {"count": "true", "of": "ra"}}},
            "relations": {"ra": {"rows": "act", "where": "q > 1"}},
        },
        "circle",
    ),
    "a measure in a circle with a relation": (
        {
            "measures": {"q": {"count": "true", "of": "ra"}},
            "relations": {"ra": {"rows": "act", "where": "q > 1"}},
        },
        "circle",
    ),
    "measures in a circle": ({"measures": {"q": value("r"), "r": value("q")}}, "circle"),
    "a stated figure in a circle": (
        {"measures": {"q": {"sum": "n", "of": "act", "as_stated": "r"}, "r": value("q")}},
        "circle",
    ),
    # verdicts
    "a verdict of no rule": ({"rules": [rests_on("a", "nobody")]}, "unknown-rule"),
    "a verdict of a rule on no relation": (
        {"rules": [rests_on("a", "b"), rule("b", "t", for_each="nope")]},
        "unknown-relation",
    ),
    "a verdict that is unknown": (
        {"rules": [rule("a", "t"), rule("b", "verdict('a') = 'unknown'")]},
        "unknown-option",
    ),
    "a verdict in a measure": (
        {"rules": [rule("a", "t")], "measures": {"q": value("verdict('a') = 'satisfied'")}},
        "verdict-misplaced",
    ),
    "a verdict of a rule on other rows": (
        {
            "rules": [
                rule("a", "n > 1", for_each="act"),
                rule("b", "verdict('a') = 'satisfied'", for_each="slot"),
            ],
            "relations": {"slot": {"union": {"act": {"q": "n"}}}},
        },
        "unknown-rule",
    ),
    "a verdict of a rule that looks at what is recorded": (
        {"rules": [rule("a", "recorded(d)"), rests_on("b", "a")]},
        "recorded-misplaced",
    ),
    "such a verdict in two steps": (
        {"rules": [rule("a", "recorded(d)"), rests_on("b", "c"), rests_on("c", "a")]},
        "recorded-misplaced",
    ),
    # recorded and none
    "recorded in a column": ({"columns": {"act": {"q": value("recorded(n)")}}}, "recorded-misplaced"),
    "recorded in a measure": ({"measures": {"q": value("recorded(x)")}}, "recorded-misplaced"),
    "recorded in applies": ({"rules": [rule("a", "t", applies="recorded(x)")]}, "recorded-misplaced"),
    "recorded in a where": (
        {"measures": {"q": {"count": "recorded(n)", "of": "act"}}},
        "recorded-misplaced",
    ),
    "recorded brought beneath not": (
        {
            "common": [
                {
                    "id": "c",
                    "for_each": "plan",
                    "takes": {"q": "truth"},
                    "requires": "not q",
                    "message": "not so",
                }
            ],
            "adopts": [{"rule": "c", "id": "a", "with": {"q": "recorded(x)"}}],
        },
        "recorded-misplaced",
    ),
    "recorded of what a union makes": (
        {
            "relations": {"slot": {"union": {"act": {"q": "n"}}}},
            "rules": [rule("a", "recorded(q)", for_each="slot")],
        },
        "not-a-fact",
    ),
    "none of what a union makes": (
        {
            "relations": {"slot": {"union": {"act": {"q": "n"}}}},
            "rules": [rule("a", "none(q)", for_each="slot")],
        },
        "not-a-fact",
    ),
    # aggregates
    "a sum of truths": ({"measures": {"q": {"sum": "t", "of": "act"}}}, "wrong-kind"),
    "an average of dates": (
        {"measures": {"q": {"average": "d", "of": "act", "if_none": "d"}}},
        "wrong-kind",
    ),
    "the least of truths": (
        {"measures": {"q": {"min": "t", "of": "act", "if_none": "t"}}},
        "wrong-kind",
    ),
    "the least without a value for none": ({"measures": {"q": {"min": "n", "of": "act"}}}, "missing-field"),
    "the least with a text for none": (
        {"measures": {"q": {"min": "n", "of": "act", "if_none": "'a'"}}},
        "wrong-kind",
    ),
    "the least day with a number for none": (
        {"measures": {"q": {"min": "d", "of": "act", "if_none": 3}}},
        "wrong-kind",
    ),
    "a sum with a value for none": (
        {"measures": {"q": {"sum": "n", "of": "act", "if_none": 0}}},
        "unknown-field",
    ),
    "any with a value for none": (
        {"measures": {"q": {"any": "t", "of": "act", "if_none": True}}},
        "unknown-field",
    ),
    "a count of numbers": ({"measures": {"q": {"count": "n", "of": "act"}}}, "wrong-kind"),
    "an aggregate of nothing": ({"measures": {"q": {"count": "true", "of": "nope"}}}, "unknown-relation"),
    "a stated figure of another kind": (
        {"measures": {"q": {"sum": "n", "of": "act", "as_stated": "s"}}},
        "wrong-kind",
    ),
    # derived relations
    "entries of a number": ({"relations": {"e": {"each": "n", "of": "act", "as": "k"}}}, "wrong-kind"),
    "spans within no parent": (
        {"relations": {"m": {**MERGED, "within": "kid"}}},
        "unknown-relation",
    ),
    "spans within nothing": (
        {"relations": {"m": {**MERGED, "within": "nope"}}},
        "unknown-relation",
    ),
    "spans from a number to a date": (
        {"relations": {"m": {"merge": "act", "opens": "n", "closes": "d"}}},
        "wrong-kind",
    ),
    "spans of texts": (
        {"relations": {"m": {"merge": "act", "opens": "s", "closes": "s"}}},
        "wrong-kind",
    ),
    "dates on a circle": (
        {"relations": {"m": {"merge": "act", "opens": "d", "closes": "d", "circle": 7}}},
        "wrong-kind",
    ),
    "gaps of what has no ends": (
        {"relations": {"g": {"gaps": "act", "between": ["0", "9"]}}},
        "missing-field",
    ),
    "gaps of minutes between dates": (
        {**SPANS, "relations": {"g": {"gaps": "act", "between": ["d", "d"]}}},
        "wrong-kind",
    ),
    "gaps between nothing": ({**SPANS, "relations": {"g": {"gaps": "act"}}}, "missing-field"),
    "a gap that is a text": ({"relations": {"m": {**MERGED, "gap": "'a'"}}}, "wrong-kind"),
    "a union of numbers and truths": (
        {"relations": {"m": {"union": {"act": {"q": "n"}, "kid": {"q": "t"}}}}},
        "wrong-kind",
    ),
    "a union with a column missing": (
        {"relations": {"m": {"union": {"act": {"q": "n"}, "kid": {"r": "m"}}}}},
        "union-columns",
    ),
    "pairs without a condition": ({"relations": {"m": {"pairs": {"a": "act", "b": "act"}}}}, "missing-field"),
    "a union of pairs": (
        {"relations": {"c": PAIRED, "m": {"union": {"c": {"q": "1"}}}}},
        "wrong-kind",
    ),
    "spans of pairs": (
        {"relations": {"c": PAIRED, "m": {"merge": "c", "opens": "1", "closes": "2"}}},
        "wrong-kind",
    ),
    "a column of pairs with the name of one row": (
        {"relations": {"c": PAIRED}, "columns": {"c": {"a": value("1")}}},
        "same-name",
    ),
    # adoption and messages
    "an argument of another kind": (
        {
            "common": [
                {
                    "id": "c",
                    "for_each": "plan",
                    "takes": {"q": "truth"},
                    "requires": "q or t",
                    "message": "not so",
                }
            ],
            "adopts": [{"rule": "c", "id": "a", "with": {"q": "x"}}],
        },
        "wrong-kind",
    ),
    "an argument that is missing": (
        {
            "common": [
                {"id": "c", "for_each": "plan", "takes": {"q": "truth"}, "requires": "q", "message": "not so"}
            ],
            "adopts": [{"rule": "c", "id": "a", "with": {}}],
        },
        "missing-argument",
    ),
    "a message that asks for nothing": ({"rules": [rule("a", "t", message="{zz} is wrong")]}, "unknown-name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    topic, code = REFUSED[name]
    problems = refused(topic, tmp_path)
    assert code in [problem.code for problem in problems], texts(problems)
    assert all(problem.span is not None for problem in problems)


def refused(topic: Mapping[str, Any], folder: Path) -> Any:
    with pytest.raises(BrokenPolicy) as caught:
        small_policies(folder, SCHEMA, topic).checked(POLICY)
    return caught.value.problems


def test_a_row_may_have_a_name_that_its_parent_has(tmp_path: Path) -> None:
    topic = {"columns": {"act": {"q": value("n")}, "kid": {"q": value("m"), "n": value("m")}}}
    checked = small_policies(tmp_path, SCHEMA, topic).checked(POLICY)
    assert set(checked.columns) == {("act", "q"), ("kid", "q"), ("kid", "n")}


def test_what_an_argument_brings_is_not_put_in_twice(tmp_path: Path) -> None:
    """`x` of the logic is the contract's `y`, and the contract's `x` its own."""
    common = {
        "id": "c",
        "for_each": "plan",
        "takes": {"x": "number", "y": "number"},
        "requires": "x > y",
        "message": "not so",
    }
    topic = {"common": [common], "adopts": [{"rule": "c", "id": "a", "with": {"x": "y", "y": "x"}}]}
    checked = small_policies(tmp_path, SCHEMA, topic).checked(POLICY)
    assert checked.rules["a"].requires.sql() == "y > x"
