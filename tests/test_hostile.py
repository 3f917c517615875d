"""Files made to hurt are refused by the command itself: soon, in a few words, with the right exit code."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRAME = Path(__file__).parent / "bad" / "frame"
MIB = 1024 * 1024
DEEP = 100_000
HANG = 20.0  # seconds; a guard against hanging and no measurement: the machine may be busy
WORDS_ENOUGH = 60_000  # characters of complaint; a hundred problems with their excerpts are fewer
PLAN = "version: 1\nid: sound\nnation: england\ncontract: consultant\nfrom_on: 2024-04-01\nfull_time: true\n"

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a: &a {x: 1}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(20_000))

ANYWHERE: dict[str, tuple[str, str | bytes, str]] = {
    "alias-bomb": ("yaml", BOMB, "expected a value, found the anchor `&a`"),
    "merge-keys": ("yaml", MERGED, "found the merge key `<<`"),
    "tag": ("yaml", "a: !!python/object/apply:os.system [touch it]\n", "found the tag `!!python/object"),
    "tags": ("yaml", "a: [" + "!!python/name:os.abort x, " * 30_000 + "]", "found the tag `!!python/name"),
    "deep-lists": ("yaml", "[" * DEEP, "nested deeper than 64 levels"),
    "deep-mappings": ("yaml", "{a: " * DEEP, "nested deeper than 64 levels"),
    "deep-blocks": ("yaml", "- " * DEEP, "nested deeper than 64 levels"),
    "deep-steps": ("yaml", "".join(f"{' ' * n}a:\n" for n in range(2000)), "nested deeper than 64 levels"),
    "binary": ("yaml", random.Random(7).randbytes(MIB), "expected"),
    "zeros": ("yaml", bytes(MIB), "expected text, found a binary file"),
    "equal-keys": ("yaml", "id: 1\n" * 200_000, "the key `id` is given twice"),
    "too-large": ("yaml", "# " + "x" * 4 * MIB, "larger than 4 MiB"),
    "many-values": ("yaml", "a: [" + "1," * (2 * MIB - 10) + "]", "more than 300000 keys and values"),
    "long-number": ("yaml", f"version: 1\nid: {'9' * MIB}\n", "expected a number within ±1e12"),
    "long-key": ("yaml", f"{'k' * 500}: 1\n? {'k' * MIB}\n: 2\n", "no field `kkk"),
    "many-unknown": ("yaml", "".join(f"k{n}: 1\n" for n in range(100_000)), "no field `k0`"),
    "open-quote": ("yaml", '"' + "x\n" * 2 * (MIB - 10), "the quote that begins here is never closed"),
}
PLANS: dict[str, tuple[str, str | bytes, str]] = {
    **ANYWHERE,
    "deep-json-lists": ("json", "[" * DEEP, "nested deeper than 64 levels"),
    "deep-json-closed": ("json", "[" * DEEP + "]" * DEEP, "nested deeper than 64 levels"),
    "deep-json-mappings": ("json", '{"a":' * DEEP + "1" + "}" * DEEP, "nested deeper than 64 levels"),
    "equal-json-keys": ("json", "{" + '"id":1,' * 200_000 + '"id":1}', "the key `id` is given twice"),
    "long-json-number": ("json", '{"version": 1, "id": 1' + "0" * MIB + "}", "a number within ±1e12"),
    "many-rows": (
        "json",
        json.dumps({"version": 1, "id": "p", "activity": [{"titel": "x"}] * 60_000}),
        "no field `titel`",
    ),
}
RULE = """rules:
  - id: hostile
    title: A rule that is made to hurt
    for_each: plan
    requires: {}
    message: "it is broken"
    force: contract
    cites:
      - authority: {{source: terms, at: "1"}}
        reading: {{source: handbook, kind: restatement, confidence: high}}
    facts: [T-1]
"""
POLICIES: dict[str, tuple[str, str | bytes, str]] = {
    **ANYWHERE,
    "long-expression": ("yaml", RULE.format("full_time" + " and full_time" * DEEP), "at most 2000"),
    "many-brackets": ("yaml", RULE.format("(" * 900 + "full_time" + ")" * 900), "more than 400 words"),
    "deep-brackets": ("yaml", RULE.format("(" * 190 + "full_time" + ")" * 190), "nested deeper than"),
    "deep-nots": ("yaml", RULE.format("not " * 450 + "full_time"), "more than 400 words and signs"),
    "deep-minus": ("yaml", RULE.format("0 < " + "- " * 350 + "contracted_units"), "nested deeper than"),
    "deep-cases": ("yaml", RULE.format("case when " * 60 + "x" + " then 1 end" * 60), "nested deeper than"),
    "many-overlaps": (
        "yaml",
        "tables:\n  t:\n    by: [n]\n    gives: x\n    rows:\n" + "      - {n: 1, x: 1}\n" * 1000,
        "rows 1 and 2 both fit n 1",
    ),
    "many-rows": (
        "yaml",
        "tables:\n  t:\n    by: [n]\n    gives: x\n    rows:\n" + "      - {n: 1, x: 1}\n" * 20_000,
        "expected at most 1000 entries, found 20000",
    ),
    "many-unknown-names": (
        "yaml",
        "measures:\n" + "".join(f"  m{n}: {{value: contracted_unit{n}}}\n" for n in range(20_000)),
        "no fact, column, measure or parameter `contracted_unit0`",
    ),
    "many-unknown-sources": (
        "yaml",
        "parameters:\n"
        + "".join(
            f"  p{n}:\n    cites: [{{authority: {{source: term{n}, at: a}}, "
            "reading: {kind: recalled, confidence: low}}]\n"
            for n in range(8_000)
        ),
        "no source `term0` in the register",
    ),
}


def run(*arguments: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run the command in a process of its own."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "jobplan", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine"), "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=HANG,
        check=False,
    )
    return done, time.perf_counter() - began


def refused(done: subprocess.CompletedProcess[str], seconds: float, code: int, words: str) -> None:
    sys.stdout.write(f"{seconds:.2f} s, {len(done.stderr)} characters\n")  # seen with pytest -rP
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert len(done.stderr) < WORDS_ENOUGH
    assert done.stdout == ""
    assert done.returncode == code


def write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with sound policies and one sound plan."""
    shutil.copytree(FRAME, tmp_path / "policies")
    write(tmp_path / "sound.yaml", PLAN)
    return tmp_path


@pytest.mark.parametrize("name", PLANS)
def test_a_hostile_plan_is_refused(name: str, folder: Path) -> None:
    kind, content, words = PLANS[name]
    write(folder / f"hostile.{kind}", content)
    done, seconds = run("check", f"hostile.{kind}", "--policies", "policies", folder=folder)
    refused(done, seconds, 3, words)
    assert not (folder / "it").exists()


@pytest.mark.parametrize("name", POLICIES)
def test_a_hostile_policy_is_refused(name: str, folder: Path) -> None:
    kind, content, words = POLICIES[name]
    write(folder / "policies" / "england" / "consultant" / f"hostile.{kind}", content)
    done, seconds = run("check", "sound.yaml", "--policies", "policies", folder=folder)
    refused(done, seconds, 2, words)
    assert not (folder / "it").exists()


@pytest.mark.parametrize(
    ("plan", "make"),
    [
        ("nowhere.yaml", lambda path: None),
        ("folder.yaml", lambda path: path.mkdir()),
        ("circle.yaml", lambda path: path.symlink_to(path)),
    ],
)
def test_what_is_no_file_is_refused(plan: str, make: Callable[[Path], None], folder: Path) -> None:
    make(folder / plan)
    done, seconds = run("check", plan, "--policies", "policies", folder=folder)
    refused(done, seconds, 3, "the file cannot be read")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file on this machine")
def test_a_file_without_end_is_refused(folder: Path) -> None:
    done, seconds = run("check", "/dev/zero", "--policies", "policies", folder=folder)
    refused(done, seconds, 3, "not a regular file")


def test_a_bad_plan_among_others_is_set_aside_and_the_rest_goes_on(folder: Path) -> None:
    """It says of which plan and why; the others are judged as if it were not there; the exit code is 3."""
    write(folder / "bomb.yaml", BOMB)
    write(folder / "slip.yaml", PLAN.replace("sound", "slip").replace("full_time", "ful_time"))
    write(folder / "elsewhere.yaml", PLAN.replace("sound", "elsewhere").replace("consultant", "registrar"))
    write(folder / "second.yaml", PLAN.replace("sound", "second"))
    plans = ["bomb.yaml", "sound.yaml", "slip.yaml", "elsewhere.yaml", "nowhere.yaml", "second.yaml"]
    policies = ("--policies", "policies", "--format", "json")
    done, _ = run("check", *plans, *policies, folder=folder)
    alone, _ = run("check", "sound.yaml", "second.yaml", *policies, folder=folder)
    assert done.returncode == 3
    assert alone.returncode in (0, 1)
    assert done.stdout == alone.stdout
    for plan, words in {
        "bomb.yaml": "expected a value, found the anchor",
        "slip.yaml": "did you mean `full_time`?",
        "elsewhere.yaml": "for which there is no policy",
        "nowhere.yaml": "the file cannot be read",
    }.items():
        assert f"{plan}: set aside\n{plan}:" in done.stderr
        assert words in done.stderr
    assert "sound.yaml" not in done.stderr
    assert "second.yaml" not in done.stderr


def test_a_broken_policy_ends_the_run_and_says_so(folder: Path) -> None:
    """Nothing can be judged by a broken policy: no report, and the code of wrong use."""
    write(folder / "policies" / "england" / "consultant" / "broken.yaml", "rules: 7\n")
    done, seconds = run("check", "sound.yaml", "sound.yaml", "--policies", "policies", folder=folder)
    refused(done, seconds, 2, "expected a list, found `7` (a number)")
