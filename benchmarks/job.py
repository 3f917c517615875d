"""One bulk job in a process of its own: python -m benchmarks.job KIND FOLDER POLICIES OUT; prints JSON.

A process of its own has a peak of memory of its own, and nothing warm but what it warms itself.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from jobplan.expression.editions import Policies, load_policies

TODAY = "2025-06-02"
THREADS = 2
WHOLE = "-"
"""Says instead of a folder of policies that those of the package are meant."""

Spent = dict[str, float]


def main(kind: str, folder: str, policies: str, out: str) -> None:
    """Run a job; print seconds of the clock and of processors, those of its parts, and the peak of memory."""
    chosen = load_policies(None if policies == WHOLE else policies)
    spent: Spent = {}
    begin = time.perf_counter()
    JOBS[kind](Path(folder), chosen, Path(out), spent)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / 1024  # kibibytes on Linux
    told = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "spent": spent, "peak_mib": peak}
    print(json.dumps(told))


def verdicts(folder: Path, policies: Policies, out: Path, spent: Spent) -> None:
    """Judge with `audit`, and write the verdicts alone."""
    run_audit(folder, policies, out, spent, verdicts_only=True)


def everything(folder: Path, policies: Policies, out: Path, spent: Spent) -> None:
    """Judge with `audit`, and write verdicts, measures, findings and gaps as tables."""
    run_audit(folder, policies, out, spent, verdicts_only=False)


def run_audit(folder: Path, policies: Policies, out: Path, spent: Spent, *, verdicts_only: bool) -> None:
    """Judge with `audit` into Parquet tables."""
    from jobplan.auditing.bulk import Bulk
    from jobplan.auditing.library import audit
    from jobplan.facts.tables.data import Chunk
    from jobplan.findings.bulk.gaps import BulkGaps

    parts = [(Chunk, "load", "facts"), (Bulk, "judge", "verdicts"), (Bulk, "find", "findings")]
    for owner, name, part in [*parts, (BulkGaps, "make", "gaps")]:
        setattr(owner, name, clocked(getattr(owner, name), part, spent))
    audit(
        folder, out, policies=policies, today=TODAY, formats=(), verdicts_only=verdicts_only, threads=THREADS,
        force=True,
    )  # fmt: skip
    inside = {"verdicts": "findings", "findings": "gaps"}
    for outer, inner in inside.items():
        spent[outer] = spent.get(outer, 0.0) - spent.get(inner, 0.0)


def clocked(call: Callable[..., Any], part: str, spent: Spent) -> Callable[..., Any]:
    """Return a method that adds up the time that it takes; what it yields is worked out at once."""

    def run(*given: Any, **named: Any) -> Any:
        with clock(part, spent):
            found = call(*given, **named)
            return iter(list(found)) if isinstance(found, Iterator) else found

    return run


@contextmanager
def clock(part: str, spent: Spent) -> Iterator[None]:
    """Add the time of what is inside to a part."""
    begin = time.perf_counter()
    try:
        yield
    finally:
        spent[part] = spent.get(part, 0.0) + time.perf_counter() - begin


def handwritten(folder: Path, _: Policies, out: Path, spent: Spent) -> None:
    """Judge with the query that was written by hand, and write its verdicts."""
    import duckdb

    from benchmarks import handwritten as query

    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"threads": THREADS})
    with clock("verdicts", spent):
        query.judge(connection, folder, date.fromisoformat(TODAY))
    connection.execute(f"COPY verdicts TO '{out / 'verdicts.parquet'}' (COMPRESSION zstd)")


def in_numpy(folder: Path, policies: Policies, _: Path, spent: Spent) -> None:
    """Judge the part that all engines are given, with NumPy."""
    from benchmarks.core.arrays import InNumPy, load
    from benchmarks.core.work import work

    made = work(policies)
    engine = InNumPy(made)
    with clock("facts", spent):
        data = load(made, folder)
    with clock("verdicts", spent):
        engine.judge(data)


def in_openfisca(folder: Path, policies: Policies, _: Path, spent: Spent) -> None:
    """Judge the part that all engines are given, with OpenFisca-core."""
    from benchmarks.core.arrays import load
    from benchmarks.core.fisca import InOpenFisca
    from benchmarks.core.work import work

    made = work(policies)
    engine = InOpenFisca(made)
    with clock("facts", spent):
        data = load(made, folder)
    with clock("verdicts", spent):
        engine.judge(data)


JOBS: dict[str, Callable[[Path, Policies, Path, Spent], None]] = {
    "verdicts": verdicts,
    "everything": everything,
    "handwritten": handwritten,
    "numpy": in_numpy,
    "openfisca": in_openfisca,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
