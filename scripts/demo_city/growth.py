"""Streets of towns, villages and hamlets, grown from the roads that pass through them."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from demo_city.frame import Bools, Floats, cell_of
from demo_city.net import Net, Street

BENT = 0.3
"""Share of streets that have a vertex between their ends."""


@dataclass(frozen=True)
class Settlement:
    """One place to grow: its centre node, how many street ends, their spacing."""

    centre: int
    count: int
    spacing: float
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """The nodes and edges of the net as it was, to find what is near."""

    points: Floats
    tree: cKDTree
    pairs: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    middles: cKDTree


def index_of(net: Net) -> Index:
    """Return the index of a net as it stands, motorways left out."""
    points = net.points()
    pairs = np.array([k for k, s in net.edges.items() if not s.kind.startswith("motorway")])
    return Index(points, cKDTree(points), pairs, cKDTree(points[pairs].mean(axis=1)))


def _cross(a: Floats, b: Floats, starts: Floats, ends: Floats) -> bool:
    """Return whether the stretch a–b crosses any of the others."""

    def side(p: Floats, q: Floats, r: Floats) -> Floats:
        return np.asarray(
            (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1])
            - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])
        )

    one = side(a, b, starts) * side(a, b, ends) < -1e-9
    two = side(starts, ends, a) * side(starts, ends, b) < -1e-9
    return bool((one & two).any())


@dataclass
class _Near:
    """What stands around a settlement, its own new streets included."""

    nodes: list[int]
    spots: list[tuple[float, float]]
    segments: list[tuple[float, float, float, float]]

    def add(self, node: int, xy: tuple[float, float]) -> None:
        self.nodes.append(node)
        self.spots.append(xy)

    def closest(self, spot: Floats) -> tuple[int, float]:
        """Return the nearest node and how far it is."""
        gaps = np.hypot(*(np.array(self.spots) - spot).T)
        index = int(gaps.argmin())
        return self.nodes[index], float(gaps[index])

    def crossed(self, a: Floats, b: Floats) -> bool:
        lines = np.array(self.segments).reshape(-1, 4)
        return _cross(a, b, lines[:, :2], lines[:, 2:])


def _target(
    rng: np.random.Generator, net: Net, near: _Near, node: int, there: Floats, *, spacing: float
) -> tuple[int, Floats] | None:
    """Return where a street ends: at a node near by, at a new one (-1), or nowhere."""
    end, gap = near.closest(there)
    if gap >= 0.62 * spacing:
        return -1, there
    if end == node or rng.random() < 0.35 or (node, end) in net.edges or (end, node) in net.edges:
        return None
    there = np.array(net.xy[end])
    length = float(np.hypot(*(there - net.xy[node])))
    return (end, there) if 0.4 < length / spacing < 1.7 else None


def _street(
    rng: np.random.Generator,
    net: Net,
    near: _Near,
    ends: tuple[int, int],
    street: Street,
    *,
    spacing: float,
) -> list[int]:
    """Lay one street, straight or with a vertex in it; return that vertex."""
    here, there = (np.array(net.xy[node]) for node in ends)
    chain = list(ends)
    if rng.random() < BENT:
        half = (here + there) / 2 + rng.normal(0.0, 0.05 * spacing, 2)
        via = net.node(*half)
        near.add(via, net.xy[via])
        chain.insert(1, via)
    for a, b in pairwise(chain):
        net.edge(a, b, street)
        near.segments.append((*net.xy[a], *net.xy[b]))
    return chain[1:-1]


def _start(
    rng: np.random.Generator, net: Net, index: Index, place: Settlement
) -> tuple[_Near, list[tuple[float, int, float]]]:
    """Return the surroundings and the queue of nodes to grow from, with their road's heading."""
    middle = np.array(net.xy[place.centre])
    radius = place.spacing * float(np.sqrt(place.count)) / 2.0
    nodes = sorted(index.tree.query_ball_point(middle, 3.0 * radius + 250.0))
    roads = index.pairs[sorted(index.middles.query_ball_point(middle, 3.0 * radius + 250.0))]
    near = _Near(
        nodes,
        [net.xy[node] for node in nodes],
        [(*net.xy[u], *net.xy[v]) for u, v in roads.tolist()],
    )
    heading = {}
    for u, v in roads.tolist():
        (x0, y0), (x1, y1) = net.xy[u], net.xy[v]
        heading[u] = float(np.arctan2(y1 - y0, x1 - x0))
    queue = []
    for node in nodes:
        away = float(np.hypot(*(np.array(net.xy[node]) - middle)))
        if away < 0.8 * radius + 70.0 and node in heading:
            queue.append((away, node, heading[node]))
    if place.centre not in heading:
        queue.append((0.0, place.centre, float(rng.uniform(0.0, np.pi))))
    heapq.heapify(queue)
    return near, queue


def grow(
    rng: np.random.Generator, net: Net, index: Index, place: Settlement, *, wet: Bools
) -> list[int]:
    """Grow one settlement's streets; return the nodes along them, the centre first."""
    middle = np.array(net.xy[place.centre])
    near, queue = _start(rng, net, index, place)
    grown = [place.centre]
    made = 0
    while queue and made < place.count:
        _, node, angle = heapq.heappop(queue)
        here = np.array(net.xy[node])
        for turn in (np.pi / 2, -np.pi / 2, 0.0):
            if made >= place.count or rng.random() < 0.18:
                continue
            way = angle + turn + rng.normal(0.0, 0.13)
            length = place.spacing * rng.uniform(0.75, 1.3)
            there = here + length * np.array([np.cos(way), np.sin(way)])
            if wet[cell_of(there[None])[0]]:
                continue
            found = _target(rng, net, near, node, there, spacing=place.spacing)
            if found is None or near.crossed(here, found[1]):
                continue
            end, there = found
            if end < 0:
                end = net.node(*there)
                near.add(end, net.xy[end])
                grown.append(end)
                away = float(np.hypot(*(there - middle)))
                late = away + rng.uniform(0.0, 2.0 * place.spacing)
                heapq.heappush(queue, (late, end, way))
            kind = place.kinds[int(rng.integers(len(place.kinds)))]
            street = Street(kind)
            grown += _street(rng, net, near, (node, end), street, spacing=place.spacing)
            made += 1
    return grown
