"""The staff table: how many people of each role work in units and in facilities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from servicecircle.inputs.changes import NO_CHANGES, Changes
from servicecircle.inputs.figure_entries import (
    no_numbers,
    read_numbers,
    settled_numbers,
    source_columns,
)
from servicecircle.inputs.figure_places import FigureRows, FigureUnits, place_figures
from servicecircle.inputs.staff_columns import likely_titles, role_words, staff_columns
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem
from servicecircle.project import StaffSettings

__all__ = ["STAFF_COLUMNS", "StaffData", "no_staff", "read_staff", "staff_of_units"]

STAFF_COLUMNS = (
    "unit_id",
    "facility_id",
    "level",
    "layer",
    "role",
    "count",
    "date",
    "source_file",
    "source_sheet",
    "source_row",
    "invented",
)


@dataclass(frozen=True, slots=True)
class StaffData:
    """The staff of a project.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns :data:`STAFF_COLUMNS`: one row for each unit or facility and role, the latest by
        the date of judgement; of units that became one a row for each of them. Of ``unit_id``
        (with its ``level``) and ``facility_id`` (with its
        ``layer``) one is "".
    problems : tuple of Problem
    rows_in : int
        Rows of the file: those with a number in ``frame``, and ``rows_set_aside``. A row of a
        table with a column for each role may have several numbers.
    rows_set_aside : int
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    rows_set_aside: int


def no_staff() -> pd.DataFrame:
    """Return an empty staff table.

    Examples
    --------
    >>> no_staff().empty
    True
    """
    return no_numbers(STAFF_COLUMNS)


def staff_of_units(staff: pd.DataFrame, role: str, *, level: str) -> pd.Series[float]:
    """Return the people of a role by unit of one level.

    Only rows of units of this very level: neither those of facilities, whose people the units'
    numbers may hold already, nor those of finer or coarser units.

    Parameters
    ----------
    staff : pandas.DataFrame
        Columns :data:`STAFF_COLUMNS`.
    role, level : str

    Returns
    -------
    pandas.Series of float
        Index unit_id; units without a row are not in it.

    Examples
    --------
    >>> staff_of_units(no_staff(), "social_workers", level="township").empty
    True
    """
    mine = (staff["role"] == role) & (staff["level"] == level) & (staff["unit_id"] != "")
    # Units that became one have a row each.
    return staff[mine].groupby("unit_id", sort=False)["count"].sum().astype(np.float64)


def read_staff(
    settings: StaffSettings,
    *,
    base: Path,
    units: pd.DataFrame,
    facilities: Mapping[str, pd.DataFrame],
    as_of: dt.date,
    invented: bool = False,
    changes: Changes = NO_CHANGES,
) -> StaffData:
    r"""Read the staff table and join it to units and facilities.

    A facility is found by its code, its id or its name, in the layer that the row names or in all
    of them; a unit by its code, else by its name within its parent. Where a row gives both, the
    people are the facility's. Of several rows for one unit or facility and role the latest counts
    whose date is at most ``as_of``, a dated one before one without a date; two of one date are
    not added up: the later row counts.

    Parameters
    ----------
    settings : StaffSettings
        ``[staff]`` of the project file.
    base : pathlib.Path
        Folder of the project file.
    units : pandas.DataFrame
        Table ``units`` of all levels.
    facilities : mapping of str to pandas.DataFrame
        Tables ``facilities`` by layer.
    as_of : datetime.date
    invented : bool
        Everything in the project is.
    changes : Changes
        What became of units: a row that names an earlier one counts for the unit of today, beside
        the rows of others that became part of it. A number of a unit that was split is set aside.

    Raises
    ------
    InputError
        If the file is missing or broken, lacks a column, or no row of it can be used.

    Examples
    --------
    >>> import tempfile
    >>> town = pd.DataFrame({
    ...     "unit_id": ["township:1"], "code": ["1"], "name": ["东镇"], "level": ["township"],
    ...     "parent_id": [""],
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "staffing.csv"
    ...     rows = ["乡镇,岗位,人数,日期", "东镇,社工,5,2023", "东镇,社工,7,2024", "西镇,社工,1,"]
    ...     _ = path.write_text("\n".join(rows))
    ...     data = read_staff(
    ...         StaffSettings(path=Path("staffing.csv")), base=Path(folder), units=town,
    ...         facilities={}, as_of=dt.date(2025, 12, 31),
    ...     )
    >>> data.frame[["unit_id", "role", "count"]].to_dict("records")
    [{'unit_id': 'township:1', 'role': 'social_workers', 'count': 7.0}]
    >>> data.rows_in, data.rows_set_aside, [problem.code for problem in data.problems]
    (3, 2, ['staffing.superseded', 'staffing.unknown_unit'])
    """
    name = settings.path.as_posix()
    wanted = [*settings.columns.values(), *settings.roles.values()]
    table = read_table(
        base / settings.path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=wanted or likely_titles(),
    )
    columns = staff_columns(settings, table, file=name)
    rows = FigureRows(table=table, file=name, topic="staff")
    same = {normalise_title(str(title)): str(title) for title in table.frame.columns}
    own = [(role, same[normalise_title(title)]) for role, title in settings.roles.items()]
    entries = read_numbers(rows, columns, own, key=("role", "count"), words=role_words())
    where = FigureUnits(
        units=units, changes=changes, as_of=as_of, since=settings.units_date,
        level=settings.unit_level,
    )  # fmt: skip
    entries = place_figures(rows, columns, entries, where, facilities)
    entries, problems = settled_numbers(rows, entries, where)
    frame = _frame(rows, entries, invented=invented or settings.invented)
    rows_in = len(table.frame) + table.rows_set_aside
    used = int(frame["source_row"].nunique())
    return StaffData(frame, (*table.problems, *problems), rows_in, rows_in - used)


def _frame(rows: FigureRows, entries: pd.DataFrame, *, invented: bool) -> pd.DataFrame:
    if entries.empty:
        return no_staff()
    columns = source_columns(rows, entries, invented=invented)
    frame = entries.assign(**columns)[list(STAFF_COLUMNS)].reset_index(drop=True)
    return frame.astype(no_staff().dtypes.to_dict())
