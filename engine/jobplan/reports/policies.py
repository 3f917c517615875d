"""Policies for people at a terminal: the list, one policy whole, and what a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jobplan.authoring.catalogue import Listed
from jobplan.authoring.find import Hit
from jobplan.findings.units import with_unit
from jobplan.model import Policy
from jobplan.reports import Style
from jobplan.reports.terminal import console_to

Data = Mapping[str, Any]


# --- the list ------------------------------------------------------------------------------------


def render_list(listed: Sequence[Listed], out: IO[str], style: Style) -> None:
    """Write the list of policies as a table."""
    with console_to(out, style) as console:
        table = Table.grid(padding=(0, 2))
        heads = ("policy", "title", "in force", "checked to", "rules", "cases", "facts", "overlays")
        for head in heads:
            table.add_column(no_wrap=head != "title")
        table.add_row(*(Text(head, style="bold") for head in heads))
        for item in listed:
            table.add_row(*(Text(cell) for cell in cells(item)))
        console.print(table)


def cells(item: Listed) -> tuple[str, ...]:
    """Return the line of one policy."""
    if item.broken is not None:
        return (item.id, f"broken: {len(item.broken.problems)} problems", *[""] * 6)
    until = f" until {item.in_force_until}" if item.in_force_until else ""
    numbers = (str(item.rules), str(item.cases), str(item.facts))
    in_force = f"from {item.in_force_from}{until}" if item.in_force_from else until.strip()
    return (item.id, item.title, in_force, item.checked_to, *numbers, ", ".join(item.overlays) or "none")


def list_data(listed: Sequence[Listed]) -> dict[str, Any]:
    """Return the list as JSON data."""
    return {
        "version": 1,
        "policies": [
            {
                "id": item.id,
                "title": item.title,
                "in_force": {"from": item.in_force_from, "until": item.in_force_until},
                "checked_to": item.checked_to,
                "rules": item.rules,
                "cases": item.cases,
                "facts": item.facts,
                "overlays": list(item.overlays),
                "broken": item.broken is not None,
            }
            for item in listed
        ],
    }


# --- one policy ----------------------------------------------------------------------------------


def render_policy(data: Data, policy: Policy, out: IO[str], style: Style) -> None:
    """Write a resolved policy, or the rule or topic chosen of it."""
    names: Mapping[str, str] = policy.nation.get("names", {})
    with console_to(out, style) as console:
        about = data["policy"]
        console.print(Text(f"{about['title']}  ({about['id']})", style="bold underline"))
        console.print(Text(f"as it stands on {about['on']}; checked to {about['checked_to']}", style="dim"))
        for name, overlay in about["overlays"].items():
            console.print(Text(f"with overlay {name}: {overlay.get('title', '')}", style="green"))
        for rule in data["rules"]:
            show_rule(console, rule)
        if data["not_in_force"]:
            console.print()
            console.print(Text(f"not in force that day: {', '.join(data['not_in_force'])}", style="dim"))
        show_parameters(console, data["parameters"], names)
        show_tables(console, data["tables"])
        show_formulas(console, "Measures", data["measures"])
        for relation, columns in data["columns"].items():
            show_formulas(console, f"Columns of {relation}", columns)


def show_rule(console: Console, rule: Data) -> None:
    """Write one rule: its sentence, its conditions, its clauses."""
    console.print()
    console.print(Text.assemble((rule["title"], "bold"), (f"  [{rule['id']}]", "dim")))
    adopted = f"adopts {rule['adopted']} with {pairs(rule['with'])}" if "adopted" in rule else ""
    waivable = rule["waivable"].replace("_", " ")
    held = " ".join(f"{key} {value}" for key, value in rule["in_force"].items())
    in_force = f" · in force {held}" if held else ""
    lines = [
        Text(rule["sentence"]),
        Text(f"applies   {rule['applies']}", style="cyan") if rule["applies"] != "true" else None,
        Text(f"requires  {rule['requires']}", style="cyan"),
        Text(adopted, style="dim"),
        Text(f"a violation is a {rule['severity']}: {rule['message']}"),
        Text(f"{rule['topic']} · protects {rule['protects']} · waivable {waivable}{in_force}", style="dim"),
        *(Text(cite["text"], style="italic") for cite in rule["cites"]),
        Text(f"encodes {', '.join(rule['facts'])} · {rule['place']}", style="dim"),
    ]
    write(console, [line for line in lines if line is not None and line.plain])


def show_parameters(console: Console, parameters: Data, names: Mapping[str, str]) -> None:
    """Write parameters with their values on the day."""
    if not parameters:
        return
    title(console, "Parameters")
    for name, data in parameters.items():
        value = data["value"]
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        said = data["why_none"] if value is None else with_unit(shown, data["unit"], names)
        state = " · open to local agreement" if data["open"] else ""
        agreed = f" · agreed: {data['agreed']}" if "agreed" in data else ""
        after = f"  {data['title']}{state}{agreed}"
        line = Text.assemble((name, "cyan"), " = ", (said, "bold"), (after, "dim"))
        write(console, [line])


def show_tables(console: Console, tables: Data) -> None:
    """Write tables row by row."""
    for name, data in tables.items():
        title(console, f"Table {name}: {data['title']}" if data["title"] else f"Table {name}")
        write(console, [Text(pairs(row), style="dim") for row in data["rows"]])
        if data.get("if_none"):
            write(console, [Text(f"where no row fits: {data['if_none']}", style="dim")])


def show_formulas(console: Console, head: str, formulas: Data) -> None:
    """Write columns or measures, each with its sentence."""
    if not formulas:
        return
    title(console, head)
    for name, data in formulas.items():
        head_line = Text.assemble((name, "cyan"), (f"  {data['title']}", ""), (f"  {data['unit']}", "dim"))
        holds = data["kind"] == "truth" and not data["sentence"].startswith("whether")
        said = f"{'holds where' if holds else 'is'} {data['sentence']}"
        console.print(Padding(head_line, (0, 0, 0, 2)))
        console.print(Padding(Text(said, style="dim"), (0, 0, 0, 4)))


def title(console: Console, text: str) -> None:
    """Write the title of a part."""
    console.print()
    console.print(Text(text, style="bold"))


def write(console: Console, lines: Sequence[Text]) -> None:
    """Write lines indented."""
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2)))


def pairs(row: Data) -> str:
    """Return names with values in a line."""
    return ", ".join(
        f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in row.items()
    )


# --- what a search found -------------------------------------------------------------------------


def render_hits(hits: Sequence[Hit], total: int, out: IO[str], style: Style) -> None:
    """Write what a search found, best first."""
    with console_to(out, style) as console:
        for hit in hits:
            console.print(Text.assemble((f"{hit.kind:<10}", "dim"), (hit.id, "bold cyan"), f"  {hit.title}"))
            why = f" · {hit.matched}" if hit.matched not in ("id", hit.title, hit.id) else ""
            console.print(Padding(Text(f"{hit.policy} · {hit.topic}{why}", style="dim"), (0, 0, 0, 10)))
        if total > len(hits):
            console.print(Text(f"and {total - len(hits)} more; --limit shows them", style="dim"))


def hits_data(hits: Sequence[Hit], total: int) -> dict[str, Any]:
    """Return what a search found as JSON data."""
    return {
        "version": 1,
        "total": total,
        "found": [
            {
                "kind": hit.kind,
                "id": hit.id,
                "title": hit.title,
                "policy": hit.policy,
                "topic": hit.topic,
                "matched": hit.matched,
                "score": hit.score,
                "file": hit.place[0],
            }
            for hit in hits
        ],
    }


# --- formats -------------------------------------------------------------------------------------


def write_json(data: Data, out: IO[str]) -> None:
    """Write data as JSON."""
    import json

    json.dump(data, out, indent=2, ensure_ascii=False)
    out.write("\n")


def write_yaml(data: Data, out: IO[str]) -> None:
    """Write data as YAML, in the order in which it stands."""
    import yaml

    yaml.safe_dump(data, out, sort_keys=False, allow_unicode=True, width=100)
