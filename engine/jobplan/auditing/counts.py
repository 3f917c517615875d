"""What goes in and what comes out of a run, counted; it has to add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobplan.auditing.layout import VERDICTS
from jobplan.extras import library
from jobplan.model import SEVERITIES

if TYPE_CHECKING:
    import pyarrow


@dataclass(slots=True)
class Counts:
    """Plans and rows read and judged, verdicts by kind, findings by severity; `failing`: not waived."""

    plans_read: int = 0
    plans_judged: int = 0
    rows_read: Counter[str] = field(default_factory=Counter)
    rows_judged: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    failing: Counter[str] = field(default_factory=Counter)
    defects: int = 0

    def read(self, plans: int, kept: int, rows: Mapping[str, Any]) -> None:
        """Count what a chunk has read, and how much of it is left to be judged."""
        self.plans_read, self.plans_judged = plans, kept
        for relation, counts in rows.items():
            self.rows_read[relation] = counts.read
            self.rows_judged[relation] = counts.read - counts.set_aside

    def set_aside(self, relation: str, rows: int) -> None:
        """Count rows that are not judged after all."""
        self.rows_judged[relation] -= rows

    def see_verdicts(self, batch: pyarrow.RecordBatch) -> None:
        """Count the codes of a batch of verdicts."""
        numpy, arrow = library("numpy"), library("pyarrow")
        totals = numpy.zeros(len(VERDICTS), dtype=numpy.int64)
        for column in batch.columns:
            if arrow.types.is_uint8(column.type) and column.null_count < len(column):
                totals += numpy.bincount(column.to_numpy(zero_copy_only=False), minlength=len(VERDICTS))
        self.verdicts.update({name: int(total) for name, total in zip(VERDICTS, totals, strict=True)})

    def see_findings(self, batch: pyarrow.RecordBatch) -> None:
        """Count the severities of a batch of findings, and of those that no waiver lifts."""
        pc = library("pyarrow.compute")
        severities = batch.column("severity")
        open_ = pc.filter(severities, pc.is_null(batch.column("waived")))
        for counter, column in ((self.findings, severities), (self.failing, open_)):
            counter.update({pair["values"]: pair["counts"] for pair in pc.value_counts(column).to_pylist()})

    def data(self) -> dict[str, Any]:
        """Return the counts as the manifest has them."""
        return {
            "plans": split(self.plans_read, self.plans_judged),
            "rows": {
                name: split(read, self.rows_judged[name]) for name, read in sorted(self.rows_read.items())
            },
            "verdicts": {name: self.verdicts[name] for name in VERDICTS},
            "findings": {name: self.findings[name] for name in SEVERITIES},
            "failing": {name: self.failing[name] for name in SEVERITIES},
            "defects": self.defects,
        }


def split(read: int, judged: int) -> dict[str, int]:
    """Return how many of what was read was judged, and how many were set aside."""
    return {"read": read, "judged": judged, "set_aside": read - judged}


def total(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add counts up, name by name."""
    found: dict[str, Any] = {}
    for one in counts:
        for name, value in one.items():
            if isinstance(value, Mapping):
                found[name] = total((found.get(name, {}), value))
            else:
                found[name] = found.get(name, 0) + value
    return found
