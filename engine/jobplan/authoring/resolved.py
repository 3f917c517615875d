"""A policy as it stands on one day, whole: adoption and bindings in place, values, plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobplan.authoring.sentence import Sentences
from jobplan.errors import JobplanError, Problem, suggest
from jobplan.expression.checked import Checked, CheckedDerived, CheckedFormula, CheckedRule
from jobplan.expression.unparse import unparse
from jobplan.expression.uses import Uses, assurance_of, uses_of
from jobplan.facts.schema import FactSchema
from jobplan.findings.explain_formula import clock, key_words
from jobplan.findings.places import Places
from jobplan.findings.severity import severity_of
from jobplan.model import Citation, DatedValue, Parameter, Period, Policy, Table
from jobplan.policy.edition import Edition, edition_on
from jobplan.reports.citation import in_one_line

Data = dict[str, Any]


@dataclass(slots=True)
class Resolver:
    """Writes the parts of one edition as data."""

    checked: Checked
    schema: FactSchema
    edition: Edition
    folder: str = ""
    sentences: Sentences = field(init=False)
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.sentences = Sentences(self.checked, self.schema, self.edition)
        self.places = Places(self.checked.policy.files, self.folder)

    def rule(self, checked: CheckedRule) -> Data:
        """Return a rule with its conditions as they are judged, and as a sentence."""
        rule = checked.rule
        uses = uses_of(self.checked, checked)
        assurance = assurance_of(self.edition, checked, uses)
        by = {"by": unparse(checked.by)} if checked.by is not None else {}
        adopted = {"adopted": rule.adopted, "with": texts(rule.bindings)} if rule.adopted else {}
        return {
            "id": rule.id,
            "title": rule.title,
            "topic": rule.topic,
            "sentence": self.sentences.rule(checked),
            **adopted,
            "for_each": rule.for_each,
            "applies": unparse(checked.applies),
            "requires": unparse(checked.requires),
            "message": rule.message,
            "remedy": rule.remedy,
            "force": rule.force,
            "strength": rule.strength,
            "severity": severity_of(rule, assurance),
            "assurance": {"read": assurance.read, "confidence": assurance.confidence},
            "protects": rule.protects,
            "waivable": rule.waivable,
            "in_force": {**period(rule.in_force.period), **by},
            "cites": cites(self.checked.policy, rule.cites, rule.force),
            "facts": list(rule.facts),
            "local": rule.local,
            "rests_on": rests_on(uses),
            "place": self.places.of(rule.place),
        }

    def parameter(self, parameter: Parameter) -> Data:
        """Return a parameter with its value on the day, and all its values."""
        name = parameter.name
        found: Data = {"title": parameter.title, "unit": parameter.unit, "value": self.edition.values[name]}
        if self.edition.values[name] is None:
            found["why_none"] = self.edition.silences.get(name, "")
        if name in self.edition.agreed:
            found["agreed"] = self.edition.agreed[name]
        return {
            **found,
            "open": parameter.open,
            "values": [dated(value) for value in parameter.values],
            "cites": cites(self.checked.policy, self.edition.cites.get(name) or parameter.cites),
            "facts": list(parameter.facts),
            "place": self.places.of(parameter.place),
        }

    def table(self, table: Table) -> Data:
        """Return a table with the rows that hold on the day."""
        if table.windows:
            rows: list[Data] = [
                {
                    "days": list(window.days),
                    "opens": clock(window.opens),
                    "closes": clock(window.closes),
                    **({"unsettled": window.unsettled} if window.unsettled else {}),
                }
                for window in self.edition.windows[table.name]
            ]
            shape: Data = {"windows": "week"}
        else:
            shape = {"by": list(table.by), "gives": table.gives, "if_none": table.if_none}
            rows = [
                {
                    **{key: key_words(value) for key, value in zip(table.by, row.keys, strict=True)},
                    table.gives: row.value,
                    **({"agreed": row.agreed} if row.agreed else {}),
                }
                for row in self.edition.rows[table.name]
            ]
        return {
            "title": table.title,
            **shape,
            "open": table.open,
            "rows": rows,
            "cites": cites(self.checked.policy, table.cites),
            "facts": list(table.facts),
            "place": self.places.of(table.place),
        }

    def formula(self, checked: CheckedFormula) -> Data:
        """Return how a column or measure is worked out: as it is written, and as a sentence."""
        formula = checked.formula
        written: Data = {}
        if formula.kind == "value":
            written["value"] = unparse(checked.trees["value"])
        elif formula.kind == "overlap":
            ends = [unparse(checked.trees[key]) for key in ("opens", "closes")]
            written |= {"overlap": ends, "with": formula.table}
        elif formula.kind == "lookup":
            by = {key: unparse(tree) for key, tree in checked.trees.items() if key != "as_stated"}
            written |= {"lookup": formula.table, "by": by}
        else:
            written |= {formula.kind: unparse(checked.trees["input"]), "of": formula.of}
        for key in ("where", "if_none", "as_stated"):
            if key in checked.trees:
                written[key] = unparse(checked.trees[key])
        return {
            "title": formula.title,
            "kind": checked.type.kind,
            "sentence": self.sentences.formula(checked),
            **written,
            "unit": formula.unit,
            "place": self.places.of(formula.place),
        }

    def relation(self, checked: CheckedDerived) -> Data:
        """Return how a derived relation is made from others."""
        derived = checked.derived
        written: Data = {derived.kind: dict(derived.sources)}
        if derived.kind == "union":
            written = {
                "union": {
                    member: {name: unparse(tree) for name, tree in trees.items()}
                    for member, trees in checked.members.items()
                }
            }
        elif derived.kind != "pairs":
            written = {derived.kind: next(iter(derived.sources.values()))}
        more = {"within": derived.within, "as": derived.alias, "circle": derived.circle}
        return {
            "title": derived.title,
            **written,
            **{key: unparse(tree) for key, tree in checked.trees.items()},
            **{key: value for key, value in more.items() if value},
            "place": self.places.of(derived.place),
        }


def resolved(
    checked: Checked, schema: FactSchema, day: int, choice: str | None = None, folder: str = ""
) -> Data:
    """Return a policy on a day, or one rule or topic of it with all that it rests on.

    Raises JobplanError where neither a rule nor a topic has the name `choice`.
    """
    edition = edition_on(checked.policy, day)
    resolver = Resolver(checked, schema, edition, folder)
    chosen = list(chosen_rules(checked, edition, choice))
    uses = [uses_of(checked, rule) for rule in chosen]
    whole = choice is None
    policy = checked.policy
    return {
        "version": 1,
        "policy": about(checked, day),
        "rules": [resolver.rule(rule) for rule in chosen],
        "not_in_force": sorted(set(policy.rules) - set(edition.rules)) if whole else [],
        "parameters": {
            name: resolver.parameter(policy.parameters[name])
            for name in policy.parameters
            if whole or any(name in used.parameters for used in uses)
        },
        "tables": {
            name: resolver.table(policy.tables[name])
            for name in policy.tables
            if whole or any(name in used.tables for used in uses)
        },
        "relations": {
            name: resolver.relation(checked.relations[name])
            for name in policy.relations
            if whole or any(name in used.relations for used in uses)
        },
        "columns": columns(resolver, uses, whole=whole),
        "measures": {
            name: resolver.formula(checked.measures[name])
            for name in policy.measures
            if whole or any(name in used.measures for used in uses)
        },
    }


def columns(resolver: Resolver, uses: Iterable[Uses], *, whole: bool) -> dict[str, Data]:
    """Return the columns of each relation, all of them or those that rules rest on."""
    wanted = {key for used in uses for key in used.columns}
    found: dict[str, Data] = {}
    for relation, formulas in resolver.checked.policy.columns.items():
        for name in formulas:
            if whole or (relation, name) in wanted:
                data = resolver.formula(resolver.checked.columns[(relation, name)])
                found.setdefault(relation, {})[name] = data
    return found


def chosen_rules(checked: Checked, edition: Edition, choice: str | None) -> Iterator[CheckedRule]:
    """Yield the rules in force, those of one topic, or one rule, in force or not."""
    policy = checked.policy
    if choice is not None and choice in policy.rules:
        yield checked.rules[choice]
        return
    topics = {rule.topic for rule in policy.rules.values()}
    if choice is not None and choice not in topics:
        hint = suggest(choice, [*policy.rules, *topics])
        raise JobplanError(
            [Problem("unknown-rule", f"no rule or topic `{choice}` in {policy.id}", None, hint)]
        )
    for id in edition.rules:
        if choice in (None, policy.rules[id].topic):
            yield checked.rules[id]


def about(checked: Checked, day: int) -> Data:
    """Return what a policy says of itself."""
    policy, said = checked.policy, checked.policy.about
    return {
        "id": policy.id,
        "title": policy.title,
        "on": date.fromordinal(day).isoformat(),
        "in_force": dict(said.get("in_force", {})),
        "checked_to": said.get("checked_to", ""),
        "closed_to": said.get("closed_to", ""),
        "history": [dict(item) for item in said.get("history", ())],
        "overlays": {
            name: {key: data[key] for key in ("title", "parties", "agreed_on", "document") if key in data}
            for name, data in policy.overlay.items()
        },
        "digest": policy.digest,
    }


def rests_on(uses: Uses) -> Data:
    """Return the names that a rule rests on; kinds of which there are none are left out."""
    found = {
        "facts": sorted(f"{relation}.{name}" for relation, name in uses.facts),
        "columns": sorted(f"{relation}.{name}" for relation, name in uses.columns if " " not in name),
        "measures": sorted(name for name in uses.measures if " " not in name),
        "parameters": sorted(uses.parameters),
        "tables": sorted(uses.tables),
        "attestations": sorted(uses.attestations),
    }
    return {key: names for key, names in found.items() if names}


def texts(bindings: Mapping[str, Any]) -> dict[str, str]:
    """Return what a contract brings to common logic, as written."""
    return {name: expression.text for name, expression in bindings.items()}


def period(found: Period) -> dict[str, str]:
    """Return a period as rule files write it."""
    ends = {"from": found.from_, "until": found.until}
    return {key: date.fromordinal(day).isoformat() for key, day in ends.items() if day is not None}


def dated(value: DatedValue) -> Data:
    """Return one dated value of a parameter."""
    agreed = {"agreed": value.agreed} if value.agreed else {}
    return {**period(value.period), "value": value.value, **agreed}


def cites(policy: Policy, found: Iterable[Citation], force: str = "") -> list[Data]:
    """Return citations as rule files write them, each in one line too."""
    return [
        {
            "authority": {"source": cite.authority, "at": cite.at},
            "reading": {
                **({"source": cite.reading.source} if cite.reading.source else {}),
                "kind": cite.reading.kind,
                "confidence": cite.reading.confidence,
            },
            "text": in_one_line(cite, policy.sources, force),
        }
        for cite in found
    ]
