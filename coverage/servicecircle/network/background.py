"""A light background of roads for maps: the main ones, merged and generalised."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from servicecircle.inputs.raw_roads import RawRoads

__all__ = ["background_roads"]

# From what a map needs most to what it can do without.
_RANK = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "motorway_link",
    "trunk_link",
    "primary_link",
    "secondary_link",
    "tertiary_link",
    "unclassified",
    "residential",
    "pedestrian",
    "living_street",
    "",
    "service",
    "track",
    "footway",
    "cycleway",
    "path",
)
_MOST_VERTICES = 60_000
_TOLERANCE_DEGREES = 5e-5


def background_roads(roads: RawRoads | None) -> gpd.GeoDataFrame:
    """Return the main roads, class by class, as long as the background stays light.

    Parameters
    ----------
    roads : RawRoads, optional

    Returns
    -------
    geopandas.GeoDataFrame
        Columns class and geometry (MultiLineString, EPSG:4326), the most important first; a class
        that would bring the whole past 60,000 vertices ends the list. Empty without roads.

    Examples
    --------
    >>> len(background_roads(None))
    0
    """
    classes: list[str] = []
    shapes: list[shapely.Geometry] = []
    budget = _MOST_VERTICES
    if roads is not None:
        names = list(roads.class_names)
        order = [name for name in _RANK if name in names]
        order += sorted(name for name in names if name not in _RANK)
        for name in order:
            rows = np.flatnonzero(roads.way_class == names.index(name))
            ends = np.stack([roads.u[rows], roads.v[rows]], axis=1)
            lines = shapely.linestrings(np.stack([roads.lon[ends], roads.lat[ends]], axis=2))
            whole = shapely.line_merge(shapely.multilinestrings(np.asarray(lines, object)))
            merged = shapely.simplify(whole, _TOLERANCE_DEGREES)
            budget -= int(shapely.get_num_coordinates(merged))
            if budget < 0 and classes:
                break
            parts = shapely.get_parts(merged)
            if parts.size:
                classes.append(name)
                shapes.append(shapely.MultiLineString(list(parts)))
    return gpd.GeoDataFrame({"class": classes}, geometry=shapes, crs="EPSG:4326")
