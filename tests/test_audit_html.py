"""The page on an audit, opened in a real browser: it holds all it needs, and its list of findings answers."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("jinja2")

from markupsafe import escape

from jobplan.errors import BrokenPolicy
from jobplan.expression.editions import load_policies
from jobplan.reports import RENDERERS, Style
from jobplan.reports.audit_missing import missing
from jobplan.reports.audit_summary import breakdowns, rule_lines, totals
from jobplan.reports.audit_tables import audit_tables
from jobplan.reports.html import write_html
from jobplan.reports.pictures import pictures
from jobplan.source import read_document
from tests.audit_pack import EMPLOYERS, ROOT, evaluator, write_pack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed: the page is not opened"
)
SLOW = 120_000  # milliseconds that any step may take, on any machine


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of 400 plans."""
    out = tmp_path_factory.mktemp("audit")
    write_pack(out, 400)
    write_html(out)
    return out


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """An audit of so many plans that there are more than 100,000 findings."""
    out = tmp_path_factory.mktemp("large")
    found = write_pack(out, 9000)
    write_html(out)
    return out, found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Watched:
    """A page with everything that it asked for and complained of."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.page: Page = browser.new_page(**options)
        self.page.set_default_timeout(SLOW)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]")
        self.file = file

    def count(self) -> int:
        """Return how many findings the list says that it shows."""
        return int(self.page.inner_text("#count").split()[0].replace(",", ""))

    def settled(self, expected: int) -> None:
        """Wait until the list shows so many findings."""
        self.page.wait_for_function(
            "count => document.getElementById('count').textContent.startsWith(count + ' ')",
            arg=f"{expected:,}",
        )

    def reset(self, total: int) -> None:
        self.page.click("#f-clear")
        self.settled(total)


@pytest.fixture
def opened(browser: Browser, pack: Path) -> Iterator[Watched]:
    watched = Watched(browser, pack / "report.html")
    yield watched
    assert watched.complaints == []
    assert watched.requests == [watched.file.as_uri()]
    watched.page.close()


def counted(pack: Path, condition: str) -> int:
    with audit_tables(pack) as tables:
        return int(tables.one(f"select count(*) from found left join plans using (plan) where {condition}"))


# --- figures ----------------------------------------------------------------------------------


def test_figures_add_up(pack: Path) -> None:
    with audit_tables(pack) as tables:
        lines = rule_lines(tables)
        figures = totals(tables, lines)
        assert sum(figures.standing.values()) == figures.judged == 400
        assert sum(figures.by_severity.values()) == figures.findings
        assert sum(figures.verdicts.values()) == 400 * len(lines)
        for part in breakdowns(tables):
            assert sum(group.plans for group in part.groups) == 400
            for verdict, count in figures.verdicts.items():
                assert sum(group.verdicts[verdict] for group in part.groups) == count


def test_groups_beyond_the_largest_are_one_row(pack: Path) -> None:
    with audit_tables(pack) as tables:
        part = next(part for part in breakdowns(tables, most=3) if part.fact == "specialty")
    assert len(part.groups) == 4
    assert part.groups[-1].value == "all others"
    assert sum(group.plans for group in part.groups) == 400


def test_missing_facts_are_ranked_by_what_each_would_settle(pack: Path) -> None:
    with audit_tables(pack) as tables:
        lacking, silent = missing(tables)
    assert [item.settles for item in lacking] == sorted((item.settles for item in lacking), reverse=True)
    assert all(0 <= item.settles <= item.waits for item in (*lacking, *silent))
    assert all(item.rules for item in lacking)
    assert {item.name for item in lacking}.isdisjoint(item.name for item in silent)


def test_every_declared_picture_is_drawn(pack: Path) -> None:
    with audit_tables(pack) as tables:
        drawn = pictures(tables)
    assert [picture.name.partition("/consultant-2003/")[2] for picture in drawn] == [
        "unit_split", "spa_spread", "on_call_pay",
    ]  # fmt: skip
    for picture in drawn:
        assert picture.boxes
        assert picture.rows
        assert all(box.x >= 0 and box.x + box.width <= picture.width + 0.1 for box in picture.boxes)
        assert all(box.y >= 0 and box.y + box.height <= picture.height for box in picture.boxes)


def test_a_picture_without_its_rows_says_so(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    shutil.rmtree(copy / "drawn")
    with audit_tables(copy) as tables:
        assert pictures(tables)[-1].note == "The audit did not keep the rows that this draws."
    assert "The audit did not keep the rows" in write_html(copy).read_text("utf-8")


# --- the file ---------------------------------------------------------------------------------


def test_same_tables_give_the_same_bytes(pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    before = (copy / "report.html").read_bytes()
    assert write_html(copy).read_bytes() == before


def test_no_part_is_fetched_and_no_value_becomes_markup(pack: Path) -> None:
    text = (pack / "report.html").read_text("utf-8")
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    assert "default-src 'none'" in text
    assert "unsafe" not in text
    assert "<Community>" not in text
    assert "&lt;Community&gt;" in text


def test_an_audit_that_found_nothing_is_a_page_too(tmp_path: Path) -> None:
    write_pack(tmp_path / "out", 0, set_aside=0)
    text = write_html(tmp_path / "out").read_text("utf-8")
    assert "Audit of 0 plans" in text
    assert "Nothing was set aside" in text


def test_a_checked_plan_is_a_page_without_script() -> None:
    judge = evaluator()
    plan = read_document(str(ROOT / "examples" / "made-up-evening-clinic.yaml")).data
    report = judge.report(judge.judge(judge.read({**plan, "employer_name": "<script>alert(1)</script>"})))
    out = io.StringIO()
    RENDERERS["html"]([report], out, Style(gaps=True))
    text = out.getvalue()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src 'none'" in text
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    for finding in report.findings:
        assert finding.rule in text
        assert str(escape(finding.title)) in text


def test_a_citation_in_full_keeps_its_capitals(pack: Path) -> None:
    with audit_tables(pack) as tables:
        told = [
            cite["full"] for policy in tables.policies for rule in policy["rules"] for cite in rule["cites"]
        ]
    assert any("restated by UCL" in text for text in told)
    assert all("Original" in text for text in told)


# --- in the browser ---------------------------------------------------------------------------


@needs_browser
def test_filters_show_what_the_tables_hold(opened: Watched, pack: Path) -> None:
    page, total = opened.page, counted(pack, "true")
    opened.settled(total)
    for select, value, condition in (
        ("#f-topic", "on-call", "topic = 'on-call'"),
        ("#f-waived", "no", "not is_waived"),
        ("#f-waived", "yes", "is_waived"),
        (".f-fact[data-fact=specialty]", "anaesthetics", "specialty = 'anaesthetics'"),
        (".f-fact[data-fact=nation]", "england", "nation = 'england'"),
        (".f-fact[data-fact=contract]", "consultant-2003", "contract = 'consultant-2003'"),
        (".f-fact[data-fact=employer_name]", EMPLOYERS[3], "employer_name like 'Harrow%'"),
    ):  # fmt: skip
        page.select_option(select, value)
        opened.settled(counted(pack, condition))
        opened.reset(total)
    page.fill("#f-plan", "plan-00007")
    opened.settled(counted(pack, "plan = 'plan-00007'"))
    opened.reset(total)
    page.fill("#f-text", '"8 % is paid"')
    opened.settled(counted(pack, "message like '%8 \\% is paid%' escape '\\'"))
    opened.reset(total)
    page.uncheck("[name=severity][value=gap]")
    opened.settled(counted(pack, "severity <> 'gap'"))
    opened.reset(total)
    rule = page.get_attribute("#f-rule option:has-text('supplement-as-table (')", "value")
    page.select_option("#f-rule", rule)
    opened.settled(counted(pack, "rule = 'supplement-as-table'"))


@needs_browser
def test_a_missing_fact_leads_to_the_gaps_that_wait_for_it(opened: Watched, pack: Path) -> None:
    with audit_tables(pack) as tables:
        first = missing(tables)[0][0]
    opened.page.click(f'#todo [data-lack="{first.name}"]')
    opened.settled(first.waits)


@needs_browser
def test_protects_filters_by_the_rule(opened: Watched, pack: Path) -> None:
    with audit_tables(pack) as tables:
        ids = [
            rule["id"]
            for policy in tables.policies
            for rule in policy["rules"]
            if rule["protects"] == "doctor"
        ]
    listed = ", ".join(f"'{id}'" for id in ids)
    opened.page.select_option("#f-protects", "doctor")
    opened.settled(counted(pack, f"rule in ({listed})"))


@needs_browser
def test_a_finding_opens_by_keyboard_with_evidence_and_law(opened: Watched) -> None:
    page = opened.page
    page.focus("#grid")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#grid", "aria-activedescendant") == "row-2"
    page.keyboard.press("Enter")
    detail = page.inner_text("#detail")
    assert "Evidence" in detail
    assert "Law" in detail
    assert "original" in detail.lower()
    page.keyboard.press("Escape")
    assert not page.is_visible("#detail")
    page.keyboard.press("End")
    last = opened.count() - 1
    assert page.get_attribute("#grid", "aria-activedescendant") == f"row-{last}"
    assert page.is_visible(f"#row-{last}")


@needs_browser
def test_a_rule_opens_with_its_law(opened: Watched) -> None:
    opened.page.click("#worst .link >> nth=0")
    assert "May be waived" in opened.page.inner_text("#detail")


@needs_browser
def test_what_is_printed_is_grouped_by_rule_and_says_how_much_there_is(opened: Watched) -> None:
    opened.page.emulate_media(media="print")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = opened.page.inner_text("#printed")
    assert "Printed are the first 5 of a rule" in printed
    assert not opened.page.is_visible("#explorer")


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_of_the_page(browser: Browser, pack: Path, width: int) -> None:
    watched = Watched(browser, pack / "report.html", viewport={"width": width, "height": 800})
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.page.close()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Browser, pack: Path, scheme: str) -> None:
    """The contrast of text, dimmed text and links is that of WCAG AA, in light and in dark."""
    watched = Watched(browser, pack / "report.html", color_scheme=scheme)
    ratios = watched.page.evaluate(CONTRASTS)
    assert min(ratios.values()) >= 4.5, ratios
    watched.page.close()


CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    paint.fillStyle = style.getPropertyValue(name).trim();
    const parts = paint.fillStyle.match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16) / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {};
  for (const ground of ["--paper", "--raised"]) {
    for (const ink of ["--ink", "--dim", "--link"]) {
      const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
      found[ink + " on " + ground] = (high + 0.05) / (low + 0.05);
    }
  }
  const drawn = [["--on-dark", "--series-0"], ["--on-light", "--series-1"], ["--on-light", "--series-2"]];
  for (const [ink, ground] of drawn) {
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    found[ink + " on " + ground] = (high + 0.05) / (low + 0.05);
  }
  return found;
}"""


@needs_browser
def test_a_hundred_thousand_findings_are_filtered(browser: Browser, large: tuple[Path, int]) -> None:
    """Few rows are in the page at a time, and every filter answers."""
    out, total = large
    assert total >= 100_000
    watched = Watched(browser, out / "report.html")
    watched.settled(total)
    assert watched.page.locator(".row").count() < 60
    watched.page.fill("#f-text", '"weekends 1 in 8"')
    watched.settled(counted(out, "message like '%weekends 1 in 8%'"))
    watched.reset(total)
    watched.page.evaluate("document.getElementById('body').scrollTop = 3000000")
    watched.page.wait_for_function("() => document.querySelector('.row').dataset.place > 40000")
    watched.page.select_option("#f-order", "plan")
    watched.page.wait_for_function(
        "() => document.querySelector('#row-0 .plan')?.textContent.startsWith('plan-')"
    )
    watched.page.fill("#f-plan", "plan-08999")
    watched.settled(counted(out, "plan = 'plan-08999'"))
    assert watched.complaints == []
    assert watched.requests == [(out / "report.html").as_uri()]
    watched.page.close()


@needs_browser
def test_what_does_not_fit_is_said_aloud(browser: Browser, pack: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pack, copy)
    write_html(copy, most=100)
    watched = Watched(browser, copy / "report.html")
    told = watched.page.inner_text("#findings .cut >> nth=0")
    assert told.startswith(f"100 of {counted(pack, 'true'):,} findings are in this file, the gravest first.")
    assert "findings.parquet" in told
    watched.settled(100)
    assert set(watched.page.locator(".row .tag").all_inner_texts()) == {"breach"}
    watched.page.close()


# --- what policies may draw -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("distribution: spa_units", "distribution: spa_unit", "no measure `spa_unit`"),
        ("[advertised_spa_units, least_spa_units]", "[least_spa]", "no parameter `least_spa`"),
        ("[advertised_spa_units, least_spa_units]", "[weekly_rest_hours]", "`weekly_rest_hours` is in `h`"),
        ("given: supplement_percent", "given: supplement", "no fact or column of `on_call` `supplement`"),
        ("of: on_call\n", "of: on_cal\n", "no relation `on_cal`"),
        ("by: specialty", "by: speciality", "no fact of the plan `speciality`"),
        ("by: specialty", "by: from_on", "`from_on` is a date"),
        (
            "    split: [",
            "    distribution: spa_units\n    split: [",
            "expected one of `split`, `distribution`",
        ),
        ("step: 0.25", "given: spa_units", "`given` says nothing of a picture of the kind `distribution`"),
        ("    given: supplement_percent\n", "", "`against` needs `given`"),
    ],
)
def test_a_picture_of_what_is_not_there_is_refused(tmp_path: Path, was: str, now: str, said: str) -> None:
    policies = Path(__file__).parent.parent / "policies"
    shutil.copytree(policies, tmp_path / "policies")
    frame = tmp_path / "policies/england/consultant-2003/policy.yaml"
    text = frame.read_text("utf-8")
    assert was in text
    frame.write_text(text.replace(was, now, 1), encoding="utf-8")
    with pytest.raises(BrokenPolicy) as broken:
        load_policies(tmp_path / "policies").checked("england/consultant-2003")
    assert said in str(broken.value)
    assert "policy.yaml:" in str(broken.value)
