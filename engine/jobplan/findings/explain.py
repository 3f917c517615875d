"""Explain how a verdict came about: from the condition through columns and measures down to facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlglot import exp

from jobplan.backends.judging import Worked
from jobplan.expression.checked import CheckedFormula, CheckedRule
from jobplan.expression.interpret import Interpreter
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.scope import Ref
from jobplan.expression.tell import operands
from jobplan.expression.unparse import VERDICT, unparse
from jobplan.expression.write import effective_applies
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema
from jobplan.findings.explain_formula import parts_of
from jobplan.findings.make import source_place
from jobplan.findings.places import Places
from jobplan.findings.show import Shower, reason_label
from jobplan.findings.steps import Step, StepKind
from jobplan.findings.units import is_counted
from jobplan.findings.wording import because
from jobplan.model import Reason, Row


@dataclass(slots=True)
class Explainer:
    """Explains judgements on one plan; each column, measure or fact is told once.

    With `full`, so are the rows of an aggregate and conditions that decide nothing. `folder` is that of
    the policies, which places in them leave out.
    """

    plan: Plan
    worked: Worked
    schema: FactSchema
    folder: str = ""
    full: bool = False
    interpreter: Interpreter = field(init=False)
    shower: Shower = field(init=False)
    places: Places = field(init=False)
    labels: dict[tuple[str, str], Row] = field(init=False)
    told: set[tuple[str, str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        worked = self.worked
        self.interpreter = Interpreter(
            worked.program, worked.relations, worked.measures, worked.today, worked.attested
        )
        self.shower = Shower(worked.program.checked, self.schema)
        self.places = Places(worked.program.edition.policy.files, self.folder)
        self.labels = {(r.name, row.id): row for r in worked.relations.values() for row in r.rows}

    # --- conditions -------------------------------------------------------------------------

    def applies(self, rule: CheckedRule, row: Row) -> Step:
        """Explain whom a rule concerns: by its own words, its own date, and whether a pair is there."""
        return self.step(effective_applies(self.worked.program.checked, rule), row)

    def step(self, node: Tree, row: Row, this: Row | None = None) -> Step:
        """Explain a condition or a value."""
        node = bare(node)
        if isinstance(node, exp.Column):
            return self.name(node.meta["ref"], row, this)
        value = self.interpreter.value(node, row, this)
        if isinstance(node, (exp.And, exp.Or)):
            kind: StepKind = "all" if isinstance(node, exp.And) else "any"
            return self.truth(kind, unparse(node), value, tuple(self.joined(node, value, row, this)))
        inner = bare(node.this) if isinstance(node, exp.Not) else node
        if isinstance(inner, (exp.And, exp.Or)):
            return self.truth("not", unparse(node), value, (self.step(inner, row, this),))
        return self.line(
            "case" if isinstance(node, exp.Case) else "condition" if is_truth(node) else "value",
            node,
            value,
            because=self.lost(inner, row, this) if value is None else "",
            parts=tuple(distinct(self.below(node, row, this))),
        )

    def line(
        self, kind: StepKind, node: Tree, value: Any, *, because: str = "", parts: tuple[Step, ...] = ()
    ) -> Step:
        """Return a step that says what a condition or value comes to."""
        shown = self.shower.kind(node.meta.get("kind", ""), value)
        return Step(kind, unparse(node), value, shown, because=because, parts=parts)

    def joined(self, node: Tree, value: Any, row: Row, this: Row | None) -> Iterator[Step]:
        """Yield the conditions that are joined; those that do not decide in one line, unless all is asked.

        What is false decides an `and` that is false, what is true an `or` that is true, and what is
        unknown either where the whole is unknown.
        """
        decides = {value} if value is None or value is isinstance(node, exp.Or) else {True, False}
        for part in flat(node):
            found = self.interpreter.value(part, row, this)
            if self.full or found in decides:
                yield self.step(part, row, this)
            else:
                yield self.line("condition", part, found)

    def truth(self, kind: StepKind, text: str, value: Any, parts: tuple[Step, ...]) -> Step:
        """Return a step that joins conditions."""
        return Step(kind, text, value, self.shower.kind("truth", value), parts=parts)

    def below(self, node: Tree, row: Row, this: Row | None) -> Iterator[Step]:
        """Yield what a condition or value is made from: names, cases, and joined conditions."""
        if isinstance(node, exp.Case):
            yield from self.branches(node, row, this)
            return
        call = node.meta.get("call")
        if call == "attested":
            yield self.attestation(arguments(node)[0].name)
        if call in ("attested", "silent"):
            return
        for part in map(bare, operands(node)):
            if isinstance(part, exp.Case | exp.Column | exp.And | exp.Or | exp.Not):
                yield self.step(part, row, this)
            elif not isinstance(part, exp.Literal | exp.Boolean):
                yield from self.below(part, row, this)

    def branches(self, node: Tree, row: Row, this: Row | None) -> Iterator[Step]:
        """Yield the conditions of a case as far as they were asked, and the branch taken."""
        for item in node.args["ifs"]:
            value = self.interpreter.value(item.this, row, this)
            text = f"when {unparse(item.this)}"
            if value is False and not self.full:
                yield Step("branch", text, value, "no")
                continue
            asked = self.step(item.this, row, this)
            parts = asked.parts if asked.kind == "condition" else (asked,)
            yield Step("branch", text, value, asked.shown, because=asked.because, parts=parts)
            if value:
                yield self.taken("then", item.args["true"], row, this)
            if value is not False:
                return
        default = node.args.get("default")
        if default is not None:
            yield self.taken("else", default, row, this)

    def taken(self, word: str, node: Tree, row: Row, this: Row | None) -> Step:
        """Explain the branch of a case that is taken."""
        step = self.step(node, row, this)
        parts = step.parts if step.kind in ("value", "condition", "case") else (step,)
        return Step(
            "branch", f"{word} {unparse(node)}", step.value, step.shown, because=step.because, parts=parts
        )

    def lost(self, node: Tree, row: Row, this: Row | None) -> str:
        """Say why a value is lost in this very step, all that it reads being known."""
        if node.meta.get("call") == "silent":
            return str(arguments(node)[0].name)
        if isinstance(node, exp.Case | exp.Column):
            return ""
        if any(self.interpreter.value(part, row, this) is None for part in operands(node)):
            return ""
        return self.words(self.interpreter.why(node, row, this))

    def attestation(self, name: str) -> Step:
        """Explain what people have stated."""
        value = self.interpreter.attested.get(name)
        what = self.worked.program.edition.policy.attested.get(name, name)
        why = self.words([self.interpreter.why_attested(name)]) if value is None else ""
        return Step("attestation", name, value, self.shower.kind("truth", value), title=what, because=why)

    # --- names ------------------------------------------------------------------------------

    def name(self, ref: Ref, row: Row, this: Row | None = None) -> Step:
        """Explain what a name stands for."""
        if ref.kind == "today":
            return Step("today", "today", self.worked.today, date.fromordinal(self.worked.today).isoformat())
        if ref.kind == "parameter":
            return self.parameter(ref)
        if ref.kind == "measure":
            root = self.worked.root
            return self.formula(ref, root, self.worked.program.checked.measures[ref.name], "measure")
        owner = self.interpreter.owner(ref, row, this)
        if ref.kind == "column":
            checked = self.worked.program.checked.columns[(ref.relation, ref.name)]
            return self.formula(ref, owner, checked, "column")
        return self.fact(ref, owner)

    def fact(self, ref: Ref, owner: Row) -> Step:
        """Explain a fact: its value, its place in the plan's file, and its place in the source."""
        if ref.kind == "id":
            return Step("fact", "id", owner.id, owner.id, relation=owner.relation, row=owner.id)
        value, field, cause = owner[ref.name], self.shower.field(ref), owner.causes.get(ref.name)
        unknown = value is None and field is not None and cause != "none"
        return Step(
            "fact",
            ref.name,
            value,
            "none" if value is None and cause == "none" else self.shower.value(ref, value),
            title=field.description if field is not None else "",
            unit=self.unit(ref, value),
            relation=ref.relation,
            row=owner.id,
            place=self.fact_place(owner, ref.name) if field is not None else "",
            source=source_place(self.plan, owner, self.schema, ref.name) if field is not None else {},
            because=self.words([self.interpreter.missing(owner, ref.name)]) if unknown else "",
            assumed=owner.assumed.get(ref.name, ""),
            above=self.tell("fact", ref, owner),
            parts=tuple(self.made(ref, owner)) if field is None else (),
        )

    def made(self, ref: Ref, owner: Row) -> Iterator[Step]:
        """Yield what a field of a derived relation is made from."""
        derived = self.worked.program.checked.relations.get(owner.relation)
        if derived is None:
            return
        if derived.derived.kind == "union":
            relation, _, id = owner.id.partition(":")
            source = self.labels.get((relation, id))
            if source is not None:
                yield self.step(derived.members[relation][ref.name], source)
        elif derived.derived.kind == "each" and owner.parent is not None:
            yield self.step(derived.trees["list"], owner.parent)

    def parameter(self, ref: Ref) -> Step:
        """Explain a parameter: its value on the day, by what clause or agreement."""
        edition = self.worked.program.edition
        parameter = edition.policy.parameters[ref.name]
        value = edition.values[ref.name]
        left_open = "left to local agreement" if parameter.open and ref.name not in edition.agreed else ""
        return Step(
            "parameter",
            ref.name,
            value,
            self.shower.value(ref, value),
            title=parameter.title,
            unit=self.unit(ref, value),
            place=self.places.of(parameter.place),
            citations=tuple(edition.cites.get(ref.name) or parameter.cites),
            because=edition.silences.get(ref.name, "") if value is None else "",
            agreed=edition.agreed.get(ref.name, ""),
            note=left_open,
        )

    def formula(self, ref: Ref, owner: Row, checked: CheckedFormula, kind: StepKind) -> Step:
        """Explain a column or measure."""
        value = self.worked.measures[ref.name] if kind == "measure" else owner[ref.name]
        above = self.tell(kind, ref, owner)
        made = None if above else parts_of(self, checked, owner)
        name = ref.name
        notes = (made.note if made else "", self.stated(checked, owner, value))
        return Step(
            "rule" if name.startswith(VERDICT) else kind,
            name.removeprefix(VERDICT),
            value,
            self.shower.value(ref, value),
            title=checked.formula.title,
            how=made.how if made else "",
            unit=self.unit(ref, value),
            relation=ref.relation if kind == "column" else "",
            row=owner.id if kind == "column" else "",
            place=self.places.of(checked.formula.place),
            note="; ".join(note for note in notes if note),
            because=made.because if made and value is None else "",
            above=above,
            parts=made.parts if made else (),
        )

    def stated(self, checked: CheckedFormula, owner: Row, value: Any) -> str:
        """Say what the plan itself states in place of a value that cannot be worked out."""
        tree = checked.trees.get("as_stated")
        found = self.interpreter.value(tree, owner) if tree is not None and value is None else None
        return "" if found is None else f"the plan itself states {self.shower.kind('', found)}"

    # --- what steps say ---------------------------------------------------------------------

    def tell(self, kind: str, ref: Ref, owner: Row) -> bool:
        """Note that something is told; tell whether it was before."""
        key = (kind, f"{owner.relation} {owner.id}", ref.name)
        if key in self.told:
            return True
        self.told.add(key)
        return False

    def unit(self, ref: Ref, value: Any) -> str:
        """Return the unit of a number; a clock time or weekday has none."""
        return self.shower.unit(ref) if is_counted(value, self.shower.value(ref, value)) else ""

    def words(self, reasons: Iterable[Reason]) -> str:
        """Return reasons in words."""
        return "; ".join(dict.fromkeys(because(reasons, self.label)))

    def label(self, reason: Reason) -> str:
        """Return what people call the row of a reason; nothing for the plan itself."""
        return reason_label(reason, self.labels, self.schema)

    def row_place(self, row: Row) -> str:
        """Return where a row stands in the plan's file."""
        span = self.plan.span(row)
        return str(span) if span is not None else ""

    def fact_place(self, row: Row, name: str) -> str:
        """Return where a fact stands in the plan's file; where it is missing, its row."""
        span = self.plan.span(row, name)
        return str(span) if span is not None else ""


def flat(node: Tree) -> list[Tree]:
    """Return the parts that one connective joins, nested ones of the same kind laid flat."""
    found: list[Tree] = []
    for side in (node.this, node.expression):
        side = bare(side)
        found += flat(side) if type(side) is type(node) else [side]
    return found


def distinct(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps without those that name the same thing again."""
    seen: set[tuple[str, str, str, str]] = set()
    for step in steps:
        key = (step.kind, step.relation, step.row, step.text)
        if key not in seen:
            seen.add(key)
            yield step


def bare(node: Tree) -> Tree:
    """Return a tree without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def is_truth(node: Tree) -> bool:
    """Tell whether a tree gives a truth."""
    return node.meta.get("kind") == "truth"
