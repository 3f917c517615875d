"""Libraries that only some commands need: imported when those run, with the way to get them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from jobplan.errors import BrokenInput, Problem

EXTRAS: Mapping[str, str] = {
    "duckdb": "audit",
    "jinja2": "audit",
    "openpyxl": "audit",
    "pyarrow": "audit",
    "pyspark": "spark",
    "xlsxwriter": "audit",
}
"""The extra of the distribution that brings each library."""


def library(name: str) -> Any:
    """Return a library that an extra brings. Raises BrokenInput, which tells how to install it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
    top = name.partition(".")[0]
    extra = EXTRAS[top]
    said = f"this needs the library `{top}`, which is not installed"
    raise BrokenInput([Problem("missing-library", said, None, f"pip install 'jobplan-policy[{extra}]'")])
