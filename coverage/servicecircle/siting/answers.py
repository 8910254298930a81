"""What open sites mean for people, and the answer told with its bound and gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.network.compiled import compiled
from servicecircle.siting.model import Answer, SitingModel, Status

__all__ = ["gap_of", "nearest_open", "no_answer", "told"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@compiled()
def _nearest(
    starts: Any, columns: Any, costs: Floats, is_open: Bools, site: Ints, least: Floats
) -> None:
    for row in range(site.size):
        for at in range(starts[row], starts[row + 1]):
            column = columns[at]
            if is_open[column] and (site[row] < 0 or costs[at] < least[row]):
                site[row], least[row] = column, costs[at]


def nearest_open(pairs: csr_array, open_sites: Bools) -> tuple[Floats, Ints]:
    """Return the cost to the nearest open site of each point, and which one it is.

    Parameters
    ----------
    pairs : scipy.sparse.csr_array, shape (d, c)
        Costs within the limit, as ``SitingModel.pairs``.
    open_sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    numpy.ndarray of float, shape (d,)
        NaN where no open site is within the limit.
    numpy.ndarray of int64, shape (d,)
        The lowest number among equally near ones; -1 where none is within the limit.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> pairs = csr_array([[3.0, 2.0], [4.0, 0.0], [0.0, 0.0]])
    >>> cost, site = nearest_open(pairs, np.array([True, True]))
    >>> cost.tolist(), site.tolist()
    ([2.0, 4.0, nan], [1, 0, -1])
    """
    points = pairs.shape[0]
    site, least = np.full(points, -1, np.int64), np.full(points, np.nan)
    costs = np.asarray(pairs.data, np.float64)
    _nearest(pairs.indptr, pairs.indices, costs, np.asarray(open_sites, np.bool_), site, least)
    return least, site


def gap_of(objective: float, bound: float) -> float:
    """Return how far an objective is from its bound, as a share of the greater of both.

    Examples
    --------
    >>> gap_of(90.0, 100.0), gap_of(0.0, 0.0), gap_of(float("nan"), 3.0)
    (0.1, 0.0, nan)
    """
    if np.isnan(objective) or np.isnan(bound):
        return float("nan")
    if objective == bound:
        return 0.0
    if np.isinf(bound):
        return 1.0
    return float(abs(objective - bound) / max(abs(objective), abs(bound)))


def told(
    model: SitingModel,
    open_sites: Bools,
    *,
    objective: float,
    bound: float,
    status: Status,
    seconds: float,
    method: str,
) -> Answer:
    """Return the answer of open sites that serve everybody within their reach.

    Parameters
    ----------
    model : SitingModel
    open_sites : numpy.ndarray of bool, shape (c,)
    objective, bound : float
    status : {"optimal", "feasible"}
    seconds : float
    method : str

    Returns
    -------
    Answer
    """
    _, site = nearest_open(model.pairs, open_sites)
    return Answer(
        status=status,
        open=np.asarray(open_sites, np.bool_),
        objective=objective,
        bound=bound,
        gap=gap_of(objective, bound),
        served=np.where(site >= 0, model.weights, 0.0),
        site=site,
        seconds=seconds,
        method=method,
    )


def no_answer(
    model: SitingModel,
    *,
    status: Status,
    bound: float,
    seconds: float,
    method: str,
    reasons: tuple[tuple[str, Ints], ...] = (),
) -> Answer:
    """Return an answer without sites: infeasible with its reasons, or out of time.

    Parameters
    ----------
    model : SitingModel
    status : {"infeasible", "no_answer"}
    bound : float
        NaN where infeasible.
    seconds : float
    method : str
    reasons : tuple of (str, numpy.ndarray of int64)

    Returns
    -------
    Answer
    """
    points, nan = model.weights.size, float("nan")
    return Answer(
        status=status,
        open=np.zeros(model.cost.size, np.bool_),
        objective=nan,
        bound=bound,
        gap=nan,
        served=np.zeros(points),
        site=np.full(points, -1, np.int64),
        seconds=seconds,
        method=method,
        reasons=reasons,
    )
