"""What an author nearly wrote: the same in the form that is expected, or the way to it."""

import re
from typing import Any

_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]?([0-9]{2}))?\s*(am|pm)?", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{1,4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,4})")
_NUMBER = re.compile(r"(-?[0-9]+)(?:[.,]([0-9]+))?(\s.*|[a-zA-Z%].*)?", re.DOTALL)
_TRUTHS = {"yes": True, "y": True, "on": True, "true": True, "1": True,
           "no": False, "n": False, "off": False, "false": False, "0": False}  # fmt: skip


def nearly(found: Any, expected: str) -> str | None:
    """Return what to write instead of `found`; None if nothing can be told from it.

    `expected` are the words for what should stand there.

    >>> nearly("9.30am", "a clock time, HH:MM"), nearly("31/03/2024", "a date, YYYY-MM-DD")
    ('write 09:30', 'write 2024-03-31')
    >>> nearly("1,25", "a number"), nearly("yes", "`true` or `false`")
    ('write 1.25', 'write true, without quotes')
    """
    if isinstance(found, dict | list) or found is None:
        return None
    if isinstance(found, float) and "HH:MM" in expected:  # 9.5 may be 9:30 or 9:50
        return "write hours and minutes with a colon, such as 09:30"
    words = str(found).strip()
    if words.lower() == "none" and "`none`" not in expected:
        return "nobody can state `none` here; leave the key out if nothing is known"
    for sign, read in _READERS.items():
        if sign in expected:
            return read(words)
    return None


def _clock(words: str) -> str | None:
    found = _CLOCK.fullmatch(words.zfill(4) if words.isdecimal() and len(words) == 3 else words)
    if found is None:
        return None
    hours, minutes = int(found[1]), (found[2] or "0").zfill(2)
    if found[3]:
        hours = hours % 12 + (12 if found[3].lower() == "pm" else 0)
    return f"write {hours:02}:{minutes}" if hours < 24 and int(minutes) < 60 else None


def _date(words: str) -> str | None:
    found = _DATE.fullmatch(words)
    if found is None:
        return None
    if len(found[1]) == 4:
        return f"write {found[1]}-{found[2]:0>2}-{found[3]:0>2}"
    if len(found[3]) == 4 and int(found[1]) > 12:  # a lower one may be the month: nobody guesses
        return f"write {found[3]}-{found[2]:0>2}-{found[1]:0>2}"
    return "write the year first, then month and day: YYYY-MM-DD" if len(found[3]) == 4 else None


def _number(words: str) -> str | None:
    found = _NUMBER.fullmatch(words)
    if found is None:
        return "write it in digits, such as 2.5"
    whole = f"{found[1]}.{found[2]}" if found[2] else found[1]
    if any(char.isdecimal() for char in found[3] or ""):
        return "write one number, in digits"
    if found[3]:
        return f"write the number alone, such as {whole}"
    return f"write {whole}, without quotes" if whole == words else f"write {whole}"


def _truth(words: str) -> str | None:
    found = _TRUTHS.get(words.lower())
    return None if found is None else f"write {str(found).lower()}, without quotes"


_READERS = {"HH:MM": _clock, "YYYY-MM-DD": _date, "a number": _number, "`true`": _truth}
