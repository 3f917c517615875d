"""Check a policy: parse every expression, resolve its names, find kinds, units and order.

Everything that is wrong is collected and raised at once, each at its place in its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from jobplan.errors import BrokenPolicy, Problem, suggest
from jobplan.expression.checked import (
    Checked,
    CheckedDerived,
    CheckedFormula,
    CheckedRule,
    Node,
    type_of,
)
from jobplan.expression.infer import UNKNOWN, Inference
from jobplan.expression.names import clashes
from jobplan.expression.order import in_order
from jobplan.expression.parse import CannotParse, Tree, arguments, call_name, name_of, parse, place
from jobplan.expression.scope import TEXT, Ref, Scope, Type, World
from jobplan.expression.units import fits, parse_unit, show_unit
from jobplan.expression.world import build_world
from jobplan.facts.schema import FactSchema
from jobplan.model import VERDICTS, Expression, Formula, Policy, Rule
from jobplan.source import Document, expression_span, read_document

HOLE = re.compile(r"\{([^{}]*)\}")
SPANNED = ("number", "date")
VERDICT = Type("text", None, tuple(v for v in VERDICTS if v != "unknown"))


def check_policy(policy: Policy, schema: FactSchema) -> Checked:
    """Return the policy with its trees. Raises BrokenPolicy with everything that does not fit."""
    return Reader(policy, build_world(policy, schema)).read()


@dataclass(slots=True)
class Reader:
    """Reads one policy; the state is what has been worked out so far and what was wrong."""

    policy: Policy
    world: World
    problems: list[Problem] = field(default_factory=list)
    types: dict[Node, Type] = field(default_factory=dict)
    columns: dict[tuple[str, str], CheckedFormula] = field(default_factory=dict)
    measures: dict[str, CheckedFormula] = field(default_factory=dict)
    relations: dict[str, CheckedDerived] = field(default_factory=dict)
    rules: dict[str, CheckedRule] = field(default_factory=dict)
    underway: list[Node] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)

    def read(self) -> Checked:
        """Check everything, in the order that the names ask for."""
        for said, where in clashes(self.policy, self.world):
            self.problem(("same-name", said), where)
        for name in self.policy.relations:
            self.relation(name)
        for relation, columns in self.policy.columns.items():
            if relation not in self.world.shapes:
                formula = next(iter(columns.values()))
                self.problem(
                    ("unknown-relation", f"no relation `{relation}`"), formula.place, list(self.world.shapes)
                )
                continue
            for name in columns:
                self.column(relation, name)
        for name in self.policy.measures:
            self.measure(name)
        for rule in self.policy.rules.values():
            self.rule(rule)
        waivers = tuple((data, self.group(data)) for data in self.policy.group_waivers)
        order = () if self.problems else in_order(self.relations, self.columns, self.measures, self.world)
        if self.problems:
            raise BrokenPolicy(tuple(self.problems), self.policy.files)
        return Checked(
            self.policy,
            self.world,
            self.types,
            self.columns,
            self.measures,
            self.relations,
            self.rules,
            order,
            waivers,
        )

    def group(self, data: Mapping[str, Any]) -> Tree | None:
        """Return the condition of the plans that a waiver is for; None for all."""
        words = data.get("plans")
        return (
            self.typed(words, Scope(self.world, self.world.root), "truth")[0] if words is not None else None
        )

    # --- problems ---------------------------------------------------------------------------

    def document(self, file: str) -> Document:
        """Return a file again, with its places; only needed to say what is wrong in it."""
        if file not in self.documents:
            self.documents[file] = read_document(file, self.policy.files.get(file))
        return self.documents[file]

    def problem(
        self,
        said: tuple[str, str],
        where: tuple[str, tuple[str | int, ...]],
        options: list[str] | None = None,
    ) -> None:
        """Note a problem at a route of a file, with the option that was perhaps meant."""
        word = said[1].split("`")[1] if options and "`" in said[1] else ""
        hint = suggest(word, options) if options and word else None
        self.problems.append(Problem(*said, self.document(where[0]).at(where[1]), hint))

    def complainer(self, expression: Expression) -> Callable[[Tree, str, str, str | None], None]:
        """Return what notes problems of one expression at the place of the node concerned."""

        def complain(node: Tree, code: str, message: str, help: str | None) -> None:
            document = self.document(expression.file)
            offset, length = place(node, expression.text)
            span = expression_span(document, expression.route, offset, length)
            self.problems.append(Problem(code, message, span, help))

        return complain

    # --- expressions ------------------------------------------------------------------------

    def parsed(self, expression: Expression) -> Tree | None:
        """Return the tree of an expression, or None after noting what is wrong with it."""
        try:
            return parse(expression.text)
        except CannotParse as broken:
            span = expression_span(
                self.document(expression.file), expression.route, broken.offset, broken.length
            )
            self.problems.append(Problem("bad-expression", broken.message, span, broken.help))
            return None

    def typed(
        self,
        expression: Expression,
        scope: Scope,
        kind: str | None = None,
        bindings: Mapping[str, Tree] | None = None,
        rule: Rule | None = None,
        *,
        may_record: bool = False,
    ) -> tuple[Tree, Type]:
        """Parse, resolve and type one expression; `kind` is what it must be."""
        tree = self.parsed(expression)
        if tree is None:
            return unread(), UNKNOWN
        complain = self.complainer(expression)
        if bindings:
            tree = bound(tree, bindings)
        tree = self.link_verdicts(tree, scope, rule, complain)
        self.check_recorded(tree, complain, allowed=may_record)
        inference = Inference(scope, self.type_of, complain)
        found = inference.want(tree, kind) if kind else inference.infer(tree)
        return tree, found

    def type_of(self, ref: Ref) -> Type:
        """Return the type of a name, working out columns and measures on the way."""
        if ref.kind == "column":
            self.column(ref.relation, ref.name)
        elif ref.kind == "measure":
            self.measure(ref.name)
        elif ref.kind == "fact" and ref.relation in self.policy.relations:
            self.relation(ref.relation)
        if ref.kind in ("column", "measure"):
            return self.types.get(
                ("column", ref.relation, ref.name) if ref.kind == "column" else ("measure", "", ref.name),
                UNKNOWN,
            )
        return type_of(self.world, self.types, ref)

    def check_recorded(self, tree: Tree, complain: Callable[..., None], *, allowed: bool) -> None:
        """Refuse `recorded` anywhere but in `requires`, beneath `and` and `or`."""
        for node in tree.walk():
            if call_name(node) != "recorded":
                continue
            above, here = node.parent, allowed
            while above is not None and here:
                here = isinstance(above, (exp.And, exp.Or, exp.Paren))
                above = above.parent
            if not here:
                complain(
                    node,
                    "recorded-misplaced",
                    "`recorded` stands only in `requires`, beneath `and` and `or`",
                    "use none(x), or a condition on the value itself",
                )

    # --- rules resting on rules -------------------------------------------------------------

    def link_verdicts(
        self, tree: Tree, scope: Scope, rule: Rule | None, complain: Callable[..., None]
    ) -> Tree:
        """Put a name for the other rule's verdict in place of each `verdict('…')`."""
        for node in [n for n in tree.walk() if call_name(n) == "verdict"]:
            ref = self.verdict_ref(node, scope, rule, complain)
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
        self, node: Tree, scope: Scope, rule: Rule | None, complain: Callable[..., None]
    ) -> Ref | None:
        """Return what a `verdict(…)` stands for, or None after saying why it cannot."""
        other = self.policy.rules.get(arguments(node)[0].name)
        if rule is None:
            complain(node, "verdict-misplaced", "`verdict` stands only in rules", None)
            return None
        if other is None:
            hint = suggest(arguments(node)[0].name, list(self.policy.rules))
            complain(node, "unknown-rule", f"no rule `{arguments(node)[0].name}`", hint)
            return None
        if other.for_each not in self.world.shapes:
            return None  # told where that rule is checked
        if rule_node(other) in self.underway:
            circle = self.underway[self.underway.index(rule_node(other)) :]
            names = [name.removeprefix("rule ") for _, _, name in (*circle, circle[0])]
            words = "` needs the verdict of `".join(names)
            complain(node, "circle", f"`{words}`", None)
            return None
        self.verdict_column(other)
        own = other.for_each in (scope.relation, *self.world.ancestors(scope.relation))
        if own:
            return self.world.find(scope.relation, verdict_name(other))
        if scope.relation != self.world.root:
            complain(
                node,
                "unknown-rule",
                f"`{other.id}` is judged on `{other.for_each}`, not on `{scope.relation}`",
                None,
            )
            return None
        return self.verdict_measure(other)

    def verdict_column(self, other: Rule) -> None:
        """Make the verdict of a rule a column of the rows that it judges."""
        name = verdict_name(other)
        shape = self.world.shapes[other.for_each]
        if name in shape.columns:
            return
        shape.columns.add(name)
        self.types[("column", other.for_each, name)] = VERDICT
        checked = self.rule(other)
        for tree in (checked.applies, checked.requires):
            if any(call_name(n) == "recorded" for n in tree.walk()):
                self.problem(
                    (
                        "recorded-misplaced",
                        f"`{other.id}` uses `recorded`, so no rule may rest on its verdict",
                    ),
                    other.place,
                )
        trees = {"applies": checked.applies, "requires": checked.requires}
        if checked.by is not None:
            trees["by"] = checked.by
        self.columns[(other.for_each, name)] = CheckedFormula(
            name, other.for_each, Formula("verdict", {}, of=other.id), trees, VERDICT
        )

    def verdict_measure(self, other: Rule) -> Ref:
        """Make the one verdict of a plan on a rule a measure."""
        name = verdict_name(other)
        self.world.measures.add(name)
        self.types[("measure", "", name)] = VERDICT
        self.measures[name] = CheckedFormula(name, "", Formula("verdict", {}, of=other.for_each), {}, VERDICT)
        return Ref("measure", name)

    # --- parts ------------------------------------------------------------------------------

    def enter(self, node: Node, where: tuple[str, tuple[str | int, ...]]) -> bool:
        """Begin a part unless it is done; a part that needs itself is a problem."""
        if node in self.types:
            return False
        if node in self.underway:
            circle = [n[2] or n[1] for n in self.underway[self.underway.index(node) :]]
            self.problem(("circle", "`" + "` needs `".join([*circle, circle[0]]) + "`"), where)
            self.types[node] = UNKNOWN
            return False
        self.underway.append(node)
        return True

    def leave(self, node: Node, found: Type) -> None:
        """End a part with its type."""
        self.underway.remove(node)
        self.types[node] = found

    def column(self, relation: str, name: str) -> None:
        """Check one column."""
        formula = self.policy.columns.get(relation, {}).get(name)
        node: Node = ("column", relation, name)
        if formula is None or not self.enter(node, formula.place):
            return
        checked = self.formula(name, relation, formula)
        self.columns[(relation, name)] = checked
        self.leave(node, checked.type)

    def measure(self, name: str) -> None:
        """Check one measure."""
        formula = self.policy.measures.get(name)
        node: Node = ("measure", "", name)
        if formula is None or not self.enter(node, formula.place):
            return
        checked = self.formula(name, "", formula)
        self.measures[name] = checked
        self.leave(node, checked.type)

    def formula(self, name: str, relation: str, formula: Formula) -> CheckedFormula:
        """Check how a column or measure is worked out."""
        here = Scope(self.world, relation or self.world.root)
        if formula.kind == "value":
            trees, found = self.value(formula, here)
        elif formula.kind == "overlap":
            trees, found = self.overlap(formula, here)
        elif formula.kind == "lookup":
            trees, found = self.lookup(formula, here)
        else:
            trees, found = self.aggregate(formula, relation)
        if formula.as_stated is not None:
            trees["as_stated"], _ = self.typed(
                formula.as_stated, here, found.kind if found.kind != "unknown" else None
            )
        unit = parse_unit(formula.unit)
        if found.kind == "number" and not fits(unit, found.unit):
            self.problem(
                (
                    "wrong-unit",
                    f"`{name}` is declared in `{formula.unit}` and worked out in `{show_unit(found.unit)}`",
                ),
                formula.place,
            )
        final = Type(found.kind, unit if unit is not None else found.unit, found.options)
        own = relation not in ("", self.world.root) and relation in self.above(formula.of)
        return CheckedFormula(name, relation, formula, trees, final, own_children=own)

    def above(self, relation: str) -> list[str]:
        """Return the parents of a relation, without itself; none for a relation that is not there."""
        return list(self.world.ancestors(relation))[1:] if relation in self.world.shapes else []

    def value(self, formula: Formula, scope: Scope) -> tuple[dict[str, Tree], Type]:
        """Check a plain value."""
        tree, found = self.typed(formula.inputs["value"], scope)
        return {"value": tree}, found

    def overlap(self, formula: Formula, scope: Scope) -> tuple[dict[str, Tree], Type]:
        """Check the part of an interval inside windows."""
        trees = {key: self.typed(text, scope, "number")[0] for key, text in formula.inputs.items()}
        table = self.policy.tables.get(formula.table)
        if table is None or not table.windows:
            self.problem(
                ("unknown-table", f"no table of windows `{formula.table}`"),
                formula.place,
                list(self.policy.tables),
            )
        return trees, Type("number", parse_unit("min"))

    def lookup(self, formula: Formula, scope: Scope) -> tuple[dict[str, Tree], Type]:
        """Check a look-up: every key given, none that the table lacks."""
        table = self.policy.tables.get(formula.table)
        trees: dict[str, Tree] = {}
        if table is None or table.windows:
            self.problem(
                ("unknown-table", f"no look-up table `{formula.table}`"),
                formula.place,
                list(self.policy.tables),
            )
            return trees, UNKNOWN
        for key in table.by:
            if key not in formula.inputs:
                self.problem(
                    ("missing-field", f"`{formula.table}` is looked up by `{key}`, which is not given"),
                    formula.place,
                )
                continue
            kind = (
                "text"
                if any(isinstance(row.keys[table.by.index(key)], str) for row in table.rows)
                else "number"
            )
            trees[key], _ = self.typed(formula.inputs[key], scope, kind)
        for key in formula.inputs:
            if key not in table.by:
                self.problem(
                    ("unknown-field", f"`{formula.table}` has no key `{key}`"), formula.place, list(table.by)
                )
        text = any(isinstance(row.value, str) for row in table.rows)
        return trees, TEXT if text else Type("number")

    def aggregate(self, formula: Formula, relation: str) -> tuple[dict[str, Tree], Type]:
        """Check an aggregate: what is aggregated stands on the rows of `of`."""
        if formula.of not in self.world.shapes:
            self.problem(
                ("unknown-relation", f"no relation `{formula.of}`"), formula.place, list(self.world.shapes)
            )
            return {}, UNKNOWN
        self.relation(formula.of)
        inside = Scope(self.world, formula.of, relation or None)
        truth = formula.kind in ("count", "any", "all")
        tree, found = self.typed(formula.inputs[formula.kind], inside, "truth" if truth else None)
        trees = {"input": tree}
        if formula.where is not None:
            trees["where"], _ = self.typed(formula.where, inside, "truth")
        if formula.if_none is not None:
            trees["if_none"] = self.if_none(formula, found, Scope(self.world, relation or self.world.root))
        if formula.kind in ("min", "max", "average") and formula.if_none is None:
            self.problem(("missing-field", f"`{formula.kind}` over no rows needs `if_none`"), formula.place)
        if formula.kind in ("any", "all"):
            return trees, Type("truth")
        if formula.kind in ("sum", "average") and found.kind not in ("number", "unknown"):
            self.problem(("wrong-kind", f"`{formula.kind}` needs numbers"), formula.place)
        if formula.kind in ("min", "max") and found.kind not in ("number", "date", "unknown"):
            self.problem(("wrong-kind", f"`{formula.kind}` needs numbers or dates"), formula.place)
        return trees, Type("number") if formula.kind == "count" else found

    def if_none(self, formula: Formula, found: Type, scope: Scope) -> Tree:
        """Check what an aggregate over no rows gives: of the kind and unit of what is aggregated."""
        assert formula.if_none is not None
        tree, given = self.typed(formula.if_none, scope, found.kind if found.kind in SPANNED else None)
        where = (formula.if_none.file, formula.if_none.route)
        if formula.kind not in ("min", "max", "average"):
            self.problem(("unknown-field", f"`{formula.kind}` over no rows needs no `if_none`"), where)
        elif not fits(given.unit, found.unit):
            said = f"expected `{show_unit(found.unit)}`, found `{show_unit(given.unit)}`"
            self.problem(("wrong-unit", said), where)
        return tree

    def relation(self, name: str) -> None:
        """Check one derived relation; its fields get their types from its expressions."""
        from jobplan.expression.derive import check_derived

        derived = self.policy.relations.get(name)
        node: Node = ("relation", name, "")
        if derived is None or not self.enter(node, derived.place):
            return
        for source in derived.sources.values():
            if source in self.world.shapes:
                self.relation(source)
        self.relations[name] = check_derived(self, derived)
        self.leave(node, UNKNOWN)

    def rule(self, rule: Rule) -> CheckedRule:
        """Check one rule with its message."""
        if rule.id in self.rules:
            return self.rules[rule.id]
        if rule.for_each not in self.world.shapes:
            self.problem(
                ("unknown-relation", f"no relation `{rule.for_each}`"), rule.place, list(self.world.shapes)
            )
            return CheckedRule(rule, exp.Boolean(this=True), exp.Boolean(this=True), None, {})
        scope = Scope(self.world, rule.for_each)
        bindings = {
            name: self.typed(text, scope, None, None, rule, may_record=True)[0]
            for name, text in rule.bindings.items()
        }
        placeholder = CheckedRule(rule, exp.Boolean(this=True), exp.Boolean(this=True), None, {})
        self.rules[rule.id] = placeholder  # a circle of verdicts is found by `verdict_column`
        node = rule_node(rule)
        if self.enter(node, rule.place):
            applies, _ = self.typed(rule.applies, scope, "truth", bindings, rule)
            requires, _ = self.typed(rule.requires, scope, "truth", bindings, rule, may_record=True)
            by = self.typed(rule.in_force.by, scope, "date")[0] if rule.in_force.by else None
            self.leave(node, UNKNOWN)
            placeholder.applies, placeholder.requires, placeholder.by = applies, requires, by
            placeholder.holes = self.holes(rule, scope, bindings)
        return placeholder

    def holes(self, rule: Rule, scope: Scope, bindings: Mapping[str, Tree]) -> dict[str, Tree]:
        """Return the trees of the names in a message and remedy."""
        found: dict[str, Tree] = {}
        where = (rule.place[0], (*rule.place[1], "message"))
        for name in HOLE.findall(rule.message) + HOLE.findall(rule.remedy):
            if name in bindings:
                found[name] = bindings[name]
                continue
            tree = exp.Column(this=exp.Identifier(this=name.rpartition(".")[2]))
            ref = scope.resolve(name.rpartition(".")[0], name.rpartition(".")[2])
            if ref is None:
                self.problem(
                    (
                        "unknown-name",
                        f"the message asks for `{name}`, which is no fact, column, measure or parameter",
                    ),
                    where,
                    self.world.names(rule.for_each),
                )
                continue
            self.type_of(ref)
            tree.meta["ref"] = ref
            found[name] = tree
        return found


def rule_node(rule: Rule) -> Node:
    """Return what stands for the checking of a rule while it is under way."""
    return ("column", rule.for_each, f"rule {rule.id}")


def verdict_name(rule: Rule) -> str:
    """Return the name of the column or measure that holds a rule's verdict; no author can write it."""
    return f"verdict {rule.id}"


def unread() -> Tree:
    """Return a tree in place of what is broken: of no kind, so that nothing else is said about it."""
    tree = exp.Boolean(this=True)
    tree.meta["broken"] = True
    return tree


def bound(tree: Tree, bindings: Mapping[str, Tree]) -> Tree:
    """Put what the contract brings in place of what common logic takes."""

    def replace(node: Tree) -> Tree:
        if isinstance(node, exp.Column) and "ref" not in node.meta:
            alias, name = name_of(node)
            if not alias and name in bindings:
                given = copied(bindings[name])
                return given if isinstance(given, (exp.Column, exp.Literal)) else exp.Paren(this=given)
        return node

    return tree.transform(replace)


def copied(tree: Tree) -> Tree:
    """Return a copy of a tree that keeps what its names stand for."""
    copy = tree.copy()
    for mine, theirs in zip(copy.walk(), tree.walk(), strict=True):
        mine.meta.update(theirs.meta)
    return copy
