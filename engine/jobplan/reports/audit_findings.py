"""The findings of an audit as a report embeds them: by columns, every text once, compressed.

A finding is a number in each column; the number leads to a text in the column's dictionary. Evidence is split
into its shape (names, relations, units: the same for most findings of a rule) and its values.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobplan.extras import library
from jobplan.model import SEVERITIES
from jobplan.quoting import literal, quoted
from jobplan.reports.audit_tables import AuditTables

MOST = 200_000
"""Findings that a report embeds; of more it has the gravest."""

UNIT, RECORD = "\x1f", "\x1e"
"""What parts the fields of one piece of evidence, and one piece from the next."""

SHAPE = (
    f"array_to_string(list_transform(evidence, lambda e: concat_ws('{UNIT}', e.name, e.relation, e.unit)), "
    f"'{RECORD}')"
)
VALUES = (
    "array_to_string(list_transform(evidence, lambda e: concat_ws("
    f"'{UNIT}', coalesce(e.shown, ''), "
    "case when e.\"row\" = subject then '' else coalesce(e.\"row\", '') end, "
    f"coalesce(e.assumed, ''))), '{RECORD}')"
)
COLUMNS: Mapping[str, str] = {
    "severity": "severity",
    "rule": "coalesce(rule_number, -1)",
    "plan": "plan_number",
    "otherwise": "otherwise",
    "label": "coalesce(label, '')",
    "subjects": "coalesce(subjects, 1)",
    "message": "message",
    "shape": SHAPE,
    "values": VALUES,
    "as_stated": "coalesce(as_stated, '')",
    "waived": "coalesce(waived, '')",
    "assumptions": "array_to_string(coalesce(assumptions, []), ', ')",
    "place": "coalesce(place, '')",
    "edition": "edition::varchar",
    "lacks": "coalesce(lacks, '')",
}
"""What is embedded of a finding, each with the query that gives it."""

LACKS = (
    "case when verdict = 'unknown' then array_to_string(list_sort(list_distinct(list_transform(reasons, "
    "lambda r: case when r.kind = 'silent' or r.cause = 'not_attested' then r.text "
    "when coalesce(r.field, '') = '' then r.relation else r.relation || '.' || r.field end))), "
    f"'{RECORD}') end"
)
"""What a gap waits for: each fact, silence or statement once, by the name that the list of them has."""

NUMBERS = frozenset({"rule", "plan", "subjects"})
"""Columns that are numbers as they stand."""


@dataclass(frozen=True)
class Embedded:
    """What a report holds of the findings; `total` is how many there are in all."""

    data: str
    shown: int
    total: int


def embedded(
    tables: AuditTables,
    order: Sequence[tuple[str, Mapping[str, Any]]],
    facts: Sequence[tuple[str, str]],
    most: int = MOST,
    *,
    rules: Sequence[Mapping[str, Any]],
) -> Embedded:
    """Return the gravest findings in their order, as the report's script reads them.

    `order` has policy and rule, as the report numbers them, `rules` what its script tells of each; `facts`
    are those that plans are filtered by, with their titles.
    """
    total = int(tables.one("select count(*) from findings"))
    create_order(tables, order, most)
    plans = plan_columns(tables, [fact for fact, _ in facts])
    words = ", ".join(f"{query} as {quoted(name)}" for name, query in COLUMNS.items())
    table = tables.connection.sql(
        f"select {words} from chosen join numbered using (plan) order by gravity, rule_number, place_number"
    ).to_arrow_table()
    columns = {name: column(table[name], numbers=name in NUMBERS) for name in COLUMNS}
    data = {
        "findings": table.num_rows,
        "severities": SEVERITIES,
        "rules": rules,
        "root": tables.about["root"],
        "titles": dict(facts),
        "units": {unit: words for policy in tables.policies for unit, words in policy["units"].items()},
        "plans": plans,
        "columns": columns,
    }
    return Embedded(packed(data), table.num_rows, total)


def create_order(tables: AuditTables, rules: Sequence[tuple[str, Mapping[str, Any]]], most: int) -> None:
    """Make a table of the gravest findings, and one that numbers their plans."""
    pairs = ", ".join(
        f"({literal(policy)}, {literal(rule['id'])}, {number})" for number, (policy, rule) in enumerate(rules)
    )
    numbers = f"(values {pairs or '(null, null, 0)'}) as numbers(policy, rule, rule_number)"
    tables.connection.execute(  # the narrow columns first: few rows are wanted, and evidence is wide
        "create or replace temp table places as select place_number, gravity, rule_number "
        f"from found left join {numbers} using (policy, rule) "
        f"order by gravity, rule_number, place_number limit {most}"
    )
    tables.connection.execute(
        f"create or replace temp table chosen as select found.*, rule_number, {LACKS} as lacks "
        "from found join (select place_number, rule_number from places) using (place_number)"
    )
    tables.connection.execute(
        "create or replace temp table numbered as "
        "select plan, (row_number() over (order by first)) - 1 as plan_number "
        "from (select plan, min(place_number) as first from chosen group by plan)"
    )


def plan_columns(tables: AuditTables, facts: Sequence[str]) -> dict[str, Any]:
    """Return the plans that the findings are about: their ids, and each fact as a dictionary and numbers."""
    there = [fact for fact in facts if fact in tables.plan_columns]
    words = "".join(f", coalesce({quoted(fact)}::varchar, '') as {quoted(fact)}" for fact in there)
    table = tables.connection.sql(
        f"select plan{words} from numbered left join plans using (plan) order by plan_number"
    ).to_arrow_table()
    named = {fact: column(table[fact], numbers=False) for fact in there}
    return {"id": table["plan"].to_pylist(), "facts": named}


def column(values: Any, *, numbers: bool) -> Any:
    """Return a column of a table: numbers as they stand; texts as a dictionary, and places in it."""
    if numbers:
        return values.to_pylist()
    coded = values.combine_chunks().dictionary_encode()
    return {"words": coded.dictionary.to_pylist(), "at": coded.indices.to_pylist()}


def packed(data: Any) -> str:
    """Return data as JSON, compressed, in letters that need no escaping.

    The library of the tables compresses, for it brings a compressor: the bytes hang on its version only.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    compressed = library("pyarrow").Codec("gzip", compression_level=6).compress(text, asbytes=True)
    return base64.b64encode(compressed).decode("ascii")
