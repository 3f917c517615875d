"""Leave out of statements what no verdict is read from, and let go of tables when nobody reads them again.

Names are followed from the answers back to the facts, whichever table they are of: a column may stay that
nobody reads, but none is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from jobplan.backends.sql import nodes as n
from jobplan.expression.parse import Tree

ANSWERS = frozenset({("work", "verdicts"), ("work", "refused")})
"""The tables that are read when verdicts alone are asked for."""

Key = tuple[str, str]


def alone(statements: Iterable[Tree]) -> list[Tree]:
    """Return the statements that the answers need, with the columns that they need."""
    kept: list[Tree] = []
    needed: set[Key] = set(ANSWERS)
    wanted: set[str] = set()
    for statement in reversed(list(statements)):
        key = made_by(statement)
        if key is not None and key not in needed:
            continue
        if key is not None:
            statement = statement.copy()  # trees share parts, which differ after this
            query = statement.expression
            prune(query, None if key in ANSWERS else wanted)
            needed.update(read_by(query))
            wanted.update(column.name for column in query.find_all(exp.Column))
        kept.append(statement)
    return list(with_drops(kept[::-1]))


def made_by(statement: Tree) -> Key | None:
    """Return the table or view that a statement makes; None if it makes a schema."""
    made = statement.this
    return (made.db, made.name) if statement.args["kind"] in ("TABLE", "VIEW") else None


def read_by(query: Tree) -> set[Key]:
    """Return the tables and views that a query reads."""
    return {(table.db, table.name) for table in query.find_all(exp.Table)}


def prune(query: Tree, wanted: set[str] | None) -> None:
    """Leave out the columns of a query that are not wanted; None wants all."""
    if isinstance(query, exp.Union):
        branches = list(branches_of(query))
        alike = len({named_columns(branch) for branch in branches}) == 1 and not query.args.get("distinct")
        for branch in branches:
            prune(branch, wanted if alike and named_columns(branch) else None)
        return
    if not isinstance(query, exp.Select):
        return
    if wanted is not None and "distinct" not in query.args:
        columns = [c for c in query.expressions if takes_all(c) or c.alias_or_name in wanted]
        query.set("expressions", columns or query.expressions[:1])
    inner: set[str] | None = names_in(query)
    if any(takes_all(column) for column in query.expressions):
        inner = None if wanted is None or inner is None else inner | wanted
    sources = [query.args["from_"].this] if query.args.get("from_") else []
    for source in [*sources, *(join.this for join in query.args.get("joins") or ())]:
        if isinstance(source, exp.Subquery):
            prune(source.this, inner)


def branches_of(query: Tree) -> Iterator[Tree]:
    """Yield the queries that a union is made of."""
    if isinstance(query, exp.Union):
        yield from branches_of(query.this)
        yield from branches_of(query.expression)
    else:
        yield query


def named_columns(query: Tree) -> tuple[str, ...]:
    """Return the names that a query gives its columns; nothing if it gives none to one of them."""
    columns = query.expressions if isinstance(query, exp.Select) else []
    plain = "distinct" not in query.args and not any(takes_all(column) for column in columns)
    return tuple(column.alias_or_name for column in columns) if plain else ()


def takes_all(column: Tree) -> bool:
    """Tell whether a column is all columns of the sources, or of one of them."""
    return isinstance(column, exp.Star) or (
        isinstance(column, exp.Column) and isinstance(column.this, exp.Star)
    )


def names_in(query: exp.Select) -> set[str]:
    """Return the names that a query itself uses, below its sources."""
    parts = [*query.expressions, *(join.args.get("on") for join in query.args.get("joins") or ())]
    parts += [query.args.get(key) for key in ("where", "group", "order")]
    return {column.name for part in parts if part is not None for column in part.find_all(exp.Column)}


def with_drops(statements: list[Tree]) -> Iterator[Tree]:
    """Yield statements, and after the last that reads a table one that lets it go."""
    through: dict[Key, set[Key]] = {}
    tables: set[Key] = set()
    last: dict[Key, int] = {}
    for number, statement in enumerate(statements):
        key = made_by(statement)
        if key is None:
            continue
        reads = {found for read in read_by(statement.expression) for found in through.get(read, {read})}
        if statement.args["kind"] == "VIEW":
            through[key] = reads
            continue
        tables.add(key)
        last.update(dict.fromkeys(reads, number))
    yield from dropped(statements, {key: number for key, number in last.items() if key in tables})


def dropped(statements: list[Tree], last: Mapping[Key, int]) -> Iterator[Tree]:
    """Yield statements, each followed by the drops of the tables that it is the last to read."""
    by_place: dict[int, list[Key]] = {}
    for key, number in last.items():
        by_place.setdefault(number, []).append(key)
    for number, statement in enumerate(statements):
        yield statement
        for schema, name in sorted(by_place.get(number, ())):
            yield exp.Drop(tables=[n.table(schema, name)], kind="TABLE")
