"""Road graphs in GraphML, as OSMnx saves them.

The file is parsed with expat alone and entities are refused, never expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjCrsError

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.coordinates import fatal, settle_crs, to_wgs84_points
from servicecircle.inputs.mode_tables import NODE_TAGS, WAY_TAGS
from servicecircle.inputs.modes import (
    Gated,
    barred_places,
    class_name,
    oneway_codes,
    options,
    way_rules,
)
from servicecircle.inputs.raw_roads import Lines, RawRoads, roads_of
from servicecircle.problems import Problem

__all__ = ["read_graphml"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Ends of an edge's line count as its nodes when they are this close, in degrees (1 cm).
_AT_NODE_DEG = 1.5e-7
_LINESTRING = 1
_EDGE_TAGS = (*WAY_TAGS, "name")


class _Entity(Exception):  # noqa: N818 - never leaves this module
    """The file declares an entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    source: str
    target: str
    data: dict[str, str]


class _Reader:
    """What expat calls back: collects the graph's data, nodes and edges."""

    def __init__(self) -> None:
        self.graph: dict[str, str] = {}
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: list[_Edge] = []
        self.directed = True
        self.seen_root = False
        self._names: dict[str, str] = {}
        self._owner = self.graph
        self._key: str | None = None
        self._text: list[str] = []

    def start(self, tag: str, given: dict[str, str]) -> None:
        """Take up an element."""
        element = tag.rpartition(":")[2]
        if not self.seen_root:
            if element != "graphml":
                raise ValueError(f"the file begins with <{tag}>, not with <graphml>")
            self.seen_root = True
        if element == "key":
            self._names[given.get("id", "")] = given.get("attr.name", given.get("id", ""))
        elif element == "graph":
            self.directed = given.get("edgedefault", "directed") != "undirected"
        elif element == "node":
            self._owner = self.nodes.setdefault(given.get("id", ""), {})
        elif element == "edge":
            self._owner = {}
            edge = _Edge(
                source=given.get("source", ""), target=given.get("target", ""), data=self._owner
            )
            self.edges.append(edge)
        elif element == "data":
            self._key = self._names.get(given.get("key", ""), given.get("key", ""))
            self._text = []

    def end(self, tag: str) -> None:
        """Close an element."""
        element = tag.rpartition(":")[2]
        if element == "data" and self._key is not None:
            self._owner[self._key] = "".join(self._text).strip()
            self._key = None
        elif element in ("node", "edge"):
            self._owner = self.graph

    def text(self, text: str) -> None:
        """Take up text inside an element."""
        if self._key is not None:
            self._text.append(text)

    def entity(self, *_: object) -> None:
        """Refuse an entity."""
        raise _Entity


def read_graphml(
    path: Path,
    *,
    name: str,
    crs: str | None = None,
    datum: str | None = None,
    gated: Gated = "closed",
) -> tuple[RawRoads, list[Problem]]:
    """Read a road graph as OSMnx saves it.

    Edges without a ``geometry`` are straight. The two directions of a street are one; parallel
    edges that run differently stay apart. Edges touch at their nodes alone.

    Parameters
    ----------
    path : pathlib.Path
        A .graphml file whose nodes have ``x`` and ``y``, edges ``highway`` and, where they bend,
        ``geometry`` (WKT).
    name : str
        The file as the project names it, for messages.
    crs : str, optional
        Declares the CRS of a graph that states none.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09"}, optional
    gated : {"closed", "destination", "open"}
        Whether private ways and gates may be used.

    Returns
    -------
    roads : RawRoads
    problems : list of Problem
        Edges set aside: with an unknown node, a node without a place, a geometry that cannot be
        read.

    Raises
    ------
    InputError
        If the file is missing, broken, declares entities, or holds no edge that can be used.
    CrsError
        If no CRS is known, or the declared one contradicts the file's.

    Examples
    --------
    >>> import tempfile
    >>> text = '''<graphml><key id="a" attr.name="x"/><key id="b" attr.name="y"/>
    ... <key id="c" attr.name="crs"/><graph edgedefault="directed">
    ... <data key="c">EPSG:4326</data>
    ... <node id="1"><data key="a">118.0</data><data key="b">28.0</data></node>
    ... <node id="2"><data key="a">118.1</data><data key="b">28.0</data></node>
    ... <edge source="1" target="2"/><edge source="2" target="1"/><edge source="2" target="3"/>
    ... </graph></graphml>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.graphml"
    ...     _ = file.write_text(text)
    ...     roads, problems = read_graphml(file, name="town.graphml")
    >>> roads.u.tolist(), roads.v.tolist(), [problem.code for problem in problems]
    ([0], [1], ['road.edge_node'])
    """
    graph = _parse(path, name)
    ids = {node: at for at, node in enumerate(graph.nodes)}
    place = np.array(
        [[_number(data.get("x")), _number(data.get("y"))] for data in graph.nodes.values()]
    ).reshape(-1, 2)
    ends = np.array(
        [[ids.get(edge.source, -1), ids.get(edge.target, -1)] for edge in graph.edges], np.int64
    ).reshape(-1, 2)
    placed = np.append(np.isfinite(place).all(axis=1), False)
    if not placed.any():
        raise InputError(fatal("road.no_roads", name=name))
    good = placed[ends].all(axis=1)
    problems = [
        _edge_problem("road.edge_node", graph.edges[at], at, name)
        for at in np.flatnonzero(~good).tolist()
    ]
    texts = [edge.data.get("geometry", "") for edge in graph.edges]
    # A NaN in a geometry is looked for below; numpy need not warn of it.
    with np.errstate(invalid="ignore"):
        drawn = shapely.from_wkt(
            np.array([text or None for text in texts], dtype=object), on_invalid="ignore"
        )
        drawn = np.asarray(shapely.force_2d(drawn), dtype=object)
    given = np.array([bool(text) for text in texts], dtype=np.bool_)
    points, owner = shapely.get_coordinates(drawn, return_index=True)
    usable = shapely.get_type_id(drawn) == _LINESTRING
    usable &= ~shapely.is_empty(drawn)
    usable[owner[~np.isfinite(points).all(axis=1)]] = False
    bad = given & ~usable & good
    problems += [
        _edge_problem("road.edge_geometry", graph.edges[at], at, name)
        for at in np.flatnonzero(bad).tolist()
    ]
    good &= ~bad
    if not good.any():
        raise InputError([fatal("road.no_roads", name=name), *problems[:5]])
    use = good[owner]
    points, owner = points[use], owner[use].astype(np.int64)
    there = place[placed[:-1]]
    west, south = there.min(axis=0).tolist()
    east, north = there.max(axis=0).tolist()
    settled = settle_crs(
        _stated_crs(graph.graph.get("crs"), name), crs, name=name, bounds=(west, south, east, north)
    )
    everything = np.concatenate([there, points])
    lon, lat = to_wgs84_points(
        everything[:, 0], everything[:, 1], crs=settled, datum=datum, name=name
    )
    moved = np.column_stack([lon, lat])
    place[placed[:-1]] = moved[: len(there)]
    edges = np.flatnonzero(good)
    lines, apart = _chains(place, ends, edges, moved[len(there) :], owner, graph, gated=gated)
    if apart:
        details: dict[str, object] = {"count": apart}
        problems.append(
            Problem(code="road.edge_apart", severity="warning", file=name, details=details)
        )
    counts = {
        "lines_in": len(graph.edges),
        "graph_nodes": len(graph.nodes),
        "edges_without_node": int((~placed[ends].all(axis=1)).sum()),
        "edges_bad_geometry": int(bad.sum()),
    }
    roads, unused = roads_of(lines, source=name, counts=counts, merge_repeated=True)
    problems += [
        _edge_problem("road.no_length", graph.edges[at], at, name) for at in edges[unused].tolist()
    ]
    return roads, problems


def _parse(path: Path, name: str) -> _Reader:
    if not path.is_file():
        raise InputError(fatal("input.missing_file", name=name, value=name))
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = reader.entity
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except _Entity:
        raise InputError(
            fatal("road.graphml_entities", name=name, row=parser.CurrentLineNumber)
        ) from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(
            fatal(
                "road.graphml_broken",
                name=name,
                row=parser.CurrentLineNumber,
                details={"reason": str(error)},
            )
        ) from None
    return reader


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _edge_problem(code: str, edge: _Edge, at: int, name: str) -> Problem:
    return Problem(
        code=code,
        severity="error",
        action="set_aside",
        file=name,
        row=at + 1,
        value=f"{edge.source} → {edge.target}",
    )


def _stated_crs(text: str | None, name: str) -> CRS | None:
    if not text:
        return None
    # OSMnx before 0.16 wrote {'init': 'epsg:4326'}.
    old = re.search(r"init\W+epsg:(\d+)", text)
    try:
        return CRS.from_user_input(f"EPSG:{old[1]}" if old else text)
    except ProjCrsError:
        raise CrsError(fatal("vector.bad_crs", name=name, value=text)) from None


def _chains(
    place: Floats,
    ends: Ints,
    edges: Ints,
    points: Floats,
    owner: Ints,
    graph: _Reader,
    *,
    gated: Gated,
) -> tuple[Lines, int]:
    """Return the edges as chains of vertices, and how many lines end away from their nodes."""
    ordinal = np.full(ends.shape[0], -1, np.int64)
    ordinal[edges] = np.arange(edges.size)
    ends, owner = ends[edges], ordinal[owner]
    u, v = place[ends[:, 0]], place[ends[:, 1]]
    # Which way each line runs: some tools keep an edge's line when they turn the edge round.
    starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])) if owner.size else owner
    stops = np.append(starts[1:], owner.size) - 1 if owner.size else owner
    drawn = owner[starts]
    first, last = points[starts], points[stops]
    ahead = _apart(first, u[drawn]) + _apart(last, v[drawn])
    back = _apart(first, v[drawn]) + _apart(last, u[drawn])
    turned = back < ahead
    gap_first = np.where(turned, _apart(first, v[drawn]), _apart(first, u[drawn]))
    gap_last = np.where(turned, _apart(last, u[drawn]), _apart(last, v[drawn]))
    # An end at its node is the node; one away from it is joined to it by a straight piece.
    inner = np.ones(owner.size, dtype=np.bool_)
    inner[starts[gap_first <= _AT_NODE_DEG]] = False
    inner[stops[gap_last <= _AT_NODE_DEG]] = False
    apart = int(((gap_first > _AT_NODE_DEG) | (gap_last > _AT_NODE_DEG)).sum())
    position = np.arange(1, owner.size + 1, dtype=np.int64)
    backwards = np.zeros(edges.size, dtype=np.bool_)
    backwards[drawn] = turned
    position[backwards[owner]] *= -1
    points, owner, position = points[inner], owner[inner], position[inner]
    # Bends at one place of edges between the same two nodes are one: both directions of a street.
    pair = np.sort(ends, axis=1)[owner]
    rounded = np.rint(points * 1e7).astype(np.int64)
    keys = np.column_stack([pair, rounded])
    _, at, bend = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    limit = np.iinfo(np.int64).max
    every = np.arange(edges.size)
    line = np.concatenate([every, owner, every])
    order = np.lexsort(
        (
            np.concatenate([np.full(edges.size, -limit), position, np.full(edges.size, limit)]),
            line,
        )
    )
    vertex = np.concatenate([ends[:, 0], bend.reshape(-1) + place.shape[0], ends[:, 1]])
    tags = {
        tag: [graph.edges[edge].data.get(tag, "") for edge in edges.tolist()] for tag in _EDGE_TAGS
    }
    if graph.directed:
        # Each edge of a directed graph is one direction, unless it says that it is both.
        tags["oneway"] = [
            "yes" if value.startswith("[") or not value else value for value in tags["oneway"]
        ]
    else:
        tags["oneway"] = ["no"] * edges.size
    highway = [class_name(value) for value in tags["highway"]]
    places = place.shape[0] + at.size
    return Lines(
        lon=np.concatenate([place[:, 0], points[at, 0]]),
        lat=np.concatenate([place[:, 1], points[at, 1]]),
        vertex=vertex[order],
        line=line[order],
        highway=highway,
        oneway=oneway_codes(tags["oneway"], highway, tags["junction"]),
        rules=way_rules({tag: tags[tag] for tag in WAY_TAGS}, gated=gated),
        names=[";".join(options(value)) for value in tags["name"]],
        barred=barred_places(_barriers(graph), places=places, gated=gated),
    ), apart


def _barriers(graph: _Reader) -> dict[int, dict[str, str]]:
    """Return the tags of nodes that may bar a way, where the graph was saved with them."""
    return {
        at: {key: data[key] for key in NODE_TAGS if key in data}
        for at, data in enumerate(graph.nodes.values())
        if "barrier" in data or "kerb" in data
    }


def _apart(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.abs(one - other).max(axis=1, initial=0.0))
