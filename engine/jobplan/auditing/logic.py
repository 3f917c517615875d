"""What the verdicts of an edition hang on, in digests: so that two packs can tell which rules are others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from jobplan.expression.checked import CheckedDerived, CheckedFormula
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.expression.unparse import unparse
from jobplan.expression.uses import Uses, uses_of

_DIGITS = 16


def logic_of(program: Program) -> dict[str, dict[str, Any]]:
    """Return of an edition a digest for each rule and table, and the values of its parameters.

    A rule's digest is of its conditions and the formulas behind them, not of parameters and tables: where
    only these differ they are named by themselves. `rests` has by rule the parameters and tables it reads.
    """
    uses = {rule.rule.id: uses_of(program.checked, rule) for rule in program.rules}
    edition = program.edition
    return {
        "rules": {rule.rule.id: digest(list(words(program, rule, uses[rule.rule.id])))
                  for rule in program.rules},
        "parameters": dict(edition.values),
        "tables": {name: digest([repr(edition.rows.get(name)), repr(edition.windows.get(name))])
                   for name in edition.policy.tables},
        "rests": {rule: sorted(use.parameters | use.tables) for rule, use in uses.items()},
    }  # fmt: skip


def words(program: Program, rule: Any, uses: Uses) -> Iterator[str]:
    """Yield the conditions of a rule and every formula behind them, as texts in a fixed order."""
    checked = program.checked
    yield rule.rule.for_each
    yield from texts({"applies": rule.applies, "requires": rule.requires})
    yield from texts({"by": rule.by} if rule.by is not None else {})
    for relation, name in sorted(uses.columns):
        yield from formula(checked.columns[(relation, name)])
    for name in sorted(uses.measures):
        yield from formula(checked.measures[name])
    for name in sorted(uses.relations & checked.relations.keys()):
        yield from derived(checked.relations[name])


def formula(found: CheckedFormula) -> Iterator[str]:
    """Yield a column or measure as texts."""
    yield f"{found.relation}.{found.name}: {found.formula.kind} {found.formula.of} {found.formula.table}"
    yield from texts(found.trees)


def derived(found: CheckedDerived) -> Iterator[str]:
    """Yield a derived relation as texts."""
    made = found.derived
    yield f"{made.name}: {made.kind} {dict(made.sources)} {made.within} {made.alias} {made.circle}"
    yield from texts(found.trees)
    for member, trees in sorted(found.members.items()):
        yield member
        yield from texts(trees)


def texts(trees: dict[str, Tree]) -> Iterator[str]:
    """Yield trees by name as rule files write them."""
    return (f"{name}: {unparse(tree)}" for name, tree in sorted(trees.items()))


def digest(parts: list[str]) -> str:
    """Return a short digest of texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGITS]
