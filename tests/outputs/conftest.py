"""A small made-up city for the tests of the outputs: square units, round circles."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.outputs.maps import write_map
from servicecircle.results import LayerInfo, Results

WEST, SOUTH = 118.6, 28.7
SIDE = 0.02
"""Degrees of a township; four villages each."""
MINUTES = (5.0, 10.0, 15.0)

MakeResults = Callable[..., Results]


def layer_info(name: str, zh: str, en: str, **changes: Any) -> LayerInfo:
    """Return a layer on the network at walking speed."""
    given: dict[str, Any] = {"profile": "walk", "speed_kmh": 4.0, "invented": False}
    return LayerInfo(name=name, zh=zh, en=en, **(given | {"on_network": True} | changes))


LAYERS = (
    layer_info("care_home", "养老机构", "care homes", profile="elderly", speed_kmh=3.0),
    layer_info("elderly_day_center", "日间照料中心", "day centres", invented=True),
)


def _units(side: int) -> gpd.GeoDataFrame:
    rows: list[dict[str, Any]] = []
    shapes = []
    half = SIDE / 2
    for row in range(side):
        for column in range(side):
            number = row * side + column
            west, south = WEST + column * SIDE, SOUTH + row * SIDE
            code = f"33080{number:04d}"
            rows.append({"unit_id": f"township:{code}", "level": "township", "name": f"镇{number}"})
            shapes.append(shapely.box(west, south, west + SIDE, south + SIDE))
            for corner in range(4):
                x, y = west + (corner % 2) * half, south + (corner // 2) * half
                name = {"level": "village_level", "name": f"村{number}-{corner}"}
                rows.append({"unit_id": f"village_level:{code}{corner}", **name})
                shapes.append(shapely.box(x, y, x + half, y + half))
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")
    return frame.assign(
        code=[unit.split(":")[1] for unit in frame["unit_id"]],
        type="",
        parent_id="",
        parent_hint="",
        should_have=True,
        is_urban=pd.array([None] * len(frame), dtype="boolean"),
        population=1000.0,
        elderly=200.0,
        households=np.nan,
    )


def _facilities(layers: tuple[LayerInfo, ...], side: int, each: int) -> gpd.GeoDataFrame:
    rows, points = [], []
    for number, layer in enumerate(layers):
        for i in range(each):
            angle = 2.39996 * (i + 1) + number
            radius = SIDE * side / 2 * (0.15 + 0.7 * i / max(1, each))
            x = WEST + SIDE * side / 2 + radius * np.cos(angle)
            y = SOUTH + SIDE * side / 2 + radius * np.sin(angle)
            points.append(shapely.Point(x, y))
            rows.append(
                {
                    "facility_id": f"{layer.name}:{i}",
                    "layer": layer.name,
                    "name": f"{layer.zh}{i}号",
                    "address": f"示例路{i}号",
                    "capacity": 20.0 + i if i % 3 else np.nan,
                    "status": ("open", "planned", "closed", "")[i % 4],
                    "invented": layer.invented,
                    "snap_status": "attached",
                }
            )
    columns = ["facility_id", "layer", "name", "address", "capacity", "status", "invented"]
    frame = pd.DataFrame(rows, columns=[*columns, "snap_status"])
    return gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")


def _demand(side: int) -> gpd.GeoDataFrame:
    count = side * 12
    grid = (np.arange(count) + 0.5) * SIDE * side / count
    lon, lat = (axis.ravel() for axis in np.meshgrid(WEST + grid, SOUTH + grid))
    people = 10.0 + (np.arange(len(lon)) * 7919) % 90
    return gpd.GeoDataFrame(
        {
            "demand_id": [f"cell:{i}" for i in range(len(lon))],
            "population": people,
            "elderly": np.floor(people / 5),
        },
        geometry=shapely.points(lon, lat),
        crs="EPSG:4326",
    )


def _access(
    layers: tuple[LayerInfo, ...], demand: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame
) -> pd.DataFrame:
    tables = []
    points = np.column_stack([demand.geometry.x, demand.geometry.y])
    for layer in layers:
        sites = facilities[facilities["layer"] == layer.name]
        places = np.column_stack([sites.geometry.x, sites.geometry.y])
        if not len(places):
            continue
        steps = (points[:, None, :] - places[None, :, :]) * [97_000.0, 111_000.0]
        metres = np.hypot(steps[..., 0], steps[..., 1])
        best = metres.min(axis=1)
        far = best > 2_500
        seconds = np.where(far, np.nan, best * 1.3 / (layer.speed_kmh / 3.6))
        tables.append(
            pd.DataFrame(
                {
                    "demand_id": demand["demand_id"],
                    "layer": layer.name,
                    "profile": layer.profile,
                    "criterion": "metres",
                    "metres": np.where(far, np.nan, best * 1.3),
                    "straight_metres": best,
                    "seconds": seconds if layer.on_network else np.nan,
                    "facility_id": sites["facility_id"].to_numpy()[metres.argmin(axis=1)],
                    "snap_m": 10.0,
                    "status": np.where(far, "unreachable", "reached"),
                    "within_count": (metres < 1000).sum(axis=1),
                }
            )
        )
    columns = ["demand_id", "layer", "profile", "criterion", "metres", "straight_metres", "seconds"]
    columns += ["facility_id", "snap_m", "status", "within_count"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _coverage(
    layers: tuple[LayerInfo, ...],
    units: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    demand: gpd.GeoDataFrame,
    access: pd.DataFrame,
) -> pd.DataFrame:
    def pairs(points: gpd.GeoDataFrame, rows: gpd.GeoDataFrame) -> pd.DataFrame:
        tree = shapely.STRtree(rows.geometry.to_numpy())
        point, unit = tree.query(points.geometry.to_numpy(), predicate="intersects")
        table = pd.DataFrame({"point": point, "unit": unit})
        return table.drop_duplicates("point")

    tables = []
    for _, level in units.groupby("level", sort=False):
        where = pairs(demand, level)
        unit_of = level["unit_id"].to_numpy()[where["unit"].to_numpy()]
        people = demand[["population", "elderly"]].to_numpy()[where["point"].to_numpy()]
        for layer in layers:
            sites = facilities[facilities["layer"] == layer.name]
            own = access[access["layer"] == layer.name].set_index("demand_id")
            own = own.reindex(demand["demand_id"].to_numpy()[where["point"].to_numpy()])
            at = level["unit_id"].to_numpy()[pairs(sites, level)["unit"].to_numpy()]
            counts = pd.Series(at, dtype=object).value_counts()
            rules = {f"{m:g} min": own["seconds"].to_numpy() <= m * 60 for m in MINUTES}
            if not layer.on_network:
                rules = {}
            rules["1000 m straight"] = own["straight_metres"].to_numpy() <= 1000
            for rule, covered in rules.items():
                table = pd.DataFrame(
                    {
                        "unit_id": unit_of,
                        "population": people[:, 0],
                        "elderly": people[:, 1],
                        "covered_population": people[:, 0] * covered,
                        "covered_elderly": people[:, 1] * covered,
                    }
                )
                sums = table.groupby("unit_id", sort=False).sum().reindex(level["unit_id"])
                sums = sums.reset_index().assign(layer=layer.name, rule=rule)
                sums["facilities"] = counts.reindex(level["unit_id"]).fillna(0).to_numpy()
                tables.append(sums)
            presence = tables[-1][["unit_id", "layer", "facilities", "population", "elderly"]]
            tables.append(presence.assign(rule="presence"))
    columns = ["unit_id", "layer", "rule", "facilities", "population", "elderly"]
    columns += ["covered_population", "covered_elderly"]
    return (
        pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    )


def _circles(
    layers: tuple[LayerInfo, ...], facilities: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    rows: list[dict[str, Any]] = []
    overlaps: list[dict[str, Any]] = []
    for layer in layers:
        sites = facilities[facilities["layer"] == layer.name]
        if sites.empty or not layer.on_network:
            continue
        for minutes in MINUTES:
            radius = layer.speed_kmh / 60 * minutes / 111 * 0.8
            own = shapely.buffer(sites.geometry.to_numpy(), radius)
            head = {"layer": layer.name, "profile": layer.profile, "minutes": minutes}
            body = {"area_m2": 1e6, "population": 900.0 * minutes, "elderly": 100.0 * minutes}
            whole = shapely.union_all(own)
            rows.append(head | body | {"facility_id": "", "geometry": whole})
            rows += [
                head | body | {"facility_id": facility, "geometry": shape}
                for facility, shape in zip(sites["facility_id"], own, strict=True)
            ]
            overlaps.append(head | {"facilities": 1, "geometry": whole})
    columns = ["layer", "facility_id", "profile", "minutes", "area_m2", "population", "elderly"]
    return (
        gpd.GeoDataFrame(
            rows, columns=[*columns, "geometry"], geometry="geometry", crs="EPSG:4326"
        ),
        gpd.GeoDataFrame(
            overlaps,
            columns=["layer", "profile", "minutes", "facilities", "geometry"],
            geometry="geometry",
            crs="EPSG:4326",
        ),
    )


def _roads(side: int) -> gpd.GeoDataFrame:
    lines, classes = [], []
    for i in range(side * 8 + 1):
        at = i * SIDE / 8
        end = SIDE * side
        lines.append(shapely.LineString([(WEST + at, SOUTH), (WEST + at, SOUTH + end)]))
        lines.append(shapely.LineString([(WEST, SOUTH + at), (WEST + end, SOUTH + at)]))
        classes += ["primary" if i % 8 == 0 else "tertiary" if i % 4 == 0 else "residential"] * 2
    return gpd.GeoDataFrame({"class": classes}, geometry=lines, crs="EPSG:4326")


def _scorecard() -> pd.DataFrame:
    rows = [
        ("衢州15分钟圈", "15-minute circles", 62.346, np.nan, 100.0, "not_met", 2025.0, 55.0, 70.0),
        (
            "主城区1公里",
            "1 km in the urban area",
            81.2,
            96.0,
            90.0,
            "undecided",
            2025.0,
            81.2,
            96.0,
        ),
        (
            "乡镇社工站覆盖率",
            "stations by township",
            100.0,
            np.nan,
            100.0,
            "met",
            2022.0,
            None,
            None,
        ),
        ("护理型床位占比", "nursing beds", np.nan, np.nan, 58.0, "no_data", 2025.0, None, None),
    ]
    names = ["name_zh", "name_en", "value", "straight_value", "target", "verdict", "target_year"]
    table = pd.DataFrame(rows, columns=[*names, "low", "high"])
    return table.assign(
        plan="quzhou",
        unit="%",
        unit_level="township",
        alternative="",
        missing_inputs=["", "", "", "nursing_beds"],
        shortfall=np.nan,
    )


def _results(
    *, layers: tuple[LayerInfo, ...] = LAYERS, side: int = 3, each: int = 8, **changes: Any
) -> Results:
    units = _units(side)
    facilities = _facilities(layers, side, each)
    demand = _demand(side)
    access = _access(layers, demand, facilities)
    circles, overlaps = _circles(layers, facilities)
    middle = shapely.Point(WEST + SIDE * side / 2, SOUTH + SIDE * side / 2).buffer(SIDE * 0.6)
    results = Results(
        name="示例市 2025",
        language="zh",
        as_of=dt.date(2025, 12, 31),
        invented=False,
        layers=layers,
        minutes=MINUTES,
        metres=(1000.0,),
        units=units,
        scopes=gpd.GeoDataFrame(
            {"scope": ["main_urban_area"], "name": ["主城区"]}, geometry=[middle], crs="EPSG:4326"
        ),
        facilities=facilities,
        demand=demand,
        access=access,
        unit_coverage=_coverage(layers, units, facilities, demand, access),
        scorecard=_scorecard(),
        unit_results=pd.DataFrame(),
        circles=circles,
        overlaps=overlaps,
        roads=_roads(side),
        problems=(),
        record={"crs": "EPSG:4549"},
    )
    return replace(results, **changes)


@pytest.fixture
def make_results() -> MakeResults:
    """Return a function that makes results; its keywords replace parts of them."""
    return _results


@pytest.fixture
def make_layer() -> Callable[..., LayerInfo]:
    """Return a function that makes a layer."""
    return layer_info


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Opened:
    """A page, what it asked for and what it complained about."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def run(self, code: str, value: Any = None) -> Any:
        return self.page.evaluate(code, value)

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())

    def wait_for(self, code: str, value: Any = None) -> Any:
        # The page's policy forbids the evaluation inside the page that wait_for_function does.
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if found := self.page.evaluate(code, value):
                return found
            self.page.wait_for_timeout(30)
        pytest.fail(f"never came true in the page: {code}; it said {self.complaints}")

    def screen(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return the point of the window at a place."""
        x, y = self.run(
            """([lat, lon]) => {
                const key = Object.keys(window).find((name) => /^map_\\d+$/.test(name));
                const map = window[key], point = map.latLngToContainerPoint([lat, lon]);
                const box = map.getContainer().getBoundingClientRect();
                return [point.x + box.left, point.y + box.top];
            }""",
            [latitude, longitude],
        )
        return x, y


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Return a Chromium without a window."""
    from playwright import sync_api

    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_map(browser: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that opens the map of results: no request, no complaint until it closes."""

    @contextmanager
    def opened(
        results: Results, *, width: int = 1280, height: int = 800, fragment: str = ""
    ) -> Iterator[Opened]:
        file = tmp_path / "index.html"
        write_map(results, file)
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        seen = Opened(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: seen.complaints.append(f"{message.type}: {message.text}"),
        )
        started = time.monotonic()
        page.goto(file.as_uri() + fragment)
        seen.wait_for("document.body.dataset.ready === 'yes'")
        seen.seconds = time.monotonic() - started
        page.wait_for_timeout(150)
        try:
            yield seen
            assert seen.requests == [file.as_uri()]
            assert seen.complaints == []
        finally:
            context.close()

    return opened
