"""Parts of SQL that findings are written in, beside those of the back end: texts, lists and structs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree


def strung(parts: Iterable[Tree]) -> Tree:
    """Return texts put together; unknown if one is."""
    return reduce(lambda left, right: exp.DPipe(this=left, expression=right), map(n.braced, parts))


def struct(values: Mapping[str, Tree]) -> Tree:
    """Return a struct of named values."""
    parts = [exp.PropertyEQ(this=n.name(word), expression=value) for word, value in values.items()]
    return exp.Struct(expressions=parts)


def array(values: Iterable[Tree]) -> Tree:
    """Return a list."""
    return exp.Array(expressions=list(values))


def differ(left: Tree, right: Tree) -> Tree:
    """Return whether two values are not the same."""
    return n.binary(exp.NEQ, left, right)
