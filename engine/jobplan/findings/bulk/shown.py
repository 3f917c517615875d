"""Values as people read them, written as SQL: what `findings.show` gives for one value."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref
from jobplan.expression.units import show_unit
from jobplan.facts.schema import Field
from jobplan.findings.bulk.functions import Functions
from jobplan.findings.bulk.write import strung
from jobplan.findings.make import spelt
from jobplan.findings.show import DECIMALS, STATED_DECIMALS, Shower

UNKNOWN = "unknown"
DAY = 1440.0
HOUR, WEEK = 60, 7


@dataclass(frozen=True, slots=True)
class Shown:
    """Writes the values of one policy's facts, columns and measures as text."""

    shower: Shower
    functions: Functions

    def value(self, ref: Ref, value: Tree) -> Tree:
        """Return the text of what a name stands for, `value` being a column that has it."""
        found = self.shower.checked.type_of(ref)
        field = self.shower.field(ref)
        if field is not None and spelt(field):
            return n.coalesce(self.spelt_out(field, value), n.text(UNKNOWN))
        if found.kind == "number":
            unit = show_unit(found.unit) if found.unit else ""
            return self.number(value, STATED_DECIMALS if field is not None else self.shower.decimals(unit))
        return self.plain(found.kind, value, found.of)

    def unit(self, ref: Ref) -> str:
        """Return the unit that follows a value if there is one: of numbers not spelt out."""
        is_number = self.shower.checked.type_of(ref).kind == "number"
        return self.shower.unit(ref) if is_number and not spelt(self.shower.field(ref)) else ""

    def kind(self, kind: str, value: Tree) -> Tree:
        """Return the text of a value that is worked out on the spot, known by its kind only."""
        return self.number(value, DECIMALS) if kind == "number" else self.plain(kind, value)

    def plain(self, kind: str, value: Tree, of: str = "") -> Tree:
        """Return the text of what is no number: a date, truth, list or text."""
        if kind == "date":
            shown = n.cast(value, "VARCHAR")
        elif kind == "truth":
            shown = n.case((value, n.text("yes")), (n.negated(value.copy()), n.text("no")))
        elif kind == "list":
            if of == "number":
                value = self.functions.each(value, "entry", self.decimal(n.column("entry"), DECIMALS))
            shown = self.functions.strung(value, ", ")
        else:
            shown = value
        return n.coalesce(shown, n.text(UNKNOWN))

    # --- numbers ----------------------------------------------------------------------------

    def number(self, value: Tree, decimals: int) -> Tree:
        """Return the text of a number to so many decimals."""
        return n.coalesce(self.decimal(value, decimals), n.text(UNKNOWN))

    def decimal(self, value: Tree, decimals: int) -> Tree:
        """Return a number rounded half up to some decimals, trailing zeros dropped; NULL for none."""
        scale = n.number(10**decimals)
        product = n.times(value, scale) if decimals else value
        whole = n.call("floor", n.add(product, n.number(0.5)))
        if not decimals:
            return self.functions.fixed(whole, 0)
        digits = self.functions.fixed(n.binary(exp.Div, whole, scale.copy()), decimals)
        return n.call("rtrim", n.call("rtrim", digits, n.text("0")), n.text("."))

    # --- days and times ---------------------------------------------------------------------

    def spelt_out(self, field: Field, value: Tree) -> Tree:
        """Return the name of a weekday or a clock time; NULL for none."""
        if field.form == "clock":
            return self.clock(value)
        names = (n.text(choice.replace("_", " ").capitalize()) for choice in field.choices)
        return self.functions.entry(list(names), whole_of(value))

    def clock(self, minutes: Tree) -> Tree:
        """Return minutes from midnight as a clock time."""
        whole, hour = whole_of(minutes), n.whole(HOUR)
        parts = self.functions.quotient(whole, hour), self.functions.remainder(whole.copy(), hour.copy())
        hours, rest = map(self.functions.two_digits, parts)
        return strung([hours, n.text(":"), rest])

    def moment(self, kind: str, at: Tree) -> Tree:
        """Return an end of a span: a date, or a day of the week with its time."""
        if kind == "date":
            return n.cast(at, "VARCHAR")
        days = n.call("floor", n.binary(exp.Div, at, n.number(DAY)))
        minutes = n.minus(at.copy(), n.times(days.copy(), n.number(DAY)))
        return strung([self.day_name(whole_of(days)), n.text(" "), self.clock(minutes)])

    def day_name(self, days: Tree) -> Tree:
        """Return the name of the day so many days after the first Monday."""
        relations = self.shower.schema.relations.values()
        named = (
            field for relation in relations for field in relation.fields.values() if field.form == "weekday"
        )
        names = next((field.choices for field in named), ())
        if not names:
            return strung([n.text("day "), n.cast(n.add(days, n.whole(1)), "VARCHAR")])
        rest = n.add(self.functions.remainder(days, n.whole(WEEK)), n.whole(WEEK))  # it may be negative
        place = n.add(self.functions.remainder(rest, n.whole(WEEK)), n.whole(1))
        return self.functions.entry([n.text(name.capitalize()) for name in names], place)


def whole_of(value: Tree) -> Tree:
    """Return the whole part of a number as an integer."""
    return n.cast(n.call("floor", value), "BIGINT")
