"""Rows that do not fit the others: ids that stand twice, too many, parents that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from jobplan.facts.tables.defects import Defect
from jobplan.facts.tables.probe import OWN_ID, PLAN_ID, Probe
from jobplan.facts.tables.raw import LINE, NUMBER, PART
from jobplan.facts.tables.shape import ID, PLACE, PLAN
from jobplan.facts.tables.source import OF_PLAN, OF_ROW, Tables
from jobplan.quoting import quoted


def same_plan(plan: str) -> tuple[str, str]:
    """Return what is said of a plan whose id others have too, and the way out."""
    return f"several plans of this run have the id `{plan}`", "give every plan an id of its own"


def same_plans(probe: Probe) -> None:
    """Complain of plans whose ids other plans of the run have too."""
    if not probe.ask(f"SELECT 1 FROM {probe.name('all')} WHERE again LIMIT 1"):
        return
    root = probe.schema.root
    found = probe.ask(
        f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, k.id FROM {probe.name('all')} k "
        f"JOIN {probe.part.scan(root)} t ON t.{quoted(NUMBER)} = k.{quoted(NUMBER)} WHERE k.again ORDER "
        f"BY 1, 2"
    )
    for index, line, plan in found:
        probe.tell(root, (index, line, ID), plan, "same-plan", *same_plan(plan))


def same_ids(probe: Probe, relation: str) -> None:
    """Complain of ids that stand twice in the rows of a plan; note whether rows lack an id."""
    table, scan = probe.part.tables.raw[relation], probe.part.scan(relation)
    if ID not in table.types:
        probe.part.unnamed.add(relation)
        return
    rows, named, distinct = probe.ask(
        f"SELECT count(*), count({OWN_ID}), count(DISTINCT CASE WHEN {OWN_ID} IS NOT NULL "
        f"THEN hash({PLAN_ID}, {OWN_ID}) END) FROM {scan}"
    )[0]
    if named < rows:
        probe.part.unnamed.add(relation)
    if named == distinct:
        return
    found = probe.ask(
        f"SELECT {quoted(PART)}, {quoted(LINE)}, {PLAN_ID}, {OWN_ID}, first_value({quoted(PLACE)}) OVER w, "
        f"row_number() OVER w AS nth FROM {scan} WHERE {OWN_ID} IS NOT NULL AND {probe.mine} WINDOW w AS "
        f"(PARTITION BY {PLAN_ID}, {OWN_ID} ORDER BY {quoted(NUMBER)}) QUALIFY nth > 1 ORDER BY "
        f"{quoted(NUMBER)}"
    )
    for index, line, plan, row_id, first, _ in found:
        reason = f"two rows of `{relation}` have the id `{row_id}`; the first is {first}"
        help = "give one of them another id, or leave it out"
        probe.tell(relation, (index, line, ID), plan, "same-id", reason, help)


def many_rows(probe: Probe, relation: str) -> None:
    """Complain of plans, or rows with lists, that have more rows than documents may have."""
    schema = probe.schema.relations[relation]
    holder = f", CAST({quoted(OF_ROW)} AS VARCHAR)" if schema.parent else ""
    if schema.most is None:
        return
    if not probe.ask(
        f"SELECT 1 FROM {probe.name(relation)} WHERE {quoted('@count')} > {schema.most} LIMIT 1"
    ):
        return
    found = probe.ask(
        f"SELECT min({quoted(PART)}), arg_min({quoted(LINE)}, {quoted(NUMBER)}), {PLAN_ID}, count(*) AS many "
        f"FROM {probe.part.scan(relation)} WHERE {probe.mine} GROUP BY {PLAN_ID}{holder} HAVING many > "
        f"{schema.most}"
    )
    for index, line, plan, count in found:
        of = f"a row of `{schema.parent}`" if schema.parent else "a plan"
        reason = f"expected at most {schema.most} rows of `{relation}` for {of}, found {count}"
        probe.tell(relation, (index, line, None), plan, "wrong-size", reason)


def parents(probe: Probe, relation: str) -> None:
    """Note which rows have rows of a relation, and complain of rows whose parent is not there."""
    above, scan = probe.schema.relations[relation].parent, probe.part.scan(relation)
    row, parent, count = f"CAST({quoted(OF_ROW)} AS VARCHAR)", quoted("@parent"), quoted("@count")
    probe.ask(
        f"CREATE TABLE {probe.name(f'{relation} parents')} AS SELECT k.{quoted(PLAN)}, g.{parent}, g.{count} "
        f"FROM (SELECT {PLAN_ID} AS id, {row} AS {parent}, count(*) AS {count} FROM {scan} GROUP BY ALL) g "
        f"JOIN {probe.name('all')} k ON k.id = g.id AND k.owns"
    )
    table = probe.part.tables.raw.get(above)
    known = "SELECT NULL::VARCHAR AS plan, NULL::VARCHAR AS id LIMIT 0"
    if table is not None and ID in table.types:
        known = f"SELECT {PLAN_ID} AS plan, {OWN_ID} AS id FROM {probe.part.scan(above)}"
    found = probe.ask(
        f"SELECT {quoted(PART)}, {quoted(LINE)}, {PLAN_ID}, {row} FROM {scan} t WHERE {probe.mine} AND "
        f"NOT EXISTS "
        f"(SELECT 1 FROM ({known}) a WHERE a.plan = CAST(t.{quoted(OF_PLAN)} AS VARCHAR) "
        f"AND a.id = CAST(t.{quoted(OF_ROW)} AS VARCHAR)) ORDER BY {quoted(NUMBER)}"
    )
    for index, line, plan, holder in found:
        reason, help = f"no row `{holder}` in `{above}` of this plan", None
        if not holder:
            reason = f"the row does not say to which row of `{above}` it belongs"
            help = f"write its id into `{OF_ROW}`"
        probe.tell(relation, (index, line, OF_ROW), plan, "unknown-row", reason, help)


def orphans(connection: DuckDBPyConnection, tables: Tables, relation: str, source: int) -> Iterator[Defect]:
    """Yield the rows that belong to no plan of the source."""
    table = tables.raw[relation]
    found = connection.execute(
        f"SELECT {quoted(PART)}, {quoted(LINE)}, {PLAN_ID} FROM {table.scan()} WHERE {PLAN_ID} IS NULL "
        f"OR {PLAN_ID} "
        f"NOT IN (SELECT id FROM ids WHERE source = {source} AND id IS NOT NULL) ORDER BY {quoted(NUMBER)}"
    ).fetchall()
    for index, line, named in found:
        part = table.parts[index]
        reason = f"no plan `{named}`" if named else "the row does not say to which plan it belongs"
        column = table.shown(OF_PLAN)
        yield Defect(part.file, "unknown-plan", reason, None, part.sheet, line, column, None, relation)
