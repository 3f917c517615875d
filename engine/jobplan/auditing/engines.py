"""The engines that an audit can be judged by, and the database that all of them write with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobplan.auditing.groups import Group, Refused
from jobplan.auditing.parts import Engine
from jobplan.auditing.settings import Settings
from jobplan.auditing.singly import Singly
from jobplan.backends import duckdb
from jobplan.errors import BrokenInput, Problem
from jobplan.evaluate import Evaluator
from jobplan.extras import library

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection


@contextmanager
def connect(settings: Settings, reads: Iterable[Path], writes: Path) -> Iterator[DuckDBPyConnection]:
    """Give a database that reads and writes nothing but these folders.

    Raises BrokenInput where what is done with it takes more memory than it may have.
    """
    connection = duckdb.connect(
        reads=reads, writes=writes, memory=settings.memory, threads=settings.threads, spill=writes / "spill"
    )
    try:
        yield connection
    except library("duckdb").OutOfMemoryException as error:
        said = f"the database needs more than {settings.memory} for {settings.chunk:,} plans at a time"
        help = "give it more by --memory, or let it judge fewer at a time by --chunk"
        raise BrokenInput([Problem("out-of-memory", said, None, help)]) from error
    finally:
        connection.close()


FEW = 1000
"""Plans of one edition that are judged one by one sooner than its statements are written and prepared."""


@dataclass(frozen=True, slots=True)
class Either:
    """Judges few plans one by one and many at once: the answers are the same, the time is not."""

    few: Engine
    many: Engine

    def judge(
        self, connection: DuckDBPyConnection, group: Group, waivers: pyarrow.Table, *, findings: bool
    ) -> Iterable[Refused]:
        """Judge the plans of one edition; yield those that cannot be judged."""
        engine = self.few if group.plans < FEW else self.many
        return engine.judge(connection, group, waivers, findings=findings)


def _singly(settings: Settings, evaluator: Evaluator) -> Engine:
    return Singly(Evaluator(evaluator.policies, settings.engine), settings.today)


def _duckdb(settings: Settings, evaluator: Evaluator) -> Engine:
    from jobplan.auditing.bulk import Bulk  # here, for what writes SQL takes time to import

    return Bulk(evaluator, settings.today)


def _spark(settings: Settings, evaluator: Evaluator) -> Engine:
    from jobplan.auditing.spark import InSpark  # here, for its library is an extra of its own

    return InSpark(evaluator, settings.today)


def _auto(settings: Settings, evaluator: Evaluator) -> Engine:
    return Either(Singly(evaluator, settings.today), _duckdb(settings, evaluator))


ENGINES: Mapping[str, Callable[[Settings, Evaluator], Engine]] = {
    "auto": _auto,
    "duckdb": _duckdb,
    "reference": _singly,
    "rete": _singly,
    "spark": _spark,
}
