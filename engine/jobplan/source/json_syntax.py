"""What the standard library says about broken JSON, in words for the author of the text."""

import json
import re

from jobplan.errors import Lines, Problem
from jobplan.source.complaints import quoted

_BARE = re.compile(r"[^\s,\]}]+")

# how the library's problem begins → our words, with what stands there, and the way out
_WORDS: dict[str, tuple[str, str | None]] = {
    "Expecting property name": ("expected a key in double quotes, found {}", None),
    "Expecting ',' delimiter": (
        "expected `,` or a closing bracket, found {}",
        "put a comma after the entry before it",
    ),
    "Expecting ':' delimiter": ("expected `:` after the key, found {}", None),
    "Expecting value": (
        "expected a value, found {}",
        "put texts in double quotes; other words are only true, false and null",
    ),
    "Unterminated string": ("the quote that begins here is never closed", "close it"),
    "Invalid control character": ("expected one line of text, found a tab or the end of the line", None),
    "Invalid \\escape": ("an unknown escape", "double the backslash"),
    "Invalid \\u": ("expected four digits after `\\u`", "write the character itself"),
    "Extra data": ("expected the end of the file, found {}", "put each document into a file of its own"),
}
_COMMENT = "JSON has no comments: take it out"
_SIGNS = {"'": "use double quotes", "//": _COMMENT, "/*": _COMMENT, "#": _COMMENT}


def json_problem(error: json.JSONDecodeError, file: str) -> Problem:
    """Return the one problem that a syntax error is; the library's words change with its version."""
    text, at = error.doc, error.pos
    if error.msg.startswith("Illegal trailing comma"):
        at += 1
    before, rest = text[:at].rstrip(), text[at:].lstrip()
    if before.endswith(",") and rest[:1] in ("]", "}"):
        at = len(before) - 1
        message = f"expected another entry after this comma, found `{rest[0]}`"
        help_text: str | None = "take the comma away"
    else:
        message, help_text = _words(error.msg, rest)
    return Problem("json-syntax", message, Lines(text).span(file, (at, at + 1)), help_text)


def _words(said: str, rest: str) -> tuple[str, str | None]:
    found = _BARE.match(rest)
    shown = quoted(found.group() if found else rest[0]) if rest else "the end of the file"
    for begins, (message, help_text) in _WORDS.items():
        if said.startswith(begins):
            signs = (way_out for sign, way_out in _SIGNS.items() if rest.startswith(sign))
            return message.format(shown), next(signs, help_text)
    return said[:1].lower() + said[1:], None
