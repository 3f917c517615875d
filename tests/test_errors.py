import pickle

import pytest

from jobplan.errors import (
    BrokenInput,
    BrokenPlan,
    BrokenPolicy,
    JobplanError,
    Problem,
    Span,
    render_problems,
    suggest,
)

TEXT = "rules:\n  - id: opening-width\n    requires: widht_mm >= minimum_mm\n"


def test_a_problem_is_shown_with_its_line_carets_and_the_way_out() -> None:
    problem = Problem(
        "unknown-field",
        "no field `widht_mm` on `opening`",
        Span("a.yaml", 3, 15, 8),
        "did you mean `width_mm`?",
    )
    assert problem.render(TEXT) == (
        "a.yaml:3:15: error[unknown-field]: no field `widht_mm` on `opening`\n"
        "    3 |     requires: widht_mm >= minimum_mm\n"
        "      |               ^^^^^^^^\n"
        "  help: did you mean `width_mm`?"
    )


def test_without_the_text_there_is_no_excerpt_and_without_a_place_no_place() -> None:
    assert Problem("late", "too late", Span("a.yaml", 3, 15)).render() == "a.yaml:3:15: error[late]: too late"
    assert Problem("late", "too late").render(TEXT) == "error[late]: too late"


def test_a_conflict_shows_both_places_each_in_its_own_file() -> None:
    problem = Problem(
        "twice", "given twice", Span("a.yaml", 2, 5, 2), None, (("first given here", Span("b.yaml", 1, 1)),)
    )
    assert render_problems([problem], {"a.yaml": TEXT, "b.yaml": "id: x"}) == (
        "a.yaml:2:5: error[twice]: given twice\n"
        "    2 |   - id: opening-width\n"
        "      |     ^^\n"
        "  first given here: b.yaml:1:1\n"
        "    1 | id: x\n"
        "      | ^"
    )


def test_problems_are_sorted_by_place_and_each_is_said_once() -> None:
    second, first, nowhere = (
        Problem("b", "b", Span("a", 10, 1)),
        Problem("a", "a", Span("a", 9, 7)),
        Problem("c", "c"),
    )
    error = JobplanError([nowhere, second, first, second])
    assert error.problems == (first, second, nowhere)
    assert str(error) == "a:9:7: error[a]: a\na:10:1: error[b]: b\nerror[c]: c"


def test_a_long_line_is_cut_around_the_place_and_carets_stay_below_it() -> None:
    text = "x" * 300 + "HERE" + "y" * 300
    excerpt, carets = Problem("a", "b", Span("a", 1, 301, 4)).render(text).split("\n")[1:]
    assert len(excerpt) < 130
    assert excerpt[carets.index("^") : carets.rindex("^") + 1] == "HERE"


def test_an_excerpt_cannot_move_the_terminal_and_a_tab_keeps_the_carets_in_place() -> None:
    problem = Problem("a", "found `\x1b[2J`", Span("a\x1b", 1, 2))
    assert problem.render("\tx\x1b[31m") == ("a�:1:2: error[a]: found `�[2J`\n    1 |  x�[31m\n      |  ^")


@pytest.mark.parametrize("kind", [BrokenInput, BrokenPolicy, BrokenPlan])
def test_an_error_survives_the_way_to_another_process(kind: type[JobplanError]) -> None:
    error = pickle.loads(pickle.dumps(kind([Problem("a", "b", Span("f", 1, 1))], {"f": "text"})))
    assert type(error) is kind
    assert str(error) == "f:1:1: error[a]: b\n    1 | text\n      | ^"


@pytest.mark.parametrize(
    ("word", "options", "expected"),
    [
        ("widht_mm", ["width_mm", "height_mm"], "did you mean `width_mm`?"),
        ("WIDTH", ["Width"], "did you mean `Width`?"),
        ("depth", ["colour", "finish"], None),
        ("x", [], None),
        ("w" * 100_000, ["w" * 100_000], None),
    ],
)
def test_the_likeliest_word_is_suggested_or_none(word: str, options: list[str], expected: str | None) -> None:
    assert suggest(word, options) == expected
