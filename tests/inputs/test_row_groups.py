"""Numbers of texts, places and combinations group what a dictionary groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.inputs.row_groups import (
    first_rows,
    in_groups,
    place_numbers,
    text_numbers,
    together,
)


def first_by_hand(items):
    """Return the first position of each item, its own where the item is None."""
    seen = {}
    return [at if item is None else seen.setdefault(item, at) for at, item in enumerate(items)]


@given(st.lists(st.sampled_from(["", "甲", "乙", "甲 ", "a", "A"])))
def test_texts(texts):
    none = [text or None for text in texts]
    assert first_rows(text_numbers(texts)).tolist() == first_by_hand(none)
    assert first_rows(text_numbers(texts, empty=True)).tolist() == first_by_hand(texts)


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.integers(-1, 3))))
def test_combinations(rows):
    parts = [np.array([row[at] for row in rows], dtype=np.int64) for at in range(3)]
    items = [None if min(row) < 0 else row for row in rows]
    numbers = together(*parts)
    assert first_rows(numbers).tolist() == first_by_hand(items)
    assert in_groups(numbers).tolist() == [
        item is not None and items.count(item) > 1 for item in items
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([120.0, 120.0000004, 120.0000006, -0.0, 0.0, np.nan, np.inf]),
            st.sampled_from([30.0, 30.0000004, -0.0, 0.0, np.nan]),
        )
    )
)
def test_places(points):
    lon, lat = (np.array([point[at] for point in points], dtype=float) for at in (0, 1))
    items = [
        (round(x * 1e6), round(y * 1e6)) if np.isfinite([x, y]).all() else None for x, y in points
    ]
    assert first_rows(place_numbers(lon, lat, decimals=6)).tolist() == first_by_hand(items)
