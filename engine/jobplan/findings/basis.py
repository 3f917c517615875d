"""What is the same for every plan of an edition: what a rule rests on, how a measure is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jobplan.expression.checked import CheckedRule, refs
from jobplan.expression.program import Program
from jobplan.expression.scope import Ref
from jobplan.expression.uses import Assurance, Uses, assurance_of, uses_of
from jobplan.expression.write import effective_applies
from jobplan.facts.schema import FactSchema
from jobplan.findings.show import Shower, decimal
from jobplan.model import Citation
from jobplan.policy.edition import Edition


@dataclass(frozen=True, slots=True)
class RuleBasis:
    """What is the same for every finding of a rule: what it rests on and how well it is read."""

    checked: CheckedRule
    uses: Uses
    assurance: Assurance
    order: int
    reads: tuple[Ref, ...]
    facts: tuple[tuple[str, str], ...]
    rests_on: tuple[Citation, ...]
    local_lookups: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MeasureBasis:
    """What is the same for a measure in every report."""

    name: str
    title: str
    ref: Ref
    unit: str
    decimals: int

    def shown(self, value: Any, shower: Shower) -> str:
        """Return the value as people read it."""
        return decimal(value, self.decimals) if isinstance(value, float) else shower.value(self.ref, value)


class EditionBasis:
    """What an edition gives to all reports; found when first asked for, since a plan breaks few rules."""

    def __init__(self, program: Program, schema: FactSchema) -> None:
        self.program = program
        self.shower = Shower(program.checked, schema)
        self._rules: dict[str, RuleBasis] = {}
        self._order = {rule.rule.id: order for order, rule in enumerate(program.rules)}

    def rule(self, id: str) -> RuleBasis:
        """Return what a rule rests on."""
        found = self._rules.get(id)
        if found is None:
            found = self._rules[id] = rule_basis(self.program, self._order[id])
        return found

    @cached_property
    def measures(self) -> tuple[MeasureBasis, ...]:
        """Return every measure that the policy names."""
        formulas = self.program.edition.policy.measures.items()
        named = ((name, formula.title or name.replace("_", " ")) for name, formula in formulas)
        refs = ((name, title, Ref("measure", name)) for name, title in named)
        with_unit = ((name, title, ref, self.shower.unit(ref)) for name, title, ref in refs)
        return tuple(MeasureBasis(*known, self.shower.decimals(known[-1])) for known in with_unit)


def rule_basis(program: Program, order: int) -> RuleBasis:
    """Return what one rule of an edition rests on."""
    rule = program.rules[order]
    uses = uses_of(program.checked, rule)
    trees = (effective_applies(program.checked, rule), rule.requires, *rule.holes.values())
    behind = dict.fromkeys(citations_behind(program.edition, uses))
    return RuleBasis(
        checked=rule,
        uses=uses,
        assurance=assurance_of(program.edition, rule, uses),
        order=order,
        reads=tuple(dict.fromkeys(ref for tree in trees for ref in refs(tree))),
        facts=tuple(sorted(uses.facts)),
        rests_on=tuple(cite for cite in behind if cite not in rule.rule.cites),
        local_lookups=tuple(sorted(local_lookups(program, uses))),
    )


def citations_behind(edition: Edition, uses: Uses) -> Iterator[Citation]:
    """Yield the citations of what a rule rests on: of agreements first, then tables, parameters, rules."""
    for name in sorted(uses.parameters & edition.agreed.keys()):
        yield from edition.cites.get(name, ())
    for name in sorted(uses.tables):
        yield from edition.policy.tables[name].cites
    for name in sorted(uses.parameters):
        yield from edition.cites.get(name) or edition.policy.parameters[name].cites
    for name in sorted(uses.rules & edition.rules.keys()):
        yield from edition.rules[name].cites


def local_lookups(program: Program, uses: Uses) -> Iterator[tuple[str, str]]:
    """Yield the columns that look up a table with rows agreed locally."""
    for relation, name in uses.columns:
        table = program.checked.columns[(relation, name)].formula.table
        if any(row.agreed for row in program.edition.rows.get(table, ())):
            yield relation, name
