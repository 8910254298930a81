"""What is wrong with the places of facilities and people, and the sums that must close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.population import PopulationData
from servicecircle.measure.places import GAP_M, Floats, Shapes, UnitPlaces
from servicecircle.measure.register import is_open
from servicecircle.network.snap import Attachment
from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["demand_problems", "facility_problems", "people_balance", "unsnapped_problems"]


def _where(row: pd.Series) -> dict[str, Any]:
    source_row = row["source_row"]
    return {
        "file": str(row["source_file"]),
        "sheet": str(row["source_sheet"]),
        "row": None if pd.isna(source_row) else int(source_row),
    }


def _check_layers(
    project: Project,
    facilities: gpd.GeoDataFrame,
    columns: Mapping[str, NDArray[np.object_]],
    units_xy: Shapes,
    x: Floats,
    y: Floats,
) -> None:
    """Stop where no facility of a layer lies in any unit: its datum or CRS must be wrong."""
    placed = np.isfinite(x)
    inside = np.zeros(x.size, bool)
    for column in columns.values():
        inside |= pd.notna(column)
    faults = []
    for layer in project.facilities:
        mine = (facilities["layer"] == layer).to_numpy() & placed
        if mine.any() and not inside[mine].any():
            metres = shapely.distance(shapely.union_all(units_xy), shapely.points(x[mine], y[mine]))
            faults.append(
                Problem(
                    code="facility.layer_outside",
                    severity="fatal",
                    action="stopped",
                    file=str(project.facilities[layer].path),
                    value=layer,
                    details={
                        "count": int(mine.sum()),
                        "km": f"{float(np.min(metres)) / 1000:.1f}",
                    },
                )
            )
    if faults:
        raise InputError(faults)


def facility_problems(
    project: Project,
    facilities: gpd.GeoDataFrame,
    placed: UnitPlaces,
    units_xy: Shapes,
    x: Floats,
    y: Floats,
) -> list[Problem]:
    """Stop where a whole layer lies outside; return facilities outside, in gaps and not open.

    Parameters
    ----------
    project : Project
    facilities : geopandas.GeoDataFrame
        Of all layers, in WGS84.
    placed : UnitPlaces
        Of their places.
    units_xy : numpy.ndarray of shapely geometries
        Outlines of all units in metres.
    x, y : numpy.ndarray of float, shape (len(facilities),)
        Metres, NaN without a place.

    Raises
    ------
    InputError
        If no facility of a layer lies in any unit: its datum or CRS must be wrong.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "townships.geojson"}},
    ...     "facilities": {"canteen": {"path": "canteens.csv"}},
    ... })
    >>> rows = gpd.GeoDataFrame({"layer": ["canteen"], "name": ["甲"]})
    >>> far = UnitPlaces(
    ...     columns={"unit_township": np.array([None])},
    ...     in_gap=np.array([False]),
    ...     outside=np.array([True]),
    ... )
    >>> town = np.array([shapely.box(0, 0, 1000, 1000)])
    >>> try:
    ...     facility_problems(project, rows, far, town, np.array([9e5]), np.array([0.0]))
    ... except InputError as error:
    ...     print(error.problems[0].code, error.problems[0].details["km"])
    facility.layer_outside 899.0
    """
    _check_layers(project, facilities, placed.columns, units_xy, x, y)
    problems = _placing_problems(facilities, placed, units_xy, x, y)
    return [*problems, *_not_open_problems(project, facilities)]


def _placing_problems(
    facilities: gpd.GeoDataFrame, placed: UnitPlaces, units_xy: Shapes, x: Floats, y: Floats
) -> list[Problem]:
    problems = []
    out = np.flatnonzero(placed.outside & np.isfinite(x))
    if out.size:
        whole = shapely.union_all(units_xy)
        metres = np.atleast_1d(shapely.distance(whole, shapely.points(x[out], y[out])))
        for at, far in zip(out, metres, strict=True):
            row = facilities.iloc[at]
            problems.append(
                Problem(
                    code="facility.outside_units",
                    severity="warning",
                    action="flagged",
                    value=str(row["name"]),
                    details={"km": f"{far / 1000:.2f}"},
                    **_where(row),
                )
            )
    for at in np.flatnonzero(placed.in_gap & ~placed.outside):
        row = facilities.iloc[at]
        problems.append(
            Problem(
                code="facility.in_gap",
                severity="note",
                action="flagged",
                value=str(row["name"]),
                details={"metres": f"{GAP_M:g}"},
                **_where(row),
            )
        )
    return problems


def _not_open_problems(project: Project, facilities: gpd.GeoDataFrame) -> list[Problem]:
    as_of = project.project.as_of
    rows = facilities[~is_open(pd.DataFrame(facilities), as_of).to_numpy()]
    return [
        Problem(
            code="facility.not_open",
            severity="note",
            action="counted",
            value=str(row["name"]),
            details={"as_of": as_of.isoformat()},
            **_where(row),
        )
        for row in (rows.loc[label] for label in rows.index)
    ]


def unsnapped_problems(project: Project, facilities: gpd.GeoDataFrame) -> list[Problem]:
    """Return the facilities that are too far from every road.

    Parameters
    ----------
    project : Project
    facilities : geopandas.GeoDataFrame
        With ``snap_status``.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "townships.geojson"}},
    ...     "facilities": {"canteen": {"path": "canteens.csv"}},
    ... })
    >>> rows = gpd.GeoDataFrame({
    ...     "name": ["甲", "乙"], "snap_status": ["unsnapped", "attached"],
    ...     "source_file": "a.csv", "source_sheet": "", "source_row": [2, 3],
    ... })
    >>> [(one.value, one.row) for one in unsnapped_problems(project, rows)]
    [('甲', 2)]
    """
    rows = facilities[facilities["snap_status"] == "unsnapped"]
    return [
        Problem(
            code="facility.unsnapped",
            severity="warning",
            action="flagged",
            value=str(row["name"]),
            details={"metres": f"{project.network.max_snap_m:g}"},
            **_where(row),
        )
        for row in (rows.loc[label] for label in rows.index)
    ]


def _people(demand: pd.DataFrame, rows: NDArray[np.bool_]) -> float:
    column = "population" if demand["population"].notna().any() else "elderly"
    return float(demand.loc[rows, column].sum())


def people_balance(
    population: PopulationData | None,
    demand: pd.DataFrame,
    placed: UnitPlaces,
    at: Attachment | None,
) -> dict[str, object]:
    """Return where the people are: in units, outside or masked, and nothing unaccounted for.

    Parameters
    ----------
    population : PopulationData, optional
    demand : pandas.DataFrame
        Its points, with population and elderly.
    placed : UnitPlaces
        Their units.
    at : Attachment, optional
        Of the points to the roads.

    Returns
    -------
    dict
        The balance of the source and more; empty without people.

    Examples
    --------
    >>> demand = pd.DataFrame({"population": [3.0, 4.0], "elderly": [np.nan, np.nan]})
    >>> placed = UnitPlaces(columns={}, in_gap=np.zeros(2, bool), outside=np.array([False, True]))
    >>> source = {"people_in_source": 9.0, "people_used": 7.0}
    >>> import datetime as dt
    >>> people = PopulationData(
    ...     demand=demand, problems=[], balance=source, basis="resident", age_from=60,
    ...     date=dt.date(2025, 12, 31), source="a.tif",
    ... )
    >>> balance = people_balance(people, demand, placed, None)
    >>> [balance[f"people_{name}"] for name in ("in_units", "outside_units", "masked")]
    [3.0, 4.0, 2.0]
    >>> people_balance(None, demand, placed, None)
    {}
    """
    if population is None:
        return {}
    balance: dict[str, object] = dict(population.balance)
    # People in the source = people in units + outside + masked; nothing is unaccounted for.
    for column, name in (("population", "people"), ("elderly", "elderly")):
        values = demand[column].to_numpy(float)
        if not np.isfinite(values).any():
            continue
        inside, outside = values[~placed.outside].sum(), values[placed.outside].sum()
        source = population.balance[f"{name}_in_source"]
        used = population.balance[f"{name}_used"]
        balance[f"{name}_in_units"] = float(inside)
        balance[f"{name}_outside_units"] = float(outside)
        balance.setdefault(f"{name}_masked", float(source - used))
        balance[f"{name}_unaccounted"] = round(float(used - inside - outside), 6)
    balance["points"] = len(demand)
    balance["points_outside_units"] = int(placed.outside.sum())
    balance["points_in_gaps"] = int((placed.in_gap & ~placed.outside).sum())
    if at is not None:
        balance["points_unsnapped"] = int((~at.snapped).sum())
        balance["people_unsnapped"] = _people(demand, ~at.snapped)
    return balance


def demand_problems(
    project: Project,
    population: PopulationData | None,
    demand: pd.DataFrame,
    placed: UnitPlaces,
    at: Attachment | None,
) -> list[Problem]:
    """Return how many people lie outside all units, in gaps or off the roads.

    Parameters
    ----------
    project : Project
    population : PopulationData, optional
    demand, placed, at
        As for :func:`people_balance`.

    Raises
    ------
    InputError
        If nobody lies in any unit.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "townships.geojson"}},
    ...     "facilities": {"canteen": {"path": "canteens.csv"}},
    ... })
    >>> demand = pd.DataFrame({"population": [3.0, 4.0], "elderly": [np.nan, np.nan]})
    >>> placed = UnitPlaces(columns={}, in_gap=np.zeros(2, bool), outside=np.array([False, True]))
    >>> people = PopulationData(
    ...     demand=demand, problems=[], balance={}, basis="resident", age_from=60,
    ...     date=dt.date(2025, 12, 31), source="a.tif",
    ... )
    >>> (problem,) = demand_problems(project, people, demand, placed, None)
    >>> problem.code, problem.details["people"]
    ('demand.outside_units', '4')
    >>> demand_problems(project, None, demand, placed, None)
    []
    """
    if population is None:
        return []
    problems = []
    counted = [("demand.outside_units", placed.outside, "")]
    counted.append(("demand.in_gap", placed.in_gap & ~placed.outside, f"{GAP_M:g}"))
    if at is not None:
        far = ~at.snapped & ~placed.outside
        counted.append(("demand.unsnapped", far, f"{project.network.max_snap_m:g}"))
    for code, rows, metres in counted:
        if rows.any():
            problems.append(
                Problem(
                    code=code,
                    severity="note" if code == "demand.in_gap" else "warning",
                    action="counted",
                    file=population.source,
                    value=f"{int(rows.sum())}",
                    details={
                        "people": f"{_people(demand, rows):.0f}",
                        "metres": metres,
                        "total": len(demand),
                    },
                )
            )
    if len(demand) and placed.outside.all():
        raise InputError(
            Problem(
                code="demand.all_outside",
                severity="fatal",
                action="stopped",
                file=population.source,
                value=str(len(demand)),
            )
        )
    return problems
