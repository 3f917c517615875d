"""Write the conditions of an edition's rules in the expression language of GoRules' zen-engine.

Zen has no unknown: a comparison with null ends the whole decision with an error. So a condition is
written twice, as what makes it true and as what makes it false, each comparison behind a test that its
facts are there. `guarded` writes the first alone, and takes what is not known for false: less work, and
not the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from jobplan.backends.judging import Worked
from jobplan.expression.checked import Checked, CheckedRule
from jobplan.expression.emit import literal_value, ranged, spelt_out
from jobplan.expression.parse import Tree, arguments
from jobplan.expression.runtime import none_stated, recorded
from jobplan.expression.scope import Ref
from jobplan.expression.write import effective_applies
from jobplan.model import Row
from jobplan.policy.edition import Edition

SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
EPOCH = 719163
"""The ordinal of 1970-01-01, from which zen counts milliseconds."""

DAY = 86_400_000


class CannotSayError(Exception):
    """Zen's language has no word for this."""


@dataclass(slots=True)
class Speaker:
    """Writes the rules of one edition; `reads` gathers what rows must carry, a set a relation."""

    checked: Checked
    edition: Edition
    relation: str = ""
    reads: dict[str, set[str]] = field(default_factory=dict)
    sources: dict[str, tuple[Ref, str]] = field(default_factory=dict)

    def verdict(self, rule: CheckedRule) -> str:
        """Write the verdict of a rule on one subject, `unknown` among them."""
        applies, requires = effective_applies(self.checked, rule), rule.requires
        yes = self.holds(applies)
        return (
            f"{self.fails(applies)} ? 'not_applicable' : not {yes} ? 'unknown' : "
            f"{self.holds(requires)} ? 'satisfied' : {self.fails(requires)} ? 'violated' : 'unknown'"
        )

    def guarded(self, rule: CheckedRule) -> str:
        """Write the verdict of a rule on one subject where nothing is taken to be unknown."""
        applies = self.holds(effective_applies(self.checked, rule))
        return f"{applies} ? ({self.holds(rule.requires)} ? 'satisfied' : 'violated') : 'not_applicable'"

    # --- truths -----------------------------------------------------------------------------

    def holds(self, node: Tree) -> str:
        """Write what is true where a condition is known to hold."""
        return self.truth(node, wanted=True)

    def fails(self, node: Tree) -> str:
        """Write what is true where a condition is known not to hold."""
        return self.truth(node, wanted=False)

    def truth(self, node: Tree, *, wanted: bool) -> str:
        """Write what is true where a condition is known to be as wanted."""
        if isinstance(node, exp.Paren):
            return self.truth(node.this, wanted=wanted)
        if isinstance(node, exp.Not):
            return self.truth(node.this, wanted=not wanted)
        if isinstance(node, (exp.And, exp.Or)):
            sign = " and " if isinstance(node, exp.And) is wanted else " or "
            sides = (self.truth(part, wanted=wanted) for part in (node.this, node.expression))
            return f"({sign.join(sides)})"
        if isinstance(node, exp.Between):
            return self.truth(ranged(node), wanted=wanted)
        if isinstance(node, exp.Boolean):
            return "true" if bool(node.this) is wanted else "false"
        if isinstance(node, exp.Case):
            return self.case(node, lambda part: self.truth(part, wanted=wanted))
        if isinstance(node, exp.In) and not all(isinstance(o, exp.Literal) for o in node.expressions):
            return self.truth(spelt_out(node), wanted=wanted)
        call = node.meta.get("call")
        if call in ("recorded", "none", "attested") or isinstance(node, exp.Column):
            return f"({self.leaf(node)} == {'true' if wanted else 'false'})"
        if call == "silent":
            return "false"
        said = self.comparison(node)
        known = dict.fromkeys(self.known(node))
        return f"({' and '.join([*known, said if wanted else f'not ({said})'])})"

    def case(self, node: Tree, write: Callable[[Tree], str], otherwise: str = "false") -> str:
        """Write a case; `otherwise` where a condition is not known, or none fits."""
        default = node.args.get("default")
        said = write(default) if default is not None else otherwise
        for branch in reversed(node.args["ifs"]):
            rest = said if said == otherwise else f"({self.fails(branch.this)} ? {said} : {otherwise})"
            said = f"({self.holds(branch.this)} ? {write(branch.args['true'])} : {rest})"
        return said

    def leaf(self, node: Tree) -> str:
        """Write the name of a truth that is handed over."""
        call = node.meta.get("call")
        if call == "attested":
            return f"attested_{word(arguments(node)[0].name)}"
        if call in ("recorded", "none"):
            return self.name(arguments(node)[0].meta["ref"], call)
        return self.value(node)

    def comparison(self, node: Tree) -> str:
        """Write a comparison of known values."""
        if isinstance(node, COMPARED):
            return f"{self.value(node.this)} {SIGNS[type(node)]} {self.value(node.expression)}"
        if isinstance(node, exp.In):
            return f"{self.value(node.this)} in [{', '.join(self.value(o) for o in node.expressions)}]"
        if node.meta.get("call") == "starts_with":
            text, head = arguments(node)
            return f"startsWith({self.value(text)}, {self.value(head)})"
        raise CannotSayError(node.sql())

    # --- values -----------------------------------------------------------------------------

    def known(self, node: Tree) -> Iterator[str]:
        """Yield what must be true for an operation to have a value, in the order of the tests."""
        if isinstance(node, exp.Case):
            yield self.case(node, lambda part: " and ".join(["true", *self.known(part)]))
        elif isinstance(node, exp.Column):
            ref: Ref = node.meta["ref"]
            if ref.kind == "parameter":
                yield from () if self.edition.values[ref.name] is not None else ("false",)
            elif ref.kind not in ("today", "constant"):
                yield f"{self.name(ref)} != null"
        else:
            for part in node.iter_expressions():
                yield from self.known(part)
            if isinstance(node, exp.Div) and not isinstance(node.expression, exp.Literal):
                yield f"{self.value(node.expression)} != 0"

    def value(self, node: Tree) -> str:
        """Write a value."""
        if isinstance(node, exp.Paren):
            return f"({self.value(node.this)})"
        if isinstance(node, (exp.Literal, exp.Boolean)):
            return constant(literal_value(node))
        if isinstance(node, exp.Column):
            ref: Ref = node.meta["ref"]
            if ref.kind == "parameter":
                return constant(self.edition.values[ref.name])
            return constant(ref.value) if ref.kind == "constant" else self.name(ref)
        if isinstance(node, exp.Case):
            return self.case(node, self.value, "null")
        if isinstance(node, exp.Neg):
            return f"(-{self.value(node.this)})"
        if type(node) in SIGNS:
            return f"({self.value(node.this)} {SIGNS[type(node)]} {self.value(node.expression)})"
        return self.call(node)

    def call(self, node: Tree) -> str:
        """Write a call; months are counted on zen's own dates."""
        name, given = node.meta.get("call"), [self.value(part) for part in arguments(node)]
        if name in ("abs", "floor", "ceil"):
            return f"{name}({given[0]})"
        if name in ("least", "greatest"):
            return f"{'min' if name == 'least' else 'max'}([{', '.join(given)}])"
        if name == "wrap":
            return f"({given[0]} - {given[1]} * floor({given[0]} / {given[1]}))"
        if name == "add_days":
            return f"({given[0]} + floor({given[1]}))"
        if name == "add_months":
            moment = f"d(({given[0]} - {EPOCH}) * {DAY})"
            return f"({moment}.add({given[1]}, 'month').timestamp() / {DAY} + {EPOCH})"
        raise CannotSayError(f"`{name}`")

    def name(self, ref: Ref, call: str = "") -> str:
        """Write a name; what a row of a relation must carry for it is noted."""
        if ref.kind == "today":
            return "today"
        own = word("_".join((call, *ref.path, ref.name)).strip("_"))
        if ref.kind == "measure" or (ref.relation == self.checked.world.root):
            own = word("_".join((call, ref.name)).strip("_"))
            self.sources[own] = (ref, call)
            return own
        self.reads.setdefault(self.relation, set()).add(own)
        self.sources[f"{self.relation} {own}"] = (ref, call)
        return f"#.{own}" if self.relation != self.checked.world.root else own


def word(text: str) -> str:
    """Return a name without signs."""
    return "".join(char if char.isalnum() else "_" for char in text)


def constant(value: object) -> str:
    """Write what is known now; a parameter that is not set is null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else repr(value)


@dataclass(frozen=True, slots=True)
class Decision:
    """A zen decision: its graph, the context of one plan, the rules said and why others are not."""

    graph: dict[str, object]
    context: dict[str, object]
    said: tuple[CheckedRule, ...]
    unsaid: dict[str, str]


def decision(worked: Worked, *, guarded: bool) -> Decision:
    """Return the decision that gives the verdicts of all rules that zen can say on a worked-out plan."""
    program = worked.program
    speaker = Speaker(program.checked, program.edition)
    root = program.checked.world.root
    lines, said, unsaid = [], [], {}
    for index, rule in enumerate(program.rules):
        speaker.relation = rule.rule.for_each
        try:
            text = (speaker.guarded if guarded else speaker.verdict)(rule)
        except CannotSayError as broken:
            unsaid[rule.rule.id] = str(broken)
            continue
        written = text if speaker.relation == root else f"map({speaker.relation}, {text})"
        lines.append({"id": f"x{index}", "key": f"r{index}", "value": written})
        said.append(rule)
    return Decision(graph(lines), context(worked, speaker, said), tuple(said), unsaid)


def graph(lines: list[dict[str, str]]) -> dict[str, object]:
    """Return a decision graph of one node that works all expressions out."""
    middle: dict[str, object] = {"content": {"expressions": lines, "passThrough": False}}
    kinds: tuple[tuple[str, str, dict[str, object]], ...]
    kinds = (("in", "inputNode", {}), ("all", "expressionNode", middle), ("out", "outputNode", {}))
    nodes = [{"id": n, "name": n, "type": t, "position": {"x": 0, "y": 0}, **more} for n, t, more in kinds]
    edges = [
        {"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b}
        for a, b in (("in", "all"), ("all", "out"))
    ]
    return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}


def context(worked: Worked, speaker: Speaker, said: list[CheckedRule]) -> dict[str, object]:
    """Return facts, columns and measures of a plan: what the rules read and nothing else."""
    root = worked.program.checked.world.root
    found: dict[str, object] = {"today": worked.today}
    for name in worked.program.edition.policy.attested:
        found[f"attested_{word(name)}"] = worked.attested.get(name)
    for key, (ref, call) in speaker.sources.items():
        if " " not in key:
            found[key] = worked.measures[ref.name] if ref.kind == "measure" else read(ref, call, worked.root)
    for relation in {rule.rule.for_each for rule in said} - {root}:
        names = speaker.reads.get(relation, ())
        found[relation] = [
            {name: of_row(speaker.sources[f"{relation} {name}"], row) for name in names}
            for row in worked.relations[relation].rows
        ]
    return found


def of_row(source: tuple[Ref, str], row: Row) -> object:
    """Return what a row says under a name, looking at its parent or at a side of a pair."""
    ref, call = source
    owner = row
    for hop in ref.path:
        above = owner.parent if hop == "parent" else owner[hop]
        assert isinstance(above, Row)
        owner = above
    return read(ref, call, owner)


def read(ref: Ref, call: str, row: Row) -> object:
    """Return a value, or whether it is recorded or stated to be none."""
    if call == "recorded":
        return recorded(row, ref.name)
    if call == "none":
        return none_stated(row, ref.name)
    return row.id if ref.kind == "id" else row[ref.name]
