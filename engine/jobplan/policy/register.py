"""Hold every citation to the sources register: it may claim no reading that did not happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobplan.errors import suggest
from jobplan.model import Source
from jobplan.policy.build import Builder
from jobplan.source import Route

READ = ("original", "summary", "restatement")
"""Kinds of reading whose words were seen somewhere; the others are recalled or derived."""


def check_citations(builder: Builder, sources: Mapping[str, Source], *, local: bool = False) -> None:
    """Note each citation of a file that the register does not bear out."""
    register = "the overlay's own `sources`" if local else "`sources` in nation.yaml"
    for cite, route in citations(builder.document.data, ()):
        reading, where = cite["reading"], (*route, "reading")
        binds = (*route, "authority", "source")
        known = is_known(builder, cite["authority"]["source"], binds, sources, register)
        if "source" in reading:
            known = is_known(builder, reading["source"], (*where, "source"), sources, register) and known
        if known:
            check_reading(builder, reading, where, sources)


def check_register(builder: Builder, sources: Mapping[str, Source]) -> None:
    """Note each source that another restates, or that tells of an amendment, and that the register lacks."""
    data = builder.document.data
    for key, source in data.get("sources", {}).items():
        for index, restated in enumerate(source.get("restates", ())):
            is_known(builder, restated, ("sources", key, "restates", index), sources, "`sources`")
    for index, amendment in enumerate(data.get("history", ())):
        if "source" in amendment:
            is_known(builder, amendment["source"], ("history", index, "source"), sources, "`sources`")


def citations(data: Any, route: Route) -> Iterator[tuple[Mapping[str, Any], Route]]:
    """Yield every citation below some data with its route; what has not its form the schema has refused."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "cites" and isinstance(value, list):
                cites = ((cite, (*route, key, index)) for index, cite in enumerate(value))
                yield from (found for found in cites if has_form(found[0]))
            else:
                yield from citations(value, (*route, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from citations(value, (*route, index))


def has_form(cite: Any) -> bool:
    """Tell whether a citation says in words what binds and where it was read."""
    authority, reading = (cite.get("authority"), cite.get("reading")) if isinstance(cite, dict) else (0, 0)
    if not isinstance(authority, dict) or not isinstance(reading, dict):
        return False
    words = [authority.get("source"), reading.get("kind"), reading.get("source", "")]
    return all(isinstance(word, str) for word in words)


def is_known(builder: Builder, key: str, route: Route, sources: Mapping[str, Source], register: str) -> bool:
    """Tell whether the register has a source; note it if not."""
    if key not in sources:
        hint = suggest(key, sources) or f"add it to {register}"
        builder.problem("unknown-source", f"no source `{key}` in the register", route, hint)
    return key in sources


def check_reading(
    builder: Builder, reading: Mapping[str, Any], route: Route, sources: Mapping[str, Source]
) -> None:
    """Note a reading that claims more than was seen of its source."""
    kind, key = reading["kind"], reading.get("source")
    if kind not in READ:
        return
    if key is None:
        said = f"a reading of the kind `{kind}` needs `source`"
        builder.problem("not-read", said, route, "name the source where the words were seen")
        return
    seen = sources[key].seen
    if seen == "none" or (kind == "original" and seen != "original"):
        said = f"nothing of `{key}` was read"
        way_out = "name the source where the words were read, or write `kind: recalled`"
        if seen != "none":
            said = f"the original of `{key}` was not read"
            way_out = f"write `kind: {seen}`, or name the source whose own text was read"
        said += f": the register has it as `seen: {seen}`"
        builder.problem("not-read", said, (*route, "kind"), way_out)
