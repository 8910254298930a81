"""The staff table and the table of figures of the demo city, with a few wrong rows."""

from __future__ import annotations

import numpy as np

from demo_city.lists import Listing, Row
from demo_city.names import PLACES
from demo_city.sites import Ground, needing


def _staff(
    place: str, parent: str, role: str, count: object, *, home: str = "", date: str = "2025-06-30"
) -> Row:
    return {"单元": place, "上级": parent, "机构名称": home, "岗位": role, "人数": str(count),
            "日期": date}  # fmt: skip


def staff(ground: Ground, rng: np.random.Generator, homes: Listing) -> Listing:
    """Return who works where: by community, by township, and by care home."""
    rows: list[Row] = []
    units = ground.units.units
    for unit in needing(ground).tolist():
        if units[unit].kind != "社区":
            continue
        town = PLACES[units[unit].township].name
        people = int(ground.people.official[unit, 0])
        workers = max(4, round(people / 10_000 * rng.uniform(12.0, 24.0)))
        rows.append(_staff(units[unit].name, town, "专职社区工作者", workers))
        rows.append(_staff(units[unit].name, town, "持证社会工作者", int(rng.integers(0, 5))))
    for index, place in enumerate(PLACES):
        mine = np.array([unit.township == index for unit in units])
        people = int(ground.people.official[mine, 0].sum())
        social = round(people / 1000 * rng.uniform(0.5, 1.6))
        rows.append(_staff(place.name, place.county, "社会工作者", social))
        rows.append(_staff(place.name, place.county, "民政经办人员", int(rng.integers(2, 6))))
    for row in homes.rows[:-2]:
        name, beds = str(row["机构名称"]), str(row["核定床位"])
        if beds.isdigit() and name[0] not in "<=":
            count = round(int(beds) * rng.uniform(0.02, 0.07))
            rows.append(_staff("", "", "持证养老护理员", count, home=name))
    made = Listing("民政人员.csv", rows)
    made.spoil(3, "人数写成“若干”", "a number of 若干 (some)", 人数="若干")
    rows.append(_staff("乌有社区", "", "专职社区工作者", 6))
    made.wrong.append((len(rows) - 1, "单元不存在", "a unit that does not exist"))
    rows.append({**rows[0], "人数": "3", "日期": "2023-06-30"})
    made.wrong.append((len(rows) - 1, "早先的人数", "a number of before"))
    return made


def statistics(ground: Ground, rng: np.random.Generator) -> Listing:
    """Return figures of townships and of the whole city."""
    rows: list[Row] = []
    units = ground.units.units
    for index, place in enumerate(PLACES):
        mine = np.array([unit.township == index for unit in units])
        people = int(ground.people.official[mine, 0].sum())
        patients = max(3, round(people / 1000 * rng.uniform(2.2, 4.2)))
        served = round(patients * rng.uniform(0.35, 0.8))
        for name, value in (("居家患者", patients), ("接受服务的患者", served)):
            rows.append({"单元": place.name, "指标": name, "数值": str(value), "日期": "2025年6月"})
    deaths = round(int(ground.people.official[:, 0].sum()) * 0.0072 * 0.86)
    rows.append({"单元": "全市", "指标": "年安葬需求", "数值": str(deaths), "日期": "2025年"})
    rows.append({"单元": "全市", "指标": "年安葬需求", "数值": str(deaths - 60), "日期": "2023年"})
    made = Listing("统计.csv", rows)
    made.wrong.append((len(rows) - 1, "早先的数值", "a figure of before"))
    made.spoil(9, "数值写成“待统计”", "a figure of 待统计 (to be counted)", 数值="待统计")
    return made
