"""Sums over facilities, in all and by the units that they belong to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from servicecircle.standards.chosen import Items, finest_units
from servicecircle.standards.quantity import Quantity
from servicecircle.standards.studied import Study
from servicecircle.standards.trace import addends

__all__ = ["all_unit_parts", "sum_items", "unit_parts", "units_of_items"]


def unit_parts(study: Study, layer: str, level: str) -> pd.DataFrame:
    """Return which units of a level the facilities of a layer belong to, and with which part.

    A facility that several units share counts with an equal part in each, so that units add up.

    Returns
    -------
    pandas.DataFrame
        facility_id, unit_id, part (1 for a facility of one unit).
    """
    kept, key = study.evidence.kept, ("parts", layer, level)
    if key not in kept:
        pairs = study.pairs(layer, level)[["facility_id", "unit_id"]]
        shared = pairs.groupby("facility_id")["unit_id"].transform("size").astype(float)
        kept[key] = pairs.assign(part=1.0 / shared)
    parts: pd.DataFrame = kept[key]
    return parts


def all_unit_parts(study: Study, layer: str) -> pd.DataFrame:
    """Return :func:`unit_parts` of all levels, one below the other."""
    kept, key = study.evidence.kept, ("parts", layer)
    if key not in kept:
        parts = [unit_parts(study, layer, level) for level in study.all_levels()]
        kept[key] = pd.concat(parts, ignore_index=True)
    found: pd.DataFrame = kept[key]
    return found


def sum_items(study: Study, items: Items, *, source: str = "facility") -> Quantity:
    """Add up what facilities contribute.

    Parameters
    ----------
    study : Study
    items : Items
    source : {"facility", "staff"}
        What the addends are called in the trace.

    Returns
    -------
    Quantity
        The value counts facilities that count for certain, empty cells as 0; without a value where
        an input is missing, though its bounds may be known.
    """
    table = items.table
    certain = table[table["certain"]]
    open_end = math.inf if items.open_end or items.missing else 0.0
    columns = {
        "value": certain["low"],
        "low": certain["low"],
        "high": table["high"],
    }
    sums = {name: math.fsum(values) for name, values in columns.items()}
    if items.missing:
        sums["value"] = math.nan
    units = _by_unit(study, table["layer"].unique().tolist(), pd.DataFrame(columns))
    units["high"] += open_end
    if items.missing:
        units["value"] = np.nan
    filled = certain[certain["value"].notna()]
    return Quantity(
        value=sums["value"],
        low=sums["low"],
        high=sums["high"] + open_end,
        units=units,
        trace=addends(
            "",
            source,
            filled.index if not items.missing else (),
            filled["value"] if not items.missing else (),
            units_of_items(study, filled) if not items.missing else "",
        ),
        missing=items.missing,
        causes=items.causes,
        notes=(*items.notes, *items.empty_notes),
    )


def _by_unit(study: Study, layers: Sequence[str], amounts: pd.DataFrame) -> pd.DataFrame:
    """Return what facilities contribute to the units of every level.

    Parameters
    ----------
    study : Study
    layers : sequence of str
    amounts : pandas.DataFrame
        Index facility_id; NaN adds nothing.
    """
    index = study.all_units()
    found = pd.DataFrame(0.0, index=index, columns=amounts.columns)
    if index.empty:
        return found
    for layer in layers:
        pairs = all_unit_parts(study, layer)
        shares = amounts.reindex(pairs["facility_id"]).mul(pairs["part"].to_numpy(), axis=0)
        by_unit = shares.groupby(pairs["unit_id"].to_numpy()).sum()
        found = found.add(by_unit.reindex(index), fill_value=0.0)
    return found


def units_of_items(study: Study, table: pd.DataFrame) -> list[str]:
    """Return the finest unit of each facility of a table of items."""
    levels = study.levels()
    found = {
        layer: finest_units(study, layer, levels).to_dict() for layer in table["layer"].unique()
    }
    return [
        str(found[layer].get(facility, ""))
        for facility, layer in zip(table.index, table["layer"], strict=True)
    ]
