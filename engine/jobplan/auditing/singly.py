"""Judge a chunk plan by plan, and leave what is found as the database does: the referee of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from jobplan.auditing.groups import Group, Refused
from jobplan.auditing.layout import EVIDENCE, REASON, arrow_type, drawn_columns
from jobplan.auditing.rebuilding import Rebuilder, Rebuilt, statements_of
from jobplan.errors import BrokenPlan
from jobplan.evaluate import Evaluator, Judged
from jobplan.extras import library
from jobplan.facts.codes import VERDICT_CODES
from jobplan.findings.model import Finding
from jobplan.findings.report import counted, overall
from jobplan.quoting import quoted

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

_AT_ONCE = 1000  # plans whose findings are held as objects


class Singly:
    """An engine of an audit: an evaluator of single plans, called for each."""

    def __init__(self, evaluator: Evaluator, today: int) -> None:
        self.evaluator = evaluator
        self.today = today

    def judge(
        self, connection: DuckDBPyConnection, group: Group, waivers: pyarrow.Table, *, findings: bool
    ) -> Iterator[Refused]:
        """Judge the plans of the schema `facts` into the schema `work`; yield those that cannot be."""
        schema = self.evaluator.policies.schema
        tables = Tables(connection, group, schema.root)
        for rebuilt in Rebuilder(connection, schema).plans(statements_of(waivers)):
            try:
                judged = self.evaluator.judge(
                    rebuilt.plan, as_of=group.first_day, today=self.today, policy=group.policy
                )
                tables.add(rebuilt, judged, self.evaluator.report(judged).findings if findings else ())
            except BrokenPlan as broken:
                yield from (Refused(rebuilt.number, problem) for problem in broken.problems)
        tables.write()


class Tables:
    """Fills the tables of the schema `work` that the pack is made of."""

    def __init__(self, connection: DuckDBPyConnection, group: Group, root: str) -> None:
        arrow = library("pyarrow")
        self.connection = connection
        self.rules = [rule.rule.id for rule in group.program.rules]
        types = {name: measure.type.kind for name, measure in group.program.checked.measures.items()}
        texts = arrow.string()
        self.schemas = {
            "verdicts": arrow.schema([("P", arrow.int64()), *((rule, arrow.uint8()) for rule in self.rules)]),
            root: arrow.schema(
                [("P", arrow.int64()), *((name, arrow_type(kind)) for name, kind in types.items())]
            ),
            "found": finding_schema(),
        }
        self.dates = [name for name, kind in types.items() if kind == "date"]
        self.root = root
        drawn = drawn_columns(group.program.edition.policy)
        self.drawn = {relation: [c.name for c in columns[2:]] for relation, columns in drawn.items()}
        for relation, names in self.drawn.items():
            numbers = ((name, arrow.float64()) for name in names)
            self.schemas[f"drawn {relation}"] = arrow.schema(
                [("P", arrow.int64()), ("R", arrow.int64()), ("id", texts), *numbers]
            )
        self.rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self.schemas}
        self.made = False
        connection.execute("DROP SCHEMA IF EXISTS work CASCADE")
        connection.execute("CREATE SCHEMA work")

    def add(self, rebuilt: Rebuilt, judged: Judged, findings: Sequence[Finding]) -> None:
        """Add what was found of a plan."""
        overalls = map(overall, map(counted, judged.by_row, judged.unknown))
        codes = (VERDICT_CODES[verdict] for verdict in overalls)
        self.rows["verdicts"].append({"P": rebuilt.number, **dict(zip(self.rules, codes, strict=True))})
        measures = dict(judged.worked.measures)
        for name in self.dates:
            measures[name] = None if measures[name] is None else date.fromordinal(measures[name])
        self.rows[self.root].append({"P": rebuilt.number, **measures})
        self.rows["found"] += [self.finding(rebuilt, judged, found) for found in findings]
        for relation, names in self.drawn.items():
            self.rows[f"drawn {relation}"] += [
                {"P": rebuilt.number, "R": place, "id": row.id, **{name: row[name] for name in names}}
                for place, row in enumerate(judged.worked.relations[relation].rows)
            ]
        if len(self.rows["verdicts"]) >= _AT_ONCE:
            self.write()

    def finding(self, rebuilt: Rebuilt, judged: Judged, found: Finding) -> Mapping[str, Any]:
        """Return a finding as a row; it says where its subject stands, and of a gap reasons for evidence."""
        shown = found.evidence if found.verdict == "violated" else ()
        relation = judged.worked.relations[found.relation]
        numbered, place = None, ""
        if found.relation == self.root:
            place = rebuilt.places[()]
        elif found.subject is not None:
            ids = (number for number, row in enumerate(relation.rows) if row.id == found.subject)
            numbered = next(ids)
            place = rebuilt.places[relation.rows[numbered].place]
        return {
            "P": rebuilt.number,
            **{name: getattr(found, name) for name in _SAME},
            "R": numbered,
            "message": found.message.text,
            "evidence": [{name: getattr(item, name) for name in EVIDENCE} for item in shown],
            "reasons": [dict(zip(REASON, reason, strict=True)) for reason in found.reasons],
            "assumptions": list(found.assumptions),
            "place": place,
        }

    def write(self) -> None:
        """Put the rows into the database."""
        arrow = library("pyarrow")
        for name, schema in self.schemas.items():
            rows = arrow.Table.from_pylist(self.rows[name], schema)
            self.connection.register("rows_found", rows)
            table = f"work.{quoted(name)}"
            start = f"INSERT INTO {table}" if self.made else f"CREATE TABLE {table} AS"
            self.connection.execute(f"{start} SELECT * FROM rows_found")
            self.connection.unregister("rows_found")
            self.rows[name].clear()
        self.made = True


def finding_schema() -> pyarrow.Schema:
    """Return the columns of what is found, as the database has them too."""
    arrow = library("pyarrow")
    texts = arrow.string()
    types = {
        "P": arrow.int64(),
        "R": arrow.int64(),
        "evidence": arrow.list_(arrow.struct([(name, texts) for name in EVIDENCE])),
        "reasons": arrow.list_(arrow.struct([(name, texts) for name in REASON])),
        "assumptions": arrow.list_(texts),
        "subjects": arrow.int32(),
        "unstated": arrow.bool_(),
    }
    names = ("message", "place", *(name for name in _SAME if name not in types))
    return arrow.schema([*types.items(), *((name, texts) for name in names)])


_SAME = (
    "rule", "relation", "subject", "label", "verdict", "severity", "otherwise", "as_stated", "waived", "key",
    "subjects", "unstated",
)  # fmt: skip
