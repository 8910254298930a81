"""Which datum a layer is in, by all the evidence there is; none where the evidence is not clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02
from servicecircle.inputs.datum_evidence import (
    HYPOTHESES,
    MOST_CHANCE,
    Evidence,
    Places,
    convert,
)
from servicecircle.inputs.datum_layers import (
    Known,
    Reference,
    namesake_evidence,
    outline_evidence,
    outline_points,
    road_evidence,
    unit_evidence,
)
from servicecircle.inputs.unit_names import plain_name, stated_pairs, stem
from servicecircle.messages import label

__all__ = ["Detection", "detect_datum", "detect_outlines", "judge", "stem"]

Geometries = NDArray[np.object_]
_POLYGONS = (3, 6)
Stated = Sequence[str] | NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Detection:
    """Outcome of the test of each datum.

    Parameters
    ----------
    datum : {"wgs84", "gcj02", "bd09"} or None
        None where the evidence does not single one out. ``wgs84`` stands for CGCS2000 too.
    scores : dict
        Of the evidence that speaks most clearly: datum → points in their stated unit, or median
        distance in metres.
    tested : int
        Points or places that this evidence compares.
    chance : float
        Its probability of coming about by chance, times the number of kinds of evidence there are
        (Bonferroni); 1 where there is nothing to test. ``1 - chance`` is the confidence.
    all_evidence : tuple of Evidence
    """

    datum: str | None
    scores: dict[str, float]
    tested: int
    chance: float
    all_evidence: tuple[Evidence, ...]

    @property
    def confidence(self) -> float:
        """``1 - chance``."""
        return 1.0 - self.chance

    @property
    def evidence(self) -> str:
        """The figures of all evidence, in words of both languages.

        Examples
        --------
        >>> judge([]).evidence
        '没有可供检验的依据/no evidence'
        """
        told = [
            f"{_both(f'datum_{item.kind}')} ({item.against}): {item.figures()}"
            for item in self.all_evidence
        ]
        return "; ".join(told) or _both("datum_nothing")


def _both(key: str) -> str:
    return f"{label(key, 'zh')}/{label(key, 'en')}"


def judge(evidence: Sequence[Evidence]) -> Detection:
    """Name the datum that the evidence singles out.

    A piece of evidence speaks when its winner fits and its chance, times the number of pieces, is
    below 1 %. A datum is named when one speaks and none speaks for another.

    Examples
    --------
    >>> from dataclasses import replace
    >>> clear = Evidence(
    ...     kind="units", against="towns", items=9, scores={"wgs84": 9, "gcj02": 0, "bd09": 0},
    ...     winner="wgs84", chance=0.002, fits=True,
    ... )
    >>> judge([clear]).datum, judge([clear, replace(clear, winner="bd09")]).datum
    ('wgs84', None)
    >>> judge([replace(clear, fits=False)]).datum is judge([]).datum is None
    True
    """
    pieces = [item for item in evidence if item.items]
    if not pieces:
        shown = tuple(evidence)
        return Detection(None, dict.fromkeys(HYPOTHESES, 0.0), 0, 1.0, shown)
    speaking = [item for item in pieces if item.fits and item.chance * len(pieces) < MOST_CHANCE]
    named = {item.winner for item in speaking}
    clearest = min(speaking or pieces, key=lambda item: item.chance)
    return Detection(
        named.pop() if len(named) == 1 else None,
        dict(clearest.scores),
        clearest.items,
        min(clearest.chance * len(pieces), 1.0),
        tuple(evidence),
    )


def detect_datum(
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    polygons: gpd.GeoDataFrame | None = None,
    stated: Stated | None = None,
    stated_too: Sequence[Stated] = (),
    names: Sequence[str] = (),
    known: Known | None = None,
) -> Detection:
    """Test WGS84, GCJ-02 and BD-09 on points.

    Evidence are the units that they are said to lie in, the roads, which facilities stand beside,
    and points of the same name in a layer of known datum; :func:`judge` weighs it. Data that
    convert to the same places under two hypotheses (GCJ-02 is not in use outside mainland China)
    count as the first of them.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        As given, in the unknown datum.
    polygons : geopandas.GeoDataFrame, optional
        Units in WGS84 with the columns ``name`` and ``code``.
    stated : sequence of str, length n, optional
        Name or code of the unit of each point, "" where not given. Without it the points are
        only tested for lying in any of the polygons, which tells little away from the border.
    stated_too : sequence of sequences of str, length n
        Other columns of that kind.
    names : sequence of str, length n
        Names of the points, for those of the same name in ``known.reference``.
    known : Known, optional
        Roads and a layer of known datum.

    Returns
    -------
    Detection

    Examples
    --------
    >>> square = shapely.box(120.0, 30.0, 120.002, 30.002)
    >>> units = gpd.GeoDataFrame({"name": ["示例镇"], "code": [""]}, geometry=[square], crs=4326)
    >>> lon = np.linspace(120.0, 120.002, 30)
    >>> detect_datum(lon, np.full(30, 30.001), polygons=units, stated=["示例"] * 30).datum
    'wgs84'
    >>> detect_datum([], [], polygons=units, stated=[]).datum is None
    True
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    places = convert(x[rows], y[rows])
    evidence = []
    if polygons is not None and len(polygons):
        shapes = np.asarray(polygons.geometry.to_numpy(), dtype=object)
        against = ", ".join(dict.fromkeys(polygons["level"])) if "level" in polygons else ""
        columns = [*([] if stated is None else [stated]), *stated_too]
        units = [str(name) for name in polygons["name"]]
        codes = [str(code) for code in polygons["code"]]
        for column in columns:
            told = np.asarray(column, dtype=object)[rows]
            pairs = stated_pairs(told, names=units, codes=codes)
            evidence.append(unit_evidence(places, polygons=shapes, pairs=pairs, against=against))
        if not columns:
            evidence.append(unit_evidence(places, polygons=shapes, pairs=None, against=against))
    if known is not None and known.roads is not None and len(rows):
        evidence.append(road_evidence(places, roads=known.roads))
    if known is not None and known.reference is not None and len(names) and len(rows):
        own = [plain_name(str(names[row])) for row in rows.tolist()]
        evidence.append(namesake_evidence(places, names=own, reference=known.reference))
    return judge(evidence)


def detect_outlines(geometries: Geometries, *, attributes: pd.DataFrame, known: Known) -> Detection:
    """Test WGS84, GCJ-02 and BD-09 on polygons.

    Evidence are the outlines of the units of the project and of a layer of known datum, points of
    known datum with the unit that they are said to lie in, and the roads that outlines follow.

    Parameters
    ----------
    geometries : numpy.ndarray of polygons or None, shape (n,)
        Degrees, in the unknown datum.
    attributes : pandas.DataFrame, length n
        Columns of the layer, names of the polygons among them.
    known : Known

    Returns
    -------
    Detection

    Examples
    --------
    >>> square = np.array([shapely.box(120.0, 30.0, 120.1, 30.1)])
    >>> units = gpd.GeoDataFrame({"name": ["甲"], "code": [""]}, geometry=square, crs=4326)
    >>> nameless = pd.DataFrame(index=[0])
    >>> detect_outlines(square, attributes=nameless, known=Known(units=units)).datum
    'wgs84'
    >>> detect_outlines(square, attributes=nameless, known=Known()).datum is None
    True
    """
    kinds = shapely.get_type_id(geometries)
    shapes = np.array(geometries, dtype=object)
    shapes[~np.isin(kinds, _POLYGONS)] = None
    evidence = []
    if known.units is not None and len(known.units):
        levels = ", ".join(dict.fromkeys(known.units["level"])) if "level" in known.units else ""
        others = np.asarray(known.units.geometry.to_numpy(), dtype=object)
        evidence.append(outline_evidence(shapes, reference=others, against=levels))
    if (reference := known.reference) is not None:
        of_reference = shapely.get_type_id(reference.geometry)
        outlines = reference.geometry[np.isin(of_reference, _POLYGONS)]
        if len(outlines):
            against = reference.label
            evidence.append(outline_evidence(shapes, reference=outlines, against=against))
        for column in reference.stated:
            evidence += _points_in(shapes, attributes, reference, column, of_reference == 0)
    if known.roads is not None:
        evidence.append(road_evidence(convert(*outline_points(shapes)), roads=known.roads))
    return judge(evidence)


def _points_in(
    shapes: Geometries,
    attributes: pd.DataFrame,
    reference: Reference,
    stated: NDArray[np.object_],
    points: NDArray[np.bool_],
) -> list[Evidence]:
    """Test whether points of known datum lie in the polygons that they are said to lie in."""
    usable = np.flatnonzero(points & ~shapely.is_missing(reference.geometry) & (stated != ""))
    present = np.flatnonzero(~shapely.is_missing(shapes))
    best = np.empty((0, 2), dtype=np.int64)
    for title in attributes.columns:
        cells = attributes[title].iloc[present]
        names = [
            "" if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)
        ]
        pairs = stated_pairs(stated[usable], names=names, codes=names)
        best = pairs if len(pairs) > len(best) else best
    if not len(best):
        return []
    lon, lat = shapely.get_coordinates(reference.geometry[usable]).T
    # The polygons stay in their own coordinates: the points are brought into each datum instead.
    places: dict[str, Places] = {
        "wgs84": (lon, lat),
        "gcj02": wgs84_to_gcj02(lon, lat),
        "bd09": wgs84_to_bd09(lon, lat),
    }
    return [unit_evidence(places, polygons=shapes[present], pairs=best, against=reference.label)]
