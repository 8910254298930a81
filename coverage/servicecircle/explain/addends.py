"""The addends of a numerator or a denominator, with names and with where their rows stand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from servicecircle.inputs.runs import Run

__all__ = ["ADDEND_COLUMNS", "PARTS", "Part", "parts_of", "same"]

PARTS = ("numerator", "denominator")
ADDEND_COLUMNS = (
    "source",
    "source_id",
    "name",
    "unit_id",
    "unit_name",
    "amount",
    "file",
    "sheet",
    "row",
)
_RELATIVE = 4e-9
"""Tables hold ten significant digits; a quotient of two sums of such numbers is off by this."""


def same(one: float, other: float) -> bool:
    """Return whether two numbers are the same but for the ten digits that tables hold.

    Examples
    --------
    >>> same(62.857142857142854, 62.85714286), same(62.85, 62.86), same(float("nan"), float("nan"))
    (True, False, True)
    """
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= _RELATIVE * max(1.0, abs(one), abs(other))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Part:
    """A numerator or a denominator.

    Parameters
    ----------
    name : {"numerator", "denominator"}
    recorded : float
        As the scorecard, or the row of a unit, has it; NaN where there is none.
    addends : pandas.DataFrame
        Columns :data:`ADDEND_COLUMNS`, the largest first.
    """

    name: str
    recorded: float
    addends: pd.DataFrame

    @property
    def total(self) -> float:
        """Sum of the addends; 0 where there is none."""
        return math.fsum(self.addends["amount"])


def parts_of(run: Run, row: pd.Series[Any], unit_names: Mapping[str, str]) -> tuple[Part, ...]:
    """Return numerator and denominator of a row of the scorecard with their addends.

    Parameters
    ----------
    run : Run
    row : pandas.Series
        Of the scorecard.
    unit_names : mapping of str to str
        Unit id → name.
    """
    trace = run.trace
    mine = (
        (trace["plan"] == row["plan"])
        & (trace["indicator_id"] == row["indicator_id"])
        & (trace["alternative"] == row["alternative"])
    )
    year = row["target_year"]
    of_year = trace["target_year"].isna() if pd.isna(year) else trace["target_year"] == year
    rows = trace[mine & of_year]
    return tuple(
        Part(
            name=name,
            recorded=float(row[name]),
            addends=named_addends(run, rows[rows["part"] == name], unit_names),
        )
        for name in PARTS
    )


def named_addends(run: Run, rows: pd.DataFrame, unit_names: Mapping[str, str]) -> pd.DataFrame:
    """Return rows of a trace with names and sources, the largest first.

    Parameters
    ----------
    run : Run
    rows : pandas.DataFrame
        Columns source, source_id, unit_id, amount.
    unit_names : mapping of str to str

    Returns
    -------
    pandas.DataFrame
        Columns :data:`ADDEND_COLUMNS`.
    """
    found = pd.DataFrame(_named(run, rows, unit_names), columns=list(ADDEND_COLUMNS))
    found = found.astype({"amount": float})
    order = found["amount"].sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def _named(
    run: Run, rows: pd.DataFrame, unit_names: Mapping[str, str]
) -> Iterator[tuple[object, ...]]:
    places = _places(run.facilities, "facility_id")
    names = dict(zip(run.facilities["facility_id"], run.facilities["name"], strict=True))
    staff = _places(run.tables["staff"], "unit_id") if "staff" in run.tables else {}
    at_facilities = _places(run.tables["staff"], "facility_id") if "staff" in run.tables else {}
    figures = {}
    if "statistics" in run.tables:
        figures = _places(run.tables["statistics"], "unit_id", "name")
    for source, source_id, unit, amount in zip(
        rows["source"], rows["source_id"], rows["unit_id"], rows["amount"], strict=True
    ):
        title, place = unit_names.get(unit, unit), ("", "", math.nan)
        if source == "facility" or (source == "staff" and source_id in names):
            title = names.get(source_id, "")
            where = places if source == "facility" else at_facilities
            place = where.get((source_id,), place)
        elif source == "staff":
            title, place = unit_names.get(source_id, source_id), staff.get((source_id,), place)
        elif source == "statistic":
            title = source_id
            place = figures.get((unit or "area", source_id), place)
        elif source == "unit":
            title = unit_names.get(source_id, source_id)
        yield (source, source_id, title, unit, unit_names.get(unit, ""), amount, *place)


def _places(table: pd.DataFrame, *keys: str) -> dict[tuple[str, ...], tuple[str, str, float]]:
    """Return the file, sheet and row of the rows of a table by some of its columns, the last."""
    columns = [table[name] for name in (*keys, "source_file", "source_sheet", "source_row")]
    return {
        tuple(row[: len(keys)]): (row[-3], row[-2], row[-1]) for row in zip(*columns, strict=True)
    }
