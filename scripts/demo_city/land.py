"""The land: valleys, hills, the river, the reservoir with its island, the city's outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt, gaussian_filter

from demo_city.frame import (
    CELL_M,
    COLUMNS,
    ROWS,
    Bools,
    Floats,
    cell_of,
    centres,
    from_km,
    smooth_noise,
)

TOWN_CENTRE_KM = (17.5, 15.6)
TOWN_TURN = np.radians(22.0)
RIVER_T_KM = -0.9
"""The river in the town's own coordinates: a line of constant t, between two embankments."""

RIVER_WEST = [(-2.0, 6.0), (2.0, 8.6), (5.5, 9.0), (8.5, 10.6), (11.0, 11.4)]
RIVER_EAST = [(24.6, 17.4), (27.0, 20.0), (30.5, 20.6), (33.5, 22.8), (38.0, 23.6)]
STREAMS = [
    [
        (13.4, 35.0),
        (12.4, 30.5),
        (11.6, 26.8),
        (12.6, 22.5),
        (12.6, 18.5),
        (11.6, 15.2),
        (12.0, 12.0),
    ],
    [(31.5, -1.0), (30.0, 5.0), (27.5, 8.6), (24.3, 10.2), (22.7, 12.8), (22.9, 16.6)],
    [(-2.0, 26.0), (2.8, 22.8), (4.4, 17.8), (5.6, 13.4), (6.4, 9.4)],
    [(7.4, -1.0), (9.0, 3.2), (13.0, 5.8), (15.2, 9.4), (16.6, 13.8)],
    [(34.5, 35.0), (31.0, 28.0), (29.2, 24.2), (28.4, 20.4)],
    [(21.6, 35.0), (20.0, 27.6), (21.2, 23.2), (22.6, 19.8), (24.2, 17.2)],
]


@dataclass(frozen=True)
class Land:
    """The physical city; grids are (ROWS, COLUMNS), shapes in map metres."""

    elevation: Floats
    slope: Floats
    outline: shapely.Polygon
    river: shapely.LineString
    streams: list[shapely.LineString]
    lake: shapely.Polygon
    """Reservoir without its island."""
    island: shapely.Polygon
    water: Bools


def town_to_map(st_km: Floats) -> Floats:
    """Return map coordinates of points (n, 2) in the town's bent coordinates, in km."""
    s, t = st_km[:, 0], st_km[:, 1]
    s2 = s + 0.10 * np.sin(1.3 * t + 0.4)
    t2 = t + 0.20 * np.sin(0.85 * s) + 0.05 * np.sin(2.1 * s + 1.0)
    cos, sin = np.cos(TOWN_TURN), np.sin(TOWN_TURN)
    x = TOWN_CENTRE_KM[0] + cos * s2 - sin * t2
    y = TOWN_CENTRE_KM[1] + sin * s2 + cos * t2
    return from_km(np.column_stack([x, y]))


def _curve(points: Floats, *, step_m: float = 60.0) -> Floats:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    where = np.linspace(0.0, along[-1], int(along[-1] / step_m) + 1)
    return np.asarray(CubicSpline(along, points)(where))


def _meander(rng: np.random.Generator, points: Floats, *, metres: float) -> Floats:
    """Push a curve sideways by smooth noise, nothing at its end."""
    wave = gaussian_filter(rng.standard_normal(len(points)), 6.0)
    wave *= metres / wave.std() * np.clip(np.arange(len(points))[::-1] / 25.0, 0.0, 1.0)
    heading = np.gradient(points, axis=0)
    heading /= np.hypot(heading[:, 0], heading[:, 1])[:, None]
    return np.asarray(points + wave[:, None] * np.column_stack([-heading[:, 1], heading[:, 0]]))


def _blob(
    rng: np.random.Generator,
    centre_km: tuple[float, float],
    radii_km: tuple[float, float],
    *,
    turn: float,
    rough: float,
    points: int,
) -> shapely.Polygon:
    """Return a closed wavy outline around a centre."""
    angle = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for wave in range(2, 12):
        radius += rough / wave * rng.normal() * np.sin(wave * angle + rng.uniform(0, 2 * np.pi))
    x, y = radii_km[0] * radius * np.cos(angle), radii_km[1] * radius * np.sin(angle)
    ring = np.column_stack(
        [
            centre_km[0] + np.cos(turn) * x - np.sin(turn) * y,
            centre_km[1] + np.sin(turn) * x + np.cos(turn) * y,
        ]
    )
    return shapely.Polygon(from_km(ring))


def _distance_to(lines: list[shapely.LineString]) -> Floats:
    mark = np.ones(ROWS * COLUMNS, dtype=bool)
    for line in lines:
        points = shapely.get_coordinates(line.segmentize(CELL_M / 2))
        low = from_km([(0.0, 0.0)])[0]
        high = from_km([(COLUMNS * CELL_M / 1000.0, ROWS * CELL_M / 1000.0)])[0]
        inside = ((points >= low) & (points < high)).all(axis=1)
        mark[cell_of(points[inside])] = False
    return np.asarray(distance_transform_edt(mark.reshape(ROWS, COLUMNS))) * CELL_M


def _hills(
    rng: np.random.Generator, river: shapely.LineString, streams: list[shapely.LineString]
) -> Floats:
    main, side = _distance_to([river]), _distance_to(streams)
    warp = 1.0 + 0.25 * smooth_noise(rng, sigma=12.0)
    rise = np.clip(main * warp - 1500.0, 0.0, None) / 4200.0
    height = 640.0 * (1.0 - np.exp(-(rise**1.2)))
    side_rise = np.clip(side * warp - 350.0, 0.0, None) / 2300.0
    spurs = 80.0 * np.clip(main - 6000.0, 0.0, None) / 8000.0
    side_height = spurs + 620.0 * (1.0 - np.exp(-(side_rise**1.3)))
    base = np.minimum(height, side_height)
    rough = smooth_noise(rng, sigma=5.0) * 0.22 + smooth_noise(rng, sigma=2.0) * 0.08
    return np.asarray(65.0 + np.clip(base * (1.0 + rough), 0.0, None))


def make_land(rng: np.random.Generator) -> Land:
    """Draw the land."""
    town = np.column_stack([np.linspace(-4.3, 4.3, 44), np.full(44, RIVER_T_KM)])
    knots = np.concatenate([from_km(RIVER_WEST), town_to_map(town), from_km(RIVER_EAST)])
    river = shapely.LineString(_curve(knots))
    streams = [
        shapely.LineString(_meander(rng, _curve(from_km(points)), metres=110.0))
        for points in STREAMS
    ]
    outline = _blob(rng, (17.6, 16.7), (16.0, 14.6), turn=-0.15, rough=0.26, points=720)
    lake = _blob(rng, (11.75, 26.9), (1.15, 2.1), turn=0.12, rough=0.2, points=90)
    island = _blob(rng, (11.8, 26.6), (0.33, 0.5), turn=0.5, rough=0.12, points=36)
    water = shapely.Polygon(lake.exterior, [island.exterior])
    elevation = _hills(rng, river, streams)
    elevation = gaussian_filter(elevation, 1.0)
    rise = np.gradient(elevation, CELL_M)
    cells = centres()
    wet = shapely.contains_xy(water.buffer(40.0), *cells.T)
    wet |= shapely.contains_xy(river.buffer(140.0), *cells.T)
    return Land(
        elevation=elevation,
        slope=np.hypot(rise[0], rise[1]),
        outline=outline,
        river=river,
        streams=streams,
        lake=water,
        island=island,
        water=wet.reshape(ROWS, COLUMNS),
    )
