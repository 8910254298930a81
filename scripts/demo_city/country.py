"""Roads outside the main urban area: least-cost routes over the land, winding with the hills."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from demo_city.frame import COLUMNS, ROWS, Bools, Floats, Ints, centres, from_km, sample
from demo_city.land import Land
from demo_city.names import COUNTY_SEATS, PLACES
from demo_city.net import RANK, Net, Street, bend
from demo_city.town import Town
from demo_city.units import Units

EXITS_KM = ((0.0, 7.6), (36.0, 23.0), (13.2, 33.5), (30.6, 4.0), (0.8, 23.5), (32.5, 30.5),
            (20.6, 33.5))  # fmt: skip
"""Where roads leave the city; the first two carry the trunk road."""
BRIDGES_KM = ((7.7, 10.0), (27.2, 20.0))
"""The bridges outside the main urban area."""
NAMES = {"trunk": "S939澜云线", "primary": "X601", "secondary": "", "tertiary": ""}


@dataclass(frozen=True)
class _Field:
    """The grid that routes are searched on."""

    graph: csr_array
    free: Bools
    bridges: set[tuple[int, int]]


@dataclass
class Country:
    """What later steps need: hamlet → its node, and the nodes that roads run through."""

    hamlets: list[tuple[int, int]]
    """Node and unit of each hamlet."""
    centres: dict[int, int]
    """Unit → node of its centre."""


def _pairs(free: Bools) -> Ints:
    index = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)]
    pairs = []
    for up, right in steps:
        low = index[: ROWS - up, max(0, -right) : COLUMNS - max(0, right)]
        high = index[up:, max(0, right) : COLUMNS - max(0, -right)]
        pairs.append(np.column_stack([low.ravel(), high.ravel()]))
    found = np.concatenate(pairs)
    return np.asarray(found[free[found].all(axis=1)])


def _field(rng: np.random.Generator, land: Land, town: Town) -> _Field:
    cells = centres()
    free = ~land.water.ravel() & shapely.contains_xy(land.outline.buffer(150.0), *cells.T)
    free &= ~shapely.contains_xy(town.outline.buffer(90.0), *cells.T)
    pairs = _pairs(free)
    a, b = cells[pairs[:, 0]], cells[pairs[:, 1]]
    length = np.hypot(*(a - b).T)
    climb = np.abs(np.subtract(*land.elevation.ravel()[pairs.T])) / length
    steep = land.slope.ravel()[pairs].mean(axis=1)
    price = 1.0 + (climb / 0.07) ** 2 + (steep / 0.22) ** 2
    price *= rng.uniform(0.8, 1.25, len(price))
    cost = length * price
    bridges = set()
    open_cells = np.flatnonzero(free)
    for spot in from_km(BRIDGES_KM):
        at = land.river.project(shapely.Point(spot))
        here, ahead = (np.array(land.river.interpolate(at + d).coords[0]) for d in (0.0, 5.0))
        heading = (ahead - here) / np.hypot(*(ahead - here))
        across = 220.0 * np.array([-heading[1], heading[0]])
        ends = open_cells[cKDTree(cells[open_cells]).query([here + across, here - across])[1]]
        bridges.add((int(ends.min()), int(ends.max())))
    over = np.array(sorted(bridges))
    pairs = np.concatenate([pairs, over])
    cost = np.concatenate([cost, np.hypot(*(cells[over[:, 0]] - cells[over[:, 1]]).T)])
    size = ROWS * COLUMNS
    matrix = coo_array((cost, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return _Field(graph=csr_array(matrix + matrix.T), free=free, bridges=bridges)


class _Routes:
    """Routes traced so far: grid edges with their class."""

    def __init__(self, field: _Field, roots: dict[int, int]) -> None:
        self.field = field
        self.roots = roots
        """Grid cell → gate of the town it starts at."""
        self.kinds: dict[tuple[int, int], str] = {}

    def cells(self) -> Ints:
        """Return the cells that routes run through, the roots included."""
        return np.array(sorted({c for key in self.kinds for c in key} | set(self.roots)))

    def lay(self, targets: Ints, kinds: list[str]) -> None:
        """Connect each target to the nearest existing route."""
        before = dijkstra(
            self.field.graph, indices=self.cells(), min_only=True, return_predecessors=True
        )[1]
        for target, kind in zip(targets.tolist(), kinds, strict=True):
            self._trace(before, target, kind)

    def _trace(self, before: Ints, cell: int, kind: str) -> None:
        while before[cell] >= 0:
            step = int(before[cell])
            self.mark(cell, step, kind)
            cell = step

    def mark(self, a: int, b: int, kind: str) -> None:
        """Set the class of a grid edge, the higher one winning."""
        key = (min(a, b), max(a, b))
        known = self.kinds.get(key)
        if known is None or RANK[kind] < RANK[known]:
            self.kinds[key] = kind

    def join(self, seeds: Ints, *, keep: float, rng: np.random.Generator) -> None:
        """Link neighbouring villages over their best pass; the dearest become tracks and paths."""
        cost, before, source = dijkstra(
            self.field.graph, indices=seeds, min_only=True, return_predecessors=True
        )
        edges = self.field.graph.tocoo()
        a, b = edges.coords[0].astype(np.int64), edges.coords[1].astype(np.int64)
        met = (source[a] < source[b]) & (source[a] >= 0)
        a, b = a[met], b[met]
        price = cost[a] + edges.data[met] + cost[b]
        order = np.lexsort((b, a, price))
        best: dict[tuple[int, int], tuple[float, int, int]] = {}
        for i in order.tolist():
            key = (int(source[a[i]]), int(source[b[i]]))
            best.setdefault(key, (float(price[i]), int(a[i]), int(b[i])))
        for key in sorted(best):
            value, left, right = best[key]
            if rng.random() > keep or value > 16_000.0:
                continue
            kind = "tertiary" if value < 3_200.0 else "unclassified" if value < 6_000.0 else "track"
            if value > 9_500.0:
                kind = "path"
            self.mark(left, right, kind)
            for end in (left, right):
                self._trace(before, end, kind)


def _hamlets(
    rng: np.random.Generator, land: Land, town: Town, units: Units, free: Bools
) -> tuple[Ints, Ints]:
    """Return cells and units of hamlets: on gentle land, some way off their village's centre."""
    cells = centres()
    spots = np.flatnonzero(free)
    spots = spots[land.slope.ravel()[spots] < 0.30]
    unit = units.at(cells[spots])
    chosen: list[int] = []
    for position, item in enumerate(units.units):
        if item.kind == "水库" or shapely.contains_xy(town.outline, *item.seed):
            continue
        mine = spots[unit == position]
        away = np.hypot(*(cells[mine] - item.seed).T)
        mine = mine[(away > 450.0) & (away < 2300.0)]
        taken: list[Floats] = []
        for cell in rng.permutation(mine).tolist():
            if len(taken) >= 3:
                break
            if taken and np.hypot(*(np.array(taken) - cells[cell]).T).min() < 550.0:
                continue
            taken.append(cells[cell])
            chosen.append(cell)
    found = np.array(chosen)
    return found, units.at(cells[found])


def _shape(rng: np.random.Generator, net: Net, routes: _Routes) -> dict[int, int]:
    """Put the routes into the net, rounded off; return cell → node."""
    cells = centres()
    keys = sorted(routes.kinds)
    index = {cell: i for i, cell in enumerate(routes.cells().tolist())}
    place = cells[list(index)] + rng.normal(0.0, 14.0, (len(index), 2))
    ends = np.array([(index[a], index[b]) for a, b in keys])
    degree = np.bincount(ends.ravel(), minlength=len(index))
    fixed = {index[cell] for bridge in routes.field.bridges for cell in bridge if cell in index}
    free = degree == 2
    free[sorted(fixed)] = False
    both = np.concatenate([ends, ends[:, ::-1]])
    for _ in range(3):
        total = np.zeros_like(place)
        np.add.at(total, both[:, 0], place[both[:, 1]])
        place[free] = 0.5 * place[free] + 0.25 * total[free]
    node = {cell: net.node(*place[i]) for cell, i in index.items()}
    for key in keys:
        kind = routes.kinds[key]
        tags = (("bridge", "yes"),) if key in routes.field.bridges else ()
        net.edge(node[key[0]], node[key[1]], Street(kind, NAMES.get(kind, ""), tags))
    return node


def wind(rng: np.random.Generator, land: Land, net: Net, edges: list[tuple[int, int]]) -> None:
    """Give roads a vertex between any two, pushed aside as the land is steep."""
    points = net.points()
    pairs = np.array(edges)
    middle = points[pairs].mean(axis=1)
    keep = sample(land.slope, middle) > rng.uniform(0.0, 0.16, len(edges))
    edges = [edge for edge, kept in zip(edges, keep.tolist(), strict=True) if kept]
    pairs, middle = pairs[keep], middle[keep]
    length = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    steep = np.clip(sample(land.slope, middle), 0.0, 0.5)
    offsets = rng.normal(0.0, 1.0, len(edges)) * np.clip(2.0 + 60.0 * steep, 0.0, length / 4)
    bend(net, edges=edges, offsets=offsets)


def add_country(rng: np.random.Generator, land: Land, town: Town, units: Units) -> Country:
    """Lay the roads of the country into the town's net."""
    net = town.net
    field = _field(rng, land, town)
    cells = centres()
    open_cells = np.flatnonzero(field.free)
    tree = cKDTree(cells[open_cells])

    def nearest(xy: Floats) -> Ints:
        return np.asarray(open_cells[tree.query(xy)[1]])

    gates = net.points()[town.gates]
    roots = {int(c): g for c, g in zip(nearest(gates), town.gates, strict=True)}
    routes = _Routes(field, roots)
    seats = {p.name: from_km([p.seat])[0] for p in PLACES}
    rural = [p.name for p in PLACES if not shapely.contains_xy(town.outline, *seats[p.name])]
    county = [name for name in rural if name in COUNTY_SEATS]
    routes.lay(nearest(from_km(EXITS_KM[:2])), ["trunk", "trunk"])
    routes.lay(nearest(np.array([seats[n] for n in county])), ["primary"] * len(county))
    routes.lay(nearest(np.array([seats[n] for n in rural])), ["secondary"] * len(rural))
    routes.lay(nearest(from_km(EXITS_KM[2:])), ["secondary"] * (len(EXITS_KM) - 2))
    villages = [
        i
        for i, unit in enumerate(units.units)
        if unit.kind != "水库" and not shapely.contains_xy(town.outline.buffer(50.0), *unit.seed)
    ]
    seeds = nearest(np.array([units.units[i].seed for i in villages]))
    routes.lay(seeds, ["tertiary"] * len(seeds))
    routes.join(np.unique(seeds), keep=0.62, rng=rng)
    spots, owners = _hamlets(rng, land, town, units, field.free)
    steep = sample(land.elevation, cells[spots]) > 330.0
    lanes = np.where(steep, rng.choice(["track", "path", "track"], len(spots)), "unclassified")
    lanes[rng.random(len(spots)) < 0.15] = "service"
    routes.lay(spots, [str(lane) for lane in lanes])
    known = set(net.edges)
    node = _shape(rng, net, routes)
    for cell, gate in sorted(roots.items()):
        kinds = [kind for key, kind in routes.kinds.items() if cell in key]
        if kinds:
            best = min(kinds, key=RANK.__getitem__)
            net.edge(gate, node[cell], Street(best, NAMES.get(best, "")))
    fresh = [key for key, street in net.edges.items() if key not in known and not street.floats]
    wind(rng, land, net, fresh)
    centres_of = {unit: node[int(cell)] for unit, cell in zip(villages, seeds, strict=True)}
    hamlets = [
        (node[int(cell)], int(unit))
        for cell, unit in zip(spots, owners, strict=True)
        if int(cell) in node
    ]
    return Country(hamlets=hamlets, centres=centres_of)


def add_motorway(net: Net, land: Land) -> None:
    """Lay a motorway north of the town, two carriageways, with two interchanges."""
    knots = from_km(
        [(-1, 12.4), (4.5, 14.0), (9.0, 16.6), (13.4, 19.0), (18.5, 20.9), (23.5, 22.3),
         (27.5, 23.3), (32.0, 24.6), (38.0, 27.0)]
    )  # fmt: skip
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    dense = CubicSpline(along, knots)(np.arange(0.0, along[-1], 130.0))
    dense = dense[shapely.contains_xy(land.outline.buffer(300.0), *dense.T)]
    heading = np.gradient(dense, axis=0)
    heading /= np.hypot(*heading.T)[:, None]
    aside = 13.0 * np.column_stack([-heading[:, 1], heading[:, 0]])
    name = "G9939澜云高速"
    street = Street("motorway", name, (("oneway", "yes"),))
    lanes = []
    # Traffic keeps to the right: the southern carriageway runs east.
    for points in (dense - aside, (dense + aside)[::-1]):
        nodes = [net.node(x, y) for x, y in points]
        for u, v in pairwise(nodes):
            net.edge(u, v, street)
        lanes.append(nodes)
    big = [
        key
        for key, road in net.edges.items()
        if road.kind in ("trunk", "primary", "secondary") and not road.floats
    ]
    candidates = np.unique(np.array(big))
    points = net.points()
    link = Street("motorway_link", "", (("oneway", "yes"),))
    tree = cKDTree(points[candidates])
    for low, high in ((0.15, 0.40), (0.62, 0.88)):
        first = np.arange(int(low * len(lanes[0])), int(high * len(lanes[0])))
        gaps, hits = tree.query(points[lanes[0]][first])
        best = int(first[gaps.argmin()])
        ramp = int(candidates[hits[gaps.argmin()]])
        for nodes, middle in ((lanes[0], best), (lanes[1], len(lanes[0]) - 1 - best)):
            net.edge(nodes[middle - 4], ramp, link)
            net.edge(ramp, nodes[middle + 4], link)


def add_island(net: Net, land: Land, elsewhere: tuple[float, float]) -> list[int]:
    """Lay the island's own lane, and a short forest track that touches nothing."""
    centre = np.array(land.island.centroid.coords[0])
    ring = shapely.get_coordinates(land.island.exterior)[:-1]
    loop = centre + 0.62 * (ring - centre)
    nodes = [net.node(x, y) for x, y in loop[::2]]
    for u, v in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        net.edge(u, v, Street("unclassified", "屿里环岛路"))
    middle = net.node(*centre)
    net.edge(middle, nodes[0], Street("residential"))
    net.edge(middle, nodes[len(nodes) // 2], Street("path"))
    spot = from_km([elsewhere])[0]
    track = [net.node(spot[0] + 70.0 * i, spot[1] + 25.0 * np.sin(i)) for i in range(9)]
    for u, v in pairwise(track):
        net.edge(u, v, Street("track", "防火道"))
    return [middle, *nodes]
