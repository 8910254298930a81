"""Travel with a cost each way: by hand, and random one-way networks against the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.graph import build_network
from servicecircle.network.reach import costs_from, nearest, searches
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel, timed_travel

LEG_KMH = 3.6  # a metre a second


def street(*stops, forward, backward, min_component_m=0.0):
    """Return travel along a street through some places, seconds each way."""
    x, y = np.array(stops, float).T
    at = np.arange(len(stops) - 1)
    network = build_network(x, y, at, at + 1, min_component_m=min_component_m)
    return timed_travel(network, forward, backward, leg_kmh=LEG_KMH)


def block():
    """Return a block of four one-way streets, driven round as the clock goes against."""
    network = build_network([0, 600, 600, 0], [0, 0, 400, 400], [0, 1, 2, 3], [1, 2, 3, 0])
    return timed_travel(network, [60, 40, 60, 40], [np.inf] * 4, leg_kmh=LEG_KMH)


def near(travel, demand, facility, direction="to"):
    at = [attach(travel.network, *np.reshape(places, (-1, 2)).T) for places in (demand, facility)]
    return nearest(travel, *at, direction=direction)


class TestOneWay:
    def test_with_the_traffic_along_the_edge(self):
        found = near(block(), [100, 5], [500, -3])
        assert found.cost.tolist() == [5 + 40 + 3]
        assert found.metres.tolist() == [5 + 400 + 3]

    def test_against_it_around_the_block(self):
        found = near(block(), [500, 5], [100, -3])
        # 100 m to the corner, three streets, 100 m.
        assert found.cost.tolist() == [5 + 10 + 40 + 60 + 40 + 10 + 3]
        assert found.metres.tolist() == [5 + 100 + 400 + 600 + 400 + 100 + 3]

    def test_from_the_facility_it_is_the_other_way(self):
        assert near(block(), [500, 5], [100, -3], "from").cost.tolist() == [5 + 40 + 3]
        assert near(block(), [100, 5], [500, -3], "from").cost.tolist() == [168]

    def test_at_the_same_foot_nothing_is_driven(self):
        assert near(block(), [300, 5], [300, -3]).cost.tolist() == [8.0]
        assert near(block(), [300, 5], [300, -3], "from").cost.tolist() == [8.0]

    def test_a_foot_at_an_end_is_that_crossing(self):
        # Beyond the far end of a one-way street: at its end, and from there the other street.
        travel = street((0, 0), (500, 0), (500, 300), forward=[50, 30], backward=[np.inf, 30])
        assert near(travel, [500, -7], [500, 100]).cost.tolist() == [7 + 10]

    def test_no_way_back_is_unreachable(self):
        travel = street((0, 0), (500, 0), (1000, 0), forward=[50, 50], backward=[np.inf, np.inf])
        there, back = near(travel, [100, 0], [900, 0]), near(travel, [900, 0], [100, 0])
        assert there.cost.tolist() == [80.0]
        assert np.isnan(back.cost).all()
        assert np.isnan(back.metres).all()
        assert back.target.tolist() == [-1]

    def test_two_one_way_lines_between_the_same_nodes_are_a_street_both_ways(self):
        network = build_network([0, 1000], [0, 0], [0, 1], [1, 0], min_component_m=0)
        travel = timed_travel(network, [100, 50], [np.inf, np.inf], leg_kmh=LEG_KMH)
        assert near(travel, [100, 0], [600, 0]).cost.tolist() == [50.0]
        assert near(travel, [600, 0], [100, 0]).cost.tolist() == [25.0]


def test_the_quickest_way_is_not_the_shortest_and_gives_its_metres():
    # 1,000 m of a lane at 5 m/s, or 1,400 m of a road at 20 m/s.
    network = build_network([0, 1000, 0, 1000], [0, 0, 200, 200], [0, 0, 2, 3], [1, 2, 3, 1])
    seconds = np.array([200.0, 10.0, 50.0, 10.0])
    travel = timed_travel(network, seconds, seconds, leg_kmh=LEG_KMH)
    found = near(travel, [0, 0], [1000, 0])
    assert found.cost.tolist() == [70.0]
    assert found.metres.tolist() == [1400.0]
    assert near(metres_travel(network), [0, 0], [1000, 0]).metres.tolist() == [1000.0]


def test_both_ways_alike_is_one_set_of_arcs():
    travel = street((0, 0), (500, 0), forward=[50], backward=[50])
    assert travel.both_ways
    assert travel.inward is travel.outward
    assert not block().both_ways


def test_metres_per_cost_bounds_what_a_cost_covers():
    travel = street((0, 0), (500, 0), (900, 0), forward=[50, 10], backward=[np.inf, 80])
    assert travel.metres_per_cost == 40.0
    slow = street((0, 0), (500, 0), forward=[5000], backward=[5000])
    assert slow.metres_per_cost == 1.0


@pytest.mark.parametrize(
    ("forward", "backward", "text"),
    [
        ([0.0], [5.0], "zero over some metres"),
        ([5.0], [0.0], "zero over some metres"),
        ([-1.0], [5.0], "negative"),
        ([np.nan], [5.0], "NaN"),
        ([5.0, 5.0], [5.0], "must have the shape"),
    ],
)
def test_impossible_seconds_are_refused(forward, backward, text):
    network = build_network([0, 100], [0, 0], [0], [1])
    with pytest.raises(ValueError, match=text):
        timed_travel(network, forward, backward, leg_kmh=4)


@pytest.mark.parametrize("speed", [0.0, -1.0, np.inf, np.nan])
def test_impossible_leg_speeds_are_refused(speed):
    network = build_network([0, 100], [0, 0], [0], [1])
    with pytest.raises(ValueError, match="access legs"):
        timed_travel(network, [1], [1], leg_kmh=speed)


def test_an_edge_closed_both_ways_is_no_way():
    travel = street((0, 0), (500, 0), (900, 0), forward=[50, np.inf], backward=[50, np.inf])
    assert near(travel, [0, 0], [400, 0]).cost.tolist() == [40.0]
    assert np.isnan(near(travel, [600, 0], [0, 0]).cost).all()


def test_inputs_are_not_changed():
    network = build_network([0, 100], [0, 0], [0, 1], [1, 0])
    forward, backward = np.array([10.0, 20.0]), np.array([np.inf, 5.0])
    timed_travel(network, forward, backward, leg_kmh=4)
    assert forward.tolist() == [10.0, 20.0]
    assert backward.tolist() == [np.inf, 5.0]


whole = st.integers(0, 40).map(lambda value: value * 25.0)
loose = st.floats(0, 1000, allow_subnormal=False)
pace = st.sampled_from([0.1, 0.25, 1.0, np.inf]) | st.floats(0.05, 2.0)


@st.composite
def cases(draw):
    """Draw a one-way network with its paces, demand and facilities in a square kilometre."""
    number = draw(st.sampled_from([whole, loose]))
    place = st.tuples(number, number)
    nodes = draw(st.lists(place, min_size=2, max_size=12))
    count = st.integers(0, len(nodes) - 1)
    edges = draw(st.lists(st.tuples(count, count, pace, pace), min_size=1, max_size=22))
    demand = draw(st.lists(place, min_size=1, max_size=6))
    facilities = draw(st.lists(place, min_size=1, max_size=5))
    x, y = np.array(nodes).T
    u, v, there, back = (np.array(column) for column in zip(*edges, strict=True))
    metres = np.hypot(x[v] - x[u], y[v] - y[u])
    seconds = []
    for rate in (there, back):
        closed = np.isinf(rate)
        seconds.append(np.where(closed, np.inf, np.where(closed, 0.0, rate) * metres))
    return (x, y, u, v, *seconds), np.array(demand), np.array(facilities)


def solve(oracles, case):
    (x, y, u, v, there, back), demand, facilities = case
    network = build_network(x, y, u, v, min_component_m=0)
    travel = timed_travel(network, there, back, leg_kmh=4.0)
    truth = oracles.DirectedStreets(
        x, y, u, v, there, back, leg_cost=travel.leg_cost, min_component_m=0
    )
    ours = [attach(network, *places.T, max_snap_m=1500) for places in (demand, facilities)]
    theirs = [(at.edge, at.offset_m, at.leg_m) for at in ours]
    return travel, truth, ours, theirs


@settings(deadline=None, derandomize=True, max_examples=100)
@given(cases(), st.sampled_from(["to", "from"]))
def test_nearest_equals_the_oracle(oracles, case, direction):
    travel, truth, (demand, facilities), theirs = solve(oracles, case)
    cost, _ = truth.costs(*theirs, direction=direction)
    found = nearest(travel, demand, facilities, direction=direction)
    least = cost.min(axis=1)
    assert np.array_equal(np.isnan(found.cost), np.isinf(least))
    for k in np.flatnonzero(np.isfinite(least)):
        assert abs(found.cost[k] - least[k]) <= oracles.tolerance(least[k])
        assert cost[k, found.target[k]] <= least[k] + oracles.tolerance(least[k])
        # What a cost covers is bounded.
        assert found.metres[k] <= found.cost[k] * travel.metres_per_cost * (1 + 1e-9) + 1e-6


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.sampled_from(["to", "from"]), st.sampled_from([60.0, 300.0, 1e6]))
def test_searches_equal_the_oracle(oracles, case, direction, limit):
    travel, truth, (demand, facilities), theirs = solve(oracles, case)
    expected, _ = truth.costs(*theirs, direction=direction)
    found = np.full(expected.shape, np.inf)
    for source, cost in searches(travel, facilities, limit=limit, direction=direction):
        one = facilities.take(np.array([source]))
        found[:, source] = costs_from(travel, cost, demand, one, direction=direction)
    inside = expected <= limit
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-9, atol=1e-6)
    assert np.all(found[~inside] > limit - 1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases())
def test_metres_are_those_of_the_way(oracles, case):
    """With paces that make no two ways take the same time, the oracle's way is the one."""
    (x, y, u, v, there, back), demand, facilities = case
    generator = np.random.default_rng(5)
    there = there * generator.uniform(0.9, 1.1, there.size)
    back = back * generator.uniform(0.9, 1.1, back.size)
    travel, truth, ours, theirs = solve(oracles, ((x, y, u, v, there, back), demand, facilities))
    _, metres = truth.costs(*theirs, direction="to")
    found = nearest(travel, *ours)
    for k in np.flatnonzero(np.isfinite(found.cost)):
        way = metres[k, found.target[k]]
        assert abs(found.metres[k] - way) <= oracles.tolerance(way)
