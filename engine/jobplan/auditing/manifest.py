"""What a run was asked for, digest by digest, and the manifest that says what came of it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobplan.auditing.settings import FORMATS, Settings
from jobplan.expression.editions import Policies
from jobplan.version import __version__

LIBRARIES = ("duckdb", "pyarrow", "sqlglot")
"""Libraries on whose version the bytes of a pack depend."""


def asked_for(settings: Settings, policies: Policies, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return all that the result of a run depends on: versions, inputs, policies and options.

    `inputs` has the SHA-256 of every file; with pseudonyms neither its name nor its digest is told.
    """
    names = settings.pseudonyms
    if names is not None:
        inputs = {names.file(file): names.of(digest) for file, digest in inputs.items()}
    return {
        "version": 1,
        "engine": {
            "name": settings.engine,
            "version": __version__,
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        "as_of": iso(settings.as_of),
        "today": iso(settings.today),
        "inputs": dict(inputs),
        "policies": folder_digests(policies.folder),
        "overlays": [folder_digests(folder) for folder in policies.overlays],
        "options": {
            "assume": [dict(item) for item in settings.assumptions],
            "chunk": settings.chunk,
            "formats": [form for form in FORMATS if settings.has(form)],
            "pseudonyms": names.mark if names is not None else None,
            "verdicts_only": settings.verdicts_only,
        },
    }


def manifest_of(
    settings: Settings,
    asked: Mapping[str, Any],
    policies: Iterable[Mapping[str, Any]],
    logic: Mapping[str, Any],
    counts: Mapping[str, Any],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return the manifest: what was asked for, the policies it was judged by, counts, digests of all files.

    `logic` has by policy and edition what `logic_of` gives.
    """
    return {
        **told_of(asked),
        "policies": [
            {
                **{key: policy[key] for key in ("id", "title", "digest", "overlays")},
                "editions": logic[policy["id"]],
            }
            for policy in policies
        ],
        "data": [] if settings.pseudonyms is not None else list(settings.data),
        "command": command(settings),
        "counts": dict(counts),
        "files": dict(files),
    }


def told_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest tells of what was asked for: of policies one digest of all their files."""
    kept = {key: value for key, value in asked.items() if key not in ("policies", "overlays")}
    overlays = [digest_of(overlay) for overlay in asked["overlays"]]
    return {**kept, "policy_digests": {"files": digest_of(asked["policies"]), "overlays": overlays}}


def command(settings: Settings) -> str:
    """Return the command line that makes the same pack again, with names for what is not to be told."""
    words = ["jobplan", "audit"]
    words += ["DATA"] if settings.pseudonyms is not None else settings.data
    words += ["--out", "DIR", "--today", str(iso(settings.today)), "--engine", settings.engine]
    words += ["--as-of", str(iso(settings.as_of))] if settings.as_of is not None else []
    words += ["--policies", settings.policies] if settings.policies else []
    words += [word for overlay in settings.overlays for word in ("--overlay", overlay)]
    for item in settings.assumptions:
        value = item["value"]
        said = str(value).lower() if isinstance(value, bool) else value
        words += ["--assume", f"{item['fact']}={said}"]
    words += ["--chunk", str(settings.chunk)]
    words += ["--format", ",".join([form for form in FORMATS if settings.has(form)] or ["parquet"])]
    words += ["--verdicts-only"] if settings.verdicts_only else []
    words += ["--pseudonymise", "KEYFILE"] if settings.pseudonyms is not None else []
    return shlex.join(words)


def folder_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every YAML file below a folder, or of the one file that it is, by name."""
    if folder.is_file():
        return {folder.name: file_digest(folder)}
    found = sorted(path for path in folder.rglob("*.yaml") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in found}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(digests: Mapping[str, str]) -> str:
    """Return one SHA-256 of many files, by name and content."""
    total = hashlib.sha256()
    for name, digest in sorted(digests.items()):
        total.update(f"{name}\0{digest}\n".encode())
    return total.hexdigest()


def iso(day: int | None) -> str | None:
    """Return an ordinal as YYYY-MM-DD."""
    return None if day is None else date.fromordinal(day).isoformat()
