"""Fixtures that several test modules share."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def require(name: str, available: bool, reason: str) -> None:
    """Skip with a reason, or fail where SERVICECIRCLE_REQUIRE names what is missing."""
    if available:
        return
    if name in os.environ.get("SERVICECIRCLE_REQUIRE", "").split(","):
        pytest.fail(f"{reason} (SERVICECIRCLE_REQUIRE asks for {name})")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real inputs, or skip where it is absent."""
    given = os.environ.get("SERVICECIRCLE_SHARED")
    folder = (Path(given) if given else ROOT.parent / "shared") / "data"
    require(
        "real",
        folder.is_dir(),
        "the real inputs are not here: set SERVICECIRCLE_SHARED to the folder that holds data/",
    )
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium, or skip where there is none."""
    import shutil

    given = os.environ.get("SERVICECIRCLE_CHROMIUM")
    path = given or shutil.which("chromium") or shutil.which("chromium-browser")
    require("browser", path is not None, "no Chromium here: install Debian's package chromium")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def table_files() -> ModuleType:
    """Return the module that writes tables in every format."""
    path = ROOT / "tests" / "inputs" / "table_files.py"
    spec = importlib.util.spec_from_file_location("table_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def oracles() -> ModuleType:
    """Return the module of slow, independent answers (tests are no package to import from)."""
    spec = importlib.util.spec_from_file_location("oracles", ROOT / "tests" / "oracles.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_town() -> ModuleType:
    """Return the module that lays out a town whose values are known on paper."""
    return _module("small_town")


@pytest.fixture(scope="session")
def town_runs(
    small_town: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Return a function that runs the small town, each way once; its folder is not to be changed.

    It takes what ``small_town.lay_out`` takes, and ``changes`` as ``--set`` does.
    """
    from servicecircle.project import load_project
    from servicecircle.study import run_project

    made: dict[str, Path] = {}

    def run(*, changes: tuple[str, ...] = (), **given: object) -> Path:
        key = repr((changes, sorted(given.items())))
        if key not in made:
            folder = tmp_path_factory.mktemp("town")
            file = small_town.lay_out(folder / "inputs", **given)
            run_project(load_project(file, changes=changes), folder / "run")
            made[key] = folder / "run"
        return made[key]

    return run
