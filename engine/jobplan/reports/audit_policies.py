"""What is constant in an audit: rules with their law, measures, parameters, pictures, names of facts.

It is written once beside the tables (policies.json), so that they need not repeat it in every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from jobplan.facts.schema import FactSchema
from jobplan.findings.basis import EditionBasis, RuleBasis
from jobplan.findings.severity import severity_of
from jobplan.findings.units import unit_words
from jobplan.model import Citation, Picture, Policy, Source
from jobplan.reports.citation import in_one_line, reading


def drawn_columns(policy: Policy) -> dict[str, list[str]]:
    """Return which facts and columns of which relations the policy's pictures draw.

    An audit writes them to `drawn/<policy>.<relation>.parquet`: `plan`, `row` (its id) and these as numbers.
    """
    found: dict[str, dict[str, None]] = {}
    for picture in policy.pictures.values():
        if picture.relation:
            found.setdefault(picture.relation, {}).update(dict.fromkeys(picture.names))
    return {relation: list(names) for relation, names in found.items()}


def policies_data(bases: Mapping[str, Sequence[EditionBasis]], schema: FactSchema) -> dict[str, Any]:
    """Return policies.json: the policies by which plans were judged, each with its editions."""
    return {
        "version": 1,
        "root": schema.root,
        "date": schema.date,
        "identity": list(schema.policy),
        "facts": {
            relation.name: {
                "description": relation.description,
                "fields": {field.name: field.description for field in relation.fields.values()},
            }
            for relation in schema.relations.values()
        },
        "policies": [policy_data(id, editions, schema) for id, editions in sorted(bases.items())],
    }


def policy_data(id: str, editions: Sequence[EditionBasis], schema: FactSchema) -> dict[str, Any]:
    """Return one policy; of what several editions have, the newest one speaks."""
    newest = editions[-1].program.edition
    policy = newest.policy
    rules: dict[str, dict[str, Any]] = {}
    for basis in editions:
        rules.update((rule["id"], rule) for rule in rules_data(basis))
    return {
        "id": id,
        "title": policy.title,
        "digest": policy.digest,
        "overlays": list(policy.overlay),
        "editions": sorted({date.fromordinal(basis.program.edition.day).isoformat() for basis in editions}),
        "checked_to": policy.about.get("checked_to", ""),
        "edition_note": policy.about.get("edition_note", ""),
        "amendments": [
            {"on": entry["on"], "what": entry["what"], "seen": entry["seen"]}
            for entry in policy.about.get("history", ())
        ],
        "units": {unit: unit_words(unit, policy.nation.get("names", {})) for unit in policy.units},
        "rules": list(rules.values()),
        "parameters": parameters_data(editions[-1]),
        "measures": measures_data(editions[-1]),
        "columns": columns_data(editions[-1], schema),
        "pictures": [picture_data(picture) for picture in policy.pictures.values()],
    }


def rules_data(basis: EditionBasis) -> Iterator[dict[str, Any]]:
    """Yield every rule of an edition in its order."""
    for checked in basis.program.rules:
        found, rule = basis.rule(checked.rule.id), checked.rule
        sources = basis.program.edition.policy.sources
        yield {
            "id": rule.id,
            "title": rule.title,
            "topic": rule.topic,
            "for_each": rule.for_each,
            "force": rule.force,
            "strength": rule.strength,
            "protects": rule.protects,
            "waivable": rule.waivable,
            "local": rule.local,
            "message": rule.message,
            "remedy": rule.remedy,
            "severity": severity_of(rule, found.assurance),
            "assurance": {
                "read": found.assurance.read,
                "confidence": found.assurance.confidence,
                "original": original_seen(found, sources),
            },
            "cites": [cite_data(cite, sources, rule.force) for cite in rule.cites],
            "rests_on": [cite_data(cite, sources, "") for cite in found.rests_on],
        }


def original_seen(basis: RuleBasis, sources: Mapping[str, Source]) -> bool:
    """Tell whether the rule's own words were read where they stand, not where others give them again."""
    return any(
        cite.reading.kind == "original" and sources[cite.reading.source].seen == "original"
        for cite in basis.checked.rule.cites
        if cite.reading.source in sources
    )


def cite_data(cite: Citation, sources: Mapping[str, Source], force: str) -> dict[str, Any]:
    """Return a citation in one line, in full, and with the links to where its words stand."""
    authority, seen = sources.get(cite.authority), sources.get(cite.reading.source)
    places = [source for source in (authority, seen) if source is not None]
    return {
        "text": in_one_line(cite, sources, force),
        "full": in_full(cite, authority, seen, sources),
        "urls": list(dict.fromkeys(url for source in places for url in source.urls)),
        "read": cite.reading.kind,
    }


def in_full(
    cite: Citation, authority: Source | None, seen: Source | None, sources: Mapping[str, Source]
) -> str:
    """Return a citation as a sentence: title, publisher, year and place, then where it was read."""
    told = f"{described(authority, cite.authority)}, {cite.at}. {upper(reading(cite, sources))}"
    where = f": {described(seen, '')}" if seen is not None and seen is not authority else ""
    return f"{told}{where}. Confidence {cite.reading.confidence}."


def described(source: Source | None, key: str) -> str:
    """Return title, publisher and year of a source, as far as they are known."""
    if source is None:
        return key
    return ", ".join(part for part in (source.title, source.publisher, source.dated) if part)


def parameters_data(basis: EditionBasis) -> dict[str, Any]:
    """Return every parameter with its value in the edition; None where it has none."""
    edition = basis.program.edition
    return {
        name: {
            "title": parameter.title or spoken(name),
            "unit": parameter.unit,
            "value": edition.values[name],
            "agreed": edition.agreed.get(name, ""),
        }
        for name, parameter in edition.policy.parameters.items()
    }


def measures_data(basis: EditionBasis) -> dict[str, Any]:
    """Return what every measure is called and counted in."""
    return {
        measure.name: {"title": measure.title, "unit": measure.unit, "decimals": measure.decimals}
        for measure in basis.measures
    }


def columns_data(basis: EditionBasis, schema: FactSchema) -> dict[str, Any]:
    """Return what is drawn of the rows of each relation, by relation and name."""
    policy = basis.program.edition.policy
    return {
        relation: {name: {"title": column_title(policy, schema, relation, name)} for name in names}
        for relation, names in drawn_columns(policy).items()
    }


def column_title(policy: Policy, schema: FactSchema, relation: str, name: str) -> str:
    """Return what people call a column, or what is said of a fact."""
    formula, field = policy.columns.get(relation, {}).get(name), schema.field(relation, name)
    told = (
        formula.title if formula is not None else field.description.rstrip(".") if field is not None else ""
    )
    return told or spoken(name)


def picture_data(picture: Picture) -> dict[str, Any]:
    """Return what is to be drawn."""
    return {
        "name": picture.name,
        "kind": picture.kind,
        "title": picture.title,
        "note": picture.note,
        "names": list(picture.names),
        "relation": picture.relation,
        "by": picture.by,
        "lines": list(picture.lines),
        "step": picture.step,
    }


def spoken(name: str) -> str:
    """Return a name as people say it.

    >>> spoken("weekly_hours")
    'Weekly hours'
    """
    return upper(name.replace("_", " "))


def upper(text: str) -> str:
    """Return a text that begins with a capital; those within it stay as they are.

    >>> upper("restated by UCL")
    'Restated by UCL'
    """
    return text[:1].upper() + text[1:]


def facts_named(policies: Iterable[Mapping[str, Any]], kind: str) -> list[tuple[str, str]]:
    """Return the facts named by the pictures of a kind, with their titles, each once, in order."""
    found = {
        picture["names"][0]: picture["title"]
        for policy in policies
        for picture in policy["pictures"]
        if picture["kind"] == kind
    }
    return list(found.items())
