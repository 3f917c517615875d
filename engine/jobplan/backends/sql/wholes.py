"""Which numbers are whole and how large they can be, so that nobody rounds what needs no rounding."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.expression.checked import Checked
from jobplan.expression.emit import literal_value
from jobplan.expression.parse import Tree, arguments, call_name
from jobplan.expression.scope import Ref
from jobplan.facts.schema import FactSchema
from jobplan.policy.edition import Edition

SMALL = 4_000_000.0
"""Whole numbers up to this are not changed by rounding to 9 decimals, nor are their comparisons."""

FORMS = {"clock": 1440.0, "weekday": 8.0}
DAYS = 3_700_000.0


@dataclass(slots=True)
class Wholes:
    """Finds bounds of whole numbers in one edition."""

    checked: Checked
    edition: Edition
    schema: FactSchema
    found: dict[Ref, float | None] = field(default_factory=dict)

    def small(self, node: Tree) -> bool:
        """Tell whether a value is a whole number that rounding leaves as it is."""
        bound = self.bound(node)
        return bound is not None and bound <= SMALL

    def bound(self, node: Tree) -> float | None:
        """Return how far from 0 a whole number can be; None where it may not be whole, or is too large."""
        found = self._bound(node)
        return found if found is not None and found <= 1e12 else None

    def _bound(self, node: Tree) -> float | None:
        if isinstance(node, (exp.Paren, exp.Neg)):
            return self.bound(node.this)
        if isinstance(node, exp.Literal):
            value = literal_value(node)
            return abs(value) if isinstance(value, float) and value.is_integer() else None
        if isinstance(node, exp.Column):
            return self.of_name(node.meta["ref"])
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
            return self.of_two(node)
        if isinstance(node, exp.Case):
            values = [branch.args["true"] for branch in node.args["ifs"]]
            default = node.args.get("default")
            return self.most([*values, *([default] if default is not None else [])])
        return self.of_call(node)

    def of_two(self, node: Tree) -> float | None:
        """Return the bound of a sum, difference or product."""
        if isinstance(node, exp.Sub) and node.this.meta.get("kind") == "date":
            return DAYS
        left, right = self.bound(node.this), self.bound(node.expression)
        if left is None or right is None:
            return None
        return left * right if isinstance(node, exp.Mul) else left + right

    def of_call(self, node: Tree) -> float | None:
        """Return the bound of a function's value."""
        name = call_name(node)
        if name in ("least", "greatest", "abs"):
            return self.most(arguments(node))
        if name == "wrap":
            bounds = [self.bound(part) for part in arguments(node)]
            return None if None in bounds else bounds[1]
        if name == "silent":
            return 0.0
        return None

    def most(self, nodes: list[Tree]) -> float | None:
        """Return the bound of whichever of several values it is."""
        bounds = [self.bound(node) for node in nodes]
        return None if None in bounds else max((b for b in bounds if b is not None), default=0.0)

    def of_name(self, ref: Ref) -> float | None:
        """Return the bound of a fact, column, measure or parameter."""
        if ref.kind == "parameter":
            value = self.edition.values[ref.name]
            whole = isinstance(value, float) and value.is_integer()
            return abs(float(value)) if whole and value is not None else 0.0 if value is None else None
        if ref.kind not in ("fact", "column", "measure"):
            return None
        key = Ref(ref.kind, ref.name, ref.relation)
        if key not in self.found:
            self.found[key] = None
            self.found[key] = self.of_field(key)
        return self.found[key]

    def of_field(self, ref: Ref) -> float | None:
        """Return the bound of what stands in a row."""
        if ref.kind == "measure" or ref.kind == "column":
            formulas = self.checked.measures if ref.kind == "measure" else None
            formula = formulas[ref.name] if formulas else self.checked.columns[(ref.relation, ref.name)]
            if formula.formula.kind != "value" or "as_stated" in formula.trees:
                return None
            return self.bound(formula.trees["value"])
        made = self.checked.relations.get(ref.relation)
        if made is not None:
            members = made.members.values()
            return self.most([columns[ref.name] for columns in members]) if members else None
        fact = self.schema.field(ref.relation, ref.name)
        return FORMS.get(fact.form) if fact is not None else None
