"""Shares whose people lie between two figures: the exact ends, against every corner."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.standards.residual_bounds import (
    Residuals,
    bounded_shares,
    least_share,
    most_share,
    residuals_of,
    total_range,
    unit_shares,
)

UNIT = st.tuples(
    st.floats(0.0, 1.0), st.floats(0.0, 50.0), st.floats(0.2, 1.0), st.floats(1.0, 4.0)
)


def corners(units):
    """Every combination of each unit's least and most people."""
    found = []
    for factors in itertools.product(*((least, most) for *_, least, most in units)):
        whole = sum(f * people for f, (_, people, *_) in zip(factors, units, strict=True))
        part = sum(f * s * people for f, (s, people, *_) in zip(factors, units, strict=True))
        if whole > 0.0:
            found.append(part / whole)
    return found


@given(st.lists(UNIT, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_the_ends_are_the_best_and_the_worst_corner(units):
    share, people, least, most = (np.array(column) for column in zip(*units, strict=True))
    one = np.zeros(len(units), int)
    found = corners(units)
    low = least_share(share * people, people, least, most, group=one, groups=1)[0]
    high = most_share(share * people, people, least, most, group=one, groups=1)[0]
    if not found:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    assert low == pytest.approx(min(found), abs=1e-9)
    assert high == pytest.approx(max(found), abs=1e-9)


@given(st.lists(UNIT, min_size=2, max_size=8), st.lists(st.integers(0, 2), min_size=8, max_size=8))
@settings(max_examples=100, deadline=None)
def test_groups_are_as_each_alone(units, numbers):
    share, people, least, most = (np.array(column) for column in zip(*units, strict=True))
    group = np.array(numbers[: len(units)])
    together = most_share(share * people, people, least, most, group=group, groups=3)
    for number in range(3):
        rows = group == number
        alone = most_share(
            (share * people)[rows], people[rows], least[rows], most[rows],
            group=np.zeros(rows.sum(), int), groups=1,
        )  # fmt: skip
        assert together[number] == pytest.approx(alone[0], abs=1e-9, nan_ok=True)


def residuals(unit, least, most, spare=None):
    least, most = np.array(least, float), np.array(most, float)
    return Residuals(
        unit=np.array(unit),
        least=least,
        most=most,
        spare=np.zeros(least.size) if spare is None else np.array(spare, float),
        names=tuple(f"u{number}" for number in range(least.size)),
    )


def test_people_without_a_point_are_covered_or_not_and_there_or_not():
    # 10 people, 6 covered; 10 more may live in the unit.
    one = residuals([0], [1.0], [1.0], [10.0])
    cell = np.zeros(1, int)
    low, high = bounded_shares(
        np.array([6.0]), np.array([6.0]), np.array([10.0]), one,
        unit=cell, group=cell, groups=1, spare_of=cell,
    )  # fmt: skip
    assert low[0] == pytest.approx(6 / 20)
    assert high[0] == pytest.approx(16 / 20)
    nowhere = bounded_shares(
        np.array([6.0]), np.array([6.0]), np.array([10.0]), one,
        unit=cell, group=cell, groups=1, spare_of=cell - 1,
    )  # fmt: skip
    assert nowhere[0][0] == nowhere[1][0] == pytest.approx(0.6)


def test_one_factor_for_a_whole_group_cancels():
    # Both halves of the group are of one unit.
    yes = np.array([True, False])
    one = residuals([0, 0], [0.5], [3.0])
    low, high = unit_shares(
        np.ones(2), (yes, yes), one, group=np.zeros(2, int), groups=1, spare_of=np.zeros(1, int)
    )
    assert low[0] == high[0] == 0.5


def calibration(**given):
    return pd.DataFrame(
        {
            "unit_id": ["a", "b", "c", "d"],
            "level": "township",
            "status": "compared",
            "official_population": [200.0, 50.0, 80.0, np.nan],
            "population": [100.0, 100.0, 0.0, 40.0],
            "official_elderly": [np.nan, 30.0, np.nan, np.nan],
            "elderly": [20.0, 20.0, 0.0, 9.0],
            "wholly_inside": True,
        }
        | given
    )


PEOPLE = pd.DataFrame({"unit_township": ["a", "b", "d", None]})


def test_factors_lie_between_points_and_official_figures():
    found = residuals_of(calibration(), PEOPLE, what="population", everywhere=True)
    assert found.least.tolist() == [1.0, 0.5, 1.0, 1.0]
    assert found.most.tolist() == [2.0, 1.0, 1.0, 1.0]
    # Nobody stands for the 80 people of c.
    assert found.spare.tolist() == [0.0, 0.0, 80.0, 0.0]
    assert found.unit.tolist() == [0, 1, 3, -1]
    assert total_range(np.array([100.0, 100.0, 40.0, 7.0]), found) == (197.0, 427.0)


def test_the_elderly_go_by_their_own_figure_else_by_that_of_all():
    found = residuals_of(calibration(), PEOPLE, what="elderly", everywhere=False)
    assert found.most.tolist() == [2.0, 1.5, 1.0, 1.0]
    assert not found.spare.any()


def test_of_a_unit_partly_outside_the_source_the_rest_is_anywhere():
    table = calibration(wholly_inside=[False, True, True, True])
    found = residuals_of(table, PEOPLE, what="population", everywhere=True)
    assert (found.most[0], found.spare[0]) == (1.0, 100.0)
    part = residuals_of(table, PEOPLE, what="population", everywhere=False)
    assert (part.most[0], part.spare[0]) == (1.0, 0.0)


def test_what_was_scaled_has_no_width():
    table = calibration(
        status=["scaled", "scaled", "no_people", "no_figure"], population=[200.0, 50.0, 0.0, 40.0]
    )
    found = residuals_of(table, PEOPLE, what="population", everywhere=True)
    assert found.least.tolist() == found.most.tolist() == [1.0] * 4
    assert found.spare.tolist() == [0.0, 0.0, 80.0, 0.0]
    assert residuals_of(table[:2], PEOPLE, what="population", everywhere=True) is None
    assert residuals_of(None, PEOPLE, what="population", everywhere=True) is None
    assert residuals_of(table, PEOPLE[[]], what="population", everywhere=True) is None
