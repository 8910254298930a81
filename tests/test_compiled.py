"""numba loads where the source root looks like coverage.py, and kernels are cached or not."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

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


def test_a_function_without_a_file_is_compiled_without_a_cache():
    from servicecircle.network.compiled import compiled

    space = {}
    exec("def twice(values):\n    return 2 * values\n", space)
    assert compiled()(space["twice"])(np.array([1.5])).tolist() == [3.0]
