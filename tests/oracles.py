"""Slow and plain answers that the engine is held against; nothing of the package is used here.

``Streets`` finds the nearest point on an edge by looking at every edge, inserts demand points and
facilities as nodes of a networkx graph, with every edge split at its feet, and runs networkx.
"""

from __future__ import annotations

import itertools
from collections import defaultdict

import networkx as nx
import numpy as np

TIE_M = 1e-9


class Streets:
    """A street network, its components and the edges that points may attach to."""

    def __init__(self, x, y, u, v, *, min_component_m=1000.0):
        self.x, self.y = np.asarray(x, float), np.asarray(y, float)
        self.u, self.v = np.asarray(u, int), np.asarray(v, int)
        self.length = np.hypot(self.x[self.u] - self.x[self.v], self.y[self.u] - self.y[self.v])
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(self.x.size))
        graph.add_edges_from(zip(self.u.tolist(), self.v.tolist(), strict=True))
        self.component = np.empty(self.x.size, int)
        for number, nodes in enumerate(nx.connected_components(graph)):
            self.component[list(nodes)] = number
        metres = np.zeros(self.x.size + 1)
        np.add.at(metres, self.component[self.u], self.length)
        self.eligible = np.flatnonzero(metres[self.component[self.u]] >= min_component_m)

    def distances(self, px, py, edges):
        """Return the distance of one point to each of some edges, and the share along each."""
        a = self.x[self.u[edges]] + 1j * self.y[self.u[edges]]
        b = self.x[self.v[edges]] + 1j * self.y[self.v[edges]]
        along = b - a
        short = along == 0
        share = np.clip(((px + 1j * py - a) / np.where(short, 1, along)).real, 0.0, 1.0)
        share[short] = 0.0
        return np.abs(px + 1j * py - (a + share * along)), share

    def attach(self, px, py, most_m):
        """Return edge (-1: none within ``most_m``), metres from u, and leg of each point."""
        edge = np.full(len(px), -1)
        offset, leg = np.full(len(px), np.nan), np.full(len(px), np.nan)
        ends = self.u[self.eligible], self.v[self.eligible]
        middle = sum(self.x[end] + 1j * self.y[end] for end in ends) / 2.0
        half = self.length[self.eligible] / 2.0 + TIE_M
        for k, (x, y) in enumerate(zip(px, py, strict=True)):
            if not (np.isfinite(x) and np.isfinite(y) and self.eligible.size):
                continue
            # The middle is a point of the edge, and no other is farther from it than half of it.
            to_middle = np.abs(x + 1j * y - middle)
            rivals = self.eligible[to_middle - half <= to_middle.min() + TIE_M]
            metres, share = self.distances(x, y, rivals)
            first = int(np.flatnonzero(metres <= metres.min() + TIE_M)[0])
            if metres[first] <= most_m:
                edge[k] = rivals[first]
                offset[k] = share[first] * self.length[edge[k]]
                leg[k] = metres[first]
        return edge, offset, leg

    def at(self, px, py, edge):
        """Return metres from u and leg of points on given edges (-1: unsnapped)."""
        offset, leg = np.full(len(px), np.nan), np.full(len(px), np.nan)
        for k in np.flatnonzero(np.asarray(edge) >= 0):
            metres, share = self.distances(px[k], py[k], np.array([edge[k]]))
            leg[k], offset[k] = metres[0], share[0] * self.length[edge[k]]
        return offset, leg

    def graph(self, demand, facilities):
        """Return a graph with points as nodes ``("d", k)`` and ``("f", k)``.

        ``demand`` and ``facilities`` are each (edge, offset, leg), edge -1 for unsnapped points,
        which are left out.
        """
        feet = defaultdict(list)
        graph = nx.Graph()

        def join(one, other, metres):
            if not graph.has_edge(one, other) or graph[one][other]["metres"] > metres:
                graph.add_edge(one, other, metres=metres)

        for kind, (edge, offset, leg) in (("d", demand), ("f", facilities)):
            for k in np.flatnonzero(np.asarray(edge) >= 0).tolist():
                feet[int(edge[k])].append((float(offset[k]), (kind, k, "foot")))
                join((kind, k), (kind, k, "foot"), float(leg[k]))
        ends = zip(self.u.tolist(), self.v.tolist(), self.length.tolist(), strict=True)
        for number, (u, v, metres) in enumerate(ends):
            stops = [(0.0, u), *sorted(feet.get(number, ())), (metres, v)]
            for (here, one), (there, other) in itertools.pairwise(stops):
                if one != other:
                    join(one, other, max(there - here, 0.0))
        return graph

    def nearest(self, demand, facilities):
        """Return metres, status and the set of nearest facilities (ties: all) of each point."""
        graph = self.graph(demand, facilities)
        sources = [("f", k) for k in np.flatnonzero(np.asarray(facilities[0]) >= 0).tolist()]
        metres = {}
        if sources:
            metres = nx.multi_source_dijkstra_path_length(graph, set(sources), weight="metres")
        count = len(demand[0])
        total = np.full(count, np.nan)
        status = ["unsnapped"] * count
        nearest = [set() for _ in range(count)]
        for k in np.flatnonzero(np.asarray(demand[0]) >= 0).tolist():
            status[k] = "unreachable"
            if ("d", k) in metres:
                status[k] = "reached"
                total[k] = metres["d", k]
                nearest[k] = _sources(graph, metres, ("d", k))
        return total, status, nearest

    def matrix(self, demand, facilities):
        """Return metres between every demand point and every facility; infinite without a way."""
        graph = self.graph(demand, facilities)
        table = np.full((len(demand[0]), len(facilities[0])), np.inf)
        for f in np.flatnonzero(np.asarray(facilities[0]) >= 0).tolist():
            metres = nx.single_source_dijkstra_path_length(graph, ("f", f), weight="metres")
            for d in np.flatnonzero(np.asarray(demand[0]) >= 0).tolist():
                table[d, f] = metres.get(("d", d), np.inf)
        return table


class DirectedStreets(Streets):
    """Streets with a cost each way: points become nodes of a directed networkx graph.

    ``forward`` and ``backward`` are the costs of whole edges, infinite where closed; coinciding
    edges lend each other their directions. A foot within a nanometre of an end is that end.
    """

    def __init__(self, x, y, u, v, forward, backward, *, leg_cost, min_component_m=1000.0):
        super().__init__(x, y, u, v, min_component_m=min_component_m)
        self.forward, self.backward = np.array(forward, float), np.array(backward, float)
        self.leg_cost = leg_cost
        best = defaultdict(lambda: np.inf)
        both = list(zip(self.u.tolist(), self.v.tolist(), strict=True))
        for (one, other), there, back in zip(both, self.forward, self.backward, strict=True):
            best[one, other] = min(best[one, other], there)
            best[other, one] = min(best[other, one], back)
        for k, (one, other) in enumerate(both):
            self.forward[k], self.backward[k] = best[one, other], best[other, one]

    def directed(self, demand, facilities):
        """Return a directed graph with points as nodes ``("d", k)`` and ``("f", k)``."""
        feet = defaultdict(list)
        graph = nx.DiGraph()

        def join(one, other, cost, metres):
            if one == other or np.isinf(cost):
                return
            new = (cost, metres)
            if not graph.has_edge(one, other) or new < graph[one][other]["both"]:
                graph.add_edge(one, other, cost=cost, both=new)

        for kind, (edge, offset, leg) in (("d", demand), ("f", facilities)):
            for k in np.flatnonzero(np.asarray(edge) >= 0).tolist():
                foot = (kind, k, "foot")
                feet[int(edge[k])].append((float(offset[k]), foot))
                for one, other in (((kind, k), foot), (foot, (kind, k))):
                    join(one, other, float(leg[k]) * self.leg_cost, float(leg[k]))
        for number in range(self.u.size):
            metres = float(self.length[number])
            stops = [(0.0, int(self.u[number])), *sorted(feet.get(number, ()), key=lambda s: s[0])]
            stops.append((metres, int(self.v[number])))
            for (here, one), (there, other) in itertools.pairwise(stops):
                gap = max(there - here, 0.0)
                share = gap / metres if metres > 0 else 1.0
                free = gap <= TIE_M and (isinstance(one, tuple) or isinstance(other, tuple))
                for start, end, whole in (
                    (one, other, self.forward[number]),
                    (other, one, self.backward[number]),
                ):
                    join(start, end, 0.0 if free and np.isinf(whole) else share * whole, gap)
        return graph

    def costs(self, demand, facilities, *, direction):
        """Return the cost between every demand point and every facility, and the metres of it."""
        graph = self.directed(demand, facilities)
        if direction == "to":
            graph = graph.reverse()
        shape = (len(demand[0]), len(facilities[0]))
        cost, metres = np.full(shape, np.inf), np.full(shape, np.inf)
        for f in np.flatnonzero(np.asarray(facilities[0]) >= 0).tolist():
            start = ("f", f)
            before, reached = nx.dijkstra_predecessor_and_distance(graph, start, weight="cost")
            for d in np.flatnonzero(np.asarray(demand[0]) >= 0).tolist():
                if ("d", d) in reached:
                    cost[d, f] = reached["d", d]
                    metres[d, f], node = 0.0, ("d", d)
                    while node != start:
                        metres[d, f] += graph[before[node][0]][node]["both"][1]
                        node = before[node][0]
        return cost, metres


def _sources(graph, metres, start):
    """Follow every tight edge downwards to the sources that the distance comes from."""
    found, seen, waiting = set(), {start}, [start]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple) and node[0] == "f" and len(node) == 2:
            found.add(node[1])
            continue
        for other, data in graph[node].items():
            slack = abs(metres[other] + data["metres"] - metres[node])
            if other not in seen and slack <= 1e-9 * (1.0 + metres[node]):
                seen.add(other)
                waiting.append(other)
    return found


def tolerance(metres):
    """Return how far the engine may be from the oracle."""
    return 1e-6 + 1e-9 * metres
