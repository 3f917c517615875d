"""A chunk as the SQL back end leaves it, made of plans that the reference evaluator has judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from jobplan.evaluate import Judged
from jobplan.expression.checked import Checked
from jobplan.expression.scope import Ref, Type
from jobplan.facts import FactSchema
from jobplan.facts.codes import CAUSES, VERDICT_CODES, assumed_of, cause_of, text_of
from jobplan.model import Row

SQL = {"number": "DOUBLE", "truth": "BOOLEAN", "text": "VARCHAR", "date": "DATE", "unknown": "DOUBLE"}

ARROW = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "DOUBLE[]": pa.list_(pa.float64()),
    "UTINYINT": pa.uint8(),
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}

Columns = dict[str, str]
"""SQL types by name."""


def sql_type(found: Type) -> str:
    return f"{SQL[found.of]}[]" if found.kind == "list" else SQL[found.kind]


def in_sql(value: Any, kind: str) -> Any:
    if value is None or kind not in ("date", "list"):
        return value
    return date.fromordinal(value) if kind == "date" else list(value)


def load(chunk: duckdb.DuckDBPyConnection, judged: Sequence[Judged], schema: FactSchema) -> None:
    """Make the tables of `facts` and `work` for plans of one edition."""
    chunk.execute("CREATE SCHEMA facts; CREATE SCHEMA work")
    program = judged[0].worked.program
    checked = program.checked
    numbers: list[dict[Row, int]] = []
    for plan in judged:
        relations = plan.worked.relations.values()
        numbers.append({row: at for relation in relations for at, row in enumerate(relation.rows)})
    for name in checked.world.shapes:
        if name in schema.relations:
            write(chunk, "facts", name, *facts(judged, numbers, schema, name))
        write(chunk, "work", name, *worked(judged, numbers, schema, checked, name))
    rules = [rule.rule.id for rule in program.rules]
    rows = [
        {"P": at, **{r: VERDICT_CODES[v] for r, v in plan.verdicts().items()}}
        for at, plan in enumerate(judged)
    ]
    write(chunk, "work", "verdicts", {"P": "BIGINT", **dict.fromkeys(rules, "UTINYINT")}, rows)


def write(
    chunk: duckdb.DuckDBPyConnection,
    schema: str,
    name: str,
    columns: Columns,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    values = list(rows)
    arrays = [pa.array([row.get(column) for row in values], ARROW[kind]) for column, kind in columns.items()]
    chunk.register("rows", pa.table(arrays, names=list(columns)))
    listed = ", ".join(f'"{column}"::{kind} AS "{column}"' for column, kind in columns.items())
    chunk.execute(f'CREATE TABLE {schema}."{name}" AS SELECT {listed} FROM rows')
    chunk.unregister("rows")


def facts(
    judged: Sequence[Judged], numbers: Sequence[Mapping[Row, int]], schema: FactSchema, name: str
) -> tuple[Columns, list[dict[str, Any]]]:
    """Return the columns and rows of a relation of the schema."""
    fields = schema.relations[name].fields.values()
    columns = {"P": "BIGINT", "R": "BIGINT", "U": "BIGINT", "id": "VARCHAR", "@": "VARCHAR"}
    if name == schema.root:
        del columns["R"], columns["U"]
        columns |= {
            f"attested {what}": "BOOLEAN" for what in judged[0].worked.program.edition.policy.attested
        }
    for field in fields:
        of = SQL[field.of] if field.of else ""
        columns[field.name] = f"{of}[]" if field.form == "list" else SQL[field.kind]
        columns |= {cause_of(field.name): "UTINYINT", text_of(field.name): "VARCHAR"}
        columns[assumed_of(field.name)] = "VARCHAR"
    rows = []
    for at, plan in enumerate(judged):
        for row in plan.worked.relations[name].rows:
            found = keys(at, row, numbers[at]) | {"@": str(plan.plan.span(row) or "")}
            found |= {f"attested {what}": holds for what, holds in plan.worked.attested.items()}
            for field in fields:
                found[field.name] = in_sql(row[field.name], field.kind)
                found[cause_of(field.name)] = CAUSES[row.causes.get(field.name, "blank")] or None
                found[text_of(field.name)] = row.texts.get(field.name)
                found[assumed_of(field.name)] = row.assumed.get(field.name)
            rows.append(found)
    return columns, rows


def keys(at: int, row: Row, numbers: Mapping[Row, int]) -> dict[str, Any]:
    above = None if row.parent is None else row.parent
    return {"P": at, "R": numbers[row], "U": None if above is None else numbers[above], "id": row.id}


def worked(
    judged: Sequence[Judged],
    numbers: Sequence[Mapping[Row, int]],
    schema: FactSchema,
    checked: Checked,
    name: str,
) -> tuple[Columns, list[dict[str, Any]]]:
    """Return the columns and rows of what is worked out for a relation."""
    shape, program = checked.world.shapes[name], judged[0].worked.program
    kinds = {column: checked.type_of(Ref("column", column, name)) for column in shape.columns}
    if name not in schema.relations:
        kinds |= {fact: checked.type_of(Ref("fact", fact, name)) for fact in shape.facts}
    columns = {"P": "BIGINT", "R": "BIGINT", "U": "BIGINT", "id": "VARCHAR", "of": "VARCHAR"}
    columns |= {f"{alias} R": "BIGINT" for alias in shape.aliases}
    columns |= {column: sql_type(kind) for column, kind in kinds.items()}
    rules = [(place, rule.rule.id) for place, rule in enumerate(program.rules) if rule.rule.for_each == name]
    columns |= {f"rule {rule}": "UTINYINT" for _, rule in rules}
    measures = {}
    if name == schema.root:
        measures = {measure: checked.type_of(Ref("measure", measure)) for measure in checked.measures}
        columns |= {measure: sql_type(kind) for measure, kind in measures.items()}
    rows = []
    for at, plan in enumerate(judged):
        for place, row in enumerate(plan.worked.relations[name].rows):
            found = keys(at, row, numbers[at])
            found |= {column: in_sql(row[column], kind.kind) for column, kind in kinds.items()}
            found |= {f"{alias} R": numbers[at][row[alias]] for alias in shape.aliases}
            found |= {m: in_sql(plan.worked.measures[m], kind.kind) for m, kind in measures.items()}
            for index, rule in rules:
                found[f"rule {rule}"] = VERDICT_CODES[plan.by_row[index][place] or "unknown"]
            if name in checked.relations and checked.relations[name].derived.kind == "union":
                found["of"], found["U"] = member(plan, numbers[at], row)
            rows.append(found)
    return columns, rows


def member(plan: Judged, numbers: Mapping[Row, int], row: Row) -> tuple[str, int]:
    """Return the relation and number of the row that a row of a union is made of."""
    relation, _, id = row.id.partition(":")
    return relation, next(numbers[other] for other in plan.worked.relations[relation].rows if other.id == id)
