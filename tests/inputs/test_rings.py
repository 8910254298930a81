"""Outlines that are none: rings that do not close, cut binaries, crossings without end."""

from __future__ import annotations

import json
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.shapes import polygons_only
from servicecircle.inputs.vectors import read_vector

OPEN = {"type": "Polygon", "coordinates": [[[119, 29], [120, 29], [120, 30], [119, 30]]]}
CLOSED = {"type": "Polygon", "coordinates": [[[119, 29], [120, 29], [120, 30], [119, 29]]]}
SHORT = {"type": "LineString", "coordinates": [[119, 29]]}


def geojson(folder, *geometries):
    path = folder / "a.geojson"
    rows = [{"type": "Feature", "properties": {"n": 1}, "geometry": one} for one in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    return path


def test_open_rings_are_closed_and_lines_of_a_point_set_aside(tmp_path):
    path = geojson(tmp_path, CLOSED, OPEN, SHORT, None)
    frame, problems = read_vector(path, name="a.geojson")
    assert shapely.area(frame.geometry.to_numpy())[:2].tolist() == [0.5, 1.0]
    assert frame.geometry.isna().tolist() == [False, False, True, True]
    found = {problem.code: (problem.row, problem.action) for problem in problems}
    assert found["vector.ring_closed"] == (2, "mended")
    assert found["vector.bad_geometry"] == (3, "set_aside")


def test_a_cut_binary_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_parquet(path)
    table = pq.read_table(path)
    at = table.column_names.index("geometry")
    cut = pd.array([table["geometry"][0].as_py()[:20]], dtype=object).tolist()
    pq.write_table(table.set_column(at, "geometry", [cut]), path)
    with pytest.raises(InputError) as caught:
        read_vector(path, name="a.parquet")
    assert caught.value.problems[0].code == "input.unreadable"


def test_crossings_without_end_are_given_up_soon():
    places = np.random.default_rng(3).random((200_000, 2))
    few = np.random.default_rng(3).random((600, 2))
    start = time.process_time()
    kept = polygons_only(
        np.array([shapely.Polygon(places), shapely.Polygon(few), shapely.box(0, 0, 1, 1)], object)
    )
    assert time.process_time() - start < 30.0
    assert [one is None for one in kept] == [True, True, False]


def shapefile(folder, count):
    folder.mkdir()
    shapes = [shapely.box(119 + at, 29, 120 + at, 30) for at in range(count)]
    frame = gpd.GeoDataFrame({"n": list(range(count))}, geometry=shapes, crs=4326)
    frame.to_file(folder / "a.shp")
    return folder / "a.shp"


@pytest.mark.parametrize("suffix", [".dbf", ".shx"])
def test_parts_of_two_exports_are_refused(tmp_path, suffix):
    path, other = shapefile(tmp_path / "one", 3), shapefile(tmp_path / "other", 2)
    assert len(read_vector(path, name="a.shp")[0]) == 3
    path.with_suffix(suffix).write_bytes(other.with_suffix(suffix).read_bytes())
    with pytest.raises(InputError) as caught:
        read_vector(path, name="a.shp")
    problem = caught.value.problems[0]
    assert problem.code == "vector.torn_shapefile"
    assert "3" in problem.text("en")
    assert "2" in problem.text("en")


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
def test_a_part_that_was_cut_is_refused(tmp_path, suffix):
    path = shapefile(tmp_path / "one", 3)
    part = path.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(InputError) as caught:
        read_vector(path, name="a.shp")
    assert caught.value.problems[0].code == "vector.cut_shapefile"
