"""Names and texts as SQL has them."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return a name as SQL has it.

    >>> quoted('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """Return a text, or a path, as SQL has texts.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + str(text).replace("'", "''") + "'"
