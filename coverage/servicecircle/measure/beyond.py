"""Roads beyond the border of the study area, followed from where they leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

__all__ = ["BeyondRoads", "beyond_roads"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Of a component with more nodes not all distances of all exits are held at once.
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BeyondRoads:
    """The graph of the roads outside an area, the exits among its nodes.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Nodes in metres.
    u, v : numpy.ndarray of int, shape (m,)
    length_m : numpy.ndarray of float, shape (m,)
    exits : numpy.ndarray of int, shape (e,)
        Nodes where roads leave the area; each belongs to one segment alone.
    component : numpy.ndarray of int, shape (n,)
    """

    x: Floats
    y: Floats
    u: Ints
    v: Ints
    length_m: Floats
    exits: Ints
    component: Ints

    def reach(self, limit_m: float) -> Bools:
        """Tell from which exits a road leads on for the limit, along the roads.

        Parameters
        ----------
        limit_m : float

        Returns
        -------
        numpy.ndarray of bool, shape (e,)

        Examples
        --------
        >>> roads = beyond_roads(
        ...     (np.array([900.0, 0.0]), np.zeros(2)), (np.array([0]), np.array([1])), first_exit=1
        ... )
        >>> roads.reach(900.0).tolist(), roads.reach(901.0).tolist()
        ([True], [False])
        """
        far = np.zeros(self.exits.size, np.bool_)
        own = self.component[self.exits]
        graph = self._graph()
        least = limit_m * (1.0 - 1e-9)
        for label in np.unique(own).tolist():
            mine = np.flatnonzero(own == label)
            nodes = np.flatnonzero(self.component == label)
            # What is far in a straight line is as far along the roads: most are told so.
            wide = [
                nodes[pick(value[nodes])]
                for value in (self.x, self.y, self.x + self.y, self.x - self.y)
                for pick in (np.argmin, np.argmax)
            ]
            at = self.exits[mine]
            straight = np.hypot(
                self.x[at][:, None] - self.x[wide], self.y[at][:, None] - self.y[wide]
            ).max(axis=1)
            far[mine] = straight >= least
            rest = mine[~far[mine]]
            part = graph[nodes][:, nodes]
            places = np.searchsorted(nodes, self.exits[rest])
            for some in np.array_split(places, max(places.size * nodes.size // _MOST_CELLS, 1)):
                if some.size:
                    distance = dijkstra(part, directed=False, indices=some)
                    done = np.isin(places, some)
                    far[rest[done]] = distance.max(axis=1) >= least
        return far

    def ends_somewhere(self) -> Bools:
        """Tell from which exits a road leads to a dead end, not only back into the area.

        Examples
        --------
        >>> nowhere = beyond_roads(
        ...     (np.empty(0), np.empty(0)), (np.empty(0, int), np.empty(0, int)), first_exit=0
        ... )
        >>> nowhere.ends_somewhere().tolist()
        []
        """
        degree = np.bincount(np.concatenate([self.u, self.v]), minlength=self.x.size)
        dead = degree == 1
        dead[self.exits] = False
        found: Bools = np.isin(self.component[self.exits], self.component[dead])
        return found

    def metres_within(self, chosen: Bools, limit_m: float) -> float:
        """Return the metres of road that chosen exits lead to within the limit.

        Examples
        --------
        >>> roads = beyond_roads(
        ...     (np.array([900.0, 0.0]), np.zeros(2)), (np.array([0]), np.array([1])), first_exit=1
        ... )
        >>> roads.metres_within(np.array([True]), 500.0)
        500.0
        """
        starts = self.exits[chosen]
        if not starts.size or not self.u.size:
            return 0.0
        distance = dijkstra(
            self._graph(), directed=False, indices=starts, min_only=True, limit=limit_m
        )
        from_u = np.maximum(limit_m - distance[self.u], 0.0)
        from_v = np.maximum(limit_m - distance[self.v], 0.0)
        return float(np.minimum(from_u + from_v, self.length_m).sum())

    def _graph(self) -> csr_array:
        n = self.x.size
        low, high = np.minimum(self.u, self.v), np.maximum(self.u, self.v)
        # Of several segments between two nodes the shortest counts: all are straight, so equal.
        key = np.unique(low * n + high, return_index=True)[1]
        # Nodes at one place are joined by no length, which a sparse matrix would not hold.
        weight = np.maximum(self.length_m[key], 1e-9)
        return csr_array((weight, (low[key], high[key])), shape=(n, n))


def beyond_roads(
    places: tuple[Floats, Floats], ends: tuple[Ints, Ints], *, first_exit: int
) -> BeyondRoads:
    """Join the roads outside an area.

    Parameters
    ----------
    places : pair of numpy.ndarray of float, shape (n,)
        x and y of the nodes, in metres; those from ``first_exit`` on are exits.
    ends : pair of numpy.ndarray of int, shape (m,)
        Nodes of the segments, which lie outside the area.
    first_exit : int

    Returns
    -------
    BeyondRoads

    Examples
    --------
    >>> roads = beyond_roads(
    ...     (np.array([900.0, 0.0]), np.zeros(2)), (np.array([0]), np.array([1])), first_exit=1
    ... )
    >>> roads.exits.tolist(), roads.length_m.tolist()
    ([1], [900.0])
    """
    exits = np.arange(first_exit, places[0].size)
    used, number = np.unique(np.concatenate([*ends, exits]), return_inverse=True)
    m = ends[0].size
    u, v = number[:m].astype(np.int64), number[m : 2 * m].astype(np.int64)
    x, y = places[0][used], places[1][used]
    graph = csr_array((np.ones(m), (u, v)), shape=(used.size, used.size))
    label = connected_components(graph, directed=False)[1] if used.size else np.empty(0)
    return BeyondRoads(
        x=x,
        y=y,
        u=u,
        v=v,
        length_m=np.hypot(x[u] - x[v], y[u] - y[v]),
        exits=number[2 * m :].astype(np.int64),
        component=label.astype(np.int64),
    )
