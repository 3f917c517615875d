"""The folder of an audit, made of invented plans: what the reports of audits are tried on.

A few score plans are varied from the examples at random and judged by the reference evaluator, so that every
text is one that the engine writes; then they are repeated under other ids, employers and specialties.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobplan.evaluate import Evaluator, Judged, ordinal
from jobplan.findings.model import Finding, Report
from jobplan.reports.audit_policies import drawn_columns, policies_data
from jobplan.source import read_document

ROOT = Path(__file__).parent.parent
BASES = ("made-up-tidy", "made-up-evening-clinic", "made-up-part-time")
TODAY = "2025-10-15"
EMPLOYERS = (
    "Eastmere Hospitals NHS Trust", "Westmere University Hospitals NHS Foundation Trust",
    "Northfold Mental Health",
    "Harrowgate & Dale <Community> Care", "Southbrook Teaching Hospitals", "Avonlea Children's Hospital",
)  # fmt: skip
SPECIALTIES = (
    "general surgery", "anaesthetics", "paediatrics", "clinical radiology", "general psychiatry",
    "obstetrics and gynaecology", "emergency medicine", "acute internal medicine", "ophthalmology",
    "cardiology", "trauma and orthopaedics", "histopathology",
)  # fmt: skip
EVIDENCE = ("name", "relation", "row", "shown", "unit", "assumed")
REASON = ("kind", "relation", "row", "field", "cause", "text")
TEXTS = pa.list_(pa.struct([(name, pa.string()) for name in EVIDENCE]))
REASONS = pa.list_(pa.struct([(name, pa.string()) for name in REASON]))
FINDINGS = pa.schema([
    *((name, pa.string()) for name in ("plan", "policy", "edition", "rule", "topic", "verdict", "severity",
                                       "otherwise", "relation", "subject", "label")),
    ("subjects", pa.int32()), ("message", pa.string()), ("evidence", TEXTS), ("reasons", REASONS),
    ("because", pa.string()), ("as_stated", pa.string()), ("waived", pa.string()),
    ("assumptions", pa.list_(pa.string())), ("unstated", pa.bool_()), ("place", pa.string()),
    ("key", pa.string()),
])  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One varied plan as it was judged."""

    judged: Judged
    report: Report
    facts: dict[str, Any]


@cache
def evaluator() -> Evaluator:
    return Evaluator(engine="reference")


def varied(base: dict[str, Any], random: random.Random) -> dict[str, Any]:
    """Return a plan with some facts taken out, some hours moved and some pay changed."""
    plan = copy.deepcopy(base)
    for row in plan.get("activity", ()):
        if "units" in row and random.random() < 0.4:
            row["units"] = max(0.25, row["units"] + random.choice((-0.5, -0.25, 0.25, 0.5)))
        if ":" in str(row.get("ends", "")) and random.random() < 0.04:
            row["ends"] = later(row["ends"], random.choice((-60, -30, 15, 30, 60)))
        if random.random() < 0.06:
            row.pop(random.choice([key for key in row if key != "id"]))
    for row in plan.get("on_call", ()):
        if random.random() < 0.5:
            row["supplement_percent"] = random.choice((1, 2, 3, 5, 8))
        if random.random() < 0.5:
            row["one_in"] = random.choice((3, 4, 5, 7, 8, 9, 12, 16))
        if random.random() < 0.1:
            row.pop("class", None)
    keep = {"version", "id", "nation", "contract", "from_on"}
    for _ in range(random.choice((0, 0, 1, 2, 3, 5))):
        plan.pop(random.choice([key for key in plan if key not in keep]))
    return plan


def later(clock: str, minutes: int) -> str:
    """Return a time of the day some minutes later, or earlier."""
    hours, past = map(int, clock.split(":"))
    moved = (hours * 60 + past + minutes) % 1440
    return f"{moved // 60:02d}:{moved % 60:02d}"


@cache
def samples(number: int = 90, seed: int = 1) -> tuple[Sample, ...]:
    """Return the plans that all others repeat; those that contradict themselves are left out."""
    judge, chance = evaluator(), random.Random(seed)
    bases = [read_document(str(ROOT / "examples" / f"{name}.yaml")).data for name in BASES]
    found = []
    while len(found) < number:
        plan = varied(bases[len(found) % len(bases)], chance)
        try:
            judged = judge.judge(judge.read(plan), today=ordinal(TODAY))
        except Exception as error:
            if type(error).__name__ != "BrokenPlan":
                raise
            continue
        found.append(Sample(judged, judge.report(judged), plan))
    return tuple(found)


def finding_row(plan: str, sample: Sample, finding: Finding) -> dict[str, Any]:
    """Return one line of findings.parquet."""
    said = finding.message.text
    return {
        "plan": plan,
        "policy": sample.report.policy,
        "edition": sample.report.judged_on,
        **{name: getattr(finding, name) for name in ("rule", "topic", "verdict", "severity", "otherwise",
                                                     "relation", "subject", "label", "subjects")},
        "message": said,
        "evidence": [{name: getattr(item, name) for name in EVIDENCE} for item in finding.evidence],
        "reasons": [dict(zip(REASON, reason, strict=True)) for reason in finding.reasons],
        "because": finding.message.values["because"] and said.partition(": ")[2]
        if finding.message.key == "gap" else "",
        "as_stated": finding.as_stated,
        "waived": finding.waived,
        "assumptions": list(finding.assumptions),
        "unstated": finding.unstated,
        "place": f"plans.xlsx!{finding.relation}:{2 + finding.order}",
        "key": f"{finding.key}-{plan}",
    }  # fmt: skip


def numbered(plans: int) -> Iterator[tuple[str, Sample, dict[str, Any]]]:
    """Yield plans by id, each with what it was judged as and its own facts."""
    chance, found = random.Random(2), samples()
    for number in range(plans):
        sample = found[number % len(found)]
        facts = {
            "doctor": f"doctor-{number}",
            "nation": "england",
            "contract": "consultant-2003",
            "grade": "consultant",
            "specialty": chance.choices(SPECIALTIES, range(len(SPECIALTIES), 0, -1))[0],
            "employer_name": chance.choices(EMPLOYERS, (9, 7, 5, 3, 2, 1))[0],
            "contracted_units": float(sample.facts.get("contracted_units") or 10),
            "from_on": sample.report.judged_on,
        }
        yield f"plan-{number:05d}", sample, facts


def write_pack(out: Path, plans: int = 5000, *, set_aside: int = 12) -> int:
    """Write the tables of an audit of so many plans; return how many findings there are."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "verdicts").mkdir()
    (out / "measures").mkdir()
    (out / "drawn").mkdir()
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("plans", "verdicts", "measures", "findings")
    }
    policy = samples()[0].judged.worked.program.edition.policy
    drawn: dict[str, list[dict[str, Any]]] = {relation: [] for relation in drawn_columns(policy)}
    for plan, sample, facts in numbered(max(plans, 1)):  # an audit of no plan has columns all the same
        report = sample.report
        frame = {
            "policy": report.policy,
            "edition": report.judged_on,
            "file": "plans.xlsx",
            "place": "plans.xlsx",
        }
        rows["plans"].append({"plan": plan, **frame, **facts})
        rows["verdicts"].append(
            {"plan": plan} | {verdict.rule: verdict.verdict for verdict in report.verdicts}
        )
        rows["measures"].append({"plan": plan} | {measure.name: measure.value for measure in report.measures})
        rows["findings"] += [finding_row(plan, sample, finding) for finding in report.findings]
        for relation, names in drawn_columns(policy).items():
            drawn[relation] += [
                {"plan": plan, "row": row.id, **{name: row[name] for name in names}}
                for row in sample.judged.worked.relations[relation].rows
            ]
    for row in rows["findings"][::37]:
        row["waived"] = "agreed with the local negotiating committee" if row["verdict"] == "violated" else ""
    name = policy.id.replace("/", "-")
    findings = pa.Table.from_pylist(rows["findings"], FINDINGS)
    for path, table in {
        "plans": pa.Table.from_pylist(rows["plans"]),
        f"verdicts/{name}": pa.Table.from_pylist(rows["verdicts"]),
        f"measures/{name}": pa.Table.from_pylist(rows["measures"]),
        "findings": findings,
        "set_aside": pa.Table.from_pylist([refused(number) for number in range(set_aside)], SET_ASIDE),
        **{f"drawn/{name}.{relation}": pa.Table.from_pylist(found) for relation, found in drawn.items()},
    }.items():
        kept = table if plans or path == "set_aside" else table.slice(0, 0)
        pq.write_table(kept, out / f"{path}.parquet")
    programs = {sample.report.judged_on: sample.judged.worked.program for sample in samples()}
    bases = [evaluator().basis(programs[day]) for day in sorted(programs)]
    data = policies_data({policy.id: bases}, evaluator().policies.schema)
    (out / "policies.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    manifest = {
        "engine": {"version": "0.1.0", "name": "duckdb"},
        "today": TODAY,
        "as_of": None,
        "counts": {"plans": {"read": plans + set_aside, "judged": plans, "set_aside": set_aside}},
    }
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return int(findings.num_rows) if plans else 0


SET_ASIDE = pa.schema([
    ("file", pa.string()), ("sheet", pa.string()), ("row", pa.int64()), ("column", pa.string()),
    ("plan", pa.string()), ("relation", pa.string()), ("code", pa.string()), ("reason", pa.string()),
    ("help", pa.string()),
])  # fmt: skip


def refused(number: int) -> dict[str, Any]:
    """Return a line of what was set aside; one of them looks like a formula."""
    return {
        "file": "plans.xlsx", "sheet": "activity", "row": 7 + number, "column": "ends",
        "plan": f"refused-{number}", "relation": "activity", "code": "out-of-range",
        "reason": "=1+1" if number == 0 else "expected a clock time, found `25:00`",
        "help": "write HH:MM",
    }  # fmt: skip
