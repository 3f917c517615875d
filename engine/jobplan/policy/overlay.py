"""Lay an employer's overlay on a policy: values for what the law leaves open, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobplan.errors import Problem
from jobplan.model import Parameter, Policy, Table
from jobplan.policy.build import Builder, overlaps
from jobplan.policy.read import Draft, add_parts, add_rules, digest, load_all, stop_on
from jobplan.source import Route


def with_overlay(policy: Policy, folder: Path) -> Policy:
    """Return the policy with the overlay in `folder` laid on it.

    Raises BrokenPolicy where the overlay sets what the law has closed; the error names the clause.
    """
    draft = Draft(
        parameters=dict(policy.parameters),
        tables=dict(policy.tables),
        columns={name: dict(columns) for name, columns in policy.columns.items()},
        measures=dict(policy.measures),
        relations=dict(policy.relations),
        rules=dict(policy.rules),
        units=dict(policy.units),
        attested=dict(policy.attested),
        sources=dict(policy.sources),
        files=dict(policy.files),
    )
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
    documents = load_all(paths, draft)
    if not documents and not draft.problems:
        draft.problems.append(Problem("no-overlay", f"no rule files in {folder}"))
    stop_on(draft.problems, draft.files)
    about: Mapping[str, Any] = next((d.data for d in documents if "overlay" in d.data), {})
    name = about.get("overlay", folder.name)
    waivers: list[Mapping[str, Any]] = list(policy.group_waivers)
    for document in documents:
        builder = Builder(document, draft.problems)
        lay_parameters(draft, builder, name)
        lay_tables(draft, builder, name)
        rest = {k: v for k, v in document.data.items() if k in ("columns", "measures", "relations")}
        add_parts(draft, Builder(replace(document, data=rest), draft.problems))
        add_rules(draft, builder, {}, local=True)
        for key, data in document.data.get("sources", {}).items():
            draft.sources[key] = builder.source(key, data)
        waivers += list(group_waivers(builder, name))
    stop_on(draft.problems, draft.files)
    return replace(
        policy,
        parameters=draft.parameters,
        tables=draft.tables,
        columns=draft.columns,
        measures=draft.measures,
        relations=draft.relations,
        rules=draft.rules,
        sources=draft.sources,
        files=draft.files,
        digest=digest(draft.files),
        overlay={**policy.overlay, name: about},
        group_waivers=tuple(waivers),
    )


def group_waivers(builder: Builder, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the overlay's waivers for groups, the condition of the group as an expression."""
    for index, data in enumerate(builder.document.data.get("waivers", ())):
        plans = builder.optional(data, "plans", ("waivers", index))
        yield {**data, "overlay": name, **({"plans": plans} if plans is not None else {})}


def lay_parameters(draft: Draft, builder: Builder, name: str) -> None:
    """Set open parameters; a parameter that no policy has belongs to the overlay's own rules."""
    for key, data in builder.document.data.get("parameters", {}).items():
        route: Route = ("parameters", key)
        own = builder.parameter(key, data, agreed=name)
        law = draft.parameters.get(key)
        if law is None:
            draft.parameters[key] = own
        elif not law.open:
            refuse(builder, route, f"`{key}` is not open to local agreement", law)
        elif own.unit and law.unit and own.unit != law.unit:
            builder.problem("wrong-unit", f"`{key}` is in `{law.unit}`, not `{own.unit}`", (*route, "unit"))
        else:
            values = tuple(replace(value, cites=value.cites or own.cites) for value in own.values)
            draft.parameters[key] = replace(law, values=(*law.values, *values), unset="")


def refuse(builder: Builder, route: Route, message: str, law: Parameter | Table) -> None:
    """Note that the overlay sets what the law has closed, with the clause that closes it."""
    clause = "; ".join(f"{cite.at} of {cite.authority}" for cite in law.cites)
    why = f"it is set by {clause}" if clause else f"it is set in {law.place[0]}"
    builder.problem("closed", f"{message}: {why}", route, "an overlay sets only what is marked `open: true`")


def lay_tables(draft: Draft, builder: Builder, name: str) -> None:
    """Add rows to open tables where the law has none."""
    for key, data in builder.document.data.get("tables", {}).items():
        route: Route = ("tables", key)
        law = draft.tables.get(key)
        if law is None:
            draft.tables[key] = builder.table(key, data, agreed=name)
            continue
        own = builder.table(key, {"by": law.by, "gives": law.gives, **data}, agreed=name)
        if not law.open:
            refuse(builder, route, f"the table `{key}` is not open to local agreement", law)
            continue
        for index, row in enumerate(own.rows):
            if any(overlaps(row, other) for other in law.rows):
                where = (*route, "rows", index)
                refuse(builder, where, f"`{key}` already has a row for some of these values", law)
        rows = tuple(replace(row, cites=own.cites) for row in own.rows)
        draft.tables[key] = replace(law, rows=(*law.rows, *rows))
