"""Relations made of others: unions, entries of lists, rows where a condition holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import KEYS, Frame, flat_name
from jobplan.backends.sql.pairs import Pairs
from jobplan.backends.sql.rows import Rows
from jobplan.backends.sql.spans import Spans
from jobplan.expression.checked import Checked, CheckedDerived
from jobplan.expression.parse import Tree

if TYPE_CHECKING:
    from jobplan.backends.sql.stages import Maker

ROW_BITS, ENTRY_BITS = 24, 16
"""Room for the rows of a relation in one plan, and for the entries of a list in one row."""


def row_bits(checked: Checked, relation: str) -> int:
    """Return how many bits the numbers of a relation's rows may take."""
    made = checked.relations.get(relation)
    if made is None or made.derived.kind in ("pairs", "merge", "gaps"):
        return ROW_BITS
    widest = max(row_bits(checked, source) for source in made.derived.sources.values())
    if made.derived.kind == "union":
        return widest + (len(made.members) - 1).bit_length()
    return widest + (ENTRY_BITS if made.derived.kind == "each" else 0)


@dataclass(slots=True)
class Relations:
    """Makes the tables of one derived relation."""

    maker: Maker

    def make(self, name: str) -> None:
        """Make a relation: its rows, and where it may have more."""
        checked = self.maker.program.checked.relations[name]
        kind = checked.derived.kind
        if kind == "union":
            self.union(checked)
        elif kind == "each":
            self.each(checked)
        elif kind == "rows":
            self.rows(checked)
        elif kind == "pairs":
            Pairs(self.maker).make(checked)
        else:
            Spans(self.maker).make(checked)

    def on(self, relation: str) -> Rows:
        """Return the rows of a relation."""
        return Rows(self.maker.world, Frame(self.maker.world.tables, relation))

    def type_of(self, relation: str, name: str) -> str:
        """Return the SQL type of a field of a derived relation."""
        found = self.maker.program.checked.world.shapes[relation].facts[name]
        if found.kind == "list":
            return f"{n.TYPES[found.of]}[]"
        return n.TYPES[found.kind]

    # --- union ------------------------------------------------------------------------------

    def union(self, checked: CheckedDerived) -> None:
        """Put the rows of several relations under one set of columns; nothing is copied."""
        name = checked.derived.name
        wanted = {field for path, field in self.maker.needs.fields.get(name, set()) if not path}
        made = self.maker.create(name, self.union_query(checked, wanted), view=True)
        self.maker.world.tables.add(name, made, frozenset(wanted))
        self.maker.lack(name, list(checked.members), [])

    def union_query(self, checked: CheckedDerived, wanted: set[str]) -> Tree:
        """Return the query of a union with the fields that are wanted."""
        name, policy = checked.derived.name, self.maker.program.checked
        room = max(row_bits(policy, member) for member in checked.members)
        queries = []
        for number, (member, trees) in enumerate(checked.members.items()):
            rows = self.on(member)
            row: Tree = n.column("R")
            if number:
                row = n.add(row, n.whole(number << room))
            columns: dict[str, Tree] = {"R": row, "U": n.column("R"), "of": n.text(member)}
            for field, tree in trees.items():
                if field in wanted:
                    columns[field] = n.cast(rows.value(tree), self.type_of(name, field))
            if "id" in wanted:
                columns["id"] = n.binary(exp.DPipe, n.text(f"{member}:"), rows.frame.field((), "id"))
            queries.append(chosen(rows, ("P", "R"), {"P": n.column("P"), **columns}))
        return n.union(*queries)

    # --- rows of rows -----------------------------------------------------------------------

    def rows(self, checked: CheckedDerived) -> None:
        """Take the rows where a condition holds; one that may hold leaves the relation open."""
        name, source = checked.derived.name, self.source(checked)
        rows = self.on(source)
        where = rows.value(checked.trees["where"])
        made = self.maker.program.checked.relations.get(source)
        if made is not None and made.derived.kind == "pairs":  # a pair that may not exist is no sure row
            where = n.every(n.case((n.negated(rows.frame.field((), "maybe")), n.truth(True))), where)
        where = rows.hold(where)
        columns: dict[str, Tree] = {"P": n.column("P"), "R": n.column("R"), "U": n.column("R"), "sure": where}
        columns |= self.carried(checked, rows)
        query = n.where(chosen(rows, ("P", "R"), columns), n.coalesce(where.copy(), n.truth(True)))
        every = self.maker.create(f"{name} of", query)
        kept = [field for field in columns if field != "sure"]
        sure = n.where(n.read_from(n.select(*map(n.column, kept)), every.copy()), n.column("sure"))
        table = self.maker.create(name, sure, view=True)
        self.maker.world.tables.add(name, table, frozenset(kept) - frozenset(KEYS))
        doubtful = n.read_from(n.select(n.column("P"), n.column("U")), every.copy())
        self.leave_open(checked, n.where(doubtful, n.missing(n.column("sure"))))

    def each(self, checked: CheckedDerived) -> None:
        """Make a row of each entry of a list; a row without its list leaves the relation open."""
        derived, source = checked.derived, self.source(checked)
        functions = self.maker.functions
        rows = self.on(source)
        listed = rows.hold(rows.value(checked.trees["list"]))
        carried = self.carried(checked, rows)
        columns: dict[str, Tree] = {"P": n.column("P"), "U": n.column("R"), **carried, "list": listed}
        every = self.maker.create(f"{derived.name} of", chosen(rows, ("P", "R"), columns))
        entries = n.select(
            *(n.column(field) for field in columns if field != "list"),
            *functions.entries(n.column("list"), derived.alias, "place"),
        )
        number = n.add(n.times(n.column("U"), n.whole(1 << ENTRY_BITS)), n.column("place"))
        kept = [field for field in columns if field not in ("list", "id")]
        outer = [*map(n.column, kept), n.column(derived.alias), n.named(number, "R")]
        if "id" in carried:
            outer.append(
                n.named(
                    self.entry_id(derived.alias, n.column("id"), n.column(derived.alias), n.column("place")),
                    "id",
                )
            )
        query = n.read_from(n.select(*outer), n.source(n.read_from(entries, every.copy()), "e"))
        made = self.maker.create(derived.name, query, view=True)
        fields = frozenset([*kept, derived.alias, *(["id"] if "id" in carried else [])]) - frozenset(KEYS)
        self.maker.world.tables.add(derived.name, made, fields)
        without = n.read_from(n.select(n.column("P"), n.column("U")), every.copy())
        self.leave_open(checked, n.where(without, n.missing(n.column("list"))))

    def entry_id(self, alias: str, own: Tree, entry: Tree, place: Tree) -> Tree:
        """Return the id of an entry's row; one that stands in the list again is numbered."""
        shapes = self.maker.program.checked.world.shapes.values()
        numbers = any(s.derived and alias in s.facts and s.facts[alias].kind == "number" for s in shapes)
        text = self.maker.functions.short(entry, 12) if numbers else entry
        count = n.windowed(
            n.call("count", exp.Star()), [n.column("P"), n.column("U"), entry.copy()], [place], "until"
        )
        again = n.case(
            (
                n.binary(exp.GT, count, n.whole(1)),
                n.binary(exp.DPipe, n.text("-"), n.cast(count.copy(), "VARCHAR")),
            ),
            otherwise=n.text(""),
        )
        found = own
        for part in (n.text("@"), text, again):
            found = n.binary(exp.DPipe, found, part)
        return found

    def source(self, checked: CheckedDerived) -> str:
        """Return the one relation that another is made of."""
        return next(iter(checked.derived.sources.values()))

    def carried(self, checked: CheckedDerived, rows: Rows) -> dict[str, Tree]:
        """Return what is read of the rows through those made of them, to stand beside these."""
        found: dict[str, Tree] = {}
        tables = self.maker.world.tables
        for path, field in sorted(self.maker.needs.fields.get(checked.derived.name, set())):
            if path == () and field == "id":
                found["id"] = rows.frame.field((), "id")
            elif path[:1] == ("parent",):
                owner = tables.target(self.source(checked), path[1:])
                if owner != tables.root and tables.has(owner, field):
                    found[flat_name(path, field)] = rows.frame.field(path[1:], field)
        return found

    def leave_open(self, checked: CheckedDerived, doubtful: Tree) -> None:
        """Note the rows that may have rows made of them which are not here."""
        name = checked.derived.name
        self.maker.world.tables.unlisted[name] = doubtful
        self.maker.lack(name, [self.source(checked)], [doubtful])


def chosen(rows: Rows, keys: tuple[str, ...], columns: dict[str, Tree]) -> exp.Select:
    """Return the query of some columns of rows."""
    picked = [n.named(value, name) for name, value in columns.items()]
    return n.read_from(n.select(*picked), n.source(rows.query(*keys), "q"))
