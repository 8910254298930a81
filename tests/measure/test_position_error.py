"""Facilities whose place is only known to some metres: the least and the most of every way."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.access import Points, layer_access
from servicecircle.measure.position_error import position_bounds
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import profile
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel

WALK = profile("walk")
# A straight street of 4 km along the x axis, a node every 1,000 m.
STREET = build_network([0, 1000, 2000, 3000, 4000], [0, 0, 0, 0, 0], [0, 1, 2, 3], [1, 2, 3, 4])
TRAVEL = metres_travel(STREET)


def at(*places):
    x, y = (np.array(one, float) for one in zip(*places, strict=True))
    ids = np.array([f"p{number}" for number in range(x.size)], object)
    return Points(ids=ids, x=x, y=y, at=attach(STREET, x, y))


def bounds(demand, facilities, errors, *, travel=TRAVEL):
    measure = partial(layer_access, demand, layer="canteen", profile=WALK, travel=travel)
    found = position_bounds(
        measure,
        demand,
        facilities,
        error_m=np.array(errors, float),
        travel=travel,
        seconds_per_metre=3.6 / WALK.speed_kmh,
    )
    return {name: values.tolist() for name, values in found.items()}


def test_one_facility_by_hand():
    # 800 m and 300 m along the street, and a leg of 20 m at the facility.
    found = bounds(at((200, 0), (1300, 0)), at((1000, 20)), [250])
    assert found["metres_least"] == [570, 70]
    assert found["metres_most"] == [1070, 570]
    # 4 km/h is 0.9 s a metre.
    assert found["seconds_least"] == pytest.approx([513, 63])
    assert found["seconds_most"] == pytest.approx([963, 513])
    assert found["straight_least"] == pytest.approx(
        [np.hypot(800, 20) - 250, np.hypot(300, 20) - 250]
    )


def test_nothing_is_nearer_than_nothing():
    found = bounds(at((900, 0)), at((1000, 0)), [400])
    assert (found["metres_least"], found["straight_least"]) == ([0], [0])


def test_an_exact_facility_behind_a_vague_one_bounds_the_most():
    # The vague one is at 300 m and may be at 1,100 m; the exact one is at 500 m.
    found = bounds(at((1000, 0)), at((1300, 0), (1500, 0)), [800, 0])
    assert found["metres_most"] == [500]
    assert found["metres_least"] == [0]


def test_a_vague_facility_behind_an_exact_one_bounds_the_least():
    # The exact one is at 400 m; the vague one at 900 m may be at 100 m.
    found = bounds(at((1000, 0)), at((1400, 0), (1900, 0)), [0, 800])
    assert (found["metres_least"], found["metres_most"]) == ([100], [400])


def test_a_vague_facility_far_from_the_road_may_stand_on_it():
    # 2 km off the street it is unsnapped; within 1,900 m of there it may be 100 m away.
    found = bounds(at((1000, 0)), at((1000, 2000), (3000, 0)), [1900, 0])
    assert (found["metres_least"], found["metres_most"]) == ([100], [2000])
    assert found["seconds_least"] == pytest.approx([90])
    # An exact one there is not reached at all.
    found = bounds(at((1000, 0)), at((1000, 2000), (3000, 0)), [0, 0])
    assert found["metres_least"] == [2000]


def test_without_roads_only_the_straight_lines():
    found = bounds(at((0, 0)), at((300, 400)), [100], travel=None)
    assert (found["straight_least"], found["straight_most"]) == ([400], [600])
    assert np.isnan(found["metres_least"]).all()


@given(
    st.lists(st.integers(0, 4000), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 1500)), min_size=1, max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_the_bounds_are_those_of_all_facilities_one_by_one(people, sites):
    found = bounds(
        at(*((x, 0) for x in people)), at(*((x, 0) for x, _ in sites)), [e for _, e in sites]
    )
    for row, x in enumerate(people):
        least = min(max(abs(x - site) - error, 0) for site, error in sites)
        most = min(abs(x - site) + error for site, error in sites)
        for name in ("metres", "straight"):
            assert found[f"{name}_least"][row] == pytest.approx(least, abs=1e-6)
            assert found[f"{name}_most"][row] == pytest.approx(most, abs=1e-6)
