"""What facts of one row say against each other, as the schema declares that they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobplan.facts.rows import RowReader
from jobplan.facts.schema import FactSchema, Field
from jobplan.model import Relation, Row
from jobplan.source import Route


def complain_of_disagreement(
    reader: RowReader, schema: FactSchema, relations: Mapping[str, Relation]
) -> None:
    """Gather the lists that number parts beyond a length, or have more or fewer entries than is stated.

    Assumptions have to be filled in before. What is not known disagrees with nothing.
    """
    for relation in schema.relations.values():
        for field in relation.tied:
            _compare(reader, field, relations[relation.name].rows)


def _compare(reader: RowReader, field: Field, rows: Iterable[Row]) -> None:
    seen: set[Route] = set()
    for row in rows:
        if row.place in seen or row[field.name] is None:  # rows of one shorthand have one place
            continue
        seen.add(row.place)
        _stay_within(reader, field, row)
        _count(reader, field, row)


def _stay_within(reader: RowReader, field: Field, row: Row) -> None:
    length = row[field.within] if field.within else None
    if length is None:
        return
    for index, number in enumerate(row[field.name]):
        if number - 1 >= length:  # part 7 of 6.5 has begun, part 8 has not
            said = f"`{field.name}` has {number:g}, but `{field.within}` is {length:g}"
            way_out = f"count from 1 within `{field.within}`, or correct that"
            reader.complain((*row.place, field.name, index), "wrong-value", said, way_out)


def _count(reader: RowReader, field: Field, row: Row) -> None:
    stated = row[field.counted_by] if field.counted_by else None
    count = len(row[field.name])
    if stated is None or stated == count:
        return
    entries = "one entry" if count == 1 else f"{count} entries"
    said = f"`{field.name}` has {entries}, but `{field.counted_by}` is {stated:g}"
    way_out = f"list every one in `{field.name}`, or correct `{field.counted_by}`"
    reader.complain((*row.place, field.name), "wrong-value", said, way_out)
