"""The metric coordinate system, against geodesic lengths."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Geod

from servicecircle.crs import metric_crs, transformer
from servicecircle.errors import CrsError

GEOD = Geod(ellps="GRS80")


def measured_ppm(found, west, south, east, north):
    """Return the largest error of short lengths over an area, in all directions, by geodesics."""
    lon, lat = (
        part.ravel()
        for part in np.meshgrid(np.linspace(west, east, 9), np.linspace(south, north, 9))
    )
    there = transformer("EPSG:4326", found.crs)
    worst = 0.0
    for azimuth in (0.0, 37.0, 90.0, 135.0):
        lon2, lat2, _ = GEOD.fwd(lon, lat, np.full(lon.size, azimuth), np.full(lon.size, 100.0))
        x1, y1 = there.transform(lon, lat)
        x2, y2 = there.transform(lon2, lat2)
        worst = max(worst, float(np.abs(np.hypot(x2 - x1, y2 - y1) / 100.0 - 1.0).max()) * 1e6)
    return worst


AREAS = {
    "Hangzhou": (119.9, 30.0, 120.5, 30.5),
    "Quzhou": (118.02, 28.24, 119.34, 29.5),
    "Kecheng": (118.75, 28.85, 119.0, 29.05),
    "Jiangshan": (118.37, 28.25, 118.81, 28.88),
    "Minle": (100.37, 37.94, 101.22, 38.8),
    "Minle town": (100.7, 38.35, 100.9, 38.5),
    "Wuhan": (113.983, 30.378, 114.552, 30.780),
    "Taipei": (121.45, 24.96, 121.67, 25.21),
    "Isle of Man": (-4.83, 54.04, -4.31, 54.42),
    "Porto": (-8.9, 40.98, -8.2, 41.4),
    "Zhejiang": (118.0, 27.0, 123.0, 31.2),
    "Gansu": (92.3, 32.6, 108.8, 42.8),
    "Hobart": (147.1, -43.0, 147.6, -42.7),
    "Melbourne": (144.8, -38.0, 145.2, -37.7),
}


@pytest.mark.parametrize("name", AREAS)
def test_the_stated_error_is_the_measured_one(name):
    west, south, east, north = AREAS[name]
    found = metric_crs([west, east], [south, north])
    ppm = measured_ppm(found, west, south, east, north)
    # A length of 100 m at the border of the area reaches a little beyond it.
    assert ppm == pytest.approx(found.scale_error_ppm, rel=0.01, abs=0.3)
    assert CRS(found.crs).is_projected
    assert [axis.unit_name for axis in CRS(found.crs).axis_info] == ["metre", "metre"]


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("Hangzhou", "EPSG:4549"),
        ("Kecheng", "EPSG:4549"),
        ("Minle town", "EPSG:4543"),
        ("Wuhan", "EPSG:4547"),
        # GCJ-02 is not in use there, and neither are the zones of the mainland.
        ("Taipei", "EPSG:32651"),
        ("Melbourne", "EPSG:32755"),
    ],
)
def test_standard_choices(name, crs):
    west, south, east, north = AREAS[name]
    found = metric_crs([west, east], [south, north])
    assert found.crs == crs
    assert not found.fitted
    assert found.scale_error_ppm <= 200


# A zone of 3° ends 1.5° from its middle: 267 ppm at 28° N. So whole counties near the border of a
# zone are fitted.
@pytest.mark.parametrize(
    "name", ["Isle of Man", "Porto", "Quzhou", "Jiangshan", "Minle", "Hobart", "Zhejiang", "Gansu"]
)
def test_fitted_where_the_standard_is_too_far_off(name):
    west, south, east, north = AREAS[name]
    found = metric_crs([west, east], [south, north])
    assert found.fitted
    assert "fitted" in found.name
    assert found.crs == metric_crs([east, west], [north, south]).crs


def test_a_province_over_three_zones_is_better_fitted_than_in_any_zone():
    west, south, east, north = AREAS["Zhejiang"]
    found = metric_crs([west, east], [south, north])
    assert found.scale_error_ppm < 400

    class Zone:
        def __init__(self, code):
            self.crs = f"EPSG:{code}"

    zones = [measured_ppm(Zone(code), west, south, east, north) for code in (4548, 4549, 4550)]
    assert found.scale_error_ppm < min(zones) / 2


def test_the_two_sides_of_the_zones_border():
    assert metric_crs([124.3, 124.6], [46.5, 46.6]).crs == "EPSG:4550"
    assert metric_crs([124.4, 124.7], [46.5, 46.6]).crs == "EPSG:4551"


def test_points_without_coordinates_are_passed_over():
    found = metric_crs([np.nan, 120.0, 120.4], [30.0, 30.1, 30.4])
    assert found.crs == "EPSG:4549"


@pytest.mark.parametrize(("lon", "lat"), [([], []), ([np.nan], [30.0]), ([np.inf], [30.0])])
def test_no_area_is_refused(lon, lat):
    with pytest.raises(CrsError) as caught:
        metric_crs(lon, lat)
    assert caught.value.problems[0].code == "crs.no_area"


def test_transformer_takes_longitude_first():
    x, y = transformer("EPSG:4326", "EPSG:4549").transform(120.0, 30.0)
    assert x == pytest.approx(500_000.0, abs=1e-6)
    # The meridian arc from the equator to 30° N on GRS80.
    assert y == pytest.approx(GEOD.inv(120.0, 0.0, 120.0, 30.0)[2], abs=1e-3)
