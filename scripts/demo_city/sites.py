"""Where facilities stand: on the streets of chosen units, in true coordinates."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from demo_city.frame import Floats, Ints, cell_of, to_lonlat
from demo_city.names import LUCKY, PLACES
from demo_city.people import People
from demo_city.roads import Roads
from demo_city.units import Units


@dataclass(frozen=True)
class Site:
    """One facility: its unit, its place in WGS84, its name."""

    unit: int
    lon: float
    lat: float
    name: str


@dataclass(frozen=True)
class Ground:
    """What sites are chosen from: places along streets with the people around each."""

    units: Units
    people: People
    xy: Floats
    unit: Ints
    weight: Floats


def make_ground(units: Units, people: People, roads: Roads) -> Ground:
    """Return the places that facilities may stand at."""
    cell = cell_of(roads.xy)
    weight = people.population.ravel()[cell]
    unit = people.cell_unit.ravel()[cell]
    lived = (weight > 1.0) & (unit >= 0)
    return Ground(units, people, roads.xy[lived], unit[lived], weight[lived])


def at(ground: Ground, rng: np.random.Generator, unit: int, name: str) -> Site:
    """Put a facility beside a street of a unit, rather where many people live."""
    mine = np.flatnonzero(ground.unit == unit)
    weight = ground.weight[mine] / ground.weight[mine].sum()
    spot = ground.xy[int(rng.choice(mine, p=weight))] + rng.normal(0.0, 18.0, 2)
    lon, lat = to_lonlat(spot[None])[0]
    return Site(unit, float(lon), float(lat), name)


def needing(ground: Ground) -> Ints:
    """Return the units that should have facilities and have people."""
    kinds = [unit.kind in ("社区", "行政村") for unit in ground.units.units]
    found = [i for i, ok in enumerate(kinds) if ok and (ground.unit == i).any()]
    return np.array(found)


def by_township(
    ground: Ground, rng: np.random.Generator, quota: dict[str, int], endings: tuple[str, ...]
) -> list[Site]:
    """Put so many sites into each township, where people are and apart from each other."""
    sites: list[Site] = []
    words = [str(word) for word in rng.permutation(LUCKY)]
    units = needing(ground)
    people = ground.people.official[:, 0].astype(float)
    for index, place in enumerate(PLACES):
        mine = [int(u) for u in units if ground.units.units[u].township == index]
        free = np.array(mine)
        for turn in range(quota.get(place.name, 0)):
            if not len(free):
                free = np.array(mine)
            unit = int(rng.choice(free, p=people[free] / people[free].sum()))
            free = free[free != unit]
            word = words[(3 * len(sites) + turn) % len(words)]
            short = place.name.removesuffix("街道").removesuffix("镇").removesuffix("乡")
            ending = endings[int(rng.integers(len(endings)))]
            sites.append(at(ground, rng, unit, f"{short}{word}{ending}"))
    return _distinct(sites)


def by_unit(
    ground: Ground,
    rng: np.random.Generator,
    count: int,
    ending: str,
    *,
    urban_first: float,
    without: tuple[str, ...] = (),
) -> list[Site]:
    """Put one site into each of so many units; populous ones come first with a given force."""
    units = needing(ground)
    named = [PLACES[ground.units.units[u].township].name for u in units]
    units = units[[name not in without for name in named]]
    people = ground.people.official[units, 0].astype(float)
    order = np.argsort(rng.exponential(size=len(units)) / people**urban_first, kind="stable")
    chosen = np.sort(units[order[:count]])
    sites = []
    for unit in chosen.tolist():
        name = ground.units.units[unit].name
        sites.append(at(ground, rng, unit, f"{name}{ending}"))
    return _distinct(sites)


def on_slopes(ground: Ground, rng: np.random.Generator, count: int) -> list[Site]:
    """Put burial sites on the edge of chosen villages, apart from each other."""
    units = needing(ground)
    units = np.array([u for u in units if ground.units.units[u].kind == "行政村"])
    seeds = np.array([ground.units.units[u].seed for u in units])
    taken: list[int] = []
    for index in rng.permutation(len(units)).tolist():
        near = np.hypot(*(seeds[taken] - seeds[index]).T) if taken else np.array([1e9])
        if len(taken) < count and near.min() > 2600.0:
            taken.append(index)
    words = [str(word) for word in rng.permutation(list(LUCKY))]
    sites = []
    for rank, index in enumerate(sorted(taken)):
        unit = int(units[index])
        mine = np.flatnonzero(ground.unit == unit)
        away = np.hypot(*(ground.xy[mine] - seeds[index]).T)
        spot = ground.xy[mine[away.argmax()]] + rng.normal(0.0, 60.0, 2)
        lon, lat = to_lonlat(spot[None])[0]
        base = ground.units.units[unit].name.removesuffix("村")
        word = words[rank % len(words)]
        sites.append(Site(unit, float(lon), float(lat), f"{base}{word}生态安葬园"))
    return sites


def served(ground: Ground, rng: np.random.Generator, sites: list[Site]) -> list[list[int]]:
    """Return the units each burial site is assigned: near ones of its township, some of none."""
    units = needing(ground)
    seeds = np.array([item.seed for item in ground.units.units])
    result: list[list[int]] = [[site.unit] for site in sites]
    tree = cKDTree(seeds[[site.unit for site in sites]])
    for unit in units.tolist():
        away, nearest = tree.query(seeds[unit])
        site = sites[int(nearest)]
        same = ground.units.units[unit].township == ground.units.units[site.unit].township
        near = away < 5500.0
        if same and near and unit not in result[int(nearest)] and rng.random() < 0.9:
            result[int(nearest)].append(unit)
    return [sorted(group) for group in result]


def _distinct(sites: list[Site]) -> list[Site]:
    seen: dict[str, int] = {}
    result = []
    for site in sites:
        seen[site.name] = seen.get(site.name, 0) + 1
        repeat = seen[site.name]
        name = site.name if repeat == 1 else f"{site.name}（{'一二三四五六'[repeat - 1]}部）"
        result.append(replace(site, name=name))
    return result
