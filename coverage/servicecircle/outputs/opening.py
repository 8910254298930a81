"""What the page of the map shows first: whose rate, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import LayerInfo, Results

__all__ = ["first_measure", "opening_bounds"]

_FOR_ELDERLY = {"care_home", "elderly_day_center", "canteen", "rehab_care_union"}
"""Layers of elderly care, with those that were split from them."""
_SCOPES = ("main_urban_area", "city_proper")
"""Areas that a study is about, the narrowest first."""
_ROOM = 0.03
"""Of the height and the width, left around what is shown."""


def first_measure(layer: LayerInfo) -> Literal["people", "elderly"]:
    """Return whose rate shades a layer's units until the reader chooses.

    Of the elderly where the layer is of elderly care or its ways are walked at their speed.

    Parameters
    ----------
    layer : LayerInfo

    Examples
    --------
    >>> from servicecircle.results import LayerInfo
    >>> def first(name, profile="walk"):
    ...     return first_measure(LayerInfo(name=name, zh="", en="", profile=profile, speed_kmh=4.0,
    ...                                    invented=False, on_network=True))
    >>> first("care_station"), first("school"), first("park", "elderly")
    ('elderly', 'people', 'elderly')
    """
    words = load_registry().layers.get(layer.name)
    group = words.group if words is not None else ""
    if layer.profile == "elderly" or {layer.name, group} & _FOR_ELDERLY:
        return "elderly"
    return "people"


def opening_bounds(results: Results) -> list[list[float]] | None:
    """Return ``[[south, west], [north, east]]`` of the area that the study is about, or None.

    That is the main urban area, else the city proper, with the sites that a study proposes;
    without either the whole area opens.

    Parameters
    ----------
    results : Results

    Examples
    --------
    >>> import geopandas as gpd
    >>> from types import SimpleNamespace
    >>> none = gpd.GeoDataFrame({"scope": []}, geometry=[], crs="EPSG:4326")
    >>> opening_bounds(SimpleNamespace(scopes=none)) is None
    True
    """
    scopes: Any = results.scopes
    for name in _SCOPES:
        shapes = scopes.geometry[scopes["scope"] == name]
        shapes = shapes[~(shapes.isna() | shapes.is_empty)]
        if not len(shapes):
            continue
        bounds = [float(value) for value in shapes.total_bounds]
        sites = results.tables.get("sites")
        if sites is not None and len(sites):
            least, most = sites[["lon", "lat"]].min(), sites[["lon", "lat"]].max()
            bounds[:2] = np.fmin(bounds[:2], least.to_numpy(np.float64)).tolist()
            bounds[2:] = np.fmax(bounds[2:], most.to_numpy(np.float64)).tolist()
        west, south, east, north = bounds
        if np.isfinite([west, south, east, north]).all():
            wide, high = _ROOM * (east - west), _ROOM * (north - south)
            return [
                [round(south - high, 5), round(west - wide, 5)],
                [round(north + high, 5), round(east + wide, 5)],
            ]
    return None
