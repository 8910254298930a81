"""Evidence for a datum: how well a layer fits what is known, under each hypothesis.

Every kind of evidence compares the hypotheses item by item (points, or places along an outline)
by a one-sided sign test, and then asks whether copies of the layer shifted in all directions would
fit better still: a layer that was converted twice fits none of the hypotheses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from servicecircle.datums import to_wgs84

__all__ = [
    "FARTHEST_M",
    "HYPOTHESES",
    "MOST_CHANCE",
    "SHIFTS_M",
    "Evidence",
    "Places",
    "compare_distances",
    "compare_hits",
    "convert",
    "flat",
    "no_evidence",
    "same_places",
    "sign_test",
    "thin",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = tuple[Floats, Floats]
Kind = Literal["units", "roads", "outlines", "namesakes"]

HYPOTHESES = ("wgs84", "gcj02", "bd09")
"""``wgs84`` stands for CGCS2000 too. The order settles ties in the listing only."""
MOST_CHANCE = 0.01
LEAST_SHARE = 0.5
MOST_OF_SHIFT = 0.5
"""A typical distance must stay below this share of the shift between two hypotheses."""
MOST_ITEMS = 2000
MOST_SHIFTED_ITEMS = 300
FARTHEST_M = 3000.0
TELLING_M = 1500.0
"""An item farther than this under every hypothesis has nothing to do with what is near."""
_SAME_DEGREES = 1e-7
_METRES_PER_DEGREE = 111_320.0
_SOFT_M = 5.0
_DIRECTIONS, _LENGTHS_M = 32, (250.0, 500.0, 750.0, 1000.0)
_ANGLES = np.arange(_DIRECTIONS) * 2.0 * np.pi / _DIRECTIONS
SHIFTS_M: Floats = np.concatenate(
    [length * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]) for length in _LENGTHS_M]
)
"""Shifts of the copies, metres east and north, shape (128, 2)."""
MOST_BETTER_SHIFTS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well each hypothesis fits one thing that is known.

    Parameters
    ----------
    kind : {"units", "roads", "outlines", "namesakes"}
    against : str
        What the layer was compared with, in the words of the project.
    items : int
        Points or places compared.
    scores : mapping of str to float
        Datum → items in their unit (``units``), or the median distance in metres.
    winner : str
        The best datum.
    chance : float
        Largest probability, over the other datums, that the winner would do so much better were
        both equally good (one-sided sign test); 1 where nothing tells them apart.
    fits : bool
        Whether the winner fits well enough to be the truth, and not only better than the others.
    better_shifts : int or None
        How many of the shifted copies fit better than the winner; None where not asked.
    """

    kind: Kind
    against: str
    items: int
    scores: Mapping[str, float]
    winner: str
    chance: float
    fits: bool
    better_shifts: int | None = None

    def figures(self) -> str:
        """Return the figures in one line, without words of a language."""
        if self.kind == "units":
            parts = [f"{datum} {self.scores[datum]:g}/{self.items}" for datum in HYPOTHESES]
        else:
            parts = [f"{datum} {self.scores[datum]:.0f} m" for datum in HYPOTHESES]
            parts[-1] += f" (n = {self.items})"
        shown = f"{', '.join(parts)}; p = {self.chance:.2g}"
        if self.better_shifts is not None:
            shown += f"; {self.better_shifts}/{len(SHIFTS_M)}"
        return shown


def convert(lon: ArrayLike, lat: ArrayLike) -> dict[str, Places]:
    """Return where points lie in WGS84 under each hypothesis.

    Examples
    --------
    >>> places = convert([120.0], [30.0])
    >>> [round(float(lon[0]), 3) for lon, _ in places.values()]
    [120.0, 119.995, 119.989]
    """
    return {datum: to_wgs84(lon, lat, datum=datum) for datum in HYPOTHESES}


def same_places(one: Places, other: Places) -> bool:
    """Return whether two hypotheses put the points at the same places, as outside China.

    Examples
    --------
    >>> places = convert([121.5], [25.05])  # Taipei
    >>> same_places(places["wgs84"], places["gcj02"])
    True
    """
    return all(
        bool(np.allclose(first, second, rtol=0.0, atol=_SAME_DEGREES))
        for first, second in zip(one, other, strict=True)
    )


def flat(lon: ArrayLike, lat: ArrayLike, *, at: float) -> Floats:
    """Return points in metres, on a plane that is true to scale at one latitude.

    Distances of some kilometres are good to some per cent, which is all that a test needs.

    Examples
    --------
    >>> flat([1.0], [0.0], at=60.0).round().tolist()
    [[55660.0, 0.0]]
    """
    x = np.asarray(lon, np.float64) * np.cos(np.radians(at)) * _METRES_PER_DEGREE
    return np.column_stack([x, np.asarray(lat, np.float64) * _METRES_PER_DEGREE])


def thin(count: int, *, most: int = MOST_ITEMS) -> NDArray[np.intp]:
    """Return at most so many of the numbers below ``count``, evenly spaced.

    Examples
    --------
    >>> thin(5, most=3).tolist(), thin(0).tolist()
    ([0, 2, 4], [])
    """
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).astype(np.intp))


def sign_test(better: Bools, worse: Bools) -> float:
    """Return the chance of so few items speaking against, were both equally good.

    Examples
    --------
    >>> sign_test(np.ones(7, bool), np.zeros(7, bool)) == 0.5**7
    True
    >>> sign_test(np.zeros(0, bool), np.zeros(0, bool))
    1.0
    """
    ahead, behind = int(better.sum()), int(worse.sum())
    # The binomial distribution by its integral: scipy.stats takes a second to load.
    return float(betainc(ahead, behind + 1, 0.5)) if ahead else 1.0


def compare_hits(
    hits: Mapping[str, Bools],
    *,
    against: str,
    places: Mapping[str, Places],
    shifted: Callable[[str, NDArray[np.intp]], NDArray[np.bool_]] | None = None,
) -> Evidence:
    """Compare hypotheses by the points that they put into the stated unit.

    Parameters
    ----------
    hits : mapping of str to numpy.ndarray of bool, shape (n,)
        Datum → whether the point lies in its unit.
    against : str
    places : mapping of str to places
        Datum → where the points are.
    shifted : callable, optional
        From a datum and ``m`` of the points to whether each lies in its unit when shifted by each
        of :data:`SHIFTS_M`: an array of bool, shape (128, m).

    Examples
    --------
    >>> hits = {"wgs84": np.ones(8, bool), "gcj02": np.zeros(8, bool), "bd09": np.zeros(8, bool)}
    >>> found = compare_hits(hits, against="", places=convert(np.full(8, 120.0), np.full(8, 30.0)))
    >>> found.winner, found.chance == 0.5**8, found.figures()
    ('wgs84', True, 'wgs84 8/8, gcj02 0/8, bd09 0/8; p = 0.0039')
    """
    items = len(next(iter(hits.values())))
    scores = {datum: float(hits[datum].sum()) for datum in HYPOTHESES}
    winner = best_of(scores)
    best = hits[winner]
    chances = [
        sign_test(best & ~hits[other], hits[other] & ~best)
        for other in HYPOTHESES
        if other != winner and not same_places(places[winner], places[other])
    ]
    fits = items > 0 and scores[winner] >= LEAST_SHARE * items
    better = None
    if shifted is not None and items:
        some = thin(items, most=MOST_SHIFTED_ITEMS)
        own = best[some]
        # Among so many copies one is better by chance; none may be better beyond that.
        beaten = [sign_test(copy & ~own, own & ~copy) for copy in shifted(winner, some)]
        better = sum(chance < MOST_CHANCE / len(SHIFTS_M) for chance in beaten)
        fits = fits and better == 0
    return Evidence(
        kind="units",
        against=against,
        items=items,
        scores=scores,
        winner=winner,
        chance=max(chances, default=1.0),
        fits=bool(fits),
        better_shifts=better,
    )


def compare_distances(
    distance: Callable[[str, NDArray[np.intp], Floats], Floats],
    *,
    items: int,
    kind: Kind,
    against: str,
    places: Mapping[str, Places],
) -> Evidence:
    """Compare hypotheses by how near they put the items to what they should be near to.

    An item speaks for the datum under which it is nearer; items that are far under all of them say
    nothing. The winner fits if its median distance is below half of the shift to each of the
    others, and at most one in a hundred of its copies, shifted by 250 to 1,000 m in 32 directions,
    has a smaller geometric mean of distances.

    Parameters
    ----------
    distance : callable
        From a datum, items and a shift (metres east and north) to the distance of each of the
        items in metres, at most :data:`FARTHEST_M`.
    items : int
    kind, against : str
    places : mapping of str to places
        Datum → where the layer is.

    Examples
    --------
    >>> def distance(datum, items, shift):
    ...     metres = {"wgs84": 500.0, "gcj02": 10.0, "bd09": 600.0}[datum]
    ...     return np.full(len(items), 300.0 if shift.any() else metres)
    >>> places = convert(np.full(9, 120.0), np.full(9, 30.0))
    >>> found = compare_distances(
    ...     distance, items=9, kind="roads", against="roads.osm", places=places
    ... )
    >>> found.winner, found.fits
    ('gcj02', True)
    >>> found.figures()
    'wgs84 500 m, gcj02 10 m, bd09 600 m (n = 9); p = 0.002; 0/128'
    """
    nowhere = np.zeros(2)
    metres = {datum: distance(datum, np.arange(items), nowhere) for datum in HYPOTHESES}
    near = np.flatnonzero(np.min(list(metres.values()), axis=0) < TELLING_M)
    if not near.size:
        return no_evidence(kind, against)
    metres = {datum: values[near] for datum, values in metres.items()}
    winner = best_of({datum: -_mean_log(metres[datum]) for datum in HYPOTHESES})
    best = metres[winner]
    chances, apart = [], []
    for other in HYPOTHESES:
        if other != winner and not same_places(places[winner], places[other]):
            chances.append(sign_test(best < metres[other], metres[other] < best))
            apart.append(_apart_m(places[winner], places[other]))
    some = thin(near.size, most=MOST_SHIFTED_ITEMS)
    own = _mean_log(best[some])
    better = sum(_mean_log(distance(winner, near[some], shift)) < own for shift in SHIFTS_M)
    close = bool(apart) and float(np.median(best)) < MOST_OF_SHIFT * min(apart)
    return Evidence(
        kind=kind,
        against=against,
        items=near.size,
        scores={datum: float(np.median(metres[datum])) for datum in HYPOTHESES},
        winner=winner,
        chance=max(chances, default=1.0),
        fits=close and better <= MOST_BETTER_SHIFTS * len(SHIFTS_M),
        better_shifts=better,
    )


def no_evidence(kind: Kind, against: str) -> Evidence:
    """Return the evidence of nothing.

    Examples
    --------
    >>> no_evidence("roads", "").figures()
    'wgs84 nan m, gcj02 nan m, bd09 nan m (n = 0); p = 1'
    """
    scores = dict.fromkeys(HYPOTHESES, float("nan"))
    return Evidence(
        kind=kind, against=against, items=0, scores=scores, winner="wgs84", chance=1.0, fits=False
    )


def best_of(scores: Mapping[str, float]) -> str:
    """Return the datum with the highest score, the first of equal ones."""
    return max(HYPOTHESES, key=lambda datum: (scores[datum], -HYPOTHESES.index(datum)))


def _mean_log(metres: Floats) -> float:
    return float(np.log(metres + _SOFT_M).mean()) if len(metres) else np.inf


def _apart_m(one: Places, other: Places) -> float:
    at = float(np.mean(one[1]))
    return float(np.median(np.linalg.norm(flat(*one, at=at) - flat(*other, at=at), axis=1)))
