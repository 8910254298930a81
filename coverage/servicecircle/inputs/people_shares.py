"""Where people live among the parts of units that were split."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.changes import UnitName
from servicecircle.inputs.coordinates import Floats

__all__ = ["Residents", "count_residents"]

Ints = NDArray[np.int64]
# Points looked at in one go: their geometries would fill the memory by tens of millions.
_BLOCK = 500_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Residents:
    """People at points, counted by the units of a date and by those of an earlier one.

    Parameters
    ----------
    new, old : mapping of str to int
        Code, and name where no other unit has it → number of the unit.
    people : numpy.ndarray of float, shape (n_new,)
        Who lives in each new unit.
    old_people : numpy.ndarray of float, shape (n_old,)
    both : mapping of (int, int) to float
        Old unit, new unit → who lives in both.
    source : str
    date : datetime.date, optional
        Of the people.
    """

    new: Mapping[str, int] = field(default_factory=dict)
    old: Mapping[str, int] = field(default_factory=dict)
    people: Floats = field(default_factory=lambda: np.zeros(0))
    old_people: Floats = field(default_factory=lambda: np.zeros(0))
    both: Mapping[tuple[int, int], float] = field(default_factory=dict)
    source: str = ""
    date: dt.date | None = None

    def within(self, unit: UnitName) -> float:
        """Return who lives in a new unit, NaN where there is no outline of it."""
        at = _at(self.new, unit)
        return math.nan if at < 0 else float(self.people[at])

    def in_both(self, before: UnitName, after: UnitName) -> float:
        """Return who lives in an old unit and a new one, NaN where an outline is missing."""
        old, new = _at(self.old, before), _at(self.new, after)
        return math.nan if old < 0 or new < 0 else float(self.both.get((old, new), 0.0))

    def elsewhere(self, before: UnitName, parts: list[UnitName]) -> float:
        """Return the share of an old unit's people who live in none of its parts."""
        old = _at(self.old, before)
        whole = 0.0 if old < 0 else float(self.old_people[old])
        if not whole > 0.0:
            return 0.0
        return max(1.0 - sum(self.in_both(before, part) for part in parts) / whole, 0.0)


def _at(index: Mapping[str, int], unit: UnitName) -> int:
    return index.get(unit.code, index.get(unit.name, -1))


def count_residents(
    units: gpd.GeoDataFrame,
    demand: pd.DataFrame,
    *,
    old: gpd.GeoDataFrame | None = None,
    source: str = "",
    date: dt.date | None = None,
) -> Residents:
    """Count people at points in the units of one level; nobody counts in two.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        EPSG:4326, columns code and name.
    demand : pandas.DataFrame
        lon, lat (degrees), population (people; NaN counts as none), or elderly where the source
        knows of nobody else.
    old : geopandas.GeoDataFrame, optional
        The same of an earlier date.
    source : str
    date : datetime.date, optional

    Returns
    -------
    Residents
        A point on a border counts in the first of its units, one in no unit nowhere.

    Examples
    --------
    >>> west, east, all_ = (shapely.box(*box) for box in ((0, 0, 1, 1), (1, 0, 9, 1), (0, 0, 9, 1)))
    >>> new = gpd.GeoDataFrame(
    ...     {"code": ["1", "2"], "name": ["甲", "乙"]}, geometry=[west, east], crs=4326
    ... )
    >>> old = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[all_], crs=4326)
    >>> people = pd.DataFrame({"lon": [0.5, 3.0], "lat": 0.5, "population": [30.0, 10.0]})
    >>> counted = count_residents(new, people, old=old)
    >>> counted.within(UnitName("1")), counted.in_both(UnitName("1"), UnitName("", "乙"))
    (30.0, 10.0)
    >>> count_residents(new, people[:0]).within(UnitName("7"))
    nan
    """
    lon, lat = (demand[name].to_numpy(np.float64) for name in ("lon", "lat"))
    weight = demand["population"].to_numpy(np.float64)
    if "elderly" in demand and np.isnan(weight).all():
        weight = demand["elderly"].to_numpy(np.float64)
    weight = np.nan_to_num(weight)
    new_at = _unit_of(units, lon, lat)
    index: Mapping[str, int] = {}
    old_people, both = np.zeros(0), dict[tuple[int, int], float]()
    if old is not None:
        index = _index(old)
        old_at = _unit_of(old, lon, lat)
        old_people = _sums(old_at, weight, len(old))
        here = (old_at >= 0) & (new_at >= 0)
        pair, where = np.unique(old_at[here] * len(units) + new_at[here], return_inverse=True)
        sums = np.bincount(where, weights=weight[here], minlength=len(pair))
        numbers = (divmod(int(one), len(units)) for one in pair)
        both = dict(zip(numbers, sums.tolist(), strict=True))
    return Residents(
        new=_index(units),
        old=index,
        people=_sums(new_at, weight, len(units)),
        old_people=old_people,
        both=both,
        source=source,
        date=date,
    )


def _index(units: pd.DataFrame) -> dict[str, int]:
    names = Counter(units["name"])
    codes = Counter(units["code"])
    rows = list(zip(units["code"], units["name"], strict=True))
    index = {name: at for at, (_, name) in enumerate(rows) if name and names[name] == 1}
    return index | {code: at for at, (code, _) in enumerate(rows) if code and codes[code] == 1}


def _unit_of(units: gpd.GeoDataFrame, lon: Floats, lat: Floats) -> Ints:
    """Return the number of the first unit that each point lies in, -1 for none."""
    tree = shapely.STRtree(units.geometry.to_numpy())
    found = np.full(len(lon), len(units), dtype=np.int64)
    for start in range(0, len(lon), _BLOCK):
        here = slice(start, start + _BLOCK)
        points = np.asarray(shapely.points(lon[here], lat[here]), dtype=object)
        who, unit = tree.query(points, predicate="intersects")
        np.minimum.at(found, who + start, unit)
    return np.where(found == len(units), -1, found)


def _sums(at: Ints, weight: Floats, count: int) -> Floats:
    here = at >= 0
    return np.asarray(np.bincount(at[here], weights=weight[here], minlength=count), np.float64)
