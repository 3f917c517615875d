"""A policy whose every expression has been parsed, resolved and found to fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlglot import exp

from jobplan.expression.parse import Tree, nodes
from jobplan.expression.scope import Ref, Type, World
from jobplan.model import Derived, Formula, Policy, Rule

Node = tuple[Literal["column", "relation", "measure"], str, str]
"""What is worked out: kind, relation (empty for measures), name (empty for relations)."""


@dataclass(slots=True)
class CheckedFormula:
    """A column (of `relation`) or measure (no relation) with its trees.

    `trees` has the formula's inputs by name, and `where`, `if_none`, `as_stated` where given.
    """

    name: str
    relation: str
    formula: Formula
    trees: dict[str, Tree]
    type: Type
    own_children: bool = False


@dataclass(slots=True)
class CheckedDerived:
    """A derived relation with its trees: by key, and for unions by member and column."""

    derived: Derived
    trees: dict[str, Tree]
    members: dict[str, dict[str, Tree]] = field(default_factory=dict)


@dataclass(slots=True)
class CheckedRule:
    """A rule with its trees; `by` is the fact whose date decides, `holes` the message's names."""

    rule: Rule
    applies: Tree
    requires: Tree
    by: Tree | None
    holes: dict[str, Tree]


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy ready to be compiled for any day; `order` is an order in which all can be worked out.

    `applies` keeps whom each rule concerns in all, once it has been put together.
    """

    policy: Policy
    world: World
    types: Mapping[Node, Type]
    columns: Mapping[tuple[str, str], CheckedFormula]
    measures: Mapping[str, CheckedFormula]
    relations: Mapping[str, CheckedDerived]
    rules: Mapping[str, CheckedRule]
    order: tuple[Node, ...]
    waivers: tuple[tuple[Mapping[str, Any], Tree | None], ...] = ()
    applies: dict[str, tuple[CheckedRule, Tree]] = field(default_factory=dict)

    def type_of(self, ref: Ref) -> Type:
        """Return the type of what a name stands for."""
        return type_of(self.world, self.types, ref)


def type_of(world: World, types: Mapping[Node, Type], ref: Ref) -> Type:
    """Return the type of what a name stands for; columns and measures must be in `types`."""
    if ref.kind == "fact":
        return world.shapes[ref.relation].facts[ref.name]
    if ref.kind == "column":
        return types[("column", ref.relation, ref.name)]
    if ref.kind == "measure":
        return types[("measure", "", ref.name)]
    if ref.kind == "parameter":
        return world.parameters[ref.name]
    return Type("date") if ref.kind in ("today", "constant") else Type("text")


def refs(tree: Tree) -> Iterator[Ref]:
    """Yield what every name in a tree stands for."""
    for node in nodes(tree):
        if isinstance(node, exp.Column) and "ref" in node.meta:
            yield node.meta["ref"]


def needs(ref: Ref) -> Iterator[Node]:
    """Yield what must have been worked out before a name can be read."""
    if ref.kind == "column":
        yield ("column", ref.relation, ref.name)
    elif ref.kind == "measure":
        yield ("measure", "", ref.name)
