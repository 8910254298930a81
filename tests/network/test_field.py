"""The field of a drawing: its cells against attaching each centre, its rivals against all edges."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.network.field import circle_field, window
from servicecircle.network.graph import build_network
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
    listed = {(row, column) for row, column in zip(rows, squares.column, strict=True)}
    assert len(listed) == squares.column.size
    for square in range(squares.column.size):
        part = slice(squares.starts[square], squares.starts[square + 1])
        mine = squares.edge[part].tolist()
        assert mine == sorted(set(mine))
        least = legs[square].min()
        must = set(ids[legs[square] <= least + 2 * r].tolist())
        may = set(ids[legs[square] <= least + 2 * r + 0.05].tolist())
        assert must <= set(mine) <= may
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
