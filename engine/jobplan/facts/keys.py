"""Keys of data that come from elsewhere, which need not be texts as those of JSON are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobplan.errors import Problem
from jobplan.source import Route
from jobplan.validation import place_words, words_of

_LEAVES = frozenset({str, int, float, bool, type(None)})


def odd_keys(data: Any) -> list[Problem]:
    """Return the problem of every key that is no text, with its place in words."""
    return [] if _is_usual(data) else [_problem(route, key) for route, key in _odd(data)]


def _is_usual(data: Any) -> bool:
    """Tell whether data are plainly JSON's, with texts as keys: most are, and that is quickly seen."""
    seen: set[int] = set()
    left = [data]
    inside: Iterable[Any]
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if type(part) is dict:
            if not all(type(key) is str for key in part):
                return False
            inside = part.values()
        elif type(part) is list:
            inside = part
        else:
            return False
        left += [value for value in inside if type(value) not in _LEAVES]
    return True


def _odd(data: Any) -> Iterator[tuple[Route, Any]]:
    """Yield keys with the routes of their mappings; what holds itself is gone through once."""
    seen: set[int] = set()
    left: list[tuple[Route, Any]] = [((), data)]
    while left:
        route, part = left.pop()
        if not isinstance(part, Mapping | list | tuple) or id(part) in seen:
            continue
        seen.add(id(part))
        if not isinstance(part, Mapping):
            left.extend(((*route, index), value) for index, value in enumerate(part))
            continue
        for key, value in part.items():
            if isinstance(key, str):
                left.append(((*route, key), value))
            else:
                yield route, key


def _problem(route: Route, key: Any) -> Problem:
    found = words_of(key) if isinstance(key, bool | int | float | None) else f"`{key}`"
    place = f"{place_words(route)}: " if route else ""
    hint = "put the key in quotes"
    if isinstance(key, bool):
        hint = (
            "some YAML readers take `on`, `yes`, `off` and `no` for truth values; read the file with jobplan"
        )
    return Problem("key-not-text", f"{place}expected keys that are text, found {found}", None, hint)
