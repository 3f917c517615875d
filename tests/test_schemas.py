"""Every schema that is published keeps to the same few rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = sorted((Path(__file__).parents[1] / "schemas").glob("*.schema.json"))


def schemas_inside(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of a schema that is a schema of a named property, with its path."""
    if isinstance(node, dict):
        properties = node.get("properties")
        for name, value in properties.items() if isinstance(properties, dict) else ():
            if isinstance(value, dict):
                yield f"{path}/{name}", value
        for key, value in node.items():
            yield from schemas_inside(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas_inside(value, f"{path}/{index}")


def keywords(node: Any) -> Iterator[str]:
    """Yield every key of a schema, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from keywords(value)
    elif isinstance(node, list):
        for value in node:
            yield from keywords(value)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_it_is_a_schema_of_2020_12(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_every_property_says_what_it_is(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    # below `then` and `else` a property is described where it is first declared
    bare = [
        where
        for where, part in schemas_inside(schema)
        if "description" not in part and "/then/" not in where and "/else/" not in where
    ]
    assert bare == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_nothing_is_chosen_among_alternatives(path: Path) -> None:
    """`anyOf` and `oneOf` give errors that point nowhere."""
    assert {"anyOf", "oneOf"} & set(keywords(json.loads(path.read_text("utf-8")))) == set()


def test_the_four_that_are_promised_are_there() -> None:
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS} >= {"policy", "cases", "plan"}
