"""`jobplan policy test`: run the cases beside the rules."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobplan.authoring.cases import read_cases, run_cases
from jobplan.backends.judging import ENGINES
from jobplan.cli.options import FOUND, policies_of, policy_options, said_plainly
from jobplan.evaluate import Evaluator


@click.command("test")
@click.argument("names", nargs=-1, metavar="[POLICY]…")
@policy_options
@click.option("--topic", help="Only the cases of this topic.")
@click.option(
    "--engine", type=click.Choice(sorted(ENGINES)), help="Back end; else durable-rules where it is installed."
)
def test_command(
    names: tuple[str, ...],
    folder: Path | None,
    overlays: tuple[Path, ...],
    topic: str | None,
    engine: str | None,
) -> None:
    """Run the cases that stand beside the rules.

    \b
    Example: jobplan policy test england/consultant-2003 --topic on-call
    """
    failed = 0
    with said_plainly():
        evaluator = Evaluator(policies_of(folder, overlays), engine)
        for name in names or tuple(evaluator.policies.names()):
            cases = read_cases(
                evaluator.policies.folder / name, evaluator.policies.checked(name).policy, topic
            )
            wrong = [outcome for outcome in run_cases(evaluator, name, cases) if outcome.wrong]
            for outcome in wrong:
                click.echo(f"{outcome.case.span}: {outcome.case.data['rule']}: {outcome.case.data['name']}")
                for line in outcome.wrong:
                    click.echo(f"    {line}")
            failed += len(wrong)
            click.echo(f"{name}: {len(cases) - len(wrong)} of {len(cases)} cases hold")
    sys.exit(FOUND if failed else 0)
