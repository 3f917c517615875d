"""JSON, strictly: by the fast reader of the standard library, and by a slower one for places."""

import json
import re
from typing import Any

from jobplan.errors import BrokenInput, Extent
from jobplan.source.complaints import DEPTH_LIMIT, NUMBER_LIMIT, VALUE_LIMIT, Complaints, RefusedError
from jobplan.source.json_syntax import json_problem
from jobplan.source.places import Branch, Inside, Place, extent_of

_SPACE = re.compile(r"[ \t\r\n]*")
_BARE = re.compile(r"[^ \t\r\n,\]}]+")  # a number or a word
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURELY_SMALL = 12  # characters of a whole number that cannot reach the limit
_string_at = json.JSONDecoder().raw_decode


def read_json(file: str, text: str) -> Any:
    """Return the data in `text`. Raises BrokenInput."""
    doubts = _Doubts()
    data: Any = None
    too_deep: RecursionError | None = None
    try:
        data = doubts.read(text)
    except json.JSONDecodeError as error:
        raise BrokenInput([json_problem(error, file)], {file: text}) from None
    except RecursionError as error:
        too_deep = error
    complaints = Complaints(file, text)
    depth, count = _depth_and_count(data)
    if count > VALUE_LIMIT:
        complaints.too_many()
    elif too_deep or doubts.any or depth > DEPTH_LIMIT or _SURROGATE_ESCAPE.search(text):
        json_places(text, complaints)
    if complaints.problems:
        raise BrokenInput(complaints.problems, {file: text}) from None
    if too_deep:
        raise too_deep
    return data


def json_places(text: str, complaints: Complaints | None = None) -> Place:
    """Return the places in `text`, whose syntax is known to be JSON's; note what else is wrong."""
    try:
        return _Scan(text, complaints or Complaints("", text)).run()
    except RefusedError:
        return (0, 0)


class _Doubts:
    """Reads fast, and notices that something must not be there without knowing its place."""

    def __init__(self) -> None:
        self.any = False

    def read(self, text: str) -> Any:
        return json.loads(
            text,
            parse_int=self._whole,
            parse_float=self._fraction,
            parse_constant=self._constant,
            object_pairs_hook=self._mapping,
        )

    def _whole(self, digits: str) -> int:
        return int(digits) if len(digits) <= _SURELY_SMALL else int(self._fraction(digits))

    def _fraction(self, digits: str) -> float:
        number = float(digits)
        if abs(number) <= NUMBER_LIMIT:
            return number
        self.any = True
        return 0.0

    def _constant(self, _word: str) -> None:
        self.any = True

    def _mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(pairs)
        if len(data) < len(pairs):
            self.any = True
        return data


def _depth_and_count(data: Any) -> tuple[int, int]:
    """Return on how many levels values stand, and how many keys and values there are."""
    level = [data]
    depth, count = 0, 0
    while level:
        inner: list[Any] = []
        for value in level:
            if type(value) is dict:
                inner += value.values()
                count += len(value)
            elif type(value) is list:
                inner += value
        count += len(level)
        depth += 1
        level = inner
    return depth, count


class _Scan:
    """Walks over JSON and notes the extent of everything."""

    def __init__(self, text: str, complaints: Complaints) -> None:
        self._text = text
        self._complaints = complaints
        self._count = 0

    def run(self) -> Place:
        return self._value(self._skip(0), 0)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, depth: int) -> Place:
        self._count += 1
        if self._count > VALUE_LIMIT:
            raise self._complaints.too_many()
        first = self._text[at]
        if first == '"':
            return self._string(at)[1]
        if first not in "[{":
            return self._bare(at)
        if depth >= DEPTH_LIMIT:
            raise self._complaints.too_deep((at, at + 1))
        return self._list(at, depth + 1) if first == "[" else self._mapping(at, depth + 1)

    def _string(self, at: int) -> tuple[str, Extent]:
        value, until = _string_at(self._text, at)
        if _LONE_SURROGATE.search(value):
            self._complaints.add(
                "lone-surrogate", "expected two escapes that make one character", (at, until)
            )
        return value, (at, until)

    def _bare(self, at: int) -> Extent:
        found = _BARE.match(self._text, at)
        word = found.group() if found else ""
        extent = (at, at + len(word))
        if word in ("NaN", "Infinity", "-Infinity"):
            self._complaints.add("not-a-number", f"expected a number, found `{word}`", extent)
        elif word not in ("true", "false", "null") and abs(float(word)) > NUMBER_LIMIT:
            self._complaints.number_too_large(extent)
        return extent

    def _list(self, start: int, depth: int) -> Branch:
        inside: Inside = {}
        at = self._skip(start + 1)
        while self._text[at] != "]":
            place = self._value(at, depth)
            inside[len(inside)] = (None, place)
            at = self._after(place)
        return Branch((start, at + 1), inside)

    def _mapping(self, start: int, depth: int) -> Branch:
        inside: Inside = {}
        at = self._skip(start + 1)
        while self._text[at] != "}":
            self._count += 1
            key, extent = self._string(at)
            place = self._value(self._skip(self._skip(extent[1]) + 1), depth)
            if key in inside:
                self._complaints.equal_keys(key, extent, inside[key][0])
            else:
                inside[key] = (extent, place)
            at = self._after(place)
        return Branch((start, at + 1), inside)

    def _after(self, place: Place) -> int:
        """Return where the next entry or the closing bracket stands."""
        at = self._skip(extent_of(place)[1])
        return self._skip(at + 1) if self._text[at] == "," else at
