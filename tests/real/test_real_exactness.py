"""The engine on real street networks against the oracle."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.crs import metric_crs, transformer
from servicecircle.inputs.roads import read_roads
from servicecircle.measure.access import Points, layer_access
from servicecircle.network.graph import build_network
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.modes import mode_network, profile_travel
from servicecircle.network.profiles import profile
from servicecircle.network.reach import nearest
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel
from servicecircle.project import RoadSettings

PORTO = "porto/porto_portugal.osm.pbf"
WUHAN = "wuhan/original.parquet"
ISLE_OF_MAN = "isle_of_man/isle_of_man_2020-03-14.osm.pbf"
SHENZHEN = "shenzhen_futian/transbigdata_shenzhen_G.graphml"
TAOYUAN = "taoyuan"
LARGE = (PORTO, WUHAN, ISLE_OF_MAN)
PLACES = [PORTO, WUHAN, SHENZHEN, TAOYUAN, ISLE_OF_MAN]
MOST_M = 500.0


@pytest.fixture(scope="module")
def raw(shared):
    """Return the roads of a file and their nodes in metres, each read once."""

    @functools.cache
    def raw(name):
        path = shared / name
        roads, _ = read_roads(RoadSettings(path=Path(path.name)), base=path.parent)
        crs = metric_crs(roads.lon, roads.lat).crs
        x, y = transformer("EPSG:4326", crs).transform(roads.lon, roads.lat)
        return roads, x, y

    return raw


@pytest.fixture(scope="module")
def streets(raw):
    """Return x, y, u, v of the walkable streets of a file."""

    def streets(name):
        roads, x, y = raw(name)
        return x, y, roads.u[roads.walk], roads.v[roads.walk]

    return streets


def random_points(x, y, u, v, count, seed):
    """Return points around streets, so that some are far off and some beyond the limit."""
    generator = np.random.default_rng(seed)
    edge = generator.integers(0, u.size, count)
    share = generator.uniform(0.0, 1.0, count)
    away = np.where(generator.random(count) < 0.85, 40.0, 600.0)
    shift = generator.normal(size=(2, count)) * away
    return (
        x[u[edge]] + share * (x[v[edge]] - x[u[edge]]) + shift[0],
        y[u[edge]] + share * (y[v[edge]] - y[u[edge]]) + shift[1],
    )


def crowded_points(x, y, u, v, seed):
    """Return demand and facilities that share a few edges, some at the same place."""
    generator = np.random.default_rng(seed)
    length = np.hypot(x[v] - x[u], y[v] - y[u])
    edge = np.repeat(generator.choice(np.flatnonzero(length > 30.0), 10, replace=False), 34)
    share = generator.uniform(0.0, 1.0, edge.size)
    off = generator.uniform(-8.0, 8.0, edge.size)
    dx, dy = x[v[edge]] - x[u[edge]], y[v[edge]] - y[u[edge]]
    px = x[u[edge]] + share * dx - off * dy / length[edge]
    py = y[u[edge]] + share * dy + off * dx / length[edge]
    facility = np.arange(edge.size) % 34 < 4
    # A tenth of the demand stands exactly at a facility, a tenth within a millimetre of one.
    demand = np.flatnonzero(~facility)
    for rows, away in ((demand[::10], 0.0), (demand[5::10], 1e-3)):
        where = generator.choice(np.flatnonzero(facility), rows.size)
        px[rows], py[rows] = px[where] + away, py[where] - away
    return (px[~facility], py[~facility]), (px[facility], py[facility])


@pytest.fixture(scope="module")
def truth(oracles, streets):
    return functools.cache(lambda name: oracles.Streets(*streets(name)))


def check_equal(oracles, network, truth, demand_xy, facility_xy):
    """Compare access with the oracle, and return it."""
    sites = []
    for px, py in (demand_xy, facility_xy):
        at = attach(network, px, py, max_snap_m=MOST_M)
        edge, offset, leg = truth.attach(px, py, MOST_M)
        differ = np.flatnonzero(at.edge != edge)
        # Where two edges are equally near to the last digits, rounding may choose either.
        ours = truth.at(px, py, at.edge)[1]
        assert np.all(np.abs((ours - leg)[differ]) <= 2e-9)
        assert differ.size <= 3
        np.testing.assert_array_equal(np.isnan(at.leg_m), np.isnan(leg))
        snapped = at.snapped
        assert np.max(np.abs(at.leg_m - leg)[snapped]) <= 1e-8
        offset, leg = truth.at(px, py, at.edge)
        sites.append((at, (at.edge, offset, leg)))
    (demand_at, demand), (facility_at, facilities) = sites
    metres, status, allowed = truth.nearest(demand, facilities)
    ids = np.array([str(k) for k in range(len(facility_xy[0]))], object)
    names = np.array([f"d{k}" for k in range(len(demand_xy[0]))], object)
    table = layer_access(
        Points(ids=names, x=demand_xy[0], y=demand_xy[1], at=demand_at),
        Points(ids=ids, x=facility_xy[0], y=facility_xy[1], at=facility_at),
        layer="care_home",
        profile=profile("elderly"),
        travel=metres_travel(network),
    )
    assert table["status"].tolist() == status
    got = table["metres"].to_numpy()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(metres))
    reached = ~np.isnan(metres)
    error = np.abs(got - metres)[reached]
    assert np.all(error <= oracles.tolerance(metres[reached]))
    for k in np.flatnonzero(reached):
        assert int(table["facility_id"].iloc[k]) in allowed[k]
    assert np.all(got[reached] >= table["straight_metres"].to_numpy()[reached] - 1e-6)
    np.testing.assert_allclose(table["seconds"], got * 1.2, rtol=1e-12)
    return table


@pytest.mark.parametrize("name", PLACES)
def test_metres_equal_brute_force(oracles, streets, truth, name):
    demand = random_points(*streets(name), 300, seed=1)
    facilities = random_points(*streets(name), 40, seed=2)
    network = build_network(*streets(name))
    table = check_equal(oracles, network, truth(name), demand, facilities)
    # Points of another fate are there too, so that comparing the status means something.
    assert table["status"].nunique() >= 2
    assert (table["status"] == "reached").sum() > 200


@pytest.mark.parametrize("name", [PORTO, WUHAN])
def test_many_points_on_one_edge_equal_brute_force(oracles, streets, truth, name):
    demand, facilities = crowded_points(*streets(name), seed=3)
    assert (len(demand[0]), len(facilities[0])) == (300, 40)
    network = build_network(*streets(name))
    table = check_equal(oracles, network, truth(name), demand, facilities)
    assert (table["status"] == "reached").all()


@pytest.fixture(scope="module")
def driving(raw):
    """Return travel by car over the roads of a file."""

    @functools.cache
    def driving(name):
        roads, x, y = raw(name)
        return profile_travel(mode_network(roads, x, y, mode="drive"), roads, profile("drive"))

    return driving


@pytest.fixture(scope="module")
def directed(oracles, driving):
    """Return the oracle of driving over the roads of a file."""

    @functools.cache
    def directed(name):
        travel = driving(name)
        network = travel.network
        return oracles.DirectedStreets(
            network.x,
            network.y,
            network.u,
            network.v,
            travel.forward,
            travel.backward,
            leg_cost=3.6 / 4.0,
        )

    return directed


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("name", PLACES)
def test_driving_equals_brute_force(oracles, driving, directed, name, direction):
    """300 pairs, over one-way streets, at the speeds of the classes and the limits."""
    travel = driving(name)
    network = travel.network
    assert (travel.unit, travel.both_ways) == ("seconds", False)
    sites = [
        attach(network, *random_points(network.x, network.y, network.u, network.v, count, seed))
        for count, seed in ((30, 5), (10, 6))
    ]
    truth = directed(name)
    feet = [(at.edge, at.offset_m, at.leg_m) for at in sites]
    expected, metres = truth.costs_by_arrays(*feet, direction=direction)
    if name not in LARGE:
        # The second oracle is held against the first, which is networkx and nothing else.
        for ours, theirs in zip(
            truth.costs(*feet, direction=direction), (expected, metres), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-6)
    matrix = travel_matrix(travel, *sites, limit=np.inf, direction=direction).tocoo()
    found = np.full(expected.shape, np.inf)
    found[matrix.row, matrix.col] = matrix.data
    reached = np.isfinite(expected)
    assert reached.sum() > 150
    np.testing.assert_array_equal(np.isfinite(found), reached)
    error = np.abs(found[reached] - expected[reached])
    assert np.all(error <= oracles.tolerance(expected[reached]))
    near = nearest(travel, *sites, direction=direction)
    least = expected.min(axis=1)
    held = np.isfinite(least)
    assert np.all(np.abs(near.cost[held] - least[held]) <= oracles.tolerance(least[held]))
    ways = metres[np.arange(len(least)), near.target][held]
    assert np.all(np.abs(near.metres[held] - ways) <= oracles.tolerance(ways))


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize(("mode", "least"), [("walk", 30), ("drive", 15)])
def test_nobody_passes_through_a_compound(oracles, shared, mode, least, direction):
    """Between places in compounds of several gates, at their gates and elsewhere on the island."""
    path = shared / ISLE_OF_MAN
    settings = RoadSettings(path=Path(path.name), gated="destination")
    roads, _ = read_roads(settings, base=path.parent)
    x, y = transformer("EPSG:4326", metric_crs(roads.lon, roads.lat).crs).transform(
        roads.lon, roads.lat
    )
    laid = mode_network(roads, x, y, mode=mode)
    network, private = laid.network, roads.private[mode][laid.segment]
    free, gated = (
        profile_travel(laid, roads, profile(mode), to_door=to_door) for to_door in (False, True)
    )
    inside, through = compounds_across_a_way(network, private)
    assert through.size >= least
    # Inside, and on public streets at two gates of each.
    at_gates = ends_of(network, ~private & network.eligible)
    inner, first, last = [], [], []
    for one in through.tolist():
        gates = np.intersect1d(ends_of(network, inside == one), at_gates)
        own = np.flatnonzero((inside == one) & network.eligible)
        if gates.size > 1 and own.size:
            inner.append(own[0])
            for gate, edges in ((gates[0], first), (gates[-1], last)):
                near = ((network.u == gate) | (network.v == gate)) & ~private & network.eligible
                edges.append(np.flatnonzero(near)[0])
    far = random_points(network.x, network.y, network.u, network.v, 12, seed=8)
    middles = [(values[network.u] + values[network.v]) / 2.0 for values in (network.x, network.y)]
    demand = attach(
        network,
        *(np.append(one[[*inner, *first]], more) for one, more in zip(middles, far, strict=True)),
    )
    facilities = attach(network, middles[0][[*inner, *last]] + 5.0, middles[1][[*inner, *last]])
    truth = oracles.DirectedStreets(
        network.x, network.y, network.u, network.v, free.forward, free.backward,
        leg_cost=free.leg_cost,
    )  # fmt: skip
    feet = [(at.edge, at.offset_m, at.leg_m) for at in (demand, facilities)]
    expected = truth.gated_costs(*feet, private, direction=direction)
    found = np.full(expected.shape, np.inf)
    matrix = travel_matrix(gated, demand, facilities, limit=np.inf, direction=direction).tocoo()
    found[matrix.row, matrix.col] = matrix.data
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    reached = np.isfinite(expected)
    error = np.abs(found[reached] - expected[reached])
    assert np.all(error <= oracles.tolerance(expected[reached]))
    # It is a rule that changes something.
    open_to_all = truth.costs_by_arrays(*feet, direction=direction)[0]
    assert (expected > open_to_all + 1.0)[reached].sum() >= 3
    assert (expected >= open_to_all - 1e-6).all()


def ends_of(network, edges):
    return np.unique(np.concatenate([network.u[edges], network.v[edges]]))


def compounds_across_a_way(network, private):
    """Return the compound of each private edge (-1: public), and those with several gates."""
    n = network.x.size
    links = coo_array(
        (np.ones(private.sum()), (network.u[private], network.v[private])), shape=(n, n)
    )
    part = connected_components(links, directed=False)[1]
    public = np.zeros(n, bool)
    public[ends_of(network, ~private)] = True
    nodes = ends_of(network, private)
    gates = np.bincount(part[nodes], weights=public[nodes])
    return np.where(private, part[network.u], -1), np.flatnonzero(gates > 1)
