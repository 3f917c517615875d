"""Many plans: the audit workload, the query written by hand, growth and memory, and whole columns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import handwritten
from benchmarks.core.work import RULES
from benchmarks.job import WHOLE
from benchmarks.population import Population, write_tables
from benchmarks.subset import only
from benchmarks.timing import table

SEED = 2025
SECONDS = 3600
Job = tuple[str, str]
"""A kind of `benchmarks.job`, and a folder of policies."""


@dataclass(slots=True)
class Result:
    """What the runs of a job took."""

    seconds: list[float] = field(default_factory=list)
    spent: list[Mapping[str, float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    failed: str = ""

    @property
    def median(self) -> float:
        """Return the median of the seconds."""
        return median(self.seconds)

    def part(self, name: str) -> float:
        """Return the median of the seconds spent on a part."""
        return median(spent.get(name, 0.0) for spent in self.spent)


def workload(folder: Path, plans: int) -> Path:
    """Make the plans of the audit workload, about 25 activities each, and return their folder."""
    made = folder / f"plans-{plans}"
    if not made.exists():
        write_tables(Population(plans, SEED), made)
    return made


def runs(jobs: Mapping[str, Job], plans: Path, rounds: int) -> dict[str, Result]:
    """Run jobs in turns, each in a process of its own."""
    found = {name: Result() for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            if not found[name].failed:
                run(job, plans, found[name])
    return found


def run(job: Job, plans: Path, result: Result) -> None:
    """Run a job once."""
    kind, policies = job
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.job", kind, str(plans), policies, f"{out}/pack"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        result.failed = (done.stderr.strip().splitlines() or ["no words"])[-1]
        return
    told = json.loads(done.stdout.splitlines()[-1])
    result.seconds.append(told["seconds"])
    result.spent.append(told["spent"])
    result.cpu.append(told["cpu"])
    result.peak_mib = max(result.peak_mib, told["peak_mib"])


def audit(folder: Path, *, plans: int, rounds: int) -> Iterator[str]:
    """Yield what the audit of a population costs, against the query written by hand."""
    data = workload(folder, plans)
    same = str(only(folder / "handwritten", handwritten.rules_of_query()))
    jobs = {
        KNOWN: ("handwritten", WHOLE),
        "audit of the same rules, verdicts alone": ("verdicts", same),
        "audit of the whole policy, verdicts alone": ("verdicts", WHOLE),
        "audit of the whole policy, everything": ("everything", WHOLE),
    }
    yield f"## Audit of {plans:,} plans"
    found = runs(jobs, data, rounds)
    yield compared(found, plans, KNOWN)
    yield spent_table(found)


KNOWN = "DuckDB query written by hand"


def compared(found: Mapping[str, Result], plans: int, known: str) -> str:
    """Return results as a table, with the ratio to one of them.

    On a machine that others use too, seconds of processors say more than those of the clock; they hold all
    that the process did, its start among it.
    """
    rows = []
    for name, result in found.items():
        if not result.seconds:
            rows.append((name, "0", f"failed: {result.failed}", *[""] * 6))
            continue
        took, used = result.median, median(result.cpu)
        theirs = found[known]
        ratios = (took / theirs.median, used / median(theirs.cpu)) if theirs.seconds else ()
        rows.append(
            (
                name,
                str(len(result.seconds)),
                f"{took:.1f}",
                f"{min(result.seconds):.1f} to {max(result.seconds):.1f}",
                f"{used:.1f}",
                f"{plans / took:,.0f}",
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{result.peak_mib:,.0f}",
            )
        )
    by = f"× {known}"
    head = ("work", "n", "median, s", "runs, s", "processors, s", "plans/s", by, f"{by}, processors")
    return table((*head, "peak, MiB"), rows)


PARTS = ("facts", "verdicts", "findings", "gaps")


def spent_table(found: Mapping[str, Result]) -> str:
    """Return where the time is spent, in seconds; the rest is what is read, checked and written."""
    rows = []
    for name, result in found.items():
        if result.seconds:
            parts = [result.part(part) for part in PARTS]
            rest = result.median - sum(parts)
            rows.append((name, *(f"{seconds:.1f}" for seconds in [*parts, rest])))
    return table(("where the time goes, s", *PARTS, "input checked, output written"), rows)


def growth(folder: Path, *, sizes: tuple[int, ...]) -> Iterator[str]:
    """Yield what the audit costs as the population grows."""
    yield "## Growth: audit of the whole policy, everything"
    rows = []
    first = 0.0
    for plans in sizes:
        data = workload(folder, plans)
        result = Result()
        run(("everything", WHOLE), data, result)
        shutil.rmtree(data)
        if result.failed:
            rows.append((f"{plans:,}", f"failed: {result.failed}", "", "", ""))
            continue
        each = result.median / plans
        first = first or each
        said = (f"{result.median:.1f}", f"{1 / each:,.0f}", f"{each / first:.2f}", f"{result.peak_mib:,.0f}")
        rows.append((f"{plans:,}", *said))
    yield table(("plans", "s", "plans/s", f"time a plan × that of {sizes[0]:,}", "peak, MiB"), rows)


def vectorised(folder: Path, *, plans: int, rounds: int) -> str:
    """Return what engines that judge whole columns need for the part that all are given."""
    data = workload(folder, plans)
    same = str(only(folder / "core", RULES))
    jobs = {
        "audit, verdicts alone": ("verdicts", same),
        "NumPy": ("numpy", WHOLE),
        "OpenFisca-core": ("openfisca", WHOLE),
    }
    return compared(runs(jobs, data, rounds), plans, "audit, verdicts alone")
