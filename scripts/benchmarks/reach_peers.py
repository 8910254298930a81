"""Rows against further peers, of which the design asks no ratio: scipy, igraph, pandana, OSMnx."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

import peers
from reach_rows import (
    BLOCK,
    LIMIT_M,
    LIMIT_S,
    METRES_PER_S,
    MINUTES,
    Row,
    World,
    circles_ours,
    dense_of,
    difference,
    nearest_ours,
    searches_ours,
    truth_of,
)
from timing import Side

__all__ = ["further"]

Floats = NDArray[np.float64]
Agree = Callable[[Any, Any], dict[str, Any]]

ROUNDED_S = 0.1
"""pandana rounds the cost of each edge to a thousandth, which adds up along a way."""


def further(world: World) -> list[Row]:
    """Return the rows against all further peers; those not installed have no other side."""
    return [*_nearest(world), *_around(world), *_searches(world), *_circles(world)]


def _same(ours: Floats, theirs: Floats) -> dict[str, Any]:
    return difference(ours, theirs, 1e-6)


def _nearest(world: World) -> list[Row]:
    nodes = world.places(world.counts.facilities)
    n = world.streets.x.size

    def igraph_lay() -> tuple[Any, list[float]]:
        graph, seconds = peers.igraph_graph(world.streets, METRES_PER_S)
        # It has no search from many sources: one more node stands for all of them.
        graph.add_vertices(1)
        graph.add_edges([(n, node) for node in nodes.tolist()])
        return graph, [*seconds, *([0.0] * nodes.size)]

    def igraph_work(state: tuple[Any, list[float]], _: int) -> Floats:
        found = np.array(state[0].distances(source=n, weights=state[1])[0])[:n]
        return np.where(found <= LIMIT_S, found, np.inf)

    def row(key: str, peer: Side | None, agree: Agree) -> Row:
        return Row(
            key=f"nearest: {key}",
            work=f"nearest of {nodes.size} facilities for all nodes, {MINUTES:g} min",
            ours=nearest_ours(world, nodes),
            peer=peer,
            agree=agree,
        )

    scipy_side = Side(
        name="scipy dijkstra, min_only",
        lay=lambda: peers.cost_matrix(world.streets, METRES_PER_S),
        work=lambda matrix, items: np.asarray(
            dijkstra(matrix, indices=nodes[:items], limit=LIMIT_S, min_only=True)
        ),
        items=nodes.size,
    )
    igraph_side = Side(
        name="igraph distances, all sources as one, no limit",
        lay=igraph_lay,
        work=igraph_work,
        items=nodes.size,
    )
    return [
        row("scipy", scipy_side, _same),
        row("igraph", igraph_side if peers.installed("igraph") else None, _same),
    ]


def _around(world: World) -> list[Row]:
    """Rows of pandana, or of its fork: the nearest, and how many are within reach."""
    nodes = world.places(world.counts.facilities)
    package = peers.installed("pandana", "pandarm")

    @cache
    def network() -> Any:
        return peers.pandana_network(world.streets, str(package))

    def nearest_lay() -> Any:
        x, y = (pd.Series(part[nodes]) for part in (world.streets.x, world.streets.y))
        network().set_pois("facility", LIMIT_M, 1, x, y)
        return network()

    def nearest_work(held: Any, _: int) -> Floats:
        found = held.nearest_pois(LIMIT_M, "facility", num_pois=1)[1]
        return np.asarray(found, np.float64) / METRES_PER_S

    def nearest_agree(ours: Floats, theirs: Floats) -> dict[str, Any]:
        # What it does not reach it gives the limit.
        return difference(ours, np.where(np.isfinite(ours), theirs, np.inf), ROUNDED_S)

    def count_lay() -> Any:
        network().set(pd.Series(nodes), variable=pd.Series(np.ones(nodes.size)), name="facility")
        return network()

    def count_work(held: Any, _: int) -> Floats:
        kind = {"type" if package == "pandana" else "func": "sum"}
        found = held.aggregate(LIMIT_M, decay="flat", name="facility", **kind)
        return np.asarray(found, np.float64)

    around = searches_ours(world, nodes)

    def our_counts(state: Any, items: int) -> Floats:
        reached = [found.nodes for found in around.work(state, items)]
        return np.bincount(np.concatenate(reached), minlength=world.streets.x.size).astype(float)

    def count_agree(ours: Floats, theirs: Floats) -> dict[str, Any]:
        apart = int((ours != theirs).sum())
        # A node within a millimetre of the limit may fall on either side of it.
        return {
            "compared": ours.size,
            "nodes_that_differ": apart,
            "same": apart <= max(5, ours.size // 10_000),
        }

    rows: list[tuple[str, str, Side, Side, Agree]] = [
        (
            f"nearest: {package or 'pandana'}",
            f"nearest of {nodes.size} facilities for all nodes, {MINUTES:g} min",
            nearest_ours(world, nodes),
            Side(name=f"{package} nearest_pois", lay=nearest_lay, work=nearest_work, items=1),
            nearest_agree,
        ),
        (
            f"aggregate: {package or 'pandana'}",
            f"how many of {nodes.size} facilities are within {MINUTES:g} min of each node",
            Side(name="servicecircle", lay=around.lay, work=our_counts, items=nodes.size),
            Side(
                name=f"{package} aggregate, on the network of the row above",
                lay=count_lay,
                work=count_work,
                items=1,
            ),
            count_agree,
        ),
    ]
    return [
        Row(key=key, work=work, ours=ours, peer=peer if package else None, agree=agree, whole=True)
        for key, work, ours, peer, agree in rows
    ]


def _searches(world: World) -> list[Row]:
    nodes = world.places(world.counts.searches)
    few = min(world.counts.sample, nodes.size)
    n = world.streets.x.size

    def igraph_work(state: tuple[Any, list[float]], items: int) -> Floats:
        found = np.array(state[0].distances(source=nodes[:items].tolist(), weights=state[1]))
        return np.where(found <= LIMIT_S, found, np.inf)

    def networkx_work(graph: nx.Graph[int], items: int) -> Floats:
        out = np.full((items, n), np.inf)
        for at, node in enumerate(nodes[:items].tolist()):
            reached = nx.single_source_dijkstra_path_length(graph, node, LIMIT_S, "seconds")
            out[at, list(reached)] = list(reached.values())
        return out

    def sparse_work(matrix: Any, items: int) -> Floats:
        found = np.empty((0, n))
        kept = []
        for first in range(0, items, BLOCK):
            found = dijkstra(
                matrix, indices=nodes[first : min(first + BLOCK, items)], limit=LIMIT_S
            )
            row, node = np.nonzero(np.isfinite(found))
            kept.append((row, node, found[row, node]))
        return found

    some = min(BLOCK, nodes.size)
    sparse_side = Side(
        name="scipy dijkstra, dense, then what is reached",
        lay=lambda: peers.cost_matrix(world.streets, METRES_PER_S),
        work=sparse_work,
        items=some,
    )
    few_igraph = min(8, few)
    igraph_side = Side(
        name="igraph distances, dense, no limit",
        lay=lambda: peers.igraph_graph(world.streets, METRES_PER_S),
        work=igraph_work,
        items=few_igraph,
    )
    networkx_side = Side(
        name="networkx single_source_dijkstra_path_length",
        lay=lambda: peers.networkx_graph(world.streets, METRES_PER_S),
        work=networkx_work,
        items=few,
    )

    def row(key: str, peer: Side | None) -> Row:
        return Row(
            key=f"searches: {key}",
            work=f"one-to-many searches of {MINUTES:g} min",
            ours=searches_ours(world, nodes),
            peer=peer,
            agree=lambda ours, theirs: _same(dense_of(ours, 0, len(theirs), n), theirs),
        )

    return [
        row("scipy, made sparse", sparse_side),
        row("igraph", igraph_side if peers.installed("igraph") else None),
        row("networkx", networkx_side),
    ]


def _circles(world: World) -> list[Row]:
    """Rows of OSMnx's example of isochrones, on one graph that it simplified."""
    nodes = world.places(min(world.counts.circles, 4 * world.counts.sample))
    few = min(max(world.counts.sample // 2, 1), nodes.size)

    @cache
    def graph() -> Any:
        return peers.osmnx_graph(world.streets, METRES_PER_S)

    def side(name: str, draw: Callable[[Any, int, float], shapely.Geometry]) -> Side:
        def lay() -> tuple[Any, list[int]]:
            import osmnx

            x, y = world.streets.x[nodes[:few]], world.streets.y[nodes[:few]]
            centers: list[int] = osmnx.distance.nearest_nodes(graph(), x, y).tolist()
            return graph(), centers

        def work(state: tuple[Any, list[int]], items: int) -> list[shapely.Geometry]:
            return [draw(state[0], center, MINUTES) for center in state[1][:items]]

        return Side(name=name, lay=lay, work=work, items=few)

    ways = {
        "convex hull": side("OSMnx's example, hull of an ego graph", peers.hull_of_ego_graph),
        "buffers": side(
            "OSMnx's example, buffers of an ego graph, on the graph of the row above",
            peers.union_of_ego_graph,
        ),
    }
    return [
        Row(
            key=f"circles: OSMnx, {key}",
            work=f"circles of {MINUTES:g} min",
            ours=circles_ours(world, nodes),
            peer=peer,
            agree=truth_of(world, nodes),
        )
        for key, peer in ways.items()
    ]
