"""Statements of an edition for Spark: one query a table, under names without schemas.

Spark has no tables that go away by themselves, so a table is a query whose rows are kept as Parquet and read
under a name of the session. What Spark means otherwise by the same words is put right here, tree by tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.dialect import Dialect

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.compile import verdict_trees
from jobplan.backends.sql.functions import SPARK
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.facts.schema import FactSchema

FACTS, WORK = "facts", "work"
WIDE = exp.DataType.build(SPARK.big)
HALF = 2.0**53
"""The whole doubles below this have no more digits than a BIGINT holds."""


@dataclass(frozen=True, slots=True)
class Step:
    """A query under a name, which `reads` what others gave names; `kept` if it is not to be run again."""

    name: str
    query: str
    kept: bool
    reads: frozenset[str]


def view_name(schema: str, table: str) -> str:
    """Return the name that a table of a schema has in Spark."""
    return f"{schema} {table}"


@dataclass(frozen=True, slots=True)
class Steps:
    """The queries of an edition, in order.

    `again` follows `first` where plans are judged once more on what they state themselves, else `otherwise`.
    """

    first: tuple[Step, ...]
    again: tuple[Step, ...]
    otherwise: tuple[Step, ...]


def compile_steps(program: Program, schema: FactSchema, today: int) -> Steps:
    """Compile an edition for a present day. Raises UnsupportedRule for what cannot be written as SQL."""
    parts = verdict_trees(program, schema, today, "spark")
    return Steps(*(tuple(step_of(t) for t in trees if t.args["kind"] != "SCHEMA") for trees in parts))


def step_of(statement: Tree) -> Step:
    """Return the query of a statement that makes a table or a view."""
    made = statement.this
    query, reads = written(statement.expression)
    return Step(view_name(made.db, made.name), query, statement.args["kind"] == "TABLE", reads)


def written(tree: Tree) -> tuple[str, frozenset[str]]:
    """Return a tree as Spark SQL, and the names of the tables that it reads."""
    writer = Writer(dialect=DIALECT, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)
    return writer.generate(tree, copy=False), frozenset(writer.reads)


DIALECT = "spark"


CALLS: Mapping[str, str] = {
    # those of Spark give a BIGINT, and end where that does
    "floor": "(RINT{0} - CAST(RINT{0} > {0} AS DOUBLE))",
    "ceil": "(RINT{0} + CAST(RINT{0} < {0} AS DOUBLE))",
    # without its upper end; SEQUENCE would count downwards
    "range": "IF({1} > {0}, SEQUENCE(CAST({0} AS BIGINT), CAST({1} AS BIGINT) - 1), ARRAY())",
    "unnest": "EXPLODE{0}",
}
"""How calls are written whose words Spark lacks, or takes for something else."""

SparkWriter: Any = Dialect.get_or_raise(DIALECT).generator_class


class Writer(SparkWriter):  # type: ignore[misc]
    """Writes trees so that their words mean in Spark what they mean elsewhere; `reads` are the tables met."""

    TRANSFORMS: ClassVar[Mapping[type[exp.Expr], Any]] = {
        kind: write for kind, write in SparkWriter.TRANSFORMS.items() if kind is not exp.TryCast
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.reads: set[str] = set()

    def table_sql(self, expression: exp.Table, sep: str = " AS ") -> str:
        """Write a table under its one name."""
        name = view_name(expression.db, expression.name)
        self.reads.add(name)
        alias = self.sql(expression, "alias")
        return f"{self.sql(n.name(name))}{sep if alias else ''}{alias}"

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        """Write a call."""
        form = CALLS.get(expression.name.lower())
        if form is None:
            return str(super().anonymous_sql(expression))
        return form.format(*(f"({self.sql(value)})" for value in expression.expressions))

    def trycast_sql(self, expression: exp.TryCast) -> str:
        """Write a cast; a double becomes a long whole number by halves: Spark would round it on the way."""
        if expression.to != WIDE:
            return str(self.cast_sql(expression))  # what does not fit is NULL anyway, see SETTINGS
        value = expression.this
        high = n.call("floor", n.binary(exp.Div, value.copy(), n.number(HALF)))
        low = n.minus(value.copy(), n.times(high.copy(), n.number(HALF)))
        parts = [n.cast(n.cast(part, "BIGINT"), SPARK.big) for part in (high, low)]
        whole = n.add(n.times(parts[0], n.cast(n.whole(int(HALF)), SPARK.big)), parts[1])
        return f"({self.sql(whole)})"
