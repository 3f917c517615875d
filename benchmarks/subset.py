"""Policies with fewer rules, made of the real one.

`reduced` leaves whole topics their rules and the others only the rest: parameters, tables, columns, measures
and relations all stay, so that the work before the verdicts is that of the whole policy. `only` leaves the
rules that are named and what these need, so that nothing else is worked out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from jobplan.expression.checked import Checked, Node, refs
from jobplan.expression.editions import load_policies
from jobplan.expression.order import derived_needs, formula_needs, read_needs
from jobplan.source import read_document

POLICY = "england/consultant-2003"
TOPICS = (
    "unit-of-work",
    "working-time",
    "spa-and-tariffs",
    "premium-time",
    "locum-and-academic",
    "pay-progression",
)
"""Topics that keep their rules: about 120 of them, some 20 on rows."""

Data = dict[str, Any]


def reduced(folder: Path) -> Path:
    """Write the policies into a folder, with the rules of TOPICS only; return the folder.

    JSON is YAML too, and needs no writer that might change a value.
    """
    target = copied(folder)
    for path in sorted((target / POLICY).glob("*.yaml")):
        if path.stem not in TOPICS:
            rewrite(path, without_rules)
    return target


def only(folder: Path, rules: Collection[str]) -> Path:
    """Write the policies into a folder, with the rules named and what these need; return the folder."""
    target = copied(folder)
    for path in sorted((target / POLICY).glob("*.yaml")):
        rewrite(path, lambda data: with_rules(data, rules))
    checked = load_policies(target).checked(POLICY)
    kept = needed(checked, rules)
    for path in [*(target / "common").glob("*.yaml"), *(target / POLICY).glob("*.yaml")]:
        rewrite(path, lambda data: with_parts(data, kept))
    return target


def copied(folder: Path) -> Path:
    """Copy the policies without cases into a folder."""
    target = folder / "policies"
    leave = shutil.ignore_patterns("*.cases.yaml", "facts.yaml")
    shutil.copytree(load_policies().folder, target, ignore=leave)
    return target


def rewrite(path: Path, change: Callable[[Data], Data]) -> None:
    """Write a file anew with what a function makes of its data, if that is something else."""
    data = read_document(str(path)).data
    if isinstance(data, dict) and (changed := change(data)) != data:
        path.write_text(json.dumps(changed, ensure_ascii=False, indent=1), "utf-8")


def without_rules(data: Data) -> Data:
    """Return the data of a topic without its rules."""
    return {key: value for key, value in data.items() if key not in ("rules", "adopts")}


def with_rules(data: Data, rules: Collection[str]) -> Data:
    """Return the data of a topic with the rules that are named; what reports draw and sum up goes."""
    changed = {
        key: value for key, value in data.items() if key not in ("rules", "adopts", "pictures", "summary")
    }
    own = [rule for rule in data.get("rules", ()) if rule["id"] in rules]
    adopted = [taken for group in data.get("adopts", ()) if (taken := of_group(group, rules))]
    return {**changed, **({"rules": own} if own else {}), **({"adopts": adopted} if adopted else {})}


def of_group(group: Data, rules: Collection[str]) -> Data | None:
    """Return an entry of `adopts`, one rule or several under what they share, as far as it is named."""
    if "rules" not in group:
        return group if group.get("id", group["rule"]) in rules else None
    kept = [rule for rule in group["rules"] if rule.get("id", rule["rule"]) in rules]
    return {**group, "rules": kept} if kept else None


def needed(checked: Checked, rules: Collection[str]) -> set[Node]:
    """Return every relation, column and measure that rules need."""
    world, found = checked.world, set[Node]()
    waiting: list[Node] = []
    for name in rules:
        rule = checked.rules[name]
        waiting.append(("relation", rule.rule.for_each, ""))
        trees = (rule.applies, rule.requires, *rule.holes.values())
        waiting += [node for tree in trees for ref in refs(tree) for node in read_needs(ref, world)]
    while waiting:
        node = waiting.pop()
        kind, relation, name = node
        if node in found:
            continue
        found.add(node)
        if kind == "relation":
            waiting += (
                derived_needs(checked.relations[relation], world) if relation in checked.relations else ()
            )
        else:
            made = checked.measures[name] if kind == "measure" else checked.columns[relation, name]
            waiting += formula_needs(made, world)
    return found


def with_parts(data: Data, kept: Collection[Node]) -> Data:
    """Return the data of a file with what is kept of its relations, columns and measures."""
    changed = dict(data)
    if "columns" in data:
        changed["columns"] = {
            relation: left
            for relation, columns in data["columns"].items()
            if (left := {name: made for name, made in columns.items() if ("column", relation, name) in kept})
        }
    if "measures" in data:
        changed["measures"] = {n: made for n, made in data["measures"].items() if ("measure", "", n) in kept}
    if "relations" in data:
        changed["relations"] = {
            n: made for n, made in data["relations"].items() if ("relation", n, "") in kept
        }
    return changed
