"""Shapes of a picture: boxes, lines and words at their places, with the figures behind them as a table.

The pictures are boxes and words only, so a template writes them as SVG; a library of charts would bring
fonts, scripts and bytes that hang on its version, and would not follow light, dark and print.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor, log10

WIDTH = 720
"""Width of a drawing in its own units; a page shows it as wide as there is room."""

LETTER = 6.4
"""Mean width of a letter in the same units."""


@dataclass(frozen=True)
class Box:
    """A filled rectangle of a class `kind`: `said` stands in its tip, `weight` is how full its colour is."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    said: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "axis"


@dataclass(frozen=True)
class Words:
    """A text; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "word"


@dataclass
class Drawing:
    """One picture: what is drawn, what it says in words, what its colours mean, its figures."""

    name: str
    title: str
    height: float = 0.0
    said: str = ""
    note: str = ""
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    width: float = WIDTH


def nice_step(span: float, parts: int = 5) -> float:
    """Return a round step that cuts a span in about so many parts.

    >>> nice_step(11.2), nice_step(4200), nice_step(1.0), nice_step(0)
    (2.5, 1000.0, 0.2, 1.0)
    """
    if span <= 0:
        return 1.0
    raw = span / parts
    power = 10.0 ** floor(log10(raw))
    return float(next((step * power for step in (1, 2, 2.5, 5) if step * power >= raw * 0.999), 10 * power))


def ticks(highest: float, *, whole: bool = False) -> list[float]:
    """Return round places on a scale from 0 to a little above what is highest on it; counts have whole ones.

    >>> ticks(11.2)
    [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]
    >>> ticks(2, whole=True)
    [0.0, 1.0, 2.0]
    """
    step = max(1.0, float(ceil(nice_step(highest)))) if whole else nice_step(highest)
    return [round(step * index, 9) for index in range(ceil(highest / step - 1e-9) + 1)]


def number(value: float, decimals: int = 2) -> str:
    """Return a number for people: thousands parted, trailing zeros dropped.

    >>> number(1234.50), number(7.0), number(0.125, 3)
    ('1,234.5', '7', '0.125')
    """
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(part: float, whole: float) -> str:
    """Return a share for people, never 0 or 100 where it is not.

    >>> percent(1, 3), percent(1, 5000), percent(4999, 5000), percent(0, 0)
    ('33 %', '< 1 %', '> 99 %', '–')
    """
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 1:
        return "< 1 %"
    if 99 < share < 100:
        return "> 99 %"
    return f"{floor(share + 0.5)} %"


def shortened(text: str, room: float) -> str:
    """Return a text that fits, cut where it must be.

    >>> shortened("a rather long name", 64)
    'a rather…'
    """
    most = max(4, int(room / LETTER))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
