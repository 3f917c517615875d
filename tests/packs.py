"""A small policy with two editions, plans of every sort for it, and packs made of them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import tiny

from jobplan.auditing import AuditResult, audit
from jobplan.expression.editions import Policies

TODAY = "2025-06-01"
NAME = "england-tiny"
TOPIC: dict[str, Any] = {
    "parameters": {
        "most": {
            "title": "Most hours",
            "unit": "h",
            "values": [{"from": "2000-01-01", "value": 4}, {"from": "2024-09-01", "value": 6}],
        },
    },
    "measures": {"total": {"sum": "hours_each", "of": "activity", "unit": "h", "title": "All hours"}},
    "rules": [
        {"id": "row-short", "for_each": "activity", "requires": "hours_each <= most",
         "waivable": "by_local_agreement",
         "message": "{title} has {hours_each} h"},
        {"id": "all-short", "for_each": "plan", "requires": "total <= 2 * most",
         "message": "{doctor} has {total} h of {most}"},
        {"id": "discussed", "for_each": "plan", "force": "recommendation",
         "requires": "recorded(discussed_on)"},
        {"id": "late-rule", "for_each": "plan", "in_force": {"from": "2024-09-01"},
         "requires": "contracted_units <= 10", "message": "{contracted_units} are too many"},
    ],
}  # fmt: skip


def plans(number: int) -> Iterator[dict[str, Any]]:
    """Yield plans: before and after the change of the edition, with and without facts, waivers, formulas."""
    for index in range(number):
        rows = [
            {"id": f"r{row}", "title": f"=work {row}", "hours_each": 1.5 * ((index + row) % 5)}
            for row in range(index % 4)
        ]
        if rows and index % 7 == 3:
            del rows[0]["hours_each"]
        plan = tiny.plan(
            id=f"plan-{index:03d}",
            doctor=f"Dr Whitworth-{index:03d}",
            from_on="2024-06-01" if index % 3 else "2024-10-01",
            activity=rows,
            contracted_units=8 + index % 5,
        )
        if index % 4 == 0:
            plan["discussed_on"] = "2024-05-01"
        if index % 6 == 1:
            plan["waivers"] = [{"rule": "row-short", "row": "all", "reason": "agreed in 2024",
                                "agreed_by": ["doctor", "employer"], "until": "none"}]  # fmt: skip
        yield plan


def write_plans(folder: Path, number: int) -> Path:
    """Write a folder of plans, a file each; one has no date, one no policy, one does not read."""
    for plan in plans(number):
        tiny.write(folder / f"{plan['id']}.json", plan)
    tiny.write(
        folder / "q-no-date.json", {k: v for k, v in tiny.plan(id="no-date").items() if k != "from_on"}
    )
    tiny.write(folder / "q-no-policy.json", tiny.plan(id="no-policy", contract="other"))
    tiny.write(folder / "q-typo.json", tiny.plan(id="typo", contracted_unit=11))
    return folder


def made(data: Path, out: Path, policies: Policies, **options: Any) -> AuditResult:
    """Make a pack, in small chunks."""
    chosen = {"engine": "reference", "formats": ("csv",), "chunk": 7, "threads": 1, "today": TODAY, **options}
    return audit(data, out, policies=policies, **chosen)


def digests(pack: Path) -> dict[str, str]:
    """Return every file of a folder with its SHA-256."""
    found = (path for path in sorted(pack.rglob("*")) if path.is_file())
    return {p.relative_to(pack).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def rows(pack: Path, table: str) -> list[dict[str, Any]]:
    """Return a table of a pack."""
    found: list[dict[str, Any]] = pq.read_table(pack / f"{table}.parquet").to_pylist()
    return found


def lines(pack: Path, table: str) -> list[dict[str, str]]:
    """Return a table of a pack as its CSV has it."""
    with (pack / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
