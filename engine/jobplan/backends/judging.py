"""Work a plan out and judge it: one protocol, two back ends for one plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobplan.backends import rete
from jobplan.expression.program import FirstVerdicts, Program, Relations, Verdicts
from jobplan.facts.attestations import attestations
from jobplan.facts.document import Plan
from jobplan.model import Relation, Row, Truth


@dataclass(frozen=True, slots=True)
class Worked:
    """A plan with its columns and measures on one edition; `today` is an ordinal."""

    program: Program
    relations: Relations
    measures: Mapping[str, Any]
    today: int
    attested: Mapping[str, Truth]

    @property
    def root(self) -> Row:
        """Return the row of the plan itself."""
        return self.relations[self.program.checked.world.root].rows[0]


Judge = Callable[[Worked], Verdicts]
"""Judges every rule: a list a rule, a verdict a row in its relation's order; None is unknown."""


def work(program: Program, plan: Plan, today: int, *, before: Worked | None = None) -> Worked:
    """Work out columns, derived relations and measures of a plan, which stays as it is.

    With `before`, the plan worked out without it, what the plan states itself stands in for what
    cannot be worked out.
    """
    relations = fresh(plan.relations)
    attested = attestations(plan.attestations, today)
    stated = None if before is None else first_verdicts(before)
    measures = program.work(relations, today, attested, stated)
    return Worked(program, relations, measures, today, attested)


def first_verdicts(worked: Worked) -> FirstVerdicts:
    """Return the verdicts that other rules rest on, as they are without stated figures."""
    checked = worked.program.checked
    found: dict[tuple[str, str, str], str | None] = {}
    for (relation, name), column in checked.columns.items():
        if column.formula.kind == "verdict":
            found |= {(relation, row.id, name): row[name] for row in worked.relations[relation].rows}
    for name, measure in checked.measures.items():
        if measure.formula.kind == "verdict":
            found[("", worked.root.id, name)] = worked.measures[name]
    return found


def fresh(relations: Mapping[str, Relation]) -> Relations:
    """Copy relations so that columns can be put into their rows; parents come first."""
    rows: dict[Row, Row] = {}
    copies: Relations = {}
    for name, relation in relations.items():
        mine = []
        for row in relation.rows:
            copy = row.fresh(rows.get(row.parent) if row.parent is not None else None)
            rows[row] = copy
            mine.append(copy)
        copies[name] = Relation(name, mine, relation.complete, relation.cause, relation.open_parents)
    return copies


def reference(worked: Worked) -> Verdicts:
    """Judge by the compiled conditions themselves."""
    program = worked.program
    return program.verdicts(worked.relations, worked.measures, worked.today, worked.attested)


class Rete:
    """Judges by a durable-rules network over the truth of each comparison."""

    def __init__(self, program: Program) -> None:
        conditions = [
            rete.Condition(rule.rule.id, *form)
            for rule, form in zip(program.rules, program.forms, strict=True)
        ]
        self.network = rete.Network(conditions)

    def __call__(self, worked: Worked) -> Verdicts:
        """Judge every rule on every row; rows that a rule does not apply to are not asked about."""
        program = worked.program
        atoms = program.atoms(worked.relations, worked.measures, worked.today, worked.attested)
        asked = [(index, rows) for index, rows in enumerate(atoms) if rows.count(False) < len(rows)]
        cases = [(index, truths) for index, rows in asked for truths in rows if truths is not False]
        answers = iter(self.network.judge(cases))
        found: Verdicts = [["not_applicable"] * len(rows) for rows in atoms]
        for index, rows in asked:
            verdicts = found[index]
            for place, truths in enumerate(rows):
                if truths is not False:
                    verdict = next(answers)
                    verdicts[place] = None if verdict == "unknown" else verdict
        return found


ENGINES: Mapping[str, Callable[[Program], Judge]] = {
    "rete": Rete,
    "reference": lambda _: reference,
}


def default_engine() -> str:
    """Return the name of the back end at work here: durable-rules where it is installed."""
    return "rete" if rete.AVAILABLE else "reference"


def engine_words(name: str) -> str:
    """Say which back end gives the verdicts."""
    return rete.Network.version() if name == "rete" else "the reference evaluator"
