"""The other ways that the benchmark of reach is held against, each as its makers mean it used."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from stitched import Streets

__all__ = [
    "buffer_union",
    "cost_matrix",
    "hull_of_ego_graph",
    "igraph_graph",
    "installed",
    "networkx_graph",
    "osmnx_graph",
    "pandana_network",
    "street_tree",
    "union_of_ego_graph",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _lengths(streets: Streets) -> Floats:
    return np.hypot(
        streets.x[streets.v] - streets.x[streets.u], streets.y[streets.v] - streets.y[streets.u]
    )


def networkx_graph(streets: Streets, metres_per_s: float) -> nx.Graph[int]:
    """Return an undirected graph with the seconds and metres of each edge."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(streets.x.size))
    metres = _lengths(streets)
    # Of edges between the same two nodes the last one stays; straight ones have one length.
    graph.add_edges_from(
        (one, other, {"seconds": long / metres_per_s, "metres": long})
        for one, other, long in zip(
            streets.u.tolist(), streets.v.tolist(), metres.tolist(), strict=True
        )
        if one != other
    )
    return graph


def cost_matrix(streets: Streets, metres_per_s: float) -> csr_array:
    """Return seconds from node to node as a symmetric sparse matrix."""
    low, high = np.minimum(streets.u, streets.v), np.maximum(streets.u, streets.v)
    _, first = np.unique(low * streets.x.size + high, return_index=True)
    first = first[low[first] != high[first]]
    seconds = _lengths(streets)[first] / metres_per_s
    pairs = (
        np.concatenate([low[first], high[first]]),
        np.concatenate([high[first], low[first]]),
    )
    shape = (streets.x.size, streets.x.size)
    return csr_array(coo_array((np.concatenate([seconds, seconds]), pairs), shape=shape))


def buffer_union(
    graph: nx.Graph[int], streets: Streets, source: int, *, limit_s: float, width_m: float
) -> shapely.Geometry:
    """Draw the reached subgraph: its edges, the last ones cut, buffered and united."""
    reached = nx.single_source_dijkstra_path_length(graph, source, limit_s, "seconds")
    ends: list[tuple[int, int, float]] = []
    for node, seconds in reached.items():
        for other, edge in graph[node].items():
            share = (limit_s - seconds) / edge["seconds"] if edge["seconds"] else 1.0
            # An edge that is reached whole from both its ends is drawn once.
            if share < 1.0 or other > node or (limit_s - reached[other]) < edge["seconds"]:
                ends.append((node, other, min(share, 1.0)))
    if not ends:
        return shapely.Polygon()
    one, other = np.array([end[:2] for end in ends]).T
    shares = np.array([end[2] for end in ends])[:, None]
    start = np.stack([streets.x[one], streets.y[one]], axis=1)
    stop = start + shares * (np.stack([streets.x[other], streets.y[other]], axis=1) - start)
    lines = shapely.linestrings(np.stack([start, stop], axis=1))
    return shapely.union_all(shapely.buffer(lines, width_m))


def osmnx_graph(streets: Streets, metres_per_s: float) -> Any:
    """Return a graph as OSMnx makes it, simplified, with minutes on its edges."""
    import osmnx

    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="EPSG:3857", simplified=False)
    nodes = enumerate(zip(streets.x.tolist(), streets.y.tolist(), strict=True))
    graph.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in nodes)
    metres = _lengths(streets).tolist()
    for ends in (
        (streets.u.tolist(), streets.v.tolist()),
        (streets.v.tolist(), streets.u.tolist()),
    ):
        graph.add_edges_from(
            (one, other, {"length": long, "osmid": number})
            for number, (one, other, long) in enumerate(zip(*ends, metres, strict=True))
        )
    simple = osmnx.simplify_graph(graph)
    for _, _, edge in simple.edges(data=True):
        edge["time"] = edge["length"] / metres_per_s / 60.0
    return simple


def hull_of_ego_graph(graph: Any, center: int, minutes: float) -> shapely.Geometry:
    """Draw the convex hull of the nodes of an ego graph: OSMnx's example of isochrones."""
    import geopandas as gpd

    subgraph = nx.ego_graph(graph, center, radius=minutes, distance="time")
    points = [shapely.Point(node["x"], node["y"]) for _, node in subgraph.nodes(data=True)]
    hull: shapely.Geometry = gpd.GeoSeries(points).union_all().convex_hull
    return hull


def union_of_ego_graph(
    graph: Any, center: int, minutes: float, *, edge_m: float = 25.0, node_m: float = 50.0
) -> shapely.Geometry:
    """Unite the buffered nodes and edges of an ego graph: the same example's second way."""
    import geopandas as gpd

    subgraph = nx.ego_graph(graph, center, radius=minutes, distance="time")
    points = [shapely.Point(node["x"], node["y"]) for _, node in subgraph.nodes(data=True)]
    nodes = gpd.GeoSeries(points, index=list(subgraph.nodes))
    lines = [
        graph.get_edge_data(one, other)[0].get(
            "geometry", shapely.LineString([nodes.loc[one], nodes.loc[other]])
        )
        for one, other in subgraph.edges()
    ]
    shapes = [*nodes.buffer(node_m), *gpd.GeoSeries(lines).buffer(edge_m)]
    union: shapely.Geometry = gpd.GeoSeries(shapes).union_all()
    return union


def street_tree(streets: Streets, edges: Ints) -> shapely.STRtree:
    """Return a tree of the given edges."""
    u, v = streets.u[edges], streets.v[edges]
    ends = [np.stack([streets.x[at], streets.y[at]], axis=1) for at in (u, v)]
    lines = np.asarray(shapely.linestrings(np.stack(ends, axis=1)), object)
    return shapely.STRtree(lines)


def igraph_graph(streets: Streets, metres_per_s: float) -> tuple[Any, list[float]]:
    """Return a graph of igraph and the seconds of its edges."""
    igraph = importlib.import_module("igraph")
    graph = igraph.Graph(n=streets.x.size, edges=np.stack([streets.u, streets.v], axis=1))
    return graph, (_lengths(streets) / metres_per_s).tolist()


def pandana_network(streets: Streets, name: str) -> Any:
    """Return a network of pandana, or of pandarm, its fork; its costs are metres."""
    import pandas as pd

    module = importlib.import_module(name)
    parts = (pd.Series(part) for part in (streets.x, streets.y, streets.u, streets.v))
    with warnings.catch_warnings():
        # pandarm wants a coordinate system, and takes it for geographic without one.
        warnings.simplefilter("ignore")
        return module.Network(*parts, pd.DataFrame({"metres": _lengths(streets)}))


def installed(*names: str) -> str | None:
    """Return the first of these packages that is installed."""
    return next((name for name in names if importlib.util.find_spec(name)), None)
