"""The tables of a pack: their columns, and how each is read from what an engine has worked out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobplan.auditing.masking import masked_place
from jobplan.expression.checked import Checked
from jobplan.extras import library
from jobplan.facts.codes import VERDICT_CODES
from jobplan.facts.schema import FactSchema
from jobplan.model import Policy
from jobplan.quoting import quoted

if TYPE_CHECKING:
    import pyarrow

VERDICTS = tuple(sorted(VERDICT_CODES, key=VERDICT_CODES.__getitem__))
SET_ASIDE = ("file", "sheet", "row", "column", "plan", "relation", "code", "reason", "help")
EVIDENCE = ("name", "relation", "row", "shown", "unit", "assumed")
REASON = ("kind", "relation", "row", "field", "cause", "text")
SQL_TYPES = {"number": "DOUBLE", "truth": "BOOLEAN", "text": "VARCHAR", "date": "DATE", "list": "VARCHAR[]"}
CANNOT_BE_JUDGED = "cannot be judged: "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its Arrow type, the SQL that gives it, and the SQL of its text for CSV.

    Without `text` the CSV has the same; "-" leaves it out.
    """

    name: str
    type: Any
    sql: str
    text: str = ""


def arrow_type(kind: str) -> Any:
    """Return the Arrow type of a kind of values."""
    arrow = library("pyarrow")
    types = {"number": arrow.float64(), "truth": arrow.bool_(), "date": arrow.date32()}
    return types.get(kind) or arrow.string()


def plan_columns(schema: FactSchema) -> list[Column]:
    """Return the columns of the table of plans: which edition judges each, and what plan it is."""
    arrow = library("pyarrow")
    texts = ("plan", "policy", "edition", "judged_on", "digest", "file", "place")
    head = [Column(name, arrow.string(), f"p.{quoted(name)}") for name in texts]
    fields = schema.relations[schema.root].fields
    names = dict.fromkeys((*schema.policy, schema.date, *schema.summary))
    facts = [Column(name, arrow_type(fields[name].kind), f"p.{quoted(name)}") for name in names if name]
    return [*head, *facts]


def finding_columns(*, masked: bool = False) -> list[Column]:
    """Return the columns of the table of findings and gaps; `masked`: with no names of files."""
    arrow = library("pyarrow")
    texts = arrow.string()

    def listed(names: Sequence[str]) -> Any:
        return arrow.list_(arrow.struct([(name, texts) for name in names]))

    def plain(name: str) -> Column:
        return Column(name, texts, f"f.{quoted(name)}")

    def or_none(name: str) -> Column:
        return Column(name, texts, f"nullif(f.{quoted(name)}, '')")

    shown = "x.name || coalesce(' ' || x.shown, '') || CASE WHEN x.unit <> '' THEN ' ' || x.unit ELSE '' END"
    evidence = f"array_to_string(list_transform(f.evidence, lambda x: {shown}), '; ')"
    gap = len(CANNOT_BE_JUDGED) + 1
    because = f"CASE WHEN f.verdict = 'unknown' THEN substr(f.message, {gap}) END"
    return [
        Column("plan", texts, "p.plan"),
        Column("policy", texts, "p.policy"),
        Column("edition", texts, "p.edition"),
        plain("rule"),
        Column("topic", texts, "r.topic"),
        plain("verdict"),
        plain("severity"),
        plain("otherwise"),
        plain("relation"),
        or_none("subject"),
        or_none("label"),
        Column("subjects", arrow.int32(), "f.subjects"),
        plain("message"),
        Column("evidence", listed(EVIDENCE), "f.evidence", evidence),
        Column("reasons", listed(REASON), "f.reasons", "-"),
        Column("because", texts, because),
        or_none("as_stated"),
        or_none("waived"),
        Column("assumptions", arrow.list_(texts), "f.assumptions", "array_to_string(f.assumptions, '; ')"),
        Column("unstated", arrow.bool_(), "coalesce(f.unstated, false)"),
        Column("place", texts, masked_place("f.place")) if masked else or_none("place"),
        plain("key"),
    ]


def set_aside_schema() -> pyarrow.Schema:
    """Return the columns of the table of what was set aside."""
    arrow = library("pyarrow")
    return arrow.schema([(name, arrow.int64() if name == "row" else arrow.string()) for name in SET_ASIDE])


def schema_of(columns: Sequence[Column]) -> pyarrow.Schema:
    """Return the Arrow schema of columns."""
    arrow = library("pyarrow")
    return arrow.schema([(column.name, column.type) for column in columns])


def verdict_columns(policy: Policy, rules: Collection[str]) -> list[Column]:
    """Return a column for every rule of a policy; those that the edition has not are blank."""
    arrow = library("pyarrow")
    words, known = arrow.dictionary(arrow.int8(), arrow.string()), frozenset(rules)
    return [
        Column("plan", arrow.string(), "p.plan"),
        *(
            Column(rule, words, f"f.{quoted(rule)}" if rule in known else "CAST(NULL AS UTINYINT)")
            for rule in policy.rules
        ),
    ]


def measure_columns(checked: Checked) -> list[Column]:
    """Return a column for every measure of a policy."""
    arrow = library("pyarrow")
    found = [
        Column(name, arrow_type(measure.type.kind), f"f.{quoted(name)}")
        for name, measure in checked.measures.items()
        if name in checked.policy.measures
    ]
    return [Column("plan", arrow.string(), "p.plan"), *found]


def drawn_columns(policy: Policy) -> dict[str, list[Column]]:
    """Return by relation the columns of its rows that the policy's pictures draw, as numbers."""
    arrow = library("pyarrow")
    drawn: dict[str, dict[str, None]] = {}
    for picture in policy.pictures.values():
        if picture.relation:
            drawn.setdefault(picture.relation, {}).update(dict.fromkeys(picture.names))
    return {
        relation: [
            Column("plan", arrow.string(), "p.plan"),
            Column("row", arrow.string(), "f.id"),
            *(Column(name, arrow.float64(), f"CAST(f.{quoted(name)} AS DOUBLE)") for name in names),
        ]
        for relation, names in drawn.items()
    }
