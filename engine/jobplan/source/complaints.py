"""How much a file may hold, and the collecting of what is wrong with it."""

from jobplan.errors import Extent, Lines, Problem, Span

SIZE_LIMIT = 4 * 1024 * 1024  # bytes
DEPTH_LIMIT = 64  # lists and mappings inside each other
VALUE_LIMIT = 300_000  # keys, values and brackets; 4 MiB of ordinary text have fewer
NUMBER_LIMIT = 1e12  # beyond it doubles rounded to 9 decimals lose their meaning
PROBLEM_LIMIT = 100  # in one file; more help nobody
_SHOWN_WIDTH = 60  # characters of the author's text in a message

QUOTE_IT = "quote it, or put it on its own line"


class RefusedError(Exception):
    """Reading stops: what is wrong is among the complaints already."""


class Complaints:
    """The problems of one file, found by offset."""

    __slots__ = ("_lines", "file", "problems", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.problems: list[Problem] = []
        self._lines: Lines | None = None

    def span(self, extent: Extent) -> Span:
        """Return the span of an extent."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines.span(self.file, extent)

    def add(self, code: str, message: str, extent: Extent, help_text: str | None = None) -> None:
        """Note a problem. Raises RefusedError when there are enough."""
        self._note(Problem(code, message, self.span(extent), help_text))

    def stop(self, code: str, message: str, extent: Extent) -> RefusedError:
        """Note the problem that ends reading, and return what to raise."""
        self.problems.append(Problem(code, message, self.span(extent)))
        return RefusedError()

    def equal_keys(self, key: str, extent: Extent, first: Extent | None) -> None:
        """Note a key that stands in the same mapping already."""
        related = (("first given here", self.span(first)),) if first is not None else ()
        self._note(
            Problem("equal-keys", f"the key {quoted(key)} is given twice", self.span(extent), None, related)
        )

    def too_deep(self, extent: Extent) -> RefusedError:
        """Note that the text is nested too deep, and return what to raise."""
        return self.stop("too-deep", f"nested deeper than {DEPTH_LIMIT} levels", extent)

    def too_many(self) -> RefusedError:
        """Note that there are too many values, and return what to raise."""
        return self.stop("too-many-values", f"more than {VALUE_LIMIT} keys and values", (0, 1))

    def number_too_large(self, extent: Extent) -> None:
        """Note a number that is out of range."""
        self.add("number-too-large", "expected a number within ±1e12", extent, "quote it if it is text")

    def _note(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= PROBLEM_LIMIT:
            raise RefusedError


def quoted(words: str) -> str:
    """Return the author's words in backticks, cut if long."""
    return f"`{words}`" if len(words) <= _SHOWN_WIDTH else f"`{words[:_SHOWN_WIDTH]}…`"
