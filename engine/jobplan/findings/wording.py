"""Say in words why something is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jobplan.model import Reason

CAUSES = {
    "blank": "is left blank",
    "not_carried": "is not carried by the source",
    "unreadable": "cannot be read",
    "none": "is stated to be none",
    "conflict": "has several values",
    "partial": "is given in part only",
    "not_attested": "has not been attested",
}
MOST_ROWS = 3
"""Rows named in one sentence; the others are counted."""

Label = Callable[[Reason], str]
"""Gives what people call the row of a reason, or the row whose list is not given."""


def because(reasons: Iterable[Reason], label: Label) -> list[str]:
    """Return one clause for each fact, relation or silence that stands behind an unknown verdict."""
    rows: dict[tuple[str, str, str], list[Reason]] = {}
    silent: list[str] = []
    for reason in reasons:
        if reason.kind == "silent":
            silent.append(reason.text)
        else:
            rows.setdefault((reason.relation, reason.field, reason.cause), []).append(reason)
    return [*(clause(key, found, label) for key, found in rows.items()), *dict.fromkeys(silent)]


def clause(key: tuple[str, str, str], reasons: list[Reason], label: Label) -> str:
    """Return the clause for one fact in one or more rows."""
    relation, field, cause = key
    said = CAUSES.get(cause, "is missing")
    if cause == "not_attested":
        return f"no valid attestation says whether {reasons[0].text}"
    if not field:
        owners = [label(reason) for reason in reasons if reason.row]
        among = f" for {listed(owners)}" if owners else ""
        return f"`{relation}` {'is not given' if cause == 'blank' else said}{among}"
    texts = [reason.text for reason in reasons if reason.text]
    what = f"`{field}` {said}" + (f" ({', '.join(dict.fromkeys(texts))})" if texts else "")
    owners = [owner for reason in reasons if (owner := label(reason))]
    return f"{what} in {relation} {listed(owners)}" if owners else what


def listed(words: list[str]) -> str:
    """Name a few and count the rest.

    >>> listed(["a", "b", "c", "d", "e"])
    'a; b; c and 2 more'
    """
    words = list(dict.fromkeys(words))
    shown = "; ".join(words[:MOST_ROWS])
    return f"{shown} and {len(words) - MOST_ROWS} more" if len(words) > MOST_ROWS else shown
