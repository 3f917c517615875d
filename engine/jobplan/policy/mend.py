"""Take out of a rule file what its schema refuses, so that the rest is checked in the same round."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from typing import Any

from jobplan.errors import Problem, closest
from jobplan.source import Document, Route
from jobplan.source.complaints import PROBLEM_LIMIT

PARTS = {"parameters": 2, "tables": 2, "columns": 3, "relations": 2, "measures": 2, "units": 2, "attests": 2,
         "sources": 2, "pictures": 2, "rules": 2, "adopts": 2, "common": 2, "waivers": 2}  # fmt: skip
"""Steps that lead to one part of a file: a named thing, or an entry of a list."""


def mended(
    document: Document, problems: Iterable[tuple[Route, Problem]], keys: Collection[str]
) -> tuple[Document, set[str], bool]:
    """Return the document without what is broken, the names that went, and whether others may have gone.

    `problems` are those of the schema with their routes, `keys` what a file may hold. An entry of a list
    loses only the key that is broken, or becomes empty: its place in the list stays.
    """
    data = deepcopy(document.data)
    names: set[str] = set()
    unknown = islice((key for key in data if key not in keys), PROBLEM_LIMIT)
    lost = any(closest(key, keys) for key in unknown)
    for route, problem in problems:
        if not route or (problem.code == "unknown-field" and not is_misspelt(problem)):
            continue  # what nobody knows nobody reads
        part = route[: depth(route)]
        if str(route[0]) not in PARTS or len(route) < depth(route):
            lost = lost or str(route[0]) in (*PARTS, "uses")
            data.pop(route[0], None)
        elif isinstance(part[-1], int):
            empty(data, part, route[len(part) :])
        else:
            names.add(str(part[-1]))
            holder(data, part).pop(part[-1], None)
    return replace(document, data=data), names, lost


def is_misspelt(problem: Problem) -> bool:
    """Tell whether an unknown key stands for one that may be needed and is not said to be missing."""
    return (problem.help or "").startswith("did you mean")


def depth(route: Route) -> int:
    """Return how many steps of a route lead to one part; adoptions may stand in a block."""
    if route[0] == "adopts" and len(route) > 3 and route[2] == "rules":
        return 4
    return PARTS.get(str(route[0]), 1)


def holder(data: Any, part: Route) -> Any:
    """Return what holds a part, or an empty mapping where that has gone already."""
    for step in part[:-1]:
        inside = isinstance(data, list) or (isinstance(data, dict) and step in data)
        data = data[step] if inside else {}
    return data


def empty(data: Any, part: Route, rest: Route) -> None:
    """Take the broken key out of an entry of a list; one that is no mapping becomes an empty one."""
    listed, index = holder(data, part), part[-1]
    if isinstance(listed, list) and isinstance(index, int):
        entry = listed[index]
        if not isinstance(entry, dict):
            listed[index] = {}
        elif rest:
            entry.pop(rest[0], None)


UNKNOWN = frozenset({"unknown-name", "unknown-rule", "unknown-table", "unknown-relation", "unknown-source"})


def surely(problems: Iterable[Problem], left_out: frozenset[str] | None) -> list[Problem]:
    """Return the problems without those about names that may only have been left out."""

    def is_sure(problem: Problem) -> bool:
        if problem.code not in UNKNOWN:
            return True
        if left_out is None:
            return False
        name = problem.message.partition("`")[2].partition("`")[0]
        return left_out.isdisjoint((name, name.rpartition(".")[2]))

    return [problem for problem in problems if is_sure(problem)]
