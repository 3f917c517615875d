"""The cases beside the rules hold, in every back end, and no rule goes without."""

from __future__ import annotations

from functools import cache

import pytest

from jobplan.authoring.cases import CASES, Case, read_cases, run_cases
from jobplan.backends.rete import AVAILABLE
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies, load_policies

NEVER_VIOLATED = {
    "former-maximum-part-time": "the special rule exists and its terms were not read",
    "weekdays-and-weekends-in-one-band": "which of two bands counts is left to a local agreement",
    "fractional-frequency-ruled": "a band that is not recorded is left to a local agreement",
    "extra-pa-after-gateways": "whether the criterion outlived 2025 was not read",
    "holiday-consent-not-settled": "whether consent reaches public holidays is not settled",
}
"""Rules that the law leaves open where they do not hold: silent, never violated."""

NEVER_SATISFIED = {"former-maximum-part-time": "nothing is known that would satisfy it"}


@cache
def policies() -> Policies:
    return load_policies()


@cache
def cases_of(policy: str) -> tuple[Case, ...]:
    return tuple(read_cases(policies().folder / policy, policies().checked(policy).policy))


TOPICS = [
    (policy, path.name.removesuffix(CASES))
    for policy in policies().names()
    for path in sorted((policies().folder / policy).glob(f"*{CASES}"))
]


@pytest.mark.parametrize("engine", ["reference", "rete"])
@pytest.mark.parametrize(("policy", "topic"), TOPICS, ids=[f"{policy}-{topic}" for policy, topic in TOPICS])
def test_the_cases_of_a_topic_hold(policy: str, topic: str, engine: str) -> None:
    if engine == "rete" and not AVAILABLE:
        pytest.skip("durable-rules is not installed: its verdicts are not compared here")
    mine = [case for case in cases_of(policy) if case.topic == topic]
    wrong = [
        f"{outcome.case.span}: {outcome.case.data['name']}: {'; '.join(outcome.wrong)}"
        for outcome in run_cases(Evaluator(policies(), engine), policy, mine)
        if outcome.wrong
    ]
    assert mine
    assert wrong == []


def expected(policy: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {rule: set() for rule in policies().checked(policy).policy.rules}
    for case in cases_of(policy):
        found[case.data["rule"]].add(case.data["expect"])
    return found


@pytest.mark.parametrize("policy", policies().names())
def test_every_rule_has_a_case_for_a_missing_fact(policy: str) -> None:
    assert [rule for rule, verdicts in expected(policy).items() if "unknown" not in verdicts] == []


@pytest.mark.parametrize("policy", policies().names())
def test_every_rule_has_a_case_that_keeps_to_it_and_one_that_breaks_it(policy: str) -> None:
    found = expected(policy)
    assert {rule for rule, verdicts in found.items() if "violated" not in verdicts} == set(NEVER_VIOLATED)
    assert {rule for rule, verdicts in found.items() if "satisfied" not in verdicts} == set(NEVER_SATISFIED)


@pytest.mark.parametrize("policy", policies().names())
def test_every_rule_that_concerns_only_some_has_a_case_of_the_others(policy: str) -> None:
    rules = policies().checked(policy).rules
    only_some = {
        name
        for name, rule in rules.items()
        if rule.applies.sql().strip("()") != "TRUE" or rule.by is not None
    }
    missing = {rule for rule, verdicts in expected(policy).items() if "not_applicable" not in verdicts}
    assert missing & only_some == set()


@pytest.mark.parametrize("policy", policies().names())
def test_the_names_of_cases_are_told_apart(policy: str) -> None:
    names = [(case.topic, case.data["rule"], case.data["name"]) for case in cases_of(policy)]
    assert len(names) == len(set(names))
