"""Read the places that citations name, such as `Schedule 7, paragraphs 2 and 4`, to search by them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SHORT = {
    "sch": "schedule", "sched": "schedule", "para": "paragraph", "par": "paragraph", "reg": "regulation",
    "sec": "section", "s": "section", "art": "article", "cl": "clause", "app": "appendix",
    "ann": "annex", "ch": "chapter", "pt": "part", "¶": "paragraph", "§": "section",
}  # fmt: skip
KINDS = frozenset((*SHORT.values(), "box", "table", "step", "rule"))
TOKEN = re.compile(r"[a-z]+|\d+[a-z]?(?:\([a-z0-9]+\))*|¶|§|–|-")
NUMBER = re.compile(r"\d+")
LONGEST_RANGE = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a place: a kind of division and the numbers named."""

    kind: str
    numbers: tuple[str, ...]


def clause_parts(text: str) -> tuple[Part, ...]:
    """Return the divisions that a text names, in order; words that are none are passed over.

    >>> clause_parts("Sch 7 para 2, 4 to 6")
    (Part(kind='schedule', numbers=('7',)), Part(kind='paragraph', numbers=('2', '4', '5', '6')))
    >>> clause_parts("regulations 4(3) and 21(c)(i)")
    (Part(kind='regulation', numbers=('4(3)', '21(c)(i)')),)
    """
    found: list[tuple[str, list[str]]] = []
    to = False
    for token in TOKEN.findall(text.lower()):
        kind = kind_of(token)
        if kind is not None:
            found.append((kind, []))
        elif token[0].isdigit() and found:
            numbers = found[-1][1]
            numbers.extend(between(numbers[-1], token) if to and numbers else [])
            numbers.append(token)
        elif token not in ("and", "or", "to", "–", "-") and found and found[-1][1]:
            found.append(("", []))
        to = token in ("to", "–", "-")
    return tuple(Part(kind, tuple(numbers)) for kind, numbers in found if kind and numbers)


def kind_of(token: str) -> str | None:
    """Return the kind of division that a word names, in the singular; None for any other word."""
    one = token.removesuffix("s")
    for word in (token, one, SHORT.get(token), SHORT.get(one)):
        if word in KINDS:
            return word
    return None


def between(first: str, last: str) -> list[str]:
    """Return the whole numbers between two that a range names."""
    low, high = NUMBER.match(first), NUMBER.match(last)
    if low is None or high is None or int(high[0]) - int(low[0]) > LONGEST_RANGE:
        return []
    return [str(number) for number in range(int(low[0]) + 1, int(high[0]))]


def closeness(wanted: Sequence[Part], place: str) -> int:
    """Return how well a place fits the divisions wanted: 0 not, 1 named, 2 at its beginning, 3 alone.

    >>> wanted = clause_parts("Sch 7")
    >>> [closeness(wanted, place) for place in ("Schedule 17", "Box 1; Schedule 7", "Schedule 7, table 1")]
    [0, 1, 2]
    >>> closeness(clause_parts("reg 4"), "regulations 4(3) to (5)"), closeness(wanted, "Schedule 7")
    (2, 3)
    """
    there = clause_parts(place)
    for index in range(len(there)):
        if fits_from(wanted, there[index:]):
            alone = len(there) == len(wanted) and all(len(part.numbers) == 1 for part in there)
            return 3 if alone and not index else 2 if not index else 1
    return 0


def fits_from(wanted: Sequence[Part], there: Sequence[Part]) -> bool:
    """Tell whether all divisions wanted stand in order below the first one there."""
    if not wanted:
        return True
    if not there or not covers(there[0], wanted[0]):
        return False
    below = there[1:]
    for index, part in enumerate(below):
        if part.kind == there[0].kind:
            below = below[:index]
            break
    rest = wanted[1:]
    return not rest or any(fits_from(rest, below[index:]) for index in range(len(below)))


def covers(there: Part, wanted: Part) -> bool:
    """Tell whether a part names every number wanted, or a division of it."""
    return there.kind == wanted.kind and all(
        any(number == want or number.startswith(f"{want}(") for number in there.numbers)
        for want in wanted.numbers
    )
