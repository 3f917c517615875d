"""Run the cases that stand beside the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jobplan.data import schemas_dir
from jobplan.errors import BrokenPlan, BrokenPolicy, JobplanError, Problem, Span, suggest
from jobplan.evaluate import Evaluator, Judged
from jobplan.expression.editions import Policies
from jobplan.model import Policy, Reason
from jobplan.source import Document, Route, read_document
from jobplan.validation import Checker

CASES = ".cases.yaml"


@dataclass(frozen=True, slots=True)
class Case:
    """One case as written: what is given, and what must come of it."""

    document: Document
    route: Route
    data: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """Return the topic that the case belongs to."""
        return Path(self.document.file).name.removesuffix(CASES)

    @property
    def span(self) -> Span:
        """Return the place of the case."""
        return self.document.at((*self.route, "name"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case that was run, with what came out otherwise than expected."""

    case: Case
    wrong: tuple[str, ...]


@cache
def case_checker() -> Checker:
    """Return the checker of case files, made when first needed."""
    return Checker(schemas_dir() / "cases.schema.json")


def read_cases(folder: Path, policy: Policy, topic: str | None = None) -> list[Case]:
    """Read the cases of a policy, or of one topic. Raises BrokenPolicy with all that is wrong."""
    problems: list[Problem] = []
    texts: dict[str, str] = {}
    cases: list[Case] = []
    known = sorted({path.name.removesuffix(CASES) for path in folder.glob(f"*{CASES}")})
    if topic is not None and topic not in known:
        said = f"no cases of a topic `{topic}` in {folder}"
        problems.append(Problem("unknown-topic", said, None, suggest(topic, known)))
    for path in sorted(folder.glob(f"{topic or '*'}{CASES}")):
        try:
            document = read_document(str(path))
        except JobplanError as broken:
            problems.extend(broken.problems)
            texts.update(broken.texts)
            continue
        texts[document.file] = document.text
        wrong = case_checker().problems(document)
        problems.extend(wrong)
        if wrong:
            continue
        for index, data in enumerate(document.data["cases"]):
            case = Case(document, ("cases", index), data)
            cases.append(case)
            if data["rule"] not in policy.rules:
                place = document.at(("cases", index, "rule"))
                hint = suggest(data["rule"], list(policy.rules))
                problems.append(Problem("unknown-rule", f"no rule `{data['rule']}`", place, hint))
    if problems:
        raise BrokenPolicy(problems, texts)
    return cases


def run_cases(evaluator: Evaluator, policy: str, cases: Sequence[Case]) -> Iterator[Outcome]:
    """Run cases in order, each on a plan that says nothing but what is given."""
    plain = evaluator.policies
    with_overlays: dict[str, Evaluator] = {"": evaluator}
    for case in cases:
        overlay = case.data.get("overlay", "")
        if overlay not in with_overlays:
            folder = Path(case.document.file).parent / overlay
            laid = Policies(plain.folder, (*plain.overlays, folder), plain.schema)
            with_overlays[overlay] = Evaluator(laid, evaluator.engine)
        yield run_case(with_overlays[overlay], policy, case)


def run_case(evaluator: Evaluator, policy: str, case: Case) -> Outcome:
    """Run one case."""
    data = case.data
    checked = evaluator.policies.checked(policy)
    day = ordinal(data.get("on", checked.policy.about.get("checked_to")))
    try:
        plan = evaluator.read(given_plan(case, evaluator, policy))
        judged = evaluator.judge(
            plan, as_of=day, today=ordinal(data.get("today", data.get("on"))) or day, policy=policy
        )
    except BrokenPlan as broken:
        return Outcome(case, tuple(problem.message for problem in broken.problems))
    return Outcome(case, tuple(differences(judged, data)))


def given_plan(case: Case, evaluator: Evaluator, policy: str) -> Document:
    """Return the plan of a case: what is given, its policy's names, and an id."""
    schema = evaluator.policies.schema
    identity = dict(zip(schema.policy, policy.split("/"), strict=False))
    frame = {schema.keys.get("format", "version"): 1, schema.keys.get("id", "id"): "case"}
    return Document("", {**frame, **identity, **case.data["given"]}, "", {}, {})


def ordinal(day: str | None) -> int | None:
    """Return a written day as an ordinal."""
    return date.fromisoformat(day).toordinal() if day else None


def differences(judged: Judged, expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield what came out otherwise than a case expects."""
    rule = expected["rule"]
    mine = [judgement for judgement in judged.judgements if judgement.rule == rule]
    verdict = judged.verdicts().get(rule)
    if verdict is None:
        yield f"`{rule}` is not in the edition of that day"
        return
    reasons = [words(reason) for judgement in mine for reason in judgement.reasons]
    if verdict != expected["expect"]:
        because = f" ({'; '.join(reasons)})" if reasons else ""
        yield f"expected {expected['expect']}, found {verdict}{because}"
    for row, wanted in expected.get("subjects", {}).items():
        found = next((j.verdict for j in mine if j.subject is not None and j.subject.id == row), None)
        if found != wanted:
            yield f"row `{row}`: expected {wanted}, found {found or 'no such row'}"
    for wanted in expected.get("reasons", ()):
        if not any(wanted in reason for reason in reasons):
            yield f"expected the reason `{wanted}`, found {'; '.join(reasons) or 'none'}"
    if "as_stated" in expected:
        stated = {judgement.as_stated for judgement in mine}
        if expected["as_stated"] not in stated:
            yield f"expected as stated {expected['as_stated']}, found {', '.join(str(s) for s in stated)}"


def words(reason: Reason) -> str:
    """Return a reason in one line, the way cases write it."""
    if reason.kind == "silent":
        return f"silent {reason.text}"
    place = (
        f"{reason.relation}.{reason.field}"
        if reason.field and reason.relation
        else reason.relation or reason.field
    )
    row = f" in {reason.row}" if reason.row else ""
    return f"{reason.kind} {place}{row} ({reason.cause})"
