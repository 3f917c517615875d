"""The back ends give the same verdicts: on random plans of the real policy, and on random rules.

`JOBPLAN_PLANS` says on how many plans (5,000; `make differential` sets 100,000), `JOBPLAN_SEED` from which
seed; every run tells its own. A split is cut down, saved in `splits/` and judged again by every later run.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from agreement import Again, differences, interpreter
from expressions import SCHEMA, policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import DAY, POLICY, small_policies
from strategies import MANY, Near, PlanMaker, near

from jobplan.backends.judging import Rete, Worked, reference, work
from jobplan.backends.rete import AVAILABLE
from jobplan.errors import BrokenPlan, BrokenPolicy
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import Policies, load_policies
from jobplan.expression.program import Program, Verdicts
from jobplan.facts import Plan, read_plan

needs_network = pytest.mark.skipif(
    not AVAILABLE, reason="durable-rules is not installed: THE BACK ENDS ARE NOT COMPARED HERE"
)
ENGLAND = "england/consultant-2003"
PLANS = int(os.environ.get("JOBPLAN_PLANS", "5000"))
LONG = PLANS > 5000
SHARDS = 40 if LONG else 4
SEED = int(os.environ.get("JOBPLAN_SEED", "0"))
SPLITS = Path(__file__).parent / "splits"
DAYS = (date(2024, 6, 1), date(2025, 9, 1), date(2019, 4, 1), date(2004, 6, 1), date(2025, 3, 31))
TOLD_EVERY = 2000


@cache
def england() -> Policies:
    return load_policies()


@cache
def engines(day: int) -> tuple[Program, Callable[[Worked], Verdicts]]:
    program = england().program(ENGLAND, day)
    return program, Rete(program)


@cache
def evaluator() -> Evaluator:
    return Evaluator(england(), "reference")


@cache
def limits() -> Near:
    return near(england().checked(ENGLAND).policy)


def maker(random: Random) -> PlanMaker:
    day = random.choice(DAYS)
    fixed = {"nation": "england", "contract": "consultant-2003", "from_on": day.isoformat()}
    return PlanMaker(
        england().schema, random, limits(), fixed=fixed, day=day, rows_of={"activity": MANY, "claim": (0,)}
    )


# --- random plans of the real policy --------------------------------------------------------


@dataclass
class Tally:
    """What a shard has done so far."""

    plans: int = 0
    verdicts: int = 0


@needs_network
@pytest.mark.parametrize("shard", range(SHARDS))
def test_reference_and_rete_agree_on_random_plans(
    shard: int, capfd: pytest.CaptureFixture[str], record_property: Any
) -> None:
    seed = SEED or (secrets.randbits(32) if LONG else 20031031)
    random = Random(f"{seed}/{shard}")
    tally, begun = Tally(), time.time()
    say(capfd, f"shard {shard + 1} of {SHARDS}: seed {seed}")
    share = PLANS // SHARDS + (shard < PLANS % SHARDS)
    for document in documents(random, share):
        worked, split = compared(document, sample=tally.plans % 50 == 0)
        if split:
            saved = save(document, split)
            pytest.fail(f"seed {seed}, shard {shard}, plan {tally.plans}: {split}; saved as {saved}")
        tally.plans += 1
        tally.verdicts += sum(len(worked.relations[rule.rule.for_each].rows) for rule in worked.program.rules)
        if tally.plans % TOLD_EVERY == 0:
            rate = tally.plans / (time.time() - begun)
            say(capfd, f"shard {shard + 1} of {SHARDS}: {tally.plans:,} plans, {rate:.0f} a second")
    record_property("differential", [tally.plans, tally.verdicts, begun, time.time()])


def documents(random: Random, count: int) -> Iterator[dict[str, Any]]:
    """Yield plans, from a new maker for each hundred."""
    for start in range(0, count, 100):
        yield from maker(random).plans(min(100, count - start))


def say(capfd: pytest.CaptureFixture[str], words: str) -> None:
    """Tell of progress on standard error, past what pytest captures; only in long runs."""
    if LONG:
        with capfd.disabled():
            sys.stderr.write(f"differential: {words}\n")
            sys.stderr.flush()


def compared(document: Mapping[str, Any], *, sample: bool = True) -> tuple[Worked, str]:
    """Return a plan as worked out, and what the back ends do not agree on."""
    plan = read_plan(document, england().schema)
    assert plan.date is not None
    program, rete = engines(plan.date)
    worked = work(program, plan, plan.date + 30)
    split = split_of(worked, rete)
    if not split and sample:
        split = "; ".join(differences(worked)[:3]) or unsaid(evaluator(), plan, ENGLAND)
    if not split and sample:
        split = split_of(work(program, plan, plan.date + 30, before=worked), rete)
    return worked, split


def split_of(worked: Worked, rete: Callable[[Worked], Verdicts]) -> str:
    """Say on which rule and row two back ends differ first; nothing where they agree."""
    ours, theirs = reference(worked), rete(worked)
    if ours == theirs:
        return ""
    for rule, mine, other in zip(worked.program.rules, ours, theirs, strict=True):
        for row, a, b in zip(worked.relations[rule.rule.for_each].rows, mine, other, strict=True):
            if a != b:
                return f"{rule.rule.id} on {row.id}: reference {a}, rete {b}"
    return "not the same rules"


def unsaid(evaluator: Evaluator, plan: Plan, policy: str) -> str:
    """Say what is unknown without a reason, or complete with one."""
    judged = evaluator.judge(plan, as_of=plan.date or DAY, today=DAY, policy=policy)
    worked = judged.worked
    again, reader = Again(worked), interpreter(worked)
    for name in worked.relations:
        if bool(list(reader.why_open(name))) == again.whole(name):
            return f"relation {name}: whole is {again.whole(name)}, and the reasons say otherwise"
    for judgement in judged.judgements:
        if (judgement.verdict == "unknown") != bool(judgement.reasons):
            return f"{judgement.rule}: {judgement.verdict} with {len(judgement.reasons)} reasons"
    return ""


# --- splits ---------------------------------------------------------------------------------


def save(document: Mapping[str, Any], split: str) -> Path:
    """Cut a plan down to what the back ends differ on, and keep it."""
    return save_as(cut_by(dict(document), still_split), split)


def save_as(small: Mapping[str, Any], split: str) -> Path:
    """Keep a plan that has been cut down."""
    SPLITS.mkdir(exist_ok=True)
    text = json.dumps({"split": split, "plan": small}, indent=1, ensure_ascii=False) + "\n"
    path = SPLITS / f"{sha256(text.encode()).hexdigest()[:10]}.json"
    path.write_text(text, encoding="utf-8")
    return path


def cut_by(document: dict[str, Any], differ: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Take parts out of a plan as long as back ends still differ."""
    again = True
    while again:
        again = False
        for smaller in removals(document):
            if differ(smaller):
                document, again = smaller, True
                break
    return document


def still_split(document: Mapping[str, Any]) -> bool:
    """Tell whether a plan can be read, and the back ends differ on it."""
    try:
        return bool(compared(document)[1])
    except BrokenPlan:
        return False


def removals(document: Any) -> Iterator[Any]:
    """Yield a document without one part, the largest parts first."""
    if isinstance(document, dict):
        for key in sorted(document, key=lambda name: -len(str(document[name]))):
            if key not in ("version", "id", "nation", "contract", "from_on"):
                yield {other: value for other, value in document.items() if other != key}
        for key, value in document.items():
            yield from ({**document, key: smaller} for smaller in removals(value))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield document[:index] + document[index + 1 :]
            if isinstance(value, dict):
                yield from (
                    [*document[:index], smaller, *document[index + 1 :]] for smaller in removals(value)
                )


@needs_network
def test_every_split_that_was_found_once_stays_mended() -> None:
    for path in sorted(SPLITS.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert compared(found["plan"])[1] == "", path.name


# --- random rules ---------------------------------------------------------------------------


@needs_network
@settings(
    max_examples=400 if LONG else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(topic=policies(), seed=st.integers(0, 1 << 32))
def test_compiled_interpreted_and_rete_agree_on_random_rules(topic: dict[str, Any], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        random = small_policies(Path(folder), SCHEMA, topic)
        refused: set[str] = set()
        try:
            program = random.program(POLICY, DAY)
        except BrokenPolicy as broken:
            refused = {problem.code for problem in broken.problems}
    if refused:
        assert refused == {"divides-by-zero"}
        return
    rete = Rete(program)
    made = PlanMaker(SCHEMA, Random(seed), Near({"": {0.0, 1.0, 2.0, 3.0}}, attested=("done",)))
    for document in made.plans(6):
        plan = read_plan(document, SCHEMA)
        worked = work(program, plan, DAY)
        assert split_of(worked, rete) == "", document
        assert differences(worked) == [], document
        assert unsaid(Evaluator(random, "reference"), plan, POLICY) == "", document


def test_one_verdict_of_a_plan_is_what_other_rules_read() -> None:
    """The verdict that a rule rests on, worked out inside, is the one that the report tells."""
    found = 0
    for document in documents(Random(7), 60):
        plan = read_plan(document, england().schema)
        judged = evaluator().judge(plan, today=plan.date)
        for name, value in judged.worked.measures.items():
            if name.startswith("verdict "):
                found += 1
                assert judged.verdicts()[name.removeprefix("verdict ")] == (value or "unknown")
    assert found or not any(name.startswith("verdict ") for name in judged.worked.measures)
