"""The work in OpenFisca-core: the timetable's rows are persons, the plan is their group, facts are inputs.

A formula is the expression of NumPy that the policy's tree gives, with what is not known as NaN; OpenFisca
finds out in which order formulas are needed, keeps what it has worked out, and adds up the rows of a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.core.arrays import CALLS, UNKNOWN, VIOLATED, Array, InNumPy, Rows, Words, both, minutes
from benchmarks.core.speak import Speaker
from benchmarks.core.work import Work
from jobplan.expression.checked import CheckedFormula, CheckedRule
from jobplan.expression.scope import Ref

PERIOD = "2025"
ROWS = "activity"
EXTRA = "extra_pa"


class InOpenFisca:
    """Judges many plans at once. Raises ModuleNotFoundError where OpenFisca-core is not installed."""

    def __init__(self, made: Work) -> None:
        from openfisca_core.entities import Entity, GroupEntity
        from openfisca_core.taxbenefitsystems import TaxBenefitSystem

        self.made, self.numpy = made, InNumPy(made)
        self.row = Entity("row", "rows", "A row of the timetable", "")
        role: Any = {"key": "member", "plural": "members", "label": "", "doc": ""}
        self.plan = GroupEntity("plan", "plans", "A plan", "", [role])
        self.system = TaxBenefitSystem([self.row, self.plan])
        speaker = Speaker(made, self.name, self.stated, "1.0", "0.0", "nan")
        for relation, facts in made.facts.items():
            for fact in facts:
                self.add(self.named(relation, fact), relation, None)
            for fact in made.stated.get(relation, ()):
                self.add(self.named(relation, f"{fact}_none"), relation, None)
        self.add("plan_listed", made.root, None)
        for part in made.formulas:
            self.add(self.named(part.relation, part.name), part.relation, self.formula(part, speaker))
        for rule in made.rules:
            self.add(f"rule {rule.rule.id}", rule.rule.for_each, self.rule(rule, speaker))

    def named(self, relation: str, name: str) -> str:
        """Return the name of a variable."""
        return f"{relation or self.made.root}_{name}"

    def name(self, ref: Ref) -> str:
        """Write the name of a variable as a call that works it out."""
        on_plan = ref.kind == "measure" or ref.relation == self.made.root
        own = "above" if on_plan and ref.path else "plan" if on_plan else "rows"
        return f"{own}({self.named('' if on_plan else ref.relation, ref.name)!r})"

    def stated(self, ref: Ref) -> str:
        """Write the name of the variable that tells whether a fact is stated to be none."""
        own = "plan" if ref.relation == self.made.root else "rows"
        return f"{own}({self.named(ref.relation, ref.name + '_none')!r})"

    def add(self, name: str, relation: str, formula: Callable[..., Any] | None) -> None:
        """Declare a variable, with how it is worked out where it is no input."""
        from openfisca_core.periods import DateUnit
        from openfisca_core.variables import Variable

        entity = self.row if relation == ROWS else self.plan
        parts: dict[str, Any] = {
            "value_type": float, "entity": entity, "definition_period": DateUnit.YEAR, "label": name,
            "default_value": float("nan"),
        }  # fmt: skip
        if formula is not None:
            parts["formula"] = formula
        self.system.add_variable(type(name, (Variable,), parts))

    def formula(self, part: CheckedFormula, speaker: Speaker) -> Callable[..., Any]:
        """Return the formula of a column or measure."""
        code = {key: compile(speaker.write(tree), part.name, "eval") for key, tree in part.trees.items()}
        how, on_rows = part.formula, part.relation == ROWS

        def run(population: Any, period: Any) -> Any:
            scope = scope_of(population, period, on_rows=on_rows)
            if how.kind == "value":
                return np.broadcast_to(eval(code["value"], scope), population.count)
            if how.kind == "overlap":
                return minutes(
                    self.numpy.windows[how.table], eval(code["opens"], scope), eval(code["closes"], scope)
                )
            if how.of == EXTRA:
                return population(f"{EXTRA}_units", period)
            inner = scope_of(population.members, period, on_rows=True)
            counts = eval(code["where"], inner) if "where" in code else 1.0
            value = eval(code["input"], inner)
            if how.kind == "count":
                counts, value = both(counts, value), 1.0
            added = np.where(counts == 0, 0.0, np.where(counts == 1, value, np.nan))
            return np.where(population("plan_listed", period) == 1, population.sum(added), np.nan)

        def formula(population: Any, period: Any) -> Any:
            return run(population, period)

        return formula

    def rule(self, rule: CheckedRule, speaker: Speaker) -> Callable[..., Any]:
        """Return the formula of a verdict, as a code."""
        applies = compile(speaker.write(self.made.applies(rule)), rule.rule.id, "eval")
        requires = compile(speaker.write(rule.requires), rule.rule.id, "eval")
        on_rows = rule.rule.for_each == ROWS

        def formula(population: Any, period: Any) -> Any:
            scope = scope_of(population, period, on_rows=on_rows)
            a, r = (np.broadcast_to(eval(code, scope), population.count) for code in (applies, requires))
            return np.select([a == 0, np.isnan(a) | np.isnan(r), r == 1], [0, UNKNOWN, 1], VIOLATED)

        return formula

    def judge(self, data: dict[str, Rows]) -> dict[str, Array]:
        """Return a code a plan for every rule."""
        from openfisca_core.simulations import Simulation, SimulationBuilder

        root = self.made.root
        count, owner = data[root]["@count"], data[ROWS]["@plan"]
        builder = SimulationBuilder()
        builder.create_entities(self.system)
        builder.declare_person_entity("row", np.arange(len(owner)))
        plans = builder.declare_entity("plan", np.arange(count))
        builder.join_with_persons(plans, owner, np.full(len(owner), "member"))
        plans.members_entity_id = owner  # those without a row keep their place
        with np.errstate(all="ignore"):
            simulation: Simulation = builder.build(self.system)
            self.give(simulation, data)
            found = {}
            for rule in self.made.rules:
                codes = simulation.calculate(f"rule {rule.rule.id}", PERIOD)
                if rule.rule.for_each == ROWS:
                    highest = np.maximum(simulation.populations["plan"].max(codes), 0)
                    codes = np.where(data[root][f"{ROWS}_whole"], highest, np.maximum(highest, UNKNOWN))
                found[rule.rule.id] = codes.astype(int)
        return found

    def give(self, simulation: Any, data: dict[str, Rows]) -> None:
        """Hand over the facts; texts as numbers, extra PAs added up, as they are rows of another kind."""
        root = data[self.made.root]
        for relation in (self.made.root, ROWS):
            for name, values in data[relation].items():
                if not name.startswith("@") and not name.endswith("_whole"):
                    simulation.set_input(self.named(relation, name), PERIOD, numbers(values))
        simulation.set_input("plan_listed", PERIOD, root[f"{ROWS}_whole"] * 1.0)
        units = data[EXTRA]["units"]
        added = np.bincount(data[EXTRA]["@plan"], weights=units, minlength=root["@count"])
        simulation.set_input(f"{EXTRA}_units", PERIOD, np.where(root[f"{EXTRA}_whole"], added, np.nan))


def scope_of(population: Any, period: Any, *, on_rows: bool) -> dict[str, Any]:
    """Return the names that an expression may use."""

    def own(name: str) -> Any:
        return population(name, period)

    def above(name: str) -> Any:
        return population.plan(name, period)

    return {**SCOPE, "rows" if on_rows else "plan": own, "above": above}


WORDS: dict[str, int] = {}
"""Texts as numbers, as OpenFisca's floats have to hold them."""


def number_of(word: str) -> int:
    """Return the number that stands for a word."""
    return WORDS.setdefault(word, len(WORDS))


def numbers(values: Any) -> Array:
    """Return values as floats."""
    if not isinstance(values, Words):
        return np.asarray(values, float)
    known = np.array([*(number_of(word) for word in values.words), np.nan], float)
    return known[values.places]


def eq(a: Any, b: Any) -> Any:
    """Tell where two columns are equal; words have been made numbers."""
    return CALLS["eq"](a, number_of(b) if isinstance(b, str) else b)  # type: ignore[operator]


def ne(a: Any, b: Any) -> Any:
    """Tell where two columns are not equal."""
    return 1.0 - eq(a, b)


SCOPE = {**CALLS, "eq": eq, "ne": ne}
