"""Files of data: read strictly, with the place of each value and key."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jobplan.errors import BrokenInput, Lines, Problem, Span
from jobplan.source.complaints import SIZE_LIMIT
from jobplan.source.json_reader import json_places, read_json
from jobplan.source.places import KeySpans, Locator, Route, ValueSpans
from jobplan.source.scalars import source_extent
from jobplan.source.yaml_reader import read_yaml

__all__ = ["BrokenInput", "Document", "Route", "Span", "expression_span", "read_document"]

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Document:
    """Data of one file, as JSON has them: dict, list, str, int, float, bool, None.

    `spans[route]` is the place of a value, `key_spans[route]` that of the key that leads to it.
    """

    file: str
    data: Any
    text: str
    spans: Mapping[Route, Span]
    key_spans: Mapping[Route, Span]

    def at(self, route: Route) -> Span:
        """Return the place of the value, or of the nearest value around it that has one."""
        for length in range(len(route), -1, -1):
            span = self.spans.get(route[:length])
            if span is not None:
                return span
        return Span(self.file, 1, 1)

    def key_at(self, route: Route) -> Span:
        """Return the place of the key that leads to the value; without one, that of the value."""
        return self.key_spans.get(route) or self.at(route)


def read_document(file: str, text: str | bytes | None = None) -> Document:
    """Return the data in `file`, or in `text` if given; `file` then only names it; `-` is standard input.

    JSON if the name ends in `.json`, or on standard input if it begins like JSON; YAML otherwise.
    Raises BrokenInput.
    """
    content = _decoded(file, _bytes_of(file) if text is None else text)
    if file.lower().endswith(".json") or (file == STANDARD_INPUT and content.lstrip()[:1] in ("{", "[")):
        data = read_json(file, content)
        locator = Locator(file, content, scan=json_places)
    else:
        data, root = read_yaml(file, content)
        locator = Locator(file, content, root=root)
    return Document(file, data, content, ValueSpans(locator), KeySpans(locator))


def expression_span(document: Document, route: Route, offset: int, length: int = 1) -> Span:
    """Return where characters of a text value stand, in a plain, quoted or literal-block scalar.

    `offset` counts from 0 in the value. In folded text, and where there is no place, it is the whole value's.
    """
    spans = document.spans
    value = document.data
    try:
        for step in route:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return document.at(route)
    if not isinstance(spans, ValueSpans) or not isinstance(value, str):
        return document.at(route)
    place = spans.locator.find(route)[1]
    if not isinstance(place, tuple):
        return document.at(route)
    extent = source_extent(document.text, place, value, offset, length)
    return spans.locator.span(extent) if extent is not None else document.at(route)


def _bytes_of(file: str) -> bytes:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(SIZE_LIMIT + 1)
        if not Path(file).is_file():  # a pipe would be waited for, a device read without end
            raise OSError("no such file" if not Path(file).exists() else "not a regular file")
        with Path(file).open("rb") as stream:
            return stream.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Problem("unreadable-file", f"the file cannot be read: {reason.lower()}", Span(file, 1, 1))
        raise BrokenInput([problem]) from None


def _decoded(file: str, content: str | bytes) -> str:
    refuse = partial(_refused, file)
    try:
        raw = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError:
        raise refuse("not-utf-8", "half of a character, a surrogate without its pair") from None
    if len(raw) > SIZE_LIMIT:
        raise refuse("too-large", f"larger than {SIZE_LIMIT // 1024 // 1024} MiB")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("not-utf-8", "expected UTF-8, found UTF-16", "save the file as UTF-8")
    if b"\0" in raw:
        raise refuse("not-text", "expected text, found a binary file", "save it as text, in YAML or JSON")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before, shown = raw[: error.start].decode(), raw.decode(errors="replace")
        span = Lines(shown).span(file, (len(before), len(before) + 1))
        message = "expected UTF-8, found another encoding"
        problem = Problem("not-utf-8", message, span, "save the file as UTF-8")
        raise BrokenInput([problem], {file: shown}) from None
    return text.removeprefix("\ufeff")


def _refused(file: str, code: str, message: str, help_text: str | None = None) -> BrokenInput:
    return BrokenInput([Problem(code, message, Span(file, 1, 1), help_text)])
