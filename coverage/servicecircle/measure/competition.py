"""What a competition for places is about: who is there, what is in reach, and who reaches nothing.

Catchments and assignment share it. Travel is over the network alone: without roads there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.measure.ground import Ground
from servicecircle.measure.layers import open_points
from servicecircle.measure.register import is_open
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.reach import nearest
from servicecircle.problems import Problem
from servicecircle.project import AssignmentSettings, CatchmentSettings, Project

__all__ = ["AREA", "Contest", "Groups", "contest_of", "contests", "unit_groups"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Settings = CatchmentSettings | AssignmentSettings
Status = Literal["within", "beyond_limit", "unreachable", "unsnapped"]

AREA = "area"
"""Level and id of the row for all units together."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contest:
    """People, places, and the minutes between those in reach of each other.

    Parameters
    ----------
    layer, profile : str
    minutes : scipy.sparse.csr_array, shape (points, facilities)
        Of pairs within the limit, by points in the order of their ids; a stored 0 is 0 minutes.
    points : numpy.ndarray of int, shape (points,)
        Row of ``ground.demand`` of each point.
    people : numpy.ndarray of float, shape (points,)
        Who compete; 0 where somebody does not.
    status : numpy.ndarray of str, shape (points,)
        ``within`` reach of a facility of known capacity, ``beyond_limit`` of all, ``unreachable``
        (attached, but no way to any), ``unsnapped``.
    capacity : numpy.ndarray of float, shape (facilities,)
    facilities : pandas.DataFrame
        All open ones of the layer in the order of their ids: facility_id, name, capacity, status
        (``counted``, ``no_capacity``, ``no_place``, ``unsnapped``) and ``column`` in ``minutes``,
        -1 for those not counted.
    """

    layer: str
    profile: str
    minutes: csr_array
    points: Ints
    people: Floats
    status: NDArray[np.object_]
    capacity: Floats
    facilities: pd.DataFrame

    def of_facilities(self, values: Floats) -> Floats:
        """Return values of the facilities counted for all of the table, NaN for the others."""
        columns = self.facilities["column"].to_numpy(np.int64)
        return np.where(columns >= 0, np.append(values, np.nan)[columns], np.nan)

    def in_order(self, values: Floats) -> Floats:
        """Return values of the points in the order of the table of demand."""
        placed = np.empty_like(values)
        placed[self.points] = values
        return placed


def contests(project: Project, ground: Ground) -> Callable[[str, Settings], Contest | Problem]:
    """Return a function that lays out a contest; what several have in common is measured once.

    Parameters
    ----------
    project : Project
    ground : Ground

    Returns
    -------
    callable
        From the name of a table of the project and its settings; a problem where there are no
        roads or no people.
    """

    @cache
    def reach(layer: str, profile: str, minutes: float) -> tuple[pd.DataFrame, csr_array, object]:
        return _reach(project, ground, layer=layer, profile=profile, minutes=minutes)

    def lay(name: str, settings: Settings) -> Contest | Problem:
        return contest_of(project, ground, name, settings, reach=reach)

    return lay


def contest_of(
    project: Project,
    ground: Ground,
    name: str,
    settings: Settings,
    *,
    reach: Callable[[str, str, float], tuple[pd.DataFrame, csr_array, object]],
) -> Contest | Problem:
    """Return one contest, or why there is none.

    Parameters
    ----------
    project, ground
    name : str
        Of its table in the project.
    settings : CatchmentSettings or AssignmentSettings
    reach : callable
        From layer, profile and minutes to the facilities, the minutes to them and the status.
    """
    layer = settings.layer or name
    profile = str(settings.profile or project.layer_profile(layer))
    kind = "assignment" if isinstance(settings, AssignmentSettings) else "catchments"
    value = f"[{kind}.{name}]"
    if ground.way(profile) is None:
        return Problem(code="capacity.no_roads", severity="warning", value=value)
    people = np.nan_to_num(ground.demand[settings.weight].to_numpy(np.float64))
    if not settings.outsiders:
        people = np.where(_in_any_unit(ground), people, 0.0)
    if not people.sum() > 0.0:
        return Problem(
            code="capacity.no_people",
            severity="warning",
            value=value,
            details={"weight": settings.weight},
        )
    facilities, minutes, status = reach(layer, profile, float(settings.minutes))
    order = np.argsort(ground.demand["demand_id"].to_numpy(object).astype(str), kind="stable")
    counted = facilities["column"].to_numpy() >= 0
    by_id = csr_array(minutes[order])
    by_id.sort_indices()
    return Contest(
        layer=layer,
        profile=profile,
        minutes=by_id,
        points=order,
        people=people[order],
        status=np.asarray(status, object)[order],
        capacity=facilities["capacity"].to_numpy(np.float64)[counted],
        facilities=facilities,
    )


def _reach(
    project: Project, ground: Ground, *, layer: str, profile: str, minutes: float
) -> tuple[pd.DataFrame, csr_array, object]:
    """Return the open facilities of a layer, the minutes to those with a capacity, who has none."""
    way = ground.way(profile)
    if way is None or way.demand.at is None:
        raise ValueError(f"there are no roads for {profile}")
    as_of = project.project.as_of
    points = open_points(ground, layer, as_of, points=way.facilities)
    facilities = _open_facilities(ground, layer, is_open(ground.facilities, as_of).to_numpy())
    at = pd.Index(points.ids).get_indexer(pd.Index(facilities["facility_id"]))
    known = facilities["capacity"].notna().to_numpy()
    attached = np.zeros(len(facilities), np.bool_)
    if points.at is not None:
        attached = np.append(points.at.attached, False)[at]
    facilities["status"] = np.select(
        [~known, at < 0, ~attached], ["no_capacity", "no_place", "unsnapped"], "counted"
    )
    counted = (facilities["status"] == "counted").to_numpy()
    facilities["column"] = np.where(counted, np.cumsum(counted) - 1, -1)
    demand, count = way.demand.at, len(ground.demand)
    status = np.where(demand.snapped, "unreachable", "unsnapped").astype(object)
    if points.at is None or not counted.any():
        return facilities, csr_array((count, 0), dtype=np.float64), status
    targets = points.at.take(at[counted])
    a_minute = 60.0 * (way.profile.metres_per_second if way.travel.unit == "metres" else 1.0)
    direction = project.facilities[layer].direction
    matrix = travel_matrix(
        way.travel, demand, targets, limit=minutes * a_minute, direction=direction
    )
    within = np.diff(matrix.indptr) > 0
    if not within.all():
        found = nearest(way.travel, demand, targets, direction=direction)
        status[found.target >= 0] = "beyond_limit"
    status[within] = "within"
    data = (matrix.data / a_minute, matrix.indices, matrix.indptr)
    return facilities, csr_array(data, shape=matrix.shape), status


def _open_facilities(ground: Ground, layer: str, open_now: Bools) -> pd.DataFrame:
    table = ground.facilities
    mine = (table["layer"] == layer).to_numpy() & open_now
    chosen = pd.DataFrame(
        {name: table.loc[mine, name].to_numpy() for name in ("facility_id", "name")}
    )
    chosen["capacity"] = table.loc[mine, "capacity"].to_numpy(np.float64)
    order = np.argsort(chosen["facility_id"].to_numpy(object).astype(str), kind="stable")
    return chosen.iloc[order].reset_index(drop=True)


def _in_any_unit(ground: Ground) -> Bools:
    inside = np.zeros(len(ground.demand), np.bool_)
    for level in ground.units["level"].drop_duplicates():
        if f"unit_{level}" in ground.demand:
            inside |= ground.demand[f"unit_{level}"].notna().to_numpy()
    return inside


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Groups:
    """What sums are taken over: all of the area, then the units of each level.

    Parameters
    ----------
    table : pandas.DataFrame
        level, unit_id, unit_name.
    of : tuple of (numpy.ndarray of int, int)
        For each level the number of the unit of each demand point, -1 for those of none, and how
        many units there are.
    """

    table: pd.DataFrame
    of: tuple[tuple[Ints, int], ...]

    def sums(self, rows: Ints, values: Floats) -> Floats:
        """Return the sums of values of some rows of the demand, for each row of the table."""
        found = []
        for at, count in self.of:
            group = at[rows]
            inside = group >= 0
            found.append(np.bincount(group[inside], values[inside], count).astype(np.float64))
        return np.concatenate(found)


def unit_groups(ground: Ground) -> Groups:
    """Return what sums of demand points are taken over.

    Parameters
    ----------
    ground : Ground
    """
    tables = [pd.DataFrame({"level": [AREA], "unit_id": [AREA], "unit_name": [""]})]
    of: list[tuple[Ints, int]] = [(np.zeros(len(ground.demand), np.int64), 1)]
    for level in ground.units["level"].drop_duplicates():
        if f"unit_{level}" not in ground.demand:
            continue
        units = ground.units.loc[ground.units["level"] == level, ["level", "unit_id", "name"]]
        tables.append(pd.DataFrame(units.rename(columns={"name": "unit_name"})))
        column = ground.demand[f"unit_{level}"].fillna("")
        at = pd.Index(units["unit_id"]).get_indexer(column)
        of.append((at.astype(np.int64), len(units)))
    return Groups(table=pd.concat(tables, ignore_index=True), of=tuple(of))
