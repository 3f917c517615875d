"""Tables of truth: what each operator, function, aggregate and derived relation gives.

`truth/*.csv` hold an expression, the facts of a plan, and what comes of them: a value, or `unknown`. Every
line is worked out by the compiled program and read by the interpreter; a condition is also judged as the
requirement of a rule, by every back end. `refused.csv` holds what is no expression, and words of the message.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from agreement import Again, alike, differences, interpreter
from small import DAY, POLICY, judge, small_policies

from jobplan.backends.judging import ENGINES, work
from jobplan.backends.rete import AVAILABLE
from jobplan.errors import BrokenPolicy
from jobplan.evaluate import Evaluator
from jobplan.expression.runtime import rounded
from jobplan.facts import fact_schema
from jobplan.source import read_document

FOLDER = Path(__file__).parent / "truth"
SCHEMA = fact_schema(
    {
        "plan": {
            "x": "number", "y": "number", "z": "number", "t": "truth", "u": "truth", "v": "truth",
            "d": "date", "e": "date", "s": "text", "r": "text", "w": "weekday", "c": "clock", "l": "list",
            "hours": "number h", "minutes": "number min",
        },
        "act": {
            "n": "number", "o": "number", "t": "truth", "s": "text", "d": "date", "e": "date", "l": "list",
        },
        "kid": {"parent": "act", "m": "number", "p": "number", "t": "truth"},
    }
)  # fmt: skip
COLUMNS = {
    "plan": {"doubled": {"value": "x * 2"}},
    "act": {
        "third": {"value": "n / 3"},
        "kids_m": {"sum": "m", "of": "kid"},
        "same": {"count": "s = this.s", "of": "act"},
        "opens": {"value": "n"},
        "closes": {"value": "o"},
    },
    "kid": {"opens": {"value": "m"}, "closes": {"value": "p"}},
    "clash": {"equal": {"value": "a.n = b.n"}},
}
RELATIONS = {
    "clash": {"pairs": {"a": "act", "b": "act"}, "where": "a.s = b.s"},
    "big": {"rows": "act", "where": "n > 2"},
    "entry": {"each": "l", "of": "act", "as": "item"},
    "both": {"union": {"act": {"q": "n"}, "kid": {"q": "m"}}},
    "span": {"merge": "act", "opens": "n", "closes": "o"},
    "equals": {"rows": "clash", "where": "equal"},
}
TABLES = {
    "band": {
        "by": ["class", "one_in"],
        "gives": "percent",
        "rows": [
            {"class": "A", "one_in": [1, 4], "percent": 8},
            {"class": "A", "one_in": [5, None], "percent": 5},
            {"class": "B", "one_in": [None, 4], "percent": 3},
            {"class": "B", "one_in": 5, "percent": 2.5},
            {"class": "C", "one_in": [1, 4], "percent": 1, "until": "2024-06-01"},
            {"class": "D", "one_in": [1, 4], "percent": 1, "from": "2024-06-01"},
        ],
    },
    "yes": {
        "by": ["is_so"],
        "gives": "word",
        "rows": [{"is_so": True, "word": "a"}, {"is_so": False, "word": "b"}],
    },
    "truths": {"by": ["n"], "gives": "holds", "rows": [{"n": 1, "holds": True}, {"n": 2, "holds": False}]},
    "hours": {
        "windows": "week",
        "rows": [
            {"days": [1, 2, 3, 4, 5], "opens": "00:00", "closes": "07:00"},
            {"days": [1, 2, 3, 4, 5], "opens": "19:00", "closes": "24:00"},
            {"days": [6, 7, 8], "opens": "00:00", "closes": "24:00"},
            {"days": [2], "opens": "12:00", "closes": "13:00", "unsettled": "lunch was not read"},
            {"days": [3], "opens": "12:00", "closes": "13:00", "until": "2024-06-01"},
            {"days": [4], "opens": "12:00", "closes": "13:00", "from": "2024-06-01"},
        ],
    },
}
SHARED = {
    "attests": {"done": "Whether it is done", "else": "Something else"},
    "tables": TABLES,
    "columns": COLUMNS,
    "relations": RELATIONS,
}


@dataclass(frozen=True)
class Line:
    """One line of a table; `name` is what its expression is called in the policy."""

    table: str
    name: str
    expression: str
    facts: Mapping[str, Any]
    expected: str


def lines_of(table: str) -> list[Line]:
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file, delimiter=";")
    return [
        Line(table, f"q{number}", row[0], flow(row[1]), row[-1]) for number, row in enumerate(rows, start=2)
    ]


@cache
def flow(text: str) -> Any:
    """Return what a flow mapping says; what is none (a message) is empty."""
    return read_document("facts.yaml", text).data if text.startswith("{") else {}


def lines(*tables: str) -> list[Line]:
    return [line for table in tables for line in lines_of(table)]


def params(*tables: str) -> list[Any]:
    return [
        pytest.param(line, id=f"{line.table}.csv:{line.name[1:]}: {line.expression}")
        for line in lines(*tables)
    ]


def value_of(written: str) -> Any:
    """Return what a table expects: a number, a truth, a quoted text, a day as an ordinal, or None."""
    if written in ("unknown", "true", "false"):
        return {"unknown": None, "true": True, "false": False}[written]
    if written.startswith("'"):
        return written.strip("'")
    return date.fromisoformat(written).toordinal() if written.count("-") == 2 else float(written)


# --- expressions ----------------------------------------------------------------------------

EXPRESSIONS = ("logic", "numbers", "dates", "case", "absence")


def is_requirement(line: Line) -> bool:
    return line.expected in ("true", "false") or any(
        other.expected in ("true", "false")
        for other in lines_of(line.table)
        if other.expression == line.expression
    )


@pytest.fixture(scope="module")
def evaluators(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return evaluators of the policy that a table makes, its expressions as measures and rules."""

    @cache
    def made(table: str) -> dict[str, Evaluator]:
        lines = lines_of(table)
        measures = {
            line.name: {"value": line.expression} for line in lines if "recorded" not in line.expression
        }
        rules = [
            {"id": line.name, "for_each": "plan", "requires": line.expression}
            for line in lines
            if is_requirement(line)
        ]
        topic = {**SHARED, "measures": measures, "rules": rules}
        policies = small_policies(tmp_path_factory.mktemp(table), SCHEMA, topic)
        return {engine: Evaluator(policies, engine) for engine in ENGINES if engine != "rete" or AVAILABLE}

    return made


@pytest.mark.parametrize("line", params(*EXPRESSIONS))
def test_an_expression_gives_its_value(line: Line, evaluators: Any) -> None:
    evaluator = evaluators(line.table)["reference"]
    worked = judge(evaluator, line.facts).worked
    wanted = value_of(line.expected)
    if line.name in worked.measures:
        found = worked.measures[line.name]
        assert alike(found, wanted), f"compiled: {found!r}"
        tree = worked.program.checked.measures[line.name].trees["value"]
        read = interpreter(worked).value(tree, worked.root)
        again = rounded(read) if isinstance(read, float) else read
        assert alike(again, wanted), f"interpreted: {read!r}"
    if is_requirement(line):
        rule = worked.program.checked.rules[line.name]
        assert alike(interpreter(worked).value(rule.requires, worked.root), wanted)
        assert "`" not in "".join(reason.text for reason in reasons(evaluator, line))
        for engine, other in evaluators(line.table).items():
            verdict = judge(other, line.facts).verdicts()[line.name]
            assert verdict == {True: "satisfied", False: "violated", None: "unknown"}[wanted], engine


def reasons(evaluator: Evaluator, line: Line) -> Sequence[Any]:
    """Return why a rule is unknown; an unknown verdict has a reason."""
    judged = judge(evaluator, line.facts)
    (judgement,) = [j for j in judged.judgements if j.rule == line.name]
    assert bool(judgement.reasons) == (judgement.verdict == "unknown")
    return judgement.reasons


def test_every_plan_of_a_table_is_read_alike_by_program_and_interpreter(evaluators: Any) -> None:
    for table in EXPRESSIONS:
        for line in lines_of(table)[::7]:
            assert differences(judge(evaluators(table)["reference"], line.facts).worked) == []


# --- aggregates and derived relations -------------------------------------------------------


FORMULAS = ("aggregates", "tables")


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    measures = {f"{line.table}_{line.name}": flow(line.expression) for line in lines(*FORMULAS)}
    on_plan = {"on_plan": {"sum": "n", "of": "act"}}
    columns = {**COLUMNS, "plan": {**COLUMNS["plan"], **on_plan}}
    topic = {**SHARED, "columns": columns, "measures": measures}
    return Evaluator(small_policies(tmp_path_factory.mktemp("formulas"), SCHEMA, topic), "reference")


@pytest.mark.parametrize("line", params(*FORMULAS))
def test_an_aggregate_or_table_gives_its_value(line: Line, formulas: Evaluator) -> None:
    worked = judge(formulas, line.facts).worked
    name = f"{line.table}_{line.name}"
    checked, found, wanted = (
        worked.program.checked.measures[name],
        worked.measures[name],
        value_of(line.expected),
    )
    assert alike(found, wanted), f"compiled: {found!r}"
    assert alike(Again(worked).formula(checked, worked.root), wanted)
    assert wanted is not None or list(interpreter(worked).why_formula(checked, worked.root)), "no reason"


def test_a_column_of_the_plan_over_rows_that_are_not_given_is_unknown(formulas: Evaluator) -> None:
    """Every row belongs to the plan, but none is a child row of it."""
    found = [judge(formulas, facts).worked for facts in ({}, {"act": []}, {"act": [{"n": 1}, {"n": 2}]})]
    assert [worked.root["on_plan"] for worked in found] == [None, 0.0, 3.0]
    assert [differences(worked) for worked in found] == [[], [], []]


@pytest.fixture(scope="module")
def relations(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    shared = {"free": {"rows": "act", "where": "true"}, "kid_free": {"rows": "kid", "where": "true"}}
    made = {line.name: flow(line.expression) for line in lines_of("relations")}
    topic = {"columns": COLUMNS, "relations": {**RELATIONS, **shared, **made}}
    return Evaluator(small_policies(tmp_path_factory.mktemp("relations"), SCHEMA, topic), "reference")


@pytest.mark.parametrize("line", params("relations"))
def test_a_derived_relation_has_its_rows(line: Line, relations: Evaluator) -> None:
    """Rows are told by id, spans by their ends; `?`: it may not exist; `…`: there may be more."""
    plan = relations.read({"id": "p", **line.facts})
    worked = work(relations.policies.program(POLICY, DAY), plan, DAY)
    relation = worked.relations[line.name]
    shown = [row_shown(row) for row in relation.rows]
    whole = Again(worked).whole(line.name)
    assert " ".join([*shown, *([] if whole else ["…"])]) == line.expected
    assert bool(list(interpreter(worked).why_open(line.name))) == (not whole)


def row_shown(row: Any) -> str:
    if row.id.startswith("p["):
        return "..".join(end_shown(row[end]) for end in ("opens", "closes"))
    return f"{row.id}?" if row["maybe"] else str(row.id)


def end_shown(end: float) -> str:
    return date.fromordinal(end).isoformat() if isinstance(end, int) else f"{end:g}"


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("line", params("refused"))
def test_what_is_no_expression_is_refused_with_its_place(line: Line, tmp_path: Path) -> None:
    rule = {"id": "r", "for_each": "plan", "requires": line.expression}
    policies = small_policies(tmp_path, SCHEMA, {**SHARED, "rules": [rule]})
    with pytest.raises(BrokenPolicy) as caught:
        policies.checked(POLICY)
    (problem, *_) = caught.value.problems
    assert line.expected in problem.message
    assert problem.span is not None
    for internal in ("Token", "sqlglot", "exp.", "recursion", "Error"):
        assert internal not in problem.message


def test_what_is_nested_too_deep_is_refused_before_the_parser_is_lost(tmp_path: Path) -> None:
    deep = {
        "brackets": "(" * 21 + "t" + ")" * 21,
        "functions": "abs(" * 21 + "x" + ")" * 21 + " > 1",
        "cases": "case when t then " * 21 + "u" + " end" * 21,
        "not": "not " * 21 + "t",
        "minus": "- " * 21 + "x > 1",
        "not and brackets": "not (" * 11 + "t" + ")" * 11,
        "a long sum": " + ".join(["x"] * 150) + " > 1",
        "a long condition": " and ".join(["t"] * 150),
        "a long text": "s = '" + "a" * 2000 + "'",
        "many words": "x in (" + ", ".join(["1"] * 250) + ")",
        "open brackets": "(" * 300,
        "closed brackets": ")" * 300,
    }
    rules = [{"id": f"r{n}", "for_each": "plan", "requires": text} for n, text in enumerate(deep.values())]
    with pytest.raises(BrokenPolicy) as caught:
        small_policies(tmp_path, SCHEMA, {"rules": rules}).checked(POLICY)
    assert len(caught.value.problems) == len(deep)


def test_what_is_just_not_too_deep_runs_from_a_deep_stack(tmp_path: Path) -> None:
    """A server calls from 100 frames down or more, and Python allows 1,000."""
    deep = [
        "(" * 20 + "t" + ")" * 20,
        "abs(" * 20 + "x" + ")" * 20 + " > 1",
        "case when t then " * 20 + "u" + " end" * 20,
        "not (" * 10 + "t" + ")" * 10,
        "not " * 20 + "t",
        "- " * 20 + "x > 1",
        " + ".join(["x"] * 90) + " > 1",
        " and ".join(["t"] * 90),
    ]
    rules = [{"id": f"r{n}", "for_each": "plan", "requires": text} for n, text in enumerate(deep)]
    policies = small_policies(tmp_path, SCHEMA, {"rules": rules})

    def deeper(frames: int) -> Any:
        return deeper(frames - 1) if frames else judge(Evaluator(policies), {"x": 2, "t": True, "u": True})

    assert set(deeper(120).verdicts().values()) == {"satisfied"}
