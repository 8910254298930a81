"""The light background of roads: the main ones first, and no more than a map bears."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from servicecircle.inputs.raw_roads import MODES, RawRoads
from servicecircle.network import background
from servicecircle.network.background import background_roads


def roads(*lines):
    """Return roads of lines (class, places in degrees)."""
    lon, lat, u, v, kind = [], [], [], [], []
    names = tuple(dict.fromkeys(name for name, _ in lines))
    for name, places in lines:
        first = len(lon)
        for x, y in places:
            lon.append(x)
            lat.append(y)
        u += range(first, len(lon) - 1)
        v += range(first + 1, len(lon))
        kind += [names.index(name)] * (len(places) - 1)
    return RawRoads(
        lon=np.array(lon, float),
        lat=np.array(lat, float),
        u=np.array(u, np.int64),
        v=np.array(v, np.int64),
        way_class=np.array(kind, np.int16),
        class_names=names,
        oneway=np.zeros(len(u), np.int8),
        allowed=dict.fromkeys(MODES, np.full(len(u), 3, np.int8)),
        private=dict.fromkeys(MODES, np.zeros(len(u), bool)),
        pushed=np.zeros(len(u), bool),
        speed_kmh=np.full(len(u), np.nan),
        ferry=np.zeros(len(u), bool),
        structure=np.zeros(len(u), bool),
        barred=dict.fromkeys(MODES, np.empty(0, np.int64)),
        name_index=np.full(len(u), -1, np.int32),
        road_names=(),
        source="roads.gpkg",
        counts={},
    )


TOWN = roads(
    ("footway", [(0.1, 0), (0.1, 0.1), (0.2, 0.2)]),
    ("primary", [(0, 0), (0.5, 0), (1, 0)]),
    ("goat track", [(0, 1), (1, 1)]),
    ("residential", [(0, 0), (0, 0.5)]),
)


def test_the_main_roads_first():
    table = background_roads(TOWN)
    assert table["class"].tolist() == ["primary", "residential", "footway", "goat track"]
    assert table.crs.to_epsg() == 4326
    assert (table.geom_type == "MultiLineString").all()
    # A straight line of three vertices needs two.
    assert shapely.get_num_coordinates(table.geometry.to_numpy()).tolist() == [2, 2, 3, 2]
    assert table.geometry.iloc[0].length == pytest.approx(1.0)


def test_a_budget_of_vertices(monkeypatch):
    monkeypatch.setattr(background, "_MOST_VERTICES", 5)
    assert background_roads(TOWN)["class"].tolist() == ["primary", "residential"]
    # The most important class is drawn, whatever it costs.
    monkeypatch.setattr(background, "_MOST_VERTICES", 1)
    assert background_roads(TOWN)["class"].tolist() == ["primary"]


@pytest.mark.parametrize("none", [None, roads()])
def test_no_roads(none):
    table = background_roads(none)
    assert len(table) == 0
    assert table.crs.to_epsg() == 4326
