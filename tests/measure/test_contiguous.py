"""Contiguous clusters: borders, islands, sizes, and that they hang together."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.contiguous import (
    contiguous_clusters,
    joined_components,
    shared_borders,
)


def lattice(columns, rows, size=1000.0):
    x, y = np.meshgrid(np.arange(columns) * size, np.arange(rows) * size)
    return shapely.box(x.ravel(), y.ravel(), x.ravel() + size, y.ravel() + size)


def parts_of(shapes, labels, extra=()):
    """Return into how many parts each cluster falls, over borders found pair by pair."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(shapes)))
    for one in range(len(shapes)):
        for other in range(one):
            if shapely.length(shapely.intersection(shapes[one], shapes[other])) > 5:
                graph.add_edge(one, other)
    graph.add_edges_from(extra)
    return [
        nx.number_connected_components(graph.subgraph(np.flatnonzero(labels == label)))
        for label in np.unique(labels)
    ]


def test_borders_of_a_lattice():
    pairs, metres = shared_borders(lattice(3, 2))
    # Corners are none.
    assert pairs.tolist() == [[0, 1], [0, 3], [1, 2], [1, 4], [2, 5], [3, 4], [4, 5]]
    assert metres == pytest.approx(np.full(7, 1000.0), abs=5)


def test_borders_that_nearly_meet_or_overlap():
    shapes = shapely.box([0, 1000.5, 1990], [0, 0, 0], [1000, 2000, 3000], 1000)
    assert shared_borders(shapes)[0].tolist() == [[0, 1], [1, 2]]
    far = shapely.box([0, 1003], [0, 0], [1000, 2000], 1000)
    assert shared_borders(far)[0].size == 0


def test_islands_join_the_nearest():
    shapes = np.concatenate([lattice(2, 1), shapely.box([2500, 9000], 0, [3000, 9500], 500)])
    pairs, _ = shared_borders(shapes)
    linked, bridges = joined_components(shapes, pairs, np.zeros(4, int))
    assert bridges.tolist() == [[1, 2], [2, 3]]
    assert linked.tolist() == [[0, 1], [1, 2], [2, 3]]
    # Not over the border of a region.
    assert joined_components(shapes, pairs, np.array([0, 0, 0, 1]))[1].tolist() == [[1, 2]]


def test_a_lattice_is_parted_evenly():
    shapes = lattice(8, 8)
    labels = contiguous_clusters(shapes, np.full(64, 100.0), people=1600)
    assert np.bincount(labels).tolist() == [16, 16, 16, 16]
    assert parts_of(shapes, labels) == [1, 1, 1, 1]
    # Compact too: halved twice along straight lines.
    assert max(shapely.area(shapely.convex_hull(shapely.union_all(shapes[labels == one])))
               for one in range(4)) <= 1.15 * 16e6  # fmt: skip


def test_number_and_regions():
    shapes, regions = lattice(6, 2), np.array([0, 0, 0, 1, 1, 1] * 2)
    labels = contiguous_clusters(shapes, np.ones(12), number=2, regions=regions)
    assert np.bincount(labels).tolist() == [3, 3, 3, 3]
    assert all(np.unique(regions[labels == one]).size == 1 for one in range(4))
    assert labels[0] == 0
    # No more clusters than shapes.
    assert contiguous_clusters(shapes[:2], np.ones(2), number=5).tolist() == [0, 1]


def test_a_shape_with_more_people_than_a_cluster_stays_whole():
    labels = contiguous_clusters(lattice(4, 1), np.array([1.0, 50.0, 1.0, 1.0]), people=10)
    sizes = np.bincount(labels, [1.0, 50.0, 1.0, 1.0])
    assert sizes.max() >= 50.0
    # 53 people make 5 clusters, of which there can be but four.
    assert sizes.size == 4


def test_nobody_and_nothing():
    shapes = lattice(3, 1)
    assert contiguous_clusters(shapes, np.zeros(3), people=10).tolist() == [0, 0, 0]
    assert contiguous_clusters(shapes[:0], np.empty(0), people=10).size == 0
    assert sorted(contiguous_clusters(shapes, np.zeros(3), number=3)) == [0, 1, 2]


def test_a_star_cannot_be_halved():
    """Five shapes that touch the middle one alone: all but one cluster have one shape."""
    middle = shapely.box(0, 0, 5000, 1000)
    around = shapely.box(np.arange(5) * 1000 + 100, 1000, np.arange(5) * 1000 + 900, 2000)
    shapes = np.array([middle, *around])
    labels = contiguous_clusters(shapes, np.ones(6), number=3)
    assert sorted(np.bincount(labels)) == [1, 1, 4]
    assert parts_of(shapes, labels) == [1, 1, 1]


@pytest.mark.parametrize(
    ("people", "number", "weight"),
    [(None, None, 1.0), (5.0, 2, 1.0), (0.0, None, 1.0), (5.0, None, -1.0), (5.0, None, np.nan)],
)
def test_what_cannot_be_is_refused(people, number, weight):
    with pytest.raises(ValueError, match=r"give one|0 or more"):
        contiguous_clusters(lattice(1, 1), np.array([weight]), people=people, number=number)


@given(
    st.integers(2, 7),
    st.integers(1, 6),
    st.integers(0, 2**31),
    st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_clusters_hang_together(columns, rows, seed, number):
    rng = np.random.default_rng(seed)
    kept = rng.random(columns * rows) < 0.85
    kept[0] = True
    shapes = lattice(columns, rows)[kept]
    weight = rng.integers(0, 900, len(shapes)).astype(float)
    labels = contiguous_clusters(shapes, weight, number=number)
    assert labels.tolist() == contiguous_clusters(shapes, weight, number=number).tolist()
    assert np.unique(labels).tolist() == list(range(min(number, len(shapes))))
    pairs, _ = shared_borders(shapes)
    _, bridges = joined_components(shapes, pairs, np.zeros(len(shapes), int))
    assert set(parts_of(shapes, labels, map(tuple, bridges.tolist()))) == {1}
    # In the order of their first shapes.
    first = np.unique(labels, return_index=True)[1]
    assert (np.diff(first) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_sizes_are_near_what_is_asked_where_shapes_are_small(seed):
    """Of 400 shapes of 30 to 170 people clusters of 2,000 are all within a quarter of it."""
    weight = np.random.default_rng(seed).uniform(30, 170, 400)
    shapes = lattice(20, 20)
    labels = contiguous_clusters(shapes, weight, people=2000)
    sizes = np.bincount(labels, weight)
    assert sizes.size == round(weight.sum() / 2000)
    assert (np.abs(sizes / 2000 - 1) <= 0.25).all()
    assert set(parts_of(shapes, labels)) == {1}
