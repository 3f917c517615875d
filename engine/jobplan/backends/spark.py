"""Run the queries of an edition in Spark: Parquet in, Parquet out, one name of a session for each table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from os import environ
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from jobplan.backends.spark_trees import WORK, Step, Steps, view_name
from jobplan.extras import library

SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "false",  # what is out of bounds is unknown, and stops nothing
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.optimizer.collapseProjectAlwaysInline": "false",  # what is read twice is worked out once
    "spark.sql.adaptive.enabled": "false",  # queries of a hundred joins would be planned anew after each
    "spark.sql.maxPlanStringLength": "1000",  # plans as text are for people, and take much memory
    "spark.sql.codegen.wholeStage": "false",  # hundreds of columns in one method are too many for Java
}
"""What the queries rely on; set in a session of our own, so that nobody else's is changed."""

AT_ONCE = 4
"""Queries that are planned and run side by side: most are small, and their planning takes longest."""

PARTS = "spark.sql.shuffle.partitions"
AGAIN = view_name(WORK, "again")
ELSEWHERE = ("PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR", "SPARK_ENV_LOADED", "SPARK_HOME")
"""Variables of which one is set where somebody else says how Spark runs, as spark-submit does."""

AT_HOME: Mapping[str, str] = {
    "spark.buffer.pageSize": "256k",  # each of a hundred small tables that are joined takes a page
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.master": "local[*]",
    "spark.sql.ui.retainedExecutions": "1",
    "spark.sql.warehouse.dir": str(Path(gettempdir(), "spark-warehouse")),  # else a folder beside the work
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""What is set where nobody says how Spark runs: on this machine alone, and nothing listens to others."""


def own_session() -> Any:
    """Return a session of our own on the Spark that runs, or is configured; on this machine if none is.

    Raises BrokenInput where pyspark is not installed.
    """
    sessions = library("pyspark.sql").SparkSession
    found = sessions.getActiveSession()
    if found is None:
        builder = sessions.builder.appName("jobplan")
        at_home = not any(name in environ for name in ELSEWHERE)
        for name, value in AT_HOME.items() if at_home else ():
            builder = builder.config(name, value)
        found = builder.getOrCreate()
        if at_home:
            found.sparkContext.setLogLevel("ERROR")
    own = found.newSession()
    for name, value in SETTINGS.items():
        own.conf.set(name, value)
    if found.conf.get(PARTS) == "200":  # nobody chose it, and it is far too many for a chunk
        own.conf.set(PARTS, str(found.sparkContext.defaultParallelism))
    return own


class SparkRunner:
    """Runs queries; `folder` is where their rows are written, and all who work for Spark have to see it."""

    def __init__(self, session: Any, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.started = 0

    def read(self, name: str, path: Path, columns: Mapping[str, str]) -> None:
        """Give Parquet with columns of these types a name."""
        types = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        self.session.read.schema(types).parquet(str(path)).createOrReplaceTempView(quoted(name))

    def judge(self, steps: Steps, wanted: Callable[[str], bool]) -> dict[str, Path]:
        """Work out and judge the chunk that was read; return where the rows of each wanted name lie."""
        every = (*steps.first, *steps.again, *steps.otherwise)
        asked = {step.name for step in every if wanted(step.name)} | {AGAIN}
        plan = Plan(every, asked)
        found = self.run(steps.first, plan)
        again = self.session.table(quoted(AGAIN)).isEmpty()
        return found | self.run(steps.otherwise if again else steps.again, plan)

    def run(self, steps: Iterable[Step], plan: Plan) -> dict[str, Path]:
        """Run queries, several at once, each after those it reads; return where the rows asked for lie."""
        mine = [step for step in steps if step.name in plan.uses]
        found = {step.name: self.folder / f"{number:05d}" for number, step in enumerate(mine, self.started)}
        self.started += len(mine)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended: dict[str, Future[None]] = {}
            for step in mine:  # one that waits stands behind those it waits for
                before = [ended[name] for name in step.reads if name in ended]
                path = found[step.name] if plan.keeps(step) else None
                ended[step.name] = pool.submit(self.step, step, before, path)
            for one in ended.values():
                one.result()
        return {name: path for name, path in found.items() if name in plan.asked}

    def step(self, step: Step, before: Iterable[Future[None]], path: Path | None) -> None:
        """Give a query its name, after others; with a path its rows are written there and read from there."""
        for other in before:
            other.result()
        rows = self.session.sql(step.query)
        if path is not None:
            rows.write.parquet(str(path))
            rows = self.session.read.schema(rows.schema).parquet(str(path))
        rows.createOrReplaceTempView(quoted(step.name))


class Plan:
    """Which queries are needed for the rows that are asked for, and how many others read each."""

    def __init__(self, steps: Sequence[Step], asked: Set[str]) -> None:
        self.asked = asked
        self.uses = Counter(asked)
        for step in reversed(steps):
            if step.name in self.uses:
                self.uses.update(step.reads)

    def keeps(self, step: Step) -> bool:
        """Tell whether a query's rows are written down: others would work them out more than once."""
        return step.name in self.asked or (step.kept and self.uses[step.name] > 1)


def quoted(name: str) -> str:
    """Return a name as Spark has it.

    >>> quoted("a `b`")
    '`a ``b```'
    """
    return "`" + name.replace("`", "``") + "`"
