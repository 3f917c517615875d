"""The same conditions given to others: GoRules' zen-engine, and durable-rules through its own Host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from benchmarks.steps import Prepared
from benchmarks.timing import Figure, table, timed
from benchmarks.zen_rules import Decision, decision
from jobplan.backends.judging import reference, work

HOST_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Zen:
    """A decision that is ready, the quicker way of calling it, and how its answers compare."""

    decision: Decision
    call: Callable[[], Any]
    answers: Counter[tuple[str, str]]


def zen(prepared: Prepared, *, guarded: bool) -> Zen:
    """Load a decision into zen-engine. Raises ModuleNotFoundError where it is not installed."""
    import zen as engine

    made = decision(prepared.worked, guarded=guarded)
    loaded = engine.ZenEngine().create_decision(json.dumps(made.graph))
    text = json.dumps(made.context)

    def by_dict() -> Any:
        return loaded.evaluate(made.context)

    def by_text() -> Any:
        return loaded.evaluate(text)

    tried = timed({"dict": by_dict, "text": by_text}, rounds=3, each=10)
    call = by_dict if tried["dict"].median <= tried["text"].median else by_text
    return Zen(made, call, Counter(pairs(prepared, made, call()["result"])))


def pairs(prepared: Prepared, made: Decision, result: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield our verdict and zen's on each subject of each rule that zen can say."""
    ours = reference(prepared.worked)
    said = {rule.rule.id for rule in made.said}
    root = prepared.program.checked.world.root
    for index, rule in enumerate(prepared.program.rules):
        if rule.rule.id in said:
            theirs = result[f"r{index}"]
            several = [theirs] if rule.rule.for_each == root else theirs
            for mine, other in zip(ours[index], several, strict=True):
                yield mine or "unknown", other


def against_zen(prepared: Prepared, *, rounds: int, each: int) -> str:
    """Return a table of our verdicts and zen's, taken in turns, and what must be said of it."""
    same, less = zen(prepared, guarded=False), zen(prepared, guarded=True)
    worked, program, plan = prepared.worked, prepared.program, prepared.plan
    found = timed(
        {
            "zen-engine, same answers": same.call,
            "zen-engine, unknown taken for false": less.call,
            "verdicts, reference": lambda: reference(worked),
            "verdicts, durable-rules": lambda: prepared.judge(worked),
            "work and verdicts, reference": lambda: reference(work(program, plan, worked.today)),
            "work and verdicts, durable-rules": lambda: prepared.judge(work(program, plan, worked.today)),
        },
        rounds=rounds,
        each=each,
    )
    unsaid = "; ".join(f"{n} for {why}" for why, n in Counter(same.decision.unsaid.values()).most_common())
    notes = [
        f"zen-engine {version('zen-engine')} says {len(same.decision.said)} of {len(program.rules)} rules"
        + (f" (not said: {unsaid})." if unsaid else "."),
        f"Same answers: {agreement(same.answers)}.",
        f"Unknown taken for false: {agreement(less.answers)}.",
    ]
    return "\n\n".join([against(found), " ".join(notes)])


def agreement(answers: Counter[tuple[str, str]]) -> str:
    """Say on how many judgements two agree."""
    same = sum(count for (ours, theirs), count in answers.items() if ours == theirs)
    return f"{same} of {answers.total()} judgements agree with ours"


def against(found: dict[str, Figure]) -> str:
    """Return figures as a table, with ratios to both ways of asking zen."""
    names = [name for name in found if name.startswith("zen-engine")]
    rows = (
        (
            name,
            str(f.n),
            f"{f.median:.3f}",
            f"{f.p95:.3f}",
            f.spread,
            *(f"{f.median / found[zen].median:.2f}" for zen in names),
        )
        for name, f in found.items()
    )
    ratios = ("× same answers", "× unknown is false")
    head = ("step", "n", "median, ms", "p95, ms", "medians of the rounds", *ratios)
    return table(head, rows)


def against_host(*, rounds: int, each: int, reduced: bool) -> str:
    """Return what durable-rules costs through its own Host, in a process of its own.

    A Host starts threads for good and may end the process, so it is kept away from everything else.
    """
    which = "reduced" if reduced else "whole"
    command = [sys.executable, "-m", "benchmarks.host", str(rounds), str(each), which]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=HOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"durable-rules through its own Host: no answer within {HOST_SECONDS} s."
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        return f"durable-rules through its own Host ended with {done.returncode}: {last}"
    return done.stdout.strip()
