"""Put pseudonyms in the place of identities before anything is judged: what is not read cannot get out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from jobplan.auditing.pseudonyms import Pseudonyms, identities
from jobplan.extras import library
from jobplan.facts.codes import text_of
from jobplan.facts.schema import FactSchema
from jobplan.quoting import literal, quoted

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

HIDDEN = "`…`"
"""What stands for words that may tell who somebody is."""

_QUOTED = re.compile(r"`([^`]*)`")
_FILE_OF = r"^(.*?)(?:!|:\d+(?::|$))"


def masked_plans(plans: pyarrow.Table, names: Pseudonyms | None, schema: FactSchema) -> pyarrow.Table:
    """Return the table of plans with pseudonyms for ids, digests, files and the facts that tell who it is."""
    if names is None:
        return plans
    facts = identities(schema).get(schema.root, ())
    masks: dict[str, Callable[[str], str]] = dict.fromkeys(("plan", "digest", *facts), names.of)
    masks |= {"file": names.file, "place": names.place}
    for name, mask in masks.items():
        if name in plans.column_names:
            plans = replaced(plans, name, mask)
    return plans


def masked_set_aside(rows: pyarrow.Table, names: Pseudonyms | None, schema: FactSchema) -> pyarrow.Table:
    """Return what was set aside with pseudonyms; of what it quotes only the schema's own words are left."""
    if names is None:
        return rows
    known = words_of(schema)

    def said(words: str | None) -> str | None:
        return None if words is None else _QUOTED.sub(lambda m: m[0] if m[1] in known else HIDDEN, words)

    found = [
        {
            **row,
            "file": names.file(row["file"] or ""),
            "plan": names.of(row["plan"]) if row["plan"] else row["plan"],
            "reason": said(row["reason"]),
            "help": said(row["help"]),
        }
        for row in rows.to_pylist()
    ]
    return library("pyarrow").Table.from_pylist(found, rows.schema)


def words_of(schema: FactSchema) -> frozenset[str]:
    """Return the words of a schema: names of relations and facts, and what may be chosen."""
    found = {*schema.relations, *schema.keys.values(), "none", "true", "false"}
    for relation in schema.relations.values():
        found |= {*relation.fields, *relation.keys.values()}
        found |= {choice for field in relation.fields.values() for choice in field.choices}
    return frozenset(found)


def mask_facts(connection: DuckDBPyConnection, names: Pseudonyms | None, schema: FactSchema) -> None:
    """Replace identities in the schema `facts`, and the ids of the plans."""
    if names is None:
        return
    for relation, facts in identities(schema).items():
        masks = dict.fromkeys(facts, names.of)
        texts = {text_of(fact): (lambda _: HIDDEN) for fact in facts}
        replace_columns(connection, relation, {**masks, **texts})
    replace_columns(connection, schema.root, {"id": names.of})


def replace_columns(
    connection: DuckDBPyConnection, relation: str, masks: dict[str, Callable[[str], str]]
) -> None:
    """Replace the texts in columns of a table of facts, be it a table or a view."""
    table, joins, columns = f"facts.{quoted(relation)}", [], []
    for index, (column, mask) in enumerate(masks.items()):
        name = quoted(column)
        found = connection.execute(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL").fetchall()
        pairs = [(text, mask(text)) for (text,) in found]
        store(connection, f"audit.{quoted(f'masks {index}')}", pairs)
        joins.append(f"LEFT JOIN audit.{quoted(f'masks {index}')} m{index} ON f.{name} = m{index}.name")
        columns.append(f"m{index}.mask AS {name}")
    connection.execute(
        f"CREATE OR REPLACE TABLE audit.masked AS SELECT f.* REPLACE ({', '.join(columns)}) "
        f"FROM {table} f {' '.join(joins)}"
    )
    ((kind,),) = connection.execute(
        "SELECT table_type FROM information_schema.tables WHERE table_schema = 'facts' AND table_name = ?",
        [relation],
    ).fetchall()
    connection.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {table}")
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM audit.masked")


def mask_files(connection: DuckDBPyConnection, names: Pseudonyms, files: Iterable[str]) -> None:
    """Make `audit.files`: each file of the input with its pseudonym."""
    store(connection, "audit.files", [(file, names.file(file)) for file in files])


def masked_place(place: str) -> str:
    """Return the SQL of a place in a file whose name is replaced; one in an unknown file is not told."""
    file = f"regexp_extract({place}, {literal(_FILE_OF)}, 1)"
    return f"(SELECT m.mask || substr({place}, length({file}) + 1) FROM audit.files m WHERE m.name = {file})"


def store(connection: DuckDBPyConnection, table: str, pairs: list[tuple[str, str]]) -> None:
    """Write names and their pseudonyms into a table."""
    arrow = library("pyarrow")
    columns = {"name": [name for name, _ in pairs], "mask": [mask for _, mask in pairs]}
    connection.register(
        "pairs_made",
        arrow.table(columns, schema=arrow.schema([("name", arrow.string()), ("mask", arrow.string())])),
    )
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM pairs_made")
    connection.unregister("pairs_made")


def replaced(table: pyarrow.Table, name: str, mask: Callable[[str], str]) -> pyarrow.Table:
    """Return a table with every text of a column replaced."""
    arrow = library("pyarrow")
    texts = [None if text is None else mask(text) for text in table.column(name).to_pylist()]
    return table.set_column(table.column_names.index(name), name, arrow.array(texts, arrow.string()))
