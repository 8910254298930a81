"""numba loads where the source root looks like coverage.py, and kernels are cached or not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from servicecircle.network.compiled import FOLDERS, kernel_key, kernel_sources

# coverage.py is made invisible, and the checkout's root stands first on sys.path: then `coverage`
# is found as the namespace package of the source root.
HIDE = """
import importlib.machinery
import sys
root = sys.argv[1]
sys.path.insert(0, root)
# An editable install puts the source root on sys.path or brings a finder: both may stay.
class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "coverage":
            return importlib.machinery.PathFinder.find_spec(name, [root])
        return None
sys.meta_path.insert(0, Hidden)
sys.modules.pop("coverage", None)
"""
KERNEL = """
from servicecircle.network.compiled import compiled

@compiled()
def twice(value):
    return 2 * value

print(twice(15))
"""


def run(script, root, cache):
    path = cache / "script.py"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), str(root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cache,
        env={**os.environ, "SERVICECIRCLE_CACHE": str(cache / "cache")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_trap_is_real(root, tmp_path):
    """Without the guard numba dies: if this fails, the guard may go."""
    script = HIDE + (
        "import coverage\n"
        "assert coverage.__spec__.origin is None\n"
        "try:\n"
        "    import numba\n"
        "except AttributeError as error:\n"
        "    print('died' if 'types' in str(error) else error)\n"
    )
    assert run(script, root, tmp_path) == ["died"]


@pytest.mark.parametrize("before", ["", "import coverage\n"])
def test_kernels_run_and_coverage_is_a_namespace(root, tmp_path, before):
    after = "import coverage\nprint(coverage.__spec__.origin, hasattr(coverage, 'Coverage'))\n"
    found = run(HIDE + before + KERNEL + after, root, tmp_path)
    assert found == ["30", "None", "False"]


def test_coverage_py_stays_visible_where_it_is(root, tmp_path):
    pytest.importorskip("coverage")
    after = "import coverage\nprint(hasattr(coverage, 'Coverage'))\n"
    assert run(KERNEL + after, root, tmp_path) == ["30", "True"]


def test_the_source_root_is_no_package(root):
    assert (root / "coverage" / "servicecircle").is_dir()
    assert not (root / "coverage" / "__init__.py").exists()


def test_kernels_are_cached_in_the_cache_folder(root, tmp_path):
    run(KERNEL, root, tmp_path)
    assert list((tmp_path / "cache" / "kernels").rglob("*.nbi"))


def test_without_a_cache_folder_kernels_run_all_the_same(root, tmp_path):
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    assert run(KERNEL, root, tmp_path) == ["30"]


def copy_of(root, tmp_path):
    package = tmp_path / "package"
    for folder in FOLDERS:
        source = root / "coverage" / "servicecircle" / folder
        shutil.copytree(source, package / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def test_a_changed_source_gives_another_folder_and_the_same_source_the_same(root, tmp_path):
    package = copy_of(root, tmp_path)
    first = kernel_key("1", package=package)
    assert kernel_key("1", package=package) == first == kernel_key("1")
    assert kernel_key("2", package=package) != first
    keys = [first]
    for name in ("network/heap.py", "network/travel.py", "siting/merging.py"):
        file = package / name
        before = file.read_bytes()
        # Of the same length, and with the same time.
        stat = file.stat()
        file.write_bytes(before.replace(b"from __future__", b"from  _future__", 1))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        keys.append(kernel_key("1", package=package))
        file.write_bytes(before)
        assert kernel_key("1", package=package) == first
    (package / "network" / "heap.py").rename(package / "network" / "heaps.py")
    keys.append(kernel_key("1", package=package))
    (package / "network" / "heaps.py").rename(package / "network" / "heap.py")
    (package / "siting" / "later.py").write_text("@compiled()\ndef f(x):\n    return x\n")
    keys.append(kernel_key("1", package=package))
    assert len(set(keys)) == len(keys)
    # What has no kernel changes none.
    (package / "siting" / "later.py").write_text("def f(x):\n    return x\n")
    assert kernel_key("1", package=package) == first


def test_whatever_kernels_are_made_of_decides_their_folder(root):
    """A kernel takes kernels, constants and types from nowhere else but the modules hashed."""
    package = root / "coverage" / "servicecircle"
    hashed = dict(kernel_sources(package))
    kernels = 0
    for file in sorted(package.rglob("*.py")):
        tree = ast.parse(file.read_bytes())
        origin = {
            alias.asname or alias.name: node.module
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("servicecircle")
            for alias in node.names
        }
        made = {name for name, module in origin.items() if module.endswith("network.compiled")}
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or not any(
                isinstance(part, ast.Name) and part.id in made & {"compiled"}
                for decorator in node.decorator_list
                for part in ast.walk(decorator)
            ):
                continue
            kernels += 1
            assert file.relative_to(package).as_posix() in hashed
            used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            for module in {origin[name] for name in used if name in origin}:
                assert module.removeprefix("servicecircle.").replace(".", "/") + ".py" in hashed
    assert kernels > 50


INNER = """
from servicecircle.network.compiled import compiled

@compiled()
def inner(value):
    return {factor} * value
"""
OUTER = """
from servicecircle.network.compiled import compiled
from servicecircle.network.inner import inner

@compiled()
def outer(value):
    return inner(value) + 1
"""
CALL = """
import sys
sys.path.insert(0, sys.argv[1])
from servicecircle.network.outer import __file__ as file, outer
assert file.startswith(sys.argv[1])
print(outer(10), sum(outer.stats.cache_hits.values()))
"""


def test_a_kernel_follows_the_kernels_it_takes_in(root, tmp_path):
    """numba alone gives 21 again: it looks at the file of the outer kernel only."""
    copy = tmp_path / "copy" / "servicecircle"
    source = root / "coverage" / "servicecircle"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "plans", "*.csv"))
    (copy / "network" / "outer.py").write_text(OUTER, encoding="utf-8")
    found = []
    for factor in (2, 2, 3):
        inner = copy / "network" / "inner.py"
        inner.write_text(INNER.format(factor=factor), encoding="utf-8")
        found.append(run(CALL, copy.parent, tmp_path))
    assert found == [["21", "0"], ["21", "1"], ["31", "0"]]


def test_a_function_without_a_file_is_compiled_without_a_cache():
    from servicecircle.network.compiled import compiled

    space = {}
    exec("def twice(values):\n    return 2 * values\n", space)
    assert compiled()(space["twice"])(np.array([1.5])).tolist() == [3.0]
