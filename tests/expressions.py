"""Random expressions, rules and facts over a small schema, for hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from jobplan.facts import fact_schema

Texts = st.SearchStrategy[str]

SCHEMA = fact_schema(
    {
        "plan": {"x": "number", "y": "number", "t": "truth", "d": "date", "s": "text"},
        "act": {"n": "number", "m": "number", "f": "truth", "e": "date", "z": "text", "w": "list"},
        "kid": {"parent": "act", "k": "number", "v": "truth"},
    }
)
PARAMETERS = {
    "limit": {"values": [{"from": "1990-01-01", "value": 2}]},
    "unread": {"unset": "nobody has read it"},
}
TABLES = {
    "band": {
        "by": ["word", "size"],
        "gives": "value",
        "rows": [
            {"word": "a", "size": [0, 2], "value": 1},
            {"word": "a", "size": [3, None], "value": 2},
            {"word": "b", "size": [None, 5], "value": 3},
        ],
    },
    "hours": {
        "windows": "week",
        "rows": [
            {"days": [1, 2], "opens": "00:00", "closes": "07:00"},
            {"days": [1, 8], "opens": "07:00", "closes": "08:00", "unsettled": "not read"},
        ],
    },
}
NAMES = {
    "plan": {
        "number": ("x", "y", "limit", "unread"),
        "truth": ("t",),
        "date": ("d", "today"),
        "text": ("s",),
    },
    "act": {"number": ("n", "m"), "truth": ("f",), "date": ("e",), "text": ("z",)},
    "kid": {"number": ("k",), "truth": ("v",), "date": (), "text": ()},
}
ABOVE = {"plan": ("plan",), "act": ("act", "plan"), "kid": ("kid", "act", "plan")}
FACTS = {"plan": ("x", "t", "d", "s"), "act": ("n", "f", "e", "z", "w"), "kid": ("k", "v")}

literals = {
    "number": st.sampled_from(["0", "1", "2", "3", "0.5", "0.1", "2.5", "10", "-1"]),
    "truth": st.sampled_from(["true", "false"]),
    "date": st.just("today"),
    "text": st.sampled_from(["'a'", "'ab'", "'b'", "'it''s'"]),
}


def names_on(relation: str, kind: str, alias: str = "") -> list[str]:
    return [alias + name for owner in ABOVE[relation] for name in NAMES[owner][kind]]


def numbers(relation: str, truths: Texts, inner: Texts, dates: Texts) -> Texts:
    """Return numbers made of numbers."""
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        two.map(lambda p: f"({p[0]} / ({p[1]}))"),
        inner.map(lambda a: f"(- {a})"),
        st.tuples(st.sampled_from(["abs", "floor", "ceil"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["least", "greatest", "wrap", "gcd"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        st.tuples(dates, dates).map(lambda p: f"({p[0]} - {p[1]})"),
        cases(truths, inner),
    )


def cases(truths: Texts, inner: Texts) -> Texts:
    """Return a case of one or two branches, with or without `else`."""
    return st.one_of(
        st.tuples(truths, inner).map(lambda p: f"case when {p[0]} then {p[1]} end"),
        st.tuples(truths, inner, inner).map(lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"),
        st.tuples(truths, inner, truths, inner, inner).map(
            lambda p: f"case when {p[0]} then {p[1]} when {p[2]} then {p[3]} else {p[4]} end"
        ),
        st.tuples(truths, inner).map(lambda p: f"case when {p[0]} then {p[1]} else silent('ask') end"),
    )


def flat(relation: str, kind: str, alias: str = "") -> Texts:
    """Return names and literals of one kind."""
    names = names_on(relation, kind, alias)
    return st.one_of(st.sampled_from(names), literals[kind]) if names else literals[kind]


def comparisons(relation: str, number: Texts, date: Texts, text: Texts) -> Texts:
    """Return what tells true from false: comparisons, `between`, `in`, `none`, `starts_with`."""
    signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    compared = [
        st.tuples(side, signs, side).map(lambda p: f"{p[0]} {p[1]} {p[2]}") for side in (number, date, text)
    ]
    within = [
        st.tuples(side, st.sampled_from(["", "not "]), side, side).map(
            lambda p: f"{p[0]} {p[1]}between {p[2]} and {p[3]}"
        )
        for side in (number, date)
    ]
    among = [
        st.tuples(side, st.sampled_from(["", "not "]), st.lists(side, min_size=1, max_size=3)).map(
            lambda p: f"{p[0]} {p[1]}in ({', '.join(p[2])})"
        )
        for side in (number, text)
    ]
    facts = st.sampled_from([fact for owner in ABOVE[relation] for fact in FACTS[owner]])
    return st.one_of(
        *compared,
        *within,
        *among,
        facts.map(lambda fact: f"none({fact})"),
        st.tuples(text, text).map(lambda p: f"starts_with({p[0]}, {p[1]})"),
        st.just("attested('done')"),
    )


def expressions(relation: str, kind: str, depth: int = 2, alias: str = "") -> Texts:
    """Return expressions of a kind on the rows of a relation, nested up to `depth`."""
    if depth == 0:
        return flat(relation, kind, alias)
    lower: Callable[[str], Texts] = lambda other: expressions(relation, other, depth - 1, alias)  # noqa: E731
    simple = flat(relation, kind, alias)
    if kind == "number":
        return st.one_of(simple, numbers(relation, lower("truth"), lower("number"), lower("date")))
    if kind == "truth":
        inner = lower("truth")
        return st.one_of(
            simple,
            comparisons(relation, lower("number"), lower("date"), flat(relation, "text", alias))
            if not alias
            else compared_pairs(relation),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda p: f"({p[0]}) {p[1]} ({p[2]})"
            ),
            inner.map(lambda a: f"not ({a})"),
            cases(inner, inner),
        )
    if kind == "date":
        return st.one_of(
            simple,
            st.tuples(st.sampled_from(["add_days", "add_months"]), lower("date"), lower("number")).map(
                lambda p: f"{p[0]}({p[1]}, {p[2]})"
            ),
            cases(lower("truth"), lower("date")),
        )
    return st.one_of(simple, cases(lower("truth"), simple))


def compared_pairs(relation: str) -> Texts:
    """Return conditions on both rows of a pair."""
    return st.tuples(
        st.sampled_from(["a.n", "b.m", "a.m + 1"]),
        st.sampled_from(["=", "<", "<>"]),
        st.sampled_from(["b.n", "2"]),
    ).map(" ".join)


def recorded(relation: str) -> Texts:
    """Return requirements that look at what is on record, only where that may stand."""
    facts = st.sampled_from(FACTS[relation]).map(lambda fact: f"recorded({fact})")
    plain = expressions(relation, "truth", 1).map(lambda text: f"({text})")
    return st.recursive(
        st.one_of(facts, plain),
        lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        max_leaves=4,
    )


def aggregates() -> st.SearchStrategy[dict[str, Any]]:
    """Return aggregates over rows, child rows and derived rows."""
    kinds = st.sampled_from(["sum", "count", "min", "max", "average", "any", "all"])

    def over(kind: str, of: str, draw: Callable[[Texts], Any]) -> dict[str, Any]:
        base = {"kid": "kid", "alike": "plan"}.get(of, "act")
        truth = kind in ("count", "any", "all")
        made = {kind: draw(expressions(base, "truth" if truth else "number", 1)), "of": of}
        if draw(st.booleans()):
            made["where"] = draw(expressions(base, "truth", 1))
        if kind in ("min", "max", "average"):
            made["if_none"] = draw(expressions("plan", "number", 1))
        return made

    return st.composite(
        lambda draw: over(
            draw(kinds), draw(st.sampled_from(["act", "kid", "big", "item", "small_run", "alike"])), draw
        )
    )()


@st.composite
def policies(draw: Any) -> dict[str, Any]:
    """Return a topic of random columns, measures, derived relations and rules that may rest on rules."""
    topic: dict[str, Any] = {
        "parameters": PARAMETERS,
        "attests": {"done": "Whether it is done"},
        "tables": TABLES,
        "columns": {
            "act": {
                "c0": {"value": draw(expressions("act", "number"))},
                "c1": {"value": draw(expressions("act", "truth"))},
                "c2": {"sum": draw(expressions("kid", "number", 1)), "of": "kid"},
                "c4": {"overlap": ["n * 60", "n * 60 + m"], "with": "hours"},
                "c5": {"lookup": "band", "by": {"word": "z", "size": draw(expressions("act", "number", 1))}},
                "c3": {"count": f"z = this.z or {draw(expressions('act', 'truth', 1))}", "of": "act"},
            },
            "couple": {"both": {"value": "a.f or b.f"}},
            "plan": {"p0": {"count": draw(expressions("act", "truth", 1)), "of": "act"}},
        },
        "measures": {f"m{n}": draw(aggregates()) for n in range(3)},
        "relations": {
            "big": {"rows": "act", "where": draw(expressions("act", "truth", 1))},
            "item": {"each": "w", "of": "act", "as": "entry"},
            "slot": {"union": {"act": {"q": draw(expressions("act", "number", 1))}, "kid": {"q": "k"}}},
            "couple": {"pairs": {"a": "act", "b": "act"}, "where": draw(compared_pairs("act"))},
            "run": {"merge": "act", "opens": "n", "closes": "n + m", "gap": draw(flat("plan", "number"))},
            "ring": {
                "merge": "act",
                "where": draw(expressions("act", "truth", 1)),
                "opens": "n",
                "closes": "n + m",
                "circle": 10,
            },
            "day_run": {"merge": "act", "opens": "e", "closes": "add_days(e, m)"},
            "small_run": {
                "merge": "kid",
                "where": draw(expressions("kid", "truth", 1)),
                "opens": "k",
                "closes": "k + 1",
                "within": "act",
            },
            "rest": {"gaps": "run", "between": ["0", draw(flat("plan", "number"))]},
            "small_rest": {
                "gaps": "small_run",
                "within": "act",
                "between": ["0", draw(flat("act", "number"))],
            },
            "alike": {"rows": "couple", "where": "both"},
        },
    }
    rules = []
    for number in range(draw(st.integers(2, 8))):
        relation = draw(st.sampled_from(["plan", "act", "kid"]))
        rules.append(
            {
                "id": f"r{number}",
                "for_each": relation,
                "applies": draw(st.one_of(st.just("true"), expressions(relation, "truth", 1))),
                "requires": draw(expressions(relation, "truth", draw(st.integers(1, 3)))),
            }
        )
    on = {rule["id"]: rule["for_each"] for rule in rules}
    for rule in rules[1:]:
        others = [
            other for other in on if other < rule["id"] and on[other] in (*ABOVE[rule["for_each"]], "kid")
        ]
        others = [o for o in others if on[o] in ABOVE[rule["for_each"]] or rule["for_each"] == "plan"]
        if others and draw(st.booleans()):
            verdict = draw(st.sampled_from(["satisfied", "violated", "not_applicable"]))
            rule["applies"] = f"verdict('{draw(st.sampled_from(others))}') = '{verdict}'"
    rules += [
        {"id": "s0", "for_each": "plan", "requires": "m0 <= m1 or m2 = 1"}
        if all(not {"any", "all"} & topic["measures"][m].keys() for m in ("m0", "m1", "m2"))
        else {"id": "s0", "for_each": "plan", "requires": "p0 > 1"},
        {"id": "s1", "for_each": "act", "applies": "c1", "requires": "c0 > c2"},
        {"id": "s2", "for_each": "act", "requires": draw(recorded("act"))},
        {"id": "s3", "for_each": "plan", "requires": draw(recorded("plan"))},
        {"id": "s4", "for_each": "couple", "requires": draw(compared_pairs("act"))},
        {"id": "s5", "for_each": "item", "requires": "entry < n"},
        {"id": "s6", "for_each": "slot", "requires": "q > limit"},
        {"id": "s7", "for_each": "run", "requires": "closes - opens < 3"},
        {"id": "s8", "for_each": "big", "requires": "c3 > 1"},
        {"id": "s9", "for_each": "ring", "requires": "closes - opens < 3"},
        {"id": "t0", "for_each": "day_run", "requires": "closes - opens < 3"},
        {"id": "t1", "for_each": "small_run", "applies": "f", "requires": "closes - opens < n"},
        {"id": "t2", "for_each": "rest", "requires": "closes - opens > 1"},
        {"id": "t3", "for_each": "small_rest", "requires": "closes - opens > m"},
        {"id": "t4", "for_each": "alike", "requires": "both and t"},
        {"id": "t5", "for_each": "act", "requires": "c4 < c5"},
        {
            "id": "t6",
            "for_each": "plan",
            "requires": "verdict('t5') <> 'violated' or verdict('s7') = 'satisfied'",
        },
    ]
    return {**topic, "rules": rules}
