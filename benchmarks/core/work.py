"""Which rules are compared, and the columns and measures that must be worked out for them, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlglot import exp

from benchmarks.population import Population, documents
from jobplan.expression.checked import CheckedFormula, CheckedRule, Node, needs, refs
from jobplan.expression.editions import Policies
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.program import Program
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies
from jobplan.facts import read_plan
from jobplan.facts.document import Plan

POLICY = "england/consultant-2003"
DAY = date(2025, 4, 1)
ON_ROWS = ("claimed-hours-add-up", "one-divisor", "yearly-units-add-up")
RULES = (
    *ON_ROWS, "full-time-units", "full-time-hours-at-most", "part-time-below-ten", "usual-working-weeks",
    "annualised-plan-counts-by-year", "stated-total-as-contracted", "printed-totals-agree",
    "stated-table-as-worked-out", "stated-spa-as-worked-out", "stated-anr-as-worked-out",
    "stated-ext-as-worked-out", "stated-premium-as-worked-out", "stated-plain-hours-as-worked-out",
    "spa-minimum", "spa-academy-range", "part-time-spa", "spa-of-new-post", "stated-extra-as-agreed",
    "stated-spa-as-its-rows",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Work:
    """Rules with all that they rest on; `facts` and `stated` are what is read of rows, by relation."""

    program: Program
    rules: tuple[CheckedRule, ...]
    formulas: tuple[CheckedFormula, ...]
    facts: dict[str, tuple[str, ...]]
    stated: dict[str, tuple[str, ...]]

    @property
    def root(self) -> str:
        """Return the relation whose only row is the plan."""
        return self.program.checked.world.root

    def applies(self, rule: CheckedRule) -> Tree:
        """Return whom a rule concerns."""
        return effective_applies(self.program.checked, rule)

    def described(self) -> str:
        """Say how large the work is."""
        columns = sum(bool(formula.relation) for formula in self.formulas)
        rows = sum(rule.rule.for_each != self.root for rule in self.rules)
        return (
            f"{len(self.rules)} rules, {rows} of them on rows; {columns} columns, "
            f"{len(self.formulas) - columns} measures"
        )


def work(policies: Policies) -> Work:
    """Return the rules that are compared, and what they need."""
    program = policies.program(POLICY, DAY.toordinal())
    checked = program.checked
    rules = tuple(rule for rule in program.rules if rule.rule.id in RULES)
    found: set[Node] = set()
    waiting = [node for rule in rules for tree in trees_of(program, rule) for node in needed(tree)]
    while waiting:
        if (node := waiting.pop()) not in found:
            found.add(node)
            waiting += [more for tree in inputs(formula(program, node)) for more in needed(tree)]
    formulas = tuple(formula(program, node) for node in checked.order if node in found)
    trees = [tree for rule in rules for tree in trees_of(program, rule)]
    trees += [tree for made in formulas for tree in inputs(made)]
    facts = names(trees, lambda tree: (r for r in refs(tree) if r.kind == "fact"))
    return Work(program, rules, formulas, facts, names(trees, nones))


def trees_of(program: Program, rule: CheckedRule) -> tuple[Tree, Tree]:
    """Return both conditions of a rule."""
    return effective_applies(program.checked, rule), rule.requires


def formula(program: Program, node: Node) -> CheckedFormula:
    """Return how a column or measure is worked out."""
    kind, relation, name = node
    return program.checked.measures[name] if kind == "measure" else program.checked.columns[relation, name]


def inputs(made: CheckedFormula) -> Iterator[Tree]:
    """Yield the trees of a formula, but for the figure that may stand in for it."""
    return (tree for name, tree in made.trees.items() if name != "as_stated")


def needed(tree: Tree) -> Iterator[Node]:
    """Yield the columns and measures that a tree reads."""
    return (node for ref in refs(tree) for node in needs(ref))


def nones(tree: Tree) -> Iterator[Ref]:
    """Yield the facts of which a tree asks whether there is stated to be none."""
    for node in tree.find_all(exp.Expr):
        if node.meta.get("call") == "none":
            yield arguments(node)[0].meta["ref"]


def names(trees: list[Tree], wanted: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that trees have, by relation, each once."""
    found: dict[str, dict[str, None]] = {}
    for tree in trees:
        for ref in wanted(tree):
            found.setdefault(ref.relation, {})[ref.name] = None
    return {relation: tuple(facts) for relation, facts in found.items()}


# --- plans as others take them -----------------------------------------------------------------


def plain_plans(made: Work, population: Population) -> Iterator[tuple[Plan, dict[str, Any]]]:
    """Yield plans as the reference reads them, and as plain data with only what the work needs."""
    schema = population.schema
    for document in documents(population):
        plan = read_plan(document, schema)
        yield plan, plain(made, plan)


def plain(made: Work, plan: Plan) -> dict[str, Any]:
    """Return what the work needs of a plan; facts that are not there are left out, whatever the reason."""
    found = row_of(made, made.root, plan.root)
    for relation in dict.fromkeys((*made.facts, *(f.formula.of for f in made.formulas if f.formula.of))):
        if relation != made.root:
            rows = plan.relations[relation]
            found[relation] = [row_of(made, relation, row) for row in rows.rows]
            found[f"{relation}_whole"] = rows.complete
    return found


def row_of(made: Work, relation: str, row: Any) -> dict[str, Any]:
    """Return what the work needs of a row."""
    found = {name: row[name] for name in made.facts.get(relation, ()) if row[name] is not None}
    for name in made.stated.get(relation, ()):
        if row[name] is not None or row.causes.get(name) == "none":
            found[f"{name}_none"] = row[name] is None
    return found
