"""Check derived relations: each kind has its expressions, and gives its fields their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobplan.expression.checked import CheckedDerived
from jobplan.expression.hints import listed
from jobplan.expression.infer import UNKNOWN, Inference
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Scope, Type
from jobplan.model import Derived

if TYPE_CHECKING:
    from jobplan.expression.check import Reader


def check_derived(reader: Reader, derived: Derived) -> CheckedDerived:
    """Return the relation with its trees; the types of its fields are put into the world."""
    unknown = [alias for alias, source in derived.sources.items() if source not in reader.world.shapes]
    for alias in unknown:
        file, route = derived.place
        inside = derived.kind in ("union", "pairs")
        said = ("unknown-relation", f"no relation `{derived.sources[alias]}`")
        reader.problem(
            said,
            (file, (*route, derived.kind)) if inside else derived.place,
            reader.world.shapes,
            key=alias if inside else "of" if derived.kind == "each" else derived.kind,
        )
    if unknown:
        return CheckedDerived(derived, {})
    if derived.within and derived.within not in reader.world.ancestors(source_of(derived)):
        words = f"`{derived.within}` is no parent of `{source_of(derived)}`"
        reader.problem(("unknown-relation", words), (derived.place[0], (*derived.place[1], "within")))
        return CheckedDerived(derived, {})
    made = [reader.policy.relations.get(source) for source in derived.sources.values()]
    if derived.kind != "rows" and any(source is not None and source.kind == "pairs" for source in made):
        words = f"`{derived.kind}` is not made of pairs, which may not exist; only `rows` can be"
        reader.problem(("wrong-kind", words), derived.place)
        return CheckedDerived(derived, {})
    if derived.kind == "union":
        return check_union(reader, derived)
    if derived.kind == "each":
        return check_each(reader, derived)
    if derived.kind in ("merge", "gaps"):
        return check_spans(reader, derived)
    scope = Scope(reader.world, derived.name if derived.kind == "pairs" else source_of(derived))
    where = (
        {"where": reader.typed(derived.given["where"], scope, "truth")[0]} if "where" in derived.given else {}
    )
    if not where:
        what = "two rows make a pair" if derived.kind == "pairs" else "a row is taken"
        words = f"`{derived.kind}` needs `where`: the condition under which {what}"
        reader.problem(("missing-field", words), derived.place)
    return CheckedDerived(derived, where)


def source_of(derived: Derived) -> str:
    """Return the one relation that a derived relation is made from."""
    return next(iter(derived.sources.values()))


def check_union(reader: Reader, derived: Derived) -> CheckedDerived:
    """Check that every member gives the same columns, of the same types."""
    shape = reader.world.shapes[derived.name]
    members: dict[str, dict[str, Tree]] = {}
    first = next(iter(derived.members.values()), {})
    for member, columns in derived.members.items():
        if set(columns) != set(first):
            lacks, more = sorted(set(first) - set(columns)), sorted(set(columns) - set(first))
            other = next(iter(derived.members))
            words = [f"no {listed(lacks)}, as in `{other}`"] if lacks else []
            words += [f"{listed(more)}, which `{other}` has not"] if more else []
            reader.problem(
                ("union-columns", f"`{member}` has {'; and '.join(words)}"),
                (derived.place[0], (*derived.place[1], "union", member)),
                help="every line of a union gives the same columns",
            )
        scope = Scope(reader.world, member)
        members[member] = {}
        for name, text in columns.items():
            tree, found = reader.typed(text, scope)
            members[member][name] = tree
            before = shape.facts.get(name, UNKNOWN)
            if before.kind == found.kind == "list":
                shape.facts[name] = before
                continue
            inference = Inference(scope, reader.type_of, reader.complainer(text))
            shape.facts[name] = inference.unify(tree, before, found, "join")
    return CheckedDerived(derived, {}, members)


def check_each(reader: Reader, derived: Derived) -> CheckedDerived:
    """Check that the rows are made from a list; an entry is a number or a text."""
    source = Scope(reader.world, source_of(derived))
    tree, found = reader.typed(derived.given["list"], source, "list")
    if not derived.alias:
        reader.problem(("missing-field", "`each` needs `as`, the name of an entry"), derived.place)
    reader.world.shapes[derived.name].facts = {derived.alias: entry_type(found)}
    return CheckedDerived(derived, {"list": tree})


def entry_type(found: Type) -> Type:
    """Return the type of a list's entries."""
    return Type(found.of, found.unit, found.options)


def check_spans(reader: Reader, derived: Derived) -> CheckedDerived:
    """Check `merge` and `gaps`: spans of dates or minutes."""
    scope = Scope(reader.world, source_of(derived))
    parent = reader.world.shapes[derived.name].parent or reader.world.root
    trees: dict[str, Tree] = {}
    ends: list[Type] = []
    if derived.kind == "merge":
        if not {"opens", "closes"} <= set(derived.given):
            reader.problem(("missing-field", "`merge` needs `opens` and `closes`"), derived.place)
            return CheckedDerived(derived, trees)
        for key in ("opens", "closes"):
            trees[key], found = reader.typed(derived.given[key], scope)
            ends.append(found)
    else:
        ends = [end_type(reader, derived, name) for name in ("opens", "closes")]
        found = ends[0]
        if not derived.circle and not {"from_", "until"} <= set(derived.given):
            reader.problem(
                ("missing-field", "`gaps` needs `between`, the ends of the whole span"), derived.place
            )
        for key in ("from_", "until"):
            if key in derived.given:
                trees[key], found = reader.typed(derived.given[key], Scope(reader.world, parent))
                ends.append(found)
    if "where" in derived.given:
        trees["where"], _ = reader.typed(derived.given["where"], scope, "truth")
    if "gap" in derived.given:
        trees["gap"], _ = reader.typed(derived.given["gap"], Scope(reader.world, reader.world.root), "number")
    kinds = {end.kind for end in ends} - {"unknown"}
    if len(kinds) > 1 or kinds - {"number", "date"}:
        reader.problem(("wrong-kind", "both ends of spans are dates, or both are minutes"), derived.place)
    elif derived.circle and "date" in kinds:
        reader.problem(("wrong-kind", "spans on a circle are of minutes, not of dates"), derived.place)
    reader.world.shapes[derived.name].facts = {"opens": found, "closes": found}
    return CheckedDerived(derived, trees)


def end_type(reader: Reader, derived: Derived, name: str) -> Type:
    """Return the type of `opens` or `closes` of the spans whose gaps are taken."""
    ref = reader.world.find(source_of(derived), name)
    if ref is not None:
        return reader.type_of(ref)
    reader.problem(("missing-field", f"`{source_of(derived)}` has no `{name}`"), derived.place)
    return UNKNOWN
