"""What plans and rows say of their lists: listed, none, partial; held against the rows that there are."""

from __future__ import annotations

from collections.abc import Sequence

from jobplan.errors import suggest
from jobplan.facts.codes import CAUSES, given_of
from jobplan.facts.tables.probe import PLAN_ID, Probe
from jobplan.facts.tables.raw import LINE, NUMBER, PART
from jobplan.facts.tables.shape import ID, PLAN, lists_of
from jobplan.facts.tables.source import GIVEN, code_column, given, said
from jobplan.quoting import literal, quoted

_WRONG = quoted("@wrong")


def lists(probe: Probe, children: Sequence[str]) -> None:
    """Note which lists each plan gives, in the small table `plans`, and complain of words that do not fit."""
    root = probe.part.tables.raw[probe.schema.root]
    joins, codes, wrong = "", [], {}
    for index, name in enumerate(lists_of(probe.schema, probe.schema.root)):
        has_rows = "false"
        if name in children:
            joins += f" LEFT JOIN {probe.name(name)} r{index} ON r{index}.{quoted(PLAN)} = k.{quoted(PLAN)}"
            has_rows = f"r{index}.{quoted(PLAN)} IS NOT NULL"
        if name in root.types:
            wrong[name] = (_wrong(probe, name, has_rows), has_rows)
        codes.append(code_column(name, _code(probe, name, has_rows)))
    either = " OR ".join(f"coalesce({condition}, false)" for condition, _ in wrong.values()) or "false"
    rows = (
        f"FROM {probe.name('all')} k JOIN {probe.part.scan(probe.schema.root)} t "
        f"ON t.{quoted(NUMBER)} = k.{quoted(NUMBER)}{joins}"
    )
    columns = ", ".join([f"k.{quoted(NUMBER)}", f"k.{quoted(PLAN)}", f"{either} AS {_WRONG}", *codes])
    probe.ask(f"CREATE TABLE {probe.name('plans')} AS SELECT {columns} {rows}")
    if probe.ask(f"SELECT 1 FROM {probe.name('plans')} WHERE {_WRONG} LIMIT 1"):
        for name, (condition, has_rows) in wrong.items():
            _tell(probe, probe.schema.root, name, f"k.id, {said(name)}, {has_rows} {rows} WHERE {condition}")
    probe.ask(f"ALTER TABLE {probe.name('plans')} DROP COLUMN {_WRONG}")


def _code(probe: Probe, name: str, has_rows: str) -> str:
    """Return the code of a list of the plan as SQL; of lists in rows, only what the plan itself says."""
    schema, tables = probe.schema, probe.part.tables
    if not schema.relations[name].parent:
        return given(tables.raw[schema.root], name, tables.raw.get(name), has_rows)
    if name in tables.raw[schema.root].types:
        return given(tables.raw[schema.root], name, tables.raw.get(name), "true")
    return "CAST(NULL AS UTINYINT)"


def _wrong(probe: Probe, name: str, has_rows: str) -> str:
    word, words = said(name), ", ".join(map(literal, GIVEN))
    wrong = f"{word} NOT IN ({words}) OR ({word} IN ('none', 'not_carried') AND {has_rows})"
    if name not in {*probe.part.tables.raw, *probe.part.tables.broken}:
        wrong += f" OR {word} IN ('listed', 'partial')"
    return wrong


def _tell(probe: Probe, relation: str, name: str, rest: str) -> None:
    for index, line, plan, word, rows in probe.ask(f"SELECT t.{quoted(PART)}, t.{quoted(LINE)}, {rest}"):
        if word not in GIVEN:
            reason = f"expected `listed`, `none`, `partial` or nothing, found `{word}`"
            told = ("unknown-choice", reason, suggest(word, GIVEN))
        elif rows:
            reason = f"`{name}` is said to be `{word}`, but there are rows"
            told = ("not-together", reason, "write `listed`, or take the rows out")
        else:
            reason = f"`{name}` is said to be `{word}`, but there is no table `{name}`"
            told = ("missing-table", reason, "add the table, or leave the cell empty")
        probe.tell(relation, (index, line, name), plan, *told)


def lists_of_rows(probe: Probe, relation: str) -> None:
    """Complain of what rows of a relation say of lists of their own; the lists' parents are noted already."""
    for name in probe.part.tables.lists(relation):
        has_rows, joins = "false", ""
        if name in probe.part.tables.raw:
            joins = (
                f" LEFT JOIN {probe.name(f'{name} parents')} c ON c.{quoted(PLAN)} = k.{quoted(PLAN)} "
                f"AND c.{quoted('@parent')} = CAST(t.{quoted(ID)} AS VARCHAR)"
            )
            has_rows = f"c.{quoted('@parent')} IS NOT NULL"
        plan = PLAN_ID.replace(quoted("plan"), f"t.{quoted('plan')}")
        rows = (
            f"FROM {probe.part.scan(relation)} t JOIN {probe.name('all')} k ON k.id = {plan} AND "
            f"k.owns{joins}"
        )
        condition = _wrong(probe, name, has_rows)
        _tell(probe, relation, name, f"k.id, {said(name)}, {has_rows} {rows} WHERE {condition}")


def lists_in_rows(probe: Probe) -> None:
    """Note for each plan whether lists in its rows are all given: where a row lacks one, it lacks rows."""
    plans, plan = probe.name("plans"), quoted(PLAN)
    tables = probe.part.tables.raw
    for name, relation in probe.schema.relations.items():
        above = relation.parent
        if not above:
            continue
        is_known = name in tables or (above in tables and name in tables[above].types)
        lacking = CAUSES["blank" if is_known else "not_carried"]
        code, is_open = quoted(given_of(name)), f"{quoted(given_of(above))} IS NOT NULL"
        own = f"CASE WHEN {is_open} THEN {lacking} END"
        if above in tables:
            rows = (
                f"SELECT {plan} AS plan, min({code}) AS code FROM ({_codes(probe, above, name)}) GROUP BY 1"
            )
            noted = (
                f"SELECT k.{plan} AS plan, o.code FROM {plans} k LEFT JOIN ({rows}) o ON o.plan = k.{plan}"
            )
            probe.ask(
                f"UPDATE {plans} SET {code} = least(n.code, {own}) FROM ({noted}) n "
                f"WHERE n.plan = {plan} AND {code} IS NULL"
            )
        else:
            probe.ask(f"UPDATE {plans} SET {code} = {own} WHERE {code} IS NULL")


def _codes(probe: Probe, above: str, name: str) -> str:
    """Return a query of the codes that rows have for a list of theirs, with the number of the plan."""
    tables = probe.part.tables.raw
    joins, has_rows = "", "false"
    if name in tables:
        own = f"CAST(t.{quoted(ID)} AS VARCHAR)" if ID in tables[above].types else "NULL"
        joins = (
            f" LEFT JOIN {probe.name(f'{name} parents')} c ON c.{quoted(PLAN)} = k.{quoted(PLAN)} "
            f"AND c.{quoted('@parent')} = {own}"
        )
        has_rows = f"c.{quoted('@parent')} IS NOT NULL"
    code = code_column(name, given(tables[above], name, tables.get(name), has_rows))
    plan = f"CAST(t.{quoted('plan')} AS VARCHAR)"
    return (
        f"SELECT k.{quoted(PLAN)}, {code} FROM {probe.part.scan(above)} t JOIN {probe.name('all')} k "
        f"ON k.id = {plan} AND k.owns{joins}"
    )
