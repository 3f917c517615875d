"""Plan documents of a run: files with one plan each, and files with a plan on each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobplan.errors import BrokenInput, BrokenPlan, Problem
from jobplan.facts.document import Plan, read_plan
from jobplan.facts.schema import FactSchema
from jobplan.facts.tables.defects import Defect, from_problem
from jobplan.source import read_document
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


def read_documents(
    paths: Sequence[Path], schema: FactSchema, assumptions: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Read]:
    """Read every plan of files with documents, in order; what is wrong with one does not stop the others."""
    for path in paths:
        if path.suffix.lower() in LINES:
            yield from _lines(path, schema, assumptions)
        else:
            yield _read(str(path), None, None, schema, assumptions)


def _lines(path: Path, schema: FactSchema, assumptions: Sequence[Mapping[str, Any]]) -> Iterator[Read]:
    """Read the plans of a file that has one on each line; blank lines are passed over."""
    try:
        with path.open("rb") as stream:
            for number, content in enumerate(_limited(stream), 1):
                text = content.removeprefix(b"\xef\xbb\xbf") if number == 1 else content
                if text.strip():
                    yield _read(str(path), text.rstrip(b"\r\n"), number, schema, assumptions)
    except OSError as error:
        reason = f"the file cannot be read: {(error.strerror or str(error)).lower()}"
        yield Read(None, (Defect(str(path), "unreadable-file", reason),))


def _limited(stream: Any) -> Iterator[bytes]:
    """Yield lines; of one that is too long no more than tells so."""
    while line := stream.readline(SIZE_LIMIT + 2):
        yield line
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(SIZE_LIMIT)


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
