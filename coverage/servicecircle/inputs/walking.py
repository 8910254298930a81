"""Which ways may be walked, by their OpenStreetMap tags.

The rules are the tables below, after OSM's own defaults for people on foot
(wiki "OSM tags for routing/Access restrictions"):

1. What is not there, or not a way, is never walked: ``NEVER``.
2. ``foot=*`` decides where it is given: ``FOOT_NO``, ``FOOT_YES``.
3. Without ``foot``, motorways and the like are not walked (``NOT_ON_FOOT``), nor is anything with
   ``motorroad=yes``. Trunk roads are.
4. Without ``foot``, ``access`` decides: ``ACCESS_NO``.
5. All else is walked, classes that the tables do not know among it: they are reported, since
   leaving a way out tears the network and walking it costs a detour at most.

Driveways, alleys and aisles of car parks are walked as any service road. The outline of an area
(``area=yes``, mostly squares) is walked, since the footways that meet a square meet its outline
and without it the square would cut them off. Barriers on nodes, ``*:conditional`` tags, one-way
streets and ferries play no part; platforms are walked where they carry a ``highway`` tag.

OSMnx's filter ``walk`` differs: it drops cycleways (here they are walked unless ``foot=no``),
areas, platforms, and streets with ``sidewalk=separate`` (the separate sidewalk need not be joined
at every crossing); it walks ``access=no``, ``foot=private`` and ``foot=use_sidepath``, and drops
``access=private`` even where ``foot=yes``, and motorways even then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["WALKING_TAGS", "class_name", "options", "unknown_classes", "walkable"]

WALKING_TAGS = ("highway", "foot", "access", "motorroad")

NEVER = frozenset(
    {
        "abandoned",
        "construction",
        "demolished",
        "destroyed",
        "dismantled",
        "disused",
        "no",
        "planned",
        "proposed",
        "raceway",
        "razed",
        "removed",
        "rest_area",
        "services",
        "via_ferrata",
    }
)
NOT_ON_FOOT = frozenset({"bus_guideway", "busway", "escape", "motorway", "motorway_link"})
ON_FOOT = frozenset(
    {
        "bridleway",
        "bus_stop",
        "corridor",
        "crossing",
        "cycleway",
        "elevator",
        "footway",
        "ladder",
        "living_street",
        "path",
        "pedestrian",
        "platform",
        "primary",
        "primary_link",
        "residential",
        "road",
        "secondary",
        "secondary_link",
        "service",
        "steps",
        "tertiary",
        "tertiary_link",
        "track",
        # The grades that Geofabrik's shapefiles split tracks into, and their word for no grade.
        "track_grade1",
        "track_grade2",
        "track_grade3",
        "track_grade4",
        "track_grade5",
        "trunk",
        "trunk_link",
        "unclassified",
        "unknown",
    }
)
FOOT_YES = frozenset(
    {"customers", "designated", "destination", "official", "permissive", "public", "yes"}
)
FOOT_NO = frozenset({"military", "no", "permit", "private", "restricted", "use_sidepath"})
ACCESS_NO = frozenset({"emergency", "military", "no", "permit", "private", "restricted"})

_LISTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def walkable(tags: Mapping[str, Sequence[str]]) -> NDArray[np.bool_]:
    """Return which ways may be walked.

    Parameters
    ----------
    tags : mapping of str to sequence of str, each of length n
        ``highway`` and, where known, ``foot``, ``access`` and ``motorroad``; "" where a way has no
        such tag. A list as OSMnx writes it for merged ways (``"['steps', 'service']"``) is walked
        only if every way in it is.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If there is no ``highway``, an unknown tag, or the lengths differ.

    Examples
    --------
    >>> walkable(
    ...     {"highway": ["cycleway", "motorway", "service"], "access": ["", "", "private"]}
    ... ).tolist()
    [True, False, False]
    >>> walkable({"highway": ["trunk", "motorway"], "foot": ["no", "yes"]}).tolist()
    [False, True]
    >>> walkable({"highway": []}).tolist()
    []
    """
    unknown = set(tags) - set(WALKING_TAGS)
    if "highway" not in tags or unknown:
        raise ValueError(f"tags must be highway and some of {WALKING_TAGS[1:]}, not {list(tags)}")
    n = len(tags["highway"])
    columns = [tags.get(tag, [""] * n) for tag in WALKING_TAGS]
    verdicts = {
        ways: all(_walked(*way) for way in itertools.product(*map(options, ways)))
        for ways in set(zip(*columns, strict=True))
    }
    return np.fromiter((verdicts[ways] for ways in zip(*columns, strict=True)), bool, count=n)


def unknown_classes(highway: Iterable[str]) -> list[str]:
    """Return the classes that no table names, sorted; they are walked.

    Examples
    --------
    >>> unknown_classes(["byway", "steps", "", "byway", "['service', 'lane']"])
    ['byway', 'lane']
    """
    known = NEVER | NOT_ON_FOOT | ON_FOOT | {""}
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


def _walked(highway: str, foot: str, access: str, motorroad: str) -> bool:
    way, on_foot = _first(highway), _first(foot)
    if way in NEVER or on_foot in FOOT_NO:
        return False
    if on_foot in FOOT_YES:
        return True
    return not (way in NOT_ON_FOOT or _first(motorroad) == "yes" or _first(access) in ACCESS_NO)
