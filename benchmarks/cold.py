"""`jobplan check` as a whole process: from starting Python to the printed report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.plans import EXAMPLES
from benchmarks.timing import Call, Figure, figures, timed

EMPTY = "an empty Python"
TIDY = EXAMPLES / "made-up-tidy.yaml"
ADVERT = EXAMPLES / "eng-cons-01-colchester-obstetrics.yaml"


def cold(*, runs: int, reduced: Path, cache: Path) -> str:
    """Return figures of whole processes that take turns.

    Byte code is written by the first, untimed runs, as an installation does; `cache` is where.
    """
    check = ("-m", "jobplan", "check")
    commands: dict[str, Sequence[str]] = {
        EMPTY: ("-c", "pass"),
        "import sqlglot": ("-c", "import sqlglot"),
        "jobplan --version": ("-m", "jobplan", "--version"),
        "jobplan check one.yaml": (*check, str(TIDY)),
        "… as JSON": (*check, str(TIDY), "--format", "json"),
        "… by the reference evaluator": (*check, str(TIDY), "--engine", "reference"),
        "… reduced policy": (*check, str(TIDY), "--policies", str(reduced)),
        "… a published advert": (*check, str(ADVERT), "--as-of", "2024-06-01"),
        "… five plans": (*check, *[str(TIDY)] * 5),
    }
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(arguments: Sequence[str]) -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)

    calls: dict[str, Call] = {name: partial(run, arguments) for name, arguments in commands.items()}
    found: dict[str, Figure] = timed(calls, rounds=runs, each=1)
    return figures(found, known=EMPTY)
