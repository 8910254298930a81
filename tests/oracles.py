"""Slow and plain answers that the engine is held against; nothing of the package is used here.

``Streets`` finds the nearest point on an edge by looking at every edge, inserts demand points and
facilities as nodes of a networkx graph, with every edge split at its feet, and runs networkx.
"""

from __future__ import annotations

import itertools
from collections import defaultdict

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

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

    def arrays(self, demand, facilities, *, direction):
        """Return the directed graph with points inserted, as arrays.

        Tails, heads, cost and metres of its arcs, the edge that each is a part of (-1: a leg), how
        many nodes there are, and the nodes of the demand and of the facilities that are attached.
        For "to" the arcs are turned around.
        """
        n, m = self.x.size, self.u.size
        held = [np.asarray(site[0]) >= 0 for site in (demand, facilities)]
        edge, offset, leg = (
            np.concatenate([np.asarray(demand[at])[held[0]], np.asarray(facilities[at])[held[1]]])
            for at in range(3)
        )
        point = n + np.arange(edge.size)
        foot = point + edge.size
        # Every stop of every edge, in order: its ends, and the feet on it.
        every = np.concatenate([np.arange(m), edge, np.arange(m)])
        node = np.concatenate([self.u, foot, self.v])
        where = np.concatenate([np.zeros(m), offset, self.length])
        rank = np.repeat([0, 1, 2], [m, edge.size, m])
        order = np.lexsort((where, rank, every))
        every, node, where = every[order], node[order], where[order]
        next_to = np.flatnonzero(every[1:] == every[:-1])
        one, other, on = node[next_to], node[next_to + 1], every[next_to]
        gap = np.maximum(where[next_to + 1] - where[next_to], 0.0)
        length = self.length[on]
        share = np.divide(gap, length, out=np.ones(gap.size), where=length > 0)
        free = (gap <= TIE_M) & ((one >= n) | (other >= n))
        parts = [(point, foot, leg * self.leg_cost, leg, np.full(leg.size, -1))]
        parts.append((foot, point, *parts[0][2:]))
        for start, end, whole in ((one, other, self.forward[on]), (other, one, self.backward[on])):
            closed = np.isinf(whole)
            cost = np.where(free, 0.0, np.inf)
            cost[~closed] = (share * np.where(closed, 0.0, whole))[~closed]
            parts.append((start, end, cost, gap, on))
        tails, heads, cost, metres, on = map(np.concatenate, zip(*parts, strict=True))
        if direction == "to":
            tails, heads = heads, tails
        use = np.isfinite(cost) & (tails != heads)
        arcs = (tails[use], heads[use], cost[use], metres[use], on[use])
        return arcs, n + 2 * edge.size, (point[: held[0].sum()], point[held[0].sum() :])

    def costs_by_arrays(self, demand, facilities, *, direction):
        """Return what :meth:`costs` does, by scipy: for networks of a city.

        The same nodes and arcs are put together anew, as arrays; each facility is searched alone.
        """
        (tails, heads, costs, metres, _), size, (people, sources) = self.arrays(
            demand, facilities, direction=direction
        )
        keys, graph, first = _least_arcs(tails, heads, costs, metres, size)
        metres_of = metres[first]
        reached, before = dijkstra(graph, indices=sources, return_predecessors=True)
        held = [np.flatnonzero(np.asarray(site[0]) >= 0) for site in (demand, facilities)]
        shape = (len(demand[0]), len(facilities[0]))
        cost, total = np.full(shape, np.inf), np.full(shape, np.inf)
        for at, f in enumerate(held[1].tolist()):
            cost[held[0], f] = reached[at, people]
            for d, start in zip(held[0].tolist(), people.tolist(), strict=True):
                if np.isfinite(cost[d, f]):
                    path = [start]
                    while path[-1] != sources[at]:
                        path.append(int(before[at, path[-1]]))
                    steps = np.array(path[1:]) * size + path[:-1]
                    total[d, f] = metres_of[np.searchsorted(keys, steps)].sum()
        return cost, total

    def gated_costs(self, demand, facilities, private, *, direction):
        """Return the costs where private edges serve those alone who start or end there.

        Three whole copies of the graph: private edges in the first and the last, public ones in
        the middle; from each node one may go on to its next copy.
        """
        (tails, heads, costs, metres, on), size, (people, sources) = self.arrays(
            demand, facilities, direction=direction
        )
        leg = on < 0
        inner = leg | private[np.maximum(on, 0)]
        public = ~inner | leg
        every = np.arange(size)
        layers = [(0, inner), (1, public & ~leg), (2, inner)]
        nodes = [(tails[use] + at * size, heads[use] + at * size) for at, use in layers]
        nodes += [(every, every + size), (every + size, every + 2 * size)]
        free = np.zeros(2 * size)
        weight = np.concatenate([*(costs[use] for _, use in layers), free])
        way = np.concatenate([*(metres[use] for _, use in layers), free])
        graph = _least_arcs(*map(np.concatenate, zip(*nodes, strict=True)), weight, way, 3 * size)[
            1
        ]
        reached = dijkstra(graph, indices=sources)[:, people + 2 * size]
        held = [np.flatnonzero(np.asarray(site[0]) >= 0) for site in (demand, facilities)]
        cost = np.full((len(demand[0]), len(facilities[0])), np.inf)
        cost[np.ix_(*held)] = reached.T
        return cost


def _least_arcs(tails, heads, costs, metres, size):
    """Return the keys of the pairs of nodes, their graph, and the least arc of each."""
    keys = tails * size + heads
    order = np.lexsort((metres, costs, keys))
    keys, first = np.unique(keys[order], return_index=True)
    first = order[first]
    graph = csr_array((costs[first], (keys // size, keys % size)), shape=(size, size))
    return keys, graph, first


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
