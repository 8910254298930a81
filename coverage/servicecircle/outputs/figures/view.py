"""What part of the study area a map on paper shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.outputs.column_words import scope_word
from servicecircle.outputs.figures.choice import headline_of

if TYPE_CHECKING:
    import geopandas as gpd

    from servicecircle.results import LayerInfo, Results

__all__ = ["MAP_INCHES", "MapView", "view_of"]

MAP_INCHES = 6.3
"""Width of a map."""

_LEAST, _MOST_HEIGHT = 3.4, 6.6
_MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class MapView:
    """What a map shows: west, south, east, north in degrees, and whether it is a part."""

    bounds: tuple[float, float, float, float]
    scope: str

    @property
    def stretch(self) -> float:
        """How much longer a degree of latitude is than one of longitude, in the middle."""
        return 1.0 / max(math.cos(math.radians((self.bounds[1] + self.bounds[3]) / 2.0)), 0.05)


def view_of(results: Results, layer: LayerInfo) -> MapView | None:
    """Return what the map of a layer shows; None where nothing has a place.

    The scope that its headline target is about, where there is one; else the layer's circles and
    facilities with the units that they lie in; else all units.

    Parameters
    ----------
    results : Results
    layer : LayerInfo
    """
    headline = headline_of(results, layer)
    if headline is not None and headline.scope and len(results.scopes):
        scopes = results.scopes[results.scopes["scope"] == headline.scope]
        if len(scopes) and (bounds := _bounds([scopes])) is not None:
            mark = "、" if results.language == "zh" else ", "
            named = dict.fromkeys(map(str, scopes["name"].fillna("")))
            names = mark.join(name for name in named if name.strip())
            return MapView(
                _with_margin(bounds), names or scope_word(headline.scope, results.language)
            )
    whole = _bounds([results.units]) or _bounds([results.scopes])
    facilities = results.facilities[results.facilities["layer"] == layer.name]
    circles = results.circles[results.circles["layer"] == layer.name]
    own = _bounds([circles, facilities])
    if whole is None:
        return None if own is None else MapView(_with_margin(own), "")
    if own is not None:
        # A site far outside does not push the area into a corner.
        own = (
            *(max(low, edge) for low, edge in zip(own[:2], whole[:2], strict=True)),
            *(min(high, edge) for high, edge in zip(own[2:], whole[2:], strict=True)),
        )  # type: ignore[assignment]  # four numbers, which mypy cannot count
        if own is not None and own[0] < own[2] and own[1] < own[3]:
            small = (own[2] - own[0]) * (own[3] - own[1])
            if small < 0.5 * (whole[2] - whole[0]) * (whole[3] - whole[1]):
                return MapView(_with_margin(own), "")
    return MapView(_with_margin(whole), "")


def _bounds(frames: Iterable[gpd.GeoDataFrame]) -> tuple[float, float, float, float] | None:
    found = [frame.total_bounds for frame in frames if len(frame)]
    found = [box for box in found if np.isfinite(box).all()]
    if not found:
        return None
    boxes = np.array(found)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _with_margin(
    bounds: tuple[float, float, float, float],
) -> tuple[float, float, float, float]:
    """Return bounds with a margin, and with the proportions that a page has room for."""
    west, south, east, north = bounds
    stretch = 1.0 / max(math.cos(math.radians((south + north) / 2.0)), 0.05)
    wide = max(east - west, 1e-3) * (1.0 + 2.0 * _MARGIN) / stretch
    high = max(north - south, 1e-3) * (1.0 + 2.0 * _MARGIN)
    high = max(high, wide * _LEAST / MAP_INCHES)
    wide = max(wide, high * MAP_INCHES / _MOST_HEIGHT)
    middle, level = (west + east) / 2.0, (south + north) / 2.0
    half = wide * stretch / 2.0
    return middle - half, level - high / 2.0, middle + half, level + high / 2.0
