"""Put waivers on findings: in one place, after the evaluators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from jobplan.findings.model import Finding, WaiverEffect
from jobplan.model import Rule

PARTS = ("row", "reason", "agreed_by", "until")
ALL = "all"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A recorded agreement that lifts a rule for one row, or all.

    `doubt` says why it is not known whether it is for this plan; it is empty where that is known.
    """

    rule: str
    row: str
    data: Mapping[str, Any]
    origin: str
    doubt: str = ""


def waivers_of(stated: Iterable[Mapping[str, Any]], origin: str, doubt: str = "") -> Iterator[Waiver]:
    """Yield the waivers of a plan or an overlay."""
    for data in stated:
        yield Waiver(str(data.get("rule", "")), str(data.get("row", ALL)), data, origin, doubt)


def rows_lifted(
    waivers: Iterable[Waiver],
    rules: Mapping[str, Rule],
    lifted_by: Mapping[str, Sequence[Sequence[str]]],
    today: int,
) -> frozenset[tuple[str, str]]:
    """Return rule and row of the waivers that count and are for one row, whose gap then stands apart."""
    return frozenset(
        (waiver.rule, waiver.row)
        for waiver in waivers
        if waiver.row != ALL and not refusal(waiver, rules, lifted_by, today)
    )


def put_on(
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
    rules: Mapping[str, Rule],
    lifted_by: Mapping[str, Sequence[Sequence[str]]],
    today: int,
) -> tuple[list[Finding], list[WaiverEffect]]:
    """Return the findings with the waivers that lift them, and what came of each waiver.

    `lifted_by` tells for each kind of rule which groups of parties may lift it.
    """
    marked = list(findings)
    effects: list[WaiverEffect] = []
    for waiver in waivers:
        why_not = refusal(waiver, rules, lifted_by, today)
        lifts: list[str] = []
        for index, finding in enumerate(marked):
            if not why_not and concerns(waiver, finding):
                marked[index] = replace(finding, waived=words(waiver))
                lifts.append(finding.key)
        effects.append(effect(waiver, lifts, why_not or ("" if lifts else "there is nothing to lift")))
    return marked, effects


def concerns(waiver: Waiver, finding: Finding) -> bool:
    """Tell whether a waiver is about a finding."""
    return waiver.rule == finding.rule and waiver.row in (ALL, finding.subject)


def refusal(
    waiver: Waiver, rules: Mapping[str, Rule], lifted_by: Mapping[str, Sequence[Sequence[str]]], today: int
) -> str:
    """Say why a waiver has no effect; nothing if it counts."""
    rule = rules.get(waiver.rule)
    if rule is None:
        return f"no rule `{waiver.rule}` is in force"
    missing = [part for part in PARTS if not waiver.data.get(part)]
    if missing:
        return "it does not say " + " and ".join(part.replace("_", " ") for part in missing)
    if rule.force == "statute" or not lifted_by.get(rule.waivable):
        return "no agreement can lift this rule"
    agreed = set(waiver.data["agreed_by"])
    if not any(set(group) <= agreed for group in lifted_by[rule.waivable]):
        wanted = " or ".join(" and ".join(group) for group in lifted_by[rule.waivable])
        return f"it takes the agreement of {wanted}, not {' and '.join(sorted(agreed))}".replace("_", " ")
    agreed_on = str(waiver.data.get("agreed_on", ""))
    if agreed_on and today < date.fromisoformat(agreed_on).toordinal():
        return f"it is agreed only on {agreed_on}"
    until = str(waiver.data["until"])
    if until != "none" and today >= date.fromisoformat(until).toordinal():
        return f"it ended on {until}"
    return waiver.doubt


def words(waiver: Waiver) -> str:
    """Return a waiver in one line."""
    until = waiver.data.get("until")
    end = "" if until == "none" else f", until {until}"
    by = " and ".join(waiver.data["agreed_by"]).replace("_", " ")
    return f"{waiver.data['reason']} (agreed by {by}{end}; {waiver.origin})"


def effect(waiver: Waiver, lifts: list[str], why_not: str) -> WaiverEffect:
    """Return what came of a waiver."""
    return WaiverEffect(
        rule=waiver.rule,
        row=waiver.row,
        reason=str(waiver.data.get("reason", "")),
        agreed_by=tuple(waiver.data.get("agreed_by", ())),
        until=str(waiver.data.get("until", "")),
        origin=waiver.origin,
        lifts=tuple(lifts),
        without_effect=why_not,
    )
