"""Read an expression: SQL's scalar expressions in DuckDB's spelling, narrowed to a list."""

from __future__ import annotations

import re
from functools import cache

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from jobplan.expression.functions import FUNCTIONS

Tree = exp.Expr
MAX_LENGTH = 2000
MAX_TOKENS = 400
MAX_DEPTH = 40

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

REFUSED: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Is: ("`is null` and `is true`", "use none(x), recorded(x), or x itself"),
    exp.Null: ("`null`", "use silent('why') where the policy gives no answer"),
    exp.NullSafeEQ: ("`is not distinct from`", "use = and let the unknown stay unknown"),
    exp.NullSafeNEQ: ("`is distinct from`", "use <> and let the unknown stay unknown"),
    exp.Coalesce: ("`coalesce`", "a missing fact is unknown; use case when none(x) then … else … end"),
    exp.Nullif: ("`nullif`", "write the condition with case"),
    exp.Cast: ("casts", "facts have their kinds from the schema; name the fact itself"),
    exp.TryCast: ("casts", "facts have their kinds from the schema; name the fact itself"),
    exp.Like: ("`like`", "use = or starts_with(x, 'words')"),
    exp.ILike: ("`ilike`", "use = or starts_with(x, 'words')"),
    exp.IntDiv: ("`//`", "use floor(a / b)"),
    exp.Mod: ("`%`", "use wrap(x, n)"),
    exp.Subquery: ("sub-selects", "make a measure or a column of it"),
    exp.Select: ("sub-selects", "make a measure or a column of it"),
    exp.Placeholder: ("parameters of a query", "name a parameter of the policy"),
    exp.Parameter: ("parameters of a query", "name a parameter of the policy"),
    exp.Array: ("lists", "use in (…) with the values"),
    exp.Struct: ("structs", "name the fact itself"),
    exp.Collate: ("`collate`", "texts are compared as they stand"),
    exp.CurrentDate: ("clocks", "use today"),
    exp.CurrentTimestamp: ("clocks", "use today"),
    exp.DPipe: ("joining of texts", "put the parts into the message"),
    exp.Sum: ("aggregates inside an expression", "make a measure: {sum: …, of: …}"),
    exp.Count: ("aggregates inside an expression", "make a measure: {count: …, of: …}"),
    exp.Min: ("aggregates inside an expression", "make a measure: {min: …, of: …}"),
    exp.Max: ("aggregates inside an expression", "make a measure: {max: …, of: …}"),
    exp.Block: ("`;`", "write one expression"),
    exp.Alias: ("two expressions side by side", "join them with an operator"),
}


class CannotParse(Exception):
    """An expression is not of the language; `offset` and `length` say where in its text."""

    def __init__(self, message: str, offset: int = 0, length: int = 1, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help


@cache
def _dialect() -> DuckDB:
    return DuckDB()


def parse(text: str) -> Tree:
    """Return the tree of an expression. Raises CannotParse.

    >>> parse("a + 1 > 2").sql()
    'a + 1 > 2'
    """
    tokens = tokenize(text)
    try:
        trees = _dialect().parser().parse(tokens, text)
    except ParseError as broken:
        raise CannotParse(*explain(broken)) from None
    except (SqlglotError, RecursionError) as broken:
        raise CannotParse(f"cannot read this expression: {broken}", 0, len(text)) from None
    if len(trees) != 1 or trees[0] is None:
        raise CannotParse("expected one expression", 0, len(text))
    tree = trees[0]
    narrow(tree, text)
    return tree


def tokenize(text: str) -> list[Token]:
    """Split into tokens; length, number and depth are limited before any parsing."""
    if len(text) > MAX_LENGTH:
        raise CannotParse(f"longer than {MAX_LENGTH} characters", 0, 1, "split it into columns or measures")
    try:
        tokens = list(_dialect().tokenize(text))
    except TokenError:
        raise CannotParse("a quote or comment is not closed", 0, len(text)) from None
    if not tokens:
        raise CannotParse("an empty expression", 0, 1)
    if len(tokens) > MAX_TOKENS:
        raise CannotParse(
            f"more than {MAX_TOKENS} words and signs", 0, 1, "split it into columns or measures"
        )
    depth = 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        depth += DEPTH.get(token.token_type, 0)
        if depth > MAX_DEPTH:
            raise CannotParse(
                f"nested deeper than {MAX_DEPTH}", token.start, 1, "split it into columns or measures"
            )
        if token.comments:
            raise CannotParse(
                "comments are not part of an expression", 0, len(text), "put it beside the key, after #"
            )
        if (
            token.token_type == TokenType.COMMA
            and after
            and after.token_type in (TokenType.COMMA, TokenType.R_PAREN)
        ):
            raise CannotParse("an argument is missing", token.start, 1)
    return tokens


DEPTH = {
    TokenType.L_PAREN: 1,
    TokenType.R_PAREN: -1,
    TokenType.CASE: 1,
    TokenType.END: -1,
}


def explain(broken: ParseError) -> tuple[str, int, int, str | None]:
    """Return message, offset and length of a syntax error, in the author's words."""
    error = broken.errors[0] if broken.errors else {}
    word = error.get("highlight") or ""
    offset = len(error.get("start_context") or "")
    said = str(error.get("description") or "cannot read this expression")
    if "Required keyword" in said:
        said = f"something is missing after `{word}`" if word else "something is missing"
    elif said.startswith("Invalid expression"):
        said = f"`{word}` does not fit here"
    else:
        said = said[0].lower() + said[1:]
    return said, offset, max(1, len(word)), None


def narrow(tree: Tree, text: str) -> None:
    """Refuse every node that is not of the language."""
    for node in tree.walk():
        if isinstance(node, REFUSED_TYPES):
            what, instead = next(words for kind, words in REFUSED.items() if isinstance(node, kind))
            raise CannotParse(
                f"{what} are not part of the language"
                if what.endswith("s")
                else f"{what} is not part of the language",
                *place(node, text),
                instead,
            )
        name = call_name(node)
        if name is not None:
            narrow_call(node, name, text)
        elif not isinstance(node, ALLOWED):
            word = type(node).__name__.lower()
            raise CannotParse(f"`{word}` is not part of the language", *place(node, text))
        if isinstance(node, COMPARISONS) and any(
            isinstance(side, COMPARISONS) for side in (node.this, node.expression)
        ):
            raise CannotParse("comparisons are not chained", *place(node, text), "write a < b and b < c")
        if isinstance(node, exp.Case) and node.this is not None:
            raise CannotParse(
                "`case x when` is not part of the language", *place(node, text), "write case when x = … then"
            )
        if isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
            raise CannotParse("a name has at most two parts", *place(node, text))
        if isinstance(node, exp.In) and not node.expressions:
            raise CannotParse("`in` takes values in parentheses", *place(node, text))


REFUSED_TYPES = tuple(REFUSED)


def narrow_call(node: Tree, name: str, text: str) -> None:
    """Refuse functions that are not listed, and wrong numbers of arguments."""
    function = FUNCTIONS.get(name)
    if function is None:
        from jobplan.errors import suggest

        raise CannotParse(f"no function `{name}`", *place(node, text), suggest(name, list(FUNCTIONS)))
    count, wanted = len(arguments(node)), len(function.takes)
    if count < wanted or (count > wanted and not function.repeats):
        raise CannotParse(
            f"`{name}` takes {wanted} argument{'s' if wanted > 1 else ''}, not {count}", *place(node, text)
        )


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
