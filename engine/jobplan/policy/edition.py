"""A policy as it stands on one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jobplan.model import Citation, DatedValue, Parameter, Policy, Rule, TableRow, Window


@dataclass(frozen=True, slots=True)
class Edition:
    """What a policy says on `day` (an ordinal).

    `values` has each parameter's value or None; `silences` says why a value is not there;
    `agreed` names the local agreement that a value or table row comes from.
    """

    policy: Policy
    day: int
    values: Mapping[str, float | bool | str | None]
    silences: Mapping[str, str]
    rows: Mapping[str, tuple[TableRow, ...]]
    windows: Mapping[str, tuple[Window, ...]]
    rules: Mapping[str, Rule]
    agreed: Mapping[str, str]
    cites: Mapping[str, tuple[Citation, ...]]


def edition_on(policy: Policy, day: int) -> Edition:
    """Return the edition of a day; rules dated by a fact of the plan stand in every edition."""
    dated = {name: value_on(parameter, day) for name, parameter in policy.parameters.items()}
    return Edition(
        policy=policy,
        day=day,
        values={name: found.value if found else None for name, found in dated.items()},
        silences={
            name: silence(policy.parameters[name], day) for name, found in dated.items() if found is None
        },
        rows={
            name: tuple(row for row in table.rows if row.period.holds(day))
            for name, table in policy.tables.items()
        },
        windows={
            name: tuple(window for window in table.windows if window.period.holds(day))
            for name, table in policy.tables.items()
        },
        rules={
            rule.id: rule
            for rule in policy.rules.values()
            if rule.in_force.by is not None or rule.in_force.period.holds(day)
        },
        agreed={name: found.agreed for name, found in dated.items() if found and found.agreed},
        cites={name: found.cites for name, found in dated.items() if found and found.cites},
    )


def value_on(parameter: Parameter, day: int) -> DatedValue | None:
    """Return the value in force on a day, or None."""
    for dated in reversed(parameter.values):
        if dated.period.holds(day):
            return dated
    return None


def silence(parameter: Parameter, day: int) -> str:
    """Say why a parameter has no value on a day."""
    what = parameter.title or parameter.name
    if parameter.unset:
        return f"{what}: {parameter.unset}"
    if parameter.open:
        return f"{what} is left to local agreement, and none is on record"
    return f"{what} has no value on {date.fromordinal(day).isoformat()}"
