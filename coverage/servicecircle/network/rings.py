"""Rings closed from cuts, and their holes put into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["closed_rings", "nested_rings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = -1
# Rings smaller than this, in square metres, are nothing but rounding.
_SPECK = 1e-6


@compiled()
def closed_rings(x: Floats, y: Floats, after: Ints) -> tuple[Floats, Ints, Floats]:
    """Return the vertices of closed rings, where each begins, and its area, below 0 for holes."""
    cuts = after.size
    vertices = np.empty((3 * cuts + 1, 2))
    starts, areas = np.zeros(cuts + 1, np.int64), np.empty(cuts)
    done = np.zeros(cuts, np.bool_)
    count, rings = 0, 0
    for first in range(cuts):
        if done[first]:
            continue
        begin, at = count, first
        while not done[at]:
            done[at] = True
            vertices[count, 0], vertices[count, 1] = x[2 * at], y[2 * at]
            count += 1
            end, at = 2 * at + 1, after[at]
            if at < 0:
                raise ValueError("a border that does not close")
            if x[end] != x[2 * at] or y[end] != y[2 * at]:
                vertices[count, 0], vertices[count, 1] = x[end], y[end]
                count += 1
        vertices[count] = vertices[begin]
        count += 1
        twice = 0.0
        x0, y0 = vertices[begin, 0], vertices[begin, 1]
        for k in range(begin, count - 1):
            twice += (vertices[k, 0] - x0) * (vertices[k + 1, 1] - y0)
            twice -= (vertices[k + 1, 0] - x0) * (vertices[k, 1] - y0)
        if abs(twice) < 2.0 * _SPECK:
            count = begin
            continue
        areas[rings] = twice / 2.0
        rings += 1
        starts[rings] = count
    return vertices[:count], starts[: rings + 1], areas[:rings]


@compiled()
def _holds(ring: Floats, x: float, y: float) -> bool:
    """Tell whether a point lies in a ring."""
    inside = False
    for k in range(ring.shape[0] - 1):
        ay, by = ring[k, 1], ring[k + 1, 1]
        if (ay > y) != (by > y):
            ax, bx = ring[k, 0], ring[k + 1, 0]
            if x < ax + (bx - ax) * ((y - ay) / (by - ay)):
                inside = not inside
    return inside


@compiled()
def nested_rings(vertices: Floats, starts: Ints, areas: Floats) -> tuple[Floats, Ints, Ints]:
    """Return the vertices ring by ring, each shell followed by its holes.

    And where each ring begins, and each polygon among the rings.
    """
    rings = areas.size
    boxes = np.empty((rings, 4))
    for ring in range(rings):
        part = vertices[starts[ring] : starts[ring + 1]]
        boxes[ring, 0], boxes[ring, 1] = part[:, 0].min(), part[:, 1].min()
        boxes[ring, 2], boxes[ring, 3] = part[:, 0].max(), part[:, 1].max()
    shells = np.flatnonzero(areas > 0.0)
    # The least shell that holds a hole is its own.
    shells = shells[np.argsort(areas[shells], kind="mergesort")]
    owner = np.arange(rings)
    for hole in range(rings):
        if areas[hole] > 0.0:
            continue
        likely, several = _NONE, False
        for shell in shells:
            if (
                boxes[shell, 0] <= boxes[hole, 0] and boxes[shell, 1] <= boxes[hole, 1]
                and boxes[shell, 2] >= boxes[hole, 2] and boxes[shell, 3] >= boxes[hole, 3]
            ):  # fmt: skip
                several = likely != _NONE
                likely = int(shell)
                if several:
                    break
        if several:
            x, y = vertices[starts[hole], 0], vertices[starts[hole], 1]
            for shell in shells:
                if (
                    boxes[shell, 0] <= boxes[hole, 0] and boxes[shell, 1] <= boxes[hole, 1]
                    and boxes[shell, 2] >= boxes[hole, 2] and boxes[shell, 3] >= boxes[hole, 3]
                    and _holds(vertices[starts[shell] : starts[shell + 1]], x, y)
                ):  # fmt: skip
                    likely = int(shell)
                    break
        owner[hole] = likely
    return _in_order(vertices, starts, areas, owner)


@compiled()
def _in_order(
    vertices: Floats, starts: Ints, areas: Floats, owner: Ints
) -> tuple[Floats, Ints, Ints]:
    rings = areas.size
    # Chains of the holes of each shell, in their order.
    first, onward = np.full(rings, _NONE, np.int64), np.full(rings, _NONE, np.int64)
    for hole in range(rings - 1, -1, -1):
        if owner[hole] != hole and owner[hole] != _NONE:
            onward[hole] = first[owner[hole]]
            first[owner[hole]] = hole
    out = np.empty_like(vertices)
    ring_starts, polygon_starts = np.zeros(rings + 1, np.int64), np.zeros(rings + 1, np.int64)
    count, ring, polygons = 0, 0, 0
    for shell in range(rings):
        if owner[shell] != shell:
            continue
        at = shell
        while at != _NONE:
            size = starts[at + 1] - starts[at]
            out[count : count + size] = vertices[starts[at] : starts[at + 1]]
            count += size
            ring += 1
            ring_starts[ring] = count
            at = first[shell] if at == shell else onward[at]
        polygons += 1
        polygon_starts[polygons] = ring
    return out[:count], ring_starts[: ring + 1], polygon_starts[: polygons + 1]
