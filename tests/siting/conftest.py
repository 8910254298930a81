"""A small town to find candidates in, with truth on paper.

A street of 3,000 m runs from west to east; at 1,000 m another one of 800 m crosses it. The western
township ends at 1,500 m. A lake lies over the street from 2,000 to 2,400 m.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from servicecircle.inputs.load import read_inputs
from servicecircle.inputs.sites import read_sites
from servicecircle.measure.ground import lay_ground
from servicecircle.progress import Silent
from servicecircle.project import load_project

TO_DEGREES = Transformer.from_crs("EPSG:4549", "EPSG:4326", always_xy=True)

HOMES = [("一号", "H1", 400, 20, 50, ""), ("二号", "H2", 2600, -10, 30, ""),
         ("三号", "H3", 1000, 0, 20, "2030-01-01")]  # fmt: skip
CENTRES = [("社区中心", 700, 10), ("湖心", 2200, 0), ("远处", 700, 5000)]
PEOPLE = [(400, 0, 100, 30), (1150, 0, 50, 10), (1000, 380, 40, 8), (1600, 0, 20, 5),
          (2600, 0, 60, 20), (800, 700, 7, 3), (2900, -40, 10, 4)]  # fmt: skip
PROJECT = """
[project]
name = "town"
as_of = 2025-12-31
[boundaries.township]
path = "townships.geojson"
[boundaries.main_urban_area]
path = "urban.geojson"
[population]
points = "people.csv"
basis = "resident"
datum = "wgs84"
date = 2020-11-01
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
profile = "elderly"
[facilities.community_service_center]
path = "centres.csv"
datum = "wgs84"
"""


def degrees(x, y):
    return TO_DEGREES.transform(
        500_000.0 + np.asarray(x, float), 3_340_000.0 + np.asarray(y, float)
    )


def in_degrees(shape):
    return shapely.transform(shape, lambda points: np.stack(degrees(*points.T), axis=1))


def write_shapes(path, shapes, **columns):
    turned = [in_degrees(shape) for shape in shapes]
    gpd.GeoDataFrame(columns, geometry=turned, crs=4326).to_file(path)


def write_table(path, x, y, **columns):
    lon, lat = degrees(x, y)
    pd.DataFrame({**columns, "lon": lon, "lat": lat}).to_csv(path, index=False)


@pytest.fixture
def siting_town(tmp_path):
    """Write the files of the town and return a function that reads and lays it out."""
    write_shapes(
        tmp_path / "townships.geojson",
        [shapely.box(-200, -1000, 1500, 1000), shapely.box(1500, -1000, 3200, 1000)],
        name=["西镇", "东镇"],
        code=["330101001000", "330101002000"],
    )
    write_shapes(tmp_path / "urban.geojson", [shapely.box(0, -500, 1200, 500)])
    write_shapes(
        tmp_path / "roads.gpkg",
        [
            shapely.LineString([(0, 0), (1000, 0), (3000, 0)]),
            shapely.LineString([(1000, -400), (1000, 0), (1000, 400)]),
        ],
        highway=["residential", "tertiary"],
        name=["大街", "横街"],
    )
    write_shapes(tmp_path / "lake.geojson", [shapely.box(2000, -100, 2400, 100)], name=["湖"])
    name, code, x, y, beds, opened = zip(*HOMES, strict=True)
    write_table(tmp_path / "homes.csv", x, y, name=name, code=code, capacity=beds, opened=opened)
    name, x, y = zip(*CENTRES, strict=True)
    write_table(tmp_path / "centres.csv", x, y, name=name)
    x, y, population, elderly = zip(*PEOPLE, strict=True)
    write_table(tmp_path / "people.csv", x, y, population=population, elderly=elderly)

    def lay(extra="", *, roads='\n[roads]\npath = "roads.gpkg"\n'):
        path = tmp_path / "town.toml"
        path.write_text(PROJECT + roads + extra, encoding="utf-8")
        project = load_project(path)
        inputs = read_inputs(project, selectors={}, progress=Silent())
        return project, lay_ground(project, inputs), read_sites(project, inputs)

    lay.folder = tmp_path
    lay.table = write_table
    lay.shapes = write_shapes
    return lay
