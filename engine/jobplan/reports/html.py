"""Reports as one HTML file that needs nothing else: of an audit, and of plans that were checked."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import IO, Any

from jobplan.extras import library
from jobplan.findings.model import Report
from jobplan.findings.units import unit_words
from jobplan.reports import Style
from jobplan.reports.audit_findings import MOST
from jobplan.reports.audit_page import MEANINGS, page
from jobplan.reports.audit_tables import audit_tables, written_whole
from jobplan.reports.citation import in_one_line
from jobplan.reports.drawing import number, percent
from jobplan.reports.text import said

TEMPLATES = Path(__file__).parent / "templates"
NAME = "report.html"


def write_html(folder: Path, *, most: int = MOST) -> Path:
    """Write the report on the audit in a folder, and return where it is.

    At most so many findings are embedded, the gravest; of the others it says where they are.
    """
    with audit_tables(folder) as tables:
        context = page(tables, most)
    return written_whole(folder / NAME, rendered("report.html.j2", context).encode())


def render(reports: list[Report], out: IO[str], style: Style) -> None:
    """Write the reports on plans as one page; gaps one by one only where they are asked for."""
    out.write(rendered("plans.html.j2", {"reports": reports, "gaps": style.gaps, "meanings": MEANINGS}))


def rendered(template: str, context: dict[str, Any]) -> str:
    """Return a page; every value put into it is escaped, and only its own style and script may run."""
    jinja = library("jinja2")
    environment = jinja.Environment(
        loader=jinja.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"n": number, "share": percent, "said": said, "unit": unit_words}
    style, script = (own(TEMPLATES / f"report.{kind}") for kind in ("css", "js"))
    safe = library("markupsafe").Markup
    return str(
        environment.get_template(template).render(
            **context,
            style=safe(style),
            style_hash=digest(style),
            script=safe(script),
            script_hash=digest(script),
            in_one_line=in_one_line,
        )
    )


def own(path: Path) -> str:
    """Return the text of a file that travels with the templates."""
    return path.read_text("utf-8")


def digest(text: str) -> str:
    """Return what a page's policy of contents names an inline part by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
