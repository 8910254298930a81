"""Sums over units against a recursion in plain Python."""

from __future__ import annotations

import math

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.standards.rollup import add_up, roll_up, roots


@st.composite
def forests(draw):
    """A forest of up to 12 units: parent of each, or none; numbers of some; who should have."""
    size = draw(st.integers(0, 12))
    parents = [draw(st.integers(-1, one - 1)) for one in range(size)]
    numbers = draw(st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=size, max_size=size))
    should = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return parents, numbers, should


def tables(parents, numbers, should):
    ids = [f"u{one}" for one in range(len(parents))]
    units = pd.DataFrame(
        {
            "parent_id": ["" if one < 0 else f"u{one}" for one in parents],
            "should_have": pd.Series(should, dtype=bool, index=ids),
        },
        index=pd.Index(ids, dtype="str"),
    )
    return units, pd.Series(
        [math.nan if one is None else float(one) for one in numbers], index=ids, dtype=float
    )


def depth(one, parents):
    return 0 if parents[one] < 0 else 1 + depth(parents[one], parents)


def slow(one, parents, numbers, should):
    """Return what is known of a unit, its gaps and the units that give it."""
    if numbers[one] is not None:
        return numbers[one], 0, [one]
    below = [
        slow(child, parents, numbers, should)
        for child, parent in enumerate(parents)
        if parent == one
    ]
    if not any(known is not None for known, _, _ in below):
        numbered = {depth(at, parents) for at, number in enumerate(numbers) if number is not None}
        here = depth(one, parents)
        finer = here not in numbered and any(at > here for at in numbered)
        holes = sum(gaps for _, gaps, _ in below) if finer else 0
        return None, max(int(should[one]), holes), []
    return (
        sum(known for known, _, _ in below if known is not None),
        sum(gaps for _, gaps, _ in below),
        [unit for _, _, given in below for unit in given],
    )


@given(forests())
def test_every_unit_is_what_it_says_or_what_is_in_it(forest):
    units, numbers = tables(*forest)
    known, gaps = roll_up(numbers, units)
    for one in range(len(forest[0])):
        value, holes, _ = slow(one, *forest)
        assert gaps[f"u{one}"] == holes
        found = known[f"u{one}"]
        assert math.isnan(found) if value is None else found == value


@given(forests())
def test_the_whole_is_the_sum_of_its_addends(forest):
    units, numbers = tables(*forest)
    total = add_up(numbers, units, roots(units))
    tops = [slow(one, *forest) for one, parent in enumerate(forest[0]) if parent < 0]
    addends = sorted(f"u{unit}" for _, _, given in tops for unit in given)
    assert sorted(total.addends.index) == addends
    assert total.gaps == sum(gaps for _, gaps, _ in tops)
    if addends:
        assert total.known == sum(known for known, _, _ in tops if known is not None)
    else:
        assert math.isnan(total.known)


def test_parents_in_a_circle_end():
    units = pd.DataFrame({"parent_id": ["b", "a"], "should_have": True}, index=["a", "b"])
    known, _ = roll_up(pd.Series({"a": 1.0}), units)
    assert known["a"] == 1.0
    assert add_up(pd.Series({"a": 1.0}), units, roots(units)).addends.empty
