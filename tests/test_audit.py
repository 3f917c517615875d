"""Audits: what goes in comes out, whole or not at all, and the same each time."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import packs
import pyarrow.parquet as pq
import pytest
import tiny

from jobplan import BrokenInput, Evaluator, JobplanError, Policies
from jobplan.auditing import audit, compare, verify
from jobplan.auditing.journal import WORK, differences
from jobplan.auditing.run import run
from jobplan.auditing.settings import Progress, Settings
from jobplan.backends.judging import default_engine

NUMBER = 16


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return tiny.policies(tmp_path_factory.mktemp("terms"), packs.TOPIC)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packs.write_plans(tmp_path_factory.mktemp("data") / "plans", NUMBER)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, data: Path, terms: Policies) -> Path:
    out = tmp_path_factory.mktemp("packs") / "pack"
    packs.made(data, out, terms)
    return out


def manifest(pack: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((pack / "manifest.json").read_text("utf-8"))
    return found


# --- what is found -----------------------------------------------------------------------------------


def test_pack_says_of_each_plan_what_checking_it_says(pack: Path, data: Path, terms: Policies) -> None:
    evaluator = Evaluator(terms, "reference")
    verdicts = {row.pop("plan"): row for row in packs.rows(pack, f"verdicts/{packs.NAME}")}
    measures = {row.pop("plan"): row for row in packs.rows(pack, f"measures/{packs.NAME}")}
    found = Counter((row["plan"], row["key"], row["message"], row["severity"], row["waived"])
                    for row in packs.rows(pack, "findings"))  # fmt: skip
    expected: Counter[Any] = Counter()
    for plan in packs.plans(NUMBER):
        report = tiny.report(terms, plan, today=packs.TODAY)
        id = plan["id"]
        rules = {verdict.rule: str(verdict.verdict) for verdict in report.verdicts}
        assert {rule: verdict for rule, verdict in verdicts[id].items() if verdict is not None} == rules
        assert measures[id] == {measure.name: measure.value for measure in report.measures}
        expected.update((id, f.key, f.message.text, f.severity, f.waived or None) for f in report.findings)
    assert len(verdicts) == NUMBER
    assert found == expected
    assert evaluator.policies is terms


def test_rule_of_another_edition_is_blank(pack: Path) -> None:
    editions = {row["plan"]: row["edition"] for row in packs.rows(pack, "plans")}
    assert set(editions.values()) == {"2000-01-01", "2024-09-01"}
    for row in packs.rows(pack, f"verdicts/{packs.NAME}"):
        assert (row["late-rule"] is None) == (editions[row["plan"]] == "2000-01-01")


def test_evidence_and_reasons_go_with_findings(pack: Path) -> None:
    found = packs.rows(pack, "findings")
    broken = next(row for row in found if row["rule"] == "row-short" and row["verdict"] == "violated")
    assert {item["name"] for item in broken["evidence"]} == {"hours_each", "most", "title"}
    assert broken["place"].endswith(".json:10:3") or ".json:" in broken["place"]
    gap = next(row for row in found if row["rule"] == "row-short" and row["verdict"] == "unknown")
    assert [(reason["kind"], reason["field"]) for reason in gap["reasons"]] == [("missing", "hours_each")]
    assert gap["message"] == f"cannot be judged: {gap['because']}"


def test_findings_stand_plan_by_plan_in_the_order_of_rules(pack: Path) -> None:
    order = list(packs.TOPIC["rules"])
    numbers = {rule["id"]: place for place, rule in enumerate(order)}
    by_plan: dict[str, list[int]] = {}
    seen: list[str] = []
    for row in packs.rows(pack, "findings"):
        by_plan.setdefault(row["plan"], []).append(numbers[row["rule"]])
        if not seen or seen[-1] != row["plan"]:
            seen.append(row["plan"])
    assert len(seen) == len(set(seen))
    assert all(found == sorted(found) for found in by_plan.values())


def test_what_cannot_be_judged_is_set_aside_with_its_reason(pack: Path) -> None:
    aside = {row["plan"]: row for row in packs.rows(pack, "set_aside")}
    assert {plan: row["code"] for plan, row in aside.items()} == {
        "no-date": "no-date", "no-policy": "no-policy", "typo": "unknown-field",
    }  # fmt: skip
    assert aside["no-policy"]["file"].endswith("q-no-policy.json")
    assert "`other`" in aside["no-policy"]["reason"]


def test_counts_add_up(pack: Path) -> None:
    counts = manifest(pack)["counts"]
    assert counts["plans"] == {"read": NUMBER + 3, "judged": NUMBER, "set_aside": 3}
    assert all(rows["read"] == rows["judged"] + rows["set_aside"] for rows in counts["rows"].values())
    assert counts["rows"]["activity"]["judged"] == sum(len(plan["activity"]) for plan in packs.plans(NUMBER))
    assert sum(counts["findings"].values()) == len(packs.rows(pack, "findings"))
    verdicts = packs.rows(pack, f"verdicts/{packs.NAME}")
    told = Counter(value for row in verdicts for name, value in row.items() if name != "plan" and value)
    assert {name: count for name, count in counts["verdicts"].items() if count} == told
    assert sum(counts["failing"].values()) < sum(counts["findings"].values())  # some are waived


def test_csv_says_the_same_and_begins_no_formula(pack: Path) -> None:
    findings, said = packs.rows(pack, "findings"), packs.lines(pack, "findings")
    assert [row["key"] for row in findings] == [row["key"] for row in said]
    assert any(row["label"] and row["label"].startswith("=") for row in findings)
    cells = [cell for row in said for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert any(cell.startswith("'=work") for cell in cells)
    verdicts = packs.rows(pack, f"verdicts/{packs.NAME}")
    assert [{k: v or "" for k, v in row.items()} for row in verdicts] == packs.lines(
        pack, f"verdicts/{packs.NAME}"
    )


# --- the same each time ------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"threads": 2}, {"memory": "300MB"}], ids=str)
def test_pack_is_the_same_however_it_is_run(
    pack: Path, data: Path, terms: Policies, tmp_path: Path, options: dict[str, Any]
) -> None:
    packs.made(data, tmp_path / "again", terms, **options)
    assert packs.digests(tmp_path / "again") == packs.digests(pack)


@pytest.mark.parametrize("engine", ["auto", "duckdb", "rete"])
def test_engines_give_the_same_bytes(
    pack: Path, data: Path, terms: Policies, tmp_path: Path, engine: str
) -> None:
    if engine == "rete" and default_engine() != "rete":
        pytest.skip("durable-rules is not installed")
    packs.made(data, tmp_path / "again", terms, engine=engine)
    mine, other = packs.digests(tmp_path / "again"), packs.digests(pack)
    assert {name for name in mine if mine[name] != other[name]} == {"manifest.json"}


def test_chunks_change_no_row(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    packs.made(data, tmp_path / "again", terms, chunk=1000)
    for table in ("plans", "findings", f"verdicts/{packs.NAME}", f"measures/{packs.NAME}", "set_aside"):
        mine, other = (
            [str(row) for row in packs.rows(folder, table)] for folder in (pack, tmp_path / "again")
        )
        assert sorted(mine) == sorted(other)


def test_nothing_to_judge_makes_a_pack_too(terms: Policies, tmp_path: Path) -> None:
    tiny.write(tmp_path / "plans" / "one.json", tiny.plan(id="one", contract="other"))
    result = packs.made(tmp_path / "plans", tmp_path / "pack", terms)
    assert result.counts["plans"] == {"read": 1, "judged": 0, "set_aside": 1}
    assert packs.rows(tmp_path / "pack", "findings") == packs.lines(tmp_path / "pack", "findings") == []


def test_verdicts_alone_leave_the_rest_out(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    packs.made(data, tmp_path / "pack", terms, verdicts_only=True)
    assert not (tmp_path / "pack" / "findings.parquet").exists()
    name = f"verdicts/{packs.NAME}"
    assert packs.rows(tmp_path / "pack", name) == packs.rows(pack, name)


def test_fresh_pack_is_verified(pack: Path, terms: Policies) -> None:
    found = verify(pack, terms)
    assert found.is_same, found


def test_edited_file_is_told(pack: Path, terms: Policies, tmp_path: Path, data: Path) -> None:
    packs.made(data, tmp_path / "pack", terms)
    with (tmp_path / "pack" / "findings.csv").open("a") as file:
        file.write("x\n")
    found = verify(tmp_path / "pack", terms)
    assert found.edited == ("findings.csv",)
    assert (found.differing, found.changed) == ((), ())


def test_changed_input_is_told(terms: Policies, tmp_path: Path) -> None:
    folder = packs.write_plans(tmp_path / "plans", 3)
    packs.made(folder, tmp_path / "pack", terms)
    tiny.write(folder / "plan-000.json", {**next(packs.plans(1)), "contracted_units": 12})
    found = verify(tmp_path / "pack", terms)
    assert any("plan-000.json" in line for line in found.changed)
    assert f"verdicts/{packs.NAME}.parquet" in found.differing


def test_moved_inputs_have_to_be_named(terms: Policies, tmp_path: Path) -> None:
    folder = packs.write_plans(tmp_path / "plans", 3)
    packs.made(folder, tmp_path / "pack", terms)
    folder.rename(tmp_path / "moved")
    with pytest.raises(BrokenInput, match="--data"):
        verify(tmp_path / "pack", terms)
    with pytest.raises(BrokenInput, match="no pack"):
        verify(tmp_path, terms)


# --- stopped and continued ---------------------------------------------------------------------------


class StoppedError(Exception):
    """Somebody stops the run."""


def stopped_after(plans: int) -> Any:
    def watch(now: Progress) -> None:
        if now.plans >= plans and now.doing == "judging":
            raise StoppedError

    return watch


def test_stopped_run_goes_on(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    for plans in (7, 14):
        with pytest.raises(StoppedError):
            packs.made(data, out, terms, resume=True, watch=stopped_after(plans))
        assert {path.name for path in out.iterdir()} == {WORK}
    packs.made(data, out, terms, resume=True)
    assert packs.digests(out) == packs.digests(pack)


def test_stopped_run_is_not_begun_again_unasked(
    data: Path, terms: Policies, tmp_path: Path, pack: Path
) -> None:
    with pytest.raises(StoppedError):
        packs.made(data, tmp_path / "pack", terms, watch=stopped_after(7))
    with pytest.raises(BrokenInput, match="--resume"):
        packs.made(data, tmp_path / "pack", terms)
    packs.made(data, tmp_path / "pack", terms, force=True)
    assert packs.digests(tmp_path / "pack") == packs.digests(pack)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"as_of": "2024-12-01"}, "as_of was None, is 2024-12-01"),
        ({"today": "2025-07-01"}, "today was 2025-06-01, is 2025-07-01"),
        ({"chunk": 8}, "options: chunk was 7, is 8"),
        ({"formats": ()}, "options: formats"),
    ],
    ids=str,
)
def test_other_run_is_not_continued(
    data: Path, terms: Policies, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(StoppedError):
        packs.made(data, tmp_path / "pack", terms, watch=stopped_after(7))
    with pytest.raises(JobplanError) as told:
        packs.made(data, tmp_path / "pack", terms, resume=True, **options)
    assert words in str(told.value)


def test_run_on_other_inputs_or_policies_is_not_continued(terms: Policies, tmp_path: Path) -> None:
    folder = packs.write_plans(tmp_path / "plans", 8)
    own = tiny.policies(tmp_path / "terms", packs.TOPIC)
    with pytest.raises(StoppedError):
        packs.made(folder, tmp_path / "pack", own, watch=stopped_after(7))
    tiny.write(folder / "plan-000.json", tiny.plan(id="plan-000"))
    with pytest.raises(JobplanError, match=r"inputs: .*plan-000.json is another"):
        packs.made(folder, tmp_path / "pack", own, resume=True)
    packs.write_plans(folder, 8)
    topic = tmp_path / "terms" / "policies" / tiny.POLICY / "topic-0.yaml"
    topic.write_text(topic.read_text("utf-8").replace("too many", "many"), encoding="utf-8")
    with pytest.raises(JobplanError, match=r"policies: england/tiny/topic-0.yaml is another"):
        packs.made(folder, tmp_path / "pack", own, resume=True)


def test_present_day_of_a_stopped_run_is_kept(
    data: Path, terms: Policies, tmp_path: Path, pack: Path
) -> None:
    with pytest.raises(StoppedError):
        packs.made(data, tmp_path / "pack", terms, watch=stopped_after(7))
    packs.made(data, tmp_path / "pack", terms, resume=True, today=None)
    assert packs.digests(tmp_path / "pack") == packs.digests(pack)


def test_folder_in_use_is_left_alone(data: Path, terms: Policies, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BrokenInput, match="is not empty"):
        packs.made(data, tmp_path, terms)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_folder_inside_the_data_is_refused(data: Path, terms: Policies) -> None:
    with pytest.raises(BrokenInput, match="inside the data"):
        packs.made(data, data / "pack", terms)
    assert not (data / "pack").exists()


def test_force_takes_the_place_of_a_pack_and_of_nothing_else(
    data: Path, terms: Policies, tmp_path: Path, pack: Path
) -> None:
    packs.made(packs.write_plans(tmp_path / "few", 3), tmp_path / "pack", terms, formats=("csv",))
    (tmp_path / "pack" / "notes.txt").write_text("mine")
    packs.made(data, tmp_path / "pack", terms, force=True, formats=())
    assert (tmp_path / "pack" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "pack" / "findings.csv").exists()


def test_ended_run_has_nothing_to_go_on_with(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    shutil.copytree(pack, tmp_path / "pack")
    (tmp_path / "pack" / WORK / "parts").mkdir(parents=True)  # it was killed while it cleared up
    packs.made(data, tmp_path / "pack", terms, resume=True)
    assert packs.digests(tmp_path / "pack") == packs.digests(pack)
    with pytest.raises(JobplanError, match="today was"):
        packs.made(data, tmp_path / "pack", terms, resume=True, today="2025-07-01")


def test_differences_are_told_one_by_one() -> None:
    old = {"a": 1, "b": {"x": "0" * 64, "y": "1" * 64}, "c": [1]}
    new = {"a": 2, "b": {"x": "2" * 64}, "c": [1]}
    assert differences(old, new) == ["a was 1, is 2", "b: x is another", "b: y is another"]


# --- the manifest ------------------------------------------------------------------------------------


def test_manifest_tells_all_that_a_pack_was_made_from(pack: Path) -> None:
    found = manifest(pack)
    assert found["version"] == 1
    assert {"duckdb", "pyarrow", "sqlglot"} <= set(found["engine"]["libraries"])
    assert len(found["inputs"]) == NUMBER + 3
    assert [policy["id"] for policy in found["policies"]] == [tiny.POLICY]
    assert list(found["policies"][0]["editions"]) == ["2000-01-01", "2024-09-01"]
    assert set(found["files"]) == set(packs.digests(pack)) - {"manifest.json"}
    assert found["command"].startswith("jobplan audit ")
    assert "--today 2025-06-01" in found["command"]


def test_parts_are_joined_into_tables_that_others_read(pack: Path) -> None:
    for path in pack.rglob("*.parquet"):
        file = pq.ParquetFile(path)
        assert file.read().num_rows == file.metadata.num_rows
    assert pq.ParquetFile(pack / "plans.parquet").num_row_groups > 1


# --- comparing ---------------------------------------------------------------------------------------


def test_pack_is_no_other_than_itself(pack: Path) -> None:
    with compare(pack, pack) as found:
        assert (found.count, found.plans) == (0, {"same": NUMBER, "changed": 0, "new": 0, "gone": 0})


def test_plans_that_changed_came_or_went_are_told(terms: Policies, tmp_path: Path) -> None:
    folder = packs.write_plans(tmp_path / "plans", 6)
    packs.made(folder, tmp_path / "old", terms)
    (folder / "plan-001.json").unlink()
    tiny.write(folder / "plan-002.json", {**list(packs.plans(3))[2], "discussed_on": "2024-05-01"})
    tiny.write(folder / "plan-009.json", tiny.plan(id="plan-009"))
    packs.made(folder, tmp_path / "new", terms)
    with compare(tmp_path / "old", tmp_path / "new") as found:
        assert found.plans == {"same": 4, "changed": 1, "new": 1, "gone": 1}
        changes = list(found.changes())
    mine = [change for change in changes if change["plan"] == "plan-002"]
    assert [(c["rule"], c["before"], c["after"], c["why"]) for c in mine] == [
        ("discussed", "violated", "satisfied", ["the plan changed"])
    ]
    assert {c["after"] for c in changes if c["plan"] == "plan-001"} == {None}
    assert {tuple(c["why"]) for c in changes if c["plan"] == "plan-009"} == {("the plan is new",)}


def test_change_of_the_policy_is_named(data: Path, terms: Policies, tmp_path: Path, pack: Path) -> None:
    topic = json.loads(json.dumps(packs.TOPIC))
    topic["parameters"]["most"]["values"][0]["value"] = 2
    packs.made(data, tmp_path / "new", tiny.policies(tmp_path / "terms", topic))
    with compare(pack, tmp_path / "new") as found:
        assert "most" in found.policies[tiny.POLICY]["parameters"]
        whys = {(kind["rule"], tuple(kind["why"])) for kind in found.kinds}
    assert whys
    assert whys <= {("row-short", ("most changed",)), ("all-short", ("most changed",))}


def test_change_of_a_rule_is_named(data: Path, terms: Policies, tmp_path: Path, pack: Path) -> None:
    topic = json.loads(json.dumps(packs.TOPIC))
    topic["rules"][0]["requires"] = "hours_each < most - 1"
    packs.made(data, tmp_path / "new", tiny.policies(tmp_path / "terms", topic))
    with compare(pack, tmp_path / "new") as found:
        assert found.policies == {tiny.POLICY: {"rules": ["row-short"]}}
        assert {(kind["rule"], tuple(kind["why"])) for kind in found.kinds} == {
            ("row-short", ("the rule changed",))
        }


def test_other_edition_is_named(data: Path, terms: Policies, tmp_path: Path, pack: Path) -> None:
    packs.made(data, tmp_path / "new", terms, as_of="2024-12-01")
    with compare(pack, tmp_path / "new") as found:
        assert found.why == {"as_of": 'null → "2024-12-01"'}
        assert {tuple(kind["why"]) for kind in found.kinds} <= {
            ("judged by another edition",), ("the plan is new",),
        }  # fmt: skip
        appeared = [kind for kind in found.kinds if kind["rule"] == "late-rule"]
        assert {kind["before"] for kind in appeared} == {None}


def test_run_takes_settings(data: Path, terms: Policies, tmp_path: Path) -> None:
    told: list[str] = []
    settings = Settings((str(data),), 739000, engine="reference", formats=(), verdicts_only=True, chunk=20)
    run(settings, tmp_path / "pack", terms, watch=lambda now: told.append(now.doing))
    assert told[0] == "reading"
    assert told.count("judging") == 2


def test_one_file_is_data_too(data: Path, terms: Policies, tmp_path: Path) -> None:
    result = audit(data / "plan-001.json", tmp_path / "pack", policies=terms, engine="reference", formats=())
    assert result.counts["plans"]["judged"] == 1
    assert tmp_path / "pack" / "findings.parquet" in result.files
