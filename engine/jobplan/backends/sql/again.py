"""Judging once more on what plans state themselves, and plans whose numbers are too large."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import ROOT, Frame
from jobplan.backends.sql.relations import chosen
from jobplan.backends.sql.rows import Rows
from jobplan.backends.sql.stages import LARGE, UNKNOWN, Maker
from jobplan.backends.sql.verdicts import plan_verdicts, rule_column, rules_of
from jobplan.expression.parse import Tree
from jobplan.expression.spans import MOST_PAIRS

AGAIN = "again"


def asked_again(maker: Maker) -> Tree:
    """Return the statement that makes the table of the plans to be judged once more."""
    return n.made_table("work", AGAIN, plans_again(maker))


def judged_again(maker: Maker) -> list[Tree]:
    """Return the statements that judge once more where a stated figure could stand in."""
    if not maker.program.claims:
        return list(nothing_stated(maker))
    second = Maker(maker.program, maker.schema, maker.today, maker.functions, AGAIN, "stated", first=maker)
    work: list[Tree] = [exp.Create(this=exp.Table(this=n.name(AGAIN)), kind="SCHEMA", exists=True)]
    for relation in maker.schema.relations:
        kept = n.read_from(n.select(exp.Star()), n.table(maker.facts, relation))
        chosen_plans = n.read_from(n.select(n.column("P")), n.table("work", AGAIN))
        inside = exp.In(this=n.column("P"), query=exp.Subquery(this=chosen_plans))
        work.append(n.made_view(AGAIN, relation, n.where(kept, inside)))
    second.make()
    work += second.statements
    work.append(n.made_table("work", "stated", plan_verdicts(second)))
    for relation in maker.needs.judged():
        work.append(n.made_table("work", f"stated {relation}", stated_rows(maker, second, relation)))
    return work


def nothing_stated(maker: Maker) -> Iterator[Tree]:
    """Yield the statements that make the tables of stated answers without rows."""
    none = n.truth(False)
    yield n.made_table(
        "work", "stated", n.where(n.read_from(n.select(exp.Star()), n.table("work", "verdicts")), none)
    )
    for relation in maker.needs.judged():
        rules = rule_rows(maker, relation)
        yield n.made_table("work", f"stated {relation}", n.where(rules, none.copy()))


def rule_rows(maker: Maker, relation: str) -> exp.Select:
    """Return the query of the verdicts on the rows of a relation."""
    frame = Frame(maker.world.tables, relation)
    here, keys = (ROOT, ("P",)) if frame.is_root else ((), ("P", "R"))
    columns = {rule_column(rule): frame.field(here, rule_column(rule)) for rule in rules_of(maker, relation)}
    keyed: dict[str, Tree] = {key: n.column(key) for key in keys}
    return chosen(Rows(maker.world, frame), keys, {**keyed, **columns})


def plans_again(maker: Maker) -> Tree:
    """Return the plans with an unknown judgement that state a figure which is not known otherwise."""
    unknown = list(unknown_rows(maker))
    told = list(stated_more(maker))
    if not told:
        return n.where(
            n.read_from(n.select(n.column("P")), n.table(maker.facts, maker.schema.root)), n.truth(False)
        )
    picked = n.read_from(n.select(n.column("P"), distinct=True), n.source(n.union(*told), "t"))
    inside = exp.In(this=n.column("P"), query=exp.Subquery(this=n.union(*unknown)))
    return n.where(picked, inside)


def unknown_rows(maker: Maker) -> Iterator[Tree]:
    """Yield queries of the plans with an unknown verdict on a row."""
    for tables in maker.judged.values():
        for made, rules in tables:
            columns = [n.column(rule_column(rule)) for rule in rules]
            query = n.read_from(n.select(n.column("P")), made.copy())
            yield n.where(query, n.among(n.whole(UNKNOWN), columns))


def stated_more(maker: Maker) -> Iterator[Tree]:
    """Yield queries of the plans that state a figure which is not known otherwise."""
    tables = maker.world.tables
    by_relation: dict[str, list[tuple[str, Tree]]] = {}
    for formula in maker.program.claims:
        node = ("column" if formula.relation else "measure", formula.relation, formula.name)
        if node in maker.done:
            home = formula.relation or tables.root
            by_relation.setdefault(home, []).append((formula.name, formula.trees["as_stated"]))
    for relation, claims in by_relation.items():
        rows = Rows(maker.world, Frame(tables, relation))
        here = ROOT if relation == tables.root else ()
        tests = [
            n.every(n.missing(rows.frame.field(here, name)), n.known(rows.value(tree)))
            for name, tree in claims
        ]
        yield n.where(chosen(rows, ("P",), {"P": n.column("P")}), n.either(*tests))


def stated_rows(maker: Maker, second: Maker, relation: str) -> Tree:
    """Return the second verdicts on rows, by the numbers that the rows had the first time.

    Rows made of others are told by their place, and only where there are as many as the first time.
    """
    rules = [rule_column(rule) for rule in rules_of(maker, relation)]
    if relation not in maker.program.checked.relations:
        return rule_rows(second, relation)
    first, again = ranked(rule_rows(maker, relation), ()), ranked(rule_rows(second, relation), tuple(rules))
    picked = [n.named(n.column(key, "a"), key) for key in ("P", "R")]
    picked += [n.named(n.column(rule, "b"), rule) for rule in rules]
    on = n.every(*(n.same(n.column(key, "a"), n.column(key, "b")) for key in ("P", "place", "count")))
    return n.join(n.read_from(n.select(*picked), n.source(first, "a")), n.source(again, "b"), on)


def ranked(query: Tree, columns: tuple[str, ...]) -> exp.Select:
    """Return rows with their places in the plan and how many there are."""
    by = [n.column("P")]
    place = n.windowed(n.call("row_number"), by, [n.column("R")])
    count = exp.Window(this=n.call("count", exp.Star()), partition_by=[n.column("P")], over="OVER")
    more = [n.column(name) for name in columns]
    return n.read_from(
        n.select(n.column("P"), n.column("R"), n.named(place, "place"), n.named(count, "count"), *more),
        n.source(query, "r"),
    )


# --- numbers too large ---------------------------------------------------------------------------


def refused(maker: Maker) -> Tree:
    """Return the plans that cannot be judged: P, code, words."""
    queries = [
        told(
            many,
            "too-many-pairs",
            f"too many rows to compare each with each in `{name}`: over {MOST_PAIRS:,} pairs",
        )
        for name, many in maker.crowded.items()
    ]
    words = (
        f"a number that {maker.program.checked.policy.id} works out for this plan is too large to work with"
    )
    queries += [told(query, "out-of-range", words) for query in too_large(maker)]
    nobody = n.where(
        n.read_from(n.select(n.column("P")), n.table(maker.facts, maker.schema.root)), n.truth(False)
    )
    found = n.union(told(nobody, "", ""), *queries)
    said = n.named(n.call("min", n.column("words")), "words")
    query = n.read_from(n.select(n.column("P"), n.column("code"), said), n.source(found, "r"))
    return n.grouped(query, n.column("P"), n.column("code"))


def told(query: Tree, code: str, words: str) -> Tree:
    """Return plans with why they are refused."""
    picked = n.select(n.column("P"), n.named(n.text(code), "code"), n.named(n.text(words), "words"))
    return n.read_from(picked, n.source(query, "q"))


def too_large(maker: Maker) -> Iterator[Tree]:
    """Yield queries of the plans with a number that is too large, or none at all."""
    for made in maker.large:
        yield n.where(n.read_from(n.select(n.column("P")), made.copy()), n.column(LARGE))
