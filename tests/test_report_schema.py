"""Reports as JSON keep to the schema that is published, and what once was a report stays one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jobplan.evaluate import Evaluator
from jobplan.reports.json import report_data

ROOT = Path(__file__).parents[1]
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "report.schema.json").read_text("utf-8"))
STORED = ROOT / "tests" / "snapshots" / "report-v1.json"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
DAY = "2025-06-01"


@cache
def evaluator() -> Evaluator:
    return Evaluator()


@cache
def report_of(path: Path) -> dict[str, Any]:
    """The report on an example as a reader of the JSON gets it."""
    judge = evaluator()
    plan = judge.read(path)
    day = None if plan.date is not None else ordinal(DAY)
    judged = judge.judge(plan, as_of=day, today=ordinal(DAY))
    data: dict[str, Any] = json.loads(json.dumps(report_data(judge.report(judged))))
    return data


def ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def complaints(report: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(SCHEMA).iter_errors(report)
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_report_on_an_example_is_valid(path: Path) -> None:
    assert complaints(report_of(path)) == []


def test_a_stored_report_of_version_1_is_still_valid() -> None:
    assert complaints(json.loads(STORED.read_text("utf-8"))) == []


def test_a_stored_report_shows_everything_that_version_1_began_with() -> None:
    """So that no property can be renamed or change its type without a test that fails."""
    stored = json.loads(STORED.read_text("utf-8"))
    for part in ("verdicts", "measures", "findings", "waivers", "assumptions", "notes", "extensions"):
        assert stored[part], part
    for part in ("citations", "rests_on", "evidence", "reasons", "assumptions", "waived", "as_stated"):
        assert any(finding[part] for finding in stored["findings"]), part
    assert any(item["source"] for finding in stored["findings"] for item in finding["evidence"])


def test_what_the_schema_asks_for_was_in_version_1_from_the_beginning() -> None:
    """A property that comes later may not be required, or older reports would no longer be valid."""
    stored = json.loads(STORED.read_text("utf-8"))
    asked = {(path, key) for path, node in schema_objects() for key in node["required"]}
    assert asked <= set(keys_of(SCHEMA, stored, ""))


def schema_objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object of the schema by the path that `keys_of` gives it."""

    def inside(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        node = resolved(node)
        if "required" in node:
            yield path, node
        for key, value in node.get("properties", {}).items():
            yield from inside(value, f"{path}/{key}")
        if isinstance(node.get("items"), dict):
            yield from inside(node["items"], f"{path}/*")

    yield from inside(SCHEMA, "")


def keys_of(node: Mapping[str, Any], data: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every key that stands in data, with the path of its object."""
    node = resolved(node)
    if isinstance(data, dict):
        for key, value in data.items():
            yield path, key
            if key in node.get("properties", {}):
                yield from keys_of(node["properties"][key], value, f"{path}/{key}")
    elif isinstance(data, list) and isinstance(node.get("items"), dict):
        for value in data:
            yield from keys_of(node["items"], value, f"{path}/*")


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    return SCHEMA["$defs"][name] if name else node


def test_every_key_of_a_report_is_in_the_schema_and_always_there() -> None:
    """The schema says what is written and no more: an object that may lack a key says so."""
    for path in EXAMPLES[:3]:
        finding = report_of(path)["findings"][0]
        assert set(finding) == set(SCHEMA["$defs"]["finding"]["required"])
        assert set(report_of(path)) == set(SCHEMA["required"])


def test_a_key_that_is_not_known_is_refused() -> None:
    report = {**json.loads(STORED.read_text("utf-8")), "colour": "red"}
    assert any("colour" in line for line in complaints(report))
