"""All roads together: town, country, settlements, motorway, island."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from demo_city.country import add_country, add_island, add_motorway
from demo_city.frame import Floats
from demo_city.growth import Settlement, grow, index_of
from demo_city.land import Land
from demo_city.names import COUNTY_SEATS, PLACES
from demo_city.net import planarise
from demo_city.town import Town
from demo_city.units import Units

STREETS = ("residential", "residential", "living_street", "service")
LANES = ("residential", "unclassified", "footway", "residential", "service")
STUBS = ("footway", "service", "path", "residential")
ADRIFT_KM = (8.6, 25.6)
"""Where a forest track lies that touches no other road."""


@dataclass(frozen=True)
class Roads:
    """Where people live along the roads: places (n, 2) in map metres and how many, relatively."""

    xy: Floats
    weight: Floats
    in_town: np.ndarray[tuple[int], np.dtype[np.bool_]]
    island: Floats


def make_roads(rng: np.random.Generator, land: Land, town: Town, units: Units) -> Roads:
    """Lay all other roads into the town's net."""
    net = town.net
    country = add_country(rng, land, town, units)
    places = []
    for unit, node in sorted(country.centres.items()):
        item = units.units[unit]
        name = PLACES[item.township].name
        suburb = shapely.dwithin(town.outline, shapely.Point(item.seed), 2500.0)
        if item.kind == "社区" and name in COUNTY_SEATS:
            places.append((Settlement(node, 105, 75.0, STREETS), 1.5))
        elif item.kind == "社区":
            places.append((Settlement(node, 80, 70.0, STREETS), 1.2))
        elif item.kind == "行政村":
            count = int(rng.integers(30, 62) * (1.25 if suburb else 1.0))
            places.append((Settlement(node, count, 58.0, LANES), 0.8 if suburb else 0.62))
        else:
            places.append((Settlement(node, 6, 60.0, LANES), 0.3))
    for node, unit in country.hamlets:
        if units.units[unit].kind in ("社区", "行政村"):
            places.append((Settlement(node, int(rng.integers(4, 13)), 55.0, STUBS), 0.5))
    index = index_of(net)
    wet = land.water.ravel()
    spots: list[int] = []
    weights: list[float] = []
    for place, weight in places:
        grown = grow(rng, net, index, place, wet=wet)
        spots += grown
        around = np.array([net.xy[node] for node in grown])
        away = np.hypot(*(around - net.xy[place.centre]).T)
        reach = max(float(np.median(away)), 60.0)
        weights += list(weight * np.exp(-0.5 * away / reach))
    for node, weight in town.weight.items():
        spots.append(node)
        weights.append(weight)
    country_count = len(spots) - len(town.weight)
    island = add_island(net, land, ADRIFT_KM)
    xy = net.points()[spots]
    planarise(net)
    add_motorway(net, land)
    return Roads(
        xy=xy,
        weight=np.array(weights),
        in_town=np.arange(len(spots)) >= country_count,
        island=net.points()[island],
    )
