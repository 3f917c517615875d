"""Time calls in rounds that take turns, so that a slow spell of the machine meets all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Call = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """Times of one call in milliseconds; `rounds` holds the median of each round."""

    times: tuple[float, ...]
    rounds: tuple[float, ...]

    @property
    def n(self) -> int:
        """Return how often it was called."""
        return len(self.times)

    @property
    def median(self) -> float:
        """Return the median of all calls."""
        return median(self.times)

    @property
    def p95(self) -> float:
        """Return the time that 95 of 100 calls stay below."""
        return sorted(self.times)[min(self.n - 1, int(self.n * 0.95))]

    @property
    def spread(self) -> str:
        """Return the lowest and the highest median of a round."""
        return f"{min(self.rounds):.2f} to {max(self.rounds):.2f}"


def timed(calls: Mapping[str, Call], *, rounds: int, each: int) -> dict[str, Figure]:
    """Time every call `rounds` × `each` times, after calling it twice untimed."""
    found: dict[str, list[list[float]]] = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            found[name].append([once(call) for _ in range(each)])
    return {
        name: Figure(tuple(t for times in mine for t in times), tuple(median(times) for times in mine))
        for name, mine in found.items()
    }


def once(call: Call) -> float:
    """Return how long a call takes, in milliseconds; the garbage collector is left on."""
    begin = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - begin) / 1e6


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(found: Mapping[str, Figure], *, known: str) -> str:
    """Return figures as a table, with the ratio to the call `known` of the same run."""
    yardstick = found[known].median
    return table(
        ("step", "n", "median, ms", "p95, ms", "medians of the rounds", f"× {known}"),
        (
            (name, str(f.n), f"{f.median:.3f}", f"{f.p95:.3f}", f.spread, f"{f.median / yardstick:.1f}")
            for name, f in found.items()
        ),
    )
