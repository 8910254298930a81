"""All layers of the small town measured: access, coverage, circles."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.measure.layers import (
    all_access,
    all_circles,
    all_coverage,
    all_presence,
    open_points,
)
from servicecircle.measure.ways import profile_of
from servicecircle.progress import Silent


def test_access(town):
    project, _, ground = town()
    points = open_points(ground, "canteen", project.project.as_of)
    # The one that opens in 2030 is not there; the one that is not attached is.
    assert len(points.ids) == 3
    assert points.ids.tolist() == sorted(points.ids)
    assert profile_of(project, "elderly").speed_kmh == 3.0
    tables = all_access(project, ground, [("canteen", "walk"), ("canteen", "elderly")], Silent())
    assert list(tables) == [("canteen", "elderly"), ("canteen", "walk")]
    table = tables["canteen", "walk"]
    assert table["metres"].tolist()[:5] == pytest.approx([20, 770, 1050, 1010, 10], abs=1e-3)
    assert table["status"].tolist() == ["reached"] * 5 + ["unsnapped"] * 2
    # As the crow flies 四号 is nearest to (800, 700).
    assert table["straight_metres"].iloc[5] == pytest.approx(np.hypot(100, 200), abs=1e-3)
    assert tables["canteen", "elderly"]["metres"].tolist()[:5] == table["metres"].tolist()[:5]
    assert all_access(project, ground, [], Silent()) == {}


def test_coverage(town):
    project, _, ground = town()
    access = all_access(project, ground, [("canteen", "walk")], Silent())
    counts, _ = all_presence(project, ground)
    table = all_coverage(project, ground, access, counts, Silent())
    west, east = ground.units["unit_id"]

    def row(unit, rule):
        found = table[(table["unit_id"] == unit) & (table["rule"] == rule)]
        assert len(found) == 1
        return found.iloc[0]

    quarter = row(west, "15 min")
    assert (quarter["population"], quarter["covered_population"]) == (197.0, 150.0)
    assert (quarter["elderly"], quarter["covered_elderly"]) == (51.0, 40.0)
    assert quarter["unsnapped"] == 7.0
    # Two of the western canteens are open; presence counts the one without a street too.
    assert quarter["facilities"] == row(west, "presence")["facilities"] == 2
    assert row(east, "15 min")["covered_population"] == 60.0
    assert row(east, "5 min")["covered_population"] == 60.0
    assert row(east, "1000 m straight")["covered_population"] == 60.0 + 0.0
    assert row(west, "1000 m straight")["covered_population"] == 197.0 - 40.0
    assert (
        table["covered_population"].dropna()
        <= table["population"][table["covered_population"].notna()]
    ).all()


def test_circles(town):
    project, _, ground = town()
    drawn = all_circles(project, ground, Silent())
    table = drawn.circles
    # Two attached facilities and the layer, three times each.
    assert len(table) == 9
    assert table.crs.to_epsg() == 4549
    layer = table[table["facility_id"] == ""].set_index("minutes")
    assert layer["population"].tolist() == [160.0, 160.0, 210.0]
    assert layer["elderly"].tolist() == [50.0, 50.0, 60.0]
    one = ground.facilities["facility_id"].iloc[0]
    first = table[table["facility_id"] == one].set_index("minutes")
    assert first["population"].tolist() == [100.0, 100.0, 150.0]
    assert drawn.within["canteen"].tolist() == [1, 1, 0, 0, 1, 0, 0]
    assert drawn.cell_m == 10.0
    # 980 m along the street from 400 m: to its western end, its cap, and to 1,380 m.
    area = 50 * 400 + np.pi * 625 / 2 + 50 * 980 - 625
    assert first["area_m2"].loc[15.0] == pytest.approx(area, rel=0.01)
    assert len(drawn.overlaps) == 0


def test_without_roads(town):
    project, _, ground = town(roads=False)
    assert ground.network is None
    assert set(ground.facilities["snap_status"]) == {"no_roads"}
    access = all_access(project, ground, [("canteen", "walk")], Silent())
    assert set(access["canteen", "walk"]["status"]) == {"unsnapped"}
    counts, _ = all_presence(project, ground)
    table = all_coverage(project, ground, access, counts, Silent())
    assert set(table["rule"]) == {"1000 m straight", "presence"}
    drawn = all_circles(project, ground, Silent())
    assert len(drawn.circles) == 0
    assert drawn.within == {}
    assert {"layer", "facility_id", "minutes", "geometry"} <= set(drawn.circles)


def test_circles_can_be_left_out(town):
    project, _, ground = town()
    settings = project.facilities["canteen"].model_copy(update={"circles": False})
    project = project.model_copy(update={"facilities": {"canteen": settings}})
    drawn = all_circles(project, ground, Silent())
    assert len(drawn.circles) == 0
    assert drawn.within == {}
