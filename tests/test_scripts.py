"""The analyst scripts print what the tables of a study say, added up here in another way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict

import geopandas as gpd
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import servicecircle as sc

NAMES = ("rule_1km", "circles_15min", "townships_without")


@pytest.fixture(scope="module")
def results():
    """Return the study of the demo city, with the circles of care homes alone."""
    project = sc.load_project(sc.demo_project())
    layers = {
        name: settings.model_copy(update={"circles": name == "care_home"})
        for name, settings in project.facilities.items()
    }
    return sc.study_project(project.with_layers(layers))


@pytest.fixture(scope="module")
def run(root):
    """Return the function that runs a script and gives its exit code, stdout and stderr."""

    def run(name, *arguments, cwd=None):
        done = subprocess.run(
            [sys.executable, str(root / "scripts" / f"{name}.py"), *map(str, arguments)],
            capture_output=True,
            cwd=cwd,
            env={**os.environ, "PYTHONUTF8": "1"},
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")

    return run


def numbers(line):
    return [float(text.replace(",", "")) for text in re.findall(r"[\d,]*\d(?:\.\d+)?", line)]


def shown(value):
    return float(f"{value:.0f}")


@pytest.mark.parametrize("name", NAMES)
def test_script_is_short_and_uses_public_names_alone(root, name):
    text = (root / "scripts" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert re.findall(r"^(?:import|from) servicecircle.*", text, flags=re.M) == [
        "import servicecircle as sc"
    ]
    assert set(re.findall(r"\bsc\.(\w+)", text)) <= set(sc.__all__)


def test_one_kilometre_rule(run, results):
    code, out, err = run("rule_1km")
    assert (code, err) == (0, "")
    assert "invented" in out
    inside = results.demand[results.demand["in_main_urban_area"]]
    elderly = dict(zip(inside["demand_id"], inside["elderly"], strict=True))
    access = results.access[results.access["layer"] == "care_home"]
    near = [
        name
        for name, metres in zip(access["demand_id"], access["metres"], strict=True)
        if name in elderly and metres <= 1000.000001
    ]
    # Straight lines anew, in another projection and against every home.
    crs = "EPSG:32650"
    open_homes = results.facilities[
        (results.facilities["layer"] == "care_home")
        & sc.is_open(results.facilities, results.as_of)
        & results.facilities.geometry.notna()
    ]
    homes = open_homes.to_crs(crs).geometry.get_coordinates().to_numpy()
    points = inside.to_crs(crs).geometry.get_coordinates().to_numpy()
    metres = cdist(points, homes).min(axis=1)
    sure, perhaps = inside["elderly"][metres < 999.0].sum(), inside["elderly"][metres < 1001].sum()

    lines = out.splitlines()
    total = sum(elderly.values())
    assert numbers(lines[0])[-1] == shown(total)
    network, straight = numbers(lines[-2]), numbers(lines[-1])
    within = sum(elderly[name] for name in near)
    assert network[:2] == [1000.0, shown(within)]
    assert network[2] == pytest.approx(100.0 * within / total, abs=0.0501)
    assert sure - 1 <= straight[1] <= perhaps + 1
    assert 0 < network[1] < straight[1] < total


def test_one_kilometre_rule_at_another_distance(run):
    _, one, _ = run("rule_1km", "--metres", "1000")
    _, two, _ = run("rule_1km", "--metres", "2000")
    for line, wider in zip(one.splitlines()[-2:], two.splitlines()[-2:], strict=True):
        assert numbers(line)[1] < numbers(wider)[1]


def test_circles_of_a_layer(run, results, tmp_path):
    code, out, err = run("circles_15min", "--out", tmp_path / "circles")
    assert (code, err) == (0, "")
    assert "invented" in out
    access = results.access[results.access["layer"] == "care_home"].set_index("demand_id")
    seconds = access["seconds"].reindex(results.demand["demand_id"]).to_numpy()
    people = results.demand[["population", "elderly"]].to_numpy()
    rows = [numbers(line) for line in out.splitlines() if re.match(r"\d+–\d+ ", line)]
    assert [row[:2] for row in rows] == [[0, 5], [5, 10], [10, 15]]
    for least, most, _, population, elderly in rows:
        # Zero minutes lie in the first band.
        band = (seconds <= most * 60 + 1e-6) & ~(seconds <= least * 60 + 1e-6)
        band |= (seconds == 0) & (least == 0)
        expected = people[band].sum(axis=0)
        assert [population, elderly] == pytest.approx(expected, abs=1)

    path = tmp_path / "circles" / "circles_care_home.gpkg"
    assert out.splitlines()[-1] == str(path)
    drawn = gpd.read_file(path)
    assert set(drawn["layer"]) == {"care_home"}
    homes = set(results.facilities.loc[results.facilities["layer"] == "care_home", "facility_id"])
    assert set(drawn["facility_id"].fillna("")) - {""} <= homes
    whole = drawn[drawn["facility_id"].fillna("") == ""].to_crs("EPSG:32650")
    areas = dict(zip(whole["minutes"], whole.area / 1e6, strict=True))
    total = 0.0
    for _, most, area, *_ in rows:
        total += area
        # UTM stretches by up to 4 parts in 10,000, and each ring is printed to 0.01.
        assert total == pytest.approx(areas[most], rel=2e-3, abs=0.02)


def test_townships_without_a_facility(run, results):
    code, out, err = run("townships_without")
    assert (code, err) == (0, "")
    said, layer = defaultdict(set), ""
    titles = {f"{info.zh} / {info.en}": info.name for info in results.layers}
    totals = {}
    for line in out.splitlines()[1:]:
        if line.startswith("  "):
            said[layer].add(line.split()[-1])
        else:
            title, _, count = line.rpartition(": ")
            layer = titles[title.partition("（示意")[0]]
            totals[layer] = numbers(count)
    townships = results.units[results.units["level"] == "township"]
    assert set(totals) == set(titles.values())
    for name, (without, among) in totals.items():
        assert among == len(townships)
        assert without == len(said[name])
    rows = results.unit_coverage
    rows = rows[(rows["rule"] == "presence") & (rows["level"] == "township")]
    for name in totals:
        mine = rows[(rows["layer"] == name)]
        none = {
            code for code, count in zip(mine["code"], mine["facilities"], strict=True) if count == 0
        }
        assert said[name] == none, name


def test_townships_without_a_station_by_place_alone(run, results):
    # Stations stand in the township they declare, so their places tell the same.
    _, out, _ = run("townships_without")
    stations = results.facilities[
        (results.facilities["layer"] == "social_work_station")
        & sc.is_open(results.facilities, results.as_of)
    ]
    townships = results.units[results.units["level"] == "township"]
    shapes, points = townships.geometry.to_numpy(), stations.geometry.dropna().to_numpy()
    has = np.array([any(shape.covers(point) for point in points) for shape in shapes])
    unplaced = set(stations.loc[stations.geometry.isna(), "declared_unit"])
    empty = {
        f"  {name} {code}"
        for name, code, full in zip(townships["name"], townships["code"], has, strict=True)
        if not full and name not in unplaced
    }
    lines = out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("社会工作站"))
    block = []
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            break
        block.append(line)
    assert set(block) == empty
    assert empty


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("circles_15min", ("--layer", "canteens"), "no layer canteens; known: care_home"),
        ("townships_without", ("--level", "province"), r"\[boundaries.province\]"),
    ],
)
def test_script_says_what_is_missing(run, name, arguments, said, tmp_path):
    code, out, err = run(name, *arguments, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert re.search(said, err)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
