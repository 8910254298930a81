"""Exact shares of cells: by hand on small rasters, and never a silent zero."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.errors import CrsError
from servicecircle.inputs.raster import RasterSource, read_cells
from servicecircle.inputs.zonal import unit_zones, zonal_sums

METRES = Affine(100.0, 0.0, 500_000.0, 0.0, -100.0, 3_100_300.0)


def write(path: Path, values, *, crs="EPSG:4549", transform=METRES, nodata=-9.0) -> Path:
    values = np.asarray(values, dtype="float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype="float32", crs=crs, transform=transform, nodata=nodata,
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


def boxes(*bounds, crs=4549) -> gpd.GeoSeries:
    return gpd.GeoSeries([shapely.box(*one) for one in bounds], crs=crs)


def sums(path: Path, polygons, kind="count"):
    return zonal_sums(path, polygons, name=path.name, kind=kind)


def test_a_square_shifted_by_half_a_cell_takes_quarters(tmp_path):
    path = write(tmp_path / "a.tif", np.arange(9.0).reshape(3, 3) + 1)
    x, y = 500_050.0, 3_100_050.0
    people, cells = sums(path, boxes((x, y, x + 200, y + 200)))
    # Corners count a quarter, sides a half, the middle whole.
    assert people.tolist() == pytest.approx([(1 + 3 + 7 + 9) / 4 + (2 + 4 + 6 + 8) / 2 + 5])
    assert cells.tolist() == pytest.approx([4.0])


def test_cells_without_people_add_nothing(tmp_path):
    path = write(tmp_path / "a.tif", [[8.0, -9.0, -5.0], [np.nan, 4.0, np.inf], [1e20, 0.0, 2.0]])
    people, cells = sums(path, boxes((500_000, 3_100_000, 500_300, 3_100_300)))
    assert people.tolist() == [14.0]
    assert cells.tolist() == [4.0]


def test_outside_is_zero_and_without_an_area_unknown(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((3, 3)))
    polygons = gpd.GeoSeries(
        [shapely.box(0, 0, 1, 1), None, shapely.Polygon(), shapely.Point(500_100, 3_100_100)],
        crs=4549,
    )
    assert np.nan_to_num(sums(path, polygons)[0], nan=-1).tolist() == [0.0, -1.0, -1.0, -1.0]


def test_a_bow_tie_has_both_its_wings(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((3, 3)))
    x, y = 500_000.0, 3_100_000.0
    tie = shapely.Polygon([(x, y), (x + 200, y + 200), (x + 200, y), (x, y + 200)])
    people, _ = sums(path, gpd.GeoSeries([tie], crs=4549))
    assert people.tolist() == pytest.approx([2.0])


def test_another_crs_is_an_error_and_no_zero(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((3, 3)))
    for given_crs, code in ((4326, "vector.crs_conflict"), (4547, "vector.crs_conflict"),
                            (None, "vector.no_crs")):  # fmt: skip
        with pytest.raises(CrsError) as caught:
            sums(path, boxes((120.0, 28.0, 120.1, 28.1), crs=given_crs))
        assert caught.value.problems[0].code == code
    # CGCS2000 in degrees is WGS84 in degrees.
    degrees = Affine(0.01, 0, 120.0, 0, -0.01, 28.03)
    path = write(tmp_path / "b.tif", np.ones((3, 3)), crs="EPSG:4490", transform=degrees)
    assert sums(path, boxes((120.0, 28.0, 120.03, 28.03), crs=4326))[0] == pytest.approx([9.0])


@pytest.mark.parametrize(
    ("crs", "transform"),
    [("EPSG:4549", METRES), ("EPSG:4326", Affine(0.01, 0, 120.0, 0, -0.01, 28.03))],
)
def test_densities_are_people_as_cells_are_read(tmp_path, crs, transform):
    path = write(tmp_path / "d.tif", np.full((3, 3), 250.0), crs=crs, transform=transform)
    whole = gpd.GeoSeries([shapely.box(*rasterio.open(path).bounds)], crs=crs)
    people, _ = sums(path, whole, kind="density_km2")
    cells = read_cells(RasterSource(path=path, name="d.tif", kind="density_km2"))
    assert people[0] == pytest.approx(cells.population.sum(), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=4, max_size=4), st.integers(0, 100))
def test_shares_are_areas_of_intersections(tmp_path_factory, cuts, seed):
    path = tmp_path_factory.mktemp("zonal") / "a.tif"
    values = np.random.default_rng(seed).integers(0, 50, (3, 3)).astype(float)
    write(path, values)
    west, east = sorted(cuts[:2])
    south, north = sorted(cuts[2:])
    polygon = shapely.box(500_000 + west, 3_100_000 + south, 500_000 + east, 3_100_000 + north)
    expected = 0.0
    for row in range(3):
        for col in range(3):
            x, y = METRES.c + 100 * col, METRES.f - 100 * (row + 1)
            cell = shapely.box(x, y, x + 100, y + 100)
            expected += values[row, col] * polygon.intersection(cell).area / 1e4
    people, _ = sums(path, gpd.GeoSeries([polygon], crs=4549))
    assert np.nan_to_num(people[0]) == pytest.approx(expected, rel=1e-6, abs=1e-4)


def test_zones_of_units_say_which_lie_inside(tmp_path):
    degrees = Affine(0.01, 0, 120.0, 0, -0.01, 28.1)
    values = np.full((10, 10), 2.0)
    values[:, 5:] = -9.0
    path = write(tmp_path / "a.tif", values, crs="EPSG:4326", transform=degrees)
    units = gpd.GeoDataFrame(
        {"unit_id": ["in", "half data", "over", "far", "sliver"]},
        geometry=[
            shapely.box(120.01, 28.01, 120.04, 28.05), shapely.box(120.04, 28.0, 120.06, 28.1),
            shapely.box(120.08, 28.0, 120.15, 28.1), shapely.box(130, 28, 131, 29),
            shapely.box(119.995, 28.0, 120.02, 28.1),
        ],
        crs=4326,
    )  # fmt: skip
    old = write(tmp_path / "old.tif", values / 2, crs="EPSG:4326", transform=degrees)
    source = RasterSource(
        path=path, name="a.tif", kind="count", elderly_path=old, elderly_name="old.tif"
    )
    zones = unit_zones(source, units, exact=True).set_index("unit_id")
    assert zones["wholly_inside"].tolist() == [True, True, False, False, True]
    assert zones.loc["in", "exact_population"] == pytest.approx(2.0 * 12)
    assert zones.loc["half data", "exact_population"] == pytest.approx(2.0 * 10)
    assert zones.loc["half data", "exact_elderly"] == pytest.approx(10.0)
    assert zones.loc["half data", "data_share"] == pytest.approx(0.5)
    assert zones.loc["far", "exact_population"] == 0.0
    short = unit_zones(source, units, exact=False)
    assert short["wholly_inside"].tolist() == zones["wholly_inside"].tolist()
    assert short["exact_population"].isna().all()


def test_a_turned_grid_has_a_footprint_and_no_exact_sum(tmp_path):
    turned = METRES * Affine.rotation(30.0) if not hasattr(Affine, "__matmul__") else (
        METRES @ Affine.rotation(30.0)
    )  # fmt: skip
    path = write(tmp_path / "t.tif", np.ones((30, 30)), transform=turned)
    cells = read_cells(RasterSource(path=path, name="t.tif", kind="count"))
    assert cells.population.sum() == 900.0
    hull = shapely.convex_hull(shapely.multipoints(shapely.points(cells.lon, cells.lat)))
    units = gpd.GeoDataFrame(
        {"unit_id": ["hull", "box"]}, geometry=[hull, shapely.box(*hull.bounds)], crs=4326
    )
    zones = unit_zones(RasterSource(path=path, name="t.tif", kind="count"), units, exact=True)
    assert zones["wholly_inside"].tolist() == [True, False]
    assert zones["exact_population"].isna().all()
