"""Service areas: a circle of a layer parted by the nearest facility, without gap or overlap.

Each cell has a nearest facility. Where two neighbours differ, the border crosses the line between
them, and is found there by halving; within a square the crossings are joined. The lines part the
circle into faces, and each face belongs to the facility nearest to a point in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.field import Field, window
from servicecircle.network.reach import nearest
from servicecircle.network.snap import Attachment, EdgeIndex, nearest_edges

__all__ = ["nearest_labels", "service_areas"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# 10 m are halved to 0.2 m.
_HALVINGS = 6


def nearest_labels(
    field: Field, index: EdgeIndex, targets: Attachment, x: Floats, y: Floats, *, limit: float
) -> Ints:
    """Return the facility nearest to each point in travel; -1 where none is within the limit.

    Parameters
    ----------
    field : Field
    index : EdgeIndex
        Of the field's network.
    targets : Attachment
    x, y : numpy.ndarray of float, shape (k,)
    limit : float
        In the unit of the travel.

    Returns
    -------
    numpy.ndarray of int64, shape (k,)

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach, edge_index
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -50, 900, 50))
    >>> two = attach(network, [0, 900], [0, 0])
    >>> x, y = np.array([100.0, 800.0, 449.0]), np.zeros(3)
    >>> nearest_labels(field, edge_index(network), two, x, y, limit=300.0).tolist()
    [0, 1, -1]
    """
    most_m = field.draw_m + 3.0 * field.cell_m
    at = nearest_edges(field.network, index, x, y, most_m=most_m)
    found = nearest(field.travel, at, targets, direction=field.direction, limit=limit)
    return np.where(found.cost <= limit, found.target, -1)


def service_areas(
    field: Field,
    index: EdgeIndex,
    targets: Attachment,
    circle: shapely.MultiPolygon,
) -> dict[int, shapely.MultiPolygon]:
    """Part the circle of a layer by the nearest facility.

    Parameters
    ----------
    field : Field
        That the circle was drawn on.
    index : EdgeIndex
        Of its network.
    targets : Attachment
        The facilities of the layer.
    circle : shapely.MultiPolygon
        Of the layer, at any limit.

    Returns
    -------
    dict of int to shapely.MultiPolygon
        By facility, ascending; those that are nearest nowhere are missing. Together the circle.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach, edge_index
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -50, 900, 50))
    >>> circle = shapely.MultiPolygon([shapely.box(100, -20, 800, 20)])
    >>> two = attach(network, [100, 700], [0, 0])
    >>> parts = service_areas(field, edge_index(network), two, circle)
    >>> [(name, round(part.area, -2)) for name, part in parts.items()]
    [(0, 12000.0), (1, 16000.0)]
    >>> service_areas(field, edge_index(network), two, shapely.MultiPolygon())
    {}
    """
    if shapely.is_empty(circle):
        return {}

    def labels_at(x: Floats, y: Floats) -> Ints:
        # Beyond the limit too, so that borders run on over the rim of the circle.
        return nearest_labels(field, index, targets, x, y, limit=np.inf)

    lines = _borders(field, labels_at)
    rings = shapely.boundary(circle)
    noded = shapely.union_all(np.array([*lines, rings], object))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(faces)
    shapely.prepare(circle)
    mine = shapely.contains(circle, inner)
    faces, inner = faces[mine], inner[mine]
    label = labels_at(shapely.get_x(inner), shapely.get_y(inner))
    parted: dict[int, shapely.MultiPolygon] = {}
    for name in np.unique(label).tolist():
        whole = shapely.get_parts(shapely.coverage_union_all(faces[label == name]))
        parted[name] = shapely.MultiPolygon(list(whole))
    return parted


def _borders(field: Field, labels_at: Callable[[Floats, Floats], Ints]) -> NDArray[np.object_]:
    """Return short lines between the cells that belong to different facilities."""
    part = window(field)
    grid = np.full(part.shape, -1, np.int64)
    near = field.slot >= 0
    x, y = np.meshgrid(part.x, part.y)
    grid[near] = labels_at(x[near], y[near])
    across = _crossings(grid, part.x, part.y, labels_at, down=False)
    down = _crossings(grid, part.x, part.y, labels_at, down=True)
    # The four sides of each square, in order: south, east, north, west.
    sides = np.stack([across[:-1], down[:, 1:], across[1:], down[:, :-1]], axis=2)
    met = np.asarray(np.isfinite(sides).all(axis=3))
    squares = np.nonzero(np.any(met, axis=2))
    sides, met = sides[squares], met[squares]
    count = met.sum(axis=1)
    two = count == 2  # noqa: PLR2004 - a border in and out
    ends = sides[two][met[two]].reshape(-1, 2, 2)
    # Where three meet, or the border ends at a cell without a facility: in the middle.
    rest = ~two
    middle = np.repeat(np.nanmean(sides[rest], axis=1), count[rest], axis=0)
    spokes = np.stack([sides[rest][met[rest]], middle], axis=1)
    pieces = np.concatenate([ends, spokes])
    apart = np.asarray(np.any(pieces[:, 0] != pieces[:, 1], axis=1))
    pieces = pieces[apart]
    return np.asarray(shapely.linestrings(pieces))


def _crossings(
    grid: Ints, x: Floats, y: Floats, labels_at: Callable[[Floats, Floats], Ints], *, down: bool
) -> Floats:
    """Return the place between each pair of neighbours where the facility changes, else NaN."""
    one, other = (grid[:-1], grid[1:]) if down else (grid[:, :-1], grid[:, 1:])
    found = np.full((*one.shape, 2), np.nan)
    rows, columns = np.nonzero((one != other) & (one >= 0) & (other >= 0))
    label = one[rows, columns]
    near = np.stack([x[columns], y[rows]], axis=1)
    far = np.stack([x[columns + int(not down)], y[rows + int(down)]], axis=1)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2.0
        same = (labels_at(middle[:, 0], middle[:, 1]) == label)[:, None]
        near, far = np.where(same, middle, near), np.where(same, far, middle)
    found[rows, columns] = (near + far) / 2.0
    return found
