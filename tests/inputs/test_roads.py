"""Roads from line layers and GraphML: what joins, what is one, what is set aside."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.modes import oneway_codes
from servicecircle.inputs.raw_roads import class_index, one_place
from servicecircle.inputs.roads import read_roads
from servicecircle.project import RoadSettings

WGS84 = "EPSG:4326"


def read(path, **settings):
    return read_roads(RoadSettings(path=path.name, **settings), base=path.parent)


def segments(roads):
    """Return the segments as a set of pairs of places, whatever their direction."""
    ends = [(round(lon, 7), round(lat, 7)) for lon, lat in zip(roads.lon, roads.lat, strict=True)]
    return {frozenset((ends[u], ends[v])) for u, v in zip(roads.u, roads.v, strict=True)}


def layer(lines, crs=WGS84, **columns):
    return gpd.GeoDataFrame(
        {key: pd.Series(value) for key, value in columns.items()}, geometry=lines, crs=crs
    )


def codes(problems):
    return [problem.code for problem in problems]


def refusal(path, error=InputError, **settings):
    with pytest.raises(error) as caught:
        read(path, **settings)
    for language in ("en", "zh"):
        assert "{" not in caught.value.text(language)
    problem = caught.value.problems[0]
    assert (problem.severity, problem.action) == ("fatal", "stopped")
    assert problem.file == path.name
    return problem


# Two streets that meet at 118.1 28.0, and a footbridge that crosses the first between vertices.
CROSS = [
    shapely.LineString([(118.0, 28.0), (118.1, 28.0), (118.2, 28.0)]),
    shapely.LineString([(118.1, 28.0), (118.1, 28.1)]),
    shapely.LineString([(118.15, 27.9), (118.15, 28.1)]),
]
CLASSES = ["residential", "motorway", "footway"]
CROSS_SEGMENTS = {
    frozenset({(118.0, 28.0), (118.1, 28.0)}),
    frozenset({(118.1, 28.0), (118.2, 28.0)}),
    frozenset({(118.1, 28.0), (118.1, 28.1)}),
    frozenset({(118.15, 27.9), (118.15, 28.1)}),
}


class TestLines:
    @pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".parquet"])
    @pytest.mark.parametrize("column", ["highway", "fclass"])
    def test_every_format_gives_the_same_roads(self, tmp_path, suffix, column):
        path = tmp_path / f"roads{suffix}"
        frame = layer(CROSS, **{column: CLASSES, "oneway": ["F", "T", "B"]})
        frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path)
        roads, problems = read(path)
        assert problems == []
        assert segments(roads) == CROSS_SEGMENTS
        assert roads.lon.size == 6  # the bridge crosses without a vertex: no node
        assert roads.walk.tolist() == [True, True, False, True]
        assert [roads.class_names[at] for at in roads.way_class] == [
            "residential",
            "residential",
            "motorway",
            "footway",
        ]
        assert roads.oneway.tolist() == [1, 1, -1, 0]
        assert roads.source == path.name

    def test_metres_become_degrees(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, highway=CLASSES).to_crs("EPSG:4549").to_file(path)
        roads, _ = read(path)
        assert segments(roads) == CROSS_SEGMENTS

    def test_gcj02_is_undone(self, tmp_path):
        from servicecircle.datums import wgs84_to_gcj02

        path = tmp_path / "roads.geojson"

        def shift(points):
            return np.column_stack(wgs84_to_gcj02(points[:, 0], points[:, 1]))

        layer(shapely.transform(CROSS, shift), highway=CLASSES).to_file(path)
        roads, _ = read(path, datum="gcj02")
        assert segments(roads) == CROSS_SEGMENTS
        plain, _ = read(path)
        assert plain.lon.size == roads.lon.size
        assert np.abs(plain.lon - roads.lon).min() > 1e-3  # some 500 m

    def test_datum_auto_is_refused(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, highway=CLASSES).to_file(path)
        assert refusal(path, CrsError, datum="auto").code == "road.datum_auto"

    def test_no_crs_is_refused_and_can_be_declared(self, tmp_path):
        path = tmp_path / "roads.shp"
        layer(CROSS, highway=CLASSES).to_crs("EPSG:4549").to_file(path)
        path.with_suffix(".prj").unlink()
        assert refusal(path, CrsError).code == "vector.no_crs"
        assert segments(read(path, crs="EPSG:4549")[0]) == CROSS_SEGMENTS

    def test_a_declared_crs_may_not_contradict_the_file(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, highway=CLASSES).to_file(path)
        assert refusal(path, CrsError, crs="EPSG:4549").code == "vector.crs_conflict"
        assert read(path, crs="EPSG:4490")[0].u.size == 4

    def test_swapped_coordinates_are_refused(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(shapely.transform(CROSS, lambda points: points[:, ::-1])).to_file(path)
        assert refusal(path, CrsError).code == "vector.swapped"

    def test_both_directions_of_a_street_are_one(self, tmp_path):
        # The second line is the first one turned round; the third bends elsewhere; the fourth is
        # a motorway over the same ground.
        there = [(118.0, 28.0), (118.1, 28.1), (118.2, 28.0)]
        lines = [
            shapely.LineString(there),
            shapely.LineString(there[::-1]),
            shapely.LineString([there[0], (118.1, 27.9), there[2]]),
            shapely.LineString(there),
        ]
        path = tmp_path / "roads.gpkg"
        classes = ["service", "service", "service", "motorway"]
        layer(lines, highway=classes, oneway=[True, True, True, False]).to_file(path)
        roads, _ = read(path)
        assert roads.u.size == 6
        assert roads.counts["segments_repeated"] == 2
        assert roads.oneway.tolist() == [0, 0, 1, 1, 0, 0]
        assert roads.counts["lines_used"] == 4

    def test_two_one_way_lines_drawn_against_each_other_are_one_street(self, tmp_path):
        ahead = shapely.LineString([(118.0, 28.0), (118.1, 28.0)])
        frame = layer(
            [ahead, ahead.reverse(), ahead.reverse()],
            highway=["residential"] * 2 + ["primary"],
            oneway=["yes"] * 3,
            maxspeed=["30", "30", "60 mph"],
            name=["解放路", "解放路", None],
        )
        frame.to_file(tmp_path / "roads.gpkg")
        roads, _ = read(tmp_path / "roads.gpkg")
        assert roads.allowed["drive"].tolist() == [3, 1]
        assert roads.oneway.tolist() == [0, 1]
        assert roads.lon[roads.u[1]] > roads.lon[roads.v[1]]
        assert roads.speed_kmh.tolist() == pytest.approx([30.0, 96.56064])
        assert [roads.road_names[at] if at >= 0 else "" for at in roads.name_index] == [
            "解放路",
            "",
        ]

    def test_multilines_heights_and_repeated_vertices(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        many = shapely.MultiLineString(
            [[(118, 28, 5), (118.1, 28, 9), (118.1, 28, 9)], [(119, 28, 0), (119.1, 28, 0)]]
        )
        layer([many], highway=["path"]).to_file(path)
        roads, problems = read(path)
        assert problems == []
        assert segments(roads) == {
            frozenset({(118.0, 28.0), (118.1, 28.0)}),
            frozenset({(119.0, 28.0), (119.1, 28.0)}),
        }
        assert roads.counts["rows_in"] == 1
        assert roads.counts["lines_in"] == 2
        assert roads.counts["segments_of_one_node"] == 1

    def test_what_is_no_line_is_set_aside_row_by_row(self, tmp_path):
        path = tmp_path / "roads.parquet"
        with np.errstate(invalid="ignore"):
            nowhere = shapely.LineString([(118, 28), (np.nan, 28)])
        lines = [
            CROSS[0],
            shapely.Point(118, 28),
            None,
            shapely.LineString(),
            shapely.box(118, 28, 119, 29),
            nowhere,
            shapely.LineString([(118.3, 28), (118.3, 28)]),
            CROSS[1],
        ]
        layer(lines, highway=["path"] * 8).to_parquet(path)
        roads, problems = read(path)
        assert roads.u.size == 3
        problems = [problem for problem in problems if problem.severity != "note"]
        assert {problem.row: problem.code for problem in problems} == {
            2: "road.not_a_line",
            3: "road.no_geometry",
            4: "road.no_geometry",
            5: "road.not_a_line",
            6: "vector.not_finite",
            7: "road.no_length",
        }
        assert {problem.action for problem in problems} == {"set_aside"}
        counts = roads.counts
        assert counts["rows_in"] == 8
        assert counts["rows_used"] + counts["rows_without_geometry"] + counts["rows_not_lines"] == 8
        assert (counts["lines_used"], counts["lines_set_aside"]) == (2, 1)

    def test_a_layer_without_lines_is_refused(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer([shapely.box(118, 28, 119, 29)], highway=["path"]).to_file(path)
        assert refusal(path).code == "road.no_roads"

    def test_an_empty_layer_is_refused(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        frame = layer(CROSS, highway=CLASSES).iloc[:0]
        pyogrio.write_dataframe(frame, path, geometry_type="LineString")
        assert refusal(path).code == "input.empty_layer"

    def test_classes_are_taken_from_the_column_that_is_named(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, 等级=CLASSES, highway=["footway"] * 3).to_file(path)
        assert read(path, class_column="等级")[0].walk.tolist() == [True, True, False, True]
        assert read(path)[0].walk.all()
        problem = refusal(path, class_column="级别")
        assert problem.code == "road.class_column"
        assert "等级" in problem.text("zh")

    def test_no_classes_and_unknown_classes_are_walked_and_said(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS).to_file(path)
        roads, problems = read(path)
        assert roads.walk.all()
        assert codes(problems) == ["road.no_class"]
        assert codes(read(path, all_walkable=True)[1]) == []
        layer(CROSS, highway=["县道", None, "path"]).to_file(path)
        roads, problems = read(path)
        assert roads.walk.all()
        assert codes(problems) == ["road.blank_class", "road.unknown_class"]
        assert (problems[0].row, problems[0].details["count"]) == (2, 1)
        assert problems[1].value == "县道"

    def test_nothing_to_walk_on_is_refused_unless_all_is_walkable(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, highway=["motorway"] * 3).to_file(path)
        assert refusal(path).code == "road.nothing_walkable"
        roads, _ = read(path, all_walkable=True)
        assert roads.walk.all()
        assert roads.counts["segments_walkable"] == 4
        assert roads.counts["nodes_walkable"] == 6

    def test_foot_and_access_columns_count(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        frame = layer(CROSS, highway=["path"] * 3, foot=["no", None, None])
        frame["access"] = [None, "private", None]
        frame.to_file(path)
        assert read(path)[0].walk.tolist() == [False, False, False, True]

    def test_the_layer_of_a_geopackage(self, tmp_path):
        path = tmp_path / "roads.gpkg"
        layer(CROSS, highway=CLASSES).to_file(path, layer="roads")
        layer(CROSS[:1], highway=CLASSES[:1]).to_file(path, layer="paths")
        assert refusal(path).code == "vector.several_layers"
        assert read(path, layer="paths")[0].u.size == 2

    @pytest.mark.parametrize("name", ["roads.gpkg", "roads.shp", "roads.parquet"])
    def test_a_broken_file_is_refused(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(b"not a layer of roads")
        assert refusal(path).code == "input.unreadable"

    def test_an_unknown_format_and_a_missing_file_are_refused(self, tmp_path):
        path = tmp_path / "roads.dwg"
        assert refusal(path).code == "input.missing_file"
        path.write_bytes(b"")
        problem = refusal(path)
        assert problem.code == "road.unknown_format"
        assert ".osm.pbf" in problem.text("en")


def save(graph, path):
    """Write a graph as OSMnx does: all values as text."""
    for _, data in graph.nodes(data=True):
        data.update({key: str(value) for key, value in data.items()})
    for *_, data in graph.edges(data=True):
        data.update(
            {key: value.wkt if hasattr(value, "wkt") else str(value) for key, value in data.items()}
        )
    nx.write_graphml(graph, path)
    return path


def graph_of(nodes, *, crs="epsg:4326", kind=nx.MultiDiGraph):
    graph = kind(crs=crs) if crs else kind()
    for number, (x, y) in nodes.items():
        graph.add_node(number, x=x, y=y)
    return graph


class TestGraphML:
    def test_a_street_of_two_directions_and_a_one_way(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0), 3: (118.2, 28.0)})
        bend = shapely.LineString([(118.0, 28.0), (118.05, 28.05), (118.1, 28.0)])
        graph.add_edge(1, 2, highway="residential", oneway=False, geometry=bend)
        graph.add_edge(2, 1, highway="residential", oneway=False, geometry=bend.reverse())
        graph.add_edge(3, 2, highway="motorway", oneway=True)
        roads, problems = read(save(graph, tmp_path / "roads.graphml"))
        assert problems == []
        assert segments(roads) == {
            frozenset({(118.0, 28.0), (118.05, 28.05)}),
            frozenset({(118.05, 28.05), (118.1, 28.0)}),
            frozenset({(118.1, 28.0), (118.2, 28.0)}),
        }
        assert roads.u.size == 3
        assert roads.walk.tolist() == [True, True, False]
        assert roads.oneway.tolist() == [0, 0, 1]
        assert roads.lon[roads.u[2]] == 118.2  # as the edge runs
        assert roads.counts["lines_in"] == roads.counts["lines_used"] == 3
        assert roads.counts["segments_repeated"] == 2

    def test_directions_of_both_edges_and_barriers_on_nodes(self, tmp_path):
        graph = nx.MultiDiGraph(crs="epsg:4326")
        for number, tags in ((1, {}), (2, {"barrier": "bollard"}), (3, {})):
            graph.add_node(number, x=118.0 + number / 10, y=28.0, **tags)
        graph.add_edge(1, 2, highway="residential", oneway=False, name="府前路")
        graph.add_edge(2, 1, highway="residential", oneway=False, name="府前路")
        graph.add_edge(3, 2, highway="primary", oneway=True, maxspeed="60")
        nx.write_graphml(graph, tmp_path / "graph.graphml")
        roads, problems = read(tmp_path / "graph.graphml")
        assert problems == []
        found = {
            (round(roads.lon[u], 1), round(roads.lon[v], 1)): code
            for u, v, code in zip(roads.u, roads.v, roads.allowed["drive"].tolist(), strict=True)
        }
        assert found == {(118.1, 118.2): 3, (118.3, 118.2): 1}
        assert roads.allowed["walk"].tolist() == [3, 3]
        assert roads.lon[roads.barred["drive"]].tolist() == [118.2]
        assert roads.barred["walk"].size == 0
        assert roads.road_names == ("府前路",)
        assert sorted(roads.name_index.tolist()) == [-1, 0]
        assert 60.0 in roads.speed_kmh

    def test_parallel_edges_that_differ_are_kept(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0)})
        graph.add_edge(1, 2, highway="path")
        for lat in (28.05, 27.95):
            line = shapely.LineString([(118.0, 28.0), (118.05, lat), (118.1, 28.0)])
            graph.add_edge(1, 2, highway="path", geometry=line)
        roads, _ = read(save(graph, tmp_path / "roads.graphml"))
        assert roads.u.size == 5
        assert roads.lon.size == 4

    def test_bends_at_one_place_of_other_edges_do_not_touch(self, tmp_path):
        # A bridge: two lines bend at the same place, without a node there.
        nodes = {1: (118.0, 28.0), 2: (118.2, 28.0), 3: (118.0, 28.2), 4: (118.2, 28.2)}
        graph = graph_of(nodes)
        for u, v in ((1, 4), (3, 2)):
            line = shapely.LineString([nodes[u], (118.1, 28.1), nodes[v]])
            graph.add_edge(u, v, highway="path", geometry=line)
        roads, _ = read(save(graph, tmp_path / "roads.graphml"))
        assert roads.lon.size == 6
        ends = np.concatenate([roads.u, roads.v])
        assert np.bincount(ends).max() == 2  # nothing meets four ways

    def test_a_line_drawn_the_other_way_round_is_turned(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.3, 28.0)}, kind=nx.MultiGraph)
        line = shapely.LineString([(118.3, 28.0), (118.2, 28.1), (118.0, 28.0)])
        graph.add_edge(1, 2, highway="path", geometry=line)
        roads, problems = read(save(graph, tmp_path / "roads.graphml"))
        assert problems == []
        assert roads.lon[roads.u].tolist() == [118.0, 118.2]
        assert roads.lon[roads.v].tolist() == [118.2, 118.3]

    def test_a_loop_keeps_its_shape(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0)})
        ring = [(118.0, 28.0), (118.1, 28.0), (118.1, 28.1), (118.0, 28.0)]
        graph.add_edge(1, 1, highway="path", geometry=shapely.LineString(ring))
        graph.add_edge(1, 1, highway="path", geometry=shapely.LineString(ring[::-1]))
        roads, _ = read(save(graph, tmp_path / "roads.graphml"))
        assert roads.u.size == 3
        assert roads.lon.size == 3

    def test_merged_ways_with_several_classes(self, tmp_path):
        # OSMnx writes lists in any order: both directions must still be one.
        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0), 3: (118.2, 28.0)})
        graph.add_edge(1, 2, highway=["steps", "path"])
        graph.add_edge(2, 1, highway=["path", "steps"])
        graph.add_edge(2, 3, highway=["path", "motorway"])
        roads, _ = read(save(graph, tmp_path / "roads.graphml"))
        assert roads.class_names == ("motorway;path", "path;steps")
        assert roads.walk.tolist() == [True, False]

    def test_a_projected_graph(self, tmp_path):
        to_metres = pyproj.Transformer.from_crs(WGS84, "EPSG:32650", always_xy=True)
        nodes = {1: to_metres.transform(118.0, 28.0), 2: to_metres.transform(118.1, 28.0)}
        graph = graph_of(nodes, crs="EPSG:32650")
        middle = to_metres.transform(118.05, 28.05)
        line = shapely.LineString([nodes[1], middle, nodes[2]])
        graph.add_edge(1, 2, highway="path", geometry=line)
        roads, _ = read(save(graph, tmp_path / "roads.graphml"))
        assert segments(roads) == {
            frozenset({(118.0, 28.0), (118.05, 28.05)}),
            frozenset({(118.05, 28.05), (118.1, 28.0)}),
        }

    def test_the_crs_is_needed_and_may_not_be_contradicted(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0)}, crs=None)
        graph.add_edge(1, 2, highway="path")
        path = save(graph, tmp_path / "roads.graphml")
        assert refusal(path, CrsError).code == "vector.no_crs"
        assert read(path, crs=WGS84)[0].u.size == 1
        graph.graph["crs"] = "{'init': 'epsg:4326'}"  # as OSMnx wrote it before 0.16
        assert read(save(graph, path))[0].u.size == 1
        assert refusal(path, CrsError, crs="EPSG:4549").code == "vector.crs_conflict"
        graph.graph["crs"] = "no crs"
        assert refusal(save(graph, path), CrsError).code == "vector.bad_crs"

    def test_edges_that_cannot_be_used_are_set_aside(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0), 4: ("east", 28.0)})
        graph.add_edge(1, 2, highway="path")
        graph.add_edge(1, 3, highway="path")  # a node without a place
        graph.add_edge(2, 4, highway="path")
        graph.add_edge(2, 1, highway="path", geometry="LINESTRING (118.1")
        graph.add_edge(2, 1, highway="path", geometry="POINT (118.1 28)")
        graph.add_edge(2, 1, highway="path", geometry="LINESTRING (118.1 28, nan 28, 118 28)")
        graph.add_edge(1, 1, highway="path")
        roads, problems = read(save(graph, tmp_path / "roads.graphml"))
        assert roads.u.size == 1
        assert sorted(codes(problems)) == [
            "road.edge_geometry",
            "road.edge_geometry",
            "road.edge_geometry",
            "road.edge_node",
            "road.edge_node",
            "road.no_length",
        ]
        assert len({problem.row for problem in problems}) == 6
        assert roads.counts["lines_in"] == 7
        assert roads.counts["lines_used"] + roads.counts["lines_set_aside"] == 7

    def test_a_line_away_from_its_nodes_is_joined_to_them(self, tmp_path):
        graph = graph_of({1: (118.0, 28.0), 2: (118.3, 28.0)})
        line = shapely.LineString([(118.1, 28.0), (118.2, 28.0)])
        graph.add_edge(1, 2, highway="path", geometry=line)
        roads, problems = read(save(graph, tmp_path / "roads.graphml"))
        assert codes(problems) == ["road.edge_apart"]
        assert sorted(roads.lon) == [118.0, 118.1, 118.2, 118.3]
        assert roads.u.size == 3

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("<graphml><graph>", "road.graphml_broken"),
            ("", "road.graphml_broken"),
            ("<html></html>", "road.graphml_broken"),
            ('<?xml version="1.0" encoding="GBK"?><graphml/>', "road.graphml_broken"),
            ("<graphml/>", "road.no_roads"),
            ('<graphml><graph><node id="1"/><edge source="1" target="1"/></graph></graphml>',
             "road.no_roads"),
            ('<!DOCTYPE graphml [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><graphml>&b;</graphml>',
             "road.graphml_entities"),
            ('<!DOCTYPE graphml [<!ENTITY a SYSTEM "file:///etc/hostname">]><graphml>&a;</graphml>',
             "road.graphml_entities"),
            ("<graphml>&a;</graphml>", "road.graphml_broken"),
        ],
    )  # fmt: skip
    def test_a_bad_file_is_refused(self, tmp_path, text, code):
        path = tmp_path / "roads.graphml"
        path.write_text(text)
        assert refusal(path).code == code

    def test_nodes_alone_are_no_roads(self, tmp_path):
        path = save(graph_of({1: (118.0, 28.0)}), tmp_path / "roads.graphml")
        assert refusal(path).code == "road.no_roads"

    def test_osmnx_saves_what_we_read(self, tmp_path):
        import osmnx

        graph = graph_of({1: (118.0, 28.0), 2: (118.1, 28.0), 3: (118.2, 28.1)})
        bend = shapely.LineString([(118.1, 28.0), (118.1, 28.1), (118.2, 28.1)])
        for u, v, line in ((2, 3, bend), (3, 2, bend.reverse())):
            graph.add_edge(
                u, v, osmid=7, highway="service", length=1.0, oneway=False, geometry=line
            )
        graph.add_edge(1, 2, osmid=8, highway=["path", "steps"], length=1.0, oneway=True)
        path = tmp_path / "roads.graphml"
        osmnx.save_graphml(graph, path)
        roads, problems = read(path)
        assert problems == []
        assert roads.u.size == 3
        assert sorted(roads.oneway.tolist()) == [0, 0, 1]


class TestOsm:
    TEXT = (
        '<osm version="0.6"><node id="1" lon="118.0" lat="28.0"/>'
        '<node id="2" lon="118.1" lat="28.0"/><way id="1"><nd ref="1"/><nd ref="2"/>'
        '<tag k="highway" v="CLASS"/></way></osm>'
    )

    @pytest.mark.parametrize("name", ["town.osm", "TOWN.OSM"])
    def test_an_osm_file(self, tmp_path, name):
        path = tmp_path / name
        path.write_text(self.TEXT.replace("CLASS", "path"))
        roads, problems = read(path)
        assert segments(roads) == {frozenset({(118.0, 28.0), (118.1, 28.0)})}
        assert problems == []
        assert refusal(path, CrsError, crs="EPSG:4549").code == "vector.crs_conflict"

    def test_a_shifted_osm_file(self, tmp_path):
        path = tmp_path / "town.osm"
        path.write_text(self.TEXT.replace("CLASS", "path"))
        roads, _ = read(path, datum="bd09")
        assert 0.005 < 118.0 - roads.lon[0] < 0.02

    def test_motorways_alone_are_refused(self, tmp_path):
        path = tmp_path / "town.osm"
        path.write_text(self.TEXT.replace("CLASS", "motorway"))
        assert refusal(path).code == "road.nothing_walkable"


def test_places_are_one_at_a_ten_millionth_of_a_degree():
    lon = np.array([118.0, 118.0 + 4e-8, 118.0 + 1.2e-7, -180.0, 180.0])
    _, place = one_place(lon, np.array([28.0, 28.0, 28.0, -90.0, 90.0]))
    assert place[0] == place[1] != place[2]
    assert len(set(place.tolist())) == 4


def test_a_column_of_names_does_not_overflow():
    names = [f"road {number:05}" for number in range(40_000)]
    index, classes = class_index(names)
    assert classes[index[0]] == "road 00000"
    assert classes[index[-1]] == "other"
    assert index.min() == 0


def test_directions_as_several_sources_write_them():
    said = ["yes", "True", "1", "F", "-1", "T", "no", "B", "", "reversible"]
    codes_ = oneway_codes(said, ["service"] * 10, [""] * 10)
    assert codes_.tolist() == [1, 1, 1, 1, -1, -1, 0, 0, 0, 0]


class TestGrids:
    """Line layers whose coordinates the project has to explain; formats that explain themselves."""

    def test_swapped_axes(self, tmp_path):
        other = [shapely.transform(line, lambda xy: xy[:, ::-1]) for line in CROSS]
        layer(other, highway=CLASSES).to_file(tmp_path / "a.gpkg")
        assert refusal(tmp_path / "a.gpkg", CrsError).code == "vector.swapped"
        assert segments(read(tmp_path / "a.gpkg", swap_axes=True)[0]) == CROSS_SEGMENTS

    def test_a_grid_of_the_town(self, tmp_path):
        # The town counts from 118 E 28 N, turned by a quarter: x goes north, y goes west.
        metres = layer(CROSS).to_crs(4549).geometry
        dx, dy = 300_000.0, 3_000_000.0
        own = [
            shapely.transform(line, lambda xy: np.column_stack([xy[:, 1] - dy, dx - xy[:, 0]]))
            for line in metres
        ]
        # The system of the file does not hold for a grid that the project describes.
        layer(own, crs=3857, highway=CLASSES).to_file(tmp_path / "a.gpkg")
        grid = {"dx": dx, "dy": dy, "rotation_degrees": 90.0}
        roads, _ = read(tmp_path / "a.gpkg", crs="EPSG:4549", local_grid=grid)
        assert segments(roads) == CROSS_SEGMENTS

    def test_an_old_datum_needs_its_parameters(self, tmp_path):
        parameters = [15.8, -154.4, -82.3]
        bound = pyproj.CRS(
            "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +type=crs +towgs84="
            + ",".join(map(str, parameters))
        )
        frame = layer(CROSS, highway=CLASSES).to_crs(bound)
        frame.set_crs(2437, allow_override=True).to_file(tmp_path / "a.gpkg")
        assert refusal(tmp_path / "a.gpkg", CrsError).code == "vector.old_grid"
        roads, _ = read(tmp_path / "a.gpkg", towgs84=parameters)
        assert segments(roads) == CROSS_SEGMENTS

    @pytest.mark.parametrize(
        "given",
        [
            {"swap_axes": True},
            {"towgs84": [1.0, 2.0, 3.0]},
            {"local_grid": {"dx": 0.0, "dy": 0.0}},
            {"crs": "+proj=pipeline +step +proj=axisswap +order=2,1"},
        ],
    )
    @pytest.mark.parametrize("name", ["a.osm", "a.graphml", "a.json"])
    def test_formats_that_say_what_they_are_take_no_grid(self, tmp_path, name, given):
        (tmp_path / name).write_text('{"version": 0.6, "elements": []}', encoding="utf-8")
        assert refusal(tmp_path / name, CrsError, **given).code == "road.grid_fixed"
