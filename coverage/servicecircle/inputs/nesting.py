"""Which unit lies in which."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.shapes import Geometries, equal_area_crs, project
from servicecircle.problems import Problem
from servicecircle.project import LEVELS

__all__ = ["link_parents"]

Indices = NDArray[np.int64]

MOST_GAP_M = 200.0
_DIGITS = {"province": 2, "prefecture": 4, "county": 6, "township": 9, "village_level": 12}


def link_parents(units: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Fill in the parent of every unit.

    The parent is the unit of the next higher level present: the one that the source states (by
    code or by name), else the one whose code is the beginning of the unit's own (12-digit village,
    9-digit township, 6-digit county, 4, 2), else the one that holds the unit's representative
    point, else the nearest within 200 m.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Units of all levels, as :func:`read_boundaries` returns them, RangeIndex.

    Returns
    -------
    units : geopandas.GeoDataFrame
        The same rows in the same order, parent_id filled ("" where there is none).
    problems : list of Problem
        Parents not found, stated parents that lie elsewhere.

    Examples
    --------
    >>> columns = ["unit_id", "code", "name", "level", "parent_id", "parent_hint"]
    >>> rows = [["county:1", "1", "a", "county", "", ""]]
    >>> rows += [["township:2", "2", "b", "township", "", ""]]
    >>> shapes = [shapely.box(0, 0, 1, 1), shapely.box(0, 0, 0.5, 0.5)]
    >>> units = gpd.GeoDataFrame(rows, columns=columns, geometry=shapes, crs=4326)
    >>> link_parents(units)[0]["parent_id"].tolist()
    ['', 'county:1']
    """
    problems: list[Problem] = []
    parent_id = np.full(len(units), "", dtype=object)
    levels = units["level"].to_numpy()
    present = [level for level in LEVELS if (levels == level).any()]
    ids = units["unit_id"].to_numpy()
    for above, level in pairwise(present):
        children, parents = np.flatnonzero(levels == level), np.flatnonzero(levels == above)
        found, more = _parents_of(units.iloc[children], units.iloc[parents], units)
        problems += more
        has = found >= 0
        parent_id[children[has]] = ids[parents[found[has]]]
    linked = units.assign(parent_id=parent_id)
    linked["parent_id"] = linked["parent_id"].astype("str")
    return linked, problems


def _parents_of(
    children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> tuple[Indices, list[Problem]]:
    level, above = str(children["level"].iloc[0]), str(parents["level"].iloc[0])
    places, near = _by_place(children.geometry.to_numpy(), parents.geometry.to_numpy())
    by_code = {_core(code, above): at for at, code in enumerate(parents["code"])}
    by_word: dict[str, list[int]] = defaultdict(list)
    for at, (code, name) in enumerate(zip(parents["code"], parents["name"], strict=True)):
        for word in {code, name, _core(code, above)} - {""}:
            by_word[word].append(at)
    others = set(units["name"]) | set(units["code"])
    unknown: Counter[str] = Counter()
    problems = []
    result = np.full(len(children), -1, dtype=np.int64)
    rows = zip(children["name"], children["code"], children["parent_hint"], strict=True)
    for at, (name, code, hint) in enumerate(rows):
        place = int(places[at])
        stated = by_word.get(hint, []) if hint else []
        source, chosen = "parent", -1
        if stated:
            chosen = place if place in stated else stated[0] if len(stated) == 1 else -1
        elif hint and hint not in others:
            unknown[hint] += 1
        if chosen < 0 and (core := _core(code, level)):
            source, chosen = "code", by_code.get(core[: _DIGITS[above]], -1)
        if chosen >= 0 and place >= 0 and place != chosen and not near[at]:
            problems.append(
                Problem(
                    code="unit.parent_elsewhere",
                    severity="warning",
                    column=level,
                    value=name or code,
                    details={
                        "source": source,
                        "declared": _called(parents, chosen),
                        "found": _called(parents, place),
                    },
                )
            )
        result[at] = chosen if chosen >= 0 else place
        if result[at] < 0:
            problems.append(
                Problem(code="unit.no_parent", severity="warning", column=level, value=name or code)
            )
    # Where a level in between is missing, the parent that is stated is rightly unknown.
    if LEVELS.index(level) - LEVELS.index(above) == 1:
        problems += [
            Problem(
                code="unit.parent_unknown",
                severity="warning",
                column=level,
                value=hint,
                details={"count": count},
            )
            for hint, count in sorted(unknown.items())
        ]
    return result, problems


def _called(units: gpd.GeoDataFrame, at: int) -> str:
    return str(units["name"].iloc[at] or units["code"].iloc[at])


def _core(code: str, level: str) -> str:
    """Return the digits of a code that belong to its level, "" where it is not such a code."""
    digits = _DIGITS[level]
    if code.isdigit() and len(code) >= digits and not code[digits:].strip("0"):
        return code[:digits]
    return ""


def _by_place(children: Geometries, parents: Geometries) -> tuple[Indices, NDArray[np.bool_]]:
    """Return the parent that holds each child's point (-1: none), and which lie in a gap."""
    points = shapely.point_on_surface(children)
    child, parent = shapely.STRtree(parents).query(points, predicate="intersects")
    found = np.full(len(children), len(parents), dtype=np.int64)
    np.minimum.at(found, child, parent)
    found[found == len(parents)] = -1
    lost = np.flatnonzero(found < 0)
    near = np.zeros(len(children), dtype=bool)
    if len(lost):
        crs = equal_area_crs(parents)
        tree = shapely.STRtree(project(parents, crs))
        child, parent = tree.query_nearest(
            project(points[lost], crs), max_distance=MOST_GAP_M, all_matches=True
        )
        gap = np.full(len(lost), len(parents), dtype=np.int64)
        np.minimum.at(gap, child, parent)
        near[lost] = gap < len(parents)
        found[lost] = np.where(gap < len(parents), gap, -1)
    return found, near
