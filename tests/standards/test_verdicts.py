"""Verdicts and shortfalls at their boundaries."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.standards.verdicts import judge, shortfall, verdict_of

NAN = math.nan
numbers = st.floats(min_value=0, max_value=1e6)


@given(numbers, numbers, numbers)
def test_an_interval_is_met_missed_or_open(one, other, target):
    low, high = sorted((one, other))
    found = judge(low, high, target, "at_least")
    slack = 1e-9 * max(1.0, target)
    assert (found == "met") == (low >= target - slack)
    assert (found == "not_met") == (high < target - slack)


@given(numbers, numbers)
def test_a_point_is_never_undecided(value, target):
    for operator in ("at_least", "at_most"):
        assert verdict_of(value, NAN, NAN, target, operator=operator) in ("met", "not_met")


@given(numbers, numbers, numbers)
def test_at_most_mirrors_at_least(one, other, target):
    low, high = sorted((one, other))
    slack = 1e-9 * max(1.0, target)
    found = judge(low, high, target, "at_most")
    assert (found == "met") == (high <= target + slack)
    assert (found == "not_met") == (low > target + slack)


@pytest.mark.parametrize(
    ("value", "low", "high", "ambiguous", "verdict"),
    [
        (NAN, NAN, NAN, False, "no_data"),
        (NAN, NAN, NAN, True, "no_data"),
        (NAN, 0, 59, False, "not_met"),
        (NAN, 0, 60, False, "no_data"),
        (NAN, 0, 60, True, "undecided"),
        (NAN, 60, 60, False, "met"),
        (50, 50, 60, False, "undecided"),
        (60, NAN, NAN, False, "met"),
    ],
)
def test_bounds_may_prove_what_the_value_does_not(value, low, high, ambiguous, verdict):
    found = verdict_of(value, low, high, 60, operator="at_least", ambiguous=ambiguous)
    assert found == verdict


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "short"),
    [(117, 172, 80, 21), (4, 5, 80, 0), (0, 11, 60, 7), (0, 3, 100, 3), (1, 3, 33.333, 0)],
)
def test_units_short_are_whole(numerator, denominator, target, short):
    share = 100 * numerator / denominator
    found = shortfall(
        share,
        target,
        operator="at_least",
        numerator=numerator,
        denominator=denominator,
        scale=100,
        whole=True,
    )
    assert found == short


def test_people_short_are_not_rounded():
    people = {"numerator": 10.5, "denominator": 21.0, "scale": 100}
    assert shortfall(50.0, 60, operator="at_least", **people) == pytest.approx(2.1)
    assert math.isnan(shortfall(NAN, 60, operator="at_least"))
