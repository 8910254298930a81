"""The streets of an OpenStreetMap file in one pass: ways, their nodes' places, and barriers.

osmium keeps the places of all nodes in compiled code while it reads, so no Python object stands for
a node. Where a file holds ways before their nodes, or negative ids, the nodes left over are read in
a second pass.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.mode_tables import FERRY, NODE_TAGS, WAY_TAGS
from servicecircle.inputs.osm_file import degrees, node_places, not_utf8, objects

__all__ = ["StreetCollector", "Streets", "read_streets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREET_KEYS = ("highway", "route")
BARRIER_KEYS = ("barrier", "kerb")
_KEYS = (*WAY_TAGS, "duration", "name")
_TAGS, _DURATION = len(WAY_TAGS), len(WAY_TAGS)
_HIGHWAY, _ROUTE = WAY_TAGS.index("highway"), WAY_TAGS.index("route")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Streets:
    """Ways with a ``highway``, each once, in the order of the file, and ferries where asked for.

    Parameters
    ----------
    ids : numpy.ndarray of int64, shape (w,)
    first : numpy.ndarray of int64, shape (w + 1,)
        Where the nodes of each way begin in ``refs``.
    refs : numpy.ndarray of int64, shape (k,)
        Ids of nodes, one way after the other.
    lon, lat : numpy.ndarray of float, shape (k,)
        Their places in degrees; NaN where the file does not hold the node, or not its place.
    kind : numpy.ndarray of int64, shape (w,)
        Index into ``kinds``.
    kinds : tuple of tuple of str
        Values of :data:`servicecircle.inputs.mode_tables.WAY_TAGS` that occur together.
    names, durations : tuple of str, length w
        "" where a way has none; durations of ferries alone.
    barriers : mapping of int to mapping of str to str
        Node id → its tags of :data:`servicecircle.inputs.mode_tables.NODE_TAGS`.
    repeated : int
        Ways that the file holds again; the first one counts.
    ferries : int
        Ferries that were left out.
    """

    ids: Ints
    first: Ints
    refs: Ints
    lon: Floats
    lat: Floats
    kind: Ints
    kinds: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    durations: tuple[str, ...]
    barriers: Mapping[int, Mapping[str, str]]
    repeated: int
    ferries: int


class StreetCollector:
    """Takes ways and nodes one by one and gives them back as arrays.

    Examples
    --------
    >>> found = StreetCollector(ferries=False)
    >>> found.add_way(7, [1, 2], [0.0, 1.0], [5.0, 5.0], {"highway": "path"}.get)
    >>> found.streets().refs.tolist()
    [1, 2]
    >>> StreetCollector(ferries=True).streets().first.tolist()
    [0]
    """

    def __init__(self, *, ferries: bool) -> None:
        self._take_ferries = ferries
        self._left_out = 0
        self._ids, self._refs, self._first = array("q"), array("q"), array("q", [0])
        self._lon, self._lat = array("d"), array("d")
        self._kind = array("q")
        self._kinds: dict[tuple[str, ...], int] = {}
        self._names: list[str] = []
        self._durations: list[str] = []
        self._known_names: dict[str, str] = {}
        self._barriers: dict[int, dict[str, str]] = {}

    def add_way(
        self,
        number: int,
        refs: Iterable[int],
        lon: Iterable[float],
        lat: Iterable[float],
        tag: Callable[[str, str], str],
    ) -> None:
        """Take a way up; ``tag(key, "")`` gives its tags."""
        values = tuple([tag(key, "") for key in _KEYS])
        ferry = not values[_HIGHWAY] and values[_ROUTE] == FERRY
        if not values[_HIGHWAY] and not ferry:
            return
        if ferry and not self._take_ferries:
            self._left_out += 1
            return
        self._ids.append(number)
        self._refs.extend(refs)
        self._lon.extend(lon)
        self._lat.extend(lat)
        self._first.append(len(self._refs))
        self._kind.append(self._kinds.setdefault(values[:_TAGS], len(self._kinds)))
        self._names.append(self._known_names.setdefault(values[-1], values[-1]))
        self._durations.append(values[_DURATION] if ferry else "")

    def add_node(self, number: int, tag: Callable[[str, str], str]) -> None:
        """Take up a node that may bar a way."""
        values = ((key, tag(key, "")) for key in NODE_TAGS)
        self._barriers.setdefault(number, {key: value for key, value in values if value})

    def streets(self) -> Streets:
        """Return what was taken up, each way once."""
        ids = np.array(self._ids, np.int64)
        first = np.array(self._first, np.int64)
        _, at = np.unique(ids, return_index=True)
        keep = np.sort(at)
        size = np.diff(first)[keep]
        used = np.zeros(ids.size, dtype=np.bool_)
        used[keep] = True
        nodes = np.repeat(used, np.diff(first))
        return Streets(
            ids=ids[keep],
            first=np.append(0, np.cumsum(size)),
            refs=np.array(self._refs, np.int64)[nodes],
            lon=np.array(self._lon, np.float64)[nodes],
            lat=np.array(self._lat, np.float64)[nodes],
            kind=np.array(self._kind, np.int64)[keep],
            kinds=tuple(self._kinds),
            names=tuple(self._names[one] for one in keep.tolist()),
            durations=tuple(self._durations[one] for one in keep.tolist()),
            barriers=self._barriers,
            repeated=int(ids.size - keep.size),
            ferries=self._left_out,
        )


def read_streets(path: Path, *, name: str, ferries: bool) -> Streets:
    """Read the streets of a file.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    name : str
        The file as the project names it, for messages.
    ferries : bool
        Whether ferries (``route=ferry``) are taken.

    Raises
    ------
    InputError
        As :func:`servicecircle.inputs.osm_file.objects`, or if a tag is not UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> text = '''<osm version="0.6"><node id="1" lon="118.00" lat="28.0"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     streets = read_streets(file, name="town.osm", ferries=False)
    >>> streets.refs.tolist(), streets.lon.tolist()
    ([1, 2], [118.0, nan])
    """
    collector = StreetCollector(ferries=ferries)
    ways, barriers = osmium.filter.KeyFilter(*STREET_KEYS), osmium.filter.KeyFilter(*BARRIER_KEYS)
    ways.enable_for(osmium.osm.WAY)
    barriers.enable_for(osmium.osm.NODE)
    kinds = osmium.osm.NODE | osmium.osm.WAY
    for thing in objects(path, kinds, ways, barriers, name=name, locations=True):
        tags: Any = thing.tags
        try:
            if thing.is_node():
                collector.add_node(thing.id, tags.get)
                continue
            nodes = list(thing.nodes)
            x, y = [node.x for node in nodes], [node.y for node in nodes]
            collector.add_way(thing.id, [node.ref for node in nodes], x, y, tags.get)
        except UnicodeDecodeError as error:
            raise InputError(not_utf8(error, name)) from None
    found = collector.streets()
    lon, lat = degrees(found.lon, found.lat)
    gone = np.isnan(lon)
    if gone.any():
        places = node_places(path, found.refs[gone], name=name)
        at = np.searchsorted(places.ids, found.refs[gone])
        lon[gone], lat[gone] = places.lon[at], places.lat[at]
    return replace(found, lon=lon, lat=lat)
