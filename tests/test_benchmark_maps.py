"""The benchmark of the map: its land is sound, and it tells what passes a budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "scripts" / "benchmarks"

SMALL = """
import json, sys
from pathlib import Path
import numpy as np, shapely
sys.path.insert(0, sys.argv[1])
import maps
from map_land import Size, invented_results
from servicecircle.outputs.maps import write_map
size = Size(
    name="small", townships=4, villages=30, facilities=120, layers=3, cells=500, side_km=9.0
)
results = invented_results(size)
villages = results.units[results.units["level"] == "village_level"].geometry.to_numpy()
write_map(results, Path(sys.argv[2]) / "index.html")
rows = [{"name": "county", "megabytes": 8.1, "answered_seconds": 1.0},
        {"name": "county", "megabytes": 7.9, "answered_seconds": 3.1},
        {"name": "prefecture", "megabytes": 24.0, "answered_seconds": 9.0}]
print(json.dumps({
    "valid": bool(shapely.is_valid(villages).all()),
    "coverage": bool(shapely.coverage_is_valid(villages)),
    "levels": results.units["level"].value_counts().to_dict(),
    "facilities": len(results.facilities),
    "again": bool(np.all(results.units.geom_equals(invented_results(size).units.geometry))),
    "faults": [len(maps.verdict(row)) for row in rows],
}))
"""


def test_the_invented_land_is_sound(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(BENCHMARKS), str(tmp_path)],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["valid"]
    assert found["coverage"]
    assert found["levels"] == {"village_level": 30, "township": 4}
    assert found["facilities"] == 120
    assert found["again"]
    # Too many bytes, too many seconds; a prefecture has a budget of bytes alone.
    assert found["faults"] == [1, 1, 0]


def test_it_opens_a_map_and_tells_how_long(chromium, tmp_path):
    (tmp_path / "town").mkdir()
    subprocess.run(
        [sys.executable, "-c", SMALL, str(BENCHMARKS), str(tmp_path / "town")], check=True
    )
    target = tmp_path / "maps.json"
    done = subprocess.run(
        [
            sys.executable,
            str(BENCHMARKS / "maps.py"),
            *("--file", str(tmp_path / "town" / "index.html")),
            *("--repeats", "1", "--browser", chromium, "--json", str(target), "--check"),
        ],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    (row,) = json.loads(target.read_text(encoding="utf-8"))["rows"]
    size = (tmp_path / "town" / "index.html").stat().st_size
    assert row["name"] == "town"
    assert row["megabytes"] == round(size / 1e6, 3)
    assert 0 < row["drawn_seconds"] <= row["answered_seconds"]
