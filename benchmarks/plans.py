"""The plans that are measured: invented ones of the examples, a published advert, a generated one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobplan.source import read_document

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

PARTS = {
    "monday-clinic": 3,
    "monday-theatre": 2,
    "tuesday-theatre-am": 2,
    "tuesday-theatre-pm": 2,
    "wednesday-cpd": 2,
    "wednesday-clinic": 2,
    "thursday-endoscopy": 3,
    "friday-spa": 2,
    "friday-mdt": 2,
    "friday-extra": 2,
}
"""Into how many rows the generated plan parts a row of the tidy one: 13 rows become 25."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A plan as data, by which day's edition it is judged, and what it is."""

    name: str
    data: Mapping[str, Any]
    as_of: str | None
    path: Path | None


def workloads() -> list[Workload]:
    """Return the plans in the order in which they are reported."""
    tidy = example("made-up-tidy")
    return [
        Workload("generated, 25 activities", in_more_rows(tidy.data), None, None),
        tidy,
        example("made-up-evening-clinic"),
        example("eng-cons-01-colchester-obstetrics", as_of="2024-06-01"),
    ]


def example(name: str, as_of: str | None = None) -> Workload:
    """Return a plan of the examples."""
    path = EXAMPLES / f"{name}.yaml"
    return Workload(name, read_document(str(path)).data, as_of, path)


def in_more_rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan whose longer activities stand in several rows, with the same totals."""
    plan = deepcopy(dict(data))
    plan["id"] = "generated-25"
    plan["activity"] = [part for row in plan["activity"] for part in parted(row)]
    return plan


def parted(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row in parts that follow each other; the first keeps its id."""
    count = PARTS.get(row["id"], 1)
    starts, ends = minutes(row["starts"]), minutes(row["ends"])
    edges = [starts + (ends - starts) * part // count // 5 * 5 for part in range(count)] + [ends]
    for part in range(count):
        share = (edges[part + 1] - edges[part]) / (ends - starts)
        yield {
            **row,
            "id": row["id"] if part == 0 else f"{row['id']}-{part + 1}",
            "starts": clock(edges[part]),
            "ends": clock(edges[part + 1]),
            "claimed_units": round(row["claimed_units"] * share, 4),
        }


def minutes(written: str) -> int:
    """Return a time of day as minutes from midnight."""
    return int(written[:2]) * 60 + int(written[3:])


def clock(minute: int) -> str:
    """Return minutes from midnight as a time of day."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
