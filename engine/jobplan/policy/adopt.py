"""Join common rule logic with what a contract brings to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobplan.errors import Problem, suggest
from jobplan.model import Rule
from jobplan.policy.build import Builder
from jobplan.source import Document, Route


@dataclass(frozen=True, slots=True)
class Template:
    """Common rule logic and the file it stands in."""

    document: Document
    route: Route
    data: Mapping[str, Any]


def adopted(
    builder: Builder, templates: Mapping[str, Template], topic: str, *, local: bool = False
) -> Iterator[tuple[Rule, Route]]:
    """Yield each rule that the file adopts, with the route of its id."""
    for index, block in enumerate(builder.document.data.get("adopts", ())):
        route: Route = ("adopts", index)
        for item, where in flattened(block, route):
            template = templates.get(item["rule"])
            if template is None:
                hint = suggest(item["rule"], list(templates))
                builder.problem("unknown-rule", f"no common rule `{item['rule']}`", (*where, "rule"), hint)
                continue
            yield join(builder, item, where, template, topic, local=local), (*where, "id")


def flattened(block: Mapping[str, Any], route: Route) -> Iterator[tuple[dict[str, Any], Route]]:
    """Yield every adoption of a block with what the block shares."""
    shared = {key: value for key, value in block.items() if key != "rules"}
    if "rules" not in block:
        yield shared, route
        return
    for index, item in enumerate(block["rules"]):
        yield shared | item, (*route, "rules", index)


def join(
    builder: Builder, item: Mapping[str, Any], route: Route, template: Template, topic: str, *, local: bool
) -> Rule:
    """Return the rule; its logic keeps its place in the common file, its arguments in this one."""
    takes = template.data.get("takes", {})
    given = item.get("with", {})
    for name in given:
        if name not in takes:
            hint = suggest(name, list(takes))
            builder.problem(
                "unknown-argument", f"`{item['rule']}` takes no `{name}`", (*route, "with", name), hint
            )
    for name in takes:
        if name not in given:
            builder.problem("missing-argument", f"`{item['rule']}` takes `{name}`, which is not given", route)
    bindings = {
        name: builder.expression(given[name], (*route, "with", name)) for name in takes if name in given
    }
    logic = {key: template.data[key] for key in ("for_each", "applies", "requires") if key in template.data}
    texts = {key: template.data[key] for key in ("title", "message", "remedy") if key in template.data}
    data = {**texts, **logic, **{k: v for k, v in item.items() if k not in ("applies", "requires")}}
    if "title" not in data:
        builder.problem("missing-field", "an adopted rule needs a `title`", route)
        data["title"] = item["id"]
    common = Builder(template.document)
    rule = builder.rule(data, route, topic, local=local)
    return replace(
        rule,
        applies=common.expression(template.data.get("applies", True), (*template.route, "applies")),
        requires=common.expression(template.data["requires"], (*template.route, "requires")),
        adopted=item["rule"],
        bindings=bindings,
    )


def templates_of(documents: list[Document], problems: list[Problem]) -> dict[str, Template]:
    """Return the common rules of several files by id; the same id twice is a problem."""
    found: dict[str, Template] = {}
    for document in documents:
        for index, data in enumerate(document.data.get("common", ())):
            route: Route = ("common", index)
            if data["id"] in found:
                first = found[data["id"]]
                problems.append(
                    Problem(
                        "same-name",
                        f"the common rule `{data['id']}` stands twice",
                        document.at((*route, "id")),
                        None,
                        (("first here", first.document.at((*first.route, "id"))),),
                    )
                )
            found.setdefault(data["id"], Template(document, route, data))
    return found
