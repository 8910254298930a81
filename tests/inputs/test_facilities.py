"""Facility lists in every format, with wrong rows, against truth worked out by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.datum_detect import detect_datum
from servicecircle.inputs.facilities import FACILITY_COLUMNS, read_facilities, with_titles
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

# Two places in Zhejiang, WGS84.
LON, LAT = (118.87, 118.95), (28.97, 28.94)


@pytest.fixture
def read(tmp_path):
    """Write a file where needed and read it as a layer of care homes."""

    def reader(content=None, *, name="homes.csv", units=None, selectors=(), **options):
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
        given_settings = FacilitySettings(path=Path(name), **options)
        data = read_facilities(
            given_settings, layer="care_home", base=tmp_path, units=units, selectors=selectors
        )
        assert data.rows_in == len(data.frame) + data.rows_set_aside
        for problem in data.problems:
            for language in ("zh", "en"):
                assert "{" not in problem.text(language).replace(problem.value or "\0", "")
        assert tuple(data.frame.columns) == FACILITY_COLUMNS
        assert data.frame.crs == "EPSG:4326"
        assert data.frame.index.equals(pd.RangeIndex(len(data.frame)))
        return data

    return reader


def points(data):
    return [
        (round(x, 7), round(y, 7))
        for x, y in zip(data.frame.geometry.x, data.frame.geometry.y, strict=True)
    ]


def found(data, code):
    return [problem for problem in data.problems if problem.code == code]


def refusal(action, kind=InputError):
    with pytest.raises(kind) as caught:
        action()
    for language in ("zh", "en"):
        text = caught.value.text(language)
        assert "{" not in text.replace("columns = {", "")
    return caught.value.problems[0]


# Tables


def test_every_column_of_a_table_is_read(read):
    data = read(
        "机构编码,机构名称,详细地址,经度,纬度,核定床位数（张）,护理型床位数,认知障碍床位,机构等级,"
        "建筑面积（㎡）,开业时间,关闭时间,改造时间,运营状态,服务村（社区）,所属乡镇（街道）,县（市、区）,电话\n"
        'h-01,甲敬老院,东路1号,118.87,28.97,"1,200",800张,－,３Ａ,3500.5平方米,2019年5月,—,2021-03-05,在营,'
        "甲村、乙村,示例镇,示例县,0570\n",
        datum="wgs84",
    )
    row = data.frame.iloc[0]
    assert (row["facility_id"], row["layer"], row["code"]) == (
        "care_home:h-01",
        "care_home",
        "h-01",
    )
    assert (row["name"], row["address"], row["grade"]) == ("甲敬老院", "东路1号", "3A")
    assert (row["capacity"], row["nursing_beds"], row["floor_area_m2"]) == (1200.0, 800.0, 3500.5)
    assert np.isnan(row["dementia_beds"])
    assert row["opened"] == pd.Timestamp("2019-05-01")
    assert row["renovated"] == pd.Timestamp("2021-03-05")
    assert row["closed"] is pd.NaT
    assert (row["status"], row["serves"]) == ("open", "甲村;乙村")
    assert (row["declared_unit"], row["declared_parent"]) == ("示例镇", "示例县")
    assert (row["datum"], row["position_error_m"], row["invented"]) == ("wgs84", 0.0, False)
    assert (row["source_file"], row["source_sheet"], row["source_row"]) == ("homes.csv", "", 2)
    assert json.loads(row["extra"]) == {"电话": "0570"}
    assert points(data) == [(118.87, 28.97)]
    assert [problem.code for problem in data.problems] == ["facility.date_first_day"]


def test_extra_is_sorted_readable_json_without_empty_cells(read):
    data = read("name,lon,lat,b,备,a\n甲,118.87,28.97,2,,1\n", datum="wgs84")
    assert data.frame["extra"].tolist() == ['{"a": "1", "b": "2"}']


def test_a_table_without_declared_datum_is_refused(read):
    problem = refusal(lambda: read("名称,经度,纬度\n甲,118.87,28.97\n"), CrsError)
    assert problem.code == "facility.no_datum"
    assert problem.file == "homes.csv"
    for datum in ("wgs84", "cgcs2000", "gcj02", "bd09", "auto"):
        assert f'"{datum}"' in problem.text("en")


def test_a_title_that_names_the_datum_is_a_hint_and_no_declaration(read):
    text = "名称,lng_bd09,lat_bd09\n甲,118.87,28.97\n"
    problem = refusal(lambda: read(text), CrsError)
    assert problem.details["named"] == "bd09"
    data = read(text, datum="gcj02")
    assert [item.value for item in found(data, "facility.datum_title")] == ["bd09"]
    assert read(text, datum="bd09").problems == ()


@pytest.mark.parametrize(
    ("datum", "shift"),
    [
        ("wgs84", lambda x, y: (x, y)),
        ("cgcs2000", lambda x, y: (x, y)),
        ("gcj02", wgs84_to_gcj02),
        ("bd09", wgs84_to_bd09),
    ],
)
def test_each_datum_comes_back_to_wgs84(read, datum, shift):
    x, y = (np.asarray(part).tolist() for part in shift(LON, LAT))
    text = "名称,经度,纬度\n" + "".join(
        f"{name},{one!r},{other!r}\n" for name, one, other in zip("甲乙", x, y, strict=True)
    )
    data = read(text, datum=datum)
    assert points(data) == list(zip(LON, LAT, strict=True))
    assert data.frame["datum"].tolist() == [datum] * 2


def test_of_two_pairs_of_coordinates_the_one_of_the_declared_datum_is_taken(read):
    text = "名称,lng_gcj02,lat_gcj02,lng_wgs84,lat_wgs84\n甲,118.875,28.967,118.87,28.97\n"
    assert points(read(text, datum="wgs84")) == [(118.87, 28.97)]
    assert points(read(text, datum="gcj02")) != [(118.87, 28.97)]


def test_a_workbook_with_title_merged_header_and_gcj02(read):
    x, y = wgs84_to_gcj02(LON, LAT)
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("养老机构")
        sheet.merge_range(0, 0, 0, 5, "示例市养老机构一览表")
        sheet.merge_range(1, 0, 2, 0, "名称")
        sheet.merge_range(1, 1, 1, 2, "床位数")
        sheet.write_row(2, 1, ["核定床位数", "护理型床位数"])
        sheet.merge_range(1, 3, 1, 4, "坐标")
        sheet.write_row(2, 3, ["经度", "纬度"])
        sheet.merge_range(1, 5, 2, 5, "所属\n乡镇")
        sheet.write_row(3, 0, ["甲院", 120, 60, x[0], y[0], "甲镇"])
        sheet.write_row(4, 0, ["乙院", "80张", "", x[1], y[1], "乙镇"])
        sheet.write_row(5, 0, ["丙院", 10, "", "", "", ""])
        sheet.write_row(6, 0, ["合计", 210, 60])
    data = read(buffer.getvalue(), name="homes.xlsx", datum="gcj02")
    assert data.frame["capacity"].tolist() == [120.0, 80.0]
    assert data.frame["nursing_beds"].fillna(-1).tolist() == [60.0, -1.0]
    assert data.frame["declared_unit"].tolist() == ["甲镇", "乙镇"]
    assert data.frame["source_row"].tolist() == [4, 5]
    assert data.frame["source_sheet"].tolist() == ["养老机构"] * 2
    assert points(data) == list(zip(LON, LAT, strict=True))
    assert (data.rows_in, data.rows_set_aside) == (4, 2)
    assert found(data, "facility.no_place")[0].row == 6
    assert found(data, "table.total_row")[0].row == 7


@pytest.mark.parametrize(
    "text",
    [
        '名称,经纬度\n甲,"118.87,28.97"\n',
        "名称,坐标\n甲,118.87 28.97\n",
        '名称,"纬度,经度"\n甲,"28.97,118.87"\n',
        "名称,经度,纬度\n甲,118°52′12″,28°58′12″\n",
        "名称,经度,纬度\n甲,东经118°52′12″,北纬28°58′12″\n",
        "name,x,y\n甲,118.87,28.97\n",
        "Name\tLNG\tLAT\n甲\t118.87\t28.97\n",
    ],
)
def test_shapes_of_coordinates(read, text):
    assert points(read(text, datum="wgs84")) == [(118.87, 28.97)]


def test_projected_coordinates_of_a_declared_crs(read):
    # EPSG:4549, CGCS2000 zone of 120°E: at its meridian x is 500 km, and y the meridian arc
    # from the equator, 3,320,113.398 m at 30°N (tables of GRS80).
    data = read("名称,x,y\n甲,500000,3320113.398\n", crs="EPSG:4549")
    assert points(data) == [(120.0, 30.0)]
    assert data.frame["datum"].tolist() == ["cgcs2000"]


def test_projected_coordinates_the_wrong_way_round_are_refused(read):
    problem = refusal(lambda: read("名称,x,y\n甲,3320113.398,500000\n", crs="EPSG:4549"))
    assert problem.code == "facility.swapped_file"
    assert 'x = "y", y = "x"' in problem.text("en")


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("名称,x,y\n甲,500000,3320113\n", {"datum": "wgs84"}, "facility.metres"),
        ("名称,x,y\n甲,120,30\n", {"crs": "EPSG:4549"}, "facility.degrees"),
        ("名称,x,y\n甲,40500000,3320113\n", {"crs": "EPSG:4549"}, "facility.wrong_crs"),
        ("名称,x,y\n甲,500000,3320113\n", {"crs": "EPSG:2437"}, "vector.old_grid"),
        ("名称,x,y\n甲,500000,3320113\n", {"crs": "EPSG:nonsense"}, "vector.bad_crs"),
    ],
)
def test_a_crs_that_cannot_be_right_is_refused(read, text, options, code):
    assert refusal(lambda: read(text, **options), CrsError).code == code


# Order of the coordinates


def test_a_file_with_swapped_columns_is_refused_with_the_remedy(read):
    problem = refusal(
        lambda: read("名称,经度,纬度\n甲,28.97,118.87\n乙,28.94,118.95\n丙,,\n", datum="wgs84")
    )
    assert (problem.code, problem.severity) == ("facility.swapped_file", "fatal")
    assert problem.details["rows"] == "2, 3"
    assert 'columns = { lon = "纬度", lat = "经度" }' in problem.text("en")
    data = read(None, datum="wgs84", columns={"lon": "纬度", "lat": "经度"})
    assert points(data) == list(zip(LON, LAT, strict=True))


def test_a_single_swapped_row_is_set_aside(read):
    rows = "".join(f"n{at},118.8{at},28.9\n" for at in range(9))
    data = read("名称,经度,纬度\n" + rows + "乙,28.94,118.95\n丙,28.9,118.9\n", datum="wgs84")
    assert len(data.frame) == 9
    assert [(item.row, item.value, item.action) for item in found(data, "facility.swapped")] == [
        (11, "28.94, 118.95", "set_aside"),
        (12, "28.9, 118.9", "set_aside"),
    ]


AROUND = gpd.GeoDataFrame(
    {"name": ["甲镇"], "code": [""]}, geometry=[shapely.box(118.8, 28.9, 119.0, 29.0)], crs=4326
)


def test_a_single_swapped_row_is_exchanged_where_that_puts_it_among_the_units(read):
    rows = "".join(f"n{at},118.8{at},28.95\n" for at in range(1, 9))
    # The third lies elsewhere either way, and the fourth is no place either way.
    odd = "乙,28.94,118.95\n丙,28.96,118.9\n丁,39.9,116.4\n戊,95.0,200.0\n"
    data = read("名称,经度,纬度\n" + rows + odd, datum="wgs84", units=AROUND)
    assert points(data)[8:] == [(118.95, 28.94), (118.9, 28.96)]
    assert data.frame["name"].tolist()[8:] == ["乙", "丙"]
    mended = found(data, "facility.swapped_mended")
    assert [(item.row, item.value, item.action) for item in mended] == [
        (10, "28.94, 118.95", "mended"),
        (11, "28.96, 118.9", "mended"),
    ]
    aside = [(item.code, item.row) for item in data.problems if item.action == "set_aside"]
    assert aside == [("facility.swapped", 12), ("facility.out_of_range", 13)]


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_an_exchanged_row_is_converted_as_all_others(read, datum):
    shift = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}[datum]
    lon, lat = shift(np.full(5, 118.9), np.full(5, 28.95))
    rows = [f"n{at},{lon[at]:.9f},{lat[at]:.9f}" for at in range(4)]
    rows.append(f"乙,{lat[4]:.9f},{lon[4]:.9f}")
    data = read("\n".join(["名称,经度,纬度", *rows]), datum=datum, units=AROUND)
    assert points(data) == [(118.9, 28.95)] * 5


def test_a_swapped_row_in_range_is_found_by_the_units(read):
    units = gpd.GeoDataFrame(
        {"name": ["Porto"], "code": [""]}, geometry=[shapely.box(-8.7, 41.1, -8.5, 41.2)], crs=4326
    )
    text = "name,lon,lat\nA,-8.6,41.15\nB,-8.61,41.16\nC,41.17,-8.62\nD,2.35,48.86\n"
    data = read(text, datum="wgs84", units=units)
    # D is in Paris, far from all units: another fault than the order.
    assert points(data) == [(-8.6, 41.15), (-8.61, 41.16), (-8.62, 41.17)]
    assert [item.row for item in found(data, "facility.swapped_mended")] == [4]
    assert [item.row for item in found(data, "facility.far_away")] == [5]


def test_projected_rows_are_not_exchanged(read):
    text = "名称,x,y\n甲,389000,3205000\n乙,389100,3205100\n丙,3205000,389000\n"
    data = read(text, crs="EPSG:4549", units=AROUND)
    assert data.frame["name"].tolist() == ["甲", "乙"]
    assert found(data, "facility.swapped_mended") == []


@pytest.mark.parametrize("title", ["位置误差", "位置误差（米）", "定位误差(m)", "position_error_m"])
def test_a_column_says_how_wrong_each_place_may_be(read, title):
    rows = "甲,118.87,28.97,50米\n乙,118.95,28.94,\n丙,118.9,28.9,-3\n丁,,,20\n"
    data = read(f"名称,经度,纬度,{title}\n{rows}", datum="wgs84", position_error_m=7.0)
    assert data.frame["position_error_m"].tolist() == [50.0, 7.0, 7.0]
    assert [item.row for item in found(data, "facility.negative")] == [4]


def test_a_swapped_file_whose_values_stay_in_range_is_found_by_the_units(read):
    units = gpd.GeoDataFrame(
        {"name": ["Porto"], "code": [""]}, geometry=[shapely.box(-8.7, 41.1, -8.5, 41.2)], crs=4326
    )
    text = "name,lon,lat\nA,41.15,-8.6\nB,41.16,-8.61\n"
    problem = refusal(lambda: read(text, datum="wgs84", units=units))
    assert problem.code == "facility.swapped_file"


# Rows without a place


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        ("", "", "facility.no_place"),
        ("—", "/", "facility.no_place"),
        ("nan", "nan", "facility.no_place"),
        ("0", "0", "facility.no_place"),
        ("118.9", "", "facility.bad_place"),
        ("inf", "28.9", "facility.bad_place"),
        ("东经", "28.9", "facility.bad_place"),
        ("218.9", "28.9", "facility.out_of_range"),
        ("118.9", "-91", "facility.out_of_range"),
        ("500000", "3200000", "facility.out_of_range"),
    ],
)
@pytest.mark.parametrize("unit", ["", "甲镇"])
def test_a_row_without_a_place_is_kept_only_with_a_unit(read, lon, lat, code, unit):
    data = read(
        f"名称,经度,纬度,乡镇\n甲,118.87,28.97,甲镇\n乙,{lon},{lat},{unit}\n", datum="gcj02"
    )
    problems = found(data, code)
    assert [(item.row, item.column) for item in problems] == [(3, "经度, 纬度")]
    assert problems[0].action == ("flagged" if unit else "set_aside")
    assert len(data.frame) == (2 if unit else 1)
    if unit:
        row = data.frame.iloc[1]
        assert row.geometry is None
        assert (row["datum"], row["declared_unit"]) == ("", "甲镇")
        assert np.isnan(row["position_error_m"])


def test_a_list_without_coordinates_needs_no_datum(read):
    data = read("名称,服务村居\n甲食堂,甲村;乙村\n乙食堂,\n")
    assert data.frame["serves"].tolist() == ["甲村;乙村"]
    assert data.frame.geometry.tolist() == [None]
    assert [(item.row, item.action) for item in found(data, "facility.no_place")] == [
        (2, "flagged"),
        (3, "set_aside"),
    ]


def test_a_list_with_neither_place_nor_unit_is_refused_with_its_columns(read):
    problem = refusal(lambda: read("名称,电话\n甲,1\n"))
    assert problem.code == "facility.no_place_columns"
    assert problem.details["known"] == "名称, 电话"


def test_one_column_of_coordinates_alone_is_refused(read):
    problem = refusal(lambda: read("名称,经度,N\n甲,118.87,28.97\n", datum="wgs84"))
    assert (problem.code, problem.details["missing"]) == ("facility.half_place", "lat")


def test_a_layer_whose_rows_are_all_broken_is_refused(read):
    with pytest.raises(InputError) as caught:
        read("名称,经度,纬度\n甲,,\n乙,x,y\n", datum="wgs84")
    found = [(problem.code, problem.row) for problem in caught.value.problems]
    assert found == [
        ("facility.none_usable", None),
        ("facility.no_place", 2),
        ("facility.bad_place", 3),
    ]


@pytest.mark.parametrize("datum", [None, "wgs84", "auto"])
@pytest.mark.parametrize(
    "text",
    [
        "名称,经度,纬度\n",
        "示例市养老机构名单\n编号,名称,经度,纬度,床位数,等级,开业日期,状态\n注：暂无\n",
        "名称,经度,纬度\n合计,,\n",
        "名称,经度,纬度\n无,,\n",
        "名称,乡镇,经度,纬度,床位数\n无,甲镇,/,/,0\n/,乙镇,,,\n",
        "名称,乡镇\n无,甲镇\n",
        "名称\n",
    ],
)
def test_a_list_of_no_facility_is_a_layer_of_none(read, text, datum):
    """It was refused before; but what is supplied and empty is 0, as against no data."""
    data = read(text, datum=datum)
    assert data.frame.empty
    one = read("名称,经度,纬度\n甲,118.87,28.97\n", datum="wgs84")
    assert data.frame.dtypes.to_dict() == one.frame.dtypes.to_dict()
    warned = [problem for problem in data.problems if problem.severity == "warning"]
    assert [(one.code, one.file, one.details["layer"]) for one in warned] == [
        ("facility.empty_list", "homes.csv", "care_home")
    ]
    assert data.rows_in == data.rows_set_aside


@pytest.mark.parametrize("text", ["甲,乙\n", "床位数,等级\n"])
def test_a_header_that_names_neither_facilities_nor_places_is_refused(read, text):
    assert refusal(lambda: read(text, datum="wgs84")).code == "facility.no_place_columns"


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson", "a.parquet"])
@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "auto"])
def test_a_layer_of_fields_and_no_features_is_a_layer_of_none(read, tmp_path, name, datum):
    frame = gpd.GeoDataFrame(
        {"名称": pd.Series(dtype="str"), "床位数": pd.Series(dtype=float)},
        geometry=gpd.GeoSeries([], crs="EPSG:4326"),
        crs="EPSG:4326",
    )
    if name.endswith(".parquet"):
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_file(tmp_path / name, encoding="utf-8", geometry_type="Point")
    data = read(name=name, datum=datum)
    assert data.frame.empty
    assert [one.code for one in data.problems if one.severity == "warning"] == [
        "facility.empty_list"
    ]


def test_a_row_without_a_name_is_kept_where_it_has_a_place(read):
    data = read(
        "名称,经度,纬度,乡镇\n,118.87,28.97,甲镇\n,,,甲镇\n乙,118.95,28.94,甲镇\n", datum="wgs84"
    )
    assert data.frame["name"].tolist() == ["", "乙"]
    assert [item.row for item in found(data, "facility.no_name")] == [2]
    assert [item.row for item in found(data, "facility.states_none")] == [3]


# Columns


def test_a_column_that_is_not_there_is_refused_with_the_nearest(read):
    problems = None
    with pytest.raises(InputError) as caught:
        read(
            "名称,经度,纬度,核定床位数\n甲,118.87,28.97,1\n",
            datum="wgs84",
            columns={"capacity": "核定床位", "beds": "核定床位数"},
            capacity_sum=["没有"],
        )
    problems = caught.value.problems
    assert [item.code for item in problems] == [
        "columns.missing_near",
        "columns.unknown_key",
        "facility.sum_column",
    ]
    assert problems[0].details["near"] == "核定床位数"
    assert "名称, 经度, 纬度, 核定床位数" in problems[0].text("zh")


def test_the_project_chooses_a_column_against_the_aliases(read):
    text = "名称,别名,经度,纬度\n甲,乙,118.87,28.97\n"
    assert read(text, datum="wgs84").frame["name"].tolist() == ["甲"]
    data = read(None, datum="wgs84", columns={"name": "别名"})
    assert data.frame["name"].tolist() == ["乙"]
    assert json.loads(data.frame["extra"][0]) == {"名称": "甲"}


def test_two_titles_for_one_column_are_flagged(read):
    data = read("名称,经度,纬度,床位数,核定床位数\n甲,118.87,28.97,1,2\n", datum="wgs84")
    assert data.frame["capacity"].tolist() == [2.0]
    assert [(item.column, item.value) for item in found(data, "columns.two_titles")] == [
        ("核定床位数", "床位数")
    ]


@pytest.mark.parametrize(
    ("titles", "unit_level", "unit", "parent"),
    [
        (["乡镇", "村（社区）"], None, "村（社区）", "乡镇"),
        (["行政區", "里別"], None, "里別", "行政區"),
        (["乡镇", "村（社区）", "区县"], "township", "乡镇", "区县"),
        (["区县"], None, "区县", None),
        (["所属单元", "乡镇"], None, "所属单元", "乡镇"),
    ],
)
def test_the_finest_unit_is_the_unit_and_the_next_its_parent(titles, unit_level, unit, parent):
    columns = match_columns(titles, unit_level=unit_level)
    assert (columns.columns["unit"], columns.columns.get("parent")) == (unit, parent)
    assert columns.problems == ()


def test_a_unit_code_goes_before_its_name(read):
    data = read(
        "名称,经度,纬度,乡镇,乡镇代码\n甲,118.87,28.97,甲镇,０330802001\n乙,118.95,28.94,乙镇,\n",
        datum="wgs84",
    )
    assert data.frame["declared_unit"].tolist() == ["0330802001", "乙镇"]


# Values


def test_values_that_cannot_be_read_are_left_empty_and_recorded(read):
    data = read(
        "名称,经度,纬度,床位数,开业时间,关闭时间,状态\n"
        "甲,118.87,28.97,-5,2021-02-30,,在营\n"
        "乙,118.95,28.94,约50,2022-01-01,2021-01-01,不知道的词\n",
        datum="wgs84",
    )
    assert data.frame["capacity"].isna().all()
    assert data.frame["opened"].isna().tolist() == [True, False]
    assert data.frame["status"].tolist() == ["open", ""]
    assert [(item.code, item.row, item.column, item.value) for item in data.problems] == [
        ("facility.bad_number", 3, "床位数", "约50"),
        ("facility.negative", 2, "床位数", "-5"),
        ("facility.bad_date", 2, "开业时间", "2021-02-30"),
        ("facility.closed_before_opened", 3, "关闭时间", "2021-01-01"),
        ("facility.bad_status", 3, "状态", "不知道的词"),
    ]
    assert data.rows_set_aside == 0


def test_beds_over_several_columns_are_summed_when_told(read):
    text = (
        "名称,经度,纬度,总数,自理,护理\n甲,118.87,28.97,30,10,20\n乙,118.95,28.94,5,,5\n"
        "丙,118.95,28.95,,,\n丁,118.95,28.96,8,x,4\n戊,118.96,28.96,7,3,4\n"
    )
    data = read(text, datum="wgs84", capacity_sum=["自理", "护理"])
    assert data.frame["capacity"].fillna(-1).tolist() == [30.0, 5.0, -1.0, -1.0, 7.0]
    assert found(data, "facility.sum_doubles") == []


def test_a_total_among_the_columns_to_sum_is_noticed_in_a_list_of_one_row(read):
    text = "名称,经度,纬度,总数,自理,护理\n甲,118.87,28.97,30,10,20\n"
    data = read(text, datum="wgs84", capacity_sum=["总数", "自理", "护理"])
    assert [item.column for item in found(data, "facility.sum_doubles")] == ["总数"]
    text = "名称,经度,纬度,公办,自理,护理\n甲,118.87,28.97,30,30,0\n"
    data = read(text, datum="wgs84", capacity_sum=["公办", "自理", "护理"])
    assert found(data, "facility.sum_doubles") == []


def test_a_column_listed_twice_to_be_summed_is_refused(read):
    with pytest.raises(InputError) as caught:
        read("名称,经度,纬度,自理\n甲,118.87,28.97,30\n", datum="wgs84",
             capacity_sum=["自理", "自理"])  # fmt: skip
    assert [item.code for item in caught.value.problems] == ["facility.sum_twice"]


def test_beds_that_cannot_be_are_flagged(read):
    data = read(
        "名称,经度,纬度,床位数,护理型床位\n甲,118.87,28.97,30,40\n乙,118.95,28.94,3.5,2\n",
        datum="wgs84",
    )
    assert [(item.code, item.row) for item in data.problems] == [
        ("facility.part_of_a_bed", 3),
        ("facility.more_than_capacity", 2),
    ]


def test_a_row_that_names_a_unit_and_says_none_is_no_facility(read):
    rows = "".join(f"{unit},{name},{beds}\n" for unit, name, beds in (
        ("甲镇", "一院", "10"), ("乙镇", "无", ""), ("丙镇", "/", "0"), ("丁镇", "暂无", "—"),
        ("戊镇", "没有", ""), ("己镇", "", ""),
    ))  # fmt: skip
    data = read(f"乡镇,名称,床位数\n{rows}")
    assert data.frame["name"].tolist() == ["一院"]
    said = found(data, "facility.states_none")
    assert [(item.row, item.value, item.action) for item in said] == [
        (at, unit, "set_aside")
        for at, unit in enumerate(["乙镇", "丙镇", "丁镇", "戊镇", "己镇"], 3)
    ]
    assert (data.rows_in, data.rows_set_aside) == (6, 5)


def test_codes_damaged_by_excel_are_not_used(read):
    data = read(
        "机构编码,名称,行政区划代码,乡镇,经度,纬度\n3.30802E+17,甲,3.39902E+08,甲镇,118.87,28.97\n"
        "00012,乙,339902001,乙镇,118.95,28.94\n",
        datum="wgs84",
    )
    assert data.frame["code"].tolist() == ["", "00012"]
    assert data.frame["declared_unit"].tolist() == ["甲镇", "339902001"]
    assert [(item.row, item.column) for item in found(data, "facility.damaged_code")] == [
        (2, "机构编码"),
        (2, "行政区划代码"),
    ]


def test_years_of_two_digits_are_read_beside_those_of_three_and_recorded(read):
    data = read(
        "名称,经度,纬度,开业时间\n甲,118.87,28.97,98.5.1\n乙,118.95,28.94,109.5.29\n", datum="wgs84"
    )
    assert data.frame["opened"].dt.year.tolist() == [2009, 2020]
    assert [item.row for item in found(data, "facility.date_short_year")] == [2]


def test_a_column_written_once_is_filled_down_when_told(read):
    text = "乡镇,名称,床位数\n甲镇,一院,3\n,二院,4\n合计,,7\n乙镇,三院,5\n"
    data = read(text, fill_down=["乡镇"])
    assert data.frame["declared_unit"].tolist() == ["甲镇", "甲镇", "乙镇"]
    said = found(data, "table.filled_down")
    assert [(item.row, item.value, item.details["first"]) for item in said] == [(3, "甲镇", 2)]
    assert read(text).frame["name"].tolist() == ["一院", "三院"]
    with pytest.raises(InputError) as caught:
        read(text, fill_down=["村"])
    assert caught.value.problems[0].code == "table.fill_down_missing"


def test_the_sum_below_a_known_title_is_the_capacity(read):
    data = read(
        "名称,经度,纬度,核定床位数,\n,,,小计,护理型\n甲,118.87,28.97,30,20\n", datum="wgs84"
    )
    assert data.frame[["capacity", "nursing_beds"]].iloc[0].tolist() == [30.0, 20.0]


def test_a_total_among_the_columns_to_sum_is_noticed(read):
    text = "名称,经度,纬度,总数,自理,护理\n" + "".join(
        f"n{at},118.8{at},28.97,{10 + 2 * at},{10 + at},{at}\n" for at in range(5)
    )
    data = read(text, datum="wgs84", capacity_sum=["总数", "自理", "护理"])
    assert [item.column for item in found(data, "facility.sum_doubles")] == ["总数"]


def test_hostile_text_is_kept_as_it_is(read):
    name = "=1+1<script>${x}`</script>"
    data = read(f"name,lon,lat,x1\n{name},118.87,28.97,{name}\n", datum="wgs84")
    assert data.frame["name"].tolist() == [name]
    assert json.loads(data.frame["extra"][0]) == {"x1": name}


# Identity


def test_ids_follow_from_name_and_place_and_not_from_the_order(read):
    head = "序号,名称,经度,纬度,床位数\n"
    first = read(head + "1,甲院,118.87,28.97,1\n2,乙院,118.95,28.94,2\n", datum="wgs84")
    again = read(head + "1,乙院,118.950001,28.94,9\n2,甲 院,118.87,28.97,8\n", datum="wgs84")
    assert first.frame["facility_id"].tolist() == again.frame["facility_id"].tolist()[::-1]
    assert first.frame["facility_id"].str.fullmatch(r"care_home:[0-9a-f]{8}").all()


def test_duplicates_are_proposed_and_kept(read):
    data = read(
        "编码,名称,经度,纬度,乡镇\n"
        "a,甲院,118.87,28.97,\nb,甲院,118.87,28.97,\nc,丙院,118.87,28.97,\nc,丁院,118.9,28.9,\n"
        "d,戊院,,,甲镇\ne,戊院,,,甲镇\nf,戊院,,,乙镇\n",
        datum="wgs84",
    )
    assert len(data.frame) == 7
    assert [(item.row, item.details["first"]) for item in found(data, "facility.duplicate")] == [
        (3, 2),
        (7, 6),
    ]
    assert [item.row for item in found(data, "facility.same_place")] == [4]
    assert [(item.row, item.value) for item in found(data, "facility.same_code")] == [(5, "c")]
    assert data.frame["facility_id"].tolist()[2:4] == ["care_home:c", "care_home:c#2"]


def test_a_running_number_is_no_code(read):
    text = "编号,名称,经度,纬度\n1,甲,118.87,28.97\n2,乙,118.95,28.94\n"
    data = read(text, datum="wgs84")
    assert data.frame["code"].tolist() == ["", ""]
    assert len(found(data, "facility.running_number")) == 1
    told = read(None, datum="wgs84", columns={"code": "编号"})
    assert told.frame["facility_id"].tolist() == ["care_home:1", "care_home:2"]


def test_stand_ins_say_so(read):
    assert read("名称,经度,纬度\n甲,118.87,28.97\n", datum="wgs84", invented=True).frame[
        "invented"
    ].tolist() == [True]


# Geometries


def geojson(geometries, *, crs=True, names="甲乙丙丁戊己"):
    features = [
        {"type": "Feature", "properties": {"name": name, "床位数": 30, "n": 2.5}, "geometry": item}
        for name, item in zip(names, geometries, strict=False)
    ]
    data = {"type": "FeatureCollection", "features": features}
    if crs:
        data["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    return json.dumps(data, ensure_ascii=False)


def point(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def test_geojson_with_a_crs_is_wgs84_and_one_that_is_silent_must_be_declared(read):
    both = [point(*pair) for pair in zip(LON, LAT, strict=True)]
    data = read(geojson(both), name="a.geojson")
    assert points(data) == list(zip(LON, LAT, strict=True))
    assert data.frame["capacity"].tolist() == [30.0, 30.0]
    assert data.frame["source_row"].tolist() == [1, 2]
    assert json.loads(data.frame["extra"][0]) == {"n": "2.5"}
    silent = geojson(both, crs=False)
    assert (
        refusal(lambda: read(silent, name="a.geojson"), CrsError).code
        == "facility.no_datum_geojson"
    )
    assert points(read(silent, name="a.geojson", datum="wgs84")) == points(data)
    assert points(read(silent, name="a.geojson", crs="EPSG:4326")) == points(data)


def test_geojson_in_bd09_says_so_in_the_project(read):
    x, y = wgs84_to_bd09(LON, LAT)
    both = [point(float(one), float(other)) for one, other in zip(x, y, strict=True)]
    assert points(read(geojson(both), name="a.geojson", datum="bd09")) == list(
        zip(LON, LAT, strict=True)
    )


def test_wrong_features_of_a_geojson_are_set_aside_one_by_one(read):
    shapes = [
        point(118.87, 28.97),
        None,
        {"type": "LineString", "coordinates": [[118, 28], [119, 29]]},
        {"type": "Polygon", "coordinates": [[[118, 28], [118, 29], [119, 29], [118, 28]]]},
        point(28.9, 118.9),
        point(0, 0),
    ]
    data = read(geojson(shapes), name="a.geojson")
    assert data.frame["name"].tolist() == ["甲", "丁"]
    assert [(item.code, item.row) for item in data.problems if item.action == "set_aside"] == [
        ("facility.no_place", 2),
        ("facility.bad_place", 3),
        ("facility.swapped", 5),
        ("facility.no_place", 6),
    ]
    assert shapely.box(118, 28, 119, 29).contains(data.frame.geometry[1])


def test_a_polygon_gives_a_point_inside_it_even_where_it_is_bent_or_crossed(read):
    ell = [[0, 0], [0, 1], [0.1, 1], [0.1, 0.1], [1, 0.1], [1, 0], [0, 0]]
    bow_tie = [[2, 0], [3, 1], [3, 0], [2, 1], [2, 0]]
    shapes = [{"type": "Polygon", "coordinates": [ring]} for ring in (ell, bow_tie)]
    data = read(geojson(shapes), name="a.geojson", datum="wgs84")
    assert shapely.Polygon(ell).contains(data.frame.geometry[0])
    assert (
        shapely.Polygon(bow_tie)
        .buffer(0)
        .union(shapely.make_valid(shapely.Polygon(bow_tie)))
        .contains(data.frame.geometry[1])
    )


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "parquet"])
def test_layers_in_a_projected_crs(read, tmp_path, suffix):
    frame = gpd.GeoDataFrame(
        {"名称": ["甲", "乙"], "编码": ["001", "002"]},
        geometry=gpd.points_from_xy([500000.0, 500000.0], [3320113.398, 3320113.398]),
        crs="EPSG:4549",
    )
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, encoding="GB18030" if suffix == "shp" else None)
    data = read(None, name=path.name)
    assert data.frame["name"].tolist() == ["甲", "乙"]
    assert data.frame["code"].tolist() == ["001", "002"]
    assert points(data) == [(120.0, 30.0)] * 2
    assert data.frame["datum"].tolist() == ["cgcs2000"] * 2


def test_a_declared_crs_against_the_files_own_is_refused(read):
    text = geojson([point(118.87, 28.97)])
    problem = refusal(lambda: read(text, name="a.geojson", crs="EPSG:4549"), CrsError)
    assert problem.code == "vector.crs_conflict"


def test_parameters_of_an_old_datum_without_a_system_are_refused(read):
    problem = refusal(
        lambda: read("名称,经度,纬度\n甲,118.87,28.97\n", towgs84=[12.3, -145.6, -78.9]), CrsError
    )
    assert (problem.code, problem.column) == ("crs.towgs84_alone", "towgs84")


def test_a_broken_geojson_is_refused_with_its_line(read):
    problem = refusal(
        lambda: read('{"type": "FeatureCollection",\n"features": [m]}', name="a.json")
    )
    assert (problem.code, problem.row) == ("vector.bad_json", 2)


OSM = """<?xml version='1.0'?><osm version="0.6">
<node id="1" lon="118.87" lat="28.97"><tag k="amenity" v="nursing_home"/><tag k="name" v="甲"/>
<tag k="capacity" v="40"/><tag k="start_date" v="2015"/><tag k="phone" v="1"/></node>
<node id="2" lon="118.95" lat="28.94"><tag k="amenity" v="school"/><tag k="name" v="乙"/></node>
</osm>"""


def test_tags_of_an_osm_file(read):
    data = read(OSM, name="a.osm", selectors=("amenity=nursing_home",))
    row = data.frame.iloc[0]
    assert (row["facility_id"], row["name"], row["capacity"]) == ("care_home:node/1", "甲", 40.0)
    assert row["opened"] == pd.Timestamp("2015-01-01")
    assert json.loads(row["extra"]) == {"amenity": "nursing_home", "phone": "1"}
    assert row["source_row"] is pd.NA
    both = read(OSM, name="a.osm", selectors=("amenity=nursing_home",), osm=["amenity=school"])
    assert sorted(both.frame["name"]) == ["乙", "甲"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "facility.no_selectors"),
        ({"osm": ["amenity=bank"]}, "facility.no_tags"),
        ({"osm": ["amenity=school"], "datum": "gcj02"}, "facility.osm_datum"),
    ],
)
def test_what_an_osm_file_cannot_give_is_refused(read, options, code):
    assert refusal(lambda: read(OSM, name="a.osm", **options)).code == code


def test_a_missing_file_is_named_as_in_the_project(read):
    problem = refusal(lambda: read(None, name="lists/nowhere.gpkg"))
    assert (problem.code, problem.value) == ("input.missing_file", "lists/nowhere.gpkg")


# Datum


def grid_units():
    """Return 400 cells of about 200 m with names, in Zhejiang."""
    cells = [
        (shapely.box(118.8 + i / 500, 28.9 + j / 500, 118.802 + i / 500, 28.902 + j / 500), i, j)
        for i in range(20)
        for j in range(20)
    ]
    return gpd.GeoDataFrame(
        {
            "name": [f"第{i}之{j}村" for _, i, j in cells],
            "code": [f"{i:02}{j:02}" for _, i, j in cells],
        },
        geometry=[cell for cell, _, _ in cells],
        crs=4326,
    )


@pytest.mark.parametrize(
    ("datum", "shift"),
    [("wgs84", lambda x, y: (x, y)), ("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)],
)
@pytest.mark.parametrize("stated", ["name", "code", "stem"])
def test_the_datum_is_found_by_the_stated_units(read, datum, shift, stated):
    units = grid_units()
    inside = units.geometry.representative_point()
    x, y = shift(inside.x.to_numpy(), inside.y.to_numpy())
    names = units["name"].str.removesuffix("村") if stated == "stem" else units[stated]
    text = "名称,经度,纬度,村\n" + "".join(
        f"n{at},{one!r},{other!r},{name}\n"
        for at, (one, other, name) in enumerate(
            zip(np.asarray(x).tolist(), np.asarray(y).tolist(), names, strict=True)
        )
    )
    data = read(text, datum="auto", units=units)
    assert set(data.frame["datum"]) == {datum}
    assert np.allclose(data.frame.geometry.x, inside.x, atol=1e-9)
    assert "400/400" in found(data, "facility.datum_detected")[0].text("en")


def test_a_datum_without_evidence_is_refused_with_the_figures(read):
    wide = gpd.GeoDataFrame(
        {"name": ["示例县"], "code": ["330899"]}, geometry=[shapely.box(118, 28, 120, 30)], crs=4326
    )
    text = "名称,经度,纬度,区县\n" + "".join(f"n{at},118.9{at},28.9,示例县\n" for at in range(9))
    problem = refusal(lambda: read(text, datum="auto", units=wide), CrsError)
    assert problem.code == "facility.datum_undecided"
    assert "wgs84 9/9, gcj02 9/9, bd09 9/9" in problem.text("en")
    assert refusal(lambda: read(text, datum="auto"), CrsError).code == "facility.auto_needs_units"


def test_six_points_are_too_few_and_seven_enough():
    # One-sided sign test: 0.5 ** 6 = 0.016, 0.5 ** 7 = 0.008.
    units = grid_units()
    inside = units.geometry.representative_point()
    for count, datum in ((6, None), (7, "wgs84")):
        result = detect_datum(
            inside.x[:count],
            inside.y[:count],
            polygons=units,
            stated=units["name"][:count].tolist(),
        )
        assert result.datum == datum
        assert result.chance == pytest.approx(0.5**count)


def test_outside_mainland_china_gcj02_is_no_rival():
    units = grid_units()
    units["geometry"] = shapely.transform(
        units.geometry.to_numpy(), lambda at: at + np.array([2.7, -3.9])
    )
    inside = units.geometry.representative_point()
    result = detect_datum(inside.x, inside.y, polygons=units, stated=units["name"].tolist())
    assert (result.datum, result.scores["gcj02"]) == ("wgs84", 400)


# Nothing is lost

CELL = st.one_of(
    st.sampled_from(
        ["", "118.9", "28.9", "inf", "nan", "-", "x", "500000", "合计", "甲镇", "注：x"]
    ),
    st.floats(-200, 200, allow_nan=False).map(repr),
)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), max_size=12))
@settings(max_examples=120, deadline=None)
def test_rows_in_are_rows_used_and_rows_set_aside(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    lines = [
        "名称,经度,纬度,乡镇,床位数",
        "甲,118.87,28.97,甲镇,3",
        *[",".join(row) for row in rows],
    ]
    (folder / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    given_settings = FacilitySettings(path=Path("a.csv"), datum="wgs84")
    try:
        data = read_facilities(given_settings, layer="x", base=folder)
    except InputError as error:
        # Only a file in which nearly all rows are swapped is refused as a whole.
        assert error.problems[0].code in ("facility.swapped_file", "facility.metres")
        return
    filled = [at for at, row in enumerate(rows, start=3) if any(row)]
    used = set(data.frame["source_row"])
    aside = {problem.row for problem in data.problems if problem.action == "set_aside"}
    assert used.isdisjoint(aside)
    assert used | aside == {2, *filled}
    assert data.rows_in == len(filled) + 1
    assert data.frame["facility_id"].is_unique


# The register


REGISTER = "名称,经度,纬度,床位数,状态,开业时间,停业日期,改造时间,计划开业时间,服务村居,成员单位\n"


def register(read, *rows, **options):
    lines = "".join(f"甲{at},118.87,{28.97 + at / 100},{row}\n" for at, row in enumerate(rows))
    return read(REGISTER + lines, datum="wgs84", **options)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2021-05-03", "2021-05-03", "2021-05-03"),
        ("2021/5/3", "2021-05-03", "2021-05-03"),
        ("2021.5.3", "2021-05-03", "2021-05-03"),
        ("2021年5月3日", "2021-05-03", "2021-05-03"),
        ("20210503", "2021-05-03", "2021-05-03"),
        ("44319", "2021-05-03", "2021-05-03"),
        ("44319.0", "2021-05-03", "2021-05-03"),
        ("110.5.3", "2021-05-03", "2021-05-03"),
        ("民国110年5月3日", "2021-05-03", "2021-05-03"),
        ("2021-05-03 00:00:00", "2021-05-03", "2021-05-03"),
        ("2021.5", "2021-05-01", "2021-05-31"),
        ("2020年2月", "2020-02-01", "2020-02-29"),
        ("202112", "2021-12-01", "2021-12-31"),
        ("2021年", "2021-01-01", "2021-12-31"),
        ("２０２１", "2021-01-01", "2021-12-31"),
        ("民国110年", "2021-01-01", "2021-12-31"),
    ],
)
def test_dates_as_offices_write_them(read, text, first, last):
    for stands_for, expected in (("first", first), ("last", last)):
        data = register(read, f",,{text},,,,,", partial_dates=stands_for)
        assert str(data.frame["opened"][0].date()) == expected
        mended = found(data, f"facility.date_{stands_for}_day")
        assert [one.row for one in mended] == ([2] if first != last else [])


def test_every_partial_date_is_a_record_of_its_own(read):
    data = register(read, ",,2020,,,2026,,", ",,2021-01-01,,,,,", ",,2022.3,,,,,")
    told = [(one.row, one.column, one.action) for one in found(data, "facility.date_first_day")]
    assert sorted(told) == [
        (2, "开业时间", "mended"),
        (2, "计划开业时间", "mended"),
        (4, "开业时间", "mended"),
    ]
    assert str(data.frame["planned"][0].date()) == "2026-01-01"


def test_dates_out_of_order_are_flagged(read):
    data = register(read, ",,2020-01-01,2019-01-01,2018-01-01,,,")
    codes = ["facility.closed_before_opened", "facility.renovated_before_opened"]
    assert [one.code for one in data.problems] == codes
    assert [one.column for one in data.problems] == ["停业日期", "改造时间"]


def test_a_capacity_of_zero_is_no_blank(read):
    data = register(read, "0,,,,,,,", ",,,,,,,", "0张,,,,,,,", "—,,,,,,,")
    assert data.frame["capacity"].fillna(-1).tolist() == [0, -1, 0, -1]
    assert data.problems == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("在营", "open"),
        ("试运营", "open"),
        ("试营业", "open"),
        ("在建", "planned"),
        ("筹建", "planned"),
        ("规划", "planned"),
        ("拟建", "planned"),
        ("即将开业", "planned"),
        ("停业", "closed"),
        ("撤销", "closed"),
        ("注销", "closed"),
        ("停业整顿", "closed"),
        ("籌建", "planned"),
        ("", ""),
    ],
)
def test_words_for_the_status(read, word, status):
    data = register(read, f",{word},,,,,,")
    assert data.frame["status"].tolist() == [status]
    assert data.problems == ()


def test_lists_of_units_and_members(read):
    data = register(
        read, ",,,,,,中央里;,", ",,,,,,甲村、乙村／丙村,甲站；乙站", ",,,,,,卧龙分区（甲里、乙里）,"
    )
    assert data.frame["serves"].tolist() == ["中央里", "甲村;乙村;丙村", "甲里;乙里"]
    assert data.frame["members"].tolist() == ["", "甲站;乙站", ""]


def test_later_records_bear_the_titles_of_the_file(read):
    text = "机构名称,经度,纬度,乡镇代码,所属乡镇\n甲,118.87,28.97,1,东镇\n"
    data = read(text, datum="wgs84")
    fault = {"severity": "warning", "file": "homes.csv", "row": 2}
    for ours, title in (("declared_unit", "乡镇代码"), ("name", "机构名称"), ("serves", "serves")):
        before = Problem(
            code="presence.unknown_served_unit",
            column=ours,
            value="x",
            details={"layer": "care_home"},
            **fault,
        )
        (after,) = with_titles([before], {"care_home": data})
        assert after.column == title
        assert (after.row, after.value) == (2, "x")
    other = Problem(code="facility.not_open", column="name", **fault)
    assert with_titles([other], {"care_home": data}) == [other]


def test_a_place_far_from_all_units_is_not_used(read):
    area = gpd.GeoDataFrame(
        {"name": ["甲县"], "code": ["1"]}, geometry=[shapely.box(118.8, 28.9, 119, 29)], crs=4326
    )
    # 30 km north of 29° is 29.2698°.
    rows = "名称,经度,纬度,所属区县\n甲,118.9,28.95,\n乙,118.9,29.269,\n丙,118.9,29.271,\n"
    data = read(rows + "丁,108.9,28.95,甲县\n", datum="wgs84", units=area)
    assert data.frame["name"].tolist() == ["甲", "乙", "丁"]
    assert data.frame.geometry.isna().tolist() == [False, False, True]
    assert [(one.code, one.row, one.action) for one in data.problems] == [
        ("facility.far_away", 4, "set_aside"),
        ("facility.far_away", 5, "flagged"),
    ]
    assert len(read(rows, datum="wgs84", units=area, far_km=31).frame) == 3
    # Where nearly all are far the rows are not at fault.
    away = read("名称,经度,纬度\n甲,108.9,28.95\n", datum="wgs84", units=area)
    assert found(away, "facility.far_away") == []
