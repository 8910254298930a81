"""A check tells every fault of a project in one go, and writes what an office needs to mend it."""

from __future__ import annotations

import json
import re

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

from servicecircle.check import find_problems
from servicecircle.cli import main
from servicecircle.inputs.facilities import read_facilities
from servicecircle.progress import Silent
from servicecircle.project import FacilitySettings, load_project, salvage_project
from servicecircle.study import check_project

WEST, SOUTH, STEP = 118.60, 28.70, 0.01
PROJECT = """\
[project]
name = "两镇"
as_of = 2025-12-31
language = "zh"

[boundaries.township]
path = "towns.geojson"

[roads]
path = "roads.geojson"

[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2020-11-01

[facilities.care_home]
path = "homes.csv"
datum = "wgs84"

[facilities.canteen]
path = "canteens.csv"
datum = "wgs84"
"""
HOMES = "名称,经度,纬度,床位\n东院,118.605,28.705,30\n西院,118.615,28.705,40\n"
CANTEENS = "名称,经度,纬度\n东食堂,118.604,28.704\n西食堂,118.616,28.706\n"
PEOPLE = "lon,lat,population,elderly\n118.605,28.705,100,20\n118.615,28.705,200,40\n"


def layer(path, *features):
    made = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": kind, "coordinates": coordinates},
        }
        for properties, kind, coordinates in features
    ]
    text = json.dumps({"type": "FeatureCollection", "features": made}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def ring(west, east):
    south, north = SOUTH, SOUTH + STEP
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


@pytest.fixture
def study(tmp_path):
    """Return the folder of a project of two towns without a fault."""
    folder = tmp_path / "study"
    folder.mkdir()
    layer(
        folder / "towns.geojson",
        ({"name": "东镇", "code": "330800100"}, "Polygon", ring(WEST, WEST + STEP)),
        ({"name": "西镇", "code": "330800101"}, "Polygon", ring(WEST + STEP, WEST + 2 * STEP)),
    )
    street = [[WEST, SOUTH + STEP / 2], [WEST + STEP, SOUTH + STEP / 2]]
    further = [street[1], [WEST + 2 * STEP, SOUTH + STEP / 2]]
    layer(
        folder / "roads.geojson",
        ({"highway": "residential"}, "LineString", street),
        ({"highway": "residential"}, "LineString", further),
    )
    for name, text in (("homes", HOMES), ("canteens", CANTEENS), ("people", PEOPLE)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    return folder


def project(folder, *edits):
    """Write the project file with some texts changed, and return its path."""
    text = PROJECT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "project.toml"
    path.write_text(text, encoding="utf-8")
    return path


def command(path, *options):
    done = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(main, ["check", str(path), *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def fatal(problems):
    return [problem.code for problem in problems if problem.severity == "fatal"]


BROKEN = """\
[project]
name = "坏项目"
as_of = 2025-12-31
language = "zh"

[plans.quzho]
area = "part"

[boundaries.township]
path = "towns.geojson"

[boundaries.county]
path = "county.geojson"

[roads]
paht = "streets.geojson"
path = "roads.geojson"

[network]
walk_kmh = 0

[population]
raster = "people.tif"
kind = "count"
basis = "resident"
date = 2020-11-01

[facilities.care_home]
path = "homes.xlsx"
datum = "wgs84"
columns = { name = "zzz" }
capacity_sum = ["护理床位"]

[facilities.canteen]
path = "canteens.csv"

[facilities.elderly_day_center]
path = "centres.csv"
datum = "wgs84"

[facilities.childrens_home]
path = "children.xls"
datum = "wgs84"

[facilities.social_work_station]
path = "stations.csv"
datum = "wgs84"

[facilities.ecological_burial_site]
path = "burial.csv"
datum = "wgs84"

[facilities.carehome]
path = "good.csv"
datum = "wgs84"
"""
BROKEN_FILES = {
    "canteens.csv": "名称,经度,纬度\n东食堂,118.604,28.704\n",
    "centres.csv": "名称,经度\n东中心,118.604\n",
    "children.xls": "<html><table><tr><td>名称</td></tr></table></html>",
    "stations.csv": "名称,经度,纬度\n东站,28.705,118.605\n西站,28.706,118.615\n",
    "burial.csv": "名称,经度,纬度\n甲园,东经,北纬\n",
    "good.csv": "名称,经度,纬度\n好院,118.605,28.705\n远院,abc,28.705\n",
    "roads.geojson": '{"type": "FeatureCollection",\n "features": [x]}',
}
# Every fault there is, the project file's first.
FAULTS = {
    "toml.unknown_key_near": "project.toml",
    "toml.above": "project.toml",
    "project.unknown_plan": "project.toml",
    "project.unknown_layer": "project.toml",
    "input.missing_file": "county.geojson",
    "vector.bad_json": "roads.geojson",
    "columns.missing": "homes.xlsx",
    "facility.sum_column": "homes.xlsx",
    "facility.no_datum": "canteens.csv",
    "facility.half_place": "centres.csv",
    "table.html": "children.xls",
    "facility.swapped_file": "stations.csv",
    "facility.none_usable": "burial.csv",
}


@pytest.fixture
def broken(study):
    """Return a project file with faults in every input it names."""
    (study / "project.toml").write_text(BROKEN, encoding="utf-8")
    for name, text in BROKEN_FILES.items():
        (study / name).write_text(text, encoding="utf-8")
    book = openpyxl.Workbook()
    for row in (["名称", "经度", "纬度"], ["东院", 118.605, 28.705]):
        book.active.append(row)
    book.save(study / "homes.xlsx")
    return study / "project.toml"


def test_a_sound_project_has_no_fault(study):
    done = command(study / "project.toml")
    assert done.exit_code == 0, done.output
    assert "没有使运行停止的错误" in done.stdout


def test_every_fault_of_a_broken_project_is_in_one_report(broken, tmp_path):
    out = tmp_path / "out"
    done = command(broken, "--out", str(out))
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    table = pd.read_csv(out / "problems.csv", encoding="utf-8-sig", dtype=str)
    stops = table[table["severity"] == "fatal"]
    found = dict(zip(stops["code"], stops["file"], strict=True))
    for code, file in FAULTS.items():
        assert code in found, code
        assert ((stops["code"] == code) & (stops["file"] == file)).any(), code
    assert stops[stops["file"] == "people.tif"]["code"].tolist() == ["input.missing_file"]
    assert len(FAULTS) + 1 >= 12
    assert len(stops) == len(FAULTS) + 1
    # The rows of what could be read are there as well.
    row = table[(table["file"] == "good.csv") & (table["action"] == "set_aside")]
    assert row["row"].tolist() == ["3"]
    # All that stops a run is told, however much there is.
    told = [line for line in done.stderr.splitlines() if line.startswith("[致命]")]
    assert len(told) == len(stops)
    assert f"其中 {len(stops)} 处错误使运行停止" in done.stderr
    assert (out / "marked" / "good.xlsx").is_file()


def test_a_run_of_the_same_project_writes_nothing(broken, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["run", str(broken), "--out", str(out)])
    assert done.exit_code == 1
    assert not out.exists()


def test_faults_of_the_ground_are_told_together(study):
    far = "名称,经度,纬度\n甲,119.905,28.705\n"
    (study / "homes.csv").write_text(far, encoding="utf-8")
    (study / "people.csv").write_text("lon,lat,population\n119.9,28.7,5\n", encoding="utf-8")
    path = project(study, ("[roads]", "[network]\nmin_component_m = 90000\n[roads]"))
    found = find_problems(load_project(path), progress=Silent())
    assert sorted(fatal(found.problems)) == [
        "demand.all_outside",
        "facility.layer_outside",
        "roads.no_component",
    ]


def test_without_a_boundary_nothing_is_called_outside(study):
    (study / "towns.geojson").unlink()
    found = find_problems(load_project(study / "project.toml"), progress=Silent())
    assert fatal(found.problems) == ["input.missing_file"]
    assert {problem.code for problem in found.problems} == {"input.missing_file"}


def test_the_rest_of_a_faulty_project_file_is_used(study):
    path = project(study, ("[roads]", "[roads]\ncolour = 1"), ('language = "zh"', "language = 3"))
    left, fault = salvage_project(path)
    assert fault is not None
    assert [problem.code for problem in fault.problems] == ["toml.choice", "toml.unknown_key"]
    assert left is not None
    assert (left.roads.path.name, left.project.language) == ("roads.geojson", "zh")
    assert left.folder == study.resolve()


@pytest.mark.parametrize("old", ['name = "两镇"', "as_of = 2025-12-31"])
def test_the_rest_of_a_project_without_its_first_keys_is_used(study, old):
    path = project(study, (old, ""))
    left, fault = salvage_project(path)
    assert list(left.facilities) == ["care_home", "canteen"]
    assert [problem.code for problem in fault.problems] == ["toml.missing_key"]
    done = command(path)
    assert done.exit_code == 1
    assert "Traceback" not in done.output


def test_a_layer_without_a_path_goes_alone(study):
    left, fault = salvage_project(project(study, ('path = "homes.csv"\n', "")))
    assert [problem.code for problem in fault.problems] == ["toml.missing_key"]
    assert list(left.facilities) == ["canteen"]


def test_the_balance_of_rows_is_told_and_closes(study):
    rows = HOMES + "南院,,,10\n东院,118.605,28.705,30\n合计,,,110\n"
    (study / "homes.csv").write_text(rows, encoding="utf-8")
    path = project(study, ('homes.csv"', 'homes.csv"\nduplicates = "merge"'))
    done = command(path)
    line = next(line for line in done.stdout.splitlines() if line.startswith("养老机构"))
    read, used, aside = map(int, re.findall(r"(\d+) 行", line))
    assert (read, used, aside) == (5, 2, 3)
    assert "乡镇级：2 个单元" in done.stdout
    assert "人口：数据源 300 人，采用 300 人，2 个需求点" in done.stdout
    assert "道路：读入 2 条，采用 2 条，搁置 0 条" in done.stdout
    table = check_project(load_project(path), None).problems
    assert sum(problem.action == "set_aside" for problem in table) == 3


def test_problems_are_counted_by_severity_and_by_file(study):
    (study / "homes.csv").write_text(HOMES + "南院,,,10\n北院,x,y,z\n", encoding="utf-8")
    report = check_project(load_project(study / "project.toml"), None)
    mine = [problem for problem in report.problems if problem.file == "homes.csv"]
    errors = sum(problem.severity == "error" for problem in mine)
    assert errors == 2
    lines = report.lines["en"]
    total = sum(problem.severity == "error" for problem in report.problems)
    assert any(line.startswith("problems: ") and f"error {total}" in line for line in lines)
    assert any(line.startswith("  homes.csv: ") and f"error {errors}" in line for line in lines)


def test_the_files_written_are_named_and_safe_to_write_again(study, tmp_path):
    (study / "homes.csv").write_text(HOMES + "南院,,,10\n", encoding="utf-8")
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        done = command(study / "project.toml", "--out", str(out))
        assert done.exit_code == 0, done.output
        for name in ("problems.csv", "proposals.csv", "marked/homes.xlsx"):
            assert (out / name).as_posix() in done.stdout
    assert command(study / "project.toml", "--out", str(outs[0])).exit_code == 0
    for name in ("problems.csv", "proposals.csv", "marked/homes.xlsx"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    record = json.loads((outs[0] / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "check"
    assert record["marked"] == [
        {"file": "homes.csv", "name": "homes.xlsx", "rows": 1, "whole": True}
    ]


def test_a_mended_copy_takes_the_place_of_its_source(study, tmp_path):
    rows = HOMES + "南院,118.606,西,10\n北院,118.607,28.706,二十\n\n注：测试\n"
    (study / "homes.csv").write_text(rows, encoding="utf-8")
    out = tmp_path / "out"
    command(study / "project.toml", "--out", str(out))
    book = openpyxl.load_workbook(out / "marked" / "homes.xlsx")
    page = book.worksheets[0]
    assert page["C4"].value == "西"
    page["C4"], page["D5"] = "28.707", "20"
    book.save(study / "mended.xlsx")
    settings = FacilitySettings(path="mended.xlsx", datum="wgs84")
    data = read_facilities(settings, layer="care_home", base=study)
    assert data.frame["name"].tolist() == ["东院", "西院", "南院", "北院"]
    assert data.frame["capacity"].tolist() == [30, 40, 10, 20]
    assert [one.code for one in data.problems if one.severity not in ("note",)] == []


def test_proposals_are_written_with_both_rows(study, tmp_path):
    rows = HOMES + "东 院,118.605,28.705,30\n"
    (study / "homes.csv").write_text(rows, encoding="utf-8")
    (study / "canteens.csv").write_text(CANTEENS + "东院食堂,118.605,28.705\n", encoding="utf-8")
    command(study / "project.toml", "--out", str(tmp_path / "out"))
    table = pd.read_csv(tmp_path / "out" / "proposals.csv", encoding="utf-8-sig")
    shown = table[["kind", "layer", "row", "other_layer", "other_row", "suggestion"]]
    assert shown.values.tolist() == [
        ["duplicate", "care_home", 4, "care_home", 2, "merge"],
        ["co_located", "canteen", 4, "care_home", 2, "keep"],
    ]
    assert table["distance_m"].tolist() == [0, 0]
