"""The objects of an OpenStreetMap file (.osm.pbf, .osm), as osmium streams them, into arrays.

Places of nodes are kept by osmium in compiled code.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = [
    "LOCATIONS",
    "OSM_SUFFIXES",
    "Places",
    "Ways",
    "degrees",
    "node_places",
    "not_utf8",
    "objects",
    "objects_of",
    "places_in",
    "processor_of",
    "read_ways",
    "tags_of",
    "worded",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OSM_SUFFIXES = {".osm.pbf": "pbf", ".pbf": "pbf", ".osm": "osm"}
_FIXED_PER_DEGREE = 1e7
LOCATIONS = "flex_mem"
"""How osmium keeps places: by id, in order of reading, 16 bytes a node."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ways:
    """Ways, each once.

    Parameters
    ----------
    ids : numpy.ndarray of int64, shape (w,)
    first : numpy.ndarray of int64, shape (w + 1,)
        Where the nodes of each way begin in ``refs``.
    refs : numpy.ndarray of int64, shape (k,)
        Ids of nodes, one way after the other.
    tags : list of length w
        What ``read_ways`` was asked to take of each way's tags.
    repeated : int
        Ways that the file holds again; the first one counts.
    """

    ids: Ints
    first: Ints
    refs: Ints
    tags: list[Any]
    repeated: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Places:
    """Places of nodes, by ascending id.

    Parameters
    ----------
    ids : numpy.ndarray of int64, shape (n,)
    lon, lat : numpy.ndarray of float, shape (n,)
        Degrees; NaN where the file does not hold the node, or not its place.
    """

    ids: Ints
    lon: Floats
    lat: Floats


def objects(
    path: Path, entities: Any, *filters: Any, name: str, locations: bool = False
) -> Iterator[Any]:
    """Stream the objects of a file; each lives until the next one comes.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    entities : osmium.osm.osm_entity_bits
        Such as ``osmium.osm.WAY``.
    *filters : osmium filter
        All must let an object pass.
    name : str
        The file as the project names it, for messages.
    locations : bool
        Whether ways know the places of their nodes, of those that come before them in the file.

    Raises
    ------
    InputError
        If the file is missing, of another format, broken or cut short, a history, or declares
        XML entities.

    Examples
    --------
    >>> list(objects(Path("nowhere.osm"), osmium.osm.WAY, name="nowhere.osm"))
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm: file not found: nowhere.osm
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    with worded(name):
        processor = processor_of(path, entities, name=name)
        if locations:
            processor.with_locations(LOCATIONS)
        for one in filters:
            processor.with_filter(one)
        yield from processor


def processor_of(path: Path, entities: Any, *, name: str) -> Any:
    """Return osmium's reader of a file, whose errors are to be put into words by :func:`worded`.

    Raises
    ------
    InputError
        If the file is missing, of another format, or a history.

    Examples
    --------
    >>> processor_of(Path("town.zip"), osmium.osm.WAY, name="town.zip")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: town.zip: file not found: town.zip...
    """
    if not path.is_file():
        raise InputError(_fatal("input.missing_file", name, value=name))
    formats = [kind for end, kind in OSM_SUFFIXES.items() if path.name.lower().endswith(end)]
    if not formats:
        known = ", ".join(OSM_SUFFIXES)
        raise InputError(
            _fatal("osm.unknown_format", name, value=path.name, details={"known": known})
        )
    # The format is given, so that no other of osmium's formats is guessed from a name.
    file = osmium.io.File(str(path.resolve()), formats[0])
    processor = osmium.FileProcessor(file, entities)
    if formats[0] == "pbf" and processor.header.has_multiple_object_versions:
        raise InputError(_fatal("osm.history", name))
    return processor


@contextmanager
def worded(name: str) -> Iterator[None]:
    """Turn osmium's errors into ours.

    Examples
    --------
    >>> with worded("a.osm"):
    ...     raise RuntimeError("PBF error: truncated data")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.osm...
    """
    try:
        yield
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        if isinstance(error, InputError):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        code = "osm.entities" if "entities are not supported" in reason else "osm.broken"
        raise InputError(_fatal(code, name, value=name, details={"reason": reason})) from None


def not_utf8(error: UnicodeDecodeError, name: str) -> Problem:
    """Return the fault of a tag that is not UTF-8.

    Examples
    --------
    >>> error = UnicodeDecodeError("utf-8", bytes([196]), 0, 1, "invalid start byte")
    >>> not_utf8(error, "a.osm").code
    'osm.broken'
    """
    return _fatal("osm.broken", name, value=name, details={"reason": str(error)})


def _fatal(code: str, name: str, **where: Any) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", file=name, **where)


def tags_of(thing: Any, *, name: str) -> dict[str, str]:
    """Return the tags of an osmium object as a dict.

    Raises
    ------
    InputError
        If a tag is not UTF-8.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> tags_of(SimpleNamespace(tags=[]), name="a.osm")
    {}
    """
    try:
        return {tag.k: tag.v for tag in thing.tags}
    except UnicodeDecodeError as error:
        raise InputError(not_utf8(error, name)) from None


def objects_of(path: Path, entities: Any, ids: list[int], *, name: str) -> Iterator[Any]:
    """Stream the objects with these ids.

    Raises
    ------
    InputError
        As :func:`objects`.

    Examples
    --------
    >>> list(objects_of(Path("nowhere.osm"), osmium.osm.NODE, [], name="nowhere.osm"))
    []
    """
    if not ids:
        return
    if min(ids) >= 0:
        yield from objects(path, entities, osmium.filter.IdFilter(ids), name=name)
        return
    # osmium's filter takes no negative ids, which editors give to what is not uploaded yet.
    wanted = set(ids)
    for thing in objects(path, entities, name=name):
        if thing.id in wanted:
            yield thing


def read_ways(ways: Iterable[Any], *, name: str, keys: tuple[str, ...] | None = None) -> Ways:
    """Take what is needed of a stream of ways: their nodes' ids and tags.

    Parameters
    ----------
    ways : iterable of osmium ways
        From :func:`objects` or :func:`objects_of`.
    name : str
    keys : tuple of str, optional
        Take a tuple of these tags' values ("" where absent), else a dict of all tags.

    Raises
    ------
    InputError
        As :func:`objects`, or if a tag is not UTF-8.

    Examples
    --------
    >>> read_ways([], name="a.osm").first.tolist()
    [0]
    """
    ids, refs, first = array("q"), array("q"), array("q", [0])
    tags: list[Any] = []
    seen: set[int] = set()
    repeated = 0
    for way in ways:
        number = way.id
        if number in seen:
            repeated += 1
            continue
        seen.add(number)
        ids.append(number)
        refs.extend([node.ref for node in way.nodes])
        first.append(len(refs))
        if keys is None:
            tags.append(tags_of(way, name=name))
            continue
        here = way.tags
        try:
            tags.append(tuple([here.get(key, "") for key in keys]))
        except UnicodeDecodeError as error:
            raise InputError(not_utf8(error, name)) from None
    return Ways(
        ids=np.array(ids, np.int64),
        first=np.array(first, np.int64),
        refs=np.array(refs, np.int64),
        tags=tags,
        repeated=repeated,
    )


def node_places(path: Path, refs: Ints | Sequence[int], *, name: str) -> Places:
    """Read the places of the nodes that ways name.

    Parameters
    ----------
    path : pathlib.Path
    refs : numpy.ndarray of int64 or sequence of int
        Ids of nodes, repeats allowed.
    name : str

    Raises
    ------
    InputError
        As :func:`objects`.

    Examples
    --------
    >>> node_places(Path("nowhere.osm"), [], name="nowhere.osm").lon.size
    0
    """
    ids = np.asarray(refs, np.int64)
    with worded(name):
        processor = None
        if ids.size:
            processor = processor_of(path, osmium.osm.NODE, name=name)
            processor.with_locations(LOCATIONS)
            # The table is filled in compiled code; none of the nodes need come here.
            processor.with_filter(osmium.filter.IdFilter([]))
            for _ in processor:
                pass
        return places_in(processor, path, ids, name=name)


def places_in(processor: Any, path: Path, refs: Ints, *, name: str) -> Places:
    """Return places of nodes from a reader that has read its file with locations.

    Parameters
    ----------
    processor : osmium.FileProcessor or None
        None where there are no nodes to look for.
    path : pathlib.Path
        Read again where ids are below zero.
    refs : numpy.ndarray of int64
        Ids of nodes, repeats allowed.
    name : str

    Raises
    ------
    InputError
        As :func:`objects`.

    Examples
    --------
    >>> places_in(None, Path("nowhere.osm"), np.empty(0, np.int64), name="nowhere.osm").ids.size
    0
    """
    ids = np.unique(refs)
    x, y = np.full(ids.size, np.nan), np.full(ids.size, np.nan)
    below = int(np.searchsorted(ids, 0))
    if below:
        # osmium's table takes no negative ids, which editors give to what is not uploaded yet.
        wanted = {int(number): at for at, number in enumerate(ids[:below])}
        for node in objects(path, osmium.osm.NODE, name=name):
            at = wanted.get(node.id)
            if at is not None:
                x[at], y[at] = node.location.x, node.location.y
    if below < ids.size:
        table = processor.node_location_storage
        for at in range(below, ids.size):
            try:
                location = table.get(int(ids[at]))
            except KeyError:
                continue
            x[at], y[at] = location.x, location.y
    lon, lat = degrees(x, y)
    return Places(ids=ids, lon=lon, lat=lat)


def degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return places in osmium's units (1e-7 degrees) in degrees, NaN where there is none.

    Examples
    --------
    >>> lon, lat = degrees(np.array([1180000000.0, 2147483647.0]), np.array([280000000.0, 0.0]))
    >>> lon.tolist(), lat.tolist()
    ([118.0, nan], [28.0, nan])
    """
    lon, lat = x / _FIXED_PER_DEGREE, y / _FIXED_PER_DEGREE
    # An undefined place is far out of range; NaN compares as out of it too.
    bad = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))  # noqa: PLR2004 - degrees
    lon[bad], lat[bad] = np.nan, np.nan
    return lon, lat
