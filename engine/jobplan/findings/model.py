"""The shapes of findings and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jobplan.model import Citation, Reason, Severity, Verdict

OWN_VALUE = "the policy's own value"
"""What stands for the agreement behind an open parameter that no overlay has set."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a finding rests on.

    `shown` is the value as people read it, `place` where it stands in the plan's file, `source`
    where the plan says it came from (file, sheet, row, column), `assumed` the assumption's id.
    """

    name: str
    relation: str
    row: str
    value: Any
    shown: str
    unit: str = ""
    title: str = ""
    place: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    assumed: str = ""
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A text by its key, with the values put into it, so that other languages can be laid beside."""

    key: str
    values: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A violated judgement, one a subject; or one gap a rule and plan, with all its reasons.

    `citations` are the rule's own and those of the local agreements used; `rests_on` those of the
    tables and parameters behind it. `severity` of a gap is `gap`, or `open` where only the law is
    silent; `otherwise` is what a violation would have. `subjects` counts the rows concerned. `waived`
    holds the waiver's words. A gap is `unstated` where nothing is missing but figures that the plan
    might have stated of itself.
    """

    key: str
    rule: str
    topic: str
    title: str
    relation: str
    subject: str | None
    label: str
    verdict: Verdict
    severity: Severity
    otherwise: Severity
    message: Message
    remedy: str
    protects: str
    force: str
    strength: str
    citations: tuple[Citation, ...]
    rests_on: tuple[Citation, ...]
    assurance: Mapping[str, Any]
    evidence: tuple[Evidence, ...] = ()
    reasons: tuple[Reason, ...] = ()
    subjects: int = 1
    as_stated: Verdict | None = None
    assumptions: tuple[str, ...] = ()
    waived: str = ""
    unstated: bool = False
    place: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class WaiverEffect:
    """A waiver and what came of it: the keys of the findings that it lifts, or why it has none."""

    rule: str
    row: str
    reason: str
    agreed_by: tuple[str, ...]
    until: str
    origin: str
    lifts: tuple[str, ...] = ()
    without_effect: str = ""


class RuleVerdict(NamedTuple):
    """The plan's one verdict on a rule; counts are of subjects by verdict.

    A report has hundreds of these and of measures; tuples are made in a third of the time.
    """

    rule: str
    title: str
    topic: str
    verdict: Verdict
    counts: Mapping[str, int]
    as_stated: Verdict | None = None
    waived: bool = False


class MeasureValue(NamedTuple):
    """A measure of the plan; `value` is None where it is unknown."""

    name: str
    title: str
    value: Any
    shown: str
    unit: str
    as_stated: Any = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that checking one plan gives."""

    plan: str
    digest: str
    file: str
    policy: str
    policy_title: str
    policy_digest: str
    overlays: tuple[str, ...]
    judged_on: str
    today: str
    engine: str
    engine_version: str
    summary: tuple[tuple[str, str], ...]
    verdicts: tuple[RuleVerdict, ...]
    measures: tuple[MeasureValue, ...]
    findings: tuple[Finding, ...]
    waivers: tuple[WaiverEffect, ...]
    assumptions: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    sources: Mapping[str, Any]
    names: Mapping[str, str]
    extensions: Mapping[str, Any]
