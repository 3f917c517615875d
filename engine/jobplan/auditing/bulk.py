"""Judge a chunk in the database: the statements of an edition, written once and run for each chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobplan.auditing.groups import Group, Refused
from jobplan.auditing.layout import drawn_columns
from jobplan.backends import duckdb
from jobplan.backends.sql.compile import Verdicts, compile_verdicts
from jobplan.errors import Problem
from jobplan.evaluate import Evaluator
from jobplan.facts.codes import VERDICT_CODES, assumed_of
from jobplan.facts.schema import FactSchema
from jobplan.findings.bulk.findings import BulkFindings
from jobplan.findings.bulk.gaps import BulkGaps
from jobplan.findings.bulk.waivers import load_waivers, mark
from jobplan.policy.read import lifted_by
from jobplan.quoting import quoted

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection


VIOLATED = "SELECT *, [] AS reasons, false AS unstated FROM work.findings"
WITH_GAPS = " UNION ALL BY NAME SELECT * FROM work.gaps"


@dataclass(slots=True)
class Compiled:
    """What is the same for every chunk of an edition."""

    findings: BulkFindings
    gaps: BulkGaps


@dataclass(slots=True)
class Bulk:
    """An engine of an audit: SQL, on all plans of an edition at once."""

    evaluator: Evaluator
    today: int
    compiled: dict[tuple[str, str], Compiled] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, bool], Verdicts] = field(default_factory=dict)

    @property
    def schema(self) -> FactSchema:
        """Return the facts that plans have."""
        return self.evaluator.policies.schema

    def judge(
        self, connection: DuckDBPyConnection, group: Group, waivers: pyarrow.Table, *, findings: bool
    ) -> Iterator[Refused]:
        """Judge the plans of the schema `facts` into the schema `work`."""
        self.work_out(connection, group, findings=findings)
        if findings:
            self.find(connection, group, self.of(group), waivers)
        refused = 'SELECT "P", "code", "words" FROM "work"."refused" ORDER BY ALL'
        for plan, code, message in connection.execute(refused).fetchall():
            yield Refused(plan, Problem(code, message))

    def work_out(self, connection: DuckDBPyConnection, group: Group, *, findings: bool) -> None:
        """Work out and judge the plans; findings need more than the verdicts."""
        key = (group.policy, group.edition, findings)
        if key not in self.verdicts:
            self.verdicts[key] = compile_verdicts(group.program, self.schema, self.today, only=not findings)
        duckdb.clear(connection, self.verdicts[key])
        duckdb.judge(connection, self.verdicts[key])

    def of(self, group: Group) -> Compiled:
        """Return the statements of an edition, written when it is first met."""
        key = (group.policy, group.edition)
        if key not in self.compiled:
            findings = BulkFindings(self.evaluator.basis(group.program), self.today)
            self.compiled[key] = Compiled(findings, BulkGaps(findings))
        return self.compiled[key]

    def find(
        self, connection: DuckDBPyConnection, group: Group, mine: Compiled, waivers: pyarrow.Table
    ) -> None:
        """Make what is found of the plans that were judged, and what is drawn of their rows."""
        violated = violated_rules(connection, [rule.rule.id for rule in group.program.rules])
        assumed = frozenset(self.assumed(connection))
        for statement in mine.findings.statements(violated, assumed):
            connection.execute(statement)
        stated = zip(*(column.to_pylist() for column in waivers.columns), strict=True)
        if load_waivers(connection, mine.findings, stated, lifted_by()):
            connection.execute(mark("findings"))
        found = VIOLATED
        if mine.gaps.unknown_rules(connection):
            mine.gaps.make(connection, assumed)
            found += WITH_GAPS
        connection.execute(f"CREATE VIEW work.found AS {found}")
        for relation, columns in drawn_columns(group.program.edition.policy).items():
            names = [column.name for column in columns[2:]]
            connection.execute(self.drawn(relation, names))

    def assumed(self, connection: DuckDBPyConnection) -> Iterator[tuple[str, str]]:
        """Yield the facts that any assumption filled in, by relation and name."""
        for name, relation in self.schema.relations.items():
            counts = ", ".join(f"count({quoted(assumed_of(fact))})" for fact in relation.fields)
            ((*found,),) = connection.execute(f"SELECT {counts} FROM facts.{quoted(name)}").fetchall()
            yield from ((name, fact) for fact, count in zip(relation.fields, found, strict=True) if count)

    def drawn(self, relation: str, names: Iterable[str]) -> str:
        """Return the statement that puts aside what is drawn of a relation's rows."""
        declared = self.schema.relations.get(relation)
        facts = declared.fields if declared is not None else {}
        columns = ", ".join(f"{'f' if name in facts else 'w'}.{quoted(name)}" for name in names)
        source = f"work.{quoted(relation)} w"
        if declared is not None:
            source = f"facts.{quoted(relation)} f LEFT JOIN {source} ON w.P = f.P AND w.R = f.R"
        keys = "f.P, f.R, f.id" if declared is not None else "w.P, w.R, w.id"
        return f"CREATE TABLE work.{quoted(f'drawn {relation}')} AS SELECT {keys}, {columns} FROM {source}"


def violated_rules(connection: DuckDBPyConnection, rules: Iterable[str]) -> list[str]:
    """Return the rules that any plan violates."""
    names = list(rules)
    gravest = ", ".join(f"max({quoted(rule)})" for rule in names)
    ((*codes,),) = connection.execute(f"SELECT {gravest} FROM work.verdicts").fetchall()
    return [rule for rule, code in zip(names, codes, strict=True) if code == VERDICT_CODES["violated"]]
