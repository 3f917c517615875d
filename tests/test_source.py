import io
import json
import pickle
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jobplan.errors import BrokenInput
from jobplan.source import Document, Route, Span, expression_span, read_document

MIB = 1024 * 1024
QUOTE_IT = "quote it, or put it on its own line"


def codes(file: str, text: str | bytes) -> list[str]:
    with pytest.raises(BrokenInput) as caught:
        read_document(file, text)
    return [problem.code for problem in caught.value.problems]


def said(file: str, text: str | bytes) -> str:
    with pytest.raises(BrokenInput) as caught:
        read_document(file, text)
    return str(caught.value)


# What YAML values are read as


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[
            (text, text)
            for text in ("17:00", "1:14", "010", "1_000", ".5", "1.", "+1", "0x1F", "0o7", "0b1", "1e", "--1")
        ],
        *[
            (text, text)
            for text in (".inf", "-.inf", ".nan", "NaN", "Infinity", "1,000", "١", "1 2", "1:30:00")
        ],
        *[
            (text, text)
            for text in ("yes", "no", "on", "off", "y", "True", "TRUE", "False", "Null", "NULL", "none")
        ],
        *[
            (text, text)
            for text in ("2003-10-31", "2003-10-31 10:00:00", "=", "a: b".replace(": ", ":"), "it's")
        ],
        *[(f'"{text}"', text) for text in ("1", "true", "null", "~", "", "<<", "&a", "*a", "!a")],
        *[(f"'{text}'", text) for text in ("1", "false", "null", "~", "")],
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-0", 0),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("-2.5e+1", -25.0),
        ("1e12", 1e12),
        ("-1000000000000", -1000000000000),
        ("[]", []),
        ("{}", {}),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
        ("{from: 2003-10-31, at: 09:00}", {"from": "2003-10-31", "at": "09:00"}),
        ("[9, ~]", [9, None]),
        ("{a: , b: ~}", {"a": None, "b": None}),
        ("|\n  b > 1\n  and c\n", "b > 1\nand c\n"),
        (">-\n  b\n  c", "b c"),
        ("b\n  c", "b c"),
    ],
)
def test_a_yaml_value_is_what_json_would_call_it_and_text_otherwise(written: str, value: object) -> None:
    read = read_document("a.yaml", f"a: {written}").data["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- ~\n", "---\n...\n"])
def test_a_file_that_says_nothing_is_none(text: str) -> None:
    document = read_document("a.yaml", text)
    assert document.data is None
    assert document.at(()).file == "a.yaml"


def test_a_version_line_a_document_start_and_an_end_are_allowed() -> None:
    assert read_document("a.yaml", "%YAML 1.2\n---\na: 1\n...\n").data == {"a": 1}


def test_windows_line_ends_and_a_byte_order_mark_change_neither_data_nor_places() -> None:
    document = read_document("a.yaml", b"\xef\xbb\xbfa: 1\r\nb:\r\n  - c\r\n")
    assert document.data == {"a": 1, "b": ["c"]}
    assert document.at(("a",)) == Span("a.yaml", 1, 4)
    assert document.at(("b", 0)) == Span("a.yaml", 3, 5)


# What is refused in YAML, and what is said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1", ["anchor"]),
        ("a: &x {b: 1}", ["anchor"]),
        ("a: *x", ["alias"]),
        ("*x : 1", ["alias"]),
        ("a: &x 1\nb: *x\nc: !!str d", ["anchor", "alias", "tag"]),
        ("a: !!python/object/apply:os.system [echo]", ["tag"]),
        ("a: ! 1", ["tag"]),
        ("!!map {a: 1}", ["tag"]),
        ("a: !e!tag 1", ["tag"]),
        ("%TAG !e! tag:x,2000:\n---\na: !e!b 1", ["tag"]),
        ("a: {b: 1}\n<<: {c: 1}", ["merge-key"]),
        ("a: 1\nb: 2\na: 3\n'a': 4", ["equal-keys", "equal-keys"]),
        ("{a: 1, a: 2}", ["equal-keys"]),
        ("1: a", ["key-not-text"]),
        ("1.5: a\ntrue: b\nnull: c\n~: d\n? \n: e", ["key-not-text"] * 5),
        ("? [a]\n: b", ["key-not-text"]),
        ("{a: b}: c", ["key-not-text"]),
        ("a: 1000000000001", ["number-too-large"]),
        ("a: [1e13, -1e13, 1e999]", ["number-too-large"] * 3),
        ("a: 1\n---\nb: 2", ["several-documents"]),
        ("a: 1\n---\n---\n", ["several-documents"]),
        ("a: {text: here, and here}", ["key-without-value"]),
        ("a: [b: c]", ["pair-in-list"]),
        ("a: \x07", ["control-character"]),
        ("a: \x7f", ["control-character"]),
        ("a: {b: 1, b: 2}\nc: [", ["equal-keys", "yaml-syntax"]),
    ],
)
def test_what_is_no_plain_data_is_refused_and_all_of_it_named(text: str, expected: list[str]) -> None:
    assert codes("a.yaml", text) == expected


def test_equal_keys_show_both_places() -> None:
    assert said("a.yaml", "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n") == (
        "a.yaml:5:3: error[equal-keys]: the key `c` is given twice\n"
        "    5 |   c: 3\n"
        "      |   ^\n"
        "  first given here: a.yaml:3:3\n"
        "    3 |   c: 1\n"
        "      |   ^"
    )


def test_a_comma_in_unquoted_text_between_braces_is_explained() -> None:
    assert said("a.yaml", "a: {text: here, and here}") == (
        "a.yaml:1:17: error[key-without-value]: expected `:` after the key `and here`\n"
        "    1 | a: {text: here, and here}\n"
        "      |                 ^^^^^^^^\n"
        f"  help: {QUOTE_IT}"
    )


@pytest.mark.parametrize(
    ("text", "place", "message", "way_out"),
    [
        ("a: {b: c: d}", "1:9", "expected `,` or `}` in a mapping in braces", QUOTE_IT),
        ('a: {b: "x" y}', "1:12", "expected `,` or `}` in a mapping in braces", QUOTE_IT),
        ("a: {b: 'it's so'}", "1:12", "expected `,` or `}` in a mapping in braces", QUOTE_IT),
        ("a: [b, 'c' d]", "1:12", "expected `,` or `]` in a list in brackets", QUOTE_IT),
        ("a: {b: 1\n", "2:1", "expected `}`, found the end of the file", "close it with `}`"),
        ("a: [b\n", "2:1", "expected `]`, found the end of the file", "close it with `]`"),
        (
            "a: b: c",
            "1:5",
            "expected text or the end of the line, found `:`",
            f"{QUOTE_IT}; or check the indentation",
        ),
        ("a: 'it's ok'", "1:8", "expected the end of the line", QUOTE_IT),
        ("a: {b: 1} is", "1:11", "expected the end of the line", QUOTE_IT),
        ("a: @b", "1:4", "unquoted text cannot begin with `@`", QUOTE_IT),
        ("a: `b`", "1:4", "unquoted text cannot begin with a backtick", QUOTE_IT),
        ("a:\n\tb: 1", "2:1", "expected spaces, found a tab", "indent with spaces"),
        ("a: 1\nb", "2:1", "expected `:` after this key", "quote the whole text, or check the indentation"),
        ("b: 1\na: 'open\n", "2:4", "the quote that begins here is never closed", "close it"),
        (r'a: "\q"', "1:5", "an unknown escape", "use single quotes, or double the backslash"),
    ],
)
def test_broken_syntax_names_its_place_and_the_way_out(
    text: str, place: str, message: str, way_out: str
) -> None:
    rendered = said("a.yaml", text)
    assert rendered.startswith(f"a.yaml:{place}: error[yaml-syntax]: {message}\n")
    assert rendered.endswith(f"\n  help: {way_out}")


# JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ('{\t"a"\t:\t[1,\t2]\n}', {"a": [1, 2]}),
        (r'"\u00e9\ud83d\ude00\/\n\u0000"', "é😀/\n\0"),
        ('"\x7f\x85\u2028\ufeff"', "\x7f\x85\u2028\ufeff"),
        ('{"' + "k" * 2000 + '" : 1}', {"k" * 2000: 1}),
        ('{"a"\n:\n1}', {"a": 1}),
        ('{"<<": {"b": 1}, "": "&a"}', {"<<": {"b": 1}, "": "&a"}),
        ("[1.0, 1e2, -0, 1E-400, 1000000000000]", [1.0, 100.0, 0, 0.0, 1000000000000]),
        (" null ", None),
        ("\ufefftrue", True),
        ("[" * 64 + "]" * 64, None),
        ("[" * 64 + "1" + "]" * 64, None),
    ],
)
def test_valid_json_is_read_whatever_yaml_thinks_of_it(text: str, value: object) -> None:
    document = read_document("a.json", text)
    assert document.data == json.loads(text.removeprefix("\ufeff"))
    assert value is None or document.data == value
    assert len(document.spans) > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["json-syntax"]),
        ("{'a': 1}", ["json-syntax"]),
        ('{"a": 1,}', ["json-syntax"]),
        ("[1] 2", ["json-syntax"]),
        ("[01]", ["json-syntax"]),
        ('["\t"]', ["json-syntax"]),
        ("a: 1", ["json-syntax"]),
        ('{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', ["equal-keys", "equal-keys"]),
        ("[NaN, Infinity, -Infinity]", ["not-a-number"] * 3),
        ("[1e13, -1000000000001, 1e999]", ["number-too-large"] * 3),
        (r'["\ud83d", "\ude00\ud83d"]', ["lone-surrogate"] * 2),
        (
            r'{"\ud83d": NaN, "a": 1, "a": 1e13}',
            ["lone-surrogate", "not-a-number", "equal-keys", "number-too-large"],
        ),
    ],
)
def test_what_is_no_json_or_says_a_thing_twice_is_refused(text: str, expected: list[str]) -> None:
    assert codes("a.json", text) == expected


def test_equal_keys_in_json_show_both_places() -> None:
    rendered = said("a.json", '{\n  "a": 1,\n  "\\u0061": 2\n}')
    assert rendered.startswith("a.json:3:3: error[equal-keys]: the key `a` is given twice\n")
    assert "  first given here: a.json:2:3\n" in rendered


# Hostile files; each is made here, big or small


def alias_bomb() -> str:
    names = "abcdefghi"
    lines = [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("z" + names, names, strict=False)
    ]
    return "z: &z [x]\n" + "\n".join(lines)


HOSTILE: dict[str, tuple[str, Callable[[], str | bytes], str]] = {
    "alias bomb": ("a.yaml", alias_bomb, "anchor"),
    "deep list": ("a.yaml", lambda: "[" * 100_000 + "]" * 100_000, "too-deep"),
    "deep list without end": ("a.yaml", lambda: "[" * 100_000, "too-deep"),
    "deep mapping": ("a.yaml", lambda: "{a: " * 100_000 + "}" * 100_000, "too-deep"),
    "deep block list": ("a.yaml", lambda: "- " * 100_000, "too-deep"),
    "deep block mapping": (
        "a.yaml",
        lambda: "\n".join(" " * depth + "a:" for depth in range(1000)),
        "too-deep",
    ),
    "deep keys": ("a.yaml", lambda: "? " * 100_000, "too-deep"),
    "one level too deep": ("a.yaml", lambda: "[" * 65 + "]" * 65, "too-deep"),
    "deep json": ("a.json", lambda: "[" * 100_000 + "]" * 100_000, "too-deep"),
    "deep json mapping": ("a.json", lambda: '{"a":' * 100_000 + "1" + "}" * 100_000, "too-deep"),
    "json one level too deep": ("a.json", lambda: "[" * 65 + "]" * 65, "too-deep"),
    "too large": ("a.yaml", lambda: "a" * (4 * MIB + 1), "too-large"),
    "too large in bytes": ("a.yaml", lambda: "é" * (2 * MIB + 1), "too-large"),
    "too many values": ("a.yaml", lambda: "[" + "a," * 600_000 + "]", "too-many-values"),
    "too many empty values": ("a.yaml", lambda: "-\n" * 600_000, "too-many-values"),
    "too many values in json": ("a.json", lambda: "[" + "1," * 600_000 + "1]", "too-many-values"),
    "too many behind equal keys": (
        "a.json",
        lambda: '{"a":[' + "1," * 400_000 + '1],"a":1}',
        "too-many-values",
    ),
    "equal keys without end": ("a.yaml", lambda: "a: 1\n" * 500_000, "equal-keys"),
    "equal json keys without end": ("a.json", lambda: '{"a":1' + ',"a":1' * 250_000 + "}", "equal-keys"),
    "anchors without end": ("a.yaml", lambda: "- &a b\n" * 500_000, "anchor"),
    "digits without end": ("a.yaml", lambda: "a: " + "9" * MIB, "number-too-large"),
    "json digits without end": ("a.json", lambda: "9" * MIB, "number-too-large"),
    "one quote": ("a.yaml", lambda: "a: '" + "b\n" * MIB, "yaml-syntax"),
    "a key without end": ("a.yaml", lambda: "? " + "a" * MIB + "\n: 1\n? " + "a" * MIB, "equal-keys"),
    "binary": ("a.yaml", lambda: bytes(range(256)), "not-text"),
    "random bytes": ("a.yaml", lambda: random.Random(1).randbytes(100_000), "not-text"),
    "nul": ("a.yaml", lambda: "a: \0", "not-text"),
    "nul in json": ("a.json", lambda: b'{"a": "\0"}', "not-text"),
    "utf-16": ("a.yaml", lambda: "a: 1".encode("utf-16"), "not-utf-8"),
    "utf-16 big end first": ("a.json", lambda: b"\xfe\xff" + "{}".encode("utf-16-be"), "not-utf-8"),
    "utf-16 without a mark": ("a.yaml", lambda: "a: 1".encode("utf-16-le"), "not-text"),
    "latin-1": ("a.yaml", lambda: "a: 1\nb: é".encode("latin-1"), "not-utf-8"),
    "surrogate": ("a.yaml", lambda: "a: \ud800", "not-utf-8"),
    "encoded surrogate": ("a.yaml", lambda: b"a: \xed\xa0\x80", "not-utf-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_clear_word(name: str) -> None:
    file, make, code = HOSTILE[name]
    with pytest.raises(BrokenInput) as caught:
        read_document(file, make())
    assert code in {problem.code for problem in caught.value.problems}
    assert len(caught.value.problems) <= 100
    assert len(str(caught.value)) < 100_000


def test_other_encodings_are_named_with_the_place_of_the_first_byte() -> None:
    assert said("a.yaml", "a: 1\nb: naïf".encode("latin-1")).startswith(
        "a.yaml:2:6: error[not-utf-8]: expected UTF-8, found another encoding\n    2 | b: na�f\n"
    )
    assert said("a.yaml", "a: 1".encode("utf-16")) == (
        "a.yaml:1:1: error[not-utf-8]: expected UTF-8, found UTF-16\n  help: save the file as UTF-8"
    )


def test_depth_and_size_may_be_reached() -> None:
    assert read_document("a.yaml", "[" * 64 + "]" * 64).data
    assert len(read_document("a.yaml", "a" * (4 * MIB)).data) == 4 * MIB


# Files and standard input


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{a: 1}", encoding="utf-8")
    (tmp_path / "b.JSON").write_text('{"a":\t2}', encoding="utf-8")
    assert read_document(str(tmp_path / "a.yaml")).data == {"a": 1}
    assert read_document(str(tmp_path / "b.JSON")).data == {"a": 2}


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrokenInput) as caught:
        read_document(str(tmp_path / name))
    assert [problem.code for problem in caught.value.problems] == ["unreadable-file"]


@pytest.mark.parametrize(
    ("text", "value"), [(' {"a":\t1}', {"a": 1}), ("a: 17:00", {"a": "17:00"}), ("[1]", [1])]
)
def test_standard_input_is_json_if_it_begins_like_it(
    monkeypatch: pytest.MonkeyPatch, text: str, value: object
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert read_document("-").data == value


# Places

PLACED = """\
rules:
  - id: opening-width      # a comment
    in_force: {from: 2021-06-01, "until": ~}
    requires: |
      width_mm >= 850
        and depth_mm > 1
    facts: [A-1,
      A-2]
empty:
"""


@pytest.mark.parametrize(
    ("route", "value", "key"),
    [
        ((), (1, 1, 6), (1, 1, 6)),
        (("rules",), (2, 3, 36), (1, 1, 5)),
        (("rules", 0), (2, 5, 34), (2, 5, 34)),
        (("rules", 0, "id"), (2, 9, 13), (2, 5, 2)),
        (("rules", 0, "in_force"), (3, 15, 30), (3, 5, 8)),
        (("rules", 0, "in_force", "from"), (3, 22, 10), (3, 16, 4)),
        (("rules", 0, "in_force", "until"), (3, 43, 1), (3, 34, 7)),
        (("rules", 0, "requires"), (4, 15, 1), (4, 5, 8)),
        (("rules", 0, "facts"), (7, 12, 5), (7, 5, 5)),
        (("rules", 0, "facts", 1), (8, 7, 3), (8, 7, 3)),
        (("empty",), (9, 7, 1), (9, 1, 5)),
        (("rules", 0, "missing", "deeper"), (2, 5, 34), (2, 5, 34)),
        (("rules", 7), (2, 3, 36), (2, 3, 36)),
        (("rules", 0, "id", "x"), (2, 9, 13), (2, 9, 13)),
    ],
)
def test_values_and_keys_have_places_and_what_is_missing_that_of_what_is_around_it(
    route: Route, value: tuple[int, int, int], key: tuple[int, int, int]
) -> None:
    document = read_document("a.yaml", PLACED)
    assert document.at(route) == Span("a.yaml", *value)
    assert document.key_at(route) == Span("a.yaml", *key)


def test_spans_are_mappings_over_all_routes() -> None:
    document = read_document("a.yaml", "a: [1, {b: c}]")
    assert list(document.spans) == [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b")]
    assert list(document.key_spans) == [("a",), ("a", 1, "b")]
    assert len(document.spans) == 5
    assert ("a", 2) not in document.spans
    assert ("a", 0) not in document.key_spans


def test_a_document_made_by_hand_has_a_place_too() -> None:
    assert Document("a.yaml", {"a": 1}, "", {}, {}).at(("a",)) == Span("a.yaml", 1, 1)


def test_a_document_survives_the_way_to_another_process() -> None:
    for file, text in (("a.yaml", "a: [1]"), ("a.json", '{"a": [1]}')):
        document = read_document(file, text)
        copy = pickle.loads(pickle.dumps(document))
        assert copy.data == document.data
        assert dict(copy.spans) == dict(document.spans)


def test_line_ends_that_only_yaml_knows_do_not_shift_places() -> None:
    document = read_document("a.yaml", 'a: "x\u2028y\x85z"\nb: 1\n')
    assert document.at(("b",)) == Span("a.yaml", 2, 4)


# Places inside expressions


@pytest.mark.parametrize(
    ("written", "word", "line", "column"),
    [
        ("width > 1 and depth > 2", "depth", 1, 18),
        ("'a = ''b'' and depth > 2'", "depth", 1, 19),
        (r'"a = \"b\" \u0061nd depth > 2"', "depth", 1, 24),
        ("|\n    width > 1\n      and depth > 2\n", "depth", 3, 11),
        ("|-\n    width > 1\n\n    and depth > 2", "depth", 4, 9),
        ("|2-\n    width > 1\n   and depth > 2", "depth", 3, 8),
        ("| # why\n  width > 1\n  and depth > 2", "depth", 3, 7),
        ("width > 1\n  and depth > 2", "depth", 2, 7),
        ("'width > 1\n\n  and depth > 2'", "depth", 3, 7),
        ('"width > 1 \\\n  and depth > 2"', "depth", 2, 7),
    ],
)
def test_a_word_of_an_expression_has_its_own_line_and_column(
    written: str, word: str, line: int, column: int
) -> None:
    document = read_document("a.yaml", f"a: {written}")
    offset = document.data["a"].index(word)
    assert expression_span(document, ("a",), offset, len(word)) == Span("a.yaml", line, column, len(word))


def test_an_offset_behind_the_end_points_behind_the_last_character() -> None:
    assert expression_span(read_document("a.yaml", "a: b >"), ("a",), 4) == Span("a.yaml", 1, 7)
    assert expression_span(read_document("a.yaml", "a: |\n  b >\n"), ("a",), 4) == Span("a.yaml", 2, 6)
    assert expression_span(read_document("a.yaml", "a: 'b >'"), ("a",), 99) == Span("a.yaml", 1, 8)


def test_where_there_is_no_text_or_it_is_folded_the_place_is_that_of_the_value() -> None:
    document = read_document("a.yaml", "a: 12\nb: >\n  c d\n  e\n")
    assert expression_span(document, ("a",), 1) == document.at(("a",))
    assert expression_span(document, ("b",), 4) == document.at(("b",))
    assert expression_span(document, ("x", 1), 4) == document.at(())


def test_words_of_json_text_have_places() -> None:
    document = read_document("a.json", r'{"a": "\ud83d\ude00 \u00e9 depth"}')
    assert expression_span(document, ("a",), 4, 5) == Span("a.json", 1, 28, 5)


# Round trips

NUMBERS = st.integers(-(10**12), 10**12) | st.floats(-1e12, 1e12)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
# PyYAML takes `1e3` for text and writes it without quotes; here, as in JSON, it is a number.
# Nor does it read back a line end of YAML's own, such as U+0085, that it wrote between single quotes.
_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029")
YAML_TEXT = st.text(_CHARACTERS).filter(
    lambda text: not text[:1].isdecimal() and text[:1] not in ("-", "+", ".")
)
YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | YAML_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(YAML_TEXT, inner),
    max_leaves=20,
)


class WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@settings(deadline=None, max_examples=300)
@given(value=JSON_VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
def test_any_json_reads_back_equal_and_each_place_holds_its_value(
    value: Any, *, ascii_only: bool, indent: Any
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    document = read_document("a.json", text)
    assert repr(document.data) == repr(value)
    lines = text.split("\n")
    for route, span in document.spans.items():
        inside = value
        for step in route:
            inside = inside[step]
        if indent is None:
            assert json.loads(lines[span.line - 1][span.column - 1 :][: span.length]) == inside
        elif not isinstance(inside, dict | list):
            assert lines[span.line - 1][span.column - 1 :].startswith(
                json.dumps(inside, ensure_ascii=ascii_only)
            )


@settings(deadline=None, max_examples=300)
@given(
    value=YAML_VALUES,
    flow=st.sampled_from([None, True, False]),
    style=st.sampled_from([None, '"', "'"]),
    unicode=st.booleans(),
)
def test_any_yaml_reads_back_equal(
    value: Any, *, flow: bool | None, style: str | None, unicode: bool
) -> None:
    if style is not None:
        value = texts_only(value)
    text = yaml.dump(
        value, Dumper=WithoutAliases, default_flow_style=flow, default_style=style, allow_unicode=unicode
    )
    read = read_document("a.yaml", text).data
    assert read == value
    assert json.dumps(read, sort_keys=True) == json.dumps(value, sort_keys=True)


def texts_only(value: Any) -> Any:
    """Return `value` with each scalar as text: a style of quotes would put a tag before the others."""
    if isinstance(value, dict):
        return {key: texts_only(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [texts_only(inner) for inner in value]
    return str(value)


@settings(deadline=None, max_examples=300)
@given(
    text=st.text(alphabet="ab19'\"\\ \n>é😀#:,", min_size=1, max_size=60),
    style=st.sampled_from([None, "|", "'", '"']),
    width=st.sampled_from([20, 200]),
    unicode=st.booleans(),
)
def test_letters_of_a_text_are_found_where_they_stand(
    text: str, style: str | None, width: int, *, unicode: bool
) -> None:
    value = {"k": {"a": [f"x{text}"]}}
    dumped = yaml.safe_dump(value, default_style=style, width=width, allow_unicode=unicode)
    document = read_document("a.yaml", dumped)
    read = document.data["k"]["a"][0]
    assert read == value["k"]["a"][0]
    lines = dumped.split("\n")
    for offset, letter in enumerate(read):
        if letter in "ab19>":
            span = expression_span(document, ("k", "a", 0), offset)
            assert lines[span.line - 1][span.column - 1] == letter


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab1 :-,[]{}'\"#&*!|>?%@\n\t\\<~", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    for file in ("a.yaml", "a.json"):
        document = read_or_refused(file, text)
        if document is not None:
            assert all(span.line >= 1 and span.column >= 1 for span in document.spans.values())


def read_or_refused(file: str, text: str) -> Document | None:
    try:
        return read_document(file, text)
    except BrokenInput as error:
        if not str(error) or any(problem.span is None for problem in error.problems):
            raise
    return None
