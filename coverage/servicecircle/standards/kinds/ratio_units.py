"""Ratios of sums that lie between bounds."""

from __future__ import annotations

import math

import pandas as pd

__all__ = ["divided"]


def divided(
    top: pd.DataFrame, bottom: pd.DataFrame, *, per: float, less_is_better: bool = False
) -> pd.DataFrame:
    """Return value, low and high of ratios; where nothing is below the line there is none.

    Parameters
    ----------
    top, bottom : pandas.DataFrame
        value, low, high, of the same index.
    per : float
    less_is_better : bool
        Something over nothing is then more than any limit.

    Examples
    --------
    >>> one = pd.DataFrame({"value": [6.0], "low": [6.0], "high": [8.0]})
    >>> other = pd.DataFrame({"value": [2.0], "low": [2.0], "high": [3.0]})
    >>> divided(one, other, per=10).to_dict("records")
    [{'value': 30.0, 'low': 20.0, 'high': 40.0}]
    >>> divided(one, 0 * other, per=10).to_dict("records")
    [{'value': nan, 'low': nan, 'high': nan}]
    >>> divided(one, 0 * other, per=10, less_is_better=True).to_dict("records")
    [{'value': nan, 'low': inf, 'high': inf}]
    """

    def divide(
        one: pd.Series[float], other: pd.Series[float], *, unbounded: bool
    ) -> pd.Series[float]:
        whole = other.where(other > 0)
        found = per * (one / whole)
        if unbounded:
            found = found.mask((other == 0) & (one > 0), math.inf)
        return found

    nothing = bottom["high"] == 0
    table = pd.DataFrame(
        {
            "value": divide(top["value"], bottom["value"], unbounded=False),
            "low": divide(top["low"], bottom["high"], unbounded=less_is_better),
            "high": divide(top["high"], bottom["low"], unbounded=True),
        }
    )
    if not less_is_better:
        table["high"] = table["high"].mask(nothing)
    return table
