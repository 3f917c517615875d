"""The workbook of an audit: what people filter and sort is there, as text, within what Excel can hold."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("xlsxwriter")
pytest.importorskip("openpyxl")

import openpyxl

from jobplan.reports import sheets
from jobplan.reports.audit_tables import audit_tables
from jobplan.reports.sheets import Book, Column
from jobplan.reports.workbook import created, write_workbook
from tests.audit_pack import write_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit")
    write_pack(out, 60)
    write_workbook(out)
    return out


@pytest.fixture(scope="module")
def book(pack: Path) -> Any:
    return openpyxl.load_workbook(pack / "findings.xlsx")


def column(sheet: Any, title: str) -> list[Any]:
    """Return the cells below a heading."""
    place = [cell.value for cell in sheet[1]].index(title)
    return [row[place].value for row in sheet.iter_rows(min_row=2)]


def text_of(sheet: Any) -> str:
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def test_there_is_a_sheet_for_each_group_of_rules_that_is_violated(book: Any, pack: Path) -> None:
    with audit_tables(pack) as tables:
        topics = [
            row[0] for row in tables.rows("select distinct topic from found where verdict = 'violated'")
        ]
    named = {topic.replace("-", " ").capitalize()[:31].strip() for topic in topics}
    assert {"Summary", "Findings", "To do", "Set aside", "Rules"} | named == set(book.sheetnames)
    assert book.sheetnames[0] == "Summary"


def test_every_finding_is_a_row_with_its_place_law_and_source(book: Any, pack: Path) -> None:
    sheet = book["Findings"]
    with audit_tables(pack) as tables:
        keys = [row[0] for row in tables.rows("select key from found")]
    assert sorted(column(sheet, "Key")) == sorted(keys)
    assert all(place.startswith("plans.xlsx!") for place in column(sheet, "Where it stands"))
    assert all("confidence" in law for law in column(sheet, "Law"))
    linked = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.hyperlink is not None]
    assert linked
    assert all(cell.hyperlink.target.startswith(("http://", "https://")) for cell in linked)


def test_the_gravest_stand_first_and_a_colour_goes_with_the_word(book: Any) -> None:
    sheet = book["Findings"]
    words = column(sheet, "Severity")
    assert words == sorted(words, key=list(sheets.COLOURS).index)
    grounds = {row[0].value: row[0].fill.fgColor.rgb for row in sheet.iter_rows(min_row=2)}
    assert len(set(grounds.values())) == len(grounds) > 3


def test_lists_have_filters_and_frozen_headings(book: Any) -> None:
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "C2"
        assert sheet.auto_filter.ref.startswith("A1:")


def test_no_text_begins_a_formula(book: Any) -> None:
    """One of the reasons is `=1+1`."""
    assert "=1+1" in column(book["Set aside"], "Reason")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_sheets_of_rules_and_of_what_is_missing_are_whole(book: Any, pack: Path) -> None:
    with audit_tables(pack) as tables:
        ids = [rule["id"] for policy in tables.policies for rule in policy["rules"]]
    assert column(book["Rules"], "Rule") == ids
    assert all(isinstance(count, int) for count in column(book["Rules"], "Violated"))
    assert all(column(book["To do"], "Rules that wait"))
    assert len(column(book["Set aside"], "Plan")) == 12


def test_same_tables_give_the_same_bytes(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    before = (copy / "findings.xlsx").read_bytes()
    assert write_workbook(copy).read_bytes() == before


def test_what_was_cut_is_told_in_the_summary(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    book = openpyxl.load_workbook(write_workbook(copy, most=40, each=3))
    with audit_tables(copy) as tables:
        total = tables.one("select count(*) from found")
    summary = text_of(book["Summary"])
    assert f"“Findings” has 40 of {total:,} findings, the gravest." in summary
    assert "“On call” has 3 of " in summary
    assert len(column(book["Findings"], "Key")) == 40
    assert set(column(book["Findings"], "Severity")) == {"breach"}


def test_summary_of_a_whole_book_says_that_everything_is_there(book: Any) -> None:
    assert "Everything is here." in text_of(book["Summary"])


def test_a_text_longer_than_a_cell_is_cut_aloud(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    table = pq.read_table(copy / "findings.parquet")
    place = table.schema.get_field_index("message")
    long = pa.array(["=" + "x" * 40_000] * table.num_rows)
    pq.write_table(table.set_column(place, "message", long), copy / "findings.parquet")
    cell = column(openpyxl.load_workbook(write_workbook(copy, most=1))["Findings"], "Finding")[0]
    assert len(cell) <= 32_767
    assert cell.startswith("=xxx")
    assert cell.endswith(sheets.CUT)


def test_rows_and_links_beyond_what_excel_holds_are_told_of(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 6)
    monkeypatch.setattr(sheets, "MOST_LINKS", 2)
    with audit_tables(pack) as tables:
        made = Book(tmp_path / "small.xlsx", "small", created(tables))
    rows = [(f"row {number}", f"https://example.org/{number}") for number in range(9)]
    assert made.table("Rows", [Column("Name", 10), Column("Link", 30, "link")], rows) == 5
    made.close()
    assert any("4 rows do not fit" in note for note in made.notes)
    sheet = openpyxl.load_workbook(tmp_path / "small.xlsx")["Rows"]
    linked = [row[1].hyperlink is not None for row in sheet.iter_rows(min_row=2)]
    assert linked == [True, True, False, False, False]


@pytest.mark.parametrize("text", ["javascript:alert(1)", "file:///etc/passwd", "mailto:a@b", "https://a b"])
def test_only_pages_of_the_web_become_links(text: str) -> None:
    assert not sheets.is_link(text)
