"""Circles on real street networks against sampled points, walking and driving."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import shapely

from servicecircle.crs import metric_crs, transformer
from servicecircle.inputs.roads import read_roads
from servicecircle.network.areas import nearest_labels, service_areas
from servicecircle.network.circles import circle_polygons
from servicecircle.network.field import circle_field
from servicecircle.network.modes import mode_network, profile_travel
from servicecircle.network.profiles import profile
from servicecircle.network.reach import node_costs, searches
from servicecircle.network.snap import edge_index, nearest_edges
from servicecircle.network.surface import surface
from servicecircle.network.truth import wrong_points
from servicecircle.project import RoadSettings

PLACES = [
    "porto/porto_portugal.osm.pbf",
    "wuhan/original.parquet",
    "shenzhen_futian/transbigdata_shenzhen_G.graphml",
    "taoyuan",
    "isle_of_man/isle_of_man_2020-03-14.osm.pbf",
]


@pytest.fixture(scope="module")
def travels(shared):
    """Return travel by a profile over the roads of a place."""

    @functools.cache
    def roads_of(name):
        path = shared / name
        roads, _ = read_roads(RoadSettings(path=Path(path.name)), base=path.parent)
        crs = metric_crs(roads.lon, roads.lat).crs
        return roads, *transformer("EPSG:4326", crs).transform(roads.lon, roads.lat)

    def travel(name, chosen):
        roads, x, y = roads_of(name)
        return profile_travel(mode_network(roads, x, y, mode=chosen.mode), roads, chosen)

    return travel


def sites(travel, count, seed):
    """Return the feet of facilities beside random streets, and their places."""
    network, generator = travel.network, np.random.default_rng(seed)
    index = edge_index(network)
    edge = generator.choice(np.flatnonzero(network.eligible), count, replace=False)
    ends = (network.u[edge], network.v[edge])
    share = generator.uniform(0, 1, count)
    x, y = (
        (1 - share) * values[ends[0]] + share * values[ends[1]] + generator.normal(0, 20, count)
        for values in (network.x, network.y)
    )
    return index, nearest_edges(network, index, x, y, most_m=500.0), x, y


def field_around(travel, x, y, limit, direction="to"):
    reach = limit * travel.metres_per_cost + 60.0
    return circle_field(
        travel, (min(x) - reach, min(y) - reach, max(x) + reach, max(y) + reach),
        direction=direction,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "count", "minutes", "direction"),
    [(PLACES[0], 12, (5, 10, 15), "to")]
    + [(name, 10, (5, 10, 15), "to") for name in PLACES[1:]]
    + [(name, 2, (2, 5), direction) for name in PLACES for direction in ("to", "from")],
)
def test_no_point_lies_on_the_wrong_side(travels, name, count, minutes, direction):
    chosen = profile("walk" if len(minutes) == 3 else "drive")
    travel = travels(name, chosen)
    index, at, x, y = sites(travel, count, seed=4)
    limits = [60.0 * value for value in minutes]
    if travel.unit == "metres":
        limits = [chosen.metres(value) for value in minutes]
    wrong, drawn = [], 0
    for source, cost in searches(travel, at, limit=limits[-1], direction=direction):
        field = field_around(travel, x[[source]], y[[source]], limits[-1], direction)
        one = at.take(np.array([source]))
        polygons = circle_polygons(surface(field, cost, one), limits)
        assert all(shapely.is_valid(polygons))
        for smaller, larger in itertools.pairwise(polygons):
            assert shapely.area(shapely.difference(smaller, larger)) <= 1e-6
        for limit, polygon in zip(limits, polygons, strict=True):
            if not shapely.is_empty(polygon):
                drawn += 1
                found = wrong_points(field, polygon, one, limit=limit, index=index, seed=source)
                wrong += [(source, limit, *point) for point in found.tolist()]
    assert drawn >= count * len(limits) * 2 // 3
    assert wrong == []


@pytest.mark.parametrize("name", [PLACES[0], PLACES[4]])
def test_driving_far_on_coarse_cells(travels, name):
    """15 minutes of driving reach whole towns: drawn on cells of 50 m, 125 m from the roads."""
    travel = travels(name, profile("drive"))
    index, at, x, y = sites(travel, 3, seed=8)
    limits, cell_m = [300.0, 900.0], 50.0
    wrong = []
    for source, cost in searches(travel, at, limit=limits[-1]):
        reach = limits[-1] * travel.metres_per_cost
        bounds = (x[source] - reach, y[source] - reach, x[source] + reach, y[source] + reach)
        field = circle_field(travel, bounds, cell_m=cell_m, draw_m=2.5 * cell_m)
        one = at.take(np.array([source]))
        polygons = circle_polygons(surface(field, cost, one), limits)
        assert all(shapely.is_valid(polygons))
        assert shapely.area(shapely.difference(*polygons)) <= 1e-6
        for limit, polygon in zip(limits, polygons, strict=True):
            found = wrong_points(field, polygon, one, limit=limit, index=index, seed=source)
            wrong += [(source, limit, *point) for point in found.tolist()]
    assert wrong == []


@pytest.mark.parametrize("name", [PLACES[1], PLACES[4]])
def test_service_areas_part_the_circle_of_a_layer(travels, name):
    travel = travels(name, profile("walk"))
    network = travel.network
    index = edge_index(network)
    middle = np.argsort(
        np.hypot(network.x - np.median(network.x), network.y - np.median(network.y))
    )
    nodes = middle[np.random.default_rng(1).integers(0, middle.size // 20, 15)]
    x, y = network.x[nodes], network.y[nodes]
    at = nearest_edges(network, index, x, y, most_m=500.0)
    field = field_around(travel, x, y, 1000.0)
    cost = node_costs(travel, at, limit=1000.0)[0]
    (circle,) = circle_polygons(surface(field, cost, at), [1000.0])
    parts = service_areas(field, index, at, circle)
    assert len(parts) >= 8
    shapes = list(parts.values())
    assert sum(shape.area for shape in shapes) == pytest.approx(circle.area, rel=1e-9)
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(shapes), circle)) < 1e-2
    west, south, east, north = circle.bounds
    points = np.random.default_rng(2).uniform((west, south), (east, north), (40_000, 2))
    borders = shapely.union_all(shapely.boundary(shapes))
    shapely.prepare(borders)
    far = shapely.contains_xy(circle, points)
    far &= ~shapely.dwithin(borders, shapely.points(points), field.cell_m)
    points = points[far]
    truth = nearest_labels(field, index, at, *points.T, limit=1000.0)
    drawn = np.full(len(points), -1)
    for label, shape in parts.items():
        drawn[shapely.contains_xy(shape, points)] = label
    assert len(points) > 2000
    np.testing.assert_array_equal(drawn, truth)
