"""Plan documents: what is read, what is missing and why, and what is said about broken ones."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobplan.data import policies_dir, schemas_dir
from jobplan.errors import BrokenPlan, Problem
from jobplan.facts import FactSchema, Plan, fact_schema, load_schema, read_plan
from jobplan.facts.schema import declared_facts
from jobplan.source import read_document
from jobplan.validation import Checker

SMALL = fact_schema(
    {
        "plan": {"size": "number unit/week", "from_on": "date", "kind": "text"},
        "step": {"title": "text", "day": "weekday", "opens": "clock", "weeks": "list", "agreed_on": "date"},
        "trip": {"place": "text"},
        "stop": {"parent": "trip", "minutes": "number min"},
    },
    date="from_on",
    policy=["kind"],
)
PLAN = load_schema()


def small(**data: Any) -> Plan:
    return read_plan({"id": "p", **data}, SMALL)


def problems_of(source: Any, schema: FactSchema = PLAN) -> list[Problem]:
    with pytest.raises(BrokenPlan) as caught:
        read_plan(source, schema)
    return list(caught.value.problems)


def codes_of(source: Any, schema: FactSchema = PLAN) -> list[str]:
    return sorted(problem.code for problem in problems_of(source, schema))


def plan_document(**data: Any) -> dict[str, Any]:
    return {"version": 1, "id": "p", **data}


# --- values ---------------------------------------------------------------------------------


def test_values_become_floats_ordinals_minutes_and_days() -> None:
    plan = small(
        size=10,
        from_on="2024-02-29",
        step=[{"title": "a", "day": "sunday", "opens": "17:30", "weeks": [1, 3], "agreed_on": "2024-01-01"}],
    )
    row = plan.relations["step"].rows[0]
    assert plan.root["size"] == 10.0
    assert type(plan.root["size"]) is float
    assert plan.date == date(2024, 2, 29).toordinal()
    assert (row["title"], row["day"], row["opens"], row["weeks"]) == ("a", 7.0, 1050.0, (1.0, 3.0))
    assert row["agreed_on"] == date(2024, 1, 1).toordinal()
    assert row.place == ("step", 0)
    assert row.parent is plan.root


@pytest.mark.parametrize(("written", "minutes"), [("00:00", 0.0), ("07:05", 425.0), ("24:00", 1440.0)])
def test_the_day_runs_from_0000_to_2400(written: str, minutes: float) -> None:
    assert small(step=[{"opens": written}]).relations["step"].rows[0]["opens"] == minutes


@pytest.mark.parametrize("written", ["24:01", "7:00", "07.00", "07:60", "0700", "٠٧:٠٠", "", 700])
def test_other_clock_times_are_refused(written: object) -> None:
    assert len(problems_of({"step": [{"opens": written}]}, SMALL)) == 1
    assert len(problems_of(plan_document(activity=[{"starts": written}]))) == 1


@pytest.mark.parametrize("written", ["2023-02-29", "2024-13-01", "2024-1-1", "1 May 2024", "20240501", 2024])
def test_dates_that_the_calendar_lacks_are_refused(written: object) -> None:
    assert len(problems_of({"from_on": written}, SMALL)) == 1
    assert len(problems_of(plan_document(from_on=written))) == 1


def test_a_public_holiday_is_the_eighth_day() -> None:
    plan = read_plan(plan_document(activity=[{"weekday": "public_holiday"}]), PLAN)
    assert plan.relations["activity"].rows[0]["weekday"] == 8.0


@pytest.mark.parametrize("written", [True, "10", float("inf"), 2e12, None, [1]])
def test_what_is_no_number_in_bounds_is_refused(written: object) -> None:
    assert problems_of({"size": written}, SMALL)


# --- why a value is not there ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"contracted_units": -1}, "expected a number of at least 0, found `-1`"),
        ({"contracted_units": {"either": [1, -1]}}, "expected a number of at least 0, found `-1`"),
        ({"contracted_units": {"range": [-1, 1]}}, "expected a number of at least 0, found `-1`"),
        ({"weeks_a_year": 0}, "expected a number above 0, found `0`"),
        ({"weeks_a_year": {"either": [52, 0]}}, "expected a number above 0, found `0`"),
        ({"weeks_a_year": 53.5}, "expected a number of at most 53, found `53.5`"),
        ({"activity": [{"weeks": [1, 2, 1]}]}, "`1` stands twice in the list"),
        ({"activity": [{"weeks": [0]}]}, "expected a number of at least 1, found `0`"),
    ],
)
def test_numbers_out_of_their_bounds_are_refused(written: dict[str, Any], said: str) -> None:
    (problem,) = problems_of(plan_document(**written))
    assert problem.message.endswith(said)


@pytest.mark.parametrize(
    ("fact", "value", "said"),
    [
        ("plan.contracted_units", -1, "expected a number of at least 0, found `-1`"),
        ("activity.year_of_weeks", 0, "expected a number above 0, found `0`"),
        ("activity.weeks", [1, 1.5], "expected a whole number, found `1.5`"),
        ("activity.weeks", [2, 2], "expected every entry once, found `2` twice"),
    ],
)
def test_assumed_numbers_keep_to_the_same_bounds(fact: str, value: Any, said: str) -> None:
    assumed = {"fact": fact, "value": value, "why": "custom"}
    (problem,) = problems_of(plan_document(assumptions=[assumed]))
    assert problem.message.endswith(said)
    with pytest.raises(BrokenPlan, match=said):
        read_plan(plan_document(), PLAN, assumptions=[assumed])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"weeks": [1, 5], "cycle_weeks": 4}, ["`weeks` has 5, but `cycle_weeks` is 4"]),
        ({"weeks": [1, 4], "cycle_weeks": 4, "turns": 2}, []),
        ({"weeks": [7], "cycle_weeks": 6.5, "turns": 1}, []),
        ({"weeks": [8], "cycle_weeks": 6.5}, ["`weeks` has 8, but `cycle_weeks` is 6.5"]),
        ({"weeks": [8], "cycle_weeks": {"either": [4, 8]}}, []),
        ({"weeks": [1, 3], "turns": 1}, ["`weeks` has 2 entries, but `turns` is 1"]),
        (
            {"weeks": [1], "turns": 2, "weekdays": ["monday", "friday"]},
            ["`weeks` has one entry, but `turns` is 2"],
        ),
        ({"weeks": [1, 3]}, []),
    ],
)
def test_weeks_lie_in_their_cycle_and_are_as_many_as_the_turns(row: dict[str, Any], said: list[str]) -> None:
    document = plan_document(activity=[row])
    found = problems_of(document) if said else []
    assert [problem.message.partition(": ")[2] for problem in found] == said
    assert said or read_plan(document, PLAN)


def test_assumptions_can_disagree_with_what_is_given() -> None:
    assumed = {"fact": "activity.cycle_weeks", "value": 2, "why": "custom"}
    with pytest.raises(BrokenPlan, match="`weeks` has 3, but `cycle_weeks` is 2"):
        read_plan(plan_document(activity=[{"weeks": [3]}]), PLAN, assumptions=[assumed])


def test_keys_that_are_no_texts_are_told_of_with_their_place() -> None:
    stated = {"about": "rest", True: "2024-01-01"}
    problems = problems_of(plan_document(attestations=[stated], activity=[{1: 2}]))
    assert [(problem.code, problem.message) for problem in problems] == [
        ("key-not-text", "activity[0]: expected keys that are text, found `1`"),
        ("key-not-text", "attestations[0]: expected keys that are text, found `true`"),
    ]
    assert "`on`" in str(problems[1].help)
    assert codes_of({True: 1}) == codes_of({None: 1, "version": 1}) == ["key-not-text"]


def test_data_that_hold_themselves_are_refused() -> None:
    document = plan_document()
    document["extensions"] = {"again": document}
    assert codes_of(document) == ["not-json"]


def test_none_is_stated_and_blank_is_not() -> None:
    row = small(step=[{"agreed_on": "none"}]).relations["step"].rows[0]
    assert row["agreed_on"] is None
    assert row["title"] is None
    assert row.causes == {"agreed_on": "none"}


def test_none_is_text_where_the_schema_allows_no_none() -> None:
    plan = read_plan(plan_document(grade="none"), PLAN)
    assert plan.root["grade"] == "none"
    assert codes_of(plan_document(contracted_units="none")) == ["wrong-type"]


def test_two_values_for_one_fact_are_a_conflict_with_both_words() -> None:
    plan = small(size={"range": [10, 11.5]}, step=[{"title": {"either": ["a", "b", "c"]}}])
    row = plan.relations["step"].rows[0]
    assert (plan.root["size"], plan.root.causes, plan.root.texts) == (
        None,
        {"size": "conflict"},
        {"size": "10 to 11.5"},
    )
    assert (row["title"], row.causes, row.texts) == (None, {"title": "conflict"}, {"title": "a or b or c"})


def test_equal_values_for_one_fact_are_no_conflict() -> None:
    plan = small(size={"either": [10, 10.0]})
    assert (plan.root["size"], plan.root.causes) == (10.0, {})


@pytest.mark.parametrize(
    "written",
    [{}, {"either": [1]}, {"range": [2, 1]}, {"range": [1, 2, 3]}, {"either": [1, "2"]},
     {"either": [1, 2], "range": [1, 2]}, {"ether": [1, 2]}, {"either": 3}],
)  # fmt: skip
def test_other_ways_to_give_several_values_are_refused(written: object) -> None:
    assert problems_of({"size": written}, SMALL)
    assert problems_of(plan_document(contracted_units=written))


def test_unreadable_facts_keep_their_text() -> None:
    row = small(step=[{"unreadable": {"day": "Mon?"}}]).relations["step"].rows[0]
    assert (row["day"], row.causes, row.texts) == (None, {"day": "unreadable"}, {"day": "Mon?"})


def test_a_fact_cannot_be_both_given_and_unreadable() -> None:
    assert codes_of({"step": [{"title": "a", "unreadable": {"title": "?"}}]}, SMALL) == ["not-together"]


# --- relations ------------------------------------------------------------------------------


def test_every_relation_is_there_and_an_absent_list_says_nothing() -> None:
    plan = small(step=[])
    assert list(plan.relations) == ["plan", "step", "trip", "stop"]
    assert (plan.relations["step"].complete, plan.relations["step"].cause) == (True, None)
    assert (plan.relations["trip"].complete, plan.relations["trip"].cause) == (False, "blank")
    assert (plan.relations["stop"].complete, plan.relations["stop"].cause) == (False, "blank")
    assert plan.relations["plan"].rows == [plan.root]


def test_a_child_list_is_given_or_not_for_each_parent() -> None:
    plan = small(trip=[{"id": "a", "stop": [{"minutes": 5}]}, {"id": "b"}, {"id": "c", "stop": []}])
    stop = plan.relations["stop"]
    assert (stop.complete, stop.cause, stop.open_parents) == (False, "blank", frozenset({"b"}))
    assert [row.parent.id for row in stop.rows if row.parent is not None] == ["a"]
    assert stop.rows[0].place == ("trip", 0, "stop", 0)


def test_no_parents_have_no_children() -> None:
    stop = small(trip=[]).relations["stop"]
    assert (stop.rows, stop.complete, stop.open_parents) == ([], True, frozenset())


def test_what_the_source_has_no_field_for_is_not_carried() -> None:
    plan = small(
        source={"carries": {"plan": ["size"], "step": ["title", "day"]}},
        step=[{"title": "a", "agreed_on": "2024-01-01", "opens": "none"}],
    )
    row = plan.relations["step"].rows[0]
    assert plan.root.causes == {"from_on": "not_carried", "kind": "not_carried"}
    assert row.causes == {"weeks": "not_carried", "opens": "none"}  # `day` is carried, and blank
    assert plan.relations["trip"].cause == "not_carried"
    assert plan.relations["stop"].cause == "not_carried"


def test_a_source_that_says_nothing_of_what_it_carries_carries_everything() -> None:
    assert small(source={"system": "paper"}).root.causes == {}


def test_a_misspelt_fact_among_the_carried_ones_is_an_error() -> None:
    [problem] = problems_of({"source": {"carries": {"step": ["titel"]}}}, SMALL)
    assert problem.code == "unknown-fact"
    assert problem.help == "did you mean `title`?"


# --- ids ------------------------------------------------------------------------------------


def test_rows_reordered_keep_their_ids() -> None:
    rows = [{"title": "a"}, {"title": "b"}, {"title": "a"}, {"title": "a", "at": {"row": 9}, "note": "x"}]
    ids = [row.id for row in small(step=rows).relations["step"].rows]
    again = [row.id for row in small(step=rows[::-1]).relations["step"].rows]
    assert sorted(ids) == sorted(again)
    assert len(set(ids)) == 4
    assert ids[2:] == [f"{ids[0]}-2", f"{ids[0]}-3"]


def test_equal_rows_of_different_parents_differ() -> None:
    plan = small(trip=[{"place": "a", "stop": [{"minutes": 5}]}, {"place": "b", "stop": [{"minutes": 5}]}])
    first, second = plan.relations["stop"].rows
    assert first.id != second.id
    assert "-2" not in second.id


def test_what_a_source_carries_does_not_change_ids() -> None:
    step = [{"title": "a"}]
    carried = small(step=step, source={"carries": {"step": ["title"]}}).relations["step"].rows
    assert carried[0].id == small(step=step).relations["step"].rows[0].id


def test_the_same_id_twice_is_an_error_that_shows_both_places() -> None:
    text = "version: 1\nid: p\nactivity:\n  - {id: a}\n  - {id: a}\non_call:\n  - {id: a}\n"
    [problem] = problems_of(read_document("plan.yaml", text))
    assert problem.code == "same-id"
    assert (problem.span and problem.span.line, problem.related[0][1].line) == (5, 4)


# --- shorthand ------------------------------------------------------------------------------


def test_weekdays_are_short_for_a_row_a_day() -> None:
    row = {"title": "Clinic", "starts": "09:00", "ends": "13:00"}
    short = read_plan(plan_document(activity=[{**row, "weekdays": ["monday", "friday"]}]), PLAN)
    long = read_plan(plan_document(activity=[{**row, "weekday": day} for day in ("monday", "friday")]), PLAN)
    assert short.relations["activity"].rows[1]["weekday"] == 5.0
    assert [(one.id, dict(one)) for one in short.relations["activity"].rows] == [
        (one.id, dict(one)) for one in long.relations["activity"].rows
    ]


def test_a_named_row_gives_its_days_its_name() -> None:
    plan = read_plan(plan_document(activity=[{"id": "ward", "weekdays": ["monday", "friday"]}]), PLAN)
    assert [row.id for row in plan.relations["activity"].rows] == ["ward.monday", "ward.friday"]


@pytest.mark.parametrize("beside", [{"weekday": "monday"}, {"claimed_units": 1}, {"claimed_hours": 4}])
def test_weekdays_stand_beside_no_weekday_and_no_claim(beside: dict[str, Any]) -> None:
    document = plan_document(activity=[{"weekdays": ["monday"], **beside}])
    assert codes_of(document) == ["not-together"]


# --- assumptions ----------------------------------------------------------------------------


def test_an_assumption_fills_in_what_is_missing_and_nothing_else() -> None:
    rows = [
        {"id": "a", "opens": "09:00"},
        {"id": "b"},
        {"id": "c", "opens": "none"},
        {"id": "d", "opens": {"either": ["09:00", "10:00"]}},
        {"id": "e", "unreadable": {"opens": "?"}},
    ]
    assumption = {"fact": "step.opens", "value": "08:00", "why": "custom"}
    plan = small(step=rows, assumptions=[assumption])
    assert [row["opens"] for row in plan.relations["step"].rows] == [540.0, 480.0, None, None, 480.0]
    assert [row.assumed for row in plan.relations["step"].rows] == [
        {}, {"opens": "step.opens"}, {}, {}, {"opens": "step.opens"},
    ]  # fmt: skip
    assert plan.assumptions[0].why == "custom"


def test_an_assumption_for_one_row_leaves_the_others() -> None:
    assumption = {"fact": "step.title", "value": "x", "why": "custom", "row": "b"}
    plan = small(step=[{"id": "a"}, {"id": "b"}], assumptions=[assumption])
    assert [row["title"] for row in plan.relations["step"].rows] == [None, "x"]


def test_the_users_assumptions_come_after_the_plans_own() -> None:
    own = {"fact": "plan.size", "value": 10, "why": "plan"}
    users = [
        {"fact": "plan.size", "value": 12, "why": "user"},
        {"fact": "plan.kind", "value": "k", "why": "user"},
    ]
    plan = read_plan({"id": "p", "assumptions": [own]}, SMALL, assumptions=users)
    assert (plan.root["size"], plan.root["kind"]) == (10.0, "k")
    assert [found.by_user for found in plan.assumptions] == [False, True, True]


@pytest.mark.parametrize(
    ("assumption", "code"),
    [({"fact": "step.opens", "value": "8", "why": ""}, "wrong-form"),
     ({"fact": "step.open", "value": "08:00", "why": ""}, "unknown-fact"),
     ({"fact": "step.opens", "value": "08:00", "why": "", "row": "z"}, "unknown-row")],
)  # fmt: skip
def test_a_broken_assumption_is_an_error(assumption: dict[str, Any], code: str) -> None:
    assert codes_of({"assumptions": [assumption]}, SMALL) == [code]


# --- the document as a whole ----------------------------------------------------------------


def test_digest_does_not_hang_on_the_order_of_keys() -> None:
    first = small(size=1, kind="a")
    again = read_plan({"kind": "a", "size": 1, "id": "p"}, SMALL)
    assert first.digest == again.digest
    assert len(first.digest) == 64


def test_what_is_no_fact_is_carried_through_untouched() -> None:
    extensions = {"anything": [1, {"deep": None}]}
    waiver = {"rule": "r", "row": "all", "until": "none"}
    plan = read_plan(plan_document(extensions=extensions, waivers=[waiver]), PLAN)
    assert plan.extensions == extensions
    assert plan.waivers == (waiver,)
    assert "extensions" not in plan.root


def test_a_plan_without_date_nation_or_contract_is_read() -> None:
    plan = read_plan(plan_document(), PLAN)
    assert (plan.id, plan.date, plan.policy) == ("p", None, (None, None))


def test_all_problems_of_a_plan_come_at_once_with_their_places() -> None:
    text = (
        "version: 1\nid: p\ncontracted_unit: 10\nfrom_on: 2023-02-29\n"
        "activity:\n  - {weekday: mondy, starts: 24:30, kind: theater}\n"
        "  - {id: a, weekdays: [monday], weekday: monday}\n"
        "dispute:\n"
    )
    found = [(problem.code, problem.span and problem.span.line, problem.help) for problem in problems_of(
        read_document("plan.yaml", text))]  # fmt: skip
    assert found == [
        ("unknown-field", 3, "did you mean `contracted_units`?"),
        ("no-such-date", 4, None),
        ("unknown-choice", 6, "did you mean `monday`?"),
        ("wrong-form", 6, None),
        ("unknown-choice", 6, "did you mean `theatre`?"),
        ("not-together", 7, "write a row for each, or leave it out"),
        ("wrong-type", 8, "write a value, or leave the key out if nothing is known"),
    ]


def test_a_problem_in_data_without_text_says_where_in_words() -> None:
    [problem] = problems_of(plan_document(activity=[{}, {"starts": "9"}]))
    assert problem.message.startswith("activity[1].starts: expected a clock time")
    assert problem.span is None


def test_numbers_where_text_belongs_are_told_to_be_quoted() -> None:
    [problem] = problems_of(plan_document(on_call=[{"class": 1}]))
    assert problem.help == 'put it in quotes: "1"'


@pytest.mark.parametrize("data", [[], "text", None, 3])
def test_a_document_that_is_no_mapping_is_refused(data: Any) -> None:
    document = read_document("plan.json", json.dumps(data))
    assert codes_of(document) == ["wrong-type"]
    assert codes_of(document, SMALL) == ["wrong-type"]


def test_data_that_json_does_not_have_are_refused() -> None:
    assert codes_of(plan_document(from_on=date(2024, 1, 1))) == ["not-json"]
    assert codes_of(plan_document(contracted_units=float("nan"))) == ["not-json"]


def test_a_file_that_cannot_be_read_is_a_broken_plan(tmp_path: Path) -> None:
    with pytest.raises(BrokenPlan):
        read_plan(tmp_path / "none.yaml", PLAN)
    path = tmp_path / "twice.yaml"
    path.write_text("version: 1\nid: a\nid: b\n")
    with pytest.raises(BrokenPlan):
        read_plan(str(path), PLAN)


def test_long_broken_lists_are_explained_quickly_and_briefly() -> None:
    rows = [{"title": "a", "starts": "nine", "x": 1} for _ in range(5000)]
    assert len(problems_of(plan_document(activity=rows))) <= 100


# --- properties -----------------------------------------------------------------------------

TEXTS = st.text(min_size=1, max_size=5)
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS | st.fixed_dictionaries({"either": st.lists(TEXTS, min_size=2, max_size=3)}),
        "day": st.sampled_from(["monday", "sunday", "public_holiday", "none"]),
        "opens": st.sampled_from(["00:00", "08:15", "24:00", "none"]),
        "weeks": st.lists(st.integers(1, 52), max_size=4),
        "agreed_on": st.dates().map(str) | st.just("none"),
    },
)
PLANS = st.fixed_dictionaries(
    {"id": TEXTS},
    optional={
        "size": st.floats(-1e6, 1e6) | st.integers(-5, 50) | st.just("none"),
        "from_on": st.dates().map(str),
        "step": st.lists(STEPS, max_size=4),
        "trip": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "place": TEXTS,
                    "stop": st.lists(st.fixed_dictionaries({"minutes": st.integers(0, 9)}), max_size=3),
                },
            ),
            max_size=3,
        ),
    },
)


@given(PLANS, st.randoms(use_true_random=False))
def test_order_of_rows_and_keys_never_matters(document: dict[str, Any], random: Any) -> None:
    shuffled = {key: document[key] for key in random.sample(list(document), len(document))}
    for name in ("step", "trip"):
        if name in shuffled:
            shuffled[name] = random.sample(shuffled[name], len(shuffled[name]))
    first, again = read_plan(document, SMALL), read_plan(shuffled, SMALL)
    for name, relation in first.relations.items():
        other = again.relations[name]
        assert sorted((row.id, repr(sorted(row.items()))) for row in relation.rows) == sorted(
            (row.id, repr(sorted(row.items()))) for row in other.rows
        )
        assert (relation.complete, relation.open_parents) == (other.complete, other.open_parents)


@given(PLANS)
def test_ids_are_unique_and_children_know_their_parents(document: dict[str, Any]) -> None:
    plan = read_plan(document, SMALL)
    for relation in plan.relations.values():
        ids = [row.id for row in relation.rows]
        assert len(ids) == len(set(ids))
    trips = {row.id for row in plan.relations["trip"].rows}
    stop = plan.relations["stop"]
    assert stop.open_parents <= trips
    assert {row.parent.id for row in stop.rows if row.parent is not None} <= trips - stop.open_parents
    assert stop.complete == (plan.relations["trip"].complete and not stop.open_parents)


@given(PLANS)
def test_reading_leaves_the_document_alone(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    read_plan(document, SMALL)
    assert document == before


KEYS = [
    *("id", "version", "activity", "starts", "weekday", "weekdays", "on_call", "on_call_period", "one_in"),
    *("either", "range", "unreadable", "source", "carries", "assumptions", "fact", "value", "why"),
    *("waivers", "at", "from_on", "category", "zz"),
]
WILD: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 0, 1, 99, 0.5, "none", "monday", "09:00", "2024-01-01", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(WILD)
def test_any_data_are_read_or_refused_with_problems(data: Any) -> None:
    document = read_document("plan.json", json.dumps(data))
    for schema in (PLAN, SMALL):
        try:
            read_plan(document, schema)
        except BrokenPlan as error:
            broken = error
        else:
            continue
        assert broken.problems
        assert str(broken)


@given(WILD.map(lambda data: {"version": 1, "id": "p", **data} if isinstance(data, dict) else data))
def test_the_compiled_validator_and_the_slow_one_agree(data: Any) -> None:
    assert PLAN.checker is not None
    slow = Checker(PLAN.checker.schema)
    slow._fast = None
    document = read_document("plan.json", json.dumps(data))
    assert PLAN.checker.is_valid(data) == slow.is_valid(data)
    assert set(PLAN.checker.problems(document)) <= set(slow.problems(document)) or not slow.problems(document)


# --- the schema -----------------------------------------------------------------------------


def test_the_plan_schema_says_what_it_declares() -> None:
    field = PLAN.field("activity", "claimed_units")
    assert field is not None
    assert (field.kind, field.unit, field.none) == ("number", "unit/week", True)
    category = PLAN.field("activity", "category")
    assert category is not None
    assert "DCC" in category.choices
    assert "none" not in category.choices
    assert PLAN.relations["absence"].parent == "acting_up"
    assert PLAN.relations["acting_up"].parent == ""
    assert (PLAN.date, PLAN.policy) == ("from_on", ("nation", "contract"))
    assert PLAN.field("activity", "nothing") is None
    assert PLAN.field("nothing", "nothing") is None


def test_equal_names_of_relations_are_refused() -> None:
    rows = {"type": "array", "items": {"properties": {}}}
    nested = {"type": "array", "items": {"properties": {"b": rows}}}
    with pytest.raises(ValueError, match="two relations"):
        declared_facts({"root": "r", "properties": {"a": nested, "b": rows}})


def test_a_property_that_is_nothing_known_is_refused() -> None:
    with pytest.raises(ValueError, match="neither fact"):
        declared_facts({"root": "r", "properties": {"a": {"type": "string"}}})
    with pytest.raises(ValueError, match="no form"):
        fact_schema({"plan": {"a": "colour"}})


def test_the_folders_of_a_wheel_go_before_those_of_a_checkout(tmp_path: Path, monkeypatch: Any) -> None:
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    (checkout / "schemas").mkdir(parents=True)
    monkeypatch.setattr("jobplan.data._HOMES", (wheel, checkout))
    assert schemas_dir() == checkout / "schemas"
    (wheel / "schemas").mkdir(parents=True)
    assert schemas_dir() == wheel / "schemas"
    with pytest.raises(FileNotFoundError, match="policies"):
        policies_dir()


def test_a_list_said_to_be_partial_has_rows_and_may_have_more() -> None:
    plan = small(partial=["step"], step=[{"title": "one"}])
    step = plan.relations["step"]
    assert (len(step.rows), step.complete, step.cause) == (1, False, "partial")
    assert plan.relations["trip"].cause == "blank"


def test_a_partial_list_of_child_rows_is_open_for_every_parent() -> None:
    plan = small(partial=["stop"], trip=[{"id": "a", "stop": []}, {"id": "b", "stop": [{"minutes": 1}]}])
    assert plan.relations["stop"].open_parents == {"a", "b"}


def test_a_list_that_is_not_given_stays_so_though_it_is_called_partial() -> None:
    assert small(partial=["step"]).relations["step"].cause == "blank"


def test_a_partial_list_that_nobody_knows_is_refused() -> None:
    assert codes_of({"id": "p", "partial": ["stp"]}, SMALL) == ["unknown-relation"]
