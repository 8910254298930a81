"""A large raster of people read window by window, and zonal sums, beside the usual ways.

    python scripts/benchmarks/raster.py [--size 20000] [--zonal-size 5000] [--polygons 1000]
                                        [--json PATH]

Rasters and polygons are invented, drawn from a seed into a temporary folder: compressed, tiled
GeoTIFFs of 10 m cells, two fifths of their blocks without data, few cells with people. Each way
runs in a process of its own, one after the other, for its own peak of memory:

- cells: ``read_cells`` (windows that follow the blocks; masked cells counted; centres in WGS84),
  beside rasterio and numpy reading the whole band at once;
- people by polygon from cell centres: ``read_cells`` and ``place_points``, beside plain
  ``geopandas.sjoin`` of a point a cell;
- people by polygon, exact shares of cells: ``zonal_sums``, beside exactextract itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from servicecircle.crs import transformer
from servicecircle.inputs.raster import RasterSource, read_cells
from servicecircle.inputs.zonal import zonal_sums
from servicecircle.measure.places import place_points

SEED = 20251231
CELL_M = 10.0
WEST, NORTH = 400_000.0, 3_400_000.0
CRS = "EPSG:4549"
NODATA = -9999.0
BLOCK = 512
EMPTY_BLOCKS, TOWN_BLOCKS = 0.4, 0.08
SHARE_IN_TOWN, SHARE_IN_COUNTRY = 0.15, 0.025


def make_raster(path: Path, size: int) -> None:
    """Write a raster of ``size`` by ``size`` cells, block by block."""
    rng = np.random.default_rng(SEED)
    grid = Affine(CELL_M, 0.0, WEST, 0.0, -CELL_M, NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", width=size, height=size, count=1, dtype="float32", crs=CRS,
        transform=grid, nodata=NODATA, tiled=True, blockxsize=BLOCK, blockysize=BLOCK,
        compress="deflate", BIGTIFF="IF_SAFER",
    ) as file:  # fmt: skip
        for top in range(0, size, BLOCK):
            for left in range(0, size, BLOCK):
                shape = (min(BLOCK, size - top), min(BLOCK, size - left))
                values = np.full(shape, NODATA, np.float32)
                kind = rng.random()
                # The first block has people, also in a raster of one block.
                if kind >= EMPTY_BLOCKS or not (top or left):
                    values[:] = 0.0
                    town = kind > 1.0 - TOWN_BLOCKS
                    lived = rng.random(shape) < (SHARE_IN_TOWN if town else SHARE_IN_COUNTRY)
                    values[lived] = rng.gamma(2.0, 3.0, int(lived.sum()))
                file.write(values, 1, window=Window(left, top, shape[1], shape[0]))


def make_polygons(path: Path, size: int, count: int) -> None:
    """Write about ``count`` quadrangles with uneven sides that tile most of a raster."""
    rng = np.random.default_rng(SEED)
    side = max(round(count**0.5), 1)
    metres = size * CELL_M
    lines = np.linspace(0.01, 0.99, side + 1) * metres
    x, y = np.meshgrid(WEST + lines, NORTH - metres + lines)
    inner = (slice(1, -1), slice(1, -1))
    for places in (x, y):
        places[inner] += rng.uniform(-0.3, 0.3, places[inner].shape) * metres / side
    corners = np.dstack([x, y])
    rings = np.stack(
        [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2
    )
    shapes = shapely.segmentize(shapely.polygons(rings.reshape(-1, 4, 2)), metres / side / 50.0)
    gpd.GeoDataFrame({"unit": range(len(shapes))}, geometry=shapes, crs=CRS).to_parquet(path)


def _ours_cells(raster: Path, _: Path) -> tuple[int, float]:
    cells = read_cells(RasterSource(path=raster, name=raster.name, kind="count"))
    return len(cells.row), cells.balance["people_used"]


def _numpy_cells(raster: Path, _: Path) -> tuple[int, float]:
    with rasterio.open(raster) as file:
        values = file.read(1, masked=True)
        row, col = np.nonzero(values.filled(0.0) > 0.0)
        people = values.data[row, col].astype(np.float64)
        x, y = file.transform.c + (col + 0.5) * CELL_M, file.transform.f - (row + 0.5) * CELL_M
    transformer(CRS, "EPSG:4326").transform(x, y)
    return len(row), float(people.sum())


def _ours_units(raster: Path, polygons: Path) -> tuple[int, float]:
    units = gpd.read_parquet(polygons)
    cells = read_cells(RasterSource(path=raster, name=raster.name, kind="count"))
    x, y = transformer("EPSG:4326", CRS).transform(cells.lon, cells.lat)
    unit = place_points(x, y, units.geometry.to_numpy(), gap_m=0.0).polygon
    sums = np.bincount(unit[unit >= 0], cells.population[unit >= 0], len(units))
    return len(units), float(sums.sum())


def _sjoin_units(raster: Path, polygons: Path) -> tuple[int, float]:
    units = gpd.read_parquet(polygons)
    with rasterio.open(raster) as file:
        values = file.read(1, masked=True)
        row, col = np.nonzero(values.filled(0.0) > 0.0)
        people = values.data[row, col].astype(np.float64)
        x, y = file.transform.c + (col + 0.5) * CELL_M, file.transform.f - (row + 0.5) * CELL_M
    points = gpd.GeoDataFrame({"people": people}, geometry=gpd.points_from_xy(x, y), crs=CRS)
    joined = gpd.sjoin(points, units, predicate="intersects")
    return len(units), float(joined.groupby("unit")["people"].sum().sum())


def _ours_zonal(raster: Path, polygons: Path) -> tuple[int, float]:
    units = gpd.read_parquet(polygons)
    people, _ = zonal_sums(raster, units.geometry, name=raster.name, kind="count")
    return len(units), float(people.sum())


def _exactextract_zonal(raster: Path, polygons: Path) -> tuple[int, float]:
    from exactextract import exact_extract

    units = gpd.read_parquet(polygons)
    table = exact_extract(str(raster), units, ["sum"], output="pandas")
    return len(units), float(table["sum"].sum())


WAYS: dict[str, Callable[[Path, Path], tuple[int, float]]] = {
    "ours: cells": _ours_cells,
    "rasterio and numpy: cells": _numpy_cells,
    "ours: people by unit": _ours_units,
    "geopandas.sjoin: people by unit": _sjoin_units,
    "ours: exact zonal sums": _ours_zonal,
    "exactextract: exact zonal sums": _exactextract_zonal,
}


def measure(way: str, raster: Path, polygons: Path) -> dict[str, Any]:
    """Run one way in this process and return its seconds, peak memory and result."""
    before = _peak_mib()
    start = time.perf_counter()
    count, people = WAYS[way](raster, polygons)
    seconds = time.perf_counter() - start
    return {
        "way": way,
        "seconds": round(seconds, 3),
        "peak_mib": round(_peak_mib(), 1),
        "libraries_mib": round(before, 1),
        "count": count,
        "people": people,
    }


def _peak_mib() -> float:
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _in_own_process(way: str, raster: Path, polygons: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", way, str(raster), str(polygons)]
    # The peak of a process starts at its parent's memory where it is forked: a fresh start.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Make the inputs, run every way, print both sides."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=20_000, help="cells on a side of the raster")
    parser.add_argument("--zonal-size", type=int, default=5_000, help="the same, of zonal sums")
    parser.add_argument("--polygons", type=int, default=1_000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measure(given.way[0], Path(given.way[1]), Path(given.way[2]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        inputs = {}
        for name, size in (("large", given.size), ("zonal", min(given.zonal_size, given.size))):
            inputs[name] = Path(folder) / f"{name}.tif", Path(folder) / f"{name}.parquet"
            make_raster(inputs[name][0], size)
            make_polygons(inputs[name][1], size, given.polygons)
            print(f"{name}: {size} x {size} cells, {inputs[name][0].stat().st_size / 1e6:.1f} MB")
        results = [
            _in_own_process(way, *inputs["zonal" if "zonal" in way else "large"]) for way in WAYS
        ]
    for ours, other in zip(results[::2], results[1::2], strict=True):
        for one in (ours, other):
            print(
                f"{one['way']:<34}{one['seconds']:>9.2f} s{one['peak_mib']:>9.0f} MiB"
                f"{one['count']:>12,}{one['people']:>18,.1f} people"
            )
        faster, smaller = (other[key] / ours[key] for key in ("seconds", "peak_mib"))
        print(f"{'':<34}{faster:>9.2f} x{smaller:>9.2f} x")
    if given.json:
        text = json.dumps({"size": given.size, "results": results}, indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
