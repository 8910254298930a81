"""Service circles of facilities and of layers, with the people inside by travel time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from servicecircle.network.field import Field, circle_field, whole_window, window
from servicecircle.network.graph import Network
from servicecircle.network.profiles import Profile
from servicecircle.network.reach import metres_from, nearest, node_distances, searches
from servicecircle.network.snap import EdgeIndex

__all__ = ["Drawing", "LayerCircles", "Weights", "service_circles"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Weights:
    """People at the demand points; NaN where unknown."""

    population: Floats
    elderly: Floats

    def inside(self, here: NDArray[np.bool_] | NDArray[np.int64]) -> tuple[float, float]:
        """Return the people and the elderly at the chosen points."""
        return float(self.population[here].sum()), float(self.elderly[here].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How the circles of a layer are drawn.

    Parameters
    ----------
    layer : str
    profile : Profile
    minutes : tuple of float
        Ascending.
    cell_m, draw_m : float
        See :func:`servicecircle.network.field.circle_field`.
    crs : str
        The run's metric coordinate system.
    """

    layer: str
    profile: Profile
    minutes: tuple[float, ...]
    cell_m: float
    draw_m: float
    crs: str

    @property
    def limits_m(self) -> list[float]:
        """The times as metres."""
        return [self.profile.metres(value) for value in self.minutes]


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
    cell_m : float
        The coarsest cell that was drawn with.
    """

    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    within_count: NDArray[np.int64]
    cell_m: float


def service_circles(
    network: Network,
    index: EdgeIndex,
    demand: Points,
    weights: Weights,
    facilities: Points,
    *,
    drawing: Drawing,
    advance: Callable[[int], None],
) -> LayerCircles:
    """Draw the circles of each facility and of the layer, and count the people inside.

    People are counted by their travel total, never by the polygon. Facilities that are not
    attached have no circle.

    Parameters
    ----------
    network : Network
    index : EdgeIndex
        Of the network.
    demand : Points
    weights : Weights
        People at the demand points.
    facilities : Points
        Open facilities with a place.
    drawing : Drawing
    advance : callable
        Called with the number of facilities done.

    Returns
    -------
    LayerCircles

    Raises
    ------
    ValueError
        If the points are not attached to a network.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.profiles import profile
    >>> from servicecircle.network.snap import attach, edge_index
    >>> network = build_network([0, 3000], [0, 0], [0], [1])
    >>> def points(x, y):
    ...     ids = np.array([f"p{number}" for number in range(len(x))], object)
    ...     at = attach(network, x, y)
    ...     return Points(ids=ids, x=np.array(x, float), y=np.array(y, float), at=at)
    >>> drawn = service_circles(
    ...     network,
    ...     edge_index(network),
    ...     points([100, 900, 2500], [0, 0, 0]),
    ...     Weights(population=np.array([3.0, 4.0, 5.0]), elderly=np.array([1.0, 1.0, np.nan])),
    ...     points([400, 400], [0, 9000]),  # the second is too far from the street
    ...     drawing=Drawing(
    ...         layer="canteen",
    ...         profile=profile("elderly"),
    ...         minutes=(5, 10),
    ...         cell_m=10.0,
    ...         draw_m=25.0,
    ...         crs="EPSG:4549",
    ...     ),
    ...     advance=lambda done: None,
    ... )
    >>> drawn.circles[["facility_id", "minutes", "population"]].values.tolist()
    [['p0', 5.0, 0.0], ['p0', 10.0, 7.0], ['', 5.0, 0.0], ['', 10.0, 7.0]]
    >>> drawn.within_count.tolist()
    [1, 1, 0]
    """
    if demand.at is None or facilities.at is None:
        raise ValueError("circles need points that are attached to a network")
    limits = drawing.limits_m
    attached = np.flatnonzero(facilities.at.snapped)
    advance(facilities.x.size - attached.size)
    within = np.zeros(demand.x.size, np.int64)
    drawn: dict[str, list[shapely.MultiPolygon]] = {}
    inside: dict[str, list[tuple[float, float]]] = {}
    pieces: list[list[shapely.MultiPolygon]] = []
    overlaps: list[list[tuple[int, shapely.MultiPolygon]]] = []
    cell = drawing.cell_m
    by_x = np.argsort(demand.x, kind="stable")
    for members, bounds in groups(
        facilities.x[attached], facilities.y[attached], limits[-1], 4.0 * drawing.cell_m
    ):
        rows = attached[members]
        group = facilities.take(rows)
        field = circle_field(network, index, bounds, cell_m=drawing.cell_m, draw_m=drawing.draw_m)
        cell = max(cell, field.cell_m)
        counts = np.zeros(field.slot.shape, np.int32)
        for at, polygons, metres, here in _each(field, group, demand, by_x, limits, counts):
            name = str(group.ids[at])
            drawn[name] = polygons
            inside[name] = [weights.inside(here[reaches(metres, limit)]) for limit in limits]
            within[here[reaches(metres, limits[-1])]] += 1
            advance(1)
        pieces.append(_together(field, group, limits))
        overlaps.append(count_polygons(field, counts))
    # The circle of the layer comes last, under no facility's name.
    names = [str(name) for name in facilities.ids[attached]]
    if names:
        metres = nearest(network, demand.at, facilities.at).metres
        drawn[""] = [one_polygon(bands) for bands in zip(*pieces, strict=True)]
        inside[""] = [weights.inside(reaches(metres, limit)) for limit in limits]
        names.append("")
    return LayerCircles(
        circles=_circle_table(names, drawn, inside, drawing),
        overlaps=_overlap_table(overlaps, drawing),
        within_count=within,
        cell_m=cell,
    )


def _each(
    field: Field,
    group: Points,
    demand: Points,
    by_x: NDArray[np.int64],
    limits: list[float],
    counts: NDArray[np.int32],
) -> Iterator[tuple[int, list[shapely.MultiPolygon], Floats, NDArray[np.int64]]]:
    """Draw each facility of a group; yield it, its circles, and the metres of the demand near it.

    Adds one to the counts of the cells inside its longest circle.
    """
    if demand.at is None or group.at is None:
        return
    longest = limits[-1]
    sorted_x = demand.x[by_x]
    for at, node_metres in searches(field.network, group.at, limit_m=longest):
        x, y = float(group.x[at]), float(group.y[at])
        part = window(field, limit_bounds(x, y, longest, 2.0 * field.cell_m))
        totals = metres_from(field.network, node_metres, part.at, group.at, at)
        polygons = circle_polygons(
            field,
            part,
            totals,
            limits,
            node_metres=node_metres,
            targets=group.at.take(np.array([at])),
        )
        covered = np.zeros(part.inside.shape, np.int32)
        covered[part.inside] = (totals <= longest) & (part.at.leg_m <= field.draw_m)
        counts[part.rows, part.columns] += covered
        # No way is shorter than straight, so demand farther off in x alone is out of reach.
        low, high = np.searchsorted(sorted_x, (x - longest - 1.0, x + longest + 1.0))
        here = by_x[low:high]
        metres = metres_from(field.network, node_metres, demand.at.take(here), group.at, at)
        yield at, polygons, metres, here


def _together(field: Field, group: Points, limits: list[float]) -> list[shapely.MultiPolygon]:
    """Draw the circles of a group as one: of the nearest of its facilities."""
    if group.at is None:
        return []
    part = whole_window(field)
    totals = nearest(field.network, part.at, group.at).metres
    return circle_polygons(
        field,
        part,
        np.where(np.isnan(totals), np.inf, totals),
        limits,
        node_metres=node_distances(field.network, group.at)[0],
        targets=group.at,
    )


def _circle_table(
    names: list[str],
    drawn: Mapping[str, list[shapely.MultiPolygon]],
    inside: Mapping[str, list[tuple[float, float]]],
    drawing: Drawing,
) -> gpd.GeoDataFrame:
    shapes = np.array([polygon for name in names for polygon in drawn[name]], object)
    people = [pair for name in names for pair in inside[name]]
    return gpd.GeoDataFrame(
        {
            "layer": drawing.layer,
            "facility_id": np.repeat(np.array(names, object), len(drawing.minutes)),
            "profile": drawing.profile.name,
            "minutes": np.tile(np.array(drawing.minutes, float), len(names)),
            "area_m2": shapely.area(shapes).astype(float),
            "population": [population for population, _ in people],
            "elderly": [elderly for _, elderly in people],
        },
        geometry=shapes,
        crs=drawing.crs,
    )


def _overlap_table(
    overlaps: list[list[tuple[int, shapely.MultiPolygon]]], drawing: Drawing
) -> gpd.GeoDataFrame:
    by_count: dict[int, list[shapely.MultiPolygon]] = {}
    for found in overlaps:
        for least, polygon in found:
            by_count.setdefault(least, []).append(polygon)
    counts = sorted(by_count)
    return gpd.GeoDataFrame(
        {
            "layer": drawing.layer,
            "profile": drawing.profile.name,
            "minutes": drawing.minutes[-1],
            "facilities": counts,
        },
        geometry=[one_polygon(by_count[least]) for least in counts],
        crs=drawing.crs,
    )
