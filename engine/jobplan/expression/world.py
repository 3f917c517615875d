"""Build the names of a policy: facts as the schema declares them, columns, derived relations."""

from __future__ import annotations

from jobplan.expression.scope import Shape, Type, World
from jobplan.expression.units import parse_unit
from jobplan.facts.schema import FactSchema, Field
from jobplan.model import Derived, Kind, Parameter, Policy


def build_world(policy: Policy, schema: FactSchema) -> World:
    """Return every name that expressions of the policy may use; derived fields get types later."""
    shapes: dict[str, Shape] = {}
    for relation in schema.relations.values():
        parent = relation.parent or (schema.root if relation.name != schema.root else None)
        facts = {field.name: fact_type(field) for field in relation.fields.values()}
        shapes[relation.name] = Shape(relation.name, parent, facts)
    for derived in policy.relations.values():
        shapes.setdefault(derived.name, derived_shape(derived, schema.root))
    for name, columns in policy.columns.items():
        if name in shapes:
            shapes[name].columns = set(columns)
    parameters = {name: parameter_type(value) for name, value in policy.parameters.items()}
    return World(schema.root, shapes, parameters, set(policy.measures))


def fact_type(field: Field) -> Type:
    """Return the type of a fact; the names of days are no texts, for a weekday is a number."""
    options = field.choices if field.form == "text" or field.of == "text" else ()
    names = field.choices if field.form == "weekday" else ()
    of: Kind = "text" if field.of == "text" else "number"
    return Type(field.kind, parse_unit(field.unit), options, field.none, of, names)


def derived_shape(derived: Derived, root: str) -> Shape:
    """Return a derived relation as far as it is known without types."""
    shape = Shape(derived.name, root, derived=True)
    source = next(iter(derived.sources.values()), root)
    if derived.kind in ("rows", "each"):
        shape.parent = source
    elif derived.kind in ("merge", "gaps"):
        shape.parent = derived.within or root
        shape.facts = {"opens": Type("unknown"), "closes": Type("unknown")}
    elif derived.kind == "pairs":
        shape.aliases = dict(derived.sources)
    elif derived.kind == "union":
        members = next(iter(derived.members.values()), {})
        shape.facts = {name: Type("unknown") for name in members}
    if derived.kind == "each":
        shape.facts = {derived.alias: Type("unknown")}
    return shape


def parameter_type(parameter: Parameter) -> Type:
    """Return the type of a parameter by its values; one without values is a number."""
    first = parameter.values[0].value if parameter.values else 0.0
    if isinstance(first, bool):
        return Type("truth")
    if isinstance(first, str):
        return Type("text")
    return Type("number", parse_unit(parameter.unit))
