"""What the page on an audit says: its parts in words and figures, ready for the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jobplan.findings.wording import CAUSES
from jobplan.model import SEVERITIES
from jobplan.reports.audit_findings import MOST, embedded
from jobplan.reports.audit_missing import Missing, missing
from jobplan.reports.audit_policies import facts_named
from jobplan.reports.audit_summary import (
    STANDINGS,
    RuleLine,
    Totals,
    breakdowns,
    rule_lines,
    totals,
)
from jobplan.reports.audit_tables import VERDICT_WORDS, AuditTables
from jobplan.reports.drawing import number, percent
from jobplan.reports.pictures import pictures

MEANINGS = {
    "breach": "a term whose words were read is not kept",
    "query": "a term is not kept, but its words were not read: check the source first",
    "caution": "guidance, a local rule, or what is normally due is not kept",
    "advice": "a recommendation is not followed",
    "note": "worth knowing",
    "gap": "nothing is violated, but a fact is missing",
    "open": "nothing is violated, but the terms give no answer",
    "clean": "nothing found, nothing missing",
}
MOST_WORST = 12
FIRST_MISSING = 20
MOST_SET_ASIDE = 200

WHY = {"": "is missing", **CAUSES}


@dataclass(frozen=True)
class Card:
    """One figure at the top of the page."""

    kind: str
    what: str
    much: str
    of: str


@dataclass(frozen=True)
class NumberedRule:
    """What came of a rule, with its number in the script's list of rules."""

    number: int
    policy: str
    rule: Mapping[str, Any]
    verdicts: Mapping[str, int]

    @property
    def judged(self) -> int:
        """Return on how many plans the rule gave an answer."""
        return self.verdicts["satisfied"] + self.verdicts["violated"]


def page(tables: AuditTables, most: int = MOST) -> dict[str, Any]:
    """Return what the template of the page asks for, but for style and script."""
    lines = rule_lines(tables)
    figures = totals(tables, lines)
    lacking, silent = missing(tables)
    facts = facts_named(tables.policies, "count_by")
    found = embedded(
        tables, [(line.policy, line.rule) for line in lines], facts, most,
        rules=[script_rule(line.rule) for line in lines],
    )  # fmt: skip
    numbered = [
        NumberedRule(place, line.policy, line.rule, line.verdicts) for place, line in enumerate(lines)
    ]
    drawn = pictures(tables)
    reasons = int(tables.one("select count(*) from set_aside"))
    return {
        "title": f"Audit of {number(figures.judged)} {'plan' if figures.judged == 1 else 'plans'}",
        "frame": list(frame(tables)),
        "parts": list(parts(has_pictures=bool(drawn))),
        "totals": figures,
        "verdict_total": sum(figures.verdicts.values()),
        "verdict_words": VERDICT_WORDS,
        "severities": SEVERITIES,
        "meanings": MEANINGS,
        "standing": [(name, figures.standing[name]) for name in STANDINGS],
        "cards": list(cards(figures)),
        "caveats": list(caveats(tables, figures, lines, silent)),
        "breakdowns": breakdowns(tables),
        "worst": worst(numbered),
        "pictures": drawn,
        "missing": [told(tables, item) for item in lacking],
        "first_missing": FIRST_MISSING,
        "silent": silent,
        "gaps": figures.by_severity["gap"],
        "rules": list(by_topic(tables, numbered)),
        "facts": facts,
        "cut": found.shown < found.total,
        "shown": found.shown,
        "data": found.data,
        "set_aside": list(refused(tables, MOST_SET_ASIDE)),
        "set_aside_total": reasons,
        "policies": tables.policies,
        "foot": foot(tables),
    }


def frame(tables: AuditTables) -> Iterator[tuple[str, str]]:
    """Yield what was audited, by what, on which day."""
    manifest = tables.manifest
    yield "By", "; ".join(policy["title"] for policy in tables.policies) or "no policy"
    days = sorted({day for policy in tables.policies for day in policy["editions"]})
    if days:
        yield "Editions", days[0] if len(days) == 1 else f"{len(days)}, from {days[0]} to {days[-1]}"
    if manifest.get("as_of"):
        yield "Judged as of", str(manifest["as_of"])
    if manifest.get("today"):
        yield "Day of the audit", str(manifest["today"])
    yield "Engine", foot(tables)


def foot(tables: AuditTables) -> str:
    """Return what judged the plans."""
    engine = tables.manifest.get("engine", {})
    return " ".join(part for part in ("jobplan", engine.get("version", ""), engine.get("name", "")) if part)


def parts(*, has_pictures: bool) -> Iterator[tuple[str, str]]:
    """Yield the parts of the page for its menu."""
    yield "short", "In short"
    yield "weak", "Reliance"
    yield "groups", "Where"
    yield "worst", "Worst rules"
    if has_pictures:
        yield "pictures", "Pictures"
    yield "todo", "To do"
    yield "rules", "Rules"
    yield "findings", "Findings"
    yield "aside", "Set aside"
    yield "law", "Policies"


def cards(figures: Totals) -> Iterator[Card]:
    """Yield the figures at the top of the page."""
    judged = figures.judged
    breach, query = figures.standing["breach"], figures.standing["query"]
    yield Card(
        "", "Plans judged", number(judged), f"{number(figures.set_aside)} set aside of {number(figures.read)}"
    )
    yield Card("breach", "Plans with a breach", number(breach), f"{percent(breach, judged)} of those judged")
    yield Card("query", "At worst a query", number(query), "not kept, but check the source first")
    given = figures.verdicts["satisfied"] + figures.verdicts["violated"]
    asked = given + figures.verdicts["unknown"]
    waits = f"{number(figures.verdicts['unknown'])} cannot be judged yet"
    yield Card("gap", "Verdicts given", percent(given, asked), f"of those that may apply; {waits}")
    lifted = f"{number(figures.waived)} of all findings are waived"
    yield Card("", "Findings of something violated", number(figures.violations), lifted)


def caveats(
    tables: AuditTables, figures: Totals, lines: Sequence[RuleLine], silent: Sequence[Missing]
) -> Iterator[tuple[str, str]]:
    """Yield what has to be known before the figures are relied on; the weighty ones are marked."""
    count, verdicts = figures.by_severity, figures.verdicts
    assured = [line.rule["assurance"] for line in lines]
    unseen, unread = (sum(not each[key] for each in assured) for key in ("original", "read"))
    low = sum(each["confidence"] == "low" for each in assured)
    said = (
        f"{number(unseen)} of {number(len(lines))} rules rest on terms whose original was not seen; "
        f"of {number(unread)} no words were seen at all. {number(low)} are read with low confidence."
    )
    yield "weighty", said
    said = (
        "Where no words were seen, or not surely, nothing is called a breach: of a binding term "
        "it is a query. "
        f"Queries here: {number(count['query'])}; breaches: {number(count['breach'])}. "
        "Check the source before acting on a query."
    )
    yield "weighty" if count["query"] else "", said
    asked = verdicts["satisfied"] + verdicts["violated"] + verdicts["unknown"]
    said = (
        f"{percent(verdicts['unknown'], asked)} of the verdicts that may apply cannot be given: "
        f"{number(count['gap'])} gaps wait for facts, {number(count['open'])} for an answer that the terms "
        "leave open. What is missing is never taken as kept."
    )
    yield "weighty" if figures.answered < 0.75 else "", said
    if silent:
        yield "", f"{number(len(silent))} questions are left open by the terms, or to local agreement."
    if figures.set_aside:
        of = f"{number(figures.set_aside)} of {number(figures.read)} plans"
        yield "weighty", f"{of} could not be read, or have no policy; they are in no figure here."
    for policy in tables.policies:
        yield from of_policy(policy)


def of_policy(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is weak about one policy: how far its sources were followed."""
    unseen = sum(not entry["seen"] for entry in policy["amendments"])
    if unseen:
        known = f"{number(unseen)} of {number(len(policy['amendments']))} known amendments were not seen"
        yield "", f"{policy['title']}: {known} in their own words."
    late = [day for day in policy["editions"] if policy["checked_to"] and day > policy["checked_to"]]
    if late:
        until = f"{policy['title']}: sources were checked up to {policy['checked_to']}"
        yield "weighty", f"{until}, and plans are judged by later days. {policy['edition_note']}"


def worst(lines: Sequence[NumberedRule]) -> list[NumberedRule]:
    """Return the rules that most plans violate, the graver first where as many do."""
    broken = [line for line in lines if line.verdicts["violated"]]
    rank = SEVERITIES.index
    return sorted(broken, key=lambda line: (-line.verdicts["violated"], rank(line.rule["severity"])))[
        :MOST_WORST
    ]


def by_topic(
    tables: AuditTables, lines: Sequence[NumberedRule]
) -> Iterator[tuple[Mapping[str, Any], list[tuple[str, list[NumberedRule]]]]]:
    """Yield every policy with its topics, and those with their rules."""
    for policy in tables.policies:
        own = [line for line in lines if line.policy == policy["id"]]
        grouped = groupby(own, key=lambda line: str(line.rule["topic"]))
        yield policy, [(topic.replace("-", " ").capitalize(), list(group)) for topic, group in grouped]


def told(tables: AuditTables, item: Missing) -> dict[str, Any]:
    """Return a missing fact with what it is and why it is missing."""
    relation = tables.about["facts"].get(item.relation, {})
    about = relation.get("fields", {}).get(item.field, "") if item.field else relation.get("description", "")
    if item.text:
        about = "No valid attestation says whether it holds."
    elif not item.field:
        about = f"The whole list. {about}"
    return {
        "name": item.name,
        "about": about,
        "why": ", ".join(WHY.get(cause, "is missing") for cause in item.causes) or "is missing",
        "plans": item.plans,
        "waits": item.waits,
        "settles": item.settles,
        "rules": item.rules,
    }


def script_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script tells of a rule."""
    left_out = ("for_each", "local", "message")
    return {name: value for name, value in rule.items() if name not in left_out}


def refused(tables: AuditTables, most: int) -> Iterator[dict[str, Any]]:
    """Yield what was set aside, with its place in words."""
    names = [row[0] for row in tables.rows("describe set_aside")]
    for row in tables.rows(f"select * from set_aside order by place_number limit {int(most)}"):
        found = dict(zip(names, row, strict=True))
        yield {**found, "where": place_of(found)}


def place_of(row: Mapping[str, Any]) -> str:
    """Return where something stands that was set aside: file, sheet, row, column.

    >>> place_of({"file": "a.xlsx", "sheet": "plan", "row": 3, "column": "id"}), place_of({"file": "a.yaml"})
    ('a.xlsx, sheet plan, row 3, column id', 'a.yaml')
    """
    named = [f"{key} {row[key]}" for key in ("sheet", "row", "column") if row.get(key) not in (None, "")]
    return ", ".join([row.get("file") or "", *named]).strip(", ")
