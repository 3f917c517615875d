"""Read the folder of a policy, with the common files that it uses, into a `Policy`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jobplan.data import schemas_dir
from jobplan.errors import BrokenPolicy, JobplanError, Problem, suggest
from jobplan.model import Derived, Formula, Parameter, Picture, Policy, Rule, Source, Table
from jobplan.policy.adopt import adopted, templates_of
from jobplan.policy.build import Builder, TooManyProblems
from jobplan.policy.mend import mended
from jobplan.policy.pictures import build_picture
from jobplan.policy.register import check_citations, check_register
from jobplan.policy.tables import build_table
from jobplan.source import Document, Route, Span, read_document
from jobplan.source.complaints import PROBLEM_LIMIT
from jobplan.validation import Checker

FRAME = frozenset({"policy.yaml", "not-encoded.yaml", "facts.yaml"})


@dataclass(slots=True)
class Draft:
    """A policy while it is put together; every name is noted with its first place."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    columns: dict[str, dict[str, Formula]] = field(default_factory=dict)
    measures: dict[str, Formula] = field(default_factory=dict)
    relations: dict[str, Derived] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    units: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    attested: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    places: dict[str, tuple[str, Span]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    lost: bool = False

    def claim(self, name: str, what: str, place: Span) -> bool:
        """Note a name; the same name twice is a problem that shows both places."""
        if name not in self.places:
            self.places[name] = (what, place)
            return True
        other, first = self.places[name]
        both = f"two {what}s have" if what == other else f"a {other} and a {what} have"
        word = "id" if what == "rule" else "name"
        said = f"{both} the {word} `{name.removeprefix(f'{what} ')}`"
        self.problems.append(Problem("same-name", said, place, f"give one of them another {word}",
                                     (("first here", first),)))  # fmt: skip
        return False


def read_policy(folder: Path, common: Path) -> Policy:
    """Read `<nation>/<contract>` below the policies folder.

    What is wrong with a file is left out and noted in the policy's `problems`. Raises BrokenPolicy
    where the policy's own file or that of its nation cannot be read.
    """
    draft = Draft()
    frame = load(folder / "policy.yaml", draft)
    nation = load(folder.parent / "nation.yaml", draft)
    topics = load_all(topic_files(folder), draft)
    uses = list((frame.data if frame else {}).get("uses", ()))
    shared = load_all(common_files(uses, common, frame, draft), draft)
    if frame is None or nation is None:
        raise BrokenPolicy(draft.problems, draft.files)
    try:
        fill(draft, nation, frame, shared, topics)
    except TooManyProblems:
        draft.lost = True
    return finish(draft, frame, nation)


def topic_files(folder: Path) -> list[Path]:
    """Return the topic files of a policy: all its YAML but cases and frame, in order of name."""
    return sorted(
        path
        for path in folder.glob("*.yaml")
        if path.name not in FRAME and not path.name.endswith(".cases.yaml")
    )


def common_files(uses: Iterable[str], common: Path, frame: Document | None, draft: Draft) -> list[Path]:
    """Return the common files that `uses` names; one that is not there is a problem."""
    found = []
    for index, name in enumerate(uses):
        path = common / f"{name}.yaml"
        if path.is_file():
            found.append(path)
            continue
        assert frame is not None
        options = [other.stem for other in sorted(common.glob("*.yaml"))]
        place = frame.at(("uses", index))
        draft.problems.append(
            Problem("unknown-file", f"no common file `{name}`", place, suggest(name, options))
        )
    return found


def load_all(paths: Iterable[Path], draft: Draft) -> list[Document]:
    """Load every file that can be read; the others leave their problems in the draft."""
    return [document for path in paths if (document := load(path, draft)) is not None]


def load(path: Path, draft: Draft) -> Document | None:
    """Load one file and check it against the policy schema; what that refuses is left out."""
    try:
        document = read_document(str(path))
    except JobplanError as broken:
        draft.problems.extend(broken.problems)
        draft.files.update(broken.texts)
        draft.lost = True
        return None
    draft.files[str(path)] = document.text
    problems = policy_checker().placed_problems(document)
    draft.problems.extend(problem for _, problem in problems)
    if not problems:
        return document
    if not isinstance(document.data, dict) or len(problems) >= PROBLEM_LIMIT:
        draft.lost = True
        return None
    document, names, lost = mended(document, problems, policy_checker().schema["properties"])
    draft.left_out |= names
    draft.lost = draft.lost or lost
    return document


@cache
def policy_checker() -> Checker:
    """Return the checker of policy files, made when first needed."""
    return Checker(schemas_dir() / "policy.schema.json")


@cache
def lifted_by() -> Mapping[str, list[list[str]]]:
    """Return which groups of parties may lift which kind of rule, as the schema says."""
    found: dict[str, list[list[str]]] = policy_checker().schema["$defs"]["waivable"]["lifted_by"]
    return found


def fill(
    draft: Draft, nation: Document, frame: Document, shared: list[Document], topics: list[Document]
) -> None:
    """Put the parts of every file into the draft."""
    templates = templates_of(shared, draft.problems, draft.left_out)
    register(draft, Builder(nation, draft.problems))
    for document in (nation, frame, *shared, *topics):
        builder = Builder(document, draft.problems)
        add_parts(draft, builder)
        if document in topics:
            add_rules(draft, builder, templates)
        check_citations(builder, draft.sources)
        check_register(builder, draft.sources)


def register(draft: Draft, builder: Builder) -> None:
    """Read the sources register of a nation or an overlay."""
    for key, data in builder.document.data.get("sources", {}).items():
        draft.sources[key] = builder.source(key, data)


def add_parts(draft: Draft, builder: Builder, agreed: str = "") -> None:
    """Add units, attestations, parameters, tables, relations, columns, measures and pictures of a file."""
    data = builder.document.data
    draft.units.update(data.get("units", {}))
    draft.attested.update(data.get("attests", {}))
    parts: tuple[tuple[str, dict[str, Any], Callable[[str, Any], Any]], ...] = (
        ("parameter", draft.parameters, lambda n, d: builder.parameter(n, d, agreed)),
        ("table", draft.tables, lambda n, d: build_table(builder, n, d, agreed)),
        ("relation", draft.relations, builder.relation),
        ("measure", draft.measures, lambda n, d: builder.formula(d, ("measures", n))),
    )
    for what, target, make in parts:
        for name, item in data.get(f"{what}s", {}).items():
            if draft.claim(name, what, builder.document.key_at((f"{what}s", name))):
                keep(draft, target, name, make(name, item))
    for name, item in data.get("pictures", {}).items():
        if draft.claim(f"picture {name}", "picture", builder.document.key_at(("pictures", name))):
            keep(draft, draft.pictures, name, build_picture(builder, name, item))
    for relation, columns in data.get("columns", {}).items():
        for name, item in columns.items():
            route: Route = ("columns", relation, name)
            if draft.claim(f"{relation}.{name}", "column", builder.document.key_at(route)):
                keep(draft, draft.columns.setdefault(relation, {}), name, builder.formula(item, route))


def keep(draft: Draft, target: dict[str, Any], name: str, made: Any) -> None:
    """Keep what was made under its name; what could not be made leaves only the name."""
    if made is None:
        draft.left_out.add(name)
    else:
        target[name] = made


def add_rules(draft: Draft, builder: Builder, templates: Mapping[str, Any], *, local: bool = False) -> None:
    """Add the rules that a file states and those that it adopts."""
    topic = Path(builder.document.file).stem
    stated: list[tuple[Rule, Route]] = []
    for index, data in enumerate(builder.document.data.get("rules", ())):
        route: Route = ("rules", index)
        if {"id", "for_each", "requires"} <= set(data):
            stated.append((builder.rule(data, route, topic, local=local), (*route, "id")))
        else:
            leave_out(draft, data)
    for found, item, route in adopted(builder, templates, topic, local=local):
        if found is None:
            leave_out(draft, item)
        else:
            stated.append((found, route))
    for rule, place in stated:
        if draft.claim(f"rule {rule.id}", "rule", builder.document.at(place)):
            draft.rules[rule.id] = rule


def leave_out(draft: Draft, data: Mapping[str, Any]) -> None:
    """Note a rule that cannot be checked; without its id nobody knows what it would have been called."""
    if "id" in data:
        draft.left_out.add(data["id"])
    else:
        draft.lost = True


def finish(draft: Draft, frame: Document, nation: Document) -> Policy:
    """Return the policy of a draft without problems."""
    return Policy(
        id=frame.data.get("policy", ""),
        title=frame.data.get("title", ""),
        about=frame.data,
        nation=nation.data,
        sources=draft.sources,
        parameters=draft.parameters,
        tables=draft.tables,
        columns=draft.columns,
        measures=draft.measures,
        relations=draft.relations,
        rules=draft.rules,
        units=draft.units,
        attested=draft.attested,
        digest=digest(draft.files),
        files=draft.files,
        problems=tuple(draft.problems),
        left_out=None if draft.lost else frozenset(draft.left_out),
        pictures=draft.pictures,
    )


def digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of the texts of the files, whatever folder they stand in."""
    total = hashlib.sha256()
    for path in sorted(files, key=lambda name: Path(name).parts[-3:]):
        total.update("/".join(Path(path).parts[-3:]).encode() + b"\0" + files[path].encode() + b"\0")
    return total.hexdigest()
