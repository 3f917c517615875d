"""Names and texts as SQL has them."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a name as SQL has it.

    >>> quoted('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL has it.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
