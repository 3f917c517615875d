"""Reasons as whole numbers, so that lists of them are put together, compared and sorted quickly.

The numbers of one plan's reasons are in the order of the reasons themselves. A row is known by its rank:
1 for the row whose id comes first in the plan, 0 for none. Nothing in a number is of one plan only, so
that plans which lack the same have the same lists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from jobplan.expression.parse import Tree, arguments, nodes
from jobplan.expression.program import Program
from jobplan.expression.tell import NO_CASE, NOUGHT
from jobplan.facts.codes import CAUSES
from jobplan.facts.schema import FactSchema

KIND, RELATION, ROW, FIELD = 1 << 60, 1 << 52, 1 << 28, 1 << 16
"""What the parts of a number are multiplied by; what is left over is the cause."""

SILENT_FIELD = 1 << 40
"""The same for the field of a silence, which has neither relation nor row; what is left over is the text."""

KINDS = ("conflict", "missing", "silent")
NOT_ATTESTED = len(CAUSES)
CAUSE_NAMES = (*CAUSES, "not_attested")
HOLIDAY = "what day follows the holiday is not known"
MAY_FAIL = frozenset({"wrap", "gcd", "add_days", "add_months"})
"""Calls that have no value for some values that are known."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a number stands for; the words of a fact, and the row's id, are the plan's own."""

    kind: str
    relation: str
    rank: int
    field: str
    cause: str
    text: str


class Codes:
    """The numbers of one edition's reasons. Raises ValueError where there are too many names for them."""

    def __init__(self, program: Program, schema: FactSchema) -> None:
        self.program = program
        shapes = program.checked.world.shapes
        facts = {name for shape in shapes.values() for name in shape.facts}
        edition = program.edition
        named = {*edition.policy.tables, *edition.values, *edition.policy.attested}
        self.relations = tuple(sorted({"", *schema.relations, *shapes}))
        self.fields = tuple(sorted({"", *facts, *named, *attestations(program)}))
        self._relations = {name: place for place, name in enumerate(self.relations)}
        self._fields = {name: place for place, name in enumerate(self.fields)}
        if len(self.relations) > KIND // RELATION or len(self.fields) > ROW // FIELD:
            raise ValueError("too many relations or fields")

    @cached_property
    def texts(self) -> dict[str, tuple[str, ...]]:
        """Return what the policy itself says where it is silent: by field, in order."""
        found: dict[str, set[str]] = defaultdict(set)
        for field, text in silences(self.program):
            found[field].add(text)
        return {field: tuple(sorted(texts)) for field, texts in found.items()}

    def _base(self, kind: str, relation: str, field: str) -> int:
        known = KINDS.index(kind) * KIND + self._relations[relation] * RELATION
        return known + self._fields[field] * FIELD

    def missing(self, relation: str, field: str = "") -> int:
        """Return the number of a fact, or of a list, that is not there, without row and cause."""
        return self._base("missing", relation, field)

    def conflict(self, relation: str, field: str) -> int:
        """Return the number of a fact with several values, without row and cause."""
        return self._base("conflict", relation, field)

    def not_attested(self, name: str) -> int:
        """Return the number of what nobody has attested."""
        return self._base("missing", "", name) + NOT_ATTESTED

    def silent(self, text: str, field: str = "") -> int:
        """Return the number of a silence."""
        return self.said(field) + self.texts[field].index(text)

    def said(self, field: str) -> int:
        """Return the number of what a table says in words that depend on the plan, without the words."""
        return KINDS.index("silent") * KIND + self._fields[field] * SILENT_FIELD

    def read(self, code: int) -> Lacking:
        """Return what a number stands for.

        The text of what depends on the plan is left empty.
        """
        kind, rest = divmod(code, KIND)
        if KINDS[kind] == "silent":
            number, last = divmod(rest, SILENT_FIELD)
            texts = self.texts.get(self.fields[number], ())
            return Lacking("silent", "", 0, self.fields[number], "", texts[last] if last < len(texts) else "")
        relation, rest = divmod(rest, RELATION)
        rank, rest = divmod(rest, ROW)
        number, last = divmod(rest, FIELD)
        field = self.fields[number]
        text = self.program.edition.policy.attested.get(field, field) if last == NOT_ATTESTED else ""
        return Lacking(KINDS[kind], self.relations[relation], rank, field, CAUSE_NAMES[last], text)


def every_tree(program: Program) -> Iterator[Tree]:
    """Yield all trees of an edition."""
    checked = program.checked
    for formula in (*checked.columns.values(), *checked.measures.values()):
        yield from formula.trees.values()
    for derived in checked.relations.values():
        yield from derived.trees.values()
        yield from (tree for columns in derived.members.values() for tree in columns.values())
    for rule in checked.rules.values():
        yield from (rule.applies, rule.requires)


def attestations(program: Program) -> Iterator[str]:
    """Yield what an edition asks to be attested."""
    for tree in every_tree(program):
        yield from (arguments(node)[0].name for node in nodes(tree) if node.meta.get("call") == "attested")


def silences(program: Program) -> Iterator[tuple[str, str]]:
    """Yield field and text of everything on which an edition may be silent, whatever the plan."""
    edition = program.edition
    yield from (("", reason.text) for reason in (*NO_CASE, *NOUGHT))
    for name, value in edition.values.items():
        if value is None:
            yield name, edition.silences.get(name, "")
    for name, table in edition.policy.tables.items():
        words = [(name, window.unsettled) for window in edition.windows[name] if window.unsettled]
        yield from words or [("", HOLIDAY)]
        if table.if_none:
            yield name, table.if_none
    for tree in every_tree(program):
        for node in nodes(tree):
            call = node.meta.get("call")
            if call == "silent":
                yield "", arguments(node)[0].name
            elif call in MAY_FAIL:
                yield "", no_value(node)


def no_value(node: Tree) -> str:
    """Say that an operation gives nothing for values that are known."""
    return f"`{node.sql()}` has no value here"
