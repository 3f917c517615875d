"""The folders of data that travel with the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_HOMES = (_PACKAGE / "_data", _PACKAGE.parents[1])  # an installed wheel; a checkout


def schemas_dir() -> Path:
    """Return the folder of the JSON Schemas. Raises FileNotFoundError."""
    return _folder("schemas")


def policies_dir() -> Path:
    """Return the folder of the policies. Raises FileNotFoundError."""
    return _folder("policies")


def _folder(name: str) -> Path:
    for home in _HOMES:
        if (home / name).is_dir():
            return home / name
    raise FileNotFoundError(f"no folder {name!r} in {' or '.join(map(str, _HOMES))}")
