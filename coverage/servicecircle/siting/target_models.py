"""The model of a target: whose way has to become short, and which candidates count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from servicecircle.measure.access import reaches
from servicecircle.siting.model import Goal, SitingModel
from servicecircle.siting.wanted import SiteTarget, attributes_of, refused

__all__ = ["TargetModel", "target_model"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TargetModel:
    """A target as a model of siting, and what its rows and columns stand for.

    Parameters
    ----------
    target : SiteTarget
    model : SitingModel
        People and candidates; existing sites stay open.
    goal : Goal
        The fewest new sites that do what the target asks for (a share of people), or so many as
        are found to be needed.
    rows : numpy.ndarray of int64, shape (d,)
        Row of the demand table of each row of the model.
    service : numpy.ndarray of int64, shape (d,)
        Which of the target's services each row of the model is of.
    counts : numpy.ndarray of bool, shape (c,)
        Candidates that the rule would count: new ones in a unit, and an area, that it speaks of.
    size : numpy.ndarray of float, shape (c,)
        What each brings of what is missing.
    site_units : numpy.ndarray of int64, shape (c,)
        Which of the target's units each lies in, -1 for none.
    times : scipy.sparse.csr_array, optional
        Of communities: the way of each row of the model to each candidate.
    """

    target: SiteTarget
    model: SitingModel
    goal: Goal
    rows: Ints
    service: Ints
    counts: Bools
    size: Floats
    site_units: Ints
    times: csr_array | None = None


def target_model(
    target: SiteTarget,
    frame: pd.DataFrame,
    pairs: csr_array | Sequence[csr_array] | None,
    *,
    apart: Ints | None = None,
) -> TargetModel:
    """Return the model of a target.

    Whom existing facilities reach is taken from what was measured, the same as the verdict is:
    each of these people gets one way, to the nearest one. A new site reaches whom it is near
    enough to at the end that is asked for.

    Parameters
    ----------
    target : SiteTarget
    frame : pandas.DataFrame, length c
        Candidates: source (``existing`` for what is there), facility_id, cost, capacity,
        mandatory, forbidden, and ``unit_<level>``, ``in_<scope>``.
    pairs : csr_array of shape (n, c), or one for each service, or None
        What it takes each row of the demand table to reach each candidate, in the criterion of the
        target's services; for amounts that of any service circle, to prefer places near people.
    apart : numpy.ndarray of int64, shape (k, 2), optional
        Candidates too close together.

    Returns
    -------
    TargetModel

    Raises
    ------
    SitingError
        If beds are missing and no candidate says how many it would have.

    Examples
    --------
    >>> from servicecircle.siting.target_example import small_candidates, small_target
    >>> frame = small_candidates("township:1", "township:2", "township:3")
    >>> built = target_model(small_target(), frame, None)
    >>> built.counts.tolist(), built.site_units.tolist()
    ([True, True, False], [0, 1, -1])
    >>> target_model(small_target(), small_candidates(), None).counts.tolist()
    []
    """
    existing = (frame["source"] == "existing").to_numpy(bool)
    counts = _counts(target, frame, existing)
    given = [] if pairs is None else [pairs] if isinstance(pairs, csr_array) else list(pairs)
    size = _sizes(target, frame)
    if target.form == "amounts" and target.short and not target.size and not size[counts].any():
        raise refused("no_size", target.rule, target.study, column=target.size_column)
    parts, rows, services, weights, times = _people(target, frame, given, existing)
    units, site_units = _unit_numbers(target, frame, rows)
    count = len(target.units)
    floors = np.full(count, np.nan)
    if target.form == "people" and target.each_level:
        floors[:] = target.share
    width = len(frame)
    forbidden = frame["forbidden"].to_numpy(bool) & ~existing
    mandatory = frame["mandatory"].to_numpy(bool) & ~existing
    if target.form == "amounts":
        # What the rule does not count helps nobody here.
        forbidden = forbidden | ~(counts | existing | mandatory)
    model = SitingModel(
        weights=weights,
        pairs=csr_array(vstack(parts, format="csr")) if parts else csr_array((0, width)),
        kept=existing,
        closable=np.zeros(width, bool),
        mandatory=mandatory,
        forbidden=forbidden,
        cost=np.where(existing, 0.0, frame["cost"].to_numpy(np.float64)),
        capacity=np.full(width, np.inf),
        units=units,
        site_units=site_units,
        floors=floors,
        presence=np.zeros(count, np.int64),
        apart=np.empty((0, 2), np.int64) if apart is None else apart.reshape(-1, 2),
    )
    share = target.share if target.form == "people" and not target.each_level else 0.0
    return TargetModel(
        target=target,
        model=model,
        goal=Goal(objective="fewest", share=share),
        rows=rows,
        service=services,
        counts=counts,
        size=size,
        site_units=np.where(counts, site_units, -1),
        times=times,
    )


def _counts(target: SiteTarget, frame: pd.DataFrame, existing: Bools) -> Bools:
    counts: Bools = ~existing & ~frame["forbidden"].to_numpy(bool)
    for column, units in target.allowed.items():
        named = frame[column] if column in frame else pd.Series("", index=frame.index)
        counts &= named.fillna("").astype(str).isin(list(units)).to_numpy(bool)
    if target.inside:
        counts &= (
            frame[target.inside].fillna(value=False).to_numpy(bool)
            if target.inside in frame
            else False
        )
    least = attributes_of(target.rule).get("capacity", 0.0)
    if target.size_column in {"nursing_beds", "dementia_beds"}:
        least = max(float(str(least)), target.size)
    # Whose own beds are fewer than the rule, or the beds of a kind, ask for is not counted.
    own = frame["capacity"].to_numpy(np.float64)
    counts &= ~(np.isfinite(own) & (own < float(str(least))))
    if target.form == "amounts" and not target.level and not target.allowed:
        # The area is where its units are.
        placed = [name for name in frame.columns if str(name).startswith("unit_")]
        if placed:
            counts &= frame[placed].notna().any(axis=1).to_numpy(bool)
    return counts


def _sizes(target: SiteTarget, frame: pd.DataFrame) -> Floats:
    """Return what each candidate brings: its own capacity where beds are missing."""
    size = np.full(len(frame), target.size)
    if target.size_column == "capacity":
        own = frame["capacity"].to_numpy(np.float64)
        size = np.where(np.isfinite(own), own, size)
    return size * (1.0 - target.dilutes)


def _unit_numbers(target: SiteTarget, frame: pd.DataFrame, rows: Ints) -> tuple[Ints, Ints]:
    """Return which of the target's units people and candidates belong to, -1 for none."""
    index = pd.Index(target.units.index if len(target.units) else [], dtype=object)
    demand = target.study.evidence.demand
    column = f"unit_{target.level}"
    if not target.level:
        whole = 0 if len(index) else -1
        return np.full(rows.size, whole, np.int64), np.full(len(frame), whole, np.int64)

    def number(table: pd.DataFrame) -> Ints:
        if column not in table:
            return np.full(len(table), -1, np.int64)
        found = index.get_indexer(pd.Index(table[column].fillna("").astype(str), dtype=object))
        return found.astype(np.int64)

    return number(demand.iloc[rows]), number(frame)


def _people(
    target: SiteTarget, frame: pd.DataFrame, given: list[csr_array], existing: Bools
) -> tuple[list[csr_array], Ints, Ints, Floats, csr_array | None]:
    """Return the ways of people, the rows they stand for, and what they weigh."""
    demand = target.study.evidence.demand
    nobody = np.empty(0, np.int64)
    if target.form == "amounts":
        if not given or demand.empty:
            return [], nobody, nobody, np.empty(0), None
        column = "elderly" if demand["elderly"].notna().any() else "population"
        weights = demand[column].fillna(0.0).to_numpy(np.float64)
        rows = np.flatnonzero(weights > 0.0)
        return [given[0][rows]], rows, np.zeros(rows.size, np.int64), weights[rows], None
    some = np.flatnonzero(target.weights > 0.0)
    columns = {
        str(name): at
        for at, name in enumerate(frame["facility_id"].astype(str).tolist())
        if existing[at]
    }
    first = int(np.flatnonzero(existing)[0]) if existing.any() else -1
    parts, ways = [], []
    for number, (service, journey) in enumerate(zip(target.services, target.journeys, strict=True)):
        near = given[number][target.rows[some]]
        row = np.repeat(np.arange(some.size), np.diff(near.indptr))
        new = ~existing[near.indices]
        cost = (near.data[new] + journey.error[some][row[new]]) * journey.slow
        limit = service.limit
        if target.form == "communities":
            ways.append(_matrix(row[new], near.indices[new], cost, near.shape))
            limit = 60.0 * (target.rule.threshold or 0.0)
        enough = reaches(cost, limit)
        served = np.flatnonzero(journey.reached[some])
        at = np.array(
            [columns.get(str(one), first) for one in journey.facility[some[served]]], np.int64
        )
        taken = np.nan_to_num(journey.taken[some[served]], nan=limit)
        there = at >= 0
        parts.append(
            _matrix(
                np.concatenate([row[new][enough], served[there]]),
                np.concatenate([near.indices[new][enough], at[there]]),
                np.concatenate([cost[enough], taken[there]]),
                near.shape,
            )
        )
    count = len(target.services)
    return (
        parts,
        np.tile(target.rows[some], count),
        np.repeat(np.arange(count), some.size),
        np.tile(target.weights[some], count),
        csr_array(vstack(ways, format="csr")) if ways else None,
    )


def _matrix(row: Ints, column: Ints, data: Floats, shape: tuple[int, ...]) -> csr_array:
    """Return a matrix whose stored zeros stay, columns ascending in a row."""
    order = np.lexsort((column, row))
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_array((data[order], column[order], ends), shape=shape)
