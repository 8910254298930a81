"""The benchmark of rasters runs small, and its ways agree; no time is held against anything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_ways_agree_on_a_small_raster(root, tmp_path):
    script = root / "scripts" / "benchmarks" / "raster.py"
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(script), "--size", "300", "--polygons", "9"]
    done = subprocess.run(
        [*command, "--json", str(figures)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(figures.read_text(encoding="utf-8"))["results"]
    assert len(results) == 6
    for ours, other in zip(results[::2], results[1::2], strict=True):
        assert ours["way"].startswith("ours")
        assert ours["count"] == other["count"] > 0
        assert ours["people"] == pytest.approx(other["people"], rel=1e-6)
        assert ours["peak_mib"] > 0
