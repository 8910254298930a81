"""How often outlines cross themselves, estimated before anybody tries to mend them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.coordinates import Floats

__all__ = ["MANY_CROSSINGS", "MOST_CROSSINGS", "hopeless_crossings", "sampled_crossings"]

Geometries = NDArray[np.object_]

# Mending takes longer with every crossing, and beyond all measure unless rings are mended one by
# one.
MANY_CROSSINGS, MOST_CROSSINGS = 300, 20_000

# Outlines of more vertices are looked at.
_LARGE = 60
_FEW, _SAMPLE = 20, 500
_FEW_MET, _MOST_MET = 20_000, 1e8
# An outline of more vertices is looked at before it is asked whether it is valid at all: with
# crossings everywhere that alone takes a minute for a million vertices.
_VERY_LARGE = 10_000
_PROBES, _TRIMMED = 64, 8
_HOPELESS = 1e6


def hopeless_crossings(geometries: Geometries) -> dict[int, float]:
    """Find the large outlines that cross themselves everywhere.

    64 segments, evenly along the rings, are held against all segments of the outline; the eighth
    of them with most crossings is left out, so that one stray line across a country makes nothing
    hopeless.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)

    Returns
    -------
    dict of int to float
        Position → crossings, about; only outlines of more than 10,000 vertices with a million
        crossings and more.

    Examples
    --------
    >>> places = np.random.default_rng(1).random((20_000, 2))
    >>> shapes = np.array([shapely.Polygon(places), shapely.box(0, 0, 1, 1), None], dtype=object)
    >>> {at: round(count / 1e7) for at, count in hopeless_crossings(shapes).items()}
    {0: 4}
    """
    found: dict[int, float] = {}
    for at in np.flatnonzero(shapely.get_num_coordinates(geometries) > _VERY_LARGE).tolist():
        starts, ends = _segments(geometries[at])
        if len(starts) <= _PROBES:
            continue
        low, high = np.minimum(starts, ends), np.maximum(starts, ends)
        hits = np.zeros(_PROBES)
        for number, probe in enumerate(np.linspace(0, len(starts) - 1, _PROBES).astype(int)):
            near = (low[:, 0] < high[probe, 0]) & (high[:, 0] > low[probe, 0])
            near &= (low[:, 1] < high[probe, 1]) & (high[:, 1] > low[probe, 1])
            some = np.flatnonzero(near)
            hits[number] = _crossed(starts[probe], ends[probe], starts[some], ends[some])
        met = float(np.sort(hits)[:-_TRIMMED].mean()) * len(starts) / 2.0
        if met > _HOPELESS:
            found[at] = met
    return found


def sampled_crossings(geometries: Geometries, rows: NDArray[np.int64]) -> dict[int, float]:
    """Estimate how often outlines cross themselves, from a sample of their segments.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
    rows : numpy.ndarray of int
        Positions of the outlines to look at; those of up to 60 vertices are passed over.

    Returns
    -------
    dict of int to float
        Position → crossings, about.

    Examples
    --------
    >>> turns = np.arange(101) * 50 / 101 * 2 * np.pi
    >>> star = shapely.Polygon(np.column_stack([np.cos(turns), np.sin(turns)]))
    >>> found = sampled_crossings(np.array([star], dtype=object), np.array([0]))
    >>> 4_000 < found[0] < 6_000
    True
    >>> sampled_crossings(np.array([None], dtype=object), np.array([0]))
    {}
    """
    many = shapely.get_num_coordinates(geometries[rows]) > _LARGE
    found: dict[int, float] = {}
    for at in rows[many].tolist():
        segments: Geometries = np.asarray(
            shapely.linestrings(np.stack(_segments(geometries[at]), axis=1)), dtype=object
        )
        tree, half = shapely.STRtree(segments), len(segments) / 2.0
        few = segments[:: max(1, len(segments) // _FEW)]
        # Boxes that meet are soon counted, and bound the crossings where they are not many.
        met = max(len(tree.query(few)[0]) / len(few) - 3.0, 0.0) * half
        if _FEW_MET < met < _MOST_MET:
            some = segments[:: max(1, len(segments) // _SAMPLE)]
            met = len(tree.query(some, predicate="crosses")[0]) / len(some) * half
        found[at] = met
    return found


def _segments(shape: shapely.Geometry) -> tuple[Floats, Floats]:
    """Return starts and ends of the segments of all rings, each of shape (n, 2)."""
    points, ring = shapely.get_coordinates(
        shapely.get_rings(shapely.get_parts(shape)), return_index=True
    )
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    return points[joined], points[joined + 1]


def _crossed(start: Floats, end: Floats, starts: Floats, ends: Floats) -> int:
    """Count the segments that one segment crosses; to touch is not to cross."""

    def side(one: Floats, other: Floats, points: Floats) -> Floats:
        way, off = other - one, points - one
        return np.asarray(way[..., 0] * off[..., 1] - way[..., 1] * off[..., 0])

    apart = side(start, end, starts) * side(start, end, ends) < 0.0
    return int(np.sum(apart & (side(starts, ends, start) * side(starts, ends, end) < 0.0)))
