"""One reading of an OpenStreetMap file for several readers gives what each would read alone."""

from __future__ import annotations

import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs import osm_extract
from servicecircle.inputs.osm_extract import OsmFiles, read_extracts
from servicecircle.inputs.osm_features import (
    admin_boundaries,
    buildings,
    landuse_residential,
    tagged_facilities,
)
from servicecircle.inputs.osm_wishes import (
    BUILDINGS,
    ENTRANCES,
    RESIDENTIAL_LAND,
    Wish,
    boundary_wish,
    facility_wish,
)

# A square of four corners, a node each for a clinic and a home, a house that is a home too, a town
# whose border is two ways, land, and a site of two nodes.
TOWN = """<osm version="0.6">
<node id="1" lon="118" lat="28"/><node id="2" lon="120" lat="28"/>
<node id="3" lon="120" lat="30"/><node id="4" lon="118" lat="30"/>
<node id="5" lon="119" lat="29"><tag k="amenity" v="clinic"/><tag k="name" v="甲"/></node>
<node id="6" lon="119.5" lat="29"><tag k="amenity" v="nursing_home"/></node>
<node id="7" lon="118.5" lat="29"><tag k="building" v="yes"/></node>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>
 <tag k="building" v="yes"/><tag k="amenity" v="nursing_home"/><tag k="capacity" v="9"/></way>
<way id="11"><nd ref="1"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="building" v="no"/></way>
<way id="12"><nd ref="1"/><nd ref="2"/><nd ref="3"/></way>
<way id="13"><nd ref="3"/><nd ref="4"/><nd ref="1"/></way>
<way id="14"><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="2"/>
 <tag k="landuse" v="residential"/><tag k="source" v="aerial"/></way>
<way id="15"><nd ref="2"/><nd ref="9"/><nd ref="4"/><nd ref="2"/>
 <tag k="building" v="yes"/></way>
<relation id="20">
 <member type="way" ref="12" role="outer"/><member type="way" ref="13" role="outer"/>
 <tag k="type" v="boundary"/><tag k="boundary" v="administrative"/><tag k="admin_level" v="8"/>
 <tag k="name" v="甲镇"/></relation>
<relation id="21"><member type="node" ref="5" role=""/><member type="node" ref="6" role=""/>
 <tag k="type" v="site"/><tag k="amenity" v="clinic"/></relation>
</osm>"""
CLINICS, HOMES = ("amenity=clinic",), ("amenity=nursing_home",)


@pytest.fixture
def town(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(TOWN, encoding="utf-8")
    return path


def every(path, files):
    """Return what all readers read of a file, and their problems."""
    return {
        "towns": admin_boundaries(path, admin_level=8, name="t", files=files),
        "clinics": tagged_facilities(path, selectors=CLINICS, name="t", files=files),
        "homes": tagged_facilities(path, selectors=HOMES, name="t", files=files),
        "houses": buildings(path, name="t", files=files),
        "land": landuse_residential(path, name="t", files=files),
    }


def wishes(path):
    return [
        (path, boundary_wish(8)),
        (path, facility_wish(CLINICS, name="t")),
        (path, facility_wish(HOMES, name="t")),
        (path, BUILDINGS),
        (path, RESIDENTIAL_LAND),
        # Each layer of facilities asks for the entrances of its areas too.
        (path, ENTRANCES),
        (path, ENTRANCES),
    ]


@pytest.fixture
def passes(monkeypatch):
    """Count how often osmium goes through a file."""
    opened = []
    own = osm_extract.processor_of

    def counting(path, entities, *, name):
        opened.append(path)
        return own(path, entities, name=name)

    monkeypatch.setattr(osm_extract, "processor_of", counting)
    monkeypatch.setattr("servicecircle.inputs.osm_file.processor_of", counting)
    return opened


def test_all_readers_together_read_what_each_reads_alone(town, passes):
    alone = every(town, None)
    many = len(passes)
    passes.clear()
    together = every(town, OsmFiles(wishes(town)))
    assert (many, len(passes)) == (6, 2)
    for reader, (frame, problems) in alone.items():
        other, others = together[reader]
        assert frame.to_wkt().to_csv() == other.to_wkt().to_csv()
        assert problems == others


def test_what_is_read_is_what_stands_in_the_file(town):
    found = every(town, OsmFiles(wishes(town)))
    ids = {reader: frame["osm_id"].tolist() for reader, (frame, _) in found.items()}
    assert ids == {
        "towns": ["relation/20"],
        "clinics": ["node/5", "relation/21"],
        "homes": ["node/6", "way/10"],
        "houses": ["way/10"],
        "land": ["way/14"],
    }
    square = shapely.box(118, 28, 120, 30)
    assert found["towns"][0].geometry.iloc[0].equals(square)
    assert found["clinics"][0].geometry.iloc[1] == shapely.Point(119.25, 29)
    assert '"capacity": "9"' in found["homes"][0]["tags"].iloc[1]
    assert [problem.code for problem in found["houses"][1]] == ["osm.outline_missing"]


def test_a_wish_that_was_not_told_is_read_when_it_is_asked_for(town, passes):
    files = OsmFiles([(town, BUILDINGS)])
    assert buildings(town, name="t", files=files)[0]["osm_id"].tolist() == ["way/10"]
    assert len(passes) == 1  # no relation is wanted: there are no members to read
    clinics, _ = tagged_facilities(town, selectors=CLINICS, name="t", files=files)
    assert clinics["osm_id"].tolist() == ["node/5", "relation/21"]
    # What was asked for as often as told is given back: it is read again.
    assert len(buildings(town, name="t", files=files)[0]) == 1


def test_two_layers_of_one_wish_are_served_by_one_reading(town, passes):
    wish = facility_wish(HOMES, name="t")
    files = OsmFiles([(town, wish), (town, wish)])
    first, second = (files.take(town, wish, name="t") for _ in range(2))
    assert first.nodes == second.nodes
    assert [node.id for node in first.nodes] == [6]
    assert len(passes) == 1


def test_a_broken_file_is_refused_for_each_reader(tmp_path):
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(b"\x00\x00\x00\x0d")
    files = OsmFiles(wishes(path))
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            buildings(path, name="cut.osm.pbf", files=files)
        assert caught.value.problems[0].code == "osm.broken"


def test_only_the_tags_that_are_looked_at_are_kept(town):
    found = read_extracts(town, [RESIDENTIAL_LAND, BUILDINGS], name="t")
    assert found[RESIDENTIAL_LAND].ways.tags == [{"landuse": "residential"}]
    assert found[BUILDINGS].ways.tags == [{"building": "yes"}, {"building": "yes"}]
    assert found[BUILDINGS].nodes == []


def test_nothing_wanted_is_nothing_read(town, passes):
    assert OsmFiles().take(town, Wish(selectors=()), name="t").ways.ids.size == 0
    assert passes == []


def test_negative_ids_and_members_before_their_nodes(tmp_path):
    path = tmp_path / "new.osm"
    path.write_text(
        '<osm version="0.6"><relation id="-3"><member type="way" ref="-2" role="outer"/>'
        '<tag k="type" v="multipolygon"/><tag k="building" v="yes"/></relation>'
        '<way id="-2"><nd ref="-1"/><nd ref="2"/><nd ref="3"/><nd ref="-1"/></way>'
        '<node id="-1" lon="1" lat="1"/><node id="2" lon="3" lat="1"/>'
        '<node id="3" lon="3" lat="2"/></osm>',
        encoding="utf-8",
    )
    frame, problems = buildings(path, name="new.osm", files=OsmFiles([(path, BUILDINGS)]))
    assert (frame["osm_id"].tolist(), problems) == (["relation/-3"], [])
    assert frame.geometry.iloc[0].equals(shapely.Polygon([(1, 1), (3, 1), (3, 2)]))
