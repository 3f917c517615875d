"""Values of tables agreed locally that a judgement uses, written as SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.scalar import Reader, compared
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.findings.basis import EditionBasis, RuleBasis
from jobplan.findings.bulk.sight import ROW, Path, Sight
from jobplan.model import TableRow

Value = Callable[[Tree, Reader], Tree]
"""Writes the value of a tree, names being found by the reader."""


@dataclass(frozen=True, slots=True)
class FromThere:
    """Reads names as they are meant in a row that can be reached from the one looked at."""

    sight: Sight
    path: Path

    def read(self, ref: Ref) -> Tree:
        """Return the column that a name stands for."""
        return self.sight.read(self.there(ref))

    def cause(self, ref: Ref) -> Tree | None:
        """Return the column that tells why a fact has no value."""
        return self.sight.cause(self.there(ref))

    def attested(self, name: str) -> Tree:
        """Return the column of an attestation."""
        return self.sight.attested(name)

    def hold(self, value: Tree) -> Tree:
        """Return a value to be written again."""
        return self.sight.hold(value)

    def there(self, ref: Ref) -> Ref:
        """Return a name with the way to it from the row looked at."""
        return replace(ref, path=(*self.path, *ref.path))


def agreements(
    basis: EditionBasis, rule: RuleBasis, sight: Sight, value: Value
) -> Iterator[tuple[str, Tree]]:
    """Yield the tables agreed locally that a judgement looks up, each with the text of its value or NULL.

    A table that several columns look up is named once, where it was first used, with the last value.
    """
    found: list[tuple[str, Tree]] = []
    for relation, name in rule.local_lookups:
        own = sight.own(relation)
        if own is not None and relation not in rule.uses.spread:
            shown = agreed_value(basis, relation, name, FromThere(sight, own), value)
        else:
            shown = sight.beside(table_name(relation, name), "shown")
        found.append((basis.program.checked.columns[(relation, name)].formula.table, shown))
    for place, (table, shown) in enumerate(found):
        earlier = [other for name, other in found[:place] if name == table]
        later = [other for name, other in reversed(found[place + 1 :]) if name == table]
        last: Tree = n.call("coalesce", *(other.copy() for other in later), shown.copy()) if later else shown
        conditions = [n.known(shown.copy()), *(n.missing(other.copy()) for other in earlier)]
        yield table, n.case((n.every(*conditions), last))


def agreed_value(basis: EditionBasis, relation: str, name: str, reader: Reader, value: Value) -> Tree:
    """Return the text of the value that a look-up takes from a row agreed locally; NULL otherwise."""
    program = basis.program
    checked = program.checked.columns[(relation, name)]
    table = program.edition.policy.tables[checked.formula.table]
    keys = [value(checked.trees[key], reader) for key in table.by]
    branches = [
        (fits(row, keys), n.text(basis.shower.kind("", row.value)))
        for row in program.edition.rows[table.name]
        if row.agreed
    ]
    return n.case(*branches)


def fits(row: TableRow, keys: list[Tree]) -> Tree:
    """Return whether a row of a table fits; NULL if a key is unknown."""
    return n.every(*(part for key, value in zip(row.keys, keys, strict=True) for part in tests(key, value)))


def tests(key: Any, value: Tree) -> Iterator[Tree]:
    """Yield what one key asks of a value; numbers are compared in whole millionths."""
    if isinstance(key, tuple):
        low, high = (None if end is None else compared(n.number(end)) for end in key)
        if low is not None:
            yield n.binary(exp.GTE, compared(value.copy()), low)
        if high is not None:
            yield n.binary(exp.LTE, compared(value.copy()), high)
        if low is None and high is None:
            yield n.known(value.copy())
    elif isinstance(key, float):
        yield n.same(compared(value.copy()), compared(n.number(key)))
    elif isinstance(key, bool):
        yield n.same(value.copy(), n.truth(key))
    else:
        yield n.same(value.copy(), n.text(str(key)))


def table_name(relation: str, name: str) -> str:
    """Return the table of the plans in which any row's look-up uses a local agreement."""
    return f"agreed {relation}.{name}"


def table_of_agreed(basis: EditionBasis, sight: Sight, name: str, value: Value) -> Tree:
    """Return the statement that makes that table: the value of the last such row of each plan."""
    shown = agreed_value(basis, sight.relation, name, FromThere(sight, ()), value)
    order = n.whole(0) if sight.relation == sight.schema.root else n.column("R", ROW)
    each = n.select(n.column("P", ROW), n.named(order, "R"), n.named(shown, "shown"))
    rows = n.read_from(each, n.source(sight.select(), ROW))
    last = n.named(n.call("max_by", n.column("shown"), n.column("R")), "shown")
    query = n.read_from(n.select(n.column("P"), last), n.source(rows, "each"))
    query = n.grouped(n.where(query, n.known(n.column("shown"))), n.column("P"))
    return n.made_table("work", table_name(sight.relation, name), query)
