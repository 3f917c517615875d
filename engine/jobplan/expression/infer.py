"""Find the kind and unit of an expression, and what does not fit together in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from jobplan.expression.functions import FUNCTIONS
from jobplan.expression.hints import kind_hint, name_hint, option_hint, unit_hint, want_hint
from jobplan.expression.parse import ARITHMETIC, COMPARISONS, Tree, arguments, call_name, name_of
from jobplan.expression.scope import Ref, Scope, Type
from jobplan.expression.units import fits, parse_unit, show_unit, times
from jobplan.source.complaints import NUMBER_LIMIT

UNKNOWN = Type("unknown")
TRUTH = Type("truth")
NUMBER = Type("number")
DATE = Type("date")
SAYS = {"number": "a number", "truth": "true or false", "text": "a text", "date": "a date", "list": "a list"}
SAYS_TWO = {
    "compare": "cannot compare {} with {}",
    "add": "cannot add {1} to {0}",
    "subtract": "cannot subtract {1} from {0}",
    "mix": "a case cannot give {} in one branch and {} in another",
    "join": "a union cannot give {} in one line and {} in another",
    "wrap": "cannot wrap {} by {}",
}
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

TRUTHS = (exp.Boolean, exp.And, exp.Or, exp.Not, exp.Between, exp.In, *COMPARISONS)

Complain = Callable[[Tree, str, str, str | None], None]
"""Takes the node, a code, a message and a help."""


@dataclass(slots=True)
class Inference:
    """Infers types in one scope; names are resolved and noted on their nodes as `meta["ref"]`."""

    scope: Scope
    type_of: Callable[[Ref], Type]
    complain: Complain

    def infer(self, node: Tree) -> Type:
        """Return the type of a tree; what is wrong is complained about once, at its node.

        The kind is noted on the node as `meta["kind"]`, for the back ends.
        """
        found = UNKNOWN if node.meta.get("broken") else self.kind_and_unit(node)
        node.meta["kind"] = found.kind
        return found

    def kind_and_unit(self, node: Tree) -> Type:
        """Find the type of a tree by the kind of its node."""
        if isinstance(node, exp.Paren):
            return self.infer(node.this)
        if isinstance(node, exp.Literal):
            return self.literal(node)
        if isinstance(node, exp.Column):
            return self.name(node)
        if isinstance(node, TRUTHS):
            return self.truth(node)
        if isinstance(node, exp.Neg):
            return self.want(node.this, "number")
        if isinstance(node, ARITHMETIC):
            return self.arithmetic(node)
        if isinstance(node, exp.Case):
            return self.case(node)
        return self.call(node, call_name(node) or "")

    def literal(self, node: Tree) -> Type:
        """Return the type of what is written; a number as large as no plan has is refused."""
        if node.args["is_string"]:
            return Type("text")
        if abs(float(node.name)) > NUMBER_LIMIT:
            self.complain(node, "number-too-large", f"expected a number up to {NUMBER_LIMIT:g}", None)
        return NUMBER

    def truth(self, node: Tree) -> Type:
        """Check what gives a truth: connectives and comparisons."""
        if isinstance(node, (exp.And, exp.Or, exp.Not)):
            for part in (node.this, node.args.get("expression")):
                if part is not None:
                    self.want(part, "truth")
            return TRUTH
        if isinstance(node, COMPARISONS):
            self.comparable(node, node.this, node.expression)
            return TRUTH
        if isinstance(node, exp.Between):
            self.comparable(node, node.this, node.args["low"])
            self.comparable(node, node.this, node.args["high"])
            return TRUTH
        if isinstance(node, exp.In):
            for option in node.expressions:
                self.comparable(node, node.this, option)
            return TRUTH
        return TRUTH

    def name(self, node: Tree) -> Type:
        """Resolve a name; one that means nothing here is complained about with a suggestion."""
        if "ref" in node.meta:
            return self.type_of(node.meta["ref"])
        alias, name = name_of(node)
        ref = self.scope.resolve(alias, name)
        if ref is None:
            full = f"{alias}.{name}" if alias else name
            said = f"no fact, column, measure or parameter `{full}` on `{self.scope.relation}`"
            self.complain(node, "unknown-name", said, name_hint(self.scope, alias, name))
            return UNKNOWN
        node.meta["ref"] = ref
        return self.type_of(ref)

    def want(self, node: Tree, kind: str, help: str | None = None) -> Type:
        """Infer a node that must be of a kind."""
        found = self.infer(node)
        if found.kind not in (kind, "unknown"):
            said = f"expected {SAYS[kind]}, found {SAYS[found.kind]}"
            self.complain(node, "wrong-kind", said, help or want_hint(kind, found.kind))
            return UNKNOWN
        return found

    def comparable(self, node: Tree, left: Tree, right: Tree) -> Type:
        """Check that two sides can be compared, and return their common type."""
        a, b = self.infer(left), self.infer(right)
        for side, tree, other, literal in ((a, left, b, right), (b, right, a, left)):
            if side.kind == "date" and other.kind == "text":
                return self.dated(side, literal)
            words = literal.name if isinstance(literal, exp.Literal) and literal.is_string else None
            if side.options and words is not None and words not in side.options:
                of = (
                    f"a value of `{tree.sql()}`"
                    if "ref" in tree.meta and " " not in tree.name
                    else "one of its values"
                )
                hint = option_hint(tree, words, side.options)
                self.complain(literal, "unknown-option", f"expected {of}, found `{words}`", hint)
        if a.kind != b.kind and "unknown" not in (a.kind, b.kind):
            said = SAYS_TWO["compare"].format(SAYS[a.kind], SAYS[b.kind])
            self.complain(node, "wrong-kind", said, kind_hint(a, b, left, right))
            return UNKNOWN
        return self.unify(node, a, b, "compare")

    def dated(self, side: Type, literal: Tree) -> Type:
        """Read a quoted day that stands against a date."""
        words = literal.name if isinstance(literal, exp.Literal) else ""
        try:
            day = date.fromisoformat(words if DAY.fullmatch(words) else "")
        except ValueError:
            found = f"`{words}`" if words else "a text"
            if DAY.fullmatch(words):
                self.complain(literal, "no-such-date", f"the calendar has no day `{words}`", None)
            else:
                help = "write a day as 'YYYY-MM-DD'"
                self.complain(literal, "wrong-kind", f"expected a date, found {found}", help)
            return UNKNOWN
        literal.meta["ref"] = Ref("constant", literal.name, value=day.toordinal())
        return side

    def unify(self, node: Tree, a: Type, b: Type, verb: str) -> Type:
        """Return the type that both have; complain where kinds or units differ."""
        if a.kind == "unknown":
            return b
        if b.kind == "unknown":
            return a
        if a.kind != b.kind:
            self.complain(node, "wrong-kind", SAYS_TWO[verb].format(SAYS[a.kind], SAYS[b.kind]), None)
            return UNKNOWN
        if a.kind == "list":
            self.complain(node, "wrong-kind", f"cannot {verb} lists", "make rows of the entries with `each`")
            return UNKNOWN
        if not fits(a.unit, b.unit):
            said = SAYS_TWO[verb].format(f"`{show_unit(a.unit)}`", f"`{show_unit(b.unit)}`")
            self.complain(node, "wrong-unit", said, unit_hint(a, b))
        options = tuple(dict.fromkeys((*a.options, *b.options))) if a.options and b.options else ()
        return Type(a.kind, a.unit if a.unit is not None else b.unit, options)

    def arithmetic(self, node: Tree) -> Type:
        """Infer sums, differences, products and quotients; date minus date is days."""
        left, right = self.infer(node.this), self.infer(node.expression)
        if isinstance(node, exp.Sub) and left.kind == right.kind == "date":
            return Type("number", parse_unit("day"))
        for side, found in ((node.this, left), (node.expression, right)):
            if found.kind not in ("number", "unknown"):
                said = f"expected a number, found {SAYS[found.kind]}"
                self.complain(side, "wrong-kind", said, want_hint("number", found.kind))
                return UNKNOWN
        if isinstance(node, (exp.Add, exp.Sub)):
            both = self.unify(node, left, right, "add" if isinstance(node, exp.Add) else "subtract")
            return Type("number", both.unit)
        if isinstance(node, exp.Div) and is_zero(node.expression):
            self.complain(node, "divides-by-zero", "divides by zero", None)
        return Type("number", times(left.unit, right.unit, -1 if isinstance(node, exp.Div) else 1))

    def case(self, node: Tree) -> Type:
        """Infer a case: conditions are truths, branches of one type."""
        found = UNKNOWN
        branches = [(branch.this, branch.args["true"]) for branch in node.args["ifs"]]
        for condition, value in branches:
            self.want(condition, "truth")
            found = self.unify(value, found, self.infer(value), "mix")
        default = node.args.get("default")
        if default is not None:
            found = self.unify(default, found, self.infer(default), "mix")
        return found

    def call(self, node: Tree, name: str) -> Type:
        """Infer a function call by its entry in the table of functions."""
        node.meta["call"] = name
        function = FUNCTIONS[name]
        given = arguments(node)
        takes = [*function.takes, *[function.takes[-1]] * (len(given) - len(function.takes))]
        found: list[Type] = []
        for argument, kind in zip(given, takes, strict=True):
            if kind == "fact":
                self.fact(argument, name)
            elif kind in ("words", "rule"):
                if not (isinstance(argument, exp.Literal) and argument.is_string):
                    help = f"write {name}('{argument.sql()}')" if isinstance(argument, exp.Column) else None
                    self.complain(argument, "wrong-kind", f"`{name}` takes words in quotes", help)
            elif name in ("least", "greatest"):
                found.append(self.infer(argument))
            else:
                found.append(
                    self.want(argument, kind, f"it reads {function.usage}" if len(given) > 1 else None)
                )
        if name in ("least", "greatest"):
            both = found[0]
            for other, argument in zip(found[1:], given[1:], strict=True):
                both = self.unify(argument, both, other, "compare")
            return both
        if name in ("add_days", "add_months"):
            self.in_unit(given[1], found[1], "day" if name == "add_days" else "month")
        if name == "wrap":
            self.unify(node, found[0], found[1], "wrap")
        return Type(function.gives, found[0].unit if function.unit == "same" else None)

    def in_unit(self, node: Tree, found: Type, unit: str) -> None:
        """Complain of a number in another unit than the function counts in."""
        if not fits(found.unit, parse_unit(unit)):
            self.complain(node, "wrong-unit", f"expected `{unit}`, found `{show_unit(found.unit)}`", None)

    def fact(self, node: Tree, function: str) -> None:
        """Check the argument of `recorded` and `none`: the bare name of a fact."""
        if not isinstance(node, exp.Column):
            help = f"write {function}({node.name})" if isinstance(node, exp.Literal) else None
            self.complain(node, "not-a-fact", f"`{function}` takes the name of a fact", help)
            return
        found = self.name(node)
        ref = node.meta.get("ref")
        if ref is not None and ref.kind != "fact":
            said = f"`{function}` takes a fact; `{ref.name}` is worked out, or set by the policy"
            self.complain(node, "not-a-fact", said, "name a fact that it rests on")
        elif ref is not None and self.scope.world.shapes[ref.relation].derived:
            said = f"`{function}` takes a fact; `{ref.name}` is made by `{ref.relation}`"
            self.complain(node, "not-a-fact", said, "ask on the rows that it is made of")
        elif ref is not None and function == "none" and not found.none:
            said = f"no plan can state that `{ref.name}` is none"
            self.complain(node, "never-none", said, "only a fact whose value may be `none` can be asked so")


def is_zero(node: Tree) -> bool:
    """Tell whether a node is the number 0."""
    return isinstance(node, exp.Literal) and not node.is_string and float(node.name) == 0
