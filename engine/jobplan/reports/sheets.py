"""A workbook written sheet by sheet, row by row: texts stay texts, and what Excel cannot hold is told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from jobplan.extras import library

MOST_ROWS = 1_048_576
MOST_LINKS = 65_530
MOST_LETTERS = 32_767
MOST_NAME = 31
MOST_URL = 2_079
"""Limits of Excel: rows and links of a sheet, letters of a cell, of a sheet's name, of a link."""

CUT = " … (cut: a cell holds no more)"
BARRED = str.maketrans(dict.fromkeys("[]:*?/\\'", "-"))

COLOURS = {
    "breach": ("#F9D6D3", "#7A1510"),
    "query": ("#EBD6EA", "#5E235C"),
    "caution": ("#FCE3C4", "#6B3A00"),
    "advice": ("#D3E9F0", "#12475A"),
    "note": ("#DBE2F2", "#26386B"),
    "gap": ("#E7E9EC", "#3C434B"),
    "open": ("#F1E9D0", "#5A4A16"),
}
"""Ground and letters of each severity; the word stands in the cell too."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in letters, and what its cells are."""

    title: str
    width: float
    kind: Literal["text", "number", "percent", "link", "severity"] = "text"


class Book:
    """A workbook under way; `notes` says what did not fit into which sheet."""

    def __init__(self, path: Path, title: str, created: datetime) -> None:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "max_url_length": MOST_URL,
        }
        self.workbook: Any = library("xlsxwriter").Workbook(str(path), options)
        self.workbook.set_properties({"title": title, "created": created})
        self.notes: list[str] = []
        self._names: set[str] = set()
        add = self.workbook.add_format
        self.heading = add(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#EEF0F3"}
        )
        self.title = add({"bold": True, "font_size": 16})
        self.strong = add({"bold": True, "valign": "top"})
        self.formats: Mapping[str, Any] = {
            "text": add({"text_wrap": True, "valign": "top"}),
            "number": add({"num_format": "#,##0", "valign": "top"}),
            "percent": add({"num_format": "0 %", "valign": "top"}),
            "link": add({"font_color": "#0B57A4", "underline": 1, "valign": "top"}),
        }
        self.severities = {
            name: add({"bg_color": ground, "font_color": letters, "bold": True, "valign": "top"})
            for name, (ground, letters) in COLOURS.items()
        }

    def sheet(self, name: str) -> Any:
        """Return a new sheet that prints on A4 across, under a name that Excel takes."""
        sheet = self.workbook.add_worksheet(sheet_name(name, self._names))
        self._names.add(sheet.get_name().lower())
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def table(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
        """Write a sheet with frozen headings and filters; return how many rows it took."""
        sheet = self.sheet(name)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, column.title, self.heading)
        sheet.freeze_panes(1, 2)
        sheet.repeat_rows(0)
        written, left, links = 0, 0, 0
        for row in rows:
            if written + 1 >= MOST_ROWS:
                left += 1
                continue
            written += 1
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                is_link = column.kind == "link" and links < MOST_LINKS
                links += self.cell(
                    sheet, written, place, value, column.kind if is_link or column.kind != "link" else "text"
                )
        sheet.autofilter(0, 0, max(written, 1), len(columns) - 1)
        if left:
            self.notes.append(f"{left:,} rows do not fit into the sheet “{sheet.get_name()}”")
        if links == MOST_LINKS:
            self.notes.append(
                f"Below row {MOST_LINKS:,} of “{sheet.get_name()}” links stand as text: Excel has no more"
            )
        return written

    def cell(self, sheet: Any, row: int, place: int, value: Any, kind: str) -> int:
        """Write one cell; return how many links it made."""
        if value is None or value == "":
            return 0
        if kind in ("number", "percent"):
            sheet.write_number(row, place, value, self.formats[kind])
            return 0
        text = fitting(str(value))
        if kind == "link" and is_link(text):
            sheet.write_url(row, place, text, self.formats["link"], text)
            return 1
        known = self.severities.get(text) if kind == "severity" else None
        sheet.write_string(row, place, text, known or self.formats["text"])
        return 0

    def close(self) -> None:
        """Write the file."""
        self.workbook.close()


def fitting(text: str) -> str:
    """Return a text as far as a cell holds it, saying so where it is cut.

    >>> len(fitting("x" * 40_000)), fitting("short")
    (32767, 'short')
    """
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - len(CUT)] + CUT


def is_link(text: str) -> bool:
    """Tell whether a text may become a link: a page of the web, and nothing that a click would run."""
    return text.startswith(("https://", "http://")) and len(text) <= MOST_URL and " " not in text


def sheet_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that Excel takes and that is not taken.

    >>> sheet_name("On/off: a [long] name that goes on and on", ())
    'On-off- a -long- name that goes'
    >>> sheet_name("Rules", {"rules"})
    'Rules 2'
    """
    plain = name.translate(BARRED).strip() or "Sheet"
    found, number = plain[:MOST_NAME].strip(), 1
    while found.lower() in taken or found.lower() == "history":
        number += 1
        found = f"{plain[: MOST_NAME - len(str(number)) - 1].strip()} {number}"
    return found
