"""The places of all values in a text, kept small and turned into spans when asked for."""

from collections.abc import Callable, Iterator, Mapping

from jobplan.errors import Extent, Lines, Span

Route = tuple[str | int, ...]
Inside = dict[str | int, tuple[Extent | None, "Place"]]


class Branch:
    """The extent of a list or mapping and the places inside it.

    `inside` holds, by index or key, the extent of the key (None in a list) and the place of the value.
    """

    __slots__ = ("extent", "inside")

    def __init__(self, extent: Extent, inside: Inside) -> None:
        self.extent = extent
        self.inside = inside


Place = Extent | Branch


def extent_of(place: Place) -> Extent:
    """Return the offsets of a value."""
    return place.extent if isinstance(place, Branch) else place


class Locator:
    """Finds the extents in one text, scanning it for places only when the first one is asked for."""

    __slots__ = ("_lines", "_root", "_scan", "file", "text")

    def __init__(
        self, file: str, text: str, *, root: Place = (0, 0), scan: Callable[[str], Place] | None = None
    ) -> None:
        self.file = file
        self.text = text
        self._scan = scan
        self._root = root
        self._lines: Lines | None = None

    def span(self, extent: Extent) -> Span:
        """Return the span of an extent."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines.span(self.file, extent)

    def root(self) -> Place:
        """Return the place of the whole value, with all places inside it."""
        if self._scan is not None:
            self._root, self._scan = self._scan(self.text), None
        return self._root

    def find(self, route: Route) -> tuple[Extent | None, Place]:
        """Return the key's extent, if a key leads there, and the value's place. Raises KeyError."""
        key: Extent | None = None
        place = self.root()
        for step in route:
            if not isinstance(place, Branch):
                raise KeyError(route)
            key, place = place.inside[step]
        return key, place

    def walk(self) -> Iterator[tuple[Route, Extent | None, Place]]:
        """Yield every route with its key's extent and its value's place, in the order of the text."""
        stack: list[tuple[Route, Extent | None, Place]] = [((), None, self.root())]
        while stack:
            route, key, place = stack.pop()
            yield route, key, place
            if isinstance(place, Branch):
                stack.extend(((*route, step), *inside) for step, inside in [*place.inside.items()][::-1])


class ValueSpans(Mapping[Route, Span]):
    """The span of each value by its route, worked out when asked for."""

    __slots__ = ("locator",)

    def __init__(self, locator: Locator) -> None:
        self.locator = locator

    def __getitem__(self, route: Route) -> Span:
        return self.locator.span(extent_of(self.locator.find(route)[1]))

    def __iter__(self) -> Iterator[Route]:
        return (route for route, _, _ in self.locator.walk())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class KeySpans(Mapping[Route, Span]):
    """The span of the key that leads to each value, worked out when asked for."""

    __slots__ = ("locator",)

    def __init__(self, locator: Locator) -> None:
        self.locator = locator

    def __getitem__(self, route: Route) -> Span:
        key, _ = self.locator.find(route)
        if key is None:
            raise KeyError(route)
        return self.locator.span(key)

    def __iter__(self) -> Iterator[Route]:
        return (route for route, key, _ in self.locator.walk() if key is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
