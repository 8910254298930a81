"""Which ways each mode of travel may use, by their OpenStreetMap tags.

The rules are the tables of :mod:`servicecircle.inputs.mode_tables`; this is the order in which they
speak, the same for each mode of walk, wheelchair, e-bike, cycle and drive:

1. What is not there, or not a way, is never used: ``NEVER``.
2. The mode's own access keys, the most specific first (``ACCESS_KEYS``), decide where they have a
   value that is known: open, closed, pushed (cyclists dismount), or private, which the project
   closes, opens, or keeps for destinations (``[roads] gated``).
3. Without one, the class may be closed to the mode (``CLASS_CLOSED``), or ``motorroad=yes``, or the
   kind of ``service``; then ``access`` decides.
4. All else is open, classes that the tables do not know among it: they are reported, since leaving
   a way out tears the network and using it costs a detour at most.
5. Vehicles obey one-way streets (``ONEWAY_KEYS``; motorways and roundabouts are one-way unless they
   say otherwise), cyclists with their exceptions (``CONTRAFLOW``). People on foot and in
   wheelchairs do not.
6. Wheelchairs go where people walk, but not where ``wheelchair=no`` says so, on steps without a
   ramp for them, on bad ground, or on paths and tracks of unknown ground; ``wheelchair=yes`` or
   ``limited`` opens these.
7. Barriers on nodes stop the modes of ``BARRIERS``, if locked or private all, raised kerbs
   wheelchairs, unless a key of the mode's own lets it pass.

Driveways, alleys and aisles of car parks are used as any service road. The outline of an area
(``area=yes``, mostly squares) is used, since the ways that meet a square meet its outline and
without it the square would cut them off. ``*:conditional``, access by direction or lane, and widths
play no part; platforms are walked where they carry a ``highway`` tag. Ferries are read where the
project asks for them.

Against OSMnx 2's filters, applied to the same ways:

``walk``
    It drops cycleways (here walked unless ``foot=no``), areas, platforms, and streets with
    ``sidewalk=separate`` (the separate sidewalk need not be joined at every crossing); it walks
    ``access=no``, ``foot=private`` and ``foot=use_sidepath``, and drops ``access=private`` even
    where ``foot=yes``, and motorways even then.
``bike``
    It rides in pedestrian zones (here pushed) and bridleways, and on ``motorroad=yes``,
    ``access=no``, ``vehicle=no`` and ways for buses; it drops areas, and footways, steps and
    motorways even where ``bicycle=yes``, and ``access=private`` even where ``bicycle=yes``.
``drive_service``
    It drives on ``access=no``, ``vehicle=no`` and ways for buses or farming only; it drops areas,
    aisles of car parks, and tracks and pedestrian zones even where ``motor_vehicle=yes``, and
    ``access=private`` even then. ``drive`` drops all service roads besides.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from servicecircle.inputs import mode_tables as table
from servicecircle.inputs.raw_roads import MODES, Bools, Codes, Mode, WayRules
from servicecircle.inputs.speeds import speed_limit_kmh

__all__ = [
    "Gated",
    "barred_places",
    "class_name",
    "oneway_codes",
    "options",
    "stopped_modes",
    "unknown_classes",
    "way_rules",
]

Gated = Literal["closed", "destination", "open"]
_Tags = Mapping[str, str]
# Allowed, private and pushed, for each mode.
_Verdict = tuple[tuple[int, ...], tuple[bool, ...], bool, float]

_LISTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_MOST_COMBINATIONS = 4096
_BOTH = 3


def way_rules(tags: Mapping[str, Sequence[str]], *, gated: Gated = "closed") -> WayRules:
    """Return what each way is to each mode.

    Parameters
    ----------
    tags : mapping of str to sequence of str, each of length n
        ``highway`` and, where known, others of :data:`servicecircle.inputs.mode_tables.WAY_TAGS`;
        "" where a way has no such tag. A list as OSMnx writes it for merged ways
        (``"['steps', 'service']"``) is open only if every way in it is.
    gated : {"closed", "destination", "open"}
        Whether private ways may be used; ``destination`` and ``open`` give the same here, the
        former for an engine that does not pass through what is ``private``.

    Returns
    -------
    WayRules

    Raises
    ------
    ValueError
        If there is no ``highway``, an unknown tag, or the lengths differ.

    Examples
    --------
    >>> rules = way_rules(
    ...     {"highway": ["cycleway", "motorway", "service"], "access": ["", "", "private"]}
    ... )
    >>> rules.allowed["walk"].tolist(), rules.allowed["drive"].tolist()
    ([3, 0, 0], [0, 1, 0])
    >>> way_rules({"highway": ["service"], "access": ["private"]}, gated="open").allowed[
    ...     "drive"
    ... ].tolist()
    [3]
    >>> way_rules({"highway": []}).pushed.size
    0
    """
    unknown = set(tags) - set(table.WAY_TAGS)
    if "highway" not in tags or unknown:
        raise ValueError(f"tags must be highway and some of {table.WAY_TAGS}, not {list(tags)}")
    structure = _structures(tags)
    keys = tuple(key for key in tags if key not in table.STRUCTURE_TAGS)
    number: dict[tuple[str, ...], int] = {}
    ways = zip(*(tags[key] for key in keys), strict=True)
    way = np.fromiter((number.setdefault(one, len(number)) for one in ways), np.int64)
    found = [_merged_verdict(dict(zip(keys, one, strict=True)), gated) for one in number]
    allowed = np.array([one[0] for one in found], np.int8).reshape(-1, len(MODES))
    private = np.array([one[1] for one in found], np.bool_).reshape(-1, len(MODES))
    ferry = [_class_of({"highway": "", **dict(zip(keys, one, strict=True))}) for one in number]
    rules = WayRules(
        allowed={mode: allowed[:, at] for at, mode in enumerate(MODES)},
        private={mode: private[:, at] for at, mode in enumerate(MODES)},
        pushed=np.array([one[2] for one in found], np.bool_),
        speed_kmh=np.array([one[3] for one in found], np.float64),
        ferry=np.array([name == table.FERRY for name in ferry], np.bool_),
        structure=np.zeros(len(number), np.bool_),
    ).at(way)
    if structure.shape != way.shape:
        raise ValueError(f"{structure.size} bridges and tunnels, but {way.size} ways")
    return dataclasses.replace(rules, structure=structure)


def _structures(tags: Mapping[str, Sequence[str]]) -> Bools:
    """Return which ways are bridges, tunnels, or on another layer than the ground.

    Of ways merged into one it is one if any of them is.
    """
    found = np.zeros(len(tags["highway"]), np.bool_)
    for key in table.STRUCTURE_TAGS:
        off: dict[str, bool] = {}
        values = tags.get(key, ())
        for value in set(values):
            off[value] = any(_off_ground(key, _first(one)) for one in options(value))
        if any(off.values()):
            found = found | np.fromiter((off[value] for value in values), np.bool_, len(values))
    return found


def _off_ground(key: str, value: str) -> bool:
    if key == "layer":
        # A column of this name may as well hold names of layers.
        try:
            return float(value) != 0.0
        except ValueError:
            return False
    return value not in table.ON_GROUND and not (
        key == "tunnel" and value in table.NOT_UNDER_GROUND
    )


def _merged_verdict(tags: _Tags, gated: Gated) -> _Verdict:
    """Judge a way, or what all ways merged into it have in common."""
    values = [options(value) for value in tags.values()]
    ways = itertools.islice(itertools.product(*values), _MOST_COMBINATIONS)
    verdicts = [_verdict(dict(zip(tags, way, strict=True)), gated) for way in ways]
    if len(verdicts) == 1:
        return verdicts[0]
    allowed, private, pushed, speed = zip(*verdicts, strict=True)
    speeds = [one for one in speed if not math.isnan(one)]
    return (
        tuple(functools.reduce(int.__and__, codes) for codes in zip(*allowed, strict=True)),
        tuple(any(flags) for flags in zip(*private, strict=True)),
        any(pushed),
        min(speeds, default=math.nan),
    )


def _verdict(tags: _Tags, gated: Gated) -> _Verdict:
    # A wheelchair may go where its user may walk; the ground decides below.
    kinds = {mode: _kind(tags, "walk" if mode == "wheelchair" else mode) for mode in MODES}
    allowed = []
    for mode in MODES:
        kind = kinds[mode]
        open_ = kind in ("open", "pushed") or (kind == "private" and gated != "closed")
        if mode == "wheelchair" and open_:
            open_ = _wheeled(tags)
        allowed.append(_directions(tags, mode) if open_ else 0)
    private = tuple(kinds[mode] == "private" for mode in MODES)
    limits = (tags.get(key, "") for key in ("maxspeed", "maxspeed:forward", "maxspeed:backward"))
    speeds = [speed_limit_kmh(limit) for limit in limits]
    speed = speeds[0] if not math.isnan(speeds[0]) else min(speeds[1:], key=_nan_last)
    return tuple(allowed), private, kinds["cycle"] == "pushed", speed


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _class_of(tags: _Tags) -> str:
    way = _first(tags["highway"])
    return table.FERRY if not way and _first(tags.get("route", "")) == table.FERRY else way


def _kind(tags: _Tags, mode: Mode) -> table.Kind:
    """Say what a way is to a mode, one-way streets and the ground apart."""
    way = _class_of(tags)
    if way in table.NEVER:
        return "closed"
    *own, general = table.ACCESS_KEYS[mode]
    kind = _said(tags, own)
    if kind is not None:
        return kind
    if (
        way in table.CLASS_CLOSED[mode]
        or (mode in table.MOTORROAD_CLOSED and _first(tags.get("motorroad", "")) == "yes")
        or _first(tags.get("service", "")) in table.SERVICE_CLOSED.get(mode, ())
        or (way == table.FERRY and mode in table.FERRY_CLOSED)
    ):
        return "closed"
    kind = table.KIND["access:foot" if mode == "walk" else general].get(
        _first(tags.get(general, ""))
    )
    if kind is None or kind == "open":
        cycled = mode in ("ebike", "cycle")
        return "pushed" if cycled and way in table.CLASS_PUSHED else "open"
    return kind


def _said(tags: _Tags, keys: Iterable[str]) -> table.Kind | None:
    """Return what the first key with a known value says."""
    for key in keys:
        kind = table.KIND[key].get(_first(tags.get(key, "")))
        if kind is not None:
            return kind
    return None


def _wheeled(tags: _Tags) -> bool:
    """Say whether a wheelchair can roll where people walk."""
    said = table.WHEELCHAIR.get(_first(tags.get("wheelchair", "")))
    if said is not None:
        return said
    way = _first(tags["highway"])
    ramp = _first(tags.get("ramp:wheelchair", "")) == "yes"
    ground = {key: _first(tags.get(key, "")) for key in table.WHEELED_BAD}
    if way in table.CLASS_CLOSED["wheelchair"] and not ramp:
        return False
    if any(ground[key] in bad for key, bad in table.WHEELED_BAD.items()):
        return False
    proven = any(ground[key] in good for key, good in table.WHEELED_GOOD.items())
    return proven or way not in table.UNPROVEN_CLASSES


def _directions(tags: _Tags, mode: Mode) -> int:
    if mode not in table.ONEWAY_MODES:
        return _BOTH
    *own, general = table.ONEWAY_KEYS[mode]
    for key in own:
        code = table.ONEWAY.get(_first(tags.get(key, "")))
        if code is not None:
            return code
    if mode != "drive" and any(
        _first(tags.get(key, "")) in values for key, values in table.CONTRAFLOW.items()
    ):
        return _BOTH
    implied = (
        _first(tags["highway"]) in table.ONEWAY_CLASSES
        or _first(tags.get("junction", "")) in table.ONEWAY_JUNCTIONS
    )
    return table.ONEWAY.get(_first(tags.get(general, "")), 1 if implied else _BOTH)


def oneway_codes(oneway: Sequence[str], highway: Sequence[str], junction: Sequence[str]) -> Codes:
    """Return the directions of ways for vehicles: 0 both, 1 as drawn, -1 against.

    Motorways and roundabouts are one-way unless they say otherwise.

    Examples
    --------
    >>> oneway_codes(["", "-1", "no"], ["motorway", "service", "motorway"], ["", "", ""]).tolist()
    [1, -1, 0]
    >>> oneway_codes([""], ["residential"], ["roundabout"]).tolist()
    [1]
    """
    sign = (0, 1, -1, 0)
    codes: dict[tuple[str, str, str], int] = {}
    ways = list(zip(oneway, highway, junction, strict=True))
    for way in set(ways):
        tags = dict(zip(("oneway", "highway", "junction"), way, strict=True))
        codes[way] = sign[_directions(tags, "drive")]
    return np.fromiter((codes[way] for way in ways), np.int8, len(ways))


def stopped_modes(tags: Mapping[str, str], *, gated: Gated = "closed") -> frozenset[Mode]:
    """Return the modes that a node on a way stops.

    Parameters
    ----------
    tags : mapping of str to str
        Of :data:`servicecircle.inputs.mode_tables.NODE_TAGS`. Of several barriers
        (``kissing_gate;gate``) people take the one that lets them pass.
    gated : {"closed", "destination", "open"}
        Whether private gates stop.

    Examples
    --------
    >>> sorted(stopped_modes({"barrier": "bollard"}))
    ['drive']
    >>> sorted(stopped_modes({"barrier": "gate", "access": "private", "foot": "yes"}))
    ['cycle', 'drive', 'ebike']
    >>> stopped_modes({"barrier": "gate", "access": "private"}, gated="open")
    frozenset()
    >>> stopped_modes({})
    frozenset()
    """
    return frozenset(mode for mode in MODES if _stops(tags, mode, gated))


def barred_places(
    barriers: Mapping[int, Mapping[str, str]], *, places: int, gated: Gated
) -> dict[Mode, Bools]:
    """Return the places that each mode may not pass.

    Parameters
    ----------
    barriers : mapping of int to mapping of str to str
        Place → tags as for :func:`stopped_modes`.
    places : int
        How many places there are.
    gated : {"closed", "destination", "open"}

    Returns
    -------
    dict of str to numpy.ndarray of bool, shape (places,)

    Examples
    --------
    >>> barred = barred_places({1: {"barrier": "bollard"}}, places=2, gated="closed")
    >>> barred["drive"].tolist(), barred["walk"].tolist()
    ([False, True], [False, False])
    """
    barred = {mode: np.zeros(places, dtype=np.bool_) for mode in MODES}
    for at, tags in barriers.items():
        for mode in stopped_modes(tags, gated=gated):
            barred[mode][at] = True
    return barred


def _stops(tags: _Tags, mode: Mode, gated: Gated) -> bool:
    barrier = tags.get("barrier", "")
    if mode == "wheelchair":
        said = table.WHEELCHAIR.get(_first(tags.get("wheelchair", "")))
        if said is not None:
            return not said
        if _first(tags.get("kerb", "")) in table.KERBS_RAISED:
            return True
    if not barrier:
        return False
    *own, general = table.ACCESS_KEYS[mode]
    kind = _said(tags, own)
    passes = kind in ("open", "pushed")
    if kind is None:
        on_foot = mode in ("walk", "wheelchair")
        kind = table.KIND["access:foot" if on_foot else general].get(_first(tags.get(general, "")))
    if kind == "closed" or (kind == "private" and gated == "closed"):
        return True
    # Leave to walk over a stile does not lift a wheelchair over it.
    if passes and mode != "wheelchair":
        return False
    kinds = [one.strip().lower() for one in re.split("[;,]", barrier)]
    blocked = all(mode in table.BARRIERS.get(one, ()) for one in kinds)
    return blocked or (not passes and _first(tags.get("locked", "")) == "yes")


def unknown_classes(highway: Iterable[str]) -> list[str]:
    """Return the classes that no table names, sorted; they are open to all.

    Examples
    --------
    >>> unknown_classes(["byway", "steps", "", "byway", "['service', 'lane']"])
    ['byway', 'lane']
    """
    known = table.KNOWN_CLASSES | {""}
    return sorted({_first(item) for ways in set(highway) for item in options(ways)} - known)


def options(value: str) -> tuple[str, ...]:
    """Return the values of a tag: one, or those of a list as OSMnx writes it.

    Examples
    --------
    >>> options("['steps', 'service']"), options("steps"), options("")
    (('steps', 'service'), ('steps',), ('',))
    """
    if not value.startswith("["):
        return (value,)
    return tuple(one or other for one, other in _LISTED.findall(value)) or ("",)


def class_name(value: str) -> str:
    """Return a list of classes as OSM writes lists, in an order that both directions share.

    Examples
    --------
    >>> class_name("['steps', 'service']"), class_name("steps"), class_name("")
    ('service;steps', 'steps', '')
    """
    return ";".join(sorted(set(options(value))))


def _first(value: str) -> str:
    """Return the first of several values that OSM parts with semicolons."""
    return value.partition(";")[0].strip().lower()
