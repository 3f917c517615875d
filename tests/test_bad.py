"""Every broken policy and every broken plan in `bad/` is told of by its exact message.

A policy is a few files laid into the sound one of `bad/frame`: `common/` and `overlay/` keep their names,
`nation.yaml` stands above the contract, all else in its folder. JOBPLAN_UPDATE_SNAPSHOTS=1 writes the
messages anew; read each as its author would before it is kept.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from jobplan.errors import BrokenPlan, BrokenPolicy
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies

FOLDER = Path(__file__).parent / "bad"
POLICIES = sorted(path for path in (FOLDER / "policies").iterdir() if path.is_dir())
PLANS = sorted(path for path in (FOLDER / "plans").iterdir() if path.suffix in (".yaml", ".json"))
POLICY = "england/consultant"


@pytest.fixture
def frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sound policies, with the present directory above it: places are shown relative to that."""
    shutil.copytree(FOLDER / "frame", tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    return Path("policies")


def lay(sample: Path, policies: Path) -> Path | None:
    """Lay the files of a sample into the sound policy; return the overlay, if it has one."""
    for path in sample.rglob("*.yaml"):
        below = path.relative_to(sample)
        home = {
            "common": policies / below,
            "overlay": below,
            "nation.yaml": policies / "england" / below,
        }.get(below.parts[0], policies / POLICY / below)
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, home)
    return Path("overlay") if Path("overlay").is_dir() else None


def compare(said: str, expected: Path) -> None:
    if os.environ.get("JOBPLAN_UPDATE_SNAPSHOTS") == "1":
        expected.write_text(f"{said}\n", encoding="utf-8")
    assert f"{said}\n" == expected.read_text(encoding="utf-8")


def test_the_frame_itself_is_sound(frame: Path) -> None:
    assert Policies(frame).checked(POLICY).rules


@pytest.mark.parametrize("sample", POLICIES, ids=lambda path: path.name)
def test_a_broken_policy_is_told_of_in_these_words(sample: Path, frame: Path) -> None:
    overlay = lay(sample, frame)
    with pytest.raises(BrokenPolicy) as broken:
        Policies(frame, [overlay] if overlay else []).checked(POLICY)
    compare(str(broken.value), sample / "expected.txt")


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.name)
def test_a_broken_plan_is_told_of_in_these_words(plan: Path, frame: Path) -> None:
    shutil.copy(plan, plan.name)
    evaluator = Evaluator(Policies(frame))
    with pytest.raises(BrokenPlan) as broken:
        evaluator.judge(evaluator.read(plan.name))
    compare(str(broken.value), plan.with_suffix(".expected"))
