"""The map as a planner meets it: opened from disk in Chromium, looked at, hovered, clicked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from servicecircle.results import LayerInfo, Results

MakeResults = Callable[..., Results]
MakeLayer = Callable[..., LayerInfo]

HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=2</script>",
    "`+(window.hacked=3)+`",
    "${window.hacked=4}",
    "\"'><svg onload=window.hacked=5>",
    "{{ window.hacked=6 }}{% raw %}",
    "<!--<script>",
    "\u202egnp.exe\u202c\u2028\u2029\x00",
    "\\u003cimg src=x onerror=window.hacked=7\\u003e",
    "__proto__",
    "长" * 10_000,
)
BREAKING = "".join(HOSTILE[:10])


def middle_of(results: Results, unit: str) -> tuple[float, float]:
    point = results.units.set_index("unit_id").geometry[unit].representative_point()
    return point.x, point.y


def coloured_pixels(seen: Any, pane: str) -> int:
    """Return how many pixels of a pane's canvas are painted."""
    return int(
        seen.run(
            """(pane) => {
                const canvas = document.querySelector(".leaflet-" + pane + "-pane canvas");
                if (!canvas || !canvas.width) return 0;
                const box = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let count = 0;
                for (let i = 3; i < box.data.length; i += 4) if (box.data[i]) count++;
                return count;
            }""",
            f"sc-{pane}",
        )
    )


def switches(seen: Any) -> dict[str, bool]:
    """Return the switches that can be seen, and whether they are on."""
    return dict(
        seen.run(
            """() => [...document.querySelectorAll("#sc-layers input")]
                .filter((input) => input.offsetParent)
                .map((input) => [input.parentNode.innerText.trim(), input.checked])"""
        )
    )


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_page_opens_quietly(
    make_results: MakeResults, open_map: Any, size: tuple[int, int], language: str
) -> None:
    with open_map(make_results(language=language), width=size[0], height=size[1]) as seen:
        assert seen.text("h1") == "示例市 2025"
        for pane in ("shade", "roads", "borders", "circles", "facilities", "scopes"):
            assert coloured_pixels(seen, pane) > 100, pane
        assert coloured_pixels(seen, "uncovered") == 0
        # Nothing wider than the window: no sideways scrolling on a phone.
        assert seen.run("document.documentElement.scrollWidth") <= size[0]
        seen.page.locator("#sc-open-about").click()
        words = seen.text("#sc-about")
        assert "EPSG:4549" in words
        assert "3 km/h" in words


def test_the_legend_names_rule_classes_and_circles(
    make_results: MakeResults, open_map: Any
) -> None:
    with open_map(make_results()) as seen:
        legend = seen.text("#sc-legend")
        for words in ("养老机构", "人口覆盖率", "0–20%", "80–100%", "无数据", "5 分钟", "15 分钟"):
            assert words in legend
        assert "老年人步行 15 分钟内可达（3 km/h，沿路网）" in legend
        seen.page.locator(".sc-switch button").nth(1).click()
        assert "老年人覆盖率" in seen.text("#sc-legend h3")


def test_layers_switch(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results()) as seen:
        before = switches(seen)
        assert before["服务圈"]
        assert not before["未覆盖人口"]
        seen.page.get_by_label("未覆盖人口").first.check()
        assert coloured_pixels(seen, "uncovered") > 100
        seen.page.get_by_label("服务圈", exact=True).first.uncheck()
        seen.page.wait_for_timeout(100)
        assert coloured_pixels(seen, "circles") == 0
        assert "服务圈" not in seen.text("#sc-legend")
        # One shading at a time: townships replace villages.
        seen.page.get_by_label("乡镇（街道）覆盖率").first.check()
        seen.wait_for("document.querySelectorAll('#sc-layers input').length > 0")
        seen.page.wait_for_timeout(100)
        after = switches(seen)
        assert after["乡镇（街道）覆盖率"]
        assert not after["村（社区）覆盖率"]
        assert "乡镇（街道） 老年人覆盖率" in seen.text("#sc-legend")


def test_a_heading_switches_to_its_service(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results()) as seen:
        seen.page.locator(".sc-group").nth(1).click()
        legend = seen.text("#sc-legend")
        assert "日间照料中心" in legend
        assert "养老机构" not in legend
        assert "示意数据" in legend
        assert coloured_pixels(seen, "circles") > 100


def test_hover_and_click_tell_the_numbers(make_results: MakeResults, open_map: Any) -> None:
    results = make_results()
    unit = "village_level:3308000003"
    rows = results.unit_coverage.set_index(["unit_id", "layer", "rule"])
    row = rows.loc[(unit, "care_home", "15 min")]
    with open_map(results) as seen:
        # The page opens on the scope; the unit lies at the edge of the whole area.
        seen.page.locator(".sc-home button").click()
        seen.page.wait_for_timeout(300)
        x, y = seen.screen(*middle_of(results, unit))
        seen.page.mouse.move(x - 3, y)
        seen.page.mouse.move(x, y)
        seen.wait_for("document.querySelector('.sc-tooltip') !== null")
        tip = seen.text(".sc-tooltip")
        assert "村0-3" in tip
        assert f"{row['population']:,.0f}" in tip
        assert f"{row['elderly']:,.0f}" in tip
        assert f"{int(row['covered_population'] / row['population'] * 1000) / 10}%" in tip
        seen.page.mouse.click(x, y)
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        card = seen.text("#sc-card")
        assert "养老机构" in card
        assert "日间照料中心" in card


def test_a_facility_shows_its_card(make_results: MakeResults, open_map: Any) -> None:
    results = make_results()
    site = results.facilities.iloc[1]
    with open_map(results) as seen:
        seen.page.mouse.click(*seen.screen(site.geometry.x, site.geometry.y))
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        card = seen.text("#sc-card")
        for words in ("养老机构1号", "示例路1号", "21", "规划", "分钟", "圈内"):
            assert words in card


def test_the_scorecard_says_verdicts_in_words(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results()) as seen:
        assert "达标 1" in seen.text("#sc-open-scorecard")
        seen.page.locator("#sc-open-scorecard").click()
        card = seen.text("#sc-scorecard")
        for words in ("衢州15分钟圈", "62.35%", "未达标", "未定", "直线 96%", "2025"):
            assert words in card
        assert "护理型床位占比" not in card
        seen.page.locator("#sc-scorecard input").uncheck()
        assert "nursing_beds" in seen.text("#sc-scorecard")
        seen.page.locator("#sc-scorecard .sc-close").click()
        assert not seen.page.locator("#sc-scorecard").is_visible()


def test_the_scorecard_marks_what_rests_on_stand_ins(
    make_results: MakeResults, open_map: Any
) -> None:
    results = make_results()
    notes = ["示意数据 / invented sites：care_home", "", "", ""]
    with open_map(replace(results, scorecard=results.scorecard.assign(notes=notes))) as seen:
        seen.page.locator("#sc-open-scorecard").click()
        tags = seen.page.locator("#sc-scorecard tbody tr:has(.sc-tag)")
        assert tags.count() == 1
        assert tags.inner_text().startswith("衢州15分钟圈")
        assert "示意数据" in tags.inner_text()


def test_one_panel_at_a_time_on_a_phone(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results(), width=390, height=844) as seen:
        assert not seen.page.locator("#sc-legend").is_visible()
        seen.page.locator("#sc-open-legend").click()
        seen.page.locator("#sc-open-layers").click()
        assert seen.page.locator("#sc-layers").is_visible()
        assert not seen.page.locator("#sc-legend").is_visible()


def test_a_large_payload_is_unpacked(make_results: MakeResults, open_map: Any) -> None:
    results = make_results()
    filler = results.facilities["address"] + "号" * 60_000
    large = replace(results, facilities=results.facilities.assign(address=filler))
    with open_map(large) as seen:
        assert seen.run("document.getElementById('sc-payload').dataset.packing") == "gzip"
        assert seen.seconds < 3
        assert coloured_pixels(seen, "facilities") > 100


def hostile_results(make_results: MakeResults, make_layer: MakeLayer, text: str) -> Results:
    layers = (
        make_layer("care_home", text, text, invented=True),
        make_layer("elderly_day_center", text, text),
    )
    results = make_results(layers=layers, name=text)
    return replace(
        results,
        record={"crs": text},
        units=results.units.assign(name=text, type=text),
        scopes=results.scopes.assign(name=text),
        roads=results.roads.assign(**{"class": text}),
        facilities=results.facilities.assign(
            name=text, address=text, status=text, snap_status=text
        ),
        scorecard=results.scorecard.assign(
            name_zh=text, plan=text, unit=text, alternative=text, missing_inputs=text, verdict=text
        ),
    )


@pytest.mark.parametrize("text", [*HOSTILE, BREAKING], ids=[*map(str, range(len(HOSTILE))), "all"])
def test_hostile_text_shows_as_text(
    make_results: MakeResults, make_layer: MakeLayer, open_map: Any, text: str
) -> None:
    results = hostile_results(make_results, make_layer, text)
    site = results.facilities.iloc[0]
    with open_map(results) as seen:
        for kind in ("scorecard", "about"):
            seen.page.locator(f"#sc-open-{kind}").click()
        seen.run(
            """() => {
                for (const input of document.querySelectorAll("#sc-layers input")) input.click();
                document.querySelectorAll(".sc-close").forEach((button) => button.click());
            }"""
        )
        seen.page.wait_for_timeout(100)
        seen.run("() => document.querySelectorAll('.sc-group')[0].click()")
        x, y = seen.screen(site.geometry.x, site.geometry.y)
        seen.page.mouse.move(x - 2, y)
        seen.page.mouse.move(x, y)
        seen.page.wait_for_timeout(100)
        seen.page.mouse.click(x, y)
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        seen.page.wait_for_timeout(100)
        shown = text.replace("\x00", "\ufffd")
        plain = "(selector) => [...document.querySelectorAll(selector)].map((n) => n.textContent)"
        for selector in (
            "h1 bdi",
            "#sc-card h3 bdi",
            "#sc-card dd bdi",
            "#sc-scorecard td bdi",
            "#sc-about li bdi",
            "#sc-layers .sc-service bdi",
            "#sc-legend bdi",
            ".sc-banner bdi",
            ".sc-name bdi",
        ):
            found = seen.run(plain, selector)
            assert [one.replace("\x00", "\ufffd") for one in found].count(shown) >= 1, selector
        assert seen.run("document.title") != ""
        assert seen.run("window.hacked") is None
        assert seen.run("document.querySelectorAll('img, svg, iframe, object').length") == 0
        assert seen.run("document.documentElement.scrollWidth") <= 1280


def test_only_the_scripts_of_the_page_run(make_results: MakeResults, open_map: Any) -> None:
    with open_map(make_results()) as seen:
        seen.run(
            """() => {
                const box = document.createElement("div");
                box.innerHTML = "<button id=evil onclick='window.hacked=8'>x</button>";
                document.body.appendChild(box);
                document.getElementById("evil").click();
            }"""
        )
        seen.page.wait_for_timeout(50)
        assert seen.run("window.hacked") is None
        assert any("Content Security Policy" in line for line in seen.complaints)
        seen.complaints.clear()


@pytest.mark.parametrize(
    "parts",
    [
        ("circles", "overlaps", "roads", "scopes", "scorecard"),
        ("facilities", "circles", "overlaps"),
        ("demand", "access", "unit_coverage"),
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
def test_empty_parts_open_quietly(
    make_results: MakeResults, open_map: Any, parts: tuple[str, ...]
) -> None:
    results = make_results()
    bare = replace(results, **{name: getattr(results, name).iloc[:0] for name in parts})
    with open_map(bare) as seen:
        seen.page.locator("#sc-open-scorecard").click()
        if "scorecard" in parts:
            assert "没有可评的指标" in seen.text("#sc-scorecard")
        seen.page.mouse.move(500, 400)
        seen.page.mouse.click(502, 402)


def test_presence_without_people(make_results: MakeResults, open_map: Any) -> None:
    results = make_results()
    nobody = replace(
        results,
        unit_coverage=results.unit_coverage[results.unit_coverage["rule"] == "presence"],
        demand=results.demand.iloc[:0],
    )
    with open_map(nobody) as seen:
        legend = seen.text("#sc-legend")
        for words in ("有无设施", "无设施", "有设施", "单元内有无设施（无人口数据）"):
            assert words in legend
        assert "0–20%" not in legend
