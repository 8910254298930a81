"""The frame of the map in Chromium: two languages, print, full screen, about, many layers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from servicecircle.outputs.bilingual import both, both_labels
from servicecircle.outputs.map_about import map_about
from servicecircle.outputs.map_scorecard import map_scorecard
from servicecircle.outputs.mapdata import map_payload
from servicecircle.outputs.opening import first_measure, opening_bounds
from servicecircle.results import LayerInfo, Results

MakeResults = Callable[..., Results]
MakeLayer = Callable[..., LayerInfo]

RECORD = {
    "crs": "EPSG:4549",
    "credits": ["© 示例来源 <b>2025</b>"],
    "inputs": {"facilities/homes.csv": "0123456789abcdef" * 4},
    "environment": {"servicecircle": "9.8.7", "python": "3.11"},
    "plans": [{"id": "quzhou", "file": "plan_1.toml", "sha256": "f" * 64}],
    "population": {
        "people_in_source": 1000.0,
        "basis": "resident",
        "date": "2020-11-01",
        "age_from": 60,
    },
}
PLAN = '[plan]\nname_zh = "衢州规划"\nname_en = "The plan of Quzhou"\n'.encode()


def told(results: Results) -> Results:
    return replace(results, record=RECORD, plan_files={"plan_1.toml": PLAN})


def many_layers(make_results: MakeResults, make_layer: MakeLayer, number: int = 50) -> Results:
    layers = tuple(
        make_layer(f"layer_{i}", f"设施第{i}类", f"Facility kind {i}", measured=i < number // 2)
        for i in range(number)
    )
    return make_results(layers=layers, side=1, each=2)


# What the page is given


def test_both_languages_or_one_text() -> None:
    assert both(lambda language: {"zh": "甲", "en": "a"}[language]) == {"zh": "甲", "en": "a"}
    assert both(lambda language: "示例") == "示例"
    assert both_labels("map_legend") == {"zh": "图例", "en": "Legend"}


def test_the_payload_is_the_same_in_both_languages(make_results: MakeResults) -> None:
    """But for the language that it opens in."""
    zh, en = (map_payload(told(make_results(language=one))) for one in ("zh", "en"))
    assert (zh.pop("language"), en.pop("language")) == ("zh", "en")
    assert zh == en
    assert set(zh["labels"]["zh"]) == set(zh["labels"]["en"])
    assert all(zh["labels"]["zh"].values())
    assert all(zh["labels"]["en"].values())


def test_placeholders_agree_in_both_languages(make_results: MakeResults) -> None:
    labels = map_payload(make_results())["labels"]
    for key, text in labels["zh"].items():
        names = sorted(re.findall(r"\{\w+\}", text))
        assert names == sorted(re.findall(r"\{\w+\}", labels["en"][key])), key


def test_labels_that_the_scripts_use_are_given(make_results: MakeResults) -> None:
    labels = map_payload(make_results())["labels"]["zh"]
    folder = Path(map_payload.__code__.co_filename).parent / "assets" / "page"
    used = {
        key
        for file in folder.glob("*.js")
        for key in re.findall(r'\b(?:say|t|words)\("(\w+)"', file.read_text(encoding="utf-8"))
    }
    # Those built from a part and a value end with the part's underscore.
    assert {key for key in used if not key.endswith("_")} <= set(labels)


def test_scripts_have_no_name_twice() -> None:
    folder = Path(map_payload.__code__.co_filename).parent / "assets" / "page"
    names = [
        name
        for file in sorted(folder.glob("*.js"))
        for name in re.findall(
            r"^(?:async )?(?:function|const|let) (\w+)", file.read_text(encoding="utf-8"), re.M
        )
    ]
    assert sorted(names) == sorted(set(names))


def test_layers_of_elderly_care_open_with_the_elderly_rate(make_layer: MakeLayer) -> None:
    def first(name: str, **changes: Any) -> str:
        return first_measure(make_layer(name, "", "", **changes))

    assert first("care_home") == "elderly"
    # Split from the day centres, on foot at the usual speed.
    assert first("care_station") == "elderly"
    assert first("school") == "people"
    assert first("park_of_ones_own", profile="elderly") == "elderly"


def test_the_main_urban_area_opens(make_results: MakeResults) -> None:
    results = make_results()
    west, south, east, north = results.scopes.total_bounds
    (low, left), (high, right) = opening_bounds(results) or ((0, 0), (0, 0))
    assert left < west < east < right
    assert low < south < north < high
    # Nearly nothing around it: it fills the window.
    assert right - left == pytest.approx(1.06 * (east - west), abs=2e-5)


def test_proposed_sites_lie_in_the_view_that_opens(make_results: MakeResults) -> None:
    results = make_results()
    west, south, east, north = results.scopes.total_bounds
    sites = pd.DataFrame({"lon": [east + 0.5, west], "lat": [south - 0.25, north]})
    (low, left), (high, right) = opening_bounds(replace(results, tables={"sites": sites})) or (
        (0, 0),
        (0, 0),
    )
    assert left < west < east + 0.5 < right < east + 0.6
    assert south - 0.3 < low < south - 0.25 < north < high


def test_other_scopes_do_not_open(make_results: MakeResults) -> None:
    results = make_results()
    park = results.scopes.assign(scope="industrial_park")
    assert opening_bounds(replace(results, scopes=park)) is None
    gone = gpd.GeoDataFrame(
        {"scope": ["main_urban_area", "city_proper"], "name": ""},
        geometry=[shapely.Polygon(), None],
        crs="EPSG:4326",
    )
    assert opening_bounds(replace(results, scopes=gone)) is None


def test_about_tells_whose_people_and_how_old(make_results: MakeResults) -> None:
    about = map_about(told(make_results()))
    # From 2020-11-01 to 2025-12-31 are 1,886 days, 5.16 years.
    assert about["people"]["zh"] == "常住人口，60 岁及以上为老年人，2020-11-01（早于判定日 5.2 年）"
    assert about["people"]["en"] == (
        "residents, elderly from age 60, 2020-11-01 (5.2 years before the date of judgement)"
    )
    near = RECORD | {"population": RECORD["population"] | {"date": "2025-11-01"}}  # type: ignore[operator]  # a dict
    about = map_about(replace(make_results(), record=near))
    assert about["people"]["zh"] == "常住人口，60 岁及以上为老年人，2025-11-01"


@pytest.mark.parametrize("date", [None, "", "2020", "spring", dt.date(2020, 11, 1)])
def test_a_date_that_is_none_is_not_counted_from(make_results: MakeResults, date: Any) -> None:
    record = {"population": {"people_in_source": 1.0, "date": date}}
    people = map_about(replace(make_results(), record=record))["people"]["en"]
    assert people.startswith("basis not stated")
    assert ("years before" in people) == isinstance(date, dt.date)


def test_about_names_plans_and_shortens_hashes(make_results: MakeResults) -> None:
    about = map_about(told(make_results()))
    cells = {
        language: [cell for _, rows in about["sections"][language] for row in rows for cell in row]
        for language in ("zh", "en")
    }
    assert "衢州规划" in cells["zh"]
    assert "The plan of Quzhou" in cells["en"]
    assert "0123456789ab…" in cells["en"]
    assert not any("0123456789abcdef" in cell for cell in cells["en"])


def test_a_record_that_tells_nothing_is_no_error(make_results: MakeResults) -> None:
    about = map_about(replace(make_results(), record={}))
    assert (about["people"], about["credits"], about["version"]) == ("", [], "")
    assert about["crs"]["zh"] == "本次运行的米制坐标系"


def test_scorecard_names_plans_and_units_in_both_languages(make_results: MakeResults) -> None:
    results = told(make_results())
    card = results.scorecard.assign(unit="beds per 1000 elderly")
    rows = map_scorecard(replace(results, scorecard=card))
    assert rows[0]["plan"] == {"zh": "衢州规划", "en": "The plan of Quzhou"}
    assert rows[0]["unit"] == {"zh": "张/千名老年人", "en": "beds per 1000 elderly"}
    assert rows[0]["name"] == {"zh": "衢州15分钟圈", "en": "15-minute circles"}
    only = results.scorecard.assign(name_en="")
    assert map_scorecard(replace(results, scorecard=only))[0]["name"] == "衢州15分钟圈"


# The page in the browser


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_language_switches_without_a_reload(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    results = told(make_results())
    with open_map(results, width=size[0], height=size[1]) as seen:
        seen.run("() => { window.stays = 1; }")
        assert seen.run("document.documentElement.lang") == "zh-CN"
        seen.page.locator("#sc-language").click()
        assert seen.run("document.documentElement.lang") == "en"
        assert seen.run("window.stays") == 1
        assert "as of 2025-12-31" in seen.text("#sc-facts")
        for name, title in (
            ("scorecard", "Scorecard"),
            ("layers", "Layers"),
            ("legend", "Legend"),
            ("about", "About"),
        ):
            assert title in seen.text(f"#sc-open-{name}")
            if not seen.page.locator(f"#sc-{name}").is_visible():
                seen.page.locator(f"#sc-open-{name}").click()
            text = seen.text(f"#sc-{name}")
            assert title in text
            # Names of places and the credits are the data's own.
            left = re.sub(r"示例市 2025|主城区|© 示例来源 <b>2025</b>", "", text)
            # 示意数据 is said in both languages by the notes of the run alone.
            assert re.findall(r"[\u4e00-\u9fff]+", left) == [], name
            if size[0] > 720:
                seen.page.locator(f"#sc-{name} .sc-close").click()
        banner = seen.text(".sc-banner")
        assert banner.startswith("⚠ Invented data")
        assert "day centres" in banner
        assert seen.run("document.getElementById('sc-print').title") == "Print"
        assert seen.run("document.querySelector('.leaflet-control-zoom-in').title") == "Zoom in"
        seen.page.locator("#sc-language").click()
        assert seen.run("document.documentElement.lang") == "zh-CN"
        assert "截至 2025-12-31" in seen.text("#sc-facts")
        assert "图层" in seen.text("#sc-open-layers")
        assert seen.run("document.documentElement.scrollWidth") <= size[0]


def test_the_page_opens_in_the_language_of_the_project(
    make_results: MakeResults, open_map: Any
) -> None:
    with open_map(make_results(language="en")) as seen:
        assert seen.run("document.documentElement.lang") == "en"
        assert "care homes" in seen.text("#sc-legend")
        assert seen.text("#sc-language") == "中文"
        seen.page.locator("#sc-language").click()
        assert "养老机构" in seen.text("#sc-legend")


def test_what_is_shown_stays_when_the_language_switches(
    make_results: MakeResults, open_map: Any
) -> None:
    checked = "() => [...document.querySelectorAll('#sc-layers input')].map((one) => one.checked)"
    with open_map(make_results()) as seen:
        seen.page.get_by_label("未覆盖人口").first.check()
        seen.page.locator(".sc-switch button").nth(0).click()
        before = seen.run(checked)
        seen.page.locator("#sc-language").click()
        assert seen.run(checked) == before
        legend = seen.text("#sc-legend")
        assert "Population coverage by village" in legend
        assert "not covered" in legend


def test_the_elderly_rate_comes_first_where_the_layer_is_of_elderly_care(
    make_results: MakeResults, make_layer: MakeLayer, open_map: Any
) -> None:
    layers = (make_layer("care_home", "养老机构", "homes"), make_layer("school", "学校", "schools"))
    with open_map(make_results(layers=layers)) as seen:
        assert "村（社区） 老年人覆盖率" in seen.text("#sc-legend")
        seen.page.locator(".sc-group").nth(1).click()
        assert "村（社区） 人口覆盖率" in seen.text("#sc-legend")
        # A choice of the reader holds for all layers.
        seen.page.locator(".sc-switch button").nth(1).click()
        seen.page.locator(".sc-group").nth(0).click()
        assert "老年人覆盖率" in seen.text("#sc-legend h3")


def test_the_scope_fills_the_window_and_the_button_shows_all(
    make_results: MakeResults, open_map: Any
) -> None:
    results = make_results(side=6)
    west, south, east, north = results.units.total_bounds
    around = results.scopes.total_bounds
    with open_map(results) as seen:
        left, top = seen.screen(around[0], around[3])
        right, bottom = seen.screen(around[2], around[1])
        # Beside the panels, and at least half the height.
        assert 300 < left < right < 1030
        assert bottom - top > 350
        assert seen.screen(west, north)[1] < 60
        seen.page.locator(".sc-home button").click()
        seen.page.wait_for_timeout(300)
        left, top = seen.screen(west, north)
        right, bottom = seen.screen(east, south)
        assert 300 < left < right < 1030
        assert 60 < top < bottom < 800


def test_print_lays_out_one_page_and_takes_it_back(
    make_results: MakeResults, open_map: Any, tmp_path: Path
) -> None:
    sizes = """() => ["html", ".folium-map", ".sc-side", ".sc-foot"].map((one) => {
        const box = document.querySelector(one).getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom];
    })"""
    with open_map(told(make_results())) as seen:
        view = "() => { const map = window[Object.keys(window).find((name) => /^map_\\d+$/.test(name))]; return [map.getZoom(), map.getCenter().lat.toFixed(4)]; }"  # noqa: E501 - one line of script
        before = seen.run(view)
        seen.run("window.dispatchEvent(new Event('beforeprint'))")
        page, drawn, side, foot = seen.run(sizes)
        # 281 mm by 193 mm at 96 dots an inch: A4 across without its margins.
        assert page[2] == pytest.approx(281 / 25.4 * 96, abs=1)
        assert page[3] <= 194 / 25.4 * 96
        for box in (drawn, side, foot):
            assert box[0] >= page[0]
            assert box[2] <= page[2] + 1
            assert box[3] <= page[3] + 1
        assert drawn[2] <= side[0]
        assert max(drawn[3], side[3]) <= foot[1] + 1
        assert drawn[2] - drawn[0] > 700
        text = seen.text(".sc-side")
        for words in ("图例", "养老机构", "0–20%", "评分表", "未达标 1", "衢州15分钟圈", "62.35%"):
            assert words in text
        text = seen.text(".sc-foot")
        for words in ("常住人口", "2020-11-01", "EPSG:4549", "© 示例来源 <b>2025</b>", "9.8.7"):
            assert words in text
        painted = seen.run(
            """() => {
                const { width, height } = document.querySelector(".sc-paper");
                const context = document.querySelector(".sc-paper").getContext("2d");
                const { data } = context.getImageData(0, 0, width, height);
                const colours = new Set();
                for (let i = 0; i < data.length; i += 4) {
                    const [red, green, blue, there] = data.slice(i, i + 4);
                    if (there) colours.add([red >> 4, green >> 4, blue >> 4].join());
                }
                return colours.size;
            }"""
        )
        assert painted > 10
        for hidden in ("#sc-tools", ".sc-icons", "#sc-layers", ".leaflet-control-zoom", ".sc-home"):
            assert not seen.page.locator(hidden).is_visible()
        assert seen.page.locator(".leaflet-control-scale-line").is_visible()
        seen.run("window.dispatchEvent(new Event('afterprint'))")
        assert seen.run(view) == before
        assert seen.run("document.querySelectorAll('.sc-sheet, .sc-paper').length") == 0
        assert seen.page.locator("#sc-tools").is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pdf_is_one_page_a4_across(
    make_results: MakeResults, open_map: Any, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "map.pdf"
    with open_map(told(make_results()), width=width, height=844) as seen:
        seen.page.pdf(path=file, prefer_css_page_size=True)
        seen.page.wait_for_timeout(200)
        assert seen.run("document.documentElement.className") == ""
    text = file.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", text)) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", text)
    assert box is not None
    # Points of 1/72 inch.
    assert float(box[1]) == pytest.approx(297 / 25.4 * 72, abs=1.5)
    assert float(box[2]) == pytest.approx(210 / 25.4 * 72, abs=1.5)


def test_full_screen_and_back(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results()) as seen:
        seen.page.locator("#sc-full").click()
        seen.wait_for("document.fullscreenElement === document.documentElement")
        seen.wait_for("document.getElementById('sc-full').title === '退出全屏'")
        seen.page.locator("#sc-full").click()
        seen.wait_for("document.fullscreenElement === null")
        seen.wait_for("document.getElementById('sc-full').title === '全屏'")


def test_about_shows_provenance(make_results: MakeResults, open_map: Any) -> None:
    with open_map(told(make_results())) as seen:
        seen.page.locator("#sc-open-about").click()
        facts = seen.text("#sc-about .sc-facts")
        for words in ("常住人口", "早于判定日 5.2 年", "EPSG:4549", "servicecircle 9.8.7"):
            assert words in facts
        assert "© 示例来源 <b>2025</b>" in facts
        for number in range(seen.page.locator("#sc-about details").count()):
            box = seen.page.locator("#sc-about details").nth(number)
            if box.get_attribute("open") is None:
                box.locator("summary").click()
        about = seen.text("#sc-about")
        for words in ("衢州规划", "homes.csv", "0123456789ab…", "老年人步行 15 分钟内可达"):
            assert words in about


def test_fifty_layers_fold_and_are_found(
    make_results: MakeResults, make_layer: MakeLayer, open_map: Any
) -> None:
    shown = """() => [...document.querySelectorAll("#sc-layers [data-part]")]
        .filter((one) => one.offsetParent).map((one) => one.dataset.part)"""
    with open_map(many_layers(make_results, make_layer)) as seen:
        parts = seen.run(shown)
        # The base map first, then the measured ones, those that are only counted last.
        assert parts == ["base", *map(str, range(50))]
        folded = seen.page.locator("#sc-layers [data-part].sc-folded").count()
        assert folded == 50
        assert "只计数的图层" in seen.text("#sc-layers")
        field = seen.page.locator("#sc-filter")
        field.fill("第４９")
        assert seen.run(shown) == ["49"]
        # Found by the name in the other language too, whatever the case.
        field.fill("KIND 23")
        assert seen.run(shown) == ["23"]
        seen.page.locator("#sc-layers [data-part='23'] .sc-group").click()
        assert "设施第23类" in seen.text("#sc-legend")
        assert seen.run(shown) == ["23"]
        field.fill("没有")
        assert seen.run(shown) == []
        assert "没有这样的图层" in seen.text("#sc-layers")
        field.fill("")
        assert len(seen.run(shown)) == 51
        seen.page.locator("#sc-layers [data-part='base'] .sc-fold").click()
        assert seen.page.get_by_label("行政边界").is_visible()


def test_the_list_keeps_its_place_under_the_keys(make_results: MakeResults, open_map: Any) -> None:
    focus = "() => document.activeElement.parentNode.innerText.trim()"
    with open_map(make_results()) as seen:
        box = seen.page.get_by_label("乡镇（街道）覆盖率").first
        box.focus()
        seen.page.keyboard.press("Space")
        # Another shading goes off, for which the list is made anew.
        seen.page.wait_for_timeout(100)
        assert seen.run(focus) == "乡镇（街道）覆盖率"
        assert seen.page.get_by_label("乡镇（街道）覆盖率").first.is_checked()
        assert not seen.page.get_by_label("村（社区）覆盖率").first.is_checked()


def test_nothing_overlaps_on_a_phone(make_results: MakeResults, open_map: Any) -> None:
    boxes = """(ids) => ids.map((one) => document.querySelector(one)).filter((one) => one && one.offsetParent)
        .map((one) => { const box = one.getBoundingClientRect(); return [one.id, box.left, box.top, box.right, box.bottom]; })"""  # noqa: E501 - one line of script
    parts = [".sc-title", "#sc-icons", "#sc-find", "#sc-tools", ".sc-banner", ".sc-main"]
    name = "某某市某某区民政事业发展规划实施情况评估（二〇二五年度）"
    with open_map(make_results(name=name), width=390, height=844) as seen:
        found = seen.run(boxes, parts)
        assert len(found) >= 5
        for number, (one, left, top, right, bottom) in enumerate(found):
            assert left >= 0, one
            assert right <= 390, one
            for other, left_2, top_2, right_2, bottom_2 in found[number + 1 :]:
                apart = right <= left_2 + 1 or right_2 <= left + 1
                assert apart or bottom <= top_2 + 1 or bottom_2 <= top + 1, (one, other)
        # Half of the window at least is map.
        main = next(box for box in found if box[0] == "" and box[4] >= 840)
        assert main[4] - main[2] > 422
        for panel in ("scorecard", "layers", "legend", "about"):
            seen.page.locator(f"#sc-open-{panel}").click()
            assert seen.page.locator(".sc-panel:visible").count() == 1
            box = seen.page.locator(f"#sc-{panel}").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] <= 844
