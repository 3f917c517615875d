"""Write what an engine has worked out as parts: Parquet, and CSV without a heading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobplan.auditing.joining import COMPRESSION
from jobplan.auditing.layout import VERDICTS
from jobplan.extras import library

if TYPE_CHECKING:
    import pyarrow

ROWS = 50_000
"""Rows of a row group, however the engine hands them over: the same rows give the same bytes."""

WIDE = 4_000_000
"""Cells of a row group of a table with a column a rule."""

_FORMULA = r"^[=+\-@\t\r]"


def written(
    batches: Iterator[pyarrow.RecordBatch],
    schema: pyarrow.Schema,
    stem: Path,
    *,
    csv: bool,
    texts: Sequence[tuple[str, str]],
) -> int:
    """Write batches to `stem`.parquet and, without a heading, to `stem`.csv; return the number of rows.

    `texts` names the columns of the CSV, each with that of the batches that it is taken from. Columns of
    verdicts are codes in the batches and words in the files.
    """
    pq = library("pyarrow.parquet")
    count = 0
    with ExitStack() as files:
        out = files.enter_context(pq.ParquetWriter(f"{stem}.parquet", schema, compression=COMPRESSION))
        lines = files.enter_context(Path(f"{stem}.csv").open("wb")) if csv else None
        for table in tables_of(batches, max(1, min(ROWS, WIDE // len(schema)))):
            out.write_table(in_shape(table, schema))
            if lines is not None:
                write_lines(table, texts, lines)
            count += table.num_rows
    return count


def tables_of(batches: Iterator[pyarrow.RecordBatch], rows: int) -> Iterator[pyarrow.Table]:
    """Yield the rows of batches in tables of `rows`, the last one of what is left."""
    arrow = library("pyarrow")
    waiting: list[Any] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        while held >= rows:
            table = arrow.Table.from_batches(waiting)
            yield table.slice(0, rows).combine_chunks()
            waiting, held = table.slice(rows).to_batches(), held - rows
    if held:
        yield arrow.Table.from_batches(waiting).combine_chunks()


def in_shape(table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
    """Return the columns of a schema, verdicts as words, everything else as its type."""
    arrow = library("pyarrow")
    columns = []
    for field in schema:
        column = table.column(field.name)
        if arrow.types.is_dictionary(field.type):
            columns.append(words(column))
        else:
            columns.append(column if column.type == field.type else column.cast(field.type))
    return arrow.table(columns, schema=schema)


def words(codes: Any) -> Any:
    """Return a column of verdict codes as words."""
    arrow = library("pyarrow")
    names = arrow.array(VERDICTS, arrow.string())
    chunks = [arrow.DictionaryArray.from_arrays(chunk.cast(arrow.int8()), names) for chunk in codes.chunks]
    return arrow.chunked_array(chunks, verdict_type())


def verdict_type() -> Any:
    """Return the Arrow type of a column of verdicts."""
    arrow = library("pyarrow")
    return arrow.dictionary(arrow.int8(), arrow.string())


def write_lines(table: pyarrow.Table, texts: Sequence[tuple[str, str]], out: Any) -> None:
    """Append rows as CSV; no cell of text begins a formula."""
    arrow, csv = library("pyarrow"), library("pyarrow.csv")
    columns = {name: cell_texts(table.column(source)) for name, source in texts}
    options = csv.WriteOptions(include_header=False)
    csv.write_csv(arrow.table(columns), out, options)


def cell_texts(column: Any) -> Any:
    """Return a column as CSV has it: verdicts as words, texts that would begin a formula behind a quote."""
    arrow, pc = library("pyarrow"), library("pyarrow.compute")
    if arrow.types.is_uint8(column.type):
        return words(column).cast(arrow.string())
    if not arrow.types.is_string(column.type):
        return column
    risky = pc.match_substring_regex(column, _FORMULA)
    if not pc.any(risky).as_py():
        return column
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def heading(names: Sequence[str]) -> str:
    """Return the heading of a CSV file."""
    return ",".join(f'"{name}"' for name in names) + "\n"
