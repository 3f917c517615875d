"""What a rule rests on: facts, columns, measures, parameters, tables; and how well it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jobplan.expression.checked import Checked, CheckedRule, refs
from jobplan.expression.parse import Tree, arguments, nodes
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies
from jobplan.model import Citation, Source
from jobplan.policy.edition import Edition

CONFIDENCE = {"high": 3, "medium": 2, "low": 1}
READ = ("original", "summary", "restatement", "derived")


@dataclass(slots=True)
class Uses:
    """Everything that a condition reads, directly or through columns, measures and verdicts of other rules.

    `spread` names the relations of which other rows than the subject's own may be read.
    """

    facts: set[tuple[str, str]] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    measures: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    relations: set[str] = field(default_factory=set)
    attestations: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    spread: set[str] = field(default_factory=set)


def uses_of(checked: Checked, rule: CheckedRule) -> Uses:
    """Return what a rule rests on."""
    found = Uses()
    trees = [effective_applies(checked, rule), rule.requires]
    add_relation(checked, rule.rule.for_each, found)
    for tree in trees:
        add_tree(checked, tree, found)
    return found


def add_tree(checked: Checked, tree: Tree, found: Uses) -> None:
    """Add what a tree reads; rules share most trees, so what a tree names is noted on it."""
    if "reads" not in tree.meta:
        attested = [arguments(node)[0].name for node in nodes(tree) if node.meta.get("call") == "attested"]
        tree.meta["reads"] = (tuple(attested), tuple(dict.fromkeys(refs(tree))))
    attested, named = tree.meta["reads"]
    found.attestations.update(attested)
    for ref in named:
        add_ref(checked, ref, found)


def add_ref(checked: Checked, ref: Ref, found: Uses) -> None:
    """Add what a name stands for and what that rests on."""
    if ref.kind == "parameter":
        found.parameters.add(ref.name)
    elif ref.kind == "fact":
        found.facts.add((ref.relation, ref.name))
        add_relation(checked, ref.relation, found)
    elif ref.kind == "measure" and ref.name not in found.measures:
        found.measures.add(ref.name)
        add_formula(checked, checked.measures[ref.name], found)
    elif ref.kind == "column" and (ref.relation, ref.name) not in found.columns:
        found.columns.add((ref.relation, ref.name))
        add_formula(checked, checked.columns[(ref.relation, ref.name)], found)


def add_formula(checked: Checked, formula: object, found: Uses) -> None:
    """Add what a column or measure is worked out from."""
    from jobplan.expression.checked import CheckedFormula

    assert isinstance(formula, CheckedFormula)
    if formula.formula.table:
        found.tables.add(formula.formula.table)
    if formula.formula.of in checked.world.shapes:
        add_relation(checked, formula.formula.of, found)
        add_spread(checked, formula.formula.of, formula.relation if formula.own_children else None, found)
    if formula.formula.kind == "verdict" and formula.relation:
        found.rules.add(formula.formula.of)
    elif formula.formula.kind == "verdict":  # the plan's one verdict is made of those on rows
        add_formula(checked, checked.columns[(formula.formula.of, formula.name)], found)
    for key, tree in formula.trees.items():
        if key != "as_stated":
            add_tree(checked, tree, found)


def add_relation(checked: Checked, name: str, found: Uses) -> None:
    """Add what a derived relation is made from."""
    if name in found.relations:
        return
    found.relations.add(name)
    derived = checked.relations.get(name)
    if derived is None:
        return
    for source in derived.derived.sources.values():
        add_relation(checked, source, found)
    for tree in (*derived.trees.values(), *(t for m in derived.members.values() for t in m.values())):
        add_tree(checked, tree, found)


def add_spread(checked: Checked, name: str, owner: str | None, found: Uses) -> None:
    """Add a relation all of whose rows are read, with what it is made from; or those below `owner` only."""
    for relation in checked.world.ancestors(name):
        if relation == owner or relation in found.spread:
            return
        found.spread.add(relation)
        derived = checked.relations.get(relation)
        for source in derived.derived.sources.values() if derived is not None else ():
            add_spread(checked, source, owner, found)


@dataclass(frozen=True, slots=True)
class Assurance:
    """How well a rule is read: whether its words were seen, and with what confidence."""

    read: bool
    confidence: str

    @property
    def firm(self) -> bool:
        """Tell whether a violation may be called a breach."""
        return self.read and self.confidence in ("high", "medium")


def assurance_of(edition: Edition, rule: CheckedRule, uses: Uses) -> Assurance:
    """Return the weakest link of a rule's best citation and the best of all that it rests on."""
    policy = edition.policy
    resting = [rule.rule.cites]
    resting += [edition.rules[name].cites for name in uses.rules if name in edition.rules]
    legal = (name for name in uses.parameters if name not in edition.agreed)
    resting += [edition.cites.get(name) or policy.parameters[name].cites for name in legal]
    resting += [policy.tables[name].cites for name in uses.tables]
    links = (best(cites, policy.sources) for cites in resting)
    weakest = min((link for link in links if link is not None), default=(False, 1))
    names = {value: key for key, value in CONFIDENCE.items()}
    return Assurance(weakest[0], names[weakest[1]])


def best(cites: Iterable[Citation], sources: Mapping[str, Source]) -> tuple[bool, int] | None:
    """Return the best reading of some citations, or None where there is none."""
    return max((rank(cite, sources) for cite in cites), default=None)


def rank(cite: Citation, sources: Mapping[str, Source]) -> tuple[bool, int]:
    """Return whether a citation was read, and how surely; what is derived is read as far as its source is."""
    reading = cite.reading
    source = sources.get(reading.source)
    unread = reading.kind == "derived" and source is not None and source.seen == "none"
    return (reading.kind in READ and not unread, CONFIDENCE[reading.confidence])
