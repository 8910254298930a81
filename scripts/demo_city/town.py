"""The main urban area: arterials on a bent grid, and what fills the blocks between them."""

# ruff: noqa: PLR2004 - a drawing is made of such numbers
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from demo_city.frame import Floats
from demo_city.land import town_to_map
from demo_city.net import Net, Street

UNITS = 24
"""Steps of the lattice in one superblock: local streets meet arterials on it."""

ACROSS_KM = (-3.95, -3.05, -2.25, -1.40, -0.62, 0.22, 1.05, 1.92, 2.75, 3.70)
UP_KM = (-3.25, -2.45, -1.72, -1.02, -0.78, -0.10, 0.62, 1.40, 2.15, 2.95)
RIVER_ROW = 3
"""The row of the grid that is the river, between the two embankments."""
BRIDGES = (3, 6)
ONE_WAY = (("across", 6, 1), ("across", 7, -1), ("up", 4, 1))
EAST_WEST = (
    "南郊路", "枫桥南路", "柳岸路", "南滨路", "北滨路",
    "澜江路", "钟楼街", "府前路", "青檀路", "北环路",
)  # fmt: skip
NORTH_SOUTH = (
    "西环路", "栗园路", "学士路", "浮石路", "文塔路",
    "解甲路", "鹤鸣路", "东渡路", "棠梨路", "东环路",
)  # fmt: skip


@dataclass(frozen=True)
class Town:
    """The town: its streets stand in ``net``; shapes and points are in map metres."""

    net: Net
    outline: shapely.Polygon
    arterials: list[shapely.LineString]
    gates: list[int]
    """Nodes on the rim that country roads may start from."""
    blocks: Floats
    """Centres of the superblocks, (n, 2)."""
    weight: dict[int, float]
    """Node → how many people live around it, relatively."""


def _kind(rng: np.random.Generator, s: float, t: float) -> str:
    distance = float(np.hypot(s / 1.2, t - 0.3))
    if t < -1.0:
        return str(rng.choice(["gated", "grid", "works", "gated"]))
    if distance < 0.9:
        return "old"
    if distance < 1.9:
        return str(rng.choice(["grid", "gated", "old", "park"], p=[0.5, 0.3, 0.1, 0.1]))
    return str(rng.choice(["gated", "grid", "works", "park"], p=[0.45, 0.3, 0.15, 0.1]))


Piece = tuple[tuple[int, int], tuple[int, int], Street]
LIVING = {"old": 1.25, "gated": 1.7, "grid": 1.0, "works": 0.12, "park": 0.05}


def _lattice(
    rng: np.random.Generator, stops: list[int], *, gaps: float, streets: list[Street]
) -> Iterator[Piece]:
    """Yield a lattice of streets with some pieces missing and slightly uneven lines."""
    inner = [stop + int(rng.integers(-1, 2)) for stop in stops[1:-1]]
    rows = [0, *inner, UNITS]
    columns = [0, *(stop + int(rng.integers(-1, 2)) for stop in stops[1:-1]), UNITS]
    for lines, others, flip in ((rows, columns, False), (columns, rows, True)):
        for line in lines[1:-1]:
            street = streets[int(rng.integers(len(streets)))]
            for a, b in pairwise(others):
                if rng.random() < gaps:
                    continue
                one, two = ((a, line), (b, line)) if not flip else ((line, a), (line, b))
                yield one, two, street


def _gated(rng: np.random.Generator) -> Iterator[Piece]:
    """Yield four walled estates: a ring road inside each and one or two gates."""
    half = UNITS // 2
    street = Street("residential")
    for piece in (((0, half), (half, half)), ((half, half), (UNITS, half))):
        yield (*piece, street)
    for piece in (((half, 0), (half, half)), ((half, half), (half, UNITS))):
        yield (*piece, street)
    for east in (0, half):
        for north in (0, half):
            private = rng.random() < 0.2
            tags = (("access", "private"),) if private else ()
            inside = Street("service", "", tags)
            low, high, middle = 2, half - 2, half // 2
            corners = [(low, low), (middle, low), (high, low), (high, middle), (high, high),
                       (middle, high), (low, high), (low, middle)]  # fmt: skip
            ring = [(east + a, north + b) for a, b in corners]
            for one, two in zip(ring, [*ring[1:], ring[0]], strict=True):
                yield one, two, inside
            lane = Street("service", "", tags)
            for row in (4, 8):
                right = (east + high, north + row)
                yield (east + low, north + row), (east + middle, north + row), lane
                if rng.random() < 0.6:
                    yield (east + middle, north + row), right, lane
            yield (east + middle, north + 4), (east + middle, north + middle), Street("footway")
            gate = int(rng.integers(4))
            doors = [
                ((middle, low), (middle, 0)),
                ((high, middle), (half, middle)),
                ((middle, high), (middle, half)),
                ((low, middle), (0, middle)),
            ]
            for door in {gate, (gate + 2) % 4 if rng.random() < 0.35 else gate}:
                (a, b), (c, d) = doors[door]
                yield (east + a, north + b), (east + c, north + d), inside


def _park(rng: np.random.Generator) -> Iterator[Piece]:
    """Yield footpaths around and across a park."""
    path = Street("footway")
    corners = [(5, 5), (12, 3), (19, 5), (21, 12), (19, 19), (12, 21), (5, 19), (3, 12)]
    for one, two in zip(corners, [*corners[1:], corners[0]], strict=True):
        yield one, two, path
    for outer, rim in (((12, 3), (12, 0)), ((21, 12), (24, 12)), ((12, 21), (12, 24)),
                       ((3, 12), (0, 12))):  # fmt: skip
        yield outer, rim, path
    middle = (12 + int(rng.integers(-3, 4)), 12 + int(rng.integers(-3, 4)))
    for corner in corners[:: 2 if rng.random() < 0.5 else 3]:
        yield corner, middle, path


def _fill(rng: np.random.Generator, kind: str) -> list[Piece]:
    if kind == "gated":
        return list(_gated(rng))
    if kind == "park":
        return list(_park(rng))
    if kind == "works":
        lanes = [Street("service"), Street("unclassified")]
        return list(_lattice(rng, [0, 12, 24], gaps=0.15, streets=lanes))
    if kind == "old":
        lanes = [Street("living_street"), Street("residential"), Street("footway"),
                 Street("living_street")]  # fmt: skip
        return list(_lattice(rng, [0, 4, 8, 12, 16, 20, 24], gaps=0.2, streets=lanes))
    lanes = [Street("residential")]
    return list(_lattice(rng, [0, 6, 12, 18, 24], gaps=0.1, streets=lanes))


def _split(pieces: list[Piece]) -> Iterator[Piece]:
    """Cut axis-parallel pieces so that no vertex of one lies inside another uncut."""
    stops: dict[tuple[str, int], set[int]] = defaultdict(set)
    for one, two, _ in pieces:
        for x, y in (one, two):
            stops["row", y].add(x)
            stops["column", x].add(y)
    for one, two, street in pieces:
        if one[1] == two[1]:
            line, y = sorted((one[0], two[0])), one[1]
            marks = {x for x in stops["row", y] if line[0] <= x <= line[1]}
            marks |= set(range(line[0], line[1] + 1, 3))
            spots = [(x, y) for x in sorted(marks)]
        elif one[0] == two[0]:
            line, x = sorted((one[1], two[1])), one[0]
            marks = {y for y in stops["column", x] if line[0] <= y <= line[1]}
            marks |= set(range(line[0], line[1] + 1, 3))
            spots = [(x, y) for y in sorted(marks)]
        else:
            spots = [one, two]
        if (spots[0], spots[-1]) != (one, two):
            spots = spots[::-1]
        for a, b in pairwise(spots):
            yield a, b, street


def _arterials(chosen: set[tuple[int, int]]) -> Iterator[Piece]:
    """Yield the arterials that border a chosen superblock, and the bridges."""
    direction = {(axis, index): sense for axis, index, sense in ONE_WAY}
    for j, name in enumerate(EAST_WEST):
        kind = "primary" if j in (5, 8) else "secondary" if j in (3, 4, 7) else "tertiary"
        for i in range(len(ACROSS_KM) - 1):
            if (i, j) not in chosen and (i, j - 1) not in chosen:
                continue
            sense = direction.get(("up", j), 0)
            tags = (("oneway", "yes"),) if sense else ()
            yield (i * UNITS, j * UNITS), ((i + 1) * UNITS, j * UNITS), Street(kind, name, tags)
    for i, name in enumerate(NORTH_SOUTH):
        kind = "primary" if i in (4, 8) else "secondary" if i in (1, 3, 6) else "tertiary"
        for j in range(len(UP_KM) - 1):
            one, two = (i * UNITS, j * UNITS), (i * UNITS, (j + 1) * UNITS)
            if j == RIVER_ROW:
                if i in BRIDGES:
                    yield one, two, Street("secondary", f"{name}大桥", (("bridge", "yes"),))
                continue
            if (i, j) not in chosen and (i - 1, j) not in chosen:
                continue
            sense = direction.get(("across", i), 0)
            tags = (("oneway", "yes"),) if sense else ()
            street = Street(kind, name, tags)
            yield (two, one, street) if sense < 0 else (one, two, street)


def _place(lattice: Floats) -> Floats:
    """Return map coordinates of lattice points."""
    s = np.interp(lattice[:, 0] / UNITS, np.arange(len(ACROSS_KM)), ACROSS_KM)
    t = np.interp(lattice[:, 1] / UNITS, np.arange(len(UP_KM)), UP_KM)
    return town_to_map(np.column_stack([s, t]))


def _chosen(rng: np.random.Generator) -> list[tuple[int, int]]:
    result = []
    for j in range(len(UP_KM) - 1):
        for i in range(len(ACROSS_KM) - 1):
            s = (ACROSS_KM[i] + ACROSS_KM[i + 1]) / 2
            t = (UP_KM[j] + UP_KM[j + 1]) / 2
            reach = (s / 3.7) ** 2 + ((t - 0.3) / (2.7 if t > 0 else 3.0)) ** 2
            if t < -1.0:
                reach += 0.10 + 0.12 * abs(s - 0.3)
            if j != RIVER_ROW and reach + 0.08 * rng.normal() < 1.0:
                result.append((i, j))
    return result


def make_town(rng: np.random.Generator) -> Town:
    """Draw the main urban area."""
    chosen = _chosen(rng)
    pieces: list[Piece] = list(_arterials(set(chosen)))
    lines = [(one, two) for one, two, _ in pieces]
    kinds = {}
    for i, j in chosen:
        centre = ((ACROSS_KM[i] + ACROSS_KM[i + 1]) / 2, (UP_KM[j] + UP_KM[j + 1]) / 2)
        kinds[i, j] = _kind(rng, *centre)
        for (a, b), (c, d), street in _fill(rng, kinds[i, j]):
            x, y = i * UNITS, j * UNITS
            pieces.append(((x + a, y + b), (x + c, y + d), street))
    net = Net()
    index: dict[tuple[int, int], int] = {}
    for one, two, street in _split(pieces):
        for spot in (one, two):
            if spot not in index:
                x, y = _place(np.array([spot], dtype=float))[0]
                if spot[0] % UNITS and spot[1] % UNITS:
                    x, y = x + rng.normal(0.0, 5.0), y + rng.normal(0.0, 5.0)
                index[spot] = net.node(x, y)
        net.edge(index[one], index[two], street)
    weight = {}
    for (x, y), node in index.items():
        around = [(a, b) for a in {x // UNITS, (x - 1) // UNITS}
                  for b in {y // UNITS, (y - 1) // UNITS} if (a, b) in kinds]  # fmt: skip
        if around:
            # Sorted, because the order of a set is no promise and sums depend on it.
            values = sorted(LIVING[kinds[block]] for block in around)
            weight[node] = sum(values) / len(values)
    ends = {spot for line in lines for spot in line}
    rim = [
        spot
        for spot in sorted(ends)
        if sum(
            (spot[0] // UNITS + a, spot[1] // UNITS + b) in kinds for a in (-1, 0) for b in (-1, 0)
        )
        in (1, 2)
        and spot[1] // UNITS not in (RIVER_ROW, RIVER_ROW + 1)
    ]
    return Town(
        net=net,
        outline=_outline(chosen),
        arterials=[shapely.LineString(_place(_steps(one, two))) for one, two in sorted(lines)],
        gates=[index[spot] for spot in rim],
        blocks=_place(np.array([(i + 0.5, j + 0.5) for i, j in chosen]) * UNITS),
        weight=weight,
    )


def _steps(one: tuple[int, int], two: tuple[int, int], count: int = 17) -> Floats:
    return np.linspace(np.array(one, dtype=float), np.array(two, dtype=float), count)


def _outline(chosen: list[tuple[int, int]]) -> shapely.Polygon:
    """Return one polygon around all superblocks, the river between them included."""
    blocks = []
    for i, j in chosen:
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
        ring = np.concatenate(
            [
                _steps((a * UNITS, b * UNITS), (c * UNITS, d * UNITS))[:-1]
                for (a, b), (c, d) in pairwise(corners)
            ]
        )
        blocks.append(shapely.Polygon(_place(ring)))
    whole = shapely.union_all(shapely.buffer(blocks, 60.0, quad_segs=2))
    closed = whole.buffer(220.0, join_style="mitre").buffer(-220.0, join_style="mitre")
    assert isinstance(closed, shapely.Polygon)
    smooth = shapely.Polygon(closed.exterior).simplify(3.0)
    assert isinstance(smooth, shapely.Polygon)
    return smooth
