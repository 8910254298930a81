"""What run.json says."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from servicecircle import __version__
from servicecircle.outputs.folder import publish
from servicecircle.outputs.run_record import (
    describe_environment,
    sha256_of,
    write_run_record,
)


def test_keys_are_sorted_and_values_are_json(tmp_path):
    record = {
        "z": {"b": np.float64("nan"), "a": np.int32(3)},
        "as_of": dt.date(2025, 12, 31),
        "array": np.array([1.5, np.inf]),
        "flag": np.bool_(True),
        "path": PurePosixPath("roads/道路.osm.pbf"),
        "tuple": (1, None, "碶"),
        "program": "never another",
    }
    write_run_record(record, tmp_path / "run.json")
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert json.loads(text) == {
        "array": [1.5, None],
        "as_of": "2025-12-31",
        "flag": True,
        "path": "roads/道路.osm.pbf",
        "program": "servicecircle",
        "tuple": [1, None, "碶"],
        "z": {"a": 3, "b": None},
    }
    assert "碶" in text
    keys = [line.split('"')[1] for line in text.splitlines() if line.startswith('  "')]
    assert keys == sorted(keys)
    assert record["program"] == "never another"


def test_value_that_json_cannot_hold_is_a_fault(tmp_path):
    with pytest.raises(TypeError, match="complex"):
        write_run_record({"a": 1j}, tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()


def test_hostile_text_is_written_as_valid_utf8(tmp_path):
    write_run_record({"name": "a\ud800\x00"}, tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_bytes())["name"] == "a?\x00"


def test_folder_with_the_record_is_ours_to_replace(tmp_path):
    def write(new: Path) -> None:
        write_run_record({}, new / "run.json")

    publish(write, tmp_path / "out")
    publish(write, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_environment_names_versions():
    found = describe_environment()
    assert found["servicecircle"] == __version__
    assert found["python"] == platform.python_version()
    assert found["packages"]["numpy"] == np.__version__
    assert found["packages"]["python-calamine"] == metadata.version("python-calamine")
    assert "pytest" not in found["packages"]
    assert all(version[0].isdigit() for version in found["libraries"].values())
    json.dumps(found)


def test_sha256_is_that_of_the_bytes(tmp_path):
    data = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "b")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_peak_memory_is_that_of_the_process():
    script = (
        "from servicecircle.outputs.run_record import peak_memory_mib\n"
        "before = peak_memory_mib()\n"
        "held = b'x' * (300 << 20)\n"
        "print(peak_memory_mib() - before)\n"
    )
    # Started by a process that has held more: that is not its own.
    held = b"x" * (800 << 20)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert len(held) == 800 << 20
    assert 290 < float(done.stdout) < 400
