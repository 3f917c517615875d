"""A workbook with thirty defects: each is told with sheet, row and column, and the good rows are judged."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from jobplan.facts import load_schema
from jobplan.facts.tables import Chunk, open_data

PLANS = 20
ROWS = 24  # of the timetable of each plan: 480, and 20 plans, are 500 rows
NAMES = ["plan", "id", "title", "category", "weekday", "starts", "ends", "how_often", "claimed_units",
         "weeks", "is_emergency", "agreed_on", "from_on", "until_on", "session", "cycle_weeks"]  # fmt: skip
ROOT = [
    "id",
    "nation",
    "contract",
    "from_on",
    "until_on",
    "contracted_units",
    "full_time",
    "activity",
    "on_call",
]


def build(path: Path) -> openpyxl.Workbook:
    """Make a sound workbook: 20 plans with 24 rows each."""
    book = openpyxl.Workbook()
    plans = book.active
    plans.title = "plan"
    plans.append(ROOT)
    timetable = book.create_sheet("activity")
    timetable.append(NAMES)
    for number in range(1, PLANS + 1):
        plans.append([f"p{number}", "england", "consultant-2003", date(2025, 4, 1), date(2026, 3, 31), 10,
                      True, "listed", "none"])  # fmt: skip
        for row in range(ROWS):
            timetable.append([f"p{number}", f"a{row}", "Round", "DCC", "monday", time(9), "13:00", "weekly",
                              1.25, "1; 2", False, None, None, "none", "am", 4])  # fmt: skip
    book.save(path)
    return book


def row_of(plan: int, row: int = 0) -> int:
    """Return where a row of a plan stands in the sheet of the timetable."""
    return 2 + (plan - 1) * ROWS + row


# sheet, plan, row of its timetable, column, what is written there → the code of the defect
WRONG: tuple[tuple[str, int, int, str, Any, str], ...] = (
    ("plan", 1, 0, "B", "englund", "unknown-choice"),
    ("plan", 1, 0, "F", "ten", "wrong-type"),
    ("plan", 1, 0, "G", "perhaps", "wrong-type"),
    ("plan", 2, 0, "D", "2025-02-30", "no-such-date"),
    ("plan", 2, 0, "E", "31/03/2026", "wrong-type"),
    ("plan", 3, 0, "E", date(2025, 3, 31), "wrong-value"),
    ("plan", 3, 0, "F", "=SUM(A1:A3)", "formula"),
    ("plan", 4, 0, "H", "some", "unknown-choice"),
    ("plan", 5, 0, "I", "listed", "missing-table"),
    ("activity", 6, 0, "D", "DCX", "unknown-choice"),
    ("activity", 6, 1, "E", "Mon", "unknown-choice"),
    ("activity", 6, 2, "F", "9.30am", "wrong-form"),
    ("activity", 6, 3, "G", 0.375, "wrong-form"),
    ("activity", 6, 4, "G", "25:00", "wrong-form"),
    ("activity", 6, 5, "H", "often", "unknown-choice"),
    ("activity", 7, 0, "I", "one", "wrong-type"),
    ("activity", 7, 1, "I", -1, "wrong-size"),
    ("activity", 7, 2, "I", date(2025, 1, 6), "wrong-type"),
    ("activity", 7, 3, "I", "=1+1", "formula"),
    ("activity", 7, 4, "I", "#N/A", "error-value"),
    ("activity", 7, 5, "J", "1; x", "wrong-type"),
    ("activity", 7, 6, "J", "1; 1", "same-value"),
    ("activity", 7, 7, "J", "1; 9", "wrong-value"),
    ("activity", 8, 0, "K", "maybe", "wrong-type"),
    ("activity", 8, 1, "L", "soon", "wrong-type"),
    ("activity", 8, 2, "O", "dawn", "unknown-choice"),
    ("activity", 8, 3, "P", 0, "wrong-size"),
    ("activity", 9, 1, "B", "a0", "same-id"),
    ("activity", 10, 0, "A", "p99", "unknown-plan"),
)
"""Twenty-nine; merged cells are the thirtieth."""


@pytest.fixture(scope="module")
def chunk(tmp_path_factory: pytest.TempPathFactory) -> Chunk:
    path = tmp_path_factory.mktemp("books") / "plans.xlsx"
    book = build(path)
    for sheet, plan, row, column, written, _ in WRONG:
        line = plan + 1 if sheet == "plan" else row_of(plan, row)
        book[sheet][f"{column}{line}"] = written
    book["activity"].merge_cells(f"C{row_of(11)}:C{row_of(11, 1)}")
    book.save(path)
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
    return found


@pytest.mark.parametrize(("sheet", "plan", "row", "column", "written", "code"), WRONG)
def test_a_defect_is_told_with_sheet_row_and_column(
    chunk: Chunk, sheet: str, plan: int, row: int, column: str, written: Any, code: str
) -> None:
    line = plan + 1 if sheet == "plan" else row_of(plan, row)
    found = [
        told
        for told in chunk.set_aside.to_pylist()
        if (told["sheet"], told["row"], told["column"].split()[0]) == (sheet, line, column)
    ]
    assert [told["code"] for told in found] in ([code], [code.replace("wrong-type", "wrong-form")])
    assert found[0]["reason"]
    assert found[0]["plan"] == (None if code == "unknown-plan" else f"p{plan}")


def test_merged_cells_are_told_of_in_each_row(chunk: Chunk) -> None:
    found = [told for told in chunk.set_aside.to_pylist() if told["code"] == "merged-cells"]
    assert [(told["row"], told["column"], told["plan"]) for told in found] == [
        (row_of(11), "C title", "p11"), (row_of(11, 1), "C title", "p11")]  # fmt: skip


def test_nothing_else_is_told(chunk: Chunk) -> None:
    assert chunk.set_aside.num_rows == len(WRONG) + 2


def test_the_good_rows_are_judged_and_the_counts_add_up(chunk: Chunk) -> None:
    aside = {f"p{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)}
    kept = chunk.plans.column("plan").to_pylist()
    assert set(kept) == {f"p{number}" for number in range(1, PLANS + 1)} - aside
    assert chunk.read == PLANS
    counts = chunk.rows["activity"]
    assert (counts.read, counts.set_aside) == (PLANS * ROWS, len(aside) * ROWS + 1)


def told_of(path: Path) -> list[tuple[str | None, int | None, str | None, str]]:
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
        assert found.read == data.size()
    return [(d["sheet"], d["row"], d["column"], d["code"]) for d in found.set_aside.to_pylist()]


def test_a_sound_workbook_has_no_defects(tmp_path: Path) -> None:
    build(tmp_path / "plans.xlsx")
    assert told_of(tmp_path / "plans.xlsx") == []


def test_names_below_the_first_row_set_all_plans_aside(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    book = build(path)
    book["activity"].insert_rows(1)
    book["activity"]["A1"] = "Timetable of the department"
    book.save(path)
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
    (told,) = found.set_aside.to_pylist()
    assert (told["code"], told["sheet"], told["row"]) == ("no-heading", "activity", 1)
    assert "row 2" in told["help"]
    assert found.plans.num_rows == 0


def test_a_sheet_of_another_name_is_told_of_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    book = build(path)
    book.create_sheet("on calls").append(["plan"])
    book.save(path)
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
    (told,) = found.set_aside.to_pylist()
    assert (told["code"], told["sheet"], told["help"]) == (
        "unknown-table",
        "on calls",
        "did you mean `on_call`?",
    )
    assert found.plans.num_rows == PLANS


def test_a_hidden_sheet_is_read_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    book = build(path)
    book["activity"].sheet_state = "hidden"
    book.save(path)
    with open_data([path], load_schema()) as data:
        assert any("hidden" in note for note in data.notes)
        (found,) = data.chunks(1000)
        assert found.rows["activity"].read == PLANS * ROWS


def test_days_of_the_1904_system_are_the_same_days(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    book = build(path)
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book["plan"]["D2"] = date(2025, 4, 2)
    book.save(path)
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
    assert found.plans.column("from_on")[0].as_py() == date(2025, 4, 2)


def test_a_workbook_without_plans_sets_its_rows_aside(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    book = build(path)
    del book["plan"]
    book.save(path)
    with open_data([path], load_schema()) as data:
        (found,) = data.chunks(1000)
    codes = [told["code"] for told in found.set_aside.to_pylist()]
    assert codes[0] == "missing-table"
    assert (
        codes.count("unknown-plan") == found.rows["activity"].read == found.rows["activity"].set_aside == 480
    )


def test_what_is_no_workbook_is_set_aside_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "plans.xlsx").write_text("no workbook", encoding="utf-8")
    assert [code for _, _, _, code in told_of(tmp_path / "plans.xlsx")] == ["unreadable-file"]


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "plans.xlsx")
    monkeypatch.setattr("jobplan.facts.tables.workbook.MOST_BYTES", 1000)
    assert [code for _, _, _, code in told_of(tmp_path / "plans.xlsx")] == ["too-large"]
