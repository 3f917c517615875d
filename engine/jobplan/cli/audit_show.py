"""How `jobplan audit` tells what it does and what came of it: a bar on the terminal, a table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobplan.model import SEVERITIES

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from jobplan.auditing import Progress


class Bar:
    """A progress bar on standard error; nothing where that is no terminal."""

    def __init__(self) -> None:
        self.progress: RichProgress | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            self.progress = made()
            self.progress.start()
            self.task = self.progress.add_task("reading", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self.progress is not None:
            self.progress.stop()

    def show(self, now: Progress) -> None:
        """Show how far the run has come."""
        if self.progress is not None and self.task is not None:
            self.progress.update(self.task, description=now.doing)
            if now.of is not None:
                self.progress.update(self.task, completed=now.plans, total=now.of)


def made() -> RichProgress:
    """Return a bar with rate and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Plans a second."""

        def render(self, task: Any) -> Text:
            return Text(f"{task.speed:,.0f} plans/s" if task.speed else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def summary(counts: Mapping[str, Any], out: Path) -> str:
    """Return what went in and what came out, in lines whose numbers add up."""
    return "\n".join([*lines(counts), f"written to {out}"])


def lines(counts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the counts, a line each."""
    yield split("plans", counts["plans"])
    for relation, rows in counts["rows"].items():
        if rows["read"]:
            yield split(f"rows of {relation}", rows)
    verdicts = {name: count for name, count in counts["verdicts"].items() if count}
    yield parted("verdicts", verdicts)
    yield parted("findings", {name: count for name, count in counts["findings"].items() if count})
    if counts["defects"]:
        yield f"{'defects':<24} {counts['defects']:>12,}  told one by one in set_aside"


def split(what: str, counts: Mapping[str, int]) -> str:
    """Return how many were read, judged and set aside."""
    return (
        f"{what:<24} {counts['read']:>12,} = {counts['judged']:,} judged + {counts['set_aside']:,} set aside"
    )


def parted(what: str, counts: Mapping[str, int]) -> str:
    """Return a total with its parts."""
    parts = " + ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    return f"{what:<24} {sum(counts.values()):>12,}" + (f" = {parts}" if parts else "")


def fails(counts: Mapping[str, Any], fail_on: str) -> bool:
    """Tell whether a finding that no waiver lifts is at or above a severity; gaps count only if named."""
    if fail_on not in SEVERITIES:
        return False
    limit = SEVERITIES.index(fail_on)
    named = fail_on in ("gap", "open")
    counted = (name for name in SEVERITIES[: limit + 1] if named or name not in ("gap", "open"))
    return any(counts["failing"][name] for name in counted)
