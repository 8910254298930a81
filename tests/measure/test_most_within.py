"""The most people around any one place: never less than the truth, and not much more."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.most_within import most_within


def best_disc(points, radius):
    """Return the greatest weight in any disc: one has two points on its rim, or one inside."""
    centres = [(x, y) for x, y, _ in points]
    for (x, y, _), (u, v, _) in combinations(points, 2):
        apart = math.hypot(u - x, v - y)
        if 0 < apart <= 2 * radius:
            up = math.sqrt(radius**2 - (apart / 2) ** 2)
            mx, my, dx, dy = (x + u) / 2, (y + v) / 2, (u - x) / apart, (v - y) / apart
            centres += [(mx - up * dy, my + up * dx), (mx + up * dy, my - up * dx)]
    return max(
        sum(w for x, y, w in points if math.hypot(x - cx, y - cy) <= radius + 1e-6)
        for cx, cy in centres
    )


place = st.integers(0, 3000).map(float)


@settings(deadline=None)
@given(
    points=st.lists(
        st.tuples(place, place, st.integers(1, 90).map(float)), min_size=1, max_size=12
    ),
    radius=st.sampled_from([50.0, 400.0, 1000.0]),
    steps=st.sampled_from([1, 5, 24]),
)
def test_it_lies_between_the_best_disc_and_one_a_diagonal_larger(points, radius, steps):
    x, y, weight = (np.array(column) for column in zip(*points, strict=True))
    found = most_within(x, y, weight, radius, steps=steps)
    assert found >= best_disc(points, radius) - 1e-9
    # Cells that count lie within radius + a diagonal, their points half a diagonal beyond it.
    larger = radius * (1 + 2.0 * math.sqrt(2) / steps)
    assert found <= best_disc(points, larger) + 1e-9


def test_four_corners_of_a_square_are_within_half_its_diagonal():
    x, y = np.array([0.0, 1000, 0, 1000]), np.array([0.0, 0, 1000, 1000])
    weight = np.array([1.0, 2.0, 3.0, 4.0])
    assert most_within(x, y, weight, 708.0) == 10
    assert most_within(x, y, weight, 510.0) == 7
    assert most_within(x, y, weight, 400.0) == 4


def test_a_constant_density_gives_a_little_more_than_the_circle():
    step = 50.0
    x, y = (one.ravel() for one in np.meshgrid(np.arange(0, 8000, step), np.arange(0, 8000, step)))
    found = most_within(x, y, np.ones(x.size), 1000.0)
    circle = math.pi * 1000.0**2 / step**2
    assert circle <= found <= 1.15 * circle


def test_who_has_no_place_may_be_anywhere_and_nobody_is_nobody():
    x = np.array([0.0, np.nan, 9000.0])
    assert most_within(x, np.zeros(3), np.array([4.0, 1.0, 5.0]), 100.0) == 6
    assert most_within(x, np.zeros(3), np.zeros(3), 100.0) == 0
    assert most_within(np.array([np.nan]), np.zeros(1), np.ones(1), 100.0) == 1


@pytest.mark.parametrize("extent", [1e5, 3e6])
def test_a_wide_area_is_counted_in_coarser_cells(extent):
    x, y = np.array([0.0, 10.0, extent]), np.array([0.0, 0.0, extent])
    found = most_within(x, y, np.array([3.0, 4.0, 6.0]), 100.0)
    assert 7 <= found <= 13
    assert found < 13 or extent > 1e6
