"""Arcs of units: the same areas, every shared border once and the same from both sides."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.outputs.payload import encode_polygons, simplify_coverage, simplify_shapes
from servicecircle.outputs.topology import arc_rings, encode_units


def whole(arcs, shape):
    polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in arc_rings(arcs, shape)]
    return shapely.normalize(shapely.MultiPolygon(polygons))


def plain(shape):
    """The same from the encoding ring by ring."""
    polygons = []
    for polygon in shape:
        rings = [np.cumsum(np.reshape(ring, (-1, 2)), axis=0) for ring in polygon]
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.normalize(shapely.MultiPolygon(polygons))


def array(*shapes):
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def wavy_units(seed, side=5, pieces=24):
    """A lattice of units whose neighbours share every vertex of a wavy border."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0)), axis=-1)
    corners = (corners + rng.uniform(-0.2, 0.2, corners.shape)) * 0.01 + [118.0, 28.0]

    def line(start, end):
        at = np.linspace(0, 1, pieces)[:, None]
        bend = rng.uniform(-1.2e-4, 1.2e-4, (pieces, 2))
        bend[[0, -1]] = 0
        return start + (end - start) * at + bend

    across = {
        (i, j): line(corners[i, j], corners[i, j + 1]) for i in range(side + 1) for j in range(side)
    }
    up = {
        (i, j): line(corners[i, j], corners[i + 1, j]) for i in range(side) for j in range(side + 1)
    }
    return array(
        *(
            shapely.Polygon(
                np.concatenate([across[i, j], up[i, j + 1], across[i + 1, j][::-1], up[i, j][::-1]])
            )
            for i in range(side)
            for j in range(side)
        )
    )


def test_two_squares_share_one_arc() -> None:
    squares = array(shapely.box(0, 0, 1e-5, 1e-5), shapely.box(1e-5, 0, 2e-5, 1e-5))
    arcs, shapes = encode_units(squares)
    used = [
        number if number >= 0 else ~number for s in shapes for p in s for r in p for number in r
    ]
    assert sorted(used.count(number) for number in range(len(arcs))) == [1, 1, 2]
    # The shared one is the side at x = 1, run one way by one and the other way by the other.
    (shared,) = [number for number in range(len(arcs)) if used.count(number) == 2]
    assert np.cumsum(np.reshape(arcs[shared], (-1, 2)), axis=0).tolist() in (
        [[1, 0], [1, 1]],
        [[1, 1], [1, 0]],
    )


def test_an_island_unit_in_a_hole_is_one_arc() -> None:
    island = shapely.box(2e-5, 2e-5, 4e-5, 4e-5)
    around = shapely.box(0, 0, 6e-5, 6e-5).difference(island)
    arcs, shapes = encode_units(array(around, island))
    assert len(arcs) == 2
    assert {abs(shapes[0][0][1][0] + 0.5)} == {abs(shapes[1][0][0][0] + 0.5)}
    assert whole(arcs, shapes[0]).area == 32
    assert whole(arcs, shapes[1]).area == 4


def test_empty_missing_flat_and_other_geometry() -> None:
    flat = shapely.Polygon([(0, 0), (1e-7, 0), (1e-7, 1e-7)])
    given_ = array(None, shapely.Polygon(), flat, shapely.Point(0, 0), shapely.box(0, 0, 1, 1))
    arcs, shapes = encode_units(given_)
    assert shapes[:4] == [[], [], [], []]
    assert len(arcs) == 1
    assert whole(arcs, shapes[4]).area == 1e10


def test_a_multipolygon_keeps_its_parts_and_holes() -> None:
    hole = shapely.box(0, 0, 9e-5, 9e-5).difference(shapely.box(3e-5, 3e-5, 5e-5, 6e-5))
    two = shapely.MultiPolygon([hole, shapely.box(2e-4, 0, 3e-4, 1e-4)])
    arcs, (shape,) = encode_units(array(two))
    assert [len(polygon) for polygon in shape] == [2, 1]
    assert whole(arcs, shape).area == 81 - 6 + 100


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([10**9, 900, 300]))
def test_arcs_give_the_same_shapes_as_rings(seed: int, most: int) -> None:
    units = simplify_coverage(wavy_units(seed), most_vertices=most)
    arcs, shapes = encode_units(units)
    for shape, rings in zip(shapes, encode_polygons(units), strict=True):
        assert shapely.equals(whole(arcs, shape), plain(rings))


@pytest.mark.parametrize("most", [10**9, 900, 250])
def test_simplified_neighbours_neither_gape_nor_overlap(most: int) -> None:
    units = wavy_units(7)
    simple = simplify_coverage(units, most_vertices=most)
    arcs, shapes = encode_units(simple)
    drawn = [whole(arcs, shape) for shape in shapes]
    together = shapely.union_all(drawn)
    assert sum(one.area for one in drawn) == pytest.approx(together.area, rel=1e-12)
    assert sum(len(polygon.interiors) for polygon in shapely.get_parts(together)) == 0
    # By their numbers: 25 units have 40 borders between two of them, each arc there used twice.
    used = [
        number if number >= 0 else ~number for s in shapes for p in s for r in p for number in r
    ]
    counts = [used.count(number) for number in range(len(arcs))]
    assert counts.count(2) == 40
    assert max(counts) == 2


def test_shapes_simplified_part_by_part_are_those_of_the_whole() -> None:
    circles = [shapely.Point(x * 0.01, 0).buffer(0.003, quad_segs=40) for x in range(6)]
    given_ = array(shapely.MultiPolygon(circles), None, circles[0], shapely.Polygon())
    simple = simplify_shapes(given_, tolerance=1e-5, most_vertices=10**9)
    expected = shapely.simplify(given_, 1e-5, preserve_topology=True)
    assert encode_polygons(simple) == encode_polygons(expected)
    fewer = simplify_shapes(given_, tolerance=1e-5, most_vertices=120)
    assert shapely.get_num_coordinates(fewer).sum() <= 120
    assert [len(shape) for shape in encode_polygons(fewer)] == [6, 0, 1, 0]
