"""People of units spread over shapes: shares by exact area, sums kept, nobody dropped."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from servicecircle.inputs.people_places import building_places, centre_places, residential_places
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.spread import share_people

WEST, EAST = shapely.box(118.0, 28.0, 118.1, 28.1), shapely.box(118.1, 28.0, 118.2, 28.1)


def layer(*shapes, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=4326)


UNITS = layer(WEST, EAST, unit_id=["t:1", "t:2"], name=["西镇", "东镇"])


def house(lon: float, lat: float, side: float = 1e-4) -> shapely.Polygon:
    return shapely.box(lon, lat, lon + side, lat + side)


def share(places, population, elderly=(np.nan, np.nan), units=UNITS):
    return share_people(
        units, places, population=np.array(population), elderly=np.array(elderly), name="x"
    )


def test_areas_are_those_of_the_ellipsoid():
    west, south, east, north = 118.0, 28.0, 118.1, 28.1
    truth = Geod(ellps="WGS84").polygon_area_perimeter(
        [west, east, east, west], [south, south, north, north]
    )[0]
    # Sides are straight in degrees, geodesics bulge: half a metre in eleven kilometres.
    assert areas_m2(np.array([WEST, None, shapely.Point(0, 0)])) == pytest.approx(
        [truth, 0.0, 0.0], rel=1e-5
    )


def test_buildings_share_by_footprint():
    # In one row of latitude a box twice as wide has twice the area, exactly.
    houses = layer(
        house(118.01, 28.05),
        shapely.box(118.02, 28.05, 118.0203, 28.0501),
        house(118.15, 28.05),
        house(119.0, 28.05),
        shapely.Point(118.05, 28.05),
        None,
    )
    places = building_places(UNITS, houses, ids=list("abcdef"))
    assert places.ids.tolist() == ["a", "b", "c"]
    assert places.unit.tolist() == [0, 0, 1]
    assert places.counts == {"total": 6, "used": 3, "outside": 1, "set_aside": 2}
    shared = share(places, [400.0, 10.0], [40.0, np.nan])
    assert shared.demand["population"].tolist() == pytest.approx([100.0, 300.0, 10.0], rel=1e-9)
    assert shared.demand["elderly"].tolist()[:2] == pytest.approx([10.0, 30.0], rel=1e-9)
    assert np.isnan(shared.demand["elderly"].iloc[2])
    assert [problem.code for problem in shared.problems] == ["population.units_without_elderly"]
    assert shared.balance["people_used"] == pytest.approx(410.0, rel=1e-12)
    assert shared.balance["elderly_used"] == pytest.approx(40.0, rel=1e-12)
    metres = np.sqrt(areas_m2(houses.geometry.to_numpy()[:3]) / np.pi)
    assert shared.demand["position_error_m"].tolist() == pytest.approx(metres.tolist())


def test_a_unit_without_places_keeps_its_people_at_one_point():
    places = building_places(UNITS, layer(house(118.01, 28.05, 0.001)), ids=["a"])
    shared = share(places, [400.0, 70.0])
    assert shared.demand["demand_id"].tolist() == ["a", "t:2"]
    assert shared.demand["population"].tolist() == [400.0, 70.0]
    lon, lat = shared.demand[["lon", "lat"]].to_numpy()[1]
    assert EAST.contains(shapely.Point(lon, lat))
    assert shared.demand["position_error_m"].iloc[1] == pytest.approx(5900, rel=0.02)
    assert [(problem.code, problem.value) for problem in shared.problems] == [
        ("population.unit_without_places", "东镇")
    ]
    assert shared.balance["units_without_places"] == 1


def test_unknown_and_nobody():
    shared = share(centre_places(UNITS), [np.nan, 0.0])
    assert shared.demand.empty
    assert shared.balance["units_without_figure"] == 1
    assert shared.balance["units_zero"] == 1
    assert [problem.code for problem in shared.problems] == ["population.units_without_figure"]
    assert shared.problems[0].value == "西镇"


def test_elderly_alone_are_shared_too():
    shared = share(centre_places(UNITS), [np.nan, np.nan], [5.0, 7.0])
    assert shared.demand["elderly"].tolist() == [5.0, 7.0]
    assert shared.demand["population"].isna().all()
    assert np.isnan(shared.balance["people_in_source"])


def test_residential_land_is_cut_by_units_and_weighted_by_area():
    land = layer(
        shapely.box(118.09, 28.05, 118.11, 28.052),  # half in each unit
        shapely.box(118.09, 28.05, 118.095, 28.052),  # drawn twice: counts once
        shapely.Point(118.0, 28.0),
    )
    places = residential_places(UNITS, land)
    whole = areas_m2(land.geometry.to_numpy()[:1])[0]
    by_unit = np.bincount(places.unit, weights=places.weight)
    # Sides of two kilometres are straight in degrees or in the plane: a hundredth of a metre.
    assert by_unit.sum() == pytest.approx(whole, rel=5e-5)
    assert by_unit[0] == pytest.approx(by_unit[1], rel=1e-4)
    assert places.counts["set_aside"] == 1
    # No part is larger than a cell of 100 m, and every point lies on the land.
    assert places.weight.max() <= 1e4 + 1e-6
    assert len(places.weight) >= whole / 1e4
    points = shapely.points(places.lon, places.lat)
    assert shapely.dwithin(points, land.geometry.iloc[0], 1e-9).all()
    owner = np.where(places.lon < 118.1, 0, 1)
    assert (owner == places.unit).all()
    assert len(set(places.ids.tolist())) == len(places.ids)


def test_a_cell_in_two_pieces_is_one_place():
    # Two houses' plots 20 m apart within one cell of the grid, and a far one.
    plots = layer(
        shapely.box(118.04991, 28.05002, 118.05, 28.0501),
        shapely.box(118.0502, 28.05002, 118.0503, 28.0501),
    )
    places = residential_places(UNITS, plots, cell_m=100_000.0)
    assert len(places.weight) == 1
    assert places.weight[0] == pytest.approx(areas_m2(plots.geometry.to_numpy()).sum(), rel=1e-6)
    assert plots.geometry.iloc[1].contains(shapely.Point(places.lon[0], places.lat[0]))


def test_residential_land_is_the_same_whatever_the_order():
    plots = [house(118.0 + 0.013 * i, 28.01 + 0.007 * i, 0.004) for i in range(12)]
    one = residential_places(UNITS, layer(*plots))
    other = residential_places(UNITS, layer(*plots[::-1]))
    assert one.ids.tolist() == other.ids.tolist()
    assert one.weight == pytest.approx(other.weight, rel=1e-9)


def test_no_land_in_any_unit():
    places = residential_places(UNITS, layer(house(110.0, 20.0)))
    assert len(places.unit) == 0
    assert share(places, [3.0, 0.0]).demand["demand_id"].tolist() == ["t:1"]


def test_centres_lie_inside():
    ring = shapely.difference(WEST, shapely.box(118.02, 28.02, 118.08, 28.08))
    units = layer(ring, unit_id=["r"], name=["环"])
    places = centre_places(units)
    assert ring.contains(shapely.Point(places.lon[0], places.lat[0]))
    assert places.error_m[0] == pytest.approx(np.sqrt(areas_m2(np.array([ring]))[0] / np.pi))


PEOPLE = st.just(0.0) | st.floats(1e-3, 1e7)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(118.0, 118.19), st.floats(28.0, 28.09), st.floats(1e-5, 1e-2)),
        max_size=30,
    ),
    st.tuples(PEOPLE, PEOPLE),
)
def test_sums_by_unit_are_kept(houses, people):
    shapes = layer(*(house(*spot) for spot in houses))
    places = building_places(UNITS, shapes, ids=[str(at) for at in range(len(houses))])
    old = np.array(people) / 3.0
    shared = share(places, people, old)
    assert shared.balance["people_used"] == pytest.approx(sum(people), rel=1e-9, abs=1e-9)
    assert shared.balance["elderly_used"] == pytest.approx(old.sum(), rel=1e-9, abs=1e-9)
    assert (shared.demand["elderly"] <= shared.demand["population"]).all()
    assert (shared.demand["population"] > 0).all()


def test_a_million_people_in_eleven_buildings_are_pointed_out():
    houses = layer(*(house(118.01 + at * 0.001, 28.05, 3e-4) for at in range(11)))
    places = building_places(UNITS, houses, ids=[str(at) for at in range(11)])
    shared = share(places, [1e6, 0.0])
    (problem,) = shared.problems
    assert (problem.code, problem.value) == ("population.crowded_buildings", "西镇")
    assert problem.details["worst_places"] == "11"
    assert problem.text("zh")
    assert shared.balance["people_used"] == pytest.approx(1e6)
    # As many as live there are no matter.
    assert share(places, [5000.0, 0.0]).problems == []


def test_people_on_too_little_land_are_pointed_out():
    places = residential_places(UNITS, layer(house(118.01, 28.05, 1e-3)))
    (problem,) = share(places, [50_000.0, 0.0]).problems
    assert problem.code == "population.crowded_land"
    assert share(places, [500.0, 0.0]).problems == []
