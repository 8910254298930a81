"""The cells of a facility list as values: text, codes, numbers, dates, status, and the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.columns import match_columns, normalise_title, status_words
from servicecircle.inputs.facility_sources import RawFacilities
from servicecircle.inputs.values import (
    clean_codes,
    clean_names,
    dates,
    fold_width,
    is_empty,
    numbers,
    split_list,
)
from servicecircle.problems import Action, Problem, Severity
from servicecircle.project import FacilitySettings

__all__ = [
    "DATES",
    "NUMBERS",
    "Cells",
    "codes",
    "date_columns",
    "extra_column",
    "number_columns",
    "status_column",
    "text_columns",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

NUMBERS = ("capacity", "nursing_beds", "dementia_beds", "floor_area_m2")
DATES = ("opened", "closed", "renovated")
_SHARE_THAT_ADDS_UP = 0.9


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a file by our columns, and the way to record what is wrong with one."""

    raw: RawFacilities
    file: str

    @classmethod
    def of(cls, frame: pd.DataFrame, *, file: str = "") -> Cells:
        """Return the cells of a table without places, its rows numbered from 2.

        Examples
        --------
        >>> Cells.of(pd.DataFrame({"名称": ["甲"]})).texts("name")
        ['甲']
        """
        nothing = np.full(len(frame), np.nan)
        raw = RawFacilities(
            frame=frame,
            rows=list(range(2, len(frame) + 2)),
            rows_in=len(frame),
            columns=match_columns([str(title) for title in frame.columns]),
            x=nothing,
            y=nothing,
            given=np.full(len(frame), "", dtype=object),
            place="",
        )
        return cls(raw, file)

    def texts(self, column: str) -> list[str]:
        """Return the cells of one of our columns, "" where the file has none."""
        title = self.raw.columns.columns.get(column)
        return [""] * len(self.raw.frame) if title is None else self.raw.frame[title].tolist()

    def problems(
        self,
        code: str,
        rows: Bools,
        *,
        title: str,
        values: Iterable[str] | None = None,
        severity: Severity = "warning",
        action: Action = "flagged",
        **details: object,
    ) -> list[Problem]:
        """Return a record of each of the rows."""
        shown = None if values is None else list(values)
        return [
            Problem(
                code=code,
                severity=severity,
                file=self.file,
                sheet=self.raw.sheet,
                row=self.raw.rows[at],
                column=title,
                value="" if shown is None else shown[at],
                action=action,
                details=details,
            )
            for at in np.flatnonzero(rows)
        ]

    def title(self, column: str) -> str:
        """Return the title of one of our columns in the file."""
        return self.raw.columns.columns.get(column, "")


def text_columns(cells: Cells) -> dict[str, Texts]:
    """Return name, address, grade, serves, members, declared unit and parent.

    Examples
    --------
    >>> found = text_columns(Cells.of(pd.DataFrame({"等级": ["３Ａ"], "服務村里": ["中央里;"]})))
    >>> found["grade"].tolist(), found["serves"].tolist(), found["declared_unit"].tolist()
    (['3A'], ['中央里'], [''])
    """
    unit = clean_names(cells.texts("unit"))
    unit_code = clean_codes(cells.texts("unit_code"))
    return {
        "name": clean_names(cells.texts("name")),
        "address": _plain(cells.texts("address")),
        "grade": _objects(
            "" if is_empty(text) else fold_width(text) for text in cells.texts("grade")
        ),
        "serves": _objects(";".join(split_list(text)) for text in cells.texts("serves")),
        "members": _objects(";".join(split_list(text)) for text in cells.texts("members")),
        "declared_unit": np.where(unit_code != "", unit_code, _plain(unit)).astype(object),
        "declared_parent": _plain(cells.texts("parent")),
    }


def _plain(texts: Iterable[str]) -> Texts:
    return _objects("" if is_empty(text) else text for text in clean_names(texts))


def _objects(values: Iterable[str]) -> Texts:
    items = list(values)
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


def codes(cells: Cells, *, declared: bool) -> tuple[Texts, list[Problem]]:
    """Return the codes; a running number is none, unless the project says that it is.

    Parameters
    ----------
    cells : Cells
    declared : bool
        The project names the column.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"编号": ["1", "2", "3"]}))
    >>> codes(cells, declared=False)[0].tolist(), codes(cells, declared=True)[0].tolist()
    (['', '', ''], ['1', '2', '3'])
    """
    code = clean_codes(cells.texts("code"))
    if declared or not all(re.fullmatch(r"0|[1-9]\d{0,5}", text) for text in code):
        return code, []
    values = np.array([int(text) for text in code])
    running = values[0] in (0, 1) and bool((np.diff(values) > 0).all())
    if not running or values[-1] > 1.2 * len(values) + 5:
        return code, []
    problem = Problem(
        code="facility.running_number",
        severity="note",
        file=cells.file,
        sheet=cells.raw.sheet,
        column=cells.title("code"),
        value=f"{code[0]} … {code[-1]}",
    )
    return np.full(len(code), "", dtype=object), [problem]


def number_columns(
    cells: Cells, settings: FacilitySettings, keep: Bools
) -> tuple[dict[str, Floats], list[Problem]]:
    """Return capacity, beds and floor area; an unreadable part leaves the sum empty.

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

    def read(texts: list[str], title: str) -> tuple[Floats, Bools]:
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

    for column in NUMBERS:
        if column == "capacity" and settings.capacity_sum:
            continue
        columns[column], _ = read(cells.texts(column), cells.title(column))
    if settings.capacity_sum:
        frame = cells.raw.frame
        titles = {normalise_title(str(title)): str(title) for title in reversed(frame.columns)}
        chosen = [
            title if title in frame.columns else titles[normalise_title(title)]
            for title in settings.capacity_sum
        ]
        read_parts = [read(frame[title].tolist(), title) for title in chosen]
        parts = np.vstack([values for values, _ in read_parts])
        ok = np.vstack([good for _, good in read_parts]).all(axis=0)
        given = np.isfinite(parts).any(axis=0)
        columns["capacity"] = np.where(ok & given, np.nansum(parts, axis=0), np.nan)
        problems += _doubled(cells, chosen, parts[:, keep])
    return columns, problems


def _doubled(cells: Cells, titles: list[str], parts: Floats) -> list[Problem]:
    """Warn where one of the columns to add up is the sum of the others."""
    total = np.nansum(parts, axis=0)
    filled = total > 0
    counts = [int((filled & np.isclose(2.0 * np.nan_to_num(own), total)).sum()) for own in parts]
    most = max(counts)
    # Of two columns each is "the sum of the others" wherever they are equal.
    if len(titles) < 3 or most < max(3, _SHARE_THAT_ADDS_UP * filled.sum()):  # noqa: PLR2004 - a sum and two parts
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
    cells: Cells, keep: Bools
) -> tuple[dict[str, NDArray[np.datetime64]], list[Problem]]:
    """Return opened, closed and renovated.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"开业时间": ["2021年3月5日", "去年"]}))
    >>> found, problems = date_columns(cells, np.array([True, True]))
    >>> found["opened"].astype("datetime64[D]").astype(str).tolist(), problems[0].row
    (['2021-03-05', 'NaT'], 3)
    """
    columns: dict[str, NDArray[np.datetime64]] = {}
    problems: list[Problem] = []
    for column in DATES:
        texts, title = cells.texts(column), cells.title(column)
        found = dates(texts)
        columns[column] = found.values
        problems += cells.problems("facility.bad_date", keep & ~found.ok, title=title, values=texts)
        partial = keep & found.partial
        if partial.any():
            first = cells.problems(
                "facility.date_partial",
                partial,
                title=title,
                values=texts,
                severity="note",
                count=int(partial.sum()),
            )
            problems.append(first[0])
    problems += cells.problems(
        "facility.closed_before_opened",
        keep & (columns["closed"] < columns["opened"]),
        title=cells.title("closed"),
        values=cells.texts("closed"),
    )
    return columns, problems


def status_column(cells: Cells, keep: Bools) -> tuple[Texts, list[Problem]]:
    """Return open, planned or closed, "" where not stated or not known.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"状态": ["运营中", "筹建", "？", "试一试"]}))
    >>> status, problems = status_column(cells, np.full(4, True))
    >>> status.tolist(), [problem.value for problem in problems]
    (['open', 'planned', '', ''], ['试一试'])
    """
    texts = cells.texts("status")
    words = status_words()
    status = _objects(words.get(normalise_title(text), "") for text in texts)
    given = np.array([not is_empty(text) for text in texts], dtype=bool)
    unknown = keep & given & (status == "")
    title = cells.title("status")
    return status, cells.problems("facility.bad_status", unknown, title=title, values=texts)


def extra_column(raw: RawFacilities) -> Texts:
    """Return the cells of unmapped columns as JSON, empty ones left out.

    Examples
    --------
    >>> extra_column(Cells.of(pd.DataFrame({"备注": ["新", ""]})).raw).tolist()
    ['{"备注": "新"}', '{}']
    """
    titles = sorted(raw.columns.unmapped)
    columns = [raw.frame[title].tolist() for title in titles]
    if not titles:
        return np.full(len(raw.frame), "{}", dtype=object)
    return _objects(
        json.dumps(
            {title: cell for title, cell in zip(titles, row, strict=True) if cell},
            ensure_ascii=False,
        )
        for row in zip(*columns, strict=True)
    )
