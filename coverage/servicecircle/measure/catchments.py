"""Floating catchments: places for each person within reach, where people compete for them.

With S_j the places of facility j, P_i the people at point i, d_ij the time between them, d0 the
limit and W a weight of time (0 beyond the limit):

- 2SFCA: R_j = S_j / sum(P_k; d_kj <= d0) and A_i = sum(R_j; d_ij <= d0) (Luo & Wang 2003,
  Environment and Planning B 30, 865-884).
- E2SFCA: R_j = S_j / sum(P_k W_kj) and A_i = sum(R_j W_ij), with W constant in each zone of time
  (Luo & Qi 2009, Health & Place 15, 1100-1107), or Gaussian, going down to 0 at the limit:
  W(d) = (exp(-(d/d0)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2)) (Dai 2010, Health & Place 16,
  1038-1052).
- 3SFCA: with G_ij = W_ij / sum(W_ik; d_ik <= d0), the part of the people of i that chooses j,
  R_j = S_j / sum(G_kj P_k W_kj) and A_i = sum(G_ij R_j W_ij) (Wan, Zou & Sternberg 2012,
  International Journal of Geographical Information Science 26, 1073-1089).

In each of them sum(A_i P_i) is the sum of S_j over the facilities that somebody with a weight
reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.measure.access import SLACK

__all__ = [
    "METHODS",
    "Competition",
    "Method",
    "floating_catchments",
    "gaussian_weights",
    "step_weights",
]

Floats = NDArray[np.float64]
Method = Literal["2sfca", "e2sfca", "3sfca"]
METHODS: tuple[Method, ...] = ("2sfca", "e2sfca", "3sfca")

_FLOOR = float(np.exp(-0.5))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Competition:
    """Places and people within reach of each other.

    Parameters
    ----------
    weighted : numpy.ndarray of float, shape (facilities,)
        People who compete for each facility, by their weights.
    ratio : numpy.ndarray of float, shape (facilities,)
        Places for each of them; NaN where nobody with a weight is in reach.
    score : numpy.ndarray of float, shape (points,)
        Places for a person at each point; 0 where no facility is in reach.
    """

    weighted: Floats
    ratio: Floats
    score: Floats


def gaussian_weights(cost: Floats, limit: float) -> Floats:
    """Return Dai's weights: 1 at no cost, 0 at the limit and beyond.

    Parameters
    ----------
    cost : numpy.ndarray of float
    limit : float
        In the unit of the cost.

    Returns
    -------
    numpy.ndarray of float
        From 0 to 1, as many as costs. With a limit of 0 what costs nothing has weight 1.

    Raises
    ------
    ValueError
        If the limit is negative or NaN.

    Examples
    --------
    >>> gaussian_weights(np.array([0.0, 15.0, 30.0, 31.0]), 30).round(6).tolist()
    [1.0, 0.701367, 0.0, 0.0]
    >>> gaussian_weights(np.array([0.0, 1.0]), 0).tolist(), gaussian_weights(np.empty(0), 9).size
    ([1.0, 0.0], 0)
    """
    if not limit >= 0.0:
        raise ValueError(f"a limit is 0 or more, not {limit}")
    if limit == 0.0:
        return np.where(cost <= 0.0, 1.0, 0.0)
    weights = (np.exp(-0.5 * np.square(cost / limit)) - _FLOOR) / (1.0 - _FLOOR)
    return np.maximum(weights, 0.0)


def step_weights(cost: Floats, steps: Sequence[tuple[float, float]]) -> Floats:
    """Return the weight of the zone that each cost lies in; 0 beyond the last.

    Parameters
    ----------
    cost : numpy.ndarray of float
    steps : sequence of (end, weight)
        Zones in ascending order; a cost at an end, with a slack of 1e-6, belongs to it.

    Raises
    ------
    ValueError
        If ends do not ascend or a weight is negative.

    Examples
    --------
    >>> zones = [(10, 1.0), (20, 0.68), (30, 0.22)]
    >>> step_weights(np.array([0.0, 10.0, 10.1, 31.0]), zones).tolist()
    [1.0, 1.0, 0.68, 0.0]
    >>> step_weights(np.array([1.0]), []).tolist()
    [0.0]
    """
    ends = np.array([end for end, _ in steps], np.float64)
    weights = np.array([*(weight for _, weight in steps), 0.0], np.float64)
    if (np.diff(ends) <= 0.0).any() or not (weights >= 0.0).all():
        raise ValueError(f"zones end one after the other and weigh 0 or more, not {list(steps)}")
    found: Floats = weights[np.searchsorted(ends + SLACK, cost, side="left")]
    return found


def floating_catchments(
    weights: csr_array, people: Floats, capacity: Floats, *, method: Method
) -> Competition:
    """Return what each facility has for each person in reach, and each person from all in reach.

    Parameters
    ----------
    weights : scipy.sparse.csr_array, shape (points, facilities)
        Weight of each pair within the limit; stored entries are in reach, also those of weight 0.
        2SFCA takes each of them as 1.
    people : numpy.ndarray of float, shape (points,)
        Who compete.
    capacity : numpy.ndarray of float, shape (facilities,)
        Places; 0 is a facility that has none.
    method : {"2sfca", "e2sfca", "3sfca"}

    Returns
    -------
    Competition

    Raises
    ------
    ValueError
        If people, places or weights are negative or NaN, or their shapes do not match.

    Examples
    --------
    Of 60 and 40 people both reach the first home, the latter also the second:

    >>> reach = csr_array(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]))
    >>> people, beds = np.array([60.0, 40.0, 5.0]), np.array([10.0, 2.0])
    >>> found = floating_catchments(reach, people, beds, method="2sfca")
    >>> found.ratio.tolist(), found.score.round(6).tolist()
    ([0.1, 0.05], [0.1, 0.15, 0.0])
    >>> floating_catchments(reach[:, :0], people, beds[:0], method="3sfca").score.tolist()
    [0.0, 0.0, 0.0]
    """
    if weights.shape != (people.size, capacity.size):
        raise ValueError(
            f"weights of shape {weights.shape} do not go with {people.size} points "
            f"and {capacity.size} facilities"
        )
    for name, values in (("people", people), ("places", capacity), ("weights", weights.data)):
        if not (np.isfinite(values) & (values >= 0.0)).all():
            raise ValueError(f"{name} are 0 or more, and known")
    share = np.ones(weights.nnz) if method == "2sfca" else weights.data.astype(np.float64)
    rows = np.repeat(np.arange(people.size), np.diff(weights.indptr))
    columns = weights.indices
    if method == "3sfca":
        sums = np.bincount(rows, share, people.size)[rows]
        chosen = np.divide(share, sums, out=np.zeros(share.size), where=sums > 0.0)
        share = chosen * share
    # Sums of nothing are of whole numbers.
    weighted = np.bincount(columns, share * people[rows], capacity.size).astype(np.float64)
    ratio = np.full(capacity.size, np.nan)
    np.divide(capacity, weighted, out=ratio, where=weighted > 0.0)
    given = np.where(weighted > 0.0, ratio, 0.0)
    score = np.bincount(rows, share * given[columns], people.size).astype(np.float64)
    return Competition(weighted=weighted, ratio=ratio, score=score)
