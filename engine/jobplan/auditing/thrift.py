"""Thrift's compact protocol, in which Parquet files describe themselves: read into trees, written from them.

A structure is a dictionary of field number to (type, value); a list is (type of its items, items). Values of
structures that nobody here knows are kept as they are.
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)

Struct = dict[int, tuple[int, Any]]
"""A structure: field number to type and value."""


class Reader:
    """Reads one structure from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self) -> Struct:
        """Return the structure that begins here."""
        fields: Struct = {}
        number = 0
        while head := self.byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self.signed()
            fields[number] = (kind, kind == TRUE if kind in (TRUE, FALSE) else self.value(kind))
        return fields

    def value(self, kind: int) -> Any:
        """Return a value of a type. Raises ValueError for a type that Parquet does not use."""
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            return self.items()
        if kind in (I16, I32, I64):
            return self.signed()
        if kind in (TRUE, FALSE, BYTE):
            return self.byte()
        if kind == BINARY:
            return self.bytes(self.unsigned())
        if kind == DOUBLE:
            return self.bytes(8)
        raise ValueError(f"no thrift type {kind} is known here")

    def items(self) -> tuple[int, list[Any]]:
        """Return a list with the type of its items."""
        head = self.byte()
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self.unsigned()
        return kind, [self.value(kind) for _ in range(count)]

    def byte(self) -> int:
        """Return the next byte."""
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        self.at += count
        return self.data[self.at - count : self.at]

    def unsigned(self) -> int:
        """Return a number written in groups of seven bits."""
        found = shift = 0
        while True:
            byte = self.byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7

    def signed(self) -> int:
        """Return a number whose sign is its last bit."""
        found = self.unsigned()
        return (found >> 1) ^ -(found & 1)


def write_struct(fields: Struct, out: bytearray) -> None:
    """Write a structure, its fields in order."""
    before = 0
    for number in sorted(fields):
        kind, value = fields[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        if 0 < number - before < 16:
            out.append((number - before) << 4 | kind)
        else:
            out.append(kind)
            unsigned(number << 1, out)
        if kind not in (TRUE, FALSE):
            write_value(kind, value, out)
        before = number
    out.append(0)


def write_value(kind: int, value: Any, out: bytearray) -> None:
    """Write a value of a type."""
    if kind == STRUCT:
        write_struct(value, out)
    elif kind in (LIST, SET):
        of, items = value
        out.append(min(len(items), 15) << 4 | of)
        if len(items) > 14:
            unsigned(len(items), out)
        for item in items:
            write_value(of, item, out)
    elif kind in (I16, I32, I64):
        unsigned(value << 1 if value >= 0 else (-value << 1) - 1, out)
    elif kind == BINARY:
        unsigned(len(value), out)
        out += value
    elif kind == DOUBLE:
        out += value
    else:
        out.append(value)


def unsigned(number: int, out: bytearray) -> None:
    """Write a number in groups of seven bits."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
