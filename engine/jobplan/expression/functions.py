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

    `unit` says which unit the result has: `same` as the arguments, or `` for none. The last
    argument may repeat where `repeats` is set.
    """

    name: str
    takes: tuple[Argument, ...]
    gives: Kind
    means: str
    examples: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    repeats: bool = False

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
            (("floor(-1.5)", "-2"),),
            "same",
        ),
        Function(
            "ceil", ("number",), "number", "the least whole number not below x", (("ceil(1.2)", "2"),), "same"
        ),
        Function(
            "least",
            ("number",),
            "number",
            "the least argument; unknown if one is unknown",
            (("least(3, 1, 2)", "1"),),
            "same",
            True,
        ),
        Function(
            "greatest",
            ("number",),
            "number",
            "the greatest argument; unknown if one is unknown",
            (("greatest(3, 1, 2)", "3"),),
            "same",
            True,
        ),
        Function(
            "gcd",
            ("number", "number"),
            "number",
            "the greatest whole number that divides both",
            (("gcd(4, 6)", "2"),),
        ),
        Function(
            "wrap",
            ("number", "number"),
            "number",
            "x - n * floor(x / n): where x lies on a circle of length n",
            (("wrap(-30, 1440)", "1410"), ("wrap(1500, 1440)", "60")),
            "same",
        ),
        Function(
            "add_days",
            ("date", "number"),
            "date",
            "the day so many days later",
            (("add_days(date_of('2024-02-28'), 2)", "2024-03-01"),),
        ),
        Function(
            "add_months",
            ("date", "number"),
            "date",
            "the same day of the month so many calendar months later; in a shorter month its last day",
            (
                ("add_months(date_of('2024-01-31'), 1)", "2024-02-29"),
                ("add_months(date_of('2023-08-31'), 6)", "2024-02-29"),
                ("add_months(date_of('2024-03-15'), -3)", "2023-12-15"),
            ),
        ),
        Function(
            "starts_with",
            ("text", "text"),
            "truth",
            "whether the first text begins with the second",
            (("starts_with('evening list', 'evening')", "true"),),
        ),
        Function(
            "recorded",
            ("fact",),
            "truth",
            "true if the fact is there, false if the source left it blank, unknown if the source cannot "
            "carry it or it is unreadable; only in `requires`, beneath `and` and `or`",
        ),
        Function(
            "none",
            ("fact",),
            "truth",
            "true if the plan states that there is none, false if there is a value, unknown if it says "
            "nothing",
        ),
        Function(
            "silent",
            ("words",),
            "unknown",
            "unknown, because the policy gives no answer; the words say what must be agreed",
        ),
        Function(
            "verdict",
            ("rule",),
            "text",
            "the verdict of another rule: 'satisfied', 'violated' or 'not_applicable'; unknown if that is",
        ),
        Function(
            "attested",
            ("words",),
            "truth",
            "what the newest attestation valid today says; unknown without one",
        ),
    )
}
