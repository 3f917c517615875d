"""What stands beside gaps: what plans state themselves, waivers, and the assumptions that judgements rest on.

Few plans of a chunk have any of it. Nothing is asked of the others, and nothing made where no plan has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobplan.backends.sql import nodes as n
from jobplan.expression.checked import CheckedRule
from jobplan.facts.codes import VERDICT_CODES
from jobplan.findings.bulk.findings import BulkFindings, Facts
from jobplan.findings.bulk.messages import Sayer, assumed_table, table_of_assumed
from jobplan.findings.bulk.sight import ROW

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNKNOWN = VERDICT_CODES["unknown"]


@dataclass(frozen=True, slots=True)
class Beside:
    """Makes tables beside work."lacks" (P, R, rule, why), where rules stand by their numbers."""

    connection: DuckDBPyConnection
    bulk: BulkFindings

    def there(self, name: str, schema: str = "work") -> bool:
        """Tell whether there is a table or view with any row."""
        known = self.connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
            [schema, name],
        ).fetchall()[0][0]
        table = n.written(n.table(schema, name))
        return bool(known and self.connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())

    def numbered(self) -> dict[str, list[tuple[int, CheckedRule]]]:
        """Return the rules with their numbers, by the relation whose rows they judge."""
        found: dict[str, list[tuple[int, CheckedRule]]] = {}
        for number, rule in enumerate(self.bulk.basis.program.rules):
            found.setdefault(rule.rule.for_each, []).append((number, rule))
        return found

    def row(self, relation: str) -> str:
        """Return the SQL of a row's number, which is 0 for the plan's own."""
        return "CAST(0 AS BIGINT)" if relation == self.bulk.schema.root else "R"

    def make(self, unknown: Iterable[str], assumed: Facts) -> tuple[bool, bool, bool]:
        """Make work."gap stated", "gap apart" and "gap assumed"; tell which of them there are."""
        return self.stated(), self.apart(), self.assumed(frozenset(unknown), assumed)

    def stated(self) -> bool:
        """Make the table of the verdicts on what plans state themselves (P, R, rule, stated)."""
        queries = [
            f"SELECT P, {self.row(relation)} AS R, {number} AS rule, {column} AS stated "
            f"FROM {n.written(n.table('work', f'stated {relation}'))} WHERE {column} <> {UNKNOWN}"
            for relation, rules in self.numbered().items()
            if self.there(f"stated {relation}")
            for number, column in ((at, n.written(n.column(f"rule {rule.rule.id}"))) for at, rule in rules)
        ]
        return self.create("gap stated", queries)

    def apart(self) -> bool:
        """Make the table of the judgements for which a waiver of one row counts (P, R, rule)."""
        if not self.there("waived", "facts"):
            return False
        queries = [
            f"SELECT DISTINCT w.P, x.R, r.number AS rule FROM facts.waived w "
            f'JOIN work."gap rules" r ON r.id = w.rule AND r.relation = {n.written(n.text(relation))} '
            f'JOIN {n.written(n.table("work", relation))} x ON x.P = w.P AND x.id = w."row"'
            for relation in self.numbered()
            if relation != self.bulk.schema.root
        ]
        return self.create("gap apart", queries) and self.there("gap apart")

    def waived(self) -> bool:
        """Make the table of gaps that waivers lift (P, rule, R, words)."""
        if not self.there("waived", "facts"):
            return False
        query = (
            "SELECT g.P, g.rule, coalesce(g.R, -1) AS R, max_by(w.words, w.n) AS words "
            'FROM facts.waived w JOIN work."gap rules" r ON r.id = w.rule '
            'JOIN work."gap" g ON g.P = w.P AND g.rule = r.number '
            'LEFT JOIN work."gap rows" x ON x.relation = r.relation AND x.P = g.P AND x.R = g.R '
            'WHERE w."row" IS NULL OR w."row" = x.id GROUP BY ALL'
        )
        return self.create("gap waived", [query])

    def assumed(self, unknown: frozenset[str], assumed: Facts) -> bool:
        """Make the table of the assumptions that unknown judgements rest on (P, R, rule, ids)."""
        queries: list[str] = []
        beside: dict[str, str] = {}
        for relation, rules in self.numbered().items():
            for number, rule in rules:
                basis = self.bulk.basis.rule(rule.rule.id)
                mine = assumed.intersection(basis.facts)
                if rule.rule.id not in unknown or not mine:
                    continue
                sight = self.bulk.sight(relation)
                sayer = Sayer(self.bulk.basis, self.bulk.shown, self.bulk.value, mine)
                ids = sayer.assumptions(basis, sight)
                verdict = n.same(n.column(f"rule {rule.rule.id}", ROW), n.whole(UNKNOWN))
                beside.update(self.tables(mine, {name for name, _ in sight.others.values()}))
                row = n.whole(0) if relation == self.bulk.schema.root else n.column("R", ROW)
                columns = [n.column("P", ROW), n.named(row, "R"), n.named(n.whole(number), "rule")]
                source = n.source(n.where(sight.select(), verdict), ROW)
                queries.append(n.written(n.read_from(n.select(*columns, n.named(ids, "ids")), source)))
        for name, statement in beside.items():
            self.connection.execute(f"DROP TABLE IF EXISTS {n.written(n.table('work', name))}")
            self.connection.execute(statement)
        return self.create("gap assumed", queries)

    def tables(self, assumed: Facts, wanted: set[str]) -> Iterator[tuple[str, str]]:
        """Yield the tables of assumptions of whole plans that a query reads, with the statements."""
        for relation, name in sorted(assumed):
            table = assumed_table(relation, name)
            if table in wanted:
                yield table, n.written(table_of_assumed(relation, name))

    def create(self, name: str, queries: list[str]) -> bool:
        """Make a table of several queries, if there are any."""
        if queries:
            self.connection.execute(f'CREATE TABLE work."{name}" AS {" UNION ALL ".join(queries)}')
        return bool(queries)
