"""Spans of rows made one where they touch or nearly do, and what they leave: gaps and islands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.aggregates import Aggregates
from jobplan.backends.sql.frames import Frame
from jobplan.backends.sql.rows import Rows
from jobplan.backends.sql.windows import on_circle
from jobplan.expression.checked import CheckedDerived
from jobplan.expression.parse import Tree

if TYPE_CHECKING:
    from jobplan.backends.sql.stages import Maker

OWNER = ("P", "U")


def column(name: str) -> Tree:
    """Return a column."""
    return n.column(name)


def of(query: Tree, *columns: Tree) -> exp.Select:
    """Return a query of columns of another."""
    return n.read_from(n.select(*columns), n.source(query, "s"))


def with_more(query: Tree, *columns: Tree) -> exp.Select:
    """Return a query with further columns."""
    return of(query, exp.Star(), *columns)


def over(function: str, value: Tree, *, order: tuple[str, ...] = (), frame: str = "") -> Tree:
    """Return a value over the spans of one owner."""
    by = [column(key) for key in OWNER]
    called = n.call(function, value)
    if not order:
        return exp.Window(this=called, partition_by=by, over="OVER")
    return n.windowed(called, by, [column(key) for key in order], frame)


@dataclass(slots=True)
class Spans:
    """Makes `merge` and `gaps`."""

    maker: Maker

    def make(self, checked: CheckedDerived) -> None:
        """Make the spans, and note the owners whose spans are not known."""
        derived = checked.derived
        made = self.maker.create(f"{derived.name} of", self.given(checked))
        self.note_open(checked, made)
        sure = self.settled(checked, of(made.copy(), *(column(k) for k in (*OWNER, "s", "e", "g"))))
        wide = n.where(sure, n.binary(exp.GT, column("e"), column("s")))
        circle = float(derived.circle)
        joined = self.merged(wide, circle)
        if derived.kind == "gaps":
            joined = self.circle_gaps(checked, joined, circle) if circle else self.line_gaps(checked, joined)
        self.keep(checked, joined)

    # --- what is given ----------------------------------------------------------------------

    def source(self, checked: CheckedDerived) -> str:
        """Return the relation whose spans are taken."""
        return next(iter(checked.derived.sources.values()))

    def is_date(self, checked: CheckedDerived) -> bool:
        """Tell whether the spans are of days."""
        shape = self.maker.program.checked.world.shapes[checked.derived.name]
        return shape.facts["opens"].kind == "date"

    def number(self, checked: CheckedDerived, value: Tree) -> Tree:
        """Return an end of a span as a number."""
        return self.maker.functions.ordinal(value) if self.is_date(checked) else n.cast(value, "DOUBLE")

    def given(self, checked: CheckedDerived) -> Tree:
        """Return the spans of rows that may count: P, U (owner), s, e, g (gap), and whether all is known."""
        source, trees, maker = self.source(checked), checked.trees, self.maker
        rows = Rows(maker.world, Frame(maker.world.tables, source))
        counts = rows.scalar.held(rows.value(trees["where"])) if "where" in trees else n.truth(True)
        if checked.derived.kind == "merge":
            ends = [rows.value(trees[key]) for key in ("opens", "closes")]
        else:
            found = [maker.program.checked.world.find(source, key) for key in ("opens", "closes")]
            ends = [rows.read(ref) for ref in found if ref is not None]
        start, end = (rows.hold(self.number(checked, value)) for value in ends)
        gap = rows.value(trees["gap"]) if "gap" in trees else n.number(0)
        columns = {
            "P": column("P"),
            "U": self.owner_of(checked, rows),
            "s": start,
            "e": end,
            "g": n.cast(gap, "DOUBLE"),
            "known": n.every(n.known(counts), n.known(start.copy()), n.known(end.copy())),
        }
        picked = [n.named(value, name) for name, value in columns.items()]
        query = of(rows.query("P", "R", "U"), *picked)
        return n.where(query, n.coalesce(counts.copy(), n.truth(True)))

    def owner_of(self, checked: CheckedDerived, rows: Rows) -> Tree:
        """Return the number of the row within which a span lies; 0 for the plan."""
        within = checked.derived.within
        if not within:
            return n.cast(n.whole(0), "BIGINT")
        ancestors = list(self.maker.program.checked.world.ancestors(self.source(checked)))
        upward = ancestors.index(within)
        return column("R") if not upward else rows.frame.field(("parent",) * (upward - 1), "U")

    # --- what is open -----------------------------------------------------------------------

    def note_open(self, checked: CheckedDerived, made: exp.Table) -> None:
        """Note the owners with a span that is not known, or an end, or rows that may be missing."""
        derived, maker = checked.derived, self.maker
        keys = [column(key) for key in OWNER]
        queries: list[Tree] = [n.where(n.read_from(n.select(*keys), made.copy()), n.negated(column("known")))]
        queries += self.owners_without(checked)
        if derived.within:
            rows = Rows(maker.world, Frame(maker.world.tables, derived.within))
            below = Aggregates(maker.world, rows).unlisted(self.source(checked), derived.within)
            if below is not None:
                queries.append(
                    n.read_from(n.select(column("P"), n.named(column("R"), "U")), n.source(below, "b"))
                )
        else:
            whole = n.named(n.cast(n.whole(0), "BIGINT"), "U")
            queries += [
                n.read_from(n.select(column("P"), whole.copy()), n.source(query, "l"))
                for query in maker.lacking(self.source(checked))
            ]
        everything = n.read_from(
            n.select(*[key.copy() for key in keys], distinct=True), n.source(n.union(*queries), "o")
        )
        opened = maker.create(f"open {derived.name}", everything)
        doubtful = n.read_from(n.select(*[key.copy() for key in keys]), opened)
        maker.world.tables.unlisted[derived.name] = doubtful
        maker.lack(derived.name, [derived.within] if derived.within else [], [doubtful])

    def owners(self, checked: CheckedDerived) -> Rows:
        """Return the rows within which spans lie."""
        tables = self.maker.world.tables
        return Rows(self.maker.world, Frame(tables, checked.derived.within or tables.root))

    def owner_key(self, checked: CheckedDerived) -> Tree:
        """Return the number of an owner."""
        return column("R") if checked.derived.within else n.cast(n.whole(0), "BIGINT")

    def owners_without(self, checked: CheckedDerived) -> list[Tree]:
        """Return the owners for which the gap, or an end of the whole span, is not known."""
        found: list[Tree] = []
        keys = ("P", "R") if checked.derived.within else ("P",)
        for key in ("gap", "from_", "until"):
            if key in checked.trees:
                rows = self.owners(checked)
                value = rows.value(checked.trees[key])
                query = of(rows.query(*keys), column("P"), n.named(self.owner_key(checked), "U"))
                found.append(n.where(query, n.missing(value)))
        return found

    def settled(self, checked: CheckedDerived, query: exp.Select) -> exp.Select:
        """Keep what belongs to owners whose spans are all known."""
        opened = n.source(n.table(self.maker.made, f"open {checked.derived.name}"), "o")
        outer = n.read_from(n.select(exp.Star()), n.source(query, "s"))
        same = n.every(*(n.same(n.column(key, "s"), n.column(key, "o")) for key in OWNER))
        outer.append("joins", exp.Join(this=opened, kind="ANTI", on=same))
        return outer

    # --- islands ----------------------------------------------------------------------------

    def merged(self, spans: Tree, circle: float) -> Tree:
        """Join spans that touch or lie less than the gap apart: P, U, s, e, g."""
        functions = self.maker.functions
        if circle:
            start = on_circle(column("s"), circle, functions)
            lasts = n.call("least", n.minus(column("e"), column("s")), n.number(circle))
            placed = of(spans, *map(column, OWNER), n.named(start, "s"), n.named(lasts, "l"), column("g"))
            end = n.add(column("s"), column("l"))
            spans = of(placed, *map(column, OWNER), column("s"), n.named(end, "e"), column("g"))
        before = over("max", column("e"), order=("s", "e"), frame="before")
        furthest = over("max", column("e"), order=("s", "e"), frame="all")
        apart = n.every(
            n.binary(exp.GT, column("s"), column("before")),
            n.negated(exp.Paren(this=n.binary(exp.LT, n.minus(column("s"), column("before")), column("g")))),
        )
        framed = with_more(spans, n.named(before, "before"), n.named(furthest, "furthest"))
        # whatever ends before the next island begins, ends in this one: all others ended sooner
        islands = n.where(with_more(framed), n.either(n.missing(column("before")), apart))
        end = n.coalesce(over("lead", column("before"), order=("s",)), column("furthest"))
        joined = of(islands, *map(column, OWNER), column("s"), n.named(end, "e"), column("g"))
        return self.around(joined, circle) if circle else joined

    def around(self, joined: Tree, circle: float) -> Tree:
        """Join the end of a circle to its beginning, as far as the last span reaches round it."""
        length = n.number(circle)
        framed = with_more(
            joined,
            n.named(over("min", column("s")), "first"),
            n.named(over("max", column("s")), "last"),
            n.named(over("max", column("e")), "end"),
            n.named(over("count", exp.Star()), "count"),
        )
        between = n.minus(n.add(column("first"), length), column("end"))
        apart = n.every(
            n.binary(exp.GT, between, n.number(0)), n.binary(exp.GTE, between.copy(), column("g"))
        )
        closes = n.every(n.binary(exp.GT, column("count"), n.whole(1)), n.negated(apart))
        reached = n.either(
            n.same(column("s"), column("first")),
            n.binary(exp.GTE, column("end"), n.add(column("s"), length)),
        )
        taken = n.every(n.binary(exp.LT, column("s"), column("last")), closes, reached)
        marked = with_more(framed, n.named(taken, "taken"))
        lap = n.case((column("taken"), n.add(column("e"), length)))
        counted = with_more(
            marked,
            n.named(over("max", lap), "lap"),
            n.named(n.minus(column("count"), over("count", n.case((column("taken"), n.whole(1))))), "left"),
        )
        is_last = n.same(column("s"), column("last"))
        end = n.case(
            (is_last, n.call("greatest", column("e"), n.coalesce(column("lap"), column("e")))),
            otherwise=column("e"),
        )
        kept = of(
            counted,
            *map(column, OWNER),
            column("s"),
            n.named(end, "e"),
            column("g"),
            column("left"),
            column("taken"),
        )
        kept = n.where(with_more(kept), n.negated(column("taken")))
        rest = n.minus(n.add(column("s"), length), column("e"))
        full = n.every(
            n.same(column("left"), n.whole(1)),
            n.either(n.binary(exp.LTE, rest, n.number(0)), n.binary(exp.LT, rest.copy(), column("g"))),
        )
        closed = n.case((full, n.add(column("s"), length)), otherwise=column("e"))
        return of(kept, *map(column, OWNER), column("s"), n.named(closed, "e"), column("g"))

    # --- gaps -------------------------------------------------------------------------------

    def all_owners(self, checked: CheckedDerived, *columns: Tree, rows: Rows | None = None) -> exp.Select:
        """Return every owner whose spans are all known."""
        keys = ("P", "R") if checked.derived.within else ("P",)
        base = (rows or self.owners(checked)).query(*keys)
        return self.settled(checked, of(base, column("P"), n.named(self.owner_key(checked), "U"), *columns))

    def line_gaps(self, checked: CheckedDerived, joined: Tree) -> Tree:
        """Return what is left of each owner's own stretch."""
        rows = self.owners(checked)
        low, high = (self.number(checked, rows.value(checked.trees[key])) for key in ("from_", "until"))
        owners = self.all_owners(checked, n.named(low, "low"), n.named(high, "high"), rows=rows)
        # a stretch that begins where an owner's begins, and ends before it, opens the first gap
        first = of(
            owners.copy(),
            *map(column, OWNER),
            n.named(n.cast(exp.Null(), "DOUBLE"), "s"),
            n.named(column("low"), "e"),
        )
        spans = n.union(first, of(joined, *map(column, OWNER), column("s"), column("e")))
        ranked = with_more(
            spans,
            n.named(
                exp.Window(
                    this=n.call("lead", column("s")),
                    partition_by=[column("P"), column("U")],
                    order=exp.Order(expressions=[exp.Ordered(this=column("s"), nulls_first=True)]),
                    over="OVER",
                ),
                "next",
            ),
        )
        pairs = n.read_from(
            n.select(
                n.column("P", "r"),
                n.column("U", "r"),
                n.named(n.call("greatest", n.column("e", "r"), n.column("low", "o")), "s"),
                n.named(n.call("least", n.column("next", "r"), n.column("high", "o")), "e"),
            ),
            n.source(ranked, "r"),
        )
        on = n.every(*(n.same(n.column(key, "r"), n.column(key, "o")) for key in OWNER))
        n.join(pairs, n.source(owners, "o"), on)
        return n.where(with_more(pairs), n.binary(exp.LT, column("s"), column("e")))

    def circle_gaps(self, checked: CheckedDerived, joined: Tree, circle: float) -> Tree:
        """Return what is left of a circle."""
        length = n.number(circle)
        following = n.coalesce(
            over("lead", column("s"), order=("s",)), n.add(over("min", column("s")), length)
        )
        paired = with_more(joined, n.named(following, "after"))
        left = n.where(with_more(paired), n.binary(exp.LT, column("e"), column("after")))
        start = on_circle(column("e"), circle, self.maker.functions)
        placed = with_more(left, n.named(start, "from"))
        end = n.minus(n.add(column("from"), column("after")), column("e"))
        gaps = of(
            placed,
            *map(column, OWNER),
            n.named(column("from"), "s"),
            n.named(end, "e"),
            n.named(column("s"), "o"),
        )
        taken = n.read_from(
            n.select(*map(column, OWNER)), n.table(self.maker.made, f"{checked.derived.name} of")
        )
        spans = n.where(taken, n.binary(exp.GT, column("e"), column("s")))
        free = of(
            self.all_owners(checked),
            *map(column, OWNER),
            n.named(n.number(0), "s"),
            n.named(length.copy(), "e"),
            n.named(n.number(0), "o"),
        )
        same = n.every(*(n.same(n.column(key, "f"), n.column(key, "j")) for key in OWNER))
        empty = n.read_from(n.select(exp.Star()), n.source(free, "f"))
        empty.append("joins", exp.Join(this=n.source(spans, "j"), kind="ANTI", on=same))
        return n.union(gaps, empty)

    # --- rows -------------------------------------------------------------------------------

    def keep(self, checked: CheckedDerived, spans: Tree) -> None:
        """Make the rows of the spans."""
        derived, maker = checked.derived, self.maker
        order = [column("U"), column("o" if derived.kind == "gaps" and derived.circle else "s")]
        number = maker.numbered(order)
        owner = column("U") if derived.within else n.cast(exp.Null(), "BIGINT")
        picked = {"P": column("P"), "R": number, "U": owner}
        picked |= {"opens": self.end(checked, "s"), "closes": self.end(checked, "e")}
        query = of(spans, *(n.named(value, name) for name, value in picked.items()))
        if ((), "id") not in maker.needs.fields.get(derived.name, set()):
            made = maker.create(derived.name, query)
            maker.world.tables.add(derived.name, made, frozenset({"opens", "closes"}))
            return
        plain = maker.create(f"{derived.name} plain", query)
        maker.world.tables.add(derived.name, plain, frozenset({"opens", "closes"}))
        made = maker.create(derived.name, self.with_id(checked), view=True)
        maker.world.tables.stages[derived.name].pop()
        maker.world.tables.add(derived.name, made, frozenset({"opens", "closes", "id"}))

    def end(self, checked: CheckedDerived, name: str) -> Tree:
        """Return an end of a span as what it is."""
        if not self.is_date(checked):
            return column(name)
        days = n.cast(n.minus(column(name), n.number(1)), "INTEGER")
        return n.add(n.cast(n.text("0001-01-01"), "DATE"), days)

    def with_id(self, checked: CheckedDerived) -> Tree:
        """Return the rows with their ids: the owner's, and both ends."""
        return span_ids(self.maker, checked, ["opens", "closes"])


def span_ids(maker: Maker, checked: CheckedDerived, fields: list[str]) -> Tree:
    """Return the rows of spans with their ids and some fields."""
    tables = maker.world.tables
    rows = Rows(maker.world, Frame(tables, checked.derived.name))
    owner = rows.frame.field(("parent",), "id")
    date = maker.program.checked.world.shapes[checked.derived.name].facts["opens"].kind == "date"
    found: Tree = owner
    for sign, name, last in (("[", "opens", ""), (",", "closes", ")")):
        value = rows.frame.field((), name)
        number = maker.functions.ordinal(value) if date else value
        found = n.binary(
            exp.DPipe, n.binary(exp.DPipe, found, n.text(sign)), maker.functions.short(number, 6)
        )
        if last:
            found = n.binary(exp.DPipe, found, n.text(last))
    columns = {name: rows.frame.field((), name) for name in fields}
    return rows.select(("P", "R", "U"), {**columns, "id": found})
