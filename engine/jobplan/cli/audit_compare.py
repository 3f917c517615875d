"""`jobplan audit compare`: what differs between two packs, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobplan.cli.options import FOUND, said_plainly

if TYPE_CHECKING:
    from jobplan.auditing import Comparison

_SHOWN = 40  # lines of kinds; JSON has every verdict

folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("compare")
@click.argument("old", metavar="OLD", type=folder)
@click.argument("new", metavar="NEW", type=folder)
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@click.option("--memory", default="1GB", show_default=True, help="Memory of the database.")
def compare_command(old: Path, new: Path, form: str, memory: str) -> None:
    """Tell which verdicts appeared, went or changed between two packs, and what did it.

    \b
    Example: jobplan audit compare pack-2024 pack-2025
    Exit codes: 0 no verdict differs, 1 some do, 2 wrong usage.
    """
    from jobplan.auditing import compare

    with said_plainly(), compare(old, new, memory=memory) as found:
        for line in as_json(found) if form == "json" else as_text(found):
            click.echo(line)
        count = found.count
    sys.exit(FOUND if count else 0)


def as_text(found: Comparison) -> Iterator[str]:
    """Yield the comparison in lines for people: by rule and cause, the most frequent first."""
    yield "plans     " + ", ".join(f"{count:,} {state}" for state, count in found.plans.items())
    for name, words in found.why.items():
        yield f"{name:<10}{words}"
    for policy, parts in found.policies.items():
        told = "; ".join(f"{what} {', '.join(names)}" for what, names in parts.items() if names)
        yield f"policy    {policy} changed: {told or 'nothing that its dictionary tells of'}"
    yield f"verdicts  {found.count:,} differ"
    for kind in found.kinds[:_SHOWN]:
        became = f"{kind['before'] or 'none'} → {kind['after'] or 'none'}"
        why = " and ".join(kind["why"]) or "no cause is known"
        yield f"{kind['count']:>9,}  {kind['rule']}  {became}  because {why}, as in {kind['example']}"
    if len(found.kinds) > _SHOWN:
        yield f"           and {len(found.kinds) - _SHOWN} kinds more: --format json has all"


def as_json(found: Comparison) -> Iterator[str]:
    """Yield the comparison as one JSON object, a line for each verdict that differs."""
    head = {
        "version": 1,
        "plans": dict(found.plans),
        "differs": dict(found.why),
        "policies": found.policies,
        "kinds": list(found.kinds),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "changes": ['
    before = ""
    for change in found.changes():
        if before:
            yield f"{before},"
        before = json.dumps(change, ensure_ascii=False)
    yield f"{before}]}}"
