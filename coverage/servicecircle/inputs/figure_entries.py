"""The numbers of a table: one column for each name, or one row for each; the latest of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.figure_places import FigureRows, FigureUnits, without_covered
from servicecircle.inputs.titles import normalise_title
from servicecircle.inputs.values import clean_names, dates, is_empty, numbers
from servicecircle.problems import Problem

__all__ = ["latest_numbers", "no_numbers", "read_numbers", "settled_numbers", "source_columns"]

_KINDS = {
    "count": "float64",
    "value": "float64",
    "date": "datetime64[s]",
    "source_row": "Int64",
    "invented": "bool",
}
_FIRST_FAULTS = 5

Filled = list[tuple[int, str, str, str]]
"""Row, name, title and cell of each number."""


def read_numbers(
    rows: FigureRows,
    columns: Mapping[str, str],
    own_columns: Iterable[tuple[str, str]],
    *,
    key: tuple[str, str],
    words: Mapping[str, str],
) -> pd.DataFrame:
    """Return the numbers of a table; those without a name or a number are set aside.

    Parameters
    ----------
    rows : FigureRows
        Takes the records.
    columns : mapping of str to str
        Our column → column of the file.
    own_columns : iterable of (str, str)
        Name and title, where each name has its own column; else empty.
    key : (str, str)
        Our columns of the name and of the number.
    words : mapping of str to str
        Normalised word → name that plans ask for; others are kept, and noted.

    Returns
    -------
    pandas.DataFrame
        at (row of the table), role (the name), count (the number), title, date.

    Examples
    --------
    >>> from servicecircle.inputs.tables import Table
    >>> table = Table(pd.DataFrame({"镇": ["甲"], "社工": ["3人"]}), np.array([2]))
    >>> rows = FigureRows(table=table, file="a.csv", topic="staff")
    >>> read_numbers(rows, {}, [("social_workers", "社工")], key=("role", "count"), words={
    ...     "socialworkers": "social_workers"})[["role", "count"]].to_dict("records")
    [{'role': 'social_workers', 'count': 3.0}]
    """
    own = list(own_columns)
    filled = _wide(rows, own) if own else _long(rows, columns, *key)
    values, ok = numbers([text for *_, text in filled])
    day = dates(rows.texts(columns.get("date")))
    for at in np.flatnonzero(~day.ok).tolist():
        title = columns.get("date")
        text = rows.texts(title)[at]
        rows.record("bad_date", at, title, text, severity="warning", action="flagged")
    used: list[tuple[int, str, float, str]] = []
    names = tuple(dict.fromkeys(words.values()))
    told: set[str] = set()
    for (at, name, title, text), value, good in zip(filled, values, ok, strict=True):
        if is_empty(name):
            rows.record("no_role", at, columns.get(key[0]), name)
        elif not good or not value >= 0.0:
            rows.record("bad_count", at, title, text)
        else:
            ours = words.get(normalise_title(name), name)
            if ours not in names and name not in told:
                told.add(name)
                shown = columns.get(key[0], title)
                rows.record(
                    "own_role", at, shown, name, severity="note", action="flagged",
                    known=", ".join(names),
                )  # fmt: skip
            used.append((at, ours, float(value), title))
    table = pd.DataFrame(used, columns=["at", "role", "count", "title"])
    return table.assign(date=day.values[table["at"].to_numpy(np.int64)])


def _wide(rows: FigureRows, parts: list[tuple[str, str]]) -> Filled:
    filled = [
        (at, name, title, text)
        for name, title in parts
        for at, text in enumerate(rows.texts(title))
        if not is_empty(text)
    ]
    filled.sort(key=lambda item: item[0])
    for at in sorted(set(range(len(rows.table.frame))) - {item[0] for item in filled}):
        rows.record("no_number", at, parts[0][1], "")
    return filled


def _long(rows: FigureRows, columns: Mapping[str, str], name: str, number: str) -> Filled:
    names, cells = clean_names(rows.texts(columns[name])), rows.texts(columns[number])
    return [(at, str(names[at]), columns[number], cells[at]) for at in range(len(cells))]


def no_numbers(columns: Sequence[str]) -> pd.DataFrame:
    """Return an empty table of numbers: text but for numbers, dates, rows and yes or no.

    Examples
    --------
    >>> no_numbers(["unit_id", "value"]).dtypes.astype(str).tolist()
    ['str', 'float64']
    """
    return pd.DataFrame({name: pd.Series(dtype=_KINDS.get(name, "str")) for name in columns})


def settled_numbers(
    rows: FigureRows, entries: pd.DataFrame, where: FigureUnits
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the numbers that count at the date of judgement, and the records in order of rows.

    A table that only begins after that date is no broken one: nothing is known yet.

    Parameters
    ----------
    rows : FigureRows
        With the records so far.
    entries : pandas.DataFrame
        at, title, role, date, level, unit_id, facility_id, former.
    where : FigureUnits

    Raises
    ------
    InputError
        If no number has found its place; with the first faults.

    Examples
    --------
    >>> from servicecircle.inputs.changes import NO_CHANGES
    >>> from servicecircle.inputs.tables import Table
    >>> rows = FigureRows(table=Table(pd.DataFrame(), np.empty(0)), file="a.csv", topic="staff")
    >>> where = FigureUnits(
    ...     units=pd.DataFrame(), changes=NO_CHANGES, as_of=dt.date(2025, 12, 31), since=None
    ... )
    >>> try:
    ...     settled_numbers(rows, pd.DataFrame(), where)
    ... except InputError as error:
    ...     print(error.problems[0].code)
    staffing.empty
    """
    placed = len(entries) > 0
    if placed:
        entries = latest_numbers(rows, entries, where.as_of)
        entries = without_covered(rows, entries, where)
    problems = sorted(rows.problems, key=lambda item: (item.row is None, item.row or 0))
    if not placed:
        fault = Problem(code=rows.code("empty"), severity="fatal", file=rows.file, action="stopped")
        raise InputError([fault, *problems[:_FIRST_FAULTS]])
    return entries, problems


def latest_numbers(rows: FigureRows, entries: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Keep the latest number of each place and name; record those passed over.

    Of two of one date the later row counts; they are not added up. One without a date comes before
    all that have one.

    Parameters
    ----------
    rows : FigureRows
        Takes the records.
    entries : pandas.DataFrame
        at, title, role, date, unit_id, facility_id, former.
    as_of : datetime.date
        Numbers of later dates are not used.

    Examples
    --------
    >>> from servicecircle.inputs.tables import Table
    >>> rows = FigureRows(table=Table(pd.DataFrame(), np.array([2, 3])), file="", topic="staff")
    >>> entries = pd.DataFrame({
    ...     "at": [0, 1], "title": "人数", "role": "a", "unit_id": "u", "facility_id": "",
    ...     "former": "", "date": pd.to_datetime(["2024-01-01", "2023-01-01"]), "count": [1.0, 2.0],
    ... })
    >>> latest_numbers(rows, entries, dt.date(2025, 12, 31))["count"].tolist()
    [1.0]
    """
    late = (entries["date"] > pd.Timestamp(as_of)).to_numpy(bool)
    day = as_of.isoformat()
    for at, title, name in entries.loc[late, ["at", "title", "role"]].itertuples(index=False):
        rows.record("later", at, title, name, severity="note", as_of=day)
    entries = entries[~late]
    keys = ["unit_id", "facility_id", "role", "former"]
    ordered = entries.sort_values("date", kind="stable", na_position="first")
    newest = ordered.groupby(keys, sort=False).tail(1)
    used_for = {tuple(entry[key] for key in keys): entry for entry in newest.to_dict("records")}
    passed = entries[~entries.index.isin(newest.index)]
    for entry in passed.to_dict("records"):
        used = used_for[tuple(entry[key] for key in keys)]
        same_day = used["date"] == entry["date"] or (
            pd.isna(used["date"]) and pd.isna(entry["date"])
        )
        rows.record(
            "twice" if same_day else "superseded",
            int(entry["at"]),
            str(entry["title"]),
            str(entry["role"]),
            severity="warning" if same_day else "note",
            row_used=int(rows.table.rows[int(used["at"])]),
        )
    return entries[~entries.index.isin(passed.index)]


def source_columns(rows: FigureRows, entries: pd.DataFrame, *, invented: bool) -> dict[str, Any]:
    """Return where each number stands: source_file, source_sheet, source_row, invented.

    Examples
    --------
    >>> from servicecircle.inputs.tables import Table
    >>> rows = FigureRows(table=Table(pd.DataFrame(), np.array([7])), file="a.csv", topic="staff")
    >>> source_columns(rows, pd.DataFrame({"at": [0]}), invented=False)["source_row"].tolist()
    [7]
    """
    return {
        "source_file": rows.file,
        "source_sheet": rows.table.sheet,
        "source_row": pd.array(rows.table.rows[entries["at"].to_numpy(np.int64)], dtype="Int64"),
        "invented": invented,
    }
