"""The shapes that the rest of the package passes on: values in, values out.

A policy is read into `Policy`; on one day it is an `Edition`; facts are `Relation`s of `Row`s;
judging gives `Judgement`s. Nothing here reads files or works anything out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from jobplan.errors import Problem
from jobplan.source import Route

Truth = bool | None
"""True, False, or None: the facts do not say."""

Verdict = Literal["satisfied", "violated", "unknown", "not_applicable"]
VERDICTS: tuple[Verdict, ...] = ("satisfied", "violated", "unknown", "not_applicable")

Cause = Literal["blank", "not_carried", "unreadable", "none", "conflict", "partial"]
"""Why a value is not there: the source left it empty, has no such field, holds something that
cannot be read, says that there is none, or gives several; or a list is given in part."""

Kind = Literal["number", "truth", "text", "date", "list", "unknown"]
"""Kind of a value. Clock times and weekdays are numbers (minutes; Monday is 1, a holiday 8)."""

Force = Literal["statute", "contract", "agreed_guidance", "recommendation", "local", "information"]
Severity = Literal["breach", "query", "caution", "advice", "note", "gap", "open"]
SEVERITIES: tuple[Severity, ...] = ("breach", "query", "caution", "advice", "note", "gap", "open")


class Row(dict[str, Any]):
    """Facts and columns of one row by name; a name without a value reads as None.

    Numbers are floats, dates proleptic ordinals (int), lists tuples, texts str, truths bool.
    """

    __slots__ = ("assumed", "causes", "id", "parent", "place", "relation", "texts")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        id: str = "",
        relation: str = "",
        parent: Row | None = None,
        causes: dict[str, Cause] | None = None,
        texts: dict[str, str] | None = None,
        assumed: dict[str, str] | None = None,
        place: Route = (),
    ) -> None:
        if values:
            self.update(values)
        self.id = id
        self.relation = relation
        self.parent = parent
        self.causes = causes or {}
        self.texts = texts or {}
        self.assumed = assumed or {}
        self.place = place

    def __missing__(self, key: str) -> None:
        return None

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__

    def fresh(self, parent: Row | None) -> Row:
        """Return a copy whose columns can be worked out without touching this row."""
        copy = Row.__new__(Row)
        copy.update(self)
        copy.id, copy.relation, copy.parent, copy.place = self.id, self.relation, parent, self.place
        copy.causes, copy.texts, copy.assumed = self.causes, self.texts, self.assumed
        return copy


@dataclass(slots=True)
class Relation:
    """Rows of one relation and whether they are all there are.

    `open_parents` holds the ids of the parent rows whose own list was not given; it is empty for
    a relation without a parent. `because` names rows and fields that left a derived relation
    incomplete.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    complete: bool = True
    cause: Cause | None = None
    open_parents: frozenset[str] = frozenset()
    because: tuple[Reason, ...] = ()


class Reason(NamedTuple):
    """Why something is unknown.

    `missing` and `conflict` name relation, row and field; a whole relation that is not given has
    an empty field. `silent` carries the policy's own words in `text`. A plan with gaps has
    thousands, which are compared and sorted: as tuples, in a tenth of the time.
    """

    kind: Literal["missing", "conflict", "silent"]
    relation: str = ""
    row: str = ""
    field: str = ""
    cause: str = ""
    text: str = ""


# --- what a policy says --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the words of an authority were seen, if they were."""

    source: str
    kind: Literal["original", "summary", "restatement", "recalled", "derived"]
    confidence: Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Citation:
    """The authority that binds, with its place in it, and the reading of its words.

    `local` tells that it is an employer's agreement, whatever the force of the rule that it fills in.
    """

    authority: str
    at: str
    reading: Reading
    local: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of a nation's sources register."""

    key: str
    title: str
    publisher: str
    dated: str
    urls: tuple[str, ...]
    seen: str
    part: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition or value as written, with where it stands; parsed later."""

    text: str
    file: str
    route: Route


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `from_` up to, not including, `until` (ordinals; None: no bound)."""

    from_: int | None = None
    until: int | None = None

    def holds(self, day: int) -> bool:
        """Tell whether `day` lies in the period."""
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class DatedValue:
    """One value of a parameter, in force for a period."""

    period: Period
    value: float | bool | str
    cites: tuple[Citation, ...] = ()
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A dated value of a policy."""

    name: str
    unit: str
    values: tuple[DatedValue, ...]
    title: str = ""
    open: bool = False
    unset: str = ""
    cites: tuple[Citation, ...] = ()
    facts: tuple[str, ...] = ()
    place: tuple[str, Route] = ("", ())


@dataclass(frozen=True, slots=True)
class TableRow:
    """Keys (a value, or an inclusive range) and the value given, in force for a period.

    A row that was agreed locally names the agreement and has citations of its own.
    """

    period: Period
    keys: tuple[Any, ...]
    value: float | str | None
    agreed: str = ""
    cites: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly window: days (1 Monday … 7 Sunday, 8 a holiday), minutes from midnight."""

    period: Period
    days: tuple[int, ...]
    opens: int
    closes: int
    unsettled: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Dated rows with a citation: a look-up, or weekly windows where `windows` is not empty."""

    name: str
    by: tuple[str, ...] = ()
    gives: str = ""
    rows: tuple[TableRow, ...] = ()
    windows: tuple[Window, ...] = ()
    if_none: str = ""
    open: bool = False
    cites: tuple[Citation, ...] = ()
    facts: tuple[str, ...] = ()
    title: str = ""
    place: tuple[str, Route] = ("", ())


AGGREGATES = ("sum", "count", "min", "max", "average", "any", "all")


@dataclass(frozen=True, slots=True)
class Formula:
    """How a column or measure is worked out: one of value, overlap, lookup or an aggregate.

    `kind` is `value`, `overlap`, `lookup` or one of AGGREGATES. `inputs` holds the expressions:
    the value; both ends; the look-up's keys by name; or what is aggregated.
    """

    kind: str
    inputs: Mapping[str, Expression]
    unit: str = ""
    table: str = ""
    of: str = ""
    where: Expression | None = None
    if_none: Expression | None = None
    as_stated: Expression | None = None
    title: str = ""
    place: tuple[str, Route] = ("", ())


@dataclass(frozen=True, slots=True)
class Derived:
    """A relation made from others: `kind` is union, each, pairs, rows, merge or gaps.

    `sources` are relation names (by alias for pairs); `members` the columns of each line of a
    union; the other expressions are named as in the rule file.
    """

    name: str
    kind: str
    sources: Mapping[str, str]
    members: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict)
    given: Mapping[str, Expression] = field(default_factory=dict)
    within: str = ""
    alias: str = ""
    circle: int = 0
    title: str = ""
    place: tuple[str, Route] = ("", ())


@dataclass(frozen=True, slots=True)
class Picture:
    """What reports on many plans draw: `kind` is split, distribution, against or count_by.

    `names` are the measures of a split, that of a distribution, the facts or columns given and due of the
    rows of `relation`, or the fact counted by. `lines` are parameters, `by` a fact of the root; a bar
    is `step` wide, in the unit of the measure, or as wide as looks well.
    """

    name: str
    kind: str
    title: str
    names: tuple[str, ...]
    relation: str = ""
    by: str = ""
    lines: tuple[str, ...] = ()
    step: float = 0.0
    note: str = ""
    place: tuple[str, Route] = ("", ())


@dataclass(frozen=True, slots=True)
class InForce:
    """The days of a rule; `by` names the fact whose date decides instead of the edition's."""

    period: Period
    by: Expression | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement as the policy states it.

    One that was adopted names the common rule, what that takes, and what is brought to it.
    """

    id: str
    title: str
    for_each: str
    applies: Expression
    requires: Expression
    message: str
    remedy: str
    force: Force
    strength: Literal["must", "normally"]
    protects: str
    waivable: str
    in_force: InForce
    cites: tuple[Citation, ...]
    facts: tuple[str, ...]
    topic: str
    adopted: str = ""
    local: bool = False
    bindings: Mapping[str, Expression] = field(default_factory=dict)
    takes: Mapping[str, Kind] = field(default_factory=dict)
    place: tuple[str, Route] = ("", ())


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule set of one nation and one contract, as read; names are unique in it.

    `problems` is what was wrong with its files: checking the policy raises it with all else. `left_out`
    are the names of what could not be read; None where nobody can say which.
    """

    id: str
    title: str
    about: Mapping[str, Any]
    nation: Mapping[str, Any]
    sources: Mapping[str, Source]
    parameters: Mapping[str, Parameter]
    tables: Mapping[str, Table]
    columns: Mapping[str, Mapping[str, Formula]]
    measures: Mapping[str, Formula]
    relations: Mapping[str, Derived]
    rules: Mapping[str, Rule]
    units: Mapping[str, Mapping[str, Any]]
    attested: Mapping[str, str]
    digest: str
    files: Mapping[str, str]
    overlay: Mapping[str, Any] = field(default_factory=dict)
    group_waivers: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[Problem, ...] = ()
    left_out: frozenset[str] | None = frozenset()
    pictures: Mapping[str, Picture] = field(default_factory=dict)


# --- what judging gives --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """Rule, subject, verdict and, where it is unknown, the reasons.

    `subject` is the row judged, or None for the rows that an incomplete relation may still hold.
    """

    rule: str
    subject: Row | None
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    as_stated: Verdict | None = None
    can_fail: bool = True
