"""Write expression trees as Python source with Kleene logic; None stands for unknown.

A strict operation is unknown if any operand is: its operands become guards, tested in order, and
the operation itself is plain arithmetic on what the guards have bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor

from sqlglot import exp

from jobplan.expression.parse import Tree, arguments, call_name
from jobplan.expression.runtime import MILLION
from jobplan.expression.scope import Ref
from jobplan.policy.edition import Edition

ARITHMETIC_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
COMPARISON_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
PURE_CALLS = {"abs": "abs({0})", "floor": "float(floor({0}))", "ceil": "float(-floor(-{0}))"}
CHECKED_CALLS = {
    "add_months": "add_months({0}, {1})",
    "add_days": "add_days({0}, {1})",
    "gcd": "whole_gcd({0}, {1})",
}


@dataclass(slots=True)
class Guards:
    """Tests that make a strict operation unknown, in the order in which they must be made."""

    tests: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Emitter:
    """Writes expressions of one edition.

    `measures` maps measures to local names, `sides` the names in a pair to the variables that hold
    its rows while it is not known whether there is such a pair. `held` maps what is read of the row
    at hand to variables that hold it, `variables` are all of these and the measures'.
    """

    edition: Edition
    root: str
    measures: dict[str, str]
    row: str = "r"
    this: str = "o"
    sides: dict[str, str] = field(default_factory=dict)
    count: int = 0
    held: dict[str, str] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.variables = set(self.measures.values())

    def hold(self, written: str, name: str) -> None:
        """Let a variable stand for what is read of the row at hand."""
        self.held[written] = name
        self.variables.add(name)

    def let_go(self) -> None:
        """Go on to other rows."""
        self.variables.difference_update(self.held.values())
        self.held.clear()

    def fresh(self) -> str:
        """Return a name not used before."""
        self.count += 1
        return f"t{self.count}"

    def on(self, row: str, this: str = "o") -> Emitter:
        """Set the variable that holds the row at hand."""
        self.row, self.this = row, this
        return self

    # --- names ------------------------------------------------------------------------------

    def owner(self, ref: Ref) -> str:
        """Return the source of the row that has a field."""
        if ref.relation == self.root:
            return "plan"
        source = self.row
        for hop in ref.path:
            if hop in self.sides:
                source = self.sides[hop]
            elif hop == "parent":
                source += ".parent"
            elif hop == "this":
                source = self.this
            else:
                source += f"[{hop!r}]"
        return source

    def read(self, ref: Ref) -> str:
        """Return the source that reads a name; what is known now is written as it is."""
        if ref.kind in ("fact", "column"):
            written = f"{self.owner(ref)}[{ref.name!r}]"
            return self.held.get(written, written)
        if ref.kind == "id":
            return f"{self.owner(ref)}.id"
        if ref.kind == "measure":
            return self.measures[ref.name]
        if ref.kind == "parameter":
            return repr(self.edition.values[ref.name])
        return "today" if ref.kind == "today" else repr(ref.value)

    # --- values -----------------------------------------------------------------------------

    def emit(self, node: Tree) -> str:
        """Return an expression whose value is the node's, or None where that is unknown."""
        if isinstance(node, exp.Paren):
            return self.emit(node.this)
        if isinstance(node, (exp.And, exp.Or)):
            return self.connective(node)
        if isinstance(node, exp.Not):
            t = self.fresh()
            return f"(None if ({t} := {self.emit(node.this)}) is None else not {t})"
        if isinstance(node, exp.Case):
            return self.case(node)
        if isinstance(node, exp.In) and not all(isinstance(o, exp.Literal) for o in node.expressions):
            return self.emit(spelt_out(node))
        if isinstance(node, exp.Between):
            return self.emit(ranged(node))
        name = call_name(node)
        if name in ("recorded", "none"):
            return self.presence(node, name)
        if name == "silent":
            return "None"
        if name == "attested":
            return f"attested.get({arguments(node)[0].name!r})"
        if isinstance(node, exp.Column):
            return self.read(node.meta["ref"])
        guards = Guards()
        return self.guarded(self.strict(node, guards), guards)

    def guarded(self, pure: str, guards: Guards) -> str:
        """Put the tests of a strict operation before it."""
        if not guards.tests:
            return f"({pure})"
        return f"(None if {' or '.join(guards.tests)} else {pure})"

    def connective(self, node: Tree) -> str:
        """Write `and` or `or`: what decides alone decides, else one unknown makes it unknown."""
        return self.joined(flat(node, type(node)), "False" if isinstance(node, exp.And) else "True")

    def joined(self, parts: list[Tree], stop: str) -> str:
        """Write several conditions joined; `stop` is the truth that decides alone."""
        if len(parts) == 1:
            return self.emit(parts[0])
        other = "True" if stop == "False" else "False"
        names = [self.fresh() for _ in parts]
        tests = " or ".join(
            f"({t} := {self.emit(part)}) is {stop}" for t, part in zip(names, parts, strict=True)
        )
        unknown = " or ".join(f"{t} is None" for t in names)
        return f"({stop} if {tests} else None if {unknown} else {other})"

    def case(self, node: Tree) -> str:
        """Write a case: an unknown condition makes the value unknown."""
        default = node.args.get("default")
        written = self.emit(default) if default is not None else "None"
        for branch in reversed(node.args["ifs"]):
            t = self.fresh()
            condition, value = self.emit(branch.this), self.emit(branch.args["true"])
            written = f"({value} if ({t} := {condition}) is True else None if {t} is None else {written})"
        return written

    def presence(self, node: Tree, name: str) -> str:
        """Write `recorded` or `none` on a fact."""
        ref = arguments(node)[0].meta["ref"]
        function = "recorded" if name == "recorded" else "none_stated"
        return f"{function}({self.owner(ref)}, {ref.name!r})"

    # --- strict operations ------------------------------------------------------------------

    def strict(self, node: Tree, guards: Guards) -> str:
        """Return plain Python for a strict operation, adding what must be tested before."""
        if isinstance(node, exp.Paren):
            return f"({self.strict(node.this, guards)})"
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return known_now(node)
        if isinstance(node, exp.Neg):
            return f"(-{self.strict(node.this, guards)})"
        sign = ARITHMETIC_SIGNS.get(type(node))
        if sign is not None:
            left, right = self.strict(node.this, guards), self.strict(node.expression, guards)
            if isinstance(node, exp.Sub) and node.this.meta.get("kind") == "date":
                return f"float({left} - {right})"
            return f"({left} {sign} {right})"
        if isinstance(node, exp.Div):
            return f"({self.strict(node.this, guards)} / {self.divisor(node.expression, guards)})"
        if type(node) in COMPARISON_SIGNS:
            return self.comparison(node.this, node.expression, COMPARISON_SIGNS[type(node)], guards)
        if isinstance(node, exp.In) and all(isinstance(o, exp.Literal) for o in node.expressions):
            return self.membership(node, guards)
        name = call_name(node)
        if name in PURE_CALLS or name in ("least", "greatest", "starts_with", "wrap"):
            return self.pure_call(node, name, guards)
        if name in CHECKED_CALLS:
            given = [self.strict(a, guards) for a in arguments(node)]
            return self.bind(CHECKED_CALLS[name].format(*given), guards)
        return self.bind(self.emit(node), guards)

    def bind(self, source: str, guards: Guards) -> str:
        """Bind what may be unknown to a name once, and test it; what is known stays as it is."""
        if source == "today" or source[:1] in "'\"" or source.replace(".", "").replace("-", "").isdigit():
            return source
        if source not in guards.names:
            held = source in self.variables
            name = guards.names[source] = source if held else self.fresh()
            guards.tests.append(f"{name} is None" if held else f"({name} := {source}) is None")
        return guards.names[source]

    def divisor(self, node: Tree, guards: Guards) -> str:
        """Write a divisor: dividing by nought is unknown."""
        written = self.strict(node, guards)
        try:
            if float(written) != 0:
                return written
        except ValueError:
            pass
        name = self.fresh()
        guards.tests.append(f"({name} := {written}) == 0")
        return name

    def comparison(self, left: Tree, right: Tree, sign: str, guards: Guards) -> str:
        """Write a comparison; numbers are compared in whole millionths."""
        a, b = self.strict(left, guards), self.strict(right, guards)
        if "number" in (left.meta.get("kind"), right.meta.get("kind")):
            a, b = millionths(a), millionths(b)
        return f"({a} {sign} {b})"

    def membership(self, node: Tree, guards: Guards) -> str:
        """Write `in` over values that are known now."""
        value = self.strict(node.this, guards)
        if node.this.meta.get("kind") == "number":
            options = ", ".join(millionths(repr(float(o.name))) for o in node.expressions)
            return f"({millionths(value)} in ({options},))"
        options = ", ".join(
            repr(o.meta["ref"].value if "ref" in o.meta else o.name) for o in node.expressions
        )
        return f"({value} in ({options},))"

    def pure_call(self, node: Tree, name: str | None, guards: Guards) -> str:
        """Write a function that is defined for all known values."""
        given = [self.strict(a, guards) for a in arguments(node)]
        if name == "wrap":
            over, x = self.divisor(arguments(node)[1], guards), self.fresh()
            return f"(({x} := {given[0]}) - {over} * floor({x} / {over}))"
        if name == "starts_with":
            return f"{given[0]}.startswith({given[1]})"
        if name in ("least", "greatest"):
            return (
                given[0] if len(given) == 1 else f"{'min' if name == 'least' else 'max'}({', '.join(given)})"
            )
        return PURE_CALLS[name or ""].format(*given)


def known_now(node: Tree) -> str:
    """Write a literal."""
    return repr(literal_value(node))


def literal_value(node: Tree) -> str | float | bool | None:
    """Return what a literal stands for: a truth, a text, a day; every number is a double."""
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    ref = node.meta.get("ref")
    if isinstance(ref, Ref):
        return ref.value
    return node.name if node.args["is_string"] else float(node.name)


def millionths(source: str) -> str:
    """Write a number as it is compared; a known one is worked out now.

    >>> millionths("1.5"), millionths("t1")
    ('1500000', 'floor(t1 * 1e6 + 0.5)')
    """
    try:
        return str(floor(float(source) * MILLION + 0.5))
    except ValueError:
        return f"floor({source} * 1e6 + 0.5)"


def flat(node: Tree, kind: type[exp.Expr]) -> list[Tree]:
    """Return the operands of a chain of one connective."""
    if isinstance(node, exp.Paren):
        inner = flat(node.this, kind)
        return inner if len(inner) > 1 else [node]
    if isinstance(node, kind):
        return [*flat(node.this, kind), *flat(node.expression, kind)]
    return [node]


def ranged(node: Tree) -> Tree:
    """Write `x between a and b` as two comparisons: one end that x lies beyond decides alone."""
    low = exp.GTE(this=node.this, expression=node.args["low"])
    high = exp.LTE(this=node.this, expression=node.args["high"])
    low.meta["kind"] = high.meta["kind"] = "truth"
    return exp.And(this=low, expression=high)


def spelt_out(node: Tree) -> Tree:
    """Write `x in (a, b)` as comparisons, where the options are not all known."""
    found: Tree | None = None
    for option in node.expressions:
        equal = exp.EQ(this=node.this, expression=option)
        equal.meta["kind"] = "truth"
        found = equal if found is None else exp.Or(this=found, expression=equal)
    assert found is not None
    return found
