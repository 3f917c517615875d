"""Facts: what a schema lets a plan say, and plan documents read into relations; knows no domain."""

from jobplan.facts.document import Assumption, Plan, read_plan
from jobplan.facts.schema import FactSchema, Field, RelationSchema, fact_schema, load_schema

__all__ = [
    "Assumption",
    "FactSchema",
    "Field",
    "Plan",
    "RelationSchema",
    "fact_schema",
    "load_schema",
    "read_plan",
]
