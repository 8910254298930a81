"""The modes on real extracts against OSMnx's own filters: every difference has its rule.

OSMnx's filters are texts of Overpass's language; they are applied here to the tags as osmium gives
them. Each difference must be explained by a rule that the docstring of ``inputs/modes.py`` names,
and the ways of each rule are counted.
"""

from __future__ import annotations

import functools
import re
from collections import Counter

import numpy as np
import osmium
import pytest

from servicecircle.inputs.mode_tables import WAY_TAGS
from servicecircle.inputs.modes import way_rules
from servicecircle.inputs.osm import read_osm

EXTRACTS = {
    "shenzhen": "osm_extracts/wenke_shenzhen.osm",
    "longgang": "osm_extracts/klein4c_shenzhen_longgang.osm",
    "jiangxi": "osm_extracts/16yunH_mapofgx.osm",
    "helsinki": "helsinki/Helsinki.osm.pbf",
    "isle_of_man": "isle_of_man/isle_of_man_2020-03-14.osm.pbf",
    "porto": "porto/porto_portugal.osm.pbf",
}
NETWORKS = {"walk": "walk", "cycle": "bike", "drive": "drive_service"}
OPEN = {"yes", "designated", "permissive", "destination", "customers", "official", "public"}
FOR_OTHERS = {"agricultural", "forestry", "bus", "psv", "delivery", "emergency", "hgv"}
PRIVATE = {"private", "permit"}
CLOSED = {"no", "military", "restricted", "use_sidepath"} | PRIVATE | FOR_OTHERS
CAR_KEYS, BIKE_KEYS = ("motorcar", "motor_vehicle", "vehicle"), ("bicycle", "vehicle")


def value(tags, key):
    return tags.get(key, "").partition(";")[0].strip().lower()


def said(tags, keys):
    """Return what the most specific of some keys says, "" where none does."""
    known = OPEN | CLOSED | {"dismount"}
    return next((value(tags, key) for key in keys if value(tags, key) in known), "")


# What we take and OSMnx drops, and the other way round: name of the rule → whether it is at work.
OURS = {
    "walk": {
        "outlines of areas": lambda t: "yes" in t.get("area", ""),
        "cycleways": lambda t: t["highway"] == "cycleway",
        "platforms": lambda t: t["highway"] == "platform",
        "separate sidewalks": lambda t: "separate" in (t.get("sidewalk", "")),
        "foot opens": lambda t: value(t, "foot") in OPEN,
    },
    "cycle": {
        "outlines of areas": lambda t: "yes" in t.get("area", ""),
        "bicycle opens": lambda t: said(t, BIKE_KEYS) in OPEN,
        "bicycles are pushed": lambda t: value(t, "bicycle") == "dismount",
    },
    "drive": {
        "outlines of areas": lambda t: "yes" in t.get("area", ""),
        "aisles of car parks": lambda t: "parking" in t.get("service", ""),
        "a key of vehicles opens": lambda t: said(t, CAR_KEYS) in OPEN,
    },
}
THEIRS = {
    "walk": {
        "motor roads": lambda t: value(t, "motorroad") == "yes",
        "foot closes": lambda t: value(t, "foot") in CLOSED,
        "access closes": lambda t: value(t, "access") in CLOSED,
    },
    "cycle": {
        "motor roads": lambda t: value(t, "motorroad") == "yes",
        "bicycle or vehicle closes": lambda t: said(t, BIKE_KEYS) in CLOSED,
        "access closes": lambda t: value(t, "access") in CLOSED,
        "bridleways": lambda t: t["highway"] == "bridleway",
        "stops and crossings": lambda t: t["highway"] in ("bus_stop", "crossing"),
    },
    "drive": {
        "a key of vehicles closes": lambda t: said(t, CAR_KEYS) in CLOSED,
        "access closes": lambda t: value(t, "access") in CLOSED,
        "ways for buses": lambda t: value(t, "service") == "bus",
        "stops and crossings": lambda t: t["highway"] in ("bus_stop", "crossing"),
    },
}


def overpass_rules(text):
    return re.findall(r'\["([^"]+)"(?:(!?~)"([^"]*)")?\]', text)


def osmnx_takes(rules, tags):
    for key, relation, pattern in rules:
        if not relation:
            taken = key in tags
        else:
            taken = key not in tags or not re.search(pattern, tags[key])
            assert relation == "!~"
        if not taken:
            return False
    return True


@pytest.fixture(scope="module")
def ways(shared):
    @functools.cache
    def ways(name):
        found = [
            {tag.k: tag.v for tag in way.tags}
            for way in osmium.FileProcessor(str(shared / EXTRACTS[name]), osmium.osm.WAY)
            if "highway" in way.tags
        ]
        given = {key: [tags.get(key, "") for tags in found] for key in WAY_TAGS}
        return found, way_rules(given)

    return ways


def differences(name, mode, ways):
    from osmnx import _overpass

    rules = overpass_rules(_overpass._get_network_filter(NETWORKS[mode]))
    tags, ours = ways(name)
    counts, without = Counter(), []
    for way, code in zip(tags, ours.allowed[mode].tolist(), strict=True):
        theirs = osmnx_takes(rules, way)
        if (code > 0) == theirs:
            continue
        reasons = (OURS if code else THEIRS)[mode]
        reason = next((reason for reason, holds in reasons.items() if holds(way)), None)
        counts[reason] += 1
        if reason is None:
            without.append(way)
    return counts, without


@pytest.mark.parametrize("mode", sorted(NETWORKS))
@pytest.mark.parametrize("name", sorted(EXTRACTS))
def test_every_difference_has_a_rule(ways, name, mode):
    assert differences(name, mode, ways)[1] == []


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("shenzhen", "walk", {"cycleways": 29, "motor roads": 24, "outlines of areas": 8}),
        (
            "shenzhen",
            "cycle",
            {
                "bicycle opens": 32,
                "motor roads": 24,
                "outlines of areas": 8,
                "access closes": 5,
            },
        ),
        ("shenzhen", "drive", {"aisles of car parks": 19, "access closes": 5}),
        ("longgang", "walk", {"cycleways": 35}),
        ("longgang", "cycle", {"bicycle opens": 4}),
        ("longgang", "drive", {"aisles of car parks": 20}),
        ("jiangxi", "walk", {}),
        ("jiangxi", "cycle", {}),
        ("jiangxi", "drive", {"aisles of car parks": 2}),
    ],
)
def test_the_differences_are_counted(ways, name, mode, expected):
    assert differences(name, mode, ways)[0] == expected


@pytest.mark.parametrize("name", ["shenzhen", "longgang"])
def test_the_directions_are_those_of_osmnx(shared, ways, name):
    """OSMnx's own graph of the file: each directed edge of ways that may be driven is there."""
    import osmnx

    path = shared / EXTRACTS[name]
    graph = osmnx.graph_from_xml(path, simplify=False, retain_all=True)
    roads = read_osm(path, name=name).roads
    place = [(round(x, 7), round(y, 7)) for x, y in zip(roads.lon, roads.lat, strict=True)]
    drive = roads.allowed["drive"]
    ours = {
        (place[u], place[v])
        for u, v in zip(roads.u[drive & 1 > 0], roads.v[drive & 1 > 0], strict=True)
    }
    ours |= {
        (place[v], place[u])
        for u, v in zip(roads.u[drive & 2 > 0], roads.v[drive & 2 > 0], strict=True)
    }
    driven = {frozenset(pair) for pair in ours}
    where = {
        node: (round(data["x"], 7), round(data["y"], 7)) for node, data in graph.nodes(data=True)
    }
    theirs, motorways = set(), set()
    for u, v, data in graph.edges(data=True):
        pair = (where[u], where[v])
        if frozenset(pair) in driven:
            theirs.add(pair)
            if data.get("highway") == "motorway":
                motorways.add(pair)
    assert ours <= theirs
    # What OSMnx has more are the backward sides of motorways that do not say that they are one-way.
    assert theirs - ours <= motorways
    assert len(theirs) > 1000


def test_what_the_modes_may_use(shared):
    """Kilometres of each mode on Porto: none is empty, and they nest as they should."""
    roads = read_osm(shared / EXTRACTS["porto"], name="porto").roads
    count = {mode: int((codes > 0).sum()) for mode, codes in roads.allowed.items()}
    assert count["walk"] == 352_574
    assert count["wheelchair"] < count["walk"]
    assert count["ebike"] == count["cycle"]
    assert min(count.values()) > 0.75 * roads.u.size
    assert (roads.allowed["wheelchair"] <= roads.allowed["walk"]).all()
    assert roads.pushed.any()
    oneway = np.isin(roads.allowed["drive"], (1, 2))
    assert 0.1 < oneway.mean() < 0.5
    assert roads.barred["walk"].size == 136
    assert "Rua de Cedofeita" in roads.road_names
    limits = roads.speed_kmh[np.isfinite(roads.speed_kmh)]
    assert (limits.min(), limits.max()) == (5.0, 120.0)
