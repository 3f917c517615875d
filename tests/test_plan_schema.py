"""The plan schema keeps to its own conventions, so that everything that reads it may rely on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlglot
from jsonschema import Draft202012Validator
from sqlglot import exp

from jobplan.data import schemas_dir
from jobplan.facts import load_schema, read_plan
from jobplan.facts.schema import FORMS

SCHEMA: Mapping[str, Any] = json.loads((schemas_dir() / "plan.schema.json").read_text("utf-8"))
FACTS = load_schema()
NAMES = sorted({name for relation in FACTS.relations.values() for name in (relation.name, *relation.fields)})

# Names that DuckDB or sqlglot take for something else, or that read as something else in an expression.
BANNED = {
    *("start", "end", "from", "to", "at", "order", "check", "when", "on", "any", "all", "table", "group"),
    *(
        "user",
        "default",
        "primary",
        "column",
        "id",
        "today",
        "this",
        "none",
        "case",
        "date",
        "time",
        "select",
    ),
    *("where", "having", "limit", "offset", "union", "using", "with", "left", "right", "in", "is"),
}


# Names that SQL refuses, or that YAML readers other than this one take for truth values or for nothing.
REFUSED = {
    *("start", "end", "from", "to", "at", "order", "check", "when", "on", "any", "all", "yes", "no", "null"),
    *("none", "true", "false", "table", "group", "user", "default", "primary", "column"),
}
PLACE_NAMES = {"at", "column"}  # of a row in its source; no expression sees them, and YAML reads them as text

# Differences, and figures of any kind that a source prints.
UNBOUNDED = {"units_above_plan", "value", "low", "high"}


def parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping inside the schema."""
    if isinstance(schema, Mapping):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)


def objects() -> Iterator[Mapping[str, Any]]:
    return (part for part in parts(SCHEMA) if isinstance(part.get("properties"), Mapping) and "type" in part)


def test_it_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_property_and_definition_is_described() -> None:
    for declared in objects():
        for name, written in declared["properties"].items():
            assert written.get("description", "").endswith("."), name
    for name, definition in SCHEMA["$defs"].items():
        assert definition.get("description", "").endswith("."), name


def test_no_keyword_whose_errors_point_nowhere() -> None:
    for part in parts(SCHEMA):
        assert not {"anyOf", "oneOf", "not", "allOf"} & part.keys()


def test_nothing_unknown_is_let_in_but_extensions_and_free_mappings() -> None:
    for declared in objects():
        assert declared.get("additionalProperties") is False, declared.get("description")


def test_every_list_has_an_end() -> None:
    for part in parts(SCHEMA):
        if part.get("type") == "array":
            assert 0 < part["maxItems"] <= 400


@pytest.mark.parametrize("name", NAMES)
def test_names_are_plain_names_in_expressions(name: str) -> None:
    assert name not in BANNED
    for text in (
        name,
        f"a.{name}",
        f"not {name}",
        f"{name} + 1 > {name}",
        f"case when {name} then {name} end",
    ):
        columns = list(sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Column))
        assert columns
        assert {column.name for column in columns} == {name}


def test_no_property_has_a_name_that_sql_or_yaml_refuse() -> None:
    for declared in objects():
        assert not declared["properties"].keys() & (REFUSED - PLACE_NAMES), declared.get("description")
    homes = {
        name for declared in objects() for name in declared["properties"].keys() & REFUSED if name != "at"
    }
    assert homes == {"column"}
    assert "column" in SCHEMA["$defs"]["row_place"]["properties"]


def test_no_fact_has_the_name_of_a_relation() -> None:
    facts = {name for relation in FACTS.relations.values() for name in relation.fields}
    assert not facts & FACTS.relations.keys()


def test_none_is_allowed_where_the_annotation_says_so_and_only_there() -> None:
    for relation in FACTS.relations.values():
        for field in relation.fields.values():
            document: dict[str, Any] = {"version": 1, "id": "p"}
            if relation.name == FACTS.root:
                document[field.name] = "none"
            elif relation.parent:
                document[relation.parent] = [{relation.name: [{field.name: "none"}]}]
            else:
                document[relation.name] = [{field.name: "none"}]
            assert FACTS.checker is not None
            takes_any_text = field.form == "text" and not field.choices
            assert FACTS.checker.is_valid(document) == (field.none or takes_any_text), field
            if field.none:
                rows = read_plan(document, FACTS).relations[relation.name].rows
                assert rows[0].causes == {field.name: "none"}


def test_units_are_written_with_known_words() -> None:
    words = {"unit", "h", "min", "day", "week", "month", "quarter", "year", "percent", "1"}
    for relation in FACTS.relations.values():
        for field in relation.fields.values():
            assert field.form in FORMS
            assert set(field.unit.split("/")) <= words | {""}, field


def test_facts_of_one_name_are_of_one_kind() -> None:
    kinds: dict[str, set[tuple[Any, ...]]] = {}
    for relation in FACTS.relations.values():
        for field in relation.fields.values():
            kinds.setdefault(field.name, set()).add((field.form, field.unit, field.bounds))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_every_number_has_a_lowest_value_but_differences() -> None:
    for relation in FACTS.relations.values():
        for field in relation.fields.values():
            if field.form == "number" and field.name not in UNBOUNDED:
                assert field.bounds is not None, field
                assert 0 in (field.bounds.minimum, field.bounds.above), field
            if field.unit in ("week/year", "h/week", "day/year", "day/week", "1/year"):
                assert field.bounds is not None, field
                assert field.bounds.maximum, field


def test_what_is_divided_by_is_more_than_nothing() -> None:
    for relation in FACTS.relations.values():
        for name, field in relation.fields.items():
            if name.endswith("one_in") or name in (
                "cycle_weeks",
                "year_of_weeks",
                "weeks_a_year",
                "rota_size",
            ):
                assert field.bounds is not None, field
                assert field.bounds.above == 0, field


def test_lists_hang_together_with_numbers_of_their_own_row() -> None:
    found = set()
    for relation in FACTS.relations.values():
        for field in relation.fields.values():
            for other in filter(None, (field.within, field.counted_by)):
                assert field.form == "list", field
                assert relation.fields[other].form == "number", field
                found.add((relation.name, field.name, other))
    assert ("activity", "weeks", "cycle_weeks") in found
    assert ("activity", "weeks", "turns") in found
