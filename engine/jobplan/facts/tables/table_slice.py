"""A part of the plans of relation tables, and the queries that read the rows of their relations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow

from jobplan.facts.codes import CAUSES, assumed_of, cause_of, given_of, text_of
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.shape import ABOVE, ID, PLACE, PLAN, ROW, lists_of, sql_type
from jobplan.facts.tables.slices import Rows, is_constant, rows_name, support_name
from jobplan.facts.tables.source import OF_PLAN, OF_ROW, Tables, given
from jobplan.quoting import quoted

_AT_ONCE = 122_880  # rows of a row group of DuckDB


@dataclass(slots=True)
class TableSlice:
    """Plans of relation tables: rows `first` up to, not including, `until` of the root's table.

    `ranges` are the rows of each relation that may belong to them, `scattered` the relations whose rows do
    not stand plan by plan, `unordered` those in which the plans stand in another order, `unnamed` those with
    rows that lack an id. `assumed` are the facts that are filled in.
    """

    tables: Tables
    number: int
    first: int
    until: int
    ranges: Mapping[str, tuple[int, int]]
    scattered: set[str] = field(default_factory=set)
    unordered: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    assumed: set[tuple[str, str]] = field(default_factory=set)
    support: dict[str, pyarrow.Table] = field(default_factory=dict)

    @property
    def schema(self) -> FactSchema:
        """Return the schema of the facts."""
        return self.tables.schema

    def rows(self, relation: str) -> Rows | None:
        """Return the rows of a relation, with the columns of `shape`."""
        if relation not in self.tables.raw:
            return None
        found = self._root() if relation == self.schema.root else self._rows(relation)
        for name, fact in sorted(self.assumed):
            if name == relation:
                found = self._assume(found, relation, fact)
        return found

    def batches(self, relation: str) -> Iterator[Rows]:
        """Yield the rows of a relation, as many as DuckDB keeps together, if they stand plan by plan."""
        rows = self.rows(relation)
        if rows is None:
            return
        first, until = self.ranges[relation]
        if relation in self.scattered | self.unordered | self.unnamed or until - first <= _AT_ONCE:
            yield rows
            return
        for begin in range(first, until, _AT_ONCE):
            here = {**self.ranges, relation: (begin, min(begin + _AT_ONCE, until))}
            found = replace(self, ranges=here).rows(relation)
            if found is not None:
                yield found

    def narrow(self, relation: str, facts: Collection[str]) -> str:
        """Return some facts of a relation's rows as a query: number of the plan, id, place, and the facts."""
        is_root = relation == self.schema.root
        key = "@n" if is_root else "@plan"
        plan = [] if is_root else [f"CAST({quoted(OF_PLAN)} AS VARCHAR) AS {quoted(key)}"]
        own = quoted(ID) if ID in self.tables.raw[relation].types else "NULL"
        inner = [*map(quoted, ("@n", "@part", "@row")), *plan, f"CAST({own} AS VARCHAR) AS {quoted(ID)}",
                 quoted(PLACE)]  # fmt: skip
        cells = {name: cell for name, cell in self.tables.columns_of(relation).items() if name[0] in facts}
        inner += [f"{cell} AS {quoted(name)}" for (_, name), cell in cells.items()]
        support = self.support_name("plans" if is_root else relation)
        source = (
            f"(SELECT {', '.join(inner)} FROM {self.scan(relation)}) f "
            f"JOIN {support} k ON f.{quoted(key)} = k.{quoted(key)}"
        )
        names = ("@n", "@part", "@row", ID, PLACE, *(name for _, name in cells))
        found = Rows({PLAN: f"k.{quoted(PLAN)}", **{name: f"f.{quoted(name)}" for name in names}}, source)
        for name, fact in sorted(self.assumed):
            if name == relation and fact in facts:
                found = self._assume(found, relation, fact)
        return found.select(iter(found.columns))

    def scan(self, relation: str) -> str:
        """Return the rows of a relation's table that may belong to the plans, as something to select from."""
        return self.tables.raw[relation].scan(*self.ranges[relation])

    def support_name(self, name: str) -> str:
        """Return the SQL name of a small table that the views rest on."""
        return support_name(self.number, name)

    def _facts(self, relation: str, inner: list[str]) -> dict[str, str]:
        """Return a column for each fact and what is said of it; what reads the table goes into `inner`."""
        found = {}
        for (_, name), cell in self.tables.columns_of(relation).items():
            found[name] = cell
            if not is_constant(cell):
                inner.append(f"{cell} AS {quoted(name)}")
                found[name] = f"f.{quoted(name)}"
        return found

    def _root(self) -> Rows:
        root = self.schema.root
        inner = [quoted("@n"), f"CAST({quoted(ID)} AS VARCHAR) AS {quoted('@id')}", quoted(PLACE)]
        facts = self._facts(root, inner)
        lists = {given_of(name): f"k.{quoted(given_of(name))}" for name in lists_of(self.schema, root)}
        return Rows(
            {
                PLAN: f"k.{quoted(PLAN)}",
                ID: f"f.{quoted('@id')}",
                PLACE: f"f.{quoted(PLACE)}",
                **facts,
                **lists,
            },
            f"(SELECT {', '.join(inner)} FROM {self.scan(root)}) f "
            f"JOIN {self.support_name('plans')} k ON f.{quoted('@n')} = k.{quoted('@n')}",
        )

    def _rows(self, relation: str) -> Rows:
        schema, table = self.schema.relations[relation], self.tables.raw[relation]
        inner = [quoted("@n"), f"CAST({quoted(OF_PLAN)} AS VARCHAR) AS {quoted('@plan')}",
                 *self._link(relation), self._id(relation), quoted(PLACE),
                 *self._listed(relation)]  # fmt: skip
        facts = self._facts(relation, inner)
        above = "CAST(NULL AS BIGINT)"
        joins = f"JOIN {self.support_name(relation)} k ON f.{quoted('@plan')} = k.{quoted('@plan')}"
        if schema.parent:
            above = f"q.{quoted(ROW)}"
            joins += (
                f" LEFT JOIN {rows_name(schema.parent)} q ON q.{quoted(PLAN)} = k.{quoted(PLAN)}"
                f" AND q.{quoted(ID)} = f.{quoted('@parent')}"
            )
        codes = {}
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
            codes[given_of(child)] = code.replace(quoted(child), f"f.{quoted('@' + child)}")
        return Rows(
            {PLAN: f"k.{quoted(PLAN)}", ROW: self._number(relation), ABOVE: above, ID: self._name(relation),
             PLACE: f"f.{quoted(PLACE)}", **facts, **codes},
            f"(SELECT {', '.join(inner)} FROM {self.scan(relation)}) f {joins}",
        )  # fmt: skip

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
        return (
            f"{given_id} AS {quoted('@given')}, coalesce({given_id}, {self._made(relation)}) AS "
            f"{quoted('@id')}"
        )

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

    def _assume(self, rows: Rows, relation: str, fact: str) -> Rows:
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
        inner = {name: sql for name, sql in rows.columns.items() if name in instead or not is_constant(sql)}
        columns = {name: f"s.{quoted(name)}" if name in inner else sql for name, sql in rows.columns.items()}
        columns |= {
            name: f"CASE WHEN {fills} THEN {new} ELSE s.{quoted(name)} END" for name, new in instead.items()
        }
        plan, row = quoted(PLAN), quoted("@of")
        return Rows(
            columns,
            f"({Rows(inner, rows.source).select(iter(inner))}) s"
            f" LEFT JOIN {support} a ON a.{plan} = s.{plan} AND a.{row} = s.{quoted(ID)}"
            f" LEFT JOIN {support} g ON g.{plan} = s.{plan} AND g.{row} = ''",
        )
