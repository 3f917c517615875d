"""Write the page on the functions of expressions from their table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from jobplan.expression.functions import FUNCTIONS, Function
from jobplan.expression.unparse import SIGNS
from jobplan.model import Kind

HEAD = """\
<!-- Written by tools/write_functions.py from engine/jobplan/expression/functions.py; not by hand. -->
# Functions of expressions

Conditions and values of rule files are expressions. These are all the functions that they may call; how
expressions are built otherwise is told in [policy-language.md](policy-language.md). A test works out every
example of this page.

In examples, `date_of('2024-01-31')` stands for a fact or column with that day: an expression has no literal
for days but in a comparison, such as `signed_on >= '2024-01-31'`.

**Unknown** is what a function gives if an argument is unknown, unless it says otherwise. Numbers are doubles;
what a column or measure yields is rounded to nine decimals.
"""

MONTHS = """\
## Calendar months and month ends

`add_months` counts calendar months, never thirty days. It keeps the day of the month, and where the month has
no such day it gives the month's last day. So it does not undo itself, and two steps are not always one: in
2024 one month after 31 January leads to 29 February and another to 29 March, while two months at once lead to
31 March. Count from the first day each time.

People write last days; the law counts from the day after. Write that once, in a column:
`add_days(ends_on, 1)`.
"""

KINDS: Mapping[Kind, str] = {
    "number": "a number",
    "truth": "true or false",
    "text": "a text",
    "date": "a day",
    "list": "a list",
    "unknown": "nothing that is known",
}
TAKES = {
    "fact": "the bare name of a fact",
    "words": "words in quotes",
    "rule": "the id of a rule in quotes",
}


def functions_page(functions: Mapping[str, Function] = FUNCTIONS) -> str:
    """Return the page as Markdown."""
    parts = [HEAD, "\n".join(overview(functions.values())), *(section(f) for f in functions.values()), MONTHS]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def overview(functions: Iterable[Function]) -> Iterator[str]:
    """Yield the table of all functions, and the signs that are no functions."""
    yield "| function | gives | means |"
    yield "| --- | --- | --- |"
    for function in functions:
        yield f"| [`{function.usage}`](#{function.name}) | {gives(function)} | {first(function.means)} |"
    yield ""
    signs = ", ".join(f"`{sign}`" for sign in SIGNS.values())
    words = "`not`, `in (…)`, `between … and …` and `case when … then … else … end`"
    yield f"Beside them stand {signs}, {words}."


def section(function: Function) -> str:
    """Return what is to be said of one function."""
    lines = [f"## {function.name}", "", f"`{function.usage}` gives {gives(function)}{unit(function)}."]
    lines += ["", f"{sentence(function.means)}."]
    lines += [f"It takes {what}." for kind, what in TAKES.items() if kind in function.takes]
    if function.examples:
        lines += ["", "| expression | gives |", "| --- | --- |"]
        lines += [f"| `{expression}` | {result} |" for expression, result in function.examples]
    if function.shown:
        lines += ["", "| what is given | expression | gives |", "| --- | --- | --- |"]
        lines += [f"| {given} | `{expression}` | {result} |" for given, expression, result in function.shown]
    return "\n".join(lines) + "\n"


def gives(function: Function) -> str:
    """Say what kind of value comes out; of several arguments one, so what they are."""
    return "what it takes" if function.repeats else KINDS[function.gives]


def sentence(means: str) -> str:
    """Return a meaning with a capital, unless it begins with the name of an argument."""
    return f"{means[:1].upper()}{means[1:]}" if means[1:2].isalpha() else means


def unit(function: Function) -> str:
    """Say which unit the result has."""
    if function.unit == "same":
        return ", in the unit of what it takes"
    return ", without a unit" if function.gives == "number" else ""


def first(means: str) -> str:
    """Return the first part of a meaning, for the table of all."""
    return means.partition(";")[0]
