"""Boundary files as they come: encodings, coordinate systems, broken rings, codes, parents."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.boundaries import link_parents, read_boundaries, read_scope
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.topology import measure_overlaps
from servicecircle.project import BoundarySettings

SQUARES = [shapely.box(118.0 + 0.01 * i, 28.0, 118.01 + 0.01 * i, 28.01) for i in range(4)]


def frame(columns: dict, shapes=None, crs="EPSG:4490") -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=shapes or SQUARES[:count], crs=crs)


def geojson(path: Path, features: list[tuple[dict, dict | None]], **more) -> Path:
    rows = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", **more, "features": rows}, ensure_ascii=False),
        encoding="utf-8",
    )
    return path


def polygon(*points: tuple[float, float]) -> dict:
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


SQUARE = polygon((118.0, 28.0), (118.01, 28.0), (118.01, 28.01), (118.0, 28.01))


def read(path: Path, level: str = "township", **settings):
    return read_boundaries(
        BoundarySettings(path=Path(path.name), **settings), level=level, base=path.parent
    )


def codes_of(problems) -> list[str]:
    return [problem.code for problem in problems]


def fault(caught) -> tuple[str, str]:
    (problem,) = caught.value.problems
    return problem.code, problem.text("en") + problem.text("zh")


# --- formats and contract ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "parquet"])
def test_every_format_gives_the_same_units(tmp_path, suffix):
    source = frame(
        {"CODE": ["330881001", "330881102"], "名称": ["双塔街道", "四都镇"], "人口": [1200, 800]},
        crs="EPSG:4326",
    )
    path = tmp_path / f"towns.{suffix}"
    if suffix == "parquet":
        source.to_parquet(path)
    else:
        pyogrio.write_dataframe(source, path)
    units, problems = read(path)
    assert units["unit_id"].tolist() == ["township:330881001", "township:330881102"]
    assert units["name"].tolist() == ["双塔街道", "四都镇"]
    assert units["is_urban"].tolist() == [True, False]
    assert units["population"].tolist() == [1200.0, 800.0]
    assert units["elderly"].isna().all()
    assert units["should_have"].all()
    assert units.crs.to_epsg() == 4326
    assert units.geometry.to_numpy()[0].equals(SQUARES[0])
    assert list(units.columns) == [
        "unit_id", "code", "name", "level", "type", "parent_id", "parent_hint",
        "parent_name", "should_have",
        "is_urban", "population", "elderly", "households", "floor_area_m2", "built", "basis",
        "age_from", "valid_from",
        "valid_to", "geometry",
    ]  # fmt: skip
    assert problems == []


def test_a_geopackage_with_several_layers_needs_a_choice(tmp_path):
    path = tmp_path / "all.gpkg"
    for layer in ("towns", "villages"):
        pyogrio.write_dataframe(frame({"name": [layer]}), path, layer=layer)
    with pytest.raises(InputError) as caught:
        read(path)
    assert fault(caught)[0] == "vector.several_layers"
    with pytest.raises(InputError) as caught:
        read(path, layer="town")
    code, text = fault(caught)
    assert code == "vector.no_such_layer"
    assert '"towns"' in text
    units, _ = read(path, layer="villages")
    assert units["name"].tolist() == ["villages"]


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "notes"),
    [
        ("GBK", []),
        ("936", []),
        ("ANSI 936", []),
        (None, ["vector.encoding_guessed"]),
        ("", ["vector.encoding_guessed"]),
        ("UTF-8", ["vector.encoding_guessed"]),
        ("nonsense", ["vector.encoding_guessed"]),
    ],
)
def test_gbk_attributes_with_and_without_a_cpg(tmp_path, page, notes):
    path = tmp_path / "乡镇.shp"
    pyogrio.write_dataframe(
        frame({"名称": ["甽江镇", "双塔街道"], "人口": [10, 20]}), path, encoding="GB18030"
    )
    path.with_suffix(".cpg").unlink()
    if page is not None:
        path.with_suffix(".cpg").write_text(page, encoding="ascii")
    units, problems = read(path)
    assert units["name"].tolist() == ["甽江镇", "双塔街道"]
    assert units["population"].tolist() == [10.0, 20.0]
    assert codes_of(problems) == notes


def test_utf8_attributes_without_a_cpg(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"名称": ["四都镇"]}), path, encoding="UTF-8")
    path.with_suffix(".cpg").unlink()
    assert read(path)[0]["name"].tolist() == ["四都镇"]


def test_an_explicit_encoding_wins_and_a_wrong_one_is_refused(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"name": ["中央里"]}), path, encoding="CP950")
    path.with_suffix(".cpg").write_text("UTF-8", encoding="ascii")
    assert read(path, encoding="big5")[0]["name"].tolist() == ["中央里"]
    with pytest.raises(InputError) as caught:
        read(path, encoding="utf-8")
    code, text = fault(caught)
    assert code == "vector.encoding"
    assert "row 1" in text
    assert "name" in text


@pytest.mark.parametrize(
    ("written", "page", "other"),
    [("UTF-8", "GBK", "UTF-8"), ("GB18030", "ISO-8859-1", "GB18030"), ("UTF-8", "1252", "UTF-8")],
)
def test_a_cpg_that_makes_gibberish_is_not_silent(tmp_path, written, page, other):
    path = tmp_path / "towns.shp"
    names = ["四都", "江山"]  # two letters each: six bytes of UTF-8 are three letters of GBK
    pyogrio.write_dataframe(frame({"name": names}), path, encoding=written)
    path.with_suffix(".cpg").write_text(page, encoding="ascii")
    units, problems = read(path)
    doubts = [problem for problem in problems if problem.code == "vector.encoding_doubtful"]
    assert units["name"].tolist() != names
    assert [problem.details["other"] for problem in doubts] == [other]
    assert "四都" in doubts[0].text("zh")
    assert read(path, encoding=written)[0]["name"].tolist() == names


def test_western_names_declared_as_such_raise_no_doubt(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"name": ["Orléans", "Zürich"]}), path, encoding="ISO-8859-1")
    path.with_suffix(".cpg").write_text("ISO-8859-1", encoding="ascii")
    units, problems = read(path)
    assert units["name"].tolist() == ["Orléans", "Zürich"]
    assert problems == []


def test_a_gbk_geojson_is_read_and_noted(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [({"名称": "四都镇"}, SQUARE)])
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    units, problems = read(path)
    assert units["name"].tolist() == ["四都镇"]
    assert codes_of(problems) == ["vector.encoding_guessed"]


# --- coordinate systems --------------------------------------------------------------------------


def test_no_crs_is_refused_and_can_be_declared(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"name": ["a"]}).to_crs("EPSG:4549"), path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(CrsError) as caught:
        read(path)
    code, text = fault(caught)
    assert code == "vector.no_crs"
    assert "EPSG:4549" in text
    units, _ = read(path, crs="EPSG:4549")
    corners = shapely.get_coordinates(units.geometry.to_numpy())
    assert corners.max(axis=0) == pytest.approx([118.01, 28.01], abs=1e-9)


def test_a_declared_crs_that_contradicts_the_file_is_refused(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"name": ["a"]}).to_crs("EPSG:4549"), path)
    with pytest.raises(CrsError) as caught:
        read(path, crs="EPSG:4547")
    assert fault(caught)[0] == "vector.crs_conflict"
    # The .prj is in ESRI's spelling: the same system under another name is no conflict.
    assert len(read(path, crs="EPSG:4549")[0]) == 1
    with pytest.raises(CrsError) as caught:
        read(path, crs="EPSG:nonsense")
    assert fault(caught)[0] == "vector.bad_crs"


def test_wgs84_declared_for_cgcs2000_is_no_conflict(tmp_path):
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame({"name": ["a"]}, crs="EPSG:4490"), path)
    assert len(read(path, crs="EPSG:4326")[0]) == 1


def test_zone_prefix_left_out_or_put_in_front_is_refused(tmp_path):
    path = tmp_path / "towns.shp"
    pyogrio.write_dataframe(frame({"name": ["a"]}).to_crs("EPSG:4528"), path)  # 40 500 000 m
    path.with_suffix(".prj").unlink()
    assert len(read(path, crs="EPSG:4528")[0]) == 1
    with pytest.raises(CrsError) as caught:
        read(path, crs="EPSG:4549")
    assert fault(caught)[0] == "vector.outside_crs"


@pytest.mark.parametrize("crs", ["EPSG:2412", "EPSG:2379", "EPSG:4214"])
def test_old_grids_are_refused(tmp_path, crs):
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame({"name": ["a"]}, crs=crs), path)
    with pytest.raises(CrsError) as caught:
        read(path)
    assert fault(caught)[0] == "vector.old_grid"


def test_swapped_latitude_and_longitude(tmp_path):
    swapped = polygon((28.0, 118.0), (28.0, 118.01), (28.01, 118.01))
    path = geojson(tmp_path / "towns.geojson", [({"name": "a"}, swapped)])
    with pytest.raises(CrsError) as caught:
        read(path)
    code, text = fault(caught)
    assert code == "vector.swapped"
    assert "x = 28, y = 118" in text


def test_metres_in_a_geojson_that_states_no_crs(tmp_path):
    square = frame({"name": ["a"]}).to_crs("EPSG:4549").geometry.iloc[0]
    path = geojson(tmp_path / "towns.geojson", [({"name": "a"}, shapely.geometry.mapping(square))])
    with pytest.raises(CrsError) as caught:
        read(path)
    assert fault(caught)[0] == "vector.projected"
    units, _ = read(path, crs="EPSG:4549")
    assert areas_m2(units.geometry.to_numpy()) == pytest.approx(
        areas_m2(np.array(SQUARES[:1])), rel=1e-9
    )


def test_one_vertex_out_of_range(tmp_path):
    square = polygon((118.0, 28.0), (200.0, 28.0), (118.01, 28.01))
    path = geojson(tmp_path / "towns.geojson", [({"name": "a"}, square)])
    with pytest.raises(CrsError) as caught:
        read(path)
    assert fault(caught)[0] == "vector.out_of_range"


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_a_datum_is_undone_and_shared_borders_stay_shared(tmp_path, datum, shift):
    moved = [
        shapely.transform(square, lambda p: np.column_stack(shift(p[:, 0], p[:, 1])))
        for square in SQUARES[:2]
    ]
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame({"name": ["a", "b"]}, moved, crs="EPSG:4326"), path)
    units, _ = read(path, datum=datum)
    got = units.geometry.to_numpy()
    assert shapely.get_coordinates(got) == pytest.approx(
        shapely.get_coordinates(SQUARES[:2]), abs=1e-9
    )
    shared = [set(map(tuple, shapely.get_coordinates(shape).tolist())) for shape in got]
    assert len(shared[0] & shared[1]) == 2


def test_datum_auto_is_refused_for_polygons(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [({"name": "a"}, SQUARE)])
    with pytest.raises(CrsError) as caught:
        read(path, datum="auto")
    assert fault(caught)[0] == "vector.datum_auto"


# --- files that are refused ----------------------------------------------------------------------


def test_missing_file(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path / "no.gpkg")
    assert fault(caught)[0] == "input.missing_file"


def test_broken_json_names_line_and_character(tmp_path):
    path = tmp_path / "towns.geojson"
    path.write_text('{"type": "FeatureCollection",\n"features": [}]}', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert problem.code == "vector.bad_json"
    assert problem.row == 2
    assert problem.details["position"] == 14
    assert "line 2, character 14" in problem.text("en")


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"type": "FeatureCollection"}', '"x"'])
def test_json_that_is_no_geojson(tmp_path, text):
    path = tmp_path / "towns.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read(path)


def test_truncated_and_foreign_files(tmp_path):
    good = tmp_path / "good.gpkg"
    pyogrio.write_dataframe(frame({"name": ["a"]}), good)
    for name, data in [
        ("cut.gpkg", good.read_bytes()[:5000]),
        ("noise.shp", b"\x00\x01" * 500),
        ("noise.parquet", b"PAR1 nothing"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as caught:
            read(tmp_path / name)
        assert caught.value.problems[0].code == "input.unreadable"
    pd.DataFrame({"name": ["a"]}).to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "plain.parquet")


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    (tmp_path / "towns.dwg").write_bytes(b"AC1027")
    with pytest.raises(InputError, match=r"\.geojson.*\.shp"):
        read(tmp_path / "towns.dwg")


def test_an_empty_layer_is_refused(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [])
    with pytest.raises(InputError) as caught:
        read(path)
    assert fault(caught)[0] == "input.empty_layer"
    path = geojson(tmp_path / "none.geojson", [({"name": "a"}, None)])
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.problems[0].code == "input.empty_layer"


# --- columns -------------------------------------------------------------------------------------


def test_a_declared_column_that_is_missing_names_the_nearest(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [({"TOWNNAME": "a", "X": 1}, SQUARE)])
    with pytest.raises(InputError) as caught:
        read(path, columns={"name": "TOWN_NAME", "population": "X+Y"}, urban={"Z": ["1"]})
    problems = caught.value.problems
    assert [problem.value for problem in problems] == ["TOWN_NAME", "Y"]
    assert problems[0].details["near"] == "TOWNNAME"
    with pytest.raises(InputError) as caught:
        read(path, columns={"name": "TOWNNAME"}, urban={"Z": ["1"]})
    assert fault(caught)[0] == "unit.no_such_column"


def test_neither_name_nor_code(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [({"foo": 1}, SQUARE)])
    with pytest.raises(InputError) as caught:
        read(path)
    code, text = fault(caught)
    assert code == "unit.no_name_column"
    assert "foo" in text


def test_town_is_a_name_of_a_township_and_a_parent_of_a_village(tmp_path):
    rows = [({"TOWN": "凤林镇", "VILLAGE": "大悲山村", "TOWN_ID": 330881118}, SQUARE)]
    path = geojson(tmp_path / "both.geojson", rows)
    village = read(path, level="village_level")[0].iloc[0]
    assert (village["name"], village["parent_hint"]) == ("大悲山村", "330881118")
    town = read(path, level="township")[0].iloc[0]
    assert (town["name"], town["code"]) == ("凤林镇", "330881118")


def test_columns_are_added_up_and_unknown_parts_stay_unknown(tmp_path):
    rows = [
        ({"name": "a", "m": 10, "f": 20, "old": "1,003人"}, SQUARE),
        ({"name": "b", "m": 10, "f": None, "old": "—"}, SQUARE),
        ({"name": "c", "m": 10, "f": -1, "old": "many"}, SQUARE),
    ]
    path = geojson(tmp_path / "towns.geojson", rows)
    units, problems = read(path, columns={"population": "m + f", "elderly": "old"})
    assert units["population"].tolist()[0] == 30.0
    assert units["population"].isna().tolist() == [False, True, True]
    # 1,003 elderly among 30 people: cut, and said.
    assert units["elderly"].tolist()[0] == 30.0
    assert units["elderly"].isna().tolist() == [False, True, True]
    found = {(problem.code, problem.row, problem.value) for problem in problems}
    assert ("unit.bad_number", 3, "-1.0") in found or ("unit.bad_number", 3, "-1") in found
    assert ("unit.bad_number", 3, "many") in found
    assert ("unit.elderly_above_population", 1, "1003") in found


def test_two_columns_of_people_are_pointed_out(tmp_path):
    path = geojson(
        tmp_path / "towns.geojson", [({"name": "a", "户籍人口": 9, "常住人口": 7}, SQUARE)]
    )
    units, problems = read(path)
    assert units["population"].tolist() == [7.0]
    assert codes_of(problems) == ["unit.column_choice"]


# --- types, urban, should_have -------------------------------------------------------------------


def test_types_of_villages(tmp_path):
    rows = [
        ({"name": "中山社区"}, SQUARE),
        ({"name": "大悲山村"}, SQUARE),
        ({"name": "城东", "类型": "居委会"}, SQUARE),
        ({"name": "石梁", "类型": "行政村"}, SQUARE),
        ({"name": "农场", "类型": "其他"}, SQUARE),
        ({"name": "某处"}, SQUARE),
    ]
    path = geojson(tmp_path / "villages.geojson", rows)
    units, _ = read(path, level="village_level")
    assert units["type"].tolist() == ["community", "village", "community", "village", "其他", ""]
    assert units["is_urban"].isna().tolist() == [False, False, False, False, True, True]
    assert units["is_urban"].tolist()[:4] == [True, False, True, False]
    units, _ = read(
        path,
        level="village_level",
        default_type="village",
        should_have_not={"类型": ["其他", "水库"]},
        urban={"name": ["某处"]},
    )
    assert units["type"].tolist()[-1] == "village"
    assert units["should_have"].tolist() == [True, True, True, True, False, True]
    assert units["is_urban"].tolist() == [False] * 5 + [True]


def test_a_value_that_never_occurs_is_flagged(tmp_path):
    path = geojson(tmp_path / "towns.geojson", [({"name": "a", "kind": "农场"}, SQUARE)])
    _, problems = read(path, should_have_not={"kind": ["农厂"]})
    assert [(problem.code, problem.value) for problem in problems] == [
        ("unit.value_unused", "农厂")
    ]


# --- geometry ------------------------------------------------------------------------------------


def test_a_bow_tie_is_mended_with_its_areas(tmp_path):
    bow = polygon((118.0, 28.0), (118.01, 28.01), (118.01, 28.0), (118.0, 28.01))
    path = geojson(tmp_path / "towns.geojson", [({"name": "a"}, bow), ({"name": "b"}, SQUARE)])
    units, problems = read(path)
    assert codes_of(problems) == ["unit.invalid_ring"]
    assert (problems[0].row, problems[0].value, problems[0].action) == (1, "a", "mended")
    assert shapely.is_valid(units.geometry.to_numpy()).all()
    half, whole = areas_m2(units.geometry.to_numpy())
    assert half == pytest.approx(whole / 2.0, rel=1e-3)
    # About 0.98 km x 1.11 km, of which the two triangles are half.
    assert float(problems[0].details["after"]) == pytest.approx(0.545, abs=0.01)
    assert float(problems[0].details["before"]) == pytest.approx(0.0, abs=0.001)


def test_rows_without_an_area_are_set_aside_and_counted(tmp_path):
    line = {"type": "LineString", "coordinates": [[118.0, 28.0], [118.1, 28.1]]}
    flat = polygon((118.0, 28.0), (118.01, 28.01), (118.02, 28.02))
    rows = [
        ({"name": "none"}, None),
        ({"name": "empty"}, {"type": "Polygon", "coordinates": []}),
        ({"name": "line"}, line),
        ({"name": "flat"}, flat),
        ({"name": "good"}, SQUARE),
    ]
    path = geojson(tmp_path / "towns.geojson", rows)
    units, problems = read(path)
    assert units["name"].tolist() == ["good"]
    aside = [problem for problem in problems if problem.action == "set_aside"]
    assert sorted((problem.row, problem.code) for problem in aside) == [
        (1, "unit.no_geometry"),
        (2, "unit.no_geometry"),
        (3, "unit.not_polygon"),
        (4, "unit.not_polygon"),
    ]
    assert len(units) + len(aside) == len(rows)


def test_infinite_coordinates_are_set_aside(tmp_path):
    path = tmp_path / "towns.gpkg"
    bad = shapely.Polygon([(118.0, 28.0), (math.inf, 28.0), (118.01, 28.01)])
    pyogrio.write_dataframe(frame({"name": ["a", "b"]}, [bad, SQUARES[1]]), path)
    units, problems = read(path)
    assert units["name"].tolist() == ["b"]
    assert [problem.row for problem in problems if problem.code == "vector.not_finite"] == [1]


def test_third_dimension_is_dropped(tmp_path):
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame({"name": ["a"]}, [shapely.force_3d(SQUARES[0], 7.0)]), path)
    units, _ = read(path)
    assert not shapely.has_z(units.geometry.to_numpy()).any()


# --- ids and codes -------------------------------------------------------------------------------


def test_rows_of_one_code_and_name_become_one_unit(tmp_path):
    rows = {
        "code": ["1", "1", "2", "2"],
        "name": ["a", "a", "b", "c"],
        "population": [30, 30, 5, 6],
        "elderly": [4, 5, 1, 1],
    }
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame(rows), path)
    units, problems = read(path)
    assert units["unit_id"].tolist() == ["township:1", "township:2", "township:2 #2"]
    # Equal numbers repeat the unit's figure, different ones are its parts.
    assert units["population"].tolist() == [30.0, 5.0, 6.0]
    assert units["elderly"].tolist() == [9.0, 1.0, 1.0]
    assert units.geometry.to_numpy()[0].equals(shapely.union_all(SQUARES[:2]))
    assert codes_of(problems) == ["unit.merged_rows", "unit.code_twice"]


def test_ids_without_codes(tmp_path):
    path = tmp_path / "towns.gpkg"
    rows = {"name": ["a", "a", "a", None], "county": ["x", "x", "y", "x"]}
    pyogrio.write_dataframe(frame(rows), path)
    units, problems = read(path)
    assert units["unit_id"].tolist() == [
        "township:a",
        "township:a #2",
        "township:a #3",
        "township:row 4",
    ]
    assert sorted(codes_of(problems)) == ["unit.nameless", "unit.same_name"]


def test_numeric_and_wide_codes_become_plain_text(tmp_path):
    path = tmp_path / "towns.gpkg"
    pyogrio.write_dataframe(frame({"code": [330881118.0, np.nan], "name": ["a", "b"]}), path)
    assert read(path)[0]["code"].tolist() == ["330881118", ""]
    other = geojson(tmp_path / "wide.geojson", [({"code": "０３３０", "name": "a"}, SQUARE)])
    assert read(other)[0]["code"].tolist() == ["0330"]


# --- scopes --------------------------------------------------------------------------------------


def test_a_scope_needs_no_name(tmp_path):
    path = geojson(tmp_path / "urban.geojson", [({"foo": 1}, SQUARE), ({"foo": 2}, None)])
    scope, problems = read_scope(
        BoundarySettings(path=Path(path.name)), scope="main_urban_area", base=tmp_path
    )
    assert list(scope.columns) == ["scope", "name", "geometry"]
    assert scope[["scope", "name"]].to_numpy().tolist() == [["main_urban_area", ""]]
    assert codes_of(problems) == ["unit.no_geometry"]


# --- nesting -------------------------------------------------------------------------------------


def unit(unit_id: str, code: str, name: str, hint: str, shape) -> dict:
    level = unit_id.partition(":")[0]
    row = {"unit_id": unit_id, "code": code, "name": name, "level": level}
    return row | {"parent_id": "", "parent_hint": hint, "geometry": shape}


WEST, EAST = shapely.box(118.0, 28.0, 118.1, 28.1), shapely.box(118.1, 28.0, 118.2, 28.1)


def table(*rows: dict) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.DataFrame(list(rows)), geometry="geometry", crs=4326)


TOWNS = [
    unit("township:330881101", "330881101", "西镇", "", WEST),
    unit("township:330881102000", "330881102000", "东镇", "", EAST),
]


def spot(lon: float) -> shapely.Polygon:
    return shapely.Point(lon, 28.05).buffer(0.004)


@pytest.mark.parametrize(
    ("code", "hint", "lon", "parent", "found"),
    [
        ("", "西镇", 118.05, "township:330881101", []),
        ("", "330881102", 118.15, "township:330881102000", []),
        ("330881101201", "", 118.05, "township:330881101", []),
        ("330881102201", "", 118.15, "township:330881102000", []),
        ("63000020-011", "", 118.15, "township:330881102000", []),
        ("", "西镇", 118.15, "township:330881101", ["unit.parent_elsewhere"]),
        ("330881101201", "", 118.15, "township:330881101", ["unit.parent_elsewhere"]),
        ("", "北镇", 118.15, "township:330881102000", ["unit.parent_unknown"]),
        ("", "", 118.2015, "township:330881102000", []),  # about 150 m beyond the border
        ("", "", 118.3, "", ["unit.no_parent"]),
    ],
)
def test_parents(code, hint, lon, parent, found):
    village = unit(f"village_level:{code or '甲村'}", code, "甲村", hint, spot(lon))
    units, problems = link_parents(table(*TOWNS, village))
    assert units["parent_id"].tolist() == ["", "", parent]
    assert codes_of(problems) == found


def test_a_level_may_be_missing_in_between():
    county = unit("county:330881", "330881", "江山市", "", shapely.union_all([WEST, EAST]))
    village = unit("village_level:330881101201", "330881101201", "甲村", "西镇", spot(118.05))
    units, problems = link_parents(table(county, village))
    assert units["parent_id"].tolist() == ["", "county:330881"]
    assert problems == []


def test_order_of_rows_does_not_matter_and_input_is_not_changed():
    rows = [*TOWNS, unit("village_level:甲村", "", "甲村", "", spot(118.05))]
    units = table(*rows[::-1])
    linked, _ = link_parents(units)
    assert linked["parent_id"].tolist() == ["township:330881101", "", ""]
    assert units["parent_id"].tolist() == ["", "", ""]


def test_overlaps_are_measured():
    # 0.001° of longitude at 28.05° N is 98.3 m, 0.1° of latitude 11,083 m: 109 ha.
    wide = unit("township:9", "9", "宽镇", "", shapely.box(118.199, 28.0, 118.3, 28.1))
    inside = unit("township:8", "8", "内镇", "", shapely.box(118.01, 28.01, 118.02, 28.02))
    units = table(*TOWNS, wide, inside)
    pairs, area, problems = measure_overlaps(units)
    assert pairs.tolist() == [[0, 3], [1, 2]]
    assert area[1] == pytest.approx(98.3 * 11_083, rel=0.002)
    assert area[0] == pytest.approx(areas_m2(units.geometry.to_numpy())[3], rel=1e-9)
    assert codes_of(problems) == ["unit.overlap", "unit.overlap", "unit.overlap_total"]
    assert problems[1].value == "东镇"
    assert problems[1].details["other"] == "宽镇"


def test_neighbours_that_only_touch_do_not_overlap():
    assert len(measure_overlaps(table(*TOWNS))[0]) == 0


# --- validity ------------------------------------------------------------------------------------


def test_units_valid_at_the_date_are_taken(tmp_path):
    rows = [
        ({"name": "江干区", "失效日期": "2021-04-09", "口径": "常住"}, SQUARE),
        ({"name": "钱塘区", "生效日期": "2021-04-09", "口径": "户口"}, SQUARE),
        ({"name": "西湖区", "生效日期": "昨天", "老年起始年龄": 65}, SQUARE),
    ]
    path = geojson(tmp_path / "districts.geojson", rows)

    def names(day: str | None):
        as_of = None if day is None else dt.date.fromisoformat(day)
        units, problems = read_boundaries(
            BoundarySettings(path=Path(path.name)), level="county", base=tmp_path, as_of=as_of
        )
        return units["name"].tolist(), [p.value for p in problems if p.code == "unit.not_valid"]

    assert names("2021-04-08") == (["江干区", "西湖区"], ["钱塘区"])
    assert names("2021-04-09") == (["钱塘区", "西湖区"], ["江干区"])
    assert names(None) == (["江干区", "钱塘区", "西湖区"], [])
    units, problems = read(path, "county")
    assert units["basis"].tolist() == ["resident", "", ""]
    assert units["age_from"].tolist()[2] == 65.0
    assert {(p.code, p.row, p.value) for p in problems} == {
        ("unit.bad_date", 3, "昨天"), ("unit.bad_basis", 2, "户口"),
    }  # fmt: skip
    assert units["valid_to"].iloc[0] == pd.Timestamp("2021-04-09")


def test_one_name_with_two_codes_under_one_parent_is_noted(tmp_path):
    rows = [({"name": "甲村", "code": str(at), "parent": "乙镇"}, SQUARE) for at in (1, 2)]
    _, problems = read(geojson(tmp_path / "villages.geojson", rows), "village_level")
    assert [(p.code, p.severity, p.row) for p in problems] == [("unit.name_twice", "note", 2)]
