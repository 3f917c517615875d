"""YAML, strictly: JSON's values, no anchors, tags or merge keys, and the place of everything."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from jobplan.errors import BrokenInput, Extent
from jobplan.source.complaints import (
    DEPTH_LIMIT,
    NUMBER_LIMIT,
    QUOTE_IT,
    VALUE_LIMIT,
    Complaints,
    RefusedError,
    quoted,
)
from jobplan.source.places import Branch, Inside, Place, extent_of
from jobplan.source.yaml_syntax import reader_problem, syntax_problem

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]+$")
_SHORT = 20  # characters that tell whether a comma stands in a number
_UNREAD = "leave it out, or quote the text"


def read_yaml(file: str, text: str) -> tuple[Any, Place]:
    """Return the data of the one document in `text` and the places in it. Raises BrokenInput."""
    complaints = Complaints(file, text)
    loader = yaml.CSafeLoader(text)
    data: Any = None
    place: Place = (0, 0)
    try:
        data, place = _Reader(loader, complaints).document()
    except RefusedError:
        pass
    except yaml.MarkedYAMLError as error:
        complaints.problems.append(syntax_problem(error, file, text))
    except ReaderError as error:
        complaints.problems.append(reader_problem(error, file, text))
    finally:
        loader.dispose()
    if complaints.problems:
        raise BrokenInput(complaints.problems, {file: text})
    return data, place


class _Reader:
    """Builds data and places from libyaml's events in one pass.

    Events and not nodes: composing nodes recurses without limit, and reading events is twice as fast.
    """

    def __init__(self, loader: yaml.CSafeLoader, complaints: Complaints) -> None:
        self._events: Iterator[Any] = islice(iter(loader.get_event, None), VALUE_LIMIT)
        self._complaints = complaints
        self._plain: dict[str, Any] = dict(_WORDS)

    def document(self) -> tuple[Any, Place]:
        """Return the data of the only document and their places."""
        data: Any = None
        place: Place = (0, 0)
        self._next()  # the start of the stream
        event = self._next()
        if type(event) is DocumentStartEvent:
            data, place = self._node(self._next(), 0)
            self._next()  # the end of the document
            event = self._next()
        if type(event) is not StreamEndEvent:
            way_out = "put each document into a file of its own"
            self._complaints.add(
                "several-documents", "a second document begins here", _extent(event), way_out
            )
        return data, place

    def _next(self) -> Any:
        event = next(self._events, None)
        if event is None:
            raise self._complaints.too_many()
        return event

    def _node(self, event: Any, depth: int) -> tuple[Any, Place]:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event), (event.start_mark.index, event.end_mark.index)
        if kind is AliasEvent:
            message = f"expected a value, found the alias {quoted('*' + event.anchor)}"
            self._complaints.add("alias", message, _extent(event), "write the value out, or quote the text")
            return None, _extent(event)
        self._check_properties(event)
        if depth >= DEPTH_LIMIT:
            raise self._complaints.too_deep(_extent(event))
        return self._mapping(event, depth + 1) if kind is MappingStartEvent else self._list(event, depth + 1)

    def _scalar(self, event: Any) -> Any:
        self._check_properties(event)
        value: str = event.value
        if event.style:
            return value
        if value in self._plain:
            return self._plain[value]
        read: str | int | float = value
        number = _NUMBER.fullmatch(value)
        if number is not None:
            if abs(float(value)) > NUMBER_LIMIT:
                self._complaints.number_too_large(_extent(event))
                return 0
            read = float(value) if number.group(1) or number.group(2) else int(value)
        self._plain[value] = read
        return read

    def _list(self, start: Any, depth: int) -> tuple[list[Any], Branch]:
        data: list[Any] = []
        inside: Inside = {}
        while type(event := self._next()) is not SequenceEndEvent:
            value, place = self._node(event, depth)
            inside[len(data)] = (None, place)
            data.append(value)
        return data, Branch(_extent(start, event), inside)

    def _mapping(self, start: Any, depth: int) -> tuple[dict[str, Any], Branch]:
        data: dict[str, Any] = {}
        inside: Inside = {}
        in_flow = bool(start.flow_style)
        while type(event := self._next()) is not MappingEndEvent:
            key, key_place = self._node(event, depth)
            extent = extent_of(key_place)
            value, place = self._node(self._next(), depth)
            if type(key) is not str:
                self._complain_of_key(event, extent)
                continue
            if key in inside:
                self._complaints.equal_keys(key, extent, inside[key][0])
                continue
            if key == "<<" and not event.style:
                self._complaints.add(
                    "merge-key", "expected a key, found the merge key `<<`", extent, "write the keys out"
                )
            if in_flow and value is None:
                self._check_lone_key(key, extent, place)
            data[key] = value
            inside[key] = (extent, place)
        extent = _extent(start, event)
        if in_flow:
            self._check_brace(extent)
        return data, Branch(extent, inside)

    def _check_properties(self, event: Any) -> None:
        if event.tag is None and event.anchor is None:
            return
        if event.anchor is not None:
            message = f"expected a value, found the anchor {quoted('&' + event.anchor)}"
            self._complaints.add("anchor", message, _extent(event), _UNREAD)
        if event.tag is not None:
            words = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"expected a value, found the tag {quoted(words)}"
            self._complaints.add("tag", message, _extent(event), _UNREAD)

    def _complain_of_key(self, event: Any, extent: Extent) -> None:
        if type(event) is AliasEvent:
            return
        is_scalar = type(event) is ScalarEvent
        if is_scalar and _DECIMAL_COMMA.search(self._complaints.text[max(0, extent[1] - _SHORT) : extent[1]]):
            message = f"expected a decimal point, found the comma before `{event.value}`"
            self._complaints.add("key-not-text", message, extent, "write 1.25 and not 1,25")
            return
        found = (quoted(event.value) if event.value else "none") if is_scalar else "a list or mapping"
        way_out = "quote it" if is_scalar and event.value else QUOTE_IT
        self._complaints.add("key-not-text", f"expected text as a key, found {found}", extent, way_out)

    def _check_lone_key(self, key: str, extent: Extent, place: Place) -> None:
        """Refuse `{text: here, and here}`, of which YAML makes a second key."""
        if ":" not in self._complaints.text[extent[1] : extent_of(place)[0]]:
            message = f"expected `:` after the key {quoted(key)}"
            self._complaints.add("key-without-value", message, extent, QUOTE_IT)

    def _check_brace(self, extent: Extent) -> None:
        """Refuse `[at: here]`, of which YAML makes a mapping inside the list."""
        if self._complaints.text[extent[0]] not in "{&!":
            message = "expected text, found `:`, which makes it a mapping"
            self._complaints.add("pair-in-list", message, extent, f"{QUOTE_IT}; or put braces around it")


def _extent(event: Any, last: Any = None) -> Extent:
    return event.start_mark.index, (last or event).end_mark.index
