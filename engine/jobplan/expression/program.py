"""Write an edition as Python, and compile it: columns, measures, verdicts, atoms.

There are three functions, each compiled when it is first called. `work` makes derived relations,
columns and measures in order and returns the measures; `verdicts` judges every rule; `atoms` gives
the truth of each comparison of each rule, for a back end that joins them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, Literal

from jobplan.expression import runtime, spans
from jobplan.expression.checked import Checked, CheckedFormula, CheckedRule
from jobplan.expression.emit import Emitter
from jobplan.expression.forms import Form
from jobplan.expression.tell import Tellers
from jobplan.expression.write import Writer, rule_forms
from jobplan.model import Relation, Row, Truth
from jobplan.policy.edition import Edition

Relations = dict[str, Relation]
Verdicts = list[list[str | None]]
Truths = tuple[Truth, ...] | Literal[False]
FirstVerdicts = Mapping[tuple[str, str, str], str | None]
"""By relation, row id and column: what rules that other rules rest on said without stated figures."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled edition.

    `work(relations, today, attested, stated)` fills rows with columns and returns measures by
    name; `verdicts(relations, measures, today, attested)` gives a list a rule, a verdict a row
    (None is unknown); `atoms` the same with tuples of truths, or False where one comparison tells
    that the rule does not apply. `forms` are the rules' conditions
    over those atoms. `claims` are the columns and measures for which a stated figure may stand in,
    `tellers` the functions of single trees.
    """

    checked: Checked
    edition: Edition
    rules: tuple[CheckedRule, ...]
    forms: tuple[tuple[Form, Form], ...]
    work: Callable[[Relations, int, Mapping[str, Truth], FirstVerdicts | None], dict[str, Any]]
    verdicts: Callable[[Relations, Mapping[str, Any], int, Mapping[str, Truth]], Verdicts]
    atoms: Callable[[Relations, Mapping[str, Any], int, Mapping[str, Truth]], list[list[Truths]]]
    claims: tuple[CheckedFormula, ...]
    tellers: Tellers


def compile_edition(checked: Checked, edition: Edition) -> Program:
    """Compile a policy for one day."""
    rules = tuple(checked.rules[name] for name in edition.rules)
    measures = {name: f"m{i}" for i, name in enumerate(checked.measures)}
    forms = tuple(rule_forms(checked, rule) for rule in rules)
    formulas = (*checked.columns.values(), *checked.measures.values())
    names, file = namespace(edition), f"<{edition.policy.id} on {edition.day}>"
    return Program(
        checked,
        edition,
        rules,
        tuple((form.applies, form.requires) for form in forms),
        Late("work", file, names, lambda: work_lines(checked, edition, measures)),
        Late("verdicts", file, names, lambda: verdict_lines(checked, edition, measures, rules)),
        Late("atoms", file, names, lambda: atom_lines(checked, edition, measures, rules, forms)),
        tuple(formula for formula in formulas if "as_stated" in formula.trees),
        Tellers(edition, checked.world.root),
    )


@dataclass(slots=True)
class Late:
    """A function that is written and compiled when it is first called: no run needs all three."""

    name: str
    file: str
    names: Mapping[str, Any]
    lines: Callable[[], list[str]]
    made: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Call the function; two threads that make it at once make the same."""
        if self.made is None:
            names = dict(self.names)
            exec(compile("\n".join([*self.lines(), ""]), self.file, "exec"), names)
            self.made = names[self.name]
        return self.made(*arguments)


def namespace(edition: Edition) -> dict[str, Any]:
    """Return the names that the module may use, the tables of the edition among them."""
    names: dict[str, Any] = {"floor": floor, "Row": Row, "Relation": Relation, "__builtins__": BUILTINS}
    for module in (runtime, spans):
        names.update({key: value for key, value in vars(module).items() if callable(value)})
    for name, table in edition.policy.tables.items():
        names[f"table_{name}"] = (
            runtime.Windows(edition.windows[name]) if table.windows else runtime.Lookup(edition.rows[name])
        )
    return names


BUILTINS = {
    "abs": abs,
    "min": min,
    "max": max,
    "float": float,
    "True": True,
    "False": False,
    "None": None,
    "sum": sum,
    "len": len,
    "frozenset": frozenset,
}


def work_lines(checked: Checked, edition: Edition, measures: dict[str, str]) -> list[str]:
    """Write `work`: every part in order, columns of one relation in one loop."""
    writer = Writer(checked, Emitter(edition, checked.world.root, measures))
    lines = ["def work(R, today, attested, stated=None):", f"    plan = R[{checked.world.root!r}].rows[0]"]
    waiting: list[CheckedFormula] = []
    for kind, relation, name in checked.order:
        column = checked.columns[(relation, name)] if kind == "column" else None
        if waiting and (column is None or column.relation != waiting[0].relation):
            lines += writer.columns(waiting)
            waiting = []
        if column is not None:
            waiting.append(column)
        elif kind == "relation":
            lines += writer.relation(checked.relations[relation])
        else:
            lines += writer.measure(checked.measures[name])
    if waiting:
        lines += writer.columns(waiting)
    held = ", ".join(f"{name!r}: {local}" for name, local in measures.items())
    return [*lines, f"    return {{{held}}}"]


def preamble(name: str, checked: Checked, measures: dict[str, str]) -> list[str]:
    """Write the head of a function that reads worked-out rows and measures."""
    lines = [f"def {name}(R, M, today, attested):", f"    plan = R[{checked.world.root!r}].rows[0]"]
    return [*lines, *(f"    {local} = M[{name!r}]" for name, local in measures.items())]


def verdict_lines(
    checked: Checked, edition: Edition, measures: dict[str, str], rules: tuple[CheckedRule, ...]
) -> list[str]:
    """Write `verdicts`: rules on one relation share one loop."""
    writer = Writer(checked, Emitter(edition, checked.world.root, measures))
    lines = preamble("verdicts", checked, measures)
    return [*lines, *by_relation(checked, rules, writer.verdict), f"    return [{names_of(rules)}]"]


def atom_lines(
    checked: Checked, edition: Edition, measures: dict[str, str], rules: tuple[CheckedRule, ...], forms: Any
) -> list[str]:
    """Write `atoms`: the truths that the conditions of each rule are made of, where it may apply."""
    writer = Writer(checked, Emitter(edition, checked.world.root, measures))
    lines = preamble("atoms", checked, measures)
    by_rule = {rule.rule.id: form for rule, form in zip(rules, forms, strict=True)}
    written = by_relation(checked, rules, lambda rule: writer.atom_tuple(by_rule[rule.rule.id]))
    return [*lines, *written, f"    return [{names_of(rules)}]"]


def names_of(rules: tuple[CheckedRule, ...]) -> str:
    """Write the names of the lists of all rules."""
    return ", ".join(f"v{i}" for i in range(len(rules)))


def by_relation(
    checked: Checked, rules: tuple[CheckedRule, ...], write: Callable[[CheckedRule], str]
) -> list[str]:
    """Write one loop a relation that gives every rule on it a value for each row."""
    root = checked.world.root
    lines: list[str] = []
    groups: dict[str, list[int]] = {}
    for index, rule in enumerate(rules):
        groups.setdefault(rule.rule.for_each, []).append(index)
    for relation, members in groups.items():
        if relation == root:
            lines.append("    r = plan")
            lines += [f"    v{i} = [{write(rules[i])}]" for i in members]
            continue
        lines += [f"    v{i} = []" for i in members]
        lines.append(f"    for r in R[{relation!r}].rows:")
        lines += [f"        v{i}.append({write(rules[i])})" for i in members]
    return lines
