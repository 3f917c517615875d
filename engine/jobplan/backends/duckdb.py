"""DuckDB, shut in: it reads and writes the folders it was given, and nothing in it can be changed again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jobplan.backends.sql.compile import Verdicts
from jobplan.extras import library
from jobplan.quoting import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SLOW_OPTIMIZERS = "filter_pullup,projection_placement"
"""What takes DuckDB longer to plan wide queries, and moves no filter of ours to a better place."""


def connect(
    *, reads: Iterable[Path], writes: Path, memory: str, threads: int, spill: Path | None = None
) -> DuckDBPyConnection:
    """Return a connection that can reach nothing but some folders, before anything of others runs in it.

    `reads` are files and folders to read, `writes` a folder to write to; what does not fit in `memory`
    (such as `1500MB`) goes to `spill`, or to a folder inside `writes`.
    """
    connection: DuckDBPyConnection = library("duckdb").connect(":memory:")
    spills = spill if spill is not None else writes / ".spill"
    given = [Path(path).resolve() for path in reads]
    folders = [*(path for path in given if path.is_dir()), writes.resolve(), spills.resolve()]
    files = [path for path in given if not path.is_dir()]
    settings: dict[str, object] = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": str(spills.resolve()),
        "allowed_directories": [f"{folder}/" for folder in folders],
        "allowed_paths": [str(path) for path in files],
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "enable_external_access": False,
        "disabled_optimizers": SLOW_OPTIMIZERS,
        "lock_configuration": True,
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = {written(value)}").fetchall()
    return connection


def written(value: object) -> str:
    """Write the value of a setting.

    >>> written(["/a'b/", "/c/"]), written(True), written(2)
    ("['/a''b/', '/c/']", 'true', '2')
    """
    if isinstance(value, list):
        return f"[{', '.join(written(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else literal(value)


def judge(connection: DuckDBPyConnection, verdicts: Verdicts) -> None:
    """Work out and judge the chunk in schema `facts`; what plans state is asked only where that tells."""
    for statement in verdicts.first:
        connection.execute(statement).fetchall()
    if not verdicts.again:
        return
    again = connection.execute('SELECT 1 FROM "work"."again" LIMIT 1').fetchall()
    for statement in verdicts.again if again else verdicts.otherwise:
        connection.execute(statement).fetchall()


def clear(connection: DuckDBPyConnection, verdicts: Verdicts) -> None:
    """Take away everything that was made of a chunk."""
    for statement in verdicts.clear:
        connection.execute(statement).fetchall()
