"""The same Rete rules through durable-rules' own `Host`, as its documentation tells to use it.

Run in a process of its own: `python -m benchmarks.host ROUNDS EACH whole|reduced`. Each Host starts two
timer threads for good, and what goes wrong in an action is swallowed, so the answers are compared.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from durable.engine import Host, MessageNotHandledException

from benchmarks.plans import workloads
from benchmarks.steps import Prepared, prepare
from benchmarks.subset import reduced
from benchmarks.timing import figures, timed
from jobplan.backends.patterns import RULES_PER_SET, Condition, Rule, compile_rule
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import load_policies


class OwnHost:
    """The rules of an edition in rule sets of a Host; a rule too large for one match is left out."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.rules: dict[int, Rule] = {}
        definitions: dict[str, dict[str, Any]] = {}
        self.left_out = 0
        for index, (rule, form) in enumerate(
            zip(prepared.program.rules, prepared.program.forms, strict=True)
        ):
            made, parts = compile_rule(
                Condition(rule.rule.id, *form), place=len(self.rules), first_part=0
            )
            if parts or not made.patterns:
                self.left_out += 1
                continue
            self.rules[index] = made
            shard = definitions.setdefault(f"s{made.number}", {})
            for verdict, patterns in made.patterns.items():
                condition = {"m": {"$and": [{made.key: True}, *patterns]}}
                shard[f"{verdict} {made.key}"] = {"all": [condition], "run": self.fired(verdict)}
        self.answers: dict[int, str] = {}
        self.host = Host(definitions)

    def fired(self, verdict: str) -> Callable[[Any], None]:
        """Return the action of a rule."""

        def run(context: Any) -> None:
            self.answers[context.m.id] = verdict

        return run

    def judge(self) -> list[tuple[int, str]]:
        """Assert a fact a subject and return index of rule and verdict of each."""
        worked = self.prepared.worked
        atoms = self.prepared.program.atoms(worked.relations, worked.measures, worked.today, worked.attested)
        self.answers.clear()
        asked: list[tuple[int, str]] = []
        for index, rule in self.rules.items():
            for truths in atoms[index]:
                if truths is False or rule.excludes(truths):
                    asked.append((index, "not_applicable"))
                else:
                    asked.append((index, "unknown"))
                    self.tell(rule, truths, len(asked))
        for number in range(1 + max(rule.number for rule in self.rules.values())):
            self.host.delete_state(f"s{number}", "plan")
        return [(index, self.answers.get(id, answer)) for id, (index, answer) in enumerate(asked, 1)]

    def tell(self, rule: Rule, truths: tuple[bool | None, ...], id: int) -> None:
        """Assert the fact of one subject."""
        known = {yes.split('"')[1]: truths[atom] for atom, yes, _ in rule.reads if truths[atom] is not None}
        with suppress(MessageNotHandledException):  # nothing fired: unknown
            self.host.assert_fact(f"s{rule.number}", {"id": id, "sid": "plan", rule.key: True, **known})


def main(rounds: int, each: int, *, few: bool) -> None:
    """Print figures for the generated plan."""
    with tempfile.TemporaryDirectory() as folder:
        policies = load_policies(reduced(Path(folder)) if few else None)
        prepared = prepare(workloads()[0], Evaluator(policies, "rete"))
    own = OwnHost(prepared)
    ours = prepared.judge(prepared.worked)
    wanted = [(index, v or "unknown") for index in own.rules for v in ours[index]]
    agree = sum(a == b for a, b in zip(wanted, own.judge(), strict=True))
    found = timed(
        {
            "durable-rules, its own Host": own.judge,
            "verdicts, durable-rules": lambda: prepared.judge(prepared.worked),
        },
        rounds=rounds,
        each=each,
    )
    sets = -(-len(own.rules) // RULES_PER_SET)
    print(figures(found, known="verdicts, durable-rules"))
    print()
    print(
        f"{len(own.rules)} rules in {sets} rule sets ({own.left_out} left out: "
        f"too large for one match, or of one verdict); {agree} of {len(wanted)} judgements agree with ours."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), few=sys.argv[3] == "reduced")
