"""The documents say what is so: commands run, snippets are read, excerpts are real, links lead somewhere.

A block of code carries, in a comment before it that readers do not see, what is to be done with it:

    run [exit N] [in FILE put "new" for "old"]   run it; the words are exchanged for that run only
    output, errors                               what the last run printed holds this; `…` is what is left out
    file NAME, append NAME                       write it where the runs take place
    excerpt PATH                                 the file in the repository says all this, and more
    policy                                       the real reader reads it as one more topic
    plan                                         the real reader reads it as a plan; its id may be left out
    walls                                        it draws the import walls
    show WHY                                     it is only looked at
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import click
import pytest

from jobplan.cli import main
from jobplan.expression.editions import Policies
from jobplan.facts import load_schema, read_plan
from jobplan.source import read_document

ROOT = Path(__file__).resolve().parent.parent
READ_BY_PEOPLE = ["README.md", "docs/architecture.md", "docs/policy-language.md", "docs/plan-format.md"]
WITH_LINKS = ["README.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
POLICY = "england/consultant-2003"
TODAY = "2025-06-01"
LEFT_OUT = "…"
LANGUAGES = {"sh", "python", "yaml", "text", "json", "mermaid"}


def text_of(document: str) -> str:
    """Return what a file of the repository says."""
    return (ROOT / document).read_text("utf-8")


def prose_of(document: str) -> str:
    """Return a document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text_of(document), flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code of a document, and what its comment says is to be done with it."""

    document: str
    line: int
    language: str
    text: str
    does: str
    words: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


MARK = re.compile(r"^<!-- *([a-z]+)(?:: *(.*?))? *-->$")


def blocks_of(document: str) -> Iterator[Block]:
    """Yield the blocks of code of a document."""
    before, opened, language, inside = "", 0, "", list[str]()
    for number, line in enumerate(text_of(document).splitlines(), 1):
        if not line.startswith("```"):
            if opened:
                inside.append(line)
            elif line:
                before = line
        elif not opened:
            opened, language, inside = number, line[3:].strip(), []
        else:
            mark = MARK.match(before)
            does, words = (mark[1], mark[2] or "") if mark else ("", "")
            yield Block(document, opened, language, "".join(f"{text}\n" for text in inside), does, words)
            before, opened = "", 0


BLOCKS = [block for document in READ_BY_PEOPLE for block in blocks_of(document)]


def that(*does: str) -> list[Any]:
    """Return the blocks with which one of these things is to be done, as parameters of a test."""
    return [pytest.param(block, id=block.place) for block in BLOCKS if block.does in does]


@pytest.mark.parametrize("document", READ_BY_PEOPLE)
def test_each_block_says_what_is_done_with_it(document: str) -> None:
    known = {"run", "output", "errors", "file", "append", "excerpt", "policy", "plan", "walls", "show"}
    mine = [block for block in BLOCKS if block.document == document]
    assert [block.place for block in mine if block.does not in known or block.language not in LANGUAGES] == []
    assert [block.place for block in mine if block.does == "show" and not block.words] == []


# --- commands ----------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with all that a reader has who has fetched the project, and the command `jobplan`."""
    for folder in ("examples", "policies", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    command = bin_ / "jobplan"
    today = f'case "$1" in check|explain) set -- "$@" --today {TODAY};; esac'
    command.write_text(f'#!/bin/sh\n{today}\nexec "{sys.executable}" -m jobplan "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def ran(block: Block, desk: Path) -> subprocess.CompletedProcess[str]:
    """Run a block in the reader's folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBPLAN_")}
    environment |= {
        "PATH": f"{desk / 'bin'}{os.pathsep}{environment.get('PATH', '')}",
        "PYTHONPATH": str(ROOT / "engine"),
        "PYTHONIOENCODING": "utf-8",
    }
    command = ["sh", "-ec", block.text] if block.language == "sh" else [sys.executable, "-c", block.text]
    return subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, check=False)


EXCHANGE = re.compile(r'in (\S+) put "(.*)" for "(.*)"')


def tried(block: Block, desk: Path) -> subprocess.CompletedProcess[str]:
    """Run a block, with the words exchanged that its comment names, and put them back."""
    exchange = EXCHANGE.search(block.words)
    if exchange is None:
        return ran(block, desk)
    file = desk / exchange[1]
    before = file.read_text("utf-8")
    assert exchange[3] in before, f"{block.place}: {exchange[1]} does not hold {exchange[3]!r}"
    file.write_text(before.replace(exchange[3], exchange[2]), encoding="utf-8")
    try:
        return ran(block, desk)
    finally:
        file.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("document", READ_BY_PEOPLE)
def test_what_a_document_tells_to_do_works(document: str, desk: Path) -> None:
    last: subprocess.CompletedProcess[str] | None = None
    for block in (block for block in BLOCKS if block.document == document):
        if block.does == "file":
            (desk / block.words).write_text(block.text, encoding="utf-8")
        elif block.does == "append":
            with (desk / block.words).open("a", encoding="utf-8") as file:
                file.write(block.text)
        elif block.does == "run":
            last = tried(block, desk)
            wanted = re.search(r"exit (\d)", block.words)
            found = f"{block.place}:\n{last.stdout}{last.stderr}"
            assert last.returncode == (int(wanted[1]) if wanted else 0), found
        elif block.does in ("output", "errors"):
            assert last is not None, f"{block.place}: nothing was run before"
            printed = last.stdout if block.does == "output" else last.stderr
            missing = [part for part in parts(block.text) if part not in tidy(printed)]
            found = "\n--- in:\n".join(["\n".join(missing), printed])
            assert not missing, f"{block.place}: not printed:\n{found}"


def tidy(text: str) -> str:
    """Return a text without trailing blanks, and without the places of lines in files."""
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(re.sub(r"^( +at \S+\.yaml):\d+:\d+$", r"\1", line) for line in lines)


def parts(text: str) -> list[str]:
    """Return the pieces of an output between the lines that are left out."""
    groups = itertools.groupby(tidy(text).splitlines(), lambda line: line.strip() == LEFT_OUT)
    return ["\n".join(lines).strip("\n") for left_out, lines in groups if not left_out]


def test_pieces_of_an_output_are_told_apart() -> None:
    assert parts("a\n  b \n…\n\nc\n") == ["a\n  b", "c"]


def test_place_of_a_line_may_move() -> None:
    assert tidy("   at a/b.yaml:3:4 ") == "   at a/b.yaml"
    assert tidy("letters.yaml:31:32: error") == "letters.yaml:31:32: error"


# --- snippets ----------------------------------------------------------------------------------------


def holds(whole: Any, part: Any) -> bool:
    """Tell whether data say all that `part` says."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and holds(whole[k], part[k]) for k in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(holds(item, wanted) for item in whole) for wanted in part)
    return bool(type(whole) is type(part) and whole == part)


def test_excerpt_may_leave_out_and_not_make_up() -> None:
    whole = {"a": [{"b": 1, "c": 2}, {"b": 3}]}
    assert holds(whole, {"a": [{"b": 3}]})
    assert not holds(whole, {"a": [{"b": 3, "c": 2}]})


@pytest.mark.parametrize("block", that("excerpt"))
def test_excerpt_stands_in_its_file(block: Block) -> None:
    whole = read_document(str(ROOT / block.words)).data
    part = read_document(block.place, block.text).data
    for key, value in part.items():
        wanted = value if isinstance(value, list) else [value]
        for item in wanted:
            found = {key: [item] if isinstance(value, list) else item}
            assert holds(whole, found), f"{block.words} does not say:\n{json.dumps(found, indent=1)}"


@pytest.mark.parametrize("block", that("plan"))
def test_plan_is_read(block: Block) -> None:
    head = "".join(
        f"{key}: {value}\n"
        for key, value in (("version", "1"), ("id", "snippet"))
        if not re.search(rf"^{key}:", block.text, re.MULTILINE)
    )
    read_plan(read_document(block.place, head + block.text), load_schema())


def test_policy_snippets_are_read_together(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for block in BLOCKS:
        if block.does == "policy":
            name = f"{Path(block.document).stem}-{block.line}.yaml"
            (tmp_path / "policies" / POLICY / name).write_text(block.text, encoding="utf-8")
    Policies(tmp_path / "policies").checked(POLICY)


# --- completeness ------------------------------------------------------------------------------------


def keys_of(schema: Any) -> Iterator[str]:
    """Yield every property that a schema declares."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties" and isinstance(value, dict):
                yield from value
            yield from keys_of(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from keys_of(item)


@pytest.mark.parametrize("schema", ["policy", "cases"])
def test_policy_language_tells_of_every_key(schema: str) -> None:
    text = text_of("docs/policy-language.md")
    keys = set(keys_of(json.loads(text_of(f"schemas/{schema}.schema.json"))))
    assert [key for key in sorted(keys) if not re.search(rf"`{key}\b|\b{key}:", text)] == []


def test_plan_format_tells_of_every_way_to_write() -> None:
    text = text_of("docs/plan-format.md")
    schema = json.loads(text_of("schemas/plan.schema.json"))
    of_plan = schema["properties"]
    of_row = of_plan["activity"]["items"]["properties"]
    roles = [key for properties in (of_plan, of_row) for key, value in properties.items() if "role" in value]
    words = [*roles, *schema["$defs"]["how_often"]["else"]["enum"], "either", "range", "none", "carries"]
    assert [word for word in dict.fromkeys(words) if not re.search(rf"`{word}\b|\b{word}:", text)] == []


def test_architecture_tells_of_every_part() -> None:
    text = text_of("docs/architecture.md")
    package = ROOT / "engine" / "jobplan"
    found = [path.relative_to(package) for path in package.rglob("*.py")]
    names = {path.parts[0] if len(path.parts) > 1 else path.name for path in found}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    wanted = {*names, *folders} - {"__init__.py", "__main__.py", "build", "dist"}
    assert [name for name in sorted(wanted) if not re.search(rf"\b{re.escape(name)}\b", text)] == []


@pytest.mark.parametrize("document", READ_BY_PEOPLE)
def test_paths_that_are_named_are_there(document: str) -> None:
    paths = re.findall(
        r"`((?:engine|policies|schemas|examples|tests|tools|docs)/[\w./-]*)`", prose_of(document)
    )
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("block", that("walls"))
def test_walls_are_drawn_as_they_stand(block: Block) -> None:
    walls = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(wall["layers"] for wall in walls if wall["id"] == "layers")
    package = ROOT / "engine" / "jobplan"
    there = {path.stem for path in package.iterdir()}
    rows = [{name for name in re.findall(r"\w+", row) if name in there} for row in layers]
    drawn = [set(re.findall(r"\w+", line.partition("  ")[0])) for line in block.text.splitlines()]
    assert drawn == [row for row in rows if row and row != {"__main__"}]


def commands(group: click.Command, above: str = "jobplan") -> Iterator[str]:
    """Yield every command that does something."""
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, f"{above} {name}")
    else:
        yield above
        yield from (f"{above} {name}" for name in getattr(group, "others", ()))


def test_readme_lists_every_command_and_no_other() -> None:
    row = re.compile(r"^\| `(jobplan [a-z ]+?)(?: [^a-z].*?)?` \|", re.MULTILINE)
    rows = row.findall(text_of("README.md"))
    assert sorted(rows) == sorted(commands(main))


@pytest.mark.parametrize("document", WITH_LINKS)
def test_make_has_every_target_that_is_named(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", text_of(document)))
    assert named <= targets


# --- figures -----------------------------------------------------------------------------------------


def test_figures_of_the_readme_are_right() -> None:
    folder = ROOT / "policies" / POLICY
    facts = read_document(str(folder / "facts.yaml")).data["facts"]
    basis = Counter(fact["basis"] for fact in facts)
    found = {
        r"(\d+) checkable statements": len(facts),
        r"(\d+) were read": basis["read"],
        r"(\d+) are recalled": basis["recalled"],
        r"(\d+) are mixed": basis["mixed"],
        r"(\d+) are not encoded": len(read_document(str(folder / "not-encoded.yaml")).data["facts"]),
    }
    text = " ".join(text_of("README.md").split())
    assert {pattern: [int(n) for n in re.findall(pattern, text)] for pattern in found} == {
        pattern: [number] for pattern, number in found.items()
    }


def test_changelog_counts_the_rules_that_are_to_be_released() -> None:
    unreleased = text_of("CHANGELOG.md").partition("## [Unreleased]")[2].partition("\n## ")[0]
    said = " ".join(unreleased.split())
    rules = Policies(ROOT / "policies").checked(POLICY).policy.rules.values()
    topics = Counter(rule.topic for rule in rules)
    counted = {name: int(count) for name, count in re.findall(r"`([a-z-]+)` \((\d+)\)", said)}
    assert counted in ({}, dict(topics))
    assert re.findall(r"(\d+) rules in all", said) in ([], [str(len(rules))])


# --- the picture -------------------------------------------------------------------------------------


def drawn_lines(picture: str) -> list[str]:
    """Return the lines of text that a picture shows, top to bottom, without blanks: not all are drawn."""
    found = re.findall(r'<text class="check-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', picture)
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in found:
        rows.setdefault(float(y), []).append((float(x), unescape(text).replace("\xa0", " ")))
    lines = ("".join("".join(text for _, text in sorted(rows[y])).split()) for y in sorted(rows))
    return [line for line in lines if line]


def test_picture_shows_what_check_prints(desk: Path) -> None:
    picture = text_of("docs/check.svg")
    command = unescape(re.findall(r"<title>(.*)</title>", picture)[0])
    run = ran(Block("docs/check.svg", 0, "sh", f"{command} --engine reference || true", "run", ""), desk)
    printed = ["".join(line.split()) for line in run.stdout.splitlines() if line.strip()]
    # A line may move in its file, and each new rule changes how many there are; the picture need not.
    changing = re.compile(r"^(at\S+\.yaml:\d+:\d+|\d+rules:.*)$")
    shown, wanted = (
        [line for line in lines if not changing.match(line)] for lines in (drawn_lines(picture), printed)
    )
    assert shown == wanted, "draw it again: python tools/draw_check.py docs/check.svg"


# --- links -------------------------------------------------------------------------------------------

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", WITH_LINKS)
def test_links_lead_somewhere(document: str) -> None:
    home = ROOT / document
    broken = []
    for link in LINK.findall(prose_of(document)):
        path, _, anchor = link.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (home.parent / path).resolve() if path else home
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []
