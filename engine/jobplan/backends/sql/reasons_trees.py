"""Why a tree is unknown, as SQL: an expression that gives a list of numbers of reasons.

It follows `expression.tell` rule by rule: what decides alone gives none, strict operations those of all
their operands, a case those of the unknown condition or of the branch taken. Where nothing can be lacking
there is no expression; where something is lacking nothing but the list is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from jobplan.backends.sql.reasons_codes import MAY_FAIL, ROW, Codes, no_value
from jobplan.expression.emit import flat
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.scope import Ref
from jobplan.expression.tell import NO_CASE, NOUGHT, operands
from jobplan.facts.codes import CAUSES
from jobplan.policy.edition import Edition

Listed = exp.Expr | None
"""A list of numbers of reasons, empty or NULL where there is none; None where there never is any."""


Never = frozenset[bool]
"""Truths that a value is known not to have where it is looked at."""

ANY: Never = frozenset()
UNKNOWN: Never = frozenset((True, False))


class Names(Protocol):
    """What trees read on the rows of one statement."""

    def value(self, tree: Tree) -> exp.Expr:
        """Return the value of a tree, NULL where it is unknown."""

    def column(self, ref: Ref) -> exp.Expr:
        """Return the value of a name."""

    def cause(self, ref: Ref) -> exp.Expr | None:
        """Return the code of the cause for which a fact is not there, NULL for blank; None: always blank."""

    def rank(self, ref: Ref) -> exp.Expr:
        """Return the rank of the row that has a fact."""

    def hold(self, value: exp.Expr) -> exp.Expr:
        """Return a column that has been given a value, so that it is worked out only once."""

    def companion(self, kind: str, relation: str, name: str, path: tuple[str, ...]) -> exp.Expr:
        """Return the reasons that have been worked out for a column, measure or field of a union."""

    def made_by_union(self, relation: str) -> bool:
        """Tell whether a relation is a union, whose fields are worked out."""


@dataclass(frozen=True, slots=True)
class Why:
    """Writes why trees are unknown on the rows of one statement."""

    edition: Edition
    codes: Codes
    names: Names

    def of(self, node: Tree, never: Never = ANY) -> Listed:
        """Return the reasons for which a tree is unknown; none where it is known.

        Where it is asked, the tree's value is `never` one of these; which spares most tests.
        """
        if isinstance(node, exp.Paren):
            return self.of(node.this, never)
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return None
        if isinstance(node, exp.Column):
            return self.name(node.meta["ref"])
        if isinstance(node, exp.Not):
            return self.of(node.this, frozenset(not value for value in never))
        if isinstance(node, (exp.And, exp.Or)):
            return self.connective(node, never)
        if isinstance(node, exp.Case):
            return self.case(node, never)
        if isinstance(node, (exp.In, exp.Between)):
            return self.choice(node, never)
        return self.call(node, node.meta.get("call"), never)

    def connective(self, node: Tree, never: Never) -> Listed:
        """Return the reasons of `and` and `or`: of the unknown parts, unless one part decides alone."""
        stop = isinstance(node, exp.Or)
        undecided = never & {stop}
        why = concat(self.of(part, undecided) for part in flat(node, type(node)))
        return why if undecided else self.unless_known(node, why)

    def call(self, node: Tree, call: str | None, never: Never) -> Listed:
        """Return the reasons of a function or an operation."""
        if call in ("recorded", "none"):
            why: Listed = self.fact(arguments(node)[0].meta["ref"])
            return why if never == UNKNOWN else self.unless_known(node, why)
        if call == "attested":
            return self.unless_known(node, one(self.codes.not_attested(arguments(node)[0].name)))
        if call == "silent":
            return one(self.codes.silent(arguments(node)[0].name))
        parts = operands(node)
        why = concat(self.of(part) for part in parts)
        if isinstance(node, exp.Div):
            return why if never_nought(node.expression) else concat((why, self.nought(node.expression)))
        if call in MAY_FAIL:
            why = self.no_value(node, parts, why)
            return why if never == UNKNOWN else self.unless_known(node, why)
        return why

    def nought(self, divisor: Tree) -> exp.Expr:
        """Return the reason that a divisor is nought."""
        test = exp.EQ(this=exp.Paren(this=self.names.value(divisor)), expression=number(0.0))
        return when(test, one(self.codes.silent(NOUGHT[0].text)))

    def no_value(self, node: Tree, parts: list[Tree], why: Listed) -> exp.Expr:
        """Return the reasons of a call that may give nothing although its operands are known."""
        silent = one(self.codes.silent(no_value(node)))
        lacking = [unknown(self.names.value(part)) for part in parts if not is_known(part)]
        return silent if why is None else case([(exp.or_(*lacking), why)], silent)

    def unless_known(self, node: Tree, why: Listed) -> Listed:
        """Return reasons where the value of a tree is unknown."""
        return None if why is None else when(unknown(self.names.value(node)), why)

    def case(self, node: Tree, never: Never) -> Listed:
        """Return the reasons of the unknown condition or of the branch taken."""
        default = node.args.get("default")
        otherwise = one(self.codes.silent(NO_CASE[0].text)) if default is None else self.of(default, never)
        branches: list[tuple[exp.Expr, Listed]] = []
        for item in node.args["ifs"]:
            condition, value = self.names.value(item.this), self.of(item.args["true"], never)
            why = self.of(item.this, UNKNOWN)
            if why is not None:
                branches.append((unknown(condition), why))
            branches.append((condition.copy(), value))
        if otherwise is None and all(value is None for _, value in branches):
            return None
        return case([(test, value) for test, value in branches], otherwise)

    def choice(self, node: Tree, never: Never) -> Listed:
        """Return the reasons of `in` and `between`: one known operand may decide alone."""
        first, *others = operands(node)
        rest = [self.of(other) for other in others]
        why = concat((self.of(first), *rest))
        undecided = isinstance(node, exp.In) in never or all(part is None for part in rest)
        return why if undecided else self.unless_known(node, why)

    # --- names ------------------------------------------------------------------------------

    def name(self, ref: Ref) -> Listed:
        """Return the reasons for which a name has no value."""
        if ref.kind == "parameter":
            if self.edition.values[ref.name] is not None:
                return None
            return one(self.codes.silent(self.edition.silences.get(ref.name, ""), ref.name))
        if ref.kind == "column":
            return self.names.companion("column", ref.relation, ref.name, ref.path)
        if ref.kind == "measure":
            return self.names.companion("measure", "", ref.name, ())
        if ref.kind != "fact":
            return None
        if self.names.made_by_union(ref.relation):
            return self.names.companion("union", ref.relation, ref.name, ref.path)
        return self.fact(ref)

    def fact(self, ref: Ref) -> exp.Expr:
        """Return the one reason for which a fact of a row is not there, if it is not."""
        cause, missing = self.names.cause(ref), self.codes.missing(ref.relation, ref.name)
        base = integer(missing)
        if cause is not None:
            several = self.codes.conflict(ref.relation, ref.name) + CAUSES["conflict"]
            given = exp.Add(this=base, expression=exp.Coalesce(this=cause, expressions=[integer(0)]))
            conflict = exp.EQ(this=cause.copy(), expression=integer(CAUSES["conflict"]))
            base = case([(conflict, integer(several))], given)
        code = exp.Array(expressions=[in_row(base, self.names.rank(ref))])
        return self.names.hold(when(unknown(self.names.column(ref)), code))


def in_row(base: exp.Expr, rank: exp.Expr) -> exp.Expr:
    """Return the number of a reason in the row of a rank."""
    place = exp.Mul(this=rank, expression=integer(ROW))
    return exp.Add(this=exp.Paren(this=base), expression=place)


def integer(value: int) -> exp.Expr:
    """Write a whole number of 64 bits."""
    return exp.cast(exp.Literal.number(value), "BIGINT", dialect="duckdb")


def number(value: float) -> exp.Expr:
    """Write a double."""
    return exp.cast(exp.Literal.number(value), "DOUBLE", dialect="duckdb")


def one(code: int) -> exp.Expr:
    """Write a list of one reason."""
    return exp.Array(expressions=[integer(code)])


def nothing() -> exp.Expr:
    """Write the list of no reasons."""
    return exp.Null()


def unknown(value: exp.Expr) -> exp.Expr:
    """Write that a value is unknown."""
    return exp.Is(this=exp.Paren(this=value), expression=exp.Null())


def when(test: exp.Expr, why: exp.Expr) -> exp.Expr:
    """Write reasons that there are only where a test holds."""
    return case([(test, why)], None)


def case(branches: Iterable[tuple[exp.Expr, Listed]], otherwise: Listed) -> exp.Expr:
    """Write a case; a branch of None gives NULL."""
    ifs = [exp.If(this=test, true=nothing() if value is None else value) for test, value in branches]
    return exp.Case(ifs=ifs, default=otherwise)


def concat(parts: Iterable[Listed]) -> Listed:
    """Write lists put together; a list that is not there counts as empty."""
    there = [part for part in parts if part is not None]
    if len(there) < 2:
        return there[0] if there else None
    return exp.Anonymous(this="flatten", expressions=[exp.Array(expressions=there)])


def is_known(node: Tree) -> bool:
    """Tell whether a tree is a literal."""
    return isinstance(node, (exp.Literal, exp.Boolean)) or (
        isinstance(node, (exp.Paren, exp.Neg)) and is_known(node.this)
    )


def never_nought(node: Tree) -> bool:
    """Tell whether a tree is a number other than nought."""
    if isinstance(node, (exp.Paren, exp.Neg)):
        return never_nought(node.this)
    return isinstance(node, exp.Literal) and not node.args["is_string"] and float(node.name) != 0


def is_true(node: Tree) -> bool:
    """Tell whether a condition is simply true."""
    return isinstance(node, exp.Boolean) and bool(node.this)
