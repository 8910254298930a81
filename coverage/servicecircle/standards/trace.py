"""Trace: the addends of a numerator and a denominator, down to facilities, staff and people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "TRACE_COLUMNS",
    "TRACE_TABLE_COLUMNS",
    "addends",
    "as_part",
    "join_traces",
    "no_trace",
    "part_sum",
    "trace_of_row",
    "trace_table",
]

TRACE_COLUMNS = ("part", "unit_id", "source", "source_id", "amount")
"""part: numerator or denominator; unit_id: the unit the addend belongs to, "" for the whole;
source: facility, staff, statistic, unit or demand; source_id: id of that thing; amount: addend."""

_KEY = ("plan", "indicator_id", "alternative", "target_year")
TRACE_TABLE_COLUMNS = (*_KEY, *TRACE_COLUMNS)
"""Of the table of all traces, ``trace.csv``."""


_NO_TRACE = pd.DataFrame(columns=list(TRACE_COLUMNS), dtype="str").astype({"amount": float})


def no_trace() -> pd.DataFrame:
    """Return an empty trace.

    Examples
    --------
    >>> no_trace().empty
    True
    """
    return _NO_TRACE.copy()


def addends(
    part: str,
    source: str,
    source_ids: Iterable[str],
    amounts: Iterable[float],
    unit_ids: Iterable[str] | str = "",
) -> pd.DataFrame:
    """Return the rows of a trace for some addends of one kind.

    Parameters
    ----------
    part : {"numerator", "denominator"}
    source : {"facility", "staff", "statistic", "unit", "demand"}
    source_ids : iterable of str
    amounts : iterable of float
    unit_ids : iterable of str, or str
        The unit that each addend belongs to; one for all.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TRACE_COLUMNS`.

    Examples
    --------
    >>> addends("numerator", "facility", ["a", "b"], [30, 12])["amount"].sum()
    np.float64(42.0)
    >>> addends("numerator", "facility", [], []).empty
    True
    """
    ids = np.array([str(one) for one in source_ids], object)
    if not len(ids):
        return no_trace()
    units = unit_ids if isinstance(unit_ids, str) else [str(one) for one in unit_ids]
    table = pd.DataFrame(
        {
            "part": part,
            "unit_id": units,
            "source": source,
            "source_id": ids,
            "amount": np.asarray(list(amounts), float),
        }
    )
    return table.astype(_NO_TRACE.dtypes.to_dict())


def join_traces(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return several traces as one.

    Examples
    --------
    >>> join_traces([no_trace(), no_trace()]).empty
    True
    """
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else no_trace()


def as_part(trace: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return a trace whose addends are all of one part.

    Examples
    --------
    >>> as_part(addends("", "unit", ["a"], [1.0]), "denominator")["part"].tolist()
    ['denominator']
    """
    return trace.assign(part=part).astype(_NO_TRACE.dtypes.to_dict())


def part_sum(trace: pd.DataFrame, part: str) -> float:
    """Return what the addends of a part add up to.

    Examples
    --------
    >>> part_sum(addends("numerator", "unit", ["a", "b"], [1.0, 2.0]), "numerator")
    3.0
    >>> part_sum(no_trace(), "denominator")
    0.0
    """
    return math.fsum(trace.loc[trace["part"] == part, "amount"])


def trace_of_row(trace: pd.DataFrame, row: Mapping[str, Any]) -> pd.DataFrame:
    """Return the trace of a row of the scorecard, with the row's key in front.

    Parameters
    ----------
    trace : pandas.DataFrame
        Columns :data:`TRACE_COLUMNS`.
    row : mapping
        plan, indicator_id, alternative, target_year (None without a target).
    """
    if trace.empty:
        return trace_table(())
    year = row["target_year"]
    key = {name: row[name] for name in _KEY}
    key["target_year"] = pd.array([pd.NA if year is None else year], "Int64").repeat(len(trace))
    return pd.DataFrame(key | {name: trace[name] for name in TRACE_COLUMNS}, index=trace.index)


def trace_table(traces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the traces of some rows as one table, with its columns and types also where empty.

    Examples
    --------
    >>> row = {"plan": "p", "indicator_id": "a", "alternative": "", "target_year": None}
    >>> one = trace_of_row(addends("numerator", "unit", ["u"], [1.0]), row)
    >>> table = trace_table([one, trace_of_row(no_trace(), row)])
    >>> table[["indicator_id", "target_year", "source_id", "amount"]].values.tolist()
    [['a', <NA>, 'u', 1.0]]
    >>> len(trace_table([]))
    0
    """
    filled = [trace for trace in traces if len(trace)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    empty = pd.DataFrame(columns=list(TRACE_TABLE_COLUMNS), dtype="str")
    return empty.astype({"target_year": "Int64", "amount": float})
