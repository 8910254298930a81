"""People of demand points by unit: sums of all levels from one pass over the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["PeopleGroups", "group_people"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PeopleGroups:
    """Demand points grouped by the units that they lie in.

    Parameters
    ----------
    group : numpy.ndarray of int, shape (n,)
        Of each point.
    units : pandas.DataFrame
        Row g: the units of group g, a column for each level, "" where there is none.
    """

    group: Ints
    units: pd.DataFrame

    def sums(self, weight: Floats) -> Floats:
        """Return the sum of weights of each group."""
        sums = np.bincount(self.group, weights=weight, minlength=len(self.units))
        return sums.astype(np.float64)

    def by_level(self, sums: Floats, level: str) -> pd.Series[float]:
        """Return sums of groups by unit of a level; units without a point are not in it."""
        units = self.units[level]
        table = pd.Series(sums).groupby(units.to_numpy(object)).sum()
        return table[table.index != ""].astype(float)

    def finest(self, levels: tuple[str, ...]) -> NDArray[np.object_]:
        """Return the finest unit of each group, "" for people of no unit.

        Parameters
        ----------
        levels : tuple of str
            The coarsest first.
        """
        found = np.full(len(self.units), "", object)
        for level in levels:
            if level in self.units:
                named = self.units[level].to_numpy(object)
                found = np.where(named != "", named, found)
        return found


def group_people(demand: pd.DataFrame) -> PeopleGroups:
    """Group demand points by all their units.

    Parameters
    ----------
    demand : pandas.DataFrame
        Columns ``unit_<level>``, None outside.

    Examples
    --------
    >>> demand = pd.DataFrame(
    ...     {"unit_county": ["1", "1", None], "unit_township": ["11", "12", None]}
    ... )
    >>> groups = group_people(demand)
    >>> groups.by_level(groups.sums(np.array([5.0, 2.0, 1.0])), "county").to_dict()
    {'1': 7.0}
    >>> groups.finest(("county", "township")).tolist()
    ['11', '12', '']
    >>> group_people(demand.iloc[:0]).sums(np.zeros(0)).tolist()
    []
    """
    columns = [str(name) for name in demand.columns if str(name).startswith("unit_")]
    group: Ints = np.zeros(len(demand), np.int64)
    for column in columns:
        codes, names = pd.factorize(demand[column])
        # Numbered anew each time, so that the product of many levels cannot overflow.
        group = pd.factorize(group * (len(names) + 1) + codes + 1)[0]
    first = np.flatnonzero(~pd.Series(group).duplicated().to_numpy(bool))
    units = pd.DataFrame(
        {column.removeprefix("unit_"): _texts(demand[column].iloc[first]) for column in columns},
        index=range(len(first)),
    )
    return PeopleGroups(group=group, units=units)


def _texts(values: pd.Series[str]) -> NDArray[np.object_]:
    return np.array(["" if pd.isna(one) else str(one) for one in values], object)
