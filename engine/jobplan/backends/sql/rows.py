"""Working values out on rows, in levels: each value once, and before whatever reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import ROOT, Frame, Tables
from jobplan.backends.sql.functions import Functions
from jobplan.backends.sql.scalar import Scalar
from jobplan.backends.sql.wholes import Wholes
from jobplan.expression.checked import CheckedRule
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies, is_true
from jobplan.facts.codes import VERDICT_CODES, cause_of
from jobplan.policy.edition import Edition


@dataclass(frozen=True, slots=True)
class World:
    """What all statements of one edition share."""

    edition: Edition
    wholes: Wholes
    functions: Functions
    today: int
    tables: Tables


@dataclass(slots=True)
class Rows:
    """The rows of a relation on which values are worked out.

    `made` are the values by flat name with the level on which each is worked out: all that it reads
    stands on lower ones, facts on level 0. `local` maps columns of the same rows to their flat names.
    """

    world: World
    frame: Frame
    made: dict[str, tuple[int, Tree]] = field(default_factory=dict)
    held: dict[Tree, str] = field(default_factory=dict)
    local: dict[tuple[str, str], str] = field(default_factory=dict)
    conditions: list[Tree] = field(default_factory=list)
    scalar: Scalar = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.scalar = Scalar(world.edition, world.wholes, world.functions, world.today, self)

    # --- what scalars read ------------------------------------------------------------------

    def read(self, ref: Ref) -> Tree:
        """Return the column that a name stands for."""
        path = self.frame.path_of(ref)
        mine = path == () or (path == ROOT and self.frame.is_root)
        flat = self.local.get((ref.kind, ref.name)) if mine else None
        return n.column(flat) if flat is not None else self.frame.read(ref)

    def cause(self, ref: Ref) -> Tree | None:
        """Return the column that tells why a fact has no value."""
        if ref.kind != "fact" or ref.relation not in self.world.tables.schema.relations:
            return None
        return self.frame.field(self.frame.path_of(ref), cause_of(ref.name))

    def attested(self, name: str) -> Tree:
        """Return the column of an attestation."""
        return self.frame.field(ROOT, f"attested {name}")

    def hold(self, value: Tree) -> Tree:
        """Return a column that has been given a value."""
        if value not in self.held:
            self.held[value] = f"~{len(self.held)}"
            self.add(self.held[value], value)
        return n.column(self.held[value])

    # --- values -----------------------------------------------------------------------------

    def value(self, tree: Tree) -> Tree:
        """Return the value of a tree on these rows."""
        return self.scalar.value(tree)

    def add(self, flat: str, value: Tree) -> Tree:
        """Work a value out under a name."""
        level = 1
        for column in value.find_all(exp.Column):
            before = self.made.get(column.name)
            if before is not None:
                level = max(level, before[0] + 1)
        self.made[flat] = (level, value)
        return n.column(flat)

    def verdict(self, rule: CheckedRule) -> Tree:
        """Return the code of the verdict of a rule; what it requires is asked only where it applies."""
        codes = {verdict: n.whole(code) for verdict, code in VERDICT_CODES.items()}
        tree = effective_applies(self.world.tables.checked, rule)
        requires = self.value(rule.requires)
        judged = n.case(
            (requires, codes["satisfied"]),
            (n.negated(requires), codes["violated"]),
            otherwise=codes["unknown"],
        )
        if isinstance(rule.requires, exp.Boolean):
            judged = codes["satisfied" if is_true(rule.requires) else "violated"]
        else:
            judged = tiny(requires)
        if is_true(tree):
            return n.cast(judged, "UTINYINT")
        applies = self.scalar.held(self.applying(tree, rule))
        return n.cast(
            n.case(
                (applies, judged),
                (n.negated(applies.copy()), codes["not_applicable"]),
                otherwise=codes["unknown"].copy(),
            ),
            "UTINYINT",
        )

    def applying(self, tree: Tree, rule: CheckedRule) -> Tree:
        """Return whether a rule concerns a row; of a pair it is known already whether it is there."""
        made = self.world.tables.checked.relations.get(rule.rule.for_each)
        if made is None or made.derived.kind != "pairs":
            return self.value(tree)
        if tree is made.trees["where"]:
            return n.case((n.negated(self.frame.field((), "maybe")), n.truth(True)))
        if isinstance(tree, exp.And):
            return n.every(self.applying(tree.this, rule), self.applying(tree.expression, rule))
        return self.value(tree)

    # --- the query --------------------------------------------------------------------------

    def query(self, *keys: str) -> exp.Select:
        """Return the query of all rows with everything that was worked out, to select from."""
        found = self.frame.build(*keys)
        for level in range(1, 1 + max((level for level, _ in self.made.values()), default=0)):
            more = [n.named(value, flat) for flat, (mine, value) in self.made.items() if mine == level]
            found = n.read_from(n.select(exp.Star(), *more), n.source(found, "q"))
        return found

    def select(self, keys: tuple[str, ...], columns: dict[str, Tree], *wanted: Tree) -> exp.Select:
        """Return the query of some columns, of the rows that are wanted."""
        inner = self.query(*keys)
        chosen = [n.named(n.column(key), key) for key in keys]
        chosen += [n.named(value, name) for name, value in columns.items()]
        return n.where(n.read_from(n.select(*chosen), n.source(inner, "q")), *wanted)


def tiny(requires: Tree) -> Tree:
    """Return the code of a rule that applies: 1 if what it requires is true, 3 if false, 2 if unknown."""
    number = n.cast(requires, "UTINYINT")
    return n.coalesce(n.minus(n.whole(3), n.times(n.whole(2), number)), n.whole(2))
