"""json-rules-engine on Node; the package is installed into a folder of the user's cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.core.script import HERE, rule_files
from benchmarks.core.work import Work

PACKAGE = "json-rules-engine@7"
SECONDS = 900


class NotThereError(Exception):
    """Something that is measured cannot be had here; says what."""


def installed() -> Path:
    """Return the folder in which the package is, installing it where it is not. Raises NotThereError."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotThereError("Node is not installed")
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jobplan-bench" / "node"
    if not (folder / "node_modules" / "json-rules-engine").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise NotThereError(f"npm could not install {PACKAGE}")
    return folder


def run(made: Work, plans: Iterable[dict[str, Any]], *, rounds: int, each: int) -> dict[str, Any]:
    """Return milliseconds a plan, singly and in bulk, and the codes of every plan by rule."""
    folder = installed()
    for name, content in rule_files(made):
        (folder / name).write_text(content if name.endswith(".mjs") else json.dumps(content), "utf-8")
    (folder / "plans.jsonl").write_text("".join(json.dumps(plan) + "\n" for plan in plans), "utf-8")
    shutil.copyfile(HERE / "json_rules.mjs", folder / "json_rules.mjs")
    command = ["node", "json_rules.mjs", str(rounds), str(each)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise NotThereError(f"Node ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers
