"""Imports run one way, heavy libraries stay where they belong, and the start stays light."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import servicecircle

PACKAGE = Path(servicecircle.__file__).parent
ORDER = [
    "messages",
    "problems",
    "errors",
    "progress",
    "datums",
    "crs",
    "cache",
    "toml_files",
    "project",
    "inputs",
    "network",
    "measure",
    "standards",
    "siting",
    "results",
    "outputs",
    "demo",
    "record",
    "summary",
    "carried",
    "check",
    "circles",
    "way",
    "study",
    "site",
    "explain",
    "compare",
    "commands",
    "cli",
]
HEAVY = {
    "folium",
    "geopandas",
    "matplotlib",
    "networkx",
    "numba",
    "numpy",
    "osmium",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
}
# A library, and the only places whose modules may import it: by it files are read or written.
ONLY_IN = {
    "branca": ("outputs/maps",),
    "folium": ("outputs/maps",),
    "numba": ("network/compiled.py",),
    "osmium": ("inputs/", "outputs/fetched.py"),
    "pyogrio": ("inputs/", "outputs/geopackage.py", "outputs/run_record.py"),
    "python_calamine": ("inputs/",),
    "rasterio": ("inputs/",),
}
READERS = {
    "read_csv",
    "read_dataframe",
    "read_excel",
    "read_feather",
    "read_file",
    "read_graphml",
    "read_json",
    "read_parquet",
    "read_table",
}
WRITERS = {"to_csv", "to_excel", "to_feather", "to_file", "to_parquet", "write_bytes", "write_text"}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def tree(module):
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def imported(module):
    """Return the absolute dotted names that a module imports anywhere in it."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} line {node.lineno}: write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def called(module):
    """Return the names of the methods and attributes that a module calls."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names.add(node.func.attr)
    return names


def place(module):
    return module.split("/")[0].removesuffix(".py")


def test_every_module_has_its_place_in_the_order():
    places = {place(module) for module in MODULES} - {"__init__", "__main__"}
    assert places <= set(ORDER)


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__.py"])
def test_module_imports_only_from_the_left(module):
    here = len(ORDER) if place(module) == "__main__" else ORDER.index(place(module))
    for name in imported(module):
        parts = name.split(".")
        if parts[0] != "servicecircle" or name == "servicecircle.__version__":
            continue
        assert len(parts) > 1, f"{module} imports the whole package"
        assert parts[1] in ORDER, f"{module} imports {name}, a public name, not its module"
        there = ORDER.index(parts[1])
        assert there < here or parts[1] == place(module), f"{module} imports {name}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_library_stays_in_its_place(library):
    users = [name for name in MODULES if library in {n.split(".")[0] for n in imported(name)}]
    assert [name for name in users if not name.startswith(ONLY_IN[library])] == []


def test_only_inputs_read_tables_and_layers():
    readers = {name: called(name) & READERS for name in MODULES if not name.startswith("inputs/")}
    assert {name: calls for name, calls in readers.items() if calls} == {}


def test_only_outputs_write():
    allowed = ("outputs/", "cache.py")
    writers = {name: called(name) & WRITERS for name in MODULES if not name.startswith(allowed)}
    assert {name: calls for name, calls in writers.items() if calls} == {}


def test_source_root_is_no_package():
    assert not (PACKAGE.parent / "__init__.py").exists()


def test_public_names_are_those_that_load():
    assert len(set(servicecircle.__all__)) == len(servicecircle.__all__)
    assert dir(servicecircle) == sorted(servicecircle.__all__)
    homes = [name for names in servicecircle._HOMES.values() for name in names]
    assert sorted([*homes, "__version__"]) == sorted(servicecircle.__all__)
    for home, names in servicecircle._HOMES.items():
        module = importlib.import_module(f"servicecircle.{home}")
        for name in names:
            assert getattr(servicecircle, name) is getattr(module, name)
            assert name in module.__all__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = servicecircle.no_such_name


def test_type_checkers_see_the_same_public_names():
    seen = {
        f"{node.module}.{alias.name}"
        for block in ast.walk(tree("__init__.py"))
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = servicecircle._HOMES.items()
    assert seen == {f"servicecircle.{home}.{name}" for home, names in homes for name in names}


def test_every_module_says_what_it_exports():
    for found in pkgutil.walk_packages([str(PACKAGE)], "servicecircle."):
        module = importlib.import_module(found.name)
        missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
        assert missing == [], found.name
        assert module.__doc__, found.name


def heavy_after(code):
    """Return the heavy libraries that are loaded after some code ran in a new process."""
    script = f"{code}\nimport sys\nprint(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stderr.split()


def test_import_is_light():
    assert heavy_after("import servicecircle; servicecircle.__version__") == []


def test_a_run_loads_no_library_for_a_single_function():
    code = "import sys, servicecircle.study; print('scipy.stats' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "False"


def test_help_is_light():
    code = (
        "from servicecircle.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "main(['run', '--help'], standalone_mode=False)\n"
    )
    assert heavy_after(code) == []


def test_numba_loads_where_the_source_root_looks_like_coverage_py(tmp_path):
    # As with the checkout's root on sys.path and coverage.py absent.
    script = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Trap:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'coverage':\n"
        "            return PathFinder.find_spec(name, [sys.argv[1]])\n"
        "sys.meta_path.insert(0, Trap)\n"
        "from servicecircle.network.compiled import compiled\n"
        "import coverage\n"
        "assert not hasattr(coverage, '__file__') or coverage.__file__ is None\n"
        "print('loaded')\n"
    )
    (tmp_path / "coverage" / "servicecircle").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "loaded\n", done.stderr
