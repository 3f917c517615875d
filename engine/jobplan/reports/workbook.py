"""The workbook of an audit, for people: summary, findings, a sheet for each group of rules, to-do list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jobplan.model import SEVERITIES
from jobplan.quoting import literal, quoted
from jobplan.reports.audit_missing import Missing, missing
from jobplan.reports.audit_page import MEANINGS, caveats, frame, place_of, told
from jobplan.reports.audit_policies import facts_named
from jobplan.reports.audit_summary import RuleLine, Totals, rule_lines, totals
from jobplan.reports.audit_tables import VERDICT_WORDS, AuditTables, audit_tables
from jobplan.reports.sheets import MOST_ROWS, Book, Column

NAME = "findings.xlsx"
MOST = 50_000
"""Findings on their sheet; of more it has the gravest."""

MOST_OF_TOPIC = 5_000
"""Violations on the sheet of one group of rules; what cannot be judged stands on the sheet of all."""

LEFT_OUT = "The others are in findings.parquet and findings.csv beside this file."

REMEDY = "regexp_replace(remedy, '\\{(\\w+)\\}', '\\1', 'g')"
EVIDENCE = (
    "array_to_string(list_transform(evidence, lambda e: "
    "concat(replace(e.name, '_', ' '), ' = ', coalesce(e.shown, ''), "
    "case when coalesce(e.unit, '') <> '' then concat(' ', e.unit) else '' end, "
    "case when coalesce(e.\"row\", '') <> '' and e.\"row\" is distinct from subject "
    "and e.relation <> {root} then concat(' (', e.relation, ' ', e.\"row\", ')') else '' end, "
    "case when coalesce(e.assumed, '') <> '' then concat(', assumed: ', e.assumed) else '' end)), '; ')"
)


def write_workbook(folder: Path, *, most: int = MOST, each: int = MOST_OF_TOPIC) -> Path:
    """Write the workbook on the audit in a folder, and return where it is.

    The sheet of findings has at most `most` of them, those of groups of rules at most `each`: the gravest.
    """
    path = folder / NAME
    part = path.with_name(f"{NAME}.part")
    with audit_tables(folder) as tables:
        lines = rule_lines(tables)
        figures = totals(tables, lines)
        book = Book(part, f"Audit of {figures.judged:,} plans", created(tables))
        try:
            fill(book, tables, lines, figures, min(most, MOST_ROWS - 1), each)
        finally:
            book.close()
    part.replace(path)
    return path


def created(tables: AuditTables) -> datetime:
    """Return the day of the audit, so that the same audit gives the same file."""
    return datetime.fromisoformat(str(tables.manifest.get("today") or "2000-01-01"))


def fill(
    book: Book, tables: AuditTables, lines: Sequence[RuleLine], figures: Totals, most: int, each: int
) -> None:
    """Write every sheet; the summary stands first and is filled last, for it tells what was cut."""
    summary = book.sheet("Summary")
    create_listed(tables, lines)
    facts = [pair for pair in facts_named(tables.policies, "count_by") if differs(tables, pair[0])]
    columns = finding_columns(tables, facts)
    heads = [column for column, _ in columns]
    count = book.table("Findings", heads, finding_rows(tables, columns, most))
    if count < figures.findings:
        book.notes.append(
            f"“Findings” has {count:,} of {figures.findings:,} findings, the gravest. {LEFT_OUT}"
        )
    for topic in sorted({line.rule["topic"] for line in lines}):
        total = tables.one("select count(*) from listed where topic = ? and verdict = 'violated'", [topic])
        name = topic.replace("-", " ").capitalize()
        written = book.table(name, heads, finding_rows(tables, columns, each, topic)) if total else 0
        if written < total:
            book.notes.append(f"“{name[:31]}” has {written:,} of {total:,} findings, the gravest. {LEFT_OUT}")
    book.table("To do", TODO, todo_rows(tables))
    book.table("Set aside", ASIDE, aside_rows(tables))
    book.table("Rules", RULES, (rule_row(line) for line in lines))
    write_summary(book, summary, tables, figures, list(caveats(tables, figures, lines, ())))


def differs(tables: AuditTables, fact: str) -> bool:
    """Tell whether a fact tells plans apart; a column that says the same in every row helps nobody."""
    if fact not in tables.plan_columns:
        return False
    return bool(tables.one(f"select count(distinct {quoted(fact)}) > 1 from plans"))


# --- findings ---------------------------------------------------------------------------------


def create_listed(tables: AuditTables, lines: Sequence[RuleLine]) -> None:
    """Make a view of the findings with what is constant of their rules, in the order of gravity."""
    pairs = ", ".join(
        "("
        + ", ".join(
            [literal(line.policy), literal(line.rule["id"]), str(number), *map(literal, constant(line.rule))]
        )
        + ")"
        for number, line in enumerate(lines)
    )
    names = "policy, rule, rule_number, title, remedy, protects, law, link"
    none = "(" + ", ".join(["null"] * 8) + ")"
    tables.connection.execute(
        f"create or replace temp table rules as select * from (values {pairs or none}) as t({names})"
    )
    tables.connection.execute(
        "create or replace temp view listed as select * from found left join rules using (policy, rule)"
    )


def constant(rule: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Return title, remedy, whom it protects, law and link of a rule."""
    cites = rule["cites"]
    link = next((url for cite in cites for url in cite["urls"]), "")
    return rule["title"], rule["remedy"], rule["protects"], cites[0]["text"] if cites else "", link


def finding_columns(tables: AuditTables, facts: Sequence[tuple[str, str]]) -> list[tuple[Column, str]]:
    """Return the columns of a sheet of findings, each with the query that gives its cells."""
    evidence = EVIDENCE.replace("{root}", literal(tables.about["root"]))
    return [
        (Column("Severity", 11, "severity"), "severity"),
        (Column("Plan", 20), "plan"),
        (Column("Rule", 32), "rule"),
        (Column("Finding", 60), "message"),
        (Column("Row", 22), "label"),
        (Column("Where it stands", 28), "listed.place"),
        *((Column(title, 22), f"plans.{quoted(fact)}::varchar") for fact, title in facts),
        (Column("Title of the rule", 40), "title"),
        (Column("Evidence", 60), evidence),
        (Column("Waits for", 40), "case when verdict = 'unknown' then because end"),
        (Column("What to do", 45), f"case when verdict = 'violated' then {REMEDY} end"),
        (Column("Law", 50), "law"),
        (Column("Source", 40, "link"), "link"),
        (Column("Protects", 11), "protects"),
        (
            Column("A violation would be", 14, "severity"),
            "case when otherwise <> severity then otherwise end",
        ),
        (Column("As stated by the plan", 14), "replace(as_stated, '_', ' ')"),
        (Column("Waived", 30), "waived"),
        (Column("Assumptions", 18), "array_to_string(assumptions, ', ')"),
        (Column("Rows concerned", 10, "number"), "subjects"),
        (Column("Edition of", 12), "listed.edition::varchar"),
        (Column("Key", 20), "key"),
    ]


def finding_rows(
    tables: AuditTables, columns: Sequence[tuple[Column, str]], most: int, topic: str = ""
) -> Iterator[tuple[Any, ...]]:
    """Yield the gravest findings, or those of one group of rules that are violated, as rows of a sheet."""
    words = ", ".join(query for _, query in columns)
    chosen = f"where topic = {literal(topic)} and verdict = 'violated'" if topic else ""
    order = "order by gravity, rule_number, place_number"
    found = tables.connection.execute(  # the narrow columns first: few rows are wanted, and evidence is wide
        f"with places as (select place_number from listed {chosen} {order} limit {int(most)}) "
        f"select {words} from listed left join plans using (plan) "
        "where listed.place_number in (select place_number from places) "
        "order by gravity, rule_number, listed.place_number"
    )
    while rows := found.fetchmany(5000):
        yield from rows


# --- the other sheets -------------------------------------------------------------------------

TODO = [
    Column("What is missing", 40), Column("What it is", 50), Column("Why", 22), Column("Plans", 10, "number"),
    Column("Verdicts that wait", 12, "number"), Column("Settled by it alone", 12, "number"),
    Column("Rules", 8, "number"), Column("Rules that wait", 80),
]  # fmt: skip
ASIDE = [
    Column("Plan", 22), Column("Where", 45), Column("Reason", 60), Column("Way out", 45), Column("Kind", 20),
    Column("List", 18), Column("File", 28), Column("Sheet", 16), Column("Row", 8, "number"),
    Column("Column", 18),
]  # fmt: skip
RULES = [
    Column("Rule", 32), Column("Title", 45), Column("Topic", 20), Column("If violated", 12, "severity"),
    *(Column(VERDICT_WORDS[name].capitalize(), 11, "number")
      for name in ("violated", "satisfied", "unknown", "not_applicable")),
    Column("Violated of those judged", 11, "percent"), Column("Waived findings", 10, "number"),
    Column("Force", 16), Column("Strength", 10), Column("Protects", 11), Column("May be waived", 18),
    Column("Original seen", 10), Column("Confidence", 11), Column("Law", 70), Column("Source", 45, "link"),
    Column("Resting on", 60), Column("What to do", 50), Column("Policy", 26),
]  # fmt: skip


def todo_rows(tables: AuditTables) -> Iterator[tuple[Any, ...]]:
    """Yield what is missing, then what the terms leave open."""
    lacking, silent = missing(tables)
    for item in lacking:
        words = told(tables, item)
        yield item.name, words["about"], words["why"], *waiting(item)
    for item in silent:
        yield item.text, "", "the terms give no answer", *waiting(item)


def waiting(item: Missing) -> tuple[int, int, int, int, str]:
    """Return how much waits for what is missing, and the rules."""
    return item.plans, item.waits, item.settles, len(item.rules), ", ".join(item.rules)


def aside_rows(tables: AuditTables) -> Iterator[tuple[Any, ...]]:
    """Yield everything that was set aside."""
    names = [row[0] for row in tables.rows("describe set_aside")]
    keys = ("reason", "help", "code", "relation", "file", "sheet", "row", "column")
    for values in tables.rows("select * from set_aside order by place_number"):
        row = dict(zip(names, values, strict=True))
        yield row["plan"], place_of(row), *(row[key] for key in keys)


def rule_row(line: RuleLine) -> tuple[Any, ...]:
    """Return a rule with what came of it and its law."""
    rule, counts = line.rule, line.verdicts
    share = counts["violated"] / line.judged if line.judged else None
    law = "\n".join(cite["full"] for cite in rule["cites"])
    return (
        rule["id"], rule["title"], rule["topic"], rule["severity"], counts["violated"], counts["satisfied"],
        counts["unknown"], counts["not_applicable"], share,
        line.waived, rule["force"].replace("_", " "), rule["strength"], rule["protects"],
        rule["waivable"].replace("_", " "), "yes" if rule["assurance"]["original"] else "no",
        rule["assurance"]["confidence"], law, constant(rule)[-1],
        "\n".join(cite["text"] for cite in rule["rests_on"]), rule["remedy"], line.policy,
    )  # fmt: skip


def write_summary(
    book: Book, sheet: Any, tables: AuditTables, figures: Totals, weak: Sequence[tuple[str, str]]
) -> None:
    """Write the first sheet: what was audited, its totals, what is weak, what did not fit."""
    text, number, strong = book.formats["text"], book.formats["number"], book.strong
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 2, 18)
    sheet.set_column(3, 3, 70)
    lines: list[tuple[Any, ...]] = [(f"Audit of {figures.judged:,} plans",), ()]
    lines += [(name, value) for name, value in frame(tables)]
    lines += [
        ("Plans read", figures.read),
        ("Plans judged", figures.judged),
        ("Plans set aside", figures.set_aside),
        (),
    ]
    lines += [("Severity", "Findings", "Plans, not waived", "Meaning")]
    lines += [(name, figures.by_severity[name], figures.plans[name], MEANINGS[name]) for name in SEVERITIES]
    lines += [(), ("Verdicts", "Number")]
    lines += [(VERDICT_WORDS[name], count) for name, count in figures.verdicts.items()]
    lines += [(), ("What did not fit",), *((note,) for note in book.notes or ["Everything is here."])]
    lines += [(), ("How far this can be relied on",), *((words,) for _, words in weak)]
    for place, line in enumerate(lines):
        is_head = len(line) > 1 and line[0] in ("Severity", "Verdicts")
        for column, value in enumerate(line):
            if isinstance(value, int):
                sheet.write_number(place, column, value, number)
            elif is_head:
                sheet.write_string(place, column, value, book.heading)
            elif not column and value in book.severities:
                sheet.write_string(place, column, value, book.severities[value])
            else:
                long = len(line) == 1 and place > 1
                form = (
                    book.title
                    if not place
                    else strong
                    if not column and len(value) < 32
                    else None
                    if long
                    else text
                )
                sheet.write_string(place, column, value, form)
