"""The benchmark of tables runs with few rows, tells both sides and writes its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


def test_the_benchmark_of_tables_writes_figures_that_add_up(root, tmp_path):
    target = tmp_path / "tables.json"
    script = root / "scripts" / "benchmarks" / "tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--rows", "3000", "--units", "9", "--json", str(target)],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    printed = done.stdout.decode()
    found = json.loads(target.read_text(encoding="utf-8"))
    assert (found["benchmark"], found["rows"], found["units"]) == ("tables", 3000, 9)
    seconds, ratio, counts = found["seconds"], found["ratio"], found["counts"]
    ways = {"ours", "pandas_alone", "geopandas_sjoin"}
    assert set(seconds) == ways | {"ours_reading", "ours_placing", "ours_duplicates"}
    assert all(value >= 0 for value in seconds.values())
    assert set(ratio) == {"ours_to_pandas_alone", "ours_to_geopandas_sjoin"}
    assert all(value > 0 for value in ratio.values())
    for way in ways:
        assert found["rows_a_second"][way] == pytest.approx(3000 / seconds[way], rel=0.2)
        assert found["peak_mib"][way] >= found["held_before_mib"][way] > 0
        assert found["cpu_seconds"][way] > 0
    assert counts["rows_by_pandas"] == 3000
    assert len(found["machine"]["load_average"]) == 3
    # Every row is read and placed by ours, in the unit that the list states; the plain way loses
    # those whose coordinates have a side or a degree sign, and leaves the datum as it is.
    assert counts["rows_in"] == counts["rows_used"] == counts["placed"] == 3000
    assert counts["rows_set_aside"] == 0
    # A border is straight in degrees there and in metres here: a point on it may change sides.
    assert counts["in_own_unit"] >= 2998
    assert counts["in_own_unit_by_sjoin"] < counts["placed_by_sjoin"] < 3000
    for words in ("ours: read, check, place", "pandas alone", "sjoin", "ours ÷ geopandas", "load"):
        assert words in printed


def test_the_benchmark_refuses_no_rows(root):
    script = root / "scripts" / "benchmarks" / "tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--rows", "0"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"at least 1" in done.stderr
