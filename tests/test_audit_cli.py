"""`jobplan audit` as a command: what goes where, how it ends, and which folders it takes for data."""

from __future__ import annotations

import json
from pathlib import Path

import packs
import pytest
import tiny
from click.testing import CliRunner, Result

from jobplan.cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies, and with plans in a folder that has the name of a command."""
    folder = tmp_path_factory.mktemp("cli")
    tiny.write_policies(folder / "policies", packs.TOPIC)
    for plan in packs.plans(4):
        tiny.write(folder / "verify" / f"{plan['id']}.json", plan)
    tiny.write(folder / "good" / "good.json", tiny.plan(id="good", activity=[], contracted_units=8,
               discussed_on="2024-05-01"))  # fmt: skip
    return folder


def run(place: Path, *words: str) -> Result:
    """Run `jobplan audit` in a folder, with its policies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("JOBPLAN_POLICIES", "policies")
        return CliRunner().invoke(main, ["audit", *words])


TODAY = ("--today", packs.TODAY, "--format", "parquet")


def test_counts_are_printed_and_the_rest_is_silent(place: Path) -> None:
    ran = run(place, "./verify", "--out", "one", *TODAY)
    assert (ran.exit_code, ran.stderr) == (1, "")
    assert ran.stdout.splitlines()[0].split() == ["plans", "4", "=", "4", "judged", "+", "0", "set", "aside"]
    assert ran.stdout.splitlines()[-1] == "written to one"


def test_exit_code_tells_of_findings_and_of_what_was_set_aside(place: Path) -> None:
    assert run(place, "good", "--out", "good-pack", *TODAY).exit_code == 0
    assert run(place, "./verify", "--out", "never", *TODAY, "--fail-on", "never").exit_code == 0
    tiny.write(place / "bad" / "bad.json", tiny.plan(id="bad", contract="other"))
    assert run(place, "bad", "--out", "bad-pack", *TODAY).exit_code == 3


def test_wrong_usage_is_told(place: Path) -> None:
    ran = run(place, "good", "--out", "x", "--format", "pdf")
    assert (ran.exit_code, "no format 'pdf'" in ran.stderr) == (2, True)
    ran = run(place, "good", "--out", "policies")
    assert (ran.exit_code, "not empty" in ran.stderr) == (2, True)
    ran = run(place, "good", "--out", "x", "--pseudonymise")
    assert (ran.exit_code, "JOBPLAN_PSEUDONYM_KEY" in ran.stderr) == (2, True)


def test_pack_is_verified_and_compared(place: Path) -> None:
    assert run(place, "./verify", "--out", "first", *TODAY).exit_code == 1
    ran = run(place, "verify", "first")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "6 files, all the same")
    (place / "first" / "policies.json").write_text("{}")
    ran = run(place, "verify", "first")
    assert (ran.exit_code, ran.stdout.splitlines()[0]) == (1, "edited since it was made: policies.json")
    run(place, "./verify", "--out", "second", *TODAY, "--as-of", "2024-12-01")
    ran = run(place, "compare", "first", "second")
    assert ran.exit_code == 1
    assert "because judged by another edition" in ran.stdout
    told = json.loads(run(place, "compare", "first", "second", "--format", "json").stdout)
    assert len(told["changes"]) == sum(kind["count"] for kind in told["kinds"])
