"""A growing street network, its ways, and the one place that planarises it."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely

from demo_city.frame import Floats

RANK = {
    kind: rank
    for rank, kind in enumerate(
        [
            "motorway",
            "motorway_link",
            "trunk",
            "primary",
            "secondary",
            "tertiary",
            "unclassified",
            "residential",
            "living_street",
            "service",
            "track",
            "footway",
            "path",
        ]
    )
}


class Street(NamedTuple):
    """What a stretch of road is: its class, its name, further tags, sorted."""

    kind: str
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def floats(self) -> bool:
        """Whether it passes over or under other roads without touching them."""
        return self.kind.startswith("motorway") or ("bridge", "yes") in self.tags


@dataclass
class Net:
    """Nodes in map metres and edges from u to v; each edge stands once."""

    xy: list[tuple[float, float]] = field(default_factory=list)
    edges: dict[tuple[int, int], Street] = field(default_factory=dict)

    def node(self, x: float, y: float) -> int:
        """Add a node."""
        self.xy.append((float(x), float(y)))
        return len(self.xy) - 1

    def edge(self, u: int, v: int, street: Street) -> None:
        """Add an edge; the higher class wins where there is one already."""
        if u == v:
            return
        key = (v, u) if (v, u) in self.edges else (u, v)
        known = self.edges.get(key)
        if known is None or RANK[street.kind] < RANK[known.kind]:
            self.edges[key] = street

    def points(self) -> Floats:
        """Return the nodes, (n, 2)."""
        return np.array(self.xy).reshape(-1, 2)


def bend(net: Net, *, edges: list[tuple[int, int]], offsets: Floats) -> None:
    """Give edges a middle vertex, pushed sideways by an offset in metres each."""
    for (u, v), offset in zip(edges, offsets, strict=True):
        street = net.edges.pop((u, v))
        (x0, y0), (x1, y1) = net.xy[u], net.xy[v]
        length = float(np.hypot(x1 - x0, y1 - y0)) or 1.0
        across = (-(y1 - y0) / length * offset, (x1 - x0) / length * offset)
        middle = net.node((x0 + x1) / 2 + across[0], (y0 + y1) / 2 + across[1])
        net.edges[(u, middle)] = street
        net.edges[(middle, v)] = street


def planarise(net: Net) -> None:
    """Give every crossing at grade a shared node."""
    keys = [key for key, street in net.edges.items() if not street.floats]
    points = net.points()
    lines = shapely.linestrings(points[np.array(keys)])
    first, second = shapely.STRtree(lines).query(lines, predicate="crosses")
    keep = first < second
    first, second = first[keep], second[keep]
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    crossing = shapely.intersection(lines[first], lines[second])
    cuts: dict[int, list[int]] = defaultdict(list)
    for one, other, point in zip(first.tolist(), second.tolist(), crossing, strict=True):
        if point.geom_type != "Point":
            continue
        node = net.node(point.x, point.y)
        cuts[one].append(node)
        cuts[other].append(node)
    for index, nodes in cuts.items():
        u, v = keys[index]
        street = net.edges.pop((u, v))
        origin = np.array(net.xy[u])
        nodes.sort(key=lambda node: float(np.hypot(*(np.array(net.xy[node]) - origin))))
        chain = [u, *nodes, v]
        for a, b in pairwise(chain):
            net.edge(a, b, street)


def ways(net: Net) -> list[tuple[Street, list[int]]]:
    """Chain the edges into ways that run from junction to junction, in a fixed order."""
    at: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key in net.edges:
        at[key[0]].append(key)
        at[key[1]].append(key)

    def step(node: int, key: tuple[int, int]) -> tuple[int, int] | None:
        """Return the edge that carries on beyond a node, if the way does."""
        if len(at[node]) != 2:
            return None
        other = at[node][0] if at[node][1] == key else at[node][1]
        street = net.edges[key]
        turned = (key[0] == node) == (other[0] == node)
        if net.edges[other] != street or (turned and ("oneway", "yes") in street.tags):
            return None
        return other

    used: set[tuple[int, int]] = set()
    result = []
    for key in sorted(net.edges):
        if key in used:
            continue
        used.add(key)
        chain = [key[0], key[1]]
        for forward in (True, False):
            here = key
            while True:
                end = chain[-1] if forward else chain[0]
                follow = step(end, here)
                if follow is None or follow in used:
                    break
                used.add(follow)
                there = follow[1] if follow[0] == end else follow[0]
                if forward:
                    chain.append(there)
                else:
                    chain.insert(0, there)
                here = follow
        result.append((net.edges[key], chain))
    return result
