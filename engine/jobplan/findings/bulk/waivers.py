"""Waivers of many plans: validated one by one, put on findings and gaps alike in one statement.

`facts.waivers` has every waiver of a chunk with what refuses it; the view `facts.waived` those that count,
in the order in which they are put on: P, n, rule, row (NULL for all) and the words of the mark.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.interpret import Interpreter
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.expression.uses import Uses, add_tree
from jobplan.extras import library
from jobplan.facts.codes import CAUSES
from jobplan.findings.bulk.findings import BulkFindings
from jobplan.findings.bulk.sight import ROW
from jobplan.findings.waivers import ALL, Waiver, refusal, waivers_of, words
from jobplan.findings.wording import because
from jobplan.model import SEVERITIES, Relation, Row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LiftedBy = Mapping[str, Sequence[Sequence[str]]]
DOUBT = "it is not known whether the plan belongs to the group"
AFTER_ALL_OF_PLANS = 1_000_000
"""The number of the first waiver for a group: a plan's own are put on before."""

WAIVERS = """
CREATE OR REPLACE TABLE "facts"."waivers" ("P" BIGINT, "n" INTEGER, "rule" VARCHAR,
  "row" VARCHAR, "reason" VARCHAR, "agreed_by" VARCHAR[], "until" VARCHAR,
  "origin" VARCHAR, "words" VARCHAR, "refused" VARCHAR)
"""
WAIVED = """
CREATE OR REPLACE VIEW "facts"."waived" AS
SELECT "P", "n", "rule", nullif("row", '{every}') AS "row", "words"
FROM "facts"."waivers" WHERE "refused" = ''
"""
MARK = """
UPDATE "work"."{table}" AS "marked" SET "waived" = "last"."words" FROM (
  SELECT "found"."P", "found"."key", max_by("mine"."words", "mine"."n") AS "words"
  FROM "work"."{table}" AS "found" JOIN "facts"."waived" AS "mine"
    ON "mine"."P" = "found"."P" AND "mine"."rule" = "found"."rule"
  WHERE "mine"."row" IS NULL OR "mine"."row" = "found"."subject" GROUP BY ALL
) AS "last" WHERE "marked"."P" = "last"."P" AND "marked"."key" = "last"."key"
"""
EFFECTS = """
WITH "all" AS ({found}), "lifted" AS (
  SELECT "mine"."P", "mine"."n", list("key" ORDER BY list_position({severities}, "severity"), "R") AS "lifts"
  FROM "facts"."waivers" AS "mine" JOIN "all" AS "found"
    ON "mine"."P" = "found"."P" AND "mine"."rule" = "found"."rule"
  WHERE "mine"."refused" = '' AND ("mine"."row" = '{every}' OR "mine"."row" = "found"."subject") GROUP BY ALL
)
SELECT "P", "n", "rule", "row", "reason", "agreed_by", "until", "origin",
  coalesce("lifts", []::VARCHAR[]) AS "lifts",
  CASE WHEN "refused" <> '' THEN "refused" WHEN "lifts" IS NULL THEN 'there is nothing to lift' ELSE '' END
    AS "without_effect"
FROM "facts"."waivers" LEFT JOIN "lifted" USING ("P", "n") ORDER BY "P", "n"
"""


def load_waivers(
    chunk: DuckDBPyConnection, bulk: BulkFindings, stated: Iterable[tuple[int, str]], lifted_by: LiftedBy
) -> int:
    """Put the waivers of a chunk's plans (P, JSON), and those of overlays, into `facts`; return how many.

    It takes the verdicts' tables, for a group may be of plans with a measure.
    """
    chunk.execute(WAIVERS)
    chunk.execute(WAIVED.format(every=ALL))
    rows = [*waived_rows(bulk, stated, lifted_by)]
    for number, (data, tree) in enumerate(bulk.basis.program.checked.waivers, AFTER_ALL_OF_PLANS):
        (waiver,) = waivers_of([{"row": ALL, **data}], f"overlay {data['overlay']}")
        chunk.execute(of_group(bulk, waiver, tree, number, lifted_by))
        if tree is not None:
            rows += in_doubt(chunk, bulk, waiver, tree, number, lifted_by)
    if rows:
        pyarrow = library("pyarrow")
        names = [column[0] for column in chunk.execute('DESCRIBE "facts"."waivers"').fetchall()]
        columns = {name: [row[name] for row in rows] for name in names}
        columns["agreed_by"] = pyarrow.array(columns["agreed_by"], pyarrow.list_(pyarrow.string()))
        chunk.register("waivers_stated", pyarrow.table(columns))
        chunk.execute('INSERT INTO "facts"."waivers" SELECT * FROM "waivers_stated"')
        chunk.unregister("waivers_stated")
    counted = chunk.execute('SELECT count(*) FROM "facts"."waivers"').fetchone()
    return int(counted[0]) if counted else 0


def mark(table: str) -> str:
    """Return the statement that puts waivers on the findings of a table of `work`."""
    return MARK.format(table=table)


def effects(*tables: str) -> str:
    """Return the query for what came of each waiver, in order, findings being in these tables of `work`."""
    columns = [n.column(name) for name in ("P", "rule", "subject", "R", "severity", "key")]
    found = n.union(*(n.read_from(n.select(*columns), n.table("work", table)) for table in tables))
    return EFFECTS.format(found=n.written(found), severities=list(SEVERITIES), every=ALL)


# --- waivers of plans ----------------------------------------------------------------------------


def waived_rows(
    bulk: BulkFindings, stated: Iterable[tuple[int, str]], lifted_by: LiftedBy
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `facts.waivers` for those that plans state, each with its number in the plan."""
    known: dict[str, dict[str, Any]] = {}
    counts: dict[int, int] = {}
    for plan, text in stated:
        found = known.get(text)
        if found is None:
            (waiver,) = waivers_of([json.loads(text)], "the plan")
            found = known[text] = as_row(waiver, why_not(bulk, waiver, lifted_by))
        number = counts[plan] = counts.get(plan, -1) + 1
        yield {**found, "P": plan, "n": number}


def why_not(bulk: BulkFindings, waiver: Waiver, lifted_by: LiftedBy) -> str:
    """Say why a waiver has no effect on the day of judging; nothing if it counts."""
    return refusal(waiver, bulk.basis.program.edition.rules, lifted_by, bulk.today)


def as_row(waiver: Waiver, refused: str) -> dict[str, Any]:
    """Return what a row of `facts.waivers` says of a waiver."""
    data = waiver.data
    return {
        "rule": waiver.rule,
        "row": waiver.row,
        "reason": str(data.get("reason", "")),
        "agreed_by": [str(party) for party in data.get("agreed_by", ())],
        "until": str(data.get("until", "")),
        "origin": waiver.origin,
        "words": "" if refused else words(waiver),
        "refused": refused,
    }


# --- waivers for groups --------------------------------------------------------------------------


def of_group(bulk: BulkFindings, waiver: Waiver, tree: Tree | None, number: int, lifted_by: LiftedBy) -> str:
    """Return the statement that adds an overlay's waiver to every plan that belongs to its group."""
    sight = bulk.sight(bulk.schema.root)
    belongs = None if tree is None else bulk.value(tree, sight)
    said = {"n": n.whole(number)} | {
        name: constant(v) for name, v in as_row(waiver, why_not(bulk, waiver, lifted_by)).items()
    }
    columns = [n.column("P", ROW), *(n.named(value, name) for name, value in said.items())]
    query = n.read_from(n.select(*columns), n.source(sight.select(), ROW))
    if belongs is not None:
        query = n.where(query, belongs)
    return f'INSERT INTO "facts"."waivers" {bulk.written(query)}'


def constant(value: Any) -> Tree:
    """Return a text, or a list of texts."""
    if isinstance(value, list):
        return n.cast(exp.Array(expressions=[n.text(entry) for entry in value]), "VARCHAR[]")
    return n.text(value)


def in_doubt(
    chunk: DuckDBPyConnection,
    bulk: BulkFindings,
    waiver: Waiver,
    tree: Tree,
    number: int,
    lifted_by: LiftedBy,
) -> Iterator[dict[str, Any]]:
    """Yield the waiver's rows for the plans of which it is not known whether they belong to its group."""
    doubts = Doubts(bulk, tree)
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for plan, *values in chunk.execute(doubts.query()).fetchall():
        key = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        found = known.get(key)
        if found is None:
            doubtful = Waiver(waiver.rule, waiver.row, waiver.data, waiver.origin, doubts.words(key))
            found = known[key] = as_row(waiver, why_not(bulk, doubtful, lifted_by))
        yield {**found, "P": plan, "n": number}


@dataclass(slots=True)
class Doubts:
    """Says why it is not known whether plans belong to a group."""

    bulk: BulkFindings
    tree: Tree

    def reads(self) -> tuple[list[str], list[str], list[str]] | None:
        """Return facts, columns and measures of the root behind the condition; None if it reads others."""
        uses = Uses()
        add_tree(self.bulk.basis.program.checked, self.tree, uses)
        root = self.bulk.schema.root
        if uses.relations - {root} or uses.attestations:
            return None
        names = (name for _, name in uses.facts), (name for _, name in uses.columns), uses.measures
        facts, columns, measures = map(sorted, names)
        return facts, columns, measures

    def query(self) -> str:
        """Return the query for the plans in doubt, with what is behind."""
        root, sight = self.bulk.schema.root, self.bulk.sight(self.bulk.schema.root)
        belongs = self.bulk.value(self.tree, sight)
        facts, columns, measures = self.reads() or ([], [], [])
        refs = [Ref("fact", name, root) for name in facts]
        values = [
            value for ref in refs for value in (sight.read(ref), sight.cause(ref), sight.text(ref)) if value
        ]
        values += [sight.read(Ref("column", name, root)) for name in columns]
        values += [sight.read(Ref("measure", name)) for name in measures]
        query = n.read_from(n.select(n.column("P", ROW), *values), n.source(sight.select(), ROW))
        return self.bulk.written(n.where(query, n.missing(belongs)))

    def words(self, values: Sequence[Any]) -> str:
        """Return the words for plans with these values."""
        reads = self.reads()
        if reads is None:
            return DOUBT
        program, root = self.bulk.basis.program, self.bulk.schema.root
        facts, columns, measures = reads
        row, waiting = Row(relation=root), iter(map(inside, values))
        causes = {code: cause for cause, code in CAUSES.items()}
        for name in facts:
            value, cause, text = next(waiting), next(waiting), next(waiting)
            if value is not None:
                row[name] = value
            elif cause is not None:
                row.causes[name] = causes[cause]
                row.texts |= {name: text} if text is not None else {}
        row.update((name, value) for name, value in zip(columns, waiting, strict=False) if value is not None)
        worked = dict(zip(measures, waiting, strict=True))
        reader = Interpreter(program, {root: Relation(root, [row])}, worked, self.bulk.today, {})
        return f"{DOUBT}: {'; '.join(because(sorted(set(reader.why(self.tree, row))), lambda _: ''))}"


def inside(value: Any) -> Any:
    """Return a value of the database as rows have it."""
    return value.toordinal() if isinstance(value, date) else value
