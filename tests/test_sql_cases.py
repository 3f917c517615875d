"""The cases beside the rules hold in DuckDB, and the encodings give there what the reference gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from small import ordinal, small_policies
from sql_compare import differences, judged
from test_backends_agree import LONG
from test_encodings import NAMES, schema_of, topics_of
from test_encodings import cases_of as encoded_cases
from test_policy_cases import TOPICS, cases_of, policies

from jobplan.authoring.cases import Case, given_plan
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies
from jobplan.expression.program import Program
from jobplan.facts import Plan, read_plan
from jobplan.facts.codes import VERDICT_CODES

FEWEST = 1 if LONG else 10
"""Cases of one edition and day that are worth the second that it takes to compile; the long run takes all."""


@cache
def with_overlay(folder: Path | None) -> Policies:
    """Return the policies, with the overlay of a case if it has one."""
    plain = policies()
    return plain if folder is None else Policies(plain.folder, (folder,), plain.schema)


def of_case(case: Case, policy: str) -> tuple[Program, int, Plan]:
    """Return the edition that a case is judged by, its present day and its plan."""
    overlay = case.data.get("overlay")
    of = with_overlay(Path(case.document.file).parent / overlay if overlay else None)
    day = ordinal(case.data.get("on") or of.checked(policy).policy.about["checked_to"])
    today = ordinal(case.data["today"]) if "today" in case.data else day
    evaluator = Evaluator(of, "reference")
    return of.program(policy, day), today, evaluator.read(given_plan(case, evaluator, policy))


@pytest.mark.parametrize("policy", sorted({policy for policy, _ in TOPICS}))
def test_the_cases_of_a_policy_hold(policy: str) -> None:
    groups: dict[tuple[int, int], tuple[Program, int, list[tuple[Case, Plan]]]] = {}
    for case in cases_of(policy):
        program, today, plan = of_case(case, policy)
        groups.setdefault((id(program), today), (program, today, []))[2].append((case, plan))
    wrong: list[str] = []
    for program, today, members in groups.values():
        if len(members) < FEWEST:
            continue
        chunk = judged(program, policies().schema, [plan for _, plan in members], today)
        found = chunk.table("verdicts")
        for number, (case, _) in enumerate(members):
            wanted, code = case.data["expect"], found[number][0][case.data["rule"]]
            if code != VERDICT_CODES[wanted]:
                wrong.append(f"{case.span}: expected {wanted}, found {code}")
        chunk.connection.close()
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_gives_what_the_reference_gives(name: str, tmp_path: Path) -> None:
    schema = schema_of(name)
    of = small_policies(tmp_path, schema, *topics_of(name))
    groups: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for case in encoded_cases(name):
        on = ordinal(case.get("on", "2024-06-01"))
        today = ordinal(case["today"]) if "today" in case else on
        groups.setdefault((on, today), []).append({"id": "p", **case["given"]})
    for (on, today), documents in groups.items():
        plans = [read_plan(document, schema) for document in documents]
        chunk = judged(of.program("test/small", on), schema, plans, today, alone=True)
        assert list(differences(chunk)) == []
        chunk.connection.close()
