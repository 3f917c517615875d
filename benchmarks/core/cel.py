"""The work in CEL: what is not known is an error, which `&&` and `||` absorb as Kleene's do.

CEL has no sums: the host adds up the columns that CEL has worked out. Numbers are compared with half a
millionth to spare, as CEL has no rounding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp

from benchmarks.core.work import Work
from jobplan.expression.emit import literal_value, ranged, spelt_out
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.runtime import Windows
from jobplan.expression.scope import Ref

SPARE = "0.0000005"
SIGNS: Mapping[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.And: "&&", exp.Or: "||",
}  # fmt: skip
COMPARED: Mapping[type[exp.Expr], str] = {
    exp.EQ: "{a} - {b} < {s} && {b} - {a} < {s}", exp.NEQ: "!({a} - {b} < {s} && {b} - {a} < {s})",
    exp.LT: "{a} < {b} - {s}", exp.LTE: "{a} <= {b} + {s}",
    exp.GT: "{a} > {b} + {s}", exp.GTE: "{a} >= {b} - {s}",
}  # fmt: skip
READ = re.compile(r"\b([pr])\.(\w+)")
UNKNOWN, VIOLATED = 2, 3
Values = dict[str, Any]


class Cel(Protocol):
    """An implementation of CEL."""

    def compiled(self, text: str) -> Callable[[Values], Any]:
        """Return what works an expression out on the names that it reads; None where that is an error."""
        ...


class CelPython:
    """cel-python, written in Python."""

    def __init__(self) -> None:
        import celpy

        self.celpy = celpy
        self.environment = celpy.Environment()

    def compiled(self, text: str) -> Callable[[Values], Any]:
        """Return what works an expression out."""
        celpy = self.celpy
        program = self.environment.program(self.environment.compile(text))

        def run(values: Values) -> Any:
            try:
                given = {name: celpy.json_to_cel(value) for name, value in values.items()}
                found: Any = program.evaluate(given)
            except celpy.CELEvalError:
                return None
            return bool(found) if isinstance(found, celpy.celtypes.BoolType) else float(found)

        return run


class CelInRust:
    """common-expression-language, written in Rust."""

    def __init__(self) -> None:
        import cel

        self.cel = cel

    def compiled(self, text: str) -> Callable[[Values], Any]:
        """Return what works an expression out."""
        program = self.cel.compile(text)

        def run(values: Values) -> Any:
            try:
                return program.execute(values)
            except (RuntimeError, ValueError, TypeError, KeyError):
                return None

        return run


@dataclass(frozen=True, slots=True)
class Speaker:
    """Writes trees in CEL, where `p` is the plan and `r` a row."""

    made: Work

    def write(self, node: Tree) -> str:
        """Write a tree."""
        if isinstance(node, exp.Paren):
            return self.write(node.this)
        if isinstance(node, exp.Not):
            return f"!({self.write(node.this)})"
        if isinstance(node, exp.Between):
            return self.write(ranged(node))
        if isinstance(node, exp.In):
            return self.write(spelt_out(node))
        if type(node) in COMPARED:
            return self.comparison(node)
        if type(node) in SIGNS:
            return f"({self.write(node.this)} {SIGNS[type(node)]} {self.write(node.expression)})"
        if isinstance(node, exp.Case):
            default = node.args.get("default")
            said = "p.unknown" if default is None else self.write(default)
            for branch in reversed(node.args["ifs"]):
                said = f"({self.write(branch.this)} ? {self.write(branch.args['true'])} : {said})"
            return said
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return self.constant(literal_value(node))
        if isinstance(node, exp.Column):
            return self.name(node.meta["ref"])
        return self.call(node)

    def comparison(self, node: Tree) -> str:
        """Write a comparison; texts are compared as they are."""
        a, b = self.write(node.this), self.write(node.expression)
        if isinstance(node.expression, exp.Literal) and node.expression.is_string:
            return f"({a} {'==' if isinstance(node, exp.EQ) else '!='} {b})"
        return f"({COMPARED[type(node)].format(a=a, b=b, s=SPARE)})"

    def name(self, ref: Ref) -> str:
        """Write a name."""
        if ref.kind in ("parameter", "constant"):
            return self.constant(
                self.made.program.edition.values[ref.name] if ref.kind == "parameter" else ref.value
            )
        own = "p" if ref.kind == "measure" or ref.path or ref.relation == self.made.root else "r"
        return f"{own}.{ref.name}"

    def call(self, node: Tree) -> str:
        """Write a call. Raises ValueError for those that none of the rules compared makes."""
        call = node.meta.get("call")
        if call == "none":
            return f"{self.name(arguments(node)[0].meta['ref'])}_none"
        if call == "silent":
            return "p.unknown"
        if call == "abs":
            inner = self.write(arguments(node)[0])
            return f"({inner} < 0.0 ? 0.0 - {inner} : {inner})"
        raise ValueError(f"no words for {node.sql()}")

    def constant(self, value: object) -> str:
        """Write a value."""
        if value is None:
            return "p.unknown"
        if isinstance(value, bool):
            return "true" if value else "false"
        return f"'{value}'" if isinstance(value, str) else repr(float(value))  # type: ignore[arg-type]


def reading(engine: Cel, text: str) -> Callable[[Values], Any]:
    """Return what works an expression out, given only what it reads of the plan and of the row."""
    run = engine.compiled(text)
    reads = {owner: sorted({n for o, n in READ.findall(text) if o == owner}) for owner in ("p", "r")}

    def narrow(scope: Values) -> Any:
        return run({o: {n: scope[o][n] for n in names if n in scope[o]} for o, names in reads.items()})

    return narrow


class InCel:
    """Judges one plan at a time."""

    def __init__(self, made: Work, engine: Cel) -> None:
        self.made = made
        speak, checked = Speaker(made), made.program.edition.policy
        self.windows = {name: Windows(t.windows) for name, t in checked.tables.items() if t.windows}
        self.formulas = [
            (f, {n: reading(engine, speak.write(t)) for n, t in f.trees.items() if n != "as_stated"})
            for f in made.formulas
        ]
        self.rules = [
            (
                rule,
                reading(engine, speak.write(made.applies(rule))),
                reading(engine, speak.write(rule.requires)),
            )
            for rule in made.rules
        ]

    def judge(self, plan: Values) -> dict[str, int]:
        """Return a code for every rule."""
        p = dict(plan)
        rows = {name: [dict(row) for row in value] for name, value in plan.items() if isinstance(value, list)}
        for name in rows:
            del p[name]
        for part, run in self.formulas:
            how = part.formula
            for r in rows[part.relation] if part.relation else [p]:
                scope = {"p": p, "r": r}
                if how.kind == "value":
                    put(r, part.name, run["value"](scope))
                elif how.kind == "overlap":
                    ends = run["opens"](scope), run["closes"](scope)
                    put(r, part.name, self.windows[how.table](*ends))
                else:
                    put(r, part.name, total(how.kind, run, p, rows[how.of], whole=plan[f"{how.of}_whole"]))
        found = {}
        for rule, applies, requires in self.rules:
            relation = rule.rule.for_each
            if relation == self.made.root:
                found[rule.rule.id] = code(applies, requires, p, p)
            else:
                codes = [code(applies, requires, p, r) for r in rows[relation]]
                found[rule.rule.id] = max([0 if plan[f"{relation}_whole"] else UNKNOWN, *codes])
        return found


def put(row: Values, name: str, value: Any) -> None:
    """Give a row a value, if there is one."""
    if value is not None:
        row[name] = value


def total(
    kind: str, run: Mapping[str, Callable[[Values], Any]], p: Values, rows: list[Values], *, whole: bool
) -> Any:
    """Add up what counts; None where it is not known."""
    if not whole:
        return None
    found = 0.0
    for r in rows:
        scope = {"p": p, "r": r}
        counts = run["where"](scope) if "where" in run else True
        value = run["input"](scope) if counts is not False else None
        if kind == "count" and counts is not False:
            counts, value = (value if counts else None) if value is not False else False, 1.0
        if counts is False:
            continue
        if counts is None or value is None:
            return None
        found += value
    return found


def code(applies: Callable[[Values], Any], requires: Callable[[Values], Any], p: Values, r: Values) -> int:
    """Return the code of a rule on one subject."""
    scope = {"p": p, "r": r}
    concerned = applies(scope)
    if concerned is False:
        return 0
    if concerned is None:
        return UNKNOWN
    kept = requires(scope)
    return UNKNOWN if kept is None else 1 if kept else VIOLATED
