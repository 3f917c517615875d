"""What people have stated for what no computer can decide, as it holds on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jobplan.model import Truth

ATTESTED = ("holds", "by", "stated_on", "until")
"""What an attestation has to say to count."""

NO_DAY = "9999-12-31"


def attestations(stated: tuple[Mapping[str, Any], ...], today: int) -> dict[str, Truth]:
    """Return what the newest attestation of each matter that is valid today says, if it is all there."""
    about: dict[str, list[Mapping[str, Any]]] = {}
    for item in stated:
        about.setdefault(str(item.get("about", "")), []).append(item)
    answers = {name: newest_says(items, today) for name, items in about.items()}
    return {name: holds for name, holds in answers.items() if holds is not None}


def newest_says(stated: list[Mapping[str, Any]], today: int) -> Truth:
    """Return what the newest statement on one matter says.

    One that lacks its day may be the newest, and one that lacks its end may be valid. None where the newest
    lacks a part, or several of its day disagree: no part may decide something by being taken away.
    """
    valid = [item for item in stated if may_be_valid(item, today)]
    last = max((str(item.get("stated_on", NO_DAY)) for item in valid), default="")
    newest = [item for item in valid if str(item.get("stated_on", NO_DAY)) == last]
    whole = all(item.get(part) not in (None, "") for item in newest for part in ATTESTED)
    answers = {item.get("holds") for item in newest}
    return bool(answers.pop()) if whole and len(answers) == 1 else None


def may_be_valid(item: Mapping[str, Any], today: int) -> bool:
    """Tell whether a statement has begun and not ended, as far as it says."""
    on, until = str(item.get("stated_on", "0001-01-01")), str(item.get("until", "none"))
    return day_of(on) <= today and (until == "none" or today < day_of(until))


def day_of(text: str) -> int:
    """Return a day as an ordinal; what is no day lies beyond every other."""
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return date.max.toordinal() + 1
