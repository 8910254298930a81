"""Assignment with capacity: who gets a place at which facility, and who is left without one.

Two rules. **Nearest first**: of all pairs of a point and a facility in reach the nearest comes
first, and takes as many people as are left at the point and as there is room for; ties go by the
order of the points, then of the facilities. **Least time**: as many people as possible get a place,
and of all ways to do so the one with the least total time (minimum-cost flow).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.measure.least_time import least_time_flows
from servicecircle.network.compiled import compiled

__all__ = ["Placement", "least_time", "nearest_first"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Times that differ by less are ties: rounding in sums does not decide who comes first.
_TIE = 1e-6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Placement:
    """Who goes where.

    Parameters
    ----------
    flow : scipy.sparse.csr_array, shape (points, facilities)
        People of each point at each facility; the same entries as the costs.
    left : numpy.ndarray of float, shape (points,)
        People without a place.
    load : numpy.ndarray of float, shape (facilities,)
        People at each facility.
    cost : float
        Total over all people placed.
    placed : float
        People placed.
    gap : float
        At most so much above the least possible is ``cost`` among all ways to place as many, by
        linear duality; NaN for a rule that does not ask for it.
    """

    flow: csr_array
    left: Floats
    load: Floats
    cost: float
    placed: float
    gap: float = float("nan")


def nearest_first(cost: csr_array, people: Floats, capacity: Floats) -> Placement:
    """Give places in the order of travel, the nearest pair of all first.

    Nobody then has a place at a farther facility while a nearer one has room, or holds somebody
    who comes from farther off.

    Parameters
    ----------
    cost : scipy.sparse.csr_array, shape (points, facilities)
        Of each pair in reach; a stored 0 is a cost of 0.
    people : numpy.ndarray of float, shape (points,)
        Who need a place; parts of persons are allowed.
    capacity : numpy.ndarray of float, shape (facilities,)

    Returns
    -------
    Placement

    Raises
    ------
    ValueError
        If people, places or costs are negative or NaN, or their shapes do not match.

    Examples
    --------
    The home with one bed goes to the nearer of two people; the other has to go farther:

    >>> minutes = csr_array(np.array([[2.0, 3.0], [1.0, 9.0]]))
    >>> found = nearest_first(minutes, np.array([1.0, 1.0]), np.array([1.0, 5.0]))
    >>> found.flow.toarray().tolist(), found.cost, found.left.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], 4.0, [0.0, 0.0])
    >>> nearest_first(csr_array((1, 0)), np.array([3.0]), np.empty(0)).left.tolist()
    [3.0]
    """
    _check(cost, people, capacity)
    rows = np.repeat(np.arange(people.size, dtype=np.int64), np.diff(cost.indptr))
    columns = cost.indices.astype(np.int64)
    # Rows and, within them, columns ascend, so that a stable sort keeps that order in ties.
    order = np.argsort(np.round(cost.data / _TIE), kind="stable")
    flow = _serve(order, rows, columns, people.astype(np.float64), capacity.astype(np.float64))
    return _placement(cost, flow, people, rows)


def least_time(cost: csr_array, people: Floats, capacity: Floats) -> Placement:
    """Place as many people as possible, and these with the least total cost.

    Parameters
    ----------
    cost : scipy.sparse.csr_array, shape (points, facilities)
        Of each pair in reach; a stored 0 is a cost of 0.
    people : numpy.ndarray of float, shape (points,)
    capacity : numpy.ndarray of float, shape (facilities,)

    Returns
    -------
    Placement
        With whole numbers of people and places all flows are whole. ``gap`` proves it to be
        least: see :func:`servicecircle.measure.least_time.least_time_flows`.

    Raises
    ------
    ValueError
        If people, places or costs are negative or NaN, or their shapes do not match.

    Examples
    --------
    Here it is better for all that the farther person gets the nearer home:

    >>> minutes = csr_array(np.array([[2.0, 3.0], [1.0, 9.0]]))
    >>> found = least_time(minutes, np.array([1.0, 1.0]), np.array([1.0, 5.0]))
    >>> found.flow.toarray().tolist(), found.cost, found.gap
    ([[0.0, 1.0], [1.0, 0.0]], 4.0, 0.0)
    >>> found = least_time(minutes, np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    >>> found.cost, found.left.tolist()
    (1.0, [1.0, 0.0])
    >>> least_time(csr_array((1, 0)), np.array([3.0]), np.empty(0)).left.tolist()
    [3.0]
    """
    _check(cost, people, capacity)
    found = least_time_flows(cost, people.astype(np.float64), capacity.astype(np.float64))
    rows = np.repeat(np.arange(people.size, dtype=np.int64), np.diff(cost.indptr))
    return _placement(cost, found.flow, people, rows, gap=found.gap)


def _check(cost: csr_array, people: Floats, capacity: Floats) -> None:
    if cost.shape != (people.size, capacity.size):
        raise ValueError(
            f"costs of shape {cost.shape} do not go with {people.size} points "
            f"and {capacity.size} facilities"
        )
    for name, values in (("people", people), ("places", capacity), ("costs", cost.data)):
        if not (np.isfinite(values) & (values >= 0.0)).all():
            raise ValueError(f"{name} are 0 or more, and known")
    if not cost.has_canonical_format:
        raise ValueError("each pair stands once, in ascending order")


def _placement(
    cost: csr_array, flow: Floats, people: Floats, rows: Ints, *, gap: float = float("nan")
) -> Placement:
    placed = np.bincount(rows, flow, people.size)
    left = np.where(placed > 0.0, np.maximum(people - placed, 0.0), people)
    # What is left of rounding is nobody.
    left[left <= people * 1e-12] = 0.0
    return Placement(
        flow=csr_array((flow, cost.indices, cost.indptr), shape=cost.shape),
        left=left,
        load=np.bincount(cost.indices, flow, cost.shape[1]).astype(np.float64),
        cost=float(flow @ cost.data),
        placed=float(flow.sum()),
        gap=gap,
    )


@compiled()
def _serve(order: Ints, rows: Ints, columns: Ints, people: Floats, capacity: Floats) -> Floats:
    """Return the people of each pair, pairs served in an order."""
    flow = np.zeros(rows.size)
    waiting, room = people.copy(), capacity.copy()
    for pair in order:
        point, facility = rows[pair], columns[pair]
        if waiting[point] > 0.0 and room[facility] > 0.0:
            taken = min(waiting[point], room[facility])
            flow[pair] = taken
            waiting[point] = 0.0 if taken == waiting[point] else waiting[point] - taken
            room[facility] = 0.0 if taken == room[facility] else room[facility] - taken
    return flow
