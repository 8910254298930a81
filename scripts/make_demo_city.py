"""Draw the invented demo city 示例市 into a folder, the same bytes on every run.

Usage: python scripts/make_demo_city.py [--out data]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from demo_city import figures, lists
from demo_city.estates import Drawn, make_drawn
from demo_city.files import (
    shape_of,
    write_csv,
    write_geojson,
    write_gpkg,
    write_office_sheet,
    write_pbf,
    write_points,
    write_raster,
    write_workbook,
)
from demo_city.frame import SEED, to_lonlat
from demo_city.land import make_land
from demo_city.lists import Listing
from demo_city.more import FURTHER, add_columns, make_books
from demo_city.names import CITY, COUNTIES, PLACES
from demo_city.people import People, make_people
from demo_city.roads import make_roads
from demo_city.sites import make_ground
from demo_city.texts import project, readme
from demo_city.town import Town, make_town
from demo_city.units import Units, make_units, township_code

NUMBERS = ("population", "elderly", "households")


BUILT = {"new": (2021, 2025), "old": (1984, 2016)}
NEW_COMMUNITIES = 3


def _built(units: Units, people: People, rng: np.random.Generator) -> dict[int, tuple[int, int]]:
    """Return the year and the floor area of each community; the last few are new."""
    mine = [at for at, unit in enumerate(units.units) if unit.kind == "社区"]
    new = set(rng.permutation(mine)[:NEW_COMMUNITIES].tolist())
    found = {}
    for at in mine:
        first, end = BUILT["new" if at in new else "old"]
        floor = round(int(people.official[at, 2]) * rng.uniform(96.0, 118.0), -2)
        found[at] = (int(rng.integers(first, end)), int(floor))
    return found


def _urban_rural(town: Town, units: Units, index: int) -> str:
    """Return the class of a unit in the statistical division of town and country."""
    unit = units.units[index]
    if shapely.contains_xy(town.outline, *unit.seed):
        return "111"
    near = shapely.dwithin(town.outline, shapely.Point(unit.seed), 1200.0)
    if near and unit.kind in ("社区", "行政村"):
        return "112"
    return "121" if unit.kind == "社区" else "220"


def write_boundaries(
    folder: Path, town: Town, units: Units, people: People, built: dict[int, tuple[int, int]]
) -> None:
    """Write the units of three levels, each dissolved from the one below."""
    villages: list[tuple[dict[str, object], object]] = []
    for index, (unit, shape) in enumerate(zip(units.units, units.shapes, strict=True)):
        properties: dict[str, object] = {
            "code": unit.code,
            "name": unit.name,
            "type": unit.kind,
            "town_code": unit.code[:9],
            "urban_rural": _urban_rural(town, units, index),
        }
        properties |= dict(zip(NUMBERS, people.official[index].tolist(), strict=True))
        year, floor = built.get(index, (None, None))
        properties |= {"built": year, "floor_area_m2": floor}
        villages.append((properties, shape_of(shape)))
    write_geojson(folder / "villages.geojson", villages)
    township = np.array([unit.township for unit in units.units])
    order = sorted(range(len(PLACES)), key=township_code)
    shapes = [
        shapely.coverage_union_all([units.shapes[i] for i in np.flatnonzero(township == index)])
        for index in order
    ]
    sums = np.array([people.official[township == index].sum(axis=0) for index in order])
    frame = gpd.GeoDataFrame(
        {
            "代码": [township_code(index) for index in order],
            "名称": [PLACES[index].name for index in order],
            "类型": [PLACES[index].kind for index in order],
            "所属区县": [PLACES[index].county for index in order],
            "常住人口": sums[:, 0],
            "60岁及以上人口": sums[:, 1],
            "户数": sums[:, 2],
        },
        geometry=[shapely.MultiPolygon(shapely.get_parts(shape).tolist()) for shape in shapes],
        crs="EPSG:4490",
    )
    write_gpkg(folder / "townships.gpkg", frame, layer="townships")
    counties: list[tuple[dict[str, object], object]] = []
    for name, code in COUNTIES.items():
        mine = np.array([PLACES[index].county == name for index in order])
        whole = shapely.coverage_union_all(np.array(shapes)[mine])
        kind = "市辖区" if name.endswith("区") else "县"
        properties = {"code": code, "name": name, "type": kind}
        properties |= dict(zip(NUMBERS, sums[mine].sum(axis=0).tolist(), strict=True))
        counties.append((properties, shape_of(whole)))
    write_geojson(folder / "counties.geojson", counties)
    outline = shapely.Polygon(to_lonlat(shapely.get_coordinates(town.outline.exterior)))
    write_geojson(
        folder / "main_urban_area.geojson", [({"name": f"{CITY}主城区"}, shape_of(outline))]
    )
    streets = [at for at, index in enumerate(order) if PLACES[index].kind == "街道"]
    proper = shapely.simplify(shapely.coverage_union_all(np.array(shapes)[streets]), 2e-4)
    write_geojson(folder / "city_proper.geojson", [({"name": f"{CITY}市区"}, shape_of(proper))])


def write_drawn(folder: Path, drawn: Drawn) -> None:
    """Write the units that no administration has."""
    estates: list[tuple[dict[str, object], object]] = []
    for one in drawn.estates:
        properties = {"小区名称": one.name, "建成年份": one.built, "户数": one.households,
                      "总建筑面积": one.floor_area}  # fmt: skip
        estates.append((properties, shape_of(one.shape)))
    write_geojson(folder / "residential_estates.geojson", estates)
    big = [({"name": name}, shape_of(shape)) for name, shape in drawn.big_communities]
    write_geojson(folder / "big_communities.geojson", big)
    parks = [({"name": one.name, "built": one.built}, shape_of(one.shape)) for one in drawn.parks]
    write_geojson(folder / "industrial_parks.geojson", parks)


def write_facilities(folder: Path, made: dict[str, Listing]) -> None:
    """Write the six lists, each in its own format."""
    write_csv(folder / "养老机构.csv", made["养老机构.csv"].rows, encoding="gb18030")
    write_office_sheet(
        folder / "日间照料中心.xlsx",
        made["日间照料中心.xlsx"].rows,
        sheet="照料中心",
        title=f"{CITY}居家养老服务照料中心（日间照料中心）一览表（虚构）",
        groups={"经度": "位置（百度坐标）", "纬度": "位置（百度坐标）",
                "床位数（张）": "规模", "建筑面积（㎡）": "规模"},
        note="注：本表为虚构数据，仅供演示。",
    )  # fmt: skip
    write_workbook(folder / "儿童之家.xlsx", {"儿童之家": made["儿童之家.xlsx"].rows})
    write_csv(folder / "社工站.csv", made["社工站.csv"].rows, encoding="utf-8-sig", delimiter="\t")
    write_points(folder / "节地生态安葬点.geojson", made["节地生态安葬点.geojson"])
    write_csv(folder / "老年食堂.csv", made["老年食堂.csv"].rows, encoding="utf-8")


FIRST_ROW = {"日间照料中心.xlsx": 4, "节地生态安葬点.geojson": 1}
"""Where a list's first row stands, where it is not the second."""


def make(out: Path) -> None:
    """Draw the whole city into a folder."""
    stages = np.random.default_rng(SEED).spawn(15)
    land = make_land(stages[0])
    town = make_town(stages[1])
    units = make_units(stages[2], land, town)
    roads = make_roads(stages[3], land, town, units)
    people = make_people(stages[4], land, town, units, roads)
    ground = make_ground(units, people, roads)
    listings = [
        lists.care_homes(ground, stages[5]),
        lists.day_centres(ground, stages[6]),
        lists.childrens_homes(ground, stages[7]),
        lists.stations(ground, stages[8]),
        lists.burial_sites(ground, stages[9]),
        lists.canteens(ground, stages[10]),
    ]
    made = {listing.file: listing for listing in listings}
    for file in FURTHER:
        add_columns(made[file], stages[11])
    drawn = make_drawn(ground, stages[12], made["日间照料中心.xlsx"].sites)
    books = make_books(ground, drawn)
    tables = [
        figures.staff(ground, stages[13], made["养老机构.csv"]),
        figures.statistics(ground, stages[13]),
    ]
    for name in ("boundaries", "facilities", "population", "roads", "statistics"):
        (out / name).mkdir(parents=True, exist_ok=True)
    write_boundaries(out / "boundaries", town, units, people, _built(units, people, stages[14]))
    write_drawn(out / "boundaries", drawn)
    write_facilities(out / "facilities", made)
    for file, sheets in books.items():
        rows = {sheet: listing.rows for sheet, listing in sheets.items()}
        write_workbook(out / "facilities" / file, rows)
    for table in tables:
        write_csv(out / "statistics" / table.file, table.rows, encoding="utf-8-sig")
    write_raster(out / "population" / "population_100m.tif", people.population, people.inside)
    write_raster(out / "population" / "elderly_100m.tif", people.elderly, people.inside)
    write_pbf(out / "roads" / "roads.osm.pbf", town.net, land)
    kinds = [unit.kind for unit in units.units]
    names = [unit.name for unit in units.units]
    text = readme(
        numbers={
            "counties": len(COUNTIES),
            "townships": len(PLACES),
            "villages": len(kinds),
            "communities": kinds.count("社区"),
            "rural": kinds.count("行政村"),
            "vertices": len({node for key in town.net.edges for node in key}),
            "people": round(people.population.sum()),
            "old": round(people.elderly.sum()),
            "official": int(people.official[:, 0].sum()),
            "official_old": int(people.official[:, 1].sum()),
            "twin": next(name for name in names if names.count(name) > 1),
            "new": NEW_COMMUNITIES,
            "estates": len(drawn.estates),
            "big": len(drawn.big_communities),
            "parks": len(drawn.parks),
        },
        rows={file: len(listing.rows) for file, listing in made.items()},
        wrong={file: listing.numbered(FIRST_ROW.get(file, 2)) for file, listing in made.items()}
        | {
            f"{file} · {sheet}": listing.numbered(2)
            for file, sheets in books.items()
            for sheet, listing in sheets.items()
            if listing.wrong
        }
        | {table.file: table.numbered(2) for table in tables},
        books={
            file: {sheet: len(listing.rows) for sheet, listing in sheets.items()}
            for file, sheets in books.items()
        },
    )
    (out / "README.md").write_bytes(text.encode())
    (out / "demo.toml").write_bytes(project().encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the invented demo city 示例市.")
    default = Path(__file__).resolve().parents[1] / "data"
    parser.add_argument("--out", type=Path, default=default, help="folder to write into")
    make(parser.parse_args().out)
