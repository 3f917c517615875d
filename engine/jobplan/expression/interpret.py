"""Read a value off its tree, and say why it has none.

Rows must have been worked out before (`Program.work`). The compiled program and this must always
agree; the tests hold them to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobplan.expression.checked import CheckedDerived, CheckedFormula
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.expression.runtime import Lookup, Windows
from jobplan.expression.scope import Ref
from jobplan.expression.spans import ancestor, by_ancestor
from jobplan.expression.tell import Lack, not_attested
from jobplan.expression.write import effective_applies
from jobplan.model import Reason, Relation, Row, Truth

Reasons = Iterator[Reason]


@dataclass(slots=True)
class Interpreter:
    """Reads trees on the worked-out rows of one plan."""

    program: Program
    relations: Mapping[str, Relation]
    measures: Mapping[str, Any]
    today: int
    attested: Mapping[str, Truth]
    root: Row = field(init=False)
    known: dict[tuple[str, str, Row], tuple[Reason, ...]] = field(default_factory=dict)
    opened: dict[tuple[str, Row | None], tuple[Reason, ...]] = field(default_factory=dict)
    named: dict[tuple[int, Row], tuple[Reason, ...]] = field(default_factory=dict)
    ordered: dict[Lack, tuple[Reason, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.relations[self.program.checked.world.root].rows[0]

    # --- values -----------------------------------------------------------------------------

    def tell(self, node: Tree, row: Row, this: Row | None = None) -> Any:
        """Return the value of a tree on a row, or a Lack."""
        return self.program.tellers.of(node)(self, row, this)

    def value(self, node: Tree, row: Row, this: Row | None = None) -> Any:
        """Return the value of a tree on a row; None where it is unknown."""
        found = self.program.tellers.of(node)(self, row, this)
        return None if type(found) is Lack else found

    def read(self, ref: Ref, row: Row, this: Row | None) -> Any:
        """Return what a name stands for on a row."""
        if ref.kind in ("fact", "column"):
            return self.owner(ref, row, this)[ref.name]
        if ref.kind == "id":
            return self.owner(ref, row, this).id
        if ref.kind == "measure":
            return self.measures[ref.name]
        if ref.kind == "parameter":
            return self.program.edition.values[ref.name]
        return self.today if ref.kind == "today" else ref.value

    def owner(self, ref: Ref, row: Row, this: Row | None) -> Row:
        """Return the row that has a field."""
        if ref.relation == self.root.relation:
            return self.root
        found: Any = row
        for hop in ref.path:
            found = this if hop == "this" else found.parent if hop == "parent" else found[hop]
        assert isinstance(found, Row)
        return found

    # --- reasons ----------------------------------------------------------------------------

    def why(self, node: Tree, row: Row, this: Row | None = None) -> Reasons:
        """Yield why a tree is unknown on a row; nothing where it is known."""
        found = self.program.tellers.of(node)(self, row, this)
        if type(found) is Lack:
            yield from self.reasons(found)

    def reasons(self, lack: Lack) -> Reasons:
        """Yield the reasons for what is lacking."""
        for entry in dict.fromkeys(lack):
            if type(entry) is Reason:
                yield entry
            else:
                yield from self.why_named(entry)

    def in_order(self, lack: Lack) -> tuple[Reason, ...]:
        """Return the reasons for what is lacking once each, in a fixed order; many rules lack the same."""
        found = self.ordered.get(lack)
        if found is None:
            found = self.ordered[lack] = tuple(sorted(set(self.reasons(lack))))
        return found

    def why_named(self, entry: tuple[int, Row]) -> tuple[Reason, ...]:
        """Return why a name has no value in the row that has it."""
        found = self.named.get(entry)
        if found is None:
            number, row = entry
            ref, itself = self.program.tellers.names[number]
            why = (self.missing(row, ref.name),) if itself else tuple(self.why_name(ref, row))
            found = self.named[entry] = why
        return found

    def why_attested(self, name: str) -> Reason:
        """Return the reason that nobody has attested something."""
        return not_attested(self.program.edition, name)

    def why_name(self, ref: Ref, owner: Row) -> Reasons:
        """Yield why a fact, column or measure of a row has no value."""
        if ref.kind == "measure":
            yield from self.why_formula(self.program.checked.measures[ref.name], self.root)
        elif ref.kind == "column":
            yield from self.why_formula(self.program.checked.columns[(ref.relation, ref.name)], owner)
        else:
            derived = self.program.checked.relations.get(owner.relation)
            if derived is not None and derived.derived.kind == "union":
                yield from self.why_union(derived, owner, ref.name)
            else:
                yield self.missing(owner, ref.name)

    def why_union(self, checked: CheckedDerived, row: Row, name: str) -> Reasons:
        """Yield why a column of a union has no value, from the row that it was made of."""
        relation, _, id = row.id.partition(":")
        for source in self.relations[relation].rows:
            if source.id == id:
                yield from self.why(checked.members[relation][name], source)

    def missing(self, row: Row, name: str) -> Reason:
        """Return the reason that a fact of a row is not there."""
        cause = row.causes.get(name, "blank")
        if cause == "conflict":
            return Reason("conflict", row.relation, row.id, name, cause, row.texts.get(name, ""))
        return Reason("missing", row.relation, row.id, name, cause, row.texts.get(name, ""))

    def why_formula(self, checked: CheckedFormula, row: Row) -> Reasons:
        """Yield why a column or measure has no value; found once, for many rules ask."""
        key = (checked.relation, checked.name, row)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = tuple(dict.fromkeys(self.formula_reasons(checked, row)))
        yield from found

    def formula_reasons(self, checked: CheckedFormula, row: Row) -> Reasons:
        """Yield the reasons of a column or measure by its kind."""
        kind = checked.formula.kind
        if kind == "value":
            yield from self.why(checked.trees["value"], row)
        elif kind == "overlap":
            yield from self.why_overlap(checked, row)
        elif kind == "lookup":
            yield from self.why_lookup(checked, row)
        elif kind == "verdict" and checked.relation:
            yield from self.why_rule(checked.formula.of, row)
        elif kind == "verdict":
            yield from self.why_plan_verdict(checked)
        else:
            yield from self.why_aggregate(checked, row)

    def why_overlap(self, checked: CheckedFormula, row: Row) -> Reasons:
        """Yield why the part inside windows is not known."""
        ends = [self.value(checked.trees[key], row) for key in ("opens", "closes")]
        if None in ends:
            yield from (reason for tree in checked.trees.values() for reason in self.why(tree, row))
            return
        windows = Windows(self.program.edition.windows[checked.formula.table])
        if not windows.words:
            yield Reason("silent", text="what day follows the holiday is not known")
        yield from (Reason("silent", field=checked.formula.table, text=words) for words in windows.words)

    def why_lookup(self, checked: CheckedFormula, row: Row) -> Reasons:
        """Yield why a table gives nothing: a key is unknown, or no row fits."""
        table = self.program.edition.policy.tables[checked.formula.table]
        keys = [self.value(checked.trees[key], row) for key in table.by]
        if None in keys:
            yield from (reason for key in table.by for reason in self.why(checked.trees[key], row))
        elif Lookup(self.program.edition.rows[table.name]).row(*keys) is None:
            shown = ", ".join(
                f"{n} {v + 0.0:g}" if isinstance(v, float) else f"{n} {v}"  # nought has no sign
                for n, v in zip(table.by, keys, strict=True)
            )
            yield Reason(
                "silent", field=table.name, text=table.if_none or f"no row of {table.name} fits {shown}"
            )

    def why_rule(self, rule: str, row: Row) -> Reasons:
        """Yield why the verdict of a rule on a row is unknown."""
        checked = self.program.checked.rules[rule]
        applies = effective_applies(self.program.checked, checked)
        yield from self.why(applies, row)
        if self.value(applies, row) is not None or self.value(checked.requires, row) is None:
            yield from self.why(checked.requires, row)

    def why_plan_verdict(self, checked: CheckedFormula) -> Reasons:
        """Yield the reasons behind a plan's verdict on a rule."""
        relation = checked.formula.of
        yield from self.why_open(relation)
        for row in self.relations[relation].rows:
            if row[checked.name] is None:
                yield from self.why_formula(self.program.checked.columns[(relation, checked.name)], row)

    def why_aggregate(self, checked: CheckedFormula, row: Row) -> Reasons:
        """Yield the reasons of the rows that might count, and of what may be missing."""
        relation = self.relations[checked.formula.of]
        rows: Iterable[Row] = relation.rows
        if checked.own_children:
            rows = by_ancestor(relation.rows, checked.relation).get(row.id, [])
            yield from self.why_open(checked.formula.of, row)
        else:
            yield from self.why_open(checked.formula.of)
        where, value = checked.trees.get("where"), checked.trees["input"]
        for inner in rows:
            counts = True if where is None else self.value(where, inner, row)
            if inner["maybe"]:
                yield from self.why_pair(checked.formula.of, inner)
            if counts is None and where is not None:
                yield from self.why(where, inner, row)
            if counts is not False:
                yield from self.why(value, inner, row)
        if checked.formula.if_none is not None:
            yield from self.why(checked.trees["if_none"], row)

    def why_pair(self, relation: str, row: Row) -> Reasons:
        """Yield why it is not known whether a pair exists."""
        yield from self.why(self.program.checked.relations[relation].trees["where"], row)

    def why_open(self, name: str, owner: Row | None = None) -> Reasons:
        """Yield why a relation may not have all its rows; below one row only, if it is given."""
        key = (name, owner)
        found = self.opened.get(key)
        if found is None:
            found = self.opened[key] = tuple(dict.fromkeys(self.open_reasons(name, owner)))
        yield from found

    def open_reasons(self, name: str, owner: Row | None) -> Reasons:
        """Yield the reasons of a relation: of what it is made from, or of lists not given."""
        relation = self.relations[name]
        derived = self.program.checked.relations.get(name)
        if owner is not None and name == owner.relation:
            return
        if derived is not None:
            if not relation.complete or relation.open_parents:
                yield from self.why_derived(derived, owner)
            return
        parent = self.program.checked.world.shapes[name].parent
        if owner is None and not relation.complete and not relation.open_parents:
            yield Reason("missing", name, "", "", relation.cause or "blank")
        if parent in (None, self.program.checked.world.root):
            return
        for holder in self.within(str(parent), owner):
            if holder.id in relation.open_parents:
                yield Reason("missing", name, holder.id, "", relation.cause or "blank")
        yield from self.why_open(str(parent), owner)

    def within(self, name: str, owner: Row | None) -> Iterator[Row]:
        """Yield the rows of a relation, or those of them that belong to `owner`."""
        for row in self.relations[name].rows:
            if owner is None or ancestor(row, owner.relation) is owner:
                yield row

    def why_derived(self, checked: CheckedDerived, owner: Row | None) -> Reasons:
        """Yield why a derived relation may lack rows; below one row only, if it is given."""
        derived, trees = checked.derived, checked.trees
        for source in dict.fromkeys(derived.sources.values()):
            yield from self.why_open(source, owner)
            if derived.kind in ("rows", "merge", "each", "gaps"):
                for row in self.within(source, owner):
                    yield from self.why_source(checked, row)
        if derived.kind not in ("merge", "gaps"):
            return
        root = self.program.checked.world.root
        if derived.within and owner is None:
            yield from self.why_open(derived.within)
        for holder in self.within(derived.within or root, owner):
            for tree in (trees[key] for key in ("gap", "from_", "until") if key in trees):
                yield from self.why(tree, holder)

    def why_source(self, checked: CheckedDerived, row: Row) -> Reasons:
        """Yield why a row does not tell what is made of it."""
        trees = checked.trees
        if "where" in trees and self.value(trees["where"], row) is False:
            return
        if row["maybe"]:
            yield from self.why_pair(row.relation, row)
        for tree in (trees[key] for key in ("where", "list", "opens", "closes") if key in trees):
            yield from self.why(tree, row)
        if checked.derived.kind == "gaps":
            for name in ("opens", "closes"):
                ref = self.program.checked.world.find(row.relation, name)
                if ref is not None and self.read(ref, row, None) is None:
                    yield from self.why_name(ref, self.owner(ref, row, None))
