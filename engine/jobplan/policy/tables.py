"""Turn the checked data of tables into model objects: look-ups and weekly windows."""

from __future__ import annotations

from math import inf
from typing import Any

from jobplan.errors import closest, suggest
from jobplan.model import Period, Table, TableRow, Window
from jobplan.policy.build import Builder, Data, kind_words, number
from jobplan.source import Route
from jobplan.validation import words_of

FITS_NOTHING = (inf, -inf)
"""A range in place of a key that cannot be read."""


def build_table(builder: Builder, name: str, data: Data, agreed: str = "") -> Table:
    """Return one table; overlapping rows are a problem."""
    route: Route = ("tables", name)
    windows: tuple[Window, ...] = ()
    rows: tuple[TableRow, ...] = ()
    if "windows" in data:
        windows = tuple(window(builder, row, (*route, "rows", i)) for i, row in enumerate(data["rows"]))
    else:
        rows = tuple(
            table_row(builder, row, data, (*route, "rows", i), agreed) for i, row in enumerate(data["rows"])
        )
        check_kinds(builder, data, route)
        refuse_overlap(builder, rows, data, route)
    return Table(
        name=name,
        by=tuple(data.get("by", ())),
        gives=data.get("gives", ""),
        rows=rows,
        windows=windows,
        if_none=data.get("if_none", ""),
        open=data.get("open", False),
        cites=builder.citations(data),
        facts=tuple(data.get("facts", ())),
        title=data.get("title", ""),
        place=(builder.document.file, route),
    )


def window(builder: Builder, row: Data, route: Route) -> Window:
    """Return one weekly window; one that does not close after it opens is a problem."""
    opens, closes = minutes(row["opens"]), minutes(row["closes"])
    if closes <= opens:
        said = f"expected a time after {row['opens']}, found `{row['closes']}`"
        way_out = "a window lies within one day: let it close at 24:00, and open another at 00:00"
        builder.problem("empty-window", said, (*route, "closes"), way_out)
    period = builder.period(row, route)
    return Window(period, tuple(row["days"]), opens, closes, row.get("unsettled", ""))


def table_row(builder: Builder, row: Data, table: Data, route: Route, agreed: str) -> TableRow:
    """Return one row of a look-up; a column too many or too few is a problem."""
    columns = [*table["by"], table["gives"]]
    unknown = [key for key in row if key not in (*columns, "from", "until")]
    for key in unknown:
        hint = suggest(key, columns) or f"it has {', '.join(f'`{name}`' for name in columns)}"
        builder.problem("unknown-field", f"the table has no column `{key}`", (*route, key), hint, key=True)
    misspelt = {closest(key, columns) for key in unknown}
    for key in columns:
        if key not in row and key not in misspelt:
            builder.problem("missing-field", f"this row has no `{key}`", route)
    keys = tuple(table_key(builder, row.get(key), (*route, key)) for key in table["by"])
    value = row.get(table["gives"])
    if isinstance(value, list):
        said = "expected a number or a text, found a list"
        builder.problem("wrong-kind", said, (*route, table["gives"]), "only keys may be ranges")
    return TableRow(builder.period(row, route), keys, number(value), agreed)


def check_kinds(builder: Builder, table: Data, route: Route) -> None:
    """Note a value of another kind than its column has in the first row: it would never be found."""
    for column in (*table["by"], table["gives"]):
        found = [(i, row[column]) for i, row in enumerate(table["rows"]) if column in row]
        for index, value in found:
            if kind_words(value) != kind_words(found[0][1]):
                said = f"expected {kind_words(found[0][1])} like the first row, found {words_of(value)}"
                builder.problem("wrong-kind", said, (*route, "rows", index, column))


def table_key(builder: Builder, value: Any, route: Route) -> Any:
    """Return a key as a value, or as both ends of an inclusive range; None is no bound."""
    if isinstance(value, str | int | float):
        return number(value)
    if not isinstance(value, list):
        return FITS_NOTHING  # it is not there, which has been told
    bounds = [number(None if bound == "~" else bound) for bound in value]
    good = len(bounds) == 2 and all(bound is None or isinstance(bound, float) for bound in bounds)
    if not good or (None not in bounds and bounds[0] > bounds[1]):
        found = ", ".join("~" if bound is None else str(bound) for bound in value)
        said = f"expected a range, `[lowest, highest]`, found `[{found}]`"
        builder.problem("bad-range", said, route, "write `~` where there is no bound")
        return FITS_NOTHING
    return tuple(bounds)


def refuse_overlap(builder: Builder, rows: tuple[TableRow, ...], data: Data, route: Route) -> None:
    """Note each row for keys that another row before it fits too; not those that are broken anyway."""
    alike: dict[tuple[Any, ...], list[int]] = {}  # rows with the same texts among their keys
    for second, row in enumerate(rows):
        if not {*data["by"]} <= set(data["rows"][second]):
            continue
        before = alike.setdefault(tuple(key for key in row.keys if isinstance(key, str)), [])
        meetings = ((first, meeting(rows[first], row)) for first in before)
        first, shared = next(((first, keys) for first, keys in meetings if keys is not None), (-1, []))
        before.append(second)
        if first >= 0:
            where = ", ".join(f"{key} {value}" for key, value in zip(data["by"], shared, strict=True))
            builder.problem(
                "rows-overlap",
                f"rows {first + 1} and {second + 1} both fit {where}",
                (*route, "rows", second),
                "end one range below the other, or the days of one before those of the other",
                related=((f"row {first + 1}", builder.document.at((*route, "rows", first))),),
            )


def minutes(clock: str) -> int:
    """Return a time of day as minutes from midnight."""
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


def meeting(first: TableRow, second: TableRow) -> list[Any] | None:
    """Return keys that fit both rows on some day, or None if there are none."""
    if not meets(bounds(first.period), bounds(second.period), half_open=True):
        return None
    pairs = [(key_range(a), key_range(b)) for a, b in zip(first.keys, second.keys, strict=True)]
    return [shared(a, b) for a, b in pairs] if all(meets(a, b) for a, b in pairs) else None


def shared(a: tuple[Any, Any], b: tuple[Any, Any]) -> Any:
    """Return one value that lies in two ranges that meet.

    >>> shared((1.0, 4.0), (4.0, None)), shared((None, None), (None, 2.5))
    (4, 2.5)
    """
    lows = [low for low in (a[0], b[0]) if low is not None]
    highs = [high for high in (a[1], b[1]) if high is not None]
    found = max(lows) if lows else min(highs) if highs else "any value"
    return int(found) if isinstance(found, float) and found.is_integer() else found


def bounds(period: Period) -> tuple[Any, Any]:
    """Return both ends of a period."""
    return (period.from_, period.until)


def key_range(key: Any) -> tuple[Any, Any]:
    """Return a key as a range."""
    return key if isinstance(key, tuple) else (key, key)


def meets(a: tuple[Any, Any], b: tuple[Any, Any], *, half_open: bool = False) -> bool:
    """Tell whether two ranges share a value; None is no bound."""
    for (low, _), (_, high) in ((a, b), (b, a)):
        if low is None or high is None:
            continue
        if type(low) is not type(high) or low > high or (half_open and low == high):
            return False
    return True
