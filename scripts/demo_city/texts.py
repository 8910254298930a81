"""The project file and the README of the demo city."""

from __future__ import annotations

from demo_city.lists import Wrong
from demo_city.more import BOOKS

_PROJECT = """\
# 示例市是虚构的：地名、边界、道路、人口、设施都由 scripts/make_demo_city.py 画出。
# The city is invented: scripts/make_demo_city.py draws all of it.
[project]
name = "示例市"
as_of = 2025-12-31
language = "zh"
invented = true

# 虚构的城市把四个市县规划的目标当作自己的目标；对全省规划则是其中一个设区市。
# The invented city takes the targets of four plans for its own; of the province it is a part.
[plans.quzhou]
area = "whole"
[plans.zhejiang]
area = "part"
level = "prefecture"
[plans.jiaxing]
area = "whole"
[plans.minle]
area = "whole"
# 规划交给别处规定的配建标准，此处为虚构的数：每百户平方米。
# Norms that the plans leave to other documents; these are invented: m² per 100 households.
[plans.minle.norms]
minle_new_estate_elderly_facility_compliance = 20
[plans.shangcheng]
area = "whole"
[plans.shangcheng.norms]
shangcheng_elderly_service_premises_allocation = 20
shangcheng_new_community_premises_compliance = 30

[boundaries.county]
path = "boundaries/counties.geojson"
[boundaries.township]
path = "boundaries/townships.gpkg"
[boundaries.village_level]
path = "boundaries/villages.geojson"
should_have_not = { type = ["林场", "水库", "茶场"] }
urban = { urban_rural = ["111", "112", "121"] }
[boundaries.main_urban_area]
path = "boundaries/main_urban_area.geojson"
[boundaries.city_proper]
path = "boundaries/city_proper.geojson"
[boundaries.industrial_park]
path = "boundaries/industrial_parks.geojson"

# 另行划定的单元：规划单元未划，由程序以邻近单元代替。
# Units that somebody has to draw; nobody drew planning units, so that stand-ins take their place.
[boundaries.big_community]
path = "boundaries/big_communities.geojson"
[boundaries.residential_estate]
path = "boundaries/residential_estates.geojson"
[boundaries.industrial_cluster]
path = "boundaries/industrial_parks.geojson"

[clusters.planning_unit]
people = 10_000
within = "county"

[roads]
path = "roads/roads.osm.pbf"

[population]
raster = "population/population_100m.tif"
elderly_raster = "population/elderly_100m.tif"
kind = "count"
basis = "resident"
date = 2025-11-01
invented = true

[staff]
path = "statistics/民政人员.csv"
invented = true
[statistics]
path = "statistics/统计.csv"
invented = true

# 公平性：谁走得最远，城乡差多少。
# Equity: whose ways are longest, and how far town and country are apart.
[equity]
layers = ["care_home", "elderly_day_center", "canteen"]

# 床位供需：驾车 30 分钟与老年人步行 15 分钟；每百名老年人中 3 人需要床位。
# Beds that people compete for: by car and on foot; three of a hundred older persons need one.
[catchments.care_home]
profile = "drive"
minutes = 30
norm = 300
[catchments.care_home_on_foot]
layer = "care_home"
minutes = 15
norm = 300
[assignment.care_home]
profile = "drive"
minutes = 30
share = 0.03

[facilities.care_home]
path = "facilities/养老机构.csv"
datum = "gcj02"
profile = "elderly"
invented = true
[facilities.elderly_day_center]
path = "facilities/日间照料中心.xlsx"
datum = "bd09"
profile = "elderly"
invented = true
[facilities.childrens_home]
path = "facilities/儿童之家.xlsx"
datum = "cgcs2000"
invented = true
[facilities.social_work_station]
path = "facilities/社工站.csv"
datum = "wgs84"
invented = true
[facilities.ecological_burial_site]
path = "facilities/节地生态安葬点.geojson"
datum = "bd09"
serves_level = "village_level"
invented = true
[facilities.canteen]
path = "facilities/老年食堂.csv"
datum = "auto"
profile = "elderly"
invented = true

# 其余设施每类一个工作表，只数各单元有几处，不量路程。
# A sheet for each further layer; its facilities are only counted, no ways to them are measured.
[facilities]
"""


TRAVELLED = ("community_service_center",)
"""Further layers whose ways are measured, which plans ask for."""


def project() -> str:
    """Return the project file."""
    shape = (
        '{layer} = {{ path = "facilities/{file}", sheet = "{sheet}", datum = "cgcs2000", '
        "{how} = {answer}, invented = true }}\n"
    )
    return _PROJECT + "".join(
        shape.format(
            layer=kind.layer,
            file=file,
            sheet=kind.sheet,
            how="circles" if kind.layer in TRAVELLED else "count_only",
            answer="false" if kind.layer in TRAVELLED else "true",
        )
        for file, kinds in BOOKS.items()
        for kind in kinds
    )


README = """\
# 示例市 · the demo city

**本市是虚构的。** 地名、代码、边界、道路、人口和设施全部由 \
`scripts/make_demo_city.py` 按固定随机种子画出，不取自任何真实城市；\
代码 3399… 未在现实中使用。任何相似纯属巧合。

**This city is invented.** Names, codes, borders, roads, people and facilities are all drawn by \
`scripts/make_demo_city.py` from one fixed seed and copy no real place; codes that begin with \
3399 are not in use. It lies on the map of inland Zhejiang only so that coordinate systems and \
datums behave as they do in earnest.

Draw it again, byte for byte: `python scripts/make_demo_city.py`.

## Files
| file | what |
|---|---|
| `demo.toml` | the project file that reads all of the below |
| `boundaries/counties.geojson` | {counties} counties, WGS84: code, name, type, population, \
elderly, households |
| `boundaries/townships.gpkg` | {townships} townships, CGCS2000 (EPSG:4490): 代码, 名称, 类型, \
所属区县, 常住人口, 60岁及以上人口, 户数 |
| `boundaries/villages.geojson` | {villages} village-level units ({communities} 社区, {rural} \
行政村 and a 林场, a 水库, a 茶场, which need no facilities), WGS84: code, name, type, town_code, \
urban_rural, population, elderly, households; of communities also built (the year; {new} of them \
are new) and floor_area_m2 |
| `boundaries/main_urban_area.geojson`, `city_proper.geojson` | two areas that plans speak of |
| `boundaries/residential_estates.geojson` | {estates} residential estates: 小区名称, 建成年份, \
户数, 总建筑面积 |
| `boundaries/big_communities.geojson` | {big} big communities, each of about three communities |
| `boundaries/industrial_parks.geojson` | {parks} industrial parks, an area and \
industrial clusters at once |
| `roads/roads.osm.pbf` | {vertices:,} road vertices with OpenStreetMap's tags; a motorway that \
cannot be walked, one-way streets, private lanes, few bridges, the lane of an island, a forest \
track that touches nothing |
| `population/population_100m.tif` | {people:,} people on 100 m cells, EPSG:4549, nodata outside |
| `population/elderly_100m.tif` | {old:,} of them aged 60 and over |
| `facilities/` | six lists and three workbooks, see below |
| `statistics/民政人员.csv` | the staff table: by community, township and care home, \
UTF-8 with BOM |
| `statistics/统计.csv` | figures: patients by township, burials needed in the whole city |

Villages dissolve to townships and townships to counties, vertex by vertex. One name ({twin}) \
stands for two villages of different townships. One village has two parts: a shore and an island \
in the reservoir.

The raster holds 9 % fewer people than the official totals in the columns of the boundaries \
({official:,} people, {official_old:,} of them elderly), and not the same share in every township.

## Facility lists
| file | layer | format | datum | rows |
|---|---|---|---|---|
{lists}

The further layers stand in three workbooks, a sheet for each, in CGCS2000, with a village and \
coordinates; no way to most of them is measured, they are only counted. Floor areas, beds, grades, \
operators, years of renovation and the like stand in further columns.

| file | sheets (layer, rows) |
|---|---|
{books}

## Rows that are wrong on purpose
The number is the row as Excel shows it, the physical line of a CSV, or the feature of the GeoJSON \
counted from 1. 下列各行是故意写错的，用来说明程序如何记录问题。

| file | row | 问题 | what is wrong |
|---|---|---|---|
{wrong}
"""

LISTS = {
    "养老机构.csv": ("care_home", "CSV, GB18030", "GCJ-02"),
    "日间照料中心.xlsx": ("elderly_day_center", "xlsx with a title row and a merged header of two "
                     "lines, a note at the end", "BD-09"),
    "儿童之家.xlsx": ("childrens_home", "xlsx by village code", "CGCS2000"),
    "社工站.csv": ("social_work_station", "tab-separated, UTF-8 with BOM, the place in one cell "
                "`lng,lat`", "WGS84"),
    "节地生态安葬点.geojson": ("ecological_burial_site", "GeoJSON with the villages served, "
                        "separated by ； or ;", "BD-09"),
    "老年食堂.csv": ("canteen", "CSV, UTF-8", "GCJ-02, left to `auto`"),
}  # fmt: skip


def readme(
    *,
    numbers: dict[str, object],
    rows: dict[str, int],
    wrong: dict[str, list[Wrong]],
    books: dict[str, dict[str, int]],
) -> str:
    """Return the README with its counts and its list of wrong rows.

    Parameters
    ----------
    numbers : dict
        Counts of the text.
    rows : dict
        Rows of each of the six lists.
    wrong : dict
        Wrong rows of each file, or of ``file · sheet``.
    books : dict
        Rows of each sheet of each workbook.
    """
    lists = "\n".join(
        f"| `{file}` | {layer} | {shape} | {datum} | {rows[file]} |"
        for file, (layer, shape, datum) in LISTS.items()
    )
    faults = "\n".join(
        f"| `{file}` | {item.row} | {item.zh} | {item.en} |"
        for file in wrong
        for item in wrong[file]
    )
    layers = {kind.sheet: kind.layer for kinds in BOOKS.values() for kind in kinds}
    sheets = "\n".join(
        f"| `{file}` | "
        + ", ".join(f"{sheet} (`{layers[sheet]}`, {count})" for sheet, count in book.items())
        + " |"
        for file, book in books.items()
    )
    return README.format(lists=lists, wrong=faults, books=sheets, **numbers)
