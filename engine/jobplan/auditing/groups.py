"""Which edition judges which plans of a chunk, and which plans have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from jobplan.errors import Problem
from jobplan.evaluate import Evaluator
from jobplan.expression.program import Program
from jobplan.quoting import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


DAY = '"@day"'
"""The column of `audit.plans` that has the day by whose edition a plan is judged."""


@dataclass(frozen=True, slots=True)
class Group:
    """The plans of a chunk that one edition judges.

    `edition` is the day on which the edition begins, empty for the first; `first_day` a day that it holds on;
    `plans` how many there are.
    """

    number: int
    policy: str
    edition: str
    first_day: int
    program: Program
    plans: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A plan, by its number, that no edition judges, and why."""

    plan: int
    problem: Problem


def grouped(connection: DuckDBPyConnection, evaluator: Evaluator) -> tuple[list[Group], list[Refused]]:
    """Put the plans that an edition judges into `audit.judged`; return their groups, and who has none.

    All plans are in `audit.plans`. The groups are in the order of policy and day, so that nothing depends on
    which plan came first.
    """
    policies = evaluator.policies
    identity = [quoted(name) for name in policies.schema.policy]
    kinds = connection.execute(
        f"SELECT {', '.join(identity)}, {DAY}, count(*) FROM audit.plans GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    groups: dict[tuple[str, str], Group] = {}
    refused: list[Refused] = []
    assigned: list[tuple[Any, ...]] = []
    for *facts, day, count in kinds:
        on = None if day is None else day.toordinal()
        name = policies.find(*facts)
        problems = evaluator.why_not(facts, name, on)
        if problems or name is None or on is None:
            plans = plans_of(connection, identity, (*facts, day))
            refused += (Refused(plan, problem) for plan in plans for problem in problems)
            continue
        begins = policies.begins(name, on)
        key = (name, "" if begins is None else date.fromordinal(begins).isoformat())
        group = groups.setdefault(key, Group(len(groups), *key, on, policies.program(name, on)))
        groups[key] = replace(group, plans=group.plans + count)
        assigned.append((*facts, day, *key, group.number))
    keep(connection, identity, assigned)
    return sorted(groups.values(), key=lambda group: (group.policy, group.edition)), refused


def plans_of(connection: DuckDBPyConnection, identity: Sequence[str], kind: Sequence[Any]) -> list[int]:
    """Return the numbers of the plans of one policy and day, in order."""
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM ?" for name in (*identity, DAY))
    found = connection.execute(f"SELECT P FROM audit.plans WHERE {same} ORDER BY P", list(kind)).fetchall()
    return [row[0] for row in found]


def keep(connection: DuckDBPyConnection, identity: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Make `audit.judged` of the plans whose policy and day are among the rows."""
    keys = [f"key{index}" for index in range(len(identity))]
    columns = ", ".join(f"{key} VARCHAR" for key in keys)
    connection.execute(
        f"CREATE OR REPLACE TABLE audit.assigned ({columns}, day DATE, policy VARCHAR, edition VARCHAR, "
        '"group" INTEGER)'
    )
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"INSERT INTO audit.assigned VALUES ({marks})", list(rows))
    same = " AND ".join(
        f"p.{name} IS NOT DISTINCT FROM a.{key}" for name, key in zip(identity, keys, strict=True)
    )
    connection.execute(
        "CREATE OR REPLACE TABLE audit.judged AS "
        "SELECT p.*, a.policy, a.edition, strftime(a.day, '%Y-%m-%d') AS judged_on, a.\"group\" "
        f"FROM audit.plans p JOIN audit.assigned a ON {same} AND p.{DAY} = a.day"
    )
