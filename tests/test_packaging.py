"""What is declared, what is locked, what the wheel holds, and what the README tells to type."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import servicecircle

PACKAGE = Path(servicecircle.__file__).parent
# Needed, though imported by nobody here: pandas and geopandas read Parquet with it.
UNSEEN = {"pyarrow"}
OPTIONAL = {"dask", "distributed", "geopy"}
LOCKS = ("run", "build", "test", "lowest")


@pytest.fixture(scope="module")
def declared(root):
    """Return pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def requirements_of(declared, *extras):
    project = declared["project"]
    texts = list(project["dependencies"])
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def pins(root, lock):
    """Return name → versions that a lock pins; more than one where the platforms differ."""
    found = {}
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.M):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def test_what_is_imported_is_declared_and_nothing_else(declared):
    by_module = metadata.packages_distributions()
    used = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used.add(node.module.split(".")[0])
    used -= set(sys.stdlib_module_names) | {"servicecircle"} | OPTIONAL
    needed = {canonicalize_name(by_module[name][0]) for name in used} | UNSEEN
    assert needed == {canonicalize_name(item.name) for item in requirements_of(declared)}


def test_coverage_py_is_no_dependency_of_the_package(declared):
    # The source root is called coverage too; coverage.py comes with the test extra alone.
    names = {item.name for item in requirements_of(declared)}
    assert not names & {"coverage", "pytest-cov"}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_and_neither_addresses_nor_paths(root, lock):
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|index-url|find-links|\s/\w", text)
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)
    assert "--only-binary :all:" in text


def test_locks_hold_what_is_declared(root, declared):
    build = [Requirement(text) for text in declared["build-system"]["requires"]]
    wanted = {
        "run": requirements_of(declared),
        "build": build,
        "test": requirements_of(declared, "test", "cluster"),
        "lowest": requirements_of(declared, "test"),
    }
    for lock, items in wanted.items():
        pinned = pins(root, lock)
        for item in items:
            versions = pinned[canonicalize_name(item.name)]
            assert all(item.specifier.contains(version) for version in versions), (lock, str(item))


def test_locks_that_are_installed_together_agree(root):
    run, build, test = (pins(root, lock) for lock in ("run", "build", "test"))
    assert run.items() <= test.items()
    for name in build.keys() & test.keys():
        assert build[name] == test[name], name


def test_lowest_lock_holds_every_lower_bound(root, declared):
    lowest = pins(root, "lowest")
    for item in requirements_of(declared):
        bounds = [Version(part.version) for part in item.specifier if part.operator == ">="]
        assert len(bounds) == 1, f"{item} needs one lower bound"
        # Without a wheel of that very version, the first later one with a wheel counts.
        least = min(lowest[canonicalize_name(item.name)])
        assert least.release[:2] == bounds[0].release[:2], f"{item}: tested with {least}"


@pytest.mark.parametrize("name", ["run", "test", "run-windows", "test-windows"])
def test_readme_commands_are_one_line_on_files_that_exist(root, name):
    text = (root / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- command: {name} -->\n```\w+\n(.*?)```", text, flags=re.S)
    assert len(found) == 1
    command = found[0]
    assert command.count("\n") == 1
    files = re.findall(r"requirements[/\\]\w+\.txt", command)
    assert len(files) == 2
    assert all((root / file.replace("\\", "/")).is_file() for file in files)
    assert "--require-hashes" in command
    assert "--no-deps --no-build-isolation" in command
    assert command.startswith(("python3 -m venv .venv && ", "py -3.11 -m venv .venv; "))


def test_git_does_not_ignore_the_source_root(root):
    if not (root / ".git").exists():
        pytest.skip("not a checkout of git")
    ask = ["git", "check-ignore", "--no-index", "coverage/servicecircle/cli.py"]
    done = subprocess.run(ask, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_changelog_knows_this_version(root):
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(servicecircle.__version__)}\b", text, flags=re.M)


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """Return the wheel of this checkout, opened."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def packed(folder, place):
    """Return the names in the wheel of the files of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        f"{place}/{path.relative_to(folder).as_posix()}"
        for path in files
        if "__pycache__" not in path.parts
    }


def test_wheel_holds_the_package_its_texts_and_the_demo_city_and_no_more(root, wheel):
    names = set(wheel.namelist())
    info = f"servicecircle-{servicecircle.__version__}.dist-info"
    inside = {name for name in names if not name.startswith(f"{info}/")}
    source = packed(root / "coverage" / "servicecircle", "servicecircle")
    demo = packed(root / "data", "servicecircle/demo")
    assert inside == source | demo
    assert {
        "servicecircle/demo/demo.toml",
        "servicecircle/py.typed",
        "servicecircle/standards/registry.toml",
        "servicecircle/texts/outputs.toml",
    } <= inside
    assert any(name.startswith("servicecircle/outputs/assets/") for name in inside)
    assert any(name.startswith("servicecircle/standards/plans/") for name in inside)
    assert f"{info}/licenses/LICENSE" in names


def test_wheel_has_the_command_and_the_version(wheel):
    info = f"servicecircle-{servicecircle.__version__}.dist-info"
    assert "servicecircle = servicecircle.cli:main" in wheel.read(
        f"{info}/entry_points.txt"
    ).decode("utf-8")
    assert f"Version: {servicecircle.__version__}\n" in wheel.read(f"{info}/METADATA").decode(
        "utf-8"
    )
