"""The benchmark of siting runs on few points, beside spopt, and tells gaps that hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def run(root, *options):
    script = root / "scripts" / "benchmarks" / "siting.py"
    return subprocess.run(
        [sys.executable, str(script), *options],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )


def test_the_benchmark_of_siting_writes_its_figures(root, tmp_path):
    target = tmp_path / "siting.json"
    few = ["--points", "400", "--candidates", "40", "--sites", "5", "--repeats", "1"]
    city = ["--city-points", "800", "--city-candidates", "60", "--city-sites", "8"]
    rows = ["--rows", "peer,growth", "--crossings", "12"]
    done = run(root, *few, *city, *rows, "--json", str(target))
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(target.read_text(encoding="utf-8"))
    peers = [row for row in found["rows"] if "peer" in row]
    assert [row["row"] for row in peers] == ["peer cover", "peer fewest"]
    for row in peers:
        assert row["same"]
        assert row["ratio"] > 0
    others = [row for row in found["rows"] if "peer" not in row]
    assert len(others) == 10
    for row in others:
        assert 0 <= row["gap"] <= 0.02
        assert row["peak_mib"] > 0
    assert "same objective: True" in done.stdout.decode()


def test_the_benchmark_of_siting_refuses_what_cannot_be(root):
    for options in (["--rows", "cover"], ["--sites", "600"], ["--points", "0"]):
        done = run(root, *options)
        assert done.returncode == 2
        assert done.stderr
