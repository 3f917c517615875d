"""List policies: what each is, how far its sources were checked, and how much it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobplan.authoring.cases import CASES
from jobplan.errors import BrokenPolicy, JobplanError
from jobplan.expression.editions import Policies
from jobplan.model import Policy
from jobplan.source import read_document


@dataclass(frozen=True, slots=True)
class Listed:
    """One policy; `broken` holds what is wrong with one that cannot be used."""

    id: str
    title: str = ""
    in_force_from: str = ""
    in_force_until: str = ""
    checked_to: str = ""
    rules: int = 0
    cases: int = 0
    facts: int = 0
    overlays: tuple[str, ...] = ()
    broken: JobplanError | None = None


def catalogue(policies: Policies) -> Iterator[Listed]:
    """Yield every policy of a folder, with its overlays laid on."""
    for name in policies.names():
        try:
            policy = policies.checked(name).policy
            yield listed(policies, policy)
        except BrokenPolicy as broken:
            yield Listed(name, broken=broken)


def listed(policies: Policies, policy: Policy) -> Listed:
    """Return one policy of the list."""
    about: dict[str, Any] = dict(policy.about)
    in_force = about.get("in_force", {})
    return Listed(
        policy.id,
        policy.title,
        str(in_force.get("from", "")),
        str(in_force.get("until", "")),
        str(about.get("checked_to", "")),
        len(policy.rules),
        sum(1 for _ in cases_of(policies, policy)),
        len(facts_of(policy)),
        tuple(policy.overlay),
    )


def cases_of(policies: Policies, policy: Policy) -> Iterator[Any]:
    """Yield the cases that stand beside the rules, as written."""
    for path in sorted((policies.folder / policy.id).glob(f"*{CASES}")):
        yield from read_document(str(path)).data.get("cases", ())


def facts_of(policy: Policy) -> set[str]:
    """Return the ids of the source facts that a policy encodes."""
    found = {fact for rule in policy.rules.values() for fact in rule.facts}
    found |= {fact for parameter in policy.parameters.values() for fact in parameter.facts}
    return found | {fact for table in policy.tables.values() for fact in table.facts}
