"""Legs around barriers, against looking at every edge and every barrier."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.barriers import attach_around
from servicecircle.network.graph import build_network
from servicecircle.network.snap import edge_index, nearest_edges

number = st.floats(0, 1000, allow_subnormal=False).map(lambda value: round(value, 3))
place = st.tuples(number, number)


def around(network, x, y, barriers, most_m=500.0):
    return attach_around(
        network, edge_index(network), x, y, most_m=most_m, barriers=np.array(barriers, object)
    )


def by_looking(network, x, y, barriers, most_m):
    """Return the least leg to any edge that meets no barrier; infinite where there is none."""
    point = shapely.Point(x, y)
    best = np.inf
    for edge in np.flatnonzero(network.eligible):
        ends = [(network.x[node], network.y[node]) for node in (network.u[edge], network.v[edge])]
        foot = np.array(ends[0]), np.array(ends[1]) - np.array(ends[0])
        square = foot[1] @ foot[1]
        share = (
            0.0 if square == 0 else np.clip((np.array([x, y]) - foot[0]) @ foot[1] / square, 0, 1)
        )
        leg = shapely.LineString([(x, y), foot[0] + share * foot[1]])
        blocked = any(leg.intersects(one) and not point.intersects(one) for one in barriers)
        if not blocked and leg.length <= most_m:
            best = min(best, leg.length)
    return best


@st.composite
def cases(draw):
    nodes = draw(st.lists(place, min_size=2, max_size=10))
    count = st.integers(0, len(nodes) - 1)
    edges = draw(st.lists(st.tuples(count, count), min_size=1, max_size=12))
    lines = draw(st.lists(st.tuples(place, place), max_size=4))
    areas = draw(st.lists(st.tuples(place, st.floats(5, 300), st.floats(5, 300)), max_size=2))
    barriers = [shapely.LineString(line) for line in lines if line[0] != line[1]]
    barriers += [shapely.box(x, y, x + width, y + height) for (x, y), width, height in areas]
    points = draw(st.lists(place, min_size=1, max_size=6))
    return nodes, edges, barriers, np.array(points)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.sampled_from([100.0, 400.0, 2000.0]))
def test_equals_looking_at_everything(case, most_m):
    nodes, edges, barriers, points = case
    network = build_network(*np.array(nodes).T, *np.array(edges).T, min_component_m=0)
    at = around(network, *points.T, barriers, most_m)
    for k, (x, y) in enumerate(points):
        best = by_looking(network, x, y, barriers, most_m)
        # A leg that ends on a barrier meets it by a hair or not, as rounding will have it.
        close = by_looking(network, x, y, [shapely.buffer(b, -1e-7) for b in barriers
                                           if b.geom_type == "Polygon"], most_m)  # fmt: skip
        if np.isinf(best):
            assert at.edge[k] == -1 or at.leg_m[k] >= close - 1e-6
        elif at.edge[k] >= 0:
            assert abs(at.leg_m[k] - best) <= 1e-6 or close < best - 1e-9
        else:
            assert abs(best - most_m) <= 1e-6


class TestRiver:
    """Two streets, a river between them, and a bridge over it."""

    network = build_network(
        [0, 2000, 0, 2000, 1500, 1500],
        [0, 0, 200, 200, 0, 200],
        [0, 2, 4],
        [1, 3, 5],
        min_component_m=0,
    )
    river = shapely.box(-100, 20, 2100, 160)

    def test_the_far_bank_is_nearer_and_not_taken(self):
        at = around(self.network, [300, 300], [170, 10], [self.river])
        assert at.edge.tolist() == [1, 0]
        # 10 m from the southern street's side of the river, 15 m from its bank.
        at = around(self.network, [300], [165], [shapely.LineString([(0, 180), (900, 180)])])
        assert (at.edge.tolist(), at.leg_m.tolist()) == ([0], [165.0])

    def test_nothing_within_reach_is_unsnapped(self):
        fence = shapely.box(290, 60, 310, 90).exterior
        at = around(self.network, [300], [75], [fence])
        assert at.edge.tolist() == [-1]
        assert np.isnan(at.leg_m).all()

    def test_in_the_water_its_own_area_is_no_barrier(self):
        at = around(self.network, [300], [40], [self.river])
        assert (at.edge.tolist(), at.leg_m.tolist()) == ([0], [40.0])

    def test_without_barriers_it_is_the_nearest_edge(self):
        generator = np.random.default_rng(0)
        x, y = generator.uniform(-700, 2700, (2, 500))
        plain = nearest_edges(self.network, edge_index(self.network), x, y, most_m=500)
        for barriers in ([], [shapely.box(5e5, 5e5, 6e5, 6e5)]):
            at = around(self.network, x, y, barriers)
            np.testing.assert_array_equal(at.edge, plain.edge)
            np.testing.assert_array_equal(at.leg_m, plain.leg_m)

    def test_points_without_a_place_stay_unsnapped(self):
        at = around(self.network, [np.nan, 300], [5, np.inf], [self.river])
        assert at.edge.tolist() == [-1, -1]
