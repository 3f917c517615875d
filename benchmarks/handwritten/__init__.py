"""The best DuckDB query that we could write by hand for a subset of the English consultant policy.

Five scripts, run in order on the Parquet tables of a folder, make the tables `measures` and `verdicts`:
106 rules, 27 of them on rows and 2 on pairs of rows; all that is unknown is left unknown. Anything that the
engine does beside (checking the input, columns that no rule of the subset reads) is not done here.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

SCRIPTS = ("macros", "rows", "others", "pairs", "plans")
VERDICTS = ("not_applicable", "satisfied", "unknown", "violated")


def statements() -> list[str]:
    """Return the statements of all scripts, in order."""
    texts = [(Path(__file__).parent / f"{name}.sql").read_text("utf-8") for name in SCRIPTS]
    return [statement for text in texts for statement in text.split(";\n") if statement.strip()]


def judge(connection: DuckDBPyConnection, folder: Path, today: date) -> None:
    """Make the tables `measures` and `verdicts` of the plans in a folder."""
    connection.execute(f"SET VARIABLE folder = '{folder}'")
    connection.execute(f"SET VARIABLE today = DATE '{today.isoformat()}'")
    for statement in statements():
        connection.execute(statement)


def rules_of_query() -> list[str]:
    """Return the rules that the query answers, without running it."""
    text = (Path(__file__).parent / "plans.sql").read_text("utf-8")
    return re.findall(r'AS "([a-z-]+)"', text)


def rules(connection: DuckDBPyConnection) -> list[str]:
    """Return the rules that the table `verdicts` answers."""
    described = connection.execute("DESCRIBE verdicts").fetchall()
    return [name for name, *_ in described if name != "plan"]
