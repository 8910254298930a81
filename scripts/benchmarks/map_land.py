"""An invented land for the benchmark of the map: units with wiggly borders, circles, roads, people.

Sizes are those of real places: a village's outline has some 440 vertices, as in a county of
Zhejiang, here 512; circles are simplified to a fixed number of vertices whatever they have.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from servicecircle.results import LayerInfo, Results

__all__ = ["COUNTY", "PREFECTURE", "Size", "invented_results"]

Floats = NDArray[np.float64]

WEST, SOUTH = 118.2, 28.2
_KM = 1.0 / 111.0
_TARGET = 60.0
_MINUTES = (5.0, 10.0, 15.0)
_VERTICES = (40, 80, 120)
_STEPS = 7
"""Halvings of a village's edge: 128 pieces each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is in a land.

    Parameters
    ----------
    name : str
    townships, villages, facilities, layers, cells : int
        Cells are those of people.
    side_km : float
    """

    name: str
    townships: int
    villages: int
    facilities: int
    layers: int
    cells: int
    side_km: float


COUNTY = Size(
    name="county",
    townships=20,
    villages=366,
    facilities=3_000,
    layers=8,
    cells=40_000,
    side_km=45.0,
)
PREFECTURE = Size(
    name="prefecture",
    townships=157,
    villages=2_200,
    facilities=20_000,
    layers=12,
    cells=150_000,
    side_km=110.0,
)


def invented_results(size: Size, *, seed: int = 0) -> Results:
    """Return the results of an invented land, drawn from a seed."""
    rng = np.random.default_rng(seed)
    side = size.side_km * _KM
    layers = tuple(
        LayerInfo(
            name=f"layer_{number}",
            zh=f"设施{number + 1}",
            en=f"Layer {number + 1}",
            profile="walk",
            speed_kmh=4.0,
            invented=True,
            on_network=True,
        )
        for number in range(size.layers)
    )
    units = _units(size, side, rng)
    towns = WEST + side * rng.random(size.townships), SOUTH + side * rng.random(size.townships)
    facilities = _facilities(size, layers, towns, side, rng)
    demand = _demand(size, towns, side, rng)
    circles, overlaps = _circles(layers, facilities, rng)
    return Results(
        name=f"示意{size.name}",
        language="zh",
        as_of=dt.date(2025, 12, 31),
        invented=True,
        layers=layers,
        minutes=_MINUTES,
        metres=(1000.0,),
        units=units,
        scopes=gpd.GeoDataFrame(
            {"scope": pd.Series([], dtype=str), "name": pd.Series([], dtype=str)},
            geometry=[],
            crs="EPSG:4326",
        ),
        facilities=facilities,
        demand=demand,
        access=_access(layers, facilities, demand),
        unit_coverage=_coverage(layers, units, rng),
        scorecard=_scorecard(),
        unit_results=_unit_results(units, rng),
        circles=circles,
        overlaps=overlaps,
        roads=_roads(side, rng),
        problems=(),
        record={"crs": "EPSG:4549"},
    )


def _wiggle(start: Floats, end: Floats, rng: np.random.Generator) -> Floats:
    """Return a line between two points by displaced midpoints."""
    points = np.array([start, end])
    for _ in range(_STEPS):
        steps = np.diff(points, axis=0)
        middles = points[:-1] + steps / 2
        across = steps[:, ::-1] * [-1, 1]
        middles += across * rng.uniform(-0.07, 0.07, (len(steps), 1))
        whole = np.empty((2 * len(points) - 1, 2))
        whole[::2], whole[1::2] = points, middles
        points = whole
    return points


def _villages(many: int, side: float, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Return a jittered lattice of villages; neighbours share every vertex of their border."""
    rows = int(np.sqrt(many))
    columns = -(-many // rows)
    at = np.stack(np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1)), axis=-1)
    jitter = rng.uniform(-0.15, 0.15, at.shape) / [columns, rows]
    corners = (at + jitter) * side + [WEST, SOUTH]
    across = {
        (i, j): _wiggle(corners[i, j], corners[i, j + 1], rng)
        for i in range(rows + 1)
        for j in range(columns)
    }
    up = {
        (i, j): _wiggle(corners[i, j], corners[i + 1, j], rng)
        for i in range(rows)
        for j in range(columns + 1)
    }
    shapes = []
    for number in range(many):
        i, j = divmod(number, columns)
        ring = [across[i, j], up[i, j + 1][1:], across[i + 1, j][::-1][1:], up[i, j][::-1][1:]]
        shapes.append(shapely.Polygon(np.concatenate(ring)))
    return shapes


def _units(size: Size, side: float, rng: np.random.Generator) -> gpd.GeoDataFrame:
    villages = np.array(_villages(size.villages, side, rng), dtype=object)
    middles = shapely.get_coordinates(shapely.centroid(villages))
    # Villages go to the nearest of some of their own middles: every township has one at least.
    seeds = middles[rng.choice(len(middles), size.townships, replace=False)]
    owner = KDTree(seeds).query(middles)[1]
    townships = [
        shapely.coverage_union_all(villages[owner == one]) for one in range(size.townships)
    ]
    frame = pd.DataFrame(
        {
            "level": ["township"] * size.townships + ["village_level"] * size.villages,
            "name": [f"示意{one}镇" for one in range(size.townships)]
            + [f"示意{one}村" for one in range(size.villages)],
        }
    )
    frame["code"] = [f"{number:012d}" for number in range(len(frame))]
    frame["unit_id"] = frame["level"] + ":" + frame["code"]
    frame = frame.assign(
        type="",
        parent_id="",
        parent_hint="",
        should_have=True,
        is_urban=pd.array([None] * len(frame), dtype="boolean"),
        population=np.nan,
        elderly=np.nan,
        households=np.nan,
    )
    return gpd.GeoDataFrame(frame, geometry=[*townships, *villages], crs="EPSG:4326")


def _around(
    towns: tuple[Floats, Floats], many: int, side: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return points, two thirds of them about towns."""
    near = rng.random(many) < 2 / 3
    town = rng.integers(0, len(towns[0]), many)
    lon = np.where(
        near, towns[0][town] + rng.normal(0, 2 * _KM, many), WEST + side * rng.random(many)
    )
    lat = np.where(
        near, towns[1][town] + rng.normal(0, 2 * _KM, many), SOUTH + side * rng.random(many)
    )
    return np.clip(lon, WEST, WEST + side), np.clip(lat, SOUTH, SOUTH + side)


def _facilities(
    size: Size,
    layers: tuple[LayerInfo, ...],
    towns: tuple[Floats, Floats],
    side: float,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    lon, lat = _around(towns, size.facilities, side, rng)
    number = np.arange(size.facilities)
    frame = pd.DataFrame(
        {
            "facility_id": [f"f:{one}" for one in number],
            "layer": [layers[one % len(layers)].name for one in number],
            "name": [f"示意{one}号幸福家园服务中心" for one in number],
            "address": [f"示意县示意镇幸福路{one}号" for one in number],
            "capacity": np.where(number % 3 == 0, np.nan, number % 90 + 10.0),
            "status": "open",
            "opened": "2020-01-01",
            "invented": True,
            "snap_status": "attached",
        }
    )
    frame = frame.sort_values("layer", kind="stable")
    order = frame.index.to_numpy()
    points = shapely.points(lon[order], lat[order])
    return gpd.GeoDataFrame(frame.reset_index(drop=True), geometry=points, crs="EPSG:4326")


def _demand(
    size: Size, towns: tuple[Floats, Floats], side: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    lon, lat = _around(towns, size.cells, side, rng)
    people = rng.gamma(1.0, 20.0, size.cells)
    return gpd.GeoDataFrame(
        {
            "demand_id": [f"cell:{one}" for one in range(size.cells)],
            "population": people,
            "elderly": people * 0.2,
        },
        geometry=shapely.points(lon, lat),
        crs="EPSG:4326",
    )


def _access(
    layers: tuple[LayerInfo, ...], facilities: gpd.GeoDataFrame, demand: gpd.GeoDataFrame
) -> pd.DataFrame:
    tables = []
    points = demand.geometry.to_numpy()
    for layer in layers:
        own = facilities[facilities["layer"] == layer.name]
        tree = shapely.STRtree(own.geometry.to_numpy())
        (_, nearest), away = tree.query_nearest(points, all_matches=False, return_distance=True)
        metres = away / _KM * 1000.0
        tables.append(
            pd.DataFrame(
                {
                    "demand_id": demand["demand_id"],
                    "layer": layer.name,
                    "profile": layer.profile,
                    "metres": metres * 1.3,
                    "straight_metres": metres,
                    "seconds": metres * 1.3 / (layer.speed_kmh / 3.6),
                    "facility_id": own["facility_id"].to_numpy()[nearest],
                    "status": "reached",
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _coverage(
    layers: tuple[LayerInfo, ...], units: gpd.GeoDataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    rules = [*(f"{minutes:g} min" for minutes in _MINUTES), "1000 m", "presence"]
    people = np.floor(rng.gamma(2.0, 600.0, len(units))) + 1
    tables = [
        pd.DataFrame(
            {
                "unit_id": units["unit_id"],
                "layer": layer.name,
                "rule": rule,
                "facilities": rng.integers(0, 9, len(units)),
                "population": people,
                "elderly": np.floor(people * 0.2),
                "covered_population": np.floor(people * rng.random(len(units))),
                "covered_elderly": np.floor(people * 0.2 * rng.random(len(units))),
            }
        )
        for layer in layers
        for rule in rules
    ]
    return pd.concat(tables, ignore_index=True)


def _blobs(points: Floats, radius: float, vertices: int, rng: np.random.Generator) -> list[Any]:
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    waves = sum(
        np.sin(
            rng.integers(3, 40, (len(points), 1)) * angle + rng.uniform(0, 6.3, (len(points), 1))
        )
        for _ in range(4)
    )
    reach = radius * (0.75 + 0.06 * waves)
    ring = np.stack([np.cos(angle) * reach * 1.13, np.sin(angle) * reach], axis=-1)
    return [shapely.Polygon(one) for one in ring + points[:, None, :]]


def _circles(
    layers: tuple[LayerInfo, ...], facilities: gpd.GeoDataFrame, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    rows: list[dict[str, Any]] = []
    for layer in layers:
        own = facilities[facilities["layer"] == layer.name]
        points = shapely.get_coordinates(own.geometry.to_numpy())
        for minutes, vertices in zip(_MINUTES, _VERTICES, strict=True):
            shapes = _blobs(points, minutes / 15.0 * _KM, vertices, rng)
            rows.append(
                {
                    "layer": layer.name,
                    "facility_id": "",
                    "profile": layer.profile,
                    "minutes": minutes,
                    "area_m2": 1e6 * len(points),
                    "population": 900.0 * minutes,
                    "elderly": 180.0 * minutes,
                    "geometry": shapely.union_all(shapes),
                }
            )
    circles = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")
    widest = circles[circles["minutes"] == max(_MINUTES)]
    overlaps = widest[["layer", "profile", "minutes", "geometry"]].assign(facilities=1)
    return circles, overlaps


def _roads(side: float, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return a lattice of winding roads, 60,000 vertices as a run gives at most."""
    lines, classes = [], []
    each = 400
    for number in range(60_000 // each):
        at = side * rng.random()
        wave = np.cumsum(rng.normal(0, side / 3000, each))
        along = np.linspace(0, side, each)
        path = [along, at + wave] if number % 2 else [at + wave, along]
        lines.append(shapely.LineString(np.add(np.stack(path, axis=-1), [WEST, SOUTH])))
        classes.append(("primary", "secondary", "residential")[min(2, number // 20)])
    return gpd.GeoDataFrame({"class": classes}, geometry=lines, crs="EPSG:4326")


def _scorecard() -> pd.DataFrame:
    rows = range(20)
    return pd.DataFrame(
        {
            "plan": "invented",
            "indicator_id": [f"indicator_{one}" for one in rows],
            "alternative": "",
            "target_year": 2025.0,
            "name_zh": [f"示意指标{one}覆盖率" for one in rows],
            "name_en": [f"Invented indicator {one}" for one in rows],
            "value": [50.0 + one for one in rows],
            "straight_value": np.nan,
            "target": _TARGET,
            "low": np.nan,
            "high": np.nan,
            "shortfall": np.nan,
            "unit": "%",
            "unit_level": "township",
            "verdict": ["met" if one % 2 else "not_met" for one in rows],
            "missing_inputs": "",
            "headline": True,
        }
    )


def _unit_results(units: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    many = len(units)
    tables = []
    for number in range(20):
        share = np.round(rng.random(many) * 100, 3)
        tables.append(
            pd.DataFrame(
                {
                    "plan": "invented",
                    "indicator_id": f"indicator_{number}",
                    "alternative": "",
                    "unit_id": units["unit_id"],
                    "value": share,
                    "numerator": share,
                    "denominator": 100.0,
                    "target": _TARGET,
                    "verdict": np.where(share >= _TARGET, "met", "not_met"),
                    "low": share - 3,
                    "high": share + 3,
                    "shortfall": np.maximum(0.0, _TARGET - share),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
