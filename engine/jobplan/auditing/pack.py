"""Put the parts of a run together: one pack, whole or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobplan.auditing.counts import Counts, total
from jobplan.auditing.joining import join_lines, join_parquet
from jobplan.auditing.journal import Journal, dump, read_notes, wait_for, write_whole
from jobplan.auditing.layout import (
    finding_columns,
    plan_columns,
    schema_of,
    set_aside_schema,
)
from jobplan.auditing.logic import logic_of
from jobplan.auditing.manifest import file_digest, manifest_of
from jobplan.auditing.settings import FORMATS, Progress, Settings
from jobplan.auditing.writing import heading
from jobplan.evaluate import Evaluator
from jobplan.extras import library
from jobplan.reports.audit_policies import policies_data

if TYPE_CHECKING:
    import pyarrow

MANIFEST = "manifest.json"
POLICIES = "policies.json"


@dataclass(slots=True)
class Parts:
    """The tables of the parts, by the stem of the file that they make together."""

    settings: Settings
    stems: dict[str, list[Path]] = field(default_factory=dict)
    counts: list[Mapping[str, Any]] = field(default_factory=list)
    editions: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, folder: Path) -> None:
        """Add the part of a chunk."""
        notes = read_notes(folder)
        self.counts.append(notes["counts"])
        self._add("plans", folder / "plans")
        self._add("set_aside", folder / "set_aside")
        for group in notes["groups"]:
            self.editions.setdefault((group["policy"], group["edition"]), group["day"])
            name, mark = group["policy"].replace("/", "-"), group["mark"]
            for kind in ("verdicts", "measures"):
                self._add(f"{kind}/{name}", folder / f"{kind}.{mark}")
            self._add("findings", folder / f"findings.{mark}")
            for path in sorted(folder.glob(f"drawn.{mark}.*.parquet")):
                relation = path.name.removesuffix(".parquet").partition(f"{mark}.")[2]
                self._add(f"drawn/{name}.{relation}", path.with_name(path.name.removesuffix(".parquet")))

    def _add(self, stem: str, part: Path) -> None:
        if Path(f"{part}.parquet").exists():
            self.stems.setdefault(stem, []).append(part)

    def join(self, pack: Path) -> None:
        """Write every table of the pack."""
        for stem, parts in sorted(self.stems.items()):
            out = pack / stem
            out.parent.mkdir(exist_ok=True)
            join_parquet([Path(f"{part}.parquet") for part in parts], Path(f"{out}.parquet"))
            if self.settings.has("csv") and not stem.startswith("drawn/"):
                lines = [Path(f"{part}.csv") for part in parts]
                names = library("pyarrow.parquet").read_schema(f"{out}.parquet").names
                head = [name for name in names if name not in _NOT_IN_CSV]
                join_lines(heading(head), lines, Path(f"{out}.csv"))


_NOT_IN_CSV = ("reasons",)


def assemble(
    settings: Settings,
    evaluator: Evaluator,
    journal: Journal,
    asked: Mapping[str, Any],
    watch: Callable[[Progress], None],
) -> None:
    """Make the pack of the parts in the work folder, and note that it is whole."""
    shutil.rmtree(journal.pack, ignore_errors=True)
    journal.pack.mkdir()
    parts = Parts(settings)
    for folder in journal.done().values():
        parts.add(folder)
    for stem, schema in empty_tables(evaluator, settings).items():
        if stem not in parts.stems:
            write_empty(journal, stem, schema, parts)
    parts.join(journal.pack)
    about = policies_data(bases(evaluator, parts.editions), evaluator.policies.schema)
    write_whole(journal.pack / POLICIES, dump(about))
    counts = total([Counts().data(), *parts.counts])
    logic = logics(evaluator, parts.editions)
    manifest = manifest_of(settings, asked, about["policies"], logic, counts, {})
    write_whole(journal.pack / MANIFEST, dump(manifest))
    if not settings.verdicts_only:
        write_reports(settings, journal.pack, watch)
    paths = sorted(path for path in journal.pack.rglob("*") if path.is_file() and path.name != MANIFEST)
    for path in paths:
        wait_for(path)
    watch(Progress("sealing"))
    digests = {path.relative_to(journal.pack).as_posix(): file_digest(path) for path in paths}
    write_whole(journal.pack / MANIFEST, dump({**manifest, "files": digests}))
    journal.end({"files": sorted(digests)})


def empty_tables(evaluator: Evaluator, settings: Settings) -> dict[str, pyarrow.Schema]:
    """Return the tables that a pack has even if nothing was judged."""
    found = {"plans": schema_of(plan_columns(evaluator.policies.schema)), "set_aside": set_aside_schema()}
    return found if settings.verdicts_only else {**found, "findings": schema_of(finding_columns())}


def write_empty(journal: Journal, stem: str, schema: pyarrow.Schema, parts: Parts) -> None:
    """Write a part without rows."""
    part = journal.temporary / stem
    library("pyarrow.parquet").write_table(schema.empty_table(), f"{part}.parquet", compression="zstd")
    Path(f"{part}.csv").touch()
    parts.stems[stem] = [part]


def bases(evaluator: Evaluator, editions: Mapping[tuple[str, str], int]) -> dict[str, Sequence[Any]]:
    """Return by policy what is constant of each edition that judged a plan, in order of day."""
    found: dict[str, list[Any]] = {}
    for (policy, _), day in sorted(editions.items()):
        program = evaluator.policies.program(policy, day)
        found.setdefault(policy, []).append(evaluator.basis(program))
    return dict(found)


def logics(evaluator: Evaluator, editions: Mapping[tuple[str, str], int]) -> dict[str, dict[str, Any]]:
    """Return by policy and edition what its verdicts hang on."""
    found: dict[str, dict[str, Any]] = {}
    for (policy, edition), day in sorted(editions.items()):
        found.setdefault(policy, {})[edition] = logic_of(evaluator.policies.program(policy, day))
    return found


def write_reports(settings: Settings, pack: Path, watch: Callable[[Progress], None]) -> None:
    """Write the reports that are asked for from the tables of the pack."""
    for form in FORMATS:
        if form in REPORTS and settings.has(form):
            watch(Progress(f"writing {form}"))
            module, name = REPORTS[form]
            getattr(import_module(f"jobplan.reports.{module}"), name)(pack)


REPORTS: Mapping[str, tuple[str, str]] = {
    "xlsx": ("workbook", "write_workbook"),
    "html": ("html", "write_html"),
    "sarif": ("sarif", "write_sarif"),
    "junit": ("junit", "write_junit"),
}
"""By format the module of reports and the function that writes it; imported for those that are asked for."""


def move_pack(pack: Path, out: Path) -> dict[str, Any]:
    """Move a whole pack to its place, in the place of an earlier one; return its manifest.

    The manifest comes last, and that of an earlier pack goes first: a folder with one holds a whole pack. It
    can be stopped anywhere and begun again.
    """
    if (pack / MANIFEST).exists():
        remove_pack(out)
        for path in sorted(pack.iterdir(), key=lambda path: path.name == MANIFEST):
            target = out / path.name
            if path.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            path.replace(target)
            wait_for(out)
    found: dict[str, Any] = json.loads((out / MANIFEST).read_text("utf-8"))
    return found


def remove_pack(out: Path) -> None:
    """Remove the files of an earlier pack, and nothing else; its manifest goes first."""
    try:
        files = json.loads((out / MANIFEST).read_text("utf-8"))["files"]
    except (FileNotFoundError, ValueError, KeyError):
        return
    (out / MANIFEST).unlink()
    for name in files:
        path = out / name
        if path.resolve().is_relative_to(out.resolve()):
            path.unlink(missing_ok=True)
