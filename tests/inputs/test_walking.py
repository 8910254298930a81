"""Which ways may be walked: the tables, against OSM's documented defaults."""

import pytest

from servicecircle.inputs.walking import (
    NEVER,
    NOT_ON_FOOT,
    ON_FOOT,
    class_name,
    unknown_classes,
    walkable,
)


def walked(highway, **tags):
    given = {"highway": [highway], **{tag: [value] for tag, value in tags.items()}}
    return walkable(given).tolist() == [True]


@pytest.mark.parametrize("highway", sorted(ON_FOOT))
def test_a_way_for_people_is_walked(highway):
    assert walked(highway)


@pytest.mark.parametrize("highway", sorted(NOT_ON_FOOT))
def test_a_motorway_is_walked_only_where_foot_says_so(highway):
    assert not walked(highway)
    assert not walked(highway, access="yes")
    assert walked(highway, foot="yes")


@pytest.mark.parametrize("highway", sorted(NEVER))
def test_what_is_not_there_is_never_walked(highway):
    assert not walked(highway)
    assert not walked(highway, foot="yes")


def test_the_tables_do_not_overlap():
    assert not NEVER & NOT_ON_FOOT
    assert not NEVER & ON_FOOT
    assert not NOT_ON_FOOT & ON_FOOT


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"foot": "no"}, False),
        ({"foot": "private"}, False),
        ({"foot": "use_sidepath"}, False),
        ({"foot": "discouraged"}, True),  # unpleasant, not forbidden
        ({"access": "no"}, False),
        ({"access": "private"}, False),
        ({"access": "customers"}, True),
        ({"access": "agricultural"}, True),  # a rule for vehicles
        ({"access": "private", "foot": "yes"}, True),
        ({"access": "no", "foot": "designated"}, True),
        ({"access": "yes", "foot": "no"}, False),
        ({"motorroad": "yes"}, False),
        ({"motorroad": "yes", "foot": "yes"}, True),
        ({"motorroad": "no"}, True),
        ({"foot": "No "}, False),  # written carelessly
        ({"access": "private;customers"}, False),  # the first value counts
    ],
)
def test_foot_decides_before_access(tags, expected):
    assert walked("trunk", **tags) is expected


def test_what_osmnx_drops_and_we_walk():
    assert walked("cycleway")
    assert not walked("cycleway", foot="no")
    assert walked("platform")


def test_an_unknown_class_is_walked_and_named():
    assert walked("byway")
    assert walked("")
    assert unknown_classes(["byway", "path", "", "unclassified;tertiary"]) == ["byway"]


def test_a_merged_way_is_walked_only_if_all_its_ways_are():
    assert walked("['steps', 'service']")
    assert not walked("['steps', 'motorway']")
    assert not walked("service", access="['yes', 'private']")
    assert class_name("[\"steps\", 'path']") == "path;steps"


def test_many_ways_keep_their_order():
    highway = ["path", "motorway", "path", "raceway"] * 1000
    assert walkable({"highway": highway}).tolist() == [True, False, True, False] * 1000


@pytest.mark.parametrize(
    "tags",
    [{"foot": ["no"]}, {"highway": ["path"], "bicycle": ["no"]}, {"highway": ["path"], "foot": []}],
)
def test_wrong_tags_are_refused(tags):
    with pytest.raises(ValueError):
        walkable(tags)
