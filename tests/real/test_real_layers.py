"""Every file of the real inputs has a test that states its counts; those without one are here."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.crs import transformer
from servicecircle.inputs.boundaries import link_parents, read_boundaries
from servicecircle.inputs.carried_tables import carry_table
from servicecircle.inputs.code_lists import check_codes, read_codes
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.osm import buildings
from servicecircle.inputs.population import read_population
from servicecircle.inputs.roads import read_roads
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.topology import measure_overlaps, measure_topology
from servicecircle.network.graph import build_network
from servicecircle.network.snap import attach
from servicecircle.project import (
    BoundarySettings,
    CodeSettings,
    FacilitySettings,
    PopulationSettings,
    RoadSettings,
)

HERE = Path(__file__).parent
OTHERS = "test_real_boundaries", "test_real_facilities", "test_real_roads", "test_real_population"
BOUNDARIES, FACILITIES, ROADS, POPULATION = OTHERS
TAIPEI_LISTS = (
    "114年度臺北市失智社區服務據點布建清單_coord.csv",
    "114年度臺北市社區照顧關懷據點㇐覽表_coord.csv",
    "據點清單名冊_coord.csv",
    "臺北市公辦民營老人福利機構一覽表_coord.csv",
    "臺北市政府衛生局長照2.0巷弄長照站喘息(C+)(GA07)及巷弄長照站短照(SC07)服務 "
    "單位一覽表_25_coord.csv",
    "臺北市日間照顧機構一覽表_coord.csv",
    "臺北市社區整合型服務中心(A單位)一覽表_coord.csv",
    "臺北市立案一般護理之家一覽表_coord.csv",
    "臺北市立案住宿式長照機構一覽表_coord.csv",
    "臺北市老人福利機構名冊1140201_coord.csv",
)
TAOYUAN = (
    "25ee89c22b4a6f03939eb4f7e9fe2b221cf1370c",
    "3d87c5dd772c7d33ae53e641779cf0915921523e",
    "5960d1986a842f395b2806ad98346a4de6ceb0ed",
    "6e16209c3c94edd429a83979e4e86c5f1c3d8eb8",
    "a7e5397872b66ca53c6dc9ab697ac16775f565fe",
    "a98289c22f151248def1f78b8097c968cbd53b2c",
    "b0748d70a7e5ab7b869f73926abeb86649f0e5d7",
)
PBF = "isle_of_man/isle_of_man_2020-03-14.osm.pbf"
VILLAGES = "taipei/113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"
AGES = "taipei/pop_5yr_by_village_113Y12M.csv"
CENSUS = "census/census2020_county_cn_key.csv"
SURVEY = "counties/quzhou_counties_survey_wgs84.geojson"
GRID = "helsinki/helsinki_population_grid_2020.gpkg"
SUPPLY = "jiangshan/power_supply_areas.geojson"
GOUXI = "kecheng/gouxi_village_points.geojson"
NINGBO = "ningbo/village_points.geojson"
GRAPHML = "shenzhen_futian/transbigdata_shenzhen_G.graphml"
TOWN_CODES = "codes/town_codes_2023.csv"

TESTS = {
    "broken/wuhan_boundary_bad_json.geojson": (
        BOUNDARIES, "test_the_broken_boundary_is_refused_with_file_and_line"),
    CENSUS: ("test_real_layers", "test_46_rows_of_the_census_have_no_code"),
    "census/census2020_county_zj_gs_5yr.csv": (
        POPULATION, "test_real_columns_of_five_year_groups"),
    "changshan/townships.geojson": (BOUNDARIES, "test_townships"),
    TOWN_CODES: ("test_real_layers", "test_jiangshan_towns_are_those_of_2023"),
    "codes/town_village_points_2016.csv": (
        "test_real_changes", "test_jiangshan_points_of_2016_are_evidence_by_place"),
    "codes/village_codes_2023.csv": (
        "test_real_changes", "test_jiangshan_villages_against_the_codes_of_2023"),
    "counties/counties_amap_gcj02.geojson": (
        BOUNDARIES, "test_the_gcj02_counties_meet_the_wgs84_ones"),
    "counties/counties_amap_wgs84.geojson": (
        BOUNDARIES, "test_quzhou_counties_and_townships_nest"),
    SURVEY: ("test_real_layers", "test_quzhous_counties_of_another_survey_overlap"),
    "datum/datum_reference_points.csv": ("test_real_datum", "test_forward"),
    "facilities_messy/aizhaohu_ltc_orgs_gcj02.csv": (
        FACILITIES, "test_69_sites_in_gcj02_one_without_coordinates"),
    "facilities_messy/canteens_no_coords_jiaxing_wuxi_nantong_zhenjiang.csv": (
        FACILITIES, "test_21_canteens_without_coordinates"),
    "facilities_messy/shanghai_gumei_bd09.csv": (FACILITIES, "test_52_places_in_bd09"),
    "facilities_messy/shanghai_gumei_subareas_bd09.geojson": (
        BOUNDARIES, "test_bd09_polygons_of_which_two_cross_themselves"),
    "helsinki/Helsinki.osm.pbf": (
        "test_real_layers", "test_most_of_helsinkis_people_lie_off_its_roads"),
    GRID: (POPULATION, "test_helsinki_grid"),
    PBF: (ROADS, "test_all_ways_are_read"),
    SUPPLY: ("test_real_layers", "test_5_supply_areas_of_jiangshan_overlap_a_little"),
    "jiangshan/townships.geojson": (BOUNDARIES, "test_townships"),
    "jiangshan/villages.geojson": (BOUNDARIES, "test_jiangshan_villages_nest_in_their_townships"),
    GOUXI: ("test_real_layers", "test_15_villages_of_gouxi_lie_in_one_township"),
    "kecheng/townships.geojson": (BOUNDARIES, "test_townships"),
    "ningbo/townships.geojson": (BOUNDARIES, "test_townships"),
    NINGBO: ("test_real_layers", "test_25_of_ningbos_villages_lie_outside_their_township"),
    "osm_extracts/16yunH_mapofgx.osm": (ROADS, "test_small_extracts"),
    "osm_extracts/klein4c_shenzhen_longgang.osm": (ROADS, "test_small_extracts"),
    "osm_extracts/wenke_shenzhen.osm": (ROADS, "test_small_extracts"),
    "pinghu/townships.geojson": (BOUNDARIES, "test_townships"),
    "pinghu/village_points.geojson": (
        FACILITIES, "test_pinghu_villages_are_in_bd09_which_their_townships_cannot_prove"),
    "porto/porto_portugal.osm.pbf": (ROADS, "test_all_ways_are_read"),
    GRAPHML: (ROADS, "test_shenzhen_graph"),
    VILLAGES: (BOUNDARIES, "test_taipei_villages_with_people"),
    AGES: ("test_real_layers", "test_taipeis_five_year_ages_are_its_people"),
    "wuhan/original.parquet": (ROADS, "test_wuhan_line_layer"),
    "wuhan/simplified.parquet": ("test_real_layers", "test_two_of_wuhans_simplified_lines"),
    "wuhan/wuhan_boundary.geojson": (BOUNDARIES, "test_the_mended_boundary_of_wuhan"),
    "wuhan/wuhan_core_pop20plus.tif": (POPULATION, "test_wuhan_rasters"),
    "wuhan/wuhan_core_pop60plus.tif": (POPULATION, "test_wuhan_rasters"),
    "wuhan/wuhan_core_pop80plus.tif": (POPULATION, "test_wuhan_rasters"),
    **{f"taipei/{name}": ("test_real_tables", "test_every_row_of_a_real_table_is_read")
       for name in TAIPEI_LISTS},
    **{f"taoyuan/{name}.json": ("test_real_fetch", "test_a_county_is_fetched_and_read")
       for name in TAOYUAN},
}  # fmt: skip
"""File → module and test that reads it."""


def units_of(shared, path, level):
    return read_boundaries(BoundarySettings(path=Path(path)), level=level, base=shared)


def points_of(shared, path):
    data = read_facilities(
        FacilitySettings(path=Path(path), datum="wgs84"), layer="village", base=shared
    )
    assert data.rows_in == len(data.frame) + data.rows_set_aside
    return data


def test_every_file_has_a_test(shared):
    files = {one.relative_to(shared).as_posix() for one in shared.rglob("*") if one.is_file()}
    assert {one for one in files if Path(one).name != "README.md"} == set(TESTS)
    for module, name in TESTS.values():
        text = (HERE / f"{module}.py").read_text(encoding="utf-8")
        assert f"def {name}(" in text, (module, name)


def test_5_supply_areas_of_jiangshan_overlap_a_little(shared):
    units, problems = units_of(shared, SUPPLY, "township")
    assert (len(units), problems) == (5, [])
    assert units["name"].tolist() == [
        "贺村供电所", "长台供电所", "峡口供电所", "城区供电所", "须江供电所",
    ]  # fmt: skip
    sums, problems = measure_topology(units.assign(parent_id=""))
    assert sums["township"]["overlaps"] == 7
    assert sums["township"]["overlap_m2"] == pytest.approx(1_486, abs=1)
    (total,) = [one for one in problems if one.code == "unit.overlap_total"]
    assert (total.value, total.details["hectares"]) == ("7", "0.15")
    # No pair is large enough to be listed by itself.
    assert "unit.overlap" not in {one.code for one in problems}


def test_15_villages_of_gouxi_lie_in_one_township(shared):
    data = points_of(shared, GOUXI)
    assert (data.rows_in, len(data.frame), data.problems) == (15, 15, ())
    assert data.frame["name"].is_unique
    towns, _ = units_of(shared, "kecheng/townships.geojson", "township")
    (gouxi,) = towns.loc[towns["name"].str.startswith("沟溪"), "geometry"]
    assert int(data.frame.geometry.within(gouxi.buffer(0.005)).sum()) == 15


def test_two_of_wuhans_simplified_lines(shared):
    roads, problems = read_roads(
        RoadSettings(path=Path("simplified.parquet")), base=shared / "wuhan"
    )
    counts = roads.counts
    assert (counts["lines_in"], counts["lines_used"]) == (16_402, 16_400)
    assert [(one.code, one.row) for one in problems if one.action == "set_aside"] == [
        ("road.no_length", 13_678),
        ("road.no_length", 14_532),
    ]
    # Oracle: the same two are the only ones shorter than 3 mm in the file's own metres.
    source = gpd.read_parquet(shared / "wuhan" / "simplified.parquet")
    assert (np.flatnonzero(source.length.to_numpy() < 0.003) + 1).tolist() == [13_678, 14_532]


def test_jiangshan_towns_are_those_of_2023(shared):
    towns, _ = units_of(shared, "jiangshan/townships.geojson", "township")
    settings = CodeSettings(path=Path(TOWN_CODES), date=dt.date(2023, 12, 31))
    listed, problems = read_codes(settings, level="township", base=shared)
    assert (len(listed), problems) == (209, [])
    matches, counts, problems = check_codes(
        link_parents(towns)[0], listed, settings, level="township"
    )
    assert (counts["units"], counts["listed"], counts["entries"]) == (19, 19, 19)
    assert (counts["proposed"], counts["unresolved"], problems, len(matches)) == (0, 0, [], 0)
    assert towns.to_crs(32650).area.sum() / 1e6 == pytest.approx(2_018.6, abs=0.05)


def test_quzhous_counties_of_another_survey_overlap(shared):
    units, problems = units_of(shared, SURVEY, "county")
    assert (len(units), problems) == (6, [])
    _, area, problems = measure_overlaps(units)
    assert np.sort(area)[::-1] / 1e4 == pytest.approx(
        [39.0, 24.3, 13.9, 12.3, 6.5, 3.1, 0.7, 0.1], abs=0.05
    )
    assert sum(one.code == "unit.overlap" for one in problems) == 6


def test_most_of_helsinkis_people_lie_off_its_roads(shared):
    roads, _ = read_roads(RoadSettings(path=Path("Helsinki.osm.pbf")), base=shared / "helsinki")
    nowhere = gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326)
    people = read_population(
        PopulationSettings(basis="resident", date=dt.date(2020, 11, 1), points=Path(GRID)),
        base=shared, units=nowhere,
    )  # fmt: skip
    cells = gpd.read_file(shared / GRID).to_crs(4326)
    box = shapely.box(roads.lon.min(), roads.lat.min(), roads.lon.max(), roads.lat.max())
    assert (len(cells), int(cells.intersects(box).sum())) == (92, 22)
    move = transformer("EPSG:4326", "EPSG:32635")
    walked = roads.walk & ~roads.ferry
    x, y = move.transform(roads.lon, roads.lat)
    network = build_network(x, y, roads.u[walked], roads.v[walked])
    places = move.transform(people.demand["lon"].to_numpy(), people.demand["lat"].to_numpy())
    at = attach(network, *places, max_snap_m=500.0)
    # What lies near the edge of the extract still reaches a road within 500 m.
    assert (int((at.edge >= 0).sum()), int((at.edge < 0).sum())) == (43, 49)
    # Oracle: the distance to every walked segment that may be attached to.
    ok = network.eligible
    ways = shapely.linestrings(
        np.stack([np.column_stack([network.x[e[ok]], network.y[e[ok]]])
                  for e in (network.u, network.v)], axis=1)
    )  # fmt: skip
    apart = shapely.distance(shapely.points(*places)[:, None], ways[None, :]).min(axis=1)
    assert ((at.edge < 0) == (apart > 500.0)).all()


def test_25_of_ningbos_villages_lie_outside_their_township(shared):
    data = points_of(shared, NINGBO)
    assert (data.rows_in, len(data.frame)) == (2_208, 2_208)
    towns, _ = units_of(shared, "ningbo/townships.geojson", "township")
    source = gpd.read_file(shared / "ningbo" / "townships.geojson")
    assert towns["name"].tolist() == source["name"].tolist()
    known = dict(zip(source["county"] + source["name"], towns.geometry, strict=True))
    own = [known.get(key) for key in data.frame["declared_parent"] + data.frame["declared_unit"]]
    stated = np.array([one is not None for one in own])
    inside = shapely.covers(np.array(own, object), data.frame.geometry.to_numpy())
    # One states a township that the layer has not; 24 lie outside the one they state.
    assert int((~stated).sum()) == 1
    assert int((~inside).sum()) == 25


def test_shenzhens_726_footways(shared):
    roads, problems = read_roads(RoadSettings(path=Path(GRAPHML)), base=shared)
    assert problems == []
    footways = [at for at, name in enumerate(roads.class_names) if name == "footway"]
    segments = np.isin(roads.way_class, footways)
    import osmnx

    graph = osmnx.load_graphml(shared / GRAPHML)
    drawn = [data for *_, data in graph.edges(data=True) if data["highway"] == "footway"]
    assert len(drawn) == 726
    assert roads.walk[segments].all()


def test_12140_closed_buildings_of_the_isle_of_man(shared):
    frame, problems = buildings(shared / PBF, name="iom")
    assert problems == []
    assert len(frame) == 12_137 + 30


def test_taipeis_five_year_ages_are_its_people(shared, tmp_path):
    villages = gpd.read_file(shared / VILLAGES)
    middle = villages.geometry.representative_point()
    place = pd.DataFrame({"V_ID": villages["V_ID"], "lon": middle.x, "lat": middle.y})
    table = pd.read_csv(shared / AGES, dtype=str, encoding="utf-8-sig")
    table.merge(place, on="V_ID", validate="one_to_one").to_csv(tmp_path / "p.csv", index=False)
    people = read_population(
        PopulationSettings(
            basis="registered", date=dt.date(2024, 12, 31), points=Path("p.csv"),
            datum="wgs84", elderly="ages", age_from=65,
        ),
        base=tmp_path, units=gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326),
    )  # fmt: skip
    total = old = 0
    with (shared / AGES).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for title, cell in row.items():
                if title.endswith("_CNT") and not title.endswith(("_M_CNT", "_F_CNT")):
                    total += int(float(cell))
                    first = int(title[1:].split("A")[0].split("U")[0])
                    old += int(float(cell)) if first >= 65 else 0
    assert (total, old) == (2_490_869, 574_458)
    assert len(people.demand) == 456
    assert people.balance["people_used"] == total
    assert people.balance["elderly_used"] == old


def test_46_rows_of_the_census_have_no_code(shared):
    table = read_table(shared / CENSUS, name=CENSUS, titles=["区划代码"])
    codes = table.frame["区划代码"].fillna("").astype(str)
    assert (len(codes), int((codes == "").sum())) == (3_358, 46)
    carried = carry_table(
        shared / CENSUS, [HERE.parents[1] / "docs" / "hangzhou-2021.csv"], level="county",
        since=dt.date(2020, 11, 1), as_of=dt.date(2020, 11, 1), columns=["人口数_合计"],
    )  # fmt: skip
    (left,) = [one for one in carried.problems if one.code == "change.not_carried"]
    # Those without one are no counties, nor are 369 totals of provinces and cities.
    assert (len(carried.table), left.value) == (2_943, str(369 + 46))
