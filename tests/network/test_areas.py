"""Service areas: they part the circle, and every point belongs to its nearest facility."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from scipy.spatial import Delaunay

from servicecircle.network.areas import nearest_labels, service_areas
from servicecircle.network.circles import circle_polygons
from servicecircle.network.field import circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.reach import node_costs
from servicecircle.network.snap import attach, edge_index
from servicecircle.network.surface import surface
from servicecircle.network.travel import metres_travel, timed_travel

LIMIT = 700.0


def town(seed):
    """Return a crooked town of some 2 km, a third of its streets missing."""
    generator = np.random.default_rng(seed)
    places = generator.uniform(0, 2000, (180, 2))
    corners = Delaunay(places).simplices
    edges = np.unique(np.sort(corners[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    edges = edges[generator.random(len(edges)) < 0.65]
    return build_network(*places.T, *edges.T), generator.uniform(200, 1800, (6, 2)).T


def parted(network, x, y, travel=None, limit=LIMIT):
    travel = travel or metres_travel(network)
    field = circle_field(travel, (-100, -100, 2100, 2100))
    at = attach(network, x, y)
    circle = circle_polygons(surface(field, node_costs(travel, at)[0], at), [limit])[0]
    return field, at, circle, service_areas(field, edge_index(network), at, circle)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("one_way", [False, True])
def test_they_part_the_circle_by_the_nearest_facility(seed, one_way):
    network, (x, y) = town(seed)
    travel, limit = metres_travel(network), LIMIT
    if one_way:
        closed = np.random.default_rng(seed).random(network.u.size) < 0.3
        seconds = network.length_m / 5.0
        travel = timed_travel(network, seconds, np.where(closed, np.inf, seconds), leg_kmh=4.0)
        limit = 150.0
    field, at, circle, parts = parted(network, x, y, travel, limit)
    shapes = list(parts.values())
    assert len(shapes) >= 3
    assert all(shapely.is_valid(shapes))
    assert sum(shape.area for shape in shapes) == pytest.approx(circle.area, rel=1e-9)
    whole = shapely.union_all(shapes)
    assert shapely.area(shapely.symmetric_difference(whole, circle)) < 1e-3
    # Points a little off every border belong to their nearest facility.
    points = np.random.default_rng(seed).uniform(0, 2000, (20_000, 2))
    borders = shapely.union_all(shapely.boundary(shapes))
    shapely.prepare(borders)
    inside = shapely.contains_xy(circle, points)
    inside &= ~shapely.dwithin(borders, shapely.points(points), field.cell_m)
    points = points[inside]
    truth = nearest_labels(field, edge_index(network), at, *points.T, limit=limit)
    drawn = np.full(len(points), -1)
    for name, shape in parts.items():
        drawn[shapely.contains_xy(shape, points)] = name
    assert len(points) > 1000
    np.testing.assert_array_equal(drawn, truth)


def test_by_hand_on_one_street():
    network = build_network([0, 2000], [0, 0], [0], [1])
    _, _, circle, parts = parted(network, np.array([500.0, 1100.0]), np.array([0.0, 0.0]))
    assert list(parts) == [0, 1]
    assert parts[0].bounds[0] == pytest.approx(circle.bounds[0])
    # The middle between 500 and 1,100.
    assert (parts[0].bounds[2], parts[1].bounds[0]) == pytest.approx((800, 800), abs=0.2)


def test_a_facility_that_is_nearest_nowhere_has_no_area():
    network = build_network([0, 2000], [0, 0], [0], [1])
    _, _, circle, parts = parted(network, np.array([500.0, 500.0]), np.array([0.0, 9000.0]))
    assert list(parts) == [0]
    assert parts[0].area == pytest.approx(circle.area)
    assert parted(network, np.array([500.0]), np.array([9000.0]))[3] == {}
