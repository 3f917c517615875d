"""Citations in one line: the authority that binds, and where its words were seen."""

from __future__ import annotations

from collections.abc import Mapping

from jobplan.model import Citation, Source

SEEN = {
    "original": "original seen",
    "summary": "original not seen, official summary by {who}",
    "restatement": "original not seen, restated by {who}",
    "recalled": "original not seen, recalled",
    "derived": "original not seen, derived from {who}",
}


def in_one_line(citation: Citation, sources: Mapping[str, Source], force: str) -> str:
    """Return a citation as reports print it, with force (if one is given), reading, confidence."""
    authority = sources.get(citation.authority)
    title = authority.title if authority is not None else citation.authority
    parts = (
        f"{citation.at}, {title}",
        said("local" if citation.local else force),
        reading(citation, sources),
        f"confidence {citation.reading.confidence}",
    )
    return " · ".join(part for part in parts if part)


def reading(citation: Citation, sources: Mapping[str, Source]) -> str:
    """Say where the words of the authority were seen."""
    source = sources.get(citation.reading.source)
    who = (source.publisher or source.title) if source is not None else citation.reading.source
    if not who:
        return f"original not seen, {citation.reading.kind}"
    return SEEN[citation.reading.kind].format(who=who)


def said(force: str) -> str:
    """Return the name of a force as people read it."""
    return force.replace("_", " ")
