"""Distances over the network: truth on paper, then random networks against the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from servicecircle.measure.access import Points, layer_access, reaches
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import Profile, profile
from servicecircle.network.reach import (
    cost_at,
    costs_from,
    nearest,
    node_costs,
    searches,
)
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel

WALK, ELDERLY = profile("walk"), profile("elderly")
MAX_SNAP_M = 500.0


def near(network, demand, facilities):
    """Return metres and target of points given as (x, y)."""
    found = nearest(
        metres_travel(network),
        attach(network, *np.reshape(demand, (-1, 2)).T, max_snap_m=MAX_SNAP_M),
        attach(network, *np.reshape(facilities, (-1, 2)).T, max_snap_m=MAX_SNAP_M),
    )
    return found.metres, found.target


def points(network, places, prefix):
    x, y = np.reshape(places, (-1, 2)).T
    ids = np.array([f"{prefix}{k}" for k in range(x.size)], object)
    return Points(ids=ids, x=x, y=y, at=attach(network, x, y, max_snap_m=MAX_SNAP_M))


def access(network, demand, facilities, profile=WALK):
    return layer_access(
        points(network, demand, "d"),
        points(network, facilities, "f"),
        layer="care_home",
        profile=profile,
        travel=metres_travel(network),
    )


def street(*stops, min_component_m=1000.0):
    """Return a street through some places."""
    x, y = np.array(stops, float).T
    at = np.arange(len(stops) - 1)
    return build_network(x, y, at, at + 1, min_component_m=min_component_m)


class TestOneStreet:
    network = street((0, 0), (2000, 0))

    def test_two_points_on_one_edge_go_along_it(self):
        metres, target = near(self.network, [300, 40], [800, -7])
        # 40 m to the street, 500 m along it, 7 m from it.
        assert metres.tolist() == [547.0]
        assert target.tolist() == [0]

    def test_at_the_same_place(self):
        assert near(self.network, [300, 40], [300, 40])[0].tolist() == [80.0]
        assert near(self.network, [300, 0], [300, 0])[0].tolist() == [0.0]

    def test_several_facilities_on_the_edge(self):
        metres, target = near(
            self.network, [[0, 0], [450, 0], [1999, 0]], [[1900, 3], [400, 0], [500, 60], [420, 0]]
        )
        assert metres.tolist() == [400.0, 30.0, 102.0]
        assert target.tolist() == [1, 3, 0]

    def test_legs_count_when_choosing(self):
        # The nearer foot has the longer leg.
        metres, target = near(self.network, [500, 0], [[510, 400], [700, 10]])
        assert metres.tolist() == [210.0]
        assert target.tolist() == [1]


class TestLoop:
    # A ring of four streets, 600 m by 400 m, and a dead end from its corner.
    network = build_network(
        [0, 600, 600, 0, -1000], [0, 0, 400, 400, 0], [0, 1, 2, 3, 0], [1, 2, 3, 0, 4]
    )

    @pytest.mark.parametrize(
        ("demand", "facility", "metres"),
        [
            # Over the west side, 50 + 400 + 100, not over the east side, 550 + 400 + 500.
            ([50, 0], [100, 400], 550),
            # The other way round: over the east side, 60 + 400 + 50.
            ([540, 0], [550, 400], 510),
            # Both ways are 1,000 m.
            ([300, 0], [300, 400], 1000),
            # On one side of the ring, along it.
            ([10, 0], [590, 0], 580),
            # From the dead end around the nearer corner.
            ([-500, 3], [600, 350], 3 + 500 + 600 + 350),
        ],
    )
    def test_the_short_way_round(self, demand, facility, metres):
        assert near(self.network, demand, facility)[0].tolist() == [metres]
        assert near(self.network, facility, demand)[0].tolist() == [metres]

    def test_from_one_source(self):
        sources = attach(self.network, [100], [400])
        demand = attach(self.network, [50, 540, 99], [0, 0, 400])
        ((source, metres),) = searches(metres_travel(self.network), sources, limit=5000)
        assert source == 0
        found = costs_from(metres_travel(self.network), metres, demand, sources)
        assert found.tolist() == [550.0, 960.0, 1.0]


class TestParallelStreets:
    # Between the same crossings a straight street of 800 m and one of 300 + 800 + 300 m.
    network = build_network(
        [0, 800, 0, 800, -400], [0, 0, 300, 300, 0], [0, 0, 2, 3, 0], [1, 2, 3, 1, 4]
    )

    def test_each_along_its_own(self):
        assert near(self.network, [200, 1], [600, 1])[0].tolist() == [402.0]
        assert near(self.network, [200, 299], [600, 299])[0].tolist() == [402.0]

    def test_from_one_to_the_other_over_the_nearer_crossing(self):
        # 200 to the crossing, 300 up, 100 along.
        assert near(self.network, [200, 0], [100, 300])[0].tolist() == [600.0]
        assert near(self.network, [700, 0], [600, 300])[0].tolist() == [100 + 300 + 200]

    def test_across_is_not_a_way(self):
        metres, _ = near(self.network, [400, 0], [400, 300])
        assert metres.tolist() == [400 + 300 + 400]


def test_the_same_street_drawn_twice_is_no_detour():
    network = build_network([0, 1200, 1200], [0, 0, 900], [0, 1, 1], [1, 0, 2])
    assert near(network, [300, 5], [310, 5])[0] == pytest.approx(20.0)


class TestIsland:
    # A main street, an island of 1,200 m, and a yard of 60 m.
    network = build_network(
        [0, 3000, 0, 1200, 1000, 1060],
        [0, 0, 5000, 5000, 200, 200],
        [0, 2, 4],
        [1, 3, 5],
    )

    def test_an_island_of_enough_road_is_attached_to_and_unreachable(self):
        table = access(self.network, [[600, 5010], [100, 0]], [[500, 0]])
        assert table["status"].tolist() == ["unreachable", "reached"]
        assert table["snap_m"].tolist() == [10.0, 0.0]
        assert np.isnan(table[["metres", "seconds"]].iloc[0]).all()
        assert table["facility_id"].tolist() == ["", "f0"]
        assert table["straight_metres"].tolist()[0] == pytest.approx(np.hypot(100, 5010))

    def test_a_smaller_one_is_passed_over(self):
        metres, _ = near(self.network, [1030, 200], [500, 0])
        assert metres.tolist() == [200 + 530]

    def test_a_facility_on_it_serves_it_alone(self):
        table = access(self.network, [[600, 5000], [100, 0]], [[100, 5000]])
        assert table["status"].tolist() == ["reached", "unreachable"]
        assert table["metres"].tolist()[0] == 500.0

    def test_with_no_least_length_the_yard_is_an_island_too(self):
        network = build_network(
            self.network.x, self.network.y, self.network.u, self.network.v, min_component_m=0
        )
        table = access(network, [[1030, 200]], [[500, 0]])
        assert table["status"].tolist() == ["unreachable"]
        assert table["snap_m"].tolist() == [0.0]


class TestSnapLimit:
    network = street((0, 0), (2000, 0))

    def test_beyond_it_is_unsnapped(self):
        table = access(self.network, [[500, 500.1], [500, 500], [2300, 400]], [[600, 0]])
        assert table["status"].tolist() == ["unsnapped", "reached", "reached"]
        assert table["metres"].tolist()[1:] == [600.0, 500 + 1400]
        assert np.isnan(table[["metres", "seconds", "snap_m"]].iloc[0]).all()
        assert table["facility_id"].tolist()[0] == ""

    @pytest.mark.parametrize("place", [(np.nan, 5.0), (5.0, np.nan), (np.nan, np.nan)])
    def test_without_a_place(self, place):
        table = access(self.network, [place, (5.0, 0.0)], [[600, 0]])
        assert table["status"].tolist() == ["unsnapped", "reached"]
        assert np.isnan(table[["metres", "straight_metres", "seconds"]].iloc[0]).all()

    def test_hundreds_of_kilometres_away(self):
        table = access(self.network, [[5, 4e5], [-7e5, 0], [5, 0]], [[600, 0]])
        assert table["status"].tolist() == ["unsnapped", "unsnapped", "reached"]
        assert table["straight_metres"].tolist()[1] == 700_600.0

    def test_a_facility_without_a_place_is_passed_over(self):
        table = access(self.network, [[500, 0]], [[np.nan, 0], [700, 0]])
        assert table["facility_id"].tolist() == ["f1"]
        assert table["straight_metres"].tolist() == [200.0]


class TestThreshold:
    @pytest.mark.parametrize(
        ("profile", "metres"), [(ELDERLY, 750.0), (WALK, 1000.0), (Profile("walk", 4.8), 1200.0)]
    )
    def test_exactly_at_it_is_covered(self, profile, metres):
        network = street((0, 0), (3000, 0))
        table = access(
            network, [[metres, 0], [metres + 1e-7, 0], [metres + 1e-3, 0]], [[0, 0]], profile
        )
        assert reaches(table["seconds"].to_numpy(), 900.0).tolist() == [True, True, False]
        assert reaches(table["metres"].to_numpy(), metres).tolist() == [True, True, False]

    def test_the_known_rounding(self):
        assert 750.0 / ELDERLY.metres_per_second == 900.0000000000001
        table = access(street((0, 0), (3000, 0)), [[750, 0]], [[0, 0]], ELDERLY)
        assert table["seconds"].tolist() == [900.0000000000001]
        assert reaches(table["seconds"].to_numpy(), 900.0).all()

    def test_a_search_keeps_what_lies_exactly_at_its_limit(self):
        network = street((0, 0), (750, 0), (751, 0), (3000, 0))
        ((_, metres),) = searches(metres_travel(network), attach(network, [0], [0]), limit=750.0)
        assert metres.tolist() == [0.0, 750.0, np.inf, np.inf]


class TestDegenerate:
    def test_streets_of_no_length(self):
        # Two streets joined by a street of no length between two nodes at one place.
        network = build_network([0, 700, 700, 1400], [0, 0, 0, 0], [0, 1, 2], [1, 2, 3])
        assert near(network, [100, 0], [1000, 0])[0].tolist() == [900.0]

    def test_a_facility_on_a_street_of_no_length(self):
        network = build_network(
            [700, 700, 0, 1400], [0, 0, 0, 0], [0, 0, 1], [1, 2, 3], min_component_m=0
        )
        at = attach(network, [700], [50])
        assert at.edge.tolist() == [0]
        assert near(network, [[0, 0], [1400, 0], [700, 0]], [700, 50])[0].tolist() == [
            750.0,
            750.0,
            50.0,
        ]

    def test_two_nodes_at_one_place_do_not_touch(self):
        network = build_network([0, 1700, 1700, 3400], [0, 0, 0, 0], [0, 2], [1, 3])
        table = access(network, [[100, 0]], [[3000, 0]])
        assert table["status"].tolist() == ["unreachable"]

    def test_self_loops(self):
        network = build_network([0, 1500], [0, 0], [0, 0, 1], [0, 1, 1], min_component_m=0)
        # The facility stands beside the node, on its loop, which has the lower id.
        at = attach(network, [0], [30])
        assert at.edge.tolist() == [0]
        assert near(network, [[400, 0], [0, -5]], [0, 30])[0].tolist() == [430.0, 35.0]

    @pytest.mark.parametrize(
        "network", [build_network([], [], [], []), build_network([0, 1], [0, 1], [], [])]
    )
    def test_no_streets(self, network):
        table = access(network, [[0, 0], [1, 1]], [[0, 0]])
        assert table["status"].tolist() == ["unsnapped", "unsnapped"]
        assert np.isnan(table["metres"]).all()
        assert list(searches(metres_travel(network), attach(network, [0], [0]), limit=100)) == []

    def test_no_facilities(self):
        network = street((0, 0), (2000, 0))
        table = access(network, [[5, 0], [5, 900]], np.empty((0, 2)))
        assert table["status"].tolist() == ["unreachable", "unsnapped"]
        assert np.isnan(table[["metres", "straight_metres", "seconds"]]).all(axis=None)
        assert table["facility_id"].tolist() == ["", ""]

    def test_no_facility_is_attached(self):
        network = street((0, 0), (2000, 0))
        table = access(network, [[5, 0]], [[0, 900], [0, -900]])
        assert table["status"].tolist() == ["unreachable"]
        # As the crow flies they are there.
        assert table["straight_metres"].tolist() == [pytest.approx(np.hypot(5, 900))]

    def test_no_demand(self):
        table = access(street((0, 0), (2000, 0)), np.empty((0, 2)), [[5, 0]])
        assert len(table) == 0
        assert "metres" in table


def test_distances_of_nodes_and_points_by_hand():
    network = street((0, 0), (1000, 0), (1000, 600))
    travel = metres_travel(network)
    metres, target, _ = node_costs(travel, attach(network, [1020, 200], [500, 10]))
    # Facility 0 is 500 m up the second street with a leg of 20 m, facility 1 800 m before it.
    assert metres.tolist() == [210.0, 520.0, 120.0]
    assert target.tolist() == [1, 0, 0]
    found, by_u = cost_at(travel, metres, attach(network, [900, 1000], [30, 580]))
    assert found.tolist() == [520 + 100 + 30, 120 + 20]
    assert by_u.tolist() == [False, False]


def test_searches_pass_over_what_is_not_attached():
    network = street((0, 0), (2000, 0))
    found = list(
        searches(metres_travel(network), attach(network, [5, 7, 9], [9e3, 0, 0]), limit=10)
    )
    assert [source for source, _ in found] == [1, 2]
    assert found[0][1].tolist() == [7.0, np.inf]


# Lattices.


def lattice(side, step=100.0):
    """Return a square lattice of (side + 1)² nodes."""
    nodes = np.arange((side + 1) ** 2).reshape(side + 1, side + 1)
    y, x = np.divmod(nodes.ravel(), side + 1)
    u = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    v = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    return build_network(x * step, y * step, u, v)


@pytest.mark.parametrize(("minutes", "steps"), [(15, 12), (10, 8), (5, 4)])
def test_lattice(minutes, steps):
    """At 4.8 km/h 15 minutes reach exactly 2·12² + 2·12 + 1 = 313 nodes of a 100 m lattice."""
    network = lattice(40)
    speed = Profile("walk", 4.8)
    table = access(network, np.stack([network.x, network.y], axis=1), [[2000, 2000]], speed)
    count = 2 * steps**2 + 2 * steps + 1
    assert steps != 12 or count == 313
    assert int(reaches(table["seconds"].to_numpy(), minutes * 60.0).sum()) == count
    blocks = (np.abs(network.x - 2000) + np.abs(network.y - 2000)).tolist()
    assert table["metres"].tolist() == blocks
    sources = attach(network, [2000], [2000])
    ((_, metres),) = searches(metres_travel(network), sources, limit=speed.metres(minutes))
    assert int(np.isfinite(metres).sum()) == count


# Random networks.

whole = st.integers(0, 40).map(lambda value: value * 25.0)
loose = st.floats(0, 1000, allow_subnormal=False)


@st.composite
def cases(draw):
    """Draw a network, demand and facilities, all crowded into a square kilometre."""
    number = draw(st.sampled_from([whole, loose]))
    place = st.tuples(number, number)
    nodes = draw(st.lists(place, min_size=2, max_size=14))
    count = st.integers(0, len(nodes) - 1)
    edges = draw(st.lists(st.tuples(count, count), min_size=1, max_size=22))
    demand = draw(st.lists(place, min_size=1, max_size=8))
    facilities = draw(st.lists(place, min_size=0, max_size=6))
    if draw(st.booleans()):
        facilities = facilities + demand[:2]
    x, y = np.array(nodes).T
    u, v = np.array(edges).T
    least = draw(st.sampled_from([0.0, 300.0, 1000.0]))
    return (x, y, u, v, least), np.array(demand), np.reshape(facilities, (-1, 2))


def solve(oracles, case, most_m):
    """Return the engine's attachments, and those of the oracle with the same edges."""
    (x, y, u, v, least), demand, facilities = case
    network = build_network(x, y, u, v, min_component_m=least)
    truth = oracles.Streets(x, y, u, v, min_component_m=least)
    ours, theirs = [], []
    for places in (demand, facilities):
        px, py = places.T
        at = attach(network, px, py, max_snap_m=most_m)
        edge, _, leg = truth.attach(px, py, most_m)
        clear = np.abs(leg - most_m) > 1e-9
        assert np.array_equal(at.snapped[clear], (edge >= 0)[clear])
        np.testing.assert_allclose(at.leg_m[clear], leg[clear], rtol=0, atol=1e-8)
        ours.append(at)
        # Equally near edges: any of them is right, and the engine's is taken on.
        theirs.append((at.edge, *truth.at(px, py, at.edge)))
    return network, truth, ours, theirs


@settings(deadline=None, derandomize=True, max_examples=150)
@given(cases(), st.sampled_from([50.0, 200.0, 1500.0]))
def test_equals_the_oracle(oracles, case, most_m):
    network, truth, (demand, facilities), theirs = solve(oracles, case, most_m)
    metres, status, allowed = truth.nearest(*theirs)
    found = nearest(metres_travel(network), demand, facilities)
    assert np.array_equal(np.isnan(found.metres), np.isnan(metres))
    for k, kind in enumerate(status):
        assert (kind == "unsnapped") == (not demand.snapped[k])
        assert (kind == "reached") == (found.target[k] >= 0)
        if kind == "reached":
            assert abs(found.metres[k] - metres[k]) <= oracles.tolerance(metres[k])
            assert int(found.target[k]) in allowed[k]


@settings(deadline=None, derandomize=True, max_examples=80)
@given(cases(), st.sampled_from([100.0, 400.0, 3000.0]))
def test_searches_equal_the_oracle(oracles, case, limit_m):
    network, truth, (demand, facilities), theirs = solve(oracles, case, 1500.0)
    expected = truth.matrix(*theirs)
    found = np.full(expected.shape, np.inf)
    for source, metres in searches(metres_travel(network), facilities, limit=limit_m):
        one = facilities.take(np.array([source]))
        found[:, source] = costs_from(metres_travel(network), metres, demand, one)
    inside = expected <= limit_m
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-9, atol=1e-6)
    # What lies beyond the limit may have a number, but never one within it.
    assert np.all(found[~inside] > limit_m - 1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.randoms(use_true_random=False))
def test_more_facilities_never_lengthen_and_order_is_irrelevant(case, random):
    (x, y, u, v, least), demand, facilities = case
    assume(len(facilities) > 1)
    network = build_network(x, y, u, v, min_component_m=least)
    at = attach(network, *demand.T)
    all_metres = nearest(metres_travel(network), at, attach(network, *facilities.T)).metres
    order = random.sample(range(len(facilities)), len(facilities))
    shuffled = nearest(metres_travel(network), at, attach(network, *facilities[order].T)).metres
    np.testing.assert_array_equal(shuffled, all_metres)
    fewer = nearest(metres_travel(network), at, attach(network, *facilities[order[1:]].T)).metres
    assert np.all(np.nan_to_num(fewer, nan=np.inf) >= np.nan_to_num(all_metres, nan=np.inf))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases())
def test_no_way_is_shorter_than_straight_and_either_way_is_the_same(case):
    (x, y, u, v, least), demand, facilities = case
    network = build_network(x, y, u, v, min_component_m=least)
    table = access(network, demand, facilities)
    metres = table["metres"].to_numpy()
    reached = ~np.isnan(metres)
    assert np.all(metres[reached] >= table["straight_metres"].to_numpy()[reached] - 1e-6)
    for k in np.flatnonzero(reached)[:2]:
        one = facilities[int(table["facility_id"].iloc[k][1:])]
        back = access(network, [one], [demand[k]])["metres"].iloc[0]
        assert back == pytest.approx(metres[k], rel=1e-9, abs=1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.lists(st.floats(1, 60), min_size=2, max_size=4).map(sorted))
def test_coverage_never_falls_with_minutes(case, minutes):
    (x, y, u, v, least), demand, facilities = case
    network = build_network(x, y, u, v, min_component_m=least)
    seconds = access(network, demand, facilities)["seconds"].to_numpy()
    covered = [int(reaches(seconds, value * 60).sum()) for value in minutes]
    assert covered == sorted(covered)
    assert covered[-1] <= len(demand)
