"""Judge one plan: from facts to judgements, and to the findings of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from jobplan.backends.judging import ENGINES, Judge, Worked, default_engine, engine_words, reference, work
from jobplan.errors import BrokenPlan, Problem, Span, suggest
from jobplan.expression.checked import CheckedRule
from jobplan.expression.editions import Policies, load_policies
from jobplan.expression.interpret import Interpreter
from jobplan.expression.program import Program, Verdicts
from jobplan.expression.spans import TooManyPairsError
from jobplan.expression.tell import joined
from jobplan.expression.write import effective_applies
from jobplan.facts.document import Plan, read_plan
from jobplan.findings.basis import EditionBasis
from jobplan.findings.model import Report
from jobplan.findings.report import Unknown, counted, make_report, overall
from jobplan.model import Judgement, Reason, Row, Verdict
from jobplan.policy.read import lifted_by


@dataclass(frozen=True)
class Judged:
    """A plan judged by one edition.

    `by_row` has a list a rule, a verdict a row (None is unknown); `unknown` the unknown judgements
    a rule, with their reasons, in the order of the rows and last that of the rows that may be missing.
    """

    plan: Plan
    policy: str
    day: int
    worked: Worked
    by_row: Verdicts
    unknown: Unknown
    engine: str

    @cached_property
    def judgements(self) -> tuple[Judgement, ...]:
        """Return every judgement, in the order of rules and rows."""
        return tuple(self._judgements())

    def _judgements(self) -> Iterator[Judgement]:
        for rule, verdicts, unknown in zip(self.worked.program.rules, self.by_row, self.unknown, strict=True):
            waiting = iter(unknown)
            for row, verdict in zip(self.worked.relations[rule.rule.for_each].rows, verdicts, strict=True):
                if verdict is None:
                    yield next(waiting)
                else:
                    yield Judgement(rule.rule.id, row, verdict)  # type: ignore[arg-type]
            yield from waiting

    def verdicts(self) -> dict[str, Verdict]:
        """Return the plan's one verdict on each rule."""
        rules = (rule.rule.id for rule in self.worked.program.rules)
        counts = map(counted, self.by_row, self.unknown)
        return {rule: overall(found) for rule, found in zip(rules, counts, strict=True)}


class Evaluator:
    """Judges plans by a set of policies; safe to share between threads."""

    def __init__(self, policies: Policies | None = None, engine: str | None = None) -> None:
        self.policies = policies or load_policies()
        self.engine = engine or default_engine()
        self._judges: dict[int, tuple[Program, Judge]] = {}
        self._bases: dict[int, EditionBasis] = {}

    def judge_by(self, program: Program) -> Judge:
        """Return the back end's judge of an edition, made once."""
        found = self._judges.get(id(program))
        if found is None:
            found = self._judges.setdefault(id(program), (program, ENGINES[self.engine](program)))
        return found[1]

    def basis(self, program: Program) -> EditionBasis:
        """Return what an edition gives to all reports, made once."""
        found = self._bases.get(id(program))
        if found is None:
            found = self._bases.setdefault(id(program), EditionBasis(program, self.policies.schema))
        return found

    def report(self, judged: Judged) -> Report:
        """Return the report on a judged plan."""
        return make_report(
            judged.plan,
            judged.policy,
            judged.day,
            judged.worked,
            judged.by_row,
            judged.unknown,
            engine_words(self.engine),
            self.policies.schema,
            self.basis(judged.worked.program),
            lifted_by(),
        )

    def read(self, source: Any, assumptions: Iterable[Mapping[str, Any]] = ()) -> Plan:
        """Read a plan. Raises BrokenPlan."""
        return read_plan(source, self.policies.schema, assumptions=assumptions)

    def edition(
        self, plan: Plan, as_of: int | None = None, policy: str | None = None
    ) -> tuple[str, int, Program]:
        """Return the policy, day and compiled edition for a plan. Raises BrokenPlan if none fits."""
        name = policy or self.policies.find(*plan.policy)
        day = as_of if as_of is not None else plan.date
        problems = self.why_not(plan.policy, name, day, at=lambda fact: plan.span(plan.root, fact))
        if problems or name is None or day is None:
            text = plan.document.text
            raise BrokenPlan(problems, {plan.document.file: text} if text else None)
        return name, day, self.policies.program(name, day)

    def why_not(
        self,
        identity: Sequence[str | None],
        name: str | None,
        day: int | None,
        *,
        at: Callable[[str], Span | None] = lambda _: None,
    ) -> list[Problem]:
        """Return why no edition can judge a plan; nothing where one can.

        `identity` is what the plan says of its policy, `name` the policy found by it. `at` gives the place of
        a fact of the plan, and of the plan itself for "".
        """
        found: list[Problem] = []
        if name is None:
            found.append(self._without_policy(identity, at(self.policies.schema.policy[-1])))
        if day is None:
            help = f"give the plan a `{self.policies.schema.date}`, or say the day with --as-of"
            said = "the plan has no date, so no edition can be chosen"
            found.append(Problem("no-date", said, at(""), help))
        if name is not None and day is not None:
            found += self._too_early(name, day, at)
        return found

    def _without_policy(self, identity: Sequence[str | None], span: Span | None) -> Problem:
        names, facts = self.policies.names(), self.policies.schema.policy
        meant = suggest("/".join(word or "" for word in identity), names)
        known = ", ".join(f"`{policy}`" for policy in names)
        given = " and ".join(
            f"{f} `{v}`" if v else f"no {f}" for f, v in zip(facts, identity, strict=True)
        )
        said = f"the plan has {given}, for which there is no policy"
        return Problem("no-policy", said, span, meant or f"there are {known}")

    def _too_early(self, name: str, day: int, at: Callable[[str], Span | None]) -> Iterator[Problem]:
        """Tell of a plan from before the policy's first day: no edition of it says anything then."""
        about = self.policies.checked(name).policy.about
        first = about.get("in_force", {}).get("from")
        if first and day < date.fromisoformat(first).toordinal():
            said = f"{name} is in force from {first}; {date.fromordinal(day).isoformat()} is before that"
            closed = about.get("closed_to")
            help = f"it is closed to: {closed}" if closed else None
            yield Problem("too-early", said, at(self.policies.schema.date), help)

    def judge(
        self, plan: Plan, *, as_of: int | None = None, today: int | None = None, policy: str | None = None
    ) -> Judged:
        """Judge a plan by the edition of its own date, or of `as_of`. Raises BrokenPlan."""
        name, day, program = self.edition(plan, as_of, policy)
        now = present_day() if today is None else today
        judge = self.judge_by(program)
        try:
            worked = work(program, plan, now)
            verdicts = judge(worked)
            stated = self.stated(plan, worked, verdicts)
        except TooManyPairsError as broken:
            raise BrokenPlan([Problem("too-many-pairs", str(broken), plan.span(plan.root))]) from broken
        except (OverflowError, ValueError) as broken:
            if isinstance(broken, ValueError) and "NaN" not in str(broken):
                raise  # a fault of ours, not of the numbers
            said = f"a number that {name} works out for this plan is too large to work with"
            raise BrokenPlan([Problem("out-of-range", said, plan.span(plan.root))]) from broken
        unknown = unknown_judgements(worked, verdicts, stated)
        return Judged(plan, name, day, worked, verdicts, unknown, self.engine)

    def stated(self, plan: Plan, worked: Worked, verdicts: Verdicts) -> Verdicts | None:
        """Judge once more on what the plan states itself; None where that can tell nothing new.

        This answer stands beside the verdicts and counts for nothing, so the quicker back end gives it.
        """
        if not any(None in rows for rows in verdicts) or not states_more(worked):
            return None
        return reference(work(worked.program, plan, worked.today, before=worked))


def states_more(worked: Worked) -> bool:
    """Tell whether the plan states a figure that is not known otherwise, so that it may stand in."""
    reader: Interpreter | None = None
    for formula in worked.program.claims:
        rows = worked.relations[formula.relation].rows if formula.relation else (worked.root,)
        for row in rows:
            value = row[formula.name] if formula.relation else worked.measures[formula.name]
            if value is None:
                reader = reader or reader_of(worked)
                if reader.value(formula.trees["as_stated"], row) is not None:
                    return True
    return False


def unknown_judgements(worked: Worked, verdicts: Verdicts, stated: Verdicts | None) -> Unknown:
    """Return for each rule its unknown judgements, and one more for rows that may be missing."""
    program, reader = worked.program, reader_of(worked)
    relations = dict.fromkeys(rule.rule.for_each for rule in program.rules)
    root = program.checked.world.root
    open_ = {name: unique(reader.why_open(name)) if name != root else () for name in relations}
    found: list[Sequence[Judgement]] = []
    for index, rule in enumerate(program.rules):
        missing, mine = open_[rule.rule.for_each], verdicts[index]
        judged: list[Judgement] = []
        if None in mine:
            others = stated[index] if stated is not None and len(stated[index]) == len(mine) else None
            rows = worked.relations[rule.rule.for_each].rows
            judged += [
                unknown(reader, rule, row, others[place] if others else None)
                for place, row in enumerate(rows)
                if mine[place] is None
            ]
        if missing:
            judged.append(Judgement(rule.rule.id, None, "unknown", missing))
        found.append(judged)
    return found


def unknown(interpreter: Interpreter, rule: CheckedRule, row: Row, stated: str | None) -> Judgement:
    """Return an unknown judgement with its reasons; one that cannot fail says so."""
    applies = interpreter.tell(effective_applies(interpreter.program.checked, rule), row)
    requires = interpreter.tell(rule.requires, row)
    return Judgement(
        rule.rule.id,
        row,
        "unknown",
        interpreter.in_order(joined((applies, requires))),
        as_stated=stated,  # type: ignore[arg-type]
        can_fail=requires is not True,
    )


def reader_of(worked: Worked) -> Interpreter:
    """Return what reads trees on a plan that has been worked out."""
    return Interpreter(worked.program, worked.relations, worked.measures, worked.today, worked.attested)


def unique(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons once each, in a fixed order."""
    return tuple(sorted(set(reasons)))


def check(
    source: Any,
    *,
    policies: Policies | None = None,
    evaluator: Evaluator | None = None,
    as_of: str | None = None,
    today: str | None = None,
    assumptions: Iterable[Mapping[str, Any]] = (),
) -> Report:
    """Check one plan, given as a path, a mapping or a read document, and report on it.

    `as_of` (YYYY-MM-DD) chooses the edition instead of the plan's own date; `today` is the present
    day where that matters. Pass an `evaluator` to check many plans. Raises BrokenPlan, BrokenPolicy.
    """
    judge = evaluator or Evaluator(policies)
    plan = judge.read(source, assumptions)
    judged = judge.judge(plan, as_of=ordinal(as_of), today=ordinal(today))
    return judge.report(judged)


def ordinal(day: str | None) -> int | None:
    """Return a written day as an ordinal. Raises ValueError for what is no day."""
    return None if day is None else date.fromisoformat(day).toordinal()


def present_day() -> int:
    """Return the day where the program runs, as an ordinal."""
    return datetime.now().astimezone().date().toordinal()
