"""Search policies: rules, parameters, tables and source facts by words, by clause, or by fact id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jobplan.authoring.clauses import Part, clause_parts, closeness, kind_of
from jobplan.model import Citation, Policy
from jobplan.source import Route, read_document

HitKind = Literal["rule", "parameter", "table", "column", "measure", "fact"]
ORDER: tuple[HitKind, ...] = ("rule", "parameter", "table", "measure", "column", "fact")
FACT_ID = re.compile(r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)+$")
JOINING = ("and", "or", "to", "of")
WORD = re.compile(r"[\w%£.]+")
FACT_FILES = ("facts.yaml", "not-encoded.yaml")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found, how well it fits, and what in it did."""

    score: int
    kind: HitKind
    id: str
    title: str
    policy: str
    topic: str
    place: tuple[str, Route]
    matched: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be found: texts by how much a word in them weighs, the clauses cited, the fact ids."""

    kind: HitKind
    id: str
    title: str
    topic: str
    place: tuple[str, Route]
    texts: tuple[tuple[int, str], ...]
    clauses: tuple[str, ...]
    facts: tuple[str, ...]


def find(policies: Iterable[tuple[Policy, Path]], query: str) -> list[Hit]:
    """Return what fits a query, best first; each policy comes with its folder.

    A query that names divisions of a document is looked for among citations, one that is or begins
    the id of a fact among fact ids, any other word by word: all of them must stand in an entry.
    """
    wanted, words = clause_parts(query), [word.lower() for word in WORD.findall(query)]
    hits: list[Hit] = []
    for policy, folder in policies:
        for entry in (*entries(policy), *source_facts(folder)):
            score, matched = rank(entry, query, wanted, words)
            if score:
                hits.append(
                    Hit(
                        score, entry.kind, entry.id, entry.title, policy.id, entry.topic, entry.place, matched
                    )
                )
    return sorted(hits, key=lambda hit: (-hit.score, ORDER.index(hit.kind), hit.policy, hit.id))


def rank(entry: Entry, query: str, wanted: Sequence[Part], words: Sequence[str]) -> tuple[int, str]:
    """Return how well an entry fits, 0 for not at all, and what in it did."""
    id = query.strip()
    if entry.id.lower() == id.lower():
        return 1000, "id"
    if FACT_ID.match(id):
        named = [fact for fact in entry.facts if fact == id.upper() or fact.startswith(f"{id.upper()}-")]
        if named:
            return 900 if id.upper() in named else 500, ", ".join(named)
    if wanted:
        close, clause = max(
            ((closeness(wanted, clause), clause) for clause in entry.clauses), default=(0, "")
        )
        others = [word for word in words if kind_of(word) is None and not word[0].isdigit()]
        others = [word for word in others if word not in JOINING]
        score = by_words(entry, query, others)[0] if others and close else 0
        return (600 + 100 * close + score, clause) if close and (score or not others) else (0, "")
    return by_words(entry, query, words)


def by_words(entry: Entry, query: str, words: Sequence[str]) -> tuple[int, str]:
    """Rank an entry by words: all must stand in it, and the whole query in one text counts more."""
    total, matched = 0, ""
    for word in words:
        best = max(((weight * fit(word, text), text) for weight, text in entry.texts), default=(0, ""))
        if not best[0]:
            return 0, ""
        total += best[0]
        matched = matched or best[1]
    if not words:
        return 0, ""
    if any(query.strip().lower() in text.lower() for _, text in entry.texts):
        total += 20
    return total, matched


def fit(word: str, text: str) -> int:
    """Return 2 where a text has a word, 1 where one of its words begins with it, else 0.

    >>> fit("rest", "daily rest"), fit("res", "daily-rest"), fit("est", "daily rest")
    (2, 1, 0)
    """
    there = WORD.findall(text.lower().replace("_", " ").replace("-", " "))
    parts = word.replace("_", " ").replace("-", " ").split()
    if all(part in there for part in parts):
        return 2
    return int(all(any(other.startswith(part) for other in there) for part in parts))


def entries(policy: Policy) -> Iterator[Entry]:
    """Yield everything in a policy that has a name."""
    for rule in policy.rules.values():
        texts = ((5, rule.id), (4, rule.title), (2, rule.topic), (1, rule.message), (1, rule.remedy))
        all_texts = (*texts, *cited_words(policy, rule.cites))
        yield Entry(
            "rule", rule.id, rule.title, rule.topic, rule.place, all_texts, ats(rule.cites), rule.facts
        )
    for parameter in policy.parameters.values():
        yield named(policy, "parameter", parameter.name, parameter)
    for table in policy.tables.values():
        yield named(policy, "table", table.name, table)
    for name, measure in policy.measures.items():
        own = ((3, name), (3, measure.title))
        yield Entry("measure", name, measure.title, topic_of(measure.place), measure.place, own, (), ())
    for relation, columns in policy.columns.items():
        for name, column in columns.items():
            own = ((3, f"{relation} {name}"), (3, column.title))
            id, topic = f"{relation}.{name}", topic_of(column.place)
            yield Entry("column", id, column.title, topic, column.place, own, (), ())


def named(policy: Policy, kind: HitKind, name: str, thing: Any) -> Entry:
    """Return the entry of a parameter or table."""
    texts = ((4, name), (4, thing.title), *cited_words(policy, thing.cites))
    topic = topic_of(thing.place)
    return Entry(kind, name, thing.title, topic, thing.place, texts, ats(thing.cites), thing.facts)


def source_facts(folder: Path) -> Iterator[Entry]:
    """Yield the facts of the sources that a policy lists, with the reason of those not encoded."""
    reasons: dict[str, str] = {}
    listed: dict[str, tuple[Mapping[str, Any], tuple[str, Route]]] = {}
    for path in (folder / name for name in FACT_FILES):
        if not path.is_file():
            continue
        for index, data in enumerate(read_document(str(path)).data.get("facts", ())):
            if "reason" in data:
                reasons[data["id"]] = f"not encoded: {data['reason']}"
            listed.setdefault(data["id"], (data, (str(path), ("facts", index))))
    for id, (data, place) in listed.items():
        title = data.get("title", "") or reasons.get(id, "")
        reference = str(data.get("reference", ""))
        texts = ((2, title), (1, reference), (1, reasons.get(id, "")))
        shown = title if id not in reasons or title == reasons[id] else f"{title} ({reasons[id]})"
        yield Entry("fact", id, shown, data.get("topic", ""), place, texts, (reference,), (id,))


def cited_words(policy: Policy, cites: Iterable[Citation]) -> Iterator[tuple[int, str]]:
    """Yield the places and titles of the documents that citations name."""
    for cite in cites:
        yield 1, cite.at
        for key in (cite.authority, cite.reading.source):
            if key in policy.sources:
                yield 1, f"{policy.sources[key].title} {policy.sources[key].publisher} {key}"


def ats(cites: Iterable[Citation]) -> tuple[str, ...]:
    """Return the places that citations name."""
    return tuple(dict.fromkeys(cite.at for cite in cites))


def topic_of(place: tuple[str, Route]) -> str:
    """Return the topic that a part stands in: the name of its file."""
    return Path(place[0]).stem
