"""What is read of what: which columns and measures are wanted, and which fields of which rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jobplan.backends.sql.frames import Path
from jobplan.expression.checked import Checked, CheckedDerived, CheckedFormula, CheckedRule, Node, refs
from jobplan.expression.order import derived_needs, formula_needs
from jobplan.expression.parse import Tree, arguments, call_name, nodes
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies
from jobplan.facts.codes import cause_of
from jobplan.policy.edition import Edition

Read = tuple[str, Tree, str]
"""A tree with the relation it stands on and, in an aggregate, that of the row above."""


@dataclass(slots=True)
class Needs:
    """What an edition reads. `fields` has by relation the fields read of its rows, by the way to them."""

    checked: Checked
    edition: Edition
    nodes: set[Node] = field(default_factory=set)
    fields: dict[str, set[tuple[Path, str]]] = field(default_factory=dict)
    read: dict[int, tuple[Tree, list[tuple[Path, str]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waiting: list[Node] = [("measure", "", name) for name in self.checked.measures]
        waiting += [
            ("relation", relation, "") for relation in self.judged() if relation in self.checked.relations
        ]
        for relation, tree, _ in self.rule_trees():
            waiting += nodes_of(tree)
            if relation in self.checked.relations:
                waiting.append(("relation", relation, ""))
        while waiting:
            node = waiting.pop()
            if node not in self.nodes:
                self.nodes.add(node)
                waiting += self.needs_of(node)
        self.fields = self.fields_after(frozenset(), frozenset())

    def judged(self) -> list[str]:
        """Return the relations that rules of the edition are judged on, in order."""
        return list(dict.fromkeys(rule.for_each for rule in self.edition.rules.values()))

    def needs_of(self, node: Node) -> Iterator[Node]:
        """Yield what a column, measure or relation is worked out from."""
        kind, relation, _ = node
        if kind == "relation":
            yield from derived_needs(self.checked.relations[relation], self.checked.world)
        else:
            yield from formula_needs(self.formula(node), self.checked.world)

    def formula(self, node: Node) -> CheckedFormula:
        """Return the formula of a column or measure."""
        kind, relation, name = node
        return self.checked.columns[(relation, name)] if kind == "column" else self.checked.measures[name]

    def fields_after(
        self, worked: frozenset[Node], judged: frozenset[str]
    ) -> dict[str, set[tuple[Path, str]]]:
        """Return the fields that are read of rows when some columns are worked out and some rules judged."""
        self.fields = {}
        for relation, tree, this in self.all_trees(worked, judged):
            self.note(relation, tree, this)
        self.note_ids()
        return self.fields

    # --- trees ------------------------------------------------------------------------------

    def rule_trees(self) -> Iterator[Read]:
        """Yield the trees of the edition's rules, messages among them, and of waivers."""
        for name in self.edition.rules:
            rule = self.checked.rules[name]
            trees = [rule.applies, rule.requires, *rule.holes.values()]
            trees += [rule.by] if rule.by is not None else []
            yield from ((rule.rule.for_each, tree, "") for tree in trees)
        for _, tree in self.checked.waivers:
            if tree is not None:
                yield self.checked.world.root, tree, ""

    def of_rule(self, rule: CheckedRule) -> set[Node]:
        """Return what must have been worked out before a rule can be judged."""
        trees = [effective_applies(self.checked, rule), rule.requires]
        return {node for tree in trees for node in nodes_of(tree)}

    def all_trees(self, worked: frozenset[Node], judged: frozenset[str]) -> Iterator[Read]:
        """Yield every tree that is needed, but messages: those are of few rows."""
        for name in [name for name in self.edition.rules if name not in judged]:
            rule = self.checked.rules[name]
            yield rule.rule.for_each, rule.applies, ""
            yield rule.rule.for_each, rule.requires, ""
            if rule.by is not None:
                yield rule.rule.for_each, rule.by, ""
        for node in self.nodes:
            if node in worked:
                continue
            if node[0] == "relation":
                yield from self.derived_trees(self.checked.relations[node[1]])
            else:
                yield from self.formula_trees(self.formula(node))

    def formula_trees(self, checked: CheckedFormula) -> Iterator[Read]:
        """Yield the trees of a column or measure."""
        here, of = checked.relation or self.checked.world.root, checked.formula.of
        for key, tree in checked.trees.items():
            if key in ("input", "where"):
                yield of, tree, checked.relation
            else:
                yield here, tree, ""

    def derived_trees(self, checked: CheckedDerived) -> Iterator[Read]:
        """Yield the trees of a derived relation."""
        derived = checked.derived
        for member, columns in checked.members.items():
            yield from ((member, tree, "") for tree in columns.values())
        source = next(iter(derived.sources.values()))
        on = derived.name if derived.kind == "pairs" else source
        for key, tree in checked.trees.items():
            if key in ("from_", "until", "gap"):
                above = derived.within or self.checked.world.root
                yield (above if key != "gap" else self.checked.world.root), tree, ""
            else:
                yield on, tree, ""

    # --- fields -----------------------------------------------------------------------------

    def note(self, relation: str, tree: Tree, this: str) -> None:
        """Note which fields a tree reads."""
        if id(tree) not in self.read:
            self.read[id(tree)] = tree, list(self.read_in(tree))
        for path, name in self.read[id(tree)][1]:
            self.note_field(relation, path, name, this)

    def read_in(self, tree: Tree) -> Iterator[tuple[Path, str]]:
        """Yield the fields that a tree reads of rows, with the way to each."""
        for ref in refs(tree):
            if ref.kind in ("fact", "column", "id") and ref.relation != self.checked.world.root:
                yield ref.path, ref.name
        for node in nodes(tree):
            if call_name(node) in ("recorded", "none"):
                ref = arguments(node)[0].meta["ref"]
                if ref.kind == "fact" and ref.relation != self.checked.world.root:
                    yield ref.path, cause_of(ref.name)

    def note_field(self, relation: str, path: Path, name: str, this: str) -> None:
        """Note a field at the end of a path, of every row on the way."""
        if path[:1] == ("this",):
            relation, path = this, path[1:]
        while True:
            self.fields.setdefault(relation, set()).add((path, name))
            if not path:
                return
            shape = self.checked.world.shapes[relation]
            relation = shape.aliases.get(path[0]) or shape.parent or self.checked.world.root
            path = path[1:]

    def note_ids(self) -> None:
        """Note the ids that are needed to make ids of, and to put rows of pairs in order."""
        for name in [node[1] for node in self.nodes if node[0] == "relation"]:
            derived = self.checked.relations[name].derived
            sides = list(derived.sources.values())
            if derived.kind == "gaps":
                for edge in ("opens", "closes"):
                    ref = self.checked.world.find(sides[0], edge)
                    if ref is not None and ref.relation != self.checked.world.root:
                        self.note_field(sides[0], ref.path, edge, "")
            if derived.kind == "pairs" and len(set(sides)) == 1:
                self.need_id(sides[0])
        for relation in [relation for relation, fields in self.fields.items() if ((), "id") in fields]:
            self.need_id(relation)

    def need_id(self, relation: str) -> None:
        """Note that rows of a relation need their ids, and what those are made of."""
        self.fields.setdefault(relation, set()).add(((), "id"))
        made = self.checked.relations.get(relation)
        if made is not None:
            above = [made.derived.within] if made.derived.within else []
            spans = made.derived.kind in ("merge", "gaps")
            for source in above if spans else made.derived.sources.values():
                self.need_id(source)


def nodes_of(tree: Tree) -> Iterator[Node]:
    """Yield the columns, measures and relations that a tree reads."""
    for ref in refs(tree):
        yield from node_of(ref)


def node_of(ref: Ref) -> Iterator[Node]:
    """Yield what must be worked out for a name."""
    if ref.kind == "column":
        yield "column", ref.relation, ref.name
    elif ref.kind == "measure":
        yield "measure", "", ref.name
