"""Join the parts of one table: Parquet files by their row groups, CSV files by their lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from jobplan.extras import library

COMPRESSION = "zstd"


def join_parquet(parts: Sequence[Path], out: Path) -> None:
    """Write the row groups of files with one schema into one file, in order, holding one at a time.

    Raises ValueError if there are no parts, or their schemas differ.
    """
    if not parts:
        raise ValueError("no parts to join")
    if len(parts) == 1:
        with out.open("wb") as file:
            append(parts[0], file)
            whole(file)
        return
    pq = library("pyarrow.parquet")
    schema = pq.read_schema(parts[0])
    with out.open("wb") as file:
        with pq.ParquetWriter(file, schema, compression=COMPRESSION) as writer:
            for part in parts:
                with pq.ParquetFile(part) as read:
                    if not read.schema_arrow.equals(schema):
                        raise ValueError(f"{part} has other columns than {parts[0]}")
                    for group in range(read.num_row_groups):
                        writer.write_table(read.read_row_group(group))
        whole(file)


def join_lines(head: str, parts: Iterable[Path], out: Path) -> None:
    """Write a heading, then the bytes of every part, in order."""
    with out.open("wb") as file:
        file.write(head.encode())
        for part in parts:
            append(part, file)
        whole(file)


def append(source: Path, out: IO[bytes]) -> None:
    """Append the bytes of a file."""
    with source.open("rb") as file:
        shutil.copyfileobj(file, out, 1 << 22)


def whole(file: IO[Any]) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())
