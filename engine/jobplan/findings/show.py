"""Show values as people read them: dates, days, times, numbers to the decimals of their unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import Any

from jobplan.expression.checked import Checked
from jobplan.expression.scope import Ref
from jobplan.expression.units import show_unit
from jobplan.facts.schema import FactSchema, Field
from jobplan.model import Reason, Row

DECIMALS = 4
"""Decimals of a number without a unit of its own."""

WHOLE = 1e9
"""Whole numbers below this are shown as they are, with no need to round."""

STATED_DECIMALS = 6
"""Decimals of a number that the plan states, so that it is quoted as it stands there."""


@dataclass(frozen=True, slots=True)
class Shower:
    """Shows the values of one policy's facts, columns, measures and parameters."""

    checked: Checked
    schema: FactSchema

    def field(self, ref: Ref) -> Field | None:
        """Return the field behind a name, if it is a fact of the schema."""
        return self.schema.field(ref.relation, ref.name) if ref.kind == "fact" else None

    def unit(self, ref: Ref) -> str:
        """Return the unit behind a name."""
        found = self.checked.type_of(ref)
        return show_unit(found.unit) if found.unit else ""

    def value(self, ref: Ref, value: Any) -> str:
        """Return a value as people read it."""
        if value is None:
            return "unknown"
        found = self.checked.type_of(ref)
        if found.kind == "date":
            return date.fromordinal(value).isoformat()
        field = self.field(ref)
        if field is not None and isinstance(value, float):
            return written(field, value) or decimal(value, STATED_DECIMALS)
        if isinstance(value, float):
            return self.number(value, show_unit(found.unit) if found.unit else "")
        return plain(value)

    def kind(self, kind: str, value: Any) -> str:
        """Return a value that is worked out on the spot, known by its kind only."""
        if value is None:
            return "unknown"
        if kind == "date":
            return date.fromordinal(value).isoformat()
        return decimal(value, DECIMALS) if isinstance(value, float) else plain(value)

    def number(self, value: float, unit: str) -> str:
        """Return a number to the decimals of its unit."""
        return decimal(value, self.decimals(unit))

    def decimals(self, unit: str) -> int:
        """Return to how many decimals a unit is shown."""
        known: Mapping[str, Any] = self.checked.policy.units.get(unit, {})
        return int(known.get("decimals", DECIMALS))


def written(field: Field, value: float) -> str:
    """Return a weekday's name or a clock time; nothing for other numbers."""
    if field.form == "weekday":
        return field.choices[int(value) - 1].replace("_", " ").capitalize()
    if field.form == "clock":
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    return ""


def decimal(value: float, decimals: int) -> str:
    """Return a number rounded half up to some decimals, trailing zeros dropped.

    >>> decimal(1.1666666667, 3), decimal(2.0, 3), decimal(-0.0001, 2)
    ('1.167', '2', '0')
    """
    if -WHOLE < value < WHOLE and value == int(value):
        return str(int(value))
    scale = 10**decimals
    text = f"{floor(value * scale + 0.5) / scale:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def plain(value: Any) -> str:
    """Return a text, truth or list as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(decimal(v, DECIMALS) if isinstance(v, float) else str(v) for v in value)
    return str(value)


def moment(at: float, schema: FactSchema) -> str:
    """Return an end of a span: a date, or a day of the week with its time."""
    if isinstance(at, int):
        return date.fromordinal(at).isoformat()
    named = (f for r in schema.relations.values() for f in r.fields.values() if f.form == "weekday")
    days = next((field.choices for field in named), ())
    day = days[int(at // 1440) % 7].capitalize() if days else f"day {int(at // 1440) + 1}"
    return f"{day} {int(at % 1440) // 60:02d}:{int(at % 1440) % 60:02d}"


def label_of(row: Row, schema: FactSchema) -> str:
    """Return what people call a row: its first fact if that is a free text, with its day; else its id."""
    found: Row | None = row
    while found is not None and found.relation not in schema.relations:
        found = found.parent if found.parent is not None and found.parent.relation != schema.root else None
    if found is None or found.relation == schema.root:
        if row["opens"] is not None and row["closes"] is not None:
            return f"{moment(row['opens'], schema)} to {moment(row['closes'], schema)}"
        pair = [value for value in row.values() if isinstance(value, Row)]
        return " and ".join(label_of(value, schema) for value in pair) or row.id
    fields = schema.relations[found.relation].fields
    first = next(iter(fields.values()), None)
    text = found[first.name] if first is not None and first.form == "text" and not first.choices else None
    day = next(
        (written(f, found[f.name]) for f in fields.values() if f.form == "weekday" and found[f.name]), ""
    )
    return ", ".join(part for part in (text or found.id, day) if part)


def reason_label(reason: Reason, rows: Mapping[tuple[str, str], Row], schema: FactSchema) -> str:
    """Return what people call the row of a reason, or the row whose list is not given; nothing for the plan.

    `rows` has every row by relation and id.
    """
    relation = reason.relation
    if not reason.field and relation in schema.relations:
        relation = schema.relations[relation].parent
    row = rows.get((relation, reason.row))
    return "" if row is None or relation == schema.root else label_of(row, schema)
