"""Circles by truth 4: areas on paper, and no sampled point on the wrong side of a border."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from servicecircle.network.circles import (
    circle_polygons,
    count_polygons,
    groups,
    limit_bounds,
    one_polygon,
    reached_bounds,
)
from servicecircle.network.field import circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.reach import node_costs, searches
from servicecircle.network.snap import attach
from servicecircle.network.surface import surface
from servicecircle.network.travel import metres_travel, timed_travel
from servicecircle.network.truth import wrong_points

LIMITS = (1000 / 3, 2000 / 3, 1000.0)
CELL_M = 10.0


def streets(*lines):
    """Return a network of polylines; vertices at one place are one node."""
    places = {}
    edges = []
    for line in lines:
        nodes = [places.setdefault(tuple(map(float, stop)), len(places)) for stop in line]
        edges += list(itertools.pairwise(nodes))
    x, y = np.array(list(places)).T
    u, v = np.array(edges).T
    return build_network(x, y, u, v)


def turned(network, degrees):
    """Return a network turned around its origin and moved to where coordinates are large."""
    place = (network.x + 1j * network.y) * np.exp(1j * np.radians(degrees))
    return build_network(place.real + 5e5, place.imag + 3.34e6, network.u, network.v)


def turned_points(places, degrees):
    place = np.reshape(places, (-1, 2)) @ [1, 1j] * np.exp(1j * np.radians(degrees))
    return place.real + 5e5, place.imag + 3.34e6


def field_around(network, x, y, limit_m, *, draw_m=25.0, margin_m=40.0):
    reach = limit_m + margin_m
    bounds = (x.min() - reach, y.min() - reach, x.max() + reach, y.max() + reach)
    return circle_field(metres_travel(network), bounds, cell_m=CELL_M, draw_m=draw_m)


def facility_circles(network, x, y, limits=LIMITS, *, draw_m=25.0):
    """Yield the field, the facility and its circles, for each facility that is attached."""
    at = attach(network, x, y)
    field = field_around(network, x, y, limits[-1], draw_m=draw_m)
    for source, node_cost in searches(field.travel, at, limit=limits[-1]):
        one = at.take(np.array([source]))
        nodes = np.flatnonzero(np.isfinite(node_cost)).astype(np.int32)
        square = limit_bounds(x[source], y[source], limits[-1], 2 * CELL_M)
        bounds = reached_bounds(field, nodes, one, square)
        over = surface(field, node_cost, one, bounds=bounds)
        yield field, one, circle_polygons(over, limits)


def layer_circles(network, x, y, limits=LIMITS, *, draw_m=25.0):
    """Return the field, all facilities and the circles of the nearest of them."""
    at = attach(network, x, y)
    field = field_around(network, x, y, limits[-1], draw_m=draw_m)
    node_cost, _, _ = node_costs(field.travel, at)
    return field, at, circle_polygons(surface(field, node_cost, at), limits)


def lattice(side=24, step=100.0):
    lines = [[(k * step, j * step) for j in range(side + 1)] for k in range(side + 1)]
    lines += [[(j * step, k * step) for j in range(side + 1)] for k in range(side + 1)]
    return streets(*lines)


def random_streets(seed):
    """Return a crooked town: a triangulation with some streets missing, and dead ends."""
    generator = np.random.default_rng(seed)
    places = generator.uniform(0, 2400, (260, 2))
    triangles = Delaunay(places).simplices
    edges = {
        tuple(sorted(pair)) for t in triangles.tolist() for pair in itertools.combinations(t, 2)
    }
    edges = np.array(sorted(edges))
    edges = edges[generator.random(len(edges)) < 0.6]
    return build_network(*places.T, *edges.T)


def comb(gap, detour):
    """Return two streets ``gap`` apart that meet only far away, and a third beyond them."""
    far = 600.0 + detour
    return streets(
        [(0, 0), (600, 0), (far, 0), (far, gap), (600, gap), (0, gap)],
        [(0, 2 * gap), (-200, 2 * gap), (-200, 0), (0, 0)],
    )


def block(width):
    """Return a block of streets, its inside a little wider than twice 25 m."""
    return streets(
        [(0, 0), (900, 0), (900, width), (0, width), (0, 0)],
        [(0, 0), (-600, 0)],
    )


def wedge():
    """Return two streets that part slowly, so that the gap between them has a long sharp tip."""
    return streets([(-500, 0), (0, 0), (1200, 90)], [(0, 0), (1200, -30)])


def bridge():
    """Return a street over another, which is reached only by a far ramp."""
    return streets(
        [(-900, 0), (900, 0)],
        [(0, -700), (0, 700), (800, 700), (800, 500)],
        [(900, 0), (1500, 0), (1500, 500), (800, 500)],
    )


TOWNS = {
    "lattice": (lattice(), [[1203, 1212]], 3.0),
    "random": (random_streets(1), [[1200, 1200]], 0.0),
    "random, other": (random_streets(2), [[1100, 1300]], 31.0),
    "6 m apart": (comb(6.0, 900.0), [[300, -4]], 12.0),
    "6 m apart, along the axes": (comb(6.0, 900.0), [[300, -4]], 0.0),
    "13 m apart": (comb(13.0, 300.0), [[300, -4]], 40.0),
    "block of 50.5 m": (block(50.5), [[-100, 10]], 7.0),
    "block of 51 m": (block(51.0), [[100, -10]], 0.0),
    "block of 53 m": (block(53.0), [[-100, 10]], 45.0),
    "wedge": (wedge(), [[-300, 0]], 0.0),
    "wedge, turned": (wedge(), [[-300, 0]], 77.0),
    "bridge": (bridge(), [[-200, 5]], 0.0),
    "bridge, turned": (bridge(), [[-200, 5]], 25.0),
}


@pytest.mark.parametrize("town", TOWNS)
def test_no_point_on_the_wrong_side_of_a_facilitys_circle(town):
    network, places, degrees = TOWNS[town]
    network, (x, y) = turned(network, degrees), turned_points(places, degrees)
    (found,) = facility_circles(network, x, y)
    field, one, polygons = found
    for limit, polygon in zip(LIMITS, polygons, strict=True):
        assert shapely.is_valid(polygon)
        assert not shapely.is_empty(polygon)
        assert wrong_points(field, polygon, one, limit=limit).tolist() == []


def test_the_same_on_any_number_of_threads(monkeypatch):
    network, x, y = random_streets(9), np.array([1200.0]), np.array([1200.0])
    drawn = []
    for count in (1, 3):
        monkeypatch.setattr("servicecircle.network.compiled.threads", lambda count=count: count)
        ((field, _, polygons),) = facility_circles(network, x, y)
        leaves = [part.tobytes() for part in field.leaves]
        drawn.append((leaves, [shapely.to_wkb(polygon) for polygon in polygons]))
    assert drawn[0] == drawn[1]


# Two streets a little more than twice 25 m apart: between them the circle ends in a long sharp tip;
# each of these once had a point on the wrong side, 10 to 12 m from the border.
TIPS = [
    (51.2308, -0.9306, 89.7489),
    (50.3990, 3.5369, 32.8599),
    (51.5318, 3.3226, 11.4663),
    (50.0038, 3.1200, 30.1258),
    (50.1640, 1.4231, 24.8585),
    (51.9422, -3.8709, 64.4500),
    (50.6527, 2.0050, 59.7458),
    (51.8448, 2.6743, 63.0064),
]


@pytest.mark.parametrize(("gap", "opening", "degrees"), TIPS)
def test_the_tip_between_two_streets(gap, opening, degrees):
    town = streets(
        [(-60, 0), (0, 0), (300, -opening)],
        [(0, 0), (0, gap), (300, gap + opening)],
        [(-60, 0), (-900, 0)],
    )
    x, y = turned_points([[-30, 0]], degrees)
    ((field, one, (polygon,)),) = facility_circles(turned(town, degrees), x, y, (330.0,))
    wrong = wrong_points(field, polygon, one, limit=330.0, samples=60_000)
    assert wrong.tolist() == []


@pytest.mark.parametrize("town", ["lattice", "random", "6 m apart", "block of 51 m", "bridge"])
def test_no_point_on_the_wrong_side_of_a_layers_circle(town):
    network, places, degrees = TOWNS[town]
    generator = np.random.default_rng(7)
    edge = generator.integers(0, network.u.size, 4)
    more = np.stack([network.x[network.u[edge]], network.y[network.u[edge]]], axis=1) + 3.0
    x, y = turned_points(np.concatenate([places, more]), degrees)
    field, at, polygons = layer_circles(turned(network, degrees), x, y)
    for limit, polygon in zip(LIMITS, polygons, strict=True):
        assert shapely.is_valid(polygon)
        assert wrong_points(field, polygon, at, limit=limit).tolist() == []
    check_nested(polygons)


@pytest.mark.parametrize("shift", [(40.0, 0.0), (0.0, -30.0)])
def test_a_circle_in_the_wrong_place_is_found_out(shift):
    x, y = np.array([1500.0]), np.array([0.0])
    ((field, one, (polygon,)),) = facility_circles(streets([(0, 0), (3000, 0)]), x, y, (500.0,))
    assert wrong_points(field, polygon, one, limit=500.0).tolist() == []
    moved = shapely.transform(polygon, lambda xy: xy + shift)
    wrong = wrong_points(field, moved, one, limit=500.0)
    assert len(wrong) > 50
    # Along one street the truth is plain: at most 25 m beside it, and 500 m to it and along it.
    beside, along = np.abs(wrong[:, 1]), np.abs(wrong[:, 0] - 1500)
    inside = (beside <= 25.0) & (beside + along <= 500.0)
    drawn = shapely.contains_xy(moved, wrong)
    assert np.array_equal(drawn, ~inside)
    assert drawn.any()
    assert not drawn.all()


def check_nested(polygons):
    for smaller, larger in itertools.pairwise(polygons):
        assert shapely.area(shapely.difference(smaller, larger)) <= 1e-6
        assert shapely.area(smaller) <= shapely.area(larger)


@settings(deadline=None, derandomize=True, max_examples=12)
@given(
    st.integers(0, 10_000),
    st.floats(0, 90),
    st.lists(st.floats(20, 900), min_size=2, max_size=4, unique=True).map(sorted),
)
def test_circles_are_nested_and_valid(seed, degrees, limits):
    generator = np.random.default_rng(seed)
    network = turned(random_streets(seed), degrees)
    x, y = turned_points(generator.uniform(400, 2000, (3, 2)), degrees)
    for _, _, polygons in facility_circles(network, x, y, limits):
        assert all(shapely.is_valid(polygons))
        check_nested(polygons)
    _, _, polygons = layer_circles(network, x, y, limits)
    assert all(shapely.is_valid(polygons))
    check_nested(polygons)


class TestByHand:
    def circle(self, network, place, limit, **options):
        x, y = np.reshape(place, (-1, 2)).T
        ((_, _, (polygon,)),) = facility_circles(network, x, y, (limit,), **options)
        return polygon

    @pytest.mark.parametrize(("limit", "leg"), [(250.0, 0.0), (500.0, 0.0), (500.0, 20.0)])
    def test_one_street(self, limit, leg):
        polygon = self.circle(streets([(0, 0), (3000, 0)]), [1500, leg], limit)
        # Both ways, all within 25 m: the integral of 2 (limit - leg - |n|) over n from -25 to 25.
        area = 2 * (50 * (limit - leg) - 625)
        assert shapely.area(polygon) == pytest.approx(area, rel=0.003)
        assert len(polygon.geoms) == 1
        west, south, east, north = shapely.bounds(polygon)
        assert (west, east) == pytest.approx((1500 - limit + leg, 1500 + limit - leg), abs=5.0)
        assert (south, north) == pytest.approx((-25, 25), abs=1e-9)

    def test_the_end_of_a_street(self):
        # A dead end: a half circle of 25 m around it, all of it within the limit.
        polygon = self.circle(streets([(0, 0), (2000, 0)]), [100, 0], 400.0)
        area = 50 * 100 + np.pi * 625 / 2 + (50 * 400 - 625)
        assert shapely.area(polygon) == pytest.approx(area, rel=0.005)

    def test_draw_m(self):
        polygon = self.circle(streets([(0, 0), (3000, 0)]), [1500, 0], 500.0, draw_m=60.0)
        assert shapely.area(polygon) == pytest.approx(2 * (120 * 500 - 3600), rel=0.003)

    def test_holes_stay(self):
        # A block of 200 m with 150 m inside, all reached.
        ring = streets([(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)], [(0, 0), (-900, 0)])
        polygon = self.circle(ring, [0, 100], 800.0)
        (whole,) = polygon.geoms
        holes = [shapely.Polygon(hole).area for hole in whole.interiors]
        assert holes == pytest.approx([150.0 * 150.0], rel=0.005)

    def test_islands_stay(self):
        # A viaduct of another network, drawn first, runs along our street between -50 and 50 and
        # then leaves northwards: there all is as near to it as to ours, so ours is hidden.
        network = build_network(
            [-50, 50, 50, -900, -50, 50, 900],
            [0, 0, 1200, 0, 0, 0, 0],
            [0, 1, 3, 4, 5],
            [1, 2, 4, 5, 6],
        )
        polygon = self.circle(network, [-200, 0], 600.0)
        near, far = sorted(polygon.geoms, key=lambda part: part.bounds[0])
        assert near.bounds[::2] == pytest.approx((-800, -50), abs=CELL_M)
        assert far.bounds[::2] == pytest.approx((50, 400), abs=CELL_M)
        # North of our street and within 25 m of it, the viaduct is nearer up to 45°.
        area = 50 * 600 - 625 + 50 * 150 + (50 * 350 - 625) - 25 * 25 / 2
        assert shapely.area(polygon) == pytest.approx(area, rel=0.02)

    def test_nothing_is_reached_from_too_far_off(self):
        polygon = self.circle(streets([(0, 0), (3000, 0)]), [1500, 300], 250.0)
        assert shapely.is_empty(polygon)
        assert shapely.area(polygon) == 0.0

    def test_a_circle_smaller_than_a_cell(self):
        polygon = self.circle(streets([(0, 0), (3000, 0)]), [1503, 0], 6.0)
        # A diamond of 6 m, whose corner cell is the one at 1500.
        assert shapely.is_valid(polygon)
        assert shapely.area(polygon) <= 400.0


def test_a_facility_that_is_not_attached_has_no_circle():
    network = streets([(0, 0), (3000, 0)])
    x, y = np.array([1500.0, np.nan]), np.array([501.0, 0.0])
    assert list(searches(metres_travel(network), attach(network, x, y), limit=1000)) == []
    x, y = x[:1], y[:1]
    _, _, polygons = layer_circles(network, x, y)
    assert all(shapely.is_empty(polygons))
    assert len(polygons) == 3


def test_a_layer_is_the_union_of_its_facilities():
    network = random_streets(3)
    places = np.random.default_rng(3).uniform(300, 2100, (5, 2))
    x, y = places.T
    _, _, polygons = layer_circles(network, x, y)
    alone = list(facility_circles(network, x, y))
    for number, polygon in enumerate(polygons):
        union = shapely.union_all([circles[number] for _, _, circles in alone])
        differ = shapely.symmetric_difference(union, polygon)
        # Only a part of a cell along borders.
        thin = shapely.buffer(shapely.boundary(polygon), CELL_M)
        assert shapely.area(shapely.difference(differ, thin)) <= 1e-6


def test_counts_of_overlapping_circles_are_those_of_the_cells():
    network = lattice(10)
    field = field_around(network, np.array([500.0]), np.array([500.0]), 600.0)
    counts = np.random.default_rng(0).integers(0, 7, field.slot.shape).astype(np.int32)
    # Blocks of equal counts, as circles make them, and single cells.
    counts = np.where(np.add.outer(*map(np.arange, counts.shape)) % 3, counts // 3, counts)
    counts = counts.astype(np.int32)
    drawn = count_polygons(field, counts)
    assert [least for least, _ in drawn] == [2, 3, 4, 5]
    rows, columns = counts.shape
    x = (np.arange(columns) + field.column0) * field.cell_m
    y = (np.arange(rows) + field.row0) * field.cell_m
    for least, polygon in drawn:
        assert shapely.is_valid(polygon)
        inside = shapely.contains_xy(polygon, *np.meshgrid(x, y))
        assert np.array_equal(inside, counts >= least)


def test_no_overlap_is_nothing():
    network = lattice(10)
    field = field_around(network, np.array([500.0]), np.array([500.0]), 600.0)
    assert count_polygons(field, np.ones(field.slot.shape, np.int32)) == []


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 5e4), st.floats(0, 5e4)), max_size=40),
    st.floats(1, 4000),
    st.floats(0, 50),
)
def test_groups_share_nothing_and_hold_their_circles(places, limit, margin):
    x, y = np.reshape(places, (-1, 2)).T
    found = groups(x, y, limit, margin)
    members = [member for mine, _ in found for member in mine.tolist()]
    assert sorted(members) == list(range(x.size))
    boxes = shapely.box(*np.array([bounds for _, bounds in found]).reshape(-1, 4).T)
    assert shapely.STRtree(boxes).query(boxes, predicate="intersects").shape[1] == len(found)
    for mine, (west, south, east, north) in found:
        reach = limit + margin
        assert west <= (x[mine] - reach).min()
        assert east >= (x[mine] + reach).max()
        assert south <= (y[mine] - reach).min()
        assert north >= (y[mine] + reach).max()


def test_one_polygon_of_pieces():
    one = shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])
    two = shapely.MultiPolygon([shapely.box(2, 0, 3, 1), shapely.box(4, 0, 5, 1)])
    assert len(one_polygon([one, shapely.MultiPolygon(), two]).geoms) == 3
    assert shapely.is_empty(one_polygon([]))


def test_limit_bounds():
    assert limit_bounds(10.0, 20.0, 100.0, 5.0) == (-95.0, -85.0, 115.0, 125.0)


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("seed", range(4))
def test_no_point_on_the_wrong_side_where_directions_differ(seed, direction):
    generator = np.random.default_rng(seed)
    network = turned(random_streets(seed), 20.0 * seed)
    # Fast roads and slow ones, uphill and down, and a third of them one-way.
    forward, backward = network.length_m / generator.uniform(0.6, 9.0, (2, network.u.size))
    forward[generator.random(forward.size) < 0.15] = np.inf
    backward[generator.random(backward.size) < 0.15] = np.inf
    travel = timed_travel(network, forward, backward, leg_kmh=4.0)
    x, y = turned_points(generator.uniform(600, 1800, (3, 2)), 20.0 * seed)
    at = attach(network, x, y)
    limits = (120.0, 240.0)
    bounds = (x.min() - 1500, y.min() - 1500, x.max() + 1500, y.max() + 1500)
    field = circle_field(travel, bounds, direction=direction)
    drawn = [
        (at.take(np.array([source])), cost)
        for source, cost in searches(travel, at, limit=limits[-1], direction=direction)
    ]
    drawn.append((at, node_costs(travel, at, direction=direction)[0]))
    looked_at = 0
    for targets, cost in drawn:
        polygons = circle_polygons(surface(field, cost, targets), limits)
        check_nested(polygons)
        for limit, polygon in zip(limits, polygons, strict=True):
            assert shapely.is_valid(polygon)
            if shapely.is_empty(polygon):  # the facility stands at a closed street
                continue
            looked_at += 1
            wrong = wrong_points(field, polygon, targets, limit=limit, samples=20_000, seed=seed)
            assert wrong.tolist() == []
    assert looked_at >= 4


def test_a_one_way_street_by_hand():
    # Cars come along a street at 10 m/s, from the west alone; the legs are walked at 1 m/s.
    network = streets([(0, 0), (3000, 0)])
    travel = timed_travel(network, [300.0], [np.inf], leg_kmh=3.6)
    at = attach(network, [1500.0], [0.0])
    cost = next(searches(travel, at, limit=60.0))[1]
    field = circle_field(travel, (0, -100, 3000, 100))
    (polygon,) = circle_polygons(surface(field, cost, at), [60.0])
    west, south, east, north = shapely.bounds(polygon)
    # 60 s are 600 m of road; 25 m off the street 25 s of walking are gone.
    assert (west, east) == pytest.approx((900, 1500), abs=10)
    assert (south, north) == pytest.approx((-25, 25), abs=1e-6)
    assert shapely.area(polygon) == pytest.approx(2 * (600 * 25 - 10 * 25 * 25 / 2), rel=0.02)
