"""The benchmark of the p-median runs on few points and tells gaps that hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def run(root, *options):
    script = root / "scripts" / "benchmarks" / "siting_median.py"
    return subprocess.run(
        [sys.executable, str(script), *options],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )


def test_the_benchmark_of_the_median_writes_gaps_that_hold(root, tmp_path):
    target = tmp_path / "median.json"
    few = ["--points", "200", "--candidates", "40", "--sites", "8", "--peer-points", "40"]
    done = run(root, *few, "--json", str(target), "--check")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(target.read_text(encoding="utf-8"))
    assert [row["points"] for row in found["rows"]] == [50, 100, 200, 200]
    for row in found["rows"]:
        assert row["bound"] <= row["objective"]
        assert row["gap"] <= max(row["wanted_gap"], 1e-6)
    assert found["rows"][3]["objective"] <= found["rows"][2]["objective"]
    assert found["peer"]["same"]
    assert found["peer"]["ratio"] > 0
    assert "same objective: True" in done.stdout.decode()


def test_the_benchmark_refuses_too_few_points(root):
    done = run(root, "--points", "3")
    assert done.returncode == 2
    assert b"at least 4 points" in done.stderr
