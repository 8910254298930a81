"""Who lives where: a 100 m raster, and the official numbers, of which the raster falls short."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from demo_city.frame import (
    CELL_M,
    COLUMNS,
    ROWS,
    Bools,
    Floats,
    Ints,
    cell_of,
    centres,
    sample,
    smooth_noise,
)
from demo_city.land import Land
from demo_city.names import COUNTY_SEATS, PLACES
from demo_city.net import Net
from demo_city.roads import Roads
from demo_city.town import Town
from demo_city.units import Units

PEOPLE = 300_000.0
ELDERLY = 70_000.0
RASTER_SHARE = 0.91
"""What the raster holds of the official totals: its known fault."""
ISLANDERS = 120.0
FARMSTEADS = 190
TOWN_SHARE = 0.42
NEGLIGIBLE = 0.3


@dataclass(frozen=True)
class People:
    """The raster, row 0 in the south, and official numbers of each unit."""

    population: Floats
    elderly: Floats
    inside: Bools
    cell_unit: Ints
    official: Ints
    """Population, elderly and households of each village-level unit, (n, 3)."""


def _deposit(xy: Floats, weight: Floats) -> Floats:
    flat = np.bincount(cell_of(xy), weights=weight, minlength=ROWS * COLUMNS)
    return np.asarray(flat.reshape(ROWS, COLUMNS))


def _density(
    rng: np.random.Generator, land: Land, roads: Roads, *, inside: Bools, on_island: Bools
) -> Floats:
    """Return people per cell along the roads."""
    uneven = roads.weight * rng.gamma(4.0, 0.25, len(roads.weight))
    parts = []
    for chosen, total, blur in (
        (roads.in_town, TOWN_SHARE, 0.7),
        (~roads.in_town, 1.0 - TOWN_SHARE, 0.55),
    ):
        grid = gaussian_filter(_deposit(roads.xy[chosen], uneven[chosen]), blur, truncate=2.0)
        grid[land.water | ~inside | on_island] = 0.0
        parts.append(grid * (total * PEOPLE / grid.sum()))
    return np.asarray(parts[0] + parts[1])


def _remote(
    rng: np.random.Generator, land: Land, net: Net, *, inside: Bools, density: Floats
) -> None:
    """Put farmsteads on the hills, some of them far from any road."""
    used = np.unique(np.array(list(net.edges)))
    cells = centres()
    away = cKDTree(net.points()[used]).query(cells)[0].reshape(ROWS, COLUMNS)
    lone = inside & ~land.water & (away > 150.0) & (away < 1400.0)
    lone &= land.elevation < 480.0
    lone &= ~shapely.contains_xy(land.lake.buffer(150.0), *cells.T).reshape(ROWS, COLUMNS)
    spots = rng.permutation(np.flatnonzero(lone))[:FARMSTEADS]
    density.ravel()[spots] += rng.gamma(3.0, 1.6, len(spots))


def _share(rng: np.random.Generator, town: Town, units: Units, land: Land) -> Floats:
    """Return the share of elderly in each unit: low in the town, high in the hills."""
    result = []
    for unit in units.units:
        suburb = float(shapely.distance(town.outline, shapely.Point(unit.seed)))
        height = float(sample(land.elevation, np.array([unit.seed]))[0])
        if suburb == 0.0:
            share = 0.165
        elif unit.kind == "社区":
            share = 0.20 if PLACES[unit.township].name in COUNTY_SEATS else 0.225
        else:
            share = 0.24 + 0.05 * min(suburb / 8000.0, 1.0) + 0.0003 * min(height - 65.0, 250.0)
        result.append(share * rng.uniform(0.93, 1.07))
    return np.array(result)


def _whole_numbers(values: Floats, total: int) -> Ints:
    """Round to whole numbers that add up to a total, by largest remainder."""
    floor = np.floor(values).astype(np.int64)
    order = np.argsort(floor - values, kind="stable")
    floor[order[: total - int(floor.sum())]] += 1
    return floor


def _official(rng: np.random.Generator, units: Units, population: Floats, elderly: Floats) -> Ints:
    """Return official numbers: each township's raster falls short, all of them by 9 % together."""
    township = np.array([unit.township for unit in units.units])
    short = rng.uniform(0.885, 0.935, len(PLACES))
    result = np.zeros((len(units.units), 3), dtype=np.int64)
    for column, raster in enumerate((population, elderly)):
        sums = np.bincount(township, weights=raster, minlength=len(PLACES)) / short
        sums *= raster.sum() / RASTER_SHARE / sums.sum()
        totals = _whole_numbers(sums, round(raster.sum() / RASTER_SHARE))
        for index in range(len(PLACES)):
            mine = np.flatnonzero(township == index)
            uneven = raster[mine] * rng.uniform(0.95, 1.05, len(mine))
            scaled = uneven * (totals[index] / uneven.sum())
            result[mine, column] = _whole_numbers(scaled, int(totals[index]))
    result[:, 2] = np.round(result[:, 0] / rng.uniform(2.35, 2.75, len(result))).astype(np.int64)
    return result


def make_people(
    rng: np.random.Generator, land: Land, town: Town, units: Units, roads: Roads
) -> People:
    """Settle the city."""
    cells = centres()
    unit = units.at(cells).reshape(ROWS, COLUMNS)
    inside = unit >= 0
    on_island = shapely.contains_xy(land.island, *cells.T).reshape(ROWS, COLUMNS)
    density = _density(rng, land, roads, inside=inside, on_island=on_island)
    _remote(rng, land, town.net, inside=inside, density=density)
    reservoir = next(i for i, item in enumerate(units.units) if item.kind == "水库")
    density[unit == reservoir] = 0.0
    density[density < NEGLIGIBLE] = 0.0
    homes = _deposit(roads.island, np.ones(len(roads.island)))
    homes[~on_island] = 0.0
    density *= (PEOPLE - ISLANDERS) / density.sum()
    population = np.round(density + homes * (ISLANDERS / homes.sum()), 2)
    share = _share(rng, town, units, land)[np.maximum(unit, 0)]
    share = share * np.clip(1.0 + 0.12 * smooth_noise(rng, sigma=2.5), 0.6, 1.4)
    elderly = population * share
    elderly = np.round(np.minimum(elderly * (ELDERLY / elderly.sum()), 0.75 * population), 2)
    count = len(units.units)
    sums = [
        np.bincount(unit[inside], weights=grid[inside], minlength=count).astype(np.float64)
        for grid in (population, elderly)
    ]
    assert abs(population.sum() - PEOPLE) < 1.0 + CELL_M
    return People(
        population=population,
        elderly=elderly,
        inside=inside,
        cell_unit=unit,
        official=_official(rng, units, sums[0], sums[1]),
    )
