"""An audit is killed again and again, and comes to the same end: nothing lost, double or half."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import packs
import pytest
import tiny

from jobplan.auditing.journal import WORK

ROOT = Path(__file__).resolve().parents[1]
KILLS = 20
PLANS = 3


class Desk:
    """Where a process audits the same plans again and again."""

    def __init__(self, folder: Path) -> None:
        self.data = packs.write_plans(folder / "plans", PLANS)
        self.policies = tiny.write_policies(folder / "policies", packs.TOPIC)
        self.out = folder / "pack"

    def start(self, out: Path, *options: str) -> subprocess.Popen[bytes]:
        """Start an audit that writes a part for each plan."""
        given = {
            "--out": out, "--policies": self.policies, "--today": packs.TODAY, "--engine": "reference",
            "--chunk": 1, "--format": "csv",
        }  # fmt: skip
        words = [word for option in given.items() for word in option]
        command = [sys.executable, "-m", "jobplan", "audit", self.data, *words, *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
        return subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def run(self, out: Path, *options: str) -> tuple[int, str]:
        """Run an audit to its end; return its exit code and what it told."""
        process = self.start(out, *options)
        _, told = process.communicate()
        return process.returncode, told.decode()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("kill"))


def has_no_half(out: Path) -> bool:
    """Tell whether a folder holds a whole pack, or nothing of one but the work folder."""
    if (out / "manifest.json").exists():
        return (out / "findings.parquet").exists()
    return not out.exists() or {path.name for path in out.iterdir()} <= {WORK, *MOVING}


MOVING = {
    "drawn", "findings.csv", "findings.parquet", "measures", "plans.csv", "plans.parquet", "policies.json",
    "set_aside.csv", "set_aside.parquet", "verdicts",
}  # fmt: skip
"""What a kill may leave where it hits while the pack, whole already, is moved; its manifest comes last."""


def test_killed_run_goes_on_to_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    began = time.monotonic()
    assert desk.run(tmp_path / "undisturbed")[0] == 3
    lasts = time.monotonic() - began
    wanted = packs.digests(tmp_path / "undisturbed")
    chance, kills, ends = random.Random(20), 0, 0
    while kills < KILLS:
        process = desk.start(desk.out, "--resume")
        try:
            process.wait(chance.uniform(0.15, 1.0) * lasts)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            assert has_no_half(desk.out)
        else:
            told = process.communicate()[1].decode()
            assert process.returncode == 3, told
            assert packs.digests(desk.out) == wanted
            shutil.rmtree(desk.out)
            ends += 1
    code, told = desk.run(desk.out, "--resume")
    assert code == 3, told
    assert packs.digests(desk.out) == wanted


def test_interrupted_run_says_how_to_go_on(desk: Desk, tmp_path: Path) -> None:
    process = desk.start(tmp_path / "pack")
    parts = tmp_path / "pack" / WORK / "parts"
    while process.poll() is None and not list(parts.glob("[0-9]*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1].decode()
    assert process.returncode == 130, told
    assert "--resume" in told
    assert "Traceback" not in told
    assert {path.name for path in (tmp_path / "pack").iterdir()} == {WORK}
    assert desk.run(tmp_path / "pack", "--resume")[0] == 3
    assert (tmp_path / "pack" / "manifest.json").exists()
