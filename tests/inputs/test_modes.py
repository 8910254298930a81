"""Which ways each mode may use: the tables, against OSM's documented defaults."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.inputs import mode_tables as table
from servicecircle.inputs.mode_tables import CLASS_CLOSED, KNOWN_CLASSES, NEVER, WAY_TAGS
from servicecircle.inputs.modes import (
    class_name,
    stopped_modes,
    unknown_classes,
    way_rules,
)
from servicecircle.inputs.raw_roads import MODES

VEHICLES = ("ebike", "cycle", "drive")
ON_WHEELS = ("ebike", "cycle")
NONE, AHEAD, BACK, BOTH = 0, 1, 2, 3


def rules(highway, gated="closed", **tags):
    """Return the rules of one way; a colon in a key is written as two underscores."""
    given = {key.replace("__", ":"): [value] for key, value in tags.items()}
    return way_rules({"highway": [highway], **given}, gated=gated)


def allowed(highway, mode, **tags):
    return rules(highway, **tags).allowed[mode].item()


def walked(highway, **tags):
    assert allowed(highway, "walk", **tags) in (NONE, BOTH)
    return allowed(highway, "walk", **tags) == BOTH


class TestWalk:
    @pytest.mark.parametrize("highway", sorted(KNOWN_CLASSES - CLASS_CLOSED["walk"] - NEVER))
    def test_a_way_for_people_is_walked(self, highway):
        assert walked(highway)

    @pytest.mark.parametrize("highway", sorted(CLASS_CLOSED["walk"]))
    def test_a_motorway_is_walked_only_where_foot_says_so(self, highway):
        assert not walked(highway)
        assert not walked(highway, access="yes")
        assert walked(highway, foot="yes")

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ({"foot": "no"}, False),
            ({"foot": "private"}, False),
            ({"foot": "use_sidepath"}, False),
            ({"foot": "discouraged"}, True),  # unpleasant, not forbidden
            ({"access": "no"}, False),
            ({"access": "private"}, False),
            ({"access": "emergency"}, False),
            ({"access": "customers"}, True),
            ({"access": "agricultural"}, True),  # a rule for vehicles
            ({"access": "bus"}, True),
            ({"vehicle": "no"}, True),
            ({"access": "private", "foot": "yes"}, True),
            ({"access": "no", "foot": "designated"}, True),
            ({"access": "yes", "foot": "no"}, False),
            ({"motorroad": "yes"}, False),
            ({"motorroad": "yes", "foot": "yes"}, True),
            ({"motorroad": "no"}, True),
            ({"foot": "No "}, False),  # written carelessly
            ({"access": "private;customers"}, False),  # the first value counts
            ({"oneway": "yes"}, True),
            ({"service": "emergency_access"}, True),
        ],
    )
    def test_foot_decides_before_access(self, tags, expected):
        assert walked("trunk", **tags) is expected

    def test_what_osmnx_drops_and_we_walk(self):
        assert walked("cycleway")
        assert not walked("cycleway", foot="no")
        assert walked("platform")

    def test_an_unknown_class_is_open_to_all_and_named(self):
        for mode in MODES:
            assert allowed("byway", mode) == allowed("", mode) == BOTH
        assert unknown_classes(["byway", "path", "", "unclassified;tertiary"]) == ["byway"]


@pytest.mark.parametrize("highway", sorted(NEVER))
def test_what_is_not_there_is_never_used(highway):
    everything = dict.fromkeys(("foot", "bicycle", "motor_vehicle", "wheelchair"), "yes")
    for tags in ({}, everything):
        found = rules(highway, gated="open", **tags)
        assert {mode: codes.item() for mode, codes in found.allowed.items()} == dict.fromkeys(
            MODES, NONE
        )


class TestCycle:
    @pytest.mark.parametrize(
        ("highway", "tags", "expected"),
        [
            ("residential", {}, BOTH),
            ("cycleway", {}, BOTH),
            ("path", {}, BOTH),
            ("track", {}, BOTH),
            ("trunk", {}, BOTH),
            ("trunk", {"motorroad": "yes"}, NONE),
            ("trunk", {"motorroad": "yes", "bicycle": "yes"}, BOTH),
            ("motorway", {}, NONE),
            ("footway", {}, NONE),
            ("footway", {"bicycle": "designated"}, BOTH),
            ("footway", {"vehicle": "yes"}, BOTH),
            ("footway", {"access": "yes"}, NONE),  # the class speaks of vehicles more exactly
            ("steps", {}, NONE),
            ("bridleway", {}, NONE),
            ("residential", {"bicycle": "no"}, NONE),
            ("residential", {"bicycle": "use_sidepath"}, NONE),
            ("residential", {"vehicle": "no"}, NONE),
            ("residential", {"vehicle": "no", "bicycle": "yes"}, BOTH),
            ("residential", {"motor_vehicle": "no"}, BOTH),
            ("residential", {"access": "no"}, NONE),
            ("residential", {"access": "no", "bicycle": "permissive"}, BOTH),
            ("track", {"access": "agricultural"}, NONE),
            ("service", {"access": "bus"}, NONE),
        ],
    )
    def test_access(self, highway, tags, expected):
        for mode in ON_WHEELS:
            assert allowed(highway, mode, **tags) == expected

    @pytest.mark.parametrize(
        ("highway", "tags", "pushed"),
        [
            ("pedestrian", {}, True),
            ("pedestrian", {"bicycle": "yes"}, False),
            ("footway", {"bicycle": "dismount"}, True),
            ("residential", {"bicycle": "dismount"}, True),
            ("residential", {}, False),
        ],
    )
    def test_dismounting_keeps_the_way(self, highway, tags, pushed):
        found = rules(highway, **tags)
        assert found.pushed.item() is pushed
        assert found.allowed["cycle"].item() == BOTH

    def test_an_e_bike_may_be_told_apart(self):
        tags = {"bicycle": "yes", "electric_bicycle": "no"}
        assert allowed("path", "cycle", **tags) == BOTH
        assert allowed("path", "ebike", **tags) == NONE


class TestDrive:
    @pytest.mark.parametrize(
        ("highway", "tags", "expected"),
        [
            ("residential", {}, BOTH),
            ("service", {}, BOTH),
            ("service", {"service": "parking_aisle"}, BOTH),
            ("service", {"service": "emergency_access"}, NONE),
            ("service", {"service": "emergency_access", "motor_vehicle": "yes"}, BOTH),
            ("trunk", {"motorroad": "yes"}, BOTH),
            ("pedestrian", {}, NONE),
            ("pedestrian", {"motor_vehicle": "destination"}, BOTH),
            ("track", {}, NONE),
            ("track", {"motorcar": "yes"}, BOTH),
            ("cycleway", {}, NONE),
            ("residential", {"motor_vehicle": "no"}, NONE),
            ("residential", {"motor_vehicle": "no", "motorcar": "yes"}, BOTH),
            ("residential", {"motorcar": "no"}, NONE),
            ("residential", {"vehicle": "no"}, NONE),
            ("residential", {"vehicle": "no", "motor_vehicle": "permissive"}, BOTH),
            ("residential", {"motor_vehicle": "agricultural"}, NONE),
            ("residential", {"access": "delivery"}, NONE),
            ("residential", {"access": "no", "foot": "yes"}, NONE),
            ("busway", {}, NONE),
        ],
    )
    def test_access(self, highway, tags, expected):
        assert allowed(highway, "drive", **tags) == expected


class TestOneWay:
    @pytest.mark.parametrize(
        ("highway", "tags", "drive", "cycle"),
        [
            ("residential", {}, BOTH, BOTH),
            ("residential", {"oneway": "yes"}, AHEAD, AHEAD),
            ("residential", {"oneway": "-1"}, BACK, BACK),
            ("residential", {"oneway": "no"}, BOTH, BOTH),
            ("residential", {"oneway": "reversible"}, BOTH, BOTH),
            ("residential", {"oneway": "sometimes"}, BOTH, BOTH),
            ("motorway", {}, AHEAD, NONE),
            ("motorway", {"oneway": "no"}, BOTH, NONE),
            ("motorway_link", {}, BOTH, NONE),
            ("tertiary", {"junction": "roundabout"}, AHEAD, AHEAD),
            ("tertiary", {"junction": "circular"}, AHEAD, AHEAD),
            ("tertiary", {"junction": "roundabout", "oneway": "-1"}, BACK, BACK),
            ("residential", {"oneway": "yes", "oneway__bicycle": "no"}, AHEAD, BOTH),
            ("residential", {"oneway": "yes", "oneway__bicycle": "-1"}, AHEAD, BACK),
            ("residential", {"oneway__bicycle": "yes"}, BOTH, AHEAD),
            ("residential", {"oneway": "yes", "cycleway": "opposite"}, AHEAD, BOTH),
            ("residential", {"oneway": "yes", "cycleway__left": "opposite_lane"}, AHEAD, BOTH),
            ("residential", {"oneway": "yes", "cycleway__left__oneway": "-1"}, AHEAD, BOTH),
            ("residential", {"oneway": "yes", "cycleway": "lane"}, AHEAD, AHEAD),
            ("residential", {"oneway": "yes", "oneway__motor_vehicle": "no"}, BOTH, AHEAD),
            ("residential", {"oneway__vehicle": "yes"}, AHEAD, AHEAD),
        ],
    )
    def test_directions(self, highway, tags, drive, cycle):
        found = rules(highway, **tags)
        assert found.allowed["drive"].item() == drive
        assert found.allowed["cycle"].item() == found.allowed["ebike"].item() == cycle
        # People on foot and in wheelchairs do not obey one-way streets.
        assert {found.allowed[mode].item() for mode in ("walk", "wheelchair")} <= {NONE, BOTH}


class TestWheelchair:
    @pytest.mark.parametrize(
        ("highway", "tags", "expected"),
        [
            ("footway", {}, True),
            ("residential", {}, True),
            ("steps", {}, False),
            ("steps", {"ramp__wheelchair": "yes"}, True),
            ("steps", {"ramp__wheelchair": "no"}, False),
            ("steps", {"wheelchair": "yes"}, True),
            ("elevator", {}, True),
            ("footway", {"wheelchair": "no"}, False),
            ("footway", {"wheelchair": "limited"}, True),
            ("footway", {"surface": "gravel"}, False),
            ("footway", {"surface": "asphalt"}, True),
            ("footway", {"surface": "gravel", "wheelchair": "yes"}, True),
            ("footway", {"smoothness": "bad"}, False),
            ("footway", {"smoothness": "intermediate"}, True),
            ("path", {}, False),
            ("path", {"surface": "paving_stones"}, True),
            ("track", {"tracktype": "grade1"}, True),
            ("track", {"tracktype": "grade2"}, False),
            ("track_grade1", {}, True),
            ("track", {"surface": "concrete", "smoothness": "horrible"}, False),
            ("footway", {"foot": "no", "wheelchair": "yes"}, False),  # the law before the ground
            ("motorway", {"wheelchair": "yes"}, False),
        ],
    )
    def test_ground_and_steps(self, highway, tags, expected):
        assert (allowed(highway, "wheelchair", **tags) == BOTH) is expected


class TestGated:
    def test_private_ways_by_choice(self):
        for gated, code in (("closed", NONE), ("destination", BOTH), ("open", BOTH)):
            found = rules("service", gated, access="private")
            for mode in MODES:
                assert found.allowed[mode].item() == code
                assert found.private[mode].item() is True

    def test_private_to_some(self):
        found = rules("residential", motor_vehicle="private")
        assert found.allowed["walk"].item() == BOTH
        assert found.allowed["drive"].item() == NONE
        assert found.private["drive"].item() is True
        assert found.private["walk"].item() is False

    def test_an_open_gate_does_not_make_a_footway_a_street(self):
        found = rules("footway", "open", access="private")
        assert found.allowed["drive"].item() == found.allowed["cycle"].item() == NONE
        assert found.allowed["walk"].item() == BOTH

    def test_closed_is_not_private(self):
        found = rules("residential", "open", access="no")
        assert found.allowed["walk"].item() == NONE
        assert not found.private["walk"].item()


class TestFerry:
    def test_people_board_and_cars_only_where_told(self):
        found = way_rules(
            {"highway": ["", ""], "route": ["ferry"] * 2, "motor_vehicle": ["", "yes"]}
        )
        assert found.ferry.tolist() == [True, True]
        assert found.allowed["walk"].tolist() == found.allowed["cycle"].tolist() == [BOTH, BOTH]
        assert found.allowed["drive"].tolist() == [NONE, BOTH]

    def test_freight_only(self):
        assert rules("", route="ferry", access="no").allowed["walk"].item() == NONE

    def test_a_street_on_a_bus_route_is_no_ferry(self):
        assert not rules("residential", route="ferry").ferry.item()


class TestSpeed:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ({"maxspeed": "50"}, 50.0),
            ({"maxspeed": "none"}, None),
            ({}, None),
            ({"maxspeed__forward": "60", "maxspeed__backward": "40"}, 40.0),
            ({"maxspeed__forward": "60"}, 60.0),
            ({"maxspeed": "30", "maxspeed__forward": "60"}, 30.0),
        ],
    )
    def test_limits(self, tags, expected):
        speed = rules("primary", **tags).speed_kmh.item()
        assert speed == expected if expected is not None else np.isnan(speed)


class TestStructures:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ({}, False),
            ({"bridge": "yes"}, True),
            ({"bridge": "viaduct"}, True),
            ({"bridge": "no"}, False),
            ({"tunnel": "yes"}, True),
            ({"tunnel": "building_passage"}, False),  # through a house, on the ground
            ({"tunnel": "building_passage", "layer": "-1"}, True),
            ({"layer": "1"}, True),
            ({"layer": "-2"}, True),
            ({"layer": "0"}, False),
            ({"layer": "ROADS"}, False),  # a column of that name in a drawing
            ({"bridge": "T", "tunnel": "F"}, True),  # as Geofabrik writes
            ({"bridge": "F", "tunnel": "F", "layer": "0.0"}, False),
            ({"bridge": "['viaduct', 'yes']"}, True),  # merged by OSMnx
        ],
    )
    def test_what_does_not_follow_the_ground(self, tags, expected):
        assert rules("residential", **tags).structure.tolist() == [expected]

    def test_it_changes_nothing_else(self):
        assert allowed("footway", "drive", bridge="yes") == NONE
        assert walked("footway", tunnel="yes", layer="-1")

    def test_each_way_has_its_own(self):
        found = way_rules({"highway": ["path"] * 3, "bridge": ["", "yes", "no"]})
        assert found.structure.tolist() == [False, True, False]


class TestMergedWays:
    def test_open_only_if_all_its_ways_are(self):
        assert walked("['steps', 'service']")
        assert not walked("['steps', 'motorway']")
        assert not walked("service", access="['yes', 'private']")
        assert class_name("[\"steps\", 'path']") == "path;steps"

    def test_one_way_and_speed_of_merged_ways(self):
        found = rules("primary", oneway="['yes', 'no']", maxspeed="['60', '40']")
        assert found.allowed["drive"].item() == AHEAD
        assert found.speed_kmh.item() == 40.0

    def test_an_absurd_list_ends(self):
        many = "[" + ", ".join(f"'v{number}'" for number in range(200)) + "]"
        assert allowed(many, "walk", access=many, foot=many, service=many, oneway=many) == BOTH


class TestBarriers:
    @pytest.mark.parametrize(
        ("tags", "stopped"),
        [
            ({}, set()),
            ({"barrier": "gate"}, set()),
            ({"barrier": "lift_gate"}, set()),
            ({"barrier": "toll_booth"}, set()),
            ({"barrier": "something_new"}, set()),
            ({"barrier": "no"}, set()),
            ({"barrier": "bollard"}, {"drive"}),
            ({"barrier": "bollard", "motor_vehicle": "yes"}, set()),
            ({"barrier": "block"}, {"drive"}),
            ({"barrier": "cycle_barrier"}, {"drive", "wheelchair"}),
            ({"barrier": "stile"}, {"drive", "wheelchair", "cycle", "ebike"}),
            ({"barrier": "stile", "foot": "yes"}, {"drive", "wheelchair", "cycle", "ebike"}),
            ({"barrier": "turnstile", "wheelchair": "yes"}, {"drive", "cycle", "ebike"}),
            ({"barrier": "kissing_gate;gate"}, set()),
            ({"barrier": "kissing_gate"}, {"drive", "wheelchair", "cycle", "ebike"}),
            ({"barrier": "wall"}, set(MODES)),
            ({"barrier": "wall", "foot": "yes"}, set(MODES) - {"walk"}),
            ({"barrier": "gate", "locked": "yes"}, set(MODES)),
            ({"barrier": "gate", "locked": "yes", "foot": "yes"}, {"cycle", "ebike", "drive"}),
            ({"barrier": "gate", "locked": "no"}, set()),
            ({"barrier": "gate", "access": "no"}, set(MODES)),
            ({"barrier": "gate", "access": "private"}, set(MODES)),
            ({"barrier": "gate", "access": "no", "foot": "yes"}, {"cycle", "ebike", "drive"}),
            ({"barrier": "gate", "bicycle": "no"}, {"cycle", "ebike"}),
            ({"barrier": "gate", "vehicle": "no"}, {"cycle", "ebike", "drive"}),
            ({"barrier": "gate", "motor_vehicle": "no"}, {"drive"}),
            ({"barrier": "gate", "wheelchair": "no"}, {"wheelchair"}),
            ({"kerb": "raised"}, {"wheelchair"}),
            ({"kerb": "lowered"}, set()),
            ({"kerb": "flush", "barrier": "kerb"}, set()),
            ({"barrier": "kerb"}, set()),
            ({"kerb": "raised", "wheelchair": "yes"}, set()),
            ({"access": "private"}, set()),  # no barrier
        ],
    )
    def test_who_is_stopped(self, tags, stopped):
        assert stopped_modes(tags) == stopped

    def test_private_gates_open_where_the_project_opens_them(self):
        tags = {"barrier": "gate", "access": "private"}
        assert (
            stopped_modes(tags, gated="destination") == stopped_modes(tags, gated="open") == set()
        )
        locked = {**tags, "locked": "yes"}
        assert stopped_modes(locked, gated="open") == set(MODES)


class TestTables:
    def test_every_key_that_is_read_is_listed(self):
        keys = [key for keys in table.ACCESS_KEYS.values() for key in keys]
        keys += [key for keys in table.ONEWAY_KEYS.values() for key in keys]
        assert set(keys) | set(table.CONTRAFLOW) | set(table.WHEELED_BAD) <= set(WAY_TAGS)
        assert len(set(WAY_TAGS)) == len(WAY_TAGS)
        assert {key for key in keys if not key.startswith("oneway")} <= set(table.KIND)

    def test_good_ground_is_not_bad(self):
        for key, bad in table.WHEELED_BAD.items():
            assert not bad & table.WHEELED_GOOD[key]

    def test_closed_classes_are_known(self):
        for closed in CLASS_CLOSED.values():
            assert closed <= KNOWN_CLASSES
            assert not closed & NEVER


values = {
    "highway": ["", "residential", "footway", "steps", "path", "motorway", "raceway", "pedestrian"],
    "access": ["", "yes", "no", "private", "agricultural"],
    "foot": ["", "yes", "no", "private"],
    "bicycle": ["", "yes", "no", "dismount"],
    "vehicle": ["", "no", "destination"],
    "motor_vehicle": ["", "yes", "no", "private"],
    "oneway": ["", "yes", "-1", "no"],
    "oneway:bicycle": ["", "no"],
    "wheelchair": ["", "yes", "no"],
    "surface": ["", "asphalt", "sand"],
}


@given(st.fixed_dictionaries({key: st.sampled_from(items) for key, items in values.items()}))
def test_what_holds_of_every_way(tags):
    one = {key: [value] for key, value in tags.items()}
    closed, kept, opened = (
        way_rules(one, gated=gated) for gated in ("closed", "destination", "open")
    )
    for mode in MODES:
        # Opening gates opens, and never closes; both ways of opening read the same.
        assert closed.allowed[mode].item() in (NONE, opened.allowed[mode].item())
        assert kept.allowed[mode].item() == opened.allowed[mode].item()
        # A private way is closed until it is opened.
        if closed.private[mode].item():
            assert closed.allowed[mode].item() == NONE
    assert closed.allowed["wheelchair"].item() <= closed.allowed["walk"].item()
    assert closed.allowed["ebike"].item() == closed.allowed["cycle"].item()


def test_many_ways_keep_their_order():
    highway = ["path", "motorway", "path", "raceway"] * 1000
    found = way_rules({"highway": highway}).allowed
    assert found["walk"].tolist() == [BOTH, NONE, BOTH, NONE] * 1000
    assert found["drive"].tolist() == [NONE, AHEAD, NONE, NONE] * 1000


@pytest.mark.parametrize(
    "tags",
    [
        {"foot": ["no"]},
        {"highway": ["path"], "colour": ["no"]},
        {"highway": ["path"], "foot": []},
        {"highway": ["path"], "bridge": ["yes", "no"]},
    ],
)
def test_wrong_tags_are_refused(tags):
    with pytest.raises(ValueError):
        way_rules(tags)


def test_no_ways():
    found = way_rules({"highway": []})
    assert found.speed_kmh.size == 0
    assert all(found.allowed[mode].size == 0 for mode in MODES)
    assert list(itertools.chain(*(found.private[mode] for mode in MODES))) == []
