"""Write rules, columns and measures as plain sentences, from their checked trees."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from jobplan.authoring.phrases import Phrases, is_plural, listed, lowered, ref_of, words_of
from jobplan.expression.checked import Checked, CheckedFormula, CheckedRule
from jobplan.expression.parse import COMPARISONS, Tree, arguments, call_name
from jobplan.expression.scope import Ref
from jobplan.expression.unparse import VERDICT
from jobplan.expression.write import dated, is_true
from jobplan.facts.schema import FactSchema
from jobplan.model import Rule
from jobplan.policy.edition import Edition

Mood = Literal["is", "must", "should", "must normally"]
"""How a clause is said: as what is so, or as what is asked for."""

OPPOSITE: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.LT: exp.GTE, exp.GTE: exp.LT, exp.GT: exp.LTE, exp.LTE: exp.GT,
}  # fmt: skip
NUMBERS: dict[type[exp.Expr], str] = {
    exp.LT: "less than", exp.LTE: "at most", exp.GT: "more than", exp.GTE: "at least",
}  # fmt: skip
TIMES: dict[type[exp.Expr], str] = {
    exp.LT: "before", exp.LTE: "no later than", exp.GT: "after", exp.GTE: "no earlier than",
}  # fmt: skip
AGGREGATES = {
    "sum": "the sum of {0} over each {1}",
    "min": "the least of {0} over each {1}",
    "max": "the greatest of {0} over each {1}",
    "average": "the average of {0} over each {1}",
}
BE = re.compile(r"\b(is|are)\b")
UNSURE = re.compile(
    r"\b(?:that|which|who|what|where|when|how|or|and|not|no)\b|^(?:any|all|every|each|both|some|only|none)\b"
)
"""Words that make it unsafe to put `not` or `must` behind the first verb of a clause."""
BE_NEAR = 40
"""Characters within which the first `is` is taken for the verb of its clause."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause in two parts, so that clauses with one subject can share it."""

    head: str
    rest: str = ""

    @property
    def text(self) -> str:
        """Return the whole clause."""
        return f"{self.head} {self.rest}".strip()


@dataclass(slots=True)
class Sentences:
    """Writes sentences about one policy; with an edition, parameters are said by their values."""

    checked: Checked
    schema: FactSchema
    edition: Edition | None = None
    phrases: Phrases = field(init=False)

    def __post_init__(self) -> None:
        self.phrases = Phrases(self.checked, self.schema, self.edition, self.clause)

    # --- whole sentences --------------------------------------------------------------------

    def rule(self, checked: CheckedRule) -> str:
        """Return a rule: for whom, under what condition, what must be."""
        rule = checked.rule
        conditions = [] if is_true(bare(checked.applies)) else [checked.applies]
        if checked.by is not None:
            conditions = [*dated(checked.by, rule.in_force.period), *conditions]
        asked = self.clause(checked.requires, mood_of(rule))
        if conditions:
            asked = f"if {self.joined(conditions, 'and', 'is', negated=False)}, then {asked}"
        return f"{self.for_each(rule.for_each)}: {asked}."

    def for_each(self, relation: str) -> str:
        """Say which rows are meant."""
        if relation == self.checked.world.root:
            return f"For the {words_of(relation)}"
        derived = self.checked.relations.get(relation)
        title = lowered(derived.derived.title) if derived is not None else ""
        return f"For each {words_of(relation)}" + (f" ({title})" if title else "")

    def formula(self, checked: CheckedFormula) -> str:
        """Return how a column or measure is worked out, without its name."""
        formula, kind = checked.formula, checked.formula.kind
        if kind == "value":
            tree = checked.trees["value"]
            said = self.clause(tree) if checked.type.kind == "truth" else self.phrases.noun(tree)
            said = said[1:-1] if isinstance(bare(tree), exp.Case) and said.startswith("(") else said
        elif kind == "overlap":
            ends = " to ".join(self.phrases.noun(checked.trees[key]) for key in ("opens", "closes"))
            said = f"the minutes from {ends} that lie in {self.table(formula.table)}"
        elif kind == "lookup":
            keys = [self.phrases.noun(tree) for key, tree in checked.trees.items() if key != "as_stated"]
            said = f"what {self.table(formula.table)} gives for {listed(keys)}"
        elif kind == "verdict":
            said = f"the verdict of {self.phrases.rule(Ref('column', checked.name))}"
        else:
            said = self.aggregate(checked)
        if "as_stated" in checked.trees:
            said += f" (as stated: {self.phrases.noun(checked.trees['as_stated'])})"
        return said

    def aggregate(self, checked: CheckedFormula) -> str:
        """Return an aggregate with the rows that count."""
        kind, rows = checked.formula.kind, words_of(checked.formula.of)
        if checked.own_children:
            rows += " of its own"
        tree, where = checked.trees["input"], checked.trees.get("where")
        if where is not None and is_true(bare(where)):
            where = None
        condition = "" if where is None else f" where {self.clause(where)}"
        if kind == "count":
            both = [part for part in (where, tree) if part is not None and not is_true(bare(part))]
            among = f" where {self.joined(both, 'and', 'is', negated=False)}" if both else ""
            return f"the number of rows of {rows}{among}"
        if kind in ("any", "all"):
            which = f"whether for {'some' if kind == 'any' else 'every'} {rows}{condition}"
            return f"{which}: {self.clause(tree)}"
        noun = self.phrases.noun(tree)
        said = AGGREGATES[kind].format(f"{noun}," if "," in noun else noun, rows) + condition
        if_none = checked.trees.get("if_none")
        return said if if_none is None else f"{said}; where there is none, {self.phrases.noun(if_none)}"

    def table(self, name: str) -> str:
        """Return what people call a table."""
        table = self.checked.policy.tables.get(name)
        return f"the table ‘{table.title if table is not None and table.title else words_of(name)}’"

    # --- clauses ----------------------------------------------------------------------------

    def clause(self, node: Tree, mood: Mood = "is", *, negated: bool = False) -> str:
        """Return a condition as a clause."""
        return self.said(node, mood, negated=negated).text

    def said(self, node: Tree, mood: Mood, *, negated: bool) -> Clause:
        """Return a condition as a clause in two parts."""
        node = bare(node)
        if isinstance(node, exp.Not):
            return self.said(node.this, mood, negated=not negated)
        if isinstance(node, (exp.And, exp.Or)):
            word: Literal["and", "or"] = "and" if isinstance(node, exp.And) is not negated else "or"
            return Clause(self.joined(flat(node), word, mood, negated=negated))
        if isinstance(node, COMPARISONS):
            return self.comparison(node, OPPOSITE[type(node)] if negated else type(node), mood)
        if isinstance(node, exp.Between):
            ends = f"{self.side(node, 'low')} to {self.side(node, 'high')}"
            return self.being(self.phrases.noun(node.this), f"from {ends}", mood, negated=negated)
        if isinstance(node, exp.In):
            return self.member(node, mood, negated=negated)
        if isinstance(node, exp.Case):
            return Clause(self.case(node, mood, negated=negated))
        if isinstance(node, exp.Boolean):
            return Clause("that is", "so" if bool(node.this) is not negated else "not so")
        if isinstance(node, exp.Column):
            return self.statement(node.meta["ref"], mood, negated=negated)
        return self.call(node, mood, negated=negated)

    def joined(self, parts: list[Tree], word: str, mood: Mood, *, negated: bool) -> str:
        """Join conditions; one that joins others itself stands in parentheses."""
        said: list[Clause] = []
        for part in parts:
            clause, inner = self.said(part, mood, negated=negated), bare(part)
            compound = isinstance(inner, (exp.And, exp.Or, exp.Case)) or ";" in clause.text
            if compound and len(parts) > 1:
                clause = Clause(f"({clause.text})")
            if said and said[-1].head == clause.head and clause.rest:
                clause = Clause(clause.head, f"{said.pop().rest} {word} {clause.rest}")
            said.append(clause)
        return listed([clause.text for clause in said], word)

    def side(self, node: Tree, key: str) -> str:
        """Return one end of a range, with the unit of what lies in it."""
        return self.phrases.noun(node.args[key], ref_of(node.this))

    def comparison(self, node: Tree, kind: type[exp.Expr], mood: Mood) -> Clause:
        """Return a comparison; `kind` is the one to say, perhaps the opposite of the node's own."""
        left, right = bare(node.this), bare(node.expression)
        if {left.meta.get("kind"), right.meta.get("kind")} == {"truth"}:
            return self.equivalence(left, right, mood, same=kind is exp.EQ)
        ref = ref_of(left)
        if ref is not None and ref.name.startswith(VERDICT) and isinstance(right, exp.Literal):
            said = self.phrases.literal(right, None)
            return self.being(self.phrases.rule(ref), said.strip("‘’"), mood, negated=kind is exp.NEQ)
        subject, other = self.phrases.noun(left, ref_of(right)), self.phrases.noun(right, ref)
        if kind in (exp.EQ, exp.NEQ):
            return self.being(subject, other, mood, negated=kind is exp.NEQ)
        words = TIMES if self.is_time(left, right) else NUMBERS
        return self.being(subject, f"{words[kind]} {other}", mood)

    def is_time(self, left: Tree, right: Tree) -> bool:
        """Tell whether days, clock times or weekdays are compared."""
        for side in (left, right):
            ref = ref_of(side)
            if side.meta.get("kind") == "date" or (ref is not None and self.phrases.is_spelt(ref)):
                return True
        return False

    def equivalence(self, left: Tree, right: Tree, mood: Mood, *, same: bool) -> Clause:
        """Return the comparison of two truths."""
        for side, other in ((left, right), (right, left)):
            if isinstance(side, exp.Boolean):
                return self.said(other, mood, negated=bool(side.this) is not same)
        how = "both or neither must hold" if same else "one of the two must hold, and not both"
        if mood == "is":
            how = how.replace("must hold", "holds" if not same else "hold")
        return Clause(f"{how}: {self.clause(left)}; {self.clause(right)}")

    def member(self, node: Tree, mood: Mood, *, negated: bool) -> Clause:
        """Return that a value is one of several."""
        options = [self.phrases.noun(option, ref_of(node.this)) for option in node.expressions]
        said = f"none of {listed(options)}" if negated and len(options) > 1 else listed(options, "or")
        return self.being(self.phrases.noun(node.this), said, mood, negated=negated and len(options) == 1)

    def case(self, node: Tree, mood: Mood, *, negated: bool) -> str:
        """Return each branch with the condition that leads to it."""
        parts = [
            f"where {self.clause(item.this)}, {self.clause(item.args['true'], mood, negated=negated)}"
            for item in node.args["ifs"]
        ]
        default = node.args.get("default")
        if default is not None:
            parts.append(f"otherwise {self.clause(default, mood, negated=negated)}")
        return "; ".join(parts)

    def statement(self, ref: Ref, mood: Mood, *, negated: bool) -> Clause:
        """Return what a truth says, by its title: `Whether …`."""
        title = self.phrases.title(ref).split(";")[0].rstrip(". ")
        either = re.fullmatch(r"(.+) \(true\) or (.+) \(false\)", title)
        if either is not None:
            said = lowered(either[2] if negated else either[1])
            return self.being("it", said + self.phrases.whose(ref), mood)
        if not title.startswith("Whether "):
            said = f"‘{lowered(title) or words_of(ref.name)}’{self.phrases.whose(ref)}"
            return self.being(said, "so", mood, negated=negated)
        said = title.removeprefix("Whether ") + self.phrases.whose(ref)
        return Clause(said_of(said, mood, negated=negated))

    def call(self, node: Tree, mood: Mood, *, negated: bool) -> Clause:
        """Return the truth that a function gives."""
        name, given = call_name(node), arguments(node)
        if name == "silent":
            return Clause(f"it stays open, for {given[0].name}")
        if name == "attested":
            what = self.checked.policy.attested.get(given[0].name, given[0].name)
            said = f"that {what[:1].lower()}{what[1:].rstrip('.')}"
            return self.being("it", f"attested {'that it is not so ' if negated else ''}{said}", mood)
        subject = self.phrases.noun(given[0])
        if name == "recorded":
            return self.being(subject, "on record", mood, negated=negated)
        if name == "none":
            return self.being(subject, "given" if negated else "stated to be none", mood)
        if name == "starts_with":
            verb = {"is": "begins" if not negated else "does not begin"}.get(mood, f"{mood} begin")
            return Clause(subject, f"{verb} with {self.phrases.noun(given[1])}")
        return self.being(self.phrases.noun(node), "so", mood, negated=negated)

    def being(self, subject: str, said: str, mood: Mood, *, negated: bool = False) -> Clause:
        """Join subject and complement by the verb that the mood asks for."""
        subject += "," if "," in subject and not subject.endswith(")") else ""
        modal, _, adverb = mood.partition(" ")
        no = "not " if negated else ""
        if mood == "is":
            return Clause(subject, f"{'are' if is_plural(subject) else 'is'} {no}{said}")
        return Clause(f"{subject} {modal} {no}{adverb}".rstrip(), f"be {said}")


def said_of(statement: str, mood: Mood, *, negated: bool) -> str:
    """Return a statement as it is, denied or asked for; where its verb is not sure, around it.

    >>> said_of("the row is short", "must", negated=False), said_of("the row is short", "is", negated=True)
    ('the row must be short', 'the row is not short')
    >>> said_of("it says that all is well", "must", negated=False)
    'it must be so that it says that all is well'
    """
    if mood == "is" and not negated:
        return statement
    verb = BE.search(statement)
    if verb is None or verb.start() > BE_NEAR or UNSURE.search(statement):
        no = "not " if negated else ""
        verb_words = f"is {no}" if mood == "is" else f"{mood} {no}be "
        return f"it {verb_words}so that {statement}"
    first = verb[0] if mood == "is" else mood.partition(" ")[0]
    rest = "" if mood == "is" else f"{mood.partition(' ')[2]} be".strip()
    said = " ".join(word for word in (first, "not" if negated else "", rest) if word)
    return statement[: verb.start()] + said + statement[verb.end() :]


def mood_of(rule: Rule) -> Mood:
    """Return how strongly a rule asks."""
    if rule.force in ("recommendation", "information"):
        return "should"
    return "must normally" if rule.strength == "normally" else "must"


def bare(node: Tree) -> Tree:
    """Return a tree without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def flat(node: Tree) -> list[Tree]:
    """Return the parts that one connective joins, nested ones of the same kind laid flat."""
    found: list[Tree] = []
    for side in (node.this, node.expression):
        inner = bare(side)
        found += flat(inner) if type(inner) is type(node) else [side]
    return found
