"""What is taken out of a plan never makes it keep a rule, nor puts it outside one.

Taking away a value, a relation, a child list or a column that the source carries changes a verdict only to
unknown; or to violated, where a rule asks for what is on record and the value is blank from then on. Two
evaluators may agree and both be wrong about this, so it has a test of its own.

`JOBPLAN_REMOVALS` says how many removals of each example are tried (60) and of how many random plans (40).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from expressions import SCHEMA as SMALL
from expressions import policies as random_policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import DAY, POLICY, small_policies
from strategies import Near, PlanMaker
from test_backends_agree import documents, england

from jobplan.backends.judging import Worked, reference, work
from jobplan.errors import BrokenPolicy
from jobplan.expression.parse import call_name
from jobplan.expression.program import Program
from jobplan.expression.runtime import plan_verdict
from jobplan.facts import FactSchema, RelationSchema, read_plan
from jobplan.source import read_document

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
REMOVALS = int(os.environ.get("JOBPLAN_REMOVALS", "60"))
RANDOM_PLANS = int(os.environ.get("JOBPLAN_REMOVALS", "40"))
SEED = 20080401


@dataclass(frozen=True)
class Removal:
    """How to make a plan without one part; `blank` tells that a value is now blank, so not on record."""

    name: str
    make: Callable[[], Mapping[str, Any]]
    blank: bool = True


@dataclass
class Verdicts:
    """Verdicts of a plan: one a rule, and one a rule and row."""

    rules: dict[str, str | None] = field(default_factory=dict)
    rows: dict[tuple[str, str], str | None] = field(default_factory=dict)


# --- removals -------------------------------------------------------------------------------


class Remover:
    """Takes parts out of the documents of a schema."""

    def __init__(self, schema: FactSchema) -> None:
        self.schema = schema
        self.fixed = {schema.keys["format"], schema.keys["id"], *schema.policy}

    def named(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with an id in every row, so that rows stay the same."""
        copy = deepcopy(dict(document))
        for relation, row, _ in self.rows(copy):
            if relation.name != self.schema.root:
                row.setdefault(relation.keys["id"], f"{relation.name}-{id(row)}")
        return copy

    def rows(
        self, document: dict[str, Any], name: str = "", route: tuple[Any, ...] = ()
    ) -> Iterator[tuple[RelationSchema, dict[str, Any], tuple[Any, ...]]]:
        """Yield every row with its relation and the route to it."""
        relation = self.schema.relations[name or self.schema.root]
        yield relation, document, route
        for child in relation.children:
            for index, row in enumerate(document.get(child) or ()):
                yield from self.rows(row, child, (*route, child, index))

    def every(self, document: dict[str, Any]) -> Iterator[Removal]:
        """Yield every removal of a part of a document."""
        for relation, row, route in self.rows(document):
            place = ".".join(map(str, route)) or "plan"
            for name in row:
                if name in relation.fields and (route or name not in self.fixed):
                    make = partial(self.value, document, relation, route, name)
                    yield Removal(f"{place} without {name}", make)
                elif name in relation.children:
                    yield Removal(f"{place} without {name}", partial(without, document, (*route, name)))
        yield from self.columns(document)
        key = self.schema.keys["assumptions"]
        assumed = document.get(key, [])
        for index, item in enumerate(assumed):
            if sum(other["fact"] == item["fact"] for other in assumed) == 1:  # else another takes its place
                yield Removal(f"plan without assumption {index}", partial(without, document, (key, index)))
        yield from self.attested(document)

    def value(
        self, document: dict[str, Any], relation: RelationSchema, route: tuple[Any, ...], name: str
    ) -> dict[str, Any]:
        """Take one value out, and what may be assumed in its place."""
        copy = without(document, (*route, name))
        self.forget(copy, f"{relation.name}.{name}")
        return copy

    def columns(self, document: dict[str, Any]) -> Iterator[Removal]:
        """Take each column out of what the source carries, with all values in it."""
        everything = {name: list(found.fields) for name, found in self.schema.relations.items()}
        carries = document.get(self.schema.keys["source"], {}).get("carries", everything)
        for relation, names in carries.items():
            for name in names:
                if name not in self.fixed:
                    make = partial(self.column, document, carries, relation, name)
                    yield Removal(f"source without {relation}.{name}", make, blank=False)

    def column(
        self, document: dict[str, Any], carries: Mapping[str, list[str]], relation: str, name: str
    ) -> dict[str, Any]:
        """Take one column out, and what may be assumed for it."""
        copy = deepcopy(document)
        fewer = {**carries, relation: [other for other in carries[relation] if other != name]}
        key = self.schema.keys["source"]
        copy[key] = {"system": "x", **copy.get(key, {}), "carries": fewer}
        for found, row, _ in self.rows(copy):
            if found.name == relation:
                row.pop(name, None)
                row.get(found.keys["unreadable"], {}).pop(name, None)
        self.forget(copy, f"{relation}.{name}")
        return copy

    def forget(self, document: dict[str, Any], fact: str) -> None:
        """Assume a fact no longer."""
        key = self.schema.keys["assumptions"]
        if key in document:
            document[key] = [assumed for assumed in document[key] if assumed.get("fact") != fact]

    def attested(self, document: dict[str, Any]) -> Iterator[Removal]:
        """Take parts out of attestations, and attestations that are the only ones on their matter."""
        key = self.schema.keys["attestations"]
        stated = document.get(key, [])
        for index, item in enumerate(stated):
            for part in ("holds", "by", "stated_on", "until"):
                if part in item:
                    name = f"attestation {index} without {part}"
                    yield Removal(name, partial(without, document, (key, index, part)))
            if sum(other["about"] == item["about"] for other in stated) == 1:
                yield Removal(f"plan without attestation {index}", partial(without, document, (key, index)))


def without(document: Mapping[str, Any], route: tuple[Any, ...]) -> dict[str, Any]:
    """Return a copy of a document without the part at a route."""
    copy: dict[str, Any] = deepcopy(dict(document))
    inner: Any = copy
    for step in route[:-1]:
        inner = inner[step]
    del inner[route[-1]]
    return copy


# --- verdicts -------------------------------------------------------------------------------


def looks_at_records(program: Program) -> frozenset[str]:
    """Return the rules that ask whether something is on record."""
    return frozenset(
        rule.rule.id
        for rule in program.rules
        if any(call_name(node) == "recorded" for node in rule.requires.walk())
    )


def verdicts(program: Program, schema: FactSchema, document: Mapping[str, Any], today: int) -> Verdicts:
    """Judge a document by the reference evaluator."""
    worked = work(program, read_plan(document, schema), today)
    found = Verdicts()
    for rule, judged in zip(program.rules, reference(worked), strict=True):
        found.rules[rule.rule.id] = plan_verdict(judged, whole(worked, rule.rule.for_each))
        for row, verdict in zip(worked.relations[rule.rule.for_each].rows, judged, strict=True):
            found.rows[rule.rule.id, row.id] = verdict
    return found


def whole(worked: Worked, name: str) -> bool:
    """Tell whether all rows of a relation are there."""
    shapes = worked.program.checked.world.shapes
    while name != worked.program.checked.world.root:
        relation = worked.relations[name]
        if not relation.complete or relation.open_parents:
            return False
        if shapes[name].derived:
            return True
        name = shapes[name].parent or worked.program.checked.world.root
    return True


def wrong(removal: Removal, before: Verdicts, after: Verdicts, records: frozenset[str]) -> Iterator[str]:
    """Yield every verdict that a removal has changed in a way that it must not."""
    may_violate = records if removal.blank else frozenset()
    for rule, verdict in after.rules.items():
        if not may_be(rule, before.rules[rule], verdict, may_violate):
            yield f"{removal.name}: {rule} was {before.rules[rule]}, is {verdict}"
    for (rule, row), verdict in after.rows.items():
        old = before.rows.get((rule, row), verdict)
        if not may_be(rule, old, verdict, may_violate):
            yield f"{removal.name}: {rule} on {row} was {old}, is {verdict}"


def may_be(rule: str, old: str | None, new: str | None, may_violate: frozenset[str]) -> bool:
    """Tell whether a verdict may become another when something is taken away."""
    return new in (None, old) or (new == "violated" and rule in may_violate)


def faults(
    program: Program, schema: FactSchema, document: Mapping[str, Any], today: int, random: Random, most: int
) -> list[str]:
    """Return what is wrong with some removals of a document."""
    remover = Remover(schema)
    named = remover.named(document)
    before = verdicts(program, schema, named, today)
    removals = list(remover.every(named))
    chosen = removals if len(removals) <= most else random.sample(removals, most)
    records = looks_at_records(program)
    found: list[str] = []
    for removal in chosen:
        after = verdicts(program, schema, removal.make(), today)
        found.extend(wrong(removal, before, after, records))
    return found


# --- tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_with_less_in_it_keeps_no_more_rules(path: Path) -> None:
    document = read_document(str(path)).data
    plan = read_plan(document, england().schema)
    name = england().find(*plan.policy)
    assert name is not None
    day = plan.date or DAY
    program = england().program(name, day)
    random = Random(f"{SEED}/{path.stem}")
    assert faults(program, england().schema, document, day, random, REMOVALS) == []


@pytest.mark.parametrize("part", range(4))
def test_a_random_plan_with_less_in_it_keeps_no_more_rules(part: int) -> None:
    random = Random(SEED + part)
    for document in documents(random, RANDOM_PLANS // 4):
        plan = read_plan(document, england().schema)
        assert plan.date is not None
        program = england().program("england/consultant-2003", plan.date)
        assert faults(program, england().schema, document, plan.date + 30, random, 25) == []


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(topic=random_policies(), seed=st.integers(0, 1 << 32))
def test_random_rules_keep_no_more_with_less(
    topic: dict[str, Any], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    policies = small_policies(tmp_path_factory.mktemp("removal"), SMALL, topic)
    try:
        program = policies.program(POLICY, DAY)
    except BrokenPolicy:
        return
    random = Random(seed)
    made = PlanMaker(SMALL, random, Near({"": {0.0, 1.0, 2.0, 3.0}}, attested=("done",)))
    for document in made.plans(3):
        assert faults(program, SMALL, document, DAY, random, 30) == []
