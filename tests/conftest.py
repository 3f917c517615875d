"""What all tests share: the longest go first, and the count of a long differential run is told at its end."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

LONGEST = ("test_spark", "test_audit_kill", "test_sql_agree", "test_audit_html")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that none of them runs alone at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Tell on how many plans the back ends were compared; parts run side by side."""
    if "JOBPLAN_PLANS" not in os.environ or hasattr(config, "workerinput"):
        return
    found = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "differential"
    ]
    if found:
        plans, verdicts = sum(part[0] for part in found), sum(part[1] for part in found)
        seconds = max(part[3] for part in found) - min(part[2] for part in found)
        told = f"{plans:,} plans, {verdicts:,} verdicts, {plans / seconds:.0f} plans a second"
        sys.stderr.write(f"differential: all alike on {told}\n")
