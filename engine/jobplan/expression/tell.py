"""Trees as functions: each tells the value of its tree on a row, or what it lacks to have one.

A function is made once for each tree of an edition and knows nothing of a plan. What is lacking is
told by names and rows, which cost nothing; only who asks for reasons has them found.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from math import floor
from typing import Any, Protocol

from sqlglot import exp

from jobplan.expression import runtime
from jobplan.expression.emit import flat, literal_value
from jobplan.expression.parse import COMPARISONS, Tree, arguments
from jobplan.expression.runtime import compared
from jobplan.expression.scope import Ref
from jobplan.model import Reason, Row, Truth
from jobplan.policy.edition import Edition


class Lack(tuple[Any, ...]):
    """What a value lacks to be known: reasons, and pairs of a name's number and the row that has it."""

    __slots__ = ()


class Given(Protocol):
    """What is read of a worked-out plan."""

    @property
    def root(self) -> Row:
        """Return the plan's own row."""

    @property
    def measures(self) -> Mapping[str, Any]:
        """Return the measures by name."""

    @property
    def today(self) -> int:
        """Return the present day, an ordinal."""

    @property
    def attested(self) -> Mapping[str, Truth]:
        """Return what is attested, by name."""


Teller = Callable[[Given, Row, Row | None], Any]
"""Takes the plan, the row at hand and `this` row; gives a value or a Lack."""


class Tellers:
    """The functions of one edition's trees.

    `names` holds, by the number that a Lack gives, what a name stands for, and whether the fact itself
    is lacking however it came about.
    """

    def __init__(self, edition: Edition, root: str) -> None:
        self.edition = edition
        self.root = root
        self.names: list[tuple[Ref, bool]] = []
        self._numbers: dict[tuple[Ref, bool], int] = {}
        self._made: dict[int, tuple[Tree, Teller]] = {}

    def of(self, node: Tree) -> Teller:
        """Return the function of a tree; the tree is kept, so that no other takes its id."""
        found = self._made.get(id(node))
        if found is None:
            found = self._made[id(node)] = (node, self._make(node))
        return found[1]

    def _make(self, node: Tree) -> Teller:
        if isinstance(node, exp.Paren):
            return self.of(node.this)
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return always(literal_value(node))
        if isinstance(node, exp.Column):
            return self._name(node.meta["ref"])
        if isinstance(node, exp.Not):
            return opposite(self.of(node.this))
        if isinstance(node, (exp.And, exp.Or)):
            parts = flat(node, type(node))
            return connective([self.of(part) for part in parts], stop=isinstance(node, exp.Or))
        if isinstance(node, exp.Case):
            default = node.args.get("default")
            branches = [(self.of(item.this), self.of(item.args["true"])) for item in node.args["ifs"]]
            return case(branches, self.of(default) if default is not None else always(NO_CASE))
        if isinstance(node, exp.In):
            return member(self.of(node.this), [self.of(option) for option in node.expressions])
        if isinstance(node, exp.Between):
            return between(*(self.of(part) for part in operands(node)))
        call = node.meta.get("call")
        if call in ("recorded", "none"):
            return self._presence(arguments(node)[0].meta["ref"], call)
        if call == "attested":
            return self._attested(arguments(node)[0].name)
        if call == "silent":
            return always(Lack((Reason("silent", text=arguments(node)[0].name),)))
        return self._operation(node, call)

    def _operation(self, node: Tree, call: str | None) -> Teller:
        parts = [self.of(part) for part in operands(node)]
        if isinstance(node, COMPARISONS):
            return comparison(SIGNS[type(node)], *parts)
        if isinstance(node, exp.Div):
            return division(*parts)
        work = CALLS[call or ""] if call is not None else ARITHMETIC[type(node)]
        return strict(work, parts, lambda: f"`{node.sql()}` has no value here")

    # --- names ------------------------------------------------------------------------------

    def _name(self, ref: Ref) -> Teller:
        if ref.kind == "parameter":
            value = self.edition.values[ref.name]
            words = self.edition.silences.get(ref.name, "")
            return always(Lack((Reason("silent", field=ref.name, text=words),)) if value is None else value)
        if ref.kind == "today":
            return lambda plan, _row, _this: plan.today
        if ref.kind == "constant":
            return always(ref.value)
        owner = self.owner(ref)
        if ref.kind == "id":
            return lambda plan, row, this: owner(plan, row, this).id
        return self._measure(ref) if ref.kind == "measure" else self._value(ref, owner)

    def _measure(self, ref: Ref) -> Teller:
        name, number = ref.name, self._number(ref)

        def told(plan: Given, _row: Row, _this: Row | None) -> Any:
            value = plan.measures[name]
            return Lack(((number, plan.root),)) if value is None else value

        return told

    def _value(self, ref: Ref, owner: Callable[[Given, Row, Row | None], Row]) -> Teller:
        name, number = ref.name, self._number(ref)
        if not ref.path and ref.relation != self.root:

            def of_row(_plan: Given, row: Row, _this: Row | None) -> Any:
                value = row[name]
                return Lack(((number, row),)) if value is None else value

            return of_row

        def told(plan: Given, row: Row, this: Row | None) -> Any:
            having = owner(plan, row, this)
            value = having[name]
            return Lack(((number, having),)) if value is None else value

        return told

    def _presence(self, ref: Ref, call: str) -> Teller:
        function = runtime.recorded if call == "recorded" else runtime.none_stated
        name, number, owner = ref.name, self._number(ref, itself=True), self.owner(ref)

        def told(plan: Given, row: Row, this: Row | None) -> Any:
            having = owner(plan, row, this)
            value = function(having, name)
            return Lack(((number, having),)) if value is None else value

        return told

    def _attested(self, name: str) -> Teller:
        lack = Lack((not_attested(self.edition, name),))

        def told(plan: Given, _row: Row, _this: Row | None) -> Any:
            value = plan.attested.get(name)
            return lack if value is None else value

        return told

    def _number(self, ref: Ref, *, itself: bool = False) -> int:
        """Return the number of a name, which is the same wherever the name stands."""
        key = (ref, itself)
        if key not in self._numbers:
            self._numbers[key] = len(self.names)
            self.names.append(key)
        return self._numbers[key]

    def owner(self, ref: Ref) -> Callable[[Given, Row, Row | None], Row]:
        """Return what finds the row that has a field."""
        if ref.relation == self.root:
            return lambda plan, _row, _this: plan.root

        def found(_plan: Given, row: Row, this: Row | None) -> Row:
            having: Any = row
            for hop in ref.path:
                having = this if hop == "this" else having.parent if hop == "parent" else having[hop]
            assert isinstance(having, Row)
            return having

        return found


def operands(node: Tree) -> list[Tree]:
    """Return the operands of an operation or call in order."""
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        return [node.this, *node.expressions]
    if "call" in node.meta:
        return arguments(node)
    return [part for part in (node.this, node.args.get("expression")) if isinstance(part, exp.Expr)]


def not_attested(edition: Edition, name: str) -> Reason:
    """Return the reason that nobody has attested something."""
    return Reason("missing", field=name, cause="not_attested", text=edition.policy.attested.get(name, name))


# --- kinds of trees ------------------------------------------------------------------------------


def joined(values: Iterable[Any]) -> Lack:
    """Return all that several values lack."""
    return Lack([entry for value in values if type(value) is Lack for entry in value])


def always(value: Any) -> Teller:
    """Tell what is known now."""
    return lambda _plan, _row, _this: value


def opposite(inner: Teller) -> Teller:
    """Tell `not`; unknown stays unknown."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        value = inner(plan, row, this)
        return value if type(value) is Lack else not value

    return told


def connective(parts: list[Teller], *, stop: bool) -> Teller:
    """Tell `and` or `or`: the part that is `stop` decides alone."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        lacking: list[Lack] = []
        for part in parts:
            value = part(plan, row, this)
            if value is stop:
                return stop
            if type(value) is Lack:
                lacking.append(value)
        if not lacking:
            return not stop
        return lacking[0] if len(lacking) == 1 else joined(lacking)

    return told


def case(branches: list[tuple[Teller, Teller]], default: Teller) -> Teller:
    """Tell a case: an unknown condition makes the value unknown."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        for condition, value in branches:
            holds = condition(plan, row, this)
            if type(holds) is Lack:
                return holds
            if holds:
                return value(plan, row, this)
        return default(plan, row, this)

    return told


def member(value: Teller, options: list[Teller]) -> Teller:
    """Tell whether a value is among others, as `or` of equalities."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        one = value(plan, row, this)
        others = [option(plan, row, this) for option in options]
        if type(one) is not Lack and any(type(o) is not Lack and same(one, o) for o in others):
            return True
        lack = joined((one, *others))
        return lack or False

    return told


def between(value: Teller, low: Teller, high: Teller) -> Teller:
    """Tell whether a value lies between two others: one end that it lies beyond decides alone."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        x, a, b = (part(plan, row, this) for part in (value, low, high))
        if type(x) is not Lack:
            if type(a) is not Lack and not compare(operator.ge, x, a):
                return False
            if type(b) is not Lack and not compare(operator.le, x, b):
                return False
        lack = joined((x, a, b))
        return lack or True

    return told


def comparison(sign: Callable[[Any, Any], bool], left: Teller, right: Teller) -> Teller:
    """Tell how two values compare; numbers in whole millionths."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        a, b = left(plan, row, this), right(plan, row, this)
        if type(a) is Lack or type(b) is Lack:
            return joined((a, b))
        return compare(sign, a, b)

    return told


def division(left: Teller, right: Teller) -> Teller:
    """Tell a quotient; dividing by nought gives none."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        a, b = left(plan, row, this), right(plan, row, this)
        nought = type(b) is not Lack and b == 0
        if nought or type(a) is Lack or type(b) is Lack:
            return joined((a, b, NOUGHT if nought else None))
        return a / b

    return told


def strict(work: Callable[..., Any], parts: list[Teller], words: Callable[[], str]) -> Teller:
    """Tell an operation that needs all its operands; `words` say that known ones give nothing."""

    def told(plan: Given, row: Row, this: Row | None) -> Any:
        values = [part(plan, row, this) for part in parts]
        lack = joined(values)
        if lack:
            return lack
        value = work(*values)
        return Lack((Reason("silent", text=words()),)) if value is None else value

    return told


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal; numbers as they are compared."""
    return compare(operator.eq, a, b)


def compare(sign: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
    """Compare two known values; numbers in whole millionths."""
    if isinstance(a, float) or isinstance(b, float):
        a, b = compared(a), compared(b)
    return bool(sign(a, b))


def wrap(x: float, n: float) -> float | None:
    """Return what is left of x on a circle of n; nothing where n is 0."""
    return None if n == 0 else runtime.wrap(x, n)


NO_CASE = Lack((Reason("silent", text="no case of the policy fits"),))
NOUGHT = Lack((Reason("silent", text="divides by nought"),))

SIGNS: Mapping[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}
ARITHMETIC: Mapping[type[exp.Expr], Callable[..., Any]] = {
    exp.Neg: operator.neg,
    exp.Add: operator.add,
    exp.Sub: lambda a, b: float(a - b),
    exp.Mul: operator.mul,
}
CALLS: Mapping[str, Callable[..., Any]] = {
    "wrap": wrap,
    "floor": lambda x: float(floor(x)),
    "ceil": lambda x: -float(floor(-x)),
    "least": lambda *values: min(values),
    "greatest": lambda *values: max(values),
    "abs": abs,
    "gcd": runtime.whole_gcd,
    "add_days": runtime.add_days,
    "add_months": runtime.add_months,
    "starts_with": lambda text, head: text.startswith(head),
}
