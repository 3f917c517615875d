"""How grave a violation is: by force, strength and how well the rule is read."""

from __future__ import annotations

from jobplan.expression.uses import Assurance
from jobplan.model import Reason, Rule, Severity


def severity_of(rule: Rule, assurance: Assurance) -> Severity:
    """Return the severity of a violation.

    What nobody has read in its source is a `query`: check the source first, it is no breach.
    """
    if rule.force in ("statute", "contract"):
        if rule.strength == "normally":
            return "caution"
        return "breach" if assurance.firm else "query"
    if rule.force in ("agreed_guidance", "local"):
        return "caution"
    return "advice" if rule.force == "recommendation" else "note"


def gap_severity(reasons: tuple[Reason, ...]) -> Severity:
    """Return `open` where only the law is silent, else `gap`."""
    return "open" if reasons and all(reason.kind == "silent" for reason in reasons) else "gap"
