"""Reports for people at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jobplan.findings.model import OWN_VALUE, Evidence, Finding, Report
from jobplan.findings.wording import CAUSES
from jobplan.model import SEVERITIES, Severity
from jobplan.reports import Style
from jobplan.reports.citation import in_one_line
from jobplan.reports.terminal import console_to, printable

COLOURS = {
    "breach": "bold red",
    "query": "bold magenta",
    "caution": "bold yellow",
    "advice": "bold cyan",
    "note": "bold blue",
    "gap": "dim",
    "open": "bold white",
}
MOST_CITATIONS = 2
"""Citations of a rule printed; JSON has them all."""

MOST_FACTS = 15
"""Missing facts named below the findings; the others are counted."""


def render(reports: list[Report], out: IO[str], style: Style) -> None:
    """Write reports one after another, and a line of totals where there are several."""
    with console_to(out, style) as console:
        for index, report in enumerate(reports):
            if index:
                console.print()
            one(console, printable(report), style)
        if len(reports) > 1:
            console.print()
            counts = Counter(f.severity for report in reports for f in report.findings if not f.waived)
            console.print(Text(f"{len(reports)} plans: {tally(counts)}", style="bold"))


def one(console: Console, report: Report, style: Style) -> None:
    """Write one report."""
    console.print(Text(report.plan, style="bold underline"), Text(report.file, style="dim"))
    overlays = f" with {', '.join(report.overlays)}" if report.overlays else ""
    judged = f"{report.policy_title}{overlays}, as of {report.judged_on}; today is {report.today}"
    console.print(Text(f"{judged}; verdicts by {report.engine}", style="dim"))
    heading(console, report)
    for finding in report.findings:
        if finding.verdict == "violated" or finding.severity == "open" or style.gaps:
            show(console, report, finding, style)
    if not style.gaps:
        missing(console, report.findings)
    ending(console, report)


def heading(console: Console, report: Report) -> None:
    """Write the summary of the plan in two columns."""
    table = Table.grid(padding=(0, 2))
    pairs = list(report.summary)
    half = (len(pairs) + 1) // 2
    for left, right in zip(pairs[:half], [*pairs[half:], ("", "")], strict=False):
        table.add_row(Text(left[0], style="dim"), Text(left[1]), Text(right[0], style="dim"), Text(right[1]))
    console.print(Padding(table, (0, 0, 0, 2)))
    for note in report.notes:
        console.print(Padding(Text(f"note: {note}", style="blue"), (0, 0, 0, 2)))


def show(console: Console, report: Report, finding: Finding, style: Style) -> None:
    """Write one finding: what, where, by which clause, what to do."""
    console.print()
    head = Text.assemble(
        (f"{finding.severity:<8}", COLOURS[finding.severity]),
        (finding.title, "bold"),
        (f"  [{finding.rule}]", "dim"),
    )
    console.print(head)
    lines = [Text(said(finding))]
    if finding.verdict == "unknown":
        lines.append(Text(f"a violation would be: {finding.otherwise}", style="dim"))
    if finding.as_stated:
        lines.append(Text(f"on what the plan itself states: {finding.as_stated}"))
    if finding.place:
        lines.append(Text(f"at {finding.place}", style="dim"))
    lines += [Text(line, style=style) for line, style in cited(report, finding)]
    lines += [Text(agreement(report, item)) for item in finding.evidence if item.agreed]
    if finding.assumptions:
        lines.append(Text(f"rests on the assumption {', '.join(finding.assumptions)}", style="yellow"))
    if finding.waived:
        lines.append(Text(f"waived: {finding.waived}", style="green"))
    if finding.remedy and finding.verdict == "violated":
        lines.append(Text(f"→ {finding.remedy}", style="green"))
    if style.evidence:
        lines += [Text(evidence_line(item), style="dim") for item in finding.evidence]
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 8)))


def said(finding: Finding) -> str:
    """Return the message with the row that it is about, which many messages begin with themselves."""
    about = finding.label.partition(",")[0]
    text = finding.message.text
    if not finding.label:
        return text
    return f"{finding.label}{text[len(about) :]}" if text.startswith(about) else f"{finding.label}: {text}"


def agreement(report: Report, item: Evidence) -> str:
    """Say who agreed to a value that the law leaves open, or that nobody has yet."""
    if item.agreed != OWN_VALUE:
        return f"agreed locally: {item.title or item.name}, {item.agreed}"
    value = f"{item.shown} {report.names.get(item.unit, item.unit)}".strip()
    return f"open to local agreement: {item.title or item.name}, {value} is {item.agreed}"


def cited(report: Report, finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the lines of citations with their style: the rule's own, then what it rests on."""
    for cite in finding.citations[:MOST_CITATIONS]:
        yield in_one_line(cite, report.sources, finding.force), "italic"
    for cite in finding.rests_on[:1]:
        yield f"resting on {in_one_line(cite, report.sources, '')}", "dim italic"
    more = max(0, len(finding.citations) - MOST_CITATIONS) + max(0, len(finding.rests_on) - 1)
    if more:
        yield f"and {more} more citation{'s' if more > 1 else ''}", "dim"


def evidence_line(item: Evidence) -> str:
    """Return one piece of evidence in a line."""
    owner = f"{item.relation}.{item.name}" if item.relation else item.name
    unit = f" {item.unit}" if item.unit else ""
    place = f"  {item.place}" if item.place else ""
    return f"{owner} = {item.shown}{unit}{place}{cell(item.source)}"


def cell(source: Mapping[str, Any]) -> str:
    """Return the place in the source that a value was imported from, such as a cell of a sheet."""
    parts = [str(source[key]) for key in ("file", "sheet") if key in source]
    parts += [f"{key} {source[key]}" for key in ("row", "column") if key in source]
    return f"  {', '.join(parts)}" if parts else ""


def missing(console: Console, findings: Iterable[Finding]) -> None:
    """Write the facts that are missing as a list of things to find out, the most telling first."""
    rules: dict[tuple[str, str, str], set[str]] = {}
    every = [finding for finding in findings if finding.severity == "gap"]
    gaps = [finding for finding in every if not finding.unstated]
    for finding in gaps:
        for reason in finding.reasons:
            if reason.kind != "silent":
                name = f"{reason.relation}.{reason.field}".strip(".") or reason.field
                rules.setdefault((name, reason.kind, reason.cause), set()).add(finding.rule)
    if len(every) > len(gaps):
        console.print()
        rest = count(len(every) - len(gaps), "rule")
        console.print(
            Text(f"{rest} would compare figures that the plan does not state of itself", style="dim")
        )
    if not rules:
        return
    console.print()
    console.print(
        Text(f"{count(len(gaps), 'rule')} cannot be judged yet; these facts would help most:", style="bold")
    )
    table = Table.grid(padding=(0, 2))
    order = sorted(rules.items(), key=lambda item: (-len(item[1]), item[0]))
    for (name, _, cause), names in order[:MOST_FACTS]:
        said = "is not given" if "." not in name and cause == "blank" else CAUSES.get(cause, "is missing")
        table.add_row(
            Text(name),
            Text(said, style="dim"),
            Text(count(len(names), "rule"), style="dim"),
        )
    console.print(Padding(table, (0, 0, 0, 8)))
    if len(order) > MOST_FACTS:
        console.print(
            Padding(
                Text(f"and {len(order) - MOST_FACTS} more; --gaps shows each rule", style="dim"), (0, 0, 0, 8)
            )
        )


def ending(console: Console, report: Report) -> None:
    """Write what became of waivers, and the totals."""
    for waiver in report.waivers:
        if waiver.without_effect:
            console.print()
            console.print(
                Text(
                    f"waiver of {waiver.rule} ({waiver.origin}) has no effect: {waiver.without_effect}",
                    style="yellow",
                )
            )
    console.print()
    verdicts = Counter(verdict.verdict for verdict in report.verdicts)
    said = ", ".join(
        f"{verdicts[v]} {v.replace('_', ' ')}" for v in ("satisfied", "violated", "unknown", "not_applicable")
    )
    console.print(Text(f"{count(len(report.verdicts), 'rule')}: {said}"))
    counts = Counter(finding.severity for finding in report.findings if not finding.waived)
    waived = sum(1 for finding in report.findings if finding.waived)
    console.print(Text(f"findings: {tally(counts)}" + (f"; {waived} waived" if waived else ""), style="bold"))


def count(number: int, thing: str) -> str:
    """Return a number of things.

    >>> count(1, "rule"), count(2, "rule")
    ('1 rule', '2 rules')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def tally(counts: Counter[Severity]) -> str:
    """Return counts by severity, the gravest first."""
    words = {
        "breach": "breaches",
        "query": "queries",
        "caution": "cautions",
        "advice": "advice",
        "note": "notes",
        "gap": "gaps",
        "open": "left open by the law",
    }
    parts = [
        f"{counts[s]} {s if counts[s] == 1 and s != 'open' else words[s]}" for s in SEVERITIES if counts[s]
    ]
    return ", ".join(parts) or "none"
