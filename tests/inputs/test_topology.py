"""Overlaps, gaps and nesting, measured on squares whose areas are known."""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.inputs.crossings import hopeless_crossings, sampled_crossings
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.topology import measure_gaps, measure_nesting, measure_topology
from servicecircle.inputs.unit_rows import mend, other_basis

WEST, EAST = shapely.box(118.0, 28.0, 118.1, 28.1), shapely.box(118.1, 28.0, 118.2, 28.1)


def units(level: str, *shapes, parent="") -> gpd.GeoDataFrame:
    names = [f"{level}{at}" for at in range(len(shapes))]
    return gpd.GeoDataFrame(
        {"unit_id": names, "code": "", "name": names, "level": level, "parent_id": parent},
        geometry=list(shapes), crs=4326,
    )  # fmt: skip


def area(shape) -> float:
    return float(areas_m2(np.array([shape], dtype=object))[0])


def codes_of(problems) -> list[str]:
    return [problem.code for problem in problems]


def test_a_hole_between_units_is_a_gap_and_a_bay_is_none():
    hole = shapely.box(118.09, 28.04, 118.11, 28.06)
    bay = shapely.box(118.09, 28.09, 118.11, 28.1)
    sums, problems = measure_gaps(units("township", WEST - hole - bay, EAST - hole - bay))
    assert sums["gaps"] == 1
    assert sums["gap_m2"] == pytest.approx(area(hole), rel=1e-6)
    assert codes_of(problems) == ["unit.gap", "unit.gap_total"]
    assert problems[0].value == "township0, township1"


def test_a_hole_that_another_unit_fills_is_no_gap():
    inner = shapely.box(118.04, 28.04, 118.06, 28.06)
    assert measure_gaps(units("township", WEST - inner, inner)) == ({"gaps": 0, "gap_m2": 0.0}, [])


def test_small_gaps_are_summed_and_not_listed():
    tiny = [
        shapely.box(118.01 + 0.01 * at, 28.05, 118.0101 + 0.01 * at, 28.0501) for at in range(5)
    ]
    sums, problems = measure_gaps(units("township", WEST - shapely.union_all(tiny)))
    assert sums["gaps"] == 5
    assert sums["gap_m2"] == pytest.approx(sum(map(area, tiny)), rel=1e-4)
    assert codes_of(problems) == ["unit.gap_total"]


def test_a_village_outside_its_township():
    parents = units("township", WEST, EAST)
    inside = shapely.box(118.01, 28.01, 118.02, 28.02)
    across = shapely.box(118.09, 28.0, 118.13, 28.01)
    children = units("village_level", inside, across, parent="township0")
    sums, problems = measure_nesting(children, parents)
    outside = area(across - WEST)
    assert sums["outside_parent"] == 1
    assert sums["outside_parent_m2"] == pytest.approx(outside, rel=1e-4)
    assert sums["uncovered_m2"] == pytest.approx(
        area(WEST) + area(EAST) - area(inside) - area(across), rel=1e-4
    )
    assert codes_of(problems) == ["unit.outside_parent", "unit.uncovered"]
    assert problems[0].details["share"] == "75.0%"


def test_without_a_parent_nothing_is_outside():
    children = units("village_level", shapely.box(119.0, 28.0, 119.1, 28.1))
    sums, problems = measure_nesting(children, units("township", WEST))
    assert sums["outside_parent_m2"] == 0.0
    assert codes_of(problems) == ["unit.uncovered"]


def test_sums_of_all_levels():
    towns = units("township", WEST, EAST)
    county = units("county", WEST | EAST)
    both = gpd.GeoDataFrame(
        np.concatenate([county.to_numpy(), towns.assign(parent_id="county0").to_numpy()]),
        columns=towns.columns, geometry="geometry", crs=4326,
    )  # fmt: skip
    sums, problems = measure_topology(both)
    assert problems == []
    assert sums["township"]["overlap_m2"] == sums["township"]["gap_m2"] == 0.0
    assert sums["township"]["uncovered_m2"] == sums["township"]["outside_parent_m2"] == 0.0
    assert sums["county"]["area_m2"] == pytest.approx(sums["township"]["area_m2"], rel=1e-6)


# --- outlines ------------------------------------------------------------------------------------


def test_outlines_that_cross_themselves_beyond_measure_are_set_aside_in_time():
    points = (118.0, 28.0) + 0.1 * np.random.default_rng(1).random((3_000, 2))
    wild = shapely.Polygon(points)
    mended, keep, problems = mend(np.array([wild, WEST], dtype=object), ["a", "b"], "x.shp")
    assert keep.tolist() == [False, True]
    assert [(problem.code, problem.row, problem.action) for problem in problems] == [
        ("unit.tangled", 1, "set_aside")
    ]
    assert mended[1].equals(WEST)


def test_outlines_with_many_crossings_are_mended_ring_by_ring():
    points = (118.0, 28.0) + 0.1 * np.random.default_rng(1).random((120, 2))
    mended, keep, problems = mend(np.array([shapely.Polygon(points)], dtype=object), ["a"], "x.shp")
    assert keep.tolist() == [True]
    assert mended[0].is_valid
    assert codes_of(problems) == ["unit.invalid_ring"]


def test_a_large_outline_with_one_crossing_keeps_its_area():
    turn = np.linspace(0.0, 2.0 * np.pi, 100_000, endpoint=False)
    points = np.column_stack([118.0 + 0.1 * np.cos(turn), 28.0 + 0.1 * np.sin(turn)])
    points[[50_000, 50_010]] = points[[50_010, 50_000]]
    mended, keep, problems = mend(np.array([shapely.Polygon(points)], dtype=object), ["a"], "x.shp")
    assert keep.tolist() == [True]
    assert mended[0].area == pytest.approx(np.pi * 0.01, rel=1e-6)
    assert codes_of(problems) == ["unit.invalid_ring"]


def test_lines_points_and_nothing_are_set_aside():
    shapes = [
        None, shapely.Polygon(), shapely.LineString([(118, 28), (119, 29)]), shapely.Point(118, 28),
        shapely.Polygon([(118, 28), (119, 29), (118, 28)]),
        shapely.GeometryCollection([WEST, shapely.Point(0, 0)]),
    ]  # fmt: skip
    mended, keep, problems = mend(np.array(shapes, dtype=object), list("abcdef"), "x.shp")
    assert keep.tolist() == [False] * 5 + [True]
    assert mended[5].equals(WEST)
    assert {problem.row: problem.code for problem in problems} == {
        1: "unit.no_geometry", 2: "unit.no_geometry", 3: "unit.not_polygon", 4: "unit.not_polygon",
        5: "unit.not_polygon", 6: "unit.invalid_ring",
    }  # fmt: skip


def test_another_basis_is_told():
    table = units("county", WEST, EAST).assign(basis=["registered", ""], age_from=[65.0, np.nan])
    problems = other_basis(table, basis="resident", age_from=60)
    assert [(problem.column, problem.value) for problem in problems] == [
        ("basis", "registered"), ("age_from", "65"),
    ]  # fmt: skip


def ring(size: int) -> np.ndarray:
    turns = np.linspace(0.0, 2.0 * np.pi, size, endpoint=False)
    return np.column_stack([118.0 + 0.1 * np.cos(turns), 28.0 + 0.1 * np.sin(turns)])


def test_only_what_crosses_everywhere_is_hopeless():
    places = np.random.default_rng(7).random((12_000, 2))
    stray = ring(12_000)
    stray[6_000] = [118.3, 28.0]  # one spike across the ring, at a segment that is looked at
    shapes = np.array(
        [shapely.Polygon(one) for one in (places, ring(12_000), stray, places[:9_000])],
        dtype=object,
    )
    found = hopeless_crossings(shapes)
    assert list(found) == [0]
    # Two random segments in a square cross with a chance of about 0.23.
    assert found[0] == pytest.approx(0.23 * 12_000**2 / 2, rel=0.1)


@pytest.mark.parametrize("size", [50, 200])
def test_sampled_crossings_are_near_the_count(size):
    shape = shapely.Polygon(np.random.default_rng(3).random((size, 2)))
    segments = shapely.linestrings(
        np.stack([shapely.get_coordinates(shape)[:-1], shapely.get_coordinates(shape)[1:]], axis=1)
    )
    pairs = shapely.STRtree(segments).query(segments, predicate="crosses")
    found = sampled_crossings(np.array([shape], dtype=object), np.array([0]))
    if size == 50:
        assert found == {}  # small ones are mended without a look
    else:
        # Boxes bound the crossings from above.
        assert pairs.shape[1] / 2 <= found[0] < 4 * pairs.shape[1]


def test_a_million_vertices_are_refused_or_read_in_seconds():
    places = np.random.default_rng(7).random((1_000_000, 2)) * 0.2 + [118.0, 28.0]
    shapes = np.array([shapely.Polygon(places), shapely.Polygon(ring(1_000_000))], dtype=object)
    start = time.process_time()
    mended, keep, problems = mend(shapes, ["甲", "乙"], "a.gpkg")
    # It took 58 seconds; a slow machine may take a few times of what ours does.
    assert time.process_time() - start < 30.0
    assert keep.tolist() == [False, True]
    assert mended[1].equals_exact(shapes[1], tolerance=0.0)
    assert [(problem.code, problem.row) for problem in problems] == [("unit.tangled", 1)]
