"""Weights of demand points and their travel, for charts about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from servicecircle.results import LayerInfo, Results

__all__ = ["People", "people_of", "travel_of"]


@dataclass(frozen=True, slots=True)
class People:
    """Who is counted at each demand point: the elderly where they are known, else everybody."""

    name: str
    weights: np.ndarray


def people_of(results: Results) -> People | None:
    """Return the people of the demand points; None where nobody is known."""
    for name in ("elderly", "population"):
        weights = np.nan_to_num(results.demand[name].to_numpy(float), nan=0.0)
        if weights.sum() > 0.0:
            return People(name, weights)
    return None


def travel_of(results: Results, layer: LayerInfo) -> pd.DataFrame | None:
    """Return the ways from every demand point to a layer, in the order of the points.

    Returns
    -------
    pandas.DataFrame or None
        Columns seconds and straight_metres, NaN where there is no number; None where no ways were
        measured.
    """
    access = results.access
    if not len(access):
        return None
    mine = (access["layer"] == layer.name) & (access["profile"] == layer.profile)
    mine &= access["criterion"] == "metres"
    rows = access.loc[mine.to_numpy(bool), ["demand_id", "seconds", "straight_metres"]]
    if not len(rows):
        return None
    ids = results.demand["demand_id"]
    if len(rows) == len(ids) and bool((rows["demand_id"].to_numpy() == ids.to_numpy()).all()):
        return rows.drop(columns="demand_id").reset_index(drop=True)
    rows = rows.drop_duplicates("demand_id").set_index("demand_id")
    return rows.reindex(ids.to_numpy()).reset_index(drop=True)
