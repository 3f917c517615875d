"""Made-up populations of job plans: as many as wanted, seeded, in blocks, in the public table format.

`python -m benchmarks.population --plans 1000000 --seed 1 --out DIR` writes one Parquet file a relation.
What facts there are comes from the plan schema; `likely.py` says what they usually are, `week.py` lays
out timetables whose units add up, `lacking.py` takes away what sources lack.
"""

from benchmarks.population.blocks import Population
from benchmarks.population.documents import documents
from benchmarks.population.tables import write_tables

__all__ = ["Population", "documents", "write_tables"]
