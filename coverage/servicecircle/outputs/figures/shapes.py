"""Shapes on the axes of a map: areas with holes, lines, places for names, round lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fill_shapes", "label_places", "nice_length", "stroke_lines"]

Box = tuple[float, float, float, float]
_LETTER_INCHES = 7.0 / 72.0
_NARROW = 0.58
_LAST_NARROW = "\u2e7f"


def fill_shapes(
    axes: Axes, shapes: Sequence[Any] | np.ndarray, *, box: Box | None, pixel: float, **looks: Any
) -> None:
    """Draw areas, holes left open; what is smaller than half a pixel is left out.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Is changed.
    shapes : sequence of shapely geometries
        Areas; None and others are passed over.
    box : (west, south, east, north), optional
        To cut them at; their borders must then not be drawn.
    pixel : float
        Width of a pixel in degrees.
    **looks
        Of the patch.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    given = np.asarray(shapes, dtype=object)
    given = given[~(shapely.is_missing(given) | shapely.is_empty(given))]
    given = shapely.simplify(given, pixel / 2.0)
    if box is not None:
        given = shapely.clip_by_rect(given, *box)
    parts = shapely.get_parts(shapely.get_parts(given))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = parts[~shapely.is_empty(parts)]
    if not parts.size:
        return
    # Holes run against their shell: only then does the path leave them open.
    rings = shapely.get_rings(shapely.orient_polygons(parts))
    coordinates, of_ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(coordinates), Path.LINETO, np.uint8)
    starts = np.flatnonzero(np.diff(of_ring, prepend=-1))
    codes[starts] = Path.MOVETO
    codes[np.append(starts[1:], len(codes)) - 1] = Path.CLOSEPOLY
    if "edgecolor" not in looks:
        looks |= {"edgecolor": "none"}
    # As an artist: the limits of the map stand, and need not be found from all its points.
    axes.add_artist(PathPatch(Path(coordinates, codes), **looks))


def stroke_lines(
    axes: Axes,
    lines: Sequence[Any] | np.ndarray,
    *,
    box: Box,
    pixel: float,
    color: str,
    width: float,
    zorder: float,
) -> None:
    """Draw lines, cut at a box and generalised to half a pixel.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Is changed.
    lines : sequence of shapely geometries
    box : (west, south, east, north)
    pixel : float
        Width of a pixel in degrees.
    color : str
    width : float
        Points.
    zorder : float
    """
    from matplotlib.collections import LineCollection

    given = shapely.get_parts(np.asarray(lines, dtype=object))
    given = given[shapely.intersects(given, shapely.box(*box))]
    parts = shapely.get_parts(shapely.simplify(given, pixel / 2.0))
    if not parts.size:
        return
    coordinates, of_line = shapely.get_coordinates(parts, return_index=True)
    cuts = np.flatnonzero(np.diff(of_line)) + 1
    axes.add_collection(
        LineCollection(
            np.split(coordinates, cuts),
            colors=color,
            linewidths=width,
            zorder=zorder,
            capstyle="round",
        ),
        autolim=False,
    )


def label_places(
    shapes: Sequence[Any] | np.ndarray,
    names: Sequence[str],
    *,
    box: Box,
    stretch: float,
    inches: float,
) -> list[tuple[int, float, float]]:
    """Return where names can be written without touching each other, the largest areas first.

    Parameters
    ----------
    shapes : sequence of shapely geometries
        Areas, None among them are passed over.
    names : sequence of str
    box : (west, south, east, north)
        Names that would not lie inside are left out.
    stretch : float
        Degrees of longitude to one of latitude, by length.
    inches : float
        Width of the map.

    Returns
    -------
    list of (int, float, float)
        Number of the area, and the middle of its name.

    Examples
    --------
    >>> areas = [shapely.box(0, 0, 9, 9), shapely.box(4, 4, 5, 5), None]
    >>> [at for at, _, _ in label_places(areas, ["A", "B", "C"], box=(0, 0, 10, 10),
    ...                                  stretch=1.0, inches=6.0)]
    [0]
    """
    given = np.asarray(shapes, dtype=object)
    there = ~(shapely.is_missing(given) | shapely.is_empty(given))
    order = np.flatnonzero(there)[np.argsort(-shapely.area(given[there]), kind="stable")]
    letter = (box[2] - box[0]) / inches * _LETTER_INCHES
    taken: list[Box] = []
    places = []
    for at in order.tolist():
        middle = shapely.point_on_surface(given[at])
        x, y = float(middle.x), float(middle.y)
        if not (box[0] < x < box[2] and box[1] < y < box[3]):
            continue
        wide = sum(1.0 if one > _LAST_NARROW else _NARROW for one in names[at]) * letter
        high = 1.25 * letter / stretch
        mine = (x - wide / 2.0, y - high / 2.0, x + wide / 2.0, y + high / 2.0)
        if not (box[0] < mine[0] and mine[2] < box[2]) or any(_touch(mine, one) for one in taken):
            continue
        taken.append(mine)
        places.append((at, x, y))
    return places


def _touch(one: Box, other: Box) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def nice_length(most: float) -> float:
    """Return the longest of 1, 2, 5, 10, 20 … that is not longer than this.

    Examples
    --------
    >>> nice_length(730.0), nice_length(2000.0), nice_length(0.3)
    (500.0, 2000.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(most))
    found = next(step for step in (5.0, 2.0, 1.0) if step * power <= most * (1.0 + 1e-9))
    return round(found * power, 6)
