"""What a finding looks at: the row judged, its parents, the sides of a pair, the whole plan; as joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.checked import Checked
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.facts.codes import cause_of, text_of
from jobplan.facts.schema import FactSchema

Path = tuple[str, ...]
"""The way from the row judged to another: `parent`, an alias of a pair, `of <member>` of a union, or ROOT."""

ROOT: Path = ("the root",)
ROW = "row"
"""The name under which everything that is looked at is read."""


@dataclass(slots=True)
class Sight:
    """The rows that can be reached from a row of one relation, and the columns asked of them.

    Columns of the schema's relations stand in `facts`, all that is worked out in `work`. With `among`, a
    table of `work` with some plans' numbers, nothing is read of other plans.
    """

    checked: Checked
    schema: FactSchema
    relation: str
    asked: dict[str, tuple[Path, bool, str]] = field(default_factory=dict)
    others: dict[str, tuple[str, str]] = field(default_factory=dict)
    among: str = ""

    # --- asking -----------------------------------------------------------------------------

    def read(self, ref: Ref) -> exp.Column:
        """Return the column that has what a name stands for in a row."""
        if ref.kind == "measure":
            return self.column(ROOT, ref.name, worked=True)
        path = self.path_of(ref)
        if ref.kind == "id":
            return self.column(path, "id")
        return self.column(path, ref.name, worked=ref.kind == "column")

    def cause(self, ref: Ref) -> exp.Column | None:
        """Return the column that tells why a fact has no value; None where nothing tells."""
        path = self.path_of(ref)
        return self.column(path, cause_of(ref.name)) if self.is_given(path) else None

    def text(self, ref: Ref) -> exp.Column:
        """Return the column that has what was written where a fact cannot be read, or has several values."""
        return self.column(self.path_of(ref), text_of(ref.name))

    def attested(self, name: str) -> exp.Column:
        """Return the column that has what people have stated of a matter."""
        return self.column(ROOT, f"attested {name}")

    def hold(self, value: Tree) -> Tree:
        """Return a value to be written again; what findings read is short."""
        return n.braced(value)

    def beside(self, name: str, of: str) -> exp.Column:
        """Return a column of a table with a row for some plans, which is NULL for others."""
        said = f"{name}::{of}"
        self.others[said] = (name, of)
        return n.column(said, ROW)

    def path_of(self, ref: Ref) -> Path:
        """Return the way to the row that has a fact or column."""
        return ROOT if ref.relation == self.schema.root else ref.path

    def column(self, path: Path, name: str, *, worked: bool = False) -> exp.Column:
        """Return a column of a row that can be reached; derived relations have only worked ones."""
        path = self.settled(path)
        worked = worked or not self.is_given(path)
        said = f"{'/'.join(path)}{':=' if worked else ':'}{name}"
        self.asked[said] = (path, worked, name)
        return n.column(said, ROW)

    def settled(self, path: Path) -> Path:
        """Return the one way to a row: the root is reached straight on."""
        return ROOT if self.relation_at(path) == self.schema.root else path

    def relation_at(self, path: Path) -> str:
        """Return the relation of the row that a way leads to."""
        found = self.relation
        for hop in path:
            shape = self.checked.world.shapes[found]
            if hop == ROOT[0]:
                found = self.schema.root
            elif hop == "parent":
                found = shape.parent or self.schema.root
            else:
                found = hop.removeprefix("of ") if hop.startswith("of ") else shape.aliases[hop]
        return found

    def is_given(self, path: Path) -> bool:
        """Tell whether a row is one of the schema's, so that it has facts."""
        return self.relation_at(path) in self.schema.relations

    def own(self, relation: str) -> Path | None:
        """Return the way to the row's own ancestor in a relation, if it has one there."""
        path: Path = ()
        while (found := self.relation_at(path)) != relation:
            if found == self.schema.root:
                return None
            path = (*path, "parent")
        return self.settled(path)

    # --- joining ----------------------------------------------------------------------------

    def select(self, *more: Tree) -> exp.Select:
        """Return the query that gives every column asked for, from the worked table of the relation.

        Rows are to be chosen by what stands there, which is called `row` in the query too.
        """
        keys = [n.column("P", ROW)]
        if self.relation != self.schema.root:
            keys.append(n.column("R", ROW))
        asked = (
            (said, n.column(name, self.alias(path, worked=worked)))
            for said, (path, worked, name) in self.asked.items()
        )
        others = ((said, n.column(of, f"beside {name}")) for said, (name, of) in self.others.items())
        columns = [n.named(column, said) for said, column in (*asked, *others)]
        query = n.read_from(n.select(*keys, *columns, *more), n.table("work", self.relation, ROW))
        for stands, condition, left in self.joins():
            query = n.join(query, stands, condition, left=left)
        return query

    def alias(self, path: Path, *, worked: bool) -> str:
        """Return the name of a table in the query."""
        if worked and self.relation_at(path) == self.relation and path in ((), ROOT):
            return ROW
        return f"{'/'.join(path) or 'itself'}{'=' if worked else ''}"

    def joins(self) -> Iterator[tuple[Tree, Tree, bool]]:
        """Yield the tables to be joined, those on the way first, with conditions; some rows may lack some."""
        wanted: dict[tuple[Path, bool], None] = {}
        for path, worked, _ in self.asked.values():
            for step in (path[:end] for end in range(1, len(path))):
                wanted[(step, not self.is_given(step))] = None
            if path not in ((), ROOT):
                wanted[(path, not self.is_given(path))] = None  # rows are found by their own table
            wanted[(path, worked)] = None
        for path, worked in wanted:
            alias = self.alias(path, worked=worked)
            if alias == ROW:
                continue
            stands = self.source("work" if worked else "facts", self.relation_at(path), alias)
            of_union = any(hop.startswith("of ") for hop in path)
            yield stands, self.condition(path, worked=worked), of_union
        for name in dict.fromkeys(name for name, _ in self.others.values()):
            alias = f"beside {name}"
            same = n.same(n.column("P", alias), n.column("P", ROW))
            yield n.table("work", name, alias), same, True

    def source(self, schema: str, name: str, alias: str) -> Tree:
        """Return a table to be joined, or the part of it that is of some plans."""
        if not self.among:
            return n.table(schema, name, alias)
        plans = n.read_from(n.select(n.column("P")), n.table("work", self.among))
        chosen = exp.In(this=n.column("P"), query=exp.Subquery(this=plans))
        return n.source(n.where(n.read_from(n.select(exp.Star()), n.table(schema, name)), chosen), alias)

    def condition(self, path: Path, *, worked: bool) -> Tree:
        """Return how a table is tied to those before it."""
        alias = self.alias(path, worked=worked)
        same = n.same(n.column("P", alias), n.column("P", ROW))
        if self.relation_at(path) == self.schema.root:
            return same
        number = n.column("R", alias)
        if not path:
            return n.every(same, n.same(number, n.column("R", ROW)))
        if worked and self.is_given(path):
            return n.every(same, n.same(number, n.column("R", self.alias(path, worked=False))))
        before = path[:-1]
        holder = self.alias(before, worked=not self.is_given(before)) if before else ROW
        hop = path[-1]
        if hop == "parent":
            return n.every(same, n.same(number, n.column("U", holder)))
        if hop.startswith("of "):
            is_member = n.same(n.column("of", holder), n.text(hop.removeprefix("of ")))
            return n.every(same, n.same(number, n.column("U", holder)), is_member)
        return n.every(same, n.same(number, n.column(f"{hop} R", holder)))
