"""Find names that a policy gives although something else, which they would hide, has them already."""

from __future__ import annotations

from collections.abc import Iterator

from jobplan.expression.scope import World
from jobplan.model import Policy
from jobplan.source import Route

Clash = tuple[str, tuple[str, Route]]
"""What is wrong, and the file and route where."""

ALWAYS = {"id": "the id of a row", "today": "the present day"}


def clashes(policy: Policy, world: World) -> Iterator[Clash]:
    """Yield each name that would hide another one of the same rows, or be hidden by it.

    That a row has names of its own which its parent has too is no clash: the nearer one is meant.
    """
    for name, derived in policy.relations.items():
        if not world.shapes[name].derived:
            yield f"the plan has a relation `{name}` already", derived.place
    everywhere = {name: f"the measure `{name}`" for name in policy.measures}
    everywhere |= {name: f"the parameter `{name}`" for name in policy.parameters}
    everywhere |= ALWAYS
    for relation, columns in policy.columns.items():
        shape = world.shapes.get(relation)
        own = {} if shape is None else {name: f"the fact `{name}`" for name in shape.facts}
        own |= {} if shape is None else {name: f"the row `{name}` of a pair" for name in shape.aliases}
        taken = everywhere | own
        for name, column in columns.items():
            if name in taken:
                yield f"`{name}` on `{relation}` would hide {taken[name]}", column.place
    root = world.shapes[world.root]
    taken = {name: f"the fact `{name}` of `{world.root}`" for name in root.facts} | ALWAYS
    places = {name: part.place for name, part in policy.measures.items()}
    places |= {name: part.place for name, part in policy.parameters.items()}
    for name in sorted(places.keys() & taken.keys()):
        yield f"`{name}` would be hidden by {taken[name]}", places[name]
