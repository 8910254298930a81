"""Where people of units may live: buildings, residential land, or one point of each unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.coordinates import Floats
from servicecircle.inputs.shapes import Geometries, areas_m2, equal_area_crs, polygons_only, project

__all__ = ["Places", "building_places", "centre_places", "residential_places"]

Indices = NDArray[np.int64]
CELL_M = 100.0
# Pairs of a piece of land and a cell that are held at once.
_MOST_PAIRS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where people of units may live, with the weight of each place in its unit.

    Parameters
    ----------
    unit : numpy.ndarray of int, shape (n,)
        Position of the unit in its table.
    ids : numpy.ndarray of str, shape (n,)
    lon, lat : numpy.ndarray of float, shape (n,)
    weight : numpy.ndarray of float, shape (n,)
        Square metres.
    error_m : numpy.ndarray of float, shape (n,)
        Radius of a circle of the area that the place stands for.
    counts : dict
        Rows of the source: total, used, outside (in no unit), set_aside (without an area).
    kind : {"buildings", "land", "centres"}
    """

    unit: Indices
    ids: NDArray[np.object_]
    lon: Floats
    lat: Floats
    weight: Floats
    error_m: Floats
    counts: dict[str, float] = field(default_factory=dict)
    kind: Literal["buildings", "land", "centres"] = "centres"


def building_places(
    units: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *, ids: Sequence[str]
) -> Places:
    """Place each building in the unit that holds its inner point, weighted by its footprint.

    Parameters
    ----------
    units, buildings : geopandas.GeoDataFrame
        EPSG:4326. Where units overlap, the first one gets the building.
    ids : sequence of str
        One for each building.

    Examples
    --------
    >>> units = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> houses = gpd.GeoDataFrame(geometry=[shapely.box(0.1, 0.1, 0.2, 0.2)], crs=4326)
    >>> building_places(units, houses, ids=["a"]).unit.tolist()
    [0]
    >>> building_places(units, houses[:0], ids=[]).counts["total"]
    0
    """
    shapes = polygons_only(buildings.geometry.to_numpy())
    area = areas_m2(shapes)
    solid = ~shapely.is_missing(shapes) & (area > 0.0)
    points = shapely.point_on_surface(shapes)
    tree = shapely.STRtree(units.geometry.to_numpy())
    which, unit = tree.query(points, predicate="intersects")
    owner = np.full(len(shapes), len(units), dtype=np.int64)
    np.minimum.at(owner, which, unit)
    inside = solid & (owner < len(units))
    return Places(
        unit=owner[inside],
        ids=np.array(list(ids), dtype=object)[inside],
        lon=shapely.get_x(points[inside]),
        lat=shapely.get_y(points[inside]),
        weight=area[inside],
        error_m=np.sqrt(area[inside] / np.pi),
        counts={
            "total": len(shapes),
            "used": int(inside.sum()),
            "outside": int((solid & ~inside).sum()),
            "set_aside": int((~solid).sum()),
        },
        kind="buildings",
    )


def residential_places(
    units: gpd.GeoDataFrame, land: gpd.GeoDataFrame, *, cell_m: float = CELL_M
) -> Places:
    """Cut residential land by units and by a square grid; each part is a place.

    Land that is drawn twice counts once. The grid lies in an equal-area projection about the
    units, so that a weight is the exact area of its part.

    Parameters
    ----------
    units, land : geopandas.GeoDataFrame
        EPSG:4326; units need the column unit_id.
    cell_m : float
        Side of a cell of the grid.

    Examples
    --------
    >>> units = gpd.GeoDataFrame({"unit_id": ["u"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> land = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 0.002, 0.001)], crs=4326)
    >>> places = residential_places(units, land)
    >>> len(places.unit), round(float(places.weight.sum()))
    (6, 24618)
    """
    shapes = polygons_only(land.geometry.to_numpy())
    solid = ~shapely.is_missing(shapes)
    crs = equal_area_crs(units.geometry.to_numpy())
    counts: dict[str, float] = {"total": len(shapes), "set_aside": int((~solid).sum())}
    whole = shapely.union_all(polygons_only(project(shapes[solid], crs)))
    parts = shapely.get_parts(whole)
    owners = polygons_only(project(units.geometry.to_numpy(), crs))
    unit, part = shapely.STRtree(parts).query(owners, predicate="intersects")
    order = np.lexsort((part, unit))
    unit, part = unit[order], part[order]
    cut = polygons_only(shapely.intersection(owners[unit], parts[part]))
    pieces, at = shapely.get_parts(cut, return_index=True)
    unit = unit[at]
    counts["land_m2"] = float(shapely.area(whole))
    counts["land_in_units_m2"] = float(shapely.area(pieces).sum())
    if not len(pieces):
        nothing = np.empty(0)
        return Places(
            unit=unit, ids=nothing.astype(object), lon=nothing, lat=nothing, weight=nothing,
            error_m=nothing, counts=counts,
        )  # fmt: skip
    table = pd.concat(
        [_cut_by_grid(pieces, unit, group, cell_m) for group in _groups(pieces, cell_m)]
    )
    # A unit's part of a cell is one place, at the largest piece of it.
    keys = ["unit", "j", "i"]
    table = table.sort_values(
        [*keys, "area", "x", "y"], ascending=[True, True, True, False, True, True]
    )
    first = table.drop_duplicates(keys)
    weight = table.groupby(keys, sort=True)["area"].sum().to_numpy(np.float64)
    middle = np.asarray(shapely.points(first[["x", "y"]].to_numpy()), dtype=object)
    points = project(middle, crs, back=True)
    names = units["unit_id"].to_numpy()[first["unit"].to_numpy()]
    return Places(
        unit=first["unit"].to_numpy(np.int64),
        ids=np.array(
            [f"{name}:{j}:{i}" for name, j, i in zip(names, first["j"], first["i"], strict=True)],
            dtype=object,
        ),
        lon=shapely.get_x(points),
        lat=shapely.get_y(points),
        weight=weight,
        error_m=np.sqrt(weight / np.pi),
        counts=counts,
        kind="land",
    )


def _cells_of(pieces: Geometries, cell_m: float) -> tuple[Indices, Indices, Indices]:
    """Return first column, first row and the number of columns and rows of each piece's cells."""
    box = shapely.bounds(pieces)
    low = np.floor(box[:, :2] / cell_m).astype(np.int64)
    size = np.floor(box[:, 2:] / cell_m).astype(np.int64) - low + 1
    return low, size, size[:, 0] * size[:, 1]


def _groups(pieces: Geometries, cell_m: float) -> list[Indices]:
    """Return pieces in groups that together have a bounded number of cells."""
    _, _, many = _cells_of(pieces, cell_m)
    group = np.cumsum(many) // _MOST_PAIRS
    return np.split(np.arange(len(pieces)), np.flatnonzero(np.diff(group)) + 1)


def _cut_by_grid(pieces: Geometries, unit: Indices, group: Indices, cell_m: float) -> pd.DataFrame:
    low, size, many = _cells_of(pieces[group], cell_m)
    piece = np.repeat(np.arange(len(group)), many)
    step = np.arange(len(piece)) - np.repeat(np.cumsum(many) - many, many)
    i = low[piece, 0] + step % size[piece, 0]
    j = low[piece, 1] + step // size[piece, 0]
    cells = shapely.box(i * cell_m, j * cell_m, (i + 1) * cell_m, (j + 1) * cell_m)
    own = pieces[group]
    shapely.prepare(own)
    whole = shapely.contains(own[piece], cells)
    edge = ~whole & shapely.intersects(own[piece], cells)
    area = np.where(whole, cell_m**2, 0.0)
    x, y = (i + 0.5) * cell_m, (j + 0.5) * cell_m
    parts = shapely.intersection(own[piece[edge]], cells[edge])
    area[edge] = shapely.area(parts)
    inner = shapely.point_on_surface(parts)
    x[edge], y[edge] = shapely.get_x(inner), shapely.get_y(inner)
    used = area > 0.0
    return pd.DataFrame(
        {
            "unit": unit[group][piece][used],
            "i": i[used],
            "j": j[used],
            "x": x[used],
            "y": y[used],
            "area": area[used],
        }
    )


def centre_places(units: gpd.GeoDataFrame) -> Places:
    """Place all people of a unit at one point inside it, in error by the unit's own size.

    Examples
    --------
    >>> units = gpd.GeoDataFrame({"unit_id": ["u"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> centre_places(units).ids.tolist(), centre_places(units[:0]).ids.tolist()
    (['u'], [])
    """
    shapes = units.geometry.to_numpy()
    points = shapely.point_on_surface(shapes)
    area = areas_m2(shapes)
    return Places(
        unit=np.arange(len(units), dtype=np.int64),
        ids=units["unit_id"].to_numpy(dtype=object),
        lon=shapely.get_x(points),
        lat=shapely.get_y(points),
        weight=area,
        error_m=np.sqrt(area / np.pi),
        counts={"total": len(units), "used": len(units)},
    )
