"""Bounds of fractions against every choice of the unsure parts."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.standards.fractions import least_fraction, most_fraction

WHOLE = st.integers(0, 6).flatmap(lambda below: st.tuples(st.integers(0, below), st.just(below)))
# Nothing stands above the line without something below it.
FREE = st.one_of(st.tuples(st.integers(0, 9), st.integers(1, 6)), st.just((0, 0)))


@given(st.lists(st.one_of(WHOLE, FREE), max_size=3), st.lists(st.one_of(WHOLE, FREE), max_size=5))
def test_no_choice_lies_outside_and_the_ends_are_reached(sure, unsure):
    found = []
    for chosen in itertools.product([False, True], repeat=len(unsure)):
        parts = [*sure, *itertools.compress(unsure, chosen)]
        below = sum(part[1] for part in parts)
        if below:
            found.append(sum(part[0] for part in parts) / below)
    low, high = least_fraction(sure, unsure), most_fraction(sure, unsure)
    if found:
        assert low == pytest.approx(min(found), rel=1e-12)
        assert high == pytest.approx(max(found), rel=1e-12)
    else:
        assert math.isnan(low)
        assert math.isnan(high)
