"""The numbers and the dates of a facility list, each unreadable cell recorded."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.facility_cells import Cells
from servicecircle.inputs.titles import normalise_title
from servicecircle.inputs.values import dates, fold_width, numbers
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["DATES", "NUMBERS", "date_columns", "number_columns"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NUMBERS = ("capacity", "nursing_beds", "dementia_beds", "floor_area_m2")
DATES = ("opened", "closed", "renovated", "planned")
_SHARE_THAT_ADDS_UP = 0.9
_YEAR_ALONE = re.compile(r"(?:民国|民國)?\d{1,4}年?")


def number_columns(
    cells: Cells, settings: FacilitySettings, keep: Bools
) -> tuple[dict[str, Floats], list[Problem]]:
    """Return capacity, beds, floor area and error; an unreadable part leaves the sum empty.

    Parameters
    ----------
    cells : Cells
    settings : FacilitySettings
    keep : numpy.ndarray of bool, shape (n,)
        Only rows in use are recorded.

    Examples
    --------
    >>> from pathlib import Path
    >>> cells = Cells.of(pd.DataFrame({"床位数": ["1,200", "-3"]}))
    >>> settings = FacilitySettings(path=Path("a.csv"))
    >>> found, problems = number_columns(cells, settings, np.array([True, True]))
    >>> found["capacity"].tolist(), [problem.code for problem in problems]
    ([1200.0, nan], ['facility.negative'])
    """
    columns: dict[str, Floats] = {}
    problems: list[Problem] = []

    def read(texts: pd.Series[str], title: str) -> tuple[Floats, Bools]:
        values, ok = numbers(texts)
        negative = values < 0
        problems.extend(
            cells.problems("facility.bad_number", keep & ~ok, title=title, values=texts)
        )
        problems.extend(
            cells.problems("facility.negative", keep & negative, title=title, values=texts)
        )
        values[negative] = np.nan
        return values, ok & ~negative

    for column in (*NUMBERS, "position_error_m"):
        if column == "capacity" and settings.capacity_sum:
            continue
        if not cells.title(column):
            columns[column] = np.full(len(keep), np.nan)
            continue
        columns[column], _ = read(cells.texts(column), cells.title(column))
    if settings.capacity_sum:
        frame = cells.raw.frame
        titles = {normalise_title(str(title)): str(title) for title in reversed(frame.columns)}
        chosen = [
            title if title in frame.columns else titles[normalise_title(title)]
            for title in settings.capacity_sum
        ]
        read_parts = [read(frame[title], title) for title in chosen]
        parts = np.vstack([values for values, _ in read_parts])
        ok = np.vstack([good for _, good in read_parts]).all(axis=0)
        given = np.isfinite(parts).any(axis=0)
        columns["capacity"] = np.where(ok & given, np.nansum(parts, axis=0), np.nan)
        problems += _doubled(cells, chosen, parts[:, keep])
    for column in ("capacity", "nursing_beds", "dementia_beds"):
        problems += cells.problems(
            "facility.part_of_a_bed",
            keep & (np.nan_to_num(columns[column]) % 1.0 != 0.0),
            title=cells.title(column),
            values=cells.texts(column),
        )
    for column in ("nursing_beds", "dementia_beds"):
        problems += cells.problems(
            "facility.more_than_capacity",
            keep & (columns[column] > columns["capacity"]),
            title=cells.title(column),
            values=cells.texts(column),
        )
    return columns, problems


def _doubled(cells: Cells, titles: list[str], parts: Floats) -> list[Problem]:
    """Warn where one of the columns to add up is the sum of the others."""
    total = np.nansum(parts, axis=0)
    filled = total > 0
    sums = np.array([filled & np.isclose(2.0 * np.nan_to_num(own), total) for own in parts])
    counts = sums.sum(axis=1).tolist()
    most = max(counts)
    # Of two columns each is "the sum of the others" wherever they are equal; one part alone
    # beside its total says no more.
    several = filled & ((parts > 0).sum(axis=0) > 2)  # noqa: PLR2004 - a sum and two parts
    sure = int((sums[counts.index(most)] & several).sum()) > 0
    enough = max(1 if sure else 3, _SHARE_THAT_ADDS_UP * filled.sum())
    if len(titles) < 3 or most < enough:  # noqa: PLR2004 - a sum and two parts
        return []
    return [
        Problem(
            code="facility.sum_doubles",
            severity="warning",
            file=cells.file,
            sheet=cells.raw.sheet,
            column=titles[counts.index(most)],
            value=", ".join(titles),
            details={"count": most, "total": int(filled.sum())},
        )
    ]


def date_columns(
    cells: Cells, keep: Bools, *, stands_for: Literal["first", "last"] = "first"
) -> tuple[dict[str, NDArray[np.datetime64]], list[Problem]]:
    """Return opened, closed, renovated and planned.

    Parameters
    ----------
    cells : Cells
    keep : numpy.ndarray of bool, shape (n,)
        Only rows in use are recorded.
    stands_for : {"first", "last"}
        The day that stands for a year or a month alone.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"开业时间": ["2021年3月5日", "去年", "2021.5", "2020年"]}))
    >>> found, problems = date_columns(cells, np.full(4, True), stands_for="last")
    >>> found["opened"].astype("datetime64[D]").astype(str).tolist()
    ['2021-03-05', 'NaT', '2021-05-31', '2020-12-31']
    >>> [(problem.code, problem.row) for problem in problems]
    [('facility.bad_date', 3), ('facility.date_last_day', 4), ('facility.date_last_day', 5)]
    """
    columns: dict[str, NDArray[np.datetime64]] = {}
    problems: list[Problem] = []
    for column in DATES:
        texts, title = cells.texts(column), cells.title(column)
        if not title:
            columns[column] = np.full(len(keep), "NaT", dtype="datetime64[s]")
            continue
        found = dates(texts)
        partial = found.partial & found.ok
        columns[column] = _last_days(found.values, texts, partial, stands_for)
        problems += cells.problems("facility.bad_date", keep & ~found.ok, title=title, values=texts)
        problems += cells.problems(
            "facility.date_short_year",
            keep & found.short_years,
            title=title,
            values=texts,
            action="mended",
        )
        problems += cells.problems(
            "facility.date_first_day" if stands_for == "first" else "facility.date_last_day",
            keep & partial,
            title=title,
            values=texts,
            severity="note",
            action="mended",
        )
    for code, late in (
        ("facility.closed_before_opened", "closed"),
        ("facility.renovated_before_opened", "renovated"),
    ):
        problems += cells.problems(
            code,
            keep & (columns[late] < columns["opened"]),
            title=cells.title(late),
            values=cells.texts(late),
        )
    return columns, problems


def _last_days(
    values: NDArray[np.datetime64],
    texts: pd.Series[str],
    partial: Bools,
    stands_for: Literal["first", "last"],
) -> NDArray[np.datetime64]:
    """Return dates with a year or a month alone as its last day, where that is asked for."""
    if stands_for == "first":
        return values
    result = values.copy()
    for at in np.flatnonzero(partial).tolist():
        year_alone = _YEAR_ALONE.fullmatch(fold_width(texts.iloc[at]).replace(" ", ""))
        whole = "datetime64[Y]" if year_alone else "datetime64[M]"
        after = (values[at].astype(whole) + 1).astype("datetime64[D]")
        result[at] = after - np.timedelta64(1, "D")
    return result
