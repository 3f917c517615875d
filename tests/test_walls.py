"""The engine's walls: imports go downward, and job planning stays in the data."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "engine" / "jobplan"

MAY_SPEAK = {"planning", "cli", "service"}
LINT = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports(no_cache=True, no_logo=True))"


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root / "engine")}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_import_walls_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """A package with every module that the walls name, all of them empty."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    package = tmp_path / "engine" / "jobplan"
    package.mkdir(parents=True)
    for name in ["__init__", *re.findall(r"\w+", " ".join(layers))]:
        (package / f"{name}.py").touch()
    return tmp_path


def test_empty_modules_break_no_wall(hollow: Path) -> None:
    result = lint_imports(hollow)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("errors", "import jobplan.source"),
        ("model", "def late(): from jobplan.cli import main"),
        ("expression", "import jobplan.backends"),
        ("evaluate", "import jobplan.planning"),
        ("a_module_in_no_row", ""),
        ("evaluate", "import durable_rules_engine"),
        ("reports", "import click"),
        ("facts", "import urllib.request"),
    ],
)
def test_planted_import_breaks_a_wall(hollow: Path, module: str, line: str) -> None:
    (hollow / "engine" / "jobplan" / f"{module}.py").write_text(line + "\n", encoding="utf-8")
    result = lint_imports(hollow)
    assert result.returncode == 1, result.stdout + result.stderr
    assert module in result.stdout


# In the singular; a plural counts too. `session` alone is a word of computing; `plan`, `nation` and
# `contract` are the engine's own.
WORDS = """
    academic activity anr appraisal attendance bma clinic clinical clinician consultant dcc deanery doctor
    england gateway hospital locum mediation nhs oncall pa patient pensionable physician premium revalidation
    rota salary scotland scottish sas spa specialist specialty supplement surgeon surgery tariff tcs theatre
    trainee trust wales ward welsh
"""
PHRASES = """
    acting up; annual leave; direct clinical care; fee paying; hot week; job plan; job planning;
    northern ireland; northern irish; on call; plain time; private practice; prospective cover; study leave;
    session a week; session of work; session per week; sessions a week; sessions of work; sessions per week;
    supporting professional; waiting list
"""
TERMS = [*WORDS.split(), *PHRASES.split(";")]

# `onCall`, `on_call`, `ON_CALL` and `on-call` are all two parts; `PAs` is one.
PART = re.compile(r"[A-Z]{2,}s(?![A-Za-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
BETWEEN_PARTS = re.compile(r"[\s_#-]*")


def forms(term: str) -> set[tuple[str, ...]]:
    """Return the parts of a term, in the singular and in the plural."""
    *head, last = term.split()
    plural = last[:-1] + "ies" if last.endswith("y") else last + "s"
    return {(*head, last), (*head, plural)}


ALL_FORMS = set[tuple[str, ...]]().union(*map(forms, TERMS))
LONGEST = max(map(len, ALL_FORMS))


def domain_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and spelling of each word or phrase of job planning, wherever it stands in the text."""
    parts = list(PART.finditer(text))
    for first in range(len(parts)):
        for last in range(first, min(first + LONGEST, len(parts))):
            if last > first and not BETWEEN_PARTS.fullmatch(text, parts[last - 1].end(), parts[last].start()):
                break
            if tuple(part[0].lower() for part in parts[first : last + 1]) in ALL_FORMS:
                start, end = parts[first].start(), parts[last].end()
                yield text.count("\n", 0, start) + 1, text[start:end]


def complaints(package: Path) -> list[str]:
    """Search names and contents of a package's files; one line a word found: file, line, word."""
    found = []
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package)
        if path.is_dir() or path.suffix == ".pyc" or inside.parts[0].removesuffix(".py") in MAY_SPEAK:
            continue
        found += [f"{inside}: {word!r} in its name" for _, word in domain_words(inside.as_posix())]
        text = path.read_text(encoding="utf-8")
        found += [f"{inside}:{line}: {word!r}" for line, word in domain_words(text)]
    return found


def test_engine_holds_no_word_of_job_planning() -> None:
    found = complaints(PACKAGE)
    assert not found, "\n".join(["it belongs in policies/ or schemas/:", *found])


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ("on_call = 1", "on_call"),
        ("class OnCallRota: ...", "OnCall"),
        ("premium_hours = 2", "premium"),
        ("text = 'the Trust pays'", "Trust"),
        ("# half of all PAs", "PAs"),
        ("SPA_MINIMUM = 1", "SPA"),
        ("'''Of two clinics.'''", "clinics"),
        ("rows = plan['activities']", "activities"),
        ('"""A doctor\'s job\nplan."""', "job\nplan"),
        ("f'{x} in Northern  Ireland'", "Northern  Ireland"),
        ("week = sessions_per_week", "sessions_per_week"),
    ],
)
def test_planted_word_is_found(tmp_path: Path, planted: str, word: str) -> None:
    copy = tmp_path / "jobplan"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "planted.py").write_text(f"\n{planted}\n", encoding="utf-8")
    assert f"planted.py:2: {word!r}" in complaints(copy)


def test_word_in_a_file_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "on_call.py").touch()
    assert complaints(tmp_path) == ["on_call.py: 'on_call' in its name"]


@pytest.mark.parametrize("folder", sorted(MAY_SPEAK))
def test_word_is_free_beyond_the_wall(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "diary.py").write_text("clinic = 'theatre'\n", encoding="utf-8")
    assert complaints(tmp_path) == []


@pytest.mark.parametrize(
    "innocent",
    [
        "from jobplan.session import Session",
        "span = path.parent",
        "spans = pass_",
        "the plan of a nation",
        "Spark entrusted it to a parser",
        "trace the call on demand",
        "a job, planned",
        "one job. Plan two",
    ],
)
def test_words_of_computing_are_no_words_of_job_planning(innocent: str) -> None:
    assert list(domain_words(innocent)) == []
