"""How well units fit together: overlaps, gaps, and units that stick out of their parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.shapes import (
    Geometries,
    areas_m2,
    equal_area_crs,
    polygons_only,
    project,
)
from servicecircle.problems import Problem
from servicecircle.project import DRAWN_LEVELS, LEVELS

__all__ = ["measure_gaps", "measure_nesting", "measure_overlaps", "measure_topology"]

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Found = tuple[dict[str, float], list[Problem]]

# Below a square metre it is rounding; above a hectare it is listed by itself.
DUST_M2 = 1.0
LISTED_M2 = 10_000.0
_LISTED_SHARE = 0.01
_MOST_LISTED = 100


def measure_topology(units: gpd.GeoDataFrame) -> tuple[dict[str, dict[str, float]], list[Problem]]:
    """Measure overlaps and gaps of every level, and how units lie in their parents.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Units of all levels with their parents, as :func:`link_parents` returns them.

    Returns
    -------
    sums : dict
        By level: units, area_m2, overlaps, overlap_m2, gaps, gap_m2, and where the level has one
        above it outside_parent, outside_parent_m2, uncovered_m2. Of units to be drawn only the
        overlaps.
    problems : list of Problem

    Examples
    --------
    >>> shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    >>> units = gpd.GeoDataFrame(
    ...     {"unit_id": ["1", "2"], "code": "", "name": ["甲", "乙"], "level": "county",
    ...      "parent_id": ""}, geometry=shapes, crs=4326,
    ... )
    >>> sums, problems = measure_topology(units)
    >>> sums["county"]["overlaps"], sums["county"]["gap_m2"], problems
    (0, 0.0, [])
    >>> measure_topology(units[:0])
    ({}, [])
    """
    sums: dict[str, dict[str, float]] = {}
    problems: list[Problem] = []
    levels = units["level"].to_numpy()
    present = [level for level in LEVELS if (levels == level).any()]
    drawn = [level for level in DRAWN_LEVELS if (levels == level).any()]
    for level in (*present, *drawn):
        here = units[levels == level]
        pairs, area, found = measure_overlaps(here)
        problems += found
        # Units that are drawn may leave gaps, and lie in no other.
        gaps, more = ({}, []) if level in DRAWN_LEVELS else measure_gaps(here)
        problems += more
        sums[level] = {
            "units": len(here),
            "area_m2": round(float(areas_m2(here.geometry.to_numpy()).sum()), 1),
            "overlaps": len(pairs),
            "overlap_m2": round(float(area.sum()), 1),
            **gaps,
        }
    for above, level in pairwise(present):
        nesting, found = measure_nesting(units[levels == level], units[levels == above])
        sums[level] |= nesting
        problems += found
    return sums, problems


def measure_overlaps(units: gpd.GeoDataFrame) -> tuple[Indices, Floats, list[Problem]]:
    """Measure where units of one level overlap.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Units of one level.

    Returns
    -------
    pairs : numpy.ndarray of int, shape (k, 2)
        Positions of the units, lower one first, in order.
    area_m2 : numpy.ndarray of float, shape (k,)
    problems : list of Problem
        One for each pair above a hectare, one for the total.

    Examples
    --------
    >>> shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    >>> units = gpd.GeoDataFrame({"level": "county"}, index=[0, 1], geometry=shapes, crs=4326)
    >>> measure_overlaps(units)[0].shape
    (0, 2)
    """
    shapes: Geometries = units.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one_way = first < second
    pairs = np.column_stack([first[one_way], second[one_way]]).astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    shapely.prepare(shapes)
    pairs = pairs[~shapely.touches(shapes[pairs[:, 0]], shapes[pairs[:, 1]])]
    area = areas_m2(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    real = area > DUST_M2
    pairs, area = pairs[real], area[real]
    return pairs, area, _overlap_problems(units, pairs, area)


def _overlap_problems(units: gpd.GeoDataFrame, pairs: Indices, area: Floats) -> list[Problem]:
    if not len(pairs):
        return []
    level = str(units["level"].iloc[0])
    problems = [
        _overlap(units, pair, level, hectares={"hectares": f"{size / 1e4:.1f}"})
        for pair, size in zip(pairs.tolist(), area, strict=True)
        if size > LISTED_M2
    ]
    problems.append(
        Problem(
            code="unit.overlap_total",
            severity="note",
            action="counted",
            column=level,
            value=str(len(pairs)),
            details={
                "level": level,
                "count": len(pairs),
                "hectares": f"{float(area.sum()) / 1e4:.2f}",
            },
        )
    )
    return problems


def _called(units: gpd.GeoDataFrame, at: int) -> str:
    return str(units["name"].iloc[at] or units["code"].iloc[at])


def _overlap(
    units: gpd.GeoDataFrame, pair: Sequence[int], level: str, *, hectares: Mapping[str, object]
) -> Problem:
    return Problem(
        code="unit.overlap",
        severity="warning",
        column=level,
        value=_called(units, pair[0]),
        details={"other": _called(units, pair[1]), **hectares},
    )


def measure_gaps(units: gpd.GeoDataFrame) -> Found:
    """Measure the holes that units of one level leave between them.

    A hole that one unit encloses alone is a gap too: an exclave of another unit would fill it.
    Open bays along the border of all units are none; they show against the level above.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Units of one level.

    Returns
    -------
    sums : dict
        gaps and gap_m2, of holes above a square metre.
    problems : list of Problem
        One for each gap above a hectare, with its neighbours, one for the total.

    Examples
    --------
    >>> ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    >>> units = gpd.GeoDataFrame(
    ...     {"level": ["county"], "name": "甲", "code": ""}, geometry=[ring], crs=4326
    ... )
    >>> sums, problems = measure_gaps(units)
    >>> sums["gaps"], round(sums["gap_m2"] / 1e6), [problem.code for problem in problems]
    (1, 12305, ['unit.gap', 'unit.gap_total'])
    """
    shapes: Geometries = units.geometry.to_numpy()
    whole = shapely.get_parts(shapely.union_all(shapes))
    rings, polygon = shapely.get_rings(whole, return_index=True)
    inner = rings[1:][polygon[1:] == polygon[:-1]]  # the first ring of a polygon is its shell
    holes: Geometries = np.asarray(shapely.polygons(inner), dtype=object).reshape(-1)
    area = areas_m2(holes) if len(holes) else np.zeros(0)
    real = area > DUST_M2
    holes, area = holes[real], area[real]
    sums = {"gaps": len(holes), "gap_m2": round(float(area.sum()), 1)}
    if not len(holes):
        return sums, []
    level = str(units["level"].iloc[0])
    order = np.lexsort((shapely.get_x(shapely.centroid(holes)), -area))
    tree = shapely.STRtree(shapes)
    problems = []
    for at in order[: int((area > LISTED_M2).sum())][:_MOST_LISTED].tolist():
        around = np.sort(tree.query(holes[at], predicate="intersects"))[:3]
        place = shapely.get_coordinates(shapely.point_on_surface(holes[at]))[0]
        problems.append(
            Problem(
                code="unit.gap",
                severity="warning",
                column=level,
                value=", ".join(_called(units, int(one)) for one in around),
                details={
                    "hectares": f"{area[at] / 1e4:.1f}",
                    "lon": f"{place[0]:.5f}",
                    "lat": f"{place[1]:.5f}",
                },
            )
        )
    problems.append(
        Problem(
            code="unit.gap_total",
            severity="note",
            action="counted",
            column=level,
            value=str(len(holes)),
            details={"level": level, "hectares": f"{float(area.sum()) / 1e4:.2f}"},
        )
    )
    return sums, problems


def measure_nesting(children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame) -> Found:
    """Measure how much of each unit lies outside its parent, and what parents leave uncovered.

    Parameters
    ----------
    children, parents : geopandas.GeoDataFrame
        Units of two levels; children with parent_id, parents with unit_id.

    Returns
    -------
    sums : dict
        outside_parent (units with more than a hectare and a hundredth of their area outside),
        outside_parent_m2 (of all units), uncovered_m2 (of the parents).
    problems : list of Problem
        One for each such unit, one for the parts of parents that no child covers.

    Examples
    --------
    >>> parents = gpd.GeoDataFrame(
    ...     {"unit_id": ["p"], "level": "county", "name": "甲", "code": ""},
    ...     geometry=[shapely.box(0, 0, 1, 1)], crs=4326,
    ... )
    >>> children = gpd.GeoDataFrame(
    ...     {"unit_id": ["c"], "parent_id": "p", "level": "township", "name": "乙", "code": ""},
    ...     geometry=[shapely.box(0.5, 0, 1.5, 1)], crs=4326,
    ... )
    >>> sums, problems = measure_nesting(children, parents)
    >>> sums["outside_parent"], [problem.details["share"] for problem in problems[:1]]
    (1, ['50.0%'])
    """
    crs = equal_area_crs(parents.geometry.to_numpy())
    above = polygons_only(project(parents.geometry.to_numpy(), crs))
    below = polygons_only(project(children.geometry.to_numpy(), crs))
    position = {unit: at for at, unit in enumerate(parents["unit_id"])}
    own = np.array([position.get(unit, -1) for unit in children["parent_id"]], dtype=np.int64)
    has = np.flatnonzero(own >= 0)
    outside = np.zeros(len(children))
    area = shapely.area(below)
    outside[has] = area[has] - shapely.area(shapely.intersection(below[has], above[own[has]]))
    outside = np.where(outside > DUST_M2, outside, 0.0)
    level = str(children["level"].iloc[0])
    far = np.flatnonzero((outside > LISTED_M2) & (outside > _LISTED_SHARE * area))
    problems = [
        Problem(
            code="unit.outside_parent",
            severity="warning",
            column=level,
            value=_called(children, at),
            details={
                "parent": _called(parents, int(own[at])),
                "share": f"{outside[at] / area[at]:.1%}",
                "hectares": f"{outside[at] / 1e4:.1f}",
            },
        )
        for at in far.tolist()
    ]
    left = shapely.difference(shapely.union_all(above), shapely.union_all(below))
    uncovered = float(shapely.area(left))
    uncovered = uncovered if uncovered > DUST_M2 else 0.0
    if uncovered > LISTED_M2:
        problems.append(
            Problem(
                code="unit.uncovered",
                severity="note",
                action="counted",
                column=level,
                value=level,
                details={
                    "hectares": f"{uncovered / 1e4:.1f}",
                    "share": f"{uncovered / float(shapely.area(above).sum()):.2%}",
                },
            )
        )
    return {
        "outside_parent": len(far),
        "outside_parent_m2": round(float(outside.sum()), 1),
        "uncovered_m2": round(uncovered, 1),
    }, problems
