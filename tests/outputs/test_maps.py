"""The map's payload holds the right numbers; its page asks for nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.outputs import mapdata, shading, uncovered
from servicecircle.outputs.maps import map_page, write_map
from servicecircle.outputs.palettes import LAYER_COLOURS, RATE_COLOURS, layer_marks, rate_class
from servicecircle.results import LayerInfo, Results

MakeResults = Callable[..., Results]
MakeLayer = Callable[..., LayerInfo]


def payload_of(html: str) -> Any:
    found = re.search(r'id="sc-payload" data-packing="plain"[^>]*>(.*?)</script>', html, re.S)
    assert found is not None
    return json.loads(found[1])


def empty_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:0]


# What is shaded


def test_units_are_shaded_by_the_15_minutes(make_results: MakeResults) -> None:
    results = make_results()
    for layer in results.layers:
        assert shading.shade_of(results, layer).rule == "15 min"


def test_without_15_minutes_the_most_minutes_shade(make_results: MakeResults) -> None:
    results = make_results()
    coverage = results.unit_coverage[results.unit_coverage["rule"] != "15 min"]
    short = replace(results, minutes=(5.0, 10.0), unit_coverage=coverage)
    assert shading.shade_of(short, short.layers[0]).rule == "10 min"


def test_without_roads_the_straight_line_shades_and_the_page_says_so(
    make_results: MakeResults, make_layer: MakeLayer
) -> None:
    results = make_results(layers=(make_layer("care_home", "养老机构", "homes", on_network=False),))
    shade = shading.shade_of(results, results.layers[0])
    assert (shade.rule, shade.kind) == ("1000 m straight", "straight")
    html = map_page(results)
    assert "直线距离 1000 米以内（无路网，仅供参考）" in html
    assert payload_of(html)["layers"][0]["way"]["zh"] == "无路网：仅有直线距离结果"


def test_without_people_presence_shades(make_results: MakeResults) -> None:
    results = make_results()
    coverage = results.unit_coverage.assign(covered_population=np.nan, covered_elderly=np.nan)
    nobody = replace(results, unit_coverage=coverage, demand=empty_of(results.demand))
    assert shading.shade_of(nobody, nobody.layers[0]).kind == "presence"
    data = payload_of(map_page(nobody))
    assert {layer["kind"] for layer in data["layers"]} == {"presence"}
    assert data["layers"][0]["uncovered"]["people"] == []
    # 8 care homes lie in townships: the same number by an independent count.
    townships = results.units[results.units["level"] == "township"]
    sites = results.facilities[results.facilities["layer"] == "care_home"]
    inside = [
        int(shapely.contains(shape, sites.geometry.to_numpy()).sum())
        for shape in townships.geometry
    ]
    assert data["layers"][0]["shade"]["township"]["facilities"] == inside


def test_rates_are_covered_by_all(make_results: MakeResults) -> None:
    results = make_results()
    data = payload_of(map_page(results))
    table = results.unit_coverage
    rows = table[(table["layer"] == "care_home") & (table["rule"] == "15 min")]
    rows = rows[rows["unit_id"].str.startswith("township")]
    shade = data["layers"][0]["shade"]["township"]
    expected = rows["covered_population"] / rows["population"]
    assert shade["people_rate"] == pytest.approx(expected.tolist(), abs=1e-4)
    assert max(shade["people_rate"]) > 0
    assert data["levels"][0]["people"] == rows["population"].round().astype(int).tolist()


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_a_rate_just_below_a_class_stays_below(share: float) -> None:
    # 799,999 of 1,000,000 is not 80 %.
    below = shading._rates(pd.Series([share * 1e6 - 1]), pd.Series([1e6]))[0]
    exact = shading._rates(pd.Series([share * 1e6]), pd.Series([1e6]))[0]
    assert below is not None
    assert exact is not None
    assert below < share <= exact
    assert rate_class(below) == rate_class(exact) - 1  # type: ignore[operator]  # None fails the test


def test_no_people_is_no_rate() -> None:
    rates = shading._rates(pd.Series([0.0, np.nan, 5.0]), pd.Series([0.0, 10.0, np.nan]))
    assert rates == [None, None, None]


# Who is not covered


def test_uncovered_people_add_up(make_results: MakeResults) -> None:
    results = make_results()
    layer = results.layers[0]
    cells = uncovered.uncovered_cells(results, layer, shading.shade_of(results, layer))
    access = results.access[results.access["layer"] == layer.name].set_index("demand_id")
    people = results.demand.set_index("demand_id")["population"]
    out = [i for i in people.index if not access.loc[i, "seconds"] <= 900 + 1e-6]
    assert sum(cells["people"]) == pytest.approx(people[out].sum())
    lost = [i for i in out if access.loc[i, "status"] == "unreachable"]
    assert lost
    assert sum(cells["causes"][0]) == pytest.approx(people[lost].sum())


def test_at_most_3000_cells_and_nobody_lost(make_results: MakeResults) -> None:
    results = make_results(side=1)
    rng = np.random.default_rng(5)
    many = 40_000
    lon, lat = 118 + rng.random(many), 28 + rng.random(many)
    demand = gpd.GeoDataFrame(
        {"demand_id": [str(i) for i in range(many)], "population": 1.0, "elderly": np.nan},
        geometry=shapely.points(lon, lat),
        crs="EPSG:4326",
    )
    far = replace(results, demand=demand, access=empty_of(results.access))
    cells = uncovered.uncovered_cells(far, far.layers[0], shading.Shade("15 min", "minutes", 15.0))
    assert 0 < len(cells["people"]) <= 3000
    assert sum(cells["people"]) == pytest.approx(many)
    # Each person lies within half a cell of the centre that counts it.
    centres = np.cumsum(np.array(cells["points"]).reshape(-1, 2), axis=0) / 1e5
    tree = shapely.STRtree(shapely.points(centres * [np.cos(np.deg2rad(28.5)), 1]))
    points = shapely.points(lon * np.cos(np.deg2rad(28.5)), lat)
    distance = tree.query_nearest(points, return_distance=True, all_matches=False)[1]
    assert distance.max() <= cells["cell_m"] / 111_195 * 0.75


def test_exactly_at_the_limit_is_covered(make_results: MakeResults) -> None:
    results = make_results()
    layer = results.layers[0]
    shade = shading.shade_of(results, layer)
    exact = replace(results, access=results.access.assign(seconds=900.0000000000001))
    assert uncovered.uncovered_cells(exact, layer, shade)["people"] == []


# The page


def test_the_page_asks_for_nothing(make_results: MakeResults) -> None:
    html = map_page(make_results())
    code = re.sub(r"<!--.*?-->", "", html, flags=re.S)
    assert not re.findall(r"<(?:link|img|iframe|object|embed|base)\b", code)
    assert not re.findall(r"<script[^>]*\bsrc=", code)
    styles = "".join(re.findall(r"<style>(.*?)</style>", code, re.S))
    assert "leaflet-pane" in styles
    assert not re.findall(r"@import|url\((?!data:)", styles)
    assert "sourceMappingURL" not in code


def test_the_policy_names_every_script_of_the_page(make_results: MakeResults) -> None:
    html = map_page(make_results())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'unsafe-inline' 'sha256-")
    for part in ("style-src 'unsafe-inline'", "img-src data: blob:", "font-src data:"):
        assert part in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    digests = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    }
    assert digests == set(re.findall(r"'sha256-[^']*'", policy[1]))


def test_the_page_states_its_language_title_and_date(make_results: MakeResults) -> None:
    html = map_page(make_results())
    assert html.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
    assert "<title>示例市 2025</title>" in html
    assert html.count('name="viewport"') == 1
    assert "截至 2025-12-31" in html
    assert '<html lang="en">' in map_page(make_results(language="en"))


def test_invented_data_are_called_so_in_both_languages(make_results: MakeResults) -> None:
    for language in ("zh", "en"):
        whole = map_page(make_results(language=language, invented=True))
        banner = re.search(r'<div class="sc-banner".*?</div>', whole, re.S)
        assert banner is not None
        assert "示意数据（虚构）" in banner[0]
        assert "nvented data" in banner[0]
        assert all(layer["invented"] for layer in payload_of(whole)["layers"])
    some = re.search(r'<div class="sc-banner".*?</div>', map_page(make_results()), re.S)
    assert some is not None
    assert "日间照料中心" in some[0]
    assert "养老机构" not in some[0]


def test_real_data_have_no_banner(make_results: MakeResults, make_layer: MakeLayer) -> None:
    html = map_page(make_results(layers=(make_layer("care_home", "养老机构", "homes"),)))
    assert 'class="sc-banner"' not in html


def test_same_results_same_bytes_in_another_process(
    make_results: MakeResults, tmp_path: Path
) -> None:
    code = (
        "import sys, hashlib, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('fixtures', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); sys.modules[spec.name] = module\n"
        "spec.loader.exec_module(module)\n"
        "from servicecircle.outputs.maps import map_page\n"
        "print(hashlib.sha256(map_page(module._results()).encode()).hexdigest())\n"
    )
    source = str(Path(__file__).with_name("conftest.py"))
    root = str(Path(mapdata.__file__).parents[2])
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, source],
            env={"PYTHONPATH": root, "PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    write_map(make_results(), tmp_path / "index.html")
    here = hashlib.sha256((tmp_path / "index.html").read_bytes()).hexdigest()
    assert digests == {here + "\n"}


def test_jinja_in_names_does_not_run(make_results: MakeResults, make_layer: MakeLayer) -> None:
    evil = "{{ 1234577 * 7 }}{% raw %}{# x #}"
    layers = (make_layer("care_home", evil, evil),)
    html = map_page(make_results(name=evil, layers=layers))
    assert "8642039" not in html
    assert payload_of(html)["layers"][0]["title"] == evil


# Empty and odd results


@pytest.mark.parametrize(
    "parts",
    [
        ("circles", "overlaps"),
        ("roads",),
        ("scopes",),
        ("scorecard",),
        ("facilities",),
        ("demand", "access"),
        ("unit_coverage",),
        ("units", "unit_coverage"),
        (
            "units",
            "scopes",
            "facilities",
            "circles",
            "overlaps",
            "roads",
            "demand",
            "access",
            "unit_coverage",
            "scorecard",
        ),
    ],
)
def test_empty_parts_still_give_a_map(make_results: MakeResults, parts: tuple[str, ...]) -> None:
    results = make_results()
    bare = replace(results, **{name: empty_of(getattr(results, name)) for name in parts})
    data = payload_of(map_page(bare))
    assert len(data["layers"]) == 2
    if "units" in parts and "circles" in parts:
        assert data["bounds"] is None
    if parts == ("scorecard",):
        assert data["scorecard"] == []


def test_no_layers_and_one_unit(make_results: MakeResults) -> None:
    results = make_results(layers=(), side=1)
    one = replace(results, units=results.units.iloc[:1])
    data = payload_of(map_page(one))
    assert data["layers"] == []
    assert [len(level["names"]) for level in data["levels"]] == [1]


def test_a_table_without_columns_is_an_empty_scorecard(make_results: MakeResults) -> None:
    assert payload_of(map_page(make_results(scorecard=pd.DataFrame())))["scorecard"] == []


def test_facilities_without_a_place_are_counted(make_results: MakeResults) -> None:
    results = make_results()
    places = results.facilities.geometry.to_numpy().copy()
    places[0] = None
    facilities = results.facilities.set_geometry(gpd.GeoSeries(places, crs="EPSG:4326"))
    layer = payload_of(map_page(replace(results, facilities=facilities)))["layers"][0]
    assert layer["facilities"]["unplaced"] == 1
    assert len(layer["facilities"]["names"]) == 7


def test_only_elderly_known(make_results: MakeResults) -> None:
    results = make_results()
    demand = results.demand.assign(population=np.nan)
    coverage = results.unit_coverage.assign(population=np.nan, covered_population=np.nan)
    old = replace(results, demand=demand, unit_coverage=coverage)
    data = payload_of(map_page(old))
    assert data["layers"][0]["uncovered"]["weight"] == "elderly"
    assert set(data["layers"][0]["shade"]["township"]["people_rate"]) == {None}
    assert None not in data["layers"][0]["shade"]["township"]["elderly_rate"]


def test_many_facilities_have_no_circles_of_their_own(make_results: MakeResults) -> None:
    data = payload_of(map_page(make_results(each=60)))
    assert len(data["layers"][0]["own"]) == 60
    many = make_results(each=61)
    page = map_page(many)
    assert '"kind":"own"' not in page


# Palettes and assets


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_white_letters_stand_out_on_every_layer_colour() -> None:
    assert all(1.05 / (luminance(colour) + 0.05) >= 4.5 for colour in LAYER_COLOURS)


def test_rate_colours_darken_step_by_step() -> None:
    steps = [luminance(colour) for colour in RATE_COLOURS]
    assert all(one > 1.3 * other for one, other in itertools.pairwise(steps))


def test_marks_differ_while_the_alphabet_lasts() -> None:
    marks = layer_marks(["养老机构"] * 20)
    assert len(set(marks)) == 20


def test_vendored_files_are_the_pinned_ones() -> None:
    vendor = resources.files("servicecircle.outputs") / "assets" / "vendor"
    packages = tomllib.loads((vendor / "manifest.toml").read_text(encoding="utf-8"))["package"]
    for package in packages:
        assert any("LICENSE" in file["to"] for file in package["files"])
        for file in package["files"]:
            data = vendor.joinpath(*file["to"].split("/")).read_bytes()
            assert hashlib.sha256(data).hexdigest() == file["sha256"], file["to"]


@pytest.mark.parametrize("names", ["aabbcc", "abcabc", "ccc", "bxab", ""])
def test_each_layer_is_drawn_from_its_own_rows(names):
    table = pd.DataFrame({"layer": pd.Series(list(names), dtype="str"), "row": range(len(names))})
    parts = mapdata._rows_of(table, ["c", "a", "b"])
    expected = [[row for row, name in enumerate(names) if name == layer] for layer in "cab"]
    assert [part["row"].tolist() for part in parts] == expected


@pytest.mark.parametrize("middle", [(0.0, 0.0), (-70.0, -33.0), (179.9, 29.0)])
def test_cells_without_people_are_no_symbols(middle):
    rng = np.random.default_rng(3)
    lon, lat = (at + rng.uniform(-0.2, 0.2, 20_000) for at in middle)
    size, row, column, aspect = uncovered._grid(lon, lat)
    points = list(zip(lon.tolist(), lat.tolist(), strict=True))
    filled = {(int(y // size), int(x // (size * aspect))) for x, y in points}
    assert set(zip(row.tolist(), column.tolist(), strict=True)) == filled
    half = size / 2
    finer = {(int(y // half), int(x // (half * aspect))) for x, y in points}
    assert len(filled) <= uncovered.MOST_SYMBOLS < len(finer)
