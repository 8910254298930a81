"""What OpenStreetMap's tags mean for each mode of travel: the tables, and nothing but tables.

:mod:`servicecircle.inputs.modes` reads them. They follow OSM's documented tagging (wiki pages
"Key:access", "OSM tags for routing/Access restrictions", "Key:oneway", "Key:barrier", "Key:kerb",
"Key:smoothness"), and for people on wheels and for e-bikes the choices named beside them.
"""

from __future__ import annotations

from typing import Literal

from servicecircle.inputs.raw_roads import MODES, Mode

__all__ = [
    "ACCESS_KEYS",
    "BARRIERS",
    "CLASS_CLOSED",
    "CLASS_PUSHED",
    "CONTRAFLOW",
    "FERRY",
    "FERRY_CLOSED",
    "KERBS_RAISED",
    "KIND",
    "KNOWN_CLASSES",
    "MOTORROAD_CLOSED",
    "NEVER",
    "NODE_TAGS",
    "NOT_UNDER_GROUND",
    "ONEWAY",
    "ONEWAY_CLASSES",
    "ONEWAY_JUNCTIONS",
    "ONEWAY_KEYS",
    "ONEWAY_MODES",
    "ON_GROUND",
    "SERVICE_CLOSED",
    "STRUCTURE_TAGS",
    "UNPROVEN_CLASSES",
    "WAY_TAGS",
    "WHEELCHAIR",
    "WHEELED_BAD",
    "WHEELED_GOOD",
    "Kind",
]

Kind = Literal["open", "private", "closed", "pushed"]

# --- access ----------------------------------------------------------------------------------

ACCESS_KEYS: dict[Mode, tuple[str, ...]] = {
    "walk": ("foot", "access"),
    "wheelchair": ("foot", "access"),
    "ebike": ("electric_bicycle", "bicycle", "vehicle", "access"),
    "cycle": ("bicycle", "vehicle", "access"),
    "drive": ("motorcar", "motor_vehicle", "vehicle", "access"),
}
"""The first of these keys with a value that ``KIND`` knows decides.

An e-bike of China (电动自行车, GB 17761) is a non-motor vehicle by law and goes where bicycles go.
"""

_OPEN = ("customers", "designated", "destination", "official", "permissive", "public", "yes")
_PRIVATE = ("permit", "private")
_CLOSED = ("military", "no", "restricted")
_FOR_OTHERS = ("agricultural", "bus", "delivery", "emergency", "forestry", "hgv", "psv")


def _kinds(closed: tuple[str, ...], **more: Kind) -> dict[str, Kind]:
    kinds: dict[str, Kind] = dict.fromkeys(_OPEN, "open")
    kinds |= dict.fromkeys(_PRIVATE, "private")
    kinds |= dict.fromkeys((*_CLOSED, *closed), "closed")
    return kinds | more


_FOOT = _kinds(("use_sidepath",))
_BICYCLE = _kinds((*_FOR_OTHERS, "use_sidepath"), dismount="pushed")
_VEHICLE = _kinds(_FOR_OTHERS)
KIND: dict[str, dict[str, Kind]] = {
    "foot": _FOOT,
    "electric_bicycle": _BICYCLE,
    "bicycle": _BICYCLE,
    "vehicle": _VEHICLE,
    "motor_vehicle": _VEHICLE,
    "motorcar": _VEHICLE,
    # Farm and bus ways are closed to vehicles, not to people on foot: see ACCESS_KEYS.
    "access:foot": _kinds(("emergency",)),
    "access": _VEHICLE,
}
"""Key → value → what it means; a value that is not here leaves it to the next key."""

# --- classes ---------------------------------------------------------------------------------

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
"""What is not there, or not a way: closed to all, whatever its other tags say."""

FERRY = "ferry"
_BUS = frozenset({"bus_guideway", "busway"})
_MOTORWAY = frozenset({"motorway", "motorway_link"})
_TRACKS = frozenset({"track", *(f"track_grade{grade}" for grade in range(1, 6))})
_ON_FOOT = frozenset(
    {"bus_stop", "corridor", "crossing", "elevator", "footway", "ladder", "platform", "steps"}
)
_ROADS = frozenset(
    {
        "living_street",
        "primary",
        "primary_link",
        "residential",
        "road",
        "secondary",
        "secondary_link",
        "service",
        "tertiary",
        "tertiary_link",
        "trunk",
        "trunk_link",
        "unclassified",
        # The word of Geofabrik's shapefiles for no class.
        "unknown",
    }
)
_PATHS = frozenset({"bridleway", "cycleway", "path", "pedestrian"})
KNOWN_CLASSES = NEVER | _BUS | _MOTORWAY | _TRACKS | _ON_FOOT | _ROADS | _PATHS | {"escape", FERRY}

_NOT_ON_FOOT = _BUS | _MOTORWAY | {"escape"}
_NOT_BY_BICYCLE = _NOT_ON_FOOT | _ON_FOOT | {"bridleway"}
CLASS_CLOSED: dict[Mode, frozenset[str]] = {
    "walk": _NOT_ON_FOOT,
    "wheelchair": _NOT_ON_FOOT | {"ladder", "steps"},
    "ebike": _NOT_BY_BICYCLE,
    "cycle": _NOT_BY_BICYCLE,
    "drive": _BUS | _TRACKS | _ON_FOOT | _PATHS | {"escape"},
}
"""Classes that a mode may not use unless a key of its own says that it may.

A class that no table names is open to all: leaving a way out tears the network.
"""
CLASS_PUSHED = frozenset({"pedestrian"})
"""Classes where cyclists dismount unless ``bicycle=*`` opens them."""
MOTORROAD_CLOSED: frozenset[Mode] = frozenset({"walk", "wheelchair", "ebike", "cycle"})
SERVICE_CLOSED: dict[Mode, frozenset[str]] = {"drive": frozenset({"bus", "emergency_access"})}
"""Values of ``service`` that a mode may not use unless a key of its own says that it may."""
FERRY_CLOSED: frozenset[Mode] = frozenset({"drive"})
"""Modes that a ferry must name to carry."""

# --- one-way streets -------------------------------------------------------------------------

ONEWAY_MODES: frozenset[Mode] = frozenset({"ebike", "cycle", "drive"})
ONEWAY_KEYS: dict[Mode, tuple[str, ...]] = {
    "ebike": ("oneway:bicycle", "oneway:vehicle", "oneway"),
    "cycle": ("oneway:bicycle", "oneway:vehicle", "oneway"),
    "drive": ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"),
}
ONEWAY: dict[str, int] = {
    **dict.fromkeys(("yes", "true", "1", "f", "ft", "forward"), 1),
    **dict.fromkeys(("-1", "reverse", "t", "tf", "backward"), 2),
    # What changes by the hour is taken as both: leaving it out tears the network.
    **dict.fromkeys(("no", "false", "0", "b", "reversible", "alternating"), 3),
}
"""Value → 1 as drawn, 2 against, 3 both."""
ONEWAY_CLASSES = frozenset({"motorway"})
ONEWAY_JUNCTIONS = frozenset({"circular", "roundabout"})
CONTRAFLOW: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both"),
        frozenset({"opposite", "opposite_lane", "opposite_share_busway", "opposite_track"}),
    ),
    **dict.fromkeys(("cycleway:left:oneway", "cycleway:right:oneway"), frozenset({"-1", "no"})),
}
"""Key → values by which cyclists may go against a one-way street."""

# --- wheelchairs -----------------------------------------------------------------------------

WHEELCHAIR: dict[str, bool] = {
    **dict.fromkeys(("designated", "limited", "official", "permissive", "yes"), True),
    **dict.fromkeys(("impassable", "no"), False),
}
WHEELED_BAD: dict[str, frozenset[str]] = {
    "surface": frozenset(
        {
            "clay",
            "cobblestone",
            "dirt",
            "earth",
            "grass",
            "grass_paver",
            "gravel",
            "ground",
            "ice",
            "mud",
            "pebblestone",
            "rock",
            "rocks",
            "salt",
            "sand",
            "snow",
            "soil",
            "stepping_stones",
            "stone",
            "unhewn_cobblestone",
            "unpaved",
            "woodchips",
        }
    ),
    # The wiki names wheelchairs at "intermediate" as the worst they manage.
    "smoothness": frozenset({"bad", "horrible", "impassable", "very_bad", "very_horrible"}),
    "tracktype": frozenset({"grade3", "grade4", "grade5"}),
}
WHEELED_GOOD: dict[str, frozenset[str]] = {
    "surface": frozenset(
        {
            "asphalt",
            "bricks",
            "chipseal",
            "compacted",
            "concrete",
            "concrete:lanes",
            "concrete:plates",
            "fine_gravel",
            "metal",
            "paved",
            "paving_stones",
            "rubber",
            "sett",
            "tartan",
            "wood",
        }
    ),
    "smoothness": frozenset({"excellent", "good", "intermediate"}),
    "tracktype": frozenset({"grade1"}),
}
UNPROVEN_CLASSES = (_TRACKS - {"track_grade1"}) | {"bridleway", "path"}
"""Classes that are mostly unpaved: wheelchairs use them only where ``WHEELED_GOOD`` proves it."""

# --- bridges and tunnels ---------------------------------------------------------------------

STRUCTURE_TAGS = ("bridge", "tunnel", "layer")
"""A way with one of these does not follow the ground."""
ON_GROUND = frozenset({"", "0", "0.0", "f", "false", "n", "no", "none", "否"})
"""Values by which OSM's tags and the columns of line layers say that there is none."""
NOT_UNDER_GROUND = frozenset({"building_passage"})
"""Values of ``tunnel`` for ways that lie on the ground."""

# --- barriers on nodes -----------------------------------------------------------------------

_ALL = frozenset(MODES)
_CYCLES: frozenset[Mode] = frozenset({"ebike", "cycle"})
_WHEELS: frozenset[Mode] = _CYCLES | {"wheelchair"}
BARRIERS: dict[str, frozenset[Mode]] = {
    **dict.fromkeys(
        ("city_wall", "ditch", "fence", "hedge", "retaining_wall", "wall"),
        _ALL,
    ),
    **dict.fromkeys(
        (
            "full-height_turnstile",
            "horse_stile",
            "kissing_gate",
            "ladder",
            "stile",
            "turnstile",
            "v_stile",
        ),
        _WHEELS | {"drive"},
    ),
    **dict.fromkeys(("log", "step"), frozenset({"wheelchair", "drive"})),
    **dict.fromkeys(("cycle_barrier", "motorcycle_barrier"), frozenset({"wheelchair", "drive"})),
    **dict.fromkeys(
        (
            "block",
            "bollard",
            "bus_trap",
            "chain",
            "debris",
            "guard_rail",
            "jersey_barrier",
            "planter",
            "rope",
            "sump_buster",
            "wicket_gate",
            "yes",
        ),
        frozenset({"drive"}),
    ),
}
"""``barrier`` → modes that it stops unless a key of their own says that they may pass.

Gates of all kinds, toll booths, cattle grids and what is not here stop nobody, unless ``locked``
or an access tag says so.
"""
KERBS_RAISED = frozenset({"raised", "regular", "rolled"})
"""``kerb`` of more than about 3 cm: it stops wheelchairs."""

_access = tuple(dict.fromkeys(key for keys in ACCESS_KEYS.values() for key in keys))
NODE_TAGS = ("barrier", "kerb", "locked", "wheelchair", *_access)
_oneway = tuple(dict.fromkeys(key for keys in ONEWAY_KEYS.values() for key in keys))
WAY_TAGS = (
    "highway",
    "route",
    *_access,
    "motorroad",
    "service",
    *_oneway,
    *CONTRAFLOW,
    "junction",
    "wheelchair",
    "ramp:wheelchair",
    *WHEELED_BAD,
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    *STRUCTURE_TAGS,
)
"""All keys of ways that any rule looks at."""
