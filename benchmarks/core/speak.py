"""Write trees as calls of functions that know unknown values, as Python and JavaScript both have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from benchmarks.core.work import Work
from jobplan.expression.emit import literal_value, ranged, spelt_out
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.scope import Ref

CALLS: dict[type[exp.Expr], str] = {
    exp.EQ: "eq", exp.NEQ: "ne", exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge", exp.Add: "add",
    exp.Sub: "sub", exp.Mul: "mul", exp.Div: "div", exp.And: "both", exp.Or: "either",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speaker:
    """Writes trees; `name` says how a fact, column or measure is called, `stated` how a stated none is."""

    work: Work
    name: Callable[[Ref], str]
    stated: Callable[[Ref], str]
    true: str = "true"
    false: str = "false"
    unknown: str = "null"

    def write(self, node: Tree) -> str:
        """Write a tree."""
        if isinstance(node, exp.Paren):
            return self.write(node.this)
        if type(node) in CALLS:
            return f"{CALLS[type(node)]}({self.write(node.this)}, {self.write(node.expression)})"
        if isinstance(node, exp.Not):
            return f"negated({self.write(node.this)})"
        if isinstance(node, exp.Between):
            return self.write(ranged(node))
        if isinstance(node, exp.In):
            return self.write(spelt_out(node))
        if isinstance(node, exp.Case):
            default = node.args.get("default")
            said = self.unknown if default is None else self.write(default)
            for branch in reversed(node.args["ifs"]):
                said = f"pick({self.write(branch.this)}, {self.write(branch.args['true'])}, {said})"
            return said
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return self.constant(literal_value(node))
        if isinstance(node, exp.Neg):
            return f"sub(0, {self.write(node.this)})"
        if isinstance(node, exp.Column):
            return self.named(node.meta["ref"])
        return self.call(node)

    def named(self, ref: Ref) -> str:
        """Write a name; what is known when the edition is chosen is written as its value."""
        if ref.kind == "parameter":
            return self.constant(self.work.program.edition.values[ref.name])
        return self.constant(ref.value) if ref.kind == "constant" else self.name(ref)

    def call(self, node: Tree) -> str:
        """Write a call. Raises ValueError for those that none of the rules compared makes."""
        name = node.meta.get("call")
        if name == "none":
            return self.stated(arguments(node)[0].meta["ref"])
        if name == "silent":
            return self.unknown
        if name == "abs":
            return f"size({self.write(arguments(node)[0])})"
        raise ValueError(f"no words for {node.sql()}")

    def constant(self, value: object) -> str:
        """Write a value."""
        if value is None:
            return self.unknown
        if isinstance(value, bool):
            return self.true if value else self.false
        return f"'{value}'" if isinstance(value, str) else repr(value)
