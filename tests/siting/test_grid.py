"""A grid of candidates along roads: what it guarantees, held against points inserted one by one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.graph import build_network
from servicecircle.network.travel import metres_travel, timed_travel
from servicecircle.siting.grid import lattice, network_grid
from servicecircle.siting.refined import refined_roads

NONE = np.empty(0, object)
EVERYWHERE = shapely.box(-1e5, -1e5, 1e5, 1e5)


def a_network(seed, *, nodes=14, extra=8):
    """Return a connected random network: a tree, and some loops."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1500, (2, nodes)).round(1)
    u = np.arange(1, nodes)
    v = np.array([rng.integers(0, k) for k in range(1, nodes)])
    more = rng.integers(0, nodes, (2, extra))
    more = more[:, more[0] != more[1]]
    return x, y, np.concatenate([u, more[0]]), np.concatenate([v, more[1]])


def points_on(network, rng, count):
    """Return edge, offset and place of random points on the eligible edges."""
    edges = np.flatnonzero(network.eligible)
    edge = rng.choice(edges, count)
    offset = rng.uniform(0, 1, count) * network.length_m[edge]
    share = offset / network.length_m[edge]
    u, v = network.u[edge], network.v[edge]
    x = network.x[u] + share * (network.x[v] - network.x[u])
    y = network.y[u] + share * (network.y[v] - network.y[u])
    return edge, offset, x, y


def feet(streets, x, y):
    return streets.attach(x, y, 1.0)


def test_a_street_has_as_few_candidates_as_its_length_allows():
    # Within 237.5 m of pieces of 25 m: candidates 475 m apart, from the far end inwards.
    street = metres_travel(build_network([0, 10_000], [0, 0], [0], [1]))
    grid = network_grid(street, EVERYWHERE, NONE, every_m=250.0)
    # No fewer than 10,000 / 500 could be near to everything.
    assert 20 <= grid.x.size <= 10_000 / 450
    assert grid.guarantee_m <= 250.0
    assert grid.road_m == pytest.approx(10_000.0)
    gaps = np.diff(np.sort(grid.x))
    ends = max(np.min(grid.x), 10_000.0 - np.max(grid.x))
    assert grid.guarantee_m == pytest.approx(max(gaps.max() / 2.0, ends))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), every_m=st.sampled_from([80.0, 300.0, 1000.0]))
def test_no_point_of_the_roads_is_farther_than_the_guarantee(oracles, seed, every_m):
    x, y, u, v = a_network(seed)
    network = build_network(x, y, u, v, min_component_m=0)
    streets = oracles.Streets(x, y, u, v, min_component_m=0)
    grid = network_grid(metres_travel(network), EVERYWHERE, NONE, every_m=every_m)
    edge, offset, px, py = points_on(network, np.random.default_rng(seed), 150)
    found = streets.matrix((edge, offset, np.zeros(150)), feet(streets, grid.x, grid.y)).min(axis=1)
    assert grid.guarantee_m <= every_m
    assert found.max() <= grid.guarantee_m + 1e-6
    assert grid.guarantee == grid.guarantee_m
    assert px.size == py.size


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), direction=st.sampled_from(["to", "from"]))
def test_the_guarantee_in_seconds_holds_against_one_way_streets(oracles, seed, direction):
    rng = np.random.default_rng(seed)
    x, y, u, v = a_network(seed)
    network = build_network(x, y, u, v, min_component_m=0)
    there = network.length_m * rng.uniform(0.1, 1.0, u.size)
    back = np.where(rng.uniform(size=u.size) < 0.3, np.inf, there * 1.5)
    travel = timed_travel(network, there, back, leg_kmh=4.0)
    grid = network_grid(travel, EVERYWHERE, NONE, every_m=200.0, direction=direction)
    streets = oracles.DirectedStreets(x, y, u, v, there, back, leg_cost=0.9, min_component_m=0)
    edge, offset, *_ = points_on(network, rng, 80)
    cost, _ = streets.costs(
        (edge, offset, np.zeros(80)), feet(streets, grid.x, grid.y), direction=direction
    )
    assert np.isfinite(grid.guarantee)
    assert cost.min(axis=1).max() <= grid.guarantee + 1e-6
    # On foot 200 m take 180 s; a node is within that, a point of a piece may cost a piece more.
    assert grid.guarantee <= 180.0 + 20.0 * 1.5


def test_the_guarantee_is_the_distance_of_the_point_farthest_off(oracles):
    x, y, u, v = a_network(7)
    network = build_network(x, y, u, v, min_component_m=0)
    streets = oracles.Streets(x, y, u, v, min_component_m=0)
    grid = network_grid(metres_travel(network), EVERYWHERE, NONE, every_m=300.0)
    edge, offset, *_ = points_on(network, np.random.default_rng(1), 6000)
    found = streets.matrix((edge, offset, np.zeros(6000)), feet(streets, grid.x, grid.y))
    assert grid.guarantee_m - 5.0 < found.min(axis=1).max() <= grid.guarantee_m + 1e-6


def test_only_roads_in_the_area_and_outside_of_zones_have_candidates():
    street = metres_travel(build_network([0, 3000], [0, 0], [0], [1]))
    area, lake = shapely.box(100, -50, 2000, 50), shapely.box(900, -50, 1300, 50)
    grid = network_grid(street, area, np.array([lake], object), every_m=250.0)
    assert ((grid.x >= 100) & (grid.x <= 2000)).all()
    assert not ((grid.x > 900) & (grid.x < 1300)).any()
    assert grid.road_m == pytest.approx(800 + 700)
    places = np.concatenate([np.linspace(100, 900, 500), np.linspace(1300, 2000, 500)])
    assert np.abs(places[:, None] - grid.x[None, :]).min(axis=1).max() <= grid.guarantee_m + 1e-6


def test_an_edge_that_only_clips_the_area_has_a_candidate_in_it():
    # Both ends lie outside: 20 m of the road lie inside.
    street = metres_travel(build_network([0, 3000], [0, 0], [0], [1]))
    grid = network_grid(street, shapely.box(1495, -5, 1515, 5), NONE, every_m=250.0)
    assert grid.x.size == 1
    assert 1495 <= grid.x[0] <= 1515
    assert grid.guarantee_m == pytest.approx(max(1515 - grid.x[0], grid.x[0] - 1495))


def test_steep_roads_have_no_candidates():
    street = metres_travel(build_network([0, 1000], [0, 0], [0], [1]))
    grid = network_grid(street, EVERYWHERE, NONE, every_m=100.0, steep=lambda x, y: x > 500.0)
    assert grid.x.max() <= 500.0
    assert grid.road_m == pytest.approx(500.0)


def test_parts_of_the_roads_each_have_candidates_of_their_own():
    # Two streets 30 m apart that no way joins: near is not reached.
    streets = metres_travel(build_network([0, 2000, 0, 2000], [0, 0, 30, 30], [0, 2], [1, 3]))
    grid = network_grid(streets, EVERYWHERE, NONE, every_m=5000.0)
    assert sorted(grid.y.tolist()) == [0.0, 30.0]


def test_the_same_roads_give_the_same_grid():
    x, y, u, v = a_network(3)
    travel = metres_travel(build_network(x, y, u, v, min_component_m=0))
    one, other = (network_grid(travel, EVERYWHERE, NONE, every_m=90.0) for _ in range(2))
    assert one.x.tobytes() == other.x.tobytes()
    assert one.guarantee == other.guarantee


@pytest.mark.parametrize("every_m", [0.0, -5.0, float("nan")])
def test_a_distance_that_is_none_is_refused(every_m):
    street = metres_travel(build_network([0, 1000], [0, 0], [0], [1]))
    with pytest.raises(ValueError, match="must be above 0"):
        network_grid(street, EVERYWHERE, NONE, every_m=every_m)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_place_is_farther_than_the_guarantee_from_a_lattice(seed):
    rng = np.random.default_rng(seed)
    area = shapely.convex_hull(shapely.multipoints(rng.uniform(0, 1000, (6, 2))))
    lake = np.array([shapely.buffer(shapely.Point(*rng.uniform(0, 1000, 2)), 150)], object)
    grid = lattice(area, lake, every_m=170.0)
    places = rng.uniform(0, 1000, (400, 2))
    inside = shapely.intersects_xy(shapely.difference(area, lake[0]), *places.T)
    places = places[inside]
    assert shapely.intersects_xy(area, grid.x, grid.y).all()
    assert not shapely.contains_xy(lake[0], grid.x, grid.y).any()
    away = np.hypot(places[:, 0, None] - grid.x, places[:, 1, None] - grid.y).min(axis=1)
    assert away.max(initial=0.0) <= grid.guarantee_m == 170.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_refined_roads_are_the_same_roads(seed):
    x, y, u, v = a_network(seed)
    travel = metres_travel(build_network(x, y, u, v, min_component_m=0))
    area = shapely.box(200, 200, 1100, 900)
    roads = refined_roads(travel, area, NONE, piece_m=60.0)
    assert roads.length_m.sum() == pytest.approx(travel.network.length_m.sum())
    ends = np.hypot(roads.x[roads.u] - roads.x[roads.v], roads.y[roads.u] - roads.y[roads.v])
    assert np.abs(ends - roads.length_m).max() < 1e-6
    first = travel.network.eligible
    lines = shapely.linestrings(
        np.stack([np.stack([x[u], y[u]], 1), np.stack([x[v], y[v]], 1)], axis=1)
    )
    inside = shapely.length(shapely.intersection(lines, area))[first].sum()
    assert roads.length_m[roads.wanted].sum() == pytest.approx(inside, abs=1e-3)
    assert roads.length_m[roads.wanted].max(initial=0.0) <= 60.0 + 1e-6
