"""`jobplan policy list`, `show` and `find`: look at policies."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from jobplan.cli.options import (
    MISUSED,
    Day,
    colour_option,
    colour_wanted,
    columns,
    policies_of,
    policy_options,
    said_plainly,
)


@click.command("list")
@policy_options
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@colour_option
def list_command(folder: Path | None, overlays: tuple[Path, ...], form: str, colour: str) -> None:
    """List the policies: days in force, how far checked, how many rules, cases and source facts.

    \b
    Example: jobplan policy list --overlay trusts/made-up-trust
    """
    from jobplan.authoring.catalogue import catalogue
    from jobplan.reports import Style, policies

    with said_plainly():
        listed = list(catalogue(policies_of(folder, overlays)))
    if form == "json":
        policies.write_json(policies.list_data(listed), sys.stdout)
    else:
        policies.render_list(listed, sys.stdout, Style(colour_wanted(colour), columns()))
    broken = [item.broken for item in listed if item.broken is not None]
    for error in broken:
        click.echo(str(error), err=True)
    sys.exit(MISUSED if broken else 0)


@click.command("show")
@click.argument("name", metavar="POLICY")
@click.argument("choice", metavar="[RULE|TOPIC]", required=False)
@policy_options
@click.option("--on", type=Day(), help="The day whose edition is shown. [default: today]")
@click.option(
    "--format", "form", type=click.Choice(["json", "text", "yaml"]), default="text", show_default=True
)
@colour_option
def show_command(
    name: str,
    choice: str | None,
    folder: Path | None,
    overlays: tuple[Path, ...],
    on: date | None,
    form: str,
    colour: str,
) -> None:
    """Show a policy as it stands on a day, whole or one rule or topic of it with what it rests on.

    Adopted rules are shown with what the contract brings to them in place, parameters with their
    values on that day, and each rule also as a plain sentence.

    \b
    Examples: jobplan policy show england/consultant-2003 premium-time --on 2024-04-01
              jobplan policy show england/consultant-2003 spa-minimum --format yaml
    """
    from jobplan.authoring.resolved import resolved
    from jobplan.reports import Style, policies

    with said_plainly():
        known = policies_of(folder, overlays)
        checked = known.checked(name)
        day = (on or date.today()).toordinal()  # noqa: DTZ011 -- the day is the reader's own
        data = resolved(checked, known.schema, day, choice, str(known.folder))
    if form == "text":
        style = Style(colour_wanted(colour), columns())
        policies.render_policy(data, checked.policy, sys.stdout, style)
    elif form == "json":
        policies.write_json(data, sys.stdout)
    else:
        policies.write_yaml(data, sys.stdout)


@click.command("find")
@click.argument("query", nargs=-1, required=True, metavar="WORDS|CLAUSE")
@policy_options
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most that is printed.")
@colour_option
def find_command(
    query: tuple[str, ...],
    folder: Path | None,
    overlays: tuple[Path, ...],
    form: str,
    limit: int,
    colour: str,
) -> None:
    """Search rules, parameters, tables, measures, columns and source facts; best first.

    A clause is found in citations however it is shortened; an id of a source fact, or its
    beginning, in what encodes it; any other words wherever all of them stand.

    \b
    Examples: jobplan policy find Sch 7 para 1
              jobplan policy find ENG-CON-PREM-08
              jobplan policy find mediation weeks
    """
    from jobplan.authoring.find import find
    from jobplan.reports import Style, policies

    words = " ".join(query)
    with said_plainly():
        known = policies_of(folder, overlays)
        hits = find([(known.checked(name).policy, known.folder / name) for name in known.names()], words)
    shown = hits[:limit]
    if form == "json":
        policies.write_json(policies.hits_data(shown, len(hits)), sys.stdout)
    else:
        policies.render_hits(shown, len(hits), sys.stdout, Style(colour_wanted(colour), columns()))
    if not hits:
        click.echo(f"nothing found for {words!r}", err=True)
