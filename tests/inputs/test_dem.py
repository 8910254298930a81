"""Heights from rasters that are known cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.dem import read_heights

CELLS = np.array([[0.0, 10.0, 20.0], [30.0, 40.0, 50.0], [60.0, 70.0, -9999.0]], np.float32)


@pytest.fixture
def dem(tmp_path):
    """Write a raster of 3 by 3 cells of 0.01 degrees, its north-western corner at 118, 29."""

    def write(cells=CELLS, *, crs="EPSG:4326", **more):
        path = tmp_path / "dem.tif"
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=cells.shape[1],
            height=cells.shape[0],
            count=1,
            dtype=cells.dtype,
            crs=crs,
            transform=Affine(0.01, 0.0, 118.0, 0.0, -0.01, 29.0),
            nodata=-9999.0,
            **more,
        ) as file:
            file.write(cells, 1)
        return path

    return write


def heights(path, column, row):
    """Return heights at places given in cells from the north-western corner."""
    lon, lat = 118.0 + 0.01 * np.asarray(column, float), 29.0 - 0.01 * np.asarray(row, float)
    return read_heights(path, lon, lat, name="dem.tif")


def test_at_centres_between_them_and_at_the_rim(dem):
    found, problems = heights(dem(), [0.5, 1.0, 1.5, 1.0, 0.0, 0.2], [0.5, 0.5, 1.5, 1.0, 0.0, 1.0])
    # The middle of four cells has their mean; within half a cell of the rim the centre holds.
    np.testing.assert_allclose(found, [0, 5, 40, 20, 0, 15], atol=1e-6)
    assert problems == []


def test_no_data_is_no_height_unless_it_does_not_count(dem):
    found, problems = heights(dem(), [2.0, 2.5, 2.5, 1.5], [2.0, 2.5, 1.5, 2.4999999999])
    np.testing.assert_allclose(found[2:], [50, 70], atol=1e-4)
    assert np.isnan(found[:2]).all()
    assert [(one.code, one.value, one.details["total"]) for one in problems] == [
        ("dem.no_height", "2", 4)
    ]


def test_beyond_the_raster_is_no_height(dem):
    found, _ = heights(dem(), [-0.1, 3.1, 1.5, 1.5, 1.5], [1.5, 1.5, -0.1, 3.1, 0.5])
    assert np.isnan(found).tolist() == [True] * 4 + [False]


def test_a_tall_raster_is_read_in_strips(dem):
    rows = np.arange(2500, dtype=np.float32)[:, None].repeat(4, axis=1)
    path = dem(rows)
    at = np.array([0.5, 1023.5, 1024.0, 1024.5, 1025.25, 2047.9, 2048.1, 2499.5])
    found, _ = heights(path, np.full(at.size, 2.0), at)
    np.testing.assert_allclose(found, at - 0.5, atol=1e-4)


def test_nowhere_on_the_raster_is_refused(dem):
    with pytest.raises(InputError) as caught:
        heights(dem(), [50.0, 60.0], [50.0, 60.0])
    assert [one.code for one in caught.value.problems] == ["dem.elsewhere"]


def test_without_a_crs_is_refused(dem):
    path = dem(crs=None)
    with pytest.raises(CrsError):
        heights(path, [1.0], [1.0])


def test_scaled_heights(dem):
    path = dem()
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.1,), (-5.0,)
    found, _ = heights(path, [1.5], [1.5])
    np.testing.assert_allclose(found, [-1.0], atol=1e-6)
