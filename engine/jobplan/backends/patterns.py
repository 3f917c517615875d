"""From the conditions of rules to patterns that durable-rules can match within its limits.

A fact says of one subject of one rule which comparisons hold and which do not; what is not known
it leaves out. Up to two Rete rules a rule match it: violated, satisfied. Where none fires the
verdict is unknown. A subject that the rule is known not to apply to is not asserted at all: most
subjects of most rules are such, and what the library takes its time for is facts and firings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobplan.expression.forms import FALSE, TRUE, And, Atom, Form, Not, Or, atoms, join, kleene, known, normal
from jobplan.model import Truth, Verdict

RULES_PER_SET = 50
"""Rules in one rule set, far below the library's tables of 128, 256 and 512 entries."""

MOST_STEPS = 60
"""Conditions that one fact may meet; past 64 waiting at once the library gives error 303."""

MOST_GROUPS = 15
"""Uses of `$and` and `$or` in one Rete rule; a sixteenth gives error 113."""

MOST_PARTS = 8
"""Parts left together where a large form is taken apart."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule applies and what it requires, over the rule's own atoms."""

    rule: str
    applies: Form
    requires: Form


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition as it is matched: by the facts that carry `key`, in the rule set `number`.

    `applies` is the condition's own, over the same truths. `reads` holds, for each atom that is
    matched, its index and what a fact says if it is true and if it is false.
    `parts` are its parts in the network of parts; their truths follow the first `width` atoms.
    """

    answer: Verdict
    applies: Form = TRUE
    number: int = 0
    key: str = ""
    patterns: Mapping[Verdict, list[Any]] | None = None
    reads: tuple[tuple[int, str, str], ...] = ()
    width: int = 0
    parts: range = range(0)

    def excludes(self, truths: Sequence[Truth]) -> bool:
        """Tell whether the rule is known not to apply."""
        return kleene(self.applies, truths) is False

    def fact(self, truths: Sequence[Truth]) -> str:
        """Return the fact to assert, without id and braces; empty if none can fire."""
        told = [yes if truths[atom] else no for atom, yes, no in self.reads if truths[atom] is not None]
        return f'"{self.key}":true' + "".join(told) if told else ""


def compile_rule(condition: Condition, *, place: int, first_part: int) -> tuple[Rule, list[Condition]]:
    """Return the rule for the next free place among those matched, and its parts if it has any."""
    conclusions = _conclusions(condition)
    for verdict, form in conclusions.items():
        if form == TRUE:
            return Rule(verdict), []
    if not conclusions:
        return Rule("unknown"), []
    applies, parts = condition.applies, list[Condition]()
    width = 1 + max(atoms(applies) | atoms(condition.requires))
    conclusions.pop("not_applicable", None)
    if not _fits(conclusions.values()):
        condition, parts = _taken_apart(condition, width)
        conclusions = _conclusions(condition)
        conclusions.pop("not_applicable", None)
    read = sorted(set().union(*(atoms(form) for form in conclusions.values())))
    names = {atom: f"a{position}" for position, atom in enumerate(read)}
    rule = Rule(
        answer="unknown",
        applies=applies,
        number=place // RULES_PER_SET,
        key=f"r{place % RULES_PER_SET}",
        patterns={verdict: _patterns(form, names) for verdict, form in conclusions.items()},
        reads=tuple((atom, f',"{name}":true', f',"{name}":false') for atom, name in names.items()),
        width=width,
        parts=range(first_part, first_part + len(parts)),
    )
    return rule, parts


def _conclusions(condition: Condition) -> dict[Verdict, Form]:
    """Return where each verdict but unknown holds, as forms of literals; no two hold at once.

    A comparison that is not known meets neither its literal nor the opposite, so that what is
    missing fires nothing, without a `$nex`, which loops for ever where it stands alone.
    """
    applies = known(condition.applies, to_be=True)
    drawn: dict[Verdict, Form] = {
        "not_applicable": known(condition.applies, to_be=False),
        "violated": join(And, (applies, known(condition.requires, to_be=False))),
        "satisfied": join(And, (applies, known(condition.requires, to_be=True))),
    }
    return {verdict: form for verdict, form in drawn.items() if form != FALSE}


def _patterns(form: Form, names: Mapping[int, str]) -> list[Any]:
    """Write a form of literals as patterns that must all match.

    The names are few and fixed (`r0` to `r49`, `a0` to `a59`), since the library knows a property
    by a 32-bit hash of its name; no two of these share one. They hold no dots, which would mean
    a property of a property.
    """
    match form:
        case Atom(index):
            return [{names[index]: True}]
        case Not(Atom(index)):
            return [{names[index]: False}]
        case And(parts):
            return [pattern for part in parts for pattern in _patterns(part, names)]
        case Or(parts):
            return [{"$or": [_pattern(part, names) for part in parts]}]
        case _:
            raise TypeError(form)


def _pattern(form: Form, names: Mapping[int, str]) -> Any:
    """Write a form of literals as one pattern."""
    patterns = _patterns(form, names)
    return patterns[0] if len(patterns) == 1 else {"$and": patterns}


def _fits(forms: Iterable[Form]) -> bool:
    """Tell whether one fact stays within the library's limits on the patterns of one rule."""
    return sum(_ways(form)[1] for form in forms) < MOST_STEPS and all(
        _groups(form) < MOST_GROUPS for form in forms
    )


def _ways(form: Form) -> tuple[int, int]:
    """Return in how many ways, and over how many conditions, a fact may come through a form.

    Ways multiply: an `and` of ten `or`s of two fires up to 1,024 times.
    """
    ways, steps = 1, 0
    match form:
        case And(parts):
            for part in parts:
                more, inner = _ways(part)
                ways, steps = ways * more, steps + ways * inner
        case Or(parts):
            inside = [_ways(part) for part in parts]
            ways = sum(more for more, _ in inside)
            steps = ways + sum(inner for _, inner in inside)
        case _:
            steps = 1
    return ways, steps


def _groups(form: Form) -> int:
    """Count the `and`s and `or`s of a form."""
    match form:
        case And(parts) | Or(parts):
            return 1 + sum(_groups(part) for part in parts)
        case _:
            return 0


def _taken_apart(condition: Condition, width: int) -> tuple[Condition, list[Condition]]:
    """Replace compound parts by atoms, numbered from `width`; return what is left and the parts.

    A part is a condition that always applies, so that its verdict is its truth. Each is smaller
    than what it was taken from; one that is still too large is taken apart in its turn.
    """
    parts: list[Condition] = []

    def atom_for(form: Form) -> Form:
        if not isinstance(form, And | Or):
            return form
        parts.append(Condition(condition.rule, TRUE, form))
        return Atom(width + len(parts) - 1)

    applies, requires = normal(condition.applies), normal(condition.requires)
    if applies == TRUE and isinstance(requires, And | Or):
        kind, pieces = type(requires), requires.parts
        size = -(-len(pieces) // MOST_PARTS)
        chunks = (join(kind, pieces[at : at + size]) for at in range(0, len(pieces), size))
        return Condition(condition.rule, applies, kind(tuple(atom_for(chunk) for chunk in chunks))), parts
    return Condition(condition.rule, atom_for(applies), atom_for(requires)), parts
