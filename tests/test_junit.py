"""JUnit XML: a case a rule; what is violated fails, what nobody can judge is skipped."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("duckdb")

from jobplan.evaluate import Evaluator
from jobplan.findings.model import Report
from jobplan.reports import RENDERERS, Style
from jobplan.reports.audit_summary import rule_lines
from jobplan.reports.audit_tables import audit_tables
from jobplan.reports.junit import NAMED, clean, write_junit
from tests.audit_pack import write_pack

PLAN = Path(__file__).parent.parent / "examples" / "made-up-evening-clinic.yaml"


@pytest.fixture(scope="module")
def report() -> Report:
    evaluator = Evaluator(engine="reference")
    return evaluator.report(evaluator.judge(evaluator.read(str(PLAN))))


def rendered(*reports: Report) -> ElementTree.Element:
    out = io.StringIO()
    RENDERERS["junit"](list(reports), out, Style(gaps=True))
    return ElementTree.fromstring(out.getvalue())


def check_counts(root: ElementTree.Element) -> None:
    """Hold the counts of every suite, and those of all of them, to the cases."""
    for part in (root, *root.iter("testsuite")):
        cases = list(part.iter("testcase"))
        assert int(part.get("tests", "")) == len(cases)
        assert int(part.get("failures", "")) == sum(case.find("failure") is not None for case in cases)
        assert int(part.get("skipped", "")) == sum(case.find("skipped") is not None for case in cases)


def test_a_case_for_each_rule_that_may_apply(report: Report) -> None:
    root = rendered(report)
    check_counts(root)
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == [verdict.rule for verdict in report.verdicts if verdict.verdict != "not_applicable"]
    failed = {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None}
    assert failed == {finding.rule for finding in report.findings if finding.verdict == "violated"}


def test_a_failure_tells_severity_place_and_law(report: Report) -> None:
    failure = next(rendered(report).iter("failure"))
    assert failure.get("type") in ("breach", "query", "caution", "advice", "note")
    assert failure.text is not None
    assert "made-up-evening-clinic.yaml:" in failure.text
    assert "confidence" in failure.text


def test_what_is_waived_does_not_fail(report: Report) -> None:
    waived = replace(report, findings=tuple(replace(f, waived="agreed by both") for f in report.findings))
    root = rendered(waived)
    assert root.get("failures") == "0"
    assert "waived: agreed by both" in {case.get("message") for case in root.iter("skipped")}


def test_several_plans_are_several_suites(report: Report) -> None:
    root = rendered(report, report)
    assert len(root) == 2
    check_counts(root)


def test_what_xml_cannot_hold_stands_as_a_sign() -> None:
    assert clean("a\x08b\ud800c\ufffe") == "a\ufffdb\ufffdc\ufffd"


def test_an_audit_has_a_case_for_each_rule_and_counts_all_findings(tmp_path: Path) -> None:
    write_pack(tmp_path / "out", 200)
    path = write_junit(tmp_path / "out")
    before = path.read_bytes()
    root = ElementTree.fromstring(before)
    check_counts(root)
    with audit_tables(tmp_path / "out") as tables:
        lines = rule_lines(tables)
    assert [case.get("name") for case in root.iter("testcase")] == [line.rule["id"] for line in lines]
    for case, line in zip(root.iter("testcase"), lines, strict=True):
        failure = case.find("failure")
        count = line.findings - line.waived
        assert (failure is not None) == bool(count)
        if failure is not None:
            assert failure.text is not None
            assert f"violated in {line.verdicts['violated']:,} plans" in str(failure.get("message"))
            assert (f"and {count - NAMED:,} more" in failure.text) == (count > NAMED)
    assert write_junit(tmp_path / "out").read_bytes() == before
