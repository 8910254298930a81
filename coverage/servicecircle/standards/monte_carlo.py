"""Drawn runs of a rule of travel: speeds, places of facilities and of people, and their number.

Everything drawn lies within the bounds of :mod:`servicecircle.standards.uncertainty`, and so does
every value; nothing is searched for again. What is approximated: a facility that moves is nearer
or farther by the part of its move that points at the home in a straight line; a home keeps its
nearest facility, though never farther from any than the bounds of all facilities allow; the people
of a raster's cell are spread over a disc about its centre, and so are the ways they take.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.measure.access import SLACK, reaches
from servicecircle.standards.evidence import ELDERLY_SPEED_RANGE_KMH
from servicecircle.standards.residual_bounds import Residuals, sums_by
from servicecircle.standards.uncertainty import Journeys, times

__all__ = [
    "Draws",
    "Moves",
    "draw_shares",
    "drawn_speeds",
    "moves_of",
    "speed_distribution",
    "spread_part",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A home known to a thousandth of a metre, or a second, stands where it is.
_EXACT = 1e-3
_SPEED, _FACILITIES, _RESIDUALS, _PEOPLE = range(4)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Moves:
    """Facilities whose places are drawn, as each demand point sees its nearest one.

    Parameters
    ----------
    facility : numpy.ndarray of int, shape (n,)
        The nearest one of each point, -1 where it is exact or there is none.
    east, north : numpy.ndarray of float, shape (n,)
        Direction from the facility to the point, of length 1; 0 where they are at one place.
    shift_m : numpy.ndarray of float, shape (runs, f, 2)
        How far east and north each facility is moved in each run.
    """

    facility: Ints
    east: Floats
    north: Floats
    shift_m: Floats

    def take(self, rows: Ints) -> Moves:
        """Return those of some points."""
        return Moves(
            facility=self.facility[rows],
            east=self.east[rows],
            north=self.north[rows],
            shift_m=self.shift_m,
        )

    def of_run(self, run: int) -> Floats:
        """Return how much longer, in metres, the way of each point is in one run."""
        if not self.shift_m.shape[1]:
            return np.zeros(self.facility.size)
        shift = self.shift_m[run][self.facility]
        # Who is in the direction of the move has it shorter.
        longer = -(shift[:, 0] * self.east + shift[:, 1] * self.north)
        return np.where(self.facility >= 0, longer, 0.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Draws:
    """What is drawn for one rule.

    Parameters
    ----------
    runs, seed : int
    factors : numpy.ndarray of float, shape (runs,), optional
        What the speed of each run makes of a time; None: the speed is known.
    moves : Moves, optional
        Of the facilities; None: all are exact.
    seconds_per_metre : float
        What a metre more costs in the unit of the journeys; 1 for metres.
    people_cause : {"cell_size", "people_coordinates"}
        People of a cell are spread over it; the people of another point move together.
    """

    runs: int
    seed: int
    factors: Floats | None = None
    moves: Moves | None = None
    seconds_per_metre: float = 1.0
    people_cause: str = "cell_size"

    def causes(self, journeys: Journeys, residuals: Residuals | None) -> tuple[str, ...]:
        """Return what is drawn, as causes of a width are called."""
        drawn = {
            "speed": self.factors is not None,
            "coordinates": self.moves is not None,
            self.people_cause: bool((journeys.error > 0.0).any()),
            "residuals": residuals is not None,
        }
        return tuple(name for name, one in drawn.items() if one)


def _generator(seed: int, purpose: int, name: str = "") -> np.random.Generator:
    """Return the stream of one purpose: what else is drawn does not change it."""
    return np.random.default_rng([seed, purpose, zlib.crc32(name.encode())])


def drawn_speeds(speed_kmh: float, *, runs: int, seed: int) -> Floats:
    """Draw how fast older people walk, one speed for everybody in a run.

    Parameters
    ----------
    speed_kmh : float
        The declared speed.
    runs, seed : int

    Returns
    -------
    numpy.ndarray of float, shape (runs,)
        From the triangular distribution between 2.5 and 4 km/h (or the declared speed, where that
        is slower or faster) that has its peak at the declared speed.

    Examples
    --------
    >>> speeds = drawn_speeds(3.0, runs=10_000, seed=1)
    >>> bool(speeds.min() >= 2.5 and speeds.max() <= 4.0), round(float(speeds.mean()), 1)
    (True, 3.2)
    >>> drawn_speeds(3.0, runs=0, seed=1).size
    0
    """
    slow, fast = ELDERLY_SPEED_RANGE_KMH
    low, high = min(slow, speed_kmh), max(fast, speed_kmh)
    return _generator(seed, _SPEED).triangular(low, speed_kmh, high, runs)


def speed_distribution(speed_kmh: float) -> str:
    """Return in words how the speed of older people is drawn, for the record of a run.

    Examples
    --------
    >>> speed_distribution(3.0)
    'triangular from 2.5 to 4 km/h, peak at 3 km/h, one speed a run'
    """
    slow, fast = ELDERLY_SPEED_RANGE_KMH
    low, high = min(slow, speed_kmh), max(fast, speed_kmh)
    return f"triangular from {low:g} to {high:g} km/h, peak at {speed_kmh:g} km/h, one speed a run"


def moves_of(
    layer: str, error_m: Floats, *, facility: Ints, towards: tuple[Floats, Floats], runs: int,
    seed: int,
) -> Moves:  # fmt: skip
    """Draw where facilities really are: anywhere within the error of their place, evenly.

    Parameters
    ----------
    layer : str
        Its draws do not depend on other layers.
    error_m : numpy.ndarray of float, shape (f,)
        Of each facility of the layer, in the order of their ids; 0: exact.
    facility : numpy.ndarray of int, shape (n,)
        The nearest one of each point, -1: none.
    towards : pair of numpy.ndarray of float, shape (n,)
        Metres east and north from that facility to the point.
    runs, seed : int

    Returns
    -------
    Moves

    Examples
    --------
    >>> east = np.array([30.0, 0.0])
    >>> moves = moves_of(
    ...     "canteen", np.array([100.0]), facility=np.array([0, -1]),
    ...     towards=(east, np.zeros(2)), runs=1000, seed=1,
    ... )
    >>> longer = np.stack([moves.of_run(run) for run in range(1000)])
    >>> bool(np.abs(longer).max() <= 100.0), float(longer[:, 1].max()), moves.east.tolist()
    (True, 0.0, [1.0, 0.0])
    """
    vague = np.flatnonzero(error_m > 0.0)
    number = np.full(error_m.size + 1, -1, np.int64)
    number[vague] = np.arange(vague.size)
    rng = _generator(seed, _FACILITIES, layer)
    away, turn = rng.random((2, runs, vague.size))
    # The root makes the disc evenly filled.
    away = np.sqrt(away) * error_m[vague]
    turn = 2.0 * np.pi * turn
    length = np.hypot(*towards)
    there = length > 0.0
    return Moves(
        facility=number[facility],
        east=np.divide(towards[0], length, out=np.zeros_like(length), where=there),
        north=np.divide(towards[1], length, out=np.zeros_like(length), where=there),
        shift_m=np.stack([away * np.cos(turn), away * np.sin(turn)], axis=-1),
    )


def spread_part(room: Floats) -> Floats:
    """Return the part of a disc that lies on the near side of a line across it.

    Parameters
    ----------
    room : numpy.ndarray of float, shape (n,)
        How far the line is from the middle, in radii; -1 and below: nothing is on the near side.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        ½ + (z √(1 − z²) + arcsin z) ÷ π.

    Examples
    --------
    >>> spread_part(np.array([-2.0, -1.0, 0.0, 1.0])).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    z = np.clip(room, -1.0, 1.0)
    return np.clip(0.5 + (z * np.sqrt(1.0 - z * z) + np.arcsin(z)) / np.pi, 0.0, 1.0)


def draw_shares(
    journeys: Journeys,
    weight: Floats,
    draws: Draws,
    *,
    residuals: Residuals | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Floats:
    """Draw the share of people covered in each run.

    Parameters
    ----------
    journeys : Journeys
    weight : numpy.ndarray of float, shape (n,)
    draws : Draws
    residuals : Residuals, optional
        Of the points. The number of people of each unit is drawn evenly between its points and
        the official figure.
    advance : callable
        Told of each run.

    Returns
    -------
    numpy.ndarray of float, shape (runs,)
        From 0 to 1; NaN without people.

    Examples
    --------
    >>> metres = np.array([700.0, 800.0])
    >>> journeys = Journeys(
    ...     taken=metres, taken_least=metres, taken_most=metres, straight=metres,
    ...     straight_least=metres, error=np.zeros(2), way_out=metres * np.nan,
    ...     straight_out=metres * np.nan, unsnapped=np.zeros(2, bool), limit=750.0,
    ...     quick=0.75, slow=1.2,
    ... )
    >>> draws = Draws(runs=3, seed=1, factors=np.array([1.0, 0.9, 1.2]))
    >>> draw_shares(journeys, np.array([3.0, 1.0]), draws).tolist()
    [0.75, 1.0, 0.0]
    >>> draw_shares(journeys.take(np.arange(0)), np.empty(0), draws).tolist()
    [nan, nan, nan]
    """
    drawn = draws.causes(journeys, residuals)
    low = reaches(times(journeys, drawn, end="low"), journeys.limit)
    high = reaches(times(journeys, drawn, end="high"), journeys.limit)
    units = 0 if residuals is None else residuals.least.size
    unit = np.full(weight.size, -1, np.int64) if residuals is None else residuals.unit
    cell = np.where(unit >= 0, unit, units)
    whole = sums_by(cell, weight, units + 1)
    certain = sums_by(cell, weight * low, units + 1)
    # Whoever is covered at both ends, or at neither, is so in every run.
    rows = np.flatnonzero((low != high) & (weight > 0.0))
    some, people, cell = journeys.take(rows), weight[rows], cell[rows]
    moves = None if draws.moves is None else draws.moves.take(rows)
    rng = _generator(draws.seed, _PEOPLE)
    amounts = _amounts(residuals, seed=draws.seed, runs=draws.runs)
    shares = np.full(draws.runs, np.nan)
    for run in range(draws.runs):
        taken = some.taken
        if moves is not None:
            longer = taken + moves.of_run(run) * draws.seconds_per_metre
            taken = np.clip(longer, some.taken_least, some.taken_most)
        limit = (journeys.limit + SLACK) / (1.0 if draws.factors is None else draws.factors[run])
        part = _covered(limit - taken, some.error, draws.people_cause, rng)
        inside = certain + sums_by(cell, people * part, units + 1)
        factor, spare, spare_in = amounts(run)
        total = float(factor @ whole) + spare
        if total > 0.0:
            shares[run] = (float(factor @ inside) + spare_in) / total
        advance(1)
    return shares


def _covered(room: Floats, error: Floats, people_cause: str, rng: np.random.Generator) -> Floats:
    """Return the part of the people of each point that is covered in a run.

    ``room`` is what is left of the limit at the point itself, NaN where there is no way.
    """
    plain = (room >= 0.0).astype(np.float64)
    vague = error > _EXACT
    if not vague.any():
        return plain
    radii = np.where(np.isnan(room), -1.0, room / np.where(vague, error, 1.0))
    if people_cause == "cell_size":
        part = spread_part(radii)
    else:
        # One coordinate of a place drawn evenly from a disc.
        away, turn = rng.random((2, room.size))
        part = (np.sqrt(away) * np.cos(2.0 * np.pi * turn) <= radii).astype(np.float64)
    return np.where(vague, part, plain)


def _amounts(
    residuals: Residuals | None, *, seed: int, runs: int
) -> Callable[[int], tuple[Floats, float, float]]:
    """Return the function that tells, for a run, each unit's factor, people added, and covered."""
    if residuals is None:
        return lambda _: (np.ones(1), 0.0, 0.0)
    rng = _generator(seed, _RESIDUALS)
    between, added, inside = rng.random((3, runs, residuals.least.size))
    span = residuals.least * residuals.most - 1.0
    factor = np.concatenate([1.0 + between * span, np.ones((runs, 1))], axis=1)
    spare = added * residuals.spare
    return lambda run: (
        factor[run],
        float(spare[run].sum()),
        float((spare[run] * inside[run]).sum()),
    )
