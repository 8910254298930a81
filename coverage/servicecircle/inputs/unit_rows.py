"""Rows of a boundary file into units: outlines mended, codes made one, ids given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.shapes import Geometries, areas_m2, polygons_only
from servicecircle.inputs.unit_columns import NUMBERS
from servicecircle.problems import Problem

__all__ = ["identify", "mend", "unite_codes"]

# About a square metre: what is left of a line drawn as a polygon is rounding, no unit.
_LEAST_DEGREES2 = 1e-10


def mend(
    geometries: Geometries, called: Sequence[str] | NDArray[np.object_], name: str
) -> tuple[Geometries, NDArray[np.bool_], list[Problem]]:
    """Mend outlines, keeping polygons only.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
    called : sequence of str, length n
        Names, for messages.
    name : str
        The file as the project names it.

    Returns
    -------
    mended : numpy.ndarray, shape (n,)
        Valid polygons, None where nothing with an area is left.
    keep : numpy.ndarray of bool, shape (n,)
    problems : list of Problem
        With the areas before and after.

    Examples
    --------
    >>> shapes = np.array([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), None], dtype=object)
    >>> mended, keep, problems = mend(shapes, ["甲", "乙"], "a.shp")
    >>> keep.tolist(), [problem.code for problem in problems]
    ([True, False], ['unit.no_geometry', 'unit.invalid_ring'])
    """
    mended = polygons_only(geometries)
    missing = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    after = areas_m2(mended)
    keep = ~missing & (np.nan_to_num(shapely.area(mended)) > _LEAST_DEGREES2)
    touched = np.flatnonzero(keep & ~shapely.equals_exact(geometries, mended, tolerance=0.0))
    problems = [
        Problem(
            code="unit.no_geometry",
            severity="error",
            action="set_aside",
            file=name,
            row=int(at) + 1,
            value=str(called[at]),
        )
        for at in np.flatnonzero(missing).tolist()
    ]
    problems += [
        Problem(
            code="unit.not_polygon",
            severity="error",
            action="set_aside",
            file=name,
            row=int(at) + 1,
            value=str(called[at]),
            details={"kind": str(geometries[at].geom_type)},
        )
        for at in np.flatnonzero(~missing & ~keep).tolist()
    ]
    if len(touched):
        before = areas_m2(geometries[touched])
        reasons = shapely.is_valid_reason(geometries[touched])
        problems += [
            Problem(
                code="unit.invalid_ring",
                severity="warning",
                action="mended",
                file=name,
                row=int(at) + 1,
                value=str(called[at]),
                details={
                    "reason": str(reason),
                    "before": f"{old / 1e6:.4f}",
                    "after": f"{after[at] / 1e6:.4f}",
                },
            )
            for at, old, reason in zip(touched.tolist(), before, reasons, strict=True)
        ]
    return mended, keep, problems


def unite_codes(units: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Unite rows of one code and one name; flag codes that stand for several names.

    Examples
    --------
    >>> nothing = {"row": [], "code": [], "name": []} | {key: [] for key in NUMBERS}
    >>> unite_codes(gpd.GeoDataFrame(nothing, geometry=[], crs=4326), "a.shp")[1]
    []
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for at, code in enumerate(units["code"]):
        if code:
            groups[code].append(at)
    problems = []
    drop: list[int] = []
    shapes = units.geometry.to_numpy().copy()
    numbers = {key: units[key].to_numpy().copy() for key in NUMBERS}
    for code, members in groups.items():
        if len(members) == 1:
            continue
        names = sorted(set(units["name"].iloc[members]))
        one = len(names) == 1
        problems.append(
            Problem(
                code="unit.merged_rows" if one else "unit.code_twice",
                severity="warning",
                action="mended" if one else "flagged",
                file=name,
                row=int(units["row"].iloc[members[1]]),
                column="code",
                value=code,
                details={"count": len(members), "names": ", ".join(names)},
            )
        )
        if one:
            shapes[members[0]] = shapely.union_all(shapes[members])
            for values in numbers.values():
                given = values[members][~np.isnan(values[members])]
                if len(given):
                    values[members[0]] = given[0] if len(set(given)) == 1 else given.sum()
            drop += members[1:]
    if not drop:
        return units, problems
    united = units.assign(**numbers).set_geometry(gpd.GeoSeries(shapes, crs=units.crs))
    return united.drop(index=drop).reset_index(drop=True), problems


def identify(
    units: gpd.GeoDataFrame, level: str, name: str
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Give each unit its id: by code, else by name, else by row; repeats are numbered.

    Examples
    --------
    >>> rows = {"row": [1, 2, 3], "code": ["", "", "7"], "name": ["甲", "甲", "甲"]}
    >>> units = gpd.GeoDataFrame(rows | {"parent_hint": ["x", "y", "x"]}, geometry=[None] * 3)
    >>> identify(units, "township", "a.shp")[0]["unit_id"].tolist()
    ['township:甲', 'township:甲 #2', 'township:7']
    """
    problems = []
    seen: dict[str, int] = defaultdict(int)
    twins: dict[tuple[str, str], list[int]] = defaultdict(list)
    ids = []
    rows = zip(units["code"], units["name"], units["parent_hint"], units["row"], strict=True)
    for code, called, hint, row in rows:
        if not code and not called:
            problems.append(
                Problem(code="unit.nameless", severity="warning", file=name, row=int(row))
            )
        if called and not code:
            twins[called, hint].append(int(row))
        unit_id = f"{level}:{code or called or f'row {row}'}"
        seen[unit_id] += 1
        ids.append(unit_id if seen[unit_id] == 1 else f"{unit_id} #{seen[unit_id]}")
    problems += [
        Problem(
            code="unit.same_name",
            severity="warning",
            file=name,
            row=found[1],
            column="name",
            value=called,
            details={"count": len(found)},
        )
        for (called, _), found in twins.items()
        if len(found) > 1
    ]
    return units.assign(unit_id=ids), problems
