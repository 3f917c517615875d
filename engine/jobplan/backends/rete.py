"""The Rete network of durable-rules: verdicts of one plan. Nothing else touches that library.

Durable-rules 2.0.28 is sound only inside narrow limits, measured and read in its C sources; each
guard below says which one it keeps. What is asserted is never a value, only whether a comparison
holds: types, nulls, number formats and division are all settled before.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from jobplan.backends.patterns import RULES_PER_SET, Condition, Rule, compile_rule
from jobplan.model import Truth, Verdict

try:
    import durable_rules_engine
except ImportError:  # it does not build everywhere: CPython 3.13, gcc 14, no compiler
    AVAILABLE = False
else:
    AVAILABLE = True

__all__ = ["AVAILABLE", "Case", "Condition", "FactLostError", "Network"]

MOST_TRIES = 4
"""Ids tried for a fact that the library takes for one already seen."""

MOST_KNOWN = 512
"""Rows of truths that are kept with their facts for each rule; plans seldom bring more than a few."""

FIRED = re.compile(r'\{"([a-z_]+ r[0-9]+)":\{"m":\{"id":([0-9]+)[,}]')
"""How a firing begins: rule, and id of its fact."""

HANDLED, OBSERVED = 0, 2
"""What asserting a fact returns if a rule fired, or if its id's hash is there already; 1: neither."""

TRUTH_OF_PART: Mapping[Verdict, Truth] = {"satisfied": True, "violated": False, "unknown": None}

Case = tuple[int, tuple[Truth, ...]]
"""Index of a rule, truths of its atoms on one subject."""


class _Engine(Protocol):
    """What is used of the C module; the Python `Host` around it starts threads for good."""

    error: type[Exception]

    def create_ruleset(self, name: str, rules: str, /) -> int: ...
    def delete_ruleset(self, handle: int, /) -> None: ...
    def assert_fact(self, handle: int, fact: str, /) -> tuple[int, int]: ...
    def start_action_for_state(self, handle: int, state: int, /) -> tuple[str, str] | None: ...
    def complete_and_start_action(self, handle: int, state: int, /) -> str | None: ...
    def delete_state(self, handle: int, sid: str | None, /) -> None: ...


class FactLostError(RuntimeError):
    """The library lost a fact or contradicted itself: no verdict of this plan can be trusted."""


class Network:
    """The rules of one edition; judges one plan at a time, from any thread.

    A rule whose condition folds to one verdict is answered without the library. One too large
    for a single match is taken apart: its parts are rules of an inner network, judged first,
    and their verdicts are further atoms of the rule; so there is no rule too large. Raises
    ModuleNotFoundError where durable-rules is not installed.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        if not AVAILABLE:
            raise ModuleNotFoundError("durable-rules is not installed", name="durable_rules_engine")
        engine: _Engine = durable_rules_engine
        # Calls of two threads that take turns on one rule set end in error 307.
        self._lock = threading.Lock()
        handles: list[int] = []
        self._finalizer = weakref.finalize(self, _delete_all, engine, handles)
        self._finalizer.atexit = False
        self._rules: list[Rule] = []
        parts: list[Condition] = []
        matched: list[Rule] = []
        for condition in conditions:
            rule, more = compile_rule(condition, place=len(matched), first_part=len(parts))
            self._rules.append(rule)
            parts += more
            if rule.patterns:
                matched.append(rule)
        self._parts = Network(parts) if parts else None
        shards = (matched[at : at + RULES_PER_SET] for at in range(0, len(matched), RULES_PER_SET))
        self._sets = [_RuleSet(engine, handles, shard) for shard in shards]
        self._known: list[dict[tuple[Truth, ...], tuple[Verdict, str]]] = [{} for _ in self._rules]

    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge all subjects of one plan; the verdicts come in the order of the cases.

        Raises FactLostError if the library's answers do not add up, RuntimeError once closed.
        """
        with self._lock:
            if not self._finalizer.alive:
                raise RuntimeError("the network is closed")
            return self._judge(self._with_parts(cases))

    def _judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Ask each rule set once, then lay its answers beside the cases.

        Subjects whose truths are alike share one fact: the verdict follows from rule and truths
        alone, and each fact costs an assertion, 9 kB of copying and a firing. The rows of a plan
        are mostly alike in this.
        """
        verdicts: list[Verdict] = []
        facts: list[dict[str, int]] = [{} for _ in self._sets]
        waiting: list[tuple[int, int, int]] = []
        rules, known = self._rules, self._known
        for position, (index, truths) in enumerate(cases):
            verdict, fact = known[index].get(truths) or self._told(index, truths)
            verdicts.append(verdict)
            if fact:
                number = rules[index].number
                asked = facts[number]
                waiting.append((position, number, asked.setdefault(fact, len(asked))))
        answers = [rules.judge(list(asked)) for rules, asked in zip(self._sets, facts, strict=True)]
        for position, number, answer in waiting:
            verdicts[position] = answers[number][answer]
        return verdicts

    def _told(self, index: int, truths: tuple[Truth, ...]) -> tuple[Verdict, str]:
        """Return the verdict unless a fact says more, and the fact; written once for equal truths."""
        rule, known = self._rules[index], self._known[index]
        if len(known) >= MOST_KNOWN:
            known.clear()
        told: tuple[Verdict, str]
        told = ("not_applicable", "") if rule.excludes(truths) else (rule.answer, rule.fact(truths))
        return known.setdefault(truths, told)

    def _with_parts(self, cases: Sequence[Case]) -> Sequence[Case]:
        """Append to the truths of each rule that was taken apart those of its parts."""
        if self._parts is None:
            return cases
        rules = self._rules
        large = [
            (position, rules[index], truths)
            for position, (index, truths) in enumerate(cases)
            if rules[index].parts and not rules[index].excludes(truths)
        ]
        asked = [(part, truths) for _, rule, truths in large for part in rule.parts]
        answers = iter(self._parts.judge(asked))
        wider = list(cases)
        for position, rule, truths in large:
            told = tuple(TRUTH_OF_PART[next(answers)] for _ in rule.parts)
            wider[position] = (wider[position][0], (*truths[: rule.width], *told))
        return wider

    def close(self) -> None:
        """Delete the rule sets; closing twice does nothing."""
        with self._lock:
            if self._parts is not None:
                self._parts.close()
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @staticmethod
    @functools.cache
    def version() -> str:
        """Return name and version of the library at work; raises PackageNotFoundError without it.

        The name of its folder tells it: to import what reads metadata takes longer than to judge a plan.
        """
        home = Path(durable_rules_engine.__file__).parent if AVAILABLE else Path()
        names = [path.name for path in home.glob("durable_rules-*.dist-info")]
        if len(names) == 1:
            return "durable-rules " + names[0].removeprefix("durable_rules-").removesuffix(".dist-info")
        return f"durable-rules {import_module('importlib.metadata').version('durable_rules')}"


def _delete_all(engine: _Engine, handles: list[int]) -> None:
    """Delete rule sets. It does not free their states, of which none may be left."""
    while handles:
        engine.delete_ruleset(handles.pop())


class _RuleSet:
    """At most RULES_PER_SET rules in one rule set of the library, with one state at a time."""

    def __init__(self, engine: _Engine, handles: list[int], rules: Sequence[Rule]) -> None:
        self._engine = engine
        self._verdicts: dict[str, Verdict] = {}
        definition: dict[str, Any] = {"sentinel": {"all": [{"m": {"sentinel": True}}]}}
        for rule in rules:
            for verdict, patterns in (rule.patterns or {}).items():
                name = f"{verdict} {rule.key}"
                self._verdicts[name] = verdict
                definition[name] = {"all": [{"m": {"$and": [{rule.key: True}, *patterns]}}]}
        self._handle = engine.create_ruleset("rules", json.dumps(definition))
        handles.append(self._handle)
        self._arm()

    def _arm(self) -> None:
        """Let the sentinel rule fire in a first state and delete that.

        `delete_state` frees two pointers that only a started action sets, so that it may crash
        on a state where nothing fired. Every later state takes the place of this one in memory,
        and finds them set.
        """
        _, state = self._engine.assert_fact(self._handle, '{"id":0,"sentinel":true}')
        fired = [name for name, _ in self._firings(state)]
        self._engine.delete_state(self._handle, None)
        if fired != ["sentinel"]:
            raise FactLostError("the sentinel rule did not fire")

    def judge(self, facts: Sequence[str]) -> list[Verdict]:
        """Return a verdict for each fact, `unknown` where nothing fires."""
        if not facts:
            return []
        try:
            owners, handled, state = self._assert(facts)
            verdicts = self._collect(state, owners)
        finally:
            # Every state but this one would stay, and the 1,025th end in MemoryError. Error 309
            # says that there is none, which happens if the first fact was refused.
            with suppress(self._engine.error):
                self._engine.delete_state(self._handle, None)
        if verdicts.keys() != handled:
            raise FactLostError(f"{len(handled)} facts fired when asserted, {len(verdicts)} were answered")
        return [verdicts.get(index, "unknown") for index in range(len(facts))]

    def _assert(self, facts: Sequence[str]) -> tuple[dict[int, int], set[int], int]:
        """Assert facts; return which fact each id belongs to, which ones fired, and the state.

        The library tells facts apart by a 32-bit hash of their id, its own being a hash of the
        content. The numbers up to 797,185 have hashes of their own.
        """
        owners: dict[int, int] = {}
        handled: set[int] = set()
        state = 0
        ids = _ids()
        for index, fact in enumerate(facts):
            for number in itertools.islice(ids, MOST_TRIES):
                owners[number] = index
                outcome, state = self._engine.assert_fact(self._handle, f'{{"id":{number},{fact}}}')
                if outcome != OBSERVED:
                    break
            else:
                raise FactLostError("a fact was taken for one already seen under every id")
            if outcome == HANDLED:
                handled.add(index)
        return owners, handled, state

    def _collect(self, state: int, owners: Mapping[int, int]) -> dict[int, Verdict]:
        """Return the verdict of each fact that fired; `$or` fires once for each branch that holds."""
        verdicts: dict[int, Verdict] = {}
        for name, number in self._firings(state):
            verdict = self._verdicts[name]
            if verdicts.setdefault(owners[number], verdict) != verdict:
                raise FactLostError("one fact has two verdicts")
        return verdicts

    def _firings(self, state: int) -> Iterator[tuple[str, int]]:
        """Yield the name of each Rete rule that fired and the id of its fact, completing it."""
        started = self._engine.start_action_for_state(self._handle, state)
        text = started[1] if started else None
        while text is not None:
            found = FIRED.match(text)
            if found is None:
                ((name, match),) = json.loads(text).items()
                yield name, match["m"]["id"]
            else:
                yield found[1], int(found[2])
            text = self._engine.complete_and_start_action(self._handle, state)


def _ids() -> Iterator[int]:
    """Count the ids of one state's facts."""
    return itertools.count(1)
