"""What a finding says, written as SQL: the message filled in, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree
from jobplan.expression.rules import HOLE
from jobplan.expression.scope import Ref
from jobplan.facts.codes import CAUSES, assumed_of, cause_of
from jobplan.findings.basis import EditionBasis, RuleBasis
from jobplan.findings.bulk.agreed import Value, agreements
from jobplan.findings.bulk.shown import Shown
from jobplan.findings.bulk.sight import Path, Sight
from jobplan.findings.bulk.write import array, differ, struct, strung

EVIDENCE = ("name", "relation", "row", "shown", "unit", "assumed")
"""What one piece of evidence tells, all of it in texts."""

PARTS = ", ".join(f'"{name}" VARCHAR' for name in EVIDENCE)
EVIDENCE_TYPE = f"STRUCT({PARTS})[]"


@dataclass(frozen=True, slots=True)
class Sayer:
    """Writes what findings of one edition say; `assumed` are the facts that an assumption filled in."""

    basis: EditionBasis
    shown: Shown
    value: Value
    assumed: Collection[tuple[str, str]] = ()

    # --- messages ---------------------------------------------------------------------------

    def message(self, rule: RuleBasis, sight: Sight) -> Tree:
        """Return the message of a rule with what a row puts into it."""
        holes = rule.checked.holes
        pieces = HOLE.split(rule.checked.rule.message)
        parts: list[Tree] = []
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(self.hole(holes[piece], sight) if piece in holes else n.text(f"{{{piece}}}"))
            elif piece:
                parts.append(n.text(piece))
        return strung(parts) if parts else n.text("")

    def hole(self, tree: Tree, sight: Sight) -> Tree:
        """Return what stands in a message for a name."""
        ref = tree.meta.get("ref")
        if not isinstance(ref, Ref):
            return self.shown.kind(tree.meta.get("kind", ""), self.value(tree, sight))
        if ref.kind == "parameter":
            return n.text(self.basis.shower.value(ref, self.basis.program.edition.values[ref.name]))
        if ref.kind in ("today", "constant"):
            return self.shown.value(ref, self.value(tree, sight))
        return self.value_of(ref, sight)

    def value_of(self, ref: Ref, sight: Sight) -> Tree:
        """Return the text of a fact, column, id or measure; a fact may be stated to be none."""
        shown = self.shown.value(ref, sight.read(ref))
        field = self.basis.shower.field(ref)
        if field is None or not field.none:
            return shown
        cause = sight.column(sight.path_of(ref), cause_of(ref.name))
        return n.case((n.same(cause, n.whole(CAUSES["none"])), n.text("none")), otherwise=shown)

    # --- evidence ---------------------------------------------------------------------------

    def evidence(self, rule: RuleBasis, sight: Sight, *, agreed: bool = True) -> Tree:
        """Return the list of the values that a judgement rests on, perhaps with those agreed locally."""
        items = list(self.items(rule, sight))
        for table, shown in agreements(self.basis, rule, sight, self.value) if agreed else ():
            said = piece(table, "", n.text(""), shown, n.text(""), n.text(""))
            items.append((n.known(shown.copy()), said))
        if not items:
            return n.cast(array(()), EVIDENCE_TYPE)
        listed = array(n.case((given, item)) if given is not None else item for given, item in items)
        if all(given is None for given, _ in items):
            return listed
        return self.shown.functions.present(listed)

    def assumptions(self, rule: RuleBasis, sight: Sight) -> Tree:
        """Return the ids of the assumptions that a judgement rests on, in order."""
        own: list[Tree] = []
        lists: list[Tree] = []
        for relation, name in rule.facts:
            if (relation, name) not in self.assumed:
                continue
            path = sight.own(relation)
            if path is not None and relation not in rule.uses.spread:
                own.append(sight.column(path, assumed_of(name)))
            else:
                ids = sight.beside(assumed_table(relation, name), "ids")
                lists.append(n.coalesce(ids, n.cast(array(()), "VARCHAR[]")))
        if not own and not lists:
            return n.cast(array(()), "VARCHAR[]")
        functions = self.shown.functions
        listed = [*([functions.present(array(own))] if own else []), *lists]
        return functions.sorted(reduce(functions.both, listed))

    def items(self, rule: RuleBasis, sight: Sight) -> Iterator[tuple[Tree | None, Tree]]:
        """Yield the values that the condition reads, and the row's own facts behind them.

        With each goes the condition under which it is there.
        """
        seen: dict[tuple[str, str], list[Path]] = {}
        for ref in rule.reads:
            if ref.kind in ("fact", "column"):
                path = sight.settled(sight.path_of(ref))
                others = seen.setdefault((ref.relation, ref.name), [])
                if path not in others:
                    yield self.unless_same(sight, path, others), self.of_row(ref, path, sight)
                    others.append(path)
            elif ref.kind in ("measure", "parameter") and " " not in ref.name and ("", ref.name) not in seen:
                seen[("", ref.name)] = []
                yield None, self.of_policy(ref, sight)
        for relation, name in rule.facts:
            own = sight.own(relation)
            others = seen.get((relation, name), [])
            if own is not None and own not in others:
                there = n.known(sight.column(own, name))
                apart = self.unless_same(sight, own, others)
                given = there if apart is None else n.every(there, apart)
                yield given, self.of_row(Ref("fact", name, relation, own), own, sight, known=True)

    def unless_same(self, sight: Sight, path: Path, others: list[Path]) -> Tree | None:
        """Return the condition that a row is none of those that other ways lead to."""
        mine = [differ(sight.column(path, "id"), sight.column(o, "id")) for o in others]
        return n.every(*mine) if mine else None

    def of_row(self, ref: Ref, path: Path, sight: Sight, *, known: bool = False) -> Tree:
        """Return the evidence of a fact or column of a row; less is asked where it is known to be there."""
        unit = self.shown.unit(ref)
        said: Tree = n.text(unit)
        if unit and not known:
            said = n.case((n.known(sight.read(ref)), said), otherwise=n.text(""))
        field = self.basis.shower.field(ref)
        assumed: Tree = n.text("")
        if field is not None and (ref.relation, ref.name) in self.assumed:
            assumed = n.coalesce(sight.column(path, assumed_of(ref.name)), n.text(""))
        shown = self.shown.value(ref, sight.read(ref)) if known else self.value_of(ref, sight)
        return piece(ref.name, ref.relation, sight.column(path, "id"), shown, said, assumed)

    def of_policy(self, ref: Ref, sight: Sight) -> Tree:
        """Return the evidence of a measure or parameter."""
        if ref.kind == "measure":
            shown = self.shown.value(ref, sight.read(ref))
        else:
            shown = n.text(self.basis.shower.value(ref, self.basis.program.edition.values[ref.name]))
        return piece(ref.name, "", n.text(""), shown, n.text(self.basis.shower.unit(ref)), n.text(""))


def piece(name: str, relation: str, row: Tree, shown: Tree, unit: Tree, assumed: Tree) -> Tree:
    """Return one piece of evidence."""
    values = (n.text(name), n.text(relation), row, shown, unit, assumed)
    return struct(dict(zip(EVIDENCE, values, strict=True)))


def assumed_table(relation: str, name: str) -> str:
    """Return the table of the plans in which a fact of any row is assumed."""
    return f"assumed {relation}.{name}"


def table_of_assumed(relation: str, name: str) -> Tree:
    """Return the statement that makes that table, with the ids of the assumptions."""
    id = n.column(assumed_of(name))
    query = n.select(n.column("P"), n.named(n.call("list", id), "ids"))
    query = n.where(n.read_from(query, n.table("facts", relation)), n.known(id.copy()))
    return n.made_table("work", assumed_table(relation, name), n.grouped(query, n.column("P")))
