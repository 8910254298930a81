"""Boundaries, facilities, buildings and residential land from an OpenStreetMap file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.osm_areas import Features, called, read_areas
from servicecircle.inputs.osm_extract import Extract, Node, OsmFiles
from servicecircle.inputs.osm_file import objects, tags_of
from servicecircle.inputs.osm_wishes import (
    BUILDINGS,
    RESIDENTIAL_LAND,
    Selector,
    Wish,
    boundary_wish,
    facility_wish,
    items,
    matches,
    osm_problem,
)
from servicecircle.inputs.shapes import Geometries
from servicecircle.problems import Problem

__all__ = ["admin_boundaries", "buildings", "landuse_residential", "tagged_facilities"]

_WGS84 = "EPSG:4326"
_SHOWN = 5
# Of one node in one file: only rounding lies between.
_ON_OUTLINE = 1e-9
_NO_WAY_IN = frozenset({"emergency", "exit", "fire_exit", "no"})


def admin_boundaries(
    path: Path, *, admin_level: int, name: str, files: OsmFiles | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the administrative boundaries of one level.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    admin_level : int
        OSM's ``admin_level``: in China 4 province, 5 prefecture, 6 county, 8 township, 10 village.
    name : str
        The file as the project names it, for messages.
    files : OsmFiles, optional
        Where the file has been read already, or will be for others too.

    Returns
    -------
    boundaries : geopandas.GeoDataFrame
        EPSG:4326, by kind and id: osm_id ("relation/123"), name, name_en, ref, wikidata, geometry
        (valid Polygon or MultiPolygon).
    problems : list of Problem
        Relations whose outline is not whole are set aside.

    Raises
    ------
    InputError
        If the file is missing or broken, or has no boundary of this level.

    Examples
    --------
    >>> admin_boundaries(Path("nowhere.osm"), admin_level=8, name="nowhere.osm")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm: file not found: nowhere.osm
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    # Borders are drawn as open lines with the same tags: they are the members of relations.
    found, problems = _areas(path, boundary_wish(admin_level), name=name, lines=False, files=files)
    if not found.ids:
        known = ", ".join(sorted(_levels(path, name), key=lambda level: (len(level), level)))
        fault = osm_problem(
            "osm.no_boundaries",
            "fatal",
            name=name,
            value=str(admin_level),
            action="stopped",
            known=known or "–",
        )
        raise InputError([fault, *problems[:_SHOWN]])
    columns = {
        "osm_id": found.ids,
        "name": found.column("name", "name:zh", "name:en"),
        "name_en": found.column("name:en"),
        "ref": found.column("ref"),
        "wikidata": found.column("wikidata"),
    }
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=_WGS84), problems


def tagged_facilities(
    path: Path, *, selectors: Sequence[str], name: str, files: OsmFiles | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read facilities by their tags, from nodes, closed ways and multipolygons.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    selectors : sequence of str
        ``key=value+key=value``: all must hold; one selector must. The value ``*`` is any. A tag
        that lists values (``senior;disabled``) holds if one of them does. ``key!=value``, not in
        the first place, must not hold.
    name : str
        The file as the project names it, for messages.
    files : OsmFiles, optional
        Where the file has been read already, or will be for others too.

    Returns
    -------
    facilities : geopandas.GeoDataFrame
        EPSG:4326, nodes, areas, sites, each by id: osm_id ("node/123"), name, tags (JSON),
        geometry (Point; of an area a point inside it, of a site the middle of its members), doors
        (of an area the entrances on its outline, else the outline; else None). No rows where
        nothing matches.
    problems : list of Problem
        Areas that are not whole and open lines are set aside; a node inside an area of the same
        name that the same selectors match is flagged, not merged.

    Raises
    ------
    InputError
        If the file is missing or broken, or a selector cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> text = '''<osm version="0.6"><node id="1" lon="118.0" lat="28.0">
    ... <tag k="amenity" v="social_facility"/><tag k="social_facility:for" v="child;senior"/>
    ... </node></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     senior = ["amenity=social_facility+social_facility:for=senior"]
    ...     homes, _ = tagged_facilities(file, selectors=senior, name="town.osm")
    ...     clinics, _ = tagged_facilities(file, selectors=["amenity=clinic"], name="town.osm")
    >>> homes["osm_id"].tolist(), len(clinics)
    (['node/1'], 0)
    """
    wish = facility_wish(tuple(selectors), name=name)
    extract = (files or OsmFiles()).take(path, wish, name=name)
    areas, problems = read_areas(extract, name=name, lines=True)
    doors = np.full(len(extract.nodes) + len(areas.ids) + len(extract.relations), None, object)
    entered = _entered(areas.geometry, extract.entrances)
    nodes, unplaced = _nodes(extract.nodes, name)
    sites, middles = _sites(extract, name)
    problems += [*unplaced, *middles, *_drawn_twice(nodes, areas, wish.selectors, name)]
    points = [nodes.geometry, shapely.point_on_surface(areas.geometry), sites.geometry]
    found = Features(
        ids=nodes.ids + areas.ids + sites.ids,
        tags=nodes.tags + areas.tags + sites.tags,
        geometry=np.concatenate(points),
    )
    columns = {
        "osm_id": found.ids,
        "name": found.column("name", "name:zh", "name:en"),
        "tags": [json.dumps(tags, ensure_ascii=False, sort_keys=True) for tags in found.tags],
    }
    frame = pd.DataFrame(columns, dtype="str")
    doors[len(nodes.ids) : len(nodes.ids) + len(areas.ids)] = entered
    frame["doors"] = pd.Series(doors[: len(found.ids)], dtype=object)
    return gpd.GeoDataFrame(frame, geometry=found.geometry, crs=_WGS84), problems


def _entered(outlines: Geometries, entrances: Sequence[Node]) -> Geometries:
    """Return the entrances on each outline as points, or the outline where it has none."""
    doors = outlines.copy()
    used = [node for node in entrances if not _NO_WAY_IN.issuperset(items(node.tags["entrance"]))]
    points = _points([(node.lon, node.lat) for node in used if np.isfinite(node.lon)])
    tree = shapely.STRtree(points)
    at, door = tree.query(shapely.boundary(outlines), predicate="dwithin", distance=_ON_OUTLINE)
    for one in np.unique(at).tolist():
        doors[one] = shapely.multipoints(points[np.sort(door[at == one])])
    return doors


def buildings(
    path: Path, *, name: str, files: OsmFiles | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the outlines of buildings.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.
    files : OsmFiles, optional
        Where the file has been read already, or will be for others too.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        EPSG:4326, by kind and id: osm_id, building (the tag), levels (float, NaN where not given),
        geometry (valid Polygon or MultiPolygon). Buildings that are a mere node have no outline
        and are not read.
    problems : list of Problem

    Raises
    ------
    InputError
        If the file is missing or broken, or has no building.

    Examples
    --------
    >>> buildings(Path("nowhere.osm"), name="nowhere.osm")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm: file not found: nowhere.osm
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    found, problems = _areas(path, BUILDINGS, name=name, lines=True, files=files)
    if not found.ids:
        raise InputError([_none_found("building", name), *problems[:_SHOWN]])
    levels = pd.to_numeric(pd.Series(found.column("building:levels")), errors="coerce")
    columns = {
        "osm_id": found.ids,
        "building": found.column("building"),
        "levels": levels.to_numpy(np.float64),
    }
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=_WGS84), problems


def landuse_residential(
    path: Path, *, name: str, files: OsmFiles | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the residential land (``landuse=residential``).

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.
    files : OsmFiles, optional
        Where the file has been read already, or will be for others too.

    Returns
    -------
    land : geopandas.GeoDataFrame
        EPSG:4326, by kind and id: osm_id, name, geometry (valid Polygon or MultiPolygon); polygons
        may overlap.
    problems : list of Problem

    Raises
    ------
    InputError
        If the file is missing or broken, or has no residential land.

    Examples
    --------
    >>> landuse_residential(Path("nowhere.osm"), name="nowhere.osm")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm: file not found: nowhere.osm
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    found, problems = _areas(path, RESIDENTIAL_LAND, name=name, lines=True, files=files)
    if not found.ids:
        raise InputError([_none_found("landuse=residential", name), *problems[:_SHOWN]])
    columns = {"osm_id": found.ids, "name": found.column("name", "name:zh", "name:en")}
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=_WGS84), problems


def _areas(
    path: Path, wish: Wish, *, name: str, lines: bool, files: OsmFiles | None
) -> tuple[Features, list[Problem]]:
    extract = (files or OsmFiles()).take(path, wish, name=name)
    found, problems = read_areas(extract, name=name, lines=lines)
    for relation in extract.relations:
        if not relation.is_area:
            value = called(f"relation/{relation.id}", relation.tags)
            problems.append(osm_problem("osm.not_an_area", "error", name=name, value=value))
    return found, problems


def _levels(path: Path, name: str) -> set[str]:
    """Return the levels of administrative boundaries that a file has, for a message."""
    kinds, filters = osmium.osm.WAY | osmium.osm.RELATION, osmium.filter.KeyFilter("boundary")
    levels: set[str] = set()
    for thing in objects(path, kinds, filters, name=name):
        tags = tags_of(thing, name=name)
        if "administrative" in items(tags.get("boundary", "")):
            levels.update(items(tags.get("admin_level", "")))
    return levels


def _none_found(what: str, name: str) -> Problem:
    return osm_problem("osm.none_found", "fatal", name=name, value=what, action="stopped")


def _nodes(nodes: Sequence[Node], name: str) -> tuple[Features, list[Problem]]:
    placed = [node for node in nodes if np.isfinite(node.lon)]
    problems = [
        osm_problem("osm.no_place", "error", name=name, value=f"node/{node.id}")
        for node in nodes
        if not np.isfinite(node.lon)
    ]
    return Features(
        ids=[f"node/{node.id}" for node in placed],
        tags=[node.tags for node in placed],
        geometry=_points([(node.lon, node.lat) for node in placed]),
    ), problems


def _points(places: Sequence[tuple[float, float]]) -> Geometries:
    return np.asarray(shapely.points(np.array(places, np.float64).reshape(-1, 2)), dtype=object)


def _sites(extract: Extract, name: str) -> tuple[Features, list[Problem]]:
    """Place relations that are no area (``type=site``) in the middle of their members."""
    relations = [relation for relation in extract.relations if not relation.is_area]
    parts, places = extract.parts, extract.places
    refs = {
        int(number): parts.refs[parts.first[at] : parts.first[at + 1]]
        for at, number in enumerate(parts.ids)
    }
    members = [
        np.unique(
            np.array(
                [*relation.nodes, *(ref for way in relation.ways for ref in refs.get(way, ()))],
                np.int64,
            )
        )
        for relation in relations
    ]
    ids, tags, points, problems = [], [], [], []
    for relation, nodes in zip(relations, members, strict=True):
        value = called(f"relation/{relation.id}", relation.tags)
        at = np.searchsorted(places.ids, nodes)
        at = at[np.isfinite(places.lon[at])]
        if not at.size:
            problems.append(osm_problem("osm.not_an_area", "error", name=name, value=value))
            continue
        problems.append(
            osm_problem("osm.site", "warning", name=name, value=value, action="flagged")
        )
        ids.append(f"relation/{relation.id}")
        tags.append(relation.tags)
        lon, lat = places.lon[at], places.lat[at]
        points.append(((lon.min() + lon.max()) / 2.0, (lat.min() + lat.max()) / 2.0))
    return Features(ids=ids, tags=tags, geometry=_points(points)), problems


def _drawn_twice(
    nodes: Features, areas: Features, chosen: Sequence[Selector], name: str
) -> list[Problem]:
    tree = shapely.STRtree(areas.geometry)
    pairs = tree.query(nodes.geometry, predicate="intersects").T.tolist()
    problems = []
    for at, other in sorted(pairs):
        here, there = nodes.tags[at], areas.tags[other]
        same = [matches(here, one) for one in chosen] == [matches(there, one) for one in chosen]
        if same and here.get("name", "") == there.get("name", ""):
            problems.append(
                osm_problem(
                    "osm.drawn_twice",
                    "warning",
                    name=name,
                    value=here.get("name", ""),
                    action="flagged",
                    node=nodes.ids[at],
                    area=areas.ids[other],
                )
            )
    return problems
