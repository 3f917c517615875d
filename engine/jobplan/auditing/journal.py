"""What a run has finished, kept on the disk so that a killed run can be continued.

The work folder holds a journal that says what the run was asked for, and a folder for each chunk that is
whole. A chunk's folder is written under another name, waited for, and renamed: it is there as a whole or not
at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobplan.errors import JobplanError, Problem

WORK = ".audit-work"
_JOURNAL, _PARTS, _NOTES, _ENDED = "journal.json", "parts", "part.json", "ended.json"
_TOLD = 8  # differences that are told one by one


class Journal:
    """The work folder of one run."""

    def __init__(self, out: Path) -> None:
        self.folder = out / WORK
        self.parts = self.folder / _PARTS
        self.temporary = self.folder / "temporary"
        self.pack = self.folder / "pack"

    def asked(self) -> Mapping[str, Any] | None:
        """Return what the run in this folder was asked for; None where there is none to continue."""
        try:
            found: Mapping[str, Any] = json.loads((self.folder / _JOURNAL).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found

    def begin(self, asked: Mapping[str, Any]) -> None:
        """Begin a run from nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.parts.mkdir(parents=True)
        self.temporary.mkdir()
        write_whole(self.folder / _JOURNAL, dump(asked))

    def resume(self, asked: Mapping[str, Any]) -> None:
        """Go on with a run. Raises JobplanError where it was asked for something else."""
        before = self.asked()
        assert before is not None, "a run is continued only where there is one"
        refuse_other(before, asked)
        for left in (self.temporary, *self.parts.glob(".*")):
            shutil.rmtree(left, ignore_errors=True)
        if not self.ended():
            shutil.rmtree(self.pack, ignore_errors=True)
        self.temporary.mkdir()

    @contextmanager
    def part(self, number: int) -> Iterator[Path]:
        """Give a folder to write a chunk into; it counts once all of it is on the disk."""
        unfinished = self.parts / f".{number:06d}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        yield unfinished
        for path in unfinished.iterdir():
            wait_for(path)
        wait_for(unfinished)
        unfinished.rename(self.parts / f"{number:06d}")
        wait_for(self.parts)

    def done(self) -> dict[int, Path]:
        """Return the folders of the chunks that are whole, in order."""
        return {int(path.name): path for path in sorted(self.parts.glob("[0-9]*"))}

    def end(self, pack: Mapping[str, Any]) -> None:
        """Note that the whole pack stands in the work folder, and may be moved."""
        write_whole(self.folder / _ENDED, dump(pack))

    def ended(self) -> bool:
        """Tell whether the whole pack was put together."""
        return (self.folder / _ENDED).exists()

    def remove(self) -> None:
        """Remove the work folder, its journal first: what is left of a removal is no run."""
        (self.folder / _JOURNAL).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def write_notes(folder: Path, notes: Mapping[str, Any]) -> None:
    """Write what is to be known of a part when the pack is put together."""
    (folder / _NOTES).write_bytes(dump(notes))


def read_notes(folder: Path) -> dict[str, Any]:
    """Return what is known of a part."""
    found: dict[str, Any] = json.loads((folder / _NOTES).read_text("utf-8"))
    return found


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say which input, option, policy or version is another one, a line each."""
    told = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            told += [f"{name}: {line}" for line in differences(old, new)]
        elif old != new:
            told.append(f"{name} is another" if _is_digest(old, new) else f"{name} was {old}, is {new}")
    return told


def refuse_other(before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that was asked for something else. Raises JobplanError, which tells what."""
    if told := differences(before, json.loads(dump(asked))):
        more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
        problems = [Problem("changed-since", words, None, None) for words in [*told[:_TOLD], *more]]
        help = "run it again with --force, which begins anew"
        said = "this is not the run that was stopped"
        raise JobplanError([Problem("cannot-resume", said, None, help), *problems])


def _is_digest(*values: Any) -> bool:
    return all(value is None or (isinstance(value, str) and len(value) == 64) for value in values)


def dump(data: Any) -> bytes:
    """Return data as JSON, always the same bytes for the same data."""
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    wait_for(path.parent)


def wait_for(path: Path) -> None:
    """Wait until a file or the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
