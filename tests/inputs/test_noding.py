"""Lines that are made to touch, against shapely's own noding and by hand."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.errors import InputError
from servicecircle.inputs.noding import Chains, join_ends, node_crossings
from servicecircle.inputs.raw_roads import one_place
from servicecircle.inputs.roads import read_roads
from servicecircle.project import RoadSettings


def chains(*lines):
    """Return lines, each a list of places, as chains that share equal places."""
    points = np.array([point for line in lines for point in line], float)
    first, vertex = one_place(points[:, 0], points[:, 1])
    line = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    return Chains(lon=points[first, 0], lat=points[first, 1], vertex=vertex, line=line)


def places(found, line):
    at = found.vertex[found.line == line]
    return [(round(found.lon[k], 6), round(found.lat[k], 6)) for k in at.tolist()]


def ground(found):
    return np.zeros(int(found.line.max()) + 1, np.int64)


def pieces(found):
    """Return the straight pieces as pairs of places, without direction and repeats."""
    at = np.flatnonzero(found.line[1:] == found.line[:-1])
    ends = np.round(np.column_stack([found.lon, found.lat]), 6)
    pairs = zip(found.vertex[at].tolist(), found.vertex[at + 1].tolist(), strict=True)
    return {frozenset((tuple(ends[u]), tuple(ends[v]))) for u, v in pairs}


def shapely_pieces(lines):
    noded = shapely.get_parts(shapely.node(shapely.MultiLineString(lines)))
    found = set()
    for line in noded:
        corners = np.round(shapely.get_coordinates(line), 6).tolist()
        found |= {frozenset((tuple(u), tuple(v))) for u, v in itertools.pairwise(corners) if u != v}
    return found


class TestCrossings:
    def test_a_cross_of_one_level(self):
        cross = chains([(0, 0), (2, 0)], [(1, -1), (1, 1)])
        noded, added = node_crossings(cross, level=ground(cross))
        assert places(noded, 0) == [(0, 0), (1, 0), (2, 0)]
        assert places(noded, 1) == [(1, -1), (1, 0), (1, 1)]
        assert added == 1
        # The place is one: the lines touch.
        assert len(set(noded.vertex.tolist())) == 5

    def test_a_bridge_does_not_touch_what_it_spans(self):
        cross = chains([(0, 0), (2, 0)], [(1, -1), (1, 1)])
        noded, added = node_crossings(cross, level=np.array([0, 1]))
        assert added == 0
        assert noded.vertex.tolist() == cross.vertex.tolist()

    def test_a_bridge_keeps_the_ends_it_shares(self):
        lines = chains([(0, 0), (1, 0)], [(1, 0), (2, 0)], [(1.5, -1), (1.5, 1)])
        noded, added = node_crossings(lines, level=np.array([0, 1, 0]))
        assert added == 0
        assert noded.vertex[noded.line == 0][-1] == noded.vertex[noded.line == 1][0]

    def test_two_bridges_of_one_level_touch(self):
        cross = chains([(0, 0), (2, 0)], [(1, -1), (1, 1)])
        assert node_crossings(cross, level=np.array([1, 1]))[1] == 1

    def test_a_vertex_on_a_line_is_used_and_none_is_made(self):
        lines = chains([(0, 0), (2, 0)], [(1, 0), (1, 1)], [(1, -1), (1, 0)])
        noded, _ = node_crossings(lines, level=ground(lines))
        assert places(noded, 0) == [(0, 0), (1, 0), (2, 0)]
        assert noded.lon.size == lines.lon.size

    def test_several_crossings_stand_in_order_along_the_line(self):
        lines = chains([(4, 0), (0, 0)], *([(x, -1), (x, 1)] for x in (3, 1, 2)))
        noded, added = node_crossings(lines, level=ground(lines))
        assert places(noded, 0) == [(4, 0), (3, 0), (2, 0), (1, 0), (0, 0)]
        assert added == 3

    def test_three_lines_through_one_place(self):
        lines = chains([(-1, 0), (1, 0)], [(0, -1), (0, 1)], [(-1, -1), (1, 1)])
        noded, added = node_crossings(lines, level=ground(lines))
        assert added == 1
        assert noded.lon.size == 7

    def test_a_line_that_crosses_itself(self):
        lines = chains([(0, 0), (2, 2), (2, 0), (0, 2)])
        noded, added = node_crossings(lines, level=ground(lines))
        assert places(noded, 0) == [(0, 0), (1, 1), (2, 2), (2, 0), (1, 1), (0, 2)]
        assert added == 1

    def test_lines_along_each_other_share_their_vertices(self):
        lines = chains([(0, 0), (3, 0)], [(1, 0), (2, 0)])
        noded, _ = node_crossings(lines, level=ground(lines))
        assert places(noded, 0) == [(0, 0), (1, 0), (2, 0), (3, 0)]

    def test_a_line_drawn_again_from_a_shared_end(self):
        lines = chains([(0, 0), (3, 0)], [(0, 0), (1, 0)])
        noded, _ = node_crossings(lines, level=ground(lines))
        assert places(noded, 0) == [(0, 0), (1, 0), (3, 0)]

    def test_nothing_changes_its_input(self):
        cross = chains([(0, 0), (2, 0)], [(1, -1), (1, 1)])
        before = [cross.lon.copy(), cross.vertex.copy()]
        node_crossings(cross, level=ground(cross))
        assert cross.lon.tolist() == before[0].tolist()
        assert cross.vertex.tolist() == before[1].tolist()

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=4
            ).filter(lambda line: len(set(line)) > 1),
            min_size=1,
            max_size=8,
        )
    )
    def test_the_pieces_are_those_of_shapely(self, lines):
        lines = [
            [point for k, point in enumerate(line) if k == 0 or point != line[k - 1]]
            for line in lines
        ]
        drawn = chains(*lines)
        noded, _ = node_crossings(drawn, level=ground(drawn))
        # Crossings of a grid of integers are at least 1/400 apart: rounding merges none.
        assert pieces(noded) == shapely_pieces(lines)


class TestEnds:
    def test_an_end_short_of_a_street_is_prolonged_to_it(self):
        lines = chains([(118, 28), (118.01, 28)], [(118.005, 28.001), (118.005, 28.00002)])
        joined, ends = join_ends(lines, level=ground(lines), within_m=3.0)
        assert ends == 1
        assert places(joined, 0) == [(118, 28), (118.005, 28), (118.01, 28)]
        assert places(joined, 1) == [(118.005, 28.001), (118.005, 28.00002), (118.005, 28)]
        assert joined.vertex[joined.line == 0][1] == joined.vertex[joined.line == 1][-1]

    def test_the_gap_is_in_metres_at_that_latitude(self):
        # 0.00002 degrees of longitude: 2.2 m at the equator, 1.1 m at 60 degrees north.
        for lat, gap in ((0.0, 2.2264), (60.0, 1.1132)):
            lines = chains([(10, lat - 1), (10, lat + 1)], [(10.00002, lat), (10.1, lat)])
            assert join_ends(lines, level=ground(lines), within_m=gap * 1.01)[1] == 1
            assert join_ends(lines, level=ground(lines), within_m=gap * 0.99)[1] == 0

    def test_an_end_on_the_line_needs_no_further_piece(self):
        lines = chains([(0, 0), (2, 0)], [(1, 0), (1, 1)])
        joined, ends = join_ends(lines, level=ground(lines), within_m=1.0)
        assert ends == 1
        assert places(joined, 0) == [(0, 0), (1, 0), (2, 0)]
        assert places(joined, 1) == [(1, 0), (1, 1)]

    def test_two_ends_short_of_each_other(self):
        lines = chains([(0, 0), (1, 0)], [(1.00001, 0), (2, 0)])
        joined, ends = join_ends(lines, level=ground(lines), within_m=2.0)
        assert ends == 2
        assert places(joined, 0) == [(0, 0), (1, 0), (1.00001, 0)]
        assert set(joined.vertex[joined.line == 0]) & set(joined.vertex[joined.line == 1])

    def test_a_first_end_is_prolonged_too(self):
        lines = chains([(0, 0), (2, 0)], [(1, 0.00001), (1, 1)])
        joined, _ = join_ends(lines, level=ground(lines), within_m=2.0)
        assert places(joined, 1) == [(1, 0), (1, 0.00001), (1, 1)]

    def test_the_nearest_line_is_taken(self):
        lines = chains([(0, 0), (2, 0)], [(0, 0.00003), (2, 0.00003)], [(1, 0.00001), (1, -1)])
        joined, ends = join_ends(lines, level=ground(lines), within_m=5.0)
        assert places(joined, 2)[0] == (1, 0)
        # The two long lines are 3.3 m apart: their four ends are joined too.
        assert ends == 5

    def test_other_levels_own_lines_and_ends_in_use_stay(self):
        apart = chains([(0, 0), (2, 0)], [(1, 0.00001), (1, 1)])
        assert join_ends(apart, level=np.array([0, 1]), within_m=2.0)[1] == 0
        hook = chains([(0, 0), (1, 0), (1, 0.00001), (0.5, 0.00001)])
        assert join_ends(hook, level=ground(hook), within_m=2.0)[1] == 0
        corner = chains([(0, 0), (1, 0)], [(1, 0), (1, 1)])
        assert join_ends(corner, level=ground(corner), within_m=2.0)[1] == 0


class TestLayer:
    """The same through a project's settings."""

    @pytest.fixture
    def read(self, tmp_path):
        def read(columns, **settings):
            lines = [
                shapely.LineString([(118.0, 28.0), (118.02, 28.0)]),
                shapely.LineString([(118.01, 27.99), (118.01, 28.01)]),
            ]
            classes = ["residential", "residential"]
            frame = gpd.GeoDataFrame({"highway": classes, **columns}, geometry=lines, crs=4326)
            frame.to_file(tmp_path / "roads.gpkg")
            return read_roads(RoadSettings(path="roads.gpkg", **settings), base=tmp_path)

        return read

    def test_crossings_touch_only_where_told(self, read):
        roads, problems = read({"layer": [0, 0]})
        assert (roads.u.size, roads.lon.size, problems) == (2, 4, [])
        roads, problems = read({"layer": [0, 0]}, node_crossings=True)
        assert (roads.u.size, roads.lon.size, problems) == (4, 5, [])
        assert roads.counts["crossings_noded"] == 1

    @pytest.mark.parametrize(
        "columns",
        [
            {"layer": [0, 1]},
            {"layer": [None, "1"]},
            {"bridge": ["no", "yes"]},
            {"bridge": ["F", "T"]},
            {"tunnel": ["", "culvert"]},
        ],
    )
    def test_bridges_tunnels_and_layers_do_not(self, read, columns):
        roads, problems = read(columns, node_crossings=True)
        assert (roads.u.size, problems) == (2, [])

    @pytest.mark.parametrize(
        "columns", [{"bridge": ["no", "F"]}, {"layer": [0, None]}, {"tunnel": ["", "no"]}]
    )
    def test_words_for_the_ground_are_one(self, read, columns):
        assert read(columns, node_crossings=True)[0].u.size == 4

    def test_a_column_of_ones_own(self, read):
        columns = {"layer": [0, 0], "桥": ["否", "是"]}
        assert read(columns, node_crossings=True, level_columns=["桥"])[0].u.size == 2
        with pytest.raises(InputError) as caught:
            read(columns, node_crossings=True, level_columns=["桥梁"])
        assert caught.value.problems[0].code == "road.level_column"

    def test_without_levels_it_is_said(self, read):
        roads, problems = read({}, node_crossings=True)
        assert roads.u.size == 4
        assert [problem.code for problem in problems] == ["road.no_levels"]
