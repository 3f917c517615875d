"""What an audit found, in figures: of all plans, of each rule, of each group of plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobplan.model import SEVERITIES, VERDICTS
from jobplan.quoting import literal, quoted
from jobplan.reports.audit_policies import facts_named
from jobplan.reports.audit_tables import VIOLATIONS, AuditTables

CLEAN = "clean"
"""What a plan is counted under that has neither a finding nor a gap."""

STANDINGS = (*SEVERITIES, CLEAN)
"""What a plan is counted under: its gravest finding that is not waived."""


@dataclass(frozen=True)
class Totals:
    """Figures of the whole audit; `plans` counts those of each severity, `standing` each plan once."""

    judged: int
    set_aside: int
    findings: int
    waived: int
    by_severity: Mapping[str, int]
    waived_by_severity: Mapping[str, int]
    plans: Mapping[str, int]
    standing: Mapping[str, int]
    verdicts: Mapping[str, int]

    @property
    def read(self) -> int:
        """Return how many plans there were."""
        return self.judged + self.set_aside

    @property
    def violations(self) -> int:
        """Return how many findings are of something violated, waived or not."""
        return sum(self.by_severity[name] for name in VIOLATIONS)

    @property
    def answered(self) -> float:
        """Return the share of the verdicts on rules that may apply that could be given."""
        known = self.verdicts["satisfied"] + self.verdicts["violated"]
        return known / (known + self.verdicts["unknown"]) if known + self.verdicts["unknown"] else 1.0


@dataclass(frozen=True)
class RuleLine:
    """What came of one rule: plans by verdict, and its findings."""

    policy: str
    rule: Mapping[str, Any]
    verdicts: Mapping[str, int]
    findings: int
    waived: int

    @property
    def judged(self) -> int:
        """Return on how many plans the rule gave an answer."""
        return self.verdicts["satisfied"] + self.verdicts["violated"]


@dataclass(frozen=True)
class Group:
    """The plans that have one value of a fact: how they stand, and the verdicts on them."""

    value: str
    plans: int
    standing: Mapping[str, int]
    verdicts: Mapping[str, int]


@dataclass(frozen=True)
class Breakdown:
    """Plans by one fact, the largest groups first; `others` groups are gathered in the last one."""

    fact: str
    title: str
    groups: tuple[Group, ...]
    others: int = 0


def none_of(names: Iterable[str]) -> dict[str, int]:
    """Return counts by name, all of them nothing yet."""
    return dict.fromkeys(names, 0)


def totals(tables: AuditTables, lines: Iterable[RuleLine]) -> Totals:
    """Return the figures of the whole audit."""
    by_severity, waived, plans = (none_of(SEVERITIES) for _ in range(3))
    for severity, count, lifted, concerned in tables.rows(
        "select severity, count(*), count(*) filter (where is_waived), "
        "count(distinct plan) filter (where not is_waived) from found group by severity"
    ):
        by_severity[severity], waived[severity], plans[severity] = count, lifted, concerned
    verdicts = none_of(VERDICTS)
    for line in lines:
        for verdict, count in line.verdicts.items():
            verdicts[verdict] += count
    standing = none_of(STANDINGS) | dict(
        tables.rows(f"select standing, count(*) from ({STANDING}) group by standing")
    )
    counts = tables.manifest.get("counts", {}).get("plans", {})
    refused = "select count(distinct plan) from set_aside where coalesce(plan, '') <> ''"
    return Totals(
        judged=tables.one("select count(*) from plans"),
        set_aside=counts["set_aside"] if "set_aside" in counts else tables.one(refused),
        findings=sum(by_severity.values()),
        waived=sum(waived.values()),
        by_severity=by_severity,
        waived_by_severity=waived,
        plans=plans,
        standing=standing,
        verdicts=verdicts,
    )


STANDING = (
    "select plans.*, coalesce(gravest, '" + CLEAN + "') as standing from plans left join "
    "(select plan, arg_min(severity, gravity) as gravest from found where not is_waived group by plan) "
    "using (plan)"
)
"""A query: every plan with its gravest finding that is not waived."""


def rule_lines(tables: AuditTables) -> list[RuleLine]:
    """Return what came of every rule, in the order of policies and rules."""
    found = {
        (policy, rule): (count, waived)
        for policy, rule, count, waived in tables.rows(
            "select policy, rule, count(*), count(*) filter (where is_waived) from found "
            "where verdict = 'violated' group by policy, rule"
        )
    }
    lines = []
    for policy in tables.policies:
        counted = verdict_counts(tables, policy)
        for rule in policy["rules"]:
            count, waived = found.get((policy["id"], rule["id"]), (0, 0))
            lines.append(RuleLine(policy["id"], rule, counted[rule["id"]], count, waived))
    return lines


def verdict_counts(tables: AuditTables, policy: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return how many plans have which verdict, by rule.

    One small query a rule: a thousand filtered counts in one take twenty times as long.
    """
    found = {rule["id"]: none_of(VERDICTS) for rule in policy["rules"]}
    if not tables.has("verdicts", policy["id"]):
        return found
    source = tables.table("verdicts", policy["id"])
    there = {row[0] for row in tables.rows(f"describe select * from {source}")}
    queries = [
        f"select {literal(id)}, {quoted(id)}::varchar, count(*) from {source} group by 2"
        for id in found
        if id in there
    ]
    for rule, verdict, count in tables.rows(" union all ".join(queries)) if queries else ():
        if verdict is not None:
            found[rule][verdict] = count
    return found


def breakdowns(tables: AuditTables, most: int = 25) -> list[Breakdown]:
    """Return the plans by every fact that the policies' pictures count by."""
    named = facts_named(tables.policies, "count_by")
    create_plan_verdicts(tables)
    return [breakdown(tables, fact, title, most) for fact, title in named if fact in tables.plan_columns]


def create_plan_verdicts(tables: AuditTables) -> None:
    """Make a table of plans with how they stand and how many verdicts of each kind they have."""
    parts = []
    for policy in tables.policies:
        if not tables.has("verdicts", policy["id"]):
            continue
        source = tables.table("verdicts", policy["id"])
        names = [
            row[0] for row in tables.rows(f"describe select * from {source}") if row[0] not in ("plan", "P")
        ]
        sums = ", ".join(
            " + ".join(f"coalesce(({quoted(name)} = {literal(verdict)})::int, 0)" for name in names)
            + f" as {verdict}"
            for verdict in VERDICTS
        )
        parts.append(f"select plan, {sums} from {source}")
    empty = "select null::varchar as plan, " + ", ".join(f"0 as {verdict}" for verdict in VERDICTS)
    verdicts = " union all ".join(parts) or f"{empty} where false"
    tables.connection.execute(
        f"create or replace temp table standing as select * from ({STANDING}) "
        f"left join ({verdicts}) using (plan)"
    )


def breakdown(tables: AuditTables, fact: str, title: str, most: int) -> Breakdown:
    """Return the plans by one fact: at most so many groups, and one of all the others."""
    value = f"coalesce({quoted(fact)}::varchar, '')"
    groups = f"select {value} as value, count(*) as plans from standing group by 1 order by 2 desc, 1"
    kept = [row[0] for row in tables.rows(f"{groups} limit {most}")]
    number = tables.one(f"select count(*) from ({groups})")
    counted = ", ".join(f"count(*) filter (where standing = '{name}')" for name in STANDINGS)
    summed = ", ".join(f"coalesce(sum({verdict}), 0)::bigint" for verdict in VERDICTS)
    listed = ", ".join(literal(name) for name in kept) or "''"
    rows = tables.rows(
        f"select case when {value} in ({listed}) then {value} end as value, count(*), {counted}, {summed} "
        "from standing group by 1"
    )
    made = {row[0]: group(row) for row in rows}
    last = [made[None]] if None in made else []
    return Breakdown(fact, title, (*(made[name] for name in kept), *last), number - len(kept))


def group(row: tuple[Any, ...]) -> Group:
    """Return one group of plans; the value is None for all others together."""
    value, plans, *counts = row
    standing = dict(zip(STANDINGS, counts, strict=False))
    verdicts = dict(zip(VERDICTS, counts[len(STANDINGS) :], strict=True))
    return Group("all others" if value is None else value or "not stated", plans, standing, verdicts)
