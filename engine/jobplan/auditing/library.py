"""`audit`, as programs call it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jobplan.auditing.journal import Journal
from jobplan.auditing.pseudonyms import Pseudonyms
from jobplan.auditing.run import run
from jobplan.auditing.settings import CHUNK, FORMATS, AuditResult, Format, Progress, Settings
from jobplan.data import policies_dir
from jobplan.evaluate import ordinal, present_day
from jobplan.expression.editions import Policies, load_policies


def audit(
    data: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    policies: Policies | None = None,
    as_of: str | None = None,
    today: str | None = None,
    engine: str = "auto",
    formats: Iterable[Format] = FORMATS,
    verdicts_only: bool = False,
    assumptions: Iterable[Mapping[str, Any]] = (),
    pseudonym_key: bytes | None = None,
    chunk: int = CHUNK,
    threads: int | None = None,
    memory: str = "1GB",
    resume: bool = False,
    force: bool = False,
    watch: Callable[[Progress], None] = lambda _: None,
) -> AuditResult:
    """Judge many plans (files or folders of documents, JSON lines or tables) into the folder `out`.

    `as_of` and `today` are YYYY-MM-DD. Tables are written as Parquet, and as `formats` says. `chunk` plans
    are judged at a time, in `memory`; a run that was stopped goes on with `resume`, on the day that it began,
    and `force` takes the place of an earlier pack. What is wrong with a plan sets it aside; JobplanError is
    raised for what cannot be opened.
    """
    paths = [data] if isinstance(data, str | Path) else list(data)
    chosen = policies or load_policies()
    settings = Settings(
        data=tuple(str(path) for path in paths),
        today=ordinal(today) or (resume and began_on(Path(out))) or present_day(),
        as_of=ordinal(as_of),
        engine=engine,
        formats=tuple(form for form in FORMATS if form in set(formats)),
        verdicts_only=verdicts_only,
        assumptions=tuple(assumptions),
        chunk=chunk,
        policies="" if chosen.folder == policies_dir() else str(chosen.folder),
        overlays=tuple(str(overlay) for overlay in chosen.overlays),
        pseudonyms=None if pseudonym_key is None else Pseudonyms(pseudonym_key),
        threads=threads or os.cpu_count() or 1,
        memory=memory,
    )
    return run(settings, Path(out), chosen, resume=resume, force=force, watch=watch)


def began_on(out: Path) -> int | None:
    """Return the present day of the run that was stopped in a folder, if there is one."""
    asked = Journal(out).asked()
    return None if asked is None else ordinal(asked["today"])
