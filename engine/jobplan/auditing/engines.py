"""The engines that an audit can be judged by, and the database that all of them write with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobplan.auditing.parts import Engine
from jobplan.auditing.settings import Settings
from jobplan.auditing.singly import Singly
from jobplan.evaluate import Evaluator
from jobplan.extras import library

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def connect(settings: Settings, reads: Iterable[Path], writes: Path) -> Iterator[DuckDBPyConnection]:
    """Give a database that reads and writes nothing but these folders."""
    connection = library("duckdb").connect(
        config={"memory_limit": settings.memory, "threads": settings.threads, "temp_directory": str(writes)}
    )
    try:
        yield connection
    finally:
        connection.close()


def _singly(settings: Settings, evaluator: Evaluator) -> Engine:
    return Singly(Evaluator(evaluator.policies, settings.engine), settings.today)


ENGINES: Mapping[str, Callable[[Settings, Evaluator], Engine]] = {
    "reference": _singly,
    "rete": _singly,
}
