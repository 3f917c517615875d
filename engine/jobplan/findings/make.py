"""Make findings of judgements: one for each violated subject, one gap for each rule."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from jobplan.backends.judging import Worked
from jobplan.expression.interpret import Interpreter
from jobplan.expression.parse import Tree
from jobplan.expression.program import Verdicts
from jobplan.expression.rules import HOLE
from jobplan.expression.runtime import Lookup
from jobplan.expression.scope import Ref
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema, Field
from jobplan.findings.basis import EditionBasis, RuleBasis
from jobplan.findings.model import OWN_VALUE, Evidence, Finding, Message
from jobplan.findings.severity import gap_severity, severity_of
from jobplan.findings.show import label_of, reason_label
from jobplan.findings.wording import because
from jobplan.model import SEVERITIES, Citation, Judgement, Reason, Row, TableRow, Verdict


class FindingMaker:
    """Makes the findings of one edition; `make` is called once for each plan."""

    def __init__(self, worked: Worked, schema: FactSchema, basis: EditionBasis) -> None:
        self.worked = worked
        self.schema = schema
        self.basis = basis
        self.shower = basis.shower
        self.interpreter = Interpreter(
            worked.program, worked.relations, worked.measures, worked.today, worked.attested
        )

        # what many findings of one plan share
        self._labels: dict[tuple[str, str, bool], str] = {}
        self._clauses: dict[tuple[Reason, ...], str] = {}
        self._facts: dict[tuple[str, str, Row], Evidence] = {}

    @cached_property
    def anything_assumed(self) -> bool:
        """Tell whether any fact of the plan is assumed."""
        return any(row.assumed for r in self.worked.relations.values() for row in r.rows)

    @cached_property
    def rows(self) -> dict[tuple[str, str], Row]:
        """Return every row by its relation and id."""
        return {(r.name, row.id): row for r in self.worked.relations.values() for row in r.rows}

    def make(
        self,
        plan: Plan,
        by_row: Verdicts,
        unknown: Sequence[Sequence[Judgement]],
        apart: Collection[tuple[str, str]] = (),
    ) -> list[Finding]:
        """Return the findings in a fixed order: by severity, then rule, then the plan's rows.

        `by_row` has a list a rule, a verdict a row; `unknown` the unknown judgements a rule. The rules
        and row ids in `apart` get a gap of their own.
        """
        found: list[Finding] = []
        for rule, verdicts, doubtful in zip(self.worked.program.rules, by_row, unknown, strict=True):
            if doubtful or "violated" in verdicts:
                basis = self.basis.rule(rule.rule.id)
                rows = self.worked.relations[rule.rule.for_each].rows
                broken = (row for row, v in zip(rows, verdicts, strict=True) if v == "violated")
                found += [self.violated(plan, basis, row) for row in broken]
                gaps = [judgement for judgement in doubtful if judgement.can_fail]
                found += [self.gap(plan, basis, alike) for alike in grouped(gaps, apart)]
        return sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.order))

    # --- the two kinds ----------------------------------------------------------------------

    def violated(self, plan: Plan, basis: RuleBasis, row: Row) -> Finding:
        """Return the finding of a violated judgement."""
        rule = basis.checked.rule
        values = {name: self.hole(tree, row) for name, tree in basis.checked.holes.items()}
        severity = severity_of(rule, basis.assurance)
        return Finding(
            severity=severity,
            otherwise=severity,
            verdict="violated",
            message=Message(rule.id, values, filled(rule.message, values)),
            remedy=filled(rule.remedy, values),
            evidence=(*self.evidence(plan, basis, row), *self.agreements(basis, row)),
            assumptions=self.assumptions(basis, row),
            **self.frame(plan, basis, row),
        )

    def gap(self, plan: Plan, basis: RuleBasis, gaps: list[Judgement]) -> Finding:
        """Return the one gap of a rule, with the reasons of all its subjects."""
        rule = basis.checked.rule
        first, *others = gaps
        several = {reason for gap in gaps for reason in gap.reasons} if others else ()
        reasons = tuple(sorted(several)) if others else first.reasons
        single = gaps[0].subject if len(gaps) == 1 else None
        clauses = self.clauses(reasons)
        stated = {gap.as_stated for gap in gaps if gap.as_stated}
        return Finding(
            severity=gap_severity(reasons),
            otherwise=severity_of(rule, basis.assurance),
            verdict="unknown",
            message=Message("gap", {"because": clauses}, f"cannot be judged: {clauses}"),
            remedy=self.gap_remedy(reasons),
            reasons=reasons,
            subjects=len(gaps),
            as_stated=worst(stated),
            unstated=bool(reasons) and all(self.is_claim(reason) for reason in reasons),
            evidence=tuple(self.evidence(plan, basis, single)) if single is not None else (),
            assumptions=self.assumptions_of(basis, gaps),
            **self.frame(plan, basis, single),
        )

    def frame(self, plan: Plan, basis: RuleBasis, row: Row | None) -> dict[str, Any]:
        """Return what every finding of a rule on a row has."""
        rule = basis.checked.rule
        subject = None if row is None or row is self.worked.root else row.id
        return {
            "key": key_of(rule.id, plan.id, subject),
            "rule": rule.id,
            "topic": rule.topic,
            "title": rule.title,
            "relation": rule.for_each,
            "subject": subject,
            "label": "" if subject is None or row is None else label_of(row, self.schema),
            "protects": rule.protects,
            "force": rule.force,
            "strength": rule.strength,
            "citations": self.citations(basis, row),
            "rests_on": basis.rests_on,
            "assurance": {"read": basis.assurance.read, "confidence": basis.assurance.confidence},
            "place": self.place(plan, row) if row is not None else "",
            "order": basis.order,
        }

    # --- their parts ------------------------------------------------------------------------

    def hole(self, tree: Tree, row: Row) -> str:
        """Return what stands in a message for a name."""
        value = self.interpreter.value(tree, row)
        ref = tree.meta.get("ref")
        if isinstance(ref, Ref):
            if (
                value is None
                and ref.kind == "fact"
                and self.interpreter.owner(ref, row, None).causes.get(ref.name) == "none"
            ):
                return "none"
            return self.shower.value(ref, value)
        return self.shower.kind(tree.meta.get("kind", ""), value)

    def citations(self, basis: RuleBasis, row: Row | None) -> tuple[Citation, ...]:
        """Return the rule's own citations, and after the first of them those of local agreements used."""
        first, *others = basis.checked.rule.cites
        used = () if row is None else self.local_rows(basis, row)
        local = (cite for _, agreed in used for cite in agreed.cites)
        return tuple(dict.fromkeys((first, *local, *others)))

    def local_rows(self, basis: RuleBasis, row: Row) -> Iterator[tuple[str, TableRow]]:
        """Yield the table and the row of each look-up that a local agreement answers."""
        edition = self.worked.program.edition
        for relation, name in basis.local_lookups:
            checked = self.worked.program.checked.columns[(relation, name)]
            table = edition.policy.tables[checked.formula.table]
            for owner in self.read_rows(basis, row, relation):
                keys = [self.interpreter.value(checked.trees[key], owner) for key in table.by]
                used = Lookup(edition.rows[table.name]).row(*keys)
                if used is not None and used.agreed:
                    yield table.name, used

    def read_rows(self, basis: RuleBasis, row: Row, relation: str) -> Sequence[Row]:
        """Return the rows of a relation that a judgement on a row reads: its own, or all."""
        own = above(row, relation)
        if own is not None and relation not in basis.uses.spread:
            return [own]
        return self.worked.relations[relation].rows if relation in self.worked.relations else []

    def agreements(self, basis: RuleBasis, row: Row) -> Iterator[Evidence]:
        """Yield the values that come from tables agreed locally."""
        for name, used in dict(self.local_rows(basis, row)).items():
            table = self.worked.program.edition.policy.tables[name]
            shown = self.shower.kind("", used.value)
            yield Evidence(name, "", "", used.value, shown, title=table.title, agreed=used.agreed)

    def evidence(self, plan: Plan, basis: RuleBasis, row: Row) -> Iterator[Evidence]:
        """Yield the values that the condition reads, and the row's own facts behind them."""
        seen: set[tuple[str, str, str]] = set()
        for ref in basis.reads:
            item = self.one(plan, ref, row)
            if item is not None and (item.relation, item.row, item.name) not in seen:
                seen.add((item.relation, item.row, item.name))
                yield item
        for relation, name in basis.facts:
            owner = above(row, relation)
            if owner is not None and owner[name] is not None and (relation, owner.id, name) not in seen:
                seen.add((relation, owner.id, name))
                yield self.fact(plan, Ref("fact", name, relation), owner)

    def one(self, plan: Plan, ref: Ref, row: Row) -> Evidence | None:
        """Return the evidence behind one name."""
        edition = self.worked.program.edition
        if ref.kind in ("fact", "column"):
            owner = self.interpreter.owner(ref, row, None) if "this" not in ref.path else row
            return self.fact(plan, ref, owner)
        if ref.kind == "measure" and " " not in ref.name:
            value = self.worked.measures[ref.name]
            title = edition.policy.measures[ref.name].title
            return Evidence(
                ref.name, "", "", value, self.shower.value(ref, value), self.shower.unit(ref), title
            )
        if ref.kind == "parameter":
            value = edition.values[ref.name]
            title = edition.policy.parameters[ref.name].title
            own = edition.policy.parameters[ref.name].open and value is not None
            agreed = edition.agreed.get(ref.name) or (OWN_VALUE if own else "")
            return Evidence(
                ref.name,
                "",
                "",
                value,
                self.shower.value(ref, value),
                self.shower.unit(ref),
                title,
                agreed=agreed,
            )
        return None

    def fact(self, plan: Plan, ref: Ref, owner: Row) -> Evidence:
        """Return the evidence of a fact or column of a row, with its places."""
        key = (ref.relation, ref.name, owner)
        found = self._facts.get(key)
        if found is None:
            found = self._facts[key] = self.value_of(plan, ref, owner)
        return found

    def value_of(self, plan: Plan, ref: Ref, owner: Row) -> Evidence:
        """Make the evidence of a fact or column of a row."""
        value = owner[ref.name]
        field = self.shower.field(ref)
        span = plan.span(owner, ref.name) if field is not None and ref.name in owner else None
        return Evidence(
            name=ref.name,
            relation=ref.relation,
            row=owner.id,
            value=value,
            shown="none" if owner.causes.get(ref.name) == "none" else self.shower.value(ref, value),
            unit=self.shower.unit(ref) if isinstance(value, float) and not spelt(field) else "",
            title=field.description if field is not None else "",
            place=str(span) if span is not None else "",
            source=source_place(plan, owner, self.schema, ref.name) if field is not None else {},
            assumed=owner.assumed.get(ref.name, ""),
        )

    def place(self, plan: Plan, row: Row) -> str:
        """Return where a row stands in its file."""
        span = plan.span(row)
        return str(span) if span is not None else ""

    def label(self, reason: Reason) -> str:
        """Return what people call the row of a reason; nothing for the plan itself."""
        key = (reason.relation, reason.row, bool(reason.field))
        found = self._labels.get(key)
        if found is None:
            found = self._labels[key] = reason_label(reason, self.rows, self.schema)
        return found

    def clauses(self, reasons: tuple[Reason, ...]) -> str:
        """Say why something is not known."""
        found = self._clauses.get(reasons)
        if found is None:
            found = self._clauses[reasons] = "; ".join(because(reasons, self.label))
        return found

    def assumptions(self, basis: RuleBasis, row: Row) -> tuple[str, ...]:
        """Return the ids of the assumptions that a judgement rests on."""
        if not self.anything_assumed:
            return ()
        found: set[str] = set()
        for relation, name in basis.uses.facts:
            found |= {r.assumed[name] for r in self.read_rows(basis, row, relation) if name in r.assumed}
        return tuple(sorted(found))

    def is_claim(self, reason: Reason) -> bool:
        """Tell whether what is missing is a figure that the plan might have stated of itself."""
        field = self.schema.field(reason.relation, reason.field)
        return reason.kind == "missing" and field is not None and field.claim

    def assumptions_of(self, basis: RuleBasis, gaps: Iterable[Judgement]) -> tuple[str, ...]:
        """Return the ids of the assumptions that one of several judgements rests on."""
        rows = (gap.subject for gap in gaps if gap.subject is not None)
        return tuple(sorted({id for row in rows for id in self.assumptions(basis, row)}))

    def gap_remedy(self, reasons: Iterable[Reason]) -> str:
        """Return what would settle a gap."""
        kinds = {reason.kind for reason in reasons}
        if kinds == {"silent"}:
            return "Agree it locally and record the agreement."
        if "conflict" in kinds:
            return "Find out which value holds, and give the facts that are missing."
        return "Give the facts that are missing."


def spelt(field: Field | None) -> bool:
    """Tell whether a number is shown in words or as a clock time, so that no unit belongs to it."""
    return field is not None and field.form in ("clock", "weekday")


def key_of(rule: str, plan: str, subject: str | None) -> str:
    """Return a finding's stable key: from rule, plan and row, never from position."""
    return hashlib.sha256("\0".join((rule, plan, subject or "")).encode()).hexdigest()[:16]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put the values into a message."""
    return HOLE.sub(lambda found: values.get(found[1], found[0]), text)


def above(row: Row, relation: str) -> Row | None:
    """Return the row, or the parent of it, that belongs to a relation."""
    found: Row | None = row
    while found is not None and found.relation != relation:
        found = found.parent
    return found


def grouped(gaps: Sequence[Judgement], apart: Collection[tuple[str, str]]) -> list[list[Judgement]]:
    """Return the judgements that make one gap together, and each that is to stand alone."""
    together: list[Judgement] = []
    alone: list[list[Judgement]] = []
    for gap in gaps:
        if gap.subject is not None and (gap.rule, gap.subject.id) in apart:
            alone.append([gap])
        else:
            together.append(gap)
    return [*([together] if together else []), *alone]


def worst(stated: set[Verdict]) -> Verdict | None:
    """Return the gravest of the verdicts on what the plan states."""
    order: tuple[Verdict, ...] = ("violated", "satisfied", "not_applicable")
    return next((verdict for verdict in order if verdict in stated), None)


def source_place(plan: Plan, row: Row, schema: FactSchema, name: str) -> Mapping[str, Any]:
    """Return where the plan says that a fact came from: its row's place, and its own column."""
    relation = schema.relations.get(row.relation)
    data: Any = plan.document.data
    for step in row.place:
        data = data[step]
    place = data.get(relation.keys.get("place", "at")) if relation is not None else None
    if not isinstance(place, Mapping) or name in row.assumed:
        return {}
    columns = place.get("columns", {})
    found = {key: value for key, value in place.items() if key != "columns"}
    return {**found, "column": columns[name]} if name in columns else found
