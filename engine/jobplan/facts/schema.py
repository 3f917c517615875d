"""What facts a plan may hold: relations, fields, kinds and units, read from the annotations of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from jobplan.data import schemas_dir
from jobplan.model import Kind
from jobplan.validation import Checker

Form = Literal["number", "truth", "text", "date", "clock", "weekday", "list"]
"""How a fact is written; clock times and weekdays become numbers."""

FORMS: tuple[Form, ...] = get_args(Form)

WEEKDAYS = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "public_holiday",
)  # fmt: skip
"""Names of the days where a schema gives no others; the first is day 1."""

_KINDS: Mapping[Form, Kind] = {"number": "number", "truth": "truth", "text": "text", "date": "date",
     "clock": "number", "weekday": "number", "list": "list"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be: at least `minimum`, more than `above`, at most `maximum`, only `whole`."""

    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    whole: bool = False

    def broken_by(self, number: float) -> str:
        """Return the words for what was expected instead of `number`; empty if it is in bounds."""
        if self.whole and number % 1:
            return "a whole number"
        if self.minimum is not None and number < self.minimum:
            return f"a number of at least {self.minimum:g}"
        if self.above is not None and number <= self.above:
            return f"a number above {self.above:g}"
        if self.maximum is not None and number > self.maximum:
            return f"a number of at most {self.maximum:g}"
        return ""


@dataclass(frozen=True, slots=True)
class Field:
    """One fact of a relation.

    `none` tells whether it may be stated that there is none; `choices` are the only texts allowed,
    or the names of the days, and `places` where each stands among them; `of` is the form of a list's
    entries. A `claim` is a figure that the plan states of itself, which it need not. `bounds` hold for
    the number or for every entry, and a list that is `unique` has none twice. The entries number the
    parts of a length from 1: that length is the row's fact `within`, and how many entries there are is
    its fact `counted_by`. A day is `not_before` that of another fact of the row. An `identity`
    tells who somebody is. `longest` is how many
    characters a text, and how many entries a list, may have.
    """

    name: str
    form: Form
    unit: str = ""
    none: bool = False
    choices: tuple[str, ...] = ()
    of: Form | Literal[""] = ""
    description: str = ""
    claim: bool = False
    bounds: Bounds | None = None
    unique: bool = False
    within: str = ""
    counted_by: str = ""
    identity: bool = False
    not_before: str = ""
    longest: int | None = None
    places: Mapping[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {choice: place for place, choice in enumerate(self.choices)})

    @property
    def kind(self) -> Kind:
        """Return the kind of the value as expressions see it."""
        return _KINDS[self.form]


@dataclass(frozen=True, slots=True)
class Shorthand:
    """A key whose list stands for one row an entry, and the facts that it cannot stand beside."""

    key: str
    expands: str
    not_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationSchema:
    """The fields of a relation, the relation whose rows its rows belong to, and its own children.

    `parent` is empty for the root and for its children, whose rows belong to the whole plan. `keys`
    maps the roles `id`, `place`, `unreadable`, `note` to the keys that have them in a row. `most` is how many
    rows a plan, or a row of the parent, may have. `tied` are the lists that have to agree with other facts of
    their row, `ordered` the days that cannot lie before another one.
    """

    name: str
    parent: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    shorthand: Shorthand | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    most: int | None = None
    tied: tuple[Field, ...] = field(init=False, default=())
    ordered: tuple[Field, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        tied = tuple(field for field in self.fields.values() if field.within or field.counted_by)
        object.__setattr__(self, "tied", tied)
        object.__setattr__(self, "ordered", tuple(f for f in self.fields.values() if f.not_before))


@dataclass(frozen=True, slots=True)
class FactSchema:
    """All relations that a plan may have; `root` names the one whose only row is the plan.

    `date` names the root's fact that says which edition holds, `policy` those that say which policy.
    `keys` maps the roles of what is no fact (`source`, `waivers` …) to the keys that have them.
    `summary` lists the root's facts that say which plan it is.
    """

    root: str
    relations: Mapping[str, RelationSchema]
    date: str = ""
    policy: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    checker: Checker | None = field(default=None, compare=False)
    summary: tuple[str, ...] = ()

    def field(self, relation: str, name: str) -> Field | None:
        """Return a fact of a relation, or None if the schema has no such fact."""
        found = self.relations.get(relation)
        return None if found is None else found.fields.get(name)

    def top(self) -> Iterator[RelationSchema]:
        """Yield the relations that belong to no row but the plan's own."""
        return (self.relations[name] for name in self.relations[self.root].children)

    def ancestors(self, relation: str) -> Iterator[str]:
        """Yield the parent of a relation, its parent, and so on; the root is not among them."""
        parent = self.relations[relation].parent
        while parent:
            yield parent
            parent = self.relations[parent].parent


ROW_KEYS: Mapping[str, str] = {"id": "id", "place": "at", "unreadable": "unreadable", "note": "note"}
PLAN_KEYS: Mapping[str, str] = {
    **ROW_KEYS,
    "format": "version",
    "source": "source",
    "waivers": "waivers",
    "attestations": "attestations",
    "assumptions": "assumptions",
    "partial": "partial",
    "extensions": "extensions",
}
"""The keys by role of a row and of a plan, where no JSON Schema says otherwise."""


@lru_cache(maxsize=8)
def load_schema(path: Path | None = None) -> FactSchema:
    """Read the facts that a JSON Schema declares; without a path, those of the package's plan schema."""
    checker = Checker(path or schemas_dir() / "plan.schema.json")
    return declared_facts(checker.schema, checker)


def declared_facts(schema: Mapping[str, Any], checker: Checker | None = None) -> FactSchema:
    """Return the facts that a JSON Schema declares by its annotations.

    Raises ValueError if two relations share a name or a property is neither fact, relation nor special.
    """
    relations: dict[str, RelationSchema] = {}
    edition = schema.get("edition", {})
    keys = _declare(schema["root"], schema, schema.get("$defs", {}), relations, parent="", inside="")
    return FactSchema(
        root=schema["root"],
        relations=relations,
        date=edition.get("date", ""),
        policy=tuple(edition.get("policy", ())),
        keys=keys,
        checker=checker or Checker(schema),
        summary=tuple(schema.get("summary", ())),
    )


def fact_schema(
    relations: Mapping[str, Mapping[str, str]],
    *,
    root: str = "plan",
    date: str = "",
    policy: Iterable[str] = (),
) -> FactSchema:
    """Return a schema from relation → fact → form, where `parent` names the parent relation.

    A form may be followed by a unit, as in `"number h/week"`. Every fact may be stated to be none.

    >>> schema = fact_schema({"plan": {"size": "number"}, "step": {"on_day": "date"}})
    >>> schema.relations["step"].fields["on_day"].kind
    'date'
    """
    parents = {name: facts.get("parent", root) for name, facts in relations.items()}
    found: dict[str, RelationSchema] = {}
    for name, facts in {root: {}, **relations}.items():
        fields = {fact: _terse(fact, form) for fact, form in facts.items() if fact != "parent"}
        children = tuple(other for other in relations if other != root and parents[other] == name)
        keys = PLAN_KEYS if name == root else ROW_KEYS
        found[name] = RelationSchema(name, facts.get("parent", ""), fields, children, None, keys)
    return FactSchema(root, found, date, tuple(policy), PLAN_KEYS)


def _terse(name: str, words: str) -> Field:
    form, _, unit = words.partition(" ")
    if form not in FORMS:
        raise ValueError(f"{name}: no form {form!r}")
    return Field(name, form, unit, none=True, choices=WEEKDAYS if form == "weekday" else ())


def _declare(
    name: str,
    declared: Mapping[str, Any],
    defs: Mapping[str, Any],
    relations: dict[str, RelationSchema],
    *,
    parent: str,
    inside: str,
    most: int | None = None,
) -> Mapping[str, str]:
    """Add a relation and those inside it, whose parent is `inside`; return its keys by role."""
    if name in relations:
        raise ValueError(f"two relations have the name {name!r}")
    fields: dict[str, Field] = {}
    keys: dict[str, str] = {}
    children: dict[str, Mapping[str, Any]] = {}
    shorthand = None
    relations[name] = RelationSchema(name)  # keeps the order of the schema: a parent before its children
    for key, written in declared["properties"].items():
        if written.get("role") == "shorthand":
            shorthand = Shorthand(key, written["expands"], tuple(written.get("not_with", ())))
        elif "role" in written:
            keys[written["role"]] = key
        elif written.get("type") == "array" and "properties" in written.get("items", {}):
            children[key] = written
        else:
            fields[key] = _field(key, written, defs)
    relations[name] = RelationSchema(
        name,
        parent,
        fields,
        tuple(children),
        shorthand,
        keys,
        declared.get("description", ""),
        most,
    )
    for key, written in children.items():
        items = {**written["items"], "description": written.get("description", "")}
        _declare(key, items, defs, relations, parent=inside, inside=key, most=written.get("maxItems"))
    return keys


def _field(name: str, written: Mapping[str, Any], defs: Mapping[str, Any]) -> Field:
    definition = defs.get(written.get("$ref", "").removeprefix("#/$defs/"), {})
    meaning = {**definition, **written}
    if meaning.get("fact") not in FORMS:
        raise ValueError(f"{name}: neither fact nor relation nor special")
    choices = definition.get("else", {}).get("enum", ())
    return Field(
        name,
        meaning["fact"],
        unit=meaning.get("unit", ""),
        none=bool(meaning.get("none", False)),
        choices=tuple(choice for choice in choices if choice != "none"),
        of=meaning.get("of", ""),
        description=meaning.get("description", ""),
        claim=bool(meaning.get("claim", False)),
        bounds=_bounds(meaning.get("items", meaning)),
        unique=bool(meaning.get("uniqueItems", False)),
        within=meaning.get("within", ""),
        counted_by=meaning.get("counted_by", ""),
        identity=bool(meaning.get("identity", False)),
        not_before=meaning.get("not_before", ""),
        longest=meaning.get("maxItems", definition.get("else", {}).get("maxLength")),
    )


def _bounds(written: Mapping[str, Any]) -> Bounds | None:
    bounds = Bounds(
        written.get("minimum"),
        written.get("exclusiveMinimum"),
        written.get("maximum"),
        written.get("type") == "integer",
    )
    return None if bounds == Bounds() else bounds
