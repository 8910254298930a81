"""Datums against reference points on which two independent converters agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from servicecircle.crs import (
    bd09_to_gcj02,
    gcj02_to_bd09,
    in_mainland_china,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

GEOD = Geod(ellps="GRS80")


@pytest.fixture(scope="module")
def reference(shared):
    return pd.read_csv(shared / "datum" / "datum_reference_points.csv", index_col="place")


def pair(table, datum):
    return table[f"lon_{datum}"].to_numpy(float), table[f"lat_{datum}"].to_numpy(float)


def test_forward(reference):
    inland = reference[in_mainland_china(*pair(reference, "wgs84"))]
    assert len(inland) == 9
    for convert, datum in ((wgs84_to_gcj02, "gcj02"), (wgs84_to_bd09, "bd09")):
        found = np.array(convert(*pair(inland, "wgs84")))
        error = np.abs(found - np.array(pair(inland, datum)))
        assert error.max() <= 1e-9


def test_bd09_alone(reference):
    """The step from GCJ-02 to BD-09 knows no borders."""
    found = np.array(gcj02_to_bd09(*pair(reference, "gcj02")))
    assert np.abs(found - np.array(pair(reference, "bd09"))).max() <= 2e-9
    found = np.array(bd09_to_gcj02(*pair(reference, "bd09")))
    assert np.abs(found - np.array(pair(reference, "gcj02"))).max() <= 2e-9


def test_inverse(reference):
    inland = reference[in_mainland_china(*pair(reference, "wgs84"))]
    for datum in ("gcj02", "bd09"):
        found = to_wgs84(*pair(inland, datum), datum=datum)
        # The references are rounded to 1e-9°, a tenth of a millimetre.
        assert GEOD.inv(*found, *pair(inland, "wgs84"))[2].max() < 1e-3


def test_taipei_is_not_shifted(reference):
    taipei = reference[reference.index.str.startswith("Taipei")]
    assert len(taipei) == 1
    there = pair(taipei, "wgs84")
    np.testing.assert_array_equal(wgs84_to_gcj02(*there), there)
    np.testing.assert_array_equal(to_wgs84(*there, datum="gcj02"), there)
