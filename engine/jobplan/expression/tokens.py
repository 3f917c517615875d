"""Split an expression into words and signs, and refuse what cannot be part of one at its own place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from jobplan.errors import suggest
from jobplan.expression.functions import FUNCTIONS

MAX_LENGTH = 2000
MAX_TOKENS = 400
MAX_DEPTH = 20
"""Brackets, cases and signs before a value that may stand one inside another; each takes the parser up to
35 calls, and Python allows 1,000."""


SPLIT = "split it into columns or measures"
MEASURE = "make a measure of it: {{{}: …, of: …}}"
KINDS = "facts have their kinds from the schema; name the fact itself"
SELECT = "make a measure of it: {sum: …, of: …, where: …}"
CASES = "a case reads: case when … then … else … end"

SIGNS = {
    "&&": "write `and`",
    "||": "write `or`; texts are not joined, put the parts into the message",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `<>`",
    "–": "write `-`, the plain minus sign",
    "−": "write `-`, the plain minus sign",
    "×": "write `*`",
    "÷": "write `/`",
    "!": "write `not`",
    "==": "write `=`",
    "<=>": "write `=`, and let the unknown stay unknown",
    "^@": "write starts_with(x, 'words')",
    "//": "write floor(a / b)",
    "%": "write wrap(x, n)",
    "**": "multiply: x * x",
    "^": "multiply: x * x",
    "::": KINDS,
    "~": "use = or starts_with(x, 'words')",
    "??": "a missing fact is unknown; write case when none(x) then … else … end",
    ";": "write one expression; join conditions with `and`",
    "[": "write the values in round brackets: in ('…', '…')",
    "{": "name the fact itself",
    "@": "name a parameter of the policy without any sign",
    "$": "name a parameter of the policy without any sign",
    "?": "name a parameter of the policy without any sign",
    ":": "name a parameter of the policy without any sign",
    "`": "write names as they are, and texts in single quotes: 'words'",
}
"""Signs that other languages have, and what is written here instead."""

WORDS = {
    "is": "write none(x) for what a plan states as none, recorded(x) for what must be on record, or just x",
    "null": "write none(x) for what a plan states as none, silent('why') where the policy gives no answer",
    "select": SELECT,
    "exists": SELECT,
    "distinct": "use <> and let the unknown stay unknown",
    "like": "use = or starts_with(x, 'words')",
    "ilike": "use = or starts_with(x, 'words')",
    "similar": "use = or starts_with(x, 'words')",
    "collate": "texts are compared as they stand",
    "interval": "write add_days(day, n) or add_months(day, n)",
    "current_date": "write `today`",
    "current_time": "write `today`; there is no time of day",
    "current_timestamp": "write `today`; there is no time of day",
    "now": "write `today`; there is no time of day",
    "cast": KINDS,
    "try_cast": KINDS,
    "coalesce": "a missing fact is unknown; write case when none(x) then … else … end",
    "ifnull": "a missing fact is unknown; write case when none(x) then … else … end",
    "nvl": "a missing fact is unknown; write case when none(x) then … else … end",
    "nullif": "write the condition with case",
    "try": "what cannot be worked out is unknown by itself",
    "if": CASES,
    "iff": CASES,
    "iif": CASES,
    "round": "write floor(x + 0.5), or compare with an allowance",
    "concat": "texts are not joined; put the parts into the message",
    "sum": MEASURE.format("sum"),
    "count": MEASURE.format("count"),
    "min": f"{MEASURE.format('min')}; the least of several values is least(a, b)",
    "max": f"{MEASURE.format('max')}; the greatest of several values is greatest(a, b)",
    "avg": MEASURE.format("average"),
    "average": MEASURE.format("average"),
    "random": "an expression gives the same answer each time",
}
"""Words that SQL has, and what is written here instead; those of functions only where they are called."""

KEYWORDS = frozenset({"is", "null", "select", "distinct", "like", "ilike", "similar", "collate", "interval",
                      "current_date", "current_time", "current_timestamp"})  # fmt: skip
CONNECTING = frozenset(
    {"and", "or", "not", "in", "between", "case", "when", "then", "else", "end", "true", "false"}
)
CURLY = "“”„‘’‚´"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class CannotParse(Exception):
    """An expression is not of the language; `offset` and `length` say where in its text."""

    def __init__(self, message: str, offset: int = 0, length: int = 1, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help


@cache
def dialect() -> DuckDB:
    """Return the spelling in which expressions are written."""
    return DuckDB()


def tokenize(text: str) -> list[Token]:
    """Split into tokens; length, number and depth are limited before any parsing. Raises CannotParse.

    >>> [token.text for token in tokenize("wrap(a, 2) > 1")]
    ['wrap', '(', 'a', ',', '2', ')', '>', '1']
    """
    if len(text) > MAX_LENGTH:
        raise CannotParse(f"longer than {MAX_LENGTH} characters", 0, 1, SPLIT)
    try:
        tokens = list(dialect().tokenize(text))
    except TokenError:
        raise CannotParse(*_unclosed(text)) from None
    if not tokens:
        raise CannotParse("expected an expression, found nothing", 0, 1)
    if len(tokens) > MAX_TOKENS:
        raise CannotParse(f"more than {MAX_TOKENS} words and signs", 0, 1, SPLIT)
    for index, token in enumerate(tokens):
        if token.comments:
            raise CannotParse(
                "comments are not part of an expression", 0, len(text), "put it beside the key, after #"
            )
        _check_token(token, tokens[index + 1] if index + 1 < len(tokens) else None)
    _check_depth(tokens)
    _check_brackets(tokens)
    for first, arguments in _calls(tokens):
        _check_call(first, arguments)
    return tokens


def _at(token: Token) -> tuple[int, int]:
    return token.start, token.end - token.start + 1


def _refuse(words: str, token: Token, help: str | None) -> CannotParse:
    return CannotParse(f"`{words}` is not part of the language", *_at(token), help)


def _unclosed(text: str) -> tuple[str, int, int, str]:
    """Say where the quote or comment begins that has no end."""
    quote = None
    for at, char in enumerate(text):
        if char == quote:
            quote = None
        elif quote is None and char in "'\"":
            quote, begun = char, at
    if quote is not None:
        return f"the quote `{quote}` that begins here is never closed", begun, 1, f"close it with {quote}"
    return "a comment is never closed", max(0, text.find("/*")), 2, "put it beside the key, after #"


def _check_token(token: Token, after: Token | None) -> None:
    """Refuse a sign or word of another language."""
    text, kind = token.text, token.token_type
    if kind in (TokenType.STRING, TokenType.NUMBER):
        return
    if kind == TokenType.IDENTIFIER:
        way_out = f"a text stands in single quotes: '{text}'"
        raise CannotParse(f'expected a name, found `"{text}"`', *_at(token), way_out)
    curly = next((char for char in text if char in CURLY), None)
    if curly is not None:
        raise CannotParse(f"found the curly quote `{curly}`", *_at(token), "use straight single quotes: '…'")
    if after is not None and (text, after.text) == ("=", "<") and after.start == token.end + 1:
        raise CannotParse("`=<` is not part of the language", token.start, 2, SIGNS["=<"])
    if text in SIGNS and not NAME.fullmatch(text):
        raise _refuse(text, token, SIGNS[text])
    word = text.lower()
    if word == "date" and after is not None and after.token_type == TokenType.STRING:
        raise CannotParse(
            "a day needs no word before it", *_at(token), f"write the day alone: '{after.text}'"
        )
    called = after is not None and after.token_type == TokenType.L_PAREN
    if word in WORDS and (word in KEYWORDS or called):
        raise _refuse(text, token, WORDS[word])


def _check_depth(tokens: Sequence[Token]) -> None:
    """Refuse brackets, cases and signs before a value that are nested too deep."""
    begun: list[int] = []
    signs = 0
    for token in tokens:
        kind = token.token_type
        if kind in (TokenType.NOT, TokenType.DASH):
            signs += 1
        else:
            if kind in ENDS.values():
                begun.append(signs + 1)
            elif kind in ENDS and begun:
                begun.pop()
            signs = 0
        if sum(begun) + signs > MAX_DEPTH:
            raise CannotParse(f"nested deeper than {MAX_DEPTH}", token.start, 1, SPLIT)


def _check_brackets(tokens: Sequence[Token]) -> None:
    """Refuse brackets and cases that are not closed, and a `when` without `then`."""
    begun: list[Token] = []
    for token in tokens:
        kind = token.token_type
        if kind in (TokenType.L_PAREN, TokenType.CASE):
            begun.append(token)
        elif kind in ENDS:
            if not begun or begun[-1].token_type != ENDS[kind]:
                _complain_of_end(token, begun[-1] if begun else None)
            begun.pop()
    if begun:
        raise _never_closed(begun[-1])
    whens = [token for token in tokens if token.token_type == TokenType.WHEN]
    if len(whens) != sum(token.token_type == TokenType.THEN for token in tokens):
        raise CannotParse("each `when` needs one `then`", *_at(whens[-1] if whens else tokens[0]), CASES)


ENDS = {TokenType.R_PAREN: TokenType.L_PAREN, TokenType.END: TokenType.CASE}


def _complain_of_end(token: Token, begun: Token | None) -> None:
    if begun is not None:
        raise _never_closed(begun)
    opening, help = "(", None
    if token.token_type == TokenType.END:
        opening, help = "case", "`end` is the last word of a case, and no name"
    raise CannotParse(f"there is no `{opening}` before this `{token.text}`", *_at(token), help)


def _never_closed(token: Token) -> CannotParse:
    if token.token_type == TokenType.CASE:
        return CannotParse("the `case` that begins here has no `end`", *_at(token), CASES)
    return CannotParse("the bracket that begins here is never closed", *_at(token), "close it with `)`")


def _calls(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """Yield the name of each function called, with the number of its arguments; brackets are balanced."""
    open_calls: list[tuple[Token | None, int, int]] = []  # name, commas, index of the bracket
    for index, token in enumerate(tokens):
        kind = token.token_type
        if kind == TokenType.L_PAREN:
            before = tokens[index - 1] if index else None
            open_calls.append((before if before is not None and _is_name(before) else None, 0, index))
        elif kind == TokenType.COMMA:
            if not open_calls:
                raise CannotParse("`,` does not fit here", *_at(token), "join conditions with `and`")
            if tokens[index - 1].token_type in BEFORE_GAP or tokens[index + 1].token_type in AFTER_GAP:
                raise CannotParse("a value is missing beside this comma", *_at(token))
            name, commas, at = open_calls[-1]
            open_calls[-1] = (name, commas + 1, at)
        elif kind == TokenType.R_PAREN:
            name, commas, at = open_calls.pop()
            if name is not None:
                yield name, commas + 1 if index > at + 1 else 0


BEFORE_GAP = (TokenType.COMMA, TokenType.L_PAREN)
AFTER_GAP = (TokenType.COMMA, TokenType.R_PAREN)


def _is_name(token: Token) -> bool:
    named = token.token_type != TokenType.STRING and NAME.fullmatch(token.text) is not None
    return named and token.text.lower() not in CONNECTING


def _check_call(name: Token, given: int) -> None:
    """Refuse functions that are not listed, and wrong numbers of arguments."""
    function = FUNCTIONS.get(name.text.lower())
    if function is None:
        known = ", ".join(f"`{word}`" for word in FUNCTIONS)
        hint = suggest(name.text, FUNCTIONS) or f"the functions are {known}"
        raise CannotParse(f"no function `{name.text}`", *_at(name), hint)
    wanted = len(function.takes)
    if given < wanted or (given > wanted and not function.repeats):
        plural = "s" if wanted > 1 else ""
        said = f"`{function.name}` takes {wanted} argument{plural}, not {given}"
        raise CannotParse(said, *_at(name), f"it reads {function.usage}")
