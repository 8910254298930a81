"""Search, cards, shared views and the keyboard of the map, as a planner uses them in Chromium."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from servicecircle.inputs.basemap import Basemap
from servicecircle.results import LayerInfo, Results

MakeResults = Callable[..., Results]
MakeLayer = Callable[..., LayerInfo]
SIZES = [(1280, 800), (390, 844)]
UNIT = "village_level:3308000003"
HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=2</script>",
    "`+(window.hacked=3)+`${window.hacked=4}",
    "\"'><svg onload=window.hacked=5>",
    "{{ window.hacked=6 }}{% raw %}<!--",
    "\u202egnp.exe\u202c\u2028\u2029",
    "__proto__",
    "constructor",
    "长" * 10_000,
)


def city(make_results: MakeResults, **changes: Any) -> Results:
    """Return results with units of facilities, sources and results by unit."""
    results = make_results(**changes)
    units, sites = results.units, results.facilities
    joined = {
        level: sites[["facility_id", "geometry"]]
        .sjoin(units.loc[units["level"] == level, ["unit_id", "geometry"]])
        .drop_duplicates("facility_id")
        .set_index("facility_id")["unit_id"]
        for level in ("township", "village_level")
    }
    sites = sites.assign(
        **{f"unit_{level}": sites["facility_id"].map(ids) for level, ids in joined.items()},
        source_file="设施.csv",
        source_row=pd.array(range(2, len(sites) + 2), dtype="Int64"),
        opened=pd.Timestamp("2021-03-04"),
    )
    ids = units["unit_id"].tolist()
    count = len(ids)
    shares = [round(100 * (i + 1) / count, 3) for i in range(count)]
    rows = {"plan": "quzhou", "alternative": "", "low": np.nan, "high": np.nan}
    table = pd.concat(
        [
            pd.DataFrame(
                rows
                | {
                    "indicator_id": "circles",
                    "unit_id": ids,
                    "value": shares,
                    "target": 60.0,
                    "verdict": ["met" if share >= 60 else "not_met" for share in shares],
                    "shortfall": [0.0 if share >= 60 else 7.0 for share in shares],
                    "shortfall_of": "persons",
                }
            ),
            pd.DataFrame(
                rows
                | {
                    "indicator_id": "stations",
                    "unit_id": ids,
                    "value": 0.0,
                    "target": np.nan,
                    "verdict": "not_applicable",
                    "shortfall": np.nan,
                    "shortfall_of": "",
                }
            ),
        ],
        ignore_index=True,
    )
    scorecard = results.scorecard.assign(
        indicator_id=["circles", "near", "stations", "beds"],
        kind=["travel_time", "distance", "presence_per_unit", "share"],
        denominator_name=["elderly", "elderly", "units", "beds"],
    )
    return replace(results, facilities=sites, unit_results=table, scorecard=scorecard)


def find(seen: Any, text: str) -> list[str]:
    """Type into the search; return what the list shows."""
    seen.page.locator("#sc-search").fill(text)
    return list(seen.page.locator(".sc-found-text > bdi").all_inner_texts())


def open_unit(seen: Any, name: str) -> str:
    find(seen, name)
    seen.page.keyboard.press("Enter")
    seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
    return str(seen.text("#sc-card"))


def card_rows(seen: Any, selector: str) -> list[list[str]]:
    return list(
        seen.run(
            """(selector) => [...document.querySelectorAll(selector)].map((row) =>
                [...row.children].map((cell) => cell.innerText.trim()))""",
            selector,
        )
    )


def place(seen: Any) -> list[float]:
    """Return zoom, latitude and longitude of the middle of the map."""
    return list(
        seen.run(
            """() => {
                const key = Object.keys(window).find((name) => /^map_\\d+$/.test(name));
                const map = window[key], middle = map.getCenter();
                return [map.getZoom(), middle.lat, middle.lng];
            }"""
        )
    )


@pytest.mark.parametrize("size", SIZES)
def test_search_finds_units_and_facilities(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    results = city(make_results)
    with open_map(results, width=size[0], height=size[1]) as seen:
        # Each of the four villages of township 5 has its name in it.
        assert find(seen, "村5") == ["村5-0", "村5-1", "村5-2", "村5-3"]
        # Wide forms and other cases are the same letters.
        assert find(seen, "村５－１") == ["村5-1"]
        assert find(seen, "5-2 村") == ["村5-2"]
        # The whole name first, before longer ones that hold it.
        assert find(seen, "养老机构1号") == ["养老机构1号"]
        assert len(find(seen, "日间照料")) == 8
        assert find(seen, "3308000003") == ["村0-3"]
        assert find(seen, "没有这个") == []
        assert "没有这个" in seen.text("#sc-found")
        assert find(seen, "   ") == []
        assert not seen.page.locator("#sc-found").is_visible()
        assert seen.run("document.documentElement.scrollWidth") <= size[0]


def test_search_is_a_combobox_for_the_keyboard(make_results: MakeResults, open_map: Any) -> None:
    with open_map(city(make_results)) as seen:
        seen.page.keyboard.press("/")
        seen.page.keyboard.type("村5")
        field = seen.page.locator("#sc-search")
        assert field.get_attribute("role") == "combobox"
        assert field.get_attribute("aria-expanded") == "true"

        def active() -> str:
            line = "#" + field.get_attribute("aria-activedescendant")
            return str(seen.page.locator(f"{line} .sc-found-text").inner_text())

        assert active().startswith("村5-0")
        seen.page.keyboard.press("ArrowDown")
        seen.page.keyboard.press("ArrowDown")
        assert active().startswith("村5-2")
        seen.page.keyboard.press("ArrowUp")
        assert active().startswith("村5-1")
        assert seen.page.locator('.sc-found[aria-selected="true"]').count() == 1
        seen.page.keyboard.press("Escape")
        assert field.get_attribute("aria-expanded") == "false"
        seen.page.keyboard.press("ArrowDown")
        seen.page.keyboard.press("ArrowUp")
        assert active().startswith("村5-3")
        seen.page.keyboard.press("Enter")
        assert "村5-3" in seen.text("#sc-card h3")
        # The card has the focus; Escape closes it and the field has it again.
        assert seen.run("document.activeElement.tagName") == "H3"
        seen.page.keyboard.press("Escape")
        assert not seen.page.locator("#sc-card").is_visible()
        assert seen.run("document.activeElement.id") == "sc-search"
        seen.page.keyboard.press("Escape")
        seen.run("document.activeElement.blur()")
        seen.page.keyboard.press("t")
        assert seen.run("document.getElementById('sc-table').contains(document.activeElement)")


@pytest.mark.parametrize("size", SIZES)
def test_the_list_lies_over_the_map_and_its_panels(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    with open_map(city(make_results), width=size[0], height=size[1]) as seen:
        find(seen, "村")
        box = seen.page.locator(".sc-found").first.bounding_box()
        clip = {name: box[name] for name in ("x", "y", "width", "height")}
        clip["height"] *= 6
        picture = Image.open(io.BytesIO(seen.page.screenshot(clip=clip))).convert("RGB")
        shades = np.asarray(picture).reshape(-1, 3)
        # Paper, and the line that is chosen, but for letters: nothing shines through.
        assert (shades.min(axis=1) > 225).mean() > 0.8
        under = seen.page.locator(".sc-found").nth(7).bounding_box()
        x, y = under["x"] + under["width"] / 2, under["y"] + under["height"] / 2
        assert seen.run(
            "([x, y]) => !!document.elementFromPoint(x, y).closest('.sc-found')", [x, y]
        )


def test_buttons_are_named_from_the_start(make_results: MakeResults, open_map: Any) -> None:
    with open_map(city(make_results)) as seen:
        names = seen.run("[...document.querySelectorAll('.sc-icons button')].map((b) => b.title)")
        assert len(names) >= 4
        assert all(names)


def test_search_among_many_thousands_of_names_is_cut(
    make_results: MakeResults, open_map: Any
) -> None:
    results = city(make_results, each=3000)
    with open_map(results) as seen:
        assert len(find(seen, "号")) == 40
        assert re.search(r"另有 5,960 个", seen.text("#sc-found"))
        assert find(seen, "养老机构2999")[0] == "养老机构2999号"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_card_of_a_unit_has_the_numbers_of_the_tables(
    make_results: MakeResults, open_map: Any, size: tuple[int, int], language: str
) -> None:
    results = city(make_results, language=language)
    coverage = results.unit_coverage.set_index(["unit_id", "layer", "rule"]).sort_index()
    own = results.unit_results.set_index(["indicator_id", "unit_id"]).sort_index()
    met = {"zh": "达标", "en": "met"}[language]
    with open_map(results, width=size[0], height=size[1]) as seen:
        card = open_unit(seen, "村0-3")
        row = coverage.loc[(UNIT, "care_home", "15 min")]
        for number in (row["population"], row["elderly"], 1000, 200):
            assert f"{number:,.0f}" in card
        (judged,) = card_rows(seen, ".sc-verdicts tbody tr")
        result = own.loc[("circles", UNIT)]
        name = results.scorecard[f"name_{language}"].iloc[0]
        assert judged[0].startswith(name)
        assert judged[1] == f"{result['value']:.2f}".rstrip("0").rstrip(".") + "%"
        assert judged[2] == "60%"
        assert ("✔" in judged[3] and met in judged[3]) == (result["verdict"] == "met")
        # Every layer with each of its rules.
        for number, layer in enumerate(results.layers):
            part = seen.page.locator(f'.sc-fold[data-service="{number}"]')
            part.locator("summary").click()
            part.locator("table").wait_for()
            rows = card_rows(seen, f'.sc-fold[data-service="{number}"] tbody tr')
            assert len(rows) == 4
            for cells, rule in zip(
                rows, ("5 min", "10 min", "15 min", "1000 m straight"), strict=True
            ):
                told = coverage.loc[(UNIT, layer.name, rule)]
                for cell, inside, people in (
                    (cells[1], "covered_population", "population"),
                    (cells[2], "covered_elderly", "elderly"),
                ):
                    share = math.floor(told[inside] / told[people] * 1000 + 1e-6) / 10
                    assert cell.split() == [f"{share:.1f}%", f"{told[inside]:,.0f}"]
        assert seen.run("document.documentElement.scrollWidth") <= size[0]


def haversine(one: Any, other: Any) -> float:
    lon1, lat1, lon2, lat2 = np.radians([one.x, one.y, other.x, other.y])
    half = np.sin((lat2 - lat1) / 2) ** 2
    half += np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return float(2 * 6371.0088 * np.arcsin(np.sqrt(half)))


def test_nearest_facilities_are_those_inside_or_the_nearest_from_the_middle(
    make_results: MakeResults, open_map: Any
) -> None:
    results = city(make_results)
    sites = results.facilities[results.facilities["status"].isin(["", "open"])]
    villages = results.units[results.units["level"] == "village_level"].set_index("unit_id")
    full = sites.loc[sites["layer"] == "care_home", "unit_village_level"].dropna().iloc[0]
    empty = next(unit for unit in villages.index if not (sites["unit_village_level"] == unit).any())
    with open_map(results) as seen:
        for unit in (full, empty):
            open_unit(seen, villages.loc[unit, "name"])
            for number, layer in enumerate(results.layers):
                mine = sites[sites["layer"] == layer.name]
                inside = mine[mine["unit_village_level"] == unit]
                line = seen.text(f'.sc-near[data-service="{number}"]')
                if len(inside):
                    assert all(name in line for name in inside["name"].iloc[:3])
                    assert "在本单元内" in line
                    continue
                middle = villages.geometry[unit].centroid
                kilometres = [haversine(middle, point) for point in mine.geometry]
                best = int(np.argmin(kilometres))
                assert mine["name"].iloc[best] in line
                shown = kilometres[best]
                told = f"{shown:.1f} 公里" if shown >= 1 else f"{shown * 1000:.0f} 米"
                assert told in line
                assert "直线" in line
        # A facility of the line opens its own card, and there is a way back.
        seen.page.locator(".sc-near .sc-link").first.click()
        assert "设施.csv" in seen.text("#sc-card")
        seen.page.get_by_role("button", name="‹ 返回").click()
        assert villages.loc[empty, "name"] in seen.text("#sc-card h3")


@pytest.mark.parametrize("size", SIZES)
def test_the_card_of_a_facility(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    results = city(make_results)
    site = results.facilities.iloc[4]
    circles = results.circles.set_index(["facility_id", "minutes"]).sort_index()
    with open_map(results, width=size[0], height=size[1]) as seen:
        card = open_unit(seen, site["name"])
        for words in (
            site["name"],
            site["address"],
            "运营" if site["status"] == "open" else "",
            f"{site['capacity']:.0f}",
            "2021-03-04",
            "设施.csv",
            "第 6 行",
        ):
            assert words in card
        for cells, minutes in zip(
            card_rows(seen, "#sc-card .sc-rates tbody tr"), (5.0, 10.0, 15.0), strict=True
        ):
            (row,) = circles.loc[[(site["facility_id"], minutes)]].to_dict("records")
            assert cells == [
                f"{minutes:.0f} 分钟",
                f"{row['population']:,.0f}",
                f"{row['elderly']:,.0f}",
            ]
        # From the facility to the village that it stands in.
        home = results.units.set_index("unit_id").loc[site["unit_village_level"], "name"]
        seen.page.get_by_role("button", name=home).first.click()
        assert home in seen.text("#sc-card h3")
        # A planned one says that it does not count.
        planned = results.facilities.iloc[1]
        assert "不计入" in open_unit(seen, planned["name"])


def test_a_click_opens_the_unit_also_where_no_shading_shows(
    make_results: MakeResults, open_map: Any
) -> None:
    results = city(make_results)
    middle = "village_level:3308000040"
    point = results.units.set_index("unit_id").geometry[middle].representative_point()
    with open_map(results, fragment="#layers=") as seen:
        seen.page.mouse.click(*seen.screen(point.x, point.y))
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        assert "村4-0" in seen.text("#sc-card h3")
        seen.page.locator("#sc-card .sc-close").click()
        assert not seen.page.locator("#sc-card").is_visible()


def test_a_click_beside_all_units_opens_no_empty_card(
    make_results: MakeResults, open_map: Any
) -> None:
    results = city(make_results)
    west, south, east, north = results.units.total_bounds
    wide = (east - west) / 50
    sea = shapely.box(west - 20 * wide, south, west - wide, north)
    none = np.empty(0, object)
    with_sea = replace(results, basemap=Basemap(water=np.array([sea], object), barriers=none))
    with open_map(with_sea) as seen:
        shown = "document.querySelector('#sc-card:not([hidden])') !== null"
        for panel in ("legend", "layers"):
            seen.page.locator(f"#sc-open-{panel}").click()
        seen.page.locator(".sc-home button").click()
        seen.page.wait_for_timeout(400)
        seen.page.mouse.click(*seen.screen(west - 2 * wide, (south + north) / 2))
        seen.page.wait_for_timeout(400)
        assert seen.page.evaluate(shown) is False
        # The same click inside opens one.
        of_units = results.units.set_index("unit_id").geometry
        inside = of_units["village_level:3308000040"].representative_point()
        seen.page.mouse.click(*seen.screen(inside.x, inside.y))
        seen.wait_for(shown)


@pytest.mark.parametrize("size", SIZES)
def test_a_shared_view_opens_as_it_was(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    results = city(make_results)
    with open_map(results, width=size[0], height=size[1]) as seen:
        open_unit(seen, "村4-1")
        seen.run("() => { document.querySelector('#sc-language').click(); }")
        seen.page.wait_for_timeout(500)
        link = seen.run("location.hash")
        before = place(seen)
        assert "unit=village_level" in link
        assert "lang=en" in link
        assert "care_home.circles" in link
    with open_map(results, width=size[0], height=size[1], fragment=link) as seen:
        assert place(seen) == pytest.approx(before, abs=1e-4)
        assert "村4-1" in seen.text("#sc-card h3")
        assert seen.run("document.documentElement.lang") == "en"
        seen.page.wait_for_timeout(400)
        assert seen.run("location.hash") == link


def test_a_shared_view_shows_its_layers_alone(make_results: MakeResults, open_map: Any) -> None:
    results = city(make_results)
    link = "#map=13/28.73/118.63&layers=elderly_day_center.facilities,roads"
    with open_map(results, fragment=link) as seen:
        legend = seen.text("#sc-legend")
        assert "日间照料中心" in legend
        assert "养老机构" not in legend
        assert place(seen) == pytest.approx([13, 28.73, 118.63], abs=1e-4)
        # Another link in the same window.
        seen.run("() => { location.hash = 'map=14/28.71/118.61&facility=care_home%3A2'; }")
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        assert "养老机构2号" in seen.text("#sc-card h3")
        assert place(seen)[0] == 14


@pytest.mark.parametrize(
    "fragment",
    [
        "#",
        "#map=1e9/28/118",
        "#map=NaN/NaN/NaN&layers=&unit=",
        "#map=12/999/999",
        "#map=12/28.7",
        "#layers=%E0%A4%A&unit=%&facility=%zz&lang=%%%",
        "#layers=__proto__,constructor&unit=__proto__&lang=__proto__",
        "#unit=<img src=x onerror=window.hacked=1>",
        "#lang=javascript:window.hacked=1&facility=</script>",
        "#&&&===&map&=1&" + "layers=" + "a," * 9000,
    ],
)
def test_a_fragment_that_is_not_understood_is_left_out(
    make_results: MakeResults, open_map: Any, fragment: str
) -> None:
    results = city(make_results)
    with open_map(results) as plain:
        usual = place(plain)
    with open_map(results) as seen:
        # Set from within: a browser writes some signs otherwise in what it asks for.
        seen.run("(text) => { location.hash = text; }", fragment)
        seen.page.wait_for_timeout(300)
        assert place(seen) == pytest.approx(usual, abs=1e-4)
        assert not seen.page.locator("#sc-card").is_visible()
        assert seen.run("window.hacked") is None
        assert seen.run("document.documentElement.lang") == "zh-CN"


def test_the_link_can_be_copied(make_results: MakeResults, open_map: Any) -> None:
    with open_map(city(make_results)) as seen:
        seen.page.locator("#sc-share").click()
        seen.wait_for("!document.querySelector('#sc-shared').hidden")
        told = seen.text("#sc-shared")
        assert "已复制" in told or "请复制" in told
        # A browser without a clipboard for pages from disk lays the link out.
        seen.run(
            """() => Object.defineProperty(
                navigator, "clipboard", { value: undefined, configurable: true }
            ) && undefined"""
        )
        seen.page.locator("#sc-share").click()
        seen.wait_for("document.querySelector('#sc-shared input') !== null")
        link = seen.run("document.querySelector('#sc-shared input').value")
        assert link.startswith("file://")
        assert "#map=" in link


def test_everything_is_reached_by_tab_and_closed_by_escape(
    make_results: MakeResults, open_map: Any
) -> None:
    with open_map(city(make_results)) as seen:
        reached = set()
        for _ in range(60):
            seen.page.keyboard.press("Tab")
            reached.add(
                seen.run(
                    """() => {
                        const node = document.activeElement, style = getComputedStyle(node);
                        const ring = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
                        const name = node.id || node.className || node.tagName;
                        return name + (ring ? "" : " unseen");
                    }"""
                )
            )
        for name in ("sc-skip", "sc-search", "sc-open-scorecard", "sc-open-table", "sc-share"):
            assert name in reached, (name, reached)
        assert not [name for name in reached if name.endswith("unseen") and "BODY" not in name]
        seen.page.keyboard.press("s")
        assert seen.page.locator("#sc-scorecard").is_visible()
        for panel in ("#sc-scorecard", "#sc-legend", "#sc-layers"):
            assert seen.page.locator(panel).is_visible()
            seen.page.keyboard.press("Escape")
        assert seen.page.locator(".sc-panel:visible").count() == 0
        # Who needs single keys for something else switches them off.
        seen.page.locator("#sc-open-about").click()
        assert "Esc" in seen.text("#sc-keys")
        seen.page.locator("#sc-keys input").uncheck()
        seen.page.keyboard.press("t")
        assert not seen.page.locator("#sc-table").is_visible()


def test_enter_on_the_map_opens_what_is_in_its_middle(
    make_results: MakeResults, open_map: Any
) -> None:
    with open_map(city(make_results), fragment="#map=15/28.7245/118.6255&layers=borders") as seen:
        seen.page.locator(".folium-map").focus()
        seen.page.keyboard.press("Enter")
        seen.wait_for("document.querySelector('#sc-card:not([hidden])') !== null")
        # 0.0255 east and 0.0245 north of the corner: township 4, its first village.
        assert "村4-0" in seen.text("#sc-card h3")


@pytest.mark.parametrize("size", SIZES)
def test_the_table_says_what_the_map_shows(
    make_results: MakeResults, open_map: Any, size: tuple[int, int]
) -> None:
    results = city(make_results)
    rows = results.unit_coverage.set_index(["layer", "rule", "unit_id"]).sort_index()
    rows = rows.xs(("care_home", "15 min"))
    names = results.units.set_index("unit_id")["name"]
    with open_map(results, width=size[0], height=size[1]) as seen:
        box = seen.page.locator(".folium-map")
        assert "示例市 2025" in box.get_attribute("aria-label")
        summary = seen.run(
            "document.getElementById(document.querySelector('.folium-map')"
            ".getAttribute('aria-describedby')).textContent"
        )
        assert "36" in summary
        assert "16 处" in summary
        seen.page.locator("#sc-open-table").click()
        seen.page.locator('[data-chooses="table_level"]').select_option("0")
        told = card_rows(seen, "#sc-table tbody tr")
        assert len(told) == 9
        for cells in told:
            row = rows.loc[names[names == cells[0]].index[0]]
            assert cells[1:4] == [
                f"{row['population']:,.0f}",
                f"{row['elderly']:,.0f}",
                f"{row['facilities']:.0f}",
            ]
            share = math.floor(row["covered_elderly"] / row["elderly"] * 1000 + 1e-6) / 10
            assert cells[5] == f"{share:.1f}%"
        seen.page.locator('[data-key="elderly_rate"]').click()
        rates = [float(cells[5].rstrip("%")) for cells in card_rows(seen, "#sc-table tbody tr")]
        assert rates == sorted(rates)
        assert seen.page.locator('th[aria-sort="ascending"]').count() == 1
        seen.page.locator("#sc-table tbody .sc-link").first.click()
        assert seen.page.locator("#sc-card").is_visible()
        assert seen.run("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_show_as_text(
    make_results: MakeResults, make_layer: MakeLayer, open_map: Any, text: str
) -> None:
    layers = (
        make_layer("care_home", text, text, invented=True),
        make_layer("elderly_day_center", text, text),
    )
    results = city(make_results, layers=layers, name=text)
    table = results.unit_results.assign(alternative=text, shortfall_of=text)
    results = replace(
        results,
        units=results.units.assign(name=text, parent_name=text),
        facilities=results.facilities.assign(
            name=text,
            address=text,
            status=text,
            open=True,
            source_file=text,
            placed_by=text,
            grade=text,
        ),
        scorecard=results.scorecard.assign(
            name_zh=text, name_en=text, plan=text, unit=text, alternative=text
        ),
        unit_results=table.assign(plan=text),
        tables={
            "statistics": pd.DataFrame(
                {"unit_id": [UNIT], "name": [text], "value": [1.0], "date": [text]}
            )
        },
    )
    shown = text
    plain = "(selector) => [...document.querySelectorAll(selector)].map((n) => n.textContent)"
    with open_map(results) as seen:
        find(seen, text[:150])
        assert seen.run(plain, ".sc-found bdi").count(shown) >= 2
        find(seen, "3308000003")
        seen.page.keyboard.press("Enter")
        seen.run(
            "() => { for (const one of document.querySelectorAll('#sc-card details'))"
            " one.open = true; }"
        )
        seen.page.wait_for_timeout(150)
        for selector in (
            "#sc-card h3 bdi",
            "#sc-card .sc-verdicts td bdi",
            "#sc-card .sc-service-line bdi",
            "#sc-card .sc-near bdi",
        ):
            assert shown in seen.run(plain, selector), selector
        seen.page.locator("#sc-card .sc-near .sc-link").first.click()
        for selector in ("#sc-card h3 bdi", "#sc-card dd bdi", "#sc-card .sc-link bdi"):
            assert shown in seen.run(plain, selector), selector
        seen.page.locator("#sc-open-table").click()
        assert shown in seen.run(plain, "#sc-table th bdi")
        seen.page.wait_for_timeout(350)
        link = seen.run("location.hash")
        assert "facility=" in link
        assert seen.run("window.hacked") is None
        assert seen.run("document.querySelectorAll('img, svg, iframe, object').length") == 0
        assert seen.run("document.documentElement.scrollWidth") <= 1280


def test_units_without_a_name_are_called_by_their_code(
    make_results: MakeResults, open_map: Any
) -> None:
    results = city(make_results)
    nameless = replace(
        results, units=results.units.assign(name=""), facilities=results.facilities.assign(name="")
    )
    with open_map(nameless) as seen:
        assert find(seen, "3308000003") == ["3308000003"]
        seen.page.keyboard.press("Enter")
        assert "3308000003" in seen.text("#sc-card h3")


@pytest.mark.parametrize(
    "parts",
    [
        ("facilities", "circles", "overlaps"),
        ("units", "unit_coverage", "unit_results"),
        ("units", "scopes", "facilities", "circles", "overlaps", "roads", "demand", "access",
         "unit_coverage", "scorecard", "unit_results"),
    ],
)  # fmt: skip
def test_without_units_or_facilities_everything_opens(
    make_results: MakeResults, open_map: Any, parts: tuple[str, ...]
) -> None:
    results = city(make_results)
    bare = replace(results, **{name: getattr(results, name).iloc[:0] for name in parts})
    with open_map(bare) as seen:
        find(seen, "村")
        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Escape")
        seen.page.locator("#sc-open-table").click()
        seen.page.locator("#sc-share").click()
        seen.page.keyboard.press("Escape")
        # The button that leads past the map, which only the keyboard sees.
        seen.page.evaluate("document.querySelector('.sc-skip').click()")
        if "facilities" in parts and "units" not in parts:
            assert "图上没有设施" in open_unit(seen, "村0-3")
