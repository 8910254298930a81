"""From roads to a network per mode and travel by a profile, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.inputs.raw_roads import MODES, Lines, WayRules, roads_of
from servicecircle.network.modes import mode_network, profile_travel
from servicecircle.network.profiles import drive_kmh, profile
from servicecircle.network.reach import nearest
from servicecircle.network.snap import attach


def street(*stops, classes, allowed=None, speed=None, barred=None, **flags):
    """Return a street of one segment a class through places in metres, as raw roads."""
    m = len(classes)
    both = np.full(m, 3, np.int8)
    no = np.zeros(m, bool)
    rules = WayRules(
        allowed={mode: np.array((allowed or {}).get(mode, both), np.int8) for mode in MODES},
        private=dict.fromkeys(MODES, no),
        speed_kmh=np.full(m, np.nan) if speed is None else np.array(speed, float),
        **{name: np.array(flags.get(name, no)) for name in ("pushed", "ferry", "structure")},
    )
    x, y = np.array(stops, float).T
    lines = Lines(
        lon=x,
        lat=y,
        vertex=np.stack([np.arange(m), np.arange(1, m + 1)], axis=1).ravel(),
        line=np.repeat(np.arange(m), 2),
        highway=classes,
        oneway=np.zeros(m, np.int8),
        rules=rules,
        names=[""] * m,
        barred={mode: np.isin(np.arange(x.size), at) for mode, at in (barred or {}).items()},
    )
    roads, _ = roads_of(lines, source="a", counts={}, merge_repeated=False)
    return roads


def travel(roads, name, **more):
    laid = mode_network(roads, roads.lon, roads.lat, mode=profile(name).mode, min_component_m=0)
    return profile_travel(laid, roads, profile(name), **more)


def cost(travel, start, end):
    points = [attach(travel.network, [x], [y]) for x, y in (start, end)]
    return nearest(travel, *points).cost.tolist()[0]


THREE = ((0, 0), (900, 0), (1800, 0), (2700, 0))


def test_on_foot_it_is_metres_whatever_the_class_and_the_limit():
    roads = street(*THREE, classes=["primary", "path", "motorway"], speed=[50, np.nan, 120])
    for name in ("walk", "elderly", "wheelchair"):
        way = travel(roads, name)
        assert (way.unit, way.forward.tolist()) == ("metres", [900.0, 900.0, 900.0])


def test_driving_takes_the_stated_limit_else_the_class():
    roads = street(*THREE, classes=["primary", "byway", "residential"], speed=[90, np.nan, np.nan])
    way = travel(roads, "drive")
    assert drive_kmh()["residential"] == drive_kmh()["other"] == 30.0
    np.testing.assert_allclose(way.forward, [900 / 25, 900 / (30 / 3.6), 900 / (30 / 3.6)])
    assert way.leg_cost == pytest.approx(3.6 / 4.0)
    # Ten metres on foot, 100 m at 90 km/h, ten metres on foot.
    assert cost(way, (100, 10), (200, -10)) == pytest.approx(9 + 4 + 9)


@pytest.mark.parametrize("limit", [0.0, -5.0, np.nan])
def test_a_limit_at_which_nobody_arrives_is_none(limit):
    roads = street(*THREE, classes=["residential"] * 3, speed=[limit, 30, 30])
    assert np.unique(travel(roads, "drive").forward).size == 1


def test_one_way_for_cars_is_both_ways_for_walkers():
    roads = street(*THREE, classes=["primary"] * 3, allowed={"drive": [1, 1, 2]})
    way = travel(roads, "drive")
    assert np.isinf(way.backward).tolist() == [True, True, False]
    assert np.isinf(way.forward).tolist() == [False, False, True]
    assert travel(roads, "walk").both_ways


def test_each_mode_has_its_own_network():
    roads = street(
        *THREE, classes=["primary"] * 3, allowed={"drive": [3, 0, 3], "cycle": [0, 3, 3]}
    )
    assert travel(roads, "drive").network.u.size == 2
    assert travel(roads, "drive").network.component_m.tolist() == [900.0, 900.0]
    assert travel(roads, "cycle").network.component_m.tolist() == [1800.0]
    laid = mode_network(roads, roads.lon, roads.lat, mode="cycle", min_component_m=0)
    assert laid.segment.tolist() == [1, 2]
    np.testing.assert_array_equal(laid.network.x, roads.lon[laid.node])


def test_nobody_gets_on_at_a_motorway_or_a_ferry():
    roads = street(*THREE, classes=["residential", "motorway", "ferry"], ferry=[False, False, True])
    way = travel(roads, "drive")
    assert way.network.eligible.tolist() == [True, False, False]
    # The ferry without a timetable at 15 km/h.
    assert way.forward[2] == pytest.approx(900 / (15 / 3.6))
    on_foot = travel(roads, "walk")
    assert on_foot.unit == "seconds"
    assert on_foot.network.eligible.tolist() == [True, True, False]
    np.testing.assert_allclose(on_foot.forward, [810.0, 810.0, 216.0])


def test_a_ferry_goes_by_its_timetable():
    roads = street(*THREE, classes=["path"] * 3, ferry=[False, True, False], speed=[50, 20, 50])
    assert travel(roads, "elderly").forward.tolist() == pytest.approx([1080.0, 162.0, 1080.0])


def test_cyclists_dismount_at_walking_speed():
    roads = street(*THREE, classes=["cycleway"] * 3, pushed=[False, True, False])
    assert travel(roads, "cycle").forward.tolist() == pytest.approx([270.0, 810.0, 270.0])
    assert travel(roads, "ebike").forward.tolist() == pytest.approx([216.0, 810.0, 216.0])
    assert travel(roads, "walk").unit == "metres"


def test_a_barred_node_is_an_end_for_its_mode_alone():
    roads = street(*THREE, classes=["residential"] * 3, barred={"drive": [1]})
    way = travel(roads, "drive")
    assert way.network.component_m.tolist() in ([900.0, 1800.0], [1800.0, 900.0])
    assert np.isnan(cost(way, (500, 0), (1000, 0)))
    assert cost(way, (1000, 0), (2000, 0)) == pytest.approx(120.0)
    assert cost(travel(roads, "walk"), (500, 0), (1000, 0)) == 500.0
    # Up to the barrier the street can be attached to from both sides.
    assert attach(way.network, [890, 910], [5, 5]).leg_m.tolist() == [5.0, 5.0]


class TestSlopes:
    roads = street(*THREE, classes=["path"] * 3)
    heights = np.array([0.0, 90.0, 90.0, 45.0])

    def test_each_direction_has_its_own_time(self):
        way = travel(self.roads, "walk", heights_m=self.heights)
        assert way.unit == "seconds"
        flat = 900 / (4 / 3.6)
        up, down = np.exp(3.5 * 0.1), np.exp(3.5 * 0.0)
        np.testing.assert_allclose(way.forward, [flat * up, flat, flat * np.exp(-3.5 * 0.05)])
        np.testing.assert_allclose(way.backward, [flat * down, flat, flat * np.exp(3.5 * 0.05)])

    def test_a_wheelchair_takes_nothing_too_steep(self):
        way = travel(self.roads, "wheelchair", heights_m=self.heights)
        assert np.isinf(way.forward).tolist() == [True, False, False]
        assert np.isinf(way.backward).tolist() == [True, False, False]

    def test_cars_and_bicycles_mind_no_slope(self):
        for name in ("drive", "cycle", "ebike"):
            hilly = travel(self.roads, name, heights_m=self.heights)
            np.testing.assert_array_equal(hilly.forward, travel(self.roads, name).forward)

    def test_a_bridge_rises_evenly_whatever_the_ground_under_it(self):
        gorge = np.array([0.0, -50.0, -60.0, 270.0])
        roads = street(*THREE, classes=["path"] * 3, structure=[True] * 3)
        way = travel(roads, "walk", heights_m=gorge)
        # 270 m on 2,700 m: a tenth, all the way.
        np.testing.assert_allclose(way.forward, 810.0 * np.exp(3.5 * 0.1))
        np.testing.assert_allclose(way.backward, 810.0)
        ground = travel(self.roads, "walk", heights_m=gorge)
        assert ground.forward[2] > 2.0 * way.forward[2]

    def test_level_ground_is_as_without_a_dem(self):
        way = travel(self.roads, "walk", heights_m=np.full(4, 8.0))
        flat = travel(self.roads, "walk")
        np.testing.assert_allclose(way.forward, flat.forward * 0.9)


def test_a_mode_that_may_use_nothing_has_an_empty_network():
    roads = street(*THREE, classes=["path"] * 3, allowed={"drive": [0, 0, 0]})
    way = travel(roads, "drive")
    assert way.network.u.size == way.network.x.size == 0
