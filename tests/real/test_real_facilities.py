"""The real facility lists: each loads, or is refused, with its counts stated.

Counts were taken from the files with other tools (wc, awk, a spreadsheet) and from their README.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.datums import wgs84_to_bd09
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.addresses import address_book
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.gazetteer import unit_list
from servicecircle.inputs.tables import read_table
from servicecircle.measure.presence import place_facilities
from servicecircle.project import FacilitySettings
from servicecircle.standards.registry import load_registry

HOMES = "臺北市老人福利機構名冊1140201_coord.csv"
POINTS_505 = "114年度臺北市社區照顧關懷據點㇐覽表_coord.csv"
POINTS_457 = "據點清單名冊_coord.csv"
DAY_CENTRES = "臺北市日間照顧機構一覽表_coord.csv"
PUBLIC_HOMES = "臺北市公辦民營老人福利機構一覽表_coord.csv"
VILLAGES = "113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"


LANE_STATIONS = (
    "臺北市政府衛生局長照2.0巷弄長照站喘息(C+)(GA07)及巷弄長照站短照(SC07)服務 "
    "單位一覽表_25_coord.csv"
)
CANTEENS = "canteens_no_coords_jiaxing_wuxi_nantong_zhenjiang.csv"


def read(folder, name, *, units=None, addresses=None, selectors=(), **options):
    settings = FacilitySettings(path=Path(name), **options)
    data = read_facilities(
        settings,
        layer="test",
        base=folder,
        units=units,
        addresses=addresses,
        selectors=selectors,
    )
    assert data.rows_in == len(data.frame) + data.rows_set_aside + data.rows_filtered
    return data


def count(data, code):
    return sum(problem.code == code for problem in data.problems)


def taipei_units(shared):
    villages = gpd.read_file(shared / "taipei" / VILLAGES)
    villages = villages.rename(columns={"VILLAGE": "name", "V_ID": "code"})
    return villages[["name", "code", "TOWN", "geometry"]]


def taipei_districts(shared):
    districts = taipei_units(shared).dissolve("TOWN").reset_index()
    return districts.assign(name=districts["TOWN"], code="")


def test_94_care_homes_with_their_beds_and_not_twice_as_many(shared):
    data = read(shared / "taipei", HOMES, datum="wgs84")
    assert (data.rows_in, len(data.frame)) == (94, 94)
    assert data.frame["capacity"].sum() == 5192
    assert data.frame["dementia_beds"].sum() == 62
    assert data.frame["declared_unit"].nunique() == 12
    assert data.frame["facility_id"].is_unique
    # 編號 only counts the rows; six homes stand where another one does.
    assert count(data, "facility.running_number") == 1
    assert count(data, "facility.same_place") == 6
    assert set(json.loads(data.frame["extra"][0])) >= {"核定床數-長照床數", "核定床數-養護床數"}


def test_the_four_parts_of_the_beds_sum_to_the_total_and_all_five_are_noticed(shared):
    parts = [f"核定床數-{part}床數" for part in ("長照", "養護", "失智", "安養")]
    data = read(shared / "taipei", HOMES, datum="wgs84", capacity_sum=parts)
    assert data.frame["capacity"].sum() == 5192
    assert count(data, "facility.sum_doubles") == 0
    doubled = read(
        shared / "taipei", HOMES, datum="wgs84", capacity_sum=["核定床數-核定總床位數", *parts]
    )
    assert doubled.frame["capacity"].sum() == 10384
    noticed = [item for item in doubled.problems if item.code == "facility.sum_doubles"]
    assert [item.column for item in noticed] == ["核定床數-核定總床位數"]


def test_14_day_care_centres(shared):
    data = read(shared / "taipei", DAY_CENTRES, datum="wgs84")
    assert (len(data.frame), data.rows_set_aside) == (14, 0)
    assert data.frame["capacity"].sum() == 445
    assert data.frame["declared_unit"][0] == "松山"


def test_a_tab_separated_csv_with_commas_in_its_texts(shared):
    data = read(shared / "taipei", PUBLIC_HOMES, datum="wgs84")
    assert len(data.frame) == 3
    # Beds come as a sentence, which is no number.
    assert count(data, "facility.bad_number") == 3
    assert data.frame["capacity"].isna().all()


def test_a_line_break_in_a_title_does_not_shift_the_rows(shared):
    path = shared / "taipei" / POINTS_457
    table = read_table(path, name=POINTS_457)
    assert "服務起始日(核定日期)" in table.frame.columns
    # The title of two lines is one row of a sheet.
    assert (len(table.frame), table.rows[0], table.rows[-1]) == (457, 2, 458)
    with path.open(encoding="utf-8", newline="") as file:
        records = list(csv.reader(file))
    for at in (0, 200, 456):
        assert records[table.rows[at] - 1][0] == table.frame["序號"][at]
    data = read(shared / "taipei", POINTS_457, datum="wgs84")
    assert data.frame["serves"][0] == "中央里"
    assert data.frame["name"][0].endswith("社區發展協會")
    # Six rows have no coordinates; they name the village that they serve, and stay for presence.
    assert (data.rows_in, data.rows_set_aside) == (457, 0)
    assert data.frame.geometry.isna().sum() == count(data, "facility.no_place") == 6
    assert data.frame["opened"].notna().sum() == 170
    assert str(data.frame["opened"][2].date()) == "2018-11-12"


def test_505_care_points_lie_on_wgs84_by_their_villages(shared):
    units = taipei_units(shared)
    data = read(shared / "taipei", POINTS_505, datum="auto", units=units)
    assert set(data.frame["datum"]) == {"wgs84"}
    detected = next(item for item in data.problems if item.code == "facility.datum_detected")
    assert "wgs84 442/504" in detected.text("en")
    # 27 stand exactly where another one does, and one within the tenth of a metre of rounding.
    exact = data.frame.geometry.x.map(repr) + data.frame.geometry.y.map(repr)
    assert exact.duplicated().sum() == 27
    assert 27 <= count(data, "facility.same_place") + count(data, "facility.duplicate") <= 28


def test_505_care_points_lie_on_wgs84_by_their_districts(shared):
    units = taipei_districts(shared)
    data = read(
        shared / "taipei", POINTS_505, datum="auto", units=units, columns={"unit": "行政區"}
    )
    detected = next(item for item in data.problems if item.code == "facility.datum_detected")
    assert "wgs84 490/505" in detected.text("en")


@pytest.mark.parametrize(
    ("name", "rows", "unplaced"),
    [
        ("114年度臺北市失智社區服務據點布建清單_coord.csv", 52, 2),
        ("臺北市社區整合型服務中心(A單位)一覽表_coord.csv", 63, 0),
        ("臺北市立案一般護理之家一覽表_coord.csv", 18, 0),
        ("臺北市立案住宿式長照機構一覽表_coord.csv", 11, 0),
        (LANE_STATIONS, 25, 0),
    ],
)
def test_the_other_lists_of_taipei(shared, name, rows, unplaced):
    data = read(shared / "taipei", name, datum="wgs84")
    assert (data.rows_in, data.rows_set_aside) == (rows, 0)
    assert data.frame.geometry.isna().sum() == unplaced
    assert (data.frame["name"] != "").all()


def test_every_list_asks_for_its_datum(shared):
    for name in (HOMES, POINTS_505, DAY_CENTRES):
        with pytest.raises(CrsError) as caught:
            read(shared / "taipei", name)
        assert caught.value.problems[0].code.startswith("facility.no_datum")


def test_a_real_list_in_big5_is_refused_until_declared(shared, tmp_path):
    text = (shared / "taipei" / DAY_CENTRES).read_text(encoding="utf-8-sig")
    (tmp_path / "list.csv").write_bytes(text.encode("cp950"))
    with pytest.raises(InputError) as caught:
        read(tmp_path, "list.csv", datum="wgs84")
    assert caught.value.problems[0].code == "table.big5"
    data = read(tmp_path, "list.csv", datum="wgs84", encoding="cp950")
    assert (len(data.frame), data.frame["capacity"].sum()) == (14, 445)


def test_a_real_list_in_gb18030_reads_the_same(shared, tmp_path):
    path = shared / "facilities_messy" / "shanghai_gumei_bd09.csv"
    (tmp_path / "list.csv").write_bytes(path.read_text(encoding="utf-8-sig").encode("gb18030"))
    own = read(path.parent, path.name, datum="bd09").frame.drop(columns="source_file")
    other = read(tmp_path, "list.csv", datum="bd09").frame.drop(columns="source_file")
    assert own.drop(columns="geometry").equals(other.drop(columns="geometry"))
    assert own.geometry.equals(other.geometry)


def test_69_sites_in_gcj02_one_without_coordinates(shared):
    data = read(shared / "facilities_messy", "aizhaohu_ltc_orgs_gcj02.csv", datum="gcj02")
    assert (data.rows_in, len(data.frame), data.rows_set_aside) == (69, 68, 1)
    assert [item.action for item in data.problems] == ["set_aside"]
    # In Shanghai GCJ-02 lies some 450 m to 520 m from WGS84.
    raw = read(shared / "facilities_messy", "aizhaohu_ltc_orgs_gcj02.csv", datum="wgs84")
    metric = "EPSG:4549"
    shift = data.frame.geometry.to_crs(metric).distance(raw.frame.geometry.to_crs(metric))
    near = data.frame.geometry.x.between(121, 122) & data.frame.geometry.y.between(30.7, 31.9)
    assert near.sum() >= 60
    assert shift[near].between(430, 530).all()


def test_52_places_in_bd09(shared):
    data = read(shared / "facilities_messy", "shanghai_gumei_bd09.csv", datum="bd09")
    assert (data.rows_in, len(data.frame)) == (52, 52)
    kinds = [json.loads(text).get("kind", "") for text in data.frame["extra"]]
    assert sum("养老" in kind or "照护" in kind for kind in kinds) == 6
    assert kinds.count("居委会") == 39
    assert data.frame["capacity"].sum() == 187 + 200 + 18
    # One of the names ends in spaces.
    assert "平阳二村" in data.frame["name"].tolist()
    # Two columns name the datum: another one declared is flagged.
    other = read(shared / "facilities_messy", "shanghai_gumei_bd09.csv", datum="gcj02")
    assert count(other, "facility.datum_title") == 1


def test_sub_areas_in_bd09_give_a_point_inside_each(shared):
    name = "shanghai_gumei_subareas_bd09.geojson"
    with pytest.raises(CrsError) as caught:
        read(shared / "facilities_messy", name)
    assert caught.value.problems[0].code == "facility.no_datum_geojson"
    data = read(shared / "facilities_messy", name, datum="bd09")
    assert len(data.frame) == 8
    assert data.frame.geometry.notna().all()
    assert data.frame.geometry.x.between(121.35, 121.42).all()


def test_21_canteens_without_coordinates(shared):
    name = "canteens_no_coords_jiaxing_wuxi_nantong_zhenjiang.csv"
    data = read(shared / "facilities_messy", name)
    assert (data.rows_in, len(data.frame)) == (21, 21)
    assert data.frame.geometry.isna().all()
    assert count(data, "facility.no_place") == 21
    assert data.frame["declared_unit"].value_counts().to_dict() == {
        "无锡市": 16,
        "南通市": 2,
        "镇江市": 2,
        "嘉兴市": 1,
    }
    # Without the column of the city there is nothing to place or to count them by.
    with pytest.raises(InputError) as caught:
        read(shared / "facilities_messy", name, columns={"unit": ""})
    assert caught.value.problems[0].code == "facility.no_place_columns"


def test_pinghu_villages_are_in_bd09_which_their_townships_cannot_prove(shared, tmp_path):
    source = gpd.read_file(shared / "pinghu" / "village_points.geojson")
    table = source[["village", "street", "lng_bd09", "lat_bd09"]]
    table.columns = ["名称", "街道", "经度", "纬度"]
    table.to_csv(tmp_path / "villages.csv", index=False)
    units = gpd.read_file(shared / "pinghu" / "townships.geojson")
    # Villages lie deep inside townships of 60 km²: a shift of a kilometre moves two of 72 out.
    with pytest.raises(CrsError) as caught:
        read(tmp_path, "villages.csv", datum="auto", units=units)
    assert caught.value.problems[0].code == "facility.datum_undecided"
    assert "wgs84 71/72, gcj02 69/72, bd09 70/72" in caught.value.text("en")
    data = read(tmp_path, "villages.csv", datum="bd09", units=units)
    assert len(data.frame) == 72
    assert np.allclose(data.frame.geometry.x, source.geometry.x, atol=2e-5)
    assert np.allclose(data.frame.geometry.y, source.geometry.y, atol=2e-5)


def test_facilities_of_the_isle_of_man_by_their_tags(shared):
    folder = shared / "isle_of_man"
    file = next(folder.glob("*.pbf")).name
    assert len(read(folder, file, osm=["amenity=nursing_home"]).frame) == 3
    social = read(folder, file, osm=["amenity=social_facility"])
    seniors = read(folder, file, osm=["amenity=social_facility+social_facility:for=senior"])
    assert (len(social.frame), len(seniors.frame)) == (5, 4)


def test_a_published_file_with_a_stray_letter_is_refused_with_its_line(shared):
    with pytest.raises(InputError) as caught:
        read(shared / "broken", "wuhan_boundary_bad_json.geojson", datum="wgs84")
    assert (caught.value.problems[0].code, caught.value.problems[0].row) == ("vector.bad_json", 5)


def test_the_lane_station_geocoded_far_away_is_set_aside(shared):
    units = taipei_units(shared)
    data = read(shared / "taipei", LANE_STATIONS, datum="wgs84", units=units)
    assert (data.rows_in, len(data.frame), data.rows_set_aside) == (25, 24, 1)
    far = [problem for problem in data.problems if problem.code == "facility.far_away"]
    assert [(one.action, one.row) for one in far] == [("set_aside", 13)]
    metric = data.frame.geometry.to_crs("EPSG:3826")
    city = units.to_crs("EPSG:3826").union_all()
    assert (metric.distance(city) == 0).all()
    # It stands 52 km from the city; a layer that is meant to reach so far keeps it.
    kept = read(shared / "taipei", LANE_STATIONS, datum="wgs84", units=units, far_km=50)
    assert len(kept.frame) == 25
    away = kept.frame.geometry.to_crs("EPSG:3826").distance(city)
    assert away.max() == pytest.approx(51_911, abs=1)


def test_no_other_list_of_taipei_loses_a_place_to_distance(shared):
    units = taipei_units(shared)
    for path in sorted((shared / "taipei").glob("*_coord.csv")):
        if path.name != LANE_STATIONS:
            data = read(shared / "taipei", path.name, datum="wgs84", units=units)
            assert count(data, "facility.far_away") == 0


def test_two_lists_of_care_points_share_352_names(shared):
    one = read(shared / "taipei", POINTS_505, datum="wgs84").frame["name"]
    other = read(shared / "taipei", POINTS_457, datum="wgs84").frame["name"]
    assert (len(one), len(other)) == (505, 457)
    # Names are kept as they are written; 65 pairs differ in blanks only.
    assert len(set(one) & set(other)) == 287
    bare = [set(names.str.replace(r"\s", "", regex=True)) for names in (one, other)]
    assert len(bare[0] & bare[1]) == 352


def test_what_taipeis_points_serve_is_found_among_its_villages(shared):
    data = read(shared / "taipei", POINTS_457, datum="wgs84")
    units = taipei_units(shared).assign(
        unit_id=lambda table: "village_level:" + table["code"],
        level="village_level",
        parent_id="",
        parent_hint=lambda table: table["TOWN"],
    )
    pairs, problems = place_facilities(
        data.frame.drop(columns="geometry"), units.drop(columns="geometry"), level="village_level"
    )
    served = data.frame["serves"].map(unit_list)
    # 377 points name 769 villages, of which one, named twice, is none of the 456.
    assert ((served.map(len) > 0).sum(), served.map(len).sum()) == (377, 769)
    assert pairs["by"].tolist() == ["serves"] * 767
    assert [(one.code, one.value) for one in problems] == [
        ("presence.unknown_served_unit", "糖廍里")
    ] * 2


def test_districts_that_homes_declare_are_known_by_the_villages(shared):
    """94 homes state a district, which no boundary gives but every village names."""
    homes = read(shared / "taipei", HOMES, datum="wgs84")
    units = taipei_units(shared).assign(
        unit_id=lambda table: "village_level:" + table["code"],
        level="village_level",
        parent_id="",
        parent_hint=lambda table: table["TOWN"],
    )
    places = np.asarray(homes.frame.geometry.to_numpy())
    stand = units.sindex.query(places, predicate="intersects")
    villages = np.full(len(places), None, dtype=object)
    villages[stand[0]] = units["unit_id"].to_numpy()[stand[1]]
    frame = homes.frame.drop(columns="geometry").assign(unit_village_level=villages)
    pairs, problems = place_facilities(frame, units.drop(columns="geometry"), level="village_level")
    assert pairs["facility_id"].nunique() == 94
    # One stands across the border of its district; the other 93 declarations are consistent.
    assert [(one.code, one.row, one.value) for one in problems] == [
        ("presence.declared_elsewhere", 84, "松山區")
    ]


def test_8_of_69_sites_lie_in_another_city(shared):
    data = read(shared / "facilities_messy", "aizhaohu_ltc_orgs_gcj02.csv", datum="gcj02")
    shanghai = gpd.GeoDataFrame(
        {"name": ["上海市"], "code": ["310000"]},
        geometry=[shapely.box(120.86, 30.68, 122.12, 31.87)],
        crs=4326,
    )
    assert (~shapely.within(data.frame.geometry.to_numpy(), shanghai.geometry[0])).sum() == 8
    aside = read(
        shared / "facilities_messy", "aizhaohu_ltc_orgs_gcj02.csv", datum="gcj02", units=shanghai
    )
    assert (aside.rows_in, len(aside.frame), aside.rows_set_aside) == (69, 60, 9)
    assert (count(aside, "facility.far_away"), count(aside, "facility.no_place")) == (8, 1)


def test_the_kinds_of_52_places_and_their_beds(shared):
    data = read(shared / "facilities_messy", "shanghai_gumei_bd09.csv", datum="bd09")
    kinds = [json.loads(text).get("kind", "") for text in data.frame["extra"]]
    homes = [kind for kind in kinds if "养老" in kind or "照护" in kind]
    assert (len(homes), kinds.count("居委会"), kinds.count("片区")) == (6, 39, 6)
    assert len(kinds) - len(homes) - 39 - 6 == 1


def test_only_the_care_homes_of_52_places(shared):
    only = {"kind": ["*养老*", "*照护*"]}
    data = read(shared / "facilities_messy", "shanghai_gumei_bd09.csv", datum="bd09", only=only)
    assert (data.rows_in, len(data.frame), data.rows_set_aside) == (52, 6, 0)
    assert data.rows_filtered == 46


def test_2_of_8_sub_areas_cross_themselves(shared):
    name = "shanghai_gumei_subareas_bd09.geojson"
    raw = gpd.read_file(shared / "facilities_messy" / name)
    assert (len(raw), int((~raw.geometry.is_valid).sum())) == (8, 2)
    data = read(shared / "facilities_messy", name, datum="bd09")
    areas = shapely.make_valid(raw.geometry.to_numpy(), method="structure", keep_collapsed=False)
    # Each point stands inside its own area, the two mended ones included.
    lon, lat = wgs84_to_bd09(data.frame.geometry.x.to_numpy(), data.frame.geometry.y.to_numpy())
    assert shapely.intersects(areas, shapely.points(lon, lat)).all()


def wuxi():
    """Return units as boundaries would give them, for the townships that the list names."""
    rows = [
        ("county:320281", "江阴市", "county", ""),
        ("county:320213", "梁溪区", "county", ""),
        ("township:1", "申港街道", "township", "county:320281"),
        ("township:2", "清名桥街道", "township", "county:320213"),
        ("township:3", "惠山街道", "township", "county:320213"),
        ("township:4", "东港镇", "township", ""),
    ]
    columns = ["unit_id", "name", "level", "parent_id"]
    shapes = [
        shapely.box(120.2, 31.8, 120.4, 31.95),
        shapely.box(120.28, 31.54, 120.34, 31.61),
        shapely.box(120.22, 31.88, 120.27, 31.93),
        shapely.box(120.3, 31.54, 120.32, 31.56),
        shapely.box(120.28, 31.57, 120.3, 31.59),
        shapely.box(120.48, 31.6, 120.56, 31.69),
    ]
    table = dict(zip(columns, zip(*rows, strict=True), strict=True))
    return gpd.GeoDataFrame(table | {"code": ""}, geometry=shapes, crs=4326)


def test_meal_points_without_coordinates_by_what_their_names_say(shared):
    """The names hold the township (锡山区东港镇助餐中心); the shapes here are only boxes."""
    book = address_book(wuxi())
    ways = ["township", "county"]
    folder = shared / "facilities_messy"
    data = read(folder, CANTEENS, place_by=ways, addresses=book)
    assert (data.rows_in, len(data.frame)) == (21, 21)
    placed = data.frame["placed_by"].value_counts().to_dict()
    # 申港, 清名桥, 惠山 and 东港; 澄江 of 江阴, 瞻江, 广益 and 扬名 of 梁溪.
    assert placed == {"township": 4, "county": 4, "": 13}
    assert count(data, "address.placed_by_name") == 8
    assert count(data, "address.not_found") + count(data, "address.name_not_found") == 13
    assert (data.frame["position_error_m"] > 1000).sum() == 8
    assert data.frame.geometry.notna().sum() == 8
    # Without being asked nothing is placed.
    assert read(folder, CANTEENS, addresses=book).frame.geometry.isna().all()


def test_the_isle_of_man_counts_a_home_once(shared):
    folder = shared / "isle_of_man"
    file = next(folder.glob("*.pbf")).name
    layers = load_registry().layers
    names = ("care_home", "elderly_day_center")
    found = {
        name: set(read(folder, file, selectors=layers[name].osm).frame["code"]) for name in names
    }
    assert {name: len(codes) for name, codes in found.items()} == {
        "care_home": 5,
        "elderly_day_center": 1,
    }
    assert not found["care_home"] & found["elderly_day_center"]


def test_14_day_centres_state_their_district_by_its_short_name(shared):
    """大同 and 信義 are short for districts, and villages elsewhere are called 大同里, 信義里."""
    centres = read(shared / "taipei", DAY_CENTRES, datum="wgs84")
    units = taipei_units(shared).assign(
        unit_id=lambda table: "village_level:" + table["code"],
        level="village_level",
        parent_id="",
        parent_hint=lambda table: table["TOWN"],
    )
    places = np.asarray(centres.frame.geometry.to_numpy())
    stand = units.sindex.query(places, predicate="intersects")
    villages = np.full(len(places), None, dtype=object)
    villages[stand[0]] = units["unit_id"].to_numpy()[stand[1]]
    frame = centres.frame.drop(columns="geometry").assign(unit_village_level=villages)
    pairs, problems = place_facilities(frame, units.drop(columns="geometry"), level="village_level")
    # Every centre counts in the village that it stands in.
    assert dict(zip(pairs["facility_id"], pairs["unit_id"], strict=True)) == dict(
        zip(frame["facility_id"], villages, strict=True)
    )
    # One stands in another district; the column is one of districts, so that villages of the
    # name are not meant; misspelt ones (土林 for 士林, 黃華 for 萬華) are listed and not guessed.
    assert [(one.code, one.row, one.value) for one in problems[:1]] == [
        ("presence.declared_elsewhere", 2, "松山")
    ]
    assert {one.code for one in problems[1:]} == {"presence.unknown_declared_unit"}
    assert "".join(one.value for one in problems[1:]) == "黃華土林黃華土林土林"
