"""What SQL makes of a chunk of plans, held against the reference evaluator: rows, values and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from agreement import Again
from sql_chunk import load

from jobplan.backends.duckdb import clear, judge
from jobplan.backends.judging import Worked, reference, work
from jobplan.backends.sql.compile import Verdicts, compile_verdicts
from jobplan.evaluate import states_more
from jobplan.expression.program import Program
from jobplan.expression.program import Verdicts as ByRow
from jobplan.expression.runtime import plan_verdict
from jobplan.facts.codes import VERDICT_CODES
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema

KEYS = ("P", "R", "U", "id", "of")
Table = dict[int, list[dict[str, Any]]]
"""The rows of a table by plan, in the order of their numbers."""


@dataclass
class Chunk:
    """Plans that SQL has judged."""

    program: Program
    schema: FactSchema
    plans: Sequence[Plan]
    today: int
    connection: duckdb.DuckDBPyConnection
    compiled: Verdicts
    alone: dict[int, tuple[Any, ...]]
    """The verdicts of each plan, judged for nothing else; nothing if they were not."""

    def table(self, name: str) -> Table:
        """Return a table of schema `work`."""
        answer = self.connection.execute(f'SELECT * FROM "work"."{name}"')
        names = [column[0] for column in answer.description]
        found: Table = {}
        for values in answer.fetchall():
            row = dict(zip(names, values, strict=True))
            found.setdefault(row["P"], []).append(row)
        for rows in found.values():
            rows.sort(key=lambda row: row.get("R") or 0)
        return found

    def names(self) -> list[str]:
        """Return the relations that were worked out."""
        asked = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'work'"
        return [name for (name,) in self.connection.execute(asked).fetchall()]


def judged(
    program: Program, schema: FactSchema, plans: Sequence[Plan], today: int, *, alone: bool = False
) -> Chunk:
    """Judge plans of one edition by SQL; with `alone` also for the verdicts alone."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2").fetchall()
    load(connection, plans, schema, today=today, attested=program.checked.policy.attested)
    found: dict[int, tuple[Any, ...]] = {}
    if alone:
        only = compile_verdicts(program, schema, today, only=True)
        judge(connection, only)
        answers = connection.execute('SELECT * FROM "work"."verdicts"').fetchall()
        found = {answer[0]: answer for answer in answers}
        clear(connection, only)
    compiled = compile_verdicts(program, schema, today)
    judge(connection, compiled)
    return Chunk(program, schema, plans, today, connection, compiled, found)


def differences(chunk: Chunk, *, rows: bool = True) -> Iterator[str]:
    """Yield where SQL and the reference differ: on verdicts, and on everything worked out if `rows`."""
    verdicts, stated, opened = chunk.table("verdicts"), chunk.table("stated"), chunk.table("open")
    tables = {name: chunk.table(name) for name in chunk.names()} if rows else {}
    seconds = {name: chunk.table(f"stated {name}") for name in opened[0][0] if name != "P"} if rows else {}
    for number, plan in enumerate(chunk.plans):
        worked = work(chunk.program, plan, chunk.today)
        by_row = reference(worked)
        for said in (
            *of_plan(worked, by_row, verdicts[number][0], opened[number][0]),
            *of_rows(worked, by_row, {name: table.get(number, []) for name, table in tables.items()}),
            *of_stated(worked, plan, by_row, stated.get(number), seconds, number),
        ):
            yield f"plan {number}: {said}"
        if chunk.alone and chunk.alone[number] != tuple(verdicts[number][0].values()):
            yield f"plan {number}: judged for verdicts alone: {chunk.alone[number]}"


def of_plan(worked: Worked, by_row: ByRow, found: dict[str, Any], opened: dict[str, Any]) -> Iterator[str]:
    """Yield where a plan's verdicts differ, and what may have more rows."""
    again, root = Again(worked), worked.program.checked.world.root
    whole = {
        name: name == root or again.whole(name) for name in {r.rule.for_each for r in worked.program.rules}
    }
    for name, is_whole in whole.items():
        if name != root and opened[name] is is_whole:
            yield f"relation {name}: whole is {is_whole}, open is {opened[name]}"
    for rule, verdicts in zip(worked.program.rules, by_row, strict=True):
        wanted = plan_verdict(verdicts, whole[rule.rule.for_each]) or "unknown"
        if found[rule.rule.id] != VERDICT_CODES[wanted]:
            yield f"{rule.rule.id}: reference {wanted}, SQL {found[rule.rule.id]}"


def of_rows(worked: Worked, by_row: ByRow, tables: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Yield where rows, their values, or the verdicts on them differ."""
    root = worked.program.checked.world.root
    rules = {rule.rule.id: verdicts for rule, verdicts in zip(worked.program.rules, by_row, strict=True)}
    for name, found in tables.items():
        rows = worked.relations[name].rows
        if [row.id for row in rows] != [row["id"] for row in found]:
            yield f"{name}: rows {[row.id for row in rows]}, SQL {[row['id'] for row in found]}"
            continue
        for place, (row, values) in enumerate(zip(rows, found, strict=True)):
            for key, value in values.items():
                if key in KEYS or key.endswith(" R"):
                    continue
                if key.startswith("rule "):
                    wanted: Any = VERDICT_CODES[rules[key.removeprefix("rule ")][place] or "unknown"]
                elif name == root and key in worked.measures:
                    wanted = worked.measures[key]
                else:
                    wanted = bool(row[key]) if key == "maybe" else row[key]
                if not alike(wanted, value):
                    yield f"{name}.{row.id}.{key}: reference {wanted!r}, SQL {value!r}"


def of_stated(
    worked: Worked,
    plan: Plan,
    by_row: ByRow,
    found: list[dict[str, Any]] | None,
    seconds: dict[str, Table],
    number: int,
) -> Iterator[str]:
    """Yield where answers on stated figures differ."""
    wanted = any(None in rows for rows in by_row) and states_more(worked)
    if wanted != bool(found):
        yield f"stated: reference {wanted}, SQL {found}"
    if not wanted or not found:
        return
    other = work(worked.program, plan, worked.today, before=worked)
    for rule, mine, first in zip(worked.program.rules, reference(other), by_row, strict=True):
        relation, key = rule.rule.for_each, f"rule {rule.rule.id}"
        if relation not in seconds or len(mine) != len(first):
            continue
        codes = [row[key] for row in seconds[relation].get(number, [])]
        if codes != [VERDICT_CODES[verdict or "unknown"] for verdict in mine]:
            yield f"{rule.rule.id} as stated: reference {mine}, SQL {codes}"


def alike(wanted: Any, found: Any) -> bool:
    """Tell whether two values are the same, kind and all."""
    if isinstance(found, date):
        found = found.toordinal()
    wanted = list(wanted) if isinstance(wanted, tuple) else wanted
    return type(wanted) is type(found) and wanted == found
