"""Judge one chunk and write its part: the tables of each group, what was set aside, and the counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jobplan.auditing.counts import Counts
from jobplan.auditing.groups import DAY, Group, Refused, grouped
from jobplan.auditing.journal import write_notes
from jobplan.auditing.layout import (
    Column,
    drawn_columns,
    finding_columns,
    measure_columns,
    plan_columns,
    schema_of,
    set_aside_schema,
    verdict_columns,
)
from jobplan.auditing.masking import mask_facts, masked_plans, masked_set_aside
from jobplan.auditing.settings import Settings
from jobplan.auditing.writing import ROWS, written
from jobplan.evaluate import Evaluator
from jobplan.extras import library
from jobplan.facts.schema import FactSchema
from jobplan.quoting import literal, quoted

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

    from jobplan.facts.tables import Chunk

_PLACE = re.compile(r"^.*?(?:!(?P<sheet>[^!]*?))?:(?P<row>\d+)(?::(?P<column>\d+))?$")


class Engine(Protocol):
    """Judges the plans of the schema `facts` into the schema `work`.

    Afterwards that has `verdicts` (P, a code a rule), under the root's name the measures (P, by name) and, if
    findings are asked for, `found` (gaps too) and for each relation that is drawn `drawn <relation>`.
    """

    def judge(
        self, connection: DuckDBPyConnection, group: Group, waivers: pyarrow.Table, *, findings: bool
    ) -> Iterable[Refused]:
        """Judge the plans of one edition; yield those that cannot be judged.

        `waivers` are those of all plans: the plan's number, and the waiver as JSON.
        """


@dataclass(slots=True)
class PartWriter:
    """Judges the chunks of a run, one after the other, on one connection."""

    settings: Settings
    evaluator: Evaluator
    engine: Engine
    connection: DuckDBPyConnection
    counts: Counts = field(default_factory=Counts)

    @property
    def schema(self) -> FactSchema:
        """Return the facts that plans have."""
        return self.evaluator.policies.schema

    def write(self, chunk: Chunk, folder: Path) -> None:
        """Judge a chunk and write its part into a folder."""
        self.counts = Counts()
        self._take(chunk)
        groups, refused = grouped(self.connection, self.evaluator)
        if refused:
            chunk.load(self.connection, plans_of(refused))
            self._set_rows_aside(refused)
        for group in groups:
            refused += self._group(chunk, group, folder)
        self._table("plans", plan_columns(self.schema), "audit.judged p ORDER BY p.P", folder)
        self._set_aside(chunk, refused, folder)
        notes = [
            {"mark": mark(group), "policy": group.policy, "edition": group.edition, "day": group.first_day}
            for group in groups
        ]
        write_notes(folder, {"groups": notes, "counts": self.counts.data()})

    def _take(self, chunk: Chunk) -> None:
        """Make `audit.plans` of the plans of a chunk, each with the day that it is judged by."""
        connection, as_of = self.connection, self.settings.as_of
        self.counts.read(chunk.read, chunk.plans.num_rows, chunk.rows)
        connection.register("plans_read", masked_plans(chunk.plans, self.settings.pseudonyms, self.schema))
        day = quoted(self.schema.date)
        if as_of is not None:
            day = f"CAST({literal(date.fromordinal(as_of).isoformat())} AS DATE)"
        connection.execute(f"CREATE OR REPLACE TABLE audit.plans AS SELECT *, {day} AS {DAY} FROM plans_read")
        connection.unregister("plans_read")

    def _group(self, chunk: Chunk, group: Group, folder: Path) -> list[Refused]:
        """Judge the plans of one group and write their tables; return those that could not be judged."""
        connection, full = self.connection, not self.settings.verdicts_only
        mine = connection.sql(f'SELECT P FROM audit.judged WHERE "group" = {group.number}').to_arrow_table()
        attested = group.program.edition.policy.attested
        chunk.load(connection, mine, attested=attested, today=self.settings.today)
        mask_facts(connection, self.settings.pseudonyms, self.schema)
        refused = list(self.engine.judge(connection, group, chunk.waivers, findings=full))
        if refused:
            self._set_rows_aside(refused)
            connection.execute(f"DELETE FROM audit.judged WHERE P IN ({numbers(refused)})")
        policy = group.program.edition.policy
        judged = "JOIN audit.judged p ON p.P = f.P"
        self._table(
            f"verdicts.{mark(group)}",
            verdict_columns(policy, [rule.rule.id for rule in group.program.rules]),
            f"work.verdicts f {judged} ORDER BY f.P",
            folder,
            see=self.counts.see_verdicts,
        )
        if full:
            root = f"work.{quoted(self.schema.root)}"
            columns = measure_columns(group.program.checked)
            self._table(f"measures.{mark(group)}", columns, f"{root} f {judged} ORDER BY f.P", folder)
            self._findings(f"findings.{mark(group)}", group, judged, folder)
            for relation, found in drawn_columns(policy).items():
                source = f"work.{quoted(f'drawn {relation}')} f {judged} ORDER BY f.P, f.R"
                self._table(f"drawn.{mark(group)}.{relation}", found, source, folder)
        return refused

    def _set_rows_aside(self, refused: Sequence[Refused]) -> None:
        """Count plans that are not judged after all, and their rows, which are in the schema `facts`."""
        for relation in self.schema.relations:
            query = f"SELECT count(*) FROM facts.{quoted(relation)} WHERE P IN ({numbers(refused)})"
            ((count,),) = self.connection.execute(query).fetchall()
            self.counts.set_aside(relation, count)
        self.counts.plans_judged -= len({one.plan for one in refused})

    def _findings(self, stem: str, group: Group, judged: str, folder: Path) -> None:
        """Write the findings of a group, in the order of plans, rules and rows."""
        arrow = library("pyarrow")
        rules = [rule.rule for rule in group.program.rules]
        table = {
            "rule": [r.id for r in rules],
            "topic": [r.topic for r in rules],
            "n": list(range(len(rules))),
        }
        self.connection.register("rules_known", arrow.table(table))
        source = (
            f"work.found f {judged} JOIN rules_known r ON r.rule = f.rule "
            "ORDER BY f.P, r.n, f.verdict DESC, f.R NULLS FIRST, f.key"
        )
        masked = self.settings.pseudonyms is not None
        self._table(stem, finding_columns(masked=masked), source, folder, see=self.counts.see_findings)
        self.connection.unregister("rules_known")

    def _table(
        self,
        stem: str,
        columns: Sequence[Column],
        source: str,
        folder: Path,
        *,
        see: Callable[[pyarrow.RecordBatch], None] | None = None,
    ) -> None:
        """Write a table as a part: in Parquet, and as lines of CSV if asked for."""
        csv = self.settings.has("csv")
        beside = [column for column in columns if csv and column.text not in ("", "-")]
        selected = [f"{column.sql} AS {quoted(column.name)}" for column in columns]
        selected += [f"{column.text} AS {quoted(f'{column.name} text')}" for column in beside]
        found = self.connection.sql(f"SELECT {', '.join(selected)} FROM {source}").to_arrow_reader(ROWS)
        texts = [(c.name, f"{c.name} text" if c.text else c.name) for c in columns if c.text != "-"]
        batches = seen(found, see) if see is not None else found
        written(batches, schema_of(columns), folder / stem, csv=csv, texts=texts)

    def _set_aside(self, chunk: Chunk, refused: Sequence[Refused], folder: Path) -> None:
        """Write every defect of the chunk, and the plans that no edition judges."""
        arrow = library("pyarrow")
        schema, names = set_aside_schema(), self.settings.pseudonyms
        read = masked_set_aside(chunk.set_aside.select(schema.names).cast(schema), names, self.schema)
        mine = arrow.Table.from_pylist(list(self._refused(refused)), schema)
        found = arrow.concat_tables([read, mine])
        self.counts.defects = found.num_rows
        texts = [(name, name) for name in schema.names]
        batches = iter(found.to_batches())
        written(batches, schema, folder / "set_aside", csv=self.settings.has("csv"), texts=texts)

    def _refused(self, refused: Sequence[Refused]) -> Iterator[Mapping[str, Any]]:
        """Yield a row for each reason why a plan is not judged, in the order of plans."""
        query = f"SELECT P, plan, file, place FROM audit.plans WHERE P IN ({numbers(refused)})"
        known = {row[0]: row[1:] for row in self.connection.execute(query).fetchall()}
        for one in sorted(refused, key=lambda one: one.plan):
            plan, file, place = known[one.plan]
            at = _PLACE.match(place or "")
            yield {
                "file": file,
                "sheet": at["sheet"] if at else None,
                "row": int(at["row"]) if at else None,
                "column": at["column"] if at else None,
                "plan": plan,
                "relation": self.schema.root,
                "code": one.problem.code,
                "reason": one.problem.message,
                "help": one.problem.help,
            }


def numbers(refused: Iterable[Refused]) -> str:
    """Return the numbers of plans as SQL has them."""
    return ", ".join(str(number) for number in sorted({one.plan for one in refused})) or "NULL"


def plans_of(refused: Iterable[Refused]) -> pyarrow.Table:
    """Return the numbers of plans as a table."""
    return library("pyarrow").table({"P": sorted({one.plan for one in refused})})


def mark(group: Group) -> str:
    """Return what tells the files of a group from those of others in a part."""
    return f"{group.number:03d}"


def seen(
    batches: Iterable[pyarrow.RecordBatch], see: Callable[[pyarrow.RecordBatch], None]
) -> Iterator[pyarrow.RecordBatch]:
    """Yield batches after somebody has looked at them."""
    for batch in batches:
        see(batch)
        yield batch
