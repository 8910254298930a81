"""Candidates with the units and scopes that they stand in, and how they join the network."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.access import Points
from servicecircle.measure.ground import Ground
from servicecircle.measure.places import GAP_M, place_points
from servicecircle.project import DRAWN_LEVELS
from servicecircle.siting.zones import Building

__all__ = ["placed_frame"]


def placed_frame(
    rows: pd.DataFrame, points: Points, ground: Ground, rules: Building
) -> gpd.GeoDataFrame:
    """Return candidates with their units and scopes, and how they join the network.

    Parameters
    ----------
    rows : pandas.DataFrame
        With ``source`` and ``facility_id``.
    points : Points
        In the order of the rows, attached where there are roads.
    ground : Ground
    rules : Building
        Its units in metres.

    Returns
    -------
    geopandas.GeoDataFrame
        In WGS84, with ``unit_<level>``, ``in_<scope>``, snap_m, snap_status. What is known of the
        units of existing ones stays.
    """
    x, y = points.x, points.y
    lon, lat = rules.to_degrees(x, y)
    columns: dict[str, NDArray[Any]] = {}
    old = (rows["source"] == "existing").to_numpy(bool)
    facilities = ground.facilities.set_index("facility_id").loc[rows.loc[old, "facility_id"]]
    for level in ground.units["level"].drop_duplicates():
        mine = np.flatnonzero((ground.units["level"] == level).to_numpy())
        gap_m = 0.0 if level in DRAWN_LEVELS else GAP_M
        found = place_points(x, y, rules.units[mine], gap_m=gap_m).polygon
        ids = ground.units["unit_id"].to_numpy(object)[mine]
        column = np.full(x.size, None, object)
        column[found >= 0] = ids[found[found >= 0]]
        if f"unit_{level}" in facilities:
            # What is known of existing ones stays: some stand in no more than their township.
            column[old] = facilities[f"unit_{level}"].to_numpy(object)
        columns[f"unit_{level}"] = column
    for scope in ground.scopes["scope"].drop_duplicates():
        shapes = ground.scopes.geometry[(ground.scopes["scope"] == scope).to_numpy()]
        areas = rules.projected(shapes.to_numpy())
        columns[f"in_{scope}"] = place_points(x, y, areas, gap_m=0.0).polygon >= 0
    at = points.at
    columns["snap_m"] = np.full(x.size, np.nan) if at is None else at.least_leg_m
    status = np.full(x.size, "no_roads", object)
    if at is not None:
        status = np.where(at.attached, "attached", "unsnapped").astype(object)
    columns["snap_status"] = status
    geometry = gpd.points_from_xy(lon, lat, crs="EPSG:4326")
    return gpd.GeoDataFrame(rows.assign(**columns), geometry=geometry)
