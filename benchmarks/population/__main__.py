"""Make a population of plans: python -m benchmarks.population --help."""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path

from benchmarks.population import Population, documents, write_tables


def main() -> None:
    """Read the arguments, write the plans, say how many rows there are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.population", description=__doc__)
    parser.add_argument("--plans", type=int, default=1000, help="how many plans (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same plans")
    parser.add_argument(
        "--rows", type=float, default=25.0, help="rows of a timetable, on average (default 25)"
    )
    parser.add_argument(
        "--completeness", type=float, default=0.97, help="share of the facts that are filled in"
    )
    parser.add_argument(
        "--carried", type=float, default=1.0, help="share of the facts that there are columns for"
    )
    parser.add_argument("--contract", action="append", help="nation/contract; may be given several times")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 4, 1), help="when plans begin")
    parser.add_argument("--form", choices=("parquet", "jsonl"), default="parquet", help="tables or documents")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    given = parser.parse_args()
    contracts = tuple(given.contract or ("england/consultant-2003",))
    population = Population(
        given.plans, given.seed, given.rows, given.completeness, given.carried, contracts, given.day
    )
    begin = time.perf_counter()
    said = (
        write_lines(population, given.out) if given.form == "jsonl" else write_tables(population, given.out)
    )
    seconds = time.perf_counter() - begin
    for name, rows in said.items():
        print(f"{rows:>12,} {name}")
    print(f"{given.plans / seconds:,.0f} plans a second, {seconds:.1f} s")


def write_lines(population: Population, folder: Path) -> dict[str, int]:
    """Write a plan document a line."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "plans.jsonl").open("w", encoding="utf-8") as out:
        for plan in documents(population):
            out.write(json.dumps(plan, ensure_ascii=False) + "\n")
    return {population.schema.root: population.plans}


if __name__ == "__main__":
    main()
