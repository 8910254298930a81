"""The tables of a siting study: chosen sites in their order, candidates, units before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.added import proposed_id
from servicecircle.siting.model import Answer, SitingModel

__all__ = [
    "Chosen",
    "Covered",
    "candidates_table",
    "gains_table",
    "in_order",
    "people_of_sites",
    "sites_table",
    "units_table",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Covered:
    """Who is covered before and after, and in which unit.

    Parameters
    ----------
    people : numpy.ndarray of float, shape (n,)
        Of each demand point that counts.
    unit : numpy.ndarray of str, shape (n,)
        None outside of all.
    before, after : numpy.ndarray of bool, shape (n,)
    """

    people: Floats
    unit: NDArray[np.object_]
    before: Bools
    after: Bools


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Chosen:
    """The new sites in the order in which they open, and the existing ones that close.

    Parameters
    ----------
    columns : numpy.ndarray of int64, shape (k,)
        Candidates, the first to open first.
    phase : numpy.ndarray of int64, shape (k,)
        1, 2 … by the parts asked for; all 1 without.
    year : tuple of (int or None), length k
        In which each opens; None where no year is meant.
    closed : numpy.ndarray of int64
        Existing sites that close.
    """

    columns: Ints
    phase: Ints
    year: tuple[int | None, ...]
    closed: Ints


def in_order(model: SitingModel, chosen: Ints, stays: Bools) -> Ints:
    """Return sites so that each adds most people to those before it, the lowest among equals.

    Parameters
    ----------
    model : SitingModel
    chosen : numpy.ndarray of int64, shape (k,)
        Columns of the model.
    stays : numpy.ndarray of bool, shape (c,)
        Existing sites that stay open.

    Returns
    -------
    numpy.ndarray of int64, shape (k,)

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model([[1.0, 0.0, 0.0], [0.0, 9.0, 3.0]], weights=[2.0, 5.0])
    >>> in_order(model, np.array([0, 1, 2]), np.zeros(3, bool)).tolist()
    [1, 0, 2]
    >>> in_order(model, np.empty(0, int), np.zeros(3, bool)).tolist()
    []
    """
    columns = model.pairs.tocsc()
    free = ~_reached(model.pairs, stays)
    left = sorted(int(one) for one in chosen)
    order: list[int] = []
    while left:
        gains = [_added(model, columns, one, free) for one in left]
        site = left.pop(int(np.argmax(gains)))
        free[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = False
        order.append(site)
    return np.array(order, np.int64)


def people_of_sites(model: SitingModel, order: Ints, stays: Bools) -> tuple[Floats, Floats, Floats]:
    """Return the people that each site of an order reaches.

    Parameters
    ----------
    model : SitingModel
    order : numpy.ndarray of int64, shape (k,)
    stays : numpy.ndarray of bool, shape (c,)
        Existing sites that stay open.

    Returns
    -------
    alone : numpy.ndarray of float, shape (k,)
        Whom no existing site reaches.
    added : numpy.ndarray of float, shape (k,)
        Whom no site before it reaches either.
    covered : numpy.ndarray of float, shape (k,)
        By the existing ones and the order up to here.

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], weights=[2.0, 5.0])
    >>> [part.tolist() for part in people_of_sites(model, np.array([1, 2]), np.arange(3) == 0)]
    [[5.0, 5.0], [5.0, 0.0], [7.0, 7.0]]
    """
    columns = model.pairs.tocsc()
    reached = _reached(model.pairs, stays)
    free, now = ~reached, ~reached
    alone, added = np.zeros(order.size), np.zeros(order.size)
    for at, site in enumerate(order.tolist()):
        alone[at] = _added(model, columns, site, free)
        added[at] = _added(model, columns, site, now)
        now[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = False
    return alone, added, float(model.weights[reached].sum()) + np.cumsum(added)


def sites_table(
    model: SitingModel,
    candidates: gpd.GeoDataFrame,
    answer: Answer,
    chosen: Chosen,
    *,
    layer: str,
    level: str,
    units: pd.DataFrame,
) -> pd.DataFrame:
    """Return the chosen sites in their order, then the existing ones that close.

    Parameters
    ----------
    model : SitingModel
    candidates : geopandas.GeoDataFrame
        Of the model's columns, in EPSG:4326.
    answer : Answer
    chosen : Chosen
    layer : str
        Whose facilities the new sites become.
    level : str
        Of the units told.
    units : pandas.DataFrame
        unit_id, name.

    Returns
    -------
    pandas.DataFrame
        The columns of ``sites.csv``.
    """
    stays = (model.kept | model.closable) & answer.open
    alone, added, covered = people_of_sites(model, chosen.columns, stays)
    served = np.bincount(
        answer.site[answer.site >= 0],
        weights=answer.served[answer.site >= 0],
        minlength=len(candidates),
    )
    total = float(model.weights.sum())
    new = _told(candidates, chosen.columns, level=level, units=units).assign(
        facility_id=[
            proposed_id(layer, str(name))
            for name in candidates["candidate_id"].to_numpy(object)[chosen.columns]
        ],
        host_id=candidates["facility_id"].to_numpy(object)[chosen.columns],
        action="open",
        number=np.arange(1, chosen.columns.size + 1),
        phase=chosen.phase,
        year=pd.array(chosen.year, dtype="Int64"),
        people_alone=alone,
        people_added=added,
        people_covered=covered,
        share_covered=covered / total if total > 0.0 else np.nan,
        people_served=served[chosen.columns],
    )
    gone = _told(candidates, chosen.closed, level=level, units=units).assign(
        host_id="",
        action="close",
        number=np.arange(1, chosen.closed.size + 1),
        phase=1,
        year=pd.array([None] * chosen.closed.size, dtype="Int64"),
        people_alone=np.nan,
        people_added=np.nan,
        people_covered=np.nan,
        share_covered=np.nan,
        people_served=np.nan,
    )
    table = pd.concat([new, gone], ignore_index=True) if len(gone) else new
    return table[[*_SITE_COLUMNS]].reset_index(drop=True)


def candidates_table(
    model: SitingModel, candidates: gpd.GeoDataFrame, chosen: Chosen, *, level: str
) -> pd.DataFrame:
    """Return all candidates, what each would reach beside the existing ones, and which are chosen.

    Parameters
    ----------
    model : SitingModel
    candidates : geopandas.GeoDataFrame
    chosen : Chosen
    level : str

    Returns
    -------
    pandas.DataFrame
        The columns of ``candidates.csv``.
    """
    free = ~_reached(model.pairs, model.kept | model.closable)
    rows = np.repeat(np.arange(model.weights.size), np.diff(model.pairs.indptr))
    people = np.where(free[rows], model.weights[rows], 0.0)
    alone = np.bincount(model.pairs.indices, weights=people, minlength=len(candidates))
    number = np.zeros(len(candidates), np.int64)
    number[chosen.columns] = np.arange(1, chosen.columns.size + 1)
    told = _told(candidates, np.arange(len(candidates)), level=level, units=None)
    given = candidates.reset_index(drop=True)
    return told.assign(
        **{name: given[name] for name in _CANDIDATE_FACTS if name in given},
        people_alone=np.where(given["source"] == "existing", np.nan, alone),
        forbidden=model.forbidden,
        number=pd.Series(number, dtype="Int64").mask(number == 0),
    )


def gains_table(curve: pd.DataFrame, candidates: pd.DataFrame, chosen: Chosen) -> pd.DataFrame:
    """Return the curve of gains with the names of its sites.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`servicecircle.siting.gains.marginal_gains`.
    candidates : pandas.DataFrame
    chosen : Chosen

    Returns
    -------
    pandas.DataFrame
        number, candidate_id ("" for what is there), name, chosen, gained, alone, covered, share,
        bound, bound_share.
    """
    at = curve["candidate"].to_numpy(np.int64)
    real = at >= 0
    ids = np.full(at.size, "", object)
    names = ids.copy()
    ids[real] = candidates["candidate_id"].to_numpy(object)[at[real]]
    names[real] = candidates["name"].to_numpy(object)[at[real]]
    rest = curve.drop(columns=["candidate"]).reset_index(drop=True)
    named = rest.assign(candidate_id=ids, name=names, chosen=np.isin(at, chosen.columns))
    first = ["number", "candidate_id", "name", "chosen"]
    return named[[*first, *(name for name in rest.columns if name != "number")]]


def units_table(
    covered: Covered,
    *,
    units: pd.DataFrame,
    lines: Mapping[str, float],
    existing: NDArray[np.object_],
    closed: NDArray[np.object_],
    new: NDArray[np.object_],
) -> pd.DataFrame:
    """Return the people of each unit that are covered before and after.

    Parameters
    ----------
    covered : Covered
    units : pandas.DataFrame
        unit_id, code, name, level of one level.
    lines : mapping of str to float
        Least share of each unit, where one is asked for.
    existing, closed, new : numpy.ndarray of str
        Unit of each site that was there, that closes, and that is new.

    Returns
    -------
    pandas.DataFrame
        The columns of ``site_units.csv``; shares are NaN where nobody lives.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": ["a", "b"], "code": "", "name": "", "level": "township"})
    >>> covered = Covered(
    ...     people=np.array([3.0, 1.0]), unit=np.array(["a", "a"], object),
    ...     before=np.array([False, True]), after=np.array([True, True]))
    >>> nowhere, in_a = np.empty(0, object), np.array(["a"], object)
    >>> found = units_table(
    ...     covered, units=units, lines={"a": 0.9}, existing=in_a, closed=nowhere, new=in_a)
    >>> found[["share_before", "share_after", "line_before", "line_after", "sites"]].values.tolist()
    [[0.25, 1.0, 'below', 'reached', 1], [nan, nan, '', '', 0]]
    """
    ids = units["unit_id"].astype(str).to_numpy(object)
    row = pd.Index(ids).get_indexer(pd.Index(covered.unit))

    def sums(which: Bools) -> Floats:
        mine = which & (row >= 0)
        return _weighed(row[mine], covered.people[mine], ids.size)

    def counts(names: NDArray[np.object_]) -> Ints:
        where = pd.Index(ids).get_indexer(pd.Index(names))
        return np.bincount(where[where >= 0], minlength=ids.size).astype(np.int64)

    all_of, was, now = sums(np.ones(row.size, bool)), sums(covered.before), sums(covered.after)
    share_was, share_now = _share(was, all_of), _share(now, all_of)
    line = np.array([lines.get(name, np.nan) for name in ids.tolist()], np.float64)
    there, gone, added = counts(existing), counts(closed), counts(new)
    return pd.DataFrame(
        {
            **{name: units[name].to_numpy() for name in ("unit_id", "code", "name", "level")},
            "people": all_of,
            "covered_before": was,
            "covered_after": now,
            "people_gained": now - was,
            "share_before": share_was,
            "share_after": share_now,
            "line": line,
            "line_before": _sides(share_was, line),
            "line_after": _sides(share_now, line),
            "facilities_before": there,
            "facilities_after": there - gone + added,
            "sites": added,
        }
    )


_SITE_COLUMNS = (
    "number",
    "action",
    "phase",
    "year",
    "candidate_id",
    "facility_id",
    "host_id",
    "name",
    "source",
    "unit_id",
    "unit",
    "people_alone",
    "people_added",
    "people_covered",
    "share_covered",
    "people_served",
    "cost",
    "capacity",
    "lon",
    "lat",
)
_CANDIDATE_FACTS = (
    "mandatory",
    "closable",
    "snap_m",
    "snap_status",
    "source_file",
    "source_row",
)
_LINE_SLACK = 1e-9


def _told(
    candidates: gpd.GeoDataFrame, rows: Ints, *, level: str, units: pd.DataFrame | None
) -> pd.DataFrame:
    """Return who and where candidates are."""
    part = candidates.iloc[rows].reset_index(drop=True)
    unit = part.get(f"unit_{level}", pd.Series(None, index=part.index, dtype=object))
    capacity = part["capacity"].to_numpy(np.float64)
    table = pd.DataFrame(
        {
            "candidate_id": part["candidate_id"],
            "facility_id": part["facility_id"],
            "name": part["name"],
            "source": part["source"],
            "unit_id": unit.fillna("").astype(str),
            "cost": part["cost"].to_numpy(np.float64),
            "capacity": np.where(np.isfinite(capacity), capacity, np.nan),
            "lon": part.geometry.x.to_numpy(np.float64),
            "lat": part.geometry.y.to_numpy(np.float64),
        }
    )
    if units is None:
        return table
    names = units.drop_duplicates("unit_id").set_index("unit_id")["name"]
    return table.assign(unit=names.reindex(table["unit_id"]).fillna("").to_numpy())


def _reached(pairs: csr_array, sites: Bools) -> Bools:
    """Return which points some of the sites reach."""
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    return np.asarray(np.bincount(row[sites[pairs.indices]], minlength=pairs.shape[0]) > 0)


def _added(model: SitingModel, columns: csr_array, site: int, free: Bools) -> float:
    rows = columns.indices[columns.indptr[site] : columns.indptr[site + 1]]
    return float(model.weights[rows[free[rows]]].sum())


def _weighed(rows: Ints, people: Floats, count: int) -> Floats:
    """Return the people of each of so many units."""
    return np.bincount(rows, weights=people, minlength=count).astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(whole.size, np.nan), where=whole > 0.0)
    return share


def _sides(share: Floats, line: Floats) -> NDArray[np.object_]:
    """Return on which side of its line each unit is; "" without a line or people."""
    told = np.where(share >= line - _LINE_SLACK, "reached", "below").astype(object)
    told[np.isnan(share) | np.isnan(line)] = ""
    return told
