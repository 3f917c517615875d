"""Explanations for people at a terminal: a tree from the condition of a rule down to facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from jobplan.findings.steps import Explanation, Step, SubjectSteps
from jobplan.findings.units import with_unit
from jobplan.model import Citation
from jobplan.reports import Style
from jobplan.reports.citation import in_one_line
from jobplan.reports.terminal import console_to, printable

COLOURS = {
    "satisfied": "bold green",
    "violated": "bold red",
    "unknown": "bold yellow",
    "not_applicable": "dim",
}
TRUTHS = {"yes": "green", "no": "red", "unknown": "yellow"}
CONCERNS = {True: "it concerns this: ", False: "it does not concern this: ", None: "it may concern this: "}
JOINS = {"all": "all of", "any": "one of", "not": "the opposite of", "case": "by cases"}
ORDER = ("violated", "unknown", "satisfied", "not_applicable")
NAMED = frozenset({"fact", "column", "measure", "parameter", "today", "rule"})
MOST_ROWS = 12
"""Rows of an aggregate printed; JSON has them all, and so has --full."""


def render(explanation: Explanation, out: IO[str], style: Style, *, full: bool = False) -> None:
    """Write an explanation."""
    explanation = printable(explanation)
    with console_to(out, style) as console:
        heading(console, explanation)
        branches = Branches(explanation, full, set(explanation.citations))
        for subject in sorted(explanation.subjects, key=lambda subject: ORDER.index(subject.verdict)):
            console.print()
            show(console, explanation, subject, branches)
        if not explanation.subjects:
            console.print()
            console.print(Text(f"the plan has no {explanation.relation} that could be judged"))


def heading(console: Console, explanation: Explanation) -> None:
    """Write what is explained: rule, sentence, citations, and by which edition."""
    verdict = explanation.verdict
    console.print(
        Text.assemble(
            (f"{verdict.replace('_', ' ')}  ", COLOURS[verdict]),
            (explanation.title, "bold"),
            (f"  [{explanation.rule}]", "dim"),
        )
    )
    lines = [
        Text(explanation.sentence),
        *(
            Text(in_one_line(cite, explanation.sources, explanation.force), style="italic")
            for cite in explanation.citations
        ),
        Text(f"rule at {explanation.place}", style="dim"),
        Text(
            f"plan {explanation.plan} by {explanation.policy_title}, as of {explanation.judged_on};"
            f" today is {explanation.today}",
            style="dim",
        ),
    ]
    for line in lines:
        if line.plain:
            console.print(Padding(line, (0, 0, 0, 2)))


def show(console: Console, explanation: Explanation, subject: SubjectSteps, branches: Branches) -> None:
    """Write the tree of one subject."""
    name = "the plan" if subject.subject is None else f"{subject.label or subject.subject}"
    if subject.open:
        name = f"rows of {explanation.relation} that the plan may still have"
    row = f"  ({explanation.relation} {subject.subject})" if subject.subject is not None else ""
    head = Text.assemble(
        (f"{subject.verdict.replace('_', ' ')}: ", COLOURS[subject.verdict]), (name, "bold"), (row, "dim"),
        (f"  {subject.place}", "dim"),
    )  # fmt: skip
    tree = Tree(head, guide_style="dim")
    for line in summary(subject):
        tree.add(line)
    if subject.applies is not None and subject.applies.text != "true":
        branches.add(tree, subject.applies, CONCERNS[subject.applies.value])
    if subject.requires is not None:
        branches.add(tree, subject.requires, "it asks for ")
    console.print(tree)


def summary(subject: SubjectSteps) -> Iterator[Text]:
    """Yield what is to be said of a subject before its tree."""
    if subject.message:
        yield Text(f"{subject.severity}: {subject.message}")
    for reason in subject.reasons:
        yield Text(f"unknown, because {reason}", style="yellow")
    if subject.as_stated:
        yield Text(f"on what the plan itself states: {subject.as_stated.replace('_', ' ')}")
    if subject.waived:
        yield Text(f"waived: {subject.waived}", style="green")


@dataclass(slots=True)
class Branches:
    """Adds steps to a tree; a citation is printed where it is first needed."""

    explanation: Explanation
    full: bool
    cited: set[Citation]

    def add(self, tree: Tree, step: Step, before: str = "") -> None:
        """Add a step and what it comes from."""
        node = tree.add(self.label(step, before))
        for line in self.beneath(step):
            node.add(line)
        rows = [part for part in step.parts if part.kind == "row"]
        cut = [] if self.full else rows[MOST_ROWS:]
        for part in step.parts:
            if part not in cut:
                self.add(node, part)
        if cut:
            node.add(Text(f"and {len(cut)} more rows; --full shows them", style="dim"))

    def label(self, step: Step, before: str) -> Text:
        """Return a step in a line: its text, its value, its title and place."""
        text = Text(before, style="bold")
        if step.kind == "table" and step.value is None:
            text.append(f"table {step.text}")
        else:
            text.append(JOINS.get(step.kind, step.text), style="cyan" if step.kind in NAMED else "")
            text.append(" = " if step.kind in NAMED else ": " if step.kind in ("row", *JOINS) else " → ")
            text.append(self.valued(step), style=TRUTHS.get(step.shown, "bold"))
        for more in after(step):
            text.append(f"  {more}", style="dim")
        return text

    def valued(self, step: Step) -> str:
        """Return the value of a step with its unit, by the nation's name for it."""
        return with_unit(step.shown, step.unit, self.explanation.names) if step.unit else step.shown

    def beneath(self, step: Step) -> Iterator[Text]:
        """Yield the lines below a step: how it is made, why it is lost, who agreed, by which clause."""
        if step.how and not step.how.startswith("case "):
            yield Text(step.how, style="dim")
        if step.because:
            yield Text(f"unknown, because {step.because}", style="yellow")
        if step.assumed:
            yield Text(f"assumed: {step.assumed}", style="yellow")
        if step.agreed:
            yield Text(f"agreed locally: {step.agreed}", style="green")
        for cite in step.citations:
            if cite not in self.cited:
                self.cited.add(cite)
                yield Text(in_one_line(cite, self.explanation.sources, ""), style="italic dim")


def after(step: Step) -> Iterator[str]:
    """Yield what stands behind the value of a step; a fact that was told before needs no more words."""
    if step.kind == "fact" and step.above:
        return
    if step.title:
        yield step.title.rstrip(".")
    if step.note:
        yield f"({step.note})"
    if step.place:
        yield step.place
    if step.source:
        yield "[source: " + ", ".join(f"{key} {value}" for key, value in step.source.items()) + "]"
    if step.above:
        yield "(explained above)"
