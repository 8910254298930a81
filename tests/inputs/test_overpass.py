"""Raw answers of Overpass: tiles, duplicates, and what is no answer."""

from __future__ import annotations

import json

import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.roads import read_roads, road_files
from servicecircle.project import RoadSettings


def node(number, lon, lat, **tags):
    return {"type": "node", "id": number, "lon": lon, "lat": lat, "tags": tags}


def way(number, nodes, **tags):
    return {"type": "way", "id": number, "nodes": nodes, "tags": tags}


@pytest.fixture
def write(tmp_path):
    def write(name, *elements, **more):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"version": 0.6, "elements": elements, **more}), "utf-8")
        return path

    return write


def read(base, path, **settings):
    return read_roads(RoadSettings(path=path, **settings), base=base)


def refusal(base, path):
    with pytest.raises(InputError) as caught:
        read(base, path)
    for language in ("en", "zh"):
        assert "{" not in caught.value.problems[0].text(language)
    return caught.value.problems[0]


STREET = way(7, [1, 2], highway="residential", name="府前路")
ENDS = [node(1, 118.0, 28.0), node(2, 118.1, 28.0)]


def test_one_answer(write, tmp_path):
    write("roads.json", *ENDS, STREET, way(8, [1, 2], waterway="river"))
    roads, problems = read(tmp_path, "roads.json")
    assert problems == []
    assert roads.lon.tolist() == [118.0, 118.1]
    assert roads.road_names == ("府前路",)
    assert roads.counts["lines_in"] == roads.counts["lines_used"] == 1


@pytest.mark.parametrize("path", ["tiles", "tiles/*.json", "tiles/[ab].json"])
def test_tiles_are_one_network(write, tmp_path, path):
    write("tiles/a.json", *ENDS, STREET)
    write("tiles/b.json", *ENDS, node(3, 118.2, 28.0), STREET, way(9, [2, 3], highway="path"))
    roads, problems = read(tmp_path, path)
    assert problems == []
    assert (roads.lon.size, roads.u.size, roads.counts["lines_in"]) == (3, 2, 2)
    names = [file.name for file in road_files(RoadSettings(path=path), base=tmp_path)]
    assert names == ["a.json", "b.json"]


def test_a_node_of_another_tile_is_found(write, tmp_path):
    write("tiles/a.json", ENDS[0], STREET)
    write("tiles/b.json", ENDS[1], way(9, [2, 1], highway="path"))
    roads, _ = read(tmp_path, "tiles")
    assert roads.u.size == 2


def test_what_is_no_answer_is_left_and_said(write, tmp_path):
    write("tiles/a.json", *ENDS, STREET)
    (tmp_path / "tiles" / "place.json").write_text('[{"place_id": 1}]')
    roads, problems = read(tmp_path, "tiles")
    assert roads.u.size == 1
    told = [(problem.code, problem.severity, problem.file) for problem in problems]
    assert told == [("osm.not_overpass", "note", "tiles/place.json")]


def test_places_with_the_way(write, tmp_path):
    geometry = [{"lon": 118.0, "lat": 28.0}, None, {"lon": 118.2, "lat": 28.0}]
    write("roads.json", {**way(7, [1, 2, 3], highway="path"), "geometry": geometry}, ENDS[1])
    roads, _ = read(tmp_path, "roads.json")
    assert roads.lon.tolist() == [118.0, 118.1, 118.2]


def test_missing_places_cut_the_way(write, tmp_path):
    nowhere = [node(3, float("nan"), 28.0), node(4, 200.0, 28.0)]
    write("roads.json", *ENDS, *nowhere, way(7, [1, 2, 3, 4, 5], highway="path"))
    roads, problems = read(tmp_path, "roads.json")
    assert roads.u.size == 1
    assert [problem.code for problem in problems] == ["osm.missing_nodes"]
    assert roads.counts["segments_without_place"] == 3


def test_barriers_count(write, tmp_path):
    write("roads.json", ENDS[0], node(2, 118.1, 28.0, barrier="bollard"), STREET)
    barred = read(tmp_path, "roads.json")[0].barred
    assert {mode: nodes.tolist() for mode, nodes in barred.items() if nodes.size} == {"drive": [1]}


def test_an_answer_that_is_not_whole_is_refused(write, tmp_path):
    write("roads.json", *ENDS, STREET, remark="runtime error: Query timed out")
    problem = refusal(tmp_path, "roads.json")
    assert (problem.code, problem.value) == (
        "osm.overpass_remark",
        "runtime error: Query timed out",
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"elements": [',
        '{"elements": 5}',
        '{"elements": [5]}',
        '{"elements": [{"type": "node"}]}',
        '{"elements": [{"type": "node", "id": "1", "lon": 1, "lat": 1}]}',
        '{"elements": [{"type": "node", "id": 1, "lon": null, "lat": 1}]}',
        '{"elements": [{"type": "way", "id": 1, "nodes": 5}]}',
        '{"elements": [{"type": "way", "id": 1, "nodes": ["1"]}]}',
        '{"elements": [{"type": "way", "id": 1, "nodes": [1], "tags": {"highway": 5}}]}',
        '{"elements": [{"type": "way", "id": 1, "nodes": [1], "tags": ["highway"]}]}',
        '{"elements": [' + "[" * 100_000,
    ],
)
def test_a_broken_answer_is_refused(tmp_path, text):
    (tmp_path / "roads.json").write_text(text)
    assert refusal(tmp_path, "roads.json").code == "osm.broken"


def test_no_roads_and_no_files(write, tmp_path):
    write("roads.json", *ENDS)
    assert refusal(tmp_path, "roads.json").code == "road.no_roads"
    assert refusal(tmp_path, "tiles/*.json").code == "input.missing_file"
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path, "empty").code == "input.missing_file"
    (tmp_path / "empty" / "place.json").write_text("[]")
    assert refusal(tmp_path, "empty").code == "road.no_roads"


def test_a_geojson_stays_a_layer(tmp_path):
    line = {"type": "LineString", "coordinates": [[118.0, 28.0], [118.1, 28.0]]}
    feature = {"type": "Feature", "properties": {"highway": "path"}, "geometry": line}
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    (tmp_path / "roads.json").write_text(text)
    assert read(tmp_path, "roads.json")[0].counts["rows_in"] == 1
