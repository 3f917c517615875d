"""Make the virtual environment that the targets of the Makefile run in.

    python tools/set_up.py VENV [EXTRA ...]

Everything that pyproject.toml asks for is installed, durable-rules last and on its own: it is C source, and
where it cannot be built the program works without it. What is left out is said on standard error and written
to VENV/left-out.
"""

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAY_FAIL = "durable-rules"
ITS_MODULE = "durable_rules_engine"


def requirements(extras: list[str]) -> tuple[list[str], list[str]]:
    """Return what must be installed and what may fail, as requirement lines.

    Raises KeyError for an extra that pyproject.toml does not have.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    waiting = list(extras)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop(0)]:
            if distribution(line) == distribution(project["name"]):  # an extra that brings others of ours
                waiting += re.split(r"[\[\],\s]+", line)[1:-1]
            else:
                lines.append(line)
    lines = list(dict.fromkeys(lines))
    may_fail = [line for line in lines if distribution(line) == MAY_FAIL]
    return [line for line in lines if line not in may_fail], may_fail


def distribution(requirement: str) -> str:
    """Return the normal form of the name that a requirement line begins with."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def set_up(folder: Path, extras: list[str]) -> str | None:
    """Make the environment in `folder` and return what was left out and why, as one sentence.

    Raises CalledProcessError where pip fails on anything that is needed.
    """
    needed, may_fail = requirements(extras)
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    subprocess.run([*pip, "-qq", *needed], check=True)
    subprocess.run([*pip, "-qq", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], check=True)
    log = folder / "durable-rules.log"
    with log.open("wb") as out:
        code = subprocess.run([*pip, *may_fail], stdout=out, stderr=out, check=False).returncode
    trial = subprocess.run([str(python), "-c", f"import {ITS_MODULE}"], capture_output=True, check=False)
    if trial.returncode == 0:
        return None
    why = f"could not be built on this machine (see {log})" if code else "cannot be built for this Python"
    return f"{MAY_FAIL} is left out: it {why}; the reference evaluator gives the verdicts"


def main(arguments: list[str]) -> int:
    """Set up, tell how it went, and return the exit code."""
    folder, extras = Path(arguments[0]), arguments[1:]
    print(f"setting up {folder} (once, about a minute) ...", file=sys.stderr)
    try:
        left_out = set_up(folder, extras)
    except subprocess.CalledProcessError:
        print(f"error: {folder} could not be set up; what failed is told above", file=sys.stderr)
        return 1
    note = folder / "left-out"
    note.unlink(missing_ok=True)
    if left_out:
        print(left_out, file=sys.stderr)
        note.write_text(left_out + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
