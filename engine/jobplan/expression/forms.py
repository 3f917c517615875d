"""Boolean forms: how a condition joins its comparisons, apart from what they compare.

The comparisons are numbered from 0 within one rule. Forms nest no deeper than the expressions
they come from, whose depth is limited before parsing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobplan.model import Truth


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison, by its number."""

    index: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: Form


@dataclass(frozen=True, slots=True)
class And:
    """False if any part is, else unknown if any is; true without parts."""

    parts: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if any part is, else unknown if any is; false without parts."""

    parts: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Const:
    """A truth that no fact can change."""

    value: Truth


Form = Atom | Not | And | Or | Const

TRUE = Const(True)
FALSE = Const(False)


def kleene(form: Form, truths: Sequence[Truth]) -> Truth:
    """Return what `form` says of the truths of its atoms, the reference for every back end.

    >>> kleene(Or((Atom(0), Not(Atom(1)))), [None, False])
    True
    """
    match form:
        case Atom(index):
            return truths[index]
        case Const(value):
            return value
        case Not(part):
            truth = kleene(part, truths)
            return None if truth is None else not truth
        case And(parts) | Or(parts):
            decisive = isinstance(form, Or)
            found = {kleene(part, truths) for part in parts}
            return decisive if decisive in found else None if None in found else not decisive


def normal(form: Form, *, negated: bool = False) -> Form:
    """Return the same meaning, or its negation, with `not` on atoms only and constants folded.

    Nested parts of one kind are made one and equal parts written once. `Const(None)` stays where
    it may still decide between unknown and an answer.

    >>> normal(Not(And((Atom(0), Const(True), Not(Atom(1))))))
    Or(parts=(Not(part=Atom(index=0)), Atom(index=1)))
    """
    match form:
        case Atom():
            return Not(form) if negated else form
        case Const(value):
            return Const(not value) if negated and value is not None else form
        case Not(part):
            return normal(part, negated=not negated)
        case And(parts) | Or(parts):
            kind = And if isinstance(form, And) is not negated else Or
            return join(kind, (normal(part, negated=negated) for part in parts))


def join(kind: type[And | Or], parts: Iterable[Form]) -> Form:
    """Join parts that are in normal form, so that the whole is."""
    kept: dict[Form, None] = {}
    for part in parts:
        kept.update(dict.fromkeys(part.parts if isinstance(part, kind) else (part,)))
    neutral, decisive = (TRUE, FALSE) if kind is And else (FALSE, TRUE)
    if decisive in kept:
        return decisive
    kept.pop(neutral, None)
    if len(kept) > 1:
        return kind(tuple(kept))
    return next(iter(kept), neutral)


def known(form: Form, *, to_be: bool) -> Form:
    """Return a form of literals that holds exactly where `form` is known to be `to_be`.

    A literal (`Atom`, or `Not` of one) holds only where its comparison is known, so the answer
    needs no third value: it holds or it does not. It is a constant or free of constants.

    >>> known(And((Atom(0), Const(None))), to_be=True), known(And((Atom(0), Const(None))), to_be=False)
    (Const(value=False), Not(part=Atom(index=0)))
    """
    return _held(normal(form, negated=not to_be))


def _held(form: Form) -> Form:
    """Drop what is unknown for good from a form in normal form: it holds nowhere."""
    match form:
        case Const(value):
            return TRUE if value else FALSE
        case And(parts) | Or(parts):
            return join(type(form), (_held(part) for part in parts))
        case _:
            return form


def atoms(form: Form) -> set[int]:
    """Return the numbers of the comparisons that `form` reads."""
    match form:
        case Atom(index):
            return {index}
        case Not(part):
            return atoms(part)
        case And(parts) | Or(parts):
            return set().union(*(atoms(part) for part in parts))
        case Const():
            return set()
