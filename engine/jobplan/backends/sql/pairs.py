"""Pairs of rows of two relations, or of one unordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import KEYS, ROOT, Frame, Path, flat_name
from jobplan.backends.sql.meetings import (
    STRETCHES,
    Meeting,
    Overlapping,
    first_stretch,
    key_of,
    meeting,
    on_lap,
    stretches,
)
from jobplan.backends.sql.rows import Rows
from jobplan.expression.checked import CheckedDerived, refs
from jobplan.expression.emit import flat
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.expression.spans import MOST_PAIRS

if TYPE_CHECKING:
    from jobplan.backends.sql.stages import Maker

ALONE = "~alone"
"""What is asked of one side alone, as a column of its rows: true, or not known."""


@dataclass(slots=True)
class SideBySide(Frame):
    """Rows of two relations set beside each other, before it is known which of them are pairs."""

    sides: dict[str, Rows] = field(default_factory=dict)
    on: list[Tree] = field(default_factory=list)
    meeting: Meeting | None = None
    create: Callable[[str, Tree], exp.Table] | None = None

    def field(self, path: Path, name: str) -> Tree:
        """Return a field of one side, or of the root."""
        if path[:1] and path[0] in self.sides:
            return self.of_side(path[0], path[1:], name)
        return Frame.field(self, path, name)

    def of_side(self, alias: str, path: Path, name: str) -> Tree:
        """Return a field of the row on one side."""
        frame = self.sides[alias].frame
        found = frame.field(path, name)
        if path and frame.leads(path) == self.tables.root:
            return Frame.field(self, ROOT, name)
        self.wants.setdefault((alias, *path), set()).add(name)
        assert isinstance(found, exp.Column)
        return n.column(flat_name((alias, *path), name))

    def build(self, *keys: str) -> exp.Select:
        """Return the query of all rows that may be pairs, with what is read of each; none comes twice."""
        a, b = self.sides
        branches = [self.beside(a, b, one, other, on, keys) for one, other, on in self.branches(a, b)]
        query = n.read_from(n.select(exp.Star()), n.source(n.union(*branches), "both"))
        if ROOT in self.wants:
            root = Frame(self.tables, self.tables.root, wants={ROOT: self.wants[ROOT]})
            query.set("expressions", [exp.Column(this=exp.Star(), table=n.name("both"))])
            n.join(
                query, n.source(root.build("P"), "root"), n.same(n.column("P", "root"), n.column("P", "both"))
            )
            for name in sorted(self.wants[ROOT]):
                flat_ = flat_name(ROOT, name)
                query.append("expressions", n.named(n.column(flat_, "root"), flat_))
        return query

    def beside(
        self, a: str, b: str, one: Tree, other: Tree, on: list[Tree], keys: tuple[str, ...]
    ) -> exp.Select:
        """Return the query of rows of two sides that share their plan, and more."""
        query = n.read_from(n.select(), n.source(one, a))
        same_plan = n.same(n.column("P", a), n.column("P", b))
        n.join(query, n.source(other, b), n.every(same_plan, *on, *(part.copy() for part in self.on)))
        for key in keys:
            query.append("expressions", n.named(n.column(key, a), key))
        for alias in (a, b):
            query.append("expressions", n.named(n.column("R", alias), f"{alias} R"))
            if ALONE in self.sides[alias].made:
                query.append("expressions", n.named(n.column(ALONE, alias), f"{alias}/{ALONE}"))
        for path, names in self.wants.items():
            if path != ROOT:
                for name in sorted(names):
                    inner = flat_name(path[1:], name)
                    query.append("expressions", n.named(n.column(inner, path[0]), flat_name(path, name)))
        return query

    def branches(self, a: str, b: str) -> Iterator[tuple[Tree, Tree, list[Tree]]]:
        """Yield the joins that hold all pairs: two sides and what they share beside the plan."""
        first, second = self.kept()
        if self.meeting is None:
            yield first, second, []
            return
        if isinstance(self.meeting, Overlapping):
            fields = [list(self.meeting.first), list(self.meeting.second)]
            sides = [
                exploded(side, flats(refs), self.meeting.circle)
                for side, refs in zip((first, second), fields, strict=True)
            ]
            yield (
                sides[0],
                sides[1],
                [n.same(n.column("stretch", a), n.column("stretch", b)), first_met(a, b)],
            )
        else:
            fields = [[equal.first for equal in self.meeting], [equal.second for equal in self.meeting]]
            known = [
                unknown_in(side, flats(refs))[1] for side, refs in zip((first, second), fields, strict=True)
            ]
            earlier: list[Tree] = []
            for equal in self.meeting:
                keys = [
                    key_of(n.column(flats([ref])[0], alias), number=equal.number)
                    for ref, alias in ((equal.first, a), (equal.second, b))
                ]
                yield (
                    known[0].copy(),
                    known[1].copy(),
                    [n.same(*keys), *(n.negated(k.copy()) for k in earlier)],
                )
                earlier.append(n.same(*(key.copy() for key in keys)))
        # a row that lacks such a field may meet any other
        unsure, sure = unknown_in(first, flats(fields[0]))
        yield unsure, second.copy(), []
        yield sure, unknown_in(second, flats(fields[1]))[0], []

    def kept(self) -> list[Tree]:
        """Return the rows of both sides, which are read several times and so stand in tables."""
        queries = [self.side(alias, rows) for alias, rows in self.sides.items()]
        if self.create is None or self.meeting is None:
            return queries
        a, b = self.sides
        first = self.create(f"{self.relation} {a}", queries[0])
        second = first if queries[0] == queries[1] else self.create(f"{self.relation} {b}", queries[1])
        return [n.read_from(n.select(exp.Star()), table.copy()) for table in (first, second)]

    def side(self, alias: str, rows: Rows) -> Tree:
        """Return the rows that may stand on one side."""
        columns: dict[str, Tree] = {
            flat_name(path[1:], name): n.column(flat_name(path[1:], name))
            for path, names in self.wants.items()
            if path[:1] == (alias,)
            for name in sorted(names)
        }
        if ALONE in rows.made:
            columns[ALONE] = n.column(ALONE)
        return rows.select(("P", "R"), columns, *rows.conditions)


def flats(refs: list[Ref]) -> list[str]:
    """Return the flat names of fields in the rows of their own side."""
    return [flat_name(ref.path[1:], ref.name) for ref in refs]


def unknown_in(side: Tree, names: list[str]) -> tuple[Tree, Tree]:
    """Return the rows of a side that lack one of some fields, and those that do not."""
    lacking = n.either(*(n.missing(n.column(name)) for name in names))
    return tuple(  # type: ignore[return-value]
        n.where(n.read_from(n.select(exp.Star()), n.source(side.copy(), "s")), test)
        for test in (lacking, n.negated(lacking.copy()))
    )


def exploded(side: Tree, names: list[str], circle: float) -> Tree:
    """Return the rows of a side once for each stretch of a circle that they touch."""
    start, lasts = (n.column(name) for name in names)
    begins, count = (
        n.named(first_stretch(start, circle), "from"),
        n.named(stretches(start, lasts, circle), "touched"),
    )
    known = n.every(n.known(start.copy()), n.known(lasts.copy()))
    rows = n.where(n.read_from(n.select(exp.Star(), begins, count), n.source(side.copy(), "s")), known)
    one = n.named(on_lap(n.column("from")), "stretch")
    first = n.read_from(n.select(exp.Star(), one), n.source(rows, "s"))
    step = n.call("unnest", n.call("range", n.whole(1), n.column("touched")))
    more = n.where(
        n.read_from(n.select(exp.Star(), n.named(step, "step")), n.source(rows.copy(), "s")),
        n.binary(exp.GT, n.column("touched"), n.whole(1)),
    )
    later = n.named(on_lap(n.add(n.column("from"), n.cast(n.column("step"), "DOUBLE"))), "stretch")
    star = exp.Star(except_=[n.name("step")])
    return n.union(first, n.read_from(n.select(star, later), n.source(more, "s")))


def first_met(a: str, b: str) -> Tree:
    """Return whether a stretch that two rows share is the first that the one on side `a` comes to.

    That is where it begins or, if the other does not lie there, where the other begins.
    """
    mine, theirs = (on_lap(n.column("from", alias)) for alias in (a, b))
    here = n.column("stretch", a)
    ahead = n.minus(mine, theirs)
    turned = n.minus(
        ahead,
        n.times(n.number(STRETCHES), n.call("floor", n.binary(exp.Div, ahead.copy(), n.number(STRETCHES)))),
    )
    apart = n.binary(exp.GTE, turned, n.cast(n.column("touched", b), "DOUBLE"))
    return n.either(n.same(here, mine.copy()), n.every(n.same(here.copy(), theirs.copy()), apart))


@dataclass(slots=True)
class Pairs:
    """Makes pairs."""

    maker: Maker

    def make(self, checked: CheckedDerived) -> None:
        """Make the pairs of a relation; one that may not exist says `maybe`."""
        derived, maker = checked.derived, self.maker
        name, tables = derived.name, maker.world.tables
        (a, left), (b, right) = derived.sources.items()
        sides = {alias: Rows(maker.world, Frame(tables, of)) for alias, of in derived.sources.items()}
        self.crowded(name, left, right)
        where = checked.trees["where"]
        both = SideBySide(tables, name, sides=sides, meeting=meeting(where, a, b), create=maker.create)
        rows = Rows(maker.world, both)
        told = [rows.value(part) for part in self.ask_alone(checked, sides)]
        told += [n.column(f"{alias}/{ALONE}") for alias in (a, b) if ALONE in sides[alias].made]
        crowd = n.read_from(n.select(n.column("P")), maker.crowded[name].copy())
        crowded = exp.In(this=n.column("P"), query=exp.Subquery(this=crowd))
        for rows_ in sides.values():
            rows_.conditions.append(n.negated(crowded.copy()))
        exists = rows.hold(n.every(*told))
        wanted_id = ((), "id") in maker.needs.fields.get(name, set())
        with_ids = left == right or wanted_id
        ids = [both.field((alias,), "id") for alias in (a, b)] if with_ids else []
        if left == right:
            both.on.append(n.binary(exp.LT, n.column("id", a), n.column("id", b)))
        carried = {flat: column for flat, column in self.carried(name, both) if flat not in ("a/id", "b/id")}
        sides_ = [n.column(f"{alias} R") for alias in (a, b)]
        picked = [n.column("P"), *sides_, n.named(n.missing(exists), "maybe"), *ids]
        picked += [column for column in carried.values() if column not in picked]
        inner = n.read_from(n.select(*picked), n.source(rows.query("P"), "q"))
        found = n.where(inner, n.coalesce(exists.copy(), n.truth(True)))
        order = ids if left == right else sides_
        number = maker.numbered([key.copy() for key in order])
        columns: dict[str, Tree] = {"P": n.column("P"), "R": number}
        columns["U"] = n.cast(exp.Null(), "BIGINT")
        columns |= {f"{alias} R": n.column(f"{alias} R") for alias in (a, b)}
        columns["maybe"] = n.column("maybe")
        columns |= {flat: column.copy() for flat, column in carried.items()}
        if with_ids:
            columns["id"] = n.binary(
                exp.DPipe, n.binary(exp.DPipe, ids[0].copy(), n.text("+")), ids[1].copy()
            )
        made = maker.create(
            name,
            n.read_from(
                n.select(*(n.named(value, key) for key, value in columns.items())), n.source(found, "q")
            ),
        )
        tables.add(name, made, frozenset(columns) - {"P", "R", "U"})
        self.lack(name, left, right)

    def crowded(self, name: str, left: str, right: str) -> None:
        """Note the plans that have too many rows to compare each with each."""
        maker = self.maker
        counted = [self.counted(relation, alias) for relation, alias in ((left, "l"), (right, "r"))]
        query = n.read_from(n.select(n.column("P", "l")), counted[0])
        n.join(query, counted[1], n.same(n.column("P", "l"), n.column("P", "r")))
        many = n.binary(exp.GT, n.times(n.column("n", "l"), n.column("n", "r")), n.whole(MOST_PAIRS))
        maker.crowded[name] = maker.create(f"crowded {name}", n.where(query, many))

    def counted(self, relation: str, alias: str) -> Tree:
        """Return how many rows of a relation each plan has."""
        rows = n.source(Frame(self.maker.world.tables, relation).build("P"), "r")
        query = n.read_from(n.select(n.column("P"), n.named(n.call("count", exp.Star()), "n")), rows)
        return n.source(n.grouped(query, n.column("P")), alias)

    def ask_alone(self, checked: CheckedDerived, sides: dict[str, Rows]) -> list[Tree]:
        """Leave out the rows that can be on no pair: what is asked of one side alone is false of them.

        Returns what else is asked.
        """
        asked: dict[str, list[Tree]] = {}
        left: list[Tree] = []
        for part in flat(checked.trees["where"], exp.And):
            aliases = {ref.path[0] for ref in refs(part) if ref.path and ref.path[0] in sides}
            if len(aliases) == 1:
                asked.setdefault(aliases.pop(), []).append(part)
            else:
                left.append(part)
        for alias, parts in asked.items():
            rows = sides[alias]
            one = OneSide(rows.frame.tables, rows.frame.relation, rows=rows, alias=alias)
            told = Rows(self.maker.world, one)
            truth = n.every(*(told.value(part) for part in parts))
            for flat_, (_, value) in told.made.items():
                rows.add(flat_, value)
            rows.conditions.append(n.coalesce(rows.add(ALONE, truth), n.truth(True)))
        return left

    def carried(self, name: str, both: SideBySide) -> Iterator[tuple[str, Tree]]:
        """Yield what others read of the rows through their pairs, to stand beside these."""
        needs, tables = self.maker.needs, self.maker.world.tables
        before = needs.fields
        read = needs.fields_after(frozenset({("relation", name, "")}), frozenset()).get(name, set())
        needs.fields = before
        for path, word in sorted(read):
            if path[:1] and path[0] in both.sides and word not in KEYS:
                owner = tables.target(name, path)
                if owner != tables.root and tables.has(owner, word):
                    yield flat_name(path, word), both.field(path, word)

    def lack(self, name: str, left: str, right: str) -> None:
        """Note the plans in which there may be more pairs: a side that is known to be empty settles it."""
        maker = self.maker
        queries: list[Tree] = []
        one, other = self.lacks(left), self.lacks(right)
        if one is not None and other is not None:
            queries.append(self.both(one, other))
        if one is not None:
            queries.append(self.both(one, self.has_rows(right)))
        if other is not None:
            queries.append(self.both(other, self.has_rows(left)))
        maker.lack(name, [], queries)

    def lacks(self, relation: str) -> Tree | None:
        """Return the plans in which a side may have more rows."""
        found = self.maker.lacking(relation)
        return n.union(*found) if found else None

    def has_rows(self, relation: str) -> Tree:
        """Return the plans in which a side has rows."""
        return n.read_from(
            n.select(n.column("P")), n.source(Frame(self.maker.world.tables, relation).build("P"), "r")
        )

    def both(self, one: Tree, other: Tree) -> Tree:
        """Return the plans that are in both queries."""
        inside = exp.In(this=n.column("P"), query=exp.Subquery(this=other.copy()))
        return n.where(n.read_from(n.select(n.column("P")), n.source(one.copy(), "l")), inside)


@dataclass(slots=True)
class OneSide(Frame):
    """One side of a pair by itself: what is read through its name is read of its rows."""

    rows: Rows | None = None
    alias: str = ""

    def field(self, path: Path, name: str) -> Tree:
        """Return a field of the side's own rows."""
        assert self.rows is not None
        return self.rows.frame.field(path[1:] if path[:1] == (self.alias,) else path, name)
