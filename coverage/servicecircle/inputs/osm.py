"""Roads from an OpenStreetMap file; boundaries, facilities and buildings from ``osm_features``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from servicecircle.errors import InputError
from servicecircle.inputs.mode_tables import FERRY, WAY_TAGS
from servicecircle.inputs.modes import (
    Gated,
    barred_places,
    oneway_codes,
    unknown_classes,
    way_rules,
)
from servicecircle.inputs.osm_features import (
    admin_boundaries,
    buildings,
    landuse_residential,
    tagged_facilities,
)
from servicecircle.inputs.osm_streets import Streets, read_streets
from servicecircle.inputs.raw_roads import Lines, RawRoads, WayRules, roads_of
from servicecircle.inputs.speeds import duration_hours
from servicecircle.problems import Problem, Severity

__all__ = [
    "OsmData",
    "admin_boundaries",
    "buildings",
    "landuse_residential",
    "read_osm",
    "roads_of_streets",
    "tagged_facilities",
]

_SHOWN = 5
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OsmData:
    """The roads of an OpenStreetMap file, and what was wrong with some of them."""

    roads: RawRoads
    problems: tuple[Problem, ...]


def read_osm(path: Path, *, name: str, gated: Gated = "closed", ferries: bool = False) -> OsmData:
    """Read all ways with a ``highway`` tag as roads, and ferries where asked for.

    Ways touch where they share a node, by its id. Nodes are sorted by id, segments by the place of
    their way in the file.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.
    gated : {"closed", "destination", "open"}
        Whether private ways and gates may be used.
    ferries : bool
        Whether ferries (``route=ferry``) are taken.

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
    return roads_of_streets(read_streets(path, name=name, ferries=ferries), name=name, gated=gated)


def roads_of_streets(streets: Streets, *, name: str, gated: Gated) -> OsmData:
    """Turn streets as OpenStreetMap holds them into roads.

    Parameters
    ----------
    streets : Streets
    name : str
        The file as the project names it, for messages.
    gated : {"closed", "destination", "open"}

    Raises
    ------
    InputError
        If there is no road with places.

    Examples
    --------
    >>> from servicecircle.inputs.osm_streets import StreetCollector
    >>> found = StreetCollector(ferries=False)
    >>> found.add_way(7, [1, 2], [0.0, 1.0], [5.0, 5.0], {"highway": "path"}.get)
    >>> roads_of_streets(found.streets(), name="a.osm", gated="closed").roads.lon.tolist()
    [0.0, 1.0]
    >>> roads_of_streets(StreetCollector(ferries=False).streets(), name="a", gated="closed")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a: the file holds no road that can be used
      a file of roads needs at least one segment with both ends placed
      check that it is the right file and layer
    """
    if not streets.ids.size:
        raise InputError(_no_roads(name))
    tags = dict(zip(WAY_TAGS, zip(*streets.kinds, strict=True), strict=True))
    rules = way_rules(tags, gated=gated)
    classes = [
        FERRY if ferry and not way else way
        for ferry, way in zip(rules.ferry.tolist(), tags["highway"], strict=True)
    ]
    rules = _with_ferry_speeds(rules.at(streets.kind), streets)
    oneway = oneway_codes(tags["oneway"], tags["highway"], tags["junction"])
    ids, first, vertex = np.unique(streets.refs, return_index=True, return_inverse=True)
    lon, lat = streets.lon[first], streets.lat[first]
    line = np.repeat(np.arange(streets.ids.size, dtype=np.int64), np.diff(streets.first))
    lines = Lines(
        lon=lon,
        lat=lat,
        vertex=vertex.astype(np.int64),
        line=line,
        highway=[classes[kind] for kind in streets.kind.tolist()],
        oneway=oneway[streets.kind],
        rules=rules,
        names=streets.names,
        barred=barred_places(
            {
                at: streets.barriers[number]
                for at, number in enumerate(ids.tolist())
                if number in streets.barriers
            },
            places=ids.size,
            gated=gated,
        ),
    )
    cut = np.unique(line[np.isnan(lon[lines.vertex])])
    counts = {
        "lines_in": streets.ids.size + streets.repeated,
        "ways_repeated": streets.repeated,
        "ways_missing_nodes": cut.size,
        "nodes_missing": int(np.isnan(lon).sum()),
        "ferries_left_out": streets.ferries,
    }
    roads, unused = roads_of(lines, source=name, counts=counts, merge_repeated=False)
    if not roads.u.size:
        raise InputError(_no_roads(name))
    problems = [
        *_counted("osm.missing_nodes", "warning", streets.ids[cut], name=name),
        *_counted("osm.one_node", "note", streets.ids[np.setdiff1d(unused, cut)], name=name),
    ]
    for code, count in (
        ("osm.repeated_ways", streets.repeated),
        ("osm.ferries_left_out", streets.ferries),
    ):
        if count:
            details: dict[str, object] = {"count": count}
            problems.append(
                Problem(code=code, severity="note", action="counted", file=name, details=details)
            )
    problems += unknown_class_problems(classes, name=name)
    return OsmData(roads=roads, problems=tuple(problems))


def _with_ferry_speeds(rules: WayRules, streets: Streets) -> WayRules:
    """Return the rules with the speed of each ferry that states its duration."""
    speed = rules.speed_kmh.copy()
    for at in np.flatnonzero(rules.ferry).tolist():
        nodes = slice(streets.first[at], streets.first[at + 1])
        metres = _GEOD.line_length(streets.lon[nodes], streets.lat[nodes])
        # NaN where the duration or a place is missing: the speed is not known then.
        speed[at] = metres / 1000.0 / duration_hours(streets.durations[at])
    return replace(rules, speed_kmh=speed)


def unknown_class_problems(highway: Iterable[str], *, name: str) -> list[Problem]:
    """Record the classes of roads that the rules do not know.

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
