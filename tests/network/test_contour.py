"""Borders closed from squares and leaves: by hand, beside contourpy, and area by area."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from contourpy import FillType, contour_generator
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.contour import contour
from servicecircle.network.leaves import Leaves, no_leaves
from servicecircle.network.marching import Board

CELL = 10.0


def board_of(values, *, legs=None, surely=np.inf):
    """Return a board whose totals are these values; all of it near the network unless told."""
    values = np.asarray(values, float)
    rows, columns = values.shape
    legs = np.zeros(values.shape) if legs is None else np.asarray(legs, float)
    return Board(
        values, legs, np.full((rows - 1, columns - 1), surely), 300_000, 50_000, CELL, 25.0
    )


def drawn(values, limit=0.0, **options):
    board = board_of(values, **options)
    nothing = no_leaves(board.surely.shape[0])
    return contour(board, limit, nothing, nothing)


def places(board):
    rows, columns = board.totals.shape
    x, y = np.meshgrid(np.arange(columns) + board.column0, np.arange(rows) + board.row0)
    return x.ravel() * CELL, y.ravel() * CELL


@pytest.mark.parametrize(("value", "area"), [(-5.0, 2 * 5.0**2), (-10.0, 2 * 5.0**2)])
def test_one_cell_is_a_diamond(value, area):
    # The border crosses half-way to each neighbour: what is exceeded is clipped to a cell.
    values = np.full((3, 3), -value)
    values[1, 1] = value
    assert drawn(values).area == pytest.approx(area, rel=1e-6)


def test_a_border_at_the_rim_of_the_board_is_closed():
    assert drawn(np.full((3, 4), -10.0)).area == pytest.approx(20 * 30 + 2 * 5 * (20 + 30) + 50)


@pytest.mark.parametrize(("low", "parts"), [(-6.0, 1), (-4.0, 2)])
def test_a_saddle_is_cut_by_its_mean(low, parts):
    values = np.full((4, 4), 5.0)
    values[1, 1] = values[2, 2] = low
    assert len(drawn(values).geoms) == parts


def test_holes_and_islands_in_holes():
    values = np.full((9, 9), 5.0)
    values[1:8, 1:8] = -5.0
    values[2:7, 2:7] = 5.0
    values[4, 4] = -5.0
    island, ring = sorted(drawn(values).geoms, key=shapely.area)
    assert (len(ring.interiors), len(island.interiors)) == (1, 0)
    assert shapely.Polygon(ring.interiors[0]).contains(island)


def test_nothing_and_no_cells():
    assert drawn(np.full((3, 3), 1.0)).is_empty
    assert drawn(np.empty((1, 1)) + 1.0).is_empty


def test_legs_decide_where_totals_are_sure():
    legs = np.full((3, 3), 30.0)
    legs[1, 1] = 20.0
    # A total just within the limit would draw the border close to the cell.
    assert drawn(np.full((3, 3), -0.5), legs=legs).area == pytest.approx(2 * (10 * 0.5 / 5.5) ** 2)
    sure = drawn(np.full((3, 3), -0.5), legs=legs, surely=-0.1)
    assert sure.area == pytest.approx(2 * 5.0**2)


values_of = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(values_of, st.integers(2, 9), st.integers(2, 9))
def test_the_same_area_as_contourpy(generator, rows, columns):
    values = np.round(generator.uniform(-9, 9, (rows, columns)), 2) + 0.005
    polygon = drawn(values)
    padded = np.pad(values, 1, constant_values=CELL)
    axes = (np.arange(size, dtype=float) * CELL for size in padded.shape[::-1])
    peer = contour_generator(*axes, padded, name="serial", fill_type=FillType.OuterCode)
    points, codes = peer.filled(-1e9, 0.0)
    area = 0.0
    for vertices, marks in zip(points, codes, strict=True):
        for ring in np.split(vertices, np.flatnonzero(marks == 1)[1:]):
            area += shapely.Polygon(ring).area * (
                1 if shapely.is_ccw(shapely.LinearRing(ring)) else -1
            )
    assert polygon.area == pytest.approx(area, rel=1e-6, abs=1e-3)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(values_of, st.integers(2, 12), st.integers(2, 12))
def test_valid_nested_and_true_to_the_cells(generator, rows, columns):
    # Whole numbers among them: cells exactly on the border, and saddles that cancel out.
    values = generator.integers(-3, 4, (rows, columns)) * generator.choice([1.0, 1e-9, 4.0])
    board = board_of(values)
    x, y = places(board)
    polygons = [drawn(values, limit) for limit in (-4.0, -1.0, 0.0, 0.5, 3.0)]
    for limit, polygon in zip((-4.0, -1.0, 0.0, 0.5, 3.0), polygons, strict=True):
        assert shapely.is_valid(polygon)
        # A cell alone on the border has a circle of no size.
        plain = np.abs(values.ravel() - limit) > 1e-5
        inside = shapely.contains_xy(polygon, x, y)
        np.testing.assert_array_equal(inside[plain], values.ravel()[plain] <= limit)
    for smaller, larger in itertools.pairwise(polygons):
        assert shapely.area(shapely.difference(smaller, larger)) <= 1e-6


def random_leaves(generator, board, share):
    """Cut some squares of a board at random, with random costs at all inner corners."""
    rows, columns = board.surely.shape
    held = []
    for row in range(rows):
        for column in np.flatnonzero(generator.random(columns) < share):
            todo, leaves = [(1, i, j) for i in range(4) for j in range(4)], []
            while todo:
                depth, i, j = todo.pop(0)
                if depth < 3 and generator.random() < 0.15:
                    todo += [(depth + 1, 4 * i + a, 4 * j + b) for a in range(4) for b in range(4)]
                else:
                    leaves.append((depth, i, j))
            known = {
                (0, 0): board.totals[row, column], (64, 0): board.totals[row + 1, column],
                (0, 64): board.totals[row, column + 1], (64, 64): board.totals[row + 1, column + 1],
            }  # fmt: skip
            totals = []
            for depth, i, j in leaves:
                step = 4 ** (3 - depth)
                corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
                totals.append(
                    [
                        known.setdefault((a * step, b * step), generator.uniform(-9, 9))
                        for a, b in corners
                    ]
                )
            held.append((row, column, leaves, totals))
    leaves = [leaf for _, _, mine, _ in held for leaf in mine]
    depth, south, west = np.array(leaves, np.int64).reshape(-1, 3).T
    totals = np.array([one for *_, mine in held for one in mine], float).reshape(-1, 4)
    return Leaves(
        np.searchsorted([row for row, *_ in held], np.arange(rows + 1)).astype(np.int64),
        np.array([column for _, column, *_ in held], np.int64),
        np.cumsum([0] + [len(mine) for _, _, mine, _ in held]).astype(np.int64),
        depth.astype(np.int8), south.astype(np.int16), west.astype(np.int16),
        totals, np.zeros(totals.shape),
    )  # fmt: skip


def inside_share(values, limit):
    """Return the share of a unit square that lies inside, by walking around its rim."""
    over = [np.clip(value - limit, -CELL, CELL) for value in values]
    over = [min(one, -1e-5) if one <= 0 else max(one, 1e-5) for one in over]
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    if [one <= 0 for one in over] in ([True, False, True, False], [False, True, False, True]):
        flip = sum(over) <= 0
        # Each of the two corners that are cut off alone.
        cut = [k for k in range(4) if (over[k] > 0) == flip]
        part = 0.0
        for k in cut:
            one, other = over[k - 1], over[(k + 1) % 4]
            part += 0.5 * over[k] / (over[k] - one) * over[k] / (over[k] - other)
        return 1.0 - part if flip else part
    rim = []
    for k in range(4):
        here, there = over[k], over[(k + 1) % 4]
        if here <= 0:
            rim.append(corners[k])
        if (here <= 0) != (there <= 0):
            t = here / (here - there)
            a, b = np.array(corners[k], float), np.array(corners[(k + 1) % 4], float)
            rim.append(tuple(a + t * (b - a)))
    return shapely.Polygon(rim).area if len(rim) > 2 else 0.0


@settings(deadline=None, derandomize=True, max_examples=40)
@given(values_of, st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
def test_leaves_of_all_sizes_close_to_valid_rings(generator, share, sure):
    values = np.full((7, 7), 9.0)
    values[1:6, 1:6] = generator.uniform(-9, 9, (5, 5))
    board = board_of(values)
    leaves = random_leaves(generator, board, share)
    own, given_ = (no_leaves(6), leaves) if sure else (leaves, no_leaves(6))
    if sure:  # the leaves of the draw line count where the totals are sure: here the legs are all
        board = board._replace(legs=values + 25.0, surely=np.full((6, 6), -np.inf))
        given_ = leaves._replace(leg=leaves.total + 25.0, total=np.empty((0, 4)))
    polygons = [contour(board, limit, own, given_) for limit in ((0.0,) if sure else (-3, 0, 3))]
    for limit, polygon in zip((0.0,) if sure else (-3, 0, 3), polygons, strict=True):
        assert shapely.is_valid(polygon)
        area = 0.0
        for row, column in itertools.product(range(6), repeat=2):
            mine = leaves.column[leaves.row_starts[row] : leaves.row_starts[row + 1]]
            if column in mine:
                at = leaves.row_starts[row] + int(np.flatnonzero(mine == column)[0])
                for leaf in range(leaves.starts[at], leaves.starts[at + 1]):
                    size = CELL / 4.0 ** int(leaves.depth[leaf])
                    area += inside_share(leaves.total[leaf], limit) * size**2
            else:
                corners = values[
                    [row, row, row + 1, row + 1], [column, column + 1, column + 1, column]
                ]
                area += inside_share(corners, limit) * CELL**2
        assert polygon.area == pytest.approx(area, rel=1e-6, abs=1e-3)
    for smaller, larger in itertools.pairwise(polygons):
        assert shapely.area(shapely.difference(smaller, larger)) <= 1e-6
