"""Plan documents of a run: files with one plan each, and files with a plan on each line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from jobplan.errors import BrokenInput, BrokenPlan, Problem
from jobplan.facts.document import Plan, id_made_of, read_plan
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect, from_problem
from jobplan.source import Document, read_document
from jobplan.source.complaints import SIZE_LIMIT

DOCUMENTS = frozenset({".yaml", ".yml", ".json"})
LINES = frozenset({".jsonl", ".ndjson"})
"""What the names of files with plans end in: one plan a file, one plan a line."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came of one document: a plan, or why there is none; `line` where its file has a plan a line."""

    plan: Plan | None
    defects: tuple[Defect, ...] = ()
    line: int | None = None


class Place(NamedTuple):
    """Where a document stands, and its id as far as a quick look tells; `at` is where its line begins."""

    id: str | None
    at: int
    line: int | None = None


def look_through(path: Path, schema: FactSchema) -> tuple[list[Place], str]:
    """Return the documents of a file, found without reading them whole, and the file's SHA-256.

    What cannot be read is one document without an id: reading it tells why.
    """
    digest, places = sha256(), list[Place]()
    is_lines = path.suffix.lower() in LINES
    try:
        with path.open("rb") as stream:
            if not is_lines:
                content = stream.read(SIZE_LIMIT + 1)
                digest.update(content)
                while more := stream.read(SIZE_LIMIT):
                    digest.update(more)
                places.append(Place(_id_of(path, content, schema), 0))
            for number, (at, line) in enumerate(_limited(stream, digest.update), 1) if is_lines else ():
                text = _bare(line, number)
                if text.strip():
                    places.append(Place(_id_in_json(text, schema), at, number))
    except OSError:
        return [Place(None, 0)], ""
    return places, digest.hexdigest()


_PLAIN_ID = re.compile(
    rb"""^(?P<key>[A-Za-z_]+):[ \t]+(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\n]*)'"""
    rb"""|(?P<bare>[A-Za-z][A-Za-z0-9._/-]*))"""
    rb"""[ \t]*(?:[ \t]#[^\n]*)?\r?$""", re.MULTILINE)  # fmt: skip
"""A key at the beginning of a line of YAML, with a value that can be taken as it stands."""


def _id_of(path: Path, content: bytes, schema: FactSchema) -> str | None:
    if len(content) > SIZE_LIMIT:
        return None
    if path.suffix.lower() == ".json":
        return _id_in_json(content, schema)
    key = schema.keys.get("id", "id")
    lines = re.findall(rb"^[\"']?" + key.encode() + rb"\b", content, re.MULTILINE)
    found = [match for match in _PLAIN_ID.finditer(content) if match["key"] == key.encode()]
    try:
        if len(lines) == len(found) == 1:
            return (found[0]["double"] or found[0]["single"] or found[0]["bare"] or b"").decode() or None
        return _id_in(read_document(str(path), content).data, schema)
    except (BrokenInput, BrokenPlan, UnicodeError):
        return None


def _id_in_json(content: bytes, schema: FactSchema) -> str | None:
    try:
        return _id_in(json.loads(content), schema)
    except (ValueError, RecursionError, BrokenPlan):
        return None


def _id_in(data: Any, schema: FactSchema) -> str | None:
    """Return the id of a plan, which is made of its content where it has none."""
    if not isinstance(data, Mapping):
        return None
    given = data.get(schema.keys.get("id", "id"))
    return given if isinstance(given, str) else id_made_of(Document("", data, "", {}, {}), schema)


def read_at(
    path: Path, places: Iterable[Place], schema: FactSchema, assumptions: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Read]:
    """Read the documents of a file that stand at some places, in order, the broken ones too."""
    if path.suffix.lower() not in LINES:
        yield from (_checked(_read(str(path), None, None, schema, assumptions), place) for place in places)
        return
    left = iter(places)
    try:
        with path.open("rb") as stream:
            for place in left:
                stream.seek(place.at)
                text = _bare(stream.readline(SIZE_LIMIT + 2), place.line or 1)
                yield _checked(_read(str(path), text, place.line, schema, assumptions), place)
    except OSError as error:
        reason = f"the file cannot be read: {(error.strerror or str(error)).lower()}"
        yield from (Read(None, (Defect(str(path), "unreadable-file", reason),)) for _ in (None, *left))


def _checked(read: Read, place: Place) -> Read:
    """Refuse a plan that has another id than at the first look: nobody knows whether others have it too."""
    if read.plan is None or read.plan.id == place.id:
        return read
    file, plan = read.plan.document.file, read.plan.id
    reason = f"the plan's id is `{plan}`, and was `{place.id or 'not there'}` when the run began"
    help = "let nobody write to the files of a run, and write the id on a line of its own"
    return Read(None, (Defect(file, "file-changed", reason, help, row=read.line, plan=plan),), read.line)


def _bare(line: bytes, number: int) -> bytes:
    """Return a line without its end, and the first one without a byte order mark."""
    return (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).rstrip(b"\r\n")


def _limited(stream: BinaryIO, see: Callable[[bytes], object]) -> Iterator[tuple[int, bytes]]:
    """Yield lines with the place where they begin; of one that is too long no more than tells so."""
    at = 0
    while line := stream.readline(SIZE_LIMIT + 2):
        see(line)
        yield at, line
        at += len(line)
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(SIZE_LIMIT)
            see(rest)
            at += len(rest)


def _read(
    file: str,
    text: bytes | None,
    line: int | None,
    schema: FactSchema,
    assumptions: Sequence[Mapping[str, Any]],
) -> Read:
    named = ""
    try:
        # the reader of a line takes it for a file of JSON, whatever the file is called
        document = read_document(file if line is None else f"{file}.json", text)
        if isinstance(document.data, Mapping):
            given = document.data.get(schema.keys.get("id", "id"))
            named = given if isinstance(given, str) else ""
        if line is not None:
            document = replace(document, file=file)
        return Read(read_plan(document, schema, assumptions=assumptions), line=line)
    except (BrokenInput, BrokenPlan) as broken:
        found = _told(broken.problems, file, named, line)
        return Read(None, tuple(found), line)


def _told(problems: Iterable[Problem], file: str, named: str, line: int | None) -> Iterator[Defect]:
    return (from_problem(problem, file, named or None, line) for problem in problems)
