"""People spread over fewer places than can hold them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from servicecircle.inputs.coordinates import Floats
from servicecircle.problems import Problem

__all__ = ["crowding"]

MOST_PER_BUILDING_M2 = 1.0
"""People by square metre of footprint: thirty floors of flats have about as many."""
MOST_PER_BUILDING = 3_000.0
"""People by building on average in a unit: more than the largest blocks of flats hold."""
MOST_PER_LAND_M2 = 0.15
"""People by square metre of residential land: more than the densest quarters hold."""
_CODES = {
    "buildings": "population.crowded_buildings",
    "land": "population.crowded_land",
}


def crowding(
    units: gpd.GeoDataFrame,
    unit: NDArray[np.int64],
    area_m2: Floats,
    *,
    people: Floats,
    kind: str,
    name: str,
) -> list[Problem]:
    """Return a record where more people are spread over places than these can hold.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        unit_id, name.
    unit : numpy.ndarray of int, shape (n,)
        Position of the unit of each place.
    area_m2 : numpy.ndarray of float, shape (n,)
        Of each place.
    people : numpy.ndarray of float, shape (len(units),)
        NaN: unknown.
    kind : {"buildings", "land", "centres"}
        Centres hold any number.
    name : str
        The source of the places, for messages.

    Returns
    -------
    list of Problem
        One at most, worst unit first.

    Examples
    --------
    >>> units = gpd.GeoDataFrame({"unit_id": ["u"], "name": ["Porto"]}, geometry=[None])
    >>> places = np.zeros(11, np.int64), np.full(11, 2000.0)
    >>> [one.code for one in crowding(
    ...     units, *places, people=np.array([1e6]), kind="buildings", name="porto.osm.pbf"
    ... )]
    ['population.crowded_buildings']
    >>> crowding(units, *places, people=np.array([900.0]), kind="buildings", name="")
    []
    """
    if kind not in _CODES:
        return []
    count = np.bincount(unit, minlength=len(units)).astype(np.float64)
    area = np.bincount(unit, weights=area_m2, minlength=len(units))
    by_area = np.divide(people, area, out=np.zeros(len(units)), where=area > 0.0)
    by_place = np.divide(people, count, out=np.zeros(len(units)), where=count > 0.0)
    most = MOST_PER_BUILDING_M2 if kind == "buildings" else MOST_PER_LAND_M2
    full = by_area > most
    if kind == "buildings":
        full |= by_place > MOST_PER_BUILDING
    which = np.flatnonzero(full)
    which = which[np.argsort(-by_area[which], kind="stable")]
    if not which.size:
        return []
    first = [str(units["name"].iloc[at] or units["unit_id"].iloc[at]) for at in which[:5]]
    worst = which[0]
    return [
        Problem(
            code=_CODES[kind],
            severity="warning",
            action="flagged",
            file=name,
            value=", ".join(first),
            details={
                "count": which.size,
                "people": f"{np.nansum(people[which]):.0f}",
                "places": f"{count[which].sum():.0f}",
                "worst_people": f"{people[worst]:.0f}",
                "worst_places": f"{count[worst]:.0f}",
                "worst_area": f"{area[worst]:.0f}",
                "most": f"{most:g}",
            },
        )
    ]
