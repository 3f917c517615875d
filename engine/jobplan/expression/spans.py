"""Rows made from rows, while a plan is judged: unions, entries of lists, pairs, spans and gaps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jobplan.model import Relation, Row, Truth

Value = Callable[[Row], Any]

MOST_PAIRS = 250_000
"""Rows times rows compared for one relation: 500 rows, each in one week of a cycle; seconds at most."""


class TooManyPairsError(Exception):
    """A plan has so many rows that comparing each with each would take too long."""


def union(
    name: str, plan: Row, members: Sequence[tuple[Relation, bool, Callable[[Row], dict[str, Any]]]]
) -> Relation:
    """Put the rows of several relations under one set of columns; `whole` is given for each."""
    rows = [
        Row(
            columns(row),
            id=f"{relation.name}:{row.id}",
            relation=name,
            parent=plan,
            place=row.place,
        )
        for relation, _, columns in members
        for row in relation.rows
    ]
    return Relation(name, rows, all(whole for _, whole, _ in members))


def each(name: str, source: Relation, whole: bool, alias: str, entries: Value) -> Relation:
    """Make a row of each entry of a list; a row without its list leaves the relation open.

    An entry that stands in the list again is numbered from the second on, for every row has its own id.
    """
    rows: list[Row] = []
    unlisted = set()
    for row in source.rows:
        values = entries(row)
        if values is None:
            unlisted.add(row.id)
            continue
        counts: Counter[str] = Counter()
        for value in values:
            text = f"{value:.12g}" if isinstance(value, float) else str(value)
            counts[text] += 1
            again = f"-{counts[text]}" if counts[text] > 1 else ""
            id = f"{row.id}@{text}{again}"
            rows.append(Row({alias: value}, id=id, relation=name, parent=row, place=row.place))
    return Relation(name, rows, whole, open_parents=frozenset(unlisted))


def rows_where(name: str, source: Relation, whole: bool, where: Callable[[Row], Truth]) -> Relation:
    """Take the rows where a condition holds; one that may hold leaves the relation open."""
    rows: list[Row] = []
    doubtful = set()
    for row in source.rows:
        holds = where(row)
        if holds is None:
            doubtful.add(row.id)
        elif holds:
            rows.append(Row(id=row.id, relation=name, parent=row, place=row.place))
    return Relation(name, rows, whole, open_parents=frozenset(doubtful))


Side = tuple[str, Relation, Callable[[Row], Truth]]
"""Of a pair: the name of the row in it, where it comes from, and what is asked of it alone."""


def pairs(
    name: str, plan: Row, first: Side, second: Side, whole: bool, where: Callable[[Row, Row], Truth]
) -> Relation:
    """Pair the rows of two relations, or of one unordered; a pair that may not exist says `maybe`.

    A pair exists if both rows and the pair itself are as asked; each row is asked only once.
    """
    (a, left, _), (b, right, _) = first, second
    if len(left.rows) * len(right.rows) > MOST_PAIRS:
        count = f"{len(left.rows):,} and {len(right.rows):,}"
        raise TooManyPairsError(f"too many rows to compare each with each in `{name}`: {count}")
    found: list[Row] = []
    same = left.name == right.name
    ones, others = side(first, in_order=same), side(second, in_order=same)
    for place, one, first_fits in ones:
        for other_place, other, second_fits in others:
            if same and other_place <= place:
                continue
            exists = where(one, other)
            if exists is False:
                continue
            pair = Row(
                {a: one, b: other}, id=f"{one.id}+{other.id}", relation=name, parent=plan, place=one.place
            )
            if exists is None or first_fits is None or second_fits is None:
                pair["maybe"] = True
            found.append(pair)
    return Relation(name, found, whole)


def side(given: Side, *, in_order: bool) -> list[tuple[int, Row, Truth]]:
    """Return the rows that may stand on one side of a pair, with their places and whether they fit."""
    _, relation, asked = given
    rows = sorted(relation.rows, key=by_id) if in_order else relation.rows
    found = ((place, row, asked(row)) for place, row in enumerate(rows))
    return [mine for mine in found if mine[2] is not False]


def by_id(row: Row) -> str:
    """Return the id of a row, to sort by."""
    return row.id


def ancestor(row: Row, relation: str) -> Row | None:
    """Return the row, parent or further ancestor that belongs to a relation."""
    found: Row | None = row
    while found is not None and found.relation != relation:
        found = found.parent
    return found


def by_ancestor(rows: Iterable[Row], relation: str) -> dict[str, list[Row]]:
    """Return rows by the id of their ancestor in a relation."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        owner = ancestor(row, relation)
        if owner is not None:
            groups[owner.id].append(row)
    return groups


def open_owners(
    relations: Mapping[str, Relation], chain: Sequence[tuple[str, str]], owner: str
) -> frozenset[str]:
    """Return the ids of the rows of `owner` that may have more descendants than are given.

    `chain` leads from the descendants up: each relation with its parent.
    """
    found: set[str] = set()
    for name, parent in chain:
        opened = relations[name].open_parents
        if opened:
            for row in relations[parent].rows:
                above = ancestor(row, owner) if row.id in opened else None
                if above is not None:
                    found.add(above.id)
    return frozenset(found)


Span = tuple[float, float]


def spans_of(
    rows: Iterable[Row], opens: Value, closes: Value, where: Callable[[Row], Truth] | None
) -> list[Span] | None:
    """Return the spans of the rows that count, or None if one of them is not known."""
    found: list[Span] = []
    for row in rows:
        counts = True if where is None else where(row)
        if counts is False:
            continue
        start, end = opens(row), closes(row)
        if counts is None or start is None or end is None:
            return None
        if end > start:
            found.append((start, end))
    return found


def merged(spans: list[Span], gap: float, circle: float) -> list[Span]:
    """Join spans that touch or lie less than `gap` apart, on a line or a circle.

    >>> merged([(0, 2), (2, 3), (5, 6)], 0, 0)
    [(0, 3), (5, 6)]
    >>> merged([(0, 2), (8, 10)], 0, 10)
    [(8, 12)]
    """
    if circle:
        spans = [(start % circle, start % circle + min(end - start, circle)) for start, end in spans]
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and (start <= joined[-1][1] or start - joined[-1][1] < gap):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return around(joined, gap, circle) if circle else joined


def around(joined: list[Span], gap: float, circle: float) -> list[Span]:
    """Join the end of a circle to its beginning, as often as the last span reaches the first."""
    while len(joined) > 1:
        first, last = joined[0], joined[-1]
        between = first[0] + circle - last[1]
        if between > 0 and between >= gap:
            return joined
        joined = [*joined[1:-1], (last[0], max(last[1], first[1] + circle))]
        if len(joined) > 1 and joined[-1][1] < joined[0][0] + circle:
            break
    if len(joined) == 1:
        start, end = joined[0]
        left = start + circle - end
        if left <= 0 or left < gap:
            return [(start, start + circle)]
    return joined


def merge(
    name: str,
    owners: Sequence[Row],
    groups: Mapping[str, Sequence[Row]] | None,
    open_owners: frozenset[str],
    opens: Value,
    closes: Value,
    where: Callable[[Row], Truth] | None,
    gap: float | None,
    circle: float,
    rows: Sequence[Row],
    whole: bool,
) -> Relation:
    """Join spans within each owner; an owner with a span that is not known has no rows and is open.

    Without `groups` the only owner is the plan and `rows` are all its spans.
    """
    made: list[Row] = []
    open_: set[str] = set(open_owners)
    for owner in owners:
        inside = rows if groups is None else groups.get(owner.id, ())
        spans = spans_of(inside, opens, closes, where)
        if spans is None or gap is None:
            open_.add(owner.id)
            continue
        if owner.id not in open_owners:
            made += [span_row(name, owner, span) for span in merged(spans, gap, circle)]
    return Relation(name, made, whole, open_parents=frozenset(open_))


def gaps(
    name: str,
    owners: Sequence[Row],
    groups: Mapping[str, Sequence[Row]] | None,
    open_owners: frozenset[str],
    opens: Value,
    closes: Value,
    where: Callable[[Row], Truth] | None,
    whole_span: Callable[[Row], tuple[Any, Any]],
    circle: float,
    rows: Sequence[Row],
    whole: bool,
) -> Relation:
    """Return what the spans leave of each owner's own span, or of the circle."""
    made: list[Row] = []
    open_: set[str] = set(open_owners)
    for owner in owners:
        inside = rows if groups is None else groups.get(owner.id, ())
        spans = spans_of(inside, opens, closes, where)
        low, high = whole_span(owner)
        if spans is None or low is None or high is None:
            open_.add(owner.id)
        elif owner.id not in open_owners:
            left = circle_gaps(spans, circle) if circle else line_gaps(spans, low, high)
            made += [span_row(name, owner, span) for span in left]
    return Relation(name, made, whole, open_parents=frozenset(open_))


def line_gaps(spans: list[Span], low: float, high: float) -> list[Span]:
    """Return what is left of a stretch.

    >>> line_gaps([(2, 3), (5, 9)], 0, 8)
    [(0, 2), (3, 5)]
    """
    left: list[Span] = []
    for start, end in merged(spans, 0, 0):
        if start > low:
            left.append((low, min(start, high)))
        low = max(low, end)
        if low >= high:
            break
    if low < high:
        left.append((low, high))
    return [span for span in left if span[0] < span[1]]


def circle_gaps(spans: list[Span], circle: float) -> list[Span]:
    """Return what is left of a circle.

    >>> circle_gaps([(0, 2), (5, 6)], 10)
    [(2, 5), (6, 10)]
    >>> circle_gaps([(5, 13)], 10)
    [(3, 5)]
    """
    joined = merged(spans, 0, circle)
    if not joined:
        return [(0.0, float(circle))]
    following = [*joined[1:], (joined[0][0] + circle, 0)]
    left = [(end, after) for (_, end), (after, _) in zip(joined, following, strict=True) if end < after]
    return [(start % circle, start % circle + end - start) for start, end in left]


def span_row(name: str, owner: Row, span: Span) -> Row:
    """Return the row of one span."""
    start, end = span
    return Row(
        {"opens": start, "closes": end},
        id=f"{owner.id}[{start:g},{end:g})",
        relation=name,
        parent=owner,
        place=owner.place,
    )
