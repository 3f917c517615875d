"""Read an expression: SQL's scalar expressions in DuckDB's spelling, narrowed to a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from jobplan.expression.functions import FUNCTIONS
from jobplan.expression.tokens import KEYWORDS, MAX_LENGTH, SPLIT, CannotParse, dialect, tokenize

__all__ = ["CannotParse", "Tree", "arguments", "call_name", "name_of", "parse", "place"]

Tree = exp.Expr
MAX_LEVELS = 100
"""Nodes one inside another: what is written of them must stay below Python's 200 brackets."""

COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
ALLOWED: tuple[type[exp.Expr], ...] = (
    *COMPARISONS,
    *ARITHMETIC,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Neg,
    exp.In,
    exp.Between,
    exp.Case,
    exp.If,
    exp.Paren,
    exp.Literal,
    exp.Boolean,
    exp.Column,
    exp.Identifier,
)

CALLS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs",
    exp.Floor: "floor",
    exp.Ceil: "ceil",
    exp.Least: "least",
    exp.Greatest: "greatest",
    exp.AddMonths: "add_months",
    exp.StartsWith: "starts_with",
}

BARE = re.compile(r"(?:(?P<owner>[a-z][a-z0-9_]*)\.)?(?P<name>[a-z][a-z0-9_]*)")


def parse(text: str) -> Tree:
    """Return the tree of an expression. Raises CannotParse.

    >>> parse("a + 1 > 2").sql()
    'a + 1 > 2'
    """
    tree = alone(text)
    return tree if tree is not None else in_full(text)


def alone(text: str) -> Tree | None:
    """Return the tree of a truth, or of a name that is no word of SQL; None for all else.

    Nearly half of a policy's expressions are such, most of them in messages.
    """
    if text in ("true", "false"):
        return exp.Boolean(this=text == "true")
    found = BARE.fullmatch(text)
    if found is None or len(text) > MAX_LENGTH or not words_of_sql().isdisjoint(text.upper().split(".")):
        return None
    parts = [(found[key], found.start(key)) for key in ("name", "owner") if found[key] is not None]
    names = [exp.Identifier(this=word, quoted=False) for word, _ in parts]
    for name, (word, start) in zip(names, parts, strict=True):
        end = start + len(word)
        name.meta.update({"line": 1, "col": end, "start": start, "end": end - 1})
    return exp.Column(**dict(zip(("this", "table"), names, strict=False)))


@cache
def words_of_sql() -> frozenset[str]:
    """Return the words that the parser may take for something else than a name."""
    spelling = dialect()
    refused = {word.upper() for word in KEYWORDS}
    taken = (spelling.tokenizer_class.KEYWORDS, spelling.parser_class.NO_PAREN_FUNCTION_PARSERS)
    return frozenset(refused.union(*taken))


def in_full(text: str) -> Tree:
    """Return the tree of an expression as sqlglot reads it. Raises CannotParse."""
    tokens = tokenize(text)
    try:
        trees = dialect().parser().parse(tokens, text)
    except ParseError as broken:
        raise CannotParse(*explain(broken)) from None
    except (SqlglotError, RecursionError) as broken:
        raise CannotParse(f"cannot read this expression: {broken}", 0, len(text)) from None
    if len(trees) != 1 or trees[0] is None:
        raise CannotParse("expected one expression", 0, len(text))
    tree = trees[0]
    narrow(tree, text)
    if len(tokens) > MAX_LEVELS // 2 and levels(tree) > MAX_LEVELS:  # a token makes two levels at most
        raise CannotParse(f"more than {MAX_LEVELS} operations one inside another", 0, len(text), SPLIT)
    return tree


def nodes(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all below it, level by level: what sqlglot's own walk does, in a third of the time.

    >>> [node.sql() for node in nodes(parse("a + b"))]
    ['a + b', 'a', 'b', 'a', 'b']
    """
    waiting: list[Tree] = [tree]
    for node in waiting:
        yield node
        for part in node.args.values():
            if isinstance(part, exp.Expr):
                waiting.append(part)
            elif isinstance(part, list):
                waiting.extend(item for item in part if isinstance(item, exp.Expr))


def levels(tree: Tree) -> int:
    """Return how many nodes stand one inside another; each part of a chain of signs holds those before it.

    >>> levels(parse("a + b + c"))
    4
    """
    deepest = 0
    waiting: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        waiting += [(part, level + 1) for part in node.iter_expressions()]
    return deepest


def explain(broken: ParseError) -> tuple[str, int, int, str | None]:
    """Return message, offset and length of a syntax error, in the author's words."""
    error = broken.errors[0] if broken.errors else {}
    word = error.get("highlight") or ""
    offset = len(error.get("start_context") or "")
    said = str(error.get("description") or "")
    if "Required keyword" in said:
        return (f"something is missing after `{word}`", offset, max(1, len(word)), None)
    if not word:
        return ("this expression cannot be read", offset, 1, None)
    return (f"`{word}` does not fit here", offset, len(word), "is a sign or a comma missing before it?")


def narrow(tree: Tree, text: str) -> None:
    """Refuse every node that is not of the language, whatever the words it was written in."""
    for node in nodes(tree):
        said = refusal(node)
        if said is not None:
            offset, length = place(node, text)
            words = text[offset : offset + length]
            raise CannotParse(said[0].format(words), offset, length, said[1])


def refusal(node: Tree) -> tuple[str, str | None] | None:
    """Return what is wrong with a node, its words as `{}`, and the way out; None if it may stay."""
    if isinstance(node, COMPARISONS) and any(
        isinstance(side, COMPARISONS) for side in (node.this, node.expression)
    ):
        return "comparisons are not chained", "write a < b and b < c"
    if isinstance(node, exp.In) and not node.expressions:
        return "expected values in brackets after `in`", "write in ('…', '…')"
    if isinstance(node, exp.Alias):
        return "two expressions side by side", "join them with a sign, or `and`"
    if isinstance(node, exp.Case) and node.this is not None:
        return "`case x when` is not part of the language", "write case when x = … then"
    if isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
        return "a name has at most two parts", None
    name = call_name(node)
    listed = isinstance(node, ALLOWED) if name is None else name in FUNCTIONS
    return None if listed else ("`{}` is not part of the language", None)


def call_name(node: Tree) -> str | None:
    """Return the name of the function that a node calls, or None.

    >>> call_name(parse("wrap(a, 2)")), call_name(parse("a + 2"))
    ('wrap', None)
    """
    known = CALLS.get(type(node))
    if known is not None:
        return known
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Func) and not isinstance(node, (*ALLOWED, exp.Connector)):
        return str(node.sql_name()).lower()
    return None


def arguments(node: Tree) -> list[Tree]:
    """Return the arguments of a call in order.

    >>> [a.sql() for a in arguments(parse("least(a, 2, c)"))]
    ['a', '2', 'c']
    """
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    first = node.args.get("this")
    second = node.args.get("expression")
    more = node.args.get("expressions") or []
    return [part for part in (first, second, *more) if isinstance(part, exp.Expr)]


def place(node: Tree, text: str) -> tuple[int, int]:
    """Return offset and length of a node in the text of its expression."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    ends = [part.meta["end"] for part in node.walk() if "end" in part.meta]
    if not starts:
        return 0, max(1, len(text))
    return min(starts), max(ends) - min(starts) + 1


def name_of(column: Tree) -> tuple[str, str]:
    """Return the alias (or nothing) and the name of a column reference.

    >>> name_of(parse("a.opens")), name_of(parse("opens"))
    (('a', 'opens'), ('', 'opens'))
    """
    return column.args["table"].name if column.args.get("table") else "", column.name


NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")
