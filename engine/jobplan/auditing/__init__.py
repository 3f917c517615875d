"""Audits: many plans judged into one folder that can be handed on, compared and made again."""

from jobplan.auditing.comparing import Comparison, compare
from jobplan.auditing.engines import ENGINES
from jobplan.auditing.library import audit
from jobplan.auditing.settings import FORMATS, AuditResult, Progress
from jobplan.auditing.verifying import Verified, verify

__all__ = [
    "ENGINES",
    "FORMATS",
    "AuditResult",
    "Comparison",
    "Progress",
    "Verified",
    "audit",
    "compare",
    "verify",
]
