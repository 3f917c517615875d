"""`jobplan audit verify`: make a pack again and compare."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobplan.cli.options import FOUND, policies_of, policy_options, said_plainly


@click.command("verify")
@click.argument("pack", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@policy_options
@click.option(
    "--data", multiple=True, type=click.Path(exists=True), help="Where the inputs are now, if they moved."
)
@click.option(
    "--pseudonymise", "key", is_flag=False, flag_value="", metavar="[KEYFILE]",
    help="The key of a pack with pseudonyms; from a file, else from $JOBPLAN_PSEUDONYM_KEY.",
)  # fmt: skip
@click.option("--memory", default="1GB", show_default=True, help="Memory of the database.")
def verify_command(
    pack: Path,
    folder: Path | None,
    overlays: tuple[Path, ...],
    data: tuple[str, ...],
    key: str | None,
    memory: str,
) -> None:
    """Make a pack again from its inputs in another folder, and compare every file.

    Tells too whether a file of the pack was edited since. The policies and overlays are those of the options.

    \b
    Example: jobplan audit verify pack
    Exit codes: 0 the same bytes, 1 something differs, 2 wrong usage, or the inputs are not there.
    """
    from jobplan.auditing import verify
    from jobplan.auditing.pseudonyms import key_from
    from jobplan.cli.audit_show import Bar

    bar = Bar()
    with said_plainly(), bar:
        secret = None if key is None else key_from(Path(key) if key else None)
        found = verify(
            pack,
            policies_of(folder, overlays),
            data=data,
            pseudonym_key=secret,
            memory=memory,
            watch=bar.show,
        )
    for words, names in (
        ("edited since it was made", found.edited),
        ("comes out otherwise", found.differing),
        ("made from something else", found.changed),
    ):
        for name in names:
            click.echo(f"{words}: {name}")
    click.echo(f"{found.files} files, {'all the same' if found.is_same else 'not all the same'}")
    sys.exit(0 if found.is_same else FOUND)
