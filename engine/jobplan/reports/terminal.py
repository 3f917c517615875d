"""A console that writes to a text stream, without blanks at the ends of lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import IO

from rich.console import Console

from jobplan.reports import Style


@contextmanager
def console_to(out: IO[str], style: Style) -> Iterator[Console]:
    """Give a console whose page is written to `out` when it is done."""
    page = StringIO()
    yield Console(
        file=page, width=style.width, no_color=not style.colour, force_terminal=style.colour, highlight=False,
        color_system="standard" if style.colour else None, soft_wrap=False,
    )  # fmt: skip
    out.write("".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines()))
