"""Renderers: a report in, bytes out, one file for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from jobplan.findings.model import Report


@dataclass(frozen=True, slots=True)
class Style:
    """How reports are written: with colour, in how many columns, gaps one by one, evidence too.

    `many` tells that several plans were asked for, whatever became of them.
    """

    colour: bool = False
    width: int = 100
    gaps: bool = False
    evidence: bool = False
    many: bool = False


Renderer = Callable[[list[Report], IO[str], Style], None]


def _text(reports: list[Report], out: IO[str], style: Style) -> None:
    from jobplan.reports.text import render  # here, for the terminal library takes time to import

    render(reports, out, style)


def _json(reports: list[Report], out: IO[str], style: Style) -> None:
    from jobplan.reports.json import render

    render(reports, out, style)


def _html(reports: list[Report], out: IO[str], style: Style) -> None:
    from jobplan.reports.html import render

    render(reports, out, style)


def _sarif(reports: list[Report], out: IO[str], style: Style) -> None:
    from jobplan.reports.sarif import render

    render(reports, out, style)


def _junit(reports: list[Report], out: IO[str], style: Style) -> None:
    from jobplan.reports.junit import render

    render(reports, out, style)


RENDERERS: Mapping[str, Renderer] = {
    "text": _text,
    "json": _json,
    "html": _html,
    "sarif": _sarif,
    "junit": _junit,
}
