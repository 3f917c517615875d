"""Plan documents, turned into relations of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobplan.errors import BrokenInput, BrokenPlan, Problem, Span, suggest
from jobplan.facts.coherence import complain_of_disagreement
from jobplan.facts.keys import odd_keys
from jobplan.facts.rows import RowReader, Written, leave_out
from jobplan.facts.schema import FactSchema, Field
from jobplan.facts.values import WrongValueError, value_of
from jobplan.model import Relation, Row
from jobplan.source import Document, Route, read_document
from jobplan.source.complaints import PROBLEM_LIMIT
from jobplan.validation import words_of


@dataclass(frozen=True, slots=True)
class Assumption:
    """A missing fact filled in aloud, for one row or (`row` empty) for every row that lacks it.

    A `value` of None states that there is none.
    Rows name it in `assumed` by its id. `by_user` tells that it is not the plan's own.
    """

    id: str
    relation: str
    field: str
    value: Any
    written: Any
    why: str
    row: str = ""
    by_user: bool = False


@dataclass(slots=True)
class Plan:
    """What one plan document says; every relation of the schema is there, given or not.

    `digest` is the SHA-256 of the document as canonical JSON. Waivers, attestations and source are
    as written.
    """

    id: str
    digest: str
    document: Document
    relations: dict[str, Relation]
    root: Row
    date: int | None
    policy: tuple[str | None, ...]
    waivers: tuple[Mapping[str, Any], ...]
    attestations: tuple[Mapping[str, Any], ...]
    assumptions: tuple[Assumption, ...]
    source: Mapping[str, Any]
    extensions: Mapping[str, Any]

    def span(self, row: Row, field: str = "") -> Span | None:
        """Return where a row, or one of its facts, stands in the document; None for data without text."""
        if not self.document.text:
            return None
        return self.document.at((*row.place, field) if field else row.place)


def read_plan(
    source: str | Path | Mapping[str, Any] | Document,
    schema: FactSchema,
    *,
    assumptions: Iterable[Mapping[str, Any]] = (),
) -> Plan:
    """Read a plan from a file, from data as JSON has them (not copied), or from a document read before.

    `assumptions` of the user fill what the plan, with its own, leaves missing. Raises BrokenPlan with
    every problem found.
    """
    document = _document(source)
    if not document.text and (odd := odd_keys(document.data)):
        raise BrokenPlan(odd[:PROBLEM_LIMIT])
    digest = _digest(document)
    placed = schema.checker.placed_problems(document) if schema.checker else []
    problems = [problem for _, problem in placed]
    reader = RowReader(document, [route for route, _ in placed] if schema.checker else None)
    if not isinstance(document.data, dict):
        reader.complain_of_type((), "a mapping", document.data)
        raise _broken(document, problems or reader.problems)
    if len(problems) >= PROBLEM_LIMIT:
        raise _broken(document, problems)
    plan = _plan(reader, schema, digest, tuple(assumptions))
    problems += reader.problems
    if problems:
        raise _broken(document, problems)
    return plan


def _broken(document: Document, problems: list[Problem]) -> BrokenPlan:
    return BrokenPlan(problems[:PROBLEM_LIMIT], {document.file: document.text} if document.text else None)


def _document(source: str | Path | Mapping[str, Any] | Document) -> Document:
    if isinstance(source, Document):
        return source
    if isinstance(source, Mapping):
        return Document("", dict(source), "", {}, {})
    try:
        return read_document(str(source))
    except BrokenInput as broken:
        raise BrokenPlan(broken.problems, broken.texts) from None


def id_made_of(document: Document, schema: FactSchema) -> str:
    """Return the id of a plan that has none of its own. Raises BrokenPlan for what JSON cannot have."""
    return _made_id(schema, _digest(document))


def _made_id(schema: FactSchema, digest: str) -> str:
    return f"{schema.root}-{digest[:10]}"


def _digest(document: Document) -> str:
    try:
        canonical = json.dumps(
            document.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()
    except (TypeError, ValueError, RecursionError) as error:
        problem = Problem("not-json", f"expected data as JSON has them: {str(error).lower()}")
        raise BrokenPlan([problem]) from None


def _plan(
    reader: RowReader, schema: FactSchema, digest: str, assumptions: tuple[Mapping[str, Any], ...]
) -> Plan:
    data = reader.document.data
    root = reader.row(schema.relations[schema.root], data, ())
    given = data.get(schema.keys.get("id", "id"))
    root.id = given if isinstance(given, str) else _made_id(schema, digest)
    relations = _relations(reader, schema, root)
    _leave_open(reader, schema, relations)
    source = _mapping(data, schema.keys.get("source"))
    _carry(reader, schema, relations, source)
    key = schema.keys.get("assumptions", "")
    own = [
        read_assumption(reader, schema, item, (key, index)) for index, item in enumerate(_listed(data, key))
    ]
    elsewhere = RowReader(Document("", {}, "", {}, {}))  # what the user assumes stands in no file
    users = [read_assumption(elsewhere, schema, item) for item in assumptions]
    reader.problems.extend(elsewhere.problems)
    filled = [assumption for assumption in (*own, *users) if assumption is not None]
    for assumption in sorted(filled, key=lambda a: (a.by_user, not a.row)):  # one for a row goes first
        place: Route = (key, own.index(assumption)) if assumption in own else ()
        _assume(reader, relations[assumption.relation], assumption, place)
    complain_of_disagreement(reader, schema, relations)
    return Plan(
        id=root.id,
        digest=digest,
        document=reader.document,
        relations=relations,
        root=root,
        date=root[schema.date],
        policy=tuple(root[name] for name in schema.policy),
        waivers=tuple(_listed(data, schema.keys.get("waivers"))),
        attestations=tuple(_listed(data, schema.keys.get("attestations"))),
        assumptions=tuple(filled),
        source=source,
        extensions=_mapping(data, schema.keys.get("extensions")),
    )


def _mapping(data: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
    found = data.get(key) if key else None
    return found if isinstance(found, Mapping) else {}


def _listed(data: Mapping[str, Any], key: str | None) -> list[Mapping[str, Any]]:
    found = data.get(key) if key else None
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []


def _relations(reader: RowReader, schema: FactSchema, root: Row) -> dict[str, Relation]:
    """Read every relation of the schema, parents before children."""
    data = reader.document.data
    relations = {schema.root: Relation(schema.root, [root])}
    written = {"": [Written(root, data)]}
    for name, relation in schema.relations.items():
        if name == schema.root:
            continue
        relations[name], written[name] = reader.relation(relation, written[relation.parent])
        above = relations.get(relation.parent)
        if above is not None and not above.complete:  # rows that are not known may have rows inside
            relations[name].complete = False
            relations[name].cause = "blank"
    return relations


def _leave_open(reader: RowReader, schema: FactSchema, relations: Mapping[str, Relation]) -> None:
    """Take the lists that the plan says it gives only in part as such: there may be more rows."""
    key = schema.keys.get("partial", "")
    listed = reader.document.data.get(key)
    for index, name in enumerate(listed if isinstance(listed, list | tuple) else ()):
        relation = relations.get(name) if isinstance(name, str) and name != schema.root else None
        if relation is None:
            hint = suggest(str(name), [other for other in schema.relations if other != schema.root])
            reader.complain((key, index), "unknown-relation", f"no list {words_of(name)}", hint)
            continue
        parent = schema.relations[relation.name].parent
        relation.complete, relation.cause = False, relation.cause or "partial"
        if parent:
            relation.open_parents |= {row.id for row in relations[parent].rows}


def _carry(
    reader: RowReader, schema: FactSchema, relations: Mapping[str, Relation], source: Mapping[str, Any]
) -> None:
    """Tell what the source left empty from what it has no field for."""
    carries = source.get("carries")
    if not isinstance(carries, Mapping):
        return
    place: Route = (schema.keys["source"], "carries")
    for name, facts in carries.items():
        known = schema.relations.get(name)
        if known is None:
            reader.complain_of_unknown((*place, name), schema.relations)
            continue
        for index, fact in enumerate(facts if isinstance(facts, list | tuple) else ()):
            if not isinstance(fact, str):
                reader.complain_of_type((*place, name, index), "text", fact)
            elif fact not in known.fields:
                _unknown_fact(reader, (*place, name, index), fact, known.fields, name)
    for name, relation in relations.items():
        facts = carries.get(name)
        carried = None
        if isinstance(facts, list | tuple):
            carried = frozenset(fact for fact in facts if isinstance(fact, str))
        leave_out(relation, carried, schema.relations[name].fields)


def _unknown_fact(reader: RowReader, route: Route, name: Any, known: Iterable[str], of: str = "") -> None:
    """Complain of a fact; of one without its relation the relations that have it are suggested."""
    options = list(known)
    homes = [option for option in options if option.endswith(f".{name}")]
    hint = f"write it with its relation, such as {homes[0]}" if homes else suggest(str(name), options)
    said = f"no fact {words_of(name)}" + (f" in `{of}`" if of else "")
    reader.complain(route, "unknown-fact", said, hint)


def read_assumption(
    reader: RowReader, schema: FactSchema, data: Mapping[str, Any], route: Route | None = None
) -> Assumption | None:
    """Read one assumption; what is wrong with it goes to the reader. Without a route it is the user's."""
    place = route or ("assumption",)
    name, row = data.get("fact"), data.get("row", "")
    relation, _, fact = name.partition(".") if isinstance(name, str) else ("", "", "")
    field = schema.field(relation, fact)
    if field is None:
        known = [f"{other}.{key}" for other, found in schema.relations.items() for key in found.fields]
        _unknown_fact(reader, (*place, "fact"), name, known)
        return None
    value = _assumed_value(reader, field, data.get("value"), (*place, "value"))
    made = f"{name}@{row}" if row else f"{name}"
    given = data.get("id", made)
    why = str(data.get("why", ""))
    return Assumption(str(given), relation, fact, value, data.get("value"), why, str(row), route is None)


def _assumed_value(reader: RowReader, field: Field, written: Any, route: Route) -> Any:
    if written == "none" and field.none:
        return None
    try:
        return value_of(field, written)
    except WrongValueError as error:
        reader.complain_of_value(route, error, written, field)
        return None


def _assume(reader: RowReader, relation: Relation, assumption: Assumption, place: Route) -> None:
    """Fill the fact in where it is missing: never over a value, a stated `none` or a conflict."""
    rows = [row for row in relation.rows if assumption.row in ("", row.id)]
    if assumption.row and not rows and not assumption.by_user:
        hint = suggest(assumption.row, [row.id for row in relation.rows])
        said = f"no row `{assumption.row}` in `{relation.name}`"
        reader.complain((*place, "row"), "unknown-row", said, hint)
    for row in rows:
        field = assumption.field
        if field in row or row.causes.get(field) in ("none", "conflict"):
            continue
        row.causes.pop(field, None)
        if assumption.value is None:
            row.causes[field] = "none"
        else:
            row[field] = assumption.value
        row.assumed[field] = assumption.id
