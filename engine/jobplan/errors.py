"""What is wrong with a file, said to its author: place, excerpt, the way out."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Extent = tuple[int, int]  # offsets of the first character and of the one after the last

# What editors count as the end of a line; YAML 1.1 knows three more, which editors do not show.
LINE_BREAK = re.compile(r"\r\n|\n|\r")

_EXCERPT_WIDTH = 110  # characters of a line that are shown; the rest of a longer one is cut off
_FEW = 8  # lines that are looked for one by one
_EARLY = 1000  # a line that is found by walking to it
_MOST_GUESSES = 5000  # options among which one is guessed
_LONGEST_GUESS = 80  # difflib takes time that grows with the square of the length


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where text stands in a file. Line and column count from 1, in characters."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Lines:
    """The lines of a text, to turn offsets into lines and columns.

    The first few are looked for, the others looked up: a long text has many lines and often one problem.
    """

    __slots__ = ("_asked", "_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] = []
        self._asked = _FEW if "\r" in text else 0

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its line break; empty where there is none."""
        if self._is_new() and 0 < number < _EARLY:
            first = 0
            for _ in range(number - 1):
                first = self.text.find("\n", first) + 1
                if not first:
                    return ""
            until = self.text.find("\n", first)
            return self.text[first:] if until < 0 else self.text[first:until]
        starts = self._all()
        if not 0 < number <= len(starts):
            return ""
        until = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : until].rstrip("\r\n")

    def span(self, file: str, extent: Extent) -> Span:
        """Return the part of `extent` that stands on its first line, at least one character."""
        first, until = extent
        if self._is_new():
            number, line_start = self.text.count("\n", 0, first) + 1, self.text.rfind("\n", 0, first) + 1
            line_end = self.text.find("\n", line_start)
            line = self.text[line_start:] if line_end < 0 else self.text[line_start:line_end]
        else:
            number = bisect_right(self._all(), first)
            line_start, line = self._starts[number - 1], self.line(number)
        shown = line[first - line_start : until - line_start].rstrip()
        return Span(file, number, first - line_start + 1, max(1, len(shown)))

    def _is_new(self) -> bool:
        """Tell whether the lines are not counted yet and few of them were asked for."""
        self._asked += 1
        return not self._starts and self._asked <= _FEW

    def _all(self) -> list[int]:
        if not self._starts:
            self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]
        return self._starts


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable kebab-case code, a sentence, its place, the way out.

    `related` are further places with a few words each, such as where an equal key stands.
    """

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    related: tuple[tuple[str, Span], ...] = ()

    def render(self, text: str | None = None) -> str:
        """Return the problem as text, with an excerpt if `text`, the content of its file, is given."""
        known = {self.span.file: Lines(text)} if self.span is not None and text is not None else {}
        return "\n".join(_rendered(self, known))


def by_place(problem: Problem) -> tuple[bool, Span, str, str]:
    """Return the key that sorts problems by file and place, those without a place last."""
    span = problem.span
    return (span is None, span or Span("", 0, 0), problem.code, problem.message)


def render_problems(problems: Iterable[Problem], texts: Mapping[str, str] | None = None) -> str:
    """Return all problems as text, sorted by place; `texts` holds the content of files by name."""
    known = {file: Lines(text) for file, text in (texts or {}).items()}
    in_order = sorted(dict.fromkeys(problems), key=by_place)
    return "\n".join("\n".join(_rendered(problem, known)) for problem in in_order)


def closest(word: str, options: Iterable[str]) -> str | None:
    """Return the option most like `word`, or None if none is."""
    from difflib import get_close_matches  # here, since a run without errors does not need it

    by_lower_case = {option.lower(): option for option in sorted(options, reverse=True)}
    if len(word) > _LONGEST_GUESS or len(by_lower_case) > _MOST_GUESSES:
        return None
    close = get_close_matches(word.lower(), sorted(by_lower_case), n=1)
    return by_lower_case[close[0]] if close else None


def suggest(word: str, options: Iterable[str]) -> str | None:
    """Return "did you mean `x`?" for the option most like `word`, or None if none is."""
    found = closest(word, options)
    return None if found is None else f"did you mean `{found}`?"


class JobplanError(Exception):
    """Input that its author has to mend; carries every problem found, sorted by place.

    `texts` holds the content of the files by name, for excerpts.
    """

    def __init__(self, problems: Iterable[Problem], texts: Mapping[str, str] | None = None) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(dict.fromkeys(problems), key=by_place))
        self.texts: Mapping[str, str] = dict(texts or {})
        super().__init__(self.problems, self.texts)

    def __str__(self) -> str:
        return render_problems(self.problems, self.texts)


class BrokenInput(JobplanError):
    """A file that is no YAML or JSON of the kind that is read here."""


class BrokenPolicy(JobplanError):
    """A policy that cannot be used."""


class BrokenPlan(JobplanError):
    """A plan that cannot be read or judged."""


def _rendered(problem: Problem, known: Mapping[str, Lines]) -> Iterator[str]:
    place = f"{problem.span}: " if problem.span is not None else ""
    yield _printable(f"{place}error[{problem.code}]: {problem.message}")
    if problem.span is not None:
        yield from _excerpt(problem.span, known)
    for words, span in problem.related:
        yield _printable(f"  {words}: {span}")
        yield from _excerpt(span, known)
    if problem.help is not None:
        yield _printable(f"  help: {problem.help}")


def _excerpt(span: Span, known: Mapping[str, Lines]) -> Iterator[str]:
    if span.file not in known:
        return
    line = known[span.file].line(span.line)
    first = span.column - 1
    cut = max(0, first - _EXCERPT_WIDTH // 2) if len(line) > _EXCERPT_WIDTH else 0
    shown = line[cut : cut + _EXCERPT_WIDTH]
    carets = max(1, min(span.length, len(shown) - (first - cut)))
    before, after = ("…" if cut else ""), ("…" if cut + len(shown) < len(line) else "")
    yield f"{span.line:>5} | {_printable(f'{before}{shown}{after}')}".rstrip()
    yield f"{'':>{max(5, len(str(span.line)))}} | {' ' * (first - cut + len(before))}{'^' * carets}"


def _printable(text: str) -> str:
    """Return `text` with tabs as one space, so that carets fit, and nothing that moves a terminal."""
    if text.isprintable():
        return text
    spaced = text.replace("\t", " ")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in spaced)
