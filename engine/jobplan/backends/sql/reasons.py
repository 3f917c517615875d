"""Why verdicts are unknown: the third statement of SQL, for what the verdicts' statements left unknown.

It leaves work."lacks" (P, R, rule, why): a row an unknown judgement that can fail, with the number of
its rule in the edition and the numbers of its reasons; R is NULL for rows that may be missing.
work."ids <relation>" (P, R, id, of, rank) tells which rows the ranks in these numbers stand for.
"""

from __future__ import annotations

from jobplan.backends.sql.functions import DIALECTS
from jobplan.backends.sql.reasons_codes import Codes
from jobplan.backends.sql.reasons_frames import Frame, Write
from jobplan.backends.sql.reasons_plan import Planner
from jobplan.backends.sql.scalar import Scalar
from jobplan.backends.sql.wholes import Wholes
from jobplan.expression.program import Program
from jobplan.facts.schema import FactSchema


def reasons_of(program: Program, schema: FactSchema, today: int, dialect: str = "duckdb") -> Planner:
    """Return what writes the statements on reasons for any rules of an edition. `today` is an ordinal."""
    wholes = Wholes(program.checked, program.edition, schema)

    def writes(frame: Frame) -> Write:
        return Scalar(program.edition, wholes, DIALECTS[dialect], today, frame).value

    return Planner(program, schema, Codes(program, schema), writes)
