"""Many plans at once: documents, JSON lines, relation tables and workbooks, as tables of facts."""

from jobplan.extras import library

for _name in ("duckdb", "pyarrow"):
    library(_name)  # says how to install them before an import fails

from jobplan.facts.tables.data import Chunk, Data  # noqa: E402
from jobplan.facts.tables.open import open_data  # noqa: E402
from jobplan.facts.tables.write import write_tables  # noqa: E402

__all__ = ["Chunk", "Data", "open_data", "write_tables"]
