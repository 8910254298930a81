"""The network as arrays: lengths, components, who may be attached to."""

from __future__ import annotations

import numpy as np
import pytest

from servicecircle.network.graph import build_network


def test_lengths_and_components_by_hand():
    # Two components: an L of 300 m + 400 m, and a street of 50 m; and a node without an edge.
    network = build_network(
        [0, 300, 300, 1000, 1030, 9000], [0, 0, 400, 0, 40, 0], [0, 1, 3], [1, 2, 4]
    )
    assert network.length_m.tolist() == [300.0, 400.0, 50.0]
    first, second = network.component[0], network.component[3]
    assert network.component[:5].tolist() == [first] * 3 + [second] * 2
    assert len(set(network.component.tolist())) == 3
    assert network.component_m[first] == 700.0
    assert network.component_m[second] == 50.0
    assert network.component_m[network.component[5]] == 0.0


@pytest.mark.parametrize(
    ("least", "eligible"), [(0.0, 3), (50.0, 3), (50.1, 2), (700.0, 2), (701.0, 0)]
)
def test_components_of_at_least_so_many_metres_are_eligible(least, eligible):
    network = build_network(
        [0, 300, 300, 1000, 1030], [0, 0, 400, 0, 40], [0, 1, 3], [1, 2, 4], min_component_m=least
    )
    assert int(network.eligible.sum()) == eligible


def test_a_component_joined_by_an_edge_of_no_length_is_one():
    # Two streets of 600 m that meet in two nodes at one place.
    network = build_network([0, 600, 600, 1200], [0, 0, 0, 0], [0, 1, 2], [1, 2, 3])
    assert set(network.component.tolist()) == {0}
    assert network.component_m.tolist() == [1200.0]
    assert network.eligible.all()


def test_two_nodes_at_one_place_do_not_touch_without_an_edge():
    network = build_network([0, 600, 600, 1200], [0, 0, 0, 0], [0, 2], [1, 3])
    assert len(set(network.component.tolist())) == 2
    assert not network.eligible.any()


def test_of_edges_between_the_same_nodes_the_first_is_attached_to():
    network = build_network(
        [0, 100, 200], [0, 0, 0], [1, 0, 1, 2, 1], [0, 1, 2, 1, 0], min_component_m=0
    )
    assert network.eligible.tolist() == [True, False, True, False, False]
    # All of it is road: five drawn lines of 100 m.
    assert network.component_m.tolist() == [500.0]


def test_nothing_makes_an_empty_network():
    network = build_network([], [], [], [])
    assert network.component_m.size == network.eligible.size == 0


def test_nodes_without_edges():
    network = build_network([1.0, 2.0], [3.0, 4.0], [], [])
    assert network.component_m.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("x", "u", "v", "text"),
    [
        ([0.0, 1.0], [0], [2], "outside 0 … 1"),
        ([0.0, 1.0], [-1], [1], "outside 0 … 1"),
        ([0.0, np.nan], [0], [1], "1 nodes have no finite coordinates"),
        ([0.0, np.inf], [0], [1], "1 nodes have no finite coordinates"),
        ([0.0, 1.0], [0, 1], [1], "must match"),
    ],
)
def test_wrong_networks_are_refused(x, u, v, text):
    with pytest.raises(ValueError, match=text):
        build_network(x, np.zeros(2), u, v)


def test_inputs_are_not_changed():
    x, u = np.array([0.0, 3.0]), np.array([0])
    build_network(x, np.array([0.0, 4.0]), u, np.array([1]))
    assert x.tolist() == [0.0, 3.0]
    assert u.tolist() == [0]
