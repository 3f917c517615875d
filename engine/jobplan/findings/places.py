"""Find where the parts of a policy stand, in the texts that it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobplan.source import Document, Route, read_document


@dataclass(slots=True)
class Places:
    """Places in the files of a policy; a file is read again, for its places, when first asked for.

    Files below `folder` are named from there.
    """

    texts: Mapping[str, str]
    folder: str = ""
    documents: dict[str, Document] = field(default_factory=dict)

    def of(self, place: tuple[str, Route]) -> str:
        """Return file, line and column of a part; nothing where it has no file."""
        file, route = place
        if file not in self.texts:
            return ""
        if file not in self.documents:
            self.documents[file] = read_document(file, self.texts[file])
        span = self.documents[file].key_at(route)
        return f"{file.removeprefix(f'{self.folder}/') if self.folder else file}:{span.line}:{span.column}"
