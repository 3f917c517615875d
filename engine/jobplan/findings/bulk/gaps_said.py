"""What is said of sets of reasons that name rows, or quote a plan: once for each plan and clause.

A plan's labels stand in one list a relation, in the order of the rows' ranks: what a clause names is picked
from it, with no join of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobplan.backends.sql import nodes as n
from jobplan.facts.codes import CAUSES, cause_of, text_of
from jobplan.facts.schema import FactSchema
from jobplan.findings.bulk.findings import BulkFindings
from jobplan.findings.bulk.labels import label
from jobplan.findings.wording import MOST_ROWS
from jobplan.quoting import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WORDS = "gap words"


@dataclass(frozen=True, slots=True)
class Said:
    """The statements that say sets of reasons for each plan."""

    connection: DuckDBPyConnection
    schema: FactSchema
    bulk: BulkFindings

    def make(self) -> list[str]:
        """Make work."gap clauses" (S, clauses in order) and work."gap said" (P, what is said by clause).

        Return the relations whose rows are named; their ids and labels are in work."gap called …" (P).
        """
        run = self.connection.execute
        self._clauses()
        own = run(
            'SELECT relation, field, cause, key FROM work."gap kinds" WHERE own ORDER BY key'
        ).fetchall()
        if own:
            run(f'CREATE TABLE work."{WORDS}" AS {" UNION ALL ".join(self.words(*kind) for kind in own)}')
        named = run(
            'SELECT DISTINCT k.relation FROM work."gap entries" e JOIN work."gap kinds" k USING (key) '
            "WHERE e.rank > 0 ORDER BY 1"
        ).fetchall()
        relations = [name for (name,) in named if name != self.schema.root]
        for relation in relations:
            run(self.called(relation))
        run(
            'CREATE TABLE work."gap wanted" AS SELECT DISTINCT P, C FROM work."gap" '
            'JOIN work."gap set clauses" USING (S) JOIN work."gap clause" c USING (C) WHERE c.of_plan'
        )
        run('CREATE TABLE work."gap clause said" (P BIGINT, C BIGINT, said VARCHAR)')
        if own:
            run(QUOTES)
        for relation in ["", *relations]:
            run(f'INSERT INTO work."gap clause said" {self.clauses(relation, quoted=bool(own))}')
        run(
            'CREATE TABLE work."gap said" AS '
            'SELECT P, map(list(C), list(said)) AS said FROM work."gap clause said" GROUP BY P'
        )
        return relations

    def _clauses(self) -> None:
        """Part the sets that are not said yet into clauses; those that name the same rows are one."""
        run = self.connection.execute
        run(
            'CREATE TABLE work."gap parts" AS SELECT S, clause, min(code) AS first, '
            "coalesce(list(rank ORDER BY code) FILTER (rank > 0), []) AS ranks, "
            "any_value(key) AS key, any_value(k.relation) AS relation, any_value(named) AS named, "
            "any_value(before) AS before, any_value(after) AS after, any_value(own) AS own "
            'FROM work."gap entries" JOIN work."gap kinds" k USING (key) '
            'JOIN work."gap sets" s USING (S) WHERE NOT s.plain GROUP BY S, clause'
        )
        run(
            'CREATE TABLE work."gap clause" AS SELECT row_number() OVER () AS C, *, '
            "own OR (named <> '' AND len(ranks) > 0) AS of_plan FROM "
            "(SELECT clause, ranks, any_value(key) AS key, any_value(relation) AS relation, "
            "any_value(named) AS named, any_value(before) AS before, any_value(after) AS after, "
            'any_value(own) AS own FROM work."gap parts" GROUP BY clause, ranks)'
        )
        run(
            'CREATE TABLE work."gap set clauses" AS SELECT S, C, p.first AS place, '
            "CASE WHEN NOT c.of_plan THEN c.before END AS said "
            'FROM work."gap parts" p JOIN work."gap clause" c USING (clause, ranks)'
        )
        run(
            'CREATE TABLE work."gap clauses" AS SELECT S, '
            'list({C: C, said: said} ORDER BY place) AS clauses FROM work."gap set clauses" GROUP BY S'
        )

    def words(self, relation: str, field: str, cause: str, key: int) -> str:
        """Return the query of a plan's own words for one fact that has several values or cannot be read."""
        facts = n.table("facts", relation).sql("duckdb", identify=True)
        text, why = (
            n.column(name, "f").sql("duckdb", identify=True) for name in (text_of(field), cause_of(field))
        )
        where = f"WHERE {why} = {CAUSES[cause]} AND {text} IS NOT NULL"  # type: ignore[index]
        if relation == self.schema.root:
            return f"SELECT P, {key + (1 << 28)} AS code, {text} AS text FROM {facts} f {where}"
        ranked = n.table("work", f"rank {relation}").sql("duckdb", identify=True)
        return (f"SELECT P, {key} + (rank << 28) AS code, {text} AS text FROM {facts} f "
                f"JOIN {ranked} USING (P, R) {where}")  # fmt: skip

    def called(self, relation: str) -> str:
        """Return the statement that lists ids and labels of a relation's rows by their ranks."""
        labels = self.labels(relation)
        ids = f'work."ids {relation}"'
        stored = self.schema.relations.get(relation)
        if stored is None or not stored.parent:
            rows = f"SELECT P, rank, id, label AS own, NULL AS above FROM {ids} JOIN ({labels}) USING (P, R)"
        else:
            rows = (
                "SELECT P, rank, any_value(id) AS id, any_value(a.label) AS own, any_value(b.label) AS above "
                f"FROM {ids} i LEFT JOIN ({labels}) a USING (P, R, of) "
                f"LEFT JOIN ({self.labels(stored.parent, 'above')}) b USING (P, R, of) GROUP BY P, rank"
            )
        return (
            f'CREATE TABLE work."gap called {relation}" AS SELECT P, list(id ORDER BY rank) AS ids, '
            f"list(own ORDER BY rank) AS own, list(above ORDER BY rank) AS above FROM ({rows}) GROUP BY P"
        )

    def labels(self, relation: str, of: str = "own") -> str:
        """Return the query of what the rows of a relation are called."""
        sight = self.bulk.sight(relation)
        said = n.named(label(self.bulk.shown, sight), "label")
        keys = [n.column("P"), n.column("R")]
        found = n.select(*keys, said, n.named(n.text(of), "of"))
        return self.bulk.written(n.read_from(found, n.source(sight.select(), "row")))

    def clauses(self, relation: str, *, quoted: bool) -> str:
        """Return the query of the clauses about rows of a relation, or of the plan itself."""
        words, join = "''", ""
        if quoted:
            words = (
                "CASE WHEN len(w.words) > 0 THEN ' (' || array_to_string(w.words, ', ') || ')' ELSE '' END"
            )
            join = 'LEFT JOIN work."gap quotes" w USING (P, C)'
        if not relation:
            where = "WHERE c.named = ''"
            return (f'SELECT P, C, c.before || {words} FROM work."gap wanted" '
                    f'JOIN work."gap clause" c USING (C) {join} {where}')  # fmt: skip
        return (
            f"SELECT P, C, start || {LISTED} FROM (SELECT P, C, start, {EACH_ONCE} AS names FROM ("
            f"SELECT P, C, c.before || {words} || c.after AS start, "
            "list_select(CASE c.named WHEN 'own' THEN k.own ELSE k.above END, c.ranks) AS labels "
            f'FROM work."gap wanted" JOIN work."gap clause" c USING (C) '
            f'JOIN work."gap called {relation}" k USING (P) {join} '
            f"WHERE c.relation = {literal(relation)} AND c.named <> ''))"
        )


QUOTES = (
    'CREATE TABLE work."gap quotes" AS SELECT P, C, '
    "list_filter(texts, lambda x, i: list_position(texts, x) = i) AS words FROM ("
    "SELECT P, C, coalesce(list(text ORDER BY code) FILTER (text <> ''), []) AS texts FROM ("
    "SELECT P, C, c.key + (unnest(c.ranks) << 28) AS code "
    'FROM work."gap wanted" JOIN work."gap clause" c USING (C) WHERE c.own) '
    f'JOIN work."{WORDS}" USING (P, code) GROUP BY P, C)'
)
EACH_ONCE = (
    "CASE WHEN list_unique(labels) = len(labels) THEN labels "
    "ELSE list_filter(labels, lambda x, i: list_position(labels, x) = i) END"
)
LISTED = (
    f"array_to_string(names[1:{MOST_ROWS}], '; ') || "
    f"CASE WHEN len(names) > {MOST_ROWS} THEN ' and ' || (len(names) - {MOST_ROWS}) || ' more' ELSE '' END"
)
"""`findings.wording.listed` as SQL."""


def row_of(relations: list[str], root: str) -> Iterator[str]:
    """Yield the branches that find the id of a reason's row among those of its plan."""
    yield "WHEN x.rank = 0 THEN ''"
    yield f"WHEN x.relation = '{root}' THEN p.id"
    for place, relation in enumerate(relations):
        yield f"WHEN x.relation = '{relation}' THEN k{place}.ids[x.rank]"
