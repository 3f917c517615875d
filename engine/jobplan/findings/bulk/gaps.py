"""The gaps of every plan of a chunk: why verdicts are unknown, text for text as a plan alone is told it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.reasons import reasons_of
from jobplan.backends.sql.reasons_plan import Planner
from jobplan.extras import library
from jobplan.facts.codes import VERDICT_CODES
from jobplan.findings.bulk.findings import BulkFindings, Facts
from jobplan.findings.bulk.gaps_beside import Beside
from jobplan.findings.bulk.gaps_kinds import Kinds, Sets, put, texts
from jobplan.findings.bulk.gaps_said import WORDS, Said, row_of
from jobplan.findings.bulk.labels import label, place
from jobplan.findings.bulk.messages import EVIDENCE_TYPE
from jobplan.findings.severity import severity_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CANNOT_BE_JUDGED = "cannot be judged: "
WAIVED = 'LEFT JOIN work."gap waived" v ON v.P = g.P AND v.rule = g.rule AND v.R = coalesce(g.R, -1)'
SAID = (
    "array_to_string(list_transform(c.clauses, "
    "lambda x: coalesce(x.said, map_extract_value(d.said, x.C))), '; ')"
)
UNKNOWN = VERDICT_CODES["unknown"]


@dataclass(slots=True)
class BulkGaps:
    """Makes the gaps of chunks of one edition; what was compiled for a chunk serves those that follow.

    It reads `facts`, and what the statements of the verdicts have left in `work`.
    """

    bulk: BulkFindings
    planner: Planner = field(init=False)
    compiled: tuple[frozenset[str], list[str]] = field(default=(frozenset(), []))

    def __post_init__(self) -> None:
        basis, schema = self.bulk.basis, self.bulk.schema
        self.planner = reasons_of(basis.program, schema, self.bulk.today, self.bulk.dialect)

    # --- statements -------------------------------------------------------------------------

    def make(self, connection: DuckDBPyConnection, assumed: Facts = frozenset()) -> None:
        """Make the view work."gaps" of a chunk, which decodes what it is made of as it is read.

        `assumed` are the facts that any assumption filled in.
        """
        rules = self.unknown_rules(connection)
        for statement in self.statements(rules):
            connection.execute(statement)
        put(connection, "gap rules", self.rules())
        beside = Beside(connection, self.bulk)
        has_stated, has_apart, has_assumed = beside.make(rules, assumed)
        connection.execute(self.raw(stated=has_stated, apart=has_apart, assumed=has_assumed))
        sets = Sets(connection, Kinds(self.planner.codes, self.bulk.schema))
        sets.make()
        put(connection, "gap plain", plain_table(sets.plain()))
        relations = Said(connection, self.bulk.schema, self.bulk).make()
        self._rows(connection)
        quoted, waived = self.quotes(connection), beside.waived()
        connection.execute(
            f'CREATE OR REPLACE VIEW work."gaps" AS {self.view(relations, quoted=quoted, waived=waived)}'
        )

    def unknown_rules(self, connection: DuckDBPyConnection) -> frozenset[str]:
        """Return the rules of which any judgement in the chunk is unknown."""
        found: set[str] = set()
        program = self.bulk.basis.program
        relations = dict.fromkeys(rule.rule.for_each for rule in program.rules)
        for relation in relations:
            mine = [rule.rule.id for rule in program.rules if rule.rule.for_each == relation]
            any_of = [n.call("bool_or", n.same(n.column(f"rule {rule}"), n.whole(UNKNOWN))) for rule in mine]
            told = connection.execute(
                n.written(n.read_from(n.select(*any_of), n.table("work", relation)))
            ).fetchall()
            found.update(rule for rule, unknown in zip(mine, told[0], strict=True) if unknown)
            if relation != self.bulk.schema.root:
                opened = n.select(n.call("bool_or", n.column(relation)))
                if connection.execute(n.written(n.read_from(opened, n.table("work", "open")))).fetchall()[0][
                    0
                ]:
                    found.update(mine)
        return frozenset(found)

    def statements(self, rules: frozenset[str]) -> list[str]:
        """Return the statements for some rules; those of a chunk before are taken if they are enough."""
        known, statements = self.compiled
        if not rules <= known:
            wanted = known | rules
            chosen = [rule for rule in self.bulk.basis.program.rules if rule.rule.id in wanted]
            statements = [n.written(statement) for statement in self.planner.statements(chosen)]
            self.compiled = (wanted, statements)
        return statements

    def raw(self, *, stated: bool, apart: bool, assumed: bool) -> str:
        """Return the statement that puts together what the judgements of one rule on one plan lack."""
        root = self.bulk.schema.root
        rules = self.bulk.basis.program.rules
        whole = (
            ", ".join(str(place) for place, rule in enumerate(rules) if rule.rule.for_each == root) or "-1"
        )
        source = 'work."lacks" l'
        columns = {"apart": "false", "stated": "CAST(NULL AS UTINYINT)", "ids": "CAST(NULL AS VARCHAR[])"}
        for there, table, name, value in (
            (apart, "gap apart", "apart", "a.P IS NOT NULL"),
            (stated, "gap stated", "stated", "s.stated"),
            (assumed, "gap assumed", "ids", "i.ids"),
        ):
            if there:
                source += f' LEFT JOIN work."{table}" {value[0]} USING (P, R, rule)'
                columns[name] = value
        more = ", ".join(f"{value} AS {name}" for name, value in columns.items())
        together = (
            "CAST(count(*) AS INTEGER) AS subjects, max(stated) AS stated, "
            f"{'flatten(list(ids))' if assumed else 'any_value(ids)'} AS ids, flatten(list(why)) AS why"
        )
        return (
            'CREATE TABLE work."gap raw" AS '
            f"SELECT P, rule, CAST(0 AS BIGINT) AS R, 1 AS subjects, stated, ids, why "
            f"FROM (SELECT l.*, {more} FROM {source}) WHERE rule IN ({whole}) "
            f"UNION ALL SELECT P, rule, CASE WHEN count(*) = 1 THEN min(R) END AS R, {together} "
            f"FROM (SELECT l.*, {more} FROM {source}) "
            f"WHERE rule NOT IN ({whole}) GROUP BY P, rule, CASE WHEN apart THEN R ELSE -1 END"
        )

    def rules(self) -> Any:
        """Return what every gap of a rule has, as an Arrow table."""
        pyarrow = library("pyarrow")
        known = [self.bulk.basis.rule(rule.rule.id) for rule in self.bulk.basis.program.rules]
        return pyarrow.table(
            {
                "number": pyarrow.array(range(len(known)), pyarrow.int64()),
                "id": texts(basis.checked.rule.id for basis in known),
                "relation": texts(basis.checked.rule.for_each for basis in known),
                "otherwise": texts(severity_of(basis.checked.rule, basis.assurance) for basis in known),
            }
        )

    def _rows(self, connection: DuckDBPyConnection) -> None:
        """Make work."gap rows": id, label and place of the one row that a gap is about."""
        connection.execute(
            'CREATE TABLE work."gap rows" '
            "(relation VARCHAR, P BIGINT, R BIGINT, id VARCHAR, label VARCHAR, place VARCHAR)"
        )
        wanted = connection.execute(
            'SELECT DISTINCT r.relation FROM work."gap" g JOIN work."gap rules" r ON r.number = g.rule '
            "WHERE g.R IS NOT NULL ORDER BY 1"
        ).fetchall()
        for (relation,) in wanted:
            if relation != self.bulk.schema.root:
                connection.execute(f'INSERT INTO work."gap rows" {self.rows(relation)}')

    def rows(self, relation: str) -> str:
        """Return the query of the rows of a relation that a gap is about, with what people call them."""
        sight = self.bulk.sight(relation)
        columns = [
            n.named(n.text(relation), "relation"),
            n.column("P"),
            n.column("R"),
            n.named(sight.column((), "id"), "id"),
            n.named(label(self.bulk.shown, sight), "label"),
            n.named(place(sight), "place"),
        ]
        rows = self.bulk.written(n.read_from(n.select(*columns), n.source(sight.select(), "row")))
        numbers = [at for at, r in enumerate(self.bulk.basis.program.rules) if r.rule.for_each == relation]
        mine = f'SELECT DISTINCT P, R FROM work."gap" WHERE rule IN ({", ".join(map(str, numbers))})'
        return f"SELECT * FROM ({rows}) SEMI JOIN ({mine}) USING (P, R)"

    def view(self, relations: list[str], *, quoted: bool, waived: bool) -> str:
        """Return the query of the gaps, with plans' own words if any are quoted, and waivers if any."""
        columns = ", ".join(
            f"{value} AS {name}" for name, value in self.columns(relations, quoted=quoted, waived=waived)
        )
        root = n.written(n.table("facts", self.bulk.schema.root))
        return " ".join([
            f'SELECT {columns} FROM work."gap" g',
            'JOIN work."gap rules" r ON r.number = g.rule',
            f"JOIN {root} p ON p.P = g.P",
            'LEFT JOIN work."gap sets" s ON s.S = g.S',
            'LEFT JOIN work."gap plain" t ON t.S = g.S',
            'LEFT JOIN work."gap clauses" c ON c.S = g.S',
            'LEFT JOIN work."gap said" d ON d.P = g.P',
            'LEFT JOIN work."gap rows" w ON w.relation = r.relation AND w.P = g.P AND w.R = g.R',
            *(f'LEFT JOIN work."gap called {relation}" k{at} ON k{at}.P = g.P'
              for at, relation in enumerate(relations)),
            *([f'LEFT JOIN work."{WORDS} of plans" q ON q.P = g.P'] if quoted else []),
            *([WAIVED] if waived else []),
        ])  # fmt: skip

    def quotes(self, connection: DuckDBPyConnection) -> bool:
        """Tell whether any reason has words of the plan's own, and lay them out by plan if so."""
        known = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'work' AND table_name = ?", [WORDS]
        ).fetchall()[0][0]
        if known:
            connection.execute(
                f'CREATE OR REPLACE TABLE work."{WORDS} of plans" AS '
                f'SELECT P, map(list(code), list(text)) AS words FROM work."{WORDS}" GROUP BY P'
            )
        return bool(known)

    def columns(self, relations: list[str], *, quoted: bool, waived: bool) -> Iterator[tuple[str, str]]:
        """Yield the columns of a gap by name."""
        rows = " ".join(row_of(relations, self.bulk.schema.root))
        words = "coalesce(map_extract_value(q.words, x.code), '')" if quoted else "''"
        reason = (
            f'struct_pack(kind := x.kind, relation := x.relation, "row" := CASE {rows} END, '
            f"field := x.field, cause := x.cause, text := CASE WHEN x.own THEN {words} ELSE x.text END)"
        )
        yield "P", "g.P"
        yield "rule", "r.id"
        yield "relation", "r.relation"
        yield "subject", "w.id"
        yield "R", "w.R"
        yield "label", "coalesce(w.label, '')"
        yield "verdict", "'unknown'"
        yield "severity", "coalesce(s.severity, 'gap')"
        yield "otherwise", "r.otherwise"
        yield "message", f"'{CANNOT_BE_JUDGED}' || coalesce(t.said, {SAID}, '')"
        yield "evidence", f"CAST([] AS {EVIDENCE_TYPE})"
        yield (
            "as_stated",
            "CASE g.stated WHEN 3 THEN 'violated' WHEN 1 THEN 'satisfied' WHEN 0 THEN 'not_applicable' END",
        )
        yield "waived", "coalesce(v.words, '')" if waived else "''"
        yield "assumptions", "list_sort(list_distinct(coalesce(g.ids, [])))"
        own = f"r.relation = '{self.bulk.schema.root}'"
        yield "place", f"coalesce(CASE WHEN {own} THEN p.\"@\" ELSE w.place END, '')"
        yield "key", "left(sha256(r.id || chr(0) || p.id || chr(0) || coalesce(w.id, '')), 16)"
        yield "subjects", "g.subjects"
        yield "reasons", f"coalesce(list_transform(s.parts, lambda x: {reason}), [])"
        yield "unstated", "coalesce(s.unstated, false)"


def plain_table(said: list[tuple[int, str]]) -> Any:
    """Return what is said of sets, by number, as an Arrow table."""
    pyarrow = library("pyarrow")
    return pyarrow.table(
        {"S": pyarrow.array([s for s, _ in said], pyarrow.int64()), "said": texts(words for _, words in said)}
    )
