"""The register of facilities at a date: which are open, and where dates and status disagree."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.problems import Problem, Severity

__all__ = ["is_open", "register_problems"]

Bools = NDArray[np.bool_]


def is_open(facilities: pd.DataFrame, as_of: dt.date) -> pd.Series[bool]:
    """Return which facilities are open at a date.

    Open means: opened by the date or without an opening date, not closed by then, and neither
    planned nor closed by status. A date outweighs the status where it tells of another day: a
    closing date after ``as_of`` the status ``closed``, one by then the status ``open``, an opening
    date to come the status ``open``. A planned facility is not open whatever its dates say; one
    that has a planned date, and neither an opening date nor a status, is planned.

    Parameters
    ----------
    facilities : pandas.DataFrame
        Columns opened, closed (datetime64 or NaT), status and, where known, planned.
    as_of : datetime.date

    Returns
    -------
    pandas.Series of bool
        With the index of ``facilities``.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "opened": pd.to_datetime(["2020-01-01", None, "2026-01-01"]),
    ...     "closed": pd.to_datetime([None, "2025-12-31", None]),
    ...     "status": ["", "open", ""],
    ... })
    >>> is_open(table, dt.date(2025, 12, 31)).tolist()
    [True, False, False]
    >>> is_open(table.iloc[:0], dt.date(2025, 12, 31)).tolist()
    []
    """
    row = _Register.of(facilities, as_of)
    found = (
        ~row.to_open
        & ~row.has_closed
        & ~row.planned
        & ((row.status != "closed") | row.closes_later)
    )
    return pd.Series(found, index=facilities.index, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Register:
    """What dates and status say at a day, row by row."""

    status: NDArray[np.object_]
    has_opened: Bools
    to_open: Bools
    has_closed: Bools
    closes_later: Bools
    plan_is_over: Bools
    planned: Bools

    @classmethod
    def of(cls, facilities: pd.DataFrame, as_of: dt.date) -> _Register:
        day = np.datetime64(as_of)
        opened, closed, plan = (_days(facilities, name) for name in ("opened", "closed", "planned"))
        status = facilities["status"].fillna("").astype(str).to_numpy(object)
        has_opened = opened <= day
        waiting = (status == "") & np.isnat(opened) & np.isnat(closed) & ~np.isnat(plan)
        return cls(
            status=status,
            has_opened=has_opened,
            to_open=opened > day,
            has_closed=closed <= day,
            closes_later=closed > day,
            plan_is_over=plan <= day,
            planned=(status == "planned") | waiting,
        )


def _days(facilities: pd.DataFrame, name: str) -> NDArray[np.datetime64]:
    if name not in facilities.columns:
        return np.full(len(facilities), "NaT", dtype="datetime64[D]")
    return pd.to_datetime(facilities[name]).to_numpy("datetime64[D]")


def register_problems(facilities: pd.DataFrame, as_of: dt.date) -> list[Problem]:
    """Record the rows whose dates and status disagree at a date, and which of them was taken.

    Parameters
    ----------
    facilities : pandas.DataFrame
        The facilities contract; columns as for :func:`is_open`, name, layer and the source.
    as_of : datetime.date

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "layer": "canteen", "name": ["a", "b"], "status": ["planned", "open"],
    ...     "opened": pd.to_datetime(["2020-01-01", "2027-01-01"]), "closed": pd.NaT,
    ...     "source_file": "a.csv", "source_sheet": "", "source_row": [2, 3],
    ... })
    >>> [problem.code for problem in register_problems(table, dt.date(2025, 12, 31))]
    ['register.planned_though_opened', 'register.open_before_its_date']
    >>> register_problems(table.iloc[:0], dt.date(2025, 12, 31))
    []
    """
    row = _Register.of(facilities, as_of)
    faults: tuple[tuple[str, Bools, str, Severity], ...] = (
        ("planned_though_opened", (row.status == "planned") & row.has_opened, "opened", "warning"),
        ("open_before_its_date", (row.status == "open") & row.to_open, "opened", "warning"),
        ("open_though_closed", (row.status == "open") & row.has_closed, "closed", "warning"),
        ("closes_later", (row.status == "closed") & row.closes_later, "closed", "note"),
        ("plan_is_over", row.planned & row.plan_is_over & ~row.has_opened, "planned", "note"),
    )
    problems = []
    for code, rows, column, severity in faults:
        for at in np.flatnonzero(rows):
            one = facilities.iloc[int(at)]
            number = one["source_row"]
            problems.append(
                Problem(
                    code=f"register.{code}",
                    severity=severity,
                    file=str(one["source_file"]),
                    sheet=str(one["source_sheet"]),
                    row=None if pd.isna(number) else int(number),
                    column=column,
                    value=f"{one[column]:%Y-%m-%d}",
                    details={
                        "layer": str(one["layer"]),
                        "name": str(one["name"]),
                        "as_of": as_of.isoformat(),
                    },
                )
            )
    return sorted(problems, key=lambda item: (item.file, item.sheet, item.row or 0))
