"""Write the statements of a compiled edition: columns, measures, aggregates, derived relations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from jobplan.expression.checked import Checked, CheckedDerived, CheckedFormula, CheckedRule, refs
from jobplan.expression.emit import Emitter, flat
from jobplan.expression.forms import And, Atom, Const, Form, Not, Or
from jobplan.expression.parse import Tree
from jobplan.expression.unparse import unparse
from jobplan.model import Period

STEP = "    "


def verdict_source(applies: str, requires: str, t: str, u: str) -> str:
    """Write the verdict on one row; None is unknown."""
    judged = f"None if ({u} := {requires}) is None else 'satisfied' if {u} else 'violated'"
    if applies == "(True)":
        return f"({judged})"
    return f"('not_applicable' if ({t} := {applies}) is False else None if {t} is None else {judged})"


@dataclass(slots=True)
class Writer:
    """Writes the parts of one policy with one emitter."""

    checked: Checked
    emitter: Emitter

    # --- columns and measures ---------------------------------------------------------------

    def columns(self, columns: list[CheckedFormula]) -> list[str]:
        """Write a loop that works out columns of one relation in order."""
        relation = columns[0].relation
        lines: list[str] = []
        for column in columns:
            if column.own_children:
                lines += self.grouping(column)
        lines.append(f"{STEP}for r in R[{relation!r}].rows:")
        for fact in self.read_often(columns):
            written, name = f"r[{fact!r}]", self.emitter.fresh()
            self.emitter.hold(written, name)
            lines.append(f"{STEP * 2}{name} = {written}")
        for column in columns:
            written, name = f"r[{column.name!r}]", self.emitter.fresh()
            lines += [STEP * 2 + line for line in self.formula(column, f"{written} = {name}", "r")]
            self.emitter.hold(written, name)
        self.emitter.let_go()
        return lines

    def read_often(self, columns: list[CheckedFormula]) -> list[str]:
        """Return the facts of a row that several of its columns read."""
        relation = columns[0].relation
        read = (ref for column in columns for tree in column.trees.values() for ref in refs(tree))
        own = Counter(ref.name for ref in read if ref.kind == "fact" and ref.relation == relation)
        return [name for name, times in own.items() if times > 2]

    def grouping(self, column: CheckedFormula) -> list[str]:
        """Write the grouping of child rows by the row that they belong to."""
        of, key = column.formula.of, group_name(column)
        return [
            f"{STEP}g_{key} = by_ancestor(R[{of!r}].rows, {column.relation!r})",
            f"{STEP}o_{key} = {self.open_owners(of, column.relation)}",
        ]

    def measure(self, measure: CheckedFormula) -> list[str]:
        """Write the working out of one measure."""
        target = self.emitter.measures[measure.name]
        return [STEP + line for line in self.formula(measure, target, "plan")]

    def formula(self, checked: CheckedFormula, target: str, row: str) -> list[str]:
        """Write how a column or measure gets its value."""
        kind = checked.formula.kind
        self.emitter.on(row)
        if kind in ("value", "overlap", "lookup"):
            lines = [f"x = {self.scalar(checked)}"]
        elif kind == "verdict":
            # stated figures count for nothing else, so no rule may rest on a verdict that they gave
            first = f"stated.get(({checked.relation!r}, {row}.id, {checked.name!r}))"
            lines = [f"x = {self.verdict_formula(checked)} if stated is None else {first}"]
        else:
            lines = list(self.aggregate(checked, row))
        self.emitter.on(row)
        if "as_stated" in checked.trees:
            lines.append(
                f"if x is None and stated is not None: x = {self.emitter.emit(checked.trees['as_stated'])}"
            )
        if checked.type.kind == "number":
            lines.append(f"{target} = None if x is None else floor(x * 1e9 + 0.5) / 1e9")
        else:
            lines.append(f"{target} = x")
        return lines

    def scalar(self, checked: CheckedFormula) -> str:
        """Write a value, an overlap or a look-up."""
        formula, emit = checked.formula, self.emitter.emit
        if formula.kind == "value":
            return emit(checked.trees["value"])
        if formula.kind == "overlap":
            keys = ["opens", "closes"]
        else:
            keys = list(self.checked.policy.tables[formula.table].by)
        return f"table_{formula.table}({', '.join(emit(checked.trees[key]) for key in keys)})"

    def verdict_formula(self, checked: CheckedFormula) -> str:
        """Write the verdict of a rule as another rule's value."""
        formula = checked.formula
        if not checked.relation:
            rows = f"[q[{checked.name!r}] for q in R[{formula.of!r}].rows]"
            return f"plan_verdict({rows}, {self.whole(formula.of)})"
        if formula.of not in self.emitter.edition.rules:
            return "'not_applicable'"
        return self.verdict(self.checked.rules[formula.of])

    def aggregate(self, checked: CheckedFormula, this: str) -> Iterator[str]:
        """Write an aggregate: strict over rows that count or might, Kleene's for any and all."""
        formula = checked.formula
        if checked.own_children:
            key = group_name(checked)
            rows, whole = f"g_{key}.get(r.id, ())", f"r.id not in o_{key}"
        else:
            rows, whole = f"R[{formula.of!r}].rows", self.whole(formula.of)
        self.emitter.on("q", this)
        where = self.counts(checked)
        value = self.emitter.emit(checked.trees["input"])
        if formula.kind in ("any", "all"):
            yield from self.any_all(formula.kind, rows, whole, where, value)
            return
        if formula.kind == "count":
            where, value = (value if where is None else f"kleene_and({where}, {value})"), "1.0"
        yield f"k = {whole}"
        yield "s = []"
        yield "if k:"
        yield f"{STEP}for q in {rows}:"
        if where is not None:
            yield f"{STEP * 2}c = {where}"
            yield f"{STEP * 2}if c is False: continue"
            yield f"{STEP * 2}if c is None: k = False; break"
        yield f"{STEP * 2}v = {value}"
        yield f"{STEP * 2}if v is None: k = False; break"
        yield f"{STEP * 2}s.append(v)"
        self.emitter.on(this)
        if_none = checked.trees.get("if_none")
        otherwise = self.emitter.emit(if_none) if if_none is not None else "None"
        result = {
            "sum": "total(s)",
            "count": "float(len(s))",
            "min": f"(min(s) if s else {otherwise})",
            "max": f"(max(s) if s else {otherwise})",
            "average": f"(total(s) / len(s) if s else {otherwise})",
        }[formula.kind]
        yield f"x = {result} if k else None"

    def any_all(self, kind: str, rows: str, whole: str, where: str | None, value: str) -> Iterator[str]:
        """Write `any` or `all`; of a value that decides nothing it is not asked whether its row counts."""
        stop, other = ("True", "False") if kind == "any" else ("False", "True")
        yield f"k = {whole}"
        yield "x = None"
        yield f"for q in {rows}:"
        yield f"{STEP}v = {value}"
        if where is not None:
            yield f"{STEP}if v is {other}: continue"
            yield f"{STEP}c = {where}"
            yield f"{STEP}if c is False: continue"
            yield f"{STEP}if c is None and v is {stop}: v = None"
        yield f"{STEP}if v is {stop}: x = {stop}; break"
        yield f"{STEP}if v is None: k = False"
        yield f"if x is None and k: x = {other}"

    def counts(self, checked: CheckedFormula) -> str | None:
        """Write which rows count; a pair that may not exist may not count."""
        where = checked.trees.get("where")
        written = None if where is None or is_true(where) else self.emitter.emit(where)
        derived = self.checked.relations.get(checked.formula.of)
        if derived is None or derived.derived.kind != "pairs":
            return written
        exists = "(None if q['maybe'] else True)"
        return exists if written is None else f"kleene_and({exists}, {written})"

    # --- wholeness --------------------------------------------------------------------------

    def whole(self, relation: str) -> str:
        """Write whether a relation has all its rows, and its parents theirs."""
        parts = [f"R[{relation!r}].complete and not R[{relation!r}].open_parents"]
        shape = self.checked.world.shapes[relation]
        while not shape.derived and shape.parent not in (None, self.checked.world.root):
            shape = self.checked.world.shapes[shape.parent or ""]
            parts.append(f"R[{shape.name!r}].complete and not R[{shape.name!r}].open_parents")
        return f"({' and '.join(parts)})"

    def open_owners(self, relation: str, owner: str) -> str:
        """Write the ids of the rows of `owner` whose rows of `relation` may not be all."""
        chain = [(name, self.checked.world.shapes[name].parent) for name in self.below(relation, owner)]
        return f"open_owners(R, {chain!r}, {owner!r})"

    def below(self, relation: str, owner: str) -> Iterator[str]:
        """Yield the relations between one and its owner."""
        for name in self.checked.world.ancestors(relation):
            if name == owner:
                return
            yield name

    # --- derived relations ------------------------------------------------------------------

    def relation(self, checked: CheckedDerived) -> list[str]:
        """Write the making of a derived relation."""
        derived = checked.derived
        made = getattr(self, f"make_{derived.kind}")(checked)
        return [f"{STEP}R[{derived.name!r}] = {made}"]

    def function(self, tree: Tree | None, otherwise: str = "None") -> str:
        """Write a function of a row."""
        self.emitter.on("r")
        return otherwise if tree is None else f"(lambda r: {self.emitter.emit(tree)})"

    def source(self, checked: CheckedDerived) -> str:
        """Return the one relation that another is made of."""
        return next(iter(checked.derived.sources.values()))

    def make_union(self, checked: CheckedDerived) -> str:
        """Write a union."""
        members = []
        for name, columns in checked.members.items():
            self.emitter.on("r")
            written = ", ".join(f"{key!r}: {self.emitter.emit(tree)}" for key, tree in columns.items())
            members.append(f"(R[{name!r}], {self.whole(name)}, (lambda r: {{{written}}}))")
        return f"union({checked.derived.name!r}, plan, [{', '.join(members)}])"

    def make_each(self, checked: CheckedDerived) -> str:
        """Write the rows of a list."""
        source, derived = self.source(checked), checked.derived
        entries = self.function(checked.trees["list"])
        return f"each({derived.name!r}, R[{source!r}], {self.whole(source)}, {derived.alias!r}, {entries})"

    def make_rows(self, checked: CheckedDerived) -> str:
        """Write the rows where a condition holds."""
        source = self.source(checked)
        where = self.function(checked.trees["where"])
        made = self.checked.relations.get(source)
        if made is not None and made.derived.kind == "pairs":  # a pair that may not exist is no sure row
            where = f"(lambda r: kleene_and(None if r['maybe'] else True, {where}(r)))"
        return f"rows_where({checked.derived.name!r}, R[{source!r}], {self.whole(source)}, {where})"

    def make_pairs(self, checked: CheckedDerived) -> str:
        """Write pairs."""
        (a, left), (b, right) = checked.derived.sources.items()
        # nothing pairs with nothing: a side that is known to be empty settles it
        none = " or ".join(f"({self.whole(side)} and not R[{side!r}].rows)" for side in (left, right))
        whole = f"(({self.whole(left)} and {self.whole(right)}) or {none})"
        first, second, both = self.parted(checked.trees["where"], a, b)
        sides = f"({a!r}, R[{left!r}], {first}), ({b!r}, R[{right!r}], {second})"
        return f"pairs({checked.derived.name!r}, plan, {sides}, {whole}, {both})"

    def parted(self, where: Tree, first: str, second: str) -> tuple[str, str, str]:
        """Write what a condition asks of the first row of a pair, of the second, and of both."""
        parts: dict[str, list[Tree]] = {"first": [], "second": [], "both": []}
        for part in flat(where, exp.And):
            seconds = {ref.path[:1] == (second,) for ref in refs(part) if ref.path}
            parts["both" if len(seconds) > 1 else "second" if True in seconds else "first"].append(part)
        parts["both"].sort(key=seldom_decides)
        self.emitter.sides = {first: "a", second: "b"}
        written = [self.emitter.joined(mine, "False") if mine else "True" for mine in parts.values()]
        self.emitter.sides = {}
        return f"(lambda a: {written[0]})", f"(lambda b: {written[1]})", f"(lambda a, b: {written[2]})"

    def owners(self, checked: CheckedDerived) -> str:
        """Write the rows within which spans lie, their child rows by owner, and open owners."""
        source, within = self.source(checked), checked.derived.within
        if not within:
            return f"[plan], None, (frozenset() if {self.whole(source)} else frozenset([plan.id]))"
        groups = f"by_ancestor(R[{source!r}].rows, {within!r})"
        return f"R[{within!r}].rows, {groups}, {self.open_owners(source, within)}"

    def finish(self, checked: CheckedDerived) -> str:
        """Write circle, rows and wholeness of spans."""
        within = checked.derived.within
        whole = self.whole(within) if within else "True"
        return f"{checked.derived.circle}, R[{self.source(checked)!r}].rows, {whole}"

    def make_merge(self, checked: CheckedDerived) -> str:
        """Write spans joined."""
        trees = checked.trees
        opens, closes = self.function(trees["opens"]), self.function(trees["closes"])
        where = self.function(trees.get("where"))
        self.emitter.on("plan")
        gap = self.emitter.emit(trees["gap"]) if "gap" in trees else "0.0"
        spans = f"{self.owners(checked)}, {opens}, {closes}, {where}"
        return f"merge({checked.derived.name!r}, {spans}, {gap}, {self.finish(checked)})"

    def make_gaps(self, checked: CheckedDerived) -> str:
        """Write what spans leave."""
        trees, source = checked.trees, self.source(checked)
        ends = [self.edge(source, "opens"), self.edge(source, "closes")]
        self.emitter.on("r")
        low, high = (self.emitter.emit(trees[k]) if k in trees else "0.0" for k in ("from_", "until"))
        whole_span = f"(lambda r: ({low}, {high}))"
        where = self.function(trees.get("where"))
        spans = f"{self.owners(checked)}, {ends[0]}, {ends[1]}, {where}"
        return f"gaps({checked.derived.name!r}, {spans}, {whole_span}, {self.finish(checked)})"

    def edge(self, source: str, name: str) -> str:
        """Write a function that reads the opening or closing of a span."""
        ref = self.checked.world.find(source, name)
        assert ref is not None
        self.emitter.on("r")
        return f"(lambda r: {self.emitter.read(ref)})"

    # --- rules ------------------------------------------------------------------------------

    def verdict(self, rule: CheckedRule) -> str:
        """Write the verdict of a rule on the row `r`."""
        emitter = self.emitter.on("r")
        applies = emitter.emit(effective_applies(self.checked, rule))
        return verdict_source(applies, emitter.emit(rule.requires), emitter.fresh(), emitter.fresh())

    def atom_tuple(self, forms: RuleForms) -> str:
        """Write the truths of a rule's comparisons on the row `r`, or False where it does not apply.

        Most rules do not apply to most rows, and one comparison tells: the others are not made.
        """
        self.emitter.on("r")
        held: dict[int, str] = {}
        tests: list[str] = []
        for index, wanted in literals(forms.applies):
            if index not in held:
                held[index] = self.emitter.fresh()
                tests.append(f"({held[index]} := {self.emitter.emit(forms.atoms[index])}) is {not wanted}")
        written = [held.get(index) or self.emitter.emit(atom) for index, atom in enumerate(forms.atoms)]
        truths = f"({''.join(atom + ', ' for atom in written)})"
        return f"(False if {' or '.join(tests)} else {truths})" if tests else truths


def group_name(column: CheckedFormula) -> str:
    """Return a name for the child rows of one relation below another."""
    return f"{column.formula.of}_{column.relation}"


def seldom_decides(condition: Tree) -> bool:
    """Tell whether a condition is made of `<>` only: it holds of most pairs, so others go before it."""
    return all(isinstance(node, (exp.NEQ, exp.Or, exp.Paren)) for node in flat(condition, exp.Or))


def is_true(tree: Tree) -> bool:
    """Tell whether a condition is simply `true`."""
    return isinstance(tree, exp.Boolean) and bool(tree.this)


# --- conditions as boolean forms -----------------------------------------------------------------


def effective_applies(checked: Checked, rule: CheckedRule) -> Tree:
    """Return whom a rule concerns: its own words, its dates, and whether a pair is there.

    The tree is put together once, since readers know trees by identity.
    """
    known = checked.applies.get(rule.rule.id)
    if known is None or known[0] is not rule:
        known = checked.applies[rule.rule.id] = (rule, all_conditions(checked, rule))
    return known[1]


def all_conditions(checked: Checked, rule: CheckedRule) -> Tree:
    """Join the conditions of a rule's dates, of a pair's being there, and its own."""
    parts = [*dated(rule.by, rule.rule.in_force.period)] if rule.by is not None else []
    derived = checked.relations.get(rule.rule.for_each)
    if derived is not None and derived.derived.kind == "pairs":
        parts.append(derived.trees["where"])
    if not is_true(rule.applies) or not parts:
        parts.append(rule.applies)
    tree = parts[0]
    for part in parts[1:]:
        tree = exp.And(this=tree, expression=part)
    return tree


def dated(by: Tree, period: Period) -> Iterator[Tree]:
    """Yield the conditions that a rule's own date lies in its period."""
    for kind, day in ((exp.GTE, period.from_), (exp.LT, period.until)):
        if day is not None:
            literal = exp.Literal.number(day)
            literal.meta["kind"] = "date"
            comparison = kind(this=by, expression=literal)
            comparison.meta["kind"] = "truth"
            yield comparison


@dataclass(slots=True)
class RuleForms:
    """The conditions of a rule over its atoms."""

    applies: Form
    requires: Form
    atoms: list[Tree]


def literals(form: Form) -> Iterator[tuple[int, bool]]:
    """Yield the atoms that a condition needs, each with the truth that it needs of it."""
    for part in form.parts if isinstance(form, And) else (form,):
        match part:
            case Atom(index):
                yield index, True
            case Not(Atom(index)):
                yield index, False


def rule_forms(checked: Checked, rule: CheckedRule) -> RuleForms:
    """Return the boolean forms of a rule; equal comparisons share an atom."""
    atoms: list[Tree] = []
    seen: dict[str, int] = {}

    def form(node: Tree) -> Form:
        if isinstance(node, exp.Paren):
            return form(node.this)
        if isinstance(node, exp.Boolean):
            return Const(bool(node.this))
        if isinstance(node, exp.Not):
            return Not(form(node.this))
        if isinstance(node, (exp.And, exp.Or)):
            parts = tuple(form(part) for part in flat(node, type(node)))
            return And(parts) if isinstance(node, exp.And) else Or(parts)
        key = unparse(node)
        if key not in seen:
            seen[key] = len(atoms)
            atoms.append(node)
        return Atom(seen[key])

    return RuleForms(form(effective_applies(checked, rule)), form(rule.requires), atoms)
