"""SARIF: the shape that the standard asks for, and what becomes of gaps, waivers and places."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("duckdb")

from jobplan.cli.main import main
from jobplan.evaluate import Evaluator
from jobplan.reports import RENDERERS, Style
from jobplan.reports.audit_tables import audit_tables
from jobplan.reports.sarif import location, write_sarif
from tests.audit_pack import write_pack

ROOT = Path(__file__).parent.parent
PLAN = str(ROOT / "examples" / "made-up-evening-clinic.yaml")
BARE = str(ROOT / "examples" / "made-up-spreadsheet-import.yaml")
LEVELS = {"none", "note", "warning", "error"}
KINDS = {"notApplicable", "pass", "fail", "review", "open", "informational"}


def check_shape(log: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold a log to the constraints of SARIF 2.1.0 that concern what is written; return the results."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert rule.get("helpUri", "https://").startswith(("http://", "https://"))
        assert len(set(rule["properties"]["tags"])) == len(rule["properties"]["tags"])
    assert isinstance(run["invocations"][0]["executionSuccessful"], bool)
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in LEVELS
        assert result["kind"] in KINDS
        assert result["kind"] == "fail" or result["level"] == "none"  # section 3.27.10
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in result.get("locations", ()):
            physical = place["physicalLocation"]
            assert " " not in physical["artifactLocation"]["uri"]
            assert physical.get("region", {}).get("startLine", 1) >= 1
        for waiver in result.get("suppressions", ()):
            assert waiver["kind"] in ("inSource", "external")
    results: list[dict[str, Any]] = run["results"]
    return results


def rendered(plan: str, *, gaps: bool) -> list[dict[str, Any]]:
    evaluator = Evaluator(engine="reference")
    report = evaluator.report(evaluator.judge(evaluator.read(plan)))
    out = io.StringIO()
    RENDERERS["sarif"]([report], out, Style(gaps=gaps))
    return check_shape(json.loads(out.getvalue()))


def test_findings_fail_at_a_level_with_file_and_line() -> None:
    results = rendered(PLAN, gaps=False)
    assert {result["kind"] for result in results} == {"fail"}
    assert "error" in {result["level"] for result in results}
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in results if "locations" in r]
    assert any(region["startLine"] > 1 for region in regions if region)


def test_gaps_are_open_and_never_fail() -> None:
    results = [result for result in rendered(BARE, gaps=True) if result["kind"] != "fail"]
    assert {result["kind"] for result in results} <= {"open", "review"}
    assert results


def test_findings_are_no_exit_code() -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["check", PLAN, "--format", "text"]).exit_code == 1
    found = runner.invoke(main, ["check", PLAN, "--format", "sarif"])
    assert found.exit_code == 0
    check_shape(json.loads(found.stdout))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit")
    write_pack(out, 60)
    return out


def test_an_audit_has_every_finding_once(pack: Path) -> None:
    results = check_shape(json.loads(write_sarif(pack).read_text("utf-8")))
    with audit_tables(pack) as tables:
        keys = [row[0] for row in tables.rows("select key from found")]
    assert sorted(result["partialFingerprints"]["key/v1"] for result in results) == sorted(keys)
    assert all("logicalLocations" in result["locations"][0] for result in results)


def test_an_audit_that_was_cut_says_so(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    log = json.loads(write_sarif(copy, most=5).read_text("utf-8"))
    assert len(check_shape(log)) == 5
    (note,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("5 of ")
    assert note["level"] == "warning"


def test_the_same_audit_gives_the_same_bytes(pack: Path) -> None:
    assert write_sarif(pack).read_bytes() == write_sarif(pack).read_bytes()


def test_a_plan_from_standard_input_has_no_place() -> None:
    assert location("-:3:1") is None
