"""Where the characters of a text value stand in the source that it was read from."""

import re

from jobplan.errors import LINE_BREAK, Extent

_FOLD = r"[ \t]*(?:(?:\r\n|\n|\r)[ \t]*)+"
_DOUBLE = re.compile(
    rf"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\U.{{8}}|\\u.{{4}}|\\x..|\\{_FOLD}|\\.|{_FOLD}|.", re.DOTALL
)
_SINGLE = re.compile(rf"''|{_FOLD}|.", re.DOTALL)
_PLAIN = re.compile(rf"{_FOLD}|.", re.DOTALL)


def source_extent(text: str, place: Extent, value: str, offset: int, length: int) -> Extent | None:
    """Return the extent in `text` of `length` characters of `value` from `offset`.

    `place` is the extent of the whole scalar, with quotes or block header. None in folded text.
    """
    style = text[place[0] : place[0] + 1]
    offset = max(0, min(offset, len(value.rstrip("\n"))))
    if style == "|":
        return _in_literal(text, place, value, offset, length)
    if style == ">":
        return None
    if style in ("'", '"'):
        inner = (place[0] + 1, place[1] - 1)
        return _in_flow(_DOUBLE if style == '"' else _SINGLE, text, inner, offset, length)
    return _in_flow(_PLAIN, text, place, offset, length)


def _in_literal(text: str, place: Extent, value: str, offset: int, length: int) -> Extent | None:
    row = value.count("\n", 0, offset)
    row_start = value.rfind("\n", 0, offset) + 1
    row_text = value[row_start:].partition("\n")[0]
    at = place[0]
    for _ in range(row + 1):
        found = LINE_BREAK.search(text, at)
        if found is None:
            return None
        at = found.end()
    found = LINE_BREAK.search(text, at)
    line_end = found.start() if found else len(text)
    # The source line is indentation and then the value's line, so count from its end.
    first = line_end - len(row_text) + offset - row_start
    return first, min(first + length, line_end)


def _in_flow(pieces: re.Pattern[str], text: str, inner: Extent, offset: int, length: int) -> Extent:
    starts: list[int] = []
    for found in pieces.finditer(text, *inner):
        starts += [found.start()] * _characters(found.group())
        if len(starts) > offset + length:
            break
    starts.append(inner[1])
    first = starts[min(offset, len(starts) - 1)]
    return first, starts[min(offset + length, len(starts) - 1)]


def _characters(piece: str) -> int:
    """Return how many characters of the value a piece of the source makes."""
    breaks = len(LINE_BREAK.findall(piece))
    if not breaks:
        return 1
    if piece.startswith("\\"):
        return breaks - 1
    return max(1, breaks - 1)
