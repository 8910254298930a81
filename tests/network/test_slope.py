"""Slopes by hand: Tobler's factors, heights of bridges, times each way."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.network.graph import build_network
from servicecircle.network.slope import bridged_heights, slope_factors, steepness


def test_factors_are_toblers_scaled_to_the_flat():
    def tobler(slope):
        return 6.0 * np.exp(-3.5 * abs(slope + 0.05))

    slopes = np.linspace(-0.6, 0.6, 25)
    expected = [tobler(0.0) / tobler(slope) for slope in slopes]
    np.testing.assert_allclose(slope_factors(slopes), expected, rtol=1e-12)
    assert tobler(0.0) == pytest.approx(5.0367, abs=1e-4)
    assert slope_factors(np.zeros(1)).tolist() == [1.0]


def test_gently_down_is_quickest():
    slopes = np.linspace(-0.2, 0.2, 401)
    assert slopes[np.argmin(slope_factors(slopes))] == pytest.approx(-0.05)
    # Up is slower than down, and steeper is slower than gentler.
    assert slope_factors(np.array([0.1]))[0] > slope_factors(np.array([-0.1]))[0] == 1.0


def test_steepness_is_rise_over_planar_length():
    network = build_network([0, 30, 30, 60], [0, 40, 40, 40], [0, 1, 2], [1, 2, 3])
    heights = np.array([10.0, 15.0, 16.0, np.nan])
    level = np.zeros(3, bool)
    assert steepness(network, heights, level=level).tolist() == [0.1, 0.0, 0.0]
    assert steepness(network, heights, level=~level).tolist() == [0.0, 0.0, 0.0]
    turned = build_network(network.x, network.y, network.v, network.u)
    assert steepness(turned, heights, level=level).tolist() == [-0.1, 0.0, 0.0]


class TestBridges:
    def test_a_bridge_rises_evenly_between_its_ends(self):
        # Land, a bridge of 30 + 60 + 10 m over a gorge, land.
        x = np.array([0, 100, 130, 190, 200, 300.0])
        network = build_network(x, np.zeros(6), np.arange(5), np.arange(1, 6))
        ground = np.array([50.0, 40.0, -20.0, -30.0, 60.0, 70.0])
        span = np.array([False, True, True, True, False])
        found = bridged_heights(network, ground, span)
        np.testing.assert_allclose(found, [50, 40, 46, 58, 60, 70])
        assert ground[2] == -20.0

    def test_a_fork_inside_a_tunnel_balances(self):
        # Three arms of 100 m from a fork: its height is the mean of their ends.
        network = build_network(
            [0, 100, 200, 100, -50, 250, 100],
            [0, 0, 0, 100, 0, 0, 150],
            [0, 1, 1, 4, 2, 3],
            [1, 2, 3, 0, 5, 6],
        )
        ground = np.array([0.0, 500.0, 30.0, 60.0, 0.0, 30.0, 60.0])
        span = np.array([True, True, True, False, False, False])
        assert bridged_heights(network, ground, span)[1] == pytest.approx(30.0)

    def test_without_an_end_of_known_height_it_is_unknown(self):
        network = build_network([0, 100, 200], [0, 0, 0], [0, 1], [1, 2])
        heights = bridged_heights(network, np.full(3, np.nan), np.ones(2, bool))
        assert np.isnan(heights).all()

    def test_without_bridges_nothing_changes(self):
        network = build_network([0, 100, 200], [0, 0, 0], [0, 1], [1, 2])
        ground = np.array([1.0, 2.0, 3.0])
        assert bridged_heights(network, ground, np.zeros(2, bool)).tolist() == [1, 2, 3]
