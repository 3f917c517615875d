"""Turn the checked data of one rule file into model objects, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobplan.errors import Problem
from jobplan.model import (
    AGGREGATES,
    Citation,
    DatedValue,
    Derived,
    Expression,
    Formula,
    InForce,
    Parameter,
    Period,
    Reading,
    Rule,
    Source,
    Table,
    TableRow,
    Window,
)
from jobplan.source import Document, Route

Data = Mapping[str, Any]
TRUE = Expression("true", "", ())


@dataclass(slots=True)
class Builder:
    """Builds the parts of one file; `problems` collects what the schema cannot see."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, message: str, route: Route, help: str | None = None) -> None:
        """Note a problem at the value that `route` leads to."""
        self.problems.append(Problem(code, message, self.document.at(route), help, ()))

    def expression(self, value: Any, route: Route) -> Expression:
        """Return an expression; `true` and numbers may be written bare."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return Expression(text, self.document.file, route)

    def optional(self, data: Data, key: str, route: Route) -> Expression | None:
        """Return the expression under `key`, or None where there is none."""
        return self.expression(data[key], (*route, key)) if key in data else None

    def expressions(self, data: Data, route: Route) -> dict[str, Expression]:
        """Return every expression of a mapping by its key."""
        return {name: self.expression(text, (*route, name)) for name, text in data.items()}

    def day(self, text: str | None, route: Route) -> int | None:
        """Return a day as an ordinal; a day that the calendar lacks is a problem."""
        if text is None:
            return None
        try:
            return date.fromisoformat(text).toordinal()
        except ValueError:
            self.problem("no-such-day", f"`{text}` is not a day of the calendar", route)
            return None

    def period(self, data: Data, route: Route) -> Period:
        """Return the period of `from` and `until`."""
        return Period(
            self.day(data.get("from"), (*route, "from")), self.day(data.get("until"), (*route, "until"))
        )

    def citations(self, data: Data) -> tuple[Citation, ...]:
        """Return the citations under `cites`."""
        return tuple(
            Citation(
                item["authority"]["source"],
                item["authority"]["at"],
                Reading(
                    item["reading"].get("source", ""), item["reading"]["kind"], item["reading"]["confidence"]
                ),
            )
            for item in data.get("cites", ())
        )

    def parameter(self, name: str, data: Data, agreed: str = "") -> Parameter:
        """Return one parameter; values without an end hold until the next one begins."""
        route: Route = ("parameters", name)
        return Parameter(
            name=name,
            unit=data.get("unit", ""),
            values=tuple(self._dated(data.get("values", ()), route, agreed)),
            title=data.get("title", ""),
            open=data.get("open", False),
            unset=data.get("unset", ""),
            cites=self.citations(data),
            facts=tuple(data.get("facts", ())),
            place=(self.document.file, route),
        )

    def _dated(self, values: list[Data], route: Route, agreed: str) -> Iterator[DatedValue]:
        for index, item in enumerate(values):
            where = (*route, "values", index)
            period = self.period(item, where)
            if period.until is None and index + 1 < len(values):
                until = self.day(values[index + 1]["from"], (*route, "values", index + 1, "from"))
                period = Period(period.from_, until)
                if until is not None and period.from_ is not None and until <= period.from_:
                    self.problem("dates-out-of-order", "values must stand in the order of their dates", where)
            value = item["value"]
            if isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            yield DatedValue(period, value, self.citations(item), agreed)

    def table(self, name: str, data: Data, agreed: str = "") -> Table:
        """Return one table; overlapping rows are a problem."""
        route: Route = ("tables", name)
        windows: tuple[Window, ...] = ()
        rows: tuple[TableRow, ...] = ()
        if "windows" in data:
            windows = tuple(self._window(row, (*route, "rows", i)) for i, row in enumerate(data["rows"]))
        else:
            rows = tuple(
                self._table_row(row, data, (*route, "rows", i), agreed) for i, row in enumerate(data["rows"])
            )
            self._refuse_overlap(rows, route)
        return Table(
            name=name,
            by=tuple(data.get("by", ())),
            gives=data.get("gives", ""),
            rows=rows,
            windows=windows,
            if_none=data.get("if_none", ""),
            open=data.get("open", False),
            cites=self.citations(data),
            facts=tuple(data.get("facts", ())),
            title=data.get("title", ""),
            place=(self.document.file, route),
        )

    def _window(self, row: Data, route: Route) -> Window:
        opens, closes = minutes(row["opens"]), minutes(row["closes"])
        if closes <= opens:
            self.problem("empty-window", "a window closes after it opens", (*route, "closes"))
        period = self.period(row, route)
        return Window(period, tuple(row["days"]), opens, closes, row.get("unsettled", ""))

    def _table_row(self, row: Data, table: Data, route: Route, agreed: str) -> TableRow:
        wanted = {*table["by"], table["gives"]}
        for key in row:
            if key not in wanted | {"from", "until"}:
                names = ", ".join(f"`{name}`" for name in sorted(wanted))
                self.problem("unknown-field", f"no column `{key}`; expected {names}", (*route, key))
        for key in wanted - set(row):
            self.problem("missing-field", f"this row has no `{key}`", route)
        keys = tuple(self._table_key(row.get(key), (*route, key)) for key in table["by"])
        value = row.get(table["gives"])
        return TableRow(self.period(row, route), keys, number(value), agreed)

    def _table_key(self, value: Any, route: Route) -> Any:
        if not isinstance(value, list):
            return number(value)
        bounds = [number(None if bound == "~" else bound) for bound in value]
        good = len(bounds) == 2 and all(bound is None or isinstance(bound, float) for bound in bounds)
        if not good or (None not in bounds and bounds[0] > bounds[1]):
            self.problem("bad-range", "a range is two numbers, the lower first; `~` for no bound", route)
            return (None, None)
        return tuple(bounds)

    def _refuse_overlap(self, rows: tuple[TableRow, ...], route: Route) -> None:
        for second in range(len(rows)):
            for first in range(second):
                if overlaps(rows[first], rows[second]):
                    self.problem(
                        "rows-overlap",
                        f"rows {first + 1} and {second + 1} both fit some value",
                        (*route, "rows", second),
                        "make the ranges meet without sharing a value",
                    )

    def formula(self, data: Data, route: Route) -> Formula:
        """Return how a column or measure is worked out."""
        kinds = [key for key in ("value", "overlap", "lookup", *AGGREGATES) if key in data]
        if len(kinds) != 1:
            self.problem("one-of", "give exactly one of value, overlap, lookup or an aggregate", route)
        kind = kinds[0] if kinds else "value"
        if kind == "overlap":
            inputs = {
                name: self.expression(data["overlap"][i], (*route, "overlap", i))
                for i, name in enumerate(("opens", "closes"))
            }
        elif kind == "lookup":
            inputs = self.expressions(data.get("by", {}), (*route, "by"))
        else:
            inputs = {kind: self.expression(data.get(kind, "true"), (*route, kind))}
        if kind in AGGREGATES and "of" not in data:
            self.problem("missing-field", f"`{kind}` needs `of`, the relation", route)
        return Formula(
            kind=kind,
            inputs=inputs,
            unit=data.get("unit", ""),
            table=data.get("with", "") if kind == "overlap" else data.get("lookup", ""),
            of=data.get("of", ""),
            where=self.optional(data, "where", route),
            if_none=self.optional(data, "if_none", route),
            as_stated=self.optional(data, "as_stated", route),
            title=data.get("title", ""),
            place=(self.document.file, route),
        )

    def relation(self, name: str, data: Data) -> Derived:
        """Return one derived relation."""
        route: Route = ("relations", name)
        kinds = [key for key in ("union", "each", "pairs", "rows", "merge", "gaps") if key in data]
        if len(kinds) != 1:
            self.problem("one-of", "give exactly one of union, each, pairs, rows, merge or gaps", route)
        kind = kinds[0] if kinds else "rows"
        sources: dict[str, str]
        if kind in ("union", "pairs"):
            sources = {key: (value if kind == "pairs" else key) for key, value in data[kind].items()}
            if kind == "pairs" and len(sources) != 2:
                self.problem("two-relations", "pairs take two relations", (*route, "pairs"))
        else:
            sources = {"of": data.get("of", "") if kind == "each" else data[kind]}
        given = {
            key: self.expression(data[key], (*route, key))
            for key in ("where", "opens", "closes", "gap")
            if key in data
        }
        for index, text in enumerate(data.get("between", ())):
            given[("from_", "until")[index]] = self.expression(text, (*route, "between", index))
        if kind == "each":
            given["list"] = self.expression(data["each"], (*route, "each"))
        members = {
            key: self.expressions(columns, (*route, "union", key))
            for key, columns in data.get("union", {}).items()
        }
        return Derived(
            name=name,
            kind=kind,
            sources=sources,
            members=members,
            given=given,
            within=data.get("within", ""),
            alias=data.get("as", ""),
            circle=data.get("circle", 0),
            title=data.get("title", ""),
            place=(self.document.file, route),
        )

    def rule(self, data: Data, route: Route, topic: str, *, local: bool = False) -> Rule:
        """Return one rule; `data` may be an adoption already joined with its template."""
        in_force = data.get("in_force", {})
        return Rule(
            id=data["id"],
            title=data["title"],
            for_each=data["for_each"],
            applies=self.expression(data.get("applies", True), (*route, "applies")),
            requires=self.expression(data["requires"], (*route, "requires")),
            message=data["message"],
            remedy=data.get("remedy", ""),
            force=data["force"],
            strength=data.get("strength", "must"),
            protects=data.get("protects", "both"),
            waivable=data.get("waivable", "never"),
            in_force=InForce(
                self.period(in_force, (*route, "in_force")),
                self.optional(in_force, "by", (*route, "in_force")),
            ),
            cites=self.citations(data),
            facts=tuple(data["facts"]),
            topic=topic,
            local=local,
            place=(self.document.file, route),
        )

    def source(self, key: str, data: Data) -> Source:
        """Return one entry of the sources register."""
        return Source(
            key=key,
            title=data["title"],
            publisher=data.get("publisher", ""),
            dated=data.get("dated", ""),
            urls=tuple(data.get("urls", ())),
            seen=data["seen"],
            part=data.get("part", ""),
        )


def number(value: Any) -> Any:
    """Return whole numbers as doubles, everything else as it is."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def minutes(clock: str) -> int:
    """Return a time of day as minutes from midnight."""
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


def overlaps(first: TableRow, second: TableRow) -> bool:
    """Tell whether some day and some keys fit both rows."""
    return meets(bounds(first.period), bounds(second.period), half_open=True) and all(
        meets(key_range(a), key_range(b)) for a, b in zip(first.keys, second.keys, strict=True)
    )


def bounds(period: Period) -> tuple[Any, Any]:
    """Return both ends of a period."""
    return (period.from_, period.until)


def key_range(key: Any) -> tuple[Any, Any]:
    """Return a key as a range."""
    return key if isinstance(key, tuple) else (key, key)


def meets(a: tuple[Any, Any], b: tuple[Any, Any], *, half_open: bool = False) -> bool:
    """Tell whether two ranges share a value; None is no bound."""
    for (low, _), (_, high) in ((a, b), (b, a)):
        if low is None or high is None:
            continue
        if type(low) is not type(high) or low > high or (half_open and low == high):
            return False
    return True
