"""Figures of units: patients, burials needed, or whatever an office counts, by name and date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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
from servicecircle.inputs.figure_places import AREA, FigureRows, FigureUnits, place_figures
from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.inputs.statistic_columns import (
    area_words,
    figure_words,
    likely_titles,
    statistic_columns,
)
from servicecircle.inputs.tables import read_table
from servicecircle.problems import Problem
from servicecircle.project import StatisticsSettings

__all__ = [
    "STATISTIC_COLUMNS",
    "Area",
    "StatisticData",
    "no_statistics",
    "read_statistics",
    "statistics_of_units",
]

STATISTIC_COLUMNS = (
    "unit_id",
    "level",
    "name",
    "value",
    "date",
    "source_file",
    "source_sheet",
    "source_row",
    "invented",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The whole area of a project: what it is called, and its level ("" unknown)."""

    name: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class StatisticData:
    """The figures of a project.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns :data:`STATISTIC_COLUMNS`: one row for each unit and name, the latest by the date of
        judgement; of units that became one a row for each of them. ``unit_id`` is ``area`` for
        the whole area.
    problems : tuple of Problem
    rows_in : int
        Rows of the file: those with a figure in ``frame``, and ``rows_set_aside``.
    rows_set_aside : int
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    rows_set_aside: int


def no_statistics() -> pd.DataFrame:
    """Return an empty table of figures.

    Examples
    --------
    >>> no_statistics().empty
    True
    """
    return no_numbers(STATISTIC_COLUMNS)


def statistics_of_units(statistics: pd.DataFrame, name: str, *, level: str) -> pd.Series[float]:
    """Return a figure by unit of one level; that of the whole area is under ``area``.

    Parameters
    ----------
    statistics : pandas.DataFrame
        Columns :data:`STATISTIC_COLUMNS`.
    name, level : str

    Returns
    -------
    pandas.Series of float
        Index unit_id; units without a row are not in it.

    Examples
    --------
    >>> statistics_of_units(no_statistics(), "patients", level="county").empty
    True
    """
    mine = (statistics["name"] == name) & (statistics["level"] == level)
    # Units that became one have a row each.
    return statistics[mine].groupby("unit_id", sort=False)["value"].sum().astype(np.float64)


def read_statistics(
    settings: StatisticsSettings,
    *,
    base: Path,
    units: pd.DataFrame,
    as_of: dt.date,
    figures: Mapping[str, Sequence[str]],
    area: Area | None = None,
    changes: Changes = NO_CHANGES,
) -> StatisticData:
    r"""Read a table of figures and join it to units.

    A row for each name, or a column for each. A unit is found by its code, else by its name within
    its parent; ``全市``, ``area`` and the name of the project stand for the whole area, and so does
    every row of a table without a column of units. Of several rows for one unit and name the latest
    counts whose date is at most ``as_of``, a dated one before one without a date; two of one date
    are not added up: the later row counts.

    Parameters
    ----------
    settings : StatisticsSettings
        ``[statistics]`` of the project file.
    base : pathlib.Path
        Folder of the project file.
    units : pandas.DataFrame
        Table ``units`` of all levels.
    as_of : datetime.date
    figures : mapping of str to sequence of str
        Name of a figure that plans ask for → titles it comes under; others are kept as they are.
    area : Area, optional
    changes : Changes
        What became of units: a row that names an earlier one counts for the unit of today. A
        figure of a unit that was split is set aside.

    Raises
    ------
    InputError
        If the file is missing or broken, lacks a column, or no row of it can be used.

    Examples
    --------
    >>> import tempfile
    >>> county = pd.DataFrame({
    ...     "unit_id": ["county:1"], "code": ["1"], "name": ["东县"], "level": ["county"],
    ...     "parent_id": [""],
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "figures.csv"
    ...     rows = ["县区,指标,数值,日期", "东县,居家患者,310,2024", "全市,居家患者,900,2024"]
    ...     _ = path.write_text("\n".join(rows))
    ...     data = read_statistics(
    ...         StatisticsSettings(path=Path("figures.csv")), base=Path(folder), units=county,
    ...         as_of=dt.date(2025, 12, 31), figures={"patients": ("居家患者",)},
    ...         area=Area(level="prefecture"),
    ...     )
    >>> data.frame[["unit_id", "level", "name", "value"]].values.tolist()
    [['county:1', 'county', 'patients', 310.0], ['area', 'prefecture', 'patients', 900.0]]
    """
    name = settings.path.as_posix()
    wanted = [*settings.columns.values(), *settings.names.values()]
    table = read_table(
        base / settings.path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=wanted or likely_titles(figures),
    )
    columns, own, unread = statistic_columns(settings, table, figures, file=name)
    rows = FigureRows(table=table, file=name, topic="statistics")
    entries = read_numbers(rows, columns, own, key=("name", "value"), words=figure_words(figures))
    whole = area or Area()
    where = FigureUnits(
        units=units, changes=changes, as_of=as_of, since=settings.units_date,
        level=settings.unit_level, area_level=whole.level,
        area_words=frozenset(map(normalise_name, (*area_words(), whole.name))) - {""},
    )  # fmt: skip
    if {"unit", "unit_code"} & set(columns):
        entries = place_figures(rows, columns, entries, where, {})
    else:
        entries = entries.assign(
            unit_id=AREA, facility_id="", former="", level=whole.level, layer=""
        )
    entries, problems = settled_numbers(rows, entries, where)
    problems += _unread(unread, file=name, sheet=table.sheet)
    frame = entries.rename(columns={"role": "name", "count": "value"}).assign(
        **source_columns(rows, entries, invented=settings.invented)
    )
    frame = frame[list(STATISTIC_COLUMNS)].reset_index(drop=True)
    frame = frame.astype(no_statistics().dtypes.to_dict())
    rows_in = len(table.frame) + table.rows_set_aside
    used = int(frame["source_row"].nunique())
    return StatisticData(frame, (*table.problems, *problems), rows_in, rows_in - used)


def _unread(titles: Sequence[str], *, file: str, sheet: str) -> list[Problem]:
    if not titles:
        return []
    return [
        Problem(
            code="statistics.unread",
            severity="note",
            file=file,
            sheet=sheet,
            value=", ".join(titles),
        )
    ]
