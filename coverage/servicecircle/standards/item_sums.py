"""Sums over facilities, in all and by the units that they belong to."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from servicecircle.standards.chosen import Items, finest_units
from servicecircle.standards.quantity import QUANTITY_COLUMNS, Quantity
from servicecircle.standards.studied import Study
from servicecircle.standards.trace import addends

__all__ = ["sum_items", "unit_parts", "units_of_items"]


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
    parts = []
    for level in study.all_levels():
        index = study.evidence.units.index[study.evidence.units["level"] == level]
        found = pd.DataFrame(0.0, index=index, columns=list(QUANTITY_COLUMNS))
        for layer in table["layer"].unique():
            pairs = unit_parts(study, layer, level)
            for name, values in columns.items():
                amounts = pairs["part"] * pairs["facility_id"].map(values)
                by_unit = amounts.groupby(pairs["unit_id"]).sum()
                found[name] = found[name].add(by_unit.reindex(index), fill_value=0.0)
        parts.append(found)
    units = pd.concat(parts) if parts else pd.DataFrame(columns=list(QUANTITY_COLUMNS), dtype=float)
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
