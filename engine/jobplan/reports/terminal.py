"""A console that writes to a text stream, without blanks at the ends of lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from io import StringIO
from typing import IO, Any

from rich.console import Console

from jobplan.reports import Style

HIDDEN = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\N{REPLACEMENT CHARACTER}")
"""Characters that turn the direction of writing, so that a line reads as what it is not."""


def printable(value: Any) -> Any:
    """Return a report, or part of one, without characters that move the cursor or turn the writing.

    What plans and policies say is printed among the terminal's own codes.
    """
    if isinstance(value, str):
        return (
            value.translate(HIDDEN) if value.isprintable() else "".join(map(shown, value)).translate(HIDDEN)
        )
    if isinstance(value, tuple):
        parts = map(printable, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: printable(getattr(value, f.name)) for f in fields(value)})
    return value


def shown(char: str) -> str:
    """Return a character, a blank for white space, or the sign for what cannot be shown."""
    return char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"


@contextmanager
def console_to(out: IO[str], style: Style) -> Iterator[Console]:
    """Give a console whose page is written to `out` when it is done."""
    page = StringIO()
    yield Console(
        file=page, width=style.width, no_color=not style.colour, force_terminal=style.colour, highlight=False,
        color_system="standard" if style.colour else None, soft_wrap=False,
    )  # fmt: skip
    out.write("".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines()))
