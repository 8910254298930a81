"""Which datum puts the points into the units they are said to lie in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from servicecircle.crs import to_wgs84

__all__ = ["Detection", "detect_datum", "stem"]

# The order settles ties in the listing only; a tie never names a datum.
HYPOTHESES = ("wgs84", "gcj02", "bd09")
MOST_CHANCE = 0.01
LEAST_SHARE = 0.5
_SAME_DEGREES = 1e-7
_SUFFIX = re.compile(
    r"(街道办事处|街道|社区居民委员会|社区居委会|居民委员会|村民委员会|居委会|村委会|社区|社區"
    r"|镇|鎮|乡|鄉|区|區|县|縣|市|村|里)$"
)


@dataclass(frozen=True, slots=True)
class Detection:
    """Outcome of the test of each datum.

    Parameters
    ----------
    datum : {"wgs84", "gcj02", "bd09"} or None
        None where the evidence does not single one out. ``wgs84`` stands for CGCS2000 too.
    scores : dict
        Datum → how many of the tested points it puts into their stated unit.
    tested : int
        Points whose stated unit is known.
    chance : float
        Largest probability, over the alternatives, that a datum no better than the winner would
        do at least as well by chance; 1 where there is nothing to test.
    evidence : str
        The figures in one line.
    """

    datum: str | None
    scores: dict[str, int]
    tested: int
    chance: float
    evidence: str


def stem(name: str) -> str:
    """Return the name of a unit without the word for its kind.

    Examples
    --------
    >>> stem("古美路街道"), stem("石门镇"), stem("城区"), stem("")
    ('古美路', '石门', '城区', '')
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()
    short = _SUFFIX.sub("", plain)
    return short if len(short) > 1 else plain


def detect_datum(
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    polygons: gpd.GeoDataFrame,
    stated: Sequence[str] | NDArray[np.object_] | None = None,
) -> Detection:
    """Test WGS84, GCJ-02 and BD-09 against the units that points are said to lie in.

    For each datum the points are converted and those that lie in their stated unit are counted.
    A datum is named when, against each of the other two, the points on which they disagree speak
    for it with a probability below 1 % of doing so by chance (one-sided sign test), and at least
    half of the tested points lie in their unit. Data that convert to the same places under two
    hypotheses (GCJ-02 is not in use outside mainland China) count as the first of them.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        As given, in the unknown datum.
    polygons : geopandas.GeoDataFrame
        Units in WGS84 with the columns ``name`` and ``code``.
    stated : sequence of str, length n, optional
        Name or code of the unit of each point, "" where not given. Without it the points are
        only tested for lying in any of the polygons, which tells little away from the border.

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
    finite = np.isfinite(x) & np.isfinite(y)
    allowed = None if stated is None else _allowed(polygons, list(stated))
    if allowed is not None:
        known = np.zeros(len(x), dtype=bool)
        known[np.unique(allowed // max(len(polygons), 1))] = True
        finite &= known
    points = np.flatnonzero(finite)
    places = {datum: to_wgs84(x[points], y[points], datum=datum) for datum in HYPOTHESES}
    right = {
        datum: _right(points, *places[datum], polygons=polygons, allowed=allowed)
        for datum in HYPOTHESES
    }
    scores = {datum: int(right[datum].sum()) for datum in HYPOTHESES}
    winner = max(HYPOTHESES, key=lambda datum: (scores[datum], -HYPOTHESES.index(datum)))
    chances = {
        other: _chance(right[winner], right[other])
        for other in HYPOTHESES
        if other != winner and not _same(places[winner], places[other])
    }
    chance = max(chances.values(), default=1.0)
    enough = scores[winner] >= LEAST_SHARE * max(len(points), 1)
    shown = ", ".join(f"{datum} {scores[datum]}/{len(points)}" for datum in HYPOTHESES)
    evidence = f"{shown}; p = {chance:.2g}"
    named = bool(len(points)) and enough and chance < MOST_CHANCE
    return Detection(winner if named else None, scores, len(points), chance, evidence)


def _allowed(polygons: gpd.GeoDataFrame, stated: list[str]) -> NDArray[np.int64]:
    """Return point · polygons + polygon for each pair in which the unit is the stated one."""
    frame = pd.DataFrame({"stated": pd.Series(stated, dtype="str")})
    frame["point"] = np.arange(len(frame))
    frame = frame[frame["stated"] != ""]
    units = pd.DataFrame(
        {
            "polygon": np.arange(len(polygons)),
            "name": [str(name) for name in polygons["name"]],
            "code": [str(code) for code in polygons["code"]],
        }
    )
    distinct = frame["stated"].unique()
    keys = pd.DataFrame({"stated": distinct, "stem": [stem(name) for name in distinct]})
    units["stem"] = [stem(name) for name in units["name"]]
    by_name = keys.merge(units, left_on="stated", right_on="name")
    by_code = keys.merge(units, left_on="stated", right_on="code")
    exact = pd.concat([by_name, by_code])
    rest = keys[~keys["stated"].isin(exact["stated"])]
    fuzzy = rest[rest["stem"] != ""].merge(units, on="stem")
    pairs = pd.concat([exact, fuzzy])[["stated", "polygon"]].merge(frame, on="stated")
    keyed = pairs["point"].to_numpy(np.int64) * len(polygons) + pairs["polygon"].to_numpy(np.int64)
    return np.asarray(np.unique(keyed), dtype=np.int64)


def _right(
    points: NDArray[np.intp],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    *,
    polygons: gpd.GeoDataFrame,
    allowed: NDArray[np.int64] | None,
) -> NDArray[np.bool_]:
    found = np.zeros(len(points), dtype=bool)
    tree = shapely.STRtree(polygons.geometry.to_numpy())
    at, polygon = tree.query(shapely.points(lon, lat), predicate="intersects")
    if allowed is not None:
        stated = np.isin(points[at].astype(np.int64) * len(polygons) + polygon, allowed)
        at = at[stated]
    found[at] = True
    return found


def _same(
    one: tuple[NDArray[np.float64], NDArray[np.float64]],
    other: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> bool:
    return all(
        bool(np.allclose(first, second, rtol=0.0, atol=_SAME_DEGREES))
        for first, second in zip(one, other, strict=True)
    )


def _chance(winner: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the probability of so many disagreements for the winner, were both equally good."""
    ahead, behind = int((winner & ~other).sum()), int((other & ~winner).sum())
    return float(binom.cdf(behind, ahead + behind, 0.5)) if ahead + behind else 1.0
