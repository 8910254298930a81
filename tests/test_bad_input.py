"""One fault at a time: the run stops, says what, where, rule and remedy, and leaves nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner

from servicecircle.cli import main
from servicecircle.errors import InputError
from servicecircle.project import load_project
from servicecircle.study import check_project, run_project

WEST, NORTH, STEP = 118.60, 28.71, 0.01
PROJECT = """\
[project]
name = "两镇"
as_of = 2025-12-31
language = "zh"

[plans.quzhou]
area = "part"

[boundaries.township]
path = "boundaries/towns.gpkg"

[roads]
path = "roads/roads.gpkg"

[population]
raster = "population/people.tif"
elderly_raster = "population/elderly.tif"
kind = "count"
basis = "resident"
date = 2020-11-01

[facilities.care_home]
path = "facilities/homes.csv"
datum = "wgs84"

[facilities.canteen]
path = "facilities/canteens.csv"
datum = "wgs84"
"""
HOMES = "名称,经度,纬度,开业日期\n东院,118.605,28.705,2019-05-01\n西院,118.615,28.705,2020-06-01\n"
CANTEENS = (
    "name,lon,lat,opened\nfirst,118.604,28.704,2021-01-01\nsecond,118.616,28.706,2022-01-01\n"
)


def boxes(east_by=0.0):
    return [
        shapely.box(
            WEST + at * STEP + east_by, NORTH - STEP, WEST + (at + 1) * STEP + east_by, NORTH
        )
        for at in range(2)
    ]


def towns():
    columns = {"name": ["东镇", "西镇"], "code": ["330800100", "330800101"]}
    return gpd.GeoDataFrame(columns, geometry=boxes(), crs="EPSG:4326")


def roads(highway="residential"):
    across = [
        shapely.LineString([(WEST, y), (WEST + 2 * STEP, y)]) for y in (28.702, 28.705, 28.708)
    ]
    lines = shapely.node(
        shapely.union_all([*across, shapely.LineString([(118.605, 28.7), (118.605, 28.71)])])
    )
    parts = list(shapely.get_parts(lines))
    return gpd.GeoDataFrame({"highway": [highway] * len(parts)}, geometry=parts, crs="EPSG:4326")


def write_raster(path, values, *, crs="EPSG:4326", nodata=-1.0, origin=(WEST, NORTH), cell=0.001):
    height, width = values.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float64"}
    profile |= {
        "transform": rasterio.Affine(cell, 0.0, origin[0], 0.0, -cell, origin[1]),
        "nodata": nodata,
        "crs": crs,
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(values, 1)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Return a project of two towns that runs without a fault."""
    folder = tmp_path_factory.mktemp("model") / "两镇 project"
    for name in ("boundaries", "roads", "population", "facilities"):
        (folder / name).mkdir(parents=True)
    towns().to_file(folder / "boundaries/towns.gpkg")
    roads().to_file(folder / "roads/roads.gpkg")
    write_raster(folder / "population/people.tif", np.full((10, 20), 50.0))
    write_raster(folder / "population/elderly.tif", np.full((10, 20), 10.0))
    (folder / "facilities/homes.csv").write_text(HOMES, encoding="utf-8")
    (folder / "facilities/canteens.csv").write_text(CANTEENS, encoding="utf-8")
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    return folder


class Study:
    """A copy of the model that a test spoils."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "project.toml"
        self.out = folder.parent / "out" / "results"

    def edit(self, old, new):
        text = self.file.read_text(encoding="utf-8")
        assert old in text, old
        self.file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def speak(self, language):
        text = self.file.read_bytes().replace(
            b'language = "zh"', b'language = "%b"' % language.encode()
        )
        self.file.write_bytes(
            text.replace(b'language = "en"', b'language = "%b"' % language.encode())
        )

    def files(self):
        return sorted(path.as_posix() for path in self.folder.parent.rglob("*"))

    def run(self, *options, command="run"):
        result = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(
            main, [command, str(self.file), "--out", str(self.out), *options]
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def problems(self):
        with pytest.raises(InputError) as caught:
            run_project(load_project(self.file), self.out)
        return caught.value.problems


@pytest.fixture
def study(model, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(model, folder)
    return Study(folder)


def homes(study, text, *, encoding="utf-8"):
    (study.folder / "facilities/homes.csv").write_bytes(text.encode(encoding))


def replace_homes(study, name):
    study.edit("facilities/homes.csv", f"facilities/{name}")
    return study.folder / "facilities" / name


def no_file(study):
    (study.folder / "facilities/homes.csv").unlink()


def wrong_column(study):
    study.edit(
        'homes.csv"\ndatum = "wgs84"', 'homes.csv"\ndatum = "wgs84"\ncolumns = { name = "nope" }'
    )


def swapped(study):
    homes(study, "名称,经度,纬度\n东院,28.705,118.605\n西院,28.706,118.615\n")


def swapped_boundaries(study):
    turned = shapely.transform(boxes(), lambda xy: xy[:, ::-1])
    frame = towns().set_geometry(gpd.GeoSeries(turned, crs="EPSG:4326"))
    frame.to_file(study.folder / "boundaries/towns.gpkg")


def no_prj(study):
    towns().to_file(study.folder / "boundaries/towns.shp", encoding="utf-8")
    (study.folder / "boundaries/towns.prj").unlink()
    study.edit("towns.gpkg", "towns.shp")


def raster_without_crs(study):
    write_raster(study.folder / "population/people.tif", np.full((10, 20), 50.0), crs=None)


def conflicting_crs(study):
    study.edit('"boundaries/towns.gpkg"', '"boundaries/towns.gpkg"\ncrs = "EPSG:4549"')


def unknown_crs(study):
    study.edit('"boundaries/towns.gpkg"', '"boundaries/towns.gpkg"\ncrs = "EPSG:1"')


def other_grid(study):
    values, origin = np.full((10, 20), 10.0), (WEST + 0.0004, NORTH)
    write_raster(study.folder / "population/elderly.tif", values, origin=origin)


def other_raster_crs(study):
    path = study.folder / "population/elderly.tif"
    write_raster(
        path, np.full((10, 20), 10.0), crs="EPSG:4549", origin=(461_000, 3_176_000), cell=100
    )


def empty_layer(study):
    towns().iloc[:0].to_file(study.folder / "boundaries/towns.gpkg")


def broken_rows(study):
    """No row can be used; a list of a header alone is a layer of none, and no fault."""
    homes(study, "名称,经度,纬度\n甲,abc,28.7\n乙,,\n")


def strange_header(study):
    homes(study, "甲,乙,丙\n")


def empty_file(study):
    homes(study, "")


def layer_outside(study):
    homes(study, "名称,经度,纬度\n甲,119.905,28.705\n乙,119.915,28.705\n")


def all_nodata(study):
    write_raster(study.folder / "population/people.tif", np.full((10, 20), -1.0))


def people_elsewhere(study):
    for name in ("people", "elderly"):
        path = study.folder / f"population/{name}.tif"
        write_raster(path, np.full((10, 20), 10.0), origin=(WEST + 1, NORTH))


def no_datum(study):
    study.edit('homes.csv"\ndatum = "wgs84"', 'homes.csv"')


def geojson_without_datum(study):
    path = replace_homes(study, "homes.geojson")
    points = gpd.points_from_xy([118.605, 118.615], [28.705, 28.705])
    gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=points, crs="EPSG:4326").to_file(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data.pop("crs", None)
    path.write_text(json.dumps(data), encoding="utf-8")
    study.edit('homes.geojson"\ndatum = "wgs84"', 'homes.geojson"')


def broken_geojson(study):
    path = study.folder / "boundaries/towns.geojson"
    text = '{"type": "FeatureCollection",\n "features": [{"type": "Feature",\n'
    path.write_text(text, encoding="utf-8")
    study.edit("towns.gpkg", "towns.geojson")


def cut_pbf(study):
    city = demo_folder() / "roads/roads.osm.pbf"
    raw = city.read_bytes()
    (study.folder / "roads/roads.osm.pbf").write_bytes(raw[: len(raw) // 2])
    study.edit("roads/roads.gpkg", "roads/roads.osm.pbf")


def demo_folder():
    from servicecircle.demo import demo_project

    return demo_project().parent


def motorways(study):
    roads("motorway").to_file(study.folder / "roads/roads.gpkg")


def short_roads(study):
    study.edit("[roads]", "[network]\nmin_component_m = 100000\n\n[roads]")


def bad_bytes(study):
    (study.folder / "facilities/homes.csv").write_bytes(bytes(range(32)) * 9)


def points_without_datum(study):
    (study.folder / "population/points.csv").write_text("lon,lat,population\n118.6,28.7,5\n")
    study.edit('raster = "population/people.tif"\n', 'points = "population/points.csv"\n')
    study.edit('elderly_raster = "population/elderly.tif"\nkind = "count"\n', "")


def no_such_layer(study):
    study.edit('"boundaries/towns.gpkg"', '"boundaries/towns.gpkg"\nlayer = "town"')


def workbook_sheet(study):
    path = replace_homes(study, "homes.xlsx")
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("名单")
        for row, cells in enumerate([["名称", "经度", "纬度"], ["东院", 118.605, 28.705]]):
            sheet.write_row(row, 0, cells)
    study.edit('homes.xlsx"\n', 'homes.xlsx"\nsheet = "名册"\n')


def plan_file(text):
    def spoil(study):
        (study.folder / "mine.toml").write_text(text, encoding="utf-8")
        study.edit(
            '[plans.quzhou]\narea = "part"', '[plans.mine]\npath = "mine.toml"\narea = "part"'
        )

    return spoil


def edited(old, new):
    return lambda study: study.edit(old, new)


def foreign_folder(study):
    study.out.mkdir(parents=True)
    (study.out / "thesis.docx").write_text("mine")


def output_is_a_file(study):
    study.out.parent.mkdir(parents=True)
    study.out.write_text("mine")


def not_utf8(study):
    study.file.write_bytes(study.file.read_text(encoding="utf-8").encode("gb18030"))


# What is spoilt → the codes it must give, and what the message must name of place and value.
FILES = [
    (no_file, "input.missing_file", ["facilities/homes.csv"]),
    (wrong_column, "columns.missing", ["facilities/homes.csv", "nope", "名称, 经度, 纬度"]),
    (swapped, "facility.swapped_file", ["homes.csv", "28.705, 118.605", "2", 'lon = "纬度"']),
    (swapped_boundaries, "vector.swapped", ["towns.gpkg", "28.7", "118.6"]),
    (no_prj, "vector.no_crs", ["boundaries/towns.shp", 'crs = "EPSG:4490"']),
    (raster_without_crs, "vector.no_crs", ["population/people.tif", "crs = "]),
    (conflicting_crs, "vector.crs_conflict", ["towns.gpkg", "WGS 84", "CGCS2000"]),
    (unknown_crs, "vector.bad_crs", ["towns.gpkg", "EPSG:1"]),
    (other_grid, "population.grid_mismatch", ["elderly.tif", "people.tif", "118.6004"]),
    (other_raster_crs, "population.grid_mismatch", ["elderly.tif", "people.tif"]),
    (empty_layer, "input.empty_layer", ["boundaries/towns.gpkg"]),
    (broken_rows, "facility.none_usable", ["facilities/homes.csv"]),
    (strange_header, "facility.no_place_columns", ["facilities/homes.csv", "甲, 乙, 丙"]),
    (empty_file, "table.empty", ["facilities/homes.csv"]),
    (layer_outside, "facility.layer_outside", ["facilities/homes.csv", "care_home", "2", "12"]),
    (all_nodata, "population.all_nodata", ["population/people.tif", "200"]),
    (people_elsewhere, "population.no_overlap", ["population/people.tif"]),
    (no_datum, "facility.no_datum", ["homes.csv", "经度, 纬度", 'datum = "wgs84"', '"auto"']),
    (geojson_without_datum, "facility.no_datum_geojson", ["homes.geojson", 'datum = "wgs84"']),
    (broken_geojson, "vector.bad_json", ["boundaries/towns.geojson", "3"]),
    (cut_pbf, "osm.broken", ["roads/roads.osm.pbf"]),
    (motorways, "road.nothing_walkable", ["roads/roads.gpkg", "motorway", "all_walkable = true"]),
    (short_roads, "roads.no_component", ["roads/roads.gpkg", "100000", "min_component_m"]),
    (bad_bytes, "table.binary", ["homes.csv", "UTF-16"]),
    (points_without_datum, "population.no_datum", ["points.csv", 'datum = "wgs84"']),
    (no_such_layer, "vector.no_such_layer", ["towns.gpkg", "layer", "town", "towns"]),
    (workbook_sheet, "table.sheet", ["homes.xlsx", "名册", "名单"]),
    (plan_file("[plan\n"), "toml.syntax", ["mine.toml", "1", "[plan"]),
    (plan_file("[plan]\n[plan]\n"), "toml.duplicate", ["mine.toml", "[plan]"]),
    (edited("homes.csv", "../../../etc/hosts.csv"), "input.missing_file", ["etc/hosts.csv"]),
]
NAMES = [
    ("[facilities.care_home]", "[facilities.carehome]", "project.unknown_layer", ["care_home"]),
    ("[boundaries.township]", "[boundaries.town]", "project.no_level", ["township", "town"]),
    (
        "[roads]",
        '[boundaries.main_urban]\npath = "boundaries/towns.gpkg"\n\n[roads]',
        "project.unknown_boundary",
        ["main_urban_area", "boundaries.main_urban"],
    ),
    ("[plans.quzhou]", "[plans.quzho]", "project.unknown_plan", ["quzho", "quzhou", "jiaxing"]),
    (
        'area = "part"',
        'area = "part"\npins = { moon = "straight" }',
        "project.unknown_indicator",
        ["plans.quzhou.pins.moon", "moon"],
    ),
    ('area = "part"', 'area = "part"\nanyway = ["sun"]', "project.unknown_indicator", ["sun"]),
    (
        'area = "part"',
        'area = "part"\nnorms = { sun = 20 }',
        "project.unknown_indicator",
        ["plans.quzhou.norms.sun", "sun"],
    ),
    (
        "[roads]",
        '[layers.canteen]\nzh = "食堂"\nen = "canteen"\n\n[roads]',
        "project.known_layer",
        ["layers.canteen"],
    ),
    ("[roads]", "[roads]\nencodng = 1", "toml.unknown_key_near", ["roads.encodng", "encoding"]),
    ("[roads]", "[network]\nvelocity = 4\n\n[roads]", "toml.unknown_key", ["network.velocity"]),
    ('kind = "count"\n', "", "project.population_kind", ["population", '"density_km2"']),
    (
        'kind = "count"',
        'kind = "count"\npoints = "a.csv"',
        "project.population_source",
        ["raster, points"],
    ),
    ('basis = "resident"\n', "", "toml.missing_key", ["population.basis", "basis"]),
    ('"population/people.tif"', '"population\\people.tif"', "toml.backslash", ["people.tif"]),
    ('datum = "wgs84"\n\n', '基准 = "wgs84"\n\n', "toml.bare_key", ["基准"]),
    ("[roads]", "[设施.养老]\n[roads]", "toml.bare_key", ["[设施.养老]"]),
    ('kind = "count"', 'kind = "count"\nkind = "count"', "toml.duplicate", ['kind = "count"']),
    ("[roads]", "[population]\n[roads]", "toml.duplicate", ["[population]"]),
    ("[roads]", "[network]\nwalk_kmh = -4\n[roads]", "toml.above", ["network.walk_kmh", "-4", "0"]),
    ("[roads]", "[rules]\nminutes = [5, nan]\n[roads]", "toml.number", ["rules.minutes", "nan"]),
    ("[roads]", "[rules]\nminutes = []\n[roads]", "toml.too_few", ["rules.minutes", "[]", "1"]),
    ("[roads]", "[rules]\nmetres = []\n[roads]", "toml.too_few", ["rules.metres", "[]", "1"]),
    ("[roads]", "[rules]\nmetres = [5, 5]\n[roads]", "project.threshold_twice", ["metres", "5"]),
    ("as_of = 2025-12-31", 'as_of = "2025"', "toml.date", ["project.as_of", "2025", "2025-12-31"]),
    ("as_of = 2025-12-31", "as_of = 2025-13-01", "toml.syntax", ["as_of = 2025-13-01"]),
    ('area = "part"', 'area = "half"', "toml.choice", ["plans.quzhou.area", "half", '"whole"']),
    ("[roads]", "[network]\nwalk_kmh = true\n[roads]", "toml.number", ["walk_kmh", "true"]),
    ('path = "roads/roads.gpkg"', "path = 3", "toml.text", ["roads.path", "3"]),
    ('"两镇"', '""', "toml.empty_text", ["project.name"]),
    ("[project]", "layers = 3\n[project]", "toml.table", ["layers", "3"]),
]


def check(study, codes, words):
    """Hold a refusal to what every refusal must be, in both languages."""
    before = study.files()
    problems = study.problems()
    assert [problem.code for problem in problems if problem.severity == "fatal"] == codes
    said = {}
    for language in ("zh", "en"):
        study.speak(language)
        result = study.run()
        assert result.exit_code == 1
        assert result.stdout == ""
        said[language] = result.stderr
        assert "Traceback" not in result.stderr
        assert not re.search(r"\{[a-z_]+\}", result.stderr), result.stderr
        for word in words:
            assert word in result.stderr, (word, result.stderr)
        for problem in problems:
            text = problem.text(language)
            assert text in result.stderr
            lines = text.splitlines()
            assert len(lines) == 3, text
            assert all(line.strip() for line in lines), text
            assert re.search("[\u4e00-\u9fff]", "".join(lines)) or language == "en", text
            assert problem.where(), text
    assert said["zh"] != said["en"]
    assert study.files() == before


@pytest.mark.parametrize(
    ("spoil", "code", "words"), FILES, ids=[f"{one[0].__name__}-{one[1]}" for one in FILES]
)
def test_a_bad_file_stops_the_run(study, spoil, code, words):
    spoil(study)
    check(study, [code], words)


@pytest.mark.parametrize(("old", "new", "code", "words"), NAMES)
def test_a_bad_project_file_stops_the_run(study, old, new, code, words):
    study.edit(old, new)
    check(study, [code], ["project.toml", *words])


def test_the_model_itself_has_no_fault(study):
    result = study.run("--strict")
    assert (result.exit_code, result.exception) == (0, None), result.output
    assert (study.out / "index.html").is_file()
    hidden = [path.name for path in study.out.parent.iterdir() if path.name != "results"]
    assert hidden == []


def test_the_file_names_the_line(study):
    study.edit("[roads]", "[roads]\npaht = 1")
    unknown = next(one for one in study.problems() if one.code == "toml.unknown_key_near")
    lines = study.file.read_text(encoding="utf-8").splitlines()
    assert lines[unknown.row - 1] == "paht = 1"
    assert unknown.text("zh").startswith(f"project.toml 第 {unknown.row} 行")
    assert unknown.text("en").startswith(f"project.toml row {unknown.row} ")


def test_a_row_of_a_table_is_named(study):
    broken_rows(study)
    codes = [problem.code for problem in study.problems()]
    assert codes == ["facility.none_usable", "facility.bad_place", "facility.no_place"]
    assert [problem.row for problem in study.problems()] == [None, 2, 3]
    study.speak("en")
    said = study.run().stderr
    assert "facilities/homes.csv row 2 “经度, 纬度”: unreadable coordinates: abc, 28.7" in said
    assert "3 fault(s)" in said


def test_faults_of_several_files_are_told_together(study):
    no_file(study)
    no_such_layer(study)
    raster_without_crs(study)
    study.edit("[plans.quzhou]", "[plans.quzho]")
    study.edit("[facilities.canteen]", "[facilities.canten]")
    fatal = ["project.unknown_layer", "project.unknown_plan", "vector.no_such_layer"]
    check(study, [*fatal, "input.missing_file", "vector.no_crs"], ["quzho", "canten", "homes.csv"])


def test_faults_of_one_project_file_are_told_together(study):
    study.edit('area = "part"', "")
    study.edit("[roads]", "[network]\nwalk_kmh = 0\n[roads]\ncolour = 1")
    study.edit('kind = "count"', 'kind = "counts"')
    codes = ["toml.missing_key", "toml.unknown_key", "toml.choice", "toml.above"]
    check(study, codes, ["project.toml"])


def test_a_list_of_three_bad_files_gives_three_messages(study):
    no_file(study)
    empty_layer(study)
    all_nodata(study)
    study.speak("en")
    said = study.run().stderr
    assert said.count("\n  ") == 2 * 3
    assert "3 fault(s)" in said


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(foreign_folder, "outputs.not_ours"), (output_is_a_file, "outputs.not_a_folder")],
)
def test_what_is_not_ours_is_left_alone(study, spoil, code):
    spoil(study)
    before = study.files()
    for language, word in (("zh", "请"), ("en", "--out")):
        study.speak(language)
        # click itself refuses a file where it wants a folder
        result = study.run()
        assert result.exit_code == (1 if spoil is foreign_folder else 2)
        assert result.exit_code == 2 or word in result.stderr
    with pytest.raises(InputError) as caught:
        run_project(load_project(study.file), study.out)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert study.files() == before


def test_a_project_file_that_is_missing_or_not_utf8(study):
    not_utf8(study)
    before = study.files()
    assert [problem.code for problem in study.problems()] == ["toml.encoding"]
    assert study.problems()[0].row == 2
    assert "not UTF-8" in study.run().stderr
    study.file = study.folder / "none.toml"
    assert [problem.code for problem in study.problems()] == ["project.missing"]
    result = study.run()
    assert (result.exit_code, study.files()) == (1, before)
    assert "none.toml" in result.stderr


def test_the_faults_of_a_chinese_file_are_told_in_chinese_whatever_the_system_speaks(study):
    study.edit("[roads]", "[roads]\npaht = 1")
    assert "未知的键" in study.run().stderr
    study.speak("en")
    result = CliRunner(env={"LC_ALL": "zh_CN.UTF-8"}).invoke(main, ["run", str(study.file)])
    assert "unknown key" in result.stderr


def test_the_rule_of_a_chinese_file_is_chinese(study):
    study.edit("as_of = 2025-12-31", 'as_of = "2025"')
    said = study.run().stderr
    assert "Input should be" not in said
    assert "须是日期" in said
    # To its last line, whatever the language of the terminal.
    assert "已停止：发现 1 处错误" in said and "Stopped" not in said


def test_units_that_are_refused_are_not_called_missing_as_well(study):
    raster = 'raster = "population/people.tif"\nelderly_raster = "population/elderly.tif"\n'
    study.edit(raster + 'kind = "count"', 'total = 1000\nspread = "centroid"')
    empty_layer(study)
    assert [problem.code for problem in study.problems()] == ["input.empty_layer"]


def test_check_says_the_same_and_writes_its_report(study):
    no_file(study)
    empty_layer(study)
    before = study.files()
    report = check_project(load_project(study.file), None)
    fatal = [problem.code for problem in report.problems if problem.severity == "fatal"]
    assert fatal == ["input.empty_layer", "input.missing_file"]
    assert study.files() == before
    result = study.run(command="check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "找不到文件：facilities/homes.csv" in result.stderr
    assert {path.name for path in study.out.iterdir()} >= {"problems.csv", "run.json"}


@pytest.mark.parametrize(("spoil", "code", "words"), FILES, ids=[one[1] for one in FILES])
def test_check_goes_on_where_a_run_stops(study, spoil, code, words):
    spoil(study)
    result = study.run(command="check")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    table = (study.out / "problems.csv").read_text(encoding="utf-8-sig")
    assert f"fatal,{code}," in table
    for word in words:
        assert word in result.stderr, word
    problems = check_project(load_project(study.file), None).problems
    assert [problem.code for problem in problems if problem.severity == "fatal"] == [code]


def test_one_facility_outside_is_recorded_and_the_run_goes_on(study):
    homes(study, HOMES + "远处,118.68,28.705,2021-01-01\n")
    result = study.run()
    assert (result.exit_code, result.exception) == (0, None), result.output
    text = (study.out / "problems.csv").read_text(encoding="utf-8-sig")
    rows = [line for line in text.splitlines() if "facility.outside_units" in line]
    assert len(rows) == 1
    assert rows[0].startswith("warning,facility.outside_units,facilities/homes.csv,,4,,远处,")
    assert len((study.out / "facilities.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3 + 2
    assert study.run("--strict").exit_code == 3
    assert (study.out / "run.json").is_file()


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_earlier_run_stays_when_the_next_one_is_refused(study):
    assert study.run().exit_code == 0
    before = files_of(study.out)
    empty_layer(study)
    assert study.run().exit_code == 1
    assert files_of(study.out) == before


def test_the_command_itself_ends_with_1_and_no_traceback(study):
    no_file(study)
    before = study.files()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from servicecircle.cli import main; main()",
            "run",
            str(study.file),
            "--out",
            str(study.out),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "找不到文件：facilities/homes.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert study.files() == before


def test_every_record_of_the_demo_is_told_whole_in_both_languages():
    problems = check_project(load_project(demo_folder() / "demo.toml"), None).problems
    assert len(problems) > 20
    for problem in problems:
        for language in ("zh", "en"):
            text = problem.text(language)
            assert not re.search(r"\{[a-z_]+\}", text), text
            assert text.startswith(problem.where(language))
        assert problem.severity != "fatal"
        assert problem.file
