"""Cells that cannot stand as they are: quickly whether there are any, then which, and in words why."""

from __future__ import annotations

from jobplan.facts.tables.explain import Explainer
from jobplan.facts.tables.probe import PLAN_ID, Probe
from jobplan.facts.tables.raw import LINE, NUMBER, PART
from jobplan.facts.tables.shape import ID
from jobplan.quoting import quoted

ID_LENGTH = 200
"""Characters of an id; the schema of documents has the same limit."""


def wrong_cells(probe: Probe, relation: str) -> None:
    """Complain of values that do not fit their facts, and of ids that are too long, or lacking."""
    tables, is_root = probe.part.tables, relation == probe.schema.root
    table, cells = tables.raw[relation], tables.cells[relation]
    wrong = {name: cells[name].wrong for name in tables.columns(relation) if cells[name].wrong != "false"}
    shown = {name: cells[name].written for name in wrong}
    if ID in table.types:
        own = f"CAST({quoted(ID)} AS VARCHAR)"
        wrong["@id"] = f"length({own}) > {ID_LENGTH}" + (f" OR coalesce({own}, '') = ''" if is_root else "")
        shown["@id"] = f"coalesce({own}, '')"
    mine = "true" if is_root else probe.mine
    doubts = {name: cells[name].doubt if name in cells else f"bool_or({wrong[name]})" for name in wrong}
    found = _which(probe, relation, doubts)
    if not found:
        return
    plan = f"CAST({quoted(ID)} AS VARCHAR)" if is_root else PLAN_ID
    listed = ", ".join(f"CASE WHEN {wrong[name]} THEN {shown[name]} END" for name in found)
    either = " OR ".join(f"({wrong[name]})" for name in found)
    rows = probe.ask(
        f"SELECT {quoted(PART)}, {quoted(LINE)}, {plan}, [{listed}]::VARCHAR[] FROM "
        f"{probe.part.scan(relation)} "
        f"WHERE ({either}) AND {mine} ORDER BY {quoted(NUMBER)}"
    )
    explain = Explainer(table.types)
    fields = probe.schema.relations[relation].fields
    for index, line, named, written in rows:
        for name, words in zip(found, written, strict=True):
            if words is None:
                continue
            told = _about_id(words) if name == "@id" else explain(fields[name], words)
            probe.tell(relation, (index, line, ID if name == "@id" else name), named or None, *told)


def _which(probe: Probe, relation: str, doubts: dict[str, str]) -> list[str]:
    """Return the columns in which a cell may be wrong; one pass over the rows, and mostly the only one."""
    if not doubts:
        return []
    either = ", ".join(f"coalesce({doubt}, false)" for doubt in doubts.values())
    answers = probe.ask(f"SELECT {either} FROM {probe.part.scan(relation)}")[0]
    return [name for name, is_wrong in zip(doubts, answers, strict=True) if is_wrong]


def _about_id(written: str) -> tuple[str, str, str | None]:
    if not written:
        return "missing-field", "the plan has no id", "give every plan an id of its own"
    return "wrong-size", f"expected at most {ID_LENGTH} characters, found {len(written)}", None
