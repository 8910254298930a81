"""Roads from an OpenStreetMap file; boundaries, facilities and buildings from ``osm_features``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.osm_features import (
    admin_boundaries,
    buildings,
    landuse_residential,
    tagged_facilities,
)
from servicecircle.inputs.osm_file import node_places, objects, read_ways
from servicecircle.inputs.raw_roads import Lines, RawRoads, oneway_codes, roads_of
from servicecircle.inputs.walking import WALKING_TAGS, unknown_classes, walkable
from servicecircle.problems import Problem, Severity

__all__ = [
    "OsmData",
    "admin_boundaries",
    "buildings",
    "landuse_residential",
    "read_osm",
    "tagged_facilities",
]

_SHOWN = 5
_ROAD_TAGS = (*WALKING_TAGS, "oneway", "junction")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OsmData:
    """The roads of an OpenStreetMap file, and what was wrong with some of them."""

    roads: RawRoads
    problems: tuple[Problem, ...]


def read_osm(path: Path, *, name: str) -> OsmData:
    """Read all ways with a ``highway`` tag as roads.

    Ways touch where they share a node, by its id. Nodes are sorted by id, segments by the place of
    their way in the file.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.

    Returns
    -------
    OsmData
        Segments with an end whose node is not in the file (a way that a cutter of extracts left
        incomplete) are set aside and counted; the rest of such a way is used.

    Raises
    ------
    InputError
        If the file is missing, broken, cut short, or holds no road with places.

    Examples
    --------
    >>> import tempfile
    >>> text = '''<osm version="0.6">
    ... <node id="1" lon="118.00" lat="28.0"/> <node id="2" lon="118.01" lat="28.0"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/><nd ref="9"/><tag k="highway" v="path"/></way>
    ... </osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     town = read_osm(file, name="town.osm")
    >>> town.roads.u.tolist(), town.roads.v.tolist(), town.roads.walk.tolist()
    ([0], [1], [True])
    >>> [problem.code for problem in town.problems]
    ['osm.missing_nodes']
    """
    streets = objects(path, osmium.osm.WAY, osmium.filter.KeyFilter("highway"), name=name)
    ways = read_ways(streets, name=name, keys=_ROAD_TAGS)
    if not ways.ids.size:
        raise InputError(_no_roads(name))
    places = node_places(path, ways.refs, name=name)
    tags = dict(zip(_ROAD_TAGS, zip(*ways.tags, strict=True), strict=True))
    line = np.repeat(np.arange(ways.ids.size, dtype=np.int64), np.diff(ways.first))
    vertex = np.searchsorted(places.ids, ways.refs).astype(np.int64)
    lines = Lines(
        lon=places.lon,
        lat=places.lat,
        vertex=vertex,
        line=line,
        highway=tags["highway"],
        oneway=oneway_codes(tags["oneway"], tags["highway"], tags["junction"]),
        walk=walkable({tag: tags[tag] for tag in WALKING_TAGS}),
    )
    cut = np.unique(line[np.isnan(places.lon[vertex])])
    counts = {
        "lines_in": ways.ids.size + ways.repeated,
        "ways_repeated": ways.repeated,
        "ways_missing_nodes": cut.size,
        "nodes_missing": int(np.isnan(places.lon).sum()),
    }
    roads, unused = roads_of(lines, source=name, counts=counts, merge_repeated=False)
    if not roads.u.size:
        raise InputError(_no_roads(name))
    problems = [
        *_counted("osm.missing_nodes", "warning", ways.ids[cut], name=name),
        *_counted("osm.one_node", "note", ways.ids[np.setdiff1d(unused, cut)], name=name),
    ]
    if ways.repeated:
        details: dict[str, object] = {"count": ways.repeated}
        problems.append(
            Problem(
                code="osm.repeated_ways",
                severity="note",
                action="counted",
                file=name,
                details=details,
            )
        )
    problems += unknown_class_problems(tags["highway"], name=name)
    return OsmData(roads=roads, problems=tuple(problems))


def unknown_class_problems(highway: Iterable[str], *, name: str) -> list[Problem]:
    """Record the classes of roads that the rules of walking do not know.

    Examples
    --------
    >>> unknown_class_problems(["steps", "path"], name="a.osm")
    []
    """
    unknown = unknown_classes(highway)
    if not unknown:
        return []
    return [
        Problem(
            code="road.unknown_class",
            severity="note",
            file=name,
            value=", ".join(unknown),
            details={"count": len(unknown)},
        )
    ]


def _no_roads(name: str) -> Problem:
    return Problem(code="road.no_roads", severity="fatal", action="stopped", file=name)


def _counted(code: str, severity: Severity, ids: NDArray[np.int64], *, name: str) -> list[Problem]:
    """Record a fault of several ways once, with how many they are and the first ids."""
    if not ids.size:
        return []
    shown = ", ".join(f"way/{number}" for number in ids[:_SHOWN].tolist())
    return [
        Problem(
            code=code,
            severity=severity,
            action="set_aside",
            file=name,
            value=shown + (" …" if ids.size > _SHOWN else ""),
            details={"count": int(ids.size)},
        )
    ]
