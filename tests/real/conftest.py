"""The five real projects, with stand-ins where a real list is wanting."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

PROJECTS = Path(__file__).parent / "projects"
SHARED_IN_PROJECTS = "../../../../shared/data"
SEED = 20251231


def _write_list(rows: dict[str, object], path: Path) -> None:
    pd.DataFrame(rows).to_csv(path, index=False, encoding="utf-8-sig")


def _county(shared: Path, folder: Path, *, code: str, source: str) -> None:
    """Write a county's outline with its figures of the census of 2020: real, only put together."""
    census = pd.read_csv(
        shared / "census" / "census2020_county_cn_key.csv", dtype={"区划代码": str}
    )
    figures = census.set_index("区划代码").loc[code]
    outlines = gpd.read_file(shared / "counties" / source)
    county = outlines.loc[outlines["code"].astype(str) == code, ["code", "name", "geometry"]]
    county = county.assign(
        常住人口=int(figures["人口数_合计"]),
        老年人口=int(figures["pop_60p"]),
        家庭户数=int(figures["家庭户数"]),
        basis="常住",
        age_from=60,
    )
    county.to_file(folder / "county.geojson")
    _write_list(
        {
            "单元": [county["name"].iloc[0]],
            "城镇人口": [int(figures["城镇人口"])],
            "统计日期": ["2020-11-01"],
        },
        folder / "census.csv",
    )


def _wuhan(shared: Path, folder: Path) -> None:
    """Write 60 care homes at seeded places of populated cells, and the raster's outline."""
    with rasterio.open(shared / "wuhan" / "wuhan_core_pop60plus.tif") as raster:
        values = raster.read(1, masked=True).filled(0.0)
        rows, columns = np.nonzero(values > 0)
        generator = np.random.default_rng(SEED)
        chosen = generator.choice(rows.size, 60, replace=False)
        lon, lat = raster.xy(rows[chosen], columns[chosen])
        outline = shapely.box(*raster.bounds)
    numbers = range(1, 61)
    _write_list(
        {
            "机构名称": [f"示意养老院{number:02d}" for number in numbers],
            "经度": np.round(lon, 6),
            "纬度": np.round(lat, 6),
            "床位数": generator.integers(50, 300, 60),
        },
        folder / "care_homes.csv",
    )
    gpd.GeoDataFrame({"name": ["示意主城区"]}, geometry=[outline], crs="EPSG:4326").to_file(
        folder / "main_urban_area.geojson"
    )


def _jiangshan(shared: Path, folder: Path) -> None:
    """Write children's homes by code or name, and burial sites with the villages they serve.

    Ten villages have a second home, and fifteen of those without one get theirs too late.
    """
    _county(shared, folder, code="330881", source="quzhou_counties_survey_wgs84.geojson")
    villages = gpd.read_file(shared / "jiangshan" / "villages.geojson")
    villages = villages[villages["kind"] != "farm_or_other"].reset_index(drop=True)
    generator = np.random.default_rng(SEED)
    order = generator.permutation(len(villages))
    chosen = np.concatenate([np.sort(order[:200]), order[:10], order[200:215]])
    homes = villages.loc[chosen]
    _write_list(
        {
            "设施名称": [
                f"{name}儿童之家{'（二）' if 200 <= row < 210 else ''}"
                for row, name in enumerate(homes["name"])
            ],
            "村代码": homes["code"].fillna("").astype(str),
            "所属村": homes["name"],
            "所属乡镇": homes["town"],
            "启用日期": ["2021-06-01"] * 210 + ["2026-03-01"] * 15,
        },
        folder / "childrens_homes.csv",
    )
    sites = villages.groupby("town", sort=True).head(2)
    points = sites.geometry.representative_point()
    served = [
        "；".join(villages.loc[villages["town"] == town, "name"].iloc[:8]) for town in sites["town"]
    ]
    _write_list(
        {
            "设施名称": [f"{name}生态安葬点" for name in sites["name"]],
            "经度": points.x.round(6),
            "纬度": points.y.round(6),
            "所属乡镇": sites["town"],
            "服务村居": served,
        },
        folder / "burial_sites.csv",
    )


def _pinghu(shared: Path, folder: Path) -> None:
    """Write six care homes at real points of villages, in BD-09, and eight social-work stations.

    The sixth home opens after the date of judgement, and has no room of rehabilitation to tell of.
    """
    _county(shared, folder, code="330482", source="counties_amap_wgs84.geojson")
    villages = gpd.read_file(shared / "pinghu" / "village_points.geojson")
    towns = gpd.read_file(shared / "pinghu" / "townships.geojson")["name"]
    homes = villages.groupby("street", sort=True).head(1).iloc[:6]
    _write_list(
        {
            "机构名称": [f"{name}示意养老院" for name in homes["village"]],
            "经度": homes["lng_bd09"],
            "纬度": homes["lat_bd09"],
            "所在乡镇": homes["street"],
            "核定床位数": [300, 200, 120, 100, 80, 500],
            "护理型床位数": [180, 120, 70, 40, 30, 500],
            "认知障碍床位数": [60, 40, 0, 0, 0, 100],
            "康复室": ["有", "有", "无", "", "有", ""],
            "开业时间": ["2015-06-01"] * 5 + ["2026-05-01"],
        },
        folder / "care_homes.csv",
    )
    _write_list(
        {
            "设施名称": [f"{name}社会工作站（示意）" for name in towns.iloc[:8]],
            "所在乡镇": towns.iloc[:8],
            "启用日期": ["2021-01-01"] * 7 + ["2023-07-01"],
        },
        folder / "social_work_stations.csv",
    )


def _taipei(shared: Path, folder: Path) -> None:
    """Write the districts as the union of their villages."""
    villages = gpd.read_file(
        shared / "taipei" / "113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"
    )
    districts = villages.dissolve("TOWN_ID", sort=True)["geometry"].to_frame()
    names = villages.groupby("TOWN_ID", sort=True)["TOWN"].first()
    districts.assign(code=names.index, name=names).to_file(folder / "districts.geojson")


STAND_INS: dict[str, Callable[[Path, Path], None]] = {
    "wuhan": _wuhan,
    "jiangshan": _jiangshan,
    "pinghu": _pinghu,
    "taipei": _taipei,
}


@pytest.fixture(scope="session")
def real_project(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that lays a real project out and returns its project file."""

    def lay_out(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        text = (PROJECTS / f"{name}.toml").read_text(encoding="utf-8")
        file = folder / f"{name}.toml"
        file.write_text(text.replace(SHARED_IN_PROJECTS, shared.as_posix()), encoding="utf-8")
        if name in STAND_INS:
            (folder / "stand_ins").mkdir()
            STAND_INS[name](shared, folder / "stand_ins")
        return file

    return lay_out


@dataclass(frozen=True)
class Run:
    """A finished folder and what the command printed."""

    folder: Path
    stdout: str

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name, encoding="utf-8-sig", dtype={"code": str})

    def layer(self, name: str) -> gpd.GeoDataFrame:
        return gpd.read_file(self.folder / "coverage.gpkg", layer=name)

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return record

    @property
    def page(self) -> str:
        return (self.folder / "index.html").read_text(encoding="utf-8")


def run_command(project: Path, folder: Path) -> Run:
    """Run a project by the command itself."""
    command = [sys.executable, "-m", "servicecircle", "run", str(project), "--out", str(folder)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return Run(folder, done.stdout)


@pytest.fixture(scope="session")
def command() -> Callable[[Path, Path], Run]:
    """Return the function that runs a project file into a folder."""
    return run_command


@pytest.fixture(scope="session")
def finished(
    real_project: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Run]:
    """Return a function that runs a real project once and returns what it made."""

    @functools.cache
    def run(name: str) -> Run:
        return run_command(real_project(name), tmp_path_factory.mktemp("out") / name)

    return run
