"""What the benchmarks measure is what they say; how long it takes is never a test."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

duckdb = pytest.importorskip("duckdb", reason="the audit extra is not installed")
pytest.importorskip("numpy", reason="numpy is not installed")

from benchmarks import handwritten  # noqa: E402
from benchmarks.__main__ import MADE, write  # noqa: E402
from benchmarks.core.script import rule_files  # noqa: E402
from benchmarks.core.work import POLICY, RULES, Work, plain_plans, work  # noqa: E402
from benchmarks.plans import workloads  # noqa: E402
from benchmarks.population import Population, documents, write_tables  # noqa: E402
from benchmarks.rivals import Ours  # noqa: E402
from benchmarks.steps import KNOWN, TODAY, Prepared, prepare, steps  # noqa: E402
from benchmarks.subset import only, reduced  # noqa: E402
from benchmarks.zen_rules import decision  # noqa: E402
from jobplan.evaluate import Evaluator, ordinal  # noqa: E402
from jobplan.expression.editions import load_policies  # noqa: E402


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder: Path = tmp_path_factory.mktemp("policies")
    return prepare(workloads()[0], Evaluator(load_policies(reduced(folder)), "reference"))


def test_the_reduced_policy_has_about_120_rules_some_20_of_them_on_rows(prepared: Prepared) -> None:
    rules = [rule.rule.for_each for rule in prepared.program.rules]
    assert 110 <= len(rules) <= 130
    assert 15 <= sum(relation != "plan" for relation in rules) <= 35


def test_the_generated_plan_has_25_activities_and_few_gaps(prepared: Prepared) -> None:
    assert len(prepared.plan.relations["activity"].rows) == 25
    assert sum(len(unknown) for unknown in prepared.judged.unknown) <= 5


def test_every_step_can_be_repeated(prepared: Prepared) -> None:
    calls = steps(prepared)
    assert KNOWN in calls
    for call in calls.values():
        call()
        call()


@pytest.mark.parametrize("guarded", [False, True])
def test_every_rule_is_said_in_the_language_of_zen(prepared: Prepared, *, guarded: bool) -> None:
    made = decision(prepared.worked, guarded=guarded)
    assert made.unsaid == {}
    assert len(made.said) == len(prepared.program.rules)


def test_zen_gives_the_verdicts_that_we_give(prepared: Prepared) -> None:
    pytest.importorskip("zen", reason="zen-engine is not installed: make bench installs it")
    from benchmarks.peers import zen

    answers = zen(prepared, guarded=False).answers
    assert answers.total() > 400
    assert all(ours == theirs for ours, theirs in answers)


# --- many plans --------------------------------------------------------------------------------


CODES = {verdict: code for code, verdict in enumerate(handwritten.VERDICTS)}
LACKING = Population(plans=60, seed=12, completeness=0.85)


def codes_of(evaluator: Evaluator, document: dict[str, Any]) -> dict[str, int]:
    """Return the plan's one verdict on every rule, as a code."""
    judged = evaluator.judge(evaluator.read(document), today=ordinal(TODAY))
    found: dict[str, int] = {}
    for judgement in judged.judgements:
        found[judgement.rule] = max(found.get(judgement.rule, 0), CODES[judgement.verdict])
    return found


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("plans")
    write_tables(LACKING, folder)
    return folder


@pytest.fixture(scope="module")
def whole() -> Evaluator:
    return Evaluator(load_policies(), "reference")


@pytest.fixture(scope="module")
def right(whole: Evaluator) -> dict[str, dict[str, int]]:
    return {plan["id"]: codes_of(whole, plan) for plan in documents(LACKING)}


def test_the_query_written_by_hand_gives_the_verdicts_of_the_reference(
    lacking: Path, right: dict[str, dict[str, int]]
) -> None:
    connection = duckdb.connect(config={"threads": 1})
    handwritten.judge(connection, lacking, date.fromisoformat(TODAY))
    rules = handwritten.rules(connection)
    assert rules == handwritten.rules_of_query()
    assert len(rules) == 106
    counts: Counter[int] = Counter()
    for plan, *codes in connection.execute("FROM verdicts").fetchall():
        assert dict(zip(rules, codes, strict=True)) == {rule: right[plan].get(rule, 0) for rule in rules}, (
            plan
        )
        counts.update(codes)
    assert min(counts[code] for code in CODES.values()) > 50


def test_a_policy_of_named_rules_has_what_they_need_and_gives_the_same_verdicts(
    tmp_path: Path, right: dict[str, dict[str, int]]
) -> None:
    rules = handwritten.rules_of_query()
    evaluator = Evaluator(load_policies(only(tmp_path, rules)), "reference")
    checked = evaluator.policies.checked(POLICY)
    assert set(checked.rules) == set(rules)
    assert len(checked.measures) < 80
    for plan in islice(documents(LACKING), 15):
        mine = codes_of(evaluator, plan)
        assert mine == {rule: code for rule, code in right[plan["id"]].items() if rule in rules}


@pytest.fixture(scope="module")
def made(whole: Evaluator) -> Work:
    return work(whole.policies)


@pytest.mark.parametrize("engine", ["InNumPy", "InOpenFisca"])
def test_engines_that_judge_whole_columns_agree(
    engine: str, made: Work, lacking: Path, right: dict[str, dict[str, int]]
) -> None:
    if engine == "InOpenFisca":
        pytest.importorskip(
            "openfisca_core", reason="OpenFisca-core is not installed: make bench installs it"
        )
        from benchmarks.core.fisca import InOpenFisca as Engine
    else:
        from benchmarks.core.arrays import InNumPy as Engine
    from benchmarks.core.arrays import load

    found = Engine(made).judge(load(made, lacking))
    assert set(found) == set(RULES)
    for rule, codes in found.items():
        assert codes.tolist() == [plan.get(rule, 0) for plan in right.values()], rule


@pytest.mark.parametrize("engine", ["zen", "cel"])
def test_engines_that_judge_plan_by_plan_agree(
    engine: str, made: Work, right: dict[str, dict[str, int]]
) -> None:
    pytest.importorskip(engine, reason=f"{engine} is not installed: make bench installs it")
    from benchmarks.core.cel import CelInRust, InCel
    from benchmarks.core.zen import InZen

    judge = InZen(made).judge if engine == "zen" else InCel(made, CelInRust()).judge
    for plan, data in islice(plain_plans(made, LACKING), 12):
        assert judge(data) == {rule: right[plan.id].get(rule, 0) for rule in RULES}, plan.id


def test_json_rules_engine_is_given_three_rules_for_each(made: Work) -> None:
    files = dict(rule_files(made))
    rules = [*files["rules.json"]["plan"]["rules"], *files["rules.json"]["rows"]["activity"]["rules"]]
    assert len(rules) == 3 * len(RULES)
    assert "function work(p)" in files["work.mjs"]


def test_the_project_judges_the_rules_that_all_engines_are_given(
    made: Work, tmp_path: Path, right: dict[str, dict[str, int]]
) -> None:
    judge = Ours(tmp_path, "reference").judge
    for plan, _ in islice(plain_plans(made, LACKING), 20):
        assert judge(plan) == {rule: right[plan.id].get(rule, 0) for rule in RULES}, plan.id


def test_what_was_measured_takes_the_place_of_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Words\n\n{MADE}\nold figures\n", "utf-8")
    monkeypatch.setattr("benchmarks.__main__.README", readme)
    write(["new", "figures"])
    assert readme.read_text("utf-8") == f"# Words\n\n{MADE}\nnew\n\nfigures\n"
