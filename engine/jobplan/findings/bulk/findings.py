"""The findings of every plan of a chunk: statements that make them, where rules are violated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import functions as sql_functions
from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.scalar import Reader, Scalar
from jobplan.backends.sql.wholes import Wholes
from jobplan.expression.parse import Tree
from jobplan.facts.codes import VERDICT_CODES, assumed_of
from jobplan.facts.schema import FactSchema
from jobplan.findings.basis import EditionBasis, RuleBasis
from jobplan.findings.bulk.agreed import table_name, table_of_agreed
from jobplan.findings.bulk.functions import DIALECTS
from jobplan.findings.bulk.labels import label, place
from jobplan.findings.bulk.messages import EVIDENCE_TYPE, Sayer, assumed_table, table_of_assumed
from jobplan.findings.bulk.shown import Shown
from jobplan.findings.bulk.sight import ROOT, ROW, Sight
from jobplan.findings.bulk.write import strung
from jobplan.findings.severity import severity_of

COLUMNS: Mapping[str, str] = {
    "P": "BIGINT",
    "rule": "VARCHAR",
    "relation": "VARCHAR",
    "subject": "VARCHAR",
    "R": "BIGINT",
    "label": "VARCHAR",
    "verdict": "VARCHAR",
    "severity": "VARCHAR",
    "otherwise": "VARCHAR",
    "message": "VARCHAR",
    "evidence": EVIDENCE_TYPE,
    "as_stated": "VARCHAR",
    "waived": "VARCHAR",
    "assumptions": "VARCHAR[]",
    "place": "VARCHAR",
    "key": "VARCHAR",
    "subjects": "INTEGER",
}
"""The columns of work."findings", in order."""

Facts = frozenset[tuple[str, str]]
"""Facts by relation and name."""


@dataclass(slots=True)
class Said:
    """What a rule adds to the statements: what it reads, and the head of the query for its findings."""

    sight: Sight
    query: str


@dataclass(slots=True)
class BulkFindings:
    """Writes the statements for one edition; what a rule says is written once. `today` is an ordinal."""

    basis: EditionBasis
    today: int
    dialect: str = "duckdb"
    shown: Shown = field(init=False)
    wholes: Wholes = field(init=False)
    said: dict[tuple[str, Facts], Said] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shown = Shown(self.basis.shower, DIALECTS[self.dialect])
        program = self.basis.program
        self.wholes = Wholes(program.checked, program.edition, self.schema)

    @property
    def schema(self) -> FactSchema:
        """Return the schema of the facts."""
        return self.basis.shower.schema

    # --- statements -------------------------------------------------------------------------

    def statements(self, violated: Collection[str], assumed: Facts = frozenset()) -> Iterator[str]:
        """Yield the statements that make work."findings", and take away what they needed by the way.

        `violated` are the ids of rules that any plan of the chunk violates, `assumed` the facts that any
        assumption filled in.
        """
        yield self.table()
        rules = [
            self.basis.rule(checked.rule.id)
            for checked in self.basis.program.rules
            if checked.rule.id in violated
        ]
        beside = dict(self.beside(rules, assumed))
        yield from (self.written(statement) for statement in beside.values())
        for relation in dict.fromkeys(rule.checked.rule.for_each for rule in rules):
            said = {
                rule.checked.rule.id: self.of_rule(rule, assumed)
                for rule in rules
                if rule.checked.rule.for_each == relation
            }
            yield from self.of_relation(relation, said)
        yield from (f'DROP TABLE "work"."{name}"' for name in beside)

    def table(self) -> str:
        """Return the statement that makes the empty table."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        return f'CREATE OR REPLACE TABLE "work"."findings" ({columns})'

    def of_relation(self, relation: str, said: Mapping[str, Said]) -> Iterator[str]:
        """Yield the statements for rules on a relation: rows that violate any are put aside first.

        So the tables of a chunk, which may be files, are read once and not for each rule.
        """
        sight = self.sight(relation)
        for mine in said.values():
            sight.asked.update(mine.sight.asked)
            sight.others.update(mine.sight.others)
        called = n.text("") if relation == self.schema.root else label(self.shown, sight)
        named = n.named(called, "label"), n.named(place(sight), "place")
        broken = n.either(*map(violates, said))
        made = [f"rows {relation}"]
        if relation not in self.schema.relations:
            # what rows are made of is worked out anew when it is read: for few plans, if only few matter
            made.append(f"plans {relation}")
            plans = n.read_from(n.select(n.column("P"), distinct=True), n.table("work", relation, ROW))
            yield self.written(n.made_table("work", made[-1], n.where(plans, broken.copy())))
            sight.among = made[-1]
        verdicts = [n.named(n.column(f"rule {rule}", ROW), f"rule {rule}") for rule in said]
        rows = n.where(sight.select(*verdicts), broken)
        query = n.read_from(n.select(exp.Star(), *named), n.source(rows, ROW))
        yield self.written(n.made_table("work", made[0], query))
        source = f'FROM "work"."{made[0]}" AS "{ROW}" WHERE'
        yield insert(f"{mine.query} {source} {self.written(violates(rule))}" for rule, mine in said.items())
        yield from (f'DROP TABLE "work"."{name}"' for name in made)

    def beside(self, rules: Iterable[RuleBasis], assumed: Facts) -> Iterator[tuple[str, Tree]]:
        """Yield tables about whole plans that the rules need, with the statements that make them."""
        for rule in rules:
            wanted = self.of_rule(rule, assumed).sight.others.values()
            names = {name for name, _ in wanted}
            for relation, name in rule.local_lookups:
                if (table := table_name(relation, name)) in names:
                    yield table, table_of_agreed(self.basis, self.sight(relation), name, self.value)
            for relation, name in rule.facts:
                if (table := assumed_table(relation, name)) in names:
                    yield table, table_of_assumed(relation, name)

    # --- rules ------------------------------------------------------------------------------

    def of_rule(self, rule: RuleBasis, assumed: Facts) -> Said:
        """Return what a rule says, written once for the assumed facts that it reads."""
        mine = assumed.intersection(rule.facts)
        key = (rule.checked.rule.id, mine)
        found = self.said.get(key)
        if found is None:
            found = self.said[key] = self.write(rule, mine)
        return found

    def write(self, rule: RuleBasis, assumed: Facts) -> Said:
        """Write the query for the findings of a rule."""
        sight = self.sight(rule.checked.rule.for_each)
        values = self.columns(rule, sight, assumed)
        listed = [n.named(values[name], name) for name in COLUMNS]
        return Said(sight, self.written(n.select(*listed)))

    def columns(self, rule: RuleBasis, sight: Sight, assumed: Facts) -> dict[str, Tree]:
        """Return the columns of a finding of a rule, in no order."""
        stated, sayer = rule.checked.rule, Sayer(self.basis, self.shown, self.value, assumed)
        is_root = sight.relation == self.schema.root
        subject: Tree = n.null("text") if is_root else sight.column((), "id")
        severity = n.text(severity_of(stated, rule.assurance))
        return {
            "P": n.column("P", ROW),
            "rule": n.text(stated.id),
            "relation": n.text(stated.for_each),
            "subject": subject,
            "R": n.cast(exp.Null(), "BIGINT") if is_root else n.column("R", ROW),
            "label": n.column("label", ROW),
            "verdict": n.text("violated"),
            "severity": severity,
            "otherwise": severity.copy(),
            "message": sayer.message(rule, sight),
            "evidence": sayer.evidence(rule, sight),
            "as_stated": n.null("text"),
            "waived": n.text(""),
            "assumptions": sayer.assumptions(rule, sight),
            "place": n.column("place", ROW),
            "key": self.key(stated.id, sight, n.text("") if is_root else subject.copy()),
            "subjects": n.whole(1),
        }

    def key(self, rule: str, sight: Sight, subject: Tree) -> Tree:
        """Return a finding's stable key: from rule, plan and row."""
        functions = self.shown.functions
        parts = [n.text(rule), functions.nul(), sight.column(ROOT, "id"), functions.nul(), subject]
        return functions.digest(strung(parts))

    def sight(self, relation: str) -> Sight:
        """Return what can be seen from a row of a relation."""
        return Sight(self.basis.program.checked, self.schema, relation)

    def value(self, tree: Tree, reader: Reader) -> Tree:
        """Return the value of a tree, names being found by the reader."""
        functions = sql_functions.DIALECTS[self.dialect]
        return Scalar(self.basis.program.edition, self.wholes, functions, self.today, reader).value(tree)

    def written(self, statement: Tree) -> str:
        """Return the text of a statement."""
        return n.written(statement, self.dialect)


def insert(queries: Iterable[str]) -> str:
    """Return the statement that puts the rows of several queries among the findings."""
    return f'INSERT INTO "work"."findings" {" UNION ALL ".join(queries)}'


def violates(rule: str) -> Tree:
    """Return whether the row at hand violates a rule."""
    return n.same(n.column(f"rule {rule}", ROW), n.whole(VERDICT_CODES["violated"]))


def violated_rules(rules: Iterable[str], dialect: str = "duckdb") -> str:
    """Return the query whose one row tells of each rule, in order, whether any plan violates it."""
    violated = n.whole(VERDICT_CODES["violated"])
    columns = [n.named(n.same(n.call("max", n.column(rule)), violated), rule) for rule in rules]
    return n.written(n.read_from(n.select(*columns), n.table("work", "verdicts")), dialect)


def assumed_facts(schema: FactSchema, dialect: str = "duckdb") -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield relations with their facts, and the query whose one row tells of each how many are assumed."""
    for relation in schema.relations.values():
        if relation.fields:
            counts = [n.call("count", n.column(assumed_of(name))) for name in relation.fields]
            query = n.read_from(n.select(*counts), n.table("facts", relation.name))
            yield relation.name, tuple(relation.fields), n.written(query, dialect)
