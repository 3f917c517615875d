"""Put columns, measures and derived relations into an order in which they can be worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jobplan.expression.checked import CheckedDerived, CheckedFormula, Node, needs, refs
from jobplan.expression.scope import Ref, World


def in_order(
    relations: Mapping[str, CheckedDerived],
    columns: Mapping[tuple[str, str], CheckedFormula],
    measures: Mapping[str, CheckedFormula],
    world: World,
) -> tuple[Node, ...]:
    """Return every part after all that it needs, columns of one relation kept together."""
    waiting: dict[Node, set[Node]] = {}
    for name, derived in relations.items():
        waiting[("relation", name, "")] = set(derived_needs(derived, world))
    for (relation, name), column in columns.items():
        waiting[("column", relation, name)] = set(formula_needs(column, world))
    for name, measure in measures.items():
        waiting[("measure", "", name)] = set(formula_needs(measure, world))
    for node, wants in waiting.items():
        wants &= waiting.keys() - {node}
    order: list[Node] = []
    while waiting:
        ready = [node for node, wants in waiting.items() if not wants]
        last = order[-1] if order else None
        beside = [node for node in ready if last is not None and node[:2] == last[:2]]
        if not ready:  # a circle through a relation; each part alone was found sound
            raise ValueError(f"no order among {sorted(waiting)}")
        chosen = (beside or ready)[0]
        order.append(chosen)
        del waiting[chosen]
        for wants in waiting.values():
            wants.discard(chosen)
    return tuple(order)


def formula_needs(checked: CheckedFormula, world: World) -> Iterator[Node]:
    """Yield what a column or measure reads."""
    if checked.relation:
        yield from row_needs(checked.relation, world)
    if checked.formula.kind == "verdict" and not checked.relation:
        yield ("column", checked.formula.of, checked.name)
    if checked.formula.of in world.shapes:
        yield from row_needs(checked.formula.of, world)
    for tree in checked.trees.values():
        for ref in refs(tree):
            yield from read_needs(ref, world)


def derived_needs(checked: CheckedDerived, world: World) -> Iterator[Node]:
    """Yield what a derived relation is made from."""
    for source in checked.derived.sources.values():
        yield from row_needs(source, world)
    if checked.derived.kind == "gaps":
        source = next(iter(checked.derived.sources.values()))
        for name in ("opens", "closes"):
            ref = world.find(source, name)
            if ref is not None:
                yield from read_needs(ref, world)
    if checked.derived.within:
        yield from row_needs(checked.derived.within, world)
    for tree in (*checked.trees.values(), *(t for m in checked.members.values() for t in m.values())):
        for ref in refs(tree):
            yield from read_needs(ref, world)


def row_needs(relation: str, world: World) -> Iterator[Node]:
    """Yield the relation if it is derived: its rows must have been made."""
    if world.shapes[relation].derived:
        yield ("relation", relation, "")


def read_needs(ref: Ref, world: World) -> Iterator[Node]:
    """Yield what must be there before a name can be read."""
    yield from needs(ref)
    if ref.relation and ref.kind != "measure":
        yield from row_needs(ref.relation, world)
