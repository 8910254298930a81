"""Bounds of whole squares: no point of a square costs less or more than they say."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.network.doubts import doubts
from servicecircle.network.field import circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.reach import nearest, node_costs
from servicecircle.network.snap import attach
from servicecircle.network.surface import surface
from servicecircle.network.travel import metres_travel, timed_travel


def town(seed):
    """Return crossing streets of all lengths around a square of 900 m."""
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(0, 900, (2, 140))
    near = np.argsort(np.hypot(x - x[:, None], y - y[:, None]), axis=1)[:, 1:3]
    u, v = np.repeat(np.arange(140), 2), near.ravel()
    return build_network(x + 5e5, y + 3.3e6, u, v, min_component_m=0.0)


def travels(network, seed):
    generator = np.random.default_rng(seed)
    forward, backward = network.length_m / generator.uniform(0.7, 8.0, (2, network.u.size))
    forward[generator.random(forward.size) < 0.15] = np.inf
    backward[generator.random(backward.size) < 0.15] = np.inf
    return [metres_travel(network), timed_travel(network, forward, backward, leg_kmh=4.0)]


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_point_is_beyond_the_bounds(seed, timed):
    network = town(seed)
    travel = travels(network, seed)[int(timed)]
    generator = np.random.default_rng(seed)
    bounds = (5e5 + 100, 3.3e6 + 100, 5e5 + 800, 3.3e6 + 800)
    field = circle_field(travel, bounds)
    x, y = generator.uniform(200, 700, (2, 2))
    at = attach(network, x + 5e5, y + 3.3e6)
    limit = 300.0
    most = limit / travel.leg_cost
    cost = node_costs(travel, at, limit=2 * limit)[0]
    over = surface(field, cost, at)
    found = doubts(over, most / 4, most)
    rows, columns = found.surely.shape
    count = 40_000
    row, column = generator.integers(0, rows, count), generator.integers(0, columns, count)
    x = (column + field.column0 + generator.uniform(0, 1, count)) * field.cell_m
    y = (row + field.row0 + generator.uniform(0, 1, count)) * field.cell_m
    feet = attach(network, x, y, max_snap_m=25.0)
    total = nearest(travel, feet, at, limit=2 * limit).cost / travel.leg_cost
    total = np.where(np.isfinite(total), total, np.inf)
    near = feet.snapped
    surely = found.surely[row, column]
    assert (total[near] <= surely[near] + 1e-6).all()
    assert np.isfinite(surely[near]).mean() > 0.05
    asked = np.full((rows, columns), -np.inf)
    asked[found.row, found.column] = found.low
    low = asked[row, column]
    mine = near & np.isfinite(low)
    assert mine.sum() > 500
    assert (total[mine] >= low[mine] - 1e-6).all()


def test_no_squares():
    network = town(0)
    travel = metres_travel(network)
    field = circle_field(travel, (5e5 + 100, 3.3e6, 5e5 + 300, 3.3e6 + 200))
    at = attach(network, [5e5 + 200], [3.3e6 + 100])
    nothing = surface(field, node_costs(travel, at)[0], at, bounds=(0.0, 0.0, 1.0, 1.0))
    assert doubts(nothing, 10.0, 10.0).square.size == 0
