"""Files made to hurt: how soon each is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.timing import Call, figures, timed
from jobplan.errors import BrokenPlan
from jobplan.evaluate import Evaluator

KNOWN = "json.loads, 4 MiB"
MEBIBYTE = 1024 * 1024


def files() -> Iterator[tuple[str, str, bytes]]:
    """Yield what is wrong, the ending of its name, and the content of each file."""
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 10))
    yield "alias bomb, nine levels of nine", "yaml", f"l0: &l0 [lol]\n{levels}".encode()
    yield "tag that makes an object", "yaml", b"id: !!python/object/apply:os.system [ls]\n"
    yield "100,000 levels deep, YAML", "yaml", b"a: " + b"[" * 100_000 + b"]" * 100_000
    yield "100,000 levels deep, JSON", "json", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield "100,000 levels of indentation", "yaml", deep_block()
    yield "binary", "yaml", bytes(range(256)) * 4096
    yield "100,000 equal keys", "yaml", b"id: x\n" * 100_000
    yield "100,000 unknown keys", "yaml", b"".join(b"k%d: x\n" % i for i in range(100_000))
    yield "5 MiB of text", "yaml", b"a: " + b"x" * (5 * MEBIBYTE)
    yield "100,000 rows of nothing", "yaml", b"activity:\n" + b"  - {}\n" * 100_000
    yield "a key of 1 MiB", "yaml", b"k" * MEBIBYTE + b": 1\n"
    yield "one quote never closed", "yaml", b'a: "' + b"x\n" * 100_000


def deep_block() -> bytes:
    """Return mappings inside mappings as far as four mebibytes reach."""
    lines, size, depth = [], 0, 0
    while size < 4 * MEBIBYTE - 8192:
        lines.append(b" " * depth + b"a:")
        size += depth + 3
        depth += 1
    return b"\n".join(lines)


def hostile(folder: Path, *, runs: int) -> str:
    """Return how long it takes to refuse each file. Raises AssertionError if one is not refused."""
    evaluator = Evaluator()
    known = json.dumps(["x" * 10] * (4 * MEBIBYTE // 14))
    calls: dict[str, Call] = {KNOWN: lambda: json.loads(known)}
    for number, (name, ending, content) in enumerate(files()):
        path = folder / f"{number}.{ending}"
        path.write_bytes(content)
        calls[name] = partial(refused, evaluator, path)
    return figures(timed(calls, rounds=runs, each=1), known=KNOWN)


def refused(evaluator: Evaluator, path: Path) -> None:
    """Read a file that must not be read."""
    try:
        evaluator.read(str(path))
    except BrokenPlan as broken:
        str(broken)
        return
    raise AssertionError(f"{path} was read")
