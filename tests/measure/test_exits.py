"""Ways to where roads lead out, on one street by hand and on the demo city."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.inputs.load import read_inputs
from servicecircle.measure.access import Points
from servicecircle.measure.edge import Exits
from servicecircle.measure.exits import EXIT_COLUMNS, exit_ways, open_exits, straight_out
from servicecircle.measure.ground import lay_ground
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import profile
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel
from servicecircle.progress import Silent
from servicecircle.project import Project, load_project
from servicecircle.standards.names import settle_names

DATA = Path(__file__).resolve().parents[2] / "data"
# A street along the x axis leaves a town of 2 km at x = 2,000.
STREET = build_network([-1000, 3000], [0, 0], [0], [1])
TOWN = shapely.box(-500, -900, 2000, 900)
EXITS = Exits(
    x=np.array([2000.0]), y=np.zeros(1), crossings=1, cut=0, short=0, road_m_beyond=1000.0
)
HOMES = ([1500.0, 1000.0, 1990.0, np.nan], [40.0, 0.0, 880.0, 0.0])


def points_at(x, y):
    x, y = np.array(x, float), np.array(y, float)
    return Points(
        ids=np.array([f"p{at}" for at in range(x.size)], object), x=x, y=y,
        at=attach(STREET, x, y, max_snap_m=500.0),
    )  # fmt: skip


def project():
    return Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {"township": {"path": "t.geojson"}},
            "facilities": {"canteen": {"path": "c.csv"}},
        }
    )


def ground_of(beyond=(), *, roads=True, exits=EXITS):
    homes, facilities = points_at(*HOMES), points_at(beyond, [0.0] * len(beyond))
    way = SimpleNamespace(
        profile=profile("walk"),
        travel=metres_travel(STREET),
        demand=homes,
        attach=lambda points: points_at(points.x, points.y),
    )
    table = pd.DataFrame({"layer": "canteen", "open": True, "unit_township": [None] * len(beyond)})
    return SimpleNamespace(
        way=lambda _: way if roads else None,
        demand_points=homes,
        facility_points=facilities,
        facilities=table,
        exits=exits if roads else None,
        area=TOWN,
    )


def ways(limit_m=1000.0, **given):
    key = ("canteen", "walk")
    return exit_ways(project(), ground_of(**given), [key], limit_m=limit_m).get(key)


def test_ways_lead_over_the_road_and_not_farther_than_rules_look():
    found = ways()
    assert tuple(found) == EXIT_COLUMNS
    # 40 m to the street and 500 m along it; 1,000 m along it; 880 m off the street: unsnapped.
    assert found["exit_metres"].tolist() == pytest.approx([540, 1000, np.nan, np.nan], nan_ok=True)
    assert found["exit_seconds"][0] == pytest.approx(540 * 0.9)
    straight = [np.hypot(500, 40), 1000, np.hypot(10, 880), np.nan]
    assert found["exit_straight"].tolist() == pytest.approx(straight, nan_ok=True)
    near = ways(limit_m=520.0)
    assert np.isnan(near["exit_metres"]).all()
    assert np.isfinite(near["exit_straight"]).tolist() == [True, False, False, False]
    assert ways(limit_m=100.0) is None


def test_a_known_facility_beyond_answers_for_its_exit():
    assert ways(beyond=[2900.0]) is None
    # One at 3,100 m is farther from the exit than people go.
    assert ways(beyond=[3100.0]) is not None
    cut = Exits(x=EXITS.x, y=EXITS.y, crossings=0, cut=1, short=0, road_m_beyond=0.0)
    assert ways(beyond=[2100.0], exits=cut) is not None


def test_an_island_has_no_exit_and_without_roads_the_border_counts():
    none = Exits(x=np.empty(0), y=np.empty(0), crossings=0, cut=0, short=0, road_m_beyond=0.0)
    assert ways(exits=none) is None
    found = ways(roads=False, limit_m=600.0)
    assert list(found) == ["exit_straight"]
    assert found["exit_straight"].tolist() == pytest.approx([500, np.nan, 10, np.nan], nan_ok=True)
    assert open_exits(none, (np.zeros(1), np.zeros(1)), limit_m=1.0).size == 0
    assert np.isnan(straight_out(np.zeros(1), np.zeros(1), (none.x, none.y), limit_m=9.0)).all()


def test_on_the_demo_city_no_way_out_is_shorter_than_the_straight_line():
    demo = load_project(DATA / "demo.toml")
    inputs = read_inputs(demo, selectors=settle_names(demo).selectors(demo), progress=Silent())
    ground = lay_ground(demo, inputs)
    found = exit_ways(demo, ground, [("canteen", "elderly")], limit_m=1000.0)["canteen", "elderly"]
    metres, straight = found["exit_metres"], found["exit_straight"]
    there = np.isfinite(metres)
    assert 0 < there.sum() <= np.isfinite(straight).sum()
    # An exit lies on its road to the rounding of coordinates.
    assert (metres[there] >= straight[there] - 0.01).all()
    assert metres[there].max() <= 1000.0
    assert found["exit_seconds"][there] == pytest.approx(metres[there] * 1.2)
