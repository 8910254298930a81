"""What is packed for the page unpacks to the same numbers and the same shapes."""

from __future__ import annotations

import base64
import gzip
import itertools
import json

import numpy as np
import pytest
import shapely

from servicecircle.outputs import payload

RNG = np.random.default_rng(11)


def unpack_ring(flat: list[int]) -> np.ndarray:
    return np.cumsum(np.array(flat).reshape(-1, 2), axis=0) / 1e5


def polygon_area(shape: list[list[list[int]]]) -> float:
    return sum(
        shapely.Polygon(unpack_ring(rings[0]), [unpack_ring(ring) for ring in rings[1:]]).area
        for rings in shape
    )


def test_polygons_keep_holes_and_parts() -> None:
    square = shapely.box(118.0, 28.0, 118.1, 28.1).difference(
        shapely.box(118.02, 28.02, 118.05, 28.05)
    )
    both = shapely.union(square, shapely.box(118.2, 28.0, 118.3, 28.1))
    (shape,) = payload.encode_polygons(np.array([both]))
    assert sorted(len(rings) for rings in shape) == [1, 2]
    # By hand: 0.1² - 0.03² + 0.1² square degrees.
    assert polygon_area(shape) == pytest.approx(0.0191, abs=1e-9)


def test_collections_give_their_polygons_and_nothing_else() -> None:
    mixed = shapely.GeometryCollection(
        [
            shapely.Point(0, 0),
            shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]),
            shapely.box(2, 2, 3, 3),
        ]
    )
    shapes = payload.encode_polygons(np.array([mixed, shapely.Polygon(), shapely.Point(1, 1)]))
    assert [len(shape) for shape in shapes] == [2, 0, 0]


def test_a_ring_flattened_by_rounding_is_left_out() -> None:
    sliver = shapely.box(1.0, 1.0, 1.5, 1.000001)
    assert payload.encode_polygons(np.array([sliver])) == [[]]


def test_lines_round_to_a_metre() -> None:
    points = np.column_stack([118 + RNG.random(50), 28 + RNG.random(50)])
    (line,) = payload.encode_lines(np.array([shapely.LineString(points)]))
    assert np.abs(unpack_ring(line) - points).max() <= 0.5e-5 + 1e-12


def test_points_keep_their_order_and_their_repeats() -> None:
    lon, lat = [118.5, 118.5, 118.4], [28.5, 28.5, 28.6]
    read = unpack_ring(payload.encode_points(lon, lat))
    np.testing.assert_allclose(read, np.column_stack([lon, lat]), atol=1e-9)


def wavy_coverage(side: int) -> np.ndarray:
    """Return squares whose shared borders are wavy lines of many points."""

    def edge(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        at = np.linspace(0, 1, 60)[:, None]
        across = np.array([end[1] - start[1], start[0] - end[0]])
        wave = np.sin(at * 40) * 0.03 * np.sin(at * np.pi)
        # Corners exactly where they are, or the borders do not meet.
        wave[[0, -1]] = 0.0
        return 118.0 + (start + at * (end - start) + wave * across) / 16

    lines = []
    for i, j in itertools.product(range(side + 1), range(side)):
        lines.append(shapely.LineString(edge(np.array([i, j]), np.array([i, j + 1]))))
        lines.append(shapely.LineString(edge(np.array([j, i]), np.array([j + 1, i]))))
    units = shapely.get_parts(shapely.polygonize(lines))
    assert len(units) == side**2
    return units


def test_simpler_units_still_tile() -> None:
    units = wavy_coverage(3)
    before = shapely.get_num_coordinates(units).sum()
    simple = payload.simplify_coverage(units, most_vertices=int(before // 2))
    assert shapely.get_num_coordinates(simple).sum() <= before // 2
    assert shapely.coverage_is_valid(simple)
    assert shapely.area(simple).sum() == pytest.approx(shapely.area(shapely.union_all(simple)))
    # And their encoded borders are the same numbers on both sides.
    shapes = payload.encode_polygons(simple)
    corners = [
        {tuple(point) for rings in shape for ring in rings for point in unpack_ring(ring)}
        for shape in shapes
    ]
    rounded = shapely.polygons([unpack_ring(shape[0][0]) for shape in shapes])
    assert shapely.coverage_is_valid(rounded)
    assert any(len(one & other) > 2 for one, other in itertools.combinations(corners, 2))


def test_few_vertices_are_left_alone() -> None:
    units = wavy_coverage(1)
    simple = payload.simplify_coverage(units, most_vertices=10_000)
    assert shapely.equals_exact(simple, units).all()


def test_both_packings_read_back() -> None:
    small = {"name": "示例</script>", "values": [1, None]}
    kind, text = payload.pack(small)
    assert (kind, json.loads(text)) == ("plain", small)
    large = {"values": list(range(300_000))}
    kind, text = payload.pack(large)
    assert (kind, json.loads(gzip.decompress(base64.b64decode(text)))) == ("gzip", large)
    assert payload.pack(large)[1] == text
