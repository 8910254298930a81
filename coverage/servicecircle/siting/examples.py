"""Small models for examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from servicecircle.siting.model import SitingModel

__all__ = ["small_model", "three_sites"]


def small_model(
    costs: Sequence[Sequence[float]], *, weights: Sequence[float], **changes: Any
) -> SitingModel:
    """Return a model in which nothing is kept, forbidden or asked for.

    Parameters
    ----------
    costs : sequence of sequence of float, shape (d, c)
        From each point to each candidate; 0: out of reach.
    weights : sequence of float, length d
    **changes
        Fields of the model that are otherwise.

    Examples
    --------
    >>> small_model([[3.0, 0.0]], weights=[7.0]).pairs.shape
    (1, 2)
    """
    pairs = csr_array(np.array(costs, np.float64))
    points, sites = pairs.shape
    nothing = np.zeros(sites, bool)
    given: dict[str, Any] = {
        "weights": np.array(weights, np.float64),
        "pairs": pairs,
        "kept": nothing,
        "closable": nothing,
        "mandatory": nothing,
        "forbidden": nothing,
        "cost": np.ones(sites),
        "capacity": np.full(sites, np.inf),
        "units": np.full(points, -1, np.int64),
        "site_units": np.full(sites, -1, np.int64),
        "floors": np.empty(0),
        "presence": np.empty(0, np.int64),
        "apart": np.empty((0, 2), np.int64),
    }
    return SitingModel(**{**given, **changes})


def three_sites() -> SitingModel:
    """Return three sites in a line, the first one existing, the others too close together.

    Examples
    --------
    >>> three_sites().kept.tolist(), three_sites().apart.tolist()
    ([True, False, False], [[1, 2]])
    """
    first = np.array([True, False, False])
    return small_model(
        [[1.0, 2.0, 3.0], [2.0, 1.0, 2.0], [3.0, 2.0, 1.0]],
        weights=[1.0, 1.0, 1.0],
        kept=first,
        closable=first,
        cost=np.array([0.0, 1.0, 1.0]),
        units=np.zeros(3, np.int64),
        site_units=np.zeros(3, np.int64),
        floors=np.array([np.nan]),
        presence=np.array([0]),
        apart=np.array([[1, 2]]),
    )
