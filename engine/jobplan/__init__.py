"""Check structured facts against rules kept as data, with citations.

>>> from jobplan import check, load_policies
>>> report = check({"version": 1, "id": "p"}, policies=load_policies())
Traceback (most recent call last):
...
jobplan.errors.BrokenPlan: ...
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobplan.version import __version__

if TYPE_CHECKING:
    from jobplan.auditing.library import audit
    from jobplan.auditing.settings import AuditResult
    from jobplan.errors import BrokenInput, BrokenPlan, BrokenPolicy, JobplanError, Problem
    from jobplan.evaluate import Evaluator, check
    from jobplan.expression.editions import Policies, load_policies
    from jobplan.findings.model import Finding, Report

__all__ = [
    "AuditResult",
    "BrokenInput",
    "BrokenPlan",
    "BrokenPolicy",
    "Evaluator",
    "Finding",
    "JobplanError",
    "Policies",
    "Problem",
    "Report",
    "__version__",
    "audit",
    "check",
    "load_policies",
]

# The evaluator takes a fifth of a second to import, which `jobplan --help` and a schema can do without.
_HOMES = {
    **dict.fromkeys(("BrokenInput", "BrokenPlan", "BrokenPolicy", "JobplanError", "Problem"), "errors"),
    "AuditResult": "auditing.settings",
    "audit": "auditing.library",
    **dict.fromkeys(("Evaluator", "check"), "evaluate"),
    **dict.fromkeys(("Policies", "load_policies"), "expression.editions"),
    **dict.fromkeys(("Finding", "Report"), "findings.model"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"jobplan.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
