"""The tables of a siting study: chosen sites in their order, candidates, what each adds."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.siting.added import proposed_id
from servicecircle.siting.model import Answer, SitingModel
from servicecircle.siting.reached import people_of_sites, reached_by

__all__ = [
    "Chosen",
    "candidates_table",
    "gains_table",
    "sites_table",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


def sites_table(
    model: SitingModel,
    candidates: gpd.GeoDataFrame,
    answer: Answer,
    chosen: Chosen,
    *,
    layer: str,
    level: str,
    units: pd.DataFrame,
    total: float,
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
    total : float
        People that shares are of: all, those included whom nothing reaches.

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
    new = _told(candidates, chosen.columns, level=level, units=units).assign(
        facility_id=[
            proposed_id(layer, str(name))
            for name in candidates["candidate_id"].to_numpy(object)[chosen.columns]
        ],
        host_id=candidates["facility_id"].to_numpy(object)[chosen.columns],
        action="open",
        number=pd.array(np.arange(1, chosen.columns.size + 1), dtype="Int64"),
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
        number=pd.array([None] * chosen.closed.size, dtype="Int64"),
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
    free = ~reached_by(model.pairs, model.kept | model.closable)
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


def gains_table(
    curve: pd.DataFrame, candidates: pd.DataFrame, chosen: Chosen, *, total: float
) -> pd.DataFrame:
    """Return the curve of gains with the names of its sites.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`servicecircle.siting.gains.marginal_gains`.
    candidates : pandas.DataFrame
    chosen : Chosen
    total : float
        People that shares are of: all, those included whom nothing reaches.

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
    whole = total if total > 0.0 else np.nan
    rest = curve.drop(columns=["candidate"]).reset_index(drop=True)
    rest = rest.assign(share=rest["covered"] / whole, bound_share=rest["bound"] / whole)
    named = rest.assign(candidate_id=ids, name=names, chosen=np.isin(at, chosen.columns))
    first = ["number", "candidate_id", "name", "chosen"]
    return named[[*first, *(name for name in rest.columns if name != "number")]]


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
