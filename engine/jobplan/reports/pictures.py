"""The pictures of an audit: policies say as data what to draw; here it is counted and laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import floor
from typing import Any

from jobplan.quoting import quoted
from jobplan.reports.audit_tables import AuditTables
from jobplan.reports.drawing import (
    WIDTH,
    Box,
    Drawing,
    Line,
    Words,
    nice_step,
    number,
    percent,
    shortened,
    ticks,
)

Data = Mapping[str, Any]

MOST_BARS = 12
"""Bars of a split, beside that of all plans."""

MOST_COLUMNS = 40
"""Bars of a distribution."""

MOST_VALUES = 10
"""Rows, and columns, of what is held against something."""


def pictures(tables: AuditTables) -> list[Drawing]:
    """Return every picture of every policy, in their order; what cannot be drawn says why."""
    return [
        KINDS[picture["kind"]](tables, policy, picture)
        for policy in tables.policies
        for picture in policy["pictures"]
        if picture["kind"] in KINDS
    ]


def started(tables: AuditTables, policy: Data, picture: Data) -> Drawing:
    """Return an empty drawing with its names; several policies tell apart whose it is."""
    title = picture["title"] + (f" · {policy['title']}" if len(tables.policies) > 1 else "")
    return Drawing(f"{policy['id']}/{picture['name']}", title, note=picture["note"])


# --- split ------------------------------------------------------------------------------------


def split(tables: AuditTables, policy: Data, picture: Data) -> Drawing:
    """Draw the means of some measures stacked, for all plans and for each value of a fact."""
    drawing = started(tables, policy, picture)
    titles = [policy["measures"][name]["title"] for name in picture["names"]]
    bars = split_rows(tables, policy, picture)
    whole = bars[0]
    if not whole[1]:
        drawing.note = "In no plan are all of these known."
        return drawing
    scale = ticks(max(sum(means) for _, _, means in bars))
    left, right, height = 190.0, WIDTH - 50.0, 26.0
    wide = (right - left) / scale[-1]
    bottom = 8 + height * len(bars)
    for mark in scale:
        drawing.lines.append(Line(left + mark * wide, 4, left + mark * wide, bottom, "grid"))
        drawing.words.append(Words(left + mark * wide, bottom + 16, number(mark), "middle", "tick"))
    for row, (value, plans, means) in enumerate(bars):
        drawing.words.append(Words(left - 8, 22 + height * row, shortened(value, left - 12), "end"))
        drawing.words.append(Words(right + 6, 22 + height * row, number(sum(means)), "start", "figure"))
        add_stack(drawing, zip(titles, means, strict=True), left, 8 + height * row, wide)
        drawing.rows.append([value, number(plans), *(number(mean) for mean in means), number(sum(means))])
    drawing.height = bottom + 24
    drawing.head = ["", "Plans", *titles, "Together"]
    drawing.legend = [(f"series-{index}", title) for index, title in enumerate(titles)]
    parts = ", ".join(f"{title} {number(mean)}" for title, mean in zip(titles, whole[2], strict=True))
    known = f"all are known in {number(whole[1])} of {number(count_of(tables, policy))} plans"
    drawing.said = f"On the mean of all plans: {parts}; {known}."
    return drawing


def add_stack(
    drawing: Drawing, parts: Iterator[tuple[str, float]], left: float, top: float, wide: float
) -> None:
    """Add the boxes of one bar, each with its figure where that has room."""
    for index, (title, mean) in enumerate(parts):
        width = max(0.0, mean * wide)
        drawing.boxes.append(Box(left, top, width, 20, f"series-{index}", f"{title}: {number(mean)}"))
        if width > 32:
            drawing.words.append(
                Words(left + width / 2, top + 14, number(mean), "middle", f"on-series-{index}")
            )
        left += width


def split_rows(tables: AuditTables, policy: Data, picture: Data) -> list[tuple[str, int, list[float]]]:
    """Return bars as value, plans and means: first all plans, then the largest groups."""
    source = tables.table("measures", policy["id"])
    names = [quoted(name) for name in picture["names"]]
    known = " and ".join(f"{name} is not null" for name in names)
    means = ", ".join(f"sum(round({name} * 1e6)::hugeint) / count(*) / 1e6" for name in names)  # in any order
    found = tables.rows(f"select '', count(*), {means} from {source} where {known}")
    if picture["by"] in tables.plan_columns:
        by = f"coalesce({quoted(picture['by'])}::varchar, 'not stated')"
        found += tables.rows(
            f"select {by}, count(*), {means} from {source} join plans using (plan) where {known} "
            f"group by 1 order by 2 desc, 1 limit {MOST_BARS}"
        )
    return [
        (value if row else "All plans", plans, [mean or 0.0 for mean in rest])
        for row, (value, plans, *rest) in enumerate(found)
    ]


def count_of(tables: AuditTables, policy: Data) -> int:
    """Return how many plans were judged by a policy."""
    return int(tables.one(f"select count(*) from {tables.table('measures', policy['id'])}"))


# --- distribution -----------------------------------------------------------------------------


def distribution(tables: AuditTables, policy: Data, picture: Data) -> Drawing:
    """Draw how many plans have how much of a measure, with the parameters that speak of it."""
    drawing = started(tables, policy, picture)
    measure, name = policy["measures"][picture["names"][0]], quoted(picture["names"][0])
    source = tables.table("measures", policy["id"])
    low, high, known, plans, quartiles = tables.rows(
        f"select min({name}), max({name}), count({name}), count(*), quantile_disc({name}, [0.25, 0.5, 0.75]) "
        f"from {source}"
    )[0]
    if not known:
        drawing.note = "It is known in no plan."
        return drawing
    marks = [(each["value"], each["title"]) for line in picture["lines"]
             if (each := policy["parameters"][line])["value"] is not None]  # fmt: skip
    step = picture["step"] or nice_step(high - low, 20)
    while (high - low) / step > MOST_COLUMNS:
        step *= 2
    counts = dict(
        tables.rows(
            f"select floor({name} / {step} + 1e-9), count(*) from {source} "
            f"where {name} is not null group by 1"
        )
    )
    unit = policy["units"].get(measure["unit"], measure["unit"])
    first, last = floor(min([low, *(v for v, _ in marks)]) / step + 1e-9), floor(high / step + 1e-9)
    last = max([last, *(floor(value / step + 1e-9) for value, _ in marks)])
    columns = [(index * step, counts.get(float(index), 0)) for index in range(first, last + 1)]
    lay_columns(drawing, columns, step, marks, unit)
    lower, middle, upper = map(number, quartiles)
    told = f"half of the plans have {lower} to {upper}, the middle one {middle}"
    drawing.said = f"{measure['title']}, {unit}: {told}; known in {number(known)} of {number(plans)} plans."
    drawing.head = ["From", "to below", "Plans", "Share"]
    drawing.rows = [
        [number(start, 3), number(start + step, 3), number(count), percent(count, known)]
        for start, count in columns
    ]
    drawing.legend = [("mark", f"{number(value)} {unit} · {title}") for value, title in marks]
    return drawing


def lay_columns(
    drawing: Drawing,
    columns: Sequence[tuple[float, int]],
    step: float,
    marks: Sequence[tuple[float, str]],
    unit: str,
) -> None:
    """Lay out the bars of a distribution, its scales and its marks."""
    left, right, top, bottom = 52.0, WIDTH - 12.0, 26.0, 226.0
    scale = ticks(max(count for _, count in columns), whole=True)
    wide, tall = (right - left) / len(columns), (bottom - top) / scale[-1]
    for mark in scale:
        y = bottom - mark * tall
        drawing.lines.append(Line(left, y, right, y, "grid"))
        drawing.words.append(Words(left - 6, y + 4, number(mark), "end", "tick"))
    every = max(1, round(len(columns) / 12))
    for index, (start, count) in enumerate(columns):
        x = left + index * wide
        said = f"{number(start, 3)} to below {number(start + step, 3)}: {number(count)} plans"
        drawing.boxes.append(Box(x + 1, bottom - count * tall, wide - 2, count * tall, "series-0", said))
        if not index % every:
            drawing.words.append(Words(x + 1, bottom + 16, number(start, 3), "start", "tick"))
    for value, _ in marks:
        x = left + (value - columns[0][0]) / step * wide
        drawing.lines.append(Line(x, top - 8, x, bottom, "mark"))
        drawing.words.append(Words(x, top - 12, number(value), "middle", "mark"))
    drawing.words.append(Words(right, bottom + 34, unit, "end", "tick"))
    drawing.words.append(Words(left - 6, 12, "plans", "end", "tick"))
    drawing.height = bottom + 42


# --- against ----------------------------------------------------------------------------------


def against(tables: AuditTables, policy: Data, picture: Data) -> Drawing:
    """Draw what there is against what is due, row by row: equal, less, more, not known."""
    drawing = started(tables, policy, picture)
    if not tables.has("drawn", policy["id"], picture["relation"]):
        drawing.note = "The audit did not keep the rows that this draws."
        return drawing
    given, due = picture["names"]
    titles = {name: policy["columns"][picture["relation"]][name]["title"] for name in picture["names"]}
    found = tables.rows(
        f"select round({quoted(due)}, 6), round({quoted(given)}, 6), count(*) "
        f"from {tables.table('drawn', policy['id'], picture['relation'])} group by 1, 2 order by 1, 2"
    )
    counts = tallied(found)
    total = sum(counts.values())
    if not total:
        drawing.note = "No plan has such a row."
        return drawing
    named = {"same": "as due", "less": "less than due", "more": "more than due", "unknown": "not known"}
    drawing.legend = [
        (kind, f"{words}: {number(counts[kind])} ({percent(counts[kind], total)})")
        for kind, words in named.items()
    ]
    drawing.said = f"Of {number(total)} rows: " + ", ".join(
        f"{number(counts[kind])} {words}" for kind, words in named.items()
    ) + "."  # fmt: skip
    drawing.head = [titles[due], titles[given], "Rows"]
    drawing.rows = [[shown(row), shown(column), number(count)] for row, column, count in found]
    lay_matrix(drawing, found, titles[due], titles[given])
    return drawing


def tallied(found: Sequence[tuple[Any, Any, int]]) -> dict[str, int]:
    """Return how many rows have what is due, less, more, or one of both unknown."""
    counts = dict.fromkeys(("same", "less", "more", "unknown"), 0)
    for due, given, count in found:
        counts[compared(due, given)] += count
    return counts


def compared(due: float | None, given: float | None) -> str:
    """Return how what there is stands to what is due."""
    if due is None or given is None:
        return "unknown"
    return "same" if given == due else "less" if given < due else "more"


def shown(value: float | None) -> str:
    """Return a number, or that it is not known."""
    return "not known" if value is None else number(value)


def lay_matrix(
    drawing: Drawing, found: Sequence[tuple[Any, Any, int]], due_title: str, given_title: str
) -> None:
    """Lay out a box for each pair of values, the fuller the more rows have it."""
    rows, columns = most_frequent(found, 0), most_frequent(found, 1)
    cells: dict[tuple[Any, Any], int] = {}
    for due, given, count in found:
        if due in rows and given in columns:
            cells[(due, given)] = cells.get((due, given), 0) + count
    left, top, height = 150.0, 48.0, 32.0
    wide = min(84.0, (WIDTH - left - 8) / len(columns))
    biggest = max(cells.values())
    drawing.words.append(Words(left, 14, f"{given_title} →", "start", "tick"))
    drawing.words.append(Words(left - 10, 34, f"{shortened(due_title, left - 20)} ↓", "end", "tick"))
    for place, given in enumerate(columns):
        drawing.words.append(Words(left + (place + 0.5) * wide, 36, shown(given), "middle"))
    for line, due in enumerate(rows):
        y = top + line * height
        drawing.words.append(Words(left - 10, y + 20, shown(due), "end"))
        for place, given in enumerate(columns):
            count = cells.get((due, given), 0)
            x, kind = left + place * wide, compared(due, given)
            said = f"due {shown(due)}, given {shown(given)}: {number(count)} rows"
            weight = 0.15 + 0.85 * (count / biggest) ** 0.5 if count else 0.0
            drawing.boxes.append(
                Box(x + 1, y + 1, wide - 2, height - 2, kind if count else "empty", said, weight)
            )
            tone = (
                "strong"
                if weight > 0.75 and kind != "unknown"
                else "on-unknown"
                if weight > 0.75
                else "figure"
            )
            drawing.words.append(Words(x + wide / 2, y + 20, number(count) if count else "·", "middle", tone))
    drawing.height = top + height * len(rows) + 8
    left_out = sum(count for _, _, count in found) - sum(cells.values())
    if left_out:
        drawing.note += f" {number(left_out)} rows with rarer values are not drawn; the table has them."


def most_frequent(found: Sequence[tuple[Any, ...]], place: int) -> list[Any]:
    """Return the values that most rows have, in order of size; what is not known stands last."""
    counts: dict[Any, int] = {}
    for row in found:
        counts[row[place]] = counts.get(row[place], 0) + row[2]
    ranked = sorted(counts, key=lambda value: (-counts[value], value is None, value or 0))[:MOST_VALUES]
    return sorted(ranked, key=lambda value: (value is None, value or 0))


KINDS: Mapping[str, Callable[[AuditTables, Data, Data], Drawing]] = {
    "split": split,
    "distribution": distribution,
    "against": against,
}
