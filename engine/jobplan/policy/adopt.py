"""Join common rule logic with what a contract brings to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobplan.errors import Problem, closest, suggest
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
) -> Iterator[tuple[Rule | None, Mapping[str, Any], Route]]:
    """Yield each rule that the file adopts, what it says of it, and the route of its id.

    The rule is None where the common rule is not known or the adoption lacks its names.
    """
    for index, block in enumerate(builder.document.data.get("adopts", ())):
        route: Route = ("adopts", index)
        for item, where in flattened(block, route):
            template = templates.get(item.get("rule", ""))
            place = (*where, "id")
            if template is None or "id" not in item:
                if "rule" in item and template is None:
                    no_template(builder, item["rule"], (*where, "rule"), templates, local=local)
                yield None, item, place
            else:
                yield join(builder, item, where, template, topic, local=local), item, place


def no_template(
    builder: Builder, name: str, route: Route, templates: Mapping[str, Template], *, local: bool
) -> None:
    """Note that there is no common rule of a name."""
    hint = suggest(name, templates) or "write the rule out under `rules`"
    if templates and not local and not suggest(name, templates):
        hint = f"the common rules are {', '.join(f'`{known}`' for known in sorted(templates))}"
    said = "an overlay adopts no common rules" if local else f"no common rule `{name}`"
    builder.problem("unknown-rule", said, route, hint)


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
    check_arguments(builder, item["rule"], takes, given, route)
    bindings = {
        name: builder.expression(given[name], (*route, "with", name)) for name in takes if name in given
    }
    logic = {key: template.data[key] for key in ("for_each", "applies", "requires") if key in template.data}
    texts = {key: template.data[key] for key in ("title", "message", "remedy") if key in template.data}
    data = {**texts, **logic, **{k: v for k, v in item.items() if k not in ("applies", "requires")}}
    if not data.get("title") and len(route) > 2:  # of others the schema tells
        builder.problem("missing-field", "an adopted rule needs a `title`", route)
    common = Builder(template.document)
    rule = builder.rule(data, route, topic, local=local)
    return replace(
        rule,
        applies=common.expression(template.data.get("applies", True), (*template.route, "applies")),
        requires=common.expression(template.data["requires"], (*template.route, "requires")),
        adopted=item["rule"],
        bindings=bindings,
        takes=takes,
    )


def check_arguments(
    builder: Builder, rule: str, takes: Mapping[str, str], given: Mapping[str, Any], route: Route
) -> None:
    """Note what is given and not taken, and what is taken and neither given nor misspelt."""
    misspelt = {closest(name, takes) for name in given if name not in takes}
    listed = ", ".join(f"`{name}` ({kind})" for name, kind in takes.items())
    for name in given:
        if name not in takes:
            hint = suggest(name, takes) or f"it takes {listed}"
            where = (*route, "with", name)
            builder.problem("unknown-argument", f"`{rule}` takes no `{name}`", where, hint, key=True)
    for name in takes:
        if name not in given and name not in misspelt:
            said = f"`{rule}` takes `{name}`, which is not given"
            builder.problem("missing-argument", said, (*route, "with"), f"it takes {listed}", key=True)


def templates_of(
    documents: list[Document], problems: list[Problem], left_out: set[str]
) -> dict[str, Template]:
    """Return the common rules of several files by id; the same id twice is a problem.

    Those that lack what makes a rule are put among the names that are left out.
    """
    found: dict[str, Template] = {}
    for document in documents:
        for index, data in enumerate(document.data.get("common", ())):
            route: Route = ("common", index)
            if not {"id", "for_each", "requires"} <= set(data):
                left_out.add(data.get("id", ""))
                continue
            if data["id"] in found:
                first = found[data["id"]]
                problems.append(
                    Problem(
                        "same-name",
                        f"two common rules have the id `{data['id']}`",
                        document.at((*route, "id")),
                        "give one of them another id",
                        (("first here", first.document.at((*first.route, "id"))),),
                    )
                )
            found.setdefault(data["id"], Template(document, route, data))
    return found
