"""Units that no administration has: residential estates, big communities, industrial parks."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from demo_city.frame import Floats, from_km, to_lonlat
from demo_city.names import COUNTY_SEATS, PLACES
from demo_city.sites import Ground, Site, needing

ESTATE_WORDS = (
    *("锦绣", "阳光", "翠苑", "春晓", "雅居", "和园", "澜庭", "江畔", "书香", "金桥"),
    *("紫荆", "望江", "云栖", "青云", "静安", "长乐", "绿洲", "星辰", "海棠", "梧桐"),
    *("东篱", "映月", "晴川", "听雨", "芳草", "鹿鸣", "清和", "南薰", "北辰", "西溪"),
)
ESTATE_ENDINGS = ("花园", "小区", "新村", "苑", "家园")
PARKS = (("澜溪经济开发区", "青枫街道", (12.4, 14.4)), ("云汀工业园区", "汀口镇", (28.6, 19.9)),
         ("松堰工业园区", "堰头镇", (8.2, 10.5)))  # fmt: skip


@dataclass(frozen=True)
class Area:
    """One drawn unit: its name, its shape in longitude and latitude, what stands in its list."""

    name: str
    shape: shapely.Polygon
    unit: int
    """The village-level unit it lies in."""
    lon: float
    lat: float
    built: int = 0
    households: int = 0
    floor_area: int = 0


@dataclass(frozen=True)
class Drawn:
    """All drawn units of the city."""

    estates: list[Area]
    parks: list[Area]
    big_communities: list[tuple[str, shapely.Geometry]]


def _box(middle: Floats, wide: float, high: float, turned: float) -> Floats:
    corners = np.array([(-wide, -high), (wide, -high), (wide, high), (-wide, high)]) / 2.0
    turn = np.array([(np.cos(turned), np.sin(turned)), (-np.sin(turned), np.cos(turned))])
    return np.asarray(middle + corners @ turn)


def _rounded(shape: shapely.Geometry) -> shapely.Polygon:
    """Return the largest part of a shape, its corners rounded to about a centimetre."""
    parts = shapely.get_parts(shape)
    largest = parts[int(shapely.area(parts).argmax())]
    return shapely.Polygon(np.round(shapely.get_coordinates(largest.exterior), 7))


def _estates(ground: Ground, rng: np.random.Generator, centres: list[Site]) -> list[Area]:
    """Draw estates in communities: some around a day-care centre, others where people live."""
    units = ground.units.units
    communities = [unit for unit in needing(ground).tolist() if units[unit].kind == "社区"]
    words = [str(word) for word in rng.permutation(ESTATE_WORDS)]
    areas: list[Area] = []
    taken: list[shapely.Polygon] = []
    degrees = np.array([(site.lon, site.lat) for site in centres])
    of_unit = np.array([site.unit for site in centres])
    for turn, unit in enumerate([*communities, *communities]):
        mine = np.flatnonzero(ground.unit == unit)
        weight = ground.weight[mine] / ground.weight[mine].sum()
        middle = ground.xy[int(rng.choice(mine, p=weight))]
        turned, wide, high = rng.uniform(0.0, 1.5), rng.uniform(170.0, 300.0), 0.0
        high = wide * rng.uniform(0.6, 1.0)
        here = degrees[of_unit == unit]
        corners = to_lonlat(_box(middle, wide, high, turned))
        if turn < len(communities) and len(here) and rng.random() < 0.7:
            corners = corners - to_lonlat(middle[None])[0] + here[0]
        shape = shapely.intersection(shapely.Polygon(corners), ground.units.shapes[unit])
        if shape.is_empty or shape.area < 2e-6:
            continue
        shape = _rounded(shape)
        if any(shape.intersects(other) for other in taken):
            continue
        taken.append(shape)
        lon, lat = shapely.get_coordinates(shape.representative_point())[0].tolist()
        # A square degree is about 1.07e10 m² here.
        floor = round(shape.area * 1.07e10 * rng.uniform(1.1, 2.2), -2)
        old = rng.random() < 0.65
        built = int(rng.integers(1986, 2016) if old else rng.integers(2019, 2025))
        name = f"{words[len(areas) % len(words)]}{ESTATE_ENDINGS[len(areas) // len(words)]}"
        households = round(floor / rng.uniform(92.0, 118.0))
        areas.append(
            Area(name, shape, unit, lon, lat, built=built, households=households,
                 floor_area=int(floor))
        )  # fmt: skip
    return areas


def _parks(ground: Ground) -> list[Area]:
    """Draw industrial parks as ovals."""
    areas = []
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    for number, (name, town, seat) in enumerate(PARKS):
        middle = from_km([seat])[0]
        oval = middle + np.column_stack([780.0 * np.cos(angle), 520.0 * np.sin(angle)])
        shape = shapely.Polygon(to_lonlat(oval))
        lon, lat = to_lonlat(middle[None])[0].tolist()
        place = next(index for index, one in enumerate(PLACES) if one.name == town)
        unit = int(ground.units.at(middle[None])[0])
        assert ground.units.units[unit].township == place, name
        areas.append(Area(name, shape, unit, lon, lat, built=2010 + number))
    return areas


def _big_communities(ground: Ground) -> list[tuple[str, shapely.Geometry]]:
    """Dissolve about three communities of a township each."""
    units = ground.units.units
    found: list[tuple[str, shapely.Geometry]] = []
    for index, place in enumerate(PLACES):
        if place.kind != "街道" and place.name not in COUNTY_SEATS:
            continue
        mine = [
            at for at, unit in enumerate(units) if (unit.township, unit.kind) == (index, "社区")
        ]
        middle = from_km([place.seat])[0]
        away = np.array([units[at].seed for at in mine]) - middle
        around = [mine[at] for at in np.argsort(np.arctan2(away[:, 1], away[:, 0])).tolist()]
        for first in range(0, len(around), 3):
            group = around[first : first + 3]
            shape = shapely.coverage_union_all([ground.units.shapes[at] for at in group])
            base = units[group[0]].name.removesuffix("社区")
            found.append((f"{base}大社区", shape))
    return found


def make_drawn(ground: Ground, rng: np.random.Generator, centres: list[Site]) -> Drawn:
    """Return the drawn units; ``centres`` are the day-care centres that some estates have."""
    return Drawn(
        estates=_estates(ground, rng, centres),
        parks=_parks(ground),
        big_communities=_big_communities(ground),
    )
