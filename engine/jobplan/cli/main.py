"""The command `jobplan` and its sub-commands."""

from __future__ import annotations

import gc

import click

from jobplan.cli.lazy import LazyGroup
from jobplan.version import __version__


def show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and which evaluator gives the verdicts."""
    if wanted and not context.resilient_parsing:
        from jobplan.backends.judging import default_engine, engine_words

        engine = default_engine()
        note = "" if engine == "rete" else " (durable-rules is not installed)"
        click.echo(f"jobplan {__version__}; verdicts by {engine_words(engine)}{note}")
        context.exit()


@click.group(
    cls=LazyGroup,
    homes={
        "audit": "jobplan.cli.audit:audit_command",
        "check": "jobplan.cli.check:check_command",
        "explain": "jobplan.cli.explain:explain_command",
        "policy": "jobplan.cli.policy:policy_group",
        "schema": "jobplan.cli.schema:schema_command",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the version.",
)
def main() -> None:
    """Judge job plans against their contracts.

    Example: jobplan check examples/*.yaml
    """
    # Reading a policy makes many objects that all stay; looking through them again and again takes time.
    gc.set_threshold(50_000, 20, 20)
