"""The test of datums, on layers whose truth is made by hand."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from math import comb
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.datum_detect import detect_datum, detect_outlines, judge
from servicecircle.inputs.datum_evidence import HYPOTHESES, Evidence, sign_test
from servicecircle.inputs.datum_layers import Known, Reference, outline_points
from servicecircle.inputs.datum_reference import find_reference, layer_reference
from servicecircle.inputs.roads import read_roads
from servicecircle.inputs.unit_names import named_in, stated_pairs
from servicecircle.project import RoadSettings

LON, LAT = 118.6, 28.7
SHIFTS = {"wgs84": lambda lon, lat: (lon, lat), "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}


def shifted(geometries, datum):
    return shapely.transform(
        geometries, lambda at: np.column_stack(SHIFTS[datum](at[:, 0], at[:, 1]))
    )


@functools.cache
def street_grid(step=0.01, count=21):
    """Return a lattice of streets, one about every kilometre."""
    side = step * (count - 1)
    streets = [
        line
        for at in step * np.arange(count)
        for line in (
            shapely.LineString([(LON + at, LAT), (LON + at, LAT + side)]),
            shapely.LineString([(LON, LAT + at), (LON + side, LAT + at)]),
        )
    ]
    frame = gpd.GeoDataFrame(
        {"highway": "residential"}, geometry=streets, crs=4326, index=range(42)
    )
    with tempfile.TemporaryDirectory() as folder:
        frame.to_file(Path(folder) / "roads.gpkg")
        return read_roads(RoadSettings(path=Path("roads.gpkg")), base=Path(folder))[0]


def beside_streets(count, seed=0):
    """Return places 5 to 60 m from the streets of the grid, along all of them."""
    generator = np.random.default_rng(seed)
    street = generator.integers(0, 21, count) * 0.01
    along = generator.uniform(0.0, 0.2, count)
    aside = generator.uniform(5.0, 60.0, count) / 111_320.0 * generator.choice([-1, 1], count)
    upward = generator.random(count) < 0.5
    lon = LON + np.where(upward, street + aside, along)
    lat = LAT + np.where(upward, along, street + aside)
    return lon, lat


def towns(seed=1):
    """Return nine towns with crooked borders, as a county would have them."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(0.0, 0.3, (9, 2)) + np.array([LON, LAT])
    frame = shapely.box(LON, LAT, LON + 0.3, LAT + 0.3)
    cells = shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=frame)
    shapes = shapely.intersection(shapely.get_parts(cells), frame)
    names = [f"第{number}镇" for number in "一二三四五六七八九"]
    return gpd.GeoDataFrame(
        {"name": names, "code": "", "level": "township"}, geometry=shapes, crs=4326
    )


@pytest.mark.parametrize("datum", HYPOTHESES)
def test_roads_name_the_datum_of_facilities_beside_them(datum):
    lon, lat = beside_streets(60)
    found = detect_datum(*SHIFTS[datum](lon, lat), known=Known(roads=street_grid()))
    assert found.datum == datum
    assert found.confidence > 0.99
    (evidence,) = found.all_evidence
    assert evidence.kind == "roads"
    # The truth by hand: 5 to 60 m, a little less on slanting places between two streets.
    assert 20 < evidence.scores[datum] < 45
    assert "roads.gpkg" in found.evidence


def test_places_anywhere_are_not_placed_by_roads():
    generator = np.random.default_rng(3)
    lon, lat = LON + generator.uniform(0, 0.2, 60), LAT + generator.uniform(0, 0.2, 60)
    found = detect_datum(lon, lat, known=Known(roads=street_grid()))
    assert found.datum is None


def test_a_layer_converted_twice_is_none_of_the_datums():
    lon, lat = beside_streets(200)
    wrong = 2 * np.array([lon, lat]) - np.array(wgs84_to_gcj02(lon, lat))
    assert detect_datum(*wrong, known=Known(roads=street_grid())).datum is None
    units = towns()
    border = shapely.transform(
        units.geometry.to_numpy(), lambda at: 2 * at - np.column_stack(wgs84_to_gcj02(*at.T))
    )
    nameless = pd.DataFrame(index=units.index)
    assert detect_outlines(border, attributes=nameless, known=Known(units=units)).datum is None


def test_a_cluster_of_facilities_is_one_witness():
    """Forty rows of one building tell as much as one."""
    lon, lat = beside_streets(1)
    lon, lat = np.repeat(lon, 40), np.repeat(lat, 40)
    found = detect_datum(lon, lat, known=Known(roads=street_grid()))
    assert (found.datum, found.tested) == (None, 1)


@pytest.mark.parametrize("datum", HYPOTHESES)
def test_outlines_name_the_datum_of_polygons(datum):
    units = towns()
    county = units.dissolve()
    county["name"], county["code"], county["level"] = "示例县", "", "county"
    nameless = pd.DataFrame(index=units.index)
    given_shapes = shifted(units.geometry.to_numpy(), datum)
    found = detect_outlines(given_shapes, attributes=nameless, known=Known(units=county))
    assert found.datum == datum
    assert found.all_evidence[0].scores[datum] < 1.0
    # And the other way round: the county against its towns.
    given_shapes = shifted(county.geometry.to_numpy(), datum)
    found = detect_outlines(given_shapes, attributes=nameless[:1], known=Known(units=units))
    assert found.datum == datum


@pytest.mark.parametrize("datum", HYPOTHESES)
def test_points_of_known_datum_name_that_of_the_polygons(datum):
    units = towns()
    generator = np.random.default_rng(5)
    lon, lat = LON + generator.uniform(0, 0.3, 3000), LAT + generator.uniform(0, 0.3, 3000)
    at, unit = shapely.STRtree(units.geometry.to_numpy()).query(
        shapely.points(lon, lat), predicate="within"
    )
    stated = units["name"].to_numpy(object)[unit]
    reference = Reference(
        label="care_home",
        geometry=shapely.points(lon[at], lat[at]),
        names=np.full(len(at), "", dtype=object),
        stated=(stated,),
    )
    found = detect_outlines(
        shifted(units.geometry.to_numpy(), datum),
        attributes=pd.DataFrame({"no": 1, "label": units["name"]}),
        known=Known(reference=reference),
    )
    assert found.datum == datum
    assert found.all_evidence[0].kind == "units"


@pytest.mark.parametrize("datum", HYPOTHESES)
def test_namesakes_name_the_datum(datum):
    lon, lat = beside_streets(12)
    names = [f"第 {number} 养老院" for number in range(12)]
    frame = gpd.GeoDataFrame({"名称": names}, geometry=shapely.points(lon, lat), crs=4326)
    known = Known(reference=layer_reference(frame, label="old.gpkg"))
    found = detect_datum(*SHIFTS[datum](lon, lat), names=names, known=known)
    assert found.datum == datum
    # Six are too few: 0.5 ** 6 is more than 1 %.
    x, y = SHIFTS[datum](lon[:6], lat[:6])
    assert detect_datum(x, y, names=names[:6], known=known).datum is None


def test_pieces_of_evidence_that_disagree_name_none():
    lon, lat = beside_streets(60)
    moved = gpd.GeoDataFrame(
        {"名称": [str(at) for at in range(60)]},
        geometry=shapely.points(*wgs84_to_gcj02(lon, lat)),
        crs=4326,
    )
    known = Known(roads=street_grid(), reference=layer_reference(moved, label="wrong.gpkg"))
    names = [str(at) for at in range(60)]
    # By the roads they are GCJ-02, by the namesakes, which are shifted themselves, WGS84.
    found = detect_datum(*wgs84_to_gcj02(lon, lat), names=names, known=known)
    assert [one.winner for one in found.all_evidence] == ["gcj02", "wgs84"]
    assert found.datum is None
    assert "roads.gpkg" in found.evidence
    assert "wrong.gpkg" in found.evidence


def test_the_chance_is_multiplied_by_the_pieces_of_evidence():
    def piece(chance, items=9):
        scores = dict.fromkeys(HYPOTHESES, 0.0)
        return Evidence(
            kind="units",
            against="",
            items=items,
            scores=scores,
            winner="bd09",
            chance=chance,
            fits=True,
        )

    assert judge([piece(0.006)]).datum == "bd09"
    assert judge([piece(0.006), piece(0.5)]).datum is None
    # What compares nothing is no piece.
    assert judge([piece(0.006), piece(1.0, items=0)]).datum == "bd09"
    assert judge([piece(0.006)]).confidence == pytest.approx(0.994)


@given(st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None, derandomize=True)
def test_the_sign_test_is_the_sum_of_the_binomial(ahead, behind):
    count = ahead + behind
    truth = sum(comb(count, k) for k in range(behind + 1)) / 2**count if count else 1.0
    assert sign_test(np.ones(ahead, bool), np.ones(behind, bool)) == pytest.approx(truth)


def test_outside_the_mainland_gcj02_is_no_rival_on_roads_either():
    lon, lat = beside_streets(60)
    roads = street_grid()
    roads = dataclasses.replace(roads, lon=roads.lon + 2.8, lat=roads.lat - 3.7)  # Taiwan
    found = detect_datum(lon + 2.8, lat - 3.7, known=Known(roads=roads))
    assert found.datum == "wgs84"
    assert found.all_evidence[0].scores["gcj02"] == found.all_evidence[0].scores["wgs84"]


def test_units_are_found_in_addresses():
    texts = ["示例县石门镇1号", "石门镇双塔街道2号", "", "门镇"]
    found = named_in(texts, names=["石门镇", "双塔街道", "示", ""])
    assert found.tolist() == ["石门镇", "双塔街道", "", ""]
    pairs = stated_pairs(found, names=["石门镇", "双塔街道"], codes=["", ""])
    assert pairs.tolist() == [[0, 0], [1, 1]]


def test_a_shared_border_is_sampled_once():
    left, right = shapely.box(LON, LAT, LON + 0.1, LAT + 0.1), None
    right = shapely.box(LON + 0.1, LAT, LON + 0.2, LAT + 0.1)
    both = outline_points(np.array([left, right]))[0].size
    whole = outline_points(np.array([left]))[0].size + outline_points(np.array([right]))[0].size
    assert both < whole


def test_nothing_and_points_without_number():
    units = towns()
    nowhere = np.full(9, np.nan)
    found = detect_datum(
        nowhere, nowhere, polygons=units, stated=["第一镇"] * 9, known=Known(roads=street_grid())
    )
    assert (found.datum, found.tested, found.chance) == (None, 0, 1.0)
    assert judge([]).datum is None


def test_a_reference_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        find_reference("nix", base=tmp_path, layers={"county": lambda: None}, file="a.shp")
    problem = caught.value.problems[0]
    assert (problem.code, problem.details["known"]) == ("crs.reference_unknown", "county")
    assert find_reference(None, base=tmp_path, layers={}, file="a.shp") is None


def test_a_reference_file_is_read(tmp_path):
    towns().to_file(tmp_path / "towns.gpkg")
    found = find_reference("towns.gpkg", base=tmp_path, layers={}, file="a.shp")
    assert len(found.geometry) == 9
    assert found.names[0] == "第一镇"
    towns().to_crs(2437).to_file(tmp_path / "old.gpkg")
    with pytest.raises(CrsError):
        find_reference("old.gpkg", base=tmp_path, layers={}, file="a.shp")
