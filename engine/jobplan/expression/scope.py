"""What names mean: the relations of a policy, their fields, and where an expression may look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from jobplan.expression.units import Unit
from jobplan.model import Kind


@dataclass(frozen=True, slots=True)
class Type:
    """Kind of a value with its unit, its closed list of texts, and whether `none` may be stated.

    `of` is the kind of a list's entries; `names` are what plans call the numbers 1, 2 and so on.
    """

    kind: Kind
    unit: Unit = None
    options: tuple[str, ...] = ()
    none: bool = False
    of: Kind = "number"
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Shape:
    """A relation as expressions see it: facts, names of columns, parent, aliases of a pair."""

    name: str
    parent: str | None
    facts: dict[str, Type] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    """What a name stands for.

    `path` leads from the row at hand to the row that has the field: `parent`, an alias, `this`.
    A constant carries its value; a parameter, measure and `today` have no path.
    """

    kind: Literal["fact", "column", "id", "parameter", "measure", "today", "constant"]
    name: str
    relation: str = ""
    path: tuple[str, ...] = ()
    value: float | int | str | bool | None = None


TEXT = Type("text")


@dataclass(slots=True)
class World:
    """Every name of a policy, before types are known."""

    root: str
    shapes: dict[str, Shape]
    parameters: dict[str, Type]
    measures: set[str]

    def ancestors(self, relation: str) -> Iterator[str]:
        """Yield the relation and its parents up to the root; a circle of parents once round."""
        seen: set[str] = set()
        name: str | None = relation
        while name in self.shapes and name not in seen:
            yield name
            seen.add(name)
            name = self.shapes[name].parent

    def find(self, relation: str, name: str, path: tuple[str, ...] = ()) -> Ref | None:
        """Return what `name` stands for in a row of `relation`, looking at its parents too."""
        for owner in self.ancestors(relation):
            shape = self.shapes[owner]
            if name in shape.columns:
                return Ref("column", name, owner, path)
            if name in shape.facts:
                return Ref("fact", name, owner, path)
            if name == "id":
                return Ref("id", name, owner, path)
            path = (*path, "parent")
        return None

    def names(self, relation: str) -> list[str]:
        """Return every name that an expression on `relation` may use, for suggestions."""
        found = {"today", *self.parameters, *self.measures}
        for owner in self.ancestors(relation):
            shape = self.shapes[owner]
            found |= {*shape.columns, *shape.facts}
        for alias, target in self.shapes[relation].aliases.items():
            found |= {
                f"{alias}.{name}"
                for o in self.ancestors(target)
                for name in {*self.shapes[o].columns, *self.shapes[o].facts}
            }
        return sorted(name for name in found if " " not in name)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: on rows of a relation, perhaps beneath `this` row of another."""

    world: World
    relation: str
    this: str | None = None

    def resolve(self, alias: str, name: str) -> Ref | None:
        """Return what a name stands for here, or None."""
        world, shape = self.world, self.world.shapes[self.relation]
        if alias == "this":
            return world.find(self.this, name, ("this",)) if self.this else None
        if alias:
            target = shape.aliases.get(alias)
            return world.find(target, name, (alias,)) if target else None
        if name == "today":
            return Ref("today", name)
        found = world.find(self.relation, name)
        if found is not None and not (found.kind == "id" and found.path):
            return found
        if name in world.measures:
            return Ref("measure", name)
        if name in world.parameters:
            return Ref("parameter", name)
        return None


Typed = Callable[[Ref], Type]
