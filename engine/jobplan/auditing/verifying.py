"""Verify a pack: was it edited, and do the same inputs give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jobplan.auditing.journal import differences
from jobplan.auditing.manifest import file_digest
from jobplan.auditing.pack import MANIFEST
from jobplan.auditing.pseudonyms import Pseudonyms
from jobplan.auditing.run import Watch, run
from jobplan.auditing.settings import FORMATS, Settings
from jobplan.errors import BrokenInput, Problem
from jobplan.expression.editions import Policies


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a pack: files edited since it was made, and those that come out otherwise today.

    `changed` tells which inputs, policies or versions are not those of the pack.
    """

    edited: tuple[str, ...]
    differing: tuple[str, ...]
    changed: tuple[str, ...]
    files: int

    @property
    def is_same(self) -> bool:
        """Tell whether the pack is as it was made, and is made again byte for byte."""
        return not (self.edited or self.differing or self.changed)


def read_manifest(pack: Path) -> dict[str, Any]:
    """Return the manifest of a pack. Raises BrokenInput where there is none."""
    try:
        found: dict[str, Any] = json.loads((pack / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        help = "a pack is a folder that `jobplan audit` has written to its end"
        raise BrokenInput([Problem("no-pack", f"no pack in {pack}", None, help)]) from None
    return found


def edited_files(pack: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the files of a pack that are not what its manifest says."""
    return [
        name
        for name, digest in manifest["files"].items()
        if not (pack / name).is_file() or file_digest(pack / name) != digest
    ]


def verify(
    pack: str | Path,
    policies: Policies,
    *,
    data: Iterable[str] = (),
    pseudonym_key: bytes | None = None,
    threads: int = 1,
    memory: str = "1GB",
    watch: Watch = lambda _: None,
) -> Verified:
    """Make a pack again from its inputs in another folder, and compare every file.

    The inputs are read where the manifest says, or from `data`. Raises BrokenInput where there is no pack, or
    its inputs are not there.
    """
    folder = Path(pack)
    manifest = read_manifest(folder)
    names = None if pseudonym_key is None else Pseudonyms(pseudonym_key)
    settings = settings_of(manifest, policies, tuple(data), names)
    settings = replace(settings, threads=threads, memory=memory)
    edited = edited_files(folder, manifest)
    with TemporaryDirectory(prefix="jobplan-verify-") as made:
        again = run(settings, Path(made) / "pack", policies, watch=watch)
        files = {**again.manifest["files"]}
        before = manifest["files"]
        differing = [name for name in sorted({*files, *before}) if files.get(name) != before.get(name)]
        changed = differences(comparable(manifest), comparable(again.manifest))
    return Verified(tuple(edited), tuple(differing), tuple(changed), len(before))


def comparable(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of what the pack was made from."""
    return {
        key: value for key, value in manifest.items() if key not in ("files", "counts", "command", "data")
    }


def settings_of(
    manifest: Mapping[str, Any], policies: Policies, data: Sequence[str], names: Pseudonyms | None
) -> Settings:
    """Return what the pack was asked for. Raises BrokenInput where its inputs or its key are not known."""
    options = manifest["options"]
    paths = tuple(data) or tuple(manifest["data"])
    if not paths:
        help = "name them with --data"
        raise BrokenInput([Problem("no-data", "the pack does not tell where its inputs are", None, help)])
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        help = "name where they are now with --data"
        raise BrokenInput([Problem("no-data", f"no {path}", None, help) for path in missing])
    if (options["pseudonyms"] is None) != (names is None) or (names and names.mark != options["pseudonyms"]):
        said = "the pack was made with another key of pseudonyms" if names else "the pack has pseudonyms"
        raise BrokenInput([Problem("no-key", said, None, "give the key that it was made with")])
    as_of = manifest["as_of"]
    return Settings(
        data=paths,
        today=date.fromisoformat(manifest["today"]).toordinal(),
        as_of=None if as_of is None else date.fromisoformat(as_of).toordinal(),
        engine=manifest["engine"]["name"],
        formats=tuple(form for form in FORMATS if form in options["formats"]),
        verdicts_only=options["verdicts_only"],
        assumptions=tuple(options["assume"]),
        chunk=options["chunk"],
        policies=str(policies.folder),
        overlays=tuple(str(overlay) for overlay in policies.overlays),
        pseudonyms=names,
    )
