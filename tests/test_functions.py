"""The page on functions is current, and what it shows is what comes out, however it is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small import DAY, POLICY, judge, small_policies, verdicts_by_row

from jobplan.authoring.functions_page import functions_page
from jobplan.backends.judging import Worked, work
from jobplan.evaluate import Evaluator
from jobplan.expression.functions import FUNCTIONS
from jobplan.expression.interpret import Interpreter
from jobplan.facts import FactSchema, fact_schema

PAGE = Path(__file__).parents[1] / "docs" / "functions.md"
DAY_OF = re.compile(r"date_of\('(\d{4}-\d\d-\d\d)'\)")

EXAMPLES = [example for function in FUNCTIONS.values() for example in function.examples]
SHOWN = [shown for function in FUNCTIONS.values() for shown in function.shown]
DAYS = sorted({day for expression, _ in EXAMPLES for day in DAY_OF.findall(expression)})


def name_of(day: str) -> str:
    return f"day_{day.replace('-', '_')}"


def schema() -> FactSchema:
    """A plan whose facts are the days of the examples, and one more day."""
    return fact_schema({"plan": {**{name_of(day): "date" for day in DAYS}, "signed_on": "date"}})


STATED = {"about": "all-read-it", "by": ["all"], "stated_on": "2024-01-01", "until": "none"}
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "signed_on: 2024-02-01": {"signed_on": "2024-02-01"},
    "signed_on: none": {"signed_on": "none"},
    "no signed_on": {},
    "no signed_on, from a source without it": {"source": {"carries": {"plan": []}}},
    "signed_on, unreadable": {"unreadable": {"signed_on": "sometime"}},
    "signed_on: 2024-02-01 or 2024-03-01": {"signed_on": {"either": ["2024-02-01", "2024-03-01"]}},
    "attested that it holds": {"attestations": [{**STATED, "holds": True}]},
    "attested that it does not hold": {"attestations": [{**STATED, "holds": False}]},
    "attested, and ended before today": {"attestations": [{**STATED, "holds": True, "until": "2024-02-01"}]},
    "no attestation": {},
}
"""What the page calls what is given, as plans say it."""


def test_the_page_is_what_the_table_of_functions_says() -> None:
    assert PAGE.read_text("utf-8") == functions_page(), "run python tools/write_functions.py"


def test_every_function_has_an_example() -> None:
    assert [f.name for f in FUNCTIONS.values() if not f.examples and not f.shown] == []


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """A plan with every example as a measure."""
    measures = {
        f"m{number}": {"value": DAY_OF.sub(lambda found: name_of(found[1]), expression)}
        for number, (expression, _) in enumerate(EXAMPLES)
    }
    policies = small_policies(tmp_path_factory.mktemp("examples"), schema(), {"measures": measures})
    plan = Evaluator(policies, "reference").read({"id": "p", **{name_of(day): day for day in DAYS}})
    return work(policies.program(POLICY, DAY), plan, DAY)


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[expression for expression, _ in EXAMPLES])
def test_an_example_gives_what_the_page_says(measured: Worked, number: int) -> None:
    checked = measured.program.checked.measures[f"m{number}"]
    interpreter = Interpreter(measured.program, measured.relations, measured.measures, DAY, {})
    stepped = interpreter.value(checked.trees["value"], measured.root)
    found = measured.measures[f"m{number}"]
    assert shown(found, checked.type.kind) == EXAMPLES[number][1]
    assert shown(stepped, checked.type.kind) == EXAMPLES[number][1]


def shown(value: Any, kind: str) -> str:
    """Return a value as the page writes it."""
    if value is None:
        return "unknown"
    if kind == "date":
        return date.fromordinal(value).isoformat()
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


ASKED = [pytest.param(*example, engine, id=f"{example[0]}: {example[1]} by {engine}")
         for example in SHOWN for engine in ("reference", "rete")]  # fmt: skip


@pytest.mark.parametrize(("given", "expression", "result", "engine"), ASKED)
def test_what_is_given_decides_as_the_page_says(
    tmp_path: Path, given: str, expression: str, result: str, engine: str
) -> None:
    if engine == "rete":
        pytest.importorskip("durable_rules_engine")
    rules = [
        {"id": "is-signed", "for_each": "plan", "requires": "not none(signed_on)"},
        {"id": "example", "for_each": "plan", "requires": expression},
    ]
    attests = {"all-read-it": "all have read it"}
    policies = small_policies(tmp_path, schema(), {"rules": rules, "attests": attests})
    found = verdicts_by_row(judge(Evaluator(policies, engine), GIVEN[given]))
    assert found["example", "p"] == {"true": "satisfied", "false": "violated", "unknown": "unknown"}[result]
