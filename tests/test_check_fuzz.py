"""`check` on projects mutilated at random: always words and an exit code, never a traceback.

The mutations are drawn from numbered seeds, so that a failure can be repeated; more of them are
tried with ``SERVICECIRCLE_FUZZ=0:500``.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import re
import shutil
import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from click.testing import CliRunner

from servicecircle import project as settings
from servicecircle.cli import main
from servicecircle.progress import Silent
from servicecircle.project import load_project, salvage_project
from servicecircle.study import check_project

WEST, SOUTH, STEP = 118.60, 28.70, 0.01
FIRST, LAST = (int(one) for one in os.environ.get("SERVICECIRCLE_FUZZ", "0:40").split(":"))
ALONE = ("roads", "population", "staff", "changes", "network", "rules", "geocode", "project")
SEVERAL = ("boundaries", "facilities", "plans", "codes")
MODELS = {
    "boundaries": settings.BoundarySettings,
    "facilities": settings.FacilitySettings,
    "roads": settings.RoadSettings,
    "population": settings.PopulationSettings,
    "plans": settings.PlanSettings,
    "staff": settings.StaffSettings,
    "codes": settings.CodeSettings,
    "changes": settings.ChangeSettings,
    "network": settings.NetworkSettings,
    "rules": settings.RuleSettings,
    "geocode": settings.GeocodeSettings,
    "project": settings.ProjectSettings,
}
HEAD = """\
[project]
name = "两镇"
as_of = 2025-12-31
[boundaries.township]
path = "towns.shp"
[boundaries.village_level]
path = "villages.gpkg"
date = 2019-01-01
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
position_error_m = 20
[facilities.canteen]
path = "canteens.xlsx"
datum = "gcj02"
place_by = ["village", "street"]
[facilities.social_work_station]
path = "stations.geojson"
[facilities.hospital]
path = "town.osm"
"""
POINTS = """\
[roads]
path = "roads.geojson"
dem = "heights.tif"
barriers = "water.geojson"
[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2020-11-01
[staff]
path = "staff.csv"
[changes]
path = ["changes.csv"]
[codes.village_level]
path = "codes.csv"
[plans.quzhou]
area = "part"
"""
RASTER = """\
[roads]
path = "town.osm"
[population]
raster = "people.tif"
elderly_raster = "elderly.tif"
kind = "count"
calibrate = "township"
totals = "totals.csv"
basis = "resident"
date = 2020-11-01
"""
SPREAD = """\
[roads]
path = "town.graphml"
[population]
units = "township"
spread = "buildings"
buildings = "houses.parquet"
basis = "registered"
date = 2020-11-01
"""
TABLES = {
    "homes.csv": "名称,经度,纬度,床位,所属村,位置误差\n"
    "东院,118.605,28.705,30床,东一村,5\n西院,118.615,28.705,40,西一村,\n"
    "反院,28.705,118.612,20,西二村,\n远院,,,约50,乌有村,x\n合计,,,90,,\n",
    "people.csv": "村,lon,lat,population,elderly\n东一村,118.602,28.705,100,20\n"
    "东二村,118.607,28.705,80,\n西一村,118.612,28.705,200,40\n西二村,118.617,28.705,,1\n",
    "staff.csv": "所属乡镇,岗位,人数,日期\n东镇,儿童督导员,2,2025-01-01\n西镇,社工,x,\n",
    "changes.csv": "原代码,原名称,新代码,新名称,变更类型,日期\n"
    "330800100001,东村,330800100201,东一村,更名,2020-05-01\n",
    "codes.csv": "代码,名称\n330800100201,东一村\n330800101202,西二村\n330800101299,新村\n",
    "totals.csv": "名称,总人口,60岁及以上人口\n东镇,1000,200\n西镇,900,\n",
}
OSM = """<osm version="0.6">
<node id="1" lon="118.601" lat="28.705"/><node id="2" lon="118.61" lat="28.705"/>
<node id="3" lon="118.619" lat="28.705"/><node id="4" lon="118.61" lat="28.709"/>
<node id="5" lon="118.612" lat="28.706">
<tag k="amenity" v="hospital"/><tag k="name" v="医院"/></node>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<way id="11"><nd ref="2"/><nd ref="4"/><tag k="highway" v="steps"/></way>
<way id="12"><nd ref="1"/><nd ref="2"/><nd ref="4"/><nd ref="1"/><tag k="building" v="yes"/></way>
<way id="13"><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="2"/>
<tag k="landuse" v="residential"/></way>
<relation id="20"><member type="way" ref="12" role="outer"/><tag k="type" v="boundary"/>
<tag k="boundary" v="administrative"/><tag k="admin_level" v="8"/><tag k="name" v="东镇"/>
</relation>
</osm>"""
GRAPHML = """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="x" for="node" attr.name="x" attr.type="double"/>
<key id="y" for="node" attr.name="y" attr.type="double"/>
<key id="h" for="edge" attr.name="highway" attr.type="string"/>
<key id="c" for="graph" attr.name="crs" attr.type="string"/>
<graph edgedefault="directed"><data key="c">epsg:4326</data>
<node id="1"><data key="x">118.601</data><data key="y">28.705</data></node>
<node id="2"><data key="x">118.619</data><data key="y">28.705</data></node>
<edge source="1" target="2"><data key="h">residential</data></edge>
</graph></graphml>"""
ODD = [
    *(0, -1, 10**20, 1.5, float("nan"), float("inf"), True, "", " ", "x", "..", ".", "/", "名称"),
    *("\u200b", "🏠", [], [1], ["x"], {}, {"a": 1}, dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    *("EPSG:4326", "EPSG:2437", "EPSG:99999", "+proj=pipeline +step +proj=axisswap +order=2,1"),
    *("auto", "gcj02", "utf-16", "base64", [15.8, -154.4, -82.3], {"dx": 1.0, "dy": 2.0}),
    *("township", "county", "care_home", "buildings", "residential", "units", "ages", "merge"),
    *({"name": "名称"}, {"lon": "纬度", "lat": "经度"}, ["village", "township"], ["a=*"], 8, 0.001),
    *("destination", "A+B", "Sheet1", "project.toml", "density_km2", "elderly", "centroid"),
]
NOWHERE = ["none.csv", ".", "folder", "folder.csv", "project.toml", "a\nb.csv", "x" * 300, "*.json"]
NOWHERE += [f"empty.{end}" for end in ("csv", "osm.pbf", "geojson", "tif", "gpkg", "xlsx", "shp")]
NOWHERE += ["empty.parquet", "empty.graphml", "院 🏠\u202e.csv", "/dev/null", "n\0l.csv", "~"]
WORDS = ["NaN", "inf", "1e999", "-1", "0", "", "null", "9" * 400, "١٢", "½", "²", "1e", "0x10"]
WORDS += ["2020-13-45", "经度", '"', ",", "\n", "\t", "\u2028", "\x00", "<", "&x;", "=1+1"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with files of every kind, without a fault that stops a run."""
    folder = tmp_path_factory.mktemp("whole")
    halves = [
        shapely.box(WEST, SOUTH, WEST + STEP, SOUTH + STEP),
        shapely.box(WEST + STEP, SOUTH, WEST + 2 * STEP, SOUTH + STEP),
    ]
    towns = {"name": ["东镇", "西镇"], "code": ["330800100", "330800101"], "人口": [900, 1100]}
    gpd.GeoDataFrame(towns, geometry=halves, crs=4490).to_file(folder / "towns.shp", encoding="GBK")
    names = ["东一村", "东二村", "西一村", "西二村"]
    quarters = [
        shapely.box(WEST + STEP * at / 2, SOUTH, WEST + STEP * (at + 1) / 2, SOUTH + STEP)
        for at in range(4)
    ]
    codes = [f"33080010{at // 2}20{at % 2 + 1}" for at in range(4)]
    gpd.GeoDataFrame({"name": names, "code": codes}, geometry=quarters, crs=4326).to_file(
        folder / "villages.gpkg"
    )
    gpd.GeoDataFrame({"name": ["站"]}, geometry=[shapely.Point(118.606, 28.703)], crs=4326).to_file(
        folder / "stations.geojson"
    )
    street = shapely.LineString([(WEST, SOUTH + STEP / 2), (WEST + 2 * STEP, SOUTH + STEP / 2)])
    for name, columns, shape in (
        ("roads", {"highway": ["residential"]}, street),
        ("water", {"name": ["河"]}, shapely.LineString([(118.603, 28.701), (118.603, 28.702)])),
    ):
        gpd.GeoDataFrame(columns, geometry=[shape], crs=4326).to_file(folder / f"{name}.geojson")
    houses = [shapely.box(x, 28.704, x + 0.0002, 28.7042) for x in (118.603, 118.614)]
    gpd.GeoDataFrame(geometry=houses, crs=4326).to_parquet(folder / "houses.parquet")
    for name, value in (("people", 10.0), ("elderly", 2.0), ("heights", 5.0)):
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=24, height=14, count=1,
            dtype="float32", crs="EPSG:4326",
            transform=Affine(0.001, 0, WEST - 0.002, 0, -0.001, SOUTH + 0.012),
        ) as file:  # fmt: skip
            file.write(np.full((14, 24), value, dtype="float32"), 1)
    for name, text in TABLES.items():
        (folder / name).write_bytes(text.encode("gb18030" if name == "homes.csv" else "utf-8"))
    canteens = {"名称": ["甲", "乙"], "经度": [118.608, None], "纬度": [28.704, None]}
    table = pd.DataFrame({**canteens, "地址": ["", "东一村8号"], "服务村": ["东一村;西1–5村", ""]})
    table.to_excel(folder / "canteens.xlsx", index=False)
    (folder / "town.osm").write_text(OSM, encoding="utf-8")
    (folder / "town.graphml").write_text(GRAPHML, encoding="utf-8")
    for odd in ("folder", "folder.csv"):
        (folder / odd).mkdir()
    for name in NOWHERE:
        if name.startswith("empty."):
            (folder / name).write_bytes(b"")
    (folder / "院 🏠\u202e.csv").write_text("名称,经度,纬度\n甲,118.6,28.7\n", encoding="utf-8")
    return folder


def toml_value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "")
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return value.isoformat() if isinstance(value, dt.date) else repr(value)


def toml_text(data):
    """Write a project, tables within tables in one line each."""
    plain = [f"{key} = {toml_value(one)}" for key, one in data.items() if not isinstance(one, dict)]
    for name, table in data.items():
        if isinstance(table, dict):
            plain.append(f"[{json.dumps(name)}]")
            plain += [f"{json.dumps(key)} = {toml_value(one)}" for key, one in table.items()]
    return "\n".join(plain) + "\n"


def leaves(data, before=()):
    for key, value in data.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from leaves(value, (*before, key))


def at(data, keys):
    for key in keys:
        data = data[key]
    return data


def tables_of(data, key):
    """Return a table of a project, a new one where something else stands in its place."""
    if not isinstance(data.get(key), dict):
        data[key] = {}
    return data[key]


def mutate_keys(draw, data, files):
    """Change a project file at one place."""
    keys = draw.choice(list(leaves(data)))
    table, last = at(data, keys[:-1]), keys[-1]
    paths = [one for one in leaves(data) if isinstance(at(data, one), str) and "." in at(data, one)]
    match draw.randrange(7):
        case 0:
            del table[last]
        case 1:
            table[last] = draw.choice(ODD)
        case 2 if len(paths) > 1:
            one, other = draw.sample(paths, 2)
            first, second = at(data, one), at(data, other)
            at(data, one[:-1])[one[-1]], at(data, other[:-1])[other[-1]] = second, first
        case 3 if paths:
            keys = draw.choice(paths)
            at(data, keys[:-1])[keys[-1]] = draw.choice(NOWHERE + files)
        case 4:
            name = draw.choice(ALONE + SEVERAL)
            own = tables_of(data, name)
            if name in SEVERAL:
                own = tables_of(own, draw.choice([*own, "clinic", "county", "quzhou"]))
            own[draw.choice(list(MODELS[name].model_fields))] = draw.choice(ODD + files)
        case 5:
            name = draw.choice(["clinic", "canteen", "carehome", "__proto__", "a b"])
            tables_of(data, "facilities")[name] = {"path": draw.choice(files), "datum": "auto"}
        case _:
            place = draw.choice(["buildings", "residential"])
            data["population"] = {"total": 1000, "spread": place, place: draw.choice(files)}
            data["population"] |= {"basis": "resident", "date": dt.date(2020, 1, 1)}


def mutate_json(draw, text):
    data = json.loads(text)
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(data)
    node, key = draw.choice(places)
    node[key] = draw.choice([None, [], {}, "x", 0, 1e308, True, [[]], "Feature", {"type": "Point"}])
    return json.dumps(data, ensure_ascii=False)


def mutate_file(draw, path, files):
    """Change, cut, replace or take away a file."""
    raw = path.read_bytes()
    match draw.randrange(10):
        case 0:
            path.write_bytes(raw[: draw.randrange(len(raw) + 1)])
        case 1:
            spoiled = bytearray(raw)
            for _ in range(draw.choice([1, 3, 30, 300]) if raw else 0):
                spoiled[draw.randrange(len(raw))] = draw.randrange(256)
            path.write_bytes(bytes(spoiled))
        case 2:
            path.write_bytes(draw.choice(files).read_bytes())
        case 3:
            path.unlink()
            path.mkdir()
        case 4:
            path.write_bytes(draw.randbytes(draw.choice([1, 10, 5000])))
        case 5:
            path.write_bytes(raw.decode("utf-8", "replace").encode("utf-16"))
        case 6 if path.suffix == ".geojson":
            path.write_text(mutate_json(draw, raw.decode()), encoding="utf-8")
        case 7:
            endings = sorted({one.suffix for one in files} | {".xls", ".ods", ".txt", ".json"})
            path.rename(path.with_suffix(draw.choice(endings)))
        case _:
            text = raw.decode("utf-8", "surrogateescape")
            for _ in range(draw.choice([1, 2, 8])):
                found = list(re.finditer(r"\d+(\.\d+)?|[\u4e00-\u9fff]+|[a-z]+", text[:20_000]))
                if found:
                    one = draw.choice(found)
                    text = text[: one.start()] + draw.choice(WORDS) + text[one.end() :]
            path.write_bytes(text.encode("utf-8", "surrogateescape"))


def mutilated(seed, whole, folder):
    """Return the project file of a copy of the folder with a few things changed."""
    draw = random.Random(seed)
    shutil.copytree(whole, folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size)
    data = tomllib.loads(HEAD + draw.choice([POINTS, RASTER, SPREAD]))
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        mutate_keys(draw, data, [path.name for path in files])
    text = toml_text(data)
    if draw.random() < 0.1:
        cut = draw.randrange(len(text))
        text = text[:cut] + draw.choice(["", "\x00", "[[", "=", "é"]) + text[cut + 2 :]
    for _ in range(draw.choice([0, 1, 1, 2])):
        mutate_file(draw, path, files) if (path := draw.choice(files)).is_file() else None
    project = folder / "project.toml"
    project.write_text(text, encoding="utf-8")
    return project


def test_the_whole_project_has_no_fault(whole, tmp_path):
    for part in (POINTS, RASTER, SPREAD):
        folder = tmp_path / str(len(part))
        shutil.copytree(whole, folder)
        project = folder / "project.toml"
        project.write_text(HEAD + part, encoding="utf-8")
        report = check_project(load_project(project), None, progress=Silent())
        assert [one.text("en") for one in report.problems if one.severity == "fatal"] == []


@pytest.mark.filterwarnings("ignore")  # libraries may warn of what is broken; the words are ours
@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_a_mutilated_project_is_answered_in_words(seed, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "cache"))
    problems = []

    def checked(*given, **options):
        report = check_project(*given, **options)
        problems.extend(report.problems)
        return report

    def salvaged(path):
        loaded, fault = salvage_project(path)
        problems.extend([] if fault is None else fault.problems)
        return loaded, fault

    monkeypatch.setattr("servicecircle.study.check_project", checked)
    monkeypatch.setattr("servicecircle.project.salvage_project", salvaged)
    project = mutilated(seed, whole, tmp_path / "study")
    options = ["--out", str(tmp_path / "out")] if seed % 2 else []
    done = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(main, ["check", str(project), *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in {0, 1, 2, 3}
    assert "Traceback" not in done.stderr
    assert done.exit_code == 0 or done.stderr.strip()
    for problem in problems:
        for language in ("zh", "en"):
            assert problem.text(language).strip()
        if problem.severity == "fatal":
            assert done.exit_code == 1
            assert problem.file, problem.text("en")
            assert len(problem.text("en").splitlines()) >= 3, problem.text("en")
