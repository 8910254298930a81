"""The people that a layer does not reach, added up in cells for the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from servicecircle.outputs import payload
from servicecircle.outputs.shading import Shade

if TYPE_CHECKING:
    from servicecircle.results import LayerInfo, Results

__all__ = ["uncovered_cells"]

Numbers = npt.NDArray[np.float64]
MOST_SYMBOLS = 3000
_METRES_PER_DEGREE = 111_195.0
_SLACK = 1e-6


def uncovered_cells(results: Results, layer: LayerInfo, shade: Shade) -> dict[str, Any]:
    """Return the people that a layer does not reach, added up in at most 3,000 cells.

    Who has no number (unreachable, not attached to the network) counts as not reached.

    Returns
    -------
    dict
        cell_m, points (of the cells' centres), people, elderly, and of the people those
        beyond the limit, unreachable and unsnapped.
    """
    empty = {"cell_m": 0, "points": [], "people": [], "elderly": [], "causes": []}
    demand = results.demand
    weight = "population" if demand["population"].fillna(0.0).sum() > 0 else "elderly"
    if shade.kind == "presence" or demand.empty:
        return empty
    rows = results.access[results.access["layer"] == layer.name]
    own = rows[rows["profile"] == layer.profile]
    rows = (own if len(own) else rows).drop_duplicates("demand_id").set_index("demand_id")
    rows = rows.reindex(demand["demand_id"])
    column, limit = {
        "minutes": ("seconds", shade.limit * 60.0),
        "metres": ("metres", shade.limit),
        "straight": ("straight_metres", shade.limit),
    }[shade.kind]
    reached = rows[column].to_numpy(np.float64) <= limit + _SLACK
    people = demand[weight].fillna(0.0).to_numpy(np.float64)
    left = np.flatnonzero(~reached & (people > 0))
    if not len(left):
        return empty
    status = rows["status"].fillna("").to_numpy(dtype=object)[left]
    table = pd.DataFrame(
        {
            "people": people[left],
            "elderly": demand["elderly"].fillna(0.0).to_numpy(np.float64)[left],
            "unreachable": np.where(status == "unreachable", people[left], 0.0),
            "unsnapped": np.where(status == "unsnapped", people[left], 0.0),
        }
    )
    lon = demand.geometry.x.to_numpy(np.float64)[left]
    lat = demand.geometry.y.to_numpy(np.float64)[left]
    size, row, column_number, aspect = _grid(lon, lat)
    sums = table.groupby([row, column_number], sort=True).sum()
    rows_at = sums.index.get_level_values(0).to_numpy(np.float64)
    columns_at = sums.index.get_level_values(1).to_numpy(np.float64)
    return {
        "cell_m": round(size * _METRES_PER_DEGREE),
        "weight": weight,
        "points": payload.encode_points((columns_at + 0.5) * size * aspect, (rows_at + 0.5) * size),
        "people": payload.numbers(sums["people"], digits=1),
        "elderly": payload.numbers(sums["elderly"], digits=1),
        "causes": [payload.numbers(sums[name]) for name in ("unreachable", "unsnapped")],
    }


def _grid(
    lon: Numbers, lat: Numbers
) -> tuple[float, npt.NDArray[np.int64], npt.NDArray[np.int64], float]:
    """Return the finest square grid of about 100 m, 200 m … with at most 3,000 filled cells."""
    aspect = 1.0 / max(0.05, float(np.cos(np.deg2rad(lat.mean()))))
    size = 100.0 / _METRES_PER_DEGREE
    while True:
        row = np.floor(lat / size).astype(np.int64)
        column = np.floor(lon / (size * aspect)).astype(np.int64)
        # One number a cell: numpy sorts rows of two many times as slowly.
        number = (row - row.min()) * (np.ptp(column) + 1) + column - column.min()
        if pd.unique(number).size <= MOST_SYMBOLS:
            return size, row, column, aspect
        size *= 2.0
