"""What the units of a layer are shaded by on the map: the rule, the levels, the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from servicecircle.outputs import payload
from servicecircle.project import LEVELS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from servicecircle.results import LayerInfo, Results

__all__ = ["Shade", "shade_levels", "shade_of", "shade_values"]

USUAL_MINUTES = 15.0
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Shade:
    """What the units of a layer are shaded by.

    Parameters
    ----------
    rule : str
        Value of ``unit_coverage.rule``; ``presence`` where nobody can be counted.
    kind : {"minutes", "metres", "straight", "presence"}
    limit : float
        Minutes or metres; 0 for presence.
    """

    rule: str
    kind: Literal["minutes", "metres", "straight", "presence"]
    limit: float


PRESENCE = Shade("presence", "presence", 0.0)


def shade_of(results: Results, layer: LayerInfo) -> Shade:
    """Return the rule that a layer's units are shaded by.

    The 15 minutes where they were measured (else the most minutes), then metres over the network;
    without roads the metres in a straight line; without people presence.
    """
    rows = results.unit_coverage
    rows = rows[rows["layer"] == layer.name]
    counted = rows[["covered_population", "covered_elderly"]].notna().any(axis=1)
    known = set(rows.loc[counted, "rule"])
    minutes = sorted(results.minutes, key=lambda value: (value != USUAL_MINUTES, -value))
    choices = [Shade(f"{value:g} min", "minutes", value) for value in minutes]
    choices += [Shade(f"{value:g} m", "metres", value) for value in results.metres]
    if not layer.on_network:
        choices = [Shade(f"{value:g} m straight", "straight", value) for value in results.metres]
    return next((choice for choice in choices if choice.rule in known), PRESENCE)


def shade_levels(units: gpd.GeoDataFrame) -> list[str]:
    """Return the levels to shade, coarse before fine: the two finest that there are."""
    present: set[str] = set(units["level"])
    levels: list[str] = [level for level in LEVELS if level in present]
    return levels[-2:]


def shade_values(results: Results, layer: LayerInfo, shade: Shade) -> dict[str, Any]:
    """Return facilities, people and rates of the units of each level that is shaded, in order.

    Returns
    -------
    dict
        Level → facilities, people, elderly, people_rate, elderly_rate; None where unknown.
    """
    coverage = results.unit_coverage
    rows = coverage[(coverage["layer"] == layer.name) & (coverage["rule"] == shade.rule)]
    rows = rows.drop_duplicates("unit_id").set_index("unit_id")
    values = {}
    for level in shade_levels(results.units):
        ids = results.units.loc[results.units["level"] == level, "unit_id"]
        unit = rows.reindex(ids)
        values[level] = {
            "facilities": payload.numbers(unit["facilities"]),
            "people": payload.numbers(unit["covered_population"]),
            "elderly": payload.numbers(unit["covered_elderly"]),
            "people_rate": _rates(unit["covered_population"], unit["population"]),
            "elderly_rate": _rates(unit["covered_elderly"], unit["elderly"]),
        }
    return values


def _rates(part: pd.Series[Any], whole: pd.Series[Any]) -> list[float | int | None]:
    inside, people = part.to_numpy(np.float64), whole.to_numpy(np.float64)
    share = np.full(len(inside), np.nan)
    np.divide(inside, people, out=share, where=people > 0)
    # Cut, not rounded: 79.9996 % must not enter the class from 80 %.
    return payload.numbers(np.floor(share * 1e4 + _SLACK) / 1e4, digits=4)
