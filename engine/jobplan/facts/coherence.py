"""What facts of one row say against each other, as the schema declares that they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from jobplan.facts.rows import RowReader
from jobplan.facts.schema import FactSchema, Field
from jobplan.model import Relation, Row
from jobplan.source import Route


class Disagreement(NamedTuple):
    """Where in a row a fact says something against another one, what, and the way out."""

    route: Route
    said: str
    way_out: str


def complain_of_disagreement(
    reader: RowReader, schema: FactSchema, relations: Mapping[str, Relation]
) -> None:
    """Gather lists that number parts beyond a length or are miscounted, and days before those they follow.

    Assumptions have to be filled in before. What is not known disagrees with nothing.
    """
    for relation in schema.relations.values():
        for field in (*relation.tied, *relation.ordered):
            _compare(reader, field, relations[relation.name].rows)


def _compare(reader: RowReader, field: Field, rows: Iterable[Row]) -> None:
    seen: set[Route] = set()
    for row in rows:
        if row[field.name] is None or row.place in seen:  # rows of one shorthand have one place
            continue
        seen.add(row.place)
        for route, said, way_out in disagreements(field, row):
            reader.complain((*row.place, *route), "wrong-value", said, way_out)


def disagreements(field: Field, row: Mapping[str, Any]) -> Iterator[Disagreement]:
    """Yield what a fact that has a value says against others of its row, which may be None."""
    if field.within and row[field.within] is not None:
        yield from _beyond(field, row[field.name], row[field.within])
    if field.counted_by and row[field.counted_by] is not None:
        yield from _miscounted(field, len(row[field.name]), row[field.counted_by])
    if field.not_before and row[field.not_before] is not None and row[field.name] < row[field.not_before]:
        days = [date.fromordinal(row[name]).isoformat() for name in (field.name, field.not_before)]
        said = f"`{field.name}` is {days[0]}, before `{field.not_before}`, {days[1]}"
        yield Disagreement((field.name,), said, f"correct `{field.name}` or `{field.not_before}`")


def _beyond(field: Field, numbers: Iterable[float], length: float) -> Iterator[Disagreement]:
    for index, number in enumerate(numbers):
        if number - 1 >= length:  # part 7 of 6.5 has begun, part 8 has not
            said = f"`{field.name}` has {number:g}, but `{field.within}` is {length:g}"
            way_out = f"count from 1 within `{field.within}`, or correct that"
            yield Disagreement((field.name, index), said, way_out)


def _miscounted(field: Field, count: int, stated: float) -> Iterator[Disagreement]:
    if stated == count:
        return
    entries = "one entry" if count == 1 else f"{count} entries"
    said = f"`{field.name}` has {entries}, but `{field.counted_by}` is {stated:g}"
    way_out = f"list every one in `{field.name}`, or correct `{field.counted_by}`"
    yield Disagreement((field.name,), said, way_out)
