"""Check a policy: parse every expression, resolve its names, find kinds, units and order.

Everything that is wrong is collected and raised at once, each at its place in its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from jobplan.errors import BrokenPolicy, Problem, suggest
from jobplan.expression.bind import bound, unread
from jobplan.expression.checked import (
    Checked,
    CheckedDerived,
    CheckedFormula,
    CheckedRule,
    Node,
    type_of,
)
from jobplan.expression.derive import check_derived
from jobplan.expression.formulas import check_formula, check_unit
from jobplan.expression.hints import in_circle
from jobplan.expression.infer import UNKNOWN, Complain, Inference
from jobplan.expression.names import clashes
from jobplan.expression.order import in_order
from jobplan.expression.parse import CannotParse, Tree, arguments, call_name, nodes, parse, place
from jobplan.expression.pictures import check_picture
from jobplan.expression.rules import check_rule, link_verdicts
from jobplan.expression.scope import Ref, Scope, Type, World
from jobplan.expression.world import build_world
from jobplan.facts.schema import FactSchema
from jobplan.model import Expression, Policy, Rule
from jobplan.source import Document, Route, Span, expression_span, read_document
from jobplan.source.complaints import PROBLEM_LIMIT


def check_policy(policy: Policy, schema: FactSchema) -> Checked:
    """Return the policy with its trees. Raises BrokenPolicy with everything that does not fit."""
    return Reader(policy, build_world(policy, schema)).read()


@dataclass(slots=True)
class Reader:
    """Reads one policy; the state is what has been worked out so far and what was wrong."""

    policy: Policy
    world: World
    problems: list[Problem] = field(default_factory=list)
    shared: dict[tuple[Any, ...], tuple[Tree, Type]] = field(default_factory=dict)
    types: dict[Node, Type] = field(default_factory=dict)
    columns: dict[tuple[str, str], CheckedFormula] = field(default_factory=dict)
    measures: dict[str, CheckedFormula] = field(default_factory=dict)
    relations: dict[str, CheckedDerived] = field(default_factory=dict)
    rules: dict[str, CheckedRule] = field(default_factory=dict)
    underway: list[Node] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)

    def read(self) -> Checked:
        """Check everything, in the order that the names ask for."""
        for words, where in clashes(self.policy, self.world):
            self.problem(("same-name", words), where, help="give it another name")
        for parameter in self.policy.parameters.values():
            check_unit(self, parameter.unit, parameter.place)
        for name in self.policy.relations:
            self.relation(name)
        for relation, columns in self.policy.columns.items():
            if relation not in self.world.shapes:
                file, route = next(iter(columns.values())).place
                said = ("unknown-relation", f"no relation `{relation}`")
                self.problem(said, (file, route[:2]), self.world.shapes)
                continue
            for name in columns:
                self.column(relation, name)
        for name in self.policy.measures:
            self.measure(name)
        for rule in self.policy.rules.values():
            self.rule(rule)
        for picture in self.policy.pictures.values():
            check_picture(self, picture)
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
        if data["rule"] not in self.policy.rules:
            said = ("unknown-rule", f"no rule `{data['rule']}`")
            self.problem(said, data["place"], self.policy.rules, key="rule")
        words = data.get("plans")
        if words is None:
            return None
        return self.typed(words, Scope(self.world, self.world.root), "truth")[0]

    # --- problems ---------------------------------------------------------------------------

    def document(self, file: str) -> Document:
        """Return a file again, with its places; only needed to say what is wrong in it."""
        if file not in self.documents:
            self.documents[file] = read_document(file, self.policy.files.get(file))
        return self.documents[file]

    def note(self, problem: Problem) -> None:
        """Note a problem. Raises BrokenPolicy when there are enough: each takes its time."""
        self.problems.append(problem)
        if len(self.problems) >= PROBLEM_LIMIT:
            raise BrokenPolicy(self.problems, self.policy.files)

    def problem(
        self,
        said: tuple[str, str],
        where: tuple[str, Route],
        options: Iterable[str] = (),
        *,
        key: str = "",
        help: str | None = None,
    ) -> None:
        """Note a problem with what has a name, or with one `key` of it if that is there.

        `options` are what may stand in place of the first word in backticks.
        """
        document, route = self.document(where[0]), where[1]
        known = [option for option in options if " " not in option]
        help = help or (suggest(said[1].split("`")[1], known) if known else None)
        is_there = bool(key) and (*route, key) in document.key_spans
        span = document.at((*route, key)) if is_there else document.key_at(route)
        self.note(Problem(*said, span, help))

    def complainer(self, expression: Expression, rule: Rule | None = None) -> Complain:
        """Return what notes problems of one expression at the place of the node concerned.

        Of common logic it says too which adoption of it is meant.
        """

        def complain(node: Tree, code: str, message: str, help: str | None) -> None:
            offset, length = place(node, expression.text)
            span = expression_span(self.document(expression.file), expression.route, offset, length)
            related: tuple[tuple[str, Span], ...] = ()
            if rule is not None and rule.adopted and expression in (rule.applies, rule.requires):
                related = (("adopted here", self.document(rule.place[0]).at(rule.place[1])),)
            self.note(Problem(code, message, span, help, related))

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
            self.note(Problem("bad-expression", broken.message, span, broken.help))
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
        """Parse, resolve and type one expression; `kind` is what it must be.

        Equal words that stand on the same rows share one tree, unless something is wrong with them.
        """
        text = expression.text.lower()
        own = bool(bindings) or "verdict" in text
        key = (expression.text, scope.relation, scope.this, kind, may_record)
        if not own and key in self.shared:
            return self.shared[key]
        before = len(self.problems)
        tree = self.parsed(expression)
        if tree is None:
            return unread(), UNKNOWN
        complain = self.complainer(expression, rule)
        if bindings:
            tree = bound(tree, bindings)
        if own:
            tree = link_verdicts(self, tree, scope, rule, complain)
        if bindings or "attested" in text:
            self.check_attested(tree, complain)
        if bindings or "recorded" in text:
            self.check_recorded(tree, complain, allowed=may_record)
        inference = Inference(scope, self.type_of, complain)
        found = inference.want(tree, kind) if kind else inference.infer(tree)
        if not own and len(self.problems) == before:
            self.shared[key] = (tree, found)
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

    def check_attested(self, tree: Tree, complain: Complain) -> None:
        """Refuse to ask for an attestation that no file declares: nobody could know to give it."""
        for node in [found for found in nodes(tree) if call_name(found) == "attested"]:
            name, known = arguments(node)[0].name, self.policy.attested
            if isinstance(arguments(node)[0], exp.Literal) and name not in known:
                hint = suggest(name, known) or "say under `attests` what people are to attest"
                complain(arguments(node)[0], "unknown-attestation", f"no attestation `{name}`", hint)

    def check_recorded(self, tree: Tree, complain: Complain, *, allowed: bool) -> None:
        """Refuse `recorded` anywhere but in `requires`, beneath `and` and `or`."""
        for node in nodes(tree):
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
                    "elsewhere use the value itself, or none(x)",
                )

    # --- parts ------------------------------------------------------------------------------

    def enter(self, node: Node, where: tuple[str, Route]) -> bool:
        """Begin a part unless it is done; a part that needs itself is a problem."""
        if node in self.types:
            return False
        if node in self.underway:
            circle = [n[2] or n[1] for n in (*self.underway[self.underway.index(node) :], node)]
            self.problem(("circle", in_circle(circle)), where, help="work one of them out from facts alone")
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
        checked = check_formula(self, name, relation, formula)
        self.columns[(relation, name)] = checked
        self.leave(node, checked.type)

    def measure(self, name: str) -> None:
        """Check one measure."""
        formula = self.policy.measures.get(name)
        node: Node = ("measure", "", name)
        if formula is None or not self.enter(node, formula.place):
            return
        checked = check_formula(self, name, "", formula)
        self.measures[name] = checked
        self.leave(node, checked.type)

    def relation(self, name: str) -> None:
        """Check one derived relation; its fields get their types from its expressions."""
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
        if rule.id not in self.rules:
            check_rule(self, rule)
        return self.rules[rule.id]
