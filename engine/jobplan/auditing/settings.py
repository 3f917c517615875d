"""What an audit is asked for: all that its result depends on, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from jobplan.auditing.pseudonyms import Pseudonyms

Format = Literal["csv", "xlsx", "html", "sarif", "junit"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""What is written beside the Parquet tables, which every pack has."""

CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked for; days are ordinals, and `today` is always said.

    `threads` and `memory` change nothing in the result. `verdicts_only` leaves findings and measures out.
    """

    data: tuple[str, ...]
    today: int
    as_of: int | None = None
    engine: str = "auto"
    formats: tuple[Format, ...] = FORMATS
    verdicts_only: bool = False
    assumptions: tuple[Mapping[str, Any], ...] = ()
    chunk: int = CHUNK
    policies: str = ""
    overlays: tuple[str, ...] = ()
    pseudonyms: Pseudonyms | None = None
    threads: int = 2
    memory: str = "1GB"

    def has(self, form: Format) -> bool:
        """Tell whether a format is asked for."""
        return form in self.formats


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; `of` is None where nobody knows how many plans there are."""

    doing: str
    plans: int = 0
    of: int | None = None


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit has counted, and where it lies.

    `counts` has `plans` and `rows` read, judged and set aside, `verdicts`, `findings` by severity, and
    `failing`: findings by severity that no waiver lifts.
    """

    out: Path
    counts: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def files(self) -> tuple[Path, ...]:
        """Return every file of the pack but the manifest."""
        return tuple(self.out / name for name in self.manifest["files"])
