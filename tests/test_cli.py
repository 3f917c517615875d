"""The command line, run as a process: what goes where, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny

ROOT = Path(__file__).resolve().parents[1]
ESCAPE = "\x1b["
COMMANDS = [
    "audit",
    "audit compare",
    "audit verify",
    "check",
    "explain",
    "policy",
    "policy find",
    "policy list",
    "policy show",
    "policy test",
    "schema",
]

TOPIC: dict[str, Any] = {
    "parameters": {
        "most_units": {
            "title": "Most units",
            "unit": "unit/week",
            "values": [{"from": "2000-01-01", "value": 10}],
        },
    },
    "rules": [
        {"id": "units-at-most", "title": "No more units than that", "for_each": "plan",
         "requires": "contracted_units <= most_units",
         "message": "{contracted_units} PA are above {most_units}",
         "cites": [tiny.cite("Schedule 7, paragraph 1")], "facts": ["T-UNIT-01"]},
        {"id": "objectives-advised", "for_each": "plan", "force": "recommendation",
         "requires": "recorded(discussed_on)"},
        {"id": "signed-by-both", "for_each": "plan", "requires": "doctor_signed_on >= from_on"},
    ],
}  # fmt: skip
"""Of a plan with eleven units and nothing else: a breach, an advice, and a gap."""

OTHER = {
    "rules": [{"id": "grade-known", "for_each": "plan", "requires": "grade = 'consultant'", "facts": ["T-2"]}]
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with policies, plans good and bad, and a broken policy."""
    place = tmp_path_factory.mktemp("cli")
    tiny.write_policies(place / "policies", TOPIC, OTHER)
    tiny.write(place / "eleven.yaml", tiny.plan(id="eleven", contracted_units=11, grade="consultant"))
    tiny.write(place / "ten.yaml", tiny.plan(id="ten", contracted_units=10, grade="consultant",
               discussed_on="2024-05-01", doctor_signed_on="2024-06-02"))  # fmt: skip
    tiny.write(place / "no-day.yaml", {key: value for key, value in tiny.plan().items() if key != "from_on"})
    tiny.write(place / "typo.yaml", tiny.plan(contracted_unit=11))
    tiny.write_policies(
        place / "broken", {"rules": [{"id": "r", "for_each": "plan", "requires": "unitz > 1"}]}
    )
    (place / "empty").mkdir()
    return place


class Ran:
    """What a run printed, and its exit code."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(
    folder: Path, *arguments: str, stdin: bytes = b"", policies: str = "policies", **environment: str
) -> Ran:
    """Run `jobplan` in a folder whose policies it finds by the environment."""
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    places = {"PYTHONPATH": str(ROOT / "engine"), "JOBPLAN_POLICIES": str(folder / policies)}
    command = [sys.executable, "-m", "jobplan", *arguments]
    return Ran(
        subprocess.run(
            command,
            cwd=folder,
            env={**known, **places, "COLUMNS": "100", **environment},
            input=stdin,
            capture_output=True,
            check=False,
        )
    )


# --- exit codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ten.yaml"], 0),
        (["eleven.yaml"], 1),
        (["ten.yaml", "eleven.yaml"], 1),
        (["eleven.yaml", "--fail-on", "never"], 0),
        (["eleven.yaml", "--rule", "objectives-advised", "--fail-on", "caution"], 0),
        (["eleven.yaml", "--rule", "objectives-advised", "--fail-on", "advice"], 1),
        (["eleven.yaml", "--rule", "signed-by-both"], 0),
        (["eleven.yaml", "--rule", "signed-by-both", "--fail-on", "gap"], 1),
        (["eleven.yaml", "--rule", "signed-by-both", "--fail-on", "open"], 1),
        (["eleven.yaml", "--topic", "topic-1"], 0),
        (["eleven.yaml", "--severity", "breach"], 1),
        (["eleven.yaml", "--severity", "caution"], 0),
        (["no-day.yaml"], 3),
        (["no-day.yaml", "--as-of", "2024-06-01"], 1),
        (["typo.yaml"], 3),
        (["absent.yaml"], 3),
        (["ten.yaml", "typo.yaml"], 3),
        (["eleven.yaml", "typo.yaml"], 3),
        ([], 2),
        (["ten.yaml", "--today", "2024-13-01"], 2),
        (["ten.yaml", "--format", "runes"], 2),
        (["ten.yaml", "--policies", "absent"], 2),
        (["ten.yaml", "--policies", "empty"], 2),
        (["ten.yaml", "--overlay", "absent"], 2),
        (["ten.yaml", "--overlay", "empty"], 2),
        (["ten.yaml", "--rule", "units-at-mots"], 2),
        (["ten.yaml", "--topic", "topic-3"], 2),
        (["ten.yaml", "--severity", "terrible"], 2),
        (["ten.yaml", "--fail-on", "anything"], 2),
        (["ten.yaml", "--assume", "grade"], 2),
        (["ten.yaml", "--assume", "plan.grede=consultant"], 2),
        (["ten.yaml", "--policies", "broken"], 2),
    ],
)  # fmt: skip
def test_check_ends_with_the_code_that_says_what_was_found(
    folder: Path, arguments: Sequence[str], code: int
) -> None:
    ran = run(folder, "check", *arguments)
    assert ran.code == code, ran.out + ran.err
    assert "Traceback" not in ran.err
    assert bool(ran.err) == (code in (2, 3))


def test_a_wrong_command_is_answered_with_the_likeliest(folder: Path) -> None:
    ran = run(folder, "chekc")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `check`?" in ran.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["check", "ten.yaml", "--rule", "units-at-mots"], "units-at-most"),
        (["check", "ten.yaml", "--assume", "plan.grede=consultant"], "plan.grade"),
        (["check", "typo.yaml"], "contracted_units"),
        (["explain", "ten.yaml", "units-at-mots"], "units-at-most"),
        (["policy", "show", "england/tini"], "england/tiny"),
        (["policy", "show", "england/tiny", "units-at-mots"], "units-at-most"),
        (["policy", "lits"], "list"),
        (["schema", "plann"], "plan"),
    ],
)
def test_a_wrong_name_is_answered_with_the_likeliest(
    folder: Path, arguments: Sequence[str], hint: str
) -> None:
    ran = run(folder, *arguments)
    assert ran.code in (2, 3)
    assert f"did you mean `{hint}`?" in ran.err


# --- what goes where ---------------------------------------------------------------------------------


def test_json_goes_to_standard_output_and_complaints_to_standard_error(folder: Path) -> None:
    ran = run(folder, "check", "typo.yaml", "eleven.yaml", "--format", "json")
    assert [report["plan"]["id"] for report in ran.json] == ["eleven"]
    assert "typo.yaml: set aside" in ran.err
    assert "error[unknown-field]" in ran.err


def test_the_shape_of_json_depends_on_what_was_asked_and_not_on_what_was_wrong(folder: Path) -> None:
    assert run(folder, "check", "ten.yaml", "--format", "json").json["plan"]["id"] == "ten"
    assert run(folder, "check", "typo.yaml", "no-day.yaml", "--format", "json").json == []
    assert run(folder, "check", "typo.yaml", "--format", "json").out == ""


def test_a_plan_that_cannot_be_judged_is_set_aside_and_the_rest_goes_on(folder: Path) -> None:
    ran = run(folder, "check", "typo.yaml", "eleven.yaml", "no-day.yaml", "ten.yaml")
    assert ran.code == 3
    assert ran.out.index("eleven") < ran.out.index("ten.yaml")
    assert ran.err.count("set aside") == 2
    assert "--as-of" in ran.err


def test_a_plan_comes_from_standard_input(folder: Path) -> None:
    text = (folder / "eleven.yaml").read_bytes()
    ran = run(folder, "check", "-", "--format", "json", stdin=text)
    assert (ran.code, ran.json["plan"]["id"], ran.json["plan"]["file"]) == (1, "eleven", "-")
    explained = run(folder, "explain", "-", "units-at-most", stdin=text)
    assert explained.out.startswith("violated")


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"{", b"[1]", b"a: &x 1"])
def test_standard_input_that_is_no_plan_is_set_aside(folder: Path, text: bytes) -> None:
    ran = run(folder, "check", "-", stdin=text)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("-: set aside")
    assert "Traceback" not in ran.err


def test_a_broken_policy_is_shown_with_file_line_and_the_way_out(folder: Path) -> None:
    ran = run(folder, "check", "ten.yaml", policies="broken")
    assert (ran.code, ran.out) == (2, "")
    assert "topic-0.yaml" in ran.err
    assert "unitz" in ran.err


def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    first, second = (run(folder, "check", "eleven.yaml", "--today", "2024-06-01", "--gaps") for _ in "ab")
    assert first.out == second.out


# --- choices -----------------------------------------------------------------------------------------


def rules_of(ran: Ran) -> set[str]:
    return {finding["rule"] for finding in ran.json["findings"]}


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ([], {"units-at-most", "objectives-advised", "signed-by-both"}),
        (["--no-gaps"], {"units-at-most", "objectives-advised"}),
        (["--rule", "signed-by-both"], {"signed-by-both"}),
        (["--rule", "signed-by-both", "--rule", "units-at-most"], {"signed-by-both", "units-at-most"}),
        (["--topic", "topic-1"], set()),
        (["--severity", "advice"], {"objectives-advised"}),
        (["--severity", "advice", "--severity", "gap"], {"objectives-advised", "signed-by-both"}),
    ],
)  # fmt: skip
def test_findings_are_chosen(folder: Path, options: Sequence[str], rules: set[str]) -> None:
    assert rules_of(run(folder, "check", "eleven.yaml", "--format", "json", *options)) == rules


def test_verdicts_are_chosen_by_rule_and_topic(folder: Path) -> None:
    ran = run(folder, "check", "eleven.yaml", "--format", "json", "--topic", "topic-1")
    assert [verdict["rule"] for verdict in ran.json["verdicts"]] == ["grade-known"]


def test_gaps_are_summed_up_in_text_and_shown_one_by_one_if_asked(folder: Path) -> None:
    brief, long = (run(folder, "check", "eleven.yaml", *more).out for more in ([], ["--gaps"]))
    assert "[signed-by-both]" not in brief
    assert "plan.doctor_signed_on" in brief
    assert "[signed-by-both]" in long


def test_evidence_is_shown_if_asked(folder: Path) -> None:
    line = "most_units = 10"
    assert line not in run(folder, "check", "eleven.yaml").out
    assert line in run(folder, "check", "eleven.yaml", "--evidence").out


def test_an_assumption_fills_a_gap_aloud(folder: Path) -> None:
    options = ("--assume", "plan.doctor_signed_on=2024-06-02", "--format", "json")
    ran = run(folder, "check", "eleven.yaml", *options)
    assert rules_of(ran) == {"units-at-most", "objectives-advised"}
    assert [item["by"] for item in ran.json["assumptions"]] == ["user"]


@pytest.mark.parametrize("engine", ["reference", "rete"])
def test_the_back_end_is_chosen(folder: Path, engine: str) -> None:
    if engine == "rete":
        pytest.importorskip("durable_rules_engine")
    ran = run(folder, "check", "eleven.yaml", "--engine", engine, "--format", "json")
    assert ("reference" in ran.json["engine"]["verdicts_by"]) == (engine == "reference")
    assert len(rules_of(ran)) == 3


# --- colour ------------------------------------------------------------------------------------------


def test_colour_is_written_only_to_a_terminal_or_if_asked(folder: Path) -> None:
    assert ESCAPE not in run(folder, "check", "eleven.yaml").out
    assert ESCAPE not in run(folder, "check", "eleven.yaml", "--colour", "never").out
    assert ESCAPE in run(folder, "check", "eleven.yaml", "--colour", "always").out
    assert ESCAPE in run(folder, "explain", "eleven.yaml", "units-at-most", "--color", "always").out


@pytest.mark.parametrize("command", [["check", "eleven.yaml"], ["policy", "list"]])
def test_no_color_is_honoured_on_a_terminal(folder: Path, command: Sequence[str]) -> None:
    pytest.importorskip("pty")
    assert ESCAPE in on_terminal(folder, command)
    assert ESCAPE in on_terminal(folder, command, NO_COLOR="")
    assert ESCAPE not in on_terminal(folder, command, NO_COLOR="1")


def on_terminal(folder: Path, command: Sequence[str], **environment: str) -> str:
    """Return what a command writes to a terminal of its own."""
    import pty

    upper, lower = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    places = {"PYTHONPATH": str(ROOT / "engine"), "JOBPLAN_POLICIES": str(folder / "policies")}
    process = subprocess.Popen(
        [sys.executable, "-m", "jobplan", *command],
        cwd=folder,
        env={**known, **places, "TERM": "xterm", **environment},
        stdout=lower,
        stderr=subprocess.DEVNULL,
    )
    os.close(lower)
    written = b""
    try:
        while part := os.read(upper, 65536):
            written += part
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(upper)
        process.wait()
    return written.decode()


# --- the other commands ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(folder: Path, command: str) -> None:
    ran = run(folder, *command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"jobplan {command}" in ran.out.partition("Example")[2], ran.out


def test_help_of_all_names_every_command(folder: Path) -> None:
    ran = run(folder, "--help")
    assert ran.code == 0
    assert all(f"  {name} " in ran.out for name in ("check", "explain", "policy", "schema"))


def test_version_says_which_evaluator_is_at_work(folder: Path) -> None:
    ran = run(folder, "--version")
    assert ran.code == 0
    assert "verdicts by" in ran.out


@pytest.mark.parametrize("name", ["plan", "policy", "cases", "report"])
def test_a_schema_is_printed_as_it_is_published(folder: Path, name: str) -> None:
    ran = run(folder, "schema", name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8")


def test_explain_prints_a_tree_and_json(folder: Path) -> None:
    text = run(folder, "explain", "eleven.yaml", "units-at-most", "--today", "2024-06-01")
    assert (text.code, text.err) == (0, "")
    assert "contracted_units = 11 PA a week" in text.out
    assert "most_units = 10 PA a week" in text.out
    ran = run(folder, "explain", "eleven.yaml", "units-at-most", "--format", "json")
    assert ran.json["subjects"][0]["requires"]["text"] == "contracted_units <= most_units"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["typo.yaml", "units-at-most"], 3, "contracted_unit"),
        (["no-day.yaml", "units-at-most"], 3, "--as-of"),
        (["ten.yaml", "units-at-most", "--row", "x"], 2, "no row `x`"),
        (["ten.yaml"], 2, "RULE"),
    ],
)
def test_explain_says_what_it_cannot_explain(
    folder: Path, arguments: Sequence[str], code: int, words: str
) -> None:
    ran = run(folder, "explain", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_policies_are_listed_broken_ones_too(folder: Path) -> None:
    ran = run(folder, "policy", "list")
    assert ran.code == 0
    assert "england/tiny" in ran.out
    assert "Tiny terms" in ran.out
    data = run(folder, "policy", "list", "--format", "json").json
    assert {key: data["policies"][0][key] for key in ("rules", "cases", "facts")} == {
        "rules": 4, "cases": 0, "facts": 3,
    }  # fmt: skip
    broken = run(folder, "policy", "list", policies="broken")
    assert broken.code == 2
    assert "broken" in broken.out
    assert "unitz" in broken.err


@pytest.mark.parametrize("form", ["text", "yaml", "json"])
def test_a_policy_is_shown_in_each_format(folder: Path, form: str) -> None:
    ran = run(folder, "policy", "show", "england/tiny", "--on", "2024-06-01", "--format", form)
    assert (ran.code, ran.err) == (0, "")
    assert "must be at most 10 PA a week" in " ".join(ran.out.split())


@pytest.mark.parametrize("query", ["Sch 7 para 1", "Schedule 7, paragraph 1", "T-UNIT-01", "more units"])
def test_a_rule_is_found_by_clause_fact_and_words(folder: Path, query: str) -> None:
    ran = run(folder, "policy", "find", *query.split(), "--format", "json")
    assert ran.json["found"][0]["id"] == "units-at-most"


def test_nothing_found_is_said_aside(folder: Path) -> None:
    ran = run(folder, "policy", "find", "xyzzy")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing found" in ran.err
