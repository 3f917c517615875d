"""Others on the same work, plan by plan: each is given the same columns, measures and conditions."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.core import node
from benchmarks.core.work import RULES, Work, plain_plans, work
from benchmarks.population import Population
from benchmarks.steps import TODAY
from benchmarks.subset import only
from benchmarks.timing import table
from jobplan.backends.judging import work as work_out
from jobplan.evaluate import Evaluator, ordinal
from jobplan.expression.editions import load_policies
from jobplan.facts.document import Plan

Codes = dict[str, int]
Judge = Callable[[Any], Codes]
SLOW = 20
"""Plans that an engine of more than SLOW_MS a plan is given."""

SLOW_MS = 20.0
CODES: Mapping[str | None, int] = {"not_applicable": 0, "satisfied": 1, None: 2, "violated": 3}
SEED = 7


@dataclass(frozen=True, slots=True)
class Rival:
    """An engine that is ready; `reads` tells whether it takes plans as the reference reads them."""

    name: str
    judge: Judge
    reads: bool = False


@dataclass(slots=True)
class Score:
    """Milliseconds a plan, one plan again and again and all of them, and how many verdicts agree."""

    single: list[float]
    bulk: list[float]
    agree: int
    asked: int


class Ours:
    """The rules that are compared as the project judges one plan, columns and measures among it."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.evaluator = Evaluator(load_policies(only(folder, RULES)), engine)

    def judge(self, plan: Plan) -> Codes:
        """Return a code for every rule."""
        _, _, program = self.evaluator.edition(plan, None)
        today = ordinal(TODAY)
        assert today is not None
        worked = work_out(program, plan, today)
        verdicts = self.evaluator.judge_by(program)(worked)
        found = {}
        for rule, mine in zip(program.rules, verdicts, strict=True):
            relation = rule.rule.for_each
            whole = relation == program.checked.world.root or worked.relations[relation].complete
            found[rule.rule.id] = max([0 if whole else CODES[None], *(CODES[verdict] for verdict in mine)])
        return found


def rivals(made: Work) -> Iterator[tuple[str, Callable[[], Judge]]]:
    """Yield the engines that Python can call, each with what makes it; that raises where it is not there."""
    from benchmarks.core.cel import CelInRust, CelPython, InCel
    from benchmarks.core.zen import InZen

    yield "zen-engine", lambda: InZen(made).judge
    yield "CEL in Rust (common-expression-language)", lambda: InCel(made, CelInRust()).judge
    yield "CEL in Python (cel-python)", lambda: InCel(made, CelPython()).judge


def against_rivals(folder: Path, *, plans: int, rounds: int) -> Iterator[str]:
    """Yield a table of all engines that judge plan by plan, and who was left out."""
    made = work(load_policies())
    given = list(plain_plans(made, Population(plans, SEED)))
    reference = Ours(folder / "reference", "reference").judge
    right = [reference(plan) for plan, _ in given]
    scores = {OURS: score(Rival(OURS, reference, reads=True), given, right, rounds)}
    left_out = []
    if "durable-rules" in available():
        rete = Rival("durable-rules, as the project uses it", Ours(folder / "rete", "rete").judge, reads=True)
        scores[rete.name] = score(rete, given, right, rounds)
    for name, make in rivals(made):
        try:
            rival = Rival(name, make())
        except ImportError as missing:
            left_out.append(f"{name}: {missing}")
            continue
        scores[name] = score(rival, given, right, rounds)
    try:
        scores[NODE] = on_node(made, [data for _, data in given], right, rounds)
    except node.NotThereError as missing:
        left_out.append(f"{NODE}: {missing}")
    if (told := own_host(plans, rounds)) is not None:
        scores[HOST] = Score(told["single"], told["bulk"], *agreement(right, told["answers"]))
    else:
        left_out.append(f"{HOST}: it is not there, or came to nothing")
    yield f"{made.described()}; {plans} plans of about 25 activities; columns, measures and verdicts."
    yield scored(scores)
    if left_out:
        yield "Left out: " + "; ".join(left_out) + "."


OURS = "reference evaluator"
NODE = "json-rules-engine on Node"
HOST = "durable-rules, its own Host"
SECONDS = 900


def own_host(plans: int, rounds: int) -> dict[str, Any] | None:
    """Return what durable-rules takes through its own Host, in a process of its own; None if it fails."""
    command = [sys.executable, "-m", "benchmarks.host", str(rounds), str(plans), "many"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode or not done.stdout.strip():
        return None
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def available() -> set[str]:
    """Return the engines of the project that are there."""
    from jobplan.backends.judging import ENGINES

    return {"durable-rules"} if "rete" in ENGINES else set()


def score(rival: Rival, given: list[tuple[Plan, Any]], right: list[Codes], rounds: int) -> Score:
    """Let an engine judge all plans `rounds` times and the first one as often as there are plans."""
    plans = [pair[0 if rival.reads else 1] for pair in given]
    took = milliseconds(rival.judge, plans[:2])
    if median(took) > SLOW_MS:
        plans = plans[:SLOW]
    answers = [rival.judge(plan) for plan in plans]
    single = [ms for _ in range(rounds) for ms in milliseconds(rival.judge, plans[:1] * len(plans))]
    bulk = [sum(milliseconds(rival.judge, plans)) / len(plans) for _ in range(rounds)]
    return Score(single, bulk, *agreement(right, answers))


def milliseconds(judge: Judge, plans: Iterable[Any]) -> list[float]:
    """Return how long each plan takes."""
    found = []
    for plan in plans:
        begin = time.perf_counter_ns()
        judge(plan)
        found.append((time.perf_counter_ns() - begin) / 1e6)
    return found


def agreement(right: list[Codes], answers: list[Codes]) -> tuple[int, int]:
    """Return how many verdicts are right, of how many."""
    same = Counter(
        expected[rule] == code
        for expected, codes in zip(right, answers, strict=False)
        for rule, code in codes.items()
    )
    return same[True], same.total()


def on_node(made: Work, plans: list[Any], right: list[Codes], rounds: int) -> Score:
    """Let json-rules-engine judge; Node takes the time itself."""
    told = node.run(made, plans, rounds=rounds, each=len(plans))
    return Score(told["single"], told["bulk"], *agreement(right, told["answers"]))


def scored(scores: Mapping[str, Score]) -> str:
    """Return scores as a table, with ratios to the reference evaluator."""
    single, bulk = median(scores[OURS].single), median(scores[OURS].bulk)
    rows = (
        (
            name,
            f"{median(s.single):.3f}",
            f"{median(s.single) / single:.1f}",
            f"{median(s.bulk):.3f}",
            f"{median(s.bulk) / bulk:.1f}",
            f"{1000 / median(s.bulk):,.0f}",
            f"{s.agree} of {s.asked}",
        )
        for name, s in scores.items()
    )
    head = (
        "engine",
        "one plan, ms",
        f"× {OURS}",
        "many, ms a plan",
        f"× {OURS}",
        "plans/s",
        "verdicts that agree",
    )
    return table(head, rows)


def versions() -> str:
    """Name the engines that are installed."""
    names = ("duckdb", "numpy", "OpenFisca-Core", "zen-engine", "common-expression-language", "cel-python")
    return ", ".join(f"{name} {found}" for name in names if (found := there(name)))


def there(name: str) -> str:
    """Return the version of a distribution, empty if it is not there."""
    try:
        return version(name)
    except ImportError:
        return ""
