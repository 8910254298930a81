"""The access table: its columns, its order, and straight lines without roads."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.measure.access import (
    COLUMNS,
    SLACK,
    Points,
    layer_access,
    reaches,
    straight_distances,
)
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import profile
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel

STREET = build_network([0, 3000], [0, 0], [0], [1])


def points(places, prefix, network=None):
    x, y = np.reshape(np.array(places, float), (-1, 2)).T
    ids = np.array([f"{prefix}{k}" for k in range(x.size)], object)
    return Points(ids=ids, x=x, y=y, at=None if network is None else attach(network, x, y))


def table(demand, facilities, network=STREET, name="elderly"):
    return layer_access(
        points(demand, "d", network),
        points(facilities, "f", network),
        layer="canteen",
        profile=profile(name),
        travel=None if network is None else metres_travel(network),
    )


def test_columns_and_order_are_the_contract():
    found = table([[900, 0], [100, 0], [500, 9000]], [[0, 30]])
    assert tuple(found.columns) == COLUMNS
    assert found["demand_id"].tolist() == ["d0", "d1", "d2"]
    assert set(found["layer"]) == {"canteen"}
    assert set(found["profile"]) == {"elderly"}
    assert set(found["criterion"]) == {"metres"}
    assert found["metres"].tolist()[:2] == [930.0, 130.0]
    assert found["seconds"].tolist()[:2] == [pytest.approx(1116.0), pytest.approx(156.0)]
    assert found["snap_m"].tolist()[:2] == [0.0, 0.0]
    assert found["status"].tolist() == ["reached", "reached", "unsnapped"]
    assert found["within_count"].tolist() == [0, 0, 0]


def test_speed_changes_seconds_alone():
    slow, fast = table([[900, 0]], [[0, 0]]), table([[900, 0]], [[0, 0]], name="walk")
    assert slow["metres"].tolist() == fast["metres"].tolist() == [900.0]
    assert (slow["seconds"] / fast["seconds"]).tolist() == [pytest.approx(4 / 3)]


def test_without_roads_only_straight_lines():
    found = table([[300, 400], [0, 0], [np.nan, 0]], [[0, 0], [0, 50]], network=None)
    assert found["straight_metres"].tolist()[:2] == [pytest.approx(np.hypot(300, 350)), 0.0]
    assert np.isnan(found["straight_metres"].iloc[2])
    assert found["status"].tolist() == ["unsnapped"] * 3
    assert np.isnan(found[["metres", "seconds", "snap_m"]]).all(axis=None)
    assert found["facility_id"].tolist() == ["", "", ""]


@pytest.mark.parametrize("facilities", [[], [[np.nan, 0.0]]])
def test_straight_lines_to_nothing(facilities):
    found = straight_distances(points([[0, 0]], "d"), points(facilities, "f"))
    assert np.isnan(found).all()
    assert found.shape == (1,)


def test_straight_lines_equal_every_pair():
    generator = np.random.default_rng(1)
    demand, facilities = generator.uniform(0, 1e4, (200, 2)), generator.uniform(0, 1e4, (30, 2))
    found = straight_distances(points(demand, "d"), points(facilities, "f"))
    every = np.hypot(*(demand[:, None, :] - facilities[None, :, :]).transpose(2, 0, 1))
    np.testing.assert_allclose(found, every.min(axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        (900.0, True),
        (900.0000000000001, True),
        (900.0 + SLACK / 2, True),
        (900.0 + 2 * SLACK, False),
        (0.0, True),
        (np.nan, False),
        (np.inf, False),
    ],
)
def test_reaches(value, inside):
    assert reaches(np.array([value]), 900.0).tolist() == [inside]
