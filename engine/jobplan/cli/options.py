"""Options and endings that several commands share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobplan.errors import BrokenPlan, JobplanError, Problem, suggest

if TYPE_CHECKING:
    from jobplan.expression.editions import Policies
    from jobplan.facts.schema import FactSchema

Function = TypeVar("Function", bound=Callable[..., Any])

FOUND, MISUSED, UNREAD = 1, 2, 3
"""Exit codes: findings at or above --fail-on; wrong usage or a broken policy; an unreadable plan."""


class Day(click.ParamType[date]):
    """A day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with what was expected."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write YYYY-MM-DD", param, ctx)


def policy_options(function: Function) -> Function:
    """Add --policies and --overlay."""
    folder = click.Path(exists=True, path_type=Path)
    for option in (
        click.option(
            "--overlay",
            "overlays",
            type=folder,
            multiple=True,
            help="Folder of an employer's overlay; may be given several times.",
        ),
        click.option(
            "--policies",
            "folder",
            type=folder,
            help="Folder of policies; else $JOBPLAN_POLICIES, else those shipped.",
        ),
    ):
        function = option(function)
    return function


colour_option = click.option(
    "--colour", "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
)


def policies_of(folder: Path | None, overlays: tuple[Path, ...]) -> Policies:
    """Return the policies that the options name. Raises JobplanError where the folder holds none."""
    from jobplan.expression.editions import load_policies  # takes time; help and bad usage do without

    found = load_policies(folder, overlays=overlays)
    if not found.names():
        help = "a policy is a folder <nation>/<contract> with a policy.yaml"
        raise JobplanError([Problem("no-policies", f"no policies in {found.folder}", None, help)])
    return found


@contextmanager
def said_plainly() -> Iterator[None]:
    """Print what is wrong with the input and leave with its exit code."""
    try:
        yield
    except JobplanError as broken:
        click.echo(str(broken), err=True)
        sys.exit(UNREAD if isinstance(broken, BrokenPlan) else MISUSED)


def colour_wanted(choice: str) -> bool:
    """Tell whether to print in colour: as asked, else on a terminal unless NO_COLOR is set."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def columns() -> int:
    """Return the width to write in: the terminal's, or 100."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120) if sys.stdout.isatty() else 100


def ordinal(value: date | None) -> int | None:
    """Return a day as an ordinal."""
    return value.toordinal() if value is not None else None


def assumptions_of(texts: Iterable[str], schema: FactSchema) -> list[dict[str, object]]:
    """Return the assumptions that FACT=VALUE makes. Raises JobplanError for what is no fact."""
    made = [assumption(text) for text in texts]
    known = [f"{relation.name}.{fact}" for relation in schema.relations.values() for fact in relation.fields]
    problems = [
        Problem("unknown-fact", f"no fact `{item['fact']}`", None, suggest(str(item["fact"]), known))
        for item in made
        if item["fact"] not in known
    ]
    if problems:
        raise JobplanError(problems)
    return made


def assumption(text: str) -> dict[str, object]:
    """Return the assumption that FACT=VALUE makes; numbers and truths are read as such."""
    fact, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"--assume takes FACT=VALUE, not {text!r}")
    return {"fact": fact, "value": scalar(value), "why": "assumed on the command line"}


def scalar(text: str) -> object:
    """Read a value of the command line: a truth, a number, else a text."""
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number
