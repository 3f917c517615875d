"""Check pictures: what they name is there, is of the kind that can be drawn, and is in one unit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jobplan.expression.scope import Ref, Type
from jobplan.expression.units import fits, show_unit
from jobplan.model import Picture

if TYPE_CHECKING:
    from jobplan.expression.check import Reader


def check_picture(reader: Reader, picture: Picture) -> None:
    """Note each name of a picture that stands for nothing, or for nothing that can be drawn."""
    if picture.by:
        of_root(reader, picture, "by", picture.by)
    if picture.kind == "count_by":
        of_root(reader, picture, "count_by", picture.names[0])
        return
    if picture.kind == "against":
        found = rows(reader, picture)
    else:
        known = [(name, named(reader, Ref("measure", name))) for name in picture.names]
        for name, type_ in known:
            if type_ is None:
                missing(reader, picture, picture.kind, "measure", name, reader.policy.measures)
        found = [(name, type_) for name, type_ in known if type_ is not None]
        if picture.kind == "distribution":
            found += lines(reader, picture)
    alike(reader, picture, found)


def named(reader: Reader, ref: Ref) -> Type | None:
    """Return the type of a measure, a fact or a column; None where there is no such thing."""
    if ref.kind == "measure":
        return reader.types.get(("measure", "", ref.name))
    found = reader.world.find(ref.relation, ref.name)
    return None if found is None or found.path or found.kind == "id" else reader.type_of(found)


def of_root(reader: Reader, picture: Picture, key: str, name: str) -> None:
    """Check a fact of the plan by whose values things are counted."""
    facts = reader.world.shapes[reader.world.root].facts
    if name not in facts:
        missing(reader, picture, key, "fact of the plan", name, facts)
    elif facts[name].kind not in ("text", "truth"):
        said = f"`{name}` is a {facts[name].kind}; counted is by a text or a truth"
        reader.problem(("wrong-kind", said), picture.place, key=key)


def rows(reader: Reader, picture: Picture) -> list[tuple[str, Type]]:
    """Check the relation of a picture and what its rows have; return those with their types."""
    shapes = reader.world.shapes
    if picture.relation not in shapes or picture.relation == reader.world.root:
        missing(reader, picture, "of", "relation", picture.relation, shapes.keys() - {reader.world.root})
        return []
    shape = shapes[picture.relation]
    found = []
    for key, name in zip(("given", "against"), picture.names, strict=True):
        type_ = named(reader, Ref("fact", name, picture.relation))
        if type_ is None:
            words = f"fact or column of `{picture.relation}`"
            missing(reader, picture, key, words, name, [*shape.facts, *shape.columns])
        else:
            found.append((name, type_))
    return found


def lines(reader: Reader, picture: Picture) -> list[tuple[str, Type]]:
    """Check the parameters that are drawn as lines; return them with their types."""
    known = reader.world.parameters
    for name in picture.lines:
        if name not in known:
            missing(reader, picture, "lines", "parameter", name, known)
    return [(name, known[name]) for name in picture.lines if name in known]


def alike(reader: Reader, picture: Picture, found: list[tuple[str, Type]]) -> None:
    """Note what is no number, and numbers that cannot stand on one scale."""
    for name, type_ in found:
        if type_.kind not in ("number", "unknown"):
            said = f"`{name}` is a {type_.kind}; a picture of the kind `{picture.kind}` draws numbers"
            reader.problem(("wrong-kind", said), picture.place, key=picture.kind)
            return
    for name, type_ in found[1:]:
        if not fits(type_.unit, found[0][1].unit):
            units = f"`{show_unit(type_.unit)}`", f"`{show_unit(found[0][1].unit)}`"
            said = f"`{name}` is in {units[0]}, and `{found[0][0]}` in {units[1]}"
            help = "one picture has one scale"
            reader.problem(("wrong-unit", said), picture.place, key=picture.kind, help=help)
            return


def missing(
    reader: Reader, picture: Picture, key: str, words: str, name: str, options: Iterable[str]
) -> None:
    """Note a name that stands for nothing."""
    code = "unknown-relation" if words == "relation" else "unknown-name"
    reader.problem((code, f"no {words} `{name}`"), picture.place, options, key=key)
