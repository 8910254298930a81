"""Villages and communities: one fine partition whose cells are dissolved level by level.

The city is cut into some forty thousand small Voronoi cells. Points stand in mirrored pairs along
the arterials, the river and the shores, so that cell borders run on them. Each village grows from
its seed over the cells, dearly over ridges, the river and arterials: its border follows them.
"""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import Voronoi, cKDTree

from demo_city.frame import Bools, Floats, Ints, centres, from_km, sample, to_lonlat
from demo_city.land import Land
from demo_city.names import COUNTIES, COUNTY_SEATS, PLACES, community_names, village_names
from demo_city.town import Town


@dataclass(frozen=True)
class Unit:
    """One village-level unit."""

    code: str
    name: str
    kind: str
    """社区, 行政村, 林场, 水库 or 茶场."""
    township: int
    """Index into ``PLACES``."""
    seed: tuple[float, float]


@dataclass(frozen=True)
class Units:
    """All village-level units, by code; ``cells`` find the unit of a point."""

    units: list[Unit]
    shapes: list[shapely.MultiPolygon]
    """In longitude and latitude; they tile exactly."""
    cells: Floats
    cell_unit: Ints

    def at(self, xy: Floats) -> Ints:
        """Return the unit of each point in map metres, -1 outside the city."""
        nearest = cKDTree(self.cells).query(xy)[1]
        return np.asarray(self.cell_unit[nearest], dtype=np.int64)


def township_code(index: int) -> str:
    """Return the nine-digit code of a township."""
    place = PLACES[index]
    base = {"街道": 1, "镇": 100, "乡": 200}[place.kind]
    same = [p for p in PLACES if (p.county, p.kind) == (place.county, place.kind)]
    return f"{COUNTIES[place.county]}{base + same.index(place):03d}"


@dataclass(frozen=True)
class _Seeds:
    xy: Floats
    kind: list[str]


def _spread(xy: Floats, order: Ints, *, gap: Floats, taken: list[Floats]) -> list[int]:
    """Return the indices, in order, that keep their gap to all taken before."""
    chosen = []
    for index in order.tolist():
        near = np.array(taken)
        if len(near) and np.hypot(*(near - xy[index]).T).min() < gap[index]:
            continue
        taken.append(xy[index])
        chosen.append(index)
    return chosen


def _seeds(rng: np.random.Generator, land: Land, town: Town) -> _Seeds:
    xy: list[Floats] = []
    kind: list[str] = []
    blocks = town.blocks[rng.permutation(len(town.blocks))]
    for index in _spread(blocks, np.arange(len(blocks)), gap=np.full(len(blocks), 800.0), taken=xy):
        assert index >= 0
        kind.append("社区")
    for place in PLACES:
        seat = from_km([place.seat])[0]
        if shapely.contains_xy(town.outline, *seat):
            continue
        offsets = [(0.0, 0.0)]
        if place.name in COUNTY_SEATS:
            offsets = [(-450.0, 250.0), (550.0, 300.0), (150.0, -650.0)]
        for offset in offsets:
            xy.append(seat + offset)
            kind.append("社区" if place.kind == "镇" else "行政村")
    special = [((11.3, 27.6), "水库"), ((15.9, 26.3), "林场"), ((19.2, 6.2), "茶场")]
    for spot, what in special:
        xy.append(from_km([spot])[0])
        kind.append(what)
    cells = centres()
    elevation = sample(land.elevation, cells)
    ok = np.asarray(shapely.contains_xy(land.outline.buffer(-700.0), *cells.T))
    ok &= ~shapely.contains_xy(town.outline.buffer(500.0), *cells.T) & ~land.water.ravel()
    ok &= ~shapely.contains_xy(shapely.buffer(land.lake, 150.0), *cells.T)
    ok &= ~shapely.contains_xy(land.island.buffer(200.0), *cells.T)
    cells, elevation = cells[ok], elevation[ok]
    weight = np.exp(-(elevation - 65.0) / 130.0)
    order = np.argsort(rng.exponential(size=len(cells)) / weight, kind="stable")
    gap = 1420.0 + 2.8 * np.clip(elevation - 65.0, 0.0, 500.0) + 250.0 * rng.random(len(cells))
    chosen = _spread(cells, order, gap=gap, taken=xy)
    kind += ["行政村"] * len(chosen)
    return _Seeds(xy=np.array(xy), kind=kind)


def _pairs(line: shapely.LineString, *, step: float, side: float) -> Floats:
    """Return points in mirrored pairs along a line."""
    middle = np.arange(step / 2, line.length, step)
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, middle))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, middle + 1.0))
    back = shapely.get_coordinates(shapely.line_interpolate_point(line, middle - 1.0))
    heading = (ahead - back) / np.hypot(*(ahead - back).T)[:, None]
    across = side * np.column_stack([-heading[:, 1], heading[:, 0]])
    return np.concatenate([here + across, here - across])


def _mosaic(rng: np.random.Generator, land: Land, town: Town) -> tuple[Floats, Bools]:
    """Return the points of the fine partition, and which lie in the city."""
    shores = [shapely.LineString(ring.coords) for ring in
              (land.lake.exterior, *land.lake.interiors)]  # fmt: skip
    guides = [*town.arterials, land.river, *shores]
    paired = np.concatenate(
        [_pairs(line, step=60.0, side=28.0) for line in town.arterials]
        + [_pairs(land.river, step=90.0, side=45.0)]
        + [_pairs(line, step=80.0, side=40.0) for line in shores]
    )
    west, south, east, north = land.outline.buffer(500.0).bounds
    pitch = 165.0
    x, y = np.meshgrid(np.arange(west, east, pitch), np.arange(south, north, pitch * 0.87))
    x = x + pitch / 2 * (np.arange(len(x)) % 2)[:, None]
    loose = np.column_stack([x.ravel(), y.ravel()])
    loose = loose + rng.uniform(-0.42, 0.42, loose.shape) * pitch
    tree = shapely.STRtree(guides)
    lonely = np.ones(len(loose), dtype=bool)
    lonely[tree.query(shapely.points(loose), predicate="dwithin", distance=95.0)[0]] = False
    points = np.concatenate([paired, loose[lonely]])
    # Where two guides meet their pairs crowd: keep the first of any that nearly coincide.
    close = cKDTree(points).query_pairs(14.0, output_type="ndarray")
    keep = np.ones(len(points), dtype=bool)
    keep[close[:, 1]] = False
    points = points[keep]
    inside = shapely.contains_xy(land.outline, *points.T)
    return points, inside


def _graph(land: Land, town: Town, points: Floats, ridges: Ints) -> csr_array:
    """Return the cost of going from cell to cell."""
    a, b = points[ridges[:, 0]], points[ridges[:, 1]]
    length = np.hypot(*(a - b).T)
    climb = np.abs(sample(land.elevation, a) - sample(land.elevation, b))
    cost = length + 7.0 * climb
    crossing = shapely.linestrings(np.stack([a, b], axis=1))
    for guides, price in ((town.arterials, 320.0), ([land.river], 900.0)):
        hit = shapely.STRtree(guides).query(crossing, predicate="intersects")[0]
        cost[np.unique(hit)] += price
    size = len(points)
    matrix = coo_array((cost, (ridges[:, 0], ridges[:, 1])), shape=(size, size))
    return csr_array(matrix + matrix.T)


def _grow(graph: csr_array, seeds: Ints) -> Ints:
    """Return for each cell the position of its nearest seed."""
    sources = dijkstra(graph, indices=seeds, min_only=True, return_predecessors=True)[2]
    place = np.full(graph.shape[0] + 1, -1)
    place[seeds] = np.arange(len(seeds))
    return np.asarray(place[sources], dtype=np.int64)


def _whole(label: Ints, pairs: Ints) -> Ints:
    """Hand parts cut off from their township's largest part to a neighbour, until none is left."""
    label = label.copy()
    for _ in range(10):
        same = label[pairs[:, 0]] == label[pairs[:, 1]]
        size = len(label)
        matrix = coo_array((np.ones(same.sum()), tuple(pairs[same].T)), shape=(size, size))
        part = connected_components(matrix, directed=False)[1]
        moved = False
        for group in np.unique(label):
            parts, counts = np.unique(part[label == group], return_counts=True)
            for lost in parts[np.arange(len(parts)) != counts.argmax()]:
                touching = np.concatenate(
                    [label[pairs[part[pairs[:, i]] == lost, 1 - i]] for i in (0, 1)]
                )
                touching = touching[touching != group]
                if len(touching):
                    label[part == lost] = np.bincount(touching).argmax()
                    moved = True
        if not moved:
            break
    return label


def _townships(graph: csr_array, points: Floats, label: Ints, seeds: Floats) -> Ints:
    """Return the township of each seed; townships are connected."""
    seats = cKDTree(points).query(from_km([place.seat for place in PLACES]))[1]
    by_cell = _grow(graph, seats)
    township = by_cell[cKDTree(points).query(seeds)[1]]
    matrix = graph.tocoo()
    touching = np.column_stack([label[matrix.coords[0]], label[matrix.coords[1]]])
    touching = np.unique(touching[touching[:, 0] != touching[:, 1]], axis=0)
    return _whole(township, touching)


def _shapes(vor: Voronoi, label: Ints, *, sites: Floats) -> list[shapely.MultiPolygon]:
    """Return the units as polygons whose shared borders have the same vertices.

    Borders are kept as edges between numbered vertices, smoothed there, projected, rounded, and
    only then closed to polygons: both sides see the same numbers.
    """
    a, b = label[vor.ridge_points[:, 0]], label[vor.ridge_points[:, 1]]
    border = np.array(vor.ridge_vertices)[a != b]
    assert (border >= 0).all(), "the city reaches the edge of the partition"
    degree = np.bincount(border.ravel(), minlength=len(vor.vertices))
    place = vor.vertices.copy()
    both = np.concatenate([border, border[:, ::-1]])
    for _ in range(2):
        total = np.zeros_like(place)
        np.add.at(total, both[:, 0], place[both[:, 1]])
        free = degree == 2
        place[free] = 0.5 * place[free] + 0.25 * total[free]
    lonlat = np.zeros_like(place)
    used = np.unique(border)
    lonlat[used] = to_lonlat(place[used])
    lines = shapely.linestrings(lonlat[border])
    lines = lines[shapely.length(lines) > 0.0]
    faces = np.array(shapely.get_parts(shapely.polygonize(list(lines))))
    inside = label >= 0
    spots = np.array(shapely.points(to_lonlat(sites[inside])))
    where, hit = shapely.STRtree(spots).query(faces, predicate="contains")
    owners = label[inside][hit]
    parts: dict[int, list[shapely.Polygon]] = {}
    for index, face in enumerate(faces):
        votes = owners[where == index]
        if len(votes):
            parts.setdefault(int(np.bincount(votes).argmax()), []).append(face)
    result = []
    for unit in range(int(label.max()) + 1):
        polygons = sorted(parts[unit], key=lambda p: (-p.area, p.bounds))
        result.append(shapely.MultiPolygon([shapely.normalize(p) for p in polygons]))
    return result


def _named(
    rng: np.random.Generator, seeds: _Seeds, township: Ints
) -> tuple[list[Unit], dict[int, int]]:
    """Return the units in the order of their codes, and seed → position in that order."""
    kinds = {"社区": 1, "行政村": 200, "林场": 400, "水库": 401, "茶场": 402}
    communities = iter(community_names(rng, seeds.kind.count("社区")))
    villages = iter(village_names(rng, seeds.kind.count("行政村")))
    special = {"林场": "笏峰林场", "水库": "澄湖水库", "茶场": "云雾茶场"}
    drafts = []
    for seed in np.lexsort((seeds.xy[:, 0], township)).tolist():
        kind = seeds.kind[seed]
        if kind == "社区":
            name = f"{next(communities)}社区"
        else:
            name = special.get(kind) or f"{next(villages)}村"
        drafts.append((township_code(int(township[seed])), kinds[kind], name, kind, seed))
    numbered = []
    for code in sorted({draft[0] for draft in drafts}):
        for base in sorted(set(kinds.values())):
            group = [draft for draft in drafts if draft[:2] == (code, base)]
            numbered += [
                (f"{code}{base + rank:03d}", *draft[2:]) for rank, draft in enumerate(group)
            ]
    # One name stands twice, in different townships, as in life: a name alone is no key.
    rural = [i for i, row in enumerate(numbered) if row[2] == "行政村"]
    twin = next(i for i in rural if numbered[i][0][:9] != numbered[rural[0]][0][:9])
    numbered[twin] = (numbered[twin][0], numbered[rural[0]][1], *numbered[twin][2:])
    units = [
        Unit(code, name, kind, int(township[seed]), (seeds.xy[seed, 0], seeds.xy[seed, 1]))
        for code, name, kind, seed in numbered
    ]
    return units, {row[3]: position for position, row in enumerate(numbered)}


def make_units(rng: np.random.Generator, land: Land, town: Town) -> Units:
    """Draw the units of all levels."""
    seeds = _seeds(rng, land, town)
    points, inside = _mosaic(rng, land, town)
    vor = Voronoi(points)
    ridges = vor.ridge_points[inside[vor.ridge_points].all(axis=1)].astype(np.int64)
    graph = _graph(land, town, points, ridges)
    at_seeds = cKDTree(np.where(inside[:, None], points, np.inf)[inside]).query(seeds.xy)[1]
    at_seeds = np.flatnonzero(inside)[at_seeds]
    label = _grow(graph, at_seeds)
    label[~inside] = -1
    in_lake = shapely.contains_xy(land.lake, *points.T)
    on_island = shapely.contains_xy(land.island, *points.T)
    reservoir = seeds.kind.index("水库")
    villages = [i for i, kind in enumerate(seeds.kind) if kind == "行政村"]
    ashore = cKDTree(seeds.xy[villages]).query(from_km([(11.8, 26.6)]))[1][0]
    # Land that grew from the reservoir's seed goes to the nearest village: it owns water alone.
    stranded = (label == reservoir) & ~in_lake
    label[stranded] = np.array(villages)[cKDTree(seeds.xy[villages]).query(points[stranded])[1]]
    label[in_lake] = reservoir
    label[on_island] = villages[ashore]
    township = _townships(graph, points, label, seeds.xy)
    township[reservoir] = township[villages[ashore]]
    units, order = _named(rng, seeds, township)
    renumber = np.full(len(seeds.kind) + 1, -1)
    for seed, position in order.items():
        renumber[seed] = position
    label = renumber[label]
    return Units(
        units=units,
        shapes=_shapes(vor, label, sites=points),
        cells=points,
        cell_unit=np.asarray(label, dtype=np.int64),
    )
