"""The Rete network gives Kleene's verdicts, and keeps inside what durable-rules can bear."""

from __future__ import annotations

import gc
import importlib.metadata
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobplan.backends import patterns, rete
from jobplan.backends.rete import Condition, Network
from jobplan.expression.forms import And, Atom, Const, Form, Not, Or, kleene, known, normal
from jobplan.model import Truth, Verdict

needs_network = pytest.mark.skipif(
    not rete.AVAILABLE,
    reason="durable-rules is not installed: THE RETE NETWORK IS NOT TESTED HERE",
)
TRUE = Const(True)
TRUTHS: tuple[Truth, ...] = (True, False, None)
COUNT = 5

leaves = st.one_of(
    st.integers(0, COUNT - 1).map(Atom), st.sampled_from([Const(True), Const(False), Const(None)])
)
forms: st.SearchStrategy[Form] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=4).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=24,
)
rows = st.tuples(*[st.sampled_from(TRUTHS)] * COUNT)


def expected(condition: Condition, truths: tuple[Truth, ...]) -> Verdict:
    applies, requires = kleene(condition.applies, truths), kleene(condition.requires, truths)
    if applies is False:
        return "not_applicable"
    if applies is None or requires is None:
        return "unknown"
    return "satisfied" if requires else "violated"


def judged(conditions: list[Condition], cases: list[rete.Case]) -> list[Verdict]:
    with Network(conditions) as network:
        return network.judge(cases)


def limit(index: int) -> Condition:
    return Condition(f"limit-{index}", Atom(0), Or((Atom(1), Not(Atom(2)))))


# --- forms ---------------------------------------------------------------------------------------


@given(forms, rows)
def test_a_normal_form_means_the_same_and_its_negation_the_opposite(form: Form, truths: tuple[Truth, ...]):
    assert kleene(normal(form), truths) is kleene(form, truths)
    assert kleene(normal(form, negated=True), truths) is kleene(Not(form), truths)


@given(form=forms, truths=rows, to_be=st.booleans())
def test_what_is_known_holds_over_literals_and_nowhere_else(
    *, form: Form, truths: tuple[Truth, ...], to_be: bool
):
    def holds(part: Form) -> bool:
        match part:
            case Const(bool(value)):
                return value
            case Atom(index):
                return truths[index] is True
            case Not(Atom(index)):
                return truths[index] is False
            case And(parts):
                return all(map(holds, parts))
            case Or(parts):
                return any(map(holds, parts))
        raise AssertionError(part)

    assert holds(known(form, to_be=to_be)) is (kleene(form, truths) is to_be)


def test_kleene_keeps_unknown_unless_another_part_decides():
    assert kleene(And((Const(None), Const(False))), []) is False
    assert kleene(Or((Const(None), Const(True))), []) is True
    assert kleene(And((Const(None), Const(True))), []) is None
    assert kleene(Not(Const(None)), []) is None
    assert kleene(And(()), []) is True
    assert kleene(Or(()), []) is False


# --- verdicts --------------------------------------------------------------------------------


@needs_network
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.builds(Condition, st.just("r"), forms, forms), min_size=1, max_size=6),
    st.lists(rows, min_size=1, max_size=8),
)
def test_the_network_agrees_with_kleene(conditions: list[Condition], many: list[tuple[Truth, ...]]):
    cases = [(index, truths) for index in range(len(conditions)) for truths in many]
    assert judged(conditions, cases) == [expected(conditions[index], truths) for index, truths in cases]


@needs_network
def test_every_row_of_truths_of_a_rule_is_judged_right_beside_119_other_rules():
    conditions = [limit(index) for index in range(120)]
    every = list(itertools.product(TRUTHS, repeat=3))
    cases = [(index, truths) for truths in every for index in range(120)]
    assert judged(conditions, cases) == [expected(limit(0), truths) for _, truths in cases]


@needs_network
def test_a_plan_on_which_nothing_fires_is_unknown_and_harms_no_later_one():
    silent: list[rete.Case] = [(0, (True, None, True)), (1, (None, True, None)), (2, (None, None, None))]
    with Network([limit(index) for index in range(3)]) as network:
        for _ in range(1000):
            assert network.judge(silent) == ["unknown"] * 3
            assert network.judge([]) == []
        assert network.judge([(0, (True, False, True))]) == ["violated"]


@needs_network
def test_a_condition_that_folds_to_one_verdict_needs_no_fact():
    always = Condition("always", TRUE, Or((TRUE, Atom(0))))
    never = Condition("never", Const(False), Atom(0))
    silent = Condition("silent", TRUE, Const(None))
    halved = Condition("halved", TRUE, And((Const(None), Atom(0))))
    cases: list[rete.Case] = [(0, (None,)), (1, (None,)), (2, (True,)), (3, (True,)), (3, (False,))]
    got = judged([always, never, silent, halved], cases)
    assert got == ["satisfied", "not_applicable", "unknown", "unknown", "violated"]


@needs_network
def test_subjects_whose_truths_are_alike_share_one_fact(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    judge = rete._RuleSet.judge
    monkeypatch.setattr(
        rete._RuleSet, "judge", lambda self, facts: asked.append(len(facts)) or judge(self, facts)
    )
    cases = [(0, (True, index % 2 == 0, True)) for index in range(300)]
    assert judged([limit(0)], cases) == ["satisfied", "violated"] * 150
    assert asked == [2]


# --- limits of the library -------------------------------------------------------------------


@needs_network
@pytest.mark.parametrize(
    "requires",
    [
        And(tuple(Or((Atom(2 * pair), Atom(2 * pair + 1))) for pair in range(12))),
        Or(tuple(And((Atom(2 * pair), Not(Atom(2 * pair + 1)))) for pair in range(40))),
        And(tuple(map(Atom, range(400)))),
        Not(Or(tuple(map(Atom, range(400))))),
        Or((Atom(0), And((Atom(1), Or((Atom(2), And(tuple(Or((Atom(i), Atom(9))) for i in range(3, 9))))))))),
        And((Const(None), *(Or((Not(Atom(i)), Not(Atom(i + 1)))) for i in range(0, 26, 2)))),
        And((Const(None), *(Or((Not(Atom(i)), Not(Atom(i + 1)))) for i in range(0, 28, 2)))),
    ],
    ids=["firings", "branches", "conjunction", "negated", "nested", "15 groups", "16 groups"],
)
def test_a_rule_about_or_above_what_one_match_can_bear_is_judged_right(requires: Form):
    conditions = [
        Condition("alone", TRUE, requires),
        Condition("guarded", requires, Atom(0)),
        limit(2),
    ]
    shown = [(truth,) * 400 for truth in TRUTHS]
    shown += [(True,) * at + (other,) + (True,) * (399 - at) for at in (0, 7, 30) for other in (False, None)]
    shown += [(False,) * at + (other,) + (False,) * (399 - at) for at in (0, 7, 30) for other in (True, None)]
    cases = [(index, truths) for truths in shown for index in range(3)]
    assert judged(conditions, cases) == [expected(conditions[index], truths) for index, truths in cases]


@needs_network
@settings(max_examples=60, deadline=None)
@given(forms, forms, st.lists(rows, min_size=1, max_size=8))
def test_a_rule_taken_apart_as_far_as_it_goes_agrees_with_kleene(
    applies: Form, requires: Form, many: list[tuple[Truth, ...]]
):
    condition = Condition("r", applies, requires)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patterns, "MOST_STEPS", 5)
        patch.setattr(patterns, "MOST_PARTS", 2)
        got = judged([condition], [(0, truths) for truths in many])
    assert got == [expected(condition, truths) for truths in many]


def fnv1a(text: str) -> int:
    """The library's hash of ids and of property names."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def test_no_two_property_names_have_one_hash():
    names = ["id", "sid", "$s", "$forward", "sentinel"]
    names += [f"r{number}" for number in range(patterns.RULES_PER_SET)]
    names += [f"a{number}" for number in range(patterns.MOST_STEPS)]
    assert len({fnv1a(name) for name in names}) == len(names)


def test_no_two_ids_of_a_plan_have_one_hash():
    ids = [str(number) for number in range(100_000)] + ["sid-0"]
    assert len({fnv1a(number) for number in ids}) == len(ids)


@needs_network
def test_a_fact_taken_for_one_already_seen_is_asserted_under_another_id(monkeypatch: pytest.MonkeyPatch):
    assert fnv1a("40189") == fnv1a("797186")
    monkeypatch.setattr(rete, "_ids", lambda: iter([40189, 797186, 3]))
    assert judged([limit(0)], [(0, (True, True, True)), (0, (True, False, True))]) == [
        "satisfied",
        "violated",
    ]


@needs_network
def test_a_fact_taken_for_one_already_seen_under_every_id_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rete, "_ids", lambda: itertools.repeat(1))
    with Network([limit(0)]) as network:
        with pytest.raises(rete.FactLostError, match="every id"):
            network.judge([(0, (True, True, True)), (0, (True, False, True))])
        assert network.judge([(0, (True, True, True))]) == ["satisfied"], "the state was left behind"


@needs_network
@pytest.mark.parametrize(("lost", "says"), [(0, "1 facts fired when asserted, 0 were answered")])
def test_a_firing_that_is_lost_is_an_error(monkeypatch: pytest.MonkeyPatch, lost: int, says: str):
    with Network([limit(0)]) as network:
        monkeypatch.setattr(rete._RuleSet, "_firings", lambda self, state: iter(()))
        with pytest.raises(rete.FactLostError, match=says):
            network.judge([(0, (True, True, True))])


@needs_network
def test_every_rule_set_holds_few_rules_and_a_sentinel(monkeypatch: pytest.MonkeyPatch):
    made: list[dict[str, object]] = []
    create = rete.durable_rules_engine.create_ruleset
    monkeypatch.setattr(
        rete.durable_rules_engine,
        "create_ruleset",
        lambda name, rules: made.append(json.loads(rules)) or create(name, rules),
    )
    Network([limit(index) for index in range(120)]).close()
    assert [sum(name.startswith("violated ") for name in rules) for rules in made] == [50, 50, 20]
    assert all("sentinel" in rules for rules in made)
    assert "$nex" not in json.dumps(made)


# --- threads, many plans, many networks ------------------------------------------------------


def busy() -> Iterator[tuple[rete.Case, ...]]:
    """Plans that differ, over the rules `limit(0)` to `limit(29)`."""
    for round_ in itertools.count():
        yield tuple((index, (TRUTHS[(round_ + index) % 3], index % 2 == 0, True)) for index in range(30))


@needs_network
def test_three_thousand_plans_in_a_row_are_judged_right_and_leave_no_memory_behind():
    def resident_kb() -> int:
        statm = Path("/proc/self/statm")
        return int(statm.read_text().split()[1]) * 4 if statm.exists() else 0

    with Network([limit(index) for index in range(30)]) as network:
        before = 0
        for number, cases in enumerate(itertools.islice(busy(), 3000)):
            assert network.judge(cases) == [expected(limit(0), truths) for _, truths in cases]
            if number == 500:
                before = resident_kb()
        # One state left behind a plan would be about 500 kB: 1.2 GB in all.
        assert resident_kb() - before < 50_000


@needs_network
def test_one_network_serves_many_threads():
    with Network([limit(index) for index in range(30)]) as network, ThreadPoolExecutor(8) as pool:
        plans = list(itertools.islice(busy(), 800))
        for cases, verdicts in zip(plans, pool.map(network.judge, plans), strict=True):
            assert verdicts == [expected(limit(0), truths) for _, truths in cases]


@needs_network
def test_networks_of_several_threads_do_not_disturb_each_other():
    def work(number: int) -> bool:
        conditions = [Condition("r", Atom(0), Atom(1) if number % 2 else Not(Atom(1)))] * 60
        verdict: Verdict = "satisfied" if number % 2 else "violated"
        cases: list[rete.Case] = [(index, (True, True)) for index in range(60)]
        return all(judged(conditions, cases) == [verdict] * 60 for _ in range(10))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


@needs_network
def test_networks_come_and_go_without_end(monkeypatch: pytest.MonkeyPatch):
    """Closed or only forgotten, with rules taken apart or not: every rule set is deleted."""
    kept: set[int] = set()
    create, delete = rete.durable_rules_engine.create_ruleset, rete.durable_rules_engine.delete_ruleset

    def creating(name: str, rules: str) -> int:
        kept.add(handle := create(name, rules))
        return handle

    def deleting(handle: int) -> None:
        kept.remove(handle)
        delete(handle)

    monkeypatch.setattr(rete.durable_rules_engine, "create_ruleset", creating)
    monkeypatch.setattr(rete.durable_rules_engine, "delete_ruleset", deleting)
    large = Condition("large", TRUE, And(tuple(map(Atom, range(100)))))
    for number in range(300):
        network = Network([limit(0), large])
        assert network.judge([(0, (True, False, True)), (1, (True,) * 100)]) == ["violated", "satisfied"]
        if number % 2:
            network.close()
    del network
    gc.collect()
    assert kept == set()


@needs_network
def test_a_closed_network_says_so():
    network = Network([limit(0)])
    network.close()
    network.close()
    with pytest.raises(RuntimeError, match="closed"):
        network.judge([(0, (True, True, True))])


@needs_network
def test_no_thread_stays_behind_and_the_version_is_told():
    before = threading.active_count()
    with Network([limit(0)]):
        assert threading.active_count() == before
    assert Network.version() == f"durable-rules {importlib.metadata.version('durable_rules')}"


def test_without_the_library_a_network_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rete, "AVAILABLE", False)
    with pytest.raises(ModuleNotFoundError, match="durable-rules is not installed"):
        Network([])
