"""The rows that expressions stand on: a relation with its parents, the rows of a pair, and the root.

What is read of them gets a flat name: `n` of the row itself, `parent/n` of its parent, `a/n` of a row of a
pair, `this/n` of the row above an aggregate, `^n` of the root. Only what is read is joined.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.checked import Checked
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.facts.codes import cause_of, given_of
from jobplan.facts.schema import FactSchema

Path = tuple[str, ...]
ROOT: Path = ("^",)
KEYS = ("P", "R", "U")


def flat_name(path: Path, name: str) -> str:
    """Return the flat name of a field.

    >>> flat_name(("a", "parent"), "n"), flat_name(ROOT, "n")
    ('a/parent/n', '^n')
    """
    return f"^{name}" if path == ROOT else "/".join((*path, name))


@dataclass(frozen=True, slots=True)
class Stage:
    """A table that holds some fields of all rows of a relation."""

    table: exp.Table
    columns: frozenset[str]


@dataclass(slots=True)
class Tables:
    """What has been made so far: of each relation its tables, the widest knowledge last.

    `lacks` names, by relation, the table of the plans in which it may have more rows; `unlisted` that of
    the parent rows for which it may.
    """

    checked: Checked
    schema: FactSchema
    stages: dict[str, list[Stage]] = field(default_factory=dict)
    lacks: dict[str, exp.Table] = field(default_factory=dict)
    unlisted: dict[str, Tree] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Return the name of the root relation."""
        return self.checked.world.root

    def target(self, relation: str, path: Path) -> str:
        """Return the relation of the row to which a path leads."""
        if path == ROOT:
            return self.root
        for hop in path:
            shape = self.checked.world.shapes[relation]
            relation = shape.aliases.get(hop, shape.parent or self.root)
        return relation

    def add_facts(self, relation: str, given: exp.Table) -> None:
        """Let a table hold the facts of a relation."""
        fields = self.schema.relations[relation].fields
        names = {name for fact in fields for name in (fact, cause_of(fact))} | {"id"}
        names |= {given_of(child) for child in self.schema.relations[relation].children}
        if relation == self.root:
            names |= {f"attested {name}" for name in self.checked.policy.attested}
        self.stages[relation] = [Stage(given, frozenset(names))]

    def add(self, relation: str, table: exp.Table, columns: frozenset[str]) -> None:
        """Let a table hold further fields of a relation."""
        self.stages.setdefault(relation, []).append(Stage(table, columns))

    def has(self, relation: str, name: str) -> bool:
        """Tell whether a field of a relation stands in one of its tables."""
        return any(name in stage.columns for stage in self.stages.get(relation, ()))

    def covering(self, relation: str, wanted: set[str]) -> list[tuple[Stage, set[str]]]:
        """Return tables of a relation that hold all wanted fields, as few as it goes."""
        left, stages = set(wanted), list(reversed(self.stages[relation]))
        for stage in stages:
            if left <= stage.columns:
                return [(stage, left)]
        chosen: list[tuple[Stage, set[str]]] = []
        while left:
            best = max(stages, key=lambda stage: len(left & stage.columns))
            held = left & best.columns
            if not held:
                raise KeyError(f"{relation}: {sorted(left)}")
            chosen.append((best, held))
            left -= held
        return chosen


@dataclass(slots=True)
class Extra:
    """A query joined to a frame by keys (its column, the frame's flat name)."""

    query: Tree
    on: list[tuple[str, str]]
    columns: list[str]


@dataclass(slots=True)
class Frame:
    """The rows of one relation with all that is read beside them.

    `this` is the relation of the rows above an aggregate; without `upward`, the number of parents between,
    every row of the plan is set beside each of them.
    """

    tables: Tables
    relation: str
    this: str = ""
    upward: int = 0
    wants: dict[Path, set[str]] = field(default_factory=dict)
    extras: list[Extra] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @property
    def is_root(self) -> bool:
        """Tell whether the rows are those of the root."""
        return self.relation == self.tables.root

    def read(self, ref: Ref) -> Tree:
        """Return the column that a name stands for."""
        return self.field(self.path_of(ref), ref.name)

    def path_of(self, ref: Ref) -> Path:
        """Return the way from the row at hand to the row that has a field."""
        return ROOT if ref.kind == "measure" or ref.relation == self.tables.root else ref.path

    def field(self, path: Path, name: str) -> Tree:
        """Return a field by its path."""
        if path == () and self.is_root:
            path = ROOT
        if path != ROOT and self.leads(path) == self.tables.root:
            path = ROOT
        self.wants.setdefault(path, set()).add(name)
        return n.column(flat_name(path, name))

    def leads(self, path: Path) -> str:
        """Return the relation to which a path leads."""
        if path[:1] == ("this",):
            return self.tables.target(self.this, path[1:])
        return self.tables.target(self.relation, path)

    def lack(self, relation: str) -> Tree:
        """Return whether a relation may have more rows in the plan at hand."""
        if relation == self.tables.root:
            return n.truth(False)
        if relation not in self.tables.lacks:
            return n.known(self.field(ROOT, given_of(relation)))
        if relation not in self.lacking:
            self.lacking.append(relation)
        return n.known(n.column(f"!{relation}"))

    def add(self, query: Tree, on: list[tuple[str, str]], columns: list[str]) -> None:
        """Join a query, whose columns are then there under their own names; rows without match stay."""
        self.extras.append(Extra(query, on, columns))

    # --- the query --------------------------------------------------------------------------

    def build(self, *keys: str) -> exp.Select:
        """Return the query of the rows: P, the keys asked for and every field that was read."""
        return Builder(self).build(keys)


@dataclass(slots=True)
class Place:
    """One table joined: its alias, and the flat names that it gives by its own."""

    alias: str
    stage: Stage
    gives: dict[str, str]


@dataclass(slots=True)
class Builder:
    """Puts the query of a frame together."""

    frame: Frame
    nodes: dict[Path, dict[str, str]] = field(default_factory=dict)
    places: dict[Path, list[Place]] = field(default_factory=dict)
    count: int = 0

    def build(self, keys: tuple[str, ...]) -> exp.Select:
        """Return the query."""
        frame = self.frame
        base: Path = ROOT if frame.is_root else ()
        if frame.this:
            self.node(("this",))
            self.node(("parent",) * max(0, frame.upward - 1))
        self.node(base)
        for path, names in list(frame.wants.items()):
            for name in sorted(names):
                self.want(path, name)
        first = ("this",) if frame.this and not frame.upward else base
        order = [
            first,
            *sorted((p for p in self.nodes if p != first), key=lambda p: (p != base, self.far(p), p)),
        ]
        for path in order:
            self.place(path)
        query = n.select()
        at = self.places[base][0].alias
        for key in keys:
            query.append("expressions", n.named(n.column(key, at), key))
        return self.joined(query, order, at)

    def far(self, path: Path) -> int:
        """Return how many joins lead to the rows at a path."""
        return len(path) + (self.frame.upward if path[:1] == ("this",) else 0)

    def joined(self, query: exp.Select, order: list[Path], at: str) -> exp.Select:
        """Join all tables of the query, and name what they give."""
        begun, keys = False, {key.alias for key in query.expressions}
        for path in order:
            for number, place in enumerate(self.places[path]):
                other = n.source(place.stage.table, place.alias)
                if not begun:
                    n.read_from(query, other)
                    begun = True
                else:
                    n.join(query, other, self.condition(path, place, number, order[0]))
                for flat, own in place.gives.items():
                    if flat not in keys:
                        query.append("expressions", n.named(n.column(own, place.alias), flat))
        for relation in self.frame.lacking:
            alias = f"lack {relation}"
            on = n.same(n.column("P", alias), n.column("P", at))
            n.join(query, n.source(self.frame.tables.lacks[relation], alias), on, left=True)
            query.append("expressions", n.named(n.column("P", alias), f"!{relation}"))
        return self.with_extras(query, at)

    def with_extras(self, query: exp.Select, at: str) -> exp.Select:
        """Join the queries that were added."""
        for number, extra in enumerate(self.frame.extras):
            alias = f"x{number}"
            on = n.every(
                *(n.same(n.column(mine, alias), self.given(theirs, at)) for mine, theirs in extra.on)
            )
            n.join(query, n.source(extra.query, alias), on, left=True)
            for name in extra.columns:
                query.append("expressions", n.named(n.column(name, alias), name))
        return query

    def given(self, flat: str, at: str) -> Tree:
        """Return a key of the rows, or a field that was read, as it stands in the tables."""
        if flat in KEYS:
            return n.column(flat, at)
        for places in self.places.values():
            for place in places:
                if flat in place.gives:
                    return n.column(place.gives[flat], place.alias)
        raise KeyError(flat)

    def node(self, path: Path) -> dict[str, str]:
        """Return what is wanted of the rows at a path, which need those before it."""
        if path == () and self.frame.is_root:
            path = ROOT
        if path not in self.nodes:
            if len(path) > 1:
                self.node(path[:-1])
            self.nodes[path] = {}
        return self.nodes[path]

    def want(self, path: Path, name: str) -> None:
        """Find the row that has a field: one of those before may hold it too, under a flat name."""
        frame, flat = self.frame, flat_name(path, name)
        for length in range(len(path)):
            held = flat_name(path[length:], name)
            owner: Path = path[:length]
            if path != ROOT and frame.tables.has(frame.leads(owner), held):
                self.node(owner)[flat] = held
                return
        self.node(path)[flat] = name

    def place(self, path: Path) -> None:
        """Choose the tables that give what is wanted of the rows at a path."""
        wanted, tables = self.nodes[path], self.frame.tables
        relation = tables.root if path == ROOT else self.frame.leads(path)
        self.places[path] = []
        plain = {own for own in wanted.values() if own not in KEYS}
        plain |= {f"{p[-1]} R" for p in self.nodes if p and p[:-1] == path and self.is_side(path, p[-1])}
        keys = {flat: own for flat, own in wanted.items() if own in KEYS}
        for stage, held in tables.covering(relation, plain):
            gives = {flat: own for flat, own in wanted.items() if own in held}
            gives.update(keys)
            keys = {}
            self.places[path].append(Place(f"t{self.count}", stage, gives))
            self.count += 1

    def is_side(self, path: Path, hop: str) -> bool:
        """Tell whether a hop leads to a row of a pair."""
        if path == ROOT or hop == "this":
            return False
        return hop in self.frame.tables.checked.world.shapes[self.frame.leads(path)].aliases

    def condition(self, path: Path, place: Place, number: int, first: Path) -> Tree:
        """Return how a table is joined to those before it."""
        start = self.places[first][0].alias
        same_plan = n.same(n.column("P", place.alias), n.column("P", start))
        if number:
            of = self.places[path][0].alias
            return same_plan if path == ROOT else n.every(same_plan, self.same_row(place, n.column("R", of)))
        if path in (ROOT, ()):
            return same_plan
        if path == ("this",):
            return n.every(same_plan, self.same_row(place, self.link(("parent",) * self.frame.upward)))
        return n.every(same_plan, self.same_row(place, self.link(path)))

    def same_row(self, place: Place, row: Tree) -> Tree:
        """Return whether a table's row is the one with a number."""
        return n.same(n.column("R", place.alias), row)

    def link(self, path: Path) -> Tree:
        """Return the number of the row at a path as the row before it has it."""
        before, hop = path[:-1], path[-1]
        if not self.is_side(before, hop):
            return n.column("U", self.places[before][0].alias)
        name = f"{hop} R"
        place = next(place for place in self.places[before] if name in place.stage.columns)
        return n.column(name, place.alias)
