"""The engine on real street networks against the oracle, and circles against sampled points."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import shapely

from servicecircle.crs import metric_crs, transformer
from servicecircle.inputs.roads import read_roads
from servicecircle.measure.access import Points, layer_access
from servicecircle.network.circles import circle_polygons, wrong_points
from servicecircle.network.field import circle_field, window
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import profile
from servicecircle.network.reach import metres_from, searches
from servicecircle.network.snap import attach, edge_index, nearest_edges
from servicecircle.project import RoadSettings

PORTO = "porto/porto_portugal.osm.pbf"
WUHAN = "wuhan/original.parquet"
ISLE_OF_MAN = "isle_of_man/isle_of_man_2020-03-14.osm.pbf"
MOST_M = 500.0


@pytest.fixture(scope="module")
def streets(shared):
    """Return x, y, u, v of the walkable streets of a file, each read once."""

    @functools.cache
    def streets(name):
        path = shared / name
        roads, _ = read_roads(RoadSettings(path=Path(path.name)), base=path.parent)
        crs = metric_crs(roads.lon, roads.lat).crs
        x, y = transformer("EPSG:4326", crs).transform(roads.lon, roads.lat)
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
        network=network,
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


@pytest.mark.parametrize("name", [PORTO, WUHAN])
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


def circles_of(network, index, x, y, at, source, node_metres, limits):
    """Return the field around a facility and its circles."""
    reach = limits[-1] + 60.0
    bounds = (x - reach, y - reach, x + reach, y + reach)
    field = circle_field(network, index, bounds)
    part = window(field, bounds)
    totals = metres_from(network, node_metres, part.at, at, source)
    one = at.take(np.array([source]))
    return (
        field,
        one,
        circle_polygons(field, part, totals, limits, node_metres=node_metres, targets=one),
    )


@pytest.mark.parametrize("name", [WUHAN, ISLE_OF_MAN, PORTO])
def test_no_point_lies_on_the_wrong_side_of_a_circle(streets, name):
    x, y, u, v = streets(name)
    network = build_network(x, y, u, v)
    index = edge_index(network)
    px, py = random_points(x, y, u, v, 20, seed=4)
    at = nearest_edges(network, index, px, py, most_m=MOST_M)
    limits = [profile("walk").metres(minutes) for minutes in (5, 10, 15)]
    wrong, drawn = [], 0
    for source, node_metres in searches(network, at, limit_m=limits[-1]):
        field, one, polygons = circles_of(
            network, index, px[source], py[source], at, source, node_metres, limits
        )
        assert all(shapely.is_valid(polygons))
        for smaller, larger in itertools.pairwise(polygons):
            assert shapely.area(shapely.difference(smaller, larger)) <= 1e-6
        for limit, polygon in zip(limits, polygons, strict=True):
            if not shapely.is_empty(polygon):
                drawn += 1
                found = wrong_points(field, polygon, one, limit_m=limit, seed=source)
                wrong += [(source, limit, *point) for point in found.tolist()]
    assert drawn >= 40
    assert wrong == []
