"""Noun phrases for what stands in expressions: names by their titles, values with their units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlglot import exp

from jobplan.expression.checked import Checked
from jobplan.expression.parse import Tree, arguments, call_name
from jobplan.expression.scope import Ref
from jobplan.expression.unparse import VERDICT, unparse
from jobplan.facts.schema import FactSchema
from jobplan.findings.show import Shower
from jobplan.findings.units import is_counted, with_unit
from jobplan.policy.edition import Edition

BARE = frozenset(
    (
        "what", "who", "whose", "when", "where", "why", "how", "which", "whether",
        "a", "an", "the", "its", "all", "any", "no", "each", "every", "both",
    )
)  # fmt: skip
"""First words before which there is no room for an article."""
HEAD_ENDS = re.compile(
    r" (?:of|in|for|by|within|that|which|a|an|the|from|at|on|to|with|over|after|before|until|per)\b|[,(:]"
)
"""Where the head of a noun phrase ends."""
WORDS: dict[type[exp.Expr], str] = {
    exp.Add: "plus",
    exp.Sub: "minus",
    exp.Mul: "times",
    exp.Div: "divided by",
}
SIMPLE: Mapping[str, str] = {
    "floor": "{0}, rounded down",
    "ceil": "{0}, rounded up",
    "gcd": "the greatest number that divides {0} and {1}",
    "wrap": "what is left of {0} after whole rounds of {1}",
}


def listed(words: list[str], last: str = "and") -> str:
    """Join words as a sentence does.

    >>> listed(["a", "b", "c"], "or"), listed(["a"])
    ('a, b or c', 'a')
    """
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def words_of(name: str) -> str:
    """Return a name as words."""
    return name.replace("_", " ")


def lowered(text: str) -> str:
    """Return a title as it stands inside a sentence; abbreviations keep their capitals.

    >>> lowered("Hours a week"), lowered("WTR hours"), lowered("X")
    ('hours a week', 'WTR hours', 'X')
    """
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def phrase(title: str, name: str) -> str:
    """Return a title, or the description of a fact, as a noun phrase.

    >>> phrase("Hours a week, averaged; printed or not.", "h"), phrase("Who keeps the fee.", "w")
    ('the hours a week, averaged', 'who keeps the fee')
    >>> phrase("To.", "until_on"), phrase("For whom it is done.", "body")
    ('‘until on’', 'for whom it is done')
    """
    text = re.sub(r" \([^)]*\)$", "", title.split(";")[0].rstrip(". "))
    first, _, rest = text.partition(" ")
    if not text or (not rest and first.lower() in ("from", "to", "details", "words")):
        return f"‘{words_of(name)}’"
    prepared = rest.startswith(("whom", "which", "whose"))
    return lowered(text) if prepared or first.lower() in BARE else f"the {lowered(text)}"


def is_plural(noun: str) -> bool:
    """Tell whether a noun phrase takes `are`.

    >>> [is_plural(noun) for noun in ("the work units a week", "the day", "whose turns", "the basis of it")]
    [True, False, False, False]
    """
    first, _, rest = noun.partition(" ")
    head = HEAD_ENDS.split(rest, 1)[0]
    return first == "the" and head.endswith("s") and not head.endswith(("ss", "us", "is"))


@dataclass(slots=True)
class Phrases:
    """Writes noun phrases for the trees of one policy; with an edition, parameters have their values.

    `clause` writes the conditions of a case.
    """

    checked: Checked
    schema: FactSchema
    edition: Edition | None = None
    clause: Callable[[Tree], str] = unparse

    @property
    def shower(self) -> Shower:
        """Return what shows values."""
        return Shower(self.checked, self.schema)

    @property
    def names(self) -> Mapping[str, str]:
        """Return the nation's names for units."""
        found: Mapping[str, str] = self.checked.policy.nation.get("names", {})
        return found

    # --- names ------------------------------------------------------------------------------

    def title(self, ref: Ref) -> str:
        """Return the title of what a name stands for."""
        policy = self.checked.policy
        if ref.kind == "column":
            found = self.checked.columns.get((ref.relation, ref.name))
            return found.formula.title if found is not None else ""
        if ref.kind == "measure":
            return policy.measures[ref.name].title if ref.name in policy.measures else ""
        if ref.kind == "parameter":
            return policy.parameters[ref.name].title
        field = self.schema.field(ref.relation, ref.name)
        return field.description if field is not None else self.derived_title(ref)

    def derived_title(self, ref: Ref) -> str:
        """Return the title of the first plain name behind a column of a union."""
        derived = self.checked.relations.get(ref.relation)
        members = derived.members.values() if derived is not None else ()
        behind = (ref_of(trees[ref.name]) for trees in members if ref.name in trees)
        return next((self.title(found) for found in behind if found is not None), "")

    def name(self, ref: Ref) -> str:
        """Return a name as a noun phrase."""
        if ref.kind == "today":
            return "today"
        if ref.kind == "constant":
            return str(ref.name)
        if ref.kind == "id":
            return f"the id{self.whose(ref)}"
        if ref.kind == "parameter":
            return self.parameter(ref)
        if ref.name.startswith(VERDICT):
            return f"the verdict of {self.rule(ref)}"
        return phrase(self.title(ref), ref.name) + self.whose(ref)

    def rule(self, ref: Ref) -> str:
        """Return the other rule that a verdict is of."""
        id = ref.name.removeprefix(VERDICT)
        rule = self.checked.policy.rules.get(id)
        return f"the rule ‘{rule.title}’ ({id})" if rule is not None else f"the rule {id}"

    def whose(self, ref: Ref) -> str:
        """Say to which row a field belongs, unless it is the row at hand or the plan."""
        if not ref.path or ref.relation == self.checked.world.root:
            return ""
        first = ref.path[0]
        if first == "parent":
            return f" of its {words_of(ref.relation)}"
        if first == "this":
            return f" of this {words_of(ref.relation)}"
        return f" of row {first}" if len(first) == 1 else f" of the {words_of(first)}"

    def parameter(self, ref: Ref) -> str:
        """Return a parameter by its value, where there is one, and its title."""
        title = lowered(self.title(ref) or words_of(ref.name))
        value = self.worth(ref)
        if value is None:
            left = " (left to local agreement)" if self.checked.policy.parameters[ref.name].open else ""
            return phrase(self.title(ref), ref.name) + left
        return f"{value} ({title})"

    def worth(self, ref: Ref) -> str | None:
        """Return the value of a parameter with its unit, or None where none is known."""
        value = self.edition.values[ref.name] if self.edition is not None else None
        return None if value is None else self.value(ref, value)

    def value(self, ref: Ref, value: Any) -> str:
        """Return a value with its unit."""
        shown = self.shower.value(ref, value)
        return with_unit(shown, self.shower.unit(ref), self.names) if is_counted(value, shown) else shown

    def is_spelt(self, ref: Ref) -> bool:
        """Tell whether a value is a day of the week or a clock time, with which one does not count."""
        field = self.shower.field(ref)
        return field is not None and field.form in ("clock", "weekday")

    # --- values -----------------------------------------------------------------------------

    def noun(self, node: Tree, beside: Ref | None = None) -> str:
        """Return a value as a noun phrase; a bare number takes its unit from what it stands `beside`."""
        if isinstance(node, exp.Paren):
            return self.noun(node.this, beside)
        if isinstance(node, exp.Literal):
            return self.literal(node, beside)
        if isinstance(node, exp.Boolean):
            return "yes" if node.this else "no"
        if isinstance(node, exp.Column):
            return self.name(node.meta["ref"])
        if isinstance(node, exp.Neg):
            return f"minus {self.inside(node.this)}"
        if type(node) in WORDS:
            return self.arithmetic(node)
        if isinstance(node, exp.Case):
            return self.case(node)
        return self.call(node, call_name(node) or "")

    def literal(self, node: Tree, beside: Ref | None) -> str:
        """Return a text in quotes, a day, or a number with the unit of what it stands beside."""
        if isinstance(node.meta.get("ref"), Ref):
            return str(node.name)
        if node.meta.get("kind") == "date":
            return date.fromordinal(int(node.name)).isoformat()
        if node.is_string:
            return f"‘{words_of(node.name)}’"
        number = float(node.name)
        return self.value(beside, number) if beside is not None else self.shower.number(number, "")

    def inside(self, node: Tree, beside: Ref | None = None) -> str:
        """Return a part of arithmetic, in parentheses where it is arithmetic itself."""
        while isinstance(node, exp.Paren):
            node = node.this
        text = self.noun(node, beside)
        return f"({text})" if type(node) in WORDS else text

    def arithmetic(self, node: Tree) -> str:
        """Return a sum, difference, product or quotient; between dates it is the days between."""
        left, right = node.this, node.expression
        if isinstance(node, exp.Sub) and left.meta.get("kind") == right.meta.get("kind") == "date":
            return f"the days from {self.noun(right)} to {self.noun(left)}"
        same = isinstance(node, (exp.Add, exp.Sub))
        beside = (ref_of(left) or ref_of(right)) if same else None
        beside = None if beside is None or self.is_spelt(beside) else beside
        flat = isinstance(node, exp.Add) and isinstance(left, exp.Add)
        first = self.noun(left) if flat else self.inside(left, beside)
        comma = "," if "," in first and not first.endswith(")") else ""
        return f"{first}{comma} {WORDS[type(node)]} {self.inside(right, beside)}"

    def case(self, node: Tree) -> str:
        """Return the branches of a value, each with its condition."""
        parts = [
            f"{self.noun(item.args['true'])} where {self.clause(item.this)}" for item in node.args["ifs"]
        ]
        default = node.args.get("default")
        return f"({'; '.join(parts if default is None else [*parts, f'otherwise {self.noun(default)}'])})"

    def call(self, node: Tree, name: str) -> str:
        """Return the value of a function."""
        given = arguments(node)
        if name in ("add_days", "add_months"):
            return self.later(given[0], given[1], name.removeprefix("add_"))
        if name == "abs":
            return self.size(given[0])
        if name in ("least", "greatest"):
            return f"the {name} of {listed([self.noun(part) for part in given])}"
        if name == "silent":
            return f"what is left open ({given[0].name})"
        return SIMPLE[name].format(*(self.inside(part) for part in given))

    def size(self, node: Tree) -> str:
        """Return an absolute value; of a difference it is the difference."""
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Sub):
            first = self.noun(node.this)
            comma = "," if "," in first and not first.endswith(")") else ""
            return f"the difference between {first}{comma} and {self.noun(node.expression)}"
        return f"the size of {self.noun(node)}"

    def later(self, day: Tree, count: Tree, unit: str) -> str:
        """Return the day so long after another."""
        before = isinstance(count, exp.Neg)
        count = count.this if before else count
        ref = ref_of(count)
        said = self.worth(ref) if ref is not None and ref.kind == "parameter" else None
        if isinstance(count, exp.Literal):
            said = with_unit(self.noun(count), unit.removesuffix("s"), {})
        return f"{said or self.noun(count)} {'before' if before else 'after'} {self.noun(day)}"


def ref_of(node: Tree) -> Ref | None:
    """Return what a name stands for; None for anything but a name."""
    while isinstance(node, exp.Paren):
        node = node.this
    ref = node.meta.get("ref")
    return ref if isinstance(ref, Ref) and isinstance(node, exp.Column) else None
