"""Check columns and measures: values, overlaps with windows, look-ups, aggregates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jobplan.errors import closest, suggest
from jobplan.expression.checked import CheckedFormula
from jobplan.expression.hints import listed
from jobplan.expression.infer import SAYS, UNKNOWN
from jobplan.expression.parse import Tree
from jobplan.expression.scope import Scope, Type
from jobplan.expression.units import fits, parse_unit, show_unit
from jobplan.model import Formula, Kind, Table

if TYPE_CHECKING:
    from jobplan.expression.check import Reader

SPANNED = ("number", "date")
WITH_IF_NONE = ("min", "max", "average")

Trees = dict[str, Tree]


def check_formula(reader: Reader, name: str, relation: str, formula: Formula) -> CheckedFormula:
    """Check how a column (of `relation`) or measure is worked out."""
    here = Scope(reader.world, relation or reader.world.root)
    if formula.kind == "value":
        tree, found = reader.typed(formula.inputs["value"], here)
        trees: Trees = {"value": tree}
    elif formula.kind == "overlap":
        trees, found = overlap(reader, formula, here)
    elif formula.kind == "lookup":
        trees, found = lookup(reader, formula, here)
    else:
        trees, found = aggregate(reader, formula, relation)
    if formula.as_stated is not None:
        kind = found.kind if found.kind != "unknown" else None
        trees["as_stated"], _ = reader.typed(formula.as_stated, here, kind)
    unit = parse_unit(formula.unit)
    known = check_unit(reader, formula.unit, formula.place)
    if known and found.kind == "number" and not fits(unit, found.unit):
        said = f"`{name}` is worked out in `{show_unit(found.unit)}`, and said to be in `{formula.unit}`"
        way_out = f"say `unit: {show_unit(found.unit)}`, or bring it to `{formula.unit}` with a parameter"
        reader.problem(("wrong-unit", said), formula.place, key="unit", help=way_out)
    final = Type(found.kind, unit if unit is not None else found.unit, found.options)
    own = relation not in ("", reader.world.root) and relation in above(reader, formula.of)
    return CheckedFormula(name, relation, formula, trees, final, own_children=own)


def above(reader: Reader, relation: str) -> list[str]:
    """Return the parents of a relation, without itself; none for a relation that is not there."""
    return list(reader.world.ancestors(relation))[1:] if relation in reader.world.shapes else []


def check_unit(reader: Reader, unit: str, where: tuple[str, tuple[str | int, ...]]) -> bool:
    """Tell whether a unit may be used; one that no file declares is noted. Without any declared, all may."""
    units = reader.policy.units
    if not unit or not units or unit in units:
        return True
    way_out = suggest(unit, units) or f"the units are {listed(units)}; declare others under `units`"
    reader.problem(("unknown-unit", f"no unit `{unit}`"), where, key="unit", help=way_out)
    return False


def overlap(reader: Reader, formula: Formula, scope: Scope) -> tuple[Trees, Type]:
    """Check the part of an interval inside windows."""
    trees = {key: reader.typed(text, scope, "number")[0] for key, text in formula.inputs.items()}
    found_table(reader, formula, "with", windows=True)
    return trees, Type("number", parse_unit("min"))


def found_table(reader: Reader, formula: Formula, key: str, *, windows: bool) -> Table | None:
    """Return the table that a formula names, or None after saying that there is none of that sort."""
    tables = reader.policy.tables
    table = tables.get(formula.table)
    if table is not None and bool(table.windows) == windows:
        return table
    sort, other = ("table of windows", "look-up table") if windows else ("look-up table", "table of windows")
    said, way_out = f"no {sort} `{formula.table}`", None
    if table is not None:
        said, way_out = f"`{formula.table}` is a {other}, not a {sort}", "name another table"
    options = [table.name for table in tables.values() if bool(table.windows) == windows]
    reader.problem(("unknown-table", said), formula.place, options, key=key, help=way_out)
    return None


def lookup(reader: Reader, formula: Formula, scope: Scope) -> tuple[Trees, Type]:
    """Check a look-up: every key given, none that the table lacks."""
    table = found_table(reader, formula, "lookup", windows=False)
    trees: Trees = {}
    if table is None:
        return trees, UNKNOWN
    file, route = formula.place
    unknown = [key for key in formula.inputs if key not in table.by]
    for key in unknown:
        said = f"the table `{table.name}` has no key `{key}`"
        way_out = suggest(key, table.by) or f"its keys are {listed(table.by)}"
        reader.problem(("unknown-field", said), (file, (*route, "by", key)), help=way_out)
    misspelt = {closest(key, table.by) for key in unknown}
    for index, key in enumerate(table.by):
        if key in formula.inputs:
            kind = kind_among(row.keys[index] for row in table.rows)
            trees[key], _ = reader.typed(formula.inputs[key], scope, kind)
        elif key not in misspelt:
            said = f"`{table.name}` is looked up by `{key}`, which is not given"
            reader.problem(("missing-field", said), formula.place, key="by")
    return trees, Type(kind_among(row.value for row in table.rows))


def kind_among(values: Iterable[Any]) -> Kind:
    """Return the kind of the values, or ranges, of one column of a table."""
    found = {type(value) for value in values}
    return "text" if str in found else "truth" if bool in found else "number"


def aggregate(reader: Reader, formula: Formula, relation: str) -> tuple[Trees, Type]:
    """Check an aggregate: what is aggregated stands on the rows of `of`."""
    if formula.of not in reader.world.shapes:
        said = ("unknown-relation", f"no relation `{formula.of}`")
        reader.problem(said, formula.place, reader.world.shapes, key="of")
        return {}, UNKNOWN
    reader.relation(formula.of)
    inside = Scope(reader.world, formula.of, relation or None)
    truth = formula.kind in ("count", "any", "all")
    tree, found = reader.typed(formula.inputs[formula.kind], inside, "truth" if truth else None)
    trees = {"input": tree}
    if formula.where is not None:
        trees["where"], _ = reader.typed(formula.where, inside, "truth")
    if formula.if_none is not None:
        trees["if_none"] = if_none(reader, formula, found, Scope(reader.world, relation or reader.world.root))
    elif formula.kind in WITH_IF_NONE:
        said = ("missing-field", f"`{formula.kind}` needs `if_none`: what it is where there are no rows")
        reader.problem(said, formula.place, help="such as if_none: 0, or if_none: silent('why')")
    if formula.kind in ("any", "all"):
        return trees, Type("truth")
    wanted = {"sum": ("number",), "average": ("number",), "min": SPANNED, "max": SPANNED}.get(formula.kind)
    if wanted and found.kind not in (*wanted, "unknown"):
        expected = "numbers or dates" if wanted == SPANNED else "numbers"
        said = ("wrong-kind", f"`{formula.kind}` goes over {expected}, found {SAYS[found.kind]}")
        reader.problem(said, formula.place, key=formula.kind)
        return trees, UNKNOWN
    return trees, Type("number") if formula.kind == "count" else found


def if_none(reader: Reader, formula: Formula, found: Type, scope: Scope) -> Tree:
    """Check what an aggregate over no rows gives: of the kind and unit of what is aggregated."""
    assert formula.if_none is not None
    tree, given = reader.typed(formula.if_none, scope, found.kind if found.kind in SPANNED else None)
    if formula.kind not in WITH_IF_NONE:
        said = f"`{formula.kind}` needs no `if_none`"
        way_out = "leave it out: over no rows `sum` and `count` are 0, `any` is false and `all` is true"
        reader.problem(("unknown-field", said), (formula.if_none.file, formula.if_none.route), help=way_out)
    elif not fits(given.unit, found.unit):
        said = f"expected `{show_unit(found.unit)}`, found `{show_unit(given.unit)}`"
        reader.problem(("wrong-unit", said), formula.place, key="if_none")
    return tree
