"""The library: what `from jobplan import …` gives; that nothing is shared, changed or reached for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from tiny import DAY, finding, plan, policies, report, verdicts, write, write_policies

import jobplan
from jobplan import (
    BrokenInput,
    BrokenPlan,
    BrokenPolicy,
    Evaluator,
    Finding,
    JobplanError,
    Policies,
    Problem,
    Report,
    check,
    load_policies,
)
from jobplan.backends.judging import default_engine
from jobplan.reports.json import report_data
from jobplan.source import read_document

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "made-up-evening-clinic.yaml"
TOPIC = {
    "parameters": {"most": {"unit": "h", "values": [{"from": "2000-01-01", "value": 4}]}},
    "measures": {"total": {"sum": "hours_each", "of": "activity", "unit": "h"}},
    "rules": [
        {"id": "row", "for_each": "activity", "requires": "hours_each <= most", "message": "{hours_each} h"},
        {"id": "all", "for_each": "plan", "requires": "total <= most", "message": "{total} h of {most}"},
    ],
}
LONG = plan(activity=[{"id": "a", "hours_each": 5}, {"id": "b", "hours_each": 3}])


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return policies(tmp_path_factory.mktemp("terms"), TOPIC)


def all_data(found: Report) -> dict[str, Any]:
    data = report_data(found)
    return {key: value for key, value in data.items() if key != "engine"}


# --- the public face -----------------------------------------------------------------------------


def test_about_ten_names_are_public_and_documented() -> None:
    assert jobplan.__all__ == sorted(jobplan.__all__)
    assert len(jobplan.__all__) <= 14
    for name in jobplan.__all__:
        value = getattr(jobplan, name)
        assert name == "__version__" or value.__doc__
    assert set(jobplan.__all__) <= set(dir(jobplan))


def test_what_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        getattr(jobplan, "chekc")  # noqa: B009 — a name that mypy would refuse


def test_every_error_is_a_jobplan_error_with_problems() -> None:
    assert {BrokenInput, BrokenPlan, BrokenPolicy} <= set(JobplanError.__subclasses__())
    with pytest.raises(JobplanError) as broken:
        check({"version": 1, "id": "p"}, policies=load_policies())
    assert broken.value.problems
    assert all(isinstance(problem, Problem) for problem in broken.value.problems)


def test_the_shipped_policies_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBPLAN_POLICIES", raising=False)
    assert "england/consultant-2003" in load_policies().names()
    found = check(EXAMPLE, today=DAY)
    assert found.policy == "england/consultant-2003"
    assert found.findings


def test_a_folder_is_taken_before_the_environment_and_that_before_the_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write_policies(tmp_path / "mine", TOPIC)
    monkeypatch.setenv("JOBPLAN_POLICIES", str(mine))
    assert load_policies().names() == ["england/tiny"]
    other = write_policies(tmp_path / "other", TOPIC)
    assert load_policies(other).folder == other
    assert load_policies(str(other)).names() == ["england/tiny"]


def test_a_folder_without_policies_is_told_of(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not-there"):
        with pytest.raises(BrokenPolicy, match="no policies in"):
            check(LONG, policies=load_policies(folder))


def test_a_broken_policy_is_told_of_when_it_is_asked_for(tmp_path: Path) -> None:
    broken = {"rules": [{"id": "row", "for_each": "activity", "requires": "hours_eech <= 4"}]}
    loaded = policies(tmp_path, broken)
    for _ in range(2):
        with pytest.raises(BrokenPolicy, match="hours_eech"):
            check(LONG, policies=loaded)


# --- what may be checked -------------------------------------------------------------------------


def test_a_mapping_a_path_and_a_document_give_the_same(terms: Policies, tmp_path: Path) -> None:
    path = write(tmp_path / "plan.json", LONG)
    sources: list[Any] = [LONG, path, str(path), read_document(str(path)), dict(LONG)]
    found = [report(terms, source) for source in sources]
    assert len({item.digest for item in found}) == 1
    assert len({tuple(f.key for f in item.findings) for item in found}) == 1
    assert [item.file for item in found] == ["", str(path), str(path), str(path), ""]
    assert len({item.measures for item in found}) == 1


def test_yaml_and_json_of_one_plan_give_the_same(terms: Policies, tmp_path: Path) -> None:
    written = tmp_path / "plan.yaml"
    written.write_text(
        "version: 1\nid: p\nnation: england\ncontract: tiny\nfrom_on: 2024-06-01\n"
        "activity:\n  - {id: a, hours_each: 5}\n  - {id: b, hours_each: 3}\n",
        encoding="utf-8",
    )
    first, second = report(terms, written), report(terms, LONG)
    assert first.digest == second.digest
    assert [f.message for f in first.findings] == [f.message for f in second.findings]


def test_the_digest_knows_no_order_of_keys(terms: Policies) -> None:
    turned = dict(reversed(LONG.items()))
    assert report(terms, turned).digest == report(terms, LONG).digest
    assert report(terms, {**LONG, "doctor": "x"}).digest != report(terms, LONG).digest


@pytest.mark.parametrize(
    "data",
    [
        {**LONG, "contracted_units": float("nan")},
        {**LONG, "contracted_units": float("inf")},
        {**LONG, "extensions": {"a": {1, 2}}},
        {**LONG, "extensions": {"a": object()}},
    ],
)
def test_what_json_cannot_hold_is_refused(terms: Policies, data: Any) -> None:
    with pytest.raises(BrokenPlan):
        report(terms, data)


@pytest.mark.parametrize("path", ["no-such-plan.yaml", ".", ""])
def test_a_path_that_cannot_be_read_is_a_broken_plan(
    terms: Policies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BrokenPlan):
        report(terms, path)


@pytest.mark.parametrize("day", ["yesterday", "2024-02-30", "01/06/2024"])
def test_a_day_that_is_none_is_refused(terms: Policies, day: str) -> None:
    with pytest.raises(ValueError, match=r"day|format|month"):
        check(LONG, policies=terms, as_of=day)
    with pytest.raises(ValueError, match=r"day|format|month"):
        check(LONG, policies=terms, today=day)


def test_the_report_has_findings_verdicts_and_measures(terms: Policies) -> None:
    found = report(terms, LONG)
    assert isinstance(found, Report)
    assert all(isinstance(item, Finding) for item in found.findings)
    assert verdicts(found) == {"row": "violated", "all": "violated"}
    assert finding(found, "all").message.text == "8 h of 4"
    assert [(item.name, item.value, item.unit) for item in found.measures] == [("total", 8.0, "h")]
    json.dumps(report_data(found))


def test_extensions_are_carried_through_untouched(terms: Policies) -> None:
    extensions = {"ours": {"list": [1, {"deep": None}], "text": "<b>"}}
    found = report(terms, {**LONG, "extensions": extensions})
    assert found.extensions == extensions
    assert report_data(found)["extensions"] == extensions


# --- nothing is changed --------------------------------------------------------------------------


class Frozen(dict[str, Any]):
    """A mapping that lets nobody change it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the plan is changed")

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = _refuse  # type: ignore[assignment]


def frozen(data: Any) -> Any:
    if isinstance(data, Mapping):
        return Frozen({key: frozen(value) for key, value in data.items()})
    return [frozen(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize("engine", ["reference", None])
def test_the_plan_is_not_changed(terms: Policies, engine: str | None) -> None:
    data = {**LONG, "assumptions": [{"fact": "activity.place", "value": "x", "why": "y"}]}
    before = deepcopy(data)
    judge = Evaluator(terms, engine)
    first = check(frozen(data), evaluator=judge, today=DAY)
    assert check(data, evaluator=judge, today=DAY).findings == first.findings
    assert data == before


def test_a_plan_that_was_read_can_be_judged_again(terms: Policies) -> None:
    judge = Evaluator(terms, "reference")
    read = judge.read(LONG)
    again = [judge.report(judge.judge(read, today=1)) for _ in range(3)]
    later = judge.report(judge.judge(read, as_of=740_000, today=1))
    assert again[0] == again[1] == again[2]
    assert later.findings == again[0].findings
    assert not any("total" in row for relation in read.relations.values() for row in relation.rows)


# --- nothing is shared ---------------------------------------------------------------------------


def limited(folder: Path, most: float) -> Policies:
    topic = deepcopy(TOPIC)
    topic["parameters"]["most"]["values"][0]["value"] = most
    return policies(folder, topic)


def test_two_folders_at_once_do_not_meet(tmp_path: Path) -> None:
    short, long = limited(tmp_path / "a", 4), limited(tmp_path / "b", 9)
    judges = [Evaluator(short, "reference"), Evaluator(long, "reference")]
    for _ in range(3):
        texts = [verdicts(check(LONG, evaluator=judge, today=DAY)) for judge in judges]
        assert texts == [{"row": "violated", "all": "violated"}, {"row": "satisfied", "all": "satisfied"}]
    digests = {check(LONG, evaluator=judge, today=DAY).policy_digest for judge in judges}
    assert len(digests) == 2


def test_a_folder_that_changed_is_read_by_the_next_load(tmp_path: Path) -> None:
    first = limited(tmp_path, 4)
    assert verdicts(report(first, LONG))["all"] == "violated"
    second = limited(tmp_path, 9)
    assert verdicts(report(first, LONG))["all"] == "violated"
    assert verdicts(report(second, LONG))["all"] == "satisfied"


@pytest.mark.parametrize("engine", ["reference", default_engine()])
def test_many_threads_share_one_evaluator(terms: Policies, engine: str) -> None:
    judge, start = Evaluator(terms, engine), Barrier(8)
    plans = [
        plan(id=f"p{n}", from_on=f"20{10 + n % 8}-06-01", activity=[{"id": "a", "hours_each": n % 7}])
        for n in range(64)
    ]
    alone = [all_data(check(data, policies=terms, today=DAY)) for data in plans]

    def work(first: int) -> list[dict[str, Any]]:
        start.wait()
        return [all_data(check(data, evaluator=judge, today=DAY)) for data in plans[first::8]]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    for first in range(8):
        assert found[first] == alone[first::8]


def test_threads_that_are_first_to_ask_read_a_policy_once(tmp_path: Path) -> None:
    judge, start = Evaluator(policies(tmp_path, TOPIC), "reference"), Barrier(8)

    def work(_: int) -> Report:
        start.wait()
        return check(LONG, evaluator=judge, today=DAY)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert all(item == found[0] for item in found)


def test_the_surroundings_are_left_as_they_are(terms: Policies, tmp_path: Path) -> None:
    before = dict(os.environ), Path.cwd(), sys.getrecursionlimit(), sorted(tmp_path.iterdir())
    report(terms, LONG)
    assert (dict(os.environ), Path.cwd(), sys.getrecursionlimit(), sorted(tmp_path.iterdir())) == before


# --- nothing is reached for ----------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network is reached for")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("engine", ["reference", default_engine()])
def test_no_network_is_needed(engine: str) -> None:
    judge = Evaluator(load_policies(ROOT / "policies"), engine)
    found = check(EXAMPLE, evaluator=judge, today=DAY)
    assert found.findings
    assert any(citation.authority for item in found.findings for citation in item.citations)


def test_nothing_is_printed(terms: Policies, capfd: pytest.CaptureFixture[str]) -> None:
    report(terms, LONG)
    check(LONG, policies=terms, today=DAY)
    assert capfd.readouterr() == ("", "")


def test_importing_reads_no_file_of_policies_and_starts_nothing() -> None:
    code = (
        "import sys, threading, jobplan;"
        "assert threading.active_count() == 1;"
        "assert not [name for name in sys.modules if name in ('click', 'rich', 'sqlglot', 'yaml', 'socket')];"
        "from jobplan import check, load_policies;"
        "load_policies('/no/such/folder')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_the_hash_seed_changes_nothing() -> None:
    code = (
        "import json, sys; from jobplan import *; from jobplan.reports.json import report_data;"
        f"r = check({str(EXAMPLE)!r}, evaluator=Evaluator(load_policies(), 'reference'), today='2025-10-15');"
        "sys.stdout.write(json.dumps(report_data(r)))"
    )
    outputs = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
        outputs.add(done.stdout)
    assert len(outputs) == 1
