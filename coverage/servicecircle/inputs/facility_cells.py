"""The cells of a facility list as values: text, codes, numbers, dates, status, and the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from servicecircle.inputs.columns import match_columns, normalise_title, status_words
from servicecircle.inputs.facility_sources import RawFacilities
from servicecircle.inputs.gazetteer import unit_list
from servicecircle.inputs.text_columns import (
    changed,
    filled_cells,
    joined,
    matching,
    text_array,
    text_objects,
    text_series,
)
from servicecircle.inputs.values import (
    clean_codes,
    clean_names,
    dates,
    empty_cells,
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
DATES = ("opened", "closed", "renovated", "planned")
_SHARE_THAT_ADDS_UP = 0.9
_YEAR_ALONE = re.compile(r"(?:民国|民國)?\d{1,4}年?")


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
        >>> Cells.of(pd.DataFrame({"名称": ["甲"]})).texts("name").tolist()
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

    def texts(self, column: str) -> pd.Series[str]:
        """Return the cells of one of our columns, "" where the file has none."""
        title = self.raw.columns.columns.get(column)
        if title is None:
            return text_series(np.full(len(self.raw.frame), "", dtype=object))
        return self.raw.frame[title]

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
        found = np.flatnonzero(rows).tolist()
        if not found:
            return []
        shown = None if values is None else text_objects(values)
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
            for at in found
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
        "grade": _each(cells.texts("grade"), lambda text: fold_width(_filled(text))),
        "serves": _each(cells.texts("serves"), lambda text: ";".join(unit_list(text))),
        "members": _each(cells.texts("members"), lambda text: ";".join(split_list(text))),
        "declared_unit": np.where(unit_code != "", unit_code, _plain(unit)).astype(object),
        "declared_parent": _plain(cells.texts("parent")),
    }


def _filled(text: str) -> str:
    return "" if is_empty(text) else text


def _plain(texts: Iterable[str]) -> Texts:
    array = text_array(texts)
    names = clean_names(array)
    # What white space is put in order in stays as empty, or as filled, as it was.
    names[empty_cells(array)] = ""
    return names


def _each(texts: pd.Series[str], change: Callable[[str], str]) -> Texts:
    """Apply a change to each distinct cell that holds anything."""
    array = text_array(texts)
    return changed(array, change, rows=filled_cells(array))


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
    if declared or not matching(code, "^(?:0|[1-9][0-9]{0,5})$").all():
        return code, []
    values = code.astype(np.int64)
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
        read_parts = [read(frame[title], title) for title in chosen]
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
        found = dates(texts)
        partial = found.partial & found.ok
        columns[column] = _last_days(found.values, texts, partial, stands_for)
        problems += cells.problems("facility.bad_date", keep & ~found.ok, title=title, values=texts)
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
    status = _each(texts, lambda text: words.get(normalise_title(text), ""))
    unknown = keep & ~empty_cells(texts) & (status == "")
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
    if not titles:
        return np.full(len(raw.frame), "{}", dtype=object)
    entries = [_entries(raw.frame[title], title) for title in titles]
    # Each entry ends with a quotation mark, so that only the last comma goes.
    listed = pc.utf8_rtrim(joined(*entries), characters=", ")
    return text_objects(joined("{", listed, "}"))


def _entries(texts: pd.Series[str], title: str) -> Any:
    """Return ``"title": "cell", `` as JSON for each cell, "" where it is empty."""
    array = text_array(texts)
    # What JSON writes as it stands needs no look at each cell.
    plain = ~matching(array, r'[\x00-\x1f"\\]')
    quoted = joined('"', array, '"')
    if not plain.all():
        cells = text_objects(quoted)
        odd = changed(array, lambda text: json.dumps(text, ensure_ascii=False), rows=~plain)
        cells[~plain] = odd[~plain]
        quoted = text_array(cells)
    key = json.dumps(title, ensure_ascii=False)
    return pc.if_else(pc.equal(array, ""), "", joined(f"{key}: ", quoted, ", "))
