"""A slip in a policy, whatever it is, is told of at its place or does no harm: nothing crashes on it.

JOBPLAN_SLIPS says how many slips are tried.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from jobplan.errors import BrokenPolicy
from jobplan.expression.editions import Policies
from jobplan.source import Route, read_document

BAD = Path(__file__).parent / "bad"
POLICY = "england/consultant"
TRIES = int(os.environ.get("JOBPLAN_SLIPS", "160"))
DAY = 739_000  # a day in 2024
PYTHON = ("NoneType", "<class", "KeyError", "Traceback", " object at 0x", "sqlglot", "Identifier(")

WRONG: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e12, [], {}, [1], ["a", "b"], [5, 8], [9, None], [None], {"a": "b"}),
    *({"x": {"y": 1}}, {"from": "2024-01-01"}),
    *("", "x", "none", "plan", "activity", "2024-02-30", "2024-04-01", "a.b", "this.x", "1 +", "(", "id"),
    *("recorded(title)", "none(title)", "verdict('x')", "sum(x)", "silent('x')", "not title", "-from_on"),
    *("title in (1, 'a')", "weekday between 'a' and 2", "least(from_on, 1)", "case when true then 1 end"),
    *("12:00", "unit/week", "h", "{x}", "{", "full-time-units", "weeks"),
]
KEYS = [
    *(
        "of",
        "where",
        "sum",
        "min",
        "value",
        "pairs",
        "rows",
        "from",
        "until",
        "open",
        "windows",
        "by",
        "starts",
    ),
    *("if_none", "each", "as", "merge", "gaps", "union", "within", "circle", "between", "adopts", "rules"),
]


def routes(data: Any, route: Route = ()) -> Iterator[Route]:
    """Yield the route of everything inside some data."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in entries:
        yield (*route, step)
        yield from routes(value, (*route, step))


def at(data: Any, route: Route) -> Any:
    for step in route:
        data = data[step]
    return data


def slipped(data: Any, rng: random.Random) -> Any:
    """Return data with up to three slips: a part left out, put in, changed, renamed or copied elsewhere."""
    data = deepcopy(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(routes(data))
        *above, step = rng.choice(places)
        holder = at(data, tuple(above))
        kind = rng.choice(("leave out", "change", "change", "put in", "copy", "rename"))
        if kind == "leave out":
            del holder[step]
        elif kind == "change":
            holder[step] = deepcopy(rng.choice(WRONG))
        elif kind == "copy":
            holder[step] = deepcopy(at(data, rng.choice(places)))
        elif isinstance(holder, list):
            holder.insert(step, deepcopy(rng.choice(WRONG)))
        elif kind == "put in":
            holder[rng.choice(KEYS)] = deepcopy(rng.choice(WRONG))
        else:
            holder[rng.choice((f"{step}s", step[:-1] or "y", *KEYS))] = holder.pop(step)
    return data


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies and an overlay that hold one of everything."""
    folder = tmp_path_factory.mktemp("sound")
    shutil.copytree(BAD / "frame", folder / "policies")
    shutil.copy(BAD / "slips" / "topic.yaml", folder / "policies" / POLICY / "topic.yaml")
    shutil.copytree(BAD / "slips" / "overlay", folder / "overlay")
    return folder


def complaint(folder: Path) -> BrokenPolicy | None:
    """Read the policy, lay the overlay on it and compile it; return what is said if that cannot be done."""
    policies = Policies(folder / "policies", [folder / "overlay"])
    try:
        policies.program(POLICY, DAY)
    except BrokenPolicy as broken:
        return broken
    return None


def test_what_slips_are_put_into_is_sound(sound: Path) -> None:
    assert complaint(sound) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_slip_is_told_of_or_does_no_harm(seed: int, sound: Path, tmp_path: Path) -> None:
    rng = random.Random(seed)
    files = sorted(path.relative_to(sound) for path in sound.rglob("*.yaml"))
    often = [name for name in files if name.name in ("topic.yaml", "overlay.yaml")]
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    for _ in range(TRIES // 8):
        name = rng.choice([*files, *often * 4])
        data = slipped(read_document(str(sound / name)).data, rng)
        (tmp_path / name).write_text(json.dumps(data, indent=1), encoding="utf-8")  # JSON is YAML too
        broken = complaint(tmp_path)
        said = str(broken)
        assert broken is None or all(problem.span is not None for problem in broken.problems), said
        assert not any(word in said for word in PYTHON), said
        shutil.copy(sound / name, tmp_path / name)
