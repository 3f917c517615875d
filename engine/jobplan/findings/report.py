"""Put the report on one plan together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from jobplan.backends.judging import Worked
from jobplan.expression.program import Verdicts
from jobplan.expression.scope import Ref
from jobplan.facts.document import Plan
from jobplan.facts.schema import FactSchema
from jobplan.findings.basis import EditionBasis
from jobplan.findings.make import FindingMaker
from jobplan.findings.model import Finding, MeasureValue, Report, RuleVerdict
from jobplan.findings.show import Shower
from jobplan.findings.waivers import ALL, Waiver, put_on, rows_lifted, waivers_of
from jobplan.findings.wording import because
from jobplan.model import Judgement, Verdict
from jobplan.version import __version__

Unknown = Sequence[Sequence[Judgement]]
"""The unknown judgements of a plan, a list a rule."""

COUNTED: tuple[Verdict, ...] = ("not_applicable", "satisfied", "unknown", "violated")


def make_report(
    plan: Plan,
    policy: str,
    day: int,
    worked: Worked,
    by_row: Verdicts,
    unknown: Unknown,
    engine: str,
    schema: FactSchema,
    basis: EditionBasis,
    lifted_by: Mapping[str, Sequence[Sequence[str]]],
) -> Report:
    """Return the report: findings with waivers put on, every verdict, every measure.

    `by_row` and `unknown` are what `Judged` has under these names.
    """
    maker = FindingMaker(worked, schema, basis)
    edition = worked.program.edition
    waivers = [*waivers_of(plan.waivers, "the plan"), *group_waivers(worked, maker)]
    apart = rows_lifted(waivers, edition.rules, lifted_by, worked.today)
    made = maker.make(plan, by_row, unknown, apart)
    found, effects = put_on(made, waivers, edition.rules, lifted_by, worked.today)
    shower = maker.shower
    return Report(
        plan=plan.id,
        digest=plan.digest,
        file=plan.document.file,
        policy=policy,
        policy_title=edition.policy.title,
        policy_digest=edition.policy.digest,
        overlays=tuple(edition.policy.overlay),
        judged_on=date.fromordinal(day).isoformat(),
        today=date.fromordinal(worked.today).isoformat(),
        engine=engine,
        engine_version=__version__,
        summary=tuple(summary(worked, schema, shower)),
        verdicts=tuple(verdicts(worked, by_row, unknown, found)),
        measures=tuple(measures(worked, basis)),
        findings=tuple(found),
        waivers=tuple(effects),
        assumptions=tuple(assumption(item) for item in plan.assumptions),
        notes=tuple(notes(worked, day)),
        sources=edition.policy.sources,
        names=edition.policy.nation.get("names", {}),
        extensions=plan.extensions,
    )


def group_waivers(worked: Worked, maker: FindingMaker) -> Iterator[Waiver]:
    """Yield the overlay's waivers for groups to which the plan belongs, or may belong."""
    reader = maker.interpreter
    for data, tree in worked.program.checked.waivers:
        belongs = True if tree is None else reader.value(tree, worked.root)
        doubt = ""
        if tree is not None and belongs is None:
            clauses = because(sorted(set(reader.why(tree, worked.root))), maker.label)
            doubt = "it is not known whether the plan belongs to the group: " + "; ".join(clauses)
        if belongs is not False:
            yield from waivers_of([{"row": ALL, **data}], f"overlay {data['overlay']}", doubt)


def summary(worked: Worked, schema: FactSchema, shower: Shower) -> Iterator[tuple[str, str]]:
    """Yield what says which plan this is: the facts and measures that schema and policy name."""
    root = worked.root
    for name in schema.summary:
        if root[name] is not None:
            ref = Ref("fact", name, schema.root)
            yield name.replace("_", " "), with_unit(shower, ref, root[name], worked)
    for name in worked.program.edition.policy.about.get("summary", ()):
        value = worked.measures.get(name)
        if value is None:
            continue
        title = worked.program.edition.policy.measures[name].title or name.replace("_", " ")
        yield title, with_unit(shower, Ref("measure", name), value, worked)


def with_unit(shower: Shower, ref: Ref, value: Any, worked: Worked) -> str:
    """Return a value with the nation's name for its unit."""
    unit = shower.unit(ref)
    names = worked.program.edition.policy.nation.get("names", {})
    said = names.get(unit, unit)
    shown = shower.value(ref, value)
    return f"{shown} {said}" if isinstance(value, float) and said and "any" not in said else shown


def verdicts(
    worked: Worked, by_row: Verdicts, unknown: Unknown, findings: Sequence[Finding]
) -> Iterator[RuleVerdict]:
    """Yield the plan's one verdict on every rule of the edition."""
    lifted: dict[str, list[bool]] = {}
    for finding in findings:
        lifted.setdefault(finding.rule, []).append(bool(finding.waived))
    for checked, mine, doubtful in zip(worked.program.rules, by_row, unknown, strict=True):
        rule, counts = checked.rule, counted(mine, doubtful)
        stated = {judgement.as_stated for judgement in doubtful if judgement.as_stated}
        yield RuleVerdict(
            rule=rule.id,
            title=rule.title,
            topic=rule.topic,
            verdict=overall(counts),
            counts=counts,
            as_stated=overall(stated) if stated else None,
            waived=rule.id in lifted and all(lifted[rule.id]),
        )


def counted(verdicts: Sequence[str | None], unknown: Sequence[Judgement]) -> dict[str, int]:
    """Return how many judgements on one rule there are of each verdict that occurs, by name."""
    if len(verdicts) == 1 and verdicts[0] is not None and not unknown:
        return {verdicts[0]: 1}
    counts: dict[str, int] = {verdict: verdicts.count(verdict) for verdict in COUNTED}
    counts["unknown"] = len(unknown)
    return {verdict: count for verdict, count in counts.items() if count}


def overall(found: Container[str]) -> Verdict:
    """Return the one verdict of a plan from those on its subjects."""
    if "violated" in found:
        return "violated"
    if "unknown" in found:
        return "unknown"
    return "satisfied" if "satisfied" in found else "not_applicable"


def measures(worked: Worked, basis: EditionBasis) -> Iterator[MeasureValue]:
    """Yield every measure that the policy names, with its unit."""
    for measure in basis.measures:
        value = worked.measures[measure.name]
        shown = measure.shown(value, basis.shower)
        yield MeasureValue(measure.name, measure.title, value, shown, measure.unit)


def assumption(item: Any) -> dict[str, Any]:
    """Return an assumption as it is printed."""
    return {
        "id": item.id,
        "fact": f"{item.relation}.{item.field}",
        "row": item.row,
        "value": item.written,
        "why": item.why,
        "by": "user" if item.by_user else "plan",
    }


def notes(worked: Worked, day: int) -> Iterator[str]:
    """Yield what must be said of the edition as a whole."""
    policy = worked.program.edition.policy
    checked_to = policy.about.get("checked_to")
    if checked_to and day > date.fromisoformat(checked_to).toordinal():
        said = f"the sources of {policy.id} were checked up to {checked_to}; it is judged by a later day"
        yield ". ".join(part for part in (said, policy.about.get("edition_note", "")) if part)
