"""`jobplan explain`: how a verdict came about."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from jobplan.cli.options import (
    Day,
    assumptions_of,
    colour_option,
    colour_wanted,
    columns,
    ordinal,
    policies_of,
    policy_options,
    said_plainly,
)


@click.command("explain")
@click.argument("plan", metavar="PLAN")
@click.argument("rule", metavar="RULE")
@policy_options
@click.option("--row", metavar="ID", help="Only the verdict on this row.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@click.option("--as-of", type=Day(), help="Judge by the edition of this day instead of the plan's own date.")
@click.option("--today", type=Day(), help="Take this as the present day.")
@click.option("--assume", "assumed", multiple=True, metavar="FACT=VALUE", help="Fill a missing fact in.")
@click.option("--full/--brief", default=None, help="Explain each row of a sum too. [JSON: full, text: brief]")
@colour_option
def explain_command(
    plan: str,
    rule: str,
    folder: Path | None,
    overlays: tuple[Path, ...],
    row: str | None,
    form: str,
    as_of: date | None,
    today: date | None,
    assumed: tuple[str, ...],
    full: bool | None,
    colour: str,
) -> None:
    """Show how the verdict of a plan on a rule came about.

    The condition comes first, then the measures and columns that it reads, then the facts behind
    them, each with its value, unit and place. Each is explained once.

    \b
    Example: jobplan explain plan.yaml elective-premium-agreed --row tuesday-clinic
    """
    from jobplan.evaluate import Evaluator
    from jobplan.explain import explain

    with said_plainly():
        evaluator = Evaluator(policies_of(folder, overlays))
        read = evaluator.read(plan, assumptions_of(assumed, evaluator.policies.schema))
        judged = evaluator.judge(read, as_of=ordinal(as_of), today=ordinal(today))
        wanted = full if full is not None else form == "json"
        found = explain(evaluator, judged, rule, row=row, full=wanted)
    if form == "json":
        from jobplan.reports.explain_json import render as render_json

        render_json(found, sys.stdout)
    else:
        from jobplan.reports import Style
        from jobplan.reports.explain import render

        render(found, sys.stdout, Style(colour_wanted(colour), columns()), full=wanted)
