"""Gaps in real roads: none on the Isle of Man, one where roads are taken away; no footways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from servicecircle.crs import metric_crs, transformer
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.roads import read_roads
from servicecircle.measure.completeness import road_completeness, road_metres
from servicecircle.measure.edge import near_edge, outer_area, road_exits
from servicecircle.project import BoundarySettings, RoadSettings

PBF = Path("isle_of_man/isle_of_man_2020-03-14.osm.pbf")


@pytest.fixture(scope="module")
def island(shared):
    units, _ = read_boundaries(
        BoundarySettings(path=PBF, admin_level=8), level="township", base=shared
    )
    roads, _ = read_roads(RoadSettings(path=PBF), base=shared)
    bounds = units.total_bounds
    move = transformer("EPSG:4326", metric_crs(bounds[[0, 2]], bounds[[1, 3]]).crs)
    x, y = move.transform(roads.lon, roads.lat)
    shapes = shapely.transform(
        units.geometry.to_numpy(), lambda xy: np.column_stack(move.transform(*xy.T))
    )
    walked = roads.walk & ~roads.ferry
    return units, shapes, x, y, (roads.u[walked], roads.v[walked]), roads, walked


def test_the_island_has_no_gap_and_a_made_one_is_found(island):
    units, shapes, x, y, ends, *_ = island
    people = np.full(len(units), 500.0)
    road_m = road_metres(x, y, ends, shapes)
    assert road_m.sum() > 2e6
    found = road_completeness(units, shapes, road_m=road_m, people=people)
    assert "none" not in set(found["status"])
    assert found.loc[found["name"] == "Malew", "status"].tolist() == ["ok"]
    # Nine of ten segments of one parish are taken away.
    malew = shapes[units["name"].to_numpy() == "Malew"][0]
    middle = (x[ends[0]] + x[ends[1]]) / 2, (y[ends[0]] + y[ends[1]]) / 2
    kept = ~shapely.contains_xy(malew, *middle) | (np.arange(ends[0].size) % 10 == 0)
    road_m = road_metres(x, y, (ends[0][kept], ends[1][kept]), shapes)
    after = road_completeness(units, shapes, road_m=road_m, people=people)
    changed = after.loc[after["status"].to_numpy() != found["status"].to_numpy(), "name"]
    assert changed.tolist() == ["Malew"]


def test_no_road_leads_off_an_island(island):
    units, shapes, x, y, ends, roads, walked = island
    area = outer_area(shapes, units["level"].to_numpy(object))
    assert area.area == pytest.approx(572e6, rel=0.01)
    by_ways = {"footway", "path", "pedestrian", "steps", "service", "track", "cycleway",
               "bridleway", "corridor"}  # fmt: skip
    street = np.array([name not in by_ways for name in roads.class_names])
    exits = road_exits(x, y, ends, area, limit_m=1000.0, through=street[roads.way_class[walked]])
    assert (exits.crossings, exits.cut, exits.x.size) == (0, 0, 0)
    assert not near_edge(x, y, area, limit_m=1000.0, exits=exits).near.any()
    # One half of the island alone has many.
    half = shapely.intersection(area, shapely.box(*area.bounds[:3], np.median(y)))
    exits = road_exits(x, y, ends, half, limit_m=1000.0)
    assert exits.crossings > 20
    assert exits.short < exits.crossings / 2
