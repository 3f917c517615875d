"""Check structured facts against rules kept as data, with citations.

>>> from jobplan import check, load_policies
>>> report = check({"version": 1, "id": "p"}, policies=load_policies())
Traceback (most recent call last):
...
jobplan.errors.BrokenPlan: ...
"""

from jobplan.errors import BrokenInput, BrokenPlan, BrokenPolicy, JobplanError, Problem
from jobplan.evaluate import Evaluator, check
from jobplan.expression.editions import Policies, load_policies
from jobplan.findings.model import Finding, Report
from jobplan.version import __version__

__all__ = [
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
    "check",
    "load_policies",
]
