"""Lay an employer's overlay on a policy: values for what the law leaves open, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobplan.errors import Problem, suggest
from jobplan.model import Citation, Derived, Formula, Parameter, Policy, Rule, Table
from jobplan.policy.build import Builder, TooManyProblems, kind_words
from jobplan.policy.read import Draft, add_parts, add_rules, digest, load_all, register
from jobplan.policy.register import check_citations, check_register
from jobplan.policy.tables import build_table, meeting
from jobplan.source import Document, Route, read_document

Law = Parameter | Table | Rule | Formula | Derived
WEAKER = ("local", "recommendation", "information")
"""What a rule of an overlay may bind by: an agreement, or less."""

NAME = re.compile(r"[a-z][a-z0-9_]*")
ONLY_OPEN = "an overlay sets only what is marked `open: true`"


def with_overlay(policy: Policy, folder: Path) -> Policy:
    """Return the policy with the overlay in `folder` laid on it.

    Where the overlay sets what the law has closed, a problem of the policy names the clause.
    """
    draft = Draft(
        problems=list(policy.problems),
        left_out=set(policy.left_out or ()),
        lost=policy.left_out is None,
        parameters=dict(policy.parameters),
        tables=dict(policy.tables),
        columns={name: dict(columns) for name, columns in policy.columns.items()},
        measures=dict(policy.measures),
        relations=dict(policy.relations),
        rules=dict(policy.rules),
        pictures=dict(policy.pictures),
        units=dict(policy.units),
        attested=dict(policy.attested),
        sources=dict(policy.sources),
        files=dict(policy.files),
    )
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
    documents = load_all(paths, draft)
    if not paths:
        draft.problems.append(Problem("no-overlay", f"no rule files in {folder}"))
    about: Mapping[str, Any] = next((d.data for d in documents if "overlay" in d.data), {})
    name = about.get("overlay", folder.name)
    waivers: list[Mapping[str, Any]] = list(policy.group_waivers)
    words = Counter(word for document in documents for word in NAME.findall(document.text))
    try:
        for document in documents:
            check_names(document, policy, name, draft.problems)
            register(draft, Builder(document, draft.problems))
        for document in documents:
            lay(Laying(policy, draft, Builder(document, draft.problems), name, words))
            waivers += list(group_waivers(Builder(document, draft.problems), name))
    except TooManyProblems:
        draft.lost = True
    return replace(
        policy,
        parameters=draft.parameters,
        tables=draft.tables,
        columns=draft.columns,
        measures=draft.measures,
        relations=draft.relations,
        rules=draft.rules,
        pictures=draft.pictures,
        attested=draft.attested,
        sources=draft.sources,
        files=draft.files,
        digest=digest(draft.files),
        overlay={**policy.overlay, name: about},
        group_waivers=tuple(waivers),
        problems=tuple(draft.problems),
        left_out=None if draft.lost else frozenset(draft.left_out),
    )


def check_names(document: Document, policy: Policy, name: str, problems: list[Problem]) -> None:
    """Note an overlay that is laid on twice, and sources and statements that the policy has already."""
    builder = Builder(document, problems)
    if "overlay" in document.data and name in policy.overlay:
        said = f"an overlay `{name}` is laid on already"
        builder.problem("same-name", said, ("overlay",), "lay it on once, or give one of them another name")
    for key, data in document.data.get("sources", {}).items():
        if policy.sources.get(key, builder.source(key, data)) != builder.source(key, data):
            said = f"the register has another source `{key}` already"
            builder.problem("same-name", said, ("sources", key), "give this one another key", key=True)
    for key in policy.attested.keys() & document.data.get("attests", {}).keys():
        said = f"the policy has an attestation `{key}` already"
        builder.problem("same-name", said, ("attests", key), "give this one another name", key=True)


def lay(laying: Laying) -> None:
    """Lay one file of an overlay on the draft."""
    draft, builder = laying.draft, laying.builder
    laying.parameters()
    laying.tables()
    own = Builder(replace(builder.document, data=laying.own_parts()), draft.problems)
    add_parts(draft, own)
    add_rules(draft, own, {}, local=True)
    check_citations(builder, draft.sources, local=True)
    check_register(builder, draft.sources)


def group_waivers(builder: Builder, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the overlay's waivers for groups, the condition of the group as an expression."""
    for index, data in enumerate(builder.document.data.get("waivers", ())):
        if "rule" not in data:
            continue  # of which the schema tells
        plans = builder.optional(data, "plans", ("waivers", index))
        where = {"place": (builder.document.file, ("waivers", index)), "overlay": name}
        yield {**data, **where, **({"plans": plans} if plans is not None else {})}


@dataclass(frozen=True, slots=True)
class Laying:
    """One file of an overlay, called `name`, on its way into the draft; `policy` is what it is laid on.

    `words` says how often each name stands in the overlay.
    """

    policy: Policy
    draft: Draft
    builder: Builder
    name: str
    words: Counter[str]

    def parameters(self) -> None:
        """Set open parameters; a parameter that no policy has belongs to the overlay's own rules."""
        for key, data in self.builder.document.data.get("parameters", {}).items():
            route: Route = ("parameters", key)
            law = self.draft.parameters.get(key)
            unit = {"unit": law.unit} if law is not None and law.open and law.unit else {}
            own = self.builder.parameter(key, {**unit, **data}, agreed=self.name)
            if law is None:
                self.draft.parameters[key] = own
                self.check_use(key, route, [p.name for p in self.policy.parameters.values() if p.open])
            elif not law.open:
                self.refuse(route, f"`{key}` is not open to local agreement", law)
            elif own.unit and law.unit and own.unit != law.unit:
                said = f"expected `{law.unit}`, the unit of `{key}`, found `{own.unit}`"
                self.builder.problem("wrong-unit", said, (*route, "unit"))
            else:
                self.check_kinds(route, own, law)
                values = tuple(replace(value, cites=local(value.cites or own.cites)) for value in own.values)
                self.draft.parameters[key] = replace(law, values=(*law.values, *values), unset="")

    def tables(self) -> None:
        """Add rows to open tables where the law has none."""
        for key, data in self.builder.document.data.get("tables", {}).items():
            route: Route = ("tables", key)
            law = self.draft.tables.get(key)
            if law is None:
                self.draft.tables[key] = build_table(self.builder, key, data, agreed=self.name)
                self.check_use(key, route, [t.name for t in self.policy.tables.values() if t.open])
            elif not law.open:
                self.refuse(route, f"the table `{key}` is not open to local agreement", law)
            elif (list(law.by), law.gives) != (data.get("by"), data.get("gives")):
                by = ", ".join(law.by)
                said = f"the policy's table `{key}` is `by: [{by}]` and `gives: {law.gives}`"
                self.builder.problem("wrong-table", said, route, "write the same", key=True)
            else:
                own = build_table(self.builder, key, data, agreed=self.name)
                self.check_rows(route, own, law)
                rows = tuple(replace(row, cites=local(own.cites)) for row in own.rows)
                self.draft.tables[key] = replace(law, rows=(*law.rows, *rows))

    def check_kinds(self, route: Route, own: Parameter, law: Parameter) -> None:
        """Refuse each value of another kind than those of the law; what has a unit was checked before."""
        for index, dated in enumerate(own.values):
            if law.values and not law.unit and type(dated.value) is not type(law.values[0].value):
                wanted, found = (kind_words(value) for value in (law.values[0].value, dated.value))
                said = f"expected {wanted} like the policy's own value, found {found}"
                self.builder.problem("wrong-kind", said, (*route, "values", index, "value"))

    def check_rows(self, route: Route, own: Table, law: Table) -> None:
        """Refuse each row for keys that have a row in the law, or in an overlay laid before."""
        for index, row in enumerate(own.rows):
            for place, other in enumerate(law.rows):
                shared = meeting(row, other)
                if shared is None:
                    continue
                keys = ", ".join(f"{key} {value}" for key, value in zip(law.by, shared, strict=True))
                message = f"`{own.name}` has a row for {keys} already"
                where, way_out = (*route, "rows", index), "leave out what has a row"
                self.refuse(where, message, law, way_out, ("rows", place))
                break

    def check_use(self, key: str, route: Route, options: list[str]) -> None:
        """Note a name that the policy does not know and nothing of the overlay asks for: it is misspelt."""
        if self.words[key] > 1:
            return
        hint = suggest(key, options) or "write a rule that uses it, or leave it out"
        said = f"the policy has no `{key}`, and no rule of the overlay uses it"
        self.builder.problem("unused-name", said, route, hint, key=True)

    def own_parts(self) -> dict[str, Any]:
        """Return what the overlay adds of its own; what the policy has it may not put in its place."""
        data, law = self.builder.document.data, self.policy
        own: dict[str, Any] = {key: data[key] for key in ("adopts", "attests") if key in data}
        own["rules"] = list(data.get("rules", ()))
        own["measures"] = dict(self.still_free(data.get("measures", {}), ("measures",), law.measures))
        own["relations"] = dict(self.still_free(data.get("relations", {}), ("relations",), law.relations))
        own["columns"] = {
            relation: dict(self.still_free(columns, ("columns", relation), law.columns.get(relation, {})))
            for relation, columns in data.get("columns", {}).items()
        }
        for index, rule in enumerate(own["rules"]):
            same = law.rules.get(rule.get("id", ""))
            if same is not None:
                self.refuse(("rules", index, "id"), f"the rule `{same.id}` is the policy's own", same)
                own["rules"][index] = {"id": same.id}
            elif rule.get("force", "local") not in WEAKER:
                said = f"expected `local`, found `{rule['force']}`"
                way_out = "a rule of an overlay binds by local agreement"
                self.builder.problem("wrong-force", said, ("rules", index, "force"), way_out)
        return own

    def still_free(
        self, given: Mapping[str, Any], route: Route, law: Mapping[str, Formula] | Mapping[str, Derived]
    ) -> Iterator[tuple[str, Any]]:
        """Yield the parts whose names the policy does not have; the others are problems."""
        for name, data in given.items():
            if name in law:
                self.refuse((*route, name), f"`{name}` is worked out by the policy", law[name])
            else:
                yield name, data

    def refuse(self, route: Route, message: str, law: Law, help: str = ONLY_OPEN, row: Route = ()) -> None:
        """Note that the overlay sets what the law has closed, with the clause that closes it."""
        cites = law.cites if isinstance(law, Parameter | Table | Rule) else ()
        titles = {key: source.title for key, source in self.policy.sources.items()}
        clause = "; ".join(f"{cite.at}, {titles.get(cite.authority, cite.authority)}" for cite in cites)
        said = f"{message}: it is set by {clause}" if clause else message
        file, place = law.place
        document = read_document(file, self.draft.files[file])
        at = document.at((*place, *row)) if row else document.key_at(place)
        self.builder.problem("closed", said, route, help, key=True, related=(("set here", at),))


def local(cites: Iterable[Citation]) -> tuple[Citation, ...]:
    """Return citations as those of a local agreement."""
    return tuple(replace(cite, local=True) for cite in cites)
