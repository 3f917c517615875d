"""Run the benchmarks and print Markdown, or write it into README.md: python -m benchmarks --help."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.bulk import audit, growth, vectorised
from benchmarks.cold import cold
from benchmarks.hostile import hostile
from benchmarks.peers import against_host, against_zen
from benchmarks.plans import workloads
from benchmarks.rivals import against_rivals, versions
from benchmarks.steps import KNOWN, Prepared, prepare, steps
from benchmarks.subset import reduced
from benchmarks.timing import figures, timed
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import load_policies

PARTS = ("audit", "growth", "rivals", "steps", "peers", "cold", "hostile")
README = Path(__file__).parent / "README.md"
MADE = "<!-- What follows is written by `make bench`. -->\n"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=7, help="rounds in which the steps take turns")
    parser.add_argument("--each", type=int, default=40, help="calls of a step in a round")
    parser.add_argument("--plans", type=int, default=100_000, help="plans of the audit workload")
    parser.add_argument("--many", type=int, default=200, help="plans for engines that judge one at a time")
    parser.add_argument("--audits", type=int, default=3, help="runs of each job on many plans")
    parser.add_argument("--largest", type=int, default=1_000_000, help="plans of the largest population")
    parser.add_argument("--write", action="store_true", help="write what was measured into README.md")
    parser.add_argument("--runs", type=int, default=15, help="whole processes, and readings of hostile files")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as folder:
        said = []
        for text in sections(given, Path(folder)):
            said.append(text)
            print(text, flush=True)
            print(flush=True)
    if given.write:
        write(said)


def write(said: Iterable[str]) -> None:
    """Put what was measured into README.md, under what people wrote there."""
    above, _, _ = README.read_text("utf-8").partition(MADE)
    README.write_text("\n\n".join([f"{above}{MADE}".rstrip(), *said]) + "\n", "utf-8")


def sections(given: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Yield the parts that were asked for."""
    wanted = given.parts or PARTS
    few = reduced(folder)
    yield machine()
    yield from many(given, folder, wanted)
    if "steps" in wanted or "peers" in wanted:
        for title, place in (("Reduced policy", few), ("Whole policy", None)):
            yield from one_policy(title, Evaluator(load_policies(place)), given, wanted)
    if "peers" in wanted:
        yield from own_host(given)
    if "cold" in wanted:
        yield "## Cold: the whole process"
        yield cold(runs=given.runs, reduced=few, cache=folder / "byte-code")
    if "hostile" in wanted:
        yield "## Hostile files, refused"
        yield hostile(folder, runs=max(3, given.runs // 3))


def many(given: argparse.Namespace, folder: Path, wanted: Collection[str]) -> Iterator[str]:
    """Yield what many plans cost."""
    if "audit" in wanted:
        yield from audit(folder, plans=given.plans, rounds=given.audits)
    if "growth" in wanted:
        sizes = [size for size in (10_000, 100_000, 1_000_000) if size < given.largest]
        yield from growth(folder, sizes=(*sizes, given.largest))
    if "rivals" in wanted:
        yield "## Other engines on the same columns, measures and rules"
        yield from against_rivals(folder, plans=given.many, rounds=given.rounds)
        yield "Whole columns at a time, each in a process of its own, from Parquet to verdicts:"
        yield vectorised(folder, plans=given.plans, rounds=given.audits)


def one_policy(
    title: str, evaluator: Evaluator, given: argparse.Namespace, wanted: Collection[str]
) -> Iterator[str]:
    """Yield what one policy costs on every plan."""
    for place, workload in enumerate(workloads()):
        prepared: Prepared = prepare(workload, evaluator)
        yield f"## {title}: {workload.name}"
        yield prepared.described()
        if "steps" in wanted:
            yield figures(timed(steps(prepared), rounds=given.rounds, each=given.each), known=KNOWN)
        if "peers" in wanted and place in (0, 3):
            if find_spec("zen") is None:
                yield "zen-engine is not installed: `pip install jobplan-policy[bench]`."
            else:
                yield against_zen(prepared, rounds=given.rounds, each=given.each)


def own_host(given: argparse.Namespace) -> Iterator[str]:
    """Yield what durable-rules costs through its own Host."""
    if find_spec("durable") is None:
        yield "durable-rules is not installed."
        return
    for title, few in (("reduced", True), ("whole", False)):
        yield f"## durable-rules through its own Host: {title} policy"
        yield against_host(rounds=given.rounds, each=max(5, given.each // 4), reduced=few)


def machine() -> str:
    """Say in general terms where this ran, and with what."""
    names = ("durable-rules", "sqlglot", "jsonschema-rs", "pyarrow")
    said = [f"{name} {installed(name)}" for name in names]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    day = datetime.now().astimezone().date().isoformat()
    return (
        f"{day}: {os.cpu_count()} cores, {platform.system()}, {platform.python_implementation()} "
        f"{platform.python_version()}, {', '.join(said)}, {versions()}; load when it began {load:.1f}; "
        f"`{' '.join(['python -m benchmarks', *sys.argv[1:]])}`"
    )


def installed(name: str) -> str:
    """Return the version of a distribution, or that it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
