"""What people call a row, and where it stands, written as SQL: `findings.show.label_of` for many."""

from __future__ import annotations

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.findings.bulk.shown import Shown
from jobplan.findings.bulk.sight import ROOT, Path, Sight
from jobplan.findings.bulk.write import differ, strung

PLACE = "@"
"""The column that tells where a row stands, as people read it."""


def label(shown: Shown, sight: Sight, path: Path = ()) -> Tree:
    """Return what people call a row: its first fact if that is a free text, with its day; else its id."""
    named = schema_row(sight, path)
    return of_derived(shown, sight, path) if named is None else of_given(shown, sight, named)


def schema_row(sight: Sight, path: Path) -> Path | None:
    """Return the way to the row of the schema, but not the root's, that a row is or was made of."""
    while not sight.is_given(path):
        path = (*path, "parent")
    return None if sight.relation_at(path) == sight.schema.root else path


def of_given(shown: Shown, sight: Sight, path: Path) -> Tree:
    """Return what a row of the schema is called."""
    fields = sight.schema.relations[sight.relation_at(path)].fields.values()
    name: Tree = sight.column(path, "id")
    first = next(iter(fields), None)
    if first is not None and first.form == "text" and not first.choices:
        words = sight.column(path, first.name)
        name = n.case((differ(words, n.text("")), words.copy()), otherwise=name)
    days = [(sight.column(path, field.name), field) for field in fields if field.form == "weekday"]
    if not days:
        return name
    named = ((at, shown.spelt_out(field, at.copy())) for at, field in days)
    day = n.case(*((n.known(at), strung([n.text(", "), said])) for at, said in named))
    return strung([name, n.coalesce(day, n.text(""))])


def of_derived(shown: Shown, sight: Sight, path: Path) -> Tree:
    """Return what a row that is made of no single row is called: its span, its pair, or its id."""
    shape = sight.checked.world.shapes[sight.relation_at(path)]
    sides = [label(shown, sight, (*path, alias)) for alias in shape.aliases]
    name = strung(both(sides)) if sides else sight.column(path, "id")
    ends = [own_value(sight, path, end) for end in ("opens", "closes")]
    if any(end is None for end in ends):
        return name
    (kind, opens), (_, closes) = (end for end in ends if end is not None)
    span = strung([shown.moment(kind, opens), n.text(" to "), shown.moment(kind, closes)])
    return n.case((n.every(n.known(opens.copy()), n.known(closes.copy())), span), otherwise=name)


def both(sides: list[Tree]) -> list[Tree]:
    """Put `and` between the names of the rows of a pair."""
    return [part for side in sides for part in (n.text(" and "), side)][1:]


def own_value(sight: Sight, path: Path, name: str) -> tuple[str, Tree] | None:
    """Return the kind and column of a value that a derived row has itself."""
    relation = sight.relation_at(path)
    shape = sight.checked.world.shapes[relation]
    if name not in shape.facts and name not in shape.columns:
        return None
    kind = sight.checked.type_of(Ref("fact" if name in shape.facts else "column", name, relation)).kind
    return kind, sight.column(path, name)


def place(sight: Sight, path: Path = ()) -> Tree:
    """Return where a row, or what it was made of, stands."""
    return n.coalesce(placed(sight, path), n.text(""))


def placed(sight: Sight, path: Path) -> Tree:
    """Return the place of a row; a pair stands where its first row does, a span where its owner does."""
    relation = sight.relation_at(path)
    if relation in sight.schema.relations:
        return sight.column(path if relation != sight.schema.root else ROOT, PLACE)
    derived = sight.checked.relations[relation].derived
    if derived.kind == "pairs":
        return placed(sight, (*path, next(iter(derived.sources))))
    if derived.kind == "union":
        member = sight.column(path, "of")
        members = ((name, placed(sight, (*path, f"of {name}"))) for name in derived.sources)
        return n.case(*((n.same(member.copy(), n.text(name)), stands) for name, stands in members))
    return placed(sight, (*path, "parent"))
