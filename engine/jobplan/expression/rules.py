"""Check rules: conditions, what is brought to common logic, messages, and rules that rest on rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from jobplan.errors import Problem, suggest
from jobplan.expression.bind import unread
from jobplan.expression.checked import CheckedFormula, CheckedRule, Node
from jobplan.expression.hints import in_circle, listed, name_hint
from jobplan.expression.infer import UNKNOWN, Complain
from jobplan.expression.parse import Tree, arguments, call_name, nodes
from jobplan.expression.scope import Ref, Scope, Type
from jobplan.model import VERDICTS, Formula, Rule
from jobplan.source import expression_span

if TYPE_CHECKING:
    from jobplan.expression.check import Reader

HOLE = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
VERDICT = Type("text", None, tuple(v for v in VERDICTS if v != "unknown"))


def check_rule(reader: Reader, rule: Rule) -> None:
    """Check one rule with its message, and put it among the reader's rules."""
    checked = CheckedRule(rule, unread(), unread(), None, {})
    reader.rules[rule.id] = checked  # a circle of verdicts is found by `verdict_ref`
    if rule.for_each not in reader.world.shapes:
        said = ("unknown-relation", f"no relation `{rule.for_each}`")
        reader.problem(said, rule.place, reader.world.shapes, key="for_each")
        return
    scope = Scope(reader.world, rule.for_each)
    bindings = {name: binding(reader, rule, name, scope) for name in rule.bindings}
    node = rule_node(rule)
    if reader.enter(node, rule.place):
        applies, _ = reader.typed(rule.applies, scope, "truth", bindings, rule)
        requires, _ = reader.typed(rule.requires, scope, "truth", bindings, rule, may_record=True)
        by = reader.typed(rule.in_force.by, scope, "date")[0] if rule.in_force.by else None
        reader.leave(node, UNKNOWN)
        checked.applies, checked.requires, checked.by = applies, requires, by
        checked.holes = dict(holes(reader, rule, scope, bindings))


def binding(reader: Reader, rule: Rule, name: str, scope: Scope) -> Tree:
    """Check what is brought to common logic; what is broken says nothing more inside that."""
    before = len(reader.problems)
    kind = rule.takes.get(name)
    tree, _ = reader.typed(rule.bindings[name], scope, kind, None, rule, may_record=True)
    return tree if len(reader.problems) == before else unread()


def holes(
    reader: Reader, rule: Rule, scope: Scope, bindings: Mapping[str, Tree]
) -> Iterator[tuple[str, Tree]]:
    """Yield the names in a message and remedy with their trees."""
    for key, text in (("message", rule.message), ("remedy", rule.remedy)):
        for found in HOLE.finditer(text):
            alias, _, name = found[1].rpartition(".")
            if found[1] in bindings:
                yield found[1], bindings[found[1]]
            elif (ref := scope.resolve(alias, name)) is not None:
                tree = exp.Column(this=exp.Identifier(this=name))
                reader.type_of(ref)
                tree.meta["ref"] = ref
                yield found[1], tree
            else:
                unknown_hole(reader, rule, key, found, scope)


def unknown_hole(reader: Reader, rule: Rule, key: str, found: re.Match[str], scope: Scope) -> None:
    """Note braces in which there is no name that means something here."""
    name = found[1]
    alias, _, last = name.rpartition(".")
    if NAME.fullmatch(name):
        what = f"no fact, column, measure or parameter on `{scope.relation}`"
        said = f"the {key} asks for `{name}`, which is {what}"
        way_out = name_hint(scope, alias, last) or suggest(name, rule.bindings)
    else:
        said = f"expected a name in the braces of the {key}, found {f'`{name}`' if name else 'nothing'}"
        way_out = "make a measure or a column of it, and put its name there"
        if NAME.fullmatch(name.strip()):
            way_out = f"write {{{name.strip()}}}"
    document, route = reader.document(rule.place[0]), (*rule.place[1], key)
    length = found.end() - found.start()
    span = expression_span(document, route, found.start(), length)
    reader.note(Problem("unknown-name", said, span, way_out))


def link_verdicts(reader: Reader, tree: Tree, scope: Scope, rule: Rule | None, complain: Complain) -> Tree:
    """Put a name for the other rule's verdict in place of each `verdict('…')`."""
    for node in [n for n in nodes(tree) if call_name(n) == "verdict"]:
        ref = verdict_ref(reader, node, scope, rule, complain)
        if ref is None:
            continue
        name = exp.Column(this=exp.Identifier(this=ref.name, quoted=True))
        name.meta["ref"] = ref
        if node is tree:
            tree = name
        else:
            node.replace(name)
    return tree


def verdict_ref(
    reader: Reader, node: Tree, scope: Scope, rule: Rule | None, complain: Complain
) -> Ref | None:
    """Return what a `verdict(…)` stands for, or None after saying why it cannot."""
    asked = arguments(node)[0]
    other = reader.policy.rules.get(asked.name)
    if rule is None:
        complain(node, "verdict-misplaced", "`verdict` stands only in rules", "put the condition into a rule")
        return None
    if not isinstance(asked, exp.Literal):
        return None  # what is no text is told of with the kinds
    if other is None:
        hint = suggest(asked.name, reader.policy.rules) or "jobplan policy show lists the rules"
        complain(node, "unknown-rule", f"no rule `{asked.name}`", hint)
        return None
    if other.for_each not in reader.world.shapes:
        return None  # told where that rule is checked
    if rule_node(other) in reader.underway:
        circle = reader.underway[reader.underway.index(rule_node(other)) :]
        said = in_circle([name for _, _, name in (*circle, circle[0])])
        complain(node, "circle", said, "let one of them rest on facts alone")
        return None
    if not verdict_column(reader, other):
        said = f"the verdict of `{other.id}` hangs on what is recorded, so no rule may rest on it"
        complain(node, "recorded-misplaced", said, "repeat its condition here, without `recorded`")
        return None
    levels = list(reader.world.ancestors(scope.relation))
    if other.for_each in levels:
        return reader.world.find(scope.relation, verdict_name(other))
    if scope.relation != reader.world.root:
        said = f"`{other.id}` is judged on `{other.for_each}`, not on `{scope.relation}`"
        complain(node, "unknown-rule", said, f"rest on a rule that is judged on {listed(levels, 'or')}")
        return None
    return verdict_measure(reader, other)


def verdict_column(reader: Reader, other: Rule) -> bool:
    """Make the verdict of a rule a column of the rows that it judges; tell whether that can be."""
    name = verdict_name(other)
    shape = reader.world.shapes[other.for_each]
    checked = reader.rule(other)
    trees = {"applies": checked.applies, "requires": checked.requires}
    if any(call_name(node) == "recorded" for tree in trees.values() for node in nodes(tree)):
        return False
    if name in shape.columns:
        return True
    shape.columns.add(name)
    reader.types[("column", other.for_each, name)] = VERDICT
    if checked.by is not None:
        trees["by"] = checked.by
    formula = Formula("verdict", {}, of=other.id)
    reader.columns[(other.for_each, name)] = CheckedFormula(name, other.for_each, formula, trees, VERDICT)
    return True


def verdict_measure(reader: Reader, other: Rule) -> Ref:
    """Make the one verdict of a plan on a rule a measure."""
    name = verdict_name(other)
    reader.world.measures.add(name)
    reader.types[("measure", "", name)] = VERDICT
    formula = Formula("verdict", {}, of=other.for_each)
    reader.measures[name] = CheckedFormula(name, "", formula, {}, VERDICT)
    return Ref("measure", name)


def rule_node(rule: Rule) -> Node:
    """Return what stands for the checking of a rule while it is under way."""
    return ("column", rule.for_each, f"rule {rule.id}")


def verdict_name(rule: Rule) -> str:
    """Return the name of the column or measure that holds a rule's verdict; no author can write it."""
    return f"verdict {rule.id}"
