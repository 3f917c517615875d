"""The answers of a chunk: one verdict a plan and rule, and views of what was worked out on each row."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.frames import KEYS, ROOT, Frame
from jobplan.backends.sql.relations import Relations, chosen
from jobplan.backends.sql.rows import Rows
from jobplan.backends.sql.spans import span_ids
from jobplan.backends.sql.stages import UNKNOWN, Maker
from jobplan.expression.parse import Tree


def rule_column(rule: str) -> str:
    """Return the name of the column that has a rule's verdict on a row."""
    return f"rule {rule}"


def plan_verdicts(maker: Maker) -> Tree:
    """Return the query of each plan's one verdict on every rule, and of nothing else."""
    tables = maker.world.tables
    frame = Frame(tables, tables.root)
    rows = Rows(maker.world, frame)
    values: dict[str, Tree] = {}
    judged = [(relation, *pair) for relation, pairs in maker.judged.items() for pair in pairs]
    for relation, made, rules in judged:
        names = [rule_column(rule) for rule in rules]
        if relation == tables.root:
            frame.add(made.copy(), [("P", "P")], names)
            values |= {rule: n.column(rule_column(rule)) for rule in rules}
            continue
        most = [n.named(n.call(maker.functions.most, n.column(name)), name) for name in names]
        query = n.grouped(n.read_from(n.select(n.column("P"), *most), made.copy()), n.column("P"))
        frame.add(query, [("P", "P")], names)
        least = rows.hold(n.case((frame.lack(relation), n.whole(UNKNOWN)), otherwise=n.whole(0)))
        for rule in rules:
            found = n.coalesce(n.column(rule_column(rule)), n.whole(0))
            values[rule] = n.cast(n.call("greatest", found, least.copy()), "UTINYINT")
    ordered = {rule.rule.id: values[rule.rule.id] for rule in maker.program.rules}
    return chosen(rows, ("P",), {"P": n.column("P"), **ordered})


def open_relations(maker: Maker) -> Tree:
    """Return the query of which relations may have more rows in each plan."""
    tables = maker.world.tables
    frame = Frame(tables, tables.root)
    columns = {relation: frame.lack(relation) for relation in maker.needs.judged() if relation != tables.root}
    return chosen(Rows(maker.world, frame), ("P",), {"P": n.column("P"), **columns})


@dataclass(slots=True)
class Views:
    """Writes the views through which others read what was worked out."""

    maker: Maker

    def all(self) -> dict[str, Tree]:
        """Return the query of each relation that was worked out, judged or read, by name."""
        tables = self.maker.world.tables
        return {relation: self.one(relation) for relation in self.order() if relation in tables.stages}

    def order(self) -> list[str]:
        """Return the relations, each after what its rows are made of."""
        checked = self.maker.program.checked
        made = [node[1] for node in checked.order if node[0] == "relation" and node in self.maker.done]
        return [*self.maker.schema.relations, *made]

    def one(self, relation: str) -> Tree:
        """Return the query of one relation: its keys, id, columns, members and verdicts."""
        maker, tables = self.maker, self.maker.world.tables
        root = relation == tables.root
        frame = Frame(tables, relation)
        here = ROOT if root else ()
        columns: dict[str, Tree] = {}
        for _, owner, name in sorted(node for node in maker.done if node[0] != "relation"):
            if (owner or tables.root) == relation:
                columns[name] = frame.field(here, name)
        derived = maker.program.checked.relations.get(relation)
        if derived is not None:
            columns |= self.members(relation, frame)
        else:
            columns["id"] = frame.field(here, "id")
        for rule in rules_of(maker, relation):
            columns[rule_column(rule)] = frame.field(here, rule_column(rule))
        keys_ = ("P",) if root else KEYS
        return chosen(Rows(maker.world, frame), keys_, {**{key: n.column(key) for key in keys_}, **columns})

    def members(self, relation: str, frame: Frame) -> dict[str, Tree]:
        """Join the id and the members of a derived relation, worked out anew where nobody needed them."""
        maker = self.maker
        checked = maker.program.checked.relations[relation]
        derived, tables = checked.derived, maker.world.tables
        shape = maker.program.checked.world.shapes[relation]
        if derived.kind == "pairs":
            sides = list(derived.sources)
            found = {f"{alias} R": frame.field((), f"{alias} R") for alias in sides}
            found["maybe"] = frame.field((), "maybe")
            if tables.has(relation, "id"):
                return {**found, "id": frame.field((), "id")}
            on = [(derived.sources[alias], [("P", "P"), ("R", f"{alias} R")]) for alias in sides]
            ids = [
                self.id_of(frame, source, keys, alias)
                for alias, (source, keys) in zip(sides, on, strict=True)
            ]
            joined = n.binary(exp.DPipe, n.binary(exp.DPipe, ids[0], n.text("+")), ids[1])
            return {**found, "id": joined}
        if derived.kind == "union":
            fields = set(shape.facts)
            query = Relations(maker).union_query(checked, fields)
            columns = sorted(fields)
            named = [n.named(n.column(name), f"member {name}") for name in columns]
            inner = n.read_from(
                n.select(n.column("P"), n.column("R"), n.named(n.column("of"), "member of"), *named),
                n.source(query, "u"),
            )
            frame.add(inner, [("P", "P"), ("R", "R")], ["member of", *(f"member {name}" for name in columns)])
            found = {name: n.column(f"member {name}") for name in columns}
            return {**found, "of": n.column("member of"), "id": self.union_id(frame, list(checked.members))}
        fields_ = {name: frame.field((), name) for name in sorted(shape.facts) if tables.has(relation, name)}
        if tables.has(relation, "id"):
            return {**fields_, "id": frame.field((), "id")}
        if derived.kind in ("merge", "gaps"):
            query = span_ids(maker, checked, [])
            inner = n.read_from(
                n.select(n.column("P"), n.column("R"), n.named(n.column("id"), "made id")),
                n.source(query, "i"),
            )
            frame.add(inner, [("P", "P"), ("R", "R")], ["made id"])
            return {**fields_, "id": n.column("made id")}
        source = next(iter(derived.sources.values()))
        own = self.id_of(frame, source, [("P", "P"), ("R", "U")], "row")
        if derived.kind == "each":
            own = Relations(maker).entry_id(derived.alias, own, frame.field((), derived.alias), n.column("R"))
        return {**fields_, "id": own}

    def id_of(self, frame: Frame, relation: str, on: list[tuple[str, str]], alias: str) -> Tree:
        """Join the id of the rows that others are made of."""
        name = f"id of {alias}"
        for key in (theirs for _, theirs in on if theirs not in KEYS):
            frame.field((), key)
        query = n.read_from(
            n.select(n.column("P"), n.column("R"), n.named(n.column("id"), name)),
            n.table("work", relation) if relation != self.maker.world.tables.root else exp.Table(),
        )
        frame.add(query, on, [name])
        return n.column(name)

    def union_id(self, frame: Frame, members: list[str]) -> Tree:
        """Return the id of a row of a union: the relation it comes from, and its id there."""
        branches = []
        for member in members:
            own = self.id_of(frame, member, [("P", "P"), ("R", "U")], member)
            whose = n.same(n.column("member of"), n.text(member))
            branches.append((whose, n.binary(exp.DPipe, n.text(f"{member}:"), own)))
        return n.case(*branches)


def rules_of(maker: Maker, relation: str) -> list[str]:
    """Return the rules that are judged on a relation."""
    return [rule.rule.id for rule in maker.program.rules if rule.rule.for_each == relation]
