"""Policies of a folder, read when asked for and compiled once for each edition."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock

from jobplan.data import policies_dir
from jobplan.errors import BrokenPolicy, Problem, suggest
from jobplan.expression.check import check_policy
from jobplan.expression.checked import Checked
from jobplan.expression.program import Program, compile_edition
from jobplan.facts.schema import FactSchema, load_schema
from jobplan.model import Period, Policy
from jobplan.policy.edition import edition_on
from jobplan.policy.mend import surely
from jobplan.policy.overlay import with_overlay
from jobplan.policy.read import read_policy


class Policies:
    """Every policy of a folder, with overlays laid on; safe to share between threads."""

    def __init__(self, folder: Path, overlays: Sequence[Path] = (), schema: FactSchema | None = None) -> None:
        self.folder = folder
        self.overlays = tuple(overlays)
        self.schema = schema or load_schema()
        self._checked: dict[str, Checked] = {}
        self._changes: dict[str, list[int]] = {}
        self._programs: dict[tuple[str, int], Program] = {}
        self._lock = RLock()

    def names(self) -> list[str]:
        """Return the ids of all policies, in order."""
        found = sorted(self.folder.glob("*/*/policy.yaml"))
        return ["/".join(path.parts[-3:-1]) for path in found]

    def find(self, *identity: str | None) -> str | None:
        """Return the id of the policy that a plan's own facts name, or None.

        Raises BrokenPolicy where the folder holds no policy at all.
        """
        wanted = "/".join(part or "" for part in identity)
        if wanted in self._checked:
            return wanted
        names = self.names()
        if not names:
            hint = "a folder of policies holds <nation>/<contract>/policy.yaml"
            raise BrokenPolicy([Problem("no-policies", f"no policies in {self.folder}", None, hint)])
        return wanted if wanted in names else None

    def checked(self, name: str) -> Checked:
        """Return a policy, read and checked once. Raises BrokenPolicy."""
        with self._lock:
            if name not in self._checked:
                if name not in self.names():
                    hint = suggest(name, self.names())
                    raise BrokenPolicy(
                        [Problem("unknown-policy", f"no policy `{name}` in {self.folder}", None, hint)]
                    )
                policy = read_policy(self.folder / name, self.folder / "common")
                for overlay in self.overlays:
                    policy = with_overlay(policy, overlay)
                self._checked[name] = check_all(policy, self.schema)
                self._changes[name] = days_of_change(policy)
            return self._checked[name]

    def begins(self, name: str, day: int) -> int | None:
        """Return the day on which the edition of `day` begins; None for one that nothing came before."""
        with self._lock:
            self.checked(name)
            index = bisect_right(self._changes[name], day)
            return self._changes[name][index - 1] if index else None

    def program(self, name: str, day: int) -> Program:
        """Return the compiled edition of a day; days between two changes share one."""
        with self._lock:
            checked = self.checked(name)
            changes = self._changes[name]
            index = bisect_right(changes, day)
            key = (name, index)
            if key not in self._programs:
                first = changes[index - 1] if index else day
                self._programs[key] = compile_edition(checked, edition_on(checked.policy, first))
            return self._programs[key]


def check_all(policy: Policy, schema: FactSchema) -> Checked:
    """Check a policy; what was wrong with its files is raised with what is wrong in its expressions."""
    found = list(policy.problems)
    try:
        checked = check_policy(policy, schema)
    except BrokenPolicy as broken:
        found += broken.problems
    if found:
        raise BrokenPolicy(surely(found, policy.left_out) or found, policy.files)
    return checked


def days_of_change(policy: Policy) -> list[int]:
    """Return every day on which something in a policy begins or ends, in order."""
    days = {day for period in periods(policy) for day in (period.from_, period.until) if day is not None}
    return sorted(days)


def periods(policy: Policy) -> Iterable[Period]:
    """Yield the period of every dated thing of a policy."""
    for parameter in policy.parameters.values():
        yield from (value.period for value in parameter.values)
    for table in policy.tables.values():
        yield from (row.period for row in table.rows)
        yield from (window.period for window in table.windows)
    for rule in policy.rules.values():
        if rule.in_force.by is None:
            yield rule.in_force.period


def load_policies(folder: str | Path | None = None, *, overlays: Iterable[str | Path] = ()) -> Policies:
    """Return the policies of a folder, else of $JOBPLAN_POLICIES, else those of the package.

    Nothing is read yet: what is broken is raised as BrokenPolicy when a policy is first asked for.
    """
    chosen = folder or os.environ.get("JOBPLAN_POLICIES") or policies_dir()
    return Policies(Path(chosen), [Path(overlay) for overlay in overlays])
