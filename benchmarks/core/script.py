"""The work in JavaScript: columns and measures as functions, conditions as json-rules-engine has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from benchmarks.core.speak import CALLS, Speaker
from benchmarks.core.work import Work
from jobplan.expression.checked import CheckedFormula, CheckedRule
from jobplan.expression.emit import ranged, spelt_out
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Ref

HERE = Path(__file__).parent
OPERATORS = {
    "eq": ("equal", "differs"), "ne": ("differs", "equal"), "lt": ("lessThan", "greaterThanInclusive"),
    "le": ("lessThanInclusive", "greaterThan"), "gt": ("greaterThan", "lessThanInclusive"),
    "ge": ("greaterThanInclusive", "lessThan"),
}  # fmt: skip
"""The operators of json-rules-engine for what makes a comparison true, and what makes it false."""


def speaker(made: Work) -> Speaker:
    """Return what writes trees where `p` is the plan and `r` a row."""

    def owner(ref: Ref) -> str:
        return "p" if ref.kind == "measure" or ref.path or ref.relation == made.root else "r"

    return Speaker(made, lambda ref: f"{owner(ref)}.{ref.name}", lambda ref: f"{owner(ref)}.{ref.name}_none")


def module(made: Work) -> str:
    """Return the function `work`, which puts columns and measures into a plan, after what it calls."""
    speak = speaker(made)
    lines = [(HERE / "unknown.mjs").read_text("utf-8"), "function work(p) {"]
    for part in made.formulas:
        said = worked(speak, part)
        if part.relation:
            lines.append(f"  for (const r of p.{part.relation}) r.{part.name} = {said};")
        else:
            lines.append(f"  p.{part.name} = {said};")
    return "\n".join([*lines, "  return p;", "}", ""])


def worked(speak: Speaker, part: CheckedFormula) -> str:
    """Return how a column or measure is worked out."""
    written = {name: speak.write(tree) for name, tree in part.trees.items()}
    how = part.formula
    if how.kind == "overlap":
        return f"{how.table}({written['opens']}, {written['closes']})"
    if how.kind == "value":
        return written["value"]
    counts, value = written.get("where", "true"), written["input"]
    if how.kind == "count":
        counts, value = f"both({counts}, {value})", "1"
    return f"total(p.{how.of}, p.{how.of}_whole, (r) => {counts}, (r) => {value})"


@dataclass(slots=True)
class Conditions:
    """Writes conditions as trees of `all` and `any`; `leaves` gathers what the comparisons compare."""

    speak: Speaker
    leaves: dict[str, str] = field(default_factory=dict)

    def rules(self, rules: list[CheckedRule], made: Work) -> dict[str, Any]:
        """Return rules: three for each, of which one fires where the verdict is known."""
        found = []
        for rule in rules:
            applies, requires = made.applies(rule), rule.requires
            for verdict, parts in {
                "not_applicable": [self.write(applies, wanted=False)],
                "satisfied": [self.write(applies, wanted=True), self.write(requires, wanted=True)],
                "violated": [self.write(applies, wanted=True), self.write(requires, wanted=False)],
            }.items():
                event = {"type": verdict, "params": {"rule": rule.rule.id}}
                found.append({"conditions": {"all": parts}, "event": event})
        return {"names": [rule.rule.id for rule in rules], "rules": found}

    def write(self, node: Tree, *, wanted: bool) -> dict[str, Any]:
        """Return what makes a condition true, or false."""
        if isinstance(node, exp.Paren):
            return self.write(node.this, wanted=wanted)
        if isinstance(node, exp.Not):
            return self.write(node.this, wanted=not wanted)
        if isinstance(node, (exp.And, exp.Or)):
            sides = [self.write(part, wanted=wanted) for part in (node.this, node.expression)]
            return {"all" if isinstance(node, exp.And) is wanted else "any": sides}
        if isinstance(node, exp.Between):
            return self.write(ranged(node), wanted=wanted)
        if isinstance(node, exp.In):
            return self.write(spelt_out(node), wanted=wanted)
        sign = CALLS.get(type(node))
        if sign in OPERATORS:
            operator = OPERATORS[sign][0 if wanted else 1]
            is_text = isinstance(node.expression, exp.Literal) and node.expression.is_string
            other = node.expression.this if is_text else {"fact": self.leaf(node.expression)}
            return {"fact": self.leaf(node.this, is_number=not is_text), "operator": operator, "value": other}
        return {"fact": self.leaf(node, is_number=False), "operator": "equal", "value": wanted}

    def leaf(self, node: Tree, *, is_number: bool = True) -> str:
        """Return the name of what a comparison compares; numbers are compared in whole millionths."""
        said = self.speak.write(node)
        return self.leaves.setdefault(
            f"millionths(number({said}))" if is_number else said, f"f{len(self.leaves)}"
        )


def rule_files(made: Work) -> Iterator[tuple[str, Any]]:
    """Yield the script `work.mjs` and what stands in `rules.json`."""
    conditions = Conditions(speaker(made))
    relations = dict.fromkeys(rule.rule.for_each for rule in made.rules)
    parts = {r: [rule for rule in made.rules if rule.rule.for_each == r] for r in relations}
    written = {relation: conditions.rules(rules, made) for relation, rules in parts.items()}
    plan = written.pop(made.root)
    functions = ",\n".join(f"  {name}: (r, p) => {said}" for said, name in conditions.leaves.items())
    yield "work.mjs", f"{module(made)}\nconst leaves = {{\n{functions},\n}};\nexport {{ leaves, work }};\n"
    yield "rules.json", {"plan": plan, "rows": written}
