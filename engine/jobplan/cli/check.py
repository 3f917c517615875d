"""`jobplan check`: judge plans and print what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import click

from jobplan.backends.judging import ENGINES
from jobplan.cli.options import (
    FOUND,
    UNREAD,
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
from jobplan.errors import BrokenPlan, JobplanError, Problem, suggest
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies
from jobplan.findings.model import Finding, Report
from jobplan.model import SEVERITIES
from jobplan.reports import RENDERERS, Style

NEVER = "never"
WITH_GAPS = ("json", "html")
"""Formats that show each gap where nothing else is asked for."""

QUIET = "sarif"
"""The format whose reader decides what fails: findings are no exit code with it."""


@click.command("check")
@click.argument("plans", nargs=-1, required=True, metavar="PLAN…")
@policy_options
@click.option("--format", "form", type=click.Choice(sorted(RENDERERS)), default="text", show_default=True)
@click.option("--as-of", type=Day(), help="Judge by the edition of this day instead of the plan's own date.")
@click.option("--today", type=Day(), help="Take this as the present day.")
@click.option("--rule", "rules", multiple=True, help="Only this rule; may be given several times.")
@click.option("--topic", "topics", multiple=True, help="Only the rules of this topic.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(SEVERITIES),
    help="Only findings of this severity.",
)
@click.option(
    "--gaps/--no-gaps",
    default=None,
    help="Show each rule that cannot be judged. [JSON and HTML: on, else off]",
)
@click.option("--evidence/--no-evidence", default=False, help="Show the values that each finding rests on.")
@click.option(
    "--assume",
    "assumed",
    multiple=True,
    metavar="FACT=VALUE",
    help="Fill a missing fact in, such as activity.year_of_weeks=42.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, NEVER]),
    default="note",
    show_default=True,
    help="Exit with 1 from this severity on; gaps count only if named.",
)
@click.option(
    "--engine", type=click.Choice(sorted(ENGINES)), help="Back end; else durable-rules where it is installed."
)
@colour_option
def check_command(
    plans: tuple[str, ...],
    folder: Path | None,
    overlays: tuple[Path, ...],
    form: str,
    as_of: date | None,
    today: date | None,
    rules: tuple[str, ...],
    topics: tuple[str, ...],
    severities: tuple[str, ...],
    gaps: bool | None,
    evidence: bool,
    assumed: tuple[str, ...],
    fail_on: str,
    engine: str | None,
    colour: str,
) -> None:
    """Judge plans (YAML or JSON files, - for standard input) and print findings with citations.

    \b
    Example: jobplan check plan.yaml --as-of 2024-06-01 --assume activity.year_of_weeks=42
    Exit codes: 0 nothing found (or --format sarif), 1 findings, 2 wrong usage or a broken policy,
                3 a plan that could not be read or judged (the others are still judged).
    """
    with said_plainly():
        evaluator = Evaluator(policies_of(folder, overlays), engine)
        assumptions = assumptions_of(assumed, evaluator.policies.schema)
        reports, broken = [], False
        for plan in plans:
            try:
                read = evaluator.read(plan, assumptions)
                judged = evaluator.judge(read, as_of=ordinal(as_of), today=ordinal(today))
                reports.append(evaluator.report(judged))
            except BrokenPlan as error:
                broken = True
                click.echo(f"{plan}: set aside\n{error}", err=True)
        refuse_unknown(evaluator.policies, reports, rules, topics)
    reports = [chosen(report, rules, topics, severities) for report in reports]
    many = len(plans) > 1
    if reports or many:
        wanted = gaps if gaps is not None else form in WITH_GAPS
        style = Style(colour_wanted(colour), columns(), wanted, evidence, many)
        RENDERERS[form](reports, sys.stdout, style)
    found = form != QUIET and any(fails(report, fail_on) for report in reports)
    sys.exit(UNREAD if broken else FOUND if found else 0)


def refuse_unknown(
    policies: Policies, reports: Iterable[Report], rules: Iterable[str], topics: Iterable[str]
) -> None:
    """Refuse to choose rules and topics that no policy at work has. Raises JobplanError."""
    known = [
        rule for name in {r.policy for r in reports} for rule in policies.checked(name).policy.rules.values()
    ]
    ids, names = {rule.id for rule in known}, {rule.topic for rule in known}
    problems = [
        Problem(f"unknown-{what}", f"no {what} `{word}`", None, suggest(word, options))
        for what, words, options in (("rule", rules, ids), ("topic", topics, names))
        for word in words
        if known and word not in options
    ]
    if problems:
        raise JobplanError(problems)


def chosen(
    report: Report, rules: tuple[str, ...], topics: tuple[str, ...], severities: tuple[str, ...]
) -> Report:
    """Return a report on the chosen rules, topics and severities only."""

    def wanted(rule: str, topic: str) -> bool:
        return (not rules or rule in rules) and (not topics or topic in topics)

    def shown(finding: Finding) -> bool:
        return wanted(finding.rule, finding.topic) and (not severities or finding.severity in severities)

    return replace(
        report,
        findings=tuple(finding for finding in report.findings if shown(finding)),
        verdicts=tuple(verdict for verdict in report.verdicts if wanted(verdict.rule, verdict.topic)),
    )


def fails(report: Report, fail_on: str) -> bool:
    """Tell whether a report has a finding at or above a severity; gaps count only if named."""
    if fail_on == NEVER:
        return False
    limit = SEVERITIES.index(fail_on)
    counted = [f.severity for f in report.findings if not f.waived]
    if fail_on not in ("gap", "open"):
        counted = [severity for severity in counted if severity not in ("gap", "open")]
    return any(SEVERITIES.index(severity) <= limit for severity in counted)
