"""The shapes of an explanation: a tree of steps from the condition of a rule down to facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jobplan.model import Citation, Verdict

StepKind = Literal[
    "all", "any", "not", "case", "branch", "condition", "value",
    "fact", "column", "measure", "parameter", "today", "table", "row", "rule", "attestation",
]  # fmt: skip
"""What a step is: how conditions are joined, one condition or value, what a name stands for, a row
of a table or of an aggregate, another rule's verdict, a recorded statement."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation and the steps that it comes from.

    `text` is the condition, or the name; `how` how a named value is worked out. `place` is where it
    stands: facts and rows in the plan's file, all else in the policy's. `source` is where the plan
    says that a fact came from. `because` says why a value is unknown, at the step where it is lost.
    `above` tells that the same value was explained before. `note` says what else there is to say.
    """

    kind: StepKind
    text: str
    value: Any
    shown: str
    title: str = ""
    how: str = ""
    unit: str = ""
    relation: str = ""
    row: str = ""
    place: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    citations: tuple[Citation, ...] = ()
    because: str = ""
    assumed: str = ""
    agreed: str = ""
    note: str = ""
    above: bool = False
    parts: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectSteps:
    """How the verdict on one subject came about.

    `subject` is None for the plan itself; `open` marks the rows that an incomplete relation may
    still hold, of which there are reasons only. `message` is that of the finding, if there is one.
    """

    subject: str | None
    label: str
    verdict: Verdict
    place: str = ""
    open: bool = False
    as_stated: Verdict | None = None
    severity: str = ""
    message: str = ""
    waived: str = ""
    reasons: tuple[str, ...] = ()
    applies: Step | None = None
    requires: Step | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the verdict of a plan on one rule came about."""

    plan: str
    file: str
    policy: str
    policy_title: str
    judged_on: str
    today: str
    rule: str
    title: str
    topic: str
    relation: str
    force: str
    strength: str
    sentence: str
    place: str
    verdict: Verdict
    citations: tuple[Citation, ...]
    subjects: tuple[SubjectSteps, ...]
    sources: Mapping[str, Any]
    names: Mapping[str, str]
