"""Polygons of an OpenStreetMap file, put together from closed ways and from relations.

This is done here and not by osmium, which leaves out what it cannot put together without saying
why: members that the file does not hold, or an outline that does not close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.osm_extract import Extract, Relation
from servicecircle.inputs.osm_file import Places, Ways
from servicecircle.inputs.osm_wishes import Tags, osm_problem
from servicecircle.inputs.shapes import Geometries, polygons_only
from servicecircle.problems import Problem

__all__ = ["Features", "called", "read_areas"]

Bools = NDArray[np.bool_]

_FEWEST_RING_NODES = 4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Features:
    """Features with their ids ("way/123"), tags and geometries, by kind and id."""

    ids: list[str]
    tags: list[Tags]
    geometry: Geometries

    def column(self, *keys: str) -> list[str]:
        """Return the first of some tags that each feature has, "" where it has none."""
        return [next((tags[key] for key in keys if tags.get(key)), "") for tags in self.tags]


def called(osm_id: str, tags: Tags) -> str:
    """Return id and name of a feature, for messages.

    Examples
    --------
    >>> called("way/1", {"name": "敬老院"}), called("way/1", {})
    ('way/1 敬老院', 'way/1')
    """
    return f"{osm_id} {tags.get('name', '')}".strip()


def read_areas(extract: Extract, *, name: str, lines: bool) -> tuple[Features, list[Problem]]:
    """Put polygons together: of relations that are areas, and of closed ways.

    Parameters
    ----------
    extract : Extract
        The only outer way of one of its relations may repeat its tags: that is one feature, the
        relation.
    name : str
        The file as the project names it, for messages.
    lines : bool
        Whether ways that are not closed are recorded as set aside.

    Returns
    -------
    features : Features
        Valid Polygon or MultiPolygon.
    problems : list of Problem

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from servicecircle.inputs.osm_extract import OsmFiles
    >>> from servicecircle.inputs.osm_wishes import BUILDINGS
    >>> text = '''<osm version="0.6"><node id="1" lon="0" lat="0"/><node id="2" lon="2" lat="0"/>
    ... <node id="3" lon="0" lat="1"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>
    ... <tag k="building" v="yes"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     extract = OsmFiles().take(file, BUILDINGS, name="town.osm")
    >>> found, problems = read_areas(extract, name="town.osm", lines=True)
    >>> found.ids, shapely.area(found.geometry).tolist(), problems
    (['way/7'], [1.0], [])
    """
    drawn, places = extract.ways, extract.places
    relations = [relation for relation in extract.relations if relation.is_area]
    outers = {relation.outers[0] for relation in relations if len(relation.outers) == 1}
    chosen = [at for at, number in enumerate(drawn.ids.tolist()) if number not in outers]
    by_way, problems = _way_polygons(drawn, chosen, places, name=name, lines=lines)
    by_relation, faults = _relation_polygons(relations, extract.parts, places, name)
    problems += faults
    ids = [f"way/{drawn.ids[at]}" for at in chosen]
    ids += [f"relation/{relation.id}" for relation in relations]
    tags = [drawn.tags[at] for at in chosen] + [relation.tags for relation in relations]
    geometry = np.concatenate([by_way, by_relation])
    whole = polygons_only(geometry)
    given, usable = ~shapely.is_missing(geometry), ~shapely.is_missing(whole)
    for at in np.flatnonzero(given & ~shapely.is_valid(geometry)).tolist():
        value = called(ids[at], tags[at])
        problems.append(
            osm_problem("osm.mended", "warning", name=name, value=value, action="mended")
            if usable[at]
            else osm_problem("osm.no_area", "error", name=name, value=value)
        )
    kept = np.flatnonzero(usable).tolist()
    kept.sort(key=lambda at: (ids[at].startswith("relation"), int(ids[at].partition("/")[2])))
    return Features(
        ids=[ids[at] for at in kept], tags=[tags[at] for at in kept], geometry=whole[kept]
    ), problems


def _way_polygons(
    ways: Ways, chosen: list[int], places: Places, *, name: str, lines: bool
) -> tuple[Geometries, list[Problem]]:
    """Return the polygon of each chosen way, None where it has none."""
    problems = []
    geometry = np.full(len(chosen), None, dtype=object)
    rings, at_ring = [], []
    for at, way in enumerate(chosen):
        refs = ways.refs[ways.first[way] : ways.first[way + 1]]
        value = called(f"way/{ways.ids[way]}", ways.tags[way])
        if refs.size < _FEWEST_RING_NODES or refs[0] != refs[-1]:
            if lines:
                problems.append(osm_problem("osm.open_line", "error", name=name, value=value))
            continue
        node = np.searchsorted(places.ids, refs)
        if np.isnan(places.lon[node]).any():
            problems.append(osm_problem("osm.outline_missing", "error", name=name, value=value))
            continue
        rings.append(node)
        at_ring.append(at)
    if rings:
        nodes = np.concatenate(rings)
        points = np.column_stack([places.lon[nodes], places.lat[nodes]])
        ring = np.repeat(np.arange(len(rings)), [part.size for part in rings])
        geometry[at_ring] = shapely.polygons(shapely.linearrings(points, indices=ring))
    return geometry, problems


def _relation_polygons(
    relations: Sequence[Relation], parts: Ways, places: Places, name: str
) -> tuple[Geometries, list[Problem]]:
    """Return the polygon of each relation, None where its outline is not whole.

    What is inside follows from the lines alone (inside an odd number of rings), not from the
    members' roles, which are often wrong.
    """
    problems = []
    geometry = np.full(len(relations), None, dtype=object)
    at_way = {number: at for at, number in enumerate(parts.ids.tolist())}
    lines = _lines(parts, places)
    outlines, whole = [], []
    for at, relation in enumerate(relations):
        here = [lines[at_way[way]] if way in at_way else None for way in relation.ways]
        if not here or any(line is None for line in here):
            value = called(f"relation/{relation.id}", relation.tags)
            problems.append(osm_problem("osm.outline_missing", "error", name=name, value=value))
            continue
        outlines.append(shapely.multilinestrings(here))
        whole.append(at)
    if not outlines:
        return geometry, problems
    drawn = np.array(outlines, dtype=object)
    _, *faults = shapely.polygonize_full(drawn[:, np.newaxis])
    closed: Bools = np.all([shapely.is_empty(fault) for fault in faults], axis=0)
    faces = shapely.build_area(drawn)
    for at, is_closed, face in zip(whole, closed, faces, strict=True):
        if is_closed:
            geometry[at] = face
            continue
        relation = relations[at]
        value = called(f"relation/{relation.id}", relation.tags)
        problems.append(osm_problem("osm.outline_open", "error", name=name, value=value))
    return geometry, problems


def _lines(ways: Ways, places: Places) -> Geometries:
    """Return each way as a line, None where a node's place is missing or it has one node."""
    size = np.diff(ways.first)
    node = np.searchsorted(places.ids, ways.refs)
    way = np.repeat(np.arange(ways.ids.size), size)
    gap = np.bincount(way, weights=np.isnan(places.lon[node]), minlength=ways.ids.size) > 0
    good = ~gap & (size >= 2)  # noqa: PLR2004 - a line has two ends
    lines = np.full(ways.ids.size, None, dtype=object)
    if good.any():
        use = good[way]
        points = np.column_stack([places.lon[node[use]], places.lat[node[use]]])
        number = np.cumsum(good) - 1
        lines[good] = shapely.linestrings(points, indices=number[way[use]])
    return lines
