"""What is known of an area, and how a layer of unknown datum is held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.datums import to_wgs84
from servicecircle.inputs.datum_evidence import (
    FARTHEST_M,
    HYPOTHESES,
    MOST_ITEMS,
    SHIFTS_M,
    Evidence,
    Places,
    compare_distances,
    compare_hits,
    convert,
    flat,
    no_evidence,
    thin,
)
from servicecircle.inputs.raw_roads import RawRoads

__all__ = [
    "Known",
    "Reference",
    "namesake_evidence",
    "outline_evidence",
    "outline_points",
    "road_evidence",
    "unit_evidence",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

_SAMPLE_M = 1000.0
_ROAD_CELL_M = 250.0
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reference:
    """A layer whose datum is known, in WGS84.

    Parameters
    ----------
    label : str
        As the project names it.
    geometry : numpy.ndarray of shapely geometries, shape (n,)
        Polygons or points.
    names : numpy.ndarray of str, shape (n,)
        As :func:`servicecircle.inputs.unit_names.plain_name` writes them, "" where a row has none.
    stated : tuple of numpy.ndarray of str, shape (n,)
        For points: the units they are said to lie in.
    """

    label: str
    geometry: Geometries
    names: NDArray[np.object_]
    stated: tuple[NDArray[np.object_], ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Known:
    """What is known of the area when a layer is read, in WGS84.

    Parameters
    ----------
    units : geopandas.GeoDataFrame, optional
        With ``name`` and ``code``.
    roads : RawRoads, optional
    reference : Reference, optional
        What the project names for the layer.
    """

    units: gpd.GeoDataFrame | None = None
    roads: RawRoads | None = None
    reference: Reference | None = None

    def bounds(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east and north of all that is known; None if nothing is.

        Examples
        --------
        >>> Known().bounds() is None
        True
        """
        boxes = []
        if self.units is not None and len(self.units):
            boxes.append(tuple(self.units.total_bounds))
        if self.roads is not None and self.roads.lon.size:
            lon, lat = self.roads.lon, self.roads.lat
            boxes.append((lon.min(), lat.min(), lon.max(), lat.max()))
        if self.reference is not None and len(self.reference.geometry):
            boxes.append(tuple(shapely.total_bounds(self.reference.geometry)))
        if not boxes:
            return None
        all_boxes = np.array(boxes, dtype=np.float64)
        low, high = all_boxes[:, :2].min(axis=0), all_boxes[:, 2:].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def unit_evidence(
    places: Mapping[str, Places],
    *,
    polygons: Geometries,
    pairs: Ints | None,
    against: str,
) -> Evidence:
    """Compare hypotheses by the points that lie in the unit they are said to lie in.

    Parameters
    ----------
    places : mapping of str to places, shape (n,)
        Datum → where the points are, in the coordinates of the polygons.
    polygons : numpy.ndarray of shapely geometries, shape (k,)
    pairs : numpy.ndarray of int64, shape (p, 2), optional
        Point and polygon of each unit that a point may lie in, as
        :func:`servicecircle.inputs.unit_names.stated_pairs` gives them; points without a pair are
        not tested. None asks of all points whether they lie in any polygon.
    against : str

    Examples
    --------
    >>> square = np.array([shapely.box(120.0, 30.0, 120.01, 30.01)])
    >>> places = convert(np.full(8, 120.001), np.full(8, 30.009))
    >>> pairs = np.column_stack([np.arange(8), np.zeros(8, np.int64)])
    >>> unit_evidence(places, polygons=square, pairs=pairs, against="towns").scores
    {'wgs84': 8.0, 'gcj02': 0.0, 'bd09': 0.0}
    >>> unit_evidence(places, polygons=square, pairs=pairs[:0], against="towns").items
    0
    """
    if pairs is None:
        hits = {datum: _in_any(places[datum], polygons) for datum in HYPOTHESES}
        return compare_hits(hits, against=against, places=places)
    tested = np.unique(pairs[:, 0])
    tested = tested[thin(len(tested))]
    kept = pairs[np.isin(pairs[:, 0], tested)]
    kept = np.column_stack([np.searchsorted(tested, kept[:, 0]), kept[:, 1]])
    chosen = {datum: (lon[tested], lat[tested]) for datum, (lon, lat) in places.items()}
    hits = {
        datum: _in_stated(*chosen[datum], shifts=np.zeros((1, 2)), polygons=polygons, pairs=kept)[0]
        for datum in HYPOTHESES
    }

    def shifted(datum: str, items: NDArray[np.intp]) -> Bools:
        some = kept[np.isin(kept[:, 0], items)]
        found = _in_stated(*chosen[datum], shifts=SHIFTS_M, polygons=polygons, pairs=some)
        return np.asarray(found[:, items])

    return compare_hits(hits, against=against, places=chosen, shifted=shifted)


def _in_any(place: Places, polygons: Geometries) -> Bools:
    found = np.zeros(len(place[0]), dtype=bool)
    found[shapely.STRtree(polygons).query(shapely.points(*place), predicate="intersects")[0]] = True
    return found


def _in_stated(
    lon: Floats, lat: Floats, *, shifts: Floats, polygons: Geometries, pairs: Ints
) -> Bools:
    """Return for each shift whether each point lies in a unit of its own."""
    found = np.zeros((len(shifts), len(lon)), dtype=bool)
    north = shifts[:, 1] / _METRES_PER_DEGREE
    for polygon in np.unique(pairs[:, 1]):
        points = pairs[pairs[:, 1] == polygon, 0]
        shape = polygons[polygon]
        shapely.prepare(shape)
        east = shifts[:, :1] / (_METRES_PER_DEGREE * np.cos(np.radians(lat[points])))
        found[:, points] |= shapely.intersects_xy(
            shape, lon[points] + east, lat[points] + north[:, None]
        )
    return found


def road_evidence(places: Mapping[str, Places], *, roads: RawRoads) -> Evidence:
    """Compare hypotheses by how near they put the points to the roads.

    One point is taken of each cell of 250 m, so that a cluster does not count as many witnesses.

    Parameters
    ----------
    places : mapping of str to places, shape (n,)
        Datum → where the points are.
    roads : RawRoads
    """
    lon, lat = places["wgs84"]
    if not len(lon):
        return no_evidence("roads", roads.source)
    at = float(np.median(lat))
    cells = np.floor(flat(lon, lat, at=at) / _ROAD_CELL_M)
    first = np.sort(np.unique(cells, axis=0, return_index=True)[1])
    first = first[thin(len(first))]
    chosen = {datum: (x[first], y[first]) for datum, (x, y) in places.items()}
    tree = _road_tree(roads, near=chosen["wgs84"], at=at)
    points = {datum: flat(*chosen[datum], at=at) for datum in HYPOTHESES}

    def distance(datum: str, items: NDArray[np.intp], shift: Floats) -> Floats:
        return _nearest_m(tree, points[datum][items] + shift)

    return compare_distances(
        distance, items=len(first), kind="roads", against=roads.source, places=chosen
    )


def _road_tree(roads: RawRoads, *, near: Places, at: float) -> shapely.STRtree:
    """Return the segments near some points, on the plane of the test."""
    margin = 2.0 * FARTHEST_M / _METRES_PER_DEGREE
    wide = margin / max(float(np.cos(np.radians(at))), 0.1)
    lon, lat = near
    inside = (roads.lon >= lon.min() - wide) & (roads.lon <= lon.max() + wide)
    inside &= (roads.lat >= lat.min() - margin) & (roads.lat <= lat.max() + margin)
    kept = inside[roads.u] | inside[roads.v]
    nodes = flat(roads.lon, roads.lat, at=at)
    return _segment_tree(nodes[roads.u[kept]], nodes[roads.v[kept]])


def _segment_tree(start: Floats, end: Floats) -> shapely.STRtree:
    segments = shapely.linestrings(np.stack([start, end], axis=1))
    return shapely.STRtree(np.asarray(segments, dtype=object))


def _nearest_m(tree: shapely.STRtree, points: Floats) -> Floats:
    found = np.full(len(points), FARTHEST_M)
    if len(tree.geometries):
        (at, _), metres = tree.query_nearest(
            shapely.points(points),
            max_distance=FARTHEST_M,
            return_distance=True,
            all_matches=False,
        )
        found[at] = metres
    return found


def namesake_evidence(
    places: Mapping[str, Places], *, names: Sequence[str], reference: Reference
) -> Evidence:
    """Compare hypotheses by the distance of each point to its namesake in a layer of points.

    Parameters
    ----------
    places : mapping of str to places, shape (n,)
        Datum → where the points are.
    names : sequence of str, length n
    reference : Reference
        Points; of several of one name the nearest counts.

    Examples
    --------
    >>> truth = shapely.points(np.linspace(120.0, 120.1, 8), 30.0)
    >>> reference = Reference(
    ...     label="old list", geometry=truth, names=np.array(list("abcdefgh"), dtype=object)
    ... )
    >>> places = convert(np.linspace(120.0, 120.1, 8), np.full(8, 30.0))
    >>> namesake_evidence(places, names=list("abcdefgh"), reference=reference).winner
    'wgs84'
    """
    usable = (shapely.get_type_id(reference.geometry) == 0) & (reference.names != "")
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(usable).tolist():
        rows.setdefault(str(reference.names[row]), []).append(row)
    own = [at for at, name in enumerate(names) if name in rows][:MOST_ITEMS]
    if not own:
        return no_evidence("namesakes", reference.label)
    chosen = {datum: (lon[own], lat[own]) for datum, (lon, lat) in places.items()}
    at = float(np.median(chosen["wgs84"][1]))
    matched = [row for item in own for row in rows[names[item]]]
    other = shapely.get_coordinates(reference.geometry[matched])
    there = flat(other[:, 0], other[:, 1], at=at)
    count = [len(rows[names[item]]) for item in own]
    owner = np.repeat(np.arange(len(own)), count)
    points = {datum: flat(*chosen[datum], at=at) for datum in HYPOTHESES}

    def distance(datum: str, items: NDArray[np.intp], shift: Floats) -> Floats:
        metres = np.full(len(own), FARTHEST_M)
        apart = np.linalg.norm(points[datum][owner] + shift - there, axis=1)
        np.minimum.at(metres, owner, apart)
        return np.asarray(metres[items])

    return compare_distances(
        distance, items=len(own), kind="namesakes", against=reference.label, places=chosen
    )


def outline_points(geometries: Geometries) -> Places:
    """Return a point of every kilometre of the outlines of polygons in degrees.

    A border that two polygons share gives its points once.

    Examples
    --------
    >>> lon, lat = outline_points(np.array([shapely.box(120.0, 30.0, 120.05, 30.05)]))
    >>> 18 <= len(lon) <= 22
    True
    >>> outline_points(np.array([None], dtype=object))[0].size
    0
    """
    lines = shapely.get_parts(shapely.boundary(geometries[~shapely.is_missing(geometries)]))
    lines = lines[~shapely.is_empty(lines)]
    if not len(lines):
        return np.empty(0), np.empty(0)
    at = float(np.median(shapely.get_coordinates(lines)[:, 1]))
    scale = np.array([np.cos(np.radians(at)), 1.0]) * _METRES_PER_DEGREE
    plane = shapely.transform(lines, lambda points: points * scale)
    metres = shapely.length(plane)
    count = np.maximum(np.rint(metres / _SAMPLE_M), 1.0).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), count)
    step = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    along = (step + 0.5) * (metres / count)[line]
    points = shapely.get_coordinates(shapely.line_interpolate_point(plane[line], along))
    first = np.sort(np.unique(np.floor(points / _SAMPLE_M), axis=0, return_index=True)[1])
    kept = points[first] / scale
    return kept[:, 0], kept[:, 1]


def outline_evidence(geometries: Geometries, *, reference: Geometries, against: str) -> Evidence:
    """Compare hypotheses by how near they put outlines to those of a layer of known datum.

    One point of every kilometre is taken of the shorter of the two sets of outlines, within the
    rectangle of the other: counties against townships share the border of the county only.

    Parameters
    ----------
    geometries : numpy.ndarray of polygons, shape (n,)
        Degrees, in the unknown datum.
    reference : numpy.ndarray of polygons, shape (k,)
        In WGS84.
    against : str
    """
    own, other = _within(geometries, reference), _within(reference, geometries)
    ours, theirs = outline_points(own), outline_points(other)
    if not len(ours[0]) or not len(theirs[0]):
        return no_evidence("outlines", against)
    at = float(np.median(theirs[1]))
    from_us = len(ours[0]) <= len(theirs[0])
    samples = ours if from_us else theirs
    kept = thin(len(samples[0]))
    samples = samples[0][kept], samples[1][kept]
    places = convert(*samples)
    if from_us:
        points = {datum: flat(*places[datum], at=at) for datum in HYPOTHESES}
        tree = _outline_tree(reference, at=at)
        trees = dict.fromkeys(HYPOTHESES, tree)
    else:
        points = dict.fromkeys(HYPOTHESES, flat(*samples, at=at))
        trees = {datum: _outline_tree(geometries, at=at, datum=datum) for datum in HYPOTHESES}
    side = 1.0 if from_us else -1.0

    def distance(datum: str, items: NDArray[np.intp], shift: Floats) -> Floats:
        return _nearest_m(trees[datum], points[datum][items] + side * shift)

    return compare_distances(
        distance, items=len(kept), kind="outlines", against=against, places=places
    )


def _within(geometries: Geometries, frame: Geometries) -> Geometries:
    """Return the polygons that meet the rectangle of others, widened."""
    present = geometries[~shapely.is_missing(geometries)]
    margin = 2.0 * FARTHEST_M / _METRES_PER_DEGREE
    west, south, east, north = (float(value) for value in shapely.total_bounds(frame))
    around = shapely.box(west - margin, south - margin, east + margin, north + margin)
    return np.asarray(present[shapely.intersects(shapely.box(*shapely.bounds(present).T), around)])


def _outline_tree(geometries: Geometries, *, at: float, datum: str = "wgs84") -> shapely.STRtree:
    lines = shapely.get_parts(shapely.boundary(geometries[~shapely.is_missing(geometries)]))
    points, line = shapely.get_coordinates(lines, return_index=True)
    lon, lat = to_wgs84(points[:, 0], points[:, 1], datum=datum)
    plane = flat(lon, lat, at=at)
    joined = line[1:] == line[:-1]
    return _segment_tree(plane[:-1][joined], plane[1:][joined])
