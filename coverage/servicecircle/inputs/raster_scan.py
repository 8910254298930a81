"""Values of a raster sifted: people, nobody, no data, and what can be neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.inputs.cell_areas import Indices

__all__ = ["MANKIND", "Tally", "scan"]

# No cell holds more than all people there are: such values stand for no data.
MANKIND = 1e10
# A type of whole numbers up to this many bytes is suspected of having been too small.
_SMALL_TYPE = 2
_NEAR = 2.5e-7


@dataclass(slots=True)
class Tally:
    """Running counts and sums over the windows of one raster."""

    nodata: int = 0
    negative: int = 0
    infinite: int = 0
    negative_sum: float = 0.0
    zero: int = 0
    largest: int = 0
    people: float = 0.0
    missing: int = 0
    masked: float = 0.0
    clipped: float = 0.0
    clipped_cells: int = 0


def scan(values: NDArray[Any], nodata: Any, tally: Tally) -> Indices:
    """Return the flat places of the cells above zero, and count all the others.

    Parameters
    ----------
    values : numpy.ndarray, shape (height, width)
        Of any type of numbers; NaN is no data.
    nodata : scalar of that type, or None
    tally : Tally
        Is added to.

    Returns
    -------
    numpy.ndarray of int
        Places in ``values.ravel()``, ascending.

    Examples
    --------
    >>> tally = Tally()
    >>> scan(np.array([[7.0, -9999.0, 0.0], [np.nan, 2.0, -1.0]]), -9999.0, tally).tolist()
    [0, 4]
    >>> tally.nodata, tally.zero, tally.negative, tally.negative_sum
    (2, 1, 1, -1.0)
    """
    flat = values.ravel()
    above = flat > 0
    if nodata is not None and nodata > 0:
        above &= flat != nodata
    at = np.flatnonzero(above)
    del above
    zero = int(np.count_nonzero(flat == 0))
    others = flat.size - at.size - zero
    if nodata is not None and nodata == 0:
        tally.nodata += zero
    else:
        tally.zero += zero
    whole = flat.dtype.kind != "f"
    if others:
        same = 0 if nodata is None or nodata == 0 else int(np.count_nonzero(flat == nodata))
        tally.nodata += same
        if others > same:
            _count_others(flat, nodata, tally)
    if whole and flat.dtype.itemsize <= _SMALL_TYPE:
        tally.largest += int(np.count_nonzero(flat[at] == np.iinfo(flat.dtype).max))
    elif not whole:
        wild = flat[at] > MANKIND
        if wild.any():
            tally.infinite += int(wild.sum())
            at = at[~wild]
    return at


def _count_others(flat: NDArray[Any], nodata: Any, tally: Tally) -> None:
    """Count what is neither people nor zero nor the very value of no data."""
    if flat.dtype.kind == "f":
        tally.nodata += int(np.count_nonzero(np.isnan(flat)))
    below = flat[flat < 0]
    if nodata is not None:
        below = below[below != nodata]
    lost = np.isinf(below) if below.dtype.kind == "f" else np.zeros(below.size, np.bool_)
    tally.infinite += int(lost.sum())
    below = below[~lost].astype(np.float64)
    if nodata is not None and flat.dtype.kind == "f":
        # The tag is a text: the value in it may be rounded, as GDAL allows for.
        near = np.abs(below - float(nodata)) <= _NEAR * abs(float(nodata))
        tally.nodata += int(near.sum())
        below = below[~near]
    tally.negative += below.size
    tally.negative_sum += float(below.sum())
