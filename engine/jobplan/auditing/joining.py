"""Join files of one kind: Parquet files by their row groups, CSV files by their lines, nothing read twice.

A run writes a part for each chunk. Rewriting them as one file would take as long again, so the bytes of the
row groups are copied and only their description at the end of the file is made anew.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from jobplan.auditing.thrift import LIST, Reader, Struct, write_struct

MAGIC = b"PAR1"
_COPIED = 1 << 22  # bytes in one go

# Field numbers of parquet.thrift.
SCHEMA, ROWS, GROUPS, KEY_VALUES = 2, 3, 4, 5
COLUMNS, GROUP_OFFSET, ORDINAL = 1, 5, 7
CHUNK_OFFSET, META, INDEXES = 2, 3, (4, 5, 6, 7)
PAGE_OFFSETS = (9, 10, 11, 14)


def join_parquet(parts: Sequence[Path], out: Path) -> int:
    """Write the row groups of files with one schema into one file, in order; return the number of rows.

    Raises ValueError if there are no parts, or their schemas differ.
    """
    joined: Struct = {}
    groups: list[Struct] = []
    with out.open("wb") as file:
        file.write(MAGIC)
        for part in parts:
            footer, length = read_footer(part)
            if joined and joined[SCHEMA] != footer[SCHEMA]:
                raise ValueError(f"{part} has other columns than {parts[0]}")
            shift = file.tell() - len(MAGIC)
            for group in footer[GROUPS][1][1]:
                if group[ROWS][1]:
                    moved(group, shift, len(groups))
                    groups.append(group)
            copy_bytes(part, file, len(MAGIC), length)
            joined = joined or footer
        if not joined:
            raise ValueError("no parts to join")
        write_footer(file, joined, groups)
        whole(file)
    return sum(group[ROWS][1] for group in groups)


def read_footer(path: Path) -> tuple[Struct, int]:
    """Return the description of a Parquet file, and how many bytes of the file stand before it."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        (length,) = struct.unpack("<I", file.read(4))
        if file.read(4) != MAGIC:
            raise ValueError(f"{path} is no Parquet file")
        start = file.seek(-8 - length, os.SEEK_END)
        return Reader(file.read(length)).struct(), start


def write_footer(file: IO[bytes], joined: Struct, groups: list[Struct]) -> None:
    """Write the description of the joined row groups, and the end of the file."""
    rows = sum(group[ROWS][1] for group in groups)
    footer = {**joined, ROWS: (joined[ROWS][0], rows), GROUPS: (LIST, (joined[GROUPS][1][0], groups))}
    written = bytearray()
    write_struct(footer, written)
    file.write(written + struct.pack("<I", len(written)) + MAGIC)


def moved(group: Struct, shift: int, ordinal: int) -> None:
    """Change what a row group says of its place; page indexes, whose places stand elsewhere, are left out."""
    shift_fields(group, (GROUP_OFFSET,), shift)
    if ORDINAL in group:
        group[ORDINAL] = (group[ORDINAL][0], ordinal)
    for column in group[COLUMNS][1][1]:
        shift_fields(column, (CHUNK_OFFSET,), shift)
        shift_fields(column[META][1], PAGE_OFFSETS, shift)
        for index in INDEXES:
            column.pop(index, None)


def shift_fields(fields: Struct, numbers: Iterable[int], shift: int) -> None:
    """Add to those of the fields that are there; a place of 0 says that there is none."""
    for number in numbers:
        kind, value = fields.get(number, (0, 0))
        if value:
            fields[number] = (kind, value + shift)


def join_lines(head: str, parts: Iterable[Path], out: Path) -> None:
    """Write a heading, then the bytes of every part, in order."""
    with out.open("wb") as file:
        file.write(head.encode())
        for part in parts:
            copy_bytes(part, file, 0, part.stat().st_size)
        whole(file)


def copy_bytes(source: Path, out: IO[bytes], start: int, until: int) -> None:
    """Append the bytes of a file from `start` up to, not including, `until`."""
    with source.open("rb") as file:
        file.seek(start)
        for block in blocks(file, until - start):
            out.write(block)


def blocks(file: IO[bytes], left: int) -> Iterator[bytes]:
    """Yield the next bytes of a file, some at a time."""
    while left > 0 and (block := file.read(min(left, _COPIED))):
        left -= len(block)
        yield block


def whole(file: IO[Any]) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())
