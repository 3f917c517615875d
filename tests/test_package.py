"""What is installed is complete: code, types, policies and schemas, with or without a C compiler."""

import importlib.util
import os
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BACK_END = "hatchling"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built as a release would be."""
    if importlib.util.find_spec(BACK_END) is None:
        pytest.skip(f"the wheel is not tested: its build back end, {BACK_END}, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    result = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out, far from the clone."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(site: Path, *arguments: str) -> str:
    """Run the command from the unpacked wheel and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBPLAN_")}
    environment["PYTHONPATH"] = str(site)
    code = f"import sys; sys.argv[1:] = {list(arguments)!r}; from jobplan.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=site, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("folder", ["policies", "schemas"])
def test_wheel_holds_every_file_of(folder: str, wheel: Path) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    expected = {f"jobplan/_data/{path.relative_to(ROOT).as_posix()}" for path in files}
    with zipfile.ZipFile(wheel) as archive:
        assert expected <= set(archive.namelist())


def test_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"jobplan/__init__.py", "jobplan/py.typed"} <= names
    metadata = f"jobplan_policy-{PROJECT['version']}.dist-info"
    assert {name.split("/")[0] for name in names} == {"jobplan", metadata}


def test_wheel_works_far_from_the_clone(unpacked: Path) -> None:
    assert '"$schema"' in run_installed(unpacked, "schema", "plan")
    assert "england/" in run_installed(unpacked, "policy", "list")
    assert PROJECT["version"] in run_installed(unpacked, "--version")


def test_durable_rules_is_asked_for_only_where_it_builds() -> None:
    line = next(line for line in PROJECT["dependencies"] if line.startswith("durable-rules"))
    marker = line.partition("; ")[2]
    assert marker == 'python_version < "3.13" and platform_python_implementation == "CPython"'


def test_set_up_can_do_without_durable_rules_alone() -> None:
    set_up = runpy.run_path(str(ROOT / "tools" / "set_up.py"))
    needed, may_fail = set_up["requirements"](["dev", "bench"])
    assert [set_up["distribution"](line) for line in may_fail] == ["durable-rules"]
    extras = PROJECT["optional-dependencies"]
    own = [line for line in extras["dev"] if line != "jobplan-policy[audit]"]
    asked = PROJECT["dependencies"] + own + extras["audit"] + extras["bench"]
    assert sorted(needed + may_fail) == sorted(dict.fromkeys(asked))


@pytest.mark.parametrize(
    ("line", "name"),
    [("PyYAML", "pyyaml"), ("types_PyYAML>=6", "types-pyyaml"), ('a.b-c[x]==1; os_name == "nt"', "a-b-c")],
)
def test_name_of_a_requirement_is_read(line: str, name: str) -> None:
    assert runpy.run_path(str(ROOT / "tools" / "set_up.py"))["distribution"](line) == name
