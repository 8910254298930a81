"""The field of a drawing: cells against attaching each centre, rivals against all edges, leaves."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from servicecircle.network.contour import contour
from servicecircle.network.field import circle_field, window
from servicecircle.network.graph import build_network
from servicecircle.network.leaves import no_leaves
from servicecircle.network.marching import Board
from servicecircle.network.snap import edge_index, nearest_edges
from servicecircle.network.travel import metres_travel


def town(seed, count=160):
    """Return crossing streets of all lengths, some of them parallel, some a point."""
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(0, 900, (2, count))
    u, v = generator.integers(0, count, (2, count))
    x[:4], y[:4] = [100, 100, 100, 700], [50, 50, 450, 50]
    near = np.argsort(np.hypot(x - x[:, None], y - y[:, None]), axis=1)[:, 1:3]
    u = np.concatenate([u[:20], np.repeat(np.arange(count), 2), [0, 0, 0]])
    v = np.concatenate([v[:20], near.ravel(), [2, 2, 3]])
    return build_network(x + 5e5, y + 3.3e6, u, v, min_component_m=0.0)


@pytest.mark.parametrize("seed", range(4))
def test_cells_meet_the_edge_that_their_centres_are_attached_to(seed):
    network = town(seed)
    field = circle_field(metres_travel(network), (5e5 - 100, 3.3e6 - 50, 5e5 + 800, 3.3e6 + 990))
    part = window(field)
    x, y = (grid.ravel() for grid in np.meshgrid(part.x, part.y))
    truth = nearest_edges(network, edge_index(network), x, y, most_m=45.0)
    slot = field.slot.ravel()
    np.testing.assert_array_equal(slot >= 0, truth.snapped)
    near = truth.take(np.flatnonzero(truth.snapped))
    np.testing.assert_array_equal(field.at.edge[slot[slot >= 0]], near.edge)
    np.testing.assert_array_equal(field.at.leg_m[slot[slot >= 0]], near.leg_m)
    np.testing.assert_array_equal(field.at.offset_m[slot[slot >= 0]], near.offset_m)


@pytest.mark.parametrize("seed", range(3))
def test_rivals_are_all_edges_that_may_be_nearest(seed):
    network = town(seed)
    field = circle_field(metres_travel(network), (5e5 + 200, 3.3e6 + 300, 5e5 + 420, 3.3e6 + 500))
    squares = field.squares
    rows = np.repeat(np.arange(squares.row_starts.size - 1), np.diff(squares.row_starts))
    x = (squares.column + field.column0 + 0.5) * 10.0
    y = (rows + field.row0 + 0.5) * 10.0
    ids = np.flatnonzero(network.eligible)
    a = network.x[network.u[ids]] + 1j * network.y[network.u[ids]]
    b = network.x[network.v[ids]] + 1j * network.y[network.v[ids]]
    place = x + 1j * y
    way = b - a

    def shares(place):
        t = ((np.asarray(place)[..., None] - a) * way.conj()).real
        return np.clip(t / np.maximum(np.abs(way) ** 2, 1e-300), 0, 1)

    def distances(place):
        return np.abs(np.asarray(place)[..., None] - (a + shares(place) * way))

    legs = distances(place)
    r = 5.0 * np.sqrt(2.0)
    steps = (np.arange(4) - 1.5) * 2.5
    quarters = np.add.outer(1j * steps, steps).ravel()
    listed = {(row, column) for row, column in zip(rows, squares.column, strict=True)}
    assert len(listed) == squares.column.size
    for square in range(squares.column.size):
        part = slice(squares.starts[square], squares.starts[square + 1])
        mine = squares.edge[part].tolist()
        assert mine == sorted(set(mine))
        least = legs[square].min()
        assert set(mine) <= set(ids[legs[square] <= least + 2 * r + 0.05].tolist())
        # Each is near enough to being nearest in one of the sixteen parts.
        parts = place[square] + quarters
        far = distances(parts)
        near = far <= far.min(axis=1)[:, None] + 2 * r / 4 + 0.05
        assert set(mine) <= set(ids[near.any(axis=0)].tolist())
        at = np.searchsorted(ids, mine)
        np.testing.assert_allclose(squares.leg_m[part], legs[square, at], atol=1e-3)
        offsets = shares(place[square])[at] * network.length_m[mine]
        np.testing.assert_allclose(squares.offset_m[part], offsets, atol=1e-3)
        # Random points of the square are nearest to one of the rivals.
        point = place[square] + np.random.default_rng(square).uniform(-5, 5, (30, 2)) @ [1, 1j]
        first = ids[np.argmin(distances(point), axis=1)]
        assert set(first.tolist()) <= set(mine)
    # A square that is not listed has no point within 25 m of an edge: its centre is far off.
    rows_all, columns_all = field.slot.shape
    for row in range(rows_all - 1):
        for column in range(columns_all - 1):
            if (row, column) not in listed:
                centre = complex((column + field.column0 + 0.5) * 10, (row + field.row0 + 0.5) * 10)
                assert distances(centre).min() > 25.0 + r - 1e-3


def test_windows():
    network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    field = circle_field(metres_travel(network), (0, -100, 100, 100))
    assert window(field).shape == field.slot.shape
    part = window(field, (-500, -12, 33, 500))
    assert (part.x[0], part.x[-1], part.y[0], part.y[-1]) == (0, 40, -20, 100)
    assert (part.rows, part.columns) == (slice(8, 21), slice(0, 5))
    assert window(field, (500, 500, 600, 600)).shape == (0, 0)
    assert window(field, (-600, 0, -500, 10)).shape[1] == 0


def test_no_edges_no_cells():
    field = circle_field(metres_travel(build_network([], [], [], [])), (0, 0, 50, 50))
    assert (field.slot == -1).all()
    assert len(field.at) == field.squares.column.size == 0


def draw_line(field):
    """Return the polygon of all that is at most 25 m from the network."""
    part = window(field)
    slot = field.slot[part.rows, part.columns]
    legs = np.append(field.at.leg_m, np.inf)[slot]
    sure = np.full((slot.shape[0] - 1, slot.shape[1] - 1), -np.inf)
    totals = np.full(legs.shape, -np.inf)
    board = Board(totals, legs, sure, field.row0, field.column0, field.cell_m, field.draw_m)
    return contour(board, 0.0, no_leaves(sure.shape[0]), field.leaves)


@pytest.mark.parametrize("gap", [50.2, 50.6, 51.5, 53.0, 57.0])
@pytest.mark.parametrize("degrees", [0.0, 7.0, 45.0])
def test_the_draw_line_misses_no_gap_between_streets(gap, degrees):
    turn = np.exp(1j * np.radians(degrees))
    ends = np.array([0, 700, 700 + 1j * gap, 1j * gap, 350, 350 + 1j * gap]) * turn + 5e5 + 3.3e6j
    network = build_network(ends.real, ends.imag, [0, 4, 1, 2, 5, 3, 4], [4, 1, 2, 5, 3, 0, 5])
    bounds = (
        ends.real.min() - 99,
        ends.imag.min() - 99,
        ends.real.max() + 99,
        ends.imag.max() + 99,
    )
    field = circle_field(metres_travel(network), bounds)
    polygon = draw_line(field)
    assert shapely.is_valid(polygon)
    u, v = network.u, network.v
    lines = np.stack([network.x[u], network.y[u], network.x[v], network.y[v]], axis=1)
    streets = shapely.union_all(shapely.linestrings(lines.reshape(-1, 2, 2)))
    generator = np.random.default_rng(3)
    # Many of the points lie in the narrow gaps.
    share, off = generator.uniform(0, 700, 40_000), generator.normal(gap / 2, 12, 40_000)
    place = (share + 1j * off) * turn + 5e5 + 3.3e6j
    points = shapely.points(place.real, place.imag)
    far = shapely.distance(points, polygon.boundary) > field.cell_m
    inside = shapely.contains(polygon, points)
    true = shapely.distance(points, streets) <= 25.0
    assert np.array_equal(inside[far], true[far])


@pytest.mark.parametrize("seed", range(2))
def test_leaves_tile_their_square(seed):
    network = town(seed)
    field = circle_field(metres_travel(network), (5e5, 3.3e6, 5e5 + 1500, 3.3e6 + 1500))
    leaves = field.leaves
    assert leaves.column.size > 10
    assert (np.diff(leaves.starts) >= 16).all()
    share = np.add.reduceat(4.0 ** (-2.0 * leaves.depth), leaves.starts[:-1])
    np.testing.assert_array_equal(share, 1.0)
    # Each is known by its square, too.
    row = np.repeat(np.arange(leaves.row_starts.size - 1), np.diff(leaves.row_starts))
    at = np.flatnonzero(field.leaf_of >= 0)
    np.testing.assert_array_equal(field.leaf_of[at], np.arange(leaves.column.size))
    np.testing.assert_array_equal(field.squares.column[at], leaves.column)
    starts = field.squares.row_starts
    np.testing.assert_array_equal(np.searchsorted(starts, at, side="right") - 1, row)
    # The legs of the corners are those of the network.
    square = np.repeat(np.arange(leaves.column.size), np.diff(leaves.starts))
    size = field.cell_m / 4.0**leaves.depth
    x = (leaves.column[square] + field.column0) * field.cell_m + leaves.west * size
    y = (row[square] + field.row0) * field.cell_m + leaves.south * size
    for corner, (dx, dy) in enumerate([(0, 0), (1, 0), (1, 1), (0, 1)]):
        found = nearest_edges(network, edge_index(network), x + dx * size, y + dy * size, most_m=99)
        np.testing.assert_allclose(leaves.leg[:, corner], found.leg_m, atol=1e-6)
