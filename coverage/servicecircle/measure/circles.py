"""Service circles of facilities and of layers, with the people inside by travel time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.measure.access import Points, reaches
from servicecircle.network.areas import service_areas
from servicecircle.network.bounded import search_blocks
from servicecircle.network.circles import (
    circle_polygons,
    count_polygons,
    groups,
    limit_bounds,
    one_polygon,
    reached_bounds,
)
from servicecircle.network.compiled import in_order
from servicecircle.network.feet import arcs_of, seeds_of
from servicecircle.network.field import Field, Window, circle_field
from servicecircle.network.profiles import Profile
from servicecircle.network.reach import costs_from, nearest, node_costs
from servicecircle.network.snap import EdgeIndex
from servicecircle.network.surface import surface
from servicecircle.network.travel import Direction, Travel

__all__ = ["Drawing", "LayerCircles", "Weights", "service_circles"]

Floats = NDArray[np.float64]

# A circle is at most a thousand cells wide, and a street on coarser cells at least as many of them
# as one of 50 m on those of 10 m.
_CELLS_OF_REACH = 500.0
_CELLS_OF_DRAW = 2.5


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
        See :func:`servicecircle.network.field.circle_field`; the least, see :meth:`resolution`.
    crs : str
        The run's metric coordinate system.
    direction : {"to", "from"}
        Who travels: people to a facility, or a service from it.
    index : EdgeIndex, optional
        Of the network; with it the longest circle of the layer is parted by nearest facility.
    """

    layer: str
    profile: Profile
    minutes: tuple[float, ...]
    cell_m: float
    draw_m: float
    crs: str
    direction: Direction = "to"
    index: EdgeIndex | None = None

    def limits(self, travel: Travel) -> list[float]:
        """Return the times in the unit of a travel."""
        if travel.unit == "metres":
            return [self.profile.metres(value) for value in self.minutes]
        return [60.0 * value for value in self.minutes]

    def resolution(self, reach_m: float) -> tuple[float, float]:
        """Return the cell to draw with, and how far from the network, for a reach.

        Whoever drives gets ten kilometres far, through thousands of blocks: their circles are
        drawn on coarser cells, and farther from the roads, so that the cells still hold them.

        Parameters
        ----------
        reach_m : float
            No circle reaches farther from its facility.

        Returns
        -------
        cell_m, draw_m : float
            More than those of the drawing where a circle would be wider than a thousand cells.
        """
        cell_m = reach_m / _CELLS_OF_REACH
        if cell_m <= self.cell_m:
            return self.cell_m, self.draw_m
        return cell_m, max(self.draw_m, _CELLS_OF_DRAW * cell_m)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerCircles:
    """The circles of one layer, in the run's metric coordinate system.

    Parameters
    ----------
    circles : geopandas.GeoDataFrame
        layer, facility_id ("" for the whole layer), profile, minutes, area_m2, population,
        elderly, cell_m, draw_m (of the drawing), geometry; nested by minutes for each facility
        and for the layer.
    overlaps : geopandas.GeoDataFrame
        layer, profile, minutes, facilities (at least so many circles of the longest time overlap
        here), geometry.
    within_count : numpy.ndarray of int, shape (k,)
        Facilities within the longest time of each demand point.
    areas : geopandas.GeoDataFrame
        layer, facility_id, profile, minutes (the longest), area_m2, population, elderly (those
        for whom it is the nearest), cell_m, draw_m, geometry: the circle of the layer parted by
        nearest facility.
    cell_m, draw_m : float
        The coarsest cell that was drawn with, and how far from the network.
    """

    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    within_count: NDArray[np.int64]
    cell_m: float
    draw_m: float


def service_circles(
    travel: Travel,
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
    travel : Travel
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
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 3000], [0, 0], [0], [1])
    >>> def points(x, y):
    ...     ids = np.array([f"p{number}" for number in range(len(x))], object)
    ...     at = attach(network, x, y)
    ...     return Points(ids=ids, x=np.array(x, float), y=np.array(y, float), at=at)
    >>> drawn = service_circles(
    ...     metres_travel(network),
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
    limits = drawing.limits(travel)
    attached = np.flatnonzero(facilities.at.attached)
    advance(facilities.x.size - attached.size)
    within = np.zeros(demand.x.size, np.int64)
    drawn: dict[str, list[shapely.MultiPolygon]] = {}
    inside: dict[str, list[tuple[float, float]]] = {}
    pieces: list[list[shapely.MultiPolygon]] = []
    overlaps: list[list[tuple[int, shapely.MultiPolygon]]] = []
    areas: dict[str, shapely.MultiPolygon] = {}
    by_x = np.argsort(demand.x, kind="stable")
    # No way is shorter than straight.
    farthest = limits[-1] * travel.metres_per_cost + facilities.spread_m
    cell, draw_m = drawing.resolution(farthest)
    drawing = replace(drawing, cell_m=cell, draw_m=draw_m)
    for members, bounds in groups(
        facilities.x[attached], facilities.y[attached], farthest, 4.0 * drawing.cell_m
    ):
        group = facilities.take(attached[members])
        field = circle_field(
            travel,
            bounds,
            cell_m=drawing.cell_m,
            draw_m=drawing.draw_m,
            direction=drawing.direction,
        )
        cell = max(cell, field.cell_m)
        counts = np.zeros(field.slot.shape, np.int32)
        for at, polygons, cost, here in _each(field, group, demand, by_x, limits, counts):
            name = str(group.ids[at])
            drawn[name] = polygons
            inside[name] = [weights.inside(here[reaches(cost, limit)]) for limit in limits]
            within[here[reaches(cost, limits[-1])]] += 1
            advance(1)
        pieces.append(_together(field, group, limits))
        if drawing.index is not None and group.at is not None:
            parted = service_areas(field, drawing.index, group.at, pieces[-1][-1])
            areas |= {str(group.ids[at]): area for at, area in parted.items()}
        overlaps.append(count_polygons(field, counts))
    # The circle of the layer comes last, under no facility's name.
    names = [str(name) for name in facilities.ids[attached]]
    parted_people: dict[str, list[tuple[float, float]]] = {}
    if names:
        found = nearest(travel, demand.at, facilities.at, direction=drawing.direction)
        drawn[""] = [one_polygon(bands) for bands in zip(*pieces, strict=True)]
        inside[""] = [weights.inside(reaches(found.cost, limit)) for limit in limits]
        last = reaches(found.cost, limits[-1])
        for at in attached[np.isin(facilities.ids[attached], list(areas))]:
            mine = [weights.inside(last & (found.target == at))]
            parted_people[str(facilities.ids[at])] = mine
        names.append("")
    drawing = replace(drawing, cell_m=cell)
    whole = replace(drawing, minutes=drawing.minutes[-1:])
    shares = {name: [areas[name]] for name in parted_people}
    return LayerCircles(
        circles=_circle_table(names, drawn, inside, drawing),
        overlaps=_overlap_table(overlaps, drawing),
        areas=_circle_table(list(shares), shares, parted_people, whole),
        within_count=within,
        cell_m=cell,
        draw_m=draw_m,
    )


def _each(
    field: Field,
    group: Points,
    demand: Points,
    by_x: NDArray[np.int64],
    limits: list[float],
    counts: NDArray[np.int32],
) -> Iterator[tuple[int, list[shapely.MultiPolygon], Floats, NDArray[np.int64]]]:
    """Draw each facility of a group; yield it, its circles, and the cost of the demand near it.

    Adds one to the counts of the cells inside its longest circle.
    """
    if demand.at is None or group.at is None:
        return
    travel, places, at_demand = field.travel, group.at, demand.at
    farthest = limits[-1] * travel.metres_per_cost + group.spread_m
    sorted_x = demand.x[by_x]
    # One array of all nodes for each thread, and not for each facility.
    spare: SimpleQueue[Floats] = SimpleQueue()

    def draw(at: int, nodes: NDArray[np.int32], costs: Floats) -> _Drawn:
        try:
            node_cost = spare.get_nowait()
        except Empty:
            node_cost = np.full(travel.network.x.size, np.inf)
        node_cost[nodes] = costs
        one = places.take(np.array([at]))
        x, y = float(group.x[at]), float(group.y[at])
        square = limit_bounds(x, y, farthest, 2.0 * field.cell_m)
        over = surface(field, node_cost, one, bounds=reached_bounds(field, nodes, one, square))
        polygons = circle_polygons(over, limits)
        # Demand farther off in x alone is out of reach.
        low, high = np.searchsorted(sorted_x, (x - farthest - 1.0, x + farthest + 1.0))
        here = by_x[low:high]
        here = here[np.abs(demand.y[here] - y) <= farthest + 1.0]
        cost = costs_from(travel, node_cost, at_demand.take(here), one, direction=field.direction)
        node_cost[nodes] = np.inf
        spare.put(node_cost)
        return _Drawn(at, polygons, cost, here, over.part, over.covered(limits[-1]))

    seeds = seeds_of(travel, places, direction=field.direction)
    blocks = search_blocks(
        arcs_of(travel, field.direction), seeds, limit=limits[-1], carry_metres=False
    )
    tasks = (
        (at, found.nodes[begin:end], found.cost[begin:end])
        for sources, found in blocks
        for at, begin, end in zip(
            sources.tolist(), found.starts[:-1], found.starts[1:], strict=True
        )
    )
    for drawn in in_order(draw, tasks):
        part = drawn.part
        counts[part.rows, part.columns] += drawn.covered
        yield drawn.at, drawn.polygons, drawn.cost, drawn.here


class _Drawn(NamedTuple):
    """What was drawn of a facility, and the cost of the demand near it."""

    at: int
    polygons: list[shapely.MultiPolygon]
    cost: Floats
    here: NDArray[np.int64]
    part: Window
    covered: NDArray[np.bool_]


def _together(field: Field, group: Points, limits: list[float]) -> list[shapely.MultiPolygon]:
    """Draw the circles of a group as one: of the nearest of its facilities."""
    if group.at is None:
        return []
    cost, _, _ = node_costs(field.travel, group.at, direction=field.direction, limit=limits[-1])
    return circle_polygons(surface(field, cost, group.at), limits)


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
            "cell_m": drawing.cell_m,
            "draw_m": drawing.draw_m,
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
