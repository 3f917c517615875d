"""What is wrong with relation tables, found in sets: cheap where nothing is, told cell by cell where something is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from jobplan.errors import suggest
from jobplan.facts.codes import CAUSES, given_of
from jobplan.facts.coherence import disagreements
from jobplan.facts.document import Assumption
from jobplan.facts.schema import FactSchema, Field
from jobplan.facts.tables.defects import SET_ASIDE, Defect, table_of
from jobplan.facts.tables.explain import Explainer
from jobplan.facts.tables.notes import Notes, read_notes
from jobplan.facts.tables.present import FACTS_SCHEMA, clear, present, support
from jobplan.facts.tables.raw import LINE, NUMBER, PART
from jobplan.facts.tables.shape import ID, PLACE, PLAN, lists_of, quoted, text
from jobplan.facts.tables.slices import TableSlice
from jobplan.facts.tables.source import GIVEN, OF_PLAN, OF_ROW, Tables, code_column, given, said

_ID_LENGTH = 200  # characters, as in documents
"""The same limit as the schema of documents has for ids."""


@dataclass(slots=True)
class Counts:
    """Rows of a relation: how many were read, and how many of them were set aside."""

    read: int = 0
    set_aside: int = 0


@dataclass(slots=True)
class Inspected:
    """What an inspection of a slice found."""

    slice: TableSlice
    notes: Notes
    defects: pa.Table
    plans: pa.Table
    read: int
    rows: dict[str, Counts]


@dataclass(slots=True)
class Inspection:
    """The inspection of one slice in a connection that has the table `ids` (source, n, P, id, again)."""

    connection: DuckDBPyConnection
    schema: FactSchema
    part: TableSlice
    source: int
    users: tuple[Assumption, ...] = ()
    cells: Mapping[str, list[Defect]] = field(default_factory=dict)
    blocked: bool = False
    defects: list[Defect] = field(default_factory=list)

    def run(self) -> Inspected:
        """Find what is wrong, set aside the plans that it is wrong with, and return what is left."""
        clear(self.connection)
        self._number_plans()
        if self.cells:
            here = self._run(f"SELECT id FROM {self._name('all')} WHERE owns ORDER BY {quoted(PLAN)}")
            self.defects += [defect for (plan,) in here for defect in self.cells.get(plan, ())]
        self._same_plans()
        self._plain_rows(self.schema.root)
        children = [name for name in self.schema.relations if name in self.part.tables.raw]
        children.remove(self.schema.root)
        for relation in children:
            self._keys(relation)
            self._plain_rows(relation)
            self._same_ids(relation)
            self._many_rows(relation)
        for relation in children:
            if self.schema.relations[relation].parent:
                self._parents(relation)
        self._give(children)
        notes = read_notes(self.connection, self.part, self.users)
        self.defects += notes.defects
        self._coherence(notes)
        return self._finish(children, notes)

    # --- which plans, which rows ----------------------------------------------------------------

    def _name(self, name: str) -> str:
        return self.part.support_name(name)

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def _number_plans(self) -> None:
        """Note number and id of every plan of the slice; of equal ids the first one owns the rows."""
        self._run(
            f"CREATE TABLE {self._name('all')} AS SELECT n AS {quoted(NUMBER)}, P AS {quoted(PLAN)}, id, owns, again"
            f" FROM ids WHERE source = {self.source} AND n >= {self.part.first} AND n < {self.part.until}"
        )

    def _keys(self, relation: str) -> None:
        """Note where the rows of each plan begin, and whether they stand together."""
        plan = f"CAST({quoted(OF_PLAN)} AS VARCHAR)"
        self._run(
            f"CREATE TABLE {self._name(relation)} AS SELECT k.id AS {quoted('@plan')}, k.{quoted(PLAN)}, "
            f"g.{quoted('@count')}, g.{quoted('@lo')}, g.{quoted('@hi')} FROM (SELECT {plan} AS id, count(*) AS "
            f"{quoted('@count')}, min({quoted(NUMBER)}) AS {quoted('@lo')}, max({quoted(NUMBER)}) AS {quoted('@hi')} "
            f"FROM {self.part.scan(relation)} GROUP BY {plan}) g JOIN {self._name('all')} k ON k.id = g.id AND k.owns"
        )
        apart = self._run(
            f"SELECT 1 FROM {self._name(relation)} WHERE {quoted('@hi')} - {quoted('@lo')} + 1 <> {quoted('@count')} LIMIT 1"
        )
        if apart:
            self.part.scattered.add(relation)

    def _give(self, children: list[str]) -> None:
        """Note which lists each plan gives, and complain of words that do not fit."""
        schema, tables = self.schema, self.part.tables
        root = tables.raw[schema.root]
        joins, codes = "", []
        for index, name in enumerate(lists_of(schema, schema.root)):
            is_top = not schema.relations[name].parent
            has_rows = "false"
            if name in children:
                joins += (
                    f" LEFT JOIN {self._name(name)} r{index} ON r{index}.{quoted(PLAN)} = k.{quoted(PLAN)}"
                )
                has_rows = f"r{index}.{quoted(PLAN)} IS NOT NULL"
            if is_top or name in root.types:
                has_own = (
                    has_rows if is_top else "true"
                )  # what is given of deeper lists is told by their parents
                codes.append(code_column(name, given(root, name, tables.raw.get(name), has_own)))
            else:
                codes.append(code_column(name, "CAST(NULL AS UTINYINT)"))
            if name in root.types:
                self._listed(schema.root, name, has_rows, f"{joins}")
        listed = ", ".join(codes)
        self._run(
            f"CREATE TABLE {self._name('plans')} AS SELECT k.{quoted(NUMBER)}, k.{quoted(PLAN)}, {listed} "
            f"FROM {self._name('all')} k JOIN {self.part.scan(schema.root)} t ON t.{quoted(NUMBER)} = k.{quoted(NUMBER)}{joins}"
        )

    def _listed(self, relation: str, name: str, has_rows: str, joins: str) -> None:
        """Complain of words on a list that are none, and of those that its rows belie."""
        table = self.part.tables.raw[relation]
        word = said(table, name)
        words = ", ".join(map(text, GIVEN))
        has_table = name in self.part.tables.raw
        wrong = f"{word} NOT IN ({words}) OR ({word} IN ('none', 'not_carried') AND {has_rows})"
        if not has_table:
            wrong += f" OR {word} IN ('listed', 'partial')"
        found = self._run(
            f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, k.id, {word}, {has_rows} FROM {self._name('all')} k "
            f"JOIN {self.part.scan(relation)} t ON t.{quoted(NUMBER)} = k.{quoted(NUMBER)}{joins} WHERE {wrong}"
        )
        for index, line, plan, given_word, rows in found:
            if given_word not in GIVEN:
                reason = f"expected `listed`, `none`, `partial` or nothing, found `{given_word}`"
                self._tell(
                    relation, index, line, name, plan, "unknown-choice", reason, suggest(given_word, GIVEN)
                )
            elif rows:
                reason = f"`{name}` is said to be `{given_word}`, but there are rows"
                self._tell(
                    relation,
                    index,
                    line,
                    name,
                    plan,
                    "not-together",
                    reason,
                    "write `listed`, or take the rows out",
                )
            else:
                reason = f"`{name}` is said to be `{given_word}`, but there is no table `{name}`"
                self._tell(
                    relation,
                    index,
                    line,
                    name,
                    plan,
                    "missing-table",
                    reason,
                    "add the table, or leave the cell empty",
                )

    # --- what is wrong --------------------------------------------------------------------------

    def _tell(
        self,
        relation: str,
        part: int,
        line: int | None,
        column: str | None,
        plan: str | None,
        code: str,
        reason: str,
        help: str | None = None,
    ) -> None:
        table = self.part.tables.raw[relation]
        place = table.parts[part]
        shown = f"{table.letters[column]} {column}" if column and column in table.letters else column
        self.defects.append(Defect(place.file, code, reason, help, place.sheet, line, shown, plan, relation))

    def _plain_rows(self, relation: str) -> None:
        """Complain of cells that cannot stand as they are, looking only at rows where one is."""
        table, cells = self.part.tables.raw[relation], self.part.tables.cells[relation]
        is_root = relation == self.schema.root
        fields = self.schema.relations[relation].fields
        checked = {
            name: cells[name] for name in self.part.tables.columns(relation) if cells[name].wrong != "false"
        }
        wrong = [f"({read.wrong})" for read in checked.values()]
        own = f"CAST({quoted(ID)} AS VARCHAR)" if ID in table.types else "NULL"
        if ID in table.types:
            wrong.append(f"strlen({own}) > {_ID_LENGTH}")
        if is_root:
            wrong.append(f"coalesce({own}, '') = ''")
        if not wrong:
            return
        listed = ", ".join(f"CASE WHEN {read.wrong} THEN {read.written} END" for read in checked.values())
        plan = own if is_root else f"CAST({quoted(OF_PLAN)} AS VARCHAR)"
        mine = (
            f"{quoted(NUMBER)} IS NOT NULL"
            if is_root
            else f"{plan} IN (SELECT id FROM {self._name('all')} WHERE owns)"
        )
        found = self._run(
            f"SELECT {quoted(PART)}, {quoted(LINE)}, {plan}, {own}, [{listed}]::VARCHAR[] "
            f"FROM {self.part.scan(relation)} WHERE ({' OR '.join(wrong)}) AND {mine} ORDER BY {quoted(NUMBER)}"
        )
        explain = Explainer(table.types)
        for index, line, named, row_id, written in found:
            if is_root and not row_id:
                reason = "the plan has no id"
                self._tell(
                    relation,
                    index,
                    line,
                    ID,
                    None,
                    "missing-field",
                    reason,
                    "give every plan an id of its own",
                )
            elif row_id is not None and len(row_id) > _ID_LENGTH:
                reason = f"expected at most {_ID_LENGTH} characters, found {len(row_id)}"
                self._tell(relation, index, line, ID, named, "wrong-size", reason)
            for name, words in zip(checked, written, strict=True):
                if words is not None:
                    code, reason, help = explain(fields[name], words)
                    self._tell(relation, index, line, name, named, code, reason, help)

    def _same_plans(self) -> None:
        """Complain of plans whose ids other plans of the run have too."""
        root = self.schema.root
        found = (
            self._run(
                f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, k.id FROM {self._name('all')} k JOIN {self.part.scan(root)} t "
                f"ON t.{quoted(NUMBER)} = k.{quoted(NUMBER)} WHERE k.again ORDER BY 1, 2"
            )
            if self._run(f"SELECT 1 FROM {self._name('all')} WHERE again LIMIT 1")
            else []
        )
        for index, line, plan in found:
            self._tell(root, index, line, ID, plan, "same-plan", *same_plan(plan))

    def _same_ids(self, relation: str) -> None:
        """Complain of ids that stand twice in the rows of a plan; note whether rows lack an id."""
        table, scan = self.part.tables.raw[relation], self.part.scan(relation)
        if ID not in table.types:
            self.part.unnamed.add(relation)
            return
        own, plan = f"NULLIF(CAST({quoted(ID)} AS VARCHAR), '')", f"CAST({quoted(OF_PLAN)} AS VARCHAR)"
        counted = self._run(
            f"SELECT count(*), count({own}), count(DISTINCT hash({plan}, {own})) FROM {scan} WHERE {own} IS NOT NULL"
        )
        rows, named, distinct = counted[0]
        if self._run(f"SELECT 1 FROM {scan} WHERE {own} IS NULL LIMIT 1"):
            self.part.unnamed.add(relation)
        if named == distinct:
            return
        found = self._run(
            f"SELECT {quoted(PART)}, {quoted(LINE)}, {plan}, {own}, first_value({quoted(PLACE)}) OVER w, "
            f"row_number() OVER w AS nth FROM {scan} WHERE {own} IS NOT NULL AND {plan} IN "
            f"(SELECT id FROM {self._name('all')} WHERE owns) WINDOW w AS "
            f"(PARTITION BY {plan}, {own} ORDER BY {quoted(NUMBER)}) QUALIFY nth > 1 ORDER BY {quoted(NUMBER)}"
        )
        for index, line, named_plan, row_id, first, _ in found:
            reason = f"two rows of `{relation}` have the id `{row_id}`; the first is {first}"
            help = "give one of them another id, or leave it out"
            self._tell(relation, index, line, ID, named_plan, "same-id", reason, help)

    def _many_rows(self, relation: str) -> None:
        """Complain of plans that have more rows than documents may have."""
        schema = self.schema.relations[relation]
        if schema.most is None or schema.parent:
            return
        found = self._run(
            f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, k.{quoted('@plan')}, k.{quoted('@count')} FROM {self._name(relation)} k "
            f"JOIN {self.part.scan(relation)} t ON t.{quoted(NUMBER)} = k.{quoted('@lo')} WHERE k.{quoted('@count')} > {schema.most}"
        )
        for index, line, plan, count in found:
            reason = f"expected at most {schema.most} rows of `{relation}` for a plan, found {count}"
            self._tell(relation, index, line, None, plan, "wrong-size", reason)

    def _parents(self, relation: str) -> None:
        """Note which rows have rows of a relation, and complain of rows whose parent is not there."""
        above = self.schema.relations[relation].parent
        plan, row = f"CAST({quoted(OF_PLAN)} AS VARCHAR)", f"CAST({quoted(OF_ROW)} AS VARCHAR)"
        scan = self.part.scan(relation)
        self._run(
            f"CREATE TABLE {self._name(f'{relation} parents')} AS SELECT k.{quoted(PLAN)}, g.{quoted('@parent')}, g.{quoted('@count')} "
            f"FROM (SELECT {plan} AS id, {row} AS {quoted('@parent')}, count(*) AS {quoted('@count')} FROM {scan} GROUP BY ALL) g "
            f"JOIN {self._name('all')} k ON k.id = g.id AND k.owns"
        )
        known = "SELECT NULL::VARCHAR AS plan, NULL::VARCHAR AS row LIMIT 0"
        table = self.part.tables.raw.get(above)
        if table is not None and ID in table.types:
            known = (
                f"SELECT {plan} AS plan, CAST({quoted(ID)} AS VARCHAR) AS row FROM {self.part.scan(above)}"
            )
        found = self._run(
            f"SELECT {quoted(PART)}, {quoted(LINE)}, {plan}, {row} FROM {scan} WHERE {plan} IN (SELECT id FROM {self._name('all')} WHERE owns)"
            f" AND ({row} IS NULL OR ({plan}, {row}) NOT IN (SELECT (plan, row) FROM ({known}) WHERE row IS NOT NULL)) ORDER BY {quoted(NUMBER)}"
        )
        for index, line, named, parent in found:
            if parent is None:
                reason, help = (
                    f"the row does not say to which row of `{above}` it belongs",
                    f"write its id into `{OF_ROW}`",
                )
            else:
                reason, help = f"no row `{parent}` in `{above}` of this plan", None
            self._tell(relation, index, line, OF_ROW, named, "unknown-row", reason, help)

    def _coherence(self, notes: Notes) -> None:
        """Complain of facts of a row that do not agree; what is assumed is filled in."""
        self.part.assumed |= notes.assumed.keys()
        self._drop({defect.plan for defect in self.defects if defect.plan})
        tied = [
            name
            for name, found in self.schema.relations.items()
            if (found.tied or found.ordered) and name in self.part.tables.raw
        ]
        for (relation, fact), table in notes.assumed.items():
            support(self.connection, self.part.number, {f"assumed {relation}.{fact}": table}, None)
        present(self.connection, self.schema, [self.part])
        self._give_deeper()
        for relation in tied:
            known = self.schema.relations[relation]
            for checked in (*known.tied, *known.ordered):
                self._disagree(relation, checked)

    def _give_deeper(self) -> None:
        """Note for each plan whether lists in its rows are all given: where a row lacks one, it lacks rows."""
        plans, plan = self._name("plans"), quoted(PLAN)
        for name, relation in self.schema.relations.items():
            if not relation.parent:
                continue
            code, above = quoted(given_of(name)), quoted(given_of(relation.parent))
            tables = self.part.tables.raw
            is_known = name in tables or (relation.parent in tables and name in tables[relation.parent].types)
            lacking = CAUSES["blank" if is_known else "not_carried"]
            self._run(
                f"UPDATE {plans} SET {code} = least(o.code, CASE WHEN {above} IS NOT NULL THEN {lacking} END) FROM "
                f"(SELECT k.{plan} AS plan, min(f.{code}) AS code FROM {plans} k LEFT JOIN "
                f"{quoted(FACTS_SCHEMA)}.{quoted(relation.parent)} f ON f.{plan} = k.{plan} GROUP BY 1) o "
                f"WHERE o.plan = {plan} AND {code} IS NULL AND (o.code IS NOT NULL OR {above} IS NOT NULL)"
            )

    def _disagree(self, relation: str, fact: Field) -> None:
        value = quoted(fact.name)
        wrong, others = [], [fact.name]
        if fact.within:
            wrong.append(f"len(list_filter({value}, lambda e: e - 1 >= {quoted(fact.within)})) > 0")
            others.append(fact.within)
        if fact.counted_by:
            wrong.append(f"len({value}) <> {quoted(fact.counted_by)}")
            others.append(fact.counted_by)
        if fact.not_before:
            wrong.append(f"{value} < {quoted(fact.not_before)}")
            others.append(fact.not_before)
        columns = ", ".join(map(quoted, others))
        found = self._run(
            f"SELECT f.{quoted(PLACE)}, k.id, {columns} FROM {quoted(FACTS_SCHEMA)}.{quoted(relation)} f "
            f"JOIN {self._name('all')} k ON k.{quoted(PLAN)} = f.{quoted(PLAN)} WHERE {' OR '.join(wrong)}"
        )
        for place, plan, *values in found:
            row = {name: _plain(value) for name, value in zip(others, values, strict=True)}
            for _, said_words, way_out in disagreements(fact, row):
                index, line = self._part_of(relation, place)
                self._tell(relation, index, line, fact.name, plan, "wrong-value", said_words, way_out)

    def _part_of(self, relation: str, place: str) -> tuple[int, int]:
        shown, _, line = place.rpartition(":")
        parts = self.part.tables.raw[relation].parts
        return next(index for index, part in enumerate(parts) if part.shown == shown), int(line)

    # --- what is left ---------------------------------------------------------------------------

    def _drop(self, plans: set[str]) -> None:
        """Take plans out that are set aside."""
        self._run(
            f"CREATE OR REPLACE TABLE {self._name('out')} AS SELECT NULL::BIGINT AS {quoted(PLAN)} LIMIT 0"
        )
        self.connection.register("jobplan_out", pa.table({"id": pa.array(sorted(plans), pa.string())}))
        everything = "true" if self.blocked else "again OR id IS NULL OR id IN (SELECT id FROM jobplan_out)"
        self._run(
            f"INSERT INTO {self._name('out')} SELECT {quoted(PLAN)} FROM {self._name('all')} WHERE {everything}"
        )
        self.connection.unregister("jobplan_out")
        self._run(
            f"DELETE FROM {self._name('plans')} WHERE {quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {self._name('out')})"
        )

    def _finish(self, children: list[str], notes: Notes) -> Inspected:
        self._drop({defect.plan for defect in self.defects if defect.plan})
        rows = {}
        for relation in children:
            out = f"{quoted(PLAN)} IN (SELECT {quoted(PLAN)} FROM {self._name('out')})"
            counted = self._run(
                f"SELECT coalesce(sum({quoted('@count')}), 0), coalesce(sum({quoted('@count')}) FILTER (WHERE {out}), 0) FROM {self._name(relation)}"
            )[0]
            rows[relation] = Counts(*map(int, counted))
        names = ["plans", *children]
        names += [f"{relation} parents" for relation in children if self.schema.relations[relation].parent]
        for name in names:
            left = f"SELECT * FROM {self._name(name)} WHERE {quoted(PLAN)} NOT IN (SELECT {quoted(PLAN)} FROM {self._name('out')})"
            self.part.support[name] = self.connection.sql(left).to_arrow_table()
        self.part.support |= {
            f"assumed {relation}.{fact}": table for (relation, fact), table in notes.assumed.items()
        }
        read = self.part.until - self.part.first
        return Inspected(self.part, notes, table_of(self.defects) if self.defects else SET_ASIDE.empty_table(),
                         self._plans(), read, rows)  # fmt: skip

    def _plans(self) -> pa.Table:
        """Return the plans that are left: number, id, place, and the facts that tell which plan it is."""
        schema = self.schema
        names = dict.fromkeys((*schema.policy, *([schema.date] if schema.date else []), *schema.summary))
        facts = ", ".join(f"f.{quoted(name)}" for name in names)
        file = text(self.part.tables.raw[schema.root].parts[0].file)
        found = self.connection.sql(
            f"SELECT f.{quoted(PLAN)}, f.{quoted(ID)} AS plan, {file} AS file, f.{quoted(PLACE)} AS place, "
            f"CAST(NULL AS VARCHAR) AS digest{', ' + facts if facts else ''} FROM {quoted(FACTS_SCHEMA)}.{quoted(schema.root)} f "
            f"JOIN {self._name('plans')} k ON k.{quoted(PLAN)} = f.{quoted(PLAN)} ORDER BY 1"
        )
        return found.to_arrow_table()


def same_plan(plan: str) -> tuple[str, str]:
    """Return what is said of a plan whose id others have too, and the way out."""
    return f"several plans of this run have the id `{plan}`", "give every plan an id of its own"


def _plain(value: Any) -> Any:
    """Return a value as documents have it: days as ordinals."""
    return value.toordinal() if hasattr(value, "toordinal") else value


def orphans(connection: DuckDBPyConnection, tables: Tables, relation: str, source: int) -> Iterator[Defect]:
    """Yield the rows that belong to no plan of the source."""
    table = tables.raw[relation]
    plan = f"CAST({quoted(OF_PLAN)} AS VARCHAR)"
    found = connection.execute(
        f"SELECT {quoted(PART)}, {quoted(LINE)}, {plan} FROM {table.scan()} WHERE {plan} IS NULL OR {plan} NOT IN "
        f"(SELECT id FROM ids WHERE source = {source} AND id IS NOT NULL) ORDER BY {quoted(NUMBER)}"
    ).fetchall()
    for index, line, named in found:
        part = table.parts[index]
        column = f"{table.letters[OF_PLAN]} {OF_PLAN}" if OF_PLAN in table.letters else OF_PLAN
        reason = f"no plan `{named}`" if named else "the row does not say to which plan it belongs"
        yield Defect(part.file, "unknown-plan", reason, None, part.sheet, line, column, None, relation)
