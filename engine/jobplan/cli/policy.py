"""`jobplan policy`: for those who write rules."""

from __future__ import annotations

import click

from jobplan.cli.lazy import LazyGroup


@click.group(
    "policy",
    cls=LazyGroup,
    homes={
        "find": "jobplan.cli.policy_show:find_command",
        "list": "jobplan.cli.policy_show:list_command",
        "show": "jobplan.cli.policy_show:show_command",
        "test": "jobplan.cli.policy_cases:test_command",
    },
)
def policy_group() -> None:
    """Look at policies and test them.

    Example: jobplan policy list
    """
