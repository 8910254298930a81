"""The unit of a point: borders, gaps, outside."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.places import GAP_M, coarser_than_placed, place_points

# Two units with a common border at x = 1000, and one 300 m off.
UNITS = shapely.box([0, 1000, 2300], [0, 0, 0], [1000, 2000, 3000], [1000, 1000, 1000])


def place(x, y, units=UNITS, **options):
    placing = place_points(
        np.atleast_1d(x).astype(float), np.atleast_1d(y).astype(float), units, **options
    )
    return placing.polygon.tolist(), placing.in_gap.tolist()


@pytest.mark.parametrize(
    ("x", "y", "unit", "in_gap"),
    [
        (500, 500, 0, False),
        (1500, 500, 1, False),
        (1000, 500, 0, False),  # on the common border: the first
        (1000, 0, 0, False),  # on its corner
        (0, 0, 0, False),
        (2100, 500, 1, True),
        (2150, 500, 1, True),  # 150 m from either: the first
        (2151, 500, 2, True),
        (500, 1200, 0, True),  # exactly 200 m
        (500, 1200.001, -1, False),
        (3200, 500, 2, True),
        (-141, -141, 0, True),
        (-142, -142, -1, False),
        (9e5, 9e5, -1, False),
        (np.nan, 500, -1, False),
        (500, np.inf, -1, False),
    ],
)
def test_by_hand(x, y, unit, in_gap):
    assert place(x, y) == ([unit], [in_gap])


def test_the_order_of_units_decides_a_border():
    assert place(1000, 500, UNITS[::-1])[0] == [1]


def test_a_hole_is_a_gap():
    ring = np.array(
        [shapely.difference(shapely.box(0, 0, 3000, 3000), shapely.box(1000, 1000, 2000, 2000))]
    )
    assert place([1100, 1500, 500], [1500, 1500, 500], ring) == ([0, -1, 0], [True, False, False])


def test_gaps_can_stay_outside():
    assert place([2100, 500], [500, 500], gap_m=0.0) == ([-1, 0], [False, False])


def test_nothing_to_place_and_nowhere_to_place_it():
    assert place([], []) == ([], [])
    assert place([1.0], [1.0], np.empty(0, object)) == ([-1], [False])


def test_several_parts():
    parts = np.array(
        [shapely.multipolygons([shapely.box(0, 0, 1, 1), shapely.box(5000, 0, 5001, 1)])]
    )
    assert place([0.5, 5000.5, 2500], [0.5, 0.5, 0.5], parts)[0] == [0, 0, -1]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_equals_asking_each_unit_in_turn(seed):
    generator = np.random.default_rng(seed)
    corner = generator.uniform(0, 3000, (2, 6))
    units = shapely.box(*corner, *(corner + generator.uniform(50, 900, (2, 6))))
    x, y = generator.uniform(-500, 4500, (2, 80))
    placing = place_points(x, y, units)
    for k, point in enumerate(shapely.points(x, y)):
        metres = shapely.distance(units, point)
        expected = int(np.argmin(metres)) if metres.min() <= GAP_M else -1
        assert placing.polygon[k] == expected
        assert placing.in_gap[k] == (expected >= 0 and metres.min() > 0)


def test_a_place_tells_no_unit_finer_than_it_is():
    columns = {
        f"unit_{level}": np.full(6, level, dtype=object)
        for level in ("county", "township", "village_level")
    }
    ways = ["coordinates", "street", "village", "township", "county", ""]
    kept = coarser_than_placed(columns, ways)
    assert [value is not None for value in kept["unit_village_level"]] == [
        True, True, True, False, False, True,
    ]  # fmt: skip
    assert [value is not None for value in kept["unit_township"]] == [
        True, True, True, True, False, True,
    ]  # fmt: skip
    assert (kept["unit_county"] == "county").all()
    assert (columns["unit_village_level"] == "village_level").all()


def test_people_just_outside_all_units_are_of_none():
    # Two boxes 100 m apart: the slit is a gap, also at its mouth; the rim about them is not.
    units = shapely.box([0, 1100], [0, 0], [1000, 2000], [1000, 1000])
    x, y = [1050, 1050, -50, 500, 2199], [500, 20, 500, 1050, 500]
    assert place(x, y, units, between=True) == ([0, 0, -1, -1, -1], [True, True, *[False] * 3])
    assert place(x, y, units)[0] == [0, 0, 0, 0, 1]


def test_a_narrow_hole_holds_people_and_a_wide_one_does_not():
    def ring(side):
        middle = shapely.box(2000, 2000, 2000 + side, 2000 + side)
        return np.array([shapely.difference(shapely.box(0, 0, 6000, 6000), middle)])

    assert place(2050, 2050, ring(100), between=True) == ([0], [True])
    assert place(2050, 2500, ring(1000), between=True) == ([-1], [False])


@settings(deadline=None, max_examples=25)
@given(
    side=st.floats(600, 1500),
    cell=st.floats(40, 90),
    offset=st.floats(0, 1),
)
def test_people_of_units_at_the_border_are_their_exact_shares(side, cell, offset):
    """Nine square units in a uniform raster twice as wide: each gets the people on its land."""
    low = np.arange(3) * side
    left, below = (grid.ravel() for grid in np.meshgrid(low, low))
    units = shapely.box(left, below, left + side, below + side)
    centre = np.arange(-1.5 * side, 4.5 * side, cell) + offset * cell
    x, y = (grid.ravel() for grid in np.meshgrid(centre, centre))
    polygon = place_points(x, y, units, between=True).polygon
    counted = np.bincount(polygon[polygon >= 0], minlength=9) * cell**2
    # A strip of n cells may hold one centre more or less.
    most = ((side + cell) / side) ** 2 - 1.0
    assert np.abs(counted / side**2 - 1.0).max() <= most + 1e-9
