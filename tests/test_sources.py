"""No rule claims a reading that did not happen, and no fact of the sources is lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

# Read with PyYAML alone: what the register says must not hang on the engine's own reading of it.
POLICIES = Path(__file__).resolve().parent.parent / "policies"
FRAME = {"policy.yaml", "facts.yaml", "not-encoded.yaml"}
READ = {"original", "summary", "restatement"}
CONFIDENCE = {"low": 0, "medium": 1, "high": 2}
# What a violation can come to; a rule may be softer than its facts, never harder.
WEIGHT = {
    "information": 0,
    "recommendation": 1,
    "agreed_guidance": 2,
    "local": 2,
    "contract": 3,
    "statute": 3,
}
KINDS = {"context", "process", "no-plan-fact", "permission", "local", "legacy", "superseded"}

Data = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What stands on facts and citations: a rule, an adoption, a parameter or a table."""

    where: str
    facts: list[str]
    cites: list[Data]
    force: str | None = None


@dataclass
class Contract:
    """The folder of one policy, with the register of its nation."""

    folder: Path
    sources: dict[str, Data]
    facts: dict[str, Data]
    left_out: dict[str, Data]
    entries: list[Entry] = field(default_factory=list)

    def encoded(self) -> set[str]:
        return {fact for entry in self.entries for fact in entry.facts}


def read(path: Path) -> Data:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def entries(where: str, topic: Data) -> Iterator[Entry]:
    """Everything in a topic file that names facts or citations."""
    for rule in topic.get("rules", ()):
        yield entry(f"{where} {rule['id']}", rule)
    for block in topic.get("adopts", ()):
        for one in block.get("rules", [block]):
            yield entry(f"{where} {one['id']}", {**block, **one})
    for kind in ("parameters", "tables"):
        for name, thing in topic.get(kind, {}).items():
            parts = [thing, *thing.get("values", ())]
            cites = [cite for part in parts for cite in part.get("cites", ())]
            if cites or thing.get("facts"):
                yield Entry(f"{where} {name}", list(thing.get("facts", ())), cites)


def entry(where: str, rule: Data) -> Entry:
    return Entry(where, list(rule.get("facts", ())), list(rule.get("cites", ())), rule.get("force"))


def by_id(path: Path) -> dict[str, Data]:
    listed = read(path)["facts"]
    twice = [name for name, times in Counter(fact["id"] for fact in listed).items() if times > 1]
    assert not twice, f"{path.name} lists {twice} twice"
    return {fact["id"]: fact for fact in listed}


def contract(folder: Path) -> Contract:
    found = Contract(
        folder,
        read(folder.parent / "nation.yaml")["sources"],
        by_id(folder / "facts.yaml"),
        by_id(folder / "not-encoded.yaml"),
    )
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in FRAME and not path.name.endswith(".cases.yaml"):
            found.entries += entries(path.name, read(path))
    return found


def false_claim(cite: Data, sources: dict[str, Data]) -> str | None:
    """What a citation says of its sources that the register does not; None if it keeps to it."""
    authority, reading = cite["authority"]["source"], cite["reading"]
    kind, source = reading["kind"], reading.get("source")
    unknown = [key for key in (authority, source) if key is not None and key not in sources]
    if unknown:
        return f"{unknown} stand in no register"
    if kind not in READ:
        if kind == "recalled" and source is not None and sources[source]["seen"] != "none":
            return f"recalled, and yet {source} is said to be read"
        return None
    if source is None:
        return f"{kind} of what is not said"
    seen, restates = sources[source]["seen"], sources[source].get("restates", ())
    if kind == "original" and (seen != "original" or source != authority):
        return f"the original of {authority} was not read in {source}"
    if kind == "summary" and (seen != "summary" or authority not in (source, *restates)):
        return f"{source} is no summary of {authority}"
    if kind == "restatement" and (seen == "none" or authority not in restates):
        return f"{source} does not restate {authority}"
    return None


def carries(fact: Data, cite: Data) -> bool:
    """Whether a citation claims no more than is known of the fact."""
    reading = cite["reading"]
    kind, source = reading["kind"], reading.get("source")
    if CONFIDENCE[reading["confidence"]] > CONFIDENCE[fact["confidence"]]:
        return False
    if kind == "recalled":
        return fact["basis"] in ("recalled", "mixed")
    if fact["basis"] == "recalled":
        return False
    return source in fact["sources"] or (kind == "derived" and source is None)


def overstated(entry: Entry, facts: dict[str, Data]) -> Iterator[str]:
    """What a rule, parameter or table says beyond its facts."""
    known = {name: facts[name] for name in entry.facts if name in facts}
    if not entry.cites:
        yield f"{entry.where}: {entry.facts} without a citation"
        return
    for cite in entry.cites:
        if not any(carries(fact, cite) for fact in known.values()):
            yield f"{entry.where}: none of {entry.facts} carries {cite['reading']}"
    for name, fact in known.items():
        if not any(carries(fact, cite) for cite in entry.cites):
            yield f"{entry.where}: no citation carries {name}"
        if fact["basis"] == "recalled" and any(cite["reading"]["kind"] != "recalled" for cite in entry.cites):
            yield f"{entry.where}: {name} is recalled and hides behind another reading"
    if entry.force is not None and len({cite["reading"]["kind"] == "recalled" for cite in entry.cites}) > 1:
        yield f"{entry.where}: rests on what is recalled and on what is read; make two rules of it"
    if entry.force is not None and known:
        forces = {force for fact in known.values() for force in as_list(fact["force"])}
        if entry.force not in forces and WEIGHT[entry.force] >= max(WEIGHT[force] for force in forces):
            yield f"{entry.where}: {entry.force}, but its facts are {sorted(forces)}"


def none_of(found: Iterable[str]) -> None:
    """Fail with one line for each thing found."""
    lines = sorted(found)
    assert not lines, "\n".join(["", *lines])


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


CONTRACTS = [contract(path.parent) for path in sorted(POLICIES.glob("*/*/policy.yaml"))]
TOPICS = [
    pytest.param(one, topic, id=f"{one.folder.name}-{topic}")
    for one in CONTRACTS
    for topic in sorted({fact["topic"] for fact in one.facts.values()})
]
every_contract = pytest.mark.parametrize("one", CONTRACTS, ids=lambda one: one.folder.name)


@every_contract
def test_every_citation_keeps_to_the_register(one: Contract) -> None:
    claims = [(entry.where, false_claim(cite, one.sources)) for entry in one.entries for cite in entry.cites]
    none_of(f"{where}: {claim}" for where, claim in claims if claim)


@every_contract
def test_no_citation_says_more_than_its_facts(one: Contract) -> None:
    none_of(line for entry in one.entries for line in overstated(entry, one.facts))


@every_contract
def test_rules_name_facts_that_exist(one: Contract) -> None:
    none_of((one.encoded() | set(one.left_out)) - set(one.facts))


@every_contract
def test_no_fact_is_encoded_and_left_out_at_once(one: Contract) -> None:
    none_of(one.encoded() & set(one.left_out))


@pytest.mark.parametrize(("one", "topic"), TOPICS)
def test_every_fact_is_encoded_or_left_out(one: Contract, topic: str) -> None:
    ids = {name for name, fact in one.facts.items() if fact["topic"] == topic}
    none_of(ids - one.encoded() - set(one.left_out))


@every_contract
def test_what_is_left_out_says_why(one: Contract) -> None:
    none_of(name for name, fact in one.left_out.items() if fact["kind"] not in KINDS or not fact["reason"])


@every_contract
def test_facts_rest_on_sources_of_the_register(one: Contract) -> None:
    for name, fact in one.facts.items():
        assert set(fact["sources"]) <= set(one.sources), name
        assert fact["confidence"] in CONFIDENCE, name
        assert set(as_list(fact["force"])) <= set(WEIGHT), name
        assert fact["basis"] in ("read", "recalled", "mixed"), name
        assert ("recalled_part" in fact) == (fact["basis"] == "mixed"), name
        assert fact["basis"] == "recalled" or any(seen(one, key) for key in fact["sources"]), name
        assert len(fact["title"].split()) <= 10, name


def seen(one: Contract, key: str) -> bool:
    return bool(one.sources[key]["seen"] != "none")


@every_contract
def test_the_register_says_what_was_seen_of_each_source(one: Contract) -> None:
    for key, source in one.sources.items():
        assert source["seen"] in {*READ, "none"}, key
        assert source["part"], key
        assert set(source.get("restates", ())) <= set(one.sources), key
        assert source["seen"] != "none" or "restates" not in source, f"{key} was not seen"


SOURCES: dict[str, Data] = {
    "terms": {"seen": "none"},
    "page": {"seen": "restatement", "restates": ["terms"]},
    "answer": {"seen": "summary", "restates": ["terms"]},
    "article": {"seen": "original", "restates": ["terms"]},
    "elsewhere": {"seen": "restatement"},
}


@pytest.mark.parametrize(
    ("authority", "kind", "source", "kept"),
    [
        ("terms", "restatement", "page", True),
        ("terms", "restatement", "article", True),
        ("terms", "summary", "answer", True),
        ("article", "original", "article", True),
        ("terms", "recalled", None, True),
        ("terms", "recalled", "terms", True),
        ("terms", "derived", None, True),
        ("terms", "original", "terms", False),
        ("terms", "original", "article", False),
        ("page", "original", "page", False),
        ("terms", "summary", "page", False),
        ("terms", "restatement", "elsewhere", False),
        ("terms", "restatement", None, False),
        ("terms", "recalled", "page", False),
        ("terms", "restatement", "nowhere", False),
        ("nowhere", "recalled", None, False),
    ],
)
def test_a_reading_that_did_not_happen_is_seen(
    authority: str, kind: str, source: str | None, *, kept: bool
) -> None:
    assert (false_claim(cite(authority, kind, "high", source), SOURCES) is None) is kept


def cite(authority: str, kind: str, confidence: str, source: str | None = None) -> Data:
    reading = {"kind": kind, "confidence": confidence} | ({"source": source} if source else {})
    return {"authority": {"source": authority, "at": "1"}, "reading": reading}


FACTS: dict[str, Data] = {
    "READ-1": {"basis": "read", "confidence": "high", "sources": ["page"], "force": "recommendation"},
    "MIXED-1": {"basis": "mixed", "confidence": "medium", "sources": ["page"], "force": ["contract"]},
    "TOLD-1": {"basis": "recalled", "confidence": "medium", "sources": ["page"], "force": "contract"},
}


@pytest.mark.parametrize(
    ("facts", "kind", "confidence", "force", "kept"),
    [
        (["READ-1"], "restatement", "high", "recommendation", True),
        (["READ-1"], "restatement", "low", "information", True),
        (["MIXED-1"], "recalled", "medium", "contract", True),
        (["TOLD-1"], "recalled", "low", "contract", True),
        (["READ-1", "MIXED-1"], "restatement", "medium", "contract", True),
        (["READ-1"], "recalled", "high", "recommendation", False),
        (["READ-1"], "restatement", "high", "contract", False),
        (["MIXED-1"], "restatement", "high", "contract", False),
        (["TOLD-1"], "restatement", "medium", "contract", False),
        (["TOLD-1"], "derived", "medium", "contract", False),
        (["READ-1", "TOLD-1"], "restatement", "medium", "contract", False),
    ],
)
def test_a_citation_beyond_its_facts_is_seen(
    facts: list[str], kind: str, confidence: str, force: str, *, kept: bool
) -> None:
    source = None if kind in ("recalled", "derived") else "page"
    one = Entry("here", facts, [cite("terms", kind, confidence, source)], force)
    assert (list(overstated(one, FACTS)) == []) is kept


def test_a_rule_that_rests_on_a_reading_and_on_memory_is_seen() -> None:
    both = [cite("terms", "restatement", "medium", "page"), cite("terms", "recalled", "medium")]
    assert len(list(overstated(Entry("here", ["MIXED-1"], both, "contract"), FACTS))) == 1
