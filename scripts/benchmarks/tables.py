"""A million facility rows: read, checked and placed into units, beside pandas and geopandas.

    python scripts/benchmarks/tables.py [--rows 1000000] [--land province] [--datum gcj02]
                                        [--json PATH]

The list and the units are invented, drawn from a seed into a temporary folder. Three ways run one
after the other, each in a process of its own for its own peak of memory:

- ours: ``read_facilities`` (encoding, delimiter, header, every cell of every column read, faults
  recorded row by row, duplicates proposed, datum undone) and ``place_points``;
- pandas alone: ``read_csv`` of the same file, nothing checked;
- plain geopandas: ``read_csv``, points from the columns, one ``sjoin`` with the units.

The search for duplicates, which is part of ours, is timed once more alone. On the land
``county`` the same rows stand about thirty times as close: most have others within 50 m.

The two others read neither ``153床`` nor ``１２０`` nor dates, and take the coordinates as they
stand; for them the list must be clean UTF-8 with commas, which it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import shapely

from servicecircle.crs import metric_crs, transformer
from servicecircle.datums import wgs84_to_gcj02
from servicecircle.inputs.duplicates import propose_duplicates
from servicecircle.inputs.facilities import FacilityData, read_facilities
from servicecircle.measure.places import place_points
from servicecircle.project import FacilitySettings
from timing import machine, peak_mib, timed

SEED = 20251231
LANDS = {"province": (114.0, 26.0, 120.0, 31.0), "county": (118.0, 28.0, 119.0, 29.0)}
"""Invented lands of some 320,000 and 10,900 km²: at a million rows 3 and 92 facilities a km²."""
WAYS = {
    "ours": "ours: read, check, place",
    "pandas_alone": "pandas alone: read_csv",
    "geopandas_sjoin": "plain: read_csv and sjoin",
}
MESSY = 0.01
"""Share of cells written as offices write them."""
TITLES = [
    "机构编码", "机构名称", "详细地址", "经度", "纬度", "核定床位数", "护理型床位数", "评定等级",
    "建筑面积", "开业时间", "运营状态", "所属乡镇", "备注",
]  # fmt: skip


def make_units(count: int, land: str = "province") -> gpd.GeoDataFrame:
    """Return about ``count`` quadrangles that tile the land, borders shared."""
    west, south, east, north = LANDS[land]
    side = max(2, round(count**0.5))
    rng = np.random.default_rng(SEED)
    lon, lat = np.meshgrid(np.linspace(west, east, side + 1), np.linspace(south, north, side + 1))
    inner = (slice(1, -1), slice(1, -1))
    lon[inner] += rng.uniform(-0.3, 0.3, lon[inner].shape) * (east - west) / side
    lat[inner] += rng.uniform(-0.3, 0.3, lat[inner].shape) * (north - south) / side
    corners = np.dstack([lon, lat])
    rings = np.stack(
        [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2
    )
    # With vertices enough that a border straight in degrees is nearly so in metres.
    shapes = shapely.segmentize(shapely.polygons(rings.reshape(-1, 4, 2)), 0.02)
    names = [f"第{at + 1}乡" for at in range(side * side)]
    codes = [f"3399{at + 1:05d}" for at in range(side * side)]
    table = {"unit_id": codes, "code": codes, "name": names, "level": "township"}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326")


def write_list(
    path: Path, units: gpd.GeoDataFrame, *, rows: int, datum: str, land: str = "province"
) -> None:
    """Write the list: places all over the land, one cell of a hundred messy."""
    rng = np.random.default_rng(SEED)
    west, south, east, north = LANDS[land]
    lon, lat = rng.uniform(west, east, rows), rng.uniform(south, north, rows)
    unit = place_points(lon, lat, units.geometry.to_numpy(), gap_m=0.0).polygon
    if datum == "gcj02":
        lon, lat = wgs84_to_gcj02(lon, lat)
    number = np.arange(rows)

    def messy(texts: Any, other: Callable[[pd.Series], pd.Series]) -> pd.Series:
        series = pd.Series(texts, dtype="str")
        chosen = rng.random(rows) < MESSY
        series[chosen] = other(series[chosen])
        return series

    beds = pd.Series(rng.integers(5, 400, rows)).astype("str")
    day = np.datetime64("1990-01-01") + rng.integers(0, 12_000, rows).astype("timedelta64[D]")
    numbers = pd.Series(number).astype("str")
    street = pd.Series(rng.integers(1, 3_000, rows)).astype("str")
    columns = {
        "机构编码": "A" + numbers.str.zfill(9),
        "机构名称": messy("示例" + numbers + "号养老服务中心", lambda cell: cell + "　"),
        "详细地址": "示例县示范路" + street + "号",
        "经度": messy([f"{value:.7f}" for value in lon], lambda cell: cell + "°"),
        "纬度": messy([f"{value:.7f}" for value in lat], lambda cell: "N" + cell),
        "核定床位数": messy(beds, lambda cell: cell + "床"),
        "护理型床位数": messy(beds, lambda cell: "—" + cell.str[:0]),
        "评定等级": rng.choice(["", "1A", "2A", "3A", "4A", "5A"], rows),
        "建筑面积": [f"{value:.1f}" for value in rng.uniform(80, 9_000, rows)],
        "开业时间": messy(day.astype(str), lambda cell: cell.str[:4] + "年" + cell.str[5:7] + "月"),
        "运营状态": rng.choice(["正常运营", "在建", "停业"], rows, p=[0.9, 0.05, 0.05]),
        "所属乡镇": units["name"].to_numpy()[np.maximum(unit, 0)],
        "备注": rng.choice(["", "新"], rows, p=[0.9, 0.1]),
    }
    table = pa.table({title: pa.array(columns[title], pa.string()) for title in TITLES})
    # No cell needs quotation marks; Arrow would put them around every text.
    options = pyarrow.csv.WriteOptions(quoting_style="none", include_header=False)
    with path.open("wb") as file:
        file.write((",".join(TITLES) + "\n").encode())
        pyarrow.csv.write_csv(table, file, options)


def ours(path: Path, units: gpd.GeoDataFrame, datum: str) -> tuple[FacilityData, np.ndarray, float]:
    """Read, check and place; return the layer, the unit of each row, and seconds of reading."""
    settings = FacilitySettings(path=Path(path.name), datum=datum)  # type: ignore[arg-type]  # a choice of argparse
    read, data = timed(
        lambda: read_facilities(settings, layer="care_home", base=path.parent, units=units)
    )
    west, south, east, north = units.total_bounds
    metric = metric_crs(np.array([west, east]), np.array([south, north]))
    move = transformer("EPSG:4326", metric.crs)
    points = data.frame.geometry.to_numpy()
    x, y = move.transform(shapely.get_x(points), shapely.get_y(points))
    polygons = shapely.transform(
        units.geometry.to_numpy(),
        lambda pairs: np.column_stack(move.transform(pairs[:, 0], pairs[:, 1])),
    )
    return data, place_points(np.asarray(x), np.asarray(y), polygons).polygon, read


def pandas_alone(path: Path) -> int:
    """Read the list with pandas and nothing else; return its rows."""
    return len(pd.read_csv(path, dtype={"机构编码": "str"}))


def plain_sjoin(path: Path, units: gpd.GeoDataFrame) -> tuple[int, int]:
    """Join the list to the units the plain way; return rows in a unit, and in their own."""
    table = pd.read_csv(path)
    lon, lat = (pd.to_numeric(table[title], errors="coerce") for title in ("经度", "纬度"))
    points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326")
    found = points.sjoin(units, how="left", predicate="within")
    return int(found["unit_id"].notna().sum()), int((found["name"] == found["所属乡镇"]).sum())


def run_way(given: argparse.Namespace) -> dict[str, Any]:
    """Run one way in this process; return its seconds, its memory and what became of the rows."""
    units = make_units(given.units, given.land)
    held, best, told = peak_mib(), float("inf"), dict[str, Any]()
    for _ in range(given.repeats):
        before = time.process_time()
        seconds, (found, data) = timed(lambda: _one_way(given, units))
        if seconds < best:
            best, told = seconds, found | {"cpu_seconds": round(time.process_time() - before, 3)}
    peak = peak_mib()
    if data is not None:
        told["seconds_duplicates"] = round(timed(lambda: propose_duplicates(data.frame))[0], 3)
    return {
        "seconds": round(best, 3),
        "peak_mib": round(peak, 1),
        "held_before_mib": round(held, 1),
        **told,
    }


def _one_way(
    given: argparse.Namespace, units: gpd.GeoDataFrame
) -> tuple[dict[str, Any], FacilityData | None]:
    path = given.list
    if given.way == "pandas_alone":
        return {"counts": {"rows_by_pandas": pandas_alone(path)}}, None
    if given.way == "geopandas_sjoin":
        placed, own = plain_sjoin(path, units)
        return {"counts": {"placed_by_sjoin": placed, "in_own_unit_by_sjoin": own}}, None
    data, unit, read = ours(path, units, given.datum)
    names = units["name"].to_numpy()
    counts = {
        "rows_in": data.rows_in,
        "rows_used": len(data.frame),
        "rows_set_aside": data.rows_set_aside,
        "problems": len(data.problems),
        "proposals": len(data.proposals),
        "placed": int((unit >= 0).sum()),
        "in_own_unit": int((names[unit] == data.frame["declared_unit"].to_numpy()).sum()),
    }
    return {"counts": counts, "seconds_reading": round(read, 3)}, data


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Return seconds, rows a second and memory of each way, their ratios, and the counts."""
    before = machine(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facilities.csv"
        units = make_units(given.units, given.land)
        write_list(path, units, rows=given.rows, datum=given.datum, land=given.land)
        megabytes = path.stat().st_size / 1e6
        # The peak of a process starts at its parent's memory where it is forked: a fresh start.
        runs = {way: _in_a_process(given, way, path) for way in WAYS}
    mine = runs["ours"]
    seconds = {way: run["seconds"] for way, run in runs.items()}
    counts = [run["counts"] for run in runs.values()]
    return {
        "benchmark": "tables",
        "rows": given.rows,
        "units": len(units),
        "land": given.land,
        "datum": given.datum,
        "file_mb": round(megabytes, 2),
        "repeats": given.repeats,
        "seconds": seconds
        | {
            "ours_reading": mine["seconds_reading"],
            "ours_placing": round(mine["seconds"] - mine["seconds_reading"], 3),
            "ours_duplicates": mine["seconds_duplicates"],
        },
        "cpu_seconds": {way: run["cpu_seconds"] for way, run in runs.items()},
        "rows_a_second": {way: round(given.rows / value) for way, value in seconds.items()},
        "peak_mib": {way: run["peak_mib"] for way, run in runs.items()},
        "held_before_mib": {way: run["held_before_mib"] for way, run in runs.items()},
        "ratio": {
            f"ours_to_{way}": round(seconds["ours"] / seconds[way], 2)
            for way in WAYS
            if way != "ours"
        },
        "counts": {key: value for part in counts for key, value in part.items()},
        "machine": before,
        "pandas": pd.__version__,
    }


def _in_a_process(given: argparse.Namespace, way: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", way, "--list", str(path)]
    for name in ("units", "land", "datum", "repeats"):
        command += [f"--{name}", str(getattr(given, name))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the ways side by side, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=1_400)
    parser.add_argument("--land", choices=sorted(LANDS), default="province")
    parser.add_argument("--datum", choices=("wgs84", "cgcs2000", "gcj02"), default="gcj02")
    parser.add_argument("--repeats", type=int, default=1, help="the best of so many is taken")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here as well")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--list", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rows < 1 or given.units < 1 or given.repeats < 1:
        parser.error("--rows, --units and --repeats must be at least 1")
    if given.way is not None:
        print(json.dumps(run_way(given)))
        return
    found = measure(given)
    load = ", ".join(str(value) for value in found["machine"]["load_average"])
    print(
        f"{found['rows']:,} rows, {found['file_mb']:,} MB, {found['units']:,} units; "
        f"{found['machine']['processors']} processors, load before {load}"
    )
    for way, text in WAYS.items():
        print(
            f"{text:<28}{found['seconds'][way]:>9.2f} s{found['cpu_seconds'][way]:>9.2f} s of"
            f" processors{found['rows_a_second'][way]:>12,} rows/s"
            f"{found['peak_mib'][way]:>9,.0f} MiB at most"
        )
    for part, text in (
        ("reading", "ours, of it reading"),
        ("placing", "ours, of it placing"),
        ("duplicates", "the duplicates once more"),
    ):
        print(f"{text:<28}{found['seconds'][f'ours_{part}']:>9.2f} s")
    for key, text in (("ours_to_pandas_alone", "pandas"), ("ours_to_geopandas_sjoin", "geopandas")):
        print(f"{f'ours ÷ {text}':<28}{found['ratio'][key]:>9.2f}")
    print(", ".join(f"{key} {value:,}" for key, value in found["counts"].items()))
    if given.json is not None:
        text = json.dumps(found, ensure_ascii=False, indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
