"""A quantity: a sum over a part of the area with its bounds, the sums of units, and the addends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from servicecircle.standards.trace import no_trace

__all__ = ["QUANTITY_COLUMNS", "Quantity", "no_sums", "not_known"]

QUANTITY_COLUMNS = ("value", "low", "high")


def no_sums(units: pd.Index | None = None, value: float = math.nan) -> pd.DataFrame:
    """Return the same sum for all of some units.

    Examples
    --------
    >>> no_sums(pd.Index(["a"]), 0.0).to_dict("index")
    {'a': {'value': 0.0, 'low': 0.0, 'high': 0.0}}
    >>> no_sums().empty
    True
    """
    index = pd.Index([], dtype="str") if units is None else units
    return pd.DataFrame(value, index=index, columns=list(QUANTITY_COLUMNS), dtype=float)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Quantity:
    """A sum over a part of the area.

    Parameters
    ----------
    value : float
        NaN where it is not known.
    low, high : float
        What it is at least and at most; high may be infinite.
    units : pandas.DataFrame
        Index unit_id, of all levels; value, low, high. Units that are not in it are not known.
    trace : pandas.DataFrame
        Columns of :data:`servicecircle.standards.trace.TRACE_COLUMNS`; the amounts add up to
        ``value``. ``part`` is left to who asks.
    missing, causes, notes : tuple of str
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    units: pd.DataFrame = field(default_factory=no_sums)
    trace: pd.DataFrame = field(default_factory=no_trace)
    missing: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def not_known(*missing: str, notes: tuple[str, ...] = ()) -> Quantity:
    """Return a quantity that only names what is missing.

    Examples
    --------
    >>> not_known("[staff] social_workers").missing, not_known("[staff] social_workers").value
    (('[staff] social_workers',), nan)
    """
    return Quantity(missing=missing, notes=notes)
