"""The six facility lists as offices keep them, each with its own kind of wrong rows."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from demo_city.names import PLACES
from demo_city.sites import Ground, Site, by_township, by_unit, on_slopes, served
from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02

Cell = str | float | int | None
Row = dict[str, Cell]

CARE = {"望澜街道": 4, "青枫街道": 4, "鹤汀街道": 4, "塔前街道": 3, "南渚街道": 4, "柘坪镇": 2,
        "堰头镇": 5, "双栗镇": 3, "莲墩镇": 2, "上箬乡": 1, "汀口镇": 5, "白鹇镇": 3, "沙棠镇": 2,
        "檀溪乡": 1}  # fmt: skip
CANTEENS = {"望澜街道": 7, "青枫街道": 6, "鹤汀街道": 6, "塔前街道": 5, "南渚街道": 6, "柘坪镇": 4,
            "堰头镇": 6, "双栗镇": 3, "莲墩镇": 2, "汀口镇": 7, "白鹇镇": 3, "沙棠镇": 2,
            "高樟乡": 2}  # fmt: skip
NO_STATION = ("石笏乡", "檀溪乡")
FAR = (104.0657, 30.6595)
"""A place in another province."""


@dataclass(frozen=True)
class Wrong:
    """A row that is wrong on purpose: where it stands and what is wrong with it."""

    row: int
    zh: str
    en: str


@dataclass
class Listing:
    """One facility list: rows under their titles, and the wrong ones by their position."""

    file: str
    rows: list[Row]
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    """Position in ``rows``, what is wrong in Chinese and in English."""
    sites: list[Site] = field(default_factory=list)

    def spoil(self, at: int, zh: str, en: str, **cells: Cell) -> None:
        """Change cells of a row and note why."""
        self.rows[at].update(cells)
        self.wrong.append((at, zh, en))

    def numbered(self, first: int) -> list[Wrong]:
        """Return the wrong rows with the number they have in the file."""
        return [Wrong(at + first, zh, en) for at, zh, en in sorted(self.wrong)]


def _shift(sites: list[Site], datum: str) -> list[tuple[float, float]]:
    lon = np.array([site.lon for site in sites])
    lat = np.array([site.lat for site in sites])
    if datum == "gcj02":
        lon, lat = wgs84_to_gcj02(lon, lat)
    elif datum == "bd09":
        lon, lat = wgs84_to_bd09(lon, lat)
    return [(round(float(x), 6), round(float(y), 6)) for x, y in zip(lon, lat, strict=True)]


def _where(ground: Ground, site: Site) -> tuple[str, str, str]:
    """Return county, township and village names of a site."""
    unit = ground.units.units[site.unit]
    place = PLACES[unit.township]
    return place.county, place.name, unit.name


def _day(rng: np.random.Generator, first: int, last: int) -> tuple[int, int, int]:
    return int(rng.integers(first, last + 1)), int(rng.integers(1, 13)), int(rng.integers(1, 29))


def care_homes(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the care homes: GCJ-02, beds of three kinds, most sorts of wrong rows."""
    endings = ("养老院", "敬老院", "养护院", "老年公寓", "护养中心")
    sites = by_township(ground, rng, CARE, endings)
    rows: list[Row] = []
    shapes = ("{0}-{1:02d}-{2:02d}", "{0}年{1}月", "{0}.{1}.{2}", "{0}/{1}/{2}")
    for site, (lon, lat) in zip(sites, _shift(sites, "gcj02"), strict=True):
        county, town, village = _where(ground, site)
        beds = int(rng.choice([36, 48, 60, 80, 98, 120, 150, 200, 260]))
        nursing = int(beds * rng.uniform(0.35, 0.8))
        dementia = int(rng.choice([0, 0, 0, 10, 12, 18]))
        shape = shapes[int(rng.integers(len(shapes)))]
        area = beds * rng.uniform(28.0, 42.0)
        rows.append(
            {
                "序号": len(rows) + 1,
                "机构名称": site.name,
                "所属区县": county,
                "所属乡镇": town,
                "地址": f"{county}{town}{village}{int(rng.integers(1, 200))}号",
                "经度": f"{lon:.6f}",
                "纬度": f"{lat:.6f}",
                "核定床位": str(beds),
                "护理型床位": str(nursing),
                "认知障碍床位": str(dementia),
                "等级": str(rng.choice(["五级", "四级", "三级", "三级", "二级", "未评定"])),
                "成立日期": shape.format(*_day(rng, 1998, 2024)),
                "建筑面积（㎡）": f"{area:,.0f}",
                "运营状态": "正常运营",
                "备注": "",
            }
        )
    made = Listing("养老机构.csv", rows)
    made.spoil(2, "坐标缺失", "no coordinates", 经度="", 纬度="")
    made.spoil(5, "经度与纬度填反", "longitude and latitude swapped",
               经度=rows[5]["纬度"], 纬度=rows[5]["经度"])  # fmt: skip
    made.spoil(9, "坐标在外省", "a place in another province",
               经度=f"{FAR[0]:.6f}", 纬度=f"{FAR[1]:.6f}")  # fmt: skip
    made.spoil(13, "床位为负数 -5", "beds of -5", 核定床位="-5")
    made.spoil(17, "床位不是数字 abc", "beds of abc", 核定床位="abc")
    made.spoil(20, "已停业", "closed", 运营状态="已停业", 备注="2023年6月停业")
    made.spoil(24, "2027 年才开业", "opens in 2027", 成立日期="2027-03-01", 运营状态="筹建")
    made.spoil(28, "名称含标记语言", "a name with markup", 机构名称='<b>"福寿"</b> & 院')
    made.spoil(32, "名称像公式", "a name like a formula", 机构名称="=1+1")
    rows.append(dict(rows[36], 序号=len(rows) + 1))
    made.wrong.append((len(rows) - 1, "与前面一行重复", "repeats an earlier row"))
    total: Row = {**dict.fromkeys(rows[0], ""), "序号": "合计", "核定床位": "4,876"}
    rows.append(total)
    made.wrong.append((len(rows) - 1, "合计行", "a row of totals"))
    return made


def day_centres(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the day-care centres: BD-09; titles are (upper line, lower line)."""
    sites = by_unit(ground, rng, 69, "居家养老服务照料中心", urban_first=0.9)
    rows: list[Row] = []
    for site, (lon, lat) in zip(sites, _shift(sites, "bd09"), strict=True):
        _, town, village = _where(ground, site)
        year, month, _ = _day(rng, 2012, 2025)
        rows.append(
            {
                "序号": len(rows) + 1,
                "所属乡镇（街道）": town,
                "所属村（社区）": village,
                "名称": site.name,
                "经度": lon,
                "纬度": lat,
                "床位数（张）": int(rng.choice([5, 8, 10, 12, 15, 20])),
                "建筑面积（㎡）": int(rng.integers(120, 900)),
                "等级": str(rng.choice(["5A", "4A", "3A", "3A", "2A", "1A", ""])),
                "启用时间": f"{year}年{month}月",
                "运营状态": "运营中",
            }
        )
    made = Listing("日间照料中心.xlsx", rows, sites=list(sites))
    made.spoil(6, "坐标缺失", "no coordinates", 经度=None, 纬度=None)
    made.spoil(15, "床位不是数字“约20”", "beds of 约20 (about 20)", **{"床位数（张）": "约20"})
    made.spoil(23, "没有启用时间", "no opening date", 启用时间=None)
    made.spoil(31, "所属村不存在", "a village that does not exist", **{"所属村（社区）": "乌有村"})
    other = next(p.name for p in PLACES if p.name != rows[40]["所属乡镇（街道）"])
    made.spoil(40, "所填乡镇与坐标不符", "lies in another township than stated",
               **{"所属乡镇（街道）": other})  # fmt: skip
    made.spoil(52, "已关停", "closed", 运营状态="已关停")
    rows.append(dict(rows[45], 序号=len(rows) + 1))
    made.wrong.append((len(rows) - 1, "与前面一行重复", "repeats an earlier row"))
    total: Row = {**dict.fromkeys(rows[0], None), "序号": "合计", "床位数（张）": 755}
    rows.append(total)
    made.wrong.append((len(rows) - 1, "合计行", "a row of totals"))
    return made


def childrens_homes(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the children's homes: CGCS2000, by village code, some without coordinates."""
    sites = by_unit(ground, rng, 109, "儿童之家", urban_first=0.3, without=("沙棠镇",))
    rows: list[Row] = []
    for site in sites:
        unit = ground.units.units[site.unit]
        year, month, day = _day(rng, 2016, 2025)
        rows.append(
            {
                "编号": f"ET{len(rows) + 1:03d}",
                "名称": site.name,
                "村级代码": unit.code,
                "村（社区）": unit.name,
                "经度": round(site.lon, 6),
                "纬度": round(site.lat, 6),
                "建筑面积": int(rng.integers(25, 160)),
                "等级": str(rng.choice(["示范型", "标准型", "标准型", "基础型"])),
                "建成时间": f"{year}-{month:02d}-{day:02d}",
            }
        )
    made = Listing("儿童之家.xlsx", rows)
    for at in (4, 19, 33, 47, 58, 71, 84, 96):
        made.spoil(at, "只有所属村，没有坐标", "a village but no coordinates", 经度=None, 纬度=None)
    made.spoil(11, "代码存成了数字", "a code kept as a number",
               村级代码=int(str(rows[11]["村级代码"])))  # fmt: skip
    made.spoil(26, "代码查无此村（已并村）", "a code of no village (merged)",
               村级代码="339921100299", **{"村（社区）": "旧塘村"})  # fmt: skip
    made.spoil(40, "经度与纬度填反", "longitude and latitude swapped",
               经度=rows[40]["纬度"], 纬度=rows[40]["经度"])  # fmt: skip
    made.spoil(63, "2027 年才建成", "opens in 2027", 建成时间="2027-09-01")
    rows.append(dict(rows[77], 编号=f"ET{len(rows) + 1:03d}"))
    made.wrong.append((len(rows) - 1, "与前面一行重复", "repeats an earlier row"))
    return made


def stations(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the social-work stations: one a township, the place in one cell, WGS84."""
    quota = {place.name: 1 for place in PLACES if place.name not in NO_STATION}
    sites = by_township(ground, rng, quota, ("",))
    rows: list[Row] = []
    for site in sites:
        _, town, _ = _where(ground, site)
        year, month, day = _day(rng, 2020, 2024)
        rows.append(
            {
                "站点名称": f"{town}社会工作站",
                "所属乡镇": town,
                "lng,lat": f"{site.lon:.6f},{site.lat:.6f}",
                "建成时间": f"{year}-{month:02d}-{day:02d}",
                "联系电话": f"0000-{int(rng.integers(2000000, 8999999))}",
            }
        )
    made = Listing("社工站.csv", rows)
    made.spoil(3, "坐标用全角逗号（应能读）", "a full-width comma (to be read all the same)",
               **{"lng,lat": str(rows[3]["lng,lat"]).replace(",", "，")})  # fmt: skip
    made.spoil(9, "坐标写“暂无”", "暂无 (none yet) for a place", **{"lng,lat": "暂无"})
    return made


def burial_sites(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the burial sites: BD-09, with the villages each is assigned, by name or by code."""
    sites = on_slopes(ground, rng, 30)
    groups = served(ground, rng, sites)
    names = [unit.name for unit in ground.units.units]
    rows: list[Row] = []
    places = _shift(sites, "bd09")
    for site, place, group in zip(sites, places, groups, strict=True):
        units = [ground.units.units[index] for index in group]
        by_code = rng.random() < 0.3
        words = [u.code if by_code or names.count(u.name) > 1 else u.name for u in units]
        _, town, _ = _where(ground, site)
        year, month, day = _day(rng, 2008, 2024)
        rows.append(
            {
                "lon": place[0],
                "lat": place[1],
                "名称": site.name,
                "所属乡镇": town,
                "服务村居": ("；" if rng.random() < 0.7 else ";").join(words),
                "穴位数": int(rng.integers(8, 120)) * 10,
                "启用时间": f"{year}-{month:02d}-{day:02d}",
                "状态": "在用",
            }
        )
    made = Listing("节地生态安葬点.geojson", rows)
    made.spoil(4, "没有位置", "no place", lon=None, lat=None)
    made.spoil(10, "服务的村不存在", "serves a village that does not exist",
               服务村居=f"{rows[10]['服务村居']}；乌有村")  # fmt: skip
    made.spoil(16, "坐标在外省", "a place in another province", lon=FAR[0], lat=FAR[1])
    made.spoil(22, "已停用", "closed", 状态="已停用")
    return made


def canteens(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return the canteens: GCJ-02, which the project leaves to be found out."""
    sites = by_township(ground, rng, CANTEENS, ("老年食堂", "助餐点", "幸福食堂", "邻里食堂"))
    rows: list[Row] = []
    for site, (lon, lat) in zip(sites, _shift(sites, "gcj02"), strict=True):
        _, town, village = _where(ground, site)
        year, month, day = _day(rng, 2018, 2025)
        rows.append(
            {
                "食堂名称": site.name,
                "所属乡镇": town,
                "所属村（社区）": village,
                "经度": f"{lon:.6f}",
                "纬度": f"{lat:.6f}",
                "餐位": str(int(rng.integers(12, 100))),
                "开业时间": f"{year}-{month:02d}-{day:02d}",
                "营业状态": "正常营业",
            }
        )
    made = Listing("老年食堂.csv", rows)
    made.spoil(8, "坐标为 0,0", "a place of 0, 0", 经度="0", 纬度="0")
    made.spoil(21, "名称含脚本", "a name with a script",
               食堂名称="<script>alert(1)</script>食堂`${1}`")  # fmt: skip
    made.spoil(33, "餐位为“—”（即未填）", "seats of — (that is, none given)", 餐位="—")
    made.spoil(44, "暂停运营", "closed for the time being", 营业状态="暂停运营")
    rows.append(dict(rows[50]))
    made.wrong.append((len(rows) - 1, "与前面一行重复", "repeats an earlier row"))
    return made
