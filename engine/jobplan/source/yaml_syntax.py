"""What libyaml says about broken text, in words for the author of the text."""

import re
from typing import Any

import yaml
from yaml.reader import ReaderError

from jobplan.errors import Lines, Problem, Span
from jobplan.source.complaints import QUOTE_IT, quoted

_UNKNOWN_TAG = "found undefined tag handle"
_ALIGN = "quote the whole text, or check the indentation"
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")

# libyaml's problem → our words and the way out
_WORDS: dict[str, tuple[str, str | None]] = {
    "mapping values are not allowed in this context": (
        "expected text or the end of the line, found `:`",
        f"{QUOTE_IT}; or check the indentation",
    ),
    "did not find expected ',' or '}'": ("expected `,` or `}` in a mapping in braces", QUOTE_IT),
    "did not find expected ',' or ']'": ("expected `,` or `]` in a list in brackets", QUOTE_IT),
    "did not find expected key": ("expected a key that stands below the others", _ALIGN),
    "did not find expected '-' indicator": ("expected `-` and the next entry of the list", _ALIGN),
    "did not find expected node content": ("expected a value", QUOTE_IT),
    "did not find expected <document start>": ("expected the end of the file", _ALIGN),
    "found invalid Unicode character escape code": (
        "expected the escape of a whole character",
        "write the character itself",
    ),
    "found unknown directive name": ("an unknown directive", "quote the text"),
    "found incompatible YAML document": ("expected version 1.1 or 1.2 of YAML", None),
    "did not find expected comment or line break": ("expected the end of the line", QUOTE_IT),
    "block sequence entries are not allowed in this context": ("a list cannot begin here", QUOTE_IT),
    "found unknown escape character": ("an unknown escape", "use single quotes, or double the backslash"),
    _UNKNOWN_TAG: ("expected a value, found a tag", "leave it out, or quote the text"),
}
# libyaml notices these late: the place is where the text in question begins
_FROM_CONTEXT: dict[str, tuple[str, str | None]] = {
    "could not find expected ':'": ("expected `:` after this key", _ALIGN),
    "found unexpected end of stream": ("the quote that begins here is never closed", "close it"),
}
# A mapping in braces or a list in brackets; of a block, where it begins says nothing new
_BEGUN = {
    "while parsing a flow mapping": "in the mapping that begins here",
    "while parsing a flow sequence": "in the list that begins here",
}
_CLOSING = {"did not find expected ',' or '}'": "`}`", "did not find expected ',' or ']'": "`]`"}


def syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    """Return the one problem that a syntax error is."""
    lines = Lines(text)
    late = error.problem in _FROM_CONTEXT
    mark: Any = error.context_mark if late and error.context_mark else error.problem_mark
    at = mark.index if mark is not None else 0
    message, help_text = _words(error, text, at)
    related: tuple[tuple[str, Span], ...] = ()
    if error.context in _BEGUN and error.context_mark is not None:
        begun = error.context_mark.index
        related = ((_BEGUN[error.context], lines.span(file, (begun, begun + 1))),)
    code = "tag" if error.problem == _UNKNOWN_TAG else "yaml-syntax"
    return Problem(code, message, lines.span(file, (at, at + 1)), help_text, related)


def reader_problem(error: ReaderError, file: str, text: str) -> Problem:
    """Return the problem of a character that YAML does not allow."""
    found = _NO_TEXT.search(text)
    at = found.start() if found else 0
    message = f"the character U+{ord(text[at]):04X} is not allowed" if found else str(error.reason)
    span = Lines(text).span(file, (at, at + 1))
    return Problem(
        "control-character", message, span, "leave it out, or write it as an escape in double quotes"
    )


def _words(error: yaml.MarkedYAMLError, text: str, at: int) -> tuple[str, str | None]:
    said = error.problem or "cannot be read"
    if said == "found character that cannot start any token":
        return _bad_start(text[at : at + 1])
    if said.startswith("found a tab character"):
        return _bad_start("\t")
    if said in _CLOSING and not text[at:].strip():
        return f"expected {_CLOSING[said]}, found the end of the file", f"close it with {_CLOSING[said]}"
    if said in _CLOSING and error.context_mark and "\n" in text[error.context_mark.index : at]:
        return _WORDS[said][0], f"close it with {_CLOSING[said]} before this line, or {QUOTE_IT}"
    if said == "did not find expected key" and text[:at].rpartition("\n")[2].strip():
        return "expected the end of the line", QUOTE_IT
    return _FROM_CONTEXT.get(said) or _WORDS.get(said) or (said, None)


def _bad_start(char: str) -> tuple[str, str]:
    if char == "\t":
        return "expected spaces, found a tab", "indent with spaces"
    shown = "a backtick" if char == "`" else quoted(char)
    return f"unquoted text cannot begin with {shown}", QUOTE_IT
