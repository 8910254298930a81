"""Stand-ins for units that nobody has drawn: neighbouring units put together by people.

They become units of their level, with ``type`` proxy, and are called so wherever they show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.measure.capacity_settings import cluster_units
from servicecircle.measure.contiguous import contiguous_clusters
from servicecircle.measure.presence import place_facilities
from servicecircle.messages import Language, label
from servicecircle.problems import Problem
from servicecircle.project import ClusterSettings, Project

__all__ = ["CLUSTER_COLUMNS", "PROXY", "Clusters", "lay_clusters"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
Texts = NDArray[np.object_]

PROXY = "proxy"
"""``type`` of units that were put together."""
CLUSTER_COLUMNS = ("level", "unit_id", "name", "member_id", "member_name", "weight", "people")
_NEAR = 0.25
_SUMMED = ("population", "elderly", "households", "floor_area_m2")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Clusters:
    """Units put together, and who lies in them.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        The units given, then the clusters, with the same columns.
    demand : pandas.DataFrame
    facilities : geopandas.GeoDataFrame
        As given, with ``unit_<level>`` of each cluster level, None outside of all.
    tables : mapping of str to pandas.DataFrame
        ``clusters``, a row for each unit put together; none where none was asked for.
    problems : tuple of Problem
    record : mapping
        Sizes by level, for ``run.json``.
    """

    units: gpd.GeoDataFrame
    demand: pd.DataFrame
    facilities: gpd.GeoDataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    record: Mapping[str, object] = field(default_factory=dict)


def lay_clusters(
    project: Project,
    units: gpd.GeoDataFrame,
    units_xy: Shapes,
    *,
    demand: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
) -> Clusters:
    """Put together the clusters that a project asks for.

    Parameters
    ----------
    project : Project
    units : geopandas.GeoDataFrame
        Table ``units`` of the levels given.
    units_xy : numpy.ndarray of shapely polygons
        Of the units, in metres.
    demand : pandas.DataFrame
        population, elderly, ``unit_<level>``.
    facilities : geopandas.GeoDataFrame
        The facilities contract with ``unit_<level>``. One that stands in no unit counts in the
        cluster of the unit that it declares.

    Returns
    -------
    Clusters
        The units as they are where the project asks for none.
    """
    tables, frames = [], [units]
    columns: tuple[dict[str, Texts], dict[str, Texts]] = ({}, {})
    problems: list[Problem] = []
    record: dict[str, object] = {}
    for level, settings in project.clusters.items():
        finest = cluster_units(project, level)
        rows = np.flatnonzero((units["level"] == finest).to_numpy())
        rows = rows[np.argsort(units["unit_id"].to_numpy(object)[rows].astype(str), kind="stable")]
        members = units.iloc[rows]
        people = _people(demand, members["unit_id"], finest, settings.weight)
        if not people.sum() > 0.0:
            details: dict[str, object] = {"weight": settings.weight}
            problems.append(
                Problem(code="clusters.no_people", severity="warning", value=level, details=details)
            )
            continue
        regions, titles = _regions(units, members, settings.within)
        labels = contiguous_clusters(
            units_xy[rows],
            people,
            people=settings.people,
            number=settings.number,
            regions=regions,
        )
        frame = _cluster_units(
            members, labels, titles[regions], level=level, language=project.project.language
        )
        ids = frame["unit_id"].to_numpy(object)
        of_member = dict(zip(members["unit_id"], ids[labels], strict=True))
        for table, column in zip((demand, facilities), columns, strict=True):
            column[f"unit_{level}"] = _looked_up(table[f"unit_{finest}"], of_member)
        _declared(columns[1][f"unit_{level}"], facilities, units, finest, of_member)
        frames.append(frame)
        tables.append(
            pd.DataFrame(
                {
                    "level": level,
                    "unit_id": ids[labels],
                    "name": frame["name"].to_numpy(object)[labels],
                    "member_id": members["unit_id"].to_numpy(object),
                    "member_name": members["name"].to_numpy(object),
                    "weight": settings.weight,
                    "people": people,
                },
                columns=list(CLUSTER_COLUMNS),
            )
        )
        record[level] = said = _sizes(labels, people, regions, settings, finest)
        problems.append(_proxy_note(level, said))
    if not tables:
        return Clusters(units=units, demand=demand, facilities=facilities, problems=tuple(problems))
    whole = pd.concat(frames, ignore_index=True)
    return Clusters(
        units=gpd.GeoDataFrame(whole, geometry="geometry", crs=units.crs),
        demand=demand.assign(**columns[0]),
        facilities=facilities.assign(**columns[1]),
        tables={"clusters": pd.concat(tables, ignore_index=True)},
        problems=tuple(problems),
        record=record,
    )


def _people(demand: pd.DataFrame, ids: pd.Series, level: str, weight: str) -> Floats:
    if weight == "units":
        return np.ones(len(ids))
    at = pd.Index(ids).get_indexer(demand[f"unit_{level}"].fillna(""))
    values = np.nan_to_num(demand[weight].to_numpy(np.float64))
    return np.bincount(at[at >= 0], values[at >= 0], len(ids)).astype(np.float64)


def _regions(
    units: gpd.GeoDataFrame, members: gpd.GeoDataFrame, within: str | None
) -> tuple[NDArray[np.int64], Texts]:
    """Return the number of the unit above that each member lies in, and the names of these."""
    if within is None:
        return np.zeros(len(members), np.int64), np.array([""], object)
    parent = dict(zip(units["unit_id"], units["parent_id"].fillna(""), strict=True))
    above = set(units.loc[units["level"] == within, "unit_id"])
    names = dict(zip(units["unit_id"], units["name"].fillna(""), strict=True))
    found = []
    for unit in members["unit_id"]:
        seen: set[str] = set()
        while unit and unit not in above and unit not in seen:
            seen.add(unit)
            unit = parent.get(unit, "")  # noqa: PLW2901 - climbs
        found.append(unit if unit in above else "")
    known, number = np.unique(np.array(found, object).astype(str), return_inverse=True)
    titles = np.array([names.get(one, "") for one in known], object)
    return number.astype(np.int64), titles


def _cluster_units(
    members: gpd.GeoDataFrame, labels: NDArray[np.int64], titles: Texts, *, level: str,
    language: Language,
) -> gpd.GeoDataFrame:  # fmt: skip
    count = int(labels.max()) + 1
    first = np.unique(labels, return_index=True)[1]
    # Numbers begin anew in each unit above.
    title = titles[first]
    number = pd.Series(title).groupby(title).cumcount().to_numpy() + 1
    pattern = label(f"cluster_{level}", language)
    shapes = members.geometry.to_numpy()
    frame = members.iloc[first].copy().reset_index(drop=True)
    # What is said of a member alone is said of no cluster.
    for name in frame.columns.difference(["geometry"]):
        texts = pd.api.types.is_string_dtype(frame[name].dtype)
        frame[name] = "" if texts else frame[name].where(np.zeros(count, np.bool_))
    frame["unit_id"] = [f"{level}:{PROXY}-{at + 1:04d}" for at in range(count)]
    frame["name"] = [
        pattern.format(within=one, number=at) for one, at in zip(title, number, strict=True)
    ]
    frame["level"], frame["type"] = level, PROXY
    frame["should_have"] = np.ones(count, np.bool_)
    if "is_urban" in frame:
        frame["is_urban"] = _mostly(members["is_urban"], labels)
    for name in members.columns.intersection(list(_SUMMED)):
        frame[name] = members.groupby(labels)[name].sum(min_count=1).to_numpy()
        # A sum of some of the members would be none of the cluster.
        frame.loc[members[name].isna().groupby(labels).any().to_numpy(), name] = np.nan
    merged = [shapely.union_all(shapes[labels == at]) for at in range(count)]
    return frame.set_geometry(gpd.GeoSeries(merged, crs=members.crs))


def _mostly(values: pd.Series[Any], labels: NDArray[np.int64]) -> pd.Series[Any]:
    """Return what most members of each cluster are; unknown in a tie."""
    share = values.astype("boolean").astype("Float64").groupby(labels).mean()
    half = 0.5
    return (share > half).mask(share == half).astype("boolean").reset_index(drop=True)


def _looked_up(column: pd.Series[Any], of_member: Mapping[str, str]) -> Texts:
    return np.array([of_member.get(unit) for unit in column], object)


def _declared(
    column: Texts,
    facilities: pd.DataFrame,
    units: gpd.GeoDataFrame,
    level: str,
    of_member: Mapping[str, str],
) -> None:
    """Fill in the cluster of facilities that stand nowhere and declare a unit."""
    lost = np.flatnonzero(pd.isna(column))
    if not lost.size or "declared_unit" not in facilities:
        return
    table = pd.DataFrame(facilities.drop(columns="geometry", errors="ignore")).iloc[lost]
    table = table[table["declared_unit"].fillna("").astype(str) != ""]
    if table.empty:
        return
    book = pd.DataFrame(units.drop(columns="geometry"))
    pairs, _ = place_facilities(table, book, level=level)
    pairs = pairs[pairs["by"] == "declared"].drop_duplicates("facility_id")
    unit = dict(zip(pairs["facility_id"], pairs["unit_id"], strict=True))
    ids = facilities["facility_id"].to_numpy(object)
    column[lost] = [of_member.get(unit.get(name, "")) for name in ids[lost]]


def _sizes(
    labels: NDArray[np.int64],
    people: Floats,
    regions: NDArray[np.int64],
    settings: ClusterSettings,
    finest: str,
) -> dict[str, object]:
    sizes = np.bincount(labels, people).astype(np.float64)
    goal = np.full(sizes.size, settings.people or np.nan)
    if settings.people is None:
        # An even share of the unit above that the cluster lies in.
        region = regions[np.unique(labels, return_index=True)[1]]
        goal = (np.bincount(region, sizes) / np.bincount(region))[region]
    near = np.abs(sizes - goal) <= _NEAR * goal * (1.0 + 1e-9)
    return {
        "clusters": int(sizes.size),
        "units": int(people.size),
        "of": finest,
        "weight": settings.weight,
        "people": float(goal.mean()),
        "least": float(sizes.min()),
        "mean": float(sizes.mean()),
        "most": float(sizes.max()),
        "share_within_25_percent": float(near.mean()),
    }


def _proxy_note(level: str, said: Mapping[str, Any]) -> Problem:
    return Problem(
        code="clusters.proxy",
        severity="note",
        action="flagged",
        value=str(said["clusters"]),
        details={
            "level": level,
            "from": said["of"],
            "units": said["units"],
            "share": f"{said['share_within_25_percent']:.0%}",
            "people": f"{said['people']:.0f}",
            "least": f"{said['least']:.0f}",
            "most": f"{said['most']:.0f}",
        },
    )
