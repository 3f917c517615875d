"""Draw what `jobplan check` prints, for the README.

    python tools/draw_check.py docs/check.svg

The command itself is run, with colour, and what it prints is drawn as it stands. The present day is fixed, so
the same program draws the same picture.
"""

import os
import subprocess
import sys
from html import escape
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100  # columns of the command where it does not write to a terminal
COMMAND = ["check", "examples/made-up-evening-clinic.yaml", "--severity", "breach", "--severity", "advice"]
FIXED = ["--today", "2025-06-01", "--engine", "reference", "--colour", "always"]

THEME = TerminalTheme(
    (28, 30, 36),
    (222, 224, 228),
    [(70, 74, 84), (240, 98, 98), (120, 190, 120), (225, 180, 90), (110, 160, 230), (200, 130, 210),
     (90, 190, 200), (222, 224, 228)],
)  # fmt: skip

# The picture that rich would draw loads its letters from the network; this one takes what is there.
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>TITLE</title>
<style>
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 16px; }}
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def printed() -> str:
    """Return what the command prints, with the signs that colour it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBPLAN_")}
    environment["PYTHONPATH"] = str(ROOT / "engine")
    command = [sys.executable, "-m", "jobplan", *COMMAND, *FIXED]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode > 1:
        raise SystemExit(ran.stderr)
    return ran.stdout


def drawn(text: str) -> str:
    """Return the picture of a text with colour signs, as SVG."""
    console = Console(width=WIDTH, record=True, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text), soft_wrap=True)
    title = " ".join(["jobplan", *COMMAND])
    form = FORMAT.replace("TITLE", escape(title))
    return console.export_svg(title=title, theme=THEME, code_format=form, unique_id="check")


def main(arguments: list[str]) -> int:
    """Write the picture and return the exit code."""
    Path(arguments[0]).write_text(drawn(printed()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
