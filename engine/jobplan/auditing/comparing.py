"""Compare two packs: which verdicts appeared, went or changed, and what did it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobplan.auditing.layout import VERDICTS
from jobplan.auditing.verifying import read_manifest
from jobplan.errors import BrokenInput, Problem
from jobplan.extras import library
from jobplan.quoting import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 40  # rules whose verdicts on all plans are held at a time
PARTS = ("rules", "parameters", "tables")
OTHERS = ("today", "as_of", "assumptions", "engine")
"""What concerns all plans alike; named where nothing that concerns the plan or the rule differs."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two packs.

    `plans` counts those that are new, gone, changed and the same; `kinds` the verdicts by rule, what they
    were, what they are (None: none) and why. `why` says what differs that concerns all plans. `policies` has
    by policy the rules, parameters and tables that are others.
    """

    plans: Mapping[str, int]
    kinds: Sequence[Mapping[str, Any]]
    why: Mapping[str, str]
    policies: Mapping[str, Mapping[str, Sequence[str]]]
    connection: DuckDBPyConnection

    @property
    def count(self) -> int:
        """Return how many verdicts differ."""
        return sum(kind["count"] for kind in self.kinds)

    def changes(self) -> Iterator[dict[str, Any]]:
        """Yield every verdict that differs, in the order of plans and rules."""
        found = self.connection.execute(
            "SELECT plan, policy, rule, before, after, why FROM changes ORDER BY plan, policy, rule"
        )
        names = ("plan", "policy", "rule", "before", "after", "why")
        while rows := found.fetchmany(10_000):
            for row in rows:
                yield dict(zip(names, row, strict=True))


@contextmanager
def compare(
    old: str | Path, new: str | Path, *, memory: str = "1GB", threads: int = 1
) -> Iterator[Comparison]:
    """Give what differs between two packs. Raises BrokenInput where they cannot be compared."""
    folders = {"old": Path(old), "new": Path(new)}
    manifests = {side: read_manifest(folder) for side, folder in folders.items()}
    about = {side: {p["id"]: p for p in manifest["policies"]} for side, manifest in manifests.items()}
    refuse_other_key(manifests)
    connection = library("duckdb").connect(config={"memory_limit": memory, "threads": threads})
    try:
        causes = others_that_differ(manifests)
        policies = parts_that_differ(about)
        load_plans(connection, folders, causes)
        connection.execute(
            "CREATE TABLE changes "
            "(plan VARCHAR, policy VARCHAR, rule VARCHAR, before VARCHAR, after VARCHAR, "
            "why VARCHAR[])"
        )
        connection.execute(
            "CREATE TABLE causes (policy VARCHAR, edition VARCHAR, rule VARCHAR, words VARCHAR)"
        )
        for row in causes_by_rule(about):
            connection.execute("INSERT INTO causes VALUES (?, ?, ?, ?)", row)
        for policy in sorted({*about["old"], *about["new"]}):
            compare_policy(connection, folders, policy)
        yield Comparison(plan_counts(connection), kinds_of(connection), causes, policies, connection)
    finally:
        connection.close()


def refuse_other_key(manifests: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse packs whose plans cannot be told to be the same. Raises BrokenInput."""
    if len({manifest["options"]["pseudonyms"] for manifest in manifests.values()}) > 1:
        help = "make both with the same key, or both without"
        raise BrokenInput([Problem("other-key", "the two packs do not have the same pseudonyms", None, help)])


def others_that_differ(manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what differs that concerns all plans, with what it was and is."""
    old, new = ({
        "today": manifest["today"],
        "as_of": manifest["as_of"],
        "assumptions": manifest["options"]["assume"],
        "engine": {key: manifest["engine"][key] for key in ("name", "version")},
    } for manifest in (manifests["old"], manifests["new"]))  # fmt: skip
    return {
        name: f"{json.dumps(old[name])} → {json.dumps(new[name])}"
        for name in OTHERS
        if old[name] != new[name]
    }


def editions_of(about: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield policy and day of the editions that both packs were judged by, and what each has of them."""
    for policy in sorted(about["old"].keys() & about["new"].keys()):
        old, new = (about[side][policy]["editions"] for side in ("old", "new"))
        yield from ((policy, day, old[day], new[day]) for day in sorted(old.keys() & new.keys()))


def parts_that_differ(about: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return by policy which rules, parameters and tables are others in any edition of both packs."""
    found: dict[str, dict[str, set[str]]] = {}
    for policy, _, old, new in editions_of(about):
        for part in PARTS:
            if names := others(old[part], new[part]):
                found.setdefault(policy, {}).setdefault(part, set()).update(names)
    return {policy: {part: sorted(names) for part, names in parts.items()} for policy, parts in found.items()}


def others(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Return the names that do not have the same in both."""
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def causes_by_rule(about: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Yield policy, edition, rule and what of the policy differs that the verdict on the rule hangs on."""
    for policy, day, old, new in editions_of(about):
        rules = others(old["rules"], new["rules"])
        rest = others(old["parameters"], new["parameters"]) | others(old["tables"], new["tables"])
        for rule in sorted(old["rests"].keys() | new["rests"].keys()):
            reads = {*old["rests"].get(rule, ()), *new["rests"].get(rule, ())}
            if rule in rules:
                yield policy, day, rule, "the rule changed"
            elif mine := sorted(reads & rest):
                yield policy, day, rule, f"{' and '.join(mine)} changed"


def load_plans(
    connection: DuckDBPyConnection, folders: Mapping[str, Path], causes: Mapping[str, str]
) -> None:
    """Make `plans`: every plan of either pack, and what of it differs."""
    for side, folder in folders.items():
        connection.execute(
            f"CREATE VIEW {side}_plans AS SELECT plan, policy, edition, digest FROM read_parquet("
            f"{literal(str(folder / 'plans.parquet'))})"
        )
    common = "[" + ", ".join(literal(name) for name in causes) + "]::VARCHAR[]"
    both = "o.plan IS NOT NULL AND n.plan IS NOT NULL"
    connection.execute(
        f"""CREATE TABLE plans AS SELECT coalesce(o.plan, n.plan) AS plan, o.policy AS old_policy,
        n.policy AS new_policy, CASE WHEN o.edition = n.edition THEN n.edition END AS edition,
        CASE WHEN o.plan IS NULL THEN 'new' WHEN n.plan IS NULL THEN 'gone'
             WHEN o.digest <> n.digest THEN 'changed' ELSE 'same' END AS state,
        list_filter([
            CASE WHEN o.plan IS NULL THEN 'the plan is new' WHEN n.plan IS NULL THEN 'the plan is gone'
                 WHEN o.digest <> n.digest THEN 'the plan changed' END,
            CASE WHEN {both} AND o.policy <> n.policy THEN 'judged by another policy' END,
            CASE WHEN {both} AND o.policy = n.policy AND o.edition <> n.edition
                 THEN 'judged by another edition' END
        ], lambda x: x IS NOT NULL) AS why, {common} AS others
        FROM old_plans o FULL JOIN new_plans n ON o.plan = n.plan"""
    )


def compare_policy(connection: DuckDBPyConnection, folders: Mapping[str, Path], policy: str) -> None:
    """Add the verdicts by one policy that differ to `changes`."""
    files = {
        side: folder / "verdicts" / f"{policy.replace('/', '-')}.parquet" for side, folder in folders.items()
    }
    rules = {side: columns_of(connection, file) for side, file in files.items()}
    every = list(dict.fromkeys((*rules["old"], *rules["new"])))
    for first in range(0, len(every), _AT_ONCE):
        some = every[first : first + _AT_ONCE]
        for side in folders:
            mine = [
                coded(rule) if rule in rules[side] else f"NULL::UTINYINT AS {quoted(rule)}" for rule in some
            ]
            source = (
                f"read_parquet({literal(str(files[side]))})"
                if rules[side]
                else "(SELECT NULL AS plan) WHERE false"
            )
            connection.execute(
                f"CREATE OR REPLACE VIEW {side} AS SELECT plan, {', '.join(mine)} FROM {source}"
            )
        columns = [f"o.{quoted(rule)} AS {quoted(f'o {i}')}, n.{quoted(rule)} AS {quoted(f'n {i}')}"
                   for i, rule in enumerate(some)]  # fmt: skip
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE both_sides AS "
            f"SELECT coalesce(o.plan, n.plan) AS plan, {', '.join(columns)} "
            "FROM old o FULL JOIN new n ON o.plan = n.plan WHERE "
            + " OR ".join(f"o.{quoted(rule)} IS DISTINCT FROM n.{quoted(rule)}" for rule in some)
        )
        for index, rule in enumerate(some):
            add_changes(connection, policy, rule, index)


def columns_of(connection: DuckDBPyConnection, file: Path) -> list[str]:
    """Return the rules that a table of verdicts has; none if there is no table."""
    if not file.is_file():
        return []
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(file))})").fetchall()
    return [row[0] for row in rows if row[0] != "plan"]


def coded(rule: str) -> str:
    """Return a column of verdicts as SQL, as codes: a tenth of the memory."""
    cases = " ".join(f"WHEN {literal(word)} THEN {code}" for code, word in enumerate(VERDICTS))
    return f"(CASE {quoted(rule)} {cases} END)::UTINYINT AS {quoted(rule)}"


def add_changes(connection: DuckDBPyConnection, policy: str, rule: str, index: int) -> None:
    """Add the verdicts on one rule that differ; what concerns all plans is named where nothing else does."""
    words = "[" + ", ".join(literal(word) for word in VERDICTS) + "]"
    before, after = quoted(f"o {index}"), quoted(f"n {index}")
    mine = "list_concat(p.why, CASE WHEN c.words IS NULL THEN []::VARCHAR[] ELSE [c.words] END)"
    connection.execute(
        f"""INSERT INTO changes SELECT b.plan, {literal(policy)}, {literal(rule)}, {words}[b.{before} + 1],
        {words}[b.{after} + 1], CASE WHEN len({mine}) > 0 THEN {mine} ELSE p.others END
        FROM both_sides b JOIN plans p ON p.plan = b.plan
        LEFT JOIN causes c
        ON c.policy = {literal(policy)} AND c.rule = {literal(rule)} AND c.edition = p.edition
        WHERE b.{before} IS DISTINCT FROM b.{after}"""
    )


def plan_counts(connection: DuckDBPyConnection) -> dict[str, int]:
    """Return how many plans are new, gone, changed and the same."""
    found = dict(connection.execute("SELECT state, count(*) FROM plans GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in ("same", "changed", "new", "gone")}


def kinds_of(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return how many verdicts differ, by policy, rule, what they were, what they are, and why."""
    names = ("policy", "rule", "before", "after", "why")
    listed = ", ".join(names)
    rows = connection.execute(
        f"SELECT {listed}, count(*), min(plan) FROM changes GROUP BY {listed} "
        f"ORDER BY count(*) DESC, {listed}"
    ).fetchall()
    return [{**dict(zip(names, row, strict=False)), "count": row[5], "example": row[6]} for row in rows]
