"""Compile an edition to the statements that work out and judge every plan of a chunk.

The statements read the tables of schema `facts` and leave their answers in schema `work`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.again import asked_again, judged_again, nothing_stated, refused
from jobplan.backends.sql.alone import alone
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
    """The statements of an edition, to be run in order; `clear` takes away all that they made.

    `first` works out and judges; then, if there are plans in work."again", `again` judges those once more
    on what they state themselves, and `otherwise` only makes the tables of that, without rows. Of verdicts
    alone there is nothing but `first`, which leaves no more than work."verdicts" and work."refused".
    """

    program: Program
    first: tuple[str, ...]
    again: tuple[str, ...]
    otherwise: tuple[str, ...]
    clear: tuple[str, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """Return everything, for who does not look whether there are plans to be judged again."""
        return (*self.first, *self.again)


def compile_verdicts(
    program: Program, schema: FactSchema, today: int, dialect: str = "duckdb", *, only: bool = False
) -> Verdicts:
    """Compile an edition for a present day, `only` for its verdicts.

    Raises UnsupportedRule for what cannot be written as SQL.
    """
    if only:
        trees = alone(made_first(program, schema, today, dialect, ordered=False).statements)
        return Verdicts(program, tuple(written(tree, dialect) for tree in trees), (), (), CLEAR)
    parts = verdict_trees(program, schema, today, dialect)
    first, again, otherwise = (tuple(written(tree, dialect) for tree in trees) for trees in parts)
    return Verdicts(program, first, again, otherwise, CLEAR)


def verdict_trees(
    program: Program, schema: FactSchema, today: int, dialect: str
) -> tuple[list[Tree], list[Tree], list[Tree]]:
    """Return the statements as trees, for a back end that puts their answers elsewhere."""
    maker = made_first(program, schema, today, dialect)
    return maker.statements, judged_again(maker), list(nothing_stated(maker))


def made_first(
    program: Program, schema: FactSchema, today: int, dialect: str, *, ordered: bool = True
) -> Maker:
    """Return what has made the statements that work out and judge, without stated figures."""
    refuse_unsupported(program, dialect)
    maker = Maker(program, schema, today, DIALECTS[dialect], ordered=ordered)
    maker.statements.append(exp.Create(this=exp.Table(this=n.name("work")), kind="SCHEMA", exists=True))
    maker.make()
    maker.statements.append(n.made_table("work", "verdicts", plan_verdicts(maker)))
    maker.statements.append(n.made_table("work", "open", open_relations(maker)))
    for relation, query in Views(maker).all().items():
        maker.statements.append(n.made_view("work", relation, query))
    maker.statements.append(n.made_table("work", "refused", refused(maker)))
    maker.statements.append(asked_again(maker))
    return maker


CLEAR = tuple(f'DROP SCHEMA IF EXISTS "{name}" CASCADE' for name in ("work", "stage", "stated", "again"))
