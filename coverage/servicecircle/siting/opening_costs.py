"""What the sites of a set cost the points that any of them reaches, and what each one adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.model import Objective, SitingModel

__all__ = ["Near", "Score", "near_of", "nearest_costs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Measure = Literal["cover", "mean", "worst"]
Score = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Near:
    """Ways from points to the sites of a set, and to what is open anyway.

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (m,)
        People; points that see the same of the set may be one.
    row, site : numpy.ndarray of int64, shape (w,)
        Point and site (by its number in the set) of each way, row by row, the cheapest first.
    cost : numpy.ndarray of float, shape (w,)
    before : numpy.ndarray of float, shape (m,)
        To the nearest site that is open anyway, infinite where none is in reach.
    count : int
        Sites of the set.
    measure : {"cover", "mean", "worst"}
        What is good: many people in reach; or that, and then a small sum, or a small greatest, of
        their costs.
    """

    weights: Floats
    row: Ints
    site: Ints
    cost: Floats
    before: Floats
    count: int
    measure: Measure

    def taken(self, chosen: Bools) -> Floats:
        """Return the cost of each point to the nearest of some of the sites, or what is open."""
        found = self.before.copy()
        inside = chosen[self.site]
        np.minimum.at(found, self.row[inside], self.cost[inside])
        return found

    def score(self, chosen: Bools) -> Score:
        """Return people in reach, and the cost (negative), of some of the sites.

        Examples
        --------
        >>> near = Near(
        ...     weights=np.array([5.0, 2.0]), row=np.array([0, 1]), site=np.array([0, 1]),
        ...     cost=np.array([1.0, 4.0]), before=np.full(2, np.inf), count=2, measure="mean",
        ... )
        >>> near.score(np.array([True, True])), near.score(np.array([False, False]))
        ((7.0, -13.0), (0.0, -0.0))
        """
        return self._scored(self.taken(chosen))

    def _scored(self, taken: Floats) -> Score:
        there = np.isfinite(taken) & (self.weights > 0.0)
        people = float(self.weights[there].sum())
        if self.measure == "cover":
            return people, 0.0
        if self.measure == "mean":
            return people, -float(self.weights[there] @ taken[there])
        return people, -float(taken[there].max(initial=0.0))

    def gains(self, chosen: Bools) -> tuple[Floats, Floats]:
        """Return what each site would add to some of them: people, and cost (negative)."""
        taken = self.taken(chosen)
        people = self.weights[self.row]
        new = np.isinf(taken[self.row])
        more = self._by_site(np.where(new, people, 0.0))
        if self.measure == "cover":
            return more, np.zeros(self.count)
        if self.measure == "mean":
            now = np.where(new, 0.0, taken[self.row])
            less = np.where(new, -self.cost, np.maximum(now - self.cost, 0.0))
            return more, self._by_site(people * less)
        return more, self._one_by_one(chosen, more, add=True)

    def losses(self, chosen: Bools) -> tuple[Floats, Floats]:
        """Return what some of the sites would have without each of them: people, and cost.

        Negative: less than they have.
        """
        inside = np.flatnonzero(chosen[self.site])
        row, site, cost = self.row[inside], self.site[inside], self.cost[inside]
        # Ways are sorted, so that the first of a row is the cheapest and the next the second best.
        first = np.ones(row.size, bool)
        first[1:] = row[1:] != row[:-1]
        best = first & (cost < self.before[row])
        at = np.flatnonzero(best)
        after = at + 1
        has = (after < row.size) & (row[np.minimum(after, row.size - 1)] == row[at])
        second = np.where(has, cost[np.minimum(after, max(row.size - 1, 0))], np.inf)
        second = np.minimum(second, self.before[row[at]])
        people = self.weights[row[at]]
        lost = np.isinf(second)
        fewer = -self._sums(site[at], np.where(lost, people, 0.0))
        if self.measure == "cover":
            return fewer, np.zeros(self.count)
        if self.measure == "mean":
            more = np.where(lost, cost[at], cost[at] - np.where(lost, 0.0, second))
            return fewer, self._sums(site[at], people * more)
        return fewer, self._one_by_one(chosen, fewer, add=False)

    def _by_site(self, values: Floats) -> Floats:
        return self._sums(self.site, values)

    def _sums(self, site: Ints, values: Floats) -> Floats:
        found: Floats = np.bincount(site, values, minlength=self.count).astype(np.float64)
        return found

    def _one_by_one(self, chosen: Bools, people: Floats, *, add: bool) -> Floats:
        """Return the greatest cost with one site changed, of those that change people the least.

        A greatest cost is no sum over the points, and only decides among equals.
        """
        found = np.full(self.count, -np.inf)
        some = np.flatnonzero(chosen != add)
        if not some.size:
            return found
        trial = chosen.copy()
        for site in some[people[some] == people[some].max()].tolist():
            trial[site] = add
            found[site] = self.score(trial)[1]
            trial[site] = not add
        return found


def near_of(model: SitingModel, sites: Ints, objective: Objective, *, open_before: Bools) -> Near:
    """Return what some sites cost the points that any of them reaches.

    For coverage points that see the same of the sites are put together.

    Parameters
    ----------
    model : SitingModel
    sites : numpy.ndarray of int64, shape (s,)
        Columns of the model.
    objective : str
    open_before : numpy.ndarray of bool, shape (c,)
        Sites that are open before any of these.

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> no = np.zeros(2, bool)
    >>> model = small_model(
    ...     [[1.0, 2.0], [3.0, 4.0], [0.0, 6.0], [0.0, 0.0]], weights=[5.0, 9.0, 2.0, 1.0]
    ... )
    >>> near = near_of(model, np.array([0, 1]), "cover", open_before=no)
    >>> near.weights.tolist(), near.row.tolist(), near.site.tolist()
    ([14.0, 2.0], [0, 0, 1], [0, 1, 1])
    >>> near_of(model, np.array([0, 1]), "mean", open_before=no).cost.tolist()
    [1.0, 2.0, 3.0, 4.0, 6.0]
    >>> near_of(model, np.array([], int), "cover", open_before=no).weights.tolist()
    []
    """
    pairs = model.pairs
    number = np.full(pairs.shape[1], -1, np.int64)
    number[sites] = np.arange(sites.size)
    site = number[pairs.indices]
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    inside = site >= 0
    before = nearest_costs(pairs, open_before)
    points, at = np.unique(row[inside], return_inverse=True)
    site = site[inside]
    if objective in {"mean", "worst"}:
        cost = np.asarray(pairs.data[inside], np.float64)
        order = np.lexsort((site, cost, at))
        return Near(
            weights=model.weights[points],
            row=at[order],
            site=site[order],
            cost=cost[order],
            before=before[points],
            count=sites.size,
            measure="mean" if objective == "mean" else "worst",
        )
    open_now = np.isfinite(before[points])
    order = np.lexsort((site, at))
    ends = np.searchsorted(at[order], np.arange(points.size + 1))
    keys = _pattern_numbers(site[order], ends, open_now)
    count = int(keys.max(initial=-1)) + 1
    first = np.full(count, points.size, np.int64)
    np.minimum.at(first, keys, np.arange(points.size))
    kept = np.zeros(points.size, bool)
    kept[first] = True
    ways = order[kept[at[order]]]
    return Near(
        weights=np.bincount(keys, model.weights[points], minlength=count).astype(np.float64),
        row=keys[at[ways]],
        site=site[ways],
        cost=np.ones(ways.size),
        # Whom something open reaches anyway costs nothing more.
        before=np.where(open_now[first], 0.0, np.inf),
        count=sites.size,
        measure="cover",
    )


def _pattern_numbers(sites: Ints, ends: Ints, open_now: Bools) -> Ints:
    """Return a number for each point that points share which see the same sites."""
    texts = [
        sites[start:end].tobytes() + (b"+" if there else b"-")
        for start, end, there in zip(
            ends[:-1].tolist(), ends[1:].tolist(), open_now.tolist(), strict=True
        )
    ]
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int64)


def nearest_costs(pairs: csr_array, sites: Bools) -> Floats:
    """Return the least cost of each point to some of the sites, infinite out of reach.

    Parameters
    ----------
    pairs : scipy.sparse.csr_array, shape (d, c)
    sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    numpy.ndarray of float, shape (d,)

    Examples
    --------
    >>> pairs = csr_array(np.array([[7.0, 4.0], [5.0, 0.0], [0.0, 0.0]]))
    >>> nearest_costs(pairs, np.array([True, True])).tolist()
    [4.0, 5.0, inf]
    >>> nearest_costs(pairs, np.array([False, True])).tolist()
    [4.0, inf, inf]
    """
    found, _ = nearest_open(pairs, sites)
    return np.where(np.isnan(found), np.inf, found)
