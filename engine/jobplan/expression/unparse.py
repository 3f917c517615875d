"""Write a tree as the text of an expression again, in the spelling that rule files use."""

from __future__ import annotations

from datetime import date

from sqlglot import exp

from jobplan.expression.parse import Tree, arguments, call_name, name_of

SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.And: "and",
    exp.Or: "or",
}
VERDICT = "verdict "
"""How the name begins that stands for another rule's verdict."""


def unparse(node: Tree) -> str:
    """Return the text of a tree on one line; parentheses stand where the author put them.

    >>> from jobplan.expression.parse import parse
    >>> unparse(parse("CASE WHEN a.x IN (1, 2) THEN least(b, -3) ELSE (b + 1) * 2 END"))
    'case when a.x in (1, 2) then least(b, -3) else (b + 1) * 2 end'
    """
    if isinstance(node, exp.Literal):
        return literal(node)
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    if isinstance(node, exp.Column):
        return named(node)
    if isinstance(node, exp.Paren):
        return f"({unparse(node.this)})"
    if type(node) in SIGNS:
        return f"{side(node.this, node)} {SIGNS[type(node)]} {side(node.expression, node)}"
    if isinstance(node, (exp.Not, exp.Neg)):
        return f"{'not ' if isinstance(node, exp.Not) else '-'}{unparse(node.this)}"
    if isinstance(node, exp.In):
        return f"{unparse(node.this)} in ({', '.join(unparse(option) for option in node.expressions)})"
    if isinstance(node, exp.Between):
        return f"{unparse(node.this)} between {unparse(node.args['low'])} and {unparse(node.args['high'])}"
    if isinstance(node, exp.Case):
        return case(node)
    return f"{call_name(node)}({', '.join(unparse(argument) for argument in arguments(node))})"


def side(node: Tree, above: Tree) -> str:
    """Return one side of an operation; an `or` that was put beneath an `and` by us needs parentheses."""
    text = unparse(node)
    return f"({text})" if isinstance(node, exp.Or) and isinstance(above, exp.And) else text


def literal(node: Tree) -> str:
    """Return a number, a quoted text, or the day that stands for a rule's own date."""
    if node.is_string:
        return "'" + node.name.replace("'", "''") + "'"
    if node.meta.get("kind") == "date":
        return f"'{date.fromordinal(int(node.name)).isoformat()}'"
    return str(node.name)


def named(node: Tree) -> str:
    """Return a name with its alias; the name of a verdict is the call that it was made from."""
    alias, name = name_of(node)
    if name.startswith(VERDICT):
        return f"verdict('{name.removeprefix(VERDICT)}')"
    return f"{alias}.{name}" if alias else name


def case(node: Tree) -> str:
    """Return a case with its branches."""
    branches = [f"when {unparse(item.this)} then {unparse(item.args['true'])}" for item in node.args["ifs"]]
    default = node.args.get("default")
    otherwise = [] if default is None else [f"else {unparse(default)}"]
    return " ".join(["case", *branches, *otherwise, "end"])
