"""The field that circles are drawn on: for each cell near the network, where it meets an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.graph import Network
from servicecircle.network.snap import Attachment, EdgeIndex, nearest_edges

__all__ = ["Field", "Window", "circle_field", "whole_window", "window"]

Floats = NDArray[np.float64]

_MOST_CELLS = 200_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Field:
    """Cells near the network and where each meets its nearest edge.

    Cells are named by their centre, at whole multiples of ``cell_m``.

    Parameters
    ----------
    network : Network
    index : EdgeIndex
        Of the network.
    cell_m : float
        Distance of the centres.
    draw_m : float
        Circles reach at most this far from their nearest edge.
    column0, row0 : int
        The first centre stands at ``column0 * cell_m``, ``row0 * cell_m``.
    slot : numpy.ndarray of int, shape (rows, columns)
        Index into ``at`` of each cell near the network, -1 for the others.
    at : Attachment
        Of the cells near the network.
    """

    network: Network
    index: EdgeIndex
    cell_m: float
    draw_m: float
    column0: int
    row0: int
    slot: NDArray[np.int32]
    at: Attachment


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Window:
    """A rectangle of a field.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shapes (columns,) and (rows,)
        Centres.
    rows, columns : slice
        Of the field's ``slot``.
    inside : numpy.ndarray of bool, shape (rows, columns)
        Cells near the network.
    at : Attachment
        Of those cells, in row order.
    """

    x: Floats
    y: Floats
    rows: slice
    columns: slice
    inside: NDArray[np.bool_]
    at: Attachment


@compiled()
def _mark(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    ax: Floats, ay: Floats, bx: Floats, by: Floats, reach: float, cell: float,
    column0: int, row0: int, near: NDArray[np.bool_],
) -> None:  # fmt: skip
    rows, columns = near.shape
    for k in range(ax.size):
        dx, dy = bx[k] - ax[k], by[k] - ay[k]
        parts = max(1, int(np.ceil(max(abs(dx), abs(dy)) / reach)))
        for part in range(parts):
            px, py = ax[k] + dx * part / parts, ay[k] + dy * part / parts
            qx, qy = ax[k] + dx * (part + 1) / parts, ay[k] + dy * (part + 1) / parts
            c1 = max(int(np.floor((min(px, qx) - reach) / cell)) - column0, 0)
            c2 = min(int(np.ceil((max(px, qx) + reach) / cell)) - column0, columns - 1)
            r1 = max(int(np.floor((min(py, qy) - reach) / cell)) - row0, 0)
            r2 = min(int(np.ceil((max(py, qy) + reach) / cell)) - row0, rows - 1)
            for r in range(r1, r2 + 1):
                for c in range(c1, c2 + 1):
                    near[r, c] = True


def circle_field(
    network: Network,
    index: EdgeIndex,
    bounds: tuple[float, float, float, float],
    *,
    cell_m: float = 10.0,
    draw_m: float = 25.0,
) -> Field:
    """Compute the field over an area, for all facilities in it.

    Parameters
    ----------
    network : Network
    index : EdgeIndex
        Of the network.
    bounds : tuple of float
        Smallest x, smallest y, largest x, largest y of the area, in metres.
    cell_m : float
        Wanted distance of the cells' centres; coarser where the area would need more than
        200 million cells, and said in the result.
    draw_m : float
        Circles reach at most this far from their nearest edge.

    Returns
    -------
    Field

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(network, edge_index(network), (0, 0, 100, 90))
    >>> field.slot.shape, len(field.at)  # the cells up to 45 m from the road
    ((10, 11), 55)
    >>> len(circle_field(network, edge_index(network), (5e3, 0, 6e3, 90)).at)
    0
    """
    west, south, east, north = bounds
    area = max(east - west, 0.0) * max(north - south, 0.0)
    cell = max(cell_m, float(np.sqrt(area / _MOST_CELLS)))
    column0, row0 = int(np.floor(west / cell)), int(np.floor(south / cell))
    columns = int(np.ceil(east / cell)) - column0 + 1
    rows = int(np.ceil(north / cell)) - row0 + 1
    near = np.zeros((rows, columns), np.bool_)
    reach = draw_m + 2.0 * cell
    ids = np.flatnonzero(network.eligible)
    u, v = network.u[ids], network.v[ids]
    ax, ay, bx, by = network.x[u], network.y[u], network.x[v], network.y[v]
    here = (
        (np.maximum(ax, bx) >= west - reach)
        & (np.minimum(ax, bx) <= east + reach)
        & (np.maximum(ay, by) >= south - reach)
        & (np.minimum(ay, by) <= north + reach)
    )
    _mark(ax[here], ay[here], bx[here], by[here], reach, cell, column0, row0, near)
    flat = np.flatnonzero(near.ravel())
    x = (flat % columns + column0) * cell
    y = (flat // columns + row0) * cell
    at = nearest_edges(network, index, x, y, most_m=reach)
    kept = at.snapped
    slot = np.full(rows * columns, -1, np.int32)
    slot[flat[kept]] = np.arange(int(kept.sum()), dtype=np.int32)
    return Field(
        network=network,
        index=index,
        cell_m=cell,
        draw_m=draw_m,
        column0=column0,
        row0=row0,
        slot=slot.reshape(rows, columns),
        at=at.take(np.flatnonzero(kept)),
    )


def window(field: Field, bounds: tuple[float, float, float, float]) -> Window:
    """Cut a rectangle out of a field, grown to whole cells and clipped to the field.

    Parameters
    ----------
    field : Field
    bounds : tuple of float
        Smallest x, smallest y, largest x, largest y, in metres.

    Returns
    -------
    Window

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(network, edge_index(network), (0, 0, 100, 90))
    >>> window(field, (12, 3, 38, 18)).x.tolist()
    [10.0, 20.0, 30.0, 40.0]
    >>> window(field, (5e3, 5e3, 6e3, 6e3)).inside.size
    0
    """
    west, south, east, north = bounds
    rows_all, columns_all = field.slot.shape
    c1 = min(max(int(np.floor(west / field.cell_m)) - field.column0, 0), columns_all)
    c2 = max(min(int(np.ceil(east / field.cell_m)) - field.column0 + 1, columns_all), c1)
    r1 = min(max(int(np.floor(south / field.cell_m)) - field.row0, 0), rows_all)
    r2 = max(min(int(np.ceil(north / field.cell_m)) - field.row0 + 1, rows_all), r1)
    slots = field.slot[r1:r2, c1:c2]
    inside = slots >= 0
    pick = slots[inside]
    return Window(
        x=(np.arange(c1, c2) + field.column0) * field.cell_m,
        y=(np.arange(r1, r2) + field.row0) * field.cell_m,
        rows=slice(r1, r2),
        columns=slice(c1, c2),
        inside=inside,
        at=field.at.take(pick.astype(np.int64)),
    )


def _centres(first: int, count: int, cell_m: float) -> Floats:
    return np.arange(first, first + count).astype(np.float64) * cell_m


def whole_window(field: Field) -> Window:
    """Return all of a field as a window.

    Parameters
    ----------
    field : Field

    Returns
    -------
    Window

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(network, edge_index(network), (0, 0, 100, 90))
    >>> whole_window(field).inside.shape
    (10, 11)
    >>> whole_window(circle_field(network, edge_index(network), (5e3, 0, 5e3, 0))).inside.any()
    np.False_
    """
    rows, columns = field.slot.shape
    inside = field.slot >= 0
    return Window(
        x=_centres(field.column0, columns, field.cell_m),
        y=_centres(field.row0, rows, field.cell_m),
        rows=slice(0, rows),
        columns=slice(0, columns),
        inside=inside,
        at=field.at.take(field.slot[inside].astype(np.int64)),
    )
