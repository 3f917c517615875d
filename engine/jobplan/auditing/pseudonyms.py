"""Names that tell who somebody is, replaced by keyed hashes: one key gives one name the same pseudonym."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jobplan.errors import JobplanError, Problem
from jobplan.facts.schema import FactSchema

KEY_VARIABLE = "JOBPLAN_PSEUDONYM_KEY"
_SHORTEST = 16  # bytes of a key; a shorter one could be guessed, and with it every name
_DIGITS = 20
_PLACE = re.compile(r"(!|:\d+(?=:|$))")
_CHECK = "the key of these pseudonyms"


class Pseudonyms:
    """Gives pseudonyms by one key, which is kept nowhere else."""

    def __init__(self, key: bytes) -> None:
        """Take the key. Raises JobplanError for one that is short enough to be guessed."""
        if len(key) < _SHORTEST:
            said = f"the key of the pseudonyms has {len(key)} bytes; it takes at least {_SHORTEST}"
            help = "make one with `openssl rand -hex 32`"
            raise JobplanError([Problem("short-key", said, None, help)])
        self._key = key
        self.of = lru_cache(maxsize=1 << 17)(self._of)

    def _of(self, name: str) -> str:
        """Return the pseudonym of a name."""
        return "x-" + hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    def file(self, name: str) -> str:
        """Return the pseudonym of a file's name, which often is a person's; its ending stays."""
        return f"{self.of(name)}{Path(name).suffix}" if name else name

    def place(self, place: str) -> str:
        """Return a place in a file, with the file's name replaced."""
        found = _PLACE.search(place)
        return f"{self.file(place[: found.start()])}{place[found.start() :]}" if found else self.file(place)

    @property
    def mark(self) -> str:
        """Return what tells two keys apart and gives neither away."""
        return self._of(_CHECK)


def key_from(path: Path | None, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the key in a file, else that of the environment. Raises JobplanError where there is none."""
    if path is not None:
        if not path.is_file():
            raise JobplanError([Problem("no-key", f"no file {path} with the key of the pseudonyms")])
        return path.read_bytes().strip()
    found = environment.get(KEY_VARIABLE, "")
    if not found:
        help = f"put the key into a file and name it, or into ${KEY_VARIABLE}"
        raise JobplanError([Problem("no-key", "there is no key for the pseudonyms", None, help)])
    return found.encode()


def identities(schema: FactSchema) -> dict[str, tuple[str, ...]]:
    """Return by relation the facts that tell who somebody is."""
    found = {
        name: tuple(fact for fact, field in relation.fields.items() if field.identity)
        for name, relation in schema.relations.items()
    }
    return {name: facts for name, facts in found.items() if facts}
