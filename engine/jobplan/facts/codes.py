"""How facts stand in tables: the codes of what is not there, and the names of the columns beside a fact."""

from __future__ import annotations

from collections.abc import Mapping

from jobplan.model import Cause

CAUSES: Mapping[Cause, int] = {
    "blank": 0,
    "none": 1,
    "not_carried": 2,
    "unreadable": 3,
    "conflict": 4,
    "partial": 5,
}
"""Codes of the causes of absence; a fact that is blank has no code (NULL), a list that is has."""

VERDICT_CODES: Mapping[str, int] = {"not_applicable": 0, "satisfied": 1, "unknown": 2, "violated": 3}
"""Codes of verdicts: the plan's one verdict on a rule is the greatest of those of its subjects."""


def cause_of(fact: str) -> str:
    """Return the column that tells why a fact is not there."""
    return f"{fact}?"


def text_of(fact: str) -> str:
    """Return the column that has what was written where a fact cannot be read, or has several values."""
    return f"{fact}!"


def assumed_of(fact: str) -> str:
    """Return the column that has the id of the assumption that a fact rests on."""
    return f"{fact}~"


def given_of(relation: str) -> str:
    """Return the column of the parent that tells whether its list of a relation is there."""
    return f"{relation}#"
