"""One plan in a warm process, step by step: what each step costs where the others are done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.plans import Workload
from benchmarks.timing import Call
from jobplan.backends.judging import ENGINES, Judge, Worked, reference, work
from jobplan.evaluate import Evaluator, Judged, ordinal, unknown_judgements
from jobplan.expression.program import Program
from jobplan.facts.document import Plan
from jobplan.findings.model import Report

KNOWN = "json.loads"
TODAY = "2025-06-02"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with an edition, and everything between them that a step needs from the one before."""

    workload: Workload
    evaluator: Evaluator
    plan: Plan
    program: Program
    worked: Worked
    judge: Judge
    judged: Judged

    @property
    def as_of(self) -> int | None:
        """Return the day of the edition, where the plan does not say it."""
        return ordinal(self.workload.as_of)

    def whole(self) -> Report:
        """Do everything, from the plan's data to its report."""
        plan = self.evaluator.read(self.workload.data)
        return self.evaluator.report(self.evaluator.judge(plan, as_of=self.as_of, today=ordinal(TODAY)))

    def described(self) -> str:
        """Say how large the work is and what comes of it."""
        counts = Counter(judgement.verdict for judgement in self.judged.judgements)
        rules = self.program.rules
        root = self.program.checked.world.root
        on_rows = sum(rule.rule.for_each != root for rule in rules)
        said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
        return (
            f"{len(rules)} rules, {on_rows} of them on rows; {len(self.program.checked.columns)} columns, "
            f"{len(self.program.checked.measures)} measures; {len(self.plan.relations['activity'].rows)} "
            f"activities; judgements: {said}; {len(self.whole().findings)} findings"
        )


def prepare(workload: Workload, evaluator: Evaluator) -> Prepared:
    """Read, work out and judge a plan once."""
    today = ordinal(TODAY)
    assert today is not None
    plan = evaluator.read(workload.data)
    judged = evaluator.judge(plan, as_of=ordinal(workload.as_of), today=today)
    _, _, program = evaluator.edition(plan, ordinal(workload.as_of))
    worked = work(program, plan, today)
    return Prepared(workload, evaluator, plan, program, worked, evaluator.judge_by(program), judged)


def steps(prepared: Prepared) -> Mapping[str, Call]:
    """Return a call a step; each repeats its own work only."""
    program, plan, worked = prepared.program, prepared.plan, prepared.worked
    evaluator, data = prepared.evaluator, prepared.workload.data
    text = json.dumps(data)
    verdicts = prepared.judge(worked)
    found = {
        KNOWN: lambda: json.loads(text),
        "reading and validation": lambda: evaluator.read(data),
        "columns and measures": lambda: work(program, plan, worked.today),
        "verdicts, reference": lambda: reference(worked),
    }
    if "rete" in ENGINES and evaluator.engine == "rete":
        found["verdicts, durable-rules"] = lambda: prepared.judge(worked)
    return {
        **found,
        "what the plan states itself": lambda: evaluator.stated(plan, worked, verdicts),
        "reasons of what is unknown": lambda: unknown_judgements(worked, verdicts, None),
        "findings and report": lambda: evaluator.report(prepared.judged),
        "whole": prepared.whole,
    }
