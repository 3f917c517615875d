"""Short ways to make the nodes of SQL that the back end is written in, and to write them out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

from sqlglot import ErrorLevel, exp

from jobplan.expression.parse import Tree

FIRST_DAY, LAST_DAY = date.min.toordinal(), date.max.toordinal()

TYPES = {"number": "DOUBLE", "truth": "BOOLEAN", "text": "VARCHAR", "date": "DATE", "unknown": "DOUBLE"}
"""The SQL type of a value of each kind; lists have that of their entries."""

NULL = exp.Null()


def name(word: str) -> exp.Identifier:
    """Return a quoted name."""
    return exp.Identifier(this=word, quoted=True)


def column(word: str, of: str = "") -> exp.Column:
    """Return a column, of a table if one is named."""
    return exp.Column(this=name(word), table=name(of)) if of else exp.Column(this=name(word))


def table(schema: str, word: str, alias: str = "") -> exp.Table:
    """Return a table of a schema."""
    found = exp.Table(this=name(word), db=name(schema))
    if alias:
        found.set("alias", exp.TableAlias(this=name(alias)))
    return found


def number(x: float) -> Tree:
    """Return a double; SQL would take `0.1` for a decimal.

    >>> number(-0.5).sql()
    '-0.5e0'
    """
    written = repr(abs(float(x)))
    literal = exp.Literal.number(written if "e" in written else f"{written}e0")
    return exp.Neg(this=literal) if x < 0 else literal


def whole(x: int) -> Tree:
    """Return a whole number."""
    return exp.Neg(this=exp.Literal.number(-x)) if x < 0 else exp.Literal.number(x)


def text(words: str) -> Tree:
    """Return a text."""
    return exp.Literal.string(words)


def day(ordinal: int) -> Tree:
    """Return a day."""
    return cast(text(date.fromordinal(ordinal).isoformat()), "DATE")


def truth(value: bool) -> Tree:  # noqa: FBT001
    """Return true or false."""
    return exp.Boolean(this=value)


def cast(value: Tree, to: str, *, safe: bool = False) -> Tree:
    """Return a value as of another type; a safe cast gives NULL for what does not fit."""
    kind = exp.TryCast if safe else exp.Cast
    return kind(this=value, to=data_type(to).copy())


@cache
def data_type(word: str) -> exp.DataType:
    """Return a type by its name in DuckDB."""
    return exp.DataType.build(word, dialect="duckdb")


def null(kind: str) -> Tree:
    """Return the unknown value of a kind."""
    return cast(exp.Null(), TYPES.get(kind, "DOUBLE"))


def call(function: str, *arguments: Tree) -> Tree:
    """Return the call of a function."""
    return exp.Anonymous(this=function, expressions=list(arguments))


SINGLE = (exp.Column, exp.Literal, exp.Paren, exp.Func, exp.Boolean, exp.Null, exp.Anonymous)


def braced(value: Tree) -> Tree:
    """Return a value that can stand beside any sign."""
    alone = isinstance(value, SINGLE) and not isinstance(
        value, exp.Connector
    )  # `and` is a function to sqlglot
    return value if alone else exp.Paren(this=value)


def binary(kind: type[exp.Expr], left: Tree, right: Tree) -> Tree:
    """Return an operation of two values."""
    return kind(this=braced(left), expression=braced(right))


def add(left: Tree, right: Tree) -> Tree:
    """Return a sum."""
    return binary(exp.Add, left, right)


def minus(left: Tree, right: Tree) -> Tree:
    """Return a difference."""
    return binary(exp.Sub, left, right)


def times(left: Tree, right: Tree) -> Tree:
    """Return a product."""
    return binary(exp.Mul, left, right)


def same(left: Tree, right: Tree) -> Tree:
    """Return whether two values are equal."""
    return binary(exp.EQ, left, right)


def negated(value: Tree) -> Tree:
    """Return the opposite of a truth."""
    return exp.Not(this=braced(value))


def missing(value: Tree) -> Tree:
    """Return whether a value is unknown."""
    return exp.Is(this=braced(value), expression=exp.Null())


def known(value: Tree) -> Tree:
    """Return whether a value is known."""
    return exp.Not(this=missing(value))


def joined(kind: type[exp.Expr], parts: Iterable[Tree]) -> Tree:
    """Join truths by `and` or `or`; without parts that is true or false."""
    found: Tree | None = None
    for part in parts:
        found = braced(part) if found is None else kind(this=found, expression=braced(part))
    return found if found is not None else truth(kind is exp.And)


def every(*parts: Tree) -> Tree:
    """Return whether all parts hold."""
    return joined(exp.And, parts)


def either(*parts: Tree) -> Tree:
    """Return whether one part holds."""
    return joined(exp.Or, parts)


def case(*branches: tuple[Tree, Tree], otherwise: Tree | None = None) -> Tree:
    """Return the value of the first branch whose condition is true."""
    found = exp.Case(ifs=[exp.If(this=condition, true=value) for condition, value in branches])
    if otherwise is not None:
        found.set("default", otherwise)
    return found


def coalesce(value: Tree, otherwise: Tree) -> Tree:
    """Return a value, or another where it is unknown."""
    return exp.Coalesce(this=value, expressions=[otherwise])


def among(value: Tree, options: Iterable[Tree]) -> Tree:
    """Return whether a value is one of several."""
    return exp.In(this=braced(value), expressions=list(options))


def between(value: Tree, low: Tree, high: Tree) -> Tree:
    """Return whether a value lies in an inclusive range."""
    return exp.Between(this=braced(value), low=low, high=high)


def named(value: Tree, word: str) -> Tree:
    """Return a value under a name."""
    return exp.Alias(this=value, alias=name(word))


def select(*columns: Tree, distinct: bool = False) -> exp.Select:
    """Return a query for columns."""
    found = exp.Select(expressions=list(columns))
    if distinct:
        found.set("distinct", exp.Distinct())
    return found


def source(query: Tree, alias: str) -> Tree:
    """Return a query or table as what others read from."""
    if isinstance(query, exp.Table):
        query = query.copy()
        query.set("alias", exp.TableAlias(this=name(alias)))
        return query
    return exp.Subquery(this=query, alias=exp.TableAlias(this=name(alias)))


def read_from(query: exp.Select, where: Tree) -> exp.Select:
    """Say where a query reads from."""
    query.set("from_", exp.From(this=where))
    return query


def join(query: exp.Select, other: Tree, on: Tree, *, left: bool = False) -> exp.Select:
    """Join another source to a query."""
    query.append("joins", exp.Join(this=other, on=on, **({"side": "LEFT"} if left else {})))
    return query


def where(query: exp.Select, *conditions: Tree) -> exp.Select:
    """Keep only rows for which all conditions are true."""
    if conditions:
        query.set("where", exp.Where(this=every(*conditions)))
    return query


def grouped(query: exp.Select, *keys: Tree) -> exp.Select:
    """Group the rows of a query."""
    query.set("group", exp.Group(expressions=list(keys)))
    return query


def union(*queries: Tree, distinct: bool = False) -> Tree:
    """Return the rows of several queries."""
    found = queries[0]
    for query in queries[1:]:
        found = exp.Union(this=found, expression=query, distinct=distinct)
    return found


def over(value: Tree, by: Iterable[Tree]) -> Tree:
    """Return a value over all rows with the same keys."""
    return exp.Window(this=value, partition_by=list(by), over="OVER")


def windowed(value: Tree, by: Iterable[Tree], order: Iterable[Tree], frame: str = "") -> Tree:
    """Return a value over a window; `frame` is `before` (rows before this), `until` (with this) or `all`."""
    ordered = exp.Order(expressions=[exp.Ordered(this=key, nulls_first=False) for key in order])
    found = exp.Window(this=value, partition_by=list(by), order=ordered, over="OVER")
    if frame:
        spec = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
        if frame == "before":
            spec.set("end", exp.Literal.number(1))
            spec.set("end_side", "PRECEDING")
        elif frame == "all":
            spec.set("end", "UNBOUNDED")
            spec.set("end_side", "FOLLOWING")
        found.set("spec", spec)
    return found


def written(statement: Tree, dialect: str = "duckdb") -> str:
    """Write a statement: every name quoted, nothing that the dialect has no word for."""
    options: dict[str, Any] = {
        "identify": True,
        "comments": False,
        "unsupported_level": ErrorLevel.RAISE,
        "copy": False,
    }
    return statement.sql(dialect=dialect, **options)


def made_table(schema: str, word: str, query: Tree) -> Tree:
    """Return the statement that makes a table of a query."""
    return exp.Create(this=table(schema, word), kind="TABLE", expression=query)


def made_view(schema: str, word: str, query: Tree) -> Tree:
    """Return the statement that gives a query a name."""
    return exp.Create(this=table(schema, word), kind="VIEW", expression=query)
