"""The rows of the benchmark of reach: what each side does, and whether both say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Any

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

import peers
from servicecircle.network.bounded import Reaches, search_blocks
from servicecircle.network.circles import circle_polygons, limit_bounds, reached_bounds
from servicecircle.network.compiled import in_order
from servicecircle.network.feet import arcs_of, seeds_of
from servicecircle.network.field import Field, circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.reach import node_costs
from servicecircle.network.snap import Attachment, EdgeIndex, edge_index, nearest_edges
from servicecircle.network.surface import surface
from servicecircle.network.travel import Travel, metres_travel
from servicecircle.network.truth import wrong_points
from stitched import Streets
from timing import Side

__all__ = [
    "BLOCK",
    "DRAW_M",
    "LIMIT_M",
    "LIMIT_S",
    "METRES_PER_S",
    "MINUTES",
    "Counts",
    "Row",
    "World",
    "attach",
    "attach_ours",
    "circles",
    "circles_ours",
    "difference",
    "nearest",
    "nearest_ours",
    "searches",
    "searches_ours",
    "truth_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KMH = 4.0
METRES_PER_S = KMH / 3.6
MINUTES = 15.0
LIMIT_M = METRES_PER_S * MINUTES * 60.0
LIMIT_S = MINUTES * 60.0
DRAW_M = 25.0
BLOCK = 64
SNAP_M = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of each work is done.

    Parameters
    ----------
    facilities : int
        Of the nearest-facility rows.
    searches, circles, points : int
        Done by our side.
    sample : int
        Circles drawn by the slower sides, and held against the truth on both.
    seed : int
    """

    facilities: int = 200
    searches: int = 1000
    circles: int = 1000
    points: int = 200_000
    sample: int = 40
    seed: int = 20251231


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Row:
    """One work done in two ways.

    Parameters
    ----------
    key, work : str
    ours, peer : Side
        ``peer`` is None where it is not installed.
    agree : callable
        Takes both results and returns what they say of each other: ``same`` among it.
    at_least : float, optional
        The ratio that the design asks for.
    whole : bool
        The ratio is of whole works, not of items: the peer has no items.
    """

    key: str
    work: str
    ours: Side
    peer: Side | None
    agree: Callable[[Any, Any], dict[str, Any]]
    at_least: float | None = None
    whole: bool = False


class World:
    """Streets with the facilities that stand on them: crossings and vertices drawn from a seed."""

    def __init__(self, streets: Streets, counts: Counts) -> None:
        self.streets = streets
        self.counts = counts

    @cached_property
    def travel(self) -> Travel:
        """Metres on the network, as walking costs them."""
        streets = self.streets
        return metres_travel(build_network(streets.x, streets.y, streets.u, streets.v))

    @cached_property
    def index(self) -> EdgeIndex:
        """Of the edges that points attach to."""
        return edge_index(self.travel.network)

    def places(self, count: int) -> Ints:
        """Return so many nodes of edges that points may attach to."""
        network = self.travel.network
        nodes = np.unique(network.u[network.eligible])
        rng = np.random.default_rng(self.counts.seed)
        return rng.choice(nodes, min(count, nodes.size), replace=False)

    def at(self, nodes: Ints) -> Attachment:
        """Attach nodes: an access leg of 0 m."""
        x, y = self.streets.x[nodes], self.streets.y[nodes]
        return nearest_edges(self.travel.network, self.index, x, y, most_m=SNAP_M)

    def points(self, count: int) -> tuple[Floats, Floats]:
        """Return points beside the streets, most of them within 150 m."""
        rng = np.random.default_rng(self.counts.seed)
        near = rng.integers(0, self.streets.x.size, count)
        x, y = self.streets.x[near], self.streets.y[near]
        return x + rng.normal(0.0, 60.0, count), y + rng.normal(0.0, 60.0, count)


def difference(ours: Floats, peer: Floats, tolerance: float) -> dict[str, Any]:
    """Return how far two ways' values differ, where either has one."""
    both = np.isfinite(ours) & np.isfinite(peer)
    greatest = float(np.abs(ours[both] - peer[both]).max(initial=0.0))
    alone = int((np.isfinite(ours) != np.isfinite(peer)).sum())
    return {
        "compared": int(both.sum()),
        "greatest_difference": greatest,
        "reached_by_one_only": alone,
        "same": greatest <= tolerance and alone == 0,
    }


# --- nearest facility of every node


def nearest_ours(world: World, nodes: Ints) -> Side:
    """Return our side of the nearest facility of every node."""

    def lay() -> tuple[Travel, Attachment]:
        return world.travel, world.at(nodes)

    def work(state: tuple[Travel, Attachment], items: int) -> Floats:
        travel, at = state
        chosen = at if items == len(at) else at.take(np.arange(items))
        return node_costs(travel, chosen, limit=LIMIT_M)[0] / METRES_PER_S

    return Side(name="servicecircle", lay=lay, work=work, items=nodes.size)


def nearest(world: World) -> list[Row]:
    """Seconds from every node to the nearest facility, up to 15 minutes."""
    nodes = world.places(world.counts.facilities)

    def work(graph: nx.Graph[int], items: int) -> dict[int, float]:
        chosen = set(nodes[:items].tolist())
        found: dict[int, float] = nx.multi_source_dijkstra_path_length(
            graph, chosen, LIMIT_S, "seconds"
        )
        return found

    def agree(ours: Floats, peer: dict[int, float]) -> dict[str, Any]:
        dense = np.full(ours.size, np.inf)
        dense[list(peer)] = list(peer.values())
        return difference(ours, dense, 1e-6)

    peer = Side(
        name="networkx multi_source_dijkstra_path_length",
        lay=lambda: peers.networkx_graph(world.streets, METRES_PER_S),
        work=work,
        items=nodes.size,
    )
    return [
        Row(
            key="nearest",
            work=f"nearest of {nodes.size} facilities for all nodes, {MINUTES:g} min",
            ours=nearest_ours(world, nodes),
            peer=peer,
            agree=agree,
            at_least=15.0,
        )
    ]


# --- one to many, each source alone


def searches_ours(world: World, nodes: Ints) -> Side:
    """Return our side of the searches around each source alone."""

    def lay() -> tuple[Travel, Attachment]:
        return world.travel, world.at(nodes)

    def work(state: tuple[Travel, Attachment], items: int) -> list[tuple[Ints, Reaches]]:
        travel, at = state
        seeds = seeds_of(travel, at.take(np.arange(items)), direction="to")
        blocks = search_blocks(arcs_of(travel, "to"), seeds, limit=LIMIT_M, carry_metres=False)
        return list(blocks)

    return Side(name="servicecircle, sparse", lay=lay, work=work, items=nodes.size)


def dense_of(blocks: Sequence[tuple[Ints, Reaches]], first: int, last: int, n: int) -> Floats:
    """Return the seconds of the sources from ``first`` to ``last`` (excluded) as a dense array."""
    out = np.full((last - first, n), np.inf)
    for sources, found in blocks:
        row = np.repeat(sources - first, np.diff(found.starts))
        here = (row >= 0) & (row < last - first)
        out[row[here], found.nodes[here]] = found.cost[here] / METRES_PER_S
    return out


def searches(world: World) -> list[Row]:
    """Seconds from each source to all nodes within 15 minutes."""
    nodes = world.places(world.counts.searches)
    few = min(4 * BLOCK, nodes.size)
    n = world.streets.x.size

    def work(matrix: Any, items: int) -> Floats:
        block = np.empty((0, n))
        for first in range(0, items, BLOCK):
            chosen = nodes[first : min(first + BLOCK, items)]
            block = dijkstra(matrix, indices=chosen, limit=LIMIT_S)
        return block

    def agree(ours: list[tuple[Ints, Reaches]], peer: Floats) -> dict[str, Any]:
        first = (few - 1) // BLOCK * BLOCK
        told = difference(dense_of(ours, first, few, n), peer, 1e-6)
        held = sum(
            part.nbytes
            for sources, found in ours
            for part in (sources, found.starts, found.nodes, found.cost)
        )
        reached = sum(found.nodes.size for _, found in ours)
        return told | {
            "reached_a_source": round(reached / nodes.size, 1),
            "our_result_mib": round(held / 2**20, 2),
            "dense_result_mib": round(nodes.size * n * 8 / 2**20, 2),
        }

    peer = Side(
        name=f"scipy dijkstra, dense in blocks of {BLOCK}",
        lay=lambda: peers.cost_matrix(world.streets, METRES_PER_S),
        work=work,
        items=few,
    )
    return [
        Row(
            key="searches",
            work=f"{nodes.size:,} one-to-many searches of {MINUTES:g} min",
            ours=searches_ours(world, nodes),
            peer=peer,
            agree=agree,
            at_least=40.0,
        )
    ]


# --- circles


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Drawn:
    field: Field
    at: Attachment
    nodes: Ints


def _lay_circles(world: World, nodes: Ints) -> _Drawn:
    x, y, margin = world.streets.x[nodes], world.streets.y[nodes], LIMIT_M + 40.0
    bounds = (
        float(x.min() - margin), float(y.min() - margin),
        float(x.max() + margin), float(y.max() + margin),
    )  # fmt: skip
    field = circle_field(world.travel, bounds, draw_m=DRAW_M)
    return _Drawn(field=field, at=world.at(nodes), nodes=nodes)


def circles_ours(world: World, nodes: Ints) -> Side:
    """Return our side of the circles; its set-up is the field."""
    return Side(
        name="servicecircle, 10 m field",
        lay=lambda: _lay_circles(world, nodes),
        work=_draw_all,
        items=nodes.size,
    )


def _draw_all(state: _Drawn, items: int) -> list[shapely.Geometry]:
    """Search and draw the circle of each facility alone, in threads, as a run does."""
    field, network = state.field, state.field.network
    x, y = network.x[state.nodes], network.y[state.nodes]
    spare: SimpleQueue[Floats] = SimpleQueue()

    def draw(at: int, nodes: NDArray[np.int32], cost: Floats) -> shapely.Geometry:
        try:
            node_cost = spare.get_nowait()
        except Empty:
            node_cost = np.full(network.x.size, np.inf)
        node_cost[nodes] = cost
        one = state.at.take(np.array([at]))
        square = limit_bounds(float(x[at]), float(y[at]), LIMIT_M, 2.0 * field.cell_m)
        over = surface(field, node_cost, one, bounds=reached_bounds(field, nodes, one, square))
        (polygon,) = circle_polygons(over, [LIMIT_M])
        node_cost[nodes] = np.inf
        spare.put(node_cost)
        return polygon

    seeds = seeds_of(field.travel, state.at.take(np.arange(items)), direction="to")
    arcs = arcs_of(field.travel, "to")
    tasks = (
        (at, found.nodes[begin:end], found.cost[begin:end])
        for sources, found in search_blocks(arcs, seeds, limit=LIMIT_M, carry_metres=False)
        for at, begin, end in zip(
            sources.tolist(), found.starts[:-1], found.starts[1:], strict=True
        )
    )
    drawn = dict(in_order(lambda at, nodes, cost: (at, draw(at, nodes, cost)), tasks))
    return [drawn[at] for at in range(items)]


def truth_of(world: World, nodes: Ints) -> Callable[[Sequence[Any], Sequence[Any]], dict[str, Any]]:
    """Return a function that counts points on the wrong side of both ways' circles."""
    samples = 500

    def agree(ours: Sequence[Any], peer: Sequence[Any]) -> dict[str, Any]:
        state = _lay_circles(world, nodes[: len(peer)])
        wrong = {"ours": 0, "peer": 0}
        shared, whole = 0.0, 0.0
        count = min(len(ours), len(peer))
        for at in range(count):
            one = state.at.take(np.array([at]))
            for name, polygon in (("ours", ours[at]), ("peer", peer[at])):
                if shapely.is_empty(polygon):
                    continue
                found = wrong_points(
                    state.field, polygon, one,
                    limit=LIMIT_M, index=world.index, samples=samples, seed=at,
                )  # fmt: skip
                wrong[name] += len(found)
            shared += shapely.area(shapely.intersection(ours[at], peer[at]))
            whole += shapely.area(shapely.union(ours[at], peer[at]))
        sampled = count * samples
        return {
            "points_sampled": sampled,
            "our_points_wrong": wrong["ours"],
            "their_points_wrong": wrong["peer"],
            "their_share_wrong": round(wrong["peer"] / sampled, 4),
            "intersection_over_union": round(shared / whole, 4),
            "same": wrong["ours"] == 0,
        }

    return agree


def circles(world: World) -> list[Row]:
    """Circles of 15 minutes, one a facility."""
    nodes = world.places(world.counts.circles)
    ours = circles_ours(world, nodes)
    few = min(world.counts.sample, nodes.size)

    def work(graph: nx.Graph[int], items: int) -> list[shapely.Geometry]:
        return [
            peers.buffer_union(graph, world.streets, node, limit_s=LIMIT_S, width_m=DRAW_M)
            for node in nodes[:items].tolist()
        ]

    peer = Side(
        name="networkx, cut edges buffered and united",
        lay=lambda: peers.networkx_graph(world.streets, METRES_PER_S),
        work=work,
        items=few,
    )
    return [
        Row(
            key="circles",
            work=f"{nodes.size:,} circles of {MINUTES:g} min",
            ours=ours,
            peer=peer,
            agree=truth_of(world, nodes),
            at_least=25.0,
        )
    ]


# --- attaching points


def attach_ours(world: World, count: int) -> Side:
    """Return our side of attaching points."""
    x, y = world.points(count)

    def lay() -> EdgeIndex:
        return edge_index(world.travel.network)

    def work(index: EdgeIndex, items: int) -> Floats:
        most = np.inf
        at = nearest_edges(world.travel.network, index, x[:items], y[:items], most_m=most)
        return at.leg_m

    return Side(name="servicecircle nearest_edges", lay=lay, work=work, items=count)


def attach(world: World) -> list[Row]:
    """Points to their nearest edge."""
    count = world.counts.points
    few = min(count, max(count // 4, 1000))
    x, y = world.points(count)
    edges = np.flatnonzero(world.travel.network.eligible)

    def work(state: tuple[shapely.STRtree, Any], items: int) -> Floats:
        tree, points = state
        _, metres = tree.query_nearest(points[:items], return_distance=True, all_matches=False)
        return np.asarray(metres)

    peer = Side(
        name="shapely STRtree.query_nearest",
        lay=lambda: (peers.street_tree(world.streets, edges), shapely.points(x, y)),
        work=work,
        items=few,
    )
    return [
        Row(
            key="attach",
            work=f"{count:,} points to their nearest edge",
            ours=attach_ours(world, count),
            peer=peer,
            agree=lambda ours, theirs: difference(ours[: theirs.size], theirs, 1e-6),
            at_least=5.0,
        )
    ]
