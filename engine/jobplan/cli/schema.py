"""`jobplan schema`: print a schema, for editors."""

from __future__ import annotations

import click

from jobplan.cli.options import said_plainly


@click.command("schema")
@click.argument("name", metavar="NAME")
def schema_command(name: str) -> None:
    """Print the JSON Schema of a plan, policy, cases or report.

    \b
    Example: jobplan schema plan > plan.schema.json
    Names: plan, policy, cases, report
    """
    from jobplan.data import schemas_dir
    from jobplan.errors import JobplanError, Problem, suggest

    ending = ".schema.json"
    known = {path.name.removesuffix(ending): path for path in sorted(schemas_dir().glob(f"*{ending}"))}
    with said_plainly():
        if name not in known:
            hint = suggest(name, known) or "there are " + ", ".join(f"`{other}`" for other in known)
            raise JobplanError([Problem("unknown-schema", f"no schema `{name}`", None, hint)])
    click.echo(known[name].read_text(encoding="utf-8"), nl=False)
