"""`jobplan audit`: judge many plans into a folder; verify such a folder, or compare two."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import click

from jobplan.cli.options import (
    FOUND,
    UNREAD,
    Day,
    assumptions_of,
    policies_of,
    policy_options,
    said_plainly,
)
from jobplan.model import SEVERITIES

ENGINES = ("auto", "duckdb", "reference", "rete", "spark")
FORMATS = ("csv", "xlsx", "html", "sarif", "junit")
PARQUET = "parquet"
NEVER = "never"
STOPPED = 130


class WithOthers(click.Command):
    """A command with others below its name: `audit DATA…`, but `audit verify DIR`.

    A folder that has the name of one of them is given as ./verify.
    """

    others: ClassVar[Mapping[str, str]] = {
        "compare": "jobplan.cli.audit_compare:compare_command",
        "verify": "jobplan.cli.audit_verify:verify_command",
    }

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand over to another command where the first word is its name."""
        home = self.others.get(args[0]) if args else None
        if home is None:
            return super().make_context(info_name, args, parent, **extra)
        module, _, name = home.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 (the signature is click's)
        formatter: click.HelpFormatter,
    ) -> None:
        """Write which other commands there are."""
        with formatter.section("Commands below"):
            formatter.write_dl([
                ("verify DIR", "Make a pack again from its inputs and compare every file."),
                ("compare OLD NEW", "Tell which verdicts differ between two packs, and why."),
            ])  # fmt: skip


class Formats(click.ParamType[tuple[str, ...]]):
    """Formats, parted by commas."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the formats, or fail with what there is."""
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in value.split(","))
        known = (*FORMATS, PARQUET, "all")
        unknown = [word for word in words if word not in known]
        if unknown:
            self.fail(f"no format {unknown[0]!r}; there are {', '.join(known)}", param, ctx)
        return FORMATS if "all" in words else tuple(word for word in words if word != PARQUET)


def run(
    data: Sequence[str],
    out: Path,
    watch: Any,
    *,
    folder: Path | None,
    overlays: tuple[Path, ...],
    assumed: tuple[str, ...],
    as_of: date | None,
    today: date | None,
    key: str | None,
    chunk: int | None,
    **asked: Any,
) -> Any:
    """Run an audit as the options say. Raises JobplanError."""
    from jobplan.auditing import audit
    from jobplan.auditing.pseudonyms import key_from
    from jobplan.auditing.settings import CHUNK

    policies = policies_of(folder, overlays)
    return audit(
        data,
        out,
        policies=policies,
        assumptions=assumptions_of(assumed, policies.schema),
        as_of=as_of.isoformat() if as_of is not None else None,
        today=today.isoformat() if today is not None else None,
        pseudonym_key=None if key is None else key_from(Path(key) if key else None),
        watch=watch,
        chunk=chunk or CHUNK,
        **asked,
    )


@contextmanager
def stopping(out: Path) -> Iterator[None]:
    """Leave with a word and its own exit code where somebody stops the run."""
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except BaseException:
        if not stopped:
            raise
        # the database tells of an interrupt in an error of its own
        click.echo(f"stopped; what is finished is kept in {out}: go on with --resume", err=True)
        sys.exit(STOPPED)
    finally:
        signal.signal(signal.SIGINT, before)


@click.command("audit", cls=WithOthers)
@click.argument("data", nargs=-1, required=True, metavar="DATA…", type=click.Path(exists=True))
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write into.",
)  # fmt: skip
@policy_options
@click.option(
    "--format", "formats", type=Formats(), default="all", show_default=True,
    help="What to write beside the tables in Parquet: csv, xlsx, html, sarif, junit, parted by commas.",
)  # fmt: skip
@click.option("--verdicts-only", is_flag=True, help="No measures, findings and reports: in half the time.")
@click.option("--as-of", type=Day(), help="Judge by the edition of this day instead of each plan's own date.")
@click.option("--today", type=Day(), help="Take this as the present day.")
@click.option("--assume", "assumed", multiple=True, metavar="FACT=VALUE", help="Fill a missing fact in.")
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="Back end.")
@click.option("--threads", type=click.IntRange(1), help="Processors to use. [default: all]")
@click.option("--memory", default="1GB", show_default=True, help="Memory of the database.")
@click.option("--chunk", type=click.IntRange(1), help="Plans judged at a time.")
@click.option(
    "--pseudonymise", "key", is_flag=False, flag_value="", metavar="[KEYFILE]",
    help="Replace identities by keyed hashes; the key from a file, else from $JOBPLAN_PSEUDONYM_KEY.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped.")
@click.option("--force", is_flag=True, help="Take the place of an earlier pack, or of a stopped run.")
@click.option(
    "--fail-on", type=click.Choice([*SEVERITIES, NEVER]), default="note", show_default=True,
    help="Exit with 1 from this severity on; gaps count only if named.",
)  # fmt: skip
def audit_command(data: Sequence[str], out: Path, fail_on: str, **asked: Any) -> None:
    """Judge many plans into one folder: tables, reports, and a manifest to make it again by.

    DATA are plan documents, folders of them, JSON lines, or tables (Parquet, CSV, XLSX).

    \b
    Example: jobplan audit plans/ --out pack --as-of 2025-04-01
    Exit codes: 0 nothing found, 1 findings, 2 wrong usage or a broken policy,
                3 plans or rows were set aside (the others are judged), 130 stopped.
    """
    from jobplan.cli.audit_show import Bar, fails, summary

    bar = Bar()
    with said_plainly(), stopping(out), bar:
        result = run(data, out, bar.show, **asked)
    click.echo(summary(result.counts, result.out))
    aside = result.counts["plans"]["set_aside"] or result.counts["defects"]
    sys.exit(UNREAD if aside else FOUND if fails(result.counts, fail_on) else 0)
