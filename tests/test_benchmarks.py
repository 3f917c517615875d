"""What the benchmarks measure is what they say; how long it takes is never a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.plans import workloads
from benchmarks.steps import KNOWN, Prepared, prepare, steps
from benchmarks.subset import reduced
from benchmarks.zen_rules import decision
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import load_policies


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder: Path = tmp_path_factory.mktemp("policies")
    return prepare(workloads()[0], Evaluator(load_policies(reduced(folder)), "reference"))


def test_the_reduced_policy_has_about_120_rules_some_20_of_them_on_rows(prepared: Prepared) -> None:
    rules = [rule.rule.for_each for rule in prepared.program.rules]
    assert 110 <= len(rules) <= 130
    assert 15 <= sum(relation != "plan" for relation in rules) <= 35


def test_the_generated_plan_has_25_activities_and_few_gaps(prepared: Prepared) -> None:
    assert len(prepared.plan.relations["activity"].rows) == 25
    assert sum(len(unknown) for unknown in prepared.judged.unknown) <= 5


def test_every_step_can_be_repeated(prepared: Prepared) -> None:
    calls = steps(prepared)
    assert KNOWN in calls
    for call in calls.values():
        call()
        call()


@pytest.mark.parametrize("guarded", [False, True])
def test_every_rule_is_said_in_the_language_of_zen(prepared: Prepared, *, guarded: bool) -> None:
    made = decision(prepared.worked, guarded=guarded)
    assert made.unsaid == {}
    assert len(made.said) == len(prepared.program.rules)


def test_zen_gives_the_verdicts_that_we_give(prepared: Prepared) -> None:
    pytest.importorskip("zen", reason="zen-engine is not installed: make bench installs it")
    from benchmarks.peers import zen

    answers = zen(prepared, guarded=False).answers
    assert answers.total() > 400
    assert all(ours == theirs for ours, theirs in answers)
