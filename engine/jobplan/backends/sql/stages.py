"""Put the parts of an edition in an order, and make the statements that work them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.aggregates import Aggregates, is_aggregate, verdict_words
from jobplan.backends.sql.frames import KEYS, ROOT, Frame, Tables, flat_name
from jobplan.backends.sql.functions import Functions
from jobplan.backends.sql.lookups import looked_up
from jobplan.backends.sql.needs import Needs, nodes_of
from jobplan.backends.sql.relations import Relations
from jobplan.backends.sql.rows import Rows, World
from jobplan.backends.sql.scalar import rounded
from jobplan.backends.sql.wholes import Wholes
from jobplan.backends.sql.windows import Overlap
from jobplan.expression.checked import CheckedFormula, CheckedRule, Node
from jobplan.expression.order import derived_needs, formula_needs
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.expression.runtime import Windows
from jobplan.facts.codes import VERDICT_CODES, given_of
from jobplan.facts.schema import FactSchema


@dataclass(slots=True)
class Maker:
    """Makes the tables of one working out: stage by stage, what is ready first.

    `facts` is the schema that holds the facts, `made` the one for what is worked out.
    `judged` has by relation the tables with the verdicts on its rows, and whose they are.
    `first` is what was worked out without stated figures, where these stand in. `crowded` names by relation
    the table of the plans that have too many rows to compare each with each; the tables in `large` say of
    each row whether a number in it is too large. Rows made of others are numbered in order only if `ordered`.
    """

    program: Program
    schema: FactSchema
    today: int
    functions: Functions
    facts: str = "facts"
    made: str = "stage"
    first: Maker | None = None
    ordered: bool = True
    statements: list[Tree] = field(default_factory=list)
    done: set[Node] = field(default_factory=set)
    judged: dict[str, list[tuple[exp.Table, list[str]]]] = field(default_factory=dict)
    crowded: dict[str, exp.Table] = field(default_factory=dict)
    large: list[exp.Table] = field(default_factory=list)
    outer_of: dict[Node, set[Node]] = field(default_factory=dict)
    inner_of: dict[Node, list[Node]] = field(default_factory=dict)
    world: World = field(init=False)
    needs: Needs = field(init=False)

    def __post_init__(self) -> None:
        checked, edition = self.program.checked, self.program.edition
        tables = Tables(checked, self.schema)
        wholes = Wholes(checked, edition, self.schema)
        self.world = World(edition, wholes, self.functions, self.today, tables)
        self.needs = Needs(checked, edition)

    def make(self) -> None:
        """Make everything: rows, columns, measures, and the verdicts on rows."""
        self.statements.append(exp.Create(this=exp.Table(this=n.name(self.made)), kind="SCHEMA", exists=True))
        self.give_facts()
        waiting = set(self.needs.nodes)
        while waiting:
            batch = self.ready(waiting)
            if batch[0][0] == "relation":
                Relations(self).make(batch[0][1])
            else:
                self.columns(batch)
            self.done.update(batch)
            waiting.difference_update(batch)
        for relation in self.needs.judged():
            self.judge(relation)

    def numbered(self, order: list[Tree]) -> Tree:
        """Return the numbers of rows within their plan, from 0."""
        number = n.call("row_number")
        by = [n.column("P")]
        found = n.windowed(number, by, order) if self.ordered else n.over(number, by)
        return n.minus(found, n.whole(1))

    # --- statements -------------------------------------------------------------------------

    def create(self, name: str, query: Tree, *, view: bool = False) -> exp.Table:
        """Make a table, or a view, of a query."""
        make = n.made_view if view else n.made_table
        self.statements.append(make(self.made, name, query))
        return n.table(self.made, name)

    def give_facts(self) -> None:
        """Let the tables of facts be read, and say which plans may have more rows inside others."""
        tables = self.world.tables
        for name in self.schema.relations:
            tables.add_facts(name, n.table(self.facts, name))
        for name, relation in self.schema.relations.items():
            if relation.parent:
                facts = n.table(self.facts, relation.parent)
                opened = n.known(n.column(given_of(name)))
                query = n.read_from(n.select(n.column("P"), n.named(n.column("R"), "U")), facts)
                tables.unlisted[name] = n.where(query, opened)
                self.lack(name, [relation.parent], [tables.unlisted[name], *self.lacking(name)])

    def lack(self, name: str, sources: Iterable[str], queries: Iterable[Tree]) -> None:
        """Make the table of the plans in which a relation may have more rows."""
        parts = [part for source in sources for part in self.lacking(source)]
        parts += [plans(query) for query in queries]
        query = n.union(*parts) if parts else nothing()
        made = self.create(f"lack {name}", plans(query, distinct=True))
        self.world.tables.lacks[name] = made

    def lacking(self, relation: str) -> list[Tree]:
        """Return a query of the plans in which a relation may have more rows; none where none may."""
        tables = self.world.tables
        if relation == tables.root:
            return []
        if relation in tables.lacks:
            return [n.read_from(n.select(n.column("P")), tables.lacks[relation].copy())]
        facts = n.table(self.facts, tables.root)
        given = n.known(n.column(given_of(relation)))
        return [n.where(n.read_from(n.select(n.column("P")), facts), given)]

    # --- order ------------------------------------------------------------------------------

    def ready(self, waiting: set[Node]) -> list[Node]:
        """Return what can be worked out next, by one statement, in order."""
        order = [node for node in self.program.checked.order if node in waiting]
        for node in order:
            if node[0] == "relation" and self.done.issuperset(self.outer(node)):
                return [node]
        groups: dict[str, list[Node]] = {}
        for node in order:
            if node[0] != "relation":
                groups.setdefault(node[1] or self.world.tables.root, []).append(node)
        closed = {relation: self.closed(nodes) for relation, nodes in groups.items()}
        ranked = sorted(
            (relation for relation, nodes in closed.items() if nodes),
            key=lambda r: (r == self.world.tables.root, len(closed[r]) < len(groups[r])),
        )
        return closed[ranked[0]]

    def closed(self, nodes: list[Node]) -> list[Node]:
        """Return those that can be worked out together, each after what it reads."""
        left = list(nodes)
        while True:
            known = self.done.union(left)
            kept = [
                node
                for node in left
                if self.done.issuperset(self.outer(node)) and known.issuperset(self.inner(node))
            ]
            if len(kept) == len(left):
                return self.sorted(kept)
            left = kept

    def sorted(self, nodes: list[Node]) -> list[Node]:
        """Return parts of one relation, each after what it reads."""
        found: list[Node] = []
        left = list(nodes)
        while left:
            after = {node: set(self.inner(node)).intersection(left) - {node} for node in left}
            ready = [node for node in left if not after[node]]
            found += ready
            left = [node for node in left if after[node]]
        return found

    def outer(self, node: Node) -> set[Node]:
        """Return what must stand in tables before a part can be worked out."""
        if node not in self.outer_of:
            local = set(self.inner(node)) - set(self.aggregated(node))
            self.outer_of[node] = {
                other for other in self.all_needs(node) if other in self.needs.nodes
            } - local
        return self.outer_of[node]

    def aggregated(self, node: Node) -> list[Node]:
        """Return what the rows give that a part goes over."""
        if node[0] == "relation":
            return []
        trees = [tree for key, tree in self.needs.formula(node).trees.items() if key in ("input", "where")]
        return [other for tree in trees for other in nodes_of(tree)]

    def inner(self, node: Node) -> list[Node]:
        """Return what a part reads of its own rows."""
        if node[0] == "relation":
            return []
        if node not in self.inner_of:
            formula, root = self.needs.formula(node), self.world.tables.root
            trees = [tree for key, tree in formula.trees.items() if key not in ("input", "where")]
            found = [other for tree in trees for other in nodes_of(tree)]
            home = formula.relation or root
            self.inner_of[node] = [other for other in found if (other[1] or root) == home]
        return self.inner_of[node]

    def all_needs(self, node: Node) -> Iterator[Node]:
        """Yield everything that a part is worked out from."""
        checked = self.program.checked
        if node[0] == "relation":
            yield from derived_needs(checked.relations[node[1]], checked.world)
        else:
            yield from formula_needs(self.needs.formula(node), checked.world)

    # --- columns ----------------------------------------------------------------------------

    def columns(self, batch: list[Node]) -> None:
        """Work out columns of one relation, or measures and columns of the root."""
        tables = self.world.tables
        formulas = [self.needs.formula(node) for node in batch]
        relation = formulas[0].relation or tables.root
        root = relation == tables.root
        rows = Rows(self.world, Frame(tables, relation))
        aggregated = Aggregates(self.world, rows).add([f for f in formulas if is_aggregate(f)])
        columns: dict[str, Tree] = {}
        for formula in formulas:
            value = aggregated[formula.name]() if formula.name in aggregated else self.scalar(formula, rows)
            flat = flat_name(ROOT if root else (), formula.name)
            columns[formula.name] = rows.add(flat, self.finished(formula, value, rows))
            rows.local[("measure" if not formula.relation else "column", formula.name)] = flat
        rules = [] if root else self.ready_rules(relation, batch)
        columns |= {f"rule {rule.rule.id}": rows.verdict(rule) for rule in rules}
        if not root and not tables.stages[relation][1:] and relation in self.schema.relations:
            columns = {**self.carried(relation, batch, rules, rows), **columns}
        keys = ("P",) if root else KEYS
        number = len(tables.stages[relation])
        numbers = [columns[f.name] for f in formulas if self.may_be_large(f)]
        sizes = [n.call("abs", value.copy()) for value in numbers]
        told: dict[str, Tree] = {}
        if sizes:
            most = n.call("greatest", *sizes) if len(sizes) > 1 else sizes[0]
            told[LARGE] = n.binary(exp.GTE, most, n.number(LARGEST))
        made = self.create(f"{relation} {number}", rows.select(keys, {**columns, **told}))
        if told:
            self.large.append(made)
        self.keep(relation, made, columns, rules)

    def may_be_large(self, formula: CheckedFormula) -> bool:
        """Tell whether a value is a number that may grow too large."""
        tree = formula.trees.get("value")
        return formula.type.kind == "number" and not (tree is not None and self.world.wholes.small(tree))

    def keep(
        self, relation: str, made: exp.Table, columns: dict[str, Tree], rules: list[CheckedRule]
    ) -> None:
        """Note what a table holds of the rows of a relation."""
        self.world.tables.add(relation, made, frozenset(columns))
        if rules:
            self.judged.setdefault(relation, []).append((made, [rule.rule.id for rule in rules]))

    def unjudged(self, relation: str) -> list[CheckedRule]:
        """Return the rules on a relation that have not been judged yet."""
        judged = {rule for _, rules in self.judged.get(relation, ()) for rule in rules}
        return [r for r in self.program.rules if r.rule.for_each == relation and r.rule.id not in judged]

    def ready_rules(self, relation: str, batch: list[Node]) -> list[CheckedRule]:
        """Return the rules that can be judged beside some columns: nothing else need be known for them."""
        known = self.done.union(batch)
        return [rule for rule in self.unjudged(relation) if known.issuperset(self.needs.of_rule(rule))]

    def carried(
        self, relation: str, batch: list[Node], rules: list[CheckedRule], rows: Rows
    ) -> dict[str, Tree]:
        """Return the facts of rows that others than these read, to stand beside them."""
        fields = self.needs.fields_after(frozenset(batch), frozenset(rule.rule.id for rule in rules))
        read = fields.get(relation, set())
        own = self.world.tables.stages[relation][0].columns
        return {name: rows.frame.field((), name) for path, name in sorted(read) if not path and name in own}

    def scalar(self, formula: CheckedFormula, rows: Rows) -> Tree:
        """Write a value, an overlap, a look-up or the verdict of a rule on a row."""
        kind, edition = formula.formula.kind, self.program.edition
        if kind == "value":
            return rows.value(formula.trees["value"])
        if kind == "verdict":
            return self.verdict_column(formula, rows)
        if kind == "overlap":
            opens, closes = (rows.hold(rows.value(formula.trees[key])) for key in ("opens", "closes"))
            overlap = Overlap(Windows(edition.windows[formula.formula.table]), self.functions, rows.hold)
            return overlap(opens, closes)
        by = edition.policy.tables[formula.formula.table].by
        keys = [rows.scalar.twice(formula.trees[key]) for key in by]
        return looked_up(edition.rows[formula.formula.table], keys)

    def verdict_column(self, formula: CheckedFormula, rows: Rows) -> Tree:
        """Write the verdict of a rule as another rule's value."""
        if self.first is not None:  # stated figures count for nothing else, so no rule may rest on them
            return self.first_verdict(formula, rows)
        if formula.formula.of not in self.program.edition.rules:
            return n.text("not_applicable")
        return verdict_words(rows.hold(rows.verdict(self.program.checked.rules[formula.formula.of])))

    def first_verdict(self, formula: CheckedFormula, rows: Rows) -> Tree:
        """Return the verdict that a rule had without stated figures, on the same row."""
        assert self.first is not None
        frame = Frame(self.first.world.tables, formula.relation or self.world.tables.root)
        value = frame.field(ROOT if frame.is_root else (), formula.name)
        made = self.program.checked.relations.get(formula.relation)
        on = ["P"] if frame.is_root else ["P", "R"]
        if made is not None and made.derived.kind == "pairs":
            on = ["P", *(f"{alias} R" for alias in made.derived.sources)]
        picked = [*(frame.field((), key) if key not in KEYS else n.column(key) for key in on)]
        name = f"first {formula.name}"
        inner = frame.build(*(key for key in on if key in KEYS))
        query = n.read_from(n.select(*picked, n.named(n.column(value.name), name)), n.source(inner, "f"))
        for key in on:
            if key not in KEYS:
                rows.frame.field((), key)
        rows.frame.add(query, [(key, key) for key in on], [name])
        return n.column(name)

    def finished(self, formula: CheckedFormula, value: Tree, rows: Rows) -> Tree:
        """Return a value as it is kept: rounded, of its type, or as the plan states it."""
        kind = formula.type.kind
        stated = formula.trees.get("as_stated") if self.first is not None else None
        if stated is not None:
            value = n.coalesce(value, rows.value(stated))
        if isinstance(value, exp.Null):
            return n.null(kind)
        if kind != "number":
            return value
        tree = formula.trees.get("value")
        whole = formula.formula.kind == "count" or (tree is not None and self.world.wholes.small(tree))
        return value if whole and stated is None else rounded(value)

    # --- rules ------------------------------------------------------------------------------

    def judge(self, relation: str) -> None:
        """Judge the rules of one relation that had to wait on each of its rows."""
        rules = self.unjudged(relation)
        if not rules:
            return
        tables = self.world.tables
        rows = Rows(self.world, Frame(tables, relation))
        columns = {f"rule {rule.rule.id}": rows.verdict(rule) for rule in rules}
        keys = ("P",) if relation == tables.root else KEYS
        self.keep(relation, self.create(f"rules {relation}", rows.select(keys, columns)), columns, rules)


def plans(query: Tree, *, distinct: bool = False) -> Tree:
    """Return the plans of a query."""
    return n.read_from(n.select(n.column("P"), distinct=distinct), n.source(query, "p"))


def nothing() -> Tree:
    """Return a query without rows."""
    return n.where(n.select(n.named(n.cast(exp.Null(), "BIGINT"), "P")), n.truth(False))


UNKNOWN = VERDICT_CODES["unknown"]
LARGE = "too large"
LARGEST = 1e23
"""Numbers beyond this are refused: sums of them could not be added up exactly."""
