"""The rows that one statement on reasons goes over, with all that its trees read beside each.

Every column that is read gets one flat name in an inner select: expressions stand in selects around it, so
that one can read what another has found in the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.reasons_trees import integer
from jobplan.expression.checked import Checked
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.facts.codes import cause_of
from jobplan.facts.schema import FactSchema

Path = tuple[str, ...]
Companion = tuple[str, str, str]
"""Kind, relation and name of what has its reasons worked out."""

THIS = "this"
OF = "of "
"""Before the name of a member of a union: the way to the row of that member."""

ROOT: Path = ("root",)
"""Stands for the way to the plan's own row from any other."""


Write = Callable[[Tree], exp.Expr]
"""Writes the value of a tree."""


@dataclass(frozen=True, slots=True)
class Base:
    """Which rows: those of a relation, beside them `this` row of another.

    `this` is a row above, found by going up, or every row of its relation in the plan where it is `apart`.
    """

    relation: str
    this: str = ""
    apart: bool = False


@dataclass(slots=True)
class Frame:
    """The rows of one statement; what is asked for is joined.

    `tables` names the table and column of each companion worked out before, `here` those that are worked
    out in this statement.
    """

    checked: Checked
    schema: FactSchema
    base: Base
    tables: Mapping[Companion, tuple[str, str]]
    write: Callable[[Frame], Write]
    here: set[Companion] = field(default_factory=set)
    picked: dict[str, exp.Expr] = field(default_factory=dict)
    joins: dict[str, exp.Join] = field(default_factory=dict)
    held: dict[str, tuple[str, int, exp.Expr]] = field(default_factory=dict)
    _write: Write | None = None

    @property
    def root(self) -> str:
        """Return the name of the plan's own relation."""
        return self.checked.world.root

    # --- values -----------------------------------------------------------------------------

    def value(self, tree: Tree) -> exp.Expr:
        """Return the value of a tree, NULL where it is unknown."""
        if self._write is None:
            self._write = self.write(self)
        return self._write(tree)

    def read(self, ref: Ref) -> exp.Expr:
        """Return the value of a name."""
        return self.column(ref)

    def attested(self, name: str) -> exp.Expr:
        """Return what is attested."""
        return self.pick(ROOT, "facts", f"attested {name}")

    def hold(self, value: exp.Expr) -> exp.Expr:
        """Return a column that has been given a value, so that it is worked out only once."""
        said = value.sql()
        if said not in self.held:
            inside = {name: level for name, level, _ in self.held.values()}
            levels = [inside[column.name] for column in value.find_all(exp.Column) if column.name in inside]
            self.held[said] = (f"held {len(self.held)}", max(levels, default=-1) + 1, value)
        return named(self.held[said][0])

    def words_of(self, words: exp.Expr) -> exp.Expr:
        """Return the number of a text that depends on the plan."""
        known = n.call("map", n.call("list", n.column("text")), n.call("list", n.column("number")))
        numbers = n.read_from(n.select(known), n.table("work", "words"))
        return n.call("map_extract_value", exp.Subquery(this=numbers), words)

    def any_rows(self, relation: str) -> exp.Expr:
        """Return a column that is there if the plan has rows of a relation."""
        alias = f"rows:{relation}"
        if alias not in self.joins:
            rows = exp.select(n.column("P")).distinct().from_(table_of(self.home(relation), relation))
            test = n.same(n.column("P", alias), n.column("P", "base"))
            self.joins[alias] = exp.Join(
                this=rows.subquery(exp.to_identifier(alias, quoted=True)), on=test, side="LEFT"
            )
        flat = f"{alias}:P"
        self.picked.setdefault(flat, n.column("P", alias))
        return named(flat)

    # --- names ------------------------------------------------------------------------------

    def column(self, ref: Ref) -> exp.Expr:
        """Return the value of a name."""
        if ref.kind == "measure":
            return self.pick(ROOT, "work", ref.name)
        path, relation = self.owner(ref)
        if ref.kind == "id":
            return self.pick(path, self.home(relation), "id")
        stored = ref.kind == "fact" and relation in self.schema.relations
        return self.pick(path, "facts" if stored else "work", ref.name)

    def cause(self, ref: Ref) -> exp.Expr | None:
        """Return the code of the cause for which a fact is not there, NULL for blank; None: always blank."""
        path, relation = self.owner(ref)
        if relation not in self.schema.relations:
            return None
        return self.pick(path, "facts", cause_of(ref.name))

    def rank(self, ref: Ref) -> exp.Expr:
        """Return the rank of the row that has a fact."""
        return self.rank_of(self.owner(ref)[0])

    def rank_of(self, path: Path) -> exp.Expr:
        """Return the rank of a row; the plan's own is the first of one."""
        return integer(1) if path == ROOT else self.pick(path, "rank", "rank")

    def rank_for(self, child: str) -> exp.Expr:
        """Return the rank of the row at hand among the rows of a relation inside it and their parents."""
        return self.pick((), f"rank above {child}", "rank")

    def companion(self, kind: str, relation: str, name: str, path: Path) -> exp.Expr:
        """Return the reasons that have been worked out for something in the row at the end of a path."""
        key = (kind, relation, name)
        if key in self.here:
            return named(flat_name(key))
        table, column = self.tables[key]
        where = ROOT if relation in ("", self.root) else self.plain(path)
        return self.pick(where, table, column)

    def made_by_union(self, relation: str) -> bool:
        """Tell whether a relation is a union, whose fields are worked out."""
        derived = self.checked.relations.get(relation)
        return derived is not None and derived.derived.kind == "union"

    def owner(self, ref: Ref) -> tuple[Path, str]:
        """Return the way to the row that has a field, and its relation."""
        return (ROOT if ref.relation == self.root else self.plain(ref.path)), ref.relation

    # --- rows -------------------------------------------------------------------------------

    def plain(self, path: Path) -> Path:
        """Return a path in which `this` row is found by going up, where it lies above."""
        if path[:1] == (THIS,) and not self.base.apart:
            return (*self.up(self.base.this), *path[1:])
        return ROOT if self.relation_at(path) == self.root else path

    def up(self, relation: str, start: str = "") -> Path:
        """Return the way up from the row at hand to the row of a relation above it."""
        above = list(self.checked.world.ancestors(start or self.base.relation))
        return ("parent",) * above.index(relation) if relation != self.root else ROOT

    def relation_at(self, path: Path) -> str:
        """Return the relation of the row at the end of a path."""
        relation = self.base.relation
        for hop in path:
            shape = self.checked.world.shapes[relation]
            if hop in (THIS, *ROOT):
                relation = self.base.this if hop == THIS else self.root
            elif hop.startswith(OF):
                relation = hop.removeprefix(OF)
            else:
                relation = str(shape.parent) if hop == "parent" else shape.aliases[hop]
        return relation

    def home(self, relation: str) -> str:
        """Return the schema that has the rows of a relation."""
        return "facts" if relation in self.schema.relations else "work"

    def number_of(self, path: Path) -> exp.Expr:
        """Return the number of the row at the end of a path, as a column of the joined tables."""
        if not path or path == (THIS,):
            return exp.column("R", self.joined(path, self.home(self.relation_at(path))), quoted=True)
        *before, hop = path
        relation = self.relation_at(tuple(before))
        if hop == "parent" or hop.startswith(OF):
            return exp.column("U", self.joined(tuple(before), self.home(relation)), quoted=True)
        return exp.column(f"{hop} R", self.joined(tuple(before), "work"), quoted=True)

    def pick(self, path: Path, table: str, column: str) -> exp.Expr:
        """Return a column of a table about the row at the end of a path, by its flat name."""
        flat = f"{'.'.join(path)}:{table}:{column}"
        if flat not in self.picked:
            self.picked[flat] = exp.column(column, self.joined(path, table), quoted=True)
        return named(flat)

    def joined(self, path: Path, table: str) -> str:
        """Return the alias of a table about the row at the end of a path, joined if it is not yet."""
        relation = self.root if path == ROOT else self.relation_at(path)
        if not path and table == self.home(relation):
            return "base"
        if path == ROOT and self.base.relation == self.root:
            return self.joined((), table)
        alias = f"{'.'.join(path)}:{table}"
        if alias not in self.joins:
            tests = [
                exp.EQ(
                    this=exp.column("P", alias, quoted=True), expression=exp.column("P", "base", quoted=True)
                )
            ]
            if relation != self.root and not (path == (THIS,) and table == self.home(relation)):
                number = self.number_of(path)
                tests.append(exp.EQ(this=exp.column("R", alias, quoted=True), expression=number))
            side = "LEFT" if table not in ("facts", "work") else ""
            source = table_of(table, relation).as_(alias, quoted=True)
            self.joins[alias] = exp.Join(this=source, on=exp.and_(*tests), side=side)
        return alias

    # --- statements -------------------------------------------------------------------------

    def select(self, layers: Sequence[Mapping[str, exp.Expr]], where: exp.Expr | None) -> exp.Select:
        """Return a select of all that is picked, with what each layer adds to the one before.

        Only rows for which `where` holds are taken.
        """
        picks = [column.as_(flat, quoted=True) for flat, column in self.picked.items()]
        source = table_of(self.home(self.base.relation), self.base.relation).as_("base", quoted=True)
        found = exp.select(*picks).from_(source)
        for join in self.joins.values():
            found.append("joins", join)
        found = added(found, self.holding())
        if where is not None:
            found = n.where(n.read_from(n.select(exp.Star()), n.source(found, "picked")), where)
        return added(found, layers)

    def holding(self) -> list[dict[str, exp.Expr]]:
        """Return the layers of what is held, each after all that it reads."""
        layers: dict[int, dict[str, exp.Expr]] = {}
        for name, level, value in self.held.values():
            layers.setdefault(level, {})[name] = value
        return [layers[level] for level in sorted(layers)]


def added(found: exp.Select, layers: Iterable[Mapping[str, exp.Expr]]) -> exp.Select:
    """Return a select with what each layer adds to the one before."""
    for layer in layers:
        more = [n.named(written, name) for name, written in layer.items()]
        found = n.read_from(n.select(exp.Star(), *more), n.source(found, "layer"))
    return found


def table_of(table: str, relation: str) -> exp.Table:
    """Return a table: facts or worked-out columns of a relation, ranks of rows, or one by its own name."""
    if table in ("facts", "work"):
        return exp.table_(relation, db=table, quoted=True)
    return exp.table_(f"rank {relation}" if table == "rank" else table, db="work", quoted=True)


def named(flat: str) -> exp.Expr:
    """Return a column by its flat name."""
    return exp.column(flat, quoted=True)


def flat_name(key: Companion) -> str:
    """Return the flat name of a companion that is worked out in the statement at hand."""
    return " ".join(("why", *key))
