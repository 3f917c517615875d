"""Read what reports on many plans draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobplan.model import Picture
from jobplan.policy.build import Builder
from jobplan.source import Route

KINDS: Mapping[str, tuple[str, ...]] = {
    "split": ("by",),
    "distribution": ("lines", "step"),
    "against": ("given", "of"),
    "count_by": (),
}
"""Kinds of pictures, and what else may be said of each."""


def build_picture(builder: Builder, name: str, data: Mapping[str, Any]) -> Picture | None:
    """Return one picture, or None after noting why nobody can tell what is to be drawn."""
    route: Route = ("pictures", name)
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        options = ", ".join(f"`{kind}`" for kind in KINDS)
        found = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
        builder.problem("one-of", f"expected one of {options}, found {found}", route, key=True)
        return None
    kind = kinds[0]
    strange = [key for key in data if key not in ("title", "note", kind, *KINDS[kind])]
    for key in strange:
        said = f"`{key}` says nothing of a picture of the kind `{kind}`"
        builder.problem("unknown-field", said, (*route, key), key=True)
    if kind == "against":
        for key in [key for key in ("given", "of") if key not in data]:
            said = (
                f"`against` needs `{key}`: the rows of `of` have what is `given` and what it is held against"
            )
            builder.problem("missing-field", said, route, key=True)
            return None
    names = data[kind] if kind == "split" else [data[kind]]
    return Picture(
        name=name,
        kind=kind,
        title=data.get("title", ""),
        names=(data["given"], *names) if kind == "against" else tuple(names),
        relation=data.get("of", ""),
        by=data.get("by", ""),
        lines=tuple(data.get("lines", ())),
        step=float(data.get("step", 0)),
        note=data.get("note", ""),
        place=(builder.document.file, route),
    )
