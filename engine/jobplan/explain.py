"""Explain how the verdict of a plan on one rule came about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from jobplan.authoring.sentence import Sentences
from jobplan.errors import JobplanError, Problem, suggest
from jobplan.evaluate import Evaluator, Judged
from jobplan.expression.checked import CheckedRule
from jobplan.findings.explain import Explainer
from jobplan.findings.model import Finding
from jobplan.findings.report import overall
from jobplan.findings.show import label_of
from jobplan.findings.steps import Explanation, SubjectSteps
from jobplan.findings.wording import because
from jobplan.model import Judgement, Period


def explain(
    evaluator: Evaluator, judged: Judged, rule: str, *, row: str | None = None, full: bool = False
) -> Explanation:
    """Explain the verdicts of a judged plan on a rule, or on one row of it.

    With `full`, each row of an aggregate is explained down to its facts. Raises JobplanError where
    the edition has no such rule, or the plan no such row.
    """
    worked = judged.worked
    checked = worked.program.checked
    if rule not in worked.program.edition.rules:
        raise JobplanError([unknown_rule(judged, rule)])
    mine = [judgement for judgement in judged.judgements if judgement.rule == rule]
    wanted = [judgement for judgement in mine if row is None or id_of(judgement) == row]
    if not wanted and row is not None:
        raise JobplanError([unknown_row(rule, row, mine)])
    findings = {found.subject: found for found in evaluator.report(judged).findings if found.rule == rule}
    schema, policy = evaluator.policies.schema, worked.program.edition.policy
    explainer = Explainer(judged.plan, worked, schema, str(evaluator.policies.folder), full)
    asked = checked.rules[rule]
    return Explanation(
        plan=judged.plan.id,
        file=judged.plan.document.file,
        policy=judged.policy,
        policy_title=policy.title,
        judged_on=date.fromordinal(judged.day).isoformat(),
        today=date.fromordinal(worked.today).isoformat(),
        rule=rule,
        title=asked.rule.title,
        topic=asked.rule.topic,
        relation=asked.rule.for_each,
        force=asked.rule.force,
        strength=asked.rule.strength,
        sentence=Sentences(checked, schema, worked.program.edition).rule(asked),
        place=explainer.places.of(asked.rule.place),
        verdict=overall({judgement.verdict: True for judgement in mine}),
        citations=asked.rule.cites,
        subjects=tuple(subject(explainer, asked, judgement, findings) for judgement in wanted),
        sources=policy.sources,
        names=policy.nation.get("names", {}),
    )


def subject(
    explainer: Explainer,
    checked: CheckedRule,
    judgement: Judgement,
    findings: Mapping[str | None, Finding],
) -> SubjectSteps:
    """Explain one judgement."""
    row = judgement.subject
    id = None if row is None or row is explainer.worked.root else row.id
    finding = findings.get(id) or findings.get(None)  # the gap of several rows has no subject
    known = finding if finding is not None and finding.verdict == judgement.verdict else None
    applies = explainer.applies(checked, row) if row is not None else None
    asked = row is not None and (applies is None or applies.value is not False)
    return SubjectSteps(
        subject=id,
        label=label_of(row, explainer.schema) if row is not None and id is not None else "",
        verdict=judgement.verdict,
        place=explainer.row_place(row) if row is not None else "",
        open=row is None,
        as_stated=judgement.as_stated,
        severity=known.severity if known is not None else "",
        message=known.message.text if known is not None and known.verdict == "violated" else "",
        waived=known.waived if known is not None else "",
        reasons=tuple(because(judgement.reasons, explainer.label)),
        applies=applies,
        requires=explainer.step(checked.requires, row) if asked and row is not None else None,
    )


def id_of(judgement: Judgement) -> str | None:
    """Return the id of the row that was judged; None for rows that may be missing."""
    return None if judgement.subject is None else judgement.subject.id


def unknown_rule(judged: Judged, rule: str) -> Problem:
    """Say that a rule is not in force on the plan's day, or that the policy has none of that name."""
    day = date.fromordinal(judged.day).isoformat()
    known = judged.worked.program.edition.policy.rules
    if rule in known:
        held = period_words(known[rule].in_force.period)
        message = f"`{rule}` is not in force on {day}"
        return Problem("rule-not-in-force", message, None, f"it is in force {held}")
    message = f"no rule `{rule}` in {judged.policy}"
    return Problem("unknown-rule", message, None, suggest(rule, known))


def unknown_row(rule: str, row: str, judgements: list[Judgement]) -> Problem:
    """Say that no row with an id was judged by a rule."""
    ids = [id for id in map(id_of, judgements) if id is not None]
    known = "it was judged on " + ", ".join(f"`{id}`" for id in ids) if ids else "it was judged on no row"
    return Problem("unknown-row", f"`{rule}` was judged on no row `{row}`", None, suggest(row, ids) or known)


def period_words(period: Period) -> str:
    """Return a period in words; its last day is the one before `until`.

    >>> period_words(Period(date(2024, 4, 1).toordinal(), None)), period_words(Period())
    ('from 2024-04-01', 'at all times')
    """
    parts = []
    if period.from_ is not None:
        parts.append(f"from {date.fromordinal(period.from_).isoformat()}")
    if period.until is not None:
        parts.append(f"to {date.fromordinal(period.until - 1).isoformat()}")
    return " ".join(parts) or "at all times"
