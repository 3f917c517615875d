"""The plans of a population as plan documents, for the evaluators of one plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from benchmarks.population.blocks import Block, Population
from benchmarks.population.draw import BLANK, CONFLICT, EPOCH, NONE, UNREADABLE, Column
from benchmarks.population.lacking import NOT_GIVEN, PARTIAL
from jobplan.facts import FactSchema, Field

NOBODY_CAN_READ = "n/k"


def documents(population: Population) -> Iterator[dict[str, Any]]:
    """Yield each plan as data that the plan schema allows."""
    for block in population.blocks():
        yield from of_block(population.schema, block)


def of_block(schema: FactSchema, block: Block) -> Iterator[dict[str, Any]]:
    """Yield the plans of a block; the rows of each relation stand in the order of the plans."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, relation in schema.relations.items():
        rows[name] = facts_of(schema, block, name)
        parent = relation.parent or schema.root
        if name == schema.root:
            continue
        owners = block.tables[name].plan if block.tables[name].parent is None else block.tables[name].parent
        for above, given in zip(rows[parent], block.lack.lists[name].tolist(), strict=True):
            if given != NOT_GIVEN:
                above[name] = []
                if given == PARTIAL:
                    above.setdefault(schema.keys["partial"], []).append(name)
        assert owners is not None
        for owner, row in zip(owners.tolist(), rows[name], strict=True):
            rows[parent][owner][name].append(row)
    carries = carried(schema, block)
    for number, plan in enumerate(rows[schema.root], block.first):
        head = {schema.keys["format"]: 1, schema.keys["id"]: f"plan-{number:08d}"}
        if carries is not None:
            head[schema.keys["source"]] = {"system": "made up", "carries": carries}
        yield {**head, **plan}


def carried(schema: FactSchema, block: Block) -> dict[str, list[str]] | None:
    """Return the facts that the source has columns for, or None if it has all."""
    gone = block.lack.left_out
    if not any(gone.values()):
        return None
    return {
        name: [f for f in relation.fields if f not in gone[name]]
        for name, relation in schema.relations.items()
    }


def facts_of(schema: FactSchema, block: Block, name: str) -> list[dict[str, Any]]:
    """Return the rows of a relation as data, without the rows inside them."""
    table, relation = block.tables[name], schema.relations[name]
    found: list[dict[str, Any]] = [{} for _ in range(table.size)]
    if name != schema.root:
        for row, rank in zip(found, table.rank.tolist(), strict=True):
            row[relation.keys["id"]] = f"{name}-{rank + 1}"
    for fact in relation.fields.values():
        if fact.name in block.lack.left_out[name]:
            continue
        column = table.facts[fact.name]
        for row, code, value in zip(found, column.codes.tolist(), values(fact, column), strict=True):
            if code == UNREADABLE:
                row.setdefault(relation.keys["unreadable"], {})[fact.name] = NOBODY_CAN_READ
            elif code == CONFLICT:
                row[fact.name] = {"either": [1, 2]}
            elif code != BLANK:
                row[fact.name] = "none" if code == NONE else value
    return found


def values(fact: Field, column: Column) -> Iterator[Any]:
    """Yield the values of a column as a document has them."""
    plain = column.values.tolist()
    if fact.form in ("text", "list"):
        return (as_list(column.words[place]) for place in plain)
    if fact.form == "date":
        return (date.fromordinal(day + EPOCH).isoformat() for day in plain)
    if fact.form == "clock":
        return (f"{int(minute) // 60:02d}:{int(minute) % 60:02d}" for minute in plain)
    if fact.form == "weekday":
        return (fact.choices[int(day) - 1] if day >= 1 else None for day in plain)
    return iter(plain)


def as_list(words: Any) -> Any:
    """Return a list of words as a list, a word as itself."""
    return list(words) if isinstance(words, tuple) else words
