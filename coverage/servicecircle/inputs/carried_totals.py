"""Official figures of an earlier date brought to the units of a project."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.carried_people import carry_people
from servicecircle.inputs.changed_units import parts_of
from servicecircle.inputs.changes import NO_CHANGES, Changes, UnitName
from servicecircle.inputs.people_shares import count_residents
from servicecircle.problems import Problem

__all__ = ["Renewal", "carry_totals"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Renewal:
    """What brings figures of an earlier date to the units of a project.

    Parameters
    ----------
    changes : Changes
    as_of : datetime.date
        Date of the units.
    since : datetime.date, optional
        Date of the figures. Without it a unit that still exists stands for itself.
    outlines : mapping of str to geopandas.GeoDataFrame
        Level → units of the earlier date.
    demand : pandas.DataFrame, optional
        lon, lat, population, elderly: where people live.
    source : str
        Of these people.
    date : datetime.date, optional
        Of these people.
    """

    as_of: dt.date
    changes: Changes = NO_CHANGES
    since: dt.date | None = None
    outlines: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    demand: pd.DataFrame | None = None
    source: str = ""
    date: dt.date | None = None


def carry_totals(
    rows: pd.DataFrame,
    units: gpd.GeoDataFrame,
    renewal: Renewal,
    *,
    level: str,
    join: Callable[[pd.DataFrame], NDArray[np.object_]],
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give each row of official figures the units of today that its people belong to.

    Parameters
    ----------
    rows : pandas.DataFrame
        code, name, population, elderly.
    units : geopandas.GeoDataFrame
        Those of the level.
    renewal : Renewal
    level : str
    join : callable
        From a table with code and name to the unit_id of each row, "" for none.

    Returns
    -------
    parts : pandas.DataFrame
        row (position in ``rows``), unit_id, population, elderly, key: one row for each unit that
        a row goes to, its share of the figures; NaN where the share is not known. ``key`` is the
        same for rows that name one unit.
    problems : list of Problem
        How split units were shared out, or why they could not be.

    Examples
    --------
    >>> from servicecircle.inputs.changes import Change, change_table
    >>> changes = change_table([Change(
    ...     level="county", before=UnitName("330103", "下城区"), after=UnitName("330105", "拱墅区"),
    ...     kind="merge", date=dt.date(2021, 4, 9),
    ... )])
    >>> renewal = Renewal(changes=changes, as_of=dt.date(2025, 1, 1), since=dt.date(2020, 11, 1))
    >>> rows = pd.DataFrame({
    ...     "code": ["330103", "330105"], "name": "", "population": [2.0, 3.0], "elderly": np.nan,
    ... })
    >>> units = gpd.GeoDataFrame({"code": ["330105"], "name": "拱墅区"}, geometry=[None])
    >>> join = lambda table: np.where(table["code"] == "330105", "county:330105", "")
    >>> parts, problems = carry_totals(rows, units, renewal, level="county", join=join)
    >>> parts[["row", "unit_id", "population"]].to_numpy().tolist(), problems
    ([[0, 'county:330105', 2.0], [1, 'county:330105', 3.0]], [])
    """
    own = np.asarray(join(rows), dtype=object)
    carried = carry_people(
        rows, renewal.changes, level=level, since=renewal.since, as_of=renewal.as_of,
        columns=["population", "elderly"],
    )  # fmt: skip
    if carried.problems and renewal.demand is not None:
        # People are counted only where a share hangs on them.
        carried = carry_people(
            rows, renewal.changes, level=level, since=renewal.since, as_of=renewal.as_of,
            columns=["population", "elderly"],
            people=count_residents(
                units,
                renewal.demand,
                old=renewal.outlines.get(level),
                source=renewal.source,
                date=renewal.date,
            ),
        )  # fmt: skip
    shares = carried.shares
    row = shares["row"].to_numpy(np.int64)
    new = pd.DataFrame({"code": shares["new_code"], "name": shares["new_name"]})
    changed, keys = _changed(rows, own, renewal, level)
    unit = np.where(changed[row], join(new), own[row])
    share = shares["share"].to_numpy(np.float64)
    return (
        pd.DataFrame(
            {
                "row": row,
                "unit_id": unit,
                "population": rows["population"].to_numpy(np.float64)[row] * share,
                "elderly": rows["elderly"].to_numpy(np.float64)[row] * share,
                "key": keys[row],
            }
        ),
        carried.problems,
    )


def _changed(
    rows: pd.DataFrame, own: NDArray[np.object_], renewal: Renewal, level: str
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Return which rows name units that changed, and what each row names."""
    changed = np.zeros(len(rows), dtype=bool)
    keys = np.full(len(rows), "", dtype=object)
    for at, (code, name) in enumerate(zip(rows["code"], rows["name"], strict=True)):
        unit = UnitName(str(code), str(name))
        changed[at] = bool(parts_of(renewal.changes, unit, level, renewal.since, renewal.as_of))
        nodes = renewal.changes.find(unit.code, level) or renewal.changes.find(unit.name, level)
        keys[at] = nodes[0][1] if changed[at] and nodes else own[at]
    return changed, keys
