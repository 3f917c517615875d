"""What has its reasons worked out for others to read: columns, measures, fields of unions, open relations.

Each is a companion: a list of reasons beside a row, there only where something is unknown. What is found
in other rows than the one beside which it stands is gathered by a job of its own before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.reasons_codes import HOLIDAY, Codes
from jobplan.backends.sql.reasons_frames import ROOT, THIS, Base, Companion, Frame, Path
from jobplan.backends.sql.reasons_trees import (
    ANY,
    UNKNOWN,
    Listed,
    Why,
    concat,
    in_row,
    integer,
    is_true,
    one,
    unknown,
    when,
)
from jobplan.expression.checked import CheckedDerived, CheckedFormula
from jobplan.expression.parse import Tree
from jobplan.expression.program import Program
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies
from jobplan.facts.codes import given_of
from jobplan.facts.schema import FactSchema

Writes = Callable[[Why, Frame], Listed]


@dataclass(frozen=True, slots=True)
class Job:
    """How a companion is worked out on the rows of a base, where `guard` holds.

    A job that gathers puts together what its rows give: for each plan, or for each row of the relation
    `gathers`, which is the base's `this`.
    """

    key: Companion
    base: Base
    write: Writes
    guard: Callable[[Frame], exp.Expr] | None = None
    gathers: str | None = None

    @property
    def group(self) -> tuple[Base, str | None]:
        """Return what jobs that can stand in one statement have in common."""
        return self.base, self.gathers


@dataclass(frozen=True, slots=True)
class Jobs:
    """Makes the jobs of one edition."""

    program: Program
    schema: FactSchema
    codes: Codes

    @property
    def root(self) -> str:
        """Return the name of the plan's own relation."""
        return self.program.checked.world.root

    def of(self, key: Companion) -> Job:
        """Return the job that works a companion out."""
        kind, relation, name = key
        checked = self.program.checked
        match kind:
            case "column":
                return self.formula(key, checked.columns[(relation, name)])
            case "measure":
                return self.formula(key, checked.measures[name])
            case "rows of column":
                return self.gathered(key, checked.columns[(relation, name)])
            case "rows of measure":
                return self.gathered(key, checked.measures[name])
            case "union":
                return self.union(key)
            case "member":
                return self.member(key)
            case "open":
                return self.open_below(key) if relation else self.open(key)
            case "holders":
                return self.holders(key)
            case _:
                return self.sources(key, kind.removeprefix("source "))

    # --- columns and measures ---------------------------------------------------------------

    def formula(self, key: Companion, checked: CheckedFormula) -> Job:
        """Return the job of a column or measure."""
        kind = checked.formula.kind
        writes: dict[str, Writes] = {
            "value": lambda why, _: why.of(checked.trees["value"], UNKNOWN),
            "overlap": lambda why, frame: self.overlap(checked, why, frame),
            "lookup": lambda why, frame: self.lookup(checked, why, frame),
            "verdict": lambda why, _: self.verdict(checked, why) if checked.relation else None,
        }
        write = writes.get(kind)
        if write is None or (kind == "verdict" and not checked.relation):
            write = lambda why, frame: self.aggregate(checked, why, frame)  # noqa: E731
        guard: Callable[[Frame], exp.Expr] = lambda frame: unknown(frame.column(ref_of(checked)))  # noqa: E731
        return Job(key, Base(checked.relation or self.root), write, guard)

    def overlap(self, checked: CheckedFormula, why: Why, frame: Frame) -> Listed:
        """Return why the part inside windows is not known."""
        windows = self.program.edition.windows[checked.formula.table]
        words = dict.fromkeys(window.unsettled for window in windows if window.unsettled)
        said = [self.codes.silent(text, checked.formula.table) for text in words]
        silent = exp.Array(expressions=[integer(code) for code in said or [self.codes.silent(HOLIDAY)]])
        ends = concat(why.of(tree) for tree in checked.trees.values())
        lacking = [unknown(frame.value(checked.trees[key])) for key in ("opens", "closes")]
        return silent if ends is None else n.case((exp.or_(*lacking), ends), otherwise=silent)

    def lookup(self, checked: CheckedFormula, why: Why, frame: Frame) -> Listed:
        """Return why a table gives nothing: a key is unknown, or no row fits."""
        table = self.program.edition.policy.tables[checked.formula.table]
        keys = [checked.trees[key] for key in table.by]
        silent = (
            one(self.codes.silent(table.if_none, table.name)) if table.if_none else self.unfit(checked, frame)
        )
        lacking = concat(why.of(tree) for tree in keys)
        tests = [unknown(frame.value(tree)) for tree in keys]
        return silent if lacking is None else n.case((exp.or_(*tests), lacking), otherwise=silent)

    def unfit(self, checked: CheckedFormula, frame: Frame) -> exp.Expr:
        """Return the silence of a table that has no words for it: they name the keys."""
        said = integer(self.codes.said(checked.formula.table))
        return exp.Array(expressions=[n.add(said, frame.words_of(self.words(checked, frame)))])

    def wordless(self, keys: Iterable[Companion]) -> list[CheckedFormula]:
        """Return those look-ups among some companions whose tables have no words for what they lack."""
        checked = self.program.checked
        found = [checked.columns[key[1:]] for key in sorted(keys) if key[0] == "column"]
        found += [checked.measures[key[2]] for key in sorted(keys) if key[0] == "measure"]
        tables = self.program.edition.policy.tables
        return [f for f in found if f.formula.kind == "lookup" and not tables[f.formula.table].if_none]

    def words(self, checked: CheckedFormula, frame: Frame) -> exp.Expr:
        """Write that no row of a table fits the keys, as the reference says it; NULL if a key is unknown."""
        table = self.program.edition.policy.tables[checked.formula.table]
        parts: list[exp.Expr] = []
        for name in table.by:
            value = frame.value(checked.trees[name])
            is_number = checked.trees[name].meta.get("kind") == "number"
            shown = n.call("format", n.text("{:g}"), value) if is_number else n.cast(value, "VARCHAR")
            parts += [n.text(f"{', ' if parts else ''}{name} "), shown]
        return reduce(lambda a, b: n.binary(exp.DPipe, a, b), parts, n.text(f"no row of {table.name} fits "))

    def verdict(self, checked: CheckedFormula, why: Why) -> Listed:
        """Return why the verdict of a rule on a row is unknown."""
        rule = self.program.checked.rules[checked.formula.of]
        return judgement(why, effective_applies(self.program.checked, rule), rule.requires)

    def aggregate(self, checked: CheckedFormula, why: Why, frame: Frame) -> Listed:
        """Return the reasons of what may be missing, of the rows that might count, and of their absence."""
        of, at = checked.formula.of, checked.relation
        opened = frame.companion("open", at if checked.own_children else "", of, ())
        kind = "rows of column" if at else "rows of measure"
        rows = frame.companion(kind, at, checked.name, ())
        if_none = checked.trees.get("if_none")
        return concat((opened, rows, None if if_none is None else why.of(if_none)))

    def gathered(self, key: Companion, checked: CheckedFormula) -> Job:
        """Return the job that gathers the reasons of the rows that an aggregate goes over."""
        owner = "" if checked.relation == self.root else checked.relation
        base = Base(checked.formula.of, owner, apart=bool(owner) and not checked.own_children)

        def guard(frame: Frame) -> exp.Expr:
            return unknown(frame.column(ref_of(checked, (THIS,) if owner else ())))

        def write(why: Why, frame: Frame) -> Listed:
            if checked.formula.kind == "verdict":
                return frame.companion("column", checked.formula.of, checked.name, ())
            where, value = checked.trees.get("where"), why.of(checked.trees["input"])
            pair = self.pair(checked.formula.of, why, frame)
            if where is None:
                return concat((pair, value))
            counts, doubt = frame.value(where), why.of(where)
            kept = (
                None
                if value is None
                else when(exp.not_(exp.Is(this=n.braced(counts), expression=exp.false())), value)
            )
            return concat((pair, doubt, kept))

        return Job(key, base, write, guard, owner)

    def pair(self, relation: str, why: Why, frame: Frame) -> Listed:
        """Return why it is not known whether a pair exists."""
        derived = self.program.checked.relations.get(relation)
        if derived is None or derived.derived.kind != "pairs":
            return None
        found = why.of(derived.trees["where"])
        return None if found is None else when(frame.pick((), "work", "maybe"), found)

    # --- unions -----------------------------------------------------------------------------

    def union(self, key: Companion) -> Job:
        """Return the job of a field of a union: the reasons in the row that each was made of."""
        _, relation, field = key
        members = self.program.checked.relations[relation].members

        def write(_: Why, frame: Frame) -> Listed:
            of = frame.pick((), "work", "of")
            branches = [
                (
                    exp.EQ(this=of, expression=n.text(member)),
                    frame.companion("member", member, f"{relation}.{field}", (f"of {member}",)),
                )
                for member in members
            ]
            return n.case(*branches)

        return Job(key, Base(relation), write, lambda frame: unknown(frame.pick((), "work", field)))

    def member(self, key: Companion) -> Job:
        """Return the job of what a union takes for a field from the rows of one relation."""
        _, member, name = key
        relation, _, field = name.partition(".")
        tree = self.program.checked.relations[relation].members[member][field]
        return Job(key, Base(member), lambda why, _: why.of(tree), lambda frame: unknown(frame.value(tree)))

    # --- relations that may have more rows --------------------------------------------------

    def open(self, key: Companion) -> Job:
        """Return the job that tells why a relation may not have all its rows."""
        name = key[2]
        derived = self.program.checked.relations.get(name)
        if derived is not None:
            return Job(key, Base(self.root), lambda why, frame: self.open_derived(derived, why, frame))
        parent = self.schema.relations[name].parent

        def write(_: Why, frame: Frame) -> Listed:
            cause = frame.pick(ROOT, "facts", given_of(name))
            itself = self.not_given(name, cause, integer(0))
            if not parent:
                return itself
            rows = frame.companion("holders", "", name, ())
            none = exp.EQ(this=n.coalesce(n.call("len", rows), n.whole(0)), expression=n.whole(0))
            return concat((when(none, itself), rows.copy(), frame.companion("open", "", parent, ())))

        return Job(key, Base(self.root), write)

    def not_given(self, name: str, cause: exp.Expr, rank: exp.Expr) -> exp.Expr:
        """Return the reason that a list is not given, if it has a cause."""
        code = in_row(n.add(integer(self.codes.missing(name)), cause), rank)
        return when(n.known(cause.copy()), exp.Array(expressions=[code]))

    def holders(self, key: Companion) -> Job:
        """Return the job that gathers the rows whose own lists are not given, or which leave spans open."""
        _, owner, name = key
        derived = self.program.checked.relations.get(name)
        if derived is None:
            holder = self.schema.relations[name].parent
            column = given_of(name)
            return Job(
                key,
                Base(holder, owner),
                lambda _, frame: self.not_given(name, frame.pick((), "facts", column), frame.rank_for(name)),
                lambda frame: n.known(frame.pick((), "facts", column)),
                owner,
            )
        return Job(key, Base(derived.derived.within, owner), lambda why, _: spans(derived, why), None, owner)

    def open_derived(self, derived: CheckedDerived, why: Why, frame: Frame) -> Listed:
        """Return why a derived relation of a plan may lack rows."""
        made = derived.derived
        parts: list[Listed] = []
        for source in dict.fromkeys(made.sources.values()):
            parts.append(frame.companion("open", "", source, ()))
            if made.kind not in ("union", "pairs"):
                parts.append(frame.companion(f"source {source}", "", made.name, ()))
        if made.kind == "pairs":
            return self.open_pairs(derived, concat(parts), frame)
        if made.kind in ("merge", "gaps"):
            if made.within:
                parts.append(frame.companion("open", "", made.within, ()))
                parts.append(frame.companion("holders", "", made.name, ()))
            else:
                parts.append(spans(derived, why))
        return concat(parts)

    def open_pairs(self, derived: CheckedDerived, opened: Listed, frame: Frame) -> Listed:
        """Return why pairs may be lacking; nothing pairs with a side that is known to be empty."""
        sides = tuple(dict.fromkeys(derived.derived.sources.values()))
        if len(sides) < 2 or opened is None:
            return opened
        empty = []
        for side in sides:
            whole = n.call("len", frame.companion("open", "", side, ()))
            none = exp.EQ(this=n.coalesce(whole, n.whole(0)), expression=n.whole(0))
            empty.append(n.every(none, n.missing(frame.any_rows(side))))
        return when(exp.not_(exp.paren(exp.or_(*empty))), opened)

    def open_below(self, key: Companion) -> Job:
        """Return the job that tells why the rows of a relation below one row may not be all."""
        _, owner, name = key
        derived = self.program.checked.relations.get(name)

        def write(why: Why, frame: Frame) -> Listed:
            if derived is not None:
                return self.open_derived_below(derived, owner, why, frame)
            parent = self.schema.relations[name].parent
            if parent == owner:
                return self.not_given(name, frame.pick((), "facts", given_of(name)), frame.rank_for(name))
            rows = frame.companion("holders", owner, name, ())
            return concat((rows, frame.companion("open", owner, parent, ())))

        return Job(key, Base(owner), write)

    def open_derived_below(self, derived: CheckedDerived, owner: str, why: Why, frame: Frame) -> Listed:
        """Return why the rows of a derived relation below one row may not be all."""
        made = derived.derived
        parts: list[Listed] = []
        for source in dict.fromkeys(made.sources.values()):
            if source == owner:
                if made.kind not in ("union", "pairs"):
                    parts.append(self.source(derived, source, why, frame))
                continue
            parts.append(frame.companion("open", owner, source, ()))
            if made.kind not in ("union", "pairs"):
                parts.append(frame.companion(f"source {source}", owner, made.name, ()))
        if made.kind in ("merge", "gaps") and made.within == owner:
            parts.append(spans(derived, why))
        elif made.kind in ("merge", "gaps") and made.within:
            parts.append(frame.companion("holders", owner, made.name, ()))
        return concat(parts)

    def sources(self, key: Companion, source: str) -> Job:
        """Return the job that gathers why the rows of a source do not tell what is made of them."""
        _, owner, name = key
        derived = self.program.checked.relations[name]
        base = Base(source, owner)
        return Job(key, base, lambda why, frame: self.source(derived, source, why, frame), None, owner)

    def source(self, derived: CheckedDerived, source: str, why: Why, frame: Frame) -> Listed:
        """Return why a row does not tell what is made of it."""
        trees = derived.trees
        parts = [self.pair(source, why, frame)]
        parts += [why.of(trees[key]) for key in ("where", "list", "opens", "closes") if key in trees]
        if derived.derived.kind == "gaps":
            ends = (self.program.checked.world.find(source, name) for name in ("opens", "closes"))
            parts += [why.name(ref) for ref in ends if ref is not None]
        found = concat(parts)
        if "where" not in trees or found is None:
            return found
        left_out = exp.Is(this=n.braced(frame.value(trees["where"])), expression=exp.false())
        return when(exp.not_(left_out), found)


def judgement(why: Why, applies: Tree, requires: Tree, *, can_fail: bool = False) -> Listed:
    """Return why a judgement is unknown; of those that `can_fail` the requirement does not hold."""
    if is_true(applies):
        return why.of(requires, UNKNOWN)
    never = UNKNOWN - {False} if can_fail else ANY
    return concat((why.of(applies, UNKNOWN - {True}), why.of(requires, never)))


def spans(derived: CheckedDerived, why: Why) -> Listed:
    """Return why it is not known within what spans lie, or how far apart they may be."""
    return concat(why.of(derived.trees[key]) for key in ("gap", "from_", "until") if key in derived.trees)


def ref_of(checked: CheckedFormula, path: Path = ()) -> Ref:
    """Return the name of a column or measure."""
    if not checked.relation:
        return Ref("measure", checked.name)
    return Ref("column", checked.name, checked.relation, path)
