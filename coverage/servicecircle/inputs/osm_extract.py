"""What several readers want of one OpenStreetMap file, taken from it at once.

Two passes serve all wishes: one over nodes, ways and relations, in which osmium keeps the places of
all nodes in compiled code, and one over the ways that are members of relations. So the order of
the objects in the file plays no part.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.osm_file import (
    LOCATIONS,
    Places,
    Ways,
    objects_of,
    places_in,
    processor_of,
    read_ways,
    tags_of,
    worded,
)
from servicecircle.inputs.osm_wishes import ENTRANCES, Tags, Wish

__all__ = ["Extract", "Node", "OsmFiles", "OsmSource", "Relation", "read_extracts"]

Ints = NDArray[np.int64]

_AREA_TYPES = ("multipolygon", "boundary")
# Tags of a relation that say what it is, and not what it shows.
_FORM = ("type",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A tagged node; its place is NaN where the file does not hold it."""

    id: int
    tags: Tags
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation: its tags and members, each member once."""

    id: int
    tags: Tags
    ways: tuple[int, ...]
    outers: tuple[int, ...]
    nodes: tuple[int, ...]

    @property
    def is_area(self) -> bool:
        """Whether its ways are the outline of an area."""
        return self.tags.get("type") in _AREA_TYPES


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Extract:
    """What one wish takes of a file.

    Parameters
    ----------
    nodes : list of Node
        By id.
    ways : Ways
        In the order of the file.
    relations : list of Relation
        By id.
    parts : Ways
        The members of the relations.
    places : Places
        Of the nodes of ``ways``, ``parts`` and relations, those of other wishes among them.
    entrances : list of Node
        All of the file (``entrance=*``), by id, where nodes are wanted; else none.
    """

    nodes: list[Node]
    ways: Ways
    relations: list[Relation]
    parts: Ways
    places: Places
    entrances: list[Node]


@dataclass(slots=True)
class _Taken:
    """Objects by id, each once, and for each wish which of them it takes."""

    nodes: dict[int, Node] = field(default_factory=dict)
    ways: dict[int, tuple[Tags, int, int]] = field(default_factory=dict)
    """Tags, and where its nodes begin and end in ``refs``."""
    refs: array[int] = field(default_factory=lambda: array("q"))
    relations: dict[int, Relation] = field(default_factory=dict)
    of: dict[tuple[str, Wish], list[int]] = field(default_factory=dict)


def read_extracts(path: Path, wishes: Iterable[Wish], *, name: str) -> dict[Wish, Extract]:
    """Read what several wishes take of a file.

    Parameters
    ----------
    path : pathlib.Path
        A .osm.pbf or .osm file.
    wishes : iterable of Wish
        Repeats allowed.
    name : str
        The file as the project names it, for messages.

    Raises
    ------
    InputError
        As :func:`servicecircle.inputs.osm_file.objects`, or if a tag is not UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> from servicecircle.inputs.osm_wishes import BUILDINGS, boundary_wish
    >>> text = '''<osm version="0.6"><node id="1" lon="0" lat="0"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/><tag k="building" v="yes"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "town.osm"
    ...     _ = file.write_text(text)
    ...     found = read_extracts(file, [BUILDINGS, boundary_wish(8)], name="town.osm")
    >>> found[BUILDINGS].ways.ids.tolist(), found[BUILDINGS].places.lon.tolist()
    ([7], [0.0, nan])
    >>> found[boundary_wish(8)].ways.ids.tolist()
    []
    """
    asked = list(dict.fromkeys(wishes))
    # Who wants facilities wants to know where they are entered.
    wanted = [*asked, *([ENTRANCES] if any(wish.nodes for wish in asked) else [])]
    taken = _Taken()
    with worded(name):
        stream = _stream(path, wanted, name)
        by_key: dict[str, list[Wish]] = {}
        for wish in wanted:
            for key in wish.keys:
                by_key.setdefault(key, []).append(wish)
        for thing in stream:
            _take(thing, by_key, taken, name)
        members = {way for one in taken.relations.values() for way in one.ways}
        parts = read_ways(
            objects_of(path, osmium.osm.WAY, sorted(members), name=name), name=name, keys=()
        )
        refs = [parts.refs, np.array(taken.refs, np.int64)]
        refs += [np.array(one.nodes, np.int64) for one in taken.relations.values()]
        places = places_in(stream, path, np.concatenate(refs), name=name)
    return {wish: _extract(taken, wish, parts, places) for wish in asked}


def _stream(path: Path, wishes: Sequence[Wish], name: str) -> Any:
    """Return osmium's reading of a file, of what has one of the keys of the wishes alone."""
    every = osmium.osm.NODE | osmium.osm.WAY | osmium.osm.RELATION
    stream = processor_of(path, every, name=name)
    stream.with_locations(LOCATIONS)
    keys = {key for wish in wishes for key in wish.keys}
    on_nodes = {key for wish in wishes if wish.nodes for key in wish.keys}
    for kinds, chosen in (
        (osmium.osm.NODE, on_nodes),
        (osmium.osm.WAY | osmium.osm.RELATION, keys),
    ):
        passing = osmium.filter.KeyFilter(*sorted(chosen)) if chosen else osmium.filter.IdFilter([])
        stream.with_filter(passing.enable_for(kinds))
    return stream


def _take(thing: Any, by_key: Mapping[str, list[Wish]], taken: _Taken, name: str) -> None:
    kind = "n" if thing.is_node() else "w" if thing.is_way() else "r"
    number = thing.id
    if number in (taken.nodes if kind == "n" else taken.ways if kind == "w" else taken.relations):
        return
    tags = tags_of(thing, name=name)
    asked = dict.fromkeys(wish for key in tags for wish in by_key.get(key, ()))
    takers = [wish for wish in asked if (kind != "n" or wish.nodes) and wish.wants(tags)]
    if not takers:
        return
    if all(wish.keep for wish in takers):
        kept = {*_FORM, *(key for wish in takers for key in wish.keep)}
        tags = {key: value for key, value in tags.items() if key in kept}
    if kind == "n":
        place, valid = thing.location, thing.location.valid()
        lon, lat = (place.lon, place.lat) if valid else (np.nan, np.nan)
        taken.nodes[number] = Node(id=number, tags=tags, lon=lon, lat=lat)
    elif kind == "w":
        start = len(taken.refs)
        taken.refs.extend([node.ref for node in thing.nodes])
        taken.ways[number] = (tags, start, len(taken.refs))
    else:
        taken.relations[number] = _relation(number, tags, thing)
    for wish in takers:
        taken.of.setdefault((kind, wish), []).append(number)


def _relation(number: int, tags: Tags, thing: Any) -> Relation:
    members = [(member.type, member.ref, member.role) for member in thing.members]
    ways = [(ref, role) for kind, ref, role in members if kind == "w"]
    return Relation(
        id=number,
        tags=tags,
        ways=tuple(dict.fromkeys(ref for ref, _ in ways)),
        outers=tuple(dict.fromkeys(ref for ref, role in ways if role in ("outer", ""))),
        nodes=tuple(dict.fromkeys(ref for kind, ref, _ in members if kind == "n")),
    )


def _extract(taken: _Taken, wish: Wish, parts: Ways, places: Places) -> Extract:
    ids = taken.of.get(("w", wish), [])
    refs, first = array("q"), array("q", [0])
    for number in ids:
        _, start, end = taken.ways[number]
        refs.extend(taken.refs[start:end])
        first.append(len(refs))
    ways = Ways(
        ids=np.array(ids, np.int64),
        first=np.array(first, np.int64),
        refs=np.array(refs, np.int64),
        tags=[taken.ways[number][0] for number in ids],
        repeated=0,
    )
    relations = [taken.relations[number] for number in sorted(taken.of.get(("r", wish), []))]
    members = [way for relation in relations for way in relation.ways]
    return Extract(
        nodes=_nodes_of(taken, wish),
        ways=ways,
        relations=relations,
        parts=_of_ids(parts, members),
        places=places,
        entrances=_nodes_of(taken, ENTRANCES) if wish.nodes else [],
    )


def _nodes_of(taken: _Taken, wish: Wish) -> list[Node]:
    return [taken.nodes[number] for number in sorted(taken.of.get(("n", wish), []))]


def _of_ids(ways: Ways, ids: Sequence[int]) -> Ways:
    """Return those of some ways that have one of the ids."""
    keep = np.isin(ways.ids, np.array(ids, np.int64))
    size = np.diff(ways.first)
    return Ways(
        ids=ways.ids[keep],
        first=np.append(np.int64(0), np.cumsum(size[keep])),
        refs=ways.refs[np.repeat(keep, size)],
        tags=[ways.tags[at] for at in np.flatnonzero(keep).tolist()],
        repeated=0,
    )


class OsmFiles:
    """The OpenStreetMap files of a project, each read once for all that is wanted of it.

    Parameters
    ----------
    wishes : iterable of (pathlib.Path, Wish)
        All that will be asked for, as often as it will be asked for. What is not listed is read
        when it is asked for.

    Examples
    --------
    >>> from servicecircle.inputs.osm_wishes import BUILDINGS
    >>> OsmFiles([]).take(Path("nowhere.osm"), BUILDINGS, name="nowhere.osm")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm: file not found: nowhere.osm
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """

    def __init__(self, wishes: Iterable[tuple[Path, Wish]] = ()) -> None:
        self._left: dict[Path, Counter[Wish]] = {}
        for path, wish in wishes:
            self._left.setdefault(path, Counter())[wish] += 1
        self._read: dict[Path, dict[Wish, Extract] | InputError] = {}

    def take(self, path: Path, wish: Wish, *, name: str) -> Extract:
        """Return what a wish takes of a file; after the last asking nothing of it is kept.

        Raises
        ------
        InputError
            As :func:`read_extracts`, whenever it is asked.
        """
        if not wish.selectors:
            return _extract(_Taken(), wish, read_ways([], name=name), _nowhere())
        left = self._left.get(path, Counter())
        if path not in self._read:
            try:
                self._read[path] = read_extracts(path, [*left, wish], name=name)
            except InputError as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, InputError):
            raise InputError(found.problems)
        if wish not in found:
            return read_extracts(path, [wish], name=name)[wish]
        left[wish] -= 1
        return found[wish] if left[wish] > 0 else found.pop(wish)


def _nowhere() -> Places:
    nothing = np.empty(0)
    return Places(ids=np.empty(0, np.int64), lon=nothing, lat=nothing)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OsmSource:
    """Which features of an OpenStreetMap file a layer takes.

    Parameters
    ----------
    selectors : tuple of str
    files : OsmFiles, optional
        Where the file has been read already, or will be for others too.
    """

    selectors: tuple[str, ...] = ()
    files: OsmFiles | None = None
