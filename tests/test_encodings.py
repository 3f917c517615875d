"""Sixteen facts of the sources, as first written down, give the results worked out by hand.

Each stands in `encodings/NN-name.yaml`; beside it `NN-name.cases.yaml` says what comes out. Values are
named `relation.row.column`, or by the measure alone; `unknown` is no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from agreement import differences
from small import judge, ordinal, small_policies, verdicts_by_row

from jobplan.authoring.cases import words
from jobplan.backends.judging import ENGINES
from jobplan.backends.rete import AVAILABLE
from jobplan.evaluate import Evaluator, Judged
from jobplan.expression.editions import Policies
from jobplan.expression.runtime import compared
from jobplan.facts import FactSchema, fact_schema
from jobplan.source import read_document

FOLDER = Path(__file__).parent / "encodings"
CASES = ".cases.yaml"
NAMES = sorted(path.name.removesuffix(CASES) for path in FOLDER.glob(f"*{CASES}"))
RESTS_ON = {"01": ["02"], "02": ["01"], **{key: ["01", "02"] for key in ("04", "13", "15", "16")}}
COLUMNS_OF = {"11": ["01", "02"]}  # the same columns, other parameters
TEAM = ["14"]  # plans of teams have another root

FACTS = {
    "plan": {
        "contracted_units": "number unit/week", "full_time": "truth", "premium_agreement_on": "date",
        "weeks_a_year": "number week/year", "progression_on": "date", "progression_meeting_on": "date",
        "extra_offered": "truth", "extra_taken": "truth", "extra_taken_by_colleague": "truth",
        "basic_hours": "number h/week", "standard_working_weeks": "number",
    },
    "activity": {
        "title": "text", "category": "text", "weekday": "weekday", "starts": "clock", "ends": "clock",
        "how_often": "text", "cycle_weeks": "number", "turns": "number", "weeks": "list",
        "times_a_year": "number", "year_of_weeks": "number", "is_emergency": "truth",
        "claimed_units": "number unit/week", "agreed_on": "date",
    },
    "on_call": {
        "class": "text", "one_in": "number", "weekend_one_in": "number", "supplement_percent": "number",
        "prospective_cover": "truth", "is_resident": "truth", "resident_agreed_on": "date",
        "weekday": "weekday", "starts": "clock", "ends": "clock", "private_work_approved_on": "date",
    },
    "private_practice": {
        "kind": "text", "weekday": "weekday", "starts": "clock", "ends": "clock",
        "stops_when_on_call": "truth", "weeks_none": "list",
    },
    "extra_pa": {
        "offered_on": "date", "starts_on": "date", "moves_commitments": "truth", "agreed_on": "date",
        "notice_months": "number month",
    },
    "dispute": {
        "stage": "text", "arose_on": "date", "referred_on": "date", "met_on": "date", "outcome_on": "date",
        "appealed_on": "date", "heard_on": "date",
    },
    "acting_up": {"starts_on": "date", "ends_on": "date", "willing": "truth"},
    "absence": {"parent": "acting_up", "kind": "text", "starts_on": "date", "ends_on": "date"},
}  # fmt: skip
TEAM_FACTS = {
    "team": {"title": "text"},
    "shared_session": {
        "title": "text", "doctors_needed": "number", "weeks_a_year": "number", "weekday": "weekday",
        "starts": "clock", "ends": "clock",
    },
    "share": {"session": "text", "member": "text", "weeks_a_year": "number"},
    "member": {"name": "text"},
    "member_objective": {"parent": "member", "words": "text"},
}  # fmt: skip


@cache
def schema_of(name: str) -> FactSchema:
    return fact_schema(TEAM_FACTS, root="team") if name[:2] in TEAM else fact_schema(FACTS)


def encoded(number: str) -> Mapping[str, Any]:
    (path,) = [path for path in FOLDER.glob(f"{number}-*.yaml") if not path.name.endswith(CASES)]
    found: Mapping[str, Any] = read_document(str(path)).data
    return found


def topics_of(name: str) -> Iterator[Mapping[str, Any]]:
    number = name[:2]
    yield from (encoded(other) for other in RESTS_ON.get(number, ()))
    yield from ({"columns": encoded(other)["columns"]} for other in COLUMNS_OF.get(number, ()))
    yield encoded(number)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what reads an encoding, with those it rests on, as a policy of its own."""

    @cache
    def read(name: str) -> Policies:
        return small_policies(tmp_path_factory.mktemp(name), schema_of(name), *topics_of(name))

    return read


def cases_of(name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = read_document(str(FOLDER / f"{name}{CASES}")).data["cases"]
    return found


def all_cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}") for name in NAMES for case in cases_of(name)
    ]


def test_all_sixteen_are_here() -> None:
    assert [name[:2] for name in NAMES] == [f"{number:02d}" for number in range(1, 17)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "case"), all_cases())
def test_an_encoding_gives_what_was_worked_out_by_hand(
    name: str, case: Mapping[str, Any], engine: str, policies: Any
) -> None:
    if engine == "rete" and not AVAILABLE:
        pytest.skip("durable-rules is not installed")
    on = ordinal(case.get("on", "2024-06-01"))
    today = ordinal(case["today"]) if "today" in case else on
    judged = judge(evaluator(policies(name), engine), case["given"], on=on, today=today)
    assert list(unexpected(judged, case)) == []
    assert differences(judged.worked) == []


@cache
def evaluator(policies: Policies, engine: str) -> Evaluator:
    return Evaluator(policies, engine)


def unexpected(judged: Judged, case: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in case.get("values", {}).items():
        found = value(judged, name)
        if shown(found) != meant(wanted):
            yield f"{name}: expected {wanted}, found {found}"
    verdicts = judged.verdicts()
    for rule, wanted in case.get("verdicts", {}).items():
        if verdicts.get(rule) != wanted:
            yield f"{rule}: expected {wanted}, found {verdicts.get(rule)} ({reasons(judged, rule)})"
    rows = verdicts_by_row(judged)
    for rule, subjects in case.get("subjects", {}).items():
        found = {row: verdict for (other, row), verdict in rows.items() if other == rule}
        if found != subjects:
            yield f"{rule}: expected {subjects}, found {found}"
    for rule, wanted in case.get("reasons", {}).items():
        if wanted not in reasons(judged, rule):
            yield f"{rule}: expected the reason {wanted!r}, found {reasons(judged, rule)}"


def value(judged: Judged, name: str) -> Any:
    if "." not in name:
        return judged.worked.measures[name]
    relation, row, column = name.split(".")
    (found,) = [other for other in judged.worked.relations[relation].rows if other.id == row]
    return found[column]


def shown(found: Any) -> Any:
    """Return a value as it is compared: numbers in millionths, days as ordinals."""
    return compared(found) if isinstance(found, float) else found


def meant(wanted: Any) -> Any:
    """Return what a case expects in the same form."""
    if wanted == "unknown":
        return None
    if isinstance(wanted, str) and len(wanted) == 10 and wanted[4] == "-":
        return ordinal(wanted)
    return compared(wanted) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else wanted


def reasons(judged: Judged, rule: str) -> str:
    return "; ".join(words(r) for j in judged.judgements if j.rule == rule for r in j.reasons)
