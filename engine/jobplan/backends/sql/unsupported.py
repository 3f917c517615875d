"""What SQL back ends cannot do: told when an edition is compiled, never skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jobplan.backends.sql.frames import KEYS
from jobplan.backends.sql.relations import row_bits
from jobplan.errors import BrokenPolicy, Problem
from jobplan.expression.program import Program
from jobplan.source import Route, read_document

Found = Iterator[tuple[str, tuple[str, Route]]]
"""What cannot be compiled: its name, and its file and place in it."""

MOST_BITS = 62


class UnsupportedRule(BrokenPolicy):
    """A policy says something that this back end has no SQL for."""


def names_of_keys(program: Program) -> Found:
    """Yield what has the name of a column that tells rows apart; SQL does not tell capitals from others."""
    keys = {key.lower() for key in KEYS}
    checked = program.checked
    for relation, shape in checked.world.shapes.items():
        made = checked.policy.relations.get(relation)
        home = made.place if made is not None else ("", ())
        yield from ((f"{relation}.{name}", home) for name in shape.facts if name in keys)
    for (relation, name), column in checked.columns.items():
        if name in keys:
            yield f"{relation}.{name}", column.formula.place
    yield from ((name, measure.formula.place) for name, measure in checked.measures.items() if name in keys)


def rules_on_moving_rows(program: Program) -> Found:
    """Yield rules on which others rest, on rows that are not the same ones where stated figures stand in."""
    for (relation, _), column in program.checked.columns.items():
        made = program.checked.relations.get(relation)
        moves = made is not None and made.derived.kind != "pairs" and rests_on_made(program, relation)
        if column.formula.kind == "verdict" and moves and program.claims:
            rule = program.checked.rules[column.formula.of].rule
            yield rule.id, rule.place


def rests_on_made(program: Program, relation: str) -> bool:
    """Tell whether rows come from pairs or spans, whose numbers may be others the second time."""
    made = program.checked.relations.get(relation)
    if made is None:
        return False
    sources = made.derived.sources.values()
    return made.derived.kind in ("pairs", "merge", "gaps") or any(
        rests_on_made(program, of) for of in sources
    )


def made_too_deep(program: Program) -> Found:
    """Yield relations made of lists of lists of lists, whose rows have no numbers left."""
    for name, made in program.checked.relations.items():
        if row_bits(program.checked, name) > MOST_BITS:
            yield name, made.derived.place


COMMON: Mapping[str, Callable[[Program], Found]] = {
    "has the name of a key of tables": names_of_keys,
    "is judged on rows that stated figures may move, and another rule rests on it": rules_on_moving_rows,
    "is made of lists within lists, too deep for numbers of rows": made_too_deep,
}
CANNOT: Mapping[str, Mapping[str, Callable[[Program], Found]]] = {"duckdb": COMMON, "spark": COMMON}
"""By dialect what cannot be compiled, in words, and what finds it."""


def refuse_unsupported(program: Program, dialect: str) -> None:
    """Raise UnsupportedRule with everything in an edition that cannot be written as SQL."""
    problems = [
        problem(program, f"`{name}` {words}", place)
        for words, find in CANNOT[dialect].items()
        for name, place in find(program)
    ]
    if problems:
        raise UnsupportedRule(problems, program.checked.policy.files)


def problem(program: Program, said: str, place: tuple[str, Route]) -> Problem:
    """Return what is said of a part of a policy at its place."""
    file, route = place
    span = read_document(file, program.checked.policy.files.get(file)).key_at(route) if file else None
    return Problem("unsupported", said, span, "use other names or rules, or judge by the reference engine")
