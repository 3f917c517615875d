"""Rows of a plan document: values, why they are absent, ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from jobplan.errors import Problem
from jobplan.facts.schema import Field, RelationSchema
from jobplan.facts.values import READ, WrongValueError, settle, value_of
from jobplan.model import Cause, Relation, Row
from jobplan.source import Document, Route
from jobplan.source.complaints import PROBLEM_LIMIT
from jobplan.validation import problem_at, unknown_field, words_of

_PLAIN = frozenset({str, int, float, bool, list})
_MOST_REFUSED = 1000  # rows of a list that are read of a plan in which the schema found something wrong
_ID_LENGTH = 10  # hexadecimal digits of a row's content in an id made from it


class Written(NamedTuple):
    """A row and the mapping that it was read from."""

    row: Row
    data: Mapping[str, Any]


class RowReader:
    """Reads the rows of one document; what is wrong with them is gathered in `problems`."""

    def __init__(self, document: Document, told: Collection[Route] | None = None) -> None:
        """`told` holds the routes that a schema has complained about; None: no schema has looked."""
        self.document = document
        self.problems: list[Problem] = []
        self._looks_for_unknown = told is None
        self._told = {route[:length] for route in told or () for length in range(1, len(route) + 1)}
        self._ids: dict[tuple[str, str], Row] = {}
        self._made: dict[str, int] = {}

    def complain(self, route: Route, code: str, message: str, hint: str | None = None) -> None:
        """Gather a problem with the value at `route`."""
        self.gather(lambda: problem_at(self.document, route, code, message, hint))

    def gather(self, problem: Callable[[], Problem]) -> None:
        """Gather a problem; it is not even made when there are enough."""
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append(problem())

    def complain_of_value(self, route: Route, error: WrongValueError, written: Any, field: Field) -> None:
        """Gather a problem with a value, unless a schema has told of it."""
        if route not in self._told:
            self.gather(lambda: error.problem(self.document, route, written, field))

    def complain_of_type(self, route: Route, expected: str, found: Any) -> None:
        """Gather the problem that something else was expected, unless a schema has told of it."""
        if route not in self._told:
            self.complain(route, "wrong-type", f"expected {expected}, found {words_of(found)}")

    def complain_of_unknown(self, route: Route, known: Iterable[str]) -> None:
        """Gather the problem that the key at the end of `route` is unknown."""
        self.gather(lambda: unknown_field(self.document, route, known))

    def relation(self, schema: RelationSchema, holders: list[Written]) -> tuple[Relation, list[Written]]:
        """Read a relation from the lists that its holders have: the plan, or the rows of a parent.

        `open_parents` names every holder that has no such list, and `complete` is false if there is one.
        """
        found: list[Written] = []
        without: set[str] = set()
        for holder in holders:
            route = (*holder.row.place, schema.name)
            listed = holder.data.get(schema.name)
            if isinstance(listed, list | tuple):
                if self._told and len(listed) > _MOST_REFUSED:
                    listed = listed[:_MOST_REFUSED]  # the plan is refused already: enough to tell why
                found.extend(self._rows(schema, listed, route, holder.row))
                continue
            without.add(holder.row.id)
            if schema.name in holder.data:
                self.complain_of_type(route, "a list", listed)
        rows = [written.row for written in found]
        parents = frozenset(without) if schema.parent else frozenset[str]()
        return Relation(schema.name, rows, not without, "blank" if without else None, parents), found

    def row(
        self,
        schema: RelationSchema,
        data: Mapping[str, Any],
        place: Route,
        elsewhere: Mapping[str, Route] | None = None,
    ) -> Row:
        """Read the facts of one row; its id and parent are not set."""
        row = Row(relation=schema.name, place=place)
        fields, keys, read = schema.fields, schema.keys.values(), READ
        for key, written in data.items():
            field = fields.get(key)
            if field is None:
                if self._looks_for_unknown and key not in keys and key not in schema.children:
                    self.complain_of_unknown((*place, key), (*fields, *keys, *schema.children))
            elif type(written) not in _PLAIN or (written == "none" and field.none):
                self._fact(row, field, written, (elsewhere and elsewhere.get(key)) or (*place, key))
            else:  # nearly every fact, so without a call of its own
                try:
                    row[key] = read[field.form](field, written)
                except WrongValueError as error:
                    route = (elsewhere and elsewhere.get(key)) or (*place, key)
                    self.complain_of_value(route, error, written, field)
        unreadable = data.get(schema.keys.get("unreadable", ""))
        if unreadable is not None and isinstance(unreadable, Mapping):
            self._unreadable(row, schema, unreadable)
        return row

    def name(self, row: Row, given: Any, rest: Any = None) -> None:
        """Give a row its id: the one given, else one made from its content and `rest`."""
        if not isinstance(given, str):
            row.id = self._made_id(row, rest)
            return
        row.id = given
        first = self._ids.setdefault((row.relation, given), row)
        if first is not row:
            self.gather(lambda: self._same_id(row, first))

    def _same_id(self, row: Row, first: Row) -> Problem:
        said = f"two rows of `{row.relation}` have the id `{row.id}`"
        way_out = "give one of them another id, or leave it out"
        problem = problem_at(self.document, (*row.place, "id"), "same-id", said, way_out)
        if not self.document.text:
            return problem
        return replace(problem, related=(("first here", self.document.at((*first.place, "id"))),))

    def _rows(self, schema: RelationSchema, listed: Any, route: Route, parent: Row) -> Iterator[Written]:
        for index, data in enumerate(listed):
            place = (*route, index)
            if type(data) is not dict and not isinstance(data, Mapping):
                self.complain_of_type(place, "a mapping", data)
                continue
            given = data.get(schema.keys.get("id", ""))
            rest = {name: data[name] for name in schema.children if name in data}
            for suffix, written, elsewhere in self._expanded(schema, data, place):
                row = self.row(schema, written, place, elsewhere)
                row.parent = parent
                self.name(row, f"{given}{suffix}" if isinstance(given, str) else None, rest)
                yield Written(row, data)

    def _expanded(
        self, schema: RelationSchema, data: Mapping[str, Any], place: Route
    ) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Route]]]:
        """Yield the row, or one for each entry of its shorthand.

        With it goes what that adds to the id, and the routes of facts that stand under another key.
        """
        short = schema.shorthand
        if short is None or short.key not in data:
            yield "", data, {}
            return
        rest = {key: value for key, value in data.items() if key != short.key}
        for key in (short.expands, *short.not_with):
            if key in rest:
                said, way_out = (
                    f"`{key}` cannot stand beside `{short.key}`",
                    "write a row for each, or leave it out",
                )
                where: Route = (*place, key)
                self.gather(
                    partial(problem_at, self.document, where, "not-together", said, way_out, at_key=True)
                )
        entries = data[short.key]
        if not isinstance(entries, list | tuple):
            self.complain_of_type((*place, short.key), "a list", entries)
            return
        for index, entry in enumerate(entries):
            elsewhere: dict[str, Route] = {short.expands: (*place, short.key, index)}
            yield f".{entry}", {**rest, short.expands: entry}, elsewhere

    def _fact(self, row: Row, field: Field, written: Any, route: Route) -> None:
        name = field.name
        try:
            if written == "none" and field.none:
                row.causes[name] = "none"
            elif isinstance(written, Mapping):
                value, words = settle(field, written)
                if value is None:
                    row.causes[name] = "conflict"
                    row.texts[name] = words
                else:
                    row[name] = value
            else:
                row[name] = value_of(field, written)
        except WrongValueError as error:
            self.complain_of_value(route, error, written, field)

    def _unreadable(self, row: Row, schema: RelationSchema, unreadable: Mapping[str, Any]) -> None:
        for name, text in unreadable.items():
            route = (*row.place, schema.keys["unreadable"], name)
            if name not in schema.fields:
                self.complain_of_unknown(route, schema.fields)
            elif name in row or name in row.causes:
                self.complain(route, "not-together", f"`{name}` is given and said to be unreadable")
            else:
                row.causes[name] = "unreadable"
                row.texts[name] = str(text)

    def _made_id(self, row: Row, rest: Any) -> str:
        """Return an id from relation, parent and content; equal rows are numbered from the second on."""
        holder = row.parent.id if row.parent is not None else ""
        content = [row.relation, holder, sorted(row.items()), sorted(row.causes.items()),
                   sorted(row.texts.items()), rest or None]  # fmt: skip
        text = json.dumps(content, sort_keys=True, default=str)
        made = f"{row.relation}-{hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]}"
        count = self._made[made] = self._made.get(made, 0) + 1
        return made if count == 1 else f"{made}-{count}"


def leave_out(relation: Relation, carried: frozenset[str] | None, fields: Mapping[str, Field]) -> None:
    """Note at every row and at the relation what the source has no field for; None: no such relation."""
    if carried is None and relation.cause == "blank":
        relation.cause = "not_carried"
    not_carried = [name for name in fields if carried is None or name not in carried]
    cause: Cause = "not_carried"
    for row in relation.rows:
        for name in not_carried:
            if name not in row:
                row.causes.setdefault(name, cause)
