"""Circles of facilities and layers: the people inside by travel time, the counts, the overlaps."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.access import Points
from servicecircle.measure.circles import Drawing, Weights, service_circles
from servicecircle.network.field import circle_field
from servicecircle.network.graph import build_network
from servicecircle.network.profiles import Profile, profile
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel, timed_travel
from servicecircle.network.truth import wrong_points

MINUTES = (5.0, 10.0, 15.0)


def points(network, places, prefix):
    x, y = np.reshape(np.array(places, float), (-1, 2)).T
    ids = np.array([f"{prefix}{k}" for k in range(x.size)], object)
    return Points(ids=ids, x=x, y=y, at=attach(network, x, y))


def drawing(speed=None, minutes=MINUTES):
    return Drawing(
        layer="canteen",
        profile=speed or profile("elderly"),
        minutes=minutes,
        cell_m=10.0,
        draw_m=25.0,
        crs="EPSG:4549",
    )


def draw(network, demand, facilities, population, elderly, how=None):
    done = []
    drawn = service_circles(
        metres_travel(network),
        points(network, demand, "d"),
        Weights(population=np.array(population, float), elderly=np.array(elderly, float)),
        points(network, facilities, "f"),
        drawing=how or drawing(),
        advance=done.append,
    )
    # Progress ends where it should.
    assert sum(done) == len(facilities)
    return drawn


def town(seed, facilities=5, demand=40):
    """Return a lattice with streets missing, demand on and off it, and facilities."""
    generator = np.random.default_rng(seed)
    side, step = 14, 130.0
    nodes = np.arange(side * side).reshape(side, side)
    y, x = np.divmod(nodes.ravel(), side)
    u = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    v = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    kept = generator.random(u.size) < 0.75
    network = build_network(x * step, y * step, u[kept], v[kept])
    extent = side * step
    places = generator.uniform(-700, extent + 700, (demand, 2))
    sites = generator.uniform(0, extent, (facilities, 2))
    people = generator.integers(0, 50, demand).astype(float)
    return network, places, sites, people


@pytest.mark.parametrize("seed", range(6))
def test_people_and_counts_equal_the_oracle(oracles, seed):
    network, demand, facilities, people = town(seed)
    old = np.floor(people / 3)
    drawn = draw(network, demand, facilities, people, old)
    truth = oracles.Streets(network.x, network.y, network.u, network.v)
    metres = truth.matrix(truth.attach(*demand.T, 500.0), truth.attach(*facilities.T, 500.0))
    attached = np.flatnonzero(attach(network, *facilities.T).snapped)
    for k in attached:
        rows = drawn.circles[drawn.circles["facility_id"] == f"f{k}"]
        assert rows["minutes"].tolist() == list(MINUTES)
        for (_, row), limit in zip(rows.iterrows(), (250.0, 500.0, 750.0), strict=True):
            inside = metres[:, k] <= limit
            assert row["population"] == people[inside].sum()
            assert row["elderly"] == old[inside].sum()
    layer = drawn.circles[drawn.circles["facility_id"] == ""]
    for (_, row), limit in zip(layer.iterrows(), (250.0, 500.0, 750.0), strict=True):
        assert row["population"] == people[metres.min(axis=1) <= limit].sum()
    assert drawn.within_count.tolist() == (metres <= 750.0).sum(axis=1).tolist()
    assert len(drawn.circles) == 3 * (len(attached) + 1)
    np.testing.assert_array_equal(drawn.circles["area_m2"], drawn.circles.area)


@settings(deadline=None, derandomize=True, max_examples=8)
@given(st.integers(100, 10_000))
def test_nested_valid_and_inside_the_layer(seed):
    network, demand, facilities, people = town(seed)
    drawn = draw(network, demand, facilities, people, people)
    table = drawn.circles
    assert table.geometry.is_valid.all()
    for _, rows in table.groupby("facility_id"):
        five, ten, fifteen = rows.sort_values("minutes").geometry
        assert five.difference(ten).area <= 1e-6
        assert ten.difference(fifteen).area <= 1e-6
        assert rows["population"].is_monotonic_increasing
    layer = table[table["facility_id"] == ""].set_index("minutes")
    for _, row in table.iterrows():
        assert row["population"] <= layer.loc[row["minutes"], "population"] <= people.sum()


def test_no_point_on_the_wrong_side_of_a_layer_of_several_groups():
    network, demand, facilities, people = town(3)
    # A second town 6 km off, so that two groups are drawn apart.
    count = network.x.size
    both = build_network(
        np.append(network.x, network.x + 6000.0),
        np.append(network.y, network.y),
        np.append(network.u, network.u + count),
        np.append(network.v, network.v + count),
    )
    sites = np.concatenate([facilities, facilities[:2] + np.array([6000.0, 0.0])])
    drawn = draw(both, demand, sites, people, people)
    layer = drawn.circles[drawn.circles["facility_id"] == ""].geometry
    at = attach(both, *sites.T)
    field = circle_field(metres_travel(both), (-900, -900, 8800, 2800))
    for limit, polygon in zip((250.0, 500.0, 750.0), layer, strict=True):
        assert wrong_points(field, polygon, at, limit=limit).tolist() == []
    assert layer.iloc[2].bounds[2] > 6000


def test_overlaps_are_where_so_many_circles_lie():
    network = build_network([0, 3000], [0, 0], [0], [1])
    drawn = draw(network, [[0, 0]], [[800, 0], [1200, 0], [1500, 0]], [1], [1])
    assert drawn.overlaps["facilities"].tolist() == [2, 3]
    assert drawn.overlaps["minutes"].tolist() == [15.0, 15.0]
    two, three = drawn.overlaps.geometry
    # 750 m either way: [50, 1550], [450, 1950], [750, 2250].
    assert two.bounds[::2] == pytest.approx((450, 1950), abs=10)
    assert three.bounds[::2] == pytest.approx((750, 1550), abs=10)
    assert three.within(two.buffer(1e-6))
    # Cells count, half of one more or less at the border.
    circles = drawn.circles[(drawn.circles["minutes"] == 15) & (drawn.circles["facility_id"] != "")]
    exact = shapely.intersection_all(circles.geometry.to_numpy())
    assert three.symmetric_difference(exact).area < 10 * exact.length


def test_a_facility_that_is_not_attached_has_no_row():
    network = build_network([0, 3000], [0, 0], [0], [1])
    drawn = draw(network, [[800, 0]], [[800, 9000], [900, 0]], [5], [np.nan])
    assert drawn.circles["facility_id"].tolist() == ["f1"] * 3 + [""] * 3
    assert drawn.within_count.tolist() == [1]
    assert drawn.circles["population"].tolist() == [5.0] * 6
    # Unknown elderly are not nobody.
    assert drawn.circles["elderly"].isna().all()


@pytest.mark.parametrize("facilities", [[], [[0, 9000]]])
def test_no_facility_no_circles(facilities):
    network = build_network([0, 3000], [0, 0], [0], [1])
    drawn = draw(network, [[800, 0]], facilities, [5], [1])
    assert isinstance(drawn.circles, gpd.GeoDataFrame)
    assert len(drawn.circles) == len(drawn.overlaps) == 0
    assert drawn.within_count.tolist() == [0]


def test_demand_without_a_place_is_in_no_circle():
    network = build_network([0, 3000], [0, 0], [0], [1])
    drawn = draw(network, [[np.nan, 0], [900, 0], [900, 700]], [[900, 0]], [1, 2, 4], [1, 2, 4])
    assert drawn.within_count.tolist() == [0, 1, 0]
    assert set(drawn.circles["population"]) == {2.0}


def test_exactly_at_the_limit_is_inside():
    network = build_network([0, 3000], [0, 0], [0], [1])
    for speed, limit in ((profile("elderly"), 750.0), (Profile("walk", 4.8), 1200.0)):
        drawn = draw(
            network, [[1500 + limit, 0], [1500 - limit - 0.01, 0]], [[1500, 0]], [1, 2], [1, 2],
            drawing(speed),
        )  # fmt: skip
        assert drawn.circles["population"].tolist() == [0, 0, 1, 0, 0, 1]
        assert drawn.within_count.tolist() == [1, 0]


def test_points_that_are_not_attached_to_anything_are_refused():
    network = build_network([0, 3000], [0, 0], [0], [1])
    loose = Points(ids=np.array(["a"], object), x=np.zeros(1), y=np.zeros(1), at=None)
    with pytest.raises(ValueError, match="attached to a network"):
        service_circles(
            metres_travel(network), loose,
            Weights(population=np.ones(1), elderly=np.ones(1)), loose,
            drawing=drawing(), advance=lambda done: None,
        )  # fmt: skip


def test_the_order_of_facilities_decides_nothing():
    network, demand, facilities, people = town(8)
    one = draw(network, demand, facilities, people, people)
    other = draw(network, demand, facilities[::-1], people, people)
    assert one.within_count.tolist() == other.within_count.tolist()
    layer = [
        part.circles[part.circles["facility_id"] == ""].geometry.to_numpy() for part in (one, other)
    ]
    assert shapely.equals_exact(*map(shapely.normalize, layer), tolerance=1e-6).all()


def test_whoever_gets_far_is_drawn_on_coarser_cells():
    """A fast road of 40 km with streets beside it; circles of 15 minutes at 120 km/h."""
    generator = np.random.default_rng(5)
    side, step = 30, 1300.0
    nodes = np.arange(side * side).reshape(side, side)
    y, x = np.divmod(nodes.ravel(), side)
    u = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    v = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    kept = generator.random(u.size) < 0.8
    network = build_network(
        x * step + generator.normal(0, 90, x.size), y * step + generator.normal(0, 90, y.size),
        u[kept], v[kept],
    )  # fmt: skip
    speed = np.where(generator.random(network.u.size) < 0.3, 120.0, 40.0) / 3.6
    travel = timed_travel(network, network.length_m / speed, network.length_m / speed, leg_kmh=4)
    middle = np.argmin(np.hypot(network.x - 19_000, network.y - 19_000))
    at = points(network, [[network.x[middle] + 40.0, network.y[middle]]], "f")
    drawn = service_circles(
        travel,
        points(network, generator.uniform(0, side * step, (50, 2)), "d"),
        Weights(population=np.ones(50), elderly=np.ones(50)),
        at,
        drawing=drawing(profile("drive")),
        advance=lambda done: None,
    )
    # 30 km in 15 minutes, in 500 cells.
    assert (drawn.cell_m, drawn.draw_m) == pytest.approx((60.0, 150.0), abs=0.1)
    assert set(drawn.circles["cell_m"]) == {drawn.cell_m}
    assert set(drawn.circles["draw_m"]) == {drawn.draw_m}
    mine = drawn.circles[drawn.circles["facility_id"] == "f0"]
    field = circle_field(
        travel, (-2e3, -2e3, 4.2e4, 4.2e4), cell_m=drawn.cell_m, draw_m=drawn.draw_m
    )
    for _, row in mine.iterrows():
        assert row.geometry.is_valid
        limit = 60.0 * row["minutes"]
        assert wrong_points(field, row.geometry, at.at, limit=limit).tolist() == []
    # Walking is not affected.
    how = drawing(minutes=(15.0,))
    assert how.resolution(1000.0) == how.resolution(5000.0) == (10.0, 25.0)
    assert how.resolution(10_000.0) == (20.0, 50.0)
