"""Write a population as Parquet files, one a relation, in the public table format (docs/tables.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.population.blocks import Block, Population
from benchmarks.population.draw import CONFLICT, NONE, SAID, UNREADABLE, Array, Column
from benchmarks.population.lacking import LISTED, NO_ROWS, PARTIAL, is_explained
from benchmarks.population.others import Table
from jobplan.facts import FactSchema, Field

BESIDE = "_is"
"""Ends the name of the text column beside a typed one."""

SAYS = {NONE: "none", UNREADABLE: "unreadable: n/k", CONFLICT: "conflict: 1 or 2"}
GIVEN = {LISTED: "listed", NO_ROWS: "none", PARTIAL: "partial"}
TYPES: Mapping[str, tuple[Any, Any]] = {
    "number": (np.float64, pa.float64()),
    "clock": (np.float64, pa.float64()),
    "weekday": (np.float64, pa.float64()),
    "truth": (np.bool_, pa.bool_()),
    "date": (np.int32, pa.date32()),
}


def write_tables(population: Population, folder: Path) -> dict[str, int]:
    """Write a file a relation into a folder; return how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = dict.fromkeys(population.schema.relations, 0)
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for block in population.blocks():
            for name, table in arrow_tables(population.schema, block):
                if name not in writers:
                    writers[name] = stack.enter_context(
                        pq.ParquetWriter(folder / f"{name}.parquet", table.schema, compression="zstd")
                    )
                writers[name].write_table(table)
                rows[name] += table.num_rows
    return rows


def arrow_tables(schema: FactSchema, block: Block) -> Iterator[tuple[str, pa.Table]]:
    """Yield the tables of a block in the order of the schema."""
    plans = plan_ids(block)
    for name, relation in schema.relations.items():
        table = block.tables[name]
        columns: dict[str, pa.Array] = {}
        if name == schema.root:
            columns["id"] = plans
        else:
            columns["plan"] = plans.take(pa.array(table.plan))
            if relation.parent:
                columns["parent"] = row_ids(block.tables[relation.parent]).take(pa.array(table.parent))
            columns["id"] = row_ids(table)
        for child in relation.children:
            columns[child] = dictionary(block.lack.lists[child], GIVEN)
        for fact in relation.fields.values():
            if fact.name not in block.lack.left_out[name]:
                columns.update(cells(name, fact, table.facts[fact.name]))
        yield name, pa.table(columns)


def plan_ids(block: Block) -> pa.Array:
    """Return the ids of the plans of a block."""
    numbers = pa.array(np.arange(block.first, block.first + block.count)).cast(pa.string())
    return pc.binary_join_element_wise("plan", pc.utf8_lpad(numbers, 8, "0"), "-")


def row_ids(table: Table) -> pa.Array:
    """Return the ids of the rows of a table: its name, and their number in the plan."""
    numbers = pa.array(table.rank + 1).cast(pa.string())
    return pc.binary_join_element_wise(table.name, numbers, "-")


def cells(relation: str, fact: Field, column: Column) -> Iterator[tuple[str, pa.Array]]:
    """Yield the column of a fact, and where there is one that beside it: why there is no value."""
    unsaid = column.codes != SAID
    if fact.form in ("text", "list"):
        yield fact.name, words(fact, column, unsaid)
    else:
        stored, kind = TYPES[fact.form]
        yield fact.name, pa.array(column.values.astype(stored), kind, mask=unsaid)
    if is_explained(relation, fact):
        said = {code: words for code, words in SAYS.items() if code != NONE or fact.form != "text"}
        yield f"{fact.name}{BESIDE}", dictionary(column.codes, said)


def words(fact: Field, column: Column, unsaid: Array) -> pa.Array:
    """Return texts as a dictionary, where `none` is a word like any other, and lists as lists."""
    if fact.form == "list":
        kind = pa.float64() if fact.of == "number" else pa.string()
        lists = pa.array([list(entries) for entries in column.words], pa.list_(kind))
        return lists.take(pa.array(column.values.astype(np.int32), mask=unsaid))
    size = len(column.words)
    places = np.where(column.codes == NONE, size, column.values).astype(np.int32)
    known = pa.array([*column.words, SAYS[NONE]], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=unsaid & (column.codes != NONE)), known)


def dictionary(codes: Array, says: Mapping[int, str]) -> pa.DictionaryArray:
    """Return codes as words; those without a word are null."""
    places = np.full(256, -1, np.int32)
    for place, code in enumerate(says):
        places[code] = place
    found = places[codes]
    return pa.DictionaryArray.from_arrays(
        pa.array(found, mask=found < 0), pa.array(list(says.values()), pa.string())
    )
