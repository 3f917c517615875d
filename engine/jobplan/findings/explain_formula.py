"""Explain columns and measures: expressions, look-ups, windows, aggregates and other rules' verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobplan.expression.checked import CheckedFormula
from jobplan.expression.parse import Tree
from jobplan.expression.runtime import Lookup, Windows
from jobplan.expression.scope import Ref
from jobplan.expression.spans import by_ancestor
from jobplan.expression.units import show_unit
from jobplan.expression.unparse import unparse
from jobplan.expression.write import is_true
from jobplan.facts.schema import WEEKDAYS
from jobplan.findings.show import decimal, label_of, plain
from jobplan.findings.steps import Step
from jobplan.model import Row, TableRow, Window

if TYPE_CHECKING:
    from jobplan.findings.explain import Explainer


@dataclass(frozen=True, slots=True)
class Made:
    """How a value is made: in words of the policy, from what, and why it may be lost here."""

    how: str
    parts: tuple[Step, ...]
    note: str = ""
    because: str = ""


def parts_of(explainer: Explainer, checked: CheckedFormula, row: Row) -> Made:
    """Return what a column or measure is made from."""
    kind = checked.formula.kind
    if kind == "value":
        return value(explainer, checked.trees["value"], row)
    if kind == "overlap":
        return overlap(explainer, checked, row)
    if kind == "lookup":
        return lookup(explainer, checked, row)
    if kind == "verdict":
        return verdict(explainer, checked, row)
    return aggregate(explainer, checked, row)


def value(explainer: Explainer, tree: Tree, row: Row) -> Made:
    """Explain an expression."""
    step = explainer.step(tree, row)
    direct = step.kind in ("fact", "column", "measure", "parameter", "today", "rule")
    if direct:
        return Made("", (step,))
    return Made(unparse(tree), step.parts, because=step.because)


def overlap(explainer: Explainer, checked: CheckedFormula, row: Row) -> Made:
    """Explain the part of an interval inside weekly windows: the windows that it touches."""
    ends = [explainer.interpreter.value(checked.trees[key], row) for key in ("opens", "closes")]
    steps = [explainer.step(checked.trees[key], row) for key in ("opens", "closes")]
    table = explainer.worked.program.edition.policy.tables[checked.formula.table]
    interval = ", ".join(unparse(checked.trees[key]) for key in ("opens", "closes"))
    windows = explainer.worked.program.edition.windows[table.name]
    touched = [] if None in ends else list(windows_touched(windows, *ends))
    reasons = explainer.words(explainer.interpreter.why_overlap(checked, row)) if None not in ends else ""
    rows = Step(
        "table",
        table.name,
        None,
        "",
        title=table.title,
        place=explainer.places.of(table.place),
        citations=tuple(table.cites),
        note="" if touched or None in ends else "no window is touched",
        parts=tuple(touched),
    )
    return Made(f"minutes of [{interval}) in {table.name}", (*steps, rows), because=reasons)


def windows_touched(windows: tuple[Window, ...], opens: float, closes: float) -> Iterator[Step]:
    """Yield the windows that an interval touches, with the minutes inside each."""
    for window in windows:
        inside = minutes_in(window, opens, closes)
        if inside:
            days = ", ".join(WEEKDAYS[day - 1].replace("_", " ") for day in window.days)
            text = f"{days} {clock(window.opens)}–{clock(window.closes)}"
            yield Step("row", text, inside, decimal(inside, 1), unit="min", because=window.unsettled)


def minutes_in(window: Window, opens: float, closes: float) -> float | None:
    """Return the minutes of an interval inside one window, settled or not; None if not known."""
    settled = Window(window.period, window.days, window.opens, window.closes)
    return Windows((settled,))(opens, closes)


def clock(minute: int) -> str:
    """Return minutes from midnight as a clock time."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def lookup(explainer: Explainer, checked: CheckedFormula, row: Row) -> Made:
    """Explain a look-up: its keys and the row of the table that fits them."""
    edition = explainer.worked.program.edition
    table = edition.policy.tables[checked.formula.table]
    keys = [explainer.interpreter.value(checked.trees[key], row) for key in table.by]
    steps = tuple(explainer.step(checked.trees[key], row) for key in table.by)
    how = f"{table.name} by {', '.join(f'{key}: {unparse(checked.trees[key])}' for key in table.by)}"
    found = None if None in keys else Lookup(edition.rows[table.name]).row(*keys)
    if found is None:
        lost = "" if None in keys else explainer.words(explainer.interpreter.why_lookup(checked, row))
        return Made(how, steps, because=lost)
    return Made(how, (*steps, table_row(explainer, table.name, found)))


def table_row(explainer: Explainer, name: str, found: TableRow) -> Step:
    """Return the row of a table that fits."""
    table = explainer.worked.program.edition.policy.tables[name]
    index = next((i for i, row in enumerate(table.rows) if row is found), None)
    of_law = index is not None and not found.agreed
    place = (
        (table.place[0], (*table.place[1], "rows", index)) if of_law and index is not None else table.place
    )
    return Step(
        "table",
        ", ".join(f"{key} {key_words(value)}" for key, value in zip(table.by, found.keys, strict=True)),
        found.value,
        explainer.shower.kind("", found.value),
        title=table.title,
        how=f"row of {name}: gives {table.gives}",
        place=explainer.places.of(place) if of_law else "",
        citations=tuple(found.cites or table.cites),
        agreed=found.agreed,
    )


def key_words(key: Any) -> str:
    """Return a key of a table as people read it."""
    if not isinstance(key, tuple):
        return plain(key) if not isinstance(key, float) else decimal(key, 4)
    low, high = (None if bound is None else decimal(bound, 4) for bound in key)
    if low is None or high is None:
        return f"{low} or more" if low is not None else f"up to {high}" if high is not None else "any"
    return low if low == high else f"{low} to {high}"


def verdict(explainer: Explainer, checked: CheckedFormula, row: Row) -> Made:
    """Explain the verdict of another rule: on the same row, or on all rows that it judges."""
    program = explainer.worked.program
    if checked.relation:
        rule = program.checked.rules[checked.formula.of]
        if rule.rule.id not in program.edition.rules:
            return Made("not in force on that day", ())
        applies = explainer.applies(rule, row)
        steps = [applies] if applies.text != "true" else []
        if applies.value is not False:
            steps.append(explainer.step(rule.requires, row))
        return Made(f"verdict of {rule.rule.id}", tuple(steps))
    relation = checked.formula.of
    column = program.checked.columns[(relation, checked.name)]
    ref = Ref("column", checked.name, relation)
    rows = explainer.worked.relations[relation].rows
    steps = [explainer.formula(ref, inner, column, "column") for inner in rows]
    lost = explainer.words(explainer.interpreter.why_open(relation))
    return Made(f"one verdict over each {relation}", tuple(steps), because=lost)


def aggregate(explainer: Explainer, checked: CheckedFormula, row: Row) -> Made:
    """Explain an aggregate: the rows that count, each with its value, and those that might."""
    formula, relation = checked.formula, explainer.worked.relations[checked.formula.of]
    rows, owner = relation.rows, None
    if checked.own_children:
        rows, owner = by_ancestor(relation.rows, checked.relation).get(row.id, []), row
    where, tree = checked.trees.get("where"), checked.trees["input"]
    counted = [step for inner in rows if (step := row_step(explainer, checked, inner, row)) is not None]
    lost = explainer.words(explainer.interpreter.why_open(formula.of, owner))
    left_out = len(rows) - len(counted)
    note = (
        f"{len(counted)} of {len(rows)} rows count" if left_out else f"{len(rows)} row{'s'[: len(rows) != 1]}"
    )
    condition = f" where {unparse(where)}" if where is not None and not is_true(where) else ""
    how = f"{formula.kind} of {unparse(tree)} over {formula.of}{condition}"
    otherwise = checked.trees.get("if_none")
    if otherwise is not None and not counted:
        note += f"; where there is none: {unparse(otherwise)}"
    return Made(how, tuple(counted), note=note, because=lost)


def row_step(explainer: Explainer, checked: CheckedFormula, inner: Row, this: Row) -> Step | None:
    """Explain one row of an aggregate; None for a row that does not count."""
    read, where, tree = explainer.interpreter, checked.trees.get("where"), checked.trees["input"]
    counts = True if where is None else read.value(where, inner, this)
    counts = None if counts and inner["maybe"] else counts
    found = read.value(tree, inner, this)
    if counts is False or (checked.formula.kind == "count" and found is False):
        return None
    trees = [] if where is None or (counts and not explainer.full) else [where]
    trees += [tree] if explainer.full or found is None else []
    unit = show_unit(checked.type.unit) if checked.type.unit and isinstance(found, float) else ""
    return Step(
        "row",
        label_of(inner, explainer.schema),
        found,
        explainer.shower.number(found, unit)
        if isinstance(found, float)
        else explainer.shower.kind(tree.meta.get("kind", ""), found),
        unit=unit,
        relation=inner.relation,
        row=inner.id,
        place=explainer.row_place(inner),
        note="it is not known whether it counts" if counts is None else "",
        parts=tuple(explainer.step(part, inner, this) for part in trees),
    )
