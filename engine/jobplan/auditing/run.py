"""The run of an audit: chunk after chunk into parts, and the parts into one pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jobplan.auditing.engines import ENGINES, connect
from jobplan.auditing.journal import WORK, Journal, refuse_other
from jobplan.auditing.manifest import asked_for, told_of
from jobplan.auditing.masking import mask_files
from jobplan.auditing.pack import MANIFEST, assemble, move_pack
from jobplan.auditing.parts import PartWriter
from jobplan.auditing.settings import AuditResult, Progress, Settings
from jobplan.errors import BrokenInput, Problem
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies
from jobplan.facts.tables import Data, open_data

Watch = Callable[[Progress], None]


def run(
    settings: Settings,
    out: Path,
    policies: Policies,
    *,
    resume: bool = False,
    force: bool = False,
    watch: Watch = lambda _: None,
) -> AuditResult:
    """Judge all plans into a folder. Raises JobplanError for what cannot be opened, or not continued.

    What has been finished of a run that stopped stays in the folder, and `resume` goes on from there.
    """
    journal = Journal(out)
    check_folder(out, settings.data, journal, resume=resume, force=force)
    watch(Progress("reading"))
    evaluator = Evaluator(policies, "reference")
    paths = [Path(path) for path in settings.data]
    with open_data(paths, policies.schema, assumptions=settings.assumptions) as data:
        asked = asked_for(settings, policies, data.digest())
        if resume and journal.asked() is None and (out / MANIFEST).exists():
            return finished(journal, out, asked)
        if resume and journal.asked() is not None:
            journal.resume(asked)
        else:
            journal.begin(asked)
        if not journal.ended():
            judge_all(settings, data, evaluator, journal, watch)
            watch(Progress("putting together"))
            assemble(settings, evaluator, journal, asked, watch)
    manifest = move_pack(journal.pack, out)
    journal.remove()
    return AuditResult(out, manifest["counts"], manifest)


def finished(journal: Journal, out: Path, asked: Mapping[str, Any]) -> AuditResult:
    """Return what came of a run that had ended when it was stopped. Raises JobplanError if it is another."""
    manifest = move_pack(journal.pack, out)
    before = told_of(asked)
    refuse_other({name: manifest[name] for name in before}, before)
    journal.remove()
    return AuditResult(out, manifest["counts"], manifest)


def judge_all(settings: Settings, data: Data, evaluator: Evaluator, journal: Journal, watch: Watch) -> None:
    """Judge every chunk that is not finished yet, and write its part."""
    done, size = journal.done(), data.size()
    with connect(settings, [*data.reads, journal.folder], journal.temporary) as connection:
        connection.execute("CREATE SCHEMA audit")
        if settings.pseudonyms is not None:
            mask_files(connection, settings.pseudonyms, data.digest())
        writer = PartWriter(settings, evaluator, ENGINES[settings.engine](settings, evaluator), connection)
        for chunk in data.chunks(settings.chunk):
            watch(Progress("judging", min(chunk.number * settings.chunk, size), size))
            if chunk.number not in done:
                with journal.part(chunk.number) as folder:
                    writer.write(chunk, folder)
        watch(Progress("judging", size, size))


def check_folder(out: Path, data: Iterable[str], journal: Journal, *, resume: bool, force: bool) -> None:
    """Make the folder. Raises BrokenInput where it is in use and nobody said what to do with that."""
    folders = [Path(path) for path in data if Path(path).is_dir()]
    if inside := [path for path in folders if out.resolve().is_relative_to(path.resolve())]:
        said = f"the folder {out} lies inside the data {inside[0]}, and would be read as such"
        raise BrokenInput([Problem("inside-data", said, None, "write it elsewhere")])
    out.mkdir(parents=True, exist_ok=True)
    if force or (resume and (journal.asked() is not None or (out / MANIFEST).exists())):
        return
    if journal.asked() is not None:
        help = "go on with it by --resume, or begin anew by --force"
        raise BrokenInput([Problem("unfinished", f"{out} has a run that was stopped", None, help)])
    if any(path.name != WORK for path in out.iterdir()):
        help = "choose another, or replace the pack in it by --force"
        raise BrokenInput([Problem("not-empty", f"the folder {out} is not empty", None, help)])
