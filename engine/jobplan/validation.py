"""Checking data against a JSON Schema: fast to find out whether, slow to say what and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jobplan.errors import Problem, closest, suggest
from jobplan.nearly import nearly
from jobplan.source import Document, Route
from jobplan.source.complaints import PROBLEM_LIMIT

if TYPE_CHECKING:
    from jsonschema import ValidationError

_SHOWN = 60  # characters of a value that a message quotes
_CHOICES_SHOWN = 12
_FIELDS_SHOWN = 8

_TYPE_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


class _Fast(Protocol):
    def is_valid(self, instance: Any) -> bool: ...

    def iter_errors(self, instance: Any) -> Iterable[Any]: ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """One way in which data break a schema: where, which keyword of which part of it, what is there.

    `at_key` tells that it is the last key of the route that is wrong, and not its value.
    """

    route: Route
    keyword: str
    limit: Any
    schema: Mapping[str, Any]
    found: Any
    at_key: bool = False


class Checker:
    """Checks data against one schema of draft 2020-12.

    The compiled validator is used where it is installed; what is wrong is always said by the same words.
    """

    def __init__(self, schema: Path | Mapping[str, Any]) -> None:
        self.schema: Mapping[str, Any] = (
            json.loads(schema.read_text("utf-8")) if isinstance(schema, Path) else schema
        )
        self._fast = _compiled(self.schema)
        self._slow: Any = None

    def is_valid(self, data: Any) -> bool:
        """Tell whether `data` keep to the schema."""
        if self._fast is not None:
            return self._fast.is_valid(data)
        return bool(self._explainer().is_valid(data))

    def problems(self, document: Document) -> list[Problem]:
        """Return what is wrong with a document, by place; nothing if it keeps to the schema."""
        return [problem for _, problem in self.placed_problems(document)]

    def placed_problems(self, document: Document) -> list[tuple[Route, Problem]]:
        """Return what is wrong with a document, each with the route to the value that the schema judged.

        That of an unknown or a missing key is the route to the mapping.
        """
        if self.is_valid(document.data):
            return []
        found: dict[Route, list[Complaint]] = {}
        for complaint in self._complaints(document.data):
            found.setdefault(complaint.route, []).append(complaint)
        told = (
            (complaint.route, problem)
            for complaints in found.values()
            for complaint in _telling(complaints)
            for problem in _SAY.get(complaint.keyword, _say_otherwise)(complaint, document)
        )
        return list(islice(told, PROBLEM_LIMIT))

    def _complaints(self, data: Any) -> list[Complaint]:
        """Explain only the parts that the fast validator points at: the rest may be large."""
        errors = self._explainer().iter_errors
        if self._fast is None:
            return [_complaint(error) for error in islice(errors(data), PROBLEM_LIMIT)]
        routes = {tuple(error.instance_path) for error in islice(self._fast.iter_errors(data), PROBLEM_LIMIT)}
        wanted = {route[:length] for route in routes for length in range(len(route) + 1)}
        pruned = _pruned(data, (), wanted, routes)
        found = (error for error in errors(pruned) if tuple(error.absolute_path) in routes)
        return [_complaint(error) for error in found]

    def _explainer(self) -> Any:
        if self._slow is None:
            from jsonschema import Draft202012Validator, FormatChecker  # slow to import, seldom needed

            self._slow = Draft202012Validator(self.schema, format_checker=FormatChecker(formats=["date"]))
        return self._slow


def _compiled(schema: Mapping[str, Any]) -> _Fast | None:
    try:
        import jsonschema_rs
    except ImportError:
        return None
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)


def _pruned(data: Any, route: Route, wanted: set[Route], judged: set[Route]) -> Any:
    """Return the data without what is inside lists and mappings that are not wanted.

    A list that is not judged itself ends with its last entry that is wanted.
    """
    if isinstance(data, dict | list) and route not in wanted:
        return type(data)()
    if isinstance(data, dict):
        return {key: _pruned(value, (*route, key), wanted, judged) for key, value in data.items()}
    if isinstance(data, list):
        kept = data if route in judged else data[: _last(route, data, wanted) + 1]
        return [_pruned(value, (*route, index), wanted, judged) for index, value in enumerate(kept)]
    return data


def _last(route: Route, data: list[Any], wanted: set[Route]) -> int:
    return next((index for index in reversed(range(len(data))) if (*route, index) in wanted), -1)


def _complaint(error: ValidationError) -> Complaint:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    found, route = error.instance, tuple(error.absolute_path)
    at_key = "propertyNames" in error.absolute_schema_path
    if at_key:
        route = (*route, str(found))
    return Complaint(route, str(error.validator), error.validator_value, schema, found, at_key)


def _telling(complaints: list[Complaint]) -> list[Complaint]:
    """Keep, at one place, the complaint about the type if there is one, and one about the form of a text."""
    wrong_type = [complaint for complaint in complaints if complaint.keyword == "type"]
    if wrong_type:
        return wrong_type[:1]
    forms = [complaint for complaint in complaints if complaint.keyword in ("pattern", "format")]
    return [complaint for complaint in complaints if complaint not in forms[1:]]


def words_of(value: Any) -> str:
    """Return a value as its author wrote it, shortened, in backticks; lists and mappings by their kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        return f"`{shown}`" if shown else "empty text"
    return f"`{json.dumps(value)}`"


def place_words(route: Route) -> str:
    """Return a route as people write it.

    >>> place_words(("plans", 2, "title"))
    'plans[2].title'
    """
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in route)
    return words.removeprefix(".")


def problem_at(
    document: Document,
    route: Route,
    code: str,
    message: str,
    hint: str | None = None,
    *,
    at_key: bool = False,
) -> Problem:
    """Return a problem with its span; data without text get the route in words instead."""
    if not document.text and not document.file:
        return Problem(code, f"{place_words(route)}: {message}" if route else message, None, hint)
    span = document.key_at(route) if at_key else document.at(route)
    return Problem(code, message, span, hint)


def _say_type(complaint: Complaint, document: Document) -> Iterator[Problem]:
    limit = [complaint.limit] if isinstance(complaint.limit, str) else list(complaint.limit)
    named = [_TYPE_WORDS[name] for name in limit]
    expected = complaint.schema.get("expected") or _listed(named)
    found = words_of(complaint.found)
    if complaint.found is not None and not isinstance(complaint.found, list | dict):
        found += f" ({_kind(complaint.found)})"
    message = f"expected {expected}, found {found}"
    if complaint.found is None and not complaint.route:
        found = "nothing" if document.text.strip() else "an empty file"
        yield problem_at(document, (), "wrong-type", f"expected {expected}, found {found}")
        return
    hint = _type_hint(complaint, limit, expected, document)
    at_key = complaint.found is None and bool(complaint.route) and isinstance(complaint.route[-1], str)
    yield problem_at(document, complaint.route, "wrong-type", message, hint, at_key=at_key)


def _type_hint(complaint: Complaint, limit: list[str], expected: str, document: Document) -> str | None:
    found = complaint.found
    if found is None:
        return "write a value, or leave the key out if nothing is known"
    if limit == ["array"]:
        if found == "none":
            return "write [] where there is none"
        rows = complaint.schema.get("items", {}).get("type") == "object" or isinstance(found, dict)
        shown = json.dumps(found) if _is_json(document) else found
        return "begin each entry with `- `" if rows else f"write [{shown}]"
    if limit == ["object"]:
        return "write it as `key: value`"
    if "string" in limit and isinstance(found, int | float) and expected.startswith("text"):
        return f'put it in quotes: "{json.dumps(found)}"'
    return _nearly(found, expected, document)


def _is_json(document: Document) -> bool:
    return document.file.lower().endswith(".json")


def _nearly(found: Any, expected: str, document: Document) -> str | None:
    """Return what to write instead; in JSON days and times of day stand in quotes."""
    hint = nearly(found, expected)
    if hint is None or not _is_json(document) or not hint[6:7].isdecimal() or "a number" in expected:
        return hint
    return f'write "{hint[6:]}"'


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return "a number" if isinstance(value, int | float) else "text"


def _listed(words: list[str], last: str = "or") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _say_unknown(complaint: Complaint, document: Document) -> Iterator[Problem]:
    known = complaint.schema.get("properties", {})
    renamed = {old: name for name, part in known.items() for old in _formerly(part)}
    for key in islice((key for key in complaint.found if key not in known), PROBLEM_LIMIT):
        yield unknown_field(document, (*complaint.route, key), known, renamed)


def _formerly(part: Any) -> Iterable[str]:
    """Return the names that a property had before."""
    return part.get("formerly", ()) if isinstance(part, Mapping) else ()


def unknown_field(
    document: Document, route: Route, known: Iterable[str], renamed: Mapping[str, str] | None = None
) -> Problem:
    """Return the problem of a key that the schema does not have; `renamed` leads from old names to new."""
    key = str(route[-1])
    shown = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
    inside = _inside(route[:-1])
    message = f"no field `{shown}`{inside}"
    options = list(known)
    now = (renamed or {}).get(key)
    hint = suggest(key, options) if now is None else f"did you mean `{now}`?"
    if hint is None and len(options) <= _FIELDS_SHOWN:
        hint = f"the fields are {_listed([f'`{option}`' for option in options], 'and')}" if options else None
    return problem_at(document, route, "unknown-field", message, hint, at_key=True)


def _inside(route: Route) -> str:
    names = [step for step in route if isinstance(step, str)]
    return f" in `{names[-1]}`" if names else ""


def _say_missing(complaint: Complaint, document: Document) -> Iterator[Problem]:
    """Say once what a mapping lacks; not what is there misspelt, of which `_say_unknown` tells."""
    known = complaint.schema.get("properties", {})
    unknown = islice((key for key in complaint.found if known and key not in known), PROBLEM_LIMIT)
    misspelt = {closest(key, known) for key in unknown}
    missing = [key for key in complaint.limit if key not in complaint.found and key not in misspelt]
    if missing:
        words = _listed([f"`{key}`" for key in missing], "and")
        message = f"{words} {'is' if len(missing) == 1 else 'are'} missing{_inside(complaint.route)}"
        yield problem_at(document, complaint.route, "missing-field", message)


def _say_choice(complaint: Complaint, document: Document) -> Iterator[Problem]:
    yield unknown_choice(document, complaint.route, complaint.found, complaint.limit)


def unknown_choice(document: Document, route: Route, found: Any, choices: Iterable[Any]) -> Problem:
    """Return the problem of a value that is none of the choices."""
    texts = [choice if isinstance(choice, str) else json.dumps(choice) for choice in choices]
    quoted = [f"`{text}`" for text in texts]
    hint = suggest(found, texts) if isinstance(found, str) else None
    if found == "none":
        hint = nearly(found, "")
    expected = _listed(quoted)
    if len(texts) > _CHOICES_SHOWN:
        expected = f"one of {len(texts)} choices"
        hint = hint or f"the choices are {', '.join(quoted)}"
    message = f"expected {expected}, found {words_of(found)}"
    return problem_at(document, route, "unknown-choice", message, hint)


def _say_constant(complaint: Complaint, document: Document) -> Iterator[Problem]:
    expected = complaint.schema.get("expected") or words_of(complaint.limit)
    message = f"expected {expected}, found {words_of(complaint.found)}"
    hint = _nearly(complaint.found, expected, document)
    yield problem_at(document, complaint.route, "wrong-value", message, hint)


def _say_form(complaint: Complaint, document: Document) -> Iterator[Problem]:
    expected = complaint.schema.get("expected") or f"text like `{complaint.limit}`"
    message = f"expected {expected}, found {words_of(complaint.found)}"
    hint = _nearly(complaint.found, expected, document)
    yield problem_at(document, complaint.route, "wrong-form", message, hint, at_key=complaint.at_key)


def _say_format(complaint: Complaint, document: Document) -> Iterator[Problem]:
    if complaint.limit == "date":
        yield no_such_date(document, complaint.route, complaint.found)
    else:
        yield from _say_form(complaint, document)


def no_such_date(document: Document, route: Route, found: Any) -> Problem:
    """Return the problem of a date that the calendar does not have."""
    return problem_at(document, route, "no-such-date", f"the calendar has no day {words_of(found)}")


def _say_size(words: str) -> Callable[[Complaint, Document], Iterator[Problem]]:
    def say(complaint: Complaint, document: Document) -> Iterator[Problem]:
        found = complaint.found
        size = f"{len(found)}" if isinstance(found, list | dict | str) else words_of(found)
        told = words.format(complaint.limit)
        for one, several in (
            ("1 characters", "one character"),
            ("1 entries", "one entry"),
            ("1 keys", "one key"),
        ):
            told = told.replace(f" {one}", f" {several}")
        expected = complaint.schema.get("expected") or told
        message = f"expected {expected}, found {size}"
        yield problem_at(document, complaint.route, "wrong-size", message, at_key=complaint.at_key)

    return say


def _say_equal(complaint: Complaint, document: Document) -> Iterator[Problem]:
    seen: list[Any] = []
    for index, item in enumerate(complaint.found):
        if item in seen:
            route = (*complaint.route, index)
            yield problem_at(document, route, "same-value", f"{words_of(item)} stands twice in the list")
            return
        seen.append(item)


def _say_otherwise(complaint: Complaint, document: Document) -> Iterator[Problem]:
    expected = complaint.schema.get("expected") or f"something else (`{complaint.keyword}`)"
    message = f"expected {expected}, found {words_of(complaint.found)}"
    yield problem_at(document, complaint.route, "wrong-value", message)


_SAY: Mapping[str, Callable[[Complaint, Document], Iterator[Problem]]] = {
    "type": _say_type,
    "additionalProperties": _say_unknown,
    "required": _say_missing,
    "enum": _say_choice,
    "const": _say_constant,
    "pattern": _say_form,
    "format": _say_format,
    "uniqueItems": _say_equal,
    "minItems": _say_size("at least {} entries"),
    "maxItems": _say_size("at most {} entries"),
    "minProperties": _say_size("at least {} keys"),
    "maxProperties": _say_size("at most {} keys"),
    "minLength": _say_size("at least {} characters"),
    "maxLength": _say_size("at most {} characters"),
    "minimum": _say_size("a number of at least {}"),
    "maximum": _say_size("a number of at most {}"),
    "exclusiveMinimum": _say_size("a number above {}"),
    "exclusiveMaximum": _say_size("a number below {}"),
}
