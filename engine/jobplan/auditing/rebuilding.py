"""Plans made again from the tables of a chunk, for evaluators that take them one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema
from jobplan.model import Cause, Relation, Row
from jobplan.quoting import quoted
from jobplan.source import Document, Route

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Statements = Mapping[int, Sequence[Mapping[str, Any]]]
"""Statements, such as waivers, by the number of the plan that makes them."""

_CAUSE: Mapping[int, Cause] = {code: cause for cause, code in CAUSES.items()}
_ATTESTED = "attested "
_AT_ONCE = 2000  # plans whose rows are held as objects


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A plan made again, its number, and where its rows stand, by their places: relation and number."""

    number: int
    plan: Plan
    places: Mapping[Route, str]


class Nowhere(dict[Any, Any]):
    """Data of no document: whatever is looked up in it has nothing either."""

    def __missing__(self, _: object) -> Nowhere:
        return self


class Rows:
    """The rows of one relation of some plans: the columns that say anything, and which rows are whose."""

    def __init__(self, schema: FactSchema, relation: str, columns: Mapping[str, list[Any]]) -> None:
        self.relation = relation
        self.columns = columns
        self.of: dict[int, list[int]] = {}
        for place, number in enumerate(columns["P"]):
            self.of.setdefault(number, []).append(place)
        fields = schema.relations[relation].fields
        self.facts = [(name, field.kind, columns[name]) for name, field in fields.items() if name in columns]
        self.causes, self.texts, self.assumed = (
            [(fact, columns[beside(fact)]) for fact in fields if beside(fact) in columns]
            for beside in (cause_of, text_of, assumed_of)
        )

    def row(self, place: int, parent: Row | None) -> Row:
        """Return one row with its facts."""
        row = Row(id=self.columns["id"][place], relation=self.relation, parent=parent)
        for name, kind, values in self.facts:
            value = values[place]
            if value is not None:
                row[name] = value.toordinal() if kind == "date" else tuple(value) if kind == "list" else value
        row.causes.update(
            (fact, _CAUSE[codes[place]]) for fact, codes in self.causes if codes[place] is not None
        )
        row.texts.update((fact, texts[place]) for fact, texts in self.texts if texts[place] is not None)
        row.assumed.update((fact, ids[place]) for fact, ids in self.assumed if ids[place] is not None)
        return row

    def code(self, column: str, place: int) -> int | None:
        """Return why a list is not given, if it is not."""
        found: int | None = self.columns[column][place] if column in self.columns else None
        return found


class Rebuilder:
    """Reads the schema `facts` of a connection, some plans at a time."""

    def __init__(self, connection: DuckDBPyConnection, schema: FactSchema) -> None:
        self.connection = connection
        self.schema = schema
        self.used = {name: self._used(name) for name in self._with_rows()}

    def plans(self, waivers: Statements) -> Iterator[Rebuilt]:
        """Yield every plan, in order."""
        query = f"SELECT P FROM facts.{quoted(self.schema.root)} ORDER BY P"
        numbers = [row[0] for row in self.connection.execute(query).fetchall()]
        for first in range(0, len(numbers), _AT_ONCE):
            some = numbers[first : first + _AT_ONCE]
            tables = {name: self._rows(name, some[0], some[-1]) for name in self.schema.relations}
            for number in some:
                yield self._plan(number, tables, waivers.get(number, ()))

    def _with_rows(self) -> list[str]:
        """Return the relations that have rows."""
        counts = (
            f"SELECT {number}, count(*) FROM facts.{quoted(name)}"
            for number, name in enumerate(self.schema.relations)
        )
        found = self.connection.execute(" UNION ALL ".join(counts)).fetchall()
        names = list(self.schema.relations)
        return [names[number] for number, count in sorted(found) if count]

    def _used(self, relation: str) -> list[str]:
        """Return the columns of a relation in which anything stands, and its keys."""
        table = f"facts.{quoted(relation)}"
        columns = [row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()]
        counted = ", ".join(f"count({quoted(name)})" for name in columns)
        (counts,) = self.connection.execute(f"SELECT {counted} FROM {table}").fetchall()
        keys = ("P", "R", "U", "id", "@")
        return [name for name, count in zip(columns, counts, strict=True) if count or name in keys]

    def _rows(self, relation: str, first: int, last: int) -> Rows:
        if relation not in self.used:
            return Rows(self.schema, relation, {"P": []})
        order = "P" if relation == self.schema.root else "P, R"
        found = self.connection.sql(
            f"SELECT {', '.join(map(quoted, self.used[relation]))} FROM facts.{quoted(relation)} "
            f"WHERE P BETWEEN {first} AND {last} ORDER BY {order}"
        ).to_arrow_table()
        columns = {name: found.column(name).to_pylist() for name in found.column_names}
        return Rows(self.schema, relation, columns)

    def _plan(self, number: int, tables: Mapping[str, Rows], waivers: Sequence[Mapping[str, Any]]) -> Rebuilt:
        schema = self.schema
        rows: dict[str, list[Row]] = {}
        places: dict[Route, str] = {}
        for name, relation in schema.relations.items():
            table, above = tables[name], rows.get(relation.parent, [])
            rows[name] = []
            for index, place in enumerate(table.of.get(number, ())):
                row = table.row(place, above[table.columns["U"][place]] if relation.parent else None)
                row.place = () if name == schema.root else (name, index)
                rows[name].append(row)
                places[row.place] = table.columns["@"][place] or ""
        (root,), (place,) = rows[schema.root], tables[schema.root].of[number]
        plan = Plan(
            id=root.id,
            digest="",
            document=Document("", Nowhere(), "", {}, {}),
            relations={name: self._relation(name, rows, tables, number) for name in schema.relations},
            root=root,
            date=root[schema.date],
            policy=tuple(root[name] for name in schema.policy),
            waivers=tuple(waivers),
            attestations=tuple(attested(tables[schema.root].columns, place)),
            assumptions=(),
            source={},
            extensions={},
        )
        return Rebuilt(number, plan, places)

    def _relation(
        self, name: str, rows: Mapping[str, list[Row]], tables: Mapping[str, Rows], number: int
    ) -> Relation:
        root, parent = self.schema.root, self.schema.relations[name].parent
        if name == root:
            return Relation(name, rows[name])
        column = given_of(name)
        code = tables[root].code(column, tables[root].of[number][0])
        holders = zip(rows[parent], tables[parent].of.get(number, ()), strict=True) if parent else ()
        without = frozenset(
            row.id for row, place in holders if tables[parent].code(column, place) is not None
        )
        return Relation(name, rows[name], code is None, None if code is None else _CAUSE[code], without)


def attested(columns: Mapping[str, list[Any]], place: int) -> Iterator[Mapping[str, Any]]:
    """Yield what has been attested, as statements that are valid on every day."""
    for name, values in columns.items():
        if name.startswith(_ATTESTED) and values[place] is not None:
            about = name.removeprefix(_ATTESTED)
            holds = values[place]
            yield {"about": about, "holds": holds, "by": "?", "stated_on": "0001-01-01", "until": "none"}


def statements_of(table: Any) -> Statements:
    """Return statements, a table of the plan's number and JSON, by that number."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for number, text in zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True):
        found.setdefault(number, []).append(json.loads(text))
    return found
