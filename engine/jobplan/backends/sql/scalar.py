"""Write expression trees as SQL with Kleene logic; NULL stands for unknown.

Comparison, `and`, `or` and `not` mean in SQL what they mean here. Put right is the rest: an unknown
condition of `case`, `least` and `greatest` over NULL, division by nought, days beyond the calendar,
comparison in whole millionths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.functions import Functions
from jobplan.backends.sql.thresholds import least_of, millionths, range_of
from jobplan.backends.sql.wholes import Wholes
from jobplan.expression.emit import flat, literal_value, ranged, spelt_out
from jobplan.expression.parse import Tree, arguments, call_name
from jobplan.expression.scope import Ref
from jobplan.facts.codes import CAUSES
from jobplan.policy.edition import Edition

OPPOSITE: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}
LONG = 6
"""Nodes of an operand beyond which it is held in a column of its own rather than written twice."""


class Reader(Protocol):
    """Where a name is found in the query at hand."""

    def read(self, ref: Ref) -> Tree:
        """Return the column that a name stands for."""

    def cause(self, ref: Ref) -> Tree | None:
        """Return the column that tells why a fact has no value; None where nothing tells."""

    def attested(self, name: str) -> Tree:
        """Return the column of an attestation."""

    def hold(self, value: Tree) -> Tree:
        """Return a column that has been given a value, so that it is worked out only once."""


@dataclass(slots=True)
class Scalar:
    """Writes the trees of one edition; `today` is an ordinal."""

    edition: Edition
    wholes: Wholes
    functions: Functions
    today: int
    reader: Reader

    def value(self, node: Tree) -> Tree:
        """Return SQL whose value is the tree's, or NULL where that is unknown."""
        known = self.constant(node)
        if isinstance(known, float):
            return n.number(known)
        writer = WRITERS.get(type(node))
        if writer is not None:
            return writer(self, node)
        call = CALLS.get(call_name(node) or "")
        if call is None:
            raise TypeError(node)
        return call(self, node)

    def twice(self, node: Tree) -> Tree:
        """Return a value that will be written more than once."""
        return self.held(self.value(node))

    def held(self, value: Tree) -> Tree:
        """Return a value as something short."""
        size = 0
        for size, _ in enumerate(value.walk()):
            if size > LONG:
                return self.reader.hold(value)
        return value

    def constant(self, node: Tree) -> Any:
        """Return the value of what is known now, as the reference works it out; else None."""
        if isinstance(node, exp.Paren):
            return self.constant(node.this)
        if isinstance(node, exp.Literal):
            return None if node.meta.get("kind") == "date" else literal_value(node)
        if isinstance(node, exp.Column) and node.meta["ref"].kind == "parameter":
            return self.edition.values[node.meta["ref"].name]
        if isinstance(node, exp.Neg):
            inner = self.constant(node.this)
            return -inner if isinstance(inner, float) else None
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
            a, b = self.constant(node.this), self.constant(node.expression)
            if isinstance(a, float) and isinstance(b, float) and not (isinstance(node, exp.Div) and b == 0):
                found = FOLDED[type(node)](a, b)
                return found if abs(found) < 1e300 else None
        return None

    # --- names and literals -----------------------------------------------------------------

    def name(self, node: Tree) -> Tree:
        """Write what a name stands for."""
        ref: Ref = node.meta["ref"]
        if ref.kind == "parameter":
            return known_value(self.edition.values[ref.name], "number")
        if ref.kind == "today":
            return n.day(self.today)
        if ref.kind == "constant":
            return known_value(ref.value, str(node.meta.get("kind")))
        return self.reader.read(ref)

    def literal(self, node: Tree) -> Tree:
        """Write a literal."""
        return known_value(literal_value(node), str(node.meta.get("kind")))

    # --- logic ------------------------------------------------------------------------------

    def connective(self, node: Tree) -> Tree:
        """Write `and` or `or`."""
        parts = [self.value(part) for part in flat(node, type(node))]
        return n.joined(type(node), parts)

    def case(self, node: Tree) -> Tree:
        """Write a case: an unknown condition makes the value unknown."""
        default = node.args.get("default")
        kind = str(node.meta.get("kind", "number"))
        branches: list[tuple[Tree, Tree]] = []
        for branch in node.args["ifs"]:
            condition, value = self.twice(branch.this), self.value(branch.args["true"])
            if not self.always_known(branch.this):
                branches.append((n.missing(condition), exp.Null()))
                condition = condition.copy()
            branches.append((condition, value))
        otherwise = self.value(default) if default is not None else None
        if all(isinstance(value, exp.Null) for _, value in branches) and otherwise is None:
            return n.null(kind)
        return n.case(*branches, otherwise=otherwise)

    def always_known(self, node: Tree) -> bool:
        """Tell whether a condition has a truth whatever the facts."""
        if isinstance(node, exp.Paren):
            return self.always_known(node.this)
        return isinstance(node, exp.Boolean)

    # --- comparison -------------------------------------------------------------------------

    def comparison(self, node: Tree) -> Tree:
        """Write a comparison; numbers are compared in whole millionths."""
        left, right, kind = node.this, node.expression, type(node)
        if "number" not in (left.meta.get("kind"), right.meta.get("kind")):
            return n.binary(kind, self.value(left), self.value(right))
        if isinstance(self.constant(left), float) and not isinstance(self.constant(right), float):
            left, right, kind = right, left, OPPOSITE[kind]
        known = self.constant(right)
        if isinstance(known, float) and abs(known) < 1e200:
            return self.against(left, kind, known)
        if self.wholes.small(left) and self.wholes.small(right):
            return n.binary(kind, self.value(left), self.value(right))
        return n.binary(kind, self.millionths(left), self.millionths(right))

    def against(self, node: Tree, kind: type[exp.Expr], known: float) -> Tree:
        """Write the comparison of a value with a known number, without rounding the value."""
        value = self.value(node)
        if self.wholes.small(node) and known.is_integer() and abs(known) < 1e9:
            return n.binary(kind, value, n.number(known))
        whole = millionths(known)
        low, high = range_of(known)
        if kind is exp.GTE:
            return n.binary(exp.GTE, value, n.number(low))
        if kind is exp.LT:
            return n.binary(exp.LT, value, n.number(low))
        if kind is exp.GT:
            return n.binary(exp.GTE, value, n.number(least_of(whole + 1)))
        if kind is exp.LTE:
            return n.binary(exp.LT, value, n.number(least_of(whole + 1)))
        equal = n.between(value, n.number(low), n.number(high))
        return equal if kind is exp.EQ else n.negated(n.braced(exp.Paren(this=equal)))

    def millionths(self, node: Tree) -> Tree:
        """Write a number as it is compared."""
        return compared(self.value(node))

    def membership(self, node: Tree) -> Tree:
        """Write `in`."""
        if not all(isinstance(option, exp.Literal) for option in node.expressions):
            return self.value(spelt_out(node))
        if node.this.meta.get("kind") != "number":
            options = [self.literal(option) for option in node.expressions]
            return n.among(self.value(node.this), options)
        known = [float(option.name) for option in node.expressions]
        if self.wholes.small(node.this) and all(x.is_integer() and abs(x) < 1e9 for x in known):
            return n.among(self.value(node.this), [n.number(x) for x in known])
        return n.among(self.millionths(node.this), [n.number(millionths(x)) for x in known])

    # --- arithmetic -------------------------------------------------------------------------

    def arithmetic(self, node: Tree) -> Tree:
        """Write a sum, difference or product."""
        left, right = self.value(node.this), self.value(node.expression)
        if isinstance(node, exp.Sub) and node.this.meta.get("kind") == "date":
            return self.functions.days_between(left, right)
        return n.binary(type(node), left, right)

    def division(self, node: Tree) -> Tree:
        """Write a division: by nought it is unknown."""
        return n.binary(exp.Div, self.value(node.this), self.divisor(node.expression))

    def divisor(self, node: Tree) -> Tree:
        """Write what is divided by."""
        known = self.constant(node)
        value = self.value(node)
        return value if isinstance(known, float) and known else n.call("nullif", value, n.number(0))

    # --- functions --------------------------------------------------------------------------

    def extreme(self, node: Tree) -> Tree:
        """Write `least` or `greatest`: unknown if one value is."""
        name, given = str(call_name(node)), arguments(node)
        if len(given) == 1:
            return self.value(given[0])
        values = [self.twice(part) for part in given]
        unsure = [
            n.known(value.copy())
            for value, part in zip(values, given, strict=True)
            if self.constant(part) is None
        ]
        found = n.call(name, *values)
        return n.case((n.every(*unsure), found)) if unsure else found

    def plain(self, node: Tree) -> Tree:
        """Write a function that SQL has under the same name."""
        return n.call(str(call_name(node)), *(self.value(part) for part in arguments(node)))

    def ceiling(self, node: Tree) -> Tree:
        """Write `ceil`, without a nought below nought."""
        return n.add(n.call("ceil", self.value(arguments(node)[0])), n.number(0))

    def wrap(self, node: Tree) -> Tree:
        """Write x - n * floor(x / n)."""
        x, by = arguments(node)
        value, over = self.twice(x), self.held(self.divisor(by))
        rounds = n.call("floor", n.binary(exp.Div, value.copy(), over.copy()))
        return n.minus(value, n.times(over, rounds))

    def common(self, node: Tree) -> Tree:
        """Write `gcd`: unknown if a number is not whole."""
        a, b = (self.twice(part) for part in arguments(node))
        whole = [n.same(x.copy(), n.call("floor", x.copy())) for x in (a, b)]
        return n.case((n.every(*whole), self.functions.gcd(a, b)))

    def later(self, node: Tree) -> Tree:
        """Write `add_days` or `add_months`."""
        write = self.functions.add_days if call_name(node) == "add_days" else self.functions.add_months
        day, amount = arguments(node)
        return write(self.value(day), self.value(amount))

    def begins(self, node: Tree) -> Tree:
        """Write `starts_with`."""
        return self.functions.starts_with(*(self.value(part) for part in arguments(node)))

    def recorded(self, node: Tree) -> Tree:
        """Write whether a fact is on record."""
        ref: Ref = arguments(node)[0].meta["ref"]
        value, cause = self.reader.read(ref), self.reader.cause(ref)
        if cause is None:
            return n.known(value)
        unsure = [n.whole(CAUSES["not_carried"]), n.whole(CAUSES["unreadable"])]
        return n.case(
            (n.known(value), n.truth(True)),
            (n.missing(cause.copy()), n.truth(False)),
            (n.same(cause, n.whole(CAUSES["conflict"])), n.truth(True)),
            (n.among(cause.copy(), unsure), n.null("truth")),
            otherwise=n.truth(False),
        )

    def stated_none(self, node: Tree) -> Tree:
        """Write whether it is stated that there is none."""
        ref: Ref = arguments(node)[0].meta["ref"]
        value, cause = self.reader.read(ref), self.reader.cause(ref)
        branches = [(n.known(value), n.truth(False))]
        if cause is not None:
            branches.append((n.same(cause, n.whole(CAUSES["none"])), n.truth(True)))
        return n.case(*branches)


def known_value(value: float | int | str | bool | None, kind: str) -> Tree:  # noqa: FBT001
    """Write what is known now; whole numbers are days."""
    if value is None:
        return n.null(kind)
    if isinstance(value, bool):
        return n.truth(value)
    if isinstance(value, str):
        return n.text(value)
    return n.day(int(value)) if kind == "date" or isinstance(value, int) else n.number(value)


def compared(value: Tree) -> Tree:
    """Write a number in whole millionths."""
    return n.call("floor", n.add(n.times(value, n.number(1e6)), n.number(0.5)))


def rounded(value: Tree) -> Tree:
    """Write a number rounded to 9 decimals."""
    return n.binary(exp.Div, billionths(value), n.number(1e9))


def billionths(value: Tree) -> Tree:
    """Write a number in whole billionths."""
    return n.call("floor", n.add(n.times(value, n.number(1e9)), n.number(0.5)))


FOLDED: dict[type[exp.Expr], Callable[[float, float], float]] = {
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
    exp.Div: lambda a, b: a / b,
}

Write = Callable[[Scalar, Any], Tree]

WRITERS: dict[type[exp.Expr], Write] = {
    exp.Paren: lambda s, node: s.value(node.this),
    exp.And: Scalar.connective,
    exp.Or: Scalar.connective,
    exp.Not: lambda s, node: n.negated(s.value(node.this)),
    exp.Case: Scalar.case,
    exp.In: Scalar.membership,
    exp.Between: lambda s, node: s.value(ranged(node)),
    exp.Column: Scalar.name,
    exp.Literal: Scalar.literal,
    exp.Boolean: lambda _, node: n.truth(bool(node.this)),
    exp.Neg: lambda s, node: exp.Neg(this=n.braced(s.value(node.this))),
    exp.Add: Scalar.arithmetic,
    exp.Sub: Scalar.arithmetic,
    exp.Mul: Scalar.arithmetic,
    exp.Div: Scalar.division,
    **dict.fromkeys(OPPOSITE, Scalar.comparison),
}
CALLS: dict[str, Write] = {
    "abs": Scalar.plain,
    "floor": Scalar.plain,
    "ceil": Scalar.ceiling,
    "least": Scalar.extreme,
    "greatest": Scalar.extreme,
    "wrap": Scalar.wrap,
    "gcd": Scalar.common,
    "add_days": Scalar.later,
    "add_months": Scalar.later,
    "starts_with": Scalar.begins,
    "recorded": Scalar.recorded,
    "none": Scalar.stated_none,
    "silent": lambda *_: exp.Null(),
    "attested": lambda s, node: s.reader.attested(arguments(node)[0].name),
}
