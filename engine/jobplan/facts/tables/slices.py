"""A part of a source's plans, and the statements that present their facts in a connection."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.cells import held_by
from jobplan.facts.tables.shape import ABOVE, ID, PLACE, PLAN, ROW, lists_of, quoted, shape, sql_type, text
from jobplan.facts.tables.source import OF_PLAN, OF_ROW, Tables, code_column, given
from jobplan.facts.tables.spill import ATTESTATIONS, WAIVERS

GIVEN_SCHEMA = "given"
"""The schema of the small tables that views of facts rest on: which plans, and where their rows begin."""


FEW = 20_000
"""Plans whose facts are sooner copied once than views with hundreds of columns are planned for each query."""


@dataclass(frozen=True, slots=True)
class Select:
    """The rows of a relation as a query; one that is `laborious` is better run once than at each reading."""

    sql: str
    laborious: bool = False


class Slice(Protocol):
    """Some plans of one source, checked: what is needed to present their facts."""

    number: int
    support: dict[str, pa.Table]

    def selects(self, relation: str) -> Iterator[Select]:
        """Yield the rows of a relation; columns as `shape` has them."""


def support_name(number: int, name: str) -> str:
    """Return the SQL name of a small table that the views of a slice rest on."""
    return f"{quoted(GIVEN_SCHEMA)}.{quoted(f'{number} {name}')}"


@dataclass(slots=True)
class DocumentSlice:
    """Plans that were read as documents, from `first` up to, not including, `until`.

    `files` are those of each relation that has rows, `used` the columns that say anything.
    """

    schema: FactSchema
    number: int
    first: int
    until: int
    files: Mapping[str, Path]
    used: Mapping[str, frozenset[str]]
    support: dict[str, pa.Table] = field(default_factory=dict)

    def selects(self, relation: str) -> Iterator[Select]:
        """Yield the rows of a relation; columns as `shape` has them."""
        return self.rows(relation, shape(self.schema, relation))

    def rows(self, relation: str, columns: Mapping[str, str]) -> Iterator[Select]:
        """Yield some columns, which have SQL types, of the rows of a relation."""
        for scan in self.scan(relation):
            used = self.used[relation]
            listed = ", ".join(
                quoted(name) if name in used else f"CAST(NULL AS {kind}) AS {quoted(name)}"
                for name, kind in columns.items()
            )
            kept = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {support_name(self.number, 'plans')})"
            yield Select(f"SELECT {listed} FROM {scan} AND {kept}", self.until - self.first <= FEW)

    def scan(self, relation: str) -> Iterator[str]:
        """Yield what to select the rows of a relation from, with a condition, if it has any."""
        if relation in self.files:
            between = f"{quoted(PLAN)} BETWEEN {self.first} AND {self.until - 1}"
            yield f"read_parquet({text(str(self.files[relation]))}) WHERE {between}"


STATEMENTS: Mapping[str, str] = {"waivers": WAIVERS, "attestations": ATTESTATIONS}
"""Where what is stated beside the facts stands, by its role in the schema."""


@dataclass(slots=True)
class TableSlice:
    """Plans of relation tables: rows `first` up to, not including, `until` of the root's table.

    `ranges` are the rows of each relation that may belong to them, `scattered` the relations whose rows do not
    stand plan by plan, `unnamed` those with rows that lack an id. `assumed` are the facts that are filled in.
    """

    tables: Tables
    number: int
    first: int
    until: int
    ranges: Mapping[str, tuple[int, int]]
    scattered: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    assumed: set[tuple[str, str]] = field(default_factory=set)
    support: dict[str, pa.Table] = field(default_factory=dict)

    @property
    def schema(self) -> FactSchema:
        """Return the schema of the facts."""
        return self.tables.schema

    def selects(self, relation: str) -> Iterator[Select]:
        """Yield the rows of a relation; columns as `shape` has them."""
        if relation not in self.tables.raw:
            return
        if relation == self.schema.root:
            found = Select(self._root(), self._is_parsed(relation))
        else:
            laborious = relation in self.scattered | self.unnamed or self._is_parsed(relation)
            found = Select(self._rows(relation), laborious)
        for name, fact in sorted(self.assumed):
            if name == relation:
                found = Select(self._assume(found.sql, relation, fact), found.laborious)
        yield found

    def narrow(self, relation: str, facts: Collection[str]) -> str:
        """Return some facts of a relation's rows as a query: number of the plan, id, place, and the facts."""
        is_root = relation == self.schema.root
        key = "@n" if is_root else "@plan"
        plan = [] if is_root else [f"CAST({quoted(OF_PLAN)} AS VARCHAR) AS {quoted(key)}"]
        own = quoted(ID) if ID in self.tables.raw[relation].types else "NULL"
        rows = ", ".join([*(quoted(name) for name in ("@n", "@part", "@row")), *plan, f"CAST({own} AS VARCHAR) AS {quoted(ID)}", quoted(PLACE),
                          *self.tables.facts(relation, facts)])  # fmt: skip
        support = self.support_name("plans" if is_root else relation)
        found = (
            f"SELECT k.{quoted(PLAN)}, f.* FROM (SELECT {rows} FROM {self.scan(relation)}) f "
            f"JOIN {support} k ON f.{quoted(key)} = k.{quoted(key)}"
        )
        for name, fact in sorted(self.assumed):
            if name == relation and fact in facts:
                found = self._assume(found, relation, fact)
        return found

    def scan(self, relation: str) -> str:
        """Return the rows of a relation's table that may belong to the plans, as something to select from."""
        return self.tables.raw[relation].scan(*self.ranges[relation])

    def support_name(self, name: str) -> str:
        """Return the SQL name of a small table that the views rest on."""
        return support_name(self.number, name)

    def _is_parsed(self, relation: str) -> bool:
        """Tell whether values are read out of texts, or rows are so few that reading the query takes longer."""
        if self.until - self.first <= FEW:
            return True
        types, fields = self.tables.raw[relation].types, self.schema.relations[relation].fields
        return any(
            held_by(types.get(name, "")) == "text" and fact.form != "text" for name, fact in fields.items()
        )

    def _root(self) -> str:
        schema = self.schema
        lists = ", ".join(f"k.{quoted(given_of(name))}" for name in lists_of(schema, schema.root))
        facts = self._columns("f", schema.root)
        rows = ", ".join([quoted("@n"), f"CAST({quoted(ID)} AS VARCHAR) AS {quoted('@id')}", quoted(PLACE),
                          *self.tables.facts(schema.root)])  # fmt: skip
        return (
            f"SELECT k.{quoted(PLAN)}, f.{quoted('@id')} AS {quoted(ID)}, f.{quoted(PLACE)}, {facts}"
            f"{', ' + lists if lists else ''} "
            f"FROM (SELECT {rows} FROM {self.scan(schema.root)}) f "
            f"JOIN {self.support_name('plans')} k ON f.{quoted('@n')} = k.{quoted('@n')}"
        )

    def _rows(self, relation: str) -> str:
        schema = self.schema.relations[relation]
        table = self.tables.raw[relation]
        rows = ", ".join([quoted("@n"), f"CAST({quoted(OF_PLAN)} AS VARCHAR) AS {quoted('@plan')}",
                          *self._link(relation), self._id(relation), quoted(PLACE),
                          *self._listed(relation), *self.tables.facts(relation)])  # fmt: skip
        above = f"q.{quoted(ROW)}" if schema.parent else "CAST(NULL AS BIGINT)"
        joins = f"JOIN {self.support_name(relation)} k ON f.{quoted('@plan')} = k.{quoted('@plan')}"
        if schema.parent:
            joins += (
                f" LEFT JOIN {self.support_name(f'{schema.parent} rows')} q ON q.{quoted(PLAN)} = k.{quoted(PLAN)}"
                f" AND q.{quoted(ID)} = f.{quoted('@parent')}"
            )
        codes = []
        for index, child in enumerate(schema.children):
            has_rows = "false"
            if child in self.tables.raw:
                has_rows = f"c{index}.{quoted('@parent')} IS NOT NULL"
                joins += (
                    f" LEFT JOIN {self.support_name(f'{child} parents')} c{index}"
                    f" ON c{index}.{quoted(PLAN)} = k.{quoted(PLAN)}"
                    f" AND c{index}.{quoted('@parent')} = f.{quoted('@id')}"
                )
            code = given(table, child, self.tables.raw.get(child), has_rows)
            codes.append(code_column(child, code.replace(quoted(child), f"f.{quoted('@' + child)}")))
        select = [
            f"k.{quoted(PLAN)}",
            f"{self._number(relation)} AS {quoted(ROW)}",
            f"{above} AS {quoted(ABOVE)}",
            f"{self._name(relation)} AS {quoted(ID)}",
            f"f.{quoted(PLACE)}",
            self._columns("f", relation),
            *codes,
        ]
        return f"SELECT {', '.join(select)} FROM (SELECT {rows} FROM {self.scan(relation)}) f {joins}"

    def _columns(self, alias: str, relation: str) -> str:
        names = [
            name
            for fact in self.schema.relations[relation].fields
            for name in (fact, cause_of(fact), text_of(fact), assumed_of(fact))
        ]
        return ", ".join(f"{alias}.{quoted(name)}" for name in names)

    def _link(self, relation: str) -> Iterator[str]:
        if self.schema.relations[relation].parent:
            yield f"CAST({quoted(OF_ROW)} AS VARCHAR) AS {quoted('@parent')}"

    def _listed(self, relation: str) -> Iterator[str]:
        for child in self.tables.lists(relation):
            yield f"{quoted(child)} AS {quoted('@' + child)}"

    def _id(self, relation: str) -> str:
        table = self.tables.raw[relation]
        given_id = f"NULLIF(CAST({quoted(ID)} AS VARCHAR), '')" if ID in table.types else "NULL"
        if relation not in self.unnamed:
            return f"{given_id} AS {quoted('@id')}"
        return f"{given_id} AS {quoted('@given')}, coalesce({given_id}, {self._made(relation)}) AS {quoted('@id')}"

    def _made(self, relation: str) -> str:
        """Return an id made from relation and content."""
        types = self.tables.raw[relation].types
        named = [name for name in types if name in self.tables.known(relation)]
        content = ", ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(30))" for name in sorted(named))
        return f"'{relation}-' || substr(sha256(concat_ws(chr(31), {content})), 1, 10)"

    def _name(self, relation: str) -> str:
        """Return a row's id; rows of a plan with equal content are numbered from the second on."""
        made = f"f.{quoted('@id')}"
        if relation not in self.unnamed:
            return made
        count = f"row_number() OVER (PARTITION BY k.{quoted(PLAN)}, {made} ORDER BY f.{quoted('@n')})"
        again = f"f.{quoted('@given')} IS NULL AND {count} > 1"
        return f"CASE WHEN {again} THEN {made} || '-' || {count} ELSE {made} END"

    def _number(self, relation: str) -> str:
        if relation not in self.scattered:
            return f"f.{quoted('@n')} - k.{quoted('@lo')}"
        return f"row_number() OVER (PARTITION BY k.{quoted(PLAN)} ORDER BY f.{quoted('@n')}) - 1"

    def _assume(self, sql: str, relation: str, fact: str) -> str:
        """Fill a fact in where it is missing: never over a value, a stated `none` or a conflict.

        What is assumed for a row (`a`) and for all rows (`g`) of a plan has a rank; the lower one is taken.
        """
        support = self.support_name(f"assumed {relation}.{fact}")
        cause, value = quoted(cause_of(fact)), quoted(fact)
        kind = sql_type(self.schema.relations[relation].fields[fact])
        by_row = f"coalesce(a.{quoted('@rank')}, 9) < coalesce(g.{quoted('@rank')}, 9)"
        taken = {
            name: f"CASE WHEN {by_row} THEN a.{quoted(name)} ELSE g.{quoted(name)} END"
            for name in ("@assumption", "@value", "@cause")
        }
        fills = (
            f"s.{value} IS NULL AND coalesce(s.{cause}, {CAUSES['blank']}) NOT IN"
            f" ({CAUSES['none']}, {CAUSES['conflict']}) AND {taken['@assumption']} IS NOT NULL"
        )
        instead = {
            fact: f"CAST({taken['@value']} AS {kind})",
            cause_of(fact): f"CAST({taken['@cause']} AS UTINYINT)",
            text_of(fact): "NULL",
            assumed_of(fact): taken["@assumption"],
        }
        replaced = ", ".join(
            f"CASE WHEN {fills} THEN {new} ELSE s.{quoted(name)} END AS {quoted(name)}"
            for name, new in instead.items()
        )
        plan, row = quoted(PLAN), quoted("@of")
        return (
            f"SELECT s.* REPLACE ({replaced}) FROM ({sql}) s"
            f" LEFT JOIN {support} a ON a.{plan} = s.{plan} AND a.{row} = s.{quoted(ID)}"
            f" LEFT JOIN {support} g ON g.{plan} = s.{plan} AND g.{row} = ''"
        )
