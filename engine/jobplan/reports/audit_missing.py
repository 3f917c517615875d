"""What is missing in the plans of an audit: a list of things to do, ranked by what each would settle."""

from __future__ import annotations

from dataclasses import dataclass

from jobplan.reports.audit_tables import AuditTables


@dataclass(frozen=True)
class Missing:
    """One fact that is missing, or one silence of a policy, and what waits for it.

    `settles` counts the gaps where nothing else is missing, `waits` all that miss it.
    """

    relation: str
    field: str
    text: str
    causes: tuple[str, ...]
    plans: int
    waits: int
    settles: int
    rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what is missing by name; findings that wait for it are filtered by the same."""
        return self.text or ".".join(part for part in (self.relation, self.field) if part)


def create_waiting(tables: AuditTables) -> None:
    """Make a table of gaps with what each of them lacks, every lack once.

    A fact lacks by relation and field whatever the row; a silence, a statement by its own words.
    """
    lack = (
        "lambda r: {'silent': r.kind = 'silent', "
        "'relation': case when r.kind = 'silent' then '' else r.relation end, "
        "'field': case when r.kind = 'silent' then '' else r.field end, "
        "'text': case when r.kind = 'silent' or r.cause = 'not_attested' then r.text else '' end}"
    )
    tables.connection.execute(
        "create or replace temp table waiting as select plan, policy, rule, severity, gravity, reasons, "
        f"list_distinct(list_transform(reasons, {lack})) as lacks from found where verdict = 'unknown'"
    )


def missing(tables: AuditTables) -> tuple[list[Missing], list[Missing]]:
    """Return the missing facts and the silences, those first that would settle most."""
    create_waiting(tables)
    causes: dict[tuple[str, str], tuple[str, ...]] = {
        (relation, name): tuple(sorted(cause for cause in found if cause))
        for relation, name, found in tables.rows(
            "select r.relation, r.field, "
            "list(distinct case when r.kind = 'conflict' then 'conflict' else r.cause end) "
            "from (select unnest(reasons) as r from waiting) where r.kind <> 'silent' group by 1, 2"
        )
    }
    rows = tables.rows(
        "select lack.silent, lack.relation, lack.field, lack.text, count(distinct plan), count(*), "
        "count(*) filter (where alone), list_sort(list(distinct rule)) from "
        "(select plan, rule, len(lacks) = 1 as alone, unnest(lacks) as lack from waiting) "
        "group by 1, 2, 3, 4 order by 7 desc, 6 desc, 2, 3, 4"
    )
    made: tuple[list[Missing], list[Missing]] = ([], [])
    for silent, relation, name, text, plans, waits, settles, rules in rows:
        why = () if silent else causes.get((relation, name), ())
        made[int(silent)].append(Missing(relation, name, text, why, plans, waits, settles, tuple(rules)))
    return made
