"""Further facility lists of the demo city: three workbooks, a sheet for each layer, CGCS2000."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from demo_city.estates import Drawn
from demo_city.frame import SEED
from demo_city.lists import Cell, Listing, Row
from demo_city.names import PLACES
from demo_city.sites import Ground, Site, at, needing

Rng = np.random.Generator
Maker = Callable[[Rng, int], Cell]
"""From the generator and the row's position to a cell."""


def _some(*words: Cell) -> Maker:
    """Return cells that are one of some words, drawn."""
    return lambda rng, _: words[int(rng.integers(len(words)))]


def _listed(*words: Cell) -> Maker:
    """Return cells from a list, row by row; the last word goes on."""
    return lambda _, at_row: words[min(at_row, len(words) - 1)]


def _whole(low: int, high: int, step: int = 1) -> Maker:
    """Return whole numbers."""
    return lambda rng, _: int(rng.integers(low, high + 1)) * step


def _years(first: int, last: int, share: float) -> Maker:
    """Return a day of some years for a share of the rows, else nothing."""

    def make(rng: Rng, _: int) -> Cell:
        year, month = rng.integers(first, last + 1), rng.integers(1, 13)
        return f"{int(year)}-{int(month):02d}-15" if rng.random() < share else ""

    return make


@dataclass(frozen=True)
class Kind:
    """One layer: its sheet, where its facilities stand, and its further columns."""

    layer: str
    sheet: str
    ending: str
    communities: float = 0.0
    """Share of the communities that have one."""
    villages: float = 0.0
    townships: int = 0
    """So many townships have one: up to five the subdistricts, else any."""
    counties: int = 0
    in_estates: int = 0
    in_parks: int = 0
    opened: tuple[int, int] = (2015, 2025)
    cells: dict[str, Maker] = field(default_factory=dict)


AREA = "建筑面积（㎡）"
BOOKS: dict[str, tuple[Kind, ...]] = {
    "养老服务设施.xlsx": (
        Kind("comprehensive_care_center", "综合养老服务中心", "综合养老服务中心", townships=8,
             opened=(2018, 2025), cells={"床位数": _whole(4, 12, 10), AREA: _whole(10, 40, 100)}),
        Kind("destitute_home", "敬老院", "敬老院", townships=11, opened=(1996, 2012),
             cells={"床位数": _whole(3, 9, 10), "护理型床位": _whole(1, 3, 10),
                    "改造时间": _years(2016, 2022, 0.8)}),
        Kind("care_station", "养老驿站", "养老驿站", communities=0.85, villages=0.55,
             opened=(2018, 2025), cells={AREA: _whole(6, 30, 10)}),
        Kind("meal_delivery_point", "配送餐点", "配送餐点", communities=0.45, villages=0.2,
             opened=(2020, 2025)),
        Kind("demonstration_home_care_center", "示范型居家养老服务中心", "示范型居家养老服务中心",
             townships=15, opened=(2017, 2024), cells={
                 "运营性质": _listed("社会组织运营", "公建民营", "民营", "街道自营", "委托运营",
                                 "社会组织运营", "", "公建民营", "民非", "第三方运营"),
                 AREA: _whole(8, 25, 100)}),
        Kind("rehab_care_union", "康养联合体", "康养联合体", townships=12, opened=(2020, 2025)),
        Kind("assistive_device_center", "辅具适配服务中心", "康复辅具适配服务中心", townships=4,
             opened=(2020, 2024)),
        Kind("assistive_device_cleaning_site", "辅具洗消场所", "康复辅具洗消中心", counties=1,
             opened=(2023, 2023)),
        Kind("disabled_home", "残疾人之家", "残疾人之家", townships=14, opened=(2016, 2024)),
        Kind("mental_health_facility", "精神卫生福利设施", "精神障碍社区康复服务站", townships=9,
             opened=(2020, 2025)),
    ),
    "民政与社区设施.xlsx": (
        Kind("childrens_welfare_institution", "儿童福利机构", "儿童福利院", counties=1,
             opened=(2012, 2012), cells={"床位数": _whole(6, 6, 10)}),
        Kind("child_welfare_guidance_center", "儿童福利指导中心", "儿童福利指导中心", counties=3,
             opened=(2018, 2022)),
        Kind("minor_protection_station", "未成年人保护工作站", "未成年人保护工作站", townships=13,
             opened=(2020, 2025)),
        Kind("minor_protection_center", "未成年人救助保护中心", "未成年人救助保护中心", counties=3,
             opened=(2019, 2023), cells={"是否实体化运行": _listed("是", "是", "否")}),
        Kind("relief_station", "救助管理站", "救助管理站", counties=3, opened=(2004, 2015),
             cells={"等级": _listed("二级", "三级", "")}),
        Kind("community_service_center", "社区综合服务设施", "便民服务中心", communities=0.97,
             villages=0.92, opened=(2008, 2024), cells={AREA: _whole(12, 110, 10)}),
        Kind("activity_venue", "活动场所", "文化活动室", communities=0.9, villages=0.75,
             in_estates=9, opened=(2008, 2024),
             cells={AREA: _whole(15, 60, 10), "改造时间": _years(2021, 2024, 0.3)}),
        Kind("resident_lounge", "居民会客厅", "居民会客厅", communities=0.9, villages=0.6,
             opened=(2021, 2025)),
        Kind("neighbourhood_center", "邻里中心", "邻里中心", townships=8, opened=(2015, 2024)),
        Kind("neighbourhood_hub", "邻里坊", "邻里坊", communities=0.92, opened=(2016, 2025),
             cells={"等级": _some("示范", "示范", "标准")}),
        Kind("volunteer_station", "志愿服务站点", "志愿服务站", communities=0.95, villages=0.65,
             opened=(2019, 2025)),
        Kind("social_work_studio", "社会工作室", "社会工作室", communities=0.8,
             opened=(2019, 2025)),
        Kind("social_org_party_center", "社会组织党群服务中心", "社会组织党群服务中心",
             communities=0.5, townships=10, counties=3, opened=(2018, 2025)),
        Kind("social_org_service_center", "社会组织服务中心", "社会组织服务中心", townships=14,
             opened=(2017, 2024)),
        Kind("social_org_park", "社会组织示范园区", "社会组织创新园", counties=2,
             opened=(2019, 2023)),
        Kind("cluster_service_center", "产业集群服务中心", "党群活动服务中心", in_parks=2,
             opened=(2020, 2024)),
        Kind("charity_base", "慈善基地", "慈善基地", counties=2, opened=(2019, 2023)),
        Kind("marriage_office", "婚姻登记机关", "婚姻登记处", counties=3, opened=(2003, 2010),
             cells={"等级": _listed("5A", "4A", "3A")}),
        Kind("civil_affairs_office", "民政服务站", "民政服务站", townships=15, opened=(2019, 2023)),
        Kind("culture_center", "综合文化服务中心", "综合文化服务中心", communities=0.97,
             villages=0.85, opened=(2012, 2024)),
        Kind("parent_school", "家长学校", "社区家长学校", communities=1.0, villages=0.6,
             opened=(2014, 2024)),
    ),
    "殡葬设施.xlsx": (
        Kind("funeral_assistant_team", "殡葬协理员队伍", "红白理事会", communities=0.8,
             villages=0.8, opened=(2016, 2024)),
        Kind("columbarium", "公益性骨灰堂", "骨灰堂", townships=9, opened=(2009, 2023),
             cells={"格位数": _whole(20, 90, 10), "剩余格位": _whole(3, 19, 10)}),
        Kind("cemetery", "公墓", "陵园", townships=6, opened=(1995, 2012), cells={
            "无烟祭扫管理": _listed("是", "√", "有", "否", "是", ""),
            "剩余穴位": _whole(2, 60, 10)}),
        Kind("funeral_home", "殡仪馆", "殡仪馆", counties=3, opened=(1994, 2008),
             cells={"火化设施": _listed("有", "有", "无")}),
        Kind("funeral_service_center", "殡仪服务中心", "殡仪服务中心", counties=2, in_parks=1,
             opened=(2012, 2022)),
        Kind("funeral_service_station", "殡仪服务站", "殡仪服务站", townships=11,
             opened=(2016, 2024)),
        Kind("funeral_venue", "集中治丧场所", "治丧服务中心", townships=12, opened=(2014, 2024)),
    ),
}  # fmt: skip
COUNTY_ORDER = ("澜溪区", "松堰县", "云汀县")


def _busiest(ground: Ground, units: list[int]) -> int:
    people = ground.people.official[units, 0]
    return units[int(people.argmax())]


def _sites(ground: Ground, rng: Rng, kind: Kind, drawn: Drawn) -> list[Site]:
    """Return where the facilities of a layer stand."""
    units = needing(ground).tolist()
    known = ground.units.units
    sites: list[Site] = []
    for share, what in ((kind.communities, "社区"), (kind.villages, "行政村")):
        mine = [unit for unit in units if known[unit].kind == what]
        count = round(share * len(mine))
        chosen = sorted(rng.permutation(mine)[:count].tolist())
        sites += [at(ground, rng, unit, f"{known[unit].name}{kind.ending}") for unit in chosen]
    some = range(len(PLACES)) if kind.townships <= 5 else rng.permutation(len(PLACES)).tolist()
    for index in sorted(some[: kind.townships]):
        unit = _busiest(ground, [one for one in units if known[one].township == index])
        sites.append(at(ground, rng, unit, f"{PLACES[index].name}{kind.ending}"))
    for county in COUNTY_ORDER[: kind.counties]:
        mine = [one for one in units if PLACES[known[one].township].county == county]
        sites.append(at(ground, rng, _busiest(ground, mine), f"{county}{kind.ending}"))
    for areas, count in ((drawn.estates, kind.in_estates), (drawn.parks, kind.in_parks)):
        # The newest come first: what a plan asks of new estates is met by some of them.
        for area in sorted(areas, key=lambda one: -one.built)[:count]:
            name = f"{area.name}{kind.ending}"
            sites.append(Site(area.unit, area.lon, area.lat, name))
    return sites


def make_books(ground: Ground, drawn: Drawn) -> dict[str, dict[str, Listing]]:
    """Return the sheets of each workbook, by file and by the title of the sheet.

    Each layer is drawn by itself, so that a further one changes none of the others.
    """
    books: dict[str, dict[str, Listing]] = {}
    for file, kinds in BOOKS.items():
        books[file] = {kind.sheet: _sheet(ground, kind, drawn) for kind in kinds}
    _spoil(books)
    return books


def _sheet(ground: Ground, kind: Kind, drawn: Drawn) -> Listing:
    rng = np.random.default_rng([SEED, zlib.crc32(kind.layer.encode())])
    rows: list[Row] = []
    for site in _sites(ground, rng, kind, drawn):
        unit = ground.units.units[site.unit]
        year, month = int(rng.integers(kind.opened[0], kind.opened[1] + 1)), rng.integers(1, 13)
        rows.append(
            {
                "名称": site.name,
                "所属乡镇": PLACES[unit.township].name,
                "所属村（社区）": unit.name,
                "经度": round(site.lon, 6),
                "纬度": round(site.lat, 6),
                "启用时间": f"{year}-{int(month):02d}-{int(rng.integers(1, 29)):02d}",
                **{title: make(rng, len(rows)) for title, make in kind.cells.items()},
            }
        )
        if str(rows[-1].get("改造时间", "")) <= str(rows[-1]["启用时间"]):
            rows[-1] |= {"改造时间": ""} if "改造时间" in kind.cells else {}
    return Listing(kind.sheet, rows)


def _spoil(books: dict[str, dict[str, Listing]]) -> None:
    """Join members to unions, and write a few cells wrong on purpose."""
    care, civil = books["养老服务设施.xlsx"], books["民政与社区设施.xlsx"]
    unions, stations = care["康养联合体"], care["养老驿站"].rows
    for at_row, row in enumerate(unions.rows):
        near = [one["名称"] for one in stations if one["所属乡镇"] == row["所属乡镇"]]
        row["成员单位"] = "、".join(str(name) for name in near[: 2 + at_row % 3])
    care["示范型居家养老服务中心"].spoil(
        8, "运营性质写成“见合同”", "operator of 见合同 (see the contract)", 运营性质="见合同"
    )
    civil["社区综合服务设施"].spoil(20, "建筑面积为 -1", "a floor area of -1", **{AREA: -1})
    civil["救助管理站"].spoil(2, "等级未填", "no grade", 等级="")
    books["殡葬设施.xlsx"]["公墓"].spoil(3, "无烟祭扫管理写成“部分”", "smoke-free: 部分 (in part)",
                                 无烟祭扫管理="部分")  # fmt: skip


FURTHER: dict[str, dict[str, Maker]] = {
    "养老机构.csv": {
        "运营性质": _some("公办", "公建民营", "民办", "民办非企业", "公建民营", "社会力量"),
        "康复室": _some("有", "有", "有", "无", "√", ""),
    },
    "日间照料中心.xlsx": {"改造时间": _years(2020, 2025, 0.45)},
    "节地生态安葬点.geojson": {
        "剩余穴位": _whole(1, 79, 10),
        "等级": _some("示范", "普通", "普通", "普通"),
    },
}
"""Columns that the first six lists have beside those of their kind."""


def add_columns(listing: Listing, rng: Rng) -> None:
    """Fill in the further columns of a list; a row that repeats another one repeats them too."""
    known: dict[str, Row] = {}
    for at_row, row in enumerate(listing.rows):
        name = str(row.get("机构名称") or row.get("名称") or "")
        drawn = {title: make(rng, at_row) for title, make in FURTHER[listing.file].items()}
        if str(drawn.get("改造时间", "9"))[:4] <= str(row.get("启用时间") or "")[:4]:
            drawn["改造时间"] = ""
        row.update(known.setdefault(name, drawn) if name else dict.fromkeys(drawn, ""))
    if listing.file == "养老机构.csv":
        at_row = next(at for at, row in enumerate(listing.rows)
                      if str(row["核定床位"]).isdigit() and int(str(row["核定床位"])) >= 150
                      and at not in [one for one, _, _ in listing.wrong])  # fmt: skip
        listing.spoil(at_row, "康复室写成“见附件”", "rehabilitation room of 见附件 (see annex)",
                      康复室="见附件")  # fmt: skip
