"""The same trees in Spark: verdicts, measures and audits as the other engines give them."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import ceil, floor
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import packs
import pytest
import sql_chunk
import test_encodings as encodings
import tiny
from small import DAY, POLICY, small_policies
from strategies import PlanMaker, near

from jobplan import Evaluator, load_policies
from jobplan.backends.spark import Plan as Asked
from jobplan.backends.spark import SparkRunner, own_session
from jobplan.backends.spark_parquet import give_facts, take_answers
from jobplan.backends.spark_trees import compile_steps, written
from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.functions import SPARK
from jobplan.facts.codes import VERDICT_CODES
from jobplan.facts.document import Plan
from jobplan.findings.report import counted, overall

ENGLAND = "england/consultant-2003"
PLANS = 300
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
SESSION = {
    "spark.buffer.pageSize": "256k",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ui.retainedExecutions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

Answers = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a Spark that runs here: the existing session that the engine takes up."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("there is no Java to run Spark in")
    builder = sql.SparkSession.builder.master("local[2]").appName("tests")
    folder = str(tmp_path_factory.mktemp("spark"))
    folders = {"spark.local.dir": folder, "spark.sql.warehouse.dir": folder}
    for name, value in {**SESSION, **folders}.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that pyspark brings, not ours
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


def judged_in_spark(
    spark: Any, evaluator: Evaluator, policy: str, plans: Sequence[Plan], folder: Path, *, day: int
) -> tuple[Answers, Answers]:
    """Return the verdicts and the measures of plans, by their numbers."""
    schema = evaluator.policies.schema
    program = evaluator.policies.program(policy, day)
    with duckdb.connect() as connection:
        sql_chunk.load(connection, plans, schema, today=day, attested=program.edition.policy.attested)
        folder.mkdir()
        runner = SparkRunner(own_session(), folder)
        give_facts(connection, schema, runner)
        steps = compile_steps(program, schema, day).first  # no plan here states figures of its own
        take_answers(connection, runner.run(steps, Asked(steps, {"work verdicts", f"work {schema.root}"})))
        return rows_of(connection, "verdicts"), rows_of(connection, schema.root)


def rows_of(connection: duckdb.DuckDBPyConnection, name: str) -> Answers:
    """Return the rows of a table by the plan's number; days are ordinals."""
    found = connection.execute(f'SELECT * FROM work."{name}"')
    names = [column[0] for column in found.description]
    rows = (dict(zip(names, row, strict=True)) for row in found.fetchall())
    return {
        row.pop("P"): {k: v.toordinal() if isinstance(v, date) else v for k, v in row.items()} for row in rows
    }


def differences(
    found: tuple[Answers, Answers], evaluator: Evaluator, policy: str, plans: Sequence[Plan], day: int
) -> Iterator[str]:
    """Yield where the answers are not those of the reference."""
    verdicts, measures = found
    for number, plan in enumerate(plans):
        judged = evaluator.judge(plan, as_of=day, today=day, policy=policy)
        rules = [rule.rule.id for rule in judged.worked.program.rules]
        verdicts_of = map(overall, map(counted, judged.by_row, judged.unknown))
        codes = [VERDICT_CODES[verdict] for verdict in verdicts_of]
        yield from unlike(plan.id, dict(zip(rules, codes, strict=True)), verdicts[number])
        yield from unlike(plan.id, judged.worked.measures, measures[number])


def unlike(plan: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in wanted.items():
        if found[name] != value or isinstance(found[name], bool) != isinstance(value, bool):
            yield f"{plan}: {name} is {found[name]!r}, expected {value!r}"


# --- verdicts and measures ------------------------------------------------------------------


def test_england_in_spark_gives_what_the_reference_gives(spark: Any, tmp_path: Path) -> None:
    policies = load_policies()
    evaluator = Evaluator(policies, "reference")
    day = date(2024, 6, 1)
    fixed = {"nation": "england", "contract": "consultant-2003", "from_on": day.isoformat()}
    limits = near(policies.checked(ENGLAND).policy)
    maker = PlanMaker(
        policies.schema, Random(20031031), limits, fixed=fixed, day=day, rows_of={"claim": (0,)}
    )
    examples = [evaluator.read(path) for path in EXAMPLES]
    english = [plan for plan in examples if plan.root["nation"] == "england"]
    assert english
    plans = [*english, *map(evaluator.read, maker.plans(PLANS))]
    found = judged_in_spark(spark, evaluator, ENGLAND, plans, tmp_path / "work", day=day.toordinal())
    assert list(differences(found, evaluator, ENGLAND, plans, day.toordinal())) == []


TOGETHER = [name for name in encodings.NAMES if name[:2] not in ("11", "14")]


@pytest.mark.parametrize(
    "names", [TOGETHER, ["11-welsh-sessions"], ["14-team-plan"]], ids=["together", "sessions", "teams"]
)
def test_sixteen_encodings_in_spark_give_what_the_reference_gives(
    names: list[str], spark: Any, tmp_path: Path
) -> None:
    together = [encodings.encoded(name[:2]) for name in names]
    topics = together if len(names) > 1 else encodings.topics_of(names[0])
    schema = encodings.schema_of(names[0])
    evaluator = Evaluator(small_policies(tmp_path / "terms", schema, *topics), "reference")
    given = [case["given"] for name in names for case in encodings.cases_of(name)]
    maker = PlanMaker(schema, Random(16), near(evaluator.policies.checked(POLICY).policy))
    documents = [{**case, "id": f"case-{number}"} for number, case in enumerate(given)]
    plans = [evaluator.read(document) for document in [*documents, *maker.plans(PLANS)]]
    found = judged_in_spark(spark, evaluator, POLICY, plans, tmp_path / "work", day=DAY)
    assert list(differences(found, evaluator, POLICY, plans, DAY)) == []


# --- functions ------------------------------------------------------------------------------


NUMBERS = [0.0, 1.0, 12.5, -0.25, 123456.0, 1e6, 1.5e7, 1e-4, 2.5e-7, 738000.0, 100.0, 1 / 3, -1e21]


def test_numbers_are_written_and_rounded_as_elsewhere(spark: Any) -> None:
    x = n.column("x")
    whole = n.call("floor", x.copy())
    trees = [SPARK.short(x, 6), whole, n.call("ceil", x.copy()), n.cast(whole.copy(), SPARK.big, safe=True)]
    rows = ", ".join(f"({n.number(number).sql()})" for number in NUMBERS)
    query = f"SELECT x, {', '.join(written(tree)[0] for tree in trees)} FROM VALUES {rows} AS t(x)"
    found = [(x, short, low, high, int(long)) for x, short, low, high, long in spark.sql(query).collect()]
    assert found == [(x, f"{x:.6g}", floor(x), ceil(x), floor(x)) for x in NUMBERS]


# --- audits ---------------------------------------------------------------------------------


STATED = {
    "measures": {
        "worked": {"sum": "claimed_units", "of": "activity", "unit": "unit/week", "title": "All of it",
                   "as_stated": "contracted_units"},
    },
    "rules": [{"id": "not-more", "for_each": "plan", "requires": "worked <= 10", "message": "it is more"}],
}  # fmt: skip
"""A figure that plans state themselves, while their rows do not tell: judged once more in Spark."""


@pytest.mark.parametrize("only", [False, True], ids=["everything", "verdicts"])
def test_audit_in_spark_gives_the_files_that_duckdb_gives(spark: Any, tmp_path: Path, *, only: bool) -> None:
    terms = tiny.policies(tmp_path / "terms", packs.TOPIC, STATED)
    data = packs.write_plans(tmp_path / "plans", 12)
    for engine in ("duckdb", "spark"):
        packs.made(data, tmp_path / engine, terms, engine=engine, chunk=100, verdicts_only=only)
    files = sorted(path.relative_to(tmp_path / "duckdb") for path in (tmp_path / "duckdb").rglob("*.*"))
    for file in files:
        if file.name != "manifest.json":  # which names the engine
            assert (tmp_path / "spark" / file).read_bytes() == (tmp_path / "duckdb" / file).read_bytes(), file
    assert len(files) > 5
    told = packs.rows(tmp_path / "spark", "findings") if not only else []
    assert (
        only or {"satisfied", "violated"} >= {row["as_stated"] for row in told if row["as_stated"]} != set()
    )
