"""The work in plain NumPy: whole columns at a time; unknown numbers and truths are NaN, unknown texts -1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.core.speak import Speaker
from benchmarks.core.work import Work
from jobplan.expression.runtime import Windows
from jobplan.expression.scope import Ref

Array = npt.NDArray[Any]
Rows = dict[str, Any]
UNKNOWN, VIOLATED = 2, 3


# --- values that may be unknown ----------------------------------------------------------------


class Words:
    """A column of texts: places in a list of words, -1 where nothing is known."""

    def __init__(self, places: Array, words: list[str]) -> None:
        self.places, self.words = places, words

    def equal(self, word: str) -> Array:
        """Tell which are a word."""
        place = self.words.index(word) if word in self.words else -2
        return np.where(self.places < 0, np.nan, (self.places == place) * 1.0)


def millionths(x: Any) -> Any:
    """Return numbers as they are compared."""
    return np.floor(np.multiply(x, 1e6) + 0.5)


def compared(a: Any, b: Any, test: Any) -> Any:
    """Compare numbers; what is not known compares as not known."""
    left, right = millionths(a), millionths(b)
    return np.where(np.isnan(left) | np.isnan(right), np.nan, test(left, right) * 1.0)


def eq(a: Any, b: Any) -> Any:
    """Tell where two are equal."""
    return a.equal(b) if isinstance(a, Words) else compared(a, b, np.equal)


def ne(a: Any, b: Any) -> Any:
    """Tell where two are not equal."""
    return negated(eq(a, b))


def lt(a: Any, b: Any) -> Any:
    """Tell where one is less."""
    return compared(a, b, np.less)


def le(a: Any, b: Any) -> Any:
    """Tell where one is no more."""
    return compared(a, b, np.less_equal)


def gt(a: Any, b: Any) -> Any:
    """Tell where one is more."""
    return compared(a, b, np.greater)


def ge(a: Any, b: Any) -> Any:
    """Tell where one is no less."""
    return compared(a, b, np.greater_equal)


def both(a: Any, b: Any) -> Any:
    """Return Kleene's `and`."""
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def either(a: Any, b: Any) -> Any:
    """Return Kleene's `or`."""
    return np.where((a == 1) | (b == 1), 1.0, a + b)


def negated(a: Any) -> Any:
    """Return Kleene's `not`."""
    return 1.0 - a


def pick(c: Any, yes: Any, otherwise: Any) -> Any:
    """Return one or the other; not known where it is not known which."""
    return np.where(c == 1, yes, np.where(c == 0, otherwise, np.nan))


def div(a: Any, b: Any) -> Any:
    """Divide; not known where the divisor is 0."""
    return a / np.where(b == 0, np.nan, b)


CALLS = {
    "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge, "both": both, "either": either,
    "negated": negated, "pick": pick, "div": div, "add": np.add, "sub": np.subtract, "mul": np.multiply,
    "size": np.abs, "nan": np.nan,
}  # fmt: skip


# --- the plans -----------------------------------------------------------------------------------


def load(made: Work, folder: Path) -> dict[str, Rows]:
    """Return what the work reads of the tables in a folder, by relation, and which plan each row is of."""
    found: dict[str, Rows] = {}
    ids = pq.read_table(folder / f"{made.root}.parquet", columns=["id"])["id"].combine_chunks()
    lists = [relation for relation in made.facts if relation != made.root]
    for relation in made.facts:
        names = set(pq.read_schema(folder / f"{relation}.parquet").names)
        facts = [*made.facts[relation], *made.stated.get(relation, ())]
        wanted = {name for fact in facts for name in (fact, f"{fact}_is") if name in names}
        keys = lists if relation == made.root else ["plan"]
        table = pq.read_table(folder / f"{relation}.parquet", columns=[*wanted, *keys])
        rows: Rows = {fact: values(table[fact]) for fact in made.facts[relation]}
        for fact in made.stated.get(relation, ()):
            rows[f"{fact}_none"] = stated_none(table, fact)
        if relation == made.root:
            for name in lists:
                given = table[name].to_numpy(zero_copy_only=False)
                rows[f"{name}_whole"] = (given == "listed") | (given == "none")
        else:
            rows["@plan"] = pc.index_in(table["plan"].combine_chunks(), ids).to_numpy()
        found[relation] = rows
    found[made.root]["@count"] = len(ids)
    return found


def values(column: pa.ChunkedArray) -> Any:
    """Return a column as floats with NaN, or as words where `none` is no word."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        coded = column.combine_chunks()
        coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
        words = coded.dictionary.to_pylist()
        places = coded.indices.fill_null(-1).to_numpy().copy()
        return Words(
            np.where(places == words.index("none"), -1, places) if "none" in words else places, words
        )
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def stated_none(table: pa.Table, fact: str) -> Array:
    """Return 1 where a fact is stated to be none, 0 where it has a value, NaN where nothing is known."""
    column = table[fact]
    word = table[f"{fact}_is"] if f"{fact}_is" in table.column_names else column
    is_none = pc.equal(word, "none").fill_null(False).to_numpy(zero_copy_only=False)
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(is_none, 1.0, np.where(known, 0.0, np.nan))


# --- the work ------------------------------------------------------------------------------------


def source(made: Work) -> list[tuple[str, str, str, Any]]:
    """Return each column, measure and rule as the expression of NumPy that works it out."""

    def name(ref: Ref) -> str:
        if ref.kind == "measure" or (ref.relation == made.root and not ref.path):
            return f"plan[{ref.name!r}]"
        return f"plan[{ref.name!r}][rows['@plan']]" if ref.path else f"rows[{ref.name!r}]"

    def stated(ref: Ref) -> str:
        return f"{'plan' if ref.relation == made.root else 'rows'}[{ref.name + '_none'!r}]"

    speaker = Speaker(made, name, stated, "1.0", "0.0", "nan")
    found: list[tuple[str, str, str, Any]] = []
    for part in made.formulas:
        written = {key: compile(speaker.write(tree), part.name, "eval") for key, tree in part.trees.items()}
        found.append(("formula", part.relation, part.name, (part.formula, written)))
    for rule in made.rules:
        pair = [
            compile(speaker.write(tree), rule.rule.id, "eval") for tree in (made.applies(rule), rule.requires)
        ]
        found.append(("rule", rule.rule.for_each, rule.rule.id, pair))
    return found


class InNumPy:
    """Judges all plans of a folder at once."""

    def __init__(self, made: Work) -> None:
        self.made, self.source = made, source(made)
        self.windows: Mapping[str, Array] = {
            name: minutes_before(Windows(table.windows))
            for name, table in made.program.edition.policy.tables.items()
            if table.windows
        }

    def judge(self, data: dict[str, Rows]) -> dict[str, Array]:
        """Return a code a plan for every rule."""
        root = self.made.root
        world = {relation: dict(rows) for relation, rows in data.items()}
        verdicts: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for kind, relation, name, how in self.source:
                rows = world[relation or root]
                if kind == "rule":
                    verdicts[name] = self.verdict(world, relation, *how)
                elif how[0].kind in ("sum", "count"):
                    rows[name] = self.total(world, *how)
                elif how[0].kind == "overlap":
                    rows[name] = self.overlap(world, rows, *how)
                else:
                    rows[name] = self.value(world, relation or root, how[1]["value"])
        return verdicts

    def value(self, world: dict[str, Rows], relation: str, code: Any) -> Any:
        """Work out an expression on the rows of a relation."""
        return eval(code, dict(CALLS, plan=world[self.made.root], rows=world[relation]))

    def overlap(self, world: dict[str, Rows], rows: Rows, how: Any, written: Any) -> Array:
        """Return the minutes of an interval in the windows of a table."""
        scope = dict(CALLS, plan=world[self.made.root], rows=rows)
        opens, closes = eval(written["opens"], scope), eval(written["closes"], scope)
        return minutes(self.windows[how.table], opens, closes)

    def total(self, world: dict[str, Rows], how: Any, written: Any) -> Array:
        """Add up for each plan what counts; NaN where it is not known."""
        rows, plan = world[how.of], world[self.made.root]
        scope = dict(CALLS, plan=plan, rows=rows)
        counts = eval(written["where"], scope) if "where" in written else 1.0
        value = eval(written["input"], scope)
        if how.kind == "count":
            counts, value = both(counts, value), 1.0
        part = np.where(counts == 0, 0.0, np.where(counts == 1, value, np.nan))
        part = np.broadcast_to(part, rows["@plan"].shape)
        found = np.bincount(rows["@plan"], weights=part, minlength=plan["@count"])
        return np.where(plan[f"{how.of}_whole"], found, np.nan)

    def verdict(self, world: dict[str, Rows], relation: str, applies: Any, requires: Any) -> Array:
        """Return the one code of a rule for each plan."""
        a, r = self.value(world, relation, applies), self.value(world, relation, requires)
        found = np.select(
            [np.equal(a, 0), np.isnan(a) | np.isnan(r), np.equal(r, 1)], [0, UNKNOWN, 1], VIOLATED
        )
        plan = world[self.made.root]
        if relation == self.made.root:
            return np.broadcast_to(found, plan["@count"])
        highest = np.zeros(plan["@count"], int)
        for code in (1, UNKNOWN, VIOLATED):
            highest[world[relation]["@plan"][found == code]] = code
        return np.where(plan[f"{relation}_whole"], highest, np.maximum(highest, UNKNOWN))


def minutes_before(windows: Windows) -> Array:
    """Return how many minutes inside windows lie before each minute of two weeks."""
    inside = [windows.week.circular(minute, minute + 1) for minute in range(10080)]
    return np.concatenate([[0.0], np.cumsum(inside + inside)])


def minutes(before: Array, opens: Array, closes: Array) -> Array:
    """Return the minutes of intervals in windows of which `before` tells how many lie before a minute."""
    known = ~(np.isnan(opens) | np.isnan(closes))
    first, last = (np.where(known, minute, 0).astype(int) for minute in (opens, closes))
    holiday = first >= 10080
    week = before[np.where(holiday, 0, last)] - before[np.where(holiday, 0, first)]
    after = np.where(last <= 11520 + 420, last - first, np.nan)
    return np.where(known, np.where(holiday, after, week), np.nan)
