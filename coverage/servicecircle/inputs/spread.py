"""People of units shared over the places where they may live."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.coordinates import Floats
from servicecircle.inputs.crowding import crowding
from servicecircle.inputs.people_places import Places, centre_places
from servicecircle.problems import Problem

__all__ = ["Shared", "demand_table", "share_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """People at places.

    Parameters
    ----------
    demand : pandas.DataFrame
        demand_id, lon, lat, population, elderly, position_error_m.
    problems : list of Problem
    balance : dict
        units_total = units_used + units_zero + units_without_figure; people_in_source =
        people_used; units_without_places counts those of the used ones that got one point.
    """

    demand: pd.DataFrame
    problems: list[Problem]
    balance: dict[str, float]


def share_people(
    units: gpd.GeoDataFrame, places: Places, *, population: Floats, elderly: Floats, name: str
) -> Shared:
    """Share the people of each unit over its places in proportion to their weights.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        EPSG:4326, with unit_id and name.
    places : Places
    population, elderly : numpy.ndarray of float, shape (len(units),)
        People; NaN where unknown.
    name : str
        The source of the places, for messages.

    Returns
    -------
    Shared
        Sums by unit equal the figures to 1e-9 of themselves. A unit with people but no place gets
        one point inside it, and a problem record.

    Examples
    --------
    >>> import shapely
    >>> units = gpd.GeoDataFrame(
    ...     {"unit_id": ["u", "v"], "name": ["甲", "乙"]},
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)],
    ...     crs=4326,
    ... )
    >>> nobody = np.array([np.nan, np.nan])
    >>> share_people(
    ...     units, centre_places(units), population=np.array([8.0, 0.0]), elderly=nobody, name="u"
    ... ).demand["population"].tolist()
    [8.0]
    """
    known = ~np.isnan(population) | ~np.isnan(elderly)
    people = (np.nan_to_num(population) > 0.0) | (np.nan_to_num(elderly) > 0.0)
    total = np.bincount(places.unit, weights=places.weight, minlength=len(units))
    lost = np.flatnonzero(people & (total <= 0.0))
    spare = centre_places(units.iloc[lost])
    used = people[places.unit] & (places.weight > 0.0)
    unit = np.concatenate([places.unit[used], lost])
    share = np.concatenate(
        [places.weight[used] / total[places.unit[used]], np.ones(len(lost), dtype=np.float64)]
    )
    demand = demand_table(
        ids=np.concatenate([places.ids[used], spare.ids]),
        lon=np.concatenate([places.lon[used], spare.lon]),
        lat=np.concatenate([places.lat[used], spare.lat]),
        population=population[unit] * share,
        elderly=elderly[unit] * share,
        error_m=np.concatenate([places.error_m[used], spare.error_m]),
    )
    called = units["name"].to_numpy()
    problems = [
        Problem(
            code="population.unit_without_places",
            severity="warning",
            file=name,
            value=str(called[at] or units["unit_id"].iloc[at]),
            details={"people": f"{np.nan_to_num(population[at]) or elderly[at]:g}"},
        )
        for at in lost
    ]
    problems += crowding(
        units,
        places.unit,
        places.weight,
        people=np.fmax(population, elderly),
        kind=places.kind,
        name=name,
    )
    partly = known & np.isnan(elderly) & (~np.isnan(elderly)).any() & people
    for code, mask in (("units_without_figure", ~known), ("units_without_elderly", partly)):
        if mask.any():
            which = np.flatnonzero(mask)
            first = [str(called[at] or units["unit_id"].iloc[at]) for at in which[:5]]
            problems.append(
                Problem(
                    code=f"population.{code}",
                    severity="warning",
                    action="counted",
                    file=name,
                    value=", ".join(first),
                    details={"count": len(which)},
                )
            )
    some, some_old = bool((~np.isnan(population)).any()), bool((~np.isnan(elderly)).any())
    balance: dict[str, float] = {
        "units_total": len(units),
        "units_used": int(people.sum()),
        "units_zero": int((known & ~people).sum()),
        "units_without_figure": int((~known).sum()),
        "units_without_places": len(lost),
        "people_in_source": _known_sum(population, known=some),
        "people_used": _known_sum(demand["population"].to_numpy(), known=some),
        "elderly_in_source": _known_sum(elderly, known=some_old),
        "elderly_used": _known_sum(demand["elderly"].to_numpy(), known=some_old),
        **{f"places_{key}": value for key, value in places.counts.items()},
    }
    return Shared(demand=demand, problems=problems, balance=balance)


def _known_sum(values: Floats, *, known: bool) -> float:
    return float(np.nansum(values)) if known else float("nan")


def demand_table(
    *,
    ids: NDArray[np.object_] | pd.Series[str],
    lon: Floats,
    lat: Floats,
    population: Floats,
    elderly: Floats,
    error_m: Floats,
) -> pd.DataFrame:
    """Return the table ``demand``.

    Examples
    --------
    >>> nothing = np.empty(0)
    >>> demand_table(
    ...     ids=nothing.astype(object), lon=nothing, lat=nothing, population=nothing,
    ...     elderly=nothing, error_m=nothing,
    ... ).columns.tolist()
    ['demand_id', 'lon', 'lat', 'population', 'elderly', 'position_error_m']
    """
    return pd.DataFrame(
        {
            "demand_id": pd.Series(ids, dtype="str"),
            "lon": lon,
            "lat": lat,
            "population": population,
            "elderly": elderly,
            "position_error_m": error_m,
        },
        copy=False,
    )
