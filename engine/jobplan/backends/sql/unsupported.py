"""What SQL back ends cannot do: told when an edition is compiled, never skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jobplan.errors import BrokenPolicy, Problem
from jobplan.expression.program import Program


class UnsupportedRule(BrokenPolicy):
    """A policy says something that this back end has no SQL for."""


def verdicts_of_made_rows(program: Program) -> Iterator[tuple[str, tuple[str, tuple[str | int, ...]]]]:
    """Yield rules that others rest on and that are judged on spans, which stated figures may move."""
    spans = {
        name for name, made in program.checked.relations.items() if made.derived.kind in ("merge", "gaps")
    }
    for (relation, _), column in program.checked.columns.items():
        if column.formula.kind == "verdict" and relation in spans and program.claims:
            rule = program.checked.rules[column.formula.of].rule
            yield rule.id, rule.place


CANNOT: Mapping[
    str, Mapping[str, Callable[[Program], Iterator[tuple[str, tuple[str, tuple[str | int, ...]]]]]]
] = {
    "duckdb": {},
    "spark": {},
}
"""By dialect what cannot be compiled, with what finds it: a name, and its place in a file."""


def refuse_unsupported(program: Program, dialect: str) -> None:
    """Raise UnsupportedRule with everything in an edition that cannot be written as SQL."""
    problems = [
        Problem("unsupported", f"`{name}`: {words}", None, "judge these plans with the reference engine")
        for words, find in CANNOT[dialect].items()
        for name, _ in find(program)
    ]
    if problems:
        raise UnsupportedRule(problems, program.checked.policy.files)
