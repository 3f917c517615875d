"""A name alone is read without sqlglot, and comes out as sqlglot reads it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobplan.expression.parse import Tree, alone, in_full
from jobplan.expression.tokens import KEYWORDS, WORDS, CannotParse, dialect

SQL = sorted(
    {
        word.lower()
        for words in (
            dialect().tokenizer_class.KEYWORDS,
            dialect().parser_class.NO_PAREN_FUNCTION_PARSERS,
            dialect().parser_class.FUNCTIONS,
            KEYWORDS,
            WORDS,
        )
        for word in words
        if word.isidentifier() and word.isascii()
    }
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)


def in_parts(tree: Tree) -> Any:
    """A tree with all that is known of it: kinds, parts, places, and who holds whom."""
    parts = {
        key: in_parts(part) if isinstance(part, Tree) else part
        for key, part in tree.args.items()
        if part is not None
    }
    held = [key for key, part in tree.args.items() if isinstance(part, Tree) and part.parent is tree]
    return (type(tree).__name__, parts, dict(tree.meta), held)


def same(text: str) -> bool:
    """Tell whether a text was read without sqlglot; hold the tree to that of sqlglot."""
    tree = alone(text)
    if tree is not None:
        assert in_parts(tree) == in_parts(in_full(text))
    return tree is not None


@given(names, names)
def test_a_name_is_read_as_sqlglot_reads_it(first: str, second: str) -> None:
    same(first)
    same(f"{first}.{second}")


@pytest.mark.parametrize("word", SQL)
def test_a_word_of_sql_is_no_name_unless_sqlglot_says_so(word: str) -> None:
    try:
        in_full(word)
    except CannotParse:
        assert alone(word) is None
    else:
        same(word)


def test_truths_and_ordinary_names_are_read_without_sqlglot() -> None:
    assert all(same(text) for text in ("true", "false", "title", "a.opens", "weekly_hours_total", "kind2"))


@pytest.mark.parametrize("text", ["", " a", "a ", "A", "1", "a.b.c", "a.", ".a", "a b", "a-b", "a.end"])
def test_anything_else_is_left_to_sqlglot(text: str) -> None:
    assert alone(text) is None


