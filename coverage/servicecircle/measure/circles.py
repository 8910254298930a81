"""Service circles of facilities and of layers, with the people inside by travel time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.measure.access import Points, reaches
from servicecircle.network.circles import (
    circle_polygons,
    count_polygons,
    groups,
    limit_bounds,
    one_polygon,
)
from servicecircle.network.field import Field, Window, window
from servicecircle.network.profiles import Profile
from servicecircle.network.reach import metres_from, nearest, node_distances, searches

__all__ = ["LayerCircles", "Weights", "area_bounds", "service_circles"]

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Weights:
    """People at the demand points; NaN where unknown."""

    population: Floats
    elderly: Floats

    def inside(self, here: NDArray[np.bool_]) -> tuple[float, float]:
        """Return the people and the elderly at the chosen points."""
        return float(self.population[here].sum()), float(self.elderly[here].sum())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerCircles:
    """The circles of one layer, in the run's metric coordinate system.

    Parameters
    ----------
    circles : geopandas.GeoDataFrame
        layer, facility_id ("" for the whole layer), profile, minutes, area_m2, population,
        elderly, geometry; nested by minutes for each facility and for the layer.
    overlaps : geopandas.GeoDataFrame
        layer, profile, minutes, facilities (at least so many circles of the longest time overlap
        here), geometry.
    within_count : numpy.ndarray of int, shape (k,)
        Facilities within the longest time of each demand point.
    """

    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    within_count: NDArray[np.int64]


def area_bounds(facilities: list[Points], limit_m: float, margin_m: float) -> Bounds | None:
    """Return the rectangle that holds every circle of all layers, or None without facilities."""
    x = np.concatenate([points.x for points in facilities] or [np.empty(0)])
    y = np.concatenate([points.y for points in facilities] or [np.empty(0)])
    here = np.isfinite(x) & np.isfinite(y)
    if not here.any():
        return None
    reach = limit_m + margin_m
    return (
        float(x[here].min()) - reach,
        float(y[here].min()) - reach,
        float(x[here].max()) + reach,
        float(y[here].max()) + reach,
    )


def service_circles(
    field: Field,
    demand: Points,
    weights: Weights,
    facilities: Points,
    *,
    layer: str,
    profile: Profile,
    minutes: tuple[float, ...],
    crs: str,
    advance: Callable[[int], None],
) -> LayerCircles:
    """Draw the circles of each facility and of the layer, and count the people inside.

    People are counted by their travel total, never by the polygon.

    Parameters
    ----------
    field : Field
        Must hold every circle (:func:`area_bounds`).
    demand, weights
    facilities : Points
        Open facilities with a place.
    layer : str
    profile : Profile
    minutes : tuple of float
        Ascending.
    crs : str
        The run's metric coordinate system.
    advance : callable
        Called with 1 for each facility done.
    """
    if demand.at is None or facilities.at is None:
        raise ValueError("circles need points that are attached to a network")
    network = field.network
    limits = [profile.metres(value) for value in minutes]
    longest = limits[-1]
    counts = np.zeros(field.slot.shape, np.int32)
    within = np.zeros(demand.x.size, np.int64)
    by_x = np.argsort(demand.x, kind="stable")
    sorted_x = demand.x[by_x]
    rows: list[dict[str, object]] = []
    shapes: list[shapely.MultiPolygon] = []

    def add(
        facility_id: str, polygons: list[shapely.MultiPolygon], here: NDArray[np.int64],
        metres: Floats,
    ) -> None:  # fmt: skip
        for value, limit, polygon in zip(minutes, limits, polygons, strict=True):
            population, elderly = weights.inside(here[reaches(metres, limit)])
            rows.append(
                {
                    "layer": layer,
                    "facility_id": facility_id,
                    "profile": profile.name,
                    "minutes": value,
                    "area_m2": float(shapely.area(polygon)),
                    "population": population,
                    "elderly": elderly,
                }
            )
            shapes.append(polygon)

    for source, node_metres in searches(network, facilities.at, limit_m=longest):
        x, y = float(facilities.x[source]), float(facilities.y[source])
        part = window(field, limit_bounds(x, y, longest, 2.0 * field.cell_m))
        totals = metres_from(network, node_metres, part.at, facilities.at, source)
        polygons = circle_polygons(
            field,
            part,
            totals,
            limits,
            node_metres=node_metres,
            targets=facilities.at.take(np.array([source])),
        )
        here = by_x[
            np.searchsorted(sorted_x, x - longest - 1.0) : np.searchsorted(
                sorted_x, x + longest + 1.0
            )
        ]
        metres = metres_from(
            network, node_metres, demand.at.take(here), facilities.at, source
        )
        within[here[reaches(metres, longest)]] += 1
        add(str(facilities.ids[source]), polygons, here, metres)
        covered = np.zeros(part.inside.shape, np.int32)
        covered[part.inside] = (totals <= longest) & (part.at.leg_m <= field.draw_m)
        counts[part.rows, part.columns] += covered
        advance(1)

    if not rows:
        return _nothing(within)
    node_metres, _ = node_distances(network, facilities.at)
    pieces: list[list[shapely.MultiPolygon]] = []
    parts: list[Window] = []
    for members, bounds in groups(facilities.x, facilities.y, longest, 2.0 * field.cell_m):
        part = window(field, bounds)
        targets = facilities.at.take(members)
        totals = nearest(network, part.at, targets).metres
        parts.append(part)
        pieces.append(
            circle_polygons(
                field,
                part,
                np.where(np.isnan(totals), np.inf, totals),
                limits,
                node_metres=node_metres,
                targets=targets,
            )
        )
    metres = nearest(network, demand.at, facilities.at).metres
    whole = [one_polygon(polygons) for polygons in zip(*pieces, strict=True)]
    add("", whole, np.arange(demand.x.size), metres)
    circles = gpd.GeoDataFrame(rows, geometry=np.array(shapes, object), crs=crs)
    overlaps = count_polygons(field, counts, parts)
    return LayerCircles(
        circles=circles,
        overlaps=gpd.GeoDataFrame(
            {
                "layer": [layer] * len(overlaps),
                "profile": [profile.name] * len(overlaps),
                "minutes": [minutes[-1]] * len(overlaps),
                "facilities": [least for least, _ in overlaps],
            },
            geometry=[polygon for _, polygon in overlaps],
            crs=crs,
        ),
        within_count=within,
    )


def _nothing(within: NDArray[np.int64]) -> LayerCircles:
    """Return no circles: the layer has no open facility that is attached."""
    none = gpd.GeoDataFrame(geometry=[])
    return LayerCircles(circles=none, overlaps=none, within_count=within)
