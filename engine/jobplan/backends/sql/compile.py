"""Compile an edition to the statements that work out and judge every plan of a chunk.

The statements read the tables of schema `facts` and leave their answers in schema `work`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.again import judged_again, refused
from jobplan.backends.sql.functions import DIALECTS
from jobplan.backends.sql.nodes import written
from jobplan.backends.sql.stages import Maker
from jobplan.backends.sql.unsupported import refuse_unsupported
from jobplan.backends.sql.verdicts import Views, open_relations, plan_verdicts
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.facts.schema import FactSchema


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The statements of an edition, to be run in order; `clear` takes away all that they made."""

    program: Program
    statements: tuple[str, ...]
    clear: tuple[str, ...]


def compile_verdicts(program: Program, schema: FactSchema, today: int, dialect: str = "duckdb") -> Verdicts:
    """Compile an edition for a present day. Raises UnsupportedRule for what cannot be written as SQL."""
    trees = verdict_trees(program, schema, today, dialect)
    return Verdicts(program, tuple(written(statement, dialect) for statement in trees), CLEAR)


def verdict_trees(program: Program, schema: FactSchema, today: int, dialect: str) -> list[Tree]:
    """Return the statements as trees, for a back end that puts their answers elsewhere."""
    refuse_unsupported(program, dialect)
    maker = Maker(program, schema, today, DIALECTS[dialect])
    maker.statements += [exp.Create(this=exp.Table(this=n.name("work")), kind="SCHEMA", exists=True)]
    maker.make()
    statements: list[Tree] = maker.statements
    statements.append(n.made_table("work", "verdicts", plan_verdicts(maker)))
    statements.append(n.made_table("work", "open", open_relations(maker)))
    for relation, query in Views(maker).all().items():
        statements.append(n.made_view("work", relation, query))
    statements.append(n.made_table("work", "refused", refused(maker)))
    statements += judged_again(maker)
    return statements


CLEAR = tuple(f'DROP SCHEMA IF EXISTS "{name}" CASCADE' for name in ("work", "stage", "stated", "again"))
