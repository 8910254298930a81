"""A small town, from its files to its ground, with truth on paper.

It lies on the central meridian of its zone, where a metre on the map is a metre. Its one street of
3,000 m runs from west to east; the western township ends at 1,500 m.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from servicecircle.inputs.load import read_inputs
from servicecircle.measure.ground import lay_ground
from servicecircle.progress import Silent
from servicecircle.project import load_project

TO_DEGREES = Transformer.from_crs("EPSG:4549", "EPSG:4326", always_xy=True)


def degrees(x, y):
    lon, lat = TO_DEGREES.transform(
        500_000.0 + np.asarray(x, float), 3_340_000.0 + np.asarray(y, float)
    )
    return lon, lat


def shapes(*rings):
    return [shapely.Polygon(np.stack(degrees(*np.array(ring, float).T), axis=1)) for ring in rings]


def box(west, south, east, north):
    return [(west, south), (east, south), (east, north), (west, north)]


FACILITIES = [
    # name, x, y, opened, closed
    ("一号", 400, 20, "2015-01-01", ""),
    ("二号", 2600, -10, "2015-01-01", ""),
    ("三号", 1000, 0, "2030-01-01", ""),  # not open yet
    ("四号", 700, 900, "2015-01-01", ""),  # 900 m from the street
]
PEOPLE = [
    # x, y, population, elderly
    (400, 0, 100, 30),  # beside 一号: 20 m
    (1150, 0, 50, 10),  # 770 m from 一号
    (1400, 30, 40, 8),  # 1,050 m from 一号
    (1600, 0, 20, 5),  # 1,010 m from 二号, 1,220 from 一号
    (2600, 0, 60, 20),  # 10 m from 二号
    (800, 700, 7, 3),  # unsnapped
    (1000, 5100, 9, 4),  # outside all units
]


@pytest.fixture
def town(tmp_path):
    """Write the files of the town and return a function that reads and lays it out."""
    units = gpd.GeoDataFrame(
        {"name": ["西镇", "东镇"], "code": ["330101001000", "330101002000"]},
        geometry=shapes(box(-200, -1000, 1500, 1000), box(1500, -1000, 3200, 1000)),
        crs=4326,
    )
    units.to_file(tmp_path / "townships.geojson")
    area = gpd.GeoDataFrame(geometry=shapes(box(0, -500, 1200, 500)), crs=4326)
    area.to_file(tmp_path / "urban.geojson")
    streets = [[(0, 0), (3000, 0)], [(2900, 800), (3100, 800)]]
    lines = [
        shapely.LineString(np.stack(degrees(*np.array(one, float).T), axis=1)) for one in streets
    ]
    gpd.GeoDataFrame({"highway": ["residential", "residential"]}, geometry=lines, crs=4326).to_file(
        tmp_path / "roads.gpkg"
    )
    name, x, y, opened, closed = zip(*FACILITIES, strict=True)
    lon, lat = degrees(x, y)
    pd.DataFrame({"name": name, "lon": lon, "lat": lat, "opened": opened, "closed": closed}).to_csv(
        tmp_path / "canteens.csv", index=False
    )
    x, y, population, elderly = zip(*PEOPLE, strict=True)
    lon, lat = degrees(x, y)
    pd.DataFrame({"lon": lon, "lat": lat, "population": population, "elderly": elderly}).to_csv(
        tmp_path / "people.csv", index=False
    )

    def lay(roads=True, extra=""):
        text = """
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
        columns = { lon = "lon", lat = "lat", population = "population", elderly = "elderly" }
        [facilities.canteen]
        path = "canteens.csv"
        datum = "wgs84"
        profile = "walk"
        columns = { name = "name", lon = "lon", lat = "lat", opened = "opened", closed = "closed" }
        """
        if roads:
            text += '\n[roads]\npath = "roads.gpkg"\n'
        path = tmp_path / "town.toml"
        path.write_text(text.replace("\n        ", "\n") + extra, encoding="utf-8")
        project = load_project(path)
        inputs = read_inputs(project, selectors={}, progress=Silent())
        return project, inputs, lay_ground(project, inputs)

    return lay
