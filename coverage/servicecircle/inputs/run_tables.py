"""The tables of a run's folder read back, each column with its type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = ["KEYS", "read_table", "run_fault"]

# What a spreadsheet takes for a formula was written with an apostrophe before it.
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")

# The columns that hold numbers and switches; all others are texts. A table without its key columns
# is not ours.
KEYS = {
    "scorecard": ("plan", "indicator_id", "alternative", "target_year", "value", "verdict"),
    "unit_results": ("plan", "indicator_id", "alternative", "unit_id", "value", "verdict"),
    "units": ("unit_id", "level", "layer", "rule", "facilities"),
    "facilities": ("facility_id", "layer", "name", "source_file", "source_row"),
    "problems": ("severity", "code"),
    "trace": ("plan", "indicator_id", "alternative", "target_year", "part", "source", "amount"),
}
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "scorecard": (
        "target_year",
        "speed_kmh",
        "value",
        "straight_value",
        "numerator",
        "denominator",
        "baseline_year",
        "baseline",
        "target",
        "low",
        "high",
        "shortfall",
    ),
    "unit_results": (
        "value",
        "numerator",
        "denominator",
        "target",
        "low",
        "high",
        "shortfall",
    ),
    "units": (
        "facilities",
        "population",
        "elderly",
        "covered_population",
        "covered_elderly",
        "population_coverage",
        "elderly_coverage",
        "mean_minutes_of_reached",
        "p90_minutes",
        "unreachable",
        "unsnapped",
    ),
    "facilities": (
        "capacity",
        "nursing_beds",
        "dementia_beds",
        "floor_area_m2",
        "position_error_m",
        "source_row",
        "snap_m",
        "entrances",
        "lon",
        "lat",
    ),
    "trace": ("target_year", "amount"),
    "staff": ("count", "source_row"),
    "statistics": ("value", "source_row"),
}
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "scorecard": ("headline", "governing"),
    "facilities": ("invented", "open"),
    "staff": ("invented",),
    "statistics": ("invented",),
}
_SWITCH_WORDS = {"true": True, "false": False, "": None}


def run_fault(code: str, file: str, **details: object) -> Problem:
    """Return the fault of a file of a run."""
    return Problem(
        code=f"runs.{code}",
        severity="fatal",
        action="stopped",
        file=file,
        value=file,
        details=details,
    )


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table that a run wrote.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        Of the table, such as ``scorecard``; one that is not known has texts alone.

    Raises
    ------
    InputError
        If the file cannot be read, lacks key columns, or a cell holds what it was not written with.
    """
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", low_memory=False
        )
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(run_fault("unreadable", path.name, reason=str(error)[:80])) from None
    missing = [column for column in KEYS.get(name, ()) if column not in table.columns]
    if missing:
        columns = ", ".join(missing)
        raise InputError(run_fault("columns", path.name, columns=columns))
    numbers, switches = _NUMBERS.get(name, ()), _SWITCHES.get(name, ())
    faults = []
    typed: dict[str, Any] = {}
    for column in map(str, table.columns):
        texts = table[column]
        if column in numbers:
            values = pd.to_numeric(texts.where(texts != "", "nan"), errors="coerce").astype(float)
            bad = values.isna() & ~texts.str.lower().isin(["", "nan"])
            if bad.any():
                row = int(bad.to_numpy().argmax())
                faults.append(_bad_cell(path.name, row, column, texts.iloc[row], "runs.bad_number"))
            typed[column] = values
        elif column in switches or (name == "facilities" and column.startswith("in_")):
            values = texts.str.lower().map(_SWITCH_WORDS)
            bad = ~texts.str.lower().isin(list(_SWITCH_WORDS))
            if bad.any():
                row = int(bad.to_numpy().argmax())
                faults.append(_bad_cell(path.name, row, column, texts.iloc[row], "runs.bad_switch"))
            typed[column] = values.astype("boolean")
        else:
            typed[column] = _plain_texts(texts)
    if faults:
        raise InputError(faults)
    return pd.DataFrame(typed, columns=table.columns)


def _bad_cell(file: str, row: int, column: str, value: str, code: str) -> Problem:
    return Problem(
        code=code,
        severity="fatal",
        action="stopped",
        file=file,
        row=row + 2,
        column=column,
        value=value,
    )


def _plain_texts(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Take the apostrophe away that keeps a spreadsheet from running a text."""
    marked = texts.str.startswith("'") & texts.str.get(1).isin(_FORMULA_STARTS)
    return texts.where(~marked, texts.str.slice(1)) if marked.any() else texts
