"""Facilities with several doors: by hand, and against an oracle that looks at every edge."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.access import Points, layer_access, straight_distances
from servicecircle.network.doors import attach_doors
from servicecircle.network.graph import build_network
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.profiles import profile
from servicecircle.network.reach import nearest
from servicecircle.network.snap import attach, edge_index
from servicecircle.network.travel import metres_travel

# Two streets 100 m apart, joined only 2 km to the west.
STREETS = build_network([0, 3000, 0, 3000], [0, 0, 100, 100], [0, 0, 2], [1, 2, 3])
INDEX = edge_index(STREETS)
TRAVEL = metres_travel(STREETS)


def doors_of(*shapes, x=2000.0, y=50.0, **more):
    shapes = np.array([None, *shapes], dtype=object)[1:]
    k = len(shapes)
    at = attach_doors(
        STREETS, INDEX, np.full(k, x), np.full(k, y), shapes, **{"most_m": 500.0, **more}
    )
    return Points(
        ids=np.array([f"f{k}" for k in range(k)], object),
        x=np.full(k, x),
        y=np.full(k, y),
        at=at,
        doors=shapes,
    )


def metres(facility, *places):
    return nearest(TRAVEL, attach(STREETS, *np.transpose(places)), facility.at).metres.tolist()


SOUTH, NORTH = (1900.0, -30.0), (1900.0, 130.0)


class TestBetweenTwoStreets:
    def test_one_place_is_far_from_one_of_them(self):
        home = doors_of(None)
        assert home.at.edge.tolist() == [0]
        assert metres(home, SOUTH, NORTH) == [180.0, 30 + 1900 + 100 + 2000 + 50]

    def test_two_entrances_open_to_both(self):
        home = doors_of(shapely.MultiPoint([(2000, 10), (2000, 95)]))
        assert home.at.leg_m.tolist() == [10.0, 5.0]
        assert metres(home, SOUTH, NORTH) == [30 + 100 + 10, 30 + 100 + 5]

    def test_an_outline_that_both_cross_has_no_leg(self):
        home = doors_of(shapely.box(1950, -20, 2050, 120))
        assert sorted(home.at.offset_m.tolist()) == [1950, 1950, 2050, 2050]
        assert home.at.edge.tolist().count(0) == 2
        assert metres(home, SOUTH, NORTH) == [30 + 50, 30 + 50]

    def test_an_outline_that_none_crosses_joins_at_its_nearest_point(self):
        home = doors_of(shapely.box(1950, 20, 2050, 70))
        assert (home.at.edge.tolist(), home.at.leg_m.tolist()) == ([0], [20.0])
        assert 1950 <= home.at.offset_m[0] <= 2050

    def test_an_outline_along_a_street_joins_at_the_ends_of_the_stretch(self):
        home = doors_of(shapely.box(1950, 0, 2050, 70))
        assert sorted(home.at.offset_m.tolist()) == [1950, 2050]
        assert metres(home, SOUTH) == [30 + 50]

    def test_a_hole_is_an_outline_too(self):
        court = shapely.box(1950, -30, 2050, 80) - shapely.box(1960, -20, 2040, 70)
        assert sorted(doors_of(court).at.offset_m.tolist()) == [1950, 1960, 2040, 2050]

    @pytest.mark.parametrize("shape", [shapely.Polygon(), shapely.MultiPoint()])
    def test_nothing_is_as_no_doors(self, shape):
        home = doors_of(shape)
        assert (home.at.edge.tolist(), home.at.leg_m.tolist()) == ([0], [50.0])

    def test_too_far_is_unsnapped(self):
        far = doors_of(shapely.MultiPoint([(2000, 900), (2000, 5000)]), None, y=1000.0)
        assert far.at.attached.tolist() == [False, False]
        one = doors_of(shapely.MultiPoint([(2000, 300), (2000, 5000)]))
        assert one.at.attached.tolist() == [True]
        assert np.isnan(one.at.leg_m).tolist() == [False, True]
        assert doors_of(shapely.box(1950, 700, 2050, 800), y=750.0).at.attached.tolist() == [False]

    def test_a_leg_goes_around_water(self):
        river = np.array([shapely.box(0, 5, 3000, 15)])
        home = doors_of(shapely.box(1950, 20, 2050, 70), barriers=river)
        assert (home.at.edge.tolist(), home.at.leg_m.tolist()) == ([2], [80.0])
        home = doors_of(shapely.MultiPoint([(2000, 20)]), None, barriers=river)
        assert (home.at.edge.tolist(), home.at.leg_m.tolist()) == ([2, 2], [80.0, 50.0])

    def test_some_of_several_are_taken_with_all_their_doors(self):
        homes = doors_of(None, shapely.box(1950, -20, 2050, 120), None)
        kept = homes.take(np.array([2, 1]))
        assert kept.at.owner.tolist() == [0, 1, 1, 1, 1]
        assert kept.doors[0] is None
        assert homes.spread_m == pytest.approx(np.hypot(50, 70))


def test_no_way_is_shorter_than_straight():
    homes = doors_of(shapely.box(1950, -20, 2050, 120), shapely.MultiPoint([(500, 10), (600, 95)]))
    x, y = np.random.default_rng(0).uniform([[0], [-200]], [[3000], [300]], (2, 400))
    people = Points(ids=np.full(400, "p", object), x=x, y=y, at=attach(STREETS, x, y))
    table = layer_access(people, homes, layer="care_home", profile=profile("walk"), travel=TRAVEL)
    assert (table["status"] == "reached").all()
    assert (table["metres"] >= table["straight_metres"] - 1e-9).all()
    inside = shapely.contains_xy(homes.doors[0], x, y)
    assert inside.any()
    assert (table["straight_metres"][inside] == 0.0).all()


def test_straight_is_to_the_nearest_door():
    homes = doors_of(None, shapely.MultiPoint([(0, 0), (9000, 0)]), x=100.0, y=0.0)
    people = Points(
        ids=np.empty(3, object), x=np.array([90.0, 8990, np.nan]), y=np.zeros(3), at=None
    )
    assert straight_distances(people, homes).tolist()[:2] == [10.0, 10.0]
    assert np.isnan(straight_distances(people, homes)[2])


number = st.integers(0, 10).map(lambda value: value * 100.0) | st.floats(0, 1000)
place = st.tuples(number, number)


@st.composite
def cases(draw):
    nodes = draw(st.lists(place, min_size=2, max_size=8, unique=True))
    count = st.integers(0, len(nodes) - 1)
    pairs = draw(
        st.lists(
            st.tuples(count, count).filter(lambda pair: pair[0] != pair[1]),
            min_size=1,
            max_size=10,
            unique_by=lambda pair: (min(pair), max(pair)),
        )
    )
    shapes = []
    for x, y, kind in draw(
        st.lists(st.tuples(number, number, st.integers(0, 2)), min_size=1, max_size=3)
    ):
        size = draw(st.floats(10, 400))
        shapes.append(
            [
                None,
                shapely.box(x - size, y - size / 2, x + size, y + size / 2),
                shapely.MultiPoint([(x, y), (x + size, y - size)]),
            ][kind]
        )
    middle = [draw(place) if shape is None else shape.centroid.coords[0] for shape in shapes]
    return (
        nodes,
        pairs,
        np.array([None, *shapes], object)[1:],
        middle,
        draw(st.lists(place, min_size=1, max_size=4)),
    )


def plain_feet(oracle, shape, where, most_m):
    """Return (edge, offset, leg) of each foot of a facility, edge by edge."""
    lines = [
        shapely.LineString([(oracle.x[u], oracle.y[u]), (oracle.x[v], oracle.y[v])])
        for u, v in zip(oracle.u, oracle.v, strict=True)
    ]
    if isinstance(shape, shapely.Polygon):
        outline = shape.exterior
        feet = [
            (edge, line.project(shapely.Point(point)), 0.0)
            for edge, line in enumerate(lines)
            if not (met := line.intersection(outline)).is_empty
            for point in shapely.get_coordinates(met)
        ]
        if feet:
            return feet
        near = min((line.distance(outline), edge) for edge, line in enumerate(lines))
        doors = [shapely.shortest_line(outline, lines[near[1]]).coords[0]]
    else:
        doors = [where] if shape is None else [point.coords[0] for point in shape.geoms]
    edge, offset, leg = oracle.attach(*np.transpose(doors), most_m)
    return [foot for foot in zip(edge, offset, leg, strict=True) if foot[0] >= 0]


@settings(deadline=None, derandomize=True, max_examples=120)
@given(cases())
def test_equals_brute_force(oracles, case):
    nodes, pairs, shapes, middle, demand = case
    (x, y), (u, v) = np.transpose(nodes), np.transpose(pairs)
    network = build_network(x, y, u, v, min_component_m=0)
    oracle = oracles.Streets(x, y, u, v, min_component_m=0)
    places = attach(network, *np.transpose(demand), max_snap_m=600)
    at = attach_doors(
        network, edge_index(network), *np.transpose(middle).astype(float), shapes, most_m=600
    )
    feet = [
        (k, *foot)
        for k, shape in enumerate(shapes)
        for foot in plain_feet(oracle, shape, middle[k], 600)
    ]
    owner = np.array([foot[0] for foot in feet], int)
    parts = [
        np.array([foot[at] for foot in feet], kind)
        for at, kind in ((1, int), (2, float), (3, float))
    ]
    matrix = oracle.matrix((places.edge, places.offset_m, places.leg_m), parts)
    expected = np.full((len(demand), len(shapes)), np.inf)
    for column, k in enumerate(owner):
        expected[:, k] = np.minimum(expected[:, k], matrix[:, column])
    found = np.full(expected.shape, np.inf)
    entries = travel_matrix(metres_travel(network), places, at, limit=np.inf).tocoo()
    found[entries.row, entries.col] = entries.data
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6)
