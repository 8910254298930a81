"""Attaching points: the nearest point on an edge, against numpy and shapely, and by hand."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.graph import build_network
from servicecircle.network.snap import _nearest, attach, edge_index, nearest_edges


def random_segments(seed, count=400):
    """Return a network of streets short and long, and points on, off and far off its grid."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 8000, count)
    y = generator.uniform(0, 6000, count)
    length = generator.choice([0.0, 0.05, 3.0, 40.0, 300.0, 5000.0], count)
    angle = generator.uniform(0, 2 * np.pi, count)
    nodes_x = np.concatenate([x, x + length * np.cos(angle)]) + 540_000.0
    nodes_y = np.concatenate([y, y + length * np.sin(angle)]) + 3_340_000.0
    network = build_network(
        nodes_x, nodes_y, np.arange(count), np.arange(count) + count, min_component_m=0
    )
    spread = generator.choice([200.0, 3000.0, 40_000.0], 1500)
    px = 544_000.0 + generator.normal(size=1500) * spread
    py = 3_343_000.0 + generator.normal(size=1500) * spread
    return network, px, py


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most_m", [60.0, 500.0, 30_000.0, np.inf])
def test_equals_looking_at_every_edge(oracles, seed, most_m):
    network, px, py = random_segments(seed)
    truth = oracles.Streets(network.x, network.y, network.u, network.v, min_component_m=0)
    edge, offset, leg = truth.attach(px, py, most_m)
    at = nearest_edges(network, edge_index(network), px, py, most_m=most_m)
    assert at.edge.tolist() == edge.tolist()
    np.testing.assert_allclose(at.leg_m, leg, rtol=1e-12, atol=1e-8)
    np.testing.assert_allclose(at.offset_m, offset, rtol=1e-12, atol=1e-6)
    assert np.array_equal(at.snapped, edge >= 0)
    if np.isfinite(most_m):
        assert 0 < at.snapped.sum() < px.size


@pytest.mark.parametrize("seed", range(2))
def test_equals_shapely(seed):
    network, px, py = random_segments(seed)
    ends = np.stack([network.u, network.v], axis=1)
    lines = shapely.linestrings(np.stack([network.x[ends], network.y[ends]], axis=2))
    points = shapely.points(px, py)
    found, metres = shapely.STRtree(lines).query_nearest(
        points, all_matches=False, return_distance=True
    )
    at = nearest_edges(network, edge_index(network), px, py, most_m=np.inf)
    np.testing.assert_allclose(at.leg_m, metres, rtol=1e-12, atol=1e-8)
    assert np.mean(at.edge == found[1]) > 0.999
    foot = shapely.line_interpolate_point(lines[at.edge], at.offset_m)
    np.testing.assert_allclose(shapely.distance(foot, points), at.leg_m, rtol=1e-12, atol=1e-6)


def test_threads_do_not_change_bits():
    network, px, py = random_segments(9)
    index = edge_index(network)
    before = numba.get_num_threads()
    answers = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            at = nearest_edges(network, index, px, py, most_m=2000.0)
            answers.append((at.edge.tobytes(), at.offset_m.tobytes(), at.leg_m.tobytes()))
    finally:
        numba.set_num_threads(before)
    assert answers[0] == answers[1]
    assert _nearest.targetoptions["parallel"]
    assert not _nearest.targetoptions.get("fastmath")


whole = st.integers(0, 12).map(lambda value: value * 50.0)
exact_networks = st.lists(st.tuples(whole, whole, whole, whole), min_size=1, max_size=12)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(exact_networks, st.lists(st.tuples(whole, whole), min_size=1, max_size=8))
def test_of_streets_along_the_axes_the_lowest_of_equals(segments, points):
    """Along the axes all distances are whole numbers or exact, and ties are many."""
    segments = [
        (x1, y1, x2, y1) if number % 2 else (x1, y1, x1, y2)
        for number, (x1, y1, x2, y2) in enumerate(segments)
    ]
    ends = np.array(segments).reshape(-1, 2)
    count = len(segments)
    network = build_network(
        *ends.T, np.arange(count) * 2, np.arange(count) * 2 + 1, min_component_m=0
    )
    px, py = np.array(points).T + 7.0
    at = attach(network, px, py, max_snap_m=1e6)
    for k in range(px.size):
        metres = []
        for x1, y1, x2, y2 in segments:
            dx = px[k] - np.clip(px[k], min(x1, x2), max(x1, x2))
            dy = py[k] - np.clip(py[k], min(y1, y2), max(y1, y2))
            metres.append(dx * dx + dy * dy)
        assert at.edge[k] == int(np.argmin(metres))
        assert at.leg_m[k] == np.sqrt(min(metres))


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.integers(0, 2**32 - 1))
def test_edges_that_share_a_node_tie_exactly(seed):
    """Beyond the end of several edges the foot is their common node: the lowest id wins."""
    generator = np.random.default_rng(seed)
    centre = generator.uniform(0, 1e6, 2)
    angle = np.radians(generator.permutation(np.arange(5) * 20.0 + 100.0))
    x = np.append(centre[0] + 300 * np.cos(angle), centre[0])
    y = np.append(centre[1] + 300 * np.sin(angle), centre[1])
    u, v = np.arange(5), np.full(5, 5)
    flip = generator.random(5) < 0.5
    u, v = np.where(flip, v, u), np.where(flip, u, v)
    network = build_network(x, y, u, v, min_component_m=0)
    # All five streets leave westwards; the points lie to the east of the crossing.
    px = centre[0] + generator.uniform(1, 400, 20)
    py = centre[1] + (px - centre[0]) * generator.uniform(-0.1, 0.1, 20)
    at = attach(network, px, py)
    assert at.edge.tolist() == [0] * 20
    np.testing.assert_allclose(at.leg_m, np.hypot(px - centre[0], py - centre[1]), rtol=1e-9)


def test_lines_drawn_twice_in_opposite_directions_are_one():
    generator = np.random.default_rng(5)
    network = build_network([0.123, 150.77], [0.3, 90.1], [0, 1], [1, 0], min_component_m=0)
    share = generator.uniform(0, 1, 5000)
    px = share * 150 + generator.uniform(-20, 20, 5000)
    py = share * 90 + generator.uniform(-20, 20, 5000)
    assert not attach(network, px, py).edge.any()


class TestLimit:
    network = build_network([0, 1000], [0, 0], [0], [1])

    @pytest.mark.parametrize(
        ("y", "snapped"),
        [(500.0, True), (np.nextafter(500.0, 501.0), False), (-500.0, True), (500.1, False)],
    )
    def test_across(self, y, snapped):
        at = attach(self.network, [300.0], [y], max_snap_m=500.0)
        assert at.snapped.tolist() == [snapped]
        assert np.isnan(at.leg_m[0]) == np.isnan(at.offset_m[0]) == (not snapped)

    def test_beyond_the_end(self):
        # 300, 400, 500: a right angle.
        at = attach(self.network, [1300.0, 1300.1], [400.0, 400.0], max_snap_m=500.0)
        assert at.edge.tolist() == [0, -1]
        assert at.offset_m[0] == 1000.0
        assert at.leg_m[0] == 500.0

    def test_a_smaller_limit_than_a_bin(self):
        at = attach(self.network, [500.0, 500.0], [3.0, 3.1], max_snap_m=3.0)
        assert at.edge.tolist() == [0, -1]


@pytest.mark.parametrize("far", [1e4, 3e5, 1e7, 1e15, 1e300, -1e4, -3e5, -1e300, np.inf, np.nan])
@pytest.mark.parametrize("axis", [0, 1])
def test_points_far_off_and_nowhere(far, axis):
    network = build_network([0, 1000], [0, 0], [0], [1])
    place = [[500.0], [10.0]]
    place[axis] = [far]
    at = attach(network, *place)
    assert at.edge.tolist() == [-1]
    assert np.isnan(at.leg_m).all()
    assert np.isnan(at.offset_m).all()


def test_hundreds_of_kilometres_off_within_a_limit_as_large():
    network = build_network([0, 1000], [0, 0], [0], [1])
    at = attach(network, [400_300.0], [300_000.0], max_snap_m=6e5)
    assert at.offset_m.tolist() == [1000.0]
    assert at.leg_m[0] == pytest.approx(np.hypot(399_300, 300_000), rel=1e-15)


def test_a_street_of_no_length_and_a_loop():
    network = build_network([100, 100, 900], [0, 0, 0], [0, 2], [1, 2], min_component_m=0)
    at = attach(network, [100.0, 890.0], [30.0, 0.0])
    assert at.edge.tolist() == [0, 1]
    assert at.offset_m.tolist() == [0.0, 0.0]
    assert at.leg_m.tolist() == [30.0, 10.0]


def test_small_components_are_passed_over():
    # 40 m of path right beside the point; the street of 1,000 m is 100 m off.
    network = build_network([0, 1000, 480, 520], [0, 0, 100, 100], [0, 2], [1, 3])
    at = attach(network, [500.0], [100.0])
    assert at.edge.tolist() == [0]
    assert at.leg_m.tolist() == [100.0]


@pytest.mark.parametrize(
    "network", [build_network([], [], [], []), build_network([1], [1], [], [])]
)
def test_no_streets(network):
    at = attach(network, [0.0, np.nan], [0.0, 0.0])
    assert at.edge.tolist() == [-1, -1]
    assert len(at) == 2


def test_no_points():
    at = attach(build_network([0, 2000], [0, 0], [0], [1]), [], [])
    assert len(at) == 0
    assert at.snapped.tolist() == []


def test_take_picks_rows():
    at = attach(build_network([0, 2000], [0, 0], [0], [1]), [10, 20, 30], [1, 9e9, 3])
    some = at.take(np.array([2, 1]))
    assert some.edge.tolist() == [0, -1]
    assert some.leg_m[0] == 3.0


@pytest.mark.parametrize("seed", range(3))
def test_no_edge_is_filed_outside_the_grid(seed):
    """Ends on the rim of the last bin, where rounding decides, stay inside."""
    generator = np.random.default_rng(seed)
    for _ in range(100):
        x = generator.uniform(1e5, 9e5) + np.cumsum([0.0, *generator.integers(0, 30, 3) * 60.0])
        y = generator.uniform(3e6, 4e6) + np.cumsum([0.0, *generator.integers(0, 30, 3) * 60.0])
        order = generator.permutation(4)
        network = build_network(x[order], y[order], [0, 1, 2], [1, 2, 3], min_component_m=0)
        index = edge_index(network)
        assert index.starts[-1] == index.edges.size
        assert index.starts.size == index.columns * index.rows + 1
        at = nearest_edges(network, index, x, y, most_m=1.0)
        np.testing.assert_allclose(at.leg_m, 0.0, atol=1e-9)
