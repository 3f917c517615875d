"""Comparing with a number that is known when SQL is written: once, without rounding at run time.

Numbers are compared in whole millionths, `floor(x * 1e6 + 0.5)`, which never falls as x grows. So there
is a least double from which on the comparison holds, and `x >= that` is the same comparison.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from math import floor, inf, nextafter

MILLION = 1e6


def millionths(x: float) -> float:
    """Return a number as it is compared."""
    return float(floor(x * MILLION + 0.5))


@lru_cache(maxsize=4096)
def least_of(whole: float) -> float:
    """Return the least double that is compared as `whole` millionths or more.

    >>> least_of(millionths(3.0)), millionths(least_of(3e6)), millionths(nextafter(least_of(3e6), 0))
    (2.9999995, 3000000.0, 2999999.0)
    """
    low, high = _place(-1e290), _place(1e290)
    while low < high:
        middle = (low + high) // 2
        if _at(middle) * MILLION + 0.5 >= whole:
            high = middle
        else:
            low = middle + 1
    return _at(low)


def range_of(x: float) -> tuple[float, float]:
    """Return the least and the greatest double that are compared as equal to `x`."""
    whole = millionths(x)
    low = least_of(whole)
    following = least_of(whole + 1) if whole + 1 != whole else nextafter(low, inf)
    return low, nextafter(following, -inf)


def _place(x: float) -> int:
    """Return where a double stands among all doubles."""
    bits: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def _at(place: int) -> float:
    bits = place if place >= 0 else -place | -0x8000000000000000
    found: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return found
