"""The work in zen-engine: columns and measures in a function node, conditions in an expression node."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.core.script import module
from benchmarks.core.work import Work
from benchmarks.zen_rules import Speaker, graph
from jobplan.expression.scope import Ref

CODES = {"not_applicable": 0, "satisfied": 1, "unknown": 2, "violated": 3}


class InZen:
    """Judges one plan at a time. Raises ModuleNotFoundError where zen-engine is not installed."""

    def __init__(self, made: Work) -> None:
        import zen

        self.made = made
        speaker = Speaker(made.program.checked, made.program.edition)
        lines = []
        for index, rule in enumerate(made.rules):
            speaker.relation = rule.rule.for_each
            said = speaker.verdict(rule)
            written = said if speaker.relation == made.root else f"map({speaker.relation}, {said})"
            lines.append({"id": f"x{index}", "key": f"r{index}", "value": written})
        self.decision = zen.ZenEngine().create_decision(json.dumps(self.graph(lines, speaker)))

    def graph(self, lines: list[dict[str, str]], speaker: Speaker) -> dict[str, Any]:
        """Return the decision graph: input, work, conditions, output."""
        found: dict[str, Any] = graph(lines)
        source = (
            f"{module(self.made)}\nexport const handler = async (given) => {{\n{self.handed(speaker)}}};\n"
        )
        node = {"id": "work", "name": "work", "type": "functionNode", "content": {"source": source}}
        found["nodes"].append({**node, "position": {"x": 0, "y": 0}})
        found["edges"][0]["targetId"] = "work"
        found["edges"].append({"id": "work-all", "type": "edge", "sourceId": "work", "targetId": "all"})
        return found

    def handed(self, speaker: Speaker) -> str:
        """Return what the function hands on: what the conditions read, null where it is not known."""
        rows: dict[str, list[str]] = {rule.rule.for_each: [] for rule in self.made.rules}
        for key, (ref, call) in speaker.sources.items():
            relation, _, name = key.rpartition(" ")
            rows[relation or self.made.root].append(f"{name}: given_on({self.place(ref, call)})")
        lines = ["  const given_on = (x) => (known(x) ? x : null);", "  const p = work(given);"]
        parts = rows.pop(self.made.root)
        parts += [f"{name}: p.{name}.map((r) => ({{ {', '.join(said)} }}))" for name, said in rows.items()]
        return "\n".join([*lines, f"  return {{ {', '.join(parts)} }};", ""])

    def place(self, ref: Ref, call: str) -> str:
        """Return where the function finds what a name stands for."""
        own = "p" if ref.kind == "measure" or ref.path or ref.relation == self.made.root else "r"
        return f"{own}.{ref.name}{'_none' if call == 'none' else ''}"

    def judge(self, plan: dict[str, Any]) -> dict[str, int]:
        """Return a code for every rule."""
        result = self.decision.evaluate(plan)["result"]
        found = {}
        for index, rule in enumerate(self.made.rules):
            said, relation = result[f"r{index}"], rule.rule.for_each
            if relation != self.made.root:
                codes = [CODES[one] for one in said]
                found[rule.rule.id] = max([0 if plan[f"{relation}_whole"] else CODES["unknown"], *codes])
            else:
                found[rule.rule.id] = CODES[said]
        return found
