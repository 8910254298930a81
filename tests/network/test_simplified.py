"""Simplified circles: fewer vertices, still valid, nested, and near the ones they come from."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from servicecircle.network.circles import circle_polygons
from servicecircle.network.field import circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.reach import node_costs
from servicecircle.network.simplified import simplified
from servicecircle.network.snap import attach
from servicecircle.network.surface import surface
from servicecircle.network.travel import metres_travel


def circles(seed):
    """Return circles at three limits on a crooked lattice."""
    generator = np.random.default_rng(seed)
    side = 12
    nodes = np.arange(side * side).reshape(side, side)
    y, x = np.divmod(nodes.ravel(), side) + generator.uniform(-0.3, 0.3, (2, side * side))
    u = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    v = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    kept = generator.random(u.size) < 0.8
    network = build_network(120 * x, 120 * y, u[kept], v[kept])
    field = circle_field(metres_travel(network), (-50, -50, 1400, 1400))
    at = attach(network, [700.0], [650.0])
    return circle_polygons(surface(field, node_costs(field.travel, at)[0], at), [250, 500, 750])


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.integers(0, 1000), st.floats(0.5, 30))
@example(7, 1.0)
def test_nested_valid_and_smaller(seed, tolerance):
    drawn = circles(seed)
    found = simplified(drawn, tolerance)
    assert all(shapely.is_valid(found))
    for smaller, larger in itertools.pairwise(found):
        assert shapely.area(shapely.difference(smaller, larger)) < 1e-6
    before, after = (shapely.get_num_coordinates(shapes).sum() for shapes in (drawn, found))
    assert after <= before
    if tolerance > 5:
        assert after < before / 2
    for one, other in zip(drawn, found, strict=True):
        # Each vertex that vanishes takes a triangle of at most the square of the tolerance.
        lost = shapely.get_num_coordinates(one) * tolerance**2
        assert shapely.area(shapely.symmetric_difference(one, other)) <= lost


def test_nothing_to_simplify():
    drawn = circles(1)
    assert simplified(drawn, 0.0) == drawn
    empty = shapely.MultiPolygon()
    assert [shape.is_empty for shape in simplified([empty, drawn[0]], 3.0)] == [True, False]
    assert [shape.is_empty for shape in simplified([empty, empty], 3.0)] == [True, True]


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_a_senseless_tolerance_is_refused(wrong):
    with pytest.raises(ValueError, match="tolerance"):
        simplified(circles(1), wrong)
