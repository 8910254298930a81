"""Names, all invented, and the list of townships with their seats."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """A township: name, county, kind, seat in km from the frame's corner."""

    name: str
    county: str
    kind: str
    seat: tuple[float, float]


CITY = "示例市"
COUNTIES = {"澜溪区": "339902", "松堰县": "339921", "云汀县": "339922"}
PLACES = (
    Place("望澜街道", "澜溪区", "街道", (17.6, 15.9)),
    Place("青枫街道", "澜溪区", "街道", (15.0, 15.0)),
    Place("鹤汀街道", "澜溪区", "街道", (20.2, 17.6)),
    Place("塔前街道", "澜溪区", "街道", (16.6, 17.9)),
    Place("南渚街道", "澜溪区", "街道", (18.4, 13.5)),
    Place("柘坪镇", "澜溪区", "镇", (12.3, 21.2)),
    Place("堰头镇", "松堰县", "镇", (7.2, 11.4)),
    Place("双栗镇", "松堰县", "镇", (13.3, 6.6)),
    Place("莲墩镇", "松堰县", "镇", (5.0, 16.9)),
    Place("上箬乡", "松堰县", "乡", (9.6, 6.9)),
    Place("石笏乡", "松堰县", "乡", (4.3, 21.6)),
    Place("汀口镇", "云汀县", "镇", (27.4, 20.9)),
    Place("白鹇镇", "云汀县", "镇", (23.4, 11.3)),
    Place("沙棠镇", "云汀县", "镇", (29.6, 24.9)),
    Place("檀溪乡", "云汀县", "乡", (27.6, 8.8)),
    Place("高樟乡", "云汀县", "乡", (20.7, 25.4)),
)
COUNTY_SEATS = ("堰头镇", "汀口镇")

BEFORE = "上下前后里外东西大小新古"
MIDDLE = "箬栗樟枫檀柘葛蓼芦荻苎茭棠榧槠竺翁童郏麻蓝雷严余祝璩鹁鹧獐麂砚磬笏箸簟"
AFTER = ("坞", "畈", "塘", "垅", "坪", "源", "岭", "湾", "埠", "坑", "宅", "溪", "墩", "碶",
         "滩", "垟", "甽", "岙", "桥头", "山底", "店")  # fmt: skip
STREETS = ("文塔", "解甲", "学士", "钟楼", "府前", "浮石", "栗园", "柳岸", "东渡", "棠梨", "鹤鸣",
           "北滨", "南滨", "澜江", "青檀", "长碶", "仓桥", "县学", "朱雀", "茶亭", "麦巷", "砚池",
           "丁香", "银杏", "五云", "望湖", "白露", "听涛", "云锦", "松风", "金桂", "兰亭里", "桑园",
           "曲水", "明月", "石榴", "清晏", "半塘")  # fmt: skip
LUCKY = ("福寿", "怡康", "颐年", "松鹤", "康宁", "夕阳红", "和乐", "安颐", "长春", "静养", "百龄",
         "瑞康", "仁济", "椿萱", "孝和", "鹤龄", "慈安", "金秋", "乐龄", "同心")  # fmt: skip


def village_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return distinct invented village names without their ending 村."""
    names: dict[str, None] = {}
    while len(names) < count:
        middle = str(rng.choice(list(MIDDLE)))
        after = str(rng.choice(AFTER))
        before = str(rng.choice(list(BEFORE))) if rng.random() < 0.5 else ""
        name = before + middle + after
        if len(name) <= 3:
            names[name] = None
    return list(names)


def community_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return distinct invented community names without their ending 社区."""
    return [str(name) for name in rng.permutation(list(STREETS))[:count]]
