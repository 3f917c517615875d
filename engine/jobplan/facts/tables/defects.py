"""What is wrong with the input of a run: a table with a row for each defect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pyarrow

from jobplan.errors import Problem


class Defect(NamedTuple):
    """One thing that is wrong, in the words that its author reads.

    `row` counts from 1 as the file's own programs count; in text it is the line. `column` is a column's name,
    after the letter of a sheet's column; in documents the character of the line. `plan` is the id of the plan
    that is set aside for it; empty for what belongs to none.
    """

    file: str
    code: str
    reason: str
    help: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    plan: str | None = None
    relation: str | None = None


SET_ASIDE = pyarrow.schema(
    [
        ("file", pyarrow.string()),
        ("sheet", pyarrow.string()),
        ("row", pyarrow.int64()),
        ("column", pyarrow.string()),
        ("plan", pyarrow.string()),
        ("relation", pyarrow.string()),
        ("code", pyarrow.string()),
        ("reason", pyarrow.string()),
        ("help", pyarrow.string()),
    ]
)


def table_of(defects: Iterable[Defect]) -> pyarrow.Table:
    """Return defects as a table."""
    rows = list(defects)
    columns = {name: [getattr(row, name) for row in rows] for name in SET_ASIDE.names}
    return pyarrow.table(columns, schema=SET_ASIDE)


def from_problem(problem: Problem, file: str, plan: str | None, line: int | None = None) -> Defect:
    """Return a problem with a document as a defect; `line` where the document is a line of a larger file."""
    span = problem.span
    row = (span.line if span else None) if line is None else line
    column = str(span.column) if span is not None else None
    return Defect(file, problem.code, problem.message, problem.help, row=row, column=column, plan=plan)
