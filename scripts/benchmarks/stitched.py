"""Streets for benchmarks: read from a file, or invented; several copies stitched together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servicecircle.crs import metric_crs, transformer
from servicecircle.inputs.roads import read_roads
from servicecircle.network.graph import build_network
from servicecircle.network.modes import mode_network
from servicecircle.project import RoadSettings

__all__ = ["Streets", "invented_streets", "load_streets", "read_streets", "save_streets", "stitch"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK_M = 90.0
BETWEEN = 3
"""Vertices of an invented street between two crossings."""
MISSING = 0.12
"""Share of invented streets that are not there."""
BANDS = 5
"""Streets that join two neighbouring copies."""
GAP_M = 100.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Streets:
    """Nodes in metres and the straight edges between them, as arrays.

    Parameters
    ----------
    name : str
    x, y : numpy.ndarray of float, shape (n,)
    u, v : numpy.ndarray of int, shape (m,)
    """

    name: str
    x: Floats
    y: Floats
    u: Ints
    v: Ints


def read_streets(path: Path) -> Streets:
    """Read what can be walked from a file of roads, in a metric coordinate system."""
    raw, _ = read_roads(RoadSettings(path=Path(path.name)), base=path.parent)
    move = transformer("EPSG:4326", metric_crs(raw.lon, raw.lat).crs)
    x, y = (np.asarray(places, np.float64) for places in move.transform(raw.lon, raw.lat))
    network = mode_network(raw, x, y, mode="walk").network
    return Streets(name=path.name, x=network.x, y=network.y, u=network.u, v=network.v)


def invented_streets(crossings: int, *, seed: int) -> Streets:
    """Draw a crooked lattice of ``crossings`` by ``crossings``, some of its streets missing."""
    rng = np.random.default_rng(seed)
    column, row = (part.ravel() for part in np.meshgrid(*[np.arange(crossings)] * 2))
    x, y = BLOCK_M * column + rng.uniform(-20, 20, column.size), BLOCK_M * row.astype(float)
    y += rng.uniform(-20, 20, row.size)
    number = np.arange(crossings**2).reshape(crossings, crossings)
    start = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    end = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    there = rng.random(start.size) >= MISSING
    start, end = start[there], end[there]
    # Each street bends a little at the vertices between its crossings.
    share = np.arange(1, BETWEEN + 1) / (BETWEEN + 1)
    bend_x, bend_y = rng.normal(0.0, 3.0, (2, start.size, BETWEEN))
    inner_x = x[start, None] + share * (x[end] - x[start])[:, None] + bend_x
    inner_y = y[start, None] + share * (y[end] - y[start])[:, None] + bend_y
    inner = x.size + np.arange(inner_x.size).reshape(inner_x.shape)
    chain = np.concatenate([start[:, None], inner, end[:, None]], axis=1)
    return Streets(
        name=f"invented lattice of {crossings} x {crossings} crossings",
        x=np.concatenate([x, inner_x.ravel()]),
        y=np.concatenate([y, inner_y.ravel()]),
        u=chain[:, :-1].ravel(),
        v=chain[:, 1:].ravel(),
    )


def save_streets(streets: Streets, path: Path) -> None:
    """Keep streets in a file, so that every row's process has them at once."""
    np.savez(path, name=streets.name, x=streets.x, y=streets.y, u=streets.u, v=streets.v)


def load_streets(path: Path) -> Streets:
    """Return the streets of a file of :func:`save_streets`."""
    with np.load(path) as held:
        parts = {key: held[key] for key in ("x", "y", "u", "v")}
        return Streets(name=str(held["name"]), **parts)


def stitch(streets: Streets, copies: int) -> Streets:
    """Lay copies out in rows of up to four, each joined to its neighbours by a few streets."""
    if copies == 1:
        return streets
    wide = min(copies, 4 if copies > 4 else 2)  # noqa: PLR2004 - 2 x 1, 2 x 2, 4 x 2
    network = build_network(streets.x, streets.y, streets.u, streets.v)
    largest = network.component == np.argmax(network.component_m)
    nodes = np.flatnonzero(largest)
    step_x, step_y = np.ptp(streets.x) + GAP_M, np.ptp(streets.y) + GAP_M
    east, west = _outermost(streets.x, streets.y, nodes)
    north, south = _outermost(streets.y, streets.x, nodes)
    xs, ys, us, vs = [], [], [], []
    for copy in range(copies):
        shift = copy * streets.x.size
        xs.append(streets.x + copy % wide * step_x)
        ys.append(streets.y + copy // wide * step_y)
        us.append(streets.u + shift)
        vs.append(streets.v + shift)
        if copy % wide:
            us.append(east + shift - streets.x.size)
            vs.append(west + shift)
        if copy >= wide:
            us.append(north + shift - wide * streets.x.size)
            vs.append(south + shift)
    return Streets(
        name=f"{copies} x {streets.name}",
        x=np.concatenate(xs),
        y=np.concatenate(ys),
        u=np.concatenate(us),
        v=np.concatenate(vs),
    )


def _outermost(along: Floats, across: Floats, nodes: Ints) -> tuple[Ints, Ints]:
    """Return the nodes farthest out at both ends, one in each of several bands."""
    bands = np.array_split(nodes[np.argsort(across[nodes], kind="stable")], BANDS)
    far = [band[np.argmax(along[band])] for band in bands]
    near = [band[np.argmin(along[band])] for band in bands]
    return np.array(far, np.int64), np.array(near, np.int64)
