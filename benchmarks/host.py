"""The same Rete rules through durable-rules' own `Host`, as its documentation tells to use it.

Run in a process of its own: `python -m benchmarks.host ROUNDS EACH whole|reduced`, or
`python -m benchmarks.host ROUNDS PLANS many` for the rules that all engines are given. Each Host starts two
timer threads for good, and what goes wrong in an action is swallowed, so the answers are compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from durable.engine import Host, MessageNotHandledException

from benchmarks.core.work import RULES, plain_plans, work
from benchmarks.handwritten import VERDICTS
from benchmarks.plans import workloads
from benchmarks.population import Population
from benchmarks.rivals import SEED, milliseconds
from benchmarks.steps import Prepared, prepare
from benchmarks.subset import only, reduced
from benchmarks.timing import figures, timed
from jobplan.backends.judging import work as work_out
from jobplan.backends.patterns import RULES_PER_SET, Condition, Rule, compile_rule
from jobplan.evaluate import Evaluator
from jobplan.expression.editions import load_policies
from jobplan.facts.document import Plan


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
            made, parts = compile_rule(Condition(rule.rule.id, *form), place=len(self.rules), first_part=0)
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


def many(rounds: int, plans: int) -> None:
    """Print as JSON how long many plans take, columns and measures among it, and the codes of every plan."""
    given = [plan for plan, _ in plain_plans(work(load_policies()), Population(plans, SEED))]
    with tempfile.TemporaryDirectory() as folder:
        evaluator = Evaluator(load_policies(only(Path(folder), RULES)), "rete")
        _, _, program = evaluator.edition(given[0], None)
        prepared = replace(prepare(workloads()[0], evaluator), program=program)
    own = OwnHost(prepared)
    today = prepared.worked.today

    def judge(plan: Plan) -> dict[str, int]:
        own.prepared = replace(prepared, worked=work_out(program, plan, today))
        found: dict[str, int] = {}
        for index, verdict in own.judge():
            rule = program.rules[index].rule
            found[rule.id] = max(found.get(rule.id, 0), VERDICTS.index(verdict))
        for index in own.rules:
            rule, root = program.rules[index].rule, program.checked.world.root
            whole = rule.for_each == root or plan.relations[rule.for_each].complete
            found[rule.id] = max(found.get(rule.id, 0), 0 if whole else VERDICTS.index("unknown"))
        return found

    answers = [judge(plan) for plan in given]
    single = [ms for _ in range(rounds) for ms in milliseconds(judge, given[:1] * plans)]
    bulk = [sum(milliseconds(judge, given)) / plans for _ in range(rounds)]
    print(json.dumps({"single": single, "bulk": bulk, "answers": answers}))


if __name__ == "__main__":
    if sys.argv[3] == "many":
        many(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]), few=sys.argv[3] == "reduced")
