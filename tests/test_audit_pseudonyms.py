"""Pseudonyms: no identity is left anywhere, one key gives one name, and packs can still be compared."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import packs
import pyarrow.parquet as pq
import pytest
import tiny

from jobplan import BrokenInput, JobplanError, Policies
from jobplan.auditing import compare, verify
from jobplan.auditing.pseudonyms import Pseudonyms, identities, key_from
from jobplan.facts import load_schema

KEY = b"a key of thirty-two bytes in all"
NUMBER = 12


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return tiny.policies(tmp_path_factory.mktemp("terms"), packs.TOPIC)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = packs.write_plans(tmp_path_factory.mktemp("data") / "plans", NUMBER)
    slip = {**next(packs.plans(1)), "id": "plan-099", "status": "Dr Whitworth-777"}
    tiny.write(folder / "whitworth.json", slip)
    return folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, data: Path, terms: Policies) -> Path:
    out = tmp_path_factory.mktemp("packs") / "pack"
    packs.made(data, out, terms, pseudonym_key=KEY)
    return out


def texts_of(path: Path) -> str:
    """Return all that a file of a pack says."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist()) + str(pq.read_metadata(path).to_dict())
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as file:
            return "".join(file.read(name).decode("utf-8", "replace") for name in file.namelist())
    return path.read_text("utf-8")


def test_no_file_names_anybody(pack: Path) -> None:
    for path in pack.rglob("*"):
        if path.is_file():
            said = texts_of(path).lower()
            assert "whitworth" not in said, path
            assert "plan-0" not in said, path
            assert KEY.decode() not in said, path


def test_messages_have_the_pseudonym(pack: Path, terms: Policies) -> None:
    names = Pseudonyms(KEY)
    plans = {names.of(plan["id"]): names.of(plan["doctor"]) for plan in packs.plans(NUMBER)}
    found = [
        row
        for row in packs.rows(pack, "findings")
        if row["rule"] == "all-short" and row["verdict"] == "violated"
    ]
    assert found
    for row in found:
        assert row["message"].startswith(plans[row["plan"]])
    assert {row["doctor"] for row in packs.rows(pack, "plans")} == set(plans.values())


def test_verdicts_are_those_without_pseudonyms(
    pack: Path, data: Path, terms: Policies, tmp_path: Path
) -> None:
    packs.made(data, tmp_path / "open", terms)
    names = Pseudonyms(KEY)
    name = f"verdicts/{packs.NAME}"
    known = [{**row, "plan": names.of(row["plan"])} for row in packs.rows(tmp_path / "open", name)]
    assert packs.rows(pack, name) == known


def test_places_keep_their_lines(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    packs.made(data, tmp_path / "open", terms)
    mine, other = (packs.rows(folder, "findings") for folder in (pack, tmp_path / "open"))
    ends = [(row["place"] or "").partition(".json")[2] for row in mine]
    assert ends == [(row["place"] or "").partition(".json")[2] for row in other]
    assert any(ends)


def test_what_was_set_aside_quotes_nothing_but_the_words_of_the_schema(pack: Path) -> None:
    aside = packs.rows(pack, "set_aside")
    assert {row["code"] for row in aside} >= {"unknown-choice", "unknown-field", "no-policy"}
    typo = next(row for row in aside if row["code"] == "unknown-field")
    assert "`…`" in typo["reason"]
    assert "`contracted_units`" in typo["help"]


def test_one_key_gives_one_pack_and_another_key_another(
    pack: Path, data: Path, terms: Policies, tmp_path: Path
) -> None:
    assert verify(pack, terms, data=[str(data)], pseudonym_key=KEY).is_same
    packs.made(data, tmp_path / "other", terms, pseudonym_key=KEY[::-1])
    with pytest.raises(BrokenInput, match="same pseudonyms"), compare(pack, tmp_path / "other"):
        pass
    with pytest.raises(BrokenInput, match="another key"):
        verify(pack, terms, data=[str(data)], pseudonym_key=KEY[::-1])
    with pytest.raises(BrokenInput, match="has pseudonyms"):
        verify(pack, terms, data=[str(data)])


def test_packs_of_one_key_are_compared(pack: Path, data: Path, terms: Policies, tmp_path: Path) -> None:
    packs.made(data, tmp_path / "later", terms, pseudonym_key=KEY, as_of="2024-12-01")
    with compare(pack, tmp_path / "later") as found:
        assert found.plans["same"] == NUMBER
        assert found.count


def test_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert key_from(tmp_path / "key") == KEY
    assert key_from(None, {"JOBPLAN_PSEUDONYM_KEY": KEY.decode()}) == KEY
    with pytest.raises(JobplanError, match="JOBPLAN_PSEUDONYM_KEY"):
        key_from(None, {})
    with pytest.raises(JobplanError, match="no file"):
        key_from(tmp_path / "none")
    with pytest.raises(JobplanError, match="at least 16"):
        Pseudonyms(b"short")


@pytest.mark.parametrize(
    ("place", "rest"),
    [
        ("Dr A.yaml:17:3", ".yaml:17:3"),
        ("C:/x/Dr A.yaml:17:3", ".yaml:17:3"),
        ("Dr A.xlsx!activity:12", ".xlsx!activity:12"),
        ("plans.jsonl:4", ".jsonl:4"),
        ("Dr A.yaml", ".yaml"),
    ],
)
def test_place_keeps_all_but_the_name_of_the_file(place: str, rest: str) -> None:
    masked = Pseudonyms(KEY).place(place)
    assert masked.endswith(rest)
    assert "Dr A" not in masked
    assert len(masked) == 22 + len(rest)


def test_schema_says_what_tells_who_somebody_is() -> None:
    found = identities(load_schema())
    assert "doctor" in found["plan"]
    assert found["job_share"] == ("partner",)


def test_command_of_a_pack_with_pseudonyms_runs(pack: Path) -> None:
    found = json.loads((pack / "manifest.json").read_text("utf-8"))
    assert "--pseudonymise KEYFILE" in found["command"]
    assert found["data"] == []
