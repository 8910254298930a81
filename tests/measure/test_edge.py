"""The edge of the study area on drawn towns: which roads lead out, and who lives near them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from servicecircle.measure.edge import near_edge, outer_area, road_exits, unanswered

SQUARE = shapely.box(0, 0, 10_000, 10_000)


def road(*lines, step=100.0):
    """Return nodes and ends of straight lines cut into segments of about a step."""
    x, y, u, v = [], [], [], []
    for start, end in lines:
        parts = int(np.hypot(end[0] - start[0], end[1] - start[1]) // step) + 1
        first = len(x)
        x += np.linspace(start[0], end[0], parts + 1).tolist()
        y += np.linspace(start[1], end[1], parts + 1).tolist()
        u += range(first, first + parts)
        v += range(first + 1, first + parts + 1)
    return np.array(x), np.array(y), (np.array(u), np.array(v))


def test_a_road_that_goes_on_a_road_cut_off_and_a_pier():
    lines = [((5000, 5000), (13_000, 5000)), ((5000, 5000), (5000, 10_000))]
    pier = ((5050, 5050), (5050, -80))
    x, y, ends = road(*lines, pier)
    exits = road_exits(x, y, ends, SQUARE, limit_m=1000.0)
    assert (exits.crossings, exits.cut, exits.short) == (2, 1, 1)
    # A thousand metres beyond, from the first node outside to the last that lies within 1,000 m.
    assert exits.road_m_beyond == pytest.approx(1000.0, abs=160.0)
    through = np.ones(ends[0].size, bool)
    through[x[ends[0]] == 5050] = False
    exits = road_exits(x, y, ends, SQUARE, limit_m=1000.0, through=through)
    assert (exits.crossings, exits.cut, exits.short) == (1, 1, 0)
    assert sorted(exits.x.round().tolist()) == [5000, 9999] or exits.x.max() > 9800


def test_a_path_that_ends_at_the_border_is_no_exit():
    x, y, ends = road(((5000, 5000), (5000, 10_000)))
    exits = road_exits(x, y, ends, SQUARE, limit_m=1000.0, through=np.zeros(ends[0].size, bool))
    assert exits.x.size == 0


def test_people_near_an_exit_and_only_they():
    x, y, ends = road(((5000, 5000), (13_000, 5000)))
    exits = road_exits(x, y, ends, SQUARE, limit_m=1000.0)
    places = np.array([[9500.0, 5000.0], [8500.0, 5000.0], [9990.0, 9000.0], [np.nan, 0.0]])
    edge = near_edge(*places.T, SQUARE, limit_m=1000.0, exits=exits)
    assert edge.near.tolist() == [True, False, False, False]
    # Without roads the whole border counts.
    edge = near_edge(*places.T, SQUARE, limit_m=1000.0, exits=None)
    assert edge.near.tolist() == [True, False, True, False]


def test_the_quick_look_up_finds_what_all_distances_find():
    rng = np.random.default_rng(5)
    x, y, ends = road(*(((5000, 5000), tuple(p)) for p in rng.uniform(-4000, 14_000, (30, 2))))
    exits = road_exits(x, y, ends, SQUARE, limit_m=700.0)
    assert exits.x.size > 5
    points = rng.uniform(-2000, 12_000, (5000, 2))
    edge = near_edge(*points.T, SQUARE, limit_m=700.0, exits=exits)
    apart = np.hypot(points[:, :1] - exits.x, points[:, 1:] - exits.y).min(axis=1)
    assert (edge.near == (apart <= 700.0)).all()
    assert 0 < edge.near.sum() < 5000


def test_the_outer_area_fills_gaps_and_keeps_enclaves():
    ring = shapely.box(0, 0, 10_000, 10_000) - shapely.box(2000, 2000, 6000, 6000)
    ring = ring - shapely.box(8000, 8000, 8100, 8100)
    county = np.array([shapely.box(0, 0, 4000, 4000)], object)
    polygons = np.concatenate([county, np.array([ring], object)])
    whole = outer_area(polygons, np.array(["county", "township"], object))
    assert whole.area == pytest.approx(1e8 - 1.6e7)


def test_levels_that_cover_the_same_give_the_one_with_fewest_units():
    boxes = shapely.box([0, 100], [0, 0], [100, 200], [100, 100])
    polygons = np.concatenate([boxes, [shapely.box(0, 0, 200, 100.05)]])
    whole = outer_area(polygons, np.array(["township", "township", "county"], object))
    assert whole.bounds == (0.0, 0.0, 200.0, 100.05)


def one_road(*points):
    x, y = np.array(points, float).T
    return x, y, (np.arange(x.size - 1), np.arange(1, x.size))


def test_a_long_segment_leaves_where_it_crosses_the_border():
    exits = road_exits(*one_road((5000, 5000), (13_000, 5000)), SQUARE, limit_m=1000.0)
    assert (exits.x.tolist(), exits.y.tolist()) == ([10_000.0], [5000.0])
    assert (exits.crossings, exits.short) == (1, 0)
    assert exits.road_m_beyond == pytest.approx(1000.0)
    places = np.array([[9900.0, 5000.0], [9100.0, 5000.0], [8900.0, 5000.0]])
    edge = near_edge(*places.T, SQUARE, limit_m=1000.0, exits=exits)
    assert edge.near.tolist() == [True, True, False]


def test_a_segment_through_the_area_leaves_it_twice():
    exits = road_exits(*one_road((-3000, 5000), (13_000, 5000)), SQUARE, limit_m=1000.0)
    assert sorted(exits.x.tolist()) == [0.0, 10_000.0]
    assert (exits.crossings, exits.road_m_beyond) == (2, pytest.approx(2000.0))


@pytest.mark.parametrize(("end", "short"), [(10_600, 1), (10_999, 1), (11_000, 0), (12_000, 0)])
def test_a_road_is_short_that_ends_before_the_whole_limit(end, short):
    exits = road_exits(*road(((5000, 5000), (end, 5000))), SQUARE, limit_m=1000.0)
    assert (exits.crossings, exits.short) == (1, short)
    assert exits.road_m_beyond == pytest.approx(min(end - 10_000, 1000.0))


def test_a_road_is_followed_where_it_leads_and_may_come_back():
    # Along the border, 100 m off it: 1,100 m of road, nowhere 1,000 m away in a straight line.
    bent = one_road((9000, 5000), (10_100, 5000), (10_100, 5900), (10_200, 5900))
    exits = road_exits(*bent, SQUARE, limit_m=1000.0)
    assert (exits.crossings, exits.short) == (1, 0)
    # Out and back again after 400 m: nothing ends there.
    back = one_road((9000, 5000), (10_100, 5000), (10_100, 5200), (9000, 5200))
    exits = road_exits(*back, SQUARE, limit_m=1000.0)
    assert (exits.crossings, exits.short) == (2, 0)
    assert exits.road_m_beyond == pytest.approx(400.0)


def test_a_path_along_the_border_leads_nowhere():
    shore = one_road((9000, 5000), (10_050, 5000), (10_050, 9000))
    exits = road_exits(*shore, SQUARE, limit_m=1000.0, through=np.zeros(2, bool))
    assert exits.crossings == 0


def test_a_facility_beyond_one_side_answers_that_side_alone():
    x, y, ends = road(((5000, 5000), (13_000, 5000)), ((5000, 5000), (-3000, 5000)))
    exits = road_exits(x, y, ends, SQUARE, limit_m=1000.0)
    places = np.array([[9500.0, 5000.0], [500.0, 5000.0], [5000.0, 5000.0]]).T
    edge = near_edge(*places, SQUARE, limit_m=1000.0, exits=exits)
    east = np.array([10_400.0]), np.array([5000.0])
    assert unanswered(edge, *places, SQUARE, beyond=east).tolist() == [False, True, False]
    far_north = np.array([10_400.0]), np.array([6500.0])
    assert unanswered(edge, *places, SQUARE, beyond=far_north).tolist() == [True, True, False]
    both = np.array([10_400.0, -1.0]), np.array([5000.0, 5000.0])
    assert not unanswered(edge, *places, SQUARE, beyond=both).any()
