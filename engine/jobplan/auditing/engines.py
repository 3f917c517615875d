"""The engines that an audit can be judged by, and the database that all of them write with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobplan.auditing.bulk import Bulk
from jobplan.auditing.parts import Engine
from jobplan.auditing.settings import Settings
from jobplan.auditing.singly import Singly
from jobplan.backends import duckdb
from jobplan.evaluate import Evaluator

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def connect(settings: Settings, reads: Iterable[Path], writes: Path) -> Iterator[DuckDBPyConnection]:
    """Give a database that reads and writes nothing but these folders."""
    connection = duckdb.connect(
        reads=reads, writes=writes, memory=settings.memory, threads=settings.threads, spill=writes / "spill"
    )
    try:
        yield connection
    finally:
        connection.close()


def _singly(settings: Settings, evaluator: Evaluator) -> Engine:
    return Singly(Evaluator(evaluator.policies, settings.engine), settings.today)


def _duckdb(settings: Settings, evaluator: Evaluator) -> Engine:
    return Bulk(evaluator, settings.today)


ENGINES: Mapping[str, Callable[[Settings, Evaluator], Engine]] = {
    "duckdb": _duckdb,
    "reference": _singly,
    "rete": _singly,
}
