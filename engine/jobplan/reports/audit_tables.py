"""The folder of an audit, read through DuckDB: its tables as views, and what is constant beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jobplan.extras import library
from jobplan.model import SEVERITIES
from jobplan.quoting import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VIOLATIONS = ("breach", "query", "caution", "advice", "note")
"""Severities of what is violated; the others are of what cannot be judged."""

MEMORY = "1GiB"
"""What the figures of a report may take; beyond it the database works on disk."""

VERDICT_WORDS = {
    "satisfied": "kept",
    "violated": "violated",
    "unknown": "cannot be judged",
    "not_applicable": "does not apply",
}


@dataclass(frozen=True)
class AuditTables:
    """The tables of one audit; `folder` is read only."""

    folder: Path
    connection: DuckDBPyConnection
    manifest: Mapping[str, Any]
    about: Mapping[str, Any]

    @property
    def policies(self) -> list[dict[str, Any]]:
        """Return the policies by which plans were judged, each as policies.json has it."""
        found: list[dict[str, Any]] = self.about["policies"]
        return found

    @cached_property
    def plan_columns(self) -> tuple[str, ...]:
        """Return the columns of the table of plans."""
        return tuple(row[0] for row in self.rows("describe plans"))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a query gives."""
        return self.connection.execute(sql, list(parameters)).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the single value that a query gives."""
        return self.rows(sql, parameters)[0][0]

    def file(self, kind: str, policy: str, relation: str = "") -> Path:
        """Return where a policy's own table is: its verdicts, measures, or what is drawn of a relation."""
        name = policy.replace("/", "-") + (f".{relation}" if relation else "")
        return self.folder / kind / f"{name}.parquet"

    def has(self, kind: str, policy: str, relation: str = "") -> bool:
        """Tell whether a policy has a table."""
        return self.file(kind, policy, relation).is_file()

    def table(self, kind: str, policy: str, relation: str = "") -> str:
        """Return the words by which a query reads a policy's own table."""
        return f"read_parquet({literal(self.file(kind, policy, relation))})"


@contextmanager
def audit_tables(folder: Path) -> Iterator[AuditTables]:
    """Give the tables of an audit; nothing but its folder can be read, and nothing written."""
    duckdb = library("duckdb")
    folder = folder.resolve()
    connection = duckdb.connect()
    spilled = TemporaryDirectory(prefix="jobplan-")
    try:
        for setting in (
            f"set memory_limit = '{MEMORY}'",
            f"set temp_directory = {literal(spilled.name)}",
            f"set allowed_directories = [{literal(folder)}]",
            "set preserve_insertion_order = true",
            "set enable_progress_bar = false",
            "set autoinstall_known_extensions = false",
            "set autoload_known_extensions = false",
            "set enable_external_access = false",
            "set lock_configuration = true",
        ):
            connection.execute(setting)
        for name in ("plans", "findings", "set_aside"):
            source = f"read_parquet({literal(folder / f'{name}.parquet')}, file_row_number = true)"
            words = "* exclude (file_row_number), file_row_number as place_number"
            connection.execute(f"create view {name} as select {words} from {source}")
        gravity = " ".join(f"when '{name}' then {place}" for place, name in enumerate(SEVERITIES))
        connection.execute(
            f"create view found as select *, case severity {gravity} end as gravity, "
            "coalesce(waived, '') <> '' as is_waived from findings"
        )
        yield AuditTables(
            folder, connection, read_json(folder / "manifest.json"), read_json(folder / "policies.json")
        )
    finally:
        connection.close()
        spilled.cleanup()


def read_json(path: Path) -> dict[str, Any]:
    """Return what a file holds; a manifest may not be there yet."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def written_whole(path: Path, data: bytes) -> Path:
    """Write a file whole or not at all, and return where it is."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
    return path
