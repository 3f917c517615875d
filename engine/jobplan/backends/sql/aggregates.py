"""Aggregates: all over one relation in one grouping; strict for sums, Kleene's for any and all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import Frame
from jobplan.backends.sql.rows import Rows, World
from jobplan.backends.sql.scalar import billionths
from jobplan.expression.checked import CheckedFormula, refs
from jobplan.expression.emit import flat
from jobplan.expression.parse import Tree
from jobplan.facts.codes import VERDICT_CODES
from jobplan.model import AGGREGATES

Group = tuple[str, str, int]
"""Relation aggregated, how its rows belong to those at hand (`plan`, `below`, `beside`), and which where."""


def is_aggregate(checked: CheckedFormula) -> bool:
    """Tell whether a formula goes over the rows of a relation."""
    return checked.formula.kind in AGGREGATES or (checked.formula.kind == "verdict" and not checked.relation)


@dataclass(slots=True)
class Aggregates:
    """Works out aggregates beside the rows of a batch."""

    world: World
    rows: Rows

    def add(self, formulas: Iterable[CheckedFormula]) -> dict[str, Callable[[], Tree]]:
        """Join the aggregates to the rows; return what writes their values by name, before rounding."""
        groups: dict[Group, list[CheckedFormula]] = {}
        for formula in formulas:
            groups.setdefault(self.group_of(formula), []).append(formula)
        found: dict[str, Callable[[], Tree]] = {}
        for group, members in groups.items():
            found |= self.one(group, members)
        return found

    def group_of(self, checked: CheckedFormula) -> Group:
        """Return which aggregates can be worked out together."""
        formula, where = checked.formula, checked.trees.get("where")
        if checked.own_children:
            return formula.of, "below", 0
        trees = [tree for key, tree in checked.trees.items() if key in ("input", "where")]
        if any(ref.path[:1] == ("this",) for tree in trees for ref in refs(tree)):
            beside = checked.relation not in ("", self.world.tables.root)
            return formula.of, "beside" if beside else "plan", id(where) if beside else 0
        return formula.of, "plan", 0

    def one(self, group: Group, members: list[CheckedFormula]) -> dict[str, Callable[[], Tree]]:
        """Work out the aggregates of one group."""
        of, how, _ = group
        tables = self.world.tables
        upward = self.upward(of, members[0].relation) if how == "below" else 0
        this = members[0].relation if how != "plan" else ""
        inner = Rows(self.world, Frame(tables, of, this, upward))
        keys: dict[str, Tree] = {"P": n.column("P")}
        if how != "plan":
            keys["R"] = inner.frame.field(("this",), "R")
        columns: dict[str, Tree] = {}
        results = {
            member.name: self.result(member, inner, columns, f"{of} {how} {member.name}")
            for member in members
        }
        wanted = self.wanted(inner, members) if how == "beside" else []
        query = n.grouped(inner.select(("P",), columns, *wanted), *keys.values())
        if how != "plan":
            query.expressions.insert(1, n.named(keys["R"], "R"))
        self.rows.frame.add(query, [(key, key) for key in keys], list(columns))
        whole = self.whole(of, how, members[0].relation)
        return {member.name: partial(self.outcome, member, results[member.name], whole) for member in members}

    def upward(self, of: str, owner: str) -> int:
        """Return how many parents lead from rows to the row above them."""
        return list(self.world.tables.checked.world.ancestors(of)).index(owner)

    def wanted(self, inner: Rows, members: list[CheckedFormula]) -> list[Tree]:
        """Return what is asked of the aggregated row alone: where that is false it need not be looked at."""
        tree = members[0].trees.get("where")
        parts = flat(tree, exp.And) if tree is not None else []
        alone = [part for part in parts if not any(ref.path[:1] == ("this",) for ref in refs(part))]
        return [n.coalesce(inner.value(part), n.truth(True)) for part in alone]

    # --- one aggregate ----------------------------------------------------------------------

    def counts(self, checked: CheckedFormula, inner: Rows) -> Tree | None:
        """Return which rows count; a pair that may not exist may not count."""
        tree = checked.trees.get("where")
        where = None if tree is None or tree == exp.true() else inner.value(tree)
        derived = self.world.tables.checked.relations.get(checked.formula.of)
        if derived is None or derived.derived.kind != "pairs":
            return where
        exists = n.case((n.negated(inner.frame.field((), "maybe")), n.truth(True)))
        return exists if where is None else n.every(exists, where)

    def result(
        self, checked: CheckedFormula, inner: Rows, columns: dict[str, Tree], name: str
    ) -> dict[str, Tree]:
        """Add what is gathered for one aggregate; return the columns that hold it."""
        kind = checked.formula.kind
        given: dict[str, Tree] = {}

        def gather(key: str, function: str, value: Tree) -> None:
            columns[f"{name} {key}"] = n.call(function, value)
            given[key] = n.column(f"{name} {key}")

        most, any_of = self.world.functions.most, self.world.functions.any_of
        if kind == "verdict":
            gather("most", most, verdict_code(inner.frame.field((), checked.name)))
            return given
        where, value = self.counts(checked, inner), inner.value(checked.trees["input"])
        if kind in ("any", "all"):
            told = n.negated(value) if kind == "all" else value
            gather("most", most, tell(told if where is None else n.every(told, where)))
            return given
        if kind == "count":
            told = inner.scalar.held(value if where is None else n.every(where, value))
            gather("unknown", any_of, n.missing(told))
            gather("found", "count", n.case((told.copy(), n.whole(1))))
            return given
        if where is not None:
            where = inner.scalar.held(where)
        value = inner.scalar.held(value)
        gather("unknown", any_of, unsure(where, value))
        if kind in ("sum", "average"):
            big = n.cast(held(billionths(value)), self.world.functions.big, safe=True)
            gather("found", "sum", big if where is None else n.case((where.copy(), big)))
        if kind in ("min", "max"):
            gather("found", kind, value if where is None else n.case((where.copy(), value)))
        if kind == "average":
            gather("rows", "count", value.copy() if where is None else n.case((where.copy(), value.copy())))
        return given

    # --- what comes of it -------------------------------------------------------------------

    def whole(self, of: str, how: str, owner: str) -> Tree:
        """Return whether all rows are there that are to be aggregated."""
        if how != "below":
            return n.negated(self.rows.frame.lack(of))
        lacking = self.unlisted(of, owner)
        if lacking is None:
            return n.truth(True)
        name = f"open {of}"
        query = n.read_from(
            n.select(n.column("P"), n.column("R"), n.named(n.truth(True), name), distinct=True),
            n.source(lacking, "o"),
        )
        self.rows.frame.add(query, [("P", "P"), ("R", "R")], [name])
        return n.missing(n.column(name))

    def unlisted(self, of: str, owner: str) -> Tree | None:
        """Return a query of the rows of `owner` (P, R) that may have more descendants than are given."""
        tables, world = self.world.tables, self.world.tables.checked.world
        queries: list[Tree] = []
        chain = list(world.ancestors(of))
        for upward, name in enumerate(chain[: chain.index(owner)]):
            opened = tables.unlisted.get(name)
            if opened is None:
                continue
            parent, up = chain[upward + 1], chain.index(owner) - upward - 1
            query: Tree = n.read_from(
                n.select(n.column("P"), n.named(n.column("U"), "R")), n.source(opened, "u")
            )
            if up:
                frame = Frame(tables, parent)
                above = frame.field(("parent",) * (up - 1), "U")
                rows = n.source(frame.build("P", "R"), "r")
                pick = n.select(n.column("P", "r"), n.named(n.column(above.name, "r"), "R"))
                on = n.every(
                    n.same(n.column("P", "r"), n.column("P", "u")),
                    n.same(n.column("R", "r"), n.column("R", "u")),
                )
                query = n.join(n.read_from(pick, rows), n.source(query, "u"), on)
            queries.append(query)
        return n.union(*queries) if queries else None

    def outcome(self, checked: CheckedFormula, found: dict[str, Tree], whole: Tree) -> Tree:
        """Return the value of an aggregate from what was gathered."""
        kind = checked.formula.kind
        if kind == "verdict":
            return plan_verdict(found["most"], whole)
        if kind in ("any", "all"):
            stop = n.truth(kind == "any")
            return n.case(
                (n.same(found["most"], n.whole(2)), stop),
                (
                    n.every(whole, n.same(n.coalesce(found["most"].copy(), n.whole(0)), n.whole(0))),
                    n.negated(stop),
                ),
            )
        sure = n.every(whole, n.negated(n.coalesce(found["unknown"], n.truth(False))))
        return n.case((sure, self.known(checked, kind, found)))

    def known(self, checked: CheckedFormula, kind: str, found: dict[str, Tree]) -> Tree:
        """Return the value of a strict aggregate whose rows are all known."""
        if kind == "count":
            return n.cast(n.coalesce(found["found"], n.whole(0)), "DOUBLE")
        if kind == "sum":
            return total(n.coalesce(found["found"], n.whole(0)))
        otherwise = self.rows.value(checked.trees["if_none"]) if "if_none" in checked.trees else exp.Null()
        if kind == "average":
            mean = n.binary(exp.Div, total(found["found"]), n.cast(found["rows"], "DOUBLE"))
            return n.case((n.known(found["found"].copy()), mean), otherwise=otherwise)
        return n.case((n.known(found["found"].copy()), found["found"]), otherwise=otherwise)


MOST = 1e32
"""The most billionths that a row adds; sums that come near it are refused."""


def held(billionths: Tree) -> Tree:
    """Return whole billionths that can be added up without running over."""
    return n.call("least", n.call("greatest", billionths, n.number(-MOST)), n.number(MOST))


def total(billionths: Tree) -> Tree:
    """Return a sum of whole billionths as a number."""
    return n.binary(exp.Div, n.cast(billionths, "DOUBLE"), n.number(1e9))


def unsure(where: Tree | None, value: Tree) -> Tree:
    """Return whether a row that counts, or might, lacks its value."""
    if where is None:
        return n.missing(value)
    return n.either(n.missing(where), n.every(where.copy(), n.missing(value)))


def tell(value: Tree) -> Tree:
    """Return 2 for true, 1 for unknown, 0 for false."""
    return n.coalesce(n.times(n.whole(2), n.cast(value, "UTINYINT")), n.whole(1))


def verdict_code(words: Tree) -> Tree:
    """Return the code of a verdict in words; NULL is unknown."""
    known = [
        (n.same(words.copy(), n.text(verdict)), n.whole(code))
        for verdict, code in VERDICT_CODES.items()
        if verdict != "unknown"
    ]
    return n.case(*known, otherwise=n.whole(VERDICT_CODES["unknown"]))


def plan_verdict(most: Tree, whole: Tree) -> Tree:
    """Return a plan's one verdict in words from the greatest code of its rows."""
    least = n.case((whole, n.whole(0)), otherwise=n.whole(VERDICT_CODES["unknown"]))
    return verdict_words(n.call("greatest", n.coalesce(most, n.whole(0)), least))


def verdict_words(code: Tree) -> Tree:
    """Return a verdict in words; unknown is NULL."""
    known = [
        (n.same(code, n.whole(number)), n.text(verdict))
        for verdict, number in VERDICT_CODES.items()
        if verdict != "unknown"
    ]
    return n.case(*known)
