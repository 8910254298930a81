"""Facilities in numbers, base map, online tiles and odd amounts, in the page as it is opened."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from playwright import sync_api

from servicecircle.datums import gcj02_to_wgs84, wgs84_to_gcj02
from servicecircle.inputs.basemap import Basemap
from servicecircle.outputs import palettes
from servicecircle.outputs.mapdata import map_payload
from servicecircle.outputs.maps import map_page, write_map
from servicecircle.results import Results

MakeResults = Callable[..., Results]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MAP = "window[Object.keys(window).find((name) => /^map_\\d+$/.test(name))]"
# One grey point: what any server of tiles might send.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mPcsWPHfwAGpgLU0nTqvAAAAABJRU5ErkJggg=="
)
DRAWN = """() => {
    const found = [];
    MAP.eachLayer((layer) => {
        const what = layer.sc;
        if (!what || !["facility", "cluster"].includes(what.kind)) return;
        const many = what.kind === "cluster" ? what.members : [what.facility];
        const { lat, lng } = layer.getLatLng();
        found.push([what.service, many, lat, lng, layer.options.shape]);
    });
    return found;
}""".replace("MAP", MAP)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def opened(results: Results, *, tiles: bool | None = None) -> Iterator[Any]:
        file = tmp_path / "index.html"
        write_map(results, file)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        if tiles is not None:
            answer = (
                (lambda route: route.fulfill(body=PIXEL, content_type="image/png"))
                if tiles
                else (lambda route: route.abort())
            )
            page.route(re.compile("^https:"), answer)
        page.goto(file.as_uri())
        wait(page, "document.body.dataset.ready === 'yes'")
        page.wait_for_timeout(150)
        yield page
        if tiles is None:
            assert page.asked == [file.as_uri()]
            assert page.complaints == []
        page.close()

    return opened


def wait(page: Any, code: str) -> None:
    for _ in range(400):
        if page.evaluate(code):
            return
        page.wait_for_timeout(30)
    pytest.fail(f"never came true: {code}; the page said {page.complaints}")


def strewn(make_results: MakeResults, many: int, seed: int = 3) -> Results:
    """Results whose first layer has so many facilities, some at the same place."""
    results = make_results()
    rng = np.random.default_rng(seed)
    west, south, east, north = results.units.total_bounds
    x, y = rng.uniform(west, east, many), rng.uniform(south, north, many)
    x[-3:], y[-3:] = x[0], y[0]
    first = results.facilities.iloc[[0]]
    rows = first.loc[first.index.repeat(many)].reset_index(drop=True)
    rows = rows.assign(
        facility_id=[f"f:{at}" for at in range(many)], name=[f"点{at}" for at in range(many)]
    )
    return replace(
        results,
        facilities=gpd.GeoDataFrame(
            rows.drop(columns="geometry"), geometry=shapely.points(x, y), crs="EPSG:4326"
        ),
    )


def test_every_facility_is_drawn_once_alone_or_in_a_number(
    make_results: MakeResults, open_page: Any
) -> None:
    results = strewn(make_results, 400)
    with open_page(results) as page:
        for zoom in (9, 12, 14):
            page.evaluate(f"() => {{ {MAP}.setZoom({zoom}, {{ animate: false }}); }}")
            page.wait_for_timeout(150)
            drawn = page.evaluate(DRAWN)
            members = Counter(one for _, many, *_ in drawn for one in many)
            assert set(members.values()) == {1}
            if zoom == 9:
                assert len(members) == 400
                assert len(drawn) < 40
            # Whoever stands in a number is within 2 · 26 pixels of the number's other members.
            lon, lat = results.facilities.geometry.x, results.facilities.geometry.y
            scale = 256 * 2**zoom / 360
            for _, many, y, x, _ in drawn:
                assert y == pytest.approx(lat.iloc[many].mean(), abs=1e-5)
                assert x == pytest.approx(lon.iloc[many].mean(), abs=1e-5)
                assert np.ptp(lon.iloc[many]) * scale <= 53
        page.evaluate(f"() => {{ {MAP}.setZoom(17, {{ animate: false }}); }}")
        page.wait_for_timeout(150)
        assert all(len(many) == 1 for _, many, *_ in page.evaluate(DRAWN))


def test_a_click_on_a_number_goes_nearer(make_results: MakeResults, open_page: Any) -> None:
    with open_page(strewn(make_results, 400)) as page:
        page.evaluate(f"() => {{ {MAP}.setZoom(11, {{ animate: false }}); }}")
        page.wait_for_timeout(150)
        box = page.locator(".leaflet-container").bounding_box()
        for _, many, lat, lon, _ in sorted(page.evaluate(DRAWN), key=lambda one: -len(one[1])):
            x, y = page.evaluate(
                f"([lat, lon]) => {{ const p = {MAP}.latLngToContainerPoint([lat, lon]);"
                " return [p.x, p.y]; }",
                [lat, lon],
            )
            if len(many) > 1 and 360 < x < 980 and 60 < y < 500:
                break
        page.mouse.click(box["x"] + x, box["y"] + y)
        wait(page, f"{MAP}.getZoom() > 11.5")
        assert page.locator(".leaflet-popup").count() == 0


def test_icons_tell_layers_apart_by_outline(make_results: MakeResults, open_page: Any) -> None:
    data = map_payload(make_results())
    assert [layer["shape"] for layer in data["layers"]] == ["circle", "square"]
    pairs = {(palettes.layer_colour(at), palettes.layer_shape(at)) for at in range(60)}
    assert len(pairs) == 60
    with open_page(make_results()) as page:
        assert {shape for *_, shape in page.evaluate(DRAWN)} == {"circle"}
        assert page.locator("#sc-legend .sc-shape-circle").count() >= 1
        assert page.locator("#sc-layers .sc-shape-square").count() >= 1


def beneath(results: Results) -> Results:
    west, south, east, north = results.units.total_bounds
    river = shapely.LineString([(west, south), (east, north)]).buffer(0.002)
    brook = shapely.LineString([(west, north), (east, north)])
    rail = shapely.LineString([(west, north), (east, south)])
    basemap = Basemap(water=np.array([river, brook], object), barriers=np.array([rail], object))
    return replace(results, basemap=basemap)


def test_water_and_barriers_are_drawn(make_results: MakeResults, open_page: Any) -> None:
    results = beneath(make_results())
    data = map_payload(results)
    assert [len(data["water"][key]) for key in ("areas", "lines")] == [1, 1]
    assert [len(data["barriers"][key]) for key in ("areas", "lines")] == [0, 1]
    assert map_payload(make_results())["water"] is None
    with open_page(results) as page:
        assert "水系" in page.locator("#sc-legend").inner_text()
        for kind in ("water", "barriers"):
            assert painted(page, kind) > 100


def painted(page: Any, pane: str) -> int:
    return int(
        page.evaluate(
            """(pane) => {
                const canvas = document.querySelector(".leaflet-sc-" + pane + "-pane canvas");
                if (!canvas || !canvas.width) return 0;
                const box = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let count = 0;
                for (let i = 3; i < box.data.length; i += 4) if (box.data[i]) count++;
                return count;
            }""",
            pane,
        )
    )


# Online tiles


@pytest.mark.parametrize(
    ("source", "hosts"),
    [
        ("osm", {"tile.openstreetmap.org"}),
        ("tianditu", {f"t{part}.tianditu.gov.cn" for part in range(8)}),
        ("gaode", {f"webrd0{part}.is.autonavi.com" for part in range(1, 5)}),
    ],
)
def test_tiles_come_from_their_hosts_alone(
    make_results: MakeResults, open_page: Any, source: str, hosts: set[str]
) -> None:
    results = make_results(basemap=Basemap(tiles=source, key="0123456789abcdef"))
    policy = re.search(r"img-src ([^;]*);", map_page(results))
    assert policy is not None
    assert set(policy[1].split()) == {"data:", "blob:", *(f"https://{host}" for host in hosts)}
    with open_page(results, tiles=True) as page:
        wait(page, "document.querySelectorAll('.sc-tile .leaflet-tile-loaded').length > 3")
        asked = [url for url in page.asked if not url.startswith("file:")]
        assert {url.split("/")[2] for url in asked} <= hosts
        if source == "tianditu":
            assert all(url.endswith("&tk=0123456789abcdef") for url in asked)
        assert page.locator(".sc-credit").is_visible()
        assert page.complaints == []


def test_nobody_asks_unless_told(make_results: MakeResults) -> None:
    html = map_page(make_results())
    policy = re.search(r"img-src ([^;]*);", html)
    assert policy is not None
    assert policy[1] == "data: blob:"
    assert map_payload(make_results())["tiles"] is None


def test_without_a_network_the_map_is_there(make_results: MakeResults, open_page: Any) -> None:
    results = replace(
        beneath(make_results()), basemap=replace(beneath(make_results()).basemap, tiles="osm")
    )
    with open_page(results, tiles=False) as page:
        for pane in ("water", "roads", "borders", "shade"):
            assert painted(page, pane) > 100
        page.mouse.click(640, 450)
        wait(page, "document.querySelector('.leaflet-popup, #sc-card:not([hidden])') !== null")


def test_shifted_tiles_lie_where_they_belong(make_results: MakeResults, open_page: Any) -> None:
    """Corners and middles of the tiles on the page, against the datum's own functions."""
    results = make_results(basemap=Basemap(tiles="gaode"))
    worst = 0.0
    with open_page(results, tiles=True) as page:
        for zoom, (lon, lat) in [
            (16, (118.61, 28.71)),
            (16, (118.66, 28.76)),
            (16, (121.47, 31.23)),
            (16, (87.6, 43.8)),
            (11, (118.63, 28.73)),
        ]:
            page.evaluate(
                f"() => {{ {MAP}.setView([{lat}, {lon}], {zoom}, {{ animate: false }}); }}"
            )
            page.wait_for_timeout(500)
            tiles = page.evaluate(
                """() => [...document.querySelectorAll(".sc-tile img")].map((one) => {
                    const at = (name) => Number(new URL(one.src).searchParams.get(name));
                    const box = one.getBoundingClientRect();
                    const here = MAP.getContainer().getBoundingClientRect();
                    return [at("x"), at("y"), at("z"), box.left - here.left, box.top - here.top];
                })""".replace("MAP", MAP)
            )
            tiles = [tile for tile in tiles if tile[2] == zoom]
            assert len(tiles) > 8
            # The whole window is covered, whatever the shift.
            assert min(tile[3] for tile in tiles) <= 0
            assert max(tile[3] for tile in tiles) >= 1280 - 256
            for x, y, z, left, top in tiles:
                for dx, dy in ((0, 0), (128, 128), (256, 256), (0, 256)):
                    world = 256 * 2.0**z
                    gcj_lon = (256 * x + dx) / world * 360 - 180
                    angle = np.pi * (1 - 2 * (256 * y + dy) / world)
                    gcj_lat = np.degrees(np.arctan(np.sinh(angle)))
                    true_lon, true_lat = gcj02_to_wgs84(gcj_lon, gcj_lat)
                    # Not rounded to whole pixels, as latLngToContainerPoint would.
                    seen = page.evaluate(
                        """([lat, lon]) => {
                            const p = MAP.project([lat, lon]).subtract(MAP.getPixelOrigin());
                            const moved = p.add(MAP._getMapPanePos());
                            return [moved.x, moved.y];
                        }""".replace("MAP", MAP),
                        [float(true_lat), float(true_lon)],
                    )
                    worst = max(worst, abs(seen[0] - left - dx), abs(seen[1] - top - dy))
    assert worst <= 1.0
    shift = np.hypot(*(np.subtract(wgs84_to_gcj02(118.6, 28.7), (118.6, 28.7)) * [97e3, 111e3]))
    assert shift > 300


def test_tiles_outside_the_mainland_are_not_shifted(make_results: MakeResults) -> None:
    results = make_results(basemap=Basemap(tiles="gaode"))
    assert map_payload(results)["tiles"]["shifted"] is True
    there = results.units.set_geometry(results.units.translate(121.5 - 118.6, 25.0 - 28.7))
    assert map_payload(replace(results, units=there))["tiles"]["shifted"] is False


# Odd amounts


def test_fifty_layers_open_and_switch(
    make_results: MakeResults, make_layer: Any, open_page: Any
) -> None:
    layers = tuple(make_layer(f"layer_{at}", f"图层{at}", f"layer {at}") for at in range(50))
    results = make_results(layers=layers, side=2, each=2)
    with open_page(results) as page:
        assert page.locator("#sc-layers .sc-group").count() >= 50
        page.locator("#sc-layers .sc-group", has_text="图层49").first.click()
        page.wait_for_timeout(200)
        assert {service for service, *_ in page.evaluate(DRAWN)} == {49}


@pytest.mark.parametrize("covered", [0.0, 1.0])
def test_everything_and_nothing_covered(
    make_results: MakeResults, open_page: Any, covered: float
) -> None:
    results = make_results()
    coverage = results.unit_coverage
    coverage = coverage.assign(
        covered_population=coverage["population"] * covered,
        covered_elderly=coverage["elderly"] * covered,
    )
    access = results.access.assign(seconds=np.nan if covered == 0 else 60.0)
    results = replace(results, unit_coverage=coverage, access=access)
    layer = map_payload(results)["layers"][0]
    rates = [rate for rate in layer["shade"]["village_level"]["people_rate"] if rate is not None]
    assert set(rates) == {covered}
    left = 0 if covered else results.demand["population"].sum()
    assert sum(layer["uncovered"]["people"]) == pytest.approx(left)
    with open_page(results) as page:
        assert painted(page, "shade") > 100


def test_a_code_stands_for_a_missing_name(make_results: MakeResults, open_page: Any) -> None:
    results = make_results()
    results = replace(
        results,
        units=results.units.assign(name=None),
        facilities=results.facilities.assign(name=None, address=None),
    )
    with open_page(results) as page:
        page.mouse.click(640, 450)
        wait(page, "document.querySelector('.leaflet-popup, #sc-card:not([hidden])') !== null")
        card = page.locator(".leaflet-popup, #sc-card").first.inner_text()
        assert "3308000" in card
        for word in ("undefined", "null", "None", "nan"):
            assert word not in page.locator("body").inner_text()


def test_one_unit_and_no_facility(make_results: MakeResults, open_page: Any) -> None:
    results = make_results(side=1)
    results = replace(
        results,
        units=results.units.iloc[:1],
        facilities=results.facilities.iloc[:0],
        circles=results.circles.iloc[:0],
        overlaps=results.overlaps.iloc[:0],
        access=results.access.iloc[:0],
    )
    with open_page(results) as page:
        assert page.evaluate(DRAWN) == []
        assert painted(page, "borders") > 50
        assert page.evaluate(f"{MAP}.getZoom()") > 5
