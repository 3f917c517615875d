"""The functions that an expression may call: kinds, units, meaning, examples.

The documentation and its tests are written from this table, so what it says is what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobplan.model import Kind

Argument = Literal["number", "truth", "text", "date", "fact", "words", "rule", "whole"]
"""`fact` is the bare name of a fact; `words`, `rule` are quoted texts known when the policy is read."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its arguments, what it gives, and examples as (expression, result).

    In examples `date_of('…')` stands for a fact with that day. `shown` has examples that depend on
    what is given: (what is given, expression, result). `unit` says which unit the result has: `same`
    as the arguments, or `` for none. The last argument may repeat where `repeats` is set.
    """

    name: str
    takes: tuple[Argument, ...]
    gives: Kind
    means: str
    examples: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    repeats: bool = False
    shown: tuple[tuple[str, str, str], ...] = ()

    @property
    def usage(self) -> str:
        """Return the name with the kinds of its arguments, such as add_days(date, number)."""
        return f"{self.name}({', '.join(self.takes)}{', …' if self.repeats else ''})"


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function(
            "abs", ("number",), "number", "the size of x, without its sign", (("abs(-2.5)", "2.5"),), "same"
        ),
        Function(
            "floor",
            ("number",),
            "number",
            "the greatest whole number not above x",
            (("floor(1.5)", "1"), ("floor(-1.5)", "-2")),
            "same",
        ),
        Function(
            "ceil", ("number",), "number", "the least whole number not below x", (("ceil(1.2)", "2"),), "same"
        ),
        Function(
            "least",
            ("number",),
            "number",
            "the least number, or the earliest day; unknown if one is unknown",
            (
                ("least(3, 1, 2)", "1"),
                ("least(date_of('2024-03-01'), date_of('2024-02-01'))", "2024-02-01"),
                ("least(3, 1 / 0.5, 2 / (1 - 1))", "unknown"),
            ),
            "same",
            True,
        ),
        Function(
            "greatest",
            ("number",),
            "number",
            "the greatest number, or the latest day; unknown if one is unknown",
            (
                ("greatest(3, 1, 2)", "3"),
                ("greatest(date_of('2024-03-01'), date_of('2024-02-01'))", "2024-03-01"),
            ),
            "same",
            True,
        ),
        Function(
            "gcd",
            ("number", "number"),
            "number",
            "the greatest whole number that divides both; unknown if one is not whole",
            (("gcd(4, 6)", "2"), ("gcd(6.5, 2)", "unknown")),
        ),
        Function(
            "wrap",
            ("number", "number"),
            "number",
            "x - n * floor(x / n): where x lies on a circle of length n; unknown if n is 0",
            (("wrap(-30, 1440)", "1410"), ("wrap(1500, 1440)", "60"), ("wrap(30, 0)", "unknown")),
            "same",
        ),
        Function(
            "add_days",
            ("date", "number"),
            "date",
            "the day so many days later; a part of a day is dropped",
            (
                ("add_days(date_of('2024-02-28'), 2)", "2024-03-01"),
                ("add_days(date_of('2024-03-01'), -1)", "2024-02-29"),
                ("add_days(date_of('2024-03-01'), 1.5)", "2024-03-02"),
            ),
        ),
        Function(
            "add_months",
            ("date", "number"),
            "date",
            "the same day of the month so many calendar months later; in a shorter month its last day; "
            "a part of a month is dropped",
            (
                ("add_months(date_of('2024-03-15'), 1)", "2024-04-15"),
                ("add_months(date_of('2024-03-15'), -3)", "2023-12-15"),
                ("add_months(date_of('2024-01-31'), 1)", "2024-02-29"),
                ("add_months(date_of('2023-01-31'), 1)", "2023-02-28"),
                ("add_months(date_of('2023-08-31'), 6)", "2024-02-29"),
                ("add_months(date_of('2024-02-29'), 12)", "2025-02-28"),
                ("add_months(date_of('2024-02-29'), 1)", "2024-03-29"),
                ("add_months(date_of('2024-03-31'), -1)", "2024-02-29"),
                ("add_months(date_of('2024-01-31'), 2)", "2024-03-31"),
                ("add_months(add_months(date_of('2024-01-31'), 1), 1)", "2024-03-29"),
                ("add_months(date_of('2024-01-15'), 1.5)", "2024-02-15"),
            ),
        ),
        Function(
            "starts_with",
            ("text", "text"),
            "truth",
            "whether the first text begins with the second",
            (
                ("starts_with('evening list', 'evening')", "true"),
                ("starts_with('evening list', 'Evening')", "false"),
            ),
        ),
        Function(
            "recorded",
            ("fact",),
            "truth",
            "true if the fact is there, false if the source left it blank, unknown if the source cannot "
            "carry it or it is unreadable; only in `requires`, beneath `and` and `or`",
            shown=(
                ("signed_on: 2024-02-01", "recorded(signed_on)", "true"),
                ("signed_on: none", "recorded(signed_on)", "false"),
                ("no signed_on", "recorded(signed_on)", "false"),
                ("no signed_on, from a source without it", "recorded(signed_on)", "unknown"),
                ("signed_on, unreadable", "recorded(signed_on)", "unknown"),
                ("signed_on: 2024-02-01 or 2024-03-01", "recorded(signed_on)", "true"),
            ),
        ),
        Function(
            "none",
            ("fact",),
            "truth",
            "true if the plan states that there is none, false if there is a value, unknown if it says "
            "nothing",
            shown=(
                ("signed_on: 2024-02-01", "none(signed_on)", "false"),
                ("signed_on: none", "none(signed_on)", "true"),
                ("no signed_on", "none(signed_on)", "unknown"),
                ("no signed_on, from a source without it", "none(signed_on)", "unknown"),
                ("signed_on, unreadable", "none(signed_on)", "unknown"),
                ("signed_on: 2024-02-01 or 2024-03-01", "none(signed_on)", "unknown"),
            ),
        ),
        Function(
            "silent",
            ("words",),
            "unknown",
            "unknown, because the policy gives no answer; the words say what must be agreed",
            shown=(
                ("signed_on: 2024-02-01", "none(signed_on) and silent('who signs')", "false"),
                ("signed_on: none", "none(signed_on) and silent('who signs')", "unknown"),
            ),
        ),
        Function(
            "verdict",
            ("rule",),
            "text",
            "the verdict of another rule: 'satisfied', 'violated' or 'not_applicable'; unknown if that is",
            shown=(
                ("signed_on: 2024-02-01", "verdict('is-signed') = 'satisfied'", "true"),
                ("signed_on: none", "verdict('is-signed') = 'violated'", "true"),
                ("no signed_on", "verdict('is-signed') = 'violated'", "unknown"),
            ),
        ),
        Function(
            "attested",
            ("words",),
            "truth",
            "what the newest attestation valid today says; unknown without one",
            shown=(
                ("attested that it holds", "attested('all-read-it')", "true"),
                ("attested that it does not hold", "attested('all-read-it')", "false"),
                ("attested, and ended before today", "attested('all-read-it')", "unknown"),
                ("no attestation", "attested('all-read-it')", "unknown"),
            ),
        ),
    )
}
