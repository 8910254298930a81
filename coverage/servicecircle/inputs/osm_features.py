"""Boundaries, facilities, buildings and residential land from an OpenStreetMap file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.osm_areas import (
    Features,
    Relation,
    Tags,
    called,
    osm_problem,
    read_areas,
    read_relations,
)
from servicecircle.inputs.osm_file import node_places, objects, objects_of, read_ways, tags_of
from servicecircle.inputs.shapes import Geometries
from servicecircle.problems import Problem

__all__ = ["admin_boundaries", "buildings", "landuse_residential", "tagged_facilities"]

Selector = tuple[tuple[str, str], ...]

_WGS84 = "EPSG:4326"
_SHOWN = 5


def admin_boundaries(
    path: Path, *, admin_level: int, name: str
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
    levels: set[str] = set()

    def wanted(tags: Tags) -> bool:
        if "administrative" not in _items(tags.get("boundary", "")):
            return False
        here = _items(tags.get("admin_level", ""))
        levels.update(here)
        return str(admin_level) in here

    # Borders are drawn as open lines with the same tags: they are the members of relations.
    found, problems = _areas(path, keys=("boundary",), wanted=wanted, name=name, lines=False)
    if not found.ids:
        known = ", ".join(sorted(levels, key=lambda level: (len(level), level)))
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
    path: Path, *, selectors: Sequence[str], name: str
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

    Returns
    -------
    facilities : geopandas.GeoDataFrame
        EPSG:4326, nodes, areas, sites, each by id: osm_id ("node/123"), name, tags (JSON),
        geometry (Point; of an area a point inside it, of a site the middle of its members). No
        rows where nothing matches.
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
    chosen = [_selector(text, name) for text in selectors]
    keys = tuple(sorted({selector[0][0] for selector in chosen}))

    def wanted(tags: Tags) -> bool:
        return any(_matches(tags, selector) for selector in chosen)

    found = Features(ids=[], tags=[], geometry=np.empty(0, dtype=object))
    problems: list[Problem] = []
    if keys:
        relations = read_relations(path, keys=keys, wanted=wanted, name=name)
        outlines = [relation for relation in relations if relation.is_area]
        areas, problems = read_areas(
            path, outlines, keys=keys, wanted=wanted, name=name, lines=True
        )
        nodes, unplaced = _read_nodes(path, keys=keys, wanted=wanted, name=name)
        others = [relation for relation in relations if not relation.is_area]
        sites, middles = _read_sites(path, others, name=name)
        problems += [*unplaced, *middles, *_drawn_twice(nodes, areas, chosen, name)]
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
    return gpd.GeoDataFrame(frame, geometry=found.geometry, crs=_WGS84), problems


def buildings(path: Path, *, name: str) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the outlines of buildings.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.

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

    def wanted(tags: Tags) -> bool:
        return tags.get("building", "no") != "no"

    found, problems = _areas(path, keys=("building",), wanted=wanted, name=name, lines=True)
    if not found.ids:
        raise InputError([_none_found("building", name), *problems[:_SHOWN]])
    levels = pd.to_numeric(pd.Series(found.column("building:levels")), errors="coerce")
    columns = {
        "osm_id": found.ids,
        "building": found.column("building"),
        "levels": levels.to_numpy(np.float64),
    }
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=_WGS84), problems


def landuse_residential(path: Path, *, name: str) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the residential land (``landuse=residential``).

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.

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

    def wanted(tags: Tags) -> bool:
        return "residential" in _items(tags.get("landuse", ""))

    found, problems = _areas(path, keys=("landuse",), wanted=wanted, name=name, lines=True)
    if not found.ids:
        raise InputError([_none_found("landuse=residential", name), *problems[:_SHOWN]])
    columns = {"osm_id": found.ids, "name": found.column("name", "name:zh", "name:en")}
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=_WGS84), problems


def _areas(
    path: Path,
    *,
    keys: Sequence[str],
    wanted: Callable[[Tags], bool],
    name: str,
    lines: bool,
) -> tuple[Features, list[Problem]]:
    relations = read_relations(path, keys=keys, wanted=wanted, name=name)
    outlines = [relation for relation in relations if relation.is_area]
    found, problems = read_areas(path, outlines, keys=keys, wanted=wanted, name=name, lines=lines)
    for relation in relations:
        if not relation.is_area:
            value = called(f"relation/{relation.id}", relation.tags)
            problems.append(osm_problem("osm.not_an_area", "error", name=name, value=value))
    return found, problems


def _none_found(what: str, name: str) -> Problem:
    return osm_problem("osm.none_found", "fatal", name=name, value=what, action="stopped")


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(";")]


def _selector(text: str, name: str) -> Selector:
    pairs = tuple(
        (key.strip(), value.strip())
        for key, _, value in (part.partition("=") for part in text.split("+"))
    )
    if not all(key.rstrip("!") and value for key, value in pairs) or pairs[0][0].endswith("!"):
        fault = osm_problem("osm.bad_selector", "fatal", name=name, value=text, action="stopped")
        raise InputError(fault)
    return pairs


def _matches(tags: Tags, selector: Selector) -> bool:
    return all(
        not _holds(tags, key[:-1], value) if key.endswith("!") else _holds(tags, key, value)
        for key, value in selector
    )


def _holds(tags: Tags, key: str, value: str) -> bool:
    return key in tags and (value in ("*", tags[key]) or value in _items(tags[key]))


def _read_nodes(
    path: Path, *, keys: tuple[str, ...], wanted: Callable[[Tags], bool], name: str
) -> tuple[Features, list[Problem]]:
    found: dict[int, tuple[Tags, tuple[float, float]]] = {}
    problems = []
    for node in objects(path, osmium.osm.NODE, osmium.filter.KeyFilter(*keys), name=name):
        tags = tags_of(node, name=name)
        if not wanted(tags) or node.id in found:
            continue
        if node.location.valid():
            found[node.id] = (tags, (node.location.lon, node.location.lat))
        else:
            problems.append(
                osm_problem("osm.no_place", "error", name=name, value=f"node/{node.id}")
            )
    ids = sorted(found)
    return Features(
        ids=[f"node/{number}" for number in ids],
        tags=[found[number][0] for number in ids],
        geometry=_points([found[number][1] for number in ids]),
    ), problems


def _points(places: Sequence[tuple[float, float]]) -> Geometries:
    return np.asarray(shapely.points(np.array(places, np.float64).reshape(-1, 2)), dtype=object)


def _read_sites(
    path: Path, relations: Sequence[Relation], *, name: str
) -> tuple[Features, list[Problem]]:
    """Place relations that are no area (``type=site``) in the middle of their members."""
    ways = sorted({way for relation in relations for way in relation.ways})
    parts = read_ways(objects_of(path, osmium.osm.WAY, ways, name=name), name=name)
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
    places = node_places(path, np.concatenate([np.empty(0, np.int64), *members]), name=name)
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
    nodes: Features, areas: Features, chosen: list[Selector], name: str
) -> list[Problem]:
    tree = shapely.STRtree(areas.geometry)
    pairs = tree.query(nodes.geometry, predicate="intersects").T.tolist()
    problems = []
    for at, other in sorted(pairs):
        here, there = nodes.tags[at], areas.tags[other]
        same = [_matches(here, one) for one in chosen] == [_matches(there, one) for one in chosen]
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
