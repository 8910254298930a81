"""Chosen sites as facilities: the inputs of a run as they would be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from servicecircle.inputs.load import Inputs
from servicecircle.inputs.sites import Sites

__all__ = ["PROPOSED", "doors_of_sites", "proposed_id", "with_sites", "without_facilities"]

PROPOSED = "proposed"
"""Status of a facility that a siting study proposes; it counts as open from its date on."""


def proposed_id(layer: str, candidate_id: str) -> str:
    """Return the id of the facility that a candidate becomes.

    Examples
    --------
    >>> proposed_id("canteen", "grid:12")
    'canteen:proposed:grid:12'
    """
    return f"{layer}:{PROPOSED}:{candidate_id}"


def doors_of_sites(
    chosen: pd.DataFrame, inputs: Inputs, sites: Sites
) -> dict[str, shapely.Geometry]:
    """Return the outlines and entrances of candidates, by which the people near them are told.

    Parameters
    ----------
    chosen : pandas.DataFrame
        Rows of the table of candidates: candidate_id, listed, facility_id.
    inputs : Inputs
        In whose facilities some of them are set up.
    sites : Sites
        The lists that they are of.

    Returns
    -------
    dict of str to shapely.Geometry
        candidate_id → entrances or outline in WGS84, of those that have any.

    Examples
    --------
    >>> chosen = pd.DataFrame({"candidate_id": ["grid:1"], "listed": "grid", "facility_id": ""})
    >>> nothing = gpd.GeoDataFrame(geometry=[], crs=4326)
    >>> inputs = Inputs(
    ...     units=nothing, scopes=nothing, population=None, roads=None, problems=(), files=(),
    ...     facilities={},
    ... )
    >>> doors_of_sites(chosen, inputs, Sites())
    {}
    """
    known: dict[str, shapely.Geometry] = {}
    hosts = {name: shape for one in inputs.facilities.values() for name, shape in one.doors.items()}
    for candidate, host in zip(chosen["candidate_id"], chosen["facility_id"], strict=True):
        if host in hosts:
            known[str(candidate)] = hosts[host]
    for name in dict.fromkeys(chosen["listed"]):
        if name in sites.lists:
            given = sites.lists[name]
            mine = given.table["site_id"].isin(chosen["candidate_id"]).to_numpy(bool)
            mine = mine & ~shapely.is_missing(given.doors)
            known |= dict(zip(given.table["site_id"][mine], given.doors[mine], strict=True))
    return known


def with_sites(
    inputs: Inputs,
    layer: str,
    sites: gpd.GeoDataFrame,
    *,
    opened: pd.Series[dt.date],
    attributes: Mapping[str, object] | None = None,
    doors: Mapping[str, shapely.Geometry] | None = None,
) -> Inputs:
    """Return inputs with sites added to the facilities of a layer.

    Parameters
    ----------
    inputs : Inputs
    layer : str
    sites : geopandas.GeoDataFrame, EPSG:4326
        Rows of the table of candidates: candidate_id, name, capacity, geometry.
    opened : pandas.Series of datetime.date
        When each opens, by the index of ``sites``.
    attributes : mapping of str to object, optional
        Values of further columns of the list, such as a grade that a rule asks for.
    doors : mapping of str to shapely.Geometry, optional
        candidate_id → entrances or outline in WGS84, by which a site is entered.

    Returns
    -------
    Inputs
        The rows that were there before first, as they were.

    Examples
    --------
    >>> from servicecircle.inputs.facilities import FacilityData
    >>> listed = gpd.GeoDataFrame(
    ...     {"facility_id": ["canteen:1"], "status": ["open"], "capacity": [30.0],
    ...      "opened": pd.to_datetime(["2020-01-01"])},
    ...     geometry=[shapely.Point(120.1, 30)], crs=4326)
    >>> empty = gpd.GeoDataFrame({"facility_id": []}, geometry=[], crs=4326)
    >>> inputs = Inputs(
    ...     units=empty, scopes=empty, population=None, roads=None, problems=(), files=(),
    ...     facilities={"canteen": FacilityData(listed, (), 1, 0)},
    ... )
    >>> sites = gpd.GeoDataFrame(
    ...     {"candidate_id": ["grid:1"], "name": ["1"], "capacity": [np.inf]},
    ...     geometry=[shapely.Point(120, 30)], crs=4326)
    >>> day = pd.Series([dt.date(2026, 12, 31)])
    >>> frame = with_sites(inputs, "canteen", sites, opened=day).facilities["canteen"].frame
    >>> frame[["facility_id", "status", "capacity"]].values.tolist()
    [['canteen:1', 'open', 30.0], ['canteen:proposed:grid:1', 'proposed', nan]]
    >>> with_sites(inputs, "canteen", sites.iloc[:0], opened=day.iloc[:0]) is inputs
    True
    """
    if not len(sites):
        return inputs
    data = inputs.facilities[layer]
    frame = data.frame
    capacity = sites["capacity"].to_numpy(np.float64)
    given: dict[str, object] = {
        "facility_id": [proposed_id(layer, str(name)) for name in sites["candidate_id"]],
        "layer": layer,
        "name": sites["name"].astype(str).tolist(),
        "capacity": np.where(np.isfinite(capacity), capacity, np.nan),
        "opened": pd.to_datetime(opened.loc[sites.index]).to_numpy(),
        "status": PROPOSED,
        "datum": "wgs84",
        "position_error_m": 0.0,
        "placed_by": "candidate",
        "invented": False,
        **(attributes or {}),
    }
    # A place that states its own capacity keeps it, whatever others are taken to have.
    others = np.asarray(given["capacity"], np.float64)
    given["capacity"] = np.where(np.isfinite(capacity), capacity, others)
    columns = {
        str(name): _column(given.get(str(name)), kind, len(sites))
        for name, kind in frame.dtypes.items()
        if name != "geometry"
    }
    added = gpd.GeoDataFrame(columns, geometry=sites.geometry.to_numpy(), crs=frame.crs)
    joined = pd.concat([frame, added[[*map(str, frame.columns)]]], ignore_index=True)
    entered = {proposed_id(layer, name): shape for name, shape in (doors or {}).items()}
    whole = replace(
        data,
        frame=gpd.GeoDataFrame(joined, geometry="geometry", crs=frame.crs),
        doors={**data.doors, **entered},
    )
    return replace(inputs, facilities={**inputs.facilities, layer: whole})


def without_facilities(inputs: Inputs, closed: Mapping[str, dt.date]) -> Inputs:
    """Return inputs in which some facilities close.

    Parameters
    ----------
    inputs : Inputs
    closed : mapping of str to datetime.date
        facility_id → the day from which it is closed.

    Returns
    -------
    Inputs
    """
    if not closed:
        return inputs
    facilities = {}
    for layer, data in inputs.facilities.items():
        days = data.frame["facility_id"].map(closed)
        frame = data.frame
        if days.notna().any():
            gone = pd.to_datetime(days).astype(frame["closed"].dtype)
            frame = frame.assign(
                closed=gone.where(days.notna(), frame["closed"]),
                status=frame["status"].mask(days.notna(), "closed"),
            )
        facilities[layer] = replace(data, frame=frame)
    return replace(inputs, facilities=facilities)


def _column(values: Any, kind: Any, count: int) -> pd.Series[Any]:
    """Return a column of a kind, of values or where there are none of unknown ones."""
    if values is None:
        # A column of that kind without rows, laid over as many: what it does not hold is unknown.
        filled: pd.Series[Any] = pd.Series([], dtype=kind).reindex(range(count))
        if isinstance(kind, pd.StringDtype) or kind == np.dtype(object):
            filled = filled.fillna("")
        elif kind == np.dtype(bool):
            filled = filled.fillna(value=False)
        column: pd.Series[Any] = filled.astype(kind)
        return column
    return pd.Series(values, index=range(count), dtype="object").astype(kind)
