"""OpenStreetMap files made by hand, with the truth on paper."""

import json

import numpy as np
import osmium
import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs import osm_file
from servicecircle.inputs.osm import (
    admin_boundaries,
    buildings,
    landuse_residential,
    read_osm,
    tagged_facilities,
)


def node(number, lon, lat, **tags):
    return f'<node id="{number}" lon="{lon}" lat="{lat}">{tagged(tags)}</node>'


def way(number, refs, **tags):
    nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
    return f'<way id="{number}">{nodes}{tagged(tags)}</way>'


def relation(number, members, **tags):
    """Members as (kind, id, role)."""
    parts = "".join(
        f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members
    )
    return f'<relation id="{number}">{parts}{tagged(tags)}</relation>'


def tagged(tags):
    return "".join(f'<tag k="{key.replace("__", ":")}" v="{tags[key]}"/>' for key in tags)


@pytest.fixture
def write(tmp_path):
    def write(*things, name="town.osm"):
        path = tmp_path / name
        path.write_text(f'<osm version="0.6">{"".join(things)}</osm>', encoding="utf-8")
        return path

    return write


def edges(roads):
    """Return each segment as a pair of longitudes, in the order of the file."""
    return list(zip(roads.lon[roads.u].tolist(), roads.lon[roads.v].tolist(), strict=True))


def codes(problems):
    return [problem.code for problem in problems]


# A square of four corners around 118 E, 28 N, side 2, and one of side 1 inside it.
OUTER = [node(1, 118, 28), node(2, 120, 28), node(3, 120, 30), node(4, 118, 30)]
INNER = [node(5, 118.5, 28.5), node(6, 119.5, 28.5), node(7, 119.5, 29.5), node(8, 118.5, 29.5)]


def test_shared_nodes_join_and_crossings_do_not(write):
    # Way 10 runs 1-2-3; way 11 leaves it at node 2; way 12 crosses both without a node.
    path = write(
        node(3, 3, 0),
        node(1, 1, 0),
        node(2, 2, 0),
        node(4, 2, 1),
        node(5, 1.5, -1),
        node(6, 1.5, 1),
        node(99, 50, 50),
        way(10, [1, 2, 3], highway="residential"),
        way(11, [2, 4], highway="steps"),
        way(12, [5, 6], highway="motorway"),
        way(13, [1, 99], railway="rail"),
    )
    roads = read_osm(path, name="town.osm").roads
    assert roads.lon.tolist() == [1, 2, 3, 2, 1.5, 1.5]  # by id; 99 is no road
    assert roads.u.tolist() == [0, 1, 1, 4]
    assert roads.v.tolist() == [1, 2, 3, 5]
    assert [roads.class_names[at] for at in roads.way_class] == [
        "residential",
        "residential",
        "steps",
        "motorway",
    ]
    assert roads.walk.tolist() == [True, True, True, False]
    assert roads.oneway.tolist() == [0, 0, 0, 1]
    assert roads.source == "town.osm"
    assert roads.counts["lines_in"] == roads.counts["lines_used"] == 3
    assert roads.counts["segments_used"] == 4


def test_pbf_and_xml_give_the_same(write, tmp_path):
    xml = write(*OUTER, way(10, [1, 2, 3], highway="path"), way(11, [3, 4, 1], highway="trunk"))
    pbf = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(pbf)) as writer:
        for thing in osmium.FileProcessor(str(xml)):
            writer.add(thing)
    one, other = read_osm(xml, name="a").roads, read_osm(pbf, name="a").roads
    for column in ("lon", "lat", "u", "v", "way_class", "oneway", "walk"):
        assert getattr(one, column).tolist() == getattr(other, column).tolist()
    assert one.counts == other.counts


def test_ways_before_nodes_and_negative_ids(write):
    path = write(way(-5, [-1, 2], highway="path"), node(2, 2, 0), node(3, 3, 0), node(-1, 1, 0))
    assert edges(read_osm(path, name="a").roads) == [(1, 2)]


def test_a_repeated_node_is_dropped_and_counted(write):
    path = write(*OUTER, way(10, [1, 1, 2, 2, 2, 3], highway="path"))
    roads = read_osm(path, name="a").roads
    assert edges(roads) == [(118, 120), (120, 120)]
    assert roads.counts["segments_of_one_node"] == 3
    assert roads.counts["segments_in"] == 5


def test_a_missing_node_cuts_the_way_and_is_never_bridged(write):
    # Of 1-2-9-3-4 the two segments at 9 are lost; 2 and 3 must not be joined.
    path = write(*OUTER, way(10, [1, 2, 9, 3, 4], highway="path"), way(11, [8, 9], highway="path"))
    data = read_osm(path, name="a")
    roads = data.roads
    assert edges(roads) == [(118, 120), (120, 118)]
    assert roads.counts["segments_without_place"] == 3
    assert roads.counts["ways_missing_nodes"] == 2
    assert (roads.counts["lines_used"], roads.counts["lines_set_aside"]) == (1, 1)
    assert codes(data.problems) == ["osm.missing_nodes"]
    assert data.problems[0].details["count"] == 2
    assert "way/10, way/11" in data.problems[0].text("en")


def test_every_segment_and_line_is_counted(write):
    path = write(
        *OUTER,
        way(10, [1, 2, 2, 9], highway="path"),
        way(11, [3], highway="path"),
        way(12, [4, 4], highway="path"),
        way(13, [9, 8], highway="path"),
        way(10, [3, 4], highway="path"),
    )
    data = read_osm(path, name="a")
    counts = data.roads.counts
    assert counts["lines_in"] == counts["lines_used"] + counts["lines_set_aside"] == 5
    assert counts["ways_repeated"] == 1
    assert counts["segments_in"] == 5
    assert counts["segments_in"] == (
        counts["segments_used"]
        + counts["segments_without_place"]
        + counts["segments_of_one_node"]
        + counts["segments_repeated"]
    )
    assert codes(data.problems) == ["osm.missing_nodes", "osm.one_node", "osm.repeated_ways"]


def test_a_place_out_of_range_is_no_place(write):
    path = write(*OUTER, node(9, 200, 95), way(10, [1, 2, 9], highway="path"))
    assert read_osm(path, name="a").roads.counts["nodes_missing"] == 1


def test_places_that_are_no_numbers_are_refused(write):
    for lon in ("NaN", "inf", "east", ""):
        path = write(f'<node id="1" lon="{lon}" lat="28"/>', node(2, 118, 28), way(7, [1, 2]))
        with pytest.raises(InputError) as caught:
            read_osm(path, name="town.osm")
        assert caught.value.problems[0].code == "osm.broken"


def test_a_node_given_twice_has_one_of_its_places(write):
    for first, second in ((1, 5), (5, 1)):
        twice = (node(1, first, 0), node(1, second, 0))
        path = write(*twice, node(2, 2, 0), way(7, [1, 2], highway="path"), way(8, [2, 1]))
        assert edges(read_osm(path, name="town.osm").roads) in ([(1.0, 2.0)], [(5.0, 2.0)])


def test_a_loop_and_a_street_of_no_length(write):
    # Nodes 3 and 4 are two at one place: their segment stays, of no length.
    path = write(
        node(1, 1, 0),
        node(2, 2, 0),
        node(3, 3, 0),
        node(4, 3, 0),
        way(7, [1, 2, 3, 1], highway="path"),
        way(8, [3, 4], highway="path"),
        way(9, [2, 2], highway="path"),
    )
    data = read_osm(path, name="town.osm")
    assert edges(data.roads) == [(1.0, 2.0), (2.0, 3.0), (3.0, 1.0), (3.0, 3.0)]
    assert codes(data.problems) == ["osm.one_node"]


def test_names_limits_and_one_way_streets(write):
    path = write(
        node(1, 1, 0),
        node(2, 2, 0),
        node(3, 3, 0),
        way(7, [1, 2], highway="residential", name="解放路", maxspeed="40", oneway="-1"),
        way(8, [2, 3], highway="residential"),
        way(9, [3, 1], highway="footway", name="解放路"),
    )
    roads = read_osm(path, name="town.osm").roads
    assert roads.road_names == ("解放路",)
    assert roads.name_index.tolist() == [0, -1, 0]
    assert roads.speed_kmh[0] == 40.0
    assert np.isnan(roads.speed_kmh[1:]).all()
    assert roads.oneway.tolist() == [-1, 0, 0]
    assert roads.allowed["drive"].tolist() == [2, 3, 0]
    assert roads.allowed["walk"].tolist() == [3, 3, 3]


def test_barriers_bar_their_nodes(write):
    path = write(
        node(1, 1, 0, barrier="gate", access="private"),
        node(2, 2, 0, barrier="bollard"),
        node(3, 3, 0, kerb="raised"),
        node(4, 4, 0),
        node(5, 5, 0, barrier="wall"),  # on no way
        way(7, [4, 3, 2, 1], highway="residential"),
    )
    roads = read_osm(path, name="town.osm").roads
    barred = {mode: roads.lon[nodes].tolist() for mode, nodes in roads.barred.items()}
    assert barred == {
        "walk": [1.0],
        "wheelchair": [1.0, 3.0],
        "ebike": [1.0],
        "cycle": [1.0],
        "drive": [1.0, 2.0],
    }
    assert roads.counts["nodes_barred_drive"] == 2
    opened = read_osm(path, name="town.osm", gated="open").roads
    assert opened.barred["walk"].size == 0
    assert opened.lon[opened.barred["drive"]].tolist() == [2.0]


def test_private_ways_are_marked_whether_open_or_not(write):
    path = write(
        node(1, 1, 0),
        node(2, 2, 0),
        node(3, 3, 0),
        way(7, [1, 2], highway="residential"),
        way(8, [2, 3], highway="service", access="private"),
    )
    for gated, walk in (("closed", [3, 0]), ("destination", [3, 3]), ("open", [3, 3])):
        roads = read_osm(path, name="town.osm", gated=gated).roads
        assert roads.gated.tolist() == [False, True]
        assert roads.allowed["walk"].tolist() == walk
        assert roads.walk.tolist() == [code > 0 for code in walk]


def test_ferries_where_told(write):
    # 1 degree of the equator is 111.32 km: two hours make 55.66 km/h.
    path = write(
        node(1, 0, 0),
        node(2, 1, 0),
        node(3, 2, 0),
        way(7, [1, 2], route="ferry", duration="2:00", foot="yes"),
        way(8, [2, 3], route="ferry"),
        way(9, [1, 3], highway="path"),
        way(10, [1, 3], route="bus"),
    )
    data = read_osm(path, name="town.osm")
    assert data.roads.u.size == 1
    assert [(one.code, one.details["count"]) for one in data.problems] == [
        ("osm.ferries_left_out", 2)
    ]
    data = read_osm(path, name="town.osm", ferries=True)
    assert data.problems == ()
    assert data.roads.ferry.tolist() == [True, True, False]
    assert data.roads.speed_kmh[0] == pytest.approx(55.66, abs=0.01)
    assert np.isnan(data.roads.speed_kmh[1])
    assert data.roads.class_names == ("ferry", "path")
    assert data.roads.counts["segments_ferry"] == 2


def test_two_nodes_at_one_place_stay_two(write):
    # A bridge over a road: nodes of equal places, no junction.
    path = write(
        node(1, 0, 0),
        node(2, 1, 0),
        node(3, 1, 0),
        node(4, 2, 0),
        way(10, [1, 2], highway="path"),
        way(11, [3, 4], highway="path"),
    )
    roads = read_osm(path, name="a").roads
    assert roads.u.tolist() == [0, 2]
    assert roads.v.tolist() == [1, 3]


def test_an_unknown_class_is_walked_and_noted(write):
    data = read_osm(write(*OUTER, way(10, [1, 2], highway="byway")), name="a")
    assert data.roads.walk.tolist() == [True]
    assert codes(data.problems) == ["road.unknown_class"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cut.osm", b'<osm version="0.6"><node id="1" lat="1" lon="2"/>', "osm.broken"),
        ("junk.osm.pbf", b"no pbf at all" * 20, "osm.broken"),
        ("empty.osm.pbf", b"", "osm.broken"),
        ("empty.osm", b"", "osm.broken"),
        ("page.osm", b"<html></html>", "osm.broken"),
        ("old.osm", b'<osm version="0.5"></osm>', "osm.broken"),
        ("place.osm", b'<osm version="0.6"><way id="1"><nd ref="1"/><tag k="highway" v="path"/>'
         b'</way><node id="1" lat="north" lon="2"/></osm>', "osm.broken"),
        ("none.osm", b'<osm version="0.6"><node id="1" lat="1" lon="2"/></osm>', "road.no_roads"),
        ("unplaced.osm", b'<osm version="0.6"><way id="1"><nd ref="1"/><nd ref="2"/>'
         b'<tag k="highway" v="path"/></way></osm>', "road.no_roads"),
        ("bomb.osm", b'<!DOCTYPE osm [<!ENTITY a "yes">]><osm version="0.6"><way id="1">'
         b'<tag k="highway" v="&a;"/></way></osm>', "osm.entities"),
        ("roads.opl", b"w1 Thighway=path Nn1,n2", "osm.unknown_format"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_osm(path, name=name)
    problem = caught.value.problems[0]
    assert (problem.code, problem.severity, problem.action) == (code, "fatal", "stopped")
    assert problem.file == name
    assert "{" not in problem.text("en") + problem.text("zh")


def test_a_pbf_without_roads_is_refused(write, tmp_path):
    path = tmp_path / "none.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for thing in osmium.FileProcessor(
            str(write(node(1, 118, 28), way(7, [1, 1], building="yes")))
        ):
            writer.add(thing)
    with pytest.raises(InputError) as caught:
        read_osm(path, name="none.osm.pbf")
    assert caught.value.problems[0].code == "road.no_roads"


def test_a_pbf_cut_short_is_refused(write, tmp_path):
    whole = tmp_path / "whole.osm.pbf"
    xml = write(*OUTER, *(way(n, [1, 2, 3], highway="path", name=f"road {n}") for n in range(500)))
    with osmium.SimpleWriter(str(whole)) as writer:
        for thing in osmium.FileProcessor(str(xml)):
            writer.add(thing)
    cut = tmp_path / "cut.osm.pbf"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    assert read_osm(whole, name="whole").roads.u.size == 1000
    with pytest.raises(InputError) as caught:
        read_osm(cut, name="cut.osm.pbf")
    assert caught.value.problems[0].code == "osm.broken"


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "folder.osm").mkdir()
    for name in ("folder.osm", "nowhere.osm.pbf"):
        with pytest.raises(InputError) as caught:
            read_osm(tmp_path / name, name=name)
        assert caught.value.problems[0].code == "input.missing_file"


def test_a_history_file_is_refused(tmp_path):
    path = tmp_path / "town.osm.pbf"
    file = osmium.io.File(str(path), "osh.pbf")
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    osmium.io.Writer(file, header).close()
    with pytest.raises(InputError) as caught:
        list(osm_file.objects(path, osmium.osm.WAY, name="town.osm.pbf"))
    assert caught.value.problems[0].code == "osm.history"


class TestBoundaries:
    def test_rings_of_several_ways_and_a_hole(self, write):
        # The outer square is of two ways, one drawn against the other; the hole's role is wrong.
        path = write(
            *OUTER,
            *INNER,
            way(10, [1, 2, 3]),
            way(11, [1, 4, 3], boundary="administrative", admin_level="8"),
            way(12, [5, 6, 7, 8, 5]),
            relation(
                20,
                [("way", 10, "outer"), ("way", 11, ""), ("way", 12, "outer"), ("node", 1, "label")],
                type="boundary",
                boundary="administrative",
                admin_level="8",
                name="示例镇",
                name__en="Example",
                ref="330802",
                wikidata="Q1",
            ),
        )
        frame, problems = admin_boundaries(path, admin_level=8, name="a")
        assert problems == []
        assert frame.crs.to_epsg() == 4326
        assert frame.drop(columns="geometry").to_dict("records") == [
            {
                "osm_id": "relation/20",
                "name": "示例镇",
                "name_en": "Example",
                "ref": "330802",
                "wikidata": "Q1",
            }
        ]
        expected = shapely.difference(
            shapely.box(118, 28, 120, 30), shapely.box(118.5, 28.5, 119.5, 29.5)
        )
        assert frame.geometry[0].equals(expected)

    def test_two_islands_are_one_multipolygon(self, write):
        path = write(
            *OUTER,
            node(11, 125, 28),
            node(12, 126, 28),
            node(13, 126, 29),
            way(10, [1, 2, 3, 4, 1]),
            way(11, [11, 12, 13, 11]),
            relation(20, [("way", 10, "outer"), ("way", 11, "outer")], type="multipolygon",
                     boundary="administrative", admin_level="8"),
        )  # fmt: skip
        frame, _ = admin_boundaries(path, admin_level=8, name="a")
        assert frame.geometry.geom_type.tolist() == ["MultiPolygon"]
        assert shapely.area(frame.geometry).tolist() == [4.5]

    def test_what_is_not_whole_is_set_aside_with_its_reason(self, write):
        level = {"type": "boundary", "boundary": "administrative", "admin_level": "8"}
        path = write(
            *OUTER,
            way(10, [1, 2, 3, 4, 1]),
            way(11, [1, 2, 3]),
            way(12, [1, 2, 9, 1]),
            relation(20, [("way", 10, "outer")], name="whole", **level),
            relation(21, [("way", 11, "outer")], name="open", **level),
            relation(22, [("way", 11, "outer"), ("way", 77, "outer")], name="cut", **level),
            relation(23, [("way", 12, "outer")], name="no node", **level),
            relation(24, [], name="bare", **level),
            relation(25, [("way", 10, "outer")], **(level | {"type": "collection"})),
        )
        frame, problems = admin_boundaries(path, admin_level=8, name="a")
        assert frame["name"].tolist() == ["whole"]
        assert {problem.value: problem.code for problem in problems} == {
            "relation/21 open": "osm.outline_open",
            "relation/22 cut": "osm.outline_missing",
            "relation/23 no node": "osm.outline_missing",
            "relation/24 bare": "osm.outline_missing",
            "relation/25": "osm.not_an_area",
        }
        assert {problem.action for problem in problems} == {"set_aside"}

    def test_a_closed_way_is_a_boundary_but_not_twice(self, write):
        level = {"boundary": "administrative", "admin_level": "8"}
        path = write(
            *OUTER,
            *INNER,
            way(10, [1, 2, 3, 4, 1], name="island", **level),
            way(11, [5, 6, 7, 8, 5], name="drawn as a way", **level),
            relation(20, [("way", 10, "outer")], type="boundary", name="island", **level),
        )
        frame, problems = admin_boundaries(path, admin_level=8, name="a")
        assert frame["osm_id"].tolist() == ["way/11", "relation/20"]
        assert problems == []

    def test_the_levels_that_there_are_are_named(self, write):
        path = write(
            *OUTER,
            way(10, [1, 2, 3, 4, 1], boundary="administrative", admin_level="6"),
            way(11, [1, 2, 3, 4, 1], boundary="administrative", admin_level="10"),
        )
        with pytest.raises(InputError) as caught:
            admin_boundaries(path, admin_level=8, name="town.osm")
        assert caught.value.problems[0].code == "osm.no_boundaries"
        assert "6, 10" in str(caught.value)


class TestFacilities:
    def test_nodes_ways_and_relations(self, write):
        home = {"amenity": "nursing_home"}
        path = write(
            *OUTER,
            *INNER,
            node(30, 118.1, 28.1, name="敬老院", **home),
            node(31, 119, 29, amenity="cafe"),
            way(10, [1, 2, 3, 4, 1]),
            way(11, [5, 6, 7, 8, 5]),
            way(12, [5, 6, 7, 5], name="way", **home),
            relation(20, [("way", 10, "outer"), ("way", 11, "inner")], type="multipolygon",
                     name="ring", **home),
        )  # fmt: skip
        frame, problems = tagged_facilities(path, selectors=["amenity=nursing_home"], name="a")
        assert frame["osm_id"].tolist() == ["node/30", "way/12", "relation/20"]
        assert frame["name"].tolist() == ["敬老院", "way", "ring"]
        assert frame.geometry.geom_type.tolist() == ["Point"] * 3
        assert json.loads(frame["tags"][0]) == {"amenity": "nursing_home", "name": "敬老院"}
        ring = shapely.difference(
            shapely.box(118, 28, 120, 30), shapely.box(118.5, 28.5, 119.5, 29.5)
        )
        assert ring.contains(frame.geometry[2])  # the centroid would lie in the hole
        assert problems == []

    @pytest.mark.parametrize(
        ("selectors", "found"),
        [
            (["amenity=social_facility"], [1, 2, 3]),
            (["amenity=social_facility+social_facility:for=senior"], [1, 2]),
            (["amenity=social_facility+social_facility:for=*"], [1, 2, 3]),
            (["social_facility:for=child", "amenity=clinic"], [2, 3, 4]),
            (["amenity=clinic", "amenity=*"], [1, 2, 3, 4]),
            ([" amenity = clinic "], [4]),
            (["amenity=hospital"], []),
            (["amenity=sen"], []),
            ([], []),
        ],
    )
    def test_selectors(self, write, selectors, found):
        path = write(
            node(1, 0, 0, amenity="social_facility", social_facility__for="senior"),
            node(2, 0, 0, amenity="social_facility", social_facility__for="child; senior"),
            node(3, 0, 0, amenity="social_facility", social_facility__for="child"),
            node(4, 0, 0, amenity="clinic"),
        )
        frame, _ = tagged_facilities(path, selectors=selectors, name="a")
        assert frame["osm_id"].tolist() == [f"node/{number}" for number in found]
        assert list(frame.columns) == ["osm_id", "name", "tags", "doors", "geometry"]
        assert frame.crs.to_epsg() == 4326

    @pytest.mark.parametrize("selector", ["", "amenity", "amenity=", "=clinic", "a=b+c", "a=b+"])
    def test_a_bad_selector_is_refused(self, write, selector):
        with pytest.raises(InputError) as caught:
            tagged_facilities(write(), selectors=[selector], name="a")
        assert caught.value.problems[0].code == "osm.bad_selector"

    def test_one_facility_drawn_twice_is_flagged_and_kept(self, write):
        home = {"amenity": "nursing_home"}
        path = write(
            *OUTER,
            node(30, 119, 29, name="康乐", **home),
            node(31, 119, 29, name="other", **home),
            node(32, 150, 29, name="康乐", **home),
            node(33, 119, 29, name="康乐", amenity="clinic"),
            way(10, [1, 2, 3, 4, 1], name="康乐", **home),
        )
        selectors = ["amenity=nursing_home", "amenity=clinic"]
        frame, problems = tagged_facilities(path, selectors=selectors, name="a")
        assert len(frame) == 5
        assert codes(problems) == ["osm.drawn_twice"]
        assert problems[0].details == {"node": "node/30", "area": "way/10"}
        assert problems[0].action == "flagged"

    def test_lines_and_bad_places_are_set_aside(self, write):
        home = {"amenity": "nursing_home"}
        path = write(
            *OUTER,
            node(30, 200, 29, **home),
            way(10, [1, 2, 3], **home),
            way(11, [1, 2, 9, 1], **home),
            way(12, [1, 2, 1, 1], **home),
        )
        frame, problems = tagged_facilities(path, selectors=["amenity=nursing_home"], name="a")
        assert frame.empty
        assert {problem.value: problem.code for problem in problems} == {
            "node/30": "osm.no_place",
            "way/10": "osm.open_line",
            "way/11": "osm.outline_missing",
            "way/12": "osm.no_area",
        }

    def test_a_site_is_placed_in_the_middle_of_its_members(self, write):
        home = {"amenity": "social_facility"}
        path = write(
            *OUTER,
            way(10, [1, 2, 1]),
            relation(20, [("way", 10, ""), ("node", 4, "")], type="site", name="estate", **home),
            relation(21, [("way", 99, "")], type="site", name="nowhere", **home),
        )
        frame, problems = tagged_facilities(path, selectors=["amenity=*"], name="a")
        assert frame["osm_id"].tolist() == ["relation/20"]
        assert frame.geometry[0].equals(shapely.Point(119, 29))
        assert codes(problems) == ["osm.site", "osm.not_an_area"]


class TestBuildings:
    def test_buildings_with_levels(self, write):
        path = write(
            *OUTER,
            *INNER,
            way(10, [1, 2, 3, 4, 1], building="yes", building__levels="3"),
            way(11, [5, 6, 7, 8, 5], building="house", building__levels="two"),
            way(12, [5, 6, 7, 5], building="no"),
        )
        frame, problems = buildings(path, name="a")
        assert frame["osm_id"].tolist() == ["way/10", "way/11"]
        assert frame["building"].tolist() == ["yes", "house"]
        np.testing.assert_array_equal(frame["levels"], [3, np.nan])
        assert shapely.area(frame.geometry).tolist() == [4, 1]
        assert problems == []

    def test_a_bow_tie_is_mended_and_said(self, write):
        # Corners 1, 3, 2, 4: two triangles of area 1 that touch in the middle.
        frame, problems = buildings(
            write(*OUTER, way(10, [1, 3, 2, 4, 1], building="yes")), name="a"
        )
        assert frame.geometry.is_valid.all()
        assert shapely.area(frame.geometry).tolist() == [2]
        assert codes(problems) == ["osm.mended"]

    def test_no_building_is_refused(self, write):
        path = write(*OUTER, way(10, [1, 2, 3], building="yes"))
        with pytest.raises(InputError) as caught:
            buildings(path, name="a")
        assert codes(caught.value.problems) == ["osm.none_found", "osm.open_line"]

    def test_residential_land(self, write):
        path = write(
            *OUTER,
            way(10, [1, 2, 3, 4, 1], landuse="residential", name="新村"),
            way(11, [1, 2, 3, 1], landuse="forest"),
        )
        frame, _ = landuse_residential(path, name="a")
        assert frame["name"].tolist() == ["新村"]
        assert shapely.area(frame.geometry).tolist() == [4]
        with pytest.raises(InputError):
            landuse_residential(write(*OUTER), name="a")


def test_outlines_equal_those_of_osmium(write):
    """Osmium's own assembly of areas as an oracle, on rings that touch and islands in holes."""
    path = write(
        *OUTER,
        *INNER,
        node(21, 118.8, 28.8),
        node(22, 119.2, 28.8),
        node(23, 119.2, 29.2),
        way(10, [1, 2, 3, 4, 1]),
        way(11, [5, 6, 7, 8, 5]),
        way(12, [21, 22, 23, 21]),
        relation(20, [("way", 10, "outer"), ("way", 11, "inner"), ("way", 12, "outer")],
                 type="multipolygon", landuse="residential"),
        way(13, [1, 2, 3, 1], landuse="residential"),
    )  # fmt: skip
    factory = osmium.geom.WKBFactory()
    expected = {}
    for area in osmium.FileProcessor(str(path)).with_areas():
        if area.type_str() == "a" and "landuse" in area.tags:
            kind = "way" if area.from_way() else "relation"
            wkb = factory.create_multipolygon(area)
            expected[f"{kind}/{area.orig_id()}"] = shapely.from_wkb(wkb)
    frame, _ = landuse_residential(path, name="a")
    assert set(frame["osm_id"]) == set(expected) == {"relation/20", "way/13"}
    for number, shape in zip(frame["osm_id"], frame.geometry, strict=True):
        assert shapely.equals(shape, expected[number])
