"""Judge a chunk in Spark: facts go there as Parquet, verdicts and all that was worked out come back so.

Findings and reasons are then found in the database, from what came back: they are of few rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from jobplan.auditing.bulk import Bulk
from jobplan.auditing.groups import Group
from jobplan.backends.spark import SparkRunner, own_session
from jobplan.backends.spark_parquet import give_facts, take_answers
from jobplan.backends.spark_trees import WORK, Steps, compile_steps, view_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALONE = frozenset(view_name(WORK, name) for name in ("verdicts", "refused"))
"""All that is asked of Spark where nobody wants findings."""


@dataclass(slots=True)
class InSpark(Bulk):
    """An engine of an audit: SQL, on all plans of an edition at once, on as many machines as Spark has."""

    session: Any = field(default_factory=own_session)
    steps: dict[tuple[str, str], Steps] = field(default_factory=dict)

    def work_out(self, connection: DuckDBPyConnection, group: Group, *, findings: bool) -> None:
        """Work out and judge the plans in Spark; what came of the plans before is taken away."""
        key = (group.policy, group.edition)
        if key not in self.steps:
            self.steps[key] = compile_steps(group.program, self.schema, self.today)
        folder = shared_folder(connection)
        rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        runner = SparkRunner(self.session, folder)
        give_facts(connection, self.schema, runner)
        everything = view_name(WORK, "")
        found = runner.judge(self.steps[key], lambda n: n in ALONE or (findings and n.startswith(everything)))
        take_answers(connection, found)


def shared_folder(connection: DuckDBPyConnection) -> Path:
    """Return a folder that the database may use; on a cluster every machine has to see it."""
    ((spill,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    return Path(spill) / "spark"
