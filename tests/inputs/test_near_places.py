"""Near places are those of a look at every pair, at poles and across 180° as well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.inputs.near_places import near_places

RADIUS_M = 6_371_008.8
METRE = 180 / (np.pi * RADIUS_M)


def every_pair(lon, lat, *, within_m, most):
    """Return the pairs by the distance of each two places, the haversine way."""
    across, along = np.radians(lon), np.radians(lat)
    half = np.sin((along[:, None] - along) / 2) ** 2
    half += np.cos(along)[:, None] * np.cos(along) * np.sin((across[:, None] - across) / 2) ** 2
    metres = 2 * RADIUS_M * np.arcsin(np.sqrt(half))
    np.fill_diagonal(metres, np.inf)
    found = set()
    for one in range(lon.size):
        for other in np.argsort(metres[one], kind="stable")[:most]:
            if metres[one, other] < 1.01 * within_m:
                found.add((min(one, int(other)), max(one, int(other))))
    return sorted(found)


def found(lon, lat, **options):
    return list(zip(*(part.tolist() for part in near_places(lon, lat, **options)), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 120),
    metres=st.sampled_from([60, 300, 3_000, 50_000]),
    middle=st.sampled_from([(120, 30), (0, 0), (-70, -50), (10, 84.9), (10, 89.9), (180, 20)]),
    most=st.integers(1, 7),
)
def test_pairs_are_those_of_every_pair(seed, count, metres, middle, most):
    generator = np.random.default_rng(seed)
    lat = np.clip(middle[1] + generator.uniform(-1, 1, count) * metres * METRE, -90, 90)
    lon = middle[0] + generator.uniform(-1, 1, count) * metres * METRE / np.cos(
        np.radians(middle[1])
    )
    lon = (lon + 180) % 360 - 180
    options = {"within_m": 50.0, "most": most}
    assert found(lon, lat, **options) == every_pair(lon, lat, **options)


def test_only_the_nearest_few_are_held_but_either_way_round():
    # Of places 1, 2, 4 and 8 m north of one, it holds the first, and each of them the one before.
    lat = 30 + np.array([0, 1, 2.1, 4, 8]) * METRE
    lon = np.full(5, 120.0)
    assert found(lon, lat, within_m=50.0, most=1) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert found(lon, lat, within_m=1.05, most=1) == [(0, 1)]
    assert found(lon, lat, within_m=50.0, most=0) == []


@pytest.mark.parametrize("step", [(1, 0), (0, 1), (1, 1), (1, -1)])
def test_no_pair_is_lost_at_the_edge_of_a_cell(step):
    # A chain over many cells, each link as long as may be: whatever a cell's edge, it is kept.
    east, north = step
    length = 50.0 / np.hypot(east, north)
    at = np.arange(500)
    lat = 30 + at * north * length * METRE
    lon = 120 + at * east * length * METRE / np.cos(np.radians(30))
    pairs = found(lon, lat, within_m=50.2, most=6)
    assert pairs == [(one, one + 1) for one in range(499)]
