"""What SQL dialects spell differently in texts and lists: one table of functions a dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree
from jobplan.findings.bulk.write import array

KEY_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions of one dialect over texts, lists and whole numbers; none of them takes `none` for a value.

    `fixed` writes a number with so many decimals, `two_digits` a whole one below 100. `entry` gives that of
    a list at a place from 1, `each` applies what is written of a named entry to all, `present` leaves the
    entries that are there, `strung` puts texts together with another between them, `both` lists; `sorted`
    gives each entry once, in order. `digest` is the beginning of the SHA-256 in hexadecimal digits, `nul`
    the character 0.
    """

    fixed: Callable[[Tree, int], Tree]
    two_digits: Callable[[Tree], Tree]
    entry: Callable[[Sequence[Tree], Tree], Tree]
    each: Callable[[Tree, str, Tree], Tree]
    present: Callable[[Tree], Tree]
    strung: Callable[[Tree, str], Tree]
    both: Callable[[Tree, Tree], Tree]
    sorted: Callable[[Tree], Tree]
    digest: Callable[[Tree], Tree]
    nul: Callable[[], Tree]
    remainder: Callable[[Tree, Tree], Tree]
    quotient: Callable[[Tree, Tree], Tree]


def of_each(listed: Tree, function: str, word: str, body: Tree) -> Tree:
    """Return a function of a list that is given a function of one entry, which `body` names."""
    return n.call(function, listed, exp.Lambda(this=body, expressions=[n.name(word)], colon=True))


DUCKDB = Functions(
    fixed=lambda x, decimals: n.call("format", n.text(f"{{:.{decimals}f}}"), x),
    two_digits=lambda x: n.call("format", n.text("{:02d}"), x),
    entry=lambda entries, place: n.call("list_extract", array(entries), place),
    each=lambda listed, word, body: of_each(listed, "list_transform", word, body),
    present=lambda listed: of_each(listed, "list_filter", "entry", n.known(n.column("entry"))),
    strung=lambda listed, between: n.call("array_to_string", listed, n.text(between)),
    both=lambda a, b: n.call("list_concat", a, b),
    sorted=lambda listed: n.call("list_sort", n.call("list_distinct", listed)),
    digest=lambda words: n.call("left", n.call("sha256", words), n.whole(KEY_DIGITS)),
    nul=lambda: n.call("chr", n.whole(0)),
    remainder=lambda x, by: n.call("mod", x, by),
    quotient=lambda x, by: n.call("divide", x, by),
)

DIALECTS: Mapping[str, Functions] = {"duckdb": DUCKDB}
