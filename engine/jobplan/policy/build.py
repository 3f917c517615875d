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
)
from jobplan.source import Document, Route, Span
from jobplan.source.complaints import PROBLEM_LIMIT
from jobplan.validation import words_of

Data = Mapping[str, Any]


class TooManyProblems(Exception):
    """Reading stops: more problems help nobody, and each takes its time."""


@dataclass(slots=True)
class Builder:
    """Builds the parts of one file; `problems` collects what the schema cannot see."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def problem(
        self,
        code: str,
        message: str,
        route: Route,
        help: str | None = None,
        *,
        key: bool = False,
        related: tuple[tuple[str, Span], ...] = (),
    ) -> None:
        """Note a problem at the value that `route` leads to, or at its last key."""
        place = self.document.key_at(route) if key else self.document.at(route)
        self.problems.append(Problem(code, message, place, help, related))
        if len(self.problems) >= PROBLEM_LIMIT:
            raise TooManyProblems

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

    def day(self, text: str | None) -> int | None:
        """Return a day as an ordinal."""
        if text is None:
            return None
        return date.fromisoformat(text).toordinal()  # the schema lets nothing else through

    def period(self, data: Data, route: Route) -> Period:
        """Return the period of `from` and `until`; one that ends before it begins is a problem."""
        found = Period(self.day(data.get("from")), self.day(data.get("until")))
        if found.from_ is not None and found.until is not None and found.until <= found.from_:
            said = f"expected a day after {data['from']}, found `{data['until']}`"
            way_out = "`until` is the first day no longer in force"
            self.problem("dates-out-of-order", said, (*route, "until"), way_out)
        return found

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
        self._check_values(data, route)
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

    def _check_values(self, data: Data, route: Route) -> None:
        """Note a value of another kind than the first; one that has a unit is a number."""
        values = data.get("values", ())
        wanted = "a number" if data.get("unit") else kind_words(values[0]["value"]) if values else ""
        for index, item in enumerate(values):
            if kind_words(item["value"]) != wanted:
                why = f", for it is in `{data['unit']}`" if data.get("unit") else " like the first value"
                said = f"expected {wanted}{why}, found {words_of(item['value'])}"
                self.problem("wrong-kind", said, (*route, "values", index, "value"))

    def _dated(self, values: list[Data], route: Route, agreed: str) -> Iterator[DatedValue]:
        for index, item in enumerate(values):
            where = (*route, "values", index)
            period = self.period(item, where)
            if period.until is None and index + 1 < len(values):
                until = self.day(values[index + 1]["from"])
                period = Period(period.from_, until)
                if until is not None and period.from_ is not None and until <= period.from_:
                    later = (*route, "values", index + 1, "from")
                    said = f"expected a day after {item['from']}, found `{values[index + 1]['from']}`"
                    way_out = "values stand in the order of their dates"
                    self.problem("dates-out-of-order", said, later, way_out)
            value = item["value"]
            if isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            yield DatedValue(period, value, self.citations(item), agreed)

    def formula(self, data: Data, route: Route) -> Formula | None:
        """Return how a column or measure is worked out, or None after noting why nobody can tell."""
        kinds = [key for key in ("value", "overlap", "lookup", *AGGREGATES) if key in data]
        if len(kinds) != 1:
            options = f"`value`, `overlap`, `lookup`, {', '.join(f'`{name}`' for name in AGGREGATES)}"
            self._one_of(options, kinds, route)
            return None
        kind = kinds[0]
        if kind in AGGREGATES and "of" not in data:
            said = f"`{kind}` needs `of`, the relation whose rows it goes through"
            self.problem("missing-field", said, route, key=True)
            return None
        if kind == "overlap":
            inputs = {
                name: self.expression(data["overlap"][i], (*route, "overlap", i))
                for i, name in enumerate(("opens", "closes"))
            }
        elif kind == "lookup":
            inputs = self.expressions(data.get("by", {}), (*route, "by"))
        else:
            inputs = {kind: self.expression(data[kind], (*route, kind))}
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

    def _one_of(self, options: str, found: list[str], route: Route) -> None:
        both = " and ".join(f"`{name}`" for name in found) or "none of them"
        self.problem("one-of", f"expected one of {options}, found {both}", route, key=True)

    def relation(self, name: str, data: Data) -> Derived | None:
        """Return one derived relation, or None after noting why nobody can tell how it is made."""
        route: Route = ("relations", name)
        kinds = [key for key in ("union", "each", "pairs", "rows", "merge", "gaps") if key in data]
        if len(kinds) != 1:
            self._one_of("`union`, `each`, `pairs`, `rows`, `merge`, `gaps`", kinds, route)
            return None
        kind = kinds[0]
        sources: dict[str, str]
        if kind in ("union", "pairs"):
            sources = {key: (value if kind == "pairs" else key) for key, value in data[kind].items()}
            if kind == "pairs" and len(sources) != 2:
                said = f"expected two relations, found {len(sources)}"
                way_out = "write {a: …, b: …}; for pairs within one relation name it twice"
                self.problem("two-relations", said, (*route, "pairs"), way_out)
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
        """Return one rule; `data` may be an adoption already joined with its template.

        What only people read may be missing: of that the schema tells.
        """
        in_force = data.get("in_force", {})
        return Rule(
            id=data["id"],
            title=data.get("title", ""),
            for_each=data["for_each"],
            applies=self.expression(data.get("applies", True), (*route, "applies")),
            requires=self.expression(data["requires"], (*route, "requires")),
            message=data.get("message", ""),
            remedy=data.get("remedy", ""),
            force=data.get("force", "contract"),
            strength=data.get("strength", "must"),
            protects=data.get("protects", "both"),
            waivable=data.get("waivable", "never"),
            in_force=InForce(
                self.period(in_force, (*route, "in_force")),
                self.optional(in_force, "by", (*route, "in_force")),
            ),
            cites=self.citations(data),
            facts=tuple(data.get("facts", ())),
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


def kind_words(value: Any) -> str:
    """Return what kind of value something is; a range is of numbers."""
    if isinstance(value, bool):
        return "`true` or `false`"
    return "a text" if isinstance(value, str) else "a number"


def number(value: Any) -> Any:
    """Return whole numbers as doubles, everything else as it is."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
