"""In which order the reasons of an edition's rules are worked out, and the statements that do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.backends.sql.reasons_codes import Codes
from jobplan.backends.sql.reasons_frames import ROOT, THIS, Base, Companion, Frame, Write, flat_name, named
from jobplan.backends.sql.reasons_jobs import Job, Jobs, judgement, ref_of
from jobplan.backends.sql.reasons_trees import Why, is_true
from jobplan.expression.checked import CheckedRule
from jobplan.expression.program import Program
from jobplan.expression.write import effective_applies
from jobplan.facts.schema import FactSchema

ABOVE = "rank above "
"""Begins the name of the view that ranks rows among those of a relation inside them."""

Writes = Callable[[Frame], Write]


@dataclass(slots=True)
class Finder(Frame):
    """A frame that only notes which companions are asked for."""

    asked: set[Companion] = field(default_factory=set)

    def companion(self, kind: str, relation: str, name: str, path: tuple[str, ...]) -> exp.Expr:  # noqa: ARG002
        """Note a companion."""
        self.asked.add((kind, relation, name))
        return exp.Null()


@dataclass(frozen=True, slots=True)
class Planner:
    """Puts the reasons of some rules of one edition into statements; `writes` writes values on a frame."""

    program: Program
    schema: FactSchema
    codes: Codes
    writes: Writes

    def statements(self, rules: Iterable[CheckedRule]) -> Iterator[exp.Expr]:
        """Yield the statements that make the table of what each unknown judgement lacks."""
        by_relation: dict[str, list[CheckedRule]] = defaultdict(list)
        for rule in rules:
            by_relation[rule.rule.for_each].append(rule)
        tables: dict[Companion, tuple[str, str]] = {}
        needs = self.closure(by_relation)
        ranked = Frames(self, tables)
        made = [self.stage(number, jobs, ranked) for number, jobs in enumerate(self.stages(needs))]
        judged = [self.judged(relation, mine, ranked) for relation, mine in by_relation.items()]
        opened = [
            found for relation, mine in by_relation.items() for found in self.opened(relation, mine, ranked)
        ]
        for relation in sorted(ranked.ranked):
            yield from ranks(relation, self.schema)
        yield from self.words(needs)
        yield from made
        yield n.made_table("work", "lacks", n.union(*judged, *opened))

    # --- what is needed ---------------------------------------------------------------------

    def closure(
        self, rules: Mapping[str, list[CheckedRule]]
    ) -> dict[Companion, tuple[Job, frozenset[Companion]]]:
        """Return the jobs that rules rely on, each with the companions that it reads itself."""
        jobs = Jobs(self.program, self.schema, self.codes)
        waiting: set[Companion] = set()
        for relation, mine in rules.items():
            finder = self.finder(Base(relation))
            for rule in mine:
                self.lacks(rule, finder)
            waiting |= finder.asked
            if relation != self.schema.root:
                waiting.add(("open", "", relation))
        found: dict[Companion, tuple[Job, frozenset[Companion]]] = {}
        while waiting:
            key = waiting.pop()
            job = jobs.of(key)
            finder = self.finder(job.base)
            job.write(self.why(finder), finder)
            found[key] = (job, frozenset(finder.asked))
            waiting |= finder.asked - found.keys()
        return found

    def finder(self, base: Base) -> Finder:
        """Return a frame on which nothing is written."""
        return Finder(self.program.checked, self.schema, base, {}, lambda _: lambda _: exp.Null())

    def why(self, frame: Frame) -> Why:
        """Return what writes reasons on a frame."""
        return Why(self.program.edition, self.codes, frame)

    def lacks(self, rule: CheckedRule, frame: Frame) -> exp.Expr | None:
        """Return what an unknown judgement that can fail lacks."""
        applies = effective_applies(self.program.checked, rule)
        return judgement(self.why(frame), applies, rule.requires, can_fail=True)

    def words(self, needs: Iterable[Companion]) -> Iterator[exp.Expr]:
        """Yield the statement that numbers what tables say in words that depend on the plan, if any do."""
        jobs = Jobs(self.program, self.schema, self.codes)
        said = []
        for checked in jobs.wordless(needs):
            frame = Frames(self, {}).of(Base(checked.relation or self.schema.root))
            written = jobs.words(checked, frame)
            missing = n.missing(frame.column(ref_of(checked)))
            said.append(
                n.read_from(
                    n.select(n.column("text")), frame.select([{"text": written}], missing).subquery("q")
                )
            )
        if said:
            known = n.read_from(n.select(n.column("text"), distinct=True), n.source(n.union(*said), "said"))
            n.where(known, n.known(n.column("text")))
            place = n.minus(n.windowed(n.call("row_number"), [], [n.column("text")]), n.whole(1))
            numbered = n.select(n.column("text"), n.named(place, "number"))
            yield n.made_table("work", "words", n.read_from(numbered, n.source(known, "known")))

    # --- order ------------------------------------------------------------------------------

    def stages(
        self, needs: Mapping[Companion, tuple[Job, frozenset[Companion]]]
    ) -> Iterator[list[list[Job]]]:
        """Yield what one statement does: layers of jobs on the same rows, each after all that it reads."""
        waiting = {key: set(reads) for key, (_, reads) in needs.items()}
        groups: dict[tuple[Base, str | None], list[Companion]] = defaultdict(list)
        for key in sorted(needs):
            groups[needs[key][0].group].append(key)
        while waiting:
            ready = {group: self.layers(keys, waiting) for group, keys in groups.items()}
            most = max(
                ready, key=lambda group: (share(ready[group], groups[group]), sum(map(len, ready[group])))
            )
            yield [[needs[key][0] for key in layer] for layer in ready[most]]
            done = {key for layer in ready[most] for key in layer}
            groups[most] = [key for key in groups[most] if key not in done]
            groups = defaultdict(list, {group: keys for group, keys in groups.items() if keys})
            waiting = {key: reads - done for key, reads in waiting.items() if key not in done}

    def layers(
        self, keys: list[Companion], waiting: Mapping[Companion, set[Companion]]
    ) -> list[list[Companion]]:
        """Return the jobs of one group that can be done now, each layer after those that it builds on."""
        layers: list[list[Companion]] = []
        done: set[Companion] = set()
        while layer := [key for key in keys if key not in done and waiting[key] <= done]:
            layers.append(layer)
            done.update(layer)
        return layers

    # --- statements -------------------------------------------------------------------------

    def stage(self, number: int, layers: list[list[Job]], frames: Frames) -> exp.Expr:
        """Return the statement that works out companions."""
        first = layers[0][0]
        if first.gathers is not None:
            return self.gathering(number, layers[0], frames)
        frame = frames.of(first.base)
        written = []
        for layer in layers:
            done = {}
            for job in layer:
                found = job.write(self.why(frame), frame)
                found = exp.Null() if found is None else found
                found = n.case((job.guard(frame), found)) if job.guard is not None else found
                done[job.key] = n.cast(found, "BIGINT[]")
            frame.here.update(done)
            written.append({flat_name(key): found for key, found in done.items()})
        guards = [job.guard(frame) for layer in layers for job in layer if job.guard is not None]
        where = n.either(*guards) if len(guards) == sum(map(len, layers)) else None
        return frames.table(number, frame, written, where, self.keys(frame))

    def gathering(self, number: int, jobs: list[Job], frames: Frames) -> exp.Expr:
        """Return the statement that puts together what rows give, for each plan or row."""
        frame = frames.of(jobs[0].base)
        keys = self.group_keys(frame, str(jobs[0].gathers))
        lists, guards = {}, []
        for job in jobs:
            found = job.write(self.why(frame), frame)
            guard = job.guard(frame) if job.guard is not None else n.truth(True)
            guards.append(guard)
            lists[flat_name(job.key)] = n.case((guard.copy(), exp.Null() if found is None else found))
        inner = frame.select([lists], n.either(*guards))
        gathered = [n.named(gather(name), name) for name in lists]
        found = n.read_from(n.select(*keys, *gathered), inner.subquery("rows"))
        n.grouped(found, *(key.this if isinstance(key, exp.Alias) else key for key in keys))
        return frames.keep(number, found, [job.key for job in jobs])

    def keys(self, frame: Frame) -> list[exp.Expr]:
        """Return the columns that tell which row of a base it is."""
        path = ROOT if frame.base.relation == self.schema.root else ()
        home = frame.home(frame.base.relation)
        keys = [n.named(frame.pick(path, home, "P"), "P")]
        return keys if path == ROOT else [*keys, n.named(frame.pick(path, home, "R"), "R")]

    def group_keys(self, frame: Frame, owner: str) -> list[exp.Expr]:
        """Return the columns that tell for which plan or row something is gathered."""
        plan, *_ = self.keys(frame)
        if not owner:
            return [plan]
        path = frame.plain((THIS,))
        frame.picked["owner"] = frame.number_of(path)
        return [plan, n.named(named("owner"), "R")]

    def judged(self, relation: str, rules: list[CheckedRule], frames: Frames) -> exp.Expr:
        """Return the select of what the unknown judgements on rows lack; not of those that cannot fail."""
        frame = frames.of(Base(relation))
        keys = self.keys(frame)
        order = {rule.rule.id: place for place, rule in enumerate(self.program.rules)}
        unknowns, asked = [], []
        for rule in rules:
            verdict = frame.pick(ROOT if relation == self.schema.root else (), "work", f"rule {rule.rule.id}")
            is_unknown = n.same(verdict, n.whole(2))
            unknowns.append(is_unknown)
            tests = [is_unknown.copy()]
            if not is_true(effective_applies(self.program.checked, rule)):
                tests.append(
                    exp.not_(exp.Is(this=n.braced(frame.value(rule.requires)), expression=exp.true()))
                )
            found = self.lacks(rule, frame) or exp.Null()
            listed = n.cast(n.coalesce(found, exp.Array()), "BIGINT[]")
            asked.append((order[rule.rule.id], n.case((n.every(*tests), listed))))
        structs = [struct(rule=n.cast(n.whole(number), "SMALLINT"), why=why) for number, why in asked]
        entry = n.named(n.call("unnest", exp.Array(expressions=structs)), "entry")
        inner = frame.select([{"entry": entry.this}], n.either(*unknowns))
        return lacking(inner, [key.copy() for key in keys], is_root=relation == self.schema.root)

    def opened(self, relation: str, rules: list[CheckedRule], frames: Frames) -> Iterator[exp.Expr]:
        """Yield the select of why a relation may have more rows, for each rule that is judged on it."""
        if relation == self.schema.root:
            return
        table, column = frames.tables[("open", "", relation)]
        order = {rule.rule.id: place for place, rule in enumerate(self.program.rules)}
        numbers = exp.Array(expressions=[n.cast(n.whole(order[rule.rule.id]), "SMALLINT") for rule in rules])
        why = n.column(column)
        no_row = n.cast(exp.Null(), "BIGINT")
        found = n.select(
            n.column("P"),
            n.named(no_row, "R"),
            n.named(n.call("unnest", numbers), "rule"),
            n.named(why, "why"),
        )
        some = n.binary(exp.GT, n.call("len", why.copy()), n.whole(0))
        yield n.where(n.read_from(found, n.table("work", table)), some)


@dataclass(slots=True)
class Frames:
    """Makes frames, and keeps what has been worked out on them."""

    planner: Planner
    tables: dict[Companion, tuple[str, str]]
    made: list[Frame] = field(default_factory=list)

    def of(self, base: Base) -> Frame:
        """Return a frame on a base that knows what has been worked out so far."""
        planner = self.planner
        frame = Frame(planner.program.checked, planner.schema, base, dict(self.tables), planner.writes)
        self.made.append(frame)
        return frame

    @property
    def ranked(self) -> set[str]:
        """Return the relations whose rows are to be ranked."""
        found = set()
        for frame in self.made:
            for alias in frame.joins:
                path, _, table = alias.rpartition(":")
                if table == "rank":
                    found.add(frame.relation_at(tuple(path.split(".")) if path else ()))
                elif table.startswith(ABOVE):
                    found.add(table.removeprefix(ABOVE))
        return found

    def table(
        self,
        number: int,
        frame: Frame,
        layers: list[dict[str, exp.Expr]],
        where: exp.Expr | None,
        keys: list[exp.Expr],
    ) -> exp.Expr:
        """Return the statement that keeps the companions that a frame has beside its rows."""
        names = [name for layer in layers for name in layer]
        inner = frame.select(layers, where)
        found = n.read_from(n.select(*keys, *map(named, names)), inner.subquery("rows"))
        return self.keep(number, found, frame.here)

    def keep(self, number: int, found: exp.Select, keys: Iterable[Companion]) -> exp.Expr:
        """Return the statement that makes a table of companions, after noting where each stands."""
        table = f"why {number}"
        self.tables.update({key: (table, flat_name(key)) for key in keys})
        return n.made_table("work", table, found)


def ranks(relation: str, schema: FactSchema) -> Iterator[exp.Expr]:
    """Yield the statements that rank the rows of a relation by their ids within the plan.

    A reason may name the row that a list belongs to: those rows are ranked among those of the list.
    """
    stored = schema.relations.get(relation)
    above = stored.parent if stored is not None else ""
    itself = rows_of("facts" if stored is not None else "work", relation, "own")
    rows = n.union(itself, rows_of("facts", above, "above")) if above else itself
    rank = n.windowed(n.call("dense_rank"), [n.column("P")], [n.column("id")])
    columns = [n.column(name) for name in ("P", "R", "id", "of")]
    ranked = n.select(*columns, n.named(n.cast(rank, "BIGINT"), "rank"))
    yield n.made_table("work", f"ids {relation}", n.read_from(ranked, n.source(rows, "rows")))
    for name, of in ((f"rank {relation}", "own"), *(((f"{ABOVE}{relation}", "above"),) if above else ())):
        mine = n.read_from(n.select(*map(n.column, ("P", "R", "rank"))), n.table("work", f"ids {relation}"))
        yield n.made_view("work", name, n.where(mine, n.same(n.column("of"), n.text(of))))


def rows_of(schema: str, relation: str, of: str) -> exp.Select:
    """Return the select of the ids of a relation's rows."""
    columns = [n.column(name) for name in ("P", "R", "id")]
    return n.read_from(n.select(*columns, n.named(n.text(of), "of")), n.table(schema, relation))


def gather(name: str) -> exp.Expr:
    """Return the lists of many rows as one."""
    listed = n.call("list", named(name))
    some = n.binary(exp.GT, n.call("len", named(name)), n.whole(0))
    kept = exp.Filter(this=listed, expression=exp.Where(this=some))
    return n.call("list_distinct", n.call("flatten", kept))


def lacking(inner: exp.Select, keys: list[exp.Expr], *, is_root: bool) -> exp.Select:
    """Return the select of plan, row, rule and reasons from one that has an entry for each rule."""
    row = n.named(n.cast(n.whole(0), "BIGINT"), "R")
    entry = [
        n.named(exp.Dot(this=n.column("entry"), expression=n.name(part)), part) for part in ("rule", "why")
    ]
    found = n.read_from(n.select(*keys, *([row] if is_root else []), *entry), inner.subquery("asked"))
    return n.where(found, n.known(exp.Dot(this=n.column("entry"), expression=n.name("why"))))


def share(layers: list[list[Companion]], keys: list[Companion]) -> float:
    """Return how much of a group is ready to be done."""
    return sum(map(len, layers)) / len(keys)


def struct(**parts: exp.Expr) -> exp.Expr:
    """Return a struct of named values."""
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=n.name(key), expression=value) for key, value in parts.items()]
    )
