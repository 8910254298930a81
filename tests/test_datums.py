"""Datums, against published values, their own way back, and geodesic lengths."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from servicecircle.datums import (
    _MAINLAND,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_mainland_china,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from servicecircle.errors import CrsError

GEOD = Geod(ellps="GRS80")

MAINLAND = {
    "Hangzhou": (120.155, 30.274),
    "Quzhou": (118.87, 28.94),
    "Minle": (100.81, 38.43),
    "Urumqi": (87.62, 43.83),
    "Kashgar": (75.99, 39.47),
    "Mohe": (122.54, 52.97),
    "Fuyuan": (134.29, 48.36),
    "Sanya": (109.51, 18.25),
    "Shenzhen Futian": (114.055, 22.541),
    "Shenzhen Bay": (113.93, 22.50),
    "Zhuhai": (113.56, 22.28),
    "Xiamen": (118.09, 24.48),
    "Lhasa": (91.11, 29.65),
    "Ruili": (97.85, 24.01),
    "Dandong": (124.38, 40.13),
    "Zhoushan": (122.2, 30.0),
    "Wenzhou": (120.7, 28.0),
}
ELSEWHERE = {
    "Taipei": (121.517, 25.047),
    "Kaohsiung": (120.30, 22.62),
    "Penghu": (119.57, 23.57),
    "Hong Kong Central": (114.158, 22.281),
    "Hong Kong Yuen Long": (114.03, 22.44),
    "Hong Kong Sheung Shui": (114.13, 22.50),
    "Macau": (113.545, 22.19),
    "Seoul": (126.98, 37.57),
    "Pyongyang": (125.75, 39.03),
    "Tokyo": (139.69, 35.69),
    "Hanoi": (105.85, 21.03),
    "Ulaanbaatar": (106.92, 47.92),
    "Vladivostok": (131.89, 43.12),
    "Almaty": (76.95, 43.24),
    "Kathmandu": (85.32, 27.71),
    "Porto": (-8.61, 41.15),
    "Isle of Man": (-4.5, 54.2),
    "nowhere": (np.nan, np.nan),
}


@pytest.mark.parametrize("place", MAINLAND)
def test_the_mainland_is_shifted(place):
    lon, lat = MAINLAND[place]
    assert bool(in_mainland_china(lon, lat))
    there = wgs84_to_gcj02([lon], [lat])
    metres = GEOD.inv(lon, lat, there[0][0], there[1][0])[2]
    assert 50 < metres < 1000


@pytest.mark.parametrize("place", ELSEWHERE)
def test_nothing_else_is_shifted(place):
    lon, lat = ELSEWHERE[place]
    assert not bool(in_mainland_china(lon, lat))
    for convert in (wgs84_to_gcj02, gcj02_to_wgs84):
        there = convert([lon], [lat])
        np.testing.assert_array_equal(there, [[lon], [lat]])
    np.testing.assert_array_equal(to_wgs84([lon], [lat], datum="gcj02"), [[lon], [lat]])


def test_shift_at_hangzhou():
    """The known lengths: 518 m to GCJ-02 and 1,140 m to BD-09."""
    lon, lat = 120.1693, 30.2459
    gcj = wgs84_to_gcj02(lon, lat)
    bd = wgs84_to_bd09(lon, lat)
    assert GEOD.inv(lon, lat, *map(float, gcj))[2] == pytest.approx(518, abs=1.5)
    assert GEOD.inv(lon, lat, *map(float, bd))[2] == pytest.approx(1140, abs=5)


inland = st.tuples(st.floats(73.0, 135.5), st.floats(17.5, 54.0)).filter(
    lambda place: bool(in_mainland_china(*place))
)


def apart(one, other):
    return GEOD.inv(*map(float, one), *map(float, other))[2]


@settings(deadline=None, derandomize=True, max_examples=400)
@given(inland)
def test_the_way_back_leads_home(place):
    for there, back in (
        (wgs84_to_gcj02, gcj02_to_wgs84),
        (gcj02_to_bd09, bd09_to_gcj02),
        (wgs84_to_bd09, bd09_to_wgs84),
    ):
        shifted = there(*place)
        # Whether a point of GCJ-02 lies in the area is asked of where it came from.
        assert apart(back(*shifted), place) < 1e-3


def outline():
    """Return points of the outline of the mainland, one of every 30 km or so."""
    ring = shapely.segmentize(shapely.LinearRing(_MAINLAND), 0.3)
    return shapely.get_coordinates(ring)[:-1]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.floats(1e-7, 0.02), st.floats(0, 2 * np.pi))
def test_the_way_back_leads_home_right_behind_the_outline(reach, angle):
    """Where the shift stops the iteration neither oscillates nor jumps to the other side."""
    lon, lat = (outline() + reach * np.array([np.cos(angle), np.sin(angle)])).T
    inside = in_mainland_china(lon, lat)
    lon, lat = lon[inside], lat[inside]
    assert lon.size > 100
    for datum, shift in (("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)):
        back = to_wgs84(*shift(lon, lat), datum=datum)
        assert GEOD.inv(lon, lat, *back)[2].max() < 1e-3


def test_beyond_the_strip_along_the_outline_nothing_moves():
    lon, lat = outline().T
    ring = shapely.LinearRing(_MAINLAND)
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        x, y = lon + 0.03 * np.cos(angle), lat + 0.03 * np.sin(angle)
        far = ~in_mainland_china(x, y)
        # The longest shift is 0.0145 degrees.
        far &= shapely.distance(shapely.points(x, y), ring) > 0.015
        assert far.any()
        back = gcj02_to_wgs84(x[far], y[far])
        np.testing.assert_array_equal(back, [x[far], y[far]])


def test_in_the_strip_a_place_is_either_shifted_or_not():
    lon, lat = outline().T
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        x, y = lon + 0.006 * np.cos(angle), lat + 0.006 * np.sin(angle)
        back = gcj02_to_wgs84(x, y)
        again = wgs84_to_gcj02(*back)
        home = GEOD.inv(x, y, *again)[2] < 1e-3
        same = (back[0] == x) & (back[1] == y)
        # What leads home is shifted; what has no place that leads to it stays where it is.
        assert (home | same).all()


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.floats(), st.floats())
def test_any_numbers_give_numbers_or_nan(lon, lat):
    for datum in ("wgs84", "gcj02", "bd09"):
        with np.errstate(all="ignore"):
            found = to_wgs84([lon], [lat], datum=datum)
        assert [part.shape for part in found] == [(1,), (1,)]
        if not (np.isfinite(lon) and np.isfinite(lat)):
            assert not np.isfinite(found).all()


def test_the_way_back_in_bulk():
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(73, 135.5, 100_000), generator.uniform(17.5, 54, 100_000)
    inside = in_mainland_china(lon, lat)
    lon, lat = lon[inside], lat[inside]
    assert lon.size > 20_000
    for datum, shift in (("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)):
        back = to_wgs84(*shift(lon, lat), datum=datum)
        assert GEOD.inv(lon, lat, *back)[2].max() < 1e-4


def test_shapes_and_nothing():
    for convert in (
        wgs84_to_gcj02,
        gcj02_to_wgs84,
        gcj02_to_bd09,
        bd09_to_gcj02,
        wgs84_to_bd09,
        bd09_to_wgs84,
    ):
        assert [part.size for part in convert([], [])] == [0, 0]
        table = np.full((2, 3), 120.0), np.full((2, 3), 30.0)
        assert [part.shape for part in convert(*table)] == [(2, 3), (2, 3)]
        assert np.isnan(convert([np.nan], [30.0])[0]).all()
        # The caller's arrays stay as they are.
        assert (table[0] == 120.0).all()


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000"])
def test_cgcs2000_is_taken_for_wgs84(datum):
    found = to_wgs84([120.0], [30.0], datum=datum)
    assert [part.tolist() for part in found] == [[120.0], [30.0]]


@pytest.mark.parametrize("datum", ["", "WGS84", "beijing54", "auto"])
def test_an_unknown_datum_is_refused(datum):
    with pytest.raises(CrsError) as caught:
        to_wgs84([120.0], [30.0], datum=datum)
    assert caught.value.problems[0].value == datum
