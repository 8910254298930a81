"""The benchmark of tables runs with few rows, tells both sides and writes its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys


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
    assert set(seconds) == {
        "ours",
        "ours_reading",
        "ours_placing",
        "pandas_alone",
        "geopandas_sjoin",
    }
    assert all(value >= 0 for value in seconds.values())
    assert set(ratio) == {"ours_to_pandas_alone", "ours_to_geopandas_sjoin"}
    assert all(value > 0 for value in ratio.values())
    # Every row is read and placed by ours, in the unit that the list states; the plain way loses
    # those whose coordinates have a side or a degree sign, and leaves the datum as it is.
    assert counts["rows_in"] == counts["rows_used"] == counts["placed"] == 3000
    assert counts["rows_set_aside"] == 0
    # A border is straight in degrees there and in metres here: a point on it may change sides.
    assert counts["in_own_unit"] >= 2998
    assert counts["in_own_unit_by_sjoin"] < counts["placed_by_sjoin"] < 3000
    for words in ("ours: read, check, place", "pandas alone", "sjoin", "ours ÷ geopandas"):
        assert words in printed


def test_the_benchmark_refuses_no_rows(root):
    script = root / "scripts" / "benchmarks" / "tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--rows", "0"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"at least 1" in done.stderr
