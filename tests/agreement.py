"""A third reading of an edition, slow and plain, against which the compiled program is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jobplan.backends.judging import Worked
from jobplan.expression.checked import CheckedFormula
from jobplan.expression.interpret import Interpreter
from jobplan.expression.runtime import Lookup, Windows, rounded
from jobplan.expression.write import effective_applies
from jobplan.model import Row, Truth


def differences(worked: Worked) -> list[str]:
    """Return where columns, measures and verdicts differ from what the interpreter makes of their trees."""
    return [*_formulas(worked), *_verdicts(worked)]


def interpreter(worked: Worked) -> Interpreter:
    """Return the interpreter of a worked-out plan."""
    return Interpreter(worked.program, worked.relations, worked.measures, worked.today, worked.attested)


def _formulas(worked: Worked) -> Iterator[str]:
    reader = Again(worked)
    for (relation, name), column in worked.program.checked.columns.items():
        for row in worked.relations[relation].rows:
            again = reader.formula(column, row)
            if not alike(row[name], again):
                yield f"{relation}.{row.id}.{name}: worked out {row[name]!r}, read {again!r}"
    for name, measure in worked.program.checked.measures.items():
        again = reader.formula(measure, worked.root)
        if not alike(worked.measures[name], again):
            yield f"{name}: worked out {worked.measures[name]!r}, read {again!r}"


def _verdicts(worked: Worked) -> Iterator[str]:
    program, reader = worked.program, interpreter(worked)
    found = program.verdicts(worked.relations, worked.measures, worked.today, worked.attested)
    for rule, verdicts in zip(program.rules, found, strict=True):
        applies = effective_applies(program.checked, rule)
        for row, verdict in zip(worked.relations[rule.rule.for_each].rows, verdicts, strict=True):
            again = judged(reader.value(applies, row), reader.value(rule.requires, row))
            if verdict != again:
                yield f"{rule.rule.id} on {row.id}: worked out {verdict}, read {again}"


def judged(applies: Truth, requires: Truth) -> str | None:
    """Return the verdict on one subject; None is unknown."""
    if applies is False:
        return "not_applicable"
    if applies is None or requires is None:
        return None
    return "satisfied" if requires else "violated"


def alike(a: Any, b: Any) -> bool:
    """Tell whether two values are the same, kind and all."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b
    return type(a) is type(b) and a == b


class Again:
    """Works a formula out anew, by what the design says and not by what was compiled."""

    def __init__(self, worked: Worked) -> None:
        self.worked = worked
        self.reader = interpreter(worked)
        self.checked = worked.program.checked

    def formula(self, checked: CheckedFormula, row: Row) -> Any:
        """Return the value of a column or measure on a row."""
        kind = checked.formula.kind
        if kind == "verdict":
            found: Any = self._verdict(checked, row)
        elif kind in ("value", "overlap", "lookup"):
            found = self._scalar(checked, row)
        else:
            found = self._aggregate(checked, row)
        return rounded(found) if checked.type.kind == "number" else found

    def _scalar(self, checked: CheckedFormula, row: Row) -> Any:
        formula, edition = checked.formula, self.worked.program.edition
        if formula.kind == "value":
            return self.reader.value(checked.trees["value"], row)
        if formula.kind == "overlap":
            ends = [self.reader.value(checked.trees[key], row) for key in ("opens", "closes")]
            return Windows(edition.windows[formula.table])(*ends)
        keys = [self.reader.value(checked.trees[key], row) for key in edition.policy.tables[formula.table].by]
        return Lookup(edition.rows[formula.table])(*keys)

    def _verdict(self, checked: CheckedFormula, row: Row) -> Any:
        program, rule = self.worked.program, checked.formula.of
        if checked.relation:
            if rule not in program.edition.rules:
                return "not_applicable"
            tree = self.checked.rules[rule]
            applies = self.reader.value(effective_applies(self.checked, tree), row)
            return judged(applies, self.reader.value(tree.requires, row))
        verdicts = [other[checked.name] for other in self.worked.relations[checked.formula.of].rows]
        if "violated" in verdicts:
            return "violated"
        if None in verdicts or not self.whole(checked.formula.of):
            return None
        return "satisfied" if "satisfied" in verdicts else "not_applicable"

    # --- aggregates -------------------------------------------------------------------------

    def _aggregate(self, checked: CheckedFormula, row: Row) -> Any:
        kind, of = checked.formula.kind, checked.formula.of
        rows: Iterable[Row] = self.worked.relations[of].rows
        whole = self.whole(of)
        if checked.relation not in ("", self.checked.world.root) and self._is_below(of, checked.relation):
            rows = [other for other in rows if owner(other, checked.relation) is row]
            whole = self.whole(of, row)
        counted = [(self._counts(checked, other, row), other) for other in rows]
        tree = checked.trees["input"]
        values = [(counts, self.reader.value(tree, other, row)) for counts, other in counted]
        if kind in ("any", "all"):
            return any_or_all(kind, values, whole=whole)
        if kind == "count":
            values = [(kleene_and(counts, value), 1.0) for counts, value in values]
        values = [(counts, value) for counts, value in values if counts is not False]
        if not whole or any(counts is None or value is None for counts, value in values):
            return None
        found = [value for _, value in values]
        if kind in ("sum", "count"):
            return sum(whole_billionths(value) for value in found) / 1e9
        if not found:
            return self.reader.value(checked.trees["if_none"], row)
        if kind == "average":
            return sum(whole_billionths(value) for value in found) / 1e9 / len(found)
        return min(found) if kind == "min" else max(found)

    def _is_below(self, of: str, relation: str) -> bool:
        return of != relation and relation in self.checked.world.ancestors(of)

    def _counts(self, checked: CheckedFormula, row: Row, this: Row) -> Truth:
        where = checked.trees.get("where")
        counts: Truth = True if where is None else self.reader.value(where, row, this)
        derived = self.checked.relations.get(checked.formula.of)
        if derived is not None and derived.derived.kind == "pairs":
            counts = kleene_and(counts, self.reader.value(derived.trees["where"], row))
        return counts

    def whole(self, name: str, below: Row | None = None) -> bool:
        """Tell whether all rows of a relation are there; below one row only, if it is given."""
        shape, relation = self.checked.world.shapes[name], self.worked.relations[name]
        if below is None:
            here = relation.complete and not relation.open_parents
        else:
            above = self.worked.relations[shape.parent or ""].rows
            here = not any(r.id in relation.open_parents and owner(r, below.relation) is below for r in above)
            if shape.parent == below.relation:
                return here
        if shape.parent in (None, self.checked.world.root) or (shape.derived and below is None):
            return here
        return here and self.whole(shape.parent or "", below)


def any_or_all(kind: str, values: list[tuple[Truth, Truth]], *, whole: bool) -> Truth:
    """Return Kleene's `or` or `and` over rows, one more being unknown where some may be missing."""
    deciding = kind == "any"
    found = [
        kleene_and(counts, value) if deciding else kleene_or(None if counts is None else not counts, value)
        for counts, value in values
    ]
    if deciding in found:
        return deciding
    return None if None in found or not whole else not deciding


def kleene_and(a: Truth, b: Truth) -> Truth:
    """Return Kleene's `and`."""
    return False if a is False or b is False else None if a is None or b is None else True


def kleene_or(a: Truth, b: Truth) -> Truth:
    """Return Kleene's `or`."""
    return True if a is True or b is True else None if a is None or b is None else False


def whole_billionths(value: float) -> int:
    """Return a number in whole billionths, as sums add them."""
    return int((value * 1e9 + 0.5) // 1)


def owner(row: Row, relation: str) -> Row | None:
    """Return the row, its parent or a further one that belongs to a relation."""
    found: Row | None = row
    while found is not None and found.relation != relation:
        found = found.parent
    return found
